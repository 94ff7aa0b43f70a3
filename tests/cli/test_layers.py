"""`hullmark layers`: what an image is made of, what is wasted, what another order gains; beside an older build; the page that tells of it."""

import base64
import gzip
import hashlib
import io
import json
import random
import re
import tarfile
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import msgspec
import pytest

from cli.conftest import Call, Done
from e2e.program import ROOT
from hullmark.model.layering import Layering
from hullmark.model.look import Look
from hullmark.reports._layers import render
from hullmark.reports._schema import document as schema_file
from hullmark.reports._schema import schema

PAGE = ROOT / "docs" / "howto" / "look-at-layers.md"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
BYTES = random.Random(14)


def noise(size: int) -> bytes:
    """Give content that does not compress, so that sizes mean something."""
    return BYTES.randbytes(size)


def packed(files: dict[str, bytes], when: int = 1_700_000_000, mode: int = 0o644) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, body in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.mode = len(body), when, mode
            tar.addfile(info, io.BytesIO(body))
    return gzip.compress(out.getvalue(), 6, mtime=0)


class Build:
    """An image that is built step by step, as a builder does it."""

    def __init__(self) -> None:
        self.layers: list[bytes] = []
        self.history: list[dict[str, Any]] = []

    def step(self, instruction: str, layer: bytes | None = None) -> "Build":
        self.history.append({"created_by": instruction} | ({"empty_layer": True} if layer is None else {}))
        if layer is not None:
            self.layers.append(layer)
        return self

    def write(self, folder: Path) -> set[str]:
        """Write an OCI layout; give the digests of its layers."""
        blobs = folder / "blobs" / "sha256"
        blobs.mkdir(parents=True)

        def blob(body: bytes, kind: str) -> dict[str, Any]:
            digest = hashlib.sha256(body).hexdigest()
            (blobs / digest).write_bytes(body)
            return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(body)}

        described = [blob(layer, "application/vnd.oci.image.layer.v1.tar+gzip") for layer in self.layers]
        config = {
            "os": "linux",
            "architecture": "amd64",
            "config": {},
            "rootfs": {
                "type": "layers",
                "diff_ids": [
                    f"sha256:{hashlib.sha256(gzip.decompress(each)).hexdigest()}" for each in self.layers
                ],
            },
            "history": self.history,
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": blob(json.dumps(config).encode(), "application/vnd.oci.image.config.v1+json"),
            "layers": described,
        }
        root = blob(json.dumps(manifest).encode(), MANIFEST)
        (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [root]}))
        return {str(each["digest"]) for each in described}


BASE = packed({"etc/os-release": b"ID=debian\n", "usr/lib/libc.so": noise(200_000)})
LISTS = {"app/package.json": b'{"name": "shop"}', "app/package-lock.json": noise(3_000)}
MODULES = {f"app/node_modules/m{n}/index.js": noise(60_000) for n in range(20)}
SOURCE = {f"app/src/{n}.js": noise(2_000) for n in range(10)}


def from_base() -> Build:
    return (
        Build()
        .step("/bin/sh -c #(nop) ADD file:0123 in / ", BASE)
        .step('/bin/sh -c #(nop)  CMD ["bash"]')
        .step("WORKDIR /app")
    )


def copied_first(source: dict[str, bytes], when: int) -> Build:
    """Build as `COPY . .`, `RUN npm ci` do: what is installed is installed again, at another time."""
    image = from_base().step("COPY . . # buildkit", packed(LISTS | source, when))
    return image.step("RUN /bin/sh -c npm ci # buildkit", packed(MODULES, when)).step(
        'CMD ["node" "src/0.js"]'
    )


def copied_last(source: dict[str, bytes], when: int) -> Build:
    """Build as the proposal says. The lists do not change, so the cache of the build has the two layers above the base."""
    image = from_base().step("COPY package.json package-lock.json ./ # buildkit", packed(LISTS))
    image.step("RUN /bin/sh -c npm ci # buildkit", packed(MODULES))
    return image.step("COPY . . # buildkit", packed(LISTS | source, when)).step('CMD ["node" "src/0.js"]')


