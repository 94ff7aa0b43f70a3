"""Advisories that a scan lacks, fetched meanwhile from a real HTTP server: by the program, as its users run it."""

import gzip
import json
import os
import shutil
import signal
import ssl
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from e2e import program
from hullmark.advisories.database import load_current, publish
from images.fakes import Authority
from toys.publisher import Publisher, export, osv, publishing

RECORDS = tuple(osv(f"PYSEC-2026-{n}", name, "2.0") for n, name in enumerate(("requests", "flask", "django")))
TRACKER = (
    b'{"curl":{"CVE-2024-1000":{"releases":{"bookworm":{"status":"resolved","fixed_version":"9.0-1"}}}}}'
)
KEV = b'{"title":"KEV","catalogVersion":"1","vulnerabilities":[{"cveID":"CVE-2024-1000","dateAdded":"2024-01-01"}]}'
EPSS = b"#model_version:v1,score_date:2026-01-01T00:00:00+0000\ncve,epss,percentile\nCVE-2024-1000,0.5,0.9\n"
EOL = b'{"schema_version":"1","result":[{"name":"debian","releases":[{"name":"12","isEol":false,"eolFrom":"2031-01-01"}]}]}'


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[Publisher]:
    with publishing(tmp_path / "published") as server:
        export(server, *RECORDS)
        server.put("debian/tracker.json", TRACKER)
        server.put("kev/known_exploited_vulnerabilities.json", KEV)
        server.put("epss/epss_scores-current.csv.gz", gzip.compress(EPSS))
        server.put("eol/products.json", EOL)
        yield server


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A layout of two layers: a Debian with curl, and requests for Python."""
    release = b'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n'
    system = {"etc/os-release": release, "var/lib/dpkg/status": program.dpkg_status(("curl", "8.0-1"))}
    meta = b"Metadata-Version: 2.1\nName: requests\nVersion: 1.0\n"
    own = {"usr/lib/python3/site-packages/requests-1.0.dist-info/METADATA": meta}
    program.write_layout(tmp_path / "image", [program.layer(system), program.layer(own)])
    return tmp_path / "image"


class Machine:
    """A machine with a cache and a database of its own, on which the program runs."""

    def __init__(self, folder: Path, publisher: Publisher, image: Path) -> None:
        self.cache = folder / "cache"
        self.database = folder / "cache" / "db"
        self.image = image
        self.settings: dict[str, Any] = {"HULLMARK_DB_MIRROR": publisher.url}

    def scan(self, *words: str, **more: Any) -> "subprocess.CompletedProcess[bytes]":
        asked = ("scan", f"oci:{self.image}", "--format", "json", *words)
        return program.run(self.cache, *asked, **self.settings, **more)

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        asked = ("scan", f"oci:{self.image}", "--format", "json", *words)
        return program.start(self.cache, *asked, **self.settings)

    def parts(self) -> set[str]:
        return set(load_current(self.database).parts)


@pytest.fixture
def machine(tmp_path: Path, publisher: Publisher, image: Path) -> Machine:
    return Machine(tmp_path / "machine", publisher, image)


def found(document: Any) -> dict[str, str]:
    return {finding["id"]: finding["name"] for finding in document["findings"]}


def test_a_first_scan_fetches_just_what_it_needs(machine: Machine, publisher: Publisher) -> None:
    done = machine.scan()
    document = program.report(done)
    assert done.stderr == b""
    assert found(document) == {"CVE-2024-1000": "curl", "PYSEC-2026-0": "requests"}
    assert document["incomplete"] is False
    curl = next(each for each in document["findings"] if each["name"] == "curl")
    assert (curl["epss"]["probability"], curl["kev"]["added"]) == (0.5, "2024-01-01")
    assert machine.parts() == {"debian-12", "osv-pypi", "kev", "epss", "eol"}
    assert not any("npm" in each.path or "nvd" in each.path for each in publisher.asked)
    publisher.asked.clear()
    assert found(program.report(machine.scan())) == found(document)
    assert publisher.asked == [], "nothing is asked for while it is fresh"


def test_what_only_development_needs_is_fetched_for_too(
    machine: Machine, publisher: Publisher, image: Path
) -> None:
    """Its malicious packages are listed without --include-dev."""
    bad = {
        "id": "MAL-2026-1",
        "modified": "2026-01-01T00:00:00Z",
        "affected": [{"package": {"ecosystem": "npm", "name": "bad"}, "versions": ["1.0.0"]}],
    }
    export(publisher, bad, folder="osv/npm")
    lock = {"lockfileVersion": 3, "packages": {"": {}, "node_modules/bad": {"version": "1.0.0", "dev": True}}}
    program.write_layout(image, [program.layer({"srv/package-lock.json": json.dumps(lock).encode()})])
    document = program.report(machine.scan())
    assert [(each["id"], each["kind"]) for each in document["findings"]] == [("MAL-2026-1", "malicious")]
    assert "osv-npm" in machine.parts()


def test_offline_fetches_nothing(machine: Machine, publisher: Publisher) -> None:
    done = machine.scan("--offline", "--fail-on", "critical")
    assert done.returncode == 3
    assert b"there is no advisory database" in done.stderr
    assert {each["coverage"] for each in json.loads(done.stdout)["packages"]} == {"feed_missing"}
    assert publisher.asked == []
    assert machine.scan("--scanners", "secret").returncode == 0
    assert publisher.asked == [], "nor does a scan that looks for nothing there"


def test_what_cannot_be_had_is_not_checked(machine: Machine, publisher: Publisher) -> None:
    publisher.fail("osv/PyPI/all.zip", status=403, times=10)
    done = machine.scan("--fail-on", "critical")
    assert done.returncode == 3
    document = json.loads(done.stdout)
    assert {each["name"]: each["coverage"] for each in document["packages"]} == {
        "curl": "matched",
        "requests": "feed_missing",
    }
    assert b"osv-pypi: could not be fetched: " in done.stderr
    assert b"answers 403" in done.stderr
    publisher.asked.clear()
    again = machine.scan("--fail-on", "critical")
    assert (again.returncode, again.stderr) == (3, done.stderr), "the reason is said again"
    assert publisher.asked == [], "but a moment later nobody is asked again"
    publisher.faults.clear()
    assert program.run(machine.cache, "db", "update", **machine.settings).returncode == 0
    assert found(program.report(machine.scan())) == {"CVE-2024-1000": "curl", "PYSEC-2026-0": "requests"}


def test_a_wait_has_its_end(machine: Machine, publisher: Publisher) -> None:
    publisher.fail("osv/PyPI/all.zip", cut=100, stall_s=20)
    started = time.monotonic()
    done = machine.scan("--db-fetch-timeout", "4", "--fail-on", "critical")
    assert time.monotonic() - started < 18
    assert done.returncode == 3
    assert b"osv-pypi: could not be fetched: not here after 4 s (--db-fetch-timeout)" in done.stderr
    assert found(json.loads(done.stdout)) == {"CVE-2024-1000": "curl"}
    assert program.report(machine.scan())["incomplete"] is False, "the next one goes on"


def test_what_is_stale_is_not_waited_for(machine: Machine, publisher: Publisher) -> None:
    machine.scan()
    grow_old(machine.database)
    publisher.fail("debian/tracker.json", cut=10, stall_s=20)
    publisher.fail("osv/PyPI/modified_id.csv", cut=10, stall_s=20)
    started = time.monotonic()
    done = machine.scan()
    assert time.monotonic() - started < 15
    document = program.report(done)
    assert found(document) == {"CVE-2024-1000": "curl", "PYSEC-2026-0": "requests"}
    assert {each["coverage"] for each in document["packages"]} == {"feed_stale"}
    assert b"debian-12, eol, epss, kev, osv-pypi: used though older than 24 h" in done.stderr
    publisher.faults.clear()
    assert program.run(machine.cache, "db", "update", **machine.settings).returncode == 0
    fresh = program.report(machine.scan())
    assert {each["coverage"] for each in fresh["packages"]} == {"matched"}
    assert {each["stale"] for each in fresh["database"]["parts"]} == {False}, "unchanged, but asked for"


def test_what_is_stale_and_cannot_be_had_anew(machine: Machine, publisher: Publisher) -> None:
    """Where something is lacking, too, the scan waits, and hears meanwhile of what is stale."""
    assert (
        program.run(machine.cache, "db", "update", "--part", "debian-12", **machine.settings).returncode == 0
    )
    grow_old(machine.database)
    publisher.fail("debian/tracker.json", status=403, times=10)
    publisher.fail("osv/PyPI/modified_id.csv", cut=10, stall_s=4)
    done = machine.scan()
    assert b"debian-12: could not be refreshed: debian: http" in done.stderr
    assert b"tracker.json: 127.0.0.1" in done.stderr
    assert b"debian-12: used though older than 24 h" in done.stderr


def test_the_advice_helps_at_once(machine: Machine, publisher: Publisher, tmp_path: Path) -> None:
    """What failed is not asked for again for a while, but whoever asks in another way is."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    (tmp_path / "tls").mkdir()
    authority = Authority(tmp_path / "tls")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "tls/server.crt", tmp_path / "tls/server.key")
    publisher.encrypt(context)
    machine.settings["HULLMARK_DB_MIRROR"] = publisher.url
    done = machine.scan("--fail-on", "critical")
    assert done.returncode == 3
    assert b"the certificate of" in done.stderr
    assert b"trust its authority with --cacert FILE" in done.stderr
    again = machine.scan("--fail-on", "critical")
    assert (again.returncode, again.stderr) == (3, done.stderr)
    trusting = machine.scan("--cacert", str(authority.ca))
    assert trusting.stderr == b""
    assert found(program.report(trusting)) == {"CVE-2024-1000": "curl", "PYSEC-2026-0": "requests"}


