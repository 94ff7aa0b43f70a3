"""Each form is told from the others, whatever the order in which they are asked."""

import pytest

from hullmark.findings import statements
from hullmark.findings.statements import read_ignores, read_vex
from hullmark.model.errors import UsageError

OURS = b"ignore:\n- id: CVE-2020-1234\n"
TRIVY = b"CVE-2020-1234\n"
TRIVY_YAML = b"vulnerabilities:\n- id: CVE-2020-1234\n"
GRYPE = b"ignore:\n- vulnerability: CVE-2020-1234\n"


@pytest.mark.parametrize(
    ("name", "body", "form"),
    [
        (".hullmark-ignore.yaml", OURS, "ignorefile"),
        (".hullmark-ignore.yaml", b"", "ignorefile"),
        (".hullmark-ignore.yaml", GRYPE, "ignorefile"),
        ("conf/ours.yml", OURS, "ignorefile"),
        ("ours.json", b'{"ignore": []}', "ignorefile"),
        (".trivyignore", TRIVY, "trivyignore"),
        (".trivyignore", b"", "trivyignore"),
        ("ignore.txt", TRIVY, "trivyignore"),
        (".dockleignore", b"CIS-DI-0001\n", "dockleignore"),
        ("conf/.dockleignore", b"", "dockleignore"),
        (".trivyignore.yaml", TRIVY_YAML, "trivyyaml"),
        (".trivyignore.yaml", b"", "trivyyaml"),
        ("accepted.yaml", TRIVY_YAML, "trivyyaml"),
        (".grype.yaml", GRYPE, "grype"),
        (".grype.yaml", b"only-fixed: true\n", "grype"),
        (".grype/config.yaml", GRYPE, "grype"),
        ("x.yaml", b"", ""),
        ("x.yaml", b"a: 1", ""),
    ],
)
def test_an_ignore_file_has_one_form_at_most(name: str, body: bytes, form: str) -> None:
    knowing = [
        module.__name__.rpartition(".")[2]
        for module in statements._modules(vex=False)
        if module.knows(name, body)
    ]
    assert knowing == ([form] if form else [])


def test_what_has_no_form_is_told() -> None:
    with pytest.raises(UsageError, match=r"x\.yaml: it is no ignore file of a form that is known"):
        read_ignores("x.yaml", b"a: 1")
    with pytest.raises(UsageError, match=r"x\.json: it is no VEX document of a form that is known"):
        read_vex("x.json", b"{}")


def test_none_is_read_that_is_larger_than_any() -> None:
    with pytest.raises(UsageError, match="larger than"):
        read_vex("x.json", b" " * (statements.MAX_BYTES + 1))
