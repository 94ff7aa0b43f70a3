"""How an image is built up in layers, what of it is wasted, what would be better, and how two builds of it differ.

Bytes are `stored_bytes` (as they are pushed and pulled, mostly compressed), `content_bytes` (the files in them, which are read again when a
layer is scanned again), or said to be what they are.
"""

from typing import Literal

from msgspec import Struct

from hullmark.model.facts import Unread

SCHEMA_VERSION = "1.0"

Role = Literal["", "manifests", "dependencies", "system", "source", "build", "copy", "settings"]
"""What an instruction does: brings lists of dependencies, installs them, installs packages of the system, copies the source, builds, copies something
else, or changes no file. Empty where it is not known."""
Hiding = Literal["deleted", "overwritten", "touched"]
Rebuilt = Literal["", "reused", "same_content", "changed", "new"]


class LayerSize(Struct, frozen=True, kw_only=True):
    """One layer. `instruction` is as a Dockerfile has it; `line` that of a Dockerfile, 0 for an image.

    `hidden_bytes` of its content do not show any more in the layers above; `cache_bytes` are caches and leftovers. `again` tells that a change to the
    source makes a build do it again. `status` says, beside an older build, whether it is the same layer, one with the same content
    or another. Sizes are None where they are not known: nothing of a Dockerfile alone tells what `RUN` will write.
    """

    index: int
    digest: str = ""
    instruction: str = ""
    line: int = 0
    role: Role = ""
    from_base: bool | None = None
    stored_bytes: int | None = None
    content_bytes: int | None = None
    files: int | None = None
    hidden_bytes: int = 0
    cache_bytes: int = 0
    again: bool = False
    status: Rebuilt = ""


class PathBytes(Struct, frozen=True):
    """A path, or a folder, with how many bytes of how many files it stands for."""

    path: str
    size_bytes: int
    files: int = 1


class Hidden(Struct, frozen=True, kw_only=True):
    """Bytes of a path that are pushed and pulled and never seen: in `layer`, hidden by the layer `by`.

    `how`: `deleted`, `overwritten` with other content, or `touched`: written again with the same content for the sake of its mode, owner or time.
    """

    path: str
    size_bytes: int
    files: int
    layer: int
    by: int
    how: Hiding


class Leftover(Struct, frozen=True, kw_only=True):
    """A cache or another leftover in a layer: whose it is (`tool`), the folder, bytes and files. `is_hidden`: a later layer deletes it, which saves nothing."""

    tool: str
    path: str
    layer: int
    size_bytes: int
    files: int
    is_hidden: bool = False


class Gain(Struct, frozen=True, kw_only=True):
    """What a proposal saves each time that the image is built after a change to its source.

    Bytes that are not pushed, not pulled and not scanned again, and layers that are reused. `smaller_bytes` are those of content by which the image itself gets smaller. None where it cannot be told; `exact` where it is no estimate.
    """

    pushed_bytes: int | None = None
    pulled_bytes: int | None = None
    scanned_bytes: int | None = None
    layers_reused: int = 0
    smaller_bytes: int = 0
    exact: bool = False


class Proposal(Struct, frozen=True, kw_only=True):
    """What could be better: the `rule` that says so, what is wrong here, what to do, in which layers or on which line, and what it gains."""

    rule: str
    message: str
    advice: str
    layers: tuple[int, ...] = ()
    line: int = 0
    gain: Gain = Gain()
    paths: tuple[PathBytes, ...] = ()


class Rebuild(Struct, frozen=True, kw_only=True):
    """What a build after a change to the source makes of the layers: as they stand, and with all proposals about their order followed."""

    layers_reused: int = 0
    layers_again: int = 0
    reused_bytes: int | None = None
    again_bytes: int | None = None
    layers_reused_then: int = 0
    again_bytes_then: int | None = None


class Totals(Struct, frozen=True, kw_only=True):
    """Sums. `efficiency`, `wasted_bytes` and `user_wasted_percent` (a share, 0 to 1) are dive's figures: a path that stands in several layers counts whole, the last of it as well.

    `hidden_bytes` are the content bytes that no longer show: the true loss. `user_wasted_percent` is None where dive has none: an image of one layer.
    """

    layers: int = 0
    stored_bytes: int | None = None
    content_bytes: int | None = None
    hidden_bytes: int = 0
    hidden_paths: int = 0
    cache_bytes: int = 0
    efficiency: float = 1.0
    wasted_bytes: int = 0
    user_wasted_percent: float | None = None


class FileChange(Struct, frozen=True, kw_only=True):
    """A file that differs between two builds of one layer; `aspects` say in what where both have it."""

    path: str
    change: Literal["new", "gone", "changed"]
    size_bytes: int
    aspects: tuple[str, ...] = ()


class LayerChange(Struct, frozen=True, kw_only=True):
    """A layer that is not the older build's. `old` is the layer there that it stands for, None where there is none.

    `why` the digest differs where the content is the same: times, the order of entries, compression, or what else stands in the headers of a tar.
    `files` are the largest of those that changed, `changed_files` and `changed_bytes` count all.
    """

    index: int
    old: int | None
    status: Rebuilt
    why: tuple[Literal["times", "order", "compression", "headers"], ...] = ()
    stored_bytes: int = 0
    changed_files: int = 0
    changed_bytes: int = 0
    files: tuple[FileChange, ...] = ()


class Comparison(Struct, frozen=True, kw_only=True):
    """What really changed since an older build. Pushed and pulled are the stored bytes of layers that it does not have; scanned their content.

    `avoidable_bytes` of the pushed are of layers whose content is the same.
    """

    name: str
    digest: str = ""
    layers_reused: int = 0
    reused_bytes: int = 0
    pushed_bytes: int = 0
    pulled_bytes: int = 0
    scanned_bytes: int = 0
    avoidable_bytes: int = 0
    changed_bytes: int = 0
    layers: tuple[LayerChange, ...] = ()


class GateResult(Struct, frozen=True, kw_only=True):
    """One gate: its name, the bound, what was found, and whether that passes."""

    name: str
    bound: str
    found: str
    passed: bool


class Layering(Struct, frozen=True, kw_only=True):
    """The result for one image, or for one Dockerfile. `incomplete` where something could not be read, `errors` say what."""

    schema_version: str = SCHEMA_VERSION
    kind: Literal["image", "dockerfile"] = "image"
    name: str
    digest: str = ""
    platform: str = ""
    base: str = ""
    totals: Totals = Totals()
    layers: tuple[LayerSize, ...] = ()
    rebuild: Rebuild | None = None
    hidden: tuple[Hidden, ...] = ()
    leftovers: tuple[Leftover, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    comparison: Comparison | None = None
    gates: tuple[GateResult, ...] = ()
    incomplete: bool = False
    errors: tuple[Unread, ...] = ()
