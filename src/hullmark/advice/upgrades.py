"""What to upgrade: the base image, and which packages to which versions, those that rid the image of the worst first."""

import re
from collections.abc import Iterable
from urllib.parse import unquote

from msgspec import Struct

from hullmark.advisories.scheme import Scheme, named
from hullmark.model.advisory import SEVERITY_RANK, Severity
from hullmark.model.errors import VersionError
from hullmark.model.purl import type_of
from hullmark.model.report import Component, Finding, Report, package_type
from hullmark.model.words import amount

_UPSTREAM = re.compile(r"[?&]upstream=([^&#]+)")


class Upgrade(Struct, frozen=True, kw_only=True):
    """One upgrade: from the `installed` version to one that has the fix of all `count` findings.

    `packages` are what of it is in the image where that has other names: libssl3 of openssl. `components` are their ids.
    `exploited` of the findings are known to be exploited (CISA's catalogue). `from_base` is True where the package comes with the
    base image, so that a newer base may bring the upgrade.
    """

    ecosystem: str
    name: str
    installed: str
    to: str
    count: int
    worst: Severity
    exploited: int = 0
    from_base: bool | None = None
    packages: tuple[str, ...] = ()
    components: tuple[str, ...] = ()


class BaseUpgrade(Struct, frozen=True):
    """A newer base image: the `name` of today's, how many of `findings` come with it (`count`) and have a fix (`fixable`).

    `successor` is the release to go to where that of today is past its end of life.
    """

    name: str
    findings: int
    count: int
    fixable: int
    worst: Severity
    successor: str = ""


class Plan(Struct, frozen=True):
    """The smallest set of upgrades: a newer base image, and the packages that do not come with it."""

    base: BaseUpgrade | None
    upgrades: tuple[Upgrade, ...]


def plan(report: Report) -> Plan:
    """Give what rids an image of all that has a fix. What comes with the base image is its owner's to upgrade."""
    base = _base(report)
    own = [finding for finding in report.findings if base is None or not finding.from_base]
    return Plan(base, tuple(upgrades(own)))


class Line(Struct, frozen=True):
    """What to upgrade, in words that begin with its `name`, and how many findings of which severity at worst that rids the image of."""

    worst: Severity
    count: int
    name: str
    rest: str
    of: int = 0

    @property
    def number(self) -> str:
        """Say how many findings that is, and of how many where there are more."""
        return f"{self.count:,} of {amount(self.of, 'finding')}" if self.of else amount(self.count, "finding")


def advised(report: Report) -> list[Line]:
    """Say what to upgrade, the worst first. The words are the image's own, and as hostile."""
    advice = plan(report)
    components = {component.id: component for component in report.packages}
    found = [_said(each, components) for each in advice.upgrades]
    above = [_said_of_base(advice.base)] if advice.base is not None else []
    if advice.base is None or not advice.base.successor:
        above += [_said_of_release(each) for each in report.findings if each.kind == "end_of_life"]
    for line in above:
        worse = sum(SEVERITY_RANK[each.worst] < SEVERITY_RANK[line.worst] for each in found)
        found.insert(worse, line)
    return found


def _said(upgrade: Upgrade, components: dict[str, Component]) -> Line:
    ways = {components[name].via[:1] for name in upgrade.components if name in components}
    through = sorted({step for way in ways for step in way}) if () not in ways else []
    words = [
        # A crate or a gem may be called as a package of the system is: openssl.
        f"({upgrade.ecosystem})" if package_type(upgrade.ecosystem) == "library" else "",
        f"{upgrade.installed} to {upgrade.to}",
        f"({', '.join(upgrade.packages)})" if upgrade.packages else "",
        f"through {', '.join(through)}" if through else "",
    ]
    notes = [
        " ".join(word for word in words if word),
        f"{upgrade.exploited} exploited (KEV)" if upgrade.exploited else "",
        "comes with the base image" if upgrade.from_base else "",
    ]
    return Line(upgrade.worst, upgrade.count, upgrade.name, "; ".join(note for note in notes if note))


