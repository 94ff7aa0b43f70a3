"""`hullmark layers`: how an image is built up, what of it is wasted, and which order would be better."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from hullmark.cli.options import Option
from hullmark.cli.output import look, replacing, write
from hullmark.cli.reading import Reading, check_references
from hullmark.cli.terminal import configure, error, progress, warning
from hullmark.model.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from hullmark.model.layering import Layering
    from hullmark.scan.layer_gate import LayerGate

CI_FILE = ".dive-ci"
"""dive's own name, read where nothing else is named."""
NO_FILE = "none"
_MOST_BYTES = 1024 * 1024


class Layers(Reading, frozen=True, kw_only=True):
    """Show the layers of an image: bytes, waste, order.

    Bytes a layer, files that a later layer deletes or overwrites, caches left behind, an order that spares builds, and with --against what really
    changed since an older build. Of a Dockerfile its instructions are judged.

    Exit codes: 0 clean, 1 over a gate, 2 usage, 3 could not be read whole where a gate relies on it.
    """

    images: Annotated[
        tuple[str, ...], Option("An image (see below) or a Dockerfile.", name="IMAGE", positional=True)
    ] = ()
    against: Annotated[str, Option("An older build of the image to compare with.", filled=True)] = ""
    context: Annotated[
        str, Option("The build context of a Dockerfile, for the sizes of what it copies.", filled=True)
    ] = ""
    formats: Annotated[
        tuple[str, ...],
        Option("table, json or html; FORMAT=FILE writes a file; may be repeated.", name="format"),
    ] = ("table",)
    lowest_efficiency: Annotated[
        str, Option("Share from 0 to 1; a lower efficiency ends with code 1.", filled=True)
    ] = ""
    highest_wasted_bytes: Annotated[
        str, Option("Bytes, as 20MB; more wasted ones end with code 1.", filled=True)
    ] = ""
    highest_user_wasted_percent: Annotated[
        str,
        Option(
            "Share from 0 to 1 of what stands above the first layer; more wasted ends with code 1.",
            filled=True,
        ),
    ] = ""
    ci_config: Annotated[
        str,
        Option(f"File of gates as dive reads it; none reads none. Else {CI_FILE} where it is.", filled=True),
    ] = ""

    def run(self) -> int:
        """Do it, and give the exit code."""
        configure(quiet=self.quiet, json_log=self.json_log)
        from msgspec.structs import replace

        from hullmark.cli.judging import format_targets
        from hullmark.reports._layers import FORMATS, render
        from hullmark.scan.layer_gate import results

        outputs = format_targets(self.formats, FORMATS)
        asked = self._gate()
        if len(self.images) != 1:
            raise UsageError(
                f"one image is looked at, and these are {len(self.images)}", hint="hullmark layers IMAGE"
            )
        check_references((*self.images, *((self.against,) if self.against else ())))
        with replacing([target for _, target in outputs]):
            found = self._found()
            if found.kind == "image":
                found = replace(found, gates=tuple(results(asked, found)))
            for name, target in outputs:
                write(render(name, found, look(target)), target)
        return self._code(found)

    def _found(self) -> "Layering":
        from msgspec.structs import replace

        from hullmark.images.source import SourceOptions
        from hullmark.scan.layering import is_dockerfile, layering_of_dockerfile, layering_of_image
        from hullmark.scan.platforms import platforms_of

        (name,) = self.images
        if is_dockerfile(name):
            if self.against:
                raise UsageError(
                    "a Dockerfile has no older build", where=name, hint="--against is for images"
                )
            if self.lowest_efficiency or self.highest_wasted_bytes or self.highest_user_wasted_percent:
                raise UsageError(
                    "what a Dockerfile's RUN writes is not known",
                    where=name,
                    hint="put the built image to the gate",
                )
            return layering_of_dockerfile(name, self.context)
        if self.context:
            raise UsageError("a build context is for a Dockerfile", where=name, hint="leave out --context")
        request = self.request([name, self.against] if self.against else [name])
        source: SourceOptions = request.source
        if self.platform == "all":
            raise UsageError("one image is looked at", hint="--platform os/arch")
        (platform,) = platforms_of(name, self.platform, source)
        source = replace(source, platform=platform)
        with progress() as show:
            return layering_of_image(
                replace(request, reference=name, source=source, progress=show), self.against
            )

    def _gate(self) -> "LayerGate":
        """Give the bounds: those of the file, and over them those of the flags."""
        from hullmark.scan.layer_gate import (
            HIGHEST_USER_WASTED_PERCENT,
            HIGHEST_WASTED_BYTES,
            LOWEST_EFFICIENCY,
            gate,
            read_file,
        )

        bounds: dict[str, str] = {}
        path = Path(self.ci_config or CI_FILE)
        if self.ci_config != NO_FILE and (self.ci_config or path.is_file()):
            try:
                with path.open("rb") as file:
                    body = file.read(_MOST_BYTES)
            except OSError as problem:
                raise UsageError(
                    f"cannot be read: {problem.strerror or problem}", where=str(path)
                ) from problem
            bounds, unknown = read_file(str(path), body)
            if unknown:
                warning(f"means nothing here: {', '.join(unknown[:20])}", where=str(path))
        flags = {
            LOWEST_EFFICIENCY: self.lowest_efficiency,
            HIGHEST_WASTED_BYTES: self.highest_wasted_bytes,
            HIGHEST_USER_WASTED_PERCENT: self.highest_user_wasted_percent,
        }
        return gate(bounds | {name: text for name, text in flags.items() if text})

    def _code(self, found: "Layering") -> int:
        failed = [each for each in found.gates if not each.passed]
        for each in failed:
            error(f"--{each.name} {each.bound} is not kept: {each.found}", where=found.name)
        if failed:
            return ExitCode.OVER_GATE
        if found.incomplete and (found.gates or self.fail_on_incomplete):
            error("it could not be read whole", where=found.name, hint=found.errors[0].reason)
            return ExitCode.INCOMPLETE
        return ExitCode.CLEAN
