"""What takes findings out of the list beforehand: the statements of ignore files and VEX documents, and what none of them may touch."""

import datetime as dt
import fnmatch
import re
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from typing import NamedTuple

from msgspec.structs import replace

from hullmark.model.facts import SYSTEM
from hullmark.model.globs import fits_any
from hullmark.model.purl import Purl, parse_purl
from hullmark.model.report import Component, Finding, Report, ReportImage, Suppressed, Suppression
from hullmark.model.sbom import image_purl

KERNEL_HEADERS = "kernel headers, which hold no code of the kernel"
_KERNEL = re.compile(r"(?:linux|kernel)(?:-[\w.+-]+)?\Z")
_HEADERS = re.compile(
    r"(?:linux-libc-dev(?:-[\w.+-]+)?|linux-(?:[\w.+-]+-)?headers(?:-[\w.+-]+)?|kernel-(?:[\w.+-]+-)?(?:headers|devel(?:-matched)?))\Z"
)


def is_headers(name: str, source: str) -> bool:
    """Tell whether an OS package has a kernel's headers alone, though the flaws of its source are the kernel's.

    An image runs on its host's kernel: what is said of `linux` says nothing of `linux-libc-dev`. Images with compilers in them
    would otherwise have hundreds of findings that no upgrade of theirs makes safer.
    """
    return bool(_KERNEL.match(source) and _HEADERS.match(name))


def may_suppress(finding: Finding, ids: Collection[str] = (), reason: str = "") -> bool:
    """Tell whether a finding may be taken out by who names these `ids` and gives this `reason`; a filter has neither.

    A malicious package is taken out by an id of its own with a reason alone: nobody means it who asks for fewer rows.
    """
    if finding.kind != "malicious":
        return True
    return bool(reason.strip()) and not {finding.id, *finding.aliases}.isdisjoint(ids)


class Outcome(NamedTuple):
    """The findings that are left, those that were taken out, and what came of each statement."""

    left: list[Finding]
    suppressed: list[Suppressed]
    suppressions: tuple[Suppression, ...]


def applied(report: Report, suppressions: Sequence[Suppression]) -> Outcome:
    """Take out of a report's findings what the statements say; they stand in the outcome after those that the report has already.

    Of VEX statements on one finding that contradict each other the latest counts; where none is, neither does: nothing is taken out by
    mistake. An ignore file is its owner's own decision and stands above them.
    """
    first = len(report.suppressions)
    rules = [_Rule(at, each, report) for at, each in enumerate(suppressions)]
    index = _Index(rules)
    components = {component.id: component for component in report.packages}
    left: list[Finding] = []
    suppressed: list[Suppressed] = []
    for finding in report.findings:
        component = components.get(finding.component)
        rule = _chosen([rule for rule in index.of(finding) if rule.fits(finding, component)])
        if rule is None or not may_suppress(finding, rule.said.ids, rule.said.reason):
            left.append(finding)
            continue
        rule.took.append(finding)
        suppressed.append(Suppressed(_because(rule.said), finding, by=first + rule.at))
    return Outcome(left, suppressed, (*report.suppressions, *(rule.outcome() for rule in rules)))


def _because(said: Suppression) -> str:
    words = [said.status, said.justification, said.reason]
    return ": ".join(word for word in words if word) or "ignored, without a reason"


def _chosen(rules: Sequence["_Rule"]) -> "_Rule | None":
    """Choose of the statements that fit one finding the one that takes it out."""
    own = [rule for rule in rules if not rule.said.status]
    if own:
        return own[0]
    denying = [rule for rule in rules if rule.denies]
    asserting = [rule for rule in rules if not rule.denies]
    if not denying or not asserting:
        return denying[0] if denying else None
    latest = max(denying, key=lambda rule: rule.said.said)
    against = max(rule.said.said for rule in asserting)
    if all(rule.said.said for rule in rules) and latest.said.said != against:
        return latest if latest.said.said > against else None
    for rule in rules:
        rule.contradicted = True
    return None


