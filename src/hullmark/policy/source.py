"""Policies as they lie in a folder, a file or an OPA bundle (https://www.openpolicyagent.org/docs/latest/management-bundles/)."""

import datetime as dt
import gzip
import hashlib
import io
import json
import math
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml
from msgspec import Struct

from hullmark.model.errors import UsageError
from hullmark.model.printable import printable
from hullmark.policy.catalogue import LIBRARY, check_data, names
from hullmark.policy.catalogue import files as files_of_packs

PACKS = "hullmark:"
"""What the paths of the packs' modules begin with."""
MOST_FILES = 1_000
MOST_BYTES = 16 * 1024 * 1024
_MOST_OF_ONE = 1024 * 1024
_DEEPEST = 100
_DATA = (".json", ".yaml", ".yml")


class Module(Struct, frozen=True):
    """A module of Rego: its file, and its text."""

    path: str
    text: str

    @property
    def is_test(self) -> bool:
        """Whether it holds tests, by its name, as `opa test` has it."""
        return self.path.endswith("_test.rego")


class Bundle(Struct, frozen=True):
    """The modules of some policies, and their data. `is_own` tells that all modules came with Hullmark."""

    modules: tuple[Module, ...]
    data: dict[str, Any]
    is_own: bool = False

    @property
    def digest(self) -> str:
        """The SHA-256 of all that decides: the texts of the modules and the data, whatever the files are called."""
        texts = sorted(module.text for module in self.modules)
        whole = msgspec.json.encode([texts, self.data], order="deterministic")
        return f"sha256:{hashlib.sha256(whole).hexdigest()}"


def read(words: Sequence[str], *, tests: bool = False) -> Bundle:
    """Read packs by name, and folders, files and bundles by path, together. Raises `UsageError` for what cannot be read, with the file.

    A pack's name is always the pack: a folder that is called so is `./production`. Files of tests are left out unless they are asked for.
    """
    modules: dict[str, Module] = {}
    data: dict[str, Any] = {}
    files = 0
    for word in dict.fromkeys(words):
        own = word in names()
        for path, body in _pack(word) if own else _files(Path(word)):
            files += 1
            if files > MOST_FILES:
                raise UsageError(f"more than {MOST_FILES} files", where=word)
            if path.endswith(".rego"):
                module = Module(path, _text(path, body))
                if tests or not module.is_test:
                    modules[path] = module
            else:
                found = _document(path, body, word)
                check_data(found, path)
                _merge(data, found, path)
    if not modules:
        raise UsageError(
            "no policy is in it",
            where=" ".join(words),
            hint=f"a folder with .rego files, or one of {', '.join(names())}",
        )
    is_own = all(word in names() for word in words)
    if any(module.path.startswith(PACKS) for module in modules.values()):
        _merge(data, json.loads((files_of_packs() / "data.json").read_bytes()), f"{PACKS}data.json")
    return Bundle(tuple(modules[path] for path in sorted(modules)), data, is_own)


def bundled(bundle: Bundle) -> bytes:
    """Give a bundle as OPA reads it; the same policies give the same bytes."""
    files = {
        f"{number:03}-{Path(module.path.replace(':', '/')).name}": module.text.encode()
        for number, module in enumerate(bundle.modules)
    }
    files["data.json"] = msgspec.json.encode(bundle.data, order="deterministic")
    files[".manifest"] = msgspec.json.encode({"revision": bundle.digest, "roots": [""]})
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as tar,
    ):
        for name, body in sorted(files.items()):
            entry = tarfile.TarInfo(f"/{name}")
            entry.size, entry.mode = len(body), 0o644
            tar.addfile(entry, io.BytesIO(body))
    return packed.getvalue()


def _pack(name: str) -> Iterator[tuple[str, bytes]]:
    for each in (LIBRARY, name):
        yield f"{PACKS}{each}.rego", (files_of_packs() / f"{each}.rego").read_bytes()


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        if path.is_dir():
            for each in sorted(path.rglob("*")):
                if (
                    each.is_file()
                    and (each.suffix == ".rego" or each.suffix in _DATA)
                    and not _is_hidden(each, path)
                ):
                    yield str(each), _bounded(each)
        elif path.name.endswith((".tar.gz", ".tgz")):
            yield from _bundled(path)
        else:
            yield str(path), _bounded(path)
    except OSError as problem:
        raise UsageError(
            f"cannot be read: {problem.strerror}",
            where=str(path),
            hint=f"a folder, a file, or one of {', '.join(names())}",
        ) from problem


