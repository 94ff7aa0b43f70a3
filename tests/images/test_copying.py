"""Copying by digest, against registries that refuse what is incomplete and tell what they were asked."""

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from hullmark.images import _oci
from hullmark.images.copying import Copied, Place, Plan, copy, plan, point
from hullmark.images.reference import parse
from hullmark.images.referrers import attach, attached
from hullmark.images.registry import Registry
from hullmark.images.source import SourceOptions
from hullmark.model.errors import ImageError
from images.fakes import INDEX, MANIFEST, Answer, Asked, MadeImage, digest_of, index_of, made_image, tar_of
from images.storing import StoringRegistry

AMD = made_image(tar_of({"a": b"1" * 9000}), tar_of({"b": bytes(range(256)) * 100}))
ARM = made_image(tar_of({"a": b"2"}), architecture="arm64")
BOTH = index_of(amd64=AMD, arm64=ARM)
BLOBS = {*AMD.blobs, *ARM.blobs}
Made = Callable[..., StoringRegistry]


def stored(
    fake: StoringRegistry, repository: str, *images: MadeImage, **documents: tuple[bytes, str]
) -> None:
    for image in images:
        fake.manifests[repository, image.digest] = (image.manifest, MANIFEST)
        for digest, body in image.blobs.items():
            fake.stored[repository, digest] = body
    for tag, (body, media_type) in documents.items():
        for name in (tag, digest_of(body)):
            fake.manifests[repository, name] = (body, media_type)


@pytest.fixture
def made(home: object, pauses: list[float]) -> Iterator[Made]:
    del home, pauses
    with contextlib.ExitStack() as stack:

        def one(**options: Any) -> StoringRegistry:
            fake = StoringRegistry(**options)
            stack.callback(fake.close)
            return fake

        yield one


@contextlib.contextmanager
def place(fake: StoringRegistry, repository: str, options: SourceOptions | None = None) -> Iterator[Place]:
    reference = parse(f"{fake.host}/{repository}:1")
    with contextlib.closing(Registry(reference, options or SourceOptions())) as registry:
        yield Place(registry, reference)


def copied(
    source: StoringRegistry, target: StoringRegistry, digest: str, *, with_referrers: bool = True
) -> tuple[Plan, Copied]:
    with place(source, "staging/app") as here, place(target, "production/app") as there:
        planned = plan(here, digest, with_referrers=with_referrers)
        return planned, copy(planned, here, there)


def repository(fake: StoringRegistry, name: str) -> dict[str, bytes]:
    documents = {key: body for (owner, key), (body, _) in fake.manifests.items() if owner == name}
    return documents | {key: body for (owner, key), body in fake.stored.items() if owner == name}


def test_an_index_is_copied_byte_for_byte_between_registries(made: Made) -> None:
    source, target = made(), made()
    stored(source, "staging/app", AMD, ARM, v1=(BOTH, INDEX))
    planned, done = copied(source, target, digest_of(BOTH))
    there = repository(target, "production/app")
    assert set(there) == {*BLOBS, AMD.digest, ARM.digest, digest_of(BOTH)}
    assert all(digest_of(body) == name for name, body in there.items())
    assert target.manifests["production/app", digest_of(BOTH)] == (BOTH, INDEX)
    assert planned.root.body == BOTH
    size = sum(len(body) for image in (AMD, ARM) for body in image.blobs.values())
    assert done == Copied(manifests=3, sent=len(BLOBS), sent_bytes=size)
    assert source.writes() == []
    _, again = copied(source, target, digest_of(BOTH))
    assert again == Copied(manifests=3, present=len(BLOBS))


def test_a_large_blob_goes_in_pieces(made: Made) -> None:
    source, target = made(), made()
    large = made_image(bytes(range(256)) * 4096 * 20, packed=False)
    stored(source, "staging/app", large)
    copied(source, target, large.digest)
    sizes = [
        len(each.body) >> 20 for each in target.asked if each.method == "PATCH" and len(each.body) > 1000
    ]
    assert sizes == [8, 8, 4]
    assert target.stored["production/app", large.layers[0]] == large.blobs[large.layers[0]]


