"""NVD: its files first, else its interface, with pages, limits, a key, and what was modified."""

import datetime as dt
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hullmark.advisories.database import Database
from hullmark.advisories.feeds import nvd
from hullmark.advisories.update import Outcome, Settings, Wanted, update
from hullmark.model.advisory import CveRecord
from toys.publisher import Asked, Publisher, publishing

SERVICE = "rest/json/cves/2.0"
YEAR = dt.datetime.now(dt.UTC).year


def cve(number: int, text: str = "a flaw") -> dict[str, Any]:
    name = f"CVE-2024-{number:04}"
    return {"cve": {"id": name, "descriptions": [{"lang": "en", "value": f"{text} {number}"}]}}


class Service:
    """Answers as NVD's interface does: a page from `startIndex` on, of all or of what was modified."""

    def __init__(self, publisher: Publisher, all_of_them: list[dict[str, Any]]) -> None:
        self.records = all_of_them
        self.modified: list[dict[str, Any]] = []
        self.most = 2000
        self._publisher = publisher
        publisher.answers[SERVICE] = self

    def __call__(self, asked: Asked) -> bytes:
        records = self.modified if "lastModStartDate" in asked.query else self.records
        start, size = int(asked.query["startIndex"]), min(int(asked.query["resultsPerPage"]), self.most)
        page = records[start : start + size]
        said = {"resultsPerPage": len(page), "startIndex": start, "totalResults": len(records)}
        return json.dumps({**said, "format": "NVD_CVE", "vulnerabilities": page}).encode()

    @property
    def asked(self) -> list[Asked]:
        return [each for each in self._publisher.asked if each.path == SERVICE]


pytestmark = pytest.mark.usefixtures("pauses")


@pytest.fixture
def publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    with publishing(tmp_path / "published") as server:
        monkeypatch.setattr(nvd, "_FEEDS", f"{server.url}/feeds/nvdcve-2.0-")
        monkeypatch.setattr(nvd, "_SERVICE", f"{server.url}/{SERVICE}")
        monkeypatch.setattr(nvd, "_PAGE_SIZE", 10)
        yield server


def refreshed(tmp_path: Path, **settings: Any) -> Outcome:
    group = nvd.FEED.group("nvd")
    assert group is not None
    return update(tmp_path / "db", Wanted(nvd.FEED, group), Settings(**settings))


def said(tmp_path: Path, number: int) -> str:
    database = Database.open(tmp_path / "db")
    part = database.part("nvd")
    assert part is not None
    name = f"CVE-2024-{number:04}"
    note = part.notes([name]).get(name)
    database.close()
    assert isinstance(note, CveRecord | None)
    return note.details if note else ""


def put_files(publisher: Publisher, at: str = "2026-11-01T00:00:00-04:00") -> None:
    for year in range(2002, YEAR):
        page = {"vulnerabilities": [cve(year, "from a file")]}
        publisher.put(f"feeds/nvdcve-2.0-{year}.json.gz", gzip.compress(json.dumps(page).encode()))
    publisher.put("feeds/nvdcve-2.0-modified.meta", f"lastModifiedDate:{at}\r\nsize:1\r\n".encode(), 0)


def test_the_files_are_the_first_choice_and_this_years_may_not_be_there_yet(
    tmp_path: Path, publisher: Publisher
) -> None:
    service = Service(publisher, [cve(1)])
    put_files(publisher)
    assert refreshed(tmp_path).reason == ""
    assert said(tmp_path, 2010) == "from a file 2010"
    assert service.asked == []


def test_the_interface_is_asked_page_by_page_where_there_are_no_files(
    tmp_path: Path, publisher: Publisher, pauses: list[float]
) -> None:
    service = Service(publisher, [cve(number) for number in range(1, 26)])
    service.most = 7  # the server gives less than it is asked for
    outcome = refreshed(tmp_path)
    assert (outcome.state, outcome.reason) == ("updated", "")
    assert [said(tmp_path, number) for number in (1, 14, 25)] == ["a flaw 1", "a flaw 14", "a flaw 25"]
    starts = [each.query["startIndex"] for each in service.asked if "lastModStartDate" not in each.query]
    assert starts == ["0", "7", "14", "21"]
    assert all("apikey" not in each.headers for each in publisher.asked)
    waits = [wait for wait in pauses if wait > 5]
    assert len(waits) == len(service.asked) - 1
    assert all(wait <= 6 for wait in waits)
    assert [*(tmp_path / "db/incoming").iterdir()] == []


def test_then_only_what_was_modified_is_asked_for(tmp_path: Path, publisher: Publisher) -> None:
    service = Service(publisher, [cve(number) for number in range(1, 26)])
    refreshed(tmp_path)
    service.modified = [cve(3, "said anew"), cve(99, "fresh")]
    before = len(service.asked)
    assert refreshed(tmp_path).state == "updated"
    (asked,) = service.asked[before:]
    start, end = (dt.datetime.fromisoformat(asked.query[f"lastMod{word}Date"]) for word in ("Start", "End"))
    assert dt.timedelta(hours=1) < end - start < dt.timedelta(hours=3)
    assert start.utcoffset() == dt.timedelta(0)
    assert [said(tmp_path, number) for number in (2, 3, 99)] == ["a flaw 2", "said anew 3", "fresh 99"]
    service.modified = []
    assert refreshed(tmp_path).state == "unchanged"


