"""The templates that publish a database every six hours: their own scripts, a real registry, a real publisher, two runs.

Needs the programs docker-registry, skopeo and openssl.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e import program
from e2e.test_real_registry import PASSWORD, USER, serving
from integrations.pipelines import GITHUB, GITLAB, ROOT, Done, Runner, document, programs
from toys.publisher import Publisher, export, osv, publishing

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        any(shutil.which(name) is None for name in ("docker-registry", "skopeo", "openssl")),
        reason="docker-registry, skopeo and openssl are needed",
    ),
]

PYPI = (osv("PYSEC-2026-1", "requests", "2.0"), osv("PYSEC-2026-2", "flask", "3.0"))
FILLER = tuple(
    osv(f"PYSEC-2025-{number}", f"package-{number}", f"{number}.{number * 7919 % 100}")
    for number in range(400)
)


def npm() -> dict[str, Any]:
    record = osv("MAL-2026-1", "left", "2.0")
    record["affected"][0]["package"]["ecosystem"] = "npm"
    return record


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[Publisher]:
    with publishing(tmp_path / "published") as server:
        export(server, *PYPI, *FILLER)
        export(server, npm(), folder="osv/npm")
        yield server


@pytest.fixture
def host(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "registry"
    folder.mkdir()
    with serving(folder) as address:
        yield address


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    """Make what stands beside the template: the public key and what is installed. The private key is not in it."""
    folder = tmp_path / "hullmark"
    folder.mkdir()
    curve = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
    key = str(tmp_path / "db.key")
    for words in (
        ["genpkey", *curve, "-out", key],
        ["pkey", "-in", key, "-pubout", "-out", str(folder / "db.pub")],
    ):
        subprocess.run(["openssl", *words], check=True, capture_output=True)
    (folder / "requirements.txt").write_text("# made by the page\n")
    return folder


class Team:
    """A team that has put a template into its repository."""

    def __init__(self, system: str, tmp_path: Path, beside: Path, host: str, mirror: str) -> None:
        self.system = system
        self.key = tmp_path / "db.key"
        self.address = f"oci://{host}/team/images/advisories:latest"
        common = {"HULLMARK_DB_MIRROR": mirror, "PARTS": "--part osv-pypi --part osv-npm"}
        github = {"REGISTRY": host, "GITHUB_REPOSITORY": "Team/Images", "GITHUB_ACTOR": USER}
        gitlab = {
            "CI_REGISTRY": host,
            "CI_REGISTRY_IMAGE": f"{host}/team/images",
            "CI_REGISTRY_USER": USER,
            "CI_REGISTRY_PASSWORD": PASSWORD,
        }
        self.runner = Runner(
            tmp_path / "runner",
            beside,
            programs(tmp_path / "bin"),
            common | (github if system == "github" else gitlab),
        )
        self.runner.folder.mkdir()

    def run(self) -> list[Done]:
        if self.system == "gitlab":
            return self.runner.gitlab(GITLAB, {"advisories": {"HULLMARK_SIGN_KEY": str(self.key)}})
        contexts = {"github.token": PASSWORD, "secrets.HULLMARK_SIGN_KEY": self.key.read_text().strip()}
        return self.runner.github(GITHUB, contexts)


@pytest.fixture(params=["github", "gitlab"])
def team(
    request: pytest.FixtureRequest, tmp_path: Path, beside: Path, host: str, publisher: Publisher
) -> Team:
    return Team(request.param, tmp_path, beside, host, publisher.url)


def blobs(tmp_path: Path) -> dict[str, int]:
    folder = tmp_path / "registry/storage/docker/registry/v2/blobs"
    return {path.parent.name: path.stat().st_size for path in folder.rglob("data")}


def signed_in(tmp_path: Path, host: str) -> str:
    import base64

    file = tmp_path / "auth.json"
    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    file.write_text(json.dumps({"auths": {host: {"auth": auth}}}))
    return str(file)


def test_two_runs_and_another_machine(
    tmp_path: Path, team: Team, beside: Path, host: str, publisher: Publisher
) -> None:
    for done in (first := team.run()):
        assert done.code == 0, done.output
    assert "nothing published could be taken" in "".join(done.output for done in first)
    nowhere(tmp_path, first, team.key)
    before = blobs(tmp_path)

    machine = tmp_path / "machine/cache"
    pull = ("db", "update", "--all", "--from", team.address, "--db-key", str(beside / "db.pub"))
    login = signed_in(tmp_path, host)
    pulled = program.run(machine, *pull, REGISTRY_AUTH_FILE=login)
    assert pulled.returncode == 0, pulled.stderr.decode()
    assert pulled.stdout.split()[:4] == [b"osv-npm", b"updated", b"osv-pypi", b"updated"]
    assert found(tmp_path, machine, "flask", "1.0") == ["PYSEC-2026-2"]

    newer = osv("PYSEC-2026-3", "jinja2", "4.0", modified="2026-02-01T00:00:00Z")
    export(publisher, *PYPI, *FILLER, newer)
    publisher.asked.clear()
    for each in (second := team.run()):
        assert each.code == 0, each.output
    assert "nothing published could be taken" not in "".join(each.output for each in second)
    assert publisher.count("PyPI/all.zip") == 0, "only what changed was asked for"
    assert publisher.count("PYSEC-2026-3.json", 200) == 1
    pushed = {name: size for name, size in blobs(tmp_path).items() if name not in before}
    document = published(tmp_path, host)
    layers = {layer["digest"][7:]: layer["annotations"] for layer in document["layers"]}
    own = {json.dumps(layers[name], sort_keys=True) for name in pushed if name in layers}
    files = {json.loads(text)["hullmark.file"].rpartition("-")[0].removesuffix("-1") for text in own}
    assert all("osv-pypi" in file for file in files), "osv-npm was not pushed again"
    assert len(files) == 2, "the part and its records"
    assert len(own) > 2, "a delta too"

    pulled = program.run(machine, *pull, REGISTRY_AUTH_FILE=login)
    assert pulled.stdout.split()[:4] == [b"osv-npm", b"unchanged", b"osv-pypi", b"updated"]
    assert found(tmp_path, machine, "jinja2", "1.0") == ["PYSEC-2026-3"]


def test_a_publisher_that_fails_is_said_and_the_rest_is_published(
    tmp_path: Path, team: Team, beside: Path, host: str, publisher: Publisher
) -> None:
    publisher.fail("osv/npm/all.zip", status=403, times=50)
    runs = team.run()
    by_name = {done.name: done for done in runs}
    assert "osv-npm" in "".join(done.output for done in runs)
    if team.system == "github":
        assert by_name["Sign and publish"].code == 0, by_name["Sign and publish"].output
        assert runs[-1].name == "Say what is not up to date"
        assert runs[-1].code == 1
    else:
        assert [done.code for done in runs] == [3, 0]
    pull = ("db", "update", "--all", "--from", team.address, "--db-key", str(beside / "db.pub"))
    done = program.run(tmp_path / "machine/cache", *pull, REGISTRY_AUTH_FILE=signed_in(tmp_path, host))
    assert done.stdout.split()[:2] == [b"osv-pypi", b"updated"]


@pytest.mark.parametrize("team", ["github"], indirect=True)
def test_a_lost_cache_goes_on_from_what_is_published(team: Team, publisher: Publisher) -> None:
    team.run()
    team.runner.kept = None
    export(publisher, *PYPI, *FILLER, osv("PYSEC-2026-3", "jinja2", "4.0"))
    for each in team.run():
        assert each.code == 0, each.output
    assert team.runner.kept is not None
    parts = json.loads((team.runner.kept / "db/current.json").read_bytes())["parts"]
    assert parts["osv-pypi"]["n"] > parts["osv-npm"]["n"], "the same lineage goes on"


def test_what_is_installed_is_what_was_pinned(tmp_path: Path) -> None:
    """The commands of the page make the wheel and its pin; the step of the template refuses any other wheel."""
    folder = tmp_path / "hullmark"
    folder.mkdir()
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(build, check=True, capture_output=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    page = (ROOT / "docs/howto/publish-a-database.md").read_text("utf-8")
    (pin,) = (line.strip() for line in page.splitlines() if "pip hash" in line)
    # what Hullmark needs is locked in the other lines, which a test beside this one reads: here nothing is downloaded
    environment = {
        "PATH": f"{programs(tmp_path / 'bin')}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_TARGET": str(tmp_path / "installed"),
    }
    subprocess.run(["bash", "-ec", pin], cwd=tmp_path, env=environment, check=True)
    (step, *_) = document(GITLAB)[".hullmark"]["before_script"]
    assert step == document(GITHUB)["jobs"]["publish"]["steps"][2]["run"].splitlines()[0]

    def install() -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            ["bash", "-ec", step], cwd=tmp_path, env=environment, capture_output=True, check=False
        )

    done = install()
    assert done.returncode == 0, done.stderr.decode()
    assert (tmp_path / "installed/hullmark/__main__.py").is_file()
    wheel.write_bytes(wheel.read_bytes() + b"\0")
    done = install()
    assert done.returncode != 0
    assert b"DO NOT MATCH" in done.stderr


def nowhere(tmp_path: Path, runs: list[Done], key: Path) -> None:
    """Check that neither a log nor a file that outlives the run has the private key."""
    secret = "".join(key.read_text().splitlines()[1:-1])[:40]
    text = "".join(done.output for done in runs)
    assert secret not in text.replace("\n", "")
    assert PASSWORD not in text
    for path in (tmp_path / "runner").rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes().replace(b"\n", b""), path


def published(tmp_path: Path, host: str) -> dict[str, Any]:
    target = tmp_path / "inspected"
    words = ["skopeo", "inspect", "--raw", "--tls-verify=false", f"--creds={USER}:{PASSWORD}"]
    done = subprocess.run(
        [*words, f"docker://{host}/team/images/advisories:latest"], check=True, capture_output=True
    )
    target.write_bytes(done.stdout)
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def found(tmp_path: Path, cache: Path, name: str, version: str) -> list[str]:
    bom = tmp_path / "bom.json"
    component = {"type": "library", "name": name, "version": version, "purl": f"pkg:pypi/{name}@{version}"}
    bom.write_text(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [component]}))
    report = program.report(program.run(cache, "scan", f"sbom:{bom}", "--format", "json"))
    return [each["id"] for each in report["findings"]]
