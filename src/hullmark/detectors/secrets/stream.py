"""Secrets in a stream of files that passes once, as the tar of a layer does: nothing is copied out of it.

A piece is searched when whoever walks over the stream has told which files begin in it (`file`): texts that follow each other at once, whatever stands
between them, and binary files apart, since few rules look into those. It is searched together with the end of the one before, so that what lies
across the border is found, once.
"""

import bisect
from collections.abc import Iterator
from typing import NamedTuple

from hullmark.detectors.secrets.compiled import Kind
from hullmark.detectors.secrets.engine import BEHIND, WIDE_HEAD, Engine, Place, begin_of, wide_encoding
from hullmark.detectors.secrets.rule import WINDOW
from hullmark.model.facts import BinaryFiles, FileFacts, Secret, Unread

_OVERLAP = WINDOW + BEHIND
_LEAST = 256 * 1024  # to be searched at once: each search goes over an overlap again
_MOST_UTF16 = 4 * 1024 * 1024
_LINE_END = 0x0A
_BETWEEN = 2048  # so much between two files is searched with them rather than each alone


class _Wide(NamedTuple):
    """A file in UTF-16, as far as it has come."""

    path: str
    start: int
    end: int
    body: bytearray


class _Run(NamedTuple):
    """A part of the buffer that is searched at once: files of one kind, and what stands between them."""

    kind: Kind
    low: int
    high: int


