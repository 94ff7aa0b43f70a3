"""Go binaries: the modules that the linker wrote into an executable, and the Go release that built it.

Format: the build-info blob that `go version -m` reads (src/debug/buildinfo/buildinfo.go of the Go source):
magic, pointer size, flags; since Go 1.18 two length-prefixed strings follow, before that two addresses of
string headers. The second string is the module list of `runtime/debug.BuildInfo`, one tab-separated line each.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from hullmark.detectors._formats.elf import Elf
from hullmark.detectors.detector import Detector, File
from hullmark.model.facts import Fact, Package

_MAGIC = b"\xff Go buildinf:"
_INLINE_MAGIC = (
    _MAGIC + b"\x08\x02"
)  # 64 bits, little endian, Go 1.18 on: rarely found in a string by accident
_SECTION = b".go.buildinfo"
_LIST_START = bytes.fromhex("3077af0c9274080241e1c107e6d618e6")
_LIST_END = bytes.fromhex("f932433186182072008242104116d8f2")
_ALIGNMENT = 16
_HEADER = 32
_BIG_ENDIAN, _INLINE = 1, 2
_MAX_VERSION = 1024
_MAX_LIST = 16 * 1024 * 1024
_MAX_TRIES = 1000
_UPX = b"UPX!"

_GO_VERSION = re.compile(r"go(\d+(?:\.\d+)*(?:(?:alpha|beta|rc)\d+)?)|(devel \S+)")
# What Go writes of a checkout that it sees no tag in, as a shallow clone of any release is.
_UNTAGGED = re.compile(r"\(devel\)\Z|v0\.0\.0-\d{14}-[0-9a-f]{12}(?:\+|\Z)")
_WORD = re.compile(r"""'([^']*)'|"([^"]*)"|(\S+)""")
_ESCAPE = re.compile(r"\\(.)")
_VERSION_VALUE = re.compile(r"v?(\d+\.\d+(?:\.\d+)?(?:[-+.~][0-9A-Za-z.+~-]*)?)")
_VERSION_NAMES = (
    "version",
    "gitversion",
    "buildversion",
    "appversion",
    "releaseversion",
    "programversion",
    "binversion",
    "fullversion",
    "semver",
    "semversion",
    "versionstring",
    "versionnumber",
    "currentversion",
    "gittag",
    "tag",
    "releasetag",
    "release",
    "gitdescribe",
)
_VERSION_PACKAGES = frozenset(
    {
        "main",
        "github.com/prometheus/common/version",
        "k8s.io/component-base/version",
        "k8s.io/client-go/pkg/version",
    }
)
"""Packages whose version variable means the program, though they may stand in another module."""


class _Info(NamedTuple):
    version: str
    modules: str
    whole: bool = True


def read(file: File) -> Iterator[Fact]:
    """Give `stdlib`, the main module and each dependency, replacements applied."""
    info, place = _whole(file.body) if file.whole else _excerpts(file)
    if info is None:
        if _UPX in file.body[:1024] and file.body[:4] == b"\x7fELF":
            yield file.unread("packed with UPX, its content was not searched", kind="file")
        elif place:
            yield file.unread("Go build information that can't be read", place)
        return
    yield from _release(file, info)
    yield from _modules(file, info)


def _whole(body: bytes) -> tuple[_Info | None, str]:
    """Try each place of the magic: Go's own tools and scanners hold it as a plain string too."""
    for start, end in _searched(body):
        info, place = _between(body, start, end)
        if info is not None or place:
            return info, place
    return None, ""


def _searched(body: bytes) -> tuple[tuple[int, int], ...]:
    """Give the ranges to search: as Go's tool does, only data where the sections have names and none is `.go.buildinfo`."""
    try:
        elf = Elf(body)
    except ValueError:
        return ((0, len(body)),)
    return elf.writable if elf.lacks(_SECTION) else ((0, len(body)),)


