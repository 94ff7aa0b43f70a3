"""pip, npm, yarn, gem, go, cargo and their like: which versions they take, and what they leave behind."""

from collections.abc import Iterator
from typing import NamedTuple

from hullmark.detectors.config.check import Check, Problem
from hullmark.detectors.config.dockerfile._calls import (
    calls,
    commands_of,
    every,
    mounts_cache,
    named,
    packages,
    reached,
)
from hullmark.detectors.config.dockerfile.model import Command, Dockerfile, Word
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

_WHY_VERSION = "The next build may get another version, with other flaws or by another owner, so that two images of one source differ."

NPM_VERSION = Rule(
    id="npm-package-version",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="npm, yarn or pnpm installs a package without a version",
    why=_WHY_VERSION,
    fix="Name the version, as in `express@4.19.2`, or install with `npm ci` from a lock file.",
    bad=(
        "FROM node:22\nRUN npm install -g express\n",
        "FROM node:22\nRUN yarn global add @vue/cli\n",
        "FROM node:22\nRUN npm i express@latest\n",
    ),
    good=(
        "FROM node:22\nRUN npm install -g express@4.19.2 @vue/cli@5.0.8\n",
        "FROM node:22\nRUN npm ci\n",
        "FROM node:22\nRUN npm install\n",
        "FROM node:22\nRUN npm install ./own.tgz $MORE\n",
    ),
    pack="pedantic",
    same_as=("DL3016",),
)

YARN_CACHE = Rule(
    id="yarn-cache-kept",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="yarn leaves what it downloaded in the layer",
    why="The cache is of no use in an image, and doubles the size of what is installed.",
    fix="End the same `RUN` with `yarn cache clean`, or mount a cache.",
    bad=("FROM node:22\nRUN yarn install --frozen-lockfile\n",),
    good=(
        "FROM node:22\nRUN yarn install --frozen-lockfile && yarn cache clean\n",
        "FROM node:22\nRUN --mount=type=cache,target=/usr/local/share/.cache/yarn yarn install\n",
    ),
    pack="pedantic",
    same_as=("DL3060",),
)

GEM_VERSION = Rule(
    id="gem-version",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="gem installs a package without a version",
    why=_WHY_VERSION,
    fix="Name the version, as in `rails:7.1.3` or with `-v`.",
    bad=("FROM ruby:3.3\nRUN gem install rails\n", "FROM ruby:3.3\nRUN gem install rails:7.1.3 puma\n"),
    good=(
        "FROM ruby:3.3\nRUN gem install rails:7.1.3\n",
        "FROM ruby:3.3\nRUN gem install rails -v 7.1.3\n",
        "FROM ruby:3.3\nRUN gem install --version='~> 7.1' rails\n",
        "FROM ruby:3.3\nRUN gem install own.gem\n",
    ),
    pack="pedantic",
    same_as=("DL3028",),
)

GO_VERSION = Rule(
    id="go-install-version",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="go installs a program without a version",
    why=_WHY_VERSION,
    fix="Name the version, as in `example.com/cmd@v1.2.3`.",
    bad=(
        "FROM golang:1.23\nRUN go install example.com/cmd@latest\n",
        "FROM golang:1.23\nRUN go get example.com/lib\n",
    ),
    good=(
        "FROM golang:1.23\nRUN go install example.com/cmd@v1.2.3\n",
        "FROM golang:1.23\nRUN go install ./... && go install std\n",
        "FROM golang:1.23\nRUN go install -v ./cmd/tool\n",
    ),
    pack="pedantic",
    same_as=("DL3062",),
)

CARGO_VERSION = Rule(
    id="cargo-install-version",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="cargo installs a program without a version",
    why=_WHY_VERSION,
    fix="Name the version, as in `cargo install --locked ripgrep@14.1.0`.",
    bad=("FROM rust:1.80\nRUN cargo install ripgrep\n",),
    good=(
        "FROM rust:1.80\nRUN cargo install --locked ripgrep@14.1.0\n",
        "FROM rust:1.80\nRUN cargo install ripgrep --version 14.1.0\n",
        "FROM rust:1.80\nRUN cargo install --path .\n",
    ),
    pack="pedantic",
)

