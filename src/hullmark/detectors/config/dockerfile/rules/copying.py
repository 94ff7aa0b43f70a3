"""`COPY` and `ADD`: what they take and where they put it."""

from collections.abc import Iterator

from hullmark.detectors.config.check import Check, Edit, Problem
from hullmark.detectors.config.dockerfile._calls import (
    commands,
    every,
    insert,
    keyword_span,
    named,
    same_case,
)
from hullmark.detectors.config.dockerfile.model import Dockerfile, Stage, Word
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

ADD_FOR_COPY = Rule(
    id="add-instead-of-copy",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="`ADD` is used where `COPY` does",
    why="`ADD` unpacks archives and fetches addresses: what a file's name or content decides may be more than was meant.",
    fix="Use `COPY`.",
    bad=("FROM debian:12.7\nADD app /app\n", 'FROM debian:12.7\nADD --chown=1:1 ["a b", "/x/"]\n'),
    good=(
        "FROM debian:12.7\nCOPY app /app\n",
        "FROM debian:12.7\nADD rootfs.tar.xz /\n",
        "FROM debian:12.7\nADD https://example.com/a /a\n",
        "FROM debian:12.7\nADD $ARCHIVE /\n",
        "FROM debian:12.7\nADD git@github.com:example/x.git /x\n",
    ),
    pack="pedantic",
    controls=("CIS-Docker 4.9",),
    same_as=("DL3020", "DS-0005", "AVD-DS-0005", "CIS-DI-0009"),
)
NO_SLASH = Rule(
    id="copy-destination-slash",
    kind="dockerfile",
    severity=Severity.MEDIUM,
    summary="several files are copied to a destination that is not written as a directory",
    why="The build stops here.",
    fix="End the destination with `/`.",
    bad=("FROM debian:12.7\nCOPY a b /app\n", 'FROM debian:12.7\nADD ["a", "b", "/app"]\n'),
    good=(
        "FROM debian:12.7\nCOPY a b /app/\nCOPY a /app\nWORKDIR /x\nCOPY a b .\n",
        "FROM debian:12.7\nARG D\nCOPY a b $D\n",
    ),
    pack="pedantic",
    same_as=("DL3021", "DS-0011", "AVD-DS-0011"),
)
RELATIVE = Rule(
    id="copy-to-relative",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="files are copied to a relative path, and no `WORKDIR` says from where",
    why="They land where the base image's directory happens to be.",
    fix="Set `WORKDIR` before, or name the whole path.",
    bad=("FROM debian:12.7\nCOPY app app\n", "FROM debian:12.7\nCOPY a b ./\nWORKDIR /x\n"),
    good=(
        "FROM debian:12.7\nWORKDIR /x\nCOPY app .\n",
        "FROM debian:12.7\nCOPY app /app\n",
        "FROM debian:12.7 AS base\nWORKDIR /x\nFROM base\nCOPY app .\n",
        "FROM windows:ltsc2022\nCOPY app C:\\\\app\n",
        "FROM debian:12.7\nCOPY app $HOME/app\n",
    ),
    pack="pedantic",
    same_as=("DL3045",),
)
WHOLE_CONTEXT = Rule(
    id="copy-whole-context",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="the whole build context is copied",
    why="It takes along what nobody thought of: `.git`, `.env`, local configuration; and each change of any file makes the layer anew.",
    fix="Name what is needed, and list the rest in `.dockerignore`.",
    bad=("FROM debian:12.7\nWORKDIR /x\nCOPY . .\n", "FROM debian:12.7\nADD ./ /app/\n"),
    good=(
        "FROM debian:12.7\nCOPY src /app/src\n",
        "FROM debian:12.7 AS a\nFROM debian:12.7\nCOPY --from=a . /x/\n",
    ),
    pack="pedantic",
    controls=("CIS-Docker 4.10",),
    same_as=("DL4007",),
)
WHOLE_STAGE = Rule(
    id="copy-whole-stage",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="the whole file system of another stage is copied over this one",
    why="All that the other stage had for the build is in the image as well, and the packages of this one are overwritten.",
    fix="Build on that stage with `FROM`, or copy what is needed.",
    bad=("FROM debian:12.7 AS a\nFROM debian:12.7\nCOPY --from=a / /\n",),
    good=(
        "FROM debian:12.7 AS a\nFROM scratch\nCOPY --from=a / /\n",
        "FROM debian:12.7 AS a\nFROM debian:12.7\nCOPY --from=a /app /\n",
    ),
    pack="pedantic",
    same_as=("DL3067",),
)
UNPACK = Rule(
    id="copy-then-unpack",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="an archive is copied and then unpacked",
    why="The archive itself stays in its layer, and makes the image bigger.",
    fix="Use `ADD`, which unpacks it.",
    bad=(
        "FROM debian:12.7\nCOPY app.tar.gz /tmp/\nRUN tar -xzf /tmp/app.tar.gz\n",
        "FROM debian:12.7\nCOPY packaged.tgz /x/app.tgz\nRUN tar xf /x/app.tgz\n",
    ),
    good=(
        "FROM debian:12.7\nCOPY app.tar.gz /tmp/\n",
        "FROM debian:12.7 AS a\nFROM debian:12.7\nCOPY --from=a app.tar.gz /tmp/\nRUN tar -xzf /tmp/app.tar.gz\n",
        "FROM debian:12.7\nCOPY app.tar.gz /tmp/\nRUN tar -czf /tmp/other.tar.gz /x\n",
    ),
    pack="pedantic",
    same_as=("DL3010",),
)

