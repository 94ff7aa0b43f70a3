"""The HTML page by what is in the file; tests/e2e/test_html_page.py opens it in a browser."""

import base64
import hashlib
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hullmark import reports
from hullmark.advice.removal import REMOVE
from hullmark.model.facts import Unread
from hullmark.model.look import Look
from hullmark.model.report import Bundle, Failure, Report, ReportSet, Suppressed
from hullmark.modules import names_in
from hullmark.reports import formats, render
from reports.sample import FINDINGS, LINTED, SAMPLE, WHOLE, found
from reports.sample import HOSTILE as EVIL

GOLDEN = Path(__file__).parent.parent / "golden" / "reports" / "html"
VOID = {"meta", "input", "link", "br"}
SVG = {"svg", "title", "desc", "text", "rect"}
TAGS = SVG | set(
    re.findall(
        r"\w+",
        "html head meta title style body header h1 main article h2 h3 h4 p code div ul ol li b i section span small figure figcaption"
        " table caption thead tbody tr th td a details summary dl dt dd form label input fieldset legend select option button"
        " noscript script",
    )
)
URLS = {"href", "src", "action", "formaction", "data", "poster", "srcset", "style", "xlink:href"}

NASTY = (
    "</noscript><script>document.title='owned'</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "]]>--><!--<svg onload=alert(1)>",
    "javascript:alert(1)",
    "\ud800\u202e\u2028\x00\x1b[2J",
    "&lt;script&gt;{{7*7}}${x}",
    "a" * 1_000_000 + "<b>",
)


class Page(HTMLParser):
    """Reads a page, and fails where elements do not close as they were opened."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        assert len(attrs) == len(dict(attrs))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in SVG
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in {"script", "style"}:
            self.words.append(data)


def body(report: Report | ReportSet = SAMPLE, look: Look | None = None) -> str:
    return render("html", report, look).decode("ascii")


def read(text: str) -> Page:
    page = Page()
    page.feed(text)
    page.close()
    assert page.open == []
    return page


def words(report: Report | ReportSet = SAMPLE, look: Look | None = None) -> str:
    return " ".join(" ".join(read(body(report, look)).words).split())


def safe(text: str) -> None:
    """Fail where a page holds more than our own script, links to elsewhere, or is no HTML."""
    page = read(text)
    assert [tag for tag, _ in page.tags].count("script") == 1
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for tag, attrs in page.tags:
        assert tag in TAGS
        assert not [name for name in attrs if name.startswith("on")]
        for name in URLS & attrs.keys():
            value = attrs[name] or ""
            assert name == "href", (tag, name)
            if value.startswith("#"):
                assert value[1:] in ids
            else:
                assert re.match(r"https?://", value)
                assert attrs["rel"] == "noopener noreferrer"


def spoiled(value: Any, nasty: str) -> Any:
    """Put a text in the place of each that is anybody's."""
    if isinstance(value, str):
        return nasty
    if isinstance(value, tuple):
        return tuple(spoiled(each, nasty) for each in value)
    if isinstance(value, msgspec.Struct):
        kept = {"kind", "state", "evidence", "severity", "level", "id", "component", "coverage", "scanners"}
        kept |= {"status", "release", "origin", "compared", "config", "annotations", "states", "confidence"}
        names = [field.name for field in msgspec.structs.fields(value) if field.name not in kept]
        changed = {name: spoiled(getattr(value, name), nasty) for name in names}
        if hasattr(value, "coverage") and isinstance(value, Report):
            changed["coverage"] = value.coverage
        return type(value)(
            **{f.name: changed.get(f.name, getattr(value, f.name)) for f in msgspec.structs.fields(value)}
        )
    return value


@pytest.mark.parametrize("look", [Look(), Look(suppressed=True)])
def test_is_one_file_of_well_formed_html(look: Look) -> None:
    safe(body(look=look))
    assert body().startswith("<!DOCTYPE html>\n")


def test_golden(golden: Callable[[Path, bytes], None]) -> None:
    golden(GOLDEN / "sample.html", render("html", WHOLE, Look(suppressed=True)))
    golden(GOLDEN / "lint.html", render("html", LINTED))


