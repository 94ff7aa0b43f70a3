"""Installed Python distributions: `*.dist-info/METADATA`, `*.egg-info` (folder or single file) and eggs, unpacked or zipped.

Specified: https://packaging.python.org/en/latest/specifications/core-metadata/. Only the header block is read. A
distribution that another one ships inside itself (`setuptools/_vendor`) is installed as well: its code can be run.
"""

from collections.abc import Iterator

from hullmark.detectors._formats import licences, pypi
from hullmark.detectors._formats.headers import headers
from hullmark.detectors._formats.zip import Archive, Budget
from hullmark.detectors.detector import Detector, File, MalformedError
from hullmark.model.facts import Fact, Package

_EGG_METADATA = b"EGG-INFO/PKG-INFO"
_MAX_METADATA = 4 * 1024 * 1024


def read(file: File) -> Iterator[Fact]:
    """Give the one distribution that the file describes."""
    folder, _, name = file.path.rpartition("/")
    if (name if name.endswith(".egg-info") else folder.rpartition("/")[2]).startswith("~"):
        return  # `~umpy-1.26.0.dist-info` is what an uninstall by pip was stopped at; pip no longer counts it, nor can it be imported
    if not file.name.endswith(".egg"):
        yield _package(file.body)
        return
    archive = Archive(file.body, Budget(file.limits))
    found = next(archive.entries(_EGG_METADATA.__eq__), None)
    if found is None:
        raise MalformedError("egg without EGG-INFO/PKG-INFO")
    yield _package(archive.read(found, _MAX_METADATA))


def _package(metadata: bytes) -> Package:
    fields = headers(metadata)
    name = fields.get("name", [""])[0]
    version = fields.get("version", [""])[0]
    if not pypi.is_name(name) or not pypi.is_version(version):
        raise MalformedError("metadata without a valid name and version")
    return Package(
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
    version=3,
    wants=(
        "**/*.dist-info/METADATA",
        "**/*.egg-info/PKG-INFO",
        "**/*.egg-info",
        "**/EGG-INFO/PKG-INFO",
        "**/*.egg",
    ),
    read=read,
)
