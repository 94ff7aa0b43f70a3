"""Statements about one package become findings: one for each flaw.

The key of a finding is (CVE, else GHSA, else the publisher's id; package). Aliases join ids of one flaw, but
never two CVEs. A bundle (DSA, USN, RHSA …) gives a finding for each flaw that it fixes, unless the same
publisher speaks of that flaw in a record of its own: then that record decides and the bundle is attached.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from hullmark.advisories.database import Statement
from hullmark.model.advisory import SEVERITY_RANK, Advisory, Reference, Score, Severity
from hullmark.model.report import Bundle, Evidence, FindingState

_CVE = re.compile(r"CVE-\d{4}-\d{4,}\Z")
_PRO_BUILD = re.compile(r"[+~]esm\d")
_GHSA = re.compile(r"GHSA(?:-[0-9a-z]{4}){3}\Z")
_FORMS = {"level": 0, "cvss4": 1, "cvss3": 2, "cvss2": 3}
"""In which order a source's scores count."""


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
    """Give the ids under which a record's flaws are known: each CVE, else the GHSA, else its own id."""
    if advisory.bundle:
        return sorted(set(advisory.fixes)) or [advisory.id]
    names = [advisory.id, *advisory.aliases]
    cves = sorted({name for name in names if _CVE.match(name)})
    if cves:
        return cves
    ghsa = sorted(name for name in names if _GHSA.match(name))
    return ghsa[:1] or [advisory.id]


def merge(
    hits: Iterable[Hit], speaks: Callable[[Statement, str], bool], key: Callable[[str], bytes | None]
) -> list[Flaw]:
    """Merge the statements on one package.

    `speaks(statement, flaw)` tells whether the statement's part has a record of its own on that flaw in this
    package. `key` is the package's version order, for choosing among fixed versions.
    """
    asked = tuple(hits)
    own = {flaw for hit in asked if not hit.statement.bundle for flaw in flaw_ids(hit.advisory)}
    groups: dict[str, list[Hit]] = {}
    for hit in asked:
        for flaw in flaw_ids(hit.advisory):
            # A record of the flaw's own that does not hold for this version has decided: the bundle adds nothing.
            decided = hit.statement.bundle and flaw not in own and speaks(hit.statement, flaw)
            if not decided:
                groups.setdefault(flaw, []).append(hit)
    _join_aliases(groups)
    found = [_flaw(name, group, key) for name, group in sorted(groups.items())]
    return [flaw for flaw in found if flaw is not None]


def _join_aliases(groups: dict[str, list[Hit]]) -> None:
    """Move what stands under a GHSA or a publisher's id to the CVE that other records say it is, else together."""
    records = {id(hit.advisory): hit.advisory for group in groups.values() for hit in group}
    own = [advisory for advisory in records.values() if not advisory.bundle]
    links = [_Link(advisory) for advisory in own if advisory.aliases]
    if not links:
        return
    cves = _nearest_cves(links)
    names = _names_together(links, {advisory.id for advisory in own})
    for name in [name for name in groups if not _CVE.match(name)]:
        targets = cves.get(name) or {names.get(name, name)}
        if targets != {name}:
            moved = groups.pop(name)
            for target in sorted(targets):
                known = groups.setdefault(target, [])
                there = {id(hit) for hit in known}
                known += [hit for hit in moved if id(hit) not in there]


class _Link:
    """The ids that one record says are one flaw; CVE ids apart, since no two of them may ever be joined."""

    __slots__ = ("cves", "others")

    def __init__(self, advisory: Advisory) -> None:
        ids = {advisory.id, *advisory.aliases}
        self.cves = {name for name in ids if _CVE.match(name)}
        self.others = ids - self.cves


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


