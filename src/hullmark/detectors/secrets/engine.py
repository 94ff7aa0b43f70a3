"""Looks for all secrets of all rules at once.

What Hyperscan finds (`compiled`) is confirmed by `re` on a window around the end, then by the rule's proof, by what the value is and by where it
stands. What is remembered of a secret is a keyed digest.
"""

import bisect
import functools
import hashlib
import hmac
import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from hullmark.detectors.secrets.compiled import Compiled, Kind
from hullmark.detectors.secrets.context import judged, skipped
from hullmark.detectors.secrets.foreign import Allow
from hullmark.detectors.secrets.linear import AnyOf, Spans, is_slow
from hullmark.detectors.secrets.rule import END, WINDOW, SecretRule
from hullmark.detectors.secrets.values import entropy, reason_it_is_none
from hullmark.model.facts import Secret
from hullmark.model.globs import fits_any
from hullmark.model.rule import Confidence, known_as, normal

BEHIND = WINDOW
"""So much of what follows the end that Hyperscan tells may belong to a match."""
HEAD = 8192
"""A NUL byte in so many first bytes makes a file a binary one: only rules that say so look into it."""
_OF_A_RULE = 100  # in one file
_LOOKED_BYTES = 8 * 1024 * 1024  # by a rule in one file, window by window
_LINE_SHOWN = 512
_SURE: tuple[Confidence, ...] = ("high", "medium", "low")
_NAMED = 128  # so much before a value may hold its name
_ALLOWED = re.compile(
    rb"(?:gitleaks|betterleaks|hullmark|kingfisher|trufflehog|trivy|nosec)[: ]\s?(?:allow|ignore)",
    re.IGNORECASE,
)
_LINES = re.compile(r"\\[nrsWDS]|\(\?s|\[\^(?![^\]]*\\[nrs])")
_UTF16 = (
    (re.compile(rb"\xff\xfe(?:[\x09-\x7e]\x00){3}"), "utf-16-le"),
    (re.compile(rb"\xfe\xff(?:\x00[\x09-\x7e]){3}"), "utf-16-be"),
    (re.compile(rb"(?:[\t\n\r -~]\x00){8}"), "utf-16-le"),
    (re.compile(rb"(?:\x00[\t\n\r -~]){8}"), "utf-16-be"),
)
"""How a text in UTF-16 begins, with a byte order mark or without, and its encoding."""
WIDE_HEAD = 16
"""So many first bytes tell."""


class Match(NamedTuple):
    """A secret in a text: the bytes from `start` to `end` are its value."""

    rule: SecretRule
    start: int
    end: int
    value: bytes


class Place(NamedTuple):
    """What stands before a text in its file: so many line ends, and so many bytes since the last of them.

    `returns` and `since` are the same of carriage returns, as long as there is no line feed: they end the lines of some files.
    """

    lines: int = 0
    columns: int = 0
    returns: int = 0
    since: int = 0

    def after(self, part: bytes) -> "Place":
        """Give the place behind a part."""
        lines, columns = _passed(self.lines, self.columns, part, b"\n")
        return Place(lines, columns, *(() if lines else _passed(self.returns, self.since, part, b"\r")))


def begin_of(body: bytes, at: int) -> Place:
    """Give the place of the begin of a file that begins there: a byte order mark is no column."""
    return Place(0, -len(BOM_UTF8), 0, -len(BOM_UTF8)) if body.startswith(BOM_UTF8, at) else Place()


class _Pattern(NamedTuple):
    regex: re.Pattern[bytes]
    allow: re.Pattern[bytes] | None
    reach: int
    lines: bool
    fits: Callable[[str], bool] | None
    slow: Spans | None


class _Allowed:
    """An entry of a team's allow-list, compiled."""

    def __init__(self, allow: Allow) -> None:
        self._allow = allow
        self._rules = frozenset(map(normal, allow.rules))
        self._patterns = AnyOf(allow.patterns)
        self._paths = AnyOf(allow.paths)

    def covers(self, rule: SecretRule, path: str, texts: Mapping[str, bytes]) -> bool:
        """Tell whether it speaks of a match."""
        allow = self._allow
        if self._rules and not self._rules & known_as(rule.rule):
            return False
        said = []
        if allow.patterns:
            said.append(bool(self._patterns.found(texts[allow.target])))
        if allow.paths:
            said.append(bool(self._paths.found(path.encode("utf-8", "replace"))))
        if allow.words:
            value = texts["value"].decode("utf-8", "replace").lower()
            said.append(any(word in value for word in allow.words))
        return bool(said) and (all(said) if allow.every else any(said))


