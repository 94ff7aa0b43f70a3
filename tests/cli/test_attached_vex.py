"""`--vex-key`: VEX documents that are attached to an image count where a named key has signed them; all others are only shown."""

import base64
import io
import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cli.conftest import Call
from cli.test_attest import ARM, BOTH, IMAGE, SIGSTORE, Shop, done, keys, python, shop
from e2e.program import AS_OF
from e2e.test_real_registry import PASSWORD, USER, serving
from hullmark.images._oci import Descriptor
from hullmark.images.reference import parse
from hullmark.images.referrers import attach, fallback_tag
from hullmark.images.registry import Registry
from hullmark.images.source import SourceOptions
from hullmark.scan.attest import dsse, statement, storing, vex
from hullmark.scan.attest.keys import load_signer
from hullmark.scan.attest.signing import sign
from images.conftest import home
from images.fakes import INDEX, MANIFEST, Answer, MadeImage, digest_of, made_image

__all__ = ["home", "shop"]
OPENVEX = "https://openvex.dev/ns/v0.2.0"
CYCLONEDX = "https://cyclonedx.org/bom"
FLAW = "CVE-2024-56326"
ALL = {"CVE-2024-56201", "CVE-2024-56326", "CVE-2025-27516"}
JINJA = "pkg:pypi/jinja2@3.1.4"
NO_KEY = "no signature on it is of a key that was given"


def document(*flaws: str, product: str = JINJA, parts: tuple[str, ...] = (), status: str = "") -> bytes:
    said: dict[str, Any] = {"status": status or "not_affected"}
    if not status:
        said["justification"] = "vulnerable_code_not_present"
    products = [{"@id": product, "subcomponents": [{"@id": part} for part in parts]}]
    statements = [{"vulnerability": {"name": flaw}, "products": products, **said} for flaw in flaws]
    head = {"@context": OPENVEX, "@id": "https://supplier.example/vex/1", "author": "Supplier", "version": 1}
    return json.dumps({**head, "timestamp": "2025-12-01T00:00:00Z", "statements": statements}).encode()


def bundled(key: str, digest: str, body: bytes, kind: str = OPENVEX) -> bytes:
    return sign("", digest, kind, body, load_signer(Path(key), b"")).body


def give(shop: Shop, image: MadeImage, key: str, body: bytes, kind: str = OPENVEX, name: str = "app") -> None:
    shop.attach(image, bundled(key, image.digest, body, kind), name=name)


def scanned(call: Call, name: str, *words: str, code: int = 0) -> Any:
    return done(call, code, "scan", name, "--scanners", "vuln", *words, "--format", "json").document


def found(report: Any) -> set[str]:
    return {each["id"] for each in report["findings"]}


def states(report: Any) -> list[tuple[str, list[str], str]]:
    return [(each["state"], each["ids"], each["source"]) for each in report["suppressions"]]


def places(shop: Shop, image: MadeImage) -> list[str]:
    return sorted(
        digest
        for (_, digest), (body, _) in shop.fake.manifests.items()
        if ":" in digest and json.loads(body).get("subject", {}).get("digest") == image.digest
    )


def test_what_a_named_key_signed_is_applied_and_its_attestation_named(call: Call, shop: Shop) -> None:
    key, public = keys()
    give(shop, IMAGE, key, document(FLAW))
    name = f"{shop.host}/app:1"
    before = len(shop.fake.asked)
    plain = scanned(call, name)
    assert (found(plain), plain["suppressions"]) == (ALL, [])
    assert not any("referrers" in each.path or "sha256-" in each.path for each in shop.fake.asked[before:])
    report = scanned(call, name, "--vex-key", public)
    (place,) = places(shop, IMAGE)
    assert found(report) == ALL - {FLAW}
    assert states(report) == [("used", [FLAW], f"attestation {place} by {public}")]
    assert report["suppressions"][0]["author"] == "Supplier"
    (taken,) = report["suppressed"]
    assert (taken["finding"]["id"], taken["by"]) == (FLAW, 0)
    table = done(call, 0, "scan", name, "--vex-key", public, "--show-suppressed").out
    assert f"attestation {place} by {public}" in table
    assert "claimed" not in table


