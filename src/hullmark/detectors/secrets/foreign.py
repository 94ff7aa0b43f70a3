"""Rules and allow-lists of a team's own, in the files that they have for gitleaks, betterleaks and Trivy.

Formats: github.com/gitleaks/gitleaks, "Configuration" (TOML); trivy.dev, "Secret scanning", `trivy-secret.yaml`. Their patterns are Go's (RE2),
which are brought into what `re` reads; what cannot be is an error with the rule's name, since a rule that never fires would be taken for one that found nothing.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from hullmark.detectors._formats import documents, plainyaml
from hullmark.detectors.detector import File, MalformedError
from hullmark.detectors.secrets.rule import SecretRule
from hullmark.model.advisory import Severity
from hullmark.model.errors import UsageError
from hullmark.model.rule import Rule, known_as, normal

MAX_BYTES = 4 * 1024 * 1024
_MOST = 2_000
_MOST_PATTERN = 4_000
_POSIX = {
    "alnum": "a-zA-Z0-9", "alpha": "a-zA-Z", "digit": "0-9", "lower": "a-z", "upper": "A-Z", "space": r"\s", "xdigit": "0-9a-fA-F", "word": r"\w",
    "punct": r"!-/:-@\[-`{-~",
}  # fmt: skip
_MOST_LINES = 100_000
_COMMIT = re.compile(r"\A[0-9a-f]{7,64}:")
_FLAGS = re.compile(r"\(\?([imsU]+)\)")


class Allow(Struct, frozen=True, kw_only=True):
    """What is nobody's secret: for the rules with these names (all when empty), what fits the patterns or holds one of the words.

    `target` is what the patterns are for: the `value`, the whole `match`, or the `line`. With `every`, all that it names must fit.
    """

    rules: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    target: str = "value"
    every: bool = False


class Ignored(Struct, frozen=True):
    """A place that is known: what `.gitleaksignore` has as `file:rule:line`; the line says where this is written."""

    path: str
    rule: str
    line: int
    said: str


class SecretConfig(Struct, frozen=True, kw_only=True):
    """What a team's file says. `left_out` is what has no meaning here, each with its place."""

    rules: tuple[SecretRule, ...] = ()
    disabled: tuple[str, ...] = ()
    allows: tuple[Allow, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    left_out: tuple[str, ...] = ()


def read(name: str, body: bytes) -> SecretConfig:
    """Read a file in the format that its name says. Raises `UsageError` for what is none, with the rule that is wrong."""
    if len(body) > MAX_BYTES:
        raise UsageError(f"larger than {MAX_BYTES} bytes", where=name)
    file = File(name, body)
    if name.endswith("gitleaksignore"):
        return _ignored(name, file.text())
    try:
        if name.endswith((".yaml", ".yml")):
            return _trivy(name, next(plainyaml.documents(file), {}))
        return _gitleaks(name, documents.toml(file))
    except (MalformedError, RecursionError) as problem:
        raise UsageError(
            f"cannot be read: {str(getattr(problem, 'reason', problem))[:300]}", where=name
        ) from problem


def _ignored(name: str, text: str) -> SecretConfig:
    """Read gitleaks' fingerprints, `[commit:]file:rule:line`, one a line. Those with a commit speak of a repository's history: the commit is passed over."""
    found: list[Ignored] = []
    left_out: list[str] = []
    for number, line in enumerate(text.splitlines()[:_MOST_LINES], start=1):
        said = line.partition("#")[0].strip()
        if not said:
            continue
        parts = said.rsplit(":", 2)
        if len(parts) < 3 or not (parts[2].isascii() and parts[2].isdigit() and len(parts[2]) < 10):
            left_out.append(f"line {number}: {said[:80]}")
            continue
        path = _COMMIT.sub("", parts[0]).strip("/")
        found.append(Ignored(path, normal(parts[1]), int(parts[2]), f"{name}:{number}"))
    return SecretConfig(ignored=tuple(found), left_out=tuple(left_out))


def joined(configs: Sequence[SecretConfig]) -> SecretConfig:
    """Give what several files say together."""
    return SecretConfig(
        rules=tuple(rule for each in configs for rule in each.rules),
        disabled=tuple(name for each in configs for name in each.disabled),
        allows=tuple(allow for each in configs for allow in each.allows),
        ignored=tuple(one for each in configs for one in each.ignored),
        left_out=tuple(what for each in configs for what in each.left_out),
    )


def _gitleaks(name: str, content: dict[str, Any]) -> SecretConfig:
    extend = content.get("extend")
    extend = extend if isinstance(extend, dict) else {}
    left_out = [f"extend.{key}" for key in ("path", "url") if extend.get(key)]
    rules: list[SecretRule] = []
    allows = [_allow(name, "", each) for each in _tables(content, "allowlist", "allowlists")]
    for each in _tables(content, "", "rules"):
        rule_id = str(each.get("id", ""))
        allows += [_allow(name, rule_id, one) for one in _tables(each, "allowlist", "allowlists")]
        if not each.get("regex"):
            if each.get("path"):
                left_out.append(f"rule {rule_id}: a path alone")
            continue
        rules.append(_gitleaks_rule(name, rule_id, each))
    disabled = tuple(map(str, extend.get("disabledRules") or ()))
    return SecretConfig(
        rules=tuple(rules),
        # gitleaks leaves its own rules out unless a file extends them; ours are what the scan is for
        disabled=disabled[:_MOST],
        allows=tuple(allows),
        left_out=tuple(left_out),
    )


def _gitleaks_rule(name: str, rule_id: str, each: dict[str, Any]) -> SecretRule:
    group = each.get("secretGroup")
    pattern = named(_pattern(name, rule_id, str(each["regex"])), group if isinstance(group, int) else 0)
    return _rule(
        rule_id,
        str(each.get("description", "")),
        Severity.HIGH,
        pattern,
        entropy=_number(each.get("entropy")),
        path=_searched(name, rule_id, str(each["path"])) if each.get("path") else "",
    )


def _trivy(name: str, content: Any) -> SecretConfig:
    if not isinstance(content, dict):
        raise UsageError("is no mapping of settings", where=name)
    rules: list[SecretRule] = []
    allows = [_trivy_allow(name, "", each) for each in _tables(content, "", "allow-rules")]
    for each in _tables(content, "", "rules"):
        rule_id = str(each.get("id", ""))
        allows += [_trivy_allow(name, rule_id, one) for one in _tables(each, "", "allow-rules")]
        if not each.get("regex"):
            raise UsageError(f"rule {rule_id[:80]!r} has no regex", where=name)
        pattern = _pattern(name, rule_id, str(each["regex"]))
        if group := str(each.get("secret-group-name", "")):
            pattern = pattern.replace(f"(?P<{group}>", "(?P<secret>", 1)
        severity = str(each.get("severity", "high")).lower()
        rules.append(
            _rule(
                rule_id,
                str(each.get("title", "")),
                Severity(severity) if severity in set(Severity) else Severity.HIGH,
                pattern,
                path=_searched(name, rule_id, str(each["path"])) if each.get("path") else "",
            )
        )
    enabled = [str(word) for word in content.get("enable-builtin-rules") or ()]
    left_out = ["enable-builtin-rules: all of ours are looked for"] if enabled else []
    left_out += [f"{key}" for key in ("exclude-block", "disable-allow-rules") if content.get(key)]
    disabled = tuple(map(str, content.get("disable-rules") or ()))[:_MOST]
    return SecretConfig(rules=tuple(rules), disabled=disabled, allows=tuple(allows), left_out=tuple(left_out))


def _rule(
    rule_id: str, title: str, severity: Severity, pattern: str, *, entropy: float = 0.0, path: str = ""
) -> SecretRule:
    about = Rule(
        id=re.sub(r"[^A-Za-z0-9_.-]", "-", rule_id)[:100] or "unnamed",
        kind="secret",
        severity=severity,
        summary=" ".join(title.split())[:200] or f"what the rule {rule_id[:80]} of your own finds",
        why="Whoever can pull the image can read it.",
        fix="Revoke it, then give it to the build as a secret mount or to the container when it starts.",
    )
    return SecretRule(rule=about, pattern=pattern, entropy=entropy, path_pattern=path, own=True)


def _allow(name: str, rule: str, each: dict[str, Any]) -> Allow:
    target = {"match": "match", "line": "line"}.get(str(each.get("regexTarget", "")), "value")
    named = tuple(map(str, each.get("targetRules") or ())) or ((rule,) if rule else ())
    return Allow(
        rules=named,
        patterns=tuple(_searched(name, rule, text) for text in _texts(each.get("regexes"))),
        paths=tuple(_searched(name, rule, text) for text in _texts(each.get("paths"))),
        words=tuple(word.lower() for word in _texts(each.get("stopwords"))),
        target=target,
        every=str(each.get("condition", "OR")).upper() == "AND",
    )


def _trivy_allow(name: str, rule: str, each: dict[str, Any]) -> Allow:
    return Allow(
        rules=(rule,) if rule else (),
        patterns=tuple(_searched(name, rule, text) for text in _texts(each.get("regex"))),
        paths=tuple(_searched(name, rule, text) for text in _texts(each.get("path"))),
        target="match",
    )


def _tables(content: dict[str, Any], one: str, many: str) -> list[dict[str, Any]]:
    found: list[Any] = [content[one]] if one and isinstance(content.get(one), dict) else []
    listed = content.get(many)
    found += listed if isinstance(listed, list) else []
    return [each for each in found[:_MOST] if isinstance(each, dict)]


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value] if value else []
    return [text for text in value[:_MOST] if isinstance(text, str)] if isinstance(value, list) else []


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _pattern(name: str, rule: str, text: str) -> str:
    """Bring a pattern of Go's into what `re` reads. Raises `UsageError` for what cannot be."""
    if len(text) > _MOST_PATTERN:
        raise UsageError(f"rule {rule[:80]!r} has a pattern of {len(text)} signs", where=name)
    from hullmark.detectors.secrets.linear import problem_of

    made = translated(text)
    if unfit := problem_of(made.encode()):
        raise UsageError(
            f"rule {rule[:80]!r} has a pattern that cannot be searched for: {unfit}",
            where=name,
            hint=text[:200],
        )
    try:
        re.compile(made.encode())
    except (re.error, RecursionError, OverflowError) as problem:
        raise UsageError(
            f"rule {rule[:80]!r} has a pattern that cannot be read: {problem}", where=name, hint=text[:200]
        ) from problem
    return made


