"""Why a flaw is reported for an image, or why it is not: from its report and the advisories that it was made with.

The matcher decides here as it does in a scan; what is added is the reason for each statement that did not hold.
"""

import contextlib
from collections.abc import Iterable, Sequence
from typing import get_args

from hullmark.advice.remedy import remedy
from hullmark.advisories.database import Database, Part
from hullmark.advisories.hearing import Spoken, spoken
from hullmark.advisories.lookup import notes, spellings
from hullmark.advisories.matcher import Called, Cover, Matcher, names_of
from hullmark.advisories.naming import Flaw, Record
from hullmark.advisories.origins import Makers, Origin
from hullmark.findings.narrowing import worst_first
from hullmark.findings.reasons import (
    HOLD,
    deciding_first,
    not_checked,
    outranked,
    ratings,
    silence,
    with_evidence,
)
from hullmark.model.errors import FeedError
from hullmark.model.explanation import (
    Elsewhere,
    Explained,
    Explanation,
    Heard,
    Outcome,
    Unchecked,
)
from hullmark.model.facts import SYSTEM, Package
from hullmark.model.report import (
    CHECKED,
    Component,
    DatabasePart,
    Finding,
    Report,
    Suppressed,
    is_unchecked,
)
from hullmark.scan.catalogue import Catalogue
from hullmark.scan.matching import Item, query_of

_RANK = {outcome: rank for rank, outcome in enumerate(get_args(Outcome))}
_SYSTEM_SCHEMES = frozenset({"deb", "rpm", "apk", "alpm"})
_MOST_STATEMENTS = 100
_MOST_NAMES = 12
_MOST_PARTS = 100
_TRIED = 20
"""So many packages of a record are looked for in a part that was not asked."""
_EXAMPLES = 5


def explain(
    asked: str,
    report: Report,
    database: Database,
    catalogue: Catalogue,
    *,
    include_dev: bool = True,
) -> Explanation:
    """Explain one flaw, by any of its ids, in one image.

    `database` is the one that the report was made with, or a newer one: then it is said where they differ. Without `include_dev` what is
    found in packages that only development needs counts as left out. Raises `FeedError` where the database is damaged.
    """
    return _Explainer(asked, report, database, catalogue, include_dev=include_dev).explanation()


