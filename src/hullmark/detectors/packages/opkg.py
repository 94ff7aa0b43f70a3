"""OpenWrt and Yocto opkg: the database of installed packages and the files that they own.

Format: opkg's status file, deb822 paragraphs as in dpkg's; `info/*.list` has one path a line.
"""

from collections.abc import Iterator

from hullmark.detectors._formats import deb822
from hullmark.detectors.detector import Detector, File
from hullmark.model.facts import Fact, OwnedPaths, Package

_FOLDERS = ("usr/lib/opkg", "var/lib/opkg")
_GONE = frozenset({"not-installed", "config-files"})
_THERE = frozenset(
    {"installed", "unpacked", "half-installed", "half-configured", "post-inst-failed", "removal-failed"}
)


def read(file: File) -> Iterator[Fact]:
    """Give the installed packages of the status file, or the wanted paths of a file list."""
    if file.name.endswith(".list"):
        wanted = file.wanted
        lines = (line.partition("\t")[0].lstrip("/") for line in file.text().split("\n"))
        owned = tuple(path for path in lines if wanted(path))
        if owned:
            yield OwnedPaths(file.name.removesuffix(".list"), owned)
        return
    text = file.text()
    empty = True
    for record in deb822.records(text):
        empty = False
        place = f"line {record.line}"
        name, version = record.get("Package"), record.get("Version")
        state = next(iter(record.get("Status").split()[-1:]), "installed")
        if name and state in _GONE:
            continue
        if state not in _THERE:
            yield file.unread(f"unknown package state {state[:40]!r}", place)
        elif not (name and version):
            yield file.unread("record without name or version", place)
        else:
            licence = record.get("License")
            yield Package(
                ecosystem="opkg",
                name=name,
                version=version,
                arch=record.get("Architecture"),
                source=record.get("SourceName"),
                licences=(licence,) if licence else (),
                vendor=record.get("Maintainer"),
            )
    if empty and text.strip():
        yield file.unread("not an opkg status file", kind="package_database")


DETECTOR = Detector(
    name="opkg",
    version=1,
    wants=tuple(f"{folder}/{name}" for folder in _FOLDERS for name in ("status", "info/*.list")),
    read=read,
    database=True,
    owns=True,
)
