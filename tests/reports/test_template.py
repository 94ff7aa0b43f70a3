import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hullmark.model.errors import UsageError
from hullmark.model.look import Look
from hullmark.model.report import Failure, Report, ReportSet
from hullmark.reports import formats, render, template
from reports.sample import SAMPLE

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "own-template.md"
EXAMPLE = re.compile(
    r"^`(\S+)`\n\n```jinja\n(.*?)^```\n\nwrites.*?:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
EXAMPLES = EXAMPLE.findall(PAGE.read_text("utf-8"))


def filled(text: str, name: str = "x.txt", report: Report | ReportSet = SAMPLE, **more: Any) -> str:
    return render("template", report, Look(template=text, template_name=name, **more)).decode()


def refused(text: str, report: Report | ReportSet = SAMPLE) -> str:
    with pytest.raises(UsageError) as problem:
        filled(text, "x.txt", report)
    return str(problem.value)


def test_the_page_has_its_examples() -> None:
    assert [name for name, _, _ in EXAMPLES] == ["summary.txt.j2", "page.html.j2"]


@pytest.mark.parametrize(("name", "text", "made"), EXAMPLES)
def test_the_examples_of_the_page_write_what_it_shows(name: str, text: str, made: str) -> None:
    assert filled(text, name) == made


def test_every_name_and_filter_that_the_page_lists_is_there() -> None:
    names = re.findall(r"^\| `(\w+)` \| ", PAGE.read_text("utf-8"), re.MULTILINE)
    assert names == [
        *("report", "reports", "failures", "tool", "as_of", "show_suppressed"),
        *("upgrades", "worst", "action"),
    ]
    for name in names[:6]:
        assert filled(f"{{{{ {name} is defined }}}}") == "True"
    assert filled("{{ report.findings | upgrades | map(attribute='name') | join(',') }}").startswith(
        "org.apache"
    )
    assert filled("{{ report.findings | worst }},{{ [] | worst }}") == "critical,"
    assert filled("{{ report.findings[8] | action }}").startswith("Remove it")


def test_the_names_are_those_of_the_json_report() -> None:
    told = msgspec.json.decode(render("json", SAMPLE))
    for name in told:
        assert filled(f"{{{{ report.{name} is defined }}}}") == "True"
    for name in told["findings"][0]:
        assert filled(f"{{{{ report.findings[0].{name} is defined }}}}") == "True"


def test_several_images_and_those_that_failed() -> None:
    several = ReportSet(reports=(SAMPLE, SAMPLE), failures=(Failure("x", "gone"),), summary=SAMPLE.summary)
    assert filled("{{ reports | length }} {{ failures[0].reason }} {{ tool.name }}", "x", several) == (
        "2 gone hullmark"
    )
    assert refused("\n{{ report.image }}", several) == (
        "x.txt:2: there is no `report`: these are 2 images, in `reports`"
    )
    none = ReportSet(reports=(), failures=(Failure("x", "gone"),), summary=SAMPLE.summary)
    assert filled("{{ tool.name }}{{ as_of }}{{ reports | length }}", "x", none) == "hullmark0"


def test_whether_suppressed_findings_are_asked_for() -> None:
    assert filled("{{ show_suppressed }}", suppressed=True) == "True"


@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        ("a.html", True),
        ("a.HTM.j2", True),
        ("a.xml.jinja", True),
        ("a.svg.tmpl", True),
        ("a.txt", False),
        ("a.html.txt", False),
        ("html", False),
        ("", False),
    ],
)
def test_the_name_decides_about_escaping(name: str, escaped: bool) -> None:  # noqa: FBT001  # a table of cases
    assert filled("<b>{{ '<i>' }}", name) == ("<b>&lt;i&gt;" if escaped else "<b><i>")


def test_nothing_that_a_report_says_moves_the_cursor_or_turns_text_around() -> None:
    text = "\x1b[1m{{ report.findings[8].title }}\x1b[m{{ 'a\nb' }}"
    assert filled(text) == "\x1b[1msteals\\x1b[31m keys\\u202e\x1b[ma\nb"
    assert filled("{{ report.findings[8].title }}", "x.html") == "steals\\x1b[31m keys\\u202e"


def test_what_becomes_json_is_json() -> None:
    made = msgspec.json.decode(filled("{{ report.findings[8] | tojson }}"))
    assert made["title"] == "steals\x1b[31m keys\u202e"
    assert filled("{{ [1] | tojson(indent=1) }}") == "[\n 1\n]"


def test_lone_surrogates_do_no_harm() -> None:
    odd = msgspec.structs.replace(SAMPLE, as_of="\ud800")
    assert filled("{{ as_of }}", "x", odd) == "\\ud800"


