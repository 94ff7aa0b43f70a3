"""Archives too large to be held, read as they pass: the same facts as by the reader that has them whole."""

import io
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hullmark.detectors.detector import File, Limits, read_file, stream_file
from hullmark.detectors.packages.java_archive import DETECTOR
from hullmark.model.facts import Fact, Package, Unread

FIXTURES = Path(__file__).parents[2] / "golden" / "detectors" / "java_archive"
ARCHIVES = sorted(
    path for path in FIXTURES.rglob("*") if path.is_file() and path.suffix in {".jar", ".war", ".ear", ".hpi"}
)
POM = ("META-INF/maven/com.example/{0}/pom.properties", "groupId=com.example\nartifactId={0}\nversion={1}\n")


class Passing:
    """A file that cannot be sought in, so that sizes follow the entries as Java's own tools write them."""

    def __init__(self) -> None:
        self.body = bytearray()

    def write(self, data: bytes) -> int:
        self.body += data
        return len(data)

    def flush(self) -> None:
        """Have nothing to do."""


def jar(
    *files: tuple[str, bytes],
    method: int = zipfile.ZIP_DEFLATED,
    sizes_follow: bool = False,
    comment: bytes = b"",
) -> bytes:
    out, passing = io.BytesIO(), Passing()
    with zipfile.ZipFile(cast("IO[bytes]", passing) if sizes_follow else out, "w", method) as archive:
        archive.comment = comment
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return bytes(passing.body) if sizes_follow else out.getvalue()


def library(name: str, version: str = "1.0", **how: object) -> bytes:
    return jar((POM[0].format(name), POM[1].format(name, version).encode()), ("x.class", b"x" * 99), **how)  # type: ignore[arg-type]


def pieces(body: bytes, size: int = 1000) -> Iterator[bytes]:
    return (body[at : at + size] for at in range(0, len(body), size))


def streamed(
    body: bytes, name: str = "app/a.jar", size: int = 1000, limits: Limits | None = None
) -> tuple[Fact, ...]:
    file = File(name, b"", size=len(body), whole=False, limits=limits)
    return stream_file(DETECTOR, file, pieces(body, size)).facts


def held(body: bytes, name: str = "app/a.jar", limits: Limits | None = None) -> tuple[Fact, ...]:
    return read_file(DETECTOR, File(name, body, limits=limits)).facts


def names(facts: tuple[Fact, ...]) -> list[str]:
    return [f"{fact.name}@{fact.version}" for fact in facts if isinstance(fact, Package)]


def reasons(facts: tuple[Fact, ...]) -> list[str]:
    return [fact.reason for fact in facts if isinstance(fact, Unread)]


@pytest.mark.parametrize("path", ARCHIVES, ids=lambda path: path.relative_to(FIXTURES).as_posix())
@pytest.mark.parametrize("size", [1, 7, 4096, 10_000_000])
def test_every_fixture(path: Path, size: int) -> None:
    body, name = path.read_bytes(), path.relative_to(FIXTURES).as_posix()
    whole, passing = held(body, name), streamed(body, name, size)
    assert [fact for fact in passing if isinstance(fact, Package)] == [
        fact for fact in whole if isinstance(fact, Package)
    ]
    assert bool(reasons(passing)) == bool(reasons(whole))
    if "broken" not in name:
        assert passing == whole


entries = st.recursive(
    st.one_of(
        st.tuples(
            st.sampled_from(["a/B.class", "empty", "folder/", "META-INF/MANIFEST.MF"]),
            st.binary(max_size=300),
        ),
        st.builds(
            lambda name, version: (POM[0].format(name), POM[1].format(name, version).encode()),
            st.sampled_from(["alpha", "beta"]),
            st.sampled_from(["1.0", "2.0", ""]),
        ),
    ),
    lambda inner: st.builds(
        lambda name, files, method, follow: (
            f"BOOT-INF/lib/{name}-1.0.jar",
            jar(*unique(files), method=method, sizes_follow=follow and method == zipfile.ZIP_DEFLATED),
        ),
        st.sampled_from(["gamma", "delta", "epsilon"]),
        st.lists(inner, max_size=4),
        st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
        st.booleans(),
    ),
    max_leaves=12,
)


