"""Python's order against `packaging`."""

import pytest

from hullmark.advisories.versions.pypi import SCHEME, key
from versions.pairs import keys, mutated, pairs, real, refused, table, wrong

packaging_version = pytest.importorskip("packaging.version", reason="packaging is not here")
packaging_utils = pytest.importorskip("packaging.utils", reason="packaging is not here")

BITS = [
    "a",
    "b1",
    "rc",
    ".post",
    "-1",
    ".dev",
    ".dev0",
    "+local.1",
    "+0a",
    "1!",
    "v",
    ".0",
    "c2",
    "preview1",
    "-r4",
    "_",
    " ",
]


def accepted(text: str) -> bool:
    try:
        packaging_version.Version(text)
    except packaging_version.InvalidVersion:
        return False
    return True


def test_like_packaging() -> None:
    texts = [*real("pypi"), *table("pypi"), *mutated(real("pypi"), BITS, 4000), *mutated(["1.0"], BITS, 2000)]
    assert refused(key, texts) == sorted({text for text in texts if not accepted(text)})
    ordered = keys(key, texts)
    asked = pairs(ordered)
    parsed = {text: packaging_version.Version(text) for text in ordered}
    answers = ((parsed[a] > parsed[b]) - (parsed[a] < parsed[b]) for a, b in asked)
    assert wrong(ordered, asked, answers) == []


@pytest.mark.parametrize("name", ["Foo.Bar", "foo__bar", "A-.-b", "zope.interface", "PyYAML"])
def test_names_fold_as_packaging_does(name: str) -> None:
    assert SCHEME.fold(name) == packaging_utils.canonicalize_name(name)
