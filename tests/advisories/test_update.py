"""The updater against a real HTTP server: what is asked for, what is kept, what a break or a bad file leads to."""

import gzip
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hullmark.advisories.database import Database, load_current, meet
from hullmark.advisories.registry import feeds
from hullmark.advisories.update import Outcome, Settings, everything, met, update, wanted
from hullmark.images.source import SourceOptions
from images.fakes import Authority
from toys.publisher import Publisher, export, osv, publishing

OLD = tuple(osv(f"PYSEC-2024-{n}", f"package{n}", "1.0") for n in range(20))

pytestmark = pytest.mark.usefixtures("pauses")


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[Publisher]:
    with publishing(tmp_path / "published") as server:
        yield server


def refreshed(tmp_path: Path, publisher: Publisher, part: str = "osv-pypi", **settings: object) -> Outcome:
    (each,) = [one for one in wanted([part]) if not one.feed.supplements]
    return update(tmp_path / "db", each, Settings(mirror=publisher.url, **settings))  # type: ignore[arg-type]


def fixed(tmp_path: Path, package: str, key: str = "osv-pypi") -> list[str]:
    """Give what fixes a package's flaws, according to the database."""
    database = Database.open(tmp_path / "db")
    part = database.part(key)
    assert part is not None
    found = [row.fixed for row in part.statements(package, "binary", None, "", keyed=False)]
    database.close()
    return found


def revision(tmp_path: Path, key: str = "osv-pypi") -> int:
    return load_current(tmp_path / "db").parts[key].n


# ── what feeds say of their publishers


def test_every_feed_says_where_its_files_are(tmp_path: Path) -> None:
    def read(file: str, patterns: tuple[str, ...]) -> bool:
        place = tmp_path / file.replace("{page}", "1")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
        return any(place in tmp_path.glob(pattern) for pattern in patterns)

    for feed in feeds():
        assert feed.all_parts, feed.name
        for part in feed.all_parts:
            group = feed.group(part)
            assert group is not None, part
            assert group.makes(part), part
            assert group.size > 0, part
            for source in group.sources:
                assert re.fullmatch(r"https?://[!-~]+", source.url), source.url
                assert read(source.file, feed.files), source.file
            for each in group.increments:
                assert each.removals is None or read(each.removals.file, feed.files)


