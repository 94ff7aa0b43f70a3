"""Dockle's `.dockleignore`."""

import pytest

from hullmark.findings.statements import Stated, read_ignores
from hullmark.model.report import Suppression

NAME = ".dockleignore"


def read(text: str) -> Stated:
    return read_ignores(NAME, text.encode())


def test_a_code_a_line_and_comments() -> None:
    said = read("# nginx starts as root\nCIS-DI-0001\r\n\n  DKL-DI-0006 \n#CIS-DI-0008\n")
    assert said.suppressions == (
        Suppression(source=NAME, line=2, ids=("CIS-DI-0001",)),
        Suppression(source=NAME, line=4, ids=("DKL-DI-0006",)),
    )
    assert said.left_out == ()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("CIS-DI-0005", "no check of images here goes by 'CIS-DI-0005'"),
        ("CVE-2023-4911", "no check of images here goes by 'CVE-2023-4911'"),
        ("CIS-DI-0001 # root", "no rule can have the id 'CIS-DI-0001 # root'"),
        ("*", "no rule can have the id '*'"),
    ],
)
def test_what_names_no_check_suppresses_nothing_and_is_said(text: str, what: str) -> None:
    said = read(f"CIS-DI-0008\n{text}\n")
    assert [each.ids for each in said.suppressions] == [("CIS-DI-0008",)]
    assert said.left_out == ((2, what),)
