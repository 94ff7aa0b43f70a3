"""Trivy's `.trivyignore`: an id a line, perhaps with `exp:2026-12-31`; `#` begins a comment.

As Trivy 0.74 reads it (https://trivy.dev/latest/docs/configuration/filtering/): words behind the id that are no `exp:` mean nothing, a line
whose date cannot be read ignores nothing, and what expires on a day does so when it begins (UTC). Ids of misconfigurations, secrets and
licences may stand between those of flaws; those of licences suppress nothing here.
"""

import re
from pathlib import PurePath

from hullmark.findings.statements import IsRule, LeftOut, Stated, no_rule
from hullmark.findings.statements._words import id_fault, rule_fault, time_fault
from hullmark.findings.statements._yaml import decoded
from hullmark.model.report import Suppression

ELSEWHERE = re.compile(r"(?:AVD-)?(?:KSV|KCV|AWS|AZU|GCP|DIG|NIF|OPNSTK|CLDSTK|GIT|NCR)-?\d+", re.IGNORECASE)
"""Ids of Trivy's checks of clusters and clouds."""
_RULE = re.compile(r"(?:AVD-)?DS-?\d{1,4}|[^\d]*-[^\d]*", re.IGNORECASE)
"""Ids of Trivy's checks of Dockerfiles, and words with hyphens and without a digit: rules for secrets."""
_YAML = (".yaml", ".yml")
_DAY = len("2026-12-31")


def knows(name: str, _body: bytes) -> bool:
    """Tell one by its name, or by that it is no YAML: it has no form of its own."""
    return not PurePath(name).name.lower().endswith((*_YAML, ".json", ".xml", ".toml", "dockleignore"))


def read(name: str, body: bytes, is_rule: IsRule = no_rule) -> Stated:
    """Read a file; what is no flaw's id, and what has a date that is none, is left out."""
    found: list[Suppression] = []
    left_out: list[LeftOut] = []
    # As Go's scanner parts lines; Python's splitlines knows more ends than there are.
    for line, text in enumerate(decoded(name, body).split("\n"), 1):
        words = text.split()
        if not words or words[0].startswith("#"):
            continue
        said = next((word[4:] for word in words[1:] if word.startswith("exp:")), None)
        if fault := fault_of(words[0], is_rule):
            left_out.append(LeftOut(line, fault))
        elif said is not None and (len(said) != _DAY or time_fault(said)):
            left_out.append(LeftOut(line, f"{said[:40]!r} is no day (exp:2026-12-31)"))
        else:
            expires = f"{said}T00:00:00Z" if said else ""
            found.append(Suppression(source=name, line=line, ids=(words[0],), expires=expires))
    return Stated(tuple(found), tuple(left_out))


def fault_of(name: str, is_rule: IsRule) -> str:
    """Tell what Trivy takes for an id and is none of a flaw, a misconfiguration of an image or a secret."""
    if ELSEWHERE.fullmatch(name):
        return f"{name[:80]!r} is an id of a check of a cluster or a cloud: this version has none"
    if _RULE.fullmatch(name) and not name.upper().startswith(("GHSA", "CVE")):
        return rule_fault(name, is_rule)
    return id_fault(name, is_rule)
