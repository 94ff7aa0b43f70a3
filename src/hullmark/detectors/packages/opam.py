"""OCaml packages that opam installed: `.opam-switch/packages/<name>.<version>/opam`.

Format: https://opam.ocaml.org/doc/Manual.html#opam-root: the switch keeps each installed package's file in a folder of its name and
version.
"""

import re
from collections.abc import Iterator

from hullmark.detectors.detector import Detector, File
from hullmark.model.facts import Package, Unread

_LICENCE = re.compile(r"^license:[ \t]*", re.MULTILINE)
_VALUE = re.compile(r"\[([^\]]*)\]|(\"[^\"\n]*\")")
_TEXT = re.compile(r"\"([^\"\n]+)\"")


def read(file: File) -> Iterator[Package | Unread]:
    """Give the package that the folder names."""
    name, _, version = file.path.split("/")[-2].partition(".")
    if not (name and version):
        yield file.unread("folder without name and version", kind="file")
        return
    text = file.text()
    field = _LICENCE.search(text)
    found = _VALUE.match(text, field.end()) if field else None
    yield Package(
        ecosystem="opam",
        name=name,
        version=version,
        licences=tuple(_TEXT.findall(found[1] or found[2] or "")) if found else (),
    )


DETECTOR = Detector(name="opam", version=1, wants=("**/.opam-switch/packages/*/opam",), read=read)
