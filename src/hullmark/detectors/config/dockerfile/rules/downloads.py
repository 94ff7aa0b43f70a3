"""What is fetched from the network while an image is built, and whether anybody checks it."""

import re
from collections.abc import Iterator
from itertools import zip_longest

from hullmark.detectors.config.check import Check, Edit, Problem
from hullmark.detectors.config.dockerfile._calls import (
    calls,
    commands,
    commands_of,
    every,
    is_shell,
    name_span,
)
from hullmark.detectors.config.dockerfile._curl import OWN, curl_letters
from hullmark.detectors.config.dockerfile.model import Command, Dockerfile, Word
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

_VERIFIED = ("CIS-Docker 4.11", "CIS-Docker 4.12", "NIST-800-190 4.1.5", "NIST-800-53 SI-7")

PIPE_TO_SHELL = Rule(
    id="pipe-to-shell",
    kind="dockerfile",
    severity=Severity.MEDIUM,
    summary="a script from the network is run without being checked",
    why="Whoever controls that server, its name or the way to it on the day of the build runs what they like in the image.",
    fix="Download a named version, compare its checksum, then run it.",
    bad=(
        "FROM debian:12.7\nRUN curl -sSL https://example.com/install.sh | sh\n",
        "FROM debian:12.7\nRUN wget -qO- https://example.com/install.sh | sudo -E bash -\n",
        'FROM debian:12.7\nRUN bash -c "$(curl -fsSL https://example.com/install.sh)"\n',
        'FROM debian:12.7\nSHELL ["/bin/bash", "-c"]\nRUN bash <(curl -s https://example.com/install.sh)\n',
        "FROM debian:12.7\nRUN curl https://example.com/get.py | python3 -\n",
        "FROM debian:12.7\nRUN bash -c 'set -e; curl https://example.com/i.sh | bash -s -- -y'\n",
        "FROM debian:12.7\nRUN (curl https://example.com/i.sh | sh) && true\n",
        "FROM debian:12.7\nRUN curl https://example.com/x.gz | gunzip | bash -s -- --yes\n",
    ),
    good=(
        'FROM debian:12.7\nRUN curl -fsSLo i.sh https://example.com/install.sh && echo "$SUM  i.sh" | sha256sum -c && sh i.sh\n',
        "FROM debian:12.7\nRUN curl -fsSL https://example.com/x.tgz | tar xz\n",
        "FROM debian:12.7\nRUN curl -s https://example.com/x.json | python3 -m json.tool\n",
        "FROM debian:12.7\nRUN echo 'exit 0' | sh\n",
    ),
    controls=_VERIFIED,
)

PLAIN_HTTP = Rule(
    id="plain-http-download",
    kind="dockerfile",
    severity=Severity.MEDIUM,
    summary="a file is fetched without TLS and not checked",
    why="Whoever is between the build and the server puts a file of their own into the image.",
    fix="Use `https://`, or compare a checksum or signature in the same `RUN`.",
    bad=(
        "FROM debian:12.7\nRUN curl -o a.tgz http://example.com/a.tgz && tar xzf a.tgz\n",
        "FROM debian:12.7\nRUN wget http://example.com/a.tgz\n",
        "FROM debian:12.7\nRUN curl http://example.com/a.tgz | tar xz\n",
        "FROM debian:12.7\nRUN curl http://example.com/a > /usr/bin/a\n",
    ),
    good=(
        "FROM debian:12.7\nRUN curl -o a.tgz https://example.com/a.tgz\n",
        "FROM debian:12.7\nRUN curl http://example.com/ping\n",
        'FROM debian:12.7\nRUN wget http://example.com/a.tgz && echo "$SUM a.tgz" | sha256sum -c -\n',
        "FROM debian:12.7\nRUN wget http://example.com/a.tgz && gpg --verify a.tgz.asc\n",
        "FROM debian:12.7\nRUN wget -qO /dev/null http://localhost:8080/\n",
    ),
    controls=(*_VERIFIED, "NIST-800-53 SC-8"),
)

REMOTE_ADD = Rule(
    id="add-remote-unverified",
    kind="dockerfile",
    severity=Severity.MEDIUM,
    summary="`ADD` takes a file from the network whose checksum nobody compares",
    why="Whoever controls that server or its name puts a file of their own into the image.",
    fix="Add `--checksum=sha256:…`, or for a Git repository the full commit behind `#`.",
    bad=(
        "FROM debian:12.7\nADD https://example.com/a.tgz /tmp/\n",
        "FROM debian:12.7\nADD http://example.com/a /usr/bin/a\n",
        "FROM debian:12.7\nADD https://github.com/example/x.git#main /x\n",
        "FROM debian:12.7\nADD git@github.com:example/x.git /x\n",
    ),
    good=(
        "FROM debian:12.7\nADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://example.com/a /a\n",
        "FROM debian:12.7\nADD https://github.com/example/x.git#a94a8fe5ccb19ba61c4c0873d391e987982fbbd3 /x\n",
        "FROM debian:12.7\nADD https://github.com/example/x/raw/a94a8fe5ccb19ba61c4c0873d391e987982fbbd3/a.exe /a.exe\n",
        "FROM debian:12.7\nADD a.tgz /a/\n",
    ),
    controls=("CIS-Docker 4.9", *_VERIFIED),
)

