"""Decisions: policies are asked what they say of a report, and what they say is put together."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec

from hullmark.model.decision import Decision, Reason, Verdict
from hullmark.model.errors import HullmarkError, UsageError
from hullmark.model.printable import printable
from hullmark.model.report import Report
from hullmark.policy.catalogue import LIBRARY
from hullmark.policy.document import context_of, document, input_schema
from hullmark.policy.engine import DECIDING, Policy, is_installed
from hullmark.policy.source import Bundle, read

OnError = Literal["deny", "warn"]
_LENIENT = frozenset({"hullmark.development"})
_MOST_REASONS = 100_000
_MOST_LETTERS = 2_000
_TEXTS = ("rule", "severity", "finding", "package", "fix", "owner", "reason", "expires")


class Engine(Protocol):
    """What evaluates a query for an input, both as texts of JSON."""

    def evaluate(self, query: str, document: bytes) -> bytes:
        """Give the value, or null."""
        ...


class Policies:
    """Some policies, loaded. `words` are names of packs and paths. `on_error` is the verdict where they cannot be evaluated: `deny`, but `warn` for the pack `development` alone.

    Raises `UsageError` for what cannot be loaded, with file and line.
    """

    def __init__(
        self,
        words: Sequence[str],
        *,
        opa: str = "",
        on_error: OnError | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        bundle = read(words)
        self.digest = bundle.digest
        self._context = dict(context or {})
        self._engine, rules = loaded(bundle, opa)
        self._asked = {
            package: tuple(name for name in DECIDING if name in names)
            for package, names in rules.items()
            if package.rpartition(".")[2] != LIBRARY and {"deny", "violation", "warn", "allow"} & set(names)
        }
        if not self._asked:
            raise UsageError(
                "no rule is called deny, warn or allow, so that nothing would ever be refused",
                where=" ".join(words),
            )
        self.packages = tuple(self._asked)
        self.on_error: OnError = on_error or ("warn" if set(self.packages) <= _LENIENT else "deny")

    def decide(self, report: Report, context: Mapping[str, Any] | None = None) -> Decision:
        """Decide on a report. Raises `UsageError` for a context of another form."""
        return self.decide_input(self._input(report, context))

    def ask(self, query: str, report: Report, context: Mapping[str, Any] | None = None) -> Any:
        """Give the value of another query for a report, None where it is undefined. Raises `HullmarkError` where it cannot be evaluated."""
        return msgspec.json.decode(self._engine.evaluate(query, self._input(report, context)))

    def _input(self, report: Report, context: Mapping[str, Any] | None) -> bytes:
        try:
            where = context_of(report, self._context | dict(context or {}))
        except msgspec.ValidationError as problem:
            raise UsageError(f"the context has another form: {printable(str(problem))[:300]}") from problem
        return document(report, where)

    def decide_input(self, given: bytes) -> Decision:
        """Decide on an input in JSON."""
        try:
            said = msgspec.json.decode(self._engine.evaluate(_query(self._asked), given))
            reasons, excepted = _reasons(said, self._asked)
        except HullmarkError as problem:
            return self._made((), (), str(problem))
        return self._made(reasons, excepted)

    def _made(self, reasons: Sequence[Reason], excepted: Sequence[Reason], error: str = "") -> Decision:
        levels = {reason.level for reason in reasons} | ({self.on_error} if error else set())
        verdict: Verdict = "deny" if "deny" in levels else "warn" if levels else "allow"
        return Decision(
            verdict=verdict,
            policies=self.packages,
            digest=self.digest,
            reasons=tuple(sorted(reasons, key=_order)),
            excepted=tuple(sorted(excepted, key=_order)),
            on_error=self.on_error,
            error=error,
        )


def loaded(bundle: Bundle, opa: str = "") -> tuple[Engine, dict[str, tuple[str, ...]]]:
    """Load policies, and give what evaluates them and the names of the rules of each package.

    They are checked here also where a server evaluates them, unless the embedded engine is not there: then it is the server that has checked them.
    What is not Hullmark's own is loaded and evaluated in a process of its own.
    """
    if opa and not is_installed():
        from hullmark.policy.server import Server

        server = Server(opa, bundle)
        return server, server.rules
    if bundle.is_own:
        policy = Policy(bundle, input_schema())
        engine: Engine = policy
        rules = policy.rules
    else:
        from hullmark.policy.apart import Apart

        schema = input_schema()
        apart = Apart(lambda: Policy(bundle, schema))
        engine, rules = apart, apart.rules
    if opa:
        from hullmark.policy.server import Server

        engine = Server(opa, bundle)
    return engine, rules


def _query(asked: Mapping[str, Sequence[str]]) -> str:
    """Make one query of all: each rule a list of one value, or of none where it is undefined. The engine takes no line of more than 1,024 letters."""
    packages = []
    for package, names in asked.items():
        path = "".join(f"[{_quoted(part)}]" for part in package.split("."))
        found = ",\n".join(
            f"{_quoted(name)}: [value | value := data{path}[{_quoted(name)}]]" for name in names
        )
        packages.append(f"{_quoted(package)}: {{{found}}}")
    whole = ",\n".join(packages)
    return f"{{{whole}}}"


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()


def _reasons(said: Any, asked: Mapping[str, Sequence[str]]) -> tuple[list[Reason], list[Reason]]:
    """Read what the policies said. Raises `HullmarkError` for what has another form."""
    reasons: list[Reason] = []
    excepted: list[Reason] = []
    for package, name, values in _values(said, asked):
        if name == "allow":
            if values != [True]:
                message = "the policy does not allow the image"
                reasons.append(Reason(level="deny", policy=package, rule=name, message=message))
            continue
        for value in values:
            found = _of_rule(package, name, value)
            (excepted if name == "excepted" else reasons).extend(found)
    if len(reasons) > _MOST_REASONS:
        raise HullmarkError(f"the policies give more than {_MOST_REASONS:,} reasons")
    return reasons, excepted


def _values(said: Any, asked: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str, list[Any]]]:
    """Give each rule that was asked with its values. What lacks one is no answer: it would let pass what the rule denies."""
    if not isinstance(said, dict):
        raise HullmarkError("the policies cannot be evaluated: nothing is defined")
    for package, names in asked.items():
        rules = said.get(package)
        for name in names:
            values = rules.get(name) if isinstance(rules, dict) else None
            if not isinstance(values, list):
                raise HullmarkError(f"the answer lacks the rule {name} of {package}")
            yield package, name, values


def _of_rule(package: str, name: str, value: Any) -> list[Reason]:
    level: Literal["deny", "warn"] = "warn" if name == "warn" else "deny"
    if isinstance(value, bool):
        message = "the policy refuses the image" if level == "deny" else "the policy warns of the image"
        return [Reason(level=level, policy=package, rule=name, message=message)] if value else []
    if not isinstance(value, list):
        raise _misshapen(package, name, f"is {_kind(value)}, not a set of reasons")
    return [_reason(package, name, level, each) for each in value]


def _reason(package: str, name: str, level: Literal["deny", "warn"], value: Any) -> Reason:
    """Read one reason: a text, or an object with a `message` (or `msg`) and the fields of `Reason`."""
    if isinstance(value, str):
        return Reason(level=level, policy=package, rule=name, message=_said(value))
    if not isinstance(value, dict):
        raise _misshapen(package, name, f"has {_kind(value)} as a reason, not a text or an object")
    message = value.get("message", value.get("msg"))
    if not isinstance(message, str):
        raise _misshapen(package, name, "has a reason without a message")
    fields: dict[str, Any] = {}
    for field in _TEXTS:
        if isinstance(found := value.get(field, ""), str) and found:
            fields[field] = _said(found)
    controls = value.get("controls", ())
    if isinstance(controls, list):
        fields["controls"] = tuple(_said(each) for each in controls if isinstance(each, str))
    fields.setdefault("rule", name)
    if name == "excepted" and value.get("level") in {"deny", "warn"}:
        level = value["level"]
    return Reason(level=level, policy=package, message=_said(message), **fields)


def _misshapen(package: str, name: str, what: str) -> HullmarkError:
    return HullmarkError(
        f"the rule {name} of {package} {what}", hint="a reason is a text, or an object with a message"
    )


def _said(text: str) -> str:
    return printable(text)[:_MOST_LETTERS]


def _kind(value: Any) -> str:
    return {dict: "an object", list: "a list", str: "a text", type(None): "null"}.get(type(value), "a number")


def _order(reason: Reason) -> tuple[Any, ...]:
    ranks = {"critical": 0, "high": 1, "medium": 2, "low": 3, "negligible": 4}
    return (
        reason.level,
        ranks.get(reason.severity, 5),
        reason.policy,
        reason.rule,
        reason.finding,
        reason.package,
        reason.message,
    )
