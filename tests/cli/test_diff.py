"""`hullmark diff`: what is new, gone and otherwise, of images, SBOMs and stored reports; and the page that tells of it."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from cli.conftest import Call
from e2e.program import AS_OF, ROOT, layer, write_layout
from hullmark.reports._schema import schema

PAGE = ROOT / "docs" / "howto" / "compare-images.md"
ALPINE = b'ID=alpine\nVERSION_ID=3.10.4\nPRETTY_NAME="Alpine Linux v3.10"\n'


def apk(*packages: tuple[str, str]) -> bytes:
    return b"".join(f"P:{name}\nV:{version}\nA:x86_64\nL:MIT\n\n".encode() for name, version in packages)


def python(*packages: tuple[str, str]) -> dict[str, bytes]:
    return {
        f"opt/app/{name}-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
        for name, version in packages
    }


def node(*packages: tuple[str, str]) -> dict[str, bytes]:
    return {
        f"opt/app/node_modules/{name}/package.json": json.dumps({"name": name, "version": version}).encode()
        for name, version in packages
    }


BASE = layer(
    {"etc/os-release": ALPINE, "lib/apk/db/installed": apk(("busybox", "1.30.1-r3"), ("musl", "1.1.22-r3"))}
)
APP = python(("requests", "2.32.0"), ("Jinja2", "3.1.4"))
UPGRADED = python(("requests", "2.33.0"), ("Jinja2", "3.1.5"))


@pytest.fixture(autouse=True)
def images(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001  # it clears the environment first
    """Two images on one base: the second has newer Python packages and one of Node.js more."""
    monkeypatch.setenv("HULLMARK_DIFF_OFFLINE", "true")
    monkeypatch.setenv("HULLMARK_DIFF_AS_OF", AS_OF)
    monkeypatch.setenv("HULLMARK_SCAN_AS_OF", AS_OF)
    write_layout(tmp_path / "app-1", [BASE, layer(APP)])
    write_layout(tmp_path / "app-2", [BASE, layer({**UPGRADED, **node(("marked", "0.3.5"))})])


def compared(call: Call, *words: str) -> Any:
    done = call("diff", *words, "--format", "json")
    assert done.code == 0, done.err
    jsonschema.validate(done.document, schema("diff"))
    return done.document


def by_change(document: Any, what: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in document[what]:
        found.setdefault(each["change"], []).append(each["id" if what == "findings" else "name"])
    return found


def test_two_images(call: Call) -> None:
    document = compared(call, "app-1", "app-2")
    assert by_change(document, "packages") == {"new": ["marked"], "changed": ["Jinja2", "requests"]}
    assert {each["direction"] for each in document["packages"]} == {"", "up"}
    findings = by_change(document, "findings")
    assert findings["new"] == ["NSWG-ECO-101"]
    assert {"CVE-2024-47081", "CVE-2024-56326"} <= set(findings["gone"])
    assert findings["unchanged"] == ["CVE-2025-27516"]
    assert document["layers"]["common"] == 1
    assert [each["index"] for name in ("new", "gone") for each in document["layers"][name]] == [1, 1]
    assert document["caveats"] == document["database"] == []


def test_an_image_beside_itself(call: Call) -> None:
    document = compared(call, "app-1", "app-1")
    assert document["packages"] == document["findings"] == []
    assert call("diff", "app-1", "app-1", "--fail-on", "negligible,unknown").code == 0


def stored(call: Call, image: str, *words: str) -> str:
    name = f"{image}.json"
    done = call("scan", image, "--format", f"json={name}", "--quiet", *words)
    assert done.code == 0, done.err
    return name


def test_images_and_their_stored_reports_are_the_same(call: Call) -> None:
    before, after = stored(call, "app-1"), stored(call, "app-2")
    wanted = call("diff", "app-1", "app-2", "--format", "json").out
    for pair in ((before, "app-2"), ("app-1", after), (before, after)):
        assert call("diff", *pair, "--format", "json").out == wanted


def test_an_sbom_is_compared_and_said_to_be_one(call: Call) -> None:
    assert call("sbom", "app-1", "--format", "cyclonedx=app-1.cdx.json").code == 0
    document = compared(call, "app-1.cdx.json", "app-2")
    assert by_change(document, "packages")["new"] == ["marked"]
    assert ("source", "before") in {(each["kind"], each["side"]) for each in document["caveats"]}


@pytest.mark.parametrize(
    ("gate", "code"), [("critical", 0), ("high", 0), ("medium", 1), ("vuln:medium", 1), ("secret:low", 0)]
)
def test_a_gate_counts_what_is_new_alone(call: Call, gate: str, code: int) -> None:
    assert call("scan", "app-2", "--fail-on", "high").code == 1  # its release is past its end of life
    done = call("diff", "app-1", "app-2", "--fail-on", gate)
    assert done.code == code, done.err
    if code == 1:
        assert "app-2: over the gate: 1 medium" in done.err


def test_a_second_image_that_is_not_whole_is_3_under_a_gate(call: Call, tmp_path: Path) -> None:
    broken = {"app/deep/package-lock.json": b"{"}
    unchecked = {
        "app/Cargo.lock": b'version = 4\n[[package]]\nname = "abc"\nversion = "1.0.0"\nsource = "registry+x"\n'
    }
    write_layout(tmp_path / "half", [BASE, layer({**APP, **broken, **unchecked})])
    assert call("diff", "app-1", "half").code == 0
    done = call("diff", "app-1", "half", "--fail-on", "critical")
    assert done.code == 3
    assert "not checked" in done.err
    # of the first it makes more new, never less
    assert call("diff", "half", "app-1", "--fail-on", "critical").code == 0
    assert call("diff", "half", "app-1", "--fail-on-incomplete").code == 3
    assert call("diff", "app-1", "half", "--fail-on-incomplete").code == 3
    kinds = {(each["kind"], each["side"]) for each in compared(call, "half", "app-1")["caveats"]}
    assert kinds == {("unread", "before"), ("not_checked", "before")}


def test_a_layer_that_could_not_be_read_is_3_and_nothing_is_called_gone_for_certain(
    call: Call, tmp_path: Path
) -> None:
    (_, digest) = write_layout(tmp_path / "cut", [BASE, layer(APP)])
    blob = tmp_path / "cut" / "blobs" / "sha256" / digest.removeprefix("sha256:")
    blob.write_bytes(blob.read_bytes()[:40])
    for pair in (("app-1", "cut"), ("cut", "app-1")):
        done = call("diff", *pair, "--format", "json")
        assert done.code == 3
        assert done.document["packages"]
        assert all(each["unsure"] for each in done.document["packages"])
        assert all(each["unsure"] for each in done.document["findings"])


def test_filters_and_statements_are_those_of_a_scan(call: Call, tmp_path: Path) -> None:
    assert {each["latest"] for each in _findings(call, "--severity", "medium")} == {"medium"}
    assert {each["name"] for each in _findings(call, "--pkg-types", "os")} <= {"alpine"}
    statement = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://example.com/vex/1",
        "author": "us",
        "timestamp": "2025-01-01T00:00:00Z",
        "version": 1,
        "statements": [
            {
                "vulnerability": {"name": "NSWG-ECO-101"},
                "products": [{"@id": "pkg:npm/marked@0.3.5"}],
                "status": "not_affected",
                "justification": "vulnerable_code_not_in_execute_path",
            }
        ],
    }
    (tmp_path / "vex.json").write_text(json.dumps(statement))
    words = ("diff", "app-1", "app-2", "--vex", "vex.json")
    assert call(*words, "--fail-on", "medium").code == 0
    assert "NSWG-ECO-101" not in call(*words).out
    assert "NSWG-ECO-101" in call(*words, "--show-suppressed").out


def _findings(call: Call, *words: str) -> list[dict[str, str]]:
    found = compared(call, "app-1", "app-2", *words)["findings"]
    shown = [
        each
        for each in found
        if not all((each[s] or {"suppressed": 1})["suppressed"] for s in ("before", "after"))
    ]
    assert shown or "os" in words
    return [{"latest": (each["after"] or each["before"])["severity"], "name": each["name"]} for each in shown]


def test_several_formats_at_once(call: Call, tmp_path: Path) -> None:
    done = call(
        "diff", "app-1", "app-2", "--format", "table", "--format", "markdown=d.md", "--format", "json=d.json"
    )
    assert done.code == 0
    assert done.out.startswith("- app-1\n")
    assert (tmp_path / "d.md").read_text().startswith("### 1 new finding, ")
    assert json.loads((tmp_path / "d.json").read_bytes())["schema_version"] == "1.1"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "two images are compared, and these are 0"),
        (("app-1",), "two images are compared, and these are 1"),
        (("app-1", "app-2", "app-1"), "two images are compared, and these are 3"),
        (("app-1", "app-2", "--format", "sarif"), "there is no format 'sarif'"),
        (("app-1", "app-2", "--format", "json", "--format", "table"), "two formats would be written"),
        (("-", "-"), "standard input is asked for more than once"),
        (("app-1", "app-2", "--fail-on", "worst"), "--fail-on does not understand"),
    ],
)
def test_what_makes_no_sense_is_2(call: Call, words: tuple[str, ...], said: str) -> None:
    done = call("diff", *words)
    assert done.code == 2
    assert said in done.err


def test_what_is_not_there_is_3(call: Call) -> None:
    assert call("diff", "app-1", "docker-archive:none.tar").code == 3


def test_a_report_of_several_images_is_refused(call: Call) -> None:
    assert call("scan", "app-1", "app-2", "--format", "json=set.json", "--quiet").code == 0
    done = call("diff", "app-1", "set.json")
    assert done.code == 2
    assert "these are 2" in done.err


EXAMPLES = re.findall(r"^    \$ hullmark (.+)\n((?:^(?:    .*)?\n)*)", PAGE.read_text("utf-8"), re.MULTILINE)


def lines(text: str) -> list[str]:
    """Give the lines without what depends on how gzip packs a layer."""
    return re.sub(r"[0-9a-f]{12}\b|\b\d+ B\b", "#", text.rstrip()).splitlines()


def test_the_page_shows_what_the_program_says(call: Call) -> None:
    assert len(EXAMPLES) >= 3
    for command, text in EXAMPLES:
        done = call(*shlex.split(command))
        assert [line.rstrip() for line in lines(done.out + done.err)] == [line[4:] for line in lines(text)]


def test_a_baseline_takes_out_of_what_is_new_the_secrets_that_are_known(call: Call, tmp_path: Path) -> None:
    for name, texts in (("one", ()), ("two", ("Nvz7kQ2wXp9LsT4e",)), ("three", ("Nvz7kQ2wXp9LsT4e", "Rt5mWq8zYb3JhF6u"))):  # fmt: skip
        (tmp_path / name).mkdir()
        for number, text in enumerate(texts):
            (tmp_path / name / f"{number}.env").write_text(f"DB_PASSWORD={text}\n")
    (tmp_path / "team.key").write_text("0123456789abcdef" * 4)
    key = ("--secrets-key", "team.key")
    words = ("--scanners", "secret", "--as-of", AS_OF, "--format", "json=known.json", *key)
    assert call("scan", "dir:two", *words).code == 0
    gate = ("--fail-on", "secret:low", "--format", "json")
    assert call("diff", "dir:one", "dir:two", *gate).code == 1
    done = call("diff", "dir:one", "dir:two", *gate, *key, "--baseline", "known.json")
    assert done.code == 0
    assert [each["suppressed"] for each in done.document["secrets"]] == ["--baseline known.json"]
    done = call("diff", "dir:one", "dir:three", *gate, *key, "--baseline", "known.json")
    assert done.code == 1
    shown = [each["secret"]["path"] for each in done.document["secrets"] if not each["suppressed"]]
    assert shown == ["1.env"]
    done = call("diff", "dir:one", "dir:two", *gate, "--baseline", "known.json")
    assert (done.code, "known.json: was made with another key" in done.err) == (2, True)
