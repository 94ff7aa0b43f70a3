"""Layers read side by side in forked processes.

Inflating lets go of the interpreter's lock, but the walk over 150,000 headers does not: two threads get a third less
done than two processes (bench/RESULTS.md). A child inherits what is open and sends back the encoded answer; one that
dies takes only its layer with it.
"""

import contextlib
import functools
import os
import selectors
import struct
from collections.abc import Callable, Iterator

from hullmark.processes import end, forked, write

_TASK = struct.Struct("<I")
_HEAD = struct.Struct("<IQ")
_CHUNK = 1 << 20


def in_processes(
    tasks: list[int], workers: int, work: Callable[[int], bytes]
) -> Iterator[tuple[int, bytes | None]]:
    """Give (task, answer) as they get done; None is the answer of a task whose process died."""
    queue_out, queue_in = os.pipe()
    children: dict[int, int] = {}
    try:
        for _worker in range(min(workers, len(tasks))):
            answers_out, answers_in = os.pipe()
            foreign = (queue_in, answers_out, *children)
            children[answers_out] = forked(functools.partial(_child, queue_out, answers_in, foreign, work))
            os.close(answers_in)
        os.write(queue_in, b"".join(_TASK.pack(task) for task in tasks))
        os.close(queue_in)
        queue_in = -1
        yield from _collect(list(children), set(tasks))
    finally:
        for descriptor in (queue_out, queue_in, *children):
            if descriptor >= 0:
                os.close(descriptor)
        for child in children.values():
            end(child)


def _child(queue: int, answers: int, foreign: tuple[int, ...], work: Callable[[int], bytes]) -> None:
    """Work until the queue is empty, or nobody waits any longer."""
    for descriptor in foreign:
        os.close(descriptor)
    with contextlib.suppress(BrokenPipeError):
        while task := os.read(queue, _TASK.size):
            (number,) = _TASK.unpack(task)
            answer = work(number)
            write(answers, _HEAD.pack(number, len(answer)))
            write(answers, answer)


def _collect(descriptors: list[int], left: set[int]) -> Iterator[tuple[int, bytes | None]]:
    buffers = {descriptor: bytearray() for descriptor in descriptors}
    with selectors.DefaultSelector() as selector:
        for descriptor in descriptors:
            selector.register(descriptor, selectors.EVENT_READ)
        while buffers:
            for key, _events in selector.select():
                buffer = buffers[key.fd]
                part = os.read(key.fd, _CHUNK)
                if not part:
                    selector.unregister(key.fd)
                    del buffers[key.fd]
                    continue
                buffer += part
                while len(buffer) >= _HEAD.size:
                    number, size = _HEAD.unpack_from(buffer)
                    if len(buffer) < _HEAD.size + size:
                        break
                    answer = bytes(buffer[_HEAD.size : _HEAD.size + size])
                    del buffer[: _HEAD.size + size]
                    left.discard(number)
                    yield number, answer
    for number in sorted(left):
        yield number, None
