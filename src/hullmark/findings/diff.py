"""What differs between two reports: packages, flaws, secrets, misconfigurations and layers that are new, gone or otherwise, and what keeps that from being certain.

Nothing counts as gone because the other side could not be read: such a difference is marked unsure, with the reason.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from hullmark.findings.caveats import Doubts, caveats, parts_changed, side_of
from hullmark.findings.diff_issues import IssueChanges, only_new_issues
from hullmark.findings.pairing import direction, paired
from hullmark.findings.sameness import Flaw, flaw_of, flaws_of, renamed
from hullmark.model.advisory import SEVERITY_RANK, Severity
from hullmark.model.diff import (
    Counts,
    Diff,
    FindingAspect,
    FindingChange,
    FindingSide,
    Layers,
    PackageAspect,
    PackageChange,
    PackageSide,
)
from hullmark.model.image import Layer
from hullmark.model.report import Component, Finding, Report, Suppressed


def diff(before: Report, after: Report) -> Diff:
    """Compare two reports."""
    doubts = (Doubts(before, "before"), Doubts(after, "after"))
    pairs = paired(before.packages, after.packages, same_platform=_platform(before) == _platform(after))
    layers = _layers(before.layers, after.layers)
    shared = {layer.digest for layer in before.layers} & {layer.digest for layer in after.layers} - {""}
    changed = [_changed(old, now, shared) for old, now in pairs.both]
    packages = [
        *(_alone("gone", component, doubts[1].of_missing(component)) for component in pairs.gone),
        *(_alone("new", component, doubts[0].of_missing(component)) for component in pairs.new),
        *(change for change in changed if change is not None),
    ]
    partners = ({old.id: now for old, now in pairs.both}, {now.id: old for old, now in pairs.both})
    findings = _Findings(before, after, partners, doubts)
    flaws = findings.changes()
    issues = IssueChanges(before, after, doubts)
    listed = tuple(change for change in flaws if change.change != "unchanged" or "version" in change.aspects)
    return Diff(
        before=side_of(before),
        after=side_of(after),
        caveats=caveats(before, after),
        database=parts_changed(before, after),
        summary=_counts(packages, len(pairs.both), flaws, issues),
        layers=layers,
        packages=tuple(sorted(packages, key=_package_order)),
        findings=tuple(sorted(listed, key=_worst_first)),
        secrets=issues.secrets,
        config=issues.config,
    )


def only_new(after: Report, found: Diff) -> Report:
    """Give the second report with those findings, secrets and misconfigurations alone that are new in it, for a gate."""
    new = {(change.id, change.package) for change in found.findings if change.change == "new"}
    return replace(
        only_new_issues(after, found.secrets, found.config),
        findings=tuple(finding for finding in after.findings if flaw_of(finding) in new),
        suppressed=tuple(each for each in after.suppressed if flaw_of(each.finding) in new),
    )


def _platform(report: Report) -> str:
    return str(report.image.platform) if report.image is not None else ""


def _said(report: Report) -> list[tuple[Finding, Suppressed | None]]:
    """Give all findings, those that are shown and those that are not."""
    shown: list[tuple[Finding, Suppressed | None]] = [(finding, None) for finding in report.findings]
    return shown + [(each.finding, each) for each in report.suppressed]


# ── layers and packages ─────────────────────────────────────────────────────────────────────────────────


def _layers(before: Sequence[Layer], after: Sequence[Layer]) -> Layers:
    new, gone = _beyond(after, before), _beyond(before, after)
    return Layers(
        common=len(before) - len(gone),
        new=new,
        gone=gone,
        before_bytes=sum(layer.size_bytes for layer in before),
        after_bytes=sum(layer.size_bytes for layer in after),
    )


def _beyond(layers: Sequence[Layer], others: Sequence[Layer]) -> tuple[Layer, ...]:
    """Give the layers that others do not hold; one without a digest is nobody's."""
    left = Counter(layer.digest for layer in others if layer.digest)
    found = []
    for layer in layers:
        if left[layer.digest] > 0:
            left[layer.digest] -= 1
        else:
            found.append(layer)
    return tuple(found)


