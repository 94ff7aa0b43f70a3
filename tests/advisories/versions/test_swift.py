"""Names of Swift packages."""

import pytest

from hullmark.advisories.versions.swift import SCHEME


@pytest.mark.parametrize(
    "name",
    [
        "https://github.com/apple/swift-nio",
        "https://github.com/Apple/swift-nio.git",
        "git@github.com:apple/swift-nio.git",
        "ssh://git@github.com/apple/swift-nio/",
        "github.com/apple/swift-nio",
    ],
)
def test_one_repository_has_one_name(name: str) -> None:
    assert SCHEME.fold(SCHEME.fold(name)) == SCHEME.fold(name) == "github.com/apple/swift-nio"
