"""What refers to an image: by the referrers API, and by the fallback tag of a registry without it."""

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hullmark.images._oci import Descriptor
from hullmark.images.reference import Reference, parse
from hullmark.images.referrers import Content, Referrer, attach, attached, contents, fallback_tag, tagged
from hullmark.images.registry import Registry
from hullmark.images.source import SourceOptions
from hullmark.model.errors import ImageError
from images.fakes import INDEX, MANIFEST, Answer, Asked, digest_of
from images.storing import StoringRegistry

SUBJECT = Descriptor(digest="sha256:" + "a" * 64, size=7, media_type=MANIFEST)
TAG = "sha256-" + "a" * 64
KIND = "application/vnd.test.thing"
LAYERS = [("application/json", b'{"a": 1}', {"one": "1"}), ("text/plain", b"words", {})]
ENTRY: dict[str, Any] = {"mediaType": MANIFEST, "digest": "sha256:" + "b" * 64, "size": 3}


class Room:
    """A repository of a storing registry, and the client for it."""

    def __init__(self, fake: StoringRegistry) -> None:
        self.fake = fake
        self.reference: Reference = parse(f"{fake.host}/team/app:1")
        self.client = Registry(self.reference, SourceOptions())

    def attach(self, *layers: Any, kind: str = KIND, **annotations: str) -> str:
        return attach(self.client, self.reference, SUBJECT, kind, layers or LAYERS, annotations)

    def attached(self, kind: str = "") -> tuple[Referrer, ...]:
        return attached(self.client, self.reference, SUBJECT.digest, kind)

    def contents(self, referrer: Any, limit: int = 1000) -> list[Content]:
        return list(contents(self.client, self.reference, referrer, limit))

    def at_tag(self, body: bytes, media_type: str = INDEX) -> None:
        for name in (TAG, digest_of(body)):
            self.fake.manifests["team/app", name] = (body, media_type)

    def listed(self, *entries: Any, **more: Any) -> None:
        self.at_tag(json.dumps({"schemaVersion": 2, "manifests": entries, **more}).encode())


def _listing(answer: Answer) -> Callable[[Asked], Answer | None]:
    """Answer what asks for the list of referrers."""
    return lambda asked: answer if "/referrers/" in asked.path else None


@pytest.fixture
def room(home: object, pauses: list[float]) -> Iterator[Callable[..., Room]]:
    del home, pauses
    with contextlib.ExitStack() as stack:

        def made(**options: Any) -> Room:
            found = Room(StoringRegistry(**options))
            stack.callback(found.fake.close)
            stack.callback(found.client.close)
            return found

        yield made


@pytest.mark.parametrize("lists", [True, False])
def test_what_is_attached_is_found_with_its_bytes(room: Callable[..., Room], *, lists: bool) -> None:
    one = room(lists=lists)
    assert one.attached() == ()
    digest = one.attach(b="2", a="1")
    other = one.attach(("text/plain", b"other", {}), kind="application/vnd.test.other")
    (found,) = one.attached(KIND)
    body, media_type = one.fake.manifests["team/app", digest]
    assert found == Referrer(
        digest=digest,
        media_type=MANIFEST,
        size=len(body),
        artifact_type=KIND,
        annotations={"a": "1", "b": "2"},
    )
    assert media_type == MANIFEST
    manifest = json.loads(body)
    assert manifest["subject"] == {"mediaType": MANIFEST, "digest": SUBJECT.digest, "size": 7}
    assert manifest["config"] == {
        "mediaType": "application/vnd.oci.empty.v1+json",
        "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        "size": 2,
    }
    assert one.contents(found) == [
        Content("application/json", {"one": "1"}, b'{"a": 1}'),
        Content("text/plain", {}, b"words"),
    ]
    assert [each.digest for each in one.attached()] == [other, digest]  # by type
    assert (("team/app", TAG) in one.fake.manifests) is not lists


