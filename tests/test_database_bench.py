"""The publishers that the database is measured with: as many records as asked for, like the real ones."""

import copy
import json
import re
import statistics
import zipfile
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from toys.bench import bench

FEEDS = Path(__file__).parents[1] / "demo" / "feeds"
ID = re.compile(r"CVE-\d{4}-\d{4,}|GHSA(?:-\w{4}){3}")


@pytest.fixture(scope="module")
def publish() -> ModuleType:
    return bench("publish")


@pytest.fixture(scope="module")
def database() -> ModuleType:
    return bench("database")


@pytest.fixture(scope="module")
def real(publish: ModuleType) -> Any:
    return publish.Real(FEEDS)


def documents(archive: Path) -> list[Any]:
    with zipfile.ZipFile(archive) as opened:
        return [json.loads(opened.read(name)) for name in opened.namelist()]


@pytest.mark.parametrize("advisories", [1, 997, 100_000, 2_000_000])
def test_no_record_is_lost_to_rounding(publish: ModuleType, advisories: int) -> None:
    assert sum(job.records for job in publish.jobs(advisories)) == advisories


def test_what_is_published_is_as_much_as_was_asked_for_and_always_the_same(
    publish: ModuleType, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        assert publish.publish(FEEDS, tmp_path / name, 997) == 997
    made = [path for path in (tmp_path / "one").rglob("*") if path.is_file()]
    assert len(made) == len(publish.jobs(997))
    for path in made:
        again = tmp_path / "two" / path.relative_to(tmp_path / "one")
        if path.suffix == ".zip":
            assert documents(path) == documents(again)
        else:
            assert path.read_bytes() == again.read_bytes()
    npm = documents(tmp_path / "one" / "osv" / "npm" / "all.zip")
    assert sum(each["id"].startswith("MAL-") for each in npm) / len(npm) > 0.95


def test_the_ids_in_links_and_texts_are_the_records_own(publish: ModuleType, real: Any) -> None:
    checked = 0
    for like in real.documents["PyPI"][:300]:
        names = {like["id"], *like.get("aliases", ())}
        links = [each["url"] for each in like["references"]]
        if not any(ID.findall(link) for link in links):
            continue
        alone = copy.copy(real)
        alone.documents = {**real.documents, "PyPI": [like]}
        (made,) = publish.Maker(alone, "seed", 1.0).osv("PyPI", 1)
        own = {made["id"], *made["aliases"]}
        new = [each["url"] for each in made["references"]]
        assert not own & names
        for old_link, new_link in zip(links, new, strict=True):
            for was, now in zip(ID.findall(old_link), ID.findall(new_link), strict=True):
                assert (was in names) == (now in own), (old_link, new_link)
                checked += 1
        assert set(ID.findall(made["details"])) <= own | {each for link in new for each in ID.findall(link)}
    assert checked > 50


def test_an_erratum_has_the_number_of_what_it_is_a_copy_of(publish: ModuleType, real: Any) -> None:
    ids = publish.Ids(publish.Maker(real, "seed", 1.0), "RLSA")
    new = ids.of("ALSA-2021:0711")
    year, number = re.fullmatch(r"RLSA-(\d{4}):(\d+)", new).groups()  # type: ignore[union-attr]
    assert ids.of("RHSA-2021:0711") == f"RHSA-{year}:{number}"
    assert ids.of("ALSA-2021-0711") == f"RLSA-{year}-{number}"
    assert ids.of("CVE-2020-1971") == ids.of("CVE-2020-1971")


def test_links_have_other_hashes_and_numbers(publish: ModuleType, real: Any) -> None:
    maker = publish.Maker(real, "seed", 1.0)
    ids = publish.Ids(maker, "")
    flaw = ids.of("CVE-2020-1971")
    commit = maker.link("https://github.com/log4j/web3/commit/0123456789abcdef0123456789abcdef01234567", ids)
    assert re.fullmatch(r"https://github\.com/log4j/web3/commit/[0-9a-f]{40}", commit)
    assert "0123456789abcdef" not in commit
    assert maker.link("https://nvd.nist.gov/vuln/detail/CVE-2020-1971", ids).endswith(f"/{flaw}")
    assert re.fullmatch(
        r"https://a\.example/20[12]\d/v\d/\d{5}", maker.link("https://a.example/2021/v1/12345", ids)
    )


@pytest.mark.parametrize(("publisher", "ecosystem"), [("debian", "deb"), ("MinimOS", "apk")])
def test_names_are_no_denser_than_a_publisher_of_that_size_has_them(
    publish: ModuleType, real: Any, publisher: str, ecosystem: str
) -> None:
    growth, whole = 4.0, publish.WHOLE[publisher]
    count = round(whole.records * growth)
    maker = publish.Maker(real, "seed", growth)
    names = Counter(name for name, _ in maker.fixes(ecosystem, publisher, count))
    assert statistics.mean(names.values()) < growth * whole.records / whole.packages


def test_a_malicious_package_of_npm_has_a_name_of_its_own(publish: ModuleType, real: Any) -> None:
    made = list(publish.Maker(real, "seed", 1.0).malicious(2000))
    names = Counter(each["affected"][0]["package"]["name"] for each in made)
    assert len(names) > 1900
    assert len({each["id"] for each in made}) == 2000


def test_what_is_asked_is_like_an_image(publish: ModuleType, database: ModuleType) -> None:
    known = {
        ecosystem: {each.name: each.newest for each in found}
        for ecosystem, found in publish.packages(FEEDS).items()
    }
    asked = database.asked_packages(FEEDS)
    for part, (ecosystem, share, named) in database.IMAGE.items():
        entries = [entry for entry in asked if entry[0] == part]
        if not known[ecosystem]:
            assert not entries
            continue
        assert len(entries) == round(database.MATCHED * share)
        has = [entry for entry in entries if entry[5] in known[ecosystem]]
        assert len(has) / len(entries) == pytest.approx(named, abs=0.12)
        newest = sum(entry[3] == known[ecosystem][entry[5]] for entry in has)
        assert newest >= 0.7 * len(has)
