"""`hullmark promote` between repositories of a real registry: what may pass is copied by its digest, and nothing else."""

import base64
import contextlib
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import Call
from e2e.program import AS_OF
from e2e.test_real_registry import PASSWORD, USER, serving, skopeo_digest
from hullmark.images import _oci
from hullmark.images.reference import parse
from hullmark.images.referrers import attach, attached
from hullmark.images.registry import Registry
from hullmark.images.source import SourceOptions
from hullmark.scan.run import run as scan
from images.conftest import home
from images.fakes import INDEX, MANIFEST, Answer, Asked, MadeImage, digest_of, index_of, made_image, tar_of
from images.storing import StoringRegistry

__all__ = ["home"]
pytestmark = pytest.mark.skipif(
    any(shutil.which(name) is None for name in ("docker-registry", "skopeo")),
    reason="docker-registry and skopeo are needed",
)


def python(name: str, version: str) -> bytes:
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
    return tar_of({f"opt/app/{name}-{version}.dist-info/METADATA": metadata})


GOOD = made_image(python("requests", "2.33.0"))
ARM = made_image(python("Jinja2", "3.1.6"), architecture="arm64")
BAD = made_image(python("requests", "2.33.0"), python("Jinja2", "3.1.4"))
UNREADABLE = made_image(b"no tar at all" * 100)
BOTH = index_of(amd64=GOOD, arm64=ARM)


