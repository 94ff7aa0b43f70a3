"""Streams of a blob's bytes: hashed while they pass, then inflated in bounded pieces.

gzip (RFC 1952, several members allowed, checksums verified), zstd (RFC 8878, several and skippable frames) and
plain tar are told apart by their first bytes, never by a media type.
"""

import hashlib
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import cast

from isal import isal_zlib

from hullmark.images.limits import ReadLimits
from hullmark.model.errors import LimitError

PIECE = 256 * 1024
GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"
_SKIPPABLE = frozenset(bytes((first, 0x2A, 0x4D, 0x18)) for first in range(0x50, 0x60))
_GZIP_TRAILER = 8  # CRC-32 and size (RFC 1952, 2.3.1)
_ZSTD_TRAILER = 4  # XXH64, its lower half (RFC 8878, 3.1.1)
_MAX_WINDOW_LOG = 27
_USUAL_WINDOW_LOG = (
    23  # 8 MiB, what any decoder should have (RFC 8878, 3.1.1.1.2) and writers of layers keep to
)
_LONGEST_FRAME_HEADER = 18
_FEW_FRAMES, _BYTES_A_FRAME = 20_000, 48
"""A frame costs the decoder 10 µs; where each file has one of its own (zstd:chunked), a tar header is in it at least."""
_FIRST_STEP = 1024
"""What a new frame is given at first: what it leaves is copied, which must not be much when a million frames follow."""

_FREELY = nullcontext()
_GZIP_ERROR = cast("type[Exception]", isal_zlib.error)  # its stub calls the class an instance


class DamagedError(Exception):
    """The compressed stream is not what it should be; the message says how."""


class Hashed:
    """Passes chunks on and keeps their SHA-256 and number of bytes."""

    def __init__(self, chunks: Iterator[bytes], algorithm: str = "sha256") -> None:
        self._chunks = chunks
        self._hash = hashlib.new(algorithm)
        self.algorithm = algorithm
        self.size = 0
        self.plain = False

    def __iter__(self) -> Iterator[bytes]:
        """Give the chunks; may be entered again to go on where an earlier loop stopped."""
        update = self._hash.update
        for chunk in self._chunks:
            update(chunk)
            self.size += len(chunk)
            yield chunk

    def drain(self) -> None:
        """Read what is left, for the digest's sake."""
        for _chunk in self:
            pass

    @property
    def digest(self) -> str:
        """The digest of what has passed so far."""
        return f"{self.algorithm}:{self._hash.hexdigest()}"


def inflated(
    hashed: Hashed, limits: ReadLimits, large: AbstractContextManager[None] = _FREELY
) -> Iterator[bytes]:
    """Give the inflated bytes in pieces of at most `PIECE`; `hashed.plain` tells whether there was nothing to inflate.

    A stream that needs a large window is read within `large`, which is entered before the first piece. Raises
    `DamagedError` for a broken stream and `LimitError` for one that grows beyond the limits.
    """
    chunks = iter(hashed)
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= 4:
            break
    rest = _chain(head, chunks)
    if head[:2] == GZIP:
        pieces = _gzip(rest)
    elif head[:4] == ZSTD or head[:4] in _SKIPPABLE:
        pieces = _zstd(rest, large)
    else:
        hashed.plain = True
        pieces = rest
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > limits.layer_free_bytes and total > limits.layer_ratio * hashed.size:
            raise LimitError(
                f"inflates to more than {limits.layer_ratio} times its size and {limits.layer_free_bytes} bytes",
                hint="limits.layer_ratio and limits.layer_free_bytes bound this",
            )
        yield piece


