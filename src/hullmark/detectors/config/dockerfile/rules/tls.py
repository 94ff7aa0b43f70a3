"""Checks of who a server is, turned off: certificates and host keys."""

import re
from collections.abc import Iterator
from itertools import zip_longest

from hullmark.detectors.config.check import Check, Problem
from hullmark.detectors.config.dockerfile._calls import (
    commands,
    every,
    named,
)
from hullmark.detectors.config.dockerfile._curl import OWN, curl_letters, takes_next
from hullmark.detectors.config.dockerfile.model import Command, Dockerfile, Word
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

TLS_CHECK_OFF = Rule(
    id="tls-check-off",
    kind="dockerfile",
    severity=Severity.HIGH,
    summary="a download does not check who the server is",
    why="Whoever is between the build and the server puts a file of their own into the image.",
    fix="Leave the check on; add an own authority with `COPY` and `update-ca-certificates`.",
    bad=(
        "FROM debian:12.7\nRUN curl -k -o a.tgz https://example.com/a.tgz\n",
        "FROM debian:12.7\nRUN curl -fsSLk https://example.com/a.tgz | tar xz\n",
        "FROM debian:12.7\nRUN curl --insecure https://example.com/a\n",
        "FROM debian:12.7\nRUN wget --no-check-certificate https://example.com/a.tgz\n",
        "FROM debian:12.7\nRUN git -c http.sslVerify=false clone https://example.com/a.git\n",
        "FROM debian:12.7\nRUN git config --global http.sslVerify false\n",
        "FROM debian:12.7\nRUN GIT_SSL_NO_VERIFY=true git clone https://example.com/a.git\n",
    ),
    good=(
        "FROM debian:12.7\nRUN curl -fsSLo k https://example.com/k\n",
        "FROM debian:12.7\nRUN curl -o -k https://example.com/a\n",
        "FROM debian:12.7\nRUN wget -q https://example.com/a.tgz\n",
        "FROM debian:12.7\nHEALTHCHECK CMD curl -k https://localhost/\n",
        "FROM debian:12.7\nRUN curl -k https://localhost:8443/\n",
    ),
    controls=("NIST-800-53 SC-8", "NIST-800-190 4.1.5"),
)

TLS_OFF_IN_IMAGE = Rule(
    id="tls-check-off-in-image",
    kind="dockerfile",
    severity=Severity.HIGH,
    summary="a variable turns the check of certificates off for all that runs in the container",
    why="Whoever is between the container and a server reads and changes what they say to each other.",
    fix="Leave the variable out; name an own authority, as with `NODE_EXTRA_CA_CERTS` or `SSL_CERT_FILE`.",
    bad=(
        "FROM node:22\nENV NODE_TLS_REJECT_UNAUTHORIZED=0\n",
        "FROM python:3.12\nENV PYTHONHTTPSVERIFY 0\n",
        "FROM debian:12.7\nENV GIT_SSL_NO_VERIFY=1\n",
    ),
    good=(
        "FROM node:22\nENV NODE_TLS_REJECT_UNAUTHORIZED=1\n",
        "FROM node:22\nENV NODE_EXTRA_CA_CERTS=/etc/ca.pem\n",
    ),
    controls=("NIST-800-53 SC-8", "PCI-DSS 4.2.1"),
)

HOST_KEYS = Rule(
    id="ssh-host-key-check-off",
    kind="dockerfile",
    severity=Severity.MEDIUM,
    summary="ssh does not check who it talks to",
    why="Whoever is between the build and the server is taken for it: they give other sources and see what is sent.",
    fix="Put the server's known key into `/etc/ssh/ssh_known_hosts` with `COPY`.",
    bad=(
        "FROM debian:12.7\nRUN ssh -o StrictHostKeyChecking=no git@example.com\n",
        "FROM debian:12.7\nRUN echo 'StrictHostKeyChecking no' >> /etc/ssh/ssh_config\n",
        'FROM debian:12.7\nENV GIT_SSH_COMMAND="ssh -o StrictHostKeyChecking=no"\n',
    ),
    good=(
        "FROM debian:12.7\nRUN ssh -o StrictHostKeyChecking=accept-new git@example.com\n",
        "FROM debian:12.7\nCOPY known_hosts /root/.ssh/known_hosts\n",
    ),
    controls=("NIST-800-53 SC-8",),
)

