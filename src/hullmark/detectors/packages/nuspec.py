""".NET packages in NuGet's global folder: `.nuget/packages/<id>/<version>/<id>.nuspec`.

Format: https://learn.microsoft.com/nuget/reference/nuspec. Left there by a restore inside the image, they are whole packages.
"""

from collections.abc import Iterator

from hullmark.detectors._formats import documents
from hullmark.detectors.detector import Detector, File, MalformedError
from hullmark.model.facts import Package, Unread


def read(file: File) -> Iterator[Package | Unread]:
    """Give the package that a manifest describes."""
    metadata = documents.xml(file).find("metadata")
    if metadata is None:
        raise MalformedError("not a nuspec: no metadata")
    name, version = metadata.value("id"), metadata.value("version")
    if not (name and version):
        yield file.unread("package without id or version", kind="file")
        return
    licence = metadata.find("license")
    expression = licence is not None and licence.attributes.get("type") == "expression"
    yield Package(
        ecosystem="nuget",
        name=name,
        version=version,
        licences=(licence.text.strip(),) if licence is not None and expression else (),
        vendor=metadata.value("authors"),
    )


DETECTOR = Detector(
    name="nuspec",
    version=2,
    wants=("**/.nuget/packages/*/*/*.nuspec", "**/NuGetFallbackFolder/*/*/*.nuspec"),
    read=read,
    max_bytes=4 * 1024 * 1024,
)
