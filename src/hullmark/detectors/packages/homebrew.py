"""Homebrew: `INSTALL_RECEIPT.json` in each `Cellar/<name>/<version>/`.

Layout: https://docs.brew.sh/Formula-Cookbook (terminology: keg, Cellar). The receipt says how the keg came there; name and
version are those of its folders, a revision of the formula behind an underscore.
"""

from collections.abc import Iterator

from hullmark.detectors._formats import documents
from hullmark.detectors.detector import Detector, File, MalformedError
from hullmark.model.facts import Package


def read(file: File) -> Iterator[Package]:
    """Give the keg that the receipt stands in."""
    document = documents.json(file)
    if not isinstance(document, dict):
        raise MalformedError("not a Homebrew receipt: no object")
    *_, name, version, _receipt = file.path.split("/")
    yield Package("brew", name, version)


DETECTOR = Detector(name="homebrew", version=2, wants=("**/Cellar/*/*/INSTALL_RECEIPT.json",), read=read)
