"""pacman: the package's name is a part of its folder's."""

from hullmark.detectors.detector import File, read_file
from hullmark.detectors.packages.alpm import DETECTOR
from hullmark.model.facts import OwnedPaths


def test_folder_with_an_epoch() -> None:
    file = File(
        "var/lib/pacman/local/python-six-1:1.16.0-2/files",
        b"%FILES%\nusr/\nusr/a\n\n%BACKUP%\netc/b\tmd5\n",
        wanted=lambda path: path != "usr/",
    )
    assert read_file(DETECTOR, file).facts == (OwnedPaths("python-six", ("usr/a",)),)
