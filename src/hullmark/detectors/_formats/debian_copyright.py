"""Debian copyright files: which licences they state, in SPDX words where Debian's name has a clear counterpart.

Formats: the machine-readable one (Debian copyright-format 1.0, also known as DEP-5), and the free form of
Debian Policy 12.5, which names a text under /usr/share/common-licenses.
"""

import re
from collections.abc import Iterator

_MACHINE_READABLE = re.compile(
    rb"^Format(?:-Specification)?:[^\n]*(?:\n[ \t][^\n]*)?(?:copyright-format|dep-?5|CopyrightFormat)",
    re.IGNORECASE | re.MULTILINE,
)
_FIELD = b"\nlicense:"
_COMMON = re.compile(
    rb"/usr/share/common-licenses/([A-Za-z][A-Za-z0-9.+-]*)"
    rb"|\bv(?:ersion)?\s{0,8}(\d(?:\.\d)?)\b(?=[^.]{0,60}\b(?:later|newer)\b)"
)
_SPLIT = re.compile(r"\s+(and/or|and|or)\s+", re.IGNORECASE)
_GNU = re.compile(
    r"(AGPL|LGPL|GPL|GFDL)(-NIV)?-?v?([0-9](?:\.[0-9])?)(?:\.0)?(\+|-or-later|-only)?", re.IGNORECASE
)
_EXCEPTION = re.compile(r"(\S+)\s+with\s+(\S+?)(?:[ -]exceptions?)?", re.IGNORECASE)
_MAX_EXPRESSION = 200
_MAX_PHRASE = 40

_GNU_MINOR = {"GPL": {}, "AGPL": {}, "LGPL": {"2.1"}, "GFDL": {"1.1", "1.2", "1.3"}}
_NAMES = """
0BSD AFL-2.0 AFL-2.1 AFL-3.0 Apache-1.0 Apache-1.1 Apache-2.0 APSL-2.0 Artistic-1.0 Artistic-2.0 Beerware
BSD-1-Clause BSD-2-Clause BSD-3-Clause BSD-4-Clause BSD-4-Clause-UC BSD-Source-Code BSL-1.0 CC-BY-3.0
CC-BY-4.0 CC-BY-SA-2.0 CC-BY-SA-2.5 CC-BY-SA-3.0 CC-BY-SA-4.0 CC0-1.0 CDDL-1.0 CDDL-1.1 CECILL-B CECILL-C
CPL-1.0 curl EFL-2.0 EPL-1.0 EPL-2.0 EUPL-1.1 EUPL-1.2 FSFAP FSFUL FSFULLR FTL HPND ICU IJG IPL-1.0 ISC JSON
LPPL-1.3a LPPL-1.3c MIT MIT-0 MIT-CMU MPL-1.0 MPL-1.1 MPL-2.0 MS-PL MulanPSL-2.0 NCSA NTP OFL-1.0 OFL-1.1
OLDAP-2.8 OpenSSL PHP-3.0 PHP-3.01 PostgreSQL PSF-2.0 Python-2.0 QPL-1.0 Ruby SGI-B-2.0 SISSL Sleepycat TCL
TCP-wrappers Unicode-3.0 Unicode-DFS-2015 Unicode-DFS-2016 Unlicense UPL-1.0 Vim W3C WTFPL X11 XFree86-1.1
Xnet Zlib zlib-acknowledgement ZPL-2.0 ZPL-2.1 bzip2-1.0.6 libpng-2.0 Libpng libtiff Linux-OpenIB
TU-Berlin-2.0
"""
_SPDX = {name.lower(): name for name in _NAMES.split()} | {
    "apache-2": "Apache-2.0",
    "artistic": "Artistic-1.0-Perl",
    "artistic-2": "Artistic-2.0",
    "bsd-2": "BSD-2-Clause",
    "bsd-3": "BSD-3-Clause",
    "bsd-4": "BSD-4-Clause",
    "boost-1.0": "BSL-1.0",
    "cc0": "CC0-1.0",
    "cc0-1": "CC0-1.0",
    "expat": "MIT",
    "mit/x11": "MIT",
    "mpl-2": "MPL-2.0",
    "openldap-2.8": "OLDAP-2.8",
    "perl": "Artistic-1.0-Perl OR GPL-1.0-or-later",
    "sil-1.1": "OFL-1.1",
    "w3c-software": "W3C",
    "zlib/libpng": "Zlib",
    "zope-2.1": "ZPL-2.1",
}
_SPDX_EXCEPTIONS = {
    ("autoconf", "GPL-2"): "Autoconf-exception-2.0",
    ("autoconf", "GPL-3"): "Autoconf-exception-3.0",
    ("bison", "GPL-2"): "Bison-exception-2.2",
    ("bison", "GPL-3"): "Bison-exception-2.2",
    ("classpath", "GPL-2"): "Classpath-exception-2.0",
    ("font", "GPL-2"): "Font-exception-2.0",
    ("font", "GPL-3"): "Font-exception-2.0",
    ("gcc", "GPL-3"): "GCC-exception-3.1",
    ("libtool", "GPL-2"): "Libtool-exception",
    ("libtool", "GPL-3"): "Libtool-exception",
    ("linux-syscall-note", "GPL-2"): "Linux-syscall-note",
    ("llvm", "Apach"): "LLVM-exception",
}


