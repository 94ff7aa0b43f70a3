"""How anything outside this machine is reached: proxies and trusted certificates.

Proxies: the variables `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, read as Go's `net/http` does, so
that a machine set up for Docker needs nothing else. Certificates: the system's, or those of `SSL_CERT_FILE` and
`SSL_CERT_DIR`; then `--cacert`; then Docker's and Podman's `certs.d/HOST[:PORT]` (`*.crt` are authorities,
`*.cert` with `*.key` identify the client). Used by the registry client and by the feeds alike.
"""

import contextlib
import functools
import ipaddress
import os
import ssl
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol
from urllib.parse import urlsplit

import hullmark
from hullmark.model.errors import UsageError
from hullmark.model.printable import cleaned

if TYPE_CHECKING:
    import httpx2

_PORTS = {"http": 80, "https": 443}


class Reach(Protocol):
    """What a user may say about reaching others; `hullmark.images.source.SourceOptions` says all of it."""

    @property
    def insecure(self) -> tuple[str, ...]:
        """Hosts (or `*`) that may be reached without TLS or with a certificate that does not verify."""
        ...

    @property
    def cacert(self) -> str:
        """A file of further trusted certificates."""
        ...

    @property
    def silence_s(self) -> float:
        """How long a silent peer is waited for."""
        ...


class UnreachableError(Exception):
    """A peer could not be talked to. `what` and `hint` are those of the `HullmarkError` that the caller raises.

    `refused_tls` tells that nothing was heard that sounds like TLS, so that plain HTTP may be worth a try, `silent` that
    nothing was heard for as long as a peer is waited for.
    """

    def __init__(self, what: str, hint: str = "", *, refused_tls: bool = False, silent: bool = False) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
        self.refused_tls = refused_tls
        self.silent = silent


class Origin(NamedTuple):
    """Scheme, host and port: who is talked to, and who may see what was said to that one."""

    scheme: str
    host: str
    port: int

    @property
    def address(self) -> str:
        """Give `host[:port]`, without the scheme's own port, IPv6 in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def origin_of(url: str) -> Origin:
    """Take scheme, host and port from a URL. Raises `UnreachableError` for what is no HTTP URL.

    The client's own parser does it: were there a second one, the two could be made to see different hosts.
    """
    import httpx2

    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as problem:
        raise UnreachableError(f"{cleaned(url)!r} is no URL") from problem
    host = parsed.raw_host.decode("ascii")
    if parsed.scheme not in _PORTS or not host or "%" in host:
        raise UnreachableError(f"{cleaned(url)!r} is no HTTP URL")
    port = parsed.port or _PORTS[parsed.scheme]
    if port > 65535:
        raise UnreachableError(f"{cleaned(url)!r} has an impossible port")
    return Origin(parsed.scheme, host, port)


def is_loopback(host: str) -> bool:
    """Tell whether a host name (without port) is this machine itself."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    return False


def is_insecure(origin: Origin, options: Reach) -> bool:
    """Tell whether the user accepts this host without verified TLS."""
    names = {"*", origin.host, origin.address, f"{origin.host}:{origin.port}"}
    return any(word in names for word in options.insecure)


# ── proxies ─────────────────────────────────────────────────────────────────────────────────────────────


def proxy_for(origin: Origin, environment: Mapping[str, str] = os.environ) -> str:
    """Give the URL of the proxy for an origin, or nothing where it is reached directly."""

    def variable(name: str) -> str:
        return environment.get(name.lower()) or environment.get(name) or ""

    proxy = variable(f"{origin.scheme.upper()}_PROXY")
    if origin.scheme == "http" and environment.get("REQUEST_METHOD"):
        proxy = environment.get("http_proxy", "")  # in a CGI process HTTP_PROXY is a header of the caller's
    proxy = proxy or variable("ALL_PROXY")
    if not proxy or is_loopback(origin.host) or _is_direct(origin, variable("NO_PROXY")):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_direct(origin: Origin, no_proxy: str) -> bool:
    host = origin.host.lower().rstrip(".")
    address: ipaddress.IPv4Address | ipaddress.IPv6Address | None = None
    with contextlib.suppress(ValueError):
        address = ipaddress.ip_address(host)
    for word in no_proxy.replace(",", " ").lower().split():
        if word == "*":
            return True
        name, port = _split_port(word)
        if port and port != str(origin.port):
            continue
        if address is not None:
            with contextlib.suppress(ValueError):
                if address in ipaddress.ip_network(name.strip("[]"), strict=False):
                    return True
        elif name.startswith((".", "*.")):
            if host.endswith(name.removeprefix("*")):
                return True
        elif host == name.rstrip(".") or host.endswith(f".{name}"):
            return True
    return False


