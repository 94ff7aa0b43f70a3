"""`LABEL` and `MAINTAINER`. What labels mean: https://github.com/opencontainers/image-spec/blob/main/annotations.md."""

import re
from collections.abc import Iterator

from hullmark.detectors.config.check import Check, Edit, Problem
from hullmark.detectors.config.dockerfile._calls import every, keyword_span, lineage, named, same_case
from hullmark.detectors.config.dockerfile.model import Dockerfile, Instruction
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

MAINTAINER = Rule(
    id="maintainer",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="`MAINTAINER` is out of use",
    why="Builders may drop it, and few tools show what it says.",
    fix="Use `LABEL org.opencontainers.image.authors=…`.",
    bad=(
        "FROM debian:12.7\nMAINTAINER Jo Doe <jo@example.com>\n",
        'from debian:12.7\nmaintainer "Jo" $x \\y\n',
    ),
    good=('FROM debian:12.7\nLABEL org.opencontainers.image.authors="Jo Doe <jo@example.com>"\n',),
    pack="pedantic",
    same_as=("DL4000", "DS-0022", "AVD-DS-0022", "MaintainerDeprecated"),
)
KEY = Rule(
    id="label-key",
    kind="dockerfile",
    severity=Severity.NEGLIGIBLE,
    summary="a label's key is not of the usual form, or in a namespace that is Docker's own",
    why="Tools that filter by labels may not find it, and Docker may use its own namespaces for something else.",
    fix="Use small letters, digits, dots and hyphens, and a domain of your own in front.",
    bad=(
        "FROM debian:12.7\nLABEL Vendor=x\n",
        "FROM debian:12.7\nLABEL com.docker.x=1\n",
        "FROM debian:12.7\nLABEL a..b=1 -c=2\n",
    ),
    good=(
        "FROM debian:12.7\nLABEL com.example.vendor=x version-1=2 org.label-schema.x=1\n",
        "FROM debian:12.7\nARG X\nLABEL $X=1\n",
    ),
    pack="pedantic",
    same_as=("DL3048",),
)
MISSING = Rule(
    id="missing-labels",
    kind="dockerfile",
    severity=Severity.NEGLIGIBLE,
    summary="no label says where the image comes from",
    why="Whoever finds a flaw in the image does not find its source or who builds it.",
    fix="Set `org.opencontainers.image.source` and `org.opencontainers.image.version`, here or in the build.",
    bad=(
        'FROM debian:12.7\nCMD ["/app"]\n',
        "FROM debian:12.7\nLABEL org.opencontainers.image.source=https://example.com/x\n",
    ),
    good=(
        "FROM debian:12.7\nLABEL org.opencontainers.image.source=https://example.com/x org.opencontainers.image.version=1\n",
    ),
    pack="pedantic",
    same_as=("DL3049",),
)
EMPTY = Rule(
    id="empty-label",
    kind="dockerfile",
    severity=Severity.NEGLIGIBLE,
    summary="a label has no value",
    why="It says nothing.",
    fix="Give it a value or leave it out.",
    bad=('FROM debian:12.7\nLABEL vendor=""\n',),
    good=("FROM debian:12.7\nLABEL vendor=x\n", "FROM debian:12.7\nARG V\nLABEL vendor=$V\n"),
    pack="pedantic",
    same_as=("DL3051",),
)
VALUE = Rule(
    id="label-value",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="a label's value is not of the form that its key has",
    why="Tools that read it fail or show nothing.",
    fix="Give an RFC 3339 time, an address, an SPDX expression or a commit, as the key asks.",
    bad=(
        'FROM debian:12.7\nLABEL org.opencontainers.image.created="yesterday"\n',
        'FROM debian:12.7\nLABEL org.opencontainers.image.source="my repository"\n',
        'FROM debian:12.7\nLABEL org.opencontainers.image.licenses="Apache License, Version 2"\n',
        'FROM debian:12.7\nLABEL org.opencontainers.image.revision="the newest"\n',
    ),
    good=(
        'FROM debian:12.7\nLABEL org.opencontainers.image.created=2024-08-01T12:00:00Z org.opencontainers.image.licenses="MIT OR Apache-2.0"\n',
        "FROM debian:12.7\nLABEL org.opencontainers.image.source=https://example.com/x org.opencontainers.image.revision=a94a8fe\n",
        "FROM debian:12.7\nARG NOW\nLABEL org.opencontainers.image.created=$NOW\n",
    ),
    pack="pedantic",
    same_as=("DL3052", "DL3053", "DL3054", "DL3055"),
)

