"""A whole pipeline of real parts: built from a Dockerfile, scanned before any push, refused or let through, promoted, and found again by its attestation."""

import contextlib
import json
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest

from e2e.program import AS_OF, DEMO, environment, run
from hullmark.detectors.config.dockerfile.parser import parse
from hullmark.detectors.secrets.samples import expanded
from policy.opa import OPA, needs_opa
from policy.samples import policy

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        not all(map(shutil.which, ("docker-registry", "skopeo", "umoci"))),
        reason="docker-registry, skopeo and umoci are needed (tests/install-tools.sh)",
    ),
]

DOCKERFILE = """
FROM scratch
COPY app /usr/local/bin/app
COPY settings /etc/app
USER 10001
ENTRYPOINT ["/usr/local/bin/app"]
"""
SECRET = expanded("aws_access_key_id = AKIA<<base32:16>>\naws_secret_access_key = <<base64:40>>\n")
CONFIG = """
version: 0.1
log:
  level: info
storage:
  filesystem:
    rootdirectory: {folder}/registry
http:
  addr: 127.0.0.1:0
"""


class Served(NamedTuple):
    """A registry: its address, and the file with a line for each request that it had."""

    host: str
    log: Path

    def requests(self) -> list[str]:
        """Give the requests so far."""
        time.sleep(0.2)  # it writes a line when it has answered
        return [line for line in self.log.read_text().splitlines() if '"' in line and "/v2/" in line]


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Served]:
    (tmp_path / "registry.yml").write_text(CONFIG.format(folder=tmp_path))
    said, log = tmp_path / "registry.err", tmp_path / "registry.log"
    with said.open("wb") as errors, log.open("wb") as requests:
        process = subprocess.Popen(
            ["docker-registry", "serve", str(tmp_path / "registry.yml")], stdout=requests, stderr=errors
        )
    with process:
        try:
            yield Served(_address(said), log)
        finally:
            process.terminate()


def _address(said: Path) -> str:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if found := re.search(r"listening on (127\.0\.0\.1:\d+)", said.read_text()):
            return found[1]
        time.sleep(0.05)
    raise AssertionError(said.read_text())


def built(folder: Path, name: str, context: dict[str, str]) -> str:
    """Build an image from the Dockerfile as buildah does, an instruction a step, with umoci; give its reference."""
    layout = folder / "layout"
    image = f"{layout}:{name}"
    if not layout.exists():
        _do("umoci", "init", "--layout", str(layout))
    _do("umoci", "new", "--image", image)
    source = folder / name
    for path, text in context.items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_text(text)
    for stage in parse(DOCKERFILE, "Dockerfile").stages:
        for instruction in stage.instructions:
            words = [word.text for word in instruction.words]
            if instruction.keyword == "COPY":
                _do("umoci", "insert", "--rootless", "--image", image, str(source / words[0]), words[1])
            elif instruction.keyword == "USER":
                _do("umoci", "config", "--image", image, f"--config.user={words[0]}")
            elif instruction.keyword == "ENTRYPOINT":
                _do("umoci", "config", "--image", image, *(f"--config.entrypoint={word}" for word in words))
            else:
                assert instruction.keyword == "FROM"
    return f"oci:{image}"


def _do(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def pipeline(
    cache: Path, image: str, host: str, policy: str, report: Path
) -> "subprocess.CompletedProcess[str]":
    """Run what a pipeline runs: the scan, and the push only if it says so."""
    script = f"""
        set -eu
        hullmark scan "{image}" --policy {policy} --format json="{report}" --as-of {AS_OF} --quiet
        skopeo copy --quiet --dest-tls-verify=false "{image}" docker://{host}/staging/app:1.2
    """
    found = environment(cache)
    found["PATH"] = f"{Path(sys.executable).parent}:{found['PATH']}"
    return subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, check=False, env=found, timeout=120
    )


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    folder = tmp_path / "cache"
    assert run(folder, "db", "build", "--quiet", "--from", str(DEMO / "feeds")).returncode == 0
    return folder


APP = {"app": "#!/bin/app\n", "settings/app.conf": "listen = 8080\n"}
LEAKING = APP | {"settings/credentials": SECRET}


def test_a_planted_credential_is_refused_before_the_registry_hears_of_it(
    tmp_path: Path, cache: Path, registry: Served
) -> None:
    image = built(tmp_path, "leaking", LEAKING)
    report = tmp_path / "report.json"
    done = pipeline(cache, image, registry.host, "production", report)
    assert done.returncode == 1, done.stderr
    assert "denied by hullmark.production" in done.stderr
    assert registry.requests() == []
    decision = json.loads(report.read_bytes())["decision"]
    assert decision["verdict"] == "deny"
    assert {reason["rule"] for reason in decision["reasons"] if reason["level"] == "deny"} == {"secret"}
    assert SECRET.split()[2] not in report.read_text()

    let_through = pipeline(cache, image, registry.host, "development", report)
    assert let_through.returncode == 0, let_through.stderr
    assert json.loads(report.read_bytes())["decision"]["verdict"] == "warn"
    assert any("PUT /v2/staging/app/manifests/1.2" in line for line in registry.requests())

    staged, production = f"{registry.host}/staging/app:1.2", f"{registry.host}/production/app:1.2"
    before = len(registry.requests())
    refused = run(cache, "promote", staged, production, "--policy", "production", "--as-of", AS_OF)
    assert refused.returncode == 1, refused.stderr.decode()
    asked = registry.requests()[before:]
    assert asked
    assert not any(re.search(r'"(?:PUT|POST|PATCH|DELETE) ', line) for line in asked)


