"""The security database of apk distributions (secdb): which version of a source package fixes which flaw.

Format: https://secdb.alpinelinux.org, one JSON document a repository; `secfixes` maps a version to the ids that
it fixes. The version `0` means that the package never was vulnerable. The ids come from comments that people
write, so they hold more than ids: `CVE-2018-14468 (FrameRelay)`, `CVE-2019-19451.patch`, `CVE_2019-2426`,
`CVE-2018-3639   XSA-263`, `CVE-????-?????  XSA-295`.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from hullmark.advisories._formats import decoding
from hullmark.advisories.feed import Document, Record
from hullmark.model.advisory import Advisory, Affected, Range, Reference
from hullmark.model.errors import FeedError

_COMMENT = re.compile(r"\(.*")
_CVE = re.compile(r"CVE[-_ ]?(\d{4})-(\d{4,})", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"CVE-[0-9?X]{1,8}-[?X]{1,12}")
_OTHER = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*-[A-Za-z0-9]*\d[A-Za-z0-9]*")

_MAX_ID = 64


class _Package(msgspec.Struct):
    name: str
    secfixes: dict[str, Any] | None = None


class _Entry(msgspec.Struct):
    pkg: _Package


class _Document(msgspec.Struct):
    # Older documents of an empty repository say `null`.
    packages: list[msgspec.Raw] | None
    distroversion: str = ""
    urlprefix: str = ""
    reponame: str = ""


class Label(NamedTuple):
    """How a rolling distribution marks its database, which names no release: the host of its packages, and their repository."""

    host: str
    repository: str


_DOCUMENT = msgspec.json.Decoder(_Document)
_ENTRY = msgspec.json.Decoder(_Entry)


def ids(line: str) -> tuple[list[str], list[str]]:
    """Split one line of `secfixes` into CVE ids and ids of others."""
    text = _COMMENT.sub("", line)
    flaws = [f"CVE-{year}-{number}" for year, number in _CVE.findall(text)]
    rest = _PLACEHOLDER.sub(" ", _CVE.sub(" ", text))
    others = [word for word in rest.split() if len(word) <= _MAX_ID and _OTHER.fullmatch(word)]
    return list(dict.fromkeys(flaws)), list(dict.fromkeys(others))


def parse(
    documents: Iterator[Document],
    release: Callable[[str], str],
    links: Callable[[str], tuple[Reference, ...]],
    label: Label | None = None,
) -> Iterator[Record]:
    """Give one advisory for each flaw of each source package.

    `release` names the release from the document's `distroversion`, `links` gives the publisher's pages on an id. Raises
    `FeedError` for a document that does not carry the `label`: another distribution's versions would be taken for this one's.
    """
    for document in documents:
        try:
            content = decoding.json(document.read(), _DOCUMENT)
        except decoding.UndecodableError as problem:
            yield document.unread(str(problem))
            continue
        if label is not None:
            _check(document, content, label)
        name = release(content.distroversion)
        if not name:
            yield document.unread("no release is named")
            continue
        for place, raw in enumerate(content.packages or ()):
            try:
                entry = decoding.json(bytes(raw), _ENTRY)
            except decoding.UndecodableError as problem:
                yield document.unread(str(problem), f"package {place}")
                continue
            yield from _advisories(document, entry.pkg, name, links)


def _check(document: Document, content: _Document, label: Label) -> None:
    try:
        found = Label(urlsplit(content.urlprefix).hostname or "", content.reponame)
    except ValueError:
        found = Label(content.urlprefix, content.reponame)
    if found != label or content.distroversion:
        said = " ".join(part for part in (*found, content.distroversion) if part)[:200] or "nobody's"
        raise FeedError(
            f"it is labelled {said!r}, not {' '.join(label)!r}: another distribution's database",
            where=document.path,
        )


def _advisories(
    document: Document, package: _Package, release: str, links: Callable[[str], tuple[Reference, ...]]
) -> Iterator[Record]:
    versions: dict[str, dict[str, None]] = {}
    flaws_of: dict[str, set[str]] = {}  # id of another publisher -> the CVEs that it stands with
    others_of: dict[str, dict[str, None]] = {}  # and the other way round
    for version, lines in (package.secfixes or {}).items():
        if lines is None:
            continue  # an entry whose ids were taken out (heimdal in 3.6)
        if not isinstance(lines, list):
            yield document.unread("secfixes without a list of ids", f"package {package.name}")
            continue
        for line in lines:
            flaws, others = ids(str(line))
            if not flaws and not others:
                yield document.unread(f"no id in {str(line)[:80]!r}", f"package {package.name}")
            for flaw in flaws or others:
                versions.setdefault(flaw, {})[version] = None
            if flaws:
                for other in others:
                    flaws_of.setdefault(other, set()).update(flaws)
                for flaw in flaws:
                    others_of.setdefault(flaw, {}).update(dict.fromkeys(others))
    for flaw, fixed in versions.items():
        beside = list(others_of.get(flaw, ()))
        # What stands with several CVEs is no name of any of them; Xen's advisories are bundles by nature.
        aliases = [other for other in beside if len(flaws_of[other]) == 1 and not other.startswith("XSA-")]
        yield Advisory(
            id=flaw,
            aliases=tuple(aliases),
            affected=(_affected(package.name, release, list(fixed)),),
            references=links(flaw) + tuple(reference for other in beside for reference in links(other)),
        )


def _affected(name: str, release: str, versions: list[str]) -> Affected:
    fixed = [version for version in versions if version != "0"]
    return Affected(
        ecosystem="apk",
        name=name,
        release=release,
        scope="source",
        state="affected" if fixed else "not_affected",
        ranges=tuple(Range(fixed=version) for version in fixed) or (Range(),),
    )


def xen(name: str) -> tuple[Reference, ...]:
    """Link Xen's own advisory, which apk distributions name in place of or beside a CVE."""
    if name.startswith("XSA-"):
        number = name.removeprefix("XSA-")
        return (Reference(f"https://xenbits.xen.org/xsa/advisory-{number}.html", "ADVISORY"),)
    return ()
