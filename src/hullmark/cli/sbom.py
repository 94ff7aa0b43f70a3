"""`hullmark sbom`: the packages of an image, as a document for other tools."""

from typing import Annotated

import msgspec
from cyclopts import Parameter

from hullmark.cli.reading import Messages, Reading, check_references
from hullmark.cli.terminal import configure, error, progress
from hullmark.model.errors import ExitCode, UsageError

_FORMATS = ("cyclonedx", "spdx", "json")
_READING, _MESSAGES = Reading(), Messages()


def sbom(
    image: Annotated[
        str, Parameter(allow_leading_hyphen=True, show_env_var=False, help="An image reference, see below.")
    ],
    /,
    *,
    formats: Annotated[
        tuple[str, ...],
        Parameter(
            name="--format", help="cyclonedx, spdx or json; FORMAT=FILE writes a file; may be repeated."
        ),
    ] = ("cyclonedx",),
    reading: Reading = _READING,
    messages: Messages = _MESSAGES,
) -> int:
    """List the packages of an image without matching them.

    Exit codes: 0 done, 2 usage, 3 could not be read or incomplete.
    """
    configure(quiet=messages.quiet, json_log=messages.json_log)
    check_references([image], "sbom")
    from hullmark.cli.output import look, write
    from hullmark.reports import render
    from hullmark.scan.gate import incomplete
    from hullmark.scan.platforms import platforms_of
    from hullmark.scan.run import run

    outputs = [text.partition("=")[::2] for text in formats]
    for name, _ in outputs:
        if name not in _FORMATS:
            raise UsageError(f"an SBOM has no format {name!r}", hint=f"there are {', '.join(_FORMATS)}")
    if sum(target in {"", "-"} for _, target in outputs) > 1:
        raise UsageError("two formats would be written to standard output", hint="--format FORMAT=FILE")
    request = reading.request([image])
    platforms = platforms_of(image, reading.platform, request.source)
    if len(platforms) > 1:
        raise UsageError("an SBOM is of one platform", where=image, hint="--platform os/arch")
    with progress() as show:
        source = msgspec.structs.replace(request.source, platform=platforms[0])
        report = run(
            msgspec.structs.replace(request, reference=image, source=source, scanners=(), progress=show)
        )
    for name, target in outputs:
        write(render(name, report, look(target)), target)
    missing = incomplete(report, relies=False, strict=reading.fail_on_incomplete)
    for reason in missing:
        error(reason)
    return ExitCode.INCOMPLETE if missing else ExitCode.CLEAN
