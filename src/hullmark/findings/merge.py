"""Statements about one package become findings: one for each flaw.

The key of a finding is (CVE, else GHSA, else the publisher's id; package). Aliases join ids of one flaw, but
never two CVEs. A bundle (DSA, USN, RHSA …) gives a finding for each flaw that it fixes, unless the same
publisher speaks of that flaw in a record of its own: then that record decides and the bundle is attached.

A malicious package is no flaw: what says so stays a finding of its own, whatever CVE is an alias of it.
"""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from hullmark.advisories.statements import Statement
from hullmark.model.advisory import Advisory, Reference
from hullmark.model.report import Bundle, Evidence, FindingState

_CVE = re.compile(r"CVE-\d{4}-\d{4,}\Z")
_PRO_BUILD = re.compile(r"[+~]esm\d")
_GHSA = re.compile(r"GHSA(?:-[0-9a-z]{4}){3}\Z")


class Hit(NamedTuple):
    """One statement with the record that it belongs to."""

    statement: Statement
    advisory: Advisory
    feed: str
    revision: str
    scheme: str
    compared: str


class Flaw(NamedTuple):
    """One flaw in one package, merged from all that speaks of it."""

    id: str
    hits: tuple[Hit, ...]
    state: FindingState
    fixed_version: str
    aliases: tuple[str, ...]
    bundles: tuple[Bundle, ...]
    malicious: bool
    bundle_only: bool


def flaw_ids(advisory: Advisory) -> list[str]:
    """Give the ids under which a record's flaws are known: each CVE, else the GHSA, else its own id.

    A malicious package is known by a CVE only where it has no other id.
    """
    if advisory.bundle:
        return sorted(set(advisory.fixes)) or [advisory.id]
    names = [advisory.id, *advisory.aliases]
    cves = sorted({name for name in names if _CVE.match(name)})
    if advisory.malicious:
        names = [name for name in names if name not in cves]
        cves = [] if names else cves
    if cves:
        return cves
    ghsa = sorted(name for name in names if _GHSA.match(name))
    return ghsa[:1] or [names[0]]


def _nobody(_names: Sequence[str]) -> Sequence[Advisory]:
    return ()


def merge(
    hits: Iterable[Hit],
    speaks: Callable[[Statement, str], bool],
    key: Callable[[str], bytes | None],
    elsewhere: Callable[[Sequence[str]], Sequence[Advisory]] = _nobody,
) -> list[Flaw]:
    """Merge the statements on one package.

    `speaks(statement, flaw)` tells whether the statement's part has a record of its own on that flaw in this
    package, or another bundle that fixed it in the package's own line of versions. `key` is the package's version
    order, for choosing among fixed versions. `elsewhere` gives what others, who speak of other packages, say of GHSA ids: their
    aliases count as well.
    """
    asked = tuple(hits)
    own = {flaw for hit in asked if not hit.statement.bundle for flaw in flaw_ids(hit.advisory)}
    groups: dict[str, list[Hit]] = {}
    for hit in asked:
        for flaw in flaw_ids(hit.advisory):
            # What speaks of the flaw itself and does not hold for this version has decided: the bundle adds nothing.
            decided = hit.statement.bundle and flaw not in own and speaks(hit.statement, flaw)
            if not decided:
                groups.setdefault(flaw, []).append(hit)
    others = elsewhere([name for name in groups if _GHSA.match(name)])
    joined = _join_aliases(groups, others)
    found = [_flaw(name, group, key, joined.get(name, ())) for name, group in sorted(groups.items())]
    return [flaw for flaw in found if flaw is not None]


def _join_aliases(groups: dict[str, list[Hit]], others: Sequence[Advisory]) -> dict[str, list[str]]:
    """Move what stands under a GHSA or a publisher's id to the CVE that other records say it is, else together.

    Gives the ids that were joined to each.
    """
    joined: dict[str, list[str]] = {}
    records = {id(hit.advisory): hit.advisory for group in groups.values() for hit in group}
    records |= {id(advisory): advisory for advisory in others}
    own = [advisory for advisory in records.values() if not advisory.bundle]
    attacks = _attacks(own)
    links = [_Link(advisory, attacks) for advisory in own if advisory.aliases]
    if not links:
        return joined
    cves = _nearest_cves(links)
    names = _names_together(links, {advisory.id for advisory in own})
    for name in [name for name in groups if not _CVE.match(name)]:
        targets = cves.get(name) or {names.get(name, name)}
        if targets != {name}:
            moved = groups.pop(name)
            for target in sorted(targets):
                joined.setdefault(target, []).append(name)
                known = groups.setdefault(target, [])
                there = {id(hit) for hit in known}
                known += [hit for hit in moved if id(hit) not in there]
    return joined


