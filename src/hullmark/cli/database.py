"""`hullmark db`: build the advisory database and see what is in it."""

import os
from pathlib import Path
from typing import Annotated

from hullmark.cli.options import Option, Settings
from hullmark.cli.reading import Messages


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
        from hullmark.cli.settings import cache_folder, database_folder
        from hullmark.cli.terminal import configure, error, progress, warning
        from hullmark.model.errors import ExitCode, UsageError
        from hullmark.scan.cache import make_folder
        from hullmark.scan.run import moment

        configure(quiet=self.quiet, json_log=self.json_log)
        feeds_folder = Path(self.from_)
        if not feeds_folder.is_dir():
            raise UsageError("no such folder", where=str(feeds_folder), hint="hullmark db build --from DIR")
        known = {entry.name: entry for entry in feeds()}
        for name in self.feed:
            if name not in known:
                raise UsageError(f"there is no feed {name!r}", hint=f"there are {', '.join(known)}")
        chosen = [entry for name, entry in known.items() if not self.feed or name in self.feed]
        folder = database_folder()
        try:
            if folder.is_relative_to(cache_folder()):
                make_folder(cache_folder())
            folder.mkdir(exist_ok=True, parents=True)
        except OSError as problem:
            raise UsageError(
                f"cannot be made: {problem.strerror}",
                where=str(folder),
                hint="HULLMARK_DB_DIR names the folder",
            ) from problem
        with progress("documents") as show:
            result = build_parts(
                feeds_folder,
                folder,
                chosen,
                built=moment(self.as_of) if self.as_of or os.environ.get("SOURCE_DATE_EPOCH") else "",
                progress=lambda name, count: show(name, count, 0),
            )
        if not self.quiet:
            for key, info in sorted(result.parts.items()):
                same = " (unchanged)" if key in result.unchanged else ""
                write_line(f"{key:<24} {info.advisories or info.notes:>9} records{same}")
        say = error if self.fail_on_incomplete else warning
        for name, count in sorted(result.unread_counts.items()):
            first = result.unread[name]
            which = " ".join(part for part in (first.path, first.place) if part)
            records = "1 record" if count == 1 else f"{count} records"
            say(f"{records} could not be used; the first: {which}: {first.reason}", where=name)
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


class Status(Settings, frozen=True, kw_only=True):
    """Show each part: feed, records, statements, size, age and newest record."""

    def run(self) -> int:
        """Do it, and give the exit code."""
        import datetime as dt

        from hullmark.advisories.database import load_current
        from hullmark.cli.output import write_line
        from hullmark.cli.settings import database_folder
        from hullmark.cli.terminal import error
        from hullmark.model.errors import ExitCode
        from hullmark.scan.run import moment

        folder = database_folder()
        parts = load_current(folder).parts
        if not parts:
            error("there is no advisory database", where=str(folder), hint="hullmark db build --from DIR")
            return ExitCode.INCOMPLETE
        now = dt.datetime.fromisoformat(moment())
        write_line(
            f"{'part':<24} {'feed':<14} {'records':>9} {'statements':>10} {'MiB':>7} {'age':>9}  newest record"
        )
        for key, info in sorted(parts.items()):
            age = (now - dt.datetime.fromisoformat(info.built)).total_seconds() / 3600 if info.built else 0
            shown = f"{age:.0f} h" if age < 72 else f"{age / 24:.0f} d"
            size = info.size_bytes / 1024**2
            records = info.advisories or info.notes
            write_line(
                f"{key:<24} {info.feed:<14} {records:>9} {info.statements:>10} {size:>7.1f} {shown:>9}  {info.newest[:10]}"
            )
        total = sum(info.size_bytes for info in parts.values()) / 1024**2
        write_line(
            f"{len(parts)} parts, {sum(info.advisories for info in parts.values())} advisories, {total:.1f} MiB in {folder}"
        )
        return ExitCode.CLEAN
