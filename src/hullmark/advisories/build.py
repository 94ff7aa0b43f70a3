"""Builds parts of the database from the records of feeds, streaming: memory does not grow with a feed."""

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

import msgspec

from hullmark.advisories.database import Current, Part, PartInfo, changing, load_current, publish, written
from hullmark.advisories.feed import Document, Feed, Group, Record, documents
from hullmark.advisories.records import body_of
from hullmark.advisories.writers import Writers
from hullmark.model.advisory import Advisory, CveRecord, Note, Withdrawn
from hullmark.model.errors import FeedError
from hullmark.model.facts import Unread
from hullmark.processes import end, forked

_ENCODE = msgspec.msgpack.Encoder().encode
_LEAST_KEPT = 0.9
_MOST_ROWS = 50_000
"""What one record may become in the database: a few thousand is what the longest of Red Hat's, Ubuntu's and NVD's are."""
_MOST_BYTES = 1 << 20
"""What one record may take besides its statements: sixteen of them, and no more than `bodies.py` reads, are packed together."""

Progress = Callable[[str, int], None]


class Built(msgspec.Struct):
    """What a build did: the parts by key, the unchanged ones, and why feeds or parts kept their old content.

    `unread_counts` has the records of each feed that could not be used, `unread` the first of them.
    """

    parts: dict[str, PartInfo] = {}
    unchanged: list[str] = []
    unread: dict[str, Unread] = {}
    unread_counts: dict[str, int] = {}
    failed: dict[str, str] = {}


def build(
    mirror: Path,
    folder: Path,
    feeds: Iterable[Feed],
    *,
    built: str = "",
    progress: Progress = lambda _feed, _count: None,
    processes: int = 1,
) -> Built:
    """Build the parts of these feeds from a mirror's files and make them current, feed by feed.

    `built` is the time that the parts carry (RFC 3339), else that of a feed's newest file. A feed that fails keeps
    its last good content. With more `processes` than this one, feeds are built side by side; only this one's make progress.
    """
    (folder / "parts").mkdir(parents=True, exist_ok=True)
    own, *others = _dealt(mirror, feeds, processes)
    with contextlib.ExitStack() as stack:
        children = [
            stack.enter_context(_child(share, lambda share=share: _build(mirror, folder, share, built)))  # type: ignore[misc]
            for share in others
        ]
        results = [_build(mirror, folder, own, built, progress), *(answer() for answer in children)]
    return Built(
        parts={key: info for result in results for key, info in result.parts.items()},
        unchanged=[key for result in results for key in result.unchanged],
        unread={name: first for result in results for name, first in result.unread.items()},
        unread_counts={name: count for result in results for name, count in result.unread_counts.items()},
        failed={name: reason for result in results for name, reason in result.failed.items()},
    )


def _dealt(mirror: Path, feeds: Iterable[Feed], among: int) -> list[list[Feed]]:
    """Deal the feeds into shares that take about as long, by the size of their files; there is at least one share."""
    if among < 2:
        return [list(feeds)]

    def size(feed: Feed) -> int:
        return sum(path.stat().st_size for pattern in feed.files for path in mirror.glob(pattern))

    shares: list[list[Feed]] = [[] for _ in range(among)]
    loads = [0] * len(shares)
    for weight, feed in sorted(((size(feed), feed) for feed in feeds), key=lambda each: -each[0]):
        least = loads.index(min(loads))
        loads[least] += weight
        shares[least if weight else 0].append(feed)
    return [shares[0], *(share for share in shares[1:] if share)]


@contextlib.contextmanager
def _child(share: list[Feed], work: Callable[[], Built]) -> Iterator[Callable[[], Built]]:
    """Do some work in a forked process; give what waits for its result."""
    answers_out, answers_in = os.pipe()

    def tell() -> None:
        os.close(answers_out)
        with os.fdopen(answers_in, "wb") as pipe:
            pipe.write(_ENCODE(work()))

    child = forked(tell)
    os.close(answers_in)

    def answer() -> Built:
        with os.fdopen(answers_out, "rb", closefd=False) as pipe:
            body = pipe.read()
        try:
            return msgspec.msgpack.decode(body, type=Built)
        except msgspec.DecodeError:
            return Built(failed={feed.name: "the process that built it ended early" for feed in share})

    try:
        yield answer
    finally:
        os.close(answers_out)
        end(child)  # it has ended long ago, unless something went wrong here


def _build(
    mirror: Path,
    folder: Path,
    feeds: Iterable[Feed],
    built: str,
    progress: Progress = lambda _feed, _count: None,
) -> Built:
    result = Built()
    for feed in feeds:
        try:
            # Two builders of one feed would give one revision two contents.
            with _told(), changing(folder, f"lock-{feed.name}"):
                records = feed.parse(_counted(documents(mirror, feed.files), feed.name, progress))
                made = _build_feed(feed, records, folder, built or newest(mirror, feed), result)
                publish(folder, made)
        except FeedError as problem:
            result.failed[feed.name] = str(problem)
        else:
            result.parts |= made
    return result


