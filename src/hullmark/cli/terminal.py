"""What goes to standard error: errors, warnings and progress. Standard output is for data only."""

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TextIO

from hullmark.model.errors import HullmarkError
from hullmark.model.printable import printable

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_WORTH_SHOWING = 1024 * 1024
_DRAW_EVERY_S = 0.1
_JSON = False
_QUIET = False


def configure(*, quiet: bool, json_log: bool) -> None:
    """Choose how messages are written."""
    global _JSON, _QUIET  # one process, one standard error
    _QUIET, _JSON = quiet, json_log


def error(what: str, *, where: str = "", hint: str = "") -> None:
    """Say what went wrong, to what, and what to do."""
    _say("error", what, where, hint)


def warning(what: str, *, where: str = "", hint: str = "") -> None:
    """Say what a person should know; silent with `--quiet`."""
    if not _QUIET:
        _say("warning", what, where, hint)


def note(what: str, *, where: str = "") -> None:
    """Say what was done."""
    if not _QUIET:
        _say("note", what, where, "")


def fault(problem: Exception, where: str = "") -> HullmarkError:
    """Make the error that tells of a fault of ours, or raise it as it is where that is asked for."""
    if os.environ.get("HULLMARK_DEBUG"):
        raise problem
    return HullmarkError(
        f"a fault in hullmark itself: {type(problem).__name__}: {problem}",
        where=where,
        hint="please report it; HULLMARK_DEBUG=1 shows where it happened",
    )


def _say(level: str, what: str, where: str, hint: str) -> None:
    if _JSON:
        line = {"level": level, "message": what, "where": where, "hint": hint}
        text = json.dumps({key: value for key, value in line.items() if value}) + "\n"
    else:
        text = f"hullmark: {level}: {printable(f'{where}: {what}' if where else what)}\n"
        text += f"  → {printable(hint)}\n" if hint else ""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        nobody_reads(sys.stderr)  # the exit code says it too


def nobody_reads(stream: TextIO) -> None:
    """Send what is still to come for a stream nowhere: its reader went away, as `head` does, or its disk is full."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


@contextlib.contextmanager
def progress(unit: str = "") -> Iterator[Callable[[str, int, int], None]]:
    """Give a function that shows progress: a bar on a terminal, silence in a pipe. It counts bytes, or a `unit`."""
    if _QUIET or _JSON or not sys.stderr.isatty():
        yield lambda _what, _done, _total: None
        return
    bars = _Bars(unit)
    try:
        yield bars.show
    finally:
        bars.close()


class _Bars:
    """Bars that appear only when there is something to wait for: rich is imported then and not before.

    They are drawn when they are told of something, by no thread of their own: layers are read in forked processes, and
    a fork copies the locks of threads that run, held for ever (docs/adr/0002-local-layers-are-read-in-processes.md).
    """

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._drawn = 0.0
        self._lock = threading.Lock()

    def show(self, what: str, done: int, total: int) -> None:
        if not self._unit and max(done, total) < _WORTH_SHOWING:  # some servers do not say how much there is
            return
        with self._lock:
            bars = self._bars = self._bars or self._started()
            if what not in self._tasks:
                self._tasks[what] = bars.add_task(printable(what), total=total or None)
            bars.update(self._tasks[what], completed=done, total=total or None)
            now = time.monotonic()
            if now - self._drawn > _DRAW_EVERY_S or done == total:
                self._drawn = now
                bars.refresh()

    def _started(self) -> "Progress":
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        counted = TextColumn(f"{{task.completed}} {self._unit}") if self._unit else DownloadColumn()
        columns = (TextColumn("{task.description}"), BarColumn(), counted, TimeRemainingColumn())
        bars = Progress(
            *columns,
            console=Console(stderr=True),
            transient=True,
            auto_refresh=False,
            redirect_stdout=sys.stdout.isatty(),
        )
        bars.start()
        return bars

    def close(self) -> None:
        if self._bars is not None:
            self._bars.stop()
