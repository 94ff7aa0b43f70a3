"""`updateinfo.xml`, the errata in the metadata of a dnf or yum repository, read as a stream.

Format: https://github.com/rpm-software-management/createrepo_c, `updateinfo`; libsolv's `repo_updateinfoxml.c`
names its elements. Packages carry their epoch, which web pages of the same errata leave out.
"""

import re
from collections.abc import Iterator
from xml.parsers import expat

import msgspec

from hullmark.advisories.feed import DAMAGE, Document

_CHUNK = 1 << 18
_MAX_DEPTH = 32
_MAX_TEXT = 1 << 16


def first_mirror(body: bytes, _url: str) -> str:
    """Read a `mirror.list`: give the address of the metadata on the first mirror. Raises ValueError."""
    for line in body.decode("utf-8", "replace").splitlines():
        if re.fullmatch(r"https?://[!-~]{1,500}", line.strip()):
            return f"{line.strip().rstrip('/')}/repodata/repomd.xml"
    raise ValueError("it names no mirror")


def location(body: bytes, url: str) -> str:
    """Read a `repomd.xml`: give the address of the errata. Raises ValueError."""
    place = location_if_any(body, url)
    if not place:
        raise ValueError("it has no errata")
    return place


def location_if_any(body: bytes, url: str) -> str:
    """Read a `repomd.xml` of a repository that may have no errata: then give nothing. Raises ValueError."""
    text = body.decode("utf-8", "replace")
    if "</repomd>" not in text:
        raise ValueError("it is no list of a repository's metadata")
    data = re.search(r'<data type="updateinfo">(.{0,5000}?)</data>', text, re.DOTALL)
    if data is None:
        return ""
    place = re.search(r'<location href="([\w./-]{1,500})"', data[1])
    if place is None:
        raise ValueError("it does not say where the errata are")
    return url.removesuffix("repodata/repomd.xml") + place[1]


class UpdateinfoError(ValueError):
    """Not such a document; one clause for people."""


class Build(msgspec.Struct, frozen=True):
    """One package of an erratum; `evr` has its epoch unless that is 0."""

    name: str
    evr: str
    arch: str


class Update(msgspec.Struct):
    """One erratum. `references` are (type, id, link)."""

    kind: str = ""
    id: str = ""
    title: str = ""
    severity: str = ""
    description: str = ""
    issued: str = ""
    updated: str = ""
    references: list[tuple[str, str, str]] = []
    builds: list[Build] = []


class _Reader:
    def __init__(self) -> None:
        self.done: list[Update] = []
        self._update: Update | None = None
        self._stack: list[str] = []
        self._text: list[str] = []
        self._size = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._stack) >= _MAX_DEPTH:
            raise UpdateinfoError("XML nested too deeply")
        self._stack.append(name)
        self._text.clear()
        self._size = 0
        update = self._update
        if name == "update":
            self._update = Update(kind=attributes.get("type", ""))
        elif update is None:
            return
        elif name == "reference":
            update.references.append(
                (attributes.get("type", ""), attributes.get("id", ""), attributes.get("href", ""))
            )
        elif name == "package":
            epoch = attributes.get("epoch") or "0"
            evr = f"{attributes.get('version', '')}-{attributes.get('release', '')}"
            update.builds.append(
                Build(
                    attributes.get("name", ""),
                    evr if epoch == "0" else f"{epoch}:{evr}",
                    attributes.get("arch", ""),
                )
            )
        elif name in ("issued", "updated"):
            setattr(update, name, attributes.get("date", ""))

    def data(self, text: str) -> None:
        if self._size < _MAX_TEXT:
            self._text.append(text)
            self._size += len(text)

    def end(self, name: str) -> None:
        self._stack.pop()
        update = self._update
        if update is None:
            return
        if name == "update":
            self.done.append(update)
            self._update = None
        elif name in ("id", "title", "severity", "description") and self._stack[-1] == "update":
            setattr(update, name, " ".join("".join(self._text).split()))

    def entity(self, *_details: object) -> None:
        raise UpdateinfoError("XML that declares entities")


def updates(document: Document) -> Iterator[Update]:
    """Give each erratum. Raises `UpdateinfoError` where the document is damaged."""
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.data
    parser.EntityDeclHandler = reader.entity
    try:
        with document.open() as stream:
            while chunk := stream.read(_CHUNK):
                parser.Parse(chunk, False)
                yield from reader.done
                reader.done.clear()
            parser.Parse(b"", True)
    except UpdateinfoError:
        raise
    except (expat.ExpatError, LookupError, *DAMAGE) as problem:
        # LookupError and ValueError: an encoding that does not exist or that expat cannot use.
        raise UpdateinfoError(f"not readable as updateinfo: {problem}") from problem
    yield from reader.done
