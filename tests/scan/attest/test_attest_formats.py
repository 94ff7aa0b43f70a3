"""Signing and checking, without a registry: every kind of key, what cosign has signed, and everything that was tampered with."""

import base64
import datetime as dt
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as some

from hullmark.model.errors import UsageError
from hullmark.scan.attest import bundle, dsse, predicates, statement, storing
from hullmark.scan.attest._secretbox import unsealed
from hullmark.scan.attest.checking import Attestation, Candidate, Demand, check
from hullmark.scan.attest.keys import Verifier, load_signer, load_verifier
from hullmark.scan.attest.signing import sign

DATA = Path(__file__).parents[2] / "data/attest"
IMAGE = "sha256:29f71400d3e518a3432cc89055d0178fa2ca3df10eec09f41935eae7b6b9314a"
OTHER = "sha256:" + "0" * 64
NOW = dt.datetime(2026, 1, 3, tzinfo=dt.UTC)
BOM = b'{"metadata":{"timestamp":"2026-01-02T03:04:05Z"}}'
MAKERS: dict[str, Callable[[], Any]] = {
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "p521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
}
FORMS = (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL)


class Pair:
    """A key pair in files."""

    def __init__(self, folder: Path, kind: str, form: PrivateFormat = PrivateFormat.PKCS8) -> None:
        self.made = MAKERS[kind]()
        self.private, self.public = folder / f"{kind}.key", folder / f"{kind}.pub"
        self.private.write_bytes(self.made.private_bytes(Encoding.PEM, form, NoEncryption()))
        self.public.write_bytes(
            self.made.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )

    def signed(self, predicate: bytes = BOM, kind: str = predicates.CYCLONEDX, digest: str = IMAGE) -> bytes:
        return sign("host/app", digest, kind, predicate, load_signer(self.private, b"")).body


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path, "p256")


def demand(*keys: Path, **more: Any) -> Demand:
    found = [load_verifier(key) for key in keys]
    given: dict[str, Any] = {"keys": found, "digests": (IMAGE,), "as_of": NOW} | more
    return Demand(**given)


def checked(body: bytes, wanted: Demand, media_type: str = bundle.MEDIA_TYPE) -> Attestation:
    return check(Candidate(place="here", media_type=media_type, body=body), wanted).attestation


@pytest.mark.parametrize("kind", MAKERS)
def test_what_a_key_signs_is_verified_by_it_and_by_no_other(tmp_path: Path, kind: str) -> None:
    mine = Pair(tmp_path, kind)
    others = [Pair(tmp_path, each) for each in MAKERS if each != kind]
    (tmp_path / "again").mkdir()
    others.append(Pair(tmp_path / "again", kind))
    body = mine.signed()
    found = checked(body, demand(mine.public))
    assert found == Attestation(
        verified=True,
        predicate_type=predicates.CYCLONEDX,
        kind="sbom",
        identity=load_signer(mine.private, b"").keyid,
        key=str(mine.public),
        subject=IMAGE,
        time="2026-01-02T03:04:05Z",
        place="here",
    )
    strange = checked(body, demand(*(each.public for each in others)))
    assert (strange.verified, strange.identity, strange.subject) == (False, "", "")
    assert strange.reason == "no signature on it is of a key that was given"
    assert checked(body, demand(*(each.public for each in others), mine.public)).verified


@pytest.mark.parametrize("kind", MAKERS)
def test_the_same_is_signed_in_the_same_way(tmp_path: Path, kind: str) -> None:
    mine = Pair(tmp_path, kind)
    assert mine.signed() == mine.signed()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["p256", "rsa"])
def test_private_keys_of_both_forms_are_read(tmp_path: Path, kind: str, form: PrivateFormat) -> None:
    mine = Pair(tmp_path, kind, form)
    assert load_signer(mine.private, b"").keyid == load_verifier(mine.public).keyid


def test_the_layout_of_what_is_signed(pair: Pair) -> None:
    document = json.loads(pair.signed())
    assert set(document) == {"mediaType", "verificationMaterial", "dsseEnvelope"}
    assert document["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
    hint = base64.b64decode(document["verificationMaterial"]["publicKey"]["hint"])
    assert f"sha256:{hint.hex()}" == load_verifier(pair.public).keyid
    envelope = document["dsseEnvelope"]
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    assert json.loads(base64.b64decode(envelope["payload"])) == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"digest": {"sha256": IMAGE[7:]}, "name": "host/app"}],
        "predicateType": "https://cyclonedx.org/bom",
        "predicate": json.loads(BOM),
    }


