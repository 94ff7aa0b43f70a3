"""Whether a shell script is broken beyond doubt: a quote or bracket without its end, a keyword without its other half, an operator with nothing to do.

The grammar stumbles over some scripts that every shell takes; what it calls broken is believed where this agrees.
Quotes and words as in POSIX.1-2024, "Shell Command Language", 2.2 and 2.3.
"""

import re
from collections import Counter

from hullmark.detectors.config.dockerfile._heredocs import hidden

_BLANK = re.compile(r"(?:[ \t\r]|\\\n)+")
_COMMENT = re.compile(r"#[^\n]*")
_COMMENT_IN_BACKQUOTES = re.compile(r"#[^\n`]*")
_OPERATOR = re.compile(r"&&|\|\||;;&|;;|;&|\|&|&>>?|[<>]&-?|<<<|>\||[<>]\(|[;&|\n()]|[<>]+")
_WORD = re.compile(r"(?:\\.|[^\s\\'\"`$;&|()<>{}]|\{\}|[{}](?=[^\s;&|()]))+|[{}]|\$(?![('{\"])", re.DOTALL)
_IN_QUOTES = re.compile(r"(?:\\.|[^\\\"`$]|\$(?![({]))+", re.DOTALL)
_IN_BRACES = re.compile(r"(?:\\.|[^\\'\"`$}]|\$(?![({'\"]))+", re.DOTALL)
_SINGLE = re.compile(r"\$?'")
_ANSI = re.compile(r"(?:\\.|[^\\'])*", re.DOTALL)
_OPENS = {"$((": "((", "$(": "(", "${": "{", '"': '"', "`": "`"}
_OPENING = re.compile(r"\$\(\(|\$\(|\$\{|\$?\"|`")
_NEED_A_COMMAND = frozenset({"&&", "||", "|", "|&"})
_ENDS = frozenset({";", "&", "\n", ")", ";;", *_NEED_A_COMMAND})
_LEADING = frozenset({"if", "then", "elif", "else", "while", "until", "do", "!", "{", "time"})
_PAIRS = (("if", "fi"), ("case", "esac"), ("do", "done"), ("{", "}"))
_KEYWORDS = frozenset(word for pair in _PAIRS for word in pair) | {"then", "elif"}


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.stack: list[str] = []
        self.open: Counter[str] = Counter()  # what is in the stack
        self.seen: Counter[str] = Counter()
        self.leads = True  # a command may begin here
        self.last = "\n"  # the operator or word in front
        self.named = 0  # how many words more may be the name of a loop's variable or a function
        self.broken = False

    def read(self) -> bool:
        while self.at < len(self.text) and not self.broken:
            before = self.at
            inside = self.stack[-1] if self.stack else ""
            if inside == '"':
                self._quoted(_IN_QUOTES, '"')
            elif inside == "{":
                self._quoted(_IN_BRACES, "}")
            else:
                self._plain(inside)
            if self.at == before:
                self.at += 1
        return (
            self.broken
            or bool(self.stack)
            or self.last in _NEED_A_COMMAND
            or self.seen["then"] != self.seen["if"] + self.seen["elif"]
            or any(self.seen[first] != self.seen[second] for first, second in _PAIRS)
        )

    def _quoted(self, rest: re.Pattern[str], end: str) -> None:
        if self._take(rest):
            return
        if self.text[self.at] == end:
            self.at += 1
            self._close()
        elif end == '"' or self.open['"'] or not self._single():
            self._open()

    def _plain(self, inside: str) -> None:
        text = self.text
        if self._take(_BLANK):
            return
        char = text[self.at]
        behind_blank = self.at == 0 or text[self.at - 1] in " \t\n;&|(`"
        if char == "#" and behind_blank and inside != "((":
            self._take(_COMMENT_IN_BACKQUOTES if self.open["`"] else _COMMENT)
        elif char == "`" and inside == "`":
            self.at += 1
            self._close()
            self._word("`")
        elif found := _OPERATOR.match(text, self.at):
            self.at = found.end()
            self._operator(found[0], inside)
        elif self._single():
            self._word("'")
        elif found := _WORD.match(text, self.at):
            self.at = found.end()
            begins = behind_blank or text[found.start() - 1] == ")"
            ends = self.at >= len(text) or text[self.at] in " \t\n;&|()<>\\`"
            self._word(found[0] if begins and ends else "'")
        else:
            self._open()

    def _single(self) -> bool:
        if not (found := _SINGLE.match(self.text, self.at)):
            return False
        if found[0] == "'":
            end = self.text.find("'", found.end())
        else:
            ansi = _ANSI.match(self.text, found.end())
            end = ansi.end() if ansi and ansi.end() < len(self.text) else -1
        self.broken = end < 0
        self.at = end + 1 if end >= 0 else len(self.text)
        return True

    def _open(self) -> None:
        if found := _OPENING.match(self.text, self.at):
            self.at = found.end()
            opened = _OPENS[found[0].lstrip("$") if found[0].endswith('"') else found[0]]
            self._push(opened)
            if opened == "((":
                self._push(opened)
            if opened in {"(", "`"}:
                self.leads, self.last = True, "\n"
            elif opened == '"':
                self._word("'")

    def _push(self, opened: str) -> None:
        self.stack.append(opened)
        self.open[opened] += 1

    def _close(self) -> None:
        self.open[self.stack.pop()] -= 1

    def _operator(self, found: str, inside: str) -> None:
        if found.endswith("("):
            self._push("(")
            self.leads, self.last = True, "\n"
        elif found == ")":
            if inside in {"(", "(("}:  # else it ends a pattern of `case`
                self._close()
            self.leads, self.last = True, ")"
        elif inside != "((" and found in _ENDS:
            if found in _NEED_A_COMMAND and self.last in _NEED_A_COMMAND:
                self.broken = True
            if found != "\n" or self.last not in _NEED_A_COMMAND:
                self.last = found
            self.leads, self.named = True, 0
        else:
            self.leads = found in {";;&", ";&"}

    def _word(self, word: str) -> None:
        if word in _KEYWORDS and (self.leads or (self.named and word in {"do", "{"})):
            self.seen[word] += 1
        if word in {"for", "select", "function"} and self.leads:
            self.named, self.leads = 2, False
        else:
            self.leads = word in _LEADING and (self.leads or self.named > 0)
            self.named = max(self.named - 1, 0)
        self.last = word

    def _take(self, pattern: re.Pattern[str]) -> bool:
        found = pattern.match(self.text, self.at)
        if found:
            self.at = found.end()
        return bool(found)


def is_broken(script: str) -> bool:
    """Tell whether no shell takes a script. It costs no more than the script's length."""
    text = script
    if "<<" in script:
        text = hidden(script.encode("utf-8", "replace"))[0].decode("utf-8", "replace")
    return _Reader(text).read()
