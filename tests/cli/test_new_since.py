"""`--new-since`: a gate counts what an image has beyond a baseline, and the rest stays in the report, counted."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from e2e.program import AS_OF
from hullmark.model.facts import Unread
from hullmark.model.image import Platform
from hullmark.model.report import Report, ReportSet
from hullmark.reports import render
from hullmark.scan.several import together
from hullmark.scan.stored import read_report
from reports.sample import SAMPLE as REPORT
from toys.saved import demo_layers, packed, save

from .conftest import IMAGE, Call

ALL = ("--as-of", AS_OF, "--fail-on", "negligible,unknown")
SECRET = "DB_PASSWORD=Nvz7kQ2wXp9LsT4e\n"


@pytest.fixture
def images(tmp_path: Path) -> tuple[str, str]:
    """Give the demonstration's image before npm packages came into it, and the whole with a secret more."""
    layers = demo_layers()
    more = packed({"opt/more/.env": SECRET.encode()})
    return (
        save(tmp_path / "before.tar", "registry.example/app:1", layers[:2]),
        save(tmp_path / "after.tar", "registry.example/app:2", [*layers, more]),
    )


def counts(document: Any) -> int:
    return len(document["findings"]) + len(document["secrets"]) + len(document["config"])


def reasons(document: Any) -> set[str]:
    return {each["reason"] for each in (*document["suppressed"], *document["silenced"])}


@pytest.mark.parametrize("scanners", ["vuln,secret,config", "vuln", "secret", "config"])
@pytest.mark.parametrize("number", [0, 1])
def test_nothing_is_new_since_the_same_image(
    call: Call, images: tuple[str, str], scanners: str, number: int
) -> None:
    name = images[number]
    fails = call("scan", name, *ALL, "--scanners", scanners)
    same = call("scan", name, *ALL, "--scanners", scanners, "--new-since", name, "--format", "json")
    assert fails.code == (0 if (scanners, number) == ("secret", 0) else 1), fails.err
    assert (same.code, same.err) == (0, "")
    assert counts(same.document) == 0


def test_the_gate_counts_what_the_change_added(call: Call, images: tuple[str, str]) -> None:
    before, after = images
    whole = call("scan", after, "--as-of", AS_OF, "--format", "json").document
    done = call("scan", after, *ALL, "--new-since", before, "--format", "json")
    assert done.code == 1
    found = done.document
    assert {each["purl"].partition("/")[0] for each in found["findings"]} == {"pkg:npm"}
    assert "marked" in {each["name"] for each in found["findings"]}
    assert [each["path"] for each in found["secrets"]] == ["opt/more/.env"]
    # What was there before is in the report, marked.
    assert reasons(found) == {f"--new-since {before}"}
    assert len(found["suppressed"]) + len(found["findings"]) == len(whole["findings"])
    assert len(found["silenced"]) + len(found["secrets"]) + len(found["config"]) == (
        len(whole["secrets"]) + len(whole["config"])
    )
    told = call("scan", after, *ALL, "--new-since", before).out
    assert f"{len(found['suppressed'])} were there before (--new-since {before})" in told
    # What is gone fails nobody.
    assert call("scan", before, *ALL, "--new-since", after).code == 0


def test_a_stored_report_means_what_its_image_does(call: Call, images: tuple[str, str]) -> None:
    before, after = images
    assert call("scan", before, "--as-of", AS_OF, "--format", "json=before.json").code == 0
    assert call("scan", after, "--as-of", AS_OF, "--format", "json=after.json").code == 0
    scanned = call("scan", after, *ALL, "--new-since", before, "--format", "json")
    stored = call("scan", after, *ALL, "--new-since", "before.json", "--format", "json")
    converted = call(
        "convert",
        "after.json",
        "--fail-on",
        "negligible,unknown",
        "--new-since",
        "before.json",
        "--format",
        "json",
    )
    assert scanned.out.replace(f"--new-since {before}", "--new-since before.json") == stored.out
    assert (stored.code, stored.out, stored.err) == (converted.code, converted.out, converted.err)


def test_a_fix_that_the_change_undoes_is_new_and_an_upgrade_that_mends_nothing_is_not(
    call: Call, tmp_path: Path
) -> None:
    names = {}
    for version in ("2.10", "2.11", "3.1.6"):
        body = f"Metadata-Version: 2.1\nName: Jinja2\nVersion: {version}\n".encode()
        file = f"usr/lib/python3/dist-packages/Jinja2-{version}.dist-info/METADATA"
        names[version] = save(tmp_path / f"{version}.tar", f"app:{version}", [packed({file: body})])
    gate = ("--as-of", AS_OF, "--scanners", "vuln", "--fail-on", "medium")
    assert call("scan", names["2.10"], *gate, "--new-since", names["3.1.6"]).code == 1
    assert call("scan", names["2.11"], *gate).code == 1
    assert call("scan", names["2.11"], *gate, "--new-since", names["2.10"]).code == 0


def test_another_set_of_advisories_is_said(
    call: Call,
    images: tuple[str, str],
) -> None:
    before, _ = images
    assert call("scan", before, "--as-of", AS_OF, "--format", "json=before.json").code == 0
    document = json.loads(Path("before.json").read_bytes())
    document["database"]["parts"][0]["revision"] = "older-1"
    document["tool"]["detectors"]["apk"] = 0
    Path("before.json").write_text(json.dumps(document))
    done = call("scan", before, *ALL, "--new-since", "before.json")
    part = document["database"]["parts"][0]["part"]
    assert done.code == 0
    assert "--new-since before.json: the advisories are of other revisions" in done.err
    assert f"({part})" in done.err
    assert "other versions of the detectors" in done.err
    assert "(apk)" in done.err
    # An image is matched with the same advisories as the new one.
    assert "revisions" not in call("scan", before, *ALL, "--new-since", before).err


