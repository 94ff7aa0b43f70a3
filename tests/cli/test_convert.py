"""A stored report in other formats, past a gate, narrowed further: as the scan itself would have done."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from cli.conftest import IMAGE, Call
from e2e.program import AS_OF
from hullmark.cli import judging
from hullmark.reports import formats, render
from reports.sample import LINTED, WHOLE

TEMPLATE = "{{ report.image.name }}: {{ report.findings | length }}\n"


@pytest.fixture
def stored(call: Call, tmp_path: Path) -> str:
    path = tmp_path / "report.json"
    assert call("scan", IMAGE, "--as-of", AS_OF, "--format", f"json={path}", "--quiet").code == 0
    return str(path)


@pytest.mark.parametrize("name", formats())
@pytest.mark.parametrize("more", [(), ("--severity", "high,medium", "--show-suppressed")])
def test_a_stored_report_is_written_byte_for_byte_as_the_scan_would_have(
    call: Call, tmp_path: Path, stored: str, name: str, more: tuple[str, ...]
) -> None:
    (tmp_path / "own.j2").write_text(TEMPLATE)
    words = ["--format", name, *more, *(("--template", "own.j2") if name == "template" else ())]
    scanned = call("scan", IMAGE, "--as-of", AS_OF, *words)
    converted = call("convert", stored, *words)
    assert scanned.code == converted.code == 0, scanned.err + converted.err
    assert scanned.out == converted.out != ""


def test_several_at_once(call: Call, tmp_path: Path, stored: str) -> None:
    done = call(
        "convert", stored, "--format", "table", "--format", "json=again.json", "--format", "spdx=s.json"
    )
    assert done.code == 0
    assert (tmp_path / "again.json").read_bytes() == Path(stored).read_bytes()
    assert json.loads((tmp_path / "s.json").read_bytes())["spdxVersion"] == "SPDX-2.3"


@pytest.mark.parametrize("template", [TEMPLATE, "{{ 1 / 0 }}"])
def test_many_formats_of_a_large_report_are_what_each_is_alone(
    call: Call, tmp_path: Path, stored: str, monkeypatch: pytest.MonkeyPatch, template: str
) -> None:
    """They are made in processes: also where one of them cannot be made, which is said as it is when it is alone."""
    (tmp_path / "own.j2").write_text(template)
    alone = {
        name: call("convert", stored, "--format", f"{name}={name}.alone", "--template", "own.j2")
        for name in formats()
    }
    monkeypatch.setattr(judging, "_LARGE", 0)
    together = [f"--format={name}={name}.together" for name in formats()]
    done = call("convert", stored, *together, "--template", "own.j2")
    wrong = [name for name, each in alone.items() if each.code]
    assert done.code == (2 if wrong else 0), done.err
    assert [name for name in wrong if alone[name].err.strip() not in done.err] == []
    for name in formats():
        if name not in wrong:
            assert (tmp_path / f"{name}.together").read_bytes() == (tmp_path / f"{name}.alone").read_bytes()


@pytest.mark.parametrize(
    "gate", ["critical", "high", "medium,unknown", "secret:high", "vuln:low", "negligible"]
)
def test_a_gate_says_of_a_stored_report_what_it_says_of_the_image(call: Call, stored: str, gate: str) -> None:
    scanned = call("scan", IMAGE, "--as-of", AS_OF, "--fail-on", gate)
    converted = call("convert", stored, "--fail-on", gate)
    assert (scanned.code, scanned.err) == (converted.code, converted.err)


def test_a_gate_does_not_hold_where_nothing_was_looked_for(call: Call) -> None:
    words = ("--as-of", AS_OF, "--scanners", "config", "--fail-on", "vuln:high", "--format")
    assert call("scan", IMAGE, *words, "json=r.json").code == 3
    converted = call("convert", "r.json", "--fail-on", "vuln:high")
    assert converted.code == 3
    assert "not checked: no vuln scanner ran" in converted.err
    assert call("convert", "r.json").code == 0


def counted(document: Any) -> dict[str, int]:
    return {level: count for level, count in document["summary"]["by_severity"].items() if count}


@pytest.mark.parametrize(
    "flags",
    [
        ("--severity", "high"),
        ("--fixable-only",),
        ("--pkg-types", "os"),
        ("--pkg-types", "library"),
        ("--ignore-status", "fixed_available"),
    ],
)
def test_a_filter_takes_out_of_a_stored_report_what_it_does_of_the_image(
    call: Call, stored: str, flags: tuple[str, ...]
) -> None:
    scanned = call("scan", IMAGE, "--as-of", AS_OF, "--format", "json", *flags)
    assert call("convert", stored, "--format", "json", *flags).out == scanned.out
    assert counted(scanned.document) != counted(json.loads(Path(stored).read_bytes()))


def test_what_was_taken_out_stays_out(call: Call) -> None:
    assert call("scan", IMAGE, "--as-of", AS_OF, "--severity", "high", "--format", "json=r.json").code == 0
    done = call("convert", "r.json", "--format", "json", "--fixable-only")
    assert {finding["severity"] for finding in done.document["findings"]} == {"high"}
    assert {each["reason"] for each in done.document["suppressed"]} >= {"--severity high"}


def test_a_report_of_several_images(call: Call) -> None:
    assert call("scan", IMAGE, "none.tar", "--as-of", AS_OF, "--format", "json=set.json", "--quiet").code == 3
    done = call("convert", "set.json", "--format", "table")
    assert "none.tar: not scanned" in done.out
    assert done.code == 3
    narrowed = call("convert", "set.json", "--format", "json", "--severity", "critical")
    assert narrowed.document["summary"]["findings"] == 0
    assert narrowed.document["failures"][0]["name"] == "none.tar"
    assert call("convert", "set.json", "--format", "spdx").code == 2


def test_only_what_is_new_since_another_report(call: Call, tmp_path: Path, stored: str) -> None:
    document = json.loads(Path(stored).read_bytes())
    gone = document["findings"].pop(0)
    (tmp_path / "before.json").write_text(json.dumps(document))
    done = call(
        "convert", stored, "--new-since", "before.json", "--format", "json", "--fail-on", "negligible"
    )
    assert [(f["id"], f["name"]) for f in done.document["findings"]] == [(gone["id"], gone["name"])]
    assert done.code == 1
    assert call("convert", stored, "--new-since", stored, "--fail-on", "negligible").code == 0
    scanned = call(
        "scan", IMAGE, "--as-of", AS_OF, "--new-since", IMAGE, "--fail-on", "negligible", "--format", "json"
    )
    assert scanned.document["findings"] == []
    assert scanned.code == 0


def test_no_report_is_told(call: Call, tmp_path: Path) -> None:
    (tmp_path / "half.json").write_text('{"schema_version": "1.1", "tool"')
    done = call("convert", "half.json")
    assert done.code == 2
    assert "half.json: is no report of --format json" in done.err
    assert call("convert", "none.json").code == 3


@pytest.fixture
def with_secrets(tmp_path: Path) -> str:
    (tmp_path / "whole.json").write_bytes(render("json", replace(WHOLE, findings=(), errors=())))
    return "whole.json"


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        ("secret:high", "1 critical secret, 1 high secret"),
        ("config:high", "1 high misconfiguration"),
        ("vuln:low,config:medium", "1 high misconfiguration, 1 medium misconfiguration"),
        ("vuln:low", ""),
    ],
)
def test_a_gate_on_secrets_and_misconfigurations_of_a_stored_report(
    call: Call, with_secrets: str, gate: str, said: str
) -> None:
    done = call("convert", with_secrets, "--fail-on", gate)
    assert done.code == (1 if said else 3)  # packages of the sample were not checked
    assert (f"over the gate: {said}\n" in done.err) is bool(said)
    assert "This would fail: hullmark scan registry.example/team/app:1.2 --fail-on critical" in done.out


def test_ignore_files_and_filters_are_about_them_too(call: Call, tmp_path: Path, with_secrets: str) -> None:
    (tmp_path / ".trivyignore").write_text("DS002\nprivate-key\n")
    words = (
        "convert",
        with_secrets,
        "--ignore-file",
        ".trivyignore",
        "--severity",
        "high",
        "--format",
        "json",
    )
    done = call(*words, "--fail-on", "secret:critical,config:high")
    assert (done.code, done.err) == (0, "")
    assert [each["rule"] for each in done.document["secrets"]] == ["aws-access-key", "password-in-name"]
    assert done.document["config"] == []
    assert done.document["summary"]["secrets"]["high"] == 2
    assert [each["state"] for each in done.document["suppressions"][-2:]] == ["used", "used"]
    assert call(*words, "--fail-on", "config:medium").code == 1  # hidden, and counted
    new = call("convert", with_secrets, "--new-since", with_secrets, "--format", "json", "--fail-on", "low")
    assert (new.document["secrets"], new.document["config"], new.code) == ([], [], 3)
    assert "over the gate" not in new.err


def test_what_lint_wrote_is_read_and_gated(call: Call, tmp_path: Path) -> None:
    (tmp_path / "lint.json").write_bytes(render("json", LINTED))
    done = call("convert", "lint.json", "--format", "github", "--fail-on", "config:high")
    assert done.code == 1
    assert "docker/Dockerfile, web app/Dockerfile#1: over the gate: 1 high misconfiguration" in done.err
    assert "::error file=docker/Dockerfile,line=2,col=1,endColumn=9," in done.out
    assert call("diff", "lint.json", "lint.json", "--fail-on", "secret:low,config:low").code == 0


FILTERS = [
    ("--severity", "high"),
    ("--severity", "high,critical", "--fixable-only"),
    ("--pkg-types", "os", "--severity", "high"),
    ("--ignore-status", "fixed_available"),
    ("--ignore-file", "own.yaml", "--severity", "high"),
    ("--new-since", "before.json"),
]
STATED_ALWAYS = {"cyclonedx", "spdx3"}
"""What a statement took out is VEX, and always there."""


@pytest.mark.parametrize("name", formats())
@pytest.mark.parametrize("flags", FILTERS, ids=" ".join)
def test_a_filter_means_the_same_in_every_format(
    call: Call, tmp_path: Path, stored: str, name: str, flags: tuple[str, ...]
) -> None:
    document = json.loads(Path(stored).read_bytes())
    (tmp_path / "own.yaml").write_text("ignore:\n  - {id: NSWG-ECO-106, reason: not used}\n")
    (tmp_path / "own.j2").write_text("{% for f in report.findings %}{{ f.id }}\n{% endfor %}")
    before = document | {"findings": document["findings"][3:]}
    (tmp_path / "before.json").write_text(json.dumps(before))
    shown = call("convert", stored, "--format", "json", *flags).document["findings"]
    hidden = {each["id"] for each in document["findings"]} - {each["id"] for each in shown}
    assert shown
    assert hidden
    said = json.dumps(shown)
    more = ("--template", "own.j2") if name == "template" else ()
    out = call("convert", stored, "--format", name, *flags, *more).out
    # SPDX 3 has another word for a release without support.
    told = [each["id"] for each in shown if name != "spdx3" or each["kind"] != "end_of_life"]
    assert [one for one in told if one not in out] == []
    if name in {"json", *STATED_ALWAYS}:
        return  # what was taken out stands elsewhere in these
    if name == "html" and "--ignore-file" in flags:
        hidden.discard("NSWG-ECO-106")  # the page lists the statements
    assert [one for one in sorted(hidden) if one in out and one not in said] == []


def test_a_baseline_means_what_it_does_in_a_scan(call: Call, tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / ".env").write_text("DB_PASSWORD=Nvz7kQ2wXp9LsT4e\n")
    scan = ("scan", "dir:app", "--scanners", "secret", "--as-of", AS_OF)
    assert call(*scan, "--format", "json=known.json").code == 0
    (tmp_path / "app" / "later.env").write_text("API_PASSWORD=Rt5mWq8zYb3JhF6u\n")
    assert call(*scan, "--format", "json=r.json").code == 0
    asked = ("--baseline", "known.json", "--fail-on", "secret:low", "--format", "json")
    scanned, converted = call(*scan, *asked), call("convert", "r.json", *asked)
    assert scanned.code == converted.code == 1
    assert (converted.out, converted.err) == (scanned.out, scanned.err)
    assert [each["path"] for each in converted.document["secrets"]] == ["later.env"]
    assert [each["reason"] for each in converted.document["silenced"]] == ["--baseline known.json"]
    assert call("convert", "r.json", "--baseline", "r.json", "--fail-on", "secret:low").code == 0
    table = call("convert", "r.json", "--baseline", "known.json")
    assert "1 secret not shown: 1 by --baseline known.json" in table.out


def test_a_baseline_of_another_key_is_refused(call: Call, tmp_path: Path, with_secrets: str) -> None:
    (tmp_path / "known.json").write_text(
        '{"secrets_key": "other", "secrets": [{"rule": "private-key", "fingerprint": "hmac:1"}]}'
    )
    done = call("convert", with_secrets, "--baseline", "known.json")
    assert done.code == 2
    assert "known.json: was made with another key" in done.err
