"""The flags that every command has which fetches advisories. In the config file they are the table `[db]`."""

from typing import TYPE_CHECKING, Annotated, Protocol

from hullmark.cli.options import Option

if TYPE_CHECKING:
    from hullmark.scan.request import Feeds

Mirror = Annotated[str, Option("Address of a folder laid out as a mirror, asked in place of the publishers.")]
NvdKey = Annotated[
    str, Option("File with a key that NVD gave; its interface then answers ten times as often.")
]
From = Annotated[
    str,
    Option(
        "Published database that parts come from alone: oci://HOST/REPOSITORY:TAG, https://HOST/FOLDER.",
        filled=True,
    ),
]
Key = Annotated[str, Option("File of the public key (PEM) that must have signed it.", filled=True)]
Revision = Annotated[str, Option("The digest that the published database must have.", filled=True)]
Insecure = Annotated[
    tuple[str, ...], Option("Host that may be reached without verified TLS; may be repeated.")
]
CaCert = Annotated[str, Option("File of further trusted certificates (PEM).")]
MaxAge = Annotated[float, Option("Hours after which advisories count as stale.")]
FetchTimeout = Annotated[float, Option("Seconds that a scan waits for advisories that it lacks.")]
MAX_AGE_H, FETCH_TIMEOUT_S = 24.0, 30.0


class Feeding(Protocol):
    """A command that has these flags."""

    @property
    def db_from(self) -> str:
        """Where a database is published."""
        ...

    @property
    def db_key(self) -> str:
        """A file."""
        ...

    @property
    def db_revision(self) -> str:
        """A digest."""
        ...

    @property
    def db_mirror(self) -> str:
        """A mirror's address."""
        ...

    @property
    def db_nvd_key(self) -> str:
        """A file."""
        ...

    @property
    def db_max_age(self) -> float:
        """Hours."""
        ...

    @property
    def db_fetch_timeout(self) -> float:
        """Seconds."""
        ...


def asked_feeds(asked: Feeding) -> "Feeds":
    """Give where advisories are fetched from. Raises `UsageError` for what makes no sense."""
    from hullmark.cli.reading import check_number
    from hullmark.model.errors import UsageError
    from hullmark.model.image import DIGEST
    from hullmark.scan.request import Feeds

    check_number(asked.db_max_age, "--db-max-age")
    check_number(asked.db_fetch_timeout, "--db-fetch-timeout")
    if asked.db_mirror and not asked.db_mirror.startswith(("http://", "https://")):
        raise UsageError(
            "a mirror is an address that begins with http:// or https://",
            where=asked.db_mirror,
            hint="hullmark db build --from DIR reads a folder",
        )
    if asked.db_revision and not DIGEST.fullmatch(asked.db_revision):
        raise UsageError(f"{asked.db_revision[:80]!r} is no digest", hint="--db-revision sha256:…")
    if (asked.db_revision or asked.db_key) and not getattr(asked, "from_", "") and not asked.db_from:
        raise UsageError("a key or a revision is one of a published database", hint="--db-from")
    return Feeds(
        published=asked.db_from,
        key=asked.db_key,
        revision=asked.db_revision,
        mirror=asked.db_mirror,
        nvd_key=asked.db_nvd_key,
        timeout_s=asked.db_fetch_timeout,
    )
