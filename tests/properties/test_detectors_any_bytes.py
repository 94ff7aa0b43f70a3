"""Every detector on bytes that nobody meant for it: it ends, within bounds, with facts or what could not be read."""

import functools
import random
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import GOLDEN
from hullmark.detectors.detector import Detector, File, Limits, Seen, View, packages_of, read_file
from hullmark.detectors.dispatch import Dispatcher
from hullmark.detectors.registry import detectors
from hullmark.model.facts import Fact, FileFacts, Package, Unread

DETECTORS = detectors()
WANTED = Dispatcher(DETECTORS).wants
LIMITS = Limits(max_records=2_000, max_archive_entries=2_000, max_expanded_bytes=4 * 1024 * 1024)
MOST_FACTS_OF_A_BYTE = 4
EXAMPLES = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
ENCODE = msgspec.msgpack.Encoder().encode
DECODE = msgspec.msgpack.Decoder(FileFacts).decode


def paths_of(detector: Detector) -> list[str]:
    """Make a path of each pattern."""
    made = [
        want.replace("**/", "srv/deep/").replace("*", "some").replace("?", "s") for want in detector.wants
    ]
    return made or ["usr/bin/some"]


@functools.cache
def fixtures(name: str) -> list[tuple[str, bytes]]:
    """Give what the detector is meant for."""
    detector = next(each for each in DETECTORS if each.name == name)
    dispatcher = Dispatcher((detector,))
    found = []
    for case in sorted((GOLDEN / "detectors" / name).iterdir()):
        for path in sorted(case.rglob("*")) if case.is_dir() else ():
            at = path.relative_to(case).as_posix()
            if path.is_file() and path.stat().st_size < 200_000:
                body = path.read_bytes()
                if dispatcher.find(at) or (detector.binaries and body[:4] == b"\x7fELF"):
                    found.append((at, body))
    return found


def check(detector: Detector, path: str, body: bytes, *, whole: bool = True) -> None:
    excerpts = {} if whole else {marker: body[:4096] for marker in detector.markers if marker in body}
    file = File(
        path,
        body,
        size=len(body) if whole else 1 << 33,
        mode=0o755,
        whole=whole,
        excerpts=excerpts,
        limits=LIMITS,
        wanted=WANTED,
    )
    facts = read_file(detector, file)
    assert facts.path == path
    for fact in facts.facts:
        assert isinstance(fact, Fact)
        if isinstance(fact, Unread):
            assert "detector failed" not in fact.reason, fact.reason
            assert fact.reason
            assert len(fact.reason) < 1_000, "a sentence for people, not the file"
            assert fact.path == path
        if isinstance(fact, Package):
            assert fact.ecosystem
            assert fact.name.strip()
    assert len(facts.facts) <= LIMITS.max_records + 2
    assert len(facts.facts) <= 50 + MOST_FACTS_OF_A_BYTE * len(body)
    # They are remembered, so they must come back as they are; lone surrogates would not.
    assert DECODE(ENCODE(facts)) == facts
    assembled(detector, path, facts)


def assembled(detector: Detector, path: str, facts: FileFacts) -> None:
    seen = [Seen(0, path, facts.facts)]
    given_by: Iterable[tuple[Package, Seen]] = (
        detector.assemble(View({detector.name: seen})) if detector.assemble else packages_of(seen)
    )
    for package, where in given_by:
        assert isinstance(package, Package)
        assert where.path == path


NAMES = [detector.name for detector in DETECTORS]
BY_NAME = {detector.name: detector for detector in DETECTORS}


@pytest.mark.parametrize("name", NAMES)
@EXAMPLES
@given(body=st.one_of(st.binary(max_size=600), st.text(max_size=300).map(str.encode)), whole=st.booleans())
def test_any_bytes(name: str, body: bytes, whole: bool) -> None:  # noqa: FBT001
    for path in paths_of(BY_NAME[name])[:4]:
        check(BY_NAME[name], path, body, whole=whole or not BY_NAME[name].markers)


