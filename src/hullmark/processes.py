"""Forked processes: what reads layers and what builds feeds side by side start and end them alike."""

import contextlib
import os
import signal
import warnings
from collections.abc import Callable

_CHUNK = 1 << 20


def forked(work: Callable[[], None]) -> int:
    """Do some work in a forked process, which ends with it (1 where it raises); give the process's number."""
    with warnings.catch_warnings():
        # Python 3.12 warns of threads: ours have none that run, but a program that uses this one as a library may.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            work()
            code = 0
        finally:
            os._exit(code)
    return child


def write(descriptor: int, body: bytes) -> None:
    """Write all of it to a pipe. Raises `BrokenPipeError` where nobody reads any more."""
    view = memoryview(body)
    while view:
        view = view[os.write(descriptor, view[:_CHUNK]) :]


def end(child: int) -> None:
    """End a process that was forked, if it has not ended yet, and leave nothing of it behind."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGTERM)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(child, 0)
