"""What stands around the script: its installation by hashes, Jenkins' step, GitLab's note, the hooks of pre-commit."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from integrations.pipelines import INTEGRATIONS, ROOT, document
from integrations.scanning import REPORTS, SCRIPT, SYSTEMS, Job, database, image

pytestmark = pytest.mark.e2e
HERE = Path(__file__).parent
JENKINS = next(system for system in SYSTEMS if system.name == "jenkins")


@pytest.fixture(scope="module")
def advisories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return database(tmp_path_factory.mktemp("advisories"))


# ── installed by hashes ─────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and have its hash put into a copy of integrations/, as a release does."""
    folder = tmp_path_factory.mktemp("released")
    source = folder / "source"
    source.mkdir()
    for name in ("src", "integrations"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "wheels")]
    subprocess.run(build, cwd=source, check=True, capture_output=True)
    (wheel,) = (folder / "wheels").iterdir()
    subprocess.run([sys.executable, "integrations/_write.py", "--wheel", wheel], cwd=source, check=True)
    return folder


def installing(
    released: Path, work: Path, advisories: Path, **more: str
) -> "subprocess.CompletedProcess[str]":
    """Run the script of a release where no Hullmark is."""
    work.mkdir(exist_ok=True)
    passed = {name: os.environ[name] for name in os.environ if name.startswith(("PIP_", "HULLMARK_PATTERNS"))}
    variables = {
        **passed,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(work),
        "PIP_FIND_LINKS": str(released / "wheels"),
        "HULLMARK_IMAGE": "image.tar",
        "HULLMARK_DB_DIR": str(advisories),
        "HULLMARK_SCAN_OFFLINE": "true",
    }
    return subprocess.run(
        ["sh", str(released / "source/integrations/shell/hullmark-ci.sh")],
        cwd=work,
        env={**variables, **more},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_a_release_changes_one_line_and_all_that_have_it(released: Path) -> None:
    templates = released / "source/integrations"
    (wheel,) = (released / "wheels").iterdir()
    import hashlib

    line = f"HULLMARK_WHEEL='hullmark==0.1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}'"
    having = [path for path in templates.rglob("*") if path.is_file() and line in path.read_text("utf-8")]
    assert len(having) == len(SYSTEMS)
    before = SCRIPT.read_text("utf-8").splitlines()
    after = (templates / "shell/hullmark-ci.sh").read_text("utf-8").splitlines()
    assert [each for each in after if each not in before] in ([line], [])


@pytest.mark.slow
def test_it_installs_what_the_hashes_say_and_scans(released: Path, tmp_path: Path, advisories: Path) -> None:
    reached = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", tmp_path / "probe", "rich"],
        capture_output=True,
        check=False,
    )
    if reached.returncode:
        pytest.skip("no package index is reached")
    work = tmp_path / "work"
    work.mkdir()
    image(work / "image.tar", "critical")
    done = installing(released, work, advisories)
    assert done.returncode == 1, done.stderr
    assert "over the gate: 1 critical" in done.stderr
    assert sorted(path.name for path in (work / "hullmark-reports").iterdir()) == ["code", *REPORTS]
    assert not list((work / ".hullmark").rglob("bin/hullmark")), "no program stays in the cache"
    decided = installing(released, work, advisories, HULLMARK_POLICY="baseline")
    assert decided.returncode == 1, decided.stderr
    assert "denied by hullmark.baseline: 1 reason" in decided.stderr


