"""SUSE's OVAL: flaws by product, for SUSE Linux Enterprise, SLE Micro and openSUSE; and patches as bundles.

Format: `_formats/oval.py`; https://ftp.suse.com/pub/projects/security/oval/. A product is told by its release
package, and everything of one service pack (server, desktop, modules) goes to that service pack's release
(`sles-15.5`). What only a longer support contract offers carries its name in `repositories` (`ltss`, `sap` …).
"""

import re
from collections.abc import Iterator

from hullmark.advisories._formats import oval
from hullmark.advisories.feed import Document, Feed, Group, Record, Source
from hullmark.model.advisory import Advisory, Affected, Reference, Score
from hullmark.model.target import Target

_PRODUCT = re.compile(r"(?:SUSE|openSUSE)\b.* is installed\Z")
_LEAP = re.compile(r"openSUSE Leap (\d+\.\d+) is")
_MICRO = re.compile(r"(SUSE Linux Enterprise|openSUSE Leap|SUSE Linux) Micro (\d+\.\d+) is")
_MICRO_NAMES = {
    "SUSE Linux Enterprise": "sle-micro",
    "openSUSE Leap": "opensuse-leap-micro",
    "SUSE Linux": "sl-micro",
}
_ENTERPRISE = re.compile(r"SUSE Linux Enterprise (\D+?) (1[0-9])(?:\.(\d+)| SP(\d+))?(?:-([\w-]+))? is")
_BUILD = re.compile(r"(\S+)-([^-\s]+-[^-\s]+) is installed")
_STATED = re.compile(r"(\S+) is (not )?affected")
_ZERO = re.compile(r"(?:0:)?0(?:-0)?\Z")
_LESS = frozenset({"less than", "6"})  # 6 is the number of that operation in one of SUSE's generators
_ALL_ARCHES = frozenset({"aarch64", "ppc64le", "s390x", "x86_64"})
_NOTICE = re.compile(r"(?:open)?SUSE-(?:[SROF]U|IU|SR|SA)[-:]\d{4}:\d+(?:-\d+)?")
_CVE = re.compile(r"CVE-\d{4}-\d+")
_FIRST_WITH_MINORS = 16


def _release(comment: str) -> oval.Release:
    if comment.startswith("openSUSE Tumbleweed"):
        return oval.Release("opensuse-tumbleweed")
    if match := _LEAP.match(comment):
        return oval.Release(f"opensuse-leap-{match[1]}")
    if match := _MICRO.match(comment):
        return oval.Release(f"{_MICRO_NAMES[match[1]]}-{match[2]}")
    match = _ENTERPRISE.match(comment)
    if match is None:
        return oval.Release(
            ""
        )  # SUSE Manager, Storage, OpenStack Cloud …: nothing that an image is made from
    product, major, minor, pack, contract = match.groups()
    release = f"sles-{major}"
    if minor or pack:
        release += f".{minor or pack}"
    elif major == "12" and product.startswith("Module"):
        release += "-modules"  # one module serves every service pack of 12
    if not contract and product.endswith("SAP Applications"):
        contract = "sap"
    return oval.Release(release, (contract or "").lower())


class _Classifier:
    def __init__(self, reader: oval.Reader) -> None:
        self._reader = reader

    def __call__(self, criterion: oval.Criterion) -> oval.Fact:
        comment = criterion.comment
        if _PRODUCT.match(comment):
            return _release(comment)
        test = self._reader.test(criterion)
        arches = () if set(test.arches).issuperset(_ALL_ARCHES) else test.arches
        if not test.name:
            return self._by_comment(comment)
        if test.operation in _LESS:
            return oval.Bound(test.name, fixed=test.value.removeprefix("0:"), arches=arches)
        if _ZERO.match(test.value):
            # No package has version 0, so `equals 0` never holds; `greater than 0` always does.
            if test.operation == "equals":
                return oval.Bound(test.name, state="not_affected")
            if test.operation.startswith("greater than"):
                return oval.Bound(test.name, arches=arches)
        raise oval.OvalError(f"the test {test.comment[:80]!r} is not understood")

    @staticmethod
    def _by_comment(comment: str) -> oval.Fact:
        if match := _STATED.match(comment):
            return oval.Bound(match[1], state="not_affected" if match[2] else "affected")
        if match := _BUILD.match(comment):
            return oval.Bound(match[1], fixed=match[2])
        raise oval.OvalError(f"the criterion {comment[:80]!r} is not understood")


def parse(documents: Iterator[Document]) -> Iterator[Record]:
    """Give one advisory for each flaw in a document, and each patch as a bundle."""
    for document in documents:
        reader = oval.Reader(document)
        try:
            definitions = list(reader.definitions())
        except oval.OvalError as problem:
            yield document.unread(str(problem))
            continue
        classify = _Classifier(reader)
        for definition in definitions:
            yield from _advisory(document, definition, classify)


