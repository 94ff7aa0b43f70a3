"""How the image of a Dockerfile will be layered, as far as the Dockerfile and its build context tell. Pure.

What `RUN` will write is not known, so what is said of it has no bytes.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from hullmark.advice.layer_rules import (
    CACHE_LEFT_BEHIND,
    DELETED_LATER,
    DUPLICATED_LATER,
    HISTORY_IN_IMAGE,
    MERGEABLE,
    TOUCHED_LATER,
)
from hullmark.advice.layering import ordered, rebuild, rows
from hullmark.advice.leftovers import cache_of
from hullmark.advice.ordering import Sizes, again, proposals
from hullmark.advice.steps import Step, of_dockerfile
from hullmark.detectors.config.dockerfile.model import Dockerfile, Instruction
from hullmark.model.layering import Gain, Layering, LayerSize, PathBytes, Proposal, Totals
from hullmark.model.words import size

Measure = Callable[[tuple[str, ...]], tuple[int, int, int]]
"""Gives, for sources of a copy, bytes and files of the context that it takes in, and the bytes among them that are Git's."""

_LEAVES = (
    ("apt", r"\b(?:apt-get|apt|aptitude)\s[^;&|]*\b(?:update|install|upgrade)\b", r"rm\s[^;&|]*/var/lib/apt(?:/lists)?|rm\s[^;&|]*/var/lib/apt\b", r"/var/lib/apt"),
    ("apk", r"\bapk\s[^;&|]*\b(?:add|update|upgrade)\b", r"--no-cache\b|rm\s[^;&|]*/var/cache/apk|\bapk\s+cache\s+clean", r"/var/cache/apk|/etc/apk/cache"),
    ("dnf", r"\b(?:dnf5?|yum|microdnf|tdnf)\s[^;&|]*\b(?:install|update|upgrade|module)\b", r"\bclean\s+all\b|rm\s[^;&|]*/var/cache/(?:dnf|yum|libdnf5)", r"/var/cache/(?:dnf|yum|libdnf5)"),
    ("zypper", r"\bzypper\s[^;&|]*\b(?:in|install|up|update|patch|dup)\b", r"\bzypper\s[^;&|]*\b(?:clean|cc)\b|rm\s[^;&|]*/var/cache/zypp", r"/var/cache/zypp"),
    ("pip", r"\bpip[\d.]*\s[^;&|]*\binstall\b", r"--no-cache-dir\b|\bpip[\d.]*\s+cache\s+purge|rm\s[^;&|]*\.cache|PIP_NO_CACHE_DIR=", r"\.cache"),
    ("npm", r"\bnpm\s[^;&|]*\b(?:ci|install|i)\b", r"\bnpm\s+cache\s+clean|rm\s[^;&|]*\.npm|npm_config_cache", r"\.npm"),
    ("yarn", r"\byarn\s+(?:install|add|global)\b", r"\byarn\s+cache\s+clean|rm\s[^;&|]*(?:\.cache|cache/yarn)", r"yarn|\.cache"),
    ("conda", r"\b(?:conda|mamba|micromamba)\s[^;&|]*\b(?:install|create|update)\b", r"\b(?:conda|mamba|micromamba)\s+clean\b|rm\s[^;&|]*/pkgs", r"/pkgs"),
)  # fmt: skip
_TOOLS = tuple(
    (tool, re.compile(uses), re.compile(cleans), re.compile(mount)) for tool, uses, cleans, mount in _LEAVES
)
_SWITCHES = {"pip": "PIP_NO_CACHE_DIR"}
_REMOVES = re.compile(r"(?:\A|[;&|\n]\s*)rm\s+((?:-\S+\s+)*)([^;&|\n]+)")
_TOUCHES = re.compile(r"(?:\A|[;&|\n]\s*)(chown|chmod|strip|upx)\s+([^;&|\n]+)")


def of_dockerfile_alone(dockerfile: Dockerfile, measure: Measure | None = None) -> Layering:
    """Say how the image of a Dockerfile will be layered. `measure` knows the build context."""
    steps = of_dockerfile(dockerfile)
    instructions = {each.span.line: each for each in dockerfile.instructions}
    measured = [_measured(step, measure) for step in steps]
    sizes = [Sizes(None, each[0] if each is not None else None) for each in measured]
    redone = again(steps)
    order = proposals(steps, sizes)
    found = [
        *order,
        *_caches(steps, instructions),
        *_deleted(steps),
        *_touched(steps),
        *_git(steps, measured),
        *_rows(steps, redone),
    ]
    return Layering(
        kind="dockerfile",
        name=dockerfile.path,
        base=dockerfile.last.resolved if dockerfile.last is not None else "",
        totals=Totals(layers=len(steps)),
        layers=tuple(
            LayerSize(
                index=step.layer,
                instruction=step.text,
                line=step.line,
                role=step.role,
                content_bytes=each[0] if each is not None else None,
                files=each[1] if each is not None else None,
                again=is_again,
            )
            for step, each, is_again in zip(steps, measured, redone, strict=True)
        ),
        rebuild=rebuild(steps, sizes, redone, order),
        proposals=ordered(found),
    )


