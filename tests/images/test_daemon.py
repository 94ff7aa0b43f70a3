"""Images of a daemon on a unix socket."""

import json
import threading
from pathlib import Path

import pytest

from hullmark.images.open import open_image
from hullmark.images.source import Blob, SourceOptions
from hullmark.images.sources import daemon as daemon_source
from hullmark.images.sources.daemon import guess, open_daemon
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
    assert guess("app:1")
    assert not guess("other:1")
    filled.override = lambda _asked: Answer(500, b"out of order")
    assert not guess("app:1")
    assert not guess("./folder")


def test_no_socket_means_no_guess(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "plain").touch()
    for place in ("/nonexistent", str(home / "plain")):
        monkeypatch.setenv("DOCKER_HOST", f"unix://{place}")
        assert not guess("app:1")
    monkeypatch.setenv("DOCKER_HOST", "tcp://host:2375")
    with pytest.raises(
        ImageError, match=r"no Docker or Podman socket is here; DOCKER_HOST is tcp://host:2375 \(set"
    ):
        open_daemon("app:1", SourceOptions())


def test_the_first_daemon_that_has_it(filled: Daemon, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    podman = Daemon(home / "podman.sock")
    podman.images["pod:1"] = (INSPECTED, MADE.saved("pod:1"))
    monkeypatch.setenv("CONTAINER_HOST", f"unix://{podman.path}")
    assert open_image("podman:pod:1", SourceOptions()).image.digest == MADE.config_digest
    with pytest.raises(ImageError, match=f"no such image at {filled.path} or {podman.path}"):
        open_daemon("other:1", SourceOptions())
    podman.close()
    assert open_daemon("app:1", SourceOptions()).image.digest == MADE.config_digest
    with pytest.raises(
        ImageError, match=rf"the daemon at {podman.path} cannot be used: .*Connection refused"
    ):
        open_daemon("other:1", SourceOptions())


def test_known_places(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home))
    (home / "podman").mkdir()
    podman = Daemon(home / "podman/podman.sock")
    podman.images["pod:1"] = (INSPECTED, b"")
    assert guess("pod:1")
    podman.close()


def test_another_platform(filled: Daemon) -> None:
    del filled
    arm = SourceOptions(platform=Platform("linux", "arm64"))
    with pytest.raises(ImageError, match=r"for linux/amd64, not for linux/arm64 \(registry:NAME"):
        open_daemon("app:1", arm)
    assert open_daemon("app:1", SourceOptions(platform=Platform("linux", "amd64"))).layers


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
        open_daemon("app:1", SourceOptions())


def test_a_stream_that_breaks(filled: Daemon) -> None:
    body = MADE.saved("app:1")
    cut = Answer(200, body, cut=5000)

    filled.override = lambda asked: (
        cut if asked.path.endswith("get") else Answer(body=json.dumps(INSPECTED).encode())
    )
    with pytest.raises(ImageError, match="the archive cannot be read"):
        open_daemon("app:1", SourceOptions())
    filled.override = lambda asked: Answer(500, b"oops") if asked.path.endswith("get") else Answer(body=b"{}")
    with pytest.raises(ImageError, match="cannot give it: 500 oops"):
        open_daemon("app:1", SourceOptions())


def test_a_silent_daemon(filled: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    hold = threading.Event()

    def wait(_asked: Asked) -> Answer:
        hold.wait()
        return Answer()

    filled.override = wait
    monkeypatch.setattr(daemon_source, "_GUESS_S", 0.05)
    assert not guess("app:1")
    with pytest.raises(ImageError, match="cannot be used: it is silent"):
        open_daemon("app:1", SourceOptions(silence_s=0.05))
    hold.set()


def test_what_is_no_name(daemon: Daemon) -> None:
    with pytest.raises(UsageError, match="neither an image's name nor its id"):
        open_daemon("../containers/json?all=1", SourceOptions())
    assert daemon.asked == []
