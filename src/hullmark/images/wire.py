"""Requests over a network that fails: waiting when asked to, trying again, redirects, words for people.

Used by the registry client and by the feeds alike. HTTP semantics are those of RFC 9110.
"""

import contextlib
import email.utils
import functools
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hullmark.images.transport import (
    Origin,
    Reach,
    UnreachableError,
    client,
    is_insecure,
    origin_of,
    proxy_for,
    trusting,
)
from hullmark.model.printable import cleaned

if TYPE_CHECKING:
    import httpx2

TRIES = 4
MAX_WAIT_S = 300.0
MAX_REDIRECTS = 10
MAX_WAITS = 20
FIRST_CONTACT_S = 5.0
_FLOW_BYTES = 16 * 1024
_BUSY = frozenset((429, 500, 502, 503, 504))
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_REPEATABLE = frozenset(("GET", "HEAD"))

pause = time.sleep
clock = time.monotonic


class Wire:
    """Sends requests to any number of hosts, with one client each; safe to use from several threads and forked children.

    Follows redirects by hand, so that each hop has its own host's certificates and proxy and no secret crosses
    to another origin. Waits when it is asked to, tries again what may pass, and gives up in bounded time.
    """

    def __init__(self, options: Reach) -> None:
        self.options = options
        self._clients: dict[tuple[int, Origin], httpx2.Client] = {}
        self._common = functools.cache(functools.partial(trusting, options))
        self._lock = threading.Lock()

    def client(self, origin: Origin) -> "httpx2.Client":
        """Give the client for an origin; a forked child has its own, since two cannot speak over one connection."""
        key = (os.getpid(), origin)
        with self._lock:
            found = self._clients.get(key)
            if found is None:
                found = client(f"{origin.scheme}://{origin.address}", self.options, self._common)
                self._clients[key] = found
        return found

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            clients, self._clients = self._clients, {}
        for each in clients.values():
            each.close()

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        private: Mapping[str, str] | None = None,
        content: bytes | None = None,
        tries: int = TRIES,
        connect_s: float | None = None,
    ) -> "httpx2.Response":
        """Send a request and give the answer, its body not read yet: the caller closes it.

        `private` are headers for the first origin alone. Raises `UnreachableError`.
        """
        import httpx2

        first = origin_of(url)
        for _hop in range(MAX_REDIRECTS + 1):
            origin = origin_of(url)
            shown = {**(headers or {}), **(private or {})} if origin == first else dict(headers or {})
            request = functools.partial(self._request, method, url, origin, shown, content, connect_s)
            response = self._patiently(request, method, origin, tries)
            if response.status_code not in _REDIRECTS or method not in _REPEATABLE:
                return response
            response.close()
            try:
                target = str(httpx2.URL(url).join(response.headers.get("location", "")))
            except httpx2.InvalidURL as problem:
                raise UnreachableError(f"{origin.address} redirects to what is no URL") from problem
            following = origin_of(target)
            if (origin.scheme, following.scheme) == ("https", "http") and not is_insecure(
                following, self.options
            ):
                raise UnreachableError(f"{origin.address} redirects to plain HTTP at {following.address}")
            url = target
        raise UnreachableError(f"{first.address} redirects more than {MAX_REDIRECTS} times")

    @contextlib.contextmanager
    def asked_once(self, method: str, url: str, within_s: float) -> Iterator["httpx2.Response | None"]:
        """Give the first answer to a request, whatever it is, and nothing where none comes so soon."""
        import httpx2

        answer = None
        with contextlib.suppress(httpx2.TransportError):
            answer = self._request(method, url, origin_of(url), {}, None, within_s, within_s)
            if method == "HEAD":
                answer.read()  # nothing, but the connection can be used again
        try:
            yield answer
        finally:
            if answer is not None:
                answer.close()

    def _request(
        self,
        method: str,
        url: str,
        origin: Origin,
        headers: dict[str, str],
        content: bytes | None,
        connect_s: float | None,
        silence_s: float | None = None,
    ) -> "httpx2.Response":
        import httpx2

        talker = self.client(origin)
        silence = min(self.options.silence_s, silence_s or self.options.silence_s)
        timeout = httpx2.Timeout(silence, connect=min(silence, connect_s or silence), pool=None)
        request = talker.build_request(method, url, headers=headers, content=content, timeout=timeout)
        return talker.send(request, stream=True)

    def _patiently(
        self, request: Callable[[], "httpx2.Response"], method: str, origin: Origin, tries: int
    ) -> "httpx2.Response":
        import httpx2

        waited, asked, failed = 0.0, 0, 0
        while True:
            try:
                response = request()
            except (httpx2.TransportError, httpx2.InvalidURL) as problem:
                failed += 1
                if failed >= tries or not _may_pass(problem, method):
                    raise explained(problem, origin, self.options) from problem
                pause(backoff_s(failed))
                continue
            if response.status_code not in _BUSY:
                return response
            wait = retry_after_s(response.headers)
            if wait is None:
                failed += 1
                if failed >= tries or method not in _REPEATABLE:
                    return response
                wait = backoff_s(failed)
            elif response.status_code in {429, 503}:
                asked += 1
                if waited + wait > MAX_WAIT_S or asked > MAX_WAITS:
                    response.close()
                    raise UnreachableError(
                        f"{origin.address} answers {response.status_code}", f"try again in {wait:.0f} s"
                    )
            else:
                return response
            response.close()
            waited += wait
            pause(wait)


