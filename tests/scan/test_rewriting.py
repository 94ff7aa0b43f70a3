"""A user's file is written anew whole or not at all."""

from pathlib import Path

import pytest

from hullmark.model.errors import ImageError
from hullmark.scan.cache import FactCache
from hullmark.scan.linting import MAX_BYTES, LintRequest, run
from hullmark.scan.rewriting import rewrite
from hullmark.scan.searching import Searcher

TEXT = b"FROM a:1 as one\nMAINTAINER me\nUSER app\n"


def fixed(path: Path) -> dict[str, int]:
    request = LintRequest(paths=(str(path),), as_of="2026-01-01T00:00:00Z", rules=("pedantic",), fix=True)
    return run(request, Searcher(FactCache(None)), lambda: b"").mended


def test_a_file_is_mended_through_a_link_that_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(TEXT)
    (tmp_path / "Dockerfile").symlink_to("real")
    assert sum(fixed(tmp_path / "Dockerfile").values()) >= 1
    assert (tmp_path / "Dockerfile").is_symlink()
    assert b"MAINTAINER" not in (tmp_path / "real").read_bytes()


def test_a_file_that_was_not_read_whole_stays_as_it_is(tmp_path: Path) -> None:
    body = TEXT + b"# x\n" * (MAX_BYTES // 4)
    (tmp_path / "Dockerfile").write_bytes(body)
    assert fixed(tmp_path / "Dockerfile") == {}
    assert (tmp_path / "Dockerfile").read_bytes() == body


def test_what_has_changed_meanwhile_stays(tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    path.write_bytes(b"new")
    with pytest.raises(ImageError, match="has changed meanwhile"):
        rewrite(str(path), b"old", b"mine")
    assert path.read_bytes() == b"new"
    assert sorted(tmp_path.iterdir()) == [path]
