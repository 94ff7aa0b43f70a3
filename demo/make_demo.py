"""Make the demo anew, and prove it: a small real image and a small real extract of advisories.

    python demo/make_demo.py feeds FEEDS         # cut demo/feeds
    python demo/make_demo.py image ALPINE_TAR    # build demo/image.tar (needs pip's and npm's registries)
    python demo/make_demo.py check [FEEDS]       # does each finding rest on a record of its source, byte for byte?

FEEDS is a mirror of the publishers' files (docs/reference/mirror.md), ALPINE_TAR a `docker save` of alpine:3.10.
demo/README.md names the origin, date and licence of each file. Nothing in the extract is written by hand: records
are copied as bytes, and only what stands between them (brackets, commas) is made here.
"""

import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SECDB = HERE / "sources/vuln-list/alpine/3.10/main"
PRODUCT = HERE / "sources/endoflife.date/products/alpine-linux.md"
PYTHON = ("Jinja2==2.10", "urllib3==1.24.1", "requests==2.19.1")
NODE = ("jquery@3.4.1", "marked@0.3.5", "negotiator@0.5.3", "ms@0.7.0")
NAMES = {"PyPI": {"jinja2", "urllib3", "requests"}, "npm": {"jquery", "marked", "negotiator", "ms"}}
ALPINE = "alpine-secdb/v3.10/main.json"
EOL = "eol/alpine.json"
KEV = "kev/known_exploited_vulnerabilities.json"

# A file of vuln-list is one package of the database, with the head of the whole document behind it.
_PACKAGE = re.compile(r'\{\n(  "name": .*?\n  \}),\n(  "apkurl": .*)\n\}', re.DOTALL)
_KEV_ENTRY = re.compile(r"^        \{\n.*?^        \}", re.DOTALL | re.MULTILINE)
_RELEASE = re.compile(r'^  - releaseCycle: "([^"]+)"\n((?:    .*\n)+)', re.MULTILINE)
_FIELD = re.compile(r'^    (\w+): "?([^"\n]*)"?$', re.MULTILINE)


# ---- the advisories ----


def make_feeds(feeds: Path) -> None:
    """Write demo/feeds: what the publishers say of just the packages in the image."""
    known = set(re.findall(r"CVE-\d{4}-\d+", secdb()))
    for name in NAMES:
        bodies = dict(osv(feeds, name))
        path = HERE / "feeds/osv" / name / "all.zip"
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
            for member, body in bodies.items():
                out.writestr(zipfile.ZipInfo(member), body, zipfile.ZIP_DEFLATED)
                record = json.loads(body)
                known.update([record["id"], *record.get("aliases", [])])
    for place, text in (
        (ALPINE, secdb()),
        (EOL, end_of_life()),
        (KEV, kev(feeds, known)),
    ):
        path = HERE / "feeds" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def osv(feeds: Path, ecosystem: str) -> Iterator[tuple[str, bytes]]:
    """Give the records of an ecosystem that name a package of the image, whole."""
    with zipfile.ZipFile(feeds / "osv" / ecosystem / "all.zip") as source:
        for member in sorted(source.namelist()):
            body = source.read(member)
            affected = json.loads(body).get("affected", [])
            if any(
                entry.get("package", {}).get("name", "").lower() in NAMES[ecosystem] for entry in affected
            ):
                yield member, body


def secdb() -> str:
    """Give Alpine's document for 3.10, put together again from one file a package."""
    found = [_PACKAGE.fullmatch(path.read_text()) for path in sorted(SECDB.glob("*.json"))]
    matches = [match for match in found if match is not None]
    heads = {match[2] for match in matches}
    if len(matches) != len(found) or len(heads) != 1:
        sys.exit(f"the files in {SECDB} are not of one document")
    packages = ",\n".join(f'{{"pkg": {{\n{match[1]}\n}}}}' for match in matches)
    return f'{{\n{heads.pop()},\n  "packages": [\n{packages}\n]\n}}\n'


