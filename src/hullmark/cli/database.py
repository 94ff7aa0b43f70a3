"""`hullmark db`: build the advisory database and see what is in it."""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from hullmark.cli.feeding import (
    FETCH_TIMEOUT_S,
    MAX_AGE_H,
    CaCert,
    FetchTimeout,
    From,
    Insecure,
    Key,
    MaxAge,
    Mirror,
    NvdKey,
    Revision,
    asked_feeds,
)
from hullmark.cli.options import Option, Settings
from hullmark.cli.reading import Messages
from hullmark.cli.settings import made_folder

if TYPE_CHECKING:
    from hullmark.advisories.update import Outcome
    from hullmark.images.source import SourceOptions
    from hullmark.model.facts import Unread

    Saying = Callable[..., None]

_AT_A_TIME = 4
_PROCESSES = 4


class Build(Messages, frozen=True, kw_only=True):
    """Build the database from the publishers' files in a folder.

    Exit codes: 0 done, 2 usage, 3 a feed could not be used or there was none.
    """

    from_: Annotated[str, Option("Folder of feeds, laid out as on a mirror.")]
    feed: Annotated[tuple[str, ...], Option("Build only this feed; may be repeated.")] = ()
    as_of: Annotated[str, Option("The time of the content (RFC 3339); else the newest file's.")] = ""
    fail_on_incomplete: Annotated[bool, Option("Any record that could not be used ends with code 3.")] = False

    def run(self) -> int:
        """Do it, and give the exit code."""
        from hullmark.advisories.build import build as build_parts
        from hullmark.advisories.registry import feeds
        from hullmark.cli.output import write_line
        from hullmark.cli.terminal import configure, error, progress, warning
        from hullmark.model.errors import ExitCode, UsageError
        from hullmark.scan.moment import moment

        configure(quiet=self.quiet, json_log=self.json_log)
        feeds_folder = Path(self.from_)
        if not feeds_folder.is_dir():
            raise UsageError("no such folder", where=str(feeds_folder), hint="hullmark db build --from DIR")
        known = {entry.name: entry for entry in feeds()}
        _check_names(self.feed, known)
        chosen = [entry for name, entry in known.items() if not self.feed or name in self.feed]
        folder = made_folder()
        with progress("documents") as show:
            result = build_parts(
                feeds_folder,
                folder,
                chosen,
                built=moment(self.as_of) if self.as_of or os.environ.get("SOURCE_DATE_EPOCH") else "",
                progress=lambda name, count: show(name, count, 0),
                processes=min(os.cpu_count() or 1, _PROCESSES),
            )
        if not self.quiet:
            for key, info in sorted(result.parts.items()):
                same = " (unchanged)" if key in result.unchanged else ""
                write_line(f"{key:<24} {info.advisories or info.notes:>9} records{same}")
        say = error if self.fail_on_incomplete else warning
        for name, count in sorted(result.unread_counts.items()):
            _say_unread(say, name, count, result.unread[name])
        for name, reason in sorted(result.failed.items()):
            error(f"kept its last good content: {reason}", where=name)
        if not result.parts:
            error(
                "no file of a known feed is there",
                where=str(feeds_folder),
                hint="docs/reference/mirror.md has the layout",
            )
        incomplete = result.failed or not result.parts or (self.fail_on_incomplete and result.unread_counts)
        return ExitCode.INCOMPLETE if incomplete else ExitCode.CLEAN


