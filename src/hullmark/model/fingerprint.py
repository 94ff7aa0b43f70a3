"""What makes a finding the same one in the next build of an image, for platforms that follow findings over time."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator

from hullmark.model.report import Finding, ReportImage


def fingerprints(image: ReportImage | None, findings: Iterable[Finding]) -> Iterator[str]:
    """Give 64 hexadecimal digits for each finding, made of the image's repository, the flaw, the package and its path.

    Neither tag nor digest nor version goes in. Where the same flaw is found again in a package of that name at that path (in
    several versions, or several times within an archive), its number is counted in, so that all are different.
    """
    base = repository(image.name) if image is not None else ""
    seen: Counter[tuple[str, ...]] = Counter()
    for finding in findings:
        ecosystem = finding.purl.removeprefix("pkg:").partition("/")[0]
        path = finding.locations[0].path if finding.locations else ""
        key = (base, finding.id, finding.kind, ecosystem, finding.name, path)
        yield digest(*key, str(seen[key]) if seen[key] else "")
        seen[key] += 1


def digest(*words: str) -> str:
    """Give a digest of words, each told apart from the next; lone surrogates do no harm."""
    text = "".join(f"{len(word)}:{word}" for word in words)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def repository(name: str) -> str:
    """Give an image's name without tag and digest."""
    head, slash, last = name.partition("@")[0].rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"