def _split_port(word: str) -> tuple[str, str]:
    name, colon, port = word.rpartition(":")
    is_port = colon and port.isdigit() and (name.endswith("]") or ":" not in name)
    return (name, port) if is_port else (word, "")


# ── certificates ────────────────────────────────────────────────────────────────────────────────────────


def certificate_folders(origin: Origin, environment: Mapping[str, str] = os.environ) -> Iterator[Path]:
    """Give the existing `certs.d` folders for a host, the user's own before the machine's."""
    home = environment.get("HOME", "")
    settings = environment.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else "")
    roots = [f"{settings}/containers", f"{settings}/docker"] if settings else []
    names = {origin.address, f"{origin.host}:{origin.port}"}
    for root in (*roots, "/etc/containers", "/etc/docker"):
        for name in sorted(names):
            folder = Path(root, "certs.d", name)
            if os.path.isdir(folder):  # noqa: PTH112  # Path.is_dir() raises where a parent is closed to us
                yield folder


Trusting = Callable[[], ssl.SSLContext]


def tls_context(origin: Origin, options: Reach, common: Trusting | None = None) -> ssl.SSLContext:
    """Make the TLS settings for one host. Raises `UsageError` for a certificate file that cannot be used.

    `common` gives what hosts without settings of their own may share: loading the system's authorities takes 20 ms.
    """
    import httpx2

    if origin.scheme == "http":
        return ssl.SSLContext(
            ssl.PROTOCOL_TLS_CLIENT
        )  # never used: loading certificates would only cost time
    folders = list(certificate_folders(origin))
    if is_insecure(origin, options):
        context = httpx2.create_ssl_context(verify=False)
    elif common is not None and not folders:
        return common()
    else:
        context = trusting(options)
    for folder in folders:
        _use(folder, functools.partial(_load_folder, context, folder))
    return context


def _load_folder(context: ssl.SSLContext, folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        if path.suffix == ".crt":
            _use(path, functools.partial(context.load_verify_locations, cafile=path))
        elif path.suffix == ".cert":
            _use(path, functools.partial(context.load_cert_chain, path, path.with_suffix(".key")))


def trusting(options: Reach) -> ssl.SSLContext:
    """Make the TLS settings of hosts that have none of their own."""
    import httpx2

    file, folder = os.environ.get("SSL_CERT_FILE", ""), os.environ.get("SSL_CERT_DIR", "")
    if file or folder:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if file:
            _use(Path(file), lambda: context.load_verify_locations(cafile=file))
        if folder:
            _use(Path(folder), lambda: context.load_verify_locations(capath=folder))
    else:
        context = httpx2.create_ssl_context(trust_env=False)
    if options.cacert:
        _use(Path(options.cacert), lambda: context.load_verify_locations(cafile=options.cacert))
    return context


def _use(path: Path, load: Callable[[], None]) -> None:
    try:
        load()
    except (OSError, ValueError) as problem:  # an SSLError is an OSError
        reason = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
        raise UsageError(f"its certificates cannot be used: {reason}", where=str(path)) from problem


# ── clients ─────────────────────────────────────────────────────────────────────────────────────────────


def _settings(options: Reach) -> dict[str, object]:
    import httpx2

    return {
        "trust_env": False,  # what of the environment counts is read here; a .netrc is not
        "follow_redirects": False,
        "timeout": httpx2.Timeout(options.silence_s, pool=None),
        "limits": httpx2.Limits(keepalive_expiry=30.0),
        "headers": {"User-Agent": f"hullmark/{hullmark.__version__}", "Accept-Encoding": "identity"},
    }


def client(url: str, options: Reach, common: Trusting | None = None) -> "httpx2.Client":
    """Make a client for the host of a URL, with its proxy and its certificates (`common`: see `tls_context`)."""
    import httpx2

    origin = origin_of(url)
    context = tls_context(origin, options, common)
    address = proxy_for(origin)
    proxy = None
    if address:
        try:
            parts = urlsplit(address)
            kind = parts.scheme
            if kind in _PORTS:
                trust = None if kind == "http" else trusting(options)
                proxy = httpx2.Proxy(address, ssl_context=trust)
        except (ValueError, httpx2.InvalidURL) as problem:
            raise UsageError(
                "the proxy's URL cannot be read", hint="see HTTPS_PROXY, HTTP_PROXY"
            ) from problem
        if proxy is None:
            raise UsageError(f"a proxy of kind {kind!r} cannot be used", hint="http and https proxies can")
    return httpx2.Client(verify=context, proxy=proxy, **_settings(options))  # type: ignore[arg-type]


def socket_client(path: str, options: Reach) -> "httpx2.Client":
    """Make a client that speaks HTTP over a unix socket."""
    import httpx2

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    transport = httpx2.HTTPTransport(uds=path, verify=context)
    return httpx2.Client(transport=transport, verify=context, **_settings(options))  # type: ignore[arg-type]
