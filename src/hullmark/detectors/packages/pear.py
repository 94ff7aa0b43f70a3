"""PHP packages and extensions that `pear` and `pecl` installed: `.registry/<package>.reg`.

Format: PEAR's `PEAR_Registry`: a serialised PHP array for each package, in `.channel.<channel>/` unless it is of pear.php.net. `version`
holds `release` and `api`, or was one text in packages of version 1.
"""

from collections.abc import Iterator

from hullmark.detectors._formats import php_serialized, untyped
from hullmark.detectors.detector import Detector, File, MalformedError
from hullmark.model.facts import Package, Unread

_DEFAULT_CHANNEL = "pear.php.net"


def read(file: File) -> Iterator[Package | Unread]:
    """Give the package that a registry entry describes."""
    record = php_serialized.parse(file.body, file.limits.max_depth)
    if not isinstance(record, dict):
        raise MalformedError("not a PEAR registry entry: not an array")
    name = untyped.text(record, "name") or untyped.text(record, "package")
    version = untyped.text(record, "version", "release") or untyped.text(record, "version")
    channel = untyped.text(record, "channel") or _DEFAULT_CHANNEL
    if not (name and version):
        yield file.unread("package without name or version", kind="file")
        return
    licence = untyped.text(record, "license", "_content") or untyped.text(record, "license")
    yield Package(
        ecosystem="pecl" if channel == "pecl.php.net" else "pear",
        name=name if channel in {"pecl.php.net", _DEFAULT_CHANNEL} else f"{channel}/{name}",
        version=version,
        licences=(licence,) if licence else (),
    )


DETECTOR = Detector(
    name="pear",
    version=1,
    wants=("**/.registry/*.reg", "**/.registry/.channel.*/*.reg"),
    read=read,
    max_bytes=4 * 1024 * 1024,
)
