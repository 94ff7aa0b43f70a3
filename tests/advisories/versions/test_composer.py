"""Composer's order against composer/semver."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from hullmark.advisories.versions.composer import key
from versions.pairs import keys, mutated, pairs, real, refused, table, wrong

BITS = [
    "-dev",
    "-beta",
    "-RC1",
    "alpha.2",
    "-patch1",
    "pl2",
    "p1",
    "v",
    ".x-dev",
    "-stable",
    "+build",
    "b2",
    "@dev",
    ".0",
    ".",
]
EXTRA = [
    "20100102",
    "2010-01-02",
    "2010-01-02.5",
    "20100102-203040-p1",
    "dev-master",
    "1.x-dev",
    "201903.0",
    "2.0.x-DEV",
]
LIBRARY = Path("/usr/share/php/Composer/Semver/autoload.php")
PROGRAM = """
require $argv[1];
$parser = new Composer\\Semver\\VersionParser();
$input = json_decode(stream_get_contents(STDIN), true);
$parsed = [];
foreach ($input["texts"] as $text) {
    try { $normal = $parser->normalize($text); } catch (UnexpectedValueException $problem) { continue; }
    if (strncmp($normal, "dev-", 4) !== 0) { $parsed["/" . $text] = $normal; }
}
$answers = [];
foreach ($input["asked"] as [$a, $b]) {
    $known = isset($parsed["/" . $a], $parsed["/" . $b]);
    $answers[] = $known ? version_compare($parsed["/" . $a], $parsed["/" . $b]) : null;
}
$valid = array_map(fn($name) => substr($name, 1), array_keys($parsed));
echo json_encode(["valid" => $valid, "answers" => $answers]);
"""


def test_every_real_version_has_a_key() -> None:
    assert refused(key, real("composer")) == []


@pytest.mark.skipif(shutil.which("php") is None or not LIBRARY.exists(), reason="composer/semver is not here")
def test_like_composer() -> None:
    seeds = [*real("composer"), *EXTRA]
    texts = [*seeds, *table("composer"), *mutated(seeds, BITS, 4000)]
    ordered = keys(key, texts)
    asked = pairs(ordered)
    done = subprocess.run(
        ["php", "-r", PROGRAM, str(LIBRARY)],
        input=json.dumps({"texts": texts, "asked": asked}),
        capture_output=True,
        text=True,
        check=True,
    )
    result = json.loads(done.stdout)
    assert sorted(set(result["valid"]) - set(ordered)) == []
    # releases of composer/semver before 3.4 take one number after a date, later ones two
    assert [text for text in set(ordered) - set(result["valid"]) if not re.match("[0-9]{6}", text)] == []
    both = [
        (pair, answer) for pair, answer in zip(asked, result["answers"], strict=True) if answer is not None
    ]
    assert len(both) > 3000
    assert wrong(ordered, [pair for pair, _answer in both], [answer for _pair, answer in both]) == []
