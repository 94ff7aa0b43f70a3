"""An SBOM in place of an image: CycloneDX 1.2 to 1.6 and SPDX 2.2 to 2.3, both in JSON.

Specifications: ECMA-424 (https://cyclonedx.org/docs/1.6/json/), https://spdx.github.io/spdx-spec/v2.3/. What
tools other than this one put beside the package URL is read where it changes the answer: Trivy's and Syft's
source packages, module labels and distribution.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple, get_args

import msgspec

from hullmark import __version__
from hullmark.model import plain_json
from hullmark.model.errors import ImageError
from hullmark.model.facts import SYSTEM, Distribution, Package, Unread, UnreadKind
from hullmark.model.image import Layer
from hullmark.model.purl import Purl, parse_purl, whole_name
from hullmark.model.report import Location, Tool
from hullmark.model.sbom import (
    PREFIX,
    numbered,
    read_count,
    read_cpe23,
    read_distribution,
    read_image,
    read_layers,
    read_locations,
    read_package,
    read_unread,
)
from hullmark.scan.documents import BOM, MAX_BYTES
from hullmark.scan.matching import Inventory, Item

MAX_COMPONENTS = 500_000
MAX_VALUES = 6_000_000
"""Decoded, a document of very short values takes twenty times its size."""

_MAX_UNREAD = 1_000
_MAX_PLACE = 100
_BUILT_FROM = "built package from: "

_IMAGES = frozenset({"oci", "docker"})
"""Package URLs of images: the document's subject, or one that it was made from, and no package in it."""

_NO_PACKAGES = frozenset(
    {
        "container",
        "cryptographic-asset",
        "data",
        "device",
        "device-driver",
        "file",
        "firmware",
        "machine-learning-model",
        "operating-system",
        "platform",
        "source",
        "archive",
    }
)
"""Kinds of CycloneDX and purposes of SPDX that need no package URL to be understood."""

_KINDS = {
    "Application": "application",
    "ContainerImage": "container",
    "Filesystem": "container",
    "OperatingSystem": "operating-system",
    "Repository": "source",
}
"""What the first word of an id says, where SPDX 2.2 had no field for it and Trivy wrote `SPDXRef-OperatingSystem-…`."""

_DISTRIBUTIONS = {
    "alma": "almalinux",
    "amazon": "amzn",
    "amazonlinux": "amzn",
    "cbl-mariner": "mariner",
    "oracle": "ol",
    "oraclelinux": "ol",
    "redhat": "rhel",
    "red hat enterprise linux": "rhel",
    "rockylinux": "rocky",
    "suse": "sles",
    "suse linux enterprise server": "sles",
}
"""What other tools and the package URLs of vendors call what os-release knows by another id."""


_BY_TWO_NUMBERS = frozenset({"alpine", "ubuntu", "opensuse-leap"})
"""Distributions whose releases differ in the second part of their number; in the others it is an update."""

_Identity = tuple[str, str, str, str]
_Guesses = dict[tuple[str, str], list[tuple[_Identity, str]]]
"""Namespace and `distro` of package URLs, with the packages and their places in the document."""


class _Stated(NamedTuple):
    """One component, in whichever format it stood."""

    place: str
    kind: str
    name: str
    version: str
    purl: str
    licences: tuple[str, ...]
    vendor: str
    cpe: str
    values: dict[str, str]
    paths: tuple[str, ...] = ()
    built_from: str = ""


class _Read(NamedTuple):
    """What a document says: the subject's name and our values, the components, the operating system."""

    name: str
    values: dict[str, str]
    components: Iterator[_Stated]


class _Notes:
    """What could not be read in the document: so many entries, then their number."""

    def __init__(self) -> None:
        self.entries: list[Unread] = []
        self.more = 0

    def add(self, reason: str, place: str) -> None:
        if len(self.entries) < _MAX_UNREAD:
            self.entries.append(Unread("record", reason, place=place))
        else:
            self.more += 1


