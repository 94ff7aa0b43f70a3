"""yarn's `yarn.lock`: version 1 (a format of its own) and Berry, versions 2 and up (the YAML subset that it writes).

Format: yarn 1's `src/lockfile`, Berry's `packages/yarnpkg-parsers/sources/grammars/syml`. Both are read line by line. An entry's
head lists the descriptors (`name@range`) that it answers. Version 1 does not name the direct dependencies. A lock that a
package ships inside `node_modules` is not read, yarn does not read it either.
"""

import itertools
import re
from collections.abc import Iterator
from urllib.parse import unquote

from msgspec import Struct

from hullmark.detectors._formats import npm, shipped
from hullmark.detectors._formats.graph import Key, Node, packages
from hullmark.detectors.detector import Detector, File, MalformedError
from hullmark.model.facts import Fact

_QUOTED = r'"((?:[^"\\]++|\\.)*+)"'
_FIELD = re.compile(rf"(?:{_QUOTED}|([^\s\":][^\s:]*+)):?[ \t]+(.+)")
_DESCRIPTOR = re.compile(rf"{_QUOTED}|([^,\"]++)")
_SECTIONS = {"dependencies", "optionalDependencies"}
_TARBALL = re.compile(r"\.t(?:ar\.)?gz(?:[#:]|$)")

# a registry's tarballs: `https://…/@scope/name/-/name-1.0.0.tgz`
_REGISTRY = re.compile(r"/((?:@[^/]+(?:/|%2[fF]))?[^/@]+)/-/[^/]+$")
_MAX_URL = 1000
_MAX_PROBLEMS = 100


class _Entry(Struct):
    line: int
    descriptors: list[str]
    fields: dict[str, str]
    needs: list[tuple[str, str]]


def read(file: File) -> Iterator[Fact]:
    """Give every locked package apart from workspaces, links and the patched copies of others."""
    if shipped.is_shipped(file.path):
        return
    entries, problems = _entries(file.text(), file.limits.max_records)
    if problems and not entries:
        raise MalformedError("not a yarn.lock", f"line {problems[0]}")
    for line in problems:
        yield file.unread("not a line of a yarn.lock", f"line {line}")
    berry = any("resolution" in entry.fields for entry in entries)
    nodes: dict[Key, Node] = {}
    for entry in entries:
        node = _berry(entry) if berry else _classic(entry)
        if _patched(entry):
            continue  # the package that is patched has an entry as well
        if node is not None:
            nodes[entry.line] = node
        elif entry.descriptors != ["__metadata"]:
            yield file.unread("package without a valid name and version", f"line {entry.line}")
    roots = _link(entries, nodes)
    yield from packages("npm", nodes, roots if berry else None)


def _link(entries: list[_Entry], nodes: dict[Key, Node]) -> list[tuple[Key, bool]]:
    """Fill in what needs what, and give what the project and its workspaces need."""
    answers: dict[str, Key] = {}
    for entry in entries:
        if entry.line in nodes:
            answers.update(dict.fromkeys(_names(entry), entry.line))
    for entry in entries:
        patched = _patched(entry)
        base = answers.get(patched) if patched else None
        if base is not None:
            answers.update(dict.fromkeys(_names(entry), base))
    roots: list[tuple[Key, bool]] = []
    for entry in entries:
        node = nodes.get(entry.line)
        if node is None:
            continue
        for name, wanted in entry.needs:
            key = answers.get(f"{name}@{wanted}") or answers.get(f"{name}@npm:{wanted}")
            if key is not None:
                node.needs.append(key)
        if node.local:
            roots += [(need, False) for need in node.needs]
    return roots


def _classic(entry: _Entry) -> Node | None:
    name, wanted = npm.split(entry.descriptors[0])
    if not entry.fields.get("resolved") and wanted.startswith(npm.LOCAL):
        return Node(name, "", [], local=True)
    # what is fetched counts: an entry forced by `resolutions` may bring another package under this name
    fetched = _REGISTRY.search(entry.fields.get("resolved", "")[:_MAX_URL])
    name = (fetched and unquote(fetched[1])) or entry.fields.get("name") or npm.alias(wanted)[0] or name
    version = entry.fields.get("version", "")
    return Node(name, version, []) if npm.is_name(name) and npm.is_version(version) else None


def _berry(entry: _Entry) -> Node | None:
    name, source = npm.split(entry.fields.get("resolution", ""))
    version = entry.fields.get("version", "")
    if source.startswith(npm.LOCAL) and not _TARBALL.search(source):
        return Node(name, version, [], local=True)
    return Node(name, version, []) if npm.is_name(name) and npm.is_version(version) else None


def _patched(entry: _Entry) -> str:
    """Give the descriptor of what a patch is applied to: `name@patch:name@npm%3A1.0.0#…`."""
    _, at, rest = entry.fields.get("resolution", "").partition("@patch:")
    return unquote(rest.partition("#")[0]) if at else ""


def _names(entry: _Entry) -> Iterator[str]:
    """Give what an entry can be asked by; users leave out the `::locator=…` that tells who asked."""
    yield entry.fields.get("resolution", "")
    for descriptor in entry.descriptors:
        yield descriptor
        yield descriptor.partition("::")[0]


def _entries(text: str, most: int) -> tuple[list[_Entry], list[int]]:
    """Give the entries, and the numbers of the lines that are none of an entry."""
    entries: list[_Entry] = []
    problems: list[int] = []
    section = ""
    # one entry more than what is kept of a file, which says so
    lines = itertools.takewhile(lambda _line: len(entries) <= most, text.split("\n"))
    for number, raw in enumerate(lines, 1):
        line = raw.rstrip()
        stripped = line.lstrip(" ")
        indent = len(line) - len(stripped)
        # Berry puts a head of more than 1,024 characters as a YAML 'explicit key': `? head`, then `:`
        if not stripped or stripped[0] == "#" or line == ":":
            continue
        if indent == 0:
            descriptors = _descriptors(line)
            if descriptors:
                entries.append(_Entry(number, descriptors, {}, []))
            else:
                problems.append(number)
            section = ""
        elif indent == 2 and line[-1] == ":":
            section = stripped[:-1]
        else:
            found = _FIELD.fullmatch(stripped)
            if found is None or not entries:
                if indent == 2:
                    problems.append(number)
                continue
            key, value = found[1] or found[2], found[3]
            if value[0] == '"' and value[-1] == '"' and len(value) > 1:
                value = value[1:-1]
            if indent == 2:
                entries[-1].fields.setdefault(key, value)
            elif indent == 4 and section in _SECTIONS:
                entries[-1].needs.append((key, value))
    return entries, problems[:_MAX_PROBLEMS]


def _descriptors(line: str) -> list[str]:
    if line.startswith("? "):
        line = line[2:]
    elif line[-1] != ":":
        return []
    found: list[str] = []
    for quoted, plain in _DESCRIPTOR.findall(line.removesuffix(":")):
        # version 1 quotes each descriptor, Berry the whole list
        found += [item for part in (quoted or plain).split(",") if (item := part.strip())]
    return found


DETECTOR = Detector(name="yarn_lock", version=2, wants=("**/yarn.lock",), read=read)
