"""What a decision costs: the packs and a policy of one's own, beside `opa bench` on the same policy and input.

    python bench/policy.py [--rounds 30] [--opa FILE]

Writes bench/policy.json and a section of bench/RESULTS.md. Without OPA its column is left out.
"""

import argparse
import datetime as dt
import json
import os
import platform
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from run import HERE, put_section

from hullmark.model.report import Report
from hullmark.policy import catalogue
from hullmark.policy.deciding import Policies
from hullmark.policy.document import context_of, document
from hullmark.policy.source import bundled, read

TITLE = "Policies"
LEVELS = ("critical", "high", "high", "medium", "medium", "medium", "low", "low", "low", "negligible")
OWN = """package mine

deny contains message if {
	some finding in input.findings
	finding.severity == "critical"
	finding.fixed_version != ""
	message := sprintf("%s in %s", [finding.id, finding.name])
}
"""


def report(packages: int, findings: int) -> Report:
    """Make a report as a distribution's image has it: a tenth critical, half with a fix, each with scores, EPSS and a place."""
    components = [
        {
            "id": f"p{n}",
            "purl": f"pkg:deb/debian/lib{n}@1.{n}",
            "ecosystem": "deb",
            "name": f"lib{n}",
            "version": f"1.{n}",
            "licences": ["GPL-2.0-only", "MIT"],
        }
        for n in range(packages)
    ]
    flaws = [
        {
            "id": f"CVE-2025-{n:05}",
            "component": f"p{n % packages}",
            "purl": f"pkg:deb/debian/lib{n % packages}@1.{n % packages}",
            "name": f"lib{n % packages}",
            "version": f"1.{n % packages}",
            "title": "Out-of-bounds read in a parser of a format that nobody uses",
            "severity": LEVELS[n % len(LEVELS)],
            "fixed_version": f"2.{n}" if n % 3 else "",
            "published": f"2025-{n % 12 + 1:02}-15T00:00:00Z",
            "scores": [{"source": "nvd", "kind": "cvss3", "vector": "AV:N/AC:L", "value": 4.0 + n % 6}],
            "epss": {"id": f"CVE-2025-{n:05}", "probability": n % 100 / 100, "percentile": 0.5},
            "references": [{"url": f"https://example.org/{n}/{part}"} for part in range(3)],
        }
        for n in range(findings)
    ]
    made = {
        "tool": {"name": "hullmark", "version": "1", "detectors": {}},
        "as_of": "2026-06-15T12:00:00+00:00",
        "database": {"parts": []},
        "image": {
            "name": "registry.example/shop/app:1.0",
            "source": "registry",
            "digest": f"sha256:{'a' * 64}",
            "config": {"created": "2026-06-01T00:00:00Z"},
        },
        "coverage": {"scanners": ["vuln", "secret", "config"]},
        "summary": {"packages": packages},
        "packages": components,
        "findings": flaws,
    }
    return msgspec.convert(made, Report)


def median_ms(work: Callable[[], Any], rounds: int) -> float:
    """Give the median time of a work, which is done once before."""
    work()
    taken = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken) * 1000


def opa_ms(opa: str, policies: Path, given: Path, query: str) -> float:
    """Have OPA measure a query: the mean of an evaluation, the input parsed before."""
    words = [opa, "bench", "--format", "json", "--bundle", str(policies), "--input", str(given), query]
    done = subprocess.run(words, check=True, capture_output=True)
    found = json.loads(done.stdout)
    return float(found["T"]) / int(found["N"]) / 1e6


def row(
    options: argparse.Namespace, words: list[str], title: str, made: Report, work: Path
) -> dict[str, Any]:
    """Measure one policy on one report."""
    name = words[0] if words[0] in catalogue.names() else "own, in a child"
    policies, given = Policies(words), document(made, context_of(made, {}))
    decision = policies.decide(made)
    assert not decision.error
    found: dict[str, Any] = {
        "policy": name,
        "input": title,
        "bytes": len(given),
        "reasons": len(decision.reasons),
        "whole_ms": median_ms(lambda: policies.decide(made), options.rounds),
        "input_ms": median_ms(lambda: policies.decide_input(given), options.rounds),
    }
    if options.opa:
        packed, stored = work / "bundle.tar.gz", work / "input.json"
        packed.write_bytes(bundled(read(words)))
        stored.write_bytes(given)
        query = f"data.hullmark.{name}" if name in catalogue.names() else "data.mine"
        found["opa_ms"] = opa_ms(options.opa, packed, stored, query)
    return found


