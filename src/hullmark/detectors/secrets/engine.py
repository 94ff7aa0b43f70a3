"""Looks for all secrets of all rules at once.

Hyperscan (https://intel.github.io/hyperscan/dev-reference/) says at which ends which patterns match; without start of match, which would make
the patterns too large for it. What it finds is confirmed by `re` on a window around the end, then by the rule's proof, by what the value is
and by where it stands. What is remembered of a secret is a keyed digest.
"""

import bisect
import functools
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import hyperscan
from msgspec.structs import replace

from hullmark.detectors.secrets.context import judged, skipped
from hullmark.detectors.secrets.rule import END, WINDOW, SecretRule
from hullmark.detectors.secrets.values import entropy, reason_it_is_none
from hullmark.model.facts import Secret
from hullmark.model.globs import fits_any

VERSION = 1
_RELEASE = str(getattr(hyperscan, "__version__", ""))
BEHIND = 512
"""So much of what follows a match may decide whether it is one."""
HEAD = 8192
"""A NUL byte in so many first bytes makes a file a binary one: only rules that say so look into it."""
_RAW_HITS = 50_000  # of Hyperscan in one piece: a file of nothing else ends there
_OF_A_RULE = 100  # in one file
_TRIES = 2_000  # of a rule in one file
_LINE_SHOWN = 512
_ALLOWED = re.compile(
    rb"(?:gitleaks|betterleaks|hullmark|kingfisher|trufflehog|trivy|nosec)[: ]\s?(?:allow|ignore)",
    re.IGNORECASE,
)
_LINES = re.compile(r"\\[nrsWDS]|\(\?s|\[\^(?![^\]]*\\[nrs])")
_UTF16 = (rb"\xff\xfe(?:[\x09-\x7e]\x00){3}", rb"\xfe\xff(?:\x00[\x09-\x7e]){3}")
"""How a text in UTF-16 begins; these stand before the rules."""


class Match(NamedTuple):
    """A secret in a text: the bytes from `start` to `end` are its value."""

    rule: SecretRule
    start: int
    end: int
    value: bytes


class Place(NamedTuple):
    """What stands before a text in its file: so many line ends, and so many bytes since the last of them."""

    lines: int = 0
    columns: int = 0


class _Pattern(NamedTuple):
    regex: re.Pattern[bytes]
    allow: re.Pattern[bytes] | None
    reach: int
    lines: bool
    fits: Callable[[str], bool] | None


class Engine:
    """All rules, compiled.

    `rules` give the rules; they are asked for when something is found, or must be compiled. `name` stands for all that they look for: under it `load`
    and `save` keep what was compiled (some seconds of work) for the next time; what is loaded and does not fit is made anew. `key` makes the fingerprints.
    `allowed` are patterns of values that are nobody's secret, `skip` tells of paths that are not looked at: a user's own.
    """

    def __init__(
        self,
        rules: Callable[[], Sequence[SecretRule]],
        key: bytes,
        *,
        name: str = "",
        load: Callable[[str], bytes | None] = lambda _name: None,
        save: Callable[[str, bytes], None] = lambda _name, _body: None,
        allowed: Sequence[re.Pattern[bytes]] = (),
        skip: Callable[[str], bool] = lambda _path: False,
    ) -> None:
        self._rules = rules
        self._key = key
        self._allowed = tuple(allowed)
        self._skip = skip
        self._patterns: dict[int, _Pattern] = {}
        self._database = _database(rules, name, load, save)
        self._scratch = hyperscan.Scratch(self._database)

    def clone(self) -> "Engine":
        """Give one for another thread: a scratch space is of one alone."""
        other = object.__new__(Engine)
        other.__dict__.update(self.__dict__)
        other._scratch = hyperscan.Scratch(self._database)
        return other

    @functools.cached_property
    def rules(self) -> tuple[SecretRule, ...]:
        """All rules, in the order of their numbers."""
        return tuple(self._rules())

    def hits(self, body: bytes) -> tuple[list[tuple[int, int]], bool]:
        """Give (rule, end) of all that may be a match, and whether there may be more. A number below 0 is the begin of a text in UTF-16."""
        found: list[tuple[int, int]] = []
        add = found.append

        def note(number: int, _start: int, end: int, _flags: int, _context: object) -> bool:
            add((number - len(_UTF16), end))
            return len(found) >= _RAW_HITS

        try:
            self._database.scan(body, match_event_handler=note, scratch=self._scratch)
        except hyperscan.ScanTerminated:
            return found, True
        return found, False

    def search(self, path: str, body: bytes, place: Place | None = None) -> tuple[list[Secret], bool]:
        """Give the secrets of a file that is held whole, and whether there may be more."""
        for begin, encoding in zip(_UTF16, ("utf-16-le", "utf-16-be"), strict=True):
            if re.match(begin, body):
                body = body[2:].decode(encoding, "replace").encode()
        found, more = self.hits(body)
        if not found:
            return [], more
        secrets, cut = self.confirmed(
            path, body, (0, len(body)), found, binary=b"\0" in body[:HEAD], place=place or Place()
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
        if self._skip(path):
            return [], False
        ends: dict[int, list[int]] = {}
        for number, end in found:
            ends.setdefault(number, []).append(end)
        matches: list[Match] = []
        cut = False
        for number in sorted(ends):
            if number < 0:
                continue
            rule, fits = self.rules[number], self._pattern(number).fits
            if (binary and not rule.binary) or (fits is not None and not fits(path)) or skipped(path, rule):
                continue
            of_rule, more = self._matches(number, body, region, ends[number])
            matches += of_rule
            cut |= more
        secrets = [self._secret(match, path, body, region, place) for match in _apart(matches)]
        if binary:  # which has no lines
            secrets = list(
                dict.fromkeys(replace(secret, line=0, column=0, end_column=0) for secret in secrets)
            )
        return secrets, cut

    def _matches(
        self, number: int, body: bytes, region: tuple[int, int], ends: Sequence[int]
    ) -> tuple[list[Match], bool]:
        rule, pattern = self.rules[number], self._pattern(number)
        low, high = region
        found: list[Match] = []
        done = low
        for tried, end in enumerate(sorted(set(ends))):
            if end <= done:
                continue
            if tried >= _TRIES or len(found) >= _OF_A_RULE:
                return found, True
            start = max(done, end - pattern.reach)
            if not pattern.lines:
                start = max(start, body.rfind(b"\n", start, max(end - 1, start)) + 1)
            for match in pattern.regex.finditer(body, start, min(high, end + BEHIND)):
                if match.start() >= end:
                    break
                done = max(done, match.end())
                if (kept := self._kept(rule, pattern, match)) is not None:
                    found.append(kept)
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
                fits_any(rule.paths) if rule.paths else None,
            )
        return made

    def _kept(self, rule: SecretRule, pattern: _Pattern, match: re.Match[bytes]) -> Match | None:
        group = "secret" if "secret" in pattern.regex.groupindex else 0
        value, (start, end) = match[group], match.span(group)
        if not value or (pattern.allow is not None and pattern.allow.fullmatch(value)):
            return None
        if any(allowed.search(value) for allowed in self._allowed):
            return None
        text = value.decode("utf-8", "replace")
        if rule.entropy and entropy(text) < rule.entropy:
            return None
        if rule.valid is not None and not rule.valid(text):
            return None
        if reason_it_is_none(text, generic=rule.generic):
            return None
        return Match(rule, start, end, value)

    def _secret(self, match: Match, path: str, body: bytes, region: tuple[int, int], place: Place) -> Secret:
        low, high = region
        line_start = max(body.rfind(b"\n", low, match.start) + 1, low)
        before = body.count(b"\n", low, match.start)
        column = match.start - line_start + 1 + (place.columns if not before else 0)
        line_end = body.find(b"\n", match.end, min(high, match.end + _LINE_SHOWN))
        shown = body[
            max(line_start, match.start - _LINE_SHOWN) : line_end
            if line_end >= 0
            else min(high, match.end + _LINE_SHOWN)
        ]
        confidence, reason = judged(path, shown.decode("utf-8", "replace"), match.rule)
        allowed = _ALLOWED.search(shown)
        return Secret(
            rule=match.rule.rule.id,
            line=place.lines + before + 1,
            column=column,
            end_column=column + match.end - match.start,
            fingerprint=fingerprint(self._key, match.rule.rule.id, match.value),
            confidence=confidence,
            reason=reason,
            allowed=allowed[0].decode("ascii", "replace").lower() if allowed else "",
        )