def _said_of_base(base: BaseUpgrade) -> Line:
    to = base.successor or "a newer build of it"
    left = base.count - base.fixable
    rest = f"to {to}; {left:,} more of its findings have no fix yet" if left else f"to {to}"
    return Line(base.worst, base.fixable, f"base image {base.name}", rest, base.findings)


def _said_of_release(finding: Finding) -> Line:
    to = f" to {finding.fixed_version}" if finding.fixed_version else ""
    rest = f"{finding.version}{to}: it is past its end of life"
    return Line(finding.severity, 1, f"release {finding.name}", rest)


def _base(report: Report) -> BaseUpgrade | None:
    image = report.image
    brought = [finding for finding in report.findings if finding.from_base and finding.kind != "malicious"]
    fixable = [finding for finding in brought if finding.fixed_version]
    if image is None or not image.base.layers or not fixable:
        return None
    return BaseUpgrade(
        name=image.base.name,
        findings=len(report.findings),
        count=len(brought),
        fixable=len(fixable),
        worst=_worst(fixable),
        successor=next((f.fixed_version for f in fixable if f.kind == "end_of_life"), ""),
    )


def upgrades(findings: Iterable[Finding]) -> list[Upgrade]:
    """Give the upgrades that the findings ask for.

    The target is the highest of the fixed versions in the order that the findings' evidence names, since that has the
    lower ones' fixes as well. Fixed versions that cannot be ordered stand for themselves: nothing says what else they
    fix. Packages of one source are upgraded together. Of a malicious package nothing is to be upgraded.
    """
    asked = tuple(findings)
    malicious = {finding.component for finding in asked if finding.kind == "malicious"}
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in asked:
        if finding.fixed_version and finding.kind != "end_of_life" and finding.component not in malicious:
            ecosystem = type_of(finding.purl)
            source = _UPSTREAM.search(finding.purl)
            name = unquote(source[1]) if source else finding.name
            groups.setdefault((ecosystem, name, finding.version), []).append(finding)
    found = [
        _upgrade(ecosystem, name, version, to, fixed)
        for (ecosystem, name, version), group in groups.items()
        for to, fixed in _targets(group)
    ]
    return sorted(
        found, key=lambda u: (SEVERITY_RANK[u.worst], -u.count, u.name, u.installed, u.ecosystem, u.to)
    )


def _upgrade(ecosystem: str, name: str, version: str, to: str, fixed: list[Finding]) -> Upgrade:
    bases = {finding.from_base for finding in fixed}
    packages = sorted({finding.name for finding in fixed})
    return Upgrade(
        ecosystem=ecosystem,
        name=name,
        installed=version,
        to=to,
        count=len(fixed),
        worst=_worst(fixed),
        exploited=sum(finding.kev is not None for finding in fixed),
        from_base=bases.pop() if len(bases) == 1 else None,
        packages=tuple(packages) if packages != [name] else (),
        components=tuple(dict.fromkeys(finding.component for finding in fixed)),
    )


def _worst(findings: Iterable[Finding]) -> Severity:
    return min((finding.severity for finding in findings), key=lambda level: SEVERITY_RANK[level])


def _targets(group: list[Finding]) -> list[tuple[str, list[Finding]]]:
    by_version: dict[str, list[Finding]] = {}
    for finding in group:
        by_version.setdefault(finding.fixed_version, []).append(finding)
    if len(by_version) == 1:
        return list(by_version.items())
    order = _order(group)
    keys = {version: _key(order, version) for version in by_version}
    ordered = {version: key for version, key in keys.items() if key is not None}
    alone = [(version, fixed) for version, fixed in by_version.items() if version not in ordered]
    if not ordered:
        return alone
    highest = max(ordered, key=lambda version: (ordered[version], version))
    return [(highest, [finding for finding in group if finding.fixed_version in ordered]), *alone]


def _key(order: Scheme | None, version: str) -> bytes | None:
    if order is None:
        return None
    try:
        return order.key(version)
    except VersionError:
        return None


def _order(group: list[Finding]) -> Scheme | None:
    """Give the order by which the findings were found; only its module is imported."""
    names = {evidence.scheme for finding in group for evidence in finding.evidence}
    return named(names.pop()) if len(names) == 1 else None
