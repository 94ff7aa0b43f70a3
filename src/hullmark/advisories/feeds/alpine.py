"""Alpine's security database: the version that fixes each CVE, by release and repository.

Format: `_formats/secdb.py`. Edge has a document of its own and is the release `alpine-edge`.
"""

import re
from collections.abc import Iterator

from hullmark.advisories._formats import secdb
from hullmark.advisories.feed import Document, Feed, Record
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
    version=2,
)
