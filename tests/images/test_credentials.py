"""Credentials out of Docker's and Podman's files, and out of helpers."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from hullmark.images import credentials
from hullmark.images.credentials import Credentials, find
from hullmark.model.errors import ImageError


def encoded(words: str) -> str:
    return base64.b64encode(words.encode()).decode()


def written(path: Path, **config: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(config))
    return path


def docker(home: Path, **config: Any) -> Path:
    return written(home / ".docker" / "config.json", **config)


def found(host: str = "host.de", repository: str = "team/app") -> tuple[str, str] | None:
    credential = find(host, repository).found
    return (credential.username, credential.password) if credential else None


@pytest.fixture
def helper(home: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Write credential helpers as shell scripts."""
    folder = home / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def write(name: str, script: str) -> None:
        path = folder / f"docker-credential-{name}"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    return write


def test_nothing_is_there(home: Path) -> None:
    del home
    search = find("host.de", "app")
    assert search.found is None
    assert search.looked == ("~/.docker/config.json", "~/.config/containers/auth.json")


@pytest.mark.parametrize(
    "key",
    [
        "host.de",
        "https://host.de",
        "http://host.de/",
        "https://host.de/v1/",
        "https://host.de/v2/",
        "host.de/team",
    ],
)
def test_how_an_entry_may_be_called(home: Path, key: str) -> None:
    docker(home, auths={"other.de": {"auth": encoded("no:no")}, key: {"auth": encoded("me:pass:word")}})
    assert found() == ("me", "pass:word")
    assert found("else.de") is None


@pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "docker.io", "registry-1.docker.io"])
def test_names_of_docker_hub(home: Path, key: str) -> None:
    docker(home, auths={key: {"auth": encoded("me:word\0\0")}})
    assert found("docker.io", "library/alpine") == ("me", "word")


def test_the_most_specific_entry_counts(home: Path) -> None:
    names = ("host.de", "host.de/team", "host.de/team/app", "host.de/te")
    docker(home, auths={name: {"auth": encoded(f"{name}:word")} for name in names})
    assert found() == ("host.de/team/app", "word")
    assert found("host.de", "team/other") == ("host.de/team", "word")
    assert found("host.de", "alone") == ("host.de", "word")


def test_which_file_counts(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def entry(name: str) -> dict[str, Any]:
        return {"auths": {"host.de": {"username": name, "password": "word"}}}

    written(home / ".config/containers/auth.json", **entry("config"))
    assert found() == ("config", "word")
    written(home / "run/containers/auth.json", **entry("run"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home / "run"))
    assert found() == ("run", "word")
    docker(home, **entry("docker"))
    assert found() == ("docker", "word")
    written(home / "other/config.json", **entry("other"))
    monkeypatch.setenv("DOCKER_CONFIG", str(home / "other"))
    assert found() == ("other", "word")
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(written(home / "named.json", **entry("named"))))
    assert found() == ("named", "word")


def test_entries_without_a_secret_are_passed_over(home: Path) -> None:
    docker(home, auths={"host.de": {}})
    written(home / ".config/containers/auth.json", auths={"host.de": {"auth": encoded("me:word")}})
    assert found() == ("me", "word")


def test_secrets_are_not_shown(home: Path) -> None:
    docker(home, auths={"host.de": {"auth": encoded("me:hidden"), "identitytoken": "hidden"}})
    assert "hidden" not in repr(find("host.de", "app"))
    assert find("host.de", "app").found == Credentials(
        username="me", password="hidden", identity_token="hidden", origin="~/.docker/config.json"
    )


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("{", "not a Docker configuration"),
        ('{"auths": 5}', "not a Docker configuration"),
        ("[" * 100_000, "not a Docker configuration"),
        ('{"auths": {"host.de": {"auth": 5}}}', "its entry for 'host.de' cannot be used"),
        ('{"auths": {"host.de": {"auth": "ä"}}}', "its entry for 'host.de' is not base64"),
        ('{"auths": {"host.de": {"auth": "_w=="}}}', "its entry for 'host.de' is not base64"),
        ('{"credsStore": "../../bin/sh"}', "is no credential helper's name"),
    ],
)
def test_files_that_cannot_be_used(home: Path, body: str, words: str) -> None:
    docker(home).write_text(body)
    with pytest.raises(ImageError, match=words) as caught:
        find("host.de", "app")
    assert "config.json" in str(caught.value)