BOTH_TOOLS = Rule(
    id="wget-and-curl",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="both wget and curl are used",
    why="One is enough; the other makes the image bigger and has flaws of its own.",
    fix="Use one of them.",
    bad=("FROM debian:12.7\nRUN wget https://example.com/a\nRUN curl -O https://example.com/b\n",),
    good=(
        "FROM debian:12.7\nRUN curl -O https://example.com/a && curl -O https://example.com/b\n",
        "FROM debian:12.7 AS a\nRUN wget https://example.com/a\nFROM debian:12.7\nRUN curl -O https://example.com/b\n",
    ),
    pack="pedantic",
    same_as=("DL4001", "DS-0014", "AVD-DS-0014"),
)

WGET_PROGRESS = Rule(
    id="wget-progress",
    kind="dockerfile",
    severity=Severity.NEGLIGIBLE,
    summary="wget draws its progress into the log of the build",
    why="A large file makes thousands of lines.",
    fix="Add `--progress=dot:giga` or `-nv`.",
    bad=("FROM debian:12.7\nRUN wget https://example.com/a.tgz\n",),
    good=(
        "FROM debian:12.7\nRUN wget --progress=dot:giga https://example.com/a.tgz\n",
        "FROM debian:12.7\nRUN wget -qO- https://example.com/a.tgz\n",
        "FROM debian:12.7\nRUN wget -nv https://example.com/a.tgz -o wget.log\n",
    ),
    pack="pedantic",
    same_as=("DL3047",),
)

_FETCH = frozenset({"curl", "wget", "aria2c", "fetch", "http"})

_INTERPRETERS = re.compile(r"(?:ba|da|a|z|k)?sh|python[\d.]*|perl|ruby|node|php|lua")

_WITHIN = re.compile(r"(?:\$\(|`|<\()\s{0,8}(?:sudo\s{1,4})?(?:curl|wget)\s")

_PIPED = re.compile(r"\b(?:curl|wget)\s[^|;&]{0,500}\|\s{0,8}(?:sudo\s(?:-\w+\s){0,3})?(?:ba|da|a|z|k)?sh\b")


_CHECKERS = frozenset(
    {
        "sha256sum",
        "sha512sum",
        "sha384sum",
        "sha1sum",
        "md5sum",
        "shasum",
        "gpg",
        "gpgv",
        "gpg2",
        "cosign",
        "minisign",
        "openssl",
        "b2sum",
        "signify",
        "rhash",
    }
)


_ADDRESS = re.compile(r"(?i)https?://\S+")

_GIT = re.compile(r"(?i)git@[\w.-]+:.+|(?:https?|ssh|git)://\S{1,2000}\.git(?:[#?].*)?|git://\S+")

_AT_A_COMMIT = re.compile(
    r"https://(?:github\.com/[^/\s]+/[^/\s]+/raw|raw\.githubusercontent\.com/[^/\s]+/[^/\s]+)/[0-9a-f]{40}/\S+"
)
"""A file as it is in one commit: whoever holds the repository cannot change it."""
_COMMIT = re.compile(
    r"[#?](?:[^#]{0,200}&)?(?:ref=|commit=|checksum=|tag=[^&]{1,200}&(?:commit|checksum)=)?[0-9a-f]{40}\b"
)


def _reads_input(command: Command) -> bool:
    """Tell whether an interpreter takes its script from what is piped into it: no file or program text is given."""
    for word in command.words:
        if word.text in {"-", "-s", "/dev/stdin"}:
            return True
        if word.text in {"-c", "-m", "-e", "-r"} or not word.text.startswith("-"):
            return False
    return True


def _runs_download(command: Command) -> bool:
    """Tell whether what a shell is given as a script, or `eval` as text, comes from the network."""
    if is_shell(command.name):
        return any(_WITHIN.search(word.raw) or _PIPED.search(word.raw) for word in command.words)
    return command.name in {"eval", "source", "."} and any(_WITHIN.search(word.raw) for word in command.words)


