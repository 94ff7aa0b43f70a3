"""The frameworks whose controls rules name, and what each of these controls asks for: `controls.txt`."""

import functools
import re
from importlib import resources

FRAMEWORKS = {
    "cis-docker": "CIS Docker Benchmark 1.6",
    "nist-800-190": "NIST SP 800-190",
    "nist-800-53": "NIST SP 800-53 revision 5",
    "pci-dss": "PCI DSS 4.0.1",
}
"""Each by its name on the command line. A control is that name, as rules write it, and a number: `PCI-DSS 6.3.1`."""


@functools.cache
def controls() -> dict[str, str]:
    """Give every control that a rule names, with what it asks for in our words."""
    text = (resources.files("hullmark.policy") / "controls.txt").read_text("utf-8")
    return dict(line.split("\t") for line in text.splitlines() if not line.startswith("#"))


def framework_of(control: str) -> str:
    """Give the framework that a control is of, empty where it is of none that is known here."""
    name = control.partition(" ")[0].lower()
    return name if name in FRAMEWORKS else ""


def order(control: str) -> tuple[str, tuple[tuple[int, str], ...]]:
    """Give what controls are sorted by: 4.2 before 4.10, CM-2 before CM-10."""
    name, _, number = control.partition(" ")
    parts = re.findall(r"\d{1,9}|[^\d.-]+", number[:100])
    return name, tuple((int(part), "") if part.isdecimal() else (-1, part) for part in parts)
