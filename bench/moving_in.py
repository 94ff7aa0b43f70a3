"""The pages of docs/moving-in, row by row: what stands there beside each other is run beside each other.

    python bench/moving_in.py [--database] [PAGE…]

Makes a small image with flaws, a secret and a misconfiguration, runs each command of Hullmark's in the tables on it, and each of the other tool's
that is on the PATH, and prints both codes. What would fetch the other tool's database is run with `--database` alone. tests/test_moving_in.py does the same
without it. IMAGE and BEFORE stand for archives in a pair of commands.
"""

import argparse
import contextlib
import functools
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "moving-in"
AS_OF = "2026-01-01T00:00:00Z"
PEERS = ("trivy", "grype", "syft", "clairctl", "clair", "anchorectl", "docker")
NONE = "none"
_SPAN = re.compile(r"`([^`]+)`")
_FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
_TIMEOUT_S = 300
_ARCHIVES = {"IMAGE": "app.tar", "BEFORE": "before.tar"}
_NO_DATABASE = (
    re.compile(r"trivy (config|convert|clean|version)\b"),
    re.compile(r"trivy \w+ .*--scanners (secret|misconfig)\b"),
    re.compile(r"trivy image .*--format (cyclonedx|spdx-json)\b"),
    re.compile(r"syft "),
    re.compile(r"grype version"),
)
"""What the other tools do without a download."""
VERDICTS = {"trivy": 1, "grype": 2, "docker": 2}
"""The code of a gate that is over."""


class Row(NamedTuple):
    """A row of a table: the code spans of its first two cells."""

    page: str
    section: str
    theirs: tuple[str, ...]
    ours: tuple[str, ...]

    @property
    def peer(self) -> str:
        """Give the program of the first cell, nothing where it is no command."""
        word = self.theirs[0].split()[0] if self.theirs else ""
        return word if word in PEERS else ""

    @property
    def command(self) -> str:
        """Give our command, nothing where there is none."""
        return next((span for span in self.ours if span.startswith("hullmark ")), "")

    @property
    def is_gate(self) -> bool:
        """Tell whether our command must end with 1 on the image."""
        return " --fail-on" in self.command or self.command.startswith("hullmark lint")


def rows(page: Path) -> Iterator[Row]:
    """Give the rows of a page's tables, heads left out."""
    section = ""
    for line in page.read_text("utf-8").splitlines():
        if line.startswith("#"):
            section = line.lstrip("# ")
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if (
            line.startswith("| ")
            and "---" not in cells[0]
            and (_SPAN.search(cells[0]) or _SPAN.search(cells[1]))
        ):
            ours = (NONE,) if cells[1] == NONE else tuple(_SPAN.findall(cells[1]))
            yield Row(page.stem, section, tuple(_SPAN.findall(cells[0])), ours)


def every_row() -> list[Row]:
    """Give the rows of all pages."""
    return [row for page in sorted(PAGES.glob("*.md")) for row in rows(page)]


def flags(spans: tuple[str, ...]) -> list[str]:
    """Give the flags that stand in code."""
    return [flag for span in spans for flag in _FLAG.findall(span)]


def needs_database(command: str) -> bool:
    """Tell whether another tool's command would fetch its database, where it has none."""
    return not any(pattern.match(command) for pattern in _NO_DATABASE)


def prepare(folder: Path) -> None:
    """Write what the commands of the pages name."""
    sys.path.insert(0, str(ROOT / "tests"))
    try:
        from toys.saved import demo_layers, packed, save
    finally:
        sys.path.pop(0)
    # Made for this: both tools find it, and it opens nothing.
    body = (
        b"-----BEGIN RSA PRIVATE KEY-----\n"
        + b"MIIEowIBAAKCAQEA1x2y3z4a5b6c7d8e9f0gHhIiJjKkLlMmNnOoPpQqRrSsTtUu\n" * 12
    )
    key = body + b"-----END RSA PRIVATE KEY-----\n"
    secrets = b"AWS_ACCESS_KEY_ID=AKIAQ3EGRZ7TLXN5VW2K\nAWS_SECRET_ACCESS_KEY=k3Jx9vQ2mZp7Rt5WbN8sYc4Lh6DfGa1UeTiOqPzX\n"
    layers = demo_layers()
    save(folder / "before.tar", "registry.example/app:1.2", layers[:1])
    save(
        folder / "app.tar",
        "registry.example/app:1.3",
        [*layers, packed({"srv/id_rsa": key, "srv/.env": secrets})],
    )
    for name, text in {
        "Dockerfile": "FROM debian:12\nEXPOSE 22\nUSER root\n",
        "folder/.env": secrets.decode(),
        "folder/id_rsa": key.decode(),
        ".trivyignore": "CVE-2021-3450\n",
        ".grype.yaml": "ignore:\n  - vulnerability: CVE-2021-3450\n",
        "vex.json": '{"@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.org/vex/1", "author": "team", '
        '"timestamp": "2025-01-01T00:00:00Z", "version": 1, "statements": [{"vulnerability": {"name": "CVE-2021-3450"}, '
        '"products": [{"@id": "pkg:apk/alpine/libssl1.1"}], "status": "not_affected", '
        '"justification": "vulnerable_code_not_present"}]}',
    }.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, "utf-8")


