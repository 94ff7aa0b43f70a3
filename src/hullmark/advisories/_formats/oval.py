"""OVAL definitions on rpm packages, read as a stream.

Specification: https://github.com/OVALProject/Language, `oval-definitions-schema` and `linux-definitions-schema`.
A definition holds a tree of criteria; its leaves name tests (an object, the package, against a state, the
version) and repeat in a comment what they test. Some publishers' comments say all that their tests say: then
the tests, which follow all definitions in a document, need not be kept.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple
from xml.parsers import expat

import msgspec

from hullmark.advisories._formats import cvss
from hullmark.advisories._formats.ordering import ordered
from hullmark.advisories.feed import DAMAGE, Document
from hullmark.model.advisory import Affected, Range, Score, Severity, State

_CHUNK = 1 << 18
_MAX_DEPTH = 64
_MAX_TEXT = 1 << 16
_MAX_STATEMENTS = 200_000
_MAX_STEPS = 1_000_000
"""Steps in resolving one definition's criteria, about a second of them; real ones take some thousands."""

LEVELS = {
    "critical": Severity.CRITICAL,
    "important": Severity.HIGH,
    "high": Severity.HIGH,
    "moderate": Severity.MEDIUM,
    "medium": Severity.MEDIUM,
    "low": Severity.LOW,
}
"""Words of the `severity` element, lower case."""


class OvalError(ValueError):
    """Not an OVAL document, or a definition that asks for more than is understood; one clause for people."""


class Cve(msgspec.Struct):
    """A `cve` element: its text, the CVSS vector beside it, and a link."""

    name: str
    vector: str = ""
    impact: str = ""
    url: str = ""


class Criterion(msgspec.Struct, frozen=True):
    """A leaf: the id of a test and what it is said to test."""

    test: str
    comment: str


class Criteria(msgspec.Struct):
    """A node of the tree of criteria."""

    is_or: bool
    children: "list[Criteria | Criterion]"


class Definition(msgspec.Struct):
    """One definition; `kind` is its class, `texts` what simple elements of its metadata say."""

    id: str
    kind: str
    texts: dict[str, str]
    references: list[tuple[str, str, str]]
    cves: list[Cve]
    criteria: Criteria
    refused: str = ""

    def date(self, name: str) -> str:
        """Give the date of `issued` or `updated`."""
        return self.texts.get(f"{name}@date", "")

    def level(self) -> Severity:
        """Rate the severity by its word."""
        return LEVELS.get(self.texts.get("severity", "").lower(), Severity.UNKNOWN)

    def scores(self, source: str) -> tuple[Score, ...]:
        """Give the publisher's word, and the vectors where all belong to one flaw."""
        found: dict[Score, None] = {}
        level = self.level()
        if level is not Severity.UNKNOWN:
            found[Score(source, "level", level)] = None
        if len({cve.name for cve in self.cves}) == 1:
            for cve in self.cves:
                score = cvss.score(source, cve.vector) if cve.vector else None
                if score is not None:
                    found[score] = None
        return tuple(found)


class Test(msgspec.Struct, frozen=True):
    """A test with its object and state put in: `value` is the state's `evr`, or else its `version`."""

    comment: str
    name: str = ""
    operation: str = ""
    value: str = ""
    arches: tuple[str, ...] = ()
    is_version: bool = False


_METADATA = frozenset(
    {"title", "description", "severity", "patchable", "advisory_id", "advisory_date", "rights"}
)
_ARCHES = re.compile(r"[\w.]+")