def inventory_from_sbom(body: bytes, name: str) -> Inventory:
    """Give the packages that an SBOM lists. Raises `ImageError` for what is none."""
    document = _decoded(body, name)
    notes = _Notes()
    is_cyclonedx = document.get("bomFormat") == "CycloneDX"
    read = (_cyclonedx if is_cyclonedx else _spdx)(document, notes)
    layers = read_layers(read.values)
    found: dict[_Identity, Item] = {}
    system: _Stated | None = None
    guesses: _Guesses = {}
    for count, stated in enumerate(read.components):
        if count == MAX_COMPONENTS:
            notes.entries.append(Unread("file", f"more than {MAX_COMPONENTS} components"))
            break
        if stated.kind == "operating-system" and system is None:
            system = stated
        problem = _add(found, stated, layers, guesses)
        if problem:
            notes.add(problem, stated.place)
    distribution = _distribution(system, guesses)
    for identity, place, release in _of_others(distribution, guesses, named=system is not None):
        if found.pop(identity, None) is not None:
            notes.add(
                f"package of {release[:_MAX_PLACE]}, which is not the system that this SBOM is of", place
            )
    return Inventory(
        tool=Tool("hullmark", __version__, {}),
        image=read_image(read.values, read.name or name, distribution),
        layers=layers,
        items=tuple(item for _, item in sorted(found.items())),
        errors=_errors([*read_unread(read.values), *notes.entries], notes.more),
        distribution=distribution,
        dev_packages=read_count(read.values, "dev_packages"),
        skipped_files=read_count(read.values, "skipped_files"),
        unread_in_deleted=read_count(read.values, "unread_in_deleted"),
    )


def _decoded(body: bytes, name: str) -> dict[str, Any]:
    if len(body) > MAX_BYTES:
        raise ImageError(f"is larger than {MAX_BYTES} bytes", where=name)
    if sum(map(body.count, (b",", b"{", b"["))) > MAX_VALUES:
        raise ImageError(f"holds more than {MAX_VALUES} values", where=name)
    try:
        document = plain_json.decode(body.removeprefix(BOM))
    except (msgspec.DecodeError, UnicodeError, RecursionError) as problem:
        raise ImageError(f"is not JSON: {problem}", where=name, hint="SBOMs are read in JSON") from problem
    if isinstance(document, dict) and isinstance(predicate := document.get("predicate"), dict):
        document = predicate  # an in-toto statement, as attestations have it
    if isinstance(document, dict):
        if document.get("bomFormat") == "CycloneDX":
            return document
        if str(document.get("spdxVersion")).startswith("SPDX-2."):
            return document
    raise ImageError("is no SBOM", where=name, hint="CycloneDX 1.2 to 1.6 or SPDX 2.2 and 2.3, in JSON")


def _add(found: dict[_Identity, Item], stated: _Stated, layers: tuple[Layer, ...], guesses: _Guesses) -> str:
    """Take a component in; gives the reason where it names no package that can be checked."""
    if not stated.purl:
        # A lock file or a folder as the group of its packages has no version.
        is_group = stated.kind == "application" and not stated.version
        return "" if is_group or stated.kind in _NO_PACKAGES else "component without a package URL"
    try:
        parsed = parse_purl(stated.purl)
    except ValueError as problem:
        return f"component without a usable package URL: {problem}"
    if parsed.type in _IMAGES or stated.kind == "operating-system":
        return ""
    package = _package(parsed, stated)
    if not package.version:
        return f"component without a version: {package.name[:200]}"
    identity = (package.ecosystem, package.name, package.version, package.arch)
    if package.ecosystem in SYSTEM:
        guess = (parsed.namespace, parsed.qualifiers.get("distro", ""))
        guesses.setdefault(guess, []).append((identity, stated.place))
    locations = read_locations(stated.values, layers) or _elsewhere(stated)
    provides = numbered(stated.values, "hullmark:provides")
    known = found.get(identity)
    if known is not None:
        package = known.package
        locations = tuple(sorted({*known.locations, *locations}, key=_by_place))
        provides = tuple(sorted({*known.provides, *provides}))
    found[identity] = Item(package, locations, provides)
    return ""


