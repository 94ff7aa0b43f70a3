"""An order for the versions of software that no package manager names: bare binaries, Conan. See `_formats/generic.py`."""

from hullmark.advisories._formats import generic
from hullmark.advisories.scheme import Scheme

SCHEME = Scheme(name="generic", ecosystems=("generic", "conan"), key=generic.key)
