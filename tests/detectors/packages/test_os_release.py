"""Which distribution an image is, when several files say it."""

import pytest

from hullmark.detectors.detector import File, Seen, View, read_file
from hullmark.detectors.packages.os_release import DETECTOR, distribution
from hullmark.model.facts import Distribution


def choose(**files: str) -> Distribution | None:
    """Names are paths with `__` for the slash and `_` for the hyphen."""
    seen = []
    for name, text in files.items():
        path = name.replace("__", "/").replace("_", "-").replace("debian-version", "debian_version")
        seen.append(Seen(0, path, read_file(DETECTOR, File(path, text.encode())).facts))
    return distribution(View({"os_release": sorted(seen, key=lambda it: it.path)}))


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, None),
        ({"etc__os_release": ""}, None),
        (
            {"etc__os_release": "ID=a\nVERSION_ID=1", "usr__lib__os_release": "ID=b\nVERSION_ID=2"},
            ("a", "1", ""),
        ),
        (
            {"usr__lib__os_release": "ID=b\nVERSION_ID=2", "etc__redhat_release": "C release 3"},
            ("b", "2", ""),
        ),
        (
            {
                "etc__os_release": "ID=alpine\nVERSION_ID=3.21",
                "etc__alpine_release": "3.21.0_alpha20240807\n",
            },
            ("alpine", "3.21.0_alpha20240807", ""),
        ),
        (
            {
                "etc__os_release": "ID=debian\nVERSION_ID=12\nVERSION_CODENAME=bookworm",
                "etc__debian_version": "12.5",
            },
            ("debian", "12", "bookworm"),
        ),
        (
            {"etc__os_release": "ID=debian\nVERSION_CODENAME=trixie", "etc__debian_version": "trixie/sid"},
            ("debian", "trixie", "trixie"),
        ),
        ({"etc__debian_version": "trixie/sid"}, ("debian", "trixie", "trixie")),
        ({"etc__debian_version": "6.0.10"}, ("debian", "6.0.10", "")),
        (
            {"etc__os_release": "ID=ubuntu\nVERSION_ID=22.04", "etc__debian_version": "bookworm/sid"},
            ("ubuntu", "22.04", ""),
        ),
        (
            {"etc__os_release": 'ID=debian\nVERSION_ID="9"\nVERSION="9 (stretch)"'},
            ("debian", "9", "stretch"),
        ),
        (
            {
                "etc__redhat_release": "Red Hat Enterprise Linux Server release 6.10 (Santiago)",
                "etc__oracle_release": "Oracle Linux Server release 6.10",
            },
            ("ol", "6.10", ""),
        ),
        ({"etc__redhat_release": "Some Other Linux release 4.2 (Name)"}, ("someotherlinux", "4.2", "Name")),
        ({"etc__os_release": "VERSION_ID=1"}, ("linux", "1", "")),
    ],
)
def test_choice(files: dict[str, str], expected: tuple[str, str, str] | None) -> None:
    found = choose(**files)
    assert (found and (found.id, found.version_id, found.codename)) == expected


def test_far_too_long() -> None:
    found = read_file(DETECTOR, File("etc/os-release", b"ID=a\n" * 100_000)).facts
    assert len(found) == 1