def test_names_of_groups_are_their_own() -> None:
    names = [each.name for each in everything()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("part", ["nobody", "debian", "alpine-x", "osv-../x", "photon-", "sles-", "amazon-7"])
def test_parts_that_nobody_publishes(part: str) -> None:
    assert wanted([part]) == []


# ── what is fetched


def test_a_first_build_and_one_when_nothing_changed(tmp_path: Path, publisher: Publisher) -> None:
    export(publisher, *OLD)
    first = refreshed(tmp_path, publisher)
    assert (first.state, first.parts, first.reason) == ("updated", ("osv-pypi",), "")
    assert fixed(tmp_path, "package3") == ["1.0"]
    before = load_current(tmp_path / "db").parts["osv-pypi"]
    again = refreshed(tmp_path, publisher)
    assert again.state == "unchanged"
    assert publisher.count("all.zip") == 1, "the archive is not asked for again"
    assert publisher.asked[-1].status == 304
    after = load_current(tmp_path / "db").parts["osv-pypi"]
    assert after.file == before.file
    assert after.checked >= before.checked
    assert [*(tmp_path / "db/incoming").iterdir()] == []


def test_only_what_changed_is_fetched(tmp_path: Path, publisher: Publisher) -> None:
    export(publisher, *OLD)
    refreshed(tmp_path, publisher)
    now = "2026-11-01T00:00:00Z"
    changed = [
        osv("PYSEC-2024-1", "package1", "1.5", modified=now),
        osv("PYSEC-2026-9", "fresh", "2.0", modified=now),
        osv("PYSEC-2024-2", "package2", "1.0", modified=now, withdrawn=now),
    ]
    export(publisher, OLD[0], *changed, *OLD[4:], archive=False)  # PYSEC-2024-3 is no longer listed
    publisher.asked.clear()
    outcome = refreshed(tmp_path, publisher)
    assert outcome.state == "updated"
    assert sorted(each.path for each in publisher.asked) == [
        "osv/PyPI/PYSEC-2024-1.json",
        "osv/PyPI/PYSEC-2024-2.json",
        "osv/PyPI/PYSEC-2026-9.json",
        "osv/PyPI/modified_id.csv",
    ]
    assert [fixed(tmp_path, name) for name in ("package0", "package1", "fresh", "package2", "package3")] == [
        ["1.0"],
        ["1.5"],
        ["2.0"],
        [],
        [],
    ]
    assert revision(tmp_path) == 2
    database = Database.open(tmp_path / "db")
    part = database.part("osv-pypi")
    assert part is not None
    assert part.changes(1) == ["fresh", "package1", "package2", "package3"]
    assert part.changes(2) == []
    assert part.info.advisories == 19
    assert part.info.statements == 19
    database.close()


def test_changes_and_a_whole_build_lead_to_the_same(tmp_path: Path, publisher: Publisher) -> None:
    export(publisher, *OLD)
    refreshed(tmp_path, publisher)
    now = "2026-11-01T00:00:00Z"
    new = [
        osv("PYSEC-2024-1", "package1", "1.5", modified=now),
        osv("PYSEC-2026-9", "fresh", "2.0", modified=now),
    ]
    export(publisher, OLD[0], *new, *OLD[2:])
    refreshed(tmp_path, publisher)
    one = load_current(tmp_path / "db").parts["osv-pypi"]
    assert publisher.count("all.zip") == 1
    assert refreshed(tmp_path, publisher, whole=True).state == "unchanged"
    other = load_current(tmp_path / "db").parts["osv-pypi"]
    assert publisher.count("all.zip") == 2
    assert (one.file, one.advisories, one.statements, one.packages) == (
        other.file,
        other.advisories,
        other.statements,
        other.packages,
    )


def test_a_change_that_is_newer_than_the_archive(tmp_path: Path, publisher: Publisher) -> None:
    """Archives are made now and then; what their publisher changed since is fetched right away."""
    export(publisher, *OLD)
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    export(publisher, osv("PYSEC-2024-1", "package1", "1.5", modified=now), OLD[0], *OLD[2:], archive=False)
    os.utime(publisher.folder / "osv/PyPI/all.zip", (time.time() - 3 * 24 * 3600,) * 2)
    assert refreshed(tmp_path, publisher).state == "updated"
    assert fixed(tmp_path, "package1") == ["1.5"]
    assert fixed(tmp_path, "package2") == ["1.0"]


def test_an_archive_that_is_older_than_what_is_here(tmp_path: Path, publisher: Publisher) -> None:
    """What was known before the archive was fetched again is known at any moment of it."""

    def published(*archived: dict[str, Any]) -> None:
        export(publisher, *archived)
        export(publisher, newer, *archived[1:], archive=False)
        os.utime(publisher.folder / "osv/PyPI/all.zip", (time.time() - 3 * 24 * 3600,) * 2)

    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    newer = osv("PYSEC-2024-0", "package0", "1.5", modified=now)
    published(*OLD)
    refreshed(tmp_path, publisher)
    published(*OLD, osv("PYSEC-2024-99", "old", "2.0"))
    publisher.fail("osv/PyPI/PYSEC-2024-0.json", status=403)
    broken = refreshed(tmp_path, publisher, whole=True)
    assert (broken.state, fixed(tmp_path, "package0")) == ("failed", ["1.5"])
    assert refreshed(tmp_path, publisher, whole=True).state == "updated"
    assert (fixed(tmp_path, "package0"), fixed(tmp_path, "old")) == (["1.5"], ["2.0"])
    assert refreshed(tmp_path, publisher).state == "unchanged"


def test_files_that_belong_together_are_fetched_anew_together(tmp_path: Path, publisher: Publisher) -> None:
    tracker = '{"curl":{"CVE-2024-1":{"releases":{"bookworm":{"status":"resolved","fixed_version":"%s"}}}}}'
    publisher.put("debian/tracker.json", (tracker % "7.88-1").encode())
    for name in ("DSA-list", "DLA-list"):
        publisher.put(f"debian/{name}", b"")
    assert refreshed(tmp_path, publisher, "debian-12").state == "updated"
    publisher.asked.clear()
    assert refreshed(tmp_path, publisher, "debian-12").state == "unchanged"
    assert [each.status for each in publisher.asked] == [304, 304, 304]
    publisher.put("debian/tracker.json", (tracker % "7.88-2").encode())
    assert refreshed(tmp_path, publisher, "debian-12").state == "updated"
    database = Database.open(tmp_path / "db")
    part = database.part("debian-12")
    assert part is not None
    assert [row.fixed for row in part.statements("curl", "source", None, "", keyed=False)] == ["7.88-2"]
    database.close()


def test_a_file_that_may_be_absent(tmp_path: Path, publisher: Publisher) -> None:
    publisher.put(
        "alpine-secdb/v3.20/main.json",
        b'{"distroversion":"v3.20","reponame":"main","packages":[{"pkg":{"name":"curl","secfixes":{"8-r1":["CVE-2024-1"]}}}]}',
    )
    assert refreshed(tmp_path, publisher, "alpine-3.20").parts == ("alpine-3.20",)
    gone = refreshed(tmp_path, publisher, "alpine-3.21")
    assert gone.state == "absent"
    assert gone.reason == f"{publisher.url}/alpine-secdb/v3.21/main.json: none of its files is there"


def test_a_mirror_may_keep_files_compressed_or_have_some_of_them(
    tmp_path: Path, publisher: Publisher
) -> None:
    text = b"[01 Jan 2024] DSA-5000-1 curl - security update\n\t{CVE-2024-1}\n\t[bookworm] - curl 7.88-9\n"
    publisher.put("debian/DSA-list.gz", gzip.compress(text))
    assert refreshed(tmp_path, publisher, "debian-12").parts == ("debian-12",)
    assert refreshed(tmp_path, publisher, "debian-12").state == "unchanged"


def test_a_list_in_pages(tmp_path: Path, publisher: Publisher) -> None:
    def page(number: int) -> bytes:
        update = {
            "alias": f"FEDORA-2026-{number}",
            "type": "security",
            "status": "stable",
            "severity": "high",
            "release": {"version": "44", "id_prefix": "FEDORA", "name": "F44"},
            "builds": [{"nvr": f"curl-8.{number}-1.fc44", "type": "rpm", "epoch": 0}],
            "bugs": [{"title": f"CVE-2026-100{number} curl: flaw"}],
        }
        import json

        return json.dumps({"updates": [update], "page": number, "pages": 3}).encode()

    for number in (1, 2, 3):
        publisher.put(f"fedora/F44-{number}.json", page(number))
    outcome = refreshed(tmp_path, publisher, "fedora-44")
    assert (outcome.state, outcome.reason) == ("updated", "")
    assert load_current(tmp_path / "db").parts["fedora-44"].advisories == 3
    assert publisher.asked[0].headers["accept"] == "application/json"


# ── what goes wrong on the way


def test_a_break_is_gone_on_with(tmp_path: Path, publisher: Publisher) -> None:
    export(publisher, *OLD)
    publisher.fail("osv/PyPI/all.zip", cut=1000)
    assert refreshed(tmp_path, publisher).state == "updated"
    ranges = [each.headers.get("range") for each in publisher.asked if each.path.endswith("all.zip")]
    assert ranges == [None, "bytes=1000-"]


def test_a_break_is_gone_on_with_by_the_next_run(tmp_path: Path, publisher: Publisher) -> None:
    export(publisher, *OLD)
    publisher.fail("osv/PyPI/all.zip", cut=1000)
    publisher.fail("osv/PyPI/all.zip", cut=10, times=20)
    first = refreshed(tmp_path, publisher)
    assert first.state == "failed"
    assert "connection" in first.reason or "bytes" in first.reason
    publisher.faults.clear()
    publisher.asked.clear()
    assert refreshed(tmp_path, publisher).state == "updated"
    (asked,) = [each for each in publisher.asked if each.path.endswith("all.zip")]
    assert asked.status == 206
    assert int(asked.headers["range"][6:-1]) >= 1000


def test_what_changed_meanwhile_is_not_patched_together(tmp_path: Path, publisher: Publisher) -> None:
    export(publisher, *OLD)
    publisher.fail("osv/PyPI/all.zip", cut=1000)
    publisher.fail("osv/PyPI/all.zip", cut=10, times=20)
    refreshed(tmp_path, publisher)
    publisher.faults.clear()
    export(publisher, *OLD, osv("PYSEC-2026-1", "other", "3.0"))
    assert refreshed(tmp_path, publisher).state == "updated"
    assert fixed(tmp_path, "other") == ["3.0"]


def test_a_server_without_ranges_or_validators(tmp_path: Path) -> None:
    with publishing(tmp_path / "published", validators=False, ranges=False) as publisher:
        export(publisher, *OLD)
        publisher.fail("osv/PyPI/all.zip", cut=1000)
        assert refreshed(tmp_path, publisher).state == "updated"
        assert refreshed(tmp_path, publisher).state == "unchanged"


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_a_server_in_trouble(tmp_path: Path, publisher: Publisher, status: int, pauses: list[float]) -> None:
    export(publisher, *OLD)
    publisher.fail("osv/PyPI/all.zip", status=status, headers={"Retry-After": "7"} if status == 429 else {})
    assert refreshed(tmp_path, publisher).state == "updated"
    assert pauses == [7.0 if status == 429 else 0.5]


@pytest.mark.parametrize("status", [400, 401, 403, 418, 500])
def test_the_last_good_content_is_kept(tmp_path: Path, publisher: Publisher, status: int) -> None:
    export(publisher, *OLD)
    refreshed(tmp_path, publisher)
    before = load_current(tmp_path / "db")
    publisher.fail("osv/PyPI/all.zip", status=status, times=50)
    outcome = refreshed(tmp_path, publisher, whole=True)
    assert outcome.state == "failed"
    assert f"answers {status}" in outcome.reason
    assert load_current(tmp_path / "db") == before
    assert fixed(tmp_path, "package3") == ["1.0"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Sign in to the network",
        b"PK\x03\x04 and then nothing",
        b"\0" * 4096,
        b"\x1f\x8b\x08garbage",
    ],
)
def test_a_file_that_is_something_else(tmp_path: Path, publisher: Publisher, body: bytes) -> None:
    export(publisher, *OLD)
    refreshed(tmp_path, publisher)
    before = load_current(tmp_path / "db")
    publisher.put("osv/PyPI/all.zip", body)
    outcome = refreshed(tmp_path, publisher, whole=True)
    assert outcome.state == "failed"
    assert "osv/PyPI/all.zip" in outcome.reason
    assert load_current(tmp_path / "db") == before


