"""Secrets and misconfigurations: what is counted by a gate, narrowed, silenced and known from another report."""

from typing import Any

import pytest
from msgspec.structs import replace

from hullmark.findings.diff import diff, only_new
from hullmark.findings.narrowing import Known, Narrowing, narrowed
from hullmark.findings.statements import read_ignores
from hullmark.model.advisory import Severity
from hullmark.model.facts import Unread
from hullmark.model.report import Misconfiguration, Report, SecretFinding, Suppression
from hullmark.scan.gate import parse_gate
from hullmark.scan.several import added, together
from reports.sample import CONFIG, LINTED, LINTED_CONFIG, SAMPLE, SECRETS, WHOLE

KEY, AWS, UNSURE, BASE = SECRETS[:4]
ROOT, PORT, SUID = CONFIG[:3]


def of(*found: SecretFinding | Misconfiguration, start: Report = SAMPLE, **changes: Any) -> Report:
    made: Report = replace(
        start,
        findings=(),
        suppressed=(),
        suppressions=(),
        silenced=(),
        secrets=tuple(each for each in found if isinstance(each, SecretFinding)),
        config=tuple(each for each in found if isinstance(each, Misconfiguration)),
        secrets_key="k1",
        **changes,
    )
    return made


def over(report: Report, spec: str) -> str:
    gate = parse_gate(spec)
    assert gate is not None
    return "; ".join(gate.over(report)).rpartition("over the gate: ")[2]


def ignoring(text: str, name: str = ".hullmark-ignore.yaml") -> Narrowing:
    return Narrowing(suppressions=read_ignores(name, text.encode()).suppressions)


def names(report: Report) -> list[str]:
    return [*(secret.rule for secret in report.secrets), *(each.rule for each in report.config)]


# ── gates ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("critical", "1 malicious, 2 critical, 1 critical secret"),
        ("vuln:critical", "1 malicious, 2 critical"),
        ("secret:critical", "1 malicious, 1 critical secret"),
        ("secret:high", "1 malicious, 1 critical secret, 1 high secret"),
        ("config:medium", "1 malicious, 1 high misconfiguration, 1 medium misconfiguration"),
        (
            "vuln:critical,secret:high,config:low",
            "1 malicious, 2 critical, 1 critical secret, 1 high secret, 1 high misconfiguration, 1 medium misconfiguration, 3 low misconfigurations",
        ),
        (
            "config:negligible,secret:medium",
            "1 malicious, 1 critical secret, 1 high secret, 1 high misconfiguration, 1 medium misconfiguration, 3 low misconfigurations, 1 negligible misconfiguration",
        ),
    ],
)
def test_a_gate_counts_all_three_and_says_how_many_of_which(spec: str, said: str) -> None:
    assert over(WHOLE, spec) == said


def test_a_secret_that_may_be_none_counts_for_no_gate() -> None:
    assert over(of(UNSURE, BASE), "negligible,unknown") == ""
    assert over(of(replace(UNSURE, confidence="high")), "secret:high") == "1 high secret"


def test_what_nobody_judged_counts_only_if_named() -> None:
    report = of(replace(ROOT, severity=Severity.UNKNOWN))
    assert over(report, "negligible") == ""
    assert over(report, "config:unknown") == "1 unknown misconfiguration"


def test_a_gate_on_files_names_them() -> None:
    gate = parse_gate("secret:high,config:high")
    assert gate is not None
    assert gate.over(LINTED) == [
        "docker/Dockerfile, web app/Dockerfile#1: over the gate: 1 high secret, 1 high misconfiguration"
    ]
    assert gate.not_looked_for(LINTED, ()) == []


# ── filters ─────────────────────────────────────────────────────────────────────────────────────────────


def test_severities_hide_and_a_gate_counts_all_the_same() -> None:
    found = narrowed(of(KEY, AWS, UNSURE, ROOT, PORT), Narrowing(severities=(Severity.CRITICAL,)))
    assert names(found) == ["private-key"]
    assert [(each.rule, each.gated, each.reason) for each in found.silenced] == [
        ("aws-access-key", True, "--severity critical"),
        ("password-in-name", True, "--severity critical"),
        ("exposed-port", True, "--severity critical"),
        ("runs-as-root", True, "--severity critical"),
    ]
    assert over(found, "high") == "1 critical secret, 1 high secret, 1 high misconfiguration"
    assert found.summary.secrets["critical"] == 1
    assert found.summary.secrets["high"] == found.summary.config["high"] == 0


def test_a_statement_is_about_what_the_severities_hide_too() -> None:
    first = narrowed(of(AWS, ROOT), Narrowing(severities=(Severity.LOW,)))
    again = narrowed(first, ignoring("ignore:\n- id: DL3002\n  reason: r\n"))
    assert over(again, "high") == "1 high secret"
    assert [(each.rule, each.gated, each.by) for each in again.silenced] == [
        ("aws-access-key", True, -1),
        ("runs-as-root", False, 0),
    ]


