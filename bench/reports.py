"""A stored report in every format: how long a new process takes for one, and for all of them in one call.

    python bench/reports.py [--work DIR] [--rounds 7] [--quick]

Makes a report of 5,000 packages and 2,000 findings (bench/large_report.py), installs Hullmark as its users have it, and writes
bench/reports.json and a section of bench/RESULTS.md. `--quick` writes nothing and runs what is in this environment.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from large_report import large_report
from run import HERE, installed, put_section, timed

from hullmark.reports import formats, render

TITLE = "Reports of 5,000 packages and 2,000 findings"
PACKAGES, FINDINGS = 5_000, 2_000
ONE_S, ALL_S, ALL_MB = 0.3, 2.0, 300.0
BARE_S = 0.033
"""What an interpreter with sqlite3 and msgspec takes on the machine that the bounds come from."""
TEMPLATE = "{% for finding in report.findings %}{{ finding.id }} {{ finding.name }} {{ finding.severity }}\n{% endfor %}"


def measure(program: Path, work: Path, rounds: int) -> dict[str, Any]:
    """Convert the report into each format in turn, round after round, then into all of them in one call."""
    report, template = work / "report.json", work / "own.j2"
    report.write_bytes(render("json", large_report(PACKAGES, FINDINGS)))
    template.write_text(TEMPLATE)
    names = formats()
    asked = {name: [f"--format={name}={work / f'report.{name}'}", *_more(name, template)] for name in names}
    every = [f"--format={name}={work / f'all.{name}'}" for name in names]
    asked["all"] = [*every, *(_more("template", template) if "template" in names else [])]
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in asked}
    bare = [sys.executable, "-c", "import sqlite3, msgspec"]
    started: list[float] = []
    for number in range(rounds + 1):
        started.append(min(timed(bare, HOME=str(work))["wall"] for _time in range(5)))
        for name, words in asked.items():
            taken = timed([str(program), "convert", str(report), "--quiet", *words], HOME=str(work))
            if number:  # the first has to read the program from disk
                runs[name].append(taken)
    bytes_ = {name: (work / f"report.{name}").stat().st_size for name in names}
    return {
        "report_bytes": report.stat().st_size,
        "bytes": bytes_,
        "runs": runs,
        "bare_s": statistics.median(started[1:]),
    }


def _more(name: str, template: Path) -> list[str]:
    return ["--template", str(template)] if name == "template" else []


def median(runs: list[dict[str, float]], what: str) -> float:
    return statistics.median(run[what] for run in runs)


def section(results: dict[str, Any]) -> str:
    """Give the section of the results."""
    rows = ["| format | wall | CPU | memory | bytes | bar |", "| --- | --- | --- | --- | --- | --- |"]
    for name, runs in results["runs"].items():
        wall, cpu, memory = (median(runs, what) for what in ("wall", "cpu", "memory_mb"))
        is_all = name == "all"
        met = wall < (ALL_S if is_all else ONE_S) and (not is_all or memory < ALL_MB)
        bar = f"{ALL_S:g} s, {ALL_MB:.0f} MB" if is_all else f"{1000 * ONE_S:.0f} ms"
        size = sum(results["bytes"].values()) if is_all else results["bytes"][name]
        rows.append(
            f"| {'**all in one call**' if is_all else f'`{name}`'} | {1000 * wall:.0f} ms | {1000 * cpu:.0f} ms "
            f"| {memory:.0f} MB | {size:,} | {bar}: {'met' if met else '**not met**'} |"
        )
    rounds = len(next(iter(results["runs"].values())))
    return (
        f"`hullmark convert report.json --format FORMAT=FILE`, a new process each time, medians of {rounds} rounds, on "
        f"{results['cores']} cores with Python {results['python']}; a load of {results['load']:.1f} when it began. The stored report has {results['report_bytes']:,} "
        f"bytes. Memory is the peak of the proportional set size. As a measure of the machine: an interpreter with sqlite3 and msgspec in it took "
        f"{1000 * results['bare_s']:.0f} ms; the bounds come from one on which it takes {1000 * BARE_S:.0f} ms.\n\n"
        + "\n".join(rows)
        + "\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = options.work or Path(folder)
        work.mkdir(parents=True, exist_ok=True)
        program = Path(sys.executable).with_name("hullmark") if options.quick else installed(work)
        about = {
            "cores": os.cpu_count(),
            "python": sys.version.split()[0],
            "load": os.getloadavg()[0],
        }
        results = about | measure(program, work, options.rounds)
    text = section(results)
    print(text)
    if not options.quick:
        (HERE / "reports.json").write_text(json.dumps(results, indent=1) + "\n")
        put_section(TITLE, text)


if __name__ == "__main__":
    main()
