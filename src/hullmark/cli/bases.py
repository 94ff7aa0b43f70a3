"""`hullmark bases`: on which other base an image would have fewer findings and bytes."""

from typing import Annotated

from hullmark.cli.feeding import (
    FETCH_TIMEOUT_S,
    MAX_AGE_H,
    FetchTimeout,
    From,
    Key,
    MaxAge,
    Mirror,
    NvdKey,
    Revision,
)
from hullmark.cli.matching import Matched, Offline
from hullmark.cli.options import Option
from hullmark.cli.output import look, replacing, write
from hullmark.cli.reading import Reading, check_references
from hullmark.cli.terminal import configure, error, progress
from hullmark.model.errors import ExitCode, UsageError


class Bases(Reading, frozen=True, kw_only=True):
    """Say on which other base an image would have fewer findings and bytes.

    The bases are images that were scanned on this machine before. For the best ones it is looked whether the application would find
    there what it links against; what it opens while it runs is not.

    Exit codes: 0 said, whatever the answer is, 2 usage, 3 could not scan, or not whole with --fail-on-incomplete.
    """

    images: Annotated[
        tuple[str, ...], Option("An image reference, see below.", name="IMAGE", positional=True)
    ] = ()
    formats: Annotated[
        tuple[str, ...], Option("table or json; FORMAT=FILE writes a file; may be repeated.", name="format")
    ] = ("table",)
    offline: Offline = False
    db_from: From = ""
    db_key: Key = ""
    db_revision: Revision = ""
    db_mirror: Mirror = ""
    db_nvd_key: NvdKey = ""
    db_max_age: MaxAge = MAX_AGE_H
    db_fetch_timeout: FetchTimeout = FETCH_TIMEOUT_S

    def run(self) -> int:
        """Do it, and give the exit code."""
        configure(quiet=self.quiet, json_log=self.json_log)
        from msgspec.structs import replace

        from hullmark.cli.judging import format_targets
        from hullmark.reports._bases import FORMATS, render
        from hullmark.scan.bases import bases_of
        from hullmark.scan.platforms import platforms_of

        outputs = format_targets(self.formats, FORMATS)
        if len(self.images) != 1 or self.platform == "all":
            raise UsageError("one image is looked at", hint="hullmark bases IMAGE")
        check_references(self.images)
        (name,) = self.images
        matched = Matched(self, ("vuln",))
        request = self.request([name])
        matched.warn_of_none()
        (platform,) = platforms_of(name, self.platform, request.source)
        with replacing([target for _, target in outputs]):
            with progress() as show:
                asked = matched.request(request, show)
                source = replace(asked.source, platform=platform)
                found = bases_of(replace(asked, reference=name, source=source))
            for form, target in outputs:
                write(render(form, found, look(target)), target)
        if found.incomplete and self.fail_on_incomplete:
            error("it could not be read whole", where=found.name)
            return ExitCode.INCOMPLETE
        return ExitCode.CLEAN
