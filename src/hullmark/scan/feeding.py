"""Has the advisories that an image needs fetched while its layers are read.

As soon as a layer says which release or which ecosystem it is of, the parts of the database that speak for it are looked
for. Those that are missing or stale are fetched by a process of its own (`advisories/fetching.py`). In the end a scan
waits for what it lacks, for a bounded time, never for what is merely stale, and never for what it does not need.
"""

import contextlib
import datetime as dt
import hashlib
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from hullmark.advisories.database import Current, age_s, failed_lately, load_current, meet, note_failure
from hullmark.advisories.origins import Makers
from hullmark.model.errors import FeedError
from hullmark.model.facts import SYSTEM, ContentSet, Distribution, FileFacts, Package
from hullmark.scan.catalogue import Catalogue
from hullmark.scan.matching import REPOSITORIES
from hullmark.scan.request import Feeds, ScanRequest

if TYPE_CHECKING:
    from hullmark.advisories.fetching import News

NOTES = ("eol", "epss", "kev")
"""Small parts that are joined when a report is made. NVD's and the CVE List's are large, and fetched when told to."""
_TRIED_S = 300.0
"""For how long what could not be had is not asked for again."""
_SURROUNDINGS = ("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_DIR", "SSL_CERT_FILE")
"""Variables that decide whether a host can be reached, large or small."""
_OFTEN_OWNED = "generic"
"""Well-known programs mostly turn out to be an OS package's, and what is said of them comes in one huge archive."""


class _Failure(Struct, frozen=True):
    """Why a part could not be had, what can be done about it, and `way`, what the request depended on.

    Who asks another way, since the advice was followed, need not wait until this is forgotten.
    """

    way: str
    reason: str
    hint: str = ""


