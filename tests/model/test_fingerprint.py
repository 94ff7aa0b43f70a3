import json
import uuid

from hullmark.model.fingerprint import digest, fingerprints, identity, repository
from hullmark.reports import render
from reports.hostile import change
from reports.sample import FINDINGS, SAMPLE


def test_repository() -> None:
    for name in (
        "host:5000/team/app",
        "host:5000/team/app:1",
        "host:5000/team/app:1@sha256:ab",
        "host:5000/team/app@sha256:ab",
    ):
        assert repository(name) == "host:5000/team/app"
    assert repository("alpine:3.20") == repository("alpine") == "alpine"


def test_what_is_said_apart_is_apart() -> None:
    assert digest("a", "b") != digest("ab") != digest("a\0b") != digest("a", "b")
    assert digest("\0", "") != digest("", "\0")


def test_neither_tag_nor_digest_nor_version_counts() -> None:
    image = SAMPLE.image
    assert image is not None
    other = change(image, name="registry.example/team/app:9", digest="sha256:1", config_digest="")
    newer = [change(one, version="9", fixed_version="10", locations=one.locations[:1]) for one in FINDINGS]
    assert list(fingerprints(image, FINDINGS)) == list(fingerprints(other, newer))
    assert len(set(fingerprints(image, FINDINGS))) == len(FINDINGS)


def test_path_package_and_flaw_count() -> None:
    first = FINDINGS[0]
    place = change(first.locations[0], path="app/other.jar")
    others = (
        change(first, id="CVE-1"),
        change(first, name="x"),
        change(first, locations=(place,)),
        first,
        first,
    )
    assert len(set(fingerprints(None, (first, *others)))) == 6


def test_a_version_in_the_path_does_not_count_and_the_first_path_does() -> None:
    old = change(FINDINGS[0], locations=(change(FINDINGS[0].locations[0], path="app/log4j-core-2.14.1.jar"),))
    new = change(old, version="2.15", locations=(change(old.locations[0], path="app/log4j-core-2.15.jar"),))
    other = change(old, locations=(change(old.locations[0], path="z"),))
    assert identity(old) == identity(new) == identity(other, old) != identity(other)


def test_every_format_knows_a_finding_by_the_same() -> None:
    one = change(SAMPLE, findings=FINDINGS[:1], suppressed=())
    (result,) = json.loads(render("sarif", one))["runs"][0]["results"]
    mark = identity(FINDINGS[0])
    assert result["partialFingerprints"] == {
        "primaryLocationLineHash": f"{mark[:16]}:1",
        "hullmark/v1": f"{mark}:1",
    }
    whole = digest("registry.example/team/app", mark, "")
    assert json.loads(render("codequality", one))[0]["fingerprint"] == whole
    (found,) = json.loads(render("gitlab", one))["vulnerabilities"]
    made = uuid.UUID(found["id"])
    assert made.version == 8
    assert made.variant == uuid.RFC_4122
    assert found["id"].replace("-", "") == f"{whole[:12]}8{whole[12:15]}8{whole[15:30]}"
