"""Images made for a test, and servers in this process that can be told to misbehave."""

import base64
import gzip
import hashlib
import io
import json
import re
import socket
import subprocess
import tarfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def tar_of(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


@dataclass
class MadeImage:
    """An image's documents and blobs by digest."""

    digest: str = ""
    manifest: bytes = b""
    config_digest: str = ""
    layers: list[str] = field(default_factory=list)
    blobs: dict[str, bytes] = field(default_factory=dict)

    def layout(self, folder: Path, name: str = "latest") -> Path:
        for digest, body in (*self.blobs.items(), (self.digest, self.manifest)):
            path = folder.joinpath("blobs", *digest.split(":"))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
        entry = {
            "mediaType": MANIFEST,
            "digest": self.digest,
            "size": len(self.manifest),
            "annotations": {"org.opencontainers.image.ref.name": name},
        }
        (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
        (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        return folder

    def saved(self, tag: str) -> bytes:
        """Give what `docker save` gives."""
        config = f"{self.config_digest[7:]}.json"
        plain = {
            f"{number}/layer.tar": gzip.decompress(self.blobs[d]) for number, d in enumerate(self.layers)
        }
        listed = [{"Config": config, "RepoTags": [tag], "Layers": list(plain)}]
        files = {
            config: self.blobs[self.config_digest],
            **plain,
            "manifest.json": json.dumps(listed).encode(),
        }
        return tar_of(files)


def made_image(
    *layers: bytes, architecture: str = "amd64", size_change: int = 0, packed: bool = True
) -> MadeImage:
    """Make an image of tar layers; `size_change` makes its manifest lie about their sizes."""
    made = MadeImage()
    described = []
    for layer in layers:
        blob = gzip.compress(layer, mtime=0) if packed else layer
        made.layers.append(digest_of(blob))
        made.blobs[made.layers[-1]] = blob
        described.append(
            {
                "mediaType": "application/vnd.oci.image.layer.v1.tar" + ("+gzip" if packed else ""),
                "digest": made.layers[-1],
                "size": len(blob) + size_change,
            }
        )
    diff_ids = [digest_of(layer) for layer in layers]
    config = json.dumps(
        {"os": "linux", "architecture": architecture, "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    ).encode()
    made.config_digest = digest_of(config)
    made.blobs[made.config_digest] = config
    made.manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": made.config_digest,
                "size": len(config),
            },
            "layers": described,
        }
    ).encode()
    made.digest = digest_of(made.manifest)
    return made


def index_of(**images: MadeImage) -> bytes:
    """Make an index of images by architecture."""
    entries = [
        {
            "mediaType": MANIFEST,
            "digest": image.digest,
            "size": len(image.manifest),
            "platform": {"os": "linux", "architecture": architecture},
        }
        for architecture, image in images.items()
    ]
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).encode()


@dataclass
class Asked:
    """A request as the server got it."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    """What a server answers. `cut` ends the connection after so many bytes, `length` is what it says instead."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    length: int | None = None
    open_ended: bool = False


Answering = Callable[[Asked], Answer]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answering: Answering
    log: list[Asked]

    def handle(self) -> None:
        # a TLS greeting is hung up on, as a server does that speaks plain HTTP only
        if self.connection.recv(1, socket.MSG_PEEK) != b"\x16":
            super().handle()

    def answer(self) -> None:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", "0")))
        asked = Asked(self.command, parts.path, dict(parse_qsl(parts.query)), headers, body)
        if (self.command, parts.path) == ("HEAD", "/v2/"):
            answer = Answer(401)  # only whether plain HTTP is spoken here at all
        else:
            self.log.append(asked)
            answer = type(self).answering(asked)
        self.send_response(answer.status)
        if not answer.open_ended:
            self.send_header(
                "Content-Length", str(len(answer.body) if answer.length is None else answer.length)
            )
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body[: answer.cut])
        if answer.cut is not None or answer.open_ended:
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = answer  # noqa: N815

    def log_message(self, *_words: object) -> None:
        pass


class _Quiet:
    """Says nothing of clients that hang up early: the tests make them do it."""

    def handle_error(self, *_words: object) -> None:
        pass


class _PortServer(_Quiet, ThreadingHTTPServer):
    pass


class _UnixServer(_Quiet, ThreadingMixIn, UnixStreamServer):
    daemon_threads = True


def _handler(base: type[_Handler], answering: Answering, log: list[Asked]) -> type[_Handler]:
    return type("Handler", (base,), {"answering": staticmethod(answering), "log": log})


class Server:
    """An HTTP server on a port of this machine; `hosts` says what it answers."""

    def __init__(self, answering: Answering) -> None:
        self.asked: list[Asked] = []
        self._server = _PortServer(("127.0.0.1", 0), _handler(_Handler, answering, self.asked))
        self.port: int = self._server.server_address[1]
        self.host = f"127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_problem: object) -> None:
        self.close()


class _UnixHandler(_Handler):
    def address_string(self) -> str:
        return "unix"


