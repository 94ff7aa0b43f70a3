"""The commands of the database, run as their users run them, against a real HTTP server."""

import base64
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e import program
from e2e.test_real_registry import PASSWORD, USER, serving
from hullmark.advisories.database import load_current
from hullmark.cli.database import Update
from hullmark.cli.options import SHARED, settings_of
from hullmark.cli.scan import Scan
from toys.publisher import Publisher, export, osv, publishing

RECORDS = (
    osv("PYSEC-2026-1", "requests", "2.0", aliases=["CVE-2026-1000"], summary="Headers are mixed up"),
    osv(
        "PYSEC-2026-2",
        "Flask",
        "3.0",
        severity=[{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
    ),
)


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[Publisher]:
    with publishing(tmp_path / "published") as server:
        export(server, *RECORDS)
        os.utime(server.folder / "osv/PyPI/all.zip", (time.time() - 3600,) * 2)
        yield server


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "machine" / "cache"


def hullmark(cache: Path, *words: str, code: int = 0, **more: Any) -> "subprocess.CompletedProcess[bytes]":
    done = program.run(cache, *words, **more)
    assert done.returncode == code, done.stderr.decode()
    return done


def test_update_show_and_search(cache: Path, publisher: Publisher) -> None:
    nothing = hullmark(cache, "db", "update", code=3)
    assert b"nothing was wanted on this machine yet" in nothing.stderr
    words = ("db", "update", "--part", "osv-pypi", "--db-mirror", publisher.url)
    assert hullmark(cache, *words).stdout.split() == [b"osv-pypi", b"updated", b"osv-pypi"]
    assert hullmark(cache, *words).stdout.split() == [b"osv-pypi", b"unchanged", b"osv-pypi"]
    status = hullmark(cache, "db", "status").stdout.decode().splitlines()[1]
    assert status.split()[5:7] == ["0", "h"], "its files are an hour old, but nothing is newer"
    assert re.fullmatch(r"[0-9a-f]{16}\.1", status.split()[-1]), "the revision"
    assert hullmark(cache, "db", "status").stderr == b""
    stale = hullmark(cache, "db", "status", SOURCE_DATE_EPOCH=str(int(time.time()) + 25 * 3600)).stderr
    assert b"osv-pypi: nobody has asked for 24 h or longer whether they are still right" in stale
    shown = hullmark(cache, "db", "show", "CVE-2026-1000").stdout.decode()
    assert "CVE-2026-1000, also PYSEC-2026-1  (osv-pypi of osv" in shown
    assert "Headers are mixed up" in shown
    assert "requests affected before 2.0" in shown
    document = json.loads(hullmark(cache, "db", "show", "PYSEC-2026-2", "--json").stdout)
    (found,) = document["advisories"]
    assert (found["matched"], found["advisory"]["scores"][0]["value"]) == ("id", 9.8)
    for name in ("flask", "FLASK"):
        listed = hullmark(cache, "db", "search", name, "--ecosystem", "pypi").stdout.decode()
        assert listed.split()[:2] == ["PYSEC-2026-2", "osv-pypi"]
    assert hullmark(cache, "db", "show", "pysec-2026-2").stdout.startswith(b"PYSEC-2026-2  (osv-pypi")
    assert hullmark(cache, "db", "show", "cve-2026-1000").stdout.startswith(
        b"cve-2026-1000, also PYSEC-2026-1"
    )
    assert b"PYSEC-2026-2" in hullmark(cache, "db", "search", "flask", "--ecosystem", "PyPI").stdout
    assert b"PYSEC-2026-2" in hullmark(cache, "db", "search", "flask", "--ecosystem", "osv").stdout
    assert b"no part for py," in hullmark(cache, "db", "search", "flask", "--ecosystem", "py", code=3).stderr
    for asked in (("show", "CVE-1999-1000"), ("search", "nothing", "--ecosystem", "pypi")):
        unknown = hullmark(cache, "db", *asked, code=1)
        assert b"the database says nothing of it" in unknown.stderr
    # what is not here says nothing, and that is not 'nothing is known'
    missing = hullmark(cache, "db", "search", "flask", "--ecosystem", "debian:12", code=3)
    assert b"the database has no part for debian:12" in missing.stderr
    assert hullmark(cache.parent / "other", "db", "show", "x", code=3).stdout == b""


def test_what_is_malicious_is_said_to_be(cache: Path, publisher: Publisher) -> None:
    export(publisher, osv("MAL-2026-1", "requestz", "", versions=["1.0"]))
    hullmark(cache, "db", "update", "--part", "osv-pypi", "--db-mirror", publisher.url)
    shown = hullmark(cache, "db", "show", "MAL-2026-1").stdout.decode()
    assert "malicious, the package is itself the attack: remove it and rotate every credential" in shown
    listed = hullmark(cache, "db", "search", "requestz").stdout.decode()
    assert listed.split()[:4] == ["MAL-2026-1", "osv-pypi", "malicious:", "requestz"]


def test_search_knows_an_ecosystem_and_a_release_by_the_names_that_people_use(
    cache: Path, tmp_path: Path
) -> None:
    entry = {"package": {"ecosystem": "Go", "name": "example.org/a"}, "versions": ["1.0.0"]}
    tracker = {
        "name": "CVE-2026-1",
        "patches": [{"distro": "jammy", "status": "ignored", "package": "curl", "version": "too intrusive"}],
        "priority": "low",
    }
    secfixes = {
        "distroversion": "v3.20",
        "packages": [{"pkg": {"name": "a", "secfixes": {"1-r1": ["CVE-2026-1000"]}}}],
    }
    for path, body in (
        ("osv/Go/GO-2026-1.json", {"id": "GO-2026-1", "affected": [entry]}),
        ("ubuntu/tracker/CVE-2026-1", tracker),
        ("alpine-secdb/v3.20/main.json", secfixes),
    ):
        file = tmp_path / "feeds" / path
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(body))
    hullmark(cache, "db", "build", "--from", str(tmp_path / "feeds"))
    for name in ("Go", "golang", "osv-golang"):
        assert b"GO-2026-1" in hullmark(cache, "db", "search", "example.org/a", "--ecosystem", name).stdout
    for name in ("alpine:3.20.3", "alpine:3.20", "alpine"):
        assert b"CVE-2026-1000" in hullmark(cache, "db", "search", "a", "--ecosystem", name).stdout
    for name in ("alpine:3.19", "crates.io", "rhel:9.4"):
        assert b"has no part for" in hullmark(cache, "db", "search", "a", "--ecosystem", name, code=3).stderr
    said = hullmark(cache, "db", "show", "CVE-2026-1").stdout
    assert b"curl (source) will not fix  [low, too intrusive]" in said


def test_a_file_for_a_machine_without_a_network(cache: Path, publisher: Publisher, tmp_path: Path) -> None:
    hullmark(cache, "db", "update", "--part", "osv-pypi", "--db-mirror", publisher.url)
    file = str(tmp_path / "database.tar")
    revision = hullmark(cache, "db", "export", file).stdout.decode().split()[-1]
    other = tmp_path / "other" / "cache"
    hullmark(other, "db", "import", file)
    assert b"PYSEC-2026-1" in hullmark(other, "db", "search", "requests").stdout
    hullmark(tmp_path / "third" / "cache", "db", "import", file, "--db-revision", revision)
    refused = hullmark(other, "db", "import", file, "--db-revision", "sha256:" + "0" * 64, code=3)
    assert b"no database sha256:0" in refused.stderr
    absent = hullmark(other, "db", "update", "--from", file, "--part", "osv-npm", code=3)
    assert b"osv-npm: is not in the published database" in absent.stderr
    assert b"there is no such file" in hullmark(other, "db", "import", "/nowhere.tar", code=2).stderr
    unwritable = hullmark(cache, "db", "export", "/proc/database.tar", code=3)
    assert b"cannot be written: No such file" in unwritable.stderr
    assert not [*(cache / "db").glob(".publish-*")]
    for words in (
        ("export", str(tmp_path)),
        ("export", "oci://x/y"),
        ("export", "/nowhere/at/all.tar"),
        ("push", file),
        ("import", "oci://x/y"),
    ):
        hullmark(other, "db", *words, code=2)


@pytest.mark.skipif(
    any(shutil.which(name) is None for name in ("skopeo", "openssl")), reason="skopeo and openssl are needed"
)
def test_other_programs_carry_an_exported_database(cache: Path, publisher: Publisher, tmp_path: Path) -> None:
    hullmark(cache, "db", "update", "--part", "osv-pypi", "--db-mirror", publisher.url)
    file, key, layout = tmp_path / "database.tar", tmp_path / "db.key", tmp_path / "layout"
    words = ("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(key))
    subprocess.run(["openssl", *words], check=True, capture_output=True)
    revision = hullmark(cache, "db", "export", str(file), "--sign-key", str(key)).stdout.decode().split()[-1]
    for name in ("latest", f"{revision.replace(':', '-')}.sig"):
        copy = ("skopeo", "--insecure-policy", "copy", f"oci-archive:{file}:{name}", f"oci:{layout}:{name}")
        subprocess.run(copy, check=True, capture_output=True)
    index = json.loads((layout / "index.json").read_bytes())
    assert revision in {each["digest"] for each in index["manifests"]}


def test_a_scan_takes_parts_from_a_published_database_alone(
    cache: Path, publisher: Publisher, tmp_path: Path
) -> None:
    hullmark(cache, "db", "update", "--part", "osv-pypi", "--db-mirror", publisher.url)
    file = str(tmp_path / "database.tar")
    revision = hullmark(cache, "db", "export", file).stdout.decode().split()[-1]
    bom = tmp_path / "bom.json"
    component = {"type": "library", "name": "flask", "version": "1.0", "purl": "pkg:pypi/flask@1.0"}
    bom.write_text(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [component]}))
    publisher.asked.clear()
    settings: dict[str, Any] = {"HULLMARK_DB_FROM": file, "HULLMARK_SCAN_OFFLINE": "false"}
    other = tmp_path / "other" / "cache"
    done = hullmark(other, "scan", f"sbom:{bom}", "--format", "json", **settings)
    assert [each["id"] for each in json.loads(done.stdout)["findings"]] == ["PYSEC-2026-2"]
    assert b"eol, epss, kev: could not be fetched" in done.stderr
    assert publisher.asked == []
    pinned = ("scan", f"sbom:{bom}", "--format", "json", "--db-revision")
    hullmark(other, *pinned, revision, **settings)
    refused = hullmark(other, *pinned, "sha256:" + "0" * 64, code=3, **settings)
    assert b"could not be had" in refused.stderr
    assert refused.stdout == b""