def unique(files: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    return [(name, b"" if name.endswith("/") else body) for name, body in dict(files).items()]


@settings(max_examples=150)
@given(
    st.lists(entries, max_size=6),
    st.booleans(),
    st.sampled_from([b"", b"#!/bin/sh\nexec java -jar $0\nexit 0\n"]),
    st.sampled_from([b"", b"PK\x05\x06 in a comment"]),
    st.integers(1, 5000),
)
def test_any_archive(
    files: list[tuple[str, bytes]],
    follow: bool,  # noqa: FBT001  # hypothesis gives it by position
    script: bytes,
    comment: bytes,
    size: int,
) -> None:
    body = script + jar(*unique(files), sizes_follow=follow, comment=comment)
    assert streamed(body, size=size) == held(body)


@settings(max_examples=200)
@given(st.data())
def test_damage_is_told_and_ends(data: st.DataObject) -> None:
    body = bytearray(
        jar(
            ("BOOT-INF/lib/alpha-1.0.jar", library("alpha", sizes_follow=True)),
            (POM[0].format("a"), POM[1].format("a", "3").encode()),
            ("BOOT-INF/lib/beta-1.0.jar", library("beta")),
            sizes_follow=True,
        )
    )
    whole = held(bytes(body))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(body)))
    found = streamed(bytes(body[:cut]))
    if not reasons(found):
        # what was changed is nothing that anyone asks for
        assert set(names(found)) <= set(names(whole)) or held(bytes(body[:cut]))


def test_what_is_no_archive() -> None:
    for body in (b"", b"x", b"\x7fELF" + bytes(5000), b"PK\x03\x04", b"x" * 100_000):
        assert len(reasons(streamed(body))) == 1, body[:10]
        assert names(streamed(body)) == []


def test_only_what_the_directory_names_counts() -> None:
    """`zip -d` and in-place updates leave old entries behind."""
    old, new = library("old"), library("new", "2.0")
    moved = bytearray(old[: old.index(b"PK\x01\x02")] + new)
    assert moved.count(b"PK\x05\x06") == 1
    assert names(streamed(bytes(moved))) == names(held(bytes(moved))) == ["com.example:new@2.0"]


def test_a_stored_entry_without_a_size_is_unread() -> None:
    body = jar(("BOOT-INF/lib/a-1.0.jar", library("a")), method=zipfile.ZIP_STORED, sizes_follow=True)
    assert reasons(streamed(body))[-1] == "an entry whose size is not stated before it"


def test_a_truncated_archive_gives_what_came_before() -> None:
    body = jar(("BOOT-INF/lib/a-1.0.jar", library("a")), ("BOOT-INF/lib/b-1.0.jar", library("b")))
    found = streamed(body[: body.rindex(b"PK\x01\x02") - 200])
    assert names(found) == ["com.example:a@1.0"]
    assert reasons(found)


def test_a_second_archive_behind_is_said() -> None:
    assert reasons(streamed(library("a") + library("b"))) == ["another archive follows the first"]


def test_a_bomb_costs_no_more_than_the_limits() -> None:
    zeros = jar(("x", bytes(50_000_000)), sizes_follow=True)
    assert len(zeros) < 100_000
    found = streamed(zeros, limits=Limits(max_expanded_bytes=1_000_000))
    assert reasons(found) == ["the archive expands to more than the limits allow"]


def test_nesting_has_a_bound() -> None:
    body = library("a")
    for _ in range(8):
        body = jar(("inner.jar", body))
    assert reasons(streamed(body)) == reasons(held(body)) == ["archive nested too deeply"]


def test_memory_does_not_grow_with_the_archive() -> None:
    inner = jar(
        (POM[0].format("big"), POM[1].format("big", "1").encode()),
        *((f"c{number}.class", bytes([number]) * 1_000_000) for number in range(40)),
        method=zipfile.ZIP_STORED,
    )
    body = jar(*((f"BOOT-INF/lib/big{number}.jar", inner) for number in range(3)), method=zipfile.ZIP_STORED)
    tracemalloc.start()
    found = stream_file(
        DETECTOR, File("a.jar", b"", size=len(body), whole=False), pieces(body, 128 * 1024)
    ).facts
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert names(found) == ["com.example:big@1"] * 3
    assert peak < 4_000_000
