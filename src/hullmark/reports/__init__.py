"""One module a format, each a pure function of a report to bytes; the module's name is the format's name.

A module defines `render(report, look) -> bytes`. `Look` says how a format for people may be dressed; formats
for machines do not care. `ONE_IMAGE = True` says that its document can only be of one image.
"""

import functools
import importlib
from collections.abc import Callable

from hullmark.model.look import Look
from hullmark.model.printable import encodable
from hullmark.model.report import Failure, Report, ReportSet
from hullmark.modules import names_in


@functools.cache
def formats() -> tuple[str, ...]:
    """Give the names of all formats."""
    return tuple(names_in(__path__))


def is_of_one_image(name: str) -> bool:
    """Tell whether the format of that name has no form for several images."""
    return bool(getattr(importlib.import_module(f"{__name__}.{name}"), "ONE_IMAGE", False))


def reports_of(report: Report | ReportSet) -> tuple[Report, ...]:
    """Give the reports, whether it is one or several."""
    return (report,) if isinstance(report, Report) else report.reports


def failures_of(report: Report | ReportSet) -> tuple[Failure, ...]:
    """Give the images that could not be scanned; a report of one image has none."""
    return () if isinstance(report, Report) else report.failures


def render(name: str, report: Report | ReportSet, look: Look | None = None) -> bytes:
    """Render a report in the format of that name."""
    return renderer(report)(name, look)


def renderer(report: Report | ReportSet) -> Callable[[str, Look | None], bytes]:
    """Give what renders a report in any number of formats.

    A text with a lone surrogate, which no encoding of Unicode holds, is looked for only where a format came upon one: that
    takes as long as some formats do.
    """
    sound = functools.cache(functools.partial(encodable, report))

    def rendered(name: str, look: Look | None) -> bytes:
        render = importlib.import_module(f"{__name__}.{name}").render
        try:
            body: bytes = render(report, look or Look())
        except UnicodeEncodeError:
            body = render(sound(), look or Look())
        return body

    return rendered
