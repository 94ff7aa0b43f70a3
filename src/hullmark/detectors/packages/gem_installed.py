"""Ruby gems that are installed: `specifications/*.gemspec`.

Format: what RubyGems' `Gem::Specification#to_ruby` writes on installation. It is Ruby, but generated: one assignment a
line, string literals. It is read as text and never run.
"""

import re
from collections.abc import Iterator

from hullmark.detectors.detector import Detector, File
from hullmark.model.facts import Package, Unread

_STUB = re.compile(r"^# stub: (\S+) (\S+) (\S+) ", re.MULTILINE)
_FIELD = re.compile(
    r"^[ \t]*\w+\.(name|version|platform|licenses?|original_platform)[ \t]*=[ \t]*([^\n]*)", re.MULTILINE
)
# a double- or single-quoted literal, or %q{…} as RubyGems before 1.8 wrote it
_LITERAL = re.compile(r"\"((?:[^\"\\#]|\\.|#(?!\{))*)\"|'((?:[^'\\]|\\.)*)'|%[qQ]\{([^{}]*)\}")
_ESCAPE = re.compile(r"\\(.)")
# bounds what an unclosed quote costs; a licence list is far shorter
_MAX_VALUE = 4096
_VERSION = re.compile(r"[0-9A-Za-z]+(?:[.-][0-9A-Za-z]+)*")


def _literals(text: str) -> list[str]:
    return [_ESCAPE.sub(r"\1", next(filter(None, found.groups()), "")) for found in _LITERAL.finditer(text)]


def read(file: File) -> Iterator[Package | Unread]:
    """Give the gem that a specification describes."""
    text = file.text()
    fields: dict[str, list[str]] = {}
    for found in _FIELD.finditer(text):
        if found[1] not in fields:
            fields[found[1]] = _literals(found[2][:_MAX_VALUE])

    def first(name: str) -> str:
        return next(iter(fields.get(name, ())), "")

    name, version, platform = first("name"), first("version"), first("platform")
    stub = _STUB.search(text)
    if stub:
        name, version, platform = name or stub[1], version or stub[2], platform or stub[3]
    if not name or not _VERSION.fullmatch(version):
        yield file.unread("gem specification without a literal name and version", kind="file")
        return
    yield Package(
        ecosystem="gem",
        name=name,
        version=version,
        arch="" if platform == "ruby" else platform,
        licences=tuple(
            licence for key in ("license", "licenses") for licence in fields.get(key, ()) if licence
        ),
    )


DETECTOR = Detector(
    name="gem_installed",
    version=1,
    # default gems stand one folder deeper (specifications/default)
    wants=("**/specifications/*.gemspec", "**/specifications/*/*.gemspec"),
    read=read,
    max_bytes=4 * 1024 * 1024,
)