def _elsewhere(stated: _Stated) -> tuple[Location, ...]:
    """Give the places that others state: Syft, Trivy, and CycloneDX's own occurrences. Layer -1: not known."""
    values = stated.values
    places: dict[str, str] = {}
    while path := values.get(f"syft:location:{len(places)}:path", ""):
        layer = values.get(f"syft:location:{len(places)}:layerID", "")
        if path in places:
            break
        places[path] = layer
    if path := values.get("aquasecurity:trivy:FilePath", ""):
        places.setdefault(path, values.get("aquasecurity:trivy:LayerDigest", ""))
    for path in stated.paths:
        places.setdefault(path, "")
    return tuple(Location(path.lstrip("/"), -1, layer_digest=layer) for path, layer in places.items())


def _by_place(location: Location) -> tuple[object, ...]:
    return (location.layer, location.path, location.place, location.detector)


def _package(parsed: Purl, stated: _Stated) -> Package:
    version = parsed.version or stated.version
    arch = parsed.qualifiers.get("arch", "")
    package = read_package(parsed.type, whole_name(parsed), version, arch, stated.licences, stated.values)
    changes: dict[str, Any] = {}
    if parsed.type == "generic" and not package.cpe:
        changes["cpe"] = read_cpe23(stated.cpe)
    if not package.vendor:
        changes["vendor"] = stated.vendor
    if parsed.type in SYSTEM:
        epoch = parsed.qualifiers.get("epoch", "")
        if epoch.isascii() and epoch.isdigit() and ":" not in version:
            changes["version"] = f"{epoch}:{version}"
        if not package.source:
            changes["source"], changes["source_version"] = _source(parsed, stated)
        if parsed.type == "rpm" and not package.module:
            label = stated.values.get("aquasecurity:trivy:Modularitylabel") or parsed.qualifiers.get(
                "rpmmod", ""
            )
            changes["module"] = ":".join(label.split(":")[:2])
    return msgspec.structs.replace(package, **changes) if changes else package


def _source(parsed: Purl, stated: _Stated) -> tuple[str, str]:
    """Give name and version of the source package: `upstream` of the package URL, else what Trivy says."""
    values = stated.values
    upstream = parsed.qualifiers.get("upstream", "")
    if upstream.endswith(".src.rpm"):
        parts = upstream.removesuffix(".src.rpm").rsplit("-", 2)
        if len(parts) == 3:
            return parts[0], f"{parts[1]}-{parts[2]}"
    name, _, version = upstream.partition("@")
    if name:
        return name, version
    trivy = {
        key: values.get(f"aquasecurity:trivy:Src{key}", "") for key in ("Name", "Version", "Release", "Epoch")
    }
    if stated.built_from:
        name, _, version = stated.built_from.partition(" ")
        return name, version
    if not (trivy["Name"] and trivy["Version"]):
        return trivy["Name"], ""
    release = f"-{trivy['Release']}" if trivy["Release"] else ""
    epoch = f"{trivy['Epoch']}:" if trivy["Epoch"] not in {"", "0"} else ""
    return trivy["Name"], f"{epoch}{trivy['Version']}{release}"


