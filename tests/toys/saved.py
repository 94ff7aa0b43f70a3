"""Docker archives (`docker save`) that are built by hand."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from e2e.program import DEMO


def demo_layers() -> list[bytes]:
    """Give the layers of the demonstration's image, packed as tar files."""
    with tarfile.open(DEMO / "image.tar") as tar:

        def blob(digest: str) -> bytes:
            member = tar.extractfile("blobs/" + digest.replace(":", "/"))
            assert member is not None
            return member.read()

        index = tar.extractfile("index.json")
        assert index is not None
        document = json.loads(index.read())
        while "layers" not in document:
            document = json.loads(blob(document["manifests"][0]["digest"]))
        bodies = [blob(layer["digest"]) for layer in document["layers"]]
    return [gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body for body in bodies]


def packed(files: dict[str, bytes], mode: int = 0o644, links: dict[str, str] | None = None) -> bytes:
    """Pack a layer of files, and of symbolic links."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, body in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(body), mode
            tar.addfile(info, io.BytesIO(body))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
    return out.getvalue()


def save(
    path: Path,
    tag: str,
    layers: Sequence[bytes],
    *,
    created: str = "2025-12-01T00:00:00Z",
    config: dict[str, Any] | None = None,
    history: Sequence[dict[str, Any]] = (),
) -> str:
    """Write an image as `docker save` does, and give its path."""
    document: dict[str, Any] = {
        "os": "linux",
        "architecture": "amd64",
        "created": created,
        "config": config or {},
        "rootfs": {
            "type": "layers",
            "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers],
        },
    }
    if history:
        document["history"] = list(history)
    body = json.dumps(document).encode()
    name = f"blobs/sha256/{hashlib.sha256(body).hexdigest()}"
    blobs = [f"blobs/sha256/{hashlib.sha256(layer).hexdigest()}" for layer in layers]
    manifest = [{"Config": name, "RepoTags": [tag], "Layers": blobs}]
    files = {
        name: body,
        **dict(zip(blobs, layers, strict=True)),
        "manifest.json": json.dumps(manifest).encode(),
    }
    path.write_bytes(packed(files))
    return str(path)
