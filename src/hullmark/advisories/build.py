"""Builds parts of the database from the records of feeds, streaming: memory does not grow with a feed."""

import datetime as dt
import hashlib
import os
import re
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from hullmark.advisories.database import (
    LEVELS,
    SCHEMA,
    SCOPES,
    STATES,
    Current,
    More,
    Part,
    PartInfo,
    changing,
    load_current,
    publish,
)
from hullmark.advisories.feed import Document, Feed, Record, documents, part_of
from hullmark.advisories.registry import schemes
from hullmark.advisories.scheme import Scheme
from hullmark.model.advisory import Advisory, Affected, Range, Withdrawn
from hullmark.model.errors import FeedError, VersionError
from hullmark.model.facts import Unread

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_SAMPLES = 3000
_DICTIONARY_BYTES = 64 * 1024
_LEVEL = 12
_ENCODE = msgspec.msgpack.Encoder().encode
_NO_MORE = More()
_DIGEST_BYTES = 16
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
"""What may be a part's key, since it becomes a file's name."""
_LEAST_KEPT = 0.9

Progress = Callable[[str, int], None]


class _Writer:
    """One part while it is written, in a file beside its place."""

    def __init__(self, folder: Path, key: str) -> None:
        self.key = key
        self.path = folder / f".{key}.{os.getpid()}.tmp"
        self.path.unlink(missing_ok=True)
        self._db = sqlite3.connect(self.path, isolation_level=None)
        self._db.executescript(
            f"PRAGMA page_size=4096; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; {SCHEMA}"
        )
        self._db.execute("BEGIN")
        self._waiting: list[tuple[str, tuple[object, ...], bytes]] | None = []
        self._dictionary: zstd.ZstdDict | None = None
        self._compress: Callable[[bytes], bytes] | None = None
        self._packages: dict[str, list[int]] = {}  # name → [id, next seq, sum of its rows' digests]
        self.advisories = self.statements = self.notes = 0
        self.newest = ""
        self.used: dict[str, int] = {}

    @property
    def records(self) -> int:
        return self.advisories + self.notes

    def note(self, name: str, body: bytes) -> None:
        self.notes += 1
        self._put("INSERT OR REPLACE INTO note VALUES (?, ?)", (name,), body)

    def advisory(self, advisory: Advisory, statements: Iterable[Affected]) -> None:
        self.advisories += 1
        self.newest = max(self.newest, advisory.modified or advisory.published)
        number = self.advisories
        body = _ENCODE(msgspec.structs.replace(advisory, affected=()))
        self._put(
            "INSERT INTO advisory VALUES (?, ?, ?, ?)", (number, advisory.id, int(advisory.bundle)), body
        )
        flaws = [(advisory.id, number, 0)]
        flaws += [(alias, number, 1) for alias in advisory.aliases]
        flaws += [(fix, number, 2) for fix in advisory.fixes]
        self._db.executemany("INSERT OR IGNORE INTO flaw VALUES (?, ?, ?)", flaws)
        digest = hashlib.blake2b(body, digest_size=16).digest()
        for affected in statements:
            self._affected(affected, number, digest)

    def _put(self, query: str, values: tuple[object, ...], body: bytes) -> None:
        """Insert a row whose last column is a text, once there is a dictionary to compress it with."""
        if self._waiting is not None:
            self._waiting.append((query, values, body))
            if len(self._waiting) >= _SAMPLES:
                self._train()
            return
        assert self._compress is not None
        self._db.execute(query, (*values, self._compress(body)))

    def _train(self) -> None:
        waiting, self._waiting = self._waiting or [], None
        samples = [body for _, _, body in waiting if body]
        dictionary = b""
        if len(samples) >= 100:  # zstd's trainer needs some; a tiny part gains nothing from one
            try:
                self._dictionary = zstd.train_dict(samples, _DICTIONARY_BYTES)
                dictionary = self._dictionary.dict_content
            except (zstd.ZstdError, ValueError):
                self._dictionary = None
        self._db.execute("INSERT INTO dictionary VALUES (?)", (dictionary,))
        compressor = zstd.ZstdCompressor(_LEVEL, zstd_dict=self._dictionary)
        self._compress = lambda body: compressor.compress(body, zstd.ZstdCompressor.FLUSH_FRAME)
        for query, values, body in waiting:
            self._db.execute(query, (*values, self._compress(body)))

    def _affected(self, affected: Affected, number: int, digest: bytes) -> None:
        scheme = schemes().get(affected.ecosystem)
        if scheme is None:
            return
        self.used[scheme.name] = scheme.revision
        name = scheme.fold(affected.name)
        entry = self._packages.get(name)
        if entry is None:
            entry = self._packages[name] = [len(self._packages) + 1, 0, 0]
        package, seq, _ = entry
        more = More(affected.arches, affected.module, affected.cpes, affected.repositories, affected.note)
        shared = (SCOPES.index(affected.scope), STATES.index(affected.state))
        tail_more = _ENCODE(more) if more != _NO_MORE else None
        level = LEVELS.index(affected.level)
        rows: list[tuple[object, ...]] = []
        for span in affected.ranges or (() if affected.versions else (Range(),)):
            low, high, undecided = _keys(scheme, span)
            end_text = span.fixed or None
            last = span.last_affected or None if not span.fixed else None
            started = span.introduced if span.introduced not in {"", "0"} else None
            inclusive = int((undecided or not span.fixed) and bool(end_text or last))
            rows.append(
                (
                    *shared,
                    low,
                    high,
                    inclusive,
                    int(undecided),
                    started,
                    end_text,
                    last,
                    level,
                    None,
                    tail_more,
                )
            )
        if affected.versions:
            listed = _ENCODE(sorted(set(affected.versions)))
            rows.append((*shared, None, None, 0, 0, None, None, None, level, listed, tail_more))
        self._db.executemany(
            "INSERT INTO affected VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(package, seq + at, number, *row) for at, row in enumerate(rows)],
        )
        self.statements += len(rows)
        entry[1] = seq + len(rows)
        # Added up, so that it does not matter in which order a publisher lists its records today.
        content = hashlib.blake2b(repr(rows).encode() + digest, digest_size=_DIGEST_BYTES).digest()
        entry[2] = (entry[2] + int.from_bytes(content, "big")) % (1 << 8 * _DIGEST_BYTES)

    def finish(self, feed: Feed, folder: Path, old: Part | None, built: str, unread: int) -> PartInfo | None:
        """Write what is left, give the file its name; None when nothing changed since the old revision."""
        if self._waiting is not None:
            self._train()
        digests = {name: entry[2].to_bytes(_DIGEST_BYTES, "big") for name, entry in self._packages.items()}
        before = old.digests() if old is not None else {}
        content = hashlib.blake2b(repr(sorted(digests.items())).encode(), digest_size=8)
        if self.notes:
            for row in self._db.execute("SELECT id, body FROM note ORDER BY id"):
                content.update(repr(row).encode())
        state = content.hexdigest()
        lineage, n = (old.info.lineage, old.info.n + 1) if old is not None else (state, 1)
        if old is not None and old.meta().get("content") == state:
            self.discard()
            return None
        changed = {
            name: before[name][1] if name in before and before[name][0] == digest else n
            for name, digest in digests.items()
        }
        self._db.executemany(
            "INSERT INTO package VALUES (?, ?, ?, ?)",
            [(entry[0], name, digests[name], changed[name]) for name, entry in self._packages.items()],
        )
        gone = {**(old.gone() if old is not None else {}), **dict.fromkeys(before.keys() - digests.keys(), n)}
        self._db.executemany(
            "INSERT INTO gone VALUES (?, ?)",
            [(name, at) for name, at in sorted(gone.items()) if name not in digests],
        )
        meta = {
            "part": self.key,
            "lineage": lineage,
            "n": str(n),
            "feed": feed.name,
            "content": state,
            "built": built,
        }
        self._db.executemany("INSERT INTO meta VALUES (?, ?)", sorted(meta.items()))
        self._db.execute("COMMIT")
        self._db.execute("VACUUM")
        self._db.close()
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
        name = f"{self.key}-{lineage}-{n}.db"
        self.path.replace(folder / name)
        return PartInfo(
            file=name,
            feed=feed.name,
            lineage=lineage,
            n=n,
            built=built,
            newest=self.newest[:20],
            advisories=self.advisories,
            statements=self.statements,
            packages=len(self._packages),
            notes=self.notes,
            unread=unread,
            size_bytes=(folder / name).stat().st_size,
            licence=feed.licence,
            schemes=self.used,
        )

    def discard(self) -> None:
        self._db.close()
        self.path.unlink(missing_ok=True)