def test_the_policy_allows_just_this_script_and_this_style() -> None:
    text = body()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy[1].split(";"))
    assert rules["default-src"] == "'none'"
    for kind in ("script", "style"):
        (held,) = re.findall(rf"<{kind}>(.*?)</{kind}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(held.encode()).digest()).decode()
        assert rules[f"{kind}-src"] == f"'sha256-{digest}'"
    assert text.index("Content-Security-Policy") < text.index("<style>") < text.index("<body>")
    assert "unsafe" not in policy[1]


@pytest.mark.parametrize("nasty", NASTY, ids=range(len(NASTY)))
def test_nothing_of_a_report_is_markup(nasty: str) -> None:
    report = spoiled(WHOLE, nasty)
    evil = tuple(msgspec.structs.replace(each, id=nasty) for each in report.findings)
    text = body(msgspec.structs.replace(report, findings=evil), Look(suppressed=True))
    safe(text)
    assert len(text) < 3_000_000


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(st.characters(exclude_categories=()), max_size=40))
def test_no_text_at_all_is_markup(nasty: str) -> None:
    safe(body(spoiled(WHOLE, nasty), Look(suppressed=True)))


def test_what_cannot_be_seen_is_shown_as_an_escape() -> None:
    text = words()
    assert r"evil\x1b[2J\u202e" in text
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e\u2066]", body())


def test_only_web_addresses_are_links() -> None:
    page = read(body())
    links = [attrs["href"] for tag, attrs in page.tags if tag == "a"]
    assert "https://logging.apache.org/log4j/2.x/security.html" in links
    assert "not a url at all" in " ".join(page.words)
    assert not [link for link in links if link and ("not a url" in link or "<c>" in link)]


def test_the_verdict_stands_first_then_what_to_do() -> None:
    text = words()
    order = (
        f"1 malicious package: {REMOVE}",
        "This would fail: hullmark scan registry.example/team/app:1.2 --fail-on critical",
        "What to do first",
        "Where the findings are",
        "A package with places in two layers",
        "Findings",
        "Not checked, or not read",
    )
    places = [text.index(each) for each in order]
    assert places == sorted(places)
    first = text[text.index("What to do first") : text.index("Where the findings are")]
    steps = (
        r"Malicious: evil\x1b[2J\u202e 1.0",
        "2.14.1 to 2.16.0; 1 exploited (KEV): 3 findings",
        "release debian 12 to debian-13: it is past its end of life",
        "base image debian:12 to a newer build of it",
    )
    assert [first.index(each) for each in steps] == sorted(first.index(each) for each in steps)


def test_a_malicious_package_is_never_upgraded() -> None:
    bad = found("MAL-2024-1", EVIL, fixed="2.0", kind="malicious")
    text = words(msgspec.structs.replace(SAMPLE, findings=(bad,)))
    assert "remove it" in text
    assert "upgrade" not in text.lower()
    assert "fixed in 2.0" not in text


def test_each_finding_and_package_is_there() -> None:
    text = body()
    assert text.count("<li data-s=") == len(SAMPLE.findings)
    assert text.count("<li data-o=") == len(SAMPLE.packages)
    plain = words()
    for finding in FINDINGS:
        assert finding.id.replace("\x07", r"\x07") in plain


def test_charts_say_in_words_what_they_show() -> None:
    text = body()
    assert text.count('<svg class="chart" role="img"') == 4
    assert text.count("<desc ") == 4
    assert "Layer 1, own: 2 critical, 1 high. Layer 2, own: 3 critical, 2 high, 1 medium, 1 unknown." in text
    assert (
        "Base image: 1 high, 1 low, 1 negligible. Own layers: 3 critical, 2 high, 1 medium, 1 unknown."
        in text
    )
    assert "Fix available: 2 critical, 2 high, 1 medium, 1 negligible. No fix: 1 critical, 2 high" in text


def test_layers_are_drawn_to_scale() -> None:
    text = body()
    assert 'class="part own" x="0.000%" y="0" width="33.333%"' in text
    assert 'class="part own" x="33.333%" y="0" width="66.667%"' in text
    assert re.search(r"<code>RUN make step2</code>", text)


