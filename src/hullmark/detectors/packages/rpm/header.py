"""One header of an rpm database: what rpm keeps of one installed package.

Format: rpm's docs/manual/format_header.md, without the magic in front: number of index entries and size of the
store (big-endian, four bytes each), the entries of 16 bytes (tag, type, offset, count), the store. The tags are those
of docs/manual/tags.md.
"""

import hashlib
import re
import struct

from hullmark.detectors.detector import MalformedError

SHA1HEADER, SHA256HEADER = 269, 273
NAME, VERSION, RELEASE, EPOCH = 1000, 1001, 1002, 1003
VENDOR, LICENSE, ARCH, OLDFILENAMES, FILEMODES, SOURCERPM = 1011, 1014, 1022, 1027, 1030, 1044
DIRINDEXES, BASENAMES, DIRNAMES = 1116, 1117, 1118
MODULARITYLABEL = 5096

_TAGS = frozenset(
    {SHA1HEADER, SHA256HEADER, NAME, VERSION, RELEASE, EPOCH, VENDOR, LICENSE, ARCH, OLDFILENAMES, SOURCERPM}
    | {FILEMODES, DIRINDEXES, BASENAMES, DIRNAMES, MODULARITYLABEL}
)
_STRING_TYPES = frozenset({6, 8, 9})  # string, string array, translated string
_INT16, _INT32, _BIN = 3, 4, 7
_IMMUTABLE = 63
_MAX_ENTRIES = 0xFFFF  # what rpm itself accepts
_MAX_PATH = 4096  # PATH_MAX; one long folder with many names in it would become endless text
_MAGIC = b"\x8e\xad\xe8\x01\0\0\0\0"
_ENTRY = struct.Struct(">4i")
_HEX = re.compile(r"[0-9a-f]{40,64}")


class Header:
    """The tags of one package. Raises `MalformedError` for a blob that is no header, when made or when asked."""

    def __init__(self, blob: bytes, max_strings: int) -> None:
        if len(blob) < 8:
            raise MalformedError("header cut short")
        count, size = struct.unpack_from(">II", blob)
        self._store = 8 + count * 16
        self._end = self._store + size
        if not 0 < count <= _MAX_ENTRIES or self._end > len(blob):
            raise MalformedError("header with impossible sizes")
        self._blob = blob
        self._count = count
        self._max_strings = max_strings
        # An entry after the immutable region replaces one of the same tag in it.
        index = _ENTRY.iter_unpack(memoryview(blob)[8 : self._store])
        self._entries: dict[int, tuple[int, int, int]] = {
            tag: (kind, offset, items) for tag, kind, offset, items in index if tag in _TAGS
        }

    def strings(self, tag: int) -> list[str]:
        """Give all strings of a tag; none where it is missing."""
        kind, offset, count = self._entries.get(tag, (0, 0, 0))
        if not count:
            return []
        start = self._store + offset
        if (
            kind not in _STRING_TYPES
            or offset < 0
            or start >= self._end
            or not 0 < count <= self._end - start
        ):
            raise MalformedError(f"tag {tag} out of bounds")
        if count > self._max_strings:
            raise MalformedError(f"tag {tag} with more than {self._max_strings} strings")
        if count == 1:
            end = self._blob.find(b"\0", start, self._end)
            found = [self._blob[start:end]] if end >= 0 else []
        else:
            found = self._blob[start : self._end].split(b"\0", count)
            found.pop()
        if len(found) != count:
            raise MalformedError(f"tag {tag} cut short")
        return [text.decode("utf-8", "replace") for text in found]

    def string(self, tag: int) -> str:
        """Give the first string of a tag, or the empty string."""
        return next(iter(self.strings(tag)), "")

    def numbers(self, tag: int) -> tuple[int, ...]:
        """Give all 32-bit numbers of a tag."""
        kind, offset, count = self._entries.get(tag, (0, 0, 0))
        if not count:
            return ()
        start = self._store + offset
        if kind != _INT32 or offset < 0 or not 0 < count <= (self._end - start) // 4:
            raise MalformedError(f"tag {tag} out of bounds")
        if count > self._max_strings:
            raise MalformedError(f"tag {tag} with more than {self._max_strings} numbers")
        return struct.unpack_from(f">{count}I", self._blob, start)

    def modes(self) -> tuple[int, ...]:
        """Give type and permissions of each path, in the order of `paths`; none where they are not all there."""
        kind, offset, count = self._entries.get(FILEMODES, (0, 0, 0))
        start = self._store + offset
        if kind != _INT16 or offset < 0 or not 0 < count <= min((self._end - start) // 2, self._max_strings):
            return ()
        return struct.unpack_from(f">{count}H", self._blob, start)

    def path_count(self) -> int:
        """Tell how many paths the header claims to have."""
        return max(self._entries.get(tag, (0, 0, 0))[2] for tag in (BASENAMES, OLDFILENAMES))

    def paths(self) -> list[str]:
        """Give the package's paths, without leading slash."""
        names = self.strings(BASENAMES)
        if not names:
            return [path.lstrip("/") for path in self.strings(OLDFILENAMES)]
        folders = [folder.lstrip("/") for folder in self.strings(DIRNAMES)]
        indexes = self.numbers(DIRINDEXES)
        if len(indexes) != len(names) or max(indexes) >= len(folders) or max(map(len, folders)) > _MAX_PATH:
            raise MalformedError("file list with impossible folders")
        return [folders[index] + name for index, name in zip(indexes, names, strict=True)]

    def is_intact(self) -> bool | None:
        """Tell whether the digest that the header holds is that of its immutable region; None where it has none."""
        stated = self.string(SHA256HEADER) or self.string(SHA1HEADER)
        if not _HEX.fullmatch(stated):
            return None if not stated else False
        tag, kind, offset, count = _ENTRY.unpack_from(self._blob, 8)
        if (tag, kind, count) != (_IMMUTABLE, _BIN, 16) or not 0 <= offset <= self._end - self._store - 16:
            return False
        # The region ends in a trailer, an entry whose offset is minus the size of the region's index.
        tag, kind, back, count = _ENTRY.unpack_from(self._blob, self._store + offset)
        entries, rest = divmod(-back, 16)
        if tag != _IMMUTABLE or rest or not 0 < entries <= self._count:
            return False
        digest = hashlib.sha256() if len(stated) == 64 else hashlib.sha1(usedforsecurity=False)
        view = memoryview(self._blob)
        digest.update(_MAGIC + struct.pack(">II", entries, offset + 16))
        digest.update(view[8 : 8 + entries * 16])
        digest.update(view[self._store : self._store + offset + 16])
        return digest.hexdigest() == stated
