"""What an SBOM's own fields have no room for, as named values: `hullmark:…`, written and read here.

CycloneDX carries them as properties, SPDX as one annotation for each element. A name is unique within its
element: the entries of a list are numbered (`hullmark:location:0:path`). What a package URL or the layers of
the image already say is not repeated.
"""

import datetime as dt
import hashlib
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, get_args
from urllib.parse import quote

import msgspec

from hullmark.model.errors import UsageError
from hullmark.model.facts import Distribution, Package, Unread
from hullmark.model.image import Layer, Platform
from hullmark.model.purl import parse_purl, purl, whole_name
from hullmark.model.report import (
    BaseImage,
    Component,
    Finding,
    Location,
    Report,
    ReportImage,
    ReportSet,
    Tool,
)

PREFIX = "hullmark:"

Origin = Literal["installed", "binary", "locked", "declared"]
_ORIGINS: dict[str, Origin] = {word: word for word in get_args(Origin)}
_TEXTS = {name: PREFIX + name for name in ("source", "source_version", "module", "vendor", "cpe")}
_PLAIN = re.compile(r"[a-z0-9.-]+")
_PLAIN_ID = re.compile(r"[A-Za-z0-9-]+")
_PARTED = re.compile(r"[^A-Za-z0-9._+~-]")
_URL = re.compile(r"https?://[!#$&-;=?-\[\]_a-z~%]+")
_MAIL = re.compile(r"([^<>]+?) <([^<>\s]+)>")
_CPE_SIGN = re.compile(r"[^A-Za-z0-9_.-]")
_CPE_PART = re.compile(r"(?:\A|(?<=:))(?:[^:\\]|\\.)*")
_MAX_CPE = 2000
_WHOLE_NAMED = frozenset({"deb", "apk", "rpm", "alpm"})


def component_values(component: Component) -> dict[str, str]:
    """Give what is known of a package beside its package URL, licences and dependencies."""
    values = {"hullmark:origin": component.origin}
    if not _says_name(component):
        values["hullmark:name"] = component.name
    for name, key in _TEXTS.items():
        if text := getattr(component, name):
            values[key] = text
    if component.dev:
        values["hullmark:dev"] = "true"
    if component.direct is not None:
        values["hullmark:direct"] = _word(component.direct)
    if component.from_base is not None:
        values["hullmark:from_base"] = _word(component.from_base)
    for number, step in enumerate(component.via):
        values[f"hullmark:via:{number}"] = step
    for number, provided in enumerate(component.provides):
        values[f"hullmark:provides:{number}"] = provided
    for number, location in enumerate(component.locations):
        start = f"hullmark:location:{number}:"
        values[start + "path"] = location.path
        values[start + "layer"] = str(location.layer)
        if location.layer_digest:
            values[start + "layer_digest"] = location.layer_digest
        if location.place:
            values[start + "place"] = location.place
        if location.detector:
            values[start + "detector"] = location.detector
    return values


def _says_name(component: Component) -> bool:
    """Tell whether the package URL keeps the name: it folds case and separators in some ecosystems."""
    if _PLAIN.fullmatch(component.name):
        if component.ecosystem in _WHOLE_NAMED:
            return True
        start = f"pkg:{component.ecosystem}/{component.name}@"
        if component.purl.startswith(start) and not _PARTED.search(component.purl, len(start)):
            return True  # most are so, and to take each apart takes a tenth of the document's time
    try:
        return whole_name(parse_purl(component.purl)) == component.name
    except ValueError:
        return False


def image_values(report: Report) -> dict[str, str]:
    """Give what is known of the image, its layers, and of what could not be read in it."""
    image = report.image
    values: dict[str, str] = {}
    if image is None:
        return values
    for name in ("name", "source", "digest", "config_digest", "derived_from"):
        if text := getattr(image, name):
            values[f"hullmark:image:{name}"] = text
    if str(image.platform):
        values["hullmark:image:platform"] = str(image.platform)
    for number, tag in enumerate(image.tags):
        values[f"hullmark:image:tag:{number}"] = tag
    if image.base.evidence != "none":
        values["hullmark:base"] = _json(image.base)
    if image.release is not None:
        values["hullmark:release"] = _json(image.release)
    for layer in report.layers:
        values[f"hullmark:layer:{layer.index}"] = _json(layer)
    for number, unread in enumerate(report.errors):
        values[f"hullmark:unread:{number}"] = _json(unread)
    counted = (
        ("unread_in_deleted", report.summary.unread_in_deleted),
        ("dev_packages", report.coverage.dev_packages),
        ("skipped_files", report.coverage.skipped_files),
        ("suppressed", len(report.suppressed)),
        *((f"secrets:{level}", count) for level, count in report.summary.secrets.items()),
        *((f"misconfigurations:{level}", count) for level, count in report.summary.config.items()),
    )
    values |= {PREFIX + name: str(count) for name, count in counted if count}
    values |= {f"hullmark:database:{part.part}": _json(part) for part in report.database.parts}
    return values


