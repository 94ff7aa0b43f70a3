"""Which flaw of a package in one report is which in another: what is new is the same for `diff` and for `--new-since`."""

from collections.abc import Iterable, Mapping

from hullmark.model.report import Finding

Flaw = tuple[str, str]
"""A flaw's id and the package that has it, of any version."""
Flaws = Mapping[Flaw, frozenset[str]]
"""The flaws of a report, each with the other ids that it goes by."""


def flaw_of(finding: Finding) -> Flaw:
    """Give what a finding is the same by in another image or at another time."""
    return finding.id, finding.purl.partition("?")[0].rpartition("@")[0] or finding.name


def flaws_of(findings: Iterable[Finding]) -> dict[Flaw, frozenset[str]]:
    """Give the flaws of findings, in their order."""
    found: dict[Flaw, frozenset[str]] = {}
    for finding in findings:
        flaw = flaw_of(finding)
        found[flaw] = found.get(flaw, frozenset()) | frozenset(finding.aliases)
    return found


def renamed(before: Flaws, after: Flaws) -> list[tuple[Flaw, Flaw]]:
    """Give the flaws that go by another id now, each with the flaw that it is: what had none was given a CVE, or is an alias now."""
    gone = {flaw for flaw in before if flaw not in after}
    new = {flaw for flaw in after if flaw not in before}
    edges = {(old, now) for old in gone for alias in before[old] if (now := (alias, old[1])) in new} | {
        (old, now) for now in new for alias in after[now] if (old := (alias, now[1])) in gone
    }
    found: list[tuple[Flaw, Flaw]] = []
    for old, now in sorted(edges, key=sorted):
        if old in gone and now in new:
            gone.discard(old)
            new.discard(now)
            found.append((old, now))
    return found


def shared(before: Flaws, findings: Iterable[Finding]) -> frozenset[Flaw]:
    """Give those flaws of findings that were there before, by whatever id."""
    after = flaws_of(findings)
    return frozenset({*(before.keys() & after.keys()), *(now for _, now in renamed(before, after))})
