"""The commands of a shell script, found in the syntax tree that tree-sitter's bash grammar makes of it.

The tree is walked with a stack of its own: nested as deep as may be, it costs no more than its size.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from hullmark.detectors.config.check import Span
from hullmark.detectors.config.dockerfile._heredocs import Opening, hidden
from hullmark.detectors.config.dockerfile._prefixes import SH, base_name, is_all_options, peel, script_word
from hullmark.detectors.config.dockerfile.model import Command, Word

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

_MOST_COMMANDS = 20_000
_SUBSTITUTIONS = frozenset({"command_substitution", "process_substitution"})
_CONDITIONS = frozenset(
    {
        "if_statement",
        "while_statement",
        "for_statement",
        "c_style_for_statement",
        "case_statement",
        "function_definition",
    },
)
_GROUPS = frozenset(
    {
        "program",
        "compound_statement",
        "subshell",
        "do_group",
        "elif_clause",
        "else_clause",
        "case_item",
        "negated_command",
        "ERROR",
    },
)
_STATEMENTS = frozenset(
    {
        "command",
        "list",
        "pipeline",
        "redirected_statement",
        "test_command",
        "declaration_command",
        "unset_command",
    },
) | frozenset({"variable_assignment", "variable_assignments"})
_BLOCK_BEGINS = frozenset({"then", "do", "else", ")", "in"})
_TESTS = frozenset(
    {
        "binary_expression",
        "unary_expression",
        "parenthesized_expression",
        "postfix_expression",
        "ternary_expression",
        "negation_expression",
    },
)


class Scope(NamedTuple):
    """Where a command stands. `level` counts substitutions around it, `pipeline` is None outside a pipe."""

    nested: bool = False
    conditional: bool = False
    pipeline: int | None = None
    level: int = 0


class _Draft(Struct):
    """A command that is not whole yet."""

    start: int
    end: int
    scope: Scope
    before: str
    pipeline: int
    words: list[Word]
    starts: list[int]
    assignments: list[Word]
    redirects: list[tuple[str, Word]]


class Inner(NamedTuple):
    """A script within a script, from `start` to `end` or in a here-document, that the command with this number runs."""

    command: int
    start: int
    end: int
    heredoc: int | None = None


class Parsed(NamedTuple):
    """The commands of a script; `broken` is where its first syntax error is, `is_cut` tells that it has too many commands."""

    commands: list[Command]
    broken: Span | None
    is_cut: bool
    inner: list[Inner]


class Walk:
    """Finds the commands of one script, whose characters `span` places in the file.

    Here-documents whose bodies do not stand in the script are given as `heredocs`, in order.
    """

    def __init__(
        self,
        parser: "Parser",
        script: str,
        span: Callable[[int, int], Span],
        heredocs: Sequence[Opening] = (),
    ) -> None:
        self._script = script
        self._heredocs = {script.index("<<", one.start): (number, one) for number, one in enumerate(heredocs)}
        self._asks: dict[int, int] = {}  # id of a draft to the number of the here-document that it reads
        source = _without_heredocs(script, self._heredocs)
        self._data = source.replace("\0", "?").encode(
            "utf-8", "replace"
        )  # the grammar takes a NUL for the end
        self._offsets = None if script.isascii() else _offsets(script)
        self._span = span
        self._root = self._parsed(parser)
        self._drafts: list[_Draft] = []
        self._last: dict[int, _Draft] = {}  # of each level, for the redirects of a group
        self._stack: list[Callable[[], None]] = []
        self._pipelines = 0

    def _parsed(self, parser: "Parser") -> "Node":
        root = parser.parse(self._data).root_node
        if root.has_error and b"<<" in self._data:
            # The grammar stumbles over here-documents that begin with a backslash, and over `<<EOF; …`.
            data, found = hidden(self._data)
            without = parser.parse(data).root_node
            if found and not without.has_error:
                for one in found:
                    start, end = self._at(one.start), self._at(one.end)
                    self._heredocs[start] = -1, one._replace(start=start, end=end)
                return without
        return root

    def run(self) -> Parsed:
        """Give the commands in the order in which they stand."""
        self._push(self._root, "", Scope())
        while self._stack and len(self._drafts) <= _MOST_COMMANDS:
            self._stack.pop()()
        is_cut = bool(self._stack)
        drafts = sorted(self._drafts, key=lambda draft: draft.start)
        commands = [self._finish(draft) for draft in drafts]
        inner = [
            found
            for number, draft in enumerate(drafts)
            if (found := self._inner(number, draft, commands[number]))
        ]
        return Parsed(commands, self._broken(), is_cut, inner)

    def _inner(self, number: int, draft: _Draft, command: Command) -> Inner | None:
        """Find the script that `sh -c '…'` or `sh <<EOF` runs. In quotes that need escapes it is not looked at."""
        if command.name not in SH:
            return None
        at = script_word(draft.words)
        if at is not None:
            raw = draft.words[at].raw
            plain = raw[:1] == "'" == raw[-1:] and raw.count("'") == 2
            if plain or (
                raw[:1] == '"' == raw[-1:] and raw.count('"') == 2 and "\\" not in raw and "`" not in raw
            ):
                return Inner(number, draft.starts[at] + 1, draft.starts[at] + len(raw) - 1)
            return None
        asked = self._asks.get(id(draft))
        return Inner(number, 0, 0, asked) if asked is not None and is_all_options(command.words) else None

    def _place(self, start: int, end: int) -> Span:
        return self._span(self._at(start), self._at(end))

    def _at(self, offset: int) -> int:
        return self._offsets[offset] if self._offsets else offset

    def _word(self, node: "Node") -> Word:
        from hullmark.detectors.config.dockerfile._shell_words import text_of

        start, end = self._at(node.start_byte), self._at(node.end_byte)
        return Word(text_of(node), self._script[start:end], self._span(start, end))

    def _push(self, node: "Node", before: str, scope: Scope) -> None:
        self._stack.append(lambda: self._visit(node, before, scope))

    def _visit(self, node: "Node", before: str, scope: Scope) -> None:
        kind = node.type
        if kind in _SUBSTITUTIONS:
            self._group(node, "", Scope(nested=True, conditional=scope.conditional, level=scope.level + 1))
        elif kind == "list":
            self._list(node, before, scope)
        elif kind == "pipeline":
            self._pipeline(node, before, scope)
        elif kind == "redirected_statement":
            self._redirected(node, before, scope)
        elif kind == "subshell":
            self._group(node, before, scope._replace(nested=True))
        elif kind in _CONDITIONS:
            self._group(node, before, scope._replace(conditional=True))
        elif kind in _GROUPS:
            self._group(node, before, scope)
        elif kind in _STATEMENTS:
            self._command(node, before, scope)
        else:
            for child in reversed(node.named_children):
                self._push(child, "", scope)

    def _group(self, node: "Node", before: str, scope: Scope) -> None:
        """Go through statements one behind the other; `before` of each is the separator in front of it."""
        parts: list[tuple[Node, str]] = []
        for child in node.children:
            if child.type in _BLOCK_BEGINS:
                before = ""
            elif child.is_named and child.type != "comment":
                parts.append((child, before))
                if child.type in _STATEMENTS or child.type in _GROUPS or child.type in _CONDITIONS:
                    before = ";"
            elif child.type == "&":
                before = "&"
        for child, operator in reversed(parts):
            self._push(child, operator, scope)

    def _list(self, node: "Node", before: str, scope: Scope) -> None:
        parts: list[tuple[Node, str]] = []
        for child in node.children:
            if child.is_named:
                parts.append((child, before))
            else:
                before = child.type
        for child, operator in reversed(parts):
            self._push(child, operator, scope)

    def _pipeline(self, node: "Node", before: str, scope: Scope) -> None:
        if scope.pipeline is None:
            scope = scope._replace(pipeline=self._next_pipeline())
        self._list(node, before, scope)

    def _next_pipeline(self) -> int:
        self._pipelines += 1
        return self._pipelines - 1

    def _redirected(self, node: "Node", before: str, scope: Scope) -> None:
        body = node.child_by_field_name("body")
        redirects = [child for child in node.children if child.type.endswith("_redirect")]
        behind = [one for child in redirects for one in self._behind_heredoc(child)]
        pipeline = scope
        if scope.pipeline is None and any(
            operator.startswith("|") and operator != "||" for _, operator in behind
        ):
            pipeline = scope._replace(pipeline=self._next_pipeline())  # `cat <<EOF | sh`
        for child, operator in reversed(behind):
            in_pipe = operator in {"|", "|&"}
            self._push(child, operator, pipeline if in_pipe else scope)
        if body is None:
            draft = self._draft(node, before, scope)
            self._stack.append(lambda: self._redirect(draft, redirects, scope))
            return
        self._stack.append(lambda: self._redirect(self._last.get(scope.level), redirects, scope))
        self._push(body, before, pipeline)

    def _behind_heredoc(self, redirect: "Node") -> list[tuple["Node", str]]:
        """Give what goes on behind `<<EOF` in its line: the grammar has it within the redirect."""
        found: list[tuple[Node, str]] = []
        if redirect.type != "heredoc_redirect":
            return found
        operator = ""
        for child in redirect.children:
            if child.type in {"&&", "||", "|", "|&"}:
                operator = child.type
            elif child.type == "pipeline" and child.children and not child.children[0].is_named:
                for part in child.children:
                    if part.is_named:
                        found.append((part, operator))
                    else:
                        operator = part.type
            elif child.type in _STATEMENTS or child.type in _GROUPS or child.type in _CONDITIONS:
                found.append((child, operator))
        return found

    def _redirect(self, draft: _Draft | None, redirects: list["Node"], scope: Scope) -> None:
        for node in redirects:
            operator = ""
            targets = 0
            for child in node.children:
                kind = child.type
                if kind == "file_redirect":
                    self._redirect(draft, [child], scope)
                elif kind == "file_descriptor":
                    continue
                elif not child.is_named and not operator:
                    operator = kind
                elif (
                    child.is_named
                    and kind not in _STATEMENTS
                    and kind not in {"heredoc_body", "heredoc_end", "ERROR"}
                ):
                    if draft and node.type == "file_redirect" and targets:
                        # The grammar takes what follows a redirect for more of its targets; to the shell they are arguments.
                        draft.words.append(self._word(child))
                        draft.starts.append(self._at(child.start_byte))
                        draft.end = max(draft.end, child.end_byte)
                    elif draft and child.end_byte > child.start_byte:
                        targets += 1
                        draft.redirects.append(self._redirect_word(draft, operator, child))
                    if kind != "heredoc_start":
                        self._push(child, "", scope)
                elif kind == "heredoc_body":
                    self._push(child, "", scope)

    def _redirect_word(self, draft: _Draft, operator: str, node: "Node") -> tuple[str, Word]:
        word = self._word(node)
        start = self._at(node.start_byte) - 1
        if start not in self._heredocs:
            return operator, word
        number, one = self._heredocs[start]
        if number >= 0:
            self._asks[id(draft)] = number
        operator = "<<-" if one.strip_tabs else "<<"
        raw = self._script[start + len(operator) : one.end].lstrip()
        return operator, Word(one.name, raw, self._span(one.end - len(raw), one.end))

    def _draft(self, node: "Node", before: str, scope: Scope) -> _Draft:
        pipeline = self._next_pipeline() if scope.pipeline is None else scope.pipeline
        draft = _Draft(node.start_byte, node.end_byte, scope, before, pipeline, [], [], [], [])
        self._drafts.append(draft)
        self._last[scope.level] = draft
        return draft

    def _command(self, node: "Node", before: str, scope: Scope) -> None:
        draft = self._draft(node, before, scope)
        children = [child for child in node.children if child.end_byte > child.start_byte]
        if node.type == "variable_assignment":
            children = [node]
        inner: list[Node] = []
        for child in children:
            kind = child.type
            if kind.endswith("_redirect"):
                self._redirect(draft, [child], scope)
                continue
            if kind == "variable_assignment" and node.type != "declaration_command" and not draft.words:
                draft.assignments.append(self._word(child))
            elif kind in _TESTS:
                self._test(child, draft)
            elif kind != "ERROR" and (kind not in {"]", "]]"} or child.is_named):
                draft.words.append(self._word(child))
                draft.starts.append(self._at(child.start_byte))
            inner.append(child)
        for child in reversed(inner):
            for part in reversed(child.named_children if child.type not in _SUBSTITUTIONS else [child]):
                self._push(part, "", scope)

    def _test(self, node: "Node", draft: _Draft) -> None:
        stack = [node]
        while stack:
            part = stack.pop()
            if part.type in _TESTS:
                stack.extend(reversed(part.children))
            elif part.end_byte > part.start_byte:
                draft.words.append(self._word(part))
                draft.starts.append(self._at(part.start_byte))

    def _finish(self, draft: _Draft) -> Command:
        span = self._place(draft.start, draft.end)
        scope = draft.scope
        peeled = peel(tuple(draft.words)) if draft.words else None
        return Command(
            name=base_name(peeled.name.text) if peeled else "",
            span=span,
            words=peeled.words if peeled else (),
            prefixes=peeled.prefixes if peeled else (),
            assignments=(*draft.assignments, *(peeled.assignments if peeled else ())),
            before=draft.before,
            pipeline=draft.pipeline,
            nested=scope.nested,
            conditional=scope.conditional,
            redirects=tuple(draft.redirects),
        )

    def _broken(self) -> Span | None:
        node = self._root
        if not node.has_error:
            return None
        while not (node.is_error or node.is_missing):
            worse = next((child for child in node.children if child.has_error or child.is_missing), None)
            if worse is None:
                break
            node = worse
        return self._place(node.start_byte, node.end_byte)


def _without_heredocs(script: str, heredocs: Mapping[int, tuple[int, Opening]]) -> str:
    """Make each `<<EOF` a redirect of the same length, so that no body is looked for."""
    parts: list[str] = []
    at = 0
    for start, (_, one) in heredocs.items():
        parts += [script[at : start + 1], "_" * (one.end - start - 1)]
        at = one.end
    return "".join([*parts, script[at:]])


def _offsets(script: str) -> list[int]:
    """Give the character at which each byte of the script's UTF-8 stands."""
    offsets: list[int] = []
    for index, char in enumerate(script):
        code = ord(char)
        width = (
            1 if code < 0x80 or 0xD800 <= code < 0xE000 else 2 if code < 0x800 else 3 if code < 0x10000 else 4
        )
        offsets.extend([index] * width)
    offsets.append(len(script))
    return offsets
