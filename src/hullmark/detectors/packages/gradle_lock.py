"""Gradle's `gradle.lockfile` and `buildscript-gradle.lockfile`, and the older `gradle/dependency-locks/*.lockfile`.

Format: https://docs.gradle.org/current/userguide/dependency_locking.html: `group:artifact:version=configuration,…`; the older
form has one file a configuration and no `=`.
"""

import re
from collections.abc import Iterator

from hullmark.detectors.detector import Detector, File
from hullmark.model.facts import Package, Unread

_LINE = re.compile(r"([^\s:=#]+:[^\s:=#]+):([^\s:=#]+)(?:=(.*))?")
_TEST = re.compile(r"^test|Test")


def read(file: File) -> Iterator[Package | Unread]:
    """Give the locked artifacts; those of test configurations and of the build itself are for development."""
    build = file.name.startswith("buildscript-")
    for number, line in enumerate(file.text().splitlines(), 1):
        text = line.strip()
        if not text or text[0] == "#" or text.startswith("empty="):
            continue
        found = _LINE.fullmatch(text)
        if not found:
            yield file.unread("not a locked dependency", f"line {number}")
            continue
        configurations = (found[3] or file.name.removesuffix(".lockfile")).split(",")
        yield Package(
            ecosystem="maven",
            name=found[1],
            version=found[2],
            place=f"line {number}",
            origin="locked",
            dev=build or all(_TEST.search(configuration.strip()) for configuration in configurations),
        )


DETECTOR = Detector(
    name="gradle_lock",
    version=1,
    wants=("**/*gradle.lockfile", "**/gradle/dependency-locks/*.lockfile"),
    read=read,
)
