"""Red Hat content manifests: the repositories from which an image's packages may come.

Format: JSON that Red Hat's build systems put into each layer they build, with a list `content_sets` of repository
names; advisories of some products apply only to packages from certain repositories.
"""

from collections.abc import Iterator

from hullmark.detectors._formats import documents
from hullmark.detectors.detector import Detector, File, MalformedError
from hullmark.model.facts import ContentSet, Fact


def read(file: File) -> Iterator[Fact]:
    """Give the names of the repositories, sorted; a manifest without any says nothing."""
    document = documents.json(file)
    if not isinstance(document, dict):
        raise MalformedError("not a content manifest")
    names = document.get("content_sets")
    if names is None:
        return
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise MalformedError("content_sets is not a list of names")
    if len(names) > file.limits.max_records:
        raise MalformedError(f"more than {file.limits.max_records} content sets")
    if names:
        yield ContentSet(tuple(sorted(set(names))))


DETECTOR = Detector(
    name="content_sets",
    version=2,
    wants=(
        "root/buildinfo/content_manifests/*.json",
        "usr/share/buildinfo/content_manifests/*.json",
        "usr/share/buildinfo/content-sets.json",
    ),
    read=read,
)
