"""The page on the feeds names every one, with what it covers and what it costs."""

from pathlib import Path

from hullmark.advisories.registry import feeds

PAGE = Path(__file__).parents[3] / "docs/reference/feeds.md"


def test_every_feed_stands_in_the_table_with_all_that_is_asked_of_it() -> None:
    rows = {
        cells[1].strip("` "): [cell.strip() for cell in cells[2:-1]]
        for line in PAGE.read_text("utf-8").splitlines()
        if len(cells := line.split("|")) == 10
    }
    for feed in feeds():
        publisher, address, licence, covers, fetch, disk, later = rows[feed.name]
        assert publisher == f"[{feed.title}]({feed.homepage})"
        assert address.strip("`").startswith(("https://", "http://"))
        assert licence == feed.licence
        assert covers
        assert disk
        assert float(fetch.partition("–")[0]) > 0
        assert later in {"changes", "pages", "whole"}
