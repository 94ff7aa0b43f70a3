"""`hullmark pin` against the distribution project's registry: what is pinned, what stays, and what is seen when a tag moves."""

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from images.fakes import digest_of, index_of

from . import program
from .test_real_registry import AMD, ARM, PASSWORD, USER, fill, pushed, serving

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        any(shutil.which(name) is None for name in ("docker-registry", "skopeo", "openssl")),
        reason="docker-registry, skopeo and openssl are needed",
    ),
    pytest.mark.usefixtures("home"),
]
INDEX = digest_of(index_of(amd64=AMD, arm64=ARM))


@pytest.fixture
def host(tmp_path: Path) -> Iterator[str]:
    """A registry with a login, an image of two platforms and one of one; the program's home knows the login."""
    folder = tmp_path / "registry"
    folder.mkdir()
    with serving(folder) as address:
        fill(folder, address)
        auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        (tmp_path / ".docker").mkdir()
        (tmp_path / ".docker/config.json").write_text(json.dumps({"auths": {address: {"auth": auth}}}))
        yield address


@pytest.fixture
def project(tmp_path: Path, host: str) -> Path:
    folder = tmp_path / "project"
    (folder / "k8s").mkdir(parents=True)
    (folder / "Dockerfile").write_bytes(
        f"ARG  TAG=all   \r\n# both\r\nFROM {host}/team/app:${{TAG}}  AS a # x\r\nCOPY --from='{host}/team/app:1' / /\r\n".encode()
    )
    (folder / "k8s/pod.yaml").write_text(
        f"apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - image: '{host}/team/app:all' # é\n      name: a"
    )
    (folder / "values.yaml").write_text(
        f'image: {{registry: "{host}", repository: team/app, tag: all, digest: ""}}\n'
    )
    return folder


def pin(tmp_path: Path, *words: str, code: int = 0, stdin: bytes = b"") -> tuple[str, str]:
    done = program.run(tmp_path / "cache", "pin", *words, stdin=stdin)
    assert done.returncode == code, (done.stdout, done.stderr)
    return done.stdout.decode(), done.stderr.decode()


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_every_file_is_pinned_to_the_index_and_nothing_else_changes(
    tmp_path: Path, host: str, project: Path
) -> None:
    before = contents(project)
    (project / "Dockerfile").chmod(0o640)
    said, _ = pin(tmp_path, "--check", str(project), code=1)
    assert "mutable" in said
    assert f"{project}/Dockerfile:3:6: mutable: {host}/team/app:all" in said

    shown, _ = pin(tmp_path, "--diff", str(project))
    assert contents(project) == before

    said, _ = pin(tmp_path, str(project))
    after = contents(project)
    one = digest_of(AMD.manifest)
    assert after["Dockerfile"] == before["Dockerfile"].replace(
        b"TAG=all", f"TAG=all@{INDEX}".encode()
    ).replace(b"app:1'", f"app:1@{one}'".encode())
    assert after["k8s/pod.yaml"] == before["k8s/pod.yaml"].replace(b"app:all", f"app:all@{INDEX}".encode())
    assert after["values.yaml"] == before["values.yaml"].replace(b'digest: ""', f'digest: "{INDEX}"'.encode())
    assert f"{project}/k8s/pod.yaml:5:15: {host}/team/app:all → {host}/team/app:all@{INDEX}" in said
    assert (project / "Dockerfile").stat().st_mode & 0o777 == 0o640
    pin(tmp_path, "--check", "--require", "digest", str(project))
    said, _ = pin(tmp_path, str(project))
    assert said == ""
    assert contents(project) == after
    for name, text in before.items():
        (project / name).write_bytes(text)
    if shutil.which("patch"):
        subprocess.run(["patch", "-s", "-p1", "--binary", "-d", "/"], input=shown.encode(), check=True)
        assert contents(project) == after


def test_a_tag_that_moves_is_seen_and_followed(tmp_path: Path, host: str, project: Path) -> None:
    pin(tmp_path, str(project))
    pinned = contents(project)
    pushed(ARM.layout(tmp_path / "arm"), "oci", host, "team/app:all")
    said, _ = pin(tmp_path, "--check", "--require", "digest", "--format", "json", str(project))
    moved = [each for each in json.loads(said)["config"] if each["rule"] == "tag-moved"]
    assert [(each["severity"], Path(each["file"]).name, each["line"]) for each in moved] == [
        ("low", "Dockerfile", 3),
        ("low", "values.yaml", 1),
        ("low", "pod.yaml", 5),
    ]
    said, _ = pin(tmp_path, "--check", "--offline", str(project))
    assert "tag-moved" not in said
    pin(tmp_path, str(project))
    assert contents(project) == pinned
    pin(tmp_path, "--update", str(project))
    moved_to = digest_of(ARM.manifest)
    assert contents(project) == {
        name: text.replace(INDEX.encode(), moved_to.encode()) for name, text in pinned.items()
    }


