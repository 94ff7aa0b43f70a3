"""Feed every reader of advisories what no publisher should send, and see that it bears it.

    python bench/fuzz_feeds.py [--seconds 60] [--seed 1] [--only FEED,…] [--keep FOLDER]

The seeds are the fixtures in tests/golden/feeds: each round takes one feed's documents and spoils one of them (cut short, bytes
turned, another encoding, JSON of other types, long runs, deep nesting, another feed's file …). What must hold: nothing is raised but the
project's own error; a record can be stored; what could not be read is said with the place, in one line; the other documents' records are
still there; and no document takes longer than its size allows. Each tenth round is an update of a database: after it the database is whole
and has its last good content or at least nine tenths of it.

A fault is printed with its seed, the spoilt document goes to FOLDER, and the exit code is 1.
"""

import argparse
import functools
import io
import json
import random
import resource
import string
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from hullmark.advisories.build import build, build_group
from hullmark.advisories.database import Part, load_current
from hullmark.advisories.feed import Document, Feed, Group, Record, documents
from hullmark.advisories.registry import feeds
from hullmark.model.errors import FeedError
from hullmark.model.facts import Unread

ROOT = Path(__file__).resolve().parents[1]
FIXTURES = ROOT / "tests/golden/feeds"
SECONDS_A_DOCUMENT = 3.0
"""For some hundred kilobytes; what is linear takes a tenth of it."""
MEMORY_BYTES = 3 * 1024**3
LONGEST_WORDS = 1500
LONG = 60_000
NOW = "2026-01-01T00:00:00Z"

Case = dict[str, bytes]
"""The documents of one fixture folder by their paths below the mirror."""
Spoil = Callable[[random.Random, bytes, list[bytes]], bytes]


class FaultError(Exception):
    """What must not happen; the text says what did."""


@functools.cache
def cases() -> dict[str, list[Case]]:
    """Give the fixture folders of each feed, read."""
    found: dict[str, list[Case]] = {}
    for feed in feeds():
        for folder in sorted(path for path in (FIXTURES / feed.name).iterdir() if path.is_dir()):
            case = {item.path: item.read() for item in documents(folder, feed.files)}
            if case:
                found.setdefault(feed.name, []).append(case)
    return found


def cut(chance: random.Random, body: bytes, _others: list[bytes]) -> bytes:
    return body[: chance.randrange(len(body) + 1)]


def turned(chance: random.Random, body: bytes, _others: list[bytes]) -> bytes:
    out = bytearray(body)
    for _ in range(chance.choice((1, 3, 20))):
        if out:
            out[chance.randrange(len(out))] = chance.randrange(256)
    return bytes(out)


def with_words(chance: random.Random, body: bytes, _others: list[bytes]) -> bytes:
    """Put something odd in at a place, or in place of a value."""
    odd = (
        b"\x00", b"\x1b[31m", b"\r", "\u2028é".encode(), b"\xed\xa0\x80", rb"\ud800", b'"', b"<", b"&#xD800;", b"&x;", b"]]>",
        b"9" * 5000, b"1e999", b"-1", b"null", b"../../../etc/passwd", b"NaN", b"[" * 3000, b'{"a":' * 3000, b"<a>" * 3000, b"*a", b"&a [*a]",
    )  # fmt: skip
    place = chance.randrange(len(body) + 1)
    return body[:place] + chance.choice(odd) + body[place + chance.choice((0, 0, 1, 10)) :]


def with_run(chance: random.Random, body: bytes, _others: list[bytes]) -> bytes:
    """Repeat what stands at a place very often: what is not linear takes long."""
    place = chance.randrange(len(body) + 1)
    unit = body[place : place + chance.choice((1, 1, 2, 3, 5, 20))] or b"a"
    if chance.random() < 0.3:
        unit = chance.choice([letter.encode() for letter in string.printable])
    return body[:place] + unit * (LONG // len(unit)) + body[place:]


def other_encoding(chance: random.Random, body: bytes, _others: list[bytes]) -> bytes:
    text = body.decode("utf-8", "replace")
    name = chance.choice(("utf-16", "utf-16-le", "utf-32", "latin-1", "utf-8-sig", "cp037"))
    return text.replace("a", "ä", 3).encode(name, "replace")


def twice(chance: random.Random, body: bytes, _others: list[bytes]) -> bytes:
    lines = body.splitlines(keepends=True)
    if len(lines) < 2 or chance.random() < 0.3:
        return body + body
    first = chance.randrange(len(lines))
    last = min(len(lines), first + chance.randrange(1, 12))
    return b"".join(lines[:last] + lines[first:])


def another_feeds(chance: random.Random, _body: bytes, others: list[bytes]) -> bytes:
    return chance.choice(others)


def nothing(chance: random.Random, _body: bytes, _others: list[bytes]) -> bytes:
    return chance.choice(
        (
            b"",
            b"\n",
            b"null",
            b"[]",
            b"{}",
            b"<a/>",
            b"<html>429 Too Many Requests</html>",
            b"\x1f\x8b\x08",
            b"PK\x03\x04",
        )
    )


def entities(chance: random.Random, body: bytes, _others: list[bytes]) -> bytes:
    """Declare entities that grow, or that name a file."""
    laughs = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    doctype = chance.choice(
        (f'<!DOCTYPE x [<!ENTITY e0 "ha">{laughs}]>', '<!DOCTYPE x [<!ENTITY e11 SYSTEM "file:///etc/passwd">]>',
         '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">', '<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>')
    )  # fmt: skip
    start = body.find(b"?>") + 2 if body.startswith(b"<?xml") else 0
    place = body.find(b"</", start)
    return body[:start] + doctype.encode() + body[start:place] + b"&e11;" + body[place:]


ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**63, 2**70, 1.5, 1e308, "", " ", "\x00", "x" * 50_000, "9" * 5000, "é\u202e\x1b[2J", "../../x", [], {}, [[]], {"": {}},
    [None], ["x"] * 2000, {"x": 1}, "1.0,2.0", "CVSS:3.1/AV:N/AV:N", "CVSS:4.0/" + "A" * 999, "pkg:rpm/%ff%00/x@?a=%", "CVE-2024-", "*", "-", "0",
)  # fmt: skip


