"""`hullmark cache`: see and clear what is remembered of layers."""

from typing import Annotated

import cyclopts

app = cyclopts.App(name="cache", help="See, prune and clear what is remembered of layers.")


def _size(text: str) -> int:
    from hullmark.model.errors import UsageError

    units = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
    number, unit = text.strip().upper().removesuffix("B").removesuffix("I"), ""
    if number[-1:] in units:
        number, unit = number[:-1], number[-1:]
    if not (number.strip().isascii() and number.strip().isdigit()):
        raise UsageError(f"{text!r} is no size", hint="write it like 500M or 2G")
    return int(number) * units[unit]


@app.command
def info() -> None:
    """Show where the cache is and what it holds."""
    from hullmark.cli.output import write_line
    from hullmark.cli.settings import cache_folder
    from hullmark.scan.cache import DEFAULT_MAX_BYTES, FactCache

    found = FactCache(cache_folder()).info()
    write_line(f"folder    {found.folder}{'' if found.writable else ' (read-only)'}")
    write_line(f"size      {found.size_bytes / 1024**2:.1f} MiB of {DEFAULT_MAX_BYTES / 1024**2:.0f} MiB")
    write_line(f"layers    {found.layers}")
    write_line(f"images    {found.images}")


@app.command
def prune(
    *, max_size: Annotated[str, cyclopts.Parameter(help="Keep at most this much, like 500M.")] = "2G"
) -> None:
    """Remove what was not used for longest until the rest fits."""
    from hullmark.cli.output import write_line
    from hullmark.cli.settings import cache_folder
    from hullmark.scan.cache import FactCache

    removed = FactCache(cache_folder()).prune(_size(max_size))
    write_line(f"removed {removed / 1024**2:.1f} MiB")


@app.command
def clear() -> None:
    """Remove all that is remembered of layers. The advisory database stays."""
    from hullmark.cli.output import write_line
    from hullmark.cli.settings import cache_folder
    from hullmark.scan.cache import FactCache

    write_line(f"removed {FactCache(cache_folder()).clear() / 1024**2:.1f} MiB")
