"""GitHub Actions (and Gitea's and Forgejo's): `container:`, `services:`, `uses: docker://…`, an action's own `image`.

Format: GitHub's workflow syntax, `jobs.<id>.container`, `.services`, `.steps[*].uses`; metadata syntax, `runs.image`.
"""

from collections.abc import Iterator

from hullmark.detectors.config.references._found import Found, each_document, image
from hullmark.detectors.config.references._reference import Kind, TextFile
from hullmark.detectors.config.references._tree import Node, Table, Text

_DOCKER = "docker://"


def read(file: TextFile) -> Found:
    """Give the references of every document."""
    return each_document(file, lambda root: _of_document(file, root))


def _of_document(file: TextFile, root: Node) -> Found:
    if not isinstance(root, Table):
        return
    for job in root.table("jobs").entries.values():
        if isinstance(job, Table):
            for text in _of_job(job):
                yield from image(
                    file, text, prefix=_DOCKER if text and text.value.startswith(_DOCKER) else ""
                )
            yield from _steps(file, job)
    runs = root.table("runs")
    yield from image(file, runs.text("image"), prefix=_DOCKER)
    yield from _steps(file, runs)


def _of_job(job: Table) -> Iterator[Text | None]:
    yield job.text("container")
    yield job.table("container").text("image")
    for service in job.table("services").entries.values():
        yield service.text("image") if isinstance(service, Table) else None


def _steps(file: TextFile, holder: Table) -> Found:
    for step in holder.items("steps"):
        if isinstance(step, Table):
            yield from image(file, step.text("uses"), prefix=_DOCKER)


KIND = Kind(
    "github",
    (
        *(f".{host}/workflows/*.{end}" for host in ("github", "gitea", "forgejo") for end in ("yml", "yaml")),
        "action.yml",
        "action.yaml",
    ),
    read,
)
