"""The search for secrets, as a scan does it: its engine, the key of its fingerprints, and under what its facts are remembered."""

import contextlib
import functools
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from hullmark.detectors.secrets.foreign import Ignored, SecretConfig, ids
from hullmark.detectors.secrets.registry import digest, secret_rules
from hullmark.detectors.secrets.rule import SecretRule
from hullmark.model.errors import UsageError
from hullmark.model.rule import Rule, known_as
from hullmark.scan.cache import FactCache, make_folder, read_checked, write_checked

if TYPE_CHECKING:
    from hullmark.detectors.secrets.engine import Engine
    from hullmark.detectors.secrets.stream import SecretStream

SECRETS = "secrets"
"""The name under which secrets stand among the facts of detectors."""
PATTERNS = "HULLMARK_PATTERNS_DIR"
_KEY_BYTES = 32
_MOST_KEY_BYTES = 4096
_OF_A_LAYER = 10_000


class Searcher:
    """What looks for secrets in the layers of one scan. `key_file` holds the key of the fingerprints; without one the cache has its own."""

    def __init__(
        self, cache: FactCache, key_file: Path | None = None, own: SecretConfig | None = None
    ) -> None:
        self._own = own or SecretConfig()
        self._cache = cache
        self._key = secrets_key(cache, key_file)
        self.key_id = hashlib.blake2b(self._key, digest_size=8, person=b"hullmark-key-id").hexdigest()

    def row_key(self, shared: bytes) -> str:
        """Say under what the secrets of a layer are remembered: all rules, the key and the limits shape them."""
        settings = b"\0".join((self._name.encode(), self._allowed, self.key_id.encode(), shared))
        return f"{SECRETS}/2/{hashlib.blake2b(settings, digest_size=8).hexdigest()}"

    @functools.cached_property
    def _name(self) -> str:
        """What stands for all patterns: ours, and a team's own."""
        own = [(each.rule.id, each.pattern, each.entropy, each.path_pattern) for each in self._own.rules]
        if not own and not self._own.disabled:
            return digest()
        return hashlib.blake2b(repr((digest(), own, self._own.disabled)).encode(), digest_size=16).hexdigest()

    @property
    def _allowed(self) -> bytes:
        return repr(self._own.allows).encode() if self._own.allows else b""

    def rules(self) -> tuple[SecretRule, ...]:
        """Give all rules that are looked for: ours but those that a team does without, and its own."""
        if not self._own.rules and not self._own.disabled:
            return secret_rules()
        off = ids(secret_rules(), self._own.disabled)
        own = {each.rule.id: each for each in self._own.rules}
        ours = tuple(each for each in secret_rules() if each.rule.id not in off and each.rule.id not in own)
        return (*ours, *own.values())

    def known_place(self, rule: Rule, path: str, line: int) -> str:
        """Say where a team says that it knows of a secret at just this place, nothing where it does not."""
        names = known_as(rule)
        return next(
            (each.said for each in self._places.get((path.strip("/"), line), ()) if each.rule in names), ""
        )

    @functools.cached_property
    def _places(self) -> dict[tuple[str, int], list[Ignored]]:
        found: dict[tuple[str, int], list[Ignored]] = {}
        for each in self._own.ignored:
            found.setdefault((each.path, each.line), []).append(each)
        return found

    @functools.cached_property
    def engine(self) -> "Engine":
        """All rules, compiled; made when the first layer must be read."""
        from hullmark.detectors.secrets.engine import Engine

        return Engine(
            self.rules, self._key, name=self._name, load=self._load, save=self._save, allows=self._own.allows
        )

    def stream(self) -> "SecretStream":
        """Give what searches one layer."""
        from hullmark.detectors.secrets.stream import SecretStream

        return SecretStream(self.engine.clone(), _OF_A_LAYER)

    def _path(self, name: str) -> Path | None:
        """Say where compiled patterns are: in a folder that outlives caches where one is named, else in the cache."""
        if folder := os.environ.get(PATTERNS):
            return Path(folder) / f"patterns-{name}"
        return self._cache.folder / "index" / f"patterns-{name}" if self._cache.folder is not None else None

    def _load(self, name: str) -> bytes | None:
        return read_checked(self._path(name))

    def _save(self, name: str, body: bytes) -> None:
        path = self._path(name)
        if path is not None and (os.environ.get(PATTERNS) or not self._cache.read_only):
            write_checked(path, body)


def secrets_key(cache: FactCache, key_file: Path | None) -> bytes:
    """Give the key of the fingerprints: that of a file, else the one in the cache, which is made when it is first needed."""
    if key_file is not None:
        try:
            with key_file.open("rb") as file:
                key = file.read(_MOST_KEY_BYTES).strip()
        except OSError as problem:
            raise UsageError(
                f"cannot be read: {problem.strerror}", where=str(key_file), hint="secrets.key names a file"
            ) from problem
        if len(key) < 16:
            raise UsageError(
                "is shorter than 16 bytes", where=str(key_file), hint="openssl rand -hex 32 makes a key"
            )
        return key
    made = os.urandom(_KEY_BYTES)
    if cache.folder is None:
        return made
    path = cache.folder / "secrets.key"
    with contextlib.suppress(OSError):
        if not cache.read_only and not path.exists():
            _create(path, made)
        key = path.read_bytes()
        if len(key) == _KEY_BYTES:
            return key
    return made


def _create(path: Path, key: bytes) -> None:
    """Write the key beside its place and link it there, so that of two scans that begin at once both get the same."""
    make_folder(path.parent)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
        with contextlib.suppress(FileExistsError):
            os.link(beside, path)
    finally:
        beside.unlink()
