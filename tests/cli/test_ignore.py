"""Ignore files and VEX documents from the command line: written, read by a scan, aged, and told."""

import base64
import hashlib
import json
import re
import shlex
import threading
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import IMAGE, Call, Done
from e2e.program import AS_OF
from findings.statements.documents import openvex, statement, validate
from hullmark.cli.app import run
from hullmark.findings.statements.openvex import JUSTIFICATIONS
from toys.saved import packed, save

FILE = ".hullmark-ignore.yaml"
FLAW = "CVE-2024-22195"  # of jinja2
ALIAS = "GHSA-h5c8-rqwp-cp95"
DIGEST = "sha256:6360114dc63025042ee08c78aa98d2c663d8b4575d7be29a894ff5ab0084df4b"
SCHEMA = "openvex-0.2.0.schema.json"


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch, call: Call) -> None:  # noqa: ARG001  # `call` empties the environment first
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")  # AS_OF


def scan(call: Call, *words: str) -> Done:
    return call("scan", IMAGE, "--as-of", AS_OF, "--format", "json", *words)


def ids(done: Done) -> set[str]:
    assert done.out, done.err
    return {finding["id"] for finding in done.document["findings"]}


def states(done: Done) -> list[tuple[int, str, int]]:
    return [(each["line"], each["state"], each["findings"]) for each in done.document["suppressions"]]


# ── hullmark ignore ─────────────────────────────────────────────────────────────────────────────────────


def test_an_entry_is_written_and_read_by_the_next_scan(call: Call, tmp_path: Path) -> None:
    before = ids(scan(call))
    done = call(
        "ignore",
        ALIAS,
        "--package",
        "jinja2",
        "--reason",
        "no template of a stranger's",
        "--expires",
        "2026-12-31",
    )
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        f"{FILE}:3: {ALIAS} in jinja2 until 2026-12-31: no template of a stranger's\n"
        "To undo it, delete lines 3 to 6 of it.\n"
    )
    assert (tmp_path / FILE).read_text().splitlines()[1:] == [
        "ignore:",
        f"- id: {ALIAS}",
        "  package: jinja2",
        '  reason: "no template of a stranger\'s"',
        "  expires: 2026-12-31",
    ]
    after = scan(call)
    assert before - ids(after) == {FLAW}
    assert states(after) == [(3, "fix_available", 1)]
    (gone,) = [each for each in after.document["suppressed"] if each["by"] == 0]
    assert gone["reason"] == "no template of a stranger's"


def test_a_policy_is_content_with_an_entry_that_somebody_answers_for(call: Call) -> None:
    words = ["ignore", ALIAS, "--reason", "no template of a stranger's", "--expires", "2026-12-31"]

    def told() -> set[str]:
        done = call("scan", IMAGE, "--policy", "production", "--format", "json")
        reasons = done.document["decision"]["reasons"]
        return {reason["message"] for reason in reasons if reason["rule"] == "unjustified-ignore"}

    done = call(*words, "--package", "jinja2")
    assert done.code == 0
    assert told() == {f"{FLAW} is ignored without an owner"}
    (Path(FILE)).unlink()
    done = call(*words, "--package", "jinja2", "--author", "team-shop")
    assert done.out.startswith(
        f"{FILE}:3: {ALIAS} in jinja2 until 2026-12-31: no template of a stranger's (team-shop)\n"
    )
    assert told() == set()


def test_what_is_there_stays(call: Call, tmp_path: Path) -> None:
    text = "# ours\nignore:\n  # first\n  - id: CVE-1999-0001   # old\n    reason: x\n# end\n"
    (tmp_path / FILE).write_text(text)
    assert (
        call("ignore", "CVE-1999-0002", "--path", "opt/**", "--layer", "own", "--reason", "later").code == 0
    )
    added = '  - id: CVE-1999-0002\n    path: "opt/**"\n    layer: own\n    reason: later\n'
    assert (tmp_path / FILE).read_text() == text.replace("# end", f"{added}# end")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".hull")] == [FILE]


def test_a_link_stays_one(call: Call, tmp_path: Path) -> None:
    (tmp_path / "shared.yaml").write_text("ignore: []\n")
    (tmp_path / FILE).symlink_to("shared.yaml")
    assert call("ignore", FLAW, "--reason", "x").code == 0
    assert (tmp_path / FILE).is_symlink()
    assert FLAW in (tmp_path / "shared.yaml").read_text()


