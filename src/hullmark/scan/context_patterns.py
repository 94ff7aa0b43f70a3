"""Patterns over the paths of a build context: those of `.dockerignore`, as moby/patternmatcher takes them, and those of `COPY`, Go's filepath.Match.

Sources: github.com/moby/patternmatcher (`patternmatcher.go`, `ignorefile/ignorefile.go`), which Docker and BuildKit use; pkg.go.dev/path/filepath#Match.
"""

import posixpath
import re
from typing import Literal, NamedTuple

from hullmark.model.errors import UsageError

_MOST_PATTERNS = 2_000
_LONGEST = 1_000
_CLASS = re.compile(r"\[\^?(?:\\.|[^\\\]])+\]", re.DOTALL)
_SPECIAL = re.compile(r"[*?\[\]\\]")


class _Sign(NamedTuple):
    """What a pattern asks for next: `one` sign (a class or literal of `re`), `some` within a name, `all` there is, or folders.

    Folders are two: `fork` goes on behind them as well, `within` ends with a slash.
    """

    kind: Literal["one", "some", "all", "fork", "within"]
    text: str = ""


class Pattern:
    """A pattern that fits a path, or a folder that the path is in."""

    def __init__(self, signs: list[_Sign], suffix: str | None = None) -> None:
        self._suffix = suffix
        self._signs = signs
        is_slow = sum(sign.kind == "fork" for sign in signs) > 1
        self._fast = None if is_slow else re.compile(_expression(signs) + r"(?:/|\Z)", re.DOTALL)

    def fits(self, path: str) -> bool:
        """Tell whether it fits a path or a folder above it."""
        if self._suffix is not None:
            return _ends(path, self._suffix)
        if self._fast is not None:
            return self._fast.match(path) is not None
        return self._steps(path)

    def _steps(self, path: str) -> bool:
        """Take the path sign by sign, at all places of the pattern at once: with several `**` nothing else is quick on every path."""
        last = len(self._signs)
        places = self._closed({0})
        for sign in path:
            if last in places and sign == "/":
                return True
            places = self._closed({to for place in places if place < last for to in self._after(place, sign)})
            if not places:
                return False
        return last in places

    def _after(self, place: int, sign: str) -> tuple[int, ...]:
        kind, text = self._signs[place]
        if kind == "one":
            return (place + 1,) if re.fullmatch(text, sign, re.DOTALL) else ()
        if kind == "within":
            return (place, place + 1) if sign == "/" else (place,)
        return (place,) if kind == "all" or (kind == "some" and sign != "/") else ()

    def _closed(self, places: set[int]) -> set[int]:
        """Add the places that are reached without a sign of the path."""
        found: set[int] = set()
        waiting = list(places)
        while waiting:
            place = waiting.pop()
            if place in found:
                continue
            found.add(place)
            kind = self._signs[place].kind if place < len(self._signs) else "one"
            if kind in {"some", "all", "fork"}:
                waiting += [place + 1, place + 2] if kind == "fork" else [place + 1]
        return found


def _expression(signs: list[_Sign]) -> str:
    """Make a regular expression that takes no name long: what stands before a star's end is found once and for all."""
    made = ""
    for number, (kind, text) in enumerate(signs):
        if kind == "one":
            made += text
        elif kind == "some":
            fixed = len(signs) - number - 1
            for length, sign in enumerate(signs[number + 1 :]):
                if sign.kind != "one":
                    fixed = length
                    break
            end = number + 1 + fixed
            if end < len(signs) and signs[end].kind == "some":
                own = "".join(sign.text for sign in signs[number + 1 : end])
                made += f"(?>[^/]*?{own})" if own else ""
                return made + _expression(signs[end:])
            made += "[^/]*"
        elif kind == "fork":
            made += "(?:.*/)?"
        elif kind == "all":
            made += ".*"
    return made


def _ends(path: str, suffix: str) -> bool:
    """Tell whether a path, or a folder above it, ends with a text; one that begins with a slash may be all of it."""
    if not suffix:
        return True
    return f"{suffix}/" in f"{path}/" or (suffix[0] == "/" and f"{path}/".startswith(f"{suffix[1:]}/"))


