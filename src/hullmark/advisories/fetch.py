"""Brings a publisher's files here: only what changed, taken up again where it broke, never more than is bounded.

HTTP semantics are those of RFC 9110: conditional requests (13), ranges with `If-Range` (14). A file that is on its way is
`incoming/<hash of its address>` beside what its server said of it, so that a later run, or a later process, goes on
where this one ended. The lock of its group is held by whoever fetches.
"""

import contextlib
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec import Struct

from hullmark.images import wire
from hullmark.images.source import SourceOptions
from hullmark.images.transport import Origin, UnreachableError, origin_of
from hullmark.model.errors import FeedError

if TYPE_CHECKING:
    import httpx2

MAX_FILE_BYTES = 4 * 1024**3
"""No publisher's file is larger; more would fill the disk."""

_RESUMES = 6
_PROGRESS_BYTES = 1024 * 1024
_NOT_MODIFIED, _PARTIAL, _OUT_OF_RANGE = 304, 206, 416
_ABSENT = frozenset((404, 410))

Moved = Callable[[int, int], None]
"""Told the bytes that are here and the whole number of them, 0 where it is not known."""


class Validators(Struct, frozen=True, omit_defaults=True):
    """What a server said of a file that was fetched, by which it can be asked whether it changed."""

    etag: str = ""
    modified: str = ""

    @property
    def strong(self) -> str:
        """Give what a range can be bound to (RFC 9110, 13.1.5)."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.modified


class _Incoming(Struct, frozen=True):
    """What is kept beside an unfinished file."""

    url: str
    validators: Validators


class RefusedError(FeedError):
    """A publisher's server answers, but does not have or does not give what was asked for."""


class Fetched(NamedTuple):
    """A file that was asked for: `path` is None where it is as it was (`absent` false), or is not there."""

    path: Path | None
    validators: Validators
    absent: bool = False


class Heard:
    """What one run has heard of hosts: one that never said anything for as long as it is waited for is not waited for again."""

    def __init__(self) -> None:
        self._spoke: set[Origin] = set()
        self._silent: set[Origin] = set()

    def spoke(self, origin: Origin) -> None:
        """Note that a host answered something."""
        self._spoke.add(origin)

    def was_silent(self, origin: Origin) -> None:
        """Note that a host said nothing."""
        self._silent.add(origin)

    def check(self, origin: Origin) -> None:
        """Raise `UnreachableError` where a host has been silent, and nothing else."""
        if origin in self._silent and origin not in self._spoke:
            raise UnreachableError(f"{origin.address} has been silent before in this run")


