"""An inventory of packages × the advisory database → the report. The part of a scan that opens no image."""

import contextlib
import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from hullmark.advisories.database import Database, Part, PartInfo, age_s
from hullmark.advisories.matcher import Answer, Cover, Matcher, Query, has_fix
from hullmark.advisories.origins import Makers, Origin
from hullmark.advisories.statements import Statement
from hullmark.findings.merge import Flaw, Hit, evidence, merge, references
from hullmark.findings.narrowing import narrowed
from hullmark.findings.severity import severity
from hullmark.model.advisory import (
    Advisory,
    CveRecord,
    EndOfLife,
    Epss,
    KnownExploited,
    Note,
    Repository,
    Severity,
)
from hullmark.model.errors import FeedError, VersionError
from hullmark.model.facts import SYSTEM, Distribution, Package, Unread
from hullmark.model.image import Layer
from hullmark.model.purl import purl
from hullmark.model.report import (
    Component,
    Coverage,
    CoverageState,
    DatabasePart,
    EcosystemCoverage,
    Finding,
    Location,
    Misconfiguration,
    Report,
    ReportDatabase,
    ReportImage,
    SecretFinding,
    Silenced,
    Summary,
    Tool,
    is_unchecked,
)
from hullmark.scan.catalogue import Catalogue
from hullmark.scan.request import ScanRequest

_NOTE_FEEDS = ("epss", "kev", "nvd", "cvelist")
_ALIAS_FEEDS = ("ghsa", "osv")
_FIXES = 2  # the kind of a record that is a bundle and only fixes a flaw
_EOL_PART = "eol"
REPOSITORIES = "repositories"
"""The part that tells which products a repository belongs to."""
_MOST_RELEASES = 100
_UNTAGGED = re.compile(r"v0\.0\.0-\d{14}-[0-9a-f]{12}(?:\+|\Z)")
"""A Go program's own version where it was built from a checkout without tags: any release may be that commit."""


class Item(msgspec.Struct, frozen=True):
    """A package with its places."""

    package: Package
    locations: tuple[Location, ...]
    provides: tuple[str, ...] = ()


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """What was learned of an image, or what an SBOM says: all that matching needs.

    `dev_items` are the packages that only development needs and that were not asked for; the malicious ones are reported.
    """

    tool: Tool
    image: ReportImage
    layers: tuple[Layer, ...]
    items: tuple[Item, ...]
    errors: tuple[Unread, ...]
    distribution: Distribution | None
    content_sets: tuple[str, ...] = ()
    dev_packages: int = 0
    dev_items: tuple[Item, ...] = ()
    skipped_files: int = 0
    unread_in_deleted: int = 0
    binary_files: int = 0
    secrets: tuple[SecretFinding, ...] = ()
    secrets_key: str = ""
    config: tuple[Misconfiguration, ...] = ()
    silenced: tuple[Silenced, ...] = ()
    scanners: tuple[str, ...] = ()


def report(inventory: Inventory, request: ScanRequest, catalogue: Catalogue | None = None) -> Report:
    """Match an inventory and make its report."""
    database = (
        Database.open(request.database)
        if request.database is not None and "vuln" in request.scanners
        else None
    )
    try:
        return _Reporter(inventory, request, database, catalogue or Catalogue(None)).report()
    finally:
        if database is not None:
            database.close()