def test_when_the_files_go_away_the_interface_goes_on_and_back(tmp_path: Path, publisher: Publisher) -> None:
    service = Service(publisher, [cve(1)])
    now = dt.datetime.now(dt.UTC)
    put_files(publisher, (now - dt.timedelta(days=5)).isoformat())
    refreshed(tmp_path)
    (publisher.folder / "feeds/nvdcve-2.0-modified.meta").unlink()
    for year in range(2002, YEAR):
        (publisher.folder / f"feeds/nvdcve-2.0-{year}.json.gz").unlink()
    service.modified = [cve(2010, "by the interface")]
    assert refreshed(tmp_path).reason == ""
    assert said(tmp_path, 2010) == "by the interface 2010"
    assert said(tmp_path, 2011) == "from a file 2011"
    (asked,) = service.asked
    start = dt.datetime.fromisoformat(asked.query["lastModStartDate"])
    assert dt.timedelta(days=4) < now - start < dt.timedelta(days=6)
    put_files(publisher, (now + dt.timedelta(hours=2)).isoformat())
    modified = gzip.compress(json.dumps({"vulnerabilities": [cve(2010, "a file again")]}).encode())
    publisher.put("feeds/nvdcve-2.0-modified.json.gz", modified)
    before = publisher.count(".json.gz")
    assert refreshed(tmp_path).reason == ""
    assert said(tmp_path, 2010) == "a file again 2010"
    assert publisher.count(".json.gz") == before + 1, "the years are not fetched again"


def test_what_was_modified_longer_ago_than_the_interface_says_is_fetched_whole() -> None:
    assert nvd._modified("2026-01-01T00:00:00+00:00", "2026-04-29T00:00:00+00:00") is not None
    assert nvd._modified("2026-01-01T00:00:00+00:00", "2026-05-02T00:00:00+00:00") is None


def test_with_a_key_it_is_asked_more_often(tmp_path: Path, publisher: Publisher, pauses: list[float]) -> None:
    (tmp_path / "key").write_text("0000-1111\n")
    service = Service(publisher, [cve(number) for number in range(1, 26)])
    refreshed(tmp_path, keys={"nvd": str(tmp_path / "key")})
    assert {each.headers.get("apikey") for each in service.asked} == {"0000-1111"}
    assert {each.headers.get("apikey") for each in publisher.asked if each.path != SERVICE} == {None}
    assert pauses
    assert all(wait <= 0.6 for wait in pauses)


@pytest.mark.parametrize("body", [None, b"", b"\xff\xfe"], ids=["none", "empty", "no text"])
def test_a_key_that_is_none_is_said(tmp_path: Path, publisher: Publisher, body: bytes | None) -> None:
    Service(publisher, [cve(1)])
    if body is not None:
        (tmp_path / "key").write_bytes(body)
    outcome = refreshed(tmp_path, keys={"nvd": str(tmp_path / "key")})
    assert outcome.state == "failed"
    assert str(tmp_path / "key") in outcome.reason


@pytest.mark.parametrize(("status", "times"), [(403, 3), (429, 5), (503, 5)])
def test_an_interface_that_is_asked_too_often_is_waited_for(
    tmp_path: Path, publisher: Publisher, pauses: list[float], status: int, times: int
) -> None:
    Service(publisher, [cve(number) for number in range(1, 26)])
    publisher.fail(SERVICE, status=status, times=times)
    assert refreshed(tmp_path).reason == ""
    assert said(tmp_path, 25) == "a flaw 25"
    assert 30.0 in pauses, "NVD counts requests in 30 seconds"


def test_retry_after_is_waited_for(tmp_path: Path, publisher: Publisher, pauses: list[float]) -> None:
    Service(publisher, [cve(1)])
    publisher.fail(SERVICE, status=429, headers={"Retry-After": "17"})
    assert refreshed(tmp_path).reason == ""
    assert 17.0 in pauses


def test_an_interface_that_always_says_no_is_given_up_and_gone_on_with_later(
    tmp_path: Path, publisher: Publisher
) -> None:
    service = Service(publisher, [cve(number) for number in range(1, 26)])

    def breaks(asked: Asked) -> bytes:
        publisher.fail(SERVICE, status=403, times=100)  # from the second page on
        return service(asked)

    publisher.answers[SERVICE] = breaks
    first = refreshed(tmp_path)
    assert first.state == "failed"
    assert "answers 403" in first.reason
    assert "nvdcve-2.0-" in first.hint, "why the files were not taken"
    publisher.faults.clear()
    publisher.answers[SERVICE] = service
    before = len(service.asked)
    assert refreshed(tmp_path).reason == ""
    assert [each.query["startIndex"] for each in service.asked[before:]][:2] == ["10", "20"]
    assert [said(tmp_path, number) for number in (1, 25)] == ["a flaw 1", "a flaw 25"]


def test_a_mirror_without_the_files_is_not_passed_by(tmp_path: Path, publisher: Publisher) -> None:
    service = Service(publisher, [cve(1)])
    assert refreshed(tmp_path, mirror=publisher.url).state == "absent"
    assert service.asked == []
