"""An image that a daemon on this machine has, through the Docker Engine API on its unix socket; Podman speaks it as well.

Reference: a name as the daemon knows it, or an image's id. `GET /images/NAME/json` tells whether it is there,
`GET /images/NAME/get` streams it as `docker save` does. The socket is that of the daemon's own variable where it is
set, else the first of its known places whose daemon has the image.
"""

import contextlib
import functools
import os
import re
import socket
import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

import msgspec
from msgspec import Struct

from hullmark.images import _archive, _oci, wire
from hullmark.images.reference import parse
from hullmark.images.source import OpenedImage, Source, SourceOptions
from hullmark.images.transport import socket_client
from hullmark.model.errors import ImageError, UsageError
from hullmark.model.image import Platform
from hullmark.model.printable import cleaned

if TYPE_CHECKING:
    import httpx2

_GUESS_S = 2.0
_EXPORT_PATIENCE = 10
_ID = re.compile(r"(?:sha256:)?[0-9a-f]{12,64}")


class Kind(Struct, frozen=True, kw_only=True):
    """One kind of daemon: its name for people and in reports, its variable, and where its socket usually is.

    `{runtime}` and `{home}` in a place are `XDG_RUNTIME_DIR` and `HOME`.
    """

    name: str
    source: str
    variable: str
    places: tuple[str, ...]

    def sockets(self) -> list[str]:
        """Give the sockets that exist: those of the variable where it is set, and no others."""
        host = os.environ.get(self.variable, "")
        if host:
            places = [host.removeprefix("unix://")] if host.startswith("unix://") else []
        else:
            runtime = os.environ.get("XDG_RUNTIME_DIR") or "/nonexistent"
            home = os.environ.get("HOME") or "/nonexistent"
            places = [place.format(runtime=runtime, home=home) for place in self.places]
        found = []
        for place in places:
            with contextlib.suppress(OSError):
                if stat.S_ISSOCK(os.stat(place).st_mode):
                    found.append(place)
        return found


class _Inspected(Struct):
    """What `GET /images/NAME/json` says."""

    identifier: str = msgspec.field(default="", name="Id")
    tags: list[str] | None = msgspec.field(default=None, name="RepoTags")
    digests: list[str] | None = msgspec.field(default=None, name="RepoDigests")
    system: str = msgspec.field(default="", name="Os")
    architecture: str = msgspec.field(default="", name="Architecture")
    variant: str = msgspec.field(default="", name="Variant")


def _is_name(reference: str) -> bool:
    try:
        parse(reference)
    except UsageError:
        return bool(_ID.fullmatch(reference))
    return True


def guess(kind: Kind, reference: str) -> bool:
    """Tell whether such a daemon is there and has the image; it must say so within two seconds."""
    if not _is_name(reference):
        return False
    for path in kind.sockets():
        with (
            contextlib.suppress(ImageError),
            _Daemon(kind, path, reference, SourceOptions(silence_s=_GUESS_S)) as daemon,
        ):
            if daemon.inspected() is not None:
                return True
    return False


def open_daemon(kind: Kind, reference: str, options: SourceOptions) -> OpenedImage:
    """Open an image of such a daemon, streamed once."""
    if not _is_name(reference):
        raise UsageError("neither an image's name nor its id", where=reference)
    sockets = kind.sockets()
    if not sockets:
        host = os.environ.get(kind.variable, "")
        found = f"; {kind.variable} is {cleaned(host)}" if host else ""
        raise ImageError(
            f"no socket of {kind.name} is here{found}",
            where=reference,
            hint=f"set {kind.variable}=unix://SOCKET, or save the image and scan the archive",
        )
    problems: list[ImageError] = []
    for path in sockets:
        with contextlib.ExitStack() as stack:
            try:
                daemon = stack.enter_context(_Daemon(kind, path, reference, options))
                inspected = daemon.inspected()
            except ImageError as problem:
                problems.append(problem)
                continue
            if inspected is not None:
                return daemon.exported(inspected)
    if problems:
        raise problems[0]
    raise ImageError(f"{kind.name} has no such image at {' or '.join(sockets)}", where=reference)


