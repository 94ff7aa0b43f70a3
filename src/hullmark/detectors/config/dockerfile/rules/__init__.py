"""The rule packs for Dockerfiles. One module a pack with `CHECKS`; adding one is adding a file (`lint.py` finds it)."""
