"""Quotes, escapes and `$variables` in one word of a Dockerfile, as BuildKit's `frontend/dockerfile/shell` takes them.

Specification: https://docs.docker.com/reference/dockerfile/#environment-replacement.
"""

import re
from collections.abc import Mapping

_NAME = re.compile(r"[0-9]+|[@*#?\-$!]|\w+")
_PLAIN = {escape: re.compile(rf"[^'\"${re.escape(escape)}}}/]+") for escape in "\\`"}
_INSIDE = {escape: re.compile(rf'[^"${re.escape(escape)}]+') for escape in "\\`"}
_MOST = 1 << 16  # characters that a value may have; what doubles itself at each step ends here
_DEEPEST = 32  # of ${a:-${b:-…}}


class MalformedError(ValueError):
    """A quote or brace without its end, or a `${…}` of a kind that there is not; `offset` is where it begins."""

    def __init__(self, offset: int, what: str) -> None:
        super().__init__(what)
        self.offset = offset


def unquote(text: str, escape: str = "\\") -> str:
    """Take quotes and escapes off; variables stay as they are written."""
    if "$" not in text and "'" not in text and '"' not in text and escape not in text:
        return text
    return Lexer(text, None, escape).read("", raw=False)


def expand(text: str, values: Mapping[str, str], escape: str = "\\") -> tuple[str, frozenset[str]]:
    """Take quotes and escapes off and put values in. Tells also which names have none where one was needed; they are empty, as in a build."""
    lexer = Lexer(text, values, escape)
    return lexer.read("", raw=False), frozenset(lexer.missing)


class Lexer:
    def __init__(self, text: str, values: Mapping[str, str] | None, escape: str) -> None:
        self.text = text
        self.at = 0
        self.values = values
        self.escape = escape
        self.depth = 0
        self.missing: set[str] = set()

    def _value(self, name: str) -> str:
        value = self.values.get(name) if self.values is not None else None
        if value is None:
            self.missing.add(name)
        return value or ""

    def read(self, stop: str, *, raw: bool) -> str:
        """Read up to `stop` (and behind it), or to the end where that is empty. `raw` keeps escapes, as patterns need them."""
        text, begin = self.text, self.at
        parts: list[str] = []
        size = 0
        while self.at < len(text):
            char = text[self.at]
            if char == stop:
                self.at += 1
                return "".join(parts)
            parts.append(self._piece(char, raw=raw))
            size += len(parts[-1])
            if size > _MOST and self.values is not None:
                raise MalformedError(begin, "a value that is too long")
        if stop:
            raise MalformedError(begin, f"a “${{” without its “{stop}”")
        return "".join(parts)

    def _piece(self, char: str, *, raw: bool) -> str:
        if char == "'":
            return self.single()
        if char == '"':
            return self.double(raw=raw)
        if char == "$":
            return self.dollar()
        if char == self.escape:
            taken = self.text[self.at + 1 : self.at + 2]
            self.at += 2
            return char + taken if raw else taken
        plain = _PLAIN[self.escape].match(self.text, self.at)
        piece = plain[0] if plain else char
        self.at += len(piece)
        return piece

    def single(self) -> str:
        end = self.text.find("'", self.at + 1)
        if end < 0:
            raise MalformedError(self.at, "a single quote without its end")
        piece = self.text[self.at + 1 : end]
        self.at = end + 1
        return piece

    def double(self, *, raw: bool) -> str:
        text, begin = self.text, self.at
        self.at += 1
        parts: list[str] = []
        while self.at < len(text):
            char = text[self.at]
            if char == '"':
                self.at += 1
                return "".join(parts)
            if char == "$":
                parts.append(self.dollar())
            elif char == self.escape:
                following = text[self.at + 1 : self.at + 2]
                known = following in {'"', "$", self.escape}
                parts.append((char if raw or not known else "") + (following if known else ""))
                self.at += 2 if known else 1
            else:
                plain = _INSIDE[self.escape].match(text, self.at)
                assert plain
                parts.append(plain[0])
                self.at = plain.end()
        raise MalformedError(begin, "a double quote without its end")

    def dollar(self) -> str:
        begin = self.at
        self.at += 1
        if self.text[self.at : self.at + 1] != "{":
            name = self._name()
            return self._value(name) if name and self.values is not None else self.text[begin : self.at]
        self.at += 1
        self.depth += 1
        if self.depth > _DEEPEST:
            raise MalformedError(begin, "“${” inside one another too often")
        value = self._braces(begin)
        self.depth -= 1
        return self.text[begin : self.at] if self.values is None else value

    def _name(self) -> str:
        found = _NAME.match(self.text, self.at)
        if not found:
            return ""
        self.at = found.end()
        return found[0]

    def _braces(self, begin: int) -> str:
        if self.text[self.at : self.at + 1] in {"", "{", "}", ":"}:
            raise MalformedError(begin, "a “${” without a name or end")
        name = self._name()
        sign = self.text[self.at : self.at + 1]
        self.at += 1
        if sign == "}":
            return self._value(name)
        if sign == "/":
            return self._replace(name)
        empty_is_unset = sign == ":"
        if empty_is_unset:
            sign = self.text[self.at : self.at + 1]
            self.at += 1
        if sign not in {"-", "+", "?", "#", "%"} or (empty_is_unset and sign in "#%"):
            raise MalformedError(begin, f"“${{{name}” followed by what no builder knows")
        word = self.read("}", raw=sign in "#%")
        return self._modified(name, sign, word, empty_is_unset=empty_is_unset)

    def _modified(self, name: str, sign: str, word: str, *, empty_is_unset: bool) -> str:
        if sign in "#%":
            longest = word.startswith(sign)
            return (trim_prefix if sign == "#" else trim_suffix)(
                self._value(name), word[longest:], longest=longest
            )
        if sign == "?":
            return self._value(name)
        # Whether it is set is all that counts: `${a:-b}` is known where `a` is not.
        value = (self.values or {}).get(name)
        unset = value is None or (empty_is_unset and not value)
        if sign == "-":
            return word if unset else value or ""
        return "" if unset else word

    def _replace(self, name: str) -> str:
        everywhere = self.text[self.at : self.at + 1] == "/"
        self.at += everywhere
        pattern = self.read("/", raw=True)
        replacement = self.read("}", raw=True)
        return replace(self._value(name), pattern, replacement, everywhere=everywhere)


