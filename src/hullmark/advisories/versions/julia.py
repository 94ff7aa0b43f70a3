"""Julia's order of versions: semantic, but build metadata counts.

Source: docs.julialang.org, `VersionNumber`, and `base/version.jl`. Packages of binaries (`…_jll`) count their builds
of one release so, and Julia's advisories name them: 2.13.6+0 < 2.13.6+1.
"""

from hullmark.advisories._formats.semver import build_key
from hullmark.advisories.scheme import Scheme

SCHEME = Scheme(name="julia", ecosystems=("julia",), key=build_key)