def _package_side(component: Component) -> PackageSide:
    return PackageSide(
        component.version, component.purl, component.licences, component.from_base, component.locations
    )


def _alone(change: str, component: Component, unsure: str) -> PackageChange:
    side = _package_side(component)
    is_new = change == "new"
    return PackageChange(
        change="new" if is_new else "gone",
        ecosystem=component.ecosystem,
        name=component.name,
        arch=component.arch,
        before=None if is_new else side,
        after=side if is_new else None,
        unsure=unsure,
    )


def _changed(old: Component, now: Component, shared: set[str]) -> PackageChange | None:
    """Say what is otherwise in a package that both have; nothing where nothing is."""
    aspects = _package_aspects(old, now, shared)
    if not aspects:
        return None
    way = direction(old.ecosystem, old.version, now.version) if "version" in aspects else ""
    return PackageChange(
        change="changed",
        ecosystem=now.ecosystem,
        name=now.name,
        arch=now.arch,
        before=_package_side(old),
        after=_package_side(now),
        aspects=aspects,
        direction=way,
    )


def _package_aspects(old: Component, now: Component, shared: set[str]) -> tuple[PackageAspect, ...]:
    found: list[PackageAspect] = []
    if old.version != now.version:
        found.append("version")
    if None not in {old.from_base, now.from_base} and old.from_base != now.from_base:
        found.append("base")
    # A layer that was built anew is another one, and its packages did not move: one of the two must be in both images.
    layers = [{place.layer_digest for place in each.locations if place.layer_digest} for each in (old, now)]
    if layers[0] and layers[1] and layers[0] != layers[1] and (layers[0] ^ layers[1]) & shared:
        found.append("layer")
    if set(old.licences) != set(now.licences):
        found.append("licences")
    if old.version == now.version and _paths(old) != _paths(now):
        found.append("places")
    return tuple(found)


def _paths(component: Component) -> set[str]:
    return {place.path for place in component.locations}


_PACKAGE_CHANGES = ("new", "gone", "changed")


def _package_order(change: PackageChange) -> tuple[object, ...]:
    sides = [side.version if side is not None else "" for side in (change.before, change.after)]
    return (
        _PACKAGE_CHANGES.index(change.change),
        "version" not in change.aspects,
        change.ecosystem,
        change.name,
        change.arch,
        *sides,
    )


# ── findings ────────────────────────────────────────────────────────────────────────────────────────────


class _Findings:
    """The flaws of both, each with the packages that have it."""

    def __init__(
        self,
        before: Report,
        after: Report,
        partners: tuple[dict[str, Component], dict[str, Component]],
        doubts: tuple[Doubts, Doubts],
    ) -> None:
        self._partners = partners
        self._doubts = doubts
        self._components = tuple({c.id: c for c in report.packages} for report in (before, after))
        self._releases = tuple(
            report.image.distribution if report.image is not None else None for report in (before, after)
        )
        self._flaws: dict[Flaw, tuple[list[_Said], list[_Said]]] = {}
        every = (_said(before), _said(after))
        for number, side in enumerate(every):
            for said in side:
                self._flaws.setdefault(flaw_of(said[0]), ([], []))[number].append(said)
        for old, now in renamed(*(flaws_of(finding for finding, _ in side) for side in every)):
            self._flaws[now] = (self._flaws.pop(old)[0], self._flaws[now][1])

    def changes(self) -> list[FindingChange]:
        return [self._change(flaw, *sides) for flaw, sides in self._flaws.items()]

    def _change(self, flaw: Flaw, old: "list[_Said]", now: "list[_Said]") -> FindingChange:
        before, after = _finding_side(old), _finding_side(now)
        last = (now or old)[0][0]
        made = FindingChange(
            change="unchanged",
            id=last.id,
            kind=last.kind,
            package=flaw[1],
            name=last.name,
            title=last.title,
            before=before,
            after=after,
        )
        if before is not None and after is not None:
            aspects = _finding_aspects(before, after)
            return replace(
                made, change="changed" if set(aspects) - {"version"} else "unchanged", aspects=aspects
            )
        number = 0 if after is None else 1
        why, others, unsure = self._because((old or now), number)
        return replace(
            made, change="gone" if after is None else "new", why=why, other_versions=others, unsure=unsure
        )

    def _because(self, said: "list[_Said]", number: int) -> tuple[str, tuple[str, ...], str]:
        """Say why only one side has a flaw, what versions the other has, and why that may not be so; `number` is that side's."""
        doubts = self._doubts[1 - number]
        reasons: set[str] = set()
        versions: list[str] = []
        unsure: list[str] = []
        for finding, _ in said:
            own = self._components[number].get(finding.component)
            if own is None:  # an end of life, which is the release's
                reasons.add("version" if self._releases[0] != self._releases[1] else "advisories")
                unsure.append(doubts.of_release())
                continue
            other = self._partners[number].get(own.id)
            if other is None:
                reasons.add("package")
                unsure.append(doubts.of_missing(own))
                continue
            reasons.add("version" if other.version != own.version else "advisories")
            unsure.append(doubts.of_unchecked(other))
            versions += [other.version] * (other.version != own.version)
        why = next(word for word in ("version", "advisories", "package") if word in reasons)
        return why, _all(versions), next((word for word in unsure if word), "")


