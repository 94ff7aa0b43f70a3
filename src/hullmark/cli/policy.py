"""`hullmark policy`: what policies decide, whether they work, and which come with Hullmark."""

from typing import TYPE_CHECKING, Annotated

from hullmark.cli.judging import Opa, PolicyContext, PolicyOnError, PolicyWords, asked_policies
from hullmark.cli.options import Option, Settings
from hullmark.cli.reading import Messages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hullmark.model.decision import Decision
    from hullmark.model.report import Report, ReportSet

_FORMATS = ("table", "json")
_Paths = Annotated[
    tuple[str, ...],
    Option("Packs by name, folders, files, bundles.", name="POLICY", positional=True),
]


class Eval(Messages, frozen=True, kw_only=True):
    """Say what policies decide on stored reports.

    Nothing is scanned, so that a changed policy is put to any number of them at once.

    Exit codes: 0 all are allowed or warned of, 1 one is denied, 2 usage.
    """

    reports: Annotated[
        tuple[str, ...],
        Option("Stored reports: what --format json wrote.", name="REPORT", positional=True),
    ]
    policy: PolicyWords = ()
    opa: Opa = ""
    policy_on_error: PolicyOnError = ""
    context: PolicyContext = ()
    show_input: Annotated[bool, Option("Write the input that a policy is given, and evaluate nothing.")] = (
        False
    )
    format: Annotated[str, Option("table or json.")] = "table"

    def run(self) -> int:
        """Do it, and give the exit code."""
        from hullmark.cli.terminal import configure
        from hullmark.findings.issues import subject
        from hullmark.model.errors import ExitCode, UsageError

        configure(quiet=self.quiet, json_log=self.json_log)
        _known(self.format)
        if self.show_input:
            return self._show_input()
        policies = asked_policies(self)
        if policies is None:
            raise UsageError("no policy is named", hint="--policy production")
        names = []
        decisions = []
        for report in self._reports():  # one after the other: a fleet's do not all fit
            names.append(subject(report))
            decisions.append(policies.decide(report))
        _write_decisions(names, decisions, self.format)
        return ExitCode.OVER_GATE if any(each.verdict == "deny" for each in decisions) else ExitCode.CLEAN

    def _reports(self) -> "Iterator[Report]":
        from hullmark.model.report import Report
        from hullmark.scan.stored import read_report

        for name in self.reports:
            whole: Report | ReportSet = read_report(name)
            yield from [whole] if isinstance(whole, Report) else whole.reports

    def _show_input(self) -> int:
        import msgspec

        from hullmark.cli.judging import asked_context
        from hullmark.cli.output import write
        from hullmark.model.errors import ExitCode, UsageError
        from hullmark.policy.document import context_of, document

        reports = list(self._reports())
        if len(reports) != 1:
            raise UsageError("an input is of one image, and these are several", where=", ".join(self.reports))
        made = document(reports[0], context_of(reports[0], asked_context(self.context)))
        write(msgspec.json.format(made, indent=2) + b"\n", "")
        return ExitCode.CLEAN


class Test(Messages, frozen=True, kw_only=True):
    """Run the tests of policies, as opa test does.

    They are the rules test_… in files _test.rego. One passes where its rule is true; todo_… are counted and not run.

    Exit codes: 0 all passed, 1 one failed, 2 usage, or there is no test.
    """

    paths: _Paths
    verbose: Annotated[bool, Option("Name also what passed.")] = False

    def run(self) -> int:
        """Do it, and give the exit code."""
        from hullmark.cli.output import write_line
        from hullmark.cli.terminal import configure
        from hullmark.model.errors import ExitCode, UsageError
        from hullmark.policy.testing import run_tests

        configure(quiet=self.quiet, json_log=self.json_log)
        outcomes = run_tests(self.paths)
        if not outcomes:
            raise UsageError(
                "there is no test", where=" ".join(self.paths), hint="rules test_… in files _test.rego"
            )
        for each in outcomes:
            if self.verbose or each.state != "PASS":
                write_line(f"{each.name}: {each.state}{f': {each.said}' if each.said else ''}")
        number = {
            state: sum(each.state == state for each in outcomes)
            for state in ("PASS", "FAIL", "ERROR", "SKIPPED")
        }
        write_line(", ".join(f"{state}: {count}/{len(outcomes)}" for state, count in number.items() if count))
        return ExitCode.OVER_GATE if number["FAIL"] or number["ERROR"] else ExitCode.CLEAN


class Check(Messages, frozen=True, kw_only=True):
    """Say whether policies can be used.

    That is syntax, functions, and that the input has the fields that they name.

    Exit codes: 0 they can, 2 they cannot.
    """

    paths: _Paths

    def run(self) -> int:
        """Do it, and give the exit code."""
        from hullmark.cli.output import write_line
        from hullmark.cli.terminal import configure
        from hullmark.model.errors import ExitCode
        from hullmark.policy.catalogue import LIBRARY
        from hullmark.policy.deciding import loaded
        from hullmark.policy.engine import DECIDING
        from hullmark.policy.source import read

        configure(quiet=self.quiet, json_log=self.json_log)
        _, rules = loaded(read(self.paths, tests=True))
        for package, names in rules.items():
            is_library = package.rpartition(".")[2] == LIBRARY
            asked = [name for name in names if name in DECIDING and not is_library]
            write_line(f"{package}: {', '.join(asked) or 'nothing that decides'}")
        return ExitCode.CLEAN