def _flaw(name: str, group: list[Hit], key: Callable[[str], bytes | None]) -> Flaw | None:
    own = [hit for hit in group if not hit.statement.bundle] or group
    # The vendor's word on the binary package is more exact than that on its source, where it is sure to hold.
    scopes = {hit.statement.scope for hit in own}
    binary = [hit for hit in own if hit.statement.scope == "binary" and not hit.statement.undecided]
    decisive = binary if binary and len(scopes) > 1 else own
    if all(hit.statement.state == "not_affected" for hit in decisive):
        return None
    affected = [hit for hit in decisive if hit.statement.state != "not_affected"]
    if len({hit.statement.part for hit in decisive}) == 1 and _denied(decisive):
        return None
    fixed = _fixed_version(affected, key)
    bundled = [hit for hit in group if hit.statement.bundle and hit.statement.state != "not_affected"]
    aliases = {
        alias
        for hit in group
        if not hit.advisory.bundle
        for alias in (hit.advisory.id, *hit.advisory.aliases)
    }
    return Flaw(
        id=name,
        hits=tuple(dict.fromkeys(affected + bundled)),
        state=_state(affected, fixed),
        fixed_version=fixed,
        aliases=tuple(sorted(alias for alias in aliases - {name} if not _CVE.match(alias))),
        bundles=_bundles(bundled),
        malicious=any(hit.advisory.malicious for hit in affected),
        bundle_only=all(hit.statement.bundle for hit in affected) and name == affected[0].advisory.id,
    )


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
    states = {hit.statement.state for hit in hits}
    if all(hit.statement.undecided for hit in hits):
        return "undecided"
    if fixed:
        return "fixed_available"
    for state in ("affected", "will_not_fix", "end_of_life", "under_investigation"):
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
        found[hit.advisory.id] = Bundle(hit.advisory.id, _public_fix(hit), url)
    return tuple(found[name] for name in sorted(found))


def evidence(hit: Hit) -> Evidence:
    """Say why a statement holds."""
    statement = hit.statement
    if statement.by_list:
        span = "listed versions"
    else:
        low = f">= {statement.introduced}" if statement.introduced else ""
        high = f"< {statement.fixed}" if statement.fixed else ""
        high = high or (f"<= {statement.last_affected}" if statement.last_affected else "")
        span = ", ".join(part for part in (low, high) if part) or "all versions"
    return Evidence(
        feed=hit.feed,
        part=statement.part,
        revision=hit.revision,
        record=statement.advisory,
        range=span,
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


def severity(
    hits: Sequence[Hit], extra: Iterable[Score], *, system: bool
) -> tuple[Severity, str, tuple[Score, ...]]:
    """Choose the severity that counts, say whose it is, and give all scores.

    For OS packages the distribution's own comes first; then GHSA or the ecosystem's database, the CNA, CISA's
    ADP, NVD. What a bundle says is of the worst flaw in it, so a record of the flaw's own comes before it. Of one
    source its own word comes before what its vectors amount to, and a newer CVSS before an older one.
    """
    candidates: list[tuple[int, str, int, Severity]] = []
    scores: dict[Score, None] = {}
    for hit in hits:
        shared = int(hit.statement.bundle)
        candidates.append((2 * (0 if system else 2) + shared, hit.feed, _FORMS["level"], hit.statement.level))
        for score in hit.advisory.scores:
            scores[score] = None
            rank = 2 * _rank(score.source, hit.feed, system=system) + shared
            candidates.append((rank, score.source, _FORMS[score.kind], score.level))
    for score in extra:
        scores[score] = None
        rank = 2 * _rank(score.source, "", system=system)
        candidates.append((rank, score.source, _FORMS[score.kind], score.level))
    words: dict[tuple[int, str], tuple[int, int, Severity]] = {}
    for rank, source, form, level in candidates:
        if level is not Severity.UNKNOWN:
            word = (form, SEVERITY_RANK[level], level)
            words[rank, source] = min(words.get((rank, source), word), word)
    shown = tuple(sorted(scores, key=lambda score: (score.source, score.kind, score.vector, score.level)))
    if not words:
        return Severity.UNKNOWN, "", shown
    _, _, source, level = min(
        (rank, worst, source, level) for (rank, source), (_, worst, level) in words.items()
    )
    return level, source, shown


def _rank(source: str, feed: str, *, system: bool) -> int:
    if system and source == feed:
        return 0
    if source == "ghsa":
        return 1
    if source.startswith("cna"):
        return 3
    if source == "cisa-adp":
        return 4
    if source == "nvd":
        return 5
    return 1 if system else 2


def references(hits: Iterable[Hit]) -> tuple[Reference, ...]:
    """Give every link once, in the records' order."""
    return tuple({reference.url: reference for hit in hits for reference in hit.advisory.references}.values())
