"""A rule about secrets or misconfiguration: what it looks for, why, what to do, and by which names others know it."""

import re
from typing import Literal

from msgspec import Struct

from hullmark.model.advisory import Severity

_TRIVY = re.compile(r"(?:AVD-)?(DS|KSV)-?(\d{1,6})", re.IGNORECASE)
RuleKind = Literal["secret", "dockerfile", "image", "pin", "layers"]
Pack = Literal["default", "pedantic"]
Confidence = Literal["high", "medium", "low"]


SCHEMA_VERSION = "1.0"


class Rule(Struct, frozen=True, kw_only=True):
    """One rule.

    `id` is words joined by hyphens, unique among all rules. `summary` is one clause without a full stop that says what is wrong, `why` one
    sentence on what may come of it, `fix` one that says what to do. `bad` and `good` are examples, and tests: a rule finds something in
    every bad one and nothing in a good one. In those of secrets `<<alnum:36>>` stands for so many random signs (`detectors/secrets/samples.py`).
    `pack` is `pedantic` for what an attacker could not use. `controls` are `FRAMEWORK section`, as `CIS-Docker 4.1`, `NIST-800-190 4.1.4`,
    `NIST-800-53 CM-7`, `PCI-DSS 2.2.6`. `same_as` are the ids of the same rule at Hadolint (`DL3002`, `SC2046`), Trivy (`DS-0002`,
    `AVD-DS-0002`), Dockle (`CIS-DI-0001`, `DKL-DI-0005`), gitleaks and Kingfisher; each of them is accepted wherever a rule is named.
    """

    id: str
    kind: RuleKind
    severity: Severity
    summary: str
    why: str
    fix: str
    bad: tuple[str, ...] = ()
    good: tuple[str, ...] = ()
    pack: Pack = "default"
    controls: tuple[str, ...] = ()
    same_as: tuple[str, ...] = ()


class RuleList(Struct, frozen=True, kw_only=True):
    """Rules, by kind and id, or in the order in which they were named."""

    schema_version: str = SCHEMA_VERSION
    rules: tuple[Rule, ...]


def normal(name: str) -> str:
    """Give a rule's name as it is compared: in small letters, and Trivy's in one of its three forms (`DS002`, `DS-0002`, `AVD-DS-0002`)."""
    if found := _TRIVY.fullmatch(name.strip()):
        return f"{found[1].lower()}-{int(found[2]):04}"
    return name.strip().lower()


def known_as(rule: Rule) -> frozenset[str]:
    """Give all names of a rule as they are compared (`normal`)."""
    return frozenset(map(normal, (rule.id, *rule.same_as)))
