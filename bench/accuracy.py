"""Compare the package list of Hullmark with those of Trivy and Syft, image by image.

    python bench/accuracy.py DIR [NAME …] [--json FILE] [--show all]

DIR holds OCI layouts (bench/images.py). Each image is listed by `hullmark scan`, by `trivy image` and
`syft oci-dir:` as they are for images, and once more with all that the peers can do: Syft with all its
catalogers, and `trivy fs` over the merged tree, development dependencies included. Trivy needs no database
for that, but an index of jars; it gets an empty one. A package is its purl's type, name and version, normalised
(`normal`); what an OS package of ours `provides` counts as listed.

Every package that a peer lists and Hullmark does not must have its reason in RULES, whose keys are headings of
docs/accuracy.md; one without a reason is printed, and the exit code is 1.
"""

import argparse
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

Key = tuple[str, str, str]
"""Type, name and version, normalised."""

SYSTEM = {"deb", "rpm", "apk", "alpm"}
PEERS = ("trivy", "syft", "trivy fs", "syft all")
JAR_INDEX = (
    "CREATE TABLE artifacts(id INTEGER PRIMARY KEY, group_id TEXT, artifact_id TEXT)",
    "CREATE TABLE indices(artifact_id INTEGER, version TEXT, sha1 BLOB, archive_type TEXT)",
)
NEVER = "2099-01-01T00:00:00Z"


class Seen(NamedTuple):
    """A package as a tool lists it: where, and how sure the tool is."""

    path: str = ""
    how: str = ""


Listing = dict[Key, Seen]


def normal(purl: str) -> Key:
    """Take a purl apart and write its parts in one way, whichever tool wrote it."""
    body, _, query = purl.removeprefix("pkg:").partition("#")[0].partition("?")
    at = body.rfind("@", body.rfind("/") + 1)
    path, version = (body[:at], unquote(body[at + 1 :])) if at >= 0 else (body, "")
    kind, _, name = path.partition("/")
    name = unquote(name).casefold()
    epoch = dict(parse_qsl(query)).get("epoch", "0")
    if kind in SYSTEM:
        name = name.rpartition("/")[2]
        if epoch != "0" and ":" not in version:
            version = f"{epoch}:{version}"
        version = version.removeprefix("0:")
    elif kind == "pypi":
        name = re.sub(r"[-_.]+", "-", name)
    elif kind == "golang":
        version = re.sub(r"^(v|go)(?=\d)", "", version)
    elif kind == "maven":
        name = name.replace("/", ":")
    return kind, name, version


def printed(*command: str | Path, **environment: str) -> Any:
    """Run a tool that prints JSON."""
    done = subprocess.run(
        [str(word) for word in command], env={**os.environ, **environment}, capture_output=True, check=False
    )
    if done.returncode not in {0, 1} or not done.stdout:
        sys.exit(f"{command[0]}: {done.stderr.decode()[-1000:]}")
    return json.loads(done.stdout)


def hullmark(image: Path, scratch: Path) -> tuple[Listing, Listing, list[str]]:
    """List with Hullmark: the packages, those that an OS package provides, and what could not be read."""
    command = Path(sys.executable).with_name("hullmark")
    report = printed(
        command, "scan", f"oci:{image}", "--format", "json", "--offline", "--include-dev", "--quiet",
        HULLMARK_CACHE_DIR=str(scratch / "hullmark"),
    )  # fmt: skip
    own: Listing = {}
    provided: Listing = {}
    for package in report["packages"]:
        where = package["locations"][0]
        own[normal(package["purl"])] = Seen(
            where["path"], f"{where['detector']} {package.get('origin', 'installed')}"
        )
        for purl in package.get("provides", ()):
            provided[normal(purl)] = Seen(where["path"], f"provided by {package['name']}")
    return own, provided, [f"{error.get('path', '')}: {error['reason']}" for error in report["errors"]]


def trivy(mode: str, target: tuple[str | Path, ...], scratch: Path) -> Listing:
    """List with Trivy, whose licence scanner lists packages without an advisory database."""
    index = scratch / "trivy" / "java-db"
    if not index.exists():
        index.mkdir(parents=True)
        with sqlite3.connect(index / "trivy-java.db") as database:
            for statement in JAR_INDEX:
                database.execute(statement)
        times = {"NextUpdate": NEVER, "UpdatedAt": NEVER, "DownloadedAt": NEVER}
        (index / "metadata.json").write_text(json.dumps({"Version": 1, **times}))
    report = printed(
        "trivy", mode, "-q", "--format", "json", "--list-all-pkgs", "--scanners", "license", "--offline-scan",
        "--skip-db-update", "--skip-java-db-update", *(["--include-dev-deps"] if mode == "fs" else []), *target,
        TRIVY_CACHE_DIR=str(scratch / "trivy"),
    )  # fmt: skip
    found: Listing = {}
    for result in report.get("Results") or ():
        for package in result.get("Packages") or ():
            purl = (package.get("Identifier") or {}).get("PURL")
            if not purl:
                purl = f"pkg:none/{package['Name']}@{package.get('Version', '')}"
            found[normal(purl)] = Seen(package.get("FilePath") or result["Target"], result.get("Type", ""))
    return found