def test_content_that_shrinks(tmp_path: Path, publisher: Publisher) -> None:
    export(publisher, *OLD)
    refreshed(tmp_path, publisher)
    export(publisher, *OLD[:15])
    outcome = refreshed(tmp_path, publisher, whole=True)
    assert outcome.kept == {"osv-pypi": "15 of 20 records would be left"}
    assert fixed(tmp_path, "package19") == ["1.0"]
    assert refreshed(tmp_path, publisher, whole=True).kept, "it is still said, and not taken for confirmed"
    assert refreshed(tmp_path, publisher, whole=True, accept_loss=True).kept == {}
    assert fixed(tmp_path, "package19") == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<!DOCTYPE html><title>Blocked</title>", "malformed"),
        (b'{"distroversion":"v3.20","pack', "truncated"),
    ],
    ids=["a page of a proxy's", "cut off"],
)
def test_the_only_document_cannot_be_read(
    tmp_path: Path, publisher: Publisher, body: bytes, reason: str
) -> None:
    publisher.put("alpine-secdb/v3.20/main.json", body)
    outcome = refreshed(tmp_path, publisher, "alpine-3.20")
    told = f"{outcome.group}: {outcome.reason}"
    assert told.startswith(
        "alpine-3.20: its only record could not be read: alpine-secdb/v3.20/main.json: "
    ), told
    assert reason in told
    publisher.put("alpine-secdb/v3.20/community.json", body)
    told = refreshed(tmp_path, publisher, "alpine-3.20").reason
    assert told.startswith(
        "none of its 2 records could be read; the first: alpine-secdb/v3.20/community.json: "
    ), told


