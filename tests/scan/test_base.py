"""Which layers came with the base image: found by the digests of blobs, or by what the layers hold."""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from e2e.program import AS_OF, dpkg_status
from hullmark.images import wire
from hullmark.images.limits import ReadLimits
from hullmark.images.source import SourceOptions
from hullmark.model.errors import UsageError
from hullmark.model.image import Platform
from hullmark.model.report import BaseImage, Report
from hullmark.scan.cache import FactCache
from hullmark.scan.request import ScanRequest
from hullmark.scan.run import run
from images.fakes import FakeRegistry, MadeImage, digest_of, made_image, tar_of

STATUS = tar_of({"var/lib/dpkg/status": dpkg_status(("base-files", "12"))})
MOTD = tar_of({"etc/motd": b"hello\n" * 500})
OWN = tar_of({"srv/x/package.json": b'{"name":"x","version":"1.0.0"}'})
BASE = (STATUS, MOTD)


def scan(folder: Path, image: str, *base: str, **more: Any) -> Report:
    source = SourceOptions(platform=Platform("linux", "amd64"))
    request = ScanRequest(
        reference=image, as_of=AS_OF, cache=folder / "cache", base=base, source=source, threads=1, **more
    )
    return run(request)


def base_of(report: Report) -> BaseImage:
    assert report.image is not None
    assert report.errors == ()
    marked = [layer.from_base for layer in report.layers]
    count = report.image.base.layers
    assert marked == ([n < count for n in range(len(marked))] if count else [None] * len(marked))
    return report.image.base


def layout(folder: Path, made: MadeImage) -> str:
    return f"oci:{made.layout(folder)}"


def saved(folder: Path, made: MadeImage) -> str:
    path = folder.with_suffix(".tar")
    path.write_bytes(made.saved("some:1"))
    return f"docker-archive:{path}"


def streamed(folder: Path, made: MadeImage) -> str:
    path = folder.with_suffix(".tar.gz")
    path.write_bytes(gzip.compress(made.saved("some:1"), mtime=0))
    return f"docker-archive:{path}"


Stored = Callable[[Path, MadeImage], str]


def claiming(made: MadeImage, *contents: bytes) -> MadeImage:
    """Change what an image's configuration says that its layers hold."""
    config = json.loads(made.blobs.pop(made.config_digest))
    config["rootfs"]["diff_ids"] = [digest_of(content) for content in contents]
    body = json.dumps(config).encode()
    manifest = json.loads(made.manifest)
    manifest["config"] |= {"digest": digest_of(body), "size": len(body)}
    made.manifest = json.dumps(manifest).encode()
    made.digest, made.config_digest = digest_of(made.manifest), digest_of(body)
    made.blobs[made.config_digest] = body
    return made


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    fake = FakeRegistry()
    yield fake
    fake.close()


@pytest.mark.parametrize("base", [saved, streamed])
@pytest.mark.parametrize("image", [layout, saved, streamed])
def test_a_saved_image_is_the_base_of_what_was_built_on_it(
    tmp_path: Path, base: Stored, image: Stored
) -> None:
    """`docker save` keeps layers plain and names no digest, whatever the registry has."""
    ours = image(tmp_path / "image", made_image(*BASE, OWN))
    theirs = base(tmp_path / "base", made_image(*BASE))
    found = base_of(scan(tmp_path, ours, theirs))
    assert found == BaseImage("option", theirs, "", 2, compared="diff_ids")


def test_digests_of_blobs_come_first(tmp_path: Path) -> None:
    ours, theirs = (
        layout(tmp_path / "image", made_image(*BASE, OWN)),
        layout(tmp_path / "b", made_image(*BASE)),
    )
    assert base_of(scan(tmp_path, ours, theirs)).compared == "digests"
    assert not list((tmp_path / "cache").glob("diffs/*/*"))


def test_an_image_that_adds_no_layer_is_all_base(tmp_path: Path) -> None:
    ours, theirs = layout(tmp_path / "image", made_image(*BASE)), saved(tmp_path / "base", made_image(*BASE))
    assert base_of(scan(tmp_path, ours, theirs)) == BaseImage("option", theirs, "", 2, compared="diff_ids")


@pytest.mark.parametrize("stored", [layout, saved])
def test_layers_packed_otherwise(tmp_path: Path, registry: FakeRegistry, stored: Stored) -> None:
    registry.add("base", "1", made_image(*BASE))
    theirs = f"registry:{registry.host}/base:1"
    ours = stored(tmp_path / "image", made_image(*BASE, OWN, packed=stored is saved))
    assert base_of(scan(tmp_path, ours, theirs)) == BaseImage("option", theirs, "", 2, compared="diff_ids")
    assert not [each for each in registry.asked if each.path.endswith(made_image(*BASE).layers[0])]


