"""The time that a result is made for: the only way by which time enters."""

import datetime as dt
import os

from hullmark.model.errors import UsageError


def moment(text: str = "") -> str:
    """Give the time that a report is made for: as told, else `SOURCE_DATE_EPOCH`, else the clock (RFC 3339, UTC)."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    try:
        if text:
            told = dt.datetime.fromisoformat(text)
            told = told.replace(tzinfo=told.tzinfo or dt.UTC).astimezone(dt.UTC)
        elif epoch:
            told = dt.datetime.fromtimestamp(_seconds(epoch), dt.UTC)
        else:
            told = dt.datetime.now(dt.UTC)
    except (ValueError, OverflowError, OSError) as problem:
        what = f"{text[:80]!r} is no time" if text else f"SOURCE_DATE_EPOCH={epoch[:80]!r} is no time"
        raise UsageError(
            f"{what} in the years 1 to 9999",
            hint="--as-of 2026-01-31T12:00:00Z" if text else "it is a number of seconds since 1970",
        ) from problem
    return told.isoformat(timespec="seconds").replace("+00:00", "Z")


def _seconds(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(text)
    return int(text)