def tool_values(tool: Tool) -> dict[str, str]:
    """Give the version of each detector."""
    return {f"hullmark:detector:{name}": str(version) for name, version in tool.detectors.items()}


def distribution_values(distribution: Distribution) -> dict[str, str]:
    """Give the operating system as `os-release` has it, whole."""
    return {"hullmark:distribution": _json(distribution)}


def read_package(
    ecosystem: str, name: str, version: str, arch: str, licences: tuple[str, ...], values: Mapping[str, str]
) -> Package:
    """Put a package together from what its package URL and our values say."""
    return Package(
        ecosystem=ecosystem,
        name=values.get("hullmark:name") or name,
        version=version,
        arch=arch,
        source=values.get("hullmark:source", ""),
        source_version=values.get("hullmark:source_version", ""),
        licences=licences,
        origin=_ORIGINS.get(values.get("hullmark:origin", ""), "installed"),
        dev=values.get("hullmark:dev") == "true",
        direct=_truth(values.get("hullmark:direct")),
        via=numbered(values, "hullmark:via"),
        module=values.get("hullmark:module", ""),
        vendor=values.get("hullmark:vendor", ""),
        cpe=values.get("hullmark:cpe", ""),
    )


def read_locations(values: Mapping[str, str], layers: Sequence[Layer]) -> tuple[Location, ...]:
    """Give a package's places. Layer -1 stands for one that is not known."""
    found = []
    start = "hullmark:location:0:"
    while start + "path" in values:
        number = _number(values.get(start + "layer", ""), -1)
        digest = values.get(start + "layer_digest", "")
        layer = layers[number] if 0 <= number < len(layers) else None
        known = layer is not None and layer.digest == digest
        found.append(
            Location(
                path=values[start + "path"],
                layer=number if known else -1,
                place=values.get(start + "place", ""),
                layer_digest=digest,
                created_by=layer.created_by if known and layer else "",
                from_base=layer.from_base if known and layer else None,
                detector=values.get(start + "detector", ""),
            )
        )
        start = f"hullmark:location:{len(found)}:"
    return tuple(found)


def read_image(values: Mapping[str, str], name: str, distribution: Distribution | None) -> ReportImage:
    """Give the image that an SBOM describes; `name` is the SBOM's own, for want of a better one."""
    words = values.get("hullmark:image:platform", "").split("/")
    return ReportImage(
        name=values.get("hullmark:image:name") or name,
        source="sbom",
        digest=values.get("hullmark:image:digest", ""),
        config_digest=values.get("hullmark:image:config_digest", ""),
        platform=Platform(*words[:3]) if words[0] else Platform(),
        tags=numbered(values, "hullmark:image:tag"),
        distribution=distribution,
        release=_read(values.get("hullmark:release"), Location),
        base=_read(values.get("hullmark:base"), BaseImage) or BaseImage("none"),
    )


def read_layers(values: Mapping[str, str]) -> tuple[Layer, ...]:
    """Give the layers in their order, as far as they are described without a gap."""
    found: list[Layer] = []
    while (layer := _read(values.get(f"hullmark:layer:{len(found)}"), Layer)) is not None:
        if layer.index != len(found):
            break
        found.append(layer)
    return tuple(found)


def read_unread(values: Mapping[str, str]) -> Iterator[Unread]:
    """Give what could not be read when the SBOM was made; a damaged entry is one itself."""
    number = 0
    while (text := values.get(f"hullmark:unread:{number}")) is not None:
        unread = _read(text, Unread)
        yield unread or Unread("record", "a damaged note of something unread", place=f"unread {number}")
        number += 1


def read_distribution(values: Mapping[str, str]) -> Distribution | None:
    """Give the operating system where our own value describes it."""
    found: Distribution | None = _read(values.get("hullmark:distribution"), Distribution)
    return found


def read_count(values: Mapping[str, str], name: str) -> int:
    """Give one of the numbers."""
    return max(_number(values.get(PREFIX + name, ""), 0), 0)


