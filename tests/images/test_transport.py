"""Proxies, trusted certificates and words about what went wrong."""

import contextlib
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from hullmark.images import transport
from hullmark.images.source import SourceOptions
from hullmark.images.transport import Origin, UnreachableError, client, origin_of, proxy_for
from hullmark.images.wire import Wire
from hullmark.model.errors import UsageError
from images.fakes import Answer, Authority, Server

P = "http://proxy:3128"


@pytest.mark.parametrize(
    ("url", "environment", "proxy"),
    [
        ("https://host.de", {}, ""),
        ("https://host.de", {"HTTPS_PROXY": P}, P),
        ("https://host.de", {"https_proxy": P, "HTTPS_PROXY": "http://other"}, P),
        ("https://host.de", {"HTTPS_PROXY": "proxy:3128"}, P),
        ("https://host.de", {"HTTP_PROXY": P}, ""),
        ("http://host.de", {"HTTP_PROXY": P}, P),
        ("http://host.de", {"HTTP_PROXY": P, "REQUEST_METHOD": "GET"}, ""),
        ("https://host.de", {"ALL_PROXY": P}, P),
        ("https://localhost:5000", {"HTTPS_PROXY": P}, ""),
        ("https://127.0.0.9", {"HTTPS_PROXY": P}, ""),
        ("https://[::1]", {"HTTPS_PROXY": P}, ""),
        ("https://host.de", {"HTTPS_PROXY": P, "NO_PROXY": "*"}, ""),
        ("https://host.de", {"HTTPS_PROXY": P, "NO_PROXY": "a.de, HOST.de"}, ""),
        ("https://host.de", {"HTTPS_PROXY": P, "no_proxy": "a.de host.de"}, ""),
        ("https://x.host.de", {"HTTPS_PROXY": P, "NO_PROXY": "host.de"}, ""),
        ("https://x.host.de", {"HTTPS_PROXY": P, "NO_PROXY": ".host.de"}, ""),
        ("https://x.host.de", {"HTTPS_PROXY": P, "NO_PROXY": "*.host.de"}, ""),
        ("https://host.de", {"HTTPS_PROXY": P, "NO_PROXY": ".host.de"}, P),
        ("https://xhost.de", {"HTTPS_PROXY": P, "NO_PROXY": "host.de"}, P),
        ("https://host.de:5000", {"HTTPS_PROXY": P, "NO_PROXY": "host.de:5000"}, ""),
        ("https://host.de", {"HTTPS_PROXY": P, "NO_PROXY": "host.de:443"}, ""),
        ("https://host.de", {"HTTPS_PROXY": P, "NO_PROXY": "host.de:5000"}, P),
        ("https://10.1.2.3", {"HTTPS_PROXY": P, "NO_PROXY": "10.0.0.0/8"}, ""),
        ("https://11.1.2.3", {"HTTPS_PROXY": P, "NO_PROXY": "10.0.0.0/8,nonsense/8,10.0.0.0/99"}, P),
        ("https://10.1.2.3:80", {"HTTPS_PROXY": P, "NO_PROXY": "10.1.2.3:80"}, ""),
        ("https://[fd00::5]", {"HTTPS_PROXY": P, "NO_PROXY": "fd00::/8"}, ""),
        ("https://[fd00::5]:80", {"HTTPS_PROXY": P, "NO_PROXY": "[fd00::5]:80"}, ""),
        ("https://[fd00::5]", {"HTTPS_PROXY": P, "NO_PROXY": "[fd00::5]:80"}, P),
    ],
)
def test_which_proxy(url: str, environment: dict[str, str], proxy: str) -> None:
    assert proxy_for(origin_of(url), environment) == proxy


@pytest.mark.parametrize(
    "url", ["", "host", "ftp://host/", "http://", "http://a:99999/", "http://[", "http://a b/"]
)
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(UnreachableError):
        origin_of(url)