def test_what_another_key_signed_changes_nothing_and_is_shown(call: Call, shop: Shop) -> None:
    _, public = keys()
    other, _ = keys("other")
    give(shop, IMAGE, other, document(*sorted(ALL)))
    name = f"{shop.host}/app:1"
    plain = scanned(call, name, "--fail-on", "medium", "--policy", "baseline", code=1)
    report = scanned(call, name, "--fail-on", "medium", "--policy", "baseline", "--vex-key", public, code=1)
    (place,) = places(shop, IMAGE)
    source = f"attestation {place}: {NO_KEY}"
    assert states(report) == [("claimed", [flaw], source) for flaw in sorted(ALL)]
    assert report | {"suppressions": []} == plain
    line = f"VEX claimed, not applied: 3 statements of {source}"
    assert line in done(call, 0, "scan", name, "--vex-key", public).out
    page = done(call, 0, "scan", name, "--vex-key", public, "--format", "html").out
    assert "VEX claimed, not applied" in page
    assert place in page
    text = done(call, 0, "scan", name, "--vex-key", public, "--format", "markdown").out
    assert "VEX claimed, not applied: `3 statements of attestation" in text
    # Nor does a report that was stored apply it, whatever else it is asked for.
    Path("r.json").write_text(json.dumps(report))
    again = done(call, 1, "convert", "r.json", "--fail-on", "medium", "--format", "json").document
    assert (found(again), again["suppressions"]) == (ALL, report["suppressions"])
    told = done(call, 0, "explain", FLAW, "r.json").out
    assert "is claimed, and not applied" in told


def test_none_trusts_nobody_and_shows_what_there_is(call: Call, shop: Shop) -> None:
    key, _ = keys()
    give(shop, IMAGE, key, document(FLAW))
    report = scanned(call, f"{shop.host}/app:1", "--vex-key", "none")
    assert found(report) == ALL
    assert [state for state, _, _ in states(report)] == ["claimed"]
    assert "cannot be read" in done(call, 2, "scan", f"{shop.host}/app:1", "--vex-key", "no.pub").err


def test_a_claim_contradicts_nobody(call: Call, shop: Shop) -> None:
    key, public = keys()
    other, _ = keys("other")
    give(shop, IMAGE, key, document(FLAW))
    give(shop, IMAGE, other, document(FLAW, status="affected"))
    report = scanned(call, f"{shop.host}/app:1", "--vex-key", public)
    assert found(report) == ALL - {FLAW}
    assert [state for state, _, _ in states(report)] == ["used", "claimed"]


def test_what_speaks_of_another_digest_is_only_claimed(call: Call, shop: Shop) -> None:
    """The key is good, and the document is of the image before."""
    key, public = keys()
    shop.attach(IMAGE, bundled(key, ARM.digest, document(FLAW)))
    report = scanned(call, f"{shop.host}/app:1", "--vex-key", public)
    assert found(report) == ALL
    ((state, _, source),) = states(report)
    assert (state, source.partition(": ")[2]) == ("claimed", "it speaks of another image")


def test_products_are_matched_as_those_of_files(call: Call, shop: Shop) -> None:
    key, public = keys()
    other = f"pkg:oci/app@{ARM.digest}"
    give(shop, IMAGE, key, document(FLAW, product=other, parts=(JINJA,)))
    give(shop, IMAGE, key, document("CVE-2024-56201", product=f"pkg:oci/app@{IMAGE.digest}", parts=(JINJA,)))
    report = scanned(call, f"{shop.host}/app:1", "--vex-key", public)
    assert found(report) == ALL - {"CVE-2024-56201"}
    assert sorted(state for state, _, _ in states(report)) == ["other_image", "used"]


