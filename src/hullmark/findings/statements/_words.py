"""What ids, packages, globs and times may be written as, told before anything is suppressed by them.

Each function gives what is wrong with a text, empty where nothing is.
"""

import datetime as dt
import re

from hullmark.findings.statements import IsRule, no_rule
from hullmark.model.printable import printable
from hullmark.model.purl import parse_purl

MAX_WORD = 1024
_MAX_WILD = 8
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+@~-]{2,127}")
_RULE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{1,127}")
_CVE = re.compile(r"CVE-(?:19|20)\d\d-\d{4,19}", re.IGNORECASE)
_GHSA = re.compile(r"GHSA(?:-[23456789cfghjmpqrvwx]{4}){3}", re.IGNORECASE)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)")


def id_fault(text: str, is_rule: IsRule = no_rule) -> str:
    """Tell what can be no flaw's id and is no rule's: CVE and GHSA numbers have a form of their own (CVE 5 schema, GitHub's advisory database)."""
    upper = text.upper()
    is_bad = (
        not _ID.fullmatch(text)
        or not re.search(r"[-:\d]", text)
        or (upper.startswith("CVE") and not _CVE.fullmatch(text))
        or (upper.startswith("GHSA") and not _GHSA.fullmatch(text))
    )
    if not is_bad or is_rule(text):
        return ""
    return f"no flaw can have the id {_shown(text)}{'' if is_rule is no_rule else ', and no rule has it'}"


def rule_fault(text: str, is_rule: IsRule = no_rule) -> str:
    """Tell what can be no id of a rule for secrets or misconfigurations, ours or another tool's."""
    return "" if _RULE.fullmatch(text) or is_rule(text) else f"no rule can have the id {_shown(text)}"


def package_fault(text: str) -> str:
    """Tell what can name no package: a broken package URL, a name with spaces, globs without end."""
    if text.lower().startswith("pkg:"):
        if not text.startswith("pkg:"):
            return f"{_shown(text)}: a package URL begins with pkg: in lower case"
        try:
            found = parse_purl(text)
        except ValueError as problem:
            return f"{_shown(text)}: {problem}"
        if not any(word.strip("*?/") for word in (found.name, found.namespace, found.version)):
            return f"{_shown(text)} stands for every package of its kind"
        return glob_fault(text)
    if any(sign.isspace() for sign in text) or printable(text) != text:
        return f"no package can be called {_shown(text)}"
    return glob_fault(text) if text.strip("*?@/") else f"{_shown(text)} stands for every package"


def purl_fault(text: str) -> str:
    """Tell what is no package URL, or one with a wild card: no form but ours gives one a meaning."""
    if not text.startswith("pkg:"):
        return f"{_shown(text)} is no package URL"
    try:
        found = parse_purl(text)
    except ValueError as problem:
        return f"{_shown(text)}: {problem}"
    words = f"{found.namespace}{found.name}{found.version}"
    return f"{_shown(text)} has a wild card" if "*" in words or "?" in words else ""


def glob_fault(text: str) -> str:
    """Tell which globs are too many or stand for everything."""
    if len(text) > MAX_WORD:
        return f"{_shown(text)} is longer than {MAX_WORD} characters"
    if len(re.findall(r"\*+|\?", text)) > _MAX_WILD:
        return f"{_shown(text)} has more than {_MAX_WILD} wild cards"
    return ""


def path_fault(text: str) -> str:
    """Tell what is no glob of a path, or one of all paths."""
    if not text.strip("/*?."):
        return f"{_shown(text)} stands for every path"
    return glob_fault(text)


def layer_fault(text: str) -> str:
    """Tell what is neither a whole digest nor one of the two words."""
    if text in {"base", "own"} or _DIGEST.fullmatch(text):
        return ""
    return f"{_shown(text)} is no layer: it is base, own, or a whole digest (sha256:…)"


def time_fault(text: str) -> str:
    """Tell what is neither a day nor a time that there is (RFC 3339)."""
    if _DAY.fullmatch(text) or _TIME.fullmatch(text):
        try:
            dt.datetime.fromisoformat(text)
        except ValueError as problem:
            return f"{_shown(text)} is no day: {problem}"
        return ""
    return f"{_shown(text)} is no day (2026-12-31) and no time (2026-12-31T12:00:00Z)"


def _shown(text: str) -> str:
    return repr(printable(text[:80]))
