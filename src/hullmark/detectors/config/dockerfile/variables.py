"""What `$variables` of a Dockerfile stand for: `ARG` and `ENV` as far as the file itself says.

Specification: https://docs.docker.com/reference/dockerfile/#environment-replacement and #scope.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from hullmark.detectors.config.dockerfile._expand import MalformedError, expand
from hullmark.detectors.config.dockerfile.model import Dockerfile, Instruction, Stage

_LONGEST = 8192  # characters; a longer value, as of one that doubles itself, is not known


def resolve(raw: str, values: Mapping[str, str], escape: str = "\\") -> str:
    """Put values into a text as it is written (`Word.raw`) and take its quotes off; "" where a value is needed that is not known.

    `${X:-d}`, `${X:+d}`, `${X#p}`, `${X%p}`, `${X/a/b}` and their double forms are done as BuildKit does them.
    """
    if len(raw) > _LONGEST:
        return ""
    try:
        text, missing = expand(raw, values, escape)
    except MalformedError:
        return ""
    return "" if missing or len(text) > _LONGEST else text


def take(values: dict[str, str], instruction: Instruction, outer: Mapping[str, str], escape: str) -> None:
    """Do to `values` what an `ARG` or `ENV` does to the variables behind it; `outer` are the global defaults that a bare `ARG` takes over."""
    before = dict(values) if len(instruction.pairs) > 1 and instruction.keyword == "ENV" else values
    for name, value in instruction.pairs:
        if value is None:
            known = outer.get(name.text)
        else:
            known = resolve(value.raw, before, escape)
            if not known and value.text:
                known = None
        if known is None:
            values.pop(name.text, None)
        else:
            values[name.text] = known


def walk(dockerfile: Dockerfile, stage: Stage) -> Iterator[tuple[Instruction, Mapping[str, str]]]:
    """Go through a stage, each instruction with the variables known before it. The mapping is good until the next one is asked for."""
    arguments, environment = _inherited(dockerfile, stage)
    for instruction in stage.instructions:
        yield instruction, MappingProxyType({**arguments, **environment})
        _step(dockerfile, instruction, arguments, environment)


def known(dockerfile: Dockerfile, instruction: Instruction) -> dict[str, str]:
    """Give the variables known before an instruction, or before the `ONBUILD` that holds it."""
    if not 0 <= instruction.stage < len(dockerfile.stages):
        return dict(dockerfile.arguments)
    stage = dockerfile.stages[instruction.stage]
    if instruction is stage.start:
        return dict(dockerfile.arguments)
    arguments, environment = _inherited(dockerfile, stage)
    for each in stage.instructions:
        if each is instruction or each.trigger is instruction:
            break
        _step(dockerfile, each, arguments, environment)
    return {**arguments, **environment}


def _step(dockerfile: Dockerfile, instruction: Instruction, arguments: dict[str, str], environment: dict[str, str]) -> None:
    if instruction.keyword not in {"ARG", "ENV"}:
        return
    values = {**arguments, **environment}
    take(values, instruction, dockerfile.arguments, dockerfile.escape)
    target = arguments if instruction.keyword == "ARG" else environment
    for name, _ in instruction.pairs:
        if name.text in values:
            target[name.text] = values[name.text]
        else:
            target.pop(name.text, None)


def _inherited(dockerfile: Dockerfile, stage: Stage) -> tuple[dict[str, str], dict[str, str]]:
    chain: list[Stage] = []
    base = stage.base
    while base is not None:
        chain.append(dockerfile.stages[base])
        base = chain[-1].base
    arguments: dict[str, str] = {}
    environment: dict[str, str] = {}
    for each in reversed(chain):
        for instruction in each.instructions:
            _step(dockerfile, instruction, arguments, environment)
    return arguments, environment
