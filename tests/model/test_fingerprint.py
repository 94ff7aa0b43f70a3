from hullmark.model.fingerprint import digest, fingerprints, repository
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
    assert len(digest("\ud800")) == 64


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