def kev(feeds: Path, known: set[str]) -> str:
    """Give CISA's catalogue with the entries of the known flaws alone; its own `count` stays as it was."""
    text = catalogue(feeds)
    entries = list(_KEV_ENTRY.finditer(text))
    kept = [entry[0] for entry in entries if json.loads(entry[0])["cveID"] in known]
    return text[: entries[0].start()] + ",\n".join(kept) + text[entries[-1].end() :]


def catalogue(feeds: Path) -> str:
    plain, packed = feeds / KEV, feeds / f"{KEV}.gz"
    return (plain.read_bytes() if plain.exists() else gzip.decompress(packed.read_bytes())).decode()


def end_of_life() -> str:
    """Give the releases of endoflife.date's page on Alpine in the form of its interface, `/api/alpine.json`."""
    cycles = [{"cycle": name, **dict(_FIELD.findall(block))} for name, block in releases()]
    return json.dumps(cycles, indent=1) + "\n"


def releases() -> list[tuple[str, str]]:
    return _RELEASE.findall(PRODUCT.read_text())


# ---- the proof ----


def check(feeds: Path | None) -> None:
    """Look for the record behind each finding, and compare the extract with the files that it was cut from.

    The sources of OSV and KEV are too large to travel along: they are compared where a mirror is given. Ends with
    an error that names the first part of the extract, or the first finding, that does not stand in its source.
    """
    _require((HERE / "feeds" / ALPINE).read_text() == secdb(), f"{ALPINE} is not what its sources say")
    _require((HERE / "feeds" / EOL).read_text() == end_of_life(), f"{EOL} is not what its source says")
    if feeds is not None:
        _compare(feeds)
    found = scan()["findings"]
    exploited = {
        json.loads(entry)["cveID"] for entry in _KEV_ENTRY.findall((HERE / "feeds" / KEV).read_text())
    }
    for finding in found:
        for item in finding["evidence"] or [{"feed": "eol"}]:
            _require(
                _stands(item, finding), f"no record of {item['feed']}: {finding['id']} in {finding['name']}"
            )
        _require(
            (finding["kev"] is not None) == (finding["id"] in exploited), f"{finding['id']} and KEV disagree"
        )
    compared = "" if feeds is not None else "; OSV and KEV were not compared with a mirror"
    sys.stdout.write(f"{len(found)} findings, each with its record{compared}\n")


def _compare(feeds: Path) -> None:
    for name in NAMES:
        with zipfile.ZipFile(HERE / "feeds/osv" / name / "all.zip") as extract:
            bodies = {member: extract.read(member) for member in extract.namelist()}
        _require(bodies == dict(osv(feeds, name)), f"the records of {name} differ from their source")
    whole = catalogue(feeds)
    for entry in _KEV_ENTRY.findall((HERE / "feeds" / KEV).read_text()):
        _require(entry in whole, f"not in the catalogue: {entry}")


def _stands(evidence: dict[str, Any], finding: dict[str, Any]) -> bool:
    """Look for a record in demo/feeds; those of OSV were compared with their source as files."""
    if evidence["feed"] == "osv":
        ecosystem = {"osv-pypi": "PyPI", "osv-npm": "npm"}[evidence["part"]]
        with zipfile.ZipFile(HERE / "feeds/osv" / ecosystem / "all.zip") as extract:
            return f"{evidence['record']}.json" in extract.namelist()
    if evidence["feed"] == "alpine":
        document = (HERE / "feeds" / ALPINE).read_text()
        fix = re.compile(
            rf'^    "{re.escape(finding["fixed_version"])}": \[[^\]]*"{evidence["record"]}"', re.MULTILINE
        )
        records = [
            match[1] for path in SECDB.glob("*.json") if (match := _PACKAGE.fullmatch(path.read_text()))
        ]
        return any(fix.search(record) and record in document for record in records)
    if evidence["feed"] == "eol":
        release = finding["id"].rpartition("-")[2]
        cycles = json.loads((HERE / "feeds" / EOL).read_text())
        ends = {cycle["cycle"]: cycle["eol"] for cycle in cycles}
        return f"    eol: {ends[release]}\n" in dict(releases())[release]
    return False