def test_cyclonedx_says_what_its_analyses_say(call: Call, shop: Shop) -> None:
    key, public = keys()
    other, _ = keys("other")
    bom: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "components": [
            {"type": "library", "name": "jinja2", "version": "3.1.4", "purl": JINJA, "bom-ref": "j"}
        ],
    }
    analysis = {"state": "not_affected", "justification": "code_not_present"}
    flaws = [
        {"id": FLAW, "analysis": analysis, "affects": [{"ref": "j"}]},
        {"id": "CVE-2024-56201", "affects": [{"ref": "j"}]},
    ]
    give(shop, IMAGE, key, json.dumps(bom).encode(), CYCLONEDX)  # an SBOM says nothing of flaws
    give(shop, IMAGE, key, json.dumps({**bom, "vulnerabilities": flaws}).encode(), CYCLONEDX)
    report = scanned(call, f"{shop.host}/app:1", "--vex-key", public)
    assert found(report) == ALL - {FLAW}
    assert [state for state, _, _ in states(report)] == ["used"]
    give(shop, IMAGE, other, json.dumps({**bom, "vulnerabilities": flaws}).encode(), CYCLONEDX)
    report = scanned(call, f"{shop.host}/app:1", "--vex-key", "none")
    assert [(state, ids) for state, ids, _ in states(report)] == [("claimed", [FLAW])]


def test_what_buildkit_stores_in_the_index_is_not_signed(call: Call, shop: Shop) -> None:
    _, public = keys()
    body = statement.encode("", IMAGE.digest, OPENVEX, document(*sorted(ALL)))
    name = f"{shop.host}/app:both"
    attested, root = with_attestation(shop, body)
    assert digest_of(root) != IMAGE.digest
    report = scanned(call, name, "--vex-key", public, "--platform", "linux/amd64")
    source = f"attestation {attested}: it is not signed"
    assert states(report) == [("claimed", [flaw], source) for flaw in sorted(ALL)]
    assert found(report) == ALL
    # It is said of one image of the index, not of the other.
    other = scanned(call, name, "--vex-key", public, "--platform", "linux/arm64")
    assert states(other) == []


def with_attestation(shop: Shop, body: bytes) -> tuple[str, bytes]:
    """Put an index with an image and what BuildKit attests of it (docs/attestations/attestation-storage.md) under the tag `both`."""
    reference = parse(f"{shop.host}/app:both")
    shop.put("app:arm", ARM)
    kind = "application/vnd.in-toto+json"
    config = b'{"architecture":"unknown","os":"unknown","config":{},"rootfs":{"type":"layers"}}'
    described = [
        {"mediaType": media_type, "digest": digest_of(blob), "size": len(blob)}
        for media_type, blob in (("application/vnd.oci.image.config.v1+json", config), (kind, body))
    ]
    for blob in (config, body):
        shop.client.upload(reference, digest_of(blob), len(blob), io.BytesIO(blob))
    layer = {**described[1], "annotations": {"in-toto.io/predicate-type": OPENVEX}}
    manifest = json.dumps(
        {"schemaVersion": 2, "mediaType": MANIFEST, "config": described[0], "layers": [layer]}
    ).encode()
    attested = digest_of(manifest)
    shop.client.publish(reference, attested, manifest, MANIFEST)
    index = json.loads(BOTH)
    index["manifests"].append(
        {
            "mediaType": MANIFEST,
            "digest": attested,
            "size": len(manifest),
            "platform": {"os": "unknown", "architecture": "unknown"},
            "annotations": {
                "vnd.docker.reference.type": "attestation-manifest",
                "vnd.docker.reference.digest": IMAGE.digest,
            },
        }
    )
    root = json.dumps(index).encode()
    shop.client.publish(reference, "both", root, INDEX)
    return attested, root


