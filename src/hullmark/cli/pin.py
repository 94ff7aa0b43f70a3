"""`hullmark pin`: how firmly files name their images, and the digests that make them stay."""

import sys
from typing import TYPE_CHECKING, Annotated

from hullmark.cli.feeding import CaCert, Insecure
from hullmark.cli.judging import Formats, Outputs, formats_said
from hullmark.cli.options import Option
from hullmark.cli.reading import Messages
from hullmark.cli.terminal import configure, error, warning
from hullmark.model.errors import ExitCode, HullmarkError, UsageError

if TYPE_CHECKING:
    from hullmark.model.facts import Unread
    from hullmark.scan.pin_report import Checked
    from hullmark.scan.pinning import Plan, Seen
    from hullmark.scan.resolving import Resolver

_SILENCE_S = 15.0
_NOTES_SHOWN = 50


class Pin(Messages, frozen=True, kw_only=True):
    """Say how firmly files name their images, and write the digests.

    Dockerfiles, Kubernetes manifests and what Helm writes, Helm's values, Kustomize, Compose, CI files, devcontainer.json, Tekton. Folders are walked. Without
    --check each image becomes name:tag@sha256:… in place, by the digest that its registry gives for the tag; all else in the file stays. - is
    standard input, and the result then standard output.

    Exit codes: 0 done, 1 below what is required, 2 usage, 3 something could not be resolved, the others are done.
    """

    paths: Annotated[tuple[str, ...], Option("Files and folders.", name="PATH", positional=True)] = ()
    check: Annotated[bool, Option("Write nothing; list what is below --require, and end with code 1.")] = (
        False
    )
    require: Annotated[str, Option("What --check asks for: dated or digest.")] = "dated"
    diff: Annotated[bool, Option("Write nothing; show what would change as a unified diff.")] = False
    update: Annotated[bool, Option("Move old digests to what their tags point to now.")] = False
    offline: Annotated[bool, Option("Ask no registry.")] = False
    formats: Formats = ("table",)
    insecure: Insecure = ()
    cacert: CaCert = ""
    fail_on_incomplete: Annotated[
        bool, Option("Any file or reference that --check could not judge ends with code 3.")
    ] = False

    @property
    def template(self) -> str:
        """No template."""
        return ""

    @property
    def show_suppressed(self) -> bool:
        """What comments leave out is counted, not listed."""
        return False

    def run(self) -> int:
        """Do it, and give the exit code."""
        configure(quiet=self.quiet, json_log=self.json_log)
        self._refuse()
        from hullmark.images.source import SourceOptions
        from hullmark.scan.pinning import STDIN, find
        from hullmark.scan.project import MAX_BYTES
        from hullmark.scan.resolving import Resolver

        body = sys.stdin.buffer.read(MAX_BYTES + 1) if STDIN in self.paths else b""
        options = SourceOptions(insecure=self.insecure, cacert=self.cacert, silence_s=_SILENCE_S)
        resolver = Resolver(options, offline=self.offline)
        try:
            seen, unread = find(self.paths, body)
            if self.check:
                return self._check(seen, unread, resolver)
            return self._pin(seen, unread, resolver)
        finally:
            resolver.close()

    @classmethod
    def epilogue(cls) -> str:
        """Give the formats of --check."""
        return formats_said()

    def _refuse(self) -> None:
        if not self.paths:
            raise UsageError("no file or folder is named", hint="hullmark pin --check .")
        if self.require not in {"dated", "digest"}:
            raise UsageError(f"--require does not know {self.require!r}", hint="it knows dated, digest")
        if self.check and (self.diff or self.update):
            raise UsageError("--check writes nothing, so there is nothing to --diff or --update")
        if not self.check and self.formats != ("table",):
            raise UsageError("--format is for --check")

    def _check(self, seen: "list[Seen]", unread: "list[Unread]", resolver: "Resolver") -> int:
        from hullmark.advice.pinning import Level
        from hullmark.cli.output import replacing
        from hullmark.cli.settings import cache_folder
        from hullmark.scan.cache import FactCache
        from hullmark.scan.moment import moment
        from hullmark.scan.pin_report import check

        outputs = Outputs(self)
        with replacing(outputs.targets):
            cache = FactCache(cache_folder())
            asked = None if self.offline else resolver
            found = check(seen, unread, Level(self.require), asked, cache, moment())
            if self.formats == ("table",):
                _show(found)
            else:
                outputs.write(found.report)
        _notes(found.report.errors)
        if found.is_below:
            return ExitCode.OVER_GATE
        return ExitCode.INCOMPLETE if self.fail_on_incomplete and found.report.errors else ExitCode.CLEAN

    def _pin(self, seen: "list[Seen]", unread: "list[Unread]", resolver: "Resolver") -> int:
        from hullmark.scan.pinning import STDIN, plan, to_resolve, write

        resolver.ask(to_resolve(seen, update=self.update))
        plans, failures = plan(seen, resolver.digest, update=self.update)
        for failure in failures:
            error(failure.what, where=failure.where, hint=failure.hint)
        failed = bool(failures or unread)
        for one in plans:
            if self.diff:
                _show_diff(one)
                continue
            if one.file.path == STDIN:
                continue
            try:
                write(one)
            except HullmarkError as problem:
                error(problem.what, where=problem.where, hint=problem.hint)
                failed = True
            else:
                self._say(one)
        if not self.diff and STDIN in self.paths:
            self._pass_on(seen, plans)
        _notes(unread)
        return ExitCode.INCOMPLETE if failed else ExitCode.CLEAN

    def _pass_on(self, seen: "list[Seen]", plans: "list[Plan]") -> None:
        """Write what came on standard input, pinned, to standard output."""
        from hullmark.cli.output import write
        from hullmark.scan.pinning import STDIN

        texts = {one.file.path: one.file.text for one in seen} | {one.file.path: one.text for one in plans}
        if STDIN in texts:
            write(texts[STDIN].encode(), "")

    def _say(self, plan: "Plan") -> None:
        from hullmark.cli.output import write_line

        if not self.quiet and "-" not in self.paths:
            for change in plan.changes:
                write_line(f"{change.where}: {change.before} → {change.after}")