def _distribution(system: _Stated | None, guesses: _Guesses) -> Distribution | None:
    """Give the operating system: as we wrote it, as a component of its own, else as most packages say."""
    if system is not None:
        if (own := read_distribution(system.values)) is not None:
            return own
        values = system.values
        identifier = (values.get("syft:distro:id") or system.name).lower()
        if identifier:
            version = values.get("syft:distro:versionID") or system.version.partition(" ")[0]
            return Distribution(
                _DISTRIBUTIONS.get(identifier, identifier),
                version,
                id_like=numbered(values, "syft:distro:idLike"),
                codename=values.get("syft:distro:versionCodename", ""),
                pretty_name=values.get("syft:distro:prettyName", ""),
                cpe=system.cpe,
            )
    return _guessed(max(guesses, key=lambda guess: (len(guesses[guess]), guess), default=("", "")))


def _guessed(guess: tuple[str, str]) -> Distribution | None:
    """Give the distribution that namespace and `distro` of a package URL name: `debian-12`, `bookworm`, `3.10.4`."""
    namespace, distro = guess
    head, _, tail = distro.rpartition("-")
    if head and tail[:1].isdigit():
        identifier, version, codename = head, tail, ""
    elif head:
        identifier, version, codename = head, "", tail
    else:
        # `bookworm`, or one word that names a distribution without releases
        identifier, version = namespace or tail, tail if tail[:1].isdigit() else ""
        codename = tail if tail not in (namespace, version) else ""
    if not identifier:
        return None
    return Distribution(_DISTRIBUTIONS.get(identifier, identifier), version, codename=codename)


def _of_others(
    chosen: Distribution | None, guesses: _Guesses, *, named: bool
) -> Iterator[tuple[_Identity, str, str]]:
    """Give the packages of another release than the chosen one, as SBOMs of several images have them.

    An operating system that is `named` by a component may bear another word than its packages' URLs do, so that
    only the release's number tells them apart.
    """
    for guess, packages in guesses.items():
        other = _guessed(guess)
        if chosen is None or other is None or not guess[1]:
            continue
        if other.id != chosen.id:
            differs = not named
        else:
            parts = 2 if chosen.id in _BY_TWO_NUMBERS else 1
            numbers = [release.version_id.split(".")[:parts] for release in (chosen, other)]
            differs = all(number[0][:1].isdigit() for number in numbers) and numbers[0] != numbers[1]
        if differs:
            for identity, place in packages:
                yield identity, place, f"{other.id} {other.version_id or other.codename}"


def _errors(unread: list[Unread], more: int) -> tuple[Unread, ...]:
    kinds = get_args(UnreadKind)
    ordered = sorted(set(unread), key=lambda u: (kinds.index(u.kind), u.layer, u.path, u.place, u.reason))
    if more:
        ordered.append(Unread("record", f"{more} more could not be read"))
    return tuple(ordered)


def _cyclonedx(document: dict[str, Any], notes: _Notes) -> _Read:
    metadata = _dict(document.get("metadata"))
    subject = _dict(metadata.get("component"))
    values = {**_properties(subject), **_properties(metadata)}
    return _Read(_text(subject, "name"), values, _components(document, subject, notes))


def _components(document: dict[str, Any], subject: dict[str, Any], notes: _Notes) -> Iterator[_Stated]:
    """Give every component, those within another as well, in the order of the document."""
    waiting: list[tuple[str, Iterator[tuple[int, Any]]]] = []

    def put(place: str, entries: Any) -> None:
        if isinstance(entries, list):
            waiting.append((place if len(place) < _MAX_PLACE else "component far down, ", enumerate(entries)))
        elif entries is not None:
            notes.add("components are no list", place.rstrip(" ."))

    put("component ", document.get("components"))
    put("subject's component ", subject.get("components"))
    while waiting:
        start, entries = waiting[-1]
        number, component = next(entries, (-1, None))
        if number < 0:
            waiting.pop()
            continue
        place = f"{start}{number}"
        if not isinstance(component, dict):
            notes.add("component is no object", place)
            continue
        put(f"{place}.", component.get("components"))
        supplier, values = _dict(component.get("supplier")), _properties(component)
        yield _Stated(
            place=place,
            kind=_text(component, "type"),
            name=_text(component, "name"),
            version=_text(component, "version"),
            purl=_text(component, "purl"),
            licences=numbered(values, "hullmark:licence") or _licences(component.get("licenses")),
            vendor=_text(component, "publisher") or _text(supplier, "name"),
            cpe=_text(component, "cpe"),
            values=values,
            paths=tuple(
                path
                for occurrence in _list(_dict(component.get("evidence")).get("occurrences"))
                if (path := _text(_dict(occurrence), "location"))
            ),
        )