def newest(mirror: Path, feed: Feed) -> str:
    """Give the time of a feed's newest file, which is never in the future."""
    found = {path for pattern in feed.files for path in mirror.glob(pattern)}
    newest = min(max((path.stat().st_mtime for path in found), default=0.0), time.time())
    return written(newest)


def _counted(found: Iterator[Document], name: str, progress: Progress) -> Iterator[Document]:
    for count, document in enumerate(found, 1):
        if count % 500 == 0:
            progress(name, count)
        yield document


def build_group(
    mirror: Path,
    folder: Path,
    feed: Feed,
    group: Group,
    *,
    checked: str,
    accept_loss: bool = False,
    hold: bool = False,
) -> Built:
    """Build the parts of a group anew from its fetched files, and make them current, or not yet where they are to be held.

    `checked` is the time at which the publisher was asked (RFC 3339). A part that lost more than a tenth of its records
    keeps its last good content unless `accept_loss` is given. The caller holds the group's lock. Raises `FeedError`.
    """
    result = Built()
    (folder / "parts").mkdir(parents=True, exist_ok=True)
    with _told(feed.name):
        made = _build_feed(
            feed,
            feed.parse(documents(mirror, feed.files)),
            folder,
            newest(mirror, feed),
            result,
            wary=not accept_loss,
            only=group,
        )
        result.parts = made if hold and not result.failed else _publish(folder, made, checked)
    if not made and not result.failed:
        raise FeedError("no record of it says anything about a package", where=group.name)
    return result


def change_group(
    mirror: Path,
    folder: Path,
    feed: Feed,
    group: Group,
    *,
    removed: Iterable[str] = (),
    ids: frozenset[str] | None = None,
    checked: str,
    onto: dict[str, PartInfo] | None = None,
) -> Built:
    """Put the changed documents of a group into its parts (or those that were held), as revisions that follow; make them current.

    `mirror` has the changed documents; whatever they replace is taken out, and so are the records of `removed` and
    those that are not among `ids`, where these are given. The caller holds the group's lock. Raises `FeedError`.
    """
    result = Built()
    with _told(feed.name):
        current = onto or parts_here(folder, feed, group)
        records = list(feed.parse(documents(mirror, feed.files)))
        gone = {record.id for record in records if isinstance(record, Withdrawn)} | set(removed)
        stale = gone | {record.id for record in records if not isinstance(record, Unread | Withdrawn)}
        with contextlib.ExitStack() as stack:
            olds = {
                key: stack.enter_context(contextlib.closing(Part(key, info, folder / "parts" / info.file)))
                for key, info in current.items()
            }
            writers = Writers(feed, folder / "parts", group, olds)
            stack.callback(writers.discard)
            writers.remove(stale, ids)
            fresh = (
                record for record in records if not isinstance(record, Withdrawn) and _id(record) not in gone
            )
            unread = _write(fresh, writers, result)
            made = {
                key: writer.finish(feed, folder / "parts", olds.get(key), newest(mirror, feed), unread)
                for key, writer in sorted(writers.parts.items())
            }
            result.parts = _publish(folder, _joined(writers, made, current, result), checked)
    return result


def _id(record: Record) -> str:
    return "" if isinstance(record, Unread) else record.id


def confirm(
    folder: Path, feed: Feed, group: Group, checked: str, held: dict[str, PartInfo] | None = None
) -> list[str]:
    """Note that the publisher was asked and nothing changed, also since parts were held; give those for which that holds."""
    return sorted(_publish(folder, held or parts_here(folder, feed, group), checked))


def parts_here(folder: Path, feed: Feed, group: Group) -> dict[str, PartInfo]:
    """Give the parts of a group that the database has."""
    return {
        key: info
        for key, info in load_current(folder).parts.items()
        if info.feed == feed.name and group.makes(key)
    }


def _publish(folder: Path, parts: dict[str, PartInfo], checked: str) -> dict[str, PartInfo]:
    told = {key: msgspec.structs.replace(info, checked=checked) for key, info in parts.items()}
    if told:
        publish(folder, told)
    return told


@contextlib.contextmanager
def _told(where: str = "") -> Iterator[None]:
    """Make a `FeedError` of whatever goes wrong: what breaks one feed's reader must not cost the others."""
    try:
        yield
    except FeedError:
        raise
    except (sqlite3.Error, OSError) as problem:
        raise FeedError(str(problem), where=where) from problem
    except Exception as problem:
        raise FeedError(f"its reader failed: {type(problem).__name__}: {problem}", where=where) from problem


