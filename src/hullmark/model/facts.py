"""Facts: what one layer says, for ever. A pure function of its bytes, the detectors and their settings.

Facts carry no path of their own. They stand in a `FileFacts`, which names the file once; the layer is known
from where the `FileFacts` is kept. A file that was read and says nothing still has a `FileFacts` with no
facts in it, since it hides the file of the same path in a lower layer.
"""

from typing import Literal

from msgspec import Struct

from hullmark.model.rule import Confidence

SYSTEM = frozenset({"deb", "rpm", "apk", "alpm"})
"""Ecosystems whose packages belong to a distribution's release, and whose distributions say what is wrong in them."""

UnreadKind = Literal["layer", "package_database", "file", "record"]


class Unread(Struct, frozen=True, tag="unread", omit_defaults=True):
    """Something that could not be read or was not checked. A value, so that no result looks complete by accident.

    `place` is where in the file (`line 12`, `entry META-INF/x.jar`); `reason` is one clause for people.
    """

    kind: UnreadKind
    reason: str
    path: str = ""
    place: str = ""
    layer: str = ""


class Package(Struct, frozen=True, tag="package", omit_defaults=True):
    """One package as one file states it.

    `ecosystem` is the purl type (`deb`, `rpm`, `apk`, `pypi`, `npm`, `golang`, `maven` …; `generic` for a
    bare binary). `name` is the ecosystem's own whole name: `@scope/name`, `group:artifact`, `vendor/name`, a
    Go module path. `version` is as written, with its epoch. `source` and `source_version` are those of the
    source package, where the ecosystem has one. `origin` is how the file proves the package: `installed`
    (files are there), `binary` (build information in a binary), `locked` (only a lock file says so),
    `declared` (only a manifest says so). `via` is the path from the direct dependency down to the parent,
    each `name@version`; empty for a direct dependency or where nothing says. `module` is an rpm module's
    `name:stream`. `vendor` is the packager as stated. `cpe` is `vendor:product`, bare binaries only.
    """

    ecosystem: str
    name: str
    version: str
    arch: str = ""
    source: str = ""
    source_version: str = ""
    licences: tuple[str, ...] = ()
    place: str = ""
    origin: Literal["installed", "binary", "locked", "declared"] = "installed"
    dev: bool = False
    direct: bool | None = None
    via: tuple[str, ...] = ()
    module: str = ""
    vendor: str = ""
    cpe: str = ""


class Distribution(Struct, frozen=True, tag="distribution", omit_defaults=True):
    """What `os-release` (or its older like) says of the operating system, as written there.

    `base_codename` is what a derivative says of the Ubuntu or Debian release that it is made from.
    """

    id: str
    version_id: str = ""
    id_like: tuple[str, ...] = ()
    codename: str = ""
    pretty_name: str = ""
    cpe: str = ""
    variant: str = ""
    support_end: str = ""
    base_codename: str = ""


class OwnedPaths(Struct, frozen=True, tag="owned", omit_defaults=True):
    """Paths that an OS package owns: those that some detector wants by name, and what may be a program. `package` is its name."""

    package: str
    paths: tuple[str, ...]


class Licence(Struct, frozen=True, tag="licence", omit_defaults=True):
    """Licences of a package, stated in a file apart from the package's own entry (Debian's `copyright`)."""

    package: str
    licences: tuple[str, ...]


class ContentSet(Struct, frozen=True, tag="content_set", omit_defaults=True):
    """Repositories that an image's packages came from (Red Hat content manifests)."""

    names: tuple[str, ...]


class Secret(Struct, frozen=True, tag="secret", omit_defaults=True):
    """A secret in a file: the rule that found it and the place, never the value. `fingerprint` is the design's keyed one.

    `confidence` is that of the rule, lowered where `reason` says so. `line` and `column` count from 1, columns in bytes; a binary file has none (0). `allowed` is the comment
    in its line that allows it (`gitleaks:allow`).
    """

    rule: str
    line: int
    column: int
    end_column: int
    fingerprint: str
    confidence: Confidence = "high"
    reason: str = ""
    allowed: str = ""


class BinaryFiles(Struct, frozen=True, tag="binary_files", omit_defaults=True):
    """How many files of a layer were searched only by the rules for binary files: those with a NUL byte in their first 8 KiB. It stands under no path."""

    count: int


class FileMode(Struct, frozen=True, tag="file_mode", omit_defaults=True):
    """Permissions worth telling: SUID, SGID, writable by all, or given capabilities (`capabilities` as `getcap` prints them).

    Also those of the files that say who may sign in, where others than root may write or, of passwords, read them.
    """

    mode: int
    uid: int = 0
    gid: int = 0
    capabilities: str = ""
    folder: bool = False


class Account(Struct, frozen=True, tag="account", omit_defaults=True):
    """A user as `passwd` or `shadow` has it, or a group as `group` has it, never with the password.

    `uid` and `gid` are -1 where the file says none. `password` tells what stands in its place: nothing (`empty`), the hash of one (`hash`),
    what no password can match (`locked`), or a pointer to `shadow`.
    """

    name: str
    uid: int = -1
    gid: int = -1
    password: Literal["empty", "hash", "locked", "shadow"] = "locked"  # noqa: S105  # a state


class Needs(Struct, frozen=True, tag="needs", omit_defaults=True):
    """What an ELF file needs to be loaded, and what it gives others.

    `libraries` are the names of the shared libraries that it asks for, `soname` is its own name as one, `loader` the path of the dynamic linker of a
    program. `versions` are the versions of symbols that it asks of libraries (`libc.so.6 GLIBC_2.34`), `defines` those that it has. `machine` is
    ELF's number of the processor and the bits of its addresses, as `62/64`. `partial` tells that the file was too large to say so.
    """

    machine: str
    libraries: tuple[str, ...] = ()
    soname: str = ""
    loader: str = ""
    versions: tuple[str, ...] = ()
    defines: tuple[str, ...] = ()
    partial: bool = False


Fact = (
    Unread
    | Package
    | Distribution
    | OwnedPaths
    | Licence
    | ContentSet
    | Secret
    | BinaryFiles
    | FileMode
    | Account
    | Needs
)


class FileFacts(Struct, frozen=True, array_like=True):
    """What one detector learned from one file of one layer; `path` is as in the layer, without leading slash."""

    path: str
    facts: tuple[Fact, ...] = ()


class LayerShape(Struct, frozen=True, array_like=True):
    """What a layer does to the layers below it, and how much it holds.

    `whiteouts` are the removed paths and `opaques` the directories whose lower content is hidden, each UTF-8
    and ended by a NUL byte; `links` are all symbolic links, path and target as written in turn, packed the same
    way. `hidden` holds, sorted, eight bytes in the machine's order for each entry that is not a directory
    (`hullmark.images.walk.path_mark`): such an entry also hides a whole directory of its name below it.
    `folders` holds the same for directories, which replace a link of their name. `implied` are the directories that
    hold entries but for which, or for one above them, the layer has no entry of their own: only the way to these may
    lead over a link of a lower layer.
    `entries` counts tar entries, `size_bytes` the bytes of the files in them, `skipped` entries without a usable path.
    """

    whiteouts: bytes = b""
    opaques: bytes = b""
    links: bytes = b""
    hidden: bytes = b""
    folders: bytes = b""
    entries: int = 0
    size_bytes: int = 0
    skipped: int = 0
    unread: tuple[Unread, ...] = ()
    implied: bytes = b""
