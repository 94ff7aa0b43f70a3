"""rpm's own database format (`Packages.db`, SUSE), read from memory.

Format: rpm's lib/backend/ndb/rpmpkg.c, little-endian throughout. Pages of 4 KiB with slots of 16 bytes in front (the
first two hold the database's header), then blobs in blocks of 16 bytes, each with a head and a checksum at its end.
"""

import struct
import zlib
from collections.abc import Iterator

from hullmark.detectors.detector import MalformedError

MAGIC = b"RpmP"
_PAGE, _BLOCK, _SLOT, _HEAD, _TAIL = 4096, 16, 16, 16, 12


def blobs(body: bytes) -> Iterator[tuple[str, bytes | MalformedError]]:
    """Give each package's number and header blob, or what is wrong with it."""
    if len(body) < _PAGE:
        raise MalformedError("cut short")
    _magic, version, _generation, pages, _next = struct.unpack_from("<4s4I", body)
    if version != 0:
        raise MalformedError(f"ndb version {version} is not known")
    if not 0 < pages <= len(body) // _PAGE:
        raise MalformedError("more slot pages than the file has")
    seen: set[int] = set()
    slots = memoryview(body)[2 * _SLOT : pages * _PAGE]
    for number, (magic, package, block, count) in enumerate(struct.iter_unpack("<4s3I", slots), 2):
        if magic != b"Slot":
            raise MalformedError("not a slot", f"slot {number}")
        if not (package or block):
            continue
        place = f"package {package}"
        if package in seen:
            yield place, MalformedError("listed twice")
            continue
        seen.add(package)
        yield from ((place, found) for found in _blob(body, package, block * _BLOCK, count * _BLOCK))


def _blob(body: bytes, package: int, start: int, size: int) -> Iterator[bytes | MalformedError]:
    """Give the blob. One whose checksum is wrong is given all the same: its package is there, but may be misread."""
    if start + size > len(body) or size < _HEAD + _TAIL:
        yield MalformedError("blob out of bounds")
        return
    magic, owner, _generation, length = struct.unpack_from("<4s3I", body, start)
    if magic != b"BlbS" or owner != package or _HEAD + length + _TAIL > size:
        yield MalformedError("not the blob that its slot names")
        return
    # The tail stands at the end of the last block; the padding before it is checksummed too.
    tail_at = start + size - _TAIL
    checksum, again, magic = struct.unpack_from("<2I4s", body, tail_at)
    intact = magic == b"BlbE" and again == length
    if not intact or zlib.adler32(memoryview(body)[start:tail_at]) != checksum:
        yield MalformedError("blob with a wrong checksum")
    yield body[start + _HEAD : start + _HEAD + length]
