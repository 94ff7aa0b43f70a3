// Deprecated: use example.com/harbour/v2
module "example.com/harbour" // the main module

go 1.21.0

toolchain go1.22.3

require example.com/single v1.0.0 // indirect; kept for tests

require (
	github.com/gorilla/mux v1.8.0
	"golang.org/x/sys" v0.1.0 // indirect
	example.com/forked v1.2.3
	example.com/forked-one v1.0.0
	example.com/local v0.0.0-00010101000000-000000000000
	example.com/excluded v1.0.0
	example.com/wide/v2 v2.1.0+incompatible // indirectly named
)

exclude example.com/excluded v1.0.0

replace (
	example.com/forked => github.com/other/forked v1.2.4
	example.com/forked-one v1.0.0 => github.com/other/forked-one v1.0.1
	example.com/forked-one v0.9.0 => github.com/other/forked-one v0.9.1
)

replace example.com/local => ../local

retract (
	v1.0.0 // by mistake
	[v1.1.0, v1.2.0]
)

tool golang.org/x/tools/cmd/stringer