def test_what_is_said_of_the_index_is_said_of_its_image(call: Call, shop: Shop) -> None:
    key, public = keys()
    root = shop.put("app:both", IMAGE, ARM, index=BOTH)
    subject = Descriptor(digest=root, size=len(BOTH), media_type=INDEX)
    body = bundled(key, root, document(FLAW, product=f"pkg:oci/app@{root}", parts=(JINJA,)))
    attach(shop.client, parse(f"{shop.host}/app:both"), subject, SIGSTORE, [(SIGSTORE, body, {})], {})
    report = scanned(call, f"{shop.host}/app:both", "--vex-key", public, "--platform", "linux/amd64")
    assert found(report) == ALL - {FLAW}
    # By its own digest nobody says that it is of that index.
    alone = scanned(call, f"{shop.host}/app@{IMAGE.digest}", "--vex-key", public)
    assert (found(alone), alone["suppressions"]) == (ALL, [])


def test_a_tag_that_moved_since_speaks_for_nothing(call: Call, shop: Shop) -> None:
    """The index that it names when VEX is looked for is not that of the image that was scanned."""
    key, public = keys()
    shop.put("app:arm", ARM)
    moved = BOTH.replace(IMAGE.digest.encode(), ARM.digest.encode())
    subject = Descriptor(digest=digest_of(moved), size=len(moved), media_type=INDEX)
    reference = parse(f"{shop.host}/app:1")
    shop.client.publish(reference, digest_of(moved), moved, INDEX)
    body = bundled(key, digest_of(moved), document(FLAW))
    attach(shop.client, reference, subject, SIGSTORE, [(SIGSTORE, body, {})], {})
    shop.put("app:1", IMAGE)

    def move(asked: Any) -> Answer | None:
        if "/blobs/" in asked.path:
            shop.fake.manifests["app", "1"] = (moved, INDEX)
        return None

    shop.fake.before.append(move)
    report = scanned(call, f"{shop.host}/app:1", "--vex-key", public, "--platform", "linux/amd64")
    assert shop.fake.manifests["app", "1"] == (moved, INDEX)
    assert (found(report), report["suppressions"]) == (ALL, [])


def based(base: MadeImage, shop: Shop, *layers: bytes) -> MadeImage:
    """Make an image on a base that it names in its annotations."""
    made = made_image(*layers)
    manifest = json.loads(made.manifest)
    manifest["annotations"] = {
        "org.opencontainers.image.base.name": f"{shop.host}/base:1",
        "org.opencontainers.image.base.digest": base.digest,
    }
    made.manifest = json.dumps(manifest).encode()
    made.digest = digest_of(made.manifest)
    return made


def test_what_is_said_of_the_base_is_said_of_its_layers(
    call: Call, shop: Shop, monkeypatch: pytest.MonkeyPatch, cache: Path, tmp_path: Path
) -> None:
    shutil.copytree(cache / "db", tmp_path / "fresh/db")  # no image was seen yet
    monkeypatch.setenv("HULLMARK_CACHE_DIR", str(tmp_path / "fresh"))
    key, public = keys()
    below, own = python("Jinja2", "3.1.4"), python("requests", "2.31.0")
    base = made_image(below, python("six", "1.16.0"))
    image = based(base, shop, below, python("six", "1.16.0"), own)
    shop.put("base:1", base)
    shop.put("app:2", image)
    requests = "CVE-2024-35195"
    parts = (JINJA, "pkg:pypi/requests@2.31.0")
    product = f"pkg:oci/base@{base.digest}"
    give(shop, base, key, document(FLAW, requests, product=product, parts=parts), name="base")
    name = f"{shop.host}/app:2"
    plain = scanned(call, name)
    assert {FLAW, requests} <= found(plain)
    report = scanned(call, name, "--vex-key", public)
    assert found(plain) - found(report) == {FLAW}  # what the image added is not of the base
    assert [state for state, _, _ in states(report)] == ["used", "unused"]
    # What this machine has seen meanwhile, or what --base names, makes no difference to it.
    scanned(call, f"{shop.host}/base:1")
    warm = scanned(call, name, "--vex-key", public)
    assert warm["image"]["base"]["evidence"] == "memory"
    assert (found(warm), warm["suppressions"]) == (found(report), report["suppressions"])
    named = scanned(call, name, "--vex-key", public, "--base", f"{shop.host}/base:1")
    assert found(named) == found(report)
    # A label that lies is no proof.
    liar = based(base, shop, below, own)
    shop.put("app:3", liar)
    lied = scanned(call, f"{shop.host}/app:3", "--vex-key", public)
    assert (FLAW in found(lied), lied["suppressions"]) == (True, [])