_Said = tuple[Finding, Suppressed | None]


def _finding_side(said: Sequence[_Said]) -> FindingSide | None:
    """Join the findings of one flaw on one side: those that are shown, or, where none is, the others."""
    if not said:
        return None
    shown = [finding for finding, suppressed in said if suppressed is None]
    meant = shown or [finding for finding, _ in said]
    bases = {finding.from_base for finding in meant}
    places = {place: None for finding in meant for place in finding.locations}
    return FindingSide(
        versions=_all(finding.version for finding in meant),
        severity=min((finding.severity for finding in meant), key=SEVERITY_RANK.__getitem__),
        states=tuple(sorted({finding.state for finding in meant})),
        fixed_versions=_all(finding.fixed_version for finding in meant),
        exploited=any(finding.kev is not None for finding in meant),
        suppressed=() if shown else _all(each.reason for _, each in said if each is not None) or ("",),
        from_base=bases.pop() if len(bases) == 1 else None,
        locations=tuple(places),
    )


def _all(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({word for word in words if word}))


def _finding_aspects(old: FindingSide, now: FindingSide) -> tuple[FindingAspect, ...]:
    compared: tuple[tuple[FindingAspect, object, object], ...] = (
        ("version", old.versions, now.versions),
        ("severity", old.severity, now.severity),
        ("state", old.states, now.states),
        ("fixed_version", old.fixed_versions, now.fixed_versions),
        ("exploited", old.exploited, now.exploited),
        ("suppressed", bool(old.suppressed), bool(now.suppressed)),
    )
    return tuple(aspect for aspect, first, second in compared if first != second)


def _worst_first(change: FindingChange) -> tuple[object, ...]:
    latest = change.latest
    return (
        SEVERITY_RANK[latest.severity],
        change.kind != "malicious",
        not latest.exploited,
        change.name,
        change.id,
        change.package,
    )


def _counts(
    packages: Sequence[PackageChange], paired: int, flaws: Sequence[FindingChange], issues: IssueChanges
) -> Counts:
    kinds = Counter(change.change for change in packages)
    ways = Counter(change.direction for change in packages if change.direction)
    shown = [change for change in flaws if change.is_shown]
    states = Counter(change.change for change in shown)
    levels = {
        word: Counter(change.latest.severity for change in shown if change.change == word)
        for word in ("new", "gone")
    }
    return Counts(
        packages={
            "new": kinds["new"],
            "gone": kinds["gone"],
            "changed": kinds["changed"],
            "unchanged": paired - kinds["changed"],
        },
        versions={way: ways[way] for way in ("up", "down", "unordered")},
        findings={word: states[word] for word in ("new", "gone", "changed", "unchanged")},
        new_by_severity={str(level): levels["new"][level] for level in Severity},
        gone_by_severity={str(level): levels["gone"][level] for level in Severity},
        unsure=sum(bool(change.unsure) for change in packages)
        + sum(bool(change.unsure) for change in shown)
        + issues.unsure,
        suppressed=len(flaws) - len(shown) + issues.suppressed,
        secrets=issues.counts["secret"],
        config=issues.counts["config"],
    )
