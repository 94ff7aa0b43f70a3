"""What takes findings, secrets and misconfigurations out of the lists beforehand: the statements of ignore files and VEX documents, and what none of them may touch."""

import datetime as dt
import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from hullmark.findings.issues import Issue, taken_out
from hullmark.findings.naming import is_product, package_test
from hullmark.model.globs import fits_any
from hullmark.model.report import Finding, Report, Silenced, Suppressed, Suppression
from hullmark.model.rule import normal

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
    own = {name.upper() for name in (finding.id, *finding.aliases)}
    return bool(reason.strip()) and any(name.upper() in own for name in ids)


class Outcome(NamedTuple):
    """The findings and issues that are left, those that were taken out, and what came of each statement."""

    left: list[Finding]
    suppressed: list[Suppressed]
    issues: list[Issue]
    silenced: list[Silenced]
    suppressions: tuple[Suppression, ...]


def applied(report: Report, suppressions: Sequence[Suppression], issues: Sequence[Issue] = ()) -> Outcome:
    """Take out of a report's findings, and of these issues, what the statements say; they stand in the outcome after those that the report has already.

    An ignore file is its owner's own decision and stands above VEX statements. Of these the latest of one author counts, as a document is
    a sequence of statements that override each other (OpenVEX 0.2.0, `The VEX Statement`). Where authors contradict each other, or one
    himself at the same time, neither counts: nothing is taken out by mistake. What is only claimed is nobody's word, and stays as it is.
    """
    first = len(report.suppressions)
    rules = [_Rule(at, each, report) for at, each in enumerate(suppressions)]
    index = _Index([rule for rule in rules if rule.said.state != "claimed"])
    left: list[Finding] = []
    suppressed: list[Suppressed] = []
    for finding in report.findings:
        rule = _chosen(
            [
                rule
                for rule in index.of(finding)
                if rule.fits(finding) and may_suppress(finding, rule.said.ids, rule.said.reason)
            ]
        )
        if rule is None:
            left.append(finding)
            continue
        rule.took.append(finding)
        suppressed.append(Suppressed(_because(rule.said), finding, by=first + rule.at))
    kept: list[Issue] = []
    silenced: list[Silenced] = []
    for issue in issues:
        found = next((rule for rule in index.on(issue) if rule.fits_issue(issue)), None)
        if found is None:
            kept.append(issue)
            continue
        found.issues += 1
        silenced.append(taken_out(issue, _because(found.said), by=first + found.at))
    told = (*report.suppressions, *(rule.outcome() for rule in rules))
    return Outcome(left, suppressed, kept, silenced, told)


def _because(said: Suppression) -> str:
    words = [said.status, said.justification, said.reason]
    return ": ".join(word for word in words if word) or "ignored, without a reason"


def _chosen(rules: Sequence["_Rule"]) -> "_Rule | None":
    """Choose of the statements that fit one finding the one that takes it out."""
    own = next((rule for rule in rules if not rule.said.status), None)
    if own is not None:
        return own
    voices: dict[str, list[_Rule]] = {}
    for rule in rules:
        voices.setdefault(rule.voice, []).append(rule)
    last = [_last_words(voice) for voice in voices.values()]
    denying = [rule for words in last for rule in words if rule.denies]
    # Who still looks into it contradicts himself only; what others know stands.
    against = [rule for words in last for rule in words if rule.said.status == "affected"]
    against += [rule for words in last if len({rule.denies for rule in words}) > 1 for rule in words]
    if denying and against:
        for rule in (*denying, *against):
            rule.is_contradicted = True
        return None
    return denying[0] if denying else None


def _last_words(voice: Sequence["_Rule"]) -> Sequence["_Rule"]:
    """Give what one author said last; all of it where not everything has a time."""
    if any(rule.time is None for rule in voice):
        return voice
    latest = max(rule.time for rule in voice if rule.time is not None)
    return [rule for rule in voice if rule.time == latest]


