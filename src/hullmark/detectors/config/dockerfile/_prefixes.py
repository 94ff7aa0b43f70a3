"""What stands in front of a command and runs it: `sudo -E`, `env A=1`, `timeout 30` and the like."""

import re
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
