"""What is remembered of images that were scanned."""

import os
import time
from pathlib import Path

import msgspec

from hullmark.advice.known_images import Known
from hullmark.images.reference import parse
from hullmark.model.image import Platform
from hullmark.model.known_image import MOST_IDS, KnownImage
from hullmark.model.report import Coverage, ReportImage, Suppressed
from hullmark.scan.cache import FactCache
from hullmark.scan.known_images import known_image
from reports.sample import SAMPLE


def image(
    number: int, name: str, findings: dict[str, int], as_of: str = "2026-01-01T00:00:00Z"
) -> KnownImage:
    return KnownImage(
        name=name, names=(str(parse(name)),), digest=f"sha256:{number:064x}", as_of=as_of, findings=findings
    )


def test_it_is_kept_and_listed(tmp_path: Path) -> None:
    cache = FactCache(tmp_path / "cache")
    one = image(1, "a:1", {"high": 2})
    two = image(2, "a:2", {"low": 2}, "2026-01-02T00:00:00Z")
    cache.remember_known(one)
    cache.remember_known(two)
    assert cache.known_images() == [two, one]
    assert FactCache(tmp_path / "cache", read_only=True).known_images() == [two, one]
    assert FactCache(None).known_images() == []


def test_an_image_that_is_scanned_again_keeps_its_names(tmp_path: Path) -> None:
    cache = FactCache(tmp_path / "cache")
    for number in range(30):
        cache.remember_known(image(1, f"a:{number}", {"high": number}, f"2026-01-{number + 1:02}T00:00:00Z"))
    (known,) = cache.known_images()
    assert known.findings == {"high": 29}
    assert len(known.names) == 20
    assert known.names[-1] == "docker.io/library/a:29"


def test_platforms_are_images_of_their_own(tmp_path: Path) -> None:
    cache = FactCache(tmp_path / "cache")
    one = image(1, "a:1", {})
    cache.remember_known(one)
    cache.remember_known(msgspec.structs.replace(one, platform=Platform(architecture="arm64")))
    assert len(cache.known_images()) == 2


def test_a_damaged_file_is_missing_and_no_more(tmp_path: Path) -> None:
    cache = FactCache(tmp_path / "cache")
    for number in range(3):
        cache.remember_known(image(number, f"a:{number}", {}))
    first, second, _ = sorted((tmp_path / "cache" / "images").glob("*/*"))
    first.write_bytes(first.read_bytes()[:-1])
    cache.write(second, msgspec.msgpack.encode(["something", "else"]))
    assert len(cache.known_images()) == 1


def test_it_is_pruned_with_the_rest(tmp_path: Path) -> None:
    cache = FactCache(tmp_path / "cache")
    cache.remember_known(image(1, "a:1", {}))
    assert cache.clear() > 0
    assert cache.known_images() == []


def test_what_cannot_be_written_is_not_remembered(tmp_path: Path) -> None:
    FactCache(tmp_path / "cache", read_only=True).remember_known(image(1, "a:1", {}))
    assert not (tmp_path / "cache").exists()


def test_of_very_many_the_last_ones_count(tmp_path: Path) -> None:
    cache = FactCache(tmp_path / "cache")
    for number in range(1_005):
        cache.remember_known(image(number, f"a:{number}", {}))
    files = set((tmp_path / "cache" / "images").glob("*/*"))
    now = time.time()
    for number, path in enumerate(sorted(files)):
        os.utime(path, (now, now - number))
    assert len(cache.known_images()) == 1_000


def test_what_is_told_of_a_report() -> None:
    assert SAMPLE.image is not None
    known = known_image(SAMPLE)
    assert known is not None
    hidden = [each for each in SAMPLE.suppressed if each.by < 0]
    assert known.count == len(SAMPLE.findings) + len(hidden)
    assert known.digest == SAMPLE.image.digest
    assert known.as_of == SAMPLE.as_of
    assert known.layers == tuple(layer.digest for layer in SAMPLE.layers)


def test_what_filters_take_out_is_in_the_image_and_what_statements_take_out_is_not() -> None:
    taken = SAMPLE.findings[0]
    rest = SAMPLE.findings[1:]
    for by, count in ((-1, len(rest) + 1), (0, len(rest))):
        report = msgspec.structs.replace(
            SAMPLE, findings=rest, suppressed=(Suppressed("reason", taken, by=by),)
        )
        known = known_image(report)
        assert known is not None
        assert known.count == count


def test_a_report_without_vulnerabilities_tells_nothing() -> None:
    assert known_image(msgspec.structs.replace(SAMPLE, coverage=Coverage(scanners=("config",)))) is None
    assert known_image(msgspec.structs.replace(SAMPLE, image=None)) is None


def test_a_path_is_no_name_of_an_image_and_ids_are_bounded() -> None:
    finding = SAMPLE.findings[0]
    many = tuple(msgspec.structs.replace(finding, id=f"CVE-1-{number}") for number in range(MOST_IDS + 10))
    described = ReportImage(
        name="image.tar", source="docker-archive", digest=f"sha256:{'1' * 64}", tags=("a:1", "A B")
    )
    known = known_image(msgspec.structs.replace(SAMPLE, image=described, findings=many, suppressed=()))
    assert known is not None
    assert known.names == ("docker.io/library/a:1",)
    assert (known.count, len(known.ids)) == (MOST_IDS + 10, MOST_IDS)


def test_the_tag_with_the_fewest_of_the_worst_is_better() -> None:
    now = image(1, "a:1", {"critical": 1, "low": 10})
    others = [
        image(2, "a:2", {"critical": 2}),  # fewer, and worse
        image(3, "a:3", {"high": 3, "low": 1}),
        image(4, "a:4", {"high": 1, "low": 5}),
        image(5, "b:1", {}),  # another repository
        msgspec.structs.replace(image(6, "a:6", {}), incomplete=True),
        msgspec.structs.replace(image(7, "a:7", {}), platform=Platform(architecture="arm64")),
        msgspec.structs.replace(image(8, "a:8", {}), unchecked=3),
    ]
    found = Known([now, *others]).better(parse("a:1"), now)
    assert found is not None
    assert found[0] == "4"
    assert Known([now]).better(parse("a:1"), now) is None


def test_a_digest_names_the_image_and_a_tag_beside_it_does_not() -> None:
    one = image(1, "a:1", {})
    known = Known([one])
    assert known.find(parse(f"a:9@{one.digest}")) == one
    assert known.find(parse(f"b@{one.digest}")) is None
    assert known.find(parse(f"a:1@sha256:{'f' * 64}")) is None
    index = msgspec.structs.replace(one, names=(f"docker.io/library/a@sha256:{'e' * 64}",))
    assert Known([index]).find(parse(f"a:1@sha256:{'e' * 64}")) == index
