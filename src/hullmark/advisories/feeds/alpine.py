"""Alpine's security database (secdb): the version that fixes each CVE, by release and repository.

Format: https://secdb.alpinelinux.org, one JSON document a repository; `secfixes` maps a fixed version to ids.
The version `0` means that the package never was vulnerable.
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from hullmark.advisories.feed import Document, Feed, Record
from hullmark.model.advisory import Advisory, Affected, Range, Reference
from hullmark.model.target import Target

_RELEASE = re.compile(r"v?(\d+\.\d+)")


class _Package(msgspec.Struct):
    name: str
    secfixes: dict[str, Any] = {}


class _Entry(msgspec.Struct):
    pkg: _Package


class _Document(msgspec.Struct):
    distroversion: str
    packages: list[_Entry]
    reponame: str = ""


def parse(documents: Iterator[Document]) -> Iterator[Record]:
    """Give one advisory for each fixed flaw of a package in a release."""
    for document in documents:
        try:
            content = msgspec.json.decode(document.read(), type=_Document)
        except msgspec.DecodeError as problem:
            yield document.unread(str(problem))
            continue
        match = _RELEASE.match(content.distroversion)
        release = f"alpine-{match[1]}" if match else f"alpine-{content.distroversion}"
        for entry in content.packages:
            yield from _advisories(document, entry.pkg, release)


def _advisories(document: Document, package: _Package, release: str) -> Iterator[Record]:
    for version, ids in package.secfixes.items():
        if not isinstance(ids, list):
            yield document.unread("secfixes without a list of ids", f"package {package.name}")
            continue
        for line in ids:
            # An entry may hold several ids of one flaw: "CVE-2019-14697 XSA-297".
            names = str(line).split()
            if not names:
                continue
            fixed = version != "0"
            yield Advisory(
                id=names[0],
                aliases=tuple(names[1:]),
                affected=(
                    Affected(
                        ecosystem="apk",
                        name=package.name,
                        release=release,
                        scope="source",
                        state="affected" if fixed else "not_affected",
                        ranges=(Range(fixed=version),) if fixed else (Range(),),
                    ),
                ),
                references=_references(names[0]),
            )


def _references(name: str) -> tuple[Reference, ...]:
    if name.startswith("CVE-"):
        return (Reference(f"https://security.alpinelinux.org/vuln/{name}", "ADVISORY"),)
    return ()


def parts(target: Target) -> tuple[str, ...] | None:
    """Alpine speaks for its own releases; edge has no fixed part."""
    distribution = target.distribution
    if target.ecosystem != "apk" or distribution is None or distribution.id != "alpine":
        return None
    match = _RELEASE.match(distribution.version_id)
    return (f"alpine-{match[1]}",) if match else ()


FEED = Feed(
    name="alpine",
    title="Alpine security database",
    licence="MIT",
    homepage="https://secdb.alpinelinux.org",
    files=("alpine-secdb/*/*.json", "alpine-secdb/*/*.json.gz"),
    parse=parse,
    parts=parts,
    urls=(
        "https://secdb.alpinelinux.org/v{release}/main.json",
        "https://secdb.alpinelinux.org/v{release}/community.json",
    ),
)
