"""The page of `hullmark layers` in a real browser: it asks for nothing, fits a phone, reads in light and dark, and meets WCAG."""

import io
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, sync_playwright

from hullmark.advice.comparing import compared
from hullmark.advice.layering import BuiltLayer, of_image
from hullmark.images.index import Indexing, Room
from hullmark.images.limits import ReadLimits
from hullmark.model.facts import Unread
from hullmark.model.layering import GateResult, Layering
from hullmark.reports._layers import render

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: make tools installs it"),
]
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def built(instruction: str, files: dict[str, int], *, fill: bytes = b"a") -> BuiltLayer:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, size in files.items():
            info = tarfile.TarInfo(name)
            info.size = size
            tar.addfile(info, io.BytesIO(fill * size))
    indexing = Indexing(ReadLimits(), Room())
    indexing.read(iter([out.getvalue()]))
    return BuiltLayer(
        digest=f"sha256:{hash((instruction, *files.items(), fill)) & 0xFFFF:064x}",
        instruction=instruction,
        stored_bytes=sum(files.values()) // 2,
        content=indexing.frozen(),
    )


@pytest.fixture(scope="module")
def page() -> Layering:
    layers = [
        built("ADD file:1 in /", {"usr/lib/libc.so": 3_000_000}),
        built("COPY . . # buildkit", {"app/package.json": 90, "app/a-very-long-name-" + "x" * 200: 5_000}),
        built("RUN npm ci", {"app/node_modules/m/index.js": 4_000_000, "root/.npm/_cacache/x": 900_000}),
        built("RUN rm -rf /app/node_modules", {"app/.wh.node_modules": 0}),
    ]
    older = [layers[0], built("COPY . . # buildkit", {"app/package.json": 91})]
    found = of_image("registry.example/shop:2", layers, base_layers=1, own_from=1)
    gates = (GateResult(name="lowest-efficiency", bound="0.9", found="0.5", passed=False),)
    unread = (Unread(kind="layer", reason="the archive ends in the middle of a file", layer="layer 3"),)
    return Layering(
        **{name: getattr(found, name) for name in found.__struct_fields__}
        | {
            "comparison": compared(layers, older, "registry.example/shop:1", "").comparison,
            "gates": gates,
            "errors": unread,
            "incomplete": True,
        }
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
def test_the_page(browser: Browser, tmp_path: Path, page: Layering, scheme: Any, width: int) -> None:
    path = tmp_path / "layers.html"
    path.write_bytes(render("html", page))
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 740})
    shown = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    shown.on("request", lambda request: asked.append(request.url))
    shown.on("console", lambda message: said.append(message.text))
    shown.goto(path.as_uri())
    assert asked == [path.as_uri()]
    assert said == []
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    bars = shown.locator("table.layers svg.share rect.own").all()
    drawn = [box["width"] for bar in bars if (box := bar.bounding_box())]
    assert len(drawn) == 1  # what is left of the copied source: the rest is cache or hidden
    context.close()
    # axe is a script, which the page's own policy does not allow
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 740}, bypass_csp=True
    )
    shown = context.new_page()
    shown.goto(path.as_uri())
    found = Axe().run(shown, options={"runOnly": {"type": "tag", "values": WCAG}})
    assert found.violations_count == 0, found.generate_report()
    context.close()