def _show_diff(plan: "Plan") -> None:
    from hullmark.cli.output import write
    from hullmark.model.printable import printable
    from hullmark.scan.pinning import unified_diff

    for line in unified_diff(plan):
        shown = printable(line[:-1].replace("\t", "    ")) + "\n" if sys.stdout.isatty() else line
        write(shown.encode("utf-8", "backslashreplace"), "")


def _show(found: "Checked") -> None:
    from hullmark.cli.output import write_line

    levels = {
        (file.path, reference.span.line, reference.span.column): level
        for file, reference, level in found.levels
    }
    for each in found.report.config:
        level = levels.get((each.file, each.line, each.column), "") or "broken"
        write_line(f"{each.file}:{each.line}:{each.column}: {level}: {each.message} [{each.rule}]")
        write_line(f"  → {each.advice}")
    counts = dict.fromkeys(("mutable", "dated", "digest", ""), 0)
    for _, _, level in found.levels:
        counts[level] += 1
    said = [f"{count} {name or 'broken or unknown'}" for name, count in counts.items() if count]
    number = len(found.levels)
    write_line(
        f"{number} reference{'' if number == 1 else 's'}: {', '.join(said)}" if said else "no image is named"
    )
    if found.report.silenced:
        write_line(f"{len(found.report.silenced)} not shown: left out by comments")


def _notes(unread: "tuple[Unread, ...] | list[Unread]") -> None:
    for note in unread[:_NOTES_SHOWN]:
        warning(note.reason, where=f"{note.path}: {note.place}" if note.place else note.path)
    if len(unread) > _NOTES_SHOWN:
        warning(f"{len(unread) - _NOTES_SHOWN} more could not be read or judged")
