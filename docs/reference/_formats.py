"""Writes formats.md: what each format is for, and an excerpt of what it makes of a stored report: `python docs/reference/_formats.py`."""

from pathlib import Path
from typing import NamedTuple

import msgspec

from hullmark.model.look import Look
from hullmark.reports import formats, is_of_one_image, render
from hullmark.scan.stored import read_report

_REPORT = Path(__file__).parents[2] / "tests" / "data" / "reports" / "report-1.0.json"
_WIDEST = 110


class Told(NamedTuple):
    """What is said of a format: what it is, how it is used, and where an excerpt begins, of how many lines."""

    what: str
    use: str
    start: str = ""
    lines: int = 12


TOLD = {
    "table": Told(
        "for people, on a terminal",
        "What to do stands first, then the findings by package, secrets, misconfigurations, what was not checked, and on the last line the gate that would fail. "
        "`NO_COLOR` and a pipe take the colours out.",
        "Upgrade first",
        10,
    ),
    "json": Told(
        "everything, with a [schema](report.schema.json)",
        "Keep it: `hullmark convert`, `explain`, `diff` and `--new-since` read it without the image. See [the report](report.md).",
        '"id": "CVE-2021-44228"',
    ),
    "html": Told(
        "for people, in a browser: one file without outside assets",
        "The layers are drawn to scale with what each brought; search and filters work without a network, and all is there without "
        "JavaScript. It is made for phones and paper too, light and dark.",
    ),
    "markdown": Told(
        "for a pull request",
        "At most 60,000 bytes, so that every platform takes it as a comment; what is left out is counted. Nothing of an image becomes a "
        "link, a mention or markup. `gh pr comment --body-file report.md`.",
        "",
        14,
    ),
    "sarif": Told(
        "SARIF 2.1.0, for code scanning",
        "A run an image; its category is repository and platform. One result a flaw and package, worst first, at most 5,000 a run. The "
        "fingerprints are made of flaw, package and path, so that an alert stays the same from tag to tag. Upload it with "
        "`github/codeql-action/upload-sarif`; beyond 20 images write one file each. What `hullmark lint` finds stands at its line and column of "
        "the file in the repository; what is in an image below the base id `IMAGE`.",
        '"ruleId": "CVE-2021-44228"',
        24,
    ),
    "github": Told(
        "annotations of GitHub Actions",
        "Print it to standard output in a step: ten errors, ten warnings and ten notices are shown, the last is the sum.",
        "::error",
        2,
    ),
    "gitlab": Told(
        "GitLab's container scanning report 15.2.1",
        "`artifacts: reports: container_scanning: gl-container-scanning-report.json`. The ids outlive a build. GitLab's only flag for "
        "what is suppressed is 'likely false positive'; with `--show-suppressed` it is used. Secrets and misconfigurations have no place in it: a "
        "message says how many there are, and `codequality` shows them.",
        '"vulnerabilities"',
        16,
    ),
    "codequality": Told(
        "GitLab's code quality report",
        "`artifacts: reports: codequality: gl-code-quality-report.json`: shown in merge requests at any tier.",
        "",
        14,
    ),
    "junit": Told(
        "JUnit XML, for whatever shows tests",
        "A suite an image, a failed case a finding. What could not be read or was not checked is an error; what was suppressed is "
        "skipped (`--show-suppressed`), and so is a secret that is not certain.",
        "<testcase",
        6,
    ),
    "checkstyle": Told(
        "Checkstyle XML, for code review tools and Jenkins",
        "By the files of the image that prove the findings. Notes on the scan stand under the image's name.",
        "<file",
        6,
    ),
    "sonarqube": Told(
        "SonarQube's generic issues",
        "`sonar.externalIssuesReportPaths=report.json`. Issues stand at `Dockerfile`, since SonarQube drops those of files that are not "
        "in the project; the image's path is in the message. What `hullmark lint` finds stands in its own file.",
        '"issues"',
        18,
    ),
    "csv": Told(
        "a row for each finding, secret and misconfiguration, for spreadsheets",
        "The columns stay, new ones come at the end. Secrets and misconfigurations are rows of the kinds `secret` and `misconfiguration`, their "
        "rule is the `id`. Rows of kind `unread`, `not_checked` and `not_scanned` say what the list lacks. A cell that a spreadsheet would "
        "take for a formula begins with an apostrophe.",
        "",
        3,
    ),
    "cyclonedx": Told(
        "CycloneDX 1.6: the packages, vulnerabilities and VEX",
        "What a VEX statement or an ignore file suppressed is there with its analysis; an ignored finding is not called harmless. See "
        "[SBOMs](sbom.md).",
        '"id": "CVE-2021-44228"',
        14,
    ),
    "spdx": Told("SPDX 2.3: the packages", "See [SBOMs](sbom.md).", '"name": "libssl3"', 12),
    "spdx3": Told(
        "SPDX 3.0.1: packages, licences, vulnerabilities and VEX",
        "Core, Software, SimpleLicensing and Security profiles. See [SBOMs](sbom.md).",
        '"type": "security_Vulnerability"',
        12,
    ),
    "template": Told(
        "your own, by Jinja2",
        "`--template FILE`, see [write your own report](../howto/own-template.md).",
    ),
}


def page() -> str:
    """Give the page."""
    report = read_report(str(_REPORT))
    lines = [
        "# Formats",
        "",
        "Made from the code by `python docs/reference/_formats.py`.",
        "",
        "`--format FORMAT[=FILE]` of `hullmark scan` and `hullmark convert`; it may be repeated. Every format shows the same findings: filters,",
        "statements and gates are asked before. What was not checked or could not be read is said in each that has a place for it. The",
        "same report gives the same bytes.",
        "",
        "| format | what it is | several images |",
        "| --- | --- | --- |",
    ]
    names = [*TOLD, *sorted(set(formats()) - set(TOLD))]
    for name in names:
        several = "refused" if is_of_one_image(name) else "yes"
        lines.append(f"| [`{name}`](#{name}) | {TOLD[name].what} | {several} |")
    for name in names:
        told = TOLD[name]
        lines += ["", f"## {name}", "", told.use]
        if name == "html":
            lines += ["", "![The report as a page](../images/html-report.png)"]
        elif name != "template":
            lines += ["", *(f"    {line}" for line in _excerpt(render(name, report, Look()).decode(), told))]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _excerpt(text: str, told: Told) -> list[str]:
    """Give some lines from where the excerpt begins, without the indent that they have in common."""
    lines = text.splitlines()
    if len(lines) == 1:  # JSON for programs alone
        lines = msgspec.json.format(text, indent=2).splitlines()
    at = next((n for n, line in enumerate(lines) if told.start in line), 0)
    chosen = lines[at : at + told.lines]
    indent = min((len(line) - len(line.lstrip()) for line in chosen if line.strip()), default=0)
    return [_cut(line[indent:]) for line in chosen] + (["…"] if at + told.lines < len(lines) else [])


def _cut(line: str) -> str:
    return line if len(line) <= _WIDEST else f"{line[: _WIDEST - 1]}…"


PAGES = {"reference/formats.md": page}


def main() -> None:
    """Write the page."""
    for name, make in PAGES.items():
        (Path(__file__).parents[1] / name).write_text(make(), "utf-8")


if __name__ == "__main__":
    main()
