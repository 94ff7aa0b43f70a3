"""Dockerfiles from their text to a report: rules, secrets, and what comments and `.hadolint.yaml` say of them."""

import bisect
import itertools
import os
from codecs import BOM_UTF8
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from hullmark import __version__
from hullmark.advice import known_images, private_files
from hullmark.detectors.config import hadolint_yaml
from hullmark.detectors.config.check import Problem
from hullmark.detectors.config.dockerfile import lint, told
from hullmark.detectors.config.dockerfile.fixing import fixed
from hullmark.detectors.config.dockerfile.ignores import Ignore, ignores
from hullmark.detectors.config.dockerfile.model import Dockerfile
from hullmark.detectors.config.dockerfile.parser import parse
from hullmark.detectors.config.dockerfile.rules.labels import MISSING as MISSING_LABELS
from hullmark.findings.narrowing import by_severity
from hullmark.model.advisory import SEVERITY_RANK, Severity
from hullmark.model.errors import ImageError, UsageError
from hullmark.model.facts import Secret, Unread
from hullmark.model.known_image import KnownImage
from hullmark.model.report import (
    Coverage,
    Misconfiguration,
    Report,
    ReportDatabase,
    SecretFinding,
    Silenced,
    Summary,
    Tool,
)
from hullmark.model.rule import Rule, normal
from hullmark.scan.build_context import BuildContext
from hullmark.scan.rewriting import rewrite
from hullmark.scan.rules import names_of
from hullmark.scan.searching import Searcher
from hullmark.scan.secrets import secret_finding
from hullmark.scan.told_once import IN_DOCKERFILE, without_twins

NOTES = frozenset({known_images.KNOWN_IMAGE.id})
"""Rules whose findings only tell something: no gate counts them."""
MAX_BYTES = 4 * 1024 * 1024
_NAMES = ("dockerfile", "containerfile")
_PASSED_BY = frozenset({".git", ".hg", ".svn", "node_modules", ".venv", "__pycache__"})
_MOST_ENTRIES = 200_000
_MOST_FILES = 10_000
_ROUNDS = 10
_COPIED_BY_NAME = "private-file-copied"
_MOST_LOOKED_INTO = 500
_MOST_OF_A_FILE = 1024 * 1024

HADOLINT_FILES = (".hadolint.yaml", ".hadolint.yml")


class LintRequest(Struct, frozen=True, kw_only=True):
    """Files and folders to lint (`-` is standard input), and how.

    `rules` are `default` and `pedantic`, and names of single rules; `ignored` are names of rules that are not asked for. `as_of` is when.
    `known` are images that were scanned before; `context` is the folder that the one Dockerfile is built in, where that is known.
    """

    paths: tuple[str, ...]
    as_of: str
    rules: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    hadolint: hadolint_yaml.HadolintConfig | None = None
    fix: bool = False
    known: tuple[KnownImage, ...] = ()
    context: str = ""


class Linted(NamedTuple):
    """The report, and how many problems were mended in each file."""

    report: Report
    mended: dict[str, int]


class _Chosen(NamedTuple):
    """The rules that count: their ids, and severities other than their own."""

    ids: frozenset[str]
    severities: dict[str, Severity]
    names: dict[str, frozenset[str]]


def run(request: LintRequest, searcher: Searcher, read_input: Callable[[], bytes]) -> Linted:
    """Lint files. Raises `UsageError` for a rule that there is not, `ImageError` where none of the files can be read."""
    chosen = _chosen(request)
    around = _Around(request, searcher)
    config: list[Misconfiguration] = []
    secrets: list[SecretFinding] = []
    silenced: list[Silenced] = []
    unread: list[Unread] = []
    mended: dict[str, int] = {}
    for name in files_of(request.paths):
        try:
            body = read_input() if name == "-" else _read(Path(name))
        except OSError as problem:
            if name in request.paths and len(request.paths) == 1:
                raise ImageError(f"cannot be read: {problem.strerror}", where=name) from problem
            unread.append(Unread(kind="file", path=name, reason=str(problem.strerror)))
            continue
        path = "Dockerfile" if name == "-" else name
        if request.fix and name != "-":
            body, count = _mended(Path(name), body, chosen)
            mended |= {name: count} if count else {}
        comments = request.hadolint is None or request.hadolint.comments_count
        one = _File(path, body, chosen, around, comments=comments)
        secrets += one.secrets(searcher)
        config += one.config
        silenced += one.silenced
        silenced += one.allowed
    unread += around.unread
    return Linted(_report(request.as_of, config, secrets, silenced, unread, searcher), mended)