def _is_hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts)


def _bounded(path: Path) -> bytes:
    with path.open("rb") as file:
        body = file.read(_MOST_OF_ONE + 1)
    if len(body) > _MOST_OF_ONE:
        raise UsageError(f"larger than {_MOST_OF_ONE} bytes", where=str(path))
    return body


def _bundled(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with gzip.open(path) as zipped:
            whole = zipped.read(MOST_BYTES + 1)
        if len(whole) > MOST_BYTES:
            raise UsageError(f"larger than {MOST_BYTES} bytes", where=str(path))
        with tarfile.open(fileobj=io.BytesIO(whole), mode="r:") as tar:
            for member in tar:
                name = member.name.lstrip("./")
                file = tar.extractfile(member) if member.isreg() else None
                if file is not None and (
                    name.endswith(".rego") or Path(name).name in {"data.json", "data.yaml"}
                ):
                    body = file.read(_MOST_OF_ONE + 1)
                    if len(body) > _MOST_OF_ONE:
                        raise UsageError(
                            f"larger than {_MOST_OF_ONE} bytes", where=printable(f"{path}:{name}")
                        )
                    yield f"{path}:{name}", body
    except (tarfile.TarError, EOFError, OSError, ValueError, zlib.error) as problem:
        what = printable(str(problem))[:200]
        raise UsageError(f"is no bundle: {what}", where=str(path), hint="opa build makes one") from problem


def _text(path: str, body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise UsageError("is not UTF-8", where=path) from problem


def _document(path: str, body: bytes, root: str) -> dict[str, Any]:
    """Decode a document and put it where its folder is, as OPA does: `a/b/data.json` is `data.a.b`."""
    text = _text(path, body)
    try:
        found = _plain(msgspec.json.decode(text or "{}") if path.endswith(".json") else _yaml(text))
    except (ValueError, msgspec.DecodeError, yaml.YAMLError, RecursionError) as problem:
        what = " ".join(str(problem).split())
        raise UsageError(f"cannot be read: {printable(what)[:200]}", where=path) from problem
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise UsageError("holds no object", where=path)
    below = (
        path.partition(f"{root}:")[2]
        if path.startswith(f"{root}:")
        else str(Path(path).relative_to(root))
        if Path(root).is_dir()
        else ""
    )
    folders = Path(below).parent.parts
    if len(folders) > _DEEPEST:
        raise UsageError(f"more than {_DEEPEST} folders deep", where=path[:500])
    for part in reversed(folders):
        found = {part: found}
    return found


def _yaml(text: str) -> Any:
    """Read YAML without aliases, with which a short text becomes a huge one, and without what is nested deep."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise ValueError("aliases are not taken")  # noqa: TRY004 - of the text
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise ValueError(f"nested more than {_DEEPEST} deep")
    return yaml.load(text, Loader=yaml.CSafeLoader)


def _plain(value: Any, depth: int = 0) -> Any:
    """Give a value as JSON has it: a date of YAML becomes a text. Raises `ValueError` for what JSON has not."""
    if depth > _DEEPEST:
        raise ValueError(f"nested more than {_DEEPEST} deep")
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise ValueError("a key is no text: put it in quotes")
        return {_plain(key): _plain(each, depth + 1) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each, depth + 1) for each in value]
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, dt.date):
        return value.isoformat()
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number that is none, or without end")
    elif value is not None and not isinstance(value, (bool, int, float)):
        raise ValueError(f"a {type(value).__name__} is nothing that JSON has")
    return value


def _merge(into: dict[str, Any], more: dict[str, Any], path: str) -> None:
    for key, value in more.items():
        known = into.setdefault(key, value)
        if known != value:
            if not isinstance(known, dict) or not isinstance(value, dict):
                raise UsageError(f"{key!r} is set twice", where=path)
            _merge(known, value, path)