def changed(source: dict[str, bytes]) -> dict[str, bytes]:
    return source | {"app/src/0.js": noise(2_100)}


def document(done: Done) -> Any:
    assert done.code in {0, 1}, done.err
    jsonschema.validate(done.document, schema("layers"))
    return done.document


def looked(call: Call, *words: str) -> Any:
    return document(call("layers", *words, "--format", "json"))


def proposed(found: Any, rule: str) -> Any:
    (one,) = [each for each in found["proposals"] if each["rule"] == rule]
    return one


# ── the order ───────────────────────────────────────────────────────────────────────────────────────────


def test_what_the_proposal_predicts_is_what_the_other_order_gains(call: Call, tmp_path: Path) -> None:
    later = changed(SOURCE)
    before = copied_first(SOURCE, 1_700_000_000).write(tmp_path / "bad-1")
    after = copied_first(later, 1_700_009_000)
    in_bad_order = after.write(tmp_path / "bad-2") - before
    before = copied_last(SOURCE, 1_700_000_000).write(tmp_path / "good-1")
    in_good_order = copied_last(later, 1_700_009_000).write(tmp_path / "good-2") - before

    def size(image: str, digests: set[str]) -> int:
        return sum((tmp_path / image / "blobs/sha256" / digest[7:]).stat().st_size for digest in digests)

    gain = proposed(looked(call, "bad-2"), "copy-before-install")["gain"]
    really = size("bad-2", in_bad_order) - size("good-2", in_good_order)
    assert gain["exact"]
    assert gain["pushed_bytes"] == gain["pulled_bytes"] == really == len(after.layers[2])
    assert gain["layers_reused"] == len(in_bad_order) - len(in_good_order) == 1
    # and so says the comparison of the real builds
    bad = looked(call, "bad-2", "--against", "bad-1")["comparison"]
    good = looked(call, "good-2", "--against", "good-1")["comparison"]
    for what in ("pushed_bytes", "pulled_bytes", "scanned_bytes"):
        assert bad[what] - good[what] == gain[what]
    assert (
        good["layers_reused"] - bad["layers_reused"] == gain["layers_reused"] + 1
    )  # the lists have a layer of their own
    assert bad["avoidable_bytes"] == gain["pushed_bytes"]
    assert good["avoidable_bytes"] == 0
    # what a rebuild would reuse
    said = looked(call, "bad-2")["rebuild"]
    assert (said["layers_reused"], said["layers_again"], said["again_bytes"]) == (1, 2, bad["pushed_bytes"])
    assert (said["layers_reused_then"], said["again_bytes_then"]) == (2, good["pushed_bytes"])
    assert not [each for each in looked(call, "good-2")["proposals"] if each["rule"] == "copy-before-install"]


def test_a_small_copy_below_a_large_steady_layer(call: Call, tmp_path: Path) -> None:
    tools = packed({"usr/bin/ffmpeg": noise(1_500_000)})
    image = from_base().step("COPY src/ /srv/", packed({"srv/x": b"x"}))
    image.step("RUN /bin/sh -c apt-get update && apt-get install -y ffmpeg # buildkit", tools).write(
        tmp_path / "app"
    )
    gain = proposed(looked(call, "app"), "volatile-below-steady")["gain"]
    assert (gain["pushed_bytes"], gain["scanned_bytes"]) == (len(tools), 1_500_000)


def test_an_install_that_needs_what_was_copied_stays(call: Call, tmp_path: Path) -> None:
    image = from_base().step("COPY . .", packed(SOURCE))
    image.step("RUN /bin/sh -c pip install .", packed({"usr/lib/python3/x.py": noise(2_000_000)})).write(
        tmp_path / "app"
    )
    assert looked(call, "app")["proposals"] == []


