"""What a team's `.hadolint.yaml` asks of images and labels: registries that may be used, and labels that must be there and of which form.

Described in github.com/hadolint/hadolint, "Configure" and "Linting Labels". These rules find nothing where no such file says what they are to look for.
"""

import re
from collections.abc import Callable, Container, Iterator
from fnmatch import fnmatchcase

from hullmark.detectors.config.check import Problem, Span
from hullmark.detectors.config.dockerfile._calls import every, keyword_span, named
from hullmark.detectors.config.dockerfile.model import Dockerfile, Instruction, Stage
from hullmark.detectors.config.hadolint_yaml import HadolintConfig
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

REGISTRY = Rule(
    id="untrusted-registry",
    kind="dockerfile",
    severity=Severity.HIGH,
    summary="an image comes from a registry that `trustedRegistries` does not name",
    why="Whoever owns that registry says what is in the image, and nobody here decided to trust them.",
    fix="Take the image from a registry of the list, or add its registry to `trustedRegistries`.",
    controls=("CIS-Docker 4.2", "NIST-800-190 4.1.5", "NIST-800-53 CM-7"),
    same_as=("DL3026",),
)
MISSING = Rule(
    id="schema-label-missing",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="a label that `label-schema` names is not there",
    why="Whoever looks for it does not find what the team promised.",
    fix="Set the label, or take it out of `label-schema`.",
    pack="pedantic",
    same_as=("DL3049",),
)
NOT_NAMED = Rule(
    id="schema-label-superfluous",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="a label is not one of `label-schema`, which `strict-labels` has be all",
    why="The team agreed on which labels its images have.",
    fix="Leave the label out, or add it to `label-schema`.",
    pack="pedantic",
    same_as=("DL3050",),
)


def _form(kind: str, form: str, theirs: str) -> Rule:
    return Rule(
        id=f"schema-label-{kind}",
        kind="dockerfile",
        severity=Severity.MEDIUM,
        summary=f"a label that `label-schema` has be {form} is none",
        why="Tools that read it fail or show nothing.",
        fix=f"Write {form}; a label whose value is a variable has to be `text` in `label-schema`.",
        pack="pedantic",
        same_as=(theirs,),
    )


_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
_TIME = re.compile(
    r"\d{4}-(?:0\d|1[0-2])-[0-3]\d[Tt][0-2]\d:[0-5]\d:[0-6]\d(?:\.\d{1,12})?(?:[Zz]|[+-][0-2]\d:[0-5]\d)"
)
_COMMIT = re.compile(r"[0-9a-f]{7}|[0-9a-f]{40}")
_NUMBER = r"(?:0|[1-9]\d*)"
_VERSION = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?",
    re.ASCII,
)
_EMAIL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")


def _is_licence(text: str) -> bool:
    from hullmark.model.spdx import licence_id

    return bool(licence_id(text))


_FORMS: dict[str, tuple[Rule, str, Callable[[str], object]]] = {
    "url": (_form("url", "an address", "DL3052"), "an address", _URI.fullmatch),
    "rfc3339": (_form("time", "an RFC 3339 time", "DL3053"), "an RFC 3339 time", _TIME.fullmatch),
    "spdx": (_form("licence", "an SPDX licence id", "DL3054"), "an SPDX licence id", _is_licence),
    "hash": (
        _form("commit", "a commit of 7 or 40 hexadecimal digits", "DL3055"),
        "a commit of 7 or 40 hexadecimal digits",
        _COMMIT.fullmatch,
    ),
    "semver": (_form("version", "a semantic version", "DL3056"), "a semantic version", _VERSION.fullmatch),
    "email": (_form("email", "an e-mail address", "DL3058"), "an e-mail address", _EMAIL.fullmatch),
}
_LONGEST = 1000
_DOCKER_HUB = frozenset({"docker.io", "hub.docker.com", "index.docker.io"})


def rules() -> tuple[Rule, ...]:
    """Give the rules for which a `.hadolint.yaml` says what to look for."""
    return (REGISTRY, MISSING, NOT_NAMED, *(rule for rule, _, _ in _FORMS.values()))


