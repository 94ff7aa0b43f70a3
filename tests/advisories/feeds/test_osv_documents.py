"""What the OSV readers make of events, listed versions and ecosystems."""

import io
import time
from collections.abc import Mapping

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullmark.advisories._formats import osv
from hullmark.advisories.feed import Document
from hullmark.model.advisory import Advisory, Range
from hullmark.model.facts import Unread


def _entry(events: list[dict[str, str]], versions: list[str] | None = None) -> osv.Entry:
    content = {"ranges": [{"type": "ECOSYSTEM", "events": events}], "versions": versions}
    return msgspec.convert(content, osv.Entry)


@pytest.mark.parametrize(
    ("events", "ranges", "listed"),
    [
        ([{"introduced": "0"}], (Range(),), ()),
        ([{"introduced": "1"}, {"fixed": "2"}], (Range("1", "2"),), ()),
        ([{"introduced": "0"}, {"last_affected": "2"}], (Range(last_affected="2"),), ()),
        (
            [{"introduced": "0"}, {"fixed": "1"}, {"introduced": "2"}, {"fixed": "3"}, {"introduced": "4"}],
            (Range(fixed="1"), Range("2", "3"), Range("4")),
            (),
        ),
        # Pairs in any order stay pairs; what does not alternate is sorted by version first.
        (
            [{"introduced": "2"}, {"fixed": "3"}, {"introduced": "0"}, {"fixed": "1"}],
            (Range("2", "3"), Range(fixed="1")),
            (),
        ),
        (
            [{"fixed": "3"}, {"fixed": "1"}, {"introduced": "2"}, {"introduced": "0"}],
            (Range(fixed="1"), Range("2", "3")),
            (),
        ),
        # As the specification evaluates it, the first end counts; a further last version is listed.
        ([{"introduced": "0"}, {"fixed": "1"}, {"fixed": "2"}], (Range(fixed="1"),), ()),
        (
            [{"introduced": "0"}, {"last_affected": "1"}, {"last_affected": "2"}],
            (Range(last_affected="1"),),
            ("2",),
        ),
        ([{"introduced": "0"}, {"introduced": "1"}, {"fixed": "2"}], (Range(fixed="2"),), ()),
        ([{"fixed": "2"}], (Range(fixed="2"),), ()),
        ([{"introduced": "1"}, {"limit": "2"}], (Range("1", "2"),), ()),
        ([{"introduced": "1"}, {"limit": "*"}], (Range("1"),), ()),
        ([{}], (), ()),
    ],
)
def test_events(events: list[dict[str, str]], ranges: tuple[Range, ...], listed: tuple[str, ...]) -> None:
    assert osv.versions(_entry(events), "pypi") == (ranges, listed)


def test_listed_versions_stay_where_no_range_covers_them() -> None:
    entry = _entry([{"introduced": "1"}, {"fixed": "2"}], ["1", "1.5", "2", "0.9", "no version", "1.5.dev1"])
    assert osv.versions(entry, "pypi").listed == ("2", "0.9", "no version")
    assert osv.versions(entry, "no scheme").listed == ("1", "1.5", "2", "0.9", "no version", "1.5.dev1")


def test_commits_alone_are_unread() -> None:
    body = {
        "id": "GHSA-2222-3333-4444",
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": "x"},
                "ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}],
            }
        ],
    }
    assert _read(body) == [
        Unread(
            kind="record",
            reason="no versions of x that could be compared",
            path="osv/PyPI/x.json",
            place="GHSA-2222-3333-4444",
        )
    ]


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("GHSA-2222-3333-4444", "ghsa"),
        ("PYSEC-2021-1", "pysec"),
        ("GO-2024-1", "go"),
        ("RUSTSEC-2021-1", "rustsec"),
        ("MAL-2024-1", "ossf"),
        ("CVE-2024-1", "osv"),
        ("BIT-redis-2024-1", "bitnami"),
    ],
)
def test_whose_word_it_is(name: str, source: str) -> None:
    assert osv.source_of(name) == source


def test_deep_nesting_is_unread() -> None:
    body = b'{"id": "X-1", "database_specific": ' + b"[" * 100_000
    document = Document("osv/PyPI/x.json", lambda: io.BytesIO(body))
    assert isinstance(osv.decode(document), Unread)


def test_related_and_upstream_are_no_aliases() -> None:
    body = {
        "id": "PYSEC-2021-1",
        "aliases": ["CVE-2021-1"],
        "related": ["CVE-2021-2"],
        "upstream": ["CVE-2021-3"],
        "affected": [{"package": {"ecosystem": "PyPI", "name": "x"}, "versions": ["1"]}],
    }
    (found,) = _read(body)
    assert isinstance(found, Advisory)
    assert found.aliases == ("CVE-2021-1",)


def _read(body: Mapping[str, object]) -> list[object]:
    document = Document("osv/PyPI/x.json", lambda: io.BytesIO(msgspec.json.encode(body)))
    return list(osv.libraries(document, {"PyPI": "pypi"}))


def test_listed_versions_cost_what_they_are_however_many_ranges_there_are() -> None:
    count = 20_000
    events = [
        {kind: f"{number}.{minor}"}
        for number in range(count)
        for kind, minor in (("introduced", 1), ("fixed", 2))
    ]
    entry = _entry(events, [f"{number}.{minor}" for number in range(count) for minor in (1, 2)])
    begun = time.process_time()
    found = osv.versions(entry, "pypi")
    assert time.process_time() - begun < 10, "200 times as long where each version is held against each range"
    assert found.listed == tuple(f"{number}.2" for number in range(count))


@given(
    st.lists(st.tuples(*[st.integers(0, 9)] * 2, st.sampled_from(("fixed", "last_affected", "")))),
    st.lists(st.integers(0, 9)),
)
def test_what_is_listed_besides_is_what_no_range_has(
    ranges: list[tuple[int, int, str]], listed: list[int]
) -> None:
    spans = tuple(Range(str(low), **({end: str(high)} if end else {})) for low, high, end in ranges)

    def covered(version: int) -> bool:
        return any(
            version >= low and (not end or version < high or (end == "last_affected" and version == high))
            for low, high, end in ranges
        )

    texts = [str(version) for version in listed]
    assert osv._uncovered(texts, spans, "pypi") == [
        str(version) for version in listed if not covered(version)
    ]
