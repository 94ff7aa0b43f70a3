"""Every kind of file that names images: a folder of files before, the same after pinning, and what was found in them.

`tests/golden/references/<kind>/<case>/`: `before/` holds files where a project has them, `after/` what pinning makes of them,
`references.txt` each reference with its place and what is said of it. Digests are made of the names, so that each can be told.
"""

import difflib
import hashlib
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullmark.detectors.config.references import ImageReference, TextFile, kind_of, kinds, may_want, read
from hullmark.images.reference import Reference
from hullmark.model.errors import HullmarkError
from hullmark.model.facts import Unread
from hullmark.scan.pinning import find, plan, unified_diff

GOLDEN = Path(__file__).parents[1] / "golden" / "references"
CASES = sorted(path for path in GOLDEN.glob("*/*") if path.is_dir())
DIGITS = 64
PINNED = f"sha256:{'a' * DIGITS}"
"""The digest that some of them had before."""


def digest_of(name: Reference) -> str:
    """Give a digest that begins with the name's own, so that the golden files tell which tag a digest is of."""
    return f"sha256:{hashlib.sha256(f'{name.host}/{name.repository}:{name.tag}'.encode()).hexdigest()}"


def said(path: str, found: ImageReference | Unread) -> str:
    if isinstance(found, Unread):
        return f"{path}: {found.place or 'file'}: {found.reason}\n"
    text = found.text or f"unknown: {found.unknown}"
    return (
        f"{path}:{found.span.line}:{found.span.column}: {text}"
        + (f" ({found.fixed})" if found.fixed else "")
        + "\n"
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_golden(case: Path, golden: Callable[[Path, bytes], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(case / "before")
    seen, unread = find(["."])
    for one in seen:
        kind = kind_of(str(Path(one.file.path).absolute()), one.file.text)
        assert kind is not None
        assert kind.name == case.parent.name
    lines = [said(one.file.path, each) for one in seen for each in one.references]
    lines += [said(note.path, note) for note in unread]
    plans, failures = plan(seen, digest_of, update=False)
    lines += [
        f"{each.where}: {each.what}" + (f" → {each.hint}" if each.hint else "") + "\n" for each in failures
    ]
    golden(case / "references.txt", "".join(lines).encode())
    for made in plans:
        after = case / "after" / made.file.path
        after.parent.mkdir(parents=True, exist_ok=True)
        if not after.exists() or after.read_bytes() != made.text.encode():  # line ends count
            golden(after, made.text.encode())
            assert after.read_bytes() == made.text.encode()
        assert_only_digests_differ(made.file.text, made.text)


def assert_only_digests_differ(before: str, after: str) -> None:
    """Every line is there as it was, but for digests (and the tag that was meant where none stood)."""
    old, new = before.split("\n"), after.split("\n")
    assert len(old) == len(new)
    for one, other in zip(old, new, strict=True):
        rest = other
        for part in other.split("sha256:")[1:]:
            digest = f"sha256:{part[:DIGITS]}"
            if digest not in one:
                forms = (f":latest@{digest}", f"@{digest}", f" {digest}", digest)
                rest = rest.replace(next(form for form in forms if form in rest), "", 1)
        assert rest == one
    assert ("\r\n" in before) == ("\r\n" in after)


def test_every_kind_has_cases() -> None:
    assert {kind.name for kind in kinds()} == {case.parent.name for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_what_was_pinned_stays_as_it_is(case: Path, tmp_path: Path) -> None:
    for path in (case / "after").rglob("*"):
        if path.is_file():
            text = path.read_bytes().decode()
            copy = tmp_path / path.relative_to(case / "after")
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(text.encode())
    seen, _ = find([str(tmp_path)])
    plans, _ = plan(seen, digest_of, update=True)
    assert [change for one in plans for change in one.changes if PINNED not in change.before] == []
    plans, _ = plan(seen, digest_of, update=False)
    assert plans == []


def test_the_places_of_references_are_exact() -> None:
    for case in CASES:
        for path in (case / "before").rglob("*"):
            if not path.is_file():
                continue
            file = TextFile(str(path), path.read_bytes().decode())
            kind = kind_of(file.path, file.text)
            assert kind is not None
            lines = file.text.split("\n")
            for each in read(file, kind):
                if isinstance(each, ImageReference) and each.span.line == each.span.end_line:
                    shown = lines[each.span.line - 1][each.span.column - 1 : each.span.end_column - 1]
                    assert shown == file.text[each.start : each.end]


# ── hostile files ───────────────────────────────────────────────────────────────────────────────────────

BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
HOSTILE = {
    "bomb": BOMB + "services:\n  a: {image: nginx}\n",
    "cycle": "services: &s\n  a: {image: nginx, x: *s}\n  b: &b [*b]\n",
    "deep": "services: " + "[" * 100_000,
    "deep_blocks": "".join(" " * n + "a:\n" for n in range(2_000)) + "apiVersion: v1\nkind: x\n",
    "many": "apiVersion: v1\nkind: Pod\nx:\n" + "- {image: a/b}\n" * 700_000,
    "one_line": "apiVersion: v1\nkind: Pod\nimage: " + "a" * 10_000_000,
    "dashes": "apiVersion: v1\nkind: {{ Pod\nx: y: z\n" + "- " * 1_000_000 + "image: a",
    "variables": "variables:\n"
    + "".join(f"  V{n}: $V{n + 1}$V{n + 1}\n" for n in range(100))
    + "image: a:$V0\n",
    "itself": "variables: {A: $A}\nimage: $A\n",
    "quotes": "apiVersion: v1\nkind: Pod\n" + 'image: "' * 300_000,
    "surrogate": 'apiVersion: v1\nkind: Pod\nimage: "\\ud800/x:1"\n',
    "no_yaml": "apiVersion: v1\nkind: Pod\nspec: {containers: [{image: a:1}\nimage: a/b:1\n\x07",
    "groovy": "docker { image '" * 200_000,
    "groovy_comment": "/*" * 1_000_000,
    "groovy_quotes": "'''" + "'" * 1_000_000,
    "json": '{"apiVersion": "v1", "kind": "Pod", "image": "' + "\\" * 1_000_001,
    "from": "FROM a\n" * 20_000,
    "from_variables": "".join(f"ARG V{n}=$V{n - 1}$V{n - 1}\n" for n in range(5000)) + "FROM $V4999\n",
    "arguments": "ARG A=b\n" * 90_000 + "FROM ${A}:${A}\n",
    "keys": "? {a: b}\n: image\n? [image]\n: x\nservices: {a: {? image : nginx}}\n",
}
NAMES = (
    "k.yaml",
    "compose.yml",
    ".gitlab-ci.yml",
    "values.yaml",
    "Dockerfile",
    "Jenkinsfile",
    "devcontainer.json",
    "k.json",
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_files_end_soon(hostile: str, name: str) -> None:
    text = HOSTILE[hostile]
    started = time.process_time()
    kind = kind_of(f"/{name}", text)
    if kind is not None:
        file = TextFile(name, text)
        for found in read(file, kind):
            assert isinstance(found, Unread) or 0 <= found.start <= found.end <= len(text)
    assert time.process_time() - started < 20  # a second or two, and minutes were it quadratic


def test_a_bomb_is_read_once() -> None:
    file = TextFile("compose.yml", HOSTILE["bomb"])
    kind = kind_of("/compose.yml", file.text)
    assert kind is not None
    assert [each.text for each in read(file, kind) if isinstance(each, ImageReference)] == ["nginx"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\x7fELF\0\0image: a", "a binary file"),
        (b"image: \xff\xfe", "no UTF-8"),
        (b"\xff\xfei\0m\0", "no UTF-8"),
        (b"a" * (16 * 1024 * 1024 + 1), "larger than 16777216 bytes"),
    ],
)
def test_what_is_no_text_is_said(tmp_path: Path, body: bytes, reason: str) -> None:
    (tmp_path / "compose.yml").write_bytes(body)
    seen, unread = find([str(tmp_path)])
    assert seen == []
    assert [(note.path, note.reason) for note in unread] == [(str(tmp_path / "compose.yml"), reason)]


def test_broken_yaml_is_said_and_read_line_by_line(tmp_path: Path) -> None:
    (tmp_path / "k.yaml").write_text(HOSTILE["no_yaml"])
    seen, unread = find([str(tmp_path)])
    assert [each.text for each in seen[0].references] == ["a/b:1"]
    assert len(unread) == 1
    assert unread[0].place.startswith("line ")
    assert "no YAML" in unread[0].reason


@given(st.sampled_from([kind.name for kind in kinds()]), st.text(max_size=300))
def test_any_text(name: str, text: str) -> None:
    kind = next(kind for kind in kinds() if kind.name == name)
    pieces = [
        "image: a:1\n",
        "FROM a\n",
        "apiVersion: v1\nkind: Pod\n",
        "docker 'a'",
        text,
        "services: [a]\n",
    ]
    file = TextFile("x", "".join(pieces))
    for each in read(file, kind):
        if isinstance(each, ImageReference) and each.slot is not None:
            assert 0 <= each.slot.start <= each.slot.end <= len(file.text)


# ── which files are read ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/p/Dockerfile", "dockerfile"),
        ("/p/Dockerfile.prod", "dockerfile"),
        ("/p/build/app.dockerfile", "dockerfile"),
        ("/p/Dockerfile.dockerignore", None),
        ("/p/Dockerfile.md", None),
        ("/p/docker-compose.override.yml", "compose"),
        ("/p/values-prod.yaml", "helm_values"),
        ("/p/chart/values/prod.yaml", "helm_values"),
        ("/p/.github/workflows/x.yml", "github"),
        ("/p/.forgejo/workflows/x.yaml", "github"),
        ("/p/.gitlab/ci/deep/x.yml", "gitlab"),
        ("/p/.circleci/config.yml", "circleci"),
        ("/p/.woodpecker/a/b.yaml", "drone"),
        ("/p/Jenkinsfile.release", "jenkinsfile"),
        ("/p/.devcontainer/python/devcontainer.json", "devcontainer"),
        ("/p/compose-notes/x.txt", None),
        ("/p/readme.txt", None),
    ],
)
def test_kinds_by_path(path: str, wanted: str | None) -> None:
    found = kind_of(path, "")
    assert (found.name if found else None) == wanted
    assert may_want(path) == (wanted is not None)


def test_a_file_that_is_named_is_known_by_its_content(tmp_path: Path) -> None:
    odd = tmp_path / "odd.txt"
    odd.write_text("# a comment\nARG A=1\n\nfrom alpine:3.19\n")
    seen, unread = find([str(odd)])
    assert [each.text for each in seen[0].references] == ["alpine:3.19"]
    assert unread == []
    odd.write_text("nothing")
    seen, unread = find([str(odd)])
    assert seen == []
    assert "no kind of file" in unread[0].reason


def test_folders_are_walked_without_what_is_foreign_or_ignored(tmp_path: Path) -> None:
    files = [
        "Dockerfile",
        "a/Dockerfile",
        "node_modules/x/Dockerfile",
        "vendor/Dockerfile",
        ".git/Dockerfile",
        "out/Dockerfile",
        "a/out/Dockerfile",
        "kept/out/Dockerfile",
        "a/deep/gen/Dockerfile",
        "a/x.gen.yaml",
        "a/third party/Dockerfile",
    ]
    for name in files:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            "FROM alpine\n" if name.endswith("file") else "apiVersion: v1\nkind: Pod\nimage: a/b:1\n"
        )
    (tmp_path / ".gitignore").write_text("# built\nout/\n*.gen.yaml\n!/kept/out/\n/a/**/gen\n\\!x\n")
    (tmp_path / "a" / ".gitignore").write_bytes(b"third\\ party/\r\n")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    seen, unread = find([str(tmp_path), str(tmp_path / "a" / "Dockerfile")])
    found = [str(Path(one.file.path).relative_to(tmp_path)) for one in seen]
    assert found == ["Dockerfile", "a/Dockerfile", "kept/out/Dockerfile"]
    assert unread == []


def test_resolving_that_fails_leaves_the_others(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM good:1\nFROM bad:1\n")

    def resolve(name: Reference) -> str | HullmarkError:
        return HullmarkError("no such tag") if "bad" in name.repository else digest_of(name)

    seen, _ = find([str(tmp_path)])
    plans, failures = plan(seen, resolve, update=False)
    assert plans[0].text.startswith("FROM good:1@sha256:")
    assert plans[0].text.endswith("\nFROM bad:1\n")
    assert [(each.where, each.what) for each in failures] == [
        (f"{tmp_path}/Dockerfile:2:6", "bad:1 cannot be resolved: no such tag")
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_the_diff_is_what_difflib_says(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(case / "before")
    seen, _ = find(["."])
    for one in plan(seen, digest_of, update=True)[0]:
        old, new = (re.findall(r"[^\n]*\n|[^\n]+$", text) for text in (one.file.text, one.text))
        names = (f"a/{one.file.path}", f"b/{one.file.path}")
        theirs = difflib.unified_diff(old, new, *names)
        ended = (
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in theirs
        )
        assert "".join(unified_diff(one)) == "".join(ended)
