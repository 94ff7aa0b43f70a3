"""The registry client against a registry that can be told to misbehave."""

import base64
import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from hullmark.images import wire
from hullmark.images.open import offered_platforms, open_image
from hullmark.images.reference import parse
from hullmark.images.registry import Registry, challenges
from hullmark.images.source import OpenedImage, SourceOptions
from hullmark.images.sources.registry import guess, open_registry
from hullmark.model.errors import ImageError, UsageError
from hullmark.model.image import Platform
from images.fakes import (
    INDEX,
    MANIFEST,
    Answer,
    Asked,
    FakeRegistry,
    Server,
    digest_of,
    index_of,
    made_image,
    tar_of,
)

LAYER = tar_of({"etc/os-release": b"ID=alpine\n" * 50_000, "noise": bytes(range(256)) * 2000})
D = "sha256:" + "0" * 64


@pytest.fixture
def opened(registry: FakeRegistry) -> Iterator[Callable[..., OpenedImage]]:
    """Open images of the registry and close them in the end."""
    images: list[OpenedImage] = []

    def open_one(name: str = "team/app:1", **options: object) -> OpenedImage:
        settings = {"platform": Platform("linux", "amd64"), **options}
        images.append(open_registry(f"{registry.host}/{name}", SourceOptions(**settings)))  # type: ignore[arg-type]
        return images[-1]

    yield open_one
    for image in images:
        image.close()


# ── references


@pytest.mark.parametrize(
    ("text", "host", "address", "repository", "tag", "digest"),
    [
        ("alpine", "docker.io", "registry-1.docker.io", "library/alpine", "latest", ""),
        ("alpine:3.20", "docker.io", "registry-1.docker.io", "library/alpine", "3.20", ""),
        ("bitnami/redis", "docker.io", "registry-1.docker.io", "bitnami/redis", "latest", ""),
        ("index.docker.io/alpine", "docker.io", "registry-1.docker.io", "library/alpine", "latest", ""),
        ("ghcr.io/a/b/c:v1", "ghcr.io", "ghcr.io", "a/b/c", "v1", ""),
        ("localhost/app", "localhost", "localhost", "app", "latest", ""),
        ("localhost:5000/app:x", "localhost:5000", "localhost:5000", "app", "x", ""),
        ("Registry/app", "Registry", "Registry", "app", "latest", ""),
        ("[::1]:5000/app", "[::1]:5000", "[::1]:5000", "app", "latest", ""),
        (f"alpine@{D}", "docker.io", "registry-1.docker.io", "library/alpine", "", D),
        (f"10.0.0.1/a_b/c--d:t@{D}", "10.0.0.1", "10.0.0.1", "a_b/c--d", "t", D),
        ("host:5000", "docker.io", "registry-1.docker.io", "library/host", "5000", ""),
    ],
)
def test_references(text: str, host: str, address: str, repository: str, tag: str, digest: str) -> None:
    found = parse(text)
    assert (found.host, found.address, found.repository, found.tag, found.digest) == (
        host,
        address,
        repository,
        tag,
        digest,
    )
    assert parse(str(found)).repository == repository


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "@",
        "Alpine",
        "./alpine",
        "/alpine",
        "a//b",
        "a/../b",
        "a b",
        "alpine:",
        "alpine:ä",
        "alpine@sha256:0",
        "-host.de/x",
        "host:99999/x",
        "[::1/x",
        "[:::]:5/x",
        "a" * 256,
        "alpine:" + "t" * 129,
        "a\n",
        "host.de/",
        "x@",
    ],
)
def test_what_is_no_reference(text: str) -> None:
    with pytest.raises(UsageError):
        parse(text)
    assert not guess(text)


def test_a_mistyped_file_is_not_asked_for_at_docker_hub() -> None:
    files = ("image.tar", "image.tar.gz", "image.tar:1", "host.de/image.tar", "0" * 64)
    assert [guess(text) for text in files] == [False] * 5
    assert [guess(text) for text in ("image.tar.2", f"image.tar@{D}", "host.de/tar:1", "alpine")] == [
        True
    ] * 4