BUILD_CACHE = Rule(
    id="no-build-cache-mount",
    kind="dockerfile",
    severity=Severity.NEGLIGIBLE,
    summary="a package manager's downloads are fetched anew by each build",
    why="Without a cache mount, each change above the `RUN` downloads everything again.",
    fix="Mount a cache, as in `RUN --mount=type=cache,target=/root/.npm npm ci`.",
    bad=(
        "FROM node:22\nRUN npm ci\n",
        "FROM golang:1.23\nRUN go build ./...\n",
        "FROM maven:3.9.9\nRUN mvn package\n",
        "FROM gradle:8.10\nRUN ./gradlew build\n",
    ),
    good=(
        "FROM node:22\nRUN --mount=type=cache,target=/root/.npm npm ci\n",
        "FROM golang:1.23\nRUN --mount=type=cache,target=/root/.cache/go-build --mount=type=cache,target=/go/pkg/mod go build ./...\n",
        "FROM golang:1.23\nRUN go version\n",
    ),
    pack="pedantic",
    same_as=(
        "DL3068",
        "DL3069",
        "DL3070",
        "DL3071",
        "DL3072",
        "DL3073",
        "DL3074",
        "DL3075",
        "DL3076",
        "DL3077",
    ),
)

_NPM = frozenset(
    {
        "--prefix",
        "--registry",
        "--cache",
        "-C",
        "--tag",
        "--omit",
        "--include",
        "--loglevel",
        "-w",
        "--workspace",
        "--network-timeout",
        "--cwd",
    }
)

_CARGO = frozenset(
    [
        "--version",
        "--vers",
        "--git",
        "--branch",
        "--tag",
        "--rev",
        "--path",
        "--root",
        "--registry",
        "--index",
        "--features",
        "-F",
        "--target",
        "--profile",
        "-j",
        "--bin",
        "--example",
        "--config",
    ]
)


def _unversioned(word: Word) -> bool:
    text = word.text.removeprefix("npm:")
    version = text[1:].rpartition("@")[2] if "@" in text[1:] else ""
    file = (
        text.endswith((".tgz", ".tar.gz"))
        or "://" in text
        or text.startswith(("git+", "file:", "link:", "github:"))
    )
    return not file and version in {"", "latest"}


def _find_npm_version(dockerfile: Dockerfile) -> Iterator[Problem]:
    for call in calls(dockerfile, "npm", "yarn", "pnpm", valued=_NPM):
        operands = [word for word in call.operands if "$" not in word.raw]
        verb = call.verb.text if call.verb else ""
        if (
            call.command.name == "yarn"
            and verb == "global"
            and call.operands[:1]
            and call.operands[0].text == "add"
        ):
            operands, verb = operands[1:], "add"
        if verb in {"install", "i", "add"}:
            for word in operands:
                if _unversioned(word) and not word.text.startswith((".", "/", "~")):
                    yield named(NPM_VERSION, word, f"{word.text} is installed without a version")


def _find_yarn_cache(dockerfile: Dockerfile) -> Iterator[Problem]:
    stages = reached(dockerfile)
    for instruction in every(dockerfile, "RUN"):
        # what other stages leave behind is not in the image
        if instruction.stage not in stages or mounts_cache(instruction, "yarn", ".cache"):
            continue
        kept: Command | None = None
        for command in commands_of(instruction):
            texts = {word.text for word in command.words}
            if command.name == "yarn" and "cache" in texts and "clean" in texts:
                kept = None
            elif command.name == "yarn" and texts & {"install", "add"}:
                kept = command
        if kept is not None:
            yield Problem(YARN_CACHE, kept.span, "yarn keeps its downloads in the layer")


