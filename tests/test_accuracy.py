"""The comparison with the peers: one spelling for all of them, and a heading for each reason."""

import json
from pathlib import Path
from types import ModuleType

import pytest

from toys.bench import bench

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def accuracy() -> ModuleType:
    return bench("accuracy")


@pytest.fixture(scope="module")
def findings() -> ModuleType:
    return bench("findings")


@pytest.mark.parametrize(
    ("purl", "expected"),
    [
        ("pkg:pypi/Ruamel.Yaml_clib@0.2", ("pypi", "ruamel-yaml-clib", "0.2")),
        ("pkg:deb/debian/zlib1g@1.2.13-1?arch=amd64&epoch=1", ("deb", "zlib1g", "1:1.2.13-1")),
        ("pkg:deb/debian/zlib1g@1%3A1.2.13-1?arch=amd64", ("deb", "zlib1g", "1:1.2.13-1")),
        ("pkg:rpm/rocky/hull@0:1-2?epoch=0", ("rpm", "hull", "1-2")),
        ("pkg:golang/github.com/gorilla/mux@v1.7.0", ("golang", "github.com/gorilla/mux", "1.7.0")),
        ("pkg:golang/stdlib@go1.26.8", ("golang", "stdlib", "1.26.8")),
        ("pkg:maven/org.apache/commons@1", ("maven", "org.apache:commons", "1")),
        ("pkg:npm/%40babel/core@7.20.2", ("npm", "@babel/core", "7.20.2")),
        ("pkg:npm/@babel/core", ("npm", "@babel/core", "")),
        ("pkg:pear/pear.php.net/xml_util@1.4.5", ("pear", "xml_util", "1.4.5")),
    ],
)
def test_one_spelling(accuracy: ModuleType, purl: str, expected: tuple[str, str, str]) -> None:
    assert accuracy.normal(purl) == expected


def test_each_reason_is_explained(accuracy: ModuleType) -> None:
    lines = (ROOT / "docs" / "accuracy.md").read_text("utf-8").splitlines()
    for heading, _ in accuracy.RULES:
        assert f"### {heading}" in lines


def test_each_reason_of_findings_is_explained(findings: ModuleType) -> None:
    text = (ROOT / "docs" / "accuracy.md").read_text("utf-8")
    _, _, section = text.partition("## Findings, compared with Trivy and Grype\n")
    lines = section.splitlines()
    for heading, _ in findings.RULES:
        assert f"### {heading}" in lines


@pytest.mark.parametrize(
    ("sound", "kind", "ranges"),
    [
        ([">= 2.0.2"], "gem", ["<2.0.2"]),
        ([], "gem", [""]),
        (["~> 1.2.3", ">= 1.3"], "gem", ["<1.2.3, <1.3", ">=1.3.a, <1.3"]),
        (["^0.3.1", ">= 2"], "semver", ["<0.3.1, <2", ">=0.4.0-0, <2"]),
        ([">= 1.5.1, < 1.6.0", ">= 1.6.3"], "semver", ["<1.5.1, <1.6.3", ">=1.6.0, <1.6.3"]),
    ],
)
def test_what_is_sound_negated(findings: ModuleType, sound: list[str], kind: str, ranges: list[str]) -> None:
    assert findings.layouts.unsound(sound, kind) == ranges


@pytest.mark.parametrize(
    ("line", "ids"),
    [
        ("CVE-2019-2426", ["CVE-2019-2426"]),
        ("CVE_2019-2426", ["CVE-2019-2426"]),
        ("CVE 2018-16859", ["CVE-2018-16859"]),
        ("CVE-2017-2616 (+ regression fix)", ["CVE-2017-2616"]),
        ("CVE-2019-17349 XSA-295", ["CVE-2019-17349"]),
        ("CVE-????-?????  XSA-295", ["XSA-295"]),
    ],
)
def test_ids_of_a_secfix(findings: ModuleType, line: str, ids: list[str]) -> None:
    assert findings.layouts.secfix_ids(line) == ids


def test_all_get_the_same_advisories(findings: ModuleType, tmp_path: Path) -> None:
    feeds = ROOT / "demo" / "feeds"
    findings.layouts.lay(feeds, tmp_path / "trivy", tmp_path / "grype")
    known = findings.Advisories(feeds)
    names = {record.content["id"] for record in known.records if record.feed.startswith("osv/")}
    given = [json.loads(path.read_bytes()) for path in (tmp_path / "trivy" / "osv").rglob("*.json")]
    assert {document["id"] for document in given} == names
    told = [json.loads(path.read_bytes())["item"] for path in (tmp_path / "grype" / "github").rglob("*.json")]
    assert {item["Advisory"]["ghsaId"] for item in told} == names
    flaws = {
        name
        for record in known.records
        if record.feed == "alpine"
        for entry in record.content["packages"]
        for lines in entry["pkg"]["secfixes"].values()
        for line in lines
        for name in findings.layouts.secfix_ids(line)
    }
    told = [json.loads(path.read_bytes())["item"] for path in (tmp_path / "grype" / "alpine").rglob("*.json")]
    assert {item["Vulnerability"]["Name"] for item in told} == flaws
    assert any(target.startswith("alpine-3.10") for target in findings.sampled(known, 5))
