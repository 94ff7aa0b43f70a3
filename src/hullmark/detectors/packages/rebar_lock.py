"""Erlang's `rebar.lock`.

Format: rebar3's `rebar_config:consult_lock_file`: `{"1.2.0", [{Application, {pkg, Name, Version}, Level}, …]}.` and then the
checksums; the first rebar3 wrote the bare list. Level 0 is direct. Dependencies from git and the like have no version.
"""

from collections.abc import Iterator

from hullmark.detectors._formats import terms
from hullmark.detectors.detector import Detector, File, MalformedError
from hullmark.model.facts import Package, Unread

_ENTRY = 3


def read(file: File) -> Iterator[Package | Unread]:
    """Give the packages locked from Hex."""
    top = terms.parse(file.text(), "%", file.limits.max_depth)
    entries = top[0] if top else []
    if isinstance(entries, list) and len(entries) == 2 and isinstance(entries[0], str):  # (version, list)
        entries = entries[1]
    if not isinstance(entries, list):
        raise MalformedError("not a rebar.lock: no list of dependencies")
    for number, entry in enumerate(entries, 1):
        if not (isinstance(entry, list) and len(entry) >= _ENTRY and isinstance(entry[1], list) and entry[1]):
            yield file.unread("not a locked dependency", f"dependency {number}")
            continue
        source = entry[1]
        if source[0] != "pkg":
            continue
        name, version = [*source, "", ""][1:3]
        if not (isinstance(name, str) and name and isinstance(version, str) and version):
            yield file.unread("package without name or version", f"dependency {number}")
            continue
        yield Package(
            ecosystem="hex",
            name=name,
            version=version,
            origin="locked",
            direct=entry[2] == "0",
        )


DETECTOR = Detector(
    name="rebar_lock", version=2, wants=("**/rebar.lock",), read=read, max_bytes=4 * 1024 * 1024
)
