"""How firmly a reference names an image, what is wrong with it, and what to write in its place.

Three levels. `digest`: it names the very bytes. `dated`: its tag has a date, a time or a commit in it, so that the publisher means it to
stay (`ubuntu:focal-20200423`, `ubi9:9.3-1361.1699548032`, `app:sha-1f3c5ab`). `mutable`: all others, names (`latest`, `focal`) and versions
(`node:20.11.1`) alike, since versions are rebuilt and pushed again under the same tag. Grammar of references: distribution/reference, `reference.go`.
"""

import datetime as dt
import enum
import re
from collections.abc import Iterator
from typing import NamedTuple

from hullmark.images.reference import Reference, parse
from hullmark.model.advisory import Severity
from hullmark.model.errors import UsageError
from hullmark.model.image import DIGEST
from hullmark.model.rule import Rule, known_as

_HEX = re.compile(r"[0-9a-fA-F]{64}")
_DAY = re.compile(
    r"(?<!\d)(20\d\d)([-._]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?=\d{4}(?!\d)|\d{6}(?!\d)|\D|$)"
)
_SECONDS = re.compile(r"(?<!\d)1[4-9]\d{8}(?!\d)")
_COMMIT = re.compile(
    r"(?:^|[-_.])(?:g|sha-?|git-?|commit-)?(?=[0-9a-f]*[0-9])(?=[0-9]*[a-f])([0-9a-f]{7,64})(?=$|[-_.])"
)
_VERSION = re.compile(r"(?:^|[-_.])v?\d|\d\.\d")
_SHOWN = 200


class Level(enum.StrEnum):
    """How firmly a reference names an image, from the loosest up."""

    MUTABLE = "mutable"
    DATED = "dated"
    DIGEST = "digest"


_RANK = {level: rank for rank, level in enumerate(Level)}

_SAME_AS_LATEST = (
    "DL3006",
    "DL3007",
    "DS-0001",
    "AVD-DS-0001",
    "KSV-0013",
    "AVD-KSV-0013",
    "CIS-DI-0002",
    "DKL-DI-0006",
)
_CONTROLS = ("CIS-Docker 4.2", "NIST-800-190 4.2.2", "NIST-800-53 CM-2", "PCI-DSS 6.3.2")

UNPINNED = Rule(
    id="unpinned-image",
    kind="pin",
    severity=Severity.MEDIUM,
    summary="An image is named by a tag that is moved on purpose, or by none",
    why="What runs tomorrow is whatever has been pushed under that name by then, and nobody on your side has looked at it.",
    fix="Name a version and the digest: hullmark pin writes name:tag@sha256:… in place.",
    bad=(
        "FROM ubuntu",
        "FROM ubuntu:latest",
        "FROM ubuntu:focal",
        "FROM registry.example:5000/team/app:staging",
    ),
    good=(
        "FROM ubuntu:focal-20200423",
        f"FROM ubuntu:latest@sha256:{'1' * 64}",
        "FROM scratch",
        "FROM ubuntu:focal-20200423 AS a\nFROM a",
    ),
    controls=_CONTROLS,
    same_as=_SAME_AS_LATEST,
)
UNDATED = Rule(
    id="undated-image",
    kind="pin",
    severity=Severity.MEDIUM,
    summary="An image is named by a version that may be pushed again",
    why="Publishers rebuild a version under the same tag, so two builds of one file may hold different packages.",
    fix="Add the digest, or take a tag with a date: hullmark pin writes name:tag@sha256:… in place.",
    bad=("FROM node:20.11.1", "FROM postgres:16-alpine3.19", "FROM ubuntu:20231399"),
    good=(
        "FROM node:20.11.1-bookworm-20240213",
        "FROM app:sha-1f3c5ab",
        f"FROM node:20.11.1@sha256:{'1' * 64}",
    ),
    pack="pedantic",
    controls=_CONTROLS,
)
NOT_BY_DIGEST = Rule(
    id="image-not-by-digest",
    kind="pin",
    severity=Severity.MEDIUM,
    summary="An image is named by a tag alone where a digest is asked for",
    why="Whoever can push to the repository can put another image under a tag, also under one with a date.",
    fix="Add the digest: hullmark pin writes name:tag@sha256:… in place.",
    bad=("FROM ubuntu:focal-20200423",),
    good=(f"FROM ubuntu:focal-20200423@sha256:{'1' * 64}", f"FROM ubuntu@sha256:{'1' * 64}"),
    pack="pedantic",
    controls=_CONTROLS,
)
BROKEN = Rule(
    id="image-reference-broken",
    kind="pin",
    severity=Severity.HIGH,
    summary="What should name an image is no reference",
    why="It cannot be pulled, or it names an image that only one machine has.",
    fix="Write name:tag@sha256:… with the 64 digits that the registry gives.",
    bad=(
        f"FROM ubuntu:@sha256:{'1' * 64}",
        f"FROM {'1' * 64}",
        f"FROM sha256:{'1' * 64}",
        "FROM ubuntu@sha256:12",
        "FROM Ubuntu:20.04",
    ),
    good=(f"FROM ubuntu@sha256:{'1' * 64}", "FROM ubuntu:focal-20200423"),
)
MOVED = Rule(
    id="tag-moved",
    kind="pin",
    severity=Severity.MEDIUM,
    summary="A tag points to another image than it did",
    why="What was scanned, or what is pinned, is not what the tag names now: fixes may be missing, or something unknown has come in.",
    fix="Scan what the tag points to now, then let hullmark pin --update write its digest.",
    bad=(f"FROM ubuntu:focal-20200423@sha256:{'1' * 64}",),
    good=(f"FROM ubuntu:focal-20200423@sha256:{'2' * 64}", f"FROM ubuntu@sha256:{'1' * 64}"),
    controls=("NIST-800-190 4.1.5", "NIST-800-53 SI-7"),
)
RULES = (UNPINNED, UNDATED, NOT_BY_DIGEST, BROKEN, MOVED)


