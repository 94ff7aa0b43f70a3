"""The command line inside one process: grammar, filters, outputs, settings, faults; and what reaches which stream."""

import io
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, get_args

import pytest

from cli.conftest import IMAGE, Call
from e2e.program import AS_OF, DEMO, dpkg_status, environment, layer, write_layout
from hullmark.cli.commands import COMMANDS
from hullmark.cli.judging import StateName
from hullmark.cli.matching import SCANNERS
from hullmark.cli.options import settings_of
from hullmark.images.open import all_sources
from hullmark.model.advisory import CveRecord, Range, Score, Severity
from hullmark.model.errors import ImageError
from hullmark.reports import formats
from toys.feed import advisory, affected, built

LEVELS = ["critical", "high", "medium", "low", "negligible", "unknown"]


def scanned(call: Call, *arguments: str, code: int = 0) -> Any:
    done = call("scan", IMAGE, "--format", "json", "--as-of", AS_OF, *arguments)
    assert done.code == code, done.err
    return done.document


# ---- the gate ----


@pytest.mark.parametrize("spec", ["high", "HIGH", " high ", "critical,high", "high,", "vuln:high", "medium"])
def test_over_the_gate(call: Call, spec: str) -> None:
    done = call("scan", IMAGE, "--fail-on", spec)
    assert done.code == 1
    assert "over the gate: 6 high" in done.err


@pytest.mark.parametrize("spec", ["critical", "vuln:critical"])
def test_not_over_the_gate(call: Call, spec: str) -> None:
    assert call("scan", IMAGE, "--fail-on", spec).code == 0


@pytest.mark.parametrize(
    ("spec", "scanners", "missing"),
    [
        ("vuln:critical,secret:high", "vuln", ["secret"]),
        ("vuln:critical,secret:high,config:critical", "vuln", ["secret", "config"]),
        ("vuln:critical", "secret", ["vuln"]),
        ("vuln:low", "config", ["vuln"]),
    ],
)
def test_a_gate_on_what_nobody_looked_for_is_not_passed(
    call: Call, spec: str, scanners: str, missing: list[str]
) -> None:
    done = call("scan", IMAGE, "--fail-on", spec, *(("--scanners", scanners) if scanners else ()), "--quiet")
    assert done.code == 3
    said = [line for line in done.err.splitlines() if "not checked" in line]
    assert said == [f"hullmark: error: {IMAGE}: not checked: no {kind} scanner ran" for kind in missing]


def test_scanners_rule(call: Call) -> None:
    """Without `vuln` nothing is matched, and nothing looks as if it had been; by default nobody is warned."""
    for arguments in ((), ("--scanners", "vuln")):
        done = call("scan", IMAGE, "--format", "json", "--as-of", AS_OF, *arguments)
        ran = [*arguments[1:]] or ["vuln", "secret", "config"]
        assert (done.err, done.document["coverage"]["scanners"]) == ("", ran)
    done = call(
        "scan", IMAGE, "--scanners", "secret,config", "--format", "json=out.json", "--format", "table"
    )
    assert done.code == 0
    document = json.loads(Path("out.json").read_bytes())
    assert document["coverage"]["scanners"] == ["secret", "config"]
    assert document["coverage"]["not_checked"] == 0
    assert document["coverage"]["release"] == ""
    assert (document["findings"], document["database"]["parts"]) == ([], [])
    assert len(document["packages"]) > 10
    assert {package["coverage"] for package in document["packages"]} == {None}
    assert f"{len(document['packages'])} packages; no vulnerabilities were looked for" in done.out
    assert "Checked" not in done.out
    assert "nothing found" not in done.out


@pytest.mark.parametrize(
    "spec", ["hihg", "vuln:", ":high", "vuln:high:low", "secrets:high", ",", "", " ", "high;low", "7", "all"]
)
def test_no_gate_at_all_is_never_meant(call: Call, spec: str) -> None:
    done = call("scan", IMAGE, "--fail-on", spec)
    assert done.code == 2
    assert "--fail-on" in done.err
    assert done.out == "", "nothing was scanned"


def test_unknown_counts_only_where_it_is_named(call: Call) -> None:
    unknown = scanned(call, "--fail-on", "critical")["summary"]["by_severity"]["unknown"]
    assert unknown > 20
    done = call("scan", IMAGE, "--fail-on", "unknown")
    assert done.code == 1
    assert f"{unknown} unknown" in done.err
    assert "high" not in done.err.partition("→")[0]


def test_one_outranks_three_and_both_are_said(call: Call, tmp_path: Path) -> None:
    write_layout(tmp_path / "image", [layer({"var/lib/dpkg/status": dpkg_status(("base", "1"))})])
    unknown = str(tmp_path / "image")
    done = call("scan", unknown, "--fail-on", "vuln:low")
    assert (done.code, "1 package not checked (release_unknown)" in done.err) == (3, True)
    assert call("scan", unknown).code == 0, "without a gate nothing relies on it"
    assert call("scan", IMAGE, unknown, "oci:/nowhere", "--fail-on", "high").code == 1


def test_an_incomplete_layer_is_three_with_or_without_gate(call: Call, tmp_path: Path) -> None:
    (digest,) = write_layout(tmp_path / "image", [layer({"srv/x": b"x" * 1000})])
    blob = tmp_path / "image" / "blobs" / "sha256" / digest.partition(":")[2]
    blob.write_bytes(blob.read_bytes()[:-9])
    for more in ((), ("--quiet",), ("--fail-on", "critical"), ("--fail-on-incomplete",)):
        done = call("scan", str(tmp_path / "image"), "--format", "json", *more)
        assert done.code == 3
        assert "1 layer could not be read" in done.err, "whoever gets a code other than 0 is told why"
        assert done.document["incomplete"], "the partial report is written nevertheless"


def test_fail_on_incomplete(call: Call, tmp_path: Path) -> None:
    write_layout(tmp_path / "image", [layer({"srv/package-lock.json": b"{"})])
    assert call("scan", str(tmp_path / "image")).code == 0
    done = call("scan", str(tmp_path / "image"), "--fail-on-incomplete")
    assert (done.code, "1 file or record could not be read" in done.err) == (3, True)
    assert call("sbom", str(tmp_path / "image")).code == 0
    assert call("sbom", str(tmp_path / "image"), "--fail-on-incomplete").code == 3


# ---- filters ----


@pytest.mark.parametrize("level", LEVELS)
def test_each_severity_alone(call: Call, level: str) -> None:
    whole, some = scanned(call), scanned(call, "--severity", level)
    assert some["findings"] == [each for each in whole["findings"] if each["severity"] == level]
    assert len(some["findings"]) + len(some["suppressed"]) == len(whole["findings"])
    assert {entry["reason"] for entry in some["suppressed"]} <= {f"--severity {level}"}
    assert some["summary"]["findings"] == len(some["findings"])
    assert some["packages"] == whole["packages"]


