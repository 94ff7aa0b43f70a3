"""VEX documents that are attached to an image in a registry, or to its base: whose signature counts is applied, all others are shown as claimed.

They are looked for where `storing` finds attestations, and in the index that names the image, where BuildKit keeps what it attests. Predicates:
OpenVEX (`https://openvex.dev/ns`) and CycloneDX (`https://cyclonedx.org/bom`, of which the vulnerabilities with an analysis are statements).
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, get_args

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from hullmark.findings.naming import is_product
from hullmark.findings.statements import Stated, read_vex
from hullmark.findings.statements._words import id_fault
from hullmark.findings.statements.cyclonedx import STATES
from hullmark.images import _oci
from hullmark.images.reference import Reference, parse
from hullmark.images.source import SourceOptions
from hullmark.model.errors import HullmarkError, UsageError
from hullmark.model.image import DIGEST
from hullmark.model.report import ReportImage, Suppression, VexStatus
from hullmark.scan.attest import storing
from hullmark.scan.attest.checking import Attestation, Candidate, Demand, check, claimed
from hullmark.scan.attest.keys import Verifier
from hullmark.scan.attest.predicates import CYCLONEDX, OPENVEX, is_of
from hullmark.scan.attest.targets import Place, at, registry_reference
from hullmark.scan.base import labelled

Warn = Callable[[str, str, str], None]
"""Told what a person should know, of what, and what to do."""
_TYPES = (OPENVEX, CYCLONEDX)
_NO_TIME = dt.datetime.fromtimestamp(0, dt.UTC)
"""What is said of flaws is asked for no age: of one author the latest counts anyway."""
_MAX_CLAIMED_BYTES = 4 * 1024 * 1024
_MAX_CLAIMED = 1_000
"""Whoever may write to the repository claims as much as they like, and all of it would stand in the report."""
_MAX_WARNINGS = 20
_STATUSES = frozenset(get_args(VexStatus))


class _Name(Struct, frozen=True):
    name: str = ""
    id: str = field(default="", name="@id")


class _Statement(Struct, frozen=True):
    status: str = ""
    vulnerability: _Name | str = ""


class _Analysis(Struct, frozen=True):
    state: str = ""


class _Flaw(Struct, frozen=True):
    id: str = ""
    analysis: _Analysis | None = None


class _Claims(Struct, frozen=True):
    """As much of a document, of either form, as is shown of one that nobody vouches for."""

    statements: list[_Statement] = []
    vulnerabilities: list[_Flaw] = []

    def said(self) -> Iterator[tuple[str, str]]:
        """Give each flaw with what is claimed of it."""
        for each in self.statements:
            flaw = each.vulnerability
            yield flaw if isinstance(flaw, str) else flaw.name or flaw.id.rpartition("/")[2], each.status
        for one in self.vulnerabilities:
            if one.analysis is not None:
                yield one.id, STATES.get(one.analysis.state, "")


def attached_vex(
    image: ReportImage,
    layers: Sequence[str],
    keys: Sequence[Verifier],
    options: SourceOptions,
    warn: Warn,
    name: str = "",
) -> tuple[Suppression, ...]:
    """Give what the VEX documents say that are attached to an image of these layers, the index that names it, or its base where it is proven which that is.

    `name` is what the image was asked for by, where the image was scanned by another. What none of the keys signed of just that digest has the state
    `claimed`, and nothing comes of it. A registry that cannot be asked is warned of: without its documents nothing is taken out.
    """
    reading = _Reading(image, layers, keys, options, warn)
    if image.source == "registry":
        reading.look(parse((name or image.name).removeprefix("registry:")))
    base = _base(image)
    if base is not None:
        reading.look(base, of_base=True)
    return (*reading.applied, *reading.claims)


def _base(image: ReportImage) -> Reference | None:
    """Give what may be the base: what --base names, else what a label names in the image's own registry; no other was given to us to talk to.

    What this machine has seen of bases is not asked: it would be other statements that count on another.
    """
    try:
        if image.base.evidence == "option":
            return registry_reference(image.base.name)
        name, digest = labelled(image.config, image.annotations)
        if image.source != "registry" or not name or not DIGEST.fullmatch(digest):
            return None
        base = parse(name)
        return replace(base, digest=digest) if base.host == parse(image.name).host else None
    except HullmarkError:
        return None


class _Subject(NamedTuple):
    """What may be spoken of, the layers that it brought to the image (none where it is the image), and what may speak of it."""

    digest: str
    layers: tuple[str, ...]
    candidates: Iterator[Candidate]


class _Reading:
    """Looks at one image after the other: the image, then its base."""

    def __init__(
        self,
        image: ReportImage,
        layers: Sequence[str],
        keys: Sequence[Verifier],
        options: SourceOptions,
        warn: Warn,
    ) -> None:
        self.applied: list[Suppression] = []
        self.claims: list[Suppression] = []
        self._image = image
        self._layers = tuple(layers)
        self._keys = keys
        self._options = options
        self._warn = warn
        self._warned = 0
        self._left = _MAX_CLAIMED_BYTES
        self._seen: set[tuple[bool, str, bytes]] = set()

    def look(self, reference: Reference, *, of_base: bool = False) -> None:
        """Take in all that is attached to the image, or to its base."""
        try:
            with at(reference, self._options) as place:
                for subject, layers, candidates in self._subjects(place, of_base=of_base):
                    there = replace(
                        self._image,
                        name=str(replace(reference, digest=subject)),
                        tags=(),
                        digest=subject,
                        config_digest="",
                    )
                    for candidate in candidates:
                        self._take(candidate, there, layers)
        except HullmarkError as problem:
            words = f"VEX documents that are attached cannot be looked for: {problem.what}"
            self._say(words, problem.where or reference.text, problem.hint)

    def _subjects(self, place: Place, *, of_base: bool) -> Iterator[_Subject]:
        """Give the image, or its base, and the index that names it, each with what may be said of it."""
        registry, reference = place.registry, place.reference
        root = registry.manifest(reference)
        index = _oci.decode(root.body, reference.text)
        digest = self._image.digest
        layers: tuple[str, ...] = ()
        if of_base:
            digest, layers = self._proven(place, index, root.digest)
            if not layers:
                return  # a claim, or built of other bytes
        yield _Subject(digest, layers, storing.found(registry, reference, digest))
        listed = index.manifests or ()
        if root.digest == digest or all(each.digest != digest for each in listed):
            return  # the tag names another image by now
        yield _Subject(digest, layers, storing.inside(registry, reference, listed, digest))
        yield _Subject(root.digest, layers, storing.found(registry, reference, root.digest))

    def _proven(self, place: Place, root: _oci.Manifest, digest: str) -> tuple[str, tuple[str, ...]]:
        """Give the digest of a base for the image's platform, and its layers; none where the image does not begin with them."""
        registry, reference = place.registry, place.reference

        def fetch(each: _oci.Descriptor) -> bytes:
            return registry.manifest(reference, each.digest).body

        platform = self._image.platform
        chosen, digest = _oci.choose(root, digest, platform, fetch, registry.options.limits, reference.text)
        layers = tuple(each.digest for each in chosen.layers or ())
        return digest, layers if self._layers[: len(layers)] == layers else ()

    def _take(self, candidate: Candidate, there: ReportImage, layers: tuple[str, ...]) -> None:
        demand = Demand(keys=self._keys, digests=(there.digest,), types=_TYPES, as_of=_NO_TIME)
        checked = check(candidate, demand)
        told = checked.attestation
        if candidate.problem:
            self._say(f"what is attached suppresses nothing: {candidate.problem}", candidate.place)
        elif told.verified:
            self._apply(checked.predicate, told, there, layers)
        elif not told.predicate_type or _is_vex(told.predicate_type):
            self._claim(candidate, told)

    def _apply(
        self, predicate: bytes, told: Attestation, there: ReportImage, layers: tuple[str, ...]
    ) -> None:
        if not _has_statements(told.predicate_type, predicate) or self._is_seen(predicate, told):
            return
        source = f"attestation {told.place} by {told.key}"
        try:
            stated = read_vex(source, predicate)
        except UsageError as problem:
            self._say(f"suppresses nothing: {problem.what}", source)
            return
        for _, what in stated.left_out:
            self._say(f"suppresses nothing: {what}", source, "the rest counts")
        self.applied += self._aimed(stated, there, layers)

    def _aimed(self, stated: Stated, there: ReportImage, layers: tuple[str, ...]) -> Iterator[Suppression]:
        """Have what is said of the index said of the image in it, and what is said of the base of the layers that it brought."""
        for each in stated.suppressions:
            products = (
                self._image.digest if is_product(product, there) else product for product in each.products
            )
            yield replace(each, line=0, products=tuple(dict.fromkeys(products)), layers=layers)

    def _claim(self, candidate: Candidate, told: Attestation) -> None:
        """Note what is said by who knows whom: no more than the flaws and what is claimed of them."""
        size = len(candidate.body)
        if size > self._left or len(self.claims) >= _MAX_CLAIMED:
            self._say("VEX that is only claimed is not shown: there is too much of it", candidate.place)
            return
        statement = claimed(candidate)
        if statement is None or not _is_vex(statement.predicate_type):
            return
        predicate = bytes(statement.predicate)
        self._left -= size
        if self._is_seen(predicate, told):
            return
        try:
            claims = msgspec.json.decode(predicate, type=_Claims)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
            self._say(f"VEX that is only claimed cannot be read: {problem}", candidate.place)
            return
        reason = told.reason if told.predicate_type else "it is not signed"
        source = f"attestation {candidate.place}: {reason}"
        self.claims += list(_claimed(claims, source))[: _MAX_CLAIMED - len(self.claims)]

    def _is_seen(self, predicate: bytes, told: Attestation) -> bool:
        """Tell whether the same was read already: one document may be stored in two ways."""
        mark = (told.verified, told.subject, hashlib.sha256(predicate).digest())
        is_seen = mark in self._seen
        self._seen.add(mark)
        return is_seen

    def _say(self, what: str, where: str, hint: str = "") -> None:
        self._warned += 1
        if self._warned <= _MAX_WARNINGS:
            self._warn(what, where, hint)


def _is_vex(predicate_type: str) -> bool:
    return any(is_of(predicate_type, each) for each in _TYPES)


def _has_statements(predicate_type: str, predicate: bytes) -> bool:
    """Tell whether a document may say anything of flaws: most SBOMs do not."""
    return not is_of(predicate_type, CYCLONEDX) or b'"vulnerabilities"' in predicate


def _claimed(claims: _Claims, source: str) -> Iterator[Suppression]:
    for flaw, status in claims.said():
        if status in _STATUSES and not id_fault(flaw):
            yield Suppression(source=source, ids=(flaw,), status=status, state="claimed")  # type: ignore[arg-type]  # one of them
