"""The registry client against the distribution project's own registry: signed in, and through a proxy that looks in.

Needs the programs docker-registry (Debian's package of that name), skopeo and openssl.
"""

import base64
import contextlib
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from hullmark.images.inflate import Hashed
from hullmark.images.open import offered_platforms, open_image
from hullmark.images.reference import parse
from hullmark.images.registry import Registry
from hullmark.images.source import OpenedImage, SourceOptions
from hullmark.model.errors import ImageError
from hullmark.model.image import Platform
from hullmark.scan.request import ScanRequest
from hullmark.scan.run import run
from images.fakes import Authority, MadeImage, digest_of, index_of, made_image, tar_of

from . import program

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        any(shutil.which(name) is None for name in ("docker-registry", "skopeo", "openssl")),
        reason="docker-registry, skopeo and openssl are needed",
    ),
    pytest.mark.usefixtures("home"),
]

USER, PASSWORD = "someone", "not a secret"
HASHED = "$2y$05$abcdefghijklmnopqrstuuiitcSTbmWtinjxTMhPy6Z4ocreVFuRu"
CONFIG = """\
version: 0.1
storage:
  filesystem:
    rootdirectory: {folder}/storage
http:
  addr: 127.0.0.1:0
{more}auth:
  htpasswd:
    realm: test
    path: {folder}/htpasswd
"""
AMD = made_image(
    tar_of({"etc/os-release": b"ID=alpine\n" * 30_000}), tar_of({"app": bytes(range(256)) * 9000})
)
ARM = made_image(tar_of({"etc/os-release": b"ID=debian\n"}), architecture="arm64")


def skopeo(*words: str) -> str:
    done = subprocess.run(
        ["skopeo", "--insecure-policy", *words], check=True, capture_output=True, text=True, timeout=60
    )
    return done.stdout