def other_types(chance: random.Random, body: bytes, _others: list[bytes]) -> bytes:
    """Change some values of a JSON document: to other types, to nothing, to several of them, under other keys."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return turned(chance, body, _others)
    for _ in range(chance.choice((1, 1, 2, 5))):
        places = list(_places(content))
        if not places:
            break
        holder, key = chance.choice(places)
        deed = chance.randrange(6)
        if deed in (1, 4) and len(json.dumps(holder)) > 10_000:
            deed = 5  # copies of copies would grow without end
        if deed == 0:
            del holder[key]
        elif deed == 1 and isinstance(holder, list):
            holder += json.loads(json.dumps([holder[key]] * chance.choice((1, 3, 500))))
        elif deed == 2:
            holder[key] = [holder[key]]
        elif deed == 3 and isinstance(holder[key], str):
            text = holder[key]
            place = chance.randrange(len(text) + 1)
            unit = text[place : place + chance.choice((1, 2, 4))] or "a"
            holder[key] = text[:place] + unit * (20_000 // len(unit)) + text[place:]
        elif deed == 4:
            other, name = chance.choice(places)
            holder[key] = json.loads(json.dumps(other[name])) if len(json.dumps(other)) < 10_000 else None
        else:
            holder[key] = json.loads(json.dumps(chance.choice(ODD_VALUES)))  # never one list in two places
    if chance.random() < 0.1:
        return (
            json.dumps(content, ensure_ascii=chance.random() < 0.5)
            .replace('": ', '": null, "x": ', 1)
            .encode("utf-8", "surrogatepass")
        )
    return json.dumps(content).encode()


def _places(content: Any) -> Iterator[tuple[Any, Any]]:
    todo = [content]
    while todo:
        holder = todo.pop()
        keys: Any = (
            range(len(holder))
            if isinstance(holder, list)
            else list(holder)
            if isinstance(holder, dict)
            else ()
        )
        for key in keys:
            yield holder, key
            todo.append(holder[key])


ANY: tuple[Spoil, ...] = (cut, turned, with_words, with_run, other_encoding, twice, another_feeds, nothing)


def spoilt(chance: random.Random, body: bytes, others: list[bytes]) -> bytes:
    """Spoil a document in one or two of the ways that suit it."""
    ways: list[Spoil] = list(ANY)
    if body.lstrip()[:1] in (b"{", b"["):
        ways += [other_types] * len(ANY)
    elif body.lstrip()[:1] == b"<":
        ways += [entities]
    for _ in range(chance.choice((1, 1, 1, 2))):
        body = chance.choice(ways)(chance, body, others)
    return body


def read(feed: Feed, case: Case) -> list[Record]:
    """Give the records of some documents; raises FeedError, and FaultError for what must not be."""
    found = []
    for record in feed.parse(
        iter([Document(path, functools.partial(io.BytesIO, body)) for path, body in case.items()])
    ):
        if isinstance(record, Unread):
            said = (record.path, record.place, record.reason)
            if (
                not record.path
                or not record.reason
                or sum(map(len, said)) > LONGEST_WORDS
                or not "".join(said).isprintable()
            ):
                raise FaultError(f"said in a bad way: {str(said)[:300]}")
        try:
            msgspec.msgpack.encode(record)
        except (ValueError, TypeError, OverflowError) as problem:
            raise FaultError(f"a record that cannot be stored: {problem}") from problem
        found.append(record)
    return found


def one_round(feed: Feed, chance: random.Random) -> Case:
    """Spoil one document and read; give what was read. Raises whatever is a fault."""
    case = dict(chance.choice(cases()[feed.name]))
    path = chance.choice(sorted(case))
    others = [body for name, group in cases().items() if name != feed.name for body in group[0].values()]
    rest = {name: body for name, body in case.items() if name != path}
    case[path] = spoilt(chance, case[path], others)
    feed_round.last = {path: case[path]}  # type: ignore[attr-defined]
    started = time.process_time()
    try:
        found = read(feed, case)
    except FeedError as problem:
        if not str(problem):
            raise FaultError("refused without a word") from problem
        return case
    finally:
        took = time.process_time() - started
        if took > SECONDS_A_DOCUMENT:
            raise FaultError(f"{took:.1f} s for {len(case[path]):,} bytes of {path}")
    kept = {msgspec.msgpack.encode(record) for record in found if not isinstance(record, Unread)}
    for record in read(feed, rest) if rest else ():
        if not isinstance(record, Unread) and msgspec.msgpack.encode(record) not in kept:
            raise FaultError(f"{record.id} of another document is gone")
    return case


def feed_round(feed: Feed, chance: random.Random) -> None:
    """Do one round, of reading."""
    one_round(feed, chance)


def update_round(feed: Feed, chance: random.Random, folder: Path) -> None:
    """Build a database, update it from spoilt documents, and look whether it is whole and lost nothing."""
    case = dict(chance.choice(cases()[feed.name]))
    mirror, base = folder / "mirror", folder / "db"
    for path, body in case.items():
        (mirror / path).parent.mkdir(parents=True, exist_ok=True)
        (mirror / path).write_bytes(body)
    build(mirror, base, [feed], built=NOW)
    before = {key: info.advisories + info.notes for key, info in load_current(base).parts.items()}
    path = chance.choice(sorted(case))
    others = [body for name, group in cases().items() if name != feed.name for body in group[0].values()]
    body = spoilt(chance, case[path], others)
    feed_round.last = {path: body}  # type: ignore[attr-defined]
    (mirror / path).write_bytes(body)
    for key in before:
        group = Group(name=key, parts=(key,), sources=())
        try:
            build_group(mirror, base, feed, group, checked=NOW)
        except FeedError as problem:
            if "its reader failed" in str(problem):
                raise FaultError(str(problem)) from problem
    after = load_current(base).parts
    for key, count in before.items():
        if key not in after or after[key].advisories + after[key].notes < 0.9 * count:
            raise FaultError(f"{key} had {count} records and lost more than a tenth")
        part = Part(key, after[key], base / "parts" / after[key].file)
        if part.meta().get("part") != key or len(part.digests()) != after[key].packages:
            raise FaultError(f"{key} is damaged")
        part.close()


def run(
    seed: int, *, seconds: float, only: frozenset[str] = frozenset(), keep: Path | None = None
) -> list[str]:
    """Go round the feeds until the time is over; give the faults, one of a kind."""
    chosen = [feed for feed in feeds() if feed.name in cases() and (not only or feed.name in only)]
    found: dict[str, str] = {}
    until = time.monotonic() + seconds
    rounds = 0
    while time.monotonic() < until:
        feed = chosen[rounds % len(chosen)]
        name = f"{seed}:{rounds}"
        chance = random.Random(name)
        try:
            if chance.random() < 0.1:
                with tempfile.TemporaryDirectory() as folder:
                    update_round(feed, chance, Path(folder))
            else:
                feed_round(feed, chance)
        except Exception as problem:  # noqa: BLE001 - that is what is looked for
            frames = traceback.extract_tb(problem.__traceback__)
            where = next(
                (
                    f"{Path(frame.filename).name}:{frame.lineno}"
                    for frame in reversed(frames)
                    if "hullmark" in frame.filename
                ),
                "",
            )
            kind = f"{feed.name} {type(problem).__name__} {where if not isinstance(problem, FaultError) else str(problem)[:40]}"
            if kind not in found:
                found[kind] = (
                    f"{feed.name} ({name}): {type(problem).__name__} at {where}: {str(problem)[:300]}"
                )
                print(found[kind], file=sys.stderr, flush=True)
                if keep is not None:
                    for number, body in enumerate(feed_round.last.values()):  # type: ignore[attr-defined]
                        keep.mkdir(parents=True, exist_ok=True)
                        (keep / f"{feed.name}-{seed}-{rounds}-{number}").write_bytes(body)
        rounds += 1
    print(f"{rounds} rounds of {len(chosen)} feeds, {len(found)} kinds of faults", file=sys.stderr)
    return list(found.values())


def main() -> int:
    """Run for some time; 1 when there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    return (
        1
        if run(
            options.seed,
            seconds=options.seconds,
            only=frozenset(filter(None, options.only.split(","))),
            keep=options.keep,
        )
        else 0
    )


if __name__ == "__main__":
    sys.exit(main())