def _between(body: bytes, start: int, end: int) -> tuple[_Info | None, str]:
    at, tries, place = body.find(_MAGIC, start, end), 0, ""
    while at >= 0 and tries < _MAX_TRIES:
        if at % _ALIGNMENT == 0:
            info = _parse(body, at)
            if info is not None:
                return info, ""
            # a true blob has a pointer size in the next byte; text has not
            if not place and body[at + 14 : at + 15] in {b"\4", b"\x08"}:
                place = f"offset {at}"
        tries += 1
        at = body.find(_MAGIC, at + len(_MAGIC), end)
    return None, place if at < 0 else f"more than {_MAX_TRIES} marks"


def _excerpts(file: File) -> tuple[_Info | None, str]:
    """Read a file of which only the surroundings of the markers are known.

    The list's own start mark helps where the first magic is a plain string, and with the addresses of Go
    before 1.18, which point outside the excerpt.
    """
    for marker in (_INLINE_MAGIC, _MAGIC):
        excerpt = file.excerpts.get(marker, b"")
        at = excerpt.find(marker)
        if at >= 0:
            info = _parse(excerpt, at)
            if info is not None:
                return info, ""
    excerpt = file.excerpts.get(_LIST_START, b"")
    start = excerpt.find(_LIST_START)
    if start >= 0:
        end = excerpt.find(_LIST_END, start)
        text = excerpt[start + 16 : end if end >= 0 else len(excerpt)]
        return _Info("", _text(text), whole=end >= 0), ""
    return None, "its start" if _MAGIC in file.excerpts else ""


def _parse(body: bytes, at: int) -> _Info | None:
    """Decode the blob at an offset; nothing where it is none."""
    if at + _HEADER > len(body):
        return None
    pointer_size, flags = body[at + 14], body[at + 15]
    whole = True
    elf: Elf | None = None
    after = at + _HEADER
    if flags & _INLINE:
        version, after, _ = _inline(body, after, _MAX_VERSION)
    else:
        try:
            elf = Elf(body)
        except ValueError:
            return None
        elf.order = ">" if flags & _BIG_ENDIAN else "<"
        version = _pointed(elf, body, at + 16, pointer_size, _MAX_VERSION)
    text = version.decode("utf-8", "replace")
    if not (_GO_VERSION.match(text) or text == "unknown"):
        return None
    if elf is None:
        modules, _, whole = _inline(body, after, _MAX_LIST)
    else:
        modules = _pointed(elf, body, at + 16 + pointer_size, pointer_size, _MAX_LIST)
    if modules[:16] == _LIST_START:
        modules = modules[16:].removesuffix(_LIST_END)
    elif len(modules) >= 33 and modules[-17:-16] == b"\n":
        modules = modules[16:-16]
    else:
        modules = b""
    return _Info(text, _text(modules), whole)


def _inline(body: bytes, at: int, limit: int) -> tuple[bytes, int, bool]:
    """Read a string after its length (unsigned LEB128): the string, where it ends, whether it is all there."""
    length = shift = 0
    for byte in body[at : at + 5]:
        length |= (byte & 0x7F) << shift
        shift += 7
        at += 1
        if byte < 0x80:
            break
    end = at + min(length, limit)
    return body[at:end], end, length <= limit and end <= len(body)


def _pointed(elf: Elf, body: bytes, at: int, pointer_size: int, limit: int) -> bytes:
    """Follow an address to a string header (address, length) and that to the string."""
    if pointer_size not in {4, 8}:
        return b""
    header = elf.at(elf.pointer(body, at, pointer_size), 2 * pointer_size)
    length = elf.pointer(header, pointer_size, pointer_size)
    if not 0 < length <= limit:
        return b""
    return elf.at(elf.pointer(header, 0, pointer_size), length)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _release(file: File, info: _Info) -> Iterator[Fact]:
    found = _GO_VERSION.match(info.version)
    if found is None:
        yield file.unread("which Go release built it is not known", "Go version")
        return
    # the same release, built otherwise: 'go1.21.3 X:boringcrypto', 'go1.26.8-X:jsonv2', 'go1.21.3 (Red Hat 1.21.3-4.el9)'
    version = found[1] or found[2]
    yield Package(ecosystem="golang", name="stdlib", version=version, origin="binary")


