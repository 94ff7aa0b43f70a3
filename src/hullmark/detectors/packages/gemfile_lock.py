"""Ruby's Bundler: `Gemfile.lock` (or `gems.locked`).

Format: Bundler's `LockfileParser`. Sections start at column 0; a source (GEM, GIT, PATH, PLUGIN SOURCE) has `specs:` with
a gem at four spaces and its needs at six; DEPENDENCIES lists what the Gemfile itself asks for.
"""

import re
from collections.abc import Iterator

from hullmark.detectors._formats import dependency_paths, shipped
from hullmark.detectors.detector import Detector, File
from hullmark.model.facts import Package, Unread

_SOURCES = frozenset({"GEM", "GIT", "PATH", "PLUGIN SOURCE"})
_SPEC = re.compile(r"    ([^\s()]+) \(([^()\s]+)\)")
_NEED = re.compile(r"      ([^\s()!]+)(?: \([^()]*\))?!?")
_DIRECT = re.compile(r"  ([^\s()!]+)(?: \([^()]*\))?!?")
_SECTION = re.compile(r"[A-Z][A-Z ]*")


class _Lock:
    """What the lines of a lock say: gems with their lines, what each needs, what the Gemfile asks for."""

    def __init__(self) -> None:
        self.specs: list[tuple[int, str, str]] = []
        self.needs: dict[str, list[str]] = {}
        self.direct: dict[str, None] = {}
        self._section = ""
        self._gem = ""

    def add(self, number: int, line: str) -> str:
        """Take in one line; give what is wrong with it, if anything is."""
        if line[0] != " ":
            if not _SECTION.fullmatch(line):
                # the mark of an unfinished merge, mostly: what follows still belongs to the section
                return "not a section of a Gemfile.lock"
            self._section, self._gem = line, ""
        elif self._section in _SOURCES:
            if found := _SPEC.fullmatch(line):
                self._gem = found[1]
                self.specs.append((number, found[1], found[2]))
                self.needs.setdefault(found[1], [])
            elif found := _NEED.fullmatch(line):
                self.needs.setdefault(self._gem, []).append(found[1])
            elif line.startswith("    "):
                return "neither a gem nor what it needs"
        elif self._section == "DEPENDENCIES" and (found := _DIRECT.fullmatch(line)):
            self.direct[found[1]] = None
        return ""


def read(file: File) -> Iterator[Package | Unread]:
    """Give each gem of each source, once for every platform that is locked."""
    if shipped.is_shipped(file.path):
        return
    lock = _Lock()
    for number, line in enumerate(file.text().splitlines(), 1):
        if len(lock.specs) > file.limits.max_records:
            break  # one more than what is kept of a file, which says so
        if line.strip() and (problem := lock.add(number, line.rstrip())):
            yield file.unread(problem, f"line {number}")
    versions = {name: version for _, name, version in reversed(lock.specs)}
    direct = [name for name in lock.direct if name in versions]
    via = dependency_paths.paths(
        direct,
        {name: [need for need in wanted if need in versions] for name, wanted in lock.needs.items()},
        lambda name: f"{name}@{versions[name].partition('-')[0]}",
    )
    for number, name, text in lock.specs:
        # a gem's version has no dash, so the rest is the platform
        version, _, platform = text.partition("-")
        yield Package(
            ecosystem="gem",
            name=name,
            version=version,
            arch=platform,
            place=f"line {number}",
            origin="locked",
            direct=dependency_paths.is_direct(name, lock.direct, via),
            via=via.get(name, ()),
        )


DETECTOR = Detector(
    name="gemfile_lock",
    version=2,
    wants=("**/Gemfile.lock", "**/Gemfile.next.lock", "**/gems.locked"),
    read=read,
)