class Daemon:
    """A container daemon on a unix socket with some images by name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.images: dict[str, tuple[dict[str, Any], bytes]] = {}
        self.asked: list[Asked] = []
        self.override: Answering | None = None
        self._server = _UnixServer(str(path), _handler(_UnixHandler, self._answer, self.asked))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def _answer(self, asked: Asked) -> Answer:
        if self.override is not None:
            return self.override(asked)
        match = re.fullmatch(r"/images/(.+)/(json|get)", asked.path)
        assert match is not None
        if match[1] not in self.images:
            return Answer(404, b'{"message":"No such image"}')
        inspected, archive = self.images[match[1]]
        return Answer(body=json.dumps(inspected).encode() if match[2] == "json" else archive)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class FakeRegistry:
    """The pull side of a registry. `before` may answer instead; `secret` switches authentication on."""

    def __init__(self) -> None:
        self.manifests: dict[tuple[str, str], tuple[bytes, str]] = {}
        self.blobs: dict[str, bytes] = {}
        self.before: list[Callable[[Asked], Answer | None]] = []
        self.scheme = ""
        self.user = ("", "")
        self.identity_token = ""
        self.tokens: set[str] = set()
        self.granted = 0
        self.server = Server(self._answer)
        self.asked = self.server.asked
        self.host = self.server.host

    def close(self) -> None:
        self.server.close()

    def add(self, repository: str, tag: str, image: MadeImage) -> None:
        self.blobs.update(image.blobs)
        for name in (tag, image.digest):
            self.manifests[repository, name] = (image.manifest, MANIFEST)

    def count(self, method: str, end: str) -> int:
        return sum(each.method == method and each.path.endswith(end) for each in self.asked)

    def _answer(self, asked: Asked) -> Answer:
        for each in self.before:
            if (answer := each(asked)) is not None:
                return answer
        if asked.path == "/token":
            return self._token(asked)
        if self.scheme and not self._is_allowed(asked):
            words = f'Bearer realm="http://{self.host}/token",service="fake, \\"quoted\\"",scope="repository:x:pull"'
            header = words if self.scheme == "bearer" else 'Basic realm="fake"'
            body = b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}'
            return Answer(401, body, {"WWW-Authenticate": header})
        match = re.fullmatch(r"/v2/(.+)/(manifests|blobs)/([^/]+)", asked.path)
        assert match is not None, asked.path
        if match[2] == "blobs":
            return self._blob(asked, match[3])
        found = self.manifests.get((match[1], match[3]))
        if found is None:
            return Answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')
        return Answer(200, found[0], {"Content-Type": found[1], "Docker-Content-Digest": digest_of(found[0])})

    def _blob(self, asked: Asked, digest: str) -> Answer:
        body = self.blobs.get(digest)
        if body is None:
            return Answer(404, b'{"errors":[{"code":"BLOB_UNKNOWN"}]}')
        if match := re.fullmatch(r"bytes=(\d+)-", asked.headers.get("range", "")):
            start = int(match[1])
            place = f"bytes {start}-{len(body) - 1}/{len(body)}"
            return Answer(206, body[start:], {"Content-Range": place})
        return Answer(200, body)

    def _is_allowed(self, asked: Asked) -> bool:
        said = asked.headers.get("authorization", "")
        if self.scheme == "basic":
            return said == self._basic()
        return said.removeprefix("Bearer ") in self.tokens

    def _basic(self) -> str:
        return f"Basic {base64.b64encode(':'.join(self.user).encode()).decode()}"

    def _token(self, asked: Asked) -> Answer:
        form = dict(parse_qsl(asked.body.decode()))
        if self.identity_token:
            allowed = asked.method == "POST" and form.get("refresh_token") == self.identity_token
        else:
            allowed = not self.user[0] or asked.headers.get("authorization") == self._basic()
        if not allowed:
            return Answer(
                401, b'{"errors":[{"code":"UNAUTHORIZED","message":"incorrect username or password"}]}'
            )
        self.granted += 1
        token = f"token-{self.granted}"
        self.tokens.add(token)
        key = "access_token" if asked.method == "POST" else "token"
        return Answer(body=json.dumps({key: token, "expires_in": 60}).encode())


class Authority:
    """A private authority with certificates for a server and for a client, made by the openssl command."""

    def __init__(self, folder: Path, names: str = "IP:127.0.0.1") -> None:
        self.folder = folder
        self.ca = folder / "ca.crt"
        self._run("req", "-x509", "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=Test CA")
        self.issue("server", f"subjectAltName={names}")
        self.issue("client", "extendedKeyUsage=clientAuth")

    def issue(self, name: str, extension: str, *, days: int = 30) -> None:
        (self.folder / "extension").write_text(extension)
        self._run("req", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        signing = [
            "-CA",
            "ca.crt",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-extfile",
            "extension",
            "-days",
            str(days),
        ]
        subprocess.run(
            ["openssl", "x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.crt", *signing],
            cwd=self.folder,
            check=True,
            capture_output=True,
        )

    def _run(self, *words: str) -> None:
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        subprocess.run(["openssl", *words, *key], cwd=self.folder, check=True, capture_output=True)
