import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullmark.model.purl import Purl, parse_purl, purl, whole_name

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/"), min_size=1)


@pytest.mark.parametrize(
    ("ecosystem", "name", "version", "expected"),
    [
        ("npm", "@angular/core", "1.0.0", "pkg:npm/%40angular/core@1.0.0"),
        ("npm", "left-pad", "1.0.0+x", "pkg:npm/left-pad@1.0.0%2Bx"),
        ("maven", "org.a:b", "1", "pkg:maven/org.a/b@1"),
        ("golang", "github.com/a/b/v2", "v2.0.0", "pkg:golang/github.com/a/b/v2@v2.0.0"),
        ("composer", "Laravel/Framework", "5.5", "pkg:composer/laravel/framework@5.5"),
        ("pypi", "Foo_Bar", "1", "pkg:pypi/foo-bar@1"),
        ("cocoapods", "GoogleUtilities/NSData+zlib", "7", "pkg:cocoapods/GoogleUtilities@7#NSData%2Bzlib"),
        ("generic", "openssl", "1.1.1k", "pkg:generic/openssl@1.1.1k"),
        ("generic", "a/b", "1", "pkg:generic/a%2Fb@1"),
        ("rpm", "NetworkManager", "1:1.4-1", "pkg:rpm/NetworkManager@1:1.4-1"),
    ],
)
def test_written(ecosystem: str, name: str, version: str, expected: str) -> None:
    assert purl(ecosystem, name, version) == expected


def test_written_with_namespace_and_qualifiers() -> None:
    qualifiers = {"upstream": "glibc@2.36", "distro": "debian-12", "arch": ""}
    assert purl("deb", "libc6", "2.36-9+b1", namespace="debian", qualifiers=qualifiers) == (
        "pkg:deb/debian/libc6@2.36-9%2Bb1?distro=debian-12&upstream=glibc%402.36"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pkg:npm/%40angular/core@1.0.0", Purl("npm", "@angular", "core", "1.0.0", {}, "")),
        ("pkg:npm/@angular/core@1.0.0", Purl("npm", "@angular", "core", "1.0.0", {}, "")),
        ("pkg:npm/@angular/core", Purl("npm", "@angular", "core", "", {}, "")),
        ("pkg://NPM/a@1?Arch=x&empty=#a/../b", Purl("npm", "", "a", "1", {"arch": "x"}, "a/b")),
        (
            "pkg:docker/reg.example:5000/a@sha256:ab?tag=1",
            Purl("docker", "reg.example:5000", "a", "sha256:ab", {"tag": "1"}, ""),
        ),
        ("pkg:deb/Debian/LibC6@1%3A2", Purl("deb", "debian", "libc6", "1:2", {}, "")),
        ("pkg:pypi/Foo_Bar@1", Purl("pypi", "", "foo-bar", "1", {}, "")),
    ],
)
def test_read(text: str, expected: Purl) -> None:
    assert parse_purl(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pkg:",
        "pkg:npm",
        "pkg:npm/",
        "pkg:npm/@1",
        "npm/x@1",
        "https://example.org/x",
        "pkg:1x/a",
        "pkg:npm/a%zz",
        "pkg:npm/a%ff",
        "pkg:npm/a?=1",
        "pkg:npm/a?x=1&x=2",
        "pkg:npm/" + "a" * 10_000,
    ],
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_purl(text)


@given(st.text())
def test_any_text_ends_in_a_package_url_or_a_value_error(text: str) -> None:
    for start in ("", "pkg:npm/"):
        with contextlib.suppress(ValueError):
            parse_purl(start + text)


@given(
    st.sampled_from(["npm", "maven", "golang", "cargo", "gem", "nuget", "rpm", "generic", "swift"]),
    WORDS.filter(lambda text: text.strip("/") != "" and ":" not in text),
    WORDS,
    st.dictionaries(st.sampled_from(["arch", "distro", "upstream", "epoch"]), WORDS),
)
def test_name_version_and_qualifiers_come_back(
    ecosystem: str, name: str, version: str, qualifiers: dict[str, str]
) -> None:
    read = parse_purl(purl(ecosystem, name, version, qualifiers=qualifiers))
    assert (whole_name(read), read.version, read.qualifiers) == (name, version, qualifiers)


@given(st.sampled_from(["npm", "golang", "composer", "swift"]), st.lists(WORDS, min_size=2, max_size=4))
def test_names_of_several_parts_come_back(ecosystem: str, parts: list[str]) -> None:
    name = "/".join(parts)
    name = name.lower() if ecosystem == "composer" else name
    assert whole_name(parse_purl(purl(ecosystem, name, "1"))) == name


@given(WORDS.filter(lambda text: ":" not in text), WORDS.filter(lambda text: ":" not in text))
def test_maven_names_come_back(group: str, artifact: str) -> None:
    assert whole_name(parse_purl(purl("maven", f"{group}:{artifact}", "1"))) == f"{group}:{artifact}"
