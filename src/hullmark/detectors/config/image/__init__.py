"""Checks of an image's configuration, of its history and of what its file system allows whom.

`view.py` says what a check is given, each module of `rules/` has `CHECKS`, `checks.problems(view)` runs them. Nothing in here reads a layer.
"""
