"""Trivy's `.trivyignore.yaml`: `vulnerabilities`, `misconfigurations` and `secrets` with `id`, `paths`, `purls`, `expired_at` and `statement`.

As Trivy 0.74 reads it (https://trivy.dev/latest/docs/configuration/filtering/): one of the globs must fit a package's path, which has no
slash in front; one of the package URLs must fit. What expires on a day does so when it begins (UTC). `licenses` are about what this
version does not look for.
"""

import re
from pathlib import PurePath

from hullmark.findings.statements import IsRule, LeftOut, Stated, no_rule
from hullmark.findings.statements._globs import translated
from hullmark.findings.statements._words import purl_fault, rule_fault, time_fault
from hullmark.findings.statements._yaml import Entry, entry, items, load
from hullmark.findings.statements.trivyignore import ELSEWHERE, fault_of
from hullmark.model.report import Suppression

_SECTIONS = ("vulnerabilities", "misconfigurations", "secrets", "licenses")
_KEYS = ("id", "paths", "purls", "expired_at", "statement")
_TOP = re.compile(rb"^[\"']?(?:vulnerabilities|misconfigurations|secrets|licenses)[\"']?\s*:", re.MULTILINE)
_DAY = len("2026-12-31")


def knows(name: str, body: bytes) -> bool:
    """Tell one by its name, or by the names of its sections."""
    base = PurePath(name).name.lower()
    if not base.endswith((".yaml", ".yml")) or "hullmark" in base or "grype" in base:
        return False
    return "trivyignore" in base or bool(_TOP.search(body))


def read(name: str, body: bytes, is_rule: IsRule = no_rule) -> Stated:
    """Read a file; an entry of another section, or with a word that cannot be translated, is left out."""
    top = load(name, body)
    if top is None:
        return Stated(())
    found: list[Suppression] = []
    left_out: list[LeftOut] = []
    for section, node in entry(top, name, None).values.items():
        if section not in _SECTIONS:
            left_out.append(LeftOut(node.key_line, f"Trivy has no section {section[:60]!r}"))
            continue
        for each in items(node, name, section):
            said = entry(each, name, None)
            if section == "licenses":
                what = said.text("id")[:80]
                left_out.append(LeftOut(each.line, f"{section} {what!r}: this version looks for none"))
                continue
            try:
                found.append(_suppression(said, section, is_rule))
            except ValueError as problem:
                left_out.append(LeftOut(each.line, str(problem)))
    return Stated(tuple(found), tuple(sorted(left_out)))


def _suppression(said: Entry, section: str, is_rule: IsRule) -> Suppression:
    """Translate an entry. Raises `ValueError` for what cannot be said, `UsageError` for what Trivy itself could not read."""
    if unknown := [key for key in said.values if key not in _KEYS]:
        raise ValueError(f"Trivy has no key {unknown[0][:60]!r}")
    name = said.text("id")
    if fault := (fault_of(name, is_rule) if section == "vulnerabilities" else _rule_fault(name, is_rule)):
        raise ValueError(fault)
    if section != "vulnerabilities" and _has(said, "purls"):
        raise ValueError(f"{section} have no package, so that purls fit none")
    purls = said.texts("purls") if _has(said, "purls") else ()
    for purl in purls:
        if fault := purl_fault(purl):
            raise said.fault(fault, "purls")
    expires = said.text("expired_at")
    if expires and (fault := time_fault(expires)):
        raise said.fault(fault, "expired_at")
    return Suppression(
        source=said.name,
        line=said.line,
        ids=(name,),
        packages=purls,
        paths=tuple(_globs(said.texts("paths"))) if _has(said, "paths") else (),
        reason=said.text("statement"),
        expires=f"{expires}T00:00:00Z" if len(expires) == _DAY else expires,
    )


def _rule_fault(name: str, is_rule: IsRule) -> str:
    """Tell what can be no rule of Trivy's for what an image or a Dockerfile is checked for."""
    return fault_of(name, is_rule) if ELSEWHERE.fullmatch(name) else rule_fault(name, is_rule)


def _has(said: Entry, key: str) -> bool:
    """Tell whether there is more than an empty list, which Trivy takes for nothing."""
    node = said.values.get(key)
    return node is not None and not node.is_null and node.value != []


def _globs(globs: tuple[str, ...]) -> list[str]:
    if "**" in globs:
        return []
    found: list[str] = []
    for glob in globs:
        if glob.startswith("/"):
            raise ValueError(f"{glob[:80]!r} fits nothing: paths have no slash in front in Trivy")
        try:
            found += translated(glob)
        except ValueError as problem:
            raise ValueError(f"{glob[:80]!r}: {problem}") from problem
    return found
