"""How the instruction that made a layer comes to a package's version: what has to change in it for another one. Pure."""

import re
from typing import Literal

from hullmark.model.report import Component

How = Literal["", "names", "copies", "runs"]
_LONGEST = 64 * 1024
_COPIES = re.compile(r"(?:/bin/sh -c #\(nop\) )?(?:COPY|ADD)\b", re.IGNORECASE)
_BETWEEN = r"""(?:\[[^\[\]]{0,200}\])?["']? ?(?:===?|~=|=~|[=@:_-]| -v ?| --version[= ]) ?["']?[v^~=]?"""
"""What stands between a name and its version: pip's, npm's, apt's, apk's, gem's and cargo's ways, and that of files."""
_SEPARATORS = re.compile(r"[-_.]+")


def how(instruction: str, component: Component) -> How:
    """Tell whether an instruction names the version that a package has, copies files into the image, or runs a program.

    Empty where it is not known. An instruction that names a version brings it again, however often it is run.
    """
    text = " ".join(instruction[:_LONGEST].split())
    if not text:
        return ""
    if _names(text, component):
        return "names"
    return "copies" if _COPIES.match(text) else "runs"


def _names(text: str, component: Component) -> bool:
    version = component.version.removeprefix("v")
    if not version:
        return False
    called = {component.name, re.split(r"[/:]", component.name)[-1]} - {""}
    names = "|".join(r"[-_.]+".join(map(re.escape, _SEPARATORS.split(name))) for name in sorted(called))
    pattern = rf"(?<![\w.-])(?:{names}){_BETWEEN}{re.escape(version)}(?![\w+~-]|\.\d)"
    return re.search(pattern, text, re.IGNORECASE) is not None
