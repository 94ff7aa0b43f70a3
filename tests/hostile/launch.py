"""Runs one command and notes its exit code, time and largest memory: `launch.py NOTE TIMEOUT_S COMMAND…`.

A process of its own, since the kernel counts the memory of whoever starts a child towards that child's largest.
"""

import json
import os
import signal
import sys
import time


def main() -> None:
    note, timeout_s, command = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
    start = time.monotonic()
    child = os.posix_spawn(command[0], command, os.environ, setpgroup=0)
    signal.signal(signal.SIGALRM, lambda *_: os.killpg(child, signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, timeout_s)
    _, state, usage = os.wait4(child, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    seconds = time.monotonic() - start
    measured = {
        "code": os.waitstatus_to_exitcode(state),
        "seconds": seconds,
        "memory_bytes": usage.ru_maxrss * 1024,
        "hung": seconds >= timeout_s,
    }
    with open(note, "w", encoding="utf-8") as file:
        json.dump(measured, file)


main()