@pytest.mark.parametrize("lists", [True, False])
def test_attached_twice_is_listed_once(room: Callable[..., Room], *, lists: bool) -> None:
    one = room(lists=lists)
    assert one.attach() == one.attach()
    assert len(one.attached()) == 1
    if not lists:
        assert len(json.loads(one.fake.manifests["team/app", TAG][0])["manifests"]) == 1


def test_an_artifact_without_layers_has_the_empty_one(room: Callable[..., Room]) -> None:
    one = room()
    digest = attach(one.client, one.reference, SUBJECT, KIND, [], {})
    (layer,) = json.loads(one.fake.manifests["team/app", digest][0])["layers"]
    assert (layer["mediaType"], layer["size"]) == ("application/vnd.oci.empty.v1+json", 2)


def test_many_pages_and_a_registry_that_does_not_filter(room: Callable[..., Room]) -> None:
    one = room(page=2)
    digests = [one.attach(n=str(number)) for number in range(7)]
    other = one.attach(kind="application/vnd.test.a+b")
    assert [each.digest for each in one.attached()] == [other, *sorted(digests)]
    assert [each.digest for each in one.attached("application/vnd.test.a+b")] == [other]
    assert one.fake.asked[-1].query["artifactType"] == "application/vnd.test.a+b"


def test_what_others_listed_at_the_tag_stays(room: Callable[..., Room]) -> None:
    one = room(lists=False)
    one.fake.manifests["team/app", ENTRY["digest"]] = (b"{}", MANIFEST)
    foreign = ENTRY | {"artifactType": "application/x", "platform": {"os": "linux"}, "data": "e30="}
    one.listed(foreign, annotations={"by": "them"})
    digest = one.attach()
    index = json.loads(one.fake.manifests["team/app", TAG][0])
    assert index["annotations"] == {"by": "them"}
    assert index["manifests"][0] == foreign
    assert [entry["digest"] for entry in index["manifests"]] == [ENTRY["digest"], digest]


def test_who_is_overwritten_writes_again(room: Callable[..., Room]) -> None:
    one = room(lists=False)
    one.fake.manifests["team/app", ENTRY["digest"]] = (b"{}", MANIFEST)
    written: list[bytes] = []

    def other_writes(asked: Asked) -> Answer | None:
        """Another client read the list before ours was written, and writes its own after it."""
        if asked.method == "PUT" and asked.path.endswith(TAG):
            written.append(asked.body)
            if len(written) == 1:
                one.listed(ENTRY)
                return Answer(201)
        return None

    one.fake.before.append(other_writes)
    digest = one.attach()
    assert {each.digest for each in one.attached()} == {digest, ENTRY["digest"]}
    assert len(written) == 2


def test_a_list_that_never_keeps_what_is_written_is_said(room: Callable[..., Room]) -> None:
    one = room(lists=False)
    one.fake.before.append(
        lambda asked: Answer(201) if asked.method == "PUT" and asked.path.endswith(TAG) else None
    )
    with pytest.raises(ImageError, match="overwritten by others again and again"):
        one.attach()


def test_a_tag_that_is_no_list_is_left_alone(room: Callable[..., Room]) -> None:
    one = room(lists=False)
    one.at_tag(b'{"schemaVersion": 2}', MANIFEST)
    with pytest.raises(ImageError, match="is no index but"):
        one.attach()
    with pytest.raises(ImageError, match="is no index but"):
        one.attached()
    assert one.fake.manifests["team/app", TAG] == (b'{"schemaVersion": 2}', MANIFEST)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(400),
        Answer(405),
        Answer(200, b"<html>", {"Content-Type": "text/html"}),
        Answer(404, b'{"errors": [{"code": "NAME_UNKNOWN"}]}'),
    ],
)
def test_registries_that_know_of_no_referrers(room: Callable[..., Room], answer: Answer) -> None:
    one = room(lists=False)
    one.listed(ENTRY | {"artifactType": KIND})
    one.fake.before.append(_listing(answer))
    assert [each.digest for each in one.attached(KIND)] == [ENTRY["digest"]]