class List(Settings, frozen=True, kw_only=True):
    """List the packs that come with Hullmark, and what each makes of each rule.

    Exit codes: 0 done, 2 usage.
    """

    format: Annotated[str, Option("table or json.")] = "table"

    def run(self) -> int:
        """Do it, and give the exit code."""
        import msgspec

        from hullmark.cli.output import look, write
        from hullmark.model.errors import ExitCode
        from hullmark.policy.catalogue import about, names, rules, settings
        from hullmark.reports._terminal import BOLD, Text

        _known(self.format)
        packs = {name: settings(name) for name in names()}
        if self.format == "json":
            made = {name: {"about": about(name), "rules": rules_of} for name, rules_of in packs.items()}
            write(msgspec.json.format(msgspec.json.encode(made), indent=2) + b"\n", "")
            return ExitCode.CLEAN
        text = Text(look(""))

        def lines() -> "Iterator[str]":
            yield from (f"{text.paint(f'{name:<12}', BOLD)}  {about(name)}" for name in packs)
            yield ""
            head = ("RULE", *packs, "WHAT")
            rows = [
                (name, *(str(packs[pack][name]["level"]) for pack in packs), rule.title)
                for name, rule in rules().items()
            ]
            bounds = (24, *(12 for _ in packs))
            for number, cells in enumerate(text.aligned([head, *rows], bounds, indent=0, whole=True)):
                yield text.paint("  ".join(cells).rstrip(), "" if number else BOLD)

        write(text.encoded(lines()), "")
        return ExitCode.CLEAN


class Explain(Settings, frozen=True, kw_only=True):
    """Show all there is of a policy's rule.

    That is why, what to do, its settings in each pack, and its controls.

    Exit codes: 0 done, 2 usage, or there is no such rule.
    """

    rule: Annotated[str, Option("A rule, as in the reason of a decision.", name="RULE", positional=True)]

    def run(self) -> int:
        """Do it, and give the exit code."""
        from hullmark.cli.output import look, write
        from hullmark.model.errors import ExitCode, UsageError
        from hullmark.policy.catalogue import names, rules, settings
        from hullmark.reports._terminal import BOLD, Text

        rule = rules().get(self.rule)
        if rule is None:
            raise UsageError(f"there is no rule {self.rule[:80]!r}", hint="hullmark policy list shows them")
        text = Text(look(""))

        def lines() -> "Iterator[str]":
            yield f"{text.paint(self.rule, BOLD)}: {rule.title}"
            yield ""
            yield f"  Why         {rule.why}"
            yield f"  What to do  {rule.fix}"
            yield f"  Controls    {', '.join(rule.controls)}"
            for pack in names():
                found = settings(pack)[self.rule]
                others = ", ".join(f"{key} {_said(value)}" for key, value in found.items() if key != "level")
                of_level = f": {others}" if others and found["level"] != "off" else ""
                yield f"  {pack:<12}{found['level']}{of_level}"
            if rule.settings:
                yield ""
                yield "Settings, in a JSON or YAML file beside your policies:"
            for key, meaning in rule.settings.items():
                yield f"  hullmark.settings.PACK.{self.rule}.{key}: {meaning}"
            yield ""
            yield f"  hullmark.settings.PACK.{self.rule}.level is off, warn or deny; the PACK every stands for all."

        write(text.encoded(lines()), "")
        return ExitCode.CLEAN


class Build(Messages, frozen=True, kw_only=True):
    """Write policies as a bundle for an OPA server.

    opa run --server -b FILE takes it.

    Exit codes: 0 done, 2 usage.
    """

    paths: _Paths
    output: Annotated[str, Option("File to write (.tar.gz).", filled=True)] = "bundle.tar.gz"

    def run(self) -> int:
        """Do it, and give the exit code."""
        from hullmark.cli.output import write
        from hullmark.cli.terminal import configure
        from hullmark.model.errors import ExitCode
        from hullmark.policy.deciding import loaded
        from hullmark.policy.source import bundled, read

        configure(quiet=self.quiet, json_log=self.json_log)
        bundle = read(self.paths)
        loaded(bundle)
        write(bundled(bundle), self.output)
        return ExitCode.CLEAN


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{key} {each}" for key, each in value.items())
    return str(value)


def _known(form: str) -> None:
    from hullmark.model.errors import UsageError

    if form not in _FORMATS:
        raise UsageError(f"--format does not know {form!r}", hint=f"it knows {', '.join(_FORMATS)}")


def _write_decisions(names: "list[str]", decisions: "list[Decision]", form: str) -> None:
    import msgspec

    from hullmark.cli.output import look, write
    from hullmark.reports._terminal import Text
    from hullmark.reports.table import decision_lines

    if form == "json":
        made = msgspec.json.encode(decisions[0] if len(decisions) == 1 else decisions)
        write(msgspec.json.format(made, indent=2) + b"\n", "")
        return
    dressed = look("")
    text = Text(dressed)

    def lines() -> "Iterator[str]":
        for number, (name, decision) in enumerate(zip(names, decisions, strict=True)):
            if len(decisions) > 1:
                yield from [""] * bool(number)
                yield text.plain(name)
            yield from decision_lines(decision, dressed)

    write(text.encoded(lines()), "")