def _measured(step: Step, measure: Measure | None) -> tuple[int, int, int] | None:
    return measure(step.sources) if measure is not None and step.sources and step.role != "copy" else None


def _caches(steps: Sequence[Step], instructions: dict[int, Instruction]) -> Iterator[Proposal]:
    """Find what installs and does not clean up behind itself."""
    switched = " ".join(each.text for each in instructions.values() if each.keyword in {"ENV", "ARG"})
    for step in steps:
        if not step.text.startswith("RUN"):
            continue
        instruction = instructions.get(step.line)
        mounts = (
            " ".join(flag.value or "" for flag in instruction.flags if flag.name == "mount")
            if instruction
            else ""
        )
        script = step.text
        for tool, uses, cleans, mount in _TOOLS:
            is_switched = tool in _SWITCHES and _SWITCHES[tool] in switched
            if not uses.search(script) or cleans.search(script) or is_switched:
                continue
            if "cache" in mounts and mount.search(mounts):
                continue
            cache = cache_of(tool)
            yield Proposal(
                rule=CACHE_LEFT_BEHIND.id,
                message=f"{cache.what} is left in the layer"
                if "lists" not in cache.what
                else f"{cache.what} are left in the layer",
                advice=f"Avoid it by {cache.fix}",
                layers=(step.layer,),
                line=step.line,
            )


def _brought(steps: Sequence[Step]) -> Iterator[tuple[Step, str]]:
    """Give what each copy out of the context puts where."""
    for step in steps:
        if step.target and not step.is_whole and (step.target.endswith("/") or len(step.sources) > 1):
            names = [source.rstrip("/").rpartition("/")[2] for source in step.sources]
            yield from ((step, f"{step.target.rstrip('/')}/{name}") for name in names)
        if step.target:
            yield step, step.target


def _deleted(steps: Sequence[Step]) -> Iterator[Proposal]:
    brought = list(_brought(steps))
    for step in steps:
        if not step.text.startswith("RUN"):
            continue
        removed = {word for match in _REMOVES.finditer(step.text[4:]) for word in match[2].split()}
        for copy, path in brought:
            if copy.layer < step.layer and removed & {path, path.rstrip("/") + "/*", path.rstrip("/")}:
                yield Proposal(
                    rule=DELETED_LATER.id,
                    message=f"{path} is copied on line {copy.line} and deleted on line {step.line}: it stays in the image",
                    advice="Read it by `RUN --mount=type=bind`, or delete what is made of it in the same RUN",
                    layers=(copy.layer, step.layer),
                    line=step.line,
                    gain=Gain(),
                )


def _touched(steps: Sequence[Step]) -> Iterator[Proposal]:
    brought = list(_brought(steps))
    for step in steps:
        if not step.text.startswith("RUN"):
            continue
        for match in _TOUCHES.finditer(step.text[4:]):
            words = {word.rstrip("/") for word in match[2].split()}
            for copy, path in brought:
                if copy.layer < step.layer and path.rstrip("/") in words:
                    rule = TOUCHED_LATER if match[1] in {"chown", "chmod"} else DUPLICATED_LATER
                    yield Proposal(
                        rule=rule.id,
                        message=f"`{match[1]}` on line {step.line} stores {path} of line {copy.line} a second time",
                        advice=rule.fix,
                        layers=(copy.layer, step.layer),
                        line=step.line,
                    )


def _git(steps: Sequence[Step], measured: Sequence[tuple[int, int, int] | None]) -> Iterator[Proposal]:
    for step, each in zip(steps, measured, strict=True):
        if each is not None and each[2]:
            yield Proposal(
                rule=HISTORY_IN_IMAGE.id,
                message=f"line {step.line} copies {size(each[2])} of .git into the image",
                advice=HISTORY_IN_IMAGE.fix,
                layers=(step.layer,),
                line=step.line,
                gain=Gain(scanned_bytes=each[2], smaller_bytes=each[2]),
                paths=(PathBytes(".git", each[2]),),
            )


def _rows(steps: Sequence[Step], redone: Sequence[bool]) -> Iterator[Proposal]:
    for group in rows(steps, redone):
        if any(step.role == "system" or step.tools for step in group):
            continue
        yield Proposal(
            rule=MERGEABLE.id,
            message=f"{len(group)} RUN instructions in a row make as many layers",
            advice=MERGEABLE.fix,
            layers=tuple(step.layer for step in group),
            line=group[0].line,
            gain=Gain(pushed_bytes=0, pulled_bytes=0, scanned_bytes=0),
        )
