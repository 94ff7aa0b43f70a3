module github.com/pkg/errors

require example.com/not-ours v1.0.0
