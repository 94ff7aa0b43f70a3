"""`hullmark compliance`: an image, or a stored report of it, against the controls of frameworks."""

import csv
import io
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest

from cli.conftest import IMAGE, Call
from conftest import GOLDEN
from e2e.program import AS_OF, DEMO, ROOT
from hullmark.policy.controls import FRAMEWORKS
from hullmark.reports._schema import schema
from toys.saved import demo_layers, packed, save

VALIDATOR = jsonschema.Draft202012Validator(schema("compliance"))
SHOWN = GOLDEN / "cli" / "compliance"
PAGE = ROOT / "docs" / "howto" / "compliance.md"
EXCEPTIONS = """hullmark:
  exceptions:
    - finding: image-no-user
      owner: shop
      reason: drops its rights by itself
      expires: "2026-06-30"
"""


@pytest.fixture
def toy(tmp_path: Path) -> str:
    """Save an image with flaws and a credential that runs as root; told by a path without this machine's folders."""
    key = packed(
        {"root/.npmrc": b"//registry.npmjs.org/:_authToken=npm_" + b"Qz8Kx2Vb7Nm4Lp1W" * 2 + b"Rt5Y\n"}
    )
    config = {"ExposedPorts": {"22/tcp": {}}, "Cmd": ["/bin/sh"]}
    return os.path.relpath(
        save(tmp_path / "shop.tar", "shop:1", [*demo_layers(), key], config=config), tmp_path
    )


@pytest.mark.parametrize("form", ["table", "json", "csv", "markdown"])
def test_each_format_as_it_was_looked_at(
    form: str, call: Call, toy: str, golden: Callable[[Path, bytes], None]
) -> None:
    Path("exceptions.yaml").write_text(EXCEPTIONS)
    asked = ("--framework", "pci-dss,cis-docker", "--policy", "strict", "--policy", "exceptions.yaml")
    done = call("compliance", toy, *asked, "--as-of", AS_OF, "--format", form)
    assert done.code == 0, done.err
    body = re.sub(r"sha256:[0-9a-f]{12,64}", "sha256:…", done.out)
    assert body.count("\r\n") == (body.count("\n") if form == "csv" else 0)  # RFC 4180
    golden(SHOWN / f"shop.{form}", body.replace("\r\n", "\n").encode())


def test_the_json_has_its_schema_and_all_frameworks(call: Call) -> None:
    done = call("compliance", IMAGE, "--as-of", AS_OF, "--format", "json")
    assert list(VALIDATOR.iter_errors(done.document)) == []
    assert [each["name"] for each in done.document["frameworks"]] == list(FRAMEWORKS)
    for framework in done.document["frameworks"]:
        statuses = [control["status"] for control in framework["controls"]]
        for status in ("passed", "failed", "not_checked"):
            assert framework[status] == statuses.count(status)
    broken = done.document
    del broken["frameworks"][0]["controls"][0]["status"]
    assert list(VALIDATOR.iter_errors(broken))


def test_a_stored_report_says_the_same_as_the_image(call: Call) -> None:
    assert call("scan", IMAGE, "--as-of", AS_OF, "--format", "json=report.json", "--quiet").code == 0
    stored = call("compliance", "report.json", "--format", "json")
    assert stored.out == call("compliance", IMAGE, "--as-of", AS_OF, "--format", "json").out


def test_a_stored_report_of_packages_alone_passes_nothing_else(call: Call) -> None:
    assert (
        call(
            "scan", IMAGE, "--scanners", "vuln", "--as-of", AS_OF, "--format", "json=report.json", "--quiet"
        ).code
        == 0
    )
    found = call("compliance", "report.json", "--framework", "cis-docker", "--format", "json").document
    of = {control["id"]: control for control in found["frameworks"][0]["controls"]}
    assert of["CIS-Docker 4.8"]["status"] == "not_checked"
    assert of["CIS-Docker 4.8"]["why"] == ["the scanner config did not run"]


def test_a_failed_control_fails_where_that_is_asked(call: Call) -> None:
    assert call("compliance", IMAGE, "--as-of", AS_OF, "--framework", "pci-dss").code == 0
    done = call("compliance", IMAGE, "--as-of", AS_OF, "--framework", "pci-dss", "--fail-on-controls")
    assert done.code == 1
    assert re.search(r"PCI DSS 4\.0\.1: \d+ failed", done.err)
    clean = save(Path("clean.tar"), "clean:1", [packed({"app": b"x"})], config={"User": "1000"})
    calm = ("--policy", "baseline", "--framework", "cis-docker", "--fail-on-controls")
    assert call("compliance", clean, "--as-of", AS_OF, *calm).code == 0