def _keys(scheme: Scheme, span: Range) -> tuple[bytes | None, bytes | None, bool]:
    """Give the sort keys of a range's ends; undecided when one of them cannot be ordered.

    Ends the wrong way round are a slip of the publisher's: what lies between them is undecided.
    """
    undecided = False

    def key(text: str) -> bytes | None:
        nonlocal undecided
        try:
            return scheme.key(text)
        except VersionError:
            undecided = True
            return None

    low = key(span.introduced) if span.introduced not in {"", "0"} else None
    end = span.fixed or span.last_affected
    high = key(end) if end else None
    if undecided:
        return None, None, True
    if low is not None and high is not None and low > high:
        return high, low, True
    return low, high, False


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
) -> Built:
    """Build the parts of these feeds from a mirror's files and make them current, feed by feed.

    `built` is the time that the parts carry (RFC 3339), else that of a feed's newest file. A feed that fails keeps
    its last good content.
    """
    result = Built()
    (folder / "parts").mkdir(parents=True, exist_ok=True)
    for feed in feeds:
        try:
            # Two builders of one feed would give one revision two contents.
            with changing(folder, f"lock-{feed.name}"):
                made = _build_feed(
                    feed,
                    feed.parse(_counted(documents(mirror, feed.files), feed.name, progress)),
                    folder,
                    built or _newest(mirror, feed),
                    result,
                )
                publish(folder, made)
        except (FeedError, sqlite3.Error, OSError) as problem:
            result.failed[feed.name] = str(problem)
        except Exception as problem:  # noqa: BLE001  # what breaks one feed's reader must not cost the others
            result.failed[feed.name] = f"its reader failed: {type(problem).__name__}: {problem}"
        else:
            result.parts |= made
    return result


