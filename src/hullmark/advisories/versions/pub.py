"""Dart's order of versions: semantic, but build metadata counts.

Specification: dart.dev/tools/pub/versioning and package `pub_semver`: 1.2.3 sorts before 1.2.3+1, since authors
publish fixes of old releases so.
"""

from hullmark.advisories._formats.semver import build_key
from hullmark.advisories.scheme import Scheme

SCHEME = Scheme(name="pub", ecosystems=("pub",), key=build_key)
