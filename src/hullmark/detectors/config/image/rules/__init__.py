"""One module a subject, each with `CHECKS`."""
