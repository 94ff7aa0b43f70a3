"""VEX documents that are attached to an image in a registry, or to its base: whose signature counts is applied, all others are shown as claimed.

They are looked for where `storing` finds attestations, and in the index that names the image, where BuildKit keeps what it attests. Predicates:
OpenVEX (`https://openvex.dev/ns`) and CycloneDX (`https://cyclonedx.org/bom`, of which the vulnerabilities with an analysis are statements).
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import get_args

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
from hullmark.model.report import BaseImage, ReportImage, Suppression, VexStatus
from hullmark.scan.attest import storing
from hullmark.scan.attest.checking import Attestation, Candidate, Demand, check, claimed
from hullmark.scan.attest.keys import Verifier
from hullmark.scan.attest.predicates import CYCLONEDX, OPENVEX, is_of
from hullmark.scan.attest.targets import Place, at, registry_reference

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
    image: ReportImage, keys: Sequence[Verifier], options: SourceOptions, warn: Warn, name: str = ""
) -> tuple[Suppression, ...]:
    """Give what the VEX documents say that are attached to an image, the index that names it, or its base where it is proven which that is.

    `name` is what the image was asked for by, where the image was scanned by another. What none of the keys signed of just that digest has the state
    `claimed`, and nothing comes of it. A registry that cannot be asked is warned of: without its documents nothing is taken out.
    """
    reading = _Reading(image, keys, options, warn)
    if image.source == "registry":
        reading.look(parse((name or image.name).removeprefix("registry:")), image.digest)
    based = _base(image.base)
    if based is not None:
        reading.look(*based, of_base=True)
    return (*reading.applied, *reading.claims)


def _base(base: BaseImage) -> tuple[Reference, str] | None:
    """Give where the base is, and its digest; None where it is not proven, or not by its digest: its tag may be another image's by now."""
    if base.evidence not in {"label", "option"} or not base.name:
        return None
    try:
        reference = parse(base.name) if base.evidence == "label" else registry_reference(base.name)
    except HullmarkError:
        return None
    digest = base.digest or (reference.digest if reference is not None else "")
    if reference is None or not DIGEST.fullmatch(digest):
        return None
    return replace(reference, digest=digest), digest


