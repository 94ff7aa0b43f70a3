"""Private files that `COPY` and `ADD` really take out of the build context, and the lines of `.dockerignore` that keep them out. Pure but for `Context`."""

import posixpath
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from hullmark.detectors._formats.credential_files import known_file
from hullmark.detectors.config.check import Problem
from hullmark.detectors.config.dockerfile.model import Dockerfile, Instruction, Stage
from hullmark.detectors.config.dockerfile.variables import resolve, walk
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule
from hullmark.model.words import amount

PRIVATE_IN_CONTEXT = Rule(
    id="private-file-in-context",
    kind="dockerfile",
    severity=Severity.HIGH,
    summary="keys, credentials or the like are copied out of the build context",
    why="Whoever has the image can read them, also where a later layer deletes them.",
    fix="List them in `.dockerignore`; what the build needs is handed to it by `RUN --mount=type=secret`.",
    controls=("CIS-Docker 4.10", "NIST-800-190 4.1.4", "PCI-DSS 8.6.2"),
)
_NAMED = 3
_LINES = 10
_LOOKED_INTO = frozenset(
    {
        "private-key-file",
        "npm-credentials",
        "registry-credentials",
        "kubeconfig-file",
        "google-credentials",
        "maven-settings",
        "gradle-settings",
        "nuget-settings",
        "rails-key",
        "terraform-state",
    }
)
"""Kinds of files that may as well hold nothing secret, so that what is in them decides."""
_LOCAL = frozenset({"environment-file", "shell-history", "database-dump"})
"""Kinds that are of the machine they lie on; what is in them may be harmless."""
_HISTORIES = (".git", ".hg", ".svn")


class Context(Protocol):
    """The build context. `ignore_file` is the file of patterns that counts for it."""

    ignore_file: Path

    def taken(
        self, sources: Sequence[str], excluded: Sequence[str] = (), *, parents: bool = False
    ) -> list[str]:
        """Give the paths of the files that a copy of these sources takes in."""
        ...


Holds = Callable[[str], bool]
"""Tells of a path whether a secret stands in the file."""


class _Private(NamedTuple):
    """A private file, or a folder with the history of a project."""

    path: str
    kind: str

    @property
    def severity(self) -> Severity:
        return Severity.MEDIUM if self.kind in _LOCAL or self.kind == "history" else Severity.HIGH


def rules() -> tuple[Rule, ...]:
    """Give the rules about it."""
    return (PRIVATE_IN_CONTEXT,)


def problems(
    dockerfile: Dockerfile, context: Context, holds: Holds, named: Iterable[str] = ()
) -> list[Problem]:
    """Give for each `COPY` and `ADD` the private files that it takes in, the worse and the others by themselves.

    `named` are sources that are reported for their names already. In stages that the last one is not built on they are of low severity: their files are not in its image.
    """
    found: list[Problem] = []
    final = _final(dockerfile)
    known = {_normal(source) for source in named}
    told: dict[str, bool] = {}

    def remembered(path: str) -> bool:
        if path not in told:
            told[path] = holds(path)
        return told[path]

    for stage in dockerfile.stages:
        for instruction, values in walk(dockerfile, stage):
            sources = _sources(instruction, values, dockerfile.escape)
            if not sources:
                continue
            excluded = [flag.value for flag in instruction.flags if flag.name == "exclude" and flag.value]
            paths = context.taken(sources, excluded, parents=instruction.flag("parents") is not None)
            private = list(_private((path for path in paths if path not in known), remembered))
            found += _said(instruction, sources, private, context.ignore_file.name, stage.index in final)
    return found


def _normal(source: str) -> str:
    return posixpath.normpath(f"/{source[:1000]}").lstrip("/")


