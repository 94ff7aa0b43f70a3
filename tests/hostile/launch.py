"""Runs one command and notes its exit code, time and largest memory: `launch.py NOTE TIMEOUT_S COMMAND…`.

A process of its own, since the kernel counts the memory of whoever starts a child towards that child's largest. The
command's own children share pages with it, so while it has any, all are added up by their proportional share.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

_EVERY_S = 0.02


def main() -> None:
    note, timeout_s, command = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
    start = time.monotonic()
    child = os.posix_spawn(command[0], command, os.environ, setpgroup=0)
    together_kib, ended = 0, 0
    while not ended:
        time.sleep(_EVERY_S)
        together_kib = max(together_kib, shared_kib(child))
        if time.monotonic() - start > timeout_s:
            os.killpg(child, signal.SIGKILL)
        ended, state, usage = os.wait4(child, os.WNOHANG)
    seconds = time.monotonic() - start
    measured = {
        "code": os.waitstatus_to_exitcode(state),
        "seconds": seconds,
        "memory_bytes": max(usage.ru_maxrss, together_kib) * 1024,
        "hung": seconds >= timeout_s,
    }
    Path(note).write_text(json.dumps(measured), encoding="utf-8")


def shared_kib(parent: int) -> int:
    """Add up the proportional memory of a process and its children; 0 where it has none."""
    try:
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text("ascii").split()
        if not children:
            return 0
        rolled = [Path(f"/proc/{pid}/smaps_rollup").read_text("ascii") for pid in (parent, *children)]
    except OSError:
        return 0  # one of them has just ended
    lines = (line for text in rolled for line in text.splitlines() if line.startswith("Pss:"))
    return sum(int(line.split()[1]) for line in lines)


main()
