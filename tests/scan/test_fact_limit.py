"""A layer that says more than is kept: the first facts and what names the system stay, the rest is counted."""

from pathlib import Path

import pytest

from e2e.program import AS_OF, dpkg_status, layer, write_layout
from hullmark.model.report import Report
from hullmark.scan.limits import with_limits
from hullmark.scan.request import ScanRequest
from hullmark.scan.run import run

NPM = {
    f"srv/node_modules/n{number}/package.json": f'{{"name":"n{number}","version":"1.0.0"}}'.encode()
    for number in range(40)
}
SYSTEM = {
    "usr/lib/os-release": b'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n',
    "var/lib/dpkg/status": dpkg_status(("base-files", "12")),
}
ABOVE = {"srv/node_modules/.wh.n0": b"", "srv/node_modules/n39/package.json": b"{}"}


def scan(folder: Path, *settings: str, files: dict[str, bytes]) -> Report:
    limits, file_limits = with_limits(settings)
    write_layout(folder / "image", [layer(files), layer(ABOVE)])
    return run(
        ScanRequest(
            reference=f"oci:{folder}/image",
            as_of=AS_OF,
            cache=folder / "cache",
            limits=limits,
            file_limits=file_limits,
            threads=1,
        )
    )


def names(report: Report) -> list[str]:
    return [package.name for package in report.packages]


@pytest.mark.parametrize("files", [{**NPM, **SYSTEM}, {**SYSTEM, **NPM}], ids=["system last", "system first"])
def test_the_system_is_known_and_the_rest_is_counted(tmp_path: Path, files: dict[str, bytes]) -> None:
    """Two facts each for thirty manifests, and the tenth more is for what names the system."""
    for _way in ("cold", "warm"):
        report = scan(tmp_path, "layer_facts=60", files=files)
        assert report.image is not None
        assert report.image.distribution is not None
        assert report.image.distribution.version_id == "12"
        assert "base-files" in names(report)
        found = [name for name in names(report) if name != "base-files"]
        assert set(found) < {f"n{number}" for number in range(1, 39)}, "n0 is deleted, n39 is written anew"
        (unread,) = report.errors
        assert (unread.kind, unread.layer) == ("layer", report.layers[0].digest)
        left = 40 - 1 - len(found)
        assert unread.reason == (
            f"{left} files were left out, whole or in part: it says more than 60 facts (limits.layer_facts)"
        )
        assert report.incomplete


def test_of_one_file_as_much_as_there_is_room_for(tmp_path: Path) -> None:
    lock = {"srv/requirements.txt": b"".join(b"p%d==1\n" % number for number in range(50))}
    report = scan(tmp_path, "layer_facts=21", files=lock)
    assert sorted(names(report)) == sorted(f"p{number}" for number in range(20))
    assert [unread.reason for unread in report.errors] == [
        "1 file was left out, whole or in part: it says more than 21 facts (limits.layer_facts)"
    ]


def test_bytes_of_facts(tmp_path: Path) -> None:
    report = scan(tmp_path, "layer_fact_bytes=2000", files={**NPM, **SYSTEM})
    assert 5 < len(names(report)) < 35
    (unread,) = report.errors
    assert unread.reason.endswith("its facts have more than 2000 bytes (limits.layer_fact_bytes)")


def test_enough_room_says_nothing(tmp_path: Path) -> None:
    report = scan(tmp_path, files={**NPM, **SYSTEM})
    assert (len(names(report)), report.errors) == (39, ())