_LINTED = (UNPINNED.id, UNDATED.id, NOT_BY_DIGEST.id)


class Judged(NamedTuple):
    """What is wrong with a reference: the rule, what is wrong here, what to do here."""

    rule: Rule
    message: str
    advice: str
    severity: Severity


def names_for(rule: Rule, text: str) -> frozenset[str]:
    """Give every name by which a comment may silence what a rule found in a reference (`normal`): its own, and that of what lint says there."""
    reference = understood(text)
    if rule.id not in _LINTED or reference is None:
        return known_as(rule)
    if ":" not in reference.text.rpartition("/")[2]:
        return known_as(rule) | {"untagged-base"}
    return known_as(rule) | {"latest-base" if reference.tag == "latest" else "moving-base"}


def understood(text: str) -> Reference | None:
    """Take a reference apart; nothing where it is none."""
    if broken(text) is not None:
        return None
    try:
        return parse(text)
    except UsageError:
        return None


def level_of(reference: Reference) -> Level:
    """Say how firmly a reference names an image."""
    if reference.digest:
        return Level.DIGEST
    return Level.DATED if _is_dated(reference.tag) else Level.MUTABLE


def broken(text: str) -> tuple[str, str] | None:
    """Say what keeps a text from being a reference and what its right form is; nothing where it is one."""
    shown = text[:_SHOWN]
    if _HEX.fullmatch(text.removeprefix("sha256:")):
        said = "is an image id, which names an image on one machine only"
        return f"{shown} {said}", "name:tag@sha256:… with the digest that the registry gives"
    name, at, digest = text.partition("@")
    if at and (problem := _broken_digest(name, digest)) is not None:
        return f"{shown} {problem[0]}", problem[1]
    head, _, tail = name.rpartition(":")
    if _HEX.fullmatch(tail) and head.endswith(":sha256"):
        right = f"{head.removesuffix(':sha256')}@sha256:{tail.lower()}"
        return f"{shown} has a digest where its tag belongs", right
    try:
        parse(text)
    except UsageError as wrong:
        return f"{shown} names no image: {wrong.what}", _in_small_letters(text)
    return None


