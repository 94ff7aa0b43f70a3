"""endoflife.date: the ends of support of releases, of distributions as of language runtimes.

Formats: https://endoflife.date/docs/api/v1/ (`result` is a product or a list of them, with `releases`), and
the older one, a list of cycles in a file named by the product. Ids are `product-cycle`, distributions by the
`ID` and `VERSION_ID` of their os-release.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from hullmark.advisories._formats import decoding
from hullmark.advisories.feed import Document, Feed, Group, Record, Source, only
from hullmark.model.advisory import EndOfLife
from hullmark.model.target import Target

OS_RELEASE_IDS = {
    "almalinux": "almalinux",
    "alpine": "alpine",
    "alpine-linux": "alpine",
    "amazon-linux": "amzn",
    "azure-linux": "azurelinux",
    "bottlerocket": "bottlerocket",
    "cbl-mariner": "mariner",
    "centos": "centos",
    "debian": "debian",
    "devuan": "devuan",
    "euleros": "euleros",
    "eurolinux": "eurolinux",
    "fedora": "fedora",
    "freebsd": "freebsd",
    "linuxmint": "linuxmint",
    "mageia": "mageia",
    "nixos": "nixos",
    "openeuler": "openEuler",
    "opensuse": "opensuse-leap",
    "oracle-linux": "ol",
    "photon": "photon",
    "postmarketos": "postmarketos",
    "rhel": "rhel",
    "rocky-linux": "rocky",
    "sles": "sles",
    "slackware": "slackware",
    "ubuntu": "ubuntu",
    "vmware-photon": "photon",
}
"""endoflife.date's names of distributions and the `ID` that their os-release states."""


_MARINER = ("1.0", "2.0")
"""Of Azure Linux, which was CBL-Mariner then and says so in its os-release."""


class _Release(msgspec.Struct, rename="camel"):
    """A release of the present interface; the dates are null where none is known."""

    name: str
    release_date: str | None = None
    is_lts: Any = None
    is_eol: Any = None
    eol_from: str | None = None
    eoes_from: str | None = None


class _Product(msgspec.Struct):
    name: str
    releases: list[_Release]


class _Answer(msgspec.Struct):
    result: list[_Product] | _Product


class _Cycle(msgspec.Struct, rename="camel"):
    """A release of the older interface; `eol` and `extended_support` are a date or a boolean."""

    cycle: str | int | float
    release_date: str | None = None
    lts: Any = None
    eol: str | bool | None = None
    extended_support: str | bool | None = None


_ANSWER = msgspec.json.Decoder(_Answer)
_CYCLES = msgspec.json.Decoder(list[_Cycle])


def parse(documents: Iterator[Document]) -> Iterator[Record]:
    """Give one note for each release of each product."""
    for document in documents:
        body = document.read()
        try:
            if body.lstrip()[:1] == b"[":
                stem = document.path.rpartition("/")[2].partition(".")[0]
                yield from _notes(stem, [_modern(item) for item in decoding.json(body, _CYCLES)])
                continue
            result = decoding.json(body, _ANSWER).result
        except decoding.UndecodableError as problem:
            yield document.unread(str(problem))
            continue
        for product in result if isinstance(result, list) else (result,):
            yield from _notes(product.name, product.releases)


def _modern(item: _Cycle) -> _Release:
    return _Release(
        name=str(item.cycle),
        release_date=item.release_date,
        is_lts=item.lts not in (None, False),
        is_eol=item.eol if isinstance(item.eol, bool) else None,
        eol_from=item.eol if isinstance(item.eol, str) else None,
        eoes_from=item.extended_support if isinstance(item.extended_support, str) else None,
    )


def _notes(product: str, releases: list[_Release]) -> Iterator[EndOfLife]:
    ordered = sorted(releases, key=lambda release: release.release_date or "")
    next_release, next_lts = "", ""
    for release in reversed(ordered):
        name = _id(product, release.name)
        lts = release.is_lts is True
        yield EndOfLife(
            id=name,
            date=release.eol_from or "",
            extended=release.eoes_from or "",
            successor=next_lts if lts else next_release,
            ended=release.is_eol if isinstance(release.is_eol, bool) else None,
        )
        next_release = name
        if lts:
            next_lts = name


def _id(product: str, release: str) -> str:
    if product == "azure-linux" and release in _MARINER:
        return f"mariner-{release}"
    if product == "centos-stream":
        # Its os-release says `centos` too; only of 8 there was also a CentOS Linux, which ended earlier.
        return "centos-stream-8" if release == "8" else f"centos-{release}"
    return f"{OS_RELEASE_IDS.get(product, product)}-{release}"


def parts(_target: Target) -> tuple[str, ...] | None:
    """Speak for no package: notes are joined by release."""
    return None


_SOURCES = Group(
    name="eol",
    parts=("eol",),
    sources=(Source(url="https://endoflife.date/api/v1/products/full", file="eol/products.json"),),
    size=5_000_000,
)


FEED = Feed(
    name="eol",
    title="endoflife.date",
    licence="MIT",
    homepage="https://endoflife.date",
    files=("eol/*.json", "eol/*.json.gz"),
    parse=parse,
    parts=parts,
    group=only(_SOURCES),
    all_parts=("eol",),
    version=2,
)
