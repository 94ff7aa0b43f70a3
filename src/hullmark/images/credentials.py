"""Who to be at a registry: Docker's `config.json`, Podman's `auth.json`, and credential helpers.

Formats: docker/cli, "Credential stores" and "Credential helpers" (the helper protocol: `docker-credential-NAME
get`, the server on standard input, JSON on standard output), and containers-auth.json(5). Nothing here is asked
before a registry demands to know, and no secret is ever part of a message.
"""

import base64
import binascii
import contextlib
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from hullmark.images.reference import DOCKER_HUB, HUB_NAMES
from hullmark.model.errors import ImageError
from hullmark.model.printable import cleaned

HELPER_TIMEOUT_S = 30.0
MAX_ANSWER_BYTES = 64 * 1024
MAX_FILE_BYTES = 8 * 1024 * 1024
_HUB_SERVER = "https://index.docker.io/v1/"
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")
_NOT_FOUND = "credentials not found"


class Credentials(Struct, frozen=True, kw_only=True):
    """What proves who one is. `origin` says where it was found, for messages; `username` may be empty with a token."""

    username: str = ""
    password: str = ""
    identity_token: str = ""
    registry_token: str = ""
    origin: str = ""

    def __repr__(self) -> str:
        """Leave the secrets out."""
        return f"Credentials(username={self.username!r}, origin={self.origin!r})"


class Search(Struct, frozen=True, kw_only=True):
    """What a search came to: the credentials, or None, and the files that were looked into."""

    found: Credentials | None = None
    looked: tuple[str, ...] = ()


class _Auth(Struct, rename="lower"):
    """An entry of `auths`."""

    auth: str = ""
    username: str = ""
    password: str = ""
    identity_token: str = msgspec.field(default="", name="identitytoken")
    registry_token: str = msgspec.field(default="", name="registrytoken")


class _Config(Struct):
    auths: dict[str, Any] = {}
    creds_store: str = msgspec.field(default="", name="credsStore")
    cred_helpers: dict[str, str] = msgspec.field(default_factory=dict, name="credHelpers")


class _Answer(Struct):
    """What a helper prints."""

    username: str = msgspec.field(default="", name="Username")
    secret: str = msgspec.field(default="", name="Secret")


def files(environment: Mapping[str, str] = os.environ) -> list[Path]:
    """Give the files that may hold credentials, the most explicit first."""
    found = []
    if named := environment.get("REGISTRY_AUTH_FILE"):
        found.append(Path(named))
    home = environment.get("HOME", "")
    if folder := environment.get("DOCKER_CONFIG"):
        found.append(Path(folder, "config.json"))
    elif home:
        found.append(Path(home, ".docker", "config.json"))
    if folder := environment.get("XDG_RUNTIME_DIR"):
        found.append(Path(folder, "containers", "auth.json"))
    if folder := environment.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else ""):
        found.append(Path(folder, "containers", "auth.json"))
    return found


def find(host: str, repository: str, environment: Mapping[str, str] = os.environ) -> Search:
    """Look for the credentials for a repository of a registry, `host` as people write it (`docker.io`).

    Raises `ImageError` for a file that cannot be read and a helper that is missing or fails.
    """
    looked = []
    for path in files(environment):
        looked.append(_shown(path, environment))
        config = _load(path)
        if config is not None and (found := _in_file(config, path, host, repository, environment)):
            return Search(found=found, looked=tuple(looked))
    return Search(looked=tuple(looked))


def _shown(path: Path, environment: Mapping[str, str]) -> str:
    home = environment.get("HOME", "")
    return f"~{str(path)[len(home) :]}" if home and str(path).startswith(f"{home}/") else str(path)


