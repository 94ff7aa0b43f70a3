"""Our own ignore file, `.hullmark-ignore.yaml`: what its owner decided not to be told of, why, and until when.

    ignore:
      - id: CVE-2023-4911             # or a list; an alias of the flaw will do; or the rule of a secret or misconfiguration, by any tool's id
        package: pkg:deb/debian/libc6 # or a name, name@version; `*` and `?` are wild cards; or a list
        path: usr/lib/**              # or a list; what stands for a folder stands for all below it
        layer: base                   # or own, or a digest; or a list
        reason: nothing in the image is setuid
        author: team-payments         # who answers for it; policies may ask for one
        expires: 2026-12-31           # the last day, or a time (RFC 3339)
        justification: vulnerable_code_not_in_execute_path

All that an entry names must fit. Whatever else stands in the file is refused: a mistake in it must not suppress anything.
"""

import functools
import re
from collections.abc import Callable
from pathlib import PurePath

from hullmark.findings.statements import IsRule, Stated, no_rule
from hullmark.findings.statements._words import (
    id_fault,
    layer_fault,
    package_fault,
    path_fault,
    time_fault,
)
from hullmark.findings.statements._yaml import Entry, Node, entry, items, load
from hullmark.findings.statements.openvex import JUSTIFICATIONS
from hullmark.model.report import Suppression

NAME = ".hullmark-ignore.yaml"
KEYS = ("id", "package", "path", "layer", "reason", "author", "expires", "justification")
_TOP = re.compile(rb"^(?:[\"']?ignore[\"']?\s*:|\{\s*[\"']ignore[\"']\s*:)", re.MULTILINE)
_GRYPE = re.compile(
    rb"^[ \t]*(?:-[ \t]+)?[\"']?(?:vulnerability|fix-state|vex-status|match-type)[\"']?\s*:", re.MULTILINE
)


def knows(name: str, body: bytes) -> bool:
    """Tell one by its name, or by its `ignore` without the words of Grype's."""
    base = PurePath(name).name.lower()
    if "hullmark" in base:
        return True
    return "grype" not in base and bool(_TOP.search(body)) and not _GRYPE.search(body)


def read(name: str, body: bytes, is_rule: IsRule = no_rule) -> Stated:
    """Read a file. Raises `UsageError` with file and line for whatever is wrong in it."""
    top = load(name, body)
    if top is None:
        return Stated(())
    document = entry(top, name, ("ignore",))
    found = items(document.values.get("ignore"), name, "ignore")
    return Stated(tuple(_suppression(entry(node, name, KEYS), is_rule) for node in found))


def _suppression(said: Entry, is_rule: IsRule) -> Suppression:
    ids = _checked(said, "id", functools.partial(id_fault, is_rule=is_rule))
    packages = _checked(said, "package", package_fault)
    paths = _checked(said, "path", path_fault)
    if not (ids or packages or paths):
        raise said.fault(
            "the entry would suppress everything: it names no id, package or path", hint="name one of them"
        )
    expires = said.text("expires")
    if "expires" in said.values and (fault := time_fault(expires)):
        raise said.fault(fault, "expires")
    justification = said.text("justification")
    if justification and justification not in JUSTIFICATIONS:
        raise said.fault(
            f"there is no justification {justification[:60]!r}",
            "justification",
            f"OpenVEX has {', '.join(sorted(JUSTIFICATIONS))}",
        )
    return Suppression(
        source=said.name,
        line=said.line,
        ids=ids,
        packages=packages,
        paths=tuple(glob for path in paths for glob in _with_below(path)),
        layers=_checked(said, "layer", layer_fault),
        justification=justification,
        reason=said.text("reason"),
        author=said.text("author"),
        expires=expires,
    )


def _checked(said: Entry, key: str, fault_of: Callable[[str], str]) -> tuple[str, ...]:
    found = said.texts(key)
    for at, text in enumerate(found):
        if fault := fault_of(text):
            node = said.values[key]
            where: Node = node.value[at] if isinstance(node.value, list) else node
            raise Entry(said.name, where.line, {}).fault(fault)
    return tuple(dict.fromkeys(found))


def _with_below(path: str) -> tuple[str, ...]:
    """Give the globs of a path: what stands for a folder stands for all below it."""
    path = path.strip("/")
    return (path,) if path.endswith("**") else (path, f"{path}/**")
