"""Chooses the source for a reference: by its prefix, else by what it looks like (docs/adr/0009)."""

import functools
import importlib
import re
from collections.abc import Iterator

from hullmark.images import sources
from hullmark.images.source import OpenedImage, Source, SourceOptions
from hullmark.model.errors import UsageError
from hullmark.model.image import Platform
from hullmark.modules import names_in

_PREFIX = re.compile(r"[a-z][a-z-]*")
_VERSION = re.compile(r"\d[\w.-]*(?:@[a-z0-9]+:[0-9a-f]+)?", re.ASCII)
_SCHEMES = frozenset(("docker", "http", "https", "registry"))
"""What stands before `//` where other tools and browsers name an image in a registry."""
_FIRST = ("layout", "archive", "directory")
"""What is on this machine is asked first, and nothing else imported when it answers."""


@functools.cache
def _names() -> tuple[str, ...]:
    return (*_FIRST, *(name for name in names_in(sources.__path__) if name not in _FIRST))


def _load(name: str) -> Source:
    source: Source = importlib.import_module(f"{sources.__name__}.{name}").SOURCE
    return source


def _others() -> list[Source]:
    """Give the sources beyond this machine's files, in the order of their rank."""
    return sorted((_load(name) for name in _names()[len(_FIRST) :]), key=lambda source: source.rank)


def all_sources() -> Iterator[Source]:
    """Give every kind of source in the order in which they are asked, each imported when its turn comes."""
    yield from map(_load, _FIRST)
    yield from _others()


def choose(reference: str) -> tuple[Source, str]:
    """Give the source for a reference and the reference without prefix. Raises `UsageError` when none fits."""
    if not reference.strip():  # as a path it would be the working folder
        raise UsageError("an image reference is empty", hint="is a variable of the shell not set?")
    prefix, colon, rest = reference.partition(":")
    if colon and _PREFIX.fullmatch(prefix):
        if rest.startswith("//") and prefix in _SCHEMES:
            raise UsageError(
                f"no image reference begins with {prefix}://",
                where=reference,
                hint=f"registry:{rest.lstrip('/')} is an image in a registry",
            )
        for source in all_sources():
            if prefix not in source.prefixes:
                continue
            if not rest:
                raise UsageError(f"nothing stands after {prefix}:", where=reference)
            # No image is called `2`, so `registry:2` and `docker:27@sha256:…` are images of those names.
            if source.by_name and _VERSION.fullmatch(rest):
                break
            return source, rest
    for source in all_sources():
        if source.guess(reference):
            return source, reference
    hint = "a prefix says what it is: docker-archive:FILE, dir:FOLDER, registry:NAME"
    if near := _nearest(prefix) if colon else "":
        hint = f"{near}: is the nearest prefix; {hint}"
    raise UsageError("neither a file, a folder nor an image reference", where=reference, hint=hint)


def _nearest(word: str) -> str:
    import difflib  # for those who misspell only

    known = [prefix for source in all_sources() for prefix in source.prefixes]
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.8)
    return "" if word in known else "".join(near)


def open_image(reference: str, options: SourceOptions) -> OpenedImage:
    """Open the image that a reference names. Raises `ImageError` or `UsageError`."""
    source, rest = choose(reference)
    return source.open(rest, options)


def offered_platforms(reference: str, options: SourceOptions) -> tuple[Platform, ...]:
    """Give every platform that a reference offers; none where it is a single image."""
    source, rest = choose(reference)
    return source.platforms(rest, options) if source.platforms is not None else ()
