"""Lua rocks that are installed: `rocks-5.1/<rock>/<version>/<rock>-<version>.rockspec` below `lib/luarocks`.

Format: https://github.com/luarocks/luarocks/wiki/Rockspec-format. It is Lua; `package`, `version` and the licence are read as text where
they are literals or names of such, and never run. The folders say name and version too.
"""

import re
from collections.abc import Iterator

from hullmark.detectors.detector import Detector, File
from hullmark.model.facts import Package, Unread

_ASSIGNMENT = re.compile(r"^[ \t]*(?:local[ \t]+)?([A-Za-z_]\w*)[ \t]*=[ \t]*([^\n]*)", re.MULTILINE)
_PART = re.compile(r"[ \t]*(?:\"([^\"\\]*)\"|'([^'\\]*)'|([A-Za-z_]\w*))[ \t]*(\.\.|,|;|--.*|\r?$)")
_INSTALLED = re.compile(r"(?:.*/)?rocks(?:-[\d.]+)?/([^/]+)/([^/]+)/[^/]+")
# bounds for what a value may be: names of a rock, its version and licence are short
_MAX_VALUE = 256


def _text(expression: str, known: dict[str, str]) -> str:
    """Give the text of literals and known names joined by `..`; empty for anything else."""
    joined, at, more = "", 0, True
    while more:
        part = _PART.match(expression, at)
        if not part:
            return ""
        joined += known.get(part[3], "") if part[3] else part[1] or part[2] or ""
        at, more = part.end(), part[4] == ".."
    return joined[:_MAX_VALUE]


def read(file: File) -> Iterator[Package | Unread]:
    """Give the rock that a rockspec describes."""
    fields: dict[str, str] = {}
    for found in _ASSIGNMENT.finditer(file.text()):
        # inside `description` comes the licence; all else of interest stands at the top
        if found[1] not in fields and (value := _text(found[2][:_MAX_VALUE], fields)):
            fields[found[1]] = value
    where = _INSTALLED.fullmatch(file.path)
    name = fields.get("package") or (where[1] if where else "")
    version = fields.get("version") or (where[2] if where else "")
    if not (name and version):
        yield file.unread("rockspec without a literal package and version", kind="file")
        return
    licence = fields.get("license", "")
    yield Package(
        ecosystem="luarocks",
        name=name,
        version=version,
        licences=(licence,) if licence else (),
        origin="installed" if where else "declared",
    )


DETECTOR = Detector(
    name="rockspec", version=1, wants=("**/*.rockspec",), read=read, max_bytes=4 * 1024 * 1024
)
