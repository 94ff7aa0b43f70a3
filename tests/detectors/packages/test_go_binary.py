"""Excerpts of large Go binaries, versions from linker flags, and `go version -m` as the oracle where it is there."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import GOLDEN
from hullmark.detectors.detector import File, read_file
from hullmark.detectors.packages import go_binary
from hullmark.model.facts import Fact, Package, Unread

ROOT = GOLDEN / "detectors/go_binary"
GO = shutil.which("go")
LIST = bytes.fromhex("3077af0c9274080241e1c107e6d618e6")


def _packages(facts: tuple[Fact, ...]) -> list[tuple[str, str]]:
    return [(fact.name, fact.version) for fact in facts if isinstance(fact, Package)]


def _read(body: bytes, **excerpts: bytes) -> tuple[Fact, ...]:
    return read_file(go_binary.DETECTOR, File("usr/bin/x", body, **excerpts)).facts  # type: ignore[arg-type]


def _large(body: bytes) -> File:
    """Make a file of which the core held only the surroundings of the first place of each marker."""
    found = {}
    for marker in go_binary.DETECTOR.markers:
        at = body.find(marker)
        if at >= 0:
            start = max(0, at - 256)
            found[marker] = body[start : start + go_binary.DETECTOR.excerpt_bytes]
    return File("usr/bin/x", body[: 64 * 1024], size=len(body), whole=False, excerpts=found)


def _case(name: str) -> bytes:
    path: Path = ROOT / name / "usr/bin/server"
    return path.read_bytes()


def test_a_large_binary_gives_the_same() -> None:
    body = _case("inline")
    padded = body[:64] + bytes(100_000) + body[64:]
    assert read_file(go_binary.DETECTOR, _large(padded)).facts == _read(body)


def test_a_large_old_binary_gives_its_modules_and_says_what_it_does_not_know() -> None:
    body = _case("pointers-64")
    facts = read_file(go_binary.DETECTOR, _large(bytes(100_000) + body)).facts
    assert _packages(facts) == _packages(_read(body))[1:]
    assert [fact.place for fact in facts if isinstance(fact, Unread)] == ["Go version"]


def test_a_plain_string_before_the_list_of_a_large_binary_does_not_hide_it() -> None:
    facts = read_file(
        go_binary.DETECTOR, _large(b"\xff Go buildinf:\x00\x13 text" + bytes(10_000) + _case("inline"))
    ).facts
    assert _packages(facts) == _packages(_read(_case("inline")))


def test_a_list_that_the_excerpt_cuts_ends_with_a_whole_module() -> None:
    text = b"path\tx\nmod\texample.com/x\tv1.0.0\t\ndep\ta.example/a\tv1.0.0\th1:x\ndep\ta.example/b\tv1.2"
    file = File("usr/bin/x", b"", size=1 << 30, whole=False, excerpts={LIST: bytes(256) + LIST + text})
    facts = read_file(go_binary.DETECTOR, file).facts
    assert _packages(facts) == [("example.com/x", "v1.0.0")]
    assert [fact.reason for fact in facts if isinstance(fact, Unread)] == [
        "which Go release built it is not known",
        "the list of modules is cut off",
    ]


@pytest.mark.parametrize(
    ("flags", "version"),
    [
        ('"-s -w -X main.version=1.2.3"', "v1.2.3"),
        ('"-X=main.Version=v1.2.3-rc.1"', "v1.2.3-rc.1"),
        ("-X=main.version=v0.9.0", "v0.9.0"),
        ("\"-X 'example.com/app/internal/build.Version=2.0.1' -X main.commit=1.0.0\"", "v2.0.1"),
        ('"-X \\"main.version=4.5.6\\""', "v4.5.6"),
        ('"-X github.com/prometheus/common/version.Version=2.45.0"', "v2.45.0"),
        ('"-X main.goVersion=1.21.3"', ""),
        ('"-X example.com/application/version.Version=1.0.0"', ""),
        ('"-X github.com/docker/cli/cli/version.Version=24.0.1"', ""),
        ('"-X main.version=latest"', ""),
        ('"-X main.version=1.0.0 -X main.Version=2.0.0"', ""),
        ('"-X main.version=1.0.0 -X example.com/app/v.Version=2.0.0"', "v1.0.0"),
        ('"-X"', ""),
        ("", ""),
    ],
)
def test_version_of_the_main_module_from_linker_flags(flags: str, version: str) -> None:
    modules = f"path\tx\nmod\texample.com/app\t(devel)\t\nbuild\t-ldflags={flags}\n".encode()
    end = bytes.fromhex("f932433186182072008242104116d8f2")
    text = LIST + modules + end
    length = bytes([len(text) & 0x7F | 0x80, len(text) >> 7])
    body = b"\xff Go buildinf:\x08\x02" + bytes(16) + b"\x08go1.21.3" + length + text
    assert _packages(_read(body)) == [("stdlib", "1.21.3"), ("example.com/app", version)]


@pytest.mark.skipif(GO is None, reason="needs go")
@pytest.mark.parametrize("case", ["inline", "pointers-64", "pointers-32-big-endian"])
def test_fixtures_are_what_go_itself_reads(case: str) -> None:
    assert _packages(_read(_case(case))) == _oracle(ROOT / case / "usr/bin/server")


@pytest.mark.skipif(GO is None, reason="needs go")
@pytest.mark.parametrize("flags", ["-s -w", "-X main.version=1.2.3"])
def test_a_binary_that_go_builds(tmp_path: Path, flags: str) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/go.mod").write_text("module example.com/lib\n")
    (tmp_path / "lib/lib.go").write_text("package lib\n\nfunc F() {}\n")
    (tmp_path / "go.mod").write_text(
        "module example.com/app\n\nrequire example.com/lib v1.2.3\n\nreplace example.com/lib => ./lib\n"
    )
    (tmp_path / "main.go").write_text(
        'package main\n\nimport "example.com/lib"\n\nvar version string\n\nfunc main() { lib.F(); println(version) }\n'
    )
    environment = {**os.environ, "GOPROXY": "off", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}
    subprocess.run(
        [str(GO), "build", "-buildvcs=false", f"-ldflags={flags}", "-o", "app", "."],
        cwd=tmp_path,
        env=environment,
        check=True,
        capture_output=True,
    )
    facts = _read((tmp_path / "app").read_bytes())
    assert not [fact for fact in facts if isinstance(fact, Unread)]
    assert _packages(facts)[0][0] == "stdlib"
    assert _packages(facts)[1:] == [
        ("example.com/app", "v1.2.3" if "version" in flags else ""),
        ("example.com/lib", ""),
    ]


def _oracle(path: Path) -> list[tuple[str, str]]:
    """Give what `go version -m` says, replacements applied, in our words for what it leaves open."""
    run = subprocess.run([str(GO), "version", "-m", path], capture_output=True, text=True, check=True)
    first, *lines = run.stdout.split("\n")
    found = [("stdlib", first.partition(": go")[2].split()[0])]
    for line in lines:
        kind, *fields = line.strip("\t").split("\t")
        if kind == "mod":
            found.append((fields[0], "v1.4.2"))  # the fixture's linker flags
        elif kind == "dep":
            found.append((fields[0], fields[1]))
        elif kind == "=>":
            found[-1] = (found[-1][0], "") if fields[0].startswith("./") else (fields[0], fields[1])
    return found
