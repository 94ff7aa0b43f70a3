"""Misconfiguration: of Dockerfiles, of an image's own configuration and of its files. Pure functions; one module a rule pack."""
