"""Dockerfiles and Containerfiles, parsed whole: `parser.parse(text, path) -> Dockerfile`, and the shell in them.

Specification: https://docs.docker.com/reference/dockerfile/; what it leaves open is done as BuildKit's parser does it.
"""
