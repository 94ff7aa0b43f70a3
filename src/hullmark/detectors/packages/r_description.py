"""R packages: `DESCRIPTION` of an installed one, and the lock file `renv.lock`.

Formats: https://cran.r-project.org/doc/manuals/r-release/R-exts.html#The-DESCRIPTION-file (Debian's control format; R adds `Built` when it
installs) and https://rstudio.github.io/renv/articles/lockfile.html.
"""

import re
from collections.abc import Iterator

from hullmark.detectors._formats import deb822, documents, untyped
from hullmark.detectors.detector import Detector, File, MalformedError
from hullmark.model.facts import Package, Unread

_LICENCES = {
    "AGPL-3": "AGPL-3.0-only",
    "AGPL (>= 3)": "AGPL-3.0-or-later",
    "Apache License 2.0": "Apache-2.0",
    "Apache License (== 2.0)": "Apache-2.0",
    "Artistic-2.0": "Artistic-2.0",
    "BSD_2_clause + file LICENSE": "BSD-2-Clause",
    "BSD_3_clause + file LICENSE": "BSD-3-Clause",
    "CC0": "CC0-1.0",
    "GPL-2": "GPL-2.0-only",
    "GPL-3": "GPL-3.0-only",
    "GPL (>= 2)": "GPL-2.0-or-later",
    "GPL (>= 2.0)": "GPL-2.0-or-later",
    "GPL (>= 3)": "GPL-3.0-or-later",
    "LGPL-2": "LGPL-2.0-only",
    "LGPL-2.1": "LGPL-2.1-only",
    "LGPL-3": "LGPL-3.0-only",
    "LGPL (>= 2)": "LGPL-2.0-or-later",
    "LGPL (>= 2.1)": "LGPL-2.1-or-later",
    "LGPL (>= 3)": "LGPL-3.0-or-later",
    "MIT + file LICENSE": "MIT",
}
"""R's own words for licences; the file that MIT and BSD need is their template's year and holder."""

_VERSION = re.compile(r"\d+(?:[.-]\d+)*")


def read(file: File) -> Iterator[Package | Unread]:
    """Give the installed package, or those that are locked."""
    if file.name == "renv.lock":
        yield from _lock(file)
        return
    record = next(deb822.records(file.text()), None)
    # many programs have some file of this name; and a source tree is not an installed package
    if record is None or not record.get("Package"):
        return
    # R's own message catalogues are installed without being built
    if not (record.get("Built") or file.path.endswith("/R/library/translations/DESCRIPTION")):
        return
    if not _VERSION.fullmatch(record.get("Version")):
        yield file.unread("package without a version", kind="file")
        return
    licence = _licence(" ".join(record.get("License").split()))
    yield Package(
        ecosystem="cran",
        name=record.get("Package"),
        version=record.get("Version"),
        licences=(licence,) if licence else (),
    )


def _licence(text: str) -> str:
    """Give a statement in SPDX words where each of its alternatives has one, else as it is."""
    words = [_LICENCES.get(part.strip(), "") for part in text.split("|")]
    return " OR ".join(words) if all(words) else text


def _lock(file: File) -> Iterator[Package | Unread]:
    document = documents.json(file)
    if not isinstance(document, dict) or not ("Packages" in document or "R" in document):
        raise MalformedError("not a renv.lock: no Packages")
    for key, entry in untyped.table(document, "Packages").items():
        version = untyped.text(entry, "Version")
        if not version:
            yield file.unread("package without version", key)
            continue
        yield Package(
            ecosystem="cran",
            name=untyped.text(entry, "Package") or key,
            version=version,
            origin="locked",
        )


DETECTOR = Detector(
    name="r_description",
    version=3,
    wants=("**/DESCRIPTION", "**/renv.lock"),
    read=read,
)