def shop(folder: Path) -> None:
    """Write what the page shows: two builds of a shop, and its Dockerfile."""
    content = random.Random(1).randbytes
    lists = {"app/package.json": b'{"name": "shop"}', "app/package-lock.json": content(3_000)}
    modules = {f"app/node_modules/m{n}/index.js": content(600_000) for n in range(20)}
    source = {f"app/src/{n}.js": content(2_000) for n in range(10)}
    cache = {"root/.npm/_cacache/content-v2/x": content(4_000_000)}
    for number, when in enumerate((1_700_000_000, 1_700_009_000), 1):
        image = Build().step(
            "ADD file:0123 in / ", packed({"usr/lib/libc.so": random.Random(2).randbytes(2_000_000)})
        )
        image.step('CMD ["node"]').step("WORKDIR /app")
        image.step("COPY . . # buildkit", packed(lists | source, when))
        image.step("RUN /bin/sh -c npm ci # buildkit", packed(modules | cache, when))
        image.step("RUN /bin/sh -c rm -r src/9.js # buildkit", packed({"app/src/.wh.9.js": b""}))
        image.write(folder / f"shop-{number}")
        source["app/src/0.js"] = content(2_100)
    (folder / "Dockerfile").write_text(
        "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\nRUN rm -r src/9.js\n"
    )


def test_the_page_shows_what_is_there(call: Call, tmp_path: Path) -> None:
    shop(tmp_path)
    shown = re.findall(
        r"^    \$ hullmark (layers .*)\n((?:    .*\n|\n(?=    [^$]))*)", PAGE.read_text("utf-8"), re.MULTILINE
    )
    assert len(shown) == 3
    for command, excerpt in shown:
        expected = re.sub(r"^    ", "", excerpt, flags=re.MULTILINE)
        assert call(*command.split()).out == expected, command


# ── waste ───────────────────────────────────────────────────────────────────────────────────────────────


def wasteful() -> Build:
    image = from_base()
    image.step(
        "RUN apt-get update && apt-get install -y make",
        packed({"usr/bin/make": noise(250_000), "var/lib/apt/lists/deb.lz4": noise(300_000)}),
    )
    image.step(
        "RUN curl -o /opt/sdk.tar https://example.com/sdk.tar", packed({"opt/sdk.tar": noise(400_000)})
    )
    image.step(
        "RUN tar xf /opt/sdk.tar && rm /opt/sdk.tar",
        packed({"opt/sdk/bin": noise(150_000), "opt/.wh.sdk.tar": b""}),
    )
    image.step("RUN chmod 755 /usr/bin/make", packed({"usr/bin/make": b""}))
    image.layers[-1] = packed({"usr/bin/make": _content(image.layers[1], "usr/bin/make")}, mode=0o755)
    return image.step("COPY .git /app/.git", packed({"app/.git/objects/pack/p": noise(50_000)}))


