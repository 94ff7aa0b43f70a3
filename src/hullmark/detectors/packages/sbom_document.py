"""SBOM files inside an image, by which vendors of ready-made images and wheels say what they built in.

Formats: CycloneDX 1.2–1.7 JSON, SPDX 2.2/2.3 JSON and tag-value, SPDX 3.0 JSON-LD; where they stand: Bitnami's
`/opt/bitnami/*/.spdx-*.spdx`, PEP 770's `*.dist-info/sboms/`, `/var/lib/db/sbom/` of Wolfi. A component counts by its
package URL; without one nobody could say which ecosystem it is of. Of an operating system's packages its database is the
better witness, so they count only in an image without one.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from hullmark.detectors._formats import documents, untyped
from hullmark.detectors.detector import Detector, File, MalformedError, Seen, View, packages_of
from hullmark.model.facts import Package, Unread
from hullmark.model.purl import Purl, parse_purl, whole_name

_DATABASES = ("alpm", "apk", "dpkg", "opkg", "rpm")
_SYSTEM = frozenset({"alpm", "apk", "deb", "opkg", "rpm"})
_NO_PACKAGES = frozenset({"bitbucket", "docker", "github", "gitlab", "oci", "swid"})
"""Types of sources, images and products, which an SBOM names as the origin of others."""

_TAG_VALUE = b"SPDXVersion:"
_MAX_NESTED = 100
_MAX_LICENCES, _MAX_TEXT = 100, 1000


class _Stated(NamedTuple):
    """A component as one of the formats states it."""

    place: str
    purl: str
    licences: tuple[str, ...] = ()
    vendor: str = ""


def read(file: File) -> Iterator[Package | Unread]:
    """Give the packages that the components' package URLs name."""
    body = file.body.removeprefix(b"\xef\xbb\xbf").lstrip()
    if body.startswith(_TAG_VALUE):
        stated = _tag_value(file.text())
    elif body.startswith(b"{"):
        stated = _json(documents.json(file))
    elif file.name.endswith((".json", ".spdx")):
        raise MalformedError("neither a JSON nor a tag-value SBOM")
    else:
        return  # .cdx is also a form of chemists
    seen: set[tuple[str, str, str, str]] = set()
    known: set[str] = set()
    for component in stated:
        if component.purl in known:
            continue
        known.add(component.purl)
        try:
            parsed = parse_purl(component.purl)
        except ValueError as problem:
            yield file.unread(str(problem), component.place)
            continue
        if not parsed.version or parsed.type in _NO_PACKAGES:
            continue
        if not component.purl.isprintable() or not f"{whole_name(parsed)}{parsed.version}".isprintable():
            yield file.unread("package URL with a control character", component.place)
            continue
        package = _package(parsed, component)
        identity = (package.ecosystem, package.name, package.version, package.arch)
        if identity not in seen:  # a package's parts have its URL, with a path behind it
            seen.add(identity)
            yield package


def _package(parsed: Purl, component: _Stated) -> Package:
    qualifiers, version = parsed.qualifiers, parsed.version
    if parsed.type not in _SYSTEM:
        return Package(
            ecosystem=parsed.type,
            name=whole_name(parsed),
            version=version,
            licences=_short(component.licences),
            place=component.place,
            origin="declared",
            vendor="".join(_short((component.vendor,))),
        )
    epoch = qualifiers.get("epoch", "")
    if epoch.isascii() and epoch.isdigit() and ":" not in version:
        version = f"{epoch}:{version}"
    source, _, source_version = qualifiers.get("upstream", "").partition("@")
    return Package(
        ecosystem=parsed.type,
        name=parsed.name,
        version=version,
        arch=qualifiers.get("arch", ""),
        source="" if source.endswith(".src.rpm") else source,
        source_version=source_version,
        licences=_short(component.licences),
        place=component.place,
        origin="declared",
        vendor=parsed.namespace,  # whose build it is: `assemble` asks for it
    )


