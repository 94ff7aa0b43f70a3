"""Caches and other leftovers of builds, told by the folders they are in. Pure.

The places are the tools' own defaults, as their manuals give them; a folder counts wherever it stands below one of these names.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from hullmark.images.index import FILE, LayerIndex
from hullmark.model.layering import Leftover

_MOST_PLACES = 10_000


class Cache(NamedTuple):
    """Where a tool leaves what nobody needs at run time (a pattern over a folder's path), what it is called, and how it is not left."""

    tool: str
    what: str
    pattern: str
    fix: str


_HOME_CACHE = r"(?:^|/)\.cache/"
CACHES = (
    Cache(
        "apt",
        "package lists and archives of apt",
        r"^var/lib/apt/lists|^var/cache/apt",
        "`rm -rf /var/lib/apt/lists/*` in the same RUN, or a cache mount for /var/lib/apt and /var/cache/apt",
    ),
    Cache("apk", "cache of apk", r"^var/cache/apk|^etc/apk/cache", "`apk add --no-cache`"),
    Cache(
        "dnf",
        "cache of dnf or yum",
        r"^var/cache/(?:dnf|yum|libdnf5)",
        "`dnf clean all` in the same RUN, or a cache mount for /var/cache/dnf",
    ),
    Cache("zypper", "cache of zypper", r"^var/cache/zypp", "`zypper clean --all` in the same RUN"),
    Cache("pacman", "cache of pacman", r"^var/cache/pacman/pkg", "`pacman -Scc --noconfirm` in the same RUN"),
    Cache(
        "pip",
        "cache of pip",
        _HOME_CACHE + r"pip(?=/|$)",
        "`pip install --no-cache-dir`, or `RUN --mount=type=cache,target=/root/.cache/pip`",
    ),
    Cache(
        "uv",
        "cache of uv",
        _HOME_CACHE + r"uv(?=/|$)",
        "`uv sync --no-cache`, or a cache mount for /root/.cache/uv",
    ),
    Cache(
        "poetry",
        "cache of poetry",
        _HOME_CACHE + r"pypoetry(?=/|$)",
        "`poetry install --no-cache`, or a cache mount",
    ),
    Cache(
        "npm",
        "cache of npm",
        r"(?:^|/)\.npm/_(?:cacache|logs|npx)(?=/|$)",
        "`npm cache clean --force` in the same RUN, or `RUN --mount=type=cache,target=/root/.npm`",
    ),
    Cache(
        "yarn",
        "cache of yarn",
        _HOME_CACHE + r"yarn(?=/|$)|^usr/local/share/\.cache|(?:^|/)\.yarn/berry/cache(?=/|$)",
        "`yarn cache clean` in the same RUN, or a cache mount",
    ),
    Cache(
        "pnpm",
        "store of pnpm",
        r"(?:^|/)\.pnpm-store(?=/|$)|(?:^|/)\.local/share/pnpm/store(?=/|$)|" + _HOME_CACHE + r"pnpm(?=/|$)",
        "a cache mount for the store",
    ),
    Cache(
        "bun",
        "cache of bun",
        r"(?:^|/)\.bun/install/cache(?=/|$)",
        "a cache mount for /root/.bun/install/cache",
    ),
    Cache(
        "go",
        "build and module cache of Go",
        _HOME_CACHE + r"go-build(?=/|$)|(?:^|/)go/pkg/(?:mod|sumdb)(?=/|$)",
        "a stage of its own for the build, of which only the binary is copied",
    ),
    Cache(
        "cargo",
        "registry and build leftovers of cargo",
        r"(?:^|/)\.?cargo/(?:registry|git)(?=/|$)|(?:^|/)target/(?:debug|release)/(?:deps|build|incremental|\.fingerprint)(?=/|$)",
        "a stage of its own for the build, of which only the binary is copied",
    ),
    Cache(
        "maven",
        "repository of Maven",
        r"(?:^|/)\.m2/repository(?=/|$)",
        "a stage of its own for the build, or `RUN --mount=type=cache,target=/root/.m2`",
    ),
    Cache(
        "gradle",
        "caches of Gradle",
        r"(?:^|/)\.gradle/(?:caches|wrapper/dists|daemon)(?=/|$)",
        "a stage of its own for the build, or a cache mount for /root/.gradle",
    ),
    Cache(
        "composer",
        "cache of Composer",
        r"(?:^|/)\.composer/cache(?=/|$)|" + _HOME_CACHE + r"composer(?=/|$)",
        "`composer install --no-cache`, or a cache mount",
    ),
    Cache(
        "gem",
        "downloaded gems",
        r"(?:^|/)(?:gems|ruby)/[^/]+/cache(?=/|$)|^usr/local/bundle/cache(?=/|$)",
        "`rm -rf /usr/local/bundle/cache` in the same RUN",
    ),
    Cache(
        "conda",
        "package cache of conda",
        r"(?:^|/)(?:mini|micro|mamba)?(?:conda|forge|ana(?:conda))\d?/pkgs(?=/|$)",
        "`conda clean -afy` in the same RUN",
    ),
    Cache(
        "nuget",
        "cache of NuGet",
        r"(?:^|/)\.local/share/NuGet/(?:v3-cache|http-cache)(?=/|$)",
        "a stage of its own for the build",
    ),
    Cache(
        "git", "repository of Git with its history", r"(?:^|/)\.git(?=/|$)", "a line `.git` in .dockerignore"
    ),
    Cache(
        "build",
        "leftovers of a build",
        r"(?:^|/)(?:CMakeFiles|autom4te\.cache|obj\.target)(?=/|$)|"
        + _HOME_CACHE
        + r"(?:node-gyp|ccache)(?=/|$)",
        "a stage of its own for the build",
    ),
    Cache("tmp", "temporary files", r"^(?:var/)?tmp(?=/|$)", "`rm -rf` of it in the same RUN"),
)
_BY_TOOL = {cache.tool: cache for cache in CACHES}
_ANY = re.compile("|".join(f"(?P<{cache.tool}>{cache.pattern})" for cache in CACHES).encode())


def cache_of(tool: str) -> Cache:
    """Give what is known of a tool's leftovers."""
    return _BY_TOOL[tool]


def leftovers(layers: Sequence[LayerIndex], hides: Sequence[bytearray]) -> tuple[Leftover, ...]:
    """Find caches and leftovers in layers; `hides` has a byte for each entry, 1 where it no longer shows. The largest first."""
    found: dict[tuple[str, bytes, int, int], list[int]] = {}
    for number, index in enumerate(layers):
        _in_layer(number, index, hides[number], found)
    made = (
        Leftover(
            tool=tool,
            path=place.decode("utf-8", "replace"),
            layer=layer,
            size_bytes=size,
            files=files,
            is_hidden=bool(hidden),
        )
        for (tool, place, layer, hidden), (size, files) in found.items()
    )
    return tuple(sorted(made, key=lambda each: (-each.size_bytes, each.layer, each.path, each.is_hidden)))


def _in_layer(
    number: int, index: LayerIndex, hides: bytearray, found: dict[tuple[str, bytes, int, int], list[int]]
) -> None:
    last, place = b"", None
    columns = zip(
        index.paths.split(b"\0")[:-1], index.kinds, memoryview(index.sizes).cast("Q"), hides, strict=True
    )
    for path, kind, size, hidden in columns:
        if kind != FILE[0] or not size:
            continue
        folder = path.rpartition(b"/")[0]
        if folder != last:
            last, place = folder, _place(folder)
        if place is not None:
            key = (*place, number, hidden)
            if key not in found and len(found) >= _MOST_PLACES:
                key = (place[0], b"", number, hidden)
            sums = found.setdefault(key, [0, 0])
            sums[0] += size
            sums[1] += 1


def _place(folder: bytes) -> tuple[str, bytes] | None:
    match = _ANY.search(folder)
    if match is None or match.lastgroup is None:
        return None
    return match.lastgroup, folder[: match.end()]
