"""Work that takes more processor time than it may is ended, and nothing else is."""

import collections
import functools
import itertools
import os
import threading
import time
from collections.abc import Iterator

import pytest

from hullmark.detectors.detector import OVERTIME, Detector, File, OvertimeError, read_file
from hullmark.images.inflate import Hashed
from hullmark.images.limits import ReadLimits
from hullmark.images.walk import Shape
from hullmark.model.facts import Fact, Package, Unread
from hullmark.scan.bounds import Bounds, BoundsError
from hullmark.scan.watch import Watch

FOUND = Package(ecosystem="npm", name="first", version="1.0.0")


def spin() -> None:
    while True:
        pass


def endless(_file: File) -> Iterator[Fact]:
    yield FOUND
    try:
        spin()
    except Exception:  # noqa: BLE001  # as a careless detector does
        yield FOUND


def test_what_is_done_in_time_is_given() -> None:
    watch = Watch()
    done = [watch.run(lambda: 5, functools.partial(abs, number)) for number in range(1000)]
    assert done == list(range(1000))


def test_what_takes_too_long_is_ended() -> None:
    assert Watch().run(lambda: 0.01, spin) is None


def test_an_error_of_the_work_is_the_callers() -> None:
    with pytest.raises(ZeroDivisionError):
        Watch().run(lambda: 5, lambda: 1 // 0)


def test_waiting_takes_no_processor_time() -> None:
    def wait() -> str:
        time.sleep(1.2)
        return "waited"

    assert Watch().run(lambda: 0.5, wait) == "waited"


def test_a_detector_keeps_what_it_had_found() -> None:
    detector = Detector(name="endless", version=1, wants=("a",), read=endless)
    facts = Watch().run(lambda: 0.01, lambda: read_file(detector, File("a", b"")))
    assert facts is not None
    assert facts.facts == (FOUND, Unread(kind="file", path="a", reason=OVERTIME))


def test_nothing_is_raised_once_the_work_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """The work ends just when it is told to: whichever is first, what comes after it goes undisturbed."""
    monkeypatch.setattr("hullmark.scan.watch._LOOK_EVERY_S", 0.001)
    watch = Watch()

    def busy(seconds: float) -> None:
        end = time.thread_time() + seconds
        while time.thread_time() < end:
            pass

    for _ in range(60):
        watch.run(lambda: 0.01, lambda: busy(0.0101))
        busy(0.005)


def test_what_must_not_be_interrupted_is_not() -> None:
    """A layer's stream, from which a detector takes pieces: it is whole, and the detector ends after it."""
    watch, done = Watch(), []

    def busy(seconds: float) -> None:
        end = time.thread_time() + seconds
        while time.thread_time() < end:
            pass

    def work() -> None:
        while True:
            with watch.unwatched():
                busy(0.4)
                done.append("whole")
            busy(0.4)
            done.append("between")

    assert watch.run(lambda: 0.1, work) is None
    assert done in (["whole"], ["whole", "between", "whole"])


def test_work_is_watched_again_after_a_long_time_of_what_must_not_be_interrupted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("hullmark.scan.watch._LOOK_EVERY_S", 0.01)
    watch = Watch()
    end = time.monotonic() + 30

    def work() -> bool:
        with watch.unwatched():
            time.sleep(0.5)  # fifty looks at nothing
        while time.monotonic() < end:
            pass
        return True

    assert watch.run(lambda: 0.1, work) is None


def test_threads_are_watched_each_for_itself() -> None:
    watch, answers = Watch(), {}

    def work(name: str, allowed_s: float, seconds: float) -> None:
        end = time.thread_time() + seconds

        def busy() -> str:
            while time.thread_time() < end:
                pass
            return name

        answers[name] = watch.run(lambda: allowed_s, busy)

    threads = [
        threading.Thread(target=work, args=arguments)
        for arguments in (("short", 5.0, 0.05), ("long", 0.05, 60.0))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(50)
    assert answers == {"short": "short", "long": None}


def test_a_forked_process_is_watched_as_well() -> None:
    watch = Watch()
    assert watch.run(lambda: 5, lambda: "before") == "before"
    child = os.fork()
    if child == 0:
        os._exit(0 if watch.run(lambda: 0.01, spin) is None else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_an_error_that_no_detector_catches() -> None:
    assert not issubclass(OvertimeError, Exception)


def test_a_layer_takes_what_its_size_suggests_or_what_the_image_has_left() -> None:
    limits = ReadLimits(image_cpu_s=0, layer_cpu_ms=1000)
    bounds, hashed = Bounds(limits), Hashed(iter(()))
    pieces = bounds.watched(iter(lambda: b"piece", b""), hashed, Shape(limits))
    hashed.size = 1 << 40
    assert next(pieces) == b"piece"
    hashed.size = 0
    with pytest.raises(BoundsError, match="more than 0 s of processor time"):
        collections.deque(itertools.islice(pieces, 10))
