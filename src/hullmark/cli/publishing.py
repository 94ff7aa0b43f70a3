"""`hullmark db push`, `export` and `import`: a database that was built once, for many machines."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from hullmark.cli.feeding import CaCert, Insecure, Key
from hullmark.cli.options import Option
from hullmark.cli.reading import Messages

if TYPE_CHECKING:
    from collections.abc import Callable

    from hullmark.advisories.database import PartInfo
    from hullmark.advisories.published import Contents, Manifest, Pulled
    from hullmark.images.source import SourceOptions


_SCRATCH = ".publish-"
_LEFT_S = 24 * 3600.0


class _Pressing(Messages, frozen=True, kw_only=True):
    """What both ways to publish have in common."""

    sign_key: Annotated[str, Option("File of the private key (PEM) to sign with.", filled=True)] = ""
    part: Annotated[tuple[str, ...], Option("Only this part; may be repeated.")] = ()


class Push(_Pressing, frozen=True, kw_only=True):
    """Publish the database in a registry.

    Parts that are there already are not uploaded again, and where the revision before is still here, a delta to it is
    published too. Parts whose publisher lets nobody pass them on (Wolfi, Chainguard) are left out unless they are named.

    Exit codes: 0 done, 2 usage, 3 it could not be published.
    """

    to: Annotated[str, Option("oci://HOST/REPOSITORY:TAG", name="TO", positional=True)]
    with_reserved: Annotated[
        bool,
        Option("Publish what its publisher lets nobody pass on, too: where only your organisation reads it."),
    ] = False
    insecure: Insecure = ()
    cacert: CaCert = ""

    def run(self) -> int:
        """Do it, and give the exit code."""
        from hullmark.advisories.shelves import published_before
        from hullmark.images.source import SourceOptions
        from hullmark.model.errors import UsageError

        if not self.to.startswith("oci://"):
            raise UsageError(
                "a database is pushed to a registry", where=self.to, hint="oci://HOST/REPOSITORY:TAG"
            )
        options = SourceOptions(insecure=self.insecure, cacert=self.cacert)
        return _published(self, self.to, options, published_before, reserved=self.with_reserved)


class Export(_Pressing, frozen=True, kw_only=True):
    """Write the database into one file, for machines without a network.

    Exit codes: 0 done, 2 usage, 3 it could not be written.
    """

    to: Annotated[str, Option("The file.", name="FILE", positional=True)]

    def run(self) -> int:
        """Do it, and give the exit code."""
        from hullmark.images.source import SourceOptions
        from hullmark.model.errors import UsageError

        if "://" in self.to or Path(self.to).is_dir() or not Path(self.to).absolute().parent.is_dir():
            raise UsageError("no file can be written there", where=self.to, hint="hullmark db push publishes")
        return _published(self, self.to, SourceOptions(), None)


class Import(Messages, frozen=True, kw_only=True):
    """Take the database out of a file that `db export` made.

    Exit codes: 0 done, 2 usage, 3 it could not be taken, and the last good content stays.
    """

    file: Annotated[str, Option("The file.", name="FILE", positional=True)]
    db_key: Key = ""
    db_revision: Annotated[str, Option("The digest that the database must have.", filled=True)] = ""

    def run(self) -> int:
        """Do it, and give the exit code."""
        from hullmark.cli.terminal import configure
        from hullmark.images.source import SourceOptions
        from hullmark.model.errors import ExitCode, UsageError

        configure(quiet=self.quiet, json_log=self.json_log)
        if "://" in self.file:
            raise UsageError("it is no file", where=self.file, hint="hullmark db update --from fetches it")
        found = pulled(self.file, SourceOptions(), None, self.db_key, self.db_revision)
        say_pulled(found, quiet=self.quiet)
        return ExitCode.CLEAN


def pulled(
    address: str, options: "SourceOptions", parts: "list[str] | None", key: str, revision: str
) -> "Pulled":
    """Bring a published database here. Raises `FeedError` and `UsageError`."""
    from hullmark.advisories.shelves import pull_from
    from hullmark.cli.settings import made_folder
    from hullmark.cli.terminal import progress
    from hullmark.model.errors import FeedError

    try:
        with progress() as show:
            return pull_from(address, options, made_folder(), parts, key=key, revision=revision, moved=show)
    except FeedError as problem:
        hint = f"{problem.hint}; what is here stays" if problem.hint else "what is here stays"
        raise FeedError(problem.what, where=problem.where, hint=hint) from problem


def say_pulled(found: "Pulled", *, quiet: bool) -> None:
    """Say what a pull did."""
    from hullmark.cli.output import write_line
    from hullmark.cli.terminal import warning

    if not quiet:
        for key in sorted((*found.updated, *found.unchanged)):
            write_line(f"{key:<24} {'updated' if key in found.updated else 'unchanged'}")
        write_line(f"revision {found.revision}")
    for key in found.later:
        warning("what is published is older than what is here, which stays", where=key)
    for key in found.absent:
        warning("is not in the published database", where=key)


def _published(
    asked: _Pressing,
    to: str,
    options: "SourceOptions",
    before: "Callable[[str, SourceOptions], tuple[Manifest, Contents] | None] | None",
    *,
    reserved: bool = True,
) -> int:
    """Publish; `before` reads what is there, where it is to be followed. Without `reserved` such parts stay here unless named."""
    import tempfile

    from hullmark.advisories.database import load_current
    from hullmark.advisories.published import press
    from hullmark.advisories.shelves import press_of
    from hullmark.cli.output import write_line
    from hullmark.cli.settings import database_folder
    from hullmark.cli.terminal import configure
    from hullmark.model.errors import ExitCode, FeedError, UsageError

    configure(quiet=asked.quiet, json_log=asked.json_log)
    sign: Callable[[str], tuple[bytes, bytes]] | None = None
    if asked.sign_key:
        from hullmark.advisories.signing import signer

        sign = signer(Path(asked.sign_key))
    folder = database_folder()
    here = load_current(folder).parts
    if not here:
        raise FeedError("there is no advisory database", where=str(folder), hint="hullmark db update")
    for part in asked.part:
        if part not in here:
            raise UsageError("there is no such part", where=part, hint="hullmark db status lists them")
    parts = asked.part or (tuple(here) if reserved else _free(here))
    if not parts:
        raise UsageError("nothing of this database may be passed on", where=to, hint="--with-reserved")
    earlier = before(to, options) if before is not None else None
    _sweep(folder)
    try:
        with (
            tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=folder) as scratch,
            press_of(to, options) as there,
        ):
            revision = press(folder, Path(scratch), there, before=earlier, sign=sign, parts=parts)
    except OSError as problem:
        where = str(problem.filename or to)
        raise FeedError(f"cannot be written: {problem.strerror or problem}", where=where) from problem
    if not asked.quiet:
        write_line(f"revision {revision}")
    return ExitCode.CLEAN


def _free(here: "dict[str, PartInfo]") -> tuple[str, ...]:
    """Give the parts that may be passed on to others, and say which are left out."""
    from hullmark.advisories.registry import feeds
    from hullmark.cli.terminal import warning

    terms = {feed.name: feed.reserved for feed in feeds() if feed.reserved}
    for key, info in sorted(here.items()):
        if info.feed in terms:
            warning(
                f"is left out: {terms[info.feed]}",
                where=key,
                hint="--with-reserved where only your organisation can read what is published",
            )
    return tuple(key for key, info in here.items() if info.feed not in terms)


def _sweep(folder: Path) -> None:
    """Remove what a publisher that was killed has left."""
    import contextlib
    import shutil
    import time

    for path in folder.glob(f"{_SCRATCH}*"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _LEFT_S:
                shutil.rmtree(path)
