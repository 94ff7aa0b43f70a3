"""Publishers' own ways to say where their files are and what changed, each played by a real server."""

import gzip
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from backports import zstd

from conftest import GOLDEN
from hullmark.advisories.database import Database
from hullmark.advisories.feed import Feed, Group, Source
from hullmark.advisories.feeds import amazon, redhat, suse, wolfi
from hullmark.advisories.lookup import flaw
from hullmark.advisories.update import Outcome, Settings, Wanted, update
from toys.publisher import Publisher, export, publishing


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[Publisher]:
    with publishing(tmp_path / "published") as server:
        yield server


def here(source: Source, publisher: Publisher) -> Source:
    """Give a source as if the publisher's host were this server."""
    return msgspec.structs.replace(
        source, url=f"{publisher.url}/{source.url.partition('://')[2].partition('/')[2]}"
    )


def moved(group: Group, publisher: Publisher) -> Group:
    increments = [
        msgspec.structs.replace(
            each,
            source=here(each.source, publisher),
            removals=here(each.removals, publisher) if each.removals else None,
        )
        for each in group.increments
    ]
    return msgspec.structs.replace(
        group,
        sources=tuple(here(source, publisher) for source in group.sources),
        lists=tuple(
            msgspec.structs.replace(
                each, url=f"{publisher.url}/{each.url.partition('://')[2].partition('/')[2]}"
            )
            for each in group.lists
        ),
        increments=tuple(increments),
        otherwise=moved(group.otherwise, publisher) if group.otherwise else None,
    )


def refreshed(tmp_path: Path, feed: Feed, part: str, publisher: Publisher) -> Outcome:
    group = feed.group(part)
    assert group is not None
    return update(tmp_path / "db", Wanted(feed, moved(group, publisher)), Settings())


def said(tmp_path: Path, name: str) -> list[str]:
    """Give the titles of all records on a flaw."""
    database = Database.open(tmp_path / "db")
    found = sorted(each.advisory.title for each in flaw(database, name))
    database.close()
    return found


# ── Red Hat

DATA = "data/csaf/v2"
VEX = GOLDEN / "feeds/redhat/vex/redhat"
ERRATA = GOLDEN / "feeds/redhat/advisories/redhat"


