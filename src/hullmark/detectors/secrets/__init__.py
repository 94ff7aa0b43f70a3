"""Secrets in files: which rules there are (`rules/`, one module a pack) and the engine that looks for all of them at once."""