def test_blobs_are_mounted_in_one_registry(made: Made) -> None:
    fake = made()
    stored(fake, "staging/app", AMD)
    _, done = copied(fake, fake, AMD.digest)
    assert done == Copied(
        manifests=1, mounted=len(AMD.blobs), mounted_bytes=sum(map(len, AMD.blobs.values()))
    )
    assert {each.query.get("from") for each in fake.asked if each.method == "POST"} == {"staging/app"}
    assert not [each for each in fake.asked if each.method == "GET" and "/blobs/" in each.path]


@pytest.mark.parametrize("status", [202, 403, 404, 500])
def test_where_nothing_can_be_mounted_it_is_sent(made: Made, status: int) -> None:
    fake = made(mounts=False)
    stored(fake, "staging/app", AMD)
    if status != 202:
        fake.before.append(lambda asked: Answer(status) if "mount" in asked.query else None)
    _, done = copied(fake, fake, AMD.digest)
    assert (done.sent, done.mounted) == (len(AMD.blobs), 0)
    assert set(AMD.blobs) < set(repository(fake, "production/app"))


def test_a_token_for_a_mount_may_read_the_other_repository(made: Made) -> None:
    fake = made()
    stored(fake, "staging/app", AMD)

    def signed_in(asked: Asked) -> Answer | None:
        if asked.path == "/token":
            return Answer(body=json.dumps({"token": asked.query["scope"].replace(":", ".")}).encode())
        if not asked.headers.get("authorization"):
            return Answer(401, headers={"WWW-Authenticate": f'Bearer realm="http://{fake.host}/token"'})
        return None

    fake.before.append(signed_in)
    copied(fake, fake, AMD.digest)
    # The server's double reads the last of several parameters of one name.
    assert {each.headers["authorization"] for each in fake.asked if "mount" in each.query} == {
        "Bearer repository.staging/app.pull"
    }


def test_manifests_after_their_parts_and_no_tag_before_all_is_there(made: Made) -> None:
    source, target = made(), made()
    stored(source, "staging/app", AMD, ARM, v1=(BOTH, INDEX))
    with place(source, "staging/app") as here:
        described = _oci.Descriptor(digest=digest_of(BOTH), size=len(BOTH), media_type=INDEX)
        signature = attach(here.registry, here.reference, described, "application/x", [], {})
        with place(target, "production/app") as there:
            planned = plan(here, digest_of(BOTH))
            done = copy(planned, here, there)
            assert ("production/app", "v9") not in target.manifests
            point(there, "v9", planned.root)
    writes = [each.rpartition("/")[2] for each in target.writes() if "/manifests/" in each]
    assert writes == [AMD.digest, ARM.digest, digest_of(BOTH), signature, "v9"]
    last_blob = max(number for number, each in enumerate(target.writes()) if "/blobs/" in each)
    assert last_blob < min(number for number, each in enumerate(target.writes()) if "/manifests/" in each)
    assert done.referrers == 1


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("here", [True, False])
def test_referrers_of_all_and_of_referrers_come_along(made: Made, *, here: bool, there: bool) -> None:
    source, target = made(lists=here), made(lists=there)
    stored(source, "staging/app", AMD, ARM, v1=(BOTH, INDEX))

    def on(digest: str, body: bytes) -> str:
        document = source.manifests["staging/app", digest]
        described = _oci.Descriptor(digest=digest, size=len(document[0]), media_type=document[1])
        with place(source, "staging/app") as one:
            content = ("text/plain", body, dict[str, str]())
            return attach(one.registry, one.reference, described, "application/x", [content], {"made": "1"})

    sbom = on(AMD.digest, b"sbom of amd64")
    signed = on(sbom, b"signature of the SBOM")
    whole = on(digest_of(BOTH), b"signature of the index")
    _, done = copied(source, target, digest_of(BOTH))
    assert (done.referrers, done.left_out) == (3, ())
    with place(target, "production/app") as place_:
        for subject, expected in ((AMD.digest, sbom), (sbom, signed), (digest_of(BOTH), whole)):
            found = attached(place_.registry, place_.reference, subject)
            assert [(each.digest, each.annotations) for each in found] == [(expected, {"made": "1"})]
    assert target.manifests["production/app", sbom] == source.manifests["staging/app", sbom]
    other = made()
    _, done = copied(source, other, digest_of(BOTH), with_referrers=False)
    assert done.referrers == 0
    assert set(repository(other, "production/app")) == {*BLOBS, AMD.digest, ARM.digest, digest_of(BOTH)}