_KEY = re.compile(r"[a-z](?:[.-]?[a-z0-9]+)*")
_RESERVED = ("com.docker.", "io.docker.", "org.dockerproject.")
_OCI = "org.opencontainers.image."
_WANTED = (f"{_OCI}source", f"{_OCI}version")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://\S+")
_FORMS = {
    "created": (
        re.compile(r"\d{4}-[01]\d-[0-3]\d[Tt ][0-2]\d:[0-5]\d:[0-6]\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)"),
        "an RFC 3339 time",
    ),
    "url": (_ADDRESS, "an address"),
    "source": (_ADDRESS, "an address"),
    "documentation": (_ADDRESS, "an address"),
    "licenses": (
        re.compile(r"(?i)\(*[a-z0-9.:-]+\+?\)*(?: (?:and|or|with) \(*[a-z0-9.:-]+\+?\)*){0,50}"),
        "an SPDX expression",
    ),
    "revision": (re.compile(r"\S{1,200}"), "a commit"),
}


def _find_maintainer(dockerfile: Dockerfile) -> Iterator[Problem]:
    for instruction in every(dockerfile, "MAINTAINER"):
        name = instruction.text.strip()
        edits = _as_label(instruction, name)
        yield Problem(
            MAINTAINER,
            keyword_span(instruction),
            "MAINTAINER is out of use",
            resource=name[:200],
            edits=edits,
        )


def _as_label(instruction: Instruction, name: str) -> tuple[Edit, ...]:
    if not name or instruction.span.line != instruction.span.end_line:
        return ()
    if len(name) > 1 and name[0] == name[-1] and name[0] in "\"'":
        name = name[1:-1]
    escaped = re.sub(r"([\\\"$`])", r"\\\1", name)
    return (
        Edit(instruction.span, f'{same_case("LABEL", instruction.keyword_raw)} {_OCI}authors="{escaped}"'),
    )


def _find_key(dockerfile: Dockerfile) -> Iterator[Problem]:
    for instruction in every(dockerfile, "LABEL"):
        for key, _ in instruction.pairs:
            if "$" in key.raw or not key.text:
                continue
            if not _KEY.fullmatch(key.text[:300]):
                yield named(KEY, key, f"the key {key.text} is not of the usual form")
            elif key.text.startswith(_RESERVED):
                yield named(KEY, key, f"the key {key.text} is in a namespace of Docker's own")


def _find_missing(dockerfile: Dockerfile) -> Iterator[Problem]:
    last = dockerfile.last
    if last is None:
        return
    pairs = (
        pair
        for stage in lineage(dockerfile)
        for i in stage.instructions
        if i.keyword == "LABEL"
        for pair in i.pairs
    )
    there = {key.text for key, _ in pairs}
    missing = [key for key in _WANTED if key not in there]
    if missing:
        yield Problem(
            MISSING,
            keyword_span(last.start),
            f"the label {' and '.join(missing)} is missing",
            resource=" ".join(missing),
        )


def _find_empty(dockerfile: Dockerfile) -> Iterator[Problem]:
    for instruction in every(dockerfile, "LABEL"):
        for key, value in instruction.pairs:
            if value is not None and not value.text.strip():
                yield named(EMPTY, key, f"the label {key.text} is empty")


def _find_value(dockerfile: Dockerfile) -> Iterator[Problem]:
    for instruction in every(dockerfile, "LABEL"):
        for key, value in instruction.pairs:
            form = _FORMS.get(key.text.removeprefix(_OCI)) if key.text.startswith(_OCI) else None
            if form is None or value is None or "$" in value.raw or not value.text:
                continue
            pattern, name = form
            if not pattern.fullmatch(value.text[:1000]):
                yield named(VALUE, value, f"{key.text} is not {name}", resource=key.text)


CHECKS: tuple[Check[Dockerfile], ...] = (
    Check(MAINTAINER, _find_maintainer),
    Check(KEY, _find_key),
    Check(MISSING, _find_missing),
    Check(EMPTY, _find_empty),
    Check(VALUE, _find_value),
)
