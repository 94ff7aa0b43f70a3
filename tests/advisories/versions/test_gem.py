"""RubyGems' order against Ruby's own `Gem::Version`."""

import json
import shutil
import subprocess

import pytest

from hullmark.advisories.versions.gem import key
from versions.pairs import keys, mutated, pairs, real, refused, table, wrong

BITS = [".a", ".rc1", ".pre", "-java", "-", ".beta.2", ".0", "b", "Z", ".0.0", " ", "_"]
PROGRAM = """
require "json"
asked = JSON.parse($stdin.read)
valid = asked["texts"].select { |text| Gem::Version.correct?(text) }
parsed = valid.to_h { |text| [text, Gem::Version.new(text)] }
answers = asked["asked"].map { |a, b| parsed[a] && parsed[b] ? parsed[a] <=> parsed[b] : nil }
puts JSON.generate(valid: valid, answers: answers)
"""


@pytest.mark.skipif(shutil.which("ruby") is None, reason="Ruby is not here")
def test_like_rubygems() -> None:
    texts = [
        *real("gem"),
        *table("gem"),
        *mutated(real("gem"), BITS, 4000),
        *mutated(["1.0", "0.0.a"], [*BITS, ".0"], 2000),
    ]
    ordered = keys(key, texts)
    asked = pairs(ordered)
    done = subprocess.run(
        ["ruby", "-e", PROGRAM],
        input=json.dumps({"texts": texts, "asked": asked}),
        capture_output=True,
        text=True,
        check=True,
    )
    result = json.loads(done.stdout)
    assert refused(key, texts) == sorted(set(texts) - set(result["valid"]))
    assert wrong(ordered, asked, result["answers"]) == []