def test_what_is_signed_has_the_lengths_of_type_and_payload_in_it() -> None:
    """The example of the specification."""
    assert dsse.pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_signatures_of_rsa_pss_are_taken(tmp_path: Path) -> None:
    mine = Pair(tmp_path, "rsa")
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    signature = mine.made.sign(b"words", pss, hashes.SHA256())
    key = load_verifier(mine.public)
    assert key.is_good(b"words", signature)
    assert not key.is_good(b"other words", signature)


# ── what cosign has signed ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["p256", "p384", "rsa"])
def test_what_cosign_3_signs_is_verified(kind: str) -> None:
    body = (DATA / f"{kind}.sigstore.json").read_bytes()
    found = checked(body, demand(DATA / f"{kind}.pub", types=(predicates.CYCLONEDX,)))
    assert (found.verified, found.kind, found.subject) == (True, "sbom", IMAGE)
    others = [DATA / f"{each}.pub" for each in ("p256", "p384", "rsa") if each != kind]
    assert not checked(body, demand(*others)).verified


def test_what_cosign_2_signs_is_verified() -> None:
    found = [
        check(each, demand(DATA / "p256.pub")).attestation for each in storing.read(DATA / "cosign2.att")
    ]
    assert [(each.verified, each.kind) for each in found] == [(True, "sbom"), (True, "vex")]


def test_a_key_that_cosign_sealed_is_opened_with_its_password() -> None:
    signer = load_signer(DATA / "cosign.key", b"pw")
    verifier = load_verifier(DATA / "p256.pub")
    assert signer.keyid == verifier.keyid
    assert verifier.is_good(b"words", signer.sign(b"words"))
    for wrong in (b"", b"pW", b"pw\n"):
        with pytest.raises(UsageError, match=r"the password is another.*COSIGN_PASSWORD"):
            load_signer(DATA / "cosign.key", wrong)


def sealed_key() -> Any:
    return json.loads(base64.b64decode("".join((DATA / "cosign.key").read_text().splitlines()[1:-1])))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("N", 1 << 30),
        ("r", 1 << 20),
        ("salt", 7),
        ("nonce", "AAAA"),
        ("ciphertext", ""),
        ("name", "argon"),
    ],
)
def test_a_sealed_key_of_another_make_is_refused_at_once(field: str, value: Any) -> None:
    document = sealed_key()
    places = {"N": ("kdf", "params"), "r": ("kdf", "params"), "salt": ("kdf",), "nonce": ("cipher",)}
    at = document
    for name in places.get(field, ("cipher",) if field == "name" else ()):
        at = at[name]
    at[field] = value
    with pytest.raises(ValueError, match=r"not known|cut short|cannot be read"):
        unsealed(json.dumps(document).encode(), b"pw")


def test_a_sealed_key_that_was_changed_is_refused() -> None:
    document = sealed_key()
    body = bytearray(base64.b64decode(document["ciphertext"]))
    for at in (0, 16, len(body) - 1):
        body[at] ^= 1
        changed = document | {"ciphertext": base64.b64encode(body).decode()}
        with pytest.raises(ValueError, match="the password is another"):
            unsealed(json.dumps(changed).encode(), b"pw")
        body[at] ^= 1


# ── what is not good enough ─────────────────────────────────────────────────────────────────────────────


def changed(body: bytes, change: Callable[[Any, Any], None]) -> bytes:
    """Change the envelope, or the statement in it, of a bundle."""
    document = json.loads(body)
    envelope = document["dsseEnvelope"]
    said = json.loads(base64.b64decode(envelope["payload"]))
    before = json.dumps(said)
    change(envelope, said)
    if json.dumps(said) != before:
        envelope["payload"] = base64.b64encode(json.dumps(said).encode()).decode()
    return json.dumps(document).encode()