def test_an_update_that_fails_says_what_stays_and_what_to_do(cache: Path, publisher: Publisher) -> None:
    words = ("db", "update", "--part", "osv-pypi", "--whole", "--db-mirror", publisher.url)
    publisher.fail("osv/PyPI/all.zip", status=403)
    first = hullmark(cache, *words, code=3)
    assert b"osv-pypi: not updated: http" in first.stderr
    hullmark(cache, *words)
    faults: tuple[tuple[dict[str, Any], bytes], ...] = (
        ({"status": 403}, "→ it, or a proxy before it, does not let this machine have it".encode()),
        ({"status": 429, "headers": {"Retry-After": "3600"}}, "→ try again in 3600 s".encode()),
        ({"status": 500, "headers": {"Retry-After": "0"}, "times": 9}, "→ try again later".encode()),
        ({"status": 404}, "→ docs/reference/mirror.md has the names of its files".encode()),
    )
    for fault, hint in faults:
        publisher.fail("osv/PyPI/all.zip", **fault)
        failed = hullmark(cache, *words, code=3)
        publisher.faults.clear()
        assert b"osv-pypi: not updated, its last good content stays: http" in failed.stderr
        assert hint in failed.stderr
    (publisher.folder / "osv/PyPI/all.zip").unlink()
    export(publisher, RECORDS[0])
    shrunk = hullmark(cache, *words, code=3)
    assert shrunk.stdout.split() == [b"osv-pypi", b"kept"]
    assert b"kept its last good content: 1 of 2 records would be left" in shrunk.stderr


