"""Packages that conda, mamba or micromamba installed: `conda-meta/<name>-<version>-<build>.json`.

Format: https://docs.conda.io/projects/conda-build/en/latest/resources/package-spec.html, the repodata record with what the installer adds. Python
distributions among them are found by their own metadata as well.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from hullmark.detectors._formats import licences
from hullmark.detectors.detector import Detector, File, MalformedError
from hullmark.model.facts import Fact, Package


class _Record(msgspec.Struct):
    name: str
    version: str
    subdir: str | None = None
    license: Any = None
    requested_spec: Any = None


_DECODER = msgspec.json.Decoder(_Record)


def read(file: File) -> Iterator[Fact]:
    """Give the one package that the file describes."""
    try:
        record = _DECODER.decode(file.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise MalformedError(f"not a conda record: {problem}") from problem
    if not record.name or not record.version:
        raise MalformedError("conda record without name or version")
    yield Package(
        ecosystem="conda",
        name=record.name,
        version=record.version,
        arch=record.subdir or "",
        licences=licences.of_npm(record.license),
        direct=True if record.requested_spec and record.requested_spec != "None" else None,
    )


DETECTOR = Detector(name="conda", version=1, wants=("**/conda-meta/*.json",), read=read)
