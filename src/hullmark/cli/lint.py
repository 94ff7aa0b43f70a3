"""`hullmark lint`: what is wrong in Dockerfiles, and mends it where that is safe."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from hullmark.cli.judging import (
    BaselineFile,
    FailOn,
    Formats,
    NewSince,
    Outputs,
    SecretConfigs,
    SecretsKey,
    Template,
    asked_baseline,
    asked_secret_config,
    parted,
    verdict,
)
from hullmark.cli.options import Option
from hullmark.cli.output import replacing
from hullmark.cli.reading import Messages
from hullmark.cli.settings import cache_folder
from hullmark.cli.since import stored_since
from hullmark.cli.terminal import configure, note, warning
from hullmark.model.errors import UsageError

if TYPE_CHECKING:
    from hullmark.detectors.config.hadolint_yaml import HadolintConfig

_MAX_INPUT = 4 * 1024 * 1024


class Lint(Messages, frozen=True, kw_only=True):
    """Say what is wrong in Dockerfiles, and mend what can be.

    What an attacker could use is told, and with --rules pedantic what else is not well made.
    Comments (# hadolint ignore=, #trivy:ignore:, # hullmark ignore=) and .hadolint.yaml count as they are.

    Exit codes: 0 clean, 1 at or over --fail-on, 2 usage, 3 a file could not be read.
    """

    paths: Annotated[
        tuple[str, ...],
        Option("Dockerfiles, folders of them, or - for standard input.", name="PATH", positional=True),
    ] = ()
    rules: Annotated[
        tuple[str, ...],
        Option("pedantic, or a rule by any of its names; may be repeated or comma-separated."),
    ] = ()
    ignore: Annotated[
        tuple[str, ...], Option("A rule that is not asked for, by any of its names; may be repeated.")
    ] = ()
    hadolint_config: Annotated[
        str, Option("Hadolint's own file; else .hadolint.yaml in this folder. none reads none.", filled=True)
    ] = ""
    context: Annotated[
        str,
        Option(
            "The build context of the one Dockerfile: says which private files it copies, after .dockerignore.",
            filled=True,
        ),
    ] = ""
    fix: Annotated[bool, Option("Mend what can be mended without changing what is built.")] = False
    secrets_key: SecretsKey = ""
    secret_config: SecretConfigs = ()
    baseline: BaselineFile = ""
    new_since: NewSince = ""
    as_of: Annotated[
        str, Option("The time that the result is made for (RFC 3339); else SOURCE_DATE_EPOCH or now.")
    ] = ""
    formats: Formats = ("table",)
    template: Template = ""
    fail_on: FailOn = ""

    @property
    def show_suppressed(self) -> bool:
        """What comments silence is counted, not listed."""
        return False

    def run(self) -> int:
        """Do it, and give the exit code."""
        configure(quiet=self.quiet, json_log=self.json_log)
        from hullmark.findings.narrowing import Narrowing, narrowed
        from hullmark.scan.cache import FactCache
        from hullmark.scan.gate import parse_gate
        from hullmark.scan.linting import LintRequest, gated, run
        from hullmark.scan.moment import moment
        from hullmark.scan.searching import Searcher

        if not self.paths:
            raise UsageError("no file is named", hint="hullmark lint Dockerfile, or hullmark lint .")
        outputs = Outputs(self)
        hadolint = self._hadolint()
        gate = parse_gate(self.fail_on or _threshold(hadolint))
        cache = FactCache(cache_folder())
        request = LintRequest(
            paths=self.paths,
            as_of=moment(self.as_of),
            rules=parted(self.rules),
            ignored=parted(self.ignore),
            hadolint=hadolint,
            fix=self.fix,
            known=tuple(cache.known_images()),
            context=self.context,
        )
        key = Path(self.secrets_key) if self.secrets_key else None
        searcher = Searcher(cache, key, asked_secret_config(self.secret_config))
        with replacing(outputs.targets):
            linted = run(request, searcher, lambda: sys.stdin.buffer.read(_MAX_INPUT + 1))
            for name, count in linted.mended.items():
                note(f"{count} problem{'s' if count > 1 else ''} mended", where=name)
            before = stored_since(self.new_since) if self.new_since else None
            known = before.known if before is not None else None
            report = narrowed(linted.report, Narrowing(baseline=asked_baseline(self.baseline), known=known))
            if before is not None:
                before.warn([report])
            outputs.write(report)
        code = verdict([gated(report)], gate, (), strict=True, unused=False)
        code = before.code(code, strict=True) if before is not None else code
        return 0 if hadolint is not None and hadolint.never_fails and code == 1 and not self.fail_on else code

    def _hadolint(self) -> "HadolintConfig | None":
        if self.hadolint_config == "none":
            return None
        from hullmark.cli.judging import read_file
        from hullmark.detectors.config.hadolint_yaml import read
        from hullmark.scan.linting import HADOLINT_FILES

        found = (
            [self.hadolint_config]
            if self.hadolint_config
            else [name for name in HADOLINT_FILES if Path(name).is_file()]
        )
        if not found:
            return None
        config = read(read_file(found[0]), found[0])
        if config.strange:
            warning(f"means nothing here: {', '.join(config.strange)}", where=found[0])
        return config


def _threshold(hadolint: "HadolintConfig | None") -> str:
    return str(hadolint.threshold) if hadolint is not None and hadolint.threshold is not None else "medium"