def problems(dockerfile: Dockerfile, told: HadolintConfig, chosen: Container[str]) -> Iterator[Problem]:
    """Give what breaks one of the rules with `chosen` ids."""
    found: list[Problem] = []
    if told.registries:
        found += _untrusted(dockerfile, told.registries)
    if told.labels:
        found += _missing(dockerfile, told.labels)
        found += _of_wrong_form(dockerfile, told.labels)
    if told.strict_labels:
        found += _not_named(dockerfile, told.labels)
    return (problem for problem in found if problem.rule.id in chosen)


def _untrusted(dockerfile: Dockerfile, trusted: tuple[str, ...]) -> Iterator[Problem]:
    patterns = tuple(pattern.lower().replace("[", "[[]").replace("?", "[?]") for pattern in trusted)
    for span, image in _images(dockerfile):
        hosts = _hosts(image)
        if not any(fnmatchcase(host, pattern) for host in hosts for pattern in patterns):
            yield Problem(
                REGISTRY, span, f"{image} comes from {min(hosts)}, which nobody trusts", resource=image
            )


def _images(dockerfile: Dockerfile) -> Iterator[tuple[Span, str]]:
    """Give the images of `FROM`, and of `COPY --from` and `RUN --mount` where they cannot be a stage or a context of the build."""
    for stage in dockerfile.stages:
        if stage.base is None and stage.resolved and stage.resolved != "scratch":
            yield stage.image.span, stage.resolved
        for instruction in stage.instructions:
            for span, source in _sources(instruction):
                if "$" not in source and ("/" in source or ":" in source):
                    yield span, source


def _sources(instruction: Instruction) -> Iterator[tuple[Span, str]]:
    """Give what an instruction takes files from."""
    for flag in instruction.flags:
        if instruction.keyword == "COPY" and flag.name == "from":
            yield flag.span, flag.value or ""
        elif instruction.keyword == "RUN" and flag.name == "mount":
            for option in (flag.value or "").split(","):
                if option.startswith("from="):
                    yield flag.span, option.removeprefix("from=")


def _hosts(image: str) -> frozenset[str]:
    """Give the names by which the registry of an image goes."""
    first, slash, _ = image.lower().partition("/")
    if slash and first not in _DOCKER_HUB and ("." in first or ":" in first or first == "localhost"):
        return frozenset({first})
    return _DOCKER_HUB


def _missing(dockerfile: Dockerfile, labels: dict[str, str]) -> Iterator[Problem]:
    """Give the labels that images lack: stages that no other one builds on or copies from are images."""
    used = {stage.base for stage in dockerfile.stages}
    names = {stage.name: stage.index for stage in dockerfile.stages if stage.name}
    for stage in dockerfile.stages:
        for instruction in stage.instructions:
            for _, source in _sources(instruction):
                used.add(int(source) if source.isdecimal() and len(source) < 6 else names.get(source.lower()))
    there: list[frozenset[str]] = []
    for stage in dockerfile.stages:
        inherited = there[stage.base] if stage.base is not None else frozenset()
        there.append(inherited | _labels(stage))
        if stage.index not in used:
            for label in sorted(labels.keys() - there[-1]):
                yield Problem(
                    MISSING, keyword_span(stage.start), f"the label {label} is missing", resource=label
                )


def _labels(stage: Stage) -> frozenset[str]:
    return frozenset(key.text for one in stage.instructions if one.keyword == "LABEL" for key, _ in one.pairs)


def _of_wrong_form(dockerfile: Dockerfile, labels: dict[str, str]) -> Iterator[Problem]:
    for instruction in every(dockerfile, "LABEL"):
        for key, value in instruction.pairs:
            form = _FORMS.get(labels.get(key.text, ""))
            if form is None or value is None:
                continue
            rule, what, fits = form
            if len(value.text) > _LONGEST or not fits(value.text):
                yield named(rule, value, f"{key.text} is not {what}", resource=key.text)


def _not_named(dockerfile: Dockerfile, labels: dict[str, str]) -> Iterator[Problem]:
    for instruction in every(dockerfile, "LABEL"):
        for key, _ in instruction.pairs:
            if key.text not in labels:
                yield named(
                    NOT_NAMED, key, f"the label {key.text} is none of the schema's", resource=key.text
                )