def test_a_document_that_cannot_be_read_and_costs_much(tmp_path: Path, publisher: Publisher) -> None:
    def document(name: str, *flaws: str) -> bytes:
        fixes = ",".join(f'"{flaw}"' for flaw in flaws)
        return b'{"distroversion":"v3.20","packages":[{"pkg":{"name":"%s","secfixes":{"1.0-r0":[%s]}}}]}' % (
            name.encode(),
            fixes.encode(),
        )

    publisher.put("alpine-secdb/v3.20/main.json", document("musl", "CVE-2024-1001", "CVE-2024-1002"))
    publisher.put("alpine-secdb/v3.20/community.json", document("vim", "CVE-2024-2001"))
    assert refreshed(tmp_path, publisher, "alpine-3.20").state == "updated"
    publisher.put("alpine-secdb/v3.20/main.json", b"<!DOCTYPE html>")
    outcome = refreshed(tmp_path, publisher, "alpine-3.20")
    (reason,) = outcome.kept.values()
    assert reason.startswith("1 record could not be read (the first: alpine-secdb/v3.20/main.json: "), reason
    assert reason.endswith("), and 1 of 3 records would be left"), reason


def test_records_that_cannot_be_used_are_counted(tmp_path: Path, publisher: Publisher) -> None:
    export(publisher, *OLD, {"id": "PYSEC-2026-7", "modified": "2026-01-01T00:00:00Z", "affected": 7})
    outcome = refreshed(tmp_path, publisher)
    assert (outcome.state, outcome.unread) == ("updated", 1)
    assert outcome.first_unread is not None
    assert outcome.first_unread.path == "osv/PyPI/all.zip/PYSEC-2026-7.json"