def test_challenges() -> None:
    header = 'Negotiate, Bearer realm="https://a/\\"b",  service=reg ,scope="x,y" , Basic realm="z"'
    assert challenges(header) == [
        ("negotiate", {}),
        ("bearer", {"realm": 'https://a/"b', "service": "reg", "scope": "x,y"}),
        ("basic", {"realm": "z"}),
    ]
    assert challenges('=,"') == []
    assert challenges("a" + " " * 16_000 + '"') == [("a", {})]


# ── pulling


def test_an_image_with_its_layers(registry: FakeRegistry, opened: Callable[..., OpenedImage]) -> None:
    made = made_image(LAYER, tar_of({"a": b"1"}))
    registry.add("team/app", "1", made)
    image = opened()
    assert image.image.digest == made.digest
    assert image.image.config_digest == made.config_digest
    assert str(image.image.platform) == "linux/amd64"
    assert [layer.claimed for layer in image.layers] == made.layers
    assert all(layer.addressed and not layer.once for layer in image.layers)
    for layer in (*image.layers, image.layers[0]):
        assert b"".join(layer.open()) == made.blobs[layer.claimed]
    assert {each.headers["accept-encoding"] for each in registry.asked} == {"identity"}
    assert INDEX in registry.asked[0].headers["accept"]


def test_an_index_is_followed_to_the_platform(
    registry: FakeRegistry, opened: Callable[..., OpenedImage]
) -> None:
    arm, amd = made_image(LAYER, architecture="arm64"), made_image(LAYER)
    registry.add("team/app", "arm", arm)
    registry.add("team/app", "amd", amd)
    index = index_of(arm64=arm, amd64=amd)
    for name in ("1", digest_of(index)):
        registry.manifests["team/app", name] = (index, INDEX)
    assert opened(platform=Platform("linux", "arm64")).image.digest == arm.digest
    assert opened(f"team/app:1@{digest_of(index)}").image.digest == amd.digest
    offered = offered_platforms(f"{registry.host}/team/app:1", SourceOptions())
    assert [str(platform) for platform in offered] == ["linux/amd64", "linux/arm64"]
    assert offered_platforms(f"registry:{registry.host}/team/app:arm", SourceOptions()) == ()
    with pytest.raises(ImageError, match="no image for linux/s390x; there are: linux/amd64, linux/arm64"):
        opened(platform=Platform("linux", "s390x"))


def test_a_digest_that_does_not_fit(registry: FakeRegistry, opened: Callable[..., OpenedImage]) -> None:
    made = made_image(LAYER)
    registry.add("team/app", "1", made)
    registry.manifests["team/app", D] = (made.manifest, MANIFEST)
    with pytest.raises(ImageError, match=r"content of sha256:0+ has the digest"):
        opened(f"team/app@{D}")
    registry.before.append(
        lambda asked: (
            Answer(200, made.manifest, {"Docker-Content-Digest": D}) if asked.path.endswith("/1") else None
        )
    )
    with pytest.raises(ImageError, match=r"content of sha256:0+ has the digest"):
        opened()


def test_a_false_configuration_is_unread_and_the_layers_are_there(
    registry: FakeRegistry, opened: Callable[..., OpenedImage]
) -> None:
    made = made_image(LAYER)
    registry.add("team/app", "1", made)
    registry.blobs[made.config_digest] += b" "
    image = opened()
    assert [unread.place for unread in image.image.unread] == ["image configuration"]
    assert b"".join(image.layers[0].open()) == made.blobs[made.layers[0]]


def test_documents_are_bounded(registry: FakeRegistry, opened: Callable[..., OpenedImage]) -> None:
    registry.manifests["team/app", "1"] = (b" " * (9 << 20), MANIFEST)
    with pytest.raises(ImageError, match="answers with more than 8388608 bytes"):
        opened()


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("application/vnd.docker.distribution.manifest.v1+prettyjws", "version 1"),
        ("text/html", "cannot be read"),
    ],
)
def test_what_is_no_image(
    registry: FakeRegistry, opened: Callable[..., OpenedImage], kind: str, words: str
) -> None:
    answer = Answer(200, b"<html>", {"Content-Type": kind})
    registry.before.append(lambda _asked: answer)
    with pytest.raises(ImageError, match=words):
        opened()


