"""Policies that cannot be used are refused when they are loaded, with file and line; what goes wrong later is an error that denies."""

import contextlib
import gzip
import io
import json
import tarfile
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hullmark.model.errors import HullmarkError, UsageError
from hullmark.policy import source
from hullmark.policy.apart import Apart
from hullmark.policy.deciding import Policies
from hullmark.policy.document import input_schema
from hullmark.policy.engine import Policy
from hullmark.policy.source import Bundle, Module, bundled, read
from policy.samples import finding, policy, report

REFUSED = [
    ('deny contains "a" if {', 4, "expecting expression"),
    ('deny[msg] { msg := "a" }', 3, "`if` keyword is required"),
    ('deny contains "a" if { some f in input.findings; f.severty == "a" }', 3, "no field 'severty' here; there are"),
    ('deny contains "a" if { input["findingz"] }', 3, "no field 'findingz'"),
    ("deny contains f.nam if some f in input.findings", 3, "no field 'nam'"),
    ('deny contains "a" if input.findings[_].bad', 3, "no field 'bad'"),
    ('deny contains "a" if { f := input.image; f.bad }', 3, "no field 'bad'"),
    ('# ü€\ndeny contains "a" if { every fö in input.findings { fö.bad } }', 0, ""),
    ('# ü€\ndeny contains "a" if { every f in input.findings { f.bad } }', 4, "no field 'bad'"),
    ('deny contains "a" if { count([1 | some i; input.findings[i].bad]) > 0 }', 3, "no field 'bad'"),
    ('deny contains "a" if input.context.namespaces == "prod"', 3, "no field 'namespaces'"),
    ('deny contains "a" if http.send({"url": "http://x", "method": "get"})', 3, "http.send asks the network"),
    ('deny contains "a" if { x := http.send; x({}) }', 3, "x is no function"),
    ('deny contains "a" if { x with abs as http.send }\nx if abs({})', 3, "unsafe"),
    ('deny contains "a" if net.lookup_ip_addr("x")', 3, "asks the network"),
    ('deny contains "a" if time.now_ns() > 0', 3, "asks the clock"),
    ('deny contains "a" if opa.runtime()', 3, "asks the machine"),
    ('deny contains "a" if rand.intn("a", 3) == 1', 3, "another answer each time"),
    ('deny contains "a" if nosuch(1)', 3, "nosuch is no function"),
    ('deny contains "a" if data.nosuch.f(1)', 3, "could not find function"),
    ("deny contains x if { y := 1 }", 3, "var x is unsafe"),
    ('deny contains "a" if not x', 3, "`x` is unsafe"),
    ('deny contains "a" if p\np if q\nq if p', 4, "recursion detected"),
    ("deny(x) := x", 3, "deny is a function"),
    ('violation(x) := x\nwarn contains "a"', 3, "violation is a function"),
    ('deny contains $"a{1}"', 3, "invalid character"),
    ('deny contains "a" if { x := 1e999999999; x > 1 }', 3, "invalid number"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "said"), REFUSED, ids=lambda value: str(value)[:40])