def environment(folder: Path) -> dict[str, str]:
    """Give what both sides run with: folders of their own, nobody called whom they need not."""
    kept = {name: os.environ[name] for name in ("PATH", "HULLMARK_PATTERNS_DIR") if name in os.environ}
    return {
        **kept,
        "HOME": str(folder / "home"),
        "HULLMARK_CACHE_DIR": str(folder / "cache"),
        **{f"HULLMARK_{name}_OFFLINE": "true" for name in ("SCAN", "DIFF", "EXPLAIN", "BASES")},
        "HULLMARK_SCAN_AS_OF": AS_OF,
        "LC_ALL": "C.UTF-8",
        "TRIVY_SKIP_VERSION_CHECK": "true",
        "TRIVY_DISABLE_TELEMETRY": "true",
        "TRIVY_SKIP_CHECK_UPDATE": "true",
        "GRYPE_CHECK_FOR_APP_UPDATE": "false",
        "SYFT_CHECK_FOR_APP_UPDATE": "false",
    }


def begin(folder: Path) -> None:
    """Write the files, our database of the demonstration's feeds, and the stored reports that pages speak of."""
    prepare(folder)
    for words in (
        f"hullmark db build --quiet --from {ROOT / 'demo' / 'feeds'} --as-of {AS_OF}",
        "hullmark scan IMAGE --format json=report.json --quiet",
        "hullmark sbom IMAGE --format cyclonedx=bom.cdx.json --quiet",
        "hullmark db export db.tar --quiet",
    ):
        done = ours(words, folder)
        if done.returncode:
            raise SystemExit(f"{words}: {done.stderr}")
    if shutil.which("trivy"):
        theirs(
            "trivy image --scanners secret --format json --output trivy.json IMAGE", folder
        ).check_returncode()


def _run(words: list[str], folder: Path, env: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        words,
        cwd=folder,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=_TIMEOUT_S,
    )


def ours(command: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a command of Hullmark's; of `db update` one feed is asked, which the demonstration has."""
    words = [_ARCHIVES.get(word, word) for word in shlex.split(command)[1:]]
    with mirror() if words[:2] == ["db", "update"] else contextlib.nullcontext("") as address:
        env = environment(folder)
        if address:
            env |= {"HULLMARK_DB_MIRROR": address, "HULLMARK_DB_UPDATE_FEED": "kev"}
        return _run([sys.executable, "-m", "hullmark", *words], folder, env)


@contextlib.contextmanager
def mirror() -> Iterator[str]:
    """Serve the feeds of the demonstration on this machine."""
    serve = functools.partial(_Files, directory=str(ROOT / "demo" / "feeds"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), serve)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Files(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
        """Say nothing."""


def theirs(command: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a command of another tool; an archive is named as that tool wants it."""
    words = []
    for word in shlex.split(command):
        archive = _ARCHIVES.get(word)
        if archive is None:
            words.append(word)
        elif command.startswith("trivy"):
            words += ["--input", archive]
        else:
            words.append(f"docker-archive:{archive}")
    return _run(words, folder, environment(folder))


def help_of(program: str, command: str = "") -> str:
    """Give what another tool says of a command's flags."""
    words = [word for word in command.split()[1:] if word.isalpha() and word.islower()][:2]
    done = subprocess.run(
        [program, *words, "--help"], capture_output=True, text=True, check=False, timeout=60
    )
    return done.stdout + done.stderr


def main() -> int:
    """Print the pairs with their codes; 1 where one of ours or a verdict is not as the page says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("pages", nargs="*", help="trivy, grype, clair, anchore, docker-scout")
    parser.add_argument("--database", action="store_true", help="run what fetches the other tool's database")
    asked = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        begin(folder)
        for row in every_row():
            if not row.peer or not row.command or (asked.pages and row.page not in asked.pages):
                continue
            code = ours(row.command, folder).returncode
            bad = code != int(row.is_gate)
            other = "not installed"
            if shutil.which(row.peer):
                other = "needs a database"
                if asked.database or not needs_database(row.theirs[0]):
                    found = theirs(row.theirs[0], folder).returncode
                    other = str(found)
                    bad = bad or found != (VERDICTS.get(row.peer, 1) if row.is_gate else 0)
            wrong += bad
            print(f"{'!' if bad else ' '} {code}  {row.command}\n    {other}  {row.theirs[0]}")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
