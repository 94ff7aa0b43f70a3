"""`hullmark explain` on the demo: what is found, what is not and why, in text and JSON, and how it ends."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest

from cli.conftest import IMAGE, Call, Done
from conftest import GOLDEN
from e2e.program import AS_OF, ROOT, layer, write_layout
from hullmark.model.explanation import Explanation
from hullmark.reports._schema import schema

PAGE = ROOT / "docs" / "howto" / "explain.md"
EXAMPLES = re.findall(
    r"^    \$ hullmark (explain .*)\n((?:    .*\n|\n)*)", PAGE.read_text("utf-8"), re.MULTILINE
)


def anywhere(text: str) -> str:
    """Give a text as it is on every machine, whatever the records' revisions are."""
    return re.sub(r"\b[0-9a-f]{16}\.\d+\b", "0123456789abcdef.1", text.replace(IMAGE, "demo/image.tar"))


@pytest.fixture
def explain(call: Call) -> Callable[..., Done]:
    def once(name: str, *more: str, image: str = IMAGE) -> Done:
        return call("explain", name, image, "--offline", "--as-of", AS_OF, *more)

    return once


Explain = Callable[..., Done]


@pytest.mark.parametrize(
    ("case", "name"),
    [
        ("found", "CVE-2020-11023"),
        ("several", "CVE-2021-3450"),
        ("backported", "CVE-2019-14697"),
        ("fixed", "CVE-2019-1543"),
        ("not-in-it", "CVE-2015-8315"),
        ("unknown", "CVE-2021-44228"),
        ("end-of-life", "EOL-alpine-3.10"),
    ],
)
def test_texts(explain: Explain, golden: Callable[[Path, bytes], None], case: str, name: str) -> None:
    done = explain(name)
    assert (done.code, done.err) == (0, "")
    golden(GOLDEN / "cli" / "explain" / f"{case}.txt", anywhere(done.out).encode())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example[0])
def test_the_pages_examples(call: Call, example: tuple[str, str]) -> None:
    words, said = example
    arguments = [IMAGE if word == "demo/image.tar" else word for word in words.split()]
    done = call(*arguments, "--offline", "--as-of", AS_OF)
    told = "".join(line[4:] or "\n" for line in said.rstrip("\n").splitlines(keepends=True)) + "\n"
    assert anywhere(done.out) == anywhere(told)


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) > 2


@pytest.mark.parametrize(
    "name", ["CVE-2020-11023", "cve-2020-11023", "GHSA-jpcq-cgw6-v4j6", "ghsa-JPCQ-CGW6-V4J6"]
)
def test_json(explain: Explain, name: str) -> None:
    document = explain(name, "--format", "json").document
    jsonschema.validate(document, schema("explanation"))
    assert list(document) == list(Explanation.__struct_fields__)
    assert set(document["ids"]) == {"CVE-2020-11023", "GHSA-jpcq-cgw6-v4j6"}
    (package,) = document["packages"]
    assert (package["outcome"], package["component"]["name"]) == ("affected", "jquery")
    assert package["statements"][0]["range"] == ">= 1.0.3, < 3.5.0"
    assert package["remedy"]["fixed_version"] == "3.5.0"


def test_a_stored_report_and_an_sbom_are_explained_as_the_image(call: Call, explain: Explain) -> None:
    assert call("scan", IMAGE, "--as-of", AS_OF, "--format", "json=r.json").code == 0
    assert call("sbom", IMAGE, "--as-of", AS_OF, "--format", "cyclonedx=bom.json").code == 0
    whole = explain("CVE-2020-11023", "--format", "json").document
    stored = call("explain", "CVE-2020-11023", "r.json", "--format", "json")
    assert (stored.code, stored.document) == (0, whole)
    listed = call(
        "explain", "CVE-2020-11023", "sbom:bom.json", "--format", "json", "--offline", "--as-of", AS_OF
    )
    assert listed.document["packages"][0]["statements"] == whole["packages"][0]["statements"]


def test_what_a_report_left_out_is_told(call: Call) -> None:
    assert call("scan", IMAGE, "--as-of", AS_OF, "--format", "json=r.json", "--severity", "high").code == 0
    done = call("explain", "CVE-2020-11023", "r.json")
    assert done.code == 0
    assert "found, and suppressed" in done.out
    assert "left out: --severity high" in done.out