def test_rules_of_the_pedantic_set_look_where_they_are_asked(call: Call) -> None:
    asked = ("compliance", IMAGE, "--as-of", AS_OF, "--framework", "cis-docker", "--format", "json")

    def status(*words: str) -> str:
        (found,) = [
            control["status"]
            for control in call(*asked, *words).document["frameworks"][0]["controls"]
            if control["id"] == "CIS-Docker 4.6"
        ]
        return str(found)

    assert status() == "not_checked"
    assert status("--rules", "pedantic") == "failed"
    assert status("--rules", "image-no-healthcheck") == "failed"


def test_what_an_ignore_file_took_out_is_excepted_by_its_line(call: Call) -> None:
    Path(".hullmark-ignore.yaml").write_text(
        "ignore:\n  - id: image-no-user\n    reason: drops its rights\n    expires: 2026-06-30\n"
    )
    found = call("compliance", IMAGE, "--as-of", AS_OF, "--framework", "cis-docker", "--format", "json")
    (user,) = [each for each in found.document["frameworks"][0]["controls"] if each["id"] == "CIS-Docker 4.1"]
    assert (user["status"], user["exceptions"]) == ("passed", 1)
    (said,) = user["excepted"]
    assert (said["excepted_by"], said["expires"]) == (".hullmark-ignore.yaml:2", "2026-06-30")


def test_a_damaged_image_is_incomplete_and_passes_nothing(call: Call) -> None:
    path = save(Path("bad.tar"), "bad:1", [packed({"app": b"x" * 4096})], config={"User": "1000"})
    layer = packed({"app": b"x" * 4096})
    body = Path(path).read_bytes()
    at = body.index(layer)
    Path(path).write_bytes(body[:at] + b"\xff" * 512 + body[at + 512 :])
    done = call("compliance", path, "--as-of", AS_OF, "--format", "json")
    assert done.code == 3
    statuses = {
        control["id"]: control["status"]
        for framework in done.document["frameworks"]
        for control in framework["controls"]
    }
    assert (
        statuses["CIS-Docker 4.8"] == statuses["PCI-DSS 8.6.2"] == statuses["PCI-DSS 6.3.3"] == "not_checked"
    )


def test_the_csv_has_a_row_for_each_control_and_each_piece_of_evidence(call: Call) -> None:
    rows = list(
        csv.DictReader(io.StringIO(call("compliance", IMAGE, "--as-of", AS_OF, "--format", "csv").out))
    )
    of = json.loads(call("compliance", IMAGE, "--as-of", AS_OF, "--format", "json").out)["frameworks"]
    assert sum(row["evidence"] == "control" for row in rows) == sum(len(each["controls"]) for each in of)
    assert {row["owner"] for row in rows} == {""}


def test_what_makes_no_sense_is_refused(call: Call) -> None:
    assert "--framework does not know 'pci'" in call("compliance", IMAGE, "--framework", "pci").err
    assert call("compliance", IMAGE, "--format", "html").code == 2
    assert call("compliance", IMAGE, "--policy", "strictest").code == 2
    assert call("compliance", "").code == 2
    Path("Dockerfile").write_text("FROM scratch\n")
    assert call("lint", "Dockerfile", "--format", "json=lint.json", "--quiet").code in {0, 1}
    done = call("compliance", "lint.json")
    assert done.code == 2
    assert "of no image" in done.err


def test_what_the_page_shows(call: Call, tmp_path: Path) -> None:
    (tmp_path / "app.tar").symlink_to(DEMO / "image.tar")
    text = PAGE.read_text("utf-8")
    command, shown = re.findall(r"^    \$ hullmark (.*)\n((?:    .*\n|\n(?=    ))*)", text, re.MULTILINE)[0]
    done = call(*command.split())
    lines = [line.removeprefix("    ") for line in shown.splitlines()]
    before, _, after = "\n".join(lines).partition("\n  …\n")
    assert done.out.startswith(before)
    assert after.strip() in done.out
    (document,) = re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    Path("exceptions.yaml").write_text(document)
    excepted = call(*command.split(), "--policy", "strict", "--policy", "exceptions.yaml").out
    assert "excepted by shop until 2026-06-30" in excepted
