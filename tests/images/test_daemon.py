"""Images of a daemon on a unix socket."""

import json
import re
import threading
from pathlib import Path

import pytest

from hullmark.images import _daemon
from hullmark.images.open import open_image
from hullmark.images.source import Blob, SourceOptions
from hullmark.images.sources import docker, podman
from hullmark.model.errors import ImageError, UsageError
from hullmark.model.image import Platform
from images.fakes import Answer, Asked, Daemon, made_image, tar_of

LAYER = tar_of({"etc/os-release": b"ID=alpine\n" * 100_000})
MADE = made_image(LAYER)
TAGS = ["app:1", "app:latest"]
DIGEST = "host.de/app@sha256:" + "1" * 64
INSPECTED = {
    "Id": MADE.config_digest,
    "RepoTags": TAGS,
    "RepoDigests": [DIGEST],
    "Os": "linux",
    "Architecture": "amd64",
}


@pytest.fixture
def filled(daemon: Daemon) -> Daemon:
    for name in ("app:1", "host.de:5000/team/app:1", MADE.config_digest):
        daemon.images[name] = (INSPECTED, MADE.saved("app:1"))
    return daemon


@pytest.mark.parametrize("name", ["app:1", "host.de:5000/team/app:1", MADE.config_digest])
def test_an_image_is_read_while_it_streams(filled: Daemon, name: str) -> None:
    read: list[bytes] = []

    def early(blob: Blob) -> None:
        read.append(b"".join(blob.open()))

    opened = open_image(f"docker:{name}", SourceOptions(early=early))
    assert read == [LAYER]
    assert (opened.image.name, opened.image.source) == (name, "docker-daemon")
    assert opened.image.digest == MADE.config_digest
    assert opened.image.tags == (*TAGS, DIGEST)
    (layer,) = opened.layers
    assert layer.once
    assert not layer.addressed
    assert [each.path for each in filled.asked] == [f"/images/{name}/json", f"/images/{name}/get"]


def test_it_comes_before_the_registry_when_it_has_the_image(filled: Daemon) -> None:
    assert docker.SOURCE.guess("app:1")
    assert not docker.SOURCE.guess("other:1")
    filled.override = lambda _asked: Answer(500, b"out of order")
    assert not docker.SOURCE.guess("app:1")
    assert not docker.SOURCE.guess("./folder")


def test_no_socket_means_no_guess(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "plain").touch()
    for place in ("/nonexistent", str(home / "plain")):
        monkeypatch.setenv("DOCKER_HOST", f"unix://{place}")
        assert not docker.SOURCE.guess("app:1")


@pytest.mark.parametrize(
    ("prefix", "kind", "host"),
    [
        ("docker", docker.KIND, "tcp://host:2375"),
        ("docker-daemon", docker.KIND, "unix:///nonexistent"),
        ("podman", podman.KIND, "ssh://core@host/run/podman.sock"),
        ("podman", podman.KIND, "unix:///nonexistent"),
    ],
)
def test_a_missing_daemon_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch, prefix: str, kind: _daemon.Kind, host: str
) -> None:
    """The other kind's socket, which is there and has the image, is not asked."""
    other = Daemon(home / "other.sock")
    other.images["app:1"] = (INSPECTED, MADE.saved("app:1"))
    for each in (docker.KIND, podman.KIND):
        monkeypatch.setenv(each.variable, host if each is kind else f"unix://{other.path}")
    words = f"no socket of {kind.name} is here; {kind.variable} is {host} (set {kind.variable}=unix://SOCKET, or save"
    with pytest.raises(ImageError, match=re.escape(words)):
        open_image(f"{prefix}:app:1", SourceOptions())
    assert other.asked == []
    other.close()


