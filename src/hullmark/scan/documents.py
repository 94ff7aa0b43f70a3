"""Whether a reference names an SBOM in place of an image, and its bytes. Light, since every scan asks."""

import sys
from pathlib import Path

from hullmark.model.errors import ImageError, UsageError

MAX_BYTES = 64 * 1024 * 1024
BOM = b"\xef\xbb\xbf"
_HEAD = 4096
_MARKS = (b'"bomFormat"', b'"spdxVersion"', b'"SPDXID"', b"cyclonedx.org/", b"spdx.dev/Document")


def document_of(reference: str) -> tuple[bytes, str] | None:
    """Give the SBOM that a reference names, and its name; None where the reference is for an image.

    That is what stands after `sbom:` (`-` for standard input), or a local file or standard input that looks like one.
    """
    prefix, colon, rest = reference.partition(":")
    asked = bool(colon) and prefix == "sbom"
    target = rest if asked else reference
    if asked and not target:
        raise UsageError("nothing stands after sbom:", where=reference)
    if target == "-":
        stream = sys.stdin.buffer
        peek = getattr(stream, "peek", None)
        if not asked and (peek is None or not _is_object(peek(_HEAD)[:_HEAD])):
            return None
        return stream.read(MAX_BYTES + 1), "standard input"
    path = Path(target)
    try:
        if not asked and not path.is_file():
            return None
        with path.open("rb") as file:
            head = file.read(_HEAD)
            if not asked and not looks_like_sbom(head):
                return None
            return head + file.read(MAX_BYTES + 1 - len(head)), target
    except (OSError, ValueError) as problem:
        if not asked:
            return None  # the image sources say what is wrong with it
        reason = problem.strerror if isinstance(problem, OSError) else str(problem)
        raise ImageError(
            f"cannot be read: {reason}", where=target, hint="sbom:FILE, or sbom:- for standard input"
        ) from problem


def looks_like_sbom(head: bytes) -> bool:
    """Tell from a file's first bytes whether it is JSON with the marks of an SBOM."""
    return _is_object(head) and any(mark in head for mark in _MARKS)


def _is_object(head: bytes) -> bool:
    """Tell whether it begins as a JSON object, which no archive does. Of a pipe the first bytes may be all there is yet."""
    return head.removeprefix(BOM).lstrip().startswith(b"{")