def test_a_list_of_changes_that_lies(tmp_path: Path, publisher: Publisher) -> None:
    """What cannot be read of it leads to a whole build; what it names and is not there is gone."""
    export(publisher, *OLD)
    refreshed(tmp_path, publisher)
    publisher.put("osv/PyPI/modified_id.csv", b"no such list")
    refreshed(tmp_path, publisher)
    assert publisher.asked[-1].path.endswith("all.zip")
    publisher.put(
        "osv/PyPI/modified_id.csv",
        b"2030-01-01T00:00:00Z,../../../etc/passwd\n2030-01-01T00:00:00Z,PYSEC-2024-9\n"
        + b"".join(b"2024-01-01T00:00:00Z,PYSEC-2024-%d\n" % n for n in range(9)),
    )
    publisher.asked.clear()
    (publisher.folder / "osv/PyPI/PYSEC-2024-9.json").unlink()
    refreshed(tmp_path, publisher)
    assert not any("passwd" in each.path for each in publisher.asked)
    assert fixed(tmp_path, "package9") == []
    assert fixed(tmp_path, "package8") == ["1.0"]


# ── several at once


def test_a_mirror_that_never_answers_is_waited_for_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        mirror = f"http://127.0.0.1:{server.getsockname()[1]}"
        settings = Settings(options=SourceOptions(silence_s=1.0), mirror=mirror)
        begun = time.monotonic()
        outcomes = [update(tmp_path, each, settings) for each in wanted(["osv-pypi", "arch", "debian-12"])]
        assert time.monotonic() - begun < 2.5
    assert [outcome.state for outcome in outcomes] == ["failed"] * len(outcomes)
    assert "has been silent for 1 s" in outcomes[0].reason
    assert all("has been silent before in this run" in outcome.reason for outcome in outcomes[1:])


