"""The comparison with the peers: one spelling for all of them, and a heading for each reason."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def accuracy() -> ModuleType:
    spec = importlib.util.spec_from_file_location("accuracy", ROOT / "bench" / "accuracy.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    ours = sys.modules.pop("images", None)  # the tests have a package of that name as well
    sys.path.insert(0, str(ROOT / "bench"))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.pop(0)
        sys.modules.pop("images", None)
        if ours is not None:
            sys.modules["images"] = ours
    return module


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