def test_what_is_missing(registry: FakeRegistry, opened: Callable[..., OpenedImage]) -> None:
    with pytest.raises(ImageError) as caught:
        opened()
    assert str(caught.value) == (
        f"{registry.host}/team/app:1: {registry.host}/team/app has no tag 1 ({registry.host} says: manifest unknown)"
    )
    made = made_image(LAYER)
    registry.add("team/app", "1", made)
    image = opened()
    del registry.blobs[made.layers[0]]
    with pytest.raises(ImageError, match="no such blob"):
        list(image.layers[0].open())


def test_words_of_a_registry_cannot_steer_a_terminal(
    registry: FakeRegistry, opened: Callable[..., OpenedImage]
) -> None:
    body = json.dumps({"errors": [{"message": "\x1b[31mred\n" + "x" * 10_000}]}).encode()
    registry.before.append(lambda _asked: Answer(418, body))
    with pytest.raises(ImageError) as caught:
        opened()
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


def test_resolving_a_tag(registry: FakeRegistry) -> None:
    made = made_image(LAYER)
    registry.add("team/app", "1", made)
    reference = parse(f"{registry.host}/team/app:1")
    client = Registry(reference, SourceOptions())
    assert client.resolve(reference) == made.digest
    assert registry.asked[-1].method == "HEAD"
    registry.before.append(lambda asked: Answer() if asked.method == "HEAD" else None)
    assert client.resolve(reference) == made.digest
    registry.before.clear()
    assert client.resolve(parse(f"{registry.host}/team/app:2")) == ""
    client.close()


# ── broken downloads


def cut_once(asked: Asked, *, at: int, seen: list[str], body: bytes) -> Answer | None:
    """Answer a blob's first request with its beginning only."""
    if "/blobs/" not in asked.path or "range" in asked.headers or seen:
        return None
    seen.append(asked.path)
    return Answer(200, body, cut=at)


def layer_of(registry: FakeRegistry, opened: Callable[..., OpenedImage]) -> tuple[OpenedImage, bytes]:
    made = made_image(LAYER)
    registry.add("team/app", "1", made)
    image = opened()
    return image, made.blobs[made.layers[0]]


@pytest.mark.parametrize("ranges", ["ranges", ""])
def test_a_broken_download_goes_on_where_it_broke(
    registry: FakeRegistry, opened: Callable[..., OpenedImage], pauses: list[float], ranges: str
) -> None:
    image, body = layer_of(registry, opened)
    seen: list[str] = []
    registry.before.append(lambda asked: cut_once(asked, at=1500, seen=seen, body=body))
    if not ranges:
        registry.before.append(lambda asked: Answer(200, body) if "range" in asked.headers else None)
    assert b"".join(image.layers[0].open()) == body
    assert registry.asked[-1].headers["range"] == "bytes=1500-"
    assert len(pauses) == 1


def test_a_server_that_answers_another_range(
    registry: FakeRegistry, opened: Callable[..., OpenedImage]
) -> None:
    image, body = layer_of(registry, opened)
    seen: list[str] = []
    registry.before.append(lambda asked: cut_once(asked, at=1500, seen=seen, body=body))
    registry.before.append(
        lambda asked: (
            Answer(206, body, {"Content-Range": "bytes 0-9/10"}) if "range" in asked.headers else None
        )
    )
    with pytest.raises(ImageError, match="another range"):
        list(image.layers[0].open())


def test_a_download_that_always_breaks_is_given_up(
    registry: FakeRegistry, opened: Callable[..., OpenedImage], pauses: list[float]
) -> None:
    image, body = layer_of(registry, opened)
    registry.before.append(lambda asked: Answer(200, body, cut=100) if "/blobs/" in asked.path else None)
    with pytest.raises(ImageError, match=r"connection to .* broke"):
        list(image.layers[0].open())
    assert len(pauses) == 6