def test_what_cosign_2_keeps_at_its_tag(call: Call, shop: Shop) -> None:
    key, public = keys()
    reference = parse(f"{shop.host}/app:1")
    payload = statement.encode("", IMAGE.digest, OPENVEX, document(FLAW))
    body = msgspec.json.encode(dsse.signed(statement.PAYLOAD_TYPE, payload, load_signer(Path(key), b"")))
    shop.client.upload(reference, digest_of(body), len(body), io.BytesIO(body))
    config = {"mediaType": MANIFEST, "digest": IMAGE.config_digest, "size": 1}
    layer = {"mediaType": dsse.MEDIA_TYPE, "digest": digest_of(body), "size": len(body)}
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]}
    tag = f"{fallback_tag(IMAGE.digest)}.att"
    shop.client.publish(reference, tag, json.dumps(manifest).encode(), MANIFEST)
    report = scanned(call, f"{shop.host}/app:1", "--vex-key", public)
    assert states(report) == [("used", [FLAW], f"attestation {tag} by {public}")]
    # In both places it is one document.
    give(shop, IMAGE, key, document(FLAW))
    assert len(scanned(call, f"{shop.host}/app:1", "--vex-key", public)["suppressions"]) == 1


def test_the_report_is_the_same_cold_and_warm(
    call: Call, shop: Shop, monkeypatch: pytest.MonkeyPatch, cache: Path, tmp_path: Path
) -> None:
    key, public = keys()
    other, _ = keys("other")
    for flaw in sorted(ALL):
        give(shop, IMAGE, key if flaw == FLAW else other, document(flaw))
    words = ("scan", f"{shop.host}/app:1", "--vex-key", public, "--format", "json")
    shutil.copytree(cache / "db", tmp_path / "fresh/db")
    monkeypatch.setenv("HULLMARK_CACHE_DIR", str(tmp_path / "fresh"))
    cold = done(call, 0, *words).out
    assert [state for state, _, _ in states(json.loads(cold))] == ["used", "claimed", "claimed"]
    assert done(call, 0, *words).out == cold


def test_rubbish_suppresses_nothing_and_hides_nothing(call: Call, shop: Shop) -> None:
    key, public = keys()
    other, _ = keys("other")
    for body in (b"", b"{}", b"\xff" * 100, b"[" * 50_000, b'{"dsseEnvelope":' * 50_000):
        shop.attach(IMAGE, body)
    deep = b'{"statements":' + b"[" * 50_000 + b"]" * 50_000 + b"}"
    for body in (b"null", b"[]", deep, b'{"statements":[{"status":"not_affected"}]}', b'{"statements":{}}'):
        give(shop, IMAGE, other, body)
        give(shop, IMAGE, key, body)
    give(shop, IMAGE, key, document(FLAW))
    report = scanned(call, f"{shop.host}/app:1", "--vex-key", public)
    assert found(report) == ALL - {FLAW}
    assert [state for state, _, _ in states(report)] == ["used"]