@needs_opa
def test_a_real_opa_decides_the_same(tmp_path: Path, cache: Path) -> None:
    for name, context in (("leaking", LEAKING), ("clean", APP)):
        image = built(tmp_path, name, context)
        report, bundle = tmp_path / f"{name}.json", tmp_path / "bundle.tar.gz"
        done = run(
            cache, "scan", image, "--policy", "production", "--format", f"json={report}", "--as-of", AS_OF
        )
        assert done.returncode == (1 if name == "leaking" else 0), done.stderr.decode()
        assert run(cache, "policy", "build", "production", "--output", str(bundle)).returncode == 0
        with _opa(bundle) as url:
            words = ["policy", "eval", str(report), "--policy", "production", "--format", "json"]
            ours = run(cache, *words)
            theirs = run(cache, *words, "--opa", url)
        assert theirs.stdout == ours.stdout != b""
        assert theirs.returncode == ours.returncode == done.returncode
        assert json.loads(ours.stdout) == json.loads(report.read_bytes())["decision"]


@contextlib.contextmanager
def _opa(bundle: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    process = subprocess.Popen(
        [OPA, "run", "--server", "--addr", address, "--bundle", str(bundle), "--skip-version-check"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with process:
        try:
            until = time.monotonic() + 30
            while not _answers(f"http://{address}/health?bundles"):
                assert time.monotonic() < until
                time.sleep(0.05)
            yield f"http://{address}"
        finally:
            process.terminate()


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url).status_code == 200
    except httpx2.HTTPError:
        return False


def test_what_may_pass_is_promoted_by_digest_with_its_attestation(
    tmp_path: Path, cache: Path, registry: Served
) -> None:
    image = built(tmp_path, "clean", APP)
    report = tmp_path / "report.json"
    done = pipeline(cache, image, registry.host, "production", report)
    assert done.returncode == 0, done.stderr
    staged, production = f"{registry.host}/staging/app:1.2", f"{registry.host}/production/app:1.2"
    private, public = keys(tmp_path)
    attested = run(cache, "attest", staged, "--key", str(private), "--report", str(report), "--as-of", AS_OF)
    assert attested.returncode == 0, attested.stderr.decode()
    promoted = run(
        cache, "promote", staged, production, "--policy", "production", "--format", "json", "--as-of", AS_OF
    )
    assert promoted.returncode == 0, promoted.stderr.decode()
    assert digest(production) == digest(staged) == json.loads(promoted.stdout)["digest"]
    verified = run(cache, "verify", production, "--key", str(public), "--as-of", AS_OF)
    assert verified.returncode == 0, verified.stderr.decode()
    _, other = keys(tmp_path / "other")
    assert run(cache, "verify", production, "--key", str(other), "--as-of", AS_OF).returncode == 1


def test_a_policy_that_asks_for_a_signature_is_told_whose_there_is(
    tmp_path: Path, cache: Path, registry: Served
) -> None:
    image = built(tmp_path, "clean", APP)
    report = tmp_path / "report.json"
    assert pipeline(cache, image, registry.host, "production", report).returncode == 0
    staged, production = f"{registry.host}/staging/app:1.2", f"{registry.host}/production/app:1.2"
    private, public = keys(tmp_path)
    _, other = keys(tmp_path / "other")
    asking = policy(tmp_path, "", hullmark={"settings": {"production": {"signature": {"level": "deny"}}}})
    words = ["--policy", "production", "--policy", str(asking), "--as-of", AS_OF]

    def denied(*more: str) -> set[str]:
        done = run(cache, "scan", staged, *words, *more, "--format", "json", "--quiet")
        decision = json.loads(done.stdout)["decision"]
        assert done.returncode == (1 if decision["verdict"] == "deny" else 0)
        return {reason["rule"] for reason in decision["reasons"] if reason["level"] == "deny"}

    assert denied("--attestation-key", str(public)) == {"signature"}
    assert run(cache, "promote", staged, production, *words).returncode == 1
    attested = run(cache, "attest", staged, "--key", str(private), "--report", str(report), "--as-of", AS_OF)
    assert attested.returncode == 0, attested.stderr.decode()
    assert denied("--attestation-key", str(public)) == set()
    assert denied("--attestation-key", str(other)) == {"signature"}
    assert denied() == {"signature"}
    assert run(cache, "promote", staged, production, *words, "--attestation-key", str(other)).returncode == 1
    words += ["--attestation-key", str(public), "--attest-key", str(tmp_path / "other/key.pem")]
    promoted = run(cache, "promote", staged, production, *words)
    assert promoted.returncode == 0, promoted.stderr.decode()
    for key in (public, other):  # what came along, and what the promotion itself has said
        verified = run(cache, "verify", production, "--key", str(key), "--type", "scan", "--as-of", AS_OF)
        assert verified.returncode == 0, verified.stderr.decode()
    assert run(cache, "verify", staged, "--key", str(other), "--as-of", AS_OF).returncode == 1


def keys(folder: Path) -> tuple[Path, Path]:
    """Make a pair of keys, private and public."""
    folder.mkdir(exist_ok=True)
    private, public = folder / "key.pem", folder / "key.pub"
    _do("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(private))
    _do("openssl", "pkey", "-in", str(private), "-pubout", "-out", str(public))
    return private, public


def digest(reference: str) -> Any:
    inspected = _do("skopeo", "inspect", "--tls-verify=false", f"docker://{reference}")
    return json.loads(inspected)["Digest"]
