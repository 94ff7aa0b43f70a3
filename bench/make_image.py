"""Build the benchmark image: an OCI layout of four gzip layers made of this machine's own files.

    python bench/make_image.py DIR [--megabytes 2500] [--entries 156000] [--roots /usr …]

Files are taken in sorted order, the very largest left out, and dealt to the layers in runs, so that the image
looks like a real one: a distribution with its package database, language run-times, tools. Bytes and modes are
the files' own.
"""

import argparse
import hashlib
import json
import os
import subprocess
import tarfile
from pathlib import Path

JARS = (".jar", ".war", ".ear")
"""Left out: one of the peers refuses to read any without an index that it must download."""


def files(roots: list[Path], entries: int, size: int) -> list[Path]:
    """Take that many entries of the machine's files, and leave out the largest until they are of that size."""
    found: list[tuple[int, Path]] = []
    for root in roots:
        for folder, folders, names in os.walk(root):
            folders.sort()
            for name in [*folders, *(name for name in sorted(names) if not name.endswith(JARS))]:
                path = Path(folder, name)
                if path.is_symlink() or path.is_dir() or path.is_file():
                    plain = path.is_file() and not path.is_symlink()
                    found.append((path.lstat().st_size if plain else 0, path))
            if len(found) > entries:
                break
    found = found[:entries]
    total = sum(weight for weight, _ in found)
    dropped = set()
    for weight, path in sorted(found, reverse=True):
        if total <= size:
            break
        dropped.add(path)
        total -= weight
    return [path for _, path in found if path not in dropped]


def _whole_seconds(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.mtime = int(info.mtime)
    return info


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--megabytes", type=int, default=2500)
    parser.add_argument("--entries", type=int, default=156_000)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--level", type=int, default=6)
    parser.add_argument(
        "--roots",
        nargs="*",
        type=Path,
        default=[Path("/etc"), Path("/var/lib/dpkg"), Path("/usr"), Path("/opt"), Path.home()],
    )
    options = parser.parse_args()
    found = files(
        [root for root in options.roots if root.exists()], options.entries, options.megabytes * 10**6
    )
    blobs = options.folder / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    # deal the paths by bytes, so that the layers take about the same time
    weights = [
        1024 + (path.lstat().st_size if path.is_file() and not path.is_symlink() else 0) for path in found
    ]
    share, groups, filled = sum(weights) / options.layers, [[]], 0
    for path, weight in zip(found, weights, strict=True):
        if filled > share * len(groups):
            groups.append([])
        groups[-1].append(path)
        filled += weight
    layers, diff_ids = [], []
    for number, group in enumerate(groups):
        plain = options.folder / f"layer-{number}.tar"
        with tarfile.open(plain, "w", format=tarfile.PAX_FORMAT) as archive:
            for path in group:
                # image builders write whole seconds, so that an entry needs no pax header
                archive.add(path, arcname=str(path).lstrip("/"), recursive=False, filter=_whole_seconds)
        diff_ids.append("sha256:" + hashlib.sha256(plain.read_bytes()).hexdigest())
        subprocess.run(["gzip", f"-{options.level}", "-n", "-f", str(plain)], check=True)
        packed = plain.with_suffix(".tar.gz")
        digest = hashlib.sha256(packed.read_bytes()).hexdigest()
        layers.append(
            {
                "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                "digest": f"sha256:{digest}",
                "size": packed.stat().st_size,
            }
        )
        packed.rename(blobs / digest)

    def blob(document: object, media_type: str) -> dict[str, object]:
        body = json.dumps(document, sort_keys=True).encode()
        digest = hashlib.sha256(body).hexdigest()
        (blobs / digest).write_bytes(body)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(body)}

    config = blob(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "history": [{"created_by": f"COPY part-{n} /"} for n in range(len(layers))],
        },
        "application/vnd.oci.image.config.v1+json",
    )
    manifest = blob(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": config,
            "layers": layers,
        },
        "application/vnd.oci.image.manifest.v1+json",
    )
    (options.folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (options.folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [manifest]}))
    print(
        f"{len(found)} entries, {sum(weights) / 1e6:.0f} MB, {sum(layer['size'] for layer in layers) / 1e6:.0f} MB compressed"
    )


if __name__ == "__main__":
    main()