def test_a_mirror_need_not_have_everything(cache: Path, publisher: Publisher) -> None:
    """Its owner put there what the company's images are made of; that the rest is absent is said once, and no fault."""
    every = ("db", "update", "--all", "--db-mirror", publisher.url)
    some = hullmark(cache, *every)
    assert some.stdout.split() == [b"osv-pypi", b"updated", b"osv-pypi"]
    assert some.stderr.startswith(b"hullmark: warning: almalinux-10, almalinux-8, almalinux-9, ")
    assert some.stderr.count(b"\n") == 1
    assert b" more: not on the mirror\n" in some.stderr
    assert hullmark(cache, *every, "--quiet").stderr == b""
    osv = hullmark(cache, "db", "update", "--feed", "osv", "--db-mirror", publisher.url)
    assert osv.stderr.startswith(b"hullmark: warning: osv-bitnami, ")
    for words, name in ((("--part", "debian-12"), b"debian"), (("--feed", "arch", "--feed", "osv"), b"arch")):
        named = hullmark(cache, "db", "update", *words, "--db-mirror", publisher.url, code=3)
        assert b"hullmark: error: %s: not on the mirror: http" % name in named.stderr
        assert "→ docs/reference/mirror.md has the names of its files".encode() in named.stderr
    # what was there and is no longer is a fault
    shutil.rmtree(publisher.folder / "osv")
    lost = hullmark(cache, *every, code=3)
    assert b"osv-pypi: not updated, its last good content stays: http" in lost.stderr
    empty = hullmark(cache.parent / "other", *every, code=3)
    assert empty.stderr.count(b"error: ") == 1
    assert b"not on the mirror: http" in empty.stderr


