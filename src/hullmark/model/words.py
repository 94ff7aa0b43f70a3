"""Numbers, ages, sizes and states in words: the same in every format, and nothing of an image in them."""

from hullmark.model.advisory import Severity
from hullmark.model.facts import UnreadKind
from hullmark.model.report import FindingState, Suppression

STATES: dict[FindingState, str] = {
    "fixed_available": "fix available",
    "affected": "no known fix",
    "will_not_fix": "will not be fixed",
    "end_of_life": "end of life: no more fixes",
    "under_investigation": "under investigation",
    "undecided": "undecided: versions could not be ordered",
}
"""What a finding's state says of a fix, where there is no version that has one."""
COVERAGE: dict[str, str] = {
    "no_feed": "no feed speaks for them",
    "feed_missing": "their feed is not in the database",
    "feed_stale": "checked against stale advisories",
    "release_unknown": "the release is not known",
    "release_eol": "checked, but the release is past its end of life, and later flaws are in no advisory",
}
"""Why packages were not checked, or not well (`hullmark.model.report.CHECKED`)."""
RELEASE = {
    "feed_missing": "whether the release is past its end of life: no end-of-life dates are in the database",
    "no_feed": "whether the release is past its end of life: no feed speaks for it",
}
"""Why the end of life of the release itself is not known."""
UNREAD: dict[UnreadKind, str] = {
    "layer": "layer",
    "package_database": "package database",
    "file": "file",
    "record": "record",
}
"""Kinds of what could not be read, the worst first."""
WHOSE = {True: "base image", False: "own", None: ""}
"""Whose a package or layer is, by its `from_base`."""


def amount(count: int, what: str) -> str:
    """Give a number with its noun, in the plural where it is not one."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def counts(by_severity: dict[str, int]) -> str:
    """Give the numbers of findings, worst first; those of which there are none are not named."""
    return ", ".join(f"{by_severity[level]:,} {level}" for level in Severity if by_severity.get(level))


def age(hours: float) -> str:
    """Give an age in hours, from two days on in days."""
    return amount(max(round(hours), 0), "hour") if hours < 48 else amount(round(hours / 24), "day")


def size(count: float) -> str:
    """Give a number of bytes in powers of ten."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 10 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def sentence(words: str) -> str:
    """Begin with a capital letter."""
    return words[:1].upper() + words[1:]


def stands(said: Suppression) -> str:
    """Say where a statement stands. The words are its file's name."""
    return f"{said.source}:{said.line}" if said.line else said.source
