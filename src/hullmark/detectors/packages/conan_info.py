"""C and C++ packages in Conan 1's local cache: `data/<name>/<version>/<user>/<channel>/package/<id>/conaninfo.txt`.

Format: https://docs.conan.io/1/reference/config_files/conaninfo.txt.html: `[full_requires]` lists `name/version[@user/channel]:<package id>` of
all that the package was built with.
"""

import re
from collections.abc import Iterator

from hullmark.detectors.detector import Detector, File
from hullmark.model.facts import Package, Unread

_PLACE = re.compile(r"(?:.*/)?([^/]+)/(\d[^/]*|[^/]*\d[^/]*)/[^/]+/[^/]+/package/[0-9a-f]+/conaninfo\.txt")
_REFERENCE = re.compile(r"([^\s/@#:]+)/([^\s/@#:]+)(?:@[^\s#:]*)?(?:#[^\s:]*)?(?::\S*)?")


def read(file: File) -> Iterator[Package | Unread]:
    """Give the package that the folders name, and what it needs at the versions that it was built with."""
    if place := _PLACE.fullmatch(file.path):
        yield Package(ecosystem="conan", name=place[1], version=place[2])
    section = ""
    for number, line in enumerate(file.text().splitlines(), 1):
        text = line.strip()
        if text.startswith("["):
            section = text
        elif text and section == "[full_requires]":
            found = _REFERENCE.fullmatch(text)
            if not found:
                yield file.unread("not a reference", f"line {number}")
                continue
            yield Package(
                ecosystem="conan",
                name=found[1],
                version=found[2],
                place=f"line {number}",
                origin="locked",
            )


DETECTOR = Detector(name="conan_info", version=1, wants=("**/conaninfo.txt",), read=read)
