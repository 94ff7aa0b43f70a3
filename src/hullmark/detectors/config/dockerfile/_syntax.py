"""The rules about Dockerfiles that no builder takes and that are too large to check, and the list of what of both a file has."""

from hullmark.detectors.config.check import Problem, Span
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

SYNTAX_ERROR = Rule(
    id="syntax-error",
    kind="dockerfile",
    severity=Severity.MEDIUM,
    summary="the file is not a valid Dockerfile",
    why="The build stops here, or does something else than what is written, and what could not be read was not checked.",
    fix="Write the instruction as the Dockerfile reference has it.",
    bad=(
        "FROM alpine:3.20\nRUNN echo hello\n",
        "RUN echo hello\n",
        "FROM alpine:3.20\nENV PATH\n",
        "FROM alpine:3.20\nRUN <<EOF\necho hello\n",
        "FROM alpine:3.20\nENV A='x\n",
        "FROM alpine:3.20\nCMD ['nginx', '-g', 'daemon off;']\n",
        "# nothing here\n",
    ),
    good=(
        "FROM alpine:3.20\nRUN echo hello\n",
        "ARG TAG=3.20\nFROM alpine:$TAG\nRUN <<EOF\necho hello\nEOF\n",
        'FROM alpine:3.20\nRUN [ "$HOME" = /root ]\n',
    ),
    same_as=("DL1000", "DL3043", "DL3061"),
)

TOO_LARGE = Rule(
    id="too-large",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="a part of the file is too large to be checked",
    why="What was not checked may hold anything.",
    fix="Put long scripts into files of their own, and long files into several.",
    good=("FROM alpine:3.20\nCOPY --chmod=755 install.sh /\nRUN /install.sh\n",),
)

_MOST = 100  # a file with more mistakes is no Dockerfile at all


class Mistakes:
    """The syntax errors of a file, as they are found; from the hundredth on it only says that there are more."""

    def __init__(self) -> None:
        self._found: list[Problem] = []
        self._left_out: list[Problem] = []

    def add(self, span: Span, message: str, advice: str = "") -> None:
        """Note one."""
        if len(self._found) < _MOST:
            self._found.append(Problem(SYNTAX_ERROR, span, message, advice))
        elif len(self._found) == _MOST:
            self._found.append(Problem(SYNTAX_ERROR, span, f"there are more than {_MOST} syntax errors"))

    def not_checked(self, span: Span, message: str) -> None:
        """Note what was left out, as it is larger than the limits."""
        self._left_out.append(Problem(TOO_LARGE, span, f"{message}; what is beyond was not checked"))

    def all(self) -> tuple[Problem, ...]:
        """Give them in the order of the file."""
        return tuple(
            sorted(self._found + self._left_out[:_MOST], key=lambda problem: (problem.span, problem.message))
        )
