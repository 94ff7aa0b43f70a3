"""The contract between the core and a detector.

A detector says as data which files it wants, and has a pure `read(file)` that turns one file into facts. The
core walks layers, opens, bounds and remembers. One whose packages need several files adds
`assemble(view)`, which runs over the merged view of an image and is never remembered.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from msgspec import Struct

from hullmark.model.facts import Distribution, Fact, FileFacts, Package, Unread, UnreadKind

OVERTIME = "it takes more processor time than a file may (limits.file_cpu_s)"


class MalformedError(Exception):
    """Raised by a format reader when a file is not what its name says; the core makes it an `Unread`.

    Facts that were yielded before stay. `place` is where in the file.
    """

    def __init__(self, reason: str, place: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.place = place


class OvertimeError(BaseException):
    """Raised in the midst of a detector by whoever watches the time; no detector catches it."""


class Limits(Struct, frozen=True, kw_only=True):
    """Bounds for what a detector reads out of one file. All are settings (`limits.…`)."""

    max_records: int = 100_000
    max_lines: int = 1_000_000
    max_depth: int = 100
    max_nested_archives: int = 4
    max_archive_entries: int = 200_000
    max_expanded_bytes: int = 512 * 1024 * 1024
    max_ratio: int = 200


class File:
    """One file of one layer, as a detector sees it.

    `path` has no leading slash. `body` is the whole content, unless `whole` is false: then the file was too
    large to hold, `body` is its first 64 KiB and `excerpts` maps each of the detector's markers that occurs
    to the bytes around its first place (`Detector.excerpt_bytes` from 256 bytes before it). `mode` is the permission
    bits. `wanted(path)` tells whether any detector wants that path by its name (for `OwnedPaths`).
    """

    __slots__ = ("body", "excerpts", "limits", "mode", "path", "size", "wanted", "whole")

    def __init__(
        self,
        path: str,
        body: bytes,
        *,
        size: int | None = None,
        mode: int = 0o644,
        whole: bool = True,
        excerpts: Mapping[bytes, bytes] | None = None,
        limits: Limits | None = None,
        wanted: Callable[[str], bool] | None = None,
    ) -> None:
        self.path = path
        self.body = body
        self.size = len(body) if size is None else size
        self.mode = mode
        self.whole = whole
        self.excerpts: Mapping[bytes, bytes] = excerpts or {}
        self.limits = limits or Limits()
        self.wanted: Callable[[str], bool] = wanted or (lambda _path: False)

    @property
    def name(self) -> str:
        """The base name."""
        return self.path.rpartition("/")[2]

    def text(self) -> str:
        """Decode as UTF-8 (a byte order mark is dropped); what is not UTF-8 becomes U+FFFD."""
        return self.body.decode("utf-8-sig", "replace")

    def unread(self, reason: str, place: str = "", kind: UnreadKind = "record") -> Unread:
        """Make the value that says what of this file could not be read."""
        return Unread(kind=kind, path=self.path, place=place, reason=reason)


class Seen(NamedTuple):
    """A file that is visible in the merged image: facts, and the index of the layer that brought it."""

    layer: int
    path: str
    facts: tuple[Fact, ...]


class View:
    """The merged view of an image: for each detector the visible files with their facts."""

    def __init__(self, files: Mapping[str, list[Seen]], distribution: Distribution | None = None) -> None:
        self._files = files
        self.distribution = distribution

    def files(self, detector: str) -> list[Seen]:
        """Give the visible files of one detector, by path."""
        return self._files.get(detector, [])


class Detector(Struct, frozen=True, kw_only=True):
    """What a detector is.

    `wants` are glob patterns of whole paths; `*` stays within one component, a leading `**/` means any
    folder. The last component must be a literal name, a pattern with a literal extension (`*.jar`,
    `requirements*.txt`) or, below a literal folder, `*`. With `binaries`, ELF files with an execute bit come
    too. `version` is bumped whenever the output changes. `database` marks a whole snapshot of installed
    packages: what goes wrong in it is an unread `package_database`. Files above `max_bytes` are not held
    whole: they go to `stream` piece by piece, or with `markers` they are searched while they pass, else they are
    Unread. `owns` says that the facts depend on what all detectors want (`OwnedPaths`).
    """

    name: str
    version: int
    wants: tuple[str, ...] = ()
    read: Callable[[File], Iterable[Fact]]
    stream: Callable[[File, Iterator[bytes]], Iterable[Fact]] | None = None
    assemble: Callable[[View], Iterator[tuple[Package, Seen]]] | None = None
    binaries: bool = False
    database: bool = False
    owns: bool = False
    max_bytes: int = 32 * 1024 * 1024
    markers: tuple[bytes, ...] = ()
    excerpt_bytes: int = 256 * 1024


def packages_of(files: Iterable[Seen]) -> Iterator[tuple[Package, Seen]]:
    """Give every package fact of the files: what a detector without `assemble` assembles to."""
    for seen in files:
        for fact in seen.facts:
            if isinstance(fact, Package):
                yield fact, seen


def read_file(detector: Detector, file: File) -> FileFacts:
    """Run one detector over one file. Whatever goes wrong becomes an `Unread` among the facts."""
    return _facts(detector, file, detector.read)


def stream_file(detector: Detector, file: File, pieces: Iterator[bytes]) -> FileFacts:
    """Run one detector over a file that is too large to be held. `file` has its first bytes at most."""
    read = detector.stream
    assert read is not None, detector.name
    return _facts(detector, file, lambda file: read(file, pieces))


def _facts(detector: Detector, file: File, read: Callable[[File], Iterable[Fact]]) -> FileFacts:
    kind: UnreadKind = "package_database" if detector.database else "file"
    facts: list[Fact] = []
    try:
        for fact in read(file):
            if len(facts) >= file.limits.max_records:
                facts.append(file.unread(f"more than {file.limits.max_records} records", kind=kind))
                break
            facts.append(fact)
    except MalformedError as problem:
        facts.append(file.unread(problem.reason, problem.place, kind))
    except OvertimeError:
        facts.append(file.unread(OVERTIME, kind=kind))
    except RecursionError:
        facts.append(file.unread("nested too deeply", kind=kind))
    except MemoryError:
        facts.append(file.unread("needs more memory than the limits allow", kind=kind))
    except Exception as problem:  # noqa: BLE001  # the one catch: a bug in one detector must not cost the scan
        reason = f"the {detector.name} detector failed: {type(problem).__name__}: {problem}"
        facts.append(file.unread(reason, kind=kind))
    if (
        detector.database
        and facts
        and all(isinstance(fact, Unread) and fact.kind == "record" for fact in facts)
    ):
        # Noise in a database's place must not look like a database with a few broken records.
        facts.append(file.unread("nothing in it could be read", kind=kind))
    return FileFacts(file.path, tuple(facts))
