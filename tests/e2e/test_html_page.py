"""The HTML report in a real browser: filters, keyboard, phone, paper, dark, WCAG, and what a hostile report can do there."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect, sync_playwright

from hullmark.model.look import Look
from hullmark.model.report import Failure, Report, ReportSet
from hullmark.reports import render
from reports.sample import LINTED, SAMPLE, WHOLE
from reports.test_html import NASTY, spoiled

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))
from large_report import large_report  # type: ignore[import-not-found,unused-ignore]

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: make tools installs it"),
]
PHONE: Any = {"width": 360, "height": 740}
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Shown:
    """A report in a browser, with all that it asked for and complained of."""

    def __init__(self, browser: Browser, path: Path, report: Report | ReportSet, **how: Any) -> None:
        path.write_bytes(render("html", report, Look(suppressed=True)))
        self.context: BrowserContext = browser.new_context(**how)
        self.page: Page = self.context.new_page()
        self.asked: list[str] = []
        self.said: list[str] = []
        self.dialogs: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", self._dialog)
        self.page.goto(path.as_uri())
        if how.get("java_script_enabled", True):
            lists = self.page.locator(".list")
            for number in range(lists.count()):
                expect(lists.nth(number)).to_have_attribute("aria-busy", "false", timeout=30_000)

    def _dialog(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def filtered(self, ident: str = "i0-findings") -> int:
        expect(self.page.locator(f"#{ident}")).to_have_attribute("aria-busy", "false", timeout=30_000)
        rows = self.page.locator(f"#{ident} .chunk > ul > li:not([hidden])").count()
        said = self.page.locator(f"#{ident} .shown").inner_text()
        assert said.startswith((f"{rows:,} of", f"All {rows:,}"))
        return rows


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Any]:
    opened: list[Shown] = []

    def open_(report: Report | ReportSet = SAMPLE, **how: Any) -> Shown:
        opened.append(Shown(browser, tmp_path / f"{len(opened)}.html", report, **how))
        return opened[-1]

    yield open_
    for each in opened:
        each.context.close()


def several() -> ReportSet:
    assert SAMPLE.image is not None
    other = msgspec.structs.replace(
        SAMPLE, image=msgspec.structs.replace(SAMPLE.image, name="registry.example/team/other:1")
    )
    return ReportSet(reports=(SAMPLE, other), failures=(Failure("x:1", "not there"),), summary=SAMPLE.summary)


def test_filters_and_search(show: Any) -> None:
    shown = show()
    form = shown.page.locator("#i0-findings form")
    assert shown.filtered() == len(SAMPLE.findings)
    form.get_by_label("critical").uncheck()
    assert shown.filtered() == sum(f.severity != "critical" for f in SAMPLE.findings)
    form.get_by_label("State").select_option("fixed_available")
    assert shown.filtered() == 4
    form.get_by_label("Ecosystem").select_option("npm")
    assert shown.filtered() == 2
    form.get_by_role("button", name="Show all").click()
    assert shown.filtered() == len(SAMPLE.findings)
    assert form.get_by_label("critical").is_checked()
    for place, count in (("base", 3), ("own", 7), ("unknown", 1), ("1", 3)):
        form.get_by_label("Where").select_option(place)
        assert shown.filtered() == count
    form.get_by_role("button", name="Show all").click()
    search = form.get_by_role("searchbox")
    for words, count in (
        ("LOG4J", 3),
        ("log4j 45105", 1),
        ("ghsa-jfh8", 1),
        ("nothing like it", 0),
        ("", 11),
    ):
        search.fill(words)
        assert shown.filtered() == count


def test_secrets_and_misconfigurations_are_filtered_each_by_themselves(show: Any) -> None:
    shown = show(WHOLE)
    secrets, others = (shown.page.locator(f"#i0-{kind} form") for kind in ("secret", "config"))
    secrets.get_by_label("high").uncheck()
    assert shown.filtered("i0-secret") == 3
    secrets.get_by_role("searchbox").fill("ssh")
    assert shown.filtered("i0-secret") == 1
    others.get_by_label("Where").select_option("base")
    assert shown.filtered("i0-config") == 1
    others.get_by_role("button", name="Show all").click()
    others.get_by_role("searchbox").fill("take EXPOSE 22 out")
    assert shown.filtered("i0-config") == 1
    assert shown.filtered() == len(WHOLE.findings)


def test_a_layer_leads_to_its_findings(show: Any) -> None:
    shown = show()
    row = shown.page.locator(".layers tbody tr").nth(1)
    row.get_by_role("link").click()
    assert shown.filtered() == int(row.get_by_role("link").inner_text()) == 3


def test_packages_are_searched(show: Any) -> None:
    shown = show()
    shown.page.get_by_text("Show all packages").click()
    shown.page.locator("#i0-packages").get_by_role("searchbox").fill("jinja")
    assert shown.filtered("i0-packages") == 2


def test_a_row_opens_by_keyboard(show: Any) -> None:
    page = show().page
    page.locator("#i0-findings summary").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Log4j versions prior to 2.16.0")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.href").startswith("https://www.cve.org/")


@pytest.mark.parametrize("nasty", NASTY, ids=range(len(NASTY)))
def test_a_hostile_report_runs_nothing(show: Any, nasty: str) -> None:
    report = spoiled(SAMPLE, nasty)
    evil = tuple(msgspec.structs.replace(each, id=nasty) for each in report.findings)
    shown = show(msgspec.structs.replace(report, findings=evil))
    assert shown.page.title().startswith("Hullmark: ")
    shown.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    shown.page.locator("#i0-findings [type=search]").fill("a")
    shown.filtered()
    assert shown.page.title() != "owned"
    assert shown.page.title().startswith("Hullmark: ")
    assert (shown.dialogs, shown.said, len(shown.asked)) == ([], [], 1)
    assert shown.page.locator("img, iframe, object, embed, base, script:not(:only-of-type)").count() == 0


def test_a_script_from_elsewhere_is_refused(show: Any) -> None:
    """The policy holds even where the markup would not."""
    shown = show()
    with pytest.raises(Error, match="TrustedHTML"):
        shown.page.evaluate("document.body.innerHTML = '<b>x</b>'")
    shown.page.evaluate(
        "{const s = document.createElement('img'); s.src = 'https://example.org/x.png'; document.body.append(s)}"
    )
    shown.page.wait_for_timeout(200)
    assert any("Content Security Policy" in said for said in shown.said)


def test_nothing_is_asked_of_the_network(show: Any) -> None:
    shown = show(several())
    shown.page.wait_for_timeout(200)
    assert (len(shown.asked), shown.said) == (1, [])


@pytest.mark.parametrize(
    "report", [WHOLE, several(), LINTED, spoiled(SAMPLE, "w" * 3_000)], ids=["one", "two", "files", "long"]
)
@pytest.mark.parametrize("width", [320, 360, 800, 1280])
def test_nothing_is_wider_than_the_window(show: Any, report: Any, width: int) -> None:
    page = show(report, viewport=PHONE | {"width": width}).page
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("report", [several(), WHOLE, LINTED], ids=["two", "one", "files"])
def test_wcag(show: Any, report: Any, scheme: str, width: int) -> None:
    page = show(report, color_scheme=scheme, viewport=PHONE | {"width": width}).page
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    # rows out of view have no place yet, and could not be judged
    page.evaluate(
        "document.querySelectorAll('.chunk').forEach((each) => { each.style.contentVisibility = 'visible'; })"
    )
    found = Axe().run(page, options={"runOnly": WCAG})
    assert found.violations_count == 0, found.generate_report()


def test_the_colours_are_dark_where_that_is_preferred(show: Any) -> None:
    colours = [
        show(color_scheme=scheme).page.evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    ]
    light, dark = (sum(map(int, colour.strip("rgb()").split(","))) for colour in colours)
    assert light > 600
    assert dark < 150


@pytest.mark.parametrize("scripts", [True, False])
def test_paper_shows_all(show: Any, scripts: bool) -> None:  # noqa: FBT001
    page = show(java_script_enabled=scripts, color_scheme="dark").page
    page.emulate_media(media="print")
    rows = page.locator("#i0-findings .rows details")
    assert rows.count() == len(SAMPLE.findings)
    for number in range(rows.count()):
        assert rows.nth(number).locator("dl").bounding_box()["height"] > 10
    assert page.locator("#i0-packages .rows li").last.bounding_box()["height"] > 10
    assert not page.locator("form").first.is_visible()


def test_paper_has_the_pages(show: Any) -> None:
    page = show().page
    assert page.pdf(format="A4").count(b"/Type /Page\n") >= 3
    assert page.locator("details[open]").count() == 0


def test_all_is_there_without_scripts(show: Any) -> None:
    page = show(java_script_enabled=False).page
    assert page.locator("#i0-findings details").count() == len(SAMPLE.findings)
    assert not page.locator("form").first.is_visible()
    page.locator("#i0-findings summary").first.click()
    expect(page.locator("#i0-findings .text").first).to_be_visible()
    assert "Log4j versions prior to 2.16.0" in page.locator("#i0-findings .text").first.inner_text()


def test_a_large_page_answers_at_once(show: Any) -> None:
    """The figure is measured in bench/html_page.py; here is what no machine should reach."""
    shown = show(large_report())
    assert shown.filtered() == 2_000
    shown.page.evaluate(
        "() => { window.tasks = []; new PerformanceObserver((list) => list.getEntries().forEach((each) =>"
        " tasks.push(each.duration))).observe({type: 'longtask'}); }"
    )
    took = shown.page.evaluate(
        """async () => {
          const list = document.getElementById("i0-findings"), search = list.querySelector("[name=q]");
          const began = performance.now();
          search.value = "heap-based";
          search.dispatchEvent(new Event("input", {bubbles: true}));
          while (list.ariaBusy === "true") await new Promise(requestAnimationFrame);
          return performance.now() - began;
        }"""
    )
    shown.page.wait_for_timeout(300)
    assert 0 < shown.filtered() < 2_000
    assert took < 5_000
    assert max(shown.page.evaluate("tasks"), default=0) < 1_000