class Reader:
    """Reads one document: first its definitions as they come, after them the tests, if they are kept."""

    def __init__(self, document: Document, *, keep_tests: bool = True) -> None:
        self._document = document
        self._keep_tests = keep_tests
        self._tests: dict[str, tuple[str, str, tuple[str, ...]]] = {}
        self._objects: dict[str, str] = {}
        self._states: dict[str, dict[str, tuple[str, str]]] = {}
        self._leaves: dict[Criterion, Criterion] = {}
        self._done: list[Definition] = []
        self._stack: list[str] = []
        self._text: list[str] = []
        self._size = 0
        self._current: Definition | None = None
        self._nodes: list[Criteria] = []
        self._owner = ""
        self._attributes: dict[str, str] = {}

    def definitions(self) -> Iterator[Definition]:
        """Give each definition. Raises `OvalError` where the document is damaged."""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        parser.EntityDeclHandler = self._entity
        try:
            with self._document.open() as stream:
                while chunk := stream.read(_CHUNK):
                    parser.Parse(chunk, False)
                    yield from self._done
                    self._done.clear()
                parser.Parse(b"", True)
        except OvalError:
            raise
        except (expat.ExpatError, LookupError, *DAMAGE) as problem:
            # LookupError and ValueError: an encoding that does not exist or that expat cannot use.
            raise OvalError(f"not an OVAL document: {problem}") from problem
        yield from self._done

    def test(self, criterion: Criterion) -> Test:
        """Give a criterion's test; all definitions must have been read before."""
        found = self._tests.get(criterion.test)
        if found is None:
            return Test(criterion.comment)
        comment, name, states = found
        said: dict[str, tuple[str, str]] = {}
        for state in states:
            said.update(self._states.get(state, {}))
        operation, value = said.get("evr") or said.get("version") or ("", "")
        arches = tuple(_ARCHES.findall(said["arch"][1])) if "arch" in said else ()
        return Test(
            criterion.comment or comment,
            self._objects.get(name, ""),
            operation,
            value,
            arches,
            "evr" not in said,
        )

    def _entity(self, *_details: object) -> None:
        raise OvalError("XML that declares entities")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if len(self._stack) >= _MAX_DEPTH:
            raise OvalError("XML nested too deeply")
        self._stack.append(name)
        self._text.clear()
        self._size = 0
        self._attributes = attributes
        if name == "definition":
            self._current = Definition(
                attributes.get("id", ""), attributes.get("class", ""), {}, [], [], Criteria(False, [])
            )
            self._nodes = [self._current.criteria]
        elif self._current is not None:
            self._start_in_definition(self._current, name, attributes)
        elif self._keep_tests:
            self._start_outside(name, attributes)

    def _start_in_definition(self, current: Definition, name: str, attributes: dict[str, str]) -> None:
        if name in ("criteria", "criterion", "extend_definition"):
            if attributes.get("negate", "false").lower() in ("true", "1"):
                current.refused = "a negated criterion"
            if not self._nodes:
                return
            if name == "criterion":
                leaf = Criterion(attributes.get("test_ref", ""), attributes.get("comment", ""))
                # One test serves many definitions; all of these are in memory until the tests come.
                self._nodes[-1].children.append(
                    self._leaves.setdefault(leaf, leaf) if self._keep_tests else leaf
                )
            elif name == "criteria":
                operator = attributes.get("operator", "AND").upper()
                if operator not in ("AND", "OR"):
                    current.refused = f"the operator {operator[:20]}"
                node = Criteria(operator == "OR", [])
                self._nodes[-1].children.append(node)
                self._nodes.append(node)
            else:
                current.refused = "a definition that extends another one"
        elif name == "reference":
            current.references.append(
                (attributes.get("source", ""), attributes.get("ref_id", ""), attributes.get("ref_url", ""))
            )
        elif name in ("issued", "updated"):
            current.texts[f"{name}@date"] = attributes.get("date", "")

    def _start_outside(self, name: str, attributes: dict[str, str]) -> None:
        if name.endswith("_test"):
            self._owner = attributes.get("id", "")
            self._tests[self._owner] = (attributes.get("comment", ""), "", ())
        elif name.endswith(("_object", "_state")):
            self._owner = attributes.get("id", "")
        elif name == "object" and self._owner in self._tests:
            comment, _, states = self._tests[self._owner]
            self._tests[self._owner] = (comment, attributes.get("object_ref", ""), states)
        elif name == "state" and self._owner in self._tests:
            comment, owned, states = self._tests[self._owner]
            self._tests[self._owner] = (comment, owned, (*states[:8], attributes.get("state_ref", "")))

    def _data(self, text: str) -> None:
        if self._size < _MAX_TEXT:
            self._text.append(text)
            self._size += len(text)

    def _end(self, _tag: str) -> None:
        name = self._stack.pop()
        if self._current is not None:
            self._end_in_definition(self._current, name)
        elif self._keep_tests and self._stack and self._stack[-1].endswith(("_object", "_state")):
            text = "".join(self._text).strip()
            if self._stack[-1].endswith("_object"):
                if name == "name":
                    self._objects[self._owner] = text
            elif name in ("evr", "version", "arch"):
                operation = self._attributes.get("operation", "equals")
                self._states.setdefault(self._owner, {})[name] = (operation, text)
        self._text.clear()

    def _end_in_definition(self, current: Definition, name: str) -> None:
        if name == "definition":
            self._done.append(current)
            self._current = None
        elif name == "criteria":
            if len(self._nodes) > 1:
                self._nodes.pop()
        elif name == "cve":
            words = "".join(self._text).split()
            vector = self._attributes.get("cvss3") or self._attributes.get("cvss2") or ""
            if words:
                current.cves.append(
                    Cve(
                        words[0],
                        vector.partition("/")[2],  # "7.5/CVSS:3.1/AV:N/…"
                        self._attributes.get("impact", ""),
                        self._attributes.get("href", ""),
                    )
                )
        elif name in _METADATA:
            current.texts[name] = " ".join("".join(self._text).split())


