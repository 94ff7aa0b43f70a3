"""The real cosign beside ours, in a real registry: each verifies what the other has signed. Needs the program cosign (3.1 or later)."""

import base64
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hullmark.images.reference import parse
from hullmark.images.registry import Registry
from hullmark.images.source import SourceOptions
from images.fakes import MANIFEST, made_image, tar_of

from .program import AS_OF
from .test_real_registry import PASSWORD, USER, serving

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        any(shutil.which(name) is None for name in ("docker-registry", "cosign", "openssl")),
        reason="docker-registry, cosign and openssl are needed",
    ),
]
IMAGE = made_image(tar_of({"etc/os-release": b"ID=alpine\nVERSION_ID=3.20.0\n"}))
ALGORITHMS = {
    "p256": ("ec", "ec_paramgen_curve:P-256"),
    "p384": ("ec", "ec_paramgen_curve:P-384"),
    "ed25519": ("ed25519",),
    "rsa": ("rsa", "rsa_keygen_bits:2048"),
}
TYPES = ("https://cyclonedx.org/bom", "https://hullmark.dev/schema/attestation-1.0.json")
NO_LOG = ("--tlog-upload=false", "--use-signing-config=false", "-y")


def told(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout


def hullmark(*words: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-m", "hullmark", *words], capture_output=True, timeout=60, check=False
    )


@pytest.fixture
def name(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("COSIGN_PASSWORD", "pw")
    monkeypatch.setenv("HULLMARK_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    with serving(tmp_path) as host:
        auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        (home / ".docker").mkdir()
        (home / ".docker/config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))
        reference = parse(f"{host}/app:1")
        with closing(Registry(reference, SourceOptions())) as client:
            for digest, body in IMAGE.blobs.items():
                client.upload(reference, digest, len(body), io.BytesIO(body))
            client.publish(reference, "1", IMAGE.manifest, MANIFEST)
        yield f"{host}/app:1"


def pair(kind: str) -> tuple[str, str]:
    words = ALGORITHMS[kind]
    options = [word for option in words[1:] for word in ("-pkeyopt", option)]
    told("openssl", "genpkey", "-algorithm", words[0], *options, "-out", f"{kind}.key")
    told("openssl", "pkey", "-in", f"{kind}.key", "-pubout", "-out", f"{kind}.pub")
    return f"{kind}.key", f"{kind}.pub"


def attested(name: str, key: str) -> None:
    """Sign an SBOM and a result; there are no advisories, so that the result is incomplete."""
    done = hullmark("attest", name, "--key", key, "--as-of", AS_OF, "--offline")
    assert done.returncode == 3, done.stderr
    assert b"not checked" in done.stderr


def cosign_verifies(name: str, public: str, kind: str, *words: str) -> None:
    told(
        "cosign",
        "verify-attestation",
        "--key",
        public,
        "--insecure-ignore-tlog",
        "--type",
        kind,
        *words,
        name,
    )


@pytest.mark.parametrize("kind", ALGORITHMS)
def test_cosign_verifies_ours(name: str, kind: str) -> None:
    key, public = pair(kind)
    attested(name, key)
    words = (
        ("--signature-digest-algorithm", "sha384") if kind == "p384" else ()
    )  # cosign signs with it, and must be told to verify with it
    for each in TYPES:
        cosign_verifies(name, public, each, *words)


@pytest.mark.parametrize("kind", ["p256", "p384", "rsa"])
@pytest.mark.parametrize("form", ["--new-bundle-format=true", "--new-bundle-format=false"])
def test_ours_verifies_cosigns(name: str, kind: str, form: str) -> None:
    key, _ = pair(kind)
    told("openssl", "pkcs8", "-topk8", "-nocrypt", "-in", key, "-out", "plain.key")
    told("cosign", "import-key-pair", "--key", "plain.key", "--output-key-prefix", "sealed", "-y")
    Path("bom.json").write_text('{"bomFormat":"CycloneDX","specVersion":"1.6","version":1}')
    told(
        "cosign",
        "attest",
        "--key",
        "sealed.key",
        *NO_LOG,
        form,
        "--type",
        "cyclonedx",
        "--predicate",
        "bom.json",
        name,
    )
    assert hullmark("verify", name, "--key", "sealed.pub", "--type", "sbom").returncode == 0
    _, other = pair("ed25519")
    assert hullmark("verify", name, "--key", other, "--type", "sbom").returncode == 1


def test_a_key_of_cosigns_signs_here_and_is_verified_there(name: str) -> None:
    told("cosign", "generate-key-pair")
    attested(name, "cosign.key")
    for each in TYPES:
        cosign_verifies(name, "cosign.pub", each)