def test_what_is_done_is_said_while_others_still_wait(cache: Path, publisher: Publisher) -> None:
    publisher.put("arch/all.json", b"[" + b" " * 2000)
    publisher.fail("arch/all.json", cut=1000, stall_s=60.0)
    words = ("--feed", "arch", "--part", "osv-pypi", "--db-mirror", publisher.url)
    begun = time.monotonic()
    with program.start(cache, "db", "update", *words) as running:
        assert running.stdout is not None
        assert running.stdout.readline().split() == [b"osv-pypi", b"updated", b"osv-pypi"]
        running.kill()
    assert time.monotonic() - begun < 30


def test_what_commands_share_is_shared_by_name() -> None:
    """The names stand in one place, so that the config file is checked without importing commands."""
    for command in (Scan, Update):
        fields = {setting.name for setting in settings_of(command) if setting.field.startswith("db_")}
        assert fields == {f"db-{key}" for key in SHARED["db"]}
        assert {setting.name for setting in settings_of(command) if setting.shared[0]} == fields


@pytest.mark.parametrize(
    "words",
    [
        ("update", "--part", "nothing-7"),
        ("update", "--feed", "nothing"),
        ("update", "--db-mirror", "/a/folder"),
        ("update", "--db-revision", "7"),
        ("update", "--db-key", "x"),
        ("update", "--from", "/nowhere"),
        ("update", "--from", ""),
        ("update", "--db-from", ""),
        ("update", "--from", "https://db.example", "--db-key", ""),
        ("update", "--from", "https://db.example", "--db-revision", ""),
        ("import", "x.tar", "--db-key", ""),
        ("export", "x.tar", "--sign-key", ""),
        ("push", "oci://db.example/db:latest", "--sign-key", ""),
        ("show",),
        ("show", ""),
        ("search",),
        ("search", " "),
    ],
)
def test_misuse(cache: Path, words: tuple[str, ...]) -> None:
    assert hullmark(cache, "db", *words, code=2).stdout == b""


@pytest.mark.skipif(shutil.which("docker-registry") is None, reason="docker-registry is needed")
def test_what_a_publisher_lets_nobody_pass_on_is_not_pushed_unless_told(cache: Path, tmp_path: Path) -> None:
    secfixes = {"packages": [{"pkg": {"name": "a", "secfixes": {"1-r1": ["CVE-2026-1000"]}}}]}
    for path, label in (
        ("wolfi", {"urlprefix": "https://packages.wolfi.dev", "reponame": "os"}),
        ("chainguard", {"urlprefix": "https://packages.cgr.dev", "reponame": "chainguard"}),
        ("alpine-secdb/v3.20", {"distroversion": "v3.20"}),
    ):
        name = "main.json" if path.startswith("alpine") else "security.json"
        file = tmp_path / "feeds" / path / name
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(secfixes | label))
    hullmark(cache, "db", "build", "--from", str(tmp_path / "feeds"))
    (tmp_path / "registry").mkdir()
    with serving(tmp_path / "registry") as host:
        token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        login = tmp_path / "login.json"
        login.write_text(json.dumps({"auths": {host: {"auth": token}}}))
        to = f"oci://{host}/team/db:latest"

        def published(*words: str) -> tuple[set[str], bytes]:
            told = hullmark(cache, "db", "push", to, *words, REGISTRY_AUTH_FILE=str(login)).stderr
            other = tmp_path / "-".join(("other", *words)) / "cache"
            hullmark(other, "db", "update", "--all", "--from", to, REGISTRY_AUTH_FILE=str(login))
            return set(load_current(other / "db").parts), told

        parts, told = published()
        assert parts == {"alpine-3.20"}
        assert b"chainguard: is left out: Chainguard's OSV feed is under CC-BY-NC-ND-4.0" in told
        assert b"wolfi: is left out" in told
        assert published("--with-reserved") == ({"alpine-3.20", "chainguard", "wolfi"}, b"")
        assert published("--part", "wolfi") == ({"wolfi"}, b"")
        alone = tmp_path / "alone" / "cache"
        hullmark(alone, "db", "build", "--from", str(tmp_path / "feeds"), "--feed", "wolfi")
        assert (
            b"nothing of this database may be passed on" in hullmark(alone, "db", "push", to, code=2).stderr
        )
