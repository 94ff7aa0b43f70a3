"""What holds for every scheme's keys, whatever the text."""

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullmark.advisories.registry import schemes
from hullmark.advisories.scheme import Scheme
from hullmark.model.errors import VersionError

SCHEMES = {scheme.name: scheme for scheme in schemes().values()}
WORDS = (
    "0 1 2 00 10 . .. - _ + ~ ^ : ! @ * a b c m p r v x z A RC alpha beta pre rc dev post sp final snapshot"
)
MORE = ["git", "_p", "-r1", "~ab1", "1:", "2!", "go", ".x-dev", "é", "٣", "\x00", "\n", " "]
BITS = st.sampled_from([*WORDS.split(), *MORE])
TEXTS = st.one_of(st.text(max_size=40), st.lists(BITS, max_size=14).map("".join))


def key_of(scheme: Scheme, text: str) -> bytes | None:
    try:
        return scheme.key(text)
    except VersionError:
        return None


@pytest.mark.parametrize("name", sorted(SCHEMES))
@given(text=TEXTS)
def test_any_text_gives_bytes_or_version_error(name: str, text: str) -> None:
    found = key_of(SCHEMES[name], text)
    assert found is None or type(found) is bytes
    assert found == key_of(SCHEMES[name], text)


@pytest.mark.parametrize("name", sorted(SCHEMES))
@given(texts=st.lists(TEXTS, min_size=2, max_size=6))
def test_no_key_is_the_beginning_of_another(name: str, texts: list[str]) -> None:
    # pieces say themselves where they end; else a key and what SQL appends to it could mix
    found = sorted({key for text in texts if (key := key_of(SCHEMES[name], text)) is not None})
    assert not any(b.startswith(a) for a, b in itertools.pairwise(found))


@pytest.mark.parametrize("name", sorted(set(SCHEMES) - {"swift"}))  # whose names are addresses: test_swift.py
@given(name_of_package=st.text(max_size=30))
def test_folding_twice_is_folding_once(name: str, name_of_package: str) -> None:
    fold = SCHEMES[name].fold
    assert fold(fold(name_of_package)) == fold(name_of_package)


HOSTILE = [
    "9",
    "1.",
    "0.",
    "a",
    "1a",
    "-",
    "1-",
    "_",
    "~",
    "^",
    "1_p",
    "1.a.",
    "1!",
    "0-a.",
    "1/",
    ".",
    "+",
    "\n",
]


@pytest.mark.parametrize("name", sorted(SCHEMES))
@pytest.mark.parametrize("bit", HOSTILE)
def test_a_huge_text_takes_linear_time(name: str, bit: str) -> None:
    scheme = SCHEMES[name]
    started = time.process_time()
    for tail in ("", "é"):
        key_of(scheme, "1" + bit * 30_000 + tail)
        scheme.fold("1" + bit * 30_000 + tail)
    assert time.process_time() - started < 1.5  # linear takes a tenth of a second, quadratic many