def measure(options: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Measure everything, one after the other."""
    own = work / "own"
    own.mkdir()
    (own / "mine.rego").write_text(OWN)
    inputs = {"500 findings, 400 packages": report(400, 500), "30 findings, 25 packages": report(25, 30)}
    found: dict[str, Any] = {
        "rows": [
            row(options, [word], title, made, work)
            for word in ("production", "strict", str(own))
            for title, made in inputs.items()
        ],
        "load_ms": {
            "production": median_ms(lambda: Policies(["production"]), 10),
            "own": median_ms(lambda: Policies([str(own)]), 10),
        },
    }
    policies, small = Policies(["production"]), inputs["30 findings, 25 packages"]
    given = document(small, context_of(small, {}))
    begun = time.perf_counter()
    for _ in range(1_000):
        policies.decide_input(given)
    found["redecided_per_s"] = 1_000 / (time.perf_counter() - begun)
    return found


def bars(found: dict[str, Any]) -> list[tuple[str, str, str, bool]]:
    """Give each bar: what, the bound, what was measured, and whether it is met."""
    rows = {(row["policy"], row["input"][:3]): row for row in found["rows"]}
    whole, large, small = (
        rows["production", "500"]["whole_ms"],
        rows["production", "500"]["input_ms"],
        rows["production", "30 "]["input_ms"],
    )
    return [
        ("a report with 500 findings, production", "under 30 ms", f"{whole:.1f} ms", whole < 30),
        ("the same, its input remembered", "under 5 ms", f"{large:.1f} ms", large < 5),
        ("an image of 30 findings, its input remembered", "under 5 ms", f"{small:.2f} ms", small < 5),
    ]  # fmt: skip


def section(results: dict[str, Any]) -> str:
    """Give the section of the results."""
    found = results["found"]
    about = (
        f"Measured {results['date']} on {results['machine']} by `bench/policy.py`, medians of {results['rounds']} rounds, a load of {results['load']:.1f} when it began. *Whole* "
        "begins with a report in memory, *remembered* with its input in JSON, which the engine parses each time; OPA's figure is `opa bench` (the mean), whose input is parsed before, "
        "and is of the packages' rules alone, without reading the answer."
    )
    lines = [
        about,
        "",
        "| bar | bound | measured | |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| {what} | {bound} | {got} | {'met' if met else '**not met**'} |"
        for what, bound, got, met in bars(found)
    ]
    lines += ["", "| policy | input | KB | reasons | whole ms | remembered ms | OPA ms |", "| --- | --- | --- | --- | --- | --- | --- |"]  # fmt: skip
    for row in found["rows"]:
        theirs = f"{row['opa_ms']:.2f}" if "opa_ms" in row else ""
        lines.append(
            f"| {row['policy']} | {row['input']} | {row['bytes'] / 1000:.0f} | {row['reasons']} | {row['whole_ms']:.2f} | {row['input_ms']:.2f} | {theirs} |"
        )
    loads = found["load_ms"]
    lines += ["", f"To load takes {loads['production']:.0f} ms for a pack, {loads['own']:.0f} ms for a policy of one's own (the child, and each rule once). One process decides {found['redecided_per_s']:,.0f} images of 30 findings anew in a second."]  # fmt: skip
    return "\n".join(lines)


def main() -> None:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--opa", default=shutil.which("opa") or "")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        found = measure(options, Path(folder))
    results = {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} processors, Linux {platform.release().split('-')[0]}, Python {platform.python_version()}",
        "rounds": options.rounds,
        "load": load,
        "found": found,
    }
    (HERE / "policy.json").write_text(json.dumps(results, indent=1) + "\n")
    put_section(TITLE, section(results))
    print(section(results))


if __name__ == "__main__":
    main()
