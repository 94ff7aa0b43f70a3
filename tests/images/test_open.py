"""Which source a reference means; no source is opened, so nothing is asked of anyone."""

from pathlib import Path

import pytest

from hullmark.images.open import choose
from hullmark.model.errors import UsageError

DIGEST = "sha256:" + "a" * 64
PREFIXES = "a prefix says what it is: docker-archive:FILE, dir:FOLDER, registry:NAME"


@pytest.fixture
def folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(home)
    return home


@pytest.mark.parametrize(
    ("reference", "source", "rest"),
    [
        # a known prefix means its source, whatever the rest looks like and whether or not it is there
        ("docker-archive:2024.tar", "archive", "2024.tar"),
        ("docker-archive:2024", "archive", "2024"),
        ("oci-archive:1.0.tar:app:2", "archive", "1.0.tar:app:2"),
        ("archive:7z.tar", "archive", "7z.tar"),
        ("dir:2024dir", "dir", "2024dir"),
        ("dir:2024", "dir", "2024"),
        ("rootfs:12-slim", "dir", "12-slim"),
        ("oci:2", "oci", "2"),
        ("oci-dir:3.20", "oci", "3.20"),
        (f"oci:2@{DIGEST}", "oci", f"2@{DIGEST}"),
        ("registry:alpine", "registry", "alpine"),
        ("registry:2048:1", "registry", "2048:1"),
        ("registry:10.0.0.1/app:2", "registry", "10.0.0.1/app:2"),
        (f"registry:latest@{DIGEST}", "registry", f"latest@{DIGEST}"),
        ("registry:app.tar", "registry", "app.tar"),
        # where images are named, a bare version is not a name: the whole is
        ("registry:2", "registry", "registry:2"),
        ("registry:2.8.3", "registry", "registry:2.8.3"),
        (f"registry:2@{DIGEST}", "registry", f"registry:2@{DIGEST}"),
        ("docker:27-dind", "registry", "docker:27-dind"),
        (f"docker:27@{DIGEST}", "registry", f"docker:27@{DIGEST}"),
        ("podman:5", "registry", "podman:5"),
        ("containerd:2", "registry", "containerd:2"),
        # no prefix
        ("alpine", "registry", "alpine"),
        ("alpine:3.20", "registry", "alpine:3.20"),
        (f"registry@{DIGEST}", "registry", f"registry@{DIGEST}"),
        (f"app.tar@{DIGEST}", "registry", f"app.tar@{DIGEST}"),
        ("host.example:5000/dir:2024", "registry", "host.example:5000/dir:2024"),
    ],
)
def test_the_source_of_a_reference(folder: Path, reference: str, source: str, rest: str) -> None:
    assert list(folder.iterdir()) == []
    chosen, left = choose(reference)
    assert (chosen.name, left) == (source, rest)


@pytest.mark.parametrize(
    "reference",
    [
        "image.tar",
        "image.tar:app",
        "IMAGE.TAR",
        "build/image.tar.gz",
        "build.d/image.tar",
        "build/image.tar:app",
        "docker:2024.tar",
        "docker-archiv:2024.tar",
        "backup:2024.tgz",
        "./2024",
        "/nowhere/2024",
    ],
)
def test_a_name_of_a_file_is_not_asked_for_in_a_registry(folder: Path, reference: str) -> None:
    del folder
    with pytest.raises(
        UsageError, match=r"neither a file, a folder nor an image reference .*docker-archive:FILE"
    ):
        choose(reference)


@pytest.mark.parametrize("reference", ["registry:2", "docker:27", "2024.tar", "backup:2024.tgz"])
def test_a_file_of_that_name_comes_first(folder: Path, reference: str) -> None:
    (folder / reference).touch()
    chosen, left = choose(reference)
    assert (chosen.name, left) == ("archive", reference)


def test_a_folder_or_an_archive_with_a_version_behind_it_comes_first(folder: Path) -> None:
    (folder / "registry").mkdir()
    (folder / "registry/index.json").touch()
    (folder / "docker").touch()
    assert choose("registry:2")[0].name == "oci"
    assert choose("docker:27")[0].name == "archive"


def test_nothing_behind_a_prefix() -> None:
    with pytest.raises(UsageError, match=r"nothing stands after dir:"):
        choose("dir:")


@pytest.mark.parametrize(
    ("reference", "hint"),
    [
        ("docker://host.example/app:1", "registry:host.example/app:1 is an image in a registry"),
        ("https://host.example/app", "registry:host.example/app is an image in a registry"),
        ("docker-archiv:app.tar", f"docker-archive: is the nearest prefix; {PREFIXES}"),
        ("UPPER:x", PREFIXES),
    ],
)
def test_a_reference_that_is_none_is_told_what_may_be_meant(folder: Path, reference: str, hint: str) -> None:
    assert list(folder.iterdir()) == []
    with pytest.raises(UsageError) as raised:
        choose(reference)
    assert raised.value.hint == hint
