"""Reports in which every word is somebody's attack, for the formats that must stay valid whatever an image says."""

from typing import Any

import msgspec
from hypothesis import strategies as st

from hullmark.model.advisory import Reference, Severity
from hullmark.model.facts import Unread
from hullmark.model.report import Bundle, Component, Finding, Location, Report, Suppressed
from reports.sample import FINDINGS, SAMPLE

WORDS = (
    "",
    "=cmd|'/C calc'!A0",
    "x;=1+1",
    '"=1',
    "＝1",
    "-1",
    "@SUM(1)",
    "\t=1",
    "</failure><script>alert(1)</script>",
    "]]>&amp;\x00\x0b\x1b\ufffe\uffff\ud800",
    "\u202eevil\u2066",
    "a | b\n\n# c",
    "`` ` @user #1 ![x](http://x.example)",
    "javascript:alert(1)",
    "../../etc/passwd",
    "{{7*7}}${7*7}",
)
texts = st.sampled_from(WORDS) | st.text(st.characters(), max_size=20)
"""Surrogates among them: `st.characters()` gives any code point."""

locations = st.builds(
    Location, path=texts, layer=st.integers(-1, 3), place=texts, layer_digest=texts, created_by=texts
)
findings = st.builds(
    Finding,
    id=texts,
    kind=st.sampled_from(["vulnerability", "malicious", "end_of_life", "bundle"]),
    component=texts,
    purl=texts,
    name=texts,
    version=texts,
    severity=st.sampled_from(Severity),
    severity_source=texts,
    state=st.sampled_from(["affected", "fixed_available", "will_not_fix", "undecided"]),
    fixed_version=texts,
    aliases=st.lists(texts, max_size=2).map(tuple),
    title=texts,
    details=texts,
    cwes=st.lists(texts, max_size=2).map(tuple),
    published=texts,
    bundles=st.lists(st.builds(Bundle, id=texts, url=texts), max_size=2).map(tuple),
    references=st.lists(st.builds(Reference, url=texts), max_size=2).map(tuple),
    locations=st.lists(locations, max_size=2).map(tuple),
)


def _report(found: list[Finding], texts_: list[str], unread: list[Unread]) -> Report:
    name, version, *reasons = texts_
    assert SAMPLE.image is not None
    packages = tuple(
        Component(
            id=f.component, purl=f.purl, ecosystem=name, name=f.name, version=f.version, coverage="no_feed"
        )
        for f in found
    )
    made: Report = change(
        SAMPLE,
        image=change(SAMPLE.image, name=name, digest=version),
        as_of=version,
        tool=change(SAMPLE.tool, version=version),
        packages=packages,
        findings=tuple(found),
        suppressed=tuple(Suppressed(reason, one) for reason, one in zip(reasons, found, strict=False)),
        errors=tuple(unread),
    )
    return made


reports = st.builds(
    _report,
    st.lists(findings, max_size=4),
    st.lists(texts, min_size=5, max_size=5),
    st.lists(
        st.builds(Unread, kind=st.just("file"), reason=texts, path=texts, place=texts, layer=texts),
        max_size=2,
    ),
)


def change(value: Any, **changes: Any) -> Any:
    return msgspec.structs.replace(value, **changes)


def huge() -> Report:
    """Give the sample with texts of a megabyte."""
    big = {
        "details": "<x>@ =|`" * 130_000,
        "title": "|`a" * 350_000,
        "name": "n`" * 500_000,
        "fixed_version": ";=" * 500_000,
    }
    found: Report = change(SAMPLE, findings=tuple(change(one, **big) for one in FINDINGS))
    return found


def many(number: int) -> Report:
    """Give a report of so many findings, all different."""
    found = tuple(change(FINDINGS[index % 8], id=f"CVE-2024-{index + 10_000}") for index in range(number))
    report: Report = change(SAMPLE, findings=found)
    return report