def test_filters_add_up(call: Call) -> None:
    whole = scanned(call)
    some = scanned(
        call,
        "--severity",
        "high,medium",
        "--fixable-only",
        "--pkg-types",
        "library",
        "--ignore-status",
        "affected",
    )
    reasons = {entry["reason"] for entry in some["suppressed"]}
    assert reasons <= {
        "--severity high,medium",
        "--fixable-only",
        "--pkg-types library",
        "--ignore-status affected",
    }
    assert len(reasons) >= 2
    assert len(some["findings"]) + len(some["suppressed"]) == len(whole["findings"])
    assert {each["severity"] for each in some["findings"]} == {"high", "medium"}
    assert all(each["fixed_version"] for each in some["findings"])
    known = {json.dumps(each, sort_keys=True) for each in whole["findings"]}
    assert {
        json.dumps(each, sort_keys=True)
        for each in [*some["findings"], *(entry["finding"] for entry in some["suppressed"])]
    } == known


def test_a_filter_is_no_gate(call: Call) -> None:
    """`--severity` shortens the list, and the gate counts what it hides."""
    assert call("scan", IMAGE, "--severity", "critical", "--fail-on", "high").code == 1
    assert call("scan", IMAGE, "--severity", "high", "--fail-on", "high").code == 1


# ---- whose severity counts ----


