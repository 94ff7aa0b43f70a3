"""What `$variables` of a Dockerfile stand for: `ARG` and `ENV` as far as the file itself says.

Specification: https://docs.docker.com/reference/dockerfile/#environment-replacement and #scope.
"""

from collections import ChainMap
from collections.abc import Iterator, Mapping

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


def take(
    values: dict[str, str],
    known: Mapping[str, str],
    instruction: Instruction,
    outer: Mapping[str, str],
    escape: str,
) -> None:
    """Do to `values` what an `ARG` or `ENV` does to the variables behind it.

    `known` are all that are set before it, `outer` the global defaults that a bare `ARG` takes over. Those of one `ENV` do not see one another.
    """
    found: list[tuple[str, str | None]] = []
    for name, value in instruction.pairs:
        if value is None:
            text = outer.get(name.text)
        else:
            text = resolve(value.raw, known, escape) or ("" if not value.text else None)
        if instruction.keyword == "ARG":
            _set(values, name.text, text)
        else:
            found.append((name.text, text))
    for key, text in found:
        _set(values, key, text)


def _set(values: dict[str, str], name: str, value: str | None) -> None:
    if value is None:
        values.pop(name, None)
    else:
        values[name] = value


def walk(dockerfile: Dockerfile, stage: Stage) -> Iterator[tuple[Instruction, Mapping[str, str]]]:
    """Go through a stage, each instruction with the variables known before it. The mapping is good until the next one is asked for."""
    arguments, environment = _inherited(dockerfile, stage)
    for instruction in stage.instructions:
        yield instruction, ChainMap(environment, arguments)
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


def _step(
    dockerfile: Dockerfile, instruction: Instruction, arguments: dict[str, str], environment: dict[str, str]
) -> None:
    before = ChainMap(environment, arguments)
    if instruction.keyword == "ARG":
        take(arguments, before, instruction, dockerfile.arguments, dockerfile.escape)
    elif instruction.keyword == "ENV":
        take(environment, before, instruction, {}, dockerfile.escape)


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