class _Reporter:
    def __init__(
        self, inventory: Inventory, request: ScanRequest, database: Database | None, catalogue: Catalogue
    ) -> None:
        self.inventory = inventory
        self.catalogue = catalogue
        self.request = request
        self.database = database
        self.as_of = dt.datetime.fromisoformat(request.as_of)
        self.distribution = inventory.distribution
        self.makers = Makers(self.distribution, (item.package for item in inventory.items))
        self.used: dict[str, Part] = {}
        self.notes: dict[str, dict[str, Note]] = {}
        self.advisories: dict[tuple[str, str, int], Advisory] = {}
        self.named: dict[str, list[Advisory]] = {}
        """What records of libraries' databases carry a GHSA id."""
        self.missing: dict[str, set[str]] = {}
        self.dev_packages = inventory.dev_packages
        self.dev_unchecked = 0
        self.safe: dict[tuple[str, str, str], tuple[str, str]] = {}
        self.release: Literal["", "matched", "no_feed", "feed_missing"] = ""
        self.eol = self._end_of_life()

    def report(self) -> Report:
        items = self.inventory.items
        matcher = (
            Matcher(self.database, self._cover, self.catalogue.scheme, self._products())
            if self.database is not None
            else None
        )
        components = []
        flaws: list[tuple[Component, Query, list[Flaw]]] = []
        for number, (item, query, answer) in enumerate(self._answers(matcher, items)):
            self.missing.setdefault(query.ecosystem, set()).update(answer.missing)
            component = self._component(f"p{number}", item, answer)
            components.append(component)
            flaws.append((component, query, self._flaws(query, answer)))
        for item, query, answer in self._answers(matcher, self.inventory.dev_items):
            if answer.coverage == "feed_missing":
                self.dev_unchecked += len(item.locations)
            attacks = [flaw for flaw in self._flaws(query, answer) if flaw.malicious]
            if attacks:
                self.dev_packages -= len(item.locations)
                components.append(self._component(f"p{len(components)}", item, answer))
                flaws.append((components[-1], query, attacks))
        self._join_notes({flaw.id for _, _, found in flaws for flaw in found})
        findings = [
            self._finding(component, query, flaw, matcher)
            for component, query, found in flaws
            for flaw in found
        ]
        if self.eol is not None:
            findings.append(self._eol_finding(self.eol))
        derived = (
            matcher.cover(_system(items), "").derived_from if matcher is not None and _system(items) else ""
        )
        image = msgspec.structs.replace(self.inventory.image, derived_from=derived)
        coverage = self._coverage(components)
        errors = self.inventory.errors
        kinds = Counter(unread.kind for unread in errors)
        whole = Report(
            tool=self.inventory.tool,
            as_of=self.request.as_of,
            database=ReportDatabase(tuple(self._part(part) for _, part in sorted(self.used.items()))),
            image=image,
            layers=self.inventory.layers,
            errors=errors,
            coverage=coverage,
            summary=Summary(
                packages=len(components),
                unread={kind: kinds[kind] for kind in ("layer", "package_database", "file", "record")},
                unread_in_deleted=self.inventory.unread_in_deleted,
            ),
            packages=tuple(components),
            findings=tuple(findings),
            secrets=self.inventory.secrets,
            secrets_key=self.inventory.secrets_key,
            config=self.inventory.config,
            silenced=self.inventory.silenced,
        )
        return narrowed(whole, self.request.filters, self.request.filters.skip_paths)

    def _answers(
        self, matcher: Matcher | None, items: Sequence[Item]
    ) -> Iterator[tuple[Item, Query, Answer]]:
        queries = [query_of(item, self.makers.origin(item.package)) for item in items]
        answers = matcher.match(queries) if matcher is not None else [Answer((), "", (), ())] * len(items)
        yield from zip(items, queries, answers, strict=True)

    def _cover(self, ecosystem: str, origin: Origin) -> Cover:
        return self.catalogue.cover(ecosystem, self.makers.speaker(origin))

    def _products(self) -> list[str]:
        """Give the CPEs of the products whose repositories the image names."""
        names = self.inventory.content_sets
        part = self.database.part(REPOSITORIES) if names and self.database is not None else None
        if part is None:
            return []
        self.used[REPOSITORIES] = part
        notes = part.notes(names).values()
        return [cpe for note in notes if isinstance(note, Repository) for cpe in note.cpes]

    def _component(self, name: str, item: Item, answer: Answer) -> Component:
        package = item.package
        bases = {location.from_base for location in item.locations}
        return Component(
            id=name,
            purl=self._purl(package),
            ecosystem=package.ecosystem,
            name=package.name,
            version=package.version,
            arch=package.arch,
            source=package.source,
            source_version=package.source_version,
            licences=package.licences,
            origin=package.origin,
            dev=package.dev,
            direct=package.direct,
            via=package.via,
            module=package.module,
            vendor=package.vendor,
            cpe=package.cpe,
            provides=item.provides,
            locations=item.locations,
            from_base=None if not bases or None in bases else bases == {True},
            coverage=self._coverage_of(package, answer),
            feeds=answer.feeds,
        )

    def _purl(self, package: Package) -> str:
        qualifiers = {"arch": package.arch}
        namespace = ""
        version = package.version
        if package.ecosystem in SYSTEM:
            distribution = self.distribution
            if distribution is not None:
                namespace = distribution.id
                qualifiers["distro"] = "-".join(
                    part for part in (distribution.id, distribution.version_id) if part
                )
            if package.ecosystem == "rpm":
                epoch, colon, rest = version.partition(":")
                if colon:
                    version, qualifiers["epoch"] = rest, epoch
            if package.source and package.source != package.name:
                qualifiers["upstream"] = package.source
        return purl(package.ecosystem, package.name, version, namespace=namespace, qualifiers=qualifiers)

    def _coverage_of(self, package: Package, answer: Answer) -> CoverageState | None:
        if self.database is None:
            return None
        state = answer.coverage
        if state != "matched":
            return state  # type: ignore[return-value]  # the matcher speaks the same words
        if package.ecosystem in SYSTEM and self.eol is not None:
            return "release_eol"
        infos = [self.database.current.parts[key] for key in answer.parts]
        return "feed_stale" if any(self._is_stale(info) for info in infos) else "matched"

    def _age_hours(self, info: PartInfo) -> float | None:
        age = age_s(info, self.as_of.timestamp())
        return round(age / 3600, 1) if age != float("inf") else None

    def _is_stale(self, info: PartInfo) -> bool:
        age = self._age_hours(info)
        return age is not None and age > self.request.max_age_h

    def _part(self, part: Part) -> DatabasePart:
        info = part.info
        return DatabasePart(
            part=part.key,
            feed=info.feed,
            revision=f"{info.lineage}.{info.n}",
            built=info.built,
            newest=info.newest,
            advisories=info.advisories or info.notes,
            age_hours=self._age_hours(info),
            stale=self._is_stale(info),
        )

    def _flaws(self, query: Query, answer: Answer) -> list[Flaw]:
        for key in answer.parts:
            part = self.database.part(key) if self.database is not None else None
            if part is not None:
                self.used[key] = part
        if not answer.statements:
            return []
        scheme = self.catalogue.scheme(query.ecosystem)
        assert scheme is not None
        hits = [self._hit(statement, query, scheme.name) for statement in answer.statements]
        sort, fold = scheme.key, scheme.fold
        name, source = fold(query.name), fold(query.source or query.name)

        def speaks(statement: Statement, flaw: str) -> bool:
            part = self.used[statement.part]
            named = source if statement.scope == "source" else name
            if part.speaks_of(named, flaw):
                return True
            fixes = part.bundled_fixes(named, statement.scope, flaw) if query.ecosystem == "rpm" else ()
            return has_fix(query.version, fixes, order)

        def order(text: str) -> bytes | None:
            try:
                return sort(text)
            except VersionError:
                return None

        return merge(hits, speaks, order, self._elsewhere if query.ecosystem in SYSTEM else lambda _names: ())

    def _elsewhere(self, names: Sequence[str]) -> list[Advisory]:
        """Give what the databases of libraries say of GHSA ids, as far as they are here.

        A distribution that lists a flaw's CVE and its GHSA (Wolfi) does not say that the two are one.
        """
        for name in names:
            if name not in self.named:
                self.named[name] = list(self._named(name))
        return [advisory for name in names for advisory in self.named[name]]

    def _named(self, name: str) -> Iterator[Advisory]:
        assert self.database is not None
        asked: set[str] = set()
        for key, info in sorted(self.database.current.parts.items()):
            if info.feed not in _ALIAS_FEEDS or info.records in asked:  # parts share their records
                continue
            asked.add(info.records)
            with contextlib.suppress(
                FeedError
            ):  # a damaged part that nothing else asks for costs a name, no more
                part = self.database.part(key)
                for number, kind in part.named(name) if part is not None else ():
                    if part is not None and kind != _FIXES:
                        record, mark, _ = part.record(number)
                        self.used[key] = part
                        yield part.advisory(record, mark)

    def _hit(self, statement: Statement, query: Query, scheme: str) -> Hit:
        part = self.used[statement.part]
        record = (statement.part, statement.advisory, statement.mark)
        if record not in self.advisories:
            self.advisories[record] = part.advisory(statement.advisory, statement.mark)
        from_source = statement.scope == "source" and query.source_version
        compared = query.source_version if from_source else query.version
        info = part.info
        return Hit(
            statement, self.advisories[record], info.feed, f"{info.lineage}.{info.n}", scheme, compared
        )

    def _join_notes(self, ids: set[str]) -> None:
        if self.database is None:
            return
        cves = sorted(name for name in ids if name.startswith("CVE-"))
        for feed in _NOTE_FEEDS:
            part = self.database.part(feed)
            if part is not None:
                self.used[feed] = part
                self.notes[feed] = part.notes(cves)

    def _safe_fix(self, query: Query, fixed: str, matcher: Matcher | None) -> tuple[str, str]:
        """Give the version to go to, and why it is not the first one with the fix: that one is itself an attack.

        Where nothing says which version is clean again there is none.
        """
        if not fixed or matcher is None or query.ecosystem in SYSTEM:
            return fixed, ""
        known = (query.ecosystem, query.name, fixed)
        if known not in self.safe:
            target, why = fixed, ""
            for _step in range(_MOST_RELEASES):
                (answer,) = matcher.match([query._replace(version=target, source_version="")])
                attack = next((flaw for flaw in self._flaws(query, answer) if flaw.malicious), None)
                if attack is None:
                    break
                why = why or f"{fixed} has the fix and is itself malicious ({attack.id})"
                ends = [hit.statement.fixed for hit in attack.hits if not hit.statement.by_list]
                target = next((end for end in ends if end and end != target), "")
                if not target:
                    break
            self.safe[known] = (target, why)
        return self.safe[known]

    def _finding(self, component: Component, query: Query, flaw: Flaw, matcher: Matcher | None) -> Finding:
        records = [self.notes.get(feed, {}).get(flaw.id) for feed in ("cvelist", "nvd")]
        catalogue = [record for record in records if isinstance(record, CveRecord)]
        extra = [score for record in catalogue for score in record.scores]
        level, source, scores = severity(
            flaw.hits, extra, system=query.ecosystem in SYSTEM, first=self.request.severity_sources
        )
        if flaw.malicious and level is not Severity.CRITICAL:
            level, source = Severity.CRITICAL, "hullmark"
        advisories = [hit.advisory for hit in sorted(flaw.hits, key=lambda hit: hit.statement.bundle)]
        spoken: list[Advisory | CveRecord] = [*advisories, *catalogue]
        epss, kev = self.notes.get("epss", {}).get(flaw.id), self.notes.get("kev", {}).get(flaw.id)
        cwes = {cwe for record in spoken for cwe in record.cwes}
        fixed, why = self._safe_fix(query, flaw.fixed_version, matcher)
        said = [evidence(hit) for hit in flaw.hits]
        if why:
            said = [
                msgspec.structs.replace(each, note=f"{each.note}; {why}" if each.note else why)
                for each in said
            ]
        published = [record.published for record in spoken if record.published]
        modified = [record.modified for record in spoken if record.modified]
        return Finding(
            id=flaw.id,
            kind="malicious" if flaw.malicious else ("bundle" if flaw.bundle_only else "vulnerability"),
            component=component.id,
            purl=component.purl,
            name=component.name,
            version=component.version,
            severity=level,
            severity_source=source,
            state="affected" if flaw.state == "fixed_available" and not fixed else flaw.state,
            fixed_version=fixed,
            aliases=flaw.aliases,
            title=next((a.title for a in advisories if a.title), ""),
            details=next((record.details for record in spoken if record.details), ""),
            scores=scores,
            cwes=tuple(sorted(cwes)),
            published=min(published, default=""),
            modified=max(modified, default=""),
            bundles=flaw.bundles,
            epss=epss if isinstance(epss, Epss) else None,
            kev=kev if isinstance(kev, KnownExploited) else None,
            ssvc=next((record.ssvc for record in catalogue if record.ssvc is not None), None),
            references=references(flaw.hits),
            evidence=tuple(dict.fromkeys(said)),
            locations=component.locations,
            from_base=component.from_base,
            fix_is_malicious=bool(why) and not fixed,
        )

    def _end_of_life(self) -> EndOfLife | None:
        """Give the end of the distribution's release when it is past at `as_of`."""
        distribution = self.distribution
        if distribution is None or self.database is None:
            return None
        part = self.database.part(_EOL_PART)
        self.release = "no_feed" if part is not None else "feed_missing"
        names = [f"{distribution.id}-{version}" for version in _cycles(distribution.version_id)]
        notes = part.notes(names) if part is not None else {}
        for name in names:
            note = notes.get(name)
            if isinstance(note, EndOfLife):
                assert part is not None
                self.used[_EOL_PART] = part
                self.release = "matched"
                return note if self._is_past(note) else None
        if distribution.support_end and _day(distribution.support_end) is not None:
            note = EndOfLife(id=names[0], date=distribution.support_end)
            self.release = "matched"
            return note if self._is_past(note) else None
        return None

    def _is_past(self, note: EndOfLife) -> bool:
        day = _day(note.date)
        return day < self.as_of.date() if day is not None else bool(note.ended)

    def _eol_finding(self, note: EndOfLife) -> Finding:
        assert self.distribution is not None
        name = self.distribution.pretty_name or self.distribution.id
        when = f" since {note.date}" if note.date else ""
        following = f"; the next release is {note.successor}" if note.successor else ""
        supported = self._supported(note)
        if supported != note.successor:
            following += f", the first that is still supported {supported}"
        place = self.inventory.image.release
        return Finding(
            id=f"EOL-{note.id}",
            kind="end_of_life",
            component="",
            purl="",
            name=self.distribution.id,
            version=self.distribution.version_id,
            severity=Severity.HIGH,
            severity_source="hullmark",
            state="end_of_life",
            fixed_version=supported,
            title=f"{name} is past its end of life{when}{following}",
            eol=note,
            locations=(place,) if place is not None else (),
            from_base=place.from_base if place is not None else None,
        )

    def _supported(self, note: EndOfLife) -> str:
        """Name the first of the following releases that is not past its end; the last one where none is known to be."""
        part = self.used.get(_EOL_PART)
        name = note.successor
        for _release in range(_MOST_RELEASES):
            following = part.notes([name]).get(name) if part is not None and name else None
            if not (isinstance(following, EndOfLife) and self._is_past(following) and following.successor):
                break
            name = following.successor
        return name

    def _coverage(self, components: Sequence[Component]) -> Coverage:
        by_ecosystem: dict[str, list[Component]] = {}
        for component in components:
            by_ecosystem.setdefault(component.ecosystem, []).append(component)
        entries = []
        for ecosystem, found in sorted(by_ecosystem.items()):
            feeds = sorted({feed for component in found for feed in component.feeds})
            ages = [
                age
                for part in self.used.values()
                if part.info.feed in feeds and (age := self._age_hours(part.info)) is not None
            ]
            states = Counter(component.coverage for component in found if component.coverage is not None)
            entries.append(
                EcosystemCoverage(
                    ecosystem,
                    len(found),
                    dict(sorted(states.items())),
                    tuple(feeds),
                    max(ages, default=None),
                    tuple(sorted(self.missing.get(ecosystem, ()))),
                )
            )
        return Coverage(
            ecosystems=tuple(entries),
            not_checked=sum(is_unchecked(component, ()) for component in components),
            dev_packages=self.dev_packages,
            skipped_files=self.inventory.skipped_files,
            scanners=(*(("vuln",) if self.database is not None else ()), *self.inventory.scanners),
            release=self.release,
            dev_unchecked=self.dev_unchecked,
            binary_files=self.inventory.binary_files,
        )


def query_of(item: Item, origin: Origin) -> Query:
    """Give what the database is asked for a package; `origin` says who made it."""
    package = item.package
    untagged = (
        package.ecosystem == "golang"
        and _UNTAGGED.match(package.version)
        and all(place.place == "main module" for place in item.locations)
    )
    return Query(
        package.ecosystem,
        package.name,
        "" if untagged else package.version,
        package.arch,
        package.source,
        package.source_version,
        package.module,
        package.cpe,
        origin,
    )


def _system(items: Sequence[Item]) -> str:
    return next((item.package.ecosystem for item in items if item.package.ecosystem in SYSTEM), "")


def _cycles(version: str) -> list[str]:
    """Give the names under which a release's cycle may stand: `3.10.4`, `3.10`, `3`."""
    parts = version.split(".")
    return [".".join(parts[:count]) for count in range(len(parts), 0, -1)]


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text[:10])
    except ValueError:
        return None
