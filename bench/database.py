"""The advisory database at full size: build, fetch on demand, increment, match; how large it is, and how quick.

    python bench/database.py [FEEDS] [--work DIR] [--advisories 2000000] [--rounds 5] [--quick]

FEEDS is a folder of feeds, as `hullmark db build --from` takes it (else demo/feeds). From its records
`bench/publish.py` makes those of publishers many times as large, and these are built with the same command. Writes
bench/database.json and the section of bench/RESULTS.md that is about the database, unless there are fewer advisories
than the bars speak of. `--quick` is for CI: few advisories, one round. A large run needs 5 GB in DIR.
"""

import argparse
import contextlib
import datetime as dt
import functools
import http.server
import json
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from publish import changed, older, packages, publish
from run import HERE, put_section, timed

from hullmark.advisories.build import change_group
from hullmark.advisories.database import Database, load_current
from hullmark.advisories.matcher import Cover, Matcher, Query
from hullmark.advisories.registry import feeds, schemes

HULLMARK = [sys.executable, "-m", "hullmark"]
TITLE = "The advisory database"
FULL = 2_000_000
QUICK = 3000
CHANGED = 1000
MATCHED = 1000


class Asked(NamedTuple):
    """What an image has of an ecosystem: how much of its packages, and how many of these some advisory names."""

    ecosystem: str
    share: float
    named: float


IMAGE = {
    "debian-12": Asked("deb", 0.4, 0.49),
    "osv-npm": Asked("npm", 0.35, 0.1),
    "osv-pypi": Asked("pypi", 0.15, 0.22),
    "osv-golang": Asked("golang", 0.1, 0.09),
}
"""An image of an application on Debian, by the parts that it is asked of.

How many are named was counted on a Debian 12 system with development tools, in the feeds that the benchmark takes: of
792 binary packages 388 have a source package that is named (161 of 440 source packages), of 161 Python packages 36,
of 706 Go modules 66, of 488 npm packages 21, where these feeds have a sixth of the names that npm's flaws really
have. The source packages that are named have 10.2 records where the average of Debian's is 5.0, and so are drawn by
the root of their records; those of the other ecosystems are no more popular than the average (2.0 of 1.8, 4.7 of
4.6, 3.8 of 4.4).
"""

BINARIES = (1, 1, 1, 1, 2, 2, 2, 4)
"""How many binary packages of one source package are installed: 1.8 on average there."""

BEHIND = 0.1
"""How many packages are not of the newest version. node:24 of 2026-02-17 has 2 fixable flaws in some 190 npm packages."""


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder as a mirror does; give its address."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_words: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=str(folder))
    )
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def built(feeds_folder: Path, folder: Path) -> dict[str, float]:
    """Build a database in a process of its own; give seconds and memory."""
    shutil.rmtree(folder, ignore_errors=True)
    command = [*HULLMARK, "db", "build", "--quiet", "--from", str(feeds_folder)]
    return timed(command, HULLMARK_DB_DIR=str(folder))


def fetched(feeds_folder: Path, work: Path, rounds: int) -> dict[str, dict[str, Any]]:
    """Give for each part that the demo image is checked against what it costs a scan to fetch it."""
    image = HERE.parent / "demo" / "image.tar"
    folder, cache = work / "fetched", work / "fetched-cache"
    shutil.rmtree(folder, ignore_errors=True)
    places = {"HULLMARK_DB_DIR": str(folder), "HULLMARK_CACHE_DIR": str(cache)}
    found: dict[str, dict[str, Any]] = {}
    with served(feeds_folder) as address:
        scan = [*HULLMARK, "scan", str(image), "--quiet", "--format", f"json={work / 'fetched.json'}"]
        scan += ["--db-mirror", address]
        timed(scan, **places)  # fetches all that there is
        for part in load_current(folder).parts:
            if part not in {"alpine-3.10", "osv-npm", "osv-pypi"}:
                continue
            extra = []
            for _ in range(rounds):
                forget(folder, part)
                cold = timed(scan, **places)
                info = load_current(folder).parts[part]
                extra.append(cold["wall"] - timed(scan, **places)["wall"])
            found[part] = {"extra_s": statistics.median(extra), "advisories": info.advisories}
    return found