def gated(report: Report) -> Report:
    """Give a report without what only tells something."""
    return msgspec.structs.replace(
        report, config=tuple(one for one in report.config if one.rule not in NOTES)
    )


def files_of(paths: Iterable[str]) -> Iterator[str]:
    """Give the files: those that are named, and in folders those with the name of a Dockerfile, in the order of their paths."""
    for path in paths:
        if path != "-" and Path(path).is_dir():
            yield from sorted(_in_folder(path))
        else:
            yield path


def _in_folder(path: str) -> Iterator[str]:
    entries = files = 0
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if name not in _PASSED_BY)
        entries += len(folders) + len(names)
        if entries > _MOST_ENTRIES or files > _MOST_FILES:
            raise UsageError(
                f"has more than {_MOST_ENTRIES} entries", where=path, hint="name its Dockerfiles"
            )
        for name in names:
            if is_dockerfile(name):
                files += 1
                yield os.path.normpath(os.path.join(folder, name))  # noqa: PTH118  # as it is shown


def is_dockerfile(name: str) -> bool:
    """Tell whether a base name is that of a Dockerfile: `Dockerfile`, `Dockerfile.dev`, `app.Dockerfile`, `Containerfile`."""
    word = name.lower()
    return any(
        word == one or word.startswith(f"{one}.") or word.endswith(f".{one}") for one in _NAMES
    ) and not word.endswith((".dockerignore", ".md", ".txt", ".swp", "~"))


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _chosen(request: LintRequest) -> _Chosen:
    rules = (*lint.rules(), *told.rules(), *known_images.rules(), *private_files.rules())
    names = names_of(rules)
    ids = {rule.id for rule in rules if rule.pack == "default"}
    severities: dict[str, Severity] = {}
    if request.hadolint is not None:
        ids = {rule.id for rule in rules}  # its owner asks for style as well
        if request.hadolint.labels:
            ids.discard(MISSING_LABELS.id)  # its owner says which labels are asked for
        for name, severity in request.hadolint.severities.items():
            severities |= dict.fromkeys(names.get(normal(name), ()), severity)
        for name in request.hadolint.ignored:
            ids -= names.get(normal(name), frozenset())
    for word in request.rules:
        if word == "pedantic":
            ids |= {rule.id for rule in rules}
        elif word != "default":
            ids |= _known(word, names)
    for word in request.ignored:
        ids -= _known(word, names)
    return _Chosen(frozenset(ids), severities, names)


def _known(word: str, names: dict[str, frozenset[str]]) -> frozenset[str]:
    found = names.get(normal(word))
    if found is None:
        raise UsageError(f"there is no rule {word[:80]!r}", hint="hullmark rules lists them")
    return found


def _mended(path: Path, body: bytes, chosen: _Chosen) -> tuple[bytes, int]:
    """Mend what can be mended safely, and write the file anew where that was something."""
    if len(body) > MAX_BYTES:
        return body, 0  # more of it was not read
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return body, 0
    total = 0
    for _round in range(_ROUNDS):
        found = lint.problems(parse(text, str(path)), chosen.ids)
        text, count = fixed(text, found)
        total += count
        if not count:
            break
    if total:
        rewrite(str(path), body, text.encode())
    return text.encode(), total