def test_scans_that_start_together_share_one_fetch(machine: Machine, publisher: Publisher) -> None:
    scans = [machine.start() for _ in range(10)]
    outputs = [scan.communicate(timeout=100) for scan in scans]
    assert [scan.returncode for scan in scans] == [0] * 10, outputs
    documents = [json.loads(out) for out, _ in outputs]
    assert all(found(each) == {"CVE-2024-1000": "curl", "PYSEC-2026-0": "requests"} for each in documents)
    for end in ("all.zip", "tracker.json", "products.json"):
        assert publisher.count(end, 200) == 1, end


def test_layers_that_ask_a_published_database_one_after_the_other(
    machine: Machine, publisher: Publisher, image: Path, tmp_path: Path
) -> None:
    """What the first of them asked for being here does not mean that what the second did is."""
    machine.scan()
    file = tmp_path / "database.tar"
    assert program.run(machine.cache, "db", "export", str(file)).returncode == 0
    with tarfile.open(file) as packed:
        packed.extractall(publisher.folder / "db", filter="data")
    index = json.loads((publisher.folder / "db/index.json").read_bytes())
    place = "db/blobs/" + index["manifests"][0]["digest"].replace(":", "/")
    (blob,) = [
        layer["digest"].replace(":", "/")
        for layer in json.loads((publisher.folder / place).read_bytes())["layers"]
        if layer["annotations"]["hullmark.file"].startswith("osv-pypi-")
    ]
    publisher.fail(f"db/blobs/{blob}", cut=10, stall_s=2)
    other = Machine(tmp_path / "other", publisher, image)
    other.settings = {"HULLMARK_DB_FROM": f"{publisher.url}/db", "HULLMARK_SCAN_OFFLINE": "false"}
    done = other.scan("--fail-on", "critical")
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b""
    assert found(json.loads(done.stdout)) == {"CVE-2024-1000": "curl", "PYSEC-2026-0": "requests"}