class Feeding:
    """The advisories of one scan."""

    def __init__(self, request: ScanRequest, feeds: Feeds, folder: Path, catalogue: Catalogue) -> None:
        self._request = request
        self._feeds = feeds
        self._folder = folder
        self._catalogue = catalogue
        self._ecosystems: set[str] = set()
        self._distribution: tuple[int, Distribution] | None = None
        self._asked: set[str] = set()
        self._groups: dict[str, str] = {}
        """Of each part that is being fetched the group that it is in."""
        self._settled: set[str] = set()
        """The parts that were asked for, and are here now or could not be had."""
        self._refused = False
        self._failed: dict[str, _Failure] = {}
        """Why a part could not be had, now or lately."""
        self._order = _order(folder, request, feeds)
        self._way = _way(self._order)
        self._fetchers: list[_Fetcher] = []

    # what is needed

    def saw(self, layer: int, files: dict[str, tuple[FileFacts, ...]]) -> None:
        """Take in what a layer says, and ask for what that needs."""
        before = (len(self._ecosystems), self._distribution)
        for found in files.values():
            for entry in found:
                for fact in entry.facts:
                    if isinstance(fact, Package):
                        self._ecosystems.add(fact.ecosystem)
                    elif isinstance(fact, ContentSet):
                        self._ask([REPOSITORIES])
                    elif isinstance(fact, Distribution) and (
                        self._distribution is None or layer >= self._distribution[0]
                    ):
                        self._distribution = (layer, fact)
        self._hear(0.0)
        if before == (len(self._ecosystems), self._distribution):
            return
        distribution = self._distribution[1] if self._distribution is not None else None
        needed: list[str] = []
        for ecosystem in sorted(self._ecosystems - {_OFTEN_OWNED}):
            if ecosystem not in SYSTEM or distribution is not None:
                needed += self._parts(ecosystem, distribution)
        self._ask([*needed, *NOTES] if needed else [])

    def settle(
        self,
        packages: Iterable[Package],
        distribution: Distribution | None,
        *,
        notes: tuple[str, ...] = (),
    ) -> None:
        """Wait for what the packages of the image need and the database lacks, further `notes` among it."""
        known = tuple(packages)
        makers = Makers(distribution, known)
        asked = {(package.ecosystem, makers.origin(package)) for package in known}
        needed = [*NOTES, *notes] if known else []
        for ecosystem, origin in sorted(asked):
            needed += self._parts(ecosystem, makers.speaker(origin))
        self._meet(needed)
        self._ask(needed)
        end = time.monotonic() + self._feeds.timeout_s
        missing = set(needed) if self._feeds.revision else self._missing(needed)
        while lacking := {part for part in missing if part in self._groups and part not in self._settled}:
            left = end - time.monotonic()
            if left <= 0 or not any(fetcher.running for fetcher in self._fetchers):
                break
            self._hear(min(left, 1.0))
        self._say(needed, timed_out=bool(lacking) and time.monotonic() >= end)
        if self._feeds.revision and (lacking or self._refused):
            raise FeedError(
                f"the database {self._feeds.revision} could not be had",
                where=self._feeds.published,
                hint="without --db-revision the newest one there is taken",
            )

    def close(self) -> None:
        """End what is still on its way; what is here already of it is gone on with the next time."""
        for fetcher in self._fetchers:
            fetcher.close()

    def _parts(self, ecosystem: str, distribution: Distribution | None) -> list[str]:
        """Give the parts that make the packages of an ecosystem checked: of several publishers' the least to fetch."""
        enough = self._catalogue.cover(ecosystem, distribution).enough
        if not enough:
            return []
        there = self._current().parts
        whole = next((parts for parts in enough if all(part in there for part in parts)), None)
        if whole is not None:
            return list(whole)
        from hullmark.advisories.update import wanted  # imported where something is missing

        def cost(parts: Iterable[str]) -> tuple[bool, int]:
            groups = [each.group for each in wanted(parts)]
            shared = any("*" in pattern for group in groups for pattern in group.parts)
            return shared or not groups, sum(group.size for group in groups)

        return list(min(enough, key=cost))

    def _current(self) -> Current:
        try:
            return load_current(self._folder)
        except FeedError:
            return Current()

    def _missing(self, parts: Iterable[str]) -> set[str]:
        there = self._current().parts
        return {part for part in parts if part not in there}

    # who fetches it

    def _ask(self, parts: Iterable[str]) -> None:
        """Have parts fetched that are missing or stale, each once."""
        there, now = self._current().parts, dt.datetime.fromisoformat(self._request.as_of).timestamp()
        max_age_s = self._request.max_age_h * 3600
        new = [part for part in dict.fromkeys(parts) if part not in self._asked]
        self._asked.update(new)
        due = []
        for part in new:
            if part in there and age_s(there[part], now) <= max_age_s and not self._feeds.revision:
                continue
            failure = self._failed_lately(part)
            if failure is not None:
                self._failed[part] = failure
            else:
                due.append(part)
        if not due:
            return
        from hullmark.advisories.update import wanted  # imported where something is missing

        for part in due:
            if self._feeds.published:
                self._groups[part] = self._feeds.published
            else:
                self._groups.update((part, each.name) for each in wanted([part]))
        with contextlib.suppress(OSError):
            self._fetchers.append(_Fetcher(self._order, due))

    def _failure(self, part: str, reason: str, hint: str = "") -> _Failure:
        group = self._groups.get(part, part)
        return _Failure(self._way, reason if group == part else f"{group}: {reason}", hint)

    def _failed_lately(self, part: str) -> _Failure | None:
        try:
            kept = msgspec.json.decode(failed_lately(self._folder, part, _TRIED_S), type=_Failure)
        except msgspec.DecodeError:
            return None
        return kept if kept.way == self._way else None

    def _meet(self, parts: Iterable[str]) -> None:
        meet(self._folder, sorted(self._missing(parts)))

    def _hear(self, wait_s: float) -> None:
        """Take in what the fetching processes tell, waiting for it that long at most."""
        with selectors.DefaultSelector() as selector:
            for fetcher in self._fetchers:
                if fetcher.running:
                    selector.register(fetcher.descriptor, selectors.EVENT_READ, fetcher)
            if not selector.get_map():
                return
            for key, _events in selector.select(wait_s):
                for news in key.data.read():
                    if news.done:
                        self._end(news, key.data.parts)
                    else:
                        self._request.progress(f"advisories: {news.group}", news.here, news.total)

    def _end(self, news: "News", parts: Iterable[str]) -> None:
        """Take in that a process that fetches `parts` is done with a group, and why it could not be had."""
        self._refused = self._refused or bool(news.reason)
        for part in [part for part in parts if self._groups.get(part) == news.group]:
            self._settled.add(part)
            reason = news.reason or ("it does not have that" if part in news.absent else "")
            if reason:
                self._failed[part] = self._failure(part, reason, news.hint)
                note_failure(self._folder, part, msgspec.json.encode(self._failed[part]).decode())

    def _say(self, needed: Iterable[str], *, timed_out: bool) -> None:
        """Tell why something that is needed could not be had, or not be had anew."""
        late = f"not here after {self._feeds.timeout_s:g} s (--db-fetch-timeout)"
        ended = "the process that fetches it ended early"
        missing = self._missing(needed)
        told: dict[tuple[str, str, str], list[str]] = {}
        for part in dict.fromkeys(needed):
            failure = self._failed.get(part)
            if failure is None and part in missing and part in self._groups:
                failure = self._failure(part, late if timed_out else ended)
            if failure is not None:
                what = "could not be fetched" if part in missing else "could not be refreshed"
                told.setdefault((what, failure.reason, failure.hint), []).append(part)
        for (what, reason, hint), parts in sorted(told.items()):
            again = f"hullmark db update{f' --from {self._feeds.published}' * bool(self._feeds.published)}"
            self._request.warn(f"{what}: {reason}", ", ".join(sorted(parts)), hint or again)


