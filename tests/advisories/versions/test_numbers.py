"""The orders that are numbers from the left: R's, Haskell's and Erlang/OTP's, told once more with tuples."""

import re
from collections.abc import Callable

import pytest

from hullmark.advisories.versions import cran, hackage, otp
from versions.pairs import keys, mutated, pairs, real, refused, table, wrong

Told = Callable[[str], tuple[int, ...]]


def r_numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.split("[.-]", version.strip())))


def haskell_numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def otp_numbers(version: str) -> tuple[int, ...]:
    """Give twenty numbers, then that of the release candidate."""
    numbers, _, candidate = version.removeprefix("OTP-").partition("-rc")
    found = tuple(map(int, numbers.split(".")))
    return (*found, *([0] * (20 - len(found))), int(candidate) if candidate else 10**9)


OTP = ["27.3.4.1", "6.0.2.0.1", "28.0-rc2", "5.10", "3.17.1", "OTP-26.2.5.12", "1.8.14"]


@pytest.mark.parametrize("name", ["cran", "hackage"])
def test_every_real_version_has_a_key(name: str) -> None:
    key = {"cran": cran.key, "hackage": hackage.key}[name]
    assert refused(key, real(name)) == []


@pytest.mark.parametrize(
    ("key", "told", "seeds", "cases"),
    [
        pytest.param(cran.key, r_numbers, real("cran"), "cran", id="cran"),
        pytest.param(hackage.key, haskell_numbers, real("hackage"), "hackage", id="hackage"),
        pytest.param(otp.key, otp_numbers, OTP, "otp", id="otp"),
    ],
)
def test_like_the_rules(key: Callable[[str], bytes], told: Told, seeds: list[str], cases: str) -> None:
    texts = [*seeds, *table(cases), *mutated(seeds, [".", "-", ".0", ".0.0", "-rc1", "-rc10", "a"], 3000)]
    ordered = keys(key, texts)
    asked = pairs(ordered)
    assert len(ordered) > 800
    answers = ((told(a) > told(b)) - (told(a) < told(b)) for a, b in asked)
    assert wrong(ordered, asked, answers) == []
