"""Fixtures that the end-to-end tests share with those of the sources."""

from images.conftest import home

__all__ = ["home"]
