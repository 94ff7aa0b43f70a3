"""A baseline: the secrets that a team knows of, by their fingerprints. What is in it is counted, not reported.

A stored JSON report is one, and so is any JSON document with the same names: `{"secrets_key": …, "secrets": [{"rule": …, "fingerprint": …}]}`.
"""

import msgspec
from msgspec import Struct

from hullmark.model.errors import UsageError

MAX_BYTES = 256 * 1024 * 1024


class _Secret(Struct, frozen=True):
    rule: str
    fingerprint: str


class _Document(Struct, frozen=True):
    secrets: tuple[_Secret, ...]
    secrets_key: str


class _Documents(Struct, frozen=True):
    """A report of several images."""

    reports: tuple[_Document, ...]


class Baseline(Struct, frozen=True):
    """What a file knows: (rule, fingerprint) of secrets, made with the key of that id."""

    name: str
    key: str
    secrets: frozenset[tuple[str, str]]

    def check(self, key: str) -> None:
        """Refuse a report whose fingerprints were made with another key: none of them would be found in this baseline. Raises `UsageError`."""
        if key and self.secrets and key != self.key:
            raise UsageError(
                f"was made with another key for fingerprints ({self.key[:40] or 'none'}) than the report ({key})",
                where=self.name,
                hint="scan with --secrets-key FILE, the key that it was made with; secrets.key in the cache folder is the default",
            )


def read_baseline(name: str, body: bytes) -> Baseline:
    """Read a baseline. Raises `UsageError` for what is none."""
    if len(body) > MAX_BYTES:
        raise UsageError(f"larger than {MAX_BYTES} bytes", where=name)
    try:
        documents: tuple[_Document, ...] = (msgspec.json.decode(body, type=_Document),)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        try:
            documents = msgspec.json.decode(body, type=_Documents).reports
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise UsageError(
                f"is no baseline: {problem}", where=name, hint="a report of --format json is one"
            ) from problem
    keys = {document.secrets_key for document in documents if document.secrets}
    if len(keys) > 1:
        raise UsageError("its fingerprints were made with several keys", where=name)
    return Baseline(
        name,
        keys.pop() if keys else "",
        frozenset(
            (each.rule, each.fingerprint)
            for document in documents
            for each in document.secrets
            if each.fingerprint
        ),
    )
