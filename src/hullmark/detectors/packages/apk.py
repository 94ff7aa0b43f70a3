"""Alpine apk: the database of installed packages.

Format: apk-tools' installed database, one letter a field (P name, V version, A architecture, o origin, L
licence, F folder, R file in it,
a owner, group and permissions of the file before it, where they are not root's and 0644).
"""

from collections.abc import Iterator

from hullmark.detectors.detector import Detector, File
from hullmark.model.facts import Fact, OwnedPaths, Package

_MAX_PATH = 4096  # as on Linux


def read(file: File) -> Iterator[Fact]:
    """Give a package for each paragraph, and the paths that it owns and some detector wants, by name or as programs."""
    fields: dict[str, str] = {}
    owned: list[str] = []
    folder: str | None = ""
    path = ""
    first = 1
    for number, line in enumerate([*file.text().split("\n"), ""], 1):
        if not line:
            if fields:
                yield from _package(file, fields, owned, first)
            fields, owned, folder, path, first = {}, [], "", "", number + 1
            continue
        key, colon, value = line[:1], line[1:2], line[2:]
        if colon != ":":
            yield file.unread("not a field of an apk database", f"line {number}")
        elif key == "F":
            folder, path = value, ""
            if len(value) > _MAX_PATH:
                folder = None
                yield file.unread(f"a path of {len(value)} bytes", f"line {number}")
        elif key == "R":
            path = "" if folder is None else f"{folder}/{value}" if folder else value
            if file.wanted(path):
                owned.append(path)
        elif key == "a":
            if path and _may_run(value) and owned[-1:] != [path]:
                owned.append(path)
        else:
            fields.setdefault(key, value)


def _may_run(permissions: str) -> bool:
    """Tell whether `owner:group:mode` has an execute bit. Links are listed as files of mode 777."""
    mode = permissions.rpartition(":")[2][-3:]
    return mode != "777" and any(digit in "1357" for digit in mode)


def _package(file: File, fields: dict[str, str], owned: list[str], line: int) -> Iterator[Fact]:
    if not (fields.get("P") and fields.get("V")):
        yield file.unread("record without name or version", f"line {line}")
        return
    name, version = fields["P"], fields["V"]
    licence = fields.get("L", "")
    yield Package(
        ecosystem="apk",
        name=name,
        version=version,
        arch=fields.get("A", ""),
        source=fields.get("o", ""),
        licences=(licence,) if licence else (),
        vendor=fields.get("m", ""),
    )
    if owned:
        yield OwnedPaths(name, tuple(owned))


DETECTOR = Detector(
    name="apk",
    version=3,
    wants=("lib/apk/db/installed", "usr/lib/apk/db/installed"),
    read=read,
    database=True,
    owns=True,
)