class _Around:
    """What is known beside a Dockerfile: images that were scanned, and the folder that it is built in."""

    def __init__(self, request: LintRequest, searcher: Searcher) -> None:
        self.as_of = request.as_of
        self.unread: list[Unread] = []
        self._searcher = searcher
        self._known = known_images.Known(request.known)
        self._context = request.context
        self._told = request.hadolint
        if request.context and len(set(itertools.islice(files_of(request.paths), 2))) > 1:
            raise UsageError("several Dockerfiles have no one build context", hint="name the one it is for")

    def problems(
        self, dockerfile: Dockerfile, chosen: Container[str], found: Iterable[Problem]
    ) -> Iterator[Problem]:
        """Give what breaks one of the rules with `chosen` ids, beside what is `found` in the Dockerfile itself."""
        if self._told is not None:
            yield from told.problems(dockerfile, self._told, chosen)
        if known_images.KNOWN_IMAGE.id in chosen:
            yield from known_images.problems(dockerfile, self._known, self.as_of)
        if self._context and private_files.PRIVATE_IN_CONTEXT.id in chosen:
            context = BuildContext(Path(self._context), Path(dockerfile.path), most_entries=_MOST_ENTRIES)
            named = [each.resource for each in found if each.rule.id == _COPIED_BY_NAME]
            look = _Look(context, self._searcher)
            yield from private_files.problems(dockerfile, context, look, named)
            self.unread += context.errors


class _Look:
    """Looks for secrets in files of the build context, in so many of them and no more: of others nothing is said."""

    def __init__(self, context: BuildContext, searcher: Searcher) -> None:
        self._context = context
        self._searcher = searcher
        self._left = _MOST_LOOKED_INTO

    def __call__(self, path: str) -> bool:
        if not self._left:
            return False
        self._left -= 1
        if not self._left:
            reason = f"more than {_MOST_LOOKED_INTO - 1} files of the build context may hold secrets: the rest was not looked into"
            self._context.errors.append(Unread(kind="record", path=path, reason=reason))
        body = self._context.read(path, _MOST_OF_A_FILE)
        found = self._searcher.engine.search(path, body)[0] if body else ()
        return any(not each.allowed and each.confidence != "low" for each in found)


class _Value(NamedTuple):
    """Where the value of a variable is, and what is told of the variable."""

    start: tuple[int, int]
    end: tuple[int, int]
    told: Misconfiguration


class _File:
    """One Dockerfile: what is wrong in it, and what its comments take out."""

    def __init__(self, path: str, body: bytes, chosen: _Chosen, around: "_Around", *, comments: bool) -> None:
        self.path = path
        self.body = body
        self.allowed: list[Silenced] = []
        self._day = around.as_of[:10]
        self._dockerfile: Dockerfile = parse(body, path)
        self._names = chosen.names
        self._ignores = ignores(self._dockerfile) if comments else []
        self.config: list[Misconfiguration] = []
        self.silenced: list[Silenced] = []
        self._variables: dict[tuple[int, int], Misconfiguration] = {}
        found = lint.problems(self._dockerfile, chosen.ids)
        for problem in (*found, *around.problems(self._dockerfile, chosen.ids, found)):
            made = _misconfiguration(path, problem, chosen.severities.get(problem.rule.id))
            comment = self._comment(problem.rule.id, problem.span.line, problem.span.end_line)
            if problem.rule.id == IN_DOCKERFILE:
                self._variables[made.line, made.column] = made
            if comment is None:
                self.config.append(made)
            else:
                self.silenced.append(Silenced(comment.comment, made.rule, path, made.line))

    def _comment(self, rule: str, first: int, last: int) -> Ignore | None:
        for each in self._ignores:
            ids = self._names.get(normal(each.rule), frozenset())
            named = rule in ids or each.rule == "*" or normal(each.rule) == rule
            if (
                named
                and each.first <= max(last, first)
                and first <= each.last
                and not (each.until and each.until < self._day)
            ):
                return each
        return None

    def secrets(self, searcher: Searcher) -> Sequence[SecretFinding]:
        """Give the secrets in it; what is told as one is no misconfiguration any more."""
        found, _more = searcher.engine.search(self.path, self.body[:MAX_BYTES])
        if not found:
            return ()
        told: list[SecretFinding] = []
        twins: dict[int, Misconfiguration] = {}
        values = self._values()
        rules = {each.rule.id: each.rule for each in searcher.rules()}
        lines = self.body.removeprefix(BOM_UTF8).split(b"\n" if b"\n" in self.body else b"\r")
        for secret in found:
            made = _secret_finding(self.path, secret, rules[secret.rule], lines)
            twin = _at(values, made.line, made.column)
            comment = self._comment(secret.rule, secret.line, secret.line)
            if comment is None and twin is not None:
                comment = self._comment(twin.rule, twin.line, twin.end_line)
            known = searcher.known_place(rules[secret.rule], self.path, secret.line)
            if comment is not None or secret.allowed or known:
                reason = comment.comment if comment is not None else known or f"{secret.allowed} in its line"
                self.allowed.append(Silenced(reason, secret.rule, self.path, secret.line, secret.fingerprint))
            else:
                if twin is not None:
                    twins[len(told)] = twin
                told.append(made)
        left, config = without_twins(told, self.config, twins)
        self.config = list(config)
        return left

    def _values(self) -> list[_Value]:
        """Give the values of variables that are told to hold a secret, in their order."""
        return [
            _Value(
                (value.span.line, value.span.column),
                (value.span.end_line, value.span.end_column),
                self._variables[name.span.line, name.span.column],
            )
            for instruction in self._dockerfile.instructions
            for name, value in (instruction.trigger or instruction).pairs
            if value is not None and (name.span.line, name.span.column) in self._variables
        ]