class IgnoreRules:
    """What a `.dockerignore` leaves out: the last pattern that fits decides. `problems` says which lines are no patterns."""

    def __init__(self, text: str) -> None:
        self.problems: list[str] = []
        self._rules: list[tuple[Pattern, bool]] = []
        for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
            if len(self._rules) >= _MOST_PATTERNS:
                self.problems.append(f"more than {_MOST_PATTERNS} patterns")
                break
            if not line.startswith("#"):  # behind a blank it is no comment
                self._take(line.strip(), number)
        self.has_exceptions = any(is_exception for _, is_exception in self._rules)

    def _take(self, words: str, number: int) -> None:
        is_exception = words.startswith("!")
        pattern = words.removeprefix("!").strip()
        if not pattern:
            return
        try:
            # blanks go once more, when the slashes around them are gone
            clean = _clean(pattern).rstrip() if is_exception else _clean(pattern).strip()
            clean = posixpath.normpath(clean or ".")
            self._rules.append((_ignoring(clean), is_exception))
        except UsageError as problem:
            self.problems.append(f"line {number}: {problem.what}")

    def leaves_out(self, path: str) -> bool:
        """Tell whether a file is no part of the build context."""
        for pattern, is_exception in reversed(self._rules):
            if pattern.fits(path):
                return not is_exception
        return False


def ignore_pattern(text: str) -> Pattern:
    """Read a pattern as those of `.dockerignore`, of `--exclude` or `--parents`. Raises `UsageError` for one that is none."""
    return _ignoring(_clean(text))


def _ignoring(clean: str) -> Pattern:
    if clean.startswith("**") and not _SPECIAL.search(clean[2:]):
        return Pattern([], suffix=clean[2:])  # `**x` is whatever ends with x, also within a name
    return Pattern(_signs(clean, folders=True))


def source_pattern(text: str) -> Pattern:
    """Read a source of `COPY` or `ADD`: `**` is no more than `*`, and nothing is above the context. Raises `UsageError` for one that is none."""
    clean = _clean(f"/{text}")
    return Pattern([_Sign("all")] if clean == "/" else _signs(clean, folders=False))


def _clean(text: str) -> str:
    if len(text) > _LONGEST:
        raise UsageError(f"a pattern of more than {_LONGEST} signs", where=text[:80])
    return posixpath.normpath(text).lstrip("/") or "/"


def _signs(text: str, *, folders: bool) -> list[_Sign]:
    signs: list[_Sign] = []
    at = 0
    while at < len(text):
        char = text[at]
        at += 1
        if char == "*" and folders and text.startswith("*", at):
            at += 2 if text.startswith("/", at + 1) else 1
            signs += [_Sign("fork"), _Sign("within")] if at < len(text) else [_Sign("all")]
        elif char == "*":
            if not signs or signs[-1].kind != "some":
                signs.append(_Sign("some"))
        elif char == "?":
            signs.append(_Sign("one", "[^/]"))
        elif char == "[":
            found = _CLASS.match(text, at - 1)
            if found is None:
                raise UsageError("a “[” without its “]”", where=text[:80])
            signs.append(_Sign("one", _class(found[0])))
            at = found.end()
        else:
            if char == "\\" and at < len(text):
                char, at = text[at], at + 1
            signs.append(_Sign("one", re.escape(char)))
    return signs


def _class(text: str) -> str:
    """Make a class of `re` of one of Go's. Raises `UsageError` where it is none."""
    begin = 2 if text.startswith("[^") else 1
    parts = re.findall(r"\\.|[^\\]", text[begin:-1], re.DOTALL)
    made = "".join("-" if part == "-" else re.escape(part[-1]) for part in parts)
    found = f"[{'^' * (begin - 1)}{made}]"
    try:
        re.compile(found)
    except re.error as problem:
        raise UsageError("a class of signs that is none", where=text[:80]) from problem
    return found
