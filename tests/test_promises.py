"""DESIGN's promises, each by its number, as far as scanning alone can show them.

They are about the program as a whole; what each part does for them is tested beside the part.
"""

import json
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from e2e.program import AS_OF, DEMO, dpkg_status, environment, layer, run, start, write_layout
from hullmark.advisories.build import build
from hullmark.model.advisory import Range
from toys.feed import advisory, affected, feed

pytestmark = pytest.mark.e2e
IMAGE = str(DEMO / "image.tar")
JSON = ("--format", "json", "--as-of", AS_OF)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("promises") / "cache"
    built = run(folder, "db", "build", "--from", str(DEMO / "feeds"), "--as-of", AS_OF)
    assert built.returncode == 0, built.stderr.decode()
    return folder


def scanned(cache: Path, *arguments: str, code: int = 0, **more: Any) -> Any:
    done = run(cache, "scan", *arguments, *JSON, **more)
    assert done.returncode == code, done.stderr.decode()
    return json.loads(done.stdout)


def states(document: Any) -> dict[str, str]:
    return {each["name"]: each.get("coverage", "matched") for each in document["packages"]}


# 1. A scan never lies.


def test_promise_1_what_could_not_be_read_is_said(tmp_path: Path) -> None:
    """A broken layer, a broken database of packages, a broken file, a broken record: each is in the report."""
    good = layer({"srv/a/package.json": b'{"name": "a", "version": "1.0.0"}'})
    broken = {
        "var/lib/dpkg/status": dpkg_status(("base", "1"))
        + b"Package: half\nStatus: install ok installed\n\n",
        "srv/package-lock.json": b'{"lockfileVersion": 3, "packages": {',
        "opt/x.jar": b"PK no zip at all",
        "var/lib/rpm/rpmdb.sqlite": b"SQLite format 3\0" + b"no database" * 100,
    }
    cut = layer({"srv/b/package.json": b'{"name": "b", "version": "1.0.0"}'})
    digest = write_layout(tmp_path / "image", [good, layer(broken), cut])[2]
    (tmp_path / "image/blobs" / digest.replace(":", "/")).write_bytes(cut[:-20])
    done = run(tmp_path / "cache", "scan", str(tmp_path / "image"), *JSON)
    document = json.loads(done.stdout)
    assert done.returncode == 3
    assert document["incomplete"]
    assert {error["kind"] for error in document["errors"]} == {
        "layer",
        "package_database",
        "file",
        "record",
    }
    assert {error.get("path") for error in document["errors"]} >= set(broken)
    assert all(error["reason"] for error in document["errors"])
    assert sorted(states(document)) == ["a", "b", "base"], "and what could be read is there"


def test_promise_1_what_was_not_checked_is_said(cache: Path, tmp_path: Path) -> None:
    files = {
        "var/lib/dpkg/status": dpkg_status(("base", "1")),
        "opt/conda/conda-meta/numpy-1.0-0.json": b'{"name": "numpy", "version": "1.0", "build": "0"}',
        "srv/go.mod": b"module x\n\ngo 1.22\n\nrequire github.com/a/b v1.0.0\n",
    }
    write_layout(tmp_path / "image", [layer(files)])
    document = scanned(cache, str(tmp_path / "image"))
    assert set(states(document).values()) == {"release_unknown", "no_feed", "feed_missing"}
    assert document["coverage"]["not_checked"] == len(document["packages"]) >= 3
    assert document["incomplete"]
    assert document["findings"] == []
    assert run(cache, "scan", str(tmp_path / "image"), "--fail-on", "critical").returncode == 3


def test_promise_1_what_cannot_be_ordered_is_undecided(tmp_path: Path) -> None:
    (tmp_path / "mirror").mkdir()
    records = (
        advisory("CVE-2021-1000", affected("x", Range(fixed="no version"))),
        advisory("CVE-2021-1001", affected("x", Range(fixed="0.1"))),
        advisory("CVE-2021-1002", affected("y", Range(fixed="2.0"))),
    )
    build(tmp_path / "mirror", tmp_path / "cache/db", [feed(*records, name="osv")], built=AS_OF)
    site = "usr/lib/python3/dist-packages"
    names = {"x": "1.0", "y": "not+a+version"}
    write_layout(
        tmp_path / "image",
        [
            layer(
                {
                    f"{site}/{name}-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
                    for name, version in names.items()
                }
            )
        ],
    )
    document = scanned(tmp_path / "cache", str(tmp_path / "image"))
    assert {(each["id"], each["name"]): each["state"] for each in document["findings"]} == {
        ("CVE-2021-1000", "x"): "undecided",
        ("CVE-2021-1002", "y"): "undecided",
    }