V31 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
V2 = "AV:N/AC:L/Au:N/C:P/I:N/A:N"


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give an image whose one flaw four sources rate, each in its way."""
    flaw = affected("marked", Range(fixed="1.0.0"), ecosystem="npm")
    built(
        tmp_path,
        advisory(
            "GHSA-aaaa-bbbb-cccc",
            flaw,
            aliases=("CVE-2021-1000",),
            scores=(Score("ghsa", level=Severity.HIGH), Score("nswg", level=Severity.NEGLIGIBLE)),
        ),
        name="osv",
    )
    nvd = (
        Score("nvd", "cvss3", Severity.CRITICAL, V31, 9.8),
        Score("nvd", "cvss2", Severity.MEDIUM, V2, 5.0),
    )
    built(tmp_path, CveRecord("CVE-2021-1000", scores=nvd), name="nvd")
    cna = (
        Score("cna:marked", "cvss3", Severity.MEDIUM, V31, 5.0),
        Score("cisa-adp", "cvss3", Severity.LOW, V31, 2.0),
    )
    built(tmp_path, CveRecord("CVE-2021-1000", scores=cna), name="cvelist")
    monkeypatch.setenv("HULLMARK_DB_DIR", str(tmp_path / "db"))
    package = {"srv/node_modules/marked/package.json": b'{"name": "marked", "version": "0.3.5"}'}
    write_layout(tmp_path / "image", [layer(package)])
    return str(tmp_path / "image")


def told(call: Call, image: str, *flags: str) -> Any:
    done = call("scan", image, "--format", "json", *flags)
    assert done.code == 0, done.err
    (finding,) = json.loads(done.out)["findings"]
    return finding


def test_it_changes_whose_severity_counts_and_keeps_the_others(call: Call, image: str) -> None:
    usual = told(call, image)
    assert (usual["severity"], usual["severity_source"]) == ("high", "ghsa")
    for flag, severity, source in (
        ("nvd", "critical", "nvd"),
        ("nvd,vendor", "critical", "nvd"),
        ("vendor,adp", "low", "cisa-adp"),
        (" CNA , nvd", "medium", "cna:marked"),
        ("ecosystem", "negligible", "nswg"),
        ("vendor", "high", "ghsa"),
    ):
        found = told(call, image, "--severity-source", flag)
        assert (found["severity"], found["severity_source"]) == (severity, source), flag
        assert found["scores"] == usual["scores"]
    assert {(score["source"], score["kind"]) for score in usual["scores"]} == {
        ("ghsa", "level"),
        ("nswg", "level"),
        ("nvd", "cvss2"),
        ("nvd", "cvss3"),
        ("cna:marked", "cvss3"),
        ("cisa-adp", "cvss3"),
    }


def test_a_gate_goes_by_it(call: Call, image: str) -> None:
    words = ("scan", image, "--fail-on", "vuln:critical")
    assert "over the gate" not in call(*words).err
    assert "over the gate: 1 critical" in call(*words, "--severity-source", "nvd").err


def test_it_is_a_setting_as_others_are(
    call: Call,
    image: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "hullmark.toml").write_text('[scan]\nseverity-source = "nvd"\n')
    assert told(call, image)["severity_source"] == "nvd"
    monkeypatch.setenv("HULLMARK_SCAN_SEVERITY_SOURCE", "adp,nvd")
    assert told(call, image)["severity_source"] == "cisa-adp"
    assert told(call, image, "--severity-source", "cna")["severity_source"] == "cna:marked"


@pytest.mark.parametrize("text", ["ubuntu", "nvd,redhat", "nvd;cna"])
def test_a_name_that_is_none(call: Call, image: str, text: str) -> None:
    done = call("scan", image, "--severity-source", text)
    assert done.code == 2
    assert "it knows vendor, ghsa, ecosystem, cna, adp, nvd" in done.err
    assert done.out == ""


# ---- misuse ----


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--severity", "hihg"),
        ("--pkg-types", "apk"),
        ("--ignore-status", "fixed"),
        ("--scanners", "vulns"),
        ("--format", "xml"),
        ("--format", ""),
        ("--platform", "linux"),
        ("--platform", "linux/"),
        ("--platform", "a/b/c/d"),
        ("--as-of", "yesterday"),
        ("--timeout", "-1"),
        ("--timeout", "nan"),
        ("--timeout", "soon"),
        ("--db-max-age", "-1"),
        ("--limit", "nosuch=1"),
        ("--limit", "layers"),
        ("--limit", "layers=0"),
        ("--limit", "layers=-1"),
        ("--limit", "layers=²"),
        ("--limit", "layers=1e3"),
        ("--limit", "layers=" + "9" * 5000),
        ("--images", "/nowhere"),
        ("--nosuch", "1"),
        ("-x", "1"),
    ],
)
def test_what_makes_no_sense_is_said_before_anything_is_done(call: Call, flag: str, value: str) -> None:
    done = call("scan", IMAGE, flag, value)
    assert done.code == 2, done
    assert done.out == ""
    assert len(done.err.splitlines()) <= 2
    assert "fault" not in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("scan IMAGE --timeout soon", "--timeout: must be a number, not 'soon'"),
        ("scan IMAGE --fail-on", "--fail-on: expected one argument"),
        ("scan IMAGE --fail-on --quiet", "--fail-on: expected one argument"),
        ("scan IMAGE --formt json", "there is no option --formt; --format is the nearest"),
        ("scan IMAGE --qui", "there is no option --qui; --quiet is the nearest"),
        ("scan IMAGE --sev high", "there is no option --sev; --severity is the nearest"),
        ("scan IMAGE --zuput=x", "there is no option --zuput"),
        ("scan IMAGE --passwort=geheim", "there is no option --passwort; --password-stdin is the nearest"),
        ("scan IMAGE --quiet=1", "--quiet: ignored explicit argument '1'"),
        ("scan IMAGE --platform a/b --platform a/c", "--platform may be given once only"),
        ("scan -- -x", "-x: no image reference begins with a hyphen"),
        ("scan", "no image is named"),
        ("scna IMAGE", "there is no command 'scna'; scan is the nearest"),
        ("db buidl", "there is no command 'db buidl'; build is the nearest"),
        ("db build", "--from must be given"),
        ("sbom", "IMAGE must be given"),
        ("sbom IMAGE IMAGE", "one IMAGE is wanted, and these are 2"),
        ("cache info x", "'x' is not understood"),
        ("completion tcsh", "'tcsh' is no shell that is known"),
        ("--nosuch", "there is no command '--nosuch'"),
        ("scan EMPTY", "an image reference is empty"),
        ("scan IMAGE EMPTY", "an image reference is empty"),
        ("sbom EMPTY", "an image reference is empty"),
        ("scan IMAGE --base EMPTY", "the base image cannot be read: an image reference is empty"),
    ],
)
def test_misuse_is_said_in_a_line_and_a_hint(call: Call, words: str, said: str) -> None:
    done = call(*({"IMAGE": IMAGE, "EMPTY": ""}.get(word, word) for word in words.split()))
    assert (done.code, done.out) == (2, "")
    first, hint = done.err.splitlines()
    assert first == f"hullmark: error: {said}"
    assert hint.startswith("  → ")
    assert "geheim" not in done.err


def test_flags_and_images_in_any_order(call: Call) -> None:
    for words in (
        (IMAGE, "--format", "json", IMAGE),
        ("--format=json", IMAGE, "--quiet", IMAGE),
        (IMAGE, "--format=json", "--", IMAGE),
        ("--format", "json", "--", IMAGE, IMAGE),
    ):
        assert len(call("scan", *words).document["reports"]) == 2


# ---- several images ----


def test_an_image_that_is_named_and_listed_is_scanned_once(call: Call, tmp_path: Path) -> None:
    (tmp_path / "list").write_text(f"oci:/nowhere\n{IMAGE}\n")
    both = call("scan", IMAGE, "--images", "list", "--format", "json").document
    assert (len(both["reports"]), len(both["failures"])) == (1, 1)


def test_the_failures_of_some_do_not_cost_the_others(call: Call, tmp_path: Path) -> None:
    (tmp_path / "no-image.tar").write_bytes(b"x" * 2000)
    done = call("scan", "oci:/nowhere", IMAGE, "no-image.tar", "/nowhere.tar", IMAGE, "--format", "json")
    assert done.code == 3
    document = done.document
    assert [report["image"]["name"] for report in document["reports"]] == [IMAGE, IMAGE]
    assert [failure["name"] for failure in document["failures"]] == [
        "oci:/nowhere",
        "no-image.tar",
        "/nowhere.tar",
    ]
    assert all(failure["reason"] for failure in document["failures"])
    one = document["reports"][0]["summary"]
    assert document["summary"]["findings"] == 2 * one["findings"]
    assert document["summary"]["by_severity"] == {
        level: 2 * count for level, count in one["by_severity"].items()
    }
    assert len([line for line in done.err.splitlines() if "error" in line]) == 3


def test_a_platform_that_makes_no_sense_is_usage_however_many_images(call: Call) -> None:
    assert call("scan", IMAGE, IMAGE, "--platform", "linux").code == 2


def test_all_platforms(call: Call) -> None:
    done = call("scan", IMAGE, "oci:/nowhere", "--platform", "all", "--format", "json")
    assert done.code == 3
    assert (len(done.document["reports"]), len(done.document["failures"])) == (1, 1)


@pytest.mark.parametrize(
    ("name", "text", "images"),
    [
        ("list", "# all of ours\n\na:1  # the first\n  b:2\r\na:1\n", ["a:1", "b:2"]),
        (
            "compose.yaml",
            "services:\n  x: {image: 'a:1'}\n  y:\n    build: .\n  z:\n    image: b:2\n",
            ["a:1", "b:2"],
        ),
        (
            "k.yml",
            "spec:\n  initContainers:\n  - image: b:2\n  containers:\n  - image: a:1\n",
            ["b:2", "a:1"],
        ),
        (
            "two",
            "kind: Pod\nspec:\n  image: a:1\n---\n---\nkind: List\nitems:\n- image: b:2\n",
            ["a:1", "b:2"],
        ),
        ("pod.json", '{"spec": {"containers": [{"image": "a:1"}, {"image": "b:2"}]}}', ["a:1", "b:2"]),
        (
            "anchors.yaml",
            "x-a: &a\n  image: a:1\nservices:\n  b: *a\n  c:\n    <<: *a\n    image: b:2\n",
            ["a:1", "b:2"],
        ),
        ("helm.yaml", "image:\n  repository: x\n  tag: 1\nsidecar:\n  image: a:1\n", ["a:1"]),
    ],
)
def test_lists_of_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, images: list[str]
) -> None:
    from hullmark.scan.references import read_references

    (tmp_path / name).write_text(text)
    assert read_references(str(tmp_path / name)) == images
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert read_references("-") == images


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "services:\n  x:\n    build: .\n",
        "a: [\nb:\n",
        "[" * 100_000 + ":\n",
        "b:\na: &a [x, x]\n"
        + "".join(f"b{n}: &b{n} [*{'a' if not n else f'b{n - 1}'}, *a, *a]\n" for n in range(99)),
        "a: &a\n- *a\nb:\n",
        "a:\n  - !!python/object/apply:os.system [ls]\n",
        "\x00:\n",
    ],
    ids=["empty", "comment", "none", "broken", "deep", "bomb", "ring", "python", "nul"],
)
def test_lists_that_name_nothing(call: Call, text: str) -> None:
    done = call("scan", "--images", "-", stdin=text.encode())
    assert done.code == 2
    assert "-: " in done.err


def test_a_list_as_large_as_none_is(call: Call, tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(17 * 1024 * 1024)
    assert call("scan", "--images", "large").code == 2
    assert call("scan", "--images", str(tmp_path)).code == 2


def test_standard_input_is_asked_for_once(call: Call) -> None:
    body = Path(IMAGE).read_bytes()
    assert call("scan", "-", "--format", "json", stdin=body).document["image"]["name"] == "-"
    assert call("scan", "-:app", "--format", "json", stdin=body).document["image"]["name"] == "-:app"
    for more in (("-:a",), ("archive:-:a",), ("sbom:-",), ("--images", "-"), ("--password-stdin",)):
        done = call("scan", "-", *more, stdin=b"a:1\n")
        assert (done.code, "standard input" in done.err) == (2, True)


def test_a_document_of_one_image_is_refused_before_several_are_scanned(call: Call, tmp_path: Path) -> None:
    (tmp_path / "list").write_text("oci:/nowhere\noci:/nowhere/else\n")
    for form in ("cyclonedx", "spdx"):
        for images in (("oci:/nowhere", IMAGE), ("--images", "list")):
            done = call("scan", *images, "--format", "json=a.json", "--format", f"{form}=b.json")
            assert done.code == 2
            assert (
                done.err.splitlines()[0]
                == f"hullmark: error: {form} is a document of one image, and these are 2"
            )
            assert len(done.err.splitlines()) == 2, "nothing was opened, so nothing is said of it"
    assert not list(tmp_path.glob("*.json"))
    done = call("scan", IMAGE, "--platform", "all", "--format", "cyclonedx")
    assert (done.code, done.document["bomFormat"]) == (0, "CycloneDX")


@pytest.mark.parametrize("more", [(), ("--platform", "all"), ("--format", "cyclonedx=b.json")])
def test_one_image_that_fails_gives_no_report_of_another_shape(
    call: Call, tmp_path: Path, more: tuple[str, ...]
) -> None:
    done = call("scan", "oci:/nowhere", "--format", "json", "--format", "table=a.txt", *more)
    assert (done.code, done.out) == (3, "")
    assert done.err.count("error") == 1
    assert not list(tmp_path.glob("[ab].*"))
    done = call("scan", "oci:/nowhere", "oci:/nowhere", "--format", "json")
    assert done.code == 3
    assert (done.document["reports"], len(done.document["failures"])) == ([], 2)


def test_a_base_that_cannot_be_had_is_usage_however_many_images(call: Call, tmp_path: Path) -> None:
    for images in ((IMAGE,), (IMAGE, IMAGE), ("oci:/nowhere", IMAGE)):
        done = call("scan", *images, "--base", "oci:/no/base", "--format", "json=a.json")
        assert (done.code, done.out) == (2, "")
        assert done.err.splitlines()[0].startswith("hullmark: error: /no/base: the base image cannot be read")
        assert done.err.count("error") == 1, "nothing was scanned, so nothing is said of it"
    assert not (tmp_path / "a.json").exists()


def test_a_scan_without_a_database_says_what_makes_one(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HULLMARK_DB_DIR", str(tmp_path / "db"))
    done = call("scan", IMAGE)
    assert done.code == 0
    assert done.err.splitlines() == [
        f"hullmark: warning: {tmp_path}/db: there is no advisory database",
        "  → hullmark db update where there is a network, db build --from DIR elsewhere",
    ]
    assert done.out.splitlines()[-1].startswith("none of 20 packages was checked: ")
    assert call("scan", IMAGE, "--scanners", "config", "--quiet").err == ""
    assert "database" not in call("scan", IMAGE, "--scanners", "config").err
    assert call("scan", IMAGE, "--fail-on", "high").code == 3


# ---- outputs ----


def test_several_formats_at_once(call: Call, tmp_path: Path) -> None:
    done = call("scan", IMAGE, "--format", "json=a.json", "--format", "table", "--format", "cyclonedx=b.json")
    assert done.code == 0
    assert json.loads((tmp_path / "a.json").read_bytes())["findings"]
    assert json.loads((tmp_path / "b.json").read_bytes())["bomFormat"] == "CycloneDX"
    assert "CVE-2021-3450" in done.out
    assert call("scan", IMAGE, "--format", "json", "--format", "table=-").code == 2
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["a.json", "b.json"]


def test_a_report_replaces_the_old_one_whole_or_not_at_all(call: Call, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("old")
    assert call("scan", IMAGE, "--format", "json=a.json").code == 0
    assert json.loads((tmp_path / "a.json").read_bytes())["findings"]
    for target in ("nowhere/a.json", str(tmp_path)):
        done = call("scan", IMAGE, "--format", f"json={target}")
        assert (done.code, "cannot be written" in done.err) == (2, True)
    assert call("scan", IMAGE, "--format", "json=/dev/full").code == 2
    assert call("scan", IMAGE, "--format", "json=/dev/null").code == 0
    (tmp_path / ".a.json.tmp").symlink_to("victim")
    assert call("scan", IMAGE, "--format", "json=a.json").code == 0
    assert not (tmp_path / "victim").exists()


@pytest.mark.parametrize("command", ["scan", "sbom"])
def test_a_report_of_an_earlier_run_is_said_to_be_one(call: Call, tmp_path: Path, command: str) -> None:
    (tmp_path / "old.json").write_text("old")
    formats = ("--format", "json=old.json", "--format", "spdx=new.json")
    said = "hullmark: error: old.json: is what an earlier run left: no report of this one was written"
    for more in ((), ("--quiet",)):
        done = call(command, "oci:/nowhere", *formats, *more)
        assert (done.code, done.err.splitlines()[0], done.err.count("error")) == (3, said, 2)
    assert (tmp_path / "old.json").read_text() == "old"
    (tmp_path / "new.json").write_text("old")
    done = call(command, IMAGE, "--format", "json=new.json", "--format", "spdx=/dev/full", "--quiet")
    assert (done.code, done.err.count("error")) == (2, 1), "the first was replaced"
    done = call(command, IMAGE, "--format", "json=/dev/full", "--format", "spdx=old.json", "--quiet")
    assert (done.code, done.err.splitlines()[0]) == (2, said)
    assert call(command, IMAGE, "--as-of", AS_OF, "--format", "json=old.json").err == ""
    assert call(command, "oci:/nowhere", "--format", "json=/dev/null").err.count("error") == 1


@pytest.mark.parametrize("command", ["scan", "sbom"])
@pytest.mark.parametrize(
    ("targets", "said"),
    [
        (["."], ".: cannot be written: it is a folder"),
        (["/"], "/: cannot be written: it is a folder"),
        (["no/such/file"], "no/such/file: cannot be written: its folder is not there"),
        (["a", "a"], "a: two formats would be written to it"),
        (["a", "b/../a"], "b/../a: two formats would be written to it"),
    ],
)
def test_files_that_cannot_be_are_refused_before_anything_is_read(
    call: Call, tmp_path: Path, command: str, targets: list[str], said: str
) -> None:
    (tmp_path / "b").mkdir()
    formats = [word for target in targets for word in ("--format", f"json={target}")]
    done = call(command, "oci:/nowhere", *formats)
    assert (done.code, done.err.splitlines()[0]) == (2, f"hullmark: error: {said}")
    assert call(command, IMAGE, "--format", "json=/dev/null", "--format", "spdx=/dev/null").code == 0


def test_streams(call: Call) -> None:
    for arguments in (("--format", "json"), ()):
        done = call("scan", IMAGE, "--as-of", AS_OF, *arguments)
        assert done.out
        assert done.err == ""
        assert "\x1b" not in done.out
    assert call("scan", IMAGE, "--fail-on", "high", "--quiet").err.startswith("hullmark: error: ")


def test_messages_as_json(call: Call) -> None:
    for arguments in (
        ("scan", "oci:/nowhere"),
        ("scan", "/nowhere.tar"),
        ("scan", IMAGE, "--fail-on", "high"),
        ("scan", IMAGE, "--scanners", "secret", "--fail-on", "vuln:high"),
        ("scan", IMAGE, "--nosuch"),
        ("scan", IMAGE, "--limit", "x=1"),
        ("db", "build", "--from", "/nowhere"),
    ):
        done = call(*arguments, "--json-log")
        lines = [json.loads(line) for line in done.err.splitlines()]
        assert lines
        assert all(line["level"] in {"error", "warning"} and line["message"] for line in lines)


def test_a_message_moves_no_cursor(call: Call) -> None:
    done = call("scan", "oci:/no\x1b[2Jwhere\u202e")
    assert "\x1b" not in done.err
    assert "\u202e" not in done.err
    assert "\\x1b[2J" in done.err


def test_faults_of_ours(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("nobody\nexpected it")

    monkeypatch.setattr("hullmark.scan.run.assemble", fail)
    done = call("scan", IMAGE, "oci:/nowhere", "--format", "json")
    assert done.code == 3
    assert "Traceback" not in done.err
    assert "a fault in hullmark itself: ZeroDivisionError: nobody\\x0aexpected it" in done.err
    assert [failure["name"] for failure in done.document["failures"]] == [IMAGE, "oci:/nowhere"]
    monkeypatch.setattr("hullmark.cli.settings.database_folder", fail)
    done = call("db", "status")
    assert (done.code, "a fault in hullmark itself" in done.err) == (3, True)
    monkeypatch.setenv("HULLMARK_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        call("db", "status")


def test_errors_and_interrupts_have_codes(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    for problem, code in (
        (ImageError("gone", where="x:1", hint="look elsewhere"), 3),
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(), 3),
    ):

        def fail(*_: object, problem: BaseException = problem) -> None:
            raise problem

        monkeypatch.setattr("hullmark.scan.run.run", fail)
        done = call("scan", IMAGE)
        assert done.code == code
        assert "Traceback" not in done.err
        if code == 3 and isinstance(problem, ImageError):
            assert done.err == "hullmark: error: x:1: gone\n  → look elsewhere\n"


# ---- settings ----


@pytest.mark.parametrize(
    ("variable", "value", "code"),
    [
        ("HULLMARK_SCAN_FAIL_ON", "high", 1),
        ("HULLMARK_SCAN_FAIL_ON", "critical", 0),
        ("HULLMARK_SCAN_FAIL_ON", "hihg", 2),
        ("HULLMARK_SCAN_SEVERITY", "hihg", 2),
        ("HULLMARK_SCAN_FORMAT", "xml", 2),
        ("HULLMARK_SCAN_TIMEOUT", "soon", 2),
        ("HULLMARK_SBOM_FORMAT", "xml", 0),
    ],
)
def test_settings_in_the_environment(
    call: Call, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, code: int
) -> None:
    monkeypatch.setenv(variable, value)
    assert call("scan", IMAGE).code == code


def test_a_variable_that_is_none_is_told(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gate that is misspelt is one that is open."""
    monkeypatch.setenv("HULLMARK_SCAN_FAIL_ONN", "high")
    monkeypatch.setenv("HULLMARK_SCAN_FORMATS", "")
    monkeypatch.setenv("HULLMARK_SBOM_FORMATS", "json")
    told = [line for line in call("scan", IMAGE).err.splitlines() if "has no setting" in line]
    assert told == ["hullmark: warning: scan has no setting HULLMARK_SCAN_FAIL_ONN, it says nothing"]