def _modules(file: File, info: _Info) -> Iterator[Fact]:
    if not info.modules:
        yield file.unread("Go binary without a list of its modules", "build information")
        return
    settings: list[str] = []
    found: list[tuple[bool, list[str], int]] = []
    lines = info.modules.split("\n")
    for number, line in enumerate(lines if info.whole else lines[:-1], 1):
        kind, _, rest = line.partition("\t")
        fields = rest.split("\t")
        if kind in {"mod", "dep"}:
            found.append((kind == "mod", fields, number))
        elif kind == "=>":
            if not found:
                yield file.unread("replacement of no module", f"build information line {number}")
                continue
            is_main, replaced, _line = found[-1]
            found[-1] = (is_main, _replace(replaced, fields), number)
        elif kind == "build" and rest.startswith("-ldflags="):
            settings.append(rest.removeprefix("-ldflags="))
    if not info.whole and found:
        found.pop()  # what replaces it may be missing
    for is_main, fields, number in found:
        name, version = fields[0], fields[1] if len(fields) > 1 else ""
        if not name:
            yield file.unread("module without a name", f"build information line {number}")
            continue
        if is_main and _UNTAGGED.match(version):
            version = _linked_version(name, settings) or version.removeprefix("(devel)")
        version = version.removeprefix("(devel)")
        yield Package(
            ecosystem="golang",
            name=name,
            version=version,
            origin="binary",
            place="main module" if is_main else "",
        )
    if not info.whole:
        yield file.unread("the list of modules is cut off", "build information")


def _replace(module: list[str], replacement: list[str]) -> list[str]:
    """Give the module that was built instead. A folder (`=> ./fork`) keeps the name and has no known version."""
    if replacement[0].startswith(("./", "../", "/")) or not replacement[0]:
        return [module[0], ""]
    return replacement


def _linked_version(module: str, settings: list[str]) -> str:
    """Find the main module's version among the variables that `-ldflags -X` set; empty where they disagree."""
    ranked: dict[tuple[int, int], set[str]] = {}
    for variable, value in _variables(settings):
        package, _, name = variable.rpartition(".")
        owner = package in _VERSION_PACKAGES or f"{package}/".startswith(f"{module}/")
        usable = _VERSION_VALUE.fullmatch(value)
        if owner and usable and name.lower() in _VERSION_NAMES:
            rank = _VERSION_NAMES.index(name.lower()), int(package != "main")
            ranked.setdefault(rank, set()).add(f"v{usable[1]}")
    best = ranked[min(ranked)] if ranked else set()
    return best.pop() if len(best) == 1 else ""


def _variables(settings: list[str]) -> Iterator[tuple[str, str]]:
    """Give each `-X package.name=value`. The whole setting may be quoted as Go quotes, its words as a shell does."""
    for setting in settings:
        text = _ESCAPE.sub(r"\1", setting[1:-1]) if setting.startswith('"') else setting
        words = ["".join(word.groups("")) for word in _WORD.finditer(text)]
        for at, word in enumerate(words):
            if word in {"-X", "--X"}:
                pair = words[at + 1] if at + 1 < len(words) else ""
            elif word.startswith(("-X=", "--X=")):
                pair = word.partition("=")[2]
            else:
                continue
            variable, _, value = pair.partition("=")
            yield variable, value.strip("'\"")


DETECTOR = Detector(
    name="go_binary",
    version=4,
    wants=("**/*.exe",),
    read=read,
    binaries=True,
    markers=(_INLINE_MAGIC, _MAGIC, _LIST_START),
)