def _newest(mirror: Path, feed: Feed) -> str:
    """Give the time of a feed's newest file, which is never in the future."""
    found = {path for pattern in feed.files for path in mirror.glob(pattern)}
    newest = min(max((path.stat().st_mtime for path in found), default=0.0), time.time())
    return dt.datetime.fromtimestamp(int(newest), dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _counted(found: Iterator[Document], name: str, progress: Progress) -> Iterator[Document]:
    for count, document in enumerate(found, 1):
        if count % 500 == 0:
            progress(name, count)
        yield document


def _build_feed(
    feed: Feed, records: Iterator[Record], folder: Path, built: str, result: Built
) -> dict[str, PartInfo]:
    writers: dict[str, _Writer] = {}
    try:
        unread = _write(feed, records, folder / "parts", writers, result)
        return _finish(feed, folder, writers, built, unread, result)
    except BaseException:
        for part in writers.values():
            part.discard()
        raise


def _write(
    feed: Feed, records: Iterator[Record], store: Path, writers: dict[str, _Writer], result: Built
) -> int:
    """Deal the records to their parts; give the number of those that could not be used."""
    unread = 0

    def say(problem: Unread) -> None:
        nonlocal unread
        unread += 1
        result.unread_counts[feed.name] = unread
        result.unread.setdefault(feed.name, problem)

    def writer(key: str) -> _Writer:
        if key not in writers:
            writers[key] = _Writer(store, key)
        return writers[key]

    for record in records:
        if isinstance(record, Advisory):
            by_part: dict[str, list[Affected]] = {}
            for affected in record.affected:
                by_part.setdefault(part_of(feed, affected), []).append(affected)
            for key, statements in by_part.items():
                if _KEY.fullmatch(key):
                    writer(key).advisory(record, statements)
                else:
                    say(Unread(kind="record", place=record.id[:100], reason=f"{key[:100]!r} is no release"))
        elif isinstance(record, Unread):
            say(record)
        elif not isinstance(record, Withdrawn):  # a whole build simply lacks what was withdrawn
            writer(feed.name).note(record.id, _ENCODE(record))
    return unread


def _finish(
    feed: Feed, folder: Path, writers: dict[str, _Writer], built: str, unread: int, result: Built
) -> dict[str, PartInfo]:
    """Give the parts their names; one whose content did not change keeps its old file."""
    if unread and not writers:
        raise FeedError(f"none of its {unread} records could be read")
    try:
        current = load_current(folder)
    except FeedError:
        current = Current()
    made = {}
    for key, part in sorted(writers.items()):
        info = current.parts.get(key)
        if info is not None and unread and part.records < _LEAST_KEPT * (info.advisories + info.notes):
            had = info.advisories + info.notes
            reason = f"{unread} records could not be read, and {part.records} of {had} would be left"
            result.failed[key] = reason
            part.discard()
            continue
        old = _sound(key, info, folder) if info is not None else None
        finished = part.finish(feed, folder / "parts", old, built, unread)
        if finished is None:
            assert info is not None
            result.unchanged.append(key)
            made[key] = msgspec.structs.replace(info, built=built)
        else:
            made[key] = finished
        if old is not None:
            old.close()
    return made


def _sound(key: str, info: PartInfo, folder: Path) -> Part | None:
    """Open a part that a new revision follows; a damaged one is followed by a lineage of its own."""
    try:
        part = Part(key, info, folder / "parts" / info.file)
        part.meta(), part.digests(), part.gone()
    except FeedError:
        return None
    return part
