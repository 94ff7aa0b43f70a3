"""What became of the statements that were given: which of them are of no use any more, and which should be looked at again."""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from hullmark.model.report import Finding, Report, Suppression
from hullmark.model.words import amount, stands

_SHOWN = 3


def idle(reports: Sequence[Report]) -> list[str]:
    """Say which entries of ignore files are of no use in any of the images: they have expired or take nothing out."""
    of_use: set[Suppression] = set()
    found: dict[Suppression, str] = {}
    for report in reports:
        for each in report.suppressions:
            if each.status:
                continue
            entry = replace(each, state="unused", findings=0)
            if each.state == "expired":
                found.setdefault(entry, _expired(each))
            elif each.state == "unused":
                found.setdefault(entry, _unused(each))
            else:
                of_use.add(entry)
    return [words for entry, words in found.items() if entry not in of_use]


def notes(report: Report) -> list[str]:
    """Give a sentence for each statement that somebody should look at, those of VEX documents for other images in one.

    Whoever shows them must make them fit for where they are shown: names in them are an image's and a supplier's.
    """
    found = [words] if (words := claims(report)) else []
    elsewhere: dict[str, int] = {}
    for at, each in enumerate(report.suppressions):
        if each.state == "expired":
            found.append(_expired(each))
        elif each.state == "unused" and not each.status:
            found.append(_unused(each))
        elif each.state == "fix_available":
            found.append(f"{_subject(each)}: a fix has come: {', '.join(_fixes(report, at))}")
        elif each.state == "contradicted":
            found.append(
                f"{_subject(each)} {each.status or 'ignored'} is contradicted, so nothing is taken out by it"
            )
        elif each.state == "other_image":
            elsewhere[each.source] = elsewhere.get(each.source, 0) + 1
    for source, count in elsewhere.items():
        found.append(f"{source}: {amount(count, 'statement')} about other images")
    return found


def claims(report: Report) -> str:
    """Say what is claimed of the image by documents that are attached to it and do not count; empty where nothing is. The words are others'."""
    sources = [each.source for each in report.suppressions if each.state == "claimed"]
    if not sources:
        return ""
    others = len(set(sources)) - 1
    more = f", and {amount(others, 'more attestation')}" if others else ""
    return f"VEX claimed, not applied: {amount(len(sources), 'statement')} of {sources[0]}{more}"


def _expired(said: Suppression) -> str:
    return f"{_subject(said)} has expired ({said.expires})"


def _unused(said: Suppression) -> str:
    return f"{_subject(said)} takes no finding out"


def _subject(said: Suppression) -> str:
    """Name a statement: where it stands and what it is about."""
    names = said.ids or said.packages or said.paths or ("the entry",)
    return f"{stands(said)}: {', '.join(names[:_SHOWN])}{' …' * (len(names) > _SHOWN)}"


def _fixes(report: Report, at: int) -> Iterator[str]:
    """Name the packages with the versions that have the fix, each once."""
    taken = [each.finding for each in report.suppressed if each.by == at]
    fixes = list(dict.fromkeys(_fix(finding) for finding in taken if finding.fixed_version))
    yield from fixes[:_SHOWN]
    if len(fixes) > _SHOWN:
        yield f"{len(fixes) - _SHOWN} more"


def _fix(finding: Finding) -> str:
    return f"{finding.name} {finding.fixed_version}"
