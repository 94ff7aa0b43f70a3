"""The program as its user runs it, and small OCI layouts to run it on."""

import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "demo"
AS_OF = "2026-01-01T00:00:00Z"


def dpkg_status(*packages: tuple[str, str]) -> bytes:
    return b"".join(
        f"Package: {name}\nStatus: install ok installed\nVersion: {version}\nArchitecture: amd64\n\n".encode()
        for name, version in packages
    )


def layer(files: dict[str, bytes], mode: int = 0o644) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, body in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            info.mode = mode
            tar.addfile(info, io.BytesIO(body))
    return gzip.compress(out.getvalue(), 1, mtime=0)


def write_layout(folder: Path, layers: list[bytes], labels: dict[str, str] | None = None) -> list[str]:
    """Write an OCI layout; give the layers' digests."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)

    def blob(body: bytes, media_type: str) -> dict[str, Any]:
        digest = hashlib.sha256(body).hexdigest()
        (blobs / digest).write_bytes(body)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(body)}

    found = [blob(body, "application/vnd.oci.image.layer.v1.tar+gzip") for body in layers]
    config = {
        "os": "linux",
        "architecture": "amd64",
        "config": {"Labels": labels or {}},
        "rootfs": {
            "type": "layers",
            "diff_ids": ["sha256:" + hashlib.sha256(gzip.decompress(b)).hexdigest() for b in layers],
        },
        "history": [{"created_by": f"STEP {number}"} for number in range(len(layers))],
    }
    described = blob(json.dumps(config).encode(), "application/vnd.oci.image.config.v1+json")
    kind = "application/vnd.oci.image.manifest.v1+json"
    manifest = {"schemaVersion": 2, "mediaType": kind, "config": described, "layers": found}
    root = blob(json.dumps(manifest).encode(), kind)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [root]}))
    return [str(entry["digest"]) for entry in found]


def environment(cache: Path, **more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HULLMARK_PATTERNS_DIR") if name in os.environ}
    own = {"HOME": str(cache.parent), "HULLMARK_CACHE_DIR": str(cache), "LC_ALL": "C.UTF-8"}
    if "HULLMARK_DB_MIRROR" not in more:
        own["HULLMARK_SCAN_OFFLINE"] = "true"  # nothing is fetched from publishers in a test
    return {**kept, **own, **more}


def start(cache: Path, *arguments: str, new_session: bool = False, **more: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "hullmark", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(cache, **more),
        start_new_session=new_session,
    )


def run(
    cache: Path, *arguments: str, stdin: bytes = b"", **more: str
) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-m", "hullmark", *arguments],
        input=stdin,
        capture_output=True,
        check=False,
        timeout=120,
        env=environment(cache, **more),
    )


def report(done: "subprocess.CompletedProcess[bytes]") -> Any:
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def names(document: Any) -> list[str]:
    return sorted(component["name"] for component in document["packages"])
