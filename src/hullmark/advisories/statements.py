"""All that a part says of one package, in one piece: read at once, and asked of it for which rows a version holds.

A piece is columns, not rows: a kernel's four thousand rows name a hundred versions, and neighbours in a column are alike,
which a compressor likes. The ends of ranges are numbers of texts, each text with its scheme's sort key, so that a version is
compared with each text once, however many rows name it. A column that is the same in all rows is its one value.
"""

from collections.abc import Callable, Container, Iterable, Sequence
from typing import Annotated, NamedTuple

import msgspec

from hullmark.model.advisory import Severity, State

STATES: tuple[State, ...] = ("affected", "not_affected", "will_not_fix", "end_of_life", "under_investigation")
LEVELS = tuple(Severity)
SCOPES = ("binary", "source")


class More(msgspec.Struct, frozen=True, array_like=True):
    """What few statements have."""

    arches: tuple[str, ...] = ()
    module: str = ""
    cpes: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()
    note: str = ""


class Row(msgspec.Struct, frozen=True, array_like=True):
    """One statement: a range, or a list of versions (`listed`, where the texts of a range are empty).

    `mark` tells the advisory's record from others of the same id (`records.py`). `low` and `high` are the sort keys of the ends: of `introduced`, and of `fixed`,
    else `last_affected`; None for what has no text, or none that can be ordered. An `undecided` row has an end that cannot be ordered
    and then holds for every version, or ends that stand the wrong way round and then holds between them.
    """

    advisory: str
    mark: int
    bundle: bool
    scope: int
    state: int
    level: int
    introduced: str = ""
    fixed: str = ""
    last_affected: str = ""
    low: bytes | None = None
    high: bytes | None = None
    undecided: bool = False
    listed: tuple[str, ...] | None = None
    more: More | None = None


class Statement(NamedTuple):
    """One row about a package that a version falls into, or may fall into when `undecided`."""

    part: str
    mark: int
    advisory: str
    bundle: bool
    scope: str
    state: State
    undecided: bool
    introduced: str
    fixed: str
    last_affected: str
    level: Severity
    more: More
    by_list: bool

    @property
    def span(self) -> str:
        """Give the range as published."""
        if self.by_list:
            return "listed versions"
        low = f">= {self.introduced}" if self.introduced else ""
        high = f"< {self.fixed}" if self.fixed else ""
        high = high or (f"<= {self.last_affected}" if self.last_affected else "")
        return ", ".join(part for part in (low, high) if part) or "all versions"


_Number = Annotated[int, msgspec.Meta(ge=0)]
_Numbers = _Number | list[_Number]


class Piece(msgspec.Struct, frozen=True, array_like=True):
    """The rows of a package as they are stored. Numbers of texts begin at 1, as those of `mores` and `lists`; 0 is none."""

    texts: list[str]
    keys: list[bytes | None]
    mores: list[More]
    lists: list[bytes]
    advisories: list[str]
    marks: list[_Number]
    flags: _Numbers
    introduced: _Numbers
    fixed: _Numbers
    last_affected: _Numbers
    more: _Numbers
    listed: _Numbers


_BUNDLE, _UNDECIDED, _UPTO, _STATE, _LEVEL = 2, 4, 8, 4, 7
"""What the flags of a row say besides its scope: three bits, and where state and level begin."""
_FLAGS = frozenset(
    low | state << _STATE | level << _LEVEL
    for low in range(1 << _STATE)
    for state in range(len(STATES))
    for level in range(len(LEVELS))
)
_ENCODE = msgspec.msgpack.Encoder().encode
_PIECE = msgspec.msgpack.Decoder(Piece)
_LIST = msgspec.msgpack.Decoder(tuple[str, ...])
_NO_MORE = More()


def pack(rows: Sequence[Row]) -> bytes:
    """Make the piece of these rows, whose order is kept."""
    texts: dict[tuple[str, bytes | None], int] = {}
    mores: dict[More, int] = {}
    lists: dict[tuple[str, ...], int] = {}

    def text(words: str, key: bytes | None) -> int:
        return texts.setdefault((words, key), len(texts) + 1) if words else 0

    columns: list[list[int]] = [[] for _ in range(6)]
    for row in rows:
        upto = not row.fixed and bool(row.last_affected)
        values = (
            row.scope
            | (row.bundle and _BUNDLE)
            | (row.undecided and _UNDECIDED)
            | (upto and _UPTO)
            | row.state << _STATE
            | row.level << _LEVEL,
            text(row.introduced, row.low),
            text(row.fixed, row.high),
            text(row.last_affected, row.high if upto else None),
            mores.setdefault(row.more, len(mores) + 1) if row.more is not None else 0,
            lists.setdefault(row.listed, len(lists) + 1) if row.listed is not None else 0,
        )
        for column, value in zip(columns, values, strict=True):
            column.append(value)
    return _ENCODE(
        Piece(
            [words for words, _ in texts],
            [key for _, key in texts],
            list(mores),
            [_ENCODE(each) for each in lists],
            [row.advisory for row in rows],
            [row.mark for row in rows],
            *(column[0] if len(set(column)) == 1 else column for column in columns),
        )
    )


