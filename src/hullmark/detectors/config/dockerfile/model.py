"""What a Dockerfile is once it is parsed. Every part knows its place in the file."""

from msgspec import Struct

from hullmark.detectors.config.check import Problem, Span


class Word(Struct, frozen=True):
    """One word. `text` has its quotes and escapes taken off and no variable replaced, `raw` is as written."""

    text: str
    raw: str
    span: Span


class Flag(Struct, frozen=True):
    """`--name=value` before an instruction's words; `value` is None where there is no equals sign."""

    name: str
    value: str | None
    span: Span


class Heredoc(Struct, frozen=True):
    """A here-document. `line` is that of the first line of `content`. `expand`: variables are replaced (its name was not quoted)."""

    name: str
    content: str
    line: int
    expand: bool
    strip_tabs: bool


class Command(Struct, frozen=True, kw_only=True):
    """One simple command of a shell script, as `apt-get install -y curl`.

    `name` is the command's base name without `sudo`, `env`, `exec`, `command`, `time` and the like in front (these are `prefixes`), empty for bare
    assignments. `words` are its arguments; text within that is replaced when it runs (`$x`, `$(…)`) stands as written. `assignments` are
    `NAME=value` words in front. `before` is the operator that leads to it: "" (first), `&&`, `||`, `;`, `|`, `|&`, `&`. `pipeline` numbers the
    pipeline that it is part of. `nested` tells that it is in a subshell or substitution, `conditional` that it is in an `if`, a loop, a `case`
    or a function. `redirects` are (operator, target), as (`>`, `/dev/null`).
    """

    name: str
    span: Span
    words: tuple[Word, ...] = ()
    prefixes: tuple[str, ...] = ()
    assignments: tuple[Word, ...] = ()
    before: str = ""
    pipeline: int = 0
    nested: bool = False
    conditional: bool = False
    redirects: tuple[tuple[str, Word], ...] = ()


class Script(Struct, frozen=True, kw_only=True):
    """The shell script of an instruction: its commands in the order in which they stand.

    `shell` is what runs it (`sh`, `bash`, `powershell`, `cmd` …; what is none of sh's kind is not parsed), `options` the shell's own flags in `SHELL`
    (as `-o pipefail -c`). `text` is the script with continuations as the shell sees them. `broken` is the place of a syntax error.
    """

    shell: str
    text: str
    span: Span
    options: tuple[str, ...] = ()
    commands: tuple[Command, ...] = ()
    broken: Span | None = None


class Instruction(Struct, frozen=True, kw_only=True):
    """One instruction. `keyword` is in capitals whatever the file has (`keyword_raw`).

    `words` are its arguments: those of a JSON array where `is_json`, else split at white space (for `RUN`, `CMD`, `ENTRYPOINT` and `HEALTHCHECK CMD` in shell form
    too: use `script` for what they do). `ENV`, `LABEL` and `ARG` have `pairs` (name and value words; value None for a bare `ARG`). `text` is all
    behind the keyword and flags, continuations and comments taken out. `comments` are the comment lines directly above, without `#`. `stage` is
    the index of its stage, -1 before the first `FROM`. `trigger` is what an `ONBUILD` holds.
    """

    keyword: str
    keyword_raw: str
    span: Span
    stage: int
    text: str = ""
    flags: tuple[Flag, ...] = ()
    words: tuple[Word, ...] = ()
    pairs: tuple[tuple[Word, Word | None], ...] = ()
    is_json: bool = False
    heredocs: tuple[Heredoc, ...] = ()
    script: Script | None = None
    comments: tuple[str, ...] = ()
    trigger: "Instruction | None" = None

    def flag(self, name: str) -> str | None:
        """Give a flag's value; empty where it has none, None where it is not there."""
        return next((flag.value or "" for flag in self.flags if flag.name == name), None)


class Stage(Struct, frozen=True, kw_only=True):
    """A build stage. `image` is the reference in `FROM` as written, `resolved` with the defaults of global `ARG`s put in ("" where one has none).

    `base` is the index of the earlier stage that it builds on, None for an image. `instructions` are those behind `FROM`.
    """

    index: int
    name: str
    start: Instruction
    image: Word
    resolved: str
    platform: str
    base: int | None
    instructions: tuple[Instruction, ...]


class Dockerfile(Struct, frozen=True, kw_only=True):
    """The whole file. `lines` are its lines without their ends. `arguments` are the global `ARG`s with their defaults.

    `broken` are syntax errors; what stands around them was parsed. `onbuild` instructions are in `instructions` as `ONBUILD`.
    """

    path: str
    lines: tuple[str, ...]
    escape: str
    syntax: str
    directives: dict[str, str]
    arguments: dict[str, str]
    stages: tuple[Stage, ...]
    instructions: tuple[Instruction, ...]
    broken: tuple[Problem, ...]

    @property
    def last(self) -> Stage | None:
        """The stage that becomes the image when no other is asked for."""
        return self.stages[-1] if self.stages else None
