"""What makes a finding the same one in the next build of an image, for platforms that follow findings over time."""

import hashlib
import string
from collections import Counter
from collections.abc import Iterable, Iterator

from hullmark.model.purl import type_of
from hullmark.model.report import Finding, ReportImage

_JOINS = frozenset(string.ascii_letters + string.digits)
_JOINS_BEFORE = _JOINS | {"."}


def fingerprints(image: ReportImage | None, findings: Iterable[Finding]) -> Iterator[str]:
    """Give 64 hexadecimal digits for each finding, made of the image's repository and the finding's `identity`.

    Where the same flaw is found again in a package of that name at that path (in several versions, or several times within an
    archive), its number is counted in, so that all are different.
    """
    base = repository(image.name) if image is not None else ""
    seen: Counter[str] = Counter()
    for finding in findings:
        mark = identity(finding)
        yield digest(base, mark, str(seen[mark]) if seen[mark] else "")
        seen[mark] += 1


def identity(finding: Finding, *same: Finding) -> str:
    """Give 64 hexadecimal digits for a flaw in a package: its id, the package's type and name, and the first path of it and of the `same`.

    Neither tag nor digest nor version goes in; in the path, too, a star stands for the version.
    """
    path = min((place.path for each in (finding, *same) for place in each.locations), default="")
    if finding.version and finding.version in path:
        path = _unversioned(path, finding.version)
    return digest(finding.id, type_of(finding.purl), finding.name, path)


def _unversioned(path: str, version: str) -> str:
    """Put a star in the place of a version where it stands by itself. A pattern for each version would take longer to make than to use."""
    parts: list[str] = []
    done = 0
    at = path.find(version)
    while at >= 0:
        end = at + len(version)
        before, after = path[max(at - 1, 0) : at], path[end : end + 1]
        if before not in _JOINS_BEFORE and after not in _JOINS:
            parts += (path[done:at], "*")
            done = end
        at = path.find(version, end if done == end else at + 1)
    return "".join(parts) + path[done:]


def digest(*words: str) -> str:
    """Give a digest of words, each told apart from the next."""
    text = "".join(f"{len(word)}:{word}" for word in words)
    return hashlib.sha256(text.encode()).hexdigest()


def repository(name: str) -> str:
    """Give an image's name without tag and digest."""
    head, slash, last = name.partition("@")[0].rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"
