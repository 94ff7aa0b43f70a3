"""Every rule about layers finds something in each of its bad examples, and nothing in its good ones."""

import pytest

from hullmark.advice.dockerfile_layering import of_dockerfile_alone
from hullmark.advice.layer_rules import HISTORY_IN_IMAGE, RULES, UNREPRODUCED
from hullmark.detectors.config.dockerfile.parser import parse
from hullmark.model.rule import Rule

OF_IMAGES = (HISTORY_IN_IMAGE, UNREPRODUCED)
"""No Dockerfile shows them: tests/cli/test_layers.py does."""


def found(dockerfile: str) -> set[str]:
    return {proposal.rule for proposal in of_dockerfile_alone(parse(dockerfile, "Dockerfile")).proposals}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_examples(rule: Rule) -> None:
    assert bool(rule.bad) == bool(rule.good) == (rule not in OF_IMAGES)
    for example in rule.bad:
        assert rule.id in found(example), example
    for example in rule.good:
        assert rule.id not in found(example), example


def test_ids_are_unique_and_of_their_kind() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert {rule.kind for rule in RULES} == {"layers"}


@pytest.mark.parametrize(
    "dockerfile",
    [
        "",
        "FROM scratch\n",
        "FROM scratch\nCOPY app /app\n",
        "FROM a\nRUN \n",
        "COPY . .\nRUN npm ci\n",
        "FROM x\nFROM y AS x\nFROM x\n",
        'FROM x\nCOPY ["a b", "c"]\nRUN ["npm", "ci"]\n',
    ],
)
def test_no_dockerfile_is_too_odd(dockerfile: str) -> None:
    of_dockerfile_alone(parse(dockerfile, "Dockerfile"))


def test_a_named_file_keeps_an_install_where_it_is() -> None:
    dockerfile = (
        "FROM debian:12\nCOPY ppa.list sources/\nRUN cp sources/ppa.list /etc/apt/ && apt-get update\n"
    )
    assert "volatile-below-steady" not in found(dockerfile)
    spoken = "FROM node:22\nCOPY tool-settings/ ./\nRUN npm ci --userconfig tool-settings/npmrc\n"
    assert "volatile-below-steady" not in found(spoken)