def _chain(head: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    if head:
        yield head
    yield from chunks


def _gzip(chunks: Iterator[bytes]) -> Iterator[bytes]:
    inflater = isal_zlib.decompressobj(31)
    started = False
    for chunk in chunks:
        view, at, step = memoryview(chunk), 0, PIECE
        while at < len(view):
            if inflater.eof:
                # Zero bytes may pad the end; anything else must be another member.
                if not chunk[at] and not chunk[at:].strip(b"\0"):
                    break
                inflater, step = isal_zlib.decompressobj(31), _FIRST_STEP
            started = True
            data: bytes | memoryview = _part(view, at, step, _GZIP_TRAILER)
            at += len(data)
            step = min(2 * step, PIECE)
            while data:
                try:
                    piece = inflater.decompress(data, PIECE)
                except _GZIP_ERROR as problem:
                    raise DamagedError(f"corrupt gzip data: {_words(problem)}") from problem
                if piece:
                    yield piece
                data = inflater.unconsumed_tail
                if inflater.eof:
                    at -= len(inflater.unused_data)
                    break
    if started and not inflater.eof:
        raise DamagedError("gzip data ends too early")


def _part(view: memoryview, at: int, step: int, trailer: int) -> memoryview:
    """Give the next bytes of a chunk, its last ones alone: where they are a wrong checksum, what came before was given."""
    end = len(view) - trailer
    return view[at : min(at + step, end if at < end else len(view))]


def _words(problem: Exception) -> str:
    return str(problem).partition(" ")[2].partition(" ")[2].lower() or str(problem)


def _zstd(chunks: Iterator[bytes], large: AbstractContextManager[None]) -> Iterator[bytes]:
    first = b""
    for chunk in chunks:
        first += chunk
        if len(first) >= _LONGEST_FRAME_HEADER:
            break
    window_log = _window_log(first)
    if window_log > _MAX_WINDOW_LOG:
        raise DamagedError(f"zstd data that needs a window of more than {1 << _MAX_WINDOW_LOG - 20} MiB")
    with large if window_log > _USUAL_WINDOW_LOG else _FREELY:
        yield from _frames(_chain(first, chunks), max(window_log, _USUAL_WINDOW_LOG))


def _window_log(head: bytes) -> int:
    """Read how large a window the first frame needs (RFC 8878, 3.1.1.1); 0 where it says nothing."""
    if head[:4] != ZSTD or len(head) < _LONGEST_FRAME_HEADER:
        return 0
    descriptor = head[4]
    if not descriptor & 0x20:
        return 10 + (head[5] >> 3) + (head[5] & 7 > 0)
    # a single segment: the window is the content, whose size follows the dictionary's id
    at = 5 + (0, 1, 2, 4)[descriptor & 3]
    size = int.from_bytes(head[at : at + (1, 2, 4, 8)[descriptor >> 6]], "little")
    return max(size - 1, 1).bit_length()


def _frames(chunks: Iterator[bytes], window_log: int) -> Iterator[bytes]:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd

    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: window_log}
    inflater = zstd.ZstdDecompressor(options=options)
    started = False
    frames = passed = 0
    for chunk in chunks:
        view, at, step = memoryview(chunk), 0, PIECE
        passed += len(chunk)
        while at < len(view):
            if inflater.eof:
                frames += 1
                if frames > _FEW_FRAMES and frames * _BYTES_A_FRAME > passed:
                    raise DamagedError(f"zstd data of {frames} frames with hardly anything in them")
                inflater, step = zstd.ZstdDecompressor(options=options), _FIRST_STEP
            started = True
            data: bytes | memoryview = _part(view, at, step, _ZSTD_TRAILER)
            at += len(data)
            step = min(2 * step, PIECE)
            while True:
                try:
                    piece = inflater.decompress(data, PIECE)
                except zstd.ZstdError as problem:
                    raise DamagedError(f"corrupt zstd data: {problem}") from problem
                data = b""
                if piece:
                    yield piece
                if inflater.eof:
                    at -= len(inflater.unused_data)
                    break
                if inflater.needs_input:
                    break
    if started and not inflater.eof:
        raise DamagedError("zstd data ends too early")