def _content(layer: bytes, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        body = tar.extractfile(name)
        assert body is not None
        return body.read()


def test_what_is_wasted_and_what_to_do(call: Call, tmp_path: Path) -> None:
    wasteful().write(tmp_path / "app")
    found = looked(call, "app")
    assert [(each["path"], each["how"], each["layer"], each["by"]) for each in found["hidden"]] == [
        ("opt/sdk.tar", "deleted", 2, 3),
        ("usr/bin/make", "touched", 1, 4),
    ]
    assert found["totals"]["hidden_bytes"] == 650_000
    assert found["totals"]["cache_bytes"] == 350_000
    assert [layer["hidden_bytes"] for layer in found["layers"]] == [0, 250_000, 400_000, 0, 0, 0]
    assert proposed(found, "deleted-in-later-layer")["gain"]["smaller_bytes"] == 400_000
    assert proposed(found, "mode-changed-in-later-layer")["gain"]["smaller_bytes"] == 250_000
    assert proposed(found, "cache-left-behind")["paths"][0]["path"] == "var/lib/apt/lists"
    assert proposed(found, "git-folder-in-image")["layers"] == [5]
    # dive: a deleted path needs nothing, one that stands twice the smaller of both
    stands_once = sum((250_000, 300_000, 150_000, 50_000)) + len(b"ID=debian\n") + 200_000
    assert found["totals"]["wasted_bytes"] == 400_000 + 500_000
    assert found["totals"]["efficiency"] == pytest.approx(stands_once / (stands_once + 400_000 + 250_000))


def test_what_the_base_image_wastes_is_not_ours_to_mend(call: Call, tmp_path: Path) -> None:
    image = Build()
    image.step("ADD file:0 in /", packed({"big": noise(500_000)})).step(
        "RUN rm /big", packed({".wh.big": b""})
    )
    image.step('CMD ["sh"]').step("COPY app /app", packed({"app": noise(1000)})).write(tmp_path / "app")
    found = looked(call, "app")
    assert found["totals"]["hidden_bytes"] == 500_000
    assert found["proposals"] == []


# ── two builds ──────────────────────────────────────────────────────────────────────────────────────────


def test_layers_that_only_look_different_say_why(call: Call, tmp_path: Path) -> None:
    files = {"a": noise(5_000), "b": noise(6_000)}
    turned = dict(reversed(files.items()))
    one = (
        from_base()
        .step("RUN one", packed(files))
        .step("RUN two", packed({"c": b"c"}))
        .step("RUN three", packed({"d": b"d"}))
    )
    two = (
        from_base()
        .step("RUN one", packed(turned))
        .step("RUN two", packed({"c": b"c"}, 9))
        .step("RUN three", packed({"d": b"e"}))
    )
    one.write(tmp_path / "one")
    two.write(tmp_path / "two")
    found = looked(call, "two", "--against", "one")
    assert [
        (each["index"], each["old"], each["status"], each["why"]) for each in found["comparison"]["layers"]
    ] == [
        (1, 1, "same_content", ["order"]),
        (2, 2, "same_content", ["times"]),
        (3, 3, "changed", []),
    ]
    assert found["comparison"]["layers"][2]["files"] == [
        {"path": "d", "change": "changed", "size_bytes": 1, "aspects": ["content"]}
    ]
    assert [layer["status"] for layer in found["layers"]] == [
        "reused",
        "same_content",
        "same_content",
        "changed",
    ]
    gain = proposed(found, "same-content-other-digest")["gain"]
    assert (
        gain["pushed_bytes"]
        == len(two.layers[1]) + len(two.layers[2])
        == found["comparison"]["avoidable_bytes"]
    )


def test_compression_alone_is_told_and_modes_are_changes(call: Call, tmp_path: Path) -> None:
    body = noise(5_000)
    one = from_base().step("RUN one", packed({"a": body})).step("RUN two", packed({"c": body}))
    two = from_base().step("RUN one", gzip.compress(gzip.decompress(packed({"a": body})), 0, mtime=0))
    two.step("RUN two", packed({"c": body}, mode=0o755))
    one.write(tmp_path / "one")
    two.write(tmp_path / "two")
    first, second = looked(call, "two", "--against", "one")["comparison"]["layers"]
    assert (first["status"], first["why"]) == ("same_content", ["compression"])
    assert second["files"][0]["aspects"] == ["mode"]


def test_the_same_build_has_nothing_new(call: Call, tmp_path: Path) -> None:
    copied_last(SOURCE, 1).write(tmp_path / "one")
    found = looked(call, "one", "--against", "one")["comparison"]
    assert (found["layers_reused"], found["pushed_bytes"], found["layers"]) == (4, 0, [])


# ── gates ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        ((), 0),
        (("--lowest-efficiency", "0.5"), 0),
        (("--lowest-efficiency", "0.95"), 1),
        (("--highest-wasted-bytes", "900000"), 0),
        (("--highest-wasted-bytes", "899999"), 1),
        (("--highest-wasted-bytes", "0.9 MB"), 0),
        (("--highest-wasted-bytes", "878KiB"), 1),
        (("--highest-user-wasted-percent", "0.7"), 0),
        (("--highest-user-wasted-percent", "0.3"), 1),
        (("--highest-wasted-bytes", "disabled"), 0),
        (("--lowest-efficiency", "95"), 2),
        (("--lowest-efficiency", "nan"), 2),
        (("--highest-wasted-bytes", "twenty"), 2),
        (("--highest-wasted-bytes", "20 XB"), 2),
    ],
)
def test_gates(call: Call, tmp_path: Path, flags: tuple[str, ...], code: int) -> None:
    wasteful().write(tmp_path / "app")
    assert call("layers", "app", *flags).code == code


