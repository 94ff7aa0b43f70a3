"""One cache folder under the worst that processes do to it: all at once, and killed with what they have begun."""

import fcntl
import json
import os
import random
import signal
import time
from pathlib import Path

import pytest

from hullmark.scan.cache import read_checked

from .program import AS_OF, dpkg_status, layer, names, run, start, write_layout

pytestmark = pytest.mark.e2e
SCAN = ("--format", "json", "--as-of", AS_OF, "--quiet")
WORTH_FORKING = 5_000_000  # bytes that do not shrink: two such layers are read in processes of their own


def large_layer(number: int) -> bytes:
    noise = random.Random(number).randbytes(WORTH_FORKING)
    package = json.dumps({"name": f"app-{number}", "version": "1.0.0"}).encode()
    files = {"noise": noise, f"srv/{number}/node_modules/x/package.json": package}
    return layer(files | ({"var/lib/dpkg/status": dpkg_status(("base", "1"))} if not number else {}))


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("image") / "image"
    write_layout(folder, [large_layer(number) for number in range(3)])
    return folder


@pytest.fixture(scope="module")
def expected(image: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    done = run(tmp_path_factory.mktemp("fresh") / "cache", "scan", str(image), *SCAN)
    assert done.returncode == 0, done.stderr.decode()
    assert names(json.loads(done.stdout)) == ["app-0", "app-1", "app-2", "base"]
    return done.stdout


def kept(cache: Path) -> list[Path]:
    return [
        path
        for kind in ("layers", "files", "chains", "index")
        for path in (cache / kind).rglob("*")
        if path.is_file()
    ]


def test_twenty_scans_of_one_image_say_the_same(tmp_path: Path, image: Path, expected: bytes) -> None:
    cache = tmp_path / "cache"
    running = [start(cache, "scan", str(image), *SCAN) for _number in range(20)]
    for process in running:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err.decode()
        assert err == b""
        assert out == expected
    assert len(list((cache / "layers").glob("*/*"))) == 3
    assert [path for path in kept(cache) if path.name.startswith(".")] == []
    assert list((cache / "locks").iterdir()) == []


def test_kill_minus_nine_at_any_moment(tmp_path: Path, image: Path, expected: bytes) -> None:
    """Alone, so that its children go on for a while, or with its children; each scan after it is whole and right."""
    cache = tmp_path / "cache"
    chance = random.Random(11)
    for number in range(15):
        process = start(cache, "scan", str(image), *SCAN, new_session=True)
        time.sleep(chance.uniform(0.05, 0.45))
        if number % 2:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.communicate(timeout=60)
        for path in kept(cache):
            assert path.name.startswith(".") or read_checked(path) is not None, (
                "nothing half-written has a name"
            )
        if number % 5 == 4:
            done = run(cache, "scan", str(image), *SCAN)
            assert (done.returncode, done.stdout, done.stderr) == (0, expected, b"")
            for lock in (cache / "locks").iterdir():
                with lock.open("rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for path in (*(cache / "layers").glob("*/*"), *(cache / "files").glob("*/*")):
                path.unlink()  # so that there is something to be killed in again


def test_what_killed_processes_left_is_pruned(tmp_path: Path, image: Path, expected: bytes) -> None:
    cache = tmp_path / "cache"
    assert run(cache, "scan", str(image), *SCAN).stdout == expected
    folder = next((cache / "layers").iterdir())
    old, new, lock = folder / ".0123.99999.1", folder / ".0123.99999.2", cache / "locks" / "dead"
    for path in (old, new, lock):
        path.write_bytes(b"HM1\nhalf")
    os.utime(old, (1, 1))
    assert run(cache, "cache", "prune").returncode == 0
    assert (old.exists(), new.exists(), lock.exists()) == (False, True, False)
    warm = run(cache, "scan", str(image), *SCAN)
    assert (warm.stdout, warm.stderr) == (expected, b"")
    assert run(cache, "cache", "clear").returncode == 0
    assert kept(cache) == []
    assert run(cache, "scan", str(image), *SCAN).stdout == expected


def test_a_folder_that_nobody_may_write_to(tmp_path: Path, image: Path, expected: bytes) -> None:
    """Filled before or not, and whoever asks: root is not kept out by a mode, so the file system says no."""
    cache = tmp_path / "cache"
    assert run(cache, "scan", str(image), *SCAN).stdout == expected
    for folder in (cache, *(path for path in cache.rglob("*") if path.is_dir())):
        folder.chmod(0o500)
    before = sorted(path for path in cache.rglob("*"))
    try:
        warm = run(cache, "scan", str(image), *SCAN)
        assert (warm.returncode, warm.stdout, warm.stderr) == (0, expected, b"")
        if os.geteuid():
            assert b"(read-only)" in run(cache, "cache", "info").stdout
            assert sorted(cache.rglob("*")) == before
    finally:
        for folder in (cache, *(path for path in cache.rglob("*") if path.is_dir())):
            folder.chmod(0o700)
    (tmp_path / "file").write_bytes(b"")
    nowhere = run(tmp_path / "file" / "cache", "scan", str(image), *SCAN)
    assert (nowhere.returncode, nowhere.stdout, nowhere.stderr) == (0, expected, b"")