# 2. Untrusted input everywhere (tests/hostile has the hundred images).


def test_promise_2_nothing_is_executed_and_nothing_written_outside(cache: Path, tmp_path: Path) -> None:
    """Not while hostile names are read either: the kernel itself is asked what was opened for writing and started."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not here")
    evil = b'{"name": "$(touch /tmp/pwned)", "version": "1.0.0;touch /tmp/pwned", "scripts": {"install": "touch x"}}'
    files = {
        "srv/a/package.json": evil,
        "srv/setup.py": b"open('pwned', 'w')\n",
        "srv/../../../pwned/package.json": evil,
        "etc/os-release": b"ID=$(touch pwned)\nVERSION_ID=`touch pwned`\n",
        "var/lib/dpkg/status": dpkg_status(("../../pwned", "1")),
    }
    write_layout(tmp_path / "image", [layer(files)])
    own = tmp_path / "own"
    log = tmp_path / "log"
    command = [
        "strace",
        "-f",
        "-qq",
        "-o",
        str(log),
        "-e",
        "trace=execve,open,openat,creat,mkdir,rename,symlink,link",
    ]
    done = subprocess.run(
        [*command, sys.executable, "-B", "-m", "hullmark", "scan", str(tmp_path / "image")],
        env=environment(own, HULLMARK_DB_DIR=str(cache / "db")),
        cwd=tmp_path / "image",
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode in {0, 3}, done.stderr
    calls = [line for line in log.read_text("utf-8", "replace").splitlines() if " = -1 " not in line]
    assert len([line for line in calls if "execve(" in line]) == 1
    written = [
        line for line in calls if re.search(r"O_WRONLY|O_RDWR|O_CREAT|creat\(|mkdir|rename|link\(", line)
    ]
    assert written, "else this test sees nothing"
    outside = [line for line in written if f'"{own}' not in line and '"/dev/' not in line]
    assert outside == []


def test_promise_2_no_control_character_reaches_a_terminal(cache: Path, tmp_path: Path) -> None:
    name = "x\\u001b[2J\\u009b31m\\u202e\\u200b\\r\\n"
    body = f'{{"name": "x", "version": "1.0.0\\u001b[2J", "license": "{name}"}}'.encode()
    files = {
        "srv/\x1b[2J\u202e/node_modules/x/package.json": body,
        "etc/os-release": b"ID=x\nPRETTY_NAME='\x1b[2J\xc2\x9b31m'\n",
        "srv/\x1b]0;title\x07/package-lock.json": b"{",
    }
    write_layout(tmp_path / "image", [layer(files)])
    for arguments in ((), ("--fail-on", "low", "--fail-on-incomplete")):
        done = run(cache, "scan", str(tmp_path / "image"), *arguments)
        text = (done.stdout + done.stderr).decode()
        assert not re.search(
            "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]", text
        )


# 3. `kill -9` at any moment loses nothing acknowledged and corrupts nothing.


def test_promise_3_kill_minus_nine(tmp_path: Path) -> None:
    """Builds and scans side by side, killed at random; whoever comes later finds a whole database and a sound cache."""
    cache, chance = tmp_path / "cache", random.Random(3)
    mirror = tmp_path / "feeds"
    shutil.copytree(DEMO / "feeds", mirror)
    assert run(cache, "db", "build", "--quiet", "--from", str(mirror), "--as-of", AS_OF).returncode == 0
    before = scanned(cache, IMAGE)
    for _round in range(8):
        running = [
            start(cache, "db", "build", "--quiet", "--from", str(mirror), "--as-of", AS_OF),
            start(cache, "scan", IMAGE, *JSON),
        ]
        time.sleep(chance.uniform(0.05, 0.6))
        for process in running:
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=60)
        document = json.loads((cache / "db/current.json").read_bytes())
        assert sorted(document["parts"]) == ["alpine-3.10", "eol", "kev", "osv-npm", "osv-pypi"]
        assert all((cache / "db/parts" / part["file"]).is_file() for part in document["parts"].values())
    assert scanned(cache, IMAGE) == before
    assert run(cache, "db", "build", "--quiet", "--from", str(mirror), "--as-of", AS_OF).returncode == 0


def test_promise_3_a_feed_is_swapped_whole_or_not_at_all(tmp_path: Path) -> None:
    cache, mirror = tmp_path / "cache", tmp_path / "feeds"
    shutil.copytree(DEMO / "feeds", mirror)
    run(cache, "db", "build", "--from", str(mirror), "--as-of", AS_OF)
    before = scanned(cache, IMAGE)
    for path in (mirror / "osv/PyPI/all.zip", mirror / "alpine-secdb/v3.10/main.json"):
        path.write_bytes(path.read_bytes()[:-500])
    failed = run(cache, "db", "build", "--from", str(mirror), "--as-of", AS_OF)
    assert failed.returncode == 3
    assert failed.stderr.count(b"kept its last good content") == 2
    assert scanned(cache, IMAGE) == before


# 5. Same input, same output, byte for byte.


def test_promise_5_same_input_same_output(cache: Path, tmp_path: Path) -> None:
    """Cold or warm, in another time zone, with other hashes and another locale: every format, every byte."""
    ways = (
        {"PYTHONHASHSEED": "1"},
        {"PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo", "LANG": "tr_TR.UTF-8"},
        {"PYTHONHASHSEED": "3", "TZ": "America/Lima"},
    )
    formats = ("json", "table", "cyclonedx", "spdx")
    told = [word for name in formats for word in ("--format", f"{name}={tmp_path / name}")]
    outputs: dict[str, set[bytes]] = {name: set() for name in formats}
    for number, way in enumerate(ways):
        for _warm in range(2):
            environ: dict[str, Any] = {**way, "HULLMARK_DB_DIR": str(cache / "db")}
            done = run(tmp_path / f"cache-{number}", "scan", IMAGE, "--as-of", AS_OF, *told, **environ)
            assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
            for name in formats:
                outputs[name].add((tmp_path / name).read_bytes())
    assert {name: len(found) for name, found in outputs.items()} == dict.fromkeys(formats, 1)
    assert all(len(body) > 1000 for found in outputs.values() for body in found)


def test_promise_5_layers_read_side_by_side(tmp_path: Path) -> None:
    noise = random.Random(1).randbytes(5_000_000)
    packages = [f'{{"name": "a{n}", "version": "1.0.{n}"}}'.encode() for n in range(4)]
    layers = [layer({"noise": noise, f"srv/{n}/package.json": body}) for n, body in enumerate(packages)]
    write_layout(tmp_path / "image", layers)
    outputs = {run(tmp_path / f"c{n}", "scan", str(tmp_path / "image"), *JSON).stdout for n in range(3)}
    assert len(outputs) == 1
    document = json.loads(outputs.pop())
    assert [each["name"] for each in document["packages"]] == ["a0", "a1", "a2", "a3"]
    assert not document["errors"]


def test_promise_5_time_is_an_input(cache: Path) -> None:
    told: list[dict[str, Any]] = [
        {"SOURCE_DATE_EPOCH": "1767225600"},
        {"SOURCE_DATE_EPOCH": "1767225600", "TZ": "America/Lima"},
    ]
    done = [run(cache, "scan", IMAGE, "--format", "json", **more).stdout for more in told]
    assert done[0] == done[1] == run(cache, "scan", IMAGE, *JSON).stdout
    assert json.loads(done[0])["as_of"] == AS_OF
    later = scanned(cache, IMAGE)["findings"]
    early = json.loads(
        run(cache, "scan", IMAGE, "--format", "json", "--as-of", "2020-01-01T00:00:00Z").stdout
    )
    assert len(later) - len(early["findings"]) == 1, "before its end, the release's end was no finding"


def test_promise_5_every_report_names_what_made_it(cache: Path) -> None:
    document = scanned(cache, IMAGE)
    assert document["tool"]["name"] == "hullmark"
    assert document["tool"]["version"]
    assert document["tool"]["detectors"]["apk"] >= 1
    parts = {part["part"]: part for part in document["database"]["parts"]}
    assert set(parts) == {"alpine-3.10", "eol", "kev", "osv-npm", "osv-pypi"}
    assert all(re.fullmatch(r"[0-9a-f]{16}\.\d+", part["revision"]) for part in parts.values())


# 6. Errors say what happened, to which image, layer and file, and what to do next.


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("scan", "oci:/nowhere"), ("/nowhere", "index.json", "No such file")),
        (("scan", "/nowhere.tar"), ("/nowhere.tar", "neither a file")),
        (("scan",), ("no image is named", "hullmark scan IMAGE")),
        (("scan", IMAGE, "--limit", "layer=1"), ("no limit 'layer'", "layer_entries")),
        (("scan", IMAGE, "--fail-on", "hihg"), ("'hihg'", "critical, high")),
        (("scan", IMAGE, "--format", "xml"), ("'xml'", "cyclonedx")),
        (("scan", IMAGE, "--base", "oci:/nowhere"), ("/nowhere", "--base")),
        (("db", "build", "--from", "/nowhere"), ("/nowhere", "db build --from")),
        (("db", "build", "--from", "/", "--feed", "x"), ("'x'", "debian")),
        (("nosuch",), ("nosuch", "--help")),
    ],
)
def test_promise_6_errors_say_what_and_where_and_what_to_do(
    cache: Path, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    done = run(cache, *arguments)
    told = done.stderr.decode()
    assert done.returncode in {2, 3}
    assert done.returncode == 3 or done.stdout == b""
    assert told.startswith("hullmark: error: ")
    assert len(told.splitlines()) <= 2
    for word in words:
        assert word in told


def test_promise_6_what_is_wrong_in_an_image_has_its_place(tmp_path: Path) -> None:
    good = layer({"srv/package-lock.json": b"{", "var/lib/dpkg/status": b"Package: x\nVersion\n\n"})
    digests = write_layout(tmp_path / "image", [layer({"x": b"x"}), good])
    document = json.loads(run(tmp_path / "cache", "scan", str(tmp_path / "image"), *JSON).stdout)
    errors = {error["path"]: error for error in document["errors"]}
    assert set(errors) == {"srv/package-lock.json", "var/lib/dpkg/status"}
    assert {error["layer"] for error in errors.values()} == {digests[1]}
    assert errors["var/lib/dpkg/status"]["place"]


# 7. Nobody is called who was not configured.


def test_promise_7_nobody_is_called(cache: Path, tmp_path: Path) -> None:
    """The kernel is asked: no command on local files makes a socket, whatever an image's labels and packages name."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not here")
    labels = {
        "org.opencontainers.image.source": "https://example.com/x",
        "org.opencontainers.image.base.name": "registry.example.com/base:1",
    }
    body = b'{"name": "x", "version": "1.0.0", "repository": "https://example.com/x"}'
    write_layout(tmp_path / "image", [layer({"srv/x/package.json": body})], labels)
    commands = [
        ("scan", str(tmp_path / "image"), IMAGE, "--offline"),
        ("sbom", IMAGE),
        ("db", "build", "--from", str(DEMO / "feeds")),
        ("db", "status"),
        ("cache", "info"),
        ("config",),
        ("--version",),
        ("--help",),
    ]
    for number, command in enumerate(commands):
        log = tmp_path / f"log-{number}"
        done = subprocess.run(
            [
                "strace",
                "-f",
                "-qq",
                "-o",
                str(log),
                "-e",
                "trace=network",
                sys.executable,
                "-m",
                "hullmark",
                *command,
            ],
            env=environment(tmp_path / "own", HULLMARK_DB_DIR=str(cache / "db")),
            capture_output=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        calls = [line for line in log.read_text().splitlines() if "(" in line and "+++" not in line]
        assert [line for line in calls if "socketpair(" not in line] == [], command


def test_promise_7_a_label_names_nobody_to_call_when_offline(cache: Path, tmp_path: Path) -> None:
    """The base image that a label claims is somebody's claim: nothing is resolved with --offline."""
    refuse = "import socket\ndef refuse(*a, **k): raise SystemExit(99)\n"
    refuse += "socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse\n"
    (tmp_path / "sitecustomize.py").write_text(refuse)
    labels = {
        "org.opencontainers.image.base.name": "127.0.0.1:1/base:1",
        "org.opencontainers.image.base.digest": "sha256:" + "0" * 64,
    }
    write_layout(tmp_path / "image", [layer({"srv/x": b""}), layer({"srv/y": b""})], labels)
    document = scanned(cache, str(tmp_path / "image"), "--offline", PYTHONPATH=str(tmp_path))
    assert document["image"]["base"]["evidence"] == "claimed"
