"""Copying between repositories of the distribution project's registry, and between two of them, as skopeo then reads it."""

import base64
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hullmark.images._oci import OCI_INDEX, Descriptor
from hullmark.images.copying import Copied, Place, copy, plan, point
from hullmark.images.reference import parse
from hullmark.images.referrers import attach, attached, contents
from hullmark.images.registry import Registry
from hullmark.images.source import SourceOptions
from images.fakes import digest_of, index_of

from .test_real_registry import AMD, ARM, PASSWORD, USER, fill, pytestmark, serving, skopeo, skopeo_digest

__all__ = ["pytestmark"]
INDEX = index_of(amd64=AMD, arm64=ARM)
BLOBS = len({*AMD.blobs, *ARM.blobs})


@pytest.fixture
def hosts(tmp_path: Path, home: Path) -> Iterator[tuple[str, str]]:
    """Two registries with a login, the first with images."""
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    with serving(folders[0]) as one, serving(folders[1]) as two:
        fill(folders[0], one)
        auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        (home / ".docker").mkdir()
        entries = {name: {"auth": auth} for name in (one, two)}
        (home / ".docker/config.json").write_text(json.dumps({"auths": entries}))
        yield one, two


@contextlib.contextmanager
def place(name: str) -> Iterator[Place]:
    reference = parse(name)
    with contextlib.closing(Registry(reference, SourceOptions())) as registry:
        yield Place(registry, reference)


@pytest.mark.parametrize("other", [False, True])
def test_an_index_with_what_refers_to_it(hosts: tuple[str, str], tmp_path: Path, *, other: bool) -> None:
    target = f"{hosts[other]}/production/app:9"
    with place(f"{hosts[0]}/team/app:all") as here, place(target) as there:
        described = Descriptor(digest=digest_of(INDEX), size=len(INDEX), media_type=OCI_INDEX)
        signed = attach(
            here.registry, here.reference, described, "application/x", [("text/plain", b"signed", {})], {}
        )
        planned = plan(here, digest_of(INDEX))
        done = copy(planned, here, there)
        assert there.registry.resolve(there.reference) == ""
        point(there, "9", planned.root)
        (found,) = attached(there.registry, there.reference, digest_of(INDEX))
        assert found.digest == signed
        assert [each.body for each in contents(there.registry, there.reference, found, 100)] == [b"signed"]
        again = copy(plan(here, digest_of(INDEX)), here, there)
    assert (done.manifests, done.referrers, done.left_out) == (3, 1, ())
    assert (done.sent, done.mounted) == ((BLOBS + 2, 0) if other else (0, BLOBS + 2))
    assert again == Copied(manifests=3, referrers=1, present=BLOBS + 2)
    assert skopeo_digest(target) == digest_of(INDEX)
    folder = tmp_path / "pulled"
    words = ["--src-tls-verify=false", f"--src-creds={USER}:{PASSWORD}", "--all", "--preserve-digests"]
    skopeo("copy", *words, f"docker://{target}", f"oci:{folder}:9")
    (entry,) = json.loads((folder / "index.json").read_text())["manifests"]
    assert entry["digest"] == digest_of(INDEX)
    for image in (AMD, ARM):
        for digest, body in image.blobs.items():
            assert (folder / "blobs/sha256" / digest[7:]).read_bytes() == body


def test_dockers_own_format_keeps_its_digest(hosts: tuple[str, str]) -> None:
    digest = skopeo_digest(f"{hosts[0]}/team/app:docker")
    with place(f"{hosts[0]}/team/app:docker") as here, place(f"{hosts[1]}/a/b:x") as there:
        planned = plan(here, digest)
        copy(planned, here, there)
        point(there, "x", planned.root)
    assert skopeo_digest(f"{hosts[1]}/a/b:x") == digest