def forget(folder: Path, part: str) -> None:
    """Make a database as if a part had never been fetched."""
    current = load_current(folder)
    info = current.parts.pop(part)
    (folder / "parts" / info.file).unlink()
    (folder / "current.json").write_bytes(msgspec.json.encode(current))
    for path in (folder / "fetched").glob(f"*{part}.json"):
        path.unlink()


def pressed(folder: Path, work: Path) -> dict[str, float]:
    """Export a database; give how large it is then."""
    target = work / "exported.tar"
    taken = timed([*HULLMARK, "db", "export", str(target), "--quiet"], HULLMARK_DB_DIR=str(folder))
    megabytes = target.stat().st_size / 1e6
    target.unlink()
    return taken | {"megabytes": megabytes}


def apply(folder: Path, changes: Path) -> float:
    """Put changed documents into the largest part of OSV's, as an update does; give the seconds."""
    feed = next(each for each in feeds() if each.name == "osv")
    group = feed.group("osv-npm")
    assert group is not None
    started = time.perf_counter()
    result = change_group(changes, folder, feed, group, checked="2026-01-01T00:00:00Z")
    taken = time.perf_counter() - started
    if result.unchanged or not result.parts:
        sys.exit("the increment changed nothing")
    return taken


def match(folder: Path, asked: Path, *, emptied: bool) -> dict[str, Any]:
    """Match packages in this process, and again; at first without a page in the cache where that is to be `emptied`."""
    entries = json.loads(asked.read_bytes())
    queries = [Query(*entry[1:]) for entry in entries]
    covers = {entry[1]: Cover("matched", (entry[0],), (entry[0],), ((entry[0],),)) for entry in entries}
    for path in (folder / "parts").iterdir():
        descriptor = os.open(path, os.O_RDONLY)
        if emptied:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)
    schemes()
    times, answers = [], []
    started = time.perf_counter()
    database = Database.open(folder)
    matcher = Matcher(database, lambda ecosystem, _: covers[ecosystem], schemes().get)
    for _round in range(6):
        answers = list(matcher.match(queries))
        times.append((time.perf_counter() - started) * 1000)
        started = time.perf_counter()
    states = Counter(each.state for answer in answers for each in answer.statements)
    found = {"hits": states.total() - states["not_affected"], "not_affected": states["not_affected"]}
    return {"cold_ms": times[0], "warm_ms": statistics.median(times[1:]), **found}


def asked_packages(feeds_folder: Path) -> list[list[str]]:
    """Draw the packages of an image, as `IMAGE` has them: real names, of which the made database has about as many
    statements as a publisher of its size would have, and names of which it has none.

    Versions are newer than each fix, so that only what has no fix holds, but for those that are `BEHIND`. In the
    image node:24 of 2026-02-17 (Debian 12; github.com/northcutted/docker-docs, samples/node) 1,020 statements hold for
    576 packages, nearly all of them for Debian's some 390: 2.6 for each of these, and two for all npm packages. Of the
    two million made, 976 hold for the 400 packages of Debian, on 164 of them, and 19 for the 600 of libraries.
    """
    draw = random.Random(2)
    found = packages(feeds_folder)
    entries: list[list[str]] = []
    for part, (ecosystem, share, named) in IMAGE.items():
        known = found.get(ecosystem, [])
        if not known:
            continue
        debian = ecosystem == "deb"
        weights = [each.records**0.5 if debian else 1.0 for each in known]
        wanted, made = round(MATCHED * share), 0
        while made < wanted:
            (package,) = draw.choices(known, weights)
            name = package.name if draw.random() < named else f"{package.name}-nobody-has-this"
            version = older(package.newest, draw) if draw.random() < BEHIND else package.newest
            for at in range(min(draw.choice(BINARIES) if debian else 1, wanted - made)):
                binary = f"{name}-{at}" if at else name
                entries.append([part, ecosystem, binary, version, "", name, version])
                made += 1
    return entries