class SecretStream:
    """Give it all pieces in turn, and each regular file before the piece after the one that it begins in; a byte of nobody's stands between two files.

    `most` is how many secrets are kept at most.
    """

    def __init__(self, engine: Engine, most: int = 10_000) -> None:
        self._engine = engine
        self._left = most
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._buffer = b""
        self._base = 0  # of the buffer's first byte in the stream
        self._done = 0  # so far the buffer was searched with the piece before
        self._starts: list[int] = []
        self._files: list[tuple[str, int]] = []
        self._before = Place()  # of the part of the first file that lies before the buffer
        self._kind: Kind = "text"  # of that file
        self._binary = 0
        self._counted = -1  # the begin of the last binary file that was counted: one that lies across a border is looked at twice
        self._wide: _Wide | None = None
        self._found: dict[str, list[Secret]] = {}
        self._cut: dict[str, None] = {}
        self._cut_pieces = 0

    def file(self, path: str, start: int, size: int) -> None:
        """Take note of a regular file's content: it begins so many bytes from the begin of the stream."""
        self._starts.append(start)
        self._files.append((path, size))

    def piece(self, piece: bytes) -> None:
        """Take the next piece, and search the one before."""
        if self._waiting_bytes >= _LEAST:
            self._next()
        self._waiting.append(piece)
        self._waiting_bytes += len(piece)

    def end(self) -> tuple[FileFacts, ...]:
        """Give what was found, by path, and under none how many binary files there were."""
        self._next()
        self._search(last=True)
        facts: dict[str, list[Secret | Unread | BinaryFiles]] = {
            path: [*found] for path, found in self._found.items()
        }
        for path in self._cut:
            reason = "more secrets than are listed of one file or layer"
            facts.setdefault(path, []).append(Unread(kind="record", path=path, reason=reason))
        if self._cut_pieces:
            reason = f"{self._cut_pieces} parts of it have more that looks like secrets than is looked at"
            facts.setdefault("", []).append(Unread(kind="record", reason=reason))
        if self._binary:
            facts.setdefault("", []).append(BinaryFiles(self._binary))
        return tuple(FileFacts(path, tuple(facts[path])) for path in sorted(facts))

    def _next(self) -> None:
        """Search what is in the buffer, and put what waits behind its end."""
        self._search(last=False)
        overlap = self._buffer[-_OVERLAP:]
        self._base += len(self._buffer) - len(overlap)
        self._done = max(len(overlap) - BEHIND, 0)
        self._buffer = b"".join((overlap, *self._waiting))
        self._waiting, self._waiting_bytes = [], 0

    def _search(self, *, last: bool) -> None:
        """Search the files in the buffer, but for what the next piece decides."""
        self._buffer = self._apart()
        until = len(self._buffer) if last else len(self._buffer) - BEHIND
        if self._wide is not None:
            self._collect(last=last)
        for run in self._runs(until, last=last):
            self._confirm(run, until)
        self._forget()

    def _apart(self) -> bytes:
        """Give the buffer with a line end before and behind each file, in what is nobody's: a pattern of a whole line knows no border of files."""
        starts = [start - self._base for start in self._starts]
        ends = [start + size for start, (_path, size) in zip(starts, self._files, strict=True)]
        around = [at for at in (*(start - 1 for start in starts), *ends) if 0 <= at < len(self._buffer)]
        if not around:  # in the midst of a large file
            return self._buffer
        text = bytearray(self._buffer)
        for at in around:
            text[at] = _LINE_END
        return bytes(text)

    def _runs(self, until: int, *, last: bool) -> Iterator[_Run]:
        """Give what is to be searched, in the order of the stream."""
        buffer, base = self._buffer, self._base
        run: _Run | None = None
        for start_in_stream, (path, size) in zip(self._starts, self._files, strict=True):
            start = start_in_stream - base
            low, high = max(start, 0), min(start + size, len(buffer))
            if low >= until:
                break
            if high <= self._done or high == low:
                continue
            if start >= self._done and self._is_wide(start, high):
                self._wide = _Wide(path, start_in_stream, start_in_stream + size, bytearray())
                self._collect(last=last)
                continue
            if self._wide is not None and self._wide.start == start_in_stream:
                continue
            kind = self._kind if start < 0 else self._engine.kind_of(path, buffer, low, high)
            if kind == "binary" and start_in_stream > self._counted:
                self._counted = start_in_stream
                self._binary += 1
            if run is not None and run.kind == kind and low - run.high <= _BETWEEN:
                run = _Run(kind, run.low, high)
                continue
            if run is not None:
                yield run
            run = _Run(kind, low, high)
        if run is not None:
            yield run

    def _is_wide(self, low: int, high: int) -> bool:
        """Tell whether a file that begins there is in UTF-16; the first two bytes tell of nearly all that they are not."""
        buffer = self._buffer
        if buffer[low] and buffer[low] < 0xFE and buffer[min(low + 1, high - 1)]:
            return False
        return bool(wide_encoding(buffer[low : min(low + WIDE_HEAD, high)]))

    def _confirm(self, run: _Run, until: int) -> None:
        """Search a part, and have confirmed what was found, by file."""
        hits, more = self._engine.compiled.hits(self._buffer[run.low : run.high], run.kind)
        self._cut_pieces += more
        by_file: dict[int, list[tuple[int, int]]] = {}
        for number, end_in_run in hits:
            end = run.low + end_in_run
            if self._done < end <= until:
                at = bisect.bisect_right(self._starts, self._base + end - 1) - 1
                if at >= 0 and self._base + end <= self._starts[at] + self._files[at][1]:
                    by_file.setdefault(at, []).append((number, end))
        for at, of_file in sorted(by_file.items()):
            path, size = self._files[at]
            start = self._starts[at] - self._base
            region = max(start, 0), min(start + size, len(self._buffer))
            place = self._before if start < 0 else begin_of(self._buffer, start)
            binary = run.kind == "binary"
            found, cut = self._engine.confirmed(
                path, self._buffer, region, of_file, binary=binary, place=place
            )
            self._take(path, found, more=cut)

    def _collect(self, *, last: bool) -> None:
        """Put a file in UTF-16 together, and search it when it is whole: its signs are not what patterns are made of."""
        wide = self._wide
        assert wide is not None
        at = wide.start + len(wide.body) - self._base
        wide.body.extend(self._buffer[at : wide.end - self._base])
        over = len(wide.body) > _MOST_UTF16
        if last or over or wide.start + len(wide.body) >= wide.end:
            self._wide = None
            secrets, more = self._engine.search(wide.path, bytes(wide.body))
            self._take(wide.path, secrets, more=more or over)

    def _take(self, path: str, secrets: list[Secret], *, more: bool) -> None:
        if more or len(secrets) > self._left:
            self._cut[path] = None
        if secrets and self._left:
            known = self._found.setdefault(path, [])
            new = [one for one in secrets[: self._left] if one not in known[-200:]]
            known += new
            self._left -= len(new)

    def _forget(self) -> None:
        """Forget the files that end before the next buffer begins, and count the lines of the one that it begins in."""
        upto = max(len(self._buffer) - _OVERLAP, 0)
        at = bisect.bisect_right(self._starts, self._base + upto) - 1
        if at < 0:
            return
        first, size = self._starts[at] - self._base, self._files[at][1]
        if first < upto < first + size:
            if first >= 0:
                self._kind = self._engine.kind_of(self._files[at][0], self._buffer, first, first + size)
                self._before = begin_of(self._buffer, first)
            if self._kind != "binary":
                self._before = self._before.after(self._buffer[max(first, 0) : upto])
        del self._starts[:at], self._files[:at]
