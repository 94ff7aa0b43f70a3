"""`--policy` of scan and convert, and the commands of `hullmark policy`: exit codes, and what is said."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import IMAGE, Call, Done
from e2e.program import AS_OF
from policy.opa import OPA, needs_opa
from policy.samples import policy

pytestmark = pytest.mark.usefixtures("at_work")


@pytest.fixture
def at_work(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scan as of the day of the advisories, offline, with a home of its own."""
    del call  # it is asked for: it empties the environment first
    monkeypatch.setenv("HULLMARK_SCAN_AS_OF", AS_OF)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    folder.mkdir()
    return policy(folder, 'deny contains "not in prod" if input.context.namespace == "prod"')


def stored(call: Call) -> str:
    assert call("scan", IMAGE, "--format", "json=app.json").code == 0
    return "app.json"


def asked(call: Call, command: str, *words: str) -> Done:
    if command == "scan":
        return call("scan", IMAGE, "--format", "json", *words)
    if command == "convert":
        return call("convert", stored(call), "--format", "json", *words)
    return call("policy", "eval", stored(call), "--format", "json", *words)


COMMANDS = ("scan", "convert", "eval")


def test_any_number_of_reports_is_decided_anew(call: Call, own: Path) -> None:
    report = stored(call)
    words = ("--policy", str(own), "--context", "namespace=prod")
    one = call("policy", "eval", report, "--format", "json", *words)
    both = call("policy", "eval", report, report, "--format", "json", *words)
    assert both.code == 1
    assert both.document == [one.document, one.document]
    said = call("policy", "eval", report, report, *words).out
    assert said.count("Denied by mine: 1 reason to deny") == 2
    assert said.count(Path(IMAGE).name) == 2
    assert call("policy", "eval", "--policy", str(own)).code == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_codes(command: str, call: Call, own: Path) -> None:
    words = ("--policy", str(own))
    allowed = asked(call, command, *words)
    assert allowed.code == 0
    denied = asked(call, command, *words, "--context", "namespace=prod")
    assert denied.code == 1
    said = denied.document if command == "eval" else denied.document["decision"]
    assert [each["message"] for each in said["reasons"]] == ["not in prod"]
    if command != "eval":
        assert "denied by mine: 1 reason" in denied.err
    (own / "policy.rego").write_text('package mine\n\nwarn contains "hm"\n')
    assert asked(call, command, *words).code == 0
    (own / "policy.rego").write_text('package mine\n\ndeny contains "a" if input.findingz\n')
    refused = asked(call, command, *words)
    assert refused.code == 2
    assert "policy.rego:3: the input has no field 'findingz'" in refused.err


def test_a_scan_that_is_not_whole_is_code_3_where_the_policy_allows(
    call: Call, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HULLMARK_DB_DIR", str(tmp_path / "empty"))
    done = call("scan", IMAGE, "--offline", "--policy", str(own), "--format", "json")
    assert (done.code, done.document["decision"]["verdict"]) == (3, "allow")
    assert call("scan", IMAGE, "--policy", str(own), "--context", "namespace=prod").code == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_what_cannot_be_evaluated_denies_unless_it_may_not(command: str, call: Call, own: Path) -> None:
    (own / "policy.rego").write_text(
        'package mine\n\ndeny contains "a" if 1 / (count(input.errors) - count(input.errors)) > 0\n'
    )
    words = ("--policy", str(own))
    done = asked(call, command, *words)
    assert done.code == 1
    said = done.document if command == "eval" else done.document["decision"]
    assert (said["verdict"], said["reasons"]) == ("deny", [])
    assert "divide by zero" in said["error"]
    assert asked(call, command, *words, "--policy-on-error", "deny").code == 1
    assert asked(call, command, *words, "--policy-on-error", "warn").code == 0
    assert asked(call, command, *words, "--policy-on-error", "allow").code == 2


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (("namespace=prod",), 1),
        (("namespace=",), 0),
        (("namespace=prod", "namespace=test"), 0),
        (("prod.json",), 1),
        (("prod.json", "namespace=test"), 0),
        (("namespace=test", "prod.json"), 1),
        (("nowhere.json",), 2),
        (("list.json",), 2),
        (("broken.json",), 2),
        (("number.json",), 2),
        (("./a=b.json",), 1),
    ],
)
def test_contexts(given: tuple[str, ...], code: int, call: Call, own: Path, tmp_path: Path) -> None:
    prod = json.dumps({"namespace": "prod", "pod": {"kind": "Job", "labels": {"a": "b"}}})
    for name, text in (
        ("prod.json", prod),
        ("a=b.json", prod),
        ("list.json", "[]"),
        ("broken.json", "{"),
        ("number.json", '{"namespace": 3}'),
    ):
        (tmp_path / name).write_text(text)
    words = [word for each in given for word in ("--context", each)]
    done = call("policy", "eval", stored(call), "--policy", str(own), *words)
    assert done.code == code, done.err


@pytest.mark.parametrize(
    "flag", ["--context=namespace=a", "--opa=http://127.0.0.1:1", "--policy-on-error=warn"]
)
def test_a_flag_of_policies_without_one_is_refused(flag: str, call: Call) -> None:
    done = call("scan", IMAGE, flag)
    assert done.code == 2
    assert "needs a policy" in done.err