class _Explainer:
    def __init__(
        self, asked: str, report: Report, database: Database, catalogue: Catalogue, *, include_dev: bool
    ) -> None:
        self.report = report
        self.database = database
        self.catalogue = catalogue
        self.leave_dev = not include_dev and report.image is not None and report.image.source != "sbom"
        self.forms = frozenset(spellings(asked))
        every: list[tuple[Finding, Suppressed | None]] = [(finding, None) for finding in report.findings]
        every += [(each.finding, each) for each in report.suppressed]
        named = [finding for finding, _ in every if self._is_named(finding)]
        self.flaw = Flaw(database, asked, (name for each in named for name in (each.id, *each.aliases)))
        self.found: dict[str, list[tuple[Finding, Suppressed | None]]] = {}
        ids = frozenset(self.flaw.ids)
        for finding, suppressed in every:
            if finding.id in ids or self._is_named(finding):
                self.found.setdefault(finding.component, []).append((finding, suppressed))
        self.distribution = report.image.distribution if report.image is not None else None
        self.items = [_item(component) for component in report.packages]
        self.makers = Makers(self.distribution, (item.package for item in self.items))
        self.matcher = Matcher(database, self._cover, catalogue.scheme)
        self.asked: dict[str, Part] = {}
        self.names = {name for record in self.flaw.all_records() for name in record.packages}
        self.system_names = self._names_of_systems()
        made_with = {part.part: part.revision for part in report.database.parts}
        self.changed = {
            key
            for key, revision in made_with.items()
            if (info := database.current.parts.get(key)) is None or f"{info.lineage}.{info.n}" != revision
        }

    def _is_named(self, finding: Finding) -> bool:
        """Tell whether a finding itself carries the id that was asked for."""
        bundles = (bundle.id for bundle in finding.bundles)
        return not self.forms.isdisjoint((finding.id, *finding.aliases, *bundles))

    def _cover(self, ecosystem: str, origin: Origin) -> Cover:
        return self.catalogue.cover(ecosystem, self.makers.speaker(origin))

    def _names_of_systems(self) -> set[str]:
        """Give the names of packages of which a distribution speaks, in whichever release."""
        files = {
            info.records
            for info in self.database.current.parts.values()
            if not _SYSTEM_SCHEMES.isdisjoint(info.schemes)
        }
        return {name for record in self.flaw.all_records(files) for name in record.packages}

    def explanation(self) -> Explanation:
        explained = [
            each
            for component, item in zip(self.report.packages, self.items, strict=True)
            for each in self._package(component, item)
        ]
        explained += [self._reported(None, found, ()) for found in self.found.get("", ())]
        explained.sort(key=_worst_first)
        unchecked = self._unchecked()
        image = self.report.image
        catalogues = self._catalogues()
        unsure = bool(self.report.errors) or any(each.state not in CHECKED for each in unchecked)
        outcome = self._outcome(explained, unsure=unsure)
        return Explanation(
            id=self.flaw.id,
            ids=self.flaw.ids,
            title=self._title(explained),
            image=image.name if image is not None else "",
            digest=image.digest if image is not None else "",
            as_of=self.report.as_of,
            outcome=outcome,
            packages=tuple(explained),
            asked=tuple(self._part(part) for _, part in sorted(self.asked.items())),
            changed=tuple(sorted(self.changed & {*self.asked, *self._evident(explained)})),
            spoken_of=tuple(sorted(self.names)[:_MOST_NAMES]),
            elsewhere=() if self.found else self._elsewhere(),
            catalogues=catalogues,
            named=tuple(
                each
                for each in self.report.suppressions
                if each.state not in {"used", "fix_available"}
                and not {name.upper() for name in each.ids}.isdisjoint(name.upper() for name in self.flaw.ids)
            ),
            unchecked=unchecked,
            dev_packages=self.report.coverage.dev_packages,
            unread=tuple(
                f"{each.kind} {' '.join(word for word in (each.layer[:19], each.path, each.place) if word)}: {each.reason}"
                for each in self.report.errors[:_EXAMPLES]
            ),
            incomplete=self.report.incomplete,
        )

    def _outcome(self, explained: Sequence[Explained], *, unsure: bool) -> Outcome:
        if explained:
            return explained[0].outcome
        if "vuln" not in self.report.coverage.scanners:
            return "not_checked"
        if self.names:
            return "not_in_image"
        return "not_checked" if unsure else "unknown"

    # one package

    def _package(self, component: Component, item: Item) -> list[Explained]:
        """Explain a package, once for each finding that it has; nothing where nobody speaks of it."""
        query = query_of(item, self.makers.origin(item.package))
        scheme = self.catalogue.scheme(query.ecosystem)
        opened, _ = self.matcher.asked(query)
        self.asked.update((part.key, part) for part in opened)
        found = self.found.get(component.id, [])
        heard: tuple[Heard, ...] = ()
        called = names_of(scheme, query) if scheme is not None else []
        if scheme is not None and not self.names.isdisjoint(name for name, _, _ in called):
            (answer,) = self.matcher.match([query])
            heard = tuple(
                self._heard(part, records, each, scheme.name)
                for part in opened
                if (records := self.flaw.records(part))
                for each in spoken(part, scheme, query, records, answer.statements)
            )
        if found:
            return [self._reported(component, each, heard) for each in found]
        if heard:
            return [self._silent(component, heard)]
        return self._unspoken(component, called)

    def _heard(self, part: Part, records: dict[tuple[str, int], Record], each: Spoken, scheme: str) -> Heard:
        statement = each.statement
        return Heard(
            feed=part.info.feed,
            part=part.key,
            revision=f"{part.info.lineage}.{part.info.n}",
            record=statement.advisory,
            by=records[statement.advisory, statement.mark].by,
            package=each.called.name,
            scope=each.called.scope,
            state=statement.state,
            range=statement.span,
            versions=each.versions,
            fixed=statement.fixed,
            compared=each.called.version,
            scheme=scheme,
            verdict=each.verdict,
            because=each.because,
            note=_note(statement.more.note, statement.more.repositories if statement.fixed else ()),
            level=statement.level,
        )

    def _reported(
        self, component: Component | None, found: tuple[Finding, Suppressed | None], heard: tuple[Heard, ...]
    ) -> Explained:
        finding, suppressed = found
        statements = with_evidence(heard, finding.evidence)
        by = (
            self.report.suppressions[suppressed.by] if suppressed is not None and suppressed.by >= 0 else None
        )
        outcome, because = self._standing(component, finding, suppressed)
        return Explained(
            outcome=outcome,
            because=because,
            component=component,
            finding=finding,
            filter=suppressed.reason if suppressed is not None and by is None else "",
            by=by,
            statements=statements[:_MOST_STATEMENTS],
            more=max(len(statements) - _MOST_STATEMENTS, 0),
            ratings=ratings(finding.scores, statements, finding),
            remedy=remedy(finding, component, self.report.image),
        )

    def _standing(
        self, component: Component | None, finding: Finding, suppressed: Suppressed | None
    ) -> tuple[Outcome, str]:
        if suppressed is not None:
            return "suppressed", "it was found, and is not reported"
        if finding.kind == "malicious":
            return "malicious", "the package is itself the attack"
        if self.leave_dev and component is not None and component.dev:
            return "development", "only a lock file names it, for development (--include-dev counts it)"
        if finding.kind == "end_of_life":
            return "affected", "the release is past its end of life"
        if finding.state == "undecided":
            return "undecided", "whether it is affected could not be told, so it is reported"
        return "affected", "a statement on it holds"

    def _silent(self, component: Component, heard: tuple[Heard, ...]) -> Explained:
        """Explain a package of which the flaw is said and that has no finding."""
        holds = [each for each in heard if each.verdict in HOLD]
        asked = {each.part for each in heard}
        if component.coverage is None or is_unchecked(component, ()):
            outcome, because = not_checked(component)
        elif holds and asked & self.changed:
            outcome, because = (
                "changed",
                "the report was made with other advisories than there are now: scan again",
            )
        else:
            heard = tuple(outranked(each) for each in heard)
            outcome, because = silence(heard)
        ordered = deciding_first(heard)
        scores = [score for each in self._spoken_records(heard) for score in each.advisory.scores]
        return Explained(
            outcome=outcome,
            because=because,
            component=component,
            statements=ordered[:_MOST_STATEMENTS],
            more=max(len(ordered) - _MOST_STATEMENTS, 0),
            ratings=ratings(scores, ordered, None),
        )

    def _spoken_records(self, heard: Iterable[Heard]) -> list[Record]:
        names = {each.record for each in heard}
        found = {
            record.advisory.id: record for record in self.flaw.all_records() if record.advisory.id in names
        }
        return list(found.values())

    def _unspoken(self, component: Component, called: Sequence[Called]) -> list[Explained]:
        """Explain a package of a name that only others speak of: of nobody who was asked, or that could not be asked about."""
        names = {name for name, _, _ in called} or {component.name, component.source or component.name}
        if is_unchecked(component, ()) or component.coverage is None:
            if self.names.isdisjoint(names):
                return []
            outcome, because = not_checked(component)
            return [Explained(outcome=outcome, because=because, component=component)]
        if component.ecosystem not in SYSTEM or self.system_names.isdisjoint(names):
            return []
        feeds = ", ".join(component.feeds)
        because = f"others speak of a package of this name; {feeds}, whose word counts for it, has no record of the flaw on it"
        return [Explained(outcome="unspoken", because=because, component=component)]

    # the whole

    def _title(self, explained: Sequence[Explained]) -> str:
        for each in explained:
            if each.finding is not None and (each.finding.title or each.finding.details):
                return each.finding.title or each.finding.details
        advisories = [record.advisory for record in self.flaw.all_records() if record.by != "bundle"]
        titles = [advisory.title for advisory in advisories if advisory.title]
        return next(iter(titles), "") or next((each.details for each in advisories if each.details), "")

    def _part(self, part: Part) -> DatabasePart:
        known = next((each for each in self.report.database.parts if each.part == part.key), None)
        revision = f"{part.info.lineage}.{part.info.n}"
        if known is not None and known.revision == revision:
            return known
        info = part.info
        return DatabasePart(
            part.key, info.feed, revision, info.built, info.newest, info.advisories or info.notes
        )

    def _evident(self, explained: Sequence[Explained]) -> set[str]:
        findings = [each.finding for each in explained if each.finding is not None]
        return {evidence.part for finding in findings for evidence in finding.evidence}

    def _catalogues(self) -> tuple[str, ...]:
        kinds = {"epss": "epss", "kev": "kev", "cve": "nvd or the CVE list"}
        found = [
            note for name in self.flaw.ids if name.startswith("CVE-") for note in notes(self.database, name)
        ]
        tags = dict.fromkeys(str(type(note).__struct_config__.tag) for note in found)
        return tuple(kinds.get(tag, tag) for tag in tags)

    def _elsewhere(self) -> tuple[Elsewhere, ...]:
        found: list[Elsewhere] = []
        for key in sorted(self.database.current.parts):
            if key not in self.asked and len(found) < _MOST_PARTS:
                with contextlib.suppress(FeedError):  # what nobody needs for this image may be damaged
                    part = self.database.part(key)
                    found += self._known_in(part) if part is not None else ()
        return tuple(found[:_MOST_PARTS])

    def _known_in(self, part: Part) -> list[Elsewhere]:
        """Give the records by which a part speaks of the flaw, with some of their packages."""
        known = (
            (name, tuple(each for each in record.packages[:_TRIED] if part.rows(each, {(name, mark)})))
            for (name, mark), record in self.flaw.records(part).items()
        )
        return [
            Elsewhere(part=part.key, record=name, packages=packages[:_EXAMPLES])
            for name, packages in known
            if packages
        ]

    def _unchecked(self) -> tuple[Unchecked, ...]:
        groups: dict[tuple[str, str], list[str]] = {}
        for component in self.report.packages:
            if component.coverage not in {None, "matched"}:
                groups.setdefault((str(component.coverage), component.ecosystem), []).append(component.name)
        missing = {each.ecosystem: each.missing for each in self.report.coverage.ecosystems}
        return tuple(
            Unchecked(
                state=state,
                ecosystem=ecosystem,
                packages=len(names),
                examples=tuple(names[:_EXAMPLES]),
                missing=missing.get(ecosystem, ()),
            )
            for (state, ecosystem), names in sorted(groups.items())
        )


def _item(component: Component) -> Item:
    """Remake of a report's package what was matched."""
    return Item(
        Package(
            component.ecosystem,
            component.name,
            component.version,
            component.arch,
            component.source,
            component.source_version,
            module=component.module,
            vendor=component.vendor,
            cpe=component.cpe,
        ),
        component.locations,
    )


def _note(note: str, archives: Sequence[str]) -> str:
    paid = f"the fix is only in {', '.join(archives)}" if archives else ""
    return "; ".join(words for words in (note, paid) if words)


def _worst_first(each: Explained) -> tuple[object, ...]:
    finding, component = each.finding, each.component
    return (
        _RANK[each.outcome],
        worst_first(finding) if finding is not None else (),
        (component.name, component.version, component.id) if component is not None else (),
    )
