"""GitLab CI: `image:` and `services:`, at the top, under `default:` and in jobs.

Format: GitLab's CI/CD YAML syntax reference. `$NAME` is what `variables:` of the job or of the file say.
"""

from collections.abc import Iterator

from hullmark.detectors.config.references._expand import guarded
from hullmark.detectors.config.references._found import Found, each_document, image
from hullmark.detectors.config.references._reference import Kind, Piece, TextFile
from hullmark.detectors.config.references._tree import Node, Table, Text

_NO_JOBS = frozenset({"variables", "include", "spec", "stages", "workflow"})


def read(file: TextFile) -> Found:
    """Give the references of every document."""
    return each_document(file, lambda root: _of_document(file, root))


def _of_document(file: TextFile, root: Node) -> Found:
    if not isinstance(root, Table):
        return
    jobs = [
        root,
        *(job for name, job in root.entries.items() if isinstance(job, Table) and name not in _NO_JOBS),
    ]
    texts = [text.value for job in jobs for text in _images(job) if text is not None]
    common = _variables(root)
    for job in jobs:
        known = guarded(file, common | _variables(job), texts)
        for text in _images(job):
            yield from image(file, text, known)


def _images(job: Table) -> Iterator[Text | None]:
    yield job.text("image")
    yield job.table("image").text("name")
    for service in job.items("services"):
        yield service if isinstance(service, Text) else None
        yield service.text("name") if isinstance(service, Table) else None


def _variables(table: Table) -> dict[str, Piece]:
    found = {}
    for name, value in table.table("variables").entries.items():
        text = value.text("value") if isinstance(value, Table) else value
        if isinstance(text, Text):
            found[name] = text.piece()
    return found


KIND = Kind(
    "gitlab",
    tuple(
        f"{name}.{end}"
        for name in (".gitlab-ci", "*.gitlab-ci", ".gitlab-ci*", ".gitlab/**/*", "gitlab-ci*")
        for end in ("yml", "yaml")
    ),
    read,
)