def test_what_cannot_be_used_is_refused_with_file_and_line(
    text: str, line: int, said: str, tmp_path: Path
) -> None:
    folder = policy(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        Policies([str(folder)])
    assert said in caught.value.what
    if line:
        assert caught.value.where == f"{folder}/policy.rego:{line}"
    assert "backtrace" not in str(caught.value)


WRONG = [
    ("deny := 3", "is a number"),
    ('deny := {"a": 1}', "is an object"),
    ("deny := null", "is null"),
    ('deny := "no"', "is a text"),
    ("deny contains 3", "has a number as a reason"),
    ("deny contains null", "has null as a reason"),
    ('deny contains ["a"]', "has a list as a reason"),
    ('deny contains {"rule": "a"}', "has a reason without a message"),
    ('deny contains {"message": 3}', "has a reason without a message"),
    ('deny.a := "x"', "is an object"),
    ("warn := 3", "is a number"),
    ("excepted := 3", "is a number"),
    ('deny contains "a" if 1 / (count(input.findings) - 1) == 1', "policy.rego:3: divide by zero"),
    ('deny contains "a" if units.parse("1G" + 1) > 1', "policy.rego:3"),
    ("allow := true\nallow := false if count(input.findings) > 0", "conflicts"),
    ('deny contains sprintf("%v", [n]) if some n in numbers.range(0, 100000)', "more than 100,000 reasons"),
]


@pytest.mark.parametrize(("text", "said"), WRONG, ids=lambda value: value[:40])
def test_what_goes_wrong_denies_and_says_why(text: str, said: str, tmp_path: Path) -> None:
    bare = "" if "deny" in text or "allow" in text else '\ndeny contains "no" if false'
    words = [str(policy(tmp_path, f"{text}{bare}"))]
    decision = Policies(words).decide(report(findings=[finding()]))
    assert said in decision.error
    assert (decision.verdict, decision.reasons) == ("deny", ())
    assert Policies(words, on_error="warn").decide(report(findings=[finding()])).verdict == "warn"


@pytest.mark.parametrize("count", [2, 2_000])
def test_brackets_that_are_never_closed_are_refused(count: int) -> None:
    for number in range(5):
        bundle = Bundle((Module("a.rego", f"package a\n{'([{'[number % 3] * count}"),), {})
        with pytest.raises(UsageError):
            Apart(partial(Policy, bundle, input_schema()), load_seconds=0.5)


_PARTS = ["deny", "contains", "if", "{", "}", '"a"', "input", ".findings", ":=", "some", "in", "x", "not", "\n", "1", "|", "with", "every", "default", "=", "(", ")", "import", "else", "`"]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(_PARTS), max_size=14).map(" ".join)))
def test_any_text_is_a_policy_or_refused(text: str) -> None:
    bundle = Bundle((Module("a.rego", f"package a\n{text}"),), {})
    with contextlib.suppress(HullmarkError):
        Policy(bundle, input_schema()).evaluate("data.a", b"{}")


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("a.rego", b"package a\n# \xff", "is not UTF-8"),
        ("a.rego", b"package a\n" + b"#" * 2**20, "larger than"),
        ("a.json", b'{"x": NaN}', "cannot be read"),
        ("a.json", b'{"x": 1' + b"0" * 400 + b"}", "out of range"),
        ("a.json", b'{"x": "\\ud800"}', "cannot be read"),
        ("a.json", b'{"x": ' + b"[" * 101 + b"]" * 101 + b"}", "nested more than 100 deep"),
        ("a.json", b"[" * 100_000, "cannot be read"),
        ("a.json", b"[]", "holds no object"),
        ("a.yaml", b"~: 1", "a key is no text"),
        ("a.yaml", b"true: 1", "a key is no text"),
        ("a.yaml", b"x: !!set {a, b}", "a set is nothing that JSON has"),
        ("a.yaml", b"x: .inf", "without end"),
        ("a.yaml", b"x: &a [1]\ny: *a", "aliases are not taken"),
        ("a.yaml", b"x: " + b"[" * 101 + b"]" * 101, "nested more than 100 deep"),
        ("a.yaml", b"x: " + b"[" * 100_000, "maximum nesting depth"),
        ("a.yaml", b"x: 1\n---\nx: 2\n", "cannot be read"),
        ("a.yaml", b"x: \x00", "cannot be read"),
        ("a.json", b'{"mine": {"deny": []}}', "data.mine.deny is a rule, and data as well"),
        ("a.json", b'{"mine": 3}', "is a rule, and data as well"),
        ("mine/a.json", b'{"deny": []}', "is a rule, and data as well"),
        ("hullmark/lib/a.json", b'{"standing": []}', "hullmark.lib is not known"),
        ("hullmark/a.yaml", b"production: {deny: []}", "hullmark.production is not known"),
    ],
)
def test_files_that_cannot_be_taken_are_refused(name: str, body: bytes, said: str, tmp_path: Path) -> None:
    folder = policy(tmp_path, 'deny contains "a"')
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(body)
    with pytest.raises(UsageError, match=said):
        Policies([str(folder)])


def test_a_date_of_yaml_is_a_text(tmp_path: Path) -> None:
    folder = policy(tmp_path, 'deny contains "a" if data.x.day == "2026-12-31"')
    (folder / "a.yaml").write_text("x: {day: 2026-12-31}")
    assert Policies([str(folder)]).decide(report()).verdict == "deny"


