"""What a `.hadolint.yaml` asks of images and labels. The places were compared with those that Hadolint 2.15.1 gives."""

import pytest

from hullmark.detectors.config import hadolint_yaml
from hullmark.detectors.config.dockerfile import told
from hullmark.detectors.config.dockerfile.parser import parse
from hullmark.model.errors import UsageError

ALL = frozenset(rule.id for rule in told.rules())
IMAGES = """\
FROM debian:12.7 AS a
FROM library/debian:12.7
FROM docker.io/library/debian:12.7
FROM quay.io/x/y:1
FROM eu.gcr.io/x:1
FROM gcr.io/x:1
FROM a
FROM scratch
COPY --from=registry.example.com/x:1 /a /b
COPY --from=a /a /b
FROM user/x:1
FROM example.com:5000/x:1
RUN --mount=type=bind,from=quay.io/x/y:1,target=/x make
"""


def lines(text: str, config: str, *rules: str) -> list[tuple[int, str]]:
    settings = hadolint_yaml.read(config.encode(), ".hadolint.yaml")
    found = told.problems(parse(text, "Dockerfile"), settings, rules or ALL)
    return sorted((problem.span.line, problem.rule.same_as[0]) for problem in found)


@pytest.mark.parametrize(
    ("trusted", "expected"),
    [
        ("[docker.io]", [4, 5, 6, 9, 12, 13]),
        ("docker.io", [4, 5, 6, 9, 12, 13]),
        ("[hub.docker.com]", [4, 5, 6, 9, 12, 13]),
        ('["*.gcr.io"]', [1, 2, 3, 4, 6, 9, 11, 12, 13]),
        ('["docker*", quay.io]', [5, 6, 9, 12]),
        ('["example.com:5000"]', [1, 2, 3, 4, 5, 6, 9, 11, 13]),
        ("[example.com, '[a-z]*', '?????.io']", [1, 2, 3, 4, 5, 6, 9, 11, 12, 13]),
        ('["*"]', []),
        ("[]", []),
    ],
)
def test_images_of_other_registries(trusted: str, expected: list[int]) -> None:
    assert lines(IMAGES, f"trustedRegistries: {trusted}\n") == [(line, "DL3026") for line in expected]


def test_what_an_argument_decides_is_not_judged_without_its_value() -> None:
    text = "ARG A=quay.io/x\nARG B\nFROM $A:1\nFROM $B/y:1\nCOPY --from=$B/z /a /b\n"
    assert lines(text, "trustedRegistries: docker.io\n") == [(3, "DL3026")]


SCHEMA = """\
label-schema:
  author: text
  contact: email
  created: rfc3339
  version: semver
  documentation: url
  git-revision: hash
  license: spdx
"""


@pytest.mark.parametrize(
    ("label", "theirs"),
    [
        ("author=", ""),
        ("other=1", ""),
        ("contact=nobody", "DL3058"),
        ("contact=a@b.c", ""),
        ('contact="Jo <a@b.c>"', "DL3058"),
        ("created=yesterday", "DL3053"),
        ('created="2024-01-01 00:00:00Z"', "DL3053"),
        ("created=2024-01-01T00:00:00Z", ""),
        ("created=2024-01-01T00:00:00+01:00", ""),
        ("version=v1", "DL3056"),
        ("version=1.2", "DL3056"),
        ("version=1.2.3-rc.1+4", ""),
        ("version=$V", "DL3056"),
        ("documentation=foo", "DL3052"),
        ("documentation=/x/y", "DL3052"),
        ("documentation=https://x.y", ""),
        ("documentation=mailto:x@y.z", ""),
        ("git-revision=zzz", "DL3055"),
        ("git-revision=ABCDEF1", "DL3055"),
        ("git-revision=abcdef12", "DL3055"),
        ("git-revision=abcdef1", ""),
        ("git-revision=aa218f56b14c9653891f9e74264a383fa43fefbd", ""),
        ("license=Foo", "DL3054"),
        ("license=MIT", ""),
        ('license="MIT OR Apache-2.0"', "DL3054"),
    ],
)
def test_labels_have_the_form_that_the_schema_says(label: str, theirs: str) -> None:
    found = [each for each in lines(f"FROM a\nLABEL {label}\n", SCHEMA) if each[1] != "DL3049"]
    assert found == ([(2, theirs)] if theirs else [])


def test_labels_of_the_schema_are_there_or_missing() -> None:
    schema = "label-schema: {author: text, version: text}\n"
    assert lines("FROM a\nLABEL author=x\n", schema) == [(1, "DL3049")]
    assert lines("FROM a\nLABEL author=x version=1\n", schema) == []
    assert lines("FROM a AS b\nLABEL author=x\nFROM b\nLABEL version=1\n", schema) == []
    # what is copied or built from is no image of its own
    assert lines("FROM a AS b\nFROM c\nLABEL author=x version=1\nCOPY --from=b /x /\n", schema) == []
    assert lines("FROM a\nFROM c\nLABEL author=x version=1\nCOPY --from=0 /x /\n", schema) == []
    assert lines("FROM a AS b\nFROM c\nLABEL author=x version=1\n", schema) == [(1, "DL3049"), (1, "DL3049")]


def test_strict_labels_takes_no_other_ones() -> None:
    text = "FROM a\nLABEL author=x other=1\n"
    assert lines(text, "strict-labels: true\nlabel-schema: {author: text}\n") == [(2, "DL3050")]
    assert lines(text, "strict-labels: true\n") == [(2, "DL3050"), (2, "DL3050")]
    assert lines(text, "strict-labels: false\nlabel-schema: {author: text}\n") == []


def test_only_rules_that_are_chosen() -> None:
    text = "FROM quay.io/a\nLABEL version=1\n"
    config = f"{SCHEMA}trustedRegistries: [docker.io]\n"
    assert lines(text, config, "schema-label-version") == [(2, "DL3056")]


@pytest.mark.parametrize(
    "config",
    [
        "label-schema: [a]\n",
        "label-schema: {a: number}\n",
        "label-schema: {a: }\n",
        "trustedRegistries: {a: b}\n",
    ],
)
def test_a_schema_that_says_nothing_is_refused(config: str) -> None:
    with pytest.raises(UsageError, match=r"label-schema|trustedRegistries"):
        hadolint_yaml.read(config.encode(), ".hadolint.yaml")
