"""Reports whose every text is whatever somebody put into an image."""

from hypothesis import strategies as st
from msgspec.structs import replace

from hullmark.model.advisory import KnownExploited, Reference, Severity
from hullmark.model.facts import Unread
from hullmark.model.report import (
    Bundle,
    Failure,
    Misconfiguration,
    Report,
    ReportSet,
    SecretFinding,
    Silenced,
    Suppressed,
    Suppression,
)
from reports.sample import FINDINGS, LOG4J, SAMPLE

TEXTS = (
    "",
    "\n::error::mine",
    "  ::add-mask::a",
    "##[set-env name=A]b",
    "a%0A::stop-commands::x",
    "::",
    "]]><x a='1'>&amp;&#0;\"",
    "\x00\x1b[2J\x07\x7f\x85\u2028\u202e\u2066\ufffe\uffff\ud800\udfff\U000e0041",
    "{{7*7}} {0} ${jndi:ldap://x}",
    "[a](http://evil.example) ![b](http://evil.example/x.png) <img src=x onerror=y> <http://evil.example>",
    "http://evil.example www.evil.example `x` **b** # h",
    "# head\n\n- item\n\n1. one\n\n> quote\n\n    code\n\n```\nfence\n```\n\na | b\n- | -\n",
    "../../../../etc/passwd",
    "/a//./b/../c d?e#f:g",
    "hullmark.unread.error",
    "=cmd|' /C calc'!A0",
    "x" * 1_000_000,
    "\x1b" * 100_000,
)
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60) | st.sampled_from(TEXTS[:-2])


def strange(text: str) -> Report:
    """Give a report with a text of an image's own wherever such a text may stand."""
    place = replace(LOG4J.locations[0], path=text, place=text, created_by=text, layer_digest=text)
    known = replace(
        FINDINGS[0],
        id=text,
        purl=f"pkg:{text}/{text}@{text}",
        name=text,
        version=text,
        severity_source=text,
        fixed_version=text,
        aliases=(text, "GHSA-1"),
        title=text,
        details=text,
        cwes=(text, "CWE-79"),
        bundles=(Bundle(text, text, text),),
        kev=KnownExploited(text, text, text),
        references=(Reference(text),),
        locations=(place, place),
    )
    findings = (
        known,
        replace(known, title="", details="", locations=()),
        replace(known, kind="malicious", id="MAL-1"),
        replace(FINDINGS[-1], id=f"EOL-{text}", name=text, title=text, fixed_version=text),
    )
    assert SAMPLE.image is not None
    return replace(
        SAMPLE,
        tool=replace(SAMPLE.tool, name=text, version=text),
        as_of=text,
        image=replace(SAMPLE.image, name=text, digest=text, tags=(text,), release=place),
        errors=(Unread("layer", text, text, text, text), Unread("record", text, text, text, text)),
        packages=(replace(LOG4J, name=text, ecosystem=text, coverage="no_feed"),),
        findings=findings,
        suppressed=(Suppressed(text, known, by=0), Suppressed(text, findings[1], by=7)),
        suppressions=(Suppression(source=text, reason=text),),
        secrets=(_secret(text), replace(_secret(text), source="file", confidence="low", layer=-1)),
        config=(_misconfiguration(text), replace(_misconfiguration(text), layer=1, from_base=True)),
        silenced=(
            Silenced(text, text, text, secret=_secret(text)),
            Silenced(text, text, text, 3, text, by=0),
            Silenced(text, text, text, config=_misconfiguration(text)),
        ),
    )


def _secret(text: str) -> SecretFinding:
    return SecretFinding(
        rule=text,
        severity=Severity.HIGH,
        confidence="high",
        message=text,
        source="deleted_file",
        path=text,
        line=3,
        column=2,
        end_column=9,
        fingerprint=text,
        reason=text,
        layer=1,
        layer_digest=text,
        created_by=text,
        same_as=(text,),
        controls=(text,),
    )


def _misconfiguration(text: str) -> Misconfiguration:
    return Misconfiguration(
        rule=text,
        severity=Severity.MEDIUM,
        message=text,
        advice=text,
        file=text,
        line=3,
        column=2,
        end_line=4,
        end_column=1,
        resource=text,
        created_by=text,
        same_as=(text,),
        controls=(text,),
    )


def linted(text: str) -> Report:
    """Give what lint would make of files with such a name."""
    made: Report = replace(
        strange(text), image=None, packages=(), findings=(), suppressed=(), layers=(), errors=()
    )
    return made


def several(text: str) -> ReportSet:
    """Give the same twice, with an image that could not be scanned."""
    one = strange(text)
    return ReportSet(reports=(one, one), failures=(Failure(text, text, text),), summary=one.summary)