def _short(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Leave out a licence's whole text and other prose, which some producers put where a name belongs."""
    return tuple(text for text in texts[:_MAX_LICENCES] if len(text) <= _MAX_TEXT and text.isprintable())


def _json(document: Any) -> Iterator[_Stated]:
    if not isinstance(document, dict):
        raise MalformedError("not an SBOM: no object")
    if document.get("bomFormat") == "CycloneDX":
        yield from _cyclonedx(document)
    elif "spdxVersion" in document:
        yield from _spdx(document)
    elif any("spdx.org/rdf/3" in text for text in untyped.texts(document, "@context")):
        yield from _spdx3(document)
    else:
        raise MalformedError("not an SBOM: neither CycloneDX nor SPDX")


def _cyclonedx(document: dict[str, Any]) -> Iterator[_Stated]:
    waiting = [("components", document.get("components"), 0)]
    too_deep = ""
    while waiting:
        place, components, depth = waiting.pop()
        for number, component in enumerate(components if isinstance(components, list) else ()):
            here = f"{place}[{number}]"
            if isinstance(component, dict) and component.get("components"):
                if depth < _MAX_NESTED:
                    waiting.append((f"{here}.components", component["components"], depth + 1))
                else:
                    too_deep = here
            purl = untyped.text(component, "purl")
            if purl and untyped.text(component, "scope") != "excluded":
                vendor = untyped.text(component, "publisher") or untyped.text(component, "supplier", "name")
                yield _Stated(here, purl, _licences(untyped.array(component, "licenses")), vendor)
    if too_deep:
        raise MalformedError(f"components nested more than {_MAX_NESTED} deep", too_deep[:_MAX_TEXT])


def _licences(entries: list[Any]) -> tuple[str, ...]:
    found = (
        untyped.text(entry, "expression")
        or untyped.text(entry, "license", "id")
        or untyped.text(entry, "license", "name")
        for entry in entries
    )
    return tuple(licence for licence in found if licence)


def _spdx(document: dict[str, Any]) -> Iterator[_Stated]:
    for number, package in enumerate(untyped.array(document, "packages")):
        for reference in untyped.array(package, "externalRefs"):
            if untyped.text(reference, "referenceType") == "purl":
                purl = untyped.text(reference, "referenceLocator")
                licences = _stated(
                    untyped.text(package, "licenseDeclared"), untyped.text(package, "licenseConcluded")
                )
                vendor = _party(untyped.text(package, "supplier"))
                yield _Stated(f"packages[{number}]", purl, licences, vendor)
                break


def _stated(*licences: str) -> tuple[str, ...]:
    """Give the first licence that says something."""
    return next(((text,) for text in licences if text not in {"", "NOASSERTION", "NONE"}), ())


def _party(text: str) -> str:
    kind, _, name = text.partition(": ")
    return name if kind in {"Person", "Organization"} else ""


def _spdx3(document: dict[str, Any]) -> Iterator[_Stated]:
    for number, element in enumerate(untyped.array(document, "@graph")):
        purl = untyped.text(element, "software_packageUrl")
        for identifier in untyped.array(element, "externalIdentifier") if not purl else ():
            if untyped.text(identifier, "externalIdentifierType") == "packageUrl":
                purl = untyped.text(identifier, "identifier")
                break
        if purl:
            yield _Stated(f"@graph[{number}]", purl)


def _tag_value(text: str) -> Iterator[_Stated]:
    purl, place, licence = "", "", ""
    for number, line in enumerate(text.split("\n"), 1):
        tag, _, value = line.partition(":")
        value = value.strip()
        if tag == "PackageName":
            if purl:
                yield _Stated(place, purl, _stated(licence))
            purl, licence = "", ""
        elif tag in {"PackageLicenseDeclared", "PackageLicenseConcluded"}:
            licence = next(iter(_stated(value, licence)), "")
        elif tag == "ExternalRef":
            words = value.split()
            if len(words) == 3 and words[1] == "purl":
                purl, place = words[2], f"line {number}"
    if purl:
        yield _Stated(place, purl, _stated(licence))


def assemble(view: View) -> Iterator[tuple[Package, Seen]]:
    """Leave out the operating system's packages where it has a database, or where they are another system's."""
    known = any(
        isinstance(fact, Package)
        for detector in _DATABASES
        for seen in view.files(detector)
        for fact in seen.facts
    )
    system = view.distribution.id if view.distribution is not None else ""
    for package, seen in packages_of(view.files("sbom_document")):
        if package.ecosystem not in _SYSTEM or (not known and package.vendor in {"", system}):
            yield package, seen


DETECTOR = Detector(
    name="sbom_document",
    version=3,
    wants=(
        "**/*.spdx",
        "**/*.spdx.json",
        "**/*.cdx",
        "**/*.cdx.json",
        "**/*.cyclonedx.json",
        "**/*.dist-info/sboms/*.json",
    ),
    read=read,
    assemble=assemble,
)
