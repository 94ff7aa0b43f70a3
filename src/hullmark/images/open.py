"""Chooses the source for a reference: by its prefix, else by what it looks like."""

import functools
import importlib
import pkgutil

from hullmark.images import sources
from hullmark.images.source import OpenedImage, Source, SourceOptions
from hullmark.model.errors import UsageError
from hullmark.model.image import Platform


@functools.cache
def all_sources() -> tuple[Source, ...]:
    """Give every kind of source, in the order in which they are asked."""
    found = [
        importlib.import_module(f"{sources.__name__}.{module.name}").SOURCE
        for module in pkgutil.iter_modules(sources.__path__)
        if not module.name.startswith("_")
    ]
    return tuple(sorted(found, key=lambda source: source.rank))


def open_image(reference: str, options: SourceOptions) -> OpenedImage:
    """Open the image that a reference names. Raises `ImageError` or `UsageError`."""
    prefix, colon, rest = reference.partition(":")
    if colon:
        for source in all_sources():
            if prefix in source.prefixes:
                if not rest:
                    raise UsageError(f"nothing stands after {prefix}:", where=reference)
                return source.open(rest, options)
    for source in all_sources():
        if source.guess(reference):
            return source.open(reference, options)
    raise UsageError("neither a file, a folder nor an image reference", where=reference)


def offered_platforms(reference: str, options: SourceOptions) -> tuple[Platform, ...]:
    """Give every platform that a reference offers; none where it is a single image."""
    prefix, colon, rest = reference.partition(":")
    for source in all_sources():
        chosen = bool(colon) and prefix in source.prefixes
        if chosen or (
            not any(prefix in other.prefixes for other in all_sources()) and source.guess(reference)
        ):
            return (
                source.platforms(rest if chosen else reference, options)
                if source.platforms is not None
                else ()
            )
    return ()
