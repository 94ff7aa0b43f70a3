"""Haskell: `stack.yaml.lock` and `cabal.project.freeze`.

Formats: https://docs.haskellstack.org/en/stable/topics/lock_files/ and
https://cabal.readthedocs.io/en/stable/cabal-commands.html#cabal-freeze.
"""

import re
from collections.abc import Iterator

from hullmark.detectors._formats import plainyaml, untyped
from hullmark.detectors.detector import Detector, File, MalformedError
from hullmark.model.facts import Package, Unread

_HACKAGE = re.compile(r"([A-Za-z0-9-]+)-(\d+(?:\.\d+)*)(?:@\S+)?")
_EXACT = re.compile(r"(?:any\.)?([A-Za-z0-9-]+)\s*==\s*(\d+(?:\.\d+)*)")
_CONSTRAINT = re.compile(r"(?:any\.)?[A-Za-z0-9:.-]+\s.*", re.DOTALL)
_FIELD = re.compile(r"^([A-Za-z-]+):", re.MULTILINE)


def read(file: File) -> Iterator[Package | Unread]:
    """Give the packages from Hackage; those from git or an archive have no version here."""
    yield from _freeze(file) if file.name.endswith(".freeze") else _lock(file)


def _lock(file: File) -> Iterator[Package | Unread]:
    document = next(plainyaml.documents(file), None)
    if not isinstance(document, dict) or not ("packages" in document or "snapshots" in document):
        raise MalformedError("not a stack.yaml.lock: no packages")
    for number, entry in enumerate(untyped.array(document, "packages"), 1):
        completed = untyped.table(entry, "completed")
        hackage = untyped.text(completed, "hackage")
        name, version = untyped.text(completed, "name"), untyped.text(completed, "version")
        if hackage:
            found = _HACKAGE.fullmatch(hackage)
            name, version = (found[1], found[2]) if found else ("", "")
        if not (name and version):
            yield file.unread("package without name or version", f"package {number}")
            continue
        yield Package(ecosystem="hackage", name=name, version=version, origin="locked")


def _freeze(file: File) -> Iterator[Package | Unread]:
    text = "\n".join(line.partition("--")[0] for line in file.text().split("\n"))
    fields = _FIELD.split(text)
    for name, value in zip(fields[1::2], fields[2::2], strict=True):
        if name.lower() != "constraints":
            continue
        for item in value.split(","):
            constraint = item.strip()
            if found := _EXACT.fullmatch(constraint):
                yield Package(ecosystem="hackage", name=found[1], version=found[2], origin="locked")
            elif constraint and not _CONSTRAINT.fullmatch(constraint):
                yield file.unread("not a constraint", constraint[:80])


DETECTOR = Detector(
    name="haskell", version=2, wants=("**/stack.yaml.lock", "**/cabal.project.freeze"), read=read
)
