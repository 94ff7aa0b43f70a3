"""`hullmark attest` and `hullmark verify`: with the referrers API and without it, and on images in files."""

import base64
import contextlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from cli.conftest import Call, Done
from e2e.program import AS_OF
from hullmark.images._oci import Descriptor
from hullmark.images.reference import parse
from hullmark.images.referrers import attach, attached, fallback_tag
from hullmark.images.registry import Registry
from hullmark.images.source import SourceOptions
from hullmark.reports._schema import schema
from hullmark.scan.attest import storing
from hullmark.scan.attest.keys import load_signer
from hullmark.scan.attest.signing import sign
from images.conftest import home
from images.fakes import INDEX, MANIFEST, Answer, Asked, MadeImage, digest_of, index_of, made_image, tar_of
from images.storing import StoringRegistry

__all__ = ["home"]
DATA = Path(__file__).parents[1] / "data/attest"
SIGSTORE = "application/vnd.dev.sigstore.bundle.v0.3+json"
SCAN = "https://hullmark.dev/schema/attestation-1.0.json"


def python(name: str, version: str) -> bytes:
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
    return tar_of({f"opt/app/{name}-{version}.dist-info/METADATA": metadata})


IMAGE = made_image(python("Jinja2", "3.1.4"))
ARM = made_image(python("Jinja2", "3.1.6"), architecture="arm64")
BOTH = index_of(amd64=IMAGE, arm64=ARM)
COSIGNED = made_image(
    tar_of(
        {
            "opt/app/requests-2.31.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: requests\nVersion: 2.31.0\n"
        }
    )
)
"""The image that the attestations in tests/data/attest are of."""


class Shop:
    """A registry, and the client that fills it."""

    def __init__(self, fake: StoringRegistry) -> None:
        self.fake = fake
        self.host = fake.host
        self.client = Registry(parse(f"{fake.host}/x"), SourceOptions())

    def put(self, name: str, *images: MadeImage, index: bytes = b"") -> str:
        reference = parse(f"{self.host}/{name}")
        for image in images:
            for digest, body in image.blobs.items():
                self.client.upload(reference, digest, len(body), io.BytesIO(body))
            self.client.publish(reference, image.digest, image.manifest, MANIFEST)
        body, kind = (index, INDEX) if index else (images[-1].manifest, MANIFEST)
        self.client.publish(reference, reference.tag, body, kind)
        return digest_of(body)

    def attach(self, image: MadeImage, body: bytes, kind: str = SIGSTORE, name: str = "app") -> None:
        subject = Descriptor(digest=image.digest, size=len(image.manifest), media_type=MANIFEST)
        attach(self.client, parse(f"{self.host}/{name}:1"), subject, kind, [(kind, body, {})], {})

    def kinds(self, image: MadeImage) -> list[str]:
        return [
            each.artifact_type for each in attached(self.client, parse(f"{self.host}/app:1"), image.digest)
        ]


