"""From a layer's blob to its facts: looked up where they are remembered, read where they are missing."""

import contextlib
import functools
import hashlib
import itertools
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from hullmark.detectors.detector import OVERTIME, Detector, File, Limits, read_file, stream_file
from hullmark.detectors.dispatch import Dispatcher
from hullmark.images.inflate import DamagedError, Hashed, inflated
from hullmark.images.limits import Budget, ReadLimits
from hullmark.images.source import Blob, FileIdentity, FolderWalk
from hullmark.images.walk import Body, Cut, Selected, Shape, search, walk
from hullmark.model.errors import HullmarkError, LimitError
from hullmark.model.facts import FileFacts, LayerShape, Unread, UnreadKind
from hullmark.scan.aside import SearchedAside
from hullmark.scan.bounds import Bounds, BoundsError, Weights, path_bytes, weigh, weight
from hullmark.scan.cache import FactCache
from hullmark.scan.noting import FOLDERS, NOTED, LayerNotes
from hullmark.scan.noting import VERSION as NOTES_VERSION
from hullmark.scan.searching import SECRETS, Searcher
from hullmark.scan.watch import Watch

if TYPE_CHECKING:
    from hullmark.detectors.secrets.stream import SecretStream
    from hullmark.scan.catalogue import DetectorEntry

SHAPE = "shape/3"
TIME_OVER = "the time given with --timeout was over"
_OTHERS_FILE = "its blob is a link to a file whose digest is not the one that the manifest gives"
_WORTH_A_PROCESS = 16 * 1024 * 1024
_WAIT_FOR_OTHER_S = 30.0
_LOOK_EVERY_S = 0.02
_LONG_S = 0.05
_SMALLEST_BINARY = 256
_MAX_LINK_STEPS = 40
_MOST_TEXT = 32 * 1024 * 1024  # what may be larger is an archive or a database
_BYTES_A_LINE = 16  # at most: a text without line ends takes time as well
_BIG_TEXT = 4 * 1024 * 1024
_LINE_ENDS = (b"\r", b"\v", b"\f", b"\x1c", b"\x1d", b"\x1e", b"\xc2\x85", b"\xe2\x80\xa8", b"\xe2\x80\xa9")
_FREELY = contextlib.nullcontext()


class Facts(msgspec.Struct, frozen=True):
    """What is known of one layer. `digest` is verified, empty when the blob is not what was promised.

    `encoded_bytes` is the size of its facts as they are remembered. `refused` tells that it was left out since the
    layers are too much together; its `weights` say why.
    """

    digest: str
    shape: LayerShape
    files: dict[str, tuple[FileFacts, ...]]
    unread: tuple[Unread, ...] = ()
    size_bytes: int = 0
    remembered: bool = False
    encoded_bytes: int = 0
    weights: Weights = Weights()
    refused: bool = False


class Deadline(Protocol):
    """Tells whether the time that the user gave is over."""

    def __call__(self) -> bool:
        """Give true once it is over."""


class Detectors(Protocol):
    """The detectors that a reader has: what must be known of each, and each whole where a layer must be read."""

    @property
    def detectors(self) -> "tuple[DetectorEntry, ...]":
        """Give every detector."""
        ...

    def detector(self, name: str) -> Detector:
        """Give one whole."""
        ...