def fingerprint(key: bytes, rule: str, value: bytes) -> str:
    """Give the keyed digest by which a secret is known: HMAC-SHA256 of rule and value (RFC 2104)."""
    return hmac.new(key, rule.encode() + b"\0" + value, hashlib.sha256).hexdigest()


def _apart(matches: list[Match]) -> list[Match]:
    """Give each value once: a generic rule yields to one that knows the format, of two of a kind the longer value counts."""
    order = sorted(matches, key=lambda m: (m.rule.generic, m.start - m.end, m.start, m.rule.rule.id))
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


def _searched(pattern: str) -> bytes:
    """Give what Hyperscan looks for: without what follows the value, since a file may end there in the midst of a stream."""
    return pattern.removesuffix(END).removesuffix("\\b").encode()


def _reach(pattern: str) -> int:
    """Say how long a match can be."""
    from re import _parser  # type: ignore[attr-defined]  # the only place that tells

    return min(int(_parser.parse(pattern).getwidth()[1]) + 1, WINDOW)


def _database(
    rules: Callable[[], Sequence[SecretRule]],
    name: str,
    load: Callable[[str], bytes | None],
    save: Callable[[str, bytes], None],
) -> "hyperscan.Database":
    kept = hashlib.blake2b(repr((VERSION, _RELEASE, name)).encode(), digest_size=16).hexdigest()
    if name and (body := load(kept)) is not None:
        try:
            return hyperscan.loadb(body, hyperscan.HS_MODE_BLOCK)
        except hyperscan.error:
            pass  # of another machine, or damaged
    every = [*_UTF16, *(_searched(rule.pattern) for rule in rules())]
    made = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    made.compile(
        expressions=every,
        ids=list(range(len(every))),
        elements=len(every),
        flags=[flags(one) for one in every],
    )
    if name:
        save(kept, hyperscan.dumpb(made))
    return made


def flags(pattern: bytes) -> int:
    """Give Hyperscan's flags for a pattern: one with a look-around or a back reference is only searched for roughly."""
    rough = re.search(rb"\(\?<?[=!]|\(\?P=|\\[1-9]|\(\?>|[*+?}]\+", pattern)
    return hyperscan.HS_FLAG_PREFILTER if rough else 0


def problem_of(pattern: bytes) -> str:
    """Say why a pattern cannot be searched for, nothing where it can."""
    try:
        hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK).compile(
            expressions=[pattern], ids=[0], elements=1, flags=[flags(pattern)]
        )
    except hyperscan.error as problem:
        return str(problem)
    return ""