def test_each_asks_its_own_socket(filled: Daemon, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pods = Daemon(home / "podman.sock")
    pods.images["pod:1"] = pods.images["both:1"] = (INSPECTED, MADE.saved("pod:1"))
    filled.images["both:1"] = filled.images["app:1"]
    monkeypatch.setenv("CONTAINER_HOST", f"unix://{pods.path}")
    sources = {
        reference: open_image(reference, SourceOptions()).image.source
        for reference in (
            "docker:both:1",
            "docker-daemon:both:1",
            "podman:both:1",
            "both:1",
            "pod:1",
            "app:1",
        )
    }
    assert list(sources.values()) == ["docker-daemon"] * 2 + [
        "podman",
        "docker-daemon",
        "podman",
        "docker-daemon",
    ]
    with pytest.raises(ImageError, match=f"Docker has no such image at {filled.path}"):
        open_image("docker:pod:1", SourceOptions())
    with pytest.raises(ImageError, match=f"Podman has no such image at {pods.path}"):
        open_image("podman:app:1", SourceOptions())
    pods.close()
    assert open_image("docker:app:1", SourceOptions()).image.digest == MADE.config_digest
    with pytest.raises(ImageError, match=rf"Podman at {pods.path} cannot be used: .*Connection refused"):
        open_image("podman:pod:1", SourceOptions())


@pytest.mark.parametrize(
    ("prefix", "place"),
    [
        ("docker", "docker.sock"),
        ("docker", ".docker/run/docker.sock"),
        ("podman", "podman/podman.sock"),
    ],
)
def test_known_places(home: Path, monkeypatch: pytest.MonkeyPatch, prefix: str, place: str) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home))
    path = home / place
    path.parent.mkdir(parents=True, exist_ok=True)
    fake = Daemon(path)
    fake.images["it:1"] = (INSPECTED, MADE.saved("it:1"))
    assert (
        open_image("it:1", SourceOptions()).image.source
        == open_image(f"{prefix}:it:1", SourceOptions()).image.source
    )
    fake.close()


def test_the_places_are_their_own() -> None:
    assert docker.KIND.places[0] == "/var/run/docker.sock"
    assert podman.KIND.places == ("{runtime}/podman/podman.sock", "/run/podman/podman.sock")
    assert not set(docker.KIND.places) & set(podman.KIND.places)


def test_another_platform(filled: Daemon) -> None:
    del filled
    arm = SourceOptions(platform=Platform("linux", "arm64"))
    with pytest.raises(ImageError, match=r"for linux/amd64, not for linux/arm64 \(registry:NAME"):
        docker.SOURCE.open("app:1", arm)
    assert docker.SOURCE.open("app:1", SourceOptions(platform=Platform("linux", "amd64"))).layers


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(500, b'{"message":"no space\x1b"}'), 'answers 500: {"message":"no space "}'),
        (Answer(200, b"nonsense"), "answers what is no image"),
        (Answer(200, b"x" * (9 << 20)), "answers too much"),
        (Answer(200, b"{", length=100, cut=1), "cannot be used"),
    ],
)
def test_answers_that_make_no_sense(daemon: Daemon, answer: Answer, words: str) -> None:
    daemon.override = lambda _asked: answer
    with pytest.raises(ImageError, match=words):
        docker.SOURCE.open("app:1", SourceOptions())


def test_a_stream_that_breaks(filled: Daemon) -> None:
    body = MADE.saved("app:1")
    cut = Answer(200, body, cut=5000)

    filled.override = lambda asked: (
        cut if asked.path.endswith("get") else Answer(body=json.dumps(INSPECTED).encode())
    )
    with pytest.raises(ImageError, match="the archive cannot be read"):
        docker.SOURCE.open("app:1", SourceOptions())
    filled.override = lambda asked: Answer(500, b"oops") if asked.path.endswith("get") else Answer(body=b"{}")
    with pytest.raises(ImageError, match="cannot give it: 500 oops"):
        docker.SOURCE.open("app:1", SourceOptions())


def test_a_silent_daemon(filled: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    hold = threading.Event()

    def wait(_asked: Asked) -> Answer:
        hold.wait()
        return Answer()

    filled.override = wait
    monkeypatch.setattr(_daemon, "_GUESS_S", 0.05)
    assert not docker.SOURCE.guess("app:1")
    with pytest.raises(ImageError, match="cannot be used: it is silent"):
        docker.SOURCE.open("app:1", SourceOptions(silence_s=0.05))
    hold.set()


def test_what_is_no_name(daemon: Daemon) -> None:
    with pytest.raises(UsageError, match="neither an image's name nor its id"):
        docker.SOURCE.open("../containers/json?all=1", SourceOptions())
    assert daemon.asked == []
