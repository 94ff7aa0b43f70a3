"""Work in forked processes: every answer whole and once, and one that dies takes only its own task with it."""

import os
import signal
import time
from pathlib import Path

import pytest

from e2e.program import layer, write_layout
from hullmark.scan import workers
from hullmark.scan.request import ScanRequest
from hullmark.scan.run import run
from hullmark.scan.workers import in_processes

AS_OF = "2026-01-01T00:00:00Z"


def test_every_answer_comes_whole_and_once() -> None:
    tasks = list(range(40))
    found = list(in_processes(tasks, 3, lambda task: bytes([task]) * (task * 50_000)))
    assert sorted(number for number, _ in found) == tasks
    assert all(answer == bytes([number]) * (number * 50_000) for number, answer in found)


def test_they_are_processes_and_no_more_than_asked_for() -> None:
    for count, most in ((2, 2), (5, 3)):
        found = in_processes(list(range(3)), count, lambda _task: str(os.getpid()).encode())
        pids = {answer for _, answer in found}
        assert str(os.getpid()).encode() not in pids
        assert 1 <= len(pids) <= most
    assert list(in_processes([], 2, lambda _task: b"")) == []


@pytest.mark.parametrize("way", ["killed", "exit", "exception"])
def test_one_that_dies_takes_its_own_task_with_it(way: str) -> None:
    def work(task: int) -> bytes:
        if task == 3:
            if way == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            elif way == "exit":
                os._exit(0)
            raise MemoryError
        return b"x" * 100_000

    found = dict(in_processes(list(range(8)), 2, work))
    assert found == {number: None if number == 3 else b"x" * 100_000 for number in range(8)}


def test_all_that_die_leave_the_rest_untold_and_not_waited_for() -> None:
    found = dict(in_processes(list(range(5)), 2, lambda _task: os._exit(1)))
    assert found == dict.fromkeys(range(5))


def test_no_child_is_left_when_nobody_wants_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    children: list[int] = []
    fork = os.fork

    def remembered() -> int:
        child = fork()
        children.append(child)
        return child

    monkeypatch.setattr(os, "fork", remembered)

    def work(task: int) -> bytes:
        if task:
            time.sleep(600)
        return b"x"

    answers = in_processes(list(range(20)), 2, work)
    assert next(answers) == (0, b"x")
    del answers
    assert len(children) == 2
    for child in children:  # these only: other tests' servers may run in this process's name
        with pytest.raises(ChildProcessError):
            os.waitpid(child, os.WNOHANG)


def test_layers_in_processes_say_what_one_process_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same report with one worker, with several, and with a worker that dies: there, one layer is missing."""
    bodies = [f'{{"name": "a{n}", "version": "1.0.{n}"}}'.encode() for n in range(5)]
    write_layout(
        tmp_path / "image", [layer({f"srv/{n}/package.json": body}) for n, body in enumerate(bodies)]
    )
    monkeypatch.setattr("hullmark.scan.run._WORTH_FORKING", 0)
    forked: list[int] = []
    real = workers.in_processes

    def counted(tasks: list[int], *more: object) -> object:
        forked.extend(tasks)
        return real(tasks, *more)  # type: ignore[arg-type]

    monkeypatch.setattr("hullmark.scan.run.in_processes", counted)
    request = ScanRequest(reference=str(tmp_path / "image"), as_of=AS_OF, threads=1)
    alone = run(request)
    assert forked == []
    assert [component.name for component in alone.packages] == [f"a{n}" for n in range(5)]
    for threads in (2, 4):
        assert run(ScanRequest(reference=request.reference, as_of=AS_OF, threads=threads)) == alone
    assert len(forked) == 10

    from hullmark.scan.layers import LayerReader

    facts = LayerReader.facts
    parent = os.getpid()

    def dying(self: LayerReader, blob: object) -> object:
        if os.getpid() != parent and blob_number(blob) == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return facts(self, blob)  # type: ignore[arg-type]

    digests = [entry.digest for entry in alone.layers]

    def blob_number(blob: object) -> int:
        return digests.index(blob.claimed)  # type: ignore[attr-defined]

    monkeypatch.setattr(LayerReader, "facts", dying)
    partial = run(ScanRequest(reference=request.reference, as_of=AS_OF, threads=2))
    assert [component.name for component in partial.packages] == ["a0", "a1", "a3", "a4"]
    assert partial.incomplete
    (error,) = partial.errors
    assert (error.kind, error.layer) == ("layer", "layer 2")
    assert "ended" in error.reason
