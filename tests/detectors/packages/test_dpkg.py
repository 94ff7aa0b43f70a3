"""dpkg: what several files say together, Debian's licence names, file lists."""

import time

import pytest

from hullmark.detectors._formats import debian_copyright
from hullmark.detectors.detector import File, Seen, View, read_file
from hullmark.detectors.packages.dpkg import DETECTOR, assemble
from hullmark.model.facts import Fact, Licence, OwnedPaths, Package, Unread

FORMAT = b"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n"


def facts(path: str, body: str | bytes) -> tuple[Fact, ...]:
    body = body.encode() if isinstance(body, str) else body
    return read_file(DETECTOR, File(path, body, wanted=lambda path: path.endswith("METADATA"))).facts


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("GPL-2+", "GPL-2.0-or-later"),
        ("GPL-2", "GPL-2.0-only"),
        ("GPL-2.0+", "GPL-2.0-or-later"),
        ("GPL-3.0-or-later", "GPL-3.0-or-later"),
        ("GPLv3+", "GPL-3.0-or-later"),
        ("LGPL-2.1+", "LGPL-2.1-or-later"),
        ("LGPL-2", "LGPL-2.0-only"),
        ("GFDL-NIV-1.3+", "GFDL-1.3-no-invariants-or-later"),
        ("GPL-2.7", "GPL-2.7"),
        ("Expat", "MIT"),
        ("BSD-3-clause", "BSD-3-Clause"),
        ("public-domain", "public-domain"),
        ("GPL-1+ or Artistic", "GPL-1.0-or-later OR Artistic-1.0-Perl"),
        ("GPL-2+ or LGPL-2.1+, and Expat", "(GPL-2.0-or-later OR LGPL-2.1-or-later) AND MIT"),
        ("Expat and/or Zlib", "MIT OR Zlib"),
        ("GPL-2+ with Autoconf exception", "GPL-2.0-or-later WITH Autoconf-exception-2.0"),
        ("GPL-3+ with GCC-Runtime-Library exception", "GPL-3.0-or-later WITH GCC-exception-3.1"),
        ("Apache-2.0 with LLVM exception", "Apache-2.0 WITH LLVM-exception"),
        ("GPL-2+ with OpenSSL exception", "GPL-2+ with OpenSSL exception"),
        ("Permission is hereby granted, free of charge, to any person obtaining", ""),
        ("and or and", ""),
        ("x" * 500, ""),
        ("", ""),
    ],
)
def test_short_names(name: str, expected: str) -> None:
    assert debian_copyright.spdx(name) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            FORMAT + b"Files: *\nLicense: GPL-2+\n text\n\nFiles: a\nLicense: Expat\n",
            ("GPL-2.0-or-later", "MIT"),
        ),
        (FORMAT + b"Files: *\nLicense:\n see /usr/share/common-licenses/MPL-2.0.\n", ("MPL-2.0",)),
        (
            b"version 2 of the License, or\n(at your option) any later version. /usr/share/common-licenses/GPL-2.\n",
            ("GPL-2.0-or-later",),
        ),
        (b"version 2.1 or later: see /usr/share/common-licenses/LGPL.\n", ("LGPL-2.1-or-later",)),
        (b"version 2 only. /usr/share/common-licenses/GPL-2\n", ("GPL-2",)),
        (
            b"version 3 or later, %sGPL-3 and %sGPL-3, %sApache-2.0."
            % ((b"/usr/share/common-licenses/",) * 3),
            ("GPL-3.0-or-later", "Apache-2.0"),
        ),
        (b"License: GPL-2+\nof a file that is not machine-readable", ()),
        (b"", ()),
    ],
)
def test_copyright_files(body: bytes, expected: tuple[str, ...]) -> None:
    found = facts("usr/share/doc/name/copyright", body)
    assert found == ((Licence("name", expected),) if expected else ())


def test_copyright_with_absurdly_many_licences() -> None:
    body = FORMAT + b"".join(b"License: odd-%d\n" % n for n in range(3000))
    licence, unread = facts("usr/share/doc/name/copyright", body)
    assert isinstance(licence, Licence)
    assert len(licence.licences) == 1000
    assert isinstance(unread, Unread)
    assert unread.kind == "file"


def test_file_lists() -> None:
    path = "usr/lib/python3/dist-packages/six.dist-info/METADATA"
    expected = (OwnedPaths("python3-six", (path,)),)
    listed = f"/.\n/usr\n/{path}\n/usr/share/doc/python3-six/copyright\n"
    assert facts("var/lib/dpkg/info/python3-six.list", listed) == expected
    assert facts("var/lib/dpkg/info/python3-six:amd64.list", listed) == expected
    sums = f"d41d8cd98f00b204e9800998ecf8427e  {path}\nd41d8cd98f00b204e9800998ecf8427e  usr/share/x\n"
    assert facts("var/lib/dpkg/status.d/python3-six.md5sums", sums) == expected


@pytest.mark.parametrize(
    ("status", "there"),
    [
        ("install ok installed", True),
        ("hold ok installed", True),
        ("deinstall ok installed", True),
        ("install ok unpacked", True),
        ("install ok half-configured", True),
        ("install ok triggers-awaited", True),
        ("install ok triggers-pending", True),
        ("install reinstreq half-installed", True),
        ("deinstall ok config-files", False),
        ("purge ok not-installed", False),
    ],
)
def test_states(status: str, *, there: bool) -> None:
    record = f"Package: a\nStatus: {status}\nVersion: 1\n"
    assert len(facts("var/lib/dpkg/status", record)) == there


def test_assemble_joins_licences() -> None:
    def package(name: str, source: str, version: str = "1") -> Package:
        return Package("deb", name, version, source=source, source_version=version)

    status = Seen(
        0,
        "var/lib/dpkg/status",
        (
            package("gcc-12-base", "gcc-12"),
            package("libstdc++6", "gcc-12"),
            package("libstdc++6-old", "gcc-12", "0"),
            package("adduser", "adduser"),
        ),
    )
    copyright_file = Seen(
        0, "usr/share/doc/gcc-12-base/copyright", (Licence("gcc-12-base", ("GPL-3.0-or-later",)),)
    )
    again = Seen(1, "var/lib/dpkg/status.d/adduser", (package("adduser", "adduser"),))
    found = list(assemble(View({"dpkg": [copyright_file, status, again]})))
    assert [(package.name, package.licences, seen.path) for package, seen in found] == [
        ("gcc-12-base", ("GPL-3.0-or-later",), status.path),
        ("libstdc++6", ("GPL-3.0-or-later",), status.path),
        ("libstdc++6-old", (), status.path),
        ("adduser", (), status.path),
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"License: " * 100_000,
        FORMAT + b"License: " + b"a and " * 100_000,
        FORMAT + b"License: " + b" " * 500_000,
        b"/usr/share/common-licenses/GPL-2 version 2 " * 20_000,
        b"version " + b" " * 500_000,
        b"v1 later" * 100_000,
        b"Format: x\n " * 50_000,
    ],
)
def test_copyright_takes_linear_time(body: bytes) -> None:
    started = time.monotonic()
    facts("usr/share/doc/name/copyright", body)
    assert time.monotonic() - started < 2
