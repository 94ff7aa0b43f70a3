"""What programs need: as `readelf` says of this machine's, and nothing of damaged ones."""

import random
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from hullmark.detectors.detector import File, read_file
from hullmark.detectors.dispatch import Dispatcher
from hullmark.detectors.linkage import DETECTOR
from hullmark.model.facts import Needs

LIBC = next(Path("/lib").glob("*-linux-gnu/libc.so.6"), None)


def _needs(path: Path) -> Needs:
    (fact,) = read_file(DETECTOR, File(str(path)[1:], path.read_bytes())).facts
    assert isinstance(fact, Needs)
    return fact


def _readelf(option: str, path: Path) -> str:
    return subprocess.run(["readelf", option, str(path)], capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(not shutil.which("readelf"), reason="needs readelf")
@pytest.mark.parametrize("name", ["sh", "git", "tar", "gcc", "libc"])
def test_as_readelf_says(name: str) -> None:
    found = LIBC if name == "libc" else shutil.which(name)
    if found is None:
        pytest.skip(f"no {name} here")
    path = Path(found).resolve()
    needs = _needs(path)
    dynamic = _readelf("-dW", path)
    assert list(needs.libraries) == re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)
    assert [needs.soname] == (re.findall(r"\(SONAME\).*\[(.*)\]", dynamic) or [""])
    assert [needs.loader] == (re.findall(r"interpreter: (.*)\]", _readelf("-lW", path)) or [""])
    wanted, defined = set(), set()
    for section in re.split(r"Version (?=definition|needs|symbols)", _readelf("-VW", path)):
        if section.startswith("needs"):
            library = ""
            for line in section.splitlines():
                library = (re.findall(r"File: (\S+)", line) or [library])[0]
                wanted |= {f"{library} {version}" for version in re.findall(r"Name: (\S+)", line)}
        elif section.startswith("definition"):
            defined |= {
                name for flags, name in re.findall(r"Flags: (\S+).*Name: (\S+)", section) if flags != "BASE"
            }
    assert set(needs.versions) == wanted
    assert set(needs.defines) == defined


def test_a_static_program_needs_nothing() -> None:
    segment = struct.pack("<IIQQQQQQ", 1, 5, 120, 120, 120, 8, 8, 16)
    header = struct.pack(
        "<4sBBB9xHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 2, 183, 1, 0, 64, 0, 0, 64, 56, 1, 64, 0, 0
    )
    file = File("app", header + segment + bytes(8), mode=0o755)
    assert read_file(DETECTOR, file).facts == (Needs(machine="183/64"),)
    large = File("app", header + segment, size=1 << 30, mode=0o755, whole=False)
    assert read_file(DETECTOR, large).facts == (Needs(machine="183/64"),)


def test_a_program_too_large_to_be_held_is_not_taken_for_static() -> None:
    path = Path(shutil.which("sh") or "/bin/sh").resolve()
    head = path.read_bytes()[:4096]
    (fact,) = read_file(DETECTOR, File("bin/sh", head, size=1 << 30, mode=0o755, whole=False)).facts
    assert isinstance(fact, Needs)
    assert fact.partial


def test_damaged_files_give_something_or_nothing() -> None:
    body = bytearray(Path(shutil.which("sh") or "/bin/sh").read_bytes())
    chance = random.Random(7)
    for _ in range(300):
        damaged = bytearray(body)
        for _ in range(200):
            damaged[chance.randrange(1024 if chance.random() < 0.7 else len(body))] = chance.randrange(256)
        for each in (bytes(damaged), bytes(damaged[: chance.randrange(len(body))])):
            assert all(isinstance(fact, Needs) for fact in read_file(DETECTOR, File("bin/x", each)).facts)


@pytest.mark.parametrize(
    "path",
    [
        "usr/lib/libx.so",
        "usr/lib/libssl.so.3",
        "lib/libssl.so.1.1",
        "usr/lib/libicudata.so.72.1",
        "app/x.cpython-311-x86_64-linux-gnu.so",
    ],
)
def test_libraries_are_wanted_by_name(path: str) -> None:
    assert Dispatcher((DETECTOR,)).find(path) == [DETECTOR]


@pytest.mark.parametrize("path", ["usr/lib/libx.a", "etc/ld.so.conf", "usr/share/x.3", "etc/ld.so.cache"])
def test_other_files_are_not(path: str) -> None:
    assert Dispatcher((DETECTOR,)).find(path) == []