_GIT_SETTING = re.compile(r"(?i)http\.(?:\S{1,200}\.)?sslverify(?:=(\w+))?")
_CURL_VALUED = frozenset(
    [
        "-o",
        "--output",
        "-H",
        "--header",
        "-d",
        "--data",
        "--data-raw",
        "--data-binary",
        "-u",
        "--user",
        "-A",
        "--user-agent",
        "-x",
        "--proxy",
        "-e",
        "--referer",
        "-b",
        "--cookie",
        "-c",
        "--cookie-jar",
        "-F",
        "--form",
        "-T",
        "--upload-file",
        "-X",
        "--request",
        "-w",
        "--write-out",
        "-m",
        "--max-time",
        "--connect-timeout",
        "--retry",
        "--retry-delay",
        "--retry-max-time",
        "--cacert",
        "--cert",
        "--key",
        "-K",
        "--config",
        "-r",
        "--range",
        "-C",
        "--continue-at",
        "-E",
        "-D",
        "--dump-header",
        "--resolve",
        "--proto",
        "--output-dir",
    ]
)


_TLS_VARIABLES = {
    "NODE_TLS_REJECT_UNAUTHORIZED": re.compile("0"),
    "PYTHONHTTPSVERIFY": re.compile("0"),
    "GIT_SSL_NO_VERIFY": re.compile("(?i)1|true|yes|on"),
    "GOINSECURE_TLS": re.compile("1"),
    "CURL_INSECURE": re.compile("1"),
    "HEX_UNSAFE_HTTPS": re.compile("1"),
}


def _unchecked(command: Command) -> Word | None:
    """Give the word that turns the check of certificates off."""
    if any(OWN.match(word.text) for word in command.words):
        return None
    if command.name == "curl":
        return _unchecked_by_curl(command)
    if command.name == "git":
        return _unchecked_by_git(command)
    option = "--no-check-certificate" if command.name == "wget" else "--check-certificate=false"
    return next((word for word in command.words if word.text == option), None)


def _unchecked_by_curl(command: Command) -> Word | None:
    words = iter(command.words)
    for word in words:
        text = word.text
        is_group = text[:1] == "-" and text[1:2].isalpha()
        if text in {"--insecure", "--proxy-insecure"} or (is_group and "k" in curl_letters(text)):
            return word
        if text in _CURL_VALUED or takes_next(text):
            next(words, None)
    return None


def _unchecked_by_git(command: Command) -> Word | None:
    for word, after in zip_longest(command.words, command.words[1:]):
        found = _GIT_SETTING.fullmatch(word.text[:400])
        value = found[1] or (after.text if after is not None else "") if found else ""
        if value.lower() in {"false", "0", "no", "off"}:
            return word
    return None


def _find_tls_off(dockerfile: Dockerfile) -> Iterator[Problem]:
    for _, command in commands(dockerfile):
        if command.name in {"curl", "wget", "aria2c", "git"}:
            word = _unchecked(command)
            if word is not None:
                yield named(TLS_CHECK_OFF, word, f"{command.name} does not check the server's certificate")
        for word in command.assignments:
            if _turns_off(*word.text.partition("=")[::2]):
                yield named(TLS_CHECK_OFF, word, f"{word.text} turns the check of certificates off")


def _turns_off(name: str, value: str) -> bool:
    pattern = _TLS_VARIABLES.get(name)
    return pattern is not None and pattern.fullmatch(value) is not None


def _find_tls_variable(dockerfile: Dockerfile) -> Iterator[Problem]:
    for instruction in every(dockerfile, "ENV"):
        for name, value in instruction.pairs:
            if value is not None and _turns_off(name.text, value.text):
                yield named(
                    TLS_OFF_IN_IMAGE, name, f"{name.text}={value.text} turns the check of certificates off"
                )


_LAX_SSH = re.compile(r"(?i)StrictHostKeyChecking[=\s]{1,4}[\"']?(?:no|off)\b")


def _find_host_keys(dockerfile: Dockerfile) -> Iterator[Problem]:
    for _, command in commands(dockerfile):
        for word in (*command.assignments, *command.words):
            if _LAX_SSH.search(word.text):
                yield Problem(HOST_KEYS, word.span, "ssh is told not to check who it talks to")
    for instruction in every(dockerfile, "ENV"):
        for _, value in instruction.pairs:
            if value is not None and _LAX_SSH.search(value.text):
                yield Problem(HOST_KEYS, value.span, "ssh is told not to check who it talks to")


CHECKS: tuple[Check[Dockerfile], ...] = (
    Check(TLS_CHECK_OFF, _find_tls_off),
    Check(TLS_OFF_IN_IMAGE, _find_tls_variable),
    Check(HOST_KEYS, _find_host_keys),
)
