"""Gentoo's Portage: a folder for each installed package, `var/db/pkg/<category>/<name>-<version>/`.

Specified: https://projects.gentoo.org/pms/8/pms.html (3.1.3 package names, 3.2 version specifications); the layout of the
database is Portage's own. The folder's name says all, so the file that every one has (`CONTENTS`) only shows that it is there.
"""

import re
from collections.abc import Iterator

from hullmark.detectors.detector import Detector, File
from hullmark.model.facts import Package, Unread

_FOLDER = re.compile(
    r"(?P<name>[A-Za-z0-9_][A-Za-z0-9+_-]*?)"
    r"-(?P<version>\d+(?:\.\d+)*[a-z]?(?:_(?:alpha|beta|pre|rc|p)\d*)*(?:-r\d+)?)"
)


def read(file: File) -> Iterator[Package | Unread]:
    """Give the package whose folder the file stands in."""
    *_, category, folder, _name = file.path.split("/")
    found = _FOLDER.fullmatch(folder)
    if found is None:
        if not folder.startswith("-MERGING-"):
            yield file.unread("folder without a package's name and version", kind="file")
        return
    yield Package("ebuild", f"{category}/{found['name']}", found["version"])


DETECTOR = Detector(name="portage", version=1, wants=("var/db/pkg/*/*/CONTENTS",), read=read)