class _Link:
    """The ids that one record says are one flaw; CVE ids apart, since no two of them may ever be joined.

    Through a malicious package's names nothing leads to a CVE: not from its own records, whatever CVE they name, and not
    from those of a CVE that name one of `attacks` as well.
    """

    __slots__ = ("cves", "others")

    def __init__(self, advisory: Advisory, attacks: Collection[str] = ()) -> None:
        ids = {advisory.id, *advisory.aliases}
        self.cves = {name for name in ids if _CVE.match(name)}
        self.others = ids - self.cves
        if advisory.malicious and self.others:
            self.cves = set()
        elif self.cves:
            self.others.difference_update(attacks)


def _attacks(own: Sequence[Advisory]) -> set[str]:
    """Give the names of malicious packages: those in their records, and those that lead there without a CVE."""
    malicious = [advisory for advisory in own if advisory.malicious]
    if not malicious:
        return set()
    names = set().union(*(_Link(advisory).others for advisory in malicious))
    waiting = [link.others for link in map(_Link, own) if not link.cves]
    while joined := [others for others in waiting if others & names and not others <= names]:
        names.update(*joined)
    return names


def _nearest_cves(links: Sequence[_Link]) -> dict[str, set[str]]:
    """Give, for each other id that aliases lead from to a CVE, the CVE after the fewest steps (or all of those)."""
    found: dict[str, set[str]] = {}
    waiting = list(links)
    while waiting:
        step: dict[str, set[str]] = {}
        for link in waiting:
            near = link.cves or set().union(*(found.get(name, ()) for name in link.others))
            for name in link.others if near else ():
                if name not in found:
                    step.setdefault(name, set()).update(near)
        if not step:
            break
        found |= step
        waiting = [link for link in waiting if not link.others <= found.keys()]
    return found


def _names_together(links: Sequence[_Link], own: set[str]) -> dict[str, str]:
    """Give each other id the name of all that aliases join it with: the first GHSA, else a record's own id."""
    parents: dict[str, str] = {}

    def root(name: str) -> str:
        while (parent := parents.setdefault(name, name)) != name:
            parents[name] = name = parents.setdefault(parent, parent)
        return name

    for link in links:
        first = next(iter(link.others), "")
        for name in link.others:
            parents[root(name)] = root(first)
    members: dict[str, set[str]] = {}
    for name in list(parents):
        members.setdefault(root(name), set()).add(name)
    chosen = {
        root_name: min((name for name in names if _GHSA.match(name)), default="") or min(names & own or names)
        for root_name, names in members.items()
    }
    return {name: chosen[root(name)] for name in parents}


def _flaw(
    name: str, group: list[Hit], key: Callable[[str], bytes | None], joined: Iterable[str]
) -> Flaw | None:
    own = [hit for hit in group if not hit.statement.bundle] or group
    # The vendor's word on the binary package is more exact than that on its source, where it is sure to hold.
    malicious = any(_is_attack(hit) for hit in own)
    scopes = {hit.statement.scope for hit in own}
    binary = [hit for hit in own if hit.statement.scope == "binary" and not hit.statement.undecided]
    decisive = binary if binary and len(scopes) > 1 and not malicious else own
    if all(hit.statement.state == "not_affected" for hit in decisive):
        return None
    affected = [hit for hit in decisive if hit.statement.state != "not_affected"]
    if not malicious and len({hit.statement.part for hit in decisive}) == 1 and _denied(decisive):
        return None
    # Who had the attack is not rid of it by a later version; the evidence tells which versions it is in.
    fixed = "" if malicious else _fixed_version(affected, key)
    bundled = [hit for hit in group if hit.statement.bundle and hit.statement.state != "not_affected"]
    aliases = {
        alias
        for hit in group
        if not hit.advisory.bundle
        for alias in (hit.advisory.id, *hit.advisory.aliases)
    }.union(joined)
    return Flaw(
        id=name,
        hits=tuple(dict.fromkeys(affected + bundled)),
        state=_state(affected, fixed),
        fixed_version=fixed,
        aliases=tuple(sorted(alias for alias in aliases - {name} if not _CVE.match(alias))),
        bundles=_bundles(bundled),
        malicious=malicious,
        bundle_only=all(hit.statement.bundle for hit in affected) and name == affected[0].advisory.id,
    )


