"""Every version scheme on its table: tests/golden/versions/<scheme>.txt."""

import pytest

from conftest import GOLDEN
from hullmark.advisories.registry import schemes
from hullmark.advisories.scheme import Scheme
from hullmark.model.errors import VersionError

SCHEMES = {scheme.name: scheme for scheme in schemes().values()}


@pytest.mark.parametrize("name", sorted(SCHEMES))
def test_table(name: str) -> None:
    scheme = SCHEMES[name]
    lines = (GOLDEN / "versions" / f"{name}.txt").read_text("utf-8").splitlines()
    cases = [line for line in lines if line.strip() and not line.startswith("#")]
    assert cases
    wrong = [line for line in cases if not _holds(scheme, line)]
    assert wrong == []


def _holds(scheme: Scheme, line: str) -> bool:
    words = line.split(" ")
    if words[1:2] == ["!"]:
        try:
            scheme.key(words[0])
        except VersionError:
            return True
        return False
    left, sign, right = words
    a, b = scheme.key(left), scheme.key(right)
    return {"<": a < b, "=": a == b, ">": a > b}[sign]
