"""The search for secrets beside Kingfisher, gitleaks and Trivy, and lint beside Hadolint: whole processes in turn.

    python bench/secrets.py TREE [--image DIR] [--work DIR] [--rounds 3] [--kingfisher FILE] [--gitleaks FILE] [--hadolint FILE]

TREE is a plain folder (site-packages, Go's standard library, a node_modules: half a gigabyte or more), `--image` an OCI layout as
bench/make_image.py makes one. Writes bench/secrets.json and a section of bench/RESULTS.md. A program that is not there is left out.
"""

import argparse
import datetime as dt
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from run import HERE, installed, peer, put_section, timed

TITLE = "Secrets and lint"
DOCKERFILE = """FROM ubuntu:focal-20200423
USER root
RUN curl http://my.service/?auth=ABD54F0356FA0054
EXPOSE 80/tcp
EXPOSE 22/tcp
ENTRYPOINT ["/main"]
"""
FLOOR = """
import hashlib, os, sys
from isal import isal_zlib
files = sorted(sys.argv[1:], key=os.path.getsize)
children = []
for first in range(2):
    if (child := os.fork()) == 0:
        for name in files[first::2]:
            inflated, digest = isal_zlib.decompressobj(31), hashlib.sha256()
            with open(name, "rb") as file:
                while piece := file.read(131072):
                    digest.update(piece)
                    inflated.decompress(piece)
        os._exit(0)
    children.append(child)
for child in children:
    os.waitpid(child, 0)
"""
"""Inflates and hashes an image's layers in two processes, and does nothing else: what any search of them costs at least."""
Runs = dict[str, list[dict[str, float]]]


def measure(options: argparse.Namespace, work: Path) -> Runs:
    """Run all commands in turn, round after round; the slowest (gitleaks, Trivy's first) as often as the others."""
    program = str(installed(work))
    dockerfile = work / "Dockerfile"
    dockerfile.write_text(DOCKERFILE)
    tree, image = f"dir:{options.tree}", f"oci:{options.image}"
    secret = [program, "scan", tree, "--scanners", "secret", "--offline", "--quiet"]
    both = [program, "scan", image, "--scanners", "vuln,secret", "--offline", "--quiet"]
    asked: dict[str, list[str]] = {"hullmark cold": secret, "hullmark warm": secret}
    if options.kingfisher:
        scan = [
            options.kingfisher,
            "scan",
            str(options.tree),
            "--no-validate",
            "--no-update-check",
            "--format",
            "json",
        ]
        asked["kingfisher cold"] = asked["kingfisher warm"] = [*scan, "-o", str(work / "kingfisher.json")]
    if options.gitleaks:
        report = ["--no-banner", "--exit-code", "0", "-f", "json", "-r", str(work / "gitleaks.json")]
        asked["gitleaks"] = [options.gitleaks, "dir", str(options.tree), *report]
    if options.image:
        asked["hullmark image cold"] = asked["hullmark image"] = both
        asked["inflating alone"] = [sys.executable, "-c", FLOOR, *layers(options.image)]
        listing = [
            "image",
            "--scanners",
            "secret",
            "--format",
            "json",
            "--offline-scan",
            "-q",
            "-o",
            str(work / "trivy.json"),
        ]
        asked["trivy image"] = [
            peer("trivy"),
            *listing,
            "--skip-version-check",
            "--input",
            str(options.image),
        ]
    asked["hullmark lint"] = [program, "lint", str(dockerfile)]
    if options.hadolint:
        asked["hadolint"] = [options.hadolint, "--no-fail", str(dockerfile)]
    built = [program, "db", "build", "--quiet", "--from", str(HERE.parent / "demo" / "feeds")]
    subprocess.run(built, check=True, env={**os.environ, "HULLMARK_DB_DIR": str(work / "db")})
    runs: Runs = {name: [] for name in asked}
    most: dict[str, float] = {}
    for number in range(options.rounds + 1):
        shutil.rmtree(work / "home", ignore_errors=True)
        (work / "home").mkdir()
        for name, command in asked.items():
            run = once(name, command, work, memory=number == 0)
            if number:
                runs[name].append({**run, "memory_mb": most[name]})
            else:  # which is for the memory alone: to look at it takes time
                most[name] = run["memory_mb"]
    return runs


def layers(image: Path) -> list[str]:
    """Give the files of a layout's layers."""
    blobs = image / "blobs" / "sha256"
    (manifest,) = json.loads((image / "index.json").read_bytes())["manifests"]
    found = json.loads((blobs / manifest["digest"][7:]).read_bytes())["layers"]
    return [str(blobs / layer["digest"][7:]) for layer in found]


def once(name: str, command: list[str], work: Path, *, memory: bool) -> dict[str, float]:
    """Run a command that may end with what it found; of an image all but the compiled patterns is forgotten before."""
    cache = work / "home" / "cache"
    if name == "hullmark image":
        for folder in cache.iterdir():
            if folder.name != "index":
                shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
    elif name == "hullmark image cold":
        shutil.rmtree(cache, ignore_errors=True)
    shutil.rmtree(work / "trivy", ignore_errors=True)
    found = [
        "sh",
        "-c",
        '"$@"; code=$?; case $code in 0|1|200|205) exit 0;; *) exit $code;; esac',
        "sh",
        *command,
    ]
    return timed(
        found,
        memory=memory,
        HOME=str(work / "home"),
        HULLMARK_CACHE_DIR=str(cache),
        HULLMARK_DB_DIR=str(work / "db"),
        TRIVY_CACHE_DIR=str(work / "trivy"),
    )