class Update(Messages, frozen=True, kw_only=True):
    """Fetch what the publishers have changed.

    The parts of the database that it concerns are built anew, or changed where a publisher says what changed.

    Without --feed, --part or --all it refreshes what this machine has, and what a scan on it has ever wanted.

    Exit codes: 0 done, 2 usage, 3 a feed could not be updated and keeps its last good content.
    """

    feed: Annotated[tuple[str, ...], Option("Update all of this feed; may be repeated.")] = ()
    part: Annotated[tuple[str, ...], Option("Update this part, like debian-12; may be repeated.")] = ()
    all: Annotated[bool, Option("Update every part of every feed.")] = False
    from_: Annotated[
        str,
        Option(
            "Take parts from a published database alone: oci://HOST/REPOSITORY:TAG or https://HOST/FOLDER.",
            filled=True,
        ),
    ] = ""
    whole: Annotated[bool, Option("Fetch whole archives where just the changes would do.")] = False
    accept_loss: Annotated[bool, Option("Take content that lost more than a tenth of its records.")] = False
    insecure: Insecure = ()
    cacert: CaCert = ""
    db_from: From = ""
    db_key: Key = ""
    db_revision: Revision = ""
    db_mirror: Mirror = ""
    db_nvd_key: NvdKey = ""
    db_max_age: MaxAge = MAX_AGE_H
    db_fetch_timeout: FetchTimeout = FETCH_TIMEOUT_S

    def run(self) -> int:
        """Do it, and give the exit code."""
        from concurrent.futures import ThreadPoolExecutor, as_completed

        from hullmark.advisories.registry import feeds
        from hullmark.advisories.update import Settings as UpdateSettings
        from hullmark.advisories.update import everything, met, update, wanted
        from hullmark.cli.output import flush, write_line
        from hullmark.cli.terminal import configure, error, progress
        from hullmark.images.source import SourceOptions
        from hullmark.model.errors import ExitCode, UsageError

        configure(quiet=self.quiet, json_log=self.json_log)
        settings = UpdateSettings(
            options=SourceOptions(insecure=self.insecure, cacert=self.cacert),
            mirror=asked_feeds(self).mirror,
            keys={"nvd": self.db_nvd_key},
            whole=self.whole,
            accept_loss=self.accept_loss,
        )
        if address := self.from_ or self.db_from:
            return self._pull(address, settings.options)
        known = {entry.name: entry for entry in feeds()}
        _check_names(self.feed, known)
        for part in self.part:
            if not wanted([part]):
                raise UsageError(f"no feed has a part {part!r}", hint="docs/reference/mirror.md lists them")
        folder = made_folder()
        if self.all:
            groups = everything()
        elif self.feed or self.part:
            groups = everything(known[name] for name in self.feed)
            groups += [each for each in wanted(self.part) if each not in groups]
        else:
            groups = wanted(sorted(met(folder)))
        if not groups:
            error(
                "nothing was wanted on this machine yet",
                where=str(folder),
                hint="hullmark db update --all, or --feed and --part",
            )
            return ExitCode.INCOMPLETE
        failed, absent = False, {}
        asked = [wanted([part]) for part in self.part] + [everything([known[name]]) for name in self.feed]
        with progress() as show, ThreadPoolExecutor(_AT_A_TIME) as pool:
            for done in as_completed(pool.submit(update, folder, each, settings, show) for each in groups):
                outcome = done.result()
                if outcome.state == "absent":
                    absent[outcome.group] = outcome
                    continue
                failed = _say_outcome(outcome) or failed
                if not self.quiet and outcome.state != "failed":
                    write_line(f"{outcome.group:<24} {outcome.state:<10} {' '.join(outcome.parts)}".rstrip())
                    flush()  # somebody may watch it in a log
        lacking = _say_absent(absent, [{each.name for each in some} for some in asked or [groups]])
        return ExitCode.INCOMPLETE if failed or lacking else ExitCode.CLEAN

    def _pull(self, address: str, options: "SourceOptions") -> int:
        """Take what this machine needs, or what is named, from a published database."""
        from hullmark.advisories.update import met
        from hullmark.cli.publishing import pulled, say_pulled
        from hullmark.model.errors import ExitCode, UsageError

        if self.feed or self.whole:
            raise UsageError("a published database has parts, not feeds", hint="--part PART")
        parts = None if self.all else list(self.part) or sorted(met(made_folder())) or None
        found = pulled(address, options, parts, self.db_key, self.db_revision)
        say_pulled(found, quiet=self.quiet)
        return ExitCode.INCOMPLETE if set(self.part) & set(found.absent) else ExitCode.CLEAN


