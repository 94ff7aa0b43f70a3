"""Checks of an image's configuration, of its history and of what its file system allows whom.

`view.py` says what a check is given, each module of `rules/` has `CHECKS`, `checks.problems(view)` runs them. Nothing in here reads a layer.

The numbers of controls are those of the CIS Docker Benchmark 1.6 and 1.7, NIST SP 800-190 (countermeasures), NIST SP 800-53 revision 5 and PCI DSS 4.0.
"""
