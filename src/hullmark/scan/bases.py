"""From an image to the bases that would be better: images that this machine scanned before, and whether the application would run on them."""

from collections.abc import Iterable
from typing import Any

import msgspec

from hullmark.advice.bases import Bases, Swap, swaps
from hullmark.advice.linking import Fit, Part, fit
from hullmark.model.errors import UsageError
from hullmark.model.facts import SYSTEM
from hullmark.model.report import Report
from hullmark.scan.cache import FactCache
from hullmark.scan.linkage import Linkages
from hullmark.scan.request import ScanRequest
from hullmark.scan.run import run

_MOST_CHECKED = 5


def bases_of(request: ScanRequest) -> Bases:
    """Scan an image and compare its base with the images that are known. Raises `UsageError` where its base is not known."""
    report = run(request)
    image = report.image
    if image is None:
        raise UsageError("a list of packages has no layers", where=request.reference, hint="name the image")
    if not image.base.layers:
        hint = "--base REFERENCE names it, or scan it once: hullmark scan BASE"
        raise UsageError("its base image is not known", where=request.reference, hint=hint)
    cache = FactCache(request.cache, max_bytes=request.cache_bytes, read_only=request.cache_read_only)
    known = cache.known_images()
    found = swaps(report, known)
    fits = _fits(report, request, cache, found[:_MOST_CHECKED])
    if fits:
        found = swaps(report, known, fits)
    cache.prune_when_due()
    return Bases(
        name=image.name,
        digest=image.digest,
        as_of=report.as_of,
        base=image.base.name,
        evidence=image.base.evidence,
        now=found[0].now if found else None,
        known=sum(each.platform == image.platform and each.digest != image.digest for each in known),
        swaps=tuple(found),
        incomplete=report.incomplete,
    )


def _fits(report: Report, request: ScanRequest, cache: FactCache, found: Iterable[Swap]) -> dict[str, Fit]:
    asked = list(found)
    image = report.image
    assert image is not None
    linkages = Linkages(request, cache)
    parts = linkages.parts(request.reference, image.digest, image.base.layers) if asked else None
    if parts is None:
        return {}
    own, today = parts
    own = msgspec.structs.replace(own, packages=_own_packages(report))
    commands = [name for name in _commands(image.config) if name in today.programs or name in own.programs]
    known = {each.digest: each for each in cache.known_images() if each.platform == image.platform}
    fits: dict[str, Fit] = {}
    for swap in asked:
        request.progress("bases", len(fits), len(asked))
        base: Part | None = linkages.part(known[swap.digest]) if swap.digest in known else None
        fits[swap.digest] = fit(own, base, commands)
    return fits


def _own_packages(report: Report) -> tuple[str, ...]:
    """Give the packages of the system that the image's own layers bring: on another base they must be installed there."""
    return tuple(
        component.name
        for component in report.packages
        if component.from_base is False and component.ecosystem in SYSTEM
    )


def _commands(config: dict[str, Any]) -> list[str]:
    """Give the base names of what the configuration starts. One that is a script, or is not there, is left to `_fits` to pass by."""
    inner = config.get("config")
    if not isinstance(inner, dict):
        return []
    found = []
    for key in ("Entrypoint", "Cmd"):
        words = inner.get(key)
        if isinstance(words, list) and words and isinstance(words[0], str):
            found.append(words[0].rpartition("/")[2])
            if key == "Entrypoint":
                break  # CMD is its arguments then
    return found
