"""`limits.layers` rules in every kind of source that has layers."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from hullmark.images.limits import ReadLimits
from hullmark.images.open import open_image
from hullmark.images.source import SourceOptions
from hullmark.model.errors import ImageError
from hullmark.model.image import Platform
from images.fakes import Daemon, FakeRegistry, made_image, tar_of

MADE = made_image(*(tar_of({f"{number}": b"x" * 600}) for number in range(3)))
INSPECTED = {"Id": MADE.config_digest, "Os": "linux", "Architecture": "amd64"}
OPTIONS = SourceOptions(platform=Platform("linux", "amd64"), early=lambda blob: [*blob.open()].clear())


def _registry(_folder: Path, registry: FakeRegistry, _daemon: Daemon) -> str:
    registry.add("team/app", "1", MADE)
    return f"registry:{registry.host}/team/app:1"


def _layout(folder: Path, _registry: FakeRegistry, _daemon: Daemon) -> str:
    return f"oci:{MADE.layout(folder)}"


def _oci_archive(folder: Path, _registry: FakeRegistry, _daemon: Daemon) -> str:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.add(MADE.layout(folder / "layout"), arcname=".")
    (folder / "image.tar").write_bytes(out.getvalue())
    return f"oci-archive:{folder}/image.tar"


def _docker_archive(folder: Path, _registry: FakeRegistry, _daemon: Daemon) -> str:
    (folder / "image.tar").write_bytes(MADE.saved("app:1"))
    return f"docker-archive:{folder}/image.tar"


def _docker(_folder: Path, _registry: FakeRegistry, daemon: Daemon) -> str:
    daemon.images["app:1"] = (INSPECTED, MADE.saved("app:1"))
    return "docker:app:1"


def _containerd(folder: Path, _registry: FakeRegistry, _daemon: Daemon) -> str:
    MADE.layout(folder / "io.containerd.content.v1.content")
    return f"containerd:{MADE.digest}@{folder}"


@pytest.mark.parametrize("make", [_registry, _layout, _oci_archive, _docker_archive, _docker, _containerd])
def test_the_setting_rules(
    tmp_path: Path,
    registry: FakeRegistry,
    daemon: Daemon,
    make: Callable[[Path, FakeRegistry, Daemon], str],
) -> None:
    reference = make(tmp_path, registry, daemon)
    for most in (2, 3):
        options = msgspec.structs.replace(OPTIONS, limits=ReadLimits(layers=most))
        if most == 3:
            opened = open_image(reference, options)
            assert len(opened.layers) == 3
            opened.close()
        else:
            with pytest.raises(ImageError, match=r"it has 3 layers, more than 2 \(limits\.layers\)"):
                open_image(reference, options)
