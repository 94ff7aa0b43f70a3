"""`bench/fuzz_feeds.py` for some seconds, always the same rounds first."""

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_readers_bear_what_no_publisher_sends() -> None:
    spec = importlib.util.spec_from_file_location("fuzz_feeds", ROOT / "bench" / "fuzz_feeds.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["fuzz_feeds"] = module
    spec.loader.exec_module(module)
    assert module.run(20240101, seconds=8) == []
