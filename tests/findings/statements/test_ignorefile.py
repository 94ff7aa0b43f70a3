"""Our own ignore file: what it says, and that a mistake in it suppresses nothing and is told with its line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullmark.findings.statements import read_ignores
from hullmark.findings.statements._yaml import MAX_BYTES
from hullmark.findings.statements.ignorefile import NAME
from hullmark.model.errors import UsageError
from hullmark.model.report import Suppression

LAYER = "sha256:" + "a" * 64


def read(text: str, name: str = NAME) -> tuple[Suppression, ...]:
    stated = read_ignores(name, text.encode("utf-8", "surrogatepass"))
    assert stated.left_out == ()
    return stated.suppressions


def test_an_entry_says_all_that_it_can() -> None:
    (said,) = read(
        f"""# what we live with
ignore:
  - id: [CVE-2023-4911, GHSA-m77w-6vjw-wh2f]
    package:
      - pkg:deb/debian/libc6
      - "libc*@2.36"
    path: /usr/lib
    layer: [base, {LAYER}]
    reason: nothing is setuid   # looked at by hand
    author: team-payments
    expires: 2026-12-31
    justification: vulnerable_code_not_in_execute_path
"""
    )
    assert said == Suppression(
        source=NAME,
        line=3,
        ids=("CVE-2023-4911", "GHSA-m77w-6vjw-wh2f"),
        packages=("pkg:deb/debian/libc6", "libc*@2.36"),
        paths=("usr/lib", "usr/lib/**"),
        layers=("base", LAYER),
        reason="nothing is setuid",
        author="team-payments",
        expires="2026-12-31",
        justification="vulnerable_code_not_in_execute_path",
    )


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "ignore:\n", "ignore: []\n", "ignore: ~\n"])
def test_a_file_without_entries_says_nothing(text: str) -> None:
    assert read(text) == ()


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (1, "- id: CVE-2023-4911"),
        (1, "ignore: yes"),
        (1, "ignroe: []"),
        (2, "ignore:\n- CVE-2023-4911"),
        (3, "ignore:\n- id: CVE-2023-4911\n  packages: openssl"),
        (3, "ignore:\n- id: CVE-2023-4911\n  id: CVE-2023-4912"),
        (2, "ignore:\n- reason: all of it"),
        (2, "ignore:\n- layer: base"),
        (2, "ignore:\n- {}"),
        (2, "ignore:\n- id:"),
        (2, "ignore:\n- id: []"),
        (4, "ignore:\n- id:\n  - CVE-2023-4911\n  - ''"),
        (3, "ignore:\n- id:\n  - CVE-99"),
        (2, "ignore:\n- id: CVE 2023 4911"),
        (2, "ignore:\n- id: CVE-2023-*"),
        (2, "ignore:\n- id: '*'"),
        (2, "ignore:\n- id: GHSA-1111-2222-3333"),
        (2, "ignore:\n- id: {cve: CVE-2023-4911}"),
        (2, "ignore:\n- package: 'pkg:npm'"),
        (2, "ignore:\n- package: PKG:npm/debug"),
        (2, "ignore:\n- package: 'pkg:npm/%zz'"),
        (2, "ignore:\n- package: 'pkg:npm/*'"),
        (2, "ignore:\n- package: 'pkg:npm/*@*'"),
        (2, "ignore:\n- package: '*'"),
        (2, "ignore:\n- package: '**@*'"),
        (2, "ignore:\n- package: my package"),
        (2, "ignore:\n- package: '" + "a*" * 9 + "'"),
        (2, "ignore:\n- path: '**'"),
        (2, "ignore:\n- path: /"),
        (2, "ignore:\n- path: '" + "**/a" * 9 + "'"),
        (3, "ignore:\n- id: CVE-2023-4911\n  layer: sha256:abc"),
        (3, "ignore:\n- id: CVE-2023-4911\n  layer: bottom"),
        (3, "ignore:\n- id: CVE-2023-4911\n  expires: soon"),
        (3, "ignore:\n- id: CVE-2023-4911\n  expires: 2026-02-30"),
        (3, "ignore:\n- id: CVE-2023-4911\n  expires: 20261231"),
        (3, "ignore:\n- id: CVE-2023-4911\n  expires: 2026-12-31T12:00:00"),
        (3, "ignore:\n- id: CVE-2023-4911\n  expires:"),
        (3, "ignore:\n- id: CVE-2023-4911\n  reason: [a, b]"),
        (3, "ignore:\n- id: CVE-2023-4911\n  justification: because"),
        (2, "ignore:\n- id: &a CVE-2023-4911\n- id: *a"),
        (2, "ignore:\n- id: !!python/object/apply:os.system [CVE-2023-4911]"),
        (4, "ignore:\n- id: CVE-2023-4911\n---\nignore: []"),
        (1, "ignore: " + "[" * 100_000),
        (1, "ignore: " + "{a: " * 100_000),
        (2, "ignore:\n- id: 'CVE-2023-4911"),
        (2, "ignore:\n\t- id: CVE-2023-4911"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(line: int, text: str) -> None:
    with pytest.raises(UsageError) as told:
        read(text)
    name, _, at = told.value.where.rpartition(":")
    assert name == NAME
    assert abs(int(at) - line) <= ("'CVE" in text or "---" in text), told.value


@pytest.mark.parametrize("body", [b"ignore:\n- id: \xff", b"ignore:\n- id: \x00", b"\xff\xfei\0"])
def test_what_is_no_text_is_told(body: bytes) -> None:
    with pytest.raises(UsageError, match=NAME):
        read_ignores(NAME, body)


@pytest.mark.parametrize("name", [NAME, ".trivyignore", ".trivyignore.yaml", ".grype.yaml", ".dockleignore"])
def test_a_huge_file_is_refused_before_it_is_read(name: str) -> None:
    with pytest.raises(UsageError, match="larger than"):
        read_ignores(name, b"#" * (MAX_BYTES + 1))


@given(st.text(max_size=200))
def test_whatever_stands_in_it_is_an_error_or_suppresses_by_name(text: str) -> None:
    try:
        found = read(text)
    except UsageError:
        return
    assert all(said.ids or said.packages or said.paths for said in found)


@given(st.recursive(st.text(max_size=9), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "package", "path", "layer", "reason", "expires", "ignore", "x"]), inner, max_size=4), max_leaves=12))  # fmt: skip
def test_whatever_the_values_are_it_is_an_error_or_suppresses_by_name(value: object) -> None:
    import json

    try:
        found = read(json.dumps({"ignore": [value]}, ensure_ascii=False))
    except UsageError:
        return
    assert all(said.ids or said.packages or said.paths for said in found)