def _load(path: Path) -> _Config | None:
    try:
        with path.open("rb") as stream:
            body = stream.read(MAX_FILE_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as problem:
        raise ImageError(f"cannot be read: {problem.strerror}", where=str(path)) from problem
    if len(body) > MAX_FILE_BYTES:
        raise ImageError(f"larger than {MAX_FILE_BYTES} bytes", where=str(path))
    if not body.strip():
        return None
    try:
        return msgspec.json.decode(body, type=_Config)
    except (msgspec.DecodeError, RecursionError) as problem:
        reason = cleaned(str(problem))
        raise ImageError(f"not a Docker configuration: {reason}", where=str(path)) from problem


def _in_file(
    config: _Config, path: Path, host: str, repository: str, environment: Mapping[str, str]
) -> Credentials | None:
    origin = _shown(path, environment)
    for server, helper in config.cred_helpers.items():
        if _is_host(server, host) and (found := _ask(helper, server, origin, environment)):
            return found
    if config.creds_store:
        server = _HUB_SERVER if host == DOCKER_HUB else host
        if found := _ask(config.creds_store, server, origin, environment):
            return found
    for key in _keys(host, repository):
        for server, entry in config.auths.items():
            if _plain(server) == key and (found := _of_entry(entry, server, origin)):
                return found
    return None


def _plain(server: str) -> str:
    """Reduce a key of `auths` (`https://host/v1/`, `host`, `host/namespace`) to host and path."""
    plain = server.removeprefix("https://").removeprefix("http://").rstrip("/")
    for version in ("/v1", "/v2"):
        plain = plain.removesuffix(version)
    return plain


def _is_host(server: str, host: str) -> bool:
    plain = _plain(server)
    return plain == host or (host == DOCKER_HUB and plain in HUB_NAMES)


def _keys(host: str, repository: str) -> Iterator[str]:
    """Give what an entry may be called, the most specific first (containers-auth.json(5))."""
    names = (host, *sorted(HUB_NAMES - {host})) if host == DOCKER_HUB else (host,)
    parts = repository.split("/")
    for count in range(len(parts), -1, -1):
        for name in names:
            yield "/".join((name, *parts[:count]))


def _of_entry(entry: Any, server: str, origin: str) -> Credentials | None:
    try:
        auth = msgspec.convert(entry, _Auth)
    except msgspec.ValidationError as problem:
        raise ImageError(f"its entry for {cleaned(server)!r} cannot be used", where=origin) from problem
    username, password = auth.username, auth.password
    if auth.auth:
        try:
            plain = base64.b64decode(auth.auth + "==", validate=False).decode()
        except (binascii.Error, ValueError) as problem:
            raise ImageError(
                f"its entry for {cleaned(server)!r} is not base64", where=origin, hint="log in again"
            ) from problem
        username, _, password = plain.partition(":")
        password = password.rstrip("\0")
    if not (username or password or auth.identity_token or auth.registry_token):
        return None  # an empty entry says that a store has the secret
    return Credentials(
        username=username,
        password=password,
        identity_token=auth.identity_token,
        registry_token=auth.registry_token,
        origin=origin,
    )


# ── helpers ─────────────────────────────────────────────────────────────────────────────────────────────


def _ask(name: str, server: str, origin: str, environment: Mapping[str, str]) -> Credentials | None:
    """Ask a credential helper; None when it knows nothing of the server."""
    if not _HELPER.fullmatch(name):
        raise ImageError(f"{cleaned(name)!r} is no credential helper's name", where=origin)
    program = f"docker-credential-{name}"
    path = shutil.which(program, path=environment.get("PATH"))
    if path is None:
        raise ImageError(
            f"the credential helper {program} is not installed",
            where=origin,
            hint=f"install it, or remove it from {origin}",
        )
    status, answer = _run(path, server, program, environment)
    if status != 0:
        words = cleaned(answer.decode("utf-8", "replace"))
        if _NOT_FOUND in words.lower():
            return None
        raise ImageError(f"{program} failed for {server}: {words or f'exit code {status}'}", where=origin)
    try:
        found = msgspec.json.decode(answer, type=_Answer)
    except msgspec.DecodeError as problem:
        raise ImageError(f"{program} answers what is no JSON of credentials", where=origin) from problem
    shown = f"{program} ({origin})"
    if found.username == "<token>":
        return Credentials(identity_token=found.secret, origin=shown)
    if not found.username and not found.secret:
        return None
    return Credentials(username=found.username, password=found.secret, origin=shown)


def _run(path: str, server: str, program: str, environment: Mapping[str, str]) -> tuple[int, bytes]:
    """Run a helper with bounded time and a bounded answer."""
    try:
        process = subprocess.Popen(  # noqa: S603  # the user's own configuration names the helper
            [path, "get"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(environment),
            start_new_session=True,
        )
    except OSError as problem:
        raise ImageError(f"{program} cannot be run: {problem.strerror}", where=server) from problem
    overdue = threading.Event()

    def stop() -> None:
        overdue.set()
        _kill(process)

    timer = threading.Timer(HELPER_TIMEOUT_S, stop)
    timer.start()
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(server.encode())
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            answer = process.stdout.read(MAX_ANSWER_BYTES + 1)
            if len(answer) > MAX_ANSWER_BYTES:
                _kill(process)
            status = process.wait()
        except BaseException:  # leaving the `with` block waits for the process
            _kill(process)
            raise
        finally:
            timer.cancel()
            timer.join()
    if len(answer) > MAX_ANSWER_BYTES:
        raise ImageError(f"{program} answers more than {MAX_ANSWER_BYTES} bytes", where=server)
    if overdue.is_set():
        raise ImageError(f"{program} did not answer within {HELPER_TIMEOUT_S:g} s", where=server)
    return status, answer


def _kill(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