FORGERIES: dict[str, Callable[[Any, Any], None]] = {
    "predicate": lambda _envelope, said: said.update(predicate={"other": 1}),
    "subject": lambda _envelope, said: said.update(subject=[{"digest": {"sha256": OTHER[7:]}}]),
    "type": lambda _envelope, said: said.update(predicateType=predicates.SCAN),
    "spaces": lambda envelope, _said: envelope.update(
        payload=base64.b64encode(base64.b64decode(envelope["payload"]) + b" ").decode()
    ),
    "signature": lambda envelope, _said: envelope.update(
        signatures=[{"sig": base64.b64encode(b"x" * 64).decode()}]
    ),
    "empty signature": lambda envelope, _said: envelope.update(signatures=[{"sig": ""}]),
    "keyid alone": lambda envelope, _said: envelope.update(signatures=[{"sig": "", "keyid": "sha256:00"}]),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_what_was_tampered_with_is_not_verified(pair: Pair, name: str) -> None:
    body = changed(pair.signed(), FORGERIES[name])
    found = checked(body, demand(pair.public, digests=(IMAGE, OTHER)))
    assert (found.verified, found.identity) == (False, "")
    assert found.reason == "no signature on it is of a key that was given"


def test_without_a_signature_nothing_is_verified(pair: Pair) -> None:
    body = changed(pair.signed(), lambda envelope, _said: envelope.update(signatures=[]))
    assert checked(body, demand(pair.public)).reason == "it is not signed"


def test_another_type_of_payload_is_refused_though_it_is_signed(pair: Pair) -> None:
    payload = statement.encode("", IMAGE, predicates.CYCLONEDX, BOM)
    envelope = dsse.signed("text/plain", payload, load_signer(pair.private, b""))
    relabelled = bundle.encode(envelope, load_verifier(pair.public).keyid).replace(
        b"text/plain", b"application/vnd.in-toto+json"
    )
    assert (
        "no in-toto statement"
        in checked(bundle.encode(envelope, load_verifier(pair.public).keyid), demand(pair.public)).reason
    )
    assert checked(relabelled, demand(pair.public)).reason == "no signature on it is of a key that was given"


def test_the_keyid_is_a_hint_that_changes_nothing(pair: Pair) -> None:
    def lie(envelope: Any, _said: Any) -> None:
        envelope["signatures"][0]["keyid"] = "sha256:" + "f" * 64

    found = checked(changed(pair.signed(), lie), demand(pair.public))
    assert (found.verified, found.identity) == (True, load_verifier(pair.public).keyid)


def test_what_is_said_of_another_image_is_not_said_of_this_one(pair: Pair) -> None:
    found = checked(pair.signed(digest=OTHER), demand(pair.public))
    assert (found.verified, found.reason) == (False, "it speaks of another image")


def test_a_digest_of_another_algorithm_is_another_digest() -> None:
    said = statement.decode(statement.encode("", IMAGE, "x", b"{}"))
    assert said.speaks_of(IMAGE)
    assert not said.speaks_of(IMAGE.replace("sha256", "sha512"))
    assert not said.speaks_of("sha256:")
    assert not statement.Subject({"sha256": ""}).is_it("sha256:")


@pytest.mark.parametrize(
    ("has", "wanted", "fits"),
    [
        (predicates.CYCLONEDX, predicates.CYCLONEDX, True),
        (f"{predicates.CYCLONEDX}/v1.6", predicates.CYCLONEDX, True),
        (f"{predicates.CYCLONEDX}x", predicates.CYCLONEDX, False),
        (predicates.CYCLONEDX, f"{predicates.CYCLONEDX}/v1.6", False),
        (predicates.SCAN, predicates.CYCLONEDX, False),
    ],
)
def test_types(pair: Pair, has: str, wanted: str, *, fits: bool) -> None:
    found = checked(pair.signed(kind=has), demand(pair.public, types=(wanted,)))
    assert found.verified is fits
    assert found.reason == ("" if fits else "its type was not asked for")


TIMES = {
    predicates.CYCLONEDX: b'{"metadata":{"timestamp":"%b"}}',
    predicates.SPDX: b'{"creationInfo":{"created":"%b"}}',
    predicates.SCAN: b'{"as_of":"%b"}',
    predicates.VULNS: b'{"metadata":{"scanFinishedOn":"%b"}}',
    predicates.OPENVEX: b'{"timestamp":"%b"}',
}


@pytest.mark.parametrize("kind", TIMES)
def test_age(pair: Pair, kind: str) -> None:
    def reason(time: bytes, **more: Any) -> str:
        return checked(pair.signed(TIMES[kind] % time, kind), demand(pair.public, **more)).reason

    week = {"max_age": dt.timedelta(days=7)}
    assert reason(b"2020-01-01T00:00:00Z") == ""
    assert reason(b"2025-12-27T00:00:00Z", **week) == ""
    assert reason(b"2025-12-26T23:59:59Z", **week) == "it is too old: of 2025-12-26T23:59:59Z"
    assert reason(b"2026-01-03T00:04:00Z", **week) == ""
    assert (
        reason(b"2026-01-04T00:00:00Z", **week)
        == "it is of a time that is still to come: 2026-01-04T00:00:00Z"
    )
    assert reason(b"", **week) == "it does not say of what time it is"
    assert "none of its type" in reason(b"yesterday", **week)
    assert reason(b"yesterday") == ""


def test_a_type_of_somebody_elses_says_no_time(pair: Pair) -> None:
    body = pair.signed(b'{"timestamp":"2026-01-02T00:00:00Z"}', "https://example.com/ours")
    assert checked(body, demand(pair.public)).verified
    found = checked(body, demand(pair.public, max_age=dt.timedelta(days=7)))
    assert found.reason == "it does not say of what time it is"


def test_a_certificate_is_not_a_key(pair: Pair) -> None:
    (pair.public.parent / "x").mkdir()
    document = json.loads(Pair(pair.public.parent / "x", "p256").signed())
    document["verificationMaterial"] = {"certificate": {"rawBytes": "AAAA"}}
    found = checked(json.dumps(document).encode(), demand(pair.public))
    assert found.reason == "it is signed with a certificate (keyless), which is not checked"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","dsseEnvelope":' + b"[" * 100_000,
        b'{"mediaType":"text/plain"}',
        b'{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","messageSignature":{}}',
        b'{"payload":"*","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"AAAA"}]}',
        b'{"payload":"W10=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"\\u00e9"}]}',
        b'{"payload":"W10=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"AAAA"}]}',
    ],
)
@pytest.mark.parametrize("media_type", ["", bundle.MEDIA_TYPE, dsse.MEDIA_TYPE])
def test_what_is_no_attestation_is_said_to_be_none(pair: Pair, body: bytes, media_type: str) -> None:
    found = checked(body, demand(pair.public), media_type)
    assert not found.verified
    assert found.reason