def numbered(values: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Give the entries of a numbered list."""
    found: list[str] = []
    while (text := values.get(f"{name}:{len(found)}")) is not None:
        found.append(text)
    return tuple(found)


def _word(truth: bool) -> str:  # noqa: FBT001  # the value itself
    return "true" if truth else "false"


def _truth(word: str | None) -> bool | None:
    return {"true": True, "false": False}.get(word or "")


def _number(text: str, otherwise: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else otherwise


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _read(text: str | None, kind: type[Any]) -> Any:
    if not text:
        return None
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None


def image_purl(image: ReportImage) -> str:
    """Give the package URL of an image from a registry, nothing for one from elsewhere. Type definition: oci."""
    if image.source != "registry" or not image.digest:
        return ""
    name = image.name.partition("@")[0]
    head, slash, tail = name.rpartition("/")
    last, _, tag = tail.partition(":")
    path = f"{head}{slash}{last}".lower()
    first, slash, _ = path.partition("/")
    if not slash:
        path = f"docker.io/library/{path}"
    elif "." not in first and ":" not in first and first != "localhost":
        path = f"docker.io/{path}"
    qualifiers = {"arch": image.platform.architecture, "repository_url": path, "tag": tag}
    return purl("oci", last.lower(), image.digest, qualifiers=qualifiers) if last else ""


def source_info(component: Component) -> str:
    """Tell in one line where a package was found and what it was built from."""
    places = [
        f"{place.path}{f' ({place.place})' if place.place else ''} in layer {place.layer}"
        for place in component.locations
    ]
    built = f", built from {component.source} {component.source_version}".rstrip() if component.source else ""
    return f"{component.origin}: {'; '.join(places)}{built}"


def packager(vendor: str) -> tuple[str, str]:
    """Part a packager's name and address; one with an address is taken for a person, else it is an organisation."""
    found = _MAIL.fullmatch(vendor)
    return (found[1], found[2]) if found else (vendor, "")


def cpe23(component: Component) -> str:
    """Give a bare binary's CPE name as a formatted string (NIST IR 7695, section 6.2), nothing for other packages."""
    if not component.cpe:
        return ""
    vendor, colon, product = component.cpe.partition(":")
    words = [_CPE_SIGN.sub(r"\\\g<0>", word) for word in (vendor, product, component.version)]
    if not (colon and all(words) and component.cpe.isascii() and component.version.isascii()):
        return ""
    return f"cpe:2.3:a:{':'.join(words)}:*:*:*:*:*:*:*"


def read_cpe23(text: str) -> str:
    """Give `vendor:product` of a formatted string, nothing where it names none."""
    words = _CPE_PART.findall(text) if len(text) < _MAX_CPE and text.startswith("cpe:2.3:") else []
    if len(words) != 13 or {"*", "-"} & {words[3], words[4]}:
        return ""
    return ":".join(re.sub(r"\\(.)", r"\1", word) for word in words[3:5])


def one_report(report: Report | ReportSet, form: str) -> Report:
    """Give the only report of a set. An SBOM is of one image."""
    if isinstance(report, Report):
        return report
    if len(report.reports) != 1:
        raise UsageError(
            f"an SBOM is of one image, and these are {len(report.reports)}",
            hint=f"name one image for --format {form}",
        )
    return report.reports[0]


def encoded(document: dict[str, Any], form: str, field: str, start: str) -> bytes:
    """Encode a document as people read it, with its id in a field of it; the same document gives the same bytes.

    The id is made of all else that the document says, and stands behind `start`.
    """
    document[field] = start + document_id(form, msgspec.json.encode(document))
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def moment(as_of: str) -> str:
    """Give the report's time to the second, in UTC, as both formats demand it."""
    try:
        time = dt.datetime.fromisoformat(as_of)
    except ValueError:
        return as_of
    return (
        time.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if time.tzinfo
        else f"{time:%Y-%m-%dT%H:%M:%SZ}"
    )


def document_id(form: str, body: bytes) -> str:
    """Give a UUID that is the same for the same content in the same format."""
    import uuid

    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"hullmark:{form}:{hashlib.sha256(body).hexdigest()}"))


def flaw_url(finding: Finding) -> str:
    """Give the page that describes a flaw: by its id where that has one, else what its publisher links to."""
    if finding.id.startswith("CVE-"):
        return f"https://www.cve.org/CVERecord?id={_quoted(finding.id)}"
    if finding.id.startswith("GHSA-"):
        return f"https://github.com/advisories/{_quoted(finding.id)}"
    links = [reference.url for reference in finding.references if is_url(reference.url)]
    return next((link for link in links if finding.id in link), links[0] if links else "")


def _quoted(name: str) -> str:
    return name if _PLAIN_ID.fullmatch(name) else quote(name)


def flaw_links(finding: Finding) -> list[str]:
    """Give the pages that tell more of a flaw, its own first; what is no URL is left out."""
    links = [flaw_url(finding), *(b.url for b in finding.bundles), *(r.url for r in finding.references)]
    return [link for link in dict.fromkeys(links) if is_url(link)]


def is_url(text: str) -> bool:
    """Tell whether a link may stand where a format demands a URL."""
    return _URL.fullmatch(text) is not None


def parents(components: Sequence[Component]) -> Iterator[tuple[Component, Component]]:
    """Give the known edges of the dependency graph, parent and child, each once."""
    by_step: dict[tuple[str, str], Component] = {}
    for component in components:
        by_step.setdefault((component.ecosystem, f"{component.name}@{component.version}"), component)
    seen: set[tuple[str, str]] = set()
    for component in components:
        steps = [by_step.get((component.ecosystem, step)) for step in component.via]
        for parent, child in itertools.pairwise([*steps, component]):
            if parent is not None and child is not None and (parent.id, child.id) not in seen:
                seen.add((parent.id, child.id))
                yield parent, child
