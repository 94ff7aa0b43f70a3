"""rpm: the database of installed packages of Red Hat, Fedora, SUSE, Amazon, Oracle, Photon, Azure Linux and others.

Three forms hold the same header blobs: SQLite (`rpmdb.sqlite`), rpm's own ndb (`Packages.db`) and Berkeley DB
(`Packages`); `sqlite.py`, `ndb.py` and `bdb.py` take the blobs out, `header.py` reads one. Which form a file has is
told by its first bytes. Azure Linux's distroless images have a table in text instead, made with
`rpm --query --all --queryformat`.
"""

import re
import stat
from collections.abc import Callable, Iterator

from hullmark.detectors.detector import Detector, File, MalformedError, Seen, View
from hullmark.detectors.packages.rpm import bdb, ndb, sqlite
from hullmark.detectors.packages.rpm import header as tags
from hullmark.detectors.packages.rpm.header import Header
from hullmark.model.facts import Fact, OwnedPaths, Package

_FOLDERS = ("var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm")
_NAMES = ("Packages", "Packages.db", "rpmdb.sqlite", "rpmdb.sqlite-wal")
_MANIFEST = "var/lib/rpmmanifest/container-manifest-2"
_SOURCE = re.compile(r"(.+)-([^-]+-[^-]+)\.(?:no)?src\.rpm")
_PATHS_TO_RECORDS = 4
_MAX_PROBLEMS = 1_000
_MAX_MANIFEST = 16 * 1024 * 1024
_NOTHING = frozenset({"", "(none)"})


def read(file: File) -> Iterator[Fact]:
    """Give the packages of a database in any of its forms, and the wanted paths that they own."""
    if file.path == _MANIFEST:
        yield from _manifest(file)
        return
    if file.name.endswith("-wal"):
        if sqlite.is_pending(file.body):
            raise MalformedError("a write-ahead log holds changes that the database beside it may lack")
        return
    total = problems = 0
    paths_left = _PATHS_TO_RECORDS * file.limits.max_records
    for place, blob in _backend(file.body)(file.body):
        if problems > _MAX_PROBLEMS:
            raise MalformedError(f"more than {_MAX_PROBLEMS} broken entries", place)
        if isinstance(blob, MalformedError):
            problems += 1
            yield file.unread(blob.reason, place, "package_database")
            continue
        # Only in a forged file can packages share bytes; reading it would take without end.
        total += len(blob)
        if total > len(file.body):
            raise MalformedError("the packages hold more than the file does", place)
        try:
            header = Header(blob, file.limits.max_records)
            yield from _package(file, place, header)
            if paths_left >= 0:
                paths_left -= header.path_count()
                yield from _owned(file, place, header, within=paths_left >= 0)
        except MalformedError as problem:
            problems += 1
            yield file.unread(problem.reason, place)


def _backend(body: bytes) -> Callable[[bytes], Iterator[tuple[str, bytes | MalformedError]]]:
    if body.startswith(sqlite.MAGIC):
        return sqlite.blobs
    if body.startswith(ndb.MAGIC):
        return ndb.blobs
    magic = body[bdb.MAGIC_AT : bdb.MAGIC_AT + 4]
    if bdb.MAGIC in {int.from_bytes(magic, "little"), int.from_bytes(magic, "big")}:
        return bdb.blobs
    raise MalformedError("not an rpm database" if body else "an rpm database with no content")


def _package(file: File, place: str, header: Header) -> Iterator[Fact]:
    name = header.string(tags.NAME)
    if name == "gpg-pubkey":
        return  # a key that rpm keeps as if it were a package
    release = header.string(tags.RELEASE)
    version = f"{header.string(tags.VERSION)}-{release}"
    if not (name and release) or version.startswith("-"):
        yield file.unread("package without name, version or release", place)
        return
    epoch = next(iter(header.numbers(tags.EPOCH)), 0)
    licence = header.string(tags.LICENSE)
    yield _fact(
        name,
        version,
        str(epoch or ""),
        arch=header.string(tags.ARCH),
        source=header.string(tags.SOURCERPM),
        licences=(licence,) if licence else (),
        module=":".join(header.string(tags.MODULARITYLABEL).split(":")[:2]),
        vendor=header.string(tags.VENDOR),
    )
    if header.is_intact() is False:
        yield file.unread("package whose header does not have the digest that it states", place)


def _owned(file: File, place: str, header: Header, *, within: bool) -> Iterator[Fact]:
    """Give the paths that some detector wants, by name or as programs, or say once that from here on there are too many of them."""
    if not within:
        yield file.unread("more paths than the limits allow: from here on owners are unknown", place)
        return
    wanted = file.wanted
    paths, modes = header.paths(), header.modes()
    if len(modes) == len(paths):
        owned = tuple(
            path
            for path, mode in zip(paths, modes, strict=True)
            if wanted(path) or (mode & 0o111 and stat.S_ISREG(mode))
        )
    else:
        owned = tuple(path for path in paths if wanted(path))
    if owned:
        yield OwnedPaths(header.string(tags.NAME), owned)


def _fact(
    name: str,
    version: str,
    epoch: str,
    *,
    arch: str,
    source: str,
    vendor: str,
    licences: tuple[str, ...] = (),
    module: str = "",
) -> Package:
    """Make the fact. A source package has the epoch of its binary wherever both have the same version."""
    prefix = f"{epoch}:" if epoch else ""
    origin = _SOURCE.fullmatch(source)
    source_version = origin[2] if origin else ""
    return Package(
        ecosystem="rpm",
        name=name,
        version=prefix + version,
        arch=arch,
        source=origin[1] if origin else "",
        source_version=prefix + source_version if source_version == version else source_version,
        licences=licences,
        module=module,
        vendor=vendor,
    )


def _manifest(file: File) -> Iterator[Fact]:
    """Read lines of name, version-release, two times, vendor, epoch, size, architecture, epoch number, source."""
    if len(file.body) > _MAX_MANIFEST:
        raise MalformedError(f"an rpm manifest of {len(file.body)} bytes")
    for number, line in enumerate(file.text().split("\n"), 1):
        if not line.strip():
            continue
        fields = [field.strip() for field in line.split("\t")]
        if len(fields) != 10 or fields[0] in _NOTHING or fields[1].strip("-") in _NOTHING:
            yield file.unread("not a line of an rpm manifest", f"line {number}")
            continue
        name, version, _, _, vendor, _, _, arch, epoch, source = (
            "" if it in _NOTHING else it for it in fields
        )
        if name != "gpg-pubkey":
            yield _fact(name, version, "" if epoch == "0" else epoch, arch=arch, source=source, vendor=vendor)


def assemble(view: View) -> Iterator[tuple[Package, Seen]]:
    """Give each package once, where an image holds the database in two forms or places."""
    known: set[tuple[str, str, str]] = set()
    for seen in view.files("rpm"):
        here = {
            (fact.name, fact.version, fact.arch): fact for fact in seen.facts if isinstance(fact, Package)
        }
        for key, package in here.items():
            if key not in known:
                yield package, seen
        known.update(here)


DETECTOR = Detector(
    name="rpm",
    version=2,
    wants=(*(f"{folder}/{name}" for folder in _FOLDERS for name in _NAMES), _MANIFEST),
    read=read,
    assemble=assemble,
    database=True,
    owns=True,
    max_bytes=160 * 1024 * 1024,
)
