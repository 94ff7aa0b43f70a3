"""Package lists side by side: Hullmark, Trivy and Syft on the same OCI layouts.

    python bench/accuracy.py FOLDER…

Prints for each layout how many packages each finds and what the peers find that Hullmark does not.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

Key = tuple[str, str, str]
GO_BIN = Path.home() / "go" / "bin"
TYPES = {
    "go-module": "golang",
    "java-archive": "maven",
    "python": "pypi",
    "rust-crate": "cargo",
    "dotnet": "nuget",
    "php-composer": "composer",
}


def key(purl: str) -> Key | None:
    """Reduce a purl to (type, name, version), spelled the same way for all."""
    match = re.match(r"pkg:([^/]+)/(?:(.+)/)?([^/@?#]+)(?:@([^?#]+))?", purl)
    if match is None or not match[4]:
        return None
    kind, namespace, name, version = match[1], match[2] or "", match[3], match[4]
    name, version = (
        name.replace("%2B", "+"),
        version.replace("%2B", "+").replace("%3A", ":").replace("%7E", "~"),
    )
    if kind in {"deb", "rpm", "apk"}:
        return kind, name, version.rpartition(":")[2]
    if kind == "pypi":
        return kind, re.sub(r"[-_.]+", "-", name).lower(), version
    whole = f"{namespace.replace('%40', '@')}/{name}" if namespace else name
    return kind, whole.lower(), version.removeprefix("v").removeprefix("go")


def keys(purls: list[str]) -> set[Key]:
    return {found for purl in purls if (found := key(purl)) is not None}


def hullmark(layout: Path, scratch: Path) -> set[Key]:
    target = scratch / "hullmark.json"
    command = [
        str(Path(sys.executable).parent / "hullmark"),
        "scan",
        f"oci:{layout}",
        "--include-dev",
        "--quiet",
    ]
    subprocess.run(
        [*command, "--format", f"json={target}"],
        check=False,
        capture_output=True,
        env={**os.environ, "HULLMARK_CACHE_DIR": str(scratch / "c")},
    )
    packages = json.loads(target.read_bytes())["packages"]
    return keys([purl for package in packages for purl in (package["purl"], *package["provides"])])


def trivy(layout: Path, scratch: Path) -> set[Key]:
    target = scratch / "trivy.json"
    tool = shutil.which("trivy") or str(GO_BIN / "trivy")
    command = [
        tool,
        "image",
        "--input",
        str(layout),
        "--format",
        "cyclonedx",
        "--skip-db-update",
        "--skip-java-db-update",
    ]
    command += [
        "--offline-scan",
        "-q",
        "-o",
        str(target),
        "--skip-files",
        "**/*.jar",
        "--skip-files",
        "**/*.war",
    ]
    done = subprocess.run(
        command, check=False, capture_output=True, env={**os.environ, "TRIVY_CACHE_DIR": str(scratch / "t")}
    )
    if done.returncode:
        print("  trivy:", done.stderr.decode()[-200:].strip())
        return set()
    return keys([c["purl"] for c in json.loads(target.read_bytes()).get("components", []) if c.get("purl")])


def syft(layout: Path, scratch: Path) -> set[Key]:
    target = scratch / "syft.json"
    tool = shutil.which("syft") or str(GO_BIN / "syft")
    command = [tool, "scan", f"oci-dir:{layout}", "-q", "-o", f"json={target}"]
    subprocess.run(
        command, check=False, capture_output=True, env={**os.environ, "SYFT_CHECK_FOR_APP_UPDATE": "false"}
    )
    artifacts = json.loads(target.read_bytes())["artifacts"] if target.exists() else []
    return keys([artifact["purl"] for artifact in artifacts if artifact.get("purl")])


def main() -> None:
    for name in sys.argv[1:]:
        layout = Path(name)
        with tempfile.TemporaryDirectory() as folder:
            scratch = Path(folder)
            ours, theirs, others = hullmark(layout, scratch), trivy(layout, scratch), syft(layout, scratch)
        missing = (theirs | others) - ours
        print(
            f"| {layout.name} | {len(ours)} | {len(theirs)} | {len(others)} | {len(theirs | others)} | {len(missing)} |"
        )
        for entry in sorted(missing):
            who = " and ".join(
                tool for tool, found in (("trivy", theirs), ("syft", others)) if entry in found
            )
            print(f"    {' '.join(entry)} ({who})")


if __name__ == "__main__":
    main()