def test_settings_in_files(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, home, named = (
        tmp_path / "hullmark.toml",
        tmp_path / ".config/hullmark/config.toml",
        tmp_path / "n.toml",
    )
    home.parent.mkdir(parents=True)
    home.write_text('[scan]\nfail-on = "high"\n')
    assert call("scan", IMAGE).code == 1
    here.write_text('[scan]\nfail-on = "critical"\n')
    assert call("scan", IMAGE).code == 0, "the nearest file counts alone"
    named.write_text(
        '[scan]\nfail-on = "high"\nseverity = "high"\nskip-path = ["opt/**"]\nfixable-only = true\n'
    )
    monkeypatch.setenv("HULLMARK_CONFIG", str(named))
    done = call("scan", IMAGE, "--format", "json")
    assert done.document["coverage"]["skipped_files"] > 3
    assert {each["severity"] for each in done.document["findings"]} <= {"high"}
    assert done.code == 1
    assert {each["severity"] for each in scanned(call, "--severity", "medium", code=1)["findings"]} <= {
        "medium"
    }
    monkeypatch.setenv("HULLMARK_SCAN_FAIL_ON", "critical")
    assert call("scan", IMAGE).code == 0, "the environment counts more than a file"
    assert call("scan", IMAGE, "--fail-on", "high").code == 1, "and the command line more than both"
    config = call("config").out
    assert f"config file   {named}  # environment HULLMARK_CONFIG" in config
    assert f'scan.severity = "high"  # file {named}' in config
    assert f'scan.skip-path = ["opt/**"]  # file {named}' in config
    assert 'scan.fail-on = "critical"  # environment HULLMARK_SCAN_FAIL_ON' in config
    assert "scan.include-dev = false  # default" in config


def test_the_settings_that_hold_are_shown(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hullmark.toml").write_text('[sbom]\nlimit = ["layers=7"]\n\n[db.build]\nfeed = ["osv"]\n')
    monkeypatch.setenv("HULLMARK_SCAN_LIMIT", "layers=8 max_ratio=9")
    lines = call("config").out.splitlines()
    file = tmp_path / "hullmark.toml"
    for line in (
        f"sbom.limit.layers = 7  # file {file}",
        "sbom.limit.max_ratio = 200  # default",
        "scan.limit.layers = 8  # environment HULLMARK_SCAN_LIMIT",
        "scan.limit.max_ratio = 9  # environment HULLMARK_SCAN_LIMIT",
        f'db.build.feed = ["osv"]  # file {file}',
        "db.build.from = (must be given)  # default",
        'cache.prune.max-size = "2G"  # default',
        'scan.format = ["table"]  # default',
    ):
        assert line in lines
    assert any(
        line.startswith("cache ") and line.endswith("# environment HULLMARK_CACHE_DIR") for line in lines
    )
    monkeypatch.setenv("HULLMARK_SCAN_LIMIT", "nosuch=8")
    assert call("config").code == 2


def test_images_in_the_environment_are_a_list_in_a_file(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "list").write_text(f"archive:{IMAGE}\n")
    monkeypatch.setenv("HULLMARK_SCAN_IMAGES", "list")
    monkeypatch.setenv("HULLMARK_SBOM_IMAGE", IMAGE)
    assert call("scan", "--format", "json").document["image"]["name"] == IMAGE
    assert len(call("scan", IMAGE, "--format", "json").document["reports"]) == 2
    assert call("sbom").code == 2, "what is read stands on the command line"
    (tmp_path / "hullmark.toml").write_text('[scan]\nimages = "list"\n')
    monkeypatch.delenv("HULLMARK_SCAN_IMAGES")
    assert call("scan", "--format", "json").document["image"]["name"] == IMAGE
    assert "HULLMARK_SCAN_IMAGES" in call("scan", "--help").out
    assert "HULLMARK_SBOM_IMAGE" not in call("sbom", "--help").out


@pytest.mark.parametrize(
    "text",
    ["[scan", "[scan]\nfail-on = 7\n", "[scan]\nfial-on = 'high'\n", "[scna]\nfail-on = 'high'\n", "\xff"],
    ids=["broken", "no text", "no such flag", "no such command", "no UTF-8"],
)
def test_a_file_of_settings_that_makes_no_sense(call: Call, tmp_path: Path, text: str) -> None:
    """A gate that is misspelt must not be a gate that is open."""
    (tmp_path / "hullmark.toml").write_bytes(text.encode("latin-1"))
    done = call("scan", IMAGE)
    assert done.code == 2, done
    assert "fault" not in done.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fail-on = 7", "fail-on: must be a text in quotation marks, not 7"),
        ("timeout = '7'", "timeout: must be a number, not '7'"),
        ("timeout = true", "timeout: must be a number, not True"),
        ("quiet = 1", "quiet: must be true or false, not 1"),
        ("skip-path = ['a', 7]", "skip-path: must be a list of texts, not ['a', 7]"),
        ("images-file = 'x'", "scan has no setting 'images-file'"),
        ("IMAGE = ['x']", "scan has no setting 'IMAGE'"),
    ],
)
def test_a_value_of_another_kind_is_said_with_its_place(
    call: Call, tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "hullmark.toml").write_text(f"[scan]\n{text}\n")
    for words in (("scan", IMAGE), ("config",)):
        done = call(*words)
        assert done.code == 2
        assert done.err.splitlines()[0] == f"hullmark: error: {tmp_path / 'hullmark.toml'}: {said}"
    assert call("scan", "--help").code == 0


