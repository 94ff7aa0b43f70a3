"""`.hadolint.yaml`: what a team told Hadolint, read as it is.

Format: github.com/hadolint/hadolint, "Configure".
"""

from typing import Any, Literal, get_args

from msgspec import Struct

from hullmark.detectors._formats import plainyaml
from hullmark.detectors.detector import File, MalformedError
from hullmark.model.advisory import Severity
from hullmark.model.errors import UsageError

_Level = Literal["error", "warning", "info", "style"]
LEVELS = {
    "error": Severity.HIGH,
    "warning": Severity.MEDIUM,
    "info": Severity.LOW,
    "style": Severity.NEGLIGIBLE,
}
"""Hadolint's levels, as severities."""
_KNOWN = (
    "failure-threshold", "format", "ignored", "label-schema", "no-color", "no-fail", "override", "strict-labels", "disable-ignore-pragma", "trustedRegistries",
)  # fmt: skip
_KINDS = frozenset({"text", "rawtext", "rfc3339", "semver", "url", "hash", "spdx", "email"})
_MOST_BYTES = 1024 * 1024
_MOST = 1000


class HadolintConfig(Struct, frozen=True, kw_only=True):
    """What the file says. `severities` are by rule as written there; `labels` are what kind of value each has; `threshold` None: the default, an empty one: nothing fails; `strange` are names that mean nothing."""

    ignored: tuple[str, ...] = ()
    severities: dict[str, Severity] = {}
    registries: tuple[str, ...] = ()
    labels: dict[str, str] = {}
    strict_labels: bool = False
    threshold: Severity | None = None
    never_fails: bool = False
    comments_count: bool = True
    strange: tuple[str, ...] = ()


def read(body: bytes, name: str) -> HadolintConfig:
    """Read the file. Raises `UsageError` for what is none."""
    if len(body) > _MOST_BYTES:
        raise UsageError(f"larger than {_MOST_BYTES} bytes", where=name)
    try:
        content = next(plainyaml.documents(File(name, body)), None)
    except (MalformedError, RecursionError) as problem:
        raise UsageError(
            f"cannot be read: {str(getattr(problem, 'reason', problem))[:300]}", where=name
        ) from problem
    if not content:
        return HadolintConfig()
    if not isinstance(content, dict):
        raise UsageError("is no mapping of settings", where=name, hint="ignored: [DL3008]")
    severities = _severities(content.get("override"), name)
    word = str(content.get("failure-threshold", "")).lower()
    if word and word not in {*LEVELS, "ignore", "none"}:
        raise UsageError(
            f"failure-threshold is {word[:40]!r}", where=name, hint=f"{', '.join(LEVELS)} or none"
        )
    trusted = content.get("trustedRegistries")
    return HadolintConfig(
        ignored=_words(content.get("ignored"), "ignored", name),
        severities=severities,
        registries=_words([trusted] if isinstance(trusted, str) else trusted, "trustedRegistries", name),
        labels=_labels(content.get("label-schema"), name),
        strict_labels=_is(content, "strict-labels"),
        threshold=LEVELS.get(word),
        never_fails=_is(content, "no-fail") or word in {"ignore", "none"},
        comments_count=not _is(content, "disable-ignore-pragma"),
        strange=tuple(sorted(str(key)[:80] for key in content if key not in _KNOWN)),
    )


def _is(content: dict[str, Any], key: str) -> bool:
    return str(content.get(key)).lower() in {"true", "yes", "on"}


def _severities(given: Any, name: str) -> dict[str, Severity]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise UsageError("override is no mapping", where=name, hint="override: {error: [DL3001]}")
    found: dict[str, Severity] = {}
    for level in get_args(_Level):
        for rule in _words(given.get(level), f"override.{level}", name):
            found[rule] = LEVELS[level]
    return found


def _labels(given: Any, name: str) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, dict) or len(given) > _MOST:
        raise UsageError("label-schema is no mapping", where=name, hint="label-schema: {author: text}")
    for label, kind in given.items():
        if str(kind).lower() not in _KINDS:
            raise UsageError(
                f"label-schema has {str(kind)[:40]!r} for {str(label)[:80]!r}",
                where=name,
                hint=", ".join(sorted(_KINDS)),
            )
    return {str(label): str(kind).lower() for label, kind in given.items()}


def _words(given: Any, what: str, name: str) -> tuple[str, ...]:
    if given is None:
        return ()
    if not isinstance(given, list) or len(given) > _MOST or not all(isinstance(word, str) for word in given):
        raise UsageError(f"{what} is no list of words", where=name)
    return tuple(given)
