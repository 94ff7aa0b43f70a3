"""A report by one's own template. Language: Jinja2, https://jinja.palletsprojects.com/templates/; names: docs/howto/own-template.md.

A template may be somebody else's and the report's words always are: it sees the report and nothing else (Jinja2's sandbox, no other
file), and it is rendered in a process of its own whose memory and processor time end. What is counted in Jinja2's own hooks could be
had around by a filter, a method or a nesting that nobody thought of; a process that has no more memory cannot take any.
"""

import contextlib
import json
import os
import re
import resource
import signal
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import msgspec

from hullmark import __version__
from hullmark.model.advisory import SEVERITY_RANK
from hullmark.model.errors import UsageError
from hullmark.model.look import Look
from hullmark.model.printable import printable
from hullmark.model.report import Finding, Misconfiguration, Report, ReportSet, SecretFinding, Tool
from hullmark.model.words import sentence
from hullmark.processes import end, forked
from hullmark.reports import failures_of, reports_of

MAX_TEMPLATE = 1 << 20
MAX_OUTPUT = 64 << 20
MAX_MEMORY = 512 << 20
MAX_CPU_S = 10
_TOO_LONG = f"it takes more than {MAX_CPU_S} s of processor time"
_MAX_BITS = 4096
_MAX_WORDS = 500
_MADE, _FAILED = b"\0", b"\1"
_SUFFIXES = (".j2", ".jinja", ".tmpl")
_ESCAPED = (".html", ".htm", ".xml", ".svg")
_BREAK = re.compile(r"([\t\r\n])")


def render(report: Report | ReportSet, look: Look) -> bytes:
    """Fill in `look.template`. Raises `UsageError` with file and line for what is wrong in it, or takes too much."""
    name = look.template_name or "template"
    if len(look.template) > MAX_TEMPLATE:
        raise UsageError(f"longer than {MAX_TEMPLATE >> 20} MiB", where=name, hint="is it a template?")
    _environment(name)  # imports Jinja2 here, once for all processes
    body, signalled = _told_by(lambda: _outcome(report, look, name))
    if body[:1] == _MADE:
        return body[1:]
    if body[:1] == _FAILED:
        line, what = msgspec.json.decode(body[1:], type=tuple[int, str])
        raise UsageError(what, where=f"{name}:{line}" if line else name)
    if signalled in {signal.SIGXCPU, signal.SIGKILL}:
        raise UsageError(_TOO_LONG, where=name)
    raise UsageError(f"it could not be filled in: its process ended by signal {signalled}", where=name)


def _told_by(work: Callable[[], bytes]) -> tuple[bytes, int]:
    """Do some work in a process of its own; give what it answers, and the signal that ended it (0 for none)."""
    source, target = os.pipe()

    def answer() -> None:
        with os.fdopen(target, "wb") as pipe:
            pipe.write(work())

    child = forked(answer)
    os.close(target)
    try:
        with os.fdopen(source, "rb") as pipe:
            body = pipe.read()
        _, status = os.waitpid(child, 0)
    except BaseException:
        end(child)
        raise
    return body, os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def _bound() -> None:
    """Bound this process, and have it told when its time is up; who does not listen, in a long native call, is ended."""
    signal.signal(signal.SIGXCPU, _stop)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_CPU, MAX_CPU_S, MAX_CPU_S + 2)
    with contextlib.suppress(OSError):  # a system without /proc bounds no address space either
        held = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
        _lower(resource.RLIMIT_AS, held + MAX_MEMORY)


def _lower(limit: int, wanted: int, most: int | None = None) -> None:
    """Set a limit, and the one that nobody may exceed, unless there are lower ones already."""
    known = [bound for bound in resource.getrlimit(limit) if bound != resource.RLIM_INFINITY]
    resource.setrlimit(limit, (min([wanted, *known]), min([wanted if most is None else most, *known])))


class _TimeIsUpError(BaseException):
    """No `Exception`, so that nothing in Jinja2 takes it for a value that is not constant."""


class _TooLargeError(Exception):
    def __init__(self, lineno: int) -> None:
        super().__init__()
        self.lineno = lineno


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise _TimeIsUpError


def _outcome(report: Report | ReportSet, look: Look, name: str) -> bytes:
    """Give what the template makes of the report, or where and why it does not."""
    try:
        _bound()
        return _MADE + _rendered(report, look, name)
    except (Exception, _TimeIsUpError) as problem:  # noqa: BLE001  # a template may do anything
        line = getattr(problem, "lineno", None) if not isinstance(problem, SyntaxError) else None
        found = (_line(problem.__traceback__) or line or 0, _what(problem))
        return _FAILED + msgspec.json.encode(found)


