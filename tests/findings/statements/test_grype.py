"""Grype's ignore rules: none may take out more than Grype would; what cannot be said suppresses nothing and is told with its line."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullmark.findings.naming import package_test
from hullmark.findings.statements import Stated, read_ignores
from hullmark.model.errors import UsageError
from hullmark.model.report import Finding, Suppression

NAME = ".grype.yaml"


def read(text: str, name: str = NAME) -> Stated:
    return read_ignores(name, text.encode())


def test_rules() -> None:
    stated = read(
        """check-for-app-update: false
ignore:
  # a comment
  - vulnerability: CVE-2008-4318
    include-aliases: true
    fix-state: not-fixed
    reason: "tolerated by policy"
    namespace: ""
    package:
      name: libcurl
      version: 1.5.1
      type: rpm
      location: "/usr/local/lib/node_modules/**"
  - fix-state: wont-fix
  - package: {type: gem}
  - package: {name: left-pad, language: javascript}
  - package: {name: log4j-core, type: java-archive}
  - package: {name: openssl}
  - package: {location: "**/vendor/*.jar"}
  - package: {name: "linux-.*-headers\\\\.x"}
"""
    )
    assert stated.left_out == ()
    assert stated.suppressions[:-1] == (
        Suppression(
            source=NAME,
            line=4,
            ids=("CVE-2008-4318",),
            packages=("pkg:rpm/libcurl@1.5.1",),
            paths=("usr/local/lib/node_modules/**",),
            states=("affected",),
            reason="tolerated by policy",
        ),
        Suppression(source=NAME, line=14, states=("will_not_fix",)),
        Suppression(source=NAME, line=15, packages=("pkg:gem/%2A",)),
        Suppression(source=NAME, line=16, packages=("pkg:npm/left-pad",)),
        Suppression(source=NAME, line=17, packages=("pkg:maven/%2A/log4j-core",)),
        Suppression(source=NAME, line=18, packages=("openssl", "*:openssl")),
        Suppression(source=NAME, line=19, paths=("**/vendor/*.jar",)),
    )
    assert "pkg:deb/linux-%2A-headers.x" in stated.suppressions[-1].packages


def finding(purl: str, name: str, version: str = "1") -> Finding:
    return Finding(id="CVE-2020-1234", component="p", purl=purl, name=name, version=version)


@pytest.mark.parametrize(
    ("package", "found", "fits"),
    [
        ("{name: openssl}", finding("pkg:deb/debian/openssl@1", "openssl"), True),
        ("{name: openssl}", finding("pkg:deb/debian/libssl3@1?upstream=openssl", "libssl3"), False),
        ("{name: log4j-core}", finding("pkg:maven/org.apache/log4j-core@1", "org.apache:log4j-core"), True),
        ("{name: 'log4j.*'}", finding("pkg:maven/log4j/other@1", "log4j:other"), False),
        ("{name: 'log4j.*'}", finding("pkg:maven/org/log4j-core@1", "org:log4j-core"), True),
        ("{name: '@acme/x', type: npm}", finding("pkg:npm/%40acme/x@1", "@acme/x"), True),
        ("{name: x, type: npm}", finding("pkg:npm/%40acme/x@1", "@acme/x"), False),
        ("{name: 'lib.*'}", finding("pkg:deb/debian/libssl3@1", "libssl3"), True),
        ("{name: 'lib.*'}", finding("pkg:deb/debian/zlib1g@1", "zlib1g"), False),
        ("{name: 'lib.+'}", finding("pkg:deb/debian/lib@1", "lib"), False),
        ("{name: lib.c}", finding("pkg:deb/debian/libxc@1", "libxc"), False),
        ("{type: deb}", finding("pkg:rpm/fedora/a@1", "a"), False),
        ("{version: '1'}", finding("pkg:rpm/fedora/a@1", "a"), True),
        ("{version: '2'}", finding("pkg:rpm/fedora/a@1", "a"), False),
        ("{language: go}", finding("pkg:golang/golang.org/x/net@1", "golang.org/x/net"), True),
        ("{language: swift}", finding("pkg:cocoapods/A@1", "A"), True),
        ("{language: swift, type: pod}", finding("pkg:swift/a/b@1", "a/b"), False),
    ],
)
def test_a_rule_fits_the_packages_that_it_fits_in_grype(package: str, found: Finding, fits: bool) -> None:  # noqa: FBT001  # the expectation
    (said,) = read(f"ignore:\n- package: {package}").suppressions
    assert any(package_test(text, globs=True)(found) for text in said.packages) is fits


@pytest.mark.parametrize(
    "rule",
    [
        "{vulnerability: CVE-2008-4318, namespace: 'nvd:cpe'}",
        "{vulnerability: CVE-2008-4318, vex-status: not_affected}",
        "{vulnerability: CVE-2008-4318, vex-justification: component_not_present}",
        "{vulnerability: CVE-2008-4318, match-type: cpe-match}",
        "{vulnerability: CVE-2008-4318, fix-state: unknown}",
        "{vulnerability: CVE-2008-4318, expiration: 2025-12-31}",
        "{vulnerability: CVE-2008-4318, package: {upstream-name: curl}}",
        "{vulnerability: CVE-2008-4318, package: {cpe: x}}",
        "{vulnerability: CVE-2008-4318, package: {type: UnknownPackage}}",
        "{vulnerability: CVE-2008-4318, package: {language: cobol}}",
        "{vulnerability: CVE-2008-4318, package: {language: go, type: npm}}",
        "{vulnerability: CVE-2008-4318, package: {version: '1.*'}}",
        "{vulnerability: CVE-2008-4318, package: {location: usr/lib}}",
        "{vulnerability: CVE-2008-4318, package: {location: '/usr/[ab]'}}",
        "{vulnerability: CVE-2008-4318, package: {name: 'libstdc++6'}}",
        "{vulnerability: CVE-2008-4318, package: {name: 'a|b'}}",
        "{vulnerability: CVE-2008-4318, package: {name: 'linux(-.*)?-headers-.*'}}",
        "{vulnerability: CVE-2008-4318, package: {name: 'a.*?'}}",
        r"{vulnerability: CVE-2008-4318, package: {name: 'a\.*'}}",
        r"{vulnerability: CVE-2008-4318, package: {name: '\d'}}",
        "{vulnerability: 'CVE-2024-XXXXX'}",
        "{vulnerability: '.*', severity: Low}",
        "{reason: nothing}",
        "{package: {location: '/**'}}",
        "{}",
    ],
)
def test_a_rule_that_cannot_be_translated_is_told(rule: str) -> None:
    stated = read(f"ignore:\n- vulnerability: CVE-2020-1234\n- {rule}\n- vulnerability: CVE-2020-1235\n")
    assert [each.line for each in stated.left_out] == [3]
    assert [each.ids for each in stated.suppressions] == [("CVE-2020-1234",), ("CVE-2020-1235",)]


def test_other_settings_that_take_findings_out_are_told() -> None:
    stated = read("only-fixed: true\nonly-notfixed: false\nexclude:\n- ./a\nignore: []\nvex-documents: []\n")
    assert [(each.line, each.what.partition(" ")[0]) for each in stated.left_out] == [
        (1, "only-fixed"),
        (3, "exclude"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "ignore: CVE-2008-4318",
        "ignore:\n- CVE-2008-4318",
        "ignore:\n- vulnerability: [CVE-2008-4318]",
        "ignore:\n- vulnerability: CVE-2008-4318\n  package: curl",
        "ignore:\n- vulnerability: CVE-2008-4318\n  include-aliases: perhaps",
        "ignore:\n- vulnerability: CVE-2008-4318\n  vulnerability: CVE-2008-4319",
        "- vulnerability: CVE-2008-4318",
        "ignore: [",
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str) -> None:
    with pytest.raises(UsageError) as told:
        read(text)
    assert told.value.where.startswith(f"{NAME}:")


PATTERN = st.text("ab.*+?\\-^$|()", max_size=8)


@given(PATTERN, st.lists(st.text("ab.-+", min_size=1, max_size=5), max_size=20))
def test_a_translated_name_never_fits_more_than_the_regular_expression(
    pattern: str, names: list[str]
) -> None:
    rule: Any = "ignore:\n- package:\n    type: deb\n    name: '" + pattern + "'\n"
    stated = read(rule)
    if not stated.suppressions or not pattern:
        return
    is_regex = set(pattern) & set("\\^$*+?()|")
    for name in names:
        found = finding(f"pkg:deb/debian/{name}@1", name)
        if any(package_test(text, globs=True)(found) for text in stated.suppressions[0].packages):
            assert re.fullmatch(pattern, name) if is_regex else name == pattern