def _say_outcome(outcome: "Outcome") -> bool:
    """Say what went wrong with a group of parts; tell whether something is not up to date for it."""
    from hullmark.cli.terminal import error, warning

    if outcome.unread and outcome.first_unread is not None:
        _say_unread(warning, outcome.group, outcome.unread, outcome.first_unread)
    for key, reason in sorted(outcome.kept.items()):
        error(
            f"kept its last good content: {reason}", where=key, hint="--accept-loss takes what lost so much"
        )
    if outcome.state == "failed":
        stays = ", its last good content stays" if outcome.parts else ""
        error(
            f"not updated{stays}: {outcome.reason}",
            where=outcome.group,
            hint=outcome.hint or "try again later",
        )
    return bool(outcome.kept) or outcome.state == "failed"


def _say_absent(absent: "Mapping[str, Outcome]", asked: Sequence[set[str]]) -> bool:
    """Say what a mirror does not have: its owner wants it so, unless nothing is there of something that was asked for."""
    from hullmark.cli.terminal import error, warning

    lacking = [names for names in asked if names <= absent.keys()]
    for names in lacking:
        first = absent[min(names)]
        error(f"not on the mirror: {first.reason}", where=_listed(names), hint=first.hint)
    if others := absent.keys() - set().union(*lacking):
        warning("not on the mirror", where=_listed(others))
    return bool(lacking)


def _listed(names: Collection[str], most: int = 5) -> str:
    """List some names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(sorted(names)[:most]) + more


def _say_unread(say: "Saying", where: str, count: int, first: "Unread") -> None:
    which = " ".join(part for part in (first.path, first.place) if part)
    records = "1 record" if count == 1 else f"{count} records"
    say(f"{records} could not be used; the first: {which}: {first.reason}", where=where)


def _check_names(names: Sequence[str], known: Mapping[str, object]) -> None:
    from hullmark.model.errors import UsageError

    for name in names:
        if name not in known:
            raise UsageError(f"there is no feed {name!r}", hint=f"there are {', '.join(known)}")


class Status(Settings, frozen=True, kw_only=True):
    """Show parts: feed, records, statements, size, age, newest record, revision."""

    db_max_age: MaxAge = MAX_AGE_H

    def run(self) -> int:
        """Do it, and give the exit code."""
        import datetime as dt

        from hullmark.advisories.database import age_s, load_current
        from hullmark.cli.output import write_line
        from hullmark.cli.settings import database_folder
        from hullmark.cli.terminal import error, warning
        from hullmark.model.errors import ExitCode
        from hullmark.scan.moment import moment

        folder = database_folder()
        parts = load_current(folder).parts
        if not parts:
            error("there is no advisory database", where=str(folder), hint="hullmark db update")
            return ExitCode.INCOMPLETE
        now = dt.datetime.fromisoformat(moment()).timestamp()
        write_line(
            f"{'part':<24} {'feed':<14} {'records':>9} {'statements':>10} {'MiB':>7} {'age':>9}  newest record  revision"
        )
        stale = []
        for key, info in sorted(parts.items()):
            age = age_s(info, now) / 3600 if info.checked or info.built else 0
            shown = f"{age:.0f} h" if age < 72 else f"{age / 24:.0f} d"
            size = info.size_bytes / 1024**2
            records = info.advisories or info.notes
            if age > self.db_max_age:
                stale.append(key)
            write_line(
                f"{key:<24} {info.feed:<14} {records:>9} {info.statements:>10} {size:>7.1f} {shown:>9}  {info.newest[:10]:<13}  {info.lineage}.{info.n}"
            )
        shared = {info.records: info.records_bytes for info in parts.values()}
        total = (sum(info.size_bytes for info in parts.values()) + sum(shared.values())) / 1024**2
        write_line(
            f"{len(parts)} parts, {sum(info.advisories for info in parts.values())} advisories, {total:.1f} MiB with their texts in {folder}"
        )
        if stale:
            warning(
                f"nobody has asked for {self.db_max_age:g} h or longer whether they are still right",
                where=", ".join(stale),
                hint="hullmark db update",
            )
        return ExitCode.CLEAN
