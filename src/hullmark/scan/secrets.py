"""The secrets of an image: in every file of every layer, and in its own configuration."""

import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from hullmark.model.advisory import SEVERITY_RANK
from hullmark.model.facts import FileFacts, Secret, Unread
from hullmark.model.image import Layer
from hullmark.model.report import SecretFinding, SecretSource, Silenced
from hullmark.model.rule import Rule
from hullmark.scan.cache import FactCache
from hullmark.scan.searching import SECRETS, Searcher

if TYPE_CHECKING:
    from hullmark.scan.overlay import Merged

Config = dict[str, Any]
_CONFIDENCE = {"high": 0, "medium": 1, "low": 2}
_ROWS = msgspec.msgpack.Decoder(tuple[FileFacts, ...])
_MOST_TEXTS = 10_000
_TEXT_BYTES = 1024 * 1024
_ORDER: tuple[SecretSource, ...] = ("environment", "label", "command", "history")


class _Text(NamedTuple):
    """A text of the configuration: what it is, the field that it stands in, and the layer that its instruction made (-1: none)."""

    source: SecretSource
    field: str
    text: str
    layer: int = -1


class _Placed(NamedTuple):
    secret: Secret
    source: SecretSource
    path: str
    layer: int


class Secrets(NamedTuple):
    """The secrets of an image, those that a comment allows, and the id of the key that their fingerprints were made with."""

    found: tuple[SecretFinding, ...] = ()
    silenced: tuple[Silenced, ...] = ()
    key_id: str = ""
    unread: tuple[Unread, ...] = ()


def secrets_of(
    searcher: Searcher,
    cache: FactCache,
    merged: "Merged",
    layers: Sequence[Layer],
    files: Sequence[Sequence[FileFacts]],
    config: Config,
    skip: Callable[[str], bool],
) -> Secrets:
    """Put together what was found in the files of each layer (`files`, from the lowest up) and what stands in the configuration."""
    texts = list(_texts(config, len(layers)))
    in_config = _searched(searcher, cache, texts)
    placed = [*_in_files(merged, files, skip), *_in_config(texts, in_config)]
    unread = tuple(fact for entry in in_config for fact in entry.facts if isinstance(fact, Unread))
    if not placed:
        return Secrets(unread=unread)  # a key that made nothing shapes nothing
    rules = {each.rule.id: each.rule for each in searcher.rules()}
    found: dict[tuple[object, ...], SecretFinding] = {}
    silenced: dict[Silenced, None] = {}
    for secret, source, path, number in placed:
        known = searcher.known_place(rules[secret.rule], path, secret.line)
        if secret.allowed or known:
            reason = known or f"{secret.allowed} in its line"
            silenced[Silenced(reason, secret.rule, path, secret.line, secret.fingerprint)] = None
            continue
        rule = rules[secret.rule]
        layer = layers[number] if 0 <= number < len(layers) else None
        made = secret_finding(secret, rule, source, path, number, layer)
        found.setdefault(_identity(made), made)
    return Secrets(
        tuple(sorted(found.values(), key=_order)),
        tuple(sorted(silenced, key=_silenced_order)),
        searcher.key_id,
        unread,
    )


def secret_finding(
    secret: Secret, rule: Rule, source: SecretSource, path: str, number: int = -1, layer: Layer | None = None
) -> SecretFinding:
    """Make the finding of a secret that stands at a path; `number` is that of its layer."""
    return SecretFinding(
        rule=rule.id,
        severity=rule.severity,
        confidence=secret.confidence,
        message=rule.summary,
        source=source,
        path=path,
        line=secret.line,
        column=secret.column,
        end_column=secret.end_column,
        fingerprint=secret.fingerprint,
        reason=secret.reason,
        layer=number,
        layer_digest=layer.digest if layer is not None else "",
        created_by=layer.created_by if layer is not None else "",
        from_base=layer.from_base if layer is not None else None,
        same_as=rule.same_as,
        controls=rule.controls,
    )


def _identity(finding: SecretFinding) -> tuple[object, ...]:
    """Tell apart what is told: a value once in the configuration, wherever it stands in it, and once in each line of a path."""
    if finding.source in _ORDER:
        return finding.rule, finding.fingerprint
    return finding.rule, finding.fingerprint, finding.path, finding.line, finding.column


def _order(finding: SecretFinding) -> tuple[object, ...]:
    return (
        SEVERITY_RANK[finding.severity],
        _CONFIDENCE[finding.confidence],
        finding.path,
        finding.line,
        finding.column,
        finding.rule,
        finding.layer,
    )


