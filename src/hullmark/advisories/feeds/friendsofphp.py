"""FriendsOfPHP: advisories about Composer packages, as YAML, with affected versions by branch.

Format: https://github.com/FriendsOfPHP/security-advisories. `reference` is `composer://vendor/name`; the
comparisons of one branch hold together (`['>=2.0.0', '<2.0.17']`).
"""

import re
from collections.abc import Iterator
from typing import Any

from hullmark.advisories._formats import constraints, decoding
from hullmark.advisories.feed import Document, Feed, Group, Record, Source, only
from hullmark.model.advisory import Advisory, Affected, Range, Reference
from hullmark.model.target import Target

_REFERENCE = re.compile(r"composer://([^/\s]+/[^/\s]+)\Z")
_GHSA = re.compile(r"GHSA(?:-[0-9a-z]{4}){3}\Z")
_CVE = re.compile(r"CVE-\d{4}-\d{4,}\Z")


def parse(documents: Iterator[Document]) -> Iterator[Record]:
    """Give one advisory for each file."""
    for document in documents:
        # Hidden folders hold the repository's own settings.
        if document.path.endswith((".yaml", ".yml")) and "/." not in document.path:
            try:
                yield _advisory(document, decoding.yaml(decoding.text(document)))
            except (decoding.UndecodableError, constraints.ConstraintError) as problem:
                yield document.unread(str(problem))


def _advisory(document: Document, content: Any) -> Record:
    if not isinstance(content, dict):
        return document.unread("no mapping at the top")
    match = _REFERENCE.match(decoding.string(content.get("reference")))
    branches = content.get("branches")
    if match is None or not isinstance(branches, dict):
        return document.unread("no Composer package or no branches")
    name = match[1]
    ranges = [_range(branch) for branch in branches.values()]
    if not ranges:
        return document.unread("no branches")
    cve = decoding.string(content.get("cve"))
    link = decoding.string(content.get("link"))
    return Advisory(
        id=cve if _CVE.match(cve) else _own_id(document, name),
        title=decoding.string(content.get("title")),
        affected=(Affected(ecosystem="composer", name=name, ranges=constraints.union(ranges, "composer")),),
        references=(Reference(link),) if link else (),
    )


def _own_id(document: Document, name: str) -> str:
    """Give a flaw whose record names no CVE the id of its file: a CVE, GitHub's, else one made of package and file."""
    stem = document.path.rpartition("/")[2].rpartition(".")[0]
    return stem if _CVE.match(stem) or _GHSA.match(stem) else f"FOP-{name}/{stem}"


def _range(branch: Any) -> Range:
    versions = decoding.strings(branch.get("versions") if isinstance(branch, dict) else None)
    if not versions:
        raise constraints.ConstraintError("a branch without versions")
    return constraints.published(
        (pair for text in versions for pair in constraints.comparisons(text)), "composer"
    )


def parts(target: Target) -> tuple[str, ...] | None:
    """FriendsOfPHP speaks for Composer packages."""
    return ("friendsofphp-composer",) if target.ecosystem == "composer" else None


_SOURCES = Group(
    name="friendsofphp",
    parts=("friendsofphp-composer",),
    sources=(
        Source(
            url="https://codeload.github.com/FriendsOfPHP/security-advisories/tar.gz/refs/heads/master",
            file="php-security-advisories.tar.gz",
        ),
    ),
    size=200_000,
)


FEED = Feed(
    name="friendsofphp",
    title="FriendsOfPHP security advisories",
    licence="Unlicense",
    homepage="https://github.com/FriendsOfPHP/security-advisories",
    files=("php-security-advisories.tar.gz", "friendsofphp/**/*.yaml"),
    parse=parse,
    version=2,
    parts=parts,
    group=only(_SOURCES),
    all_parts=("friendsofphp-composer",),
)
