"""Limits as settings: `NAME=NUMBER` for any bound of `ReadLimits` or `Limits`."""

from collections.abc import Sequence

import msgspec

from hullmark.detectors.detector import Limits
from hullmark.images.limits import ReadLimits
from hullmark.model.errors import UsageError


def with_limits(settings: Sequence[str]) -> tuple[ReadLimits, Limits]:
    """Give the limits with these settings applied. Raises `UsageError` for an unknown name or no positive number."""
    read, file = ReadLimits(), Limits()
    known = {name: limits for limits in (read, file) for name in limits.__struct_fields__}
    changes: dict[type, dict[str, int]] = {ReadLimits: {}, Limits: {}}
    for text in settings:
        name, _, number = text.partition("=")
        name = name.removeprefix("limits.")
        if name not in known:
            raise UsageError(f"there is no limit {name!r}", hint=f"there are {', '.join(sorted(known))}")
        if not (number.isascii() and number.isdigit()) or len(number) > 18 or not int(number):
            raise UsageError(f"limit {name} needs a number above 0, not {number!r}")
        changes[type(known[name])][name] = int(number)
    return msgspec.structs.replace(read, **changes[ReadLimits]), msgspec.structs.replace(
        file, **changes[Limits]
    )