def _is_attack(hit: Hit) -> bool:
    """Tell whether a record says that this very version is malicious. What fixes other flaws as well never does."""
    return hit.advisory.malicious and not hit.advisory.bundle and hit.statement.state != "not_affected"


def _denied(hits: list[Hit]) -> bool:
    """Tell whether one record itself says 'not affected' for this very package beside a wider 'affected'."""
    return any(
        hit.statement.state == "not_affected"
        and hit.statement.scope == "binary"
        and not hit.statement.undecided
        for hit in hits
    )


def _fixed_version(hits: list[Hit], key: Callable[[str], bytes | None]) -> str:
    """Choose the lowest fixed version that all of a publisher's statements agree with: the highest of theirs."""
    best, best_key = "", b""
    for hit in hits:
        text = _public_fix(hit)
        order = key(text) if text else None
        if hit.statement.undecided and order is not None and order <= (key(hit.compared) or b""):
            continue  # the publisher's ends are the wrong way round: who is beyond it has no use for it
        if text and (not best or (order is not None and order > best_key)):
            best, best_key = text, order or b""
    return best


def _public_fix(hit: Hit) -> str:
    """Give the version with the fix, empty where only subscribers of an extended support get it; the evidence names it.

    Whoever has a build from Ubuntu Pro's archives (`1:4.1.7-4ubuntu0.1+esm2`) gets the next one, too.
    """
    archives = hit.statement.more.repositories
    pro = bool(archives) and all(name.startswith("esm") for name in archives)
    return hit.statement.fixed if not archives or (pro and _PRO_BUILD.search(hit.compared)) else ""


def _state(hits: list[Hit], fixed: str) -> FindingState:
    """Say how the flaw stands for this package.

    Why there is no fix is more exact than that there is none: Ubuntu's OSV documents call affected whatever has none yet, and
    its VEX tells whether it will be fixed, is looked into or is past its support.
    """
    sure = [hit for hit in hits if not hit.statement.undecided]
    if not sure:
        return "undecided"
    if fixed:
        return "fixed_available"
    archives = [hit for hit in sure if hit.statement.more.repositories]
    public = [hit for hit in sure if not hit.statement.more.repositories]
    subscribed = any(_PRO_BUILD.search(hit.compared) for hit in archives)
    states = {hit.statement.state for hit in (archives if subscribed else public) or sure}
    for state in ("will_not_fix", "end_of_life", "under_investigation"):
        if state in states:
            return state
    return "affected"


def _bundles(hits: list[Hit]) -> tuple[Bundle, ...]:
    found = {}
    for hit in hits:
        url = next(
            (reference.url for reference in hit.advisory.references if hit.advisory.id in reference.url),
            "",
        )
        found[hit.advisory.id] = Bundle(hit.advisory.id, _public_fix(hit), url, hit.advisory.published)
    return tuple(found[name] for name in sorted(found))


def evidence(hit: Hit) -> Evidence:
    """Say why a statement holds."""
    statement = hit.statement
    return Evidence(
        feed=hit.feed,
        part=statement.part,
        revision=hit.revision,
        record=statement.advisory,
        range=statement.span,
        scheme=hit.scheme,
        compared=hit.compared,
        state=statement.state,
        note=_note(statement),
    )


def _note(statement: Statement) -> str:
    more = statement.more
    if statement.fixed and more.repositories:
        paid = f"the fix is only in {', '.join(more.repositories)}"
        return f"{more.note}; {paid}" if more.note else paid
    return more.note


def references(hits: Iterable[Hit]) -> tuple[Reference, ...]:
    """Give every link once, in the records' order."""
    return tuple({reference.url: reference for hit in hits for reference in hit.advisory.references}.values())
