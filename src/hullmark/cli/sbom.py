"""`hullmark sbom`: the packages of an image, as a document for other tools."""

from typing import Annotated

from cyclopts import Parameter

from hullmark.cli.settings import cache_folder
from hullmark.cli.terminal import configure, error, progress
from hullmark.model.errors import ExitCode, UsageError

Many = Parameter(negative="")


def sbom(
    image: Annotated[str, Parameter(allow_leading_hyphen=True, help="An image reference.")],
    /,
    *,
    formats: Annotated[
        list[str] | None,
        Parameter(name="--format", help="cyclonedx, spdx or json; FORMAT=FILE writes a file.", negative=""),
    ] = None,
    platform: Annotated[str, Parameter(help="os/arch[/variant].")] = "",
    skip_path: Annotated[list[str] | None, Parameter(help="Glob of paths to pass over.", negative="")] = None,
    include_dev: Annotated[bool, Many] = False,
    as_of: Annotated[str, Parameter(help="The time that the document carries (RFC 3339).")] = "",
    insecure: Annotated[
        list[str] | None,
        Parameter(help="Registry host that may be reached without verified TLS.", negative=""),
    ] = None,
    cacert: Annotated[str, Parameter(help="File of further trusted certificates.")] = "",
    fail_on_incomplete: Annotated[bool, Many] = False,
    quiet: Annotated[bool, Many] = False,
    json_log: Annotated[bool, Many] = False,
) -> int:
    """List the packages of an image without matching them."""
    configure(quiet=quiet, json_log=json_log)
    if image.startswith("-") and image != "-":
        raise UsageError(f"there is no option {image}", hint="hullmark sbom --help")
    from hullmark.cli.output import look, write
    from hullmark.images.source import SourceOptions
    from hullmark.reports import render
    from hullmark.scan.gate import incomplete
    from hullmark.scan.platforms import platforms_of
    from hullmark.scan.request import Filters, ScanRequest
    from hullmark.scan.run import moment, run

    outputs = [text.partition("=")[::2] for text in formats or ["cyclonedx"]]
    for name, _ in outputs:
        if name not in {"cyclonedx", "spdx", "json"}:
            raise UsageError(f"an SBOM has no format {name!r}", hint="cyclonedx, spdx or json")
    source = SourceOptions(insecure=tuple(insecure or ()), cacert=cacert)
    platforms = platforms_of(image, platform, source)
    if len(platforms) > 1:
        raise UsageError("an SBOM is of one platform", hint="--platform os/arch")
    with progress(quiet=quiet) as show:
        request = ScanRequest(
            reference=image,
            as_of=moment(as_of),
            cache=cache_folder(),
            filters=Filters(skip_paths=tuple(skip_path or ()), include_dev=include_dev),
            source=SourceOptions(insecure=tuple(insecure or ()), cacert=cacert, platform=platforms[0]),
            progress=show,
        )
        report = run(request)
    for name, target in outputs:
        write(render(name, report, look(target)), target)
    missing = incomplete(report, relies=False, strict=fail_on_incomplete)
    for reason in missing:
        error(reason)
    return ExitCode.INCOMPLETE if missing else ExitCode.CLEAN
