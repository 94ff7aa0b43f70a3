"""Go's `go.mod`: the modules that a main module asks for; and `go.sum`, where that is needed for the rest.

Format: https://go.dev/ref/mod#go-mod-file and #go-sum-files. From `go 1.17` on, `go.mod` lists every module that the build needs, the
ones it does not import itself marked `// indirect`. Before, the rest is known from the checksums in `go.sum` alone: of each
module the highest version that has a checksum of its content. `toolchain` and `go` say what the module needs at
least, not what built it, so they are no package.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from hullmark.detectors._formats import shipped
from hullmark.detectors.detector import Detector, File, Seen, View
from hullmark.model.facts import Package, Unread

_TOKEN = re.compile(r"//.*|\"[^\"]*\"|`[^`]*`|=>|[()]|[^\s()\"`]+|\"")
_INDIRECT = re.compile(r"//[ \t]*indirect(?:;|\b)")
_LINE_LENGTH = 4096
# one shipped below vendor is not the main module's
_VENDORED = re.compile(r"(?:^|/)vendor/")
_PARTIAL = re.compile(r"1\.(?:\d|1[0-6])(?:\D.*)?")
_PARTIAL_MARK = "partial go.mod"
_SUM = re.compile(r"(\S+) (v[^\s/]+) h1:\S+")
_SEMVER = re.compile(r"v(\d+)\.(\d+)\.(\d+)(?:-([^+]*))?(?:\+.*)?")


class _Line(NamedTuple):
    number: int
    words: list[str]
    indirect: bool


def read(file: File) -> Iterator[Package | Unread]:
    """Give the required modules, or those with a checksum."""
    if not shipped.is_shipped(file.path) and not _VENDORED.search(file.path):
        yield from _sums(file) if file.name == "go.sum" else _requirements(file)


def _requirements(file: File) -> Iterator[Package | Unread]:
    """Give what is required after the file's own `replace` and `exclude`."""
    go = "1.16"  # what the go command assumes where the file does not say
    required: dict[tuple[str, str], _Line] = {}
    excluded: set[tuple[str, str]] = set()
    replaced: dict[tuple[str, str], tuple[str, str]] = {}
    for count, line in enumerate(_directives(file), 1):
        if count >= file.limits.max_records:
            yield file.unread(
                f"more than {count} directives", f"line {line.number}" if isinstance(line, _Line) else ""
            )
            break
        if isinstance(line, Unread):
            yield line
            continue
        match line.words:
            case ["go", version]:
                go = version
            case ["require", name, version]:
                required.setdefault((name, version), line)
            case ["exclude", name, version]:
                excluded.add((name, version))
            case ["replace", name, *old, "=>", other] if len(old) < 2:
                replaced[name, "".join(old)] = (other, "")
            case ["replace", name, *old, "=>", other, version] if len(old) < 2:
                replaced[name, "".join(old)] = (other, version)
            case ["require" | "exclude" | "replace", *_]:
                yield file.unread(f"malformed {line.words[0]}", f"line {line.number}")
    if required and _PARTIAL.fullmatch(go):
        # for `assemble` alone, which leaves it out
        yield Package(ecosystem="golang", name="go", version=go, origin="declared", place=_PARTIAL_MARK)
    for (name, version), line in required.items():
        used = replaced.get((name, version)) or replaced.get((name, "")) or (name, version)
        # without a version: replaced by a local folder, code of the image's own
        if used[1] and (name, version) not in excluded:
            yield Package(
                ecosystem="golang",
                name=used[0],
                version=used[1],
                place=f"line {line.number}",
                origin="declared",
                direct=not line.indirect,
            )


def _directives(file: File) -> Iterator[_Line | Unread]:
    """Give each directive as one line of words, those inside a block with the block's word in front."""
    block = ""
    for number, text in enumerate(file.text().split("\n"), 1):
        if len(text) > _LINE_LENGTH:
            yield file.unread("line too long", f"line {number}")
            continue
        words = _TOKEN.findall(text)
        comment = words.pop() if words and words[-1].startswith("//") else ""
        words = [
            word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in '"`' else word
            for word in words
        ]
        if not words:
            continue
        if block and words == [")"]:
            block = ""
        elif not block and words[-1] == "(" and len(words) == 2:  # a word and its bracket
            block = words[0]
        else:
            yield _Line(number, [block, *words] if block else words, bool(_INDIRECT.match(comment)))


def _sums(file: File) -> Iterator[Package | Unread]:
    for number, line in enumerate(file.text().splitlines(), 1):
        if found := _SUM.fullmatch(line.strip()):
            yield Package(
                ecosystem="golang",
                name=found[1],
                version=found[2],
                place=f"line {number}",
                origin="locked",
                direct=False,
            )
        elif line.strip() and "/go.mod " not in line:
            yield file.unread("not a checksum", f"line {number}")


def _order(version: str) -> tuple[object, ...]:
    """Give a key in the order of semantic versions; what is none comes first."""
    found = _SEMVER.fullmatch(version)
    if not found:
        return (0, version)
    release = tuple(_number(part) for part in found.groups()[:3])
    before = tuple(
        (0, *_number(part)) if part.isdecimal() else (1, 0, part) for part in (found[4] or "").split(".")
    )
    return (1, release, found[4] is None, before)


def _number(digits: str) -> tuple[int, str]:
    digits = digits.lstrip("0")
    return (len(digits), digits)


def assemble(view: View) -> Iterator[tuple[Package, Seen]]:
    """Complete a `go.mod` from before Go 1.17 by the `go.sum` beside it."""
    files = {seen.path: seen for seen in view.files(DETECTOR.name)}
    for path, seen in files.items():
        if not path.endswith("go.mod"):
            continue
        packages = [fact for fact in seen.facts if isinstance(fact, Package)]
        stated = [package for package in packages if package.place != _PARTIAL_MARK]
        yield from ((package, seen) for package in stated)
        beside = files.get(f"{path.removesuffix('go.mod')}go.sum")
        if len(stated) == len(packages) or beside is None:
            continue
        known = {package.name for package in stated}
        highest: dict[str, Package] = {}
        for fact in beside.facts:
            if isinstance(fact, Package) and fact.name not in known:
                best = highest.get(fact.name)
                if best is None or _order(best.version) < _order(fact.version):
                    highest[fact.name] = fact
        yield from ((package, beside) for package in highest.values())


DETECTOR = Detector(name="go_mod", version=2, wants=("**/go.mod", "**/go.sum"), read=read, assemble=assemble)
