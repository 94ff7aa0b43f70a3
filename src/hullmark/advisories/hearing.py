"""What every statement on a package comes to, also those that do not hold: the matcher's answer, with the reason for each."""

import functools
import re
from collections.abc import Container, Iterator, Sequence
from typing import NamedTuple

import msgspec

from hullmark.advisories.database import Part
from hullmark.advisories.matcher import Called, Query, applies, names_of
from hullmark.advisories.scheme import Scheme, sort_key
from hullmark.advisories.statements import Statement
from hullmark.model.explanation import Verdict
from hullmark.model.facts import SYSTEM

_LISTED = 8
_FIRST_BUILDS = {
    "deb": r"(?:1|0\.1|0ubuntu(?:1|0\.(?:\d+\.\d+\.)?1))(?:~(?:deb|bpo)?[\d.]+(?:u1|\+1)?)?(?:build\d+)?",
    "rpm": r"[01](?:\.[a-z]+\d+(?:_\d+)?)*(?:\.0\.1)?",
    "apk": r"r0",
    "alpm": r"1",
}
"""Revisions that a distribution gives its first build of an upstream version: a fix that came with it is upstream's."""
_WORDS = {
    "will_not_fix": ", and its publisher will not fix it",
    "end_of_life": ", and its support has ended",
    "under_investigation": ", as far as its publisher knows, who is looking into it",
}


class Spoken(NamedTuple):
    """One statement on a package: the name and the version that it was compared by, what it comes to, and why.

    `versions` are some of those that it lists in place of a range.
    """

    statement: Statement
    called: Called
    verdict: Verdict
    because: str
    versions: tuple[str, ...] = ()


def spoken(
    part: Part,
    scheme: Scheme,
    query: Query,
    records: Container[tuple[str, int]],
    held: Sequence[Statement],
) -> Iterator[Spoken]:
    """Give what a part says of a package in these records (id, mark), whatever the version; `held` is the matcher's answer."""
    holding = {_row(statement): statement for statement in held if statement.part == part.key}
    key_of = functools.partial(sort_key, scheme)
    for called in names_of(scheme, query):
        every = part.statements(called.name, called.scope, None, "", keyed=False)
        found = [each for each in every if (each.advisory, each.mark) in records]
        if not found:
            continue
        key = key_of(called.version)
        in_range = {
            _row(each)
            for each in part.statements(called.name, called.scope, key, called.version, key_of=key_of)
        }
        for statement in dict.fromkeys(found):
            answer = holding.get(_row(statement))
            if answer is not None:
                verdict, because = _held(answer, called, query, is_ordered=key is not None)
            elif not applies(statement, query) or _row(statement) in in_range:
                verdict, because = _of_others(statement, query)
            else:
                verdict, because = _out_of_range(statement, called, query, scheme)
            yield Spoken(answer or statement, called, verdict, because, _versions(part, statement, called))


def _row(statement: Statement) -> Statement:
    """Give what a statement is the same row by, whatever the matcher has put into it."""
    return statement._replace(undecided=False, more=msgspec.structs.replace(statement.more, note=""))


def _versions(part: Part, statement: Statement, called: Called) -> tuple[str, ...]:
    if not statement.by_list:
        return ()
    rows = part.spoken(called.name, advisory=statement.advisory, mark=statement.mark)
    listed = dict.fromkeys(version for row in rows if row.scope == called.scope for version in row.versions)
    near = [called.version] if called.version in listed else []
    return tuple(dict.fromkeys([*near, *listed]))[:_LISTED]


def _held(statement: Statement, called: Called, query: Query, *, is_ordered: bool) -> tuple[Verdict, str]:
    if statement.state == "not_affected" and not statement.undecided:
        return "not_affected", "its publisher says that it is not affected"
    if statement.undecided:
        if not is_ordered:
            why = f"{called.version or 'a package without a version'} has no place in the order of versions"
        elif statement.more.module and statement.more.module != query.module:
            why = f"it is said of the module stream {statement.more.module}, and which stream this build is of is not known"
        elif statement.more.cpes:
            why = f"it is said of {_products(statement)}, and whether the package is from there is not known"
        else:
            why = "an end of the range has no place in the order of versions, or the ends stand the wrong way round"
        return "undecided", why
    more = _WORDS.get(statement.state, "")
    if statement.by_list:
        return "affected", f"{called.version} is one of them{more}"
    if statement.span == "all versions":
        return "affected", f"that is every version{more}"
    return "affected", f"{called.version} is in it{more}"


def _of_others(statement: Statement, query: Query) -> tuple[Verdict, str]:
    """Say of whom a statement is that does not speak of this package; see `matcher.applies`."""
    more = statement.more
    if more.arches and query.arch and query.arch not in more.arches and query.arch != "noarch":
        return (
            "other_architecture",
            f"it is said of {', '.join(more.arches)}, and this package is for {query.arch}",
        )
    if more.cpes:
        return "other_product", f"it is said of {_products(statement)}"
    if query.ecosystem == "rpm":
        own = f"the module stream {query.module}" if query.module else "no module"
        return (
            "other_module",
            f"it is said of {more.module or 'packages of no module'}, and this build is of {own}",
        )
    return "other_product", "it is said of other products"


def _products(statement: Statement) -> str:
    names = sorted({":".join(cpe.removeprefix("cpe:").split(":")[1:4]) for cpe in statement.more.cpes})
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _out_of_range(statement: Statement, called: Called, query: Query, scheme: Scheme) -> tuple[Verdict, str]:
    version = called.version
    if statement.by_list:
        return "not_listed", f"{version} is none of them"
    key = sort_key(scheme, version)
    low, high = (sort_key(scheme, text) if text else None for text in (statement.introduced, statement.fixed))
    if low is not None and key is not None and key < low:
        return "below", f"{version} is before {statement.introduced}, the first with the flaw"
    if statement.fixed and high is not None and key is not None and key >= high:
        is_it = "is what is installed" if version == statement.fixed else f"{version} is not older"
        upstream = _backported(query.ecosystem, version, statement.fixed)
        if upstream:
            own = f"the fix was put into the distribution's own build of {upstream}"
            return "backported", f"{own}: {statement.fixed} has it, and {is_it}"
        return "fixed", f"{statement.fixed} has the fix, and {is_it}"
    return "above", f"{version} is after {statement.last_affected or 'its end'}, the last with the flaw"


def _backported(ecosystem: str, version: str, fixed: str) -> str:
    """Give the upstream version that a distribution fixed in its own build; empty where the fix came from upstream, or may have.

    So it is where the fix came with a later build of the very upstream version that is installed: that itself has the flaw.
    """
    if ecosystem not in SYSTEM:
        return ""
    (upstream, _), (of_fix, revision) = _taken_apart(version), _taken_apart(fixed)
    is_first = re.fullmatch(_FIRST_BUILDS[ecosystem], revision) is not None
    return upstream if revision and upstream == of_fix and not is_first else ""


def _taken_apart(version: str) -> tuple[str, str]:
    """Give upstream version and revision of an OS package's version."""
    _, _, rest = version.rpartition(":")
    upstream, dash, revision = rest.rpartition("-")
    return (upstream, revision) if dash else (rest, "")