class _Reading:
    """Looks at one image after the other: the image, then its base."""

    def __init__(
        self, image: ReportImage, keys: Sequence[Verifier], options: SourceOptions, warn: Warn
    ) -> None:
        self.applied: list[Suppression] = []
        self.claims: list[Suppression] = []
        self._image = image
        self._keys = keys
        self._options = options
        self._warn = warn
        self._warned = 0
        self._left = _MAX_CLAIMED_BYTES
        self._seen: set[tuple[bool, str, bytes]] = set()

    def look(self, reference: Reference, digest: str, *, of_base: bool = False) -> None:
        """Take in all that is attached to an image."""
        try:
            with at(reference, self._options) as place:
                for subject, candidates in self._subjects(place, digest, of_base=of_base):
                    demand = Demand(keys=self._keys, digests=(subject,), types=_TYPES, as_of=_NO_TIME)
                    for candidate in candidates:
                        self._take(
                            candidate, demand, str(replace(reference, digest=subject)), of_base=of_base
                        )
        except HullmarkError as problem:
            words = f"VEX documents that are attached cannot be looked for: {problem.what}"
            self._say(words, problem.where or reference.text, problem.hint)

    def _subjects(
        self, place: Place, digest: str, *, of_base: bool
    ) -> Iterator[tuple[str, Iterator[Candidate]]]:
        """Give the image and the index that names it, each with what may be said of it."""
        registry, reference = place.registry, place.reference
        root = registry.manifest(reference)
        index = _oci.decode(root.body, reference.text)
        if of_base:
            limits = registry.options.limits
            _, digest = _oci.choose(
                index,
                root.digest,
                self._image.platform,
                lambda each: registry.manifest(reference, each.digest).body,
                limits,
                reference.text,
            )
        yield digest, storing.found(registry, reference, digest)
        listed = index.manifests or ()
        if root.digest == digest or all(each.digest != digest for each in listed):
            return  # the tag names another image by now
        yield digest, storing.inside(registry, reference, listed, digest)
        yield root.digest, storing.found(registry, reference, root.digest)

    def _take(self, candidate: Candidate, demand: Demand, subject: str, *, of_base: bool) -> None:
        checked = check(candidate, demand)
        told = checked.attestation
        if candidate.problem:
            self._say(f"what is attached suppresses nothing: {candidate.problem}", candidate.place)
        elif told.verified:
            self._apply(checked.predicate, told, subject, of_base=of_base)
        elif not told.predicate_type or any(is_of(told.predicate_type, each) for each in _TYPES):
            self._claim(candidate, told)

    def _apply(self, predicate: bytes, told: Attestation, subject: str, *, of_base: bool) -> None:
        if self._is_seen(predicate, told, verified=True):
            return
        source = f"attestation {told.place} by {told.key}"
        try:
            stated = read_vex(source, predicate) if _has_statements(told.predicate_type, predicate) else None
        except UsageError as problem:
            self._say(f"suppresses nothing: {problem.what}", source)
            return
        if stated is None:
            return
        for _, what in stated.left_out:
            self._say(f"suppresses nothing: {what}", source, "the rest counts")
        self.applied += self._aimed(stated, subject, told.subject, of_base=of_base)

    def _aimed(self, stated: Stated, subject: str, digest: str, *, of_base: bool) -> Iterator[Suppression]:
        """Have what is said of the index said of the image in it, and what is said of the base of that which the base brought."""
        image = self._image
        there = replace(image, name=subject, tags=(), digest=digest, config_digest="")
        for each in stated.suppressions:
            products = tuple(image.digest if is_product(name, there) else name for name in each.products)
            layers = ("base",) if of_base else each.layers
            yield replace(each, line=0, products=tuple(dict.fromkeys(products)), layers=layers)

    def _claim(self, candidate: Candidate, told: Attestation) -> None:
        """Note what is said by who knows whom: no more than the flaws and what is claimed of them."""
        size = len(candidate.body)
        if size > self._left or len(self.claims) >= _MAX_CLAIMED:
            self._say("VEX that is only claimed is not shown: there is too much of it", candidate.place)
            return
        statement = claimed(candidate)
        if statement is None or not any(is_of(statement.predicate_type, each) for each in _TYPES):
            return
        predicate = bytes(statement.predicate)
        self._left -= size
        if self._is_seen(predicate, told, verified=False):
            return
        try:
            claims = msgspec.json.decode(predicate, type=_Claims)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
            self._say(f"VEX that is only claimed cannot be read: {problem}", candidate.place)
            return
        reason = told.reason if told.predicate_type else "it is not signed"
        source = f"attestation {candidate.place}: {reason}"
        self.claims += list(_claimed(claims, source))[: _MAX_CLAIMED - len(self.claims)]

    def _is_seen(self, predicate: bytes, told: Attestation, *, verified: bool) -> bool:
        """Tell whether the same was read already: one document may be stored in two ways."""
        mark = (verified, told.subject, hashlib.sha256(predicate).digest())
        is_seen = mark in self._seen
        self._seen.add(mark)
        return is_seen

    def _say(self, what: str, where: str, hint: str = "") -> None:
        self._warned += 1
        if self._warned <= _MAX_WARNINGS:
            self._warn(what, where, hint)


def _has_statements(predicate_type: str, predicate: bytes) -> bool:
    """Tell whether a document may say anything of flaws: most SBOMs do not."""
    return not is_of(predicate_type, CYCLONEDX) or b'"vulnerabilities"' in predicate


def _claimed(claims: _Claims, source: str) -> Iterator[Suppression]:
    for flaw, status in claims.said():
        if status in _STATUSES and not id_fault(flaw):
            yield Suppression(source=source, ids=(flaw,), status=status, state="claimed")  # type: ignore[arg-type]  # one of them
