"""Alpine's security database: the version that fixes each CVE, by release and repository.

Format: `_formats/secdb.py`. Edge has a document of its own and is the release `alpine-edge`.
"""

import re
from collections.abc import Iterator

from hullmark.advisories._formats import secdb
from hullmark.advisories.feed import Document, Feed, Group, Record, Source
from hullmark.model.advisory import Reference
from hullmark.model.target import Target

_RELEASE = re.compile(r"v?(\d+\.\d+)")
# Edge calls itself by the release to come: `3.21.0_alpha20240923`.
_EDGE = re.compile(r"edge|.*_(?:alpha|git)")


def _release(version: str) -> str:
    if _EDGE.match(version):
        return "alpine-edge"
    match = _RELEASE.match(version)
    return f"alpine-{match[1]}" if match else ""


def _links(name: str) -> tuple[Reference, ...]:
    if name.startswith("CVE-"):
        return (Reference(f"https://security.alpinelinux.org/vuln/{name}", "ADVISORY"),)
    return secdb.xen(name)


def parse(documents: Iterator[Document]) -> Iterator[Record]:
    """Give one advisory for each flaw of a source package in a release."""
    return secdb.parse(documents, _release, _links)


def parts(target: Target) -> tuple[str, ...] | None:
    """Alpine speaks for its own releases and for edge."""
    distribution = target.distribution
    if target.ecosystem != "apk" or distribution is None or distribution.id != "alpine":
        return None
    release = _release(distribution.version_id)
    return (release,) if release else ()


def _group(part: str) -> Group | None:
    release = part.removeprefix("alpine-")
    if release == part or not (release == "edge" or re.fullmatch(r"\d+\.\d+", release)):
        return None
    folder = release if release == "edge" else f"v{release}"
    return Group(
        name=part,
        parts=(part,),
        sources=tuple(
            Source(
                url=f"https://secdb.alpinelinux.org/{folder}/{repository}.json",
                file=f"alpine-secdb/{folder}/{repository}.json",
                optional=repository == "community",  # which came with 3.3
            )
            for repository in ("main", "community")
        ),
        size=1_000_000,
    )


FEED = Feed(
    name="alpine",
    title="Alpine security database",
    licence="MIT",
    homepage="https://secdb.alpinelinux.org",
    files=("alpine-secdb/*/*.json", "alpine-secdb/*/*.json.gz"),
    parse=parse,
    parts=parts,
    group=_group,
    all_parts=(*(f"alpine-3.{minor}" for minor in range(10, 24)), "alpine-edge"),
    version=2,
)