def unpack(body: bytes) -> Piece:
    """Read a piece. Raises `ValueError` for what is none; which texts and lists the rows name is not looked at."""
    piece = _PIECE.decode(body)
    if not _FLAGS.issuperset(piece.flags if isinstance(piece.flags, list) else (piece.flags,)):
        raise ValueError("a row has a state or severity that there is not")
    if len(piece.keys) != len(piece.texts):
        raise ValueError("its texts and their sort keys are not of one number")
    return piece


def rows(piece: Piece, only: Container[tuple[str, int]] | None = None) -> list[Row]:
    """Give the rows of a piece, `only` those of some records (id, mark) where these are given. Raises `IndexError` or `ValueError` where it contradicts itself."""
    texts, keys = ["", *piece.texts], [None, *piece.keys]
    mores = [None, *piece.mores]
    lists = [None, *map(_LIST.decode, piece.lists)]
    return [
        Row(
            advisory,
            mark,
            bool(flags & _BUNDLE),
            flags & 1,
            flags >> _STATE & 7,
            flags >> _LEVEL,
            texts[start],
            texts[fix],
            texts[last],
            keys[start],
            keys[last if flags & _UPTO else fix],
            bool(flags & _UNDECIDED),
            lists[listed],
            mores[more],
        )
        for advisory, mark, flags, start, fix, last, more, listed in zip(
            piece.advisories, piece.marks, *_columns(piece), strict=True
        )
        if only is None or (advisory, mark) in only
    ]


def holding(
    piece: Piece,
    part: str,
    scope: str,
    key: bytes | None,
    text: str,
    *,
    keyed: bool = True,
    key_of: Callable[[str], bytes | None] = lambda _text: None,
) -> list[Statement]:
    """Give the statements that hold for a version: `key` its sort key, None when it has none, `text` as it is written.

    With `keyed` false the range is not asked: every statement is given. `key_of` gives the sort keys of listed versions, so
    that `1.0` is on a list that has `1.0.0`. Raises `IndexError` or `ValueError` where the piece contradicts itself.
    """
    wanted = SCOPES.index(scope)
    if isinstance(piece.flags, int) and piece.flags & 1 != wanted:
        return []
    texts, mores = ["", *piece.texts], [_NO_MORE, *piece.mores]
    columns = _columns(piece)
    flags, starts, fixes, lasts, more, listed = columns
    chosen = _in_range(piece, columns, key) if key is not None and keyed else range(len(piece.marks))
    on_list = {0: True}  # by number: many rows may have the same list
    found = []
    for at in chosen:
        flag, start, fix, last, list_of = flags[at], starts[at], fixes[at], lasts[at], listed[at]
        if flag & 1 != wanted:
            continue
        if keyed and list_of not in on_list:
            on_list[list_of] = _is_listed(piece.lists[list_of - 1], key, text, key_of)
        if keyed and not on_list[list_of]:
            continue
        unsure = flag & _UNDECIDED or (key is None and keyed and (start or fix or last))
        found.append(
            Statement(
                part,
                piece.marks[at],
                piece.advisories[at],
                bool(flag & _BUNDLE),
                scope,
                STATES[flag >> _STATE & 7],
                bool(unsure),
                texts[start],
                texts[fix],
                texts[last],
                LEVELS[flag >> _LEVEL],
                mores[more[at]],
                bool(list_of),
            )
        )
    return found


def _in_range(piece: Piece, columns: list[list[int]], key: bytes) -> Iterable[int]:
    """Give the numbers of the rows into whose range a version of this sort key falls."""
    flags, starts, fixes, lasts, *_ = columns
    below = [True, *(each is None or key < each for each in piece.keys)]
    if isinstance(piece.flags, int) and not piece.flags & (_UNDECIDED | _UPTO) and piece.introduced == 0:
        return [at for at, fix in enumerate(fixes) if below[fix]]
    above = [True, *(each is None or each <= key for each in piece.keys)]
    upto = [True, *(each is None or key <= each for each in piece.keys)]
    return [
        at
        for at, (flag, start, fix, last) in enumerate(zip(flags, starts, fixes, lasts, strict=True))
        if (
            _between(piece.keys, start, fix or last, key)
            if flag & _UNDECIDED
            else above[start] and (upto[last] if flag & _UPTO else below[fix])
        )
    ]


def _between(keys: Sequence[bytes | None], start: int, end: int, key: bytes) -> bool:
    """Tell whether a version may be in a range whose ends cannot be ordered, or stand the wrong way round."""
    low, high = (keys[each - 1] if each else None for each in (start, end))
    return low is None or high is None or high <= key <= low


def _is_listed(listed: bytes, key: bytes | None, text: str, key_of: Callable[[str], bytes | None]) -> bool:
    texts = _LIST.decode(listed)
    return text in texts or (key is not None and key in map(key_of, texts))


def _columns(piece: Piece) -> list[list[int]]:
    """Give the columns of numbers, each as long as the others. Raises `ValueError` where they cannot be."""
    length = len(piece.marks)
    columns = [
        each if isinstance(each, list) else [each] * length
        for each in (
            piece.flags,
            piece.introduced,
            piece.fixed,
            piece.last_affected,
            piece.more,
            piece.listed,
        )
    ]
    if {len(piece.advisories), *map(len, columns)} != {length}:
        raise ValueError("its columns are not of one length")
    return columns
