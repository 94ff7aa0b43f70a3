"""Go's order of versions: of modules (`v1.2.3`) and of the toolchain (`go1.21rc2`).

Sources: go.dev/ref/mod#versions and go.dev/doc/toolchain#version. Modules are semantic versions, pseudo-versions
and `+incompatible` among them. The Go vulnerability database writes the toolchain's releases so as well
(1.21rc2 is 1.21.0-rc.2); binaries state `go1.21rc2`, and what follows a `-` or a space there
(`go1.21.3-vendor`, `go1.21.3 X:boringcrypto`) is no pre-release but the same release, built otherwise.
"""

import re

from hullmark.advisories._formats.semver import key as semantic
from hullmark.advisories.scheme import Scheme

# `b7` is the count of a build of BoringCrypto's branch (go1.18.3b7), not a beta
_TOOLCHAIN = re.compile(
    r"(go)?([0-9]+(?:\.[0-9]+)?)(?:(alpha|beta|rc)([0-9]+)|((?:\.[0-9]+)?)(?:b[0-9]+)?)(?:[- ].*)?\Z"
)


def key(text: str) -> bytes:
    """Give the sort key of a Go version."""
    match = _TOOLCHAIN.match(text)
    if match is None or not (match[1] or match[3]):
        return semantic(text)
    _go, release, kind, count, patch = match.groups()
    return semantic(f"{release}-{kind}.{count}" if kind else release + patch)


SCHEME = Scheme(name="golang", ecosystems=("golang",), key=key)
