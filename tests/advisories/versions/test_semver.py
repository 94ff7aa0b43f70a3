"""Semantic versions against npm's own `semver`."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from hullmark.advisories.versions.semver import SCHEME
from versions.pairs import keys, mutated, pairs, real, refused, table, wrong

key = SCHEME.key
BITS = [
    "-",
    "-alpha",
    "-beta.1",
    "-rc.10",
    "-0",
    ".x",
    "+build.5",
    "v",
    "=",
    "a",
    "Z",
    "--",
    "-1a",
    "rc1",
    ".",
]
PROGRAM = """
const semver = require(process.argv[1]);
const {texts, asked} = JSON.parse(require("fs").readFileSync(0, "utf8"));
const parsed = Object.fromEntries(texts.map(t => [t, semver.parse(t, {loose: true})]));
const answers = asked.map(([a, b]) => parsed[a] && parsed[b] ? parsed[a].compare(parsed[b]) : null);
console.log(JSON.stringify({valid: texts.filter(t => semver.valid(t)), answers}));
"""


def module() -> Path | None:
    node = shutil.which("node")
    roots = [Path("/usr/lib/node_modules"), Path("/usr/local/lib/node_modules"), Path("/usr/share/nodejs")]
    if node:
        roots.append(Path(node).resolve().parents[1] / "lib/node_modules")
    for root in roots:
        for folder in (root / "npm/node_modules/semver", root / "semver"):
            if node and (folder / "index.js").exists():
                return folder
    return None


def test_real_versions_have_keys_but_for_wildcards_and_words() -> None:
    assert refused(key, real("cargo")) == []
    assert [text for text in refused(key, real("npm")) if "*" not in text] == ["3.0.RC3"]


@pytest.mark.skipif(module() is None, reason="npm's semver is not here")
def test_like_npm() -> None:
    seeds = [*real("npm"), *real("cargo")]
    texts = [*seeds, *table("semver"), *mutated(seeds, BITS, 4000)]
    ordered = keys(key, texts)
    asked = pairs(ordered, 5000)
    done = subprocess.run(
        ["node", "-e", PROGRAM, str(module())],
        input=json.dumps({"texts": texts, "asked": asked}),
        capture_output=True,
        text=True,
        check=True,
    )
    result = json.loads(done.stdout)
    assert sorted(set(result["valid"]) - set(ordered)) == []
    # npm refuses fewer numbers than three, and reads a fourth as a pre-release: 0.0.91.0 as 0.0.9-1.0
    three = re.compile(r"[=v]*[0-9]+\.[0-9]+\.[0-9]+(?![0-9.])")
    both = [
        ((a, b), answer)
        for (a, b), answer in zip(asked, result["answers"], strict=True)
        if answer is not None and three.match(a) and three.match(b)
    ]
    assert len(both) > 1000
    assert wrong(ordered, [pair for pair, _answer in both], [answer for _pair, answer in both]) == []