def _silenced_order(entry: Silenced) -> tuple[object, ...]:
    return entry.path, entry.line, entry.rule, entry.fingerprint


def _in_files(
    merged: "Merged", files: Sequence[Sequence[FileFacts]], skip: Callable[[str], bool]
) -> Iterator[_Placed]:
    """Give the secrets of files: first those that show, since what lies under them is the same where it says the same."""
    shown = {(seen.layer, seen.path) for (name, _), seen in merged.files.items() if name == SECRETS}
    hidden: list[_Placed] = []
    for number in range(len(files) - 1, -1, -1):
        for entry in files[number]:
            if skip(entry.path):
                continue
            is_shown = (number, entry.path) in shown
            for fact in entry.facts:
                if isinstance(fact, Secret):
                    source: SecretSource = "file" if is_shown else "deleted_file"
                    placed = _Placed(fact, source, entry.path, number)
                    if is_shown:
                        yield placed
                    else:
                        hidden.append(placed)
    yield from hidden


def _in_config(texts: Sequence[_Text], found: Iterable[FileFacts]) -> Iterator[_Placed]:
    by_field = {text.field: text for text in texts}
    placed = [
        _Placed(
            msgspec.structs.replace(fact, line=0, column=0, end_column=0), text.source, text.field, text.layer
        )
        for entry in found
        if (text := by_field.get(entry.path)) is not None
        for fact in entry.facts
        if isinstance(fact, Secret)
    ]
    yield from sorted(placed, key=lambda each: (_ORDER.index(each.source), each.path, each.secret.rule))


def _searched(searcher: Searcher, cache: FactCache, texts: Sequence[_Text]) -> tuple[FileFacts, ...]:
    """Search the configuration, or give what is remembered of just these texts."""
    if not texts:
        return ()
    shape = msgspec.msgpack.encode(
        [searcher.row_key(b"config"), *((text.field, text.text) for text in texts)]
    )
    digest = hashlib.sha256(shape).hexdigest()
    if (row := cache.text_facts(digest)) is not None:
        try:
            return _ROWS.decode(row)
        except msgspec.DecodeError:
            pass
    found = []
    for text in texts:
        secrets, more = searcher.engine.search(text.field, text.text.encode("utf-8", "replace"))
        facts: list[Secret | Unread] = [*secrets]
        if more:
            facts.append(
                Unread(kind="record", path=text.field, reason="more secrets than are listed of one text")
            )
        if facts:
            found.append(FileFacts(text.field, tuple(facts)))
    cache.remember_text(digest, msgspec.msgpack.encode(found))
    return tuple(found)


def _texts(config: Config, layers: int) -> Iterator[_Text]:
    """Give the texts of a configuration (OCI image specification, config.md) in which a secret may stand."""
    given = config.get("config")
    inner = given if isinstance(given, dict) else {}
    for text in itertools.islice(itertools.chain(_fields(inner), _history(config, layers)), _MOST_TEXTS):
        if text.text:
            yield text._replace(text=text.text[:_TEXT_BYTES])


def _fields(inner: Config) -> Iterator[_Text]:
    for number, entry in enumerate(_strings(inner.get("Env"))):
        name = entry.partition("=")[0][:100] or str(number)
        yield _Text("environment", f"config.Env.{name}", f"{entry}\n")
    labels = inner.get("Labels")
    for name, value in labels.items() if isinstance(labels, dict) else ():
        if isinstance(value, str):
            yield _Text("label", f"config.Labels.{name[:200]}", f"{name}={value}\n")
    healthcheck = inner.get("Healthcheck")
    commands = {name: inner.get(name) for name in ("Entrypoint", "Cmd", "Shell", "OnBuild")}
    commands["Healthcheck.Test"] = healthcheck.get("Test") if isinstance(healthcheck, dict) else None
    for name, value in commands.items():
        yield _Text("command", f"config.{name}", " ".join(_strings(value)))


def _history(config: Config, layers: int) -> Iterator[_Text]:
    """Give the instructions, each with its layer where the numbers fit."""
    entries = config.get("history")
    if not isinstance(entries, list):
        return
    filled = sum(isinstance(entry, dict) and not entry.get("empty_layer") for entry in entries)
    layer = -1
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict):
            continue
        layer += not entry.get("empty_layer")
        of = layer if filled == layers and not entry.get("empty_layer") else -1
        for name in ("created_by", "comment"):
            if isinstance(text := entry.get(name), str):
                yield _Text(
                    "history", f"history.{number}" + (".comment" if name == "comment" else ""), text, of
                )


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [entry for entry in value if isinstance(entry, str)] if isinstance(value, list) else []