def mutated(body: bytes, chance: random.Random) -> bytes:
    """Do to a file what careless and malicious people do."""
    made = bytearray(body)
    for _step in range(chance.choice((1, 1, 2, 8))):
        at = chance.randrange(len(made) + 1)
        kind = chance.randrange(7)
        if kind == 0:
            del made[at:]
        elif kind == 1 and made:
            made[at % len(made)] ^= 1 << chance.randrange(8)
        elif kind == 2:
            made[at:at] = chance.randbytes(chance.randrange(1, 20))
        elif kind == 3:
            del made[at : at + chance.randrange(1, 40)]
        elif kind == 4:
            made[at:at] = made[at : at + chance.randrange(1, 400)] * chance.randrange(1, 20)
        elif kind == 5:
            made[at : at + 8] = chance.choice((b"\xff" * 8, bytes(8), b"\x7f\xff\xff\xff" * 2))
        else:
            made[at:at] = chance.choice(
                (b'"', b"{", b"[[", b"\0", b"\n\n", b": ", b"\xed\xa0\x80", b"&a", b"==")
            )
    return bytes(made)


@pytest.mark.parametrize("name", NAMES)
@EXAMPLES
@given(seed=st.integers(0, 1 << 30))
def test_what_it_is_meant_for_but_broken(name: str, seed: int) -> None:
    chance = random.Random(seed)
    path, body = chance.choice(fixtures(name))
    check(BY_NAME[name], path, mutated(body, chance))


@pytest.mark.parametrize("name", NAMES)
def test_one_file_in_anothers_place(name: str) -> None:
    """Each detector on a fixture of every other: no format is taken for another without an end."""
    path = paths_of(BY_NAME[name])[0]
    for other in NAMES:
        if other != name and fixtures(other):
            _, body = fixtures(other)[0]
            check(BY_NAME[name], path, body[:20_000])


@pytest.mark.parametrize(
    "bit",
    [
        b"",
        b"\0",
        b"\n",
        b"[",
        b"{",
        b'{"a":',
        b"- ",
        b"a: &a\n",
        b"<a>",
        b"(",
        b'"',
        b"\xff",
        b"a=",
        b"x\n  ",
    ],
)
def test_one_bit_over_and_over(bit: bytes) -> None:
    for detector in DETECTORS:
        check(detector, paths_of(detector)[0], bit * 20_000)


def test_fixtures_are_found() -> None:
    assert [name for name in NAMES if not fixtures(name)] in ([], ["known_binaries"], ["go_binary"])


def test_names_and_wants() -> None:
    assert len(NAMES) == len(set(NAMES))
    assert sorted(NAMES) == NAMES
    for detector in DETECTORS:
        assert detector.version >= 1
        assert detector.wants or detector.binaries
        assert len(set(detector.wants)) == len(detector.wants)
        dispatcher = Dispatcher((detector,))
        for want, path in zip(detector.wants, paths_of(detector), strict=False):
            assert not want.startswith("/")
            assert ".." not in want.split("/")
            assert dispatcher.find(path) == [detector], (
                f"{detector.name} wants {want}, which does not find {path}"
            )
            assert dispatcher.find("nowhere/" + "/".join("x" * want.count("/"))) == []


def test_paths_that_nobody_wants() -> None:
    for path in (
        "",
        "/",
        "etc",
        "etc/passwd.bak",
        "usr/lib/x.so.1",
        "a" * 5000,
        "a/" * 2000,
        "\udcff",
        "x\0y",
        "package.json/",
    ):
        assert not WANTED(path)


@pytest.mark.parametrize(
    "path", ["etc/os-release", "srv/app/package.json", "opt/x.jar", "var/lib/dpkg/status"]
)
def test_paths_that_somebody_wants(path: str) -> None:
    assert WANTED(path)
    assert Path(path).name