@pytest.fixture(params=[True, False], ids=["api", "tag"])
def shop(
    request: pytest.FixtureRequest, call: Call, home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    del call, home
    for command in ("ATTEST", "SCAN", "VERIFY"):
        monkeypatch.setenv(f"HULLMARK_{command}_AS_OF", AS_OF)
    monkeypatch.setenv("HULLMARK_ATTEST_OFFLINE", "true")
    monkeypatch.delenv("COSIGN_PASSWORD", raising=False)
    fake = StoringRegistry(lists=request.param)
    made = Shop(fake)
    made.put("app:1", IMAGE)
    with contextlib.closing(fake), contextlib.closing(made.client):
        yield made


def keys(name: str = "key") -> tuple[str, str]:
    """Make a key pair in this folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    Path(f"{name}.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    Path(f"{name}.pub").write_bytes(public)
    return f"{name}.pem", f"{name}.pub"


def done(call: Call, code: int, *words: str) -> Done:
    found = call(*words)
    assert found.code == code, (found.out, found.err)
    return found


def verified(call: Call, code: int, *words: str) -> Any:
    return done(call, code, "verify", *words, "--format", "json").document


def said(line: bytes | str) -> Any:
    """Give the statement in a bundle."""
    return json.loads(base64.b64decode(json.loads(line)["dsseEnvelope"]["payload"]))


def test_what_is_attested_is_found_and_verified(call: Call, shop: Shop) -> None:
    key, public = keys()
    name = f"{shop.host}/app:1"
    lines = done(call, 0, "attest", name, "--key", key).out.splitlines()
    assert [line.split()[:2] for line in lines] == [
        [IMAGE.digest, "https://cyclonedx.org/bom"],
        [IMAGE.digest, SCAN],
    ]
    assert shop.kinds(IMAGE) == [SIGSTORE, SIGSTORE]
    found = verified(call, 0, name, "--key", public, "--type", "sbom,scan", "--max-age", "1h")
    assert found["verified"] is True
    assert found["reference"] == f"{name}@{IMAGE.digest}"
    assert found["images"] == [{"digest": IMAGE.digest, "platform": "", "verified": True, "missing": []}]
    places = {line.split()[2] for line in lines}
    assert {each["place"] for each in found["attestations"]} == places
    for each in found["attestations"]:
        assert (each["verified"], each["subject"], each["key"]) == (True, IMAGE.digest, public)
    text = done(call, 0, "verify", name, "--key", public).out
    assert text.count("  verified: ") == 2
    again = done(call, 0, "attest", name, "--key", key).out.splitlines()
    assert again == lines
    assert shop.kinds(IMAGE) == [SIGSTORE, SIGSTORE]


def test_another_key_verifies_nothing(call: Call, shop: Shop) -> None:
    key, _ = keys()
    _, other = keys("other")
    name = f"{shop.host}/app:1"
    done(call, 0, "attest", name, "--key", key)
    found = verified(call, 1, name, "--key", other)
    assert (found["verified"], found["images"][0]["verified"]) == (False, False)
    assert {each["reason"] for each in found["attestations"]} == {
        "no signature on it is of a key that was given"
    }
    assert "has no verified attestation" in call("verify", name, "--key", other).err


def test_nothing_attached_is_nothing_verified(call: Call, shop: Shop) -> None:
    _, public = keys()
    told = done(call, 1, "verify", f"{shop.host}/app:1", "--key", public)
    assert "nothing is attached to it" in told.out


def test_a_type_that_is_not_there_is_missing(call: Call, shop: Shop) -> None:
    key, public = keys()
    name = f"{shop.host}/app:1"
    done(call, 0, "attest", name, "--key", key, "--type", "sbom", "--sbom-format", "spdx")
    found = verified(call, 1, name, "--key", public, "--type", "sbom,scan")
    assert found["images"][0]["missing"] == ["scan"]
    assert verified(call, 0, name, "--key", public, "--type", "https://spdx.dev/Document")["verified"]
    assert "does not know 'sbm'" in done(call, 2, "verify", name, "--key", public, "--type", "sbm").err


def test_an_old_attestation_does_not_count(call: Call, shop: Shop) -> None:
    key, public = keys()
    name = f"{shop.host}/app:1"
    done(call, 0, "attest", name, "--key", key, "--as-of", "2020-01-01T00:00:00Z")
    assert verified(call, 0, name, "--key", public)["verified"]
    found = verified(call, 1, name, "--key", public, "--max-age", "7d")
    assert {each["reason"] for each in found["attestations"]} == {"it is too old: of 2020-01-01T00:00:00Z"}
    assert "needs a span of time" in done(call, 2, "verify", name, "--key", public, "--max-age", "7").err


def test_an_attestation_of_another_image_does_not_count(call: Call, shop: Shop) -> None:
    key, public = keys()
    shop.put("app:2", ARM)
    done(call, 0, "attest", f"{shop.host}/app:2", "--key", key, "--type", "scan", "--output", "theirs")
    shop.attach(IMAGE, Path("theirs").read_bytes())
    found = verified(call, 1, f"{shop.host}/app:1", "--key", public)
    assert [each["reason"] for each in found["attestations"]] == ["it speaks of another image"]


def test_rubbish_that_others_attach_hides_nothing(call: Call, shop: Shop) -> None:
    key, public = keys()
    name = f"{shop.host}/app:1"
    for body in (b"", b"{}", b"\xff" * 100, b"[" * 50_000):
        shop.attach(IMAGE, body)
    shop.attach(IMAGE, b"{}", "application/vnd.somebody.elses")
    done(call, 0, "attest", name, "--key", key)
    found = verified(call, 0, name, "--key", public, "--type", "sbom,scan")
    assert [each["verified"] for each in found["attestations"]] == [True, True, False, False, False, False]
    assert all(each["reason"] for each in found["attestations"][2:])


def test_what_is_signed_is_what_the_tag_named_at_first(call: Call, shop: Shop) -> None:
    """The tag moves as soon as it was resolved."""
    key, public = keys()
    moved = False
    shop.put("app:other", ARM)

    def move(asked: Asked) -> Answer | None:
        nonlocal moved
        if "/blobs/" in asked.path and not moved:
            moved = True
            shop.fake.manifests["app", "1"] = (ARM.manifest, MANIFEST)
        return None

    shop.fake.before.append(move)
    done(call, 0, "attest", f"{shop.host}/app:1", "--key", key)
    assert moved
    assert shop.kinds(IMAGE) == [SIGSTORE, SIGSTORE]
    assert shop.kinds(ARM) == []
    done(call, 1, "verify", f"{shop.host}/app:1", "--key", public, "--platform", "linux/arm64")
    done(call, 0, "verify", f"{shop.host}/app@{IMAGE.digest}", "--key", public)


def test_a_stored_report_is_signed_without_a_scan(call: Call, shop: Shop) -> None:
    key, _ = keys()
    name = f"{shop.host}/app:1"
    done(call, 0, "scan", name, "--format", "json=report.json", "--policy", "development")
    body = Path("report.json").read_bytes()
    before = len(shop.fake.asked)
    done(call, 0, "attest", name, "--key", key, "--report", "report.json", "--output", "signed")
    assert not any("/blobs/" in each.path for each in shop.fake.asked[before:])
    bom, scan = (said(line) for line in Path("signed").read_bytes().splitlines())
    report = json.loads(body)
    predicate = scan["predicate"]
    assert predicate["report"] == {"digest": digest_of(body), "schema_version": report["schema_version"]}
    for field in ("tool", "as_of", "database", "incomplete", "coverage", "summary", "decision"):
        assert predicate[field] == report[field], field
    assert predicate["decision"]["verdict"] in {"allow", "warn"}
    assert scan["subject"] == [{"name": f"{shop.host}/app", "digest": {"sha256": IMAGE.digest[7:]}}]
    jsonschema.validate(predicate, schema("attestation"))
    alone = done(call, 0, "sbom", name, "--as-of", AS_OF).document
    assert bom["predicate"]["components"] == alone["components"]
    assert "vulnerabilities" not in bom["predicate"]


def test_the_report_of_another_image_is_not_signed(call: Call, shop: Shop) -> None:
    key, _ = keys()
    shop.put("app:2", ARM)
    done(call, 0, "scan", f"{shop.host}/app:2", "--format", "json=report.json")
    told = done(call, 2, "attest", f"{shop.host}/app:1", "--key", key, "--report", "report.json")
    assert "nothing was signed" in told.err
    assert shop.kinds(IMAGE) == []


def test_vulnerabilities_in_in_totos_words(call: Call, shop: Shop) -> None:
    key, public = keys()
    name = f"{shop.host}/app:1"
    done(call, 0, "attest", name, "--key", key, "--type", "vulns", "--output", "signed")
    statement = said(Path("signed").read_bytes())
    assert statement["predicateType"] == "https://in-toto.io/attestation/vulns/v0.2"
    predicate = statement["predicate"]
    report = done(call, 0, "scan", name, "--format", "json").document
    assert report["findings"]
    assert [each["id"] for each in predicate["scanner"]["result"]] == [
        each["id"] for each in report["findings"]
    ]
    first = predicate["scanner"]["result"][0]
    assert first["severity"][0]["score"] == report["findings"][0]["severity"]
    assert {"purl": report["findings"][0]["purl"]} in first["annotations"]
    assert predicate["scanner"]["db"]["lastUpdate"]
    assert predicate["metadata"] == {"scanStartedOn": report["as_of"], "scanFinishedOn": report["as_of"]}
    assert verified(call, 0, name, "--key", public, "--type", "vulns", "--attestation", "signed")["verified"]


def test_each_platform_of_an_index(call: Call, shop: Shop) -> None:
    key, public = keys()
    root = shop.put("app:both", IMAGE, ARM, index=BOTH)
    name = f"{shop.host}/app:both"
    done(call, 0, "attest", name, "--key", key, "--type", "sbom", "--platform", "linux/arm64")
    assert (shop.kinds(IMAGE), shop.kinds(ARM)) == ([], [SIGSTORE])
    found = verified(call, 1, name, "--key", public, "--platform", "all")
    assert found["digest"] == root
    assert [(each["platform"], each["verified"]) for each in found["images"]] == [
        ("linux/amd64", False),
        ("linux/arm64", True),
    ]
    done(call, 0, "attest", name, "--key", key, "--type", "sbom", "--platform", "all")
    assert verified(call, 0, name, "--key", public, "--platform", "all", "--type", "sbom")["verified"]


def test_what_is_said_of_the_index_is_said_of_each_image_in_it(call: Call, shop: Shop) -> None:
    """As cosign attests by a tag that names an index."""
    key, public = keys()
    root = shop.put("app:both", IMAGE, ARM, index=BOTH)
    body = sign("", root, SCAN, b"{}", load_signer(Path(key), b"")).body
    subject = Descriptor(digest=root, size=len(BOTH), media_type=INDEX)
    attach(shop.client, parse(f"{shop.host}/app:both"), subject, SIGSTORE, [(SIGSTORE, body, {})], {})
    found = verified(call, 0, f"{shop.host}/app:both", "--key", public, "--platform", "all", "--type", "scan")
    assert [each["verified"] for each in found["images"]] == [True, True]
    verified(call, 1, f"{shop.host}/app@{IMAGE.digest}", "--key", public)


def test_what_cosign_stored_is_found(call: Call, shop: Shop) -> None:
    """cosign 3 as a referrer, cosign 2 at its tag."""
    shop.put("app:c", COSIGNED)
    name, public = f"{shop.host}/app:c", str(DATA / "p256.pub")
    shop.attach(COSIGNED, (DATA / "p256.sigstore.json").read_bytes())
    assert verified(call, 0, name, "--key", public, "--type", "sbom")["verified"]
    verified(call, 1, name, "--key", public, "--type", "vex")
    reference = parse(name)
    layers = []
    for line in (DATA / "cosign2.att").read_bytes().splitlines():
        self_digest = digest_of(line)
        shop.client.upload(reference, self_digest, len(line), io.BytesIO(line))
        kind = "application/vnd.dsse.envelope.v1+json"
        layers.append({"mediaType": kind, "digest": self_digest, "size": len(line)})
    config = {
        "mediaType": MANIFEST,
        "digest": COSIGNED.config_digest,
        "size": len(COSIGNED.blobs[COSIGNED.config_digest]),
    }
    manifest = json.dumps(
        {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}
    ).encode()
    shop.client.publish(reference, f"{fallback_tag(COSIGNED.digest)}.att", manifest, MANIFEST)
    found = verified(call, 0, name, "--key", public, "--type", "sbom", "--type", "vex")
    assert found["verified"]
    found = verified(call, 0, name, "--key", public)
    assert [each["kind"] for each in found["attestations"]].count("vex") == 1


def test_a_key_that_is_sealed_needs_its_password(
    call: Call, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("attest", f"{shop.host}/app:1", "--key", str(DATA / "cosign.key"), "--type", "sbom")
    before = shop.fake.writes()
    assert "COSIGN_PASSWORD" in done(call, 2, *words).err
    assert shop.fake.writes() == before
    monkeypatch.setenv("COSIGN_PASSWORD", "pw")
    done(call, 0, *words)
    done(call, 0, "verify", f"{shop.host}/app:1", "--key", str(DATA / "p256.pub"))


def test_what_verify_writes_is_the_context_of_a_policy(call: Call, shop: Shop) -> None:
    key, public = keys()
    name = f"{shop.host}/app:1"
    done(call, 0, "attest", name, "--key", key)
    done(call, 0, "verify", name, "--key", public, "--format", "json=seen.json")
    Path("p").mkdir()
    Path("p/signed.rego").write_text(
        "package hullmark.signed\n\nimport rego.v1\n\n"
        'deny contains {"message": "not signed"} if {\n'
        "\tcount([1 | some each in input.context.attestations; each.verified]) == 0\n}\n"
    )
    done(call, 1, "scan", name, "--policy", "p")
    done(call, 0, "scan", name, "--policy", "p", "--context", "seen.json")


def test_a_registry_that_cannot_be_asked_is_no_answer(call: Call, shop: Shop) -> None:
    _, public = keys()
    shop.fake.before.append(
        lambda asked: Answer(500) if "referrers" in asked.path or "sha256-" in asked.path else None
    )
    told = done(call, 3, "verify", f"{shop.host}/app:1", "--key", public)
    assert told.out == ""
    done(call, 3, "verify", f"{shop.host}/app:none", "--key", public)


def test_more_than_anybody_attaches_is_not_read(
    call: Call, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "_MAX_ATTESTATIONS", 3)
    _, public = keys()
    for number in range(5):
        shop.attach(IMAGE, b'{"n":%d}' % number)
    found = verified(call, 1, f"{shop.host}/app:1", "--key", public)
    reasons = [each["reason"] for each in found["attestations"]]
    assert len(reasons) == 4
    assert "2 more are attached, and 3 are read at most" in reasons


def test_more_bytes_than_anybody_attaches_are_not_read(
    call: Call, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "_MAX_BYTES", 1000)
    _, public = keys()
    shop.attach(IMAGE, b" " * 1001)
    (found,) = verified(call, 1, f"{shop.host}/app:1", "--key", public)["attestations"]
    assert "more than 1000 bytes" in found["reason"]


# ── without a registry ──────────────────────────────────────────────────────────────────────────────────


def test_an_image_in_a_file_is_signed_into_a_file(call: Call, tmp_path: Path) -> None:
    key, public = keys()
    layout = f"oci:{IMAGE.layout(tmp_path / 'layout')}"
    words = ("--key", key, "--as-of", AS_OF, "--offline")
    assert "--output FILE" in done(call, 2, "attest", layout, *words).err
    done(call, 0, "attest", layout, *words, "--output", "signed")
    (subject,) = said(Path("signed").read_bytes().splitlines()[0])["subject"]
    assert subject == {"digest": {"sha256": IMAGE.digest[7:]}}  # no path of this machine
    found = verified(call, 0, layout, "--key", public, "--attestation", "signed", "--type", "sbom,scan")
    assert sorted(each["place"] for each in found["attestations"]) == ["signed:1", "signed:2"]
    Path("cut").write_bytes(Path("signed").read_bytes()[:-200])
    found = verified(call, 1, layout, "--key", public, "--attestation", "cut", "--type", "sbom,scan")
    assert found["images"][0]["missing"] == ["scan"]
    assert "--attestation FILE" in done(call, 2, "verify", layout, "--key", public).err


def test_what_docker_saves_has_no_digest_to_sign(call: Call, tmp_path: Path) -> None:
    key, _ = keys()
    (tmp_path / "saved.tar").write_bytes(IMAGE.saved("app:1"))
    told = done(call, 2, "attest", "saved.tar", "--key", key, "--output", "signed", "--offline")
    assert "it has no manifest" in told.err
    assert not Path("signed").exists()
    assert "comes once" in done(call, 2, "attest", "-", "--key", key, "--output", "signed").err


def test_what_could_not_be_read_is_signed_as_incomplete(call: Call, tmp_path: Path) -> None:
    key, _ = keys()
    layout = f"oci:{made_image(b'no tar at all' * 100).layout(tmp_path / 'layout')}"
    done(call, 3, "attest", layout, "--key", key, "--type", "scan", "--output", "signed", "--offline")
    assert said(Path("signed").read_bytes())["predicate"]["incomplete"] is True


def test_vulnerabilities_are_not_attested_where_none_were_looked_for(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, _ = keys()
    monkeypatch.setenv("HULLMARK_CACHE_DIR", str(tmp_path / "empty"))
    layout = f"oci:{IMAGE.layout(tmp_path / 'layout')}"
    told = done(call, 2, "attest", layout, "--key", key, "--type", "vulns", "--output", "signed", "--offline")
    assert "nothing was matched" in told.err