def test_tables_of_commands_that_there_are_not(call: Call, tmp_path: Path) -> None:
    for text in (
        "[db.buidl]\nfrom = 'x'\n",
        "[db]\nform = 'x'\n",
        "[db]\nmax-age = true\n",
        "scan = 1\n",
        "[config.x]\n",
    ):
        (tmp_path / "hullmark.toml").write_text(text)
        assert call("config").code == 2


def test_a_report_in_no_format_is_never_meant(call: Call, tmp_path: Path) -> None:
    (tmp_path / "hullmark.toml").write_text("[scan]\nformat = []\n[sbom]\nformat = []\n")
    for command in ("scan", "sbom"):
        done = call(command, IMAGE)
        assert (done.code, "no format is named" in done.err) == (2, True)


def test_a_gate_of_a_variable_that_is_not_set_is_refused(call: Call) -> None:
    done = call("scan", IMAGE, "--fail-on", "")
    assert (done.code, done.out) == (2, "")
    assert "--fail-on: is empty: is a variable not set?" in done.err


def test_variables(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "hullmark.toml").write_text("[scan]\nfail-on = 'high'\nformat = 'json'\n")
    monkeypatch.setenv("HULLMARK_SCAN_FAIL_ON", "")
    monkeypatch.setenv("HULLMARK_SCAN_FORMAT", " ")
    done = call("scan", IMAGE)
    assert (done.code, "findings" in done.document) == (1, True), "a variable that is empty says nothing"
    for text, shown in (("yes", "true"), ("TRUE", "true"), ("0", "false"), ("off", "false")):
        monkeypatch.setenv("HULLMARK_SCAN_QUIET", text)
        assert f"scan.quiet = {shown}  # environment HULLMARK_SCAN_QUIET" in call("config").out
    monkeypatch.setenv("HULLMARK_SCAN_QUIET", "maybe")
    for name, value, said in (
        ("QUIET", "maybe", "must be true or false, not 'maybe'"),
        ("TIMEOUT", "soon", "must be a number, not 'soon'"),
    ):
        monkeypatch.setenv(f"HULLMARK_SCAN_{name}", value)
        done = call("scan", IMAGE)
        assert (done.code, done.err.splitlines()[0]) == (2, f"hullmark: error: HULLMARK_SCAN_{name}: {said}")
        monkeypatch.delenv(f"HULLMARK_SCAN_{name}")


