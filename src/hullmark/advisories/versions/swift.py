"""Swift packages: semantic versions under a repository's address, which is the package's name.

Specification: github.com/swiftlang/swift-package-manager, PackageVersion, and OSV's ecosystem SwiftURL.
"""

from hullmark.advisories._formats.semver import key
from hullmark.advisories.scheme import Scheme


def fold(name: str) -> str:
    """Give the one name of a repository, however its address is written (`https://…`, `git@host:…`, `.git`)."""
    address = name.strip().lower().rpartition("://")[2].rstrip("/").removesuffix(".git")
    host, slash, path = address.partition("/")
    return host.rpartition("@")[2].replace(":", "/") + slash + path


SCHEME = Scheme(name="swift", ecosystems=("swift",), key=key, fold=fold)
