"""Azure Linux, CBL-Mariner before: OVAL, one definition a flaw of a source package.

Format: `_formats/oval.py`; https://github.com/microsoft/AzureLinuxVulnerabilityData. The release is the one
whose mark the versions carry (`.cm2`, `.azl3`); comments leave that mark out, so tests are read. `patchable` is
`true` where a fix exists, `Not Applicable` where the flaw never was one there.
"""

import re
from collections.abc import Iterator

import msgspec

from hullmark.advisories._formats import oval
from hullmark.advisories.feed import Document, Feed, Group, Record, Source
from hullmark.model.advisory import Advisory, Range, Reference
from hullmark.model.target import Target

_DIST = re.compile(r"\.(cm|azl)(\d+)\Z")
_NAMES = {"cm": "mariner", "azl": "azurelinux"}


class _Classifier:
    """Notes the release while it reads versions: no criterion names it."""

    def __init__(self, reader: oval.Reader) -> None:
        self._reader = reader
        self.release = ""

    def __call__(self, criterion: oval.Criterion) -> oval.Fact:
        test = self._reader.test(criterion)
        if not test.name or not test.value:
            raise oval.OvalError("a criterion without package or version")
        match = _DIST.search(test.value)
        if match:
            self.release = f"{_NAMES[match[1]]}-{match[2]}.0"
        value = test.value.removeprefix("0:")
        if test.operation == "less than":
            return oval.Bound(test.name, fixed=value)
        if test.operation == "less than or equal":
            return oval.Bound(test.name, last_affected=value)
        if test.operation in ("greater than", "greater than or equal"):
            # The upstream version with the mark put right behind it, `1.19.0.cm2`; no build looks like that.
            return oval.Bound(test.name, introduced=_DIST.sub("", value))
        raise oval.OvalError(f"the operation {test.operation[:40]!r} is not understood")


def parse(documents: Iterator[Document]) -> Iterator[Record]:
    """Give one advisory for each definition."""
    for document in documents:
        reader = oval.Reader(document)
        try:
            definitions = list(reader.definitions())
        except oval.OvalError as problem:
            yield document.unread(str(problem))
            continue
        for definition in definitions:
            yield from _advisory(document, definition, reader)


def _advisory(document: Document, definition: oval.Definition, reader: oval.Reader) -> Iterator[Record]:
    name = next((ref for source, ref, _ in definition.references if source == "CVE"), "")
    if not name:
        yield document.unread("no flaw is named", definition.id)
        return
    classify = _Classifier(reader)
    release = oval.Criterion("", "release")
    definition.criteria.children.append(release)

    def understand(criterion: oval.Criterion) -> oval.Fact:
        return oval.Release(classify.release) if criterion is release else classify(criterion)

    try:
        affected = tuple(oval.statements(definition, understand))
    except oval.OvalError as problem:
        yield document.unread(str(problem), name)
        return
    if not affected:
        yield document.unread("no version names a release", name)
        return
    never = definition.texts.get("patchable", "").lower() == "not applicable"
    affected = tuple(
        msgspec.structs.replace(
            entry,
            scope="source",
            state="not_affected" if never else "affected",
            ranges=(Range(),) if never else entry.ranges,
        )
        for entry in affected
    )
    yield Advisory(
        id=name,
        details=definition.texts.get("description", ""),
        affected=affected,
        scores=definition.scores("azurelinux"),
        references=tuple(Reference(url) for _, _, url in definition.references if url),
        published=definition.texts.get("advisory_date", ""),
    )


def parts(target: Target) -> tuple[str, ...] | None:
    """Microsoft speaks for CBL-Mariner and Azure Linux by major and minor version (`3.0.20240727` is 3.0)."""
    distribution = target.distribution
    if target.ecosystem != "rpm" or distribution is None or distribution.id not in ("mariner", "azurelinux"):
        return None
    match = re.match(r"\d+\.\d+", distribution.version_id)
    return (f"{distribution.id}-{match[0]}",) if match else ()


_FILES = {
    "mariner-1.0": "cbl-mariner-1.0-oval.xml",
    "mariner-2.0": "cbl-mariner-2.0-oval.xml",
}


def _group(part: str) -> Group | None:
    match = re.fullmatch(r"(?:azurelinux|mariner)-\d+\.\d+", part)
    if match is None:
        return None
    file = _FILES.get(part, f"{part}-oval.xml")
    return Group(
        name=part,
        parts=(part,),
        sources=(
            Source(
                url=f"https://raw.githubusercontent.com/microsoft/AzureLinuxVulnerabilityData/main/{file}",
                file=f"azurelinux/{file}",
            ),
        ),
        size=15_000_000,
    )


FEED = Feed(
    name="azurelinux",
    title="Azure Linux vulnerability data",
    licence="MIT",
    homepage="https://github.com/microsoft/AzureLinuxVulnerabilityData",
    files=("azurelinux/*.xml", "azurelinux/*.xml.gz"),
    parse=parse,
    parts=parts,
    group=_group,
    all_parts=("azurelinux-3.0", "mariner-2.0"),
)