def received(answer: "httpx2.Response", options: Reach) -> Iterator[bytes]:
    """Give an answer's bytes as they arrive, nothing decoded. A trickle for too long counts as silence.

    Only the time spent waiting for the peer counts, not what the reader does with the bytes.
    """
    import httpx2

    waited, size = 0.0, 0
    parts = answer.iter_raw()
    while True:
        asked = clock()
        part = next(parts, None)
        if part is None:
            return
        waited += clock() - asked
        size += len(part)
        if size >= _FLOW_BYTES:
            waited, size = 0.0, 0
        elif waited > options.silence_s:
            raise httpx2.ReadTimeout("too little for too long", request=answer.request)
        yield part


def starts_at(answer: "httpx2.Response", offset: int) -> bool:
    """Tell whether a partial answer begins where it was asked to (RFC 9110, 14.4)."""
    given = answer.headers.get("content-range", "").removeprefix("bytes").strip()
    return bool(given.partition("-")[0] == str(offset))


def backoff_s(failed: int) -> float:
    """Give how long to wait after so many failures in a row."""
    return min(0.5 * 2.0 ** (failed - 1), 8.0)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Read `Retry-After` (RFC 9110, 10.2.3): seconds, or a date, which is set against the peer's own clock."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text[:9]), 10**8))
    try:
        until = email.utils.parsedate_to_datetime(text).timestamp()
        now = email.utils.parsedate_to_datetime(headers.get("date", "")).timestamp()
    except (ValueError, OverflowError):
        return None
    return max(0.0, until - now)


# ── errors for people ───────────────────────────────────────────────────────────────────────────────────


def _causes(problem: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = problem
    for _step in range(10):
        if seen is None:
            return
        yield seen
        seen = seen.__cause__ or seen.__context__


def _may_pass(problem: Exception, method: str) -> bool:
    """Tell whether the same request may succeed in a moment: a dropped connection may, a bad certificate not."""
    import httpx2

    if isinstance(problem, httpx2.TimeoutException | httpx2.ProxyError | httpx2.InvalidURL):
        return False
    for cause in _causes(problem):
        if isinstance(cause, ssl.SSLError):
            return False
        if isinstance(cause, socket.gaierror):
            return cause.errno == socket.EAI_AGAIN
    return isinstance(problem, httpx2.ConnectError) or (
        method in _REPEATABLE and isinstance(problem, httpx2.NetworkError | httpx2.RemoteProtocolError)
    )


def explained(problem: Exception, origin: Origin, options: Reach) -> UnreachableError:
    """Say what went wrong between this machine and a host, and what can be done about it."""
    import httpx2

    name, via = origin.address, ""
    with contextlib.suppress(ValueError):
        parts = urlsplit(proxy_for(origin))
        via = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname or ""
    hint = f"through the proxy {via}; see HTTPS_PROXY and NO_PROXY" if via else ""
    if isinstance(problem, httpx2.ConnectTimeout):
        return UnreachableError(f"{name} cannot be reached: no answer", hint, refused_tls=True, silent=True)
    if isinstance(problem, httpx2.TimeoutException):
        return UnreachableError(f"{name} has been silent for {options.silence_s:g} s", hint, silent=True)
    if isinstance(problem, httpx2.ProxyError):
        return UnreachableError(
            f"the proxy {via} answers {cleaned(str(problem))}", "see HTTPS_PROXY and NO_PROXY"
        )
    found = (_caused(cause, name, via, hint) for cause in _causes(problem))
    told = next((each for each in found if each is not None), None)
    if told is None:
        what = f"the connection to {name} broke: {cleaned(str(problem)) or type(problem).__name__}"
        told = UnreachableError(what, hint)
    if isinstance(problem, httpx2.ConnectError) and not isinstance(told, _DistrustedError):
        told.refused_tls = True
    return told


_OTHER_NAME = "use a name that its certificate has; a proxy that answers in its place has its own"
_OTHER_TIME = (
    "see whether this machine's clock is right; if it is, whoever runs that host must renew the certificate"
)
_OTHER_FAULTS = {9: _OTHER_TIME, 10: _OTHER_TIME, 62: _OTHER_NAME, 64: _OTHER_NAME}
"""What to do where no trusted authority helps, by OpenSSL's number (`X509_V_ERR_…` in its x509_vfy.h)."""


class _DistrustedError(UnreachableError):
    """The peer speaks TLS, but nobody vouches for it: no reason to try without."""


def _caused(cause: BaseException, name: str, via: str, hint: str) -> UnreachableError | None:
    if isinstance(cause, ssl.SSLCertVerificationError):
        trust = f"trust its authority with --cacert FILE, SSL_CERT_FILE or /etc/docker/certs.d/{name}/ca.crt"
        trust = _OTHER_FAULTS.get(cause.verify_code, trust)
        return _DistrustedError(
            f"the certificate of {name} is not trusted: {cleaned(cause.verify_message)}",
            f"{trust}; {hint}" if hint else trust,
        )
    if isinstance(cause, ssl.SSLError):
        reason = cleaned(cause.reason or str(cause)).lower().replace("_", " ")
        advice = "a registry that speaks plain HTTP must be named as insecure"
        if "certificate" in reason or "handshake failure" in reason:
            advice = f"it wants a certificate of this client: client.cert and client.key in /etc/docker/certs.d/{name}"
        return UnreachableError(f"no TLS connection to {name}: {reason}", hint or advice)
    if isinstance(cause, socket.gaierror):
        return UnreachableError(f"the name of {via or name} cannot be resolved: {cause.strerror}", hint)
    if isinstance(cause, OSError) and cause.strerror:
        return UnreachableError(f"{name} cannot be reached: {cause.strerror}", hint)
    return None
