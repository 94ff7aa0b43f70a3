"""A real HTTP server that plays a publisher, or a mirror: static files with validators and ranges, and faults when told."""

import email.utils
import hashlib
import json
import re
import ssl
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass
class Asked:
    path: str
    headers: dict[str, str]
    status: int = 0
    query: dict[str, str] = field(default_factory=dict)


@dataclass
class Fault:
    """What happens in place of a sound answer, so many times: a status, or the body broken off or slowed."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut: int | None = None
    stall_s: float = 0.0
    times: int = 1


class Publisher:
    """Serves `folder`. `faults` has what goes wrong, by path; `asked` everything that was asked for.

    `answers` has for a path what makes its body out of what was asked, as an interface does. Without `lengths` nobody is
    told how long an answer is.
    """

    def __init__(
        self, folder: Path, *, validators: bool = True, ranges: bool = True, lengths: bool = True
    ) -> None:
        self.folder = folder
        self.lengths = lengths
        self.validators = validators
        self.ranges = ranges
        self.faults: dict[str, list[Fault]] = {}
        self.asked: list[Asked] = []
        self.answers: dict[str, Callable[[Asked], bytes]] = {}
        publisher = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                publisher._answer(self)

            def log_message(self, *_words: object) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_words: object) -> None:
                pass

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def encrypt(self, context: ssl.SSLContext) -> None:
        """Speak TLS from now on."""
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = self.url.replace("http://", "https://")

    def put(self, path: str, body: bytes, age_s: float = 3600) -> None:
        """Publish a file."""
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(body)
        moment = time.time() - age_s
        import os

        os.utime(place, (moment, moment))

    def fail(self, path: str, **fault: Any) -> None:
        self.faults.setdefault(path, []).append(Fault(**fault))

    def count(self, end: str, status: int = 0) -> int:
        return sum(each.path.endswith(end) and status in {0, each.status} for each in self.asked)

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = unquote(urlsplit(handler.path).path).lstrip("/")
        asked = Asked(path, {name.lower(): value for name, value in handler.headers.items()})
        asked.query = dict(parse_qsl(urlsplit(handler.path).query))
        self.asked.append(asked)
        fault = self._fault(path)
        if fault is not None and fault.status:
            asked.status = fault.status
            self._send(handler, fault.status, fault.headers, fault.body)
            return
        if path in self.answers:
            asked.status = 200
            self._send(handler, 200, {}, self.answers[path](asked))
            return
        place = self.folder / path
        if not place.is_file():
            asked.status = 404
            self._send(handler, 404, {}, b"not here")
            return
        body = place.read_bytes()
        headers = {}
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if self.validators:
            modified = email.utils.formatdate(place.stat().st_mtime, usegmt=True)
            headers = {"ETag": etag, "Last-Modified": modified}
        status = 200
        if self.validators and asked.headers.get("if-none-match") == etag:
            status, body = 304, b""
        match = re.fullmatch(r"bytes=(\d+)-", asked.headers.get("range", ""))
        if match and self.ranges and asked.headers.get("if-range") == etag:
            start = int(match[1])
            if start >= len(body):
                status, body = 416, b""
            else:
                headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
                status, body = 206, body[start:]
        asked.status = status
        self._send(handler, status, headers, body, fault)

    def _fault(self, path: str) -> Fault | None:
        waiting = self.faults.get(path, [])
        if not waiting:
            return None
        waiting[0].times -= 1
        return waiting[0] if waiting[0].times > 0 else waiting.pop(0)

    def _send(
        self,
        handler: BaseHTTPRequestHandler,
        status: int,
        headers: dict[str, str],
        body: bytes,
        fault: Fault | None = None,
    ) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        if status != 304 and self.lengths:
            handler.send_header("Content-Length", str(len(body)))
        elif status != 304:
            handler.send_header("Connection", "close")
        handler.end_headers()
        if fault is not None and fault.cut is not None:
            handler.wfile.write(body[: fault.cut])
            handler.wfile.flush()
            time.sleep(fault.stall_s)
            handler.close_connection = True
            return
        handler.wfile.write(body)


@contextmanager
def publishing(folder: Path, **words: bool) -> Iterator[Publisher]:
    """Serve a folder for as long as the block lasts."""
    publisher = Publisher(folder, **words)
    try:
        yield publisher
    finally:
        publisher.close()


def osv(
    name: str, package: str, fixed: str, *, modified: str = "2026-01-01T00:00:00Z", **more: Any
) -> dict[str, Any]:
    """Make an OSV document about a PyPI package."""
    return {
        "id": name,
        "modified": modified,
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": package},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}],
            }
        ],
        **more,
    }


def export(
    publisher: Publisher, *records: dict[str, Any], folder: str = "osv/PyPI", archive: bool = True
) -> None:
    """Publish documents as OSV does: an archive, a list of what changed, and each document by itself."""
    place = publisher.folder / folder
    place.mkdir(parents=True, exist_ok=True)
    if archive:
        with zipfile.ZipFile(place / "all.zip", "w") as packed:
            for record in records:
                packed.writestr(f"{record['id']}.json", json.dumps(record))
    newest = sorted(records, key=lambda record: str(record["modified"]), reverse=True)
    lines = [f"{record['modified']},{record['id']}\n" for record in newest]
    publisher.put(f"{folder}/modified_id.csv", "".join(lines).encode())
    for record in records:
        publisher.put(f"{folder}/{record['id']}.json", json.dumps(record).encode())
