"""The command line as its user meets it: exit codes, gates, filters, several images, settings."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .program import AS_OF, DEMO, environment, report, run

pytestmark = pytest.mark.e2e
IMAGE = str(DEMO / "image.tar")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("program") / "cache"
    built = run(folder, "db", "build", "--from", str(DEMO / "feeds"), "--as-of", AS_OF)
    assert built.returncode == 0, built.stderr.decode()
    return folder


def test_the_demo_finds_what_is_there(cache: Path) -> None:
    document = report(run(cache, "scan", IMAGE, "--format", "json", "--as-of", AS_OF))
    found = {(finding["id"], finding["name"]): finding for finding in document["findings"]}
    jinja = found["CVE-2024-56326", "Jinja2"]
    assert jinja["fixed_version"] == "3.1.5"
    assert jinja["evidence"][0]["range"]
    assert jinja["locations"][0]["path"].endswith("Jinja2-2.10.dist-info/METADATA")
    assert jinja["locations"][0]["created_by"].startswith("RUN pip install")
    assert ("CVE-2021-3450", "libssl1.1") in found
    assert ("EOL-alpine-3.10", "alpine") in found
    assert not any(component["name"] == "ms" for component in document["packages"]), "a whiteout took it away"


def test_same_input_same_output(cache: Path, tmp_path: Path) -> None:
    first = run(cache, "scan", IMAGE, "--format", "json", "--as-of", AS_OF).stdout
    assert run(cache, "scan", IMAGE, "--format", "json", "--as-of", AS_OF).stdout == first
    cold = run(
        tmp_path / "cold",
        "scan",
        IMAGE,
        "--format",
        "json",
        "--as-of",
        AS_OF,
        HULLMARK_DB_DIR=str(cache / "db"),
    )
    assert cold.stdout == first


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("scan", IMAGE), 0),
        (("scan", IMAGE, "--fail-on", "high"), 1),
        (("scan", IMAGE, "--fail-on", "critical"), 0),
        (("scan", IMAGE, "--fail-on", "unknown"), 1),
        (("scan", IMAGE, "--fail-on", "secret:low"), 0),
        (("scan", IMAGE, "--scanners", "vuln", "--fail-on", "secret:low"), 3),
        (("scan", IMAGE, "--fail-on", "config:medium"), 1),
        (("scan", IMAGE, "--fail-on", "hihg"), 2),
        (("scan",), 2),
        (("scan", "--bogus"), 2),
        (("scan", IMAGE, "--format", "nosuch"), 2),
        (("scan", IMAGE, "--format", "json", "--format", "table"), 2),
        (("scan", IMAGE, "--limit", "nosuch=1"), 2),
        (("scan", "/nowhere.tar"), 2),
        (("scan", "oci:/nowhere"), 3),
        (("scan", IMAGE, "oci:/nowhere"), 3),
        (("scan", IMAGE, "oci:/nowhere", "--fail-on", "high"), 1),
        (("nosuch",), 2),
        (("--version",), 0),
        (("--help",), 0),
        (("db", "status"), 0),
        (("config",), 0),
    ],
)
def test_exit_codes(cache: Path, arguments: tuple[str, ...], code: int) -> None:
    done = run(cache, *arguments)
    assert done.returncode == code, done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_a_gate_does_not_pass_what_was_not_checked(tmp_path: Path) -> None:
    done = run(tmp_path / "no-database", "scan", IMAGE, "--fail-on", "critical")
    assert done.returncode == 3
    assert b"not checked" in done.stderr


def test_several_images_and_a_failure(cache: Path) -> None:
    done = run(cache, "scan", IMAGE, "oci:/nowhere", "--format", "json")
    document = json.loads(done.stdout)
    assert len(document["reports"]) == 1
    assert document["failures"][0]["name"] == "oci:/nowhere"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list", f"# images\n{IMAGE}\n"),
        ("compose.yaml", f"services:\n  a:\n    image: {IMAGE}\n"),
        (
            "pod.yaml",
            f"kind: Pod\nspec:\n  containers:\n  - name: a\n    image: {IMAGE}\n---\nkind: Service\n",
        ),
    ],
)
def test_lists_of_images(cache: Path, tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert (
        len(report(run(cache, "scan", "--images", str(tmp_path / name), "--format", "json"))["findings"]) > 40
    )
    piped = run(cache, "scan", "--images", "-", "--format", "json", stdin=text.encode())
    assert len(report(piped)["findings"]) > 40


def test_standard_input_and_sbom(cache: Path) -> None:
    body = (DEMO / "image.tar").read_bytes()
    direct = report(run(cache, "scan", IMAGE, "--format", "json"))["findings"]
    piped = report(run(cache, "scan", "-", "--format", "json", stdin=body))["findings"]
    sbom = run(cache, "sbom", IMAGE).stdout
    again = report(run(cache, "scan", "-", "--format", "json", stdin=sbom))["findings"]
    assert [finding["id"] for finding in piped] == [finding["id"] for finding in direct]
    assert [finding["id"] for finding in again] == [finding["id"] for finding in direct]


def test_filters_are_counted(cache: Path) -> None:
    document = report(run(cache, "scan", IMAGE, "--severity", "high", "--format", "json"))
    assert {finding["severity"] for finding in document["findings"]} == {"high"}
    assert {entry["reason"] for entry in document["suppressed"]} == {"--severity high"}
    fixable = report(run(cache, "scan", IMAGE, "--fixable-only", "--format", "json"))
    assert all(finding["fixed_version"] for finding in fixable["findings"])
    system = report(run(cache, "scan", IMAGE, "--pkg-types", "os", "--format", "json"))
    ecosystems = {component["id"]: component["ecosystem"] for component in system["packages"]}
    assert set(ecosystems.values()) > {"apk"}, "packages are always listed whole"
    assert {ecosystems.get(finding["component"], "apk") for finding in system["findings"]} == {"apk"}
    skipped = report(run(cache, "scan", IMAGE, "--skip-path", "opt/app/**", "--format", "json"))
    assert skipped["coverage"]["skipped_files"] > 3
    assert not any(component["ecosystem"] == "pypi" for component in skipped["packages"])


def test_settings_from_environment_and_file(cache: Path, tmp_path: Path) -> None:
    assert run(cache, "scan", IMAGE, HULLMARK_SCAN_FAIL_ON="high").returncode == 1
    config = tmp_path / "hullmark.toml"
    config.write_text('[scan]\nfail-on = "high"\n')
    assert run(cache, "scan", IMAGE, HULLMARK_CONFIG=str(config)).returncode == 1
    assert run(cache, "scan", IMAGE, "--fail-on", "critical", HULLMARK_CONFIG=str(config)).returncode == 0
    assert run(cache, "scan", IMAGE, HULLMARK_CONFIG="/nowhere").returncode == 2


def test_messages_as_json_and_silence(cache: Path) -> None:
    done = run(cache, "scan", IMAGE, "--fail-on", "high", "--as-of", AS_OF, "--json-log", "--format", "json")
    assert [json.loads(line)["level"] for line in done.stderr.splitlines()] == ["error"]
    assert run(cache, "scan", IMAGE, "--quiet").stderr == b""
    assert b"\x1b" not in run(cache, "scan", IMAGE).stdout


def test_a_reader_that_goes_away_is_no_fault(cache: Path) -> None:
    command = f"{sys.executable} -m hullmark scan {IMAGE} --format json | head -c 10"
    done = subprocess.run(
        ["sh", "-c", command], capture_output=True, check=False, env=environment(cache), timeout=60
    )
    assert b"Traceback" not in done.stderr


def test_help_imports_nothing_heavy(cache: Path) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "hullmark", "scan", "--help"]
    done = subprocess.run(command, capture_output=True, check=False, env=environment(cache), timeout=60)
    for module in (b"httpx2", b"sqlalchemy", b"litestar", b"sqlite3"):
        assert b"| " + module not in done.stderr.replace(b"|   ", b"| ")


def test_nobody_is_called(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import socket\ndef refuse(*a, **k): raise SystemExit(99)\n"
        "socket.socket.connect = refuse\nsocket.getaddrinfo = refuse\n"
    )
    done = run(cache, "scan", IMAGE, "--format", "json", PYTHONPATH=str(tmp_path))
    assert len(report(done)["findings"]) > 40