_ARCHIVES = (
    ".tar",
    ".gz",
    ".tgz",
    ".bz2",
    ".tbz",
    ".tbz2",
    ".tb2",
    ".xz",
    ".txz",
    ".lzma",
    ".tlz",
    ".zst",
    ".tzst",
    ".Z",
    ".tZ",
)


def _local(word: Word) -> bool:
    text = word.text
    plain = "$" not in word.raw and "://" not in text and not text.startswith(("git@", "<<"))
    return plain and not text.endswith((*_ARCHIVES, "*"))


def _find_add(dockerfile: Dockerfile) -> Iterator[Problem]:
    for instruction in every(dockerfile, "ADD"):
        sources = instruction.words[:-1]
        only_adds = any(flag.name in {"checksum", "keep-git-dir", "unpack"} for flag in instruction.flags)
        if sources and not only_adds and all(_local(word) for word in sources):
            names = " ".join(word.text for word in sources)[:200]
            edits = (Edit(keyword_span(instruction), same_case("COPY", instruction.keyword_raw)),)
            yield Problem(
                ADD_FOR_COPY,
                keyword_span(instruction),
                f"ADD takes {names}, which COPY does",
                resource=names,
                edits=edits,
            )


def _find_no_slash(dockerfile: Dockerfile) -> Iterator[Problem]:
    for instruction in every(dockerfile, "COPY", "ADD"):
        if len(instruction.words) < 3:
            continue
        word = instruction.words[-1]
        if not word.text.endswith(("/", "\\")) and word.text != "." and "$" not in word.raw:
            edits = insert(word, "/") if word.raw == word.text else ()
            yield named(
                NO_SLASH, word, f"{word.text} takes several files and does not end with /", edits=edits
            )


def _is_relative(text: str) -> bool:
    drive = len(text) > 1 and text[1] == ":"
    return bool(text) and not text.startswith(("/", "\\", "$", "%")) and not drive


def _has_directory(dockerfile: Dockerfile) -> list[bool]:
    """Tell of each stage whether it ends with a `WORKDIR` of its own or of a stage that it builds on."""
    found: list[bool] = []
    for stage in dockerfile.stages:
        own = any(instruction.keyword == "WORKDIR" for instruction in stage.instructions)
        inherited = stage.base is not None and stage.base < len(found) and found[stage.base]
        found.append(own or inherited)
    return found


def _find_relative(dockerfile: Dockerfile) -> Iterator[Problem]:
    known = _has_directory(dockerfile)
    for stage in dockerfile.stages:
        is_set = stage.base is not None and stage.base < stage.index and known[stage.base]
        for instruction in stage.instructions:
            is_set = is_set or instruction.keyword == "WORKDIR"
            if instruction.keyword in {"COPY", "ADD"} and instruction.words and not is_set:
                word = instruction.words[-1]
                if _is_relative(word.text):
                    yield named(RELATIVE, word, f"{word.text} is relative, and no WORKDIR is set")


def _find_context(dockerfile: Dockerfile) -> Iterator[Problem]:
    for instruction in every(dockerfile, "COPY", "ADD"):
        if instruction.flag("from") is None:
            for word in instruction.words[:-1]:
                if word.text in {".", "./", "./.", "*", "./*"}:
                    yield named(
                        WHOLE_CONTEXT,
                        word,
                        f"{instruction.keyword} {word.text} takes the whole build context",
                    )


def _find_stage(dockerfile: Dockerfile) -> Iterator[Problem]:
    for stage in dockerfile.stages:
        for instruction in stage.instructions:
            words = instruction.words
            whole = (
                instruction.keyword == "COPY"
                and instruction.flag("from")
                and [word.text for word in words] == ["/", "/"]
            )
            # an empty stage has nothing that could be overwritten
            if whole and stage.image.text != "scratch":
                yield named(
                    WHOLE_STAGE, words[0], f"all of {instruction.flag('from')} is copied over this stage"
                )


def _find_unpack(dockerfile: Dockerfile) -> Iterator[Problem]:
    copied: dict[tuple[int, str], Word] = {}
    for stage in dockerfile.stages:
        copied.update(_archives(stage))
    for instruction, command in commands(dockerfile, "tar", "unzip", "gunzip", "bunzip2", "unxz"):
        texts = [word.text for word in command.words]
        if command.name == "tar" and not any(_extracts(text, first=at == 0) for at, text in enumerate(texts)):
            continue
        for text in texts:
            found = copied.pop((instruction.stage, text.rpartition("/")[2]), None)
            if found is not None:
                yield named(UNPACK, found, f"{found.text} is copied, and unpacked later")


def _archives(stage: Stage) -> Iterator[tuple[tuple[int, str], Word]]:
    for instruction in stage.instructions:
        if instruction.keyword == "COPY" and instruction.flag("from") is None and len(instruction.words) > 1:
            *sources, target = instruction.words
            for word in sources:
                if word.text.endswith(_ARCHIVES):
                    for text in (word.text, target.text):
                        name = text.rpartition("/")[2]
                        if name.endswith(_ARCHIVES):
                            yield (stage.index, name), word


def _extracts(text: str, *, first: bool) -> bool:
    if text.startswith("--"):
        return text in {"--extract", "--get"}
    return "x" in text if text.startswith("-") else first and text.isalpha() and "x" in text


CHECKS: tuple[Check[Dockerfile], ...] = (
    Check(ADD_FOR_COPY, _find_add),
    Check(NO_SLASH, _find_no_slash),
    Check(RELATIVE, _find_relative),
    Check(WHOLE_CONTEXT, _find_context),
    Check(WHOLE_STAGE, _find_stage),
    Check(UNPACK, _find_unpack),
)