def test_a_vex_document_suppresses_it(call: Call, explain: Explain, tmp_path: Path) -> None:
    statement = {
        "vulnerability": {"name": "CVE-2020-11023"},
        "products": [{"@id": "pkg:npm/jquery"}],
        "status": "not_affected",
        "justification": "vulnerable_code_not_in_execute_path",
    }
    document = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://example.com/vex/1",
        "author": "A",
        "timestamp": AS_OF,
        "version": 1,
        "statements": [statement],
    }
    (tmp_path / "a.vex.json").write_text(json.dumps(document))
    done = explain("GHSA-jpcq-cgw6-v4j6", "--vex", "a.vex.json")
    assert done.code == 0
    assert "suppressed by a.vex.json:1: not_affected: vulnerable_code_not_in_execute_path" in done.out
    call("scan", IMAGE, "--as-of", AS_OF, "--format", "json=r.json", "--quiet")
    stored = call("explain", "CVE-2020-11023", "r.json", "--vex", "a.vex.json")
    assert "suppressed by a.vex.json" in stored.out


def test_several_reports_are_explained_one_after_the_other(call: Call) -> None:
    call(
        "scan",
        IMAGE,
        IMAGE.replace("image.tar", "../demo/image.tar"),
        "--as-of",
        AS_OF,
        "--format",
        "json=s.json",
        "--quiet",
    )
    done = call("explain", "CVE-2020-11023", "s.json", "--format", "json")
    assert [each["outcome"] for each in done.document] == ["affected", "affected"]
    assert call("explain", "CVE-2020-11023", "s.json").out.count("jquery 3.4.1 (npm): affected") == 2


@pytest.mark.parametrize(
    "name",
    ["", " ", "openssl", "CVE 2020 1", "-1", "CVE-2020\x1b[2J-1", "CVE-2020-\u202e1", "9" * 1_000_000, "é-1"],
)
def test_what_can_be_no_id(call: Call, name: str) -> None:
    done = call("explain", "--offline", "--", name, IMAGE)
    assert (done.code, done.out) == (2, "")
    assert "can be no id of a flaw" in done.err
    assert len(done.err) < 1000
    assert "\x1b" not in done.err
    assert "\u202e" not in done.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("CVE-2020-11023",), 2, "IMAGE"),
        ((), 2, "ID"),
        (("CVE-2020-11023", IMAGE, "more"), 2, "one ID and one IMAGE are wanted, and these are 3"),
        (("CVE-2020-11023", IMAGE, "--format", "table"), 2, "there is no format 'table'"),
        (("CVE-2020-11023", "dir:none"), 3, "none"),
        (("CVE-2020-11023", IMAGE, "--vex", "none.json"), 2, "none.json"),
        (
            (
                "CVE-2020-11023",
                IMAGE,
                "--db-revision",
                "sha256:" + "0" * 64,
                "--db-from",
                "oci://x.example/y:z",
            ),
            2,
            "--offline",
        ),
    ],
)
def test_how_it_ends(call: Call, words: tuple[str, ...], code: int, said: str) -> None:
    done = call("explain", *words, "--offline")
    assert (done.code, done.out) == (code, "")
    assert said in done.err


def test_an_image_that_could_not_be_read_whole(call: Call, tmp_path: Path) -> None:
    (digest,) = write_layout(tmp_path / "image", [layer({"a": bytes(range(256)) * 999})])
    blob = tmp_path / "image" / "blobs" / digest.replace(":", "/")
    blob.write_bytes(blob.read_bytes()[:-40])
    done = call("explain", "CVE-2020-11023", "image", "--offline")
    assert done.code == 3
    assert "1 layer could not be read" in done.err
    assert "Not checked, which is not the same as not affected" in done.out


def test_without_a_database_nothing_is_checked(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HULLMARK_DB_DIR", str(tmp_path / "none"))
    done = call("explain", "CVE-2020-11023", IMAGE, "--offline")
    assert done.code == 0
    assert "there is no advisory database" in done.err
    assert done.out.startswith(f"CVE-2020-11023 in {IMAGE}: not checked\n")
