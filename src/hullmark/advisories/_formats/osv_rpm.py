"""Errata of the rebuilds of Red Hat Enterprise Linux as OSV documents (AlmaLinux, Rocky Linux).

Format: `osv.py`. An erratum (ALSA, RLSA …) is a bundle; the flaws that it fixes stand in `related` or
`upstream`. Its summary begins with the severity and names the module streams: `Important: ruby:3.3 security
update`. The version of a package that was built for a module has `.module` in its release.
"""

import re
from collections.abc import Callable, Iterator

from hullmark.advisories._formats import osv
from hullmark.advisories.feed import Document, Record
from hullmark.model.advisory import Advisory, Affected, Range, Score, Severity, Withdrawn
from hullmark.model.errors import VersionError
from hullmark.model.facts import Unread

_SECURITY_ERRATUM = re.compile(r"[A-Z]+SA-")
_OWN_ID = re.compile(r"[A-Z]{2}[A-Z]A-\d+:\d+:?")
_LEVEL = re.compile(r"(Critical|Important|Moderate|Low):|\((Critical|Important|Moderate|Low)\)\Z")
_MODULE = re.compile(r"(?<!\S)[A-Za-z0-9_.+-]+:[A-Za-z0-9_.+-]+(?!\S)")
_CVE = re.compile(r"CVE-\d{4}-\d{4,}\Z")
_RELEASE = re.compile(r"[:-](\d+)\Z")
ANY_MODULE = "*"
"""Some module stream, which one the publisher does not say."""


def errata(document: Document, name: str, distribution: str, *, source_names: bool) -> Iterator[Record]:
    """Read one document.

    `name` is the ecosystem in OSV's words (`AlmaLinux`), `distribution` that of our parts (`almalinux`). Of
    an archive for one release (`osv/AlmaLinux-8/…`) only that release's statements are taken, since the other
    releases' archives hold the document as well.
    """
    record = osv.decode(document)
    if isinstance(record, Unread):
        yield record
        return
    if record.withdrawn:
        yield Withdrawn(record.id)
        return
    named = (*(record.aliases or ()), *(record.related or ()), *(record.upstream or ()))
    fixes = tuple(dict.fromkeys(item for item in named if _CVE.match(item)))
    if not fixes and not _SECURITY_ERRATUM.match(record.id):
        return  # a bug fix or an enhancement
    yield from _advisory(document, record, fixes, (name, distribution), source_names=source_names)


def _advisory(
    document: Document,
    record: osv.Record,
    fixes: tuple[str, ...],
    names: tuple[str, str],
    *,
    source_names: bool,
) -> Iterator[Advisory | Unread]:
    name, distribution = names
    folder = _RELEASE.search(document.path.removeprefix("osv/").partition("/")[0])
    summary = record.summary or ""
    match = _LEVEL.search(summary)
    level = osv.LEVELS[(match[1] or match[2]).lower()] if match else Severity.UNKNOWN
    modules = tuple(dict.fromkeys(_MODULE.findall(_OWN_ID.sub("", summary)))) or (ANY_MODULE,)
    # The same package in several builds of one erratum: the lowest already has the fix.
    lowest: dict[tuple[str, str, str], str] = {}
    for entry in record.affected or ():
        package = entry.package
        ecosystem, release = osv.split_ecosystem(package.ecosystem) if package else ("", "")
        if package is None or ecosystem != name or (folder and release != folder[1]):
            continue
        # Rocky writes an epoch of 0, which nothing that people read or type has.
        fixed = [item.fixed.removeprefix("0:") for item in osv.versions(entry, "rpm").ranges if item.fixed]
        if not (package.name and release and fixed):
            yield document.unread("a package without name, release or fixed version", record.id)
            continue
        for version in fixed:
            for module in modules if ".module" in version else ("",):
                place = (package.name, release, module)
                lowest[place] = _lower(lowest[place], version) if place in lowest else version
    if not lowest:
        return
    yield osv.advisory(
        record,
        (
            Affected(
                ecosystem="rpm",
                name=package_name,
                release=f"{distribution}-{release}",
                scope="source" if source_names else "binary",
                ranges=(Range(fixed=version),),
                module=module,
                level=level,
            )
            for (package_name, release, module), version in lowest.items()
        ),
        source=distribution,
        extra_scores=() if level is Severity.UNKNOWN else (Score(distribution, level=level),),
        bundle=True,
        fixes=fixes,
    )


def _lower(one: str, other: str) -> str:
    key = _rpm_key()
    try:
        return min(one, other, key=key)
    except VersionError:
        return min(one, other)


def _rpm_key() -> Callable[[str], bytes]:
    from hullmark.advisories.registry import schemes

    return schemes()["rpm"].key
