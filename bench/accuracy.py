"""Compare the package list of Hullmark with those of Trivy and Syft, image by image.

    python bench/accuracy.py DIR [NAME …] [--json FILE] [--show all]

DIR holds OCI layouts (bench/images.py). Each image is listed by `hullmark scan`, by `trivy image` and
`syft oci-dir:` as they are for images, and once more with all that the peers can do: Syft with all its
catalogers, and `trivy fs` over the merged tree, development dependencies included. Trivy needs no database
for that, but an index of jars; it gets an empty one. A package is its purl's type, name and version, normalised
(`normal`); what an OS package of ours `provides` counts as listed.

Every package that a peer lists and Hullmark does not must have its reason in RULES, whose keys are headings of
docs/accuracy.md; one without a reason is printed, and the exit code is 1. So it is where something could not be read,
and where a package of the image `multilayer` is not in the layer that brought it.
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

from images import TRUTH, multilayer

Key = tuple[str, str, str]
"""Type, name and version, normalised."""

SYSTEM = {"deb", "rpm", "apk", "alpm"}
TYPES = {"rust-crate": "cargo", "python": "pypi", "go-module": "golang", "java-archive": "maven"}
"""Syft's types, for packages to which it gives no purl."""

PEERS = ("trivy", "syft", "trivy fs", "syft all")
COLUMNS = (
    "hullmark", "provided", "trivy", "syft", "as for images", "missing of these",
    "trivy fs", "syft all", "union", "missing", "unexplained", "only",
)  # fmt: skip
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
    elif kind == "pear":
        name = name.rpartition("/")[2]
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
    """List with Hullmark: the packages, those that an OS package provides, and what is wrong: unread files, wrong layers."""
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
    wrong = [f"unread {error.get('path', '')}: {error['reason']}" for error in report["errors"]]
    if image.name == multilayer.__name__:
        known = {normal(package["purl"]): package["locations"][0]["layer"] for package in report["packages"]}
        # what the truth does not name is Alpine's own
        truth = {
            (kind, name, version): TRUTH.get((kind, name, version), 0) for kind, name, version in known
        } | TRUTH
        wrong += [
            f"wrong layer of {key}: {known.get(key)}, not {truth[key]}"
            for key in truth
            if known.get(key) != truth[key]
        ]
    return own, provided, wrong


def jar_index(cache: Path) -> None:
    """Give Trivy's cache an empty index of jars, without which it reads none."""
    index = cache / "java-db"
    if not index.exists():
        index.mkdir(parents=True)
        with sqlite3.connect(index / "trivy-java.db") as database:
            for statement in JAR_INDEX:
                database.execute(statement)
        times = {"NextUpdate": NEVER, "UpdatedAt": NEVER, "DownloadedAt": NEVER}
        (index / "metadata.json").write_text(json.dumps({"Version": 1, **times}))


def trivy(mode: str, target: tuple[str | Path, ...], scratch: Path) -> Listing:
    """List with Trivy, which needs no advisory database to write an SBOM."""
    jar_index(scratch / "trivy")
    document = printed(
        "trivy", mode, "-q", "--format", "cyclonedx", "--offline-scan", "--skip-db-update", "--skip-java-db-update",
        *(["--include-dev-deps"] if mode == "fs" else []), *target, TRIVY_CACHE_DIR=str(scratch / "trivy"),
    )  # fmt: skip
    components = document.get("components") or ()
    needs = {entry["ref"]: entry.get("dependsOn") or () for entry in document.get("dependencies") or ()}
    files: dict[str, str] = {}  # a lock file is a component of its own, on which its packages hang
    for component in components:
        waiting = [component["bom-ref"]] if component["type"] == "application" else []
        while waiting:
            reference = waiting.pop()
            if reference not in files:
                files[reference] = component["name"]
                waiting.extend(needs.get(reference, ()))
    found: Listing = {}
    for component in components:
        if "purl" in component:
            said = {
                entry["name"].rpartition(":")[2]: entry["value"] for entry in component.get("properties", ())
            }
            path = said.get("FilePath") or files.get(component["bom-ref"], "")
            found[normal(component["purl"])] = Seen(path, said.get("PkgType", ""))
    return found


def syft(image: Path, *options: str) -> Listing:
    """List with Syft. What has no purl is named as Syft names its type."""
    report = printed(
        "syft", f"oci-dir:{image}", "-q", "-o", "json", *options, SYFT_CHECK_FOR_APP_UPDATE="false"
    )
    found: Listing = {}
    for package in report["artifacts"]:
        kind = TYPES.get(package["type"], package["type"])
        purl = package["purl"] or f"pkg:{kind}/{package['name']}@{package['version']}"
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


class Missing(NamedTuple):
    """A package that is not in our list: who lists it, our list to look in for it under another name, the merged tree."""

    kind: str
    name: str
    version: str
    by: dict[str, Seen]
    ours: Listing
    root: Path

    def found_by(self, *catalogers: str) -> bool:
        """Tell whether only these catalogers list it."""
        return all(seen.how in catalogers for seen in self.by.values())

    def stands_in(self, *endings: str) -> bool:
        """Tell whether every list has it from such files."""
        return all(seen.path.endswith(endings) for seen in self.by.values())


OWN_LOCKS = ("uv.lock", "poetry.lock", "yarn.lock", "pom.xml", "package-lock.json", "pnpm-lock.yaml")


def _is_no_version(one: Missing) -> bool:
    return one.version in {"", "UNKNOWN", "(devel)", "0.0.0-use.local"}


