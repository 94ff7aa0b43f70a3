"""The search for secrets in a process of its own, while this one walks over a folder.

A folder is one layer: its files cannot be dealt to several processes as layers are. So one process walks and reads, and hands all that it
reads to another one, which searches it in the order in which it was read: what is found is the same as with one process.
"""

import contextlib
import os
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from hullmark.model.facts import FileFacts, Unread
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
    """Does as a `SecretStream` does, which `stream` makes in the process that searches."""

    def __init__(self, stream: "Callable[[], SecretStream]") -> None:
        queue_out, self._queue = os.pipe()
        self._answers, answers_in = os.pipe()
        mine = (self._queue, self._answers)
        _widen(self._queue)

        def work() -> None:
            for descriptor in mine:
                os.close(descriptor)
            with os.fdopen(queue_out, "rb", _BATCH) as queue, os.fdopen(answers_in, "wb") as answers:
                answers.write(_ENCODE(_searched(queue, stream())))

        self._child = forked(work)
        os.close(queue_out)
        os.close(answers_in)
        self._files: list[tuple[str, int, int]] = []
        self._pieces: list[bytes] = []
        self._bytes = 0

    def file(self, path: str, start: int, size: int) -> None:
        """Take note of a regular file's content: it begins so many bytes from the begin of the stream."""
        self._files.append((path, start, size))

    def piece(self, piece: bytes) -> None:
        """Hand on the next piece."""
        self._pieces.append(piece)
        self._bytes += len(piece)
        if self._bytes >= _BATCH:
            self._send()

    def end(self) -> tuple[FileFacts, ...]:
        """Give what was found, by path."""
        self._send()
        self._hang_up()
        with os.fdopen(self._answers, "rb") as answers:
            self._answers = -1
            body = answers.read()
        try:
            return _FOUND.decode(body)
        except msgspec.DecodeError:
            return (FileFacts("", (Unread(kind="layer", reason=_ENDED),)),)

    def close(self) -> None:
        """Leave no process behind, whatever became of the folder."""
        self._hang_up()
        if self._answers >= 0:
            os.close(self._answers)
        end(self._child)

    def _send(self) -> None:
        files, body = _ENCODE(self._files), b"".join(self._pieces)
        self._files, self._pieces, self._bytes = [], [], 0
        left = memoryview(_HEAD.pack(len(files), len(body)) + files + body)
        with contextlib.suppress(BrokenPipeError):  # which is told at the end
            while left and self._queue >= 0:
                left = left[os.write(self._queue, left[:_CHUNK]) :]

    def _hang_up(self) -> None:
        if self._queue >= 0:
            os.close(self._queue)
            self._queue = -1


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
