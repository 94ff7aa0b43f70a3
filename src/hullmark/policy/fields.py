"""What a policy asks of its input, held against the schema of the input: a field that is never there makes a rule that never fires.

The tree is the one that the engine gives of a module (`regorus`, `get_ast_as_json`): nodes are objects with one key, their kind. A variable has the
schema of what it is bound to, wherever in a query that stands; of what comes from `data` or from a function nothing is known, and nothing is said.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Schema = Mapping[str, Any]
Node = Any
_DEEPEST = 200


class Unknown(NamedTuple):
    """A field that the input does not have: its name, where it stands, and what is there instead."""

    field: str
    line: int
    column: int
    known: tuple[str, ...]


class Call(NamedTuple):
    """A function that is called, and where."""

    name: str
    line: int
    column: int


def unknown_fields(
    module: Node, schema: Schema, definitions: Mapping[str, Schema], text: str = ""
) -> list[Unknown]:
    """Give each field of the input that a module (its `ast`, and its text) names and that the input cannot have, in the order of the text."""
    walk = _Walk(schema, definitions, text)
    for one in module.get("imports", ()):
        walk.imported(one)
    for rule in module.get("rules", ()):
        walk.rule(rule)
    return sorted(set(walk.found), key=lambda each: (each.line, each.column, each.field))


def calls(module: Node) -> Iterator[Call]:
    """Give the functions that a module calls by name."""
    waiting: list[Node] = [module]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            call = node.get("Call")
            if isinstance(call, dict) and (name := _dotted(call.get("fcn"))):
                span = call.get("span", {})
                yield Call(name, int(span.get("line", 0)), int(span.get("col", 0)))
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _dotted(node: Node) -> str:
    if not isinstance(node, dict):
        return ""
    if "Var" in node:
        return str(node["Var"]["value"])
    if "RefDot" in node:
        before, field = _dotted(node["RefDot"]["refr"]), node["RefDot"]["field"]
        return f"{before}.{field[1]}" if before and field else ""
    return ""


class _Walk:
    """Goes through the rules of one module."""

    def __init__(self, schema: Schema, definitions: Mapping[str, Schema], text: str) -> None:
        self._text = text.encode()
        self._definitions = definitions
        self._outermost: dict[str, Schema | None] = {"input": schema}
        self.found: list[Unknown] = []

    def imported(self, one: Node) -> None:
        """Take note of `import input.x as y`."""
        name = one.get("as")
        schema = self._schema(one["refr"], self._outermost, 0)
        if schema is not None and "RefDot" in one["refr"]:
            named = name[1] if isinstance(name, list) else one["refr"]["RefDot"]["field"][1]
            self._outermost[str(named)] = schema

    def rule(self, rule: Node) -> None:
        """Look at a rule: what its bodies bind counts in its head."""
        spec = rule.get("Spec")
        if spec is None:
            self._look(rule, self._outermost, 0)
            return
        arguments = spec["head"].get("Func", {}).get("args", ())
        bound = self._outermost | {name: None for each in arguments for name in _names(each)}
        for body in spec.get("bodies", ()):
            within = self._bound(body.get("query"), bound, 0)
            self._look(body, within, 0)
            self._look(spec["head"], within, 0)
        if not spec.get("bodies"):
            self._look(spec["head"], bound, 0)

    def _bound(self, query: Node, before: dict[str, Schema | None], depth: int) -> dict[str, Schema | None]:
        """Give the variables of a query: what is bound further down counts further up as well."""
        bound = dict(before)
        statements = query.get("stmts", ()) if isinstance(query, dict) else ()
        for _twice in range(2):
            for statement in statements:
                self._bind(statement.get("literal", {}), bound, depth)
        return bound

    def _bind(self, literal: Node, bound: dict[str, Schema | None], depth: int) -> None:
        some = literal.get("SomeIn")
        if some is not None:
            schema = self._schema(some["collection"], bound, depth, say=False)
            for name in _names(some.get("key")):
                bound[name] = None
            for name in _names(some["value"]):
                bound[name] = self._items(schema) if "Var" in some["value"] else None
        for name in literal.get("SomeVars", {}).get("vars", ()):
            bound[str(name[1] if isinstance(name, list) else name)] = None
        assign = literal.get("Expr", {}).get("expr", {}).get("AssignExpr")
        if assign is not None:
            schema = self._schema(assign["rhs"], bound, depth, say=False)
            for name in _names(assign["lhs"]):
                if name not in self._outermost:
                    bound[name] = schema if "Var" in assign["lhs"] else None

    def _look(self, node: Node, bound: dict[str, Schema | None], depth: int) -> None:
        """Find what is asked for in a part of a module, in whatever stands within it."""
        if depth > _DEEPEST:
            return
        if isinstance(node, list):
            for each in node:
                self._look(each, bound, depth + 1)
            return
        if not isinstance(node, dict):
            return
        if "RefDot" in node or "RefBrack" in node:
            self._schema(node, bound, depth)
            return
        for kind, value in node.items():
            within = bound
            if kind in {"ArrayCompr", "SetCompr", "ObjectCompr"}:
                within = self._bound(value.get("query"), bound, depth)
            elif kind == "Every":
                items = self._items(self._schema(value["domain"], bound, depth, say=False))
                span = value["value"]  # the tree tells of the variable only where it stands
                named = {self._text[span["start"] : span["end"]].decode("utf-8", "replace"): items}
                within = self._bound(value.get("query"), bound | named, depth)
            self._look(value, within, depth + 1)

    def _schema(
        self, node: Node, bound: dict[str, Schema | None], depth: int, *, say: bool = True
    ) -> Schema | None:
        """Give the schema of what an expression refers to, None where nothing is known; fields that it cannot have are noted."""
        if not isinstance(node, dict) or depth > _DEEPEST:
            return None
        if "Var" in node:
            return bound.get(str(node["Var"]["value"]))
        if "RefDot" in node:
            before = self._schema(node["RefDot"]["refr"], bound, depth + 1, say=say)
            span, name = node["RefDot"]["field"]
            return self._field(before, str(name), span, say=say)
        if "RefBrack" in node:
            before = self._schema(node["RefBrack"]["refr"], bound, depth + 1, say=say)
            index = node["RefBrack"]["index"]
            if isinstance(index, dict) and "String" in index:
                return self._field(before, str(index["String"]["value"]), index["String"]["span"], say=say)
            if say:
                self._look(index, bound, depth + 1)
            return self._items(before)
        if say:
            self._look(node, bound, depth + 1)
        return None

    def _field(self, schema: Schema | None, name: str, span: Node, *, say: bool) -> Schema | None:
        choices = list(self._choices(schema, 0))
        if not choices or not all("properties" in each for each in choices):
            # A map, a list, a text, or anything.
            maps = [each["additionalProperties"] for each in choices if "additionalProperties" in each]
            return maps[0] if len(choices) == len(maps) == 1 and isinstance(maps[0], dict) else None
        for each in choices:
            if name in each["properties"]:
                found: Schema = each["properties"][name]
                return found
        if say:
            known = tuple(sorted({name for each in choices for name in each["properties"]}))
            self.found.append(Unknown(name, int(span.get("line", 0)), int(span.get("col", 0)), known))
        return None

    def _items(self, schema: Schema | None) -> Schema | None:
        """Give the schema of what a list or a map holds."""
        choices = list(self._choices(schema, 0))
        if len(choices) != 1:
            return None
        held = choices[0].get("items", choices[0].get("additionalProperties"))
        return held if isinstance(held, dict) else None

    def _choices(self, schema: Schema | None, depth: int) -> Iterator[Schema]:
        """Give what a schema may stand for, but for null."""
        if schema is None or depth > _DEEPEST:
            return
        if "$ref" in schema:
            yield from self._choices(self._definitions.get(schema["$ref"].rpartition("/")[2]), depth + 1)
        elif "anyOf" in schema:
            for each in schema["anyOf"]:
                yield from self._choices(each, depth + 1)
        elif schema.get("type") != "null":
            yield schema


def _names(node: Node) -> Iterator[str]:
    """Give the variables of what is bound: one, or several in a list or an object."""
    if not isinstance(node, dict):
        return
    if "Var" in node:
        yield str(node["Var"]["value"])
    for kind in ("Array", "Object"):
        if kind in node:
            items = node[kind].get("items", node[kind].get("fields", ()))
            for each in items:
                yield from _names(each[-1] if isinstance(each, list) else each)
