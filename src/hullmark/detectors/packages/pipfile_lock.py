"""Pipenv's `Pipfile.lock`.

Format: https://pipenv.pypa.io/en/latest/pipfile.html and pipenv's `project.py`: a section for each category, `default` and
`develop` the usual ones. It does not say what needs what. A lock inside site-packages is its package's own and not read.
"""

from collections.abc import Iterator

from hullmark.detectors._formats import documents, pypi, shipped, untyped
from hullmark.detectors.detector import Detector, File, MalformedError
from hullmark.model.facts import Fact, Package

_LOCAL = {"path", "file", "git", "hg", "svn", "bzr", "editable"}


def read(file: File) -> Iterator[Fact]:
    """Give every pinned package; what comes from a repository or a folder has no version here."""
    if shipped.is_shipped(file.path):
        return
    document = documents.json(file)
    if not isinstance(document, dict):
        raise MalformedError("not a Pipfile.lock: no object")
    dev: dict[tuple[str, str], bool] = {}
    for section in document:
        for name in untyped.table(document, section) if section != "_meta" else ():
            version = untyped.text(document, section, name, "version").lstrip("=")
            if pypi.is_name(name) and pypi.is_version(version):
                dev[name, version] = dev.get((name, version), True) and (
                    section == "develop" or pypi.is_dev_group(section)
                )
            elif _LOCAL.isdisjoint(untyped.table(document, section, name)):
                yield file.unread("package without a valid name and version", f"{section}.{name}"[:200])
    for (name, version), only_dev in dev.items():
        yield Package("pypi", name, version, origin="locked", dev=only_dev)


DETECTOR = Detector(name="pipfile_lock", version=2, wants=("**/Pipfile.lock",), read=read)
