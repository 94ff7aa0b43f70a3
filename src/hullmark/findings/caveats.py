"""What keeps two reports from being compared without reserve: other platforms, other advisories, things that were not read or checked."""

from collections.abc import Iterable
from typing import Literal

from hullmark.findings.issues import NAMES, Issue, is_keyed, subject
from hullmark.model.diff import Caveat, PartChange, Side
from hullmark.model.facts import SYSTEM
from hullmark.model.report import CHECKED, Component, Report, is_unchecked
from hullmark.model.words import amount

_Which = Literal["before", "after"]


class Doubts:
    """Why what one report does not list may be there all the same."""

    def __init__(self, report: Report, side: _Which) -> None:
        self._where = {"before": "the first", "after": "the second"}[side]
        self._report = report
        self._paths = {unread.path for unread in report.errors if unread.path}
        self._layer = next((u for u in report.errors if u.kind == "layer" or not (u.path or u.layer)), None)
        self._database = any(unread.kind == "package_database" for unread in report.errors)

    def of_missing(self, component: Component) -> str:
        """Say why a package may be in this image though it is not listed; empty where it is not in it."""
        if self._layer is not None:
            return f"a layer of {self._where} could not be read"
        if any(place.path in self._paths for place in component.locations):
            return f"a file that proves it could not be read in {self._where}"
        if self._database and component.ecosystem in SYSTEM:
            return f"a package database of {self._where} could not be read"
        return ""

    def of_unchecked(self, component: Component) -> str:
        """Say why a package of this image may have a flaw that is not listed; empty where it was checked."""
        if component.coverage in CHECKED:
            return ""
        return f"the package was not checked in {self._where} ({component.coverage or 'no vulnerabilities were looked for'})"

    def of_issue(self, issue: Issue) -> str:
        """Say why a secret or misconfiguration may be in this one though it is not listed; empty where it is not in it."""
        if issue.kind not in self._report.coverage.scanners:
            return f"no {NAMES[issue.kind]}s were looked for in {self._where}"
        if self._layer is not None:
            return f"a layer of {self._where} could not be read"
        return f"the file could not be read in {self._where}" if issue.file in self._paths else ""

    def of_release(self) -> str:
        """Say why this image's release may be past its end of life though it is not listed."""
        coverage = self._report.coverage
        image = self._report.image
        if self._layer is not None:
            return f"a layer of {self._where} could not be read"
        if "vuln" in coverage.scanners and (
            coverage.release == "matched" or image is None or image.distribution is None
        ):
            return ""
        return f"the end of life was not looked up in {self._where}"


def side_of(report: Report) -> Side:
    """Describe one of the two."""
    image = report.image
    return Side(
        name=subject(report),
        source=image.source if image is not None else "",
        digest=image.digest if image is not None else "",
        platform=_platform(report),
        distribution=_distribution(report),
        as_of=report.as_of,
        packages=len(report.packages),
        findings=len(report.findings),
        suppressed=len(report.suppressed),
        incomplete=report.incomplete,
        unread=len(report.errors),
        not_checked=len(_unchecked(report)),
    )


def parts_changed(before: Report, after: Report) -> tuple[PartChange, ...]:
    """Give the parts of the advisory database of which the two used another revision, or which one asked and the other lacked.

    A part that one did not need, for want of packages that it speaks of, is no difference between databases.
    """
    old, now = ({part.part: part.revision for part in report.database.parts} for report in (before, after))
    lacking = (
        {part for ecosystem in report.coverage.ecosystems for part in ecosystem.missing}
        for report in (before, after)
    )
    lacked_before, lacked_after = lacking
    other = {name for name in old.keys() & now.keys() if old[name] != now[name]}
    other |= (now.keys() & lacked_before) | (old.keys() & lacked_after)
    return tuple(PartChange(name, old.get(name, ""), now.get(name, "")) for name in sorted(other))