def test_what_only_is_not_shown_is_decided_over_all_the_same(call: Call) -> None:
    whole = asked(call, "scan", "--policy", "production").document["decision"]
    shown = asked(call, "scan", "--policy", "production", "--severity", "critical").document
    assert shown["findings"] == []
    assert shown["decision"] == whole


TESTS = """package mine_test

import data.mine

test_denies if count(mine.deny) == 1 with input as {"context": {"namespace": "prod"}}

test_is_false if count(mine.deny) == 1 with input as {"context": {"namespace": "test"}}

test_is_undefined if mine.nothing_here == 1 with input as {}

test_error if 1 / (count(input.findings) - 1) == 1 with input as {"findings": [{}]}

todo_test_later if false
"""


def outcomes(call: Call, own: Path) -> dict[str, str]:
    done = call("policy", "test", str(own), "--verbose")
    assert done.code == 1
    lines = [line.partition(": ") for line in done.out.splitlines() if line.startswith("data.")]
    return {name: said.partition(":")[0] for name, _, said in lines}


def test_tests_pass_fail_and_wait(call: Call, own: Path) -> None:
    (own / "policy_test.rego").write_text(
        TESTS.replace("mine.nothing_here == 1", "input.context.namespace == 1")
    )
    assert outcomes(call, own) == {
        "data.mine_test.test_denies": "PASS",
        "data.mine_test.test_is_false": "FAIL",
        "data.mine_test.test_is_undefined": "FAIL",
        "data.mine_test.test_error": "ERROR",
        "data.mine_test.todo_test_later": "SKIPPED",
    }
    done = call("policy", "test", str(own))
    assert done.out.splitlines()[-1] == "PASS: 1/5, FAIL: 2/5, ERROR: 1/5, SKIPPED: 1/5"
    assert "test_denies" not in done.out


@needs_opa
def test_opa_comes_to_the_same_but_where_an_error_is_undefined_in_it(call: Call, own: Path) -> None:
    (own / "policy_test.rego").write_text(
        TESTS.replace("mine.nothing_here == 1", "input.context.namespace == 1")
    )
    done = subprocess.run([OPA, "test", "--format", "json", str(own)], capture_output=True, check=False)
    theirs: dict[str, Any] = {}
    for each in json.loads(done.stdout):
        state = "SKIPPED" if each.get("skip") else "FAIL" if each.get("fail") else "PASS"
        theirs[f"{each['package']}.{each['name']}"] = state
    ours = outcomes(call, own)
    assert ours.pop("data.mine_test.test_error") == "ERROR"
    assert theirs.pop("data.mine_test.test_error") == "FAIL"
    assert ours == theirs


def test_tests_that_all_pass_and_none_at_all(call: Call, own: Path) -> None:
    assert call("policy", "test", str(own)).code == 2
    (own / "policy_test.rego").write_text("package mine_test\n\ntest_a if true\n")
    done = call("policy", "test", str(own))
    assert (done.code, done.out) == (0, "PASS: 1/1\n")
    assert call("policy", "eval", stored(call), "--policy", str(own)).code == 0


def test_check_says_what_decides(call: Call, own: Path) -> None:
    (own / "b.rego").write_text("package helpers\n\nx := 1\n")
    done = call("policy", "check", str(own), "production")
    assert done.code == 0
    assert done.out.splitlines() == [
        "helpers: nothing that decides",
        "hullmark.lib: nothing that decides",
        "hullmark.production: deny, warn, excepted",
        "mine: deny",
    ]
    for words in ((str(own / "none.rego"),), (str(own / "b.json"),), ("nowhere",)):
        assert call("policy", "check", *words).code == 2


def test_list_and_explain(call: Call) -> None:
    listed = call("policy", "list", "--format", "json").document
    assert list(listed) == ["development", "baseline", "production", "strict"]
    assert listed["strict"]["rules"]["cvss"] == {"level": "deny", "score": 7.0, "fixable_only": False}
    table = call("policy", "list")
    assert table.code == 0
    assert [line.split()[0] for line in table.out.splitlines()[6:]] == list(listed["strict"]["rules"])
    told = call("policy", "explain", "fix-available")
    assert "hullmark.settings.PACK.fix-available.grace_days" in told.out
    assert call("policy", "explain", "fix-availabel").code == 2
    assert call("policy", "list", "--format", "xml").code == 2


def test_build_writes_what_eval_reads(call: Call, own: Path, tmp_path: Path) -> None:
    for name in ("a.tar.gz", "b.tar.gz"):
        assert call("policy", "build", "production", str(own), "--output", name).code == 0
    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "b.tar.gz").read_bytes()
    report = stored(call)
    words = ("--context", "namespace=prod", "--format", "json")
    packed = call("policy", "eval", report, "--policy", "a.tar.gz", *words)
    apart = call("policy", "eval", report, "--policy", "production", "--policy", str(own), *words)
    assert (packed.code, packed.document) == (1, apart.document)