def test_dives_file_is_read_as_it_is(call: Call, tmp_path: Path) -> None:
    wasteful().write(tmp_path / "app")
    (tmp_path / ".dive-ci").write_text(
        "---\nplugins:\n  - plugin1\n\nrules:\n  # a comment\n  lowestEfficiency: 0.2\n  highestWastedBytes: 20Mb\n"
        "  highestUserWastedPercent: 0.9\n  plugin1/rule1: error\n"
    )
    done = call("layers", "app")
    assert done.code == 0
    assert "plugins, rules.plugin1/rule1" in done.err
    (tmp_path / "strict").write_text("rules:\n  highestUserWastedPercent: disabled\n")
    done = call("layers", "app", "--ci-config", "strict")
    assert done.code == 1
    assert "--lowest-efficiency 0.9 is not kept" in done.err  # dive's own bound, where the file says nothing
    assert "user-wasted" not in done.err
    assert call("layers", "app", "--ci-config", "strict", "--lowest-efficiency", "0.1").code == 0
    assert call("layers", "app", "--ci-config", "none").err == ""
    (tmp_path / "wrong").write_text("rules: [1]\n")
    assert call("layers", "app", "--ci-config", "wrong").code == 2
    assert call("layers", "app", "--ci-config", "missing").code == 2


def test_an_image_of_one_layer_has_no_share_of_its_own(call: Call, tmp_path: Path) -> None:
    Build().step("ADD x /", packed({"a": b"a"})).write(tmp_path / "app")
    done = call("layers", "app", "--highest-user-wasted-percent", "0", "--format", "json")
    assert done.code == 0
    assert document(done)["totals"]["user_wasted_percent"] is None


def test_a_gate_relies_on_all_layers(call: Call, tmp_path: Path) -> None:
    image = wasteful()
    image.write(tmp_path / "app")
    blob = tmp_path / "app/blobs/sha256" / hashlib.sha256(image.layers[2]).hexdigest()
    blob.write_bytes(blob.read_bytes()[:-100])
    assert call("layers", "app", "--ci-config", "none").code == 0
    done = call("layers", "app", "--lowest-efficiency", "0.1")
    assert done.code == 3
    assert "could not be read whole" in done.err


# ── Dockerfiles ─────────────────────────────────────────────────────────────────────────────────────────

DOCKERFILE = "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci && npm cache clean --force\n"


