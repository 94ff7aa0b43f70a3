"""`hullmark sbom`: the packages of an image, as a document for other tools."""

from typing import Annotated

import msgspec

from hullmark.cli.judging import format_targets
from hullmark.cli.options import Option
from hullmark.cli.output import look, replacing, write
from hullmark.cli.reading import Reading, check_references
from hullmark.cli.terminal import configure, error, progress
from hullmark.model.errors import ExitCode, UsageError

_FORMATS = ("cyclonedx", "spdx", "json")


class Sbom(Reading, frozen=True, kw_only=True):
    """List the packages of an image without matching them.

    Exit codes: 0 done, 2 usage, 3 could not be read or incomplete.
    """

    image: Annotated[str, Option("An image reference, see below.", name="IMAGE", positional=True)]
    formats: Annotated[
        tuple[str, ...],
        Option("cyclonedx, spdx or json; FORMAT=FILE writes a file; may be repeated.", name="format"),
    ] = ("cyclonedx",)

    def run(self) -> int:
        """Do it, and give the exit code."""
        configure(quiet=self.quiet, json_log=self.json_log)
        check_references([self.image])
        from hullmark.reports import render
        from hullmark.scan.gate import incomplete
        from hullmark.scan.platforms import platforms_of
        from hullmark.scan.run import run

        for name in (text.partition("=")[0] for text in self.formats):
            if name not in _FORMATS:
                raise UsageError(f"an SBOM has no format {name!r}", hint=f"there are {', '.join(_FORMATS)}")
        outputs = format_targets(self.formats, _FORMATS)
        request = self.request([self.image])
        with replacing([target for _, target in outputs]):
            platforms = platforms_of(self.image, self.platform, request.source)
            if len(platforms) > 1:
                raise UsageError("an SBOM is of one platform", where=self.image, hint="--platform os/arch")
            with progress() as show:
                source = msgspec.structs.replace(request.source, platform=platforms[0])
                report = run(
                    msgspec.structs.replace(
                        request, reference=self.image, source=source, scanners=(), progress=show
                    )
                )
            for name, target in outputs:
                write(render(name, report, look(target)), target)
        missing = incomplete(report, relies=False, strict=self.fail_on_incomplete)
        for reason in missing:
            error(reason)
        return ExitCode.INCOMPLETE if missing else ExitCode.CLEAN