class _Rule:
    """A statement while it is applied to one report."""

    def __init__(self, at: int, said: Suppression, report: Report) -> None:
        self.at = at
        self.said = said
        self.took: list[Finding] = []
        self.issues = 0
        self.is_contradicted = False
        self.denies = said.status in {"", "not_affected", "fixed"}
        self.voice = said.author or said.source
        # An id that two CVEs share (one notice of both) does not make a statement on one of them a statement on the other. The ids
        # of an entry in an ignore file are so many flaws, those of a statement are names of one.
        self._cves = {name.upper() for name in said.ids if said.status and is_cve(name)}
        self.time = moment(said.said)
        self.is_expired = bool(said.expires) and is_past(said.expires, report.as_of)
        self.is_here = not said.products or any(is_product(name, report.image) for name in said.products)
        self._packages = [package_test(text, globs=not said.status) for text in said.packages]
        self._paths = fits_any((path.lstrip("/") for path in said.paths), below=False)

    def fits(self, finding: Finding) -> bool:
        """Tell whether a finding is one of those that the statement speaks of; its ids are known to fit.

        One that is found in several places must fit in all of them: what is ignored in one is not so in another.
        """
        said = self.said
        if self.is_expired or not self.is_here:
            return False
        if self._cves and is_cve(finding.id) and finding.id.upper() not in self._cves:
            return False
        if said.states and finding.state not in said.states:
            return False
        if self._packages and not any(package(finding) for package in self._packages):
            return False
        places = finding.locations
        if said.paths and not (places and all(self._paths(place.path) for place in places)):
            return False
        return not said.layers or (
            bool(places)
            and all(
                (place.layer_digest in said.layers and bool(place.layer_digest))
                or _WHOSE[place.from_base] in said.layers
                for place in places
            )
        )

    def fits_issue(self, issue: Issue) -> bool:
        """Tell whether a secret or misconfiguration is one of those that the statement speaks of; its rule is known to be named.

        Flaws alone have packages, states and VEX statements.
        """
        said = self.said
        if said.status or said.packages or said.states or self.is_expired or not self.is_here:
            return False
        if said.paths and not self._paths(issue.file.lstrip("/")):
            return False
        return (
            not said.layers
            or (issue.layer_digest in said.layers and bool(issue.layer_digest))
            or _WHOSE[issue.from_base] in said.layers
        )

    def outcome(self) -> Suppression:
        """Give the statement with what came of it."""
        if self.said.state == "claimed":
            return self.said
        state = "unused"
        if self.is_expired:
            state = "expired"
        elif not self.is_here:
            state = "other_image"
        elif self.took or self.issues:
            has_fix = not self.said.status and any(finding.fixed_version for finding in self.took)
            state = "fix_available" if has_fix else "used"
        elif self.is_contradicted:
            state = "contradicted"
        elif not self.denies:
            state = "kept"
        return replace(self.said, state=state, findings=len(self.took) + self.issues)


def is_cve(name: str) -> bool:
    """Tell a CVE number from another publisher's id."""
    return name[:4].upper() == "CVE-"


_WHOSE = {None: "not known", True: "base", False: "own"}


class _Index:
    """Finds the statements that name a finding's id, or none, and those that name a rule."""

    def __init__(self, rules: Sequence[_Rule]) -> None:
        self._any = [rule for rule in rules if not rule.said.ids]
        self._by_id: dict[str, list[_Rule]] = {}
        self._by_rule: dict[str, list[_Rule]] = {}
        for rule in rules:
            for name in rule.said.ids:
                self._by_id.setdefault(name.upper(), []).append(rule)
                self._by_rule.setdefault(normal(name), []).append(rule)

    def of(self, finding: Finding) -> list[_Rule]:
        """Give the statements in their order."""
        named = [
            rule for name in (finding.id, *finding.aliases) for rule in self._by_id.get(name.upper(), ())
        ]
        found = {rule.at: rule for rule in (*named, *self._any)}
        return [found[at] for at in sorted(found)]

    def on(self, issue: Issue) -> list[_Rule]:
        """Give the statements that name an issue's rule, by whatever tool's id, in their order."""
        names = {normal(name) for name in (issue.rule, *issue.same_as)}
        found = {rule.at: rule for name in names for rule in self._by_rule.get(name, ())}
        return [found[at] for at in sorted(found)]


def is_past(end: str, as_of: str) -> bool:
    """Tell whether a time has passed: a day has when the next one begins (UTC). What is no time has: it holds nothing back for ever."""
    last, now = moment(end), moment(as_of)
    if last is None or now is None:
        return True
    is_day = len(end) == len("2026-01-31")
    return now.date() > last.date() if is_day else now > last


def moment(text: str) -> dt.datetime | None:
    """Read a date or a time (RFC 3339) in UTC; None for what is neither."""
    try:
        found = dt.datetime.fromisoformat(text)
        return found.replace(tzinfo=found.tzinfo or dt.UTC).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