class Engine:
    """All rules, compiled.

    `rules` give the rules; they are asked for when something is found, or must be compiled. `name` stands for all that they look for: under it `load`
    and `save` keep what was compiled (some seconds of work) for the next time; what is loaded and does not fit is made anew. `key` makes the fingerprints.
    `allows` say what is nobody's secret: a team's own.
    """

    def __init__(
        self,
        rules: Callable[[], Sequence[SecretRule]],
        key: bytes,
        *,
        name: str = "",
        load: Callable[[str], bytes | None] = lambda _name: None,
        save: Callable[[str, bytes], None] = lambda _name, _body: None,
        allows: Sequence[Allow] = (),
    ) -> None:
        self._rules = rules
        self._key = key
        self._allows = [_Allowed(allow) for allow in allows]
        self._patterns: dict[int, _Pattern] = {}
        self.compiled = Compiled(rules, name, load, save)

    def clone(self) -> "Engine":
        """Give one for another thread: a scratch space is of one alone."""
        other = object.__new__(Engine)
        other.__dict__.update(self.__dict__)
        other.compiled = self.compiled.clone()
        return other

    @functools.cached_property
    def rules(self) -> tuple[SecretRule, ...]:
        """All rules, in the order of their numbers."""
        return tuple(self._rules())

    def kind_of(self, path: str, body: bytes, low: int, high: int) -> Kind:
        """Say what a file is whose content stands there in a text, or the first part of it."""
        if body.find(b"\0", low, min(low + HEAD, high)) >= 0:
            return "binary"
        return "named" if self.compiled.is_named(path) else "text"

    def search(self, path: str, body: bytes) -> tuple[list[Secret], bool]:
        """Give the secrets of a file that is held whole, and whether there may be more."""
        if encoding := wide_encoding(body):
            body = body[2 * (body[0] >= 0xFE) :].decode(encoding, "replace").encode()
        kind = self.kind_of(path, body, 0, len(body))
        found, more = self.compiled.hits(body, kind)
        if not found:
            return [], more
        secrets, cut = self.confirmed(
            path, body, (0, len(body)), found, binary=kind == "binary", place=begin_of(body, 0)
        )
        return secrets, more or cut

    def confirmed(
        self,
        path: str,
        body: bytes,
        region: tuple[int, int],
        found: Iterable[tuple[int, int]],
        *,
        binary: bool,
        place: Place,
    ) -> tuple[list[Secret], bool]:
        """Give the secrets among what Hyperscan found in a file, which is the region of a text; `place` is where the region begins."""
        ends: dict[int, list[int]] = {}
        for number, end in found:
            ends.setdefault(number, []).append(end)
        matches: list[Match] = []
        cut = False
        for number in sorted(ends):
            rule, fits = self.rules[number], self._pattern(number).fits
            if (fits is not None and not fits(path)) or skipped(path, rule):
                continue
            of_rule, more = self._matches(number, path, body, region, ends[number])
            matches += of_rule
            cut |= more
        secrets = [self._secret(match, path, body, region, place) for match in _apart(matches)]
        if binary:  # which has no lines
            secrets = list(
                dict.fromkeys(replace(secret, line=0, column=0, end_column=0) for secret in secrets)
            )
        return secrets, cut

    def _matches(
        self, number: int, path: str, body: bytes, region: tuple[int, int], ends: Sequence[int]
    ) -> tuple[list[Match], bool]:
        rule, pattern = self.rules[number], self._pattern(number)
        low, high = region
        found: list[Match] = []
        done = low
        looked = 0
        for end in sorted(set(ends)):
            if end <= done:
                continue
            if looked > _LOOKED_BYTES or len(found) >= _OF_A_RULE:
                return found, True
            start = max(done, end - pattern.reach)
            if not pattern.lines:
                start = max(start, body.rfind(b"\n", start, max(end - 1, start)) + 1)
            # A match begins before that end, so that it cannot reach further.
            stop = min(high, end + min(pattern.reach, BEHIND))
            if not pattern.lines and (line_end := body.find(b"\n", end, stop)) >= 0:
                stop = line_end + 1
            looked += stop - start
            for whole, value in _spans(pattern, body, start, stop):
                if whole[0] >= end:
                    break
                done = max(done, whole[1])
                match = Match(rule, *value, body[slice(*value)])
                if self._is_kept(match, pattern, body) and not self._is_allowed(
                    match, path, body, whole, region
                ):
                    found.append(match)
            done = max(done, end)
        return found, False

    def _pattern(self, number: int) -> _Pattern:
        """Compile a rule's pattern when it first has something to confirm."""
        made = self._patterns.get(number)
        if made is None:
            rule = self.rules[number]
            made = self._patterns[number] = _Pattern(
                re.compile(rule.pattern.encode()),
                re.compile(rule.allow.encode()) if rule.allow else None,
                _reach(rule.pattern),
                _LINES.search(rule.pattern.removesuffix(END)) is not None,
                _fits(rule),
                Spans(rule.pattern) if rule.own and is_slow(rule.pattern) else None,
            )
        return made

    @staticmethod
    def _is_kept(match: Match, pattern: _Pattern, body: bytes) -> bool:
        """Tell whether a value can be a secret of its rule."""
        rule, value = match.rule, match.value
        if not value or (pattern.allow is not None and pattern.allow.fullmatch(value)):
            return False
        text = value.decode("utf-8", "replace")
        if rule.entropy and entropy(text) < rule.entropy:
            return False
        if rule.valid is not None and not rule.valid(text):
            return False
        before = (
            body[max(0, match.start - _NAMED) : match.start].rpartition(b"\n")[2] if rule.generic else b""
        )
        named = before.decode("utf-8", "replace")
        return rule.own or rule.plain or not reason_it_is_none(text, generic=rule.generic, before=named)

    def _is_allowed(
        self, match: Match, path: str, body: bytes, whole: tuple[int, int], region: tuple[int, int]
    ) -> bool:
        """Tell whether a team's own list says that it is nobody's secret."""
        if not self._allows:
            return False
        start = max(body.rfind(b"\n", region[0], whole[0]) + 1, whole[0] - _LINE_SHOWN, region[0])
        end = body.find(b"\n", whole[1], whole[1] + _LINE_SHOWN)
        texts = {
            "value": match.value,
            "match": body[slice(*whole)],
            "line": body[start : end if end >= 0 else min(whole[1] + _LINE_SHOWN, region[1])],
        }
        return any(allowed.covers(match.rule, path, texts) for allowed in self._allows)

    def _secret(self, match: Match, path: str, body: bytes, region: tuple[int, int], place: Place) -> Secret:
        low, high = region
        ends = _line_ends(match, body, region, place)
        line_start = max(body.rfind(ends, low, match.start) + 1, low)
        before = body.count(ends, low, match.start)
        lines, columns = place[:2] if ends == b"\n" else place[2:]
        column = match.start - line_start + 1 + (columns if not before else 0)
        line_end = body.find(ends, match.end, min(high, match.end + _LINE_SHOWN))
        shown = body[
            max(line_start, match.start - _LINE_SHOWN) : line_end
            if line_end >= 0
            else min(high, match.end + _LINE_SHOWN)
        ]
        confidence, reason = judged(
            path, shown.decode("utf-8", "replace"), match.rule, match.value.decode("utf-8", "replace")
        )
        allowed = _ALLOWED.search(shown)
        return Secret(
            rule=match.rule.rule.id,
            line=lines + before + 1,
            column=column,
            end_column=column + match.end - match.start,
            fingerprint=fingerprint(self._key, match.rule.rule.id, match.value),
            confidence=confidence,
            reason=reason,
            allowed=allowed[0].decode("ascii", "replace").lower() if allowed else "",
        )