class _Daemon:
    def __init__(self, kind: Kind, path: str, reference: str, options: SourceOptions) -> None:
        self.kind = kind
        self.path = path
        self.reference = reference
        self.options = options
        try:
            # Tried by hand first: the HTTP client would leave a socket open that nobody answers at.
            with socket.socket(socket.AF_UNIX) as trial:
                trial.settimeout(_GUESS_S)
                trial.connect(path)
        except OSError as problem:
            raise self._lost(problem.strerror or str(problem)) from problem
        self.client = socket_client(path, options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_problem: object) -> None:
        self.client.close()

    @contextlib.contextmanager
    def _got(self, deed: str, silence_s: float) -> Iterator["httpx2.Response"]:
        import httpx2

        url = f"http://daemon/images/{quote(self.reference, safe='/:@')}/{deed}"
        try:
            request = self.client.build_request("GET", url, timeout=httpx2.Timeout(silence_s))
            answer = self.client.send(request, stream=True)
        except httpx2.TransportError as problem:
            raise self._lost(_words(problem)) from problem
        with contextlib.closing(answer):
            yield answer

    def _lost(self, words: str) -> ImageError:
        hint = "it takes rights to use the socket" if "Permission denied" in words else ""
        return ImageError(
            f"{self.kind.name} at {self.path} cannot be used: {words}", where=self.reference, hint=hint
        )

    def inspected(self) -> _Inspected | None:
        """Ask whether the image is there."""
        with self._got("json", self.options.silence_s) as answer:
            if answer.status_code == 404:
                return None
            body = self._body(answer)
            if answer.status_code != 200:
                words = cleaned(body.decode("utf-8", "replace"))
                raise ImageError(
                    f"{self.kind.name} at {self.path} answers {answer.status_code}: {words}",
                    where=self.reference,
                )
        try:
            return msgspec.json.decode(body, type=_Inspected)
        except (msgspec.DecodeError, RecursionError) as problem:
            raise ImageError(
                f"{self.kind.name} at {self.path} answers what is no image: {cleaned(str(problem))}",
                where=self.reference,
            ) from problem

    def _body(self, answer: "httpx2.Response") -> bytes:
        import httpx2

        parts, left = [], self.options.limits.document_bytes
        try:
            for part in wire.received(answer, self.options):
                parts.append(part)
                left -= len(part)
                if left < 0:
                    raise ImageError(
                        f"{self.kind.name} at {self.path} answers too much", where=self.reference
                    )
        except httpx2.TransportError as problem:
            raise self._lost(_words(problem)) from problem
        return b"".join(parts)

    def exported(self, inspected: _Inspected) -> OpenedImage:
        """Read the image as it is streamed."""
        wanted = self.options.platform
        offered = Platform(inspected.system, inspected.architecture, inspected.variant)
        if wanted is not None and not _oci.fits(wanted, offered):
            raise ImageError(
                f"{self.kind.name} has it for {offered}, not for {wanted}",
                where=self.reference,
                hint="registry:NAME asks the registry",
            )
        # Docker gathers a whole image in a file before it sends the first byte.
        patient = msgspec.structs.replace(self.options, silence_s=self.options.silence_s * _EXPORT_PATIENCE)
        with self._got("get", patient.silence_s) as answer:
            if answer.status_code != 200:
                words = cleaned(self._body(answer).decode("utf-8", "replace"))
                raise ImageError(
                    f"{self.kind.name} at {self.path} cannot give it: {answer.status_code} {words}",
                    where=self.reference,
                )
            opened = _archive.open_stream(self.reference, self._chunks(answer, patient), "", self.options)
        tags = (*(inspected.tags or ()), *(inspected.digests or ()))
        opened.image = msgspec.structs.replace(opened.image, source=self.kind.source, tags=tags)
        return opened

    def _chunks(self, answer: "httpx2.Response", patient: SourceOptions) -> Iterator[bytes]:
        import httpx2

        try:
            yield from wire.received(answer, patient)
        except httpx2.TransportError as problem:
            raise OSError(self._lost(_words(problem)).what) from problem


def _words(problem: Exception) -> str:
    return "it is silent" if "Timeout" in type(problem).__name__ else cleaned(str(problem))


def source(kind: Kind, prefixes: tuple[str, ...], rank: int) -> Source:
    """Make the source of a kind of daemon."""
    return Source(
        name=prefixes[0],
        prefixes=prefixes,
        rank=rank,
        guess=functools.partial(guess, kind),
        open=functools.partial(open_daemon, kind),
        by_name=True,
    )
