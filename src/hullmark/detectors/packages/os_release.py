"""Which distribution an image is: `os-release` and the files that came before it.

Format: os-release(5), assignments that a shell could read; the older files are one line each in a vendor's own words
("CentOS release 6.10 (Final)") or, like lsb-release, assignments too.
"""

import re
from collections.abc import Iterator

import msgspec

from hullmark.detectors.detector import Detector, File, Seen, View
from hullmark.model.facts import Distribution, Fact

_PRECEDENCE = (
    "etc/os-release",
    "usr/lib/os-release",
    "etc/alpine-release",
    "etc/openwrt_release",
    "etc/lsb-release",
    "etc/oracle-release",
    "etc/almalinux-release",
    "etc/rocky-release",
    "etc/centos-release",
    "etc/fedora-release",
    "etc/redhat-release",
    "etc/system-release",
    "etc/photon-release",
    "etc/mariner-release",
    "etc/azurelinux-release",
    "etc/SuSE-release",
    "etc/debian_version",
)
"""Clones of Red Hat's call themselves by their own name only in their own file: `oracle-release` goes before all."""

_WORD = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|'([^']*)'|((?:[^\s\"'\\]|\\.)+)", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPE_QUOTED = re.compile(r"\\([\"\\$`])")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CODENAME = re.compile(r"\(([A-Za-z]+)[^)]*\)")
_RELEASE = re.compile(
    r"(?P<name>\S[^\n(]*?)\s+(?:release\s+(?P<word>[A-Za-z]\w*)|(?:release\s+)?v?(?P<version>\d[\w.+~-]*))"
    r"(?:[^\n(]*\((?P<codename>[^)\n]*)\))?",
    re.IGNORECASE,
)
_MAX_LINE = 1_000
_MAX_FACTS = 65_536  # bytes; the longest real ones have a few hundred

_IDS = (
    ("red hat enterprise linux", "rhel"),
    ("centos", "centos"),
    ("fedora", "fedora"),
    ("almalinux", "almalinux"),
    ("rocky linux", "rocky"),
    ("oracle linux", "ol"),
    ("enterprise linux enterprise linux", "ol"),  # what Oracle called it up to 5.2
    ("amazon linux", "amzn"),
    ("vmware photon", "photon"),
    ("photon", "photon"),
    ("cbl-mariner", "mariner"),
    ("microsoft azure linux", "azurelinux"),
    ("azure linux", "azurelinux"),
    ("scientific linux", "scientific"),
    ("suse linux enterprise server", "sles"),
    ("suse linux enterprise desktop", "sled"),
    ("opensuse", "opensuse"),
    ("anolis os", "anolis"),
    ("cloudlinux", "cloudlinux"),
)


def read(file: File) -> Iterator[Fact]:
    """Give what the file says, as it says it."""
    text = file.text()
    if len(text) > _MAX_FACTS:
        yield file.unread("far too long for a release file", kind="file")
        return
    if not text.strip():
        return
    if file.name == "os-release":
        yield from _os_release(file, text)
    elif file.name in {"lsb-release", "openwrt_release"}:
        yield from _lsb_release(file, text)
    elif file.name == "alpine-release":
        yield Distribution("alpine", _line(text))
    elif file.name == "debian_version":
        version = _line(text)
        numeric = version[:1].isdigit()
        yield Distribution(
            "debian",
            version if numeric else "",
            codename="" if numeric else version.partition("/")[0],
        )
    else:
        yield from _release(file, text)


def _os_release(file: File, text: str) -> Iterator[Fact]:
    fields, broken = _assignments(text)
    for line in broken:
        yield file.unread("not an assignment that a shell could read", f"line {line}")
    if not fields:
        return
    identifier = fields.get("ID") or "linux"  # the default of os-release(5)
    codename = fields.get("VERSION_CODENAME", "")
    # Mint 21.3 is `virginia`, made from `jammy`; its Debian edition 6 is `faye`, made from `bookworm`.
    base = fields.get("UBUNTU_CODENAME") or fields.get("DEBIAN_CODENAME", "")
    if base and identifier in {"debian", "ubuntu"}:
        codename, base = codename or base, ""  # Ubuntu says it of itself
    if not codename and identifier in {"debian", "ubuntu"}:
        # Debian 9 and Ubuntu 16.04 have it only here: VERSION="9 (stretch)", "16.04.7 LTS (Xenial Xerus)"
        found = _CODENAME.search(fields.get("VERSION", ""))
        codename = found[1].lower() if found else ""
    yield Distribution(
        id=identifier,
        version_id=fields.get("VERSION_ID", ""),
        id_like=tuple(fields.get("ID_LIKE", "").split()),
        codename=codename,
        pretty_name=fields.get("PRETTY_NAME", ""),
        cpe=fields.get("CPE_NAME", ""),
        variant=fields.get("VARIANT_ID", ""),
        support_end=fields.get("SUPPORT_END", ""),
        base_codename=base,
    )


def _lsb_release(file: File, text: str) -> Iterator[Fact]:
    fields, broken = _assignments(text)
    for line in broken:
        yield file.unread("not an assignment that a shell could read", f"line {line}")
    identifier = fields.get("DISTRIB_ID", "").lower()
    if identifier:
        yield Distribution(
            id=identifier,
            version_id=fields.get("DISTRIB_RELEASE", ""),
            codename=fields.get("DISTRIB_CODENAME", ""),
            pretty_name=fields.get("DISTRIB_DESCRIPTION", ""),
        )


def _release(file: File, text: str) -> Iterator[Fact]:
    line = _line(text)
    match = _RELEASE.match(line[:_MAX_LINE])
    if not match:
        yield file.unread("says no distribution and version", "line 1", "file")
        return
    name = match["name"].lower()
    known = next((identifier for start, identifier in _IDS if name.startswith(start)), "")
    version = match["version"] or match["word"].lower()
    codename = match["codename"] or ""
    if file.name == "SuSE-release":
        # "VERSION = 11", "PATCHLEVEL = 4": service packs are no part of the first line, which names the machine
        pairs = (row.partition("=") for row in text.split("\n"))
        more = {name.strip(): value.strip() for name, _, value in pairs}
        patch = more.get("PATCHLEVEL", "0")
        version = more.get("VERSION", version) + (f".{patch}" if patch != "0" else "")
        codename = more.get("CODENAME", "")
    yield Distribution(
        id=known or re.sub(r"[^a-z0-9._-]", "", name),
        version_id=version,
        codename=codename,
        pretty_name=line,
    )


def _line(text: str) -> str:
    return text.strip().partition("\n")[0].strip()


def _assignments(text: str) -> tuple[dict[str, str], list[int]]:
    """Give the variables as a shell would set them, and the numbers of lines that it could not read."""
    fields: dict[str, str] = {}
    broken: list[int] = []
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if not stripped or stripped[0] == "#":
            continue
        name, equals, value = stripped.partition("=")
        words, at = [], 0
        while match := _WORD.match(value, at):
            double, single, bare = match.groups()
            if double is not None:
                words.append(_ESCAPE_QUOTED.sub(r"\1", double))
            else:
                words.append(single if single is not None else _ESCAPE.sub(r"\1", bare))
            at = match.end()
        rest = value[at:].strip()
        if not equals or not _NAME.fullmatch(name) or (rest and rest[0] != "#"):
            broken.append(number)
            continue
        fields[name] = "".join(words)
    return fields, broken


def distribution(view: View) -> Distribution | None:
    """Give the distribution as the file that knows best says it, completed from the others.

    Alpine's `alpine-release` also has the point release of an edge or rc image. Debian's testing and unstable
    have no number: their codename stands in its place.
    """
    stated = {
        seen.path: fact
        for seen in view.files("os_release")
        for fact in seen.facts
        if isinstance(fact, Distribution)
    }
    known = proof(view)
    if known is None:
        return None
    best = stated[known.path]
    alpine, debian = stated.get("etc/alpine-release"), stated.get("etc/debian_version")
    if best.id == "alpine" and alpine:
        return msgspec.structs.replace(best, version_id=alpine.version_id)
    if best.id == "debian" and debian:
        best = msgspec.structs.replace(
            best,
            version_id=best.version_id or debian.version_id,
            codename=best.codename or debian.codename,
        )
    if not best.version_id and best.codename:
        return msgspec.structs.replace(best, version_id=best.codename)
    return best


def proof(view: View) -> Seen | None:
    """Choose among the visible files that name a distribution the one that knows best."""
    naming = {
        seen.path: seen
        for seen in view.files("os_release")
        if any(isinstance(fact, Distribution) for fact in seen.facts)
    }
    return next((naming[path] for path in _PRECEDENCE if path in naming), None)


DETECTOR = Detector(name="os_release", version=2, wants=_PRECEDENCE, read=read)
