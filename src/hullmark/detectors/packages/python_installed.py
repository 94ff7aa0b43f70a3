"""Installed Python distributions: `*.dist-info/METADATA`, `*.egg-info` (folder or single file) and unpacked eggs.

Specified: https://packaging.python.org/en/latest/specifications/core-metadata/. Only the header block is read. A
distribution that another one ships inside itself (`setuptools/_vendor`) is installed as well: its code can be run.
"""

from collections.abc import Iterator

from hullmark.detectors._formats import licences, pypi
from hullmark.detectors._formats.headers import headers
from hullmark.detectors.detector import Detector, File, MalformedError
from hullmark.model.facts import Fact, Package


def read(file: File) -> Iterator[Fact]:
    """Give the one distribution that the file describes."""
    fields = headers(file.body)
    name = fields.get("name", [""])[0]
    version = fields.get("version", [""])[0]
    if not name and not version:
        raise MalformedError("metadata without name and version")
    if not pypi.is_name(name) or not pypi.is_version(version):
        raise MalformedError("metadata without a valid name and version")
    yield Package(
        ecosystem="pypi",
        name=name,
        version=version,
        licences=licences.of_python(
            fields.get("license-expression", [""])[0],
            fields.get("classifier", []),
            fields.get("license", [""])[0],
        ),
    )


DETECTOR = Detector(
    name="python_installed",
    version=1,
    wants=("**/*.dist-info/METADATA", "**/*.egg-info/PKG-INFO", "**/*.egg-info", "**/EGG-INFO/PKG-INFO"),
    read=read,
)
