"""A full-size advisory database, made up in the shape of the real feeds, and the time to match against it.

    python bench/full_size.py FOLDER [--advisories 2000000] [--image REPORT.json]

Names, versions and texts are drawn with a fixed seed; each advisory has one to eight statements on packages whose
popularity falls off as it does in reality, and a text of a few hundred bytes. The packages that are matched are
those of a JSON report where one is given, so that many of them have statements.
"""

import argparse
import datetime as dt
import json
import random
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from hullmark.advisories.build import build
from hullmark.advisories.database import Database
from hullmark.advisories.feed import Document, Feed, Record
from hullmark.advisories.matcher import Cover, Matcher, Query
from hullmark.advisories.registry import schemes
from hullmark.model.advisory import Advisory, Affected, Range, Reference

SHARES = {"deb": 0.35, "rpm": 0.2, "npm": 0.2, "pypi": 0.08, "maven": 0.07, "golang": 0.05, "apk": 0.05}
WORDS = [
    "buffer",
    "overflow",
    "allows",
    "remote",
    "attacker",
    "to",
    "execute",
    "arbitrary",
    "code",
    "via",
    "crafted",
    "request",
    "in",
    "the",
    "parser",
    "of",
]


def records(ecosystem: str, count: int, names: list[str], seed: int) -> Iterator[Record]:
    draw = random.Random(seed)
    release = {"deb": "debian-12", "rpm": "rhel-9", "apk": "alpine-3.20"}.get(ecosystem, "")
    for number in range(count):
        name = f"CVE-{2005 + number % 22}-{seed * 1_000_000 + number:07d}"
        statements = []
        for _ in range(draw.choice((1, 1, 1, 2, 4, 8))):
            package = names[min(int(draw.paretovariate(0.6)), len(names)) - 1]
            fixed = f"{draw.randrange(9)}.{draw.randrange(30)}.{draw.randrange(30)}"
            statements.append(
                Affected(
                    ecosystem=ecosystem,
                    name=package,
                    release=release,
                    scope="source" if ecosystem in {"deb", "apk"} else "binary",
                    ranges=(Range(fixed=f"{fixed}-r1" if ecosystem == "apk" else fixed),),
                )
            )
        details = " ".join(draw.choice(WORDS) for _ in range(draw.randrange(20, 80)))
        yield Advisory(
            id=name,
            details=details,
            affected=tuple(statements),
            references=(Reference(f"https://example.org/advisories/{name}", "ADVISORY"),),
            published="2026-01-01",
        )


def feed(ecosystem: str, count: int, names: list[str], seed: int) -> Feed:
    def parse(_documents: Iterator[Document]) -> Iterator[Record]:
        return records(ecosystem, count, names, seed)

    return Feed(
        name=f"full-{ecosystem}",
        title="",
        licence="",
        homepage="",
        files=(),
        parse=parse,
        parts=lambda _target: None,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--advisories", type=int, default=2_000_000)
    parser.add_argument("--image", type=Path)
    options = parser.parse_args()
    components = json.loads(options.image.read_bytes())["packages"] if options.image else []
    found: dict[str, list[dict[str, str]]] = {ecosystem: [] for ecosystem in SHARES}
    for component in components:
        found.setdefault(component["ecosystem"], []).append(component)
    started = time.perf_counter()
    if not (options.folder / "current.json").exists():
        for seed, (ecosystem, share) in enumerate(SHARES.items()):
            real = sorted({c["source"] or c["name"] for c in found.get(ecosystem, [])})
            names = real + [f"{ecosystem}-package-{number}" for number in range(40_000)]
            random.Random(seed).shuffle(names)
            made = feed(ecosystem, int(options.advisories * share), names, seed)
            build(options.folder, options.folder, [made], built="2026-01-01T00:00:00Z")
    built = time.perf_counter() - started
    database = Database.open(options.folder)
    parts = database.current.parts
    queries = [
        Query(c["ecosystem"], c["name"], c["version"], c["arch"], c["source"], c["source_version"])
        for c in components
        if c["ecosystem"] in SHARES
    ][:1000]
    by_ecosystem = {info.feed.removeprefix("full-"): key for key, info in parts.items()}
    covers = {e: Cover("matched", ("full",), (key,), ((key,),)) for e, key in by_ecosystem.items()}
    times, hits = [], 0
    for _round in range(6):
        fresh = Database.open(options.folder)
        matcher = Matcher(fresh, lambda e, _: covers.get(e, Cover("no_feed", (), ())), schemes().get)
        begun = time.perf_counter()
        answers = matcher.match(queries)
        times.append((time.perf_counter() - begun) * 1000)
        hits = sum(len(answer.statements) for answer in answers)
        fresh.close()
    result = {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "advisories": sum(info.advisories for info in parts.values()),
        "statements": sum(info.statements for info in parts.values()),
        "megabytes": round(sum(info.size_bytes for info in parts.values()) / 1e6),
        "build_s": round(built, 1),
        "packages": len(queries),
        "hits": hits,
        "match_ms_first": round(times[0], 1),
        "match_ms_median": round(statistics.median(times[1:]), 1),
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
