"""CPE names, version 2.3 as formatted strings. Specification: NIST IR 7695, section 6.2."""

import re
from typing import NamedTuple

_ESCAPED = re.compile(r"\\(.)")
_PARTS = re.compile(r":((?:[^:\\]|\\.)*)")
_PREFIX = "cpe:2.3"
_MAX_LENGTH = 2000

_OTHER_SYSTEMS = frozenset(
    {
        "android",
        "chrome_os",
        "harmonyos",
        "ipad_os",
        "ipados",
        "iphone_os",
        "ios",
        "mac_os",
        "mac_os_x",
        "macos",
        "macintosh",
        "tvos",
        "vxworks",
        "watchos",
        "windows",
        "windows_10",
        "windows_mobile",
        "windows_nt",
        "windows_phone",
        "x64_windows",
    }
)
_OTHER_VENDORS = frozenset({"apple", "google", "microsoft"})


class Cpe(NamedTuple):
    """What counts here of a name; `any` is the empty text and `not applicable` is `-`."""

    part: str
    vendor: str
    product: str
    version: str
    update: str
    target_system: str

    @property
    def name(self) -> str:
        """Give `vendor:product`, as bare binaries are known by."""
        return f"{self.vendor}:{self.product}"

    @property
    def exact_version(self) -> str:
        """Give the version with its update (`1.0.2-beta1`)."""
        return f"{self.version}-{self.update}" if self.update not in ("", "-") else self.version

    @property
    def is_elsewhere(self) -> bool:
        """Whether this is, or runs on, an operating system that no Linux container is."""
        if self.part == "o":
            return self.vendor in _OTHER_VENDORS or self.product in _OTHER_SYSTEMS
        return self.target_system in _OTHER_SYSTEMS


def parse(text: str) -> Cpe | None:
    """Split a formatted string, or give None for what is none."""
    if not text.startswith(_PREFIX) or len(text) > _MAX_LENGTH:
        return None
    parts = [_ESCAPED.sub(r"\1", part) if part != "*" else "" for part in _PARTS.findall(text, len(_PREFIX))]
    if len(parts) != 11:
        return None
    return Cpe(parts[0], parts[1], parts[2], parts[3], parts[4], parts[8])
