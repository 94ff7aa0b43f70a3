"""Examples of rules about images, read: what `Rule.bad` and `Rule.good` of them hold.

Each is JSON: an image's configuration document with, beside it, what is visible in the file system. `modes` are `4755 0:0 usr/bin/su`, with a slash
behind a folder and capabilities as a fourth word; `paths` are paths, `packages` an ecosystem and a name, `accounts`, `shadow` and `groups` lines of
`/etc/passwd`, `/etc/shadow` and `/etc/group`. With `base_` in front they came with the base image; `name` is how the image is called.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from hullmark.detectors.config.accounts import account, group
from hullmark.detectors.config.image.view import AccountAt, ImageView, ModeAt, PackageAt, PathAt, view_of
from hullmark.model.facts import FileMode
from hullmark.model.image import Layer


def view(example: str) -> ImageView:
    """Make of an example what the checks look at: one layer whose origin is not known, or one of the base image and one on top."""
    given: dict[str, Any] = msgspec.json.decode(example, type=dict[str, Any])
    has_base = any(name.startswith("base_") for name in given)
    steps = [step for step in given.get("history", ()) if not step.get("empty_layer")]
    count = 2 if has_base else max(len(steps), 1)
    layers = [
        Layer(index=at, digest=f"sha256:{at:064d}", from_base=at == 0 if has_base else None)
        for at in range(count)
    ]
    top = count - 1
    places = [("base_", 0), ("", top)]
    return view_of(
        given,
        name=given.get("name", ""),
        layers=layers,
        modes=[_mode(line, layer) for prefix, layer in places for line in given.get(f"{prefix}modes", ())],
        paths=[PathAt(path, layer) for prefix, layer in places for path in given.get(f"{prefix}paths", ())],
        packages=[
            _package(line, layer) for prefix, layer in places for line in given.get(f"{prefix}packages", ())
        ],
        accounts=[
            *_accounts(given.get("accounts", ()), "etc/passwd", top),
            *_accounts(given.get("shadow", ()), "etc/shadow", top),
            *_accounts(given.get("groups", ()), "etc/group", top),
        ],
    )


def _mode(line: str, layer: int) -> ModeAt:
    bits, owner, path, *rest = line.split(" ")
    uid, gid = (int(number) for number in owner.split(":"))
    mode = FileMode(int(bits, 8), uid, gid, " ".join(rest), folder=path.endswith("/"))
    return ModeAt(path.rstrip("/"), layer, mode)


def _package(line: str, layer: int) -> PackageAt:
    ecosystem, _, name = line.partition(" ")
    return PackageAt(ecosystem, name, layer)


def _accounts(lines: list[str], path: str, layer: int) -> Iterator[AccountAt]:
    for line in lines:
        found = group(line) if path == "etc/group" else account(line, is_shadow=path == "etc/shadow")
        assert found is not None, line
        yield AccountAt(path, layer, found)
