"""`hullmark cache`: see and clear what is remembered of layers."""

from typing import Annotated

from hullmark.cli.options import Option, Settings


class Info(Settings, frozen=True, kw_only=True):
    """Show where the cache is and what it holds."""

    def run(self) -> int:
        """Do it, and give the exit code."""
        from hullmark.cli.output import write_line
        from hullmark.cli.settings import cache_folder
        from hullmark.model.errors import ExitCode
        from hullmark.scan.cache import DEFAULT_MAX_BYTES, FactCache

        found = FactCache(cache_folder()).info()
        write_line(f"folder    {found.folder}{'' if found.writable else ' (read-only)'}")
        write_line(f"size      {found.size_bytes / 1024**2:.1f} MiB of {DEFAULT_MAX_BYTES / 1024**2:.0f} MiB")
        write_line(f"layers    {found.layers}")
        write_line(f"images    {found.images}")
        return ExitCode.CLEAN


class Prune(Settings, frozen=True, kw_only=True):
    """Remove what was not used for longest until the rest fits."""

    max_size: Annotated[str, Option("Keep at most this much, like 500M.")] = "2G"

    def run(self) -> int:
        """Do it, and give the exit code."""
        return _prune(_size(self.max_size))


class Clear(Settings, frozen=True, kw_only=True):
    """Remove all that is remembered of layers. The advisory database stays."""

    def run(self) -> int:
        """Do it, and give the exit code."""
        return _prune(0)


def _prune(max_bytes: int) -> int:
    from hullmark.cli.output import write_line
    from hullmark.cli.settings import cache_folder
    from hullmark.model.errors import ExitCode, HullmarkError
    from hullmark.scan.cache import FactCache

    cache = FactCache(cache_folder())
    if cache.read_only:
        raise HullmarkError("nothing was removed: the cache cannot be written", where=str(cache.folder))
    write_line(f"removed {cache.prune(max_bytes) / 1024**2:.1f} MiB")
    return ExitCode.CLEAN


def _size(text: str) -> int:
    from hullmark.model.errors import UsageError

    units = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
    number, unit = text.strip().upper().removesuffix("B").removesuffix("I"), ""
    if number[-1:] in units:
        number, unit = number[:-1], number[-1:]
    if not (number.strip().isascii() and number.strip().isdigit()):
        raise UsageError(f"{text!r} is no size", hint="write it like 500M or 2G")
    return int(number) * units[unit]
