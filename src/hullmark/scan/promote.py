"""Promotion: an image is copied to where it is used, if every image in it may be.

The tag is resolved once; what is judged is what is copied, byte for byte, by that digest, wherever the tag points by then.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Literal

import msgspec
from msgspec import Struct

from hullmark.images import copying
from hullmark.images.copying import Copied, Node, Place, Plan
from hullmark.images.reference import Reference, parse
from hullmark.images.registry import PUSH, Registry
from hullmark.images.source import SourceOptions
from hullmark.model.errors import ExitCode, HullmarkError, ImageError, UsageError
from hullmark.model.report import Report
from hullmark.scan.request import ScanRequest
from hullmark.scan.run import run

_PREFIX = "registry:"
_ATTESTATION = "application/vnd.in-toto+json"
Verdict = Literal["allow", "deny", "incomplete"]
_WORDS: dict[int, Verdict] = {ExitCode.CLEAN: "allow", ExitCode.OVER_GATE: "deny"}


class Decision(Struct, frozen=True):
    """What is decided of one image: the code that says so (0 lets it pass, 1 denies it, 3 cannot tell), and why."""

    code: int
    reasons: tuple[str, ...] = ()


Decide = Callable[[Report], Decision]
Seal = Callable[[Place], None]
"""Puts beside the copied images what is to be there before a tag points to them."""


class Judged(Struct, frozen=True, kw_only=True):
    """One image of those that are promoted together."""

    digest: str
    platform: str = ""
    decision: Verdict
    reasons: tuple[str, ...] = ()


class Extent(Struct, frozen=True):
    """How much there is to copy, whether or not some of it is there already."""

    manifests: int
    referrers: int
    blobs: int
    bytes: int


class Promotion(Struct, frozen=True, kw_only=True, rename={"source": "from", "target": "to"}):
    """What came of a promotion.

    `digest` is that of the index, where the tag names one. `reasons` are those against the whole; each image has its own. `replaced`
    is the digest that the target's tag had before, empty where it had none or the same. `copied` is null where nothing was written.
    """

    source: str
    target: str
    digest: str
    media_type: str = ""
    decision: Verdict
    reasons: tuple[str, ...] = ()
    images: tuple[Judged, ...] = ()
    replaced: str = ""
    dry_run: bool = False
    extent: Extent | None = None
    copied: Copied | None = None

    @property
    def code(self) -> int:
        """Give the exit code."""
        codes = {"allow": ExitCode.CLEAN, "deny": ExitCode.OVER_GATE, "incomplete": ExitCode.INCOMPLETE}
        return codes[self.decision]


class Wishes(Struct, frozen=True, kw_only=True):
    """How a promotion is to be made."""

    dry_run: bool = False
    overwrite: bool = True
    with_referrers: bool = True


def promote(
    source: str,
    target: str,
    request: ScanRequest,
    decide: Decide,
    wishes: Wishes,
    seal: Seal | None = None,
) -> Promotion:
    """Scan each image below a reference, and copy all of it to another if `decide` lets each pass.

    `seal` is called when all is copied and no tag points to it yet.

    Nothing is written to the target before that. `request` says how to scan and how to reach both registries; a user and password in it
    are the target's only where that is the same host. Raises `UsageError` for references that make no sense, and `ImageError`
    where the source cannot be read or the target not be written; its tag then is where it was.
    """
    here, there = _named(source), _named(target)
    if there.digest:
        raise UsageError("an image is promoted to a tag, not to a digest", where=target)
    if (here.host, here.repository, here.tag) == (there.host, there.repository, there.tag) and here.tag:
        raise UsageError("an image is promoted to another name", where=target)
    with _place(here, request.source) as origin, _place(there, _options_at(there, here, request)) as goal:
        digest = here.digest or origin.registry.resolve(here)
        if not digest:
            raise ImageError(f"{here.host}/{here.repository} has no tag {here.tag}", where=source)
        found = Promotion(source=_full(here, digest), target=str(there), digest=digest, decision="allow")
        taken = _taken(goal, digest)
        if taken and not wishes.overwrite:
            return _refused(found, taken)
        planned = _planned(origin, digest, wishes)
        judged = tuple(_judged(each, here, request, decide) for each in images_of(planned))
        found = msgspec.structs.replace(
            found,
            media_type=planned.root.media_type,
            decision=_worst(judged),
            images=judged,
            replaced=taken,
            dry_run=wishes.dry_run,
            extent=_extent(planned),
        )
        if found.decision != "allow" or wishes.dry_run:
            return found
        copied = copying.copy(planned, origin, goal, request.progress)
        taken = _taken(goal, digest)
        if taken and not wishes.overwrite:
            return msgspec.structs.replace(_refused(found, taken), copied=copied)
        if seal is not None:
            seal(goal)
        copying.point(goal, there.tag, planned.root)
        return msgspec.structs.replace(found, replaced=taken, copied=copied)


def images_of(planned: Plan) -> list[Node]:
    """Give the manifests that somebody could run: all but indexes and the attestations that builders put beside images.

    Whatever an index says of its entries: what is not scanned must be nothing else. Raises `ImageError` where there is none.
    """
    found = [node for node in planned.nodes if not node.is_index and not _is_attestation(node)]
    if not found:
        raise ImageError(f"{planned.root.digest} has no image in it")
    return found


def _is_attestation(node: Node) -> bool:
    """Tell whether a manifest holds nothing but statements (BuildKit's `attestation-storage.md`)."""
    layers = node.blobs[1:]
    return bool(layers) and all(layer.media_type == _ATTESTATION for layer in layers)


def _judged(node: Node, reference: Reference, request: ScanRequest, decide: Decide) -> Judged:
    """Scan one image by its digest; that it cannot be scanned is a decision too."""
    digest = node.document.digest
    by_digest = msgspec.structs.replace(
        request,
        reference=f"{_PREFIX}{_full(reference, digest)}",
        source=msgspec.structs.replace(request.source, platform=None),
    )
    try:
        report = run(by_digest)
        decided = decide(report)
    except UsageError:
        raise
    except HullmarkError as problem:
        return Judged(digest=digest, decision="incomplete", reasons=(str(problem),))
    platform = str(report.image.platform) if report.image is not None else ""
    return Judged(
        digest=digest,
        platform=platform,
        decision=_WORDS.get(decided.code, "incomplete"),
        reasons=decided.reasons,
    )


def _worst(judged: tuple[Judged, ...]) -> Verdict:
    decisions = {each.decision for each in judged}
    order: tuple[Verdict, ...] = ("deny", "incomplete")
    return next((each for each in order if each in decisions), "allow")


def _refused(found: Promotion, taken: str) -> Promotion:
    reason = f"{found.target} is there already and points to {taken}"
    return msgspec.structs.replace(found, decision="deny", reasons=(reason,))


def _planned(origin: Place, digest: str, wishes: Wishes) -> Plan:
    if not wishes.with_referrers:
        return copying.plan(origin, digest, with_referrers=False)
    try:
        return copying.plan(origin, digest)
    except ImageError as problem:
        hint = problem.hint or "--no-referrers leaves what refers to the image"
        raise ImageError(problem.what, where=problem.where, hint=hint) from problem


def _taken(goal: Place, digest: str) -> str:
    """Give what the target's tag points to now, empty where that is nothing or what it is to point to."""
    there = goal.registry.resolve(goal.reference, actions=PUSH)
    return "" if there == digest else there


def _extent(planned: Plan) -> Extent:
    blobs = planned.blobs
    referring = len(planned.referrers) + len(planned.tagged)
    return Extent(len(planned.nodes), referring, len(blobs), sum(blob.size for blob in blobs))


def _named(text: str) -> Reference:
    return parse(text.removeprefix(_PREFIX))


def _full(reference: Reference, digest: str) -> str:
    return str(msgspec.structs.replace(reference, digest=digest))


def _options_at(there: Reference, here: Reference, request: ScanRequest) -> SourceOptions:
    """Give how to reach the target: a password for one host is never sent to another."""
    if there.host == here.host:
        return request.source
    return msgspec.structs.replace(request.source, username="", password="")


@contextlib.contextmanager
def _place(reference: Reference, options: SourceOptions) -> Iterator[Place]:
    with contextlib.closing(Registry(reference, options)) as registry:
        yield Place(registry, reference)