def test_a_link_that_leads_nowhere_stays_one(call: Call, tmp_path: Path) -> None:
    (tmp_path / FILE).symlink_to(FILE)
    done = call("ignore", FLAW, "--reason", "x")
    assert (done.code, (tmp_path / FILE).is_symlink()) == (2, True)
    assert f"{FILE}: cannot be written" in done.err


def test_who_may_read_the_file_stays_so(call: Call, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("ignore: []\n")
    (tmp_path / FILE).chmod(0o640)
    assert call("ignore", FLAW, "--reason", "x").code == 0
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([FLAW], "a reason is wanted"),
        ([FLAW, "--reason", "  "], "--reason: is empty"),
        (["--reason", "x"], "nothing is named"),
        (["--layer", "base", "--reason", "x"], "nothing is named"),
        (["CVE-99", "--reason", "x"], "no flaw can have the id 'CVE-99'"),
        (["--package", "*", "--reason", "x"], "stands for every package"),
        ([FLAW, "--reason", "x", "--expires", "soon"], "'soon' is no day"),
        ([FLAW, "--reason", "x", "--expires", "2025-12-31"], "is past"),
        ([FLAW, "--reason", "x", "--layer", "top"], "'top' is no layer"),
        ([FLAW, "--reason", "x", "--justification", "y"], "there is no justification 'y'"),
        ([FLAW, "--reason", "a\nb"], "signs in it"),
        ([FLAW, "--reason", "x", "--file", "none/x.yaml"], "none/x.yaml: cannot be written"),
        ([FLAW, "--reason", "x", "--file", "x.grype.yaml"], "no scan would know it"),
        ([FLAW, "--reason", "x", "--list"], "add nothing"),
        ([FLAW, "--reason", "x", "--product", "pkg:oci/a"], "--vex-out"),
        (["--list"], "cannot be read"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_and_nothing_written(
    call: Call, tmp_path: Path, words: list[str], told: str
) -> None:
    done = call("ignore", *words)
    assert done.code == 2
    assert told in done.err
    assert list(tmp_path.glob("*.yaml")) == []


def test_a_file_that_is_wrong_is_not_touched(call: Call, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("ignore:\n- id: CVE-99\n")
    done = call("ignore", FLAW, "--reason", "x")
    assert done.code == 2
    assert f"{FILE}:2: no flaw can have the id 'CVE-99'" in done.err
    assert (tmp_path / FILE).read_text() == "ignore:\n- id: CVE-99\n"


def test_the_same_twice_is_refused_unless_it_has_expired(call: Call, tmp_path: Path) -> None:
    assert call("ignore", FLAW, "--reason", "x").code == 0
    done = call("ignore", FLAW.lower(), "--reason", "y")
    assert done.code == 2
    assert f"{FILE}:3: is ignored there already" in done.err
    (tmp_path / FILE).write_text(f"ignore:\n- id: {FLAW}\n  expires: 2025-01-01\n")
    done = call("ignore", FLAW, "--reason", "y")
    assert done.code == 0
    assert f"{FILE}:2: the same entry has expired there" in done.err


def test_of_many_at_once_none_is_lost(call: Call, tmp_path: Path) -> None:  # noqa: ARG001  # it sets where this runs
    def add(number: int) -> None:
        for each in range(5):
            assert run(["ignore", f"CVE-2020-{number}00{each}", "--reason", "x"]) == 0

    threads = [threading.Thread(target=add, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / FILE).read_text().count("- id: CVE-2020-") == 20


def test_entries_are_listed(call: Call, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(
        'ignore:\n- id: [CVE-1999-0001, CVE-1999-0002]\n  path: usr\n  reason: "\\e[2Jx"\n- package: a*\n  layer: base\n  expires: 2025-01-01\n'
    )
    done = call("ignore", "--list")
    assert done.out == (
        f"{FILE}:2: CVE-1999-0001, CVE-1999-0002 at usr for ever: \\x1b[2Jx\n"
        f"{FILE}:5: every flaw in a* in layers base until 2025-01-01: no reason is given (expired)\n"
    )


# ── as a VEX document ───────────────────────────────────────────────────────────────────────────────────

ENTRIES = f"""ignore:
- id: {FLAW}
  package: pkg:pypi/jinja2
  reason: accepted
  expires: 2026-12-31
- id: CVE-2020-11023
  package: pkg:npm/jquery@3.4.1
  reason: no html of a stranger's
  justification: vulnerable_code_not_in_execute_path
- id: CVE-2020-11022
  reason: accepted too
- id: CVE-2020-28493
  expires: 2025-12-31
- package: pkg:pypi/requests
- id: CVE-2019-11324
  path: opt/**
- id: CVE-2019-11236
  package: urllib3
"""


def made(call: Call, tmp_path: Path, *words: str) -> tuple[list[dict[str, Any]], str]:
    (tmp_path / FILE).write_text(ENTRIES)
    done = call("ignore", "--vex-out", "vex.json", *words)
    assert done.code == 0, done.err
    document = json.loads((tmp_path / "vex.json").read_bytes())
    validate(document, SCHEMA)
    (tmp_path / FILE).unlink()
    return document["statements"], done.err


def test_the_entries_as_a_vex_document_of_an_image(call: Call, tmp_path: Path) -> None:
    product = f"pkg:oci/image.tar@{DIGEST}".replace("sha256:", "sha256%3A")
    statements, told = made(call, tmp_path, "--product", product)
    assert [(each["vulnerability"]["name"], each["status"]) for each in statements] == [
        (FLAW, "affected"),
        ("CVE-2020-11023", "not_affected"),
        ("CVE-2020-11022", "affected"),
    ]
    assert statements[0]["action_statement"] == "Accepted until 2026-12-31, nothing is done: accepted"
    assert statements[1]["justification"] == "vulnerable_code_not_in_execute_path"
    assert statements[1]["status_notes"] == "no html of a stranger's"
    assert [line.split(": ")[2] for line in told.splitlines()] == [
        f"{FILE}:{line}" for line in (12, 14, 15, 17)
    ]
    # read back it says what it can: an accepted risk stays a finding
    done = scan(call, "--vex", "vex.json")
    assert FLAW in ids(done)
    assert "CVE-2020-11023" not in ids(done)
    assert [state for _, state, _ in states(done)] == ["kept", "used", "kept"]


def test_the_entries_as_a_vex_document_of_packages(call: Call, tmp_path: Path) -> None:
    statements, told = made(call, tmp_path)
    assert [each["products"] for each in statements] == [
        [{"@id": "pkg:pypi/jinja2"}],
        [{"@id": "pkg:npm/jquery@3.4.1"}],
    ]
    assert "it is about every image: name one by --product" in told


def test_a_document_that_would_say_nothing_is_not_written(call: Call, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("ignore:\n- id: CVE-2020-11022\n")
    done = call("ignore", "--vex-out", "vex.json")
    assert (done.code, (tmp_path / "vex.json").exists()) == (2, False)
    assert "line 2: it is about every image" in done.err
    done = call("ignore", "--vex-out", "vex.json", "--product", "pkg:npm/express")
    assert (done.code, (tmp_path / "vex.json").exists()) == (2, False)
    assert "--product: 'pkg:npm/express' names no image" in done.err


def test_what_a_scan_suppressed_as_a_vex_document_read_back(call: Call, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(ENTRIES)
    first = scan(call, "--vex-out", "vex.json")
    document = json.loads((tmp_path / "vex.json").read_bytes())
    validate(document, SCHEMA)
    statuses = {each["vulnerability"]["name"]: each["status"] for each in document["statements"]}
    assert statuses[FLAW] == "affected"
    assert statuses["CVE-2020-11023"] == "not_affected"
    again = scan(call, "--ignore-file", "none", "--vex", "vex.json")
    assert ids(again) - ids(first) == set(statuses) - {"CVE-2020-11023"}
    assert call("convert", "--help").code == 0
    same = scan(call, "--vex-out", "again.json")
    assert same.out == first.out
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "vex.json").read_bytes()


def test_a_vex_document_of_nothing_is_told(call: Call, tmp_path: Path) -> None:
    done = scan(call, "--vex-out", "vex.json")
    assert json.loads((tmp_path / "vex.json").read_bytes())["statements"] == []
    assert "nothing was suppressed" in done.err


# ── in a scan ───────────────────────────────────────────────────────────────────────────────────────────


def test_idle_entries_fail_where_that_is_asked_for(call: Call, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(
        f"ignore:\n- id: {FLAW}\n- id: CVE-1999-0001\n- id: CVE-2020-11022\n  expires: 2025-12-31\n"
    )
    assert scan(call).code == 0
    done = scan(call, "--fail-on-unused-ignores")
    assert done.code == 1
    assert done.err == (
        f"hullmark: error: {FILE}:3: CVE-1999-0001 takes no finding out\n"
        f"hullmark: error: {FILE}:4: CVE-2020-11022 has expired (2025-12-31)\n"
    )
    assert {FLAW, "CVE-2020-11022"} & ids(done) == {"CVE-2020-11022"}
    (tmp_path / FILE).write_text(f"ignore:\n- id: {FLAW}\n")
    assert scan(call, "--fail-on-unused-ignores").code == 0


def test_an_ignored_finding_is_not_over_the_gate(call: Call, tmp_path: Path) -> None:
    assert scan(call, "--pkg-types", "library", "--fail-on", "high").code == 1
    (tmp_path / FILE).write_text("ignore:\n- package: urllib3\n- package: pkg:npm/negotiator\n")
    assert scan(call, "--pkg-types", "library", "--fail-on", "high").code == 0


@pytest.mark.parametrize(
    "text",
    [
        "ignore:\n- id: CVE-99\n",
        "ignore:\n- ids: [CVE-2020-11022]\n",
        "ignore: [",
        "ignore:\n- reason: all\n",
    ],
)
def test_a_file_that_is_wrong_ends_the_scan_before_it_begins(call: Call, tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    done = scan(call)
    assert (done.code, done.out) == (2, "")
    assert f"{FILE}:" in done.err


def test_files_of_others_are_read_as_they_are(call: Call, tmp_path: Path) -> None:
    (tmp_path / ".trivyignore").write_text(f"{FLAW} exp:2026-12-31\nAVD-AWS-0001\nDS-0002\n")
    (tmp_path / ".grype.yaml").write_text(
        "ignore:\n- {vulnerability: CVE-2020-11022, package: {type: npm}}\n- {namespace: 'nvd:cpe'}\n"
    )
    done = scan(call, "--ignore-file", ".trivyignore", "--ignore-file", ".grype.yaml")
    assert not {FLAW, "CVE-2020-11022"} & ids(done)
    assert ".trivyignore:2: suppresses nothing: 'AVD-AWS-0001' is an id of a check of a cluster" in done.err
    assert ".trivyignore:3" not in done.err
    assert ".grype.yaml:3: suppresses nothing: namespace: which feed" in done.err


def test_dockles_file_in_the_folder_is_honoured(call: Call, tmp_path: Path) -> None:
    layers = [packed({"usr/bin/helper": b"\x7fELF" + b"\0" * 60}, mode=0o4755)]
    config = {"User": "root", "ExposedPorts": {"22/tcp": {}}}
    image = save(tmp_path / "image.tar", "shop/app:1.0", layers, config=config)
    (tmp_path / ".dockleignore").write_text("# starts as root\nCIS-DI-0001\nCIS-DI-0008\nCIS-DI-0005\n")
    words = ("scan", str(image), "--scanners", "config", "--format", "json")
    done = call(*words)
    assert [each["rule"] for each in done.document["config"]] == ["image-port-ssh"]
    assert {each["rule"] for each in done.document["silenced"]} == {"image-root-user", "image-setuid-file"}
    assert [each["state"] for each in done.document["suppressions"]] == ["used", "used"]
    assert ".dockleignore:4: suppresses nothing: no check of images here goes by 'CIS-DI-0005'" in done.err
    assert ".dockleignore:2" not in done.err
    assert len(call(*words, "--ignore-file", "none").document["config"]) == 3


def test_a_vex_document_for_another_image_takes_nothing_out(call: Call, tmp_path: Path) -> None:
    document = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "statements": [
            {
                "vulnerability": {"name": FLAW},
                "products": [{"@id": product}],
                "status": "not_affected",
                "justification": "component_not_present",
            }
            for product in ("pkg:oci/other@sha256%3A" + "0" * 64, "")
        ],
    }
    (tmp_path / "vex.json").write_text(json.dumps(document))
    done = scan(call, "--vex", "vex.json")
    assert FLAW in ids(done)
    assert [state for _, state, _ in states(done)] == ["other_image"]
    assert "suppresses nothing: its product has neither id nor package URL" in done.err


# ── docs/howto/suppress-findings.md ─────────────────────────────────────────────────────────────────────

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "suppress-findings.md"


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def test_the_commands_of_the_page_run(call: Call, tmp_path: Path) -> None:
    (tmp_path / "supplier.json").write_text(json.dumps(openvex(statement())))
    (tmp_path / ".trivyignore").write_text(f"{FLAW}\n")
    (tmp_path / ".grype.yaml").write_text(f"ignore:\n- vulnerability: {FLAW}\n")
    codes = {}
    for line in "".join(blocks("sh")).splitlines():
        words = shlex.split(line.replace("$IMAGE", IMAGE))
        assert words[0] == "hullmark"
        if "--vex-key" in words:
            continue  # needs a registry: test_attached_vex.py runs it
        when = ("--as-of", AS_OF) if words[1] == "scan" else ()
        done = call(*words[1:], *when)
        codes[line] = done.code
        assert done.code == ("--fail-on high" in line), line + done.err
    assert len(codes) == 7
    validate(json.loads((tmp_path / "vex.json").read_bytes()), SCHEMA)


def test_the_file_of_the_page_is_one(call: Call, tmp_path: Path) -> None:
    (text,) = blocks("yaml")
    (tmp_path / FILE).write_text(text)
    done = scan(call)  # of the base image nothing is known here, so nothing is known to be `own`
    assert [state for _, state, _ in states(done)] == ["fix_available", "unused"]
    assert FLAW not in ids(done)
    (tmp_path / FILE).write_text(re.sub("^    layer:.*\n", "", text, flags=re.MULTILINE))
    assert not {FLAW, "CVE-2020-11022", "CVE-2020-11023"} & ids(scan(call))


def test_each_justification_is_on_the_page() -> None:
    assert [word for word in sorted(JUSTIFICATIONS) if f"`{word}`" not in PAGE.read_text("utf-8")] == []


JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI4NDIxOTYwMyIsImlhdCI6MTcwOTI4ODQwMX0.{}"


@pytest.fixture
def app(tmp_path: Path) -> str:
    """A folder with a secret whose rule is called by one word."""
    signature = base64.urlsafe_b64encode(hashlib.sha256(b"x").digest()).decode().rstrip("=")
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "settings.ini").write_text(f"session = {JWT.format(signature)}\n")
    return "dir:app"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (FILE, "ignore:\n- id: jwt\n"),
        (FILE, "ignore:\n- id: [CVE-2023-4911, JWT]\n"),
        (".trivyignore", "jwt\n"),
        (".trivyignore.yaml", "secrets:\n- id: jwt\n"),
        (".trivyignore", "betterleaks.jwt\n"),
    ],
)
def test_a_rule_that_is_called_by_one_word_is_ignored(
    call: Call, tmp_path: Path, app: str, name: str, text: str
) -> None:
    words = ("scan", app, "--scanners", "secret", "--format", "json", "--ignore-file", name)
    (tmp_path / name).write_text(text)
    done = call(*words)
    assert (done.code, done.document["secrets"]) == (0, [])
    assert [each["rule"] for each in done.document["silenced"]] == ["json-web-token"]
    assert "suppresses nothing" not in done.err


def test_a_word_that_names_no_rule_is_told_with_its_line(call: Call, tmp_path: Path, app: str) -> None:
    words = ("scan", app, "--scanners", "secret", "--format", "json")
    (tmp_path / ".trivyignore").write_text("# ours\njwtt\n")
    done = call(*words, "--ignore-file", ".trivyignore")
    assert [each["rule"] for each in done.document["secrets"]] == ["json-web-token"]
    assert (
        ".trivyignore:2: suppresses nothing: no flaw can have the id 'jwtt', and no rule has it" in done.err
    )
    (tmp_path / FILE).write_text("ignore:\n- id: jwtt\n")
    done = call(*words)
    assert done.code == 2
    assert f"{FILE}:2: no flaw can have the id 'jwtt', and no rule has it" in done.err


def test_the_command_takes_a_rule_of_one_word(call: Call, app: str) -> None:
    done = call("ignore", "jwt", "--reason", "x")
    assert (done.code, done.err) == (0, "")
    assert call("ignore", "jwtt", "--reason", "x").code == 2
    assert "jwt" in call("ignore", "--list").out
    assert call("scan", app, "--scanners", "secret", "--format", "json").document["secrets"] == []
