"""One cache folder, many processes: nobody waits for the dead, nobody plants facts, nothing damaged counts."""

import json
import os
import random
import signal
import stat
import time
from pathlib import Path

import pytest

from .program import AS_OF, dpkg_status, layer, names, report, run, start, write_layout

pytestmark = pytest.mark.e2e
SCAN = ("--format", "json", "--as-of", AS_OF)


def base_layer() -> bytes:
    noise = random.Random(1).randbytes(3_000_000)
    return layer({"noise": noise, "var/lib/dpkg/status": dpkg_status(("base", "1"), ("zlib1g", "1"))})


def app_layer(number: int) -> bytes:
    body = json.dumps({"name": f"app-{number}", "version": "1.0.0"}).encode()
    return layer({"app/node_modules/x/package.json": body})


def test_twenty_processes_on_one_cache(tmp_path: Path) -> None:
    for number in range(20):
        write_layout(tmp_path / str(number), [base_layer(), app_layer(number)])
    cache = tmp_path / "cache"
    running = [start(cache, "scan", str(tmp_path / str(number)), *SCAN) for number in range(20)]
    for number, process in enumerate(running):
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err.decode()
        assert names(json.loads(out)) == [f"app-{number}", "base", "zlib1g"]
    assert len(list((cache / "layers").glob("*/*"))) == 21
    assert list((cache / "locks").glob("*")) == []
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700


def test_kill_minus_nine_leaves_nothing_stale(tmp_path: Path) -> None:
    write_layout(tmp_path / "image", [base_layer(), app_layer(0)])
    cache = tmp_path / "cache"
    chance = random.Random(7)
    for _round in range(12):
        process = start(cache, "scan", str(tmp_path / "image"), *SCAN)
        time.sleep(chance.uniform(0.02, 0.35))
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
    whole = report(run(cache, "scan", str(tmp_path / "image"), *SCAN))
    assert names(whole) == ["app-0", "base", "zlib1g"]
    assert not whole["errors"]
    assert (
        whole["summary"] == report(run(tmp_path / "fresh", "scan", str(tmp_path / "image"), *SCAN))["summary"]
    )


def test_a_lying_image_plants_nothing_and_borrows_nothing(tmp_path: Path) -> None:
    sound, empty = base_layer(), layer({"nothing": b""})
    digest = write_layout(tmp_path / "sound", [sound])[0]
    write_layout(tmp_path / "liar", [sound])
    blob = tmp_path / "liar" / "blobs" / "sha256" / digest.partition(":")[2]
    blob.write_bytes(empty)
    cache = tmp_path / "cache"
    first = run(cache, "scan", str(tmp_path / "liar"), *SCAN)
    assert names(report(run(cache, "scan", str(tmp_path / "sound"), *SCAN))) == ["base", "zlib1g"]
    second = run(cache, "scan", str(tmp_path / "liar"), *SCAN)
    for lied in (first, second):
        assert lied.returncode == 3
        document = json.loads(lied.stdout)
        assert names(document) == []
        assert any("digest" in error["reason"] for error in document["errors"])
        assert document["layers"][0]["digest"] == ""


def test_a_file_changed_in_place_is_read_again(tmp_path: Path) -> None:
    digest = write_layout(tmp_path / "image", [base_layer()])[0]
    cache = tmp_path / "cache"
    time.sleep(0.15)  # a file that changed just now is not remembered by its times
    report(run(cache, "scan", str(tmp_path / "image"), *SCAN))
    blob = tmp_path / "image" / "blobs" / "sha256" / digest.partition(":")[2]
    status, body = blob.stat(), bytearray(blob.read_bytes())
    body[-6] ^= 1  # the gzip checksum
    blob.write_bytes(body)
    os.utime(blob, ns=(status.st_atime_ns, status.st_mtime_ns))
    changed = run(cache, "scan", str(tmp_path / "image"), *SCAN)
    assert changed.returncode == 3
    reasons = " ".join(error["reason"] for error in json.loads(changed.stdout)["errors"])
    assert "digest" in reasons
    assert "checksum" in reasons


def test_damaged_cache_files_are_only_missing(tmp_path: Path) -> None:
    write_layout(tmp_path / "image", [base_layer(), app_layer(0)])
    cache = tmp_path / "cache"
    before = run(cache, "scan", str(tmp_path / "image"), *SCAN).stdout
    chance = random.Random(3)
    for path in sorted(path for path in cache.rglob("*") if path.is_file()):
        body = bytearray(path.read_bytes())
        if body:
            body[chance.randrange(len(body))] ^= 0xFF
            path.write_bytes(body[: len(body) - chance.randrange(3)])
    after = run(cache, "scan", str(tmp_path / "image"), *SCAN)
    assert after.returncode == 0
    assert after.stdout == before


def test_a_cache_that_cannot_be_made_costs_only_speed(tmp_path: Path) -> None:
    write_layout(tmp_path / "image", [base_layer()])
    (tmp_path / "file").write_bytes(b"")
    done = run(tmp_path / "file" / "cache", "scan", str(tmp_path / "image"), *SCAN)
    assert names(report(done)) == ["base", "zlib1g"]


def test_what_time_cut_short_is_not_remembered(tmp_path: Path) -> None:
    write_layout(tmp_path / "image", [base_layer()])
    cache = tmp_path / "cache"
    cut = run(cache, "scan", str(tmp_path / "image"), *SCAN, "--timeout", "0.000001")
    assert cut.returncode == 3
    assert "--timeout" in json.loads(cut.stdout)["errors"][0]["reason"]
    assert names(report(run(cache, "scan", str(tmp_path / "image"), *SCAN))) == ["base", "zlib1g"]


def test_info_prune_and_clear(tmp_path: Path) -> None:
    write_layout(tmp_path / "image", [base_layer(), app_layer(0)])
    cache = tmp_path / "cache"
    report(run(cache, "scan", str(tmp_path / "image"), *SCAN))
    assert b"layers    2" in run(cache, "cache", "info").stdout
    run(cache, "cache", "prune", "--max-size", "10G")
    assert b"layers    2" in run(cache, "cache", "info").stdout
    run(cache, "cache", "clear")
    assert b"layers    0" in run(cache, "cache", "info").stdout


def test_a_base_image_is_known_from_memory_and_by_option(tmp_path: Path) -> None:
    base = base_layer()
    write_layout(tmp_path / "base", [base])
    write_layout(tmp_path / "app", [base, app_layer(1)], {"org.opencontainers.image.base.name": "other:1"})
    unknown = report(run(tmp_path / "none", "scan", str(tmp_path / "app"), *SCAN))
    assert unknown["image"]["base"]["evidence"] == "claimed"
    assert {component["from_base"] for component in unknown["packages"]} == {None}
    cache = tmp_path / "cache"
    report(run(cache, "scan", str(tmp_path / "base"), *SCAN))
    known = report(run(cache, "scan", str(tmp_path / "app"), *SCAN))
    assert known["image"]["base"]["evidence"] == "memory"
    option = report(
        run(tmp_path / "none", "scan", str(tmp_path / "app"), *SCAN, "--base", str(tmp_path / "base"))
    )
    assert option["image"]["base"]["evidence"] == "option"
    for document in (known, option):
        told = {component["name"]: component["from_base"] for component in document["packages"]}
        assert told == {"app-1": False, "base": True, "zlib1g": True}
        assert [entry["from_base"] for entry in document["layers"]] == [True, False]
