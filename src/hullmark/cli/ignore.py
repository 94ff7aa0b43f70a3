"""`hullmark ignore`: an entry more in the ignore file, what stands in it, and the same as a VEX document."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from hullmark.cli.judging import IGNORE_FILE, is_rule, read_file
from hullmark.cli.options import Option
from hullmark.cli.output import write, write_line
from hullmark.cli.reading import Messages
from hullmark.cli.terminal import configure, warning
from hullmark.model.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from hullmark.model.report import Suppression


class Ignore(Messages, frozen=True, kw_only=True):
    """Keep the file of what is not to be reported: add to it, list it, say it in VEX.

    A scan reads it from the working folder.

    All that an entry names must fit: a finding's id or alias, the package, its path, the layer.

    Exit codes: 0 done, 2 usage.
    """

    ids: Annotated[
        tuple[str, ...], Option("Ids of flaws, an alias will do, or of rules.", name="ID", positional=True)
    ] = ()
    package: Annotated[
        tuple[str, ...],
        Option("Package URL, or name[@version] with wild cards; may be repeated.", filled=True),
    ] = ()
    path: Annotated[tuple[str, ...], Option("Glob of the package's path; may be repeated.", filled=True)] = ()
    layer: Annotated[
        tuple[str, ...], Option("Layer: base, own, or a digest; may be repeated.", filled=True)
    ] = ()
    reason: Annotated[str, Option("Why it is not to be reported; must be given.", filled=True)] = ""
    author: Annotated[
        str, Option("Who answers for it: a person or a team; policies may ask for one.", filled=True)
    ] = ""
    expires: Annotated[
        str, Option("The last day that it holds for (2026-12-31), or a time (RFC 3339).", filled=True)
    ] = ""
    justification: Annotated[
        str,
        Option(
            "Why the image is not affected, in the words of OpenVEX; only with one is a VEX statement not_affected.",
            filled=True,
        ),
    ] = ""
    file: Annotated[str, Option("The ignore file.", filled=True)] = IGNORE_FILE
    list_: Annotated[bool, Option("List the entries of the file.", name="list")] = False
    vex_out: Annotated[
        str, Option("File for a VEX document (OpenVEX) of the entries that have not expired.", filled=True)
    ] = ""
    product: Annotated[
        str, Option("Package URL of the image that the VEX document is about (pkg:oci/…).", filled=True)
    ] = ""

    def run(self) -> int:
        """Do it, and give the exit code."""
        configure(quiet=self.quiet, json_log=self.json_log)
        told = (self.ids, self.package, self.path, self.layer, self.reason, self.author, self.expires)
        adds = any(told)
        if self.list_ or self.vex_out:
            if adds or self.justification:
                raise UsageError("--list and --vex-out tell what is there, and add nothing")
            if self.product and not self.vex_out:
                raise UsageError("--product is for a VEX document", hint="--vex-out FILE")
            return self._tell()
        if self.product:
            raise UsageError("--product is for a VEX document", hint="--vex-out FILE")
        self._add()
        return ExitCode.CLEAN

    def _add(self) -> None:
        from hullmark.findings.ignoring import extended, twin
        from hullmark.findings.statements.ignorefile import knows, read
        from hullmark.findings.suppression import is_past
        from hullmark.scan.moment import moment

        if not (self.ids or self.package or self.path):
            raise UsageError("nothing is named", hint="hullmark ignore CVE-2023-4911 --reason …")
        if not self.reason.strip():
            raise UsageError("a reason is wanted", hint="--reason: who reads it in a year must know why")
        as_of = moment()
        values = {
            "id": self.ids,
            "package": self.package,
            "path": self.path,
            "layer": self.layer,
            "reason": (self.reason.strip(),),
            "author": (self.author.strip(),) if self.author.strip() else (),
            "expires": (self.expires,) if self.expires else (),
            "justification": (self.justification,) if self.justification else (),
        }
        name = os.path.realpath(self.file)  # the file that a link leads to is replaced, not the link
        with _alone(Path(name).parent, self.file):
            body = read_file(self.file) if Path(name).exists() else None
            made, said = extended(self.file, body, values, is_rule)
            if not knows(self.file, made):
                raise UsageError(
                    "no scan would know it for an ignore file", where=self.file, hint=IGNORE_FILE
                )
            if said.expires and is_past(said.expires, as_of):
                raise UsageError(f"{said.expires} is past", where="--expires")
            before = read(self.file, body, is_rule).suppressions if body is not None else ()
            same = twin(before, said)
            if same is not None and not (same.expires and is_past(same.expires, as_of)):
                raise UsageError("is ignored there already", where=f"{self.file}:{same.line}")
            write(made, name)
        if same is not None:
            warning("the same entry has expired there: it can go", where=f"{self.file}:{same.line}")
        write_line(f"{self.file}:{said.line}: {_told(said)}")
        last = said.line + sum(bool(texts) for texts in values.values()) - 1
        lines = f"lines {said.line} to {last}" if last > said.line else f"line {last}"
        write_line(f"To undo it, delete {lines} of it.")

    def _tell(self) -> int:
        from hullmark.findings.statements.ignorefile import read
        from hullmark.findings.suppression import is_past
        from hullmark.scan.moment import moment

        as_of = moment()
        entries = read(self.file, read_file(self.file), is_rule).suppressions
        if self.list_:
            for said in entries:
                has_expired = bool(said.expires) and is_past(said.expires, as_of)
                write_line(f"{self.file}:{said.line}: {_told(said)}{' (expired)' * has_expired}")
        if self.vex_out:
            from hullmark.findings.naming import names_image
            from hullmark.findings.stating import document_of

            if self.product and not names_image(self.product):
                raise UsageError(
                    f"{self.product[:200]!r} names no image", where="--product", hint="pkg:oci/…"
                )

            body, left_out = document_of(entries, self.product, as_of)
            if len(left_out) == len(entries):
                raise UsageError(
                    "no entry can be said in a VEX document", where=self.file, hint=_why(left_out)
                )
            for said, why in left_out:
                warning(f"is not in the document: {why}", where=f"{self.file}:{said.line}")
            write(body, self.vex_out)
        return ExitCode.CLEAN


def _why(left_out: "list[tuple[Suppression, str]]") -> str:
    return f"line {left_out[0][0].line}: {left_out[0][1]}" if left_out else "it has none"


def _told(said: "Suppression") -> str:
    """Say an entry in a line."""
    words = [", ".join(said.ids) or "every flaw"]
    if said.packages:
        words.append(f"in {', '.join(said.packages)}")
    if paths := [
        path for path in said.paths if path.removesuffix("/**") == path or path[:-3] not in said.paths
    ]:
        words.append(f"at {', '.join(paths)}")
    if said.layers:
        words.append(f"in layers {', '.join(said.layers)}")
    words.append(f"until {said.expires}" if said.expires else "for ever")
    by = f" ({said.author})" if said.author else ""
    return f"{' '.join(words)}: {said.reason or 'no reason is given'}{by}"


@contextmanager
def _alone(folder: Path, name: str) -> Iterator[None]:
    """Have the folder for oneself, so that of two who add an entry at once neither loses his; the kernel lets go when one dies."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as problem:
        raise UsageError(f"cannot be written: {problem.strerror}", where=name) from problem
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
