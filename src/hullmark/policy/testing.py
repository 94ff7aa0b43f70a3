"""Tests of policies: rules `test_…` that must be true, as `opa test` has them (https://www.openpolicyagent.org/docs/latest/policy-testing/)."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from hullmark.model.errors import HullmarkError
from hullmark.policy.deciding import loaded
from hullmark.policy.engine import path_of
from hullmark.policy.source import read

State = Literal["PASS", "FAIL", "ERROR", "SKIPPED"]


class Outcome(NamedTuple):
    """What came of one test: `data.package.test_name`, and why it could not be evaluated."""

    name: str
    state: State
    said: str = ""


def run_tests(words: Sequence[str]) -> list[Outcome]:
    """Run the tests of packs, folders, files and bundles, in the order of their names. Raises `UsageError` for what cannot be loaded."""
    engine, rules = loaded(read(words, tests=True))
    found = []
    for package, names in rules.items():
        for name in sorted(names):
            full = f"data.{package}.{name}"
            if name.startswith("todo_test_"):
                found.append(Outcome(full, "SKIPPED"))
            elif name.startswith("test_"):
                try:
                    passed = engine.evaluate(path_of(package, name), b"{}") == b"true"
                except HullmarkError as problem:
                    found.append(Outcome(full, "ERROR", str(problem)))
                else:
                    found.append(Outcome(full, "PASS" if passed else "FAIL"))
    return found
