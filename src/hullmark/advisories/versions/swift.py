"""Swift packages: semantic versions under a repository's address, which is the package's name.

Specification: github.com/swiftlang/swift-package-manager, PackageVersion, and OSV's ecosystem SwiftURL.
"""

import re

from hullmark.advisories._formats.semver import key
from hullmark.advisories.scheme import Scheme

_START = re.compile(r"(?:[a-z+]+://)?(?:[^@/]*@)?")


def fold(name: str) -> str:
    """Give the one name of a repository, however its address is written (`https://…`, `git@host:…`, `.git`)."""
    address = name.strip().lower().rstrip("/").removesuffix(".git")
    return _START.sub("", address, count=1).replace(":", "/", 1)


SCHEME = Scheme(name="swift", ecosystems=("swift",), key=key, fold=fold)
