"""pip: which versions and indexes it takes, and what it leaves behind."""

import re
from collections.abc import Iterator

from hullmark.detectors.config.check import Check, Problem
from hullmark.detectors.config.dockerfile._calls import (
    Call,
    commands_of,
    every,
    insert,
    mounts_cache,
    named,
    taken_apart,
)
from hullmark.detectors.config.dockerfile.model import Command, Dockerfile
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

_WHY_VERSION = "The next build may get another version, with other flaws or by another owner, so that two images of one source differ."

PIP_VERSION = Rule(
    id="pip-package-version",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="pip installs a package without a version",
    why=_WHY_VERSION,
    fix="Name the version, as in `flask==3.0.3`, or install from a requirements file with hashes.",
    bad=(
        "FROM python:3.12\nRUN pip install flask\n",
        "FROM python:3.12\nRUN python3 -m pip install --no-cache-dir flask==3.0.3 gunicorn\n",
        "FROM python:3.12\nRUN pip install git+https://github.com/pallets/flask\n",
    ),
    good=(
        "FROM python:3.12\nRUN pip install flask==3.0.3 'gunicorn~=22.0'\n",
        "FROM python:3.12\nRUN pip install -r requirements.txt\n",
        "FROM python:3.12\nRUN pip install . ./lib other.whl -e /src\n",
        "FROM python:3.12\nRUN pip install -c constraints.txt flask\n",
        "FROM python:3.12\nRUN pip install git+https://github.com/pallets/flask@3.0.3\n",
    ),
    pack="pedantic",
    same_as=("DL3013",),
)

PIP_CACHE = Rule(
    id="pip-cache-kept",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="pip leaves what it downloaded in the layer",
    why="The cache is of no use in an image, and doubles the size of what is installed.",
    fix="Add `--no-cache-dir`, set `PIP_NO_CACHE_DIR=1`, or mount a cache at `/root/.cache/pip`.",
    bad=(
        "FROM python:3.12\nRUN pip install flask==3.0.3\n",
        "FROM python:3.12\nRUN python -m pip install -r requirements.txt\n",
    ),
    good=(
        "FROM python:3.12\nRUN pip install --no-cache-dir flask==3.0.3\n",
        "FROM python:3.12\nENV PIP_NO_CACHE_DIR=1\nRUN pip install flask==3.0.3\n",
        "FROM python:3.12\nRUN --mount=type=cache,target=/root/.cache/pip pip install flask==3.0.3\n",
        "FROM python:3.12\nRUN PIP_NO_CACHE_DIR=off pip install flask==3.0.3\n",
    ),
    pack="pedantic",
    same_as=("DL3042",),
)

PIP_EXTRA_INDEX = Rule(
    id="pip-extra-index",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="pip looks in a second index as well",
    why="pip takes the highest version of all indexes: whoever registers a private package's name in the public one is installed instead.",
    fix="Use one `--index-url` that serves both, or pin with hashes.",
    bad=("FROM python:3.12\nRUN pip install --extra-index-url https://pypi.example.com/simple own==1.0\n",),
    good=("FROM python:3.12\nRUN pip install --index-url https://pypi.example.com/simple own==1.0\n",),
    pack="pedantic",
    controls=("NIST-800-190 4.1.5",),
)

_PIP = frozenset(
    [
        "-r",
        "--requirement",
        "-c",
        "--constraint",
        "-e",
        "--editable",
        "-i",
        "--index-url",
        "--extra-index-url",
        "-f",
        "--find-links",
        "-t",
        "--target",
        "--prefix",
        "--root",
        "--src",
        "--platform",
        "--python-version",
        "--implementation",
        "--abi",
        "--trusted-host",
        "--proxy",
        "--timeout",
        "--retries",
        "--cert",
        "--client-cert",
        "--cache-dir",
        "--log",
        "--progress-bar",
        "--upgrade-strategy",
        "--no-binary",
        "--only-binary",
        "--config-settings",
        "--global-option",
        "--python",
    ]
)

_PINNED_PIP = re.compile(
    r"[=<>~!]=|[<>]|(?:git|hg|svn|bzr)\+.{1,300}@[^/]{1,200}$|\.(?:whl|zip|tar\.gz|tgz)$| @ "
)


def _pip(dockerfile: Dockerfile) -> Iterator[Call]:
    """Give the `pip install`s, those of `python -m pip` and `uv pip` too."""
    for instruction in every(dockerfile, "RUN"):
        for command in commands_of(instruction):
            words = command.words
            texts = [word.text for word in words[:6]]
            if re.fullmatch(r"python[\d.]*", command.name) and "-m" in texts:
                at = texts.index("-m") + 1
                if texts[at : at + 1] not in (["pip"], ["pip3"]):
                    continue
                words = words[at + 1 :]
            elif not re.fullmatch(r"pip[\d.]*", command.name):
                continue
            call = taken_apart(
                instruction,
                Command(name="pip", span=command.span, words=words, assignments=command.assignments),
                _PIP,
            )
            if call.verb and call.verb.text == "install":
                yield call


def _find_pip_version(dockerfile: Dockerfile) -> Iterator[Problem]:
    for call in _pip(dockerfile):
        if call.has("-r", "--requirement", "-c", "--constraint", "-e", "--editable"):
            continue
        for word in call.operands:
            text = word.text
            named_one = (
                text and not text.startswith((".", "/", "~", "$")) and "$" not in word.raw.partition("=")[0]
            )
            if named_one and not _PINNED_PIP.search(text):
                yield named(PIP_VERSION, word, f"{text} is installed without a version")


def _find_pip_cache(dockerfile: Dockerfile) -> Iterator[Problem]:
    without = {
        stage.index
        for stage in dockerfile.stages
        for instruction in stage.instructions
        if instruction.keyword in {"ENV", "ARG"}
        for name, value in instruction.pairs
        if name.text == "PIP_NO_CACHE_DIR" and value is not None and value.text
    }
    for call in _pip(dockerfile):
        assigned = any(word.text.startswith("PIP_NO_CACHE_DIR=") for word in call.command.assignments)
        clean = call.has("--no-cache-dir") or assigned or call.instruction.stage in without
        if call.verb and not clean and not mounts_cache(call.instruction, "pip", ".cache"):
            edits = insert(call.verb, " --no-cache-dir")
            yield named(PIP_CACHE, call.verb, "pip install keeps its downloads in the layer", edits=edits)


def _find_extra_index(dockerfile: Dockerfile) -> Iterator[Problem]:
    for call in _pip(dockerfile):
        option = call.option("--extra-index-url")
        if option is not None:
            yield named(
                PIP_EXTRA_INDEX, option, "pip looks in a second index as well", resource="extra-index-url"
            )


CHECKS: tuple[Check[Dockerfile], ...] = (
    Check(PIP_VERSION, _find_pip_version),
    Check(PIP_CACHE, _find_pip_cache),
    Check(PIP_EXTRA_INDEX, _find_extra_index),
)
