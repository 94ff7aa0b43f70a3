"""Policies, compiled by the embedded engine (regorus, https://github.com/microsoft/regorus), and evaluated.

What a policy cannot do is found out when it is loaded: what does not parse, an unsafe variable, a function that is not there, one that asks the
network or the clock, a field that the input does not have. Nothing here is bounded in time: `policy/apart.py` has it done in a process of its own.
"""

import contextlib
import importlib.util
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from hullmark.model.errors import HullmarkError, UsageError
from hullmark.model.printable import printable
from hullmark.policy.builtins import PURE, REFUSED
from hullmark.policy.catalogue import LIBRARY
from hullmark.policy.fields import Schema, calls, unknown_fields
from hullmark.policy.source import Bundle

_SAID = re.compile(
    r"-->\s*(?P<file>.*?):(?P<line>\d+):(?P<column>\d+)\n.*?^error: (?P<what>[^\n]*)",
    re.DOTALL | re.MULTILINE,
)
_INSTALL = "pip install 'hullmark[policy]', or --opa URL asks a server"
_KNOWN = 20
DECIDING = ("deny", "violation", "warn", "allow", "excepted")
"""The rules that decide: `deny` and `violation` (as Gatekeeper and Conftest call it) deny, `warn` warns, `allow` denies where it is not true, `excepted` only tells."""
_ALWAYS = re.compile(
    r"^error: (?:var \S+ is unsafe|recursion detected|could not find function)", re.MULTILINE
)
_CHECK = "hullmark policy check says whether a policy can be used"


class _Expression(msgspec.Struct):
    value: msgspec.Raw


class _Result(msgspec.Struct):
    expressions: list[_Expression]


class _Answer(msgspec.Struct):
    result: list[_Result] = []


def is_installed() -> bool:
    """Tell whether the embedded engine is there, which the extra `policy` brings."""
    return importlib.util.find_spec("regorus") is not None


class Policy:
    """Compiled policies. Raises `UsageError` where one cannot be, with file and line.

    `rules` are the names of the rules of each package, `tests` those of rules in files of tests.
    """

    def __init__(self, bundle: Bundle, schema: Mapping[str, Any]) -> None:
        try:
            import regorus
        except ImportError as problem:
            raise UsageError("the engine for Rego is not installed", hint=_INSTALL) from problem
        self._engine = regorus.Engine()
        for module in bundle.modules:
            try:
                self._engine.add_policy(module.path, module.text)
            except RuntimeError as problem:
                raise refused(str(problem)) from problem
        if bundle.data:
            try:
                self._engine.add_data_json(msgspec.json.encode(bundle.data).decode())
            except RuntimeError as problem:
                raise refused(f"data: {problem}") from problem
        asts = json.loads(self._engine.get_ast_as_json())
        self.rules = _rules(asts)
        for each in asts:
            _check(each["ast"], each["source"], self.rules, schema)
        _check_data(bundle.data, self.rules)
        self._check_rules([package for package in self.rules if not bundle.is_own])

    def evaluate(self, query: str, document: bytes) -> bytes:
        """Give the value of a query for an input in JSON, as JSON; null where it is undefined. Raises `HullmarkError` where it cannot be evaluated."""
        engine = self._engine.clone()
        engine.set_input_json(document.decode())
        try:
            found = msgspec.json.decode(engine.eval_query_as_json(query), type=_Answer).result
        except RuntimeError as problem:
            told = refused(str(problem))
            raise HullmarkError(told.what, where=told.where) from problem
        return bytes(found[0].expressions[0].value) if found else b"null"

    def _check_rules(self, packages: Iterable[str]) -> None:
        """Have the engine look for what it finds only when it evaluates: unsafe variables and rules that need themselves.

        What else goes wrong with an input without anything in it may go right with a real one.
        """
        self._engine.set_input_json("{}")
        with contextlib.suppress(RuntimeError):  # told below
            self._engine.eval_query_as_json(
                "1"
            )  # clones of what was asked once need not prepare the rules each time
        engine = self._engine.clone()
        for query in ("1", *(path_of(package, rule) for package in packages for rule in self.rules[package])):
            try:
                engine.eval_query_as_json(query)
            except RuntimeError as problem:
                if query == "1" or _ALWAYS.search(str(problem)):
                    raise refused(str(problem)) from problem


