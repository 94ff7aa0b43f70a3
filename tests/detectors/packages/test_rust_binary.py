"""Rust binaries too large to hold, and lists of crates that are larger than they look."""

import importlib.util
import sys
import zlib
from types import ModuleType

import pytest

from conftest import GOLDEN
from hullmark.detectors.detector import File, read_file
from hullmark.detectors.packages import rust_binary
from hullmark.model.facts import Package, Unread


@pytest.fixture(scope="module")
def build() -> ModuleType:
    """Load the script that writes the fixtures, for its ELF writer."""
    path = GOLDEN / "detectors/rust_binary/build-fixtures.py"
    spec = importlib.util.spec_from_file_location("build_rust_fixtures", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_a_list_in_a_binary_too_large_to_hold_is_unread() -> None:
    file = File("usr/bin/x", b"\x7fELF", size=1 << 30, whole=False, excerpts={b"\0.dep-v0\0": b"\0.dep-v0\0"})
    (fact,) = read_file(rust_binary.DETECTOR, file).facts
    assert isinstance(fact, Unread)
    assert fact.kind == "file"


def test_a_large_binary_without_a_list_gives_what_panics_name() -> None:
    text = b"/root/.cargo/registry/src/index.crates.io-6f17d22bba15001f/time-0.1.44/src/lib.rs"
    file = File("usr/bin/x", b"\x7fELF", size=1 << 30, whole=False, excerpts={b"/registry/src/": text})
    (fact,) = read_file(rust_binary.DETECTOR, file).facts
    assert isinstance(fact, Package)
    assert (fact.name, fact.version, fact.place) == ("time", "0.1.44", "panic message")


def test_a_large_c_binary_gives_nothing() -> None:
    assert not read_file(rust_binary.DETECTOR, File("usr/bin/x", b"\x7fELF", size=1 << 30, whole=False)).facts


def test_a_bomb_is_not_expanded(build: ModuleType) -> None:
    packed = zlib.compress(b" " * 100_000_000)
    (fact,) = read_file(rust_binary.DETECTOR, File("usr/bin/x", build.elf(packed))).facts
    assert isinstance(fact, Unread)
    assert "longer than" in fact.reason


def test_dependencies_in_a_circle_end(build: ModuleType) -> None:
    tree = (
        b'{"packages":[{"name":"a","version":"1.0.0","dependencies":[1],"root":true},'
        b'{"name":"b","version":"1.0.0","dependencies":[0,2,-1,7]},'
        b'{"name":"c","version":"1.0.0","dependencies":[1,2]}]}'
    )
    facts = read_file(rust_binary.DETECTOR, File("usr/bin/x", build.elf(zlib.compress(tree)))).facts
    assert [(fact.name, fact.direct, fact.via) for fact in facts if isinstance(fact, Package)] == [
        ("a", None, ()),
        ("b", True, ()),
        ("c", False, ("b@1.0.0",)),
    ]
