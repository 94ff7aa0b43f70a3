"""All packs over a whole Dockerfile: what is found, where, and how hostile files are borne."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hullmark.detectors.config.dockerfile import lint, told
from hullmark.detectors.config.dockerfile.parser import parse

DATA = Path(__file__).parents[3] / "data" / "config"
DEFAULT = lint.ids("default")
ALL = lint.ids("default", "pedantic")
EXAMPLE = """\
FROM ubuntu:focal-20200423
USER root
RUN curl http://my.service/?auth=ABD54F0356FA0054
EXPOSE 80/tcp
EXPOSE 22/tcp
ENTRYPOINT ["/main"]
"""
WELL_MADE = """\
# syntax=docker/dockerfile:1
FROM golang:1.23.1-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=secret,id=token,env=TOKEN \\
    CGO_ENABLED=0 go build -o /app ./cmd/app

FROM debian:12.7-slim
ENV GPG_KEY=E3FF2839C048B25C084DEBE9B26995E310250568 PYTHON_SHA256=24887b92e2afd4a2ac602419ad4b596372f67ac9b077190f459aba390faf5550
RUN set -eux; \\
    apt-get update; \\
    apt-get install -y --no-install-recommends ca-certificates wget gnupg; \\
    rm -rf /var/lib/apt/lists/*; \\
    wget -O python.tar.xz "https://www.python.org/ftp/python/3.12.6/Python-3.12.6.tar.xz"; \\
    echo "$PYTHON_SHA256 *python.tar.xz" | sha256sum -c -; \\
    chmod 1777 /tmp; \\
    groupadd -r app && useradd -r -g app app
COPY --from=build --chown=app:app --chmod=0755 /app /usr/bin/app
COPY docker-entrypoint.sh /usr/local/bin/
EXPOSE 80 443 8080/tcp
VOLUME /var/lib/app
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["app"]
"""


def places(text: str, chosen: frozenset[str]) -> list[tuple[int, int, str]]:
    return [(p.span.line, p.span.column, p.rule.id) for p in lint.problems(parse(text, "Dockerfile"), chosen)]


def test_the_example() -> None:
    assert places(EXAMPLE, DEFAULT) == [(2, 6, "root-user"), (5, 8, "remote-access-port")]


def test_a_well_made_file_gives_nothing_by_default() -> None:
    assert places(WELL_MADE, DEFAULT) == []


def test_pedantic_says_more() -> None:
    found = {rule for _, _, rule in places(WELL_MADE, ALL)}
    assert {"missing-user", "missing-healthcheck", "apt-package-version", "moving-base"} <= found


def test_the_word_is_pointed_at() -> None:
    text = "FROM debian:12.7\nRUN apt-get update \\\n # why\n && apt-get -qq install \\\n    curl git=1.0\n"
    found = lint.problems(parse(text, "Dockerfile"), {"apt-package-version"})
    assert [(p.span.line, p.span.column, p.span.end_line, p.span.end_column) for p in found] == [(5, 5, 5, 9)]


def test_syntax_errors_are_among_them_and_the_rest_is_checked() -> None:
    text = "FROM debian:12.7\nRUNN make\nUSER root\n"
    assert places(text, frozenset({"root-user"})) == [(2, 1, "syntax-error"), (3, 6, "root-user")]


def test_the_value_of_a_secret_is_never_said() -> None:
    text = "FROM debian:12.7\nENV DB_PASSWORD=hunter2pw\nRUN docker login -u me -p hunter2pw\nRUN echo root:hunter2pw | chpasswd\n"
    found = lint.problems(parse(text, "Dockerfile"), DEFAULT)
    assert {p.rule.id for p in found} == {"secret-in-environment", "credential-in-command", "password-in-run"}
    assert not any("hunter2pw" in f"{p.message} {p.advice} {p.resource}" for p in found)


def test_rules_reach_into_onbuild() -> None:
    text = "FROM debian:12.7\nONBUILD RUN curl -k https://example.com/a\n"
    assert places(text, DEFAULT) == [(2, 18, "tls-check-off")]


def rows(name: str) -> list[tuple[str, str, str]]:
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    cells = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return [(id_, rule, reason) for id_, rule, reason in cells]


@pytest.mark.parametrize("name", ["hadolint.txt", "trivy_dockerfile.txt"])
def test_every_rule_of_theirs_is_one_of_ours_or_has_a_reason(name: str) -> None:
    rules = (*lint.rules(), *told.rules())
    by_id = {rule.id: rule for rule in rules}
    for theirs, ours, reason in rows(name):
        if ours == "-":
            assert reason, theirs
            assert not any(theirs in rule.same_as for rule in rules), theirs
        else:
            assert theirs in by_id[ours].same_as, theirs


def test_no_rule_of_theirs_is_missing() -> None:
    hadolint = {theirs for theirs, _, _ in rows("hadolint.txt")}
    trivy = {theirs for theirs, _, _ in rows("trivy_dockerfile.txt")}
    assert {"DL1001", *(f"DL{number}" for number in range(3000, 3078))} <= hadolint
    assert {f"DL{number}" for number in (4000, 4001, 4003, 4004, 4005, 4006, 4007)} <= hadolint
    assert trivy == {f"DS-{number:04}" for number in range(1, 32)}
    named = {theirs for rule in (*lint.rules(), *told.rules()) for theirs in rule.same_as}
    assert {theirs for theirs in named if theirs.startswith(("DL", "SC"))} <= hadolint
    assert {theirs for theirs in named if theirs.startswith("DS-")} <= trivy
    assert {f"AVD-{theirs}" for theirs in named if theirs.startswith("DS-")} <= named


WORDS = st.sampled_from(
    [rule_text for rule in lint.rules() for text in (*rule.bad, *rule.good) for rule_text in text.split(" ")]
    + [
        "$",
        "${",
        "`",
        "\\\n",
        "'",
        '"',
        "<<EOF",
        "\n",
        "|",
        "&&",
        "=",
        "--",
        "-",
        "[",
        ":",
        "\u00a0",
        "\x00",
        "--from=",
        "--mount=",
        "$((",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(WORDS, max_size=30))
def test_nothing_raises_and_each_place_is_in_the_file(words: list[str]) -> None:
    text = " ".join(words)
    dockerfile = parse("FROM debian:12.7\n" + text, "Dockerfile")
    first = lint.problems(dockerfile, ALL)
    assert first == lint.problems(dockerfile, ALL)
    for problem in first:
        assert 1 <= problem.span.line <= problem.span.end_line
        assert problem.span[:2] <= problem.span[2:]


HOSTILE = {
    "runs": "RUN apk add x\n" * 3000,
    "one long run": "RUN " + " && ".join(["apk add x; apt-get install y; cd /; rm -rf $A/*"] * 3000) + "\n",
    "pipes": "RUN " + "curl x | " * 5000 + "sh\n",
    "stages": "".join(f"FROM s{n} AS s{n + 1}\n" for n in range(3000)),
    "copies": "".join(f"COPY --from={n} a{n}.tar.gz /x/\n" for n in range(3000))
    + "RUN tar xf "
    + " ".join(f"a{n}.tar.gz" for n in range(3000)),
    "names": "ENV " + " ".join(f"A{n}=$A{n - 1}" for n in range(3000)) + "\n",
    "many names": "".join(f"ENV A{n}=$A{n - 1}\n" for n in range(2000)) + "USER $A1\nEXPOSE $A2\n",
    "dashes": "RUN chmod "
    + "a" * 50000
    + "w\nRUN setcap "
    + "=" * 50000
    + "\nRUN echo "
    + "[trusted" * 9000
    + "\n",
    "substitutions": "RUN echo " + "$(" * 20000 + "\nRUN echo " + "${a" * 20000 + "\n",
    "quotes": "RUN sed s/" + "a" * 50000 + " s" * 20000 + "\nRUN docker login -p " + "$a" * 20000 + "\n",
    "path": "COPY a " + "/x" * 50000 + "\nENV GOOGLE_APPLICATION_CREDENTIALS=" + "/x" * 50000 + "\n",
    "labels": "LABEL "
    + "a." * 50000
    + '=1\nLABEL org.opencontainers.image.licenses="'
    + "a " * 20000
    + '"\n',
    "secret": "ENV " + "_PASSWORD" * 10000 + "=" + "x-" * 30000 + "\nENV A_SECRET=" + "{{" * 30000 + "\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_take_no_long_time(name: str) -> None:
    dockerfile = parse("FROM debian:12.7\n" + HOSTILE[name], "Dockerfile")
    begun = time.process_time()
    lint.problems(dockerfile, ALL)
    # far less on any machine; a square of these sizes would take minutes
    assert time.process_time() - begun < 5
