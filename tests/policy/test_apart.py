"""The process that evaluates policies of others: its bounds, and that nothing is left of it."""

import gc
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from hullmark.model.errors import HullmarkError, UsageError
from hullmark.policy.apart import Apart
from hullmark.policy.deciding import Policies
from hullmark.policy.document import input_schema
from hullmark.policy.engine import Policy
from hullmark.policy.source import Bundle, Module
from policy.samples import finding, policy, report

_STEPS = 'deny contains "a" if { n := count(input.findings) * 3000; l := numbers.range(1, n); count([1 | some a in l; some b in l; a == b]) > 0 }'
_RANGE = 'deny contains "a" if count(numbers.range(1, count(input.findings) * 500000000)) > 0'
_QUERY = 'data["mine"]["deny"]'
_ONE = b'{"findings": [{}]}'


def apart(text: str, *, load_seconds: float = 10, seconds: float = 5, memory: int = 1024**3) -> Apart:
    bundle, schema = Bundle((Module("mine.rego", f"package mine\n\n{text}\n"),), {}), input_schema()
    return Apart(lambda: Policy(bundle, schema), load_seconds=load_seconds, seconds=seconds, memory=memory)


def asked(one: Apart, given: bytes) -> Any:
    return json.loads(one.evaluate(_QUERY, given))


def children() -> set[int]:
    found = set()
    for each in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = each.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if words[1] == str(os.getpid()):
            found.add(int(each.parent.name))
    return found


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_questions_are_answered_one_after_the_other() -> None:
    one = apart("deny contains f.id if some f in input.findings")
    for number in range(50):
        assert asked(one, b'{"findings": [{"id": "%d"}]}' % number) == [str(number)]
    assert one.rules == {"mine": ("deny",)}


def test_what_takes_too_long_ends_within_the_bound_and_the_next_question_is_answered() -> None:
    one = apart(_STEPS, seconds=0.5)
    begun = time.monotonic()
    with pytest.raises(HullmarkError, match=r"could not be evaluated within 0\.5 seconds") as caught:
        one.evaluate(_QUERY, _ONE)
    assert not isinstance(caught.value, UsageError)
    assert time.monotonic() - begun < 3
    assert asked(one, b'{"findings": []}') == ["a"]


def test_what_takes_too_much_memory_is_an_error() -> None:
    one = apart(_RANGE, memory=64 * 1024**2)
    with pytest.raises(HullmarkError, match="needs more than 64 MiB"):
        one.evaluate(_QUERY, _ONE)
    assert asked(one, b'{"findings": []}') == ["a"]


def test_the_default_bounds_hold_for_a_decision(tmp_path: Path) -> None:
    decision = Policies([str(policy(tmp_path, _RANGE))]).decide(report(findings=[finding()]))
    assert decision.verdict == "deny"
    assert "needs more than 1024 MiB" in decision.error


@pytest.mark.parametrize("text", ["x := " + "[" * 200, "x := " + '{"a":' * 200])
def test_a_text_that_keeps_the_parser_busy_is_refused_within_the_bound(text: str) -> None:
    before, begun = children(), time.monotonic()
    with pytest.raises(UsageError, match=r"could not be loaded within 0\.5 seconds"):
        apart(text, load_seconds=0.5)
    assert time.monotonic() - begun < 3
    assert children() == before


def test_what_takes_too_much_memory_to_load_is_refused() -> None:
    with pytest.raises(UsageError, match="could not be loaded: it needs more than 64 MiB"):
        apart('deny contains "a" if count(numbers.range(1, 500000000)) > 0', memory=64 * 1024**2)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_a_child_that_is_killed_is_replaced(number: int) -> None:
    one = apart("deny contains f.id if some f in input.findings")
    os.kill(one._child, number)
    with pytest.raises(HullmarkError, match="the policy"):
        one.evaluate(_QUERY, b'{"findings": [{"id": "a"}]}')
    assert asked(one, b'{"findings": [{"id": "a"}]}') == ["a"]


def test_nothing_is_left_behind() -> None:
    gc.collect()
    processes, open_before = children(), descriptors()
    for number in range(6):
        one = apart(_STEPS, seconds=0.2)
        if number % 2:
            with pytest.raises(HullmarkError):
                one.evaluate(_QUERY, _ONE)
        one.evaluate(_QUERY, b'{"findings": []}')
        if number == 2:
            one.close()
            one.close()
        del one
        with pytest.raises(UsageError):
            apart("deny contains")
    gc.collect()
    assert descriptors() == open_before
    assert children() == processes


def test_a_child_ends_when_who_asks_is_gone() -> None:
    reading, writing = os.pipe()
    middle = os.fork()
    if middle == 0:
        one = apart('deny contains "a"')
        os.write(writing, str(one._child).encode())
        os._exit(0)
    os.waitpid(middle, 0)
    child = int(os.read(reading, 20))
    os.close(reading)
    os.close(writing)
    for _ in range(100):
        try:
            state = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return
        if state == "Z":
            return
        time.sleep(0.05)
    pytest.fail("the child outlives its parent")


def test_large_inputs_and_answers_pass_the_pipe() -> None:
    one = apart("deny contains f.id if some f in input.findings")
    given = (
        b'{"findings": [' + b",".join(b'{"id": "%06d%s"}' % (n, b"x" * 200) for n in range(20_000)) + b"]}"
    )
    assert len(one.evaluate(_QUERY, given)) > 4_000_000
