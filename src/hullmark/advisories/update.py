"""Keeps the database fresh: asks the publishers what changed, fetches that, and builds the parts that it concerns.

    fetched/<feed>-<group>.json      what the servers said of the files that the group's parts were made of
    incoming/                        files on their way (see `fetch.py`)
    met/<part>                       the parts that a scan on this machine has ever wanted

A group of files is the unit: one process at a time sees to it (the kernel lets go of a dead one's lock), others wait for
it and then find that there is nothing left to do. Its parts appear by the rename of `current.json`, whole or not at all.
"""

import contextlib
import email.utils
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple, Self
from urllib.parse import quote

import msgspec
from msgspec import Struct

from hullmark.advisories.build import Built, build_group, change_group, confirm, parts_here
from hullmark.advisories.database import PartInfo, age_s, changing, load_current, written
from hullmark.advisories.feed import Changes, Feed, Group, Source, moment, stamp
from hullmark.advisories.fetch import Fetched, Fetcher, Heard, RefusedError, Validators
from hullmark.advisories.registry import feeds, schemes
from hullmark.images import wire
from hullmark.images.source import SourceOptions
from hullmark.model.errors import FeedError
from hullmark.model.facts import Unread

MAX_CHANGED = 3000
"""With more changed documents than this the whole archive is quicker."""
_DOCUMENTS_AT_A_TIME = 8
_MOST_PAGES = 1000
_MOST_CHANGED_PAGES = 20
_PAGES_KEPT_S = 24 * 3600.0
_REFUSALS = 4
_KEY_BYTES = 1024
_ARCHIVE_MARGIN_S = 3600.0
_POINTER_BYTES = 16 * 1024 * 1024
_MOVED = "its publisher may have moved it: a later version may know where, and --db-mirror asks another place"

Told = Callable[[str, int, int], None]
"""Told a group's name, the bytes that are here, and how many there will be (0 where that is not known)."""


