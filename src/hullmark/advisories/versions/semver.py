"""Semantic versions: npm, crates.io, Hex, Terraform's providers, and GitHub Actions, which are tags.

Specification: semver.org; how leniently it is read stands in `_formats/semver.py`. Build metadata never
counts: npm and Hex compare so, and Cargo's requirements, in which its advisories are written, do too.
"""

from hullmark.advisories._formats.semver import key
from hullmark.advisories.scheme import Scheme

SCHEME = Scheme(name="semver", ecosystems=("npm", "cargo", "hex", "github", "terraform"), key=key)
