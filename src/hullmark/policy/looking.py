"""Who looked: which rules could have spoken of an image, and what kept the others from it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from hullmark.model.facts import Unread
from hullmark.model.report import Report
from hullmark.model.words import UNREAD, amount
from hullmark.policy.catalogue import PolicyRule

_PACKAGES = frozenset({"licence", "blocked-package"})
_VULN = frozenset(
    {"malicious-package", "known-exploited", "vulnerable", "fix-available"}
    | {"old-vulnerability", "cvss", "epss"}
)
_CONFIG = frozenset({"root-user", "port", "setuid", "misconfiguration"})
WATCHERS = frozenset({"unscanned", "incomplete-scan"})
"""Rules that say that nobody looked: they speak neither for nor against a control."""
_NEEDS_LIST = {
    "base-image": ("allowed",),
    "registry": ("allowed",),
    "blocked-package": ("packages",),
    "licence": ("blocked", "allowed"),
    "fix-available": ("grace_days",),
}
"""Rules that look for nothing where these settings are all empty."""
_PARTS = {
    "known-exploited": ("kev", "CISA's catalogue of what is exploited (kev)"),
    "epss": ("epss", "EPSS"),
}
"""Rules that need a part of the database beside the advisories."""


class Looked(Struct):
    """What there is to say of a control beside what was found: who looked, what kept others from it, and who was not asked."""

    rules: list[str]
    gaps: list[str]
    off: list[str]
    secrets: int = 0

    def say(self, rule: str, gaps: Sequence[str], off: str = "") -> None:
        """Put down a rule (empty: one for secrets) that was not asked (`off`), could not look at all (`gaps`), or looked."""
        if off:
            self.off.append(off)
        elif gaps:
            self.gaps += gaps
        elif rule:
            self.rules.append(rule)
        else:
            self.secrets += 1


def not_looked(rule: str, report: Report) -> list[str]:
    """Say what kept a policy's rule from looking at all that it is about; nothing where it did."""
    if rule in _VULN:
        return [*unlooked("vuln", report), *_for_one(rule, report)]
    if rule == "end-of-life":
        return _end_of_life(report)
    if rule in _CONFIG or rule == "secret":
        return unlooked("secret" if rule == "secret" else "config", report)
    if rule in _PACKAGES:
        return [*_unread(report.errors, "vuln"), *_skipped(report)]
    if rule == "image-age" and (report.image is None or not report.image.config.get("created")):
        return ["the image does not say when it was built"]
    return []


def unlooked(scanner: str, report: Report) -> list[str]:
    """Say what a scanner did not look at: nothing at all, what could not be read, packages without advisories."""
    coverage = report.coverage
    if scanner not in coverage.scanners:
        return [f"the scanner {scanner} did not run"]
    found = [*_unread(report.errors, scanner), *_skipped(report)]
    if scanner != "vuln":
        return found
    if coverage.not_checked:
        found.append(f"{amount(coverage.not_checked, 'package')} not compared with advisories")
    if coverage.pkg_types:
        found.append(f"only packages of the type {', '.join(coverage.pkg_types)} were looked at")
    missing = sorted({part for each in coverage.ecosystems for part in each.missing})
    if missing:
        found.append(f"not in the database: {', '.join(missing)}")
    return found


def set_up(rule: str, settings: Mapping[str, Mapping[str, Any]]) -> tuple[bool, str]:
    """Tell whether a rule was asked to look, by its settings in each pack (`settings`); and else why not."""
    on = {pack: each for pack, each in settings.items() if each.get("level") != "off"}
    if not on:
        return False, f"{rule} is off in {', '.join(settings)}"
    needs = _NEEDS_LIST.get(rule, ())
    if needs and not any(each.get(key) for each in on.values() for key in needs):
        return False, f"{rule} has nothing to look for: {' or '.join(needs)} is not set"
    return True, ""


def of_policies(
    rules: Mapping[str, PolicyRule], settings: Mapping[str, Mapping[str, Mapping[str, Any]]], report: Report
) -> Iterator[tuple[str, str, list[str], str]]:
    """Give for each rule and each of its controls what kept it from looking, and why it was not asked to, where that is so."""
    if not settings:
        return
    for name, rule in rules.items():
        if name in WATCHERS:
            continue
        is_asked, why = set_up(
            name, {pack: each.get(name, {"level": "off"}) for pack, each in settings.items()}
        )
        gaps = not_looked(name, report) if is_asked else []
        for control in rule.controls:
            yield control, name, gaps, why


def _end_of_life(report: Report) -> list[str]:
    if "vuln" not in report.coverage.scanners:
        return ["the scanner vuln did not run"]
    found = [*_unread(report.errors, "vuln")]
    if report.coverage.release in {"no_feed", "feed_missing"}:
        found.append("nobody knows when support for the release ends")
    return found


def _for_one(rule: str, report: Report) -> Iterator[str]:
    if rule == "malicious-package" and report.coverage.dev_unchecked:
        yield f"{amount(report.coverage.dev_unchecked, 'development package')} not checked for malicious ones"
    feed, name = _PARTS.get(rule, ("", ""))
    if feed and not any(part.feed == feed for part in report.database.parts):
        yield f"not in the database: {name}"


def _unread(errors: Sequence[Unread], scanner: str) -> Iterator[str]:
    concerned = [each for each in errors if _concerns(each, scanner)]
    for kind, word in UNREAD.items():
        count = len({(each.layer, each.path, each.place) for each in concerned if each.kind == kind})
        if count:
            yield f"{amount(count, word)} could not be read"


def _concerns(unread: Unread, scanner: str) -> bool:
    """Tell whether what could not be read may hold what the scanner looks for; of configuration a file's name and mode are enough."""
    if unread.kind == "layer":
        return True
    if unread.kind == "package_database":
        return scanner == "vuln"
    return scanner != "config" or unread.path == "history"


def _skipped(report: Report) -> Iterator[str]:
    if report.coverage.skipped_files:
        yield f"{amount(report.coverage.skipped_files, 'file')} passed over (--skip-path)"