def _advisory(document: Document, definition: oval.Definition, classify: oval.Classify) -> Iterator[Record]:
    title = definition.texts.get("title", "")
    is_patch = definition.kind == "patch"
    if is_patch:
        name = next((ref for _, ref, _ in definition.references if _NOTICE.fullmatch(ref)), "")
    else:
        name = match[0] if (match := _CVE.search(title)) else ""
    if not name:
        yield document.unread("neither a flaw nor a patch is named", definition.id)
        return
    try:
        affected = tuple(oval.statements(definition, classify))
    except oval.OvalError as problem:
        yield document.unread(str(problem), name)
        return
    affected = _without_contradiction(affected)
    if not affected:
        return
    named = dict.fromkeys(match[0] for cve in definition.cves if (match := _CVE.match(cve.name)))
    yield Advisory(
        id=name,
        title=title if is_patch else "",
        details=definition.texts.get("description", ""),
        bundle=is_patch,
        fixes=tuple(named) if is_patch else (),
        affected=affected,
        scores=_scores(definition),
        references=tuple(
            dict.fromkeys(
                Reference(url, "ADVISORY" if source.startswith("SUSE") else "WEB")
                for source, _, url in definition.references
                if url
            )
        ),
        published=definition.date("issued"),
        modified=definition.date("updated"),
    )


def _without_contradiction(affected: tuple[Affected, ...]) -> tuple[Affected, ...]:
    """Let a build with a fix speak before 'not affected' of the same package in the same release."""
    fixed = {(entry.release, entry.name) for entry in affected if entry.state == "affected"}
    return tuple(
        entry for entry in affected if entry.state == "affected" or (entry.release, entry.name) not in fixed
    )


def _scores(definition: oval.Definition) -> tuple[Score, ...]:
    """Keep SUSE's own word and vector; a `cve` element that links NVD carries NVD's."""
    own = [cve for cve in definition.cves if "nvd.nist.gov" not in cve.url]
    definition.cves = own
    return definition.scores("suse")


def parts(target: Target) -> tuple[str, ...] | None:
    """SUSE speaks for SLE in all its shapes and for openSUSE."""
    distribution = target.distribution
    if target.ecosystem != "rpm" or distribution is None:
        return None
    name, version = distribution.id.lower().replace("_", "-"), distribution.version_id
    if name in ("opensuse-tumbleweed", "opensuse-microos", "opensuse-slowroll"):
        return ("opensuse-tumbleweed",)
    if name in ("opensuse", "opensuse-leap", "opensuse-leap-micro", "sle-micro", "sl-micro", "suse-microos"):
        prefix = {"opensuse": "opensuse-leap", "suse-microos": "sle-micro"}.get(name, name)
        return (f"{prefix}-{version}",) if re.fullmatch(r"\d+\.\d+", version) else ()
    if name not in ("sles", "sled", "sles-sap", "sle-hpc", "suse"):
        return None
    match = re.match(r"(\d{1,3})(?:\.(\d+))?", version)
    if match is None:
        return ()
    major, pack = match.groups()
    release = f"sles-{major}.{pack}" if pack and (pack != "0" or major == "16") else f"sles-{major}"
    return (release, "sles-12-modules") if major == "12" else (release,)


_FOLDER = "https://ftp.suse.com/pub/projects/security/oval/"
_FILES_OF = {
    "opensuse-leap": ("opensuse.leap.{}",),
    "opensuse-leap-micro": ("opensuse.leap.micro.{}",),
    "sle-micro": ("suse.linux.enterprise.micro.{}",),
    "sl-micro": ("suse.linux.micro.{}", "suse.linux.enterprise.micro.{}"),
}
"""What a release's files may be called: since 6.0 and 16.0 their names have changed more than once."""


def _group(part: str) -> Group | None:
    name, _, version = part.rpartition("-")
    stems: tuple[str, ...]
    if part == "opensuse-tumbleweed":
        stems = ("opensuse.tumbleweed",)
    elif part == "sles-12-modules":
        stems = ("suse.linux.enterprise.12",)
    elif name == "sles" and (match := re.fullmatch(r"(\d{1,3})(?:\.(\d{1,2}))?", version)):
        # From 16 on there are minor releases in place of service packs.
        if int(match[1]) < _FIRST_WITH_MINORS:
            stems = (f"suse.linux.enterprise.{match[1]}{f'-sp{match[2]}' if match[2] else ''}",)
        else:
            stems = (f"suse.linux.enterprise.server.{version}", f"suse.linux.enterprise.{version}")
    elif name in _FILES_OF and re.fullmatch(r"\d+\.\d+", version):
        stems = tuple(stem.format(version) for stem in _FILES_OF[name])
    else:
        return None
    # Where there is no list of what is not fixed yet, that of what is fixed is better than none.
    group = None
    for kind in ("", "-affected"):
        for stem in reversed(stems):
            group = _files(part, stem, kind, otherwise=group)
    return group


def _files(part: str, stem: str, kind: str, otherwise: Group | None = None) -> Group:
    return Group(
        name=part,
        parts=(part,),
        sources=tuple(
            Source(
                url=f"{_FOLDER}{stem}{end}.xml.gz", file=f"suse/{stem}{end}.xml.gz", optional=end == "-patch"
            )
            for end in (kind, "-patch")
        ),
        otherwise=otherwise,
        size=15_000_000,
    )


FEED = Feed(
    name="suse",
    title="SUSE OVAL",
    licence="CC-BY-4.0",
    homepage="https://ftp.suse.com/pub/projects/security/oval/",
    files=("suse/*.xml", "suse/*.xml.gz"),
    parse=parse,
    parts=parts,
    group=_group,
    all_parts=(
        "opensuse-leap-15.5",
        "opensuse-leap-15.6",
        "opensuse-leap-16.0",
        "opensuse-tumbleweed",
        *(f"sle-micro-5.{minor}" for minor in range(2, 6)),
        "sl-micro-6.0",
        "sl-micro-6.1",
        "sles-12.5",
        "sles-12-modules",
        "sles-15",
        *(f"sles-15.{pack}" for pack in range(1, 8)),
        "sles-16.0",
    ),
)