def test_what_is_wrongly_listed_is_left_out_and_said(made: Made) -> None:
    source, target = made(lists=False), made()
    gone = {"mediaType": MANIFEST, "digest": "sha256:" + "9" * 64, "size": 2}
    stranger = {"mediaType": MANIFEST, "digest": ARM.digest, "size": len(ARM.manifest)}
    listed = json.dumps({"schemaVersion": 2, "manifests": [gone, stranger]}).encode()
    stored(source, "staging/app", AMD, ARM, **{AMD.digest.replace(":", "-"): (listed, INDEX)})
    _, done = copied(source, target, AMD.digest)
    assert done.referrers == 0
    assert [words.split(",")[1] for words in sorted(done.left_out, key=len)] == [
        " and is not there",
        " and does not refer to it",
    ]
    assert ARM.digest not in repository(target, "production/app")


def cosigned(*signatures: str) -> tuple[MadeImage, bytes]:
    """Give what cosign stores: a layer for each signature, which stands in its annotations."""
    made = made_image(b"payload", packed=False)
    manifest = json.loads(made.manifest)
    manifest["layers"] = [
        {**manifest["layers"][0], "annotations": {"dev.cosignproject.cosign/signature": each}}
        for each in signatures
    ]
    return made, json.dumps(manifest).encode()


def test_what_cosign_stored_comes_along_and_nobody_elses_is_lost(made: Made) -> None:
    source, target = made(), made()
    image, one = cosigned("a")
    tag = AMD.digest.replace(":", "-") + ".sig"
    stored(source, "staging/app", AMD, image, **{tag: (one, MANIFEST)})
    _, done = copied(source, target, AMD.digest)
    assert done.referrers == 1
    assert target.manifests["production/app", tag] == (one, MANIFEST)
    _, both = cosigned("a", "b")
    stored(source, "staging/app", **{tag: (both, MANIFEST)})
    copied(source, target, AMD.digest)
    assert target.manifests["production/app", tag] == (both, MANIFEST)
    stored(source, "staging/app", **{tag: (one, MANIFEST)})
    _, done = copied(source, target, AMD.digest)
    assert target.manifests["production/app", tag] == (both, MANIFEST)
    assert "stays as it is" in done.left_out[0]


@pytest.mark.parametrize(
    "kind",
    [
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    ],
)
def test_what_may_not_be_given_away_is_not(made: Made, kind: str) -> None:
    source, target = made(), made()
    manifest = json.loads(AMD.manifest)
    manifest["layers"][0] |= {"mediaType": kind, "urls": ["https://example.com/layer"]}
    body = json.dumps(manifest).encode()
    stored(source, "staging/app", AMD, v1=(body, MANIFEST))
    _, done = copied(source, target, digest_of(body))
    assert (done.not_distributable, done.sent) == (1, 2)
    assert AMD.layers[0] not in repository(target, "production/app")


def test_a_blob_that_is_not_what_it_is_called_is_never_stored(made: Made) -> None:
    source, target = made(), made()
    stored(source, "staging/app", AMD)
    good = AMD.blobs[AMD.layers[1]]
    for bad in (good[:-1] + bytes([good[-1] ^ 1]), good[:-1], good + b"x"):
        source.stored["staging/app", AMD.layers[1]] = bad
        with pytest.raises(ImageError):
            copied(source, target, AMD.digest)
        assert AMD.layers[1] not in repository(target, "production/app")
        assert not [each for each in target.writes() if "/manifests/" in each]
    closed = [
        each.query["digest"] for each in target.asked if each.method == "PUT" and "digest" in each.query
    ]
    assert AMD.layers[1] not in closed  # known to be wrong before the registry is asked to take it


def test_a_copy_that_broke_off_is_not_seen_and_goes_on(made: Made) -> None:
    source, target = made(), made()
    stored(source, "staging/app", AMD, ARM, v1=(BOTH, INDEX))
    target.before.append(
        lambda asked: Answer(507) if asked.method == "PUT" and asked.path.endswith(ARM.digest) else None
    )
    with pytest.raises(ImageError, match="answers 507"):
        copied(source, target, digest_of(BOTH))
    assert digest_of(BOTH) not in repository(target, "production/app")
    target.before.clear()
    _, done = copied(source, target, digest_of(BOTH))
    assert done == Copied(manifests=3, present=len(BLOBS))