def archive(*files: tuple[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, body in files:
            info = tarfile.TarInfo(name)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    return zstd.compress(packed.getvalue())


def titled(path: Path, title: str) -> bytes:
    document = json.loads(path.read_bytes())
    document["document"]["title"] = title
    for each in document["vulnerabilities"]:
        each["title"] = title
    return json.dumps(document).encode()


def listed(publisher: Publisher, kind: str, changes: str, deletions: str = "") -> None:
    publisher.put(f"{DATA}/{kind}/changes.csv", changes.encode(), 0)
    publisher.put(f"{DATA}/{kind}/deletions.csv", deletions.encode(), 0)


@pytest.fixture
def of_redhat(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> Publisher:
    """Red Hat's folder, with an archive of each kind and the lists beside it."""
    monkeypatch.setattr(redhat, "_BASE", f"{publisher.url}/{DATA}/")
    for kind, day, files in (
        ("vex", "2026-11-01", ("2023/cve-2023-38545.json", "2023/cve-2023-4154.json")),
        ("advisories", "2026-11-02", ("2023/rhsa-2023_3821.json", "2024/rhsa-2024_0811.json")),
    ):
        folder = VEX if kind == "vex" else ERRATA
        bodies = [(name, titled(folder / name.partition("/")[2], "as archived")) for name in files]
        name = f"csaf_{kind}_{day}.tar.zst"
        publisher.put(f"{DATA}/{kind}/archive_latest.txt", name.encode())
        publisher.put(f"{DATA}/{kind}/{name}", archive(*bodies))
        listed(publisher, kind, "".join(f'"{file}","{day}T00:00:00+00:00"\n' for file in files))
    return publisher


def test_red_hat_is_an_archive_that_a_file_names(tmp_path: Path, of_redhat: Publisher) -> None:
    outcome = refreshed(tmp_path, redhat.FEED, "rhel-9", of_redhat)
    assert (outcome.state, outcome.reason) == ("updated", "")
    assert {"rhel-8", "rhel-9"} <= set(outcome.parts)
    assert "as archived" in said(tmp_path, "CVE-2023-38545")
    assert said(tmp_path, "RHSA-2023:3821") == ["as archived"]
    assert of_redhat.count(".tar.zst") == 2
    again = refreshed(tmp_path, redhat.FEED, "rhel-9", of_redhat)
    assert again.state == "unchanged"
    assert of_redhat.count(".tar.zst") == 2
    assert of_redhat.count("archive_latest.txt") == 2


def test_of_red_hats_documents_those_are_fetched_that_changed(tmp_path: Path, of_redhat: Publisher) -> None:
    refreshed(tmp_path, redhat.FEED, "rhel-9", of_redhat)
    changed = titled(VEX / "cve-2023-38545.json", "said anew")
    of_redhat.put(f"{DATA}/vex/2023/cve-2023-38545.json", changed)
    listed(
        of_redhat,
        "vex",
        '"2023/cve-2023-38545.json","2026-11-20T10:00:00+00:00"\n"2023/cve-2023-4154.json","2026-11-01T00:00:00+00:00"\n',
    )
    listed(
        of_redhat,
        "advisories",
        '"2024/rhsa-2024_0811.json","2026-11-02T00:00:00+00:00"\n',
        '"2023/rhsa-2023_3821.json","2026-11-20T09:00:00+00:00"\n',
    )
    outcome = refreshed(tmp_path, redhat.FEED, "rhel-9", of_redhat)
    assert (outcome.state, outcome.reason) == ("updated", "")
    assert "said anew" in said(tmp_path, "CVE-2023-38545")
    assert "as archived" not in said(tmp_path, "CVE-2023-38545")
    assert said(tmp_path, "RHSA-2023:3821") == [], "it was deleted"
    assert said(tmp_path, "RHSA-2024:0811") != []
    assert of_redhat.count(".tar.zst") == 2
    assert [each.path.rpartition("/")[2] for each in of_redhat.asked if each.path.endswith(".json")] == [
        "cve-2023-38545.json"
    ]


def test_what_red_hat_deleted_and_published_again_is_there_again(
    tmp_path: Path, of_redhat: Publisher
) -> None:
    name, again = "2023/rhsa-2023_3821.json", "2024/rhsa-2024_0811.json"
    refreshed(tmp_path, redhat.FEED, "rhel-9", of_redhat)
    deletions = f'"{name}","2026-11-20T09:00:00+00:00"\n"{again}","2026-11-20T09:00:00+00:00"\n'
    listed(of_redhat, "advisories", f'"{again}","2026-11-02T00:00:00+00:00"\n', deletions)
    refreshed(tmp_path, redhat.FEED, "rhel-9", of_redhat)
    assert (said(tmp_path, "RHSA-2023:3821"), said(tmp_path, "RHSA-2024:0811")) == ([], [])
    of_redhat.put(f"{DATA}/advisories/{again}", titled(ERRATA / again.partition("/")[2], "published again"))
    listed(of_redhat, "advisories", f'"{again}","2026-11-21T00:00:00+00:00"\n', deletions)
    refreshed(tmp_path, redhat.FEED, "rhel-9", of_redhat)
    assert said(tmp_path, "RHSA-2023:3821") == [], "it is still deleted"
    assert set(said(tmp_path, "RHSA-2024:0811")) == {"published again"}


@pytest.mark.parametrize(
    "body", [b"", b"../../etc/passwd", b"https://elsewhere.example/a.tar.zst", b"\xff" * 10]
)
def test_a_name_of_an_archive_that_is_none(tmp_path: Path, of_redhat: Publisher, body: bytes) -> None:
    of_redhat.put(f"{DATA}/vex/archive_latest.txt", body)
    outcome = refreshed(tmp_path, redhat.FEED, "rhel-9", of_redhat)
    assert outcome.state == "failed"
    assert "it does not say where the file is" in outcome.reason


# ── SUSE

OVAL = GOLDEN / "feeds/suse/vulnerabilities/suse/suse.linux.enterprise.server.15.xml"
FOLDER = "pub/projects/security/oval/"


@pytest.mark.parametrize("kind", ["-affected", ""])
def test_suse_has_a_file_a_release(tmp_path: Path, publisher: Publisher, kind: str) -> None:
    publisher.put(f"{FOLDER}suse.linux.enterprise.15{kind}.xml.gz", gzip.compress(OVAL.read_bytes()))
    outcome = refreshed(tmp_path, suse.FEED, "sles-15", publisher)
    assert (outcome.state, outcome.reason, outcome.parts) == ("updated", "", ("sles-15",))
    assert refreshed(tmp_path, suse.FEED, "sles-15", publisher).state == "unchanged"


@pytest.mark.parametrize(
    ("part", "file"),
    [
        ("sles-15.7", "suse.linux.enterprise.15-sp7-affected.xml.gz"),
        ("sles-16.0", "suse.linux.enterprise.server.16.0-affected.xml.gz"),
        ("sles-12.5", "suse.linux.enterprise.12-sp5-affected.xml.gz"),
        ("opensuse-leap-16.0", "opensuse.leap.16.0-affected.xml.gz"),
        ("opensuse-tumbleweed", "opensuse.tumbleweed-affected.xml.gz"),
        ("sle-micro-5.5", "suse.linux.enterprise.micro.5.5-affected.xml.gz"),
        ("sl-micro-6.1", "suse.linux.micro.6.1-affected.xml.gz"),
    ],
)
def test_the_names_of_suses_files(part: str, file: str) -> None:
    assert part in suse.FEED.all_parts
    group = suse.FEED.group(part)
    assert group is not None
    assert group.sources[0].url == f"https://ftp.suse.com/{FOLDER}{file}"


@pytest.mark.parametrize(
    "file",
    [
        "enterprise.server.16.0-affected",
        "enterprise.16.0-affected",
        "enterprise.server.16.0",
        "enterprise.16.0",
    ],
)
def test_suses_newest_releases_are_looked_for_under_each_name_that_they_have_had(
    tmp_path: Path, publisher: Publisher, file: str
) -> None:
    body = OVAL.read_bytes().replace(b"Server 15 is installed", b"Server 16.0 is installed")
    publisher.put(f"{FOLDER}suse.linux.{file}.xml.gz", gzip.compress(body))
    outcome = refreshed(tmp_path, suse.FEED, "sles-16.0", publisher)
    assert (outcome.state, outcome.reason, outcome.parts) == ("updated", "", ("sles-16.0",))
    assert refreshed(tmp_path, suse.FEED, "sles-16.0", publisher).state == "unchanged"
    (publisher.folder / f"{FOLDER}suse.linux.{file}.xml.gz").unlink()
    gone = refreshed(tmp_path, suse.FEED, "sles-16.0", publisher).reason
    assert "suse.linux.enterprise.16.0.xml.gz" in gone, "the last that was tried"


# ── Wolfi


def test_when_wolfis_own_database_ends_osvs_export_goes_on(tmp_path: Path, publisher: Publisher) -> None:
    own = (
        b'{"urlprefix": "https://packages.wolfi.dev", "reponame": "os",'
        b' "packages": [{"pkg": {"name": "nginx", "secfixes": {"1.25.3-r0": ["CVE-2023-44487"]}}}]}'
    )
    publisher.put("os/security.json", own)
    assert refreshed(tmp_path, wolfi.FEED, "wolfi", publisher).reason == ""
    assert len(said(tmp_path, "CVE-2023-44487")) == 1
    (publisher.folder / "os/security.json").unlink()
    record = json.loads((GOLDEN / "feeds/wolfi/osv/osv/Wolfi/CGA-22hv-wp9q-4779.json").read_bytes())
    export(publisher, record, folder="Wolfi")
    outcome = refreshed(tmp_path, wolfi.FEED, "wolfi", publisher)
    assert (outcome.state, outcome.reason, outcome.parts) == ("updated", "", ("wolfi",))
    assert len(said(tmp_path, "CVE-2026-24398")) == 1
    assert refreshed(tmp_path, wolfi.FEED, "wolfi", publisher).state == "unchanged"


# ── Amazon Linux


def erratum(name: str, package: str, version: str, flaw: str) -> str:
    return f"""<update type="security"><id>{name}</id><title>{name}</title><severity>important</severity>
<references><reference href="https://x" id="{flaw}" type="cve"/></references><pkglist><collection>
<package arch="x86_64" epoch="0" name="{package}" version="{version}" release="1.amzn2"/>
</collection></pkglist></update>"""


def repository(publisher: Publisher, place: str, *errata: str) -> None:
    """Publish a repository of Amazon's: the list of its mirrors, its list of metadata, its errata."""
    publisher.put(f"{place}/mirror.list", f"{publisher.url}/mirror/{place}\n".encode())
    listed = '<data type="updateinfo"><location href="repodata/updateinfo.xml"/></data>' if errata else ""
    publisher.put(f"mirror/{place}/repodata/repomd.xml", f"<repomd>{listed}</repomd>".encode())
    if errata:
        text = f"<updates>{''.join(errata)}</updates>"
        publisher.put(f"mirror/{place}/repodata/updateinfo.xml", text.encode())


def catalogue(publisher: Publisher, *topics: str) -> None:
    publisher.put("2/extras-catalog.json", json.dumps({"topics": [{"n": name} for name in topics]}).encode())


@pytest.fixture
def of_amazon(publisher: Publisher) -> Publisher:
    """Amazon Linux 2: its core, and extras, of which one has no errata and one is not there."""
    core = erratum("ALAS2-2023-2000", "kernel", "4.14.300", "CVE-2023-0001")
    repository(publisher, "2/core/latest/x86_64", core)
    repository(
        publisher,
        "2/extras/kernel-5.10/latest/x86_64",
        erratum("ALASKERNEL-5.10-2022-005", "kernel", "5.10.62", "CVE-2021-3753"),
    )
    docker = erratum("ALAS2DOCKER-2022-021", "docker", "20.10.17", "CVE-2022-36109")
    repository(publisher, "2/extras/docker/latest/x86_64", docker)
    livepatch = erratum("ALASLIVEPATCH-2021-001", "kernel-livepatch-5.10.35", "1.0", "CVE-2021-0002")
    repository(publisher, "2/extras/livepatch/latest/x86_64", livepatch)
    repository(publisher, "2/extras/epel/latest/x86_64")
    catalogue(publisher, "kernel-5.10", "docker", "livepatch", "epel", "gone")
    return publisher


def test_amazons_extras_are_read_from_the_catalogue(tmp_path: Path, of_amazon: Publisher) -> None:
    outcome = refreshed(tmp_path, amazon.FEED, "amazon-2", of_amazon)
    assert (outcome.state, outcome.parts, outcome.reason) == ("updated", ("amazon-2",), "")
    for name in ("ALAS2-2023-2000", "ALAS2KERNEL-5.10-2022-005", "ALAS2DOCKER-2022-021"):
        assert said(tmp_path, name), name
    assert said(tmp_path, "CVE-2021-0002") == ["ALASLIVEPATCH-2021-001"]
    again = refreshed(tmp_path, amazon.FEED, "amazon-2", of_amazon)
    assert again.state == "unchanged"
    assert of_amazon.count("updateinfo.xml", 200) == 4, "what is as it was is not sent again"
    catalogue(of_amazon, "kernel-5.10", "docker", "livepatch", "ecs")
    ecs = erratum("ALASECS-2026-001", "ecs-init", "1.61", "CVE-2026-0003")
    repository(of_amazon, "2/extras/ecs/latest/x86_64", ecs)
    refreshed(tmp_path, amazon.FEED, "amazon-2", of_amazon)
    assert said(tmp_path, "ALAS2ECS-2026-001")


def test_an_extras_catalogue_that_is_none_leaves_what_is_here(tmp_path: Path, of_amazon: Publisher) -> None:
    refreshed(tmp_path, amazon.FEED, "amazon-2", of_amazon)
    for body in (b"<html>", b'{"topics": [{"n": "../../x"}]}', b"\xff"):
        of_amazon.put("2/extras-catalog.json", body)
        outcome = refreshed(tmp_path, amazon.FEED, "amazon-2", of_amazon)
        assert outcome.state == "failed"
        assert "extras-catalog.json: it does not list the files" in outcome.reason
        assert said(tmp_path, "ALAS2DOCKER-2022-021")


def test_amazons_livepatches_of_2023(tmp_path: Path, publisher: Publisher) -> None:
    core = erratum("ALAS2023-2023-126", "kernel", "6.1.15", "CVE-2023-0004")
    repository(publisher, "al2023/core/mirrors/latest/x86_64", core)
    patch = erratum("ALAS2023LIVEPATCH-2023-001", "kernel-livepatch-6.1.15", "1.0", "CVE-2023-26545")
    repository(publisher, "al2023/kernel-livepatch/mirrors/latest/x86_64", patch)
    outcome = refreshed(tmp_path, amazon.FEED, "amazon-2023", publisher)
    assert (outcome.parts, outcome.reason) == (("amazon-2023",), "")
    assert said(tmp_path, "ALAS2023LIVEPATCH-2023-001")