def licences(body: bytes) -> tuple[str, ...]:
    """Give the licences that a copyright file states, each once, in the order of the file."""
    found: dict[str, None] = {}
    if _MACHINE_READABLE.search(body, 0, 4096):
        lines = dict.fromkeys(_fields(body))
        found = dict.fromkeys(spdx(line.decode("utf-8", "replace").strip()) for line in lines)
        found.pop("", None)
    return tuple(found) or tuple(_references(body))


def _fields(body: bytes) -> Iterator[bytes]:
    """Give the first lines of the licence fields. A pattern would have to try each line, which takes ten times longer."""
    text = b"\n" + body
    lowered = text.lower()
    at = lowered.find(_FIELD)
    while at >= 0:
        start = at + len(_FIELD)
        end = text.find(b"\n", start)
        yield text[start : end if end >= 0 else None]
        at = lowered.find(_FIELD, start)


def spdx(line: str) -> str:
    """Put a short name or an expression of them into SPDX words; empty for what is running text, not a name.

    Names without a clear counterpart stay as Debian has them.
    """
    if len(line) > _MAX_EXPRESSION:
        return ""
    groups: list[str] = []
    # A comma before "and" or "or" ends a group (copyright-format 1.0, 7.2): "A or B, and C" is "(A or B) and C".
    for group in re.split(r",\s*(?=(?:and|or)\s)", line, flags=re.IGNORECASE):
        joint = ""
        if groups:
            joint, _, group = group.partition(" ")  # noqa: PLW2901  # the joint is no part of it
        words = _SPLIT.split(group.strip())
        words[::2] = [_operand(word) for word in words[::2]]
        words[1::2] = ["AND" if word.lower() == "and" else "OR" for word in words[1::2]]
        if not all(words) or not {"and", "or"}.isdisjoint(words[::2]):
            return ""
        groups += [joint.upper(), " ".join(words)] if joint else [" ".join(words)]
    if len(groups) == 1:
        return groups[0]
    return " ".join(f"({group})" if " OR " in group else group for group in groups)


def _operand(name: str) -> str:
    """Map one short name, with its exception if it has one."""
    if name.lower() in _SPDX:
        return _SPDX[name.lower()]
    gnu = _gnu(name)
    if gnu:
        return gnu
    exception = _EXCEPTION.fullmatch(name)
    if exception:
        licence = _operand(exception[1])
        known = _SPDX_EXCEPTIONS.get((exception[2].lower().removesuffix("-runtime-library"), licence[:5]))
        return f"{licence} WITH {known}" if known else name
    if " " in name and (len(name) > _MAX_PHRASE or "," in name or name[-1] in ".:;"):
        return ""
    return name


def _gnu(name: str) -> str:
    """Map a name of the GNU family. Without `+` it is that version only; without a version the lowest is meant."""
    if name.lower() in {"gpl+", "lgpl+", "agpl+"}:
        return {"gpl+": "GPL-1.0-or-later", "lgpl+": "LGPL-2.0-or-later", "agpl+": "AGPL-1.0-or-later"}[
            name.lower()
        ]
    match = _GNU.fullmatch(name)
    if not match:
        return ""
    family, version = match[1].upper(), match[3]
    if "." not in version:
        version += ".0"
    if not version.endswith(".0") and version not in _GNU_MINOR[family]:
        return ""
    niv = "-no-invariants" if match[2] else ""
    return f"{family}-{version}{niv}{'-or-later' if match[4] in {'+', '-or-later'} else '-only'}"


def _references(body: bytes) -> Iterator[str]:
    """Give the common licences that a free-form file points to.

    The name of the text says which licence, the words before it whether later versions are allowed too; where they
    say nothing, the name stays as Debian has it.
    """
    found: dict[str, None] = {}
    later = ""
    for match in _COMMON.finditer(body):
        if match[2]:
            later = match[2].decode()
            continue
        name = match[1].decode().rstrip(".-+")
        family, _, version = name.partition("-")
        if family in {"GPL", "LGPL", "GFDL"}:
            if later and version in {later, later.removesuffix(".0"), ""}:
                name = _gnu(f"{family}-{later}+") or name
            later = ""
        else:
            name = _SPDX.get(name.lower(), name)
        found[name] = None
    for name in found:
        # "GPL-2" says no more than a "GPL-2.0-or-later" of the same file
        if not any(
            other.startswith((f"{name}.", f"{name}-")) and other.endswith("-or-later") for other in found
        ):
            yield name