def test_what_is_hidden_stays_so_for_its_first_reason() -> None:
    first = narrowed(of(AWS, ROOT), Narrowing(severities=(Severity.LOW,)))
    again = narrowed(first, Narrowing(severities=(Severity.HIGH,)))
    assert (again.silenced, again.secrets, again.config) == (first.silenced, (), ())


def test_a_filter_of_packages_is_none_of_secrets() -> None:
    report = of(AWS, ROOT)
    asked = Narrowing(fixable_only=True, pkg_types=("os",), ignore_states=("affected",))
    assert names(narrowed(report, asked)) == ["aws-access-key", "runs-as-root"]


def test_skipped_paths_are_those_of_files() -> None:
    found = narrowed(of(KEY, AWS, PORT, SUID), Narrowing(), ("app", "config.*", "usr/**"))
    assert names(found) == ["private-key", "exposed-port"]
    assert {each.reason for each in found.silenced} == {"--skip-path"}
    files = narrowed(LINTED, Narrowing(), ("docker/**",))
    assert names(files) == ["piped-to-shell"]
    assert over(files, "negligible") == "1 medium misconfiguration"


def test_worst_first_whatever_the_order() -> None:
    report = of(*reversed((KEY, AWS, UNSURE, BASE)), *reversed((ROOT, PORT, SUID)))
    assert names(narrowed(report, Narrowing())) == names(of(KEY, AWS, UNSURE, BASE, ROOT, PORT, SUID))


# ── statements ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name", ["runs-as-root", "RUNS-AS-ROOT", "DL3002", "AVD-DS-0002", "DS002", "ds-0002", "CIS-DI-0001"]
)
def test_a_rule_is_named_by_any_of_its_ids(name: str) -> None:
    found = narrowed(of(ROOT, PORT), ignoring(f"ignore:\n- id: {name}\n  reason: only a build stage\n"))
    assert names(found) == ["exposed-port"]
    (taken,) = found.silenced
    assert (taken.rule, taken.path, taken.reason, taken.by) == (
        "runs-as-root",
        "config.User",
        "only a build stage",
        0,
    )
    assert taken.config == ROOT
    assert [(each.state, each.findings) for each in found.suppressions] == [("used", 1)]
    assert over(found, "config:high") == ""


@pytest.mark.parametrize(
    ("more", "taken"),
    [
        ("path: app/.env", True),
        ("path: app", True),
        ("path: etc", False),
        ("layer: own", True),
        ("layer: base", False),
        (f"layer: {AWS.layer_digest}", True),
        ("package: openssl", False),
        ("expires: 2026-01-30", False),
        ("expires: 2026-01-31", True),
    ],
)
def test_all_that_an_entry_names_must_fit(more: str, taken: bool) -> None:  # noqa: FBT001  # a parameter
    found = narrowed(of(AWS), ignoring(f"ignore:\n- id: aws-access-key\n  {more}\n  reason: r\n"))
    assert bool(found.silenced) is taken
    assert bool(found.secrets) is not taken


def test_an_entry_without_a_rule_takes_out_no_secret() -> None:
    found = narrowed(of(AWS), ignoring("ignore:\n- path: app/**\n  reason: r\n"))
    assert names(found) == ["aws-access-key"]
    assert [each.state for each in found.suppressions] == ["unused"]


def test_a_vex_statement_takes_out_no_secret() -> None:
    said = Suppression(source="a.json", ids=("aws-access-key",), status="not_affected", reason="r")
    assert names(narrowed(of(AWS), Narrowing(suppressions=(said,)))) == ["aws-access-key"]


def test_the_files_of_trivy() -> None:
    yaml = "misconfigurations:\n- id: AVD-DS-0002\nsecrets:\n- id: aws-access-key-id\n  paths: ['app/**']\n"
    assert names(narrowed(of(AWS, ROOT, PORT), ignoring(yaml, ".trivyignore.yaml"))) == ["exposed-port"]
    assert names(narrowed(of(AWS, ROOT, PORT), ignoring("DS002\naws-access-key-id\n", ".trivyignore"))) == [
        "exposed-port"
    ]


# ── what another report has already ─────────────────────────────────────────────────────────────────────


def since(report: Report, *before: Report) -> list[str]:
    return names(narrowed(report, Narrowing(known=Known("other", before))))


def test_what_another_report_has_is_not_new() -> None:
    report = of(AWS, KEY, ROOT, PORT)
    assert since(report, of(AWS, ROOT)) == ["private-key", "exposed-port"]
    assert since(report, narrowed(of(AWS, ROOT), ignoring("ignore:\n- id: DL3002\n  reason: r\n"))) == [
        "private-key",
        "exposed-port",
    ]
    assert since(report) == ["private-key", "aws-access-key", "runs-as-root", "exposed-port"]


