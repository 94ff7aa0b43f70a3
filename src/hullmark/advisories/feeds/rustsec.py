"""RustSec: advisories about crates, as Markdown that begins with a block of TOML.

Format: https://github.com/RustSec/advisory-db, section 'Advisory Format'. `versions.patched` and
`versions.unaffected` are requirements in Cargo's syntax; what matches none of them is affected. Of the
informational advisories `unsound` is one of a flaw and is kept; `unmaintained` and `notice` say nothing of a
flaw in any version and are passed over. The collection `rust` is about the toolchain, not about crates.
"""

import re
from collections.abc import Iterator
from typing import Any

from hullmark.advisories._formats import constraints, cvss, decoding, osv
from hullmark.advisories.feed import Document, Feed, Group, Record, Source, only
from hullmark.model.advisory import Advisory, Affected, Reference, Withdrawn
from hullmark.model.target import Target

_VERSION = re.compile(r"(\d+)(?:\.(\d+|[*xX]))?(?:\.(\d+|[*xX]))?(-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?\Z")
_LENIENT = re.compile(r"(\d+\.\d+\.\d+)([A-Za-z][0-9A-Za-z.-]*)\Z")
_NOT_FLAWS = frozenset({"unmaintained", "notice"})


def parse(documents: Iterator[Document]) -> Iterator[Record]:
    """Give one advisory for each crate's file."""
    for document in documents:
        if document.path.endswith(".md") and "/crates/" in document.path:
            try:
                yield from _advisory(document)
            except (decoding.UndecodableError, constraints.ConstraintError) as problem:
                yield document.unread(str(problem))


def _advisory(document: Document) -> Iterator[Record]:
    mark, _, rest = decoding.text(document).replace("\r\n", "\n").lstrip().partition("\n")
    front, end, text = rest.partition("\n```")
    if mark.rstrip() != "```toml" or not end:
        yield document.unread("no block of TOML at the beginning")
        return
    content = decoding.toml(front)
    head, versions, limits = (_table(content, name) for name in ("advisory", "versions", "affected"))
    name, package = decoding.string(head.get("id")), decoding.string(head.get("package"))
    if not name or not package:
        yield document.unread("an advisory without id or package")
        return
    if head.get("withdrawn"):
        yield Withdrawn(name)
        return
    if head.get("informational") in _NOT_FLAWS:
        return
    sound = (*decoding.strings(versions.get("patched")), *decoding.strings(versions.get("unaffected")))
    ranges = tuple(
        item
        for item in constraints.complement((requirement(text) for text in sound), "cargo")
        # Between `^0.22.2` and `>= 0.23.0` lie the pre-releases of 0.23.0 alone.
        if not item.fixed or item.introduced != f"{item.fixed}-0"
    )
    if not ranges:
        yield document.unread("as published, no version is affected")
        return
    title, _, details = text.partition("\n")[2].strip().partition("\n")
    title = title.lstrip("# ").strip()
    aliases = decoding.strings(head.get("aliases"))
    score = cvss.score("rustsec", decoding.string(head.get("cvss")))
    # A crate that crates.io deleted is not there for other reasons, too.
    removed = head.get("expect-deleted") is True and "malicious" in title.lower()
    yield Advisory(
        id=name,
        title=title,
        details=details.strip(),
        aliases=aliases,
        affected=(Affected(ecosystem="cargo", name=package, ranges=ranges, note=_note(head, limits)),),
        scores=(score,) if score is not None else (),
        references=_references(name, head),
        published=decoding.string(head.get("date")),
        malicious=removed or osv.is_malicious((name, *aliases), ()),
    )


def _table(content: dict[str, Any], name: str) -> dict[str, Any]:
    found = content.get(name)
    return found if isinstance(found, dict) else {}


def _note(head: dict[str, Any], limits: dict[str, Any]) -> str:
    """Say what the publisher limits the flaw to, which a scan of packages cannot tell."""
    words = ["unsound"] if head.get("informational") == "unsound" else []
    words += [
        f"only on {', '.join(found)}"
        for kind in ("os", "arch")
        if (found := decoding.strings(limits.get(kind)))
    ]
    return "; ".join(words)


def _references(name: str, head: dict[str, Any]) -> tuple[Reference, ...]:
    urls = (decoding.string(head.get("url")), *decoding.strings(head.get("references")))
    own = Reference(f"https://rustsec.org/advisories/{name}.html", "ADVISORY")
    return (own, *(Reference(url) for url in dict.fromkeys(urls) if url))


def requirement(text: str) -> list[constraints.Comparison]:
    """Spell a requirement of Cargo out in comparisons: `^1.2.3` is `>=1.2.3, <2.0.0-0`.

    Source: https://doc.rust-lang.org/cargo/reference/specifying-dependencies.html. A pre-release of the
    excluded end does not match there either, hence the `-0`.
    """
    if text.strip() == "*":
        return []
    return [item for pair in constraints.comparisons(text) for item in _comparison(*pair)]


def _comparison(operator: str, version: str) -> Iterator[constraints.Comparison]:
    lenient = _LENIENT.match(version)  # `1.0.0rc1`, which Cargo refuses
    match = _VERSION.match(f"{lenient[1]}-{lenient[2]}" if lenient else version)
    if match is None:
        raise constraints.ConstraintError(f"not a version: {version[:80]!r}")
    numbers = [int(part) for part in match.groups()[:3] if part is not None and part.isdigit()]
    whole = ".".join(str(number) for number in (*numbers, 0, 0)[:3]) + (match[4] or "")
    partial = len(numbers) < 3
    if operator in (">=", "<"):
        yield operator, whole
    elif operator == ">":
        yield (">=", _raise(numbers, len(numbers) - 1)) if partial else (">", whole)
    elif operator == "<=":
        yield ("<", _raise(numbers, len(numbers) - 1)) if partial else ("<=", whole)
    elif operator == "=" and not partial:
        yield "=", whole
    elif operator in ("", "^", "~", "="):
        yield ">=", whole
        yield "<", _raise(numbers, _fixed_place(operator, numbers))
    else:
        raise constraints.ConstraintError(f"unknown operator {operator}")


def _fixed_place(operator: str, numbers: list[int]) -> int:
    """Tell which number must be raised to leave the requirement."""
    if operator == "~":
        return min(1, len(numbers) - 1)
    if operator == "=":
        return len(numbers) - 1
    first = next((place for place, number in enumerate(numbers) if number), None)
    return len(numbers) - 1 if first is None else first


def _raise(numbers: list[int], place: int) -> str:
    raised = [*numbers[:place], numbers[place] + 1, 0, 0][:3]
    return ".".join(str(number) for number in raised) + "-0"


def parts(target: Target) -> tuple[str, ...] | None:
    """RustSec speaks for crates."""
    return ("rustsec-cargo",) if target.ecosystem == "cargo" else None


_SOURCES = Group(
    name="rustsec",
    parts=("rustsec-cargo",),
    sources=(
        Source(
            url="https://codeload.github.com/RustSec/advisory-db/tar.gz/refs/heads/main",
            file="rustsec-advisory-db.tar.gz",
        ),
    ),
    size=500_000,
)


FEED = Feed(
    name="rustsec",
    title="RustSec Advisory Database",
    licence="CC0-1.0",
    homepage="https://rustsec.org",
    files=("rustsec-advisory-db.tar.gz", "rustsec/**/*.md"),
    parse=parse,
    parts=parts,
    group=only(_SOURCES),
    all_parts=("rustsec-cargo",),
    version=2,
)