def test_origins() -> None:
    assert origin_of("https://u:p@Host.de/x") == ("https", "host.de", 443)
    assert origin_of("http://[::1]:5000").address == "[::1]:5000"
    assert origin_of("http://good\\@evil/").host == "evil"
    assert Origin("https", "host.de", 443).address == "host.de"
    assert Origin("http", "host.de", 443).address == "host.de:443"


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("socks5://proxy:1", "of kind 'socks5'"),
        ("http://user:secret@[", "cannot be read"),
        ("http://me:secret@a:b/", "cannot be read"),
    ],
)
def test_proxies_that_cannot_be_used(
    home: Path, monkeypatch: pytest.MonkeyPatch, address: str, words: str
) -> None:
    del home
    monkeypatch.setenv("HTTPS_PROXY", address)
    with pytest.raises(UsageError, match=words) as caught:
        client("https://host.de", SourceOptions())
    assert "secret" not in str(caught.value)


def test_a_proxy_gets_what_its_url_says(
    home: Path, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    del home
    with Server(lambda asked: Answer(200, asked.path.encode())) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://me:p%40ss@{proxy.host}")
        wire = Wire(SourceOptions())
        answer = wire.send("GET", "http://host.de/x", private={"Authorization": "Basic mine"})
        assert answer.read() == b"/x"
        assert proxy.asked[0].headers["host"] == "host.de"
        assert proxy.asked[0].headers["proxy-authorization"] == "Basic bWU6cEBzcw=="
        wire.close()
        refusing = Wire(SourceOptions())
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:secret@{proxy.host}")
        with pytest.raises(UnreachableError, match=rf"the proxy {proxy.host} answers 501") as caught:
            refusing.send("GET", "https://host.de/x")
        assert "secret" not in f"{caught.value.what} {caught.value.hint}"
        refusing.close()
    assert pauses == []


def test_a_proxy_that_is_not_there(home: Path, monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> None:
    del home
    gone = Server(lambda _asked: Answer())
    gone.close()
    monkeypatch.setenv("HTTPS_PROXY", f"http://{gone.host}")
    wire = Wire(SourceOptions())
    with pytest.raises(UnreachableError, match=r"host\.de cannot be reached") as caught:
        wire.send("GET", "https://host.de/x")
    assert caught.value.hint == f"through the proxy {gone.host}; see HTTPS_PROXY and NO_PROXY"
    assert len(pauses) == 3
    wire.close()


# ── certificates


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    return Authority(tmp_path_factory.mktemp("authority"))


class Secure(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_words: object) -> None:
        pass


class SecureServer(HTTPServer):
    def __init__(self, authority: Authority, *, clients: bool) -> None:
        super().__init__(("127.0.0.1", 0), Secure)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.folder / "server.crt", authority.folder / "server.key")
        if clients:
            context.load_verify_locations(authority.ca)
            context.verify_mode = ssl.CERT_REQUIRED
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server_address[1]}/"

    def handle_error(self, *_words: object) -> None:
        pass


@contextlib.contextmanager
def serving(server: SecureServer) -> Iterator[SecureServer]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def secure(authority: Authority, request: pytest.FixtureRequest) -> Iterator[SecureServer]:
    with serving(SecureServer(authority, clients=getattr(request, "param", False))) as server:
        yield server


def got(url: str, **options: object) -> bytes:
    wire = Wire(SourceOptions(**options))  # type: ignore[arg-type]
    try:
        answer = wire.send("GET", url, tries=1)
        return answer.read()
    finally:
        wire.close()


def test_an_unknown_authority_is_explained(home: Path, secure: SecureServer) -> None:
    del home
    with pytest.raises(UnreachableError, match="is not trusted: unable to get local issuer") as caught:
        got(secure.url)
    host = secure.url[8:-1]
    assert caught.value.hint == (
        f"trust its authority with --cacert FILE, SSL_CERT_FILE or /etc/docker/certs.d/{host}/ca.crt"
    )
    assert not caught.value.refused_tls, "never a reason to go without TLS"