class Fetcher:
    """Fetches files into a folder. Safe to use from several threads, each for files of its own."""

    def __init__(
        self,
        folder: Path,
        options: SourceOptions,
        *,
        max_bytes: int = MAX_FILE_BYTES,
        heard: Heard | None = None,
    ) -> None:
        self._folder = folder
        self._heard = heard or Heard()
        self._options = options
        self._max_bytes = max_bytes
        self._wire = wire.Wire(options)

    def close(self) -> None:
        """Close every connection."""
        self._wire.close()

    def fetch(
        self,
        url: str,
        known: Validators | None = None,
        moved: Moved = lambda _here, _all: None,
        *,
        accept: str = "*/*",
        private: Mapping[str, str] | None = None,
    ) -> Fetched:
        """Fetch a file unless it is still the one that `known` is of. Raises `FeedError`.

        The caller takes the file away (or removes it) when it is done with it. `private` are headers that no other
        host may see.
        """
        known = known or Validators()
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / hashlib.sha256(url.encode()).hexdigest()[:32]
        broken = mark = 0
        while True:
            try:
                found = self._attempt(url, path, known, moved, accept, private)
            except _BrokenError as problem:
                size = _size(path)
                broken = 1 if size - mark >= _PROGRESS_BYTES else broken + 1
                mark = size
                if broken > _RESUMES or problem.silent:
                    raise FeedError(
                        problem.what,
                        where=url,
                        hint=problem.hint or "what is here already is kept for the next time",
                    ) from problem
                wire.pause(wire.backoff_s(broken))
                continue
            if found is not None:
                return found
            _remove(path)  # what was here is of another file than the server has now

    def _attempt(
        self,
        url: str,
        path: Path,
        known: Validators,
        moved: Moved,
        accept: str,
        private: Mapping[str, str] | None,
    ) -> Fetched | None:
        """Ask once. None where what is here already cannot be gone on with."""
        begun = _begun(path, url)
        headers = {"Accept": accept}
        if begun is not None:
            headers |= {"Range": f"bytes={_size(path)}-", "If-Range": begun.strong}
        elif known.etag:
            headers["If-None-Match"] = known.etag
        elif known.modified:
            headers["If-Modified-Since"] = known.modified
        try:
            origin = origin_of(url)
            self._heard.check(origin)
            answer = self._wire.send("GET", url, headers=headers, private=private)
            self._heard.spoke(origin)
        except UnreachableError as problem:
            if problem.silent:
                self._heard.was_silent(origin)
            raise FeedError(problem.what, where=url, hint=problem.hint) from problem
        with contextlib.closing(answer):
            status = answer.status_code
            if status == _NOT_MODIFIED:
                return Fetched(None, known)
            if status in _ABSENT:
                return Fetched(None, Validators(), absent=True)
            if status == _OUT_OF_RANGE and begun is not None:
                return None
            if status == _PARTIAL and begun is not None:
                if not wire.starts_at(answer, _size(path)):
                    return None
                return self._receive(answer, url, path, begun, moved, offset=_size(path))
            if status != 200:
                hint = "" if status >= 500 else "it, or a proxy before it, does not let this machine have it"
                raise RefusedError(f"{origin_of(url).address} answers {status}", where=url, hint=hint)
            validators = Validators(
                answer.headers.get("etag", "")[:1000], answer.headers.get("last-modified", "")[:100]
            )
            return self._receive(answer, url, path, validators, moved, offset=0)

    def _receive(
        self,
        answer: "httpx2.Response",
        url: str,
        path: Path,
        validators: Validators,
        moved: Moved,
        *,
        offset: int,
    ) -> Fetched:
        import httpx2

        length = answer.headers.get("content-length", "")
        total = offset + int(length) if length.isascii() and length.isdigit() and len(length) < 16 else 0
        if total > self._max_bytes:
            raise self._too_large(url)
        if not offset:
            _remove(path)
            if validators.strong:
                _note(path).write_bytes(msgspec.json.encode(_Incoming(url, validators)))
        size = offset
        try:
            with path.open("ab" if offset else "wb") as file:
                for part in wire.received(answer, self._options):
                    size += len(part)
                    if size > self._max_bytes:
                        raise self._too_large(url)
                    file.write(part)
                    moved(size, total)
        except httpx2.TransportError as problem:
            told = wire.explained(problem, origin_of(url), self._options)
            raise _BrokenError(
                told.what, told.hint, silent=isinstance(problem, httpx2.TimeoutException)
            ) from problem
        except OSError as problem:
            raise FeedError(f"cannot be kept: {problem.strerror or problem}", where=str(path)) from problem
        if total and size != total:
            raise _BrokenError(f"{origin_of(url).address} gave {size} of {total} bytes", "", silent=False)
        _note(path).unlink(missing_ok=True)
        return Fetched(path, validators)

    def _too_large(self, url: str) -> FeedError:
        return FeedError(f"it has more than {self._max_bytes} bytes", where=url)


class _BrokenError(Exception):
    """A file broke off; it may be gone on with."""

    def __init__(self, what: str, hint: str, *, silent: bool) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
        self.silent = silent


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _begun(path: Path, url: str) -> Validators | None:
    """Give the validators of a file that is here in part; None where there is nothing to go on with."""
    try:
        kept = msgspec.json.decode(_note(path).read_bytes(), type=_Incoming)
    except (OSError, msgspec.DecodeError):
        return None
    return kept.validators if kept.url == url and kept.validators.strong and _size(path) else None


def _remove(path: Path) -> None:
    for each in (_note(path), path):
        each.unlink(missing_ok=True)
