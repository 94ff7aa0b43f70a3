"""Bitnami's versions: those of the software, with a number for each packaging of it, `16.1.0-15`.

Source: https://github.com/bitnami/vulndb. Advisories speak of the software alone: every packaging of 16.1.0 is 16.1.0, so
that an end like `last_affected: 16.1.0` holds for all of them. The rest is as in `_formats/generic.py`.
"""

from hullmark.advisories._formats import generic
from hullmark.advisories.scheme import Scheme


def key(text: str) -> bytes:
    """Give a sort key for a version, whatever its packaging."""
    version, _, packaging = text.strip().rpartition("-")
    is_packaging = packaging.isascii() and packaging.isdigit() and "." in version
    return generic.key(version if is_packaging else text)


SCHEME = Scheme(name="bitnami", ecosystems=("bitnami",), key=key)
