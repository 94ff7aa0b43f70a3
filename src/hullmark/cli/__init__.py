"""The command line: one thin module a command; everything heavy is imported inside."""
