"""Referrers in the distribution project's registry, which has no API for them: the fallback tag, as other programs read it."""

import base64
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hullmark.images._oci import OCI_MANIFEST, Descriptor
from hullmark.images.reference import parse
from hullmark.images.referrers import attach, attached, contents, fallback_tag
from hullmark.images.registry import Registry
from hullmark.images.source import SourceOptions

from .test_real_registry import AMD, PASSWORD, USER, fill, pytestmark, serving, skopeo

__all__ = ["pytestmark"]
KIND = "application/vnd.test.thing"


@pytest.fixture
def host(tmp_path: Path, home: Path) -> Iterator[str]:
    with serving(tmp_path) as address:
        fill(tmp_path, address)
        auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        (home / ".docker").mkdir()
        (home / ".docker/config.json").write_text(json.dumps({"auths": {address: {"auth": auth}}}))
        yield address


def test_a_registry_without_the_api_keeps_them_by_the_fallback_tag(host: str) -> None:
    reference = parse(f"{host}/team/app:1")
    subject = Descriptor(digest=AMD.digest, size=len(AMD.manifest), media_type=OCI_MANIFEST)
    with contextlib.closing(Registry(reference, SourceOptions())) as registry:
        assert attached(registry, reference, AMD.digest) == ()
        large = bytes(range(256)) * 80_000  # more than one piece
        first = attach(registry, reference, subject, KIND, [("text/plain", large, {"a": "b"})], {"n": "1"})
        second = attach(registry, reference, subject, KIND, [("text/plain", b"two", {})], {"n": "2"})
        assert attach(registry, reference, subject, KIND, [("text/plain", b"two", {})], {"n": "2"}) == second
        found = attached(registry, reference, AMD.digest, KIND)
        assert {each.digest: each.annotations for each in found} == {first: {"n": "1"}, second: {"n": "2"}}
        (one,) = (each for each in found if each.digest == first)
        ((kind, annotations, body),) = contents(registry, reference, one, len(large))
        assert (kind, annotations, body == large) == ("text/plain", {"a": "b"}, True)
        assert attached(registry, reference, first) == ()
    words = ["--tls-verify=false", f"--creds={USER}:{PASSWORD}", "--raw"]
    index = json.loads(skopeo("inspect", *words, f"docker://{host}/team/app:{fallback_tag(AMD.digest)}"))
    assert index["mediaType"] == "application/vnd.oci.image.index.v1+json"
    assert [(entry["digest"], entry["artifactType"]) for entry in index["manifests"]] == [
        (first, KIND),
        (second, KIND),
    ]
