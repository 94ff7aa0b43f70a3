r"""What a rule for secrets is, and how patterns of values beside telling names are made.

All patterns of all rules are searched for at once by Hyperscan, without start of match, and what it finds is confirmed by `re` on a window around
it. So a pattern is written in what both understand: no look-around and no back reference (`\b` is fine), `[ \t]` rather than `\s` where a line
end must not match, a bound on each repetition. `(?i)` in front makes it blind to case. The named group `secret` is the value; without it all is.
"""

from collections.abc import Callable

from msgspec import Struct

from hullmark.model.rule import Confidence, Rule

WINDOW = 4096
"""A match is at most so long: longer ones (private keys) are told by how they begin."""

CONTROLS = ("CIS-Docker 4.10", "NIST-800-190 4.1.4", "NIST-800-53 IA-5", "PCI-DSS 8.6.2")
"""What the frameworks say of any credential in an image."""
FIRST, LAST = r"(?:\b|\\[nrt])", r"(?:[^\w-]|$)"
"""What stands around a value that is told by its form: it follows a sign that is part of no word, or an escaped line end in a string (`\\nghp_…`)."""
BEGIN = r"(?i:\b[\w.-]{0,40}"
"""How `assigned` begins: with what may stand before a telling word in its name."""
END = r"(?:[\"'`\s;,&<)\\\]}\x00]|$)"
"""What follows a value that has no quotes of its own; `assigned` ends in it."""


class SecretRule(Struct, frozen=True, kw_only=True):
    """A rule and how it finds.

    `entropy` is the least Shannon entropy of the value in bits a sign. `valid` tells by a checksum or the structure of the value whether it can be one;
    a rule with such a proof has `confidence` high even where its form is plain. `binary` rules look into files with a NUL byte as well: only those
    with a proof or a form that occurs nowhere else. `paths` are globs (`**/.npmrc`) outside of which the rule says nothing; `allow` is a pattern of
    values (whole) that are none. `generic` rules yield where another one finds the same value. Of `plain` rules a
    value counts that looks like a filler, since its form has that in it. `searched` is there wherever the pattern matches, and cheaper to search for,
    where that does not follow from the pattern by itself. `own` rules are a team's: their patterns may be such
    as take exponential time, so that they are confirmed by Hyperscan as well; `path_pattern` is searched for in a path, as gitleaks does.
    """

    rule: Rule
    pattern: str
    confidence: Confidence = "high"
    entropy: float = 0.0
    valid: Callable[[str], bool] | None = None
    binary: bool = False
    paths: tuple[str, ...] = ()
    allow: str = ""
    generic: bool = False
    plain: bool = False
    own: bool = False
    path_pattern: str = ""
    searched: str = ""


def assigned(names: str, value: str) -> str:
    r"""Give the pattern of a value that is assigned to a name with one of `names` (an alternation, any case) in it.

    As in `DATADOG_API_KEY=…`, `"datadogApiKey": "…"`, `datadog.key => '…'`, `--datadog-key …`, `datadog key: …`.
    """
    return (
        rf"{BEGIN}(?:{names})[\w .-]{{0,30}})[\"'`\]]{{0,3}}[ \t]{{0,4}}(?:=|:|:=|=>|,|[ \t])[ \t=>]{{0,4}}[\"'`(]{{0,3}}"
        rf"(?P<secret>{value}){END}"
    )
