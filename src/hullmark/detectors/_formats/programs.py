"""Which of a package's paths may be programs, where the database lists names only.

The detectors that look into binaries want a file for its content, so no pattern tells which paths they want. A database that
knows permissions says it exactly (rpm, apk); for the others a name must do. What is taken for a program by mistake
costs the bytes of its path, what is missed is counted beside its package.
"""

import re
from collections.abc import Sequence

_FOLDER = re.compile(r"(?:.*/)?(?:s?bin|games)/[^/]+", re.DOTALL)
_DATA = ("usr/share/", "usr/include/", "usr/src/", "etc/", "var/")
_SCRIPTS = (".py", ".js", ".ts", ".rb", ".pm", ".pl", ".h", ".json", ".pyc", ".md", ".ko", ".a", ".mo")
_EXTENSION = re.compile(r"\.[A-Za-z][\w+-]*\Z|\.so\.[\d.]*\Z")
_LIBRARY = re.compile(r"\.so(?:\.[\d.]*)?\Z")


def among(paths: Sequence[str], *, libraries: bool = False) -> list[str]:
    """Give the paths (no leading slash) that may be programs: in a folder for these, or anywhere but among data without an extension.

    `libraries` tells that shared libraries have an execute bit there, so they are looked into as well; Debian's have none (Debian
    Policy 8.1). A folder is told by what follows it.
    """
    return [
        path
        for path, after in zip(paths, [*paths[1:], ""], strict=False)
        # what most paths are is said without a call, since a package manager lists 100,000 of them
        if (not path.startswith(_DATA) or "bin/" in path or "games/" in path)
        and not path.endswith(_SCRIPTS)
        and _may_run(path, libraries=libraries)
        and not after.startswith(f"{path}/")
    ]


def _may_run(path: str, *, libraries: bool) -> bool:
    if ("bin/" in path or "games/" in path) and _FOLDER.fullmatch(path):
        return True
    if path.startswith(_DATA) or "/share/" in path:
        return False
    folder, _, name = path.rpartition("/")
    if not folder or not name or name.isupper():  # LICENSE, README, PKG-INFO
        return False
    return not _EXTENSION.search(name) or (libraries and _LIBRARY.search(name) is not None)
