"""An entry more in an ignore file: nothing else in it changes, and what was meant is what is read."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hullmark.findings.ignoring import extended, twin
from hullmark.findings.statements.ignorefile import NAME, read
from hullmark.model.errors import UsageError
from hullmark.model.report import Suppression

ENTRY = {"id": ("CVE-2023-4911",), "reason": ("nothing is setuid",), "expires": ("2026-12-31",)}
WRITTEN = "- id: CVE-2023-4911\n  reason: nothing is setuid\n  expires: 2026-12-31\n"


def added(text: str) -> str:
    return extended(NAME, text.encode(), ENTRY)[0].decode()


def test_a_file_is_made() -> None:
    made, said = extended(NAME, None, ENTRY)
    assert made.decode().endswith(f"\nignore:\n{WRITTEN}")
    assert said == Suppression(
        source=NAME, line=3, ids=("CVE-2023-4911",), reason="nothing is setuid", expires="2026-12-31"
    )


INDENTED = (
    WRITTEN.replace("- id", "  - id").replace("  reason", "    reason").replace("  expires", "    expires")
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"{{}}ignore:\n{WRITTEN}"),
        ("# ours\n", f"# ours\nignore:\n{WRITTEN}"),
        ("ignore:\n", f"ignore:\n{WRITTEN}"),
        ("ignore:", f"ignore:\n{WRITTEN}"),
        ("ignore: []  # none: yet\n# end\n", f"ignore:  # none: yet\n{WRITTEN}# end\n"),
        ("ignore: ~\n", f"ignore:\n{WRITTEN}"),
        ("ignore:\n- id: CVE-1999-0001\n", f"ignore:\n- id: CVE-1999-0001\n{WRITTEN}"),
        ("ignore:\n- id: CVE-1999-0001", f"ignore:\n- id: CVE-1999-0001\n{WRITTEN}"),
        ("ignore:\n  - id: CVE-1999-0001 # old\n\n# end\n", f"ignore:\n  - id: CVE-1999-0001 # old\n{INDENTED}\n# end\n"),
        ("ignore:\n- id: CVE-1999-0001\n  reason: |\n    long\n    and longer\n", f"ignore:\n- id: CVE-1999-0001\n  reason: |\n    long\n    and longer\n{WRITTEN}"),
        ("ignore:\n- {id: [CVE-1999-0001,\n   CVE-1999-0002]}\n", f"ignore:\n- {{id: [CVE-1999-0001,\n   CVE-1999-0002]}}\n{WRITTEN}"),
        ("ignore:\n- id: CVE-1999-0001\n  reason:\n", f"ignore:\n- id: CVE-1999-0001\n  reason:\n{WRITTEN}"),
        ("ignore:\r\n- id: CVE-1999-0001\r\n", f"ignore:\n- id: CVE-1999-0001\n{WRITTEN}".replace("\n", "\r\n")),
        ("---\nignore:\n- id: CVE-1999-0001\n", f"---\nignore:\n- id: CVE-1999-0001\n{WRITTEN}"),
    ],
)  # fmt: skip
def test_what_is_there_stays_as_it_is(before: str, after: str) -> None:
    made = added(before)
    assert made.endswith(after.removeprefix("{}"))
    if not after.startswith("{}"):
        assert made == after


@pytest.mark.parametrize("end", ["\r", "\r\n", "\x85", "\u2028"])
def test_lines_may_end_in_any_way_that_yaml_knows(end: str) -> None:
    made = added(f"ignore:{end}  - id: CVE-1999-0001{end}")
    assert [said.ids[0] for said in read(NAME, made.encode()).suppressions] == [
        "CVE-1999-0001",
        "CVE-2023-4911",
    ]


@pytest.mark.parametrize(
    "text", ["ignore: [{id: CVE-1999-0001}]\n", "{ignore: []}\n", "ignore:\n  [{id: CVE-1999-0001}]\n"]
)
def test_what_cannot_be_added_to_is_told(text: str) -> None:
    with pytest.raises(UsageError, match=r"by hand: \{id: CVE-2023-4911"):
        added(text)


@pytest.mark.parametrize(
    "values",
    [
        {"id": ("CVE-99",)},
        {"id": ("CVE-2023-4911",), "expires": ("soon",)},
        {"id": ("CVE-2023-4911",), "reason": ("a\x1b[2J",)},
        {"id": ("CVE-2023-4911",), "reason": ("a\nb: c",)},
        {"id": ("CVE-2023-4911",), "reason": ("\udce4",)},
        {"package": ("*",)},
        {"reason": ("all",)},
    ],
)
def test_an_entry_that_is_not_right_is_refused(values: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(UsageError):
        extended(NAME, b"", values)


def test_a_broken_file_is_told() -> None:
    with pytest.raises(UsageError, match=rf"{NAME}:2"):
        extended(NAME, b"ignore:\n- id: CVE-99", ENTRY)


@given(st.text(min_size=1, max_size=60))
def test_a_reason_is_read_as_it_was_given(reason: str) -> None:
    try:
        made, said = extended(NAME, b"ignore:\n- id: CVE-1999-0001\n", ENTRY | {"reason": (reason,)})
    except UsageError:
        return
    assert said.reason == reason.strip()
    assert yaml.safe_load(made)["ignore"][1]["reason"].strip() == reason.strip()


def test_a_twin_is_about_the_same() -> None:
    def says(*ids: str, **more: tuple[str, ...]) -> Suppression:
        return Suppression(source="f", ids=ids, **more)  # type: ignore[arg-type]  # texts only

    assert twin([says("CVE-1", "CVE-2")], says("cve-2"))
    assert not twin([says("CVE-1")], says("CVE-1", "CVE-2"))
    assert not twin([says("CVE-1", packages=("a",))], says("CVE-1"))
    assert not twin([says(packages=("a",))], says("CVE-1", packages=("a",)))
    assert not twin([says("CVE-1", packages=("a",))], says(packages=("a",)))