def _broken_digest(name: str, digest: str) -> tuple[str, str] | None:
    right = f"sha256:{digest.lower()}" if _HEX.fullmatch(digest) else digest.lower()
    is_one = bool(DIGEST.fullmatch(right))
    if name.endswith(":"):
        return "has a colon and no tag before its digest", f"{name[:-1]}@{right if is_one else 'sha256:…'}"
    if not is_one:
        return "has no digest behind its @", f"{name}@sha256:… with 64 digits from 0 to f"
    return ("has a digest of another form", f"{name}@{right}") if right != digest else None


def _in_small_letters(text: str) -> str:
    """Give what a reference would be in small letters, its tag as it is, where that is one."""
    name, at, digest = text.partition("@")
    colon = name.find(":", name.rfind("/") + 1)
    end = colon if colon >= 0 else len(name)
    small = f"{name[:end].lower()}{name[end:]}{at}{digest}"
    try:
        parse(small)
    except UsageError:
        return "HOST/NAME:TAG@sha256:…"
    return small


def judged(
    text: str,
    required: Level,
    points_to: str = "",
    scanned: str = "",
    file: str = "FILE",
    fixed: str = "",
    *,
    is_id: bool = False,
) -> Iterator[Judged]:
    """Say what is wrong with a reference where a level is required.

    `points_to` is the digest that its tag has now, `scanned` the one that it had when it was scanned; empty where that is not known.
    `fixed` says why no digest can be written for it in `file`. `is_id`: its digest is an image's id at its registry.
    """
    problem = broken(text)
    if problem is not None:
        yield Judged(BROKEN, problem[0], f"The right form is {problem[1]}", BROKEN.severity)
        return
    reference = parse(text)
    if is_id:
        name = text.partition("@")[0][:_SHOWN]
        right = f"{name}@{points_to or 'sha256:…'}"
        said = f"{text[:_SHOWN]} has an image id where a digest belongs, and cannot be pulled"
        yield Judged(BROKEN, said, f"The right form is {right}", BROKEN.severity)
        return
    level = level_of(reference)
    if _RANK[level] < _RANK[required]:
        yield _too_loose(reference, level, file, fixed)
    yield from _moved(reference, points_to, scanned, file)


def _too_loose(reference: Reference, level: Level, file: str, fixed: str) -> Judged:
    shown = reference.text[:_SHOWN]
    has_tag = ":" in reference.text.rpartition("/")[2]
    tag = reference.tag
    if level is Level.DATED:
        rule, said = NOT_BY_DIGEST, f"{shown} has a dated tag and no digest"
    elif not has_tag:
        rule, said = UNPINNED, f"{shown} names no tag, so it is whatever latest is on that day"
    elif not _VERSION.search(tag):
        rule, said = UNPINNED, f"{shown}: the tag {tag} is moved with every new build"
    else:
        rule, said = UNDATED, f"{shown}: the tag {tag} may be pushed again with other content"
    wanted = f"{shown}{'' if has_tag else ':latest'}@sha256:…"
    advice = f"Write {wanted} yourself: {fixed}" if fixed else f"hullmark pin {file} writes {wanted}"
    return Judged(rule, said, advice, rule.severity)


def _moved(reference: Reference, points_to: str, scanned: str, file: str) -> Iterator[Judged]:
    if not points_to or not reference.tag:
        return
    name = reference.text.partition("@")[0][:_SHOWN]
    if reference.digest:
        if points_to != reference.digest:
            said = f"{name} points to {_short(points_to)} now, and the file has {_short(reference.digest)}"
            # What is built stays the same: only what the publisher has changed since is missing.
            yield Judged(MOVED, said, f"hullmark pin --update {file} moves it", Severity.LOW)
    elif scanned and points_to != scanned:
        said = f"{name} points to {_short(points_to)} now, and was {_short(scanned)} when it was scanned"
        yield Judged(MOVED, said, f"Scan it again; hullmark pin {file} keeps it from moving", MOVED.severity)


def _short(digest: str) -> str:
    return digest[:19]


def _is_dated(tag: str) -> bool:
    for match in _DAY.finditer(tag):
        try:
            dt.date(int(match[1]), int(match[3]), int(match[4]))
        except ValueError:
            continue
        return True
    return bool(_SECONDS.search(tag) or _COMMIT.search(tag))