def test_a_redirect_is_followed(tmp_path: Path, publisher: Publisher) -> None:
    export(publisher, *OLD)
    (publisher.folder / "osv/PyPI/all.zip").rename(publisher.folder / "moved.zip")
    publisher.fail("osv/PyPI/all.zip", status=302, headers={"Location": f"{publisher.url}/moved.zip"})
    assert refreshed(tmp_path, publisher).state == "updated"
    assert fixed(tmp_path, "package3") == ["1.0"]


def test_a_redirect_in_a_circle_ends(tmp_path: Path, publisher: Publisher) -> None:
    export(publisher, *OLD)
    publisher.fail("osv/PyPI/all.zip", status=302, headers={"Location": "/osv/PyPI/all.zip"}, times=1000)
    assert refreshed(tmp_path, publisher).state == "failed"
    assert publisher.count("all.zip") < 100


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path, publisher: Publisher) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    export(publisher, *OLD)
    (tmp_path / "tls").mkdir()
    authority = Authority(tmp_path / "tls")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "tls/server.crt", tmp_path / "tls/server.key")
    publisher.encrypt(context)
    outcome = refreshed(tmp_path, publisher)
    assert outcome.state == "failed"
    assert "certificate" in f"{outcome.reason} {outcome.hint}".lower()
    trusting = SourceOptions(cacert=str(authority.ca))
    assert refreshed(tmp_path, publisher, options=trusting).state == "updated"


def test_two_that_want_the_same_fetch_it_once(tmp_path: Path, publisher: Publisher) -> None:
    export(publisher, *OLD)
    found: list[Outcome] = []
    threads = [
        threading.Thread(target=lambda: found.append(refreshed(tmp_path, publisher, max_age_s=60.0)))
        for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(each.state for each in found) == ["recent"] * 4 + ["updated"]
    assert publisher.count("all.zip") == 1


UPDATER = """
import sys
from pathlib import Path
from hullmark.advisories.update import Settings, update, wanted
(each,) = [one for one in wanted(["osv-pypi"]) if not one.feed.supplements]
print(update(Path(sys.argv[1]), each, Settings(mirror=sys.argv[2], whole=True)).state)
"""


@pytest.mark.parametrize("after_ms", [120, 180, 220, 260, 300, 340, 400, 500])
def test_killed_at_any_moment(tmp_path: Path, publisher: Publisher, after_ms: int) -> None:
    """A database is whole after it, and the next run needs no help."""
    export(publisher, *OLD)
    refreshed(tmp_path, publisher)
    export(publisher, *OLD, *(osv(f"PYSEC-2026-{n}", f"new{n}", "4.0") for n in range(400)))
    process = subprocess.Popen(
        [sys.executable, "-c", UPDATER, str(tmp_path / "db"), publisher.url], stdout=subprocess.DEVNULL
    )
    time.sleep(after_ms / 1000)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert fixed(tmp_path, "package3") == ["1.0"]
    assert fixed(tmp_path, "new7") in ([], ["4.0"])
    assert refreshed(tmp_path, publisher, whole=True).state in ("updated", "unchanged")
    assert fixed(tmp_path, "new7") == ["4.0"]


# ── what this machine has met


def test_what_was_met_is_remembered(tmp_path: Path, publisher: Publisher) -> None:
    folder = tmp_path / "db"
    assert met(folder) == set()
    meet(folder, ["alpine-3.20", "../out", ".hidden"])
    assert met(folder) == {"alpine-3.20"}
    export(publisher, *OLD)
    refreshed(tmp_path, publisher)
    assert met(folder) == {"alpine-3.20", "osv-pypi"}