def _properties(holder: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in _list(holder.get("properties")):
        if isinstance(entry, dict) and (name := _text(entry, "name")):
            found.setdefault(name, _text(entry, "value"))
    return found


def _licences(entries: Any) -> tuple[str, ...]:
    found = []
    for entry in _list(entries):
        choice = _dict(entry)
        licence = _dict(choice.get("license"))
        found.append(_text(choice, "expression") or _text(licence, "id") or _text(licence, "name"))
    return tuple(text for text in found if text)


def _spdx(document: dict[str, Any], notes: _Notes) -> _Read:
    packages = _list(document.get("packages"))
    described = {name for name in _list(document.get("documentDescribes")) if isinstance(name, str)}
    for relationship in map(_dict, _list(document.get("relationships"))):
        if relationship.get("relationshipType") == "DESCRIBES":
            described.add(_text(relationship, "relatedSpdxElement"))
    name = _text(document, "name")
    for package in map(_dict, packages):
        if _text(package, "SPDXID") in described:
            name = _text(package, "name") or name
            break
    values = _annotated(document, "document", notes)
    return _Read(name, values, _packages(packages, described, notes))


def _packages(packages: list[Any], described: set[str], notes: _Notes) -> Iterator[_Stated]:
    for number, package in enumerate(packages):
        place = f"package {number}"
        if not isinstance(package, dict):
            notes.add("package is no object", place)
            continue
        references: dict[str, str] = {}
        for reference in map(_dict, _list(package.get("externalRefs"))):
            references.setdefault(_text(reference, "referenceType"), _text(reference, "referenceLocator"))
        kind = _text(package, "primaryPackagePurpose").lower().replace("_", "-")
        if not kind:
            kind = _KINDS.get(_text(package, "SPDXID").removeprefix("SPDXRef-").partition("-")[0], "")
        if _text(package, "SPDXID") in described and "purl" not in references:
            kind = "container"  # the subject, whatever it is called
        values = _annotated(package, place, notes)
        declared = _text(package, "licenseDeclared")
        licences = (declared,) if declared not in {"", "NOASSERTION", "NONE"} else ()
        yield _Stated(
            place=place,
            kind=kind,
            name=_text(package, "name"),
            version=_text(package, "versionInfo"),
            purl=references.get("purl", ""),
            licences=numbered(values, "hullmark:licence") or licences,
            vendor=_party(_text(package, "supplier")),
            cpe=references.get("cpe23Type", ""),
            values=values,
            built_from=_text(package, "sourceInfo").partition(_BUILT_FROM)[2],
        )


def _party(text: str) -> str:
    """Give a person or an organisation without the word for which it is."""
    kind, _, name = text.partition(": ")
    return name if kind in {"Person", "Organization"} else ""


def _annotated(element: dict[str, Any], place: str, notes: _Notes) -> dict[str, str]:
    """Give our values from the annotation that holds them."""
    for annotation in map(_dict, _list(element.get("annotations"))):
        comment = _text(annotation, "comment")
        if comment.startswith(f'{{"{PREFIX}'):
            try:
                return msgspec.json.decode(comment, type=dict[str, str])
            except (msgspec.DecodeError, RecursionError):
                notes.add("a damaged annotation of Hullmark's", place)
    return {}


def _text(holder: dict[str, Any], name: str) -> str:
    value = holder.get(name)
    return value if isinstance(value, str) else ""


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