def test_an_empty_file_says_nothing(home: Path) -> None:
    docker(home).write_text("\n")
    assert found() is None


def test_a_folder_in_the_place_of_the_file(home: Path) -> None:
    (home / ".docker/config.json").mkdir(parents=True)
    with pytest.raises(ImageError, match="Is a directory"):
        find("host.de", "app")


# ── helpers

ECHO = 'read -r server; [ "$1" = get ] && printf \'{"ServerURL":"x","Username":"me@%s","Secret":"word"}\' "$server"'


def test_a_store_is_asked_for_the_host(home: Path, helper: Any) -> None:
    helper("store", ECHO)
    docker(home, credsStore="store", auths={"host.de": {}})
    assert found() == ("me@host.de", "word")
    assert found("docker.io", "library/alpine") == ("me@https://index.docker.io/v1/", "word")


def test_a_helper_for_one_host_outranks_the_store(home: Path, helper: Any) -> None:
    helper("store", "exit 1")
    helper("one", ECHO)
    docker(home, credsStore="store", credHelpers={"https://host.de": "one"})
    assert found() == ("me@https://host.de", "word")


def test_a_helper_that_gives_a_token(home: Path, helper: Any) -> None:
    helper("store", """echo '{"Username":"<token>","Secret":"refresh"}'""")
    docker(home, credsStore="store")
    search = find("host.de", "app")
    assert search.found is not None
    assert search.found.identity_token == "refresh"
    assert search.found.origin == "docker-credential-store (~/.docker/config.json)"


def test_what_the_store_does_not_know_may_stand_in_the_file(home: Path, helper: Any) -> None:
    helper("store", "echo credentials not found in native keychain; exit 1")
    docker(home, credsStore="store", auths={"host.de": {"auth": encoded("me:word")}})
    assert found() == ("me", "word")
    assert found("else.de") is None


def test_a_helper_that_is_not_installed(home: Path, helper: Any) -> None:
    del helper
    docker(home, credsStore="desktop")
    with pytest.raises(ImageError) as caught:
        find("host.de", "app")
    assert str(caught.value) == (
        "~/.docker/config.json: the credential helper docker-credential-desktop is not installed"
        " (install it, or remove it from ~/.docker/config.json)"
    )


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("printf 'locked\\033[31m'; exit 3", r"failed for host\.de: locked \[31m$"),
        ("exit 3", "exit code 3"),
        ("echo nonsense", "no JSON of credentials"),
        ("yes", "answers more than 65536 bytes"),
        ("exec yes >&2", "did not answer within 0.2 s"),
        ("exec sleep 60", "did not answer within 0.2 s"),
        ("sleep 60 & echo '{}'", "did not answer within 0.2 s"),
    ],
)
def test_helpers_that_fail(
    home: Path, helper: Any, monkeypatch: pytest.MonkeyPatch, script: str, words: str
) -> None:
    if "within" in words:
        monkeypatch.setattr(credentials, "HELPER_TIMEOUT_S", 0.2)
    helper("store", script)
    docker(home, credsStore="store")
    with pytest.raises(ImageError, match=words):
        find("host.de", "app")


def test_a_helper_that_cannot_be_run(home: Path, helper: Any) -> None:
    helper("store", "")
    (home / "bin/docker-credential-store").write_text("#!/nonexistent\n")
    docker(home, credsStore="store")
    with pytest.raises(ImageError, match="docker-credential-store cannot be run"):
        find("host.de", "app")


def test_a_helper_that_knows_nothing_says_so_with_empty_words(home: Path, helper: Any) -> None:
    helper("store", "echo '{}'")
    docker(home, credsStore="store")
    assert found() is None
