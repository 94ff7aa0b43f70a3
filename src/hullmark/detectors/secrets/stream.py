"""Secrets in a stream of files that passes once, as the tar of a layer does: nothing is copied out of it.

What comes is searched piece by piece, whatever it is: headers, bodies, padding. Only where something was found it matters which file it is in,
and by then whoever walks over the stream has told (`file`). A piece is searched together with the end of the one before, so that
what lies across the border is found, once.
"""

import bisect
from typing import NamedTuple

from hullmark.detectors.secrets.engine import BEHIND, HEAD, Engine, Place
from hullmark.detectors.secrets.rule import WINDOW
from hullmark.model.facts import FileFacts, Secret, Unread

_OVERLAP = WINDOW + BEHIND
_LEAST = 256 * 1024  # to be searched at once: each search goes over an overlap again
_MOST_UTF16 = 4 * 1024 * 1024


class _Wide(NamedTuple):
    """A file in UTF-16, as far as it has come."""

    path: str
    start: int
    end: int
    body: bytearray


class SecretStream:
    """Give it all pieces in turn, and each regular file before the piece after the one that it begins in.

    `most` is how many secrets are kept at most.
    """

    def __init__(self, engine: Engine, most: int = 10_000) -> None:
        self._engine = engine
        self._left = most
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._buffer = b""
        self._base = 0  # of the buffer's first byte in the stream
        self._hits: list[tuple[int, int]] = []
        self._starts: list[int] = []
        self._files: list[tuple[str, int]] = []
        self._before = Place()  # of the part of the last file that lies before the buffer
        self._binary = False
        self._wide: _Wide | None = None
        self._found: dict[str, list[Secret]] = {}
        self._cut: dict[str, None] = {}
        self._cut_pieces = 0

    def file(self, path: str, start: int, size: int) -> None:
        """Take note of a regular file's content: it begins so many bytes from the begin of the stream."""
        self._starts.append(start)
        self._files.append((path, size))

    def piece(self, piece: bytes) -> None:
        """Search the next piece."""
        self._waiting.append(piece)
        self._waiting_bytes += len(piece)
        if self._waiting_bytes >= _LEAST:
            self._next()

    def _next(self) -> None:
        piece = b"".join(self._waiting) if len(self._waiting) > 1 else self._waiting[0]
        self._waiting, self._waiting_bytes = [], 0
        self._settle(last=False)
        overlap = self._buffer[-_OVERLAP:]
        self._base += len(self._buffer) - len(overlap)
        self._search(overlap, piece)

    def _search(self, overlap: bytes, piece: bytes) -> None:
        self._buffer = overlap + piece if overlap else piece
        hits, more = self._engine.hits(self._buffer)
        self._cut_pieces += more
        # What ends further up was found with the piece before.
        done = max(len(overlap) - BEHIND, 0)
        self._hits = [hit for hit in hits if hit[1] > done]

    def end(self) -> tuple[FileFacts, ...]:
        """Give what was found, by path."""
        if self._waiting:
            self._next()
        self._settle(last=True)
        facts: dict[str, list[Secret | Unread]] = {path: [*found] for path, found in self._found.items()}
        for path in self._cut:
            reason = "more secrets than are listed of one file or layer"
            facts.setdefault(path, []).append(Unread(kind="record", path=path, reason=reason))
        if self._cut_pieces:
            reason = f"{self._cut_pieces} parts of it have more that looks like secrets than is looked at"
            facts.setdefault("", []).append(Unread(kind="record", reason=reason))
        return tuple(FileFacts(path, tuple(facts[path])) for path in sorted(facts))

    def _settle(self, *, last: bool) -> None:
        """Find the files of the hits in the buffer, now that those that begin in it are known, and have them confirmed."""
        if self._wide is not None:
            self._collect(last=last)
        base, buffer = self._base, self._buffer
        until = len(buffer) if last else len(buffer) - BEHIND
        by_file: dict[int, list[tuple[int, int]]] = {}
        for number, end in self._hits:
            if end <= until:
                at = bisect.bisect_right(self._starts, base + end - 1) - 1
                if at >= 0 and base + end <= self._starts[at] + self._files[at][1]:
                    by_file.setdefault(at, []).append((number, end))
        for at in sorted(by_file):
            self._confirm(at, by_file[at])
            if self._wide is not None:
                self._collect(last=last)
        self._hits = []
        self._forget()

    def _confirm(self, at: int, hits: list[tuple[int, int]]) -> None:
        path, size = self._files[at]
        start = self._starts[at] - self._base
        low, high = max(start, 0), min(start + size, len(self._buffer))
        encoded = [hit for hit in hits if hit[0] < 0]
        if encoded and low == start and any(end - low == 8 for _number, end in encoded):
            self._wide = _Wide(path, self._starts[at], self._starts[at] + size, bytearray())
            return
        binary = self._binary if start < 0 else b"\0" in self._buffer[low : min(low + HEAD, high)]
        place = self._before if start < 0 else Place()
        self._take(
            path, *self._engine.confirmed(path, self._buffer, (low, high), hits, binary=binary, place=place)
        )

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
            self._take(wide.path, secrets, more or over)

    def _take(self, path: str, secrets: list[Secret], more: bool) -> None:  # noqa: FBT001  # as it was given
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
                self._binary = b"\0" in self._buffer[first : first + min(HEAD, size)]
                self._before = Place()
            if not self._binary:
                part = self._buffer[max(first, 0) : upto]
                lines = part.count(b"\n")
                columns = len(part) - part.rfind(b"\n") - 1
                self._before = (
                    Place(self._before.lines + lines, columns)
                    if lines
                    else Place(self._before.lines, self._before.columns + len(part))
                )
        del self._starts[:at], self._files[:at]