def test_a_tag_that_is_not_what_was_scanned(tmp_path: Path, host: str) -> None:
    name = f"{host}/team/app:20240101"
    both = tmp_path / "registry" / "both"
    pushed(both, "oci", host, "team/app:20240101", "--all")
    file = tmp_path / "compose.yaml"
    file.write_text(f"services: {{a: {{image: {name}}}}}\n")
    pin(tmp_path, "--check", str(file))
    program.report(
        program.run(
            tmp_path / "cache", "scan", "--format", "json", "--platform", "linux/arm64", f"registry:{name}"
        )
    )
    said, _ = pin(tmp_path, "--check", str(file))
    assert "tag-moved" not in said  # the manifest that was scanned is in the index
    pushed(tmp_path / "registry" / "amd", "oci", host, "team/app:20240101")
    said, _ = pin(tmp_path, "--check", str(file), code=1)
    assert (
        f"{name} points to {AMD.digest[:19]} now, and was {ARM.digest[:19]} when it was scanned [tag-moved]"
        in said
    )


def test_what_cannot_be_resolved_is_said_and_the_others_are_done(tmp_path: Path, host: str) -> None:
    file = tmp_path / "Dockerfile"
    lines = [
        f"FROM {host}/team/app:all",
        f"FROM {host}/team/app:none",
        f"FROM {host}/other/app:1",
        "FROM 127.0.0.1:9/app:1",
        "FROM 127.0.0.1:9/app:2",
        "FROM $BASE",
        f"FROM {host}/team/app:@{INDEX}",
        "FROM " + "1" * 64,
    ]
    file.write_text("\n".join(lines))
    _, said = pin(tmp_path, str(file), code=3)
    assert file.read_text().split("\n") == [f"{lines[0]}@{INDEX}", *lines[1:]]
    for number in range(2, 9):
        assert f"Dockerfile:{number}:6: " in said
    assert f"{host} has no team/app:none" in said
    assert f"the right form is {host}/team/app@{INDEX}" in said
    _, said = pin(tmp_path, "--offline", str(file), code=3)
    assert "--offline was given" in said
    said, notes = pin(tmp_path, "--check", str(file), code=1)
    assert said.count("[image-reference-broken]") == 2
    assert "ARG BASE has no value in this file" in notes
    pin(tmp_path, "--check", str(tmp_path / "none"), code=2)


def test_a_registry_that_cannot_be_asked_fails_no_check(tmp_path: Path, home: Path) -> None:  # noqa: ARG001  # nothing of this machine's
    file = tmp_path / "Dockerfile"
    file.write_text(f"FROM 127.0.0.1:9/app:1@{INDEX}\n")
    _, said = pin(tmp_path, "--check", "--require", "digest", str(file))
    assert "where 127.0.0.1:9/app:1" in said
    pin(tmp_path, "--check", "--fail-on-incomplete", str(file), code=3)
    _, said = pin(tmp_path, "--check", "--fail-on-incomplete", "--offline", str(file))
    assert said == ""


def test_a_link_stays_and_standard_input_becomes_output(tmp_path: Path, host: str) -> None:
    text = f"apiVersion: v1\nkind: Pod\nspec: {{containers: [{{image: {host}/team/app:all}}]}}\n"
    (tmp_path / "real").mkdir()
    (tmp_path / "real/pod.yaml").write_text(text)
    (tmp_path / "link.yaml").symlink_to("real/pod.yaml")
    pin(tmp_path, str(tmp_path / "link.yaml"))
    pinned = text.replace("app:all", f"app:all@{INDEX}")
    assert (tmp_path / "link.yaml").is_symlink()
    assert (tmp_path / "real/pod.yaml").read_text() == pinned
    assert [path.name for path in (tmp_path / "real").iterdir()] == ["pod.yaml"]
    assert pin(tmp_path, "-", stdin=text.encode()) == (pinned, "")
    said, _ = pin(tmp_path, "--check", "-", stdin=text.encode(), code=1)
    assert said.startswith("-:3:29: mutable: ")


def test_an_image_id_where_a_digest_belongs_is_no_digest_with_another_tag(tmp_path: Path, host: str) -> None:
    name, one = f"{host}/team/app", digest_of(AMD.manifest)
    layer = AMD.layers[0]
    file = tmp_path / "Dockerfile"
    good = [f"FROM {name}:1@{one}", f"FROM {name}:all@{one}", f"FROM {name}@{one}", f"FROM {name}@{INDEX}"]
    file.write_text("\n".join(good))
    assert "[image-reference-broken]" not in pin(tmp_path, "--check", str(file))[0]
    ids = [f"FROM {name}{tag}@{AMD.config_digest}" for tag in (":1", ":all", "")]
    file.write_text("\n".join([*ids, f"FROM {name}@{layer}", *good]))
    said, _ = pin(tmp_path, "--check", str(file), code=1)
    for number, right in enumerate((f":1@{one}", f":all@{INDEX}", "@sha256:…"), 1):
        text = ids[number - 1].removeprefix("FROM ")
        assert (
            f"{file}:{number}:6: broken: {text} has an image id where a digest belongs, and cannot be pulled"
            f" [image-reference-broken]\n  → The right form is {name}{right}\n"
        ) in said
    assert said.count("[image-reference-broken]") == 3
    assert "tag-moved" not in said
    assert "8 references: 5 digest, 3 broken or unknown" in said
    pin(tmp_path, "--check", "--offline", str(file))