def _find_pipe(dockerfile: Dockerfile) -> Iterator[Problem]:
    for instruction in every(dockerfile, "RUN"):
        fetching: int | None = None
        name = ""
        for command in commands_of(instruction):
            if command.name in _FETCH:
                fetching, name = command.pipeline, command.name
            piped = command.before in {"|", "|&"} and command.pipeline == fetching
            if piped and _INTERPRETERS.fullmatch(command.name) and _reads_input(command):
                message = f"what {name} fetches is run by {command.name}"
                yield Problem(PIPE_TO_SHELL, command.span, message, resource=command.name)
            elif _runs_download(command):
                message = f"{command.name} runs what it fetches from the network"
                yield Problem(PIPE_TO_SHELL, command.span, message, resource=command.name)


def _keeps(command: Command) -> bool:
    """Tell whether a download is written to a file."""
    if any(
        operator.startswith(">") and target.text not in {"/dev/null", "/dev/stdout", "/dev/stderr"}
        for operator, target in command.redirects
    ):
        return True
    texts = [word.text for word in command.words]
    if command.name == "wget":
        outputs = " ".join(texts)
        return not re.search(
            r"(?:^|\s)-[a-zA-Z]{0,8}O\s?(?:-|/dev/)|--output-document[= ](?:-|/dev/)|--spider", outputs
        )
    for at, text in enumerate(texts):
        if text in {"-O", "--remote-name", "-OJ"} or (
            re.fullmatch(r"-[a-zA-Z]{1,12}", text) and "O" in curl_letters(text)
        ):
            return True
        if text in {"-o", "--output"} or (
            re.fullmatch(r"-[a-zA-Z]{1,12}", text) and curl_letters(text).endswith("o")
        ):
            return texts[at + 1 : at + 2] not in (["-"], ["/dev/null"])
        if text.startswith("--output="):
            return text not in {"--output=-", "--output=/dev/null"}
    return False


def _find_plain(dockerfile: Dockerfile) -> Iterator[Problem]:
    for instruction in every(dockerfile, "RUN"):
        found = commands_of(instruction)
        if any(command.name in _CHECKERS for command in found):
            continue
        for command, after in zip_longest(found, found[1:]):
            if command.name not in {"curl", "wget", "aria2c"}:
                continue
            piped = (
                after is not None
                and after.before in {"|", "|&"}
                and after.name not in {"grep", "jq", "cat", "head", "wc"}
            )
            if _keeps(command) or piped:
                yield from _plain(command)


def _plain(command: Command) -> Iterator[Problem]:
    for word in command.words:
        if word.text.lower().startswith("http://") and not OWN.match(word.text):
            host = word.text[7:].partition("/")[0].rpartition("@")[2]
            yield Problem(
                PLAIN_HTTP,
                word.span,
                f"{command.name} fetches a file from {host} without TLS, and nothing checks it",
                resource=host,
            )


def _remote(word: Word) -> bool:
    if _AT_A_COMMIT.fullmatch(word.text):
        return False
    return bool(_ADDRESS.fullmatch(word.text) or _GIT.fullmatch(word.text)) and not _COMMIT.search(word.text)


def _find_remote_add(dockerfile: Dockerfile) -> Iterator[Problem]:
    for instruction in every(dockerfile, "ADD"):
        if instruction.flag("checksum") is None:
            for word in instruction.words[:-1]:
                if _remote(word):
                    address = re.sub(r"//[^/@\s]{1,200}@", "//", word.text).partition("?")[0]
                    yield Problem(
                        REMOTE_ADD, word.span, f"nobody checks what {address} gives", resource=address
                    )


def _find_both(dockerfile: Dockerfile) -> Iterator[Problem]:
    first: dict[int, str] = {}
    for instruction, command in commands(dockerfile, "curl", "wget"):
        other = first.setdefault(instruction.stage, command.name)
        if other not in {command.name, ""}:
            first[instruction.stage] = ""  # said once a stage
            yield Problem(
                BOTH_TOOLS,
                command.span,
                f"{command.name} is used where {other} is used as well",
                resource=command.name,
            )


def _find_progress(dockerfile: Dockerfile) -> Iterator[Problem]:
    for call in calls(dockerfile, "wget"):
        quiet = call.has(
            "--progress", "--quiet", "--no-verbose", "-nv", "--output-file", "--append-output", letter="q"
        )
        quiet = (
            quiet
            or call.has(letter="o")
            or call.has(letter="a")
            or call.has("--version", "--help", "--spider")
        )
        if call.command.words and not quiet:
            span = name_span(dockerfile, call.command)
            edits = (Edit(span, "wget --progress=dot:giga"),) if span is not None else ()
            message = "wget draws its progress into the log"
            yield Problem(WGET_PROGRESS, span or call.command.span, message, resource="wget", edits=edits)


CHECKS: tuple[Check[Dockerfile], ...] = (
    Check(PIPE_TO_SHELL, _find_pipe),
    Check(PLAIN_HTTP, _find_plain),
    Check(REMOTE_ADD, _find_remote_add),
    Check(BOTH_TOOLS, _find_both),
    Check(WGET_PROGRESS, _find_progress),
)
