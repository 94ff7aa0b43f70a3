"""conda's order against rattler, conda's own in Rust."""

import contextlib
import re

import pytest

from hullmark.advisories.versions.conda import key
from versions.pairs import keys, mutated, pairs, refused, table, wrong

VERSIONS = [
    "1.1.1k",
    "1.0.1_",
    "1.0.1a",
    "2.4.57",
    "2023.07.22",
    "3.12.0rc1",
    "1!2.15.1_alpha",
    "0.5.0a1.dev2",
    "9e",
    "1.0.post1",
]
VERSIONS += [
    "0.4.1.rc",
    "0.960923",
    "1.2g.beta15.rc",
    "2.2.0.1",
    "1996.07.12",
    "3.4j",
    "1.13++",
    "0.22.1+cu118",
    "5.5.kw",
    "1.3.a0",
]
BITS = ["_", ".", ".0", "dev", "post", "a", "rc", "*", "+1", "1!", "Z", "-", ".0.0", "0a"]


def test_like_rattler() -> None:
    rattler = pytest.importorskip("rattler", reason="py-rattler is not here")
    # rattler parts a word and an underscore at the end, conda itself takes both for one word
    texts = [text for text in mutated(VERSIONS, BITS, 6000) if not re.search("[a-zA-Z][_-]([+]|$)", text)]
    texts += VERSIONS + table("conda")
    parsed = {}
    for text in texts:
        with contextlib.suppress(Exception):  # its error type moves between releases
            parsed[text] = rattler.Version(text)
    assert len(parsed) > 3000
    ordered = {text: bytes_ for text, bytes_ in keys(key, texts).items() if text in parsed}
    asked = pairs(ordered)
    answers = ((parsed[a] > parsed[b]) - (parsed[a] < parsed[b]) for a, b in asked)
    assert wrong(ordered, asked, answers) == []
    assert [text for text in refused(key, texts) if text in parsed] == []