def own(*words: str | Path) -> Any:
    """Run a part of this program in a fresh process; give what it says."""
    command = [sys.executable, __file__, *map(str, words)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measure(feeds_folder: Path, work: Path, advisories: int, rounds: int) -> dict[str, Any]:
    real = [built(feeds_folder, work / "real") for _ in range(rounds)]
    count = sum(info.advisories for info in load_current(work / "real").parts.values())
    found: dict[str, Any] = {"real": {"runs": real, "advisories": count}}
    found["fetched"] = fetched(feeds_folder, work, rounds)
    mirror, folder = work / "published", work / "full"
    shutil.rmtree(mirror, ignore_errors=True)
    published = publish(feeds_folder, mirror, advisories)
    full = built(mirror, folder)
    parts = load_current(folder).parts
    shared = {info.records: info.records_bytes for info in parts.values()}
    found["full"] = {
        **full,
        "published": published,
        "records": sum(info.advisories for info in parts.values()),
        "statements": sum(info.statements for info in parts.values()),
        "megabytes": (sum(info.size_bytes for info in parts.values()) + sum(shared.values())) / 1e6,
        "shared_megabytes": sum(shared.values()) / 1e6,
        "parts": {key: msgspec.to_builtins(info) for key, info in parts.items()},
    }
    found["pressed"] = pressed(folder, work)
    asked = work / "asked.json"
    asked.write_text(json.dumps(asked_packages(feeds_folder)))
    found["from_disk"] = [own("--match-from-disk", folder, asked) for _ in range(rounds)]
    found["matched"] = [own("--match", folder, asked) for _ in range(rounds)]
    changes = work / "changes"
    shutil.rmtree(changes, ignore_errors=True)
    found["changed"] = changed(mirror, changes, min(CHANGED, parts["osv-npm"].advisories))
    found["applied_s"] = own("--apply", folder, changes)
    return found


def bars(found: dict[str, Any]) -> list[tuple[str, str, str, bool]]:
    """Give each bar: what, the bound, what was measured, and whether it is met."""

    def bar(what: str, bound: float, measured: float, unit: str) -> tuple[str, str, str, bool]:
        digits = 2 if measured < 10 else 0
        return what, f"{bound:g} {unit}", f"{measured:,.{digits}f} {unit}", measured <= bound

    def median(runs: list[dict[str, float]], name: str) -> float:
        return statistics.median(run[name] for run in runs)

    real, full, matched = found["real"], found["full"], found["matched"]
    return [
        bar(f"build of {real['advisories']:,} real records", 60, median(real["runs"], "wall"), "s"),
        bar("its memory, all processes", 500, median(real["runs"], "memory_mb"), "MB"),
        *(
            bar(f"fetch of {part} ({info['advisories']:,} advisories) by a scan", 1, info["extra_s"], "s")
            for part, info in found["fetched"].items()
        ),
        bar(f"build of {full['published']:,} advisories", 1200, full["wall"], "s"),
        bar("its memory, all processes", 1000, full["memory_mb"], "MB"),
        bar("all parts on disk", 800, full["megabytes"], "MB"),
        bar("all parts compressed", 200, found["pressed"]["megabytes"], "MB"),
        bar(f"increment of {found['changed']:,} changed advisories", 5, found["applied_s"], "s"),
        bar(f"match of {MATCHED:,} packages in a new process", 100, median(matched, "cold_ms"), "ms"),
        bar(
            f"match of {MATCHED:,} packages in a new process, no page in the cache",
            100,
            median(found["from_disk"], "cold_ms"),
            "ms",
        ),
        bar(f"match of {MATCHED:,} packages, warm", 20, median(matched, "warm_ms"), "ms"),
    ]


WHY = {
    "fetch of osv-pypi": (
        "The publisher has one archive of all its documents, and each is read and written before the part is there, by one"
        " process, which takes 2 s of processor time: half of it is parsing, a third writing. A published database (`db.from`) brings the part ready made."
    ),
    "match of 1,000 packages in a new process, no page": (
        "Each package that is named is a page of the disk or two, read one after the other."
    ),
    "match of 1,000 packages": (
        "Half of it is each package's piece, decompressed and compared, the rest some microseconds a statement."
    ),
    "all parts compressed": (
        "What is on the disk is compressed already, in bodies that can be read alone: packages one by one, records by sixteens."
        " Bodies as they are, a file in one run with a window of 128 MB, would be about half of that: the packages of one source"
        " say the same. It would take a form for transport of its own, of which the file is made anew where it arrives."
    ),
}
"""Why a bar is missed, said beside it in the results: by the beginning of its name, the longer one first."""


def section(results: dict[str, Any]) -> str:
    full, measured = results["full"], results["bars"]
    lines = [
        (
            f"Measured {results['date']} on {results['machine']} by `bench/database.py`; medians of {results['rounds']} rounds, the"
            " large build once." + (f" {results['note']}" if "note" in results else "")
        ),
        "",
        "| bar | at most | measured | |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| {what} | {bound} | {got} | {'met' if met else '**missed**'} |"
        for what, bound, got, met in measured
    ]
    for what in (what for what, _bound, _got, met in measured if not met):
        for start, why in WHY.items():
            if what.startswith(start):
                lines += ["", f"Missed: *{what}*. {why}"]
                break
    lines += [
        "",
        (
            f"The large database is made of {full['published']:,} records that are drawn from the real ones (`bench/publish.py`"
            " says how), in the publishers' own formats and in the proportions of the publishers of 2026. A record that speaks of"
            f" several releases counts in the part of each: {full['records']:,} records and {full['statements']:,} statements in"
            f" {len(full['parts'])} parts, whose texts and ids, stored once, are {full['shared_megabytes']:.0f} MB; built with {full['cpu']:.0f} s of processor time and pressed in"
            f" {results['pressed']['wall']:.0f} s. The {MATCHED:,} packages have {results['matched'][0]['hits']:,} statements that hold, and"
            f" {results['matched'][0]['not_affected']:,} that say that they are not affected."
        ),
        "",
        "| part | records | statements | packages | MB |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {key} | {info.get('advisories', 0):,} | {info.get('statements', 0):,} | {info.get('packages', 0):,} |"
        f" {info['size_bytes'] / 1e6:,.0f} |"
        for key, info in full["parts"].items()
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("feeds", type=Path, nargs="?", default=HERE.parent / "demo" / "feeds")
    parser.add_argument("--work", type=Path)
    parser.add_argument("--advisories", type=int, default=FULL)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--match", type=Path, nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--match-from-disk", type=Path, nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--apply", type=Path, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.apply:
        print(json.dumps(apply(*options.apply)))
        return
    if asked := options.match_from_disk or options.match:
        print(json.dumps(match(*asked, emptied=bool(options.match_from_disk))))
        return
    advisories, rounds = (QUICK, 1) if options.quick else (options.advisories, options.rounds)
    with contextlib.ExitStack() as stack:
        work = options.work or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="hullmark-bench-"))
        )
        work.mkdir(parents=True, exist_ok=True)
        results = {
            "date": dt.datetime.now(dt.UTC).date().isoformat(),
            "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}",
            "rounds": rounds,
            **measure(options.feeds, work, advisories, rounds),
        }
    results["bars"] = bars(results)
    text = section(results)
    print(text)
    if advisories >= FULL:
        (HERE / "database.json").write_text(json.dumps(results, indent=1) + "\n")
        put_section(TITLE, text)


if __name__ == "__main__":
    main()