def test_what_anybody_may_claim_is_bounded(call: Call, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    key, public = keys()
    other, _ = keys("other")
    give(shop, IMAGE, other, document(*(f"CVE-2024-{number}" for number in range(10_000, 12_500))))
    give(shop, IMAGE, key, document(FLAW))
    told = done(
        call, 0, "scan", f"{shop.host}/app:1", "--scanners", "vuln", "--vex-key", public, "--format", "json"
    )
    assert [state for state, _, _ in states(told.document)] == ["used", *["claimed"] * 1000]
    monkeypatch.setattr(vex, "_MAX_CLAIMED_BYTES", 1000)
    told = done(
        call, 0, "scan", f"{shop.host}/app:1", "--scanners", "vuln", "--vex-key", public, "--format", "json"
    )
    assert [state for state, _, _ in states(told.document)] == ["used"]
    assert "there is too much of it" in told.err
    monkeypatch.setattr(storing, "_MAX_ATTESTATIONS", 1)
    told = done(call, 0, "scan", f"{shop.host}/app:1", "--vex-key", public)
    assert "1 more are attached, and 1 are read at most" in told.err


def test_a_registry_that_cannot_be_asked_takes_nothing_out(call: Call, shop: Shop) -> None:
    key, public = keys()
    give(shop, IMAGE, key, document(FLAW))
    shop.fake.before.append(
        lambda asked: Answer(500) if "referrers" in asked.path or "sha256-" in asked.path else None
    )
    words = ("scan", f"{shop.host}/app:1", "--vex-key", public, "--fail-on", "medium")
    told = done(call, 1, *words)
    assert "VEX documents that are attached cannot be looked for" in told.err
    assert "3 medium" in told.out


def test_an_image_in_a_file_has_nothing_attached(call: Call, tmp_path: Path, home: Path) -> None:
    del home
    _, public = keys()
    layout = f"oci:{IMAGE.layout(tmp_path / 'layout')}"
    report = scanned(call, layout, "--as-of", AS_OF, "--vex-key", public)
    assert (found(report), report["suppressions"]) == (ALL, [])


@pytest.mark.e2e
@pytest.mark.skipif(shutil.which("docker-registry") is None, reason="docker-registry is needed")
def test_in_a_real_registry_and_by_promote(
    call: Call, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SCAN", "PROMOTE"):
        monkeypatch.setenv(f"HULLMARK_{name}_AS_OF", AS_OF)
        monkeypatch.setenv(f"HULLMARK_{name}_OFFLINE", "true")
    key, public = keys()
    _, other = keys("other")
    with serving(tmp_path) as host:
        auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        (home / ".docker").mkdir()
        (home / ".docker/config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))
        with closing(Registry(parse(f"{host}/app:1"), SourceOptions())) as client:
            put = Filled(client, host)
            put.index(BOTH, IMAGE, ARM)
            put.attached(
                IMAGE.digest, len(IMAGE.manifest), MANIFEST, bundled(key, IMAGE.digest, document(FLAW))
            )
            rest = document(*sorted(ALL - {FLAW}), product=f"pkg:oci/app@{digest_of(BOTH)}", parts=(JINJA,))
            put.attached(digest_of(BOTH), len(BOTH), INDEX, bundled(key, digest_of(BOTH), rest))
        name = f"{host}/app:1"
        words = ("--platform", "linux/amd64")
        assert found(scanned(call, name, *words, "--vex-key", public)) == set()
        told = scanned(call, name, *words, "--vex-key", other)
        assert (found(told), {state for state, _, _ in states(told)}) == (ALL, {"claimed"})
        to = f"registry:{host}/live:1"
        done(call, 1, "promote", f"registry:{name}", to, "--fail-on", "vuln:medium", "--vex-key", other)
        done(call, 0, "promote", f"registry:{name}", to, "--fail-on", "vuln:medium", "--vex-key", public)


class Filled:
    """A real registry, and who fills it."""

    def __init__(self, client: Registry, host: str) -> None:
        self.client = client
        self.reference = parse(f"{host}/app:1")

    def index(self, index: bytes, *images: MadeImage) -> None:
        for image in images:
            for digest, body in image.blobs.items():
                self.client.upload(self.reference, digest, len(body), io.BytesIO(body))
            self.client.publish(self.reference, image.digest, image.manifest, MANIFEST)
        self.client.publish(self.reference, "1", index, INDEX)

    def attached(self, digest: str, size: int, kind: str, body: bytes) -> None:
        subject = Descriptor(digest=digest, size=size, media_type=kind)
        attach(self.client, self.reference, subject, SIGSTORE, [(SIGSTORE, body, {})], {})
