"""Trivy's ignore files: what of them is said in our words, and that the rest is told with its line and suppresses nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullmark.findings.statements import LeftOut, Stated, read_ignores
from hullmark.model.errors import UsageError
from hullmark.model.report import Suppression


def read(text: str, name: str = ".trivyignore") -> Stated:
    return read_ignores(name, text.encode("utf-8", "surrogatepass"))


def test_a_list_of_ids() -> None:
    stated = read(
        """# accepted
CVE-2018-14618
  GHSA-hrpp-h998-j3pp   we know

CVE-2019-14697 exp:2026-12-31
CVE-2019-1543 key:value exp:2026-12-31 more
# CVE-2019-1
"""
    )
    name = ".trivyignore"
    assert stated == Stated(
        (
            Suppression(source=name, line=2, ids=("CVE-2018-14618",)),
            Suppression(source=name, line=3, ids=("GHSA-hrpp-h998-j3pp",)),
            # Trivy ends it when the day begins
            Suppression(source=name, line=5, ids=("CVE-2019-14697",), expires="2026-12-31T00:00:00Z"),
            Suppression(source=name, line=6, ids=("CVE-2019-1543",), expires="2026-12-31T00:00:00Z"),
        )
    )


@pytest.mark.parametrize(
    "line",
    [
        "CVE-2018-14618 exp:soon",
        "CVE-2018-14618 exp:2026-13-01",
        "CVE-2018-14618 exp:2026-12-31T00:00:00Z",
        "CVE-99",
        "CVE-2018-*",
        "AVD-AWS-0002",
        "KSV001",
        "MIT",
        "aws-access-key-\x1b",
        "\x1b[31mCVE-2018-14618",
    ],
)
def test_a_line_that_ignores_nothing_is_told(line: str) -> None:
    stated = read(f"CVE-2020-1234\n{line}\nCVE-2020-1235")
    assert [each.line for each in stated.left_out] == [2]
    assert [each.ids[0] for each in stated.suppressions] == ["CVE-2020-1234", "CVE-2020-1235"]


@pytest.mark.parametrize("name", ["AVD-DS-0002", "DS002", "DS-0002", "aws-access-key-id", "private-key"])
def test_rules_stand_between_flaws(name: str) -> None:
    stated = read(f"CVE-2020-1234\n{name} exp:2026-12-31\n")
    assert stated.left_out == ()
    assert stated.suppressions[1] == Suppression(
        source=".trivyignore", line=2, ids=(name,), expires="2026-12-31T00:00:00Z"
    )


@given(st.text(max_size=100))
def test_no_line_suppresses_without_an_id(text: str) -> None:
    try:
        stated = read(text)
    except UsageError:
        return
    assert all(len(each.ids) == 1 and each.ids[0] in text for each in stated.suppressions)


YAML = ".trivyignore.yaml"


def test_vulnerabilities_in_yaml() -> None:
    stated = read(
        """vulnerabilities:
  - id: CVE-2022-40897
    paths:
      - "usr/{lib,local/lib}/python3.9/**/METADATA"
    purls:
      - pkg:pypi/setuptools@58.1.0
    expired_at: 2026-12-31
    statement: Accept the risk
  - id: CVE-2023-29491
  - id: CVE-2023-29492
    paths: ["**"]
    purls: []
    expired_at: 2026-12-31T12:00:00+02:00
misconfigurations:
  - id: AVD-DS-0001
    paths: ["docker/Dockerfile"]
    statement: a base of our own
  - id: AVD-KSV-0001
secrets:
  - id: jwt
    purls: []
  - id: aws-access-key-id
    purls: ["pkg:npm/a"]
licenses:
  - id: MIT
""",
        YAML,
    )
    assert stated.suppressions == (
        Suppression(
            source=YAML,
            line=2,
            ids=("CVE-2022-40897",),
            packages=("pkg:pypi/setuptools@58.1.0",),
            paths=("usr/lib/python3.9/**/METADATA", "usr/local/lib/python3.9/**/METADATA"),
            reason="Accept the risk",
            expires="2026-12-31T00:00:00Z",
        ),
        Suppression(source=YAML, line=9, ids=("CVE-2023-29491",)),
        Suppression(source=YAML, line=10, ids=("CVE-2023-29492",), expires="2026-12-31T12:00:00+02:00"),
        Suppression(
            source=YAML,
            line=15,
            ids=("AVD-DS-0001",),
            paths=("docker/Dockerfile",),
            reason="a base of our own",
        ),
        Suppression(source=YAML, line=20, ids=("jwt",)),
    )
    assert stated.left_out == (
        LeftOut(18, "'AVD-KSV-0001' is an id of a check of a cluster or a cloud: this version has none"),
        LeftOut(22, "secrets have no package, so that purls fit none"),
        LeftOut(25, "licenses 'MIT': this version looks for none"),
    )


@pytest.mark.parametrize(
    "more",
    [
        "paths: [/usr/lib]",
        "paths: ['usr/[ab]/**']",
        "paths: ['usr/**x']",
        "paths: ['usr/{a,b']",
        "paths: ['" + "{a,b}" * 9 + "']",
        "paths: ['*']",
        "owner: somebody",
    ],
)
def test_an_entry_that_cannot_be_translated_is_told(more: str) -> None:
    stated = read(f"vulnerabilities:\n- id: CVE-2023-29491\n  {more}\n- id: CVE-2023-29492", YAML)
    assert [each.line for each in stated.left_out] == [2]
    assert [each.ids for each in stated.suppressions] == [("CVE-2023-29492",)]


@pytest.mark.parametrize(
    "text",
    [
        "vulnerabilities:\n- id: CVE-2023-29491\n  purls: [openssl]",
        "vulnerabilities:\n- id: CVE-2023-29491\n  purls: ['pkg:npm/*']",
        "vulnerabilities:\n- id: CVE-2023-29491\n  paths: usr/lib\n  paths: srv",
        "vulnerabilities:\n- id: CVE-2023-29491\n  expired_at: tomorrow",
        "vulnerabilities:\n- id: [CVE-2023-29491]",
        "vulnerabilities:\n- CVE-2023-29491",
        "vulnerabilities: CVE-2023-29491",
        "vulnerabilities:\n- id: &a CVE-2023-29491",
        "vulnerabilities: [",
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str) -> None:
    with pytest.raises(UsageError) as told:
        read(text, YAML)
    assert told.value.where.startswith(f"{YAML}:")
