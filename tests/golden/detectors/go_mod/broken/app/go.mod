module example.com/broken

go 1.22

require github.com/gorilla/mux
require (
	github.com/pkg/errors v0.9.1 extra
	github.com/pkg/profile v1.7.0
