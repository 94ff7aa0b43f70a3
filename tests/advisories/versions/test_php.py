"""PHP's order against `version_compare`."""

import json
import re
import shutil
import subprocess

import pytest

from hullmark.advisories.versions.php import key
from versions.pairs import keys, mutated, pairs, real, table, wrong

BITS = [
    "-dev",
    "RC1",
    "rc",
    "alpha",
    "a2",
    "b",
    "beta.3",
    "pl1",
    "p",
    "patch",
    "xyz",
    "Beta",
    "_",
    "+",
    "-",
    ".0",
]
PROGRAM = """
$asked = json_decode(stream_get_contents(STDIN), true);
echo json_encode(array_map(fn($pair) => version_compare($pair[0], $pair[1]), $asked));
"""
PEAR = re.compile(r"[0-9]+(\.[0-9]+)*([a-zA-Z]+[0-9]*)?$")


def test_every_version_that_pear_accepts_has_a_key() -> None:
    texts = [text for text in mutated(real("composer"), BITS, 3000) if PEAR.match(text)]
    assert len(texts) > 1000
    assert set(keys(key, texts)) == set(texts)


@pytest.mark.skipif(shutil.which("php") is None, reason="PHP is not here")
def test_like_php() -> None:
    seeds = [*real("composer"), "1.4.14", "0.9", "1.0b2", "5.3", "2.24.33"]
    ordered = keys(key, [*seeds, *table("php"), *mutated(seeds, BITS, 5000)])
    asked = pairs(ordered, 6000)
    done = subprocess.run(
        ["php", "-r", PROGRAM], input=json.dumps(asked), capture_output=True, text=True, check=True
    )
    assert wrong(ordered, asked, json.loads(done.stdout)) == []