class Release(NamedTuple):
    """A criterion that a release is installed; `name` is empty for a product that is no release of ours."""

    name: str
    repository: str = ""


class Arch(NamedTuple):
    """A criterion that the machine has an architecture."""

    name: str


class Module(NamedTuple):
    """A criterion that an rpm module's stream (`name:stream`) is enabled."""

    name: str


class Bound(NamedTuple):
    """A criterion on a package's version; with no end at all it speaks of every version."""

    name: str
    fixed: str = ""
    last_affected: str = ""
    introduced: str = ""
    arches: tuple[str, ...] = ()
    state: State = "affected"


Fact = Release | Arch | Module | Bound | None
"""What a criterion says; None when it decides nothing (who signed a package)."""

Classify = Callable[[Criterion], Fact]
"""Understands a publisher's criteria; raises `OvalError` for one that it does not know."""


class _Case(NamedTuple):
    """One way to fulfil a tree. A `releases` of None is no condition, an empty one cannot be fulfilled."""

    releases: frozenset[Release] | None = None
    arches: frozenset[str] | None = None
    module: str = ""
    bounds: tuple[Bound, ...] = ()


def statements(definition: Definition, classify: Classify) -> Iterator[Affected]:
    """Resolve a definition's criteria into one statement for each package in a release.

    Architectures are kept only where the fixed version of a package depends on them: an architecture here is
    the machine's, whose packages may be `noarch` or those of a smaller one. Raises `OvalError`.
    """
    if definition.refused:
        raise OvalError(f"{definition.refused} is not understood")
    cases = _resolve(definition.criteria, classify, _Work())
    found: dict[tuple[str, str, str, State], dict[Range, set[str]]] = {}
    repositories: dict[tuple[str, str, str, State, Range], set[str]] = {}
    everywhere: set[str] = set()
    count = 0
    for case in cases:
        everywhere |= case.arches or frozenset()
        count += len(case.releases or ()) * len(case.bounds)
        if count > _MAX_STATEMENTS:
            raise OvalError("criteria with too many combinations")
        for name, state, span, arches in _spans(case):
            for release in case.releases or ():
                if not release.name:
                    continue
                key = (release.name, name, case.module, state)
                found.setdefault(key, {}).setdefault(span, set()).update(arches)
                repositories.setdefault((*key, span), set()).add(release.repository)
    for key, spans in sorted(found.items()):
        release_name, name, module, state = key
        depends = _depends(spans, everywhere)
        lowest = _lowest(spans)
        for span in spans if depends else lowest:
            owned = repositories[(*key, span)]
            yield Affected(
                ecosystem="rpm",
                name=name,
                release=release_name,
                state=state,
                ranges=(span,),
                arches=_widened(spans[span], noarch=span in lowest) if depends else (),
                module=module,
                repositories=() if "" in owned else tuple(sorted(owned)),
                level=definition.level(),
            )


def _depends(spans: dict[Range, set[str]], everywhere: set[str]) -> bool:
    """Tell whether one architecture's fix is another one's gap."""
    if len(spans) < 2 or len(everywhere) < 2:
        return False
    groups = [frozenset(arches) for arches in spans.values()]
    return all(groups) and len(set(groups)) == len(groups)