def _is_other_name(one: Missing) -> bool:
    """Tell whether our list has the same thing, of the same version, under another name."""
    plain = one.version.partition("+")[0]
    artifact = one.name.rpartition(":")[2]
    same: dict[str, tuple[Key, ...]] = {
        "dotnet": (("nuget", one.name, one.version),),
        "nuget": (("nuget", one.name, one.version.removesuffix(".0")),),  # a file's version has four numbers
        "generic": (("golang", "toolchain", plain), ("generic", "openjdk", plain)),
    }
    if one.kind == "maven":
        return any(
            kind == "maven" and name.rpartition(":")[2] == artifact and version == one.version
            for kind, name, version in one.ours
        )
    return any(key in one.ours for key in same.get(one.kind, ()))


def _is_part(one: Missing) -> bool:
    """Tell whether it is built from the same source, in the same version, as something in our list."""
    wholes = {"php-interpreter-cataloger": "php", "java-archive-cataloger": "openjdk"}
    return all(
        seen.how in wholes and ("generic", wholes[seen.how], one.version) in one.ours
        for seen in one.by.values()
    )


def _is_foreign_sbom(one: Missing) -> bool:
    files = (".spdx", ".json", "SBOM", "sbom")
    known = {kind for kind, _, _ in one.ours if kind in SYSTEM}
    return one.kind in SYSTEM and one.kind not in known and (one.stands_in(*files) or bool(known))


def _is_unbuilt(one: Missing) -> bool:
    """Tell whether a module stands in go.sum alone, beside a go.mod that lists all that the build needs (Go 1.17)."""
    folders = {(one.root / seen.path).parent for seen in one.by.values()}
    texts = [(folder / "go.mod").read_text() for folder in folders if (folder / "go.mod").exists()]
    return one.kind == "golang" and bool(texts) and not any(one.name in text for text in texts)


def _is_without_file(one: Missing) -> bool:
    """Tell whether every deps.json that names the library says that it brings no file along."""
    if not one.found_by("dotnet-deps-cataloger", "dotnet-deps-binary-cataloger"):
        return False
    for seen in one.by.values():
        targets = json.loads((one.root / seen.path).read_bytes())["targets"]
        for key, library in (entry for target in targets.values() for entry in target.items()):
            if key.casefold() == f"{one.name}/{one.version}" and library.keys() - {"dependencies"}:
                return False
    return True


def _is_runtime_assembly(one: Missing) -> bool:
    """Tell whether it is one of the shared runtime's assemblies, and the runtime is in our list."""
    known = any(key[:2] == ("nuget", "microsoft.netcore.app") for key in one.ours)
    shared = all("/shared/Microsoft.NETCore.App/" in seen.path for seen in one.by.values())
    return known and shared and one.found_by("dotnet-portable-executable-cataloger")


RULES: tuple[tuple[str, Callable[[Missing], bool]], ...] = (
    ("Without a version", _is_no_version),
    ("The project itself", lambda one: one.stands_in(*OWN_LOCKS) and one.name in {"app", "shop", "example:app"}),
    ("Another name for the same", _is_other_name),
    ("A part of what is listed", _is_part),
    ("Workflows of GitHub", lambda one: one.kind == "github"),
    ("Locks inside installed packages", lambda one: one.stands_in("Gemfile.lock", "package-lock.json") and all("/gems/" in seen.path for seen in one.by.values())),
    ("Checksums of what was never built", _is_unbuilt),
    ("Windows programs", lambda one: one.found_by("pe-binary-package-cataloger")),
    ("Assemblies of the .NET runtime", _is_runtime_assembly),
    ("Libraries without a file", _is_without_file),
    ("Another system's packages", _is_foreign_sbom),
)  # fmt: skip
"""Headings of docs/accuracy.md, and which packages each of them explains."""


class Compared(NamedTuple):
    """One image: how many packages each lists, and the differences."""

    image: str
    counts: dict[str, int]
    missing: dict[Key, dict[str, Seen]]
    reasons: dict[Key, str]
    own: dict[Key, Seen]
    wrong: list[str]


def compare(image: Path, scratch: Path) -> Compared:
    """List one image with every tool and take the lists apart."""
    ours, provided, wrong = hullmark(image, scratch)
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
            one = Missing(*key, by, known, root)
            reasons[key] = next((heading for heading, explains in RULES if explains(one)), "")
    counts = {"hullmark": len(ours), "provided": len(provided.keys() - ours.keys())}
    counts |= {name: len(listing) for name, listing in peers.items()}
    plain = peers["trivy"].keys() | peers["syft"].keys()
    counts |= {"as for images": len(plain), "missing of these": len(plain - known.keys())}
    counts |= {"union": len(union), "missing": len(missing), "only": len(known.keys() - union)}
    counts["unexplained"] = sum(not reason for reason in reasons.values())
    own = {key: known[key] for key in sorted(known.keys() - union)}
    return Compared(image.name, counts, missing, reasons, own, wrong)


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
    yield from (f"  {text}" for text in compared.wrong)


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
    for result in results:  # the table of docs/accuracy.md
        print("| " + " | ".join([result.image, *(str(result.counts[name]) for name in COLUMNS)]) + " |")
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
                "wrong": result.wrong,
            }
            for result in results
        ]
        options.json.write_text(json.dumps(plain, indent=1) + "\n")
    return int(any(result.counts["unexplained"] or result.wrong for result in results))


if __name__ == "__main__":
    sys.exit(main())