def test_a_secret_is_the_same_by_rule_path_and_value() -> None:
    others = (
        replace(AWS, rule="other"),
        replace(AWS, path="app/other"),
        replace(AWS, fingerprint="00"),
    )
    assert since(of(replace(AWS, line=99, severity=Severity.LOW)), of(AWS)) == []
    for other in others:
        assert since(of(AWS), of(other)) == [AWS.rule]
    # With another key a value cannot be told from another.
    assert since(of(AWS), replace(of(others[2]), secrets_key="k2")) == []
    assert since(of(AWS, replace(AWS, line=9)), replace(of(others[2]), secrets_key="k2")) == [AWS.rule]


def test_a_misconfiguration_is_the_same_by_rule_file_and_resource() -> None:
    assert since(of(replace(PORT, line=99, message="x")), of(PORT)) == []
    for change in ({"rule": "other"}, {"file": "other"}, {"resource": "23/tcp"}):
        assert since(of(PORT), of(replace(PORT, **change))) == [PORT.rule]
    again = replace(LINTED_CONFIG[2], line=99)
    assert since(of(LINTED_CONFIG[2], again), of(LINTED_CONFIG[2])) == ["piped-to-shell"]


# ── comparisons ─────────────────────────────────────────────────────────────────────────────────────────


def changes(before: Report, after: Report) -> list[tuple[str, str]]:
    found = diff(before, after)
    return [
        *((each.change, each.secret.rule) for each in found.secrets),
        *((each.change, each.misconfiguration.rule) for each in found.config),
    ]


def test_what_is_new_gone_and_unchanged() -> None:
    before, after = (
        of(AWS, UNSURE, ROOT, PORT),
        of(replace(AWS, line=9), KEY, replace(ROOT, message="x"), SUID),
    )
    assert changes(before, after) == [
        ("new", "private-key"),
        ("gone", "password-in-name"),
        ("new", "suid-file"),
        ("gone", "exposed-port"),
    ]
    summary = diff(before, after).summary
    assert summary.secrets == summary.config == {"new": 1, "gone": 1, "unchanged": 1}
    assert changes(before, before) == []
    assert over(only_new(after, diff(before, after)), "low") == "1 critical secret, 1 low misconfiguration"


def test_a_gate_counts_what_is_new_and_hidden_by_its_severity() -> None:
    before, after = of(ROOT), narrowed(of(ROOT, AWS, PORT), Narrowing(severities=(Severity.HIGH,)))
    assert over(only_new(after, diff(before, after)), "low") == "1 high secret, 1 medium misconfiguration"
    found = diff(before, after)
    assert [each.suppressed for each in found.config] == ["--severity high"]
    assert found.summary.config == {"new": 0, "gone": 0, "unchanged": 1}
    assert found.summary.suppressed == 1


def test_what_the_other_side_could_not_show_is_not_certain() -> None:
    blind = of(coverage=replace(SAMPLE.coverage, scanners=("vuln", "config")), errors=())
    found = diff(blind, of(AWS, ROOT, coverage=WHOLE.coverage, errors=()))
    assert [each.unsure for each in found.secrets] == ["no secrets were looked for in the first"]
    assert [each.unsure for each in found.config] == [""]
    assert found.summary.unsure == 1
    unread = of(coverage=WHOLE.coverage, errors=(Unread("file", "broken", AWS.path),))
    assert [each.unsure for each in diff(of(AWS), unread).secrets] == [
        "the file could not be read in the second"
    ]
    cut = of(coverage=WHOLE.coverage, errors=(Unread("layer", "broken"),))
    assert [each.unsure for each in diff(of(ROOT), cut).config] == ["a layer of the second could not be read"]


def test_other_keys_are_said() -> None:
    found = diff(of(AWS), replace(of(replace(AWS, fingerprint="00")), secrets_key="k2"))
    assert found.secrets == ()
    assert "secrets_key" in {each.kind for each in found.caveats}
    assert "secrets_key" not in {each.kind for each in diff(of(AWS), of(AWS)).caveats}


def test_files_are_compared_by_name() -> None:
    found = diff(LINTED, replace(LINTED, config=LINTED_CONFIG[:1]))
    assert found.before.name == "docker/Dockerfile, web app/Dockerfile#1"
    assert [each.change for each in found.config] == ["gone", "gone"]
    assert found.caveats == ()


def test_numbers_over_several() -> None:
    whole = added(together([], []), [narrowed(of(AWS, ROOT), Narrowing()), narrowed(of(AWS), Narrowing())])
    assert (whole.summary.secrets["high"], whole.summary.config["high"]) == (2, 1)