class Shop:
    """A registry with a login."""

    def __init__(self, folder: Path, host: str) -> None:
        self.folder = folder / "storage/docker/registry/v2/repositories"
        self.host = host
        self.client = Registry(parse(f"{host}/x"), SourceOptions())

    def put(self, name: str, *images: MadeImage, index: bytes = b"") -> str:
        """Push images, and an index of them under a tag."""
        reference = parse(f"{self.host}/{name}")
        for image in images:
            for digest, body in image.blobs.items():
                self.client.upload(reference, digest, len(body), io.BytesIO(body))
            self.client.publish(reference, image.digest, image.manifest, MANIFEST)
        body, kind = (index, INDEX) if index else (images[-1].manifest, MANIFEST)
        self.client.publish(reference, reference.tag, body, kind)
        return digest_of(body)

    def digest(self, name: str) -> str:
        return self.client.resolve(parse(f"{self.host}/{name}"))

    def written(self) -> list[str]:
        """Name the repositories in which anything was ever stored or begun to be."""
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def shop(call: Call, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    del call, home
    folder = tmp_path / "registry"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HULLMARK_PROMOTE_OFFLINE", "true")
    monkeypatch.setenv("HULLMARK_PROMOTE_AS_OF", AS_OF)
    with serving(folder) as host:
        auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        (tmp_path / ".docker").mkdir()
        (tmp_path / ".docker/config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))
        found = Shop(folder, host)
        with contextlib.closing(found.client):
            yield found


def promoted(call: Call, shop: Shop, source: str, target: str, *words: str, code: int = 0) -> Any:
    gate = () if "--fail-on" in words else ("--fail-on", "vuln:medium")
    names = (f"{shop.host}/{source}", f"{shop.host}/{target}")
    done = call("promote", *names, "--format", "json", *gate, *words)
    assert done.code == code, (done.out, done.err)
    return done.document


def test_an_index_that_may_pass_is_copied_and_tagged(call: Call, shop: Shop) -> None:
    digest = shop.put("staging/app:1", GOOD, ARM, index=BOTH)
    document = promoted(call, shop, "staging/app:1", "production/app:7")
    assert skopeo_digest(f"{shop.host}/production/app:7") == digest
    copied = document.pop("copied")
    size = sum(len(body) for image in (GOOD, ARM) for body in image.blobs.values())
    assert (copied["mounted"], copied["mounted_bytes"], copied["sent"]) == (4, size, 0)
    assert document == {
        "from": f"{shop.host}/staging/app:1@{digest}",
        "to": f"{shop.host}/production/app:7",
        "digest": digest,
        "media_type": INDEX,
        "decision": "allow",
        "reasons": [],
        "images": [
            {"digest": GOOD.digest, "platform": "linux/amd64", "decision": "allow", "reasons": []},
            {"digest": ARM.digest, "platform": "linux/arm64", "decision": "allow", "reasons": []},
        ],
        "replaced": "",
        "dry_run": False,
        "extent": {"manifests": 3, "referrers": 0, "blobs": 4, "bytes": size},
    }


def test_what_is_refused_writes_nothing(call: Call, shop: Shop) -> None:
    shop.put("staging/app:1", GOOD, BAD, index=index_of(amd64=GOOD, arm64=BAD))
    document = promoted(call, shop, "staging/app:1", "production/app:7", code=1)
    assert [each["decision"] for each in document["images"]] == ["allow", "deny"]
    assert "over the gate: 3 medium" in document["images"][1]["reasons"][0]
    assert document["decision"] == "deny"
    assert document["copied"] is None
    assert shop.written() == ["staging"]
    done = call(
        "promote", f"{shop.host}/staging/app:1", f"{shop.host}/production/app:7", "--fail-on", "medium"
    )
    assert done.code == 1
    assert f"not promoted to {shop.host}/production/app:7: deny" in done.out
    assert "over the gate: 3 medium" in done.err
    assert promoted(call, shop, "staging/app:1", "production/app:7", "--fail-on", "critical")["copied"]


def test_an_image_that_an_index_hides_is_scanned_all_the_same(call: Call, shop: Shop) -> None:
    """As a second one of a platform, of an unknown one, or called an attestation, it can still be run by its digest."""
    entry = {"mediaType": MANIFEST, "digest": BAD.digest, "size": len(BAD.manifest)}
    for hidden in (
        {"platform": {"os": "linux", "architecture": "amd64"}},
        {"platform": {"os": "unknown", "architecture": "unknown"}},
        {"annotations": {"vnd.docker.reference.type": "attestation-manifest"}},
    ):
        index = json.loads(index_of(amd64=GOOD))
        index["manifests"].append(entry | hidden)
        shop.put("staging/app:1", GOOD, BAD, index=json.dumps(index).encode())
        promoted(call, shop, "staging/app:1", "production/app:7", code=1)
    assert shop.written() == ["staging"]


def test_statements_beside_an_image_are_no_images(call: Call, shop: Shop) -> None:
    statement = made_image(b"{}", packed=False)
    manifest = json.loads(statement.manifest)
    manifest["layers"][0]["mediaType"] = "application/vnd.in-toto+json"
    statement.manifest = json.dumps(manifest).encode()
    statement.digest = digest_of(statement.manifest)
    index = json.loads(index_of(amd64=GOOD))
    index["manifests"].append(
        {
            "mediaType": MANIFEST,
            "digest": statement.digest,
            "size": len(statement.manifest),
            "platform": {"os": "unknown", "architecture": "unknown"},
        }
    )
    shop.put("staging/app:1", GOOD, statement, index=json.dumps(index).encode())
    document = promoted(call, shop, "staging/app:1", "production/app:7")
    assert [each["digest"] for each in document["images"]] == [GOOD.digest]
    assert document["copied"]["manifests"] == 3
    shop.put("staging/app:2", statement)
    done = call("promote", f"{shop.host}/staging/app:2", f"{shop.host}/production/app:8")
    assert (done.code, "has no image in it" in done.err) == (3, True)


def test_what_cannot_be_scanned_whole_is_not_promoted(call: Call, shop: Shop) -> None:
    shop.put("staging/app:1", UNREADABLE)
    document = promoted(call, shop, "staging/app:1", "production/app:7", code=3)
    assert document["decision"] == "incomplete"
    assert "1 layer could not be read" in document["images"][0]["reasons"][0]
    chart = made_image(b"chart")
    manifest = json.loads(chart.manifest)
    manifest["config"]["mediaType"] = "application/vnd.cncf.helm.config.v1+json"
    chart.manifest = json.dumps(manifest).encode()
    chart.digest = digest_of(chart.manifest)
    shop.put("staging/app:2", chart)
    done = call("promote", f"{shop.host}/staging/app:2", f"{shop.host}/production/app:7")
    assert (done.code, "not a container image but an artifact" in done.err) == (3, True)
    assert shop.written() == ["staging"]
    shop.put("staging/app:3", UNREADABLE, BAD, index=index_of(amd64=UNREADABLE, arm64=BAD))
    assert promoted(call, shop, "staging/app:3", "production/app:7", code=1)["decision"] == "deny"


def test_a_tag_that_moves_meanwhile_changes_nothing(
    call: Call, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.put("staging/app:1", GOOD)

    def moved(request: Any) -> Any:
        report = scan(request)
        shop.put("staging/app:1", BAD)
        return report

    monkeypatch.setattr("hullmark.scan.promote.run", moved)
    promoted(call, shop, "staging/app:1", "production/app:7")
    assert shop.digest("staging/app:1") == BAD.digest
    assert shop.digest("production/app:7") == GOOD.digest


def test_a_tag_that_is_there_is_moved_and_said_or_kept(
    call: Call, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.put("staging/app:1", GOOD)
    shop.put("production/app:7", ARM)
    document = promoted(call, shop, "staging/app:1", "production/app:7", "--no-overwrite", code=1)
    assert document["images"] == []  # known without a scan
    assert shop.digest("production/app:7") == ARM.digest
    done = call("promote", f"{shop.host}/staging/app:1", f"{shop.host}/production/app:7")
    assert (done.code, f"the tag moved there from {ARM.digest}" in done.out) == (0, True)
    document = promoted(call, shop, "staging/app:1", "production/app:7", "--no-overwrite")
    assert document["replaced"] == ""

    def taken(request: Any) -> Any:
        report = scan(request)
        shop.put("production/app:8", ARM)
        return report

    monkeypatch.setattr("hullmark.scan.promote.run", taken)
    promoted(call, shop, "staging/app:1", "production/app:8", "--no-overwrite", code=1)
    assert shop.digest("production/app:8") == ARM.digest


def test_a_dry_run_writes_nothing(call: Call, shop: Shop) -> None:
    shop.put("staging/app:1", GOOD)
    document = promoted(call, shop, "staging/app:1", "production/app:7", "--dry-run")
    assert (document["decision"], document["copied"]) == ("allow", None)
    done = call("promote", f"{shop.host}/staging/app:1", f"{shop.host}/production/app:7", "--dry-run")
    size = sum(len(body) for body in GOOD.blobs.values())
    assert f"would be promoted to {shop.host}/production/app:7: 2 blobs of {size} bytes" in done.out
    assert shop.written() == ["staging"]


def test_what_refers_to_an_image_goes_with_it(call: Call, shop: Shop) -> None:
    shop.put("staging/app:1", GOOD)
    here, there = (parse(f"{shop.host}/{name}/app:1") for name in ("staging", "production"))
    described = _oci.Descriptor(digest=GOOD.digest, size=len(GOOD.manifest), media_type=MANIFEST)
    signed = attach(shop.client, here, described, "application/x", [("text/plain", b"signed", {})], {})
    promoted(call, shop, "staging/app:1", "production/app:1", "--no-referrers")
    assert attached(shop.client, there, GOOD.digest) == ()
    document = promoted(call, shop, "staging/app:1", "production/app:1")
    assert document["copied"]["referrers"] == 1
    assert [each.digest for each in attached(shop.client, there, GOOD.digest)] == [signed]


def test_without_a_gate_of_its_own_critical_flaws_refuse(call: Call, shop: Shop) -> None:
    shop.put("staging/app:1", BAD)
    done = call("promote", f"{shop.host}/staging/app:1", f"{shop.host}/production/app:1")
    assert done.code == 0, done.err
    key = tar_of(
        {
            "root/.aws/credentials": b"[default]\naws_access_key_id = AKIAQ3EGRXDVJ7WMZ4T5\naws_secret_access_key = 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\n"
        }
    )
    shop.put("staging/app:2", made_image(python("requests", "2.33.0"), key))
    done = call("promote", f"{shop.host}/staging/app:2", f"{shop.host}/production/app:2")
    assert (done.code, "secret" in done.err) == (1, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("a/b:1",), "TO must be given"),
        (("a/b:1", "a/b:1"), "to another name"),
        (("a/b:1", f"a/c@sha256:{'0' * 64}"), "not to a digest"),
        (("a/b:1", "a/c:1", "--platform", "linux/amd64"), "all are scanned"),
        (("a/b:1", "a/C:1"), "is no repository name"),
        (("a/b:1", "a/c:1", "--format", "sarif"), "there is no format"),
        (("a/b:1", "a/c:1", "--fail-on", "bad"), "--fail-on does not understand"),
    ],
)
def test_what_makes_no_sense(call: Call, words: tuple[str, ...], said: str) -> None:
    done = call("promote", *words)
    assert (done.code, said in done.err) == (2, True), done.err


def test_what_is_not_there(call: Call, shop: Shop) -> None:
    done = call("promote", f"{shop.host}/staging/app:1", f"{shop.host}/production/app:1")
    assert (done.code, "staging/app has no tag 1" in done.err) == (3, True)
    assert not shop.folder.exists()


@pytest.mark.usefixtures("home", "pauses")
def test_a_password_for_one_host_is_not_sent_to_another(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HULLMARK_PROMOTE_OFFLINE", "true")
    with contextlib.closing(StoringRegistry()) as source, contextlib.closing(StoringRegistry()) as target:
        source.manifests["staging/app", "1"] = source.manifests["staging/app", GOOD.digest] = (
            GOOD.manifest,
            MANIFEST,
        )
        source.stored.update({("staging/app", digest): body for digest, body in GOOD.blobs.items()})
        for fake in (source, target):
            fake.guard("me", "word")
        names = [f"{fake.host}/{name}/app:1" for fake, name in ((source, "staging"), (target, "production"))]
        done = call("promote", *names, "--username", "me", "--password-stdin", stdin=b"word\n")
        assert (done.code, f"no credentials for {target.host}" in done.err) == (3, True), done.err
        assert any("authorization" in each.headers for each in source.asked)
        assert target.asked
        assert not any("authorization" in each.headers for each in target.asked)


@pytest.mark.usefixtures("home", "pauses")
def test_a_repository_that_is_not_there_yet_is_asked_for_as_one_to_write_to(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a registry gives who may only read no token for what is not there; its words are those of Docker Hub."""
    monkeypatch.setenv("HULLMARK_PROMOTE_OFFLINE", "true")
    monkeypatch.setenv("HULLMARK_PROMOTE_AS_OF", AS_OF)
    with contextlib.closing(StoringRegistry()) as fake:
        fake.manifests["staging/app", "1"] = fake.manifests["staging/app", GOOD.digest] = (
            GOOD.manifest,
            MANIFEST,
        )
        fake.stored.update({("staging/app", digest): body for digest, body in GOOD.blobs.items()})

        def signed_in(asked: Asked) -> Answer | None:
            if asked.path == "/token":
                _, name, actions = asked.query["scope"].split(":")
                allowed = name == "staging/app" or "push" in actions or fake.has("production/app")
                return Answer(body=json.dumps({"token": "good" if allowed else "bad"}).encode())
            if asked.headers.get("authorization") == "Bearer good":
                return None
            return Answer(401, headers={"WWW-Authenticate": f'Bearer realm="http://{fake.host}/token"'})

        fake.before.append(signed_in)
        done = call("promote", f"{fake.host}/staging/app:1", f"{fake.host}/production/app:1")
        assert done.code == 0, done.err
        assert fake.manifests["production/app", "1"] == (GOOD.manifest, MANIFEST)