def test_a_registry_that_refuses_or_fails_is_no_registry_without_referrers(room: Callable[..., Room]) -> None:
    one = room()
    for status in (403, 500):
        one.fake.before[:] = [_listing(Answer(status))]
        with pytest.raises(ImageError):
            one.attached()


def test_a_link_to_another_host_is_not_followed(room: Callable[..., Room]) -> None:
    one, other = room(), room()
    body = json.dumps({"schemaVersion": 2, "manifests": []}).encode()
    for link in (
        f"http://{other.fake.host}/v2/team/app/referrers/x",
        f"//{other.fake.host}/v2/",
        "http://[",
        "file:///etc/passwd",
        "ftp://x/",
    ):
        answer = Answer(200, body, {"Content-Type": INDEX, "Link": f'<{link}>; rel="next"'})
        one.fake.before[:] = [_listing(answer)]
        with pytest.raises(ImageError, match="another host"):
            one.attached()
    assert other.fake.asked == []


@pytest.mark.parametrize("number", [0, 1])
def test_pages_without_end(room: Callable[..., Room], number: int) -> None:
    """A page that names itself, and pages that never end."""
    one = room()

    def endless(asked: Asked) -> Answer | None:
        if "/referrers/" not in asked.path:
            return None
        place = int(asked.query.get("at", "0")) + number
        headers = {"Content-Type": INDEX, "Link": f'<{asked.path}?at={place}>; rel="next"'}
        return Answer(200, b'{"manifests": []}', headers)

    one.fake.before.append(endless)
    with pytest.raises(ImageError, match="has no end"):
        one.attached()
    assert len(one.fake.asked) <= 101


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"manifests": [' + b'{"digest":"","size":0},' * 1_000_000 + b"{}]}", "more than"),
        (b'{"manifests": [' + b'{"digest":"","size":0},' * 50_000 + b"{}]}", "cannot be read"),
        (b'{"manifests": {}}', "cannot be read"),
        (b'{"manifests": [{"digest": 5, "size": 1}]}', "cannot be read"),
        (b'{"manifests": [{"digest": "sha256:%s", "size": "1"}]}' % (b"a" * 64), "cannot be read"),
        (b'{"manifests": [{"digest": "sha256:%s"}]}' % (b"a" * 64), "cannot be read"),
        (b'{"manifests": [{"digest": "sha256:../../x", "size": 1}]}', "is no digest"),
        (
            b'{"manifests": [{"digest": "sha256:%s", "size": 1, "annotations": {"a": 1}}]}' % (b"a" * 64),
            "cannot",
        ),
        (b"[]", "is no JSON object"),
        (b"\xff\xfe", "cannot be read"),
        (b"[" * 100_000, "cannot be read"),
    ],
)
@pytest.mark.parametrize("lists", [True, False])
def test_hostile_lists(room: Callable[..., Room], body: bytes, words: str, *, lists: bool) -> None:
    one = room()
    one.at_tag(body)
    listed = Answer(200, body, {"Content-Type": INDEX}) if lists else Answer(404)
    one.fake.before.append(_listing(listed))
    with pytest.raises(ImageError, match=words):
        one.attached()


def test_too_many_referrers(room: Callable[..., Room]) -> None:
    one = room(lists=False)
    entries = [ENTRY | {"digest": f"sha256:{number:064x}"} for number in range(5_000)]
    one.listed(*entries)
    assert len(one.attached()) == 5_000
    with pytest.raises(ImageError, match="no more are added"):
        one.attach()
    one.listed(*entries, ENTRY)
    with pytest.raises(ImageError, match="5001 referrers are listed"):
        one.attached()