def test_a_dockerfile(call: Call, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    found = looked(call, "Dockerfile")
    assert found["kind"] == "dockerfile"
    assert found["base"] == "node:22"
    assert [(each["line"], each["role"], each["again"]) for each in found["layers"]] == [
        (3, "source", True),
        (4, "dependencies", True),
    ]
    one = proposed(found, "copy-before-install")
    assert one["line"] == 3
    assert "package.json package-lock.json" in one["advice"]
    assert one["gain"]["pushed_bytes"] is None
    assert one["gain"]["layers_reused"] == 1


def test_the_context_tells_what_a_copy_takes_in(call: Call, tmp_path: Path) -> None:
    context = tmp_path / "context"
    for name, body in {
        ".git/HEAD": b"x" * 70, "src/a.js": b"a" * 500, "node_modules/m/index.js": b"m" * 9_000, "debug.log": b"l" * 40,
        "keep.log": b"k" * 30, "docs/deep/page.md": b"d" * 20, ".dockerignore": b"# no modules\nnode_modules\n*.log\n!keep.log\n**/*.md\n",
    }.items():  # fmt: skip
        (context / name).parent.mkdir(parents=True, exist_ok=True)
        (context / name).write_bytes(body)
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    ignore = len((context / ".dockerignore").read_bytes())
    found = looked(call, "Dockerfile", "--context", "context")
    assert found["layers"][0]["content_bytes"] == 70 + 500 + 30 + ignore
    assert proposed(found, "git-folder-in-image")["gain"]["smaller_bytes"] == 70
    (context / ".dockerignore").write_text(".git\nnode_modules\n")
    assert "git-folder-in-image" not in {
        each["rule"] for each in looked(call, "Dockerfile", "--context", "context")["proposals"]
    }


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("a", "b"),
        ("",),
        ("Dockerfile", "--against", "app"),
        ("Dockerfile", "--lowest-efficiency", "0.9"),
        ("Dockerfile", "--context", "missing"),
        ("app", "--context", "."),
        ("app", "--format", "pdf"),
        ("app", "--platform", "all"),
    ],
)
def test_what_makes_no_sense_is_said(call: Call, tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    Build().step("ADD x /", packed({"a": b"a"})).write(tmp_path / "app")
    done = call("layers", *words)
    assert done.code == 2
    assert done.out == ""


def test_a_root_file_system_has_no_layers(call: Call, tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    assert "has no layers" in call("layers", "dir:root").err


# ── forms ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_picture_keeps_to_its_width_and_to_ascii(call: Call, tmp_path: Path) -> None:
    wasteful().write(tmp_path / "app")
    found = msgspec.json.decode(json.dumps(looked(call, "app")), type=Layering)
    for width in (40, 80, 200):
        text = render("table", found, Look(width=width)).decode()
        assert max(map(len, text.splitlines())) <= width
        assert "█" in text
        assert "▓" in text
    assert render("table", found, Look(unicode=False)).isascii()
    assert b"\x1b" not in render("table", found, Look())
    assert b"\x1b[31m" in render("table", found, Look(colour=True))
    shown = render("table", found, Look(width=100)).decode()
    bars = {
        int(line.split()[1]): line.count("█") + line.count("▓") + line.count("░")
        for line in shown.splitlines()
        if re.match(r"  [█▓░]+ +\d", line)
    }
    assert max(bars, key=lambda number: bars[number]) == 1


HOSTILE = 'x\x1b[31m</td><script>alert(1)</script>"\u202e'


def test_nothing_of_an_image_acts(call: Call, tmp_path: Path) -> None:
    image = from_base().step(f"COPY {HOSTILE} .", packed({f"opt/{HOSTILE}": noise(200_000)}))
    image.step(f"RUN rm {HOSTILE}", packed({f"opt/.wh.{HOSTILE}": b""})).write(tmp_path / "app")
    image.step("RUN later", packed({f"new/{HOSTILE}": b"x"})).write(tmp_path / "app2")
    done = call("layers", "app2", "--against", "app", "--format", "table", "--format", "html=page.html")
    assert done.code == 0
    assert "\x1b" not in done.out
    assert "\u202e" not in done.out
    page = (tmp_path / "page.html").read_text("ascii")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert policy
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert (
        policy[1] == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert not re.search(r"(?:src|href)=|style=", page)


def test_secrets_of_instructions_are_masked(call: Call, tmp_path: Path) -> None:
    from_base().step("RUN curl -H 'Authorization: Bearer abcdef123456' https://x", packed({"a": b"a"})).write(
        tmp_path / "app"
    )
    assert "abcdef123456" not in json.dumps(looked(call, "app"))


def test_the_same_image_gives_the_same_bytes_read_or_remembered(call: Call, tmp_path: Path) -> None:
    wasteful().write(tmp_path / "app")
    forms = [call("layers", "app", "--format", form).out for form in ("json", "table", "html")]
    assert forms == [call("layers", "app", "--format", form).out for form in ("json", "table", "html")]


def test_an_archive_on_standard_input(call: Call, tmp_path: Path) -> None:
    wasteful().write(tmp_path / "app")
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for path in sorted((tmp_path / "app").rglob("*")):
            tar.add(path, path.relative_to(tmp_path / "app").as_posix(), recursive=False)
    (tmp_path / "app.tar.gz").write_bytes(out.getvalue())
    streamed = looked(call, "app.tar.gz")
    here = looked(call, "app")
    assert streamed["layers"] == here["layers"]
    assert streamed["totals"] == here["totals"]


def test_the_schema_in_the_documentation_is_the_schema() -> None:
    assert (ROOT / "docs/reference/layers.schema.json").read_bytes() == schema_file("layers")
