"""What Hullmark, Kingfisher, gitleaks and Trivy find of the corpus of credentials, and what of its look-alikes.

    python bench/secrets_accuracy.py [--kingfisher FILE] [--gitleaks FILE] [--trivy FILE] [--missed] [--tree DIR …]

Expands tests/data/secrets/corpus into a folder and runs each program on it as its documentation says, without network. A file with a
credential counts as found where anything is reported in it; a look-alike counts as false where anything is. With `--tree` each is run on
real folders too, and what it reports there is counted. A program that is not there is left out.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from hullmark.detectors.secrets.samples import corpus

CORPUS = Path(__file__).parents[1] / "tests" / "data" / "secrets" / "corpus"
Found = list[tuple[str, str]]
"""Path and confidence of each find."""


def run(command: list[str], **environment: str) -> None:
    taken = subprocess.run(command, capture_output=True, check=False, env={**os.environ, **environment})
    if taken.returncode not in {0, 1, 200, 205}:  # Kingfisher ends with 200 where it has found something
        sys.exit(f"{command[0]} ended with {taken.returncode}: {taken.stderr.decode()[-2000:]}")


def hullmark(_program: str, tree: Path, work: Path) -> Found:
    report = work / "hullmark.json"
    program = str(Path(sys.executable).with_name("hullmark"))
    run(
        [program, "scan", f"dir:{tree}", "--scanners", "secret", "--offline", "--format", f"json={report}"],
        HULLMARK_CACHE_DIR=str(work / "cache"),
    )
    return [(each["path"], each["confidence"]) for each in json.loads(report.read_bytes())["secrets"]]


def kingfisher(level: str) -> Callable[[str, Path, Path], Found]:
    def scan(program: str, tree: Path, work: Path) -> Found:
        report = work / "kingfisher.json"
        report.unlink(missing_ok=True)
        # without --no-dedup a value is told once, wherever it stands
        options = ["--no-validate", "--no-update-check", "--no-dedup", "--confidence", level]
        run([program, "scan", str(tree), *options, "--format", "json", "-o", str(report)])
        found = json.loads(report.read_text() or "{}").get("findings", [])
        return [(each["finding"]["path"], each["finding"]["confidence"]) for each in found]

    return scan


def gitleaks(program: str, tree: Path, work: Path) -> Found:
    report = work / "gitleaks.json"
    run([program, "dir", str(tree), "--no-banner", "-f", "json", "-r", str(report)])
    return [(each["File"], "") for each in json.loads(report.read_bytes())]


def trivy(program: str, tree: Path, work: Path) -> Found:
    report = work / "trivy.json"
    options = ["--scanners", "secret", "--offline-scan", "--skip-version-check", "--quiet"]
    run(
        [program, "fs", str(tree), *options, "-f", "json", "-o", str(report)],
        TRIVY_CACHE_DIR=str(work / "trivy"),
    )
    results = json.loads(report.read_bytes()).get("Results", [])
    return [(each["Target"], "") for each in results for _secret in each.get("Secrets", ())]


def relative(path: str, tree: Path) -> str:
    return path.removeprefix(f"{tree}/")


def expand(folder: Path, name: str) -> set[str]:
    files = corpus((CORPUS / name).read_text())
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return set(files)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("kingfisher", "gitleaks", "trivy"):
        parser.add_argument(f"--{name}", default=shutil.which(name) or "")
    parser.add_argument("--tree", type=Path, action="append", default=[])
    parser.add_argument("--missed", action="store_true", help="name what each program misses")
    options = parser.parse_args()
    programs: dict[str, tuple[str, Callable[[str, Path, Path], Found]]] = {
        "Hullmark": (sys.executable, hullmark),
        "Kingfisher, confidence low": (options.kingfisher, kingfisher("low")),
        "Kingfisher, confidence medium": (options.kingfisher, kingfisher("medium")),
        "gitleaks": (options.gitleaks, gitleaks),
        "Trivy": (options.trivy, trivy),
    }
    rows = ["| program | found | missed | look-alikes reported |", "| --- | --- | --- | --- |"]
    missed: dict[str, list[str]] = {}
    trees: list[str] = []
    with tempfile.TemporaryDirectory(prefix="corpus") as folder:
        work, good, bad = Path(folder), Path(folder) / "positives", Path(folder) / "lookalikes"
        credentials, others = expand(good, "positives.txt"), expand(bad, "lookalikes.txt")
        for name, (program, scan) in programs.items():
            if not program:
                continue
            found = {relative(path, good) for path, _ in scan(program, good, work)} & credentials
            false = scan(program, bad, work)
            files = {relative(path, bad) for path, _ in false} & others
            rows.append(
                f"| {name} | {len(found)} | {len(credentials - found)} | {_said(false)} in {len(files)} files |"
            )
            missed[name] = sorted(credentials - found)
            missed[f"{name}, look-alikes"] = sorted(files)
            trees += [f"| {tree} | {name} | {_said(scan(program, tree, work))} |" for tree in options.tree]
        print(f"{len(credentials)} files with a credential, {len(others)} look-alikes\n")
    print("\n".join(rows))
    for name, paths in missed.items() if options.missed else ():
        print(f"\n{name}: {' '.join(paths) or 'none'}")
    if trees:
        print("\n| tree | program | finds |\n| --- | --- | --- |\n" + "\n".join(sorted(trees)))


def _said(found: Found) -> str:
    levels = {level: sum(one == level for _, one in found) for level in ("high", "medium", "low")}
    told = ", ".join(f"{count} {level}" for level, count in levels.items() if count)
    return f"{len(found)} ({told})" if told else str(len(found))


if __name__ == "__main__":
    main()