def scan() -> dict[str, Any]:
    """Scan demo/image.tar against demo/feeds; give the report."""
    with tempfile.TemporaryDirectory() as cache:
        hullmark = [sys.executable, "-m", "hullmark"]
        environment = {**os.environ, "HULLMARK_CACHE_DIR": cache}
        build = [*hullmark, "db", "build", "--quiet", "--from", str(HERE / "feeds")]
        subprocess.run(build, check=True, env=environment)
        command = [*hullmark, "scan", str(HERE / "image.tar"), "--quiet", "--format", "json"]
        done = subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE)
        report: dict[str, Any] = json.loads(done.stdout)
        return report


def _require(condition: object, message: str) -> None:
    if not condition:
        sys.exit(message)


# ---- the image ----


def make_image(alpine: Path) -> None:
    """Write demo/image.tar: `app`, and `alpine-3.10` beside it, whose one layer is the lowest of `app`."""
    with tarfile.open(alpine) as saved:
        manifest = json.loads(_read(saved, "manifest.json"))[0]
        base = _read(saved, manifest["Layers"][0])
        base_config = _read(saved, manifest["Config"])
    config = json.loads(base_config)
    if config["rootfs"]["diff_ids"] != [_digest(base)]:
        sys.exit("the layer is not the one that its configuration names")
    layers = [base, *application()]
    config["rootfs"]["diff_ids"] = [_digest(body) for body in layers]
    config["history"] += [
        {"created_by": "RUN pip install " + " ".join(PYTHON)},
        {"created_by": "RUN npm install " + " ".join(NODE)},
        {"created_by": "RUN rm -r node_modules/ms node_modules/.package-lock.json"},
    ]
    blobs: dict[str, bytes] = {}

    def blob(body: bytes, kind: str) -> dict[str, Any]:
        digest = _digest(body)
        blobs[digest.removeprefix("sha256:")] = body
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": digest, "size": len(body)}

    packed = [blob(gzip.compress(body, 9, mtime=0), "layer.v1.tar+gzip") for body in layers]

    def image(name: str, own_config: bytes, own_layers: list[dict[str, Any]]) -> dict[str, Any]:
        document = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": blob(own_config, "config.v1+json"),
            "layers": own_layers,
        }
        entry = blob(json.dumps(document, sort_keys=True).encode(), "manifest.v1+json")
        return {**entry, "annotations": {"org.opencontainers.image.ref.name": name}}

    images = [
        image("app", json.dumps(config, sort_keys=True).encode(), packed),
        image("alpine-3.10", base_config, packed[:1]),
    ]
    files = {
        "oci-layout": b'{"imageLayoutVersion": "1.0.0"}',
        "index.json": json.dumps({"schemaVersion": 2, "manifests": images}, sort_keys=True).encode(),
        **{f"blobs/sha256/{digest}": body for digest, body in sorted(blobs.items())},
    }
    with tarfile.open(HERE / "image.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, body in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))


def application() -> Iterator[bytes]:
    """Give the layers above Alpine: old releases from PyPI and npm, and one taken away again."""
    with tempfile.TemporaryDirectory() as scratch:
        site, modules, empty = Path(scratch, "python"), Path(scratch, "node"), Path(scratch, "empty")
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-compile"]
        subprocess.run([*pip, "--target", site, *PYTHON], check=True)
        yield layer(site, "opt/app/site-packages")
        modules.mkdir()
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--prefix", modules, *NODE], check=True)
        yield layer(modules / "node_modules", "opt/app/node_modules")
        empty.mkdir()
        yield layer(empty, "", ("opt/app/node_modules/.wh.ms", "opt/app/node_modules/.wh..package-lock.json"))


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


def _read(saved: tarfile.TarFile, name: str) -> bytes:
    file = saved.extractfile(name)
    if file is None:
        sys.exit(f"{name} is no file")
    return file.read()


def _digest(body: bytes) -> str:
    return "sha256:" + hashlib.sha256(body).hexdigest()


def main(action: str, *places: str) -> None:
    if action == "check":
        check(Path(*places) if places else None)
    else:
        {"feeds": make_feeds, "image": make_image}[action](Path(*places))


if __name__ == "__main__":
    main(*sys.argv[1:])