def test_a_fetch_that_dies_is_said(machine: Machine, publisher: Publisher) -> None:
    publisher.fail("osv/PyPI/all.zip", cut=100, stall_s=30)
    scan = machine.start("--fail-on", "critical")
    waiting(
        lambda: publisher.count("all.zip") == 1 and {"debian-12", "eol", "epss", "kev"} <= machine.parts()
    )
    for child in children(scan.pid):
        if b"fetching" in Path(f"/proc/{child}/cmdline").read_bytes():
            os.kill(child, signal.SIGKILL)
    _, errors = scan.communicate(timeout=60)
    assert scan.returncode == 3
    assert b"osv-pypi: could not be fetched: the process that fetches it ended early" in errors


def test_updates_and_scans_at_once_lose_nothing(machine: Machine, publisher: Publisher) -> None:
    assert machine.scan().returncode == 0
    export(publisher, *RECORDS, osv("PYSEC-2026-9", "requests", "1.5", modified="2026-10-01T00:00:00Z"))
    updates = [program.start(machine.cache, "db", "update", "--whole", **machine.settings) for _ in range(2)]
    scans = [machine.start() for _ in range(10)]
    for each in (*updates, *scans):
        _, errors = each.communicate(timeout=100)
        assert each.returncode == 0, errors
    assert "PYSEC-2026-9" in found(program.report(machine.scan()))
    assert machine.parts() == {"debian-12", "osv-pypi", "kev", "epss", "eol"}


def test_whoever_fetches_goes_with_its_scan(machine: Machine, publisher: Publisher) -> None:
    publisher.fail("osv/PyPI/all.zip", cut=100, stall_s=30)
    scan = machine.start()
    waiting(lambda: publisher.count("all.zip") == 1)
    fetchers = [
        child for child in children(scan.pid) if b"fetching" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]
    scan.send_signal(signal.SIGKILL)
    scan.communicate()
    assert fetchers
    waiting(lambda: not any(alive(fetcher) for fetcher in fetchers))


def test_the_image_of_an_sbom_is_fed_as_well(machine: Machine, publisher: Publisher, tmp_path: Path) -> None:
    del publisher
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "components": [{"type": "library", "name": "flask", "version": "1.0", "purl": "pkg:pypi/flask@1.0"}],
    }
    path = tmp_path / "bom.json"
    path.write_text(json.dumps(document))
    done = program.run(machine.cache, "scan", f"sbom:{path}", "--format", "json", **machine.settings)
    assert found(program.report(done)) == {"PYSEC-2026-1": "flask"}
    assert machine.parts() == {"osv-pypi", "kev", "epss", "eol"}


def grow_old(folder: Path) -> None:
    long_ago = "2026-01-01T00:00:00Z"
    parts = load_current(folder).parts
    publish(
        folder,
        {key: msgspec.structs.replace(info, built=long_ago, checked=long_ago) for key, info in parts.items()},
    )


def waiting(condition: Any) -> None:
    for _ in range(400):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it never came")


def children(process: int) -> list[int]:
    text = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(word) for word in text.split()]


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return "(zombie)" not in Path(f"/proc/{process}/status").read_text()