class _Rule:
    """A statement while it is applied to one report."""

    def __init__(self, at: int, said: Suppression, report: Report) -> None:
        self.at = at
        self.said = said
        self.took: list[Finding] = []
        self.contradicted = False
        self.denies = said.status in {"", "not_affected", "fixed"}
        self.is_expired = bool(said.expires) and _is_past(said.expires, report.as_of)
        self.is_here = not said.products or any(_is_product(name, report.image) for name in said.products)
        self._packages = [_package(text) for text in said.packages]
        self._paths = fits_any(path.lstrip("/") for path in said.paths)

    def fits(self, finding: Finding, component: Component | None) -> bool:
        """Tell whether a finding is one of those that the statement speaks of; its ids are known to fit."""
        said = self.said
        if self.is_expired or not self.is_here:
            return False
        if said.states and finding.state not in said.states:
            return False
        if self._packages and not any(package(finding, component) for package in self._packages):
            return False
        places = finding.locations
        if said.paths and not (places and all(self._paths(place.path) for place in places)):
            return False
        return not said.layers or (
            bool(places)
            and all(
                place.layer_digest in said.layers or _whose(place.from_base) in said.layers
                for place in places
            )
        )

    def outcome(self) -> Suppression:
        """Give the statement with what came of it."""
        state = "unused"
        if self.is_expired:
            state = "expired"
        elif not self.is_here:
            state = "other_image"
        elif self.took:
            has_fix = not self.said.status and any(finding.fixed_version for finding in self.took)
            state = "fix_available" if has_fix else "used"
        elif self.contradicted:
            state = "contradicted"
        elif not self.denies:
            state = "kept"
        return replace(self.said, state=state, findings=len(self.took))


class _Index:
    """Finds the statements that name a finding's id, or none."""

    def __init__(self, rules: Sequence[_Rule]) -> None:
        self._any = [rule for rule in rules if not rule.said.ids]
        self._by_id: dict[str, list[_Rule]] = {}
        for rule in rules:
            for name in rule.said.ids:
                self._by_id.setdefault(name.upper(), []).append(rule)

    def of(self, finding: Finding) -> list[_Rule]:
        """Give the statements in their order."""
        named = [
            rule for name in (finding.id, *finding.aliases) for rule in self._by_id.get(name.upper(), ())
        ]
        found = {rule.at: rule for rule in (*named, *self._any)}
        return [found[at] for at in sorted(found)]


def _package(text: str) -> Callable[[Finding, Component | None], bool]:
    """Give what tells whether a finding is of the package that a text names: a package URL, or a name and perhaps a version."""
    if text.startswith("pkg:"):
        try:
            wanted = parse_purl(text)
        except ValueError:
            return lambda _finding, _component: False
        return lambda finding, _component: bool(finding.purl) and _is_same(wanted, _parsed(finding.purl))
    name, at, version = text.rpartition("@")
    if not at or not name:
        name, version = text, ""

    def is_named(finding: Finding, component: Component | None) -> bool:
        names = {finding.name, component.source if component is not None else ""}
        return version in {"", finding.version} and any(
            fnmatch.fnmatchcase(each, name) for each in names if each
        )

    return is_named


@lru_cache(maxsize=1 << 14)
def _parsed(text: str) -> Purl | None:
    try:
        return parse_purl(text)
    except ValueError:
        return None


def _is_same(wanted: Purl, found: Purl | None) -> bool:
    """Tell whether a package URL fits another, which may say less: no version, no qualifiers, of an OS package no distribution."""
    return (
        found is not None
        and wanted[:1] == found[:1]
        and wanted.name == found.name
        and (wanted.namespace == found.namespace or (not wanted.namespace and found.type in SYSTEM))
        and wanted.version in {"", found.version}
        and all(found.qualifiers.get(key) == value for key, value in wanted.qualifiers.items())
    )


def _is_product(text: str, image: ReportImage | None) -> bool:
    """Tell whether a text names an image: its digest, its name or a tag, or its package URL with as much as that says."""
    if image is None:
        return False
    if text in {image.name, image.digest, image.config_digest, *image.tags}:
        return True
    try:
        wanted = parse_purl(text)
    except ValueError:
        return False
    digests = {image.digest, image.config_digest}
    if wanted.type == "docker":
        names = {name.partition("@")[0].rpartition(":")[0] or name for name in (image.name, *image.tags)}
        path = f"{wanted.namespace}/{wanted.name}" if wanted.namespace else wanted.name
        tags = {name.rpartition(":")[2] for name in (image.name, *image.tags)}
        return path in names and wanted.version in {"", *digests, *tags}
    found = _parsed(image_purl(image)) if wanted.type == "oci" else None
    if found is None:
        return wanted.type == "oci" and wanted.version != "" and wanted.version in digests
    return (
        wanted.name == found.name
        and wanted.version in {"", *digests}
        and all(
            found.qualifiers.get(key) == value
            for key, value in wanted.qualifiers.items()
            if key in {"repository_url", "tag", "arch"}
        )
    )


def _whose(from_base: bool | None) -> str:  # noqa: FBT001  # the value itself
    if from_base is None:
        return ""
    return "base" if from_base else "own"


def _is_past(day: str, as_of: str) -> bool:
    """Tell whether a time has passed; a day is over when the next begins."""
    if len(day) == len("2026-01-31"):
        return day < as_of[: len(day)]
    try:
        end, now = dt.datetime.fromisoformat(day), dt.datetime.fromisoformat(as_of)
    except ValueError:
        return False
    return end.replace(tzinfo=end.tzinfo or dt.UTC) < now.replace(tzinfo=now.tzinfo or dt.UTC)