def _order(folder: Path, request: ScanRequest, feeds: Feeds) -> dict[str, object]:
    """Make what `advisories/fetching.py` reads as its `Order`, but for the parts, without importing all that it needs."""
    source = request.source
    return {
        "folder": str(folder.absolute()),
        "published": _absolute(feeds.published),
        "key": _absolute(feeds.key),
        "revision": feeds.revision,
        "mirror": feeds.mirror,
        "nvd_key": _absolute(feeds.nvd_key),
        "max_age_s": request.max_age_h * 3600,
        "insecure": list(source.insecure),
        "cacert": _absolute(source.cacert),
        "silence_s": source.silence_s,
    }


def _way(order: dict[str, object]) -> str:
    """Tell one way of asking from another; a hash, since a proxy's address may hold a password."""
    around = [os.environ.get(name) for each in _SURROUNDINGS for name in (each, each.lower())]
    return hashlib.sha256(msgspec.json.encode([order, around])).hexdigest()[:16]


class _Fetcher:
    """A process that fetches parts."""

    def __init__(self, order: dict[str, object], parts: Sequence[str]) -> None:
        self.parts = parts
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hullmark.advisories.fetching"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.descriptor = self._process.stdout.fileno()
        os.set_blocking(self.descriptor, False)
        self.running = True
        self._rest = b""
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(msgspec.json.encode({**order, "parts": parts}) + b"\n")
            self._process.stdin.flush()

    def read(self) -> list["News"]:
        """Give what was told since it was asked last."""
        from hullmark.advisories.fetching import News

        try:
            part = os.read(self.descriptor, 1 << 16)
        except BlockingIOError:
            return []
        if not part:
            self.running = False
            return []
        *lines, self._rest = (self._rest + part).split(b"\n")
        return [msgspec.json.decode(line, type=News) for line in lines]

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.terminate()
        self._process.wait()
        self._process.stdout.close()


def _absolute(path: str) -> str:
    """Give a file's whole path; an address stays as it is."""
    return path if not path or "://" in path else str(Path(path).absolute())