class LayerReader:
    """Reads layers with a fixed set of detectors, limits and one cache."""

    def __init__(
        self,
        catalogue: Detectors,
        cache: FactCache,
        limits: ReadLimits,
        file_limits: Limits,
        over: Deadline = lambda: False,
        searcher: Searcher | None = None,
        *,
        notes: bool = False,
        aside: int = 0,
    ) -> None:
        self.catalogue = catalogue
        self.searcher = searcher
        self.notes = notes
        self.aside = aside
        self.alone = False  # whether the layer that is read is the only one
        self.cache = cache
        self.limits = limits
        self.file_limits = file_limits
        self.budget = Budget(limits.body_budget_bytes)
        self.bounds = Bounds(limits)
        self.watch = Watch()
        self.over = over
        self.shape_key, self.keys = self._keys()

    def share_budget(self, workers: int) -> None:
        """Leave each of several processes its share of the memory for bodies, and of what the image may cost."""
        self.budget.share(workers)
        self.bounds.share(workers)

    @functools.cached_property
    def detectors(self) -> tuple[Detector, ...]:
        """All detectors, imported now that something must be read."""
        return tuple(self.catalogue.detector(entry.name) for entry in self.catalogue.detectors)

    @functools.cached_property
    def wanted(self) -> Callable[[str], bool]:
        """Tells whether any detector wants a path."""
        return self.dispatcher.wants

    @functools.cached_property
    def dispatcher(self) -> Dispatcher:
        """What of all detectors wants a path; made once, since an image may have thousands of layers."""
        return Dispatcher(self.detectors)

    def _keys(self) -> tuple[str, dict[str, str]]:
        """Make the cache's keys, of shapes and of each detector: name, version, a hash of all that shapes the output."""
        shared = msgspec.msgpack.encode([self.file_limits, self.limits])
        wants = msgspec.msgpack.encode([entry.wants for entry in self.catalogue.detectors])
        keys = {}
        for entry in self.catalogue.detectors:
            settings = shared + entry.max_bytes.to_bytes(8, "big") + (wants if entry.owns else b"")
            keys[entry.name] = (
                f"{entry.name}/{entry.version}/{hashlib.blake2b(settings, digest_size=8).hexdigest()}"
            )
        if self.searcher is not None:
            keys[SECRETS] = self.searcher.row_key(shared)
        if self.notes:
            digest = hashlib.blake2b(shared, digest_size=8).hexdigest()
            keys |= {name: f"{name}/{NOTES_VERSION}/{digest}" for name in (NOTED, FOLDERS)}
        return f"{SHAPE}/{hashlib.blake2b(shared, digest_size=8).hexdigest()}", keys

    def remembered(self, blob: Blob) -> Facts | None:
        """Give the facts of a layer that need no byte of it: it cannot be had, or all of it is known."""
        if blob.problem:
            return unreadable(blob, blob.problem)
        found = self._known(blob)
        return self.admitted(blob, found) if found is not None else None

    def facts(self, blob: Blob) -> Facts:
        """Give the facts of a layer. Never raises for what is wrong with it: that is Unread in the answer."""
        if (known := self.remembered(blob)) is not None:
            return known
        with self._turn(blob) as found:
            return self.admitted(blob, found or self._read(blob))

    def admitted(self, blob: Blob, facts: Facts) -> Facts:
        """Give a layer's facts back, as long as those of the whole image are not too many."""
        weights = weigh(facts.shape, facts.files, facts.encoded_bytes)
        if problem := self.bounds.problem(weights):
            return refused(blob, problem, weights)
        return msgspec.structs.replace(facts, weights=weights)

    def settled(self, blobs: Sequence[Blob], found: Sequence[Facts]) -> list[Facts]:
        """Decide anew, from the lowest layer up, where the layers of an image are too much together.

        While they are read, those that come first are kept, so that memory stays bounded. Which those are must not
        show. (Where a stream gives each layer once, its order is always the same.)
        """
        if not any(facts.refused for facts in found) or any(blob.once for blob in blobs):
            return list(found)
        bounds = Bounds(self.limits)
        problems = [bounds.problem(facts.weights) for facts in found]
        settled = [
            refused(blob, problem, facts.weights) if problem else facts
            for blob, problem, facts in zip(blobs, problems, found, strict=True)
        ]
        self.bounds = Bounds(self.limits)
        for number, problem in enumerate(problems):
            if settled[number].refused and not problem:
                settled[number] = self.facts(blobs[number])
        return settled

    def _known(self, blob: Blob) -> Facts | None:
        """Look up the facts of a blob whose digest may be believed before its bytes were read."""
        if blob.identity is not None and blob.size not in {-1, blob.identity.size}:
            return None
        known = blob.claimed if blob.addressed else self._digest_of(blob.identity)
        return self._remembered(known, blob) if known and known == blob.claimed else None

    def _digest_of(self, identity: FileIdentity | None) -> str:
        return self.cache.digest_of(identity) if identity is not None else ""

    def _remembered(self, digest: str, blob: Blob) -> Facts | None:
        """Decode a layer's rows when every one is there."""
        rows = self.cache.load(digest)
        if self.shape_key not in rows or any(key not in rows for key in self.keys.values()):
            return None
        decoded = self._decode(rows)
        if decoded is None:
            return None
        shape, files = decoded
        size = blob.size if blob.size >= 0 else (blob.identity.size if blob.identity else 0)
        encoded_bytes = sum(memoryview(rows[key]).nbytes for key in self.keys.values())
        return Facts(digest, shape, files, (), size, remembered=True, encoded_bytes=encoded_bytes)

    def _decode(
        self, rows: Mapping[str, msgspec.Raw]
    ) -> tuple[LayerShape, dict[str, tuple[FileFacts, ...]]] | None:
        try:
            shape = msgspec.msgpack.decode(rows[self.shape_key], type=LayerShape)
            files = {name: _FACTS.decode(rows[key]) for name, key in self.keys.items() if key in rows}
        except msgspec.DecodeError:
            return None
        return shape, files

    @contextlib.contextmanager
    def _turn(self, blob: Blob) -> Iterator[Facts | None]:
        """Hold the right to read a layer; give what whoever had it before has learned meanwhile.

        A process that reads the same layer just now is waited for, but only where what it learns can then be
        looked up; else the bytes must be read here anyway.
        """
        worth_waiting = blob.addressed or blob.identity is not None
        end = time.monotonic() + (_WAIT_FOR_OTHER_S if worth_waiting else 0)
        while True:
            with self.cache.reading(blob.claimed) as mine:
                if mine or self.over() or time.monotonic() >= end:
                    yield self._known(blob)
                    return
            time.sleep(_LOOK_EVERY_S)

    def _read(self, blob: Blob) -> Facts:
        """Read a blob: only its digest where its facts are known under the claimed one, else all of it."""
        if self.over():
            return unreadable(blob, TIME_OVER)
        everything = list(self.detectors)
        if blob.walk is not None:
            return self._read_folder(blob.walk)
        if not blob.claimed or blob.once:
            return self._read_whole(blob, everything, {})
        rows = self.cache.load(blob.claimed)
        missing = [d for d in everything if self.shape_key not in rows or self.keys[d.name] not in rows]
        if self.shape_key in rows and all(key in rows for key in self.keys.values()):
            if found := self._hash_only(blob):
                return found
            missing, rows = everything, {}
        found = self._read_whole(blob, missing, rows)
        if rows and found.digest != blob.claimed and not self.over():
            # The rows were those of the claimed digest, and this blob is something else.
            return self._read_whole(blob, everything, {})
        return found

    def _hash_only(self, blob: Blob) -> Facts | None:
        """Give the remembered facts of the claimed digest when the bytes have it."""
        started_ns = time.time_ns()
        hashed = Hashed(blob.open(), _algorithm(blob))
        try:
            if not self._drained(hashed):
                return None
        except (OSError, HullmarkError):
            return None  # which is met again, and told, when all of it is read
        found = self._remembered(hashed.digest, blob) if hashed.digest == blob.claimed else None
        if found is None:
            return None
        if unread := _size_problem(blob, hashed.size):
            return msgspec.structs.replace(found, digest="", size_bytes=hashed.size, unread=unread)
        self._remember_file(blob, hashed.digest, started_ns)
        return msgspec.structs.replace(found, size_bytes=hashed.size)

    def _drained(self, hashed: Hashed) -> bool:
        """Read what is left of a blob for its digest's sake; false when the time is over before its end."""
        return not any(self.over() for _chunk in hashed)

    def _read_folder(self, walk_folder: FolderWalk) -> Facts:
        """Read what has no tar; secrets are looked for in `aside` processes of their own, if any."""
        notes = LayerNotes(self.limits.layer_facts // 4) if self.notes else None
        with contextlib.ExitStack() as stack:
            secrets = self._search(stack, self.aside)
            reading = _Reading(self, list(self.detectors), secrets, notes)
            problems: list[str] = []
            try:
                reading.take(walk_folder(reading.select, reading.shape, self.budget, self.limits))
            except (Cut, DamagedError) as problem:
                problems.append(str(problem))
            except (OSError, HullmarkError) as problem:
                problems.append(_words(problem))
            files = reading.files()
        unread = tuple(Unread(kind="layer", reason=reason) for reason in problems + reading.left_out())
        return Facts("", reading.shape.frozen(), files, unread, 0)

    def _read_whole(self, blob: Blob, missing: list[Detector], rows: Mapping[str, msgspec.Raw]) -> Facts:
        search = self.searcher is not None and (self.shape_key not in rows or self.keys[SECRETS] not in rows)
        with contextlib.ExitStack() as stack:
            large = blob.size > _WORTH_A_PROCESS
            secrets = self._search(stack, 1 if self.alone and self.aside and large else 0) if search else None
            return self._read_all(blob, missing, rows, secrets)

    def _search(self, stack: contextlib.ExitStack, aside: int) -> "SearchedAside | SecretStream | None":
        """Give what looks for secrets, in processes of its own if any; they end with the stack."""
        if self.searcher is None:
            return None
        if not aside:
            return self.searcher.stream()
        assert self.searcher.engine.rules  # compiled and imported before the forks
        secrets = SearchedAside(self.searcher.stream, aside)
        stack.callback(secrets.close)
        return secrets

    def _read_all(
        self,
        blob: Blob,
        missing: list[Detector],
        rows: Mapping[str, msgspec.Raw],
        secrets: "SearchedAside | SecretStream | None",
    ) -> Facts:
        note = self.notes and any(self.keys[name] not in rows for name in (NOTED, FOLDERS))
        reading = _Reading(
            self,
            missing,
            secrets,
            LayerNotes(self.limits.layer_facts // 4) if note else None,
        )
        hashed = Hashed(blob.open(), _algorithm(blob))
        problems: list[str] = []
        failed = False
        try:
            with contextlib.closing(self.pieces(hashed, reading)) as pieces:
                try:
                    reading.take(walk(pieces, reading.select, reading.shape, self.budget, self.limits))
                except Cut as problem:
                    problems.append(str(problem))
                for _rest in pieces if not reading.cut else ():
                    # What follows the tar's end is inflated too, since the stream's checksum stands behind it, and
                    # where it is wrong the tar was no tar for that reason.
                    pass
        except (Cut, DamagedError) as problem:
            problems.append(str(problem))
        except (OSError, HullmarkError) as problem:
            problems.append(_words(problem))
            failed = not isinstance(problem, LimitError)
        try:
            if not failed and not reading.cut and not self._drained(hashed):
                problems.append(TIME_OVER)
                reading.cut = True
        except (OSError, HullmarkError) as problem:
            problems.append(_words(problem))
            failed = True
        if blob.linked and (failed or reading.cut or hashed.digest != blob.claimed):
            return unreadable(blob, problems[-1] if failed or reading.cut else _OTHERS_FILE)
        try:
            if not failed and not reading.cut:
                reading.resolve_hard_links(blob)
        except (Cut, BoundsError) as problem:
            failed = isinstance(problem, BoundsError)
            problems += [str(problem)] if str(problem) not in problems else []
        return self._finish(blob, hashed, reading, problems, rows, cut=failed or reading.cut)

    def pieces(self, hashed: Hashed, reading: "_Reading") -> Generator[bytes]:
        """Inflate a layer within the bounds of the image and the time."""
        reading.hashed = hashed
        pieces = inflated(hashed, self.limits, self.budget.large)
        for piece in self.bounds.watched(pieces, hashed, reading.shape):
            if self.over():
                reading.cut = True
                raise Cut(TIME_OVER)
            if reading.secrets is not None:
                reading.secrets.piece(piece)
            yield piece

    def _finish(
        self,
        blob: Blob,
        hashed: Hashed,
        reading: "_Reading",
        problems: list[str],
        rows: Mapping[str, msgspec.Raw],
        *,
        cut: bool,
    ) -> Facts:
        """Compare what was read with what was promised, and remember it under what it is."""
        digest = "" if cut else hashed.digest
        shape, files = reading.shape.frozen(), reading.files()
        said = tuple(Unread(kind="layer", reason=reason) for reason in problems + reading.left_out())
        new = {self.keys[name]: _ENCODE(found) for name, found in files.items()}
        encoded_bytes = sum(map(len, new.values()))
        if digest:
            # A pure function of these bytes, so what is wrong with them may be remembered as well.
            known = self._decode(rows) if reading.partial and digest == blob.claimed else None
            before = known[0].unread if known is not None else ()
            shape = msgspec.structs.replace(
                shape, unread=tuple(dict.fromkeys((*before, *shape.unread, *said)))
            )
            if not reading.overtime:
                self.cache.store(digest, {self.shape_key: msgspec.msgpack.encode(shape), **new})
            if known is not None:
                encoded_bytes += sum(
                    memoryview(rows[self.keys[name]]).nbytes for name in known[1].keys() - files.keys()
                )
                files = known[1] | files
        else:
            shape = msgspec.structs.replace(shape, unread=(*shape.unread, *said))
        expected = blob.claimed or (blob.diff_id if hashed.plain else "")
        unread = _size_problem(blob, hashed.size) if not cut else ()
        if digest and expected and digest != expected:
            unread = (
                *unread,
                Unread(kind="layer", reason=f"its bytes have the digest {digest}, not {expected}"),
            )
        if digest and not unread:
            self._remember_file(blob, digest, reading.started_ns)
        verified = digest if not unread else ""
        return Facts(verified, shape, files, unread, hashed.size, encoded_bytes=encoded_bytes)

    def _remember_file(self, blob: Blob, digest: str, started_ns: int) -> None:
        if blob.identity is not None:
            self.cache.remember_file(blob.identity, digest, started_ns)


class _Reading:
    """One pass over one layer."""

    def __init__(
        self,
        reader: LayerReader,
        detectors: list[Detector],
        secrets: "SearchedAside | SecretStream | None" = None,
        notes: LayerNotes | None = None,
    ) -> None:
        self.reader = reader
        self.secrets = secrets
        self.notes = notes
        self.partial = (
            len(detectors) < len(reader.detectors)
            or (secrets is None and reader.searcher is not None)
            or (notes is None and reader.notes)
        )
        self.detectors = detectors
        self.dispatcher = (
            Dispatcher(detectors) if len(detectors) < len(reader.detectors) else reader.dispatcher
        )
        self.shape = Shape(reader.limits, secrets, notes)
        self.cut = self.overtime = False
        self.started_ns = time.time_ns()
        self.started_cpu_s = time.process_time()
        self._asked = self._facts = self.fact_bytes = self._lines = self._left_out = 0
        self._full = ""
        self.hashed: Hashed | None = None
        self._found: dict[str, dict[str, FileFacts]] = {detector.name: {} for detector in detectors}
        self._binaries = self.dispatcher.binaries
        self._binary = self._selected(self._binaries, elf_only=True) if self._binaries else None
        self._by_detectors: dict[tuple[str, ...], Selected] = {}

    def _selected(self, detectors: tuple[Detector, ...], *, elf_only: bool = False) -> Selected:
        return Selected(
            detectors,
            max(detector.max_bytes for detector in detectors),
            tuple({marker for detector in detectors for marker in detector.markers}),
            max(detector.excerpt_bytes for detector in detectors),
            elf_only,
        )

    def select(self, path: str, mode: int, size: int) -> Selected | None:
        """Say what is wanted of a regular file."""
        self._asked += 1
        if not self._asked & 0x3FF and self.reader.over():
            self.cut = True
            raise Cut(TIME_OVER)
        found = self.dispatcher.find(path)
        if found and self._full and (found := self._of_those_first(found, path)) == []:
            return None
        if not found:
            return self._binary if mode & 0o111 and size >= _SMALLEST_BINARY else None
        if mode & 0o111:
            found += [detector for detector in self._binaries if detector not in found]
        names = tuple(detector.name for detector in found)
        selected = self._by_detectors.get(names)
        if selected is None:
            selected = self._by_detectors[names] = self._selected(tuple(found))
        if size > selected.max_bytes and any(detector.stream for detector in found):
            return selected._replace(consume=functools.partial(self._stream, tuple(found), mode))
        return selected

    def _stream(
        self, detectors: tuple[Detector, ...], mode: int, path: str, size: int, parts: Iterator[bytes]
    ) -> None:
        """Give a file that is too large to be held to the detector that reads it as it comes."""
        head = next(parts, b"")
        passing = _Passing(itertools.chain((head,), parts), self.reader.watch)
        if head[:4] == b"\x7fELF":
            body, excerpts = search(passing, self._selected(detectors))
            self._read(Body(path, size, mode, detectors, body, False, excerpts), path)
            return
        streaming = next(detector for detector in detectors if detector.stream)
        file = File(path, head, size=size, mode=mode, whole=False, limits=self.reader.file_limits)
        facts = self._in_time(streaming, file, lambda detector, file: stream_file(detector, file, passing))
        if passing.problem is not None:
            raise passing.problem  # what is wrong with the layer is not the file's fault
        self._keep(streaming, facts)
        for detector in detectors:
            if detector is streaming:
                continue
            if detector.binaries and detector not in self.dispatcher.find(path):
                self._forget(detector, path)
            else:
                reason = f"a file of {size} bytes, more than is held at once"
                self._keep(detector, _unread_file(detector, path, reason))

    def _in_time(
        self,
        detector: Detector,
        file: File,
        read: Callable[[Detector, File], FileFacts],
    ) -> FileFacts:
        """Run a detector for as long as a file may take. What was cut short depends on the machine, so it is not remembered."""

        def allowed() -> float:
            bounds = self.reader.bounds
            allowed_s = bounds.seconds_for_file(file.size)
            if self.hashed is None:
                return allowed_s
            return min(allowed_s, bounds.seconds_left(self.started_cpu_s, self.hashed.size))

        begun_s = time.monotonic()
        facts = self.reader.watch.run(allowed, lambda: read(detector, file))
        if self.hashed is not None and time.monotonic() - begun_s > _LONG_S:
            self.reader.bounds.check_time(self.started_cpu_s, self.hashed.size)
        if facts is None:
            facts = _unread_file(detector, file.path, OVERTIME)
        self.overtime |= any(
            isinstance(fact, Unread) and fact.reason == OVERTIME for fact in facts.facts[-1:]
        )
        return facts

    def take(self, bodies: Iterable[Body]) -> None:
        """Run the detectors over what the walk gives."""
        for body in bodies:
            self._read(body, body.path)
            if self.reader.over():
                self.cut = True
                raise Cut(TIME_OVER)

    def _read(self, body: Body, path: str) -> None:
        detectors = body.token
        assert isinstance(detectors, tuple)
        binary = body.data[:4] == b"\x7fELF"
        lines = 0
        if not binary and any(detector.max_bytes <= _MOST_TEXT for detector in detectors):
            lines = self._count_lines(body.data)
        for detector in detectors:
            named = not detector.binaries or detector in self.dispatcher.find(path)
            if not named and not (binary and (body.whole or detector.markers)):
                self._forget(detector, path)
                continue
            if problem := self._problem(body, detector, lines):
                facts = _unread_file(detector, path, problem)
            else:
                with self.reader.budget.parsing if len(body.data) > _BIG_TEXT else _FREELY:
                    facts = self._in_time(detector, self._file(body, path), read_file)
            if named or facts.facts:
                self._keep(detector, facts)
            else:
                self._forget(detector, path)

    def _count_lines(self, data: bytes) -> int:
        """Count the lines of a text, as Python would break it, and take them from what the image may have."""
        lines = data.count(b"\n")
        if len(data) > self.reader.file_limits.max_lines:
            lines += sum(data.count(end) for end in _LINE_ENDS)
        lines_and_items = max(lines + data.count(b","), len(data) // _BYTES_A_LINE)
        self._lines += lines_and_items
        if self.hashed is not None:
            self.reader.bounds.text(lines_and_items, self._lines, self.hashed.size)
        return lines

    def _problem(self, body: Body, detector: Detector, lines: int) -> str:
        """Say why a detector cannot have a body, or nothing."""
        if not body.whole and not detector.markers:
            return body.problem or f"a file of {body.size} bytes, more than is held at once"
        if lines > self.reader.file_limits.max_lines and detector.max_bytes <= _MOST_TEXT:
            return f"a text of {lines} lines (limits.max_lines)"
        return body.problem

    def read_one(self, detector: Detector, body: Body) -> FileFacts:
        """Run one detector over a body, and give what it says."""
        self._read(body._replace(token=(detector,)), body.path)
        return self._found[detector.name].get(body.path, FileFacts(body.path))

    def _of_those_first(self, detectors: list[Detector], path: str) -> list[Detector]:
        """Give those whose facts there is still room for; the others' are left out unread."""
        first = [detector for detector in detectors if _comes_first(detector)]
        if len(first) < len(detectors):
            self._left_out += 1
            for detector in detectors:
                if detector not in first:
                    self._forget(detector, path)
        return first

    def _forget(self, detector: Detector, path: str) -> None:
        """Drop what an earlier entry of the same path said: the later counts."""
        old = self._found[detector.name].pop(path, None)
        if old is not None:
            self._facts -= weight(old)
            self.fact_bytes -= _size(old)

    def _keep(self, detector: Detector, facts: FileFacts) -> None:
        """Keep what a file says, as long as the layer does not say too much.

        What comes first has a tenth more of room, so that no number of manifests hides the distribution.
        """
        self._forget(detector, facts.path)
        limits = self.reader.limits
        if self._full and not _comes_first(detector):
            self._left_out += 1
            return
        most_facts, most_bytes = limits.layer_facts, limits.layer_fact_bytes
        if _comes_first(detector):
            most_facts += most_facts // 10
            most_bytes += most_bytes // 10
        if (over := self._facts + weight(facts) - most_facts) > 0:
            self._full = f"it says more than {limits.layer_facts} facts (limits.layer_facts)"
            self._left_out += 1
            facts = FileFacts(facts.path, facts.facts[: max(len(facts.facts) - over, 0)])
            if not facts.facts:
                return
        size = _size(facts)
        if self.fact_bytes + size > most_bytes:
            self._left_out += not self._full
            self._full = f"its facts have more than {limits.layer_fact_bytes} bytes (limits.layer_fact_bytes)"
            return
        self._facts += weight(facts)
        self.fact_bytes += size
        self._found[detector.name][facts.path] = facts

    def left_out(self) -> list[str]:
        """Say how much of the layer was left out, or nothing."""
        if not self._full:
            return []
        files = "1 file was" if self._left_out == 1 else f"{self._left_out} files were"
        return [f"{files} left out, whole or in part: {self._full}"]

    def _file(self, body: Body, path: str) -> File:
        return File(
            path,
            body.data,
            size=body.size,
            mode=body.mode,
            whole=body.whole,
            excerpts=body.excerpts,
            limits=self.reader.file_limits,
            wanted=self.reader.wanted,
        )

    def resolve_hard_links(self, blob: Blob) -> None:
        """Give wanted paths that are hard links the facts of the file that they link to.

        A target that was not wanted itself is read in a second pass over the layer, once for each detector.
        """
        again: dict[str, list[tuple[str, Detector]]] = {}
        for path in self.shape.hard_links:
            for detector in self.dispatcher.find(path):
                target = self._link_target(path)
                known = self._found[detector.name].get(target)
                if known is not None:
                    self._keep(detector, FileFacts(path, known.facts))
                else:
                    again.setdefault(target, []).append((path, detector))
        if again and not blob.once:
            self._read_again(blob, again)
        reason = "a hard link to a file that " + ("was passed by" if blob.once else "its layer does not have")
        for links in again.values():
            for path, detector in links:
                self._keep(detector, _unread_file(detector, path, reason))

    def _link_target(self, path: str) -> str:
        """Follow hard links to hard links; where they lead in circles, to some path that is no file."""
        for _step in range(_MAX_LINK_STEPS):
            target = self.shape.hard_links.get(path)
            if target is None:
                break
            path = target
        return path

    def _read_again(self, blob: Blob, links: dict[str, list[tuple[str, Detector]]]) -> None:
        """Read the targets of hard links in a second pass; those that are not there stay in `links`."""
        wanted = {
            target: self._selected(tuple({detector.name: detector for _, detector in aliases}.values()))
            for target, aliases in links.items()
        }
        scratch = _Reading(self.reader, self.detectors)
        hashed = Hashed(blob.open())

        def select(path: str, _mode: int, _size: int) -> Selected | None:
            return wanted.get(path)

        try:
            with contextlib.closing(self.reader.pieces(hashed, scratch)) as pieces:
                for body in walk(pieces, select, scratch.shape, self.reader.budget, self.reader.limits):
                    self._share(body, links.pop(body.path, ()), scratch)
        except (DamagedError, OSError, LimitError) as problem:
            self.shape.say(f"hard links could not be followed: {_words(problem)}")
        finally:
            self.cut = self.cut or scratch.cut
            self.overtime = self.overtime or scratch.overtime
            self._full = self._full or scratch._full
            self._left_out += scratch._left_out

    def _share(self, body: Body, links: Iterable[tuple[str, Detector]], scratch: "_Reading") -> None:
        """Read a body once for each detector, and give all links to it what was learned."""
        learned: dict[str, FileFacts] = {}
        for path, detector in links:
            if detector.name not in learned:
                learned[detector.name] = scratch.read_one(detector, body._replace(path=path))
            self._keep(detector, FileFacts(path, learned[detector.name].facts))

    def files(self) -> dict[str, tuple[FileFacts, ...]]:
        """Give what each detector found, by path."""
        files = {
            name: tuple(facts for _, facts in sorted(found.items())) for name, found in self._found.items()
        }
        if self.secrets is not None:
            files[SECRETS] = self.secrets.end()
        if self.notes is not None:
            files |= self.notes.facts()
        return files


class _Passing:
    """The pieces of a file, and what went wrong with the layer while they were taken."""

    def __init__(self, parts: Iterator[bytes], watch: Watch) -> None:
        self._parts = parts
        self._watch = watch
        self.problem: Exception | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            with self._watch.unwatched():  # the layer goes on behind the file, whatever becomes of the file
                return next(self._parts)
        except StopIteration:
            raise
        except Exception as problem:
            self.problem = problem
            raise


_FACTS = msgspec.msgpack.Decoder(tuple[FileFacts, ...])
_ENCODE = msgspec.msgpack.Encoder().encode
encode = _ENCODE
decode = msgspec.msgpack.Decoder(Facts).decode


def _algorithm(blob: Blob) -> str:
    return "sha512" if blob.claimed.startswith("sha512:") else "sha256"


def _words(problem: BaseException) -> str:
    if isinstance(problem, HullmarkError):
        return f"{problem.what} ({problem.hint})" if problem.hint else problem.what
    return str(problem.strerror or problem) if isinstance(problem, OSError) else str(problem)


def _size(facts: FileFacts) -> int:
    """Say as how many bytes what a file says counts."""
    return len(_ENCODE(facts)) + path_bytes(facts.path)


def _comes_first(detector: Detector) -> bool:
    """Tell whether the rest means little without what a detector finds: package databases and the distribution."""
    return detector.database or detector.name in {"os_release", "content_sets"}


def _unread_file(detector: Detector, path: str, reason: str) -> FileFacts:
    kind: UnreadKind = "package_database" if detector.database else "file"
    return FileFacts(path, (Unread(kind=kind, path=path, reason=reason),))


def unreadable(blob: Blob, reason: str) -> Facts:
    """Give the facts of a layer that could not be read."""
    return Facts("", LayerShape(), {}, (Unread(kind="layer", reason=reason),), max(blob.size, 0))


def refused(blob: Blob, reason: str, weights: Weights) -> Facts:
    """Give the facts of a layer that is left out since the layers of its image are too much together."""
    return msgspec.structs.replace(unreadable(blob, reason), weights=weights, refused=True)


def _size_problem(blob: Blob, size: int) -> tuple[Unread, ...]:
    if blob.size in {-1, size}:
        return ()
    return (Unread(kind="layer", reason=f"its blob has {size} bytes, not {blob.size}"),)
