"""What variables of a Dockerfile stand for."""

import pytest

from hullmark.detectors.config.dockerfile import variables
from hullmark.detectors.config.dockerfile.parser import parse

VALUES = {"A": "abc.def.ghi", "EMPTY": "", "V": "v1.2", "P": "/a/b/c"}


# BuildKit's own answers, of frontend/dockerfile/shell with the same values.
@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("$A", "abc.def.ghi"),
        ("x${A}y", "xabc.def.ghiy"),
        ("${NO:-d}", "d"),
        ("${NO-d}", "d"),
        ("${EMPTY:-d}", "d"),
        ("${EMPTY-d}", ""),
        ("${A:+yes}", "yes"),
        ("${NO:+yes}x", "x"),
        ("${EMPTY+yes}", "yes"),
        ("${NO:-${V:-x}}", "v1.2"),
        ("${A#*.}", "def.ghi"),
        ("${A##*.}", "ghi"),
        ("${A%.*}", "abc.def"),
        ("${A%%.*}", "abc"),
        ("${V#v}", "1.2"),
        ("${V#?1}", ".2"),
        ("${A/./-}", "abc-def.ghi"),
        ("${A//./-}", "abc-def-ghi"),
        ("${A//[/x}", "abc.def.ghi"),
        ("${P//\\//_}", "_a_b_c"),
        ("${A/*d/x}", "xef.ghi"),
        ("${A//*/x}", "x"),
        ("'$A'", "$A"),
        ('"$V x"', "v1.2 x"),
        ("\\$A", "$A"),
        ("$", "$"),
        ("${A:?gone}", "abc.def.ghi"),
    ],
)
def test_resolve(raw: str, text: str) -> None:
    assert variables.resolve(raw, VALUES) == text


@pytest.mark.parametrize(
    "raw", ["$NO", "x${NO}", "${NO#a}", "${NO/a/b}", "${", "${A", "${A!}", "'x", "${A:#x}"]
)
def test_what_is_not_known_is_empty(raw: str) -> None:
    assert variables.resolve(raw, VALUES) == ""


def test_what_is_known_where() -> None:
    dockerfile = parse(
        "ARG G=1 N\nFROM a AS one\nARG G\nARG N\nENV A=$G B=$A C=${N}\nENV B=$A\nRUN x\nFROM one\n"
        "ONBUILD RUN y\nENV A=$B$PATH\nRUN z\nFROM b\nRUN w\n",
        "Dockerfile",
    )
    known = {
        (one.trigger or one).text: variables.known(dockerfile, one.trigger or one)
        for one in dockerfile.instructions
        if one.keyword in {"RUN", "ONBUILD"}
    }
    assert known == {
        "x": {"G": "1", "A": "1", "B": "1"},
        "y": {"G": "1", "A": "1", "B": "1"},
        "z": {"G": "1", "B": "1"},
        "w": {},
    }


def test_walk_knows_the_same() -> None:
    dockerfile = parse("FROM a\nARG X=1\nENV Y=$X\nARG X=2\nRUN z\nENV X=$Y$Y\nRUN w\n", "Dockerfile")
    for one, known in variables.walk(dockerfile, dockerfile.stages[0]):
        assert dict(known) == variables.known(dockerfile, one)


def test_a_value_that_doubles_itself_ends() -> None:
    dockerfile = parse("FROM a\nENV A=aaaaaaaa\n" + "ENV A=$A$A\n" * 2_000 + "RUN x\n", "Dockerfile")
    assert "A" not in variables.known(dockerfile, dockerfile.instructions[-1])