def caveats(before: Report, after: Report) -> tuple[Caveat, ...]:
    """Say all that keeps the two from being compared without reserve."""
    found: list[Caveat] = []
    both: tuple[tuple[_Which, Report], ...] = (("before", before), ("after", after))
    platforms = _platform(before), _platform(after)
    if platforms[0] != platforms[1] and all(platforms):
        found.append(Caveat("platform", "both", "they are of different platforms", platforms))
    if len({_is_sbom(report) for _, report in both}) == 2:
        side = next(which for which, report in both if _is_sbom(report))
        found.append(Caveat("source", side, "it is an SBOM, which lists what its maker found and no layers"))
    found += _of_layers(before, after)
    if (parts := parts_changed(before, after)) and _both_matched(before, after):
        words = "the advisories are of other revisions; what differs may be their doing"
        found.append(Caveat("database", "both", words, tuple(part.part for part in parts)))
    if detectors := _differing(before.tool.detectors.items(), after.tool.detectors.items()):
        words = "they were read by other versions of the detectors; what differs may be their doing"
        found.append(Caveat("detectors", "both", words, detectors))
    if scanners := tuple(sorted(set(before.coverage.scanners) ^ set(after.coverage.scanners))):
        found.append(Caveat("scanners", "both", "not the same was looked for", scanners))
    if _has_secrets(before) and _has_secrets(after) and not is_keyed(before.secrets_key, after.secrets_key):
        words = "their secrets were marked with other keys, so that one value is not told from another in the same file"
        found.append(Caveat("secrets_key", "both", words))
    if filters := _differing(_filters(before), _filters(after)):
        found.append(Caveat("filters", "both", "not the same is shown", filters))
    for side, report in both:
        found += _of_side(side, report)
    return tuple(found)


def _of_side(side: _Which, report: Report) -> list[Caveat]:
    found = []
    is_of_files = report.image is None and not report.packages
    if "vuln" not in report.coverage.scanners and not is_of_files:
        found.append(Caveat("scanners", side, "no vulnerabilities were looked for"))
    if report.errors:
        kinds = tuple(sorted({str(unread.kind) for unread in report.errors}))
        words = f"{amount(len(report.errors), 'thing')} could not be read; what they hold is in no list"
        found.append(Caveat("unread", side, words, kinds))
    if unchecked := _unchecked(report):
        words = f"{amount(len(unchecked), 'package')} not checked"
        found.append(Caveat("not_checked", side, words, tuple(sorted({c.ecosystem for c in unchecked}))))
    if report.coverage.skipped_files:
        words = f"{amount(report.coverage.skipped_files, 'file')} passed over by --skip-path"
        found.append(Caveat("skipped", side, words))
    return found


def _of_layers(before: Report, after: Report) -> list[Caveat]:
    """Say where the layers may be the same though none has the digest of another: they are packed in another way."""
    old, now = ({layer.digest for layer in report.layers} - {""} for report in (before, after))
    first, second = ({layer.diff_id for layer in report.layers} - {""} for report in (before, after))
    if old and now and not old & now and (same := first & second):
        words = f"no layer has the same digest, though {len(same)} are claimed to hold the same: they are packed otherwise"
        return [Caveat("layers", "both", words)]
    return []


def _filters(report: Report) -> set[str]:
    """Give the filters that took something out, as flags."""
    taken = [(each.reason, each.by) for each in report.suppressed]
    taken += [(each.reason, each.by) for each in report.silenced]
    return {reason.strip() for reason, by in taken if by < 0 and reason.startswith("--")}


def _has_secrets(report: Report) -> bool:
    return bool(report.secrets) or any(each.fingerprint for each in report.silenced)


def _differing(before: Iterable[object], after: Iterable[object]) -> tuple[str, ...]:
    found = set(before) ^ set(after)
    return tuple(sorted({each[0] if isinstance(each, tuple) else str(each) for each in found}))


def _both_matched(before: Report, after: Report) -> bool:
    return all("vuln" in report.coverage.scanners for report in (before, after))


def _unchecked(report: Report) -> list[Component]:
    return [each for each in report.packages if is_unchecked(each, report.coverage.pkg_types)]


def _is_sbom(report: Report) -> bool:
    return report.image is not None and report.image.source == "sbom"


def _platform(report: Report) -> str:
    if report.image is None or not report.image.platform.architecture:
        return ""
    return str(report.image.platform)


def _distribution(report: Report) -> str:
    found = report.image.distribution if report.image is not None else None
    return (found.pretty_name or f"{found.id} {found.version_id}".strip()) if found is not None else ""
