"""What the comparison says in words, the same in a table and in Markdown."""

from collections.abc import Iterable, Sequence

from hullmark.advice.issues import doubt
from hullmark.findings.issues import Issue, issue_of, worst_first
from hullmark.model.diff import Caveat, Diff, FindingChange, FindingSide, PackageChange, PackageSide
from hullmark.model.report import Location
from hullmark.model.words import STATES, WHOSE, amount, counts, size

_SIDES = {"before": "the first: ", "after": "the second: ", "both": ""}
_NAMED = 8
_PATHS = 3
_DETAILS = 400


def listed(words: Sequence[str], most: int = _NAMED) -> str:
    """Give words, those beyond the first few as a number."""
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more


def caveat(said: Caveat) -> tuple[str, str]:
    """Say why the two cannot be compared without reserve, and give the names of what that is about."""
    return f"{_SIDES[said.side]}{said.text}", listed(said.names)


def findings_said(found: Diff) -> str:
    """Give the numbers of findings in one clause."""
    numbers = found.summary.findings
    new, gone = counts(found.summary.new_by_severity), counts(found.summary.gone_by_severity)
    return ", ".join(
        [
            f"{amount(numbers['new'], 'new finding')}{f' ({new})' if new else ''}",
            f"{numbers['gone']} gone{f' ({gone})' if gone else ''}",
            f"{numbers['changed']} changed",
            f"{numbers['unchanged']} unchanged",
        ]
    )


def issues_said(found: Diff) -> list[str]:
    """Give the numbers of secrets and of misconfigurations in a clause each; nothing where neither has any."""
    both = ((found.summary.secrets, "secret"), (found.summary.config, "misconfiguration"))
    return [
        f"{amount(numbers['new'], f'new {name}')}, {numbers['gone']} gone, {numbers['unchanged']} unchanged"
        for numbers, name in both
        if any(numbers.values())
    ]


def issues(found: Diff, change: str, *, suppressed: bool) -> list[tuple[Issue, str, str]]:
    """Give the secrets and misconfigurations that are new or gone, worst first, each with why it is not shown and why it is not certain."""
    every = [(issue_of(each.secret), each.change, each.suppressed, each.unsure) for each in found.secrets]
    every += [
        (issue_of(each.misconfiguration), each.change, each.suppressed, each.unsure) for each in found.config
    ]
    some = [
        (issue, why, unsure) for issue, way, why, unsure in every if way == change and (suppressed or not why)
    ]
    return sorted(some, key=lambda each: worst_first(each[0]))


def about_issue(issue: Issue, suppressed: str) -> list[str]:
    """Say what is wrong and what to do."""
    layer = f"layer {issue.layer}" if issue.layer >= 0 else ""
    return [
        doubt(issue)[:_DETAILS],
        issue.message[:_DETAILS],
        ", ".join(word for word in (WHOSE[issue.from_base], layer) if word),
        issue.advice[:_DETAILS],
        f"suppressed: {suppressed}" if suppressed else "",
    ]


def packages_said(found: Diff) -> str:
    """Give the numbers of packages in one clause."""
    numbers, ways = found.summary.packages, found.summary.versions
    others = numbers["changed"] - sum(ways.values())
    words = [
        f"{amount(numbers['new'], 'new package')}",
        f"{numbers['gone']} gone",
        f"{ways['up']} upgraded",
        f"{ways['down']} downgraded" if ways["down"] else "",
        f"{ways['unordered']} of another version" if ways["unordered"] else "",
        f"{others} otherwise" if others else "",
    ]
    return ", ".join(word for word in words if word)


def layers_said(found: Diff) -> str:
    """Give the numbers of layers, and how the size changed, in one clause; empty where there are none."""
    layers = found.layers
    if not (layers.common or layers.new or layers.gone):
        return ""
    change = layers.after_bytes - layers.before_bytes
    grown = f"{size(abs(change))} {'larger' if change > 0 else 'smaller'}" if change else "of the same size"
    return (
        f"{amount(layers.common, 'layer')} in both, {len(layers.new)} new, {len(layers.gone)} gone, {grown}"
    )


