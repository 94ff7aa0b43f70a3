"""Arch Linux pacman: one folder for each installed package, with its description and its files.

Format: libalpm's local database (lib/libalpm/be_local.c): `%FIELD%` on a line of its own, then its values, one a
line, up to an empty line.
"""

from collections.abc import Iterator

from hullmark.detectors._formats import programs
from hullmark.detectors.detector import Detector, File
from hullmark.model.facts import Fact, OwnedPaths, Package


def read(file: File) -> Iterator[Fact]:
    """Give the package of a `desc` file, or the wanted paths of a `files` file."""
    if file.name == "files":
        wanted = file.wanted
        paths = _fields(file).get("FILES", [])
        named = [path for path in paths if wanted(path)]
        may_run = programs.among([path for path in paths if path[-1:] != "/"], libraries=True)
        owned = tuple(dict.fromkeys([*named, *may_run]))
        if owned:
            # The folder is called name-version-release, and neither of the two last has a hyphen.
            folder = file.path.split("/")[-2]
            yield OwnedPaths(folder.rsplit("-", 2)[0], owned)
        return
    fields = _fields(file)
    name, version = _first(fields, "NAME"), _first(fields, "VERSION")
    if not (name and version):
        yield file.unread("no name or version", kind="package_database")
        return
    yield Package(
        ecosystem="alpm",
        name=name,
        version=version,
        arch=_first(fields, "ARCH"),
        source=_first(fields, "BASE"),
        source_version=version if "BASE" in fields else "",
        licences=tuple(fields.get("LICENSE", ())),
        vendor=_first(fields, "PACKAGER"),
    )


def _fields(file: File) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    values: list[str] = []
    for line in file.text().split("\n"):
        if line[:1] == "%" and line[-1:] == "%" and len(line) > 2:
            values = fields.setdefault(line[1:-1], [])
        elif line:
            values.append(line)
        else:
            values = []  # what stands outside a field belongs to none
    return fields


def _first(fields: dict[str, list[str]], name: str) -> str:
    return next(iter(fields.get(name, ())), "")


DETECTOR = Detector(
    name="alpm",
    version=2,
    wants=("var/lib/pacman/local/*/desc", "var/lib/pacman/local/*/files"),
    read=read,
    database=True,
    owns=True,
)
