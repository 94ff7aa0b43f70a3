"""ruby-advisory-db: advisories about gems and about the Ruby interpreters, as YAML.

Format: https://github.com/rubysec/ruby-advisory-db, section 'Schema'. `patched_versions` and
`unaffected_versions` are requirements in the syntax of RubyGems; what satisfies none of them is affected.
"""

import re
from collections.abc import Iterator
from typing import Any

from hullmark.advisories._formats import constraints, cvss, decoding
from hullmark.advisories.feed import Document, Feed, Group, Record, Source, only
from hullmark.model.advisory import Advisory, Affected, Reference, Score, Severity
from hullmark.model.target import Target

_ENGINES = {
    "ruby": "ruby-lang:ruby",
    "jruby": "jruby:jruby",
    "mruby": "mruby:mruby",
    "mrubyc": "mrubyc:mrubyc",
    "rbx": "rubinius:rubinius",
}
"""The interpreters' names here and the products that bare binaries are known by."""

_SEGMENT = re.compile(r"[0-9]+|[A-Za-z]+")
_CVE = re.compile(r"\d{4}-\d{4,}\Z")
_GHSA = re.compile(r"[0-9a-z]{4}(?:-[0-9a-z]{4}){2}\Z")
_KINDS: tuple[tuple[Any, int], ...] = (("cvss4", 4), ("cvss3", 3), ("cvss2", 2))


def parse(documents: Iterator[Document]) -> Iterator[Record]:
    """Give one advisory for each file below `gems` and `rubies`."""
    for document in documents:
        if document.path.endswith((".yml", ".yaml")) and re.search(r"/(?:gems|rubies)/", document.path):
            try:
                yield _advisory(document, decoding.yaml(decoding.text(document)))
            except (decoding.UndecodableError, constraints.ConstraintError) as problem:
                yield document.unread(str(problem))


def _advisory(document: Document, content: Any) -> Record:
    if not isinstance(content, dict):
        return document.unread("no mapping at the top")
    ids = _ids(content)
    gem, engine = decoding.string(content.get("gem")), decoding.string(content.get("engine"))
    if not ids or not (gem or engine):
        return document.unread("an advisory without id, or without gem and engine")
    sound = (
        *decoding.strings(content.get("patched_versions")),
        *decoding.strings(content.get("unaffected_versions")),
    )
    ranges = constraints.complement((requirement(text) for text in sound), "gem")
    if not ranges:
        return document.unread("as published, no version is affected")
    platform = decoding.string(content.get("platform"))
    note = f"only on the platform {platform}" if platform else ""
    statement = (
        Affected(ecosystem="gem", name=gem, ranges=ranges, note=note)
        if gem
        else Affected(
            ecosystem="generic",
            name=engine,
            ranges=ranges,
            cpes=(_ENGINES.get(engine, f"{engine}:{engine}"),),
        )
    )
    return Advisory(
        id=ids[0],
        title=" ".join(decoding.string(content.get("title")).split()),
        details=decoding.string(content.get("description")).strip(),
        aliases=ids[1:],
        affected=(statement,),
        scores=tuple(_scores(content)),
        references=_references(content),
        published=decoding.string(content.get("date")),
    )


def _ids(content: dict[Any, Any]) -> tuple[str, ...]:
    """Give the ids of the flaw, which stand without their prefix; `related` names others."""
    cve, ghsa, osvdb = (decoding.string(content.get(name)) for name in ("cve", "ghsa", "osvdb"))
    found = []
    if _CVE.match(cve):
        found.append(f"CVE-{cve}")
    if _GHSA.match(ghsa):
        found.append(f"GHSA-{ghsa}")
    if osvdb.isdecimal():
        found.append(f"OSVDB-{osvdb}")
    return tuple(found)


def _scores(content: dict[Any, Any]) -> Iterator[Score]:
    """Give the base scores, which stand without their vectors."""
    for kind, version in _KINDS:
        text = decoding.string(content.get(f"cvss_v{version}"))
        try:
            value = float(text) if text else -1.0
        except ValueError:
            continue
        if 0 <= value <= 10:
            yield Score("rubysec", kind, cvss.level(value, version=version), value=value)
    word = decoding.string(content.get("criticality")).lower()
    if word in set(Severity):
        yield Score("rubysec", level=Severity(word))


def _references(content: dict[Any, Any]) -> tuple[Reference, ...]:
    related = content.get("related")
    urls = (
        decoding.string(content.get("url")),
        *decoding.strings(related.get("url") if isinstance(related, dict) else None),
    )
    return tuple(Reference(url) for url in dict.fromkeys(urls) if url)


def requirement(text: str) -> list[constraints.Comparison]:
    """Spell a requirement of RubyGems out in comparisons: `~> 1.2.3` is `>= 1.2.3, < 1.3.a`.

    Source: Gem::Requirement. A pre-release of the excluded end does not match `~>` either, hence the `a`.
    """
    found: list[constraints.Comparison] = []
    for operator, version in constraints.comparisons(text):
        if operator == "~>":
            found += ((">=", version), ("<", _bump(version)))
        else:
            found.append((operator or "=", version))
    return found


def _bump(version: str) -> str:
    numbers: list[int] = []
    # `4.0.0-rc1` is `4.0.0.pre.rc1` to RubyGems; from the first letter on nothing counts here.
    for segment in _SEGMENT.findall(version.partition("-")[0]):
        if not segment.isdecimal():
            break
        numbers.append(int(segment))
    if not numbers:
        raise constraints.ConstraintError(f"not a version: {version[:80]!r}")
    kept = numbers[:-1] if len(numbers) > 1 else numbers
    return ".".join(str(number) for number in (*kept[:-1], kept[-1] + 1)) + ".a"


def parts(target: Target) -> tuple[str, ...] | None:
    """Rubysec speaks for gems, and for interpreters that are bare binaries."""
    return (f"rubysec-{target.ecosystem}",) if target.ecosystem in ("gem", "generic") else None


_SOURCES = Group(
    name="rubysec",
    parts=("rubysec-*",),
    sources=(
        Source(
            url="https://codeload.github.com/rubysec/ruby-advisory-db/tar.gz/refs/heads/master",
            file="ruby-advisory-db.tar.gz",
        ),
    ),
    size=600_000,
)


FEED = Feed(
    name="rubysec",
    title="Ruby Advisory Database",
    licence="Public domain, see its LICENSE.txt",
    homepage="https://rubysec.com",
    files=("ruby-advisory-db.tar.gz", "rubysec/**/*.yml"),
    parse=parse,
    parts=parts,
    supplements=("generic",),
    group=only(_SOURCES),
    all_parts=("rubysec-gem",),
    version=2,
)