def pushed(folder: Path, source: str, host: str, name: str, *words: str) -> None:
    creds = ["--dest-tls-verify=false", f"--dest-creds={USER}:{PASSWORD}"]
    skopeo("copy", *creds, *words, f"{source}:{folder}", f"docker://{host}/{name}")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry with a login and three images."""
    folder = tmp_path_factory.mktemp("registry")
    with serving(folder) as address:
        fill(folder, address)
        yield address


@contextlib.contextmanager
def serving(folder: Path, more: str = "") -> Iterator[str]:
    """Run a registry with a login; give its address."""
    (folder / "htpasswd").write_text(f"{USER}:{HASHED}\n")
    (folder / "config.yml").write_text(CONFIG.format(folder=folder, more=more))
    process = subprocess.Popen(
        ["docker-registry", "serve", str(folder / "config.yml")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stderr is not None
            started = (re.search(r"listening on (127\.0\.0\.1:\d+)", line) for line in process.stderr)
            match = next(found for found in started if found)
            # the log is read to its end, or the registry would wait for room to write it
            drain = threading.Thread(target=process.stderr.read)
            drain.start()
            yield match[1]
        finally:
            process.terminate()
            process.wait()
        drain.join()


def fill(folder: Path, host: str) -> None:
    pushed(AMD.layout(folder / "amd"), "oci", host, "team/app:1")
    pushed(folder / "amd", "oci", host, "team/app:docker", "--format=v2s2")
    both = AMD.layout(folder / "both")
    ARM.layout(both)
    index = index_of(amd64=AMD, arm64=ARM)
    (both / "blobs/sha256" / digest_of(index)[7:]).write_bytes(index)
    entry = {
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "digest": digest_of(index),
        "size": len(index),
    }
    (both / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    pushed(both, "oci", host, "team/app:all", "--all")


@pytest.fixture
def logged_in(home: Path, host: str) -> None:
    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    (home / ".docker").mkdir()
    entries = {name: {"auth": auth} for name in (host, "registry.test")}
    (home / ".docker/config.json").write_text(json.dumps({"auths": entries}))


def opened(reference: str, **options: object) -> OpenedImage:
    settings = {"platform": Platform("linux", "amd64"), **options}
    return open_image(f"registry:{reference}", SourceOptions(**settings))  # type: ignore[arg-type]


def check(image: OpenedImage, made: MadeImage) -> None:
    """Read every layer and compare it with what was pushed."""
    assert image.image.digest == made.digest
    assert image.image.unread == ()
    for layer, digest in zip(image.layers, made.layers, strict=True):
        hashed = Hashed(layer.open())
        hashed.drain()
        assert (hashed.digest, hashed.size) == (digest, layer.size)
    image.close()


@pytest.mark.usefixtures("logged_in")
def test_an_image_by_tag_and_digest(host: str) -> None:
    check(opened(f"{host}/team/app:1"), AMD)
    check(opened(f"{host}/team/app@{AMD.digest}"), AMD)


@pytest.mark.usefixtures("logged_in")
def test_an_index(host: str) -> None:
    name = f"{host}/team/app:all"
    check(opened(name), AMD)
    check(opened(name, platform=Platform("linux", "arm64")), ARM)
    assert [str(each) for each in offered_platforms(f"registry:{name}", SourceOptions())] == [
        "linux/amd64",
        "linux/arm64",
    ]


@pytest.mark.usefixtures("logged_in")
def test_dockers_own_format(host: str) -> None:
    image = opened(f"{host}/team/app:docker")
    assert [layer.claimed for layer in image.layers] == AMD.layers
    assert [layer.media_type for layer in image.layers] == [
        "application/vnd.docker.image.rootfs.diff.tar.gzip"
    ] * 2
    assert image.image.digest == skopeo_digest(f"{host}/team/app:docker")
    image.close()


def skopeo_digest(name: str) -> str:
    words = ["--tls-verify=false", f"--creds={USER}:{PASSWORD}", "--format={{.Digest}}"]
    return skopeo("inspect", *words, f"docker://{name}").strip()


@pytest.mark.usefixtures("logged_in")
def test_what_a_tag_points_to(host: str) -> None:
    reference = parse(f"{host}/team/app:1")
    with contextlib.closing(Registry(reference, SourceOptions())) as registry:
        assert registry.resolve(reference) == AMD.digest
        assert registry.resolve(parse(f"{host}/team/app:none")) == ""


@pytest.mark.usefixtures("logged_in")
def test_what_is_not_there(host: str) -> None:
    with pytest.raises(ImageError, match=f"{host}/team/app has no tag none"):
        opened(f"{host}/team/app:none")
    with pytest.raises(ImageError, match=f"{host}/team/other has no tag latest"):
        opened(f"{host}/team/other")


def test_who_may_not(host: str) -> None:
    with pytest.raises(ImageError, match=rf"there are no credentials for {host} in ~/\.docker/config\.json"):
        opened(f"{host}/team/app:1")
    with pytest.raises(ImageError, match=f"{host} refuses the credentials of {USER} from the options"):
        opened(f"{host}/team/app:1", username=USER, password="wrong")
    check(opened(f"{host}/team/app:1", username=USER, password=PASSWORD), AMD)


@pytest.mark.parametrize("command", ["scan", "sbom"])
def test_the_password_on_standard_input(host: str, tmp_path: Path, command: str) -> None:
    asked = (command, f"{host}/team/app:all", "--platform", "linux/arm64", "--format", "json")
    login = ("--insecure", host, "--username", USER, "--password-stdin")
    done = program.run(tmp_path / "cache", *asked, *login, stdin=f"{PASSWORD}\r\n".encode())
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["image"]["platform"]["architecture"] == "arm64"
    for stdin in (b"wrong\n", b"", b"\xff\n"):
        done = program.run(tmp_path / "cache", *asked, *login, stdin=stdin)
        assert done.returncode == (2 if stdin == b"\xff\n" else 3)
        assert b"fault" not in done.stderr
        assert done.stdout == b""


def test_a_registry_with_tls_on_this_machine(home: Path, tmp_path: Path) -> None:
    """Plain HTTP is asked first there; what then speaks TLS is talked to in TLS, with its certificate verified."""
    del home
    authority = Authority(tmp_path)
    files = f"certificate: {tmp_path}/server.crt, key: {tmp_path}/server.key"
    login = {"username": USER, "password": PASSWORD}
    with serving(tmp_path, f"  tls: {{{files}}}\n") as address:
        pushed(AMD.layout(tmp_path / "amd"), "oci", address, "team/app:1")
        check(opened(f"{address}/team/app:1", cacert=str(authority.ca), **login), AMD)
        check(opened(f"{address}/team/app:1", insecure=(address,), **login), AMD)
        with pytest.raises(ImageError, match="is not trusted"):
            opened(f"{address}/team/app:1", **login)


# ── a proxy that looks in


class LookingProxy:
    """A proxy that ends TLS itself, with certificates of a private authority, and demands a login of its own."""

    def __init__(self, authority: Authority, target: str) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(authority.folder / "server.crt", authority.folder / "server.key")
        address, _, port = target.partition(":")
        self.target = (address, int(port))
        self.heads: list[bytes] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.threads = [threading.Thread(target=self.serve)]
        self.threads[0].start()

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.threads.append(threading.Thread(target=self.tunnel, args=(connection,)))
            self.threads[-1].start()

    def tunnel(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += connection.recv(1)
            self.heads.append(head)
            if b"Proxy-Authorization: Basic bWU6d29yZA==\r\n" not in head:
                connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                return
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            with (
                self.context.wrap_socket(connection, server_side=True) as inside,
                socket.create_connection(self.target) as outside,
            ):
                back = threading.Thread(target=self.pump, args=(outside, inside))
                back.start()
                self.pump(inside, outside)
                back.join()

    def pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "DNS:registry.test")


@pytest.fixture
def proxy(home: Path, authority: Authority, host: str) -> Iterator[LookingProxy]:
    del home
    looking = LookingProxy(authority, host)
    yield looking
    looking.close()


@pytest.mark.usefixtures("logged_in")
def test_through_a_proxy_that_looks_in(
    proxy: LookingProxy, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:word@{proxy.host}")
    check(opened("registry.test/team/app:1", cacert=str(authority.ca)), AMD)
    assert {head.split(b"\r\n")[0] for head in proxy.heads} == {b"CONNECT registry.test:443 HTTP/1.1"}
    with monkeypatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(authority.ca))
        check(opened("registry.test/team/app:1"), AMD)
    with pytest.raises(ImageError) as distrusted:
        opened("registry.test/team/app:1")
    assert "the certificate of registry.test is not trusted" in str(distrusted.value)
    hint = distrusted.value.hint
    assert "--cacert FILE, SSL_CERT_FILE or /etc/docker/certs.d/registry.test/ca.crt" in hint
    assert f"through the proxy {proxy.host}" in hint
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:wrong@{proxy.host}")
    with pytest.raises(ImageError, match=f"the proxy {proxy.host} answers 407 Proxy Authentication Required"):
        opened("registry.test/team/app:1", cacert=str(authority.ca))


@pytest.mark.usefixtures("logged_in")
def test_layers_are_fetched_in_forked_processes(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each child signs in and reads over a connection of its own, and the parent's still serves afterwards."""
    monkeypatch.setattr("hullmark.scan.run._WORTH_FORKING", 0)
    forked: list[int] = []
    fork = os.fork

    def remembered() -> int:
        child = fork()
        forked.append(child)
        return child

    monkeypatch.setattr(os, "fork", remembered)
    folder = tmp_path / "layers"
    layers = [
        tar_of({f"srv/{n}/package.json": f'{{"name": "a{n}", "version": "1.0.{n}"}}'.encode()})
        for n in range(6)
    ]
    pushed(made_image(*layers).layout(folder), "oci", host, "team/layers:1")
    request = ScanRequest(reference=f"registry:{host}/team/layers:1", as_of="2026-01-01T00:00:00Z", threads=1)
    alone = run(request)
    assert forked == []
    assert [component.name for component in alone.packages] == [f"a{n}" for n in range(6)]
    assert not alone.errors
    assert run(msgspec.structs.replace(request, threads=3)) == alone
    assert len(forked) == 3
