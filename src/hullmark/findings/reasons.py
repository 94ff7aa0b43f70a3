"""What the statements on one package come to together, each with its reason: for explanations. Pure."""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from hullmark.model.advisory import Score, Severity
from hullmark.model.explanation import Heard, Outcome, Rating, Verdict
from hullmark.model.report import Component, Evidence, Finding

_SILENT: tuple[tuple[Outcome, tuple[Verdict, ...]], ...] = (
    ("not_affected", ("not_affected",)),
    ("backported", ("backported",)),
    ("fixed", ("fixed",)),
    ("outside", ("below", "above", "not_listed")),
    ("other", ("other_architecture", "other_module", "other_product", "outranked")),
)
"""What it is for want of a finding, by what the statements come to."""
_VERDICTS: tuple[Verdict, ...] = (
    "affected",
    "undecided",
    "not_affected",
    "backported",
    "fixed",
    "below",
    "above",
    "not_listed",
    "outranked",
    "other_module",
    "other_architecture",
    "other_product",
)
HOLD = frozenset({"affected", "undecided"})


def silence(heard: Sequence[Heard]) -> tuple[Outcome, str]:
    """Say why there is no finding, by the first statement that decides; there is one at least, and none that holds."""
    verdicts = {each.verdict for each in heard}
    outcome, those = next((outcome, those) for outcome, those in _SILENT if not verdicts.isdisjoint(those))
    return outcome, next(each.because for verdict in those for each in heard if each.verdict == verdict)


def not_checked(component: Component) -> tuple[Outcome, str]:
    """Say why a package was not compared with advisories."""
    words = {
        None: "no vulnerabilities were looked for in this report",
        "no_feed": "no publisher of whom there is a feed speaks for it, so nobody could be asked",
        "feed_missing": "the advisories that speak for it are not in the database, so nobody could be asked",
        "release_unknown": "which release it is of is not known, so nobody could be asked",
    }
    return "not_checked", words.get(component.coverage, "it was not compared with advisories")


def outranked(heard: Heard) -> Heard:
    """Mark a statement that holds and gave no finding."""
    if heard.verdict not in HOLD:
        return heard
    if heard.by == "bundle":
        because = "what its publisher says of the flaw itself, or of this line of versions, decides: the notice adds nothing"
    else:
        because = "what its publisher says of this very package decides"
    return replace(heard, verdict="outranked", because=because)


def with_evidence(heard: Sequence[Heard], said: Sequence[Evidence]) -> tuple[Heard, ...]:
    """Give the statements on a package that has a finding: those of its evidence hold, whatever today's database says."""
    proofs = {(each.part, each.record, each.range, each.compared, each.state): each for each in said}
    statements: list[Heard] = []
    for each in heard:
        proof = proofs.pop((each.part, each.record, each.range, each.compared, each.state), None)
        if proof is not None and each.verdict not in HOLD:
            each = replace(each, verdict="affected", because=f"{each.compared} is in it", note=proof.note)  # noqa: PLW2901
        elif proof is not None and proof.note:
            each = replace(each, note=proof.note)  # noqa: PLW2901
        statements.append(each)
    statements += [
        Heard(
            feed=proof.feed,
            part=proof.part,
            revision=proof.revision,
            record=proof.record,
            by="id",
            package="",
            scope="",
            state=proof.state,
            range=proof.range,
            compared=proof.compared,
            scheme=proof.scheme,
            verdict="affected",
            because=f"{proof.compared} is in it",
            note=proof.note,
        )
        for proof in proofs.values()
    ]
    return deciding_first(statements)


def deciding_first(heard: Iterable[Heard]) -> tuple[Heard, ...]:
    """Sort statements: those that decide first, a notice after what is said of the flaw itself."""
    unique = dict.fromkeys(heard)
    return tuple(
        sorted(
            unique,
            key=lambda each: (
                _VERDICTS.index(each.verdict),
                each.by == "bundle",
                each.scope == "source",
                each.part,
                each.record,
                each.range,
            ),
        )
    )


def ratings(scores: Iterable[Score], heard: Sequence[Heard], finding: Finding | None) -> tuple[Rating, ...]:
    """Say what each source says of the severity, the one that counts first."""
    found = [
        Rating(
            source=score.source, level=score.level, kind=score.kind, value=score.value, vector=score.vector
        )
        for score in scores
    ]
    of_records = {(each.feed, each.level) for each in heard if each.level is not Severity.UNKNOWN}
    stated = {(each.source, each.level) for each in found}
    found += [Rating(source=feed, level=level) for feed, level in sorted(of_records - stated)]
    if finding is not None and finding.severity is not Severity.UNKNOWN:
        counting = next(
            (
                number
                for number, each in enumerate(found)
                if (each.source, each.level) == (finding.severity_source, finding.severity)
            ),
            -1,
        )
        whose = (
            found.pop(counting)
            if counting >= 0
            else Rating(source=finding.severity_source, level=finding.severity)
        )
        found.insert(0, replace(whose, counts=True))
    return tuple(dict.fromkeys(found))