def _searched(name: str, rule: str, text: str) -> str:
    """Give a pattern that is only searched for, which Hyperscan does, in its own words. Raises `UsageError` for one that it does not read."""
    from hullmark.detectors.secrets.linear import problem_of

    unfit = problem_of(text.encode()) if len(text) <= _MOST_PATTERN else f"it has {len(text)} signs"
    if unfit:
        raise UsageError(
            f"rule {rule[:80]!r} has a pattern that cannot be read: {unfit}", where=name, hint=text[:200]
        )
    return text


def translated(text: str) -> str:
    r"""Give a pattern in RE2's words (github.com/google/re2/wiki/Syntax) in those of `re`: `(?i)` in the midst, `\z`, `[[:alnum:]]`, `\pL`."""
    for word, signs in _POSIX.items():
        text = text.replace(f"[:{word}:]", signs)
    text = text.replace(r"\z", r"\Z").replace(r"\Q", "").replace(r"\E", "")
    out: list[str] = []
    open_groups: list[int] = [0]
    at = 0
    in_class = False
    while at < len(text):
        sign = text[at]
        if sign == "\\":
            out.append(text[at : at + 2])
            at += 2
            continue
        if in_class:
            in_class = sign != "]" or text[at - 1] == "["
        elif sign == "[":
            in_class = True
        elif (found := _FLAGS.match(text, at)) is not None:
            out.append(f"(?{found[1].replace('U', '')}:" if found[1] != "U" else "(?:")
            open_groups[-1] += 1
            at = found.end()
            continue
        elif sign == "(":
            open_groups.append(0)
        elif sign == ")" and len(open_groups) > 1:
            out.append(")" * open_groups.pop())
        out.append(sign)
        at += 1
    return "".join(out) + ")" * sum(open_groups)


def named(pattern: str, group: int) -> str:
    """Give a pattern whose group of that number is named `secret`; with 0 its first group, as gitleaks takes it, where it has one."""
    number = 0
    at = 0
    in_class = False
    while at < len(pattern):
        sign = pattern[at]
        if sign == "\\":
            at += 2
            continue
        if in_class:
            in_class = sign != "]"
        elif sign == "[":
            in_class = True
        elif sign == "(" and (pattern[at + 1 : at + 2] != "?" or pattern.startswith("(?P<", at)):
            number += 1
            if number == max(group, 1):
                end = pattern.index(">", at) if pattern.startswith("(?P<", at) else at
                return f"{pattern[:at]}(?P<secret>{pattern[end + 1 :]}"
        at += 1
    return pattern


def ids(rules: Iterable[SecretRule], disabled: Sequence[str]) -> frozenset[str]:
    """Give the ids of the rules that are known by one of these names."""
    wanted = frozenset(map(normal, disabled))
    return frozenset(each.rule.id for each in rules if wanted & known_as(each.rule))