def versions(change: FindingChange) -> str:
    """Give the versions that have a flaw: as they were, and what they are now."""
    return _step(
        *(", ".join(side.versions) if side is not None else "" for side in (change.before, change.after))
    )


def _step(before: str, after: str) -> str:
    if not before or not after or before == after:
        return after or before
    return f"{before} to {after}"


def because(change: FindingChange) -> str:
    """Say why a flaw is new or gone."""
    is_new = change.change == "new"
    if change.kind == "end_of_life":
        return {"version": "another release", "advisories": "by its publisher's dates now"}.get(
            change.why, ""
        )
    return {
        "package": "the package is new" if is_new else "the package is gone",
        "version": f"{'was' if is_new else 'now'} {listed(change.other_versions) or 'of another version'}",
        "advisories": "the advisories say so now" if is_new else "the advisories no longer say so",
    }.get(change.why, "")


def changes(change: FindingChange) -> list[str]:
    """Say what is otherwise in a flaw that both have."""
    old, now = change.before, change.after
    if old is None or now is None:
        return []
    said = {
        "severity": f"{old.severity} to {now.severity}",
        "state": _step(_states(old), _states(now)),
        "fixed_version": _fixed(old, now),
        "exploited": "exploited now (KEV)" if now.exploited else "no longer in KEV",
        "suppressed": f"suppressed now: {listed(now.suppressed, 2)}"
        if now.suppressed
        else "suppressed no more",
    }
    return [said[aspect] for aspect in change.aspects if aspect in said]


def _states(side: FindingSide) -> str:
    return ", ".join(STATES[state] for state in side.states)


def _fixed(old: FindingSide, now: FindingSide) -> str:
    before, after = ", ".join(old.fixed_versions), ", ".join(now.fixed_versions)
    if before and after:
        return f"fixed in {after}, not {before}"
    return f"fixed in {after} now" if after else f"no longer fixed in {before}"


def fix(side: FindingSide) -> str:
    """Say what mends a flaw."""
    return f"fixed in {', '.join(side.fixed_versions)}" if side.fixed_versions else _states(side)


def place(side: FindingSide | PackageSide) -> str:
    """Say whose a package is, and in which layers it stands."""
    numbers = sorted({each.layer for each in side.locations if each.layer >= 0})
    layers = (
        f"layer{'s' * (len(numbers) > 1)} {listed([str(number) for number in numbers])}" if numbers else ""
    )
    return ", ".join(word for word in (WHOSE[side.from_base], layers) if word)


def package_changes(change: PackageChange) -> list[str]:
    """Say what is otherwise in a package that both have, its version apart."""
    old, now = change.before, change.after
    if old is None or now is None:
        return []
    said = {
        "base": "from the base image to its own layers"
        if old.from_base
        else "from its own layers to the base image",
        "layer": _step(place(old), place(now)) or "another layer",
        "licences": f"licence {_licences(old)} to {_licences(now)}",
        "places": _places(old.locations, now.locations),
    }
    aspects = [each for each in change.aspects if each != "layer" or "base" not in change.aspects]
    return [said[aspect] for aspect in aspects if aspect in said]


def _licences(side: PackageSide) -> str:
    return listed(side.licences, _PATHS) or "none"


def _places(old: Iterable[Location], now: Iterable[Location]) -> str:
    before, after = ({each.path for each in side} for side in (old, now))
    words = [
        f"{verb} {listed(sorted(paths), _PATHS)}"
        for verb, paths in (("now in", after - before), ("no longer in", before - after))
        if paths
    ]
    return ", ".join(words)


def direction(change: PackageChange) -> str:
    """Say where a version went."""
    return {"up": "upgraded", "down": "downgraded", "unordered": "other version", "": ""}[change.direction]
