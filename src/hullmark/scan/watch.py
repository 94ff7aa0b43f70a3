"""Ends the work on a file that takes more processor time than a file may.

What detectors count (bytes, lines, records, entries) bounds what is known to be slow. This bounds the rest. A thread looks now
and then how much processor time each working thread has used, and raises `OvertimeError` in one that has had its share. It can
do so between two instructions of Python only, so what it cannot end are long calls into native code, which are bounded by
what they are given.
"""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from hullmark.detectors.detector import OvertimeError

_LOOK_EVERY_S = 0.25
_IDLE_LOOKS = 8
_Result = TypeVar("_Result")


class _Work:
    """One thread's work: how much processor time it may have used at its end, and whether it was told to stop."""

    __slots__ = ("allowed", "clock", "stopped", "until_s")

    def __init__(self, allowed: Callable[[], float]) -> None:
        self.allowed = allowed
        self.clock: int | None = None
        self.until_s = 0.0
        self.stopped = False

    def is_over(self, thread: int) -> bool:
        """Tell whether it has had its time, which counts from the first look: most work is done before there is one."""
        if self.clock is None:
            # Where the system does not tell another thread's time, the time of day has to do.
            known = hasattr(time, "pthread_getcpuclockid")
            self.clock = time.pthread_getcpuclockid(thread) if known else time.CLOCK_MONOTONIC
            self.until_s = time.clock_gettime(self.clock) + self.allowed()
        return time.clock_gettime(self.clock) > self.until_s


class Watch:
    """Watches any number of threads, also in processes that were forked."""

    def __init__(self) -> None:
        self._process = 0
        self._lock = threading.Lock()
        self._working: dict[int, _Work] = {}
        self._watching = False

    def run(self, allowed: Callable[[], float], work: Callable[[], _Result]) -> _Result | None:
        """Give what `work` gives, or nothing where it was ended after as many seconds of processor time as are `allowed`.

        That is asked once, of work that takes a while, and from another thread. `OvertimeError` is raised within `work`, which may as well answer it with what it has.
        """
        self._begin(allowed)
        try:
            try:
                return work()
            finally:
                self._end()
        except OvertimeError:
            self._end()  # the first may be what was interrupted; nothing is raised twice
            return None

    @contextlib.contextmanager
    def unwatched(self) -> Iterator[None]:
        """Let this thread do, in the midst of its work, what must not be interrupted; what it takes counts as well."""
        thread = threading.get_ident()
        with self._lock:
            work = self._working.pop(thread, None)
            if work is not None and work.stopped:
                _interrupt(thread, None)
        yield
        if work is not None:
            if work.stopped:
                raise OvertimeError
            self._watch_over(thread, work)

    def _begin(self, allowed: Callable[[], float]) -> None:
        if self._process != os.getpid():
            # A forked child has none of the threads, and perhaps a lock that one of them held.
            self._process, self._lock, self._working, self._watching = (
                os.getpid(),
                threading.Lock(),
                {},
                False,
            )
        self._watch_over(threading.get_ident(), _Work(allowed))

    def _watch_over(self, thread: int, work: _Work) -> None:
        """Have a thread's work looked at from now on, also where nothing was to look at for so long that nobody does."""
        with self._lock:
            self._working[thread] = work
            if not self._watching:
                self._watching = True
                threading.Thread(target=self._watch, name="watch", daemon=True).start()

    def _end(self) -> None:
        thread = threading.get_ident()
        with self._lock:
            done = self._working.pop(thread, None)
            if done is not None and done.stopped:
                _interrupt(thread, None)  # it must not be met by what comes next

    def _watch(self) -> None:
        idle, never = 0, threading.Event()
        while not never.wait(_LOOK_EVERY_S):
            with self._lock:
                idle = 0 if self._working else idle + 1
                if idle > _IDLE_LOOKS:
                    self._watching = False
                    return
                for thread, work in self._working.items():
                    if not work.stopped and work.is_over(thread):
                        work.stopped = True
                        _interrupt(thread, OvertimeError)


def _interrupt(thread: int, error: type[BaseException] | None) -> None:
    """Have an error raised in a thread, or not raised any more."""
    import ctypes  # seldom needed, and slow to import

    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread), ctypes.py_object(error) if error is not None else None
    )
