"""Kubernetes manifests of any kind, and what `helm template` writes: several documents in one file, YAML or JSON."""

import re

from hullmark.detectors.config.references._found import Found, each_document
from hullmark.detectors.config.references._manifests import of_manifest
from hullmark.detectors.config.references._reference import Kind, TextFile

_RELATED = "RELATED_IMAGE_"
_API = re.compile(r"""^[ \t]{0,40}["']?apiVersion["']?[ \t]*:""", re.MULTILINE)
_KIND = re.compile(r"""^[ \t]{0,40}["']?kind["']?[ \t]*:|"kind"[ \t]*:""", re.MULTILINE)


def read(file: TextFile) -> Found:
    """Give the references of every document."""
    return each_document(file, lambda root: of_manifest(file, root))


def is_one(text: str) -> bool:
    """Tell it by the two keys that every object has."""
    if not any(word in text for word in ("image", "repository", "bundle", _RELATED)):
        return False
    return bool((_API.search(text) or '"apiVersion"' in text) and _KIND.search(text))


KIND = Kind("kubernetes", (), read, is_one)