def deep(levels: int, fake: StoringRegistry) -> str:
    body, kind = AMD.manifest, MANIFEST
    for _level in range(levels):
        entry = {"mediaType": kind, "digest": digest_of(body), "size": len(body)}
        body, kind = json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode(), INDEX
        stored(fake, "staging/app", x=(body, kind))
    return digest_of(body)


def test_indexes_in_indexes(made: Made) -> None:
    source, target = made(), made()
    stored(source, "staging/app", AMD)
    _, done = copied(source, target, deep(4, source))
    assert done.manifests == 5
    with pytest.raises(ImageError, match="nested more than 4 deep"):
        copied(source, target, deep(5, source))


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ({"manifests": [{"digest": "latest", "size": 1}]}, "'latest' is no digest"),
        ({"manifests": [{"digest": "../../x", "size": 1}]}, "is no digest"),
        ({"manifests": [], "layers": [], "config": None}, "an index and a manifest in one"),
        ({"manifests": [{"digest": "sha256:" + "1" * 64, "size": 1}]}, "has no digest"),
        ({"blobs": []}, "neither an index nor an image manifest"),
        ({"layers": []}, "neither an index nor an image manifest"),
        ({"layers": [{"digest": "x", "size": 1}], "config": {"digest": AMD.digest, "size": 1}}, "no digest"),
        ({"layers": [{"digest": AMD.digest}], "config": {"digest": AMD.digest, "size": 1}}, "its size"),
        ({"layers": [], "config": {"digest": AMD.digest, "size": 1}, "subject": 5}, "cannot be read"),
        ({"manifests": [{"digest": AMD.digest, "size": 1}] * 70_000}, "values"),
        ([], "cannot be read"),
    ],
)
def test_what_cannot_be_copied_is_refused_before_anything_is_written(
    made: Made, manifest: Any, words: str
) -> None:
    source, target = made(), made()
    body = json.dumps(manifest).encode()
    stored(source, "staging/app", v1=(body, INDEX if "manifests" in manifest else MANIFEST))
    with pytest.raises(ImageError, match=words):
        copied(source, target, digest_of(body))
    assert target.asked == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"layers": [', '"Layers": [], "layers": ['),
        ('"layers": [', '"layers": [], "layers": ['),
        ('"layers": [', '"Manifests": [], "layers": ['),
        ('"config": {', '"con\\u0066ig": {}, "config": {'),
        ('"layers": [', '"layer\u017f": [], "layers": ['),
        ('"digest": ', '"DIGEST": "x", "digest": '),
    ],
)
def test_what_others_could_read_otherwise_is_not_copied(made: Made, before: str, after: str) -> None:
    """Go, in which runtimes are written, reads names in any letters, and the last of two."""
    source, target = made(), made()
    body = AMD.manifest.decode().replace(before, after, 1).encode()
    stored(source, "staging/app", AMD, v1=(body, MANIFEST))
    with pytest.raises(ImageError, match="a name is there twice"):
        copied(source, target, digest_of(body))
    named = json.loads(AMD.manifest) | {"annotations": {"a": "1", "A": "2"}}
    body = json.dumps(named).encode()
    stored(source, "staging/app", v2=(body, MANIFEST))
    copied(source, target, digest_of(body))


def test_an_index_is_called_one(made: Made) -> None:
    source, target = made(), made()
    stored(source, "staging/app", AMD, ARM, v1=(BOTH, MANIFEST), v2=(ARM.manifest, INDEX))
    for digest in (digest_of(BOTH), ARM.digest):
        with pytest.raises(ImageError, match="is not what it is called"):
            copied(source, target, digest)


def test_all_documents_are_bounded_together(made: Made) -> None:
    source = made()
    stored(source, "staging/app", AMD, ARM, v1=(BOTH, INDEX))
    bounds = SourceOptions().limits
    for limits in (
        msgspec.structs.replace(bounds, archive_documents_bytes=len(BOTH) + 10),
        msgspec.structs.replace(bounds, manifests=2),
    ):
        with (
            place(source, "staging/app", SourceOptions(limits=limits)) as here,
            pytest.raises(ImageError, match="too many or too large"),
        ):
            plan(here, digest_of(BOTH))