def test_what_is_no_digest_is_never_asked_for(room: Callable[..., Room]) -> None:
    one = room()
    wrong = Referrer(digest="sha256:../..", media_type=MANIFEST, size=1)
    with pytest.raises(ImageError, match="is no digest"):
        attached(one.client, one.reference, "sha256:1", "")
    with pytest.raises(ImageError, match="is no digest"):
        one.contents(wrong)
    with pytest.raises(ImageError, match="is no digest"):
        attach(one.client, one.reference, wrong, KIND, LAYERS, {})
    assert one.fake.asked == []


def test_contents_that_are_not_what_is_said(room: Callable[..., Room]) -> None:
    one = room()
    digest = one.attach()
    (found,) = one.attached()
    assert len(one.contents(found, 13)) == 2
    with pytest.raises(ImageError, match="more than 12 bytes"):
        one.contents(found, 12)
    with pytest.raises(ImageError, match=r"has \d+ bytes, not 1"):
        one.contents(Referrer(digest=digest, media_type=MANIFEST, size=1))
    layer = digest_of(b"words")
    for body, words in (
        (b"sword", "has the digest"),
        (b"wor", "has 3 bytes"),
        (b"words!", "more than its 5"),
    ):
        one.fake.stored["team/app", layer] = body
        with pytest.raises(ImageError, match=words):
            one.contents(found)
    del one.fake.stored["team/app", layer]
    with pytest.raises(ImageError, match="no such blob"):
        one.contents(found)
    one.fake.manifests["team/app", digest] = (b"{}", MANIFEST)
    with pytest.raises(ImageError, match="has the digest"):
        one.contents(found)


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ({"manifests": []}, "no manifest with layers"),
        ({"layers": [{"digest": "sha256:x", "size": 1}], "config": {}}, "no digest"),
        ({"layers": [{"size": 1}], "config": {}}, "does not describe it"),
        ({"layers": [{"digest": SUBJECT.digest}]}, "do not say how many"),
        ({"layers": [{"digest": SUBJECT.digest, "size": -5}]}, "do not say how many"),
        ({"layers": [{"digest": SUBJECT.digest, "size": 1 << 60}]}, "more than 1000 bytes"),
        ({"layers": [{"digest": SUBJECT.digest, "size": 0}] * 1_001}, "more than 1000"),
        ({"layers": [{"digest": SUBJECT.digest, "size": 0}] * 70_000}, "values"),
        ([], "cannot be read"),
    ],
)
def test_hostile_manifests(room: Callable[..., Room], manifest: Any, words: str) -> None:
    one = room()
    body = json.dumps(manifest).encode()
    digest = digest_of(body)
    one.fake.manifests["team/app", digest] = (body, MANIFEST)
    with pytest.raises(ImageError, match=words):
        one.contents(Referrer(digest=digest, media_type=MANIFEST, size=len(body)))


def test_a_manifest_at_a_tag_as_cosign_stores_it(room: Callable[..., Room]) -> None:
    one = room()
    assert tagged(one.client, one.reference, f"{TAG}.att") is None
    digest = one.attach(made="1")
    one.fake.manifests["team/app", f"{TAG}.att"] = one.fake.manifests["team/app", digest]
    found = tagged(one.client, one.reference, f"{TAG}.att")
    assert found is not None
    assert (found.digest, found.artifact_type, found.annotations) == (digest, KIND, {"made": "1"})
    assert [each.body for each in one.contents(found)] == [b'{"a": 1}', b"words"]
    one.fake.manifests["team/app", "broken"] = (b"[]", MANIFEST)
    one.fake.manifests["team/app", digest_of(b"[]")] = (b"[]", MANIFEST)
    with pytest.raises(ImageError, match="cannot be read"):
        tagged(one.client, one.reference, "broken")


def test_fallback_tags() -> None:
    assert fallback_tag(SUBJECT.digest) == TAG
    assert fallback_tag("sha512:" + "c" * 128) == "sha512-" + "c" * 64
