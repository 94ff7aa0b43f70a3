"""Registries of language packages that are asked without TLS or without checking who answers."""

import re
from collections.abc import Iterator

from hullmark.detectors.config.check import Check, Problem
from hullmark.detectors.config.dockerfile._calls import commands, every, named
from hullmark.detectors.config.dockerfile.model import Command, Dockerfile, Word
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

_WHY = "Whoever is between the build and the registry puts a package of their own into the image."
_CONTROLS = ("CIS-Docker 4.11", "NIST-800-190 4.1.5", "NIST-800-53 SC-8")

PIP_TRUSTED_HOST = Rule(
    id="pip-trusted-host",
    kind="dockerfile",
    severity=Severity.HIGH,
    summary="pip does not check who a package index is",
    why=_WHY,
    fix="Give the index a certificate, name its authority with `--cert` or `PIP_CERT`, and leave `--trusted-host` out.",
    bad=(
        "FROM python:3.12\nRUN pip install --trusted-host pypi.example.com flask==3.0.3\n",
        "FROM python:3.12\nENV PIP_TRUSTED_HOST=pypi.example.com\n",
        "FROM python:3.12\nRUN pip config set global.trusted-host pypi.example.com\n",
        "FROM python:3.12\nRUN python -m pip install --trusted-host=pypi.example.com flask\n",
    ),
    good=(
        "FROM python:3.12\nRUN pip install --cert /etc/ca.pem flask==3.0.3\n",
        "FROM python:3.12\nENV PIP_TRUSTED_HOST=\n",
    ),
    controls=_CONTROLS,
)
TLS_OFF = Rule(
    id="registry-without-tls",
    kind="dockerfile",
    severity=Severity.HIGH,
    summary="a package manager asks its registry without TLS or checks no certificate",
    why=_WHY,
    fix="Use an `https://` address and leave the check of certificates on; add an own authority to the image's certificates.",
    bad=(
        "FROM node:22\nRUN npm config set strict-ssl false\n",
        "FROM node:22\nRUN npm install --registry=http://npm.example.com express@4.19.2\n",
        'FROM node:22\nRUN yarn config set "strict-ssl" false -g\n',
        "FROM python:3.12\nRUN pip install -i http://pypi.example.com/simple flask==3.0.3\n",
        "FROM ruby:3.3\nRUN gem install rails -v 7.1.3 --source http://gems.example.com\n",
        "FROM composer:2.7\nRUN composer config -g secure-http false\n",
        "FROM continuumio/miniconda3:24.7.1\nRUN conda config --set ssl_verify false\n",
        "FROM golang:1.23\nENV GOINSECURE=example.com\n",
        "FROM node:22\nRUN NPM_CONFIG_STRICT_SSL=false npm ci\n",
    ),
    good=(
        "FROM node:22\nRUN npm config set strict-ssl true\n",
        "FROM node:22\nRUN npm install --registry=https://npm.example.com express@4.19.2\n",
        "FROM node:22\nRUN npm config set registry http://localhost:4873\n",
        'FROM golang:1.23\nENV GOINSECURE=""\n',
    ),
    controls=_CONTROLS,
)
GO_CHECKSUMS = Rule(
    id="go-checksums-off",
    kind="dockerfile",
    severity=Severity.MEDIUM,
    summary="go does not compare modules with the checksum database",
    why="A module that was changed after it was published is built into the image, and nobody notices.",
    fix="Leave `GOSUMDB` on, and name private modules in `GOPRIVATE`.",
    bad=(
        "FROM golang:1.23\nENV GOSUMDB=off\n",
        "FROM golang:1.23\nRUN GONOSUMCHECK=1 go build ./...\n",
        "FROM golang:1.23\nRUN go env -w GOSUMDB=off\n",
        "FROM golang:1.23\nRUN GOFLAGS=-insecure go get example.com/x@v1.0.0\n",
    ),
    good=(
        "FROM golang:1.23\nENV GOPRIVATE=example.com/own\n",
        "FROM golang:1.23\nENV GOSUMDB=sum.golang.org GOFLAGS=-mod=vendor\n",
    ),
    controls=("CIS-Docker 4.11", "NIST-800-190 4.1.5", "NIST-800-53 SI-7"),
)

