"""`hullmark db show` and `hullmark db search`: what the database says, without an image."""

from typing import TYPE_CHECKING, Annotated

from hullmark.cli.options import Option, Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hullmark.advisories.database import Database
    from hullmark.advisories.lookup import Found, Said
    from hullmark.model.advisory import Note

_LISTED = 8


class Show(Settings, frozen=True, kw_only=True):
    """Show all that the database says of a flaw.

    Exit codes: 0 found, 1 nothing is known of it, 2 usage, 3 the database is missing or damaged.
    """

    flaw: Annotated[
        str, Option("CVE-…, GHSA-…, DSA-… or another publisher's id.", name="ID", positional=True)
    ]
    json: Annotated[bool, Option("Write one JSON document.")] = False

    def run(self) -> int:
        """Do it, and give the exit code."""
        import contextlib

        import msgspec

        from hullmark.advisories import lookup
        from hullmark.cli.output import write_line, write_text

        _require(self.flaw, "an id", "hullmark db show CVE-2021-44228")
        with contextlib.closing(_opened()) as database:
            found, notes = lookup.flaw(database, self.flaw), lookup.notes(database, self.flaw)
        if self.json:
            body = msgspec.json.encode({"id": self.flaw, "advisories": found, "notes": notes})
            write_text(msgspec.json.format(body, indent=2).decode() + "\n")
        else:
            for line in _page(self.flaw, found, notes):
                write_line(line)
        return _verdict(self.flaw, known=bool(found or notes))


class Search(Settings, frozen=True, kw_only=True):
    """List the advisories that speak of a package.

    Exit codes: 0 found, 1 nothing is known of it, 2 usage, 3 the database, or the part asked for, is missing or damaged.
    """

    package: Annotated[str, Option("The package, by its publisher's name.", name="PACKAGE", positional=True)]
    ecosystem: Annotated[str, Option("A release or an ecosystem only, like debian:12 or pypi.")] = ""
    json: Annotated[bool, Option("Write one JSON document.")] = False

    def run(self) -> int:
        """Do it, and give the exit code."""
        import contextlib

        import msgspec

        from hullmark.advisories import lookup
        from hullmark.cli.output import write_line, write_text

        _require(self.package, "a package's name", "hullmark db search openssl --ecosystem debian:12")
        with contextlib.closing(_opened()) as database:
            places = _places(self.ecosystem, database.current.parts)
            found = [each for place in places for each in lookup.package(database, self.package, place)]
        if self.json:
            body = msgspec.json.encode({"package": self.package, "advisories": found})
            write_text(msgspec.json.format(body, indent=2).decode() + "\n")
        else:
            for each in found:
                for said in each.statements:
                    mark = "malicious: " if each.advisory.malicious else ""
                    write_line(f"{each.advisory.id:<20} {each.part:<18} {mark}{_statement(said)}")
        return _verdict(self.package, known=bool(found))


def _places(ecosystem: str, parts: "Iterable[str]") -> "tuple[str, ...]":
    """Give what to look for among the parts: what was typed where that names any, else what it is called there.

    That are `osv-golang` and its like for `Go`, and `rhel-9` for `rhel:9.4`.
    """
    from hullmark.advisories._formats.osv import LIBRARY_ECOSYSTEMS
    from hullmark.advisories.matcher import cover
    from hullmark.model.facts import SYSTEM, Distribution

    here = tuple(parts)
    end = ecosystem.replace(":", "-").lower()
    if not end or any(f"-{end}-" in f"-{key}-" for key in here):
        return (ecosystem,)
    name, _, version = ecosystem.lower().partition(":")
    types = {known.lower(): purl_type for known, purl_type in LIBRARY_ECOSYSTEMS.items()}
    if name in types:
        return (types[name],)
    of_release = dict.fromkeys(
        part
        for system in sorted(SYSTEM)
        for part in cover(system, Distribution(name, version)).parts
        if part in here
    )
    return tuple(of_release) or (ecosystem,)