def _build_feed(
    feed: Feed,
    records: Iterator[Record],
    folder: Path,
    built: str,
    result: Built,
    *,
    wary: bool = False,
    only: Group | None = None,
) -> dict[str, PartInfo]:
    writers = Writers(feed, folder / "parts", only)
    try:
        unread = _write(records, writers, result)
        return _finish(feed, folder, writers, built, unread, result, wary=wary)
    finally:
        writers.discard()


def _write(records: Iterable[Record], writers: Writers, result: Built) -> int:
    """Deal the records to their parts; give the number of those that could not be used."""
    feed, unread = writers.feed, 0

    def say(problem: Unread) -> None:
        nonlocal unread
        unread += 1
        result.unread_counts[feed.name] = unread
        result.unread.setdefault(feed.name, problem)

    def refuse(record: Advisory | Note, reason: str) -> None:
        say(Unread(kind="record", place=record.id[:100], reason=reason))

    for record in records:
        if isinstance(record, Advisory) and (rows := _rows(record)) > _MOST_ROWS:
            refuse(record, f"{rows} statements, more than the {_MOST_ROWS} that one record may make")
        elif isinstance(record, Unread):
            say(record)
        elif isinstance(record, Withdrawn):
            continue  # a whole build simply lacks what was withdrawn
        elif len(body := body_of(record)) > _MOST_BYTES:
            refuse(record, f"{len(body)} bytes, more than the {_MOST_BYTES} that one record may take")
        elif isinstance(record, Advisory):
            for key in writers.advisory(record, body):
                refuse(record, f"{key[:100]!r} is no release")
        else:
            modified = record.modified or record.published if isinstance(record, CveRecord) else ""
            writers.part(feed.name).note(record.id, body, modified)
    return unread


def _rows(record: Advisory) -> int:
    """Count the rows of a record: few products and few versions make many where each is said of each."""
    return sum(len(entry.ranges) + bool(entry.versions) or 1 for entry in record.affected)


def _finish(
    feed: Feed,
    folder: Path,
    writers: Writers,
    built: str,
    unread: int,
    result: Built,
    *,
    wary: bool = False,
) -> dict[str, PartInfo]:
    """Give the parts their names; one whose content did not change keeps its old file."""
    if unread and not writers.parts:
        few = (
            "its only record could not be read:"
            if unread == 1
            else f"none of its {unread} records could be read; the first:"
        )
        raise FeedError(f"{few} {_first(feed, result)}")
    try:
        current = load_current(folder)
    except FeedError:
        current = Current()
    made: dict[str, PartInfo | None] = {}
    kept = {}
    torn = set()
    for key, part in sorted(writers.parts.items()):
        info = current.parts.get(key)
        had = info.advisories + info.notes if info is not None else 0
        if (unread or wary) and part.records < _LEAST_KEPT * had:
            count = "1 record" if unread == 1 else f"{unread} records"
            why = f"{count} could not be read (the first: {_first(feed, result)}), and " if unread else ""
            reason = f"{why}{part.records} of {had} records would be left"
            result.failed[key] = reason
            part.discard()
            continue
        old = _sound(key, info, folder) if info is not None else None
        made[key] = part.finish(feed, folder / "parts", old, built, unread)
        if info is not None:
            kept[key] = msgspec.structs.replace(info, built=built)
        if old is not None:
            if made[key] is None and _is_torn(old):
                torn.add(key)
            old.close()
    return _joined(writers, made, kept, result, torn)


def _first(feed: Feed, result: Built) -> str:
    """Tell of the first record that could not be used: its file, its place in there, and why."""
    first = result.unread[feed.name]
    return ": ".join(part for part in (f"{first.path} {first.place}".strip(), first.reason) if part)


def _joined(
    writers: Writers,
    made: dict[str, PartInfo | None],
    kept: dict[str, PartInfo],
    result: Built,
    torn: Collection[str] = (),
) -> dict[str, PartInfo]:
    """Give the parts that were made, each with its records, and those of `kept` in which nothing changed.

    Parts whose records are `torn` get new ones.
    """
    result.unchanged += [key for key, info in made.items() if info is None]
    good = [key for key in result.unchanged if key not in torn]
    return writers.with_records({key: info or kept[key] for key, info in made.items()}, good)


def _is_torn(part: Part) -> bool:
    """Tell whether a part has records that cannot be read."""
    try:
        return part.records is not None and not part.records.is_whole()
    except FeedError:
        return True


def _sound(key: str, info: PartInfo, folder: Path) -> Part | None:
    """Open a part that a new revision follows; a damaged one is followed by a lineage of its own."""
    try:
        part = Part(key, info, folder / "parts" / info.file)
        part.meta(), part.digests(), part.gone()
    except FeedError:
        return None
    return part