def test_an_end_that_looks_like_a_break_is_taken_for_one(
    registry: FakeRegistry, opened: Callable[..., OpenedImage]
) -> None:
    image, body = layer_of(registry, opened)
    registry.before.append(
        lambda asked: (
            Answer(200, body[:700], open_ended=True)
            if "/blobs/" in asked.path and "range" not in asked.headers
            else None
        )
    )
    assert b"".join(image.layers[0].open()) == body


@pytest.mark.parametrize(("change", "words"), [(-1, "has more than its"), (5, "bytes, not")])
def test_a_blob_of_another_size(
    registry: FakeRegistry, opened: Callable[..., OpenedImage], change: int, words: str
) -> None:
    registry.add("team/app", "1", made_image(LAYER, size_change=change))
    image = opened()
    with pytest.raises(ImageError, match=words):
        list(image.layers[0].open())


def test_a_layer_that_nobody_reads_to_its_end(
    registry: FakeRegistry, opened: Callable[..., OpenedImage]
) -> None:
    image, _body = layer_of(registry, opened)
    parts = image.layers[0].open()
    next(parts)
    assert hasattr(parts, "close")
    parts.close()


def test_redirects_are_followed_without_secrets(
    registry: FakeRegistry, opened: Callable[..., OpenedImage]
) -> None:
    registry.scheme, registry.user = "basic", ("me", "secret")
    image = made_image(LAYER)
    registry.add("team/app", "1", image)
    with Server(lambda _asked: Answer(200, image.blobs[image.layers[0]])) as storage:
        registry.before.append(
            lambda asked: (
                Answer(307, b"", {"Location": f"http://{storage.host}/data?sig=1"})
                if asked.path.endswith(image.layers[0]) and "authorization" in asked.headers
                else None
            )
        )
        found = opened(username="me", password="secret")
        assert b"".join(found.layers[0].open()) == image.blobs[image.layers[0]]
        assert storage.asked[0].query == {"sig": "1"}
        assert "authorization" not in storage.asked[0].headers


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("", "more than 10 times"),
        ("ftp://x/y", "no HTTP URL"),
        ("http://[", "no HTTP URL"),
        ("http://x:99999/", "impossible port"),
    ],
)
def test_redirects_that_lead_nowhere(
    registry: FakeRegistry, opened: Callable[..., OpenedImage], location: str, words: str
) -> None:
    registry.before.append(lambda asked: Answer(302, b"", {"Location": location or asked.path}))
    with pytest.raises(ImageError, match=words):
        opened()


# ── waiting


def test_waits_as_long_as_the_registry_asks(
    registry: FakeRegistry, opened: Callable[..., OpenedImage], pauses: list[float]
) -> None:
    registry.add("team/app", "1", made_image(LAYER))
    dates = {"Date": "Sun, 06 Nov 1994 08:49:37 GMT", "Retry-After": "Sun, 06 Nov 1994 08:49:44 GMT"}
    waiting = [
        Answer(429, b"", {"Retry-After": "3"}),
        Answer(503, b"", {"Retry-After": "5"}),
        Answer(502),
        Answer(429),
    ]
    registry.before.append(lambda _asked: waiting.pop(0) if waiting else None)
    opened()
    assert pauses == [3.0, 5.0, 0.5, 1.0]
    assert wire.retry_after_s(dates) is None, "names of headers are lower case in what is asked"
    assert wire.retry_after_s(httpx2.Headers(dates)) == 7.0


@pytest.mark.parametrize(
    ("answer", "words", "waits"),
    [
        (Answer(429, b"", {"Retry-After": "200"}), r"answers 429 \(try again in 200 s\)", 1),
        (Answer(503, b"", {"Retry-After": "9" * 400}), r"answers 503 \(try again in 100000000 s\)", 0),
        (Answer(429, b"", {"Retry-After": "0"}), "answers 429", 20),
        (Answer(429, b'{"errors":[{"message":"pull rate limit"}]}'), r"answers 429: pull rate limit", 3),
        (Answer(500, b"oops"), "answers 500", 3),
    ],
)
def test_gives_up_in_bounded_time(
    registry: FakeRegistry,
    opened: Callable[..., OpenedImage],
    pauses: list[float],
    answer: Answer,
    words: str,
    waits: int,
) -> None:
    registry.before.append(lambda _asked: answer)
    with pytest.raises(ImageError, match=words):
        opened()
    assert len(pauses) == waits
    assert sum(pauses) <= 300


