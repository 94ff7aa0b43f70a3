"""`hullmark verify`: who has signed what of an image."""

import datetime as dt
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from hullmark.cli.judging import format_targets, parted
from hullmark.cli.options import Option
from hullmark.cli.output import replacing, write, write_line
from hullmark.cli.reading import Messages, check_references
from hullmark.cli.terminal import configure, error
from hullmark.model.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from hullmark.scan.attest.checking import Attestation, Demand
    from hullmark.scan.attest.verifying import Verification

_FORMATS = ("table", "json")
_SPAN = re.compile(r"(\d{1,6})([smhdw])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SHOWN = 50


class Verify(Messages, frozen=True, kw_only=True):
    """Say which attestations of an image are of a key that is trusted, and what they say.

    They are looked for in the image's repository: by the referrers API, else at the fallback tag, and where cosign 1 and 2 keep theirs; or in files.

    Exit codes: 0 verified, 1 not, 2 usage, 3 the registry cannot be asked.
    """

    image: Annotated[str, Option("An image reference.", name="IMAGE", positional=True)]
    key: Annotated[
        tuple[str, ...],
        Option(
            "File of a public key (PEM) that is trusted; may be repeated, and one is enough.", filled=True
        ),
    ]
    types: Annotated[
        tuple[str, ...],
        Option(
            "What must be there: sbom, scan, vulns, vex, or a predicate type; may be repeated. Left out anything will do.",
            name="type",
            filled=True,
        ),
    ] = ()
    max_age: Annotated[
        str,
        Option("How old it may be at most: 12h, 7d. What does not say its time does not count.", filled=True),
    ] = ""
    attestation: Annotated[
        tuple[str, ...],
        Option("Look in this file, and not in the registry; may be repeated.", filled=True),
    ] = ()
    platform: Annotated[
        str, Option("os/arch[/variant], or all; else linux on this machine's architecture.")
    ] = ""
    as_of: Annotated[
        str, Option("The time that the result is made for (RFC 3339); else SOURCE_DATE_EPOCH or now.")
    ] = ""
    formats: Annotated[
        tuple[str, ...],
        Option("table or json; FORMAT=FILE writes a file; may be repeated.", name="format"),
    ] = ("table",)
    insecure: Annotated[
        tuple[str, ...],
        Option("Registry host that may be reached without verified TLS; may be repeated."),
    ] = ()
    cacert: Annotated[str, Option("File of further trusted certificates (PEM).")] = ""

    def run(self) -> int:
        """Do it, and give the exit code."""
        configure(quiet=self.quiet, json_log=self.json_log)
        check_references([self.image])
        outputs = format_targets(self.formats, _FORMATS)
        wanted = parted(self.types)
        for word in wanted:
            if "://" not in word and word not in _words():
                raise UsageError(
                    f"--type does not know {word!r}", hint=f"it knows {', '.join(_words())}, and URLs"
                )
        demand = self._demand()
        with replacing([target for _, target in outputs]):
            found = self._found(wanted, demand)
            for name, target in outputs:
                if name == "json":
                    write(_document(found), target)
                elif target:
                    write("".join(f"{line}\n" for line in _lines(found)).encode(), target)
                else:
                    for line in _lines(found):
                        write_line(line)
        for image in found.images:
            if not image.verified:
                kinds = f" of type {', '.join(image.missing)}" if image.missing else ""
                error(f"{image.digest} has no verified attestation{kinds}", where=self.image)
        return ExitCode.CLEAN if found.verified else ExitCode.OVER_GATE

    def _demand(self) -> "Demand":
        from hullmark.scan.attest.checking import Demand
        from hullmark.scan.attest.keys import load_verifier
        from hullmark.scan.moment import moment

        return Demand(
            keys=[load_verifier(Path(name)) for name in self.key],
            digests=(),
            as_of=dt.datetime.fromisoformat(moment(self.as_of)),
            max_age=span(self.max_age, "--max-age") if self.max_age else None,
        )

    def _found(self, wanted: tuple[str, ...], demand: "Demand") -> "Verification":
        from hullmark.images.source import SourceOptions
        from hullmark.scan.attest import storing
        from hullmark.scan.attest.targets import at, named_here, named_there, registry_reference
        from hullmark.scan.attest.verifying import types_of, verify
        from hullmark.scan.moment import moment

        options = SourceOptions(insecure=self.insecure, cacert=self.cacert)
        reference = registry_reference(self.image)
        as_of = moment(self.as_of)
        kept = [candidate for name in self.attestation for candidate in storing.read(Path(name))]
        if reference is None:
            if not self.attestation:
                raise UsageError("it is in no registry", where=self.image, hint="--attestation FILE")
            named = named_here(self.image, options, self.platform)
            return verify(named, types_of(wanted), demand, lambda _digest: kept, as_of)
        with at(reference, options) as place:
            named = named_there(place, self.platform)

            if self.attestation:
                return verify(named, types_of(wanted), demand, lambda _digest: kept, as_of)
            return verify(
                named,
                types_of(wanted),
                demand,
                lambda digest: storing.found(place.registry, place.reference, digest),
                as_of,
            )


def span(text: str, flag: str) -> dt.timedelta:
    """Read a span of time: a number, and s, m, h, d or w. Raises `UsageError`."""
    match = _SPAN.fullmatch(text)
    if match is None:
        raise UsageError(f"{flag} needs a span of time, not {text[:40]!r}", hint="12h, 7d")
    return dt.timedelta(**{_UNITS[match[2]]: int(match[1])})


def _words() -> tuple[str, ...]:
    from hullmark.scan.attest.predicates import KINDS

    return tuple(KINDS)


def _document(found: "Verification") -> bytes:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"


def _lines(found: "Verification") -> list[str]:
    """Say what was verified, and of the rest why it does not count."""
    lines = [found.reference]
    lines += [f"  {_line(each)}" for each in found.attestations[:_SHOWN]]
    if len(found.attestations) > _SHOWN:
        lines.append(f"  {len(found.attestations) - _SHOWN} more: --format json")
    if not found.attestations:
        lines.append("  nothing is attached to it")
    return lines


def _line(each: "Attestation") -> str:
    what = each.kind or each.predicate_type or "attestation"
    if each.verified:
        time = f", of {each.time}" if each.time else ""
        return f"verified: {what} by {each.key} ({each.identity}){time}, at {each.place}"
    return f"not verified: {what} at {each.place}: {each.reason}"