def test_another_wheel_than_the_released_one_is_not_installed(
    released: Path, tmp_path: Path, advisories: Path
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    image(work / "image.tar", "clean")
    forged = tmp_path / "forged"
    forged.mkdir()
    (wheel,) = (released / "wheels").iterdir()
    (forged / wheel.name).write_bytes(wheel.read_bytes() + b"\n")
    done = installing(released, work, advisories, PIP_FIND_LINKS=str(forged), PIP_NO_INDEX="1")
    assert done.returncode == 3
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert "Hullmark could not be installed (code 3)" in done.stderr
    assert not (work / "hullmark-reports/hullmark.json").exists()


def test_the_wheel_has_the_locked_requirements_in_it(released: Path) -> None:
    import zipfile

    (wheel,) = (released / "wheels").iterdir()
    with zipfile.ZipFile(wheel) as archive:
        for name in ("requirements.txt", "requirements-policy.txt"):
            assert archive.read(f"hullmark/{name}") == (INTEGRATIONS / name).read_bytes()


# ── Jenkins ─────────────────────────────────────────────────────────────────────────────────────────────


def groovy(*words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    jars = [Path("/usr/share/java") / name for name in ("groovy-all.jar", "commons-cli.jar")]
    if shutil.which("java") is None or not all(jar.exists() for jar in jars):
        pytest.skip("java and Debian's package groovy are needed")
    opened = [f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in ("lang", "util", "io")]
    command = ["java", *opened, "-cp", ":".join(map(str, jars)), *words]
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **variables}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("name", ["hullmark.groovy", "Jenkinsfile"])
def test_groovy_compiles_it(tmp_path: Path, name: str) -> None:
    """With the Groovy of Jenkins' own line, 2.4; whether `pipeline` has the right sections only Jenkins itself can tell."""
    copy = tmp_path / "step.groovy"
    shutil.copy(INTEGRATIONS / "jenkins" / name, copy)
    done = groovy("org.codehaus.groovy.tools.FileSystemCompiler", "-d", str(tmp_path / "out"), str(copy))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/step.class").exists()


@pytest.mark.parametrize(
    ("kind", "last"),
    [
        ("clean", "passed"),
        ("secret", "failed: Hullmark refuses the image"),
        ("unchecked", "failed: Hullmark could not scan the image, or not the whole of it (code 3)"),
    ],
)
def test_jenkins_step_keeps_the_reports_and_says_why(
    tmp_path: Path, advisories: Path, kind: str, last: str
) -> None:
    job = Job(tmp_path, advisories)
    job.work.mkdir()
    image(job.work / "image.tar", kind)
    patterns = os.environ.get("HULLMARK_PATTERNS_DIR", "")
    done = groovy(
        "groovy.ui.GroovyMain",
        str(HERE / "jenkins_steps.groovy"),
        str(INTEGRATIONS / "jenkins/hullmark.groovy"),
        str(job.work),
        HULLMARK_PROGRAM=str(job.program()),
        HULLMARK_DB_DIR=str(advisories),
        HULLMARK_SCAN_OFFLINE="true",
        HULLMARK_PATTERNS_DIR=patterns,
        **JENKINS.secrets,
    )
    assert done.stdout.splitlines()[-3:] == [
        "kept: hullmark-reports/**",
        "read: hullmark-reports/hullmark.xml true",
        last,
    ], done.stderr
    assert not any(value in job.seen for value in JENKINS.secrets.values())


# ── GitLab's note ───────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def gitlab(notes: list[dict[str, Any]]) -> Iterator[tuple[str, list[tuple[str, str, Any]]]]:
    """Serve the few addresses of GitLab's interface that the note needs; give the address and what was asked."""
    asked: list[tuple[str, str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            allowed = self.headers["PRIVATE-TOKEN"] == "note-token"
            asked.append((self.command, self.path, json.loads(body) if body else None))
            found: Any = {"id": 7} if self.path.endswith("/user") else notes
            self.send_response(200 if allowed else 401)
            self.end_headers()
            self.wfile.write(json.dumps(found if self.command == "GET" else {"id": 1}).encode())

        do_GET = answer  # noqa: N815  the names are http.server's
        do_POST = answer  # noqa: N815
        do_PUT = answer  # noqa: N815

        def log_message(self, *_words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/api/v4", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("notes", "deed"),
    [
        ([], ("POST", "/api/v4/projects/team%2Fapp/merge_requests/12/notes")),
        (
            [
                {"id": 1, "author": {"id": 8}, "body": "### Hullmark: somebody else's"},
                {"id": 2, "author": {"id": 7}, "body": "Hello"},
                {"id": 3, "author": {"id": 7}, "body": "### Hullmark: of before"},
            ],
            ("PUT", "/api/v4/projects/team%2Fapp/merge_requests/12/notes/3"),
        ),
    ],
)
def test_gitlabs_note_is_written_once_and_rewritten_then(
    tmp_path: Path, notes: list[dict[str, Any]], deed: tuple[str, str]
) -> None:
    (tmp_path / "hullmark-reports").mkdir()
    (tmp_path / "hullmark-reports/hullmark.md").write_text("### Hullmark: `image.tar`\n")
    job = document(INTEGRATIONS / "gitlab/scan.yml")["hullmark-note"]
    with gitlab(notes) as (address, asked):
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", "\n".join(job["script"])],
            cwd=tmp_path,
            env={
                "PATH": os.environ["PATH"],
                "CI_API_V4_URL": address,
                "CI_OPEN_MERGE_REQUESTS": "team/app!12,team/app!13",
                "HULLMARK_NOTE_TOKEN": "note-token",
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    assert asked[-1] == (*deed, {"body": "### Hullmark: `image.tar`\n"})
    assert sum(method != "GET" for method, _, _ in asked) == 1


# ── hooks ───────────────────────────────────────────────────────────────────────────────────────────────


def hook(tmp_path: Path, advisories: Path, name: str, text: str) -> "subprocess.CompletedProcess[str]":
    (entry,) = [each["entry"] for each in _hooks() if each["id"] == name]
    script, *words = entry.split()
    (tmp_path / "Dockerfile").write_text(text)
    job = Job(tmp_path, advisories)
    return subprocess.run(
        [ROOT / script, *words, "Dockerfile"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "HULLMARK_PROGRAM": str(job.program())},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def _hooks() -> list[dict[str, str]]:
    import yaml

    found = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert isinstance(found, list)
    return found


GOOD = f"FROM debian:12.7-slim@sha256:{'0' * 64}\nUSER app\n"


@pytest.mark.parametrize("name", ["hullmark-lint", "hullmark-pin"])
def test_hooks_pass_what_is_well_and_stop_what_is_not(tmp_path: Path, advisories: Path, name: str) -> None:
    assert hook(tmp_path, advisories, name, GOOD).returncode == 0
    done = hook(tmp_path, advisories, name, "FROM debian\nUSER root\n")
    assert done.returncode == 1, done.stderr
    assert "Dockerfile:1" in done.stdout