def test_it_is_computed_once(tmp_path: Path, registry: FakeRegistry) -> None:
    made = made_image(*BASE, OWN)
    registry.add("image", "1", made)
    ours, theirs = (
        f"registry:{registry.host}/image:1",
        layout(tmp_path / "b", made_image(*BASE, packed=False)),
    )
    fetched = []
    for _time in range(3):
        assert base_of(scan(tmp_path, ours, theirs)).compared == "diff_ids"
        fetched.append([registry.count("GET", digest) for digest in made.layers])
    assert fetched == [[2, 2, 1]] * 3
    cache = FactCache(tmp_path / "cache")
    assert [cache.diff_id_of(digest) for digest in made.layers] == [digest_of(STATUS), digest_of(MOTD), ""]


@pytest.mark.parametrize("image", [layout, streamed])
def test_an_image_that_lies_about_what_it_holds_has_no_base(tmp_path: Path, image: Stored) -> None:
    lying = claiming(made_image(tar_of({"etc/motd": b"mine"}), MOTD, OWN), *BASE, OWN)
    ours, theirs = image(tmp_path / "image", lying), saved(tmp_path / "base", made_image(*BASE))
    assert base_of(scan(tmp_path, ours, theirs)) == BaseImage("none", rejected=(theirs,))


@pytest.mark.parametrize("base", [layout, saved, streamed])
def test_a_base_that_lies_about_what_it_holds_is_none(tmp_path: Path, base: Stored) -> None:
    lying = claiming(made_image(tar_of({"etc/motd": b"other"}), MOTD), *BASE)
    ours, theirs = layout(tmp_path / "image", made_image(*BASE, OWN)), base(tmp_path / "base", lying)
    assert base_of(scan(tmp_path, ours, theirs)) == BaseImage("none", rejected=(theirs,))


def test_what_this_machine_computed_outranks_what_a_registry_says(
    tmp_path: Path, registry: FakeRegistry
) -> None:
    other = made_image(tar_of({"etc/motd": b"other"}), MOTD)
    cache = FactCache(tmp_path / "cache")
    for digest in other.layers:
        cache.remember_diff_id(digest, digest_of(gzip.decompress(other.blobs[digest])))
    registry.add("base", "1", claiming(other, *BASE))
    theirs = f"registry:{registry.host}/base:1"
    ours = layout(tmp_path / "image", made_image(*BASE, OWN))
    assert base_of(scan(tmp_path, ours, theirs)).rejected == (theirs,)


def test_a_damaged_layer_of_the_image_is_nobodys(tmp_path: Path) -> None:
    made = made_image(*BASE, OWN)
    ours = layout(tmp_path / "image", made)
    damaged = tmp_path / "image" / "blobs" / "sha256" / made.layers[0][7:]
    damaged.write_bytes(damaged.read_bytes()[:-9])
    report = scan(tmp_path, ours, saved(tmp_path / "base", made_image(*BASE)))
    assert report.image is not None
    assert (report.image.base.layers, report.incomplete) == (0, True)


@pytest.mark.parametrize("base", [saved, streamed])
def test_a_base_may_cost_no_more_than_an_image(tmp_path: Path, base: Stored) -> None:
    ours = layout(tmp_path / "image", made_image(*BASE, OWN, packed=False))
    theirs = base(tmp_path / "base", made_image(*BASE))
    size = len(STATUS) + len(MOTD)
    for allowed, found in ((size, "diff_ids"), (size - 1, "")):
        limits = msgspec.structs.replace(ReadLimits(), image_free_bytes=allowed)
        request = ScanRequest(reference=ours, as_of=AS_OF, base=(theirs,), limits=limits, threads=1)
        report = run(request)
        assert report.image is not None
        assert report.image.base.compared == found


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("docker-archive:{}/none.tar", "the base image cannot be read: cannot be read: No such file"),
        ("oci:{}/none", "the base image cannot be read: index.json cannot be read: No such file"),
        ("registry:127.0.0.1:1/none:1", "the base image cannot be read: .*refused"),
        ("{}/None here", "the base image cannot be read: neither a file, a folder nor an image reference"),
    ],
)
def test_a_base_that_cannot_be_had_is_said_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference: str, words: str
) -> None:
    monkeypatch.setattr(wire, "pause", lambda _seconds: None)
    told: list[object] = []
    ours = layout(tmp_path / "image", made_image(*BASE, OWN))
    good = saved(tmp_path / "good", made_image(*BASE))
    with pytest.raises(UsageError, match=words):
        scan(tmp_path, ours, good, reference.format(tmp_path), progress=lambda *words: told.append(words))
    assert told == []
    assert not list((tmp_path / "cache").glob("layers/*/*"))
