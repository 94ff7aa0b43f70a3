"""One module a kind of source; each defines `SOURCE`."""