class Settings(Struct, frozen=True, kw_only=True):
    """How feeds are reached. `mirror` is the address of a folder laid out as a mirror, asked in place of the publishers.

    `max_age_s` is the age up to which a part need not be asked for. `accept_loss` takes content that lost much. `keys` has
    for a feed the file with the key that its publisher gave. `heard` is what is known of hosts from groups before.
    """

    options: SourceOptions = SourceOptions()
    mirror: str = ""
    max_age_s: float = 0.0
    accept_loss: bool = False
    whole: bool = False
    keys: dict[str, str] = {}
    heard: Heard = msgspec.field(default_factory=Heard)


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of one group: its parts, what could not be used, and why it was not updated.

    Where it `failed`, `parts` are those that stay as they were; `kept` has them with the reason where others were updated.
    It is `absent` where a mirror has no file of it, and nor is anything of it here.
    """

    feed: str
    group: str
    state: Literal["updated", "unchanged", "recent", "kept", "absent", "failed"]
    parts: tuple[str, ...] = ()
    reason: str = ""
    hint: str = ""
    kept: dict[str, str] = {}
    unread: int = 0
    first_unread: Unread | None = None


class _File(Struct, frozen=True, omit_defaults=True):
    url: str
    validators: Validators = Validators()


class _Known(Struct, omit_defaults=True):
    """What `fetched/…json` says. `reader` is made of all that shapes what becomes of the same files."""

    reader: str = ""
    since: dict[str, str] = {}
    files: dict[str, _File] = {}


class Wanted(NamedTuple):
    """A group of files of a feed."""

    feed: Feed
    group: Group

    @property
    def name(self) -> str:
        """Give it as it is shown, and named in the folder."""
        own = self.group.name
        return own if own.startswith(self.feed.name) else f"{self.feed.name}-{own}"


def wanted(parts: Iterable[str], known: Iterable[Feed] | None = None) -> list[Wanted]:
    """Find the groups that parts are made of; a part that nobody publishes is left out."""
    found: dict[str, Wanted] = {}
    asked = tuple(feeds() if known is None else known)
    for part in parts:
        for feed in asked:
            group = feed.group(part)
            if group is not None:
                each = Wanted(feed, group)
                found.setdefault(each.name, each)
    return list(found.values())


def everything(known: Iterable[Feed] | None = None) -> list[Wanted]:
    """Give every group that there is."""
    asked = tuple(feeds() if known is None else known)
    return [each for feed in asked for each in wanted(feed.all_parts, (feed,))]


def met(folder: Path) -> set[str]:
    """Give the parts that this machine has, or that a scan on it has ever wanted."""
    parts = set(load_current(folder).parts)
    with contextlib.suppress(OSError):
        parts |= {path.name for path in (folder / "met").iterdir()}
    return parts


def update(
    folder: Path, each: Wanted, settings: Settings, told: Told = lambda _name, _here, _all: None
) -> Outcome:
    """Bring one group up to date. Never raises for what is wrong with it: that is in the outcome."""
    feed, absent = each.feed, False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # A whole build of the feed from a folder holds its lock alone, groups of it share it.
        with changing(folder, f"lock-{feed.name}", shared=True), changing(folder, f"lock-group-{each.name}"):
            if settings.max_age_s and _is_recent(folder, each, settings.max_age_s):
                return Outcome(feed=feed.name, group=each.name, state="recent")
            with _Updating(folder, each, settings, told) as updating:
                return updating.run()
    except FeedError as problem:
        absent = isinstance(problem, _AbsentError)
        where = f"{problem.where}: " if problem.where else ""
        reason, hint = f"{where}{problem.what}", problem.hint
    except OSError as problem:
        reason, hint = str(problem), ""
    kept = _kept(folder, each)
    return Outcome(
        feed=feed.name,
        group=each.name,
        state="absent" if absent and not kept else "failed",
        parts=kept,
        reason=reason,
        hint=hint,
    )


class _AbsentError(FeedError):
    """Nothing that a group is made of is there."""


def _kept(folder: Path, each: Wanted) -> tuple[str, ...]:
    """Name the parts that a group has here, as far as that can be told."""
    try:
        return tuple(sorted(parts_here(folder, each.feed, each.group)))
    except FeedError:
        return ()


def _is_recent(folder: Path, each: Wanted, max_age_s: float) -> bool:
    """Tell whether all parts that the group has here were asked for lately, as by whoever held the lock before."""
    parts = parts_here(folder, each.feed, each.group).values()
    now = time.time()
    return bool(parts) and all(info.checked and age_s(info, now) < max_age_s for info in parts)


class _Updating:
    """One group while it is updated; its files are in a folder of its own, which goes away."""

    def __init__(self, folder: Path, each: Wanted, settings: Settings, told: Told) -> None:
        self.folder = folder
        self.feed, self.group = each
        self.name = each.name
        self.settings = settings
        self.told = told
        self.state = folder / "fetched" / f"{each.name}.json"
        self.mirror = folder / "incoming" / f"{each.name}.files"
        self.pages = folder / "incoming" / f"{each.name}.pages"
        self.fetcher = Fetcher(folder / "incoming", settings.options, heard=settings.heard)
        self.free_at = 0.0  # when an interface may be asked again
        self.checked = written(time.time())

    def __enter__(self) -> Self:
        shutil.rmtree(self.mirror, ignore_errors=True)
        self.mirror.mkdir(parents=True, exist_ok=True)
        _sweep(self.folder / "incoming")
        return self

    def __exit__(self, *_problem: object) -> None:
        self.fetcher.close()
        shutil.rmtree(self.mirror, ignore_errors=True)

    def run(self) -> Outcome:
        known = self._load()
        reader = f"{self.feed.version}/{max(scheme.revision for scheme in schemes().values())}"
        if known.reader != reader or not parts_here(self.folder, self.feed, self.group):
            known = _Known()
        outcome = self._by_any(known, reader)
        shutil.rmtree(self.pages, ignore_errors=True)
        return outcome

    def _by_any(self, known: _Known, reader: str) -> Outcome:
        """Fetch by the first of the ways that the publisher does not refuse."""
        ways = [self.group]
        while (other := ways[-1].otherwise) is not None:
            ways.append(other)
        lists = [_lists(group) for group in ways]
        first = ""
        for group in ways:
            self.group = group
            try:
                return self._by_group(known, lists, reader)
            except FeedError as problem:
                if (
                    isinstance(problem, RefusedError)
                    and group.otherwise is not None
                    and not self.settings.mirror
                ):
                    first = first or f"before that {problem.where}: {problem.what}"
                    continue
                if not first:
                    raise
                hint = f"{problem.hint}; {first}" if problem.hint else first
                raise FeedError(problem.what, where=problem.where, hint=hint) from problem
        raise AssertionError("the last way returns or raises")

    def _by_group(self, known: _Known, lists: list[set[str]], reader: str) -> Outcome:
        """Fetch what changed, or all. `lists` are the lists of changes of this group and of the one that stands in for it."""
        mine = _lists(self.group)
        if mine and known.since and known.since.keys() in lists and not self.settings.whole:
            since = known.since
            if known.since.keys() != mine:
                since = dict.fromkeys(mine, min(since.values(), key=moment))
            outcome = self._changed(msgspec.structs.replace(known, since=since))
            if outcome is not None:
                return outcome
        return self._whole(known, _Known(reader=reader))

    # a whole build

    def _whole(self, known: _Known, fresh: _Known) -> Outcome:
        self._clear()
        newest, lists = self._newest_changes()
        found = []
        for source, pieces in self._all(known):
            if pieces[0][2].absent and not (source.optional or self.settings.mirror):
                raise RefusedError("there is no such file", where=pieces[0][1], hint=_MOVED)
            found.append((source, pieces))
        if known.files and not any(
            fetched.path is not None or (fetched.absent and file in known.files)
            for file, _url, fetched in _flat(found)
        ):
            return self._unchanged()
        times: list[float] = []
        for file, url, fetched in _flat(found):
            kept = fetched
            if fetched.path is None and not fetched.absent:
                kept = self.fetcher.fetch(url, moved=self._moved)  # the others changed: all are needed
            if kept.absent:  # a mirror has what its owner wants
                continue
            times.append(self._place(file, kept))
            fresh.files[file] = _File(url, kept.validators)
        if not fresh.files:
            raise (_AbsentError if self.settings.mirror else FeedError)(
                "none of its files is there",
                where=self._address(self.group.sources[0]),
                hint="docs/reference/mirror.md has the names of its files"
                if self.settings.mirror
                else _MOVED,
            )
        # An archive is made now and then; what changed since then is on the list.
        oldest = min(times) - _ARCHIVE_MARGIN_S
        fresh.since = {file: stamp(min(moment(time), oldest)) for file, time in newest.items()}
        settled = fresh.since == newest
        # What is here may be newer than the archive: it stays until the changes are in.
        hold = not settled and bool(parts_here(self.folder, self.feed, self.group))
        built = build_group(
            self.mirror,
            self.folder,
            self.feed,
            self.group,
            checked=self.checked,
            accept_loss=self.settings.accept_loss,
            hold=hold,
        )
        if built.failed:
            return self._outcome(built)
        if settled:
            fresh.files |= lists
        if not hold:
            self._save(fresh)
        changed = None if settled else self._changed(fresh, built.parts if hold else None)
        if changed is not None:
            return self._joined(self._outcome(built), changed)
        if hold:
            confirm(self.folder, self.feed, self.group, self.checked, built.parts)
            self._save(fresh)
        return self._outcome(built)

    def _all(self, known: _Known) -> Iterator[tuple[Source, list[tuple[str, str, Fetched]]]]:
        """Fetch all that the group is made of; the many small files that a list names several at a time."""
        from concurrent.futures import ThreadPoolExecutor

        for source in self.group.sources:
            yield source, self._get(source, known)
        for each in self.group.lists:
            url = self._address(Source(url=each.url, file=each.file))
            body = self._pointer(url)
            if body is None:
                if self.settings.mirror:  # which has what its owner wants
                    continue
                raise RefusedError("there is no such file", where=url, hint=_MOVED)
            try:
                sources = each.read(body, each.url)
            except ValueError as problem:
                raise FeedError(f"it does not list the files: {problem}", where=url) from problem
            with ThreadPoolExecutor(_DOCUMENTS_AT_A_TIME) as pool:
                yield from zip(
                    sources, pool.map(lambda source: self._get(source, known), sources), strict=True
                )

    def _newest_changes(self) -> tuple[dict[str, str], dict[str, _File]]:
        """Give the time of the newest change of each list, asked before the archives are; nothing where one fails."""
        times, lists = {}, {}
        for each in self.group.increments:
            body, lists[each.source.file] = self._list(each.source, Validators())
            changes = self._read_list(each.changes, body, "") if body is not None else None
            if changes is None:
                return {}, {}
            times[each.source.file] = changes.since
        if self.group.asked is not None:
            times[self.group.asked.name] = stamp(time.time())
        return times, lists

    def _get(self, source: Source, known: _Known) -> list[tuple[str, str, Fetched]]:
        """Fetch what a source names: (file, address, what came)."""
        if source.pages:
            pages = self._paged(source)
            if not pages:
                raise FeedError(f"it has more than {_MOST_PAGES} pages", where=self._address(source))
            return pages
        url = self._address(source)
        for step in source.follow if not self.settings.mirror else ():
            body = self._pointer(url)
            if body is None and not source.optional:
                raise FeedError("there is no such file", where=url, hint=_MOVED)
            try:
                place = "" if body is None else step(body, url)
            except ValueError as problem:
                raise FeedError(f"it does not say where the file is: {problem}", where=url) from problem
            if not place:
                return [(source.file, url, Fetched(None, Validators(), absent=True))]
            url = place
        # A mirror may keep a file compressed.
        for end in ("", ".gz") if self.settings.mirror else ("",):
            file = source.file + end
            before = known.files.get(file)
            validators = before.validators if before is not None and before.url == url + end else Validators()
            found = self.fetcher.fetch(url + end, validators, self._moved)
            if not found.absent:
                return [(file, url + end, found)]
        return [(source.file, url, found)]

    def _pointer(self, url: str) -> bytes | None:
        """Fetch a small file that names others; None where there is none."""
        fetched = self.fetcher.fetch(url)
        if fetched.path is None:
            return None
        try:
            if fetched.path.stat().st_size > _POINTER_BYTES:
                raise FeedError("it is too large to name a file", where=url)
            return fetched.path.read_bytes()
        finally:
            fetched.path.unlink()

    def _paged(self, source: Source, most: int = _MOST_PAGES) -> list[tuple[str, str, Fetched]]:
        """Fetch a list page by page; each says how many there are. Nothing where there are more than `most`."""
        found: list[tuple[str, str, Fetched]] = []
        step = source.interface.step
        page, start, end = 0, 0, 1
        while start < end:
            page += 1
            file = source.file.replace("{page}", str(page))
            url = self._address(msgspec.structs.replace(source, file=file))
            if not self.settings.mirror:
                url += f"{'&' if '?' in url else '?'}{source.pages}={start if step else page}"
            fetched = self._page(url, source)
            if fetched.absent and page == 1 and self.settings.mirror:
                return [(file, url, fetched)]
            if fetched.path is None:
                raise RefusedError(
                    "there is no such file", where=url, hint="or the key is wrong" * bool(step)
                )
            try:
                said = msgspec.json.decode(fetched.path.read_bytes(), type=_Page)
            except msgspec.DecodeError as problem:
                fetched.path.unlink()
                raise FeedError(f"it is no page of a list: {problem}", where=url) from problem
            if step:
                start += min(step, said.size) if said.size > 0 else step
                end = said.total
            else:
                start, end = page, said.pages
            if page + -(-(end - start) // (step or 1)) > min(most, _MOST_PAGES):
                return []
            found.append((file, url, fetched))
        for file, _url, fetched in found:
            self._place(file, fetched)
        return [(file, url, Fetched(self.mirror / file, fetched.validators)) for file, url, fetched in found]

    def _page(self, url: str, source: Source) -> Fetched:
        """Fetch a page as its interface wants to be asked. One of many is kept over a break."""
        limits = source.interface
        kept = self.pages / hashlib.sha256(url.encode()).hexdigest()[:32]
        if limits.step:
            self.pages.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(OSError):
                if time.time() - kept.stat().st_mtime < _PAGES_KEPT_S:
                    return Fetched(kept, Validators())
        key = self._key() if limits.header else ""
        private = {limits.header: key} if key else None
        for attempt in range(_REFUSALS):
            wait_s = self.free_at - wire.clock()
            if wait_s > 0:
                wire.pause(wait_s)
            self.free_at = wire.clock() + (limits.every_with_key_s if key else limits.every_s)
            try:
                fetched = self.fetcher.fetch(
                    url, moved=self._moved, accept="application/json", private=private
                )
            except RefusedError:
                if not limits.window_s or attempt == _REFUSALS - 1:
                    raise
                wire.pause(limits.window_s)
                continue
            break
        if limits.step and fetched.path is not None:
            fetched.path.replace(kept)
            return Fetched(kept, fetched.validators)
        return fetched

    def _key(self) -> str:
        """Read the key that the feed's publisher gave."""
        path = self.settings.keys.get(self.feed.name, "")
        if not path:
            return ""
        try:
            with Path(path).open("rb") as file:
                key = file.read(_KEY_BYTES).decode("ascii").strip()
        except (OSError, UnicodeDecodeError) as problem:
            raise FeedError(f"the key cannot be read: {problem}", where=path) from problem
        if not key or not key.isprintable():
            raise FeedError("there is no key in it", where=path)
        return key

    # what changed

    def _changed(self, known: _Known, held: dict[str, PartInfo] | None = None) -> Outcome | None:
        """Fetch just the changed documents and put them into the parts; None where the whole must be fetched.

        Parts that are `held` are not current yet, and become so with the changes.
        """
        self._clear()
        files = dict(known.files)
        since = dict(known.since)
        documents: list[Source] = []
        ids: frozenset[str] | None = None
        asked = same = 0
        for each in self.group.increments:
            before = known.files.get(each.source.file, _File(""))
            asked += 1
            body, files[each.source.file] = self._list(each.source, before.validators)
            if body is None:
                if not files[each.source.file].url:
                    return None
                same += 1
                continue
            changes = self._read_list(each.changes, body, known.since[each.source.file])
            if changes is None:
                return None
            documents += changes.files
            ids = changes.ids if changes.ids is not None else ids
            since[each.source.file] = max(changes.since, since[each.source.file], key=moment)
            if each.removals is not None:
                removals = self.fetcher.fetch(self._address(each.removals), moved=self._moved)
                if removals.path is not None:
                    self._place(each.removals.file, removals)
        if self.group.asked is not None:
            until = time.time()
            name = self.group.asked.name
            source = self.group.asked.source(since[name], stamp(until))
            if source is None or not self._paged(source, _MOST_CHANGED_PAGES):
                return None
            since[name] = stamp(until - _ARCHIVE_MARGIN_S)
        elif same == asked:
            return self._unchanged(held)
        if len(documents) > MAX_CHANGED:
            return None
        removed = self._documents(documents)
        built = change_group(
            self.mirror,
            self.folder,
            self.feed,
            self.group,
            removed=removed,
            ids=ids,
            checked=self.checked,
            onto=held,
        )
        self._save(_Known(reader=known.reader, since=since, files=files))
        return self._outcome(built)

    def _list(self, source: Source, validators: Validators) -> tuple[bytes | None, _File]:
        """Fetch the list of changes; no body where it is as it was, and no address where there is none."""
        url = self._address(source)
        fetched = self.fetcher.fetch(url, validators, self._moved)
        if fetched.absent:
            return None, _File("")
        if fetched.path is None:
            return None, _File(url, validators)
        body = fetched.path.read_bytes()
        fetched.path.unlink()
        return body, _File(url, fetched.validators)

    def _read_list(
        self, changes: Callable[[bytes, str], Changes | None], body: bytes, since: str
    ) -> Changes | None:
        """Read the list; one that cannot be read is no reason to fail, since the whole can be fetched."""
        try:
            return changes(body, since)
        except ValueError:
            return None

    def _documents(self, files: list[Source]) -> list[str]:
        """Fetch changed documents, several at a time; give the names of those that are gone meanwhile."""
        from concurrent.futures import ThreadPoolExecutor

        def one(source: Source) -> str:
            fetched = self.fetcher.fetch(self._address(source))
            if fetched.path is None:
                return Path(source.file).stem
            self._place(source.file, fetched)
            return ""

        gone = []
        with ThreadPoolExecutor(_DOCUMENTS_AT_A_TIME) as pool:
            for number, name in enumerate(pool.map(one, files), 1):
                self.told(self.name, number, len(files))
                if name:
                    gone.append(name)
        return gone

    # what all of it needs

    def _address(self, source: Source) -> str:
        if not self.settings.mirror:
            return source.url
        return f"{self.settings.mirror.rstrip('/')}/{quote(source.file)}"

    def _moved(self, here: int, total: int) -> None:
        self.told(self.name, here, max(total, 0))

    def _place(self, file: str, fetched: Fetched) -> float:
        """Put a fetched file where a mirror has it, with the time that its publisher gives it, and give that."""
        assert fetched.path is not None
        place = self.mirror / file
        place.parent.mkdir(parents=True, exist_ok=True)
        if fetched.path != place:
            fetched.path.replace(place)
        with contextlib.suppress(ValueError, OverflowError, OSError):
            time_s = email.utils.parsedate_to_datetime(fetched.validators.modified).timestamp()
            os.utime(place, (time_s, time_s))
        return place.stat().st_mtime

    def _clear(self) -> None:
        shutil.rmtree(self.mirror, ignore_errors=True)
        self.mirror.mkdir(parents=True, exist_ok=True)

    def _load(self) -> _Known:
        try:
            return msgspec.json.decode(self.state.read_bytes(), type=_Known)
        except (OSError, msgspec.DecodeError):
            return _Known()

    def _save(self, known: _Known) -> None:
        self.state.parent.mkdir(parents=True, exist_ok=True)
        beside = self.state.with_name(f".{self.state.name}.{os.getpid()}")
        beside.write_bytes(msgspec.json.format(msgspec.json.encode(known), indent=1) + b"\n")
        beside.replace(self.state)

    def _unchanged(self, held: dict[str, PartInfo] | None = None) -> Outcome:
        parts = confirm(self.folder, self.feed, self.group, self.checked, held)
        return Outcome(feed=self.feed.name, group=self.name, state="unchanged", parts=tuple(parts))

    def _outcome(self, built: Built) -> Outcome:
        same = set(built.unchanged)
        return Outcome(
            feed=self.feed.name,
            group=self.name,
            state="updated" if same != set(built.parts) else "kept" if built.failed else "unchanged",
            parts=tuple(sorted(built.parts)),
            kept=built.failed,
            unread=built.unread_counts.get(self.feed.name, 0),
            first_unread=built.unread.get(self.feed.name),
        )

    @staticmethod
    def _joined(whole: Outcome, changed: Outcome) -> Outcome:
        """Make one outcome of a whole build and of the changes after it."""
        return msgspec.structs.replace(
            changed,
            state="updated" if "updated" in (whole.state, changed.state) else changed.state,
            unread=whole.unread + changed.unread,
            first_unread=whole.first_unread or changed.first_unread,
        )


class _Page(Struct):
    """What Bodhi says of a page (`pages`), and NVD's interface."""

    pages: int = 1
    size: int = msgspec.field(name="resultsPerPage", default=0)
    total: int = msgspec.field(name="totalResults", default=0)


def _lists(group: Group) -> set[str]:
    """Name the lists of changes of a group."""
    return {each.source.file for each in group.increments} | ({group.asked.name} if group.asked else set())


def _flat(found: list[tuple[Source, list[tuple[str, str, Fetched]]]]) -> Iterator[tuple[str, str, Fetched]]:
    for _source, pieces in found:
        yield from pieces


def _sweep(incoming: Path) -> None:
    """Remove what nobody went on with for a week."""
    with contextlib.suppress(OSError):
        for path in incoming.iterdir():
            with contextlib.suppress(OSError):
                if path.is_file() and time.time() - path.stat().st_mtime > 7 * 24 * 3600:
                    path.unlink()
