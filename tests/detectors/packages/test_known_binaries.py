"""The table of known programs: that it holds together, and that large files are found by their markers."""

import re

import pytest

from hullmark.detectors.detector import File, read_file
from hullmark.detectors.dispatch import Dispatcher
from hullmark.detectors.packages.known_binaries import DETECTOR, KNOWN, Known
from hullmark.model.facts import Package, Unread

ELF = b"\x7fELF"


def _large(path: str, **excerpts: bytes) -> File:
    found = {marker: text for marker in DETECTOR.markers for text in excerpts.values() if marker in text}
    return File(path, ELF + bytes(1000), size=1 << 30, whole=False, excerpts=found)


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: f"{known.name}-{known.near!r}")
def test_each_line_of_the_table_makes_sense(known: Known) -> None:
    pattern = re.compile(known.pattern.replace("{}", "1.2").encode())
    assert pattern.groups == 1
    assert known.near
    assert not known.cpe or re.fullmatch(r"[a-z0-9_.-]+:[a-z0-9_./-]+", known.cpe)
    assert ("{}" in known.near) <= ("{}" in known.pattern)


def test_the_table_is_wide() -> None:
    assert len({known.name for known in KNOWN}) >= 80


@pytest.mark.parametrize(
    "path",
    [
        "usr/local/bin/python3.12",
        "usr/local/lib/libpython3.6m.so.1.0",
        "opt/app/libs/libcrypto-12ab34cd.so.3",
        "usr/lib/libssl-not.so",
        "usr/lib/x86_64-linux-gnu/libcurl-gnutls.so.4.8.0",
        "usr/local/lib/erlang/releases/26/OTP_VERSION",
    ],
)
def test_the_dispatcher_and_the_table_agree(path: str) -> None:
    assert bool(Dispatcher((DETECTOR,)).find(path)) == ("libssl" not in path)


def test_a_large_program_is_found_by_its_marker() -> None:
    file = _large("usr/local/bin/node", a=b"\0/json\0node.js/v20.20.2\0")
    (fact,) = read_file(DETECTOR, file).facts
    assert isinstance(fact, Package)
    assert (fact.name, fact.version) == ("node", "20.20.2")


def test_a_large_file_that_can_not_be_searched_is_unread() -> None:
    (fact,) = read_file(DETECTOR, _large("usr/local/bin/postgres")).facts
    assert isinstance(fact, Unread)
    assert fact.kind == "file"


def test_a_large_file_without_its_marker_is_something_else() -> None:
    assert not read_file(DETECTOR, _large("usr/local/bin/deno")).facts


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("opt/pillow.libs/liblzma-de26b416.so.5.8.4", b"\0" + b"5.8.4\0", ("xz", "5.8.4")),
        ("usr/lib/liblzma.so.5.2.14", b"\0" + b"5.2.14\0", ("xz", "5.2.14")),
        ("opt/pillow.libs/libzstd-40ad5e7e.so.1.5.7", b"\0" + b"1.5.7\0", ("zstd", "1.5.7")),
    ],
)
def test_a_library_that_a_wheel_renamed_is_known_by_its_number(
    path: str, body: bytes, expected: tuple[str, str]
) -> None:
    assert Dispatcher((DETECTOR,)).find(path)
    (fact,) = read_file(DETECTOR, File(path, ELF + bytes(300) + body)).facts
    assert isinstance(fact, Package)
    assert (fact.name, fact.version) == expected