def test_a_trickle_counts_as_silence(
    registry: FakeRegistry, opened: Callable[..., OpenedImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    image, _body = layer_of(registry, opened)
    times = iter(range(0, 100_000, 70))
    monkeypatch.setattr(wire, "clock", lambda: float(next(times)))
    with pytest.raises(ImageError, match="has been silent for 60 s"):
        list(image.layers[0].open())


# ── signing in


def test_a_registry_that_never_answers_is_waited_for_once(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes connections, says nothing, and keeps them: neither of the two first tries may wait as long as the last."""
    del home
    monkeypatch.setattr(wire, "FIRST_CONTACT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        reference = parse(f"127.0.0.1:{server.getsockname()[1]}/x:1")
        registry = Registry(reference, SourceOptions(silence_s=2.0))
        begun = time.monotonic()
        with contextlib.closing(registry), pytest.raises(ImageError, match="has been silent for 2 s"):
            registry.manifest(reference)
        assert 2.0 <= time.monotonic() - begun < 3.5


def docker_config(home: Path, host: str, **entry: str) -> None:
    (home / ".docker").mkdir()
    (home / ".docker" / "config.json").write_text(json.dumps({"auths": {host: entry}}))


def test_a_token_for_nobody(registry: FakeRegistry, opened: Callable[..., OpenedImage]) -> None:
    registry.scheme = "bearer"
    registry.add("team/app", "1", made_image(LAYER))
    image = opened()
    list(image.layers[0].open())
    asked = next(each for each in registry.asked if each.path == "/token")
    assert asked.query == {"service": 'fake, "quoted"', "scope": "repository:x:pull"}
    assert registry.granted == 1, "one token serves all requests"
    assert registry.count("GET", "/manifests/1") == 2


def test_a_token_for_someone_and_one_that_runs_out(
    registry: FakeRegistry, opened: Callable[..., OpenedImage], home: Path
) -> None:
    registry.scheme, registry.user = "bearer", ("me", "p:ä")
    docker_config(home, registry.host, auth=base64.b64encode("me:p:ä".encode()).decode())
    made = made_image(LAYER)
    registry.add("team/app", "1", made)
    image = opened()
    registry.tokens.clear()
    assert b"".join(image.layers[0].open()) == made.blobs[made.layers[0]]
    assert registry.granted == 2


def test_an_identity_token_is_posted(
    registry: FakeRegistry, opened: Callable[..., OpenedImage], home: Path
) -> None:
    registry.scheme, registry.identity_token = "bearer", "refresh me & more"
    docker_config(home, f"https://{registry.host}/v2/", identitytoken="refresh me & more")
    registry.add("team/app", "1", made_image(LAYER))
    opened()
    asked = next(each for each in registry.asked if each.path == "/token")
    assert asked.method == "POST"
    assert "authorization" not in asked.headers


def test_a_registry_token_is_used_as_it_is(
    registry: FakeRegistry, opened: Callable[..., OpenedImage], home: Path
) -> None:
    registry.scheme = "bearer"
    registry.tokens.add("given")
    docker_config(home, registry.host, registrytoken="given")
    registry.add("team/app", "1", made_image(LAYER))
    opened()
    assert registry.granted == 0
    (home / ".docker/config.json").write_text(
        json.dumps({"auths": {registry.host: {"registrytoken": "a\r\nX: y"}}})
    )
    with pytest.raises(ImageError, match=r"the token from ~/\.docker/config\.json is none"):
        opened()


def test_basic_from_the_options_and_nothing_before_it_is_asked_for(
    registry: FakeRegistry, opened: Callable[..., OpenedImage]
) -> None:
    registry.scheme, registry.user = "basic", ("me", "secret")
    registry.add("team/app", "1", made_image(LAYER))
    opened(username="me", password="secret")
    assert [("authorization" in each.headers) for each in registry.asked] == [False, True, True]


@pytest.mark.parametrize("scheme", ["basic", "bearer"])
def test_access_denied_says_what_was_tried(
    registry: FakeRegistry, opened: Callable[..., OpenedImage], home: Path, scheme: str
) -> None:
    registry.scheme, registry.user = scheme, ("me", "secret")
    with pytest.raises(ImageError) as nobody:
        opened()
    assert f"there are no credentials for {registry.host} in ~/.docker/config.json" in str(nobody.value)
    assert f"docker login {registry.host}" in nobody.value.hint
    docker_config(home, registry.host, username="me", password="wrong")
    with pytest.raises(ImageError) as wrong:
        opened()
    assert f"{registry.host} refuses the credentials of me from ~/.docker/config.json" in str(wrong.value)
    assert "wrong" not in str(wrong.value)


def test_403_is_denied_as_well(registry: FakeRegistry, opened: Callable[..., OpenedImage]) -> None:
    registry.before.append(lambda _asked: Answer(403))
    with pytest.raises(ImageError, match="access denied"):
        opened()


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("Negotiate", "wants authentication of negotiate"),
        ("", "wants authentication of no known kind"),
        ('Bearer realm="http://example.com/token"', "asks for credentials at example.com without TLS"),
        ('Bearer realm="file:///etc/passwd"', "no HTTP URL"),
        ('Bearer realm="nothing"', "no HTTP URL"),
    ],
)
def test_odd_challenges(
    registry: FakeRegistry, opened: Callable[..., OpenedImage], header: str, words: str
) -> None:
    registry.before.append(lambda _asked: Answer(401, b"", {"WWW-Authenticate": header} if header else {}))
    with pytest.raises(ImageError, match=words):
        opened(username="me", password="secret")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"token":5}', b'{"token":"a\\nb"}', b"[" * 100_000])
def test_tokens_that_are_none(
    registry: FakeRegistry, opened: Callable[..., OpenedImage], body: bytes
) -> None:
    registry.scheme = "bearer"
    registry.before.append(lambda asked: Answer(200, body) if asked.path == "/token" else None)
    with pytest.raises(ImageError, match="token"):
        opened()


# ── hosts


def test_plain_http_only_where_it_was_allowed(registry: FakeRegistry, pauses: list[float]) -> None:
    registry.add("app", "1", made_image(LAYER))
    port = registry.server.port
    elsewhere = parse(f"registry.example:{port}/app:1")
    client = Registry(elsewhere, SourceOptions())
    assert client._bases() == [f"https://registry.example:{port}"]
    client.close()
    for word in ("*", "registry.example", f"registry.example:{port}"):
        client = Registry(elsewhere, SourceOptions(insecure=(word,)))
        assert client._bases()[1:] == [f"http://registry.example:{port}"]
        client.close()
    client = Registry(parse(f"127.0.0.1:{port}/app"), SourceOptions())
    assert client._bases() == [f"http://127.0.0.1:{port}"]
    client.close()
    registry.server.close()
    for host in ("localhost", "127.0.0.1", "[::1]"):
        client = Registry(parse(f"{host}:{port}/app"), SourceOptions())
        assert client._bases() == [f"https://{host}:{port}", f"http://{host}:{port}"]
        client.close()
    assert pauses == []


def test_nobody_is_there(registry: FakeRegistry, pauses: list[float]) -> None:
    registry.server.close()
    with pytest.raises(ImageError, match=f"{registry.host} cannot be reached: Connection refused"):
        open_image(f"registry:{registry.host}/app", SourceOptions())
    assert pauses == [0.5, 1.0, 2.0]


def test_a_host_that_has_no_address(registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    del registry

    def nothing(*_words: object, **_more: object) -> None:
        import socket

        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr("socket.create_connection", nothing)
    with pytest.raises(ImageError, match=r"the name of nowhere\.example cannot be resolved: Name or service"):
        open_image("nowhere.example/app", SourceOptions())
