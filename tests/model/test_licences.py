import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullmark.model.spdx import expression, licence_id

SCHEMA = Path(__file__).parent.parent / "data" / "schemas" / "spdx.schema.json"


def test_every_id_of_the_official_list_is_known() -> None:
    for name in json.loads(SCHEMA.read_text("utf-8"))["enum"]:
        assert licence_id(name.lower()) == name or expression(f"mit with {name}") == f"MIT WITH {name}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mit", "MIT"),
        ("MIT or apache-2.0", "MIT OR Apache-2.0"),
        (
            "(MIT AND (GPL-2.0+ WITH Classpath-exception-2.0))OR BSD-3-Clause",
            "(MIT AND (GPL-2.0+ WITH Classpath-exception-2.0)) OR BSD-3-Clause",
        ),
        ("CDDL-1.0+", "CDDL-1.0+"),
    ],
)
def test_expressions(text: str, expected: str) -> None:
    assert expression(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "()",
        "MIT Apache-2.0",
        "MIT AND",
        "AND MIT",
        "(MIT",
        "MIT)",
        "MIT+ +",
        "GPL2",
        "GPL-2.0 WITH nothing",
        "GPL-2.0 WITH LLVM-exception WITH LLVM-exception",
        "(MIT) WITH LLVM-exception",
        "MIT/X11",
        "MIT; see LICENSE",
        "(" * 30_000,
    ],
)
def test_what_is_no_expression(text: str) -> None:
    assert expression(text) == ""


@given(
    st.recursive(
        st.sampled_from(["MIT", "GPL-2.0-only WITH Classpath-exception-2.0", "Apache-1.0+"]),
        lambda inner: st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(
            lambda parts: f"({parts[0]}) {parts[1]} {parts[2]}"
        ),
    )
)
def test_what_is_composed_of_expressions_is_one(text: str) -> None:
    assert expression(text) == text


@given(st.text())
def test_what_is_given_is_stable(text: str) -> None:
    found = expression(text)
    assert expression(found) == found
