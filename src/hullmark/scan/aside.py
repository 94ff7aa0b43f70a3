"""The search for secrets in processes of their own, while this one walks over a folder.

A folder is one layer: its files cannot be dealt to several processes as layers are. So one process walks and reads, and hands what it reads in turn
to some others, cut where a file ends, which search it in the order in which it was read: what is found is the same as with one process.
"""

import contextlib
import os
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from hullmark.model.facts import BinaryFiles, Fact, FileFacts, Unread
from hullmark.processes import end, forked

if TYPE_CHECKING:
    from hullmark.detectors.secrets.stream import SecretStream

_BATCH = 256 * 1024
_CHUNK = 1024 * 1024
_HEAD = struct.Struct("<II")
_FILES = msgspec.msgpack.Decoder(list[tuple[str, int, int]])
_FOUND = msgspec.msgpack.Decoder(tuple[FileFacts, ...])
_ENCODE = msgspec.msgpack.Encoder().encode
_ENDED = "the process that looked for secrets ended, for want of memory perhaps"


class SearchedAside:
    """Does as a `SecretStream` does for files that follow each other, which `stream` makes in each of the processes that search."""

    def __init__(self, stream: "Callable[[], SecretStream]", processes: int = 1) -> None:
        self._children: list[_Child] = []
        for _process in range(processes):
            self._children.append(_Child(stream, [end for child in self._children for end in child.ends]))
        self._turn = 0
        self._passed = 0  # of the whole stream, when the batch begins
        self._files: list[tuple[str, int, int]] = []
        self._pieces: list[bytes] = []
        self._bytes = 0

    def file(self, path: str, start: int, size: int) -> None:
        """Take note of a regular file's content: it begins so many bytes from the begin of the stream."""
        if self._bytes >= _BATCH:
            self._send()
            self._turn = (self._turn + 1) % len(self._children)
        self._files.append((path, start - self._passed + self._children[self._turn].passed, size))

    def piece(self, piece: bytes) -> None:
        """Hand on the next piece."""
        self._pieces.append(piece)
        self._bytes += len(piece)
        if self._bytes >= _CHUNK:
            self._send()

    def end(self) -> tuple[FileFacts, ...]:
        """Give what was found, by path."""
        self._send()
        for child in self._children:
            child.hang_up()
        found: dict[str, tuple[Fact, ...]] = {}
        for child in self._children:
            for entry in child.answer():
                found[entry.path] = found.get(entry.path, ()) + entry.facts
        if "" in found:
            found[""] = _counted_together(found[""])
        return tuple(FileFacts(path, found[path]) for path in sorted(found))

    def close(self) -> None:
        """Leave no process behind, whatever became of the folder."""
        for child in self._children:
            child.close()

    def _send(self) -> None:
        self._children[self._turn].send(self._files, b"".join(self._pieces))
        self._passed += self._bytes
        self._files, self._pieces, self._bytes = [], [], 0


def _counted_together(facts: tuple[Fact, ...]) -> tuple[Fact, ...]:
    """Add up what each process counted."""
    binary = sum(fact.count for fact in facts if isinstance(fact, BinaryFiles))
    others = tuple(fact for fact in facts if not isinstance(fact, BinaryFiles))
    return (*others, BinaryFiles(binary)) if binary else others


class _Child:
    """A process that searches: what it is sent goes through one pipe, its answer through another; of the pipes of `others` it holds none."""

    def __init__(self, stream: "Callable[[], SecretStream]", others: list[int]) -> None:
        self.passed = 0
        queue_out, self._queue = os.pipe()
        self._answers, answers_in = os.pipe()
        self.ends = (self._queue, self._answers)
        _widen(self._queue)

        def work() -> None:
            for descriptor in (*others, *self.ends):
                os.close(descriptor)
            with os.fdopen(queue_out, "rb", _BATCH) as queue, os.fdopen(answers_in, "wb") as answers:
                answers.write(_ENCODE(_searched(queue, stream())))

        self._process = forked(work)
        os.close(queue_out)
        os.close(answers_in)

    def send(self, files: list[tuple[str, int, int]], body: bytes) -> None:
        """Hand on what follows, and the files that begin in it."""
        encoded = _ENCODE(files)
        left = memoryview(_HEAD.pack(len(encoded), len(body)) + encoded + body)
        self.passed += len(body)
        with contextlib.suppress(BrokenPipeError):  # which is told at the end
            while left and self._queue >= 0:
                left = left[os.write(self._queue, left[:_CHUNK]) :]

    def answer(self) -> tuple[FileFacts, ...]:
        """Give what it found in all that it was sent."""
        with os.fdopen(self._answers, "rb") as answers:
            self._answers = -1
            body = answers.read()
        try:
            return _FOUND.decode(body)
        except msgspec.DecodeError:
            return (FileFacts("", (Unread(kind="layer", reason=_ENDED),)),)

    def hang_up(self) -> None:
        """Say that nothing follows."""
        if self._queue >= 0:
            os.close(self._queue)
            self._queue = -1

    def close(self) -> None:
        """End it."""
        self.hang_up()
        if self._answers >= 0:
            os.close(self._answers)
            self._answers = -1
        end(self._process)


def _searched(queue: BinaryIO, stream: "SecretStream") -> tuple[FileFacts, ...]:
    while head := queue.read(_HEAD.size):
        files, size = _HEAD.unpack(head)
        for path, start, length in _FILES.decode(queue.read(files)):
            stream.file(path, start, length)
        stream.piece(queue.read(size))
    return stream.end()


def _widen(pipe: int) -> None:
    """Let more wait in a pipe, where the system lets us."""
    with contextlib.suppress(ImportError, OSError):
        from fcntl import F_SETPIPE_SZ, fcntl

        fcntl(pipe, F_SETPIPE_SZ, _CHUNK)