def test_so_many_files_and_no_more(tmp_path: Path) -> None:
    for number in range(source.MOST_FILES):
        (tmp_path / f"{number}.json").write_text("{}")
    with pytest.raises(UsageError, match="no policy is in it"):
        read([str(tmp_path)])
    policy(tmp_path, 'deny contains "a"')
    with pytest.raises(UsageError, match="more than 1000 files"):
        read([str(tmp_path)])


def test_a_folder_of_a_packs_name_never_stands_for_the_pack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "production").mkdir()
    policy(tmp_path / "production", 'deny contains "a" if false')
    monkeypatch.chdir(tmp_path)
    assert Policies(["production"]).packages == ("hullmark.production",)
    assert Policies(["./production"]).packages == ("mine",)


def tarred(*entries: tuple[str, bytes], **more: Any) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz", **more) as tar:
        for name, body in entries:
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
        for kind, target in (
            (tarfile.SYMTYPE, "/etc/passwd"),
            (tarfile.LNKTYPE, "x"),
            (tarfile.FIFOTYPE, ""),
        ):
            entry = tarfile.TarInfo(f"{kind!r}.rego")
            entry.type, entry.linkname = kind, target
            tar.addfile(entry)
    return whole.getvalue()


REGO = b'package mine\n\ndeny contains "a" if data.up.x\n'


@pytest.mark.parametrize("name", ["a.rego", "/a.rego", "../../a.rego", "b/../a.rego", "/etc/a.rego"])
def test_a_bundle_is_read_and_never_unpacked(name: str, tmp_path: Path) -> None:
    path = tmp_path / "in" / "bundle.tar.gz"
    path.parent.mkdir()
    path.write_bytes(tarred((name, REGO), ("/up/data.json", b'{"x": true}'), ("secret.json", b"nonsense")))
    assert Policies([str(path)]).decide(report()).verdict == "deny"
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["bundle.tar.gz", "in"]


def test_bundles_that_are_none_are_refused(tmp_path: Path) -> None:
    whole = tarred(("a.rego", REGO), ("data.json", b'{"x": 1}'))
    path = tmp_path / "bundle.tar.gz"
    damaged = [whole[:length] for length in range(0, len(whole) - 8, 7)]
    damaged += [whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :] for at in range(0, len(whole), 3)]
    damaged += [b"", b"PK", gzip.compress(b"x" * 5_000), gzip.compress(b"\0" * (source.MOST_BYTES + 1))]
    damaged += [
        tarred(("a.rego", b"#" * (2**20 + 1))),
        tarred(("a/" * 200 + "data.json", b"{}"), ("a.rego", REGO)),
    ]
    refused = 0
    for body in damaged:
        path.write_bytes(body)
        try:
            read([str(path)])
        except UsageError:
            refused += 1
    assert refused >= len(damaged) - 12  # where only the header of the gzip is another


def test_a_bundle_of_ours_is_read_again_as_it_was(tmp_path: Path) -> None:
    own = read(["production", str(policy(tmp_path, 'deny contains "a"', more={"b": [1]}))])
    path = tmp_path / "bundle.tar.gz"
    path.write_bytes(bundled(own))
    again = read([str(path)])
    assert again.data == own.data
    assert sorted(each.text for each in again.modules) == sorted(each.text for each in own.modules)
    assert bundled(own) == path.read_bytes()
    assert Policies([str(path)]).digest == own.digest
    assert Policies(["production", str(path)]).packages == ("hullmark.production", "mine")


def test_hidden_files_are_left_alone(tmp_path: Path) -> None:
    folder = policy(tmp_path, 'deny contains "a"')
    (folder / ".git").mkdir()
    (folder / ".git" / "x.rego").write_text("nonsense")
    (folder / ".x.json").write_text("nonsense")
    assert len(read([str(folder)]).modules) == 1


@given(st.dictionaries(st.text(max_size=8), st.recursive(st.none() | st.booleans() | st.text() | st.floats(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8), max_size=4))  # fmt: skip
def test_any_data_is_taken_or_refused(data: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.json").write_text(json.dumps(data))
        policy(Path(folder), 'deny contains "a"')
        with contextlib.suppress(UsageError):
            read([folder])
