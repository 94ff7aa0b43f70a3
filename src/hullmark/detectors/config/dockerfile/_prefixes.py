"""What stands in front of a command and runs it: `sudo -E`, `env A=1`, `timeout 30` and the like."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from hullmark.detectors.config.dockerfile.model import Word

# Each with those of its options whose value is the next word.
_PREFIXES: dict[str, frozenset[str]] = {
    "builtin": frozenset(),
    "busybox": frozenset(),
    "command": frozenset(),
    "doas": frozenset({"-C", "-u"}),
    "eatmydata": frozenset(),
    "env": frozenset({"-C", "-u", "--chdir", "--unset"}),
    "exec": frozenset({"-a"}),
    "fakeroot": frozenset(),
    "gosu": frozenset(),
    "ionice": frozenset({"-c", "-n"}),
    "nice": frozenset({"-n"}),
    "nohup": frozenset(),
    "setsid": frozenset(),
    "stdbuf": frozenset({"-e", "-i", "-o"}),
    "su-exec": frozenset(),
    "sudo": frozenset({"-C", "-D", "-g", "-h", "-p", "-R", "-r", "-T", "-t", "-u", "--group", "--user"}),
    "time": frozenset({"-f", "-o"}),
    "timeout": frozenset({"-k", "-s", "--kill-after", "--signal"}),
}
_OPERANDS = {"gosu": 1, "su-exec": 1, "timeout": 1}  # words of its own before the command
SH = frozenset({"ash", "bash", "dash", "ksh", "mksh", "sh", "zsh"})  # the shells whose language is that of sh
_ASSIGN = frozenset({"env", "sudo", "doas"})
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")


class Peeled(NamedTuple):
    """A command without what runs it. `name` is None where nothing is left."""

    prefixes: tuple[str, ...]
    assignments: tuple[Word, ...]
    name: Word
    words: tuple[Word, ...]


def base_name(text: str) -> str:
    """Give the last part of a path; what is made by a substitution stands as it is."""
    return text if "$(" in text or "`" in text else text.rstrip("/").rpartition("/")[2]


def peel(words: tuple[Word, ...]) -> Peeled:
    """Take off what runs the command, as long as a command is left."""
    prefixes: list[str] = []
    assignments: list[Word] = []
    at = 0
    while True:
        name = base_name(words[at].text)
        behind = _behind(name, words, at + 1) if name in _PREFIXES else len(words)
        if behind >= len(words):
            return Peeled(tuple(prefixes), tuple(assignments), words[at], words[at + 1 :])
        prefixes.append(name)
        at = behind
        while name in _ASSIGN and at < len(words) - 1 and _ASSIGNMENT.match(words[at].raw):
            assignments.append(words[at])
            at += 1


def _behind(name: str, words: tuple[Word, ...], at: int) -> int:
    """Give the index of the command that a prefix runs; the number of words where it runs none, as `command -v`."""
    with_value = _PREFIXES[name]
    while at < len(words) and words[at].text.startswith("-") and len(words[at].text) > 1:
        option = words[at].text
        if option == "--":
            at += 1
            break
        if name == "command" and option in {"-v", "-V"}:
            return len(words)
        at += 2 if option in with_value else 1
    return at + _OPERANDS.get(name, 0)


def script_word(words: Sequence[Word]) -> int | None:
    """Give the index of the script in `sh -e -c SCRIPT`."""
    peeled = peel(tuple(words))
    if base_name(peeled.name.text) not in SH:
        return None
    at = len(words) - len(peeled.words)
    is_script = False
    while at < len(words):
        option = words[at].text
        if not option.startswith(("-", "+")):
            return at if is_script else None
        is_script = is_script or (not option.startswith("--") and "c" in option)
        at += 2 if not option.startswith("--") and option.endswith(("o", "O")) else 1
    return None


def is_all_options(words: Sequence[Word]) -> bool:
    """Tell whether a shell with these arguments reads its script from standard input."""
    return all(word.text.startswith("-") for word in words)
