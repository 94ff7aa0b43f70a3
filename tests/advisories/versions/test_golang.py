"""Go's order against golang.org/x/mod/semver and go/version, as they stand in a Go installation."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from hullmark.advisories.versions.golang import key
from versions.pairs import Pair, keys, mutated, pairs, real, refused, table, wrong

BITS = ["-0.", "-rc.1", "-beta", "+incompatible", "-20240101000000-abcdefabcdef", ".0", "-pre", "a", "-"]
TOOLCHAINS = [
    "go1",
    "go1.2",
    "go1.4beta1",
    "go1.9rc2",
    "go1.18.3",
    "go1.20",
    "go1.20.14",
    "go1.21rc2",
    "go1.21rc10",
]
TOOLCHAINS += [
    "go1.21.0",
    "go1.21.3",
    "go1.22.1",
    "go1.22.1-vendor",
    "go1.30alpha1",
    "go1.100.7",
    "go2.1beta4",
]
PROGRAM = """package main

import ("encoding/json"; "go/version"; "os"; "differential/semver")

type question struct { Modules, Tools [][2]string }

func main() {
	var asked question
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil { panic(err) }
	answers := []int{}
	for _, pair := range asked.Modules { answers = append(answers, semver.Compare(pair[0], pair[1])) }
	for _, pair := range asked.Tools { answers = append(answers, version.Compare(pair[0], pair[1])) }
	json.NewEncoder(os.Stdout).Encode(answers)
}
"""
NUMBER = "(?:0|[1-9][0-9]*)"
PART = f"(?:{NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
STRICT = re.compile(
    rf"{NUMBER}\.{NUMBER}\.{NUMBER}(?:-{PART}(?:\.{PART})*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$"
)


def library() -> Path | None:
    go = shutil.which("go")
    if go is None:
        return None
    root = Path(
        subprocess.run([go, "env", "GOROOT"], capture_output=True, text=True, check=True).stdout.strip()
    )
    found = root / "src/cmd/vendor/golang.org/x/mod/semver/semver.go"
    return found if found.exists() and (root / "src/go/version").exists() else None


def ask(folder: Path, modules: list[Pair], tools: list[Pair]) -> list[int]:
    source = library()
    if source is None:
        pytest.skip("no Go with its libraries' sources is here")
    (folder / "semver").mkdir()
    shutil.copy(source, folder / "semver/semver.go")
    (folder / "go.mod").write_text("module differential\n\ngo 1.22\n")
    (folder / "main.go").write_text(PROGRAM)
    done = subprocess.run(
        ["go", "run", "."],
        cwd=folder,
        env={**os.environ, "GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOTOOLCHAIN": "local"},
        input=json.dumps({"Modules": [["v" + a, "v" + b] for a, b in modules], "Tools": tools}),
        capture_output=True,
        text=True,
        check=True,
    )
    answers: list[int] = json.loads(done.stdout)
    return answers


def test_every_real_version_has_a_key() -> None:
    assert refused(key, real("golang")) == []


def test_like_go(tmp_path: Path) -> None:
    texts = [*real("golang"), *table("golang"), *mutated(real("golang"), BITS, 4000)]
    modules = keys(key, [text for text in texts if STRICT.match(text)])
    tools = keys(key, TOOLCHAINS)
    asked = pairs(modules), [(a, b) for a in tools for b in tools]
    answers = ask(tmp_path, *asked)
    assert wrong({**modules, **tools}, [*asked[0], *asked[1]], answers) == []


def test_the_database_and_the_toolchain_write_one_release_in_two_ways() -> None:
    assert key("go1.21rc2") == key("1.21.0-rc.2") == key("1.21rc2")
    assert key("1.21.0-0") < key("go1.21rc1") < key("go1.21.0") == key("go1.21.0 X:boringcrypto")
    assert key("go1.18.3b7") == key("1.18.3")