def test_same_report_same_bytes() -> None:
    text = "{% for each in report.packages %}{{ each.purl }}{% endfor %}"
    assert filled(text) == filled(text)
    assert refused("{{ [1, 2] | random }}") == "x.txt:1: No filter named 'random'."
    assert refused("{{ lipsum() }}") == "x.txt:1: 'lipsum' is undefined"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a\n{{ reprot }}", "x.txt:2: 'reprot' is undefined"),
        (
            "\n\n{{ report.finding }}",
            "x.txt:3: 'hullmark.model.report.Report object' has no attribute 'finding'",
        ),
        ("\n{% for x in %}", "x.txt:2: Expected an expression, got 'end of statement block'"),
        ("\n{% for x in [1] %}", "x.txt:2: Unexpected end of template."),
        ("\n{{ 1 / 0 }}", "x.txt:2: division by zero"),
        ("\n{{ 1 + '\x1b[2J\u202e' }}", "x.txt:2: unsupported operand type"),
        ("\n{% include '/etc/passwd' %}", "x.txt:2: /etc/passwd cannot be included: a template stands alone"),
        ("\n{% import 'a' as b %}", "x.txt:2: a cannot be included"),
        ("\n{% extends 'a' %}", "x.txt:2: a cannot be included"),
        ("\n{{ ''.__class__.__mro__ }}", "x.txt:2: access to attribute '__class__'"),
        ("\n{{ report.__class__ }}", "x.txt:2: access to attribute '__class__'"),
        ("\n{{ tool.detectors.clear() }}", "x.txt:2: access to attribute 'clear'"),
        ("\n{{ '{0.__class__}'.format(report) }}", "x.txt:2: access to attribute '__class__'"),
    ],
)
def test_errors_name_file_and_line(text: str, said: str) -> None:
    assert refused(text).startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\n{{ 'a' * 10**10 }}", "x.txt:2: it needs more than 512 MiB of memory"),
        ("\n{{ [1] * 10**10 }}", "x.txt:2: it needs more than 512 MiB of memory"),
        ("\n{{ '%1000000000d' % 1 }}", "x.txt:2: it needs more than 512 MiB of memory"),
        ("\n{{ '{:10000000000}'.format(1) }}", "x.txt:2: it needs more than 512 MiB of memory"),
        ("\n{{ 'a' | center(10**10) }}", "x.txt:2: it needs more than 512 MiB of memory"),
        (
            "{% set ns = namespace(x='ab') %}\n{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
            "x.txt:2: it needs more than 512 MiB of memory",
        ),
        ("\n{{ 10 ** (10 ** 10) }}", "x.txt:2: 10 ** 10000000000 is a number of more than 4096 bits"),
        ("\n{{ range(10**9) }}", "x.txt:2: Range too big."),
        (
            "\n{% for i in range(99999) %}{{ report.image.name * 99 }}{% endfor %}",
            "x.txt:2: it writes more than 64 MiB",
        ),
        (
            "{% macro m() %}\n{{ m() }}{% endmacro %}{{ m() }}",
            "x.txt:2: it is nested, or calls itself, too deeply",
        ),
        (f"{{{{ {'(' * 20_000}1{')' * 20_000} }}}}", "x.txt: it is nested, or calls itself, too deeply"),
        (f"{'{% if 1 %}' * 5_000}", "x.txt: it is nested, or calls itself, too deeply"),
        (
            f"{{% for a in 'a' %}}{'{% for a in a %}' * 30}{'{% endfor %}' * 31}",
            "x.txt: it is nested too deeply",
        ),
        ("a" * (template.MAX_TEMPLATE + 1), "x.txt: longer than 1 MiB"),
    ],
    ids=str,
)
def test_what_takes_too_much_is_refused(text: str, said: str) -> None:
    assert refused(text).startswith(said)


@pytest.mark.parametrize(
    "text",
    [
        "\n{% set r = range(100000) %}{% for a in r %}{% for b in r %}{% endfor %}{% endfor %}",
        "\n{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(90) }}",
        "{% set ns = namespace(x=7) %}\n{% for i in range(99) %}{% set ns.x = ns.x * ns.x %}{% endfor %}",
        "{% set ns = namespace(x=[1]) %}\n{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
    ],
)
def test_what_takes_too_long_is_ended(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template, "MAX_CPU_S", 1)
    assert re.match(
        r"x\.txt(:\d)?: it (takes more than 10 s of processor time|needs more than 512 MiB)", refused(text)
    )


def test_no_other_format_imports_jinja2() -> None:
    others = [name for name in formats() if name != "template"]
    code = (
        "import sys; from reports.sample import SAMPLE; from hullmark.reports import render\n"
        f"for name in {others!r}: render(name, SAMPLE)\n"
        "import hullmark.reports.template\n"
        "sys.exit('jinja2' in sys.modules)"
    )
    tests = Path(__file__).parent.parent
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tests)
