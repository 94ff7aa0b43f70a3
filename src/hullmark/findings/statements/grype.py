"""Grype's ignore rules: the list `ignore` of its `.grype.yaml`. All conditions of a rule must be met.

As Grype 0.121 reads them (https://github.com/anchore/grype, `match.IgnoreRule`). A rule with a condition that cannot be said in our words
suppresses nothing: without it the rule would take out more than Grype does. A package's name is one of the binary package, never of its
source; a name with a metacharacter in it is a regular expression (RE2) of the whole name.
"""

import re
from pathlib import PurePath

from hullmark.findings.statements import IsRule, LeftOut, Stated, no_rule
from hullmark.findings.statements._globs import translated
from hullmark.findings.statements._words import glob_fault, id_fault
from hullmark.findings.statements._yaml import Entry, Node, entry, items, load
from hullmark.model.purl import purl
from hullmark.model.report import Suppression

_RULE = re.compile(
    rb"^[ \t]*(?:-[ \t]+)?[\"']?(?:vulnerability|fix-state|vex-status|match-type)[\"']?\s*:", re.MULTILINE
)
_TOP = re.compile(rb"^[\"']?ignore[\"']?\s*:", re.MULTILINE)
_STATES = {"fixed": ("fixed_available",), "not-fixed": ("affected",), "wont-fix": ("will_not_fix",)}
_UNSAID = {
    "namespace": "which feed a match came from is no condition here",
    "vex-status": "it is about VEX documents: name them by --vex",
    "vex-justification": "it is about VEX documents: name them by --vex",
    "match-type": "how a match was found is no condition here",
}
_UNSAID_OF_PACKAGES = {"upstream-name": "which source a package was built from is no condition here"}
_KEYS = ("vulnerability", "include-aliases", "reason", "fix-state", "package", *_UNSAID)
_PACKAGE_KEYS = ("name", "version", "type", "language", "location", *_UNSAID_OF_PACKAGES)
_INSTEAD = {
    "only-fixed": "--fixable-only",
    "ignore-states": "--ignore-status",
    "exclude": "--skip-path",
    "vex-documents": "--vex",
}
"""Other settings of Grype's that take findings out, and our flags for them."""
_TYPES = {
    "R-package": ("cran",),
    "alpm": ("alpm",),
    "apk": ("apk",),
    "bitnami": ("bitnami",),
    "conan": ("conan",),
    "cpan": ("cpan",),
    "dart-pub": ("pub",),
    "deb": ("deb",),
    "dotnet": ("nuget",),
    "gem": ("gem",),
    "go-module": ("golang",),
    "hackage": ("hackage",),
    "hex": ("hex",),
    "java-archive": ("maven",),
    "lua-rocks": ("luarocks",),
    "npm": ("npm",),
    "php-composer": ("composer",),
    "pod": ("cocoapods",),
    "portage": ("ebuild",),
    "python": ("pypi",),
    "rpm": ("rpm",),
    "rust-crate": ("cargo",),
    "swift": ("swift",),
}
_LANGUAGES = {
    "R": ("cran",),
    "c++": ("conan",),
    "dart": ("pub",),
    "dotnet": ("nuget",),
    "go": ("golang",),
    "haskell": ("hackage",),
    "java": ("maven",),
    "javascript": ("npm",),
    "lua": ("luarocks",),
    "perl": ("cpan",),
    "php": ("composer",),
    "python": ("pypi",),
    "ruby": ("gem",),
    "rust": ("cargo",),
    "swift": ("swift", "cocoapods"),
}
_ALL = tuple(sorted({"generic", "conda", "opkg", *(kind for kinds in _TYPES.values() for kind in kinds)}))
_SIGN = re.compile(r"[\^$*+?\[\](){}|\\]")
_PIECE = re.compile(r"\.\*|\.\+|\.|\\[.+-]|[A-Za-z0-9_@/:-]")
"""What a regular expression and a glob both have: anything, something, one sign; and signs that mean themselves."""


def knows(name: str, body: bytes) -> bool:
    """Tell one by its name, or by words of its rules."""
    base = PurePath(name).name.lower()
    if "hullmark" in base or "trivyignore" in base:
        return False
    return "grype" in base or bool(_TOP.search(body) and _RULE.search(body))