def _passed(lines: int, columns: int, part: bytes, end: bytes) -> tuple[int, int]:
    count = part.count(end)
    return (lines + count, len(part) - part.rfind(end) - 1) if count else (lines, columns + len(part))


def _line_ends(match: Match, body: bytes, region: tuple[int, int], place: Place) -> bytes:
    """Say what ends the lines around a match: a carriage return where no line feed stands before it or soon after it."""
    low, high = region
    is_fed = place.lines or body.find(b"\n", low, min(high, match.end + _LINE_SHOWN)) >= 0
    return b"\n" if is_fed else b"\r"


def wide_encoding(body: bytes) -> str:
    """Give the encoding of a text in UTF-16 by how it begins; nothing for all else."""
    return next((name for begin, name in _UTF16 if begin.match(body)), "")


def fingerprint(key: bytes, rule: str, value: bytes) -> str:
    """Give the keyed digest by which a secret is known: HMAC-SHA256 of rule and value (RFC 2104)."""
    return hmac.new(key, rule.encode() + b"\0" + value, hashlib.sha256).hexdigest()


def _apart(matches: list[Match]) -> list[Match]:
    """Give each value once: a generic rule yields to one that knows the format, then count the surer one, the longer value, the rule for fewer files."""
    order = sorted(
        matches,
        key=lambda m: (
            m.rule.generic,
            _SURE.index(m.rule.confidence),
            m.start - m.end,
            m.start,
            len(m.rule.paths) or WINDOW,
            m.rule.rule.id,
        ),
    )
    kept: list[Match] = []
    starts: list[int] = []
    for match in order:
        at = bisect.bisect_left(starts, match.start)
        before = kept[at - 1] if at else None
        after = kept[at] if at < len(kept) else None
        if (before is not None and before.end > match.start) or (
            after is not None and after.start < match.end
        ):
            continue
        kept.insert(at, match)
        starts.insert(at, match.start)
    return kept


def _spans(
    pattern: _Pattern, body: bytes, start: int, stop: int
) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Give where a pattern matches, and where the value is in it."""
    if pattern.slow is not None:
        for begin, end in pattern.slow.found(body[start:stop]):
            yield (start + begin, start + end), (start + begin, start + end)
        return
    group = "secret" if "secret" in pattern.regex.groupindex else 0
    for match in pattern.regex.finditer(body, start, stop):
        yield match.span(), match.span(group)


def _fits(rule: SecretRule) -> Callable[[str], bool] | None:
    """Give what tells at which paths a rule looks, None for all."""
    if rule.path_pattern:
        patterns = AnyOf((rule.path_pattern,))
        return lambda path: bool(patterns.found(path.encode("utf-8", "replace")))
    return fits_any(rule.paths) if rule.paths else None


def _reach(pattern: str) -> int:
    """Say how long a match can be."""
    from re import _parser  # type: ignore[attr-defined]  # the only place that tells

    return min(int(_parser.parse(pattern).getwidth()[1]) + 1, WINDOW)
