"""`bench/fuzz_feeds.py` for some seconds, always the same rounds first."""

from toys.bench import bench


def test_readers_bear_what_no_publisher_sends() -> None:
    assert bench("fuzz_feeds").run(20240101, seconds=8) == []