def _find_gem(dockerfile: Dockerfile) -> Iterator[Problem]:
    valued = frozenset(
        {
            "-i",
            "--install-dir",
            "-n",
            "--bindir",
            "-P",
            "--trust-policy",
            "-s",
            "--source",
            "-v",
            "--version",
            "-p",
        }
    )
    for call in calls(dockerfile, "gem", verbs=("install", "i"), valued=valued):
        if call.has("-v", "--version"):
            continue
        for word in packages(call):
            if ":" not in word.text and not word.text.endswith(".gem"):
                yield named(GEM_VERSION, word, f"{word.text} is installed without a version")


def _find_go(dockerfile: Dockerfile) -> Iterator[Problem]:
    valued = frozenset({"-ldflags", "-tags", "-gcflags", "-C", "-o", "-p", "-mod", "-modfile", "-asmflags"})
    for call in calls(dockerfile, "go", verbs=("install", "get", "run"), valued=valued):
        for word in packages(call):
            module, _, version = word.text.partition("@")
            # without a dot in its first part it is of the standard library or the module itself
            elsewhere = "." in module.partition("/")[0] and not module.endswith(".go")
            if elsewhere and version in {"", "latest", "upgrade", "main", "master"}:
                yield named(GO_VERSION, word, f"{module} is installed without a version")
            if call.verb and call.verb.text == "run":
                break


def _find_cargo(dockerfile: Dockerfile) -> Iterator[Problem]:
    for call in calls(dockerfile, "cargo", verbs=("install",), valued=_CARGO):
        if not call.has("--version", "--vers", "--path", "--git"):
            for word in packages(call):
                if "@" not in word.text and not word.text.startswith("+"):
                    yield named(CARGO_VERSION, word, f"{word.text} is installed without a version")


class _Tool(NamedTuple):
    """Which verbs of a tool download, and in which paths its cache lies. Without verbs all do."""

    verbs: tuple[str, ...]
    paths: tuple[str, ...]


_TOOLS = {
    "npm": _Tool(("install", "ci", "install-ci-test", "it"), (".npm",)),
    "cargo": _Tool(("build", "install", "fetch", "test", "check", "clippy"), ("cargo",)),
    "go": _Tool(("build", "get", "install", "test", "mod"), ("go-build", "go/pkg/mod")),
    "mvn": _Tool(
        ("install", "compile", "package", "test", "verify", "deploy", "dependency:resolve"), (".m2",)
    ),
    "gradle": _Tool((), (".gradle",)),
    "gradlew": _Tool((), (".gradle",)),
    "composer": _Tool(("install", "update", "require"), ("composer",)),
    "dotnet": _Tool(("restore", "build", "publish", "test"), (".nuget",)),
    "nuget": _Tool(("restore",), (".nuget",)),
    "pnpm": _Tool(("install", "add", "fetch", "i"), ("pnpm",)),
    "mix": _Tool(("deps.get", "deps.compile", "compile"), (".hex", ".mix")),
    "gem": _Tool(("install",), (".gem", "bundle")),
    "bundle": _Tool(("install", "update"), (".gem", "bundle")),
}


def _find_build_cache(dockerfile: Dockerfile) -> Iterator[Problem]:
    for call in calls(dockerfile, *_TOOLS):
        tool = _TOOLS[call.command.name]
        operands = (call.verb, *call.operands) if call.verb else ()
        # Maven's goals come in any number and order
        verbs = operands if call.command.name == "mvn" else operands[:1]
        downloads = not tool.verbs or any(word.text in tool.verbs for word in verbs)
        if downloads and not mounts_cache(call.instruction, *tool.paths):
            name = call.command.name
            yield Problem(
                BUILD_CACHE,
                call.command.span,
                f"{name} downloads everything anew in each build",
                resource=name,
            )


CHECKS: tuple[Check[Dockerfile], ...] = (
    Check(NPM_VERSION, _find_npm_version),
    Check(YARN_CACHE, _find_yarn_cache),
    Check(GEM_VERSION, _find_gem),
    Check(GO_VERSION, _find_go),
    Check(CARGO_VERSION, _find_cargo),
    Check(BUILD_CACHE, _find_build_cache),
)
