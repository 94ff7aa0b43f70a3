"""Policies that an OPA server evaluates (https://www.openpolicyagent.org/docs/latest/rest-api/).

The server must have the very policies and data that are named here, as `opa run --server -b BUNDLE` has them: what it lacks would never deny anything.
"""

import contextlib
import time
from typing import Any

import msgspec

from hullmark.model.errors import HullmarkError, UsageError
from hullmark.model.printable import printable
from hullmark.policy.source import Bundle

TIMEOUT_S = 10.0
MOST_ANSWER = 64 * 1024 * 1024
_HINT = "hullmark policy build makes the bundle for it: opa run --server -b BUNDLE"


class _Term(msgspec.Struct):
    value: Any = None


class _Package(msgspec.Struct):
    path: list[_Term] = []


class _Head(msgspec.Struct):
    ref: list[_Term] = []
    args: list[Any] | None = None


class _Rule(msgspec.Struct):
    head: _Head = msgspec.field(default_factory=_Head)


class _Ast(msgspec.Struct):
    package: _Package = msgspec.field(default_factory=_Package)
    rules: list[_Rule] | None = None


class _Module(msgspec.Struct):
    raw: str = ""
    ast: _Ast = msgspec.field(default_factory=_Ast)


class _Modules(msgspec.Struct):
    result: list[_Module] = []


class _Answer(msgspec.Struct):
    result: list[dict[str, msgspec.Raw]] = []


class _Problem(msgspec.Struct):
    code: str = ""
    message: str = ""


class Server:
    """An OPA server that has these policies. Raises `UsageError` where it has others.

    `rules` are the names of the rules of each package, as the server has them.
    """

    def __init__(self, url: str, bundle: Bundle) -> None:
        import httpx2

        if not url.startswith(("http://", "https://")):
            raise UsageError("is no address of an OPA server", where=url, hint="--opa http://127.0.0.1:8181")
        self._url = url.rstrip("/")
        self._client = httpx2.Client(timeout=TIMEOUT_S, follow_redirects=False)
        found = self._decoded(self._asked("GET", "/v1/policies"), _Modules)
        has = {module.raw.strip(): module.ast for module in found.result}
        rules: dict[str, dict[str, None]] = {}
        for module in bundle.modules:
            ast = has.get(module.text.strip())
            if ast is not None:
                rules.setdefault(_package(ast), {}).update(dict.fromkeys(_names(ast)))
            else:
                raise UsageError(
                    f"the server has not the policy {printable(module.path)} as it is here",
                    where=url,
                    hint=_HINT,
                )
        for name, value in _parts(bundle.data):
            if not self._has(name, value):
                raise UsageError(
                    f"the server has not the data {printable('.'.join(name))} as it is here",
                    where=url,
                    hint=_HINT,
                )

        self.rules = {package: tuple(names) for package, names in sorted(rules.items())}

    def evaluate(self, query: str, document: bytes) -> bytes:
        """Give the value of a query for an input, both as in `Policy.evaluate`. Raises `HullmarkError`."""
        asked = msgspec.json.encode({"query": f"found := {query}"})
        body = asked[:-1] + b',"input":' + document + b"}"
        answer = self._decoded(self._asked("POST", "/v1/query", body), _Answer)
        if answer.result and "found" not in answer.result[0]:
            raise HullmarkError("what answers is no OPA server", where=self._url)
        return bytes(answer.result[0]["found"]) if answer.result else b"null"

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def __del__(self) -> None:
        """Let go of the connection with the last who knows it."""
        with contextlib.suppress(AttributeError):  # where the address was refused
            self.close()

    def _has(self, name: tuple[str, ...], value: Any) -> bool:
        path = "".join(f"[{msgspec.json.encode(part).decode()}]" for part in name)
        found = self.evaluate(f"[value | value := data{path}]", b"{}")
        return bool(msgspec.json.decode(found) == [value])

    def _asked(self, method: str, path: str, body: bytes | None = None) -> bytes:
        import httpx2

        until = time.monotonic() + TIMEOUT_S
        headers = {"content-type": "application/json"} if body is not None else {}
        try:
            with self._client.stream(method, f"{self._url}{path}", content=body, headers=headers) as answer:
                taken = bytearray()
                for part in answer.iter_bytes():
                    taken += part
                    if time.monotonic() > until:
                        raise HullmarkError("the OPA server takes too long", where=self._url)
                    if len(taken) > MOST_ANSWER:
                        raise HullmarkError("the OPA server's answer is too large", where=self._url)
                if answer.status_code != 200:
                    raise HullmarkError(self._said(bytes(taken), answer.status_code), where=self._url)
        except (httpx2.HTTPError, httpx2.InvalidURL) as problem:
            raise HullmarkError(
                f"the OPA server does not answer: {printable(str(problem))[:200]}", where=self._url
            ) from problem
        return bytes(taken)

    def _decoded(self, body: bytes, kind: type[Any]) -> Any:
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.DecodeError as problem:
            raise HullmarkError("what answers is no OPA server", where=self._url) from problem

    @staticmethod
    def _said(body: bytes, status: int) -> str:
        try:
            problem = msgspec.json.decode(body, type=_Problem)
        except msgspec.DecodeError:
            problem = _Problem()
        return f"the OPA server refuses ({status}): {printable(problem.message or problem.code)[:300]}"


def _parts(data: dict[str, Any]) -> list[tuple[tuple[str, ...], Any]]:
    """Take data apart down to the second level, where packages may stand beside it."""
    found: list[tuple[tuple[str, ...], Any]] = []
    for name, value in data.items():
        if isinstance(value, dict):
            found += [((name, key), part) for key, part in value.items()]
        else:
            found.append(((name,), value))
    return found


def _package(ast: _Ast) -> str:
    return ".".join(str(term.value) for term in ast.package.path[1:])  # the first is `data`


def _names(ast: _Ast) -> list[str]:
    """Give the names of rules. A function is none that could be asked: what is only called `deny` and takes something would never fire."""
    return [str(rule.head.ref[0].value) for rule in ast.rules or () if rule.head.ref and not rule.head.args]