_SETTINGS = {
    "pip-trusted-host": re.compile(r"PIP_TRUSTED_HOST=.+", re.IGNORECASE),
    "registry-without-tls": re.compile(
        r"(?:(?:NPM_CONFIG|YARN)_STRICT_SSL|YARN_ENABLE_STRICT_SSL|CONDA_SSL_VERIFY)=(?:false|0|no)|GOINSECURE=.+"
        r"|(?:PIP_INDEX_URL|PIP_EXTRA_INDEX_URL|UV_INDEX_URL|(?:NPM_CONFIG|YARN)_REGISTRY)=http://.+",
        re.IGNORECASE,
    ),
    "go-checksums-off": re.compile(r"GOSUMDB=off|GONOSUMCHECK=.+|GOFLAGS=(?:.*\s)?-insecure\b.*"),
}
_OFF = re.compile(r"(?i)false|0|off|no")
_TLS_SETTINGS = re.compile(r"(?:\S*[.-])?(?:strict-ssl|secure-http|ssl_verify|enableStrictSsl|ssl-verify)")
_MANAGERS = frozenset(
    {
        "npm",
        "yarn",
        "pnpm",
        "pip",
        "pip3",
        "gem",
        "bundle",
        "composer",
        "conda",
        "mamba",
        "micromamba",
        "poetry",
        "uv",
        "cargo",
    }
)
_PLAIN = re.compile(r"(?i)(?:--?[\w-]{1,30}=)?http://(?!localhost\b|127\.|\[::1\])\S+")
_INDEX = re.compile(
    r"-i|--(?:extra-)?index-url|--registry|--source|-s|registry|--find-links|-f|\S*index-url|--add"
)


def _settings(dockerfile: Dockerfile) -> Iterator[tuple[Word, str]]:
    """Give what `ENV`, `ARG` and commands set, as `NAME=value`."""
    for instruction in every(dockerfile, "ENV", "ARG"):
        for name, value in instruction.pairs:
            if value is not None and value.text:
                yield name, f"{name.text}={value.text}"
    for _, command in commands(dockerfile):
        for word in command.assignments:
            yield word, word.text
        if command.name in {"export", "env"} or (
            command.name == "go" and command.words and command.words[0].text == "env"
        ):
            for word in command.words:
                yield word, word.text


def _set(dockerfile: Dockerfile, rule: Rule, message: str) -> Iterator[Problem]:
    pattern = _SETTINGS[rule.id]
    for word, text in _settings(dockerfile):
        if pattern.fullmatch(text):
            name = text.partition("=")[0]
            yield named(rule, word, f"{name} {message}", resource=name)


def _find_trusted_host(dockerfile: Dockerfile) -> Iterator[Problem]:
    yield from _set(dockerfile, PIP_TRUSTED_HOST, "has pip not check who an index is")
    for _, command in commands(dockerfile):
        if command.name.startswith(("pip", "python", "uv")):
            for word in command.words:
                if word.text.partition("=")[0] in {
                    "--trusted-host",
                    "--allow-insecure-host",
                } or word.text.endswith(".trusted-host"):
                    yield named(
                        PIP_TRUSTED_HOST,
                        word,
                        "pip does not check who that index is",
                        resource="trusted-host",
                    )


def _switched_off(command: Command) -> Iterator[Word]:
    for word, value in zip(command.words, command.words[1:], strict=False):
        if _TLS_SETTINGS.fullmatch(word.text) and _OFF.fullmatch(value.text):
            yield word
    for word in command.words:
        name, _, value_text = word.text.removeprefix("--").partition("=")
        if (_TLS_SETTINGS.fullmatch(name) and _OFF.fullmatch(value_text)) or word.text == "--no-strict-ssl":
            yield word


def _find_tls_off(dockerfile: Dockerfile) -> Iterator[Problem]:
    yield from _set(dockerfile, TLS_OFF, "has a registry asked without a check of its certificate")
    for _, command in commands(dockerfile):
        if command.name not in _MANAGERS and not command.name.startswith("python"):
            continue
        for word in _switched_off(command):
            yield named(
                TLS_OFF, word, f"{command.name} checks no certificate", resource=word.text.partition("=")[0]
            )
        for before, word in zip((None, *command.words), command.words, strict=False):
            named_index = word.text.startswith("--") or (before is not None and _INDEX.fullmatch(before.text))
            if named_index and _PLAIN.fullmatch(word.text):
                yield named(
                    TLS_OFF, word, f"{command.name} takes packages from an http:// address", resource="http"
                )


def _find_go_checksums(dockerfile: Dockerfile) -> Iterator[Problem]:
    yield from _set(dockerfile, GO_CHECKSUMS, "turns the comparison with the checksum database off")


CHECKS: tuple[Check[Dockerfile], ...] = (
    Check(PIP_TRUSTED_HOST, _find_trusted_host),
    Check(TLS_OFF, _find_tls_off),
    Check(GO_CHECKSUMS, _find_go_checksums),
)