def test_what_was_not_checked_or_read_is_said() -> None:
    text = words()
    assert "2 packages not checked, 2 things could not be read" in text
    assert "Not checked: 1 package (generic): their feed is not in the database" in text
    assert r"broken\x1b[2J line" in text
    assert "Left out of lock files: 4 development packages (--include-dev)" in text
    assert "1 file passed over by --skip-path" in text


def test_many_things_unread_are_counted() -> None:
    many = tuple(Unread("file", "damaged", path=f"{n}.jar") for n in range(5_000))
    text = words(msgspec.structs.replace(SAMPLE, errors=many))
    assert "Could not be read (5,000)" in text
    assert "and 4,800 more, all in the JSON report" in text


def test_many_bundles_are_counted() -> None:
    many = tuple(Bundle(f"DSA-{n}", url=f"https://example.org/{n}") for n in range(40))
    text = words(
        msgspec.structs.replace(SAMPLE, findings=(msgspec.structs.replace(FINDINGS[0], bundles=many),))
    )
    assert "DSA-11" in text
    assert "DSA-12" not in text
    assert "and 28 more, all in the JSON report" in text


def test_suppressed_are_counted_always_and_shown_when_asked_for() -> None:
    plain, shown = words(), words(look=Look(suppressed=True))
    for text in (plain, shown):
        assert "3 findings suppressed" in text
        assert ".hullmark-ignore.yaml:9" in text
    assert "CVE-2022-40897" not in plain
    assert "CVE-2022-40897" in shown
    assert "Suppressed by .hullmark-ignore.yaml:3, until 2026-06-30; a fix has come meanwhile" in shown


def test_what_only_is_not_shown_fails_a_gate() -> None:
    hidden = (Suppressed("--fixable-only", FINDINGS[0], gated=True),)
    text = words(msgspec.structs.replace(SAMPLE, findings=(), suppressed=hidden))
    assert "Nothing else found in 9 packages, but not all of it could be checked" in text
    assert "--fail-on critical" in text


def test_nothing_found_is_not_said_lightly() -> None:
    clean = msgspec.structs.replace(SAMPLE, findings=(), suppressed=())
    assert "Nothing found in 9 packages, but not all of it could be checked" in words(clean)
    none = tuple(msgspec.structs.replace(each, coverage="feed_missing") for each in SAMPLE.packages)
    assert "None of 9 packages was checked" in words(msgspec.structs.replace(clean, packages=none))
    unmatched = msgspec.structs.replace(clean, coverage=msgspec.structs.replace(SAMPLE.coverage, scanners=()))
    assert "9 packages; no vulnerabilities were looked for" in words(unmatched)


def test_the_worst_is_in_the_colour_too() -> None:
    assert '<div class="verdict bad">' in body()
    whole = tuple(msgspec.structs.replace(each, coverage="matched") for each in SAMPLE.packages)
    clean = msgspec.structs.replace(
        SAMPLE, findings=(), suppressed=(), packages=whole, errors=(), incomplete=False
    )
    assert '<div class="verdict good">' in body(clean)
    assert '<div class="verdict fair">' in body(msgspec.structs.replace(clean, incomplete=True))


@pytest.mark.parametrize("changes", [{"image": None}, {"layers": ()}, {"packages": (), "findings": ()}])
def test_is_safe_with_less(changes: dict[str, Any]) -> None:
    safe(body(msgspec.structs.replace(SAMPLE, **changes)))


def test_several_images_are_one_page() -> None:
    other = msgspec.structs.replace(SAMPLE, findings=FINDINGS[:1])
    failure = Failure("x\x1b", "<not> there", "look again")
    both = ReportSet(reports=(SAMPLE, other), failures=(failure,), summary=SAMPLE.summary)
    text = body(both)
    safe(text)
    assert text.count("<article") == 2
    plain = words(both)
    assert "2 images scanned, 1 failed" in plain
    assert r"x\x1b : not scanned: <not> there (look again)" in plain


def test_same_report_same_bytes() -> None:
    assert render("html", SAMPLE, Look(40, colour=True)) == render("html", SAMPLE)


def test_style_and_script_are_no_formats() -> None:
    assert "html" in formats()
    assert not [name for name in names_in(reports.__path__) if name.startswith(("_", "page"))]