@given(some.binary(max_size=200))
def test_any_bytes_are_answered(body: bytes) -> None:
    wanted = Demand(keys=[KEY], digests=(IMAGE,), as_of=NOW)
    for media_type in ("", bundle.MEDIA_TYPE, dsse.MEDIA_TYPE):
        assert not checked(body, wanted, media_type).verified


KEY: Verifier = load_verifier(DATA / "p256.pub")


def test_more_signatures_than_anybody_makes_are_not_looked_at(pair: Pair) -> None:
    def many(envelope: Any, _said: Any) -> None:
        envelope["signatures"] *= 21

    found = checked(changed(pair.signed(), many), demand(pair.public))
    assert found.reason == "it has 21 signatures, and 20 are looked at at most"


# ── keys that are none ──────────────────────────────────────────────────────────────────────────────────


def test_keys_that_are_not_used_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "key"
    none = NoEncryption()
    for made, words in (
        (rsa.generate_private_key(65537, 1024), "1024 bits is too short"),  # noqa: S505  # that is what is tested
        (ec.generate_private_key(ec.SECP256K1()), "secp256k1"),
        (dsa.generate_private_key(2048), "of a kind that is not used"),
    ):
        file.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, none))
        with pytest.raises(UsageError, match=words):
            load_signer(file, b"")
        file.write_bytes(made.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        with pytest.raises(UsageError, match=words):
            load_verifier(file)


def test_files_that_are_no_keys_are_refused(tmp_path: Path, pair: Pair) -> None:
    file = tmp_path / "none"
    for body in (
        b"",
        b"no key",
        b"\xff" * 100,
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
    ):
        file.write_bytes(body)
        for load in (lambda: load_signer(file, b""), lambda: load_verifier(file)):
            with pytest.raises(UsageError, match=r"it is no (private|public) key in PEM"):
                load()
    with pytest.raises(UsageError, match="it is the private one"):
        load_verifier(pair.private)
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        load_verifier(tmp_path / "nowhere")
    file.write_bytes(b"x" * (1024 * 1024 + 1))
    with pytest.raises(UsageError, match="more than"):
        load_signer(file, b"")


def test_a_key_that_openssl_sealed_is_opened_with_the_same_password(tmp_path: Path, pair: Pair) -> None:
    file = tmp_path / "sealed"
    file.write_bytes(
        pair.made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"pw"))
    )
    assert load_signer(file, b"pw").keyid == load_verifier(pair.public).keyid
    with pytest.raises(UsageError, match="COSIGN_PASSWORD"):
        load_signer(file, b"other")


def test_without_the_package_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch, pair: Pair) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    for load in (lambda: load_signer(pair.private, b""), lambda: load_verifier(pair.public)):
        with pytest.raises(UsageError, match=r"hullmark\[verify\]"):
            load()
