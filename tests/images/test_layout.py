"""OCI layouts whose blobs are links, as Bazel's rules_oci and others make them."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from e2e.program import AS_OF
from hullmark.images.open import offered_platforms, open_image
from hullmark.images.source import SourceOptions
from hullmark.model.errors import ImageError
from hullmark.model.image import Platform
from hullmark.model.report import Report
from hullmark.scan.request import ScanRequest
from hullmark.scan.run import run
from images.fakes import INDEX, MANIFEST, MadeImage, digest_of, made_image, tar_of

MADE = made_image(
    tar_of({"srv/a/package.json": b'{"name":"a","version":"1.0.0"}'}),
    tar_of({"srv/b/package.json": b'{"name":"b","version":"2.0.0"}'}),
)
AMD = SourceOptions(platform=Platform("linux", "amd64"))


def blob(layout: Path, digest: str) -> Path:
    return layout.joinpath("blobs", *digest.split(":"))


def linked(layout: Path, made: MadeImage, digests: list[str]) -> Path:
    """Make a layout some of whose blobs are relative links to files that stand elsewhere under other names."""
    made.layout(layout)
    store = layout.parent / "store"
    store.mkdir()
    for number, digest in enumerate(digests):
        path = blob(layout, digest)
        path.rename(store / f"file{number}")
        path.symlink_to(Path(os.path.relpath(store / f"file{number}", path.parent)))
    return layout


def scan(folder: Path, layout: Path, **more: Any) -> Report:
    request = ScanRequest(
        reference=f"oci:{layout}", as_of=AS_OF, cache=folder / "cache", source=AMD, threads=1, **more
    )
    return run(request)


def names(report: Report) -> list[str]:
    return [package.name for package in report.packages]


def test_blobs_that_are_links_are_read_and_remembered(tmp_path: Path) -> None:
    layout = linked(tmp_path / "layout", MADE, [MADE.digest, MADE.config_digest, *MADE.layers])
    cold = scan(tmp_path, layout)
    assert (names(cold), cold.errors) == (["a", "b"], ())
    assert [layer.digest for layer in cold.layers] == MADE.layers
    assert scan(tmp_path, layout) == cold


def test_an_index_that_is_a_link(tmp_path: Path) -> None:
    """In a sandbox Bazel makes every file of a layout one."""
    layout = linked(tmp_path / "layout", MADE, MADE.layers)
    (layout / "index.json").rename(tmp_path / "index")
    (layout / "index.json").symlink_to(tmp_path / "index")
    assert names(scan(tmp_path, layout)) == ["a", "b"]


@pytest.mark.parametrize("again", [False, True])
def test_nothing_is_told_of_a_file_that_is_not_the_layer(tmp_path: Path, *, again: bool) -> None:
    """Neither what is in it nor its digest or size; nor is it remembered."""
    layout = MADE.layout(tmp_path / "layout")
    path = blob(layout, MADE.layers[1])
    if again:
        scan(tmp_path, layout)
    private = tmp_path / "private"
    private.write_bytes(tar_of({"srv/private/package.json": b'{"name":"private","version":"1.0.0"}'}))
    path.unlink()
    path.symlink_to(private)
    for report in (scan(tmp_path, layout), scan(tmp_path, layout, timeout_s=1e-9)):
        assert set(names(report)) <= {"a"}
        assert report.incomplete
        assert report.layers[1].digest == ""
        assert report.layers[1].size_bytes == len(MADE.blobs[MADE.layers[1]]), "as the manifest says"
        (unread,) = [each for each in report.errors if each.layer == "layer 1"]
        assert unread.kind == "layer"
        assert unread.reason in {
            "its blob is a link to a file whose digest is not the one that the manifest gives",
            "the time given with --timeout was over",
        }


def test_a_document_that_is_a_link_to_another_file(tmp_path: Path) -> None:
    layout = MADE.layout(tmp_path / "layout")
    private = tmp_path / "private"
    private.write_text("secret")
    for digest in (MADE.config_digest, MADE.digest):
        path = blob(layout, digest)
        path.unlink()
        path.symlink_to(private)
        if digest == MADE.config_digest:
            (unread,) = open_image(f"oci:{layout}", AMD).image.unread
            assert unread.reason == f"{digest} is a link to a file of other content"
    with pytest.raises(ImageError, match=rf"{MADE.digest} is a link to a file of other content"):
        open_image(f"oci:{layout}", AMD)


@pytest.mark.parametrize("target", ["/dev/null", "..", "fifo", "nowhere"])
def test_a_link_to_what_is_no_regular_file(tmp_path: Path, target: str) -> None:
    layout = MADE.layout(tmp_path / "layout")
    path = blob(layout, MADE.layers[0])
    os.mkfifo(path.parent / "fifo")
    path.unlink()
    path.symlink_to(target)
    layer = open_image(f"oci:{layout}", AMD).layers[0]
    assert layer.problem.startswith("the layer's blob cannot be read: ")
    assert names(scan(tmp_path, layout)) == ["b"]


def nested(layout: Path, images: dict[Platform, MadeImage]) -> Path:
    """Make a layout whose index names one index, without a platform, as builders of several platforms do."""
    entries = []
    for platform, made in images.items():
        made.layout(layout)
        words = {"os": platform.os, "architecture": platform.architecture, "variant": platform.variant}
        described = {"mediaType": MANIFEST, "digest": made.digest, "size": len(made.manifest)}
        entries.append({**described, "platform": {key: word for key, word in words.items() if word}})
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).encode()
    blob(layout, digest_of(index)).write_bytes(index)
    root = {"mediaType": INDEX, "digest": digest_of(index), "size": len(index)}
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [root]}))
    return layout


def test_each_platform_that_is_offered_can_be_had(tmp_path: Path) -> None:
    """Also with a variant, and where the layout's own index says nothing of platforms."""
    images = {
        Platform("linux", "amd64"): made_image(tar_of({"a": b"1"})),
        Platform("linux", "arm", "v6"): made_image(tar_of({"a": b"2"}), architecture="arm"),
        Platform("linux", "arm", "v7"): made_image(tar_of({"a": b"3"}), architecture="arm"),
        Platform("linux", "arm64", "v8"): made_image(tar_of({"a": b"4"}), architecture="arm64"),
    }
    reference = f"oci:{nested(tmp_path, images)}"
    offered = offered_platforms(reference, SourceOptions())
    assert sorted(offered, key=str) == sorted(images, key=str)
    had = {each: open_image(reference, SourceOptions(platform=each)).image.digest for each in offered}
    assert had == {platform: made.digest for platform, made in images.items()}


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        (Platform("linux", "arm64", "v8"), True),
        (Platform("linux", "arm64"), True),
        (Platform("linux", "arm64", "v9"), False),
    ],
)
def test_an_architecture_without_variant_is_its_usual_one(
    tmp_path: Path, asked: Platform, *, fits: bool
) -> None:
    made = made_image(tar_of({"a": b"1"}), architecture="arm64")
    reference = f"oci:{nested(tmp_path, {Platform('linux', 'arm64'): made})}"
    if fits:
        assert open_image(reference, SourceOptions(platform=asked)).image.digest == made.digest
    else:
        with pytest.raises(ImageError, match="no image for linux/arm64/v9; there are: linux/arm64"):
            open_image(reference, SourceOptions(platform=asked))
