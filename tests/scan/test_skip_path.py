"""What lies under `--skip-path` is left out of every number but its own."""

from pathlib import Path

import pytest

from e2e.program import AS_OF, layer, write_layout
from hullmark.scan.request import Filters, ScanRequest
from hullmark.scan.run import run

BROKEN = b"{"


@pytest.mark.parametrize(
    ("globs", "skipped", "deleted", "told"),
    [
        ((), 0, 1, ["opt/b/package-lock.json", "srv/c/package-lock.json"]),
        (("opt/**",), 1, 1, ["srv/c/package-lock.json"]),  # visible, but skipped: it was not deleted
        (("srv/a",), 1, 0, ["opt/b/package-lock.json", "srv/c/package-lock.json"]),  # deleted, but skipped
        (("srv", "opt"), 3, 0, []),
    ],
)
def test_unread_files(
    tmp_path: Path, globs: tuple[str, ...], skipped: int, deleted: int, told: list[str]
) -> None:
    names = ("srv/a", "opt/b", "srv/c")
    lower = layer({f"{name}/package-lock.json": BROKEN for name in names})
    write_layout(tmp_path / "image", [lower, layer({"srv/.wh.a": b""})])
    request = ScanRequest(
        reference=f"oci:{tmp_path}/image",
        as_of=AS_OF,
        cache=tmp_path / "cache",
        filters=Filters(skip_paths=globs),
        threads=1,
    )
    report = run(request)
    assert [unread.path for unread in report.errors] == told
    assert (report.coverage.skipped_files, report.summary.unread_in_deleted) == (skipped, deleted)