def _pieces(pattern: str, *, backwards: bool = False) -> list[re.Pattern[str]]:
    """Split a pattern at each `*`: what stands between has a length of its own, so that each is looked for once."""
    pieces: list[list[str]] = [[]]
    signs = iter(pattern)
    for sign in signs:
        if sign == "*":
            pieces.append([])
        elif sign == "?":
            pieces[-1].append(".")
        else:
            pieces[-1].append(re.escape(next(signs, sign) if sign == "\\" else sign))
    if backwards:
        pieces = [piece[::-1] for piece in reversed(pieces)]
    return [re.compile("".join(piece), re.DOTALL) for piece in pieces]


def _match(
    pieces: list[re.Pattern[str]], text: str, at: int, *, longest: bool, anchored: bool
) -> tuple[int, int] | None:
    """Find where a pattern begins and ends: each piece as early as may be, the last one as late for the longest."""
    first = pieces[0].match(text, at) if anchored else pieces[0].search(text, at)
    if not first:
        return None
    end = first.end()
    for number, piece in enumerate(pieces[1:], 2):
        found = piece.search(text, end)
        if not found:
            return None
        if longest and number == len(pieces):
            width = found.end() - found.start()
            late = next(start for start in range(len(text) - width, -1, -1) if piece.match(text, start))
            return first.start(), late + width
        end = found.end()
    return first.start(), end


def trim_prefix(value: str, pattern: str, *, longest: bool) -> str:
    """Do `${value#pattern}`, or `##` for the longest."""
    found = _match(_pieces(pattern), value, 0, longest=longest, anchored=True)
    return value[found[1] :] if found else value


def trim_suffix(value: str, pattern: str, *, longest: bool) -> str:
    """Do `${value%pattern}`, or `%%` for the longest."""
    found = _match(_pieces(pattern, backwards=True), value[::-1], 0, longest=longest, anchored=True)
    return value[: len(value) - found[1]] if found else value


def replace(value: str, pattern: str, replacement: str, *, everywhere: bool) -> str:
    """Do `${value/pattern/replacement}`, or `//` for each place."""
    pieces = _pieces(pattern)
    parts: list[str] = []
    at = 0
    while found := _match(pieces, value, at, longest=True, anchored=False):
        start, end = found
        if start == end == len(value) and parts:  # nothing is left behind the last match
            break
        parts += [value[at:start], replacement]
        at = end
        if end == start:  # an empty match steps over one character
            parts.append(value[at : at + 1])
            at += 1
        if not everywhere or at > len(value):
            break
    return "".join([*parts, value[at:]])
