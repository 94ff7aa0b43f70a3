"""An OPA server that evaluates: the real one decides the same, and one that is wrong, slow or broken lets nothing pass."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hullmark.model.errors import HullmarkError, UsageError
from hullmark.policy import server
from hullmark.policy.catalogue import names
from hullmark.policy.deciding import Policies
from hullmark.policy.source import bundled, read
from policy.opa import OPA, needs_opa
from policy.samples import fault, finding, package, policy, report, secret

OWN = 'deny contains sprintf("%s of %s", [f.id, data.team]) if some f in input.findings\n\nallow if input.context.namespace == "prod"'
DATA: dict[str, Any] = {
    "team": "shop",
    "more": {"ü": [1, 2.5, None]},
    "hullmark": {
        "settings": {"every": {"image-age": {"level": "off"}}},
        "exceptions": [
            {"rule": "root-user", "owner": "a", "reason": "b", "expires": "2026-12-31"},
        ],
    },
}


def images() -> Iterator[Any]:
    yield report()
    yield report(
        findings=[
            finding(id=f"CVE-2026-{n:04}", severity=level, fixed_version="1" * (n % 2), kev=None)
            for n, level in enumerate(["critical", "high", "medium", "low", "negligible", "unknown"] * 4)
        ],
        packages=[package(licences=["AGPL-3.0-only"])],
        secrets=[secret()],
        config=[fault("image-no-user"), fault("image-shell")],
    )


@contextlib.contextmanager
def opa(bundle: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [
        OPA,
        "run",
        "--server",
        "--addr",
        f"127.0.0.1:{port}",
        "--log-level",
        "error",
        "--disable-telemetry",
    ]
    running = subprocess.Popen([*words, "-b", str(bundle)], env={**os.environ, "HOME": str(bundle.parent)})
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/"
    finally:
        running.kill()
        running.wait()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[str]]]:
    folder = tmp_path_factory.mktemp("opa")
    words = [*names(), str(policy(folder, OWN, **DATA))]
    packed = tmp_path_factory.mktemp("bundle") / "bundle.tar.gz"
    packed.write_bytes(bundled(read(words)))
    with opa(packed) as url:
        yield url, words


@needs_opa
def test_the_server_decides_the_same_byte_for_byte(served: tuple[str, list[str]]) -> None:
    url, words = served
    here, there = Policies(words), Policies(words, opa=url)
    for one in images():
        for namespace in ("prod", "test"):
            ours = here.decide(one, {"namespace": namespace})
            assert ours.error == ""
            assert msgspec.json.encode(there.decide(one, {"namespace": namespace})) == msgspec.json.encode(
                ours
            )
    assert len({reason.rule for reason in ours.reasons}) >= 8
    assert ours.excepted


@needs_opa
def test_without_the_embedded_engine_the_server_is_enough(
    served: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, words = served
    ours = [Policies(words).decide(one) for one in images()]
    monkeypatch.setitem(sys.modules, "regorus", None)
    for name in (words, words[:1]):
        with pytest.raises(UsageError, match="not installed") as caught:
            Policies(name)
        assert "hullmark[policy]" in caught.value.hint
        assert "--opa" in caught.value.hint
    theirs = Policies(words, opa=url)
    assert [theirs.decide(one) for one in images()] == ours


@needs_opa
@pytest.mark.parametrize(
    ("text", "data", "said"),
    [
        (f"{OWN}\n# other", DATA, "has not the policy"),
        (OWN, DATA | {"team": "web"}, "has not the data team"),
        (OWN, DATA | {"more": {"ü": [1, 2.5, 0]}}, "has not the data more.ü"),
        (OWN, DATA | {"extra": 1}, "has not the data extra"),
        (OWN, DATA | {"hullmark": {"exceptions": []}}, "has not the data hullmark.exceptions"),
    ],
)
def test_a_server_with_other_policies_is_refused(
    text: str, data: dict[str, Any], said: str, served: tuple[str, list[str]], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        Policies([*names(), str(policy(tmp_path, text, **data))], opa=served[0])
    assert "hullmark policy build" in caught.value.hint


@needs_opa
def test_a_policy_that_cannot_be_used_is_refused_also_where_a_server_evaluates(
    served: tuple[str, list[str]], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="no field 'findingz'"):
        Policies([str(policy(tmp_path, 'deny contains "a" if input.findingz'))], opa=served[0])


# ── what answers, but not as OPA does ───────────────────────────────────────────────────────────────────

Say = Callable[[BaseHTTPRequestHandler], None]


def answer(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200) -> None:
    handler.send_response(status)
    handler.send_header("content-length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@contextlib.contextmanager
def fake(query: Say, modules: list[str]) -> Iterator[str]:
    """Serve these modules, and answer questions so."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self, json.dumps({"result": [{"raw": text} for text in modules]}).encode())

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                query(self)

        def log_message(self, *words: Any) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.daemon_threads = True
    thread = threading.Thread(target=running.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{running.server_port}"
    finally:
        running.shutdown()
        running.server_close()
        thread.join()


def slowly(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(40):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.05)


BROKEN: list[tuple[str, Say]] = [
    ("no OPA server", lambda one: answer(one, b"<html>\xff")),
    ("no OPA server", lambda one: answer(one, b"[]")),
    ("no OPA server", lambda one: answer(one, b'{"result": [3]}')),
    ("nothing is defined", lambda one: answer(one, b"{}")),
    ("nothing is defined", lambda one: answer(one, b'{"result": []}')),
    ("nothing is defined", lambda one: answer(one, b'{"result": [{"found": [1]}]}')),
    ("no OPA server", lambda one: answer(one, b'{"result": [{"other": 1}]}')),
    ("lacks", lambda one: answer(one, b'{"result": [{"found": {}}]}')),
    ("lacks", lambda one: answer(one, b'{"result": [{"found": {"mine": {}}}]}')),
    ("lacks", lambda one: answer(one, b'{"result": [{"found": {"mine": 3}}]}')),
    ("lacks", lambda one: answer(one, b'{"result": [{"found": {"mine": {"deny": 3}}}]}')),
    ("refuses (500): eval_error", lambda one: answer(one, b'{"code": "eval_error"}', 500)),
    ("refuses (503)", lambda one: answer(one, b"\xff", 503)),
    ("refuses (302)", lambda one: answer(one, b"", 302)),
    ("too large", lambda one: answer(one, b" " * 70_000)),
    ("too long", slowly),
    ("does not answer", lambda one: one.connection.shutdown(socket.SHUT_RDWR)),
]


@pytest.mark.parametrize(("said", "say"), BROKEN)
def test_what_is_no_answer_denies(
    said: str, say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "MOST_ANSWER", 65_536)
    monkeypatch.setattr(server, "TIMEOUT_S", 0.5)
    folder = policy(tmp_path, 'deny contains "a"')
    with fake(say, [(folder / "policy.rego").read_text()]) as url:
        begun = time.monotonic()
        decision = Policies([str(folder)], opa=url).decide(report())
        assert time.monotonic() - begun < 5
        assert (decision.verdict, decision.reasons) == ("deny", ())
        assert said in decision.error
        assert Policies([str(folder)], opa=url, on_error="warn").decide(report()).verdict == "warn"


def test_an_address_where_nothing_is_an_error(tmp_path: Path) -> None:
    folder = str(policy(tmp_path, 'deny contains "a"'))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(HullmarkError, match="does not answer"):
            Policies([folder], opa=f"http://127.0.0.1:{free.getsockname()[1]}")
    for url in ("127.0.0.1:8181", "file:///etc/passwd", ""):
        if url:
            with pytest.raises(UsageError, match="no address"):
                Policies([folder], opa=url)
    for url in ("http://[", "http://", "http://a b/"):
        with pytest.raises(HullmarkError):
            Policies([folder], opa=url)