def _require(text: str, what: str, example: str) -> None:
    from hullmark.model.errors import UsageError

    if not text.strip():
        raise UsageError(f"{what} must be given", hint=example)


def _opened() -> "Database":
    from hullmark.advisories.database import Database
    from hullmark.cli.settings import database_folder
    from hullmark.model.errors import FeedError

    database = Database.open(database_folder())
    if not database.current.parts:
        raise FeedError(
            "there is no advisory database", where=str(database_folder()), hint="hullmark db update"
        )
    return database


def _verdict(what: str, *, known: bool) -> int:
    from hullmark.cli.terminal import error
    from hullmark.model.errors import ExitCode

    if not known:
        error("the database says nothing of it", where=what, hint="hullmark db status shows what is in it")
    return ExitCode.CLEAN if known else ExitCode.OVER_GATE


def _page(name: str, found: "list[Found]", notes: "list[Note]") -> list[str]:
    """Set what is known of a flaw for people."""
    from hullmark.advice.removal import REMOVE

    lines = []
    for each in found:
        advisory = each.advisory
        how = {"id": "", "alias": f", also {advisory.id}", "bundle": f", fixed by {advisory.id}"}[
            each.matched
        ]
        lines.append(
            f"{advisory.id if each.matched == 'id' else name}{how}  ({each.part} of {each.feed}, {each.built[:10]})"
        )
        if advisory.malicious:
            lines.append(f"    malicious, the package is itself the attack: {REMOVE}")
        text = advisory.title or advisory.details
        if text:
            lines.append(f"    {' '.join(text.split())[:200]}")
        for score in advisory.scores:
            number = f" {score.value:g}" if score.value is not None else ""
            lines.append(f"    {score.level.value}{number} by {score.source}  {score.vector}".rstrip())
        if advisory.aliases or advisory.fixes:
            lines.append(f"    {', '.join((*advisory.aliases, *advisory.fixes))}")
        lines += [f"    {_statement(said)}" for said in each.statements[:_LISTED]]
        if len(each.statements) > _LISTED:
            lines.append(f"    and {len(each.statements) - _LISTED} more statements")
    for note in notes:
        lines.append(_note(note))
    return lines


def _statement(said: "Said") -> str:
    """Say what an advisory says of a package in one line."""
    scope = " (source)" if said.scope == "source" else ""
    state = said.state.replace("_", " ")
    start = f"from {said.introduced} " if said.introduced else ""
    if said.versions:
        more = f" and {len(said.versions) - _LISTED} more" if len(said.versions) > _LISTED else ""
        span = f"in {', '.join(said.versions[:_LISTED])}{more}"
    elif said.fixed:
        span = f"{start}before {said.fixed}"
    elif said.last_affected:
        span = f"{start}up to {said.last_affected}"
    else:
        span = f"{start}without a fix" if said.state == "affected" else start.strip()
    level = "" if said.severity == "unknown" else said.severity.value
    extra = [level, said.module, *said.arches, *said.cpes[:2], *said.repositories[:2], said.note]
    words = ", ".join(word for word in extra if word)
    return f"{said.package}{scope} {state} {span}".rstrip() + (f"  [{words}]" if words else "")


def _note(note: "Note") -> str:
    from hullmark.model.advisory import CveRecord, Epss, KnownExploited

    if isinstance(note, Epss):
        return f"EPSS {note.probability:.1%}, above {note.percentile:.0%} of all ({note.date})"
    if isinstance(note, KnownExploited):
        return f"known to be exploited since {note.added} (CISA KEV)"
    if isinstance(note, CveRecord):
        said = [f"{score.level.value} by {score.source}" for score in note.scores] or ["no score"]
        if note.ssvc is not None:
            said.append(
                f"exploitation {note.ssvc.exploitation or 'unknown'}, automatable {note.ssvc.automatable or 'unknown'}, "
                f"technical impact {note.ssvc.technical_impact or 'unknown'} (CISA SSVC)"
            )
        return f"{'; '.join(said)}: {' '.join(note.details.split())[:200]}"
    return ""
