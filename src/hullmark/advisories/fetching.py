"""A process that fetches parts for a scan: `python -m hullmark.advisories.fetching`.

A scan forks to read layers, so it must not have threads of its own (docs/adr/0002-layers-are-read-in-processes.md);
and what takes the time here is a processor's work as well. Standard input has an `Order` and stays open: when it
ends, whoever asked is gone and so is this. Standard output has `News`, one JSON object a line.
"""

import contextlib
import os
import select
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
from msgspec import Struct

from hullmark.advisories.shelves import pull_from
from hullmark.advisories.update import Settings, Wanted, update, wanted
from hullmark.images.source import SourceOptions
from hullmark.model.errors import HullmarkError

_AT_A_TIME = 4
_TOLD_EVERY_S = 0.2
_ORDER_BYTES = 1024 * 1024


class Order(Struct, frozen=True, kw_only=True):
    """What is to be fetched, into which folder, and how feeds are reached (the words of `Settings`)."""

    folder: str
    parts: tuple[str, ...]
    published: str = ""
    key: str = ""
    revision: str = ""
    mirror: str = ""
    nvd_key: str = ""
    max_age_s: float = 0.0
    insecure: tuple[str, ...] = ()
    cacert: str = ""
    silence_s: float = 60.0


class News(Struct, frozen=True, omit_defaults=True):
    """Bytes of a group that are here, or, when it is `done`, why it could not be had, or which parts are not in it.

    `hint` says what can be done about the reason.
    """

    group: str
    here: int = 0
    total: int = 0
    done: bool = False
    reason: str = ""
    absent: tuple[str, ...] = ()
    hint: str = ""


class _Teller:
    """Writes news; those of progress only now and then, and never so that somebody must wait for their being read."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()
        self._told: dict[str, float] = {}
        os.set_blocking(descriptor, False)

    def progress(self, group: str, here: int, total: int) -> None:
        now = time.monotonic()
        with self._lock:
            if now - self._told.get(group, 0.0) < _TOLD_EVERY_S:
                return
            self._told[group] = now
            with contextlib.suppress(BlockingIOError):
                os.write(self._descriptor, _line(News(group, here, total)))

    def done(self, group: str, reason: str, hint: str, absent: tuple[str, ...] = ()) -> None:
        rest = _line(News(group, done=True, reason=reason[:1000], absent=absent, hint=hint[:1000]))
        with self._lock:
            while rest:
                select.select([], [self._descriptor], [])
                with contextlib.suppress(BlockingIOError):
                    rest = rest[os.write(self._descriptor, rest) :]


def _line(news: News) -> bytes:
    return msgspec.json.encode(news) + b"\n"


def main() -> None:
    """Do what the order says."""
    order = msgspec.json.decode(sys.stdin.buffer.readline(_ORDER_BYTES), type=Order)
    threading.Thread(target=_leave_with_the_asker, daemon=True).start()
    teller = _Teller(sys.stdout.fileno())
    options = SourceOptions(insecure=order.insecure, cacert=order.cacert, silence_s=order.silence_s)
    if order.published:
        _pull(order, options, teller)
        return
    settings = Settings(
        options=options, mirror=order.mirror, max_age_s=order.max_age_s, keys={"nvd": order.nvd_key}
    )

    def one(each: Wanted) -> None:
        outcome = update(Path(order.folder), each, settings, teller.progress)
        reason = outcome.reason or "; ".join(outcome.kept.values())
        teller.done(each.name, reason, outcome.hint)

    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        list(pool.map(one, wanted(order.parts)))


def _pull(order: Order, options: SourceOptions, teller: _Teller) -> None:
    """Take the parts from a published database: they are one group, named by its address."""
    reason = hint = ""
    absent: tuple[str, ...] = ()
    try:
        absent = pull_from(
            order.published,
            options,
            Path(order.folder),
            order.parts,
            key=order.key,
            revision=order.revision,
            moved=lambda _part, here, total: teller.progress(order.published, here, total),
        ).absent
    except HullmarkError as problem:
        reason = f"{problem.where}: {problem.what}" if problem.where else problem.what
        hint = problem.hint
    teller.done(order.published, reason, hint, absent)


def _leave_with_the_asker() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