def _final(dockerfile: Dockerfile) -> set[int]:
    """Give the stages whose files are in the image: the last one, and those that it is built on."""
    stage: Stage | None = dockerfile.last
    found: set[int] = set()
    while stage is not None and stage.index not in found:
        found.add(stage.index)
        stage = dockerfile.stages[stage.base] if stage.base is not None else None
    return found


def _sources(instruction: Instruction, values: Mapping[str, str], escape: str) -> list[str]:
    """Give the sources out of the context: no addresses, here-documents and what is not known for a build argument."""
    if instruction.keyword not in {"COPY", "ADD"} or instruction.flag("from") is not None:
        return []
    found = []
    for word in instruction.words[:-1]:
        text = (
            resolve(word.raw, values, escape) if "$" in word.text and not instruction.is_json else word.text
        )
        if text and not text.startswith(("<<", "git@")) and "://" not in text and "$" not in text:
            found.append(text)
    return found


def _private(paths: Iterable[str], holds: Holds) -> Iterator[_Private]:
    histories: set[str] = set()
    for path in paths:
        history = _history(path)
        if history:
            if history not in histories:
                histories.add(history)
                yield _Private(history, "history")
            continue
        known = known_file(path)
        kind = known.kind if known is not None else "private-key-file" if path.endswith(".pem") else ""
        if kind and (kind not in _LOOKED_INTO or holds(path)):
            yield _Private(path, kind)


def _history(path: str) -> str:
    """Give the folder of a project's history that a file is in, nothing where it is in none."""
    parts = path.split("/")
    for number, part in enumerate(parts[:-1]):
        if part in _HISTORIES:
            return "/".join(parts[: number + 1])
    return ""


def _said(
    instruction: Instruction,
    sources: Sequence[str],
    private: Sequence[_Private],
    ignore_file: str,
    is_final: bool,  # noqa: FBT001
) -> Iterator[Problem]:
    named = {_normal(source) for source in sources}
    for severity in (Severity.HIGH, Severity.MEDIUM):
        found = sorted(each for each in private if each.severity is severity)
        if not found:
            continue
        by_name = ", ".join(each.path for each in found[:_NAMED])
        more = f" and {len(found) - _NAMED:,} more" if len(found) > _NAMED else ""
        what = "keys or credentials" if severity is Severity.HIGH else "what is private to this machine"
        where = "" if is_final else " into a stage that is not in the image"
        yield Problem(
            PRIVATE_IN_CONTEXT,
            instruction.span,
            f"{instruction.keyword} {' '.join(sources)[:80]} takes {what}{where}: {by_name}{more}",
            _advice(found, named, ignore_file),
            resource="credentials" if severity is Severity.HIGH else "local",
            severity=severity if is_final else Severity.LOW,
            number=len(found),
        )


def _advice(found: Sequence[_Private], named: set[str], ignore_file: str) -> str:
    if all(each.path in named for each in found):
        return "Do not copy it: hand it to the build by RUN --mount=type=secret, or to the container when it starts"
    lines = ignore_lines([each.path for each in found])
    more = f" and {amount(len(lines) - _LINES, 'line')} more" if len(lines) > _LINES else ""
    return f"Add to {ignore_file}: {', '.join(lines[:_LINES])}{more}"


def ignore_lines(paths: Iterable[str]) -> list[str]:
    """Give lines for the end of a `.dockerignore` that leave these files out: a name that is in several folders once for all of them."""
    listed = list(paths)
    number = Counter(path.rpartition("/")[2] for path in listed)
    lines = []
    for path in listed:
        name = path.rpartition("/")[2]
        lines.append(f"**/{_escaped(name)}" if number[name] > 1 else _escaped(path))
    return list(dict.fromkeys(lines))


def _escaped(path: str) -> str:
    r"""Give a pattern that fits this path alone, and what is in it: `*?[]\` mean something, and `!` and `#` at the front."""
    made = "".join(f"\\{sign}" if sign in "*?[]\\" else sign for sign in path)
    return f"\\{made}" if made.startswith(("!", "#")) else made
