"""What a record says of one package, without a database."""

from collections.abc import Sequence

from hullmark.advisories.statements import More, Statement
from hullmark.findings.merge import Hit
from hullmark.model.advisory import Advisory, Score, Severity, State


def hit(
    name: str,
    *,
    aliases: Sequence[str] = (),
    fixes: Sequence[str] = (),
    fixed: str = "2",
    state: State = "affected",
    scope: str = "source",
    undecided: bool = False,
    scores: tuple[Score, ...] = (),
    level: Severity = Severity.UNKNOWN,
    feed: str = "debian",
    more: More | None = None,
    malicious: bool = False,
) -> Hit:
    advisory = Advisory(
        id=name,
        aliases=tuple(aliases),
        bundle=bool(fixes),
        fixes=tuple(fixes),
        scores=scores,
        malicious=malicious,
    )
    statement = Statement(
        "debian-12",
        1,
        name,
        bool(fixes),
        scope,
        state,
        undecided,
        "",
        fixed,
        "",
        level,
        more or More(),
        False,
    )
    return Hit(statement, advisory, feed, "x.1", "deb", "1")
