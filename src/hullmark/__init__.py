"""Hullmark: finds what is wrong in container images and decides, by policy, whether they may sail."""

__version__ = "0.1.0"