def _rendered(report: Report | ReportSet, look: Look, name: str) -> bytes:
    template = _environment(name).from_string(look.template)
    made = bytearray()
    # Not `generate()`: it rewrites tracebacks, and the line is needed.
    pieces = template.root_render_func(template.new_context(_names(report, look)))
    for piece in pieces:
        made += piece.encode("utf-8", "backslashreplace")
        if len(made) > MAX_OUTPUT:
            raise _TooLargeError(template.get_corresponding_lineno(pieces.gi_frame.f_lineno))
    return bytes(made)


def _names(report: Report | ReportSet, look: Look) -> dict[str, Any]:
    from jinja2 import StrictUndefined

    reports = reports_of(report)
    several = StrictUndefined(f"there is no `report`: these are {len(reports)} images, in `reports`")
    return {
        "report": reports[0] if len(reports) == 1 else several,
        "reports": reports,
        "failures": failures_of(report),
        "tool": reports[0].tool if reports else Tool("hullmark", __version__, {}),
        "as_of": reports[0].as_of if reports else "",
        "show_suppressed": look.suppressed,
    }


def _environment(name: str) -> Any:
    from jinja2 import DictLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment
    from markupsafe import Markup

    class Environment(ImmutableSandboxedEnvironment):
        intercepted_binops = frozenset({"**"})

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            # One call of native code, which no bound but the last would end.
            if isinstance(left, int) and isinstance(right, int) and left.bit_length() * right > _MAX_BITS:
                raise OverflowError(f"{left} ** {right} is a number of more than {_MAX_BITS} bits")
            return super().call_binop(context, operator, left, right)

    def shown(value: Any) -> Any:
        """Leave nothing in what a report says that a terminal would act on, or that reorders text."""
        if not isinstance(value, str) or (value.isascii() and value.isprintable()):
            return value
        parts = [part if _BREAK.fullmatch(part) else printable(part) for part in _BREAK.split(value)]
        return type(value)("".join(parts)) if isinstance(value, Markup) else "".join(parts)

    environment = Environment(
        loader=DictLoader({}),
        undefined=StrictUndefined,
        autoescape=_is_escaped(name),
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        cache_size=0,
    )
    environment.policies["json.dumps_function"] = _json
    environment.policies["json.dumps_kwargs"] = {}
    # The same report gives the same bytes.
    del environment.filters["random"], environment.globals["lipsum"]
    environment.filters |= {"action": _action, "upgrades": _upgrades, "worst": _worst}
    return environment


def _is_escaped(name: str) -> bool:
    """Tell by a template's name whether what it writes is HTML or XML."""
    lower = name.lower()
    for suffix in _SUFFIXES:
        lower = lower.removesuffix(suffix)
    return lower.endswith(_ESCAPED)


def _json(value: Any, indent: int | None = None) -> str:
    return json.dumps(msgspec.to_builtins(value), indent=indent)


def _action(finding: Finding | SecretFinding | Misconfiguration) -> str:
    if isinstance(finding, Finding):
        from hullmark.advice.action import action

        return action(finding)
    from hullmark.advice.issues import mend
    from hullmark.findings.issues import issue_of

    return sentence(mend(issue_of(finding)))


def _upgrades(findings: Iterable[Finding]) -> list[Any]:
    from hullmark.advice.upgrades import upgrades

    return list(upgrades(findings))


def _worst(findings: Iterable[Finding | SecretFinding | Misconfiguration]) -> str:
    """Give the worst severity of some findings, nothing for none."""
    return str(min((each.severity for each in findings), key=SEVERITY_RANK.__getitem__, default=""))


def _frames(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next


def _line(trace: TracebackType | None) -> int:
    """Give the line of the template where an error arose, 0 where none of it ran."""
    line = 0
    for step in _frames(trace):
        template = step.tb_frame.f_globals.get("__jinja_template__")
        if template is not None:
            line = template.get_corresponding_lineno(step.tb_lineno)
    return line


def _what(problem: BaseException) -> str:
    """Say in one clause what is wrong."""
    from jinja2 import TemplateNotFound, TemplateSyntaxError

    bounds: dict[type[BaseException], str] = {
        _TimeIsUpError: _TOO_LONG,
        _TooLargeError: f"it writes more than {MAX_OUTPUT >> 20} MiB",
        MemoryError: f"it needs more than {MAX_MEMORY >> 20} MiB of memory",
        RecursionError: "it is nested, or calls itself, too deeply",
    }
    if (said := bounds.get(type(problem))) is not None:
        return said
    if isinstance(problem, TemplateNotFound):
        return f"{printable(str(problem.name))[:_MAX_WORDS]} cannot be included: a template stands alone"
    if isinstance(problem, SyntaxError):
        return f"it is nested too deeply: {problem.msg}"
    words = problem.message if isinstance(problem, TemplateSyntaxError) else str(problem)
    return printable((words or type(problem).__name__)[:_MAX_WORDS])