@pytest.mark.parametrize(
    ("extension", "days", "what", "hint"),
    [
        ("subjectAltName=IP:127.0.0.2", 30, "IP address mismatch", "use a name that its certificate has"),
        ("subjectAltName=DNS:other.test", 30, "IP address mismatch", "use a name that its certificate has"),
        ("subjectAltName=IP:127.0.0.1", -1, "has expired", "see whether this machine's clock"),
    ],
    ids=["address", "name", "expired"],
)
def test_a_certificate_that_no_authority_mends(
    home: Path, tmp_path: Path, extension: str, days: int, what: str, hint: str
) -> None:
    del home
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    authority = Authority(tmp_path)
    authority.issue("server", extension, days=days)
    with serving(SecureServer(authority, clients=False)) as server:
        with pytest.raises(UnreachableError, match=what) as caught:
            got(server.url, cacert=str(authority.ca))
        assert caught.value.hint.startswith(hint)
        assert "--cacert" not in caught.value.hint
        assert not caught.value.refused_tls, "never a reason to go without TLS"


def test_ways_to_trust_an_authority(
    home: Path, secure: SecureServer, authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert got(secure.url, cacert=str(authority.ca)) == b"ok"
    assert got(secure.url, insecure=("127.0.0.1",)) == b"ok"
    with monkeypatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(authority.ca))
        assert got(secure.url) == b"ok"
    with monkeypatch.context() as patch:
        subprocess.run(["openssl", "rehash", str(authority.folder)], check=True, capture_output=True)
        patch.setenv("SSL_CERT_DIR", str(authority.folder))
        assert got(secure.url) == b"ok"
        empty = tmp_path / "empty"
        empty.mkdir()
        patch.setenv("SSL_CERT_DIR", str(empty))
        assert got(secure.url, cacert=str(authority.ca)) == b"ok", "--cacert adds to what there is"
    folder = home / ".config/containers/certs.d" / secure.url[8:-1]
    folder.mkdir(parents=True)
    (folder / "any.crt").write_bytes(authority.ca.read_bytes())
    assert got(secure.url) == b"ok"


@pytest.mark.parametrize("secure", [True], indirect=True)
def test_a_client_certificate_of_certs_d(home: Path, secure: SecureServer, authority: Authority) -> None:
    with pytest.raises(UnreachableError) as refused:
        got(secure.url, cacert=str(authority.ca))
    assert "certificate" in refused.value.what
    assert "client.cert and client.key in /etc/docker/certs.d/" in refused.value.hint
    folder = home / ".config/docker/certs.d" / secure.url[8:-1]
    folder.mkdir(parents=True)
    for name, source in (("ca.crt", "ca.crt"), ("client.cert", "client.crt"), ("client.key", "client.key")):
        (folder / name).write_bytes((authority.folder / source).read_bytes())
    assert got(secure.url) == b"ok"
    (folder / "client.key").unlink()
    with pytest.raises(UsageError, match=r"client\.cert: its certificates cannot be used"):
        got(secure.url)


@pytest.mark.parametrize("body", [None, b"nonsense", b""])
def test_certificates_that_cannot_be_used(home: Path, body: bytes | None) -> None:
    path = home / "extra.pem"
    if body is not None:
        path.write_bytes(body)
    with pytest.raises(UsageError, match=r"extra\.pem: its certificates cannot be used"):
        client("https://host.de", SourceOptions(cacert=str(path)))


def test_hosts_share_what_they_may(home: Path, monkeypatch: pytest.MonkeyPatch, authority: Authority) -> None:
    made: list[str] = []

    def context(url: str, options: SourceOptions) -> ssl.SSLContext:
        wire = Wire(options)
        found = [
            transport.tls_context(origin_of(name), options, wire._common) for name in (url, "https://b.de")
        ]
        made.append("same" if found[0] is found[1] else "own")
        return found[0]

    context("https://a.de", SourceOptions())
    context("https://a.de", SourceOptions(insecure=("a.de",)))
    folder = home / "settings/containers/certs.d/a.de"
    folder.mkdir(parents=True)
    (folder / "ca.crt").write_bytes(authority.ca.read_bytes())
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "settings"))
    context("https://a.de", SourceOptions())
    assert made == ["same", "own", "own"]


def test_the_systems_certificates_are_the_default(home: Path) -> None:
    del home
    context = transport.tls_context(origin_of("https://host.de"), SourceOptions())
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