def test_secrets_of_another_key_are_said(call: Call, images: tuple[str, str], tmp_path: Path) -> None:
    _, after = images
    (tmp_path / "other.key").write_bytes(b"another key of 32 bytes, for this")
    words = ("--as-of", AS_OF, "--scanners", "secret")
    assert call("scan", after, *words, "--secrets-key", "other.key", "--format", "json=o.json").code == 0
    done = call("scan", after, *words, "--fail-on", "secret:low", "--new-since", "o.json")
    assert "marked with other keys" in done.err


# ── a baseline that is not whole ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (None, 2),
        (b"", 2),
        (b'{"schema_version": "1.1", "tool"', 2),
        (b'{"schema_version": "9.0"}', 2),
        (b"no image", 2),
    ],
)
def test_a_baseline_that_cannot_be_read_ends_the_scan(
    call: Call, tmp_path: Path, body: bytes | None, code: int
) -> None:
    if body is not None:
        (tmp_path / "b.json").write_bytes(body)
    done = call("scan", IMAGE, *ALL, "--new-since", "./b.json")
    assert done.code in {code, 3}, done.err
    assert "b.json" in done.err
    assert done.out == ""


@pytest.mark.parametrize("command", ["scan", "convert"])
def test_a_baseline_with_a_layer_that_could_not_be_read_is_no_silent_pass(
    call: Call, tmp_path: Path, command: str
) -> None:
    assert call("scan", IMAGE, "--as-of", AS_OF, "--format", "json=whole.json").code == 0
    report = read_report("whole.json")
    assert isinstance(report, Report)
    cut = replace(
        report, errors=(Unread("layer", "sha256:" + "0" * 64, "", "", "cut short"),), incomplete=True
    )
    (tmp_path / "cut.json").write_bytes(render("json", cut))
    gate = ("--fail-on", "negligible,unknown", "--new-since", "cut.json")
    done = (
        call("scan", IMAGE, "--as-of", AS_OF, *gate)
        if command == "scan"
        else call("convert", "whole.json", *gate)
    )
    assert done.code == 3
    assert "1 layer could not be read" in done.err
    assert "--new-since cut.json: 1 thing could not be read; what they hold is in no list" in done.err


def test_an_image_that_failed_in_the_baseline_is_said(call: Call) -> None:
    assert call("scan", IMAGE, "none.tar", "--as-of", AS_OF, "--format", "json=set.json", "--quiet").code == 3
    done = call("scan", IMAGE, *ALL, "--new-since", "set.json")
    assert done.code == 3
    assert "--new-since set.json: none.tar: not scanned: " in done.err


def test_packages_that_the_baseline_did_not_check_are_said(
    call: Call, images: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, _ = images
    monkeypatch.setenv("HULLMARK_DB_DIR", str(tmp_path / "no-database"))
    assert call("scan", before, "--as-of", AS_OF, "--format", "json=b.json").code == 0
    monkeypatch.delenv("HULLMARK_DB_DIR")
    done = call("scan", before, *ALL, "--new-since", "b.json")
    assert done.code == 1, "what nobody looked for before counts as new"
    assert "--new-since b.json: " in done.err
    assert "packages not checked" in done.err


# ── several ─────────────────────────────────────────────────────────────────────────────────────────────


def of(report: Report, name: str, architecture: str) -> Report:
    assert report.image is not None
    return replace(report, image=replace(report.image, name=name, platform=Platform("linux", architecture)))


@pytest.mark.parametrize(
    ("has_all", "has_none"),
    [
        (("app:1", "arm64"), ("app:1", "amd64")),
        (("other:1", "amd64"), ("app:1", "amd64")),
    ],
)
def test_what_another_platform_or_image_has_excuses_nothing(
    call: Call, tmp_path: Path, has_all: tuple[str, str], has_none: tuple[str, str]
) -> None:
    clean = replace(REPORT, findings=(), suppressed=(), secrets=(), config=(), silenced=())
    baseline = together([of(REPORT, *has_all), of(clean, *has_none)], [])
    assert isinstance(baseline, ReportSet)
    (tmp_path / "set.json").write_bytes(render("json", baseline))
    (tmp_path / "now.json").write_bytes(render("json", of(REPORT, "app:2", "amd64")))
    done = call("convert", "now.json", "--new-since", "set.json", "--format", "json")
    assert len(done.document["findings"]) == len(REPORT.findings)
    (tmp_path / "now.json").write_bytes(render("json", of(REPORT, "third:2", "amd64")))
    done = call("convert", "now.json", "--new-since", "set.json", "--format", "json")
    there = has_all[1] == "amd64"
    assert len(done.document["findings"]) < len(REPORT.findings) if there else done.document["findings"]


# ── Dockerfiles ─────────────────────────────────────────────────────────────────────────────────────────


def test_lint_fails_on_what_a_change_brought(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text("FROM debian:12\nADD https://example.org/a /a\nUSER root\n")
    words = ("lint", "Dockerfile", "--as-of", AS_OF)
    assert call(*words, "--format", "json=before.json").code == 1
    since = (*words, "--new-since", "before.json")
    same = call(*since)
    assert (same.code, same.err) == (0, "")
    assert "there before (--new-since before.json)" in same.out
    file.write_text("FROM debian:12\nADD https://example.org/a /a\nEXPOSE 22\nUSER root\n")
    more = call(*since, "--format", "json")
    assert more.code == 1
    assert [each["line"] for each in more.document["config"]] == [3]
    assert call(*words, "--new-since", "none.json").code == 3