def read(name: str, body: bytes, _is_rule: IsRule = no_rule) -> Stated:
    """Read a file; rules that cannot be translated are left out, each with its line. Grype knows flaws alone."""
    top = load(name, body)
    if top is None:
        return Stated(())
    document = entry(top, name, None)
    found: list[Suppression] = []
    left_out = [
        LeftOut(node.key_line, f"{key} is no ignore rule: {_INSTEAD[key]} does it here")
        for key, node in document.values.items()
        if key in _INSTEAD and not node.is_null and node.value not in ("", "false", [])
    ]
    for node in items(document.values.get("ignore"), name, "ignore"):
        try:
            found.append(_suppression(name, node))
        except ValueError as problem:
            left_out.append(LeftOut(node.line, str(problem)))
    return Stated(tuple(found), tuple(sorted(left_out)))


def _suppression(name: str, node: Node) -> Suppression:
    """Translate a rule. Raises `ValueError` for what cannot be said, `UsageError` for what Grype itself could not read."""
    rule = entry(node, name, None)
    _check(rule, _KEYS, _UNSAID)
    below = rule.values.get("package")
    package = (
        entry(below, name, None) if below is not None and not below.is_null else Entry(name, node.line, {})
    )
    _check(package, _PACKAGE_KEYS, _UNSAID_OF_PACKAGES)
    if rule.text("include-aliases") not in {"", "true", "false"}:
        raise rule.fault("include-aliases is true or false", "include-aliases")
    flaw = rule.text("vulnerability")
    if flaw and (fault := id_fault(flaw)):
        raise ValueError(fault)
    state = rule.text("fix-state")
    if state and state not in _STATES:
        raise ValueError(f"fix-state {state[:40]!r} has no translation")
    made = Suppression(
        source=name,
        line=node.line,
        ids=(flaw,) if flaw else (),
        packages=_packages(package),
        paths=_paths(package.text("location")),
        states=_STATES.get(state, ()),
        reason=rule.text("reason"),
    )
    if not (made.ids or made.packages or made.paths or made.states):
        raise ValueError("the rule has no condition: Grype ignores nothing by it")
    return made


def _check(said: Entry, known: tuple[str, ...], unsaid: dict[str, str]) -> None:
    for key in said.values:
        if key not in known:
            raise ValueError(f"Grype has no condition {key[:60]!r}")
        if key in unsaid and said.text(key):
            raise ValueError(f"{key}: {unsaid[key]}")


def _packages(said: Entry) -> tuple[str, ...]:
    """Give the packages of a rule: names with a version, of every kind or of those that type and language stand for."""
    name, version = said.text("name"), said.text("version")
    kinds = _kinds(said)
    if not (name or version or kinds is not None):
        return ()
    if _SIGN.search(version):
        raise ValueError(f"the version {version[:60]!r} has no translation")
    name = _name(name) if name else "*"
    if kinds is None and not set(name) & set("*?"):
        # Grype calls a Java package by its artifact; of every other kind the name is the whole.
        return tuple(f"{each}@{version}" if version else each for each in (name, f"*:{name}"))
    kinds = _ALL if kinds is None else kinds
    return tuple(purl(kind, f"*:{name}" if kind == "maven" else name, version) for kind in kinds)


def _kinds(said: Entry) -> tuple[str, ...] | None:
    """Give the types of package URLs; None where every type will do."""
    found: tuple[str, ...] | None = None
    for key, table in (("type", _TYPES), ("language", _LANGUAGES)):
        if word := said.text(key):
            if word not in table:
                raise ValueError(f"the {key} {word[:40]!r} has no translation")
            found = table[word] if found is None else tuple(kind for kind in found if kind in table[word])
    if found == ():
        raise ValueError("no package has this type and this language")
    return found


def _name(text: str) -> str:
    """Give a name as a glob. Raises `ValueError` for a regular expression that is more than one."""
    if not _SIGN.search(text):
        return text
    pattern = text.removeprefix("^").removesuffix("$")
    found, at = "", 0
    while at < len(pattern):
        piece = _PIECE.match(pattern, at)
        after = pattern[piece.end() : piece.end() + 1] if piece else ""
        if piece is None or (after and after in "*+?{"):
            raise ValueError(f"the regular expression {text[:80]!r} has no translation")
        found += _as_glob(piece[0])
        at = piece.end()
    if fault := glob_fault(found):
        raise ValueError(fault)
    return found


def _as_glob(piece: str) -> str:
    return {".*": "*", ".+": "?*", ".": "?"}.get(piece) or piece.removeprefix("\\")


def _paths(glob: str) -> tuple[str, ...]:
    if not glob or glob in {"**", "/**"}:
        return ()
    if not glob.startswith(("/", "**/")):
        raise ValueError(f"the location {glob[:80]!r} fits nothing: paths have a slash in front in Grype")
    try:
        return translated(glob.lstrip("/"))
    except ValueError as problem:
        raise ValueError(f"the location {glob[:80]!r}: {problem}") from problem
