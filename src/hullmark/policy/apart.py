"""Policies of others in a process of their own, with bounded time and memory: the engine has bounds for neither.

A text of a hundred brackets keeps its parser busy for ever, a comprehension over three lists fills the memory. So loading and evaluation are asked of a
child, which is ended where it does not answer in time. It is forked once and answers any number of questions.
"""

import contextlib
import functools
import os
import resource
import select
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from hullmark.model.errors import HullmarkError, UsageError
from hullmark.policy.engine import Policy
from hullmark.processes import end, forked, write

LOAD_S = 10.0
EVALUATE_S = 5.0
MEMORY_BYTES = 1024**3
MOST_ANSWER = 64 * 1024 * 1024
_HEAD = struct.Struct("<cQ")
_SIZES = struct.Struct("<QQ")
_CHUNK = 1 << 20
_FINE, _REFUSED, _FAILED = b"f", b"r", b"e"


class Apart:
    """What `Policy` does, done in a child. `load` makes it there. Raises `UsageError` where a policy is refused or cannot be loaded in time."""

    def __init__(
        self,
        load: Callable[[], Policy],
        *,
        load_seconds: float = LOAD_S,
        seconds: float = EVALUATE_S,
        memory: int = MEMORY_BYTES,
    ) -> None:
        self._load = load
        self._load_seconds = load_seconds
        self._seconds = seconds
        self._memory = memory
        self._child = 0
        self._to = self._from = -1
        self.rules = self._start()

    def evaluate(self, query: str, document: bytes) -> bytes:
        """Give the value of a query for an input, both as in `Policy.evaluate`. Raises `HullmarkError`, also where it takes too long or too much."""
        if not self._child:
            self._start()
        asked = query.encode()
        try:
            write(self._to, _SIZES.pack(len(asked), len(document)) + asked + document)
        except OSError:
            self.close()
            raise HullmarkError("the policy's process ended") from None
        return self._answer(self._seconds, "evaluated")

    def close(self) -> None:
        """End the child."""
        for descriptor in (self._to, self._from):
            if descriptor >= 0:
                os.close(descriptor)
        self._to = self._from = -1
        if self._child:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._child, 9)
            end(self._child)
            self._child = 0

    def __del__(self) -> None:
        """End the child with the last who knows it."""
        self.close()

    def _start(self) -> dict[str, tuple[str, ...]]:
        questions_out, questions_in = os.pipe()
        answers_out, answers_in = os.pipe()

        def work() -> None:
            os.close(questions_in)
            os.close(answers_out)
            _serve(questions_out, answers_in, self._load, self._memory)

        self._child = forked(work)
        os.close(questions_out)
        os.close(answers_in)
        self._to, self._from = questions_in, answers_out
        answer = self._answer(self._load_seconds, "loaded")
        return msgspec.json.decode(answer, type=dict[str, tuple[str, ...]])

    def _answer(self, seconds: float, what: str) -> bytes:
        until = time.monotonic() + seconds
        try:
            kind, size = _HEAD.unpack(self._read(_HEAD.size, until))
            body = self._read(min(size, MOST_ANSWER), until)
        except TimeoutError:
            self.close()
            error = UsageError if what == "loaded" else HullmarkError
            raise error(f"the policy could not be {what} within {seconds:g} seconds") from None
        except EOFError:
            self.close()
            error = UsageError if what == "loaded" else HullmarkError
            raise error(
                f"the policy could not be {what}: it needs more than {self._memory // 1024**2} MiB, or is nested too deep"
            ) from None
        if size > MOST_ANSWER:
            self.close()
            raise HullmarkError(f"the policy's answer is larger than {MOST_ANSWER // 1024**2} MiB")
        if kind == _FINE:
            return body
        told = msgspec.json.decode(body, type=dict[str, str])
        if what == "loaded":
            self.close()
        error = UsageError if kind == _REFUSED else HullmarkError
        raise error(told["what"], where=told["where"], hint=told["hint"])

    def _read(self, size: int, until: float) -> bytes:
        body = bytearray()
        while len(body) < size:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._from], [], [], left)[0]:
                raise TimeoutError
            part = os.read(self._from, min(_CHUNK, size - len(body)))
            if not part:
                raise EOFError
            body += part
        return bytes(body)


def _serve(questions: int, answers: int, load: Callable[[], Policy], memory: int) -> None:
    """Load, and answer until nobody asks any more."""
    _bound(memory)
    with contextlib.suppress(BrokenPipeError):
        policy = _told(answers, load)
        if policy is None:
            return
        _send(answers, _FINE, msgspec.json.encode(policy.rules))
        while head := _exactly(questions, _SIZES.size):
            asked, size = _SIZES.unpack(head)
            query, document = _exactly(questions, asked).decode(), _exactly(questions, size)
            found = _told(answers, functools.partial(policy.evaluate, query, document))
            if found is not None:
                _send(answers, _FINE, found)


def _told(answers: int, work: Callable[[], Any]) -> Any:
    """Do it; where it fails, say so and give nothing."""
    try:
        return work()
    except HullmarkError as problem:
        kind = _REFUSED if isinstance(problem, UsageError) else _FAILED
        told = {"what": problem.what, "where": problem.where, "hint": problem.hint}
        _send(answers, kind, msgspec.json.encode(told))
    except MemoryError:
        os._exit(1)  # as the engine does where it finds none
    except Exception as problem:  # noqa: BLE001  # told by who asked: here nobody sees it
        told = {"what": f"{type(problem).__name__}: {problem}", "where": "", "hint": "please report this"}
        _send(answers, _FAILED, msgspec.json.encode(told))
    return None


def _bound(memory: int) -> None:
    """Bound what this process may take beside what it has; nothing where the system tells neither."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError, ValueError, IndexError):
        has = int(Path("/proc/self/statm").read_bytes().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (has + memory, has + memory))
    # The engine tells on standard error why it gives up: not for people.
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 2)
    os.close(silent)


def _send(descriptor: int, kind: bytes, body: bytes) -> None:
    write(descriptor, _HEAD.pack(kind, len(body)) + body)


def _exactly(descriptor: int, size: int) -> bytes:
    body = bytearray()
    while len(body) < size:
        part = os.read(descriptor, min(_CHUNK, size - len(body)))
        if not part:
            return b""
        body += part
    return bytes(body)