def _lowest(spans: dict[Range, set[str]]) -> list[Range]:
    """Keep the lowest of several fixes: each of an erratum's builds holds the fix, rebuilt or not."""
    if len(spans) < 2 or not all(span.fixed and not span.introduced for span in spans):
        return list(spans)
    fixed = ordered("rpm", [span.fixed for span in spans])[0]
    return [span for span in spans if span.fixed == fixed]


def _widened(arches: set[str], *, noarch: bool) -> tuple[str, ...]:
    """Name the architectures of the packages that a machine runs."""
    wide = arches | {"noarch"} if noarch else set(arches)
    if "x86_64" in arches:
        wide |= {"i386", "i586", "i686"}
    return tuple(sorted(wide))


def _spans(case: _Case) -> Iterator[tuple[str, State, Range, set[str]]]:
    """Give a case's packages; two bounds of one package (`greater than`, `earlier than`) are one range."""
    by_name: dict[str, list[Bound]] = {}
    for bound in case.bounds:
        by_name.setdefault(bound.name, []).append(bound)
    for name, bounds in by_name.items():
        span = Range(
            next((bound.introduced for bound in bounds if bound.introduced), ""),
            next((bound.fixed for bound in bounds if bound.fixed), ""),
            next((bound.last_affected for bound in bounds if bound.last_affected), ""),
        )
        arches = set(case.arches or ()) | {arch for bound in bounds for arch in bound.arches}
        yield name, bounds[0].state, span, arches


class _Work:
    """What the resolution of one definition may cost."""

    def __init__(self) -> None:
        self._left = _MAX_STEPS

    def take(self, steps: int) -> None:
        """Count; raises `OvalError` when it is too much."""
        self._left -= steps
        if self._left < 0:
            raise OvalError("criteria with too many combinations")


def _resolve(node: Criteria | Criterion, classify: Classify, work: _Work) -> list[_Case]:
    """Give every way to fulfil a tree. Its depth is bounded by the reader."""
    if isinstance(node, Criterion):
        return [_case(classify(node))]
    parts = [_resolve(child, classify, work) for child in node.children]
    if node.is_or:
        return _merged(case for part in parts for case in part)
    cases = [_Case()]
    for part in parts:
        if len(cases) * len(part) > _MAX_STATEMENTS:
            raise OvalError("criteria with too many combinations")
        # Each pair is a new case with the bounds of both.
        bounds = len(part) * sum(len(one.bounds) for one in cases)
        work.take(len(cases) * len(part) + bounds + len(cases) * sum(len(other.bounds) for other in part))
        cases = [both for one in cases for other in part if (both := _both(one, other)) is not None]
    return cases


def _case(fact: Fact) -> _Case:
    if isinstance(fact, Release):
        return _Case(releases=frozenset((fact,)))
    if isinstance(fact, Arch):
        return _Case(arches=frozenset((fact.name,)))
    if isinstance(fact, Module):
        return _Case(module=fact.name)
    return _Case(bounds=(fact,)) if fact is not None else _Case()


def _merged(cases: Iterable[_Case]) -> list[_Case]:
    """Make one case of alternatives that differ in releases only: products multiply, their union does not."""
    out: list[_Case] = []
    releases: set[Release] = set()
    arches: set[str] = set()
    for case in cases:
        if case.bounds or case.module or (case.releases is not None and case.arches is not None):
            out.append(case)
        elif case.releases is not None:
            releases |= case.releases
        elif case.arches is not None:
            arches |= case.arches
        else:
            out.append(case)
    if releases:
        out.append(_Case(releases=frozenset(releases)))
    if arches:
        out.append(_Case(arches=frozenset(arches)))
    return out


def _both(one: _Case, other: _Case) -> _Case | None:
    releases = one.releases if other.releases is None else other.releases
    if one.releases is not None and other.releases is not None:
        releases = one.releases & other.releases
    arches = one.arches if other.arches is None else other.arches
    if one.arches is not None and other.arches is not None:
        arches = one.arches & other.arches
    if (releases is not None and not releases) or (arches is not None and not arches):
        return None
    return _Case(releases, arches, one.module or other.module, one.bounds + other.bounds)