def _at(values: Sequence[_Value], line: int, column: int) -> Misconfiguration | None:
    """Give what is told of the variable in whose value a place is."""
    at = bisect.bisect_right(values, (line, column), key=lambda value: value.start) - 1
    return values[at].told if at >= 0 and (line, column) < values[at].end else None


def _secret_finding(path: str, secret: Secret, rule: Rule, lines: Sequence[bytes]) -> SecretFinding:
    """Make a finding of it; columns count characters, as those of all that is found in a Dockerfile."""
    if secret.line > len(lines):  # it has more ends of lines than one kind
        return secret_finding(secret, rule, "dockerfile", path)
    line = lines[secret.line - 1]
    start = len(line[: secret.column - 1].decode("utf-8", "replace")) + 1
    end = len(line[: secret.end_column - 1].decode("utf-8", "replace")) + 1
    return secret_finding(replace(secret, column=start, end_column=end), rule, "dockerfile", path)


def _misconfiguration(path: str, problem: Problem, severity: Severity | None) -> Misconfiguration:
    rule, span = problem.rule, problem.span
    return Misconfiguration(
        rule=rule.id,
        severity=severity or problem.severity or rule.severity,
        message=problem.message,
        advice=problem.advice or rule.fix,
        file=path,
        line=span.line,
        column=span.column,
        end_line=span.end_line,
        end_column=span.end_column,
        resource=problem.resource,
        same_as=rule.same_as,
        controls=rule.controls,
    )


def _report(
    as_of: str,
    config: Sequence[Misconfiguration],
    secrets: Sequence[SecretFinding],
    silenced: Sequence[Silenced],
    unread: Sequence[Unread],
    searcher: Searcher,
) -> Report:
    kinds = ("layer", "package_database", "file", "record")
    return Report(
        tool=Tool("hullmark", __version__, {}),
        as_of=as_of,
        database=ReportDatabase(()),
        image=None,
        incomplete=bool(unread),
        errors=tuple(unread),
        coverage=Coverage(scanners=("secret", "config")),
        summary=Summary(
            packages=0,
            by_severity=dict.fromkeys(map(str, Severity), 0),
            unread={kind: sum(one.kind == kind for one in unread) for kind in kinds},
            secrets=by_severity(secrets),
            config=by_severity(config),
        ),
        secrets=tuple(sorted(secrets, key=lambda one: (one.path, one.line, one.column, one.rule))),
        secrets_key=searcher.key_id if secrets or any(each.fingerprint for each in silenced) else "",
        config=tuple(
            sorted(
                config,
                key=lambda one: (
                    one.file,
                    one.line,
                    one.column,
                    SEVERITY_RANK[one.severity],
                    one.rule,
                    one.resource,
                ),
            )
        ),
        silenced=tuple(silenced),
    )
