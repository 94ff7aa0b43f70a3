"""Versions and pairs of them for comparing a scheme with the ecosystem's own tool."""

import itertools
import random
from collections.abc import Callable, Iterable
from pathlib import Path

from conftest import GOLDEN
from hullmark.model.errors import VersionError

DATA = Path(__file__).parent / "data"

Key = Callable[[str], bytes]
Pair = tuple[str, str]


def real(name: str) -> list[str]:
    """Give real versions from data/<name>.txt."""
    lines = (DATA / f"{name}.txt").read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def table(name: str) -> list[str]:
    """Give the versions that stand in the scheme's own table of cases."""
    lines = (GOLDEN / "versions" / f"{name}.txt").read_text("utf-8").splitlines()
    return [
        text for line in lines if not line.startswith("#") for text in line.split(" ") if text not in "<=>!"
    ]


def mutated(versions: list[str], bits: Iterable[str], count: int) -> list[str]:
    """Change versions a little, with pieces that mean something to the scheme; always in the same way."""
    chance = random.Random(20240101)
    pieces = [*bits, "0", "00", "1", "9", "10", "01"]
    out = []
    for _ in range(count):
        text = chance.choice(versions)
        for _step in range(chance.choice((1, 1, 1, 2, 3))):
            at = chance.randrange(len(text) + 1)
            cut = chance.choice((0, 0, 1, 2))
            text = text[:at] + chance.choice([*pieces, "", ""]) + text[at + cut :]
        out.append(text)
    return [text for text in out if text]


def keys(key: Key, texts: Iterable[str]) -> dict[str, bytes]:
    """Give the keys of those texts that the scheme can order."""
    found = {}
    for text in texts:
        try:
            found[text] = key(text)
        except VersionError:
            continue
    return found


def refused(key: Key, texts: Iterable[str]) -> list[str]:
    """Give the texts that the scheme cannot order."""
    return sorted(set(texts) - set(keys(key, texts)))


def chain(ordered: dict[str, bytes]) -> list[Pair]:
    """Give neighbours in the order of the keys: if each stands right, so does every pair of a true order."""
    texts = sorted(ordered, key=lambda text: (ordered[text], text))
    return list(itertools.pairwise(texts))


def pairs(ordered: dict[str, bytes], count: int = 3000) -> list[Pair]:
    """Give neighbours in the order of the keys, and random pairs both ways round."""
    chance = random.Random(count)
    texts = sorted(ordered)
    return chain(ordered) + [(chance.choice(texts), chance.choice(texts)) for _ in range(count)]


def wrong(ordered: dict[str, bytes], compared: list[Pair], answers: Iterable[int]) -> list[str]:
    """Tell where a tool's answers (-1, 0, 1) differ from the order of the keys."""
    found = []
    for (left, right), answer in zip(compared, answers, strict=True):
        ours = (ordered[left] > ordered[right]) - (ordered[left] < ordered[right])
        if ours != answer:
            found.append(f"{left} {'<=>'[ours + 1]} {right}, the tool says {'<=>'[answer + 1]}")
    return found
