r"""The patterns of all rules as Hyperscan searches for them (https://intel.github.io/hyperscan/dev-reference/), and what is kept of them.

A text is searched for what may stand anywhere. Two kinds of files are told apart, since that is most of the time: rules that name paths are searched
for only in files at such paths, and binary files by the few rules marked so.

Hyperscan says at which ends which patterns match, without start of match, which would make the patterns too large for it. What it is given is
cheaper than the pattern, and there wherever that matches.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

import hyperscan

from hullmark.detectors.secrets.linear import flags
from hullmark.detectors.secrets.rule import BEGIN, END, FIRST, LAST, SecretRule
from hullmark.model.globs import as_pattern

VERSION = 2
Kind = Literal["text", "named", "binary"]
"""Of a file: a text, a text at a path that rules name, one with a NUL byte in its first bytes."""
_RELEASE = str(getattr(hyperscan, "__version__", ""))
_RAW_HITS = 50_000  # in one piece: a file of nothing else ends there
_ENOUGH = 16
_COUNTED = 64
_REPEAT = re.compile(r"(?<!\\)\{(\d+)(,?)(\d*)\}")
_LAST_REPEAT = re.compile(r"\{(\d+)(?:,\d*)?\}(\)*)\Z")
_IN_FRONT = re.compile(
    r"\A((?:\(\?[ms]\)|\(\?i?:)*)(?:\\b|\^|\(\?:\^\|[^()]*\)|\[(?:\\w\.-| \\t|\\w)\]\{0,\d+\})(?![?*+{|])"
)
"""What may stand in front of a pattern and says nothing where only ends are told: an anchor, or what may be left out."""
_PARTS = re.compile(
    r"\(\?P<\w+>|\(\?[a-z]*:?|\[\^?\]?(?:\\.|[^\]\\])*\]|\\x[0-9a-f]{2}|\\.|\{\d+(?:,\d*)?\}|.", re.DOTALL
)
_SLOW_LITERALS = range(5, 8)
_FAST_LITERAL = 4

Databases = Mapping[str, "hyperscan.Database | None"]


class Compiled:
    """The patterns of some rules, and what one thread needs to search for them.

    `rules` are asked for when they must be compiled. `name` stands for all that they look for: under it `load` and `save` keep what was compiled (some
    seconds of work) for the next time; what is loaded and does not fit is made anew.
    """

    def __init__(
        self,
        rules: Callable[[], Sequence[SecretRule]],
        name: str,
        load: Callable[[str], bytes | None],
        save: Callable[[str, bytes], None],
    ) -> None:
        def text() -> dict[int, str]:
            return {at: looked_for(rule) for at, rule in enumerate(rules()) if not rule.paths}

        def named() -> dict[int, str]:
            return {at: looked_for(rule) for at, rule in enumerate(rules()) if rule.paths}

        def binary() -> dict[int, str]:
            return {at: looked_for(rule) for at, rule in enumerate(rules()) if rule.binary or rule.own}

        def paths() -> dict[int, str]:
            globs = sorted({glob for rule in rules() for glob in rule.paths})
            return {at: f"^{as_pattern(glob)}(?:/|$)" for at, glob in enumerate(globs)}

        self._databases: Databases = {
            each.__name__: _database(each, name and f"{name} {each.__name__}", load, save)
            for each in (text, named, binary, paths)
        }
        self._scratches = _scratches(self._databases)

    def clone(self) -> "Compiled":
        """Give one for another thread: a scratch space is of one alone."""
        other = object.__new__(Compiled)
        other._databases = self._databases
        other._scratches = _scratches(self._databases)
        return other

    def is_named(self, path: str) -> bool:
        """Tell whether some rule names a path."""
        return bool(self._search("paths", path.encode("utf-8", "replace"), 1)[0])

    def hits(self, body: bytes, kind: Kind) -> tuple[list[tuple[int, int]], bool]:
        """Give (rule, end) of all that may be a match in a file of a kind, and whether there may be more."""
        found, more = self._search("binary" if kind == "binary" else "text", body, _RAW_HITS)
        if kind == "named":
            also, too = self._search("named", body, _RAW_HITS)
            return found + also, more or too
        return found, more

    def _search(self, name: str, body: bytes, most: int) -> tuple[list[tuple[int, int]], bool]:
        found: list[tuple[int, int]] = []
        database = self._databases[name]
        if database is None:
            return found, False
        add = found.append

        def note(number: int, _start: int, end: int, _flags: int, _context: object) -> bool:
            add((number, end))
            return len(found) >= most

        try:
            database.scan(body, match_event_handler=note, scratch=self._scratches[name])
        except hyperscan.ScanTerminated:
            return found, True
        return found, False


def _scratches(databases: Databases) -> "dict[str, hyperscan.Scratch]":
    return {name: hyperscan.Scratch(each) for name, each in databases.items() if each is not None}


def _database(
    patterns: Callable[[], Mapping[int, str]],
    name: str,
    load: Callable[[str], bytes | None],
    save: Callable[[str, bytes], None],
) -> "hyperscan.Database | None":
    """Load or compile patterns by number; None without any."""
    kept = hashlib.blake2b(repr((VERSION, _RELEASE, name)).encode(), digest_size=16).hexdigest()
    if name and (body := load(kept)) is not None:
        try:
            return hyperscan.loadb(body, hyperscan.HS_MODE_BLOCK)
        except hyperscan.error:
            pass  # of another machine, or damaged
    every = {number: pattern.encode() for number, pattern in patterns().items()}
    if not every:
        return None
    made = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    made.compile(
        expressions=list(every.values()),
        ids=list(every),
        elements=len(every),
        flags=[flags(each) for each in every.values()],
    )
    if name:
        save(kept, hyperscan.dumpb(made))
    return made


def looked_for(rule: SecretRule) -> str:
    """Give what Hyperscan looks for: something that is there wherever the rule's pattern matches, and is cheap to look for.

    What follows the value is left out, since a file may end there in the midst of a stream; what may stand in front says nothing where only
    ends are told; and repetitions that are counted to large numbers make it take three times as long.
    """
    if rule.searched:
        return rule.searched
    pattern = rule.pattern
    if pattern.startswith(BEGIN):
        pattern = "(?i:" + pattern.removeprefix(BEGIN)
    else:
        pattern = pattern.removeprefix(FIRST)
        while (shorter := _IN_FRONT.sub(r"\1", pattern)) != pattern:
            pattern = shorter
    pattern = pattern.removesuffix(END).removesuffix(LAST).removesuffix("\\b")
    pattern = _REPEAT.sub(_loosened, _LAST_REPEAT.sub(_shortened, pattern))
    return _with_fast_literals(pattern) if rule.pattern.startswith(FIRST) else pattern


def _shortened(found: re.Match[str]) -> str:
    """Ask for no more repetitions at the end than tell what it is."""
    least = int(found[1])
    return f"{{{min(least, _ENOUGH)}}}{found[2]}" if least else found[0]


def _loosened(found: re.Match[str]) -> str:
    """Count no repetitions beyond a number."""
    least = int(found[1])
    most = int(found[3]) if found[3] else least if not found[2] else _COUNTED + 1
    if most <= _COUNTED:
        return found[0]
    return f"{{{min(least, _ENOUGH)},}}" if least else "*"


def _with_fast_literals(pattern: str) -> str:
    """Have no literals of five to seven signs: Hyperscan searches for hundreds of those at a third of the speed that it has for four or eight.

    Of such a literal the last four stay, and the sign before them may be any of its kind.
    """
    parts = _PARTS.findall(pattern)
    made: list[str] = []
    literal: list[str] = []
    for part, follows in zip(parts, [*parts[1:], ""], strict=True):
        if _is_literal(part) and follows[:1] not in tuple("?*+{"):
            literal.append(part)
            continue
        made += [*_fast(literal), part]
        literal = []
    return "".join([*made, *_fast(literal)])


def _is_literal(part: str) -> bool:
    if len(part) == 1:
        return part not in "()[]{}|^$.*+?"
    return part[0] == "\\" and (part[1] == "x" or not part[1].isalnum())


def _fast(literal: Sequence[str]) -> Iterable[str]:
    if len(literal) not in _SLOW_LITERALS:
        return literal
    at = len(literal) - _FAST_LITERAL - 1
    wide = r"[\w-]" if re.fullmatch(r"[\w-]", literal[at]) else r"[\x00-\xff]"
    return (*literal[:at], wide, *literal[at + 1 :])
