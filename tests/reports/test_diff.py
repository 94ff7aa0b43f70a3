"""The comparison as documents: goldens, and whatever words an image may hold."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from msgspec.structs import replace

from conftest import GOLDEN
from hullmark.findings.diff import diff
from hullmark.model.advisory import KnownExploited, Severity
from hullmark.model.diff import Diff
from hullmark.model.facts import Distribution
from hullmark.model.look import Look
from hullmark.model.markdown import code, prose
from hullmark.model.printable import columns
from hullmark.model.report import Component, Report, ReportDatabase, Suppressed
from hullmark.reports._diff import FORMATS, render
from hullmark.reports._diff.markdown import MAX_BYTES
from hullmark.reports._schema import schema
from reports.sample import (
    FINDINGS,
    JINJA,
    LAYERS,
    LINTED,
    LOG4J,
    OPENSSL,
    PACKAGES,
    SAMPLE,
    WHOLE,
    at,
    found,
)

EXTENSIONS = {"json": "json", "markdown": "md", "table": "txt"}
SGR = re.compile(r"\x1b\[[0-9;]*m")

assert SAMPLE.image is not None
IMAGE = SAMPLE.image
LOG4J_NEWER = replace(
    LOG4J,
    version="2.17.0",
    purl="pkg:maven/org.apache.logging.log4j/log4j-core@2.17.0",
    locations=(LOG4J.locations[1],),
)
OPENSSL_NEWER = replace(
    OPENSSL,
    version="3.0.15-1~deb12u1",
    purl=OPENSSL.purl.replace("3.0.11-1~deb12u2", "3.0.15-1~deb12u1"),
    from_base=False,
    locations=(at(2, "var/lib/dpkg/status"),),
)
LEFT_PAD = Component(
    id="p9",
    purl="pkg:npm/left-pad@1.0.0",
    ecosystem="npm",
    name="left-pad",
    version="1.0.0",
    locations=(at(2, "app/package-lock.json"),),
    from_base=False,
)
AFTER = replace(
    SAMPLE,
    image=replace(IMAGE, name="registry.example/team/app:1.3", digest=f"sha256:{'c' * 64}"),
    database=ReportDatabase(
        (replace(SAMPLE.database.parts[0], revision="abc.2"), *SAMPLE.database.parts[1:])
    ),
    layers=(LAYERS[0], replace(LAYERS[1], digest=f"sha256:{'9' * 64}", size_bytes=1_234_567), LAYERS[2]),
    errors=(),
    packages=(
        OPENSSL_NEWER,
        PACKAGES[1],
        PACKAGES[2],
        LOG4J_NEWER,
        PACKAGES[4],
        replace(JINJA, licences=("BSD-3-Clause",)),
        *PACKAGES[7:],
        LEFT_PAD,
    ),
    findings=(
        replace(FINDINGS[2], version="2.17.0", purl=LOG4J_NEWER.purl),
        replace(FINDINGS[4], severity=Severity.CRITICAL, kev=KnownExploited("CVE-2023-31484")),
        found("CVE-2099-1", LEFT_PAD, Severity.HIGH, "2.0.0", title="Pads <b>left</b>"),
        found("MAL-2099-3", LEFT_PAD, Severity.CRITICAL, kind="malicious", title="steals\x1b[31m keys"),
        FINDINGS[10],
    ),
    suppressed=(Suppressed("not_affected: never called", FINDINGS[5]),),
    suppressions=(),
)
CHANGED = diff(SAMPLE, AFTER)
ISSUES = diff(
    replace(WHOLE, errors=(), secrets=WHOLE.secrets[1:3], config=WHOLE.config[:1], silenced=()),
    replace(WHOLE, errors=(), secrets=WHOLE.secrets[:2] + WHOLE.secrets[3:], config=WHOLE.config[1:]),
)


@pytest.mark.parametrize("name", FORMATS)
def test_documents(name: str, golden: Callable[[Path, bytes], None]) -> None:
    golden(GOLDEN / "reports" / "diff" / f"changed.{EXTENSIONS[name]}", render(name, CHANGED, Look(100)))
    same = diff(SAMPLE, SAMPLE)
    golden(GOLDEN / "reports" / "diff" / f"same.{EXTENSIONS[name]}", render(name, same, Look(100)))
    look = Look(100, suppressed=True)
    golden(GOLDEN / "reports" / "diff" / f"issues.{EXTENSIONS[name]}", render(name, ISSUES, look))
    files = diff(replace(LINTED, config=LINTED.config[1:]), replace(LINTED, secrets=()))
    golden(GOLDEN / "reports" / "diff" / f"files.{EXTENSIONS[name]}", render(name, files, Look(100)))


def test_suppressed_ones_are_listed_where_that_is_asked_for() -> None:
    for name in ("table", "markdown"):
        assert b"CVE-2023-5363" not in render(name, CHANGED)
        assert b"3 findings not shown in either" in render(name, CHANGED)
        assert b"CVE-2023-5363" in render(name, CHANGED, Look(suppressed=True))


def test_json_has_every_name_and_reads_back() -> None:
    body = render("json", CHANGED)
    assert msgspec.json.decode(body, type=Diff) == CHANGED
    document = json.loads(body)
    assert set(document) == set(Diff.__struct_fields__)
    validator = jsonschema.Draft202012Validator(schema("diff"))
    assert not list(validator.iter_errors(document))
    assert not list(validator.iter_errors(json.loads(render("json", diff(SAMPLE, SAMPLE)))))
    assert not list(validator.iter_errors(json.loads(render("json", ISSUES))))
    assert msgspec.json.decode(render("json", ISSUES), type=Diff) == ISSUES
    for part in (document, document["findings"][0], document["packages"][0], document["layers"]):
        for name in list(part):
            value = part.pop(name)
            assert list(validator.iter_errors(document)), name
            part[name] = value


def test_a_terminal_gets_no_control_character_and_colour_adds_nothing_else() -> None:
    page = render("table", CHANGED, Look(80)).decode()
    assert SGR.sub("", render("table", CHANGED, Look(80, colour=True)).decode()) == page
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)
    assert render("table", CHANGED, Look(80, unicode=False)).isascii()


def test_lines_of_findings_and_packages_fit_the_terminal() -> None:
    for width in (80, 120):
        page = render("table", CHANGED, Look(width)).decode()
        lines = page.partition("New findings\n")[2].partition("\nNew layers")[0].splitlines()
        assert all(columns(line) <= width for line in lines if "not certain" not in line)


def test_a_malicious_package_that_is_new_is_to_be_removed() -> None:
    for name in ("table", "markdown"):
        assert "1 new malicious package" in render(name, CHANGED).decode().replace("**", "")
        assert b"upgrade" not in next(
            line for line in render(name, CHANGED).splitlines() if b"MAL-2099-3" in line
        )


# ── Markdown ────────────────────────────────────────────────────────────────────────────────────────────

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
OURS = {
    "h3",
    "p",
    "ul",
    "li",
    "strong",
    "code",
    "details",
    "summary",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
}


class Reader(HTMLParser):
    """Keeps which elements there are, and the text outside of code elements."""

    def __init__(self, body: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.plain = ""
        self.coded: list[str] = []
        self.codes = 0
        self.feed(MARKDOWN.render(body))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag == "code":
            self.codes += 1
            self.coded.append("")

    def handle_endtag(self, tag: str) -> None:
        self.codes -= tag == "code"

    def handle_data(self, data: str) -> None:
        if self.codes:
            self.coded[-1] += data
        else:
            self.plain += data


def check(body: str) -> Reader:
    """Nothing but our own elements comes out, and no link or mention is made of the text."""
    reader = Reader(body)
    assert reader.tags <= OURS, reader.tags - OURS
    assert reader.attributes == []
    assert not re.search(r"[@#!]\w|://|www\.|GH-\d", reader.plain)
    return reader


WORDS = st.text(
    st.one_of(
        st.sampled_from("`*_{}[]()<>#+-.!|~&@:^$%\"'=/\\;0 \n\r\t"),
        st.characters(max_codepoint=0x2FFF),
        st.characters(),
    ),
    max_size=60,
) | st.sampled_from(
    [
        "<img src=x onerror=alert(1)>",
        "</code></td></details><script>alert(1)</script>",
        "[a](javascript:alert(1))",
        "![a](http://evil.example/x.png)",
        "| a | b |",
        "\\|",
        "a`b``c```d",
        "@everyone #1 !2 owner/repo#3 GH-12 :tada: $x$ ~label",
        "http://evil.example www.evil.example <http://evil.example> me@evil.example",
        "&lt;b&gt; &#60;b&#62; &amp;",
        "---",
        "\n# heading\n\n- item\n```\n",
        "<!--",
        "\ud800\u202e\x00\x1b[2J\x07",
        "x" * 1_000_000,
    ]
)


@given(WORDS)
def test_words_come_out_as_they_are_and_are_nothing_but_words(text: str) -> None:
    for body in (
        f"| a | b |\n| --- | --- |\n| {code(text)} | {prose(text)} |",
        f"- {code(text)} {prose(text)}",
    ):
        check(body)
    plain = " ".join(text.split())
    if plain.isprintable() and len(plain.encode("utf-8")) == len(plain) and 0 < len(plain) <= 120:
        shown = plain.replace("|", "\\x7c")
        assert [coded.strip() for coded in Reader(code(text)).coded] == [shown]
        read = Reader("x " + prose(text))
        assert " ".join([read.plain.strip(), *(each.strip() for each in read.coded)]) in {
            f"x {plain}",
            f"x {shown}",
        }


def hostile(text: str) -> tuple[Report, Report]:
    """Two reports in which every word is this one."""
    component = replace(
        LEFT_PAD,
        name=text,
        version=text,
        purl=f"pkg:npm/{text}",
        ecosystem=text,
        arch=text,
        licences=(text,),
        locations=(replace(LEFT_PAD.locations[0], path=text, layer_digest=text),),
    )
    other = replace(component, version=f"{text}1", licences=(f"{text}2",), coverage="no_feed")
    flaws = [found(f"{text}{number}", component, Severity.HIGH, text, title=text) for number in range(3)]
    before = replace(
        SAMPLE,
        image=replace(IMAGE, name=text, digest=text, distribution=Distribution(text, text)),
        layers=(replace(LAYERS[0], digest=text, created_by=text),),
        packages=(component,),
        findings=tuple(flaws[:2]),
        suppressed=(),
    )
    after = replace(
        before,
        layers=(replace(LAYERS[0], digest=f"{text}x", created_by=text),),
        tool=replace(SAMPLE.tool, detectors={text: 7}),
        database=ReportDatabase((replace(SAMPLE.database.parts[0], revision=text),)),
        packages=(other,),
        findings=(replace(flaws[1], component=other.id, version=other.version), flaws[2]),
        suppressed=(Suppressed(text, flaws[0], by=0),),
    )
    return before, after


@given(WORDS)
def test_no_word_of_an_image_is_markup_breaks_a_line_or_a_document(text: str) -> None:
    before, after = hostile(text)
    changes = diff(before, after)
    for look in (Look(80, suppressed=True), Look(80, unicode=False)):
        page = render("table", changes, look).decode()
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", page)
        json.loads(render("json", changes, look))
        body = render("markdown", changes, look)
        assert len(body) <= MAX_BYTES
        check(body.decode())
    lines = len(render("table", changes, Look(80)).splitlines())
    assert lines == len(render("table", diff(*hostile("word")), Look(80)).splitlines()) or not text.strip()


def test_markdown_is_never_longer_than_a_comment_may_be_and_counts_what_has_no_room() -> None:
    packages = tuple(
        replace(LEFT_PAD, id=f"n{number}", name=f"{'é' * 50}{number}", purl=f"pkg:npm/x{number}@1.0.0")
        for number in range(3000)
    )
    flaws = tuple(
        found(f"CVE-{number}", package, Severity.HIGH, "&" * 200) for number, package in enumerate(packages)
    )
    big = replace(SAMPLE, packages=packages, findings=flaws, suppressed=())
    small = replace(SAMPLE, packages=(), findings=(), suppressed=())
    for pair in ((small, big), (big, small)):
        body = render("markdown", diff(*pair))
        assert len(body) <= MAX_BYTES
        text = body.decode()
        assert text.count("<details>") == text.count("</details>")
        check(text)
        shown = text.count("CVE-")
        assert f"{3000 - shown:,} more " in text
