"""The same image gives the same report, byte for byte, whatever the cache knows of it and however it is read."""

from pathlib import Path

import msgspec
import pytest

from e2e.program import AS_OF, DEMO, dpkg_status
from hullmark.images.limits import ReadLimits
from hullmark.reports import render
from hullmark.scan.request import ScanRequest
from hullmark.scan.run import run
from images.fakes import made_image, tar_of

DEEP = "/".join("abcdefghij" * 3)


def node(folder: str, count: int) -> dict[str, bytes]:
    return {
        f"{folder}/{n}/node_modules/p{n}/package.json": f'{{"name":"p{n}","version":"1.0.0"}}'.encode()
        for n in range(count)
    }


LAYERS = (
    tar_of({"var/lib/dpkg/status": dpkg_status(*((f"base{n}", "1.2-3") for n in range(40)))}),
    tar_of(node("srv", 30)),
    tar_of({**node(DEEP, 20), "var/lib/dpkg/status": dpkg_status(("base1", "1.2-3"), ("broken", ""))}),
    tar_of({f"srv/big{n}": bytes(50_000) for n in range(20)} | {"srv/.wh.3": b"", "app/package.json": b"{"}),
    tar_of(node("opt", 45)),
)


def scanned(reference: str, cache: Path | None, limits: ReadLimits, **more: object) -> bytes:
    request = ScanRequest(reference=reference, as_of=AS_OF, cache=cache, limits=limits, database=None)
    return render("json", run(msgspec.structs.replace(request, **more)))


def each_way(reference: str, folder: Path, limits: ReadLimits) -> set[bytes]:
    """Scan without a cache, with one that is empty, that knows all, or some, and that may not be written."""
    cache, part = folder / "cache", folder / "part"
    found = [scanned(reference, None, limits, threads=threads) for threads in (1, 2)]
    found += [scanned(reference, cache, limits, threads=threads) for threads in (2, 1, 2)]
    found.append(scanned(reference, cache, limits, cache_read_only=True))
    scanned(reference, part, limits)
    for path in sorted(part.glob("layers/*/*"))[::2]:
        path.unlink()
    found.append(scanned(reference, part, limits, cache_read_only=True))
    return set(found)


@pytest.mark.parametrize("name", ["image.tar", "layout", "plain", "saved"])
def test_the_cache_changes_nothing(tmp_path: Path, name: str) -> None:
    if name == "image.tar":
        reference = str(DEMO / name)
    elif name == "saved":
        (tmp_path / "saved.tar").write_bytes(made_image(*LAYERS).saved("a:1"))
        reference = str(tmp_path / "saved.tar")
    else:
        reference = str(made_image(*LAYERS, packed=name == "layout").layout(tmp_path / "image"))
    assert len(each_way(reference, tmp_path, ReadLimits())) == 1


@pytest.mark.parametrize(
    "limit", [f"image_facts={n}" for n in (50, 75, 105)] + [f"image_fact_bytes={n}" for n in range(2000, 13000, 1500)]
)  # fmt: skip
def test_nor_where_the_layers_are_too_much_together(tmp_path: Path, limit: str) -> None:
    """Which of them are left out does not depend on which was read first, nor on what was remembered."""
    name, _, number = limit.partition("=")
    limits = msgspec.structs.replace(ReadLimits(), **{name: int(number)})
    reference = str(made_image(*LAYERS).layout(tmp_path / "image"))
    (found,) = each_way(reference, tmp_path, limits)
    assert b"all layers" in found
