"""The flags that every command which reads an image has: how it is reached, how far it is read, what is said meanwhile."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from hullmark.cli.options import Option, Settings
from hullmark.cli.parser import is_input
from hullmark.cli.settings import cache_folder
from hullmark.model.errors import UsageError

if TYPE_CHECKING:
    from hullmark.scan.request import ScanRequest

_MAX_PASSWORD_BYTES = 64 * 1024


class Messages(Settings, frozen=True, kw_only=True):
    """What is written to standard error."""

    quiet: Annotated[bool, Option("No progress and no warnings; errors stay.")] = False
    json_log: Annotated[bool, Option("Write each message as one JSON object a line.")] = False


class Reading(Messages, frozen=True, kw_only=True):
    """How images are reached and read."""

    platform: Annotated[
        str, Option("os/arch[/variant], or all; else linux on this machine's architecture.")
    ] = ""
    base: Annotated[
        tuple[str, ...],
        Option("A reference of the base image; may be repeated, the first that fits counts."),
    ] = ()
    skip_path: Annotated[tuple[str, ...], Option("Glob of paths to pass over; may be repeated.")] = ()
    include_dev: Annotated[bool, Option("Count development dependencies that only a lock file names.")] = (
        False
    )
    as_of: Annotated[
        str, Option("The time that the result is made for (RFC 3339); else SOURCE_DATE_EPOCH or now.")
    ] = ""
    fail_on_incomplete: Annotated[
        bool, Option("Any file or record that could not be read ends with code 3.")
    ] = False
    timeout: Annotated[float, Option("Seconds after which the partial result is written; 0 means never.")] = 0
    limit: Annotated[
        tuple[str, ...],
        Option("NAME=NUMBER, a bound for what is read (see hullmark config); may be repeated."),
    ] = ()
    insecure: Annotated[
        tuple[str, ...],
        Option("Registry host that may be reached without verified TLS; may be repeated."),
    ] = ()
    cacert: Annotated[str, Option("File of further trusted certificates (PEM).")] = ""
    username: Annotated[str, Option("Who to be at the registry, with --password-stdin.")] = ""
    password_stdin: Annotated[
        bool, Option("Read the registry's password from standard input's first line.")
    ] = False

    @classmethod
    def epilogue(cls) -> str:
        """Give what an image reference may look like."""
        return _prefixes_said()

    def request(self, references: Sequence[str], *, list_from_input: bool = False) -> "ScanRequest":
        """Give what these flags ask for, with no reference yet; `references` are those that will be read.

        Raises `UsageError` for what makes no sense, before anything is read but a password.
        """
        from hullmark.images.source import SourceOptions
        from hullmark.scan.limits import with_limits
        from hullmark.scan.moment import moment
        from hullmark.scan.request import Filters, ScanRequest

        asked = sum(is_input(name) or is_input(name.partition(":")[2]) for name in references)
        if asked + list_from_input + self.password_stdin > 1:
            raise UsageError(
                "standard input is asked for more than once", hint="an image, a list or a password"
            )
        check_number(self.timeout, "--timeout")
        limits, file_limits = with_limits(self.limit)
        as_of = moment(self.as_of)
        return ScanRequest(
            reference="",
            as_of=as_of,
            cache=cache_folder(),
            base=self.base,
            filters=Filters(skip_paths=self.skip_path, include_dev=self.include_dev),
            source=SourceOptions(
                insecure=self.insecure,
                cacert=self.cacert,
                username=self.username,
                password=_password() if self.password_stdin else "",
            ),
            limits=limits,
            file_limits=file_limits,
            timeout_s=self.timeout,
        )


def _password() -> str:
    try:
        return sys.stdin.buffer.readline(_MAX_PASSWORD_BYTES).rstrip(b"\r\n").decode()
    except UnicodeDecodeError as problem:
        raise UsageError("the password on standard input is no UTF-8") from problem


def check_number(number: float, flag: str) -> None:
    """Refuse what is no span of time: negative, without end, no number."""
    if not 0 <= number < float("inf"):
        raise UsageError(f"{flag} needs a number of 0 or more, not {number}")


def check_references(references: Sequence[str]) -> None:
    """Refuse what is empty, and what looks like a flag: it stands in a list of images, or behind `--`."""
    for reference in references:
        if not reference.strip():
            raise UsageError("an image reference is empty", hint="is a variable of the shell not set?")
        if reference.startswith("-") and not is_input(reference):
            raise UsageError(
                "no image reference begins with a hyphen", where=reference, hint=f"./{reference} is a file"
            )


def _prefixes_said() -> str:
    """List the prefixes of image references, from the sources themselves."""
    from hullmark.images.open import all_sources

    lines = [
        "An image reference may begin with a prefix that says what kind of place the rest names:",
        *("  " + " ".join(f"{prefix}:" for prefix in source.prefixes) for source in all_sources()),
        "  sbom:",
        "Without one the first that fits is taken; - is standard input, and -:NAME an image of what comes there.",
    ]
    return "\n".join(lines)