def test_a_named_file_must_be_there(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HULLMARK_CONFIG", str(tmp_path / "nowhere.toml"))
    done = call("scan", IMAGE)
    assert (done.code, "HULLMARK_CONFIG" in done.err) == (2, True)


def test_folders(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert str(tmp_path / ".config/hullmark/config.toml") in call("config").out
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("HULLMARK_CACHE_DIR")
    assert str(tmp_path / "xdg/hullmark/db") in call("config").out
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # which the specification tells us to ignore
    assert str(tmp_path / ".cache/hullmark/db") in call("config").out


# ---- sbom ----


def test_an_sbom_looks_for_nothing(call: Call) -> None:
    done = call("sbom", IMAGE, "--format", "json", "--as-of", AS_OF)
    assert (done.code, done.err) == (0, "")
    document = done.document
    assert document["coverage"]["scanners"] == []
    assert document["coverage"]["not_checked"] == 0
    assert document["incomplete"] is False
    assert (document["findings"], document["database"]["parts"]) == ([], [])
    assert {package["coverage"] for package in document["packages"]} == {None}
    assert all(entry["states"] == {} for entry in document["coverage"]["ecosystems"])


def test_an_sbom_is_read_as_a_scan_reads(call: Call, tmp_path: Path) -> None:
    image = str(tmp_path / "image")
    write_layout(tmp_path / "image", [layer({"srv/x": b"x"}), layer({"srv/package-lock.json": b"{"})])
    write_layout(tmp_path / "base", [layer({"srv/x": b"x"})])
    based = call("sbom", image, "--format", "json", "--base", str(tmp_path / "base")).document
    assert based["image"]["base"]["layers"] == 1
    assert based["incomplete"] is True, "a file could not be read"
    for arguments, code, said in (
        (("--limit", "layers=1"), 3, "layer"),
        (("--limit", "nosuch=1"), 2, "nosuch"),
        (("--timeout", "-1"), 2, "--timeout"),
        (("--timeout", "0.000001", "--skip-path", "none"), 3, "could not be read"),
        (("--platform", "linux"), 2, "platform"),
        (("--format", "json", "--format", "spdx"), 2, "standard output"),
        (("--as-of", "yesterday"), 2, "time"),
    ):
        done = call("sbom", image, *arguments)
        assert (done.code, said in done.err) == (code, True), done
    for twice in ("-", "docker-archive:-", "sbom:-"):
        done = call("sbom", twice, "--password-stdin", "--username", "me", stdin=b"secret\n")
        assert (done.code, "standard input" in done.err) == (2, True)


# ---- the other commands ----


def test_cache_commands(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HULLMARK_CACHE_DIR", str(tmp_path / "own"))
    assert "layers    0" in call("cache", "info").out
    call("scan", IMAGE)
    info = call("cache", "info").out
    assert "layers    4" in info
    assert "images    1" in info
    assert str(tmp_path / "own") in info
    assert call("cache", "prune", "--max-size", "10G").out == "removed 0.0 MiB\n"
    assert "layers    4" in call("cache", "info").out
    assert call("cache", "prune", "--max-size", "0").code == 0
    assert "layers    0" in call("cache", "info").out
    call("scan", IMAGE)
    assert call("cache", "clear").code == 0
    assert "layers    0" in call("cache", "info").out
    for size in ("", "x", "1.5G", "-1", "²", "1Q", "G"):
        assert call("cache", "prune", "--max-size", size).code == 2
    (tmp_path / "no-folder").touch()
    monkeypatch.setenv("HULLMARK_CACHE_DIR", str(tmp_path / "no-folder"))
    for command in ("clear", "prune"):
        done = call("cache", command)
        assert (done.code, done.out, "nothing was removed" in done.err) == (3, "", True)


def test_database_commands(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shown = call("db", "status").out
    for part in ("alpine-3.10", "osv-pypi", "osv-npm", "eol", " parts, "):
        assert part in shown
    monkeypatch.setenv("HULLMARK_CACHE_DIR", str(tmp_path / "own"))
    empty = call("db", "status")
    assert (empty.code, "no advisory database" in empty.err) == (3, True)
    feeds = str(DEMO / "feeds")
    some = call("db", "build", "--from", feeds, "--feed", "eol", "--feed", "alpine")
    assert (some.code, sorted(line.split()[0] for line in some.out.splitlines())) == (
        0,
        ["alpine-3.10", "eol"],
    )
    assert (tmp_path / "own").stat().st_mode & 0o777 == 0o700
    again = call("db", "build", "--from", feeds)
    assert again.out.count("(unchanged)") == 2
    assert call("db", "build", "--from", feeds, "--quiet")[1:] == ("", "")
    for wrong in (("--from", "/nowhere"), ("--from", feeds, "--feed", "nosuch"), ()):
        assert call("db", "build", *wrong).code == 2
    (tmp_path / "bare").mkdir()
    bare = call("db", "build", "--from", str(tmp_path / "bare"))
    assert (bare.code, "no file of a known feed" in bare.err) == (3, True)
    (tmp_path / "own/db/current.json").write_text("{")
    damaged = call("db", "status")
    assert (damaged.code, "db build" in damaged.err) == (3, True)
    assert call("scan", IMAGE).code == 3
    assert call("db", "build", "--from", feeds, "--quiet").code == 0
    assert call("db", "status").code == 0
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HULLMARK_DB_DIR", str(tmp_path / "file" / "db"))
    nowhere = call("db", "build", "--from", feeds)
    assert (nowhere.code, "HULLMARK_DB_DIR" in nowhere.err) == (2, True)


def test_a_damaged_part_ends_a_scan_in_one_line(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HULLMARK_CACHE_DIR", str(tmp_path / "own"))
    call("db", "build", "--from", str(DEMO / "feeds"))
    (path,) = (tmp_path / "own/db/parts").glob("osv-pypi*")
    path.write_bytes(path.read_bytes()[:5000])
    done = call("scan", IMAGE)
    assert done.code == 3
    assert "osv-pypi" in done.err
    assert "hullmark db build" in done.err
    assert "fault" not in done.err


def test_a_feed_that_fails_is_three(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HULLMARK_CACHE_DIR", str(tmp_path / "own"))
    (tmp_path / "feeds/osv/PyPI").mkdir(parents=True)
    (tmp_path / "feeds/osv/PyPI/all.zip").write_bytes(b"no zip")
    done = call("db", "build", "--from", str(tmp_path / "feeds"))
    assert done.code == 3
    assert "osv: kept its last good content" in done.err


def test_records_that_could_not_be_used_are_said_for_each_feed(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HULLMARK_CACHE_DIR", str(tmp_path / "own"))
    feeds = tmp_path / "feeds"
    shutil.copytree(DEMO / "feeds", feeds)
    with zipfile.ZipFile(feeds / "osv/PyPI/all.zip", "a") as file:
        file.writestr("broken-1.json", "{")
        file.writestr("broken-2.json", "[]")
    build = ("db", "build", "--from", str(feeds))
    done = call(*build)
    assert done.code == 0
    assert "hullmark: warning: osv: 2 records could not be used; the first: " in done.err
    assert "broken-1.json" in done.err
    assert call(*build, "--quiet").err == ""
    strict = call(*build, "--quiet", "--fail-on-incomplete")
    assert strict.code == 3
    assert "hullmark: error: osv: 2 records could not be used; the first: " in strict.err
    whole = call("db", "build", "--from", str(DEMO / "feeds"), "--fail-on-incomplete")
    assert (whole.code, whole.err) == (0, "")
    with zipfile.ZipFile(feeds / "osv/PyPI/all.zip", "w") as file:
        file.writestr("broken-1.json", "{")
    (feeds / "osv/npm/all.zip").unlink()
    unusable = call(*build)
    assert unusable.code == 3
    told = (
        "osv: kept its last good content: its only record could not be read: osv/PyPI/all.zip/broken-1.json: "
    )
    assert told in unusable.err


def test_version_and_help(call: Call) -> None:
    from hullmark import __version__

    assert call("--version").out == f"hullmark {__version__}\n"
    for command in ((), ("scan",), ("sbom",), ("db",), ("db", "build"), ("cache",), ("config",)):
        done = call(*command, "--help")
        assert (done.code, done.err) == (0, "")
        assert "Usage: hullmark" in done.out


def test_every_flag_has_its_help_and_every_source_its_prefixes(call: Call) -> None:
    for command in COMMANDS:
        said = call(*command.name.split(), "--help").out
        for setting in settings_of(command.load()):
            assert setting.help
            assert re.search(rf"\n  {re.escape(setting.flag)}\s", said)
            assert setting.positional or setting.variable(command.name) in said
        assert (command.load().__doc__ or "").splitlines()[0] == command.help
    help_text = " ".join(call("scan", "--help").out.split())
    for words in (LEVELS, get_args(StateName), formats(), SCANNERS, ("os", "library")):
        assert all(re.search(rf"\b{word}\b", help_text) for word in words), words
    columns = call("db", "status").out.splitlines()[0]
    said = " ".join(call("db", "status", "--help").out.split()).partition("Show parts: ")[2].partition(".")[0]
    for word in re.split(r", | and ", said):
        assert {"size": "MiB"}.get(word, word) in columns
    for name in ("scan", "sbom"):
        shown = call(name, "--help").out.split()
        assert {f"{prefix}:" for source in all_sources() for prefix in source.prefixes} | {"sbom:"} <= set(
            shown
        )


# ---- as a process ----


def shell(cache: Path, command: str, **more: str) -> "subprocess.CompletedProcess[bytes]":
    words = {"HULLMARK": f"{sys.executable} -m hullmark", "IMAGE": IMAGE, **more}
    return subprocess.run(
        ["bash", "-c", command], capture_output=True, check=False, env=environment(cache, **words), timeout=60
    )


def test_a_reader_that_goes_away_does_not_open_the_gate(cache: Path) -> None:
    script = (
        "$HULLMARK scan $IMAGE --format json --fail-on high | head -c 1 >/dev/null; echo ${PIPESTATUS[0]}"
    )
    done = shell(cache, script)
    assert done.stdout == b"1\n"
    assert b"Traceback" not in done.stderr
    assert b"over the gate" in done.stderr
    script = "$HULLMARK scan $IMAGE --format json --fail-on high 2> >(head -c 0) | head -c 1 >/dev/null; echo ${PIPESTATUS[0]}"
    assert shell(cache, script).stdout == b"1\n"


@pytest.mark.parametrize(
    ("redirection", "code"),
    [(">&-", 1), ("2>&-", 1), (">&- 2>&-", 1), ("<&-", 1), (">/dev/full", 2), ("2>/dev/full", 1)],
)
def test_closed_and_full_outputs(cache: Path, redirection: str, code: int) -> None:
    done = shell(cache, f"( $HULLMARK scan $IMAGE --fail-on high {redirection} ); echo code $?")
    assert done.stdout.splitlines()[-1] == f"code {code}".encode(), done
    assert b"Traceback" not in done.stderr
    assert b"fault" not in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        "--help",
        "--version",
        "scan --help",
        "config",
        "db status --db-max-age 1000000",
        "cache info",
        "cache prune",
        "completion zsh",
    ],
)
def test_a_full_disk_is_said_by_every_command(cache: Path, words: str) -> None:
    done = shell(cache, f"$HULLMARK {words} >/dev/full; echo code $?")
    assert done.stdout == b"code 2\n"
    assert done.stderr == b"hullmark: error: standard output: cannot be written: No space left on device\n", (
        done
    )
    assert shell(cache, f"$HULLMARK {words} | head -c 0; echo code ${{PIPESTATUS[0]}}").stdout == b"code 0\n"


def test_colours(cache: Path) -> None:
    if shell(cache, "command -v script").returncode:
        pytest.skip("script(1) is not here")
    shown = {
        name: shell(cache, 'script -qec "$HULLMARK scan $IMAGE --quiet" /dev/null', **more).stdout
        for name, more in {
            "colour": {"TERM": "xterm"},
            "no colour": {"TERM": "xterm", "NO_COLOR": "1"},
            "dumb": {"TERM": "dumb"},
        }.items()
    }
    assert {name: b"\x1b[" in out for name, out in shown.items()} == {
        "colour": True,
        "no colour": False,
        "dumb": False,
    }


COMPLETED = {
    "bash": """
        source {file}
        COMP_WORDS=(hullmark {words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        _hullmark; echo "${{COMPREPLY[@]:-$(compgen -f -- "${{COMP_WORDS[COMP_CWORD]}}")}}"
        [[ $(complete -p hullmark) == *"-o default"* ]]
    """,
    "fish": "source {file}; complete -C 'hullmark {words}'",
    "zsh": """
        zmodload zsh/zpty; zpty shell 'PS1=; exec zsh -f'
        zpty -w shell 'fpath=({folder} $fpath); autoload -Uz compinit; compinit -u; PS1=READY; cd {folder}'
        zpty -r shell told '*READY*'
        zpty -w -n shell $'hullmark {words}\\t\\t'; sleep 0.3; zpty -w -n shell $'\\x01echo \\x05 END\\n'; zpty -r shell told '*END*END*'
        echo $told
    """,
}
"""How a shell is asked for what it would offer; where that is nothing, it offers files."""


@pytest.mark.parametrize("name", sorted(COMPLETED))
def test_completion(cache: Path, tmp_path: Path, name: str) -> None:
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not here")
    file = tmp_path / "_hullmark"
    done = shell(cache, f"$HULLMARK completion {name} > {file}")
    assert done.returncode == 0, done.stderr
    assert subprocess.run([name, "-n", str(file)], check=False, timeout=60).returncode == 0
    (tmp_path / "image.tar").touch()
    for words, offered in (
        ("sb", "sbom"),
        ("db b", "build"),
        ("completion fi", "fish"),
        ("scan --fail-on-", "--fail-on-incomplete"),
        ("scan x --username me --password", "--password-stdin"),
        ("db build --fr", "--from"),
        ("scan im", "image.tar"),
        ("scan --quiet im", "image.tar"),
        ("db build --from im", "image.tar"),
    ):
        script = COMPLETED[name].format(file=file, folder=tmp_path, words=words)
        asked = subprocess.run(
            [name, "-c", script], capture_output=True, check=False, timeout=60, cwd=tmp_path
        )
        assert offered in asked.stdout.decode().replace("\t", " ").split(), asked


def test_completion_is_for_shells_that_are_known(call: Call) -> None:
    for words in (("tcsh",), ()):
        assert call("completion", *words).code == 2


@pytest.mark.parametrize(
    "command", ["--version", "--help", "scan --help", "db --help", "config", "cache info"]
)
def test_what_is_not_needed_is_not_imported(cache: Path, command: str) -> None:
    done = shell(cache, f"$HULLMARK {command}", PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0
    loaded = {line.rpartition(b"|")[2].strip().partition(b".")[0] for line in done.stderr.splitlines()}
    heavy = {b"httpx2", b"sqlalchemy", b"litestar", b"cvss", b"yaml", b"sqlite3", b"ssl", b"zstd"}
    if command == "scan --help":
        heavy.remove(b"ssl")  # the help asks the sources for their prefixes
    assert not loaded & heavy
    assert command != "--version" or b"msgspec" not in loaded
    assert command == "--version" or b"msgspec" in loaded, "else this test sees nothing"
    assert not loaded & {b"difflib", b"tomllib", b"rich", b"cyclopts", b"dataclasses"}