def path_of(package: str, rule: str) -> str:
    """Give the query for a rule, whatever signs its package has in its name."""
    words = [json.dumps(word) for word in (*package.split("."), rule)]
    return f"data[{']['.join(words)}]"


def refused(said: str) -> UsageError:
    """Make the engine's words an error with file and line."""
    found = _SAID.search(said)
    if found is None:
        words = said.strip().partition("Stack backtrace")[0].strip()
        return UsageError(f"a policy cannot be used: {printable(words)[:300]}", hint=_CHECK)
    what = found["what"].partition(" (path [")[0].rstrip(": ")
    return _wrong(found["file"], int(found["line"]), what)


def _wrong(file: str, line: int, what: str) -> UsageError:
    return UsageError(printable(what)[:500], where=printable(f"{file}:{line}"), hint=_CHECK)


def _rules(asts: list[Any]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for each in asts:
        found.setdefault(_package(each["ast"]), {}).update(dict.fromkeys(_heads(each["ast"])))
    return {package: tuple(names) for package, names in sorted(found.items())}


def _check_data(data: Mapping[str, Any], rules: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse data in the place of a rule: the engine would give the data, and the rule would never say anything. OPA refuses it as well."""
    for package, names in rules.items():
        found: Any = data
        for part in package.split("."):
            found = found.get(part, {}) if isinstance(found, dict) else found
        taken = [name for name in names if not isinstance(found, dict) or name in found]
        if taken:
            raise UsageError(
                f"data.{printable(f'{package}.{taken[0]}')[:200]} is a rule, and data as well",
                hint="call the data something else",
            )


def _check(ast: Any, source: Any, rules: Mapping[str, tuple[str, ...]], schema: Schema) -> None:
    """Refuse calls of what is not there or not pure, fields that the input does not have, and functions with the name of a rule that decides."""
    file = source["file"]
    is_library = _package(ast).rpartition(".")[2] == LIBRARY
    for head in _functions(ast):
        if not is_library and head["Func"]["args"] and (name := _words(head["Func"]["refr"])) in DECIDING:
            raise _wrong(
                file,
                head["Func"]["span"]["line"],
                f"{name} is a function, which nobody calls: give no arguments",
            )
    own = set(rules[_package(ast)])
    imported = set(_imports(ast))
    for call in calls(ast):
        head = call.name.partition(".")[0]
        is_own = head in own or head in imported or head == "data"
        if call.name in REFUSED or (not is_own and call.name not in PURE):
            why = REFUSED.get(call.name, "is no function of Rego's, and none that is defined here")
            raise _wrong(file, call.line, f"{call.name} {why}")
    for unknown in unknown_fields(ast, schema, schema.get("$defs", {}), source["contents"]):
        more = f" and {len(unknown.known) - _KNOWN} more" if len(unknown.known) > _KNOWN else ""
        known = f"; there are {', '.join(unknown.known[:_KNOWN])}{more}" if unknown.known else ""
        raise _wrong(file, unknown.line, f"the input has no field {unknown.field!r} here{known}")


def _package(ast: Any) -> str:
    return _words(ast["package"]["refr"])


def _words(node: Any) -> str:
    if "Var" in node:
        return str(node["Var"]["value"])
    if "RefDot" in node:
        return f"{_words(node['RefDot']['refr'])}.{node['RefDot']['field'][1]}"
    if "RefBrack" in node:
        index = node["RefBrack"]["index"]
        return f"{_words(node['RefBrack']['refr'])}.{index.get('String', {}).get('value', '')}"
    return ""


def _heads(ast: Any) -> Iterator[str]:
    for rule in ast["rules"]:
        if "Default" in rule:
            yield _words(rule["Default"]["refr"])
            continue
        for head in rule["Spec"]["head"].values():
            yield _words(head["refr"]).partition(".")[0]


def _functions(ast: Any) -> Iterator[Any]:
    return (rule["Spec"]["head"] for rule in ast["rules"] if "Func" in rule.get("Spec", {}).get("head", ()))


def _imports(ast: Any) -> Iterator[str]:
    for one in ast["imports"]:
        name = one.get("as")
        yield str(name[1]) if isinstance(name, list) else _words(one["refr"]).rpartition(".")[2]
