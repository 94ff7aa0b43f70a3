"""Make the demo anew: a small real image and a small real extract of advisories.

    python demo/make_demo.py FEEDS ALPINE_TAR

FEEDS is a mirror of the publishers' files (docs/reference/mirror.md), ALPINE_TAR a `docker save` of alpine:3.10.
The image is that Alpine with an application on top: real, old, vulnerable releases from PyPI and npm. The
extract holds what the publishers say of just these packages, byte for byte where it is OSV.
"""

import gzip
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
PYTHON = ("Jinja2==2.10", "urllib3==1.24.1", "requests==2.19.1")
NODE = ("marked@0.3.5", "negotiator@0.5.3", "ms@0.7.0")
NAMES = {"PyPI": {"jinja2", "urllib3", "requests"}, "npm": {"marked", "negotiator", "ms"}}
ALPINE = {"apk-tools", "busybox", "musl", "openssl", "zlib"}
# The extract of secdb at hand ends in June 2020. These later entries for 3.10 and the dates in eol/ were written
# down from memory and were not compared with the publishers' files: check them before they are relied on.
LATER = {
    "apk-tools": {"2.10.6-r0": ["CVE-2021-30139"]},
    "busybox": {"1.30.1-r5": ["CVE-2021-28831"]},
    "musl": {"1.1.22-r4": ["CVE-2020-28928"]},
    "openssl": {
        "1.1.1k-r0": ["CVE-2021-3449", "CVE-2021-3450"],
        "1.1.1j-r0": ["CVE-2021-23839", "CVE-2021-23840", "CVE-2021-23841"],
        "1.1.1i-r0": ["CVE-2020-1971"],
        "1.1.1g-r0": ["CVE-2020-1967"],
    },
}


def layer(root: Path, prefix: str, whiteouts: tuple[str, ...] = ()) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(root.rglob("*")):
            info = tar.gettarinfo(path, f"{prefix}/{path.relative_to(root)}")
            info.uid = info.gid = 0
            info.uname = info.gname = ""
            info.mtime = 1_600_000_000
            if path.is_file() and not path.is_symlink():
                with path.open("rb") as file:
                    tar.addfile(info, file)
            else:
                tar.addfile(info)
        for name in whiteouts:
            tar.addfile(tarfile.TarInfo(name))
    return out.getvalue()


def make_image(alpine: Path) -> None:
    with tarfile.open(alpine) as saved:
        names = saved.getnames()
        base = saved.extractfile(next(name for name in names if name.endswith("layer.tar"))).read()
        config = json.load(saved.extractfile(json.load(saved.extractfile("manifest.json"))[0]["Config"]))
    with tempfile.TemporaryDirectory() as scratch:
        site, modules = Path(scratch, "python"), Path(scratch, "node")
        subprocess.run(
            [
                sys.executable,
                "-m",
                "pip",
                "install",
                "-q",
                "--no-deps",
                "--no-compile",
                "--target",
                site,
                *PYTHON,
            ],
            check=True,
        )
        modules.mkdir()
        empty = Path(scratch, "empty")
        empty.mkdir()
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--prefix", modules, *NODE], check=True)
        tree = modules / "node_modules"
        layers = [
            base,
            layer(site, "opt/app/site-packages"),
            layer(tree, "opt/app/node_modules"),
            layer(empty, "", ("opt/app/node_modules/.wh.ms", "opt/app/node_modules/.wh..package-lock.json")),
        ]
    blobs: dict[str, bytes] = {}

    def blob(body: bytes, media_type: str) -> dict[str, object]:
        digest = hashlib.sha256(body).hexdigest()
        blobs[digest] = body
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(body)}

    descriptors = [
        blob(gzip.compress(body, 9, mtime=0), "application/vnd.oci.image.layer.v1.tar+gzip")
        for body in layers
    ]
    config["rootfs"]["diff_ids"] = ["sha256:" + hashlib.sha256(body).hexdigest() for body in layers]
    config["history"] = [
        {"created_by": "FROM alpine:3.10"},
        {"created_by": "RUN pip install " + " ".join(PYTHON)},
        {"created_by": "RUN npm install " + " ".join(NODE)},
        {"created_by": "RUN rm -r node_modules/ms node_modules/.package-lock.json"},
    ]
    config_blob = blob(
        json.dumps(config, sort_keys=True).encode(), "application/vnd.oci.image.config.v1+json"
    )
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config_blob,
        "layers": descriptors,
    }
    root = blob(json.dumps(manifest, sort_keys=True).encode(), manifest["mediaType"])
    root["annotations"] = {"org.opencontainers.image.ref.name": "demo"}
    files = {
        "oci-layout": b'{"imageLayoutVersion": "1.0.0"}',
        "index.json": json.dumps({"schemaVersion": 2, "manifests": [root]}, sort_keys=True).encode(),
        **{f"blobs/sha256/{digest}": body for digest, body in sorted(blobs.items())},
    }
    with tarfile.open(HERE / "image.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, body in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))


def make_feeds(feeds: Path) -> None:
    target = HERE / "feeds"
    for name, packages in NAMES.items():
        folder = target / "osv" / name
        folder.mkdir(parents=True, exist_ok=True)
        with (
            zipfile.ZipFile(feeds / "osv" / name / "all.zip") as source,
            zipfile.ZipFile(folder / "all.zip", "w", zipfile.ZIP_DEFLATED) as out,
        ):
            for member in sorted(source.namelist()):
                body = source.read(member)
                affected = json.loads(body).get("affected", [])
                if any(entry.get("package", {}).get("name", "").lower() in packages for entry in affected):
                    out.writestr(zipfile.ZipInfo(member), body)
    secdb = json.loads((feeds / "alpine-secdb/v3.10/main.json").read_bytes())
    secdb["packages"] = [entry for entry in secdb["packages"] if entry["pkg"]["name"] in ALPINE]
    known = {entry["pkg"]["name"]: entry["pkg"] for entry in secdb["packages"]}
    for name, fixes in LATER.items():
        package = known.get(name)
        if package is None:
            package = {"name": name, "secfixes": {}}
            secdb["packages"].append({"pkg": package})
        package["secfixes"] = {**fixes, **package["secfixes"]}
    folder = target / "alpine-secdb/v3.10"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "main.json").write_text(json.dumps(secdb, indent=1) + "\n")
    (target / "eol").mkdir(exist_ok=True)
    cycles = [
        {"cycle": "3.11", "releaseDate": "2019-12-19", "eol": "2021-11-01", "latest": "3.11.13"},
        {"cycle": "3.10", "releaseDate": "2019-06-19", "eol": "2021-05-01", "latest": "3.10.9"},
    ]
    (target / "eol/alpine.json").write_text(json.dumps(cycles, indent=1) + "\n")


if __name__ == "__main__":
    make_feeds(Path(sys.argv[1]))
    make_image(Path(sys.argv[2]))