def ratio(runs: Runs, one: str, other: str, what: str = "wall") -> float:
    return statistics.median(a[what] / b[what] for a, b in zip(runs[one], runs[other], strict=True))


def bars(runs: Runs) -> list[tuple[str, str, str, bool]]:
    """Give each bar: what, the bound, what was measured, and whether it is met."""
    asked = [
        ("folder, patterns in both caches, faster than Kingfisher", 2.0, "kingfisher warm", "hullmark warm"),
        ("folder, empty caches, faster than Kingfisher", 2.0, "kingfisher cold", "hullmark cold"),
        ("folder, faster than gitleaks", 10.0, "gitleaks", "hullmark warm"),
        (
            "image, packages and secrets, faster than Trivy's secrets alone",
            5.0,
            "trivy image",
            "hullmark image",
        ),
        ("the same, patterns not compiled before", 5.0, "trivy image", "hullmark image cold"),
    ]
    found = []
    for what, bound, slow, fast in asked:
        if slow in runs and fast in runs:
            got = ratio(runs, slow, fast)
            cpu = ratio(runs, slow, fast, "cpu")
            found.append((what, f"at least {bound:g} ×", f"{got:.2f} × (CPU {cpu:.2f} ×)", got >= bound))
    if "hullmark image" in runs:
        most = max(run["memory_mb"] for run in [*runs["hullmark image"], *runs["hullmark image cold"]])
        found.append(("image, peak memory of all processes", "at most 400 MB", f"{most:.0f} MB", most <= 400))
    lint = statistics.median(run["wall"] for run in runs["hullmark lint"]) * 1000
    found.append(("lint of a Dockerfile, whole process", "at most 150 ms", f"{lint:.0f} ms", lint <= 150))
    return found


def section(results: dict[str, Any]) -> str:
    """Give the section of the results."""
    about = (
        f"Measured {results['date']} on {results['machine']} by `bench/secrets.py`, {results['rounds']} rounds, the commands in turn, ratios "
        f"pair by pair, medians; a load of {results['load']:.1f} when it began. The folder has {results['files']:,} files, {results['bytes'] / 1e6:,.0f} MB. *Cold* is with an empty "
        "cache, *warm* with the compiled patterns in it (files of a folder are never remembered; of the image all layers are read in both cases). "
        f"Memory is the peak of the proportional set size of all processes, in a run of its own. {results['versions']}."
    )
    lines = [
        about,
        "",
        "| bar | bound | measured | |",
        "| --- | --- | --- | --- |",
    ]
    runs = results["runs"]
    lines += [
        f"| {what} | {bound} | {got} | {'met' if met else '**not met**'} |"
        for what, bound, got, met in results["bars"]
    ]
    if "trivy image" in runs:
        lines += [
            "",
            (
                f"To inflate and hash the image's layers in two processes, and nothing else, is {ratio(runs, 'trivy image', 'inflating alone'):.1f} × as fast as Trivy here."
            ),
        ]
    lines += ["", "| command | wall s | min–max | CPU s | memory MB |", "| --- | --- | --- | --- | --- |"]
    for name, taken in results["runs"].items():
        wall, cpu, memory = (
            statistics.median(run[what] for run in taken) for what in ("wall", "cpu", "memory_mb")
        )
        walls = [run["wall"] for run in taken]
        lines.append(
            f"| {name} | {wall:.2f} | {min(walls):.2f}–{max(walls):.2f} | {cpu:.2f} | {memory:.0f} |"
        )
    return "\n".join(lines) + "\n"


def version(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip().split("\n")[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tree", type=Path)
    parser.add_argument("--image", type=Path)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    for name in ("kingfisher", "gitleaks", "hadolint"):
        parser.add_argument(f"--{name}", default=shutil.which(name) or "")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = options.work or Path(folder)
        work.mkdir(parents=True, exist_ok=True)
        sizes = [
            path.lstat().st_size
            for path in options.tree.rglob("*")
            if path.is_file() and not path.is_symlink()
        ]
        asked = {
            "kingfisher": [options.kingfisher, "--version"],
            "gitleaks": [options.gitleaks, "version"],
            "hadolint": [options.hadolint, "--version"],
        }
        versions = [f"{name} {version(command).split()[-1]}" for name, command in asked.items() if command[0]]
        if options.image:
            versions.append(f"trivy {version([peer('trivy'), '--version']).split()[-1]}")
        about = {
            "date": dt.datetime.now(dt.UTC).date().isoformat(),
            "machine": f"{os.cpu_count()} cores, Python {sys.version.split()[0]}",
            "rounds": options.rounds,
            "load": os.getloadavg()[0],
            "files": len(sizes),
            "bytes": sum(sizes),
            "versions": "Peers: " + "; ".join(versions),
        }
        runs = measure(options, work)
    results = about | {"bars": bars(runs), "runs": runs}
    text = section(results)
    print(text)
    (HERE / "secrets.json").write_text(json.dumps(results, indent=1) + "\n")
    put_section(TITLE, text)


if __name__ == "__main__":
    main()