def syft(image: Path, *options: str) -> Listing:
    """List with Syft. What has no purl is named as Syft names its type."""
    report = printed(
        "syft", f"oci-dir:{image}", "-q", "-o", "json", *options, SYFT_CHECK_FOR_APP_UPDATE="false"
    )
    found: Listing = {}
    for package in report["artifacts"]:
        purl = package["purl"] or f"pkg:{package['type']}/{package['name']}@{package['version']}"
        where = package["locations"][0]["path"] if package["locations"] else ""
        found[normal(purl)] = Seen(where.lstrip("/"), package["foundBy"])
    return found


def flatten(image: Path, root: Path) -> None:
    """Apply an image's layers onto a folder, as a container runtime does."""
    index = json.loads((image / "index.json").read_bytes())
    manifest = json.loads((image / "blobs" / index["manifests"][0]["digest"].replace(":", "/")).read_bytes())
    for layer in manifest["layers"]:
        with tarfile.open(image / "blobs" / layer["digest"].replace(":", "/")) as tar:
            for member in tar:
                folder, _, name = member.name.rpartition("/")
                place = Path(os.path.realpath(root / folder))
                if name == ".wh..wh..opq":
                    for path in place.iterdir():
                        remove(path)
                elif name.startswith(".wh."):
                    remove(place / name.removeprefix(".wh."))
                else:
                    path = place / name
                    if path.is_symlink() or (path.exists() and not (path.is_dir() and member.isdir())):
                        remove(path)
                    tar.extract(member, root, filter=lambda info, _: info)


def remove(path: Path) -> None:
    """Remove whatever stands there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


Rule = tuple[str, Callable[[Key, dict[str, Seen], Listing], bool]]
"""A heading of docs/accuracy.md, and which packages it explains: the package, which peer saw it where, our list."""

RULES: tuple[Rule, ...] = ()


class Compared(NamedTuple):
    """One image: how many packages each lists, and the differences."""

    image: str
    counts: dict[str, int]
    missing: dict[Key, dict[str, Seen]]
    reasons: dict[Key, str]
    own: dict[Key, Seen]
    unread: list[str]


def compare(image: Path, scratch: Path) -> Compared:
    """List one image with every tool and take the lists apart."""
    ours, provided, unread = hullmark(image, scratch)
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        root = Path(folder, "root")
        root.mkdir()
        flatten(image, root)
        peers = dict(
            zip(
                PEERS,
                (
                    trivy("image", ("--input", image), scratch),
                    syft(image),
                    trivy("fs", (root,), scratch),
                    syft(image, "--override-default-catalogers", "all"),
                ),
                strict=True,
            )
        )
    known = {**provided, **ours}
    union = {key for listing in peers.values() for key in listing}
    missing = {
        key: {name: listing[key] for name, listing in peers.items() if key in listing}
        for key in sorted(union - known.keys())
    }
    reasons = {}
    for key, by in missing.items():
        reasons[key] = next((heading for heading, explains in RULES if explains(key, by, known)), "")
    counts = {"hullmark": len(ours), "provided": len(provided.keys() - ours.keys())}
    counts |= {name: len(listing) for name, listing in peers.items()}
    counts |= {"union": len(union), "missing": len(missing), "only": len(ours.keys() - union)}
    counts["unexplained"] = sum(not reason for reason in reasons.values())
    own = {key: ours[key] for key in sorted(ours.keys() - union)}
    return Compared(image.name, counts, missing, reasons, own, unread)


def lines(compared: Compared, *, everything: bool) -> Iterable[str]:
    """Say in words how the lists of one image differ."""
    yield f"{compared.image}: " + ", ".join(f"{name} {count}" for name, count in compared.counts.items())
    for key, by in compared.missing.items():
        if everything or not compared.reasons[key]:
            where = "; ".join(f"{name} ({seen.how}) in {seen.path}" for name, seen in by.items())
            yield f"  missing {' '.join(key)} – {compared.reasons[key] or 'UNEXPLAINED'} – {where}"
    for reason, count in Counter(compared.reasons.values()).items():
        yield f"  {count} × {reason or 'UNEXPLAINED'}"
    if everything:
        yield from (
            f"  only ours {' '.join(key)} ({seen.how}) in {seen.path}" for key, seen in compared.own.items()
        )
    yield from (f"  unread {text}" for text in compared.unread)


def main() -> int:
    """Compare images, print the differences, and tell by the exit code whether all are explained."""
    parser = argparse.ArgumentParser(description="Compare package lists with those of Trivy and Syft.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--show", choices=("unexplained", "all"), default="unexplained")
    options = parser.parse_args()
    names = options.names or sorted(
        path.name for path in options.folder.iterdir() if (path / "index.json").exists()
    )
    results = []
    with tempfile.TemporaryDirectory(prefix="accuracy-") as scratch:
        for name in names:
            results.append(compare(options.folder / name, Path(scratch)))
            print("\n".join(lines(results[-1], everything=options.show == "all")), flush=True)
    if options.json:
        plain = [
            {
                "image": result.image,
                "counts": result.counts,
                "missing": [
                    {
                        "package": key,
                        "reason": result.reasons[key],
                        "seen_by": {name: seen._asdict() for name, seen in by.items()},
                    }
                    for key, by in result.missing.items()
                ],
                "only_hullmark": [{"package": key, **seen._asdict()} for key, seen in result.own.items()],
                "unread": result.unread,
            }
            for result in results
        ]
        options.json.write_text(json.dumps(plain, indent=1) + "\n")
    return int(any(result.counts["unexplained"] for result in results))


if __name__ == "__main__":
    sys.exit(main())
