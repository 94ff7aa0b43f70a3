"""What may take a finding out of the list: asked by every filter, and by whatever else ever suppresses one."""

import re
from collections.abc import Collection

from hullmark.model.report import Finding

KERNEL_HEADERS = "kernel headers, which hold no code of the kernel"
_KERNEL = re.compile(r"(?:linux|kernel)(?:-[\w.+-]+)?\Z")
_HEADERS = re.compile(
    r"(?:linux-libc-dev(?:-[\w.+-]+)?|linux-(?:[\w.+-]+-)?headers(?:-[\w.+-]+)?|kernel-(?:[\w.+-]+-)?(?:headers|devel(?:-matched)?))\Z"
)


def is_headers(name: str, source: str) -> bool:
    """Tell whether an OS package has a kernel's headers alone, though the flaws of its source are the kernel's.

    An image runs on its host's kernel: what is said of `linux` says nothing of `linux-libc-dev`. Images with compilers in them
    would otherwise have hundreds of findings that no upgrade of theirs makes safer.
    """
    return bool(_KERNEL.match(source) and _HEADERS.match(name))


def may_suppress(finding: Finding, ids: Collection[str] = (), reason: str = "") -> bool:
    """Tell whether a finding may be taken out by who names these `ids` and gives this `reason`; a filter has neither.

    A malicious package is taken out by an id of its own with a reason alone: nobody means it who asks for fewer rows.
    """
    if finding.kind != "malicious":
        return True
    return bool(reason.strip()) and not {finding.id, *finding.aliases}.isdisjoint(ids)
