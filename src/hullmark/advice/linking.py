"""Whether an application would still find on another base image what it is linked against.

It is what the dynamic linker would look for: the loader, libraries by name for the same processor, and the versions of symbols. What a program
opens by itself while it runs (`dlopen`, name service, locales, certificates, time zones) is not in its headers, so it is not looked at.
"""

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from msgspec import Struct

from hullmark.model.facts import Needs

_NAMED = 3


class Linked(NamedTuple):
    """A program or library of the merged image."""

    path: str
    needs: Needs


class Part(Struct, frozen=True, kw_only=True):
    """One part of an image: its visible ELF files, the base names of what can be run in it (links as well), its packages of the system."""

    files: tuple[Linked, ...] = ()
    programs: frozenset[str] = frozenset()
    packages: tuple[str, ...] = ()


class Missing(Struct, frozen=True):
    """Something that is not there: `of` the files need it, some of which are `by`."""

    kind: Literal["loader", "library", "version", "program"]
    name: str
    by: tuple[str, ...] = ()
    of: int = 1

    def said(self) -> str:
        """Say it in a clause. The names are the image's own."""
        what = {"loader": "the loader ", "library": "", "version": "", "program": "the program "}[self.kind]
        others = self.of - len(self.by)
        whom = ", ".join(self.by) + (f" and {others:,} more" if others else "")
        return f"{what}{self.name} is missing" + (
            f", which {whom} need{'s' if self.of == 1 else ''}" if self.by else ""
        )


class Fit(Struct, frozen=True, kw_only=True):
    """Whether the application runs: `runs` is None where that is not known. `reinstall` are its own packages of the system, to be brought along."""

    runs: bool | None = None
    missing: tuple[Missing, ...] = ()
    reinstall: tuple[str, ...] = ()


class _Given:
    """The libraries that are there: for each processor and name the versions that it defines."""

    def __init__(self, files: Iterable[Linked]) -> None:
        self._found: dict[tuple[str, str], set[str]] = {}
        for path, needs in files:
            for name in {needs.soname, path.rpartition("/")[2]} - {""}:
                self._found.setdefault((needs.machine, name), set()).update(needs.defines)

    def has(self, machine: str, name: str) -> bool:
        return (machine, name) in self._found

    def has_version(self, machine: str, library: str, version: str) -> bool:
        """Tell whether a library has a version of symbols; one that defines none serves every one, with a warning of the linker."""
        defined = self._found.get((machine, library))
        return defined is None or not defined or version in defined


def fit(own: Part | None, base: Part | None, commands: Iterable[str] = ()) -> Fit:
    """Tell whether what the `own` layers of an image hold would run on another `base`.

    `commands` are the programs that the configuration starts (the first words of ENTRYPOINT and CMD). Nothing is known where a part was not read.
    """
    if own is None or base is None:
        return Fit()
    given = _Given([*base.files, *own.files])
    needed: dict[tuple[Literal["loader", "library", "version", "program"], str], list[str]] = {}
    for path, needs in own.files:
        for kind, name in _wants(needs, given):
            needed.setdefault((kind, name), []).append(path)
    programs = own.programs | base.programs
    for command in commands:
        name = command.rpartition("/")[2]
        if name and name not in programs:
            needed.setdefault(("program", name), [])
    missing = tuple(
        Missing(kind, name, tuple(sorted(by)[:_NAMED]), max(len(by), 1))
        for (kind, name), by in sorted(needed.items())
    )
    unsure = any(each.needs.partial for each in own.files)
    return Fit(
        runs=False if missing else None if unsure else True,
        missing=missing,
        reinstall=tuple(sorted(set(own.packages))),
    )


def _wants(needs: Needs, given: _Given) -> Iterator[tuple[Literal["loader", "library", "version"], str]]:
    """Give what one file needs and does not find."""
    loader = needs.loader.rpartition("/")[2]
    if loader and not given.has(needs.machine, loader):
        yield "loader", loader
    for library in needs.libraries:
        if not given.has(needs.machine, library):
            yield "library", library
    for each in needs.versions:
        library, _, version = each.partition(" ")
        if not given.has_version(needs.machine, library, version):
            yield "version", f"{version} of {library}"
