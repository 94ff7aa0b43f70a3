"""`hullmark lint` with what is known beside a Dockerfile: images that were scanned before, and the build context."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import Call
from e2e.program import AS_OF
from toys.saved import demo_layers, save

THREE_DAYS_LATER = "2026-01-04T00:00:00Z"
LAYERS = demo_layers()
ISSUE = "FROM ubuntu:focal-20200423\nUSER app\n"


def config_of(call: Call, *words: str) -> Any:
    done = call("lint", *words, "--as-of", THREE_DAYS_LATER, "--format", "json")
    assert done.code in {0, 1}, done.err
    return done.document["config"]


def notes(call: Call, text: str) -> list[Any]:
    Path("Dockerfile").write_text(text)
    return [each for each in config_of(call, "Dockerfile") if each["rule"] == "known-image"]


@pytest.fixture
def scanned(call: Call, tmp_path: Path) -> Call:
    for tag, count in (("shop/app:1.0", len(LAYERS)), ("shop/app:0.9", 1)):
        image = save(tmp_path / "saved.tar", tag, LAYERS[:count])
        assert call("scan", image, "--scanners", "vuln", "--as-of", AS_OF, "--quiet").code == 0
    return call


# ── images that were scanned ────────────────────────────────────────────────────────────────────────────


def test_an_image_that_was_scanned_is_told_of(scanned: Call) -> None:
    (note,) = notes(scanned, "FROM scratch\nFROM shop/app:1.0\nUSER app\n")
    assert (note["line"], note["column"], note["severity"]) == (2, 6, "negligible")
    assert note["message"].startswith("shop/app:1.0 was scanned 3 days ago: ")
    assert "fixable" in note["message"]
    assert "built 34 days ago" in note["message"]


def test_the_tag_with_fewer_is_named(scanned: Call) -> None:
    (note,) = notes(scanned, "FROM docker.io/shop/app:1.0\n")
    assert "; docker.io/shop/app:0.9 has " in note["message"]
    assert note["advice"].startswith("Take docker.io/shop/app:0.9: ")
    (best,) = notes(scanned, "FROM shop/app:0.9\n")
    assert "; " not in best["message"]


def test_copies_from_images_count_and_stages_do_not(scanned: Call) -> None:
    text = "FROM scratch AS one\nFROM one\nCOPY --from=one /a /b\nCOPY --from=shop/app:0.9 /x /y\nCOPY --from=0 /a /c\n"
    (note,) = notes(scanned, text)
    assert (note["line"], note["resource"]) == (4, "shop/app:0.9")


@pytest.mark.parametrize(
    "text",
    [
        ISSUE,
        "FROM shop/app:2.0\n",
        "FROM app:1.0\n",
        "FROM quay.io/shop/app:1.0\n",
        f"FROM shop/app:1.0@sha256:{'1' * 64}\n",
        "ARG TAG\nFROM shop/app:$TAG\n",
    ],
)
def test_of_an_image_that_was_never_scanned_nothing_is_said(scanned: Call, text: str) -> None:
    assert notes(scanned, text) == []


def test_a_tag_that_was_moved_is_the_image_that_it_named_last(call: Call, tmp_path: Path) -> None:
    for layers, created, as_of in (
        (LAYERS, "2025-11-29T00:00:00Z", AS_OF),
        (LAYERS[:1], "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
    ):
        image = save(tmp_path / "moved.tar", "shop/moved:1.0", layers, created=created)
        assert call("scan", image, "--scanners", "vuln", "--as-of", as_of, "--quiet").code == 0
    (note,) = notes(call, "FROM shop/moved:1.0\n")
    assert (
        note["message"].startswith("shop/moved:1.0 was scanned 48 hours ago: ") or "2 days" in note["message"]
    )


@pytest.mark.parametrize("gate", ["negligible", "medium"])
def test_no_gate_counts_a_note(scanned: Call, gate: str) -> None:
    Path("Dockerfile").write_text("FROM shop/app:1.0\nUSER app\nHEALTHCHECK NONE\n")
    assert scanned("lint", "Dockerfile", "--fail-on", gate).code == 0


def test_a_note_is_left_out_when_it_is_not_asked_for(scanned: Call) -> None:
    assert notes(scanned, "# hullmark ignore=known-image\nFROM shop/app:1.0\n") == []
    Path("Dockerfile").write_text("FROM shop/app:1.0\n")
    assert not [
        each
        for each in config_of(scanned, "Dockerfile", "--ignore", "known-image")
        if "known" in each["rule"]
    ]


def test_without_vulnerabilities_nothing_is_remembered(call: Call, tmp_path: Path) -> None:
    image = save(tmp_path / "other.tar", "shop/other:1", LAYERS[:1])
    assert call("scan", image, "--scanners", "config", "--as-of", AS_OF, "--quiet").code in {0, 1}
    assert notes(call, "FROM shop/other:1\n") == []


def test_nothing_of_an_images_variables_is_remembered(call: Call, cache: Path, tmp_path: Path) -> None:
    image = save(
        tmp_path / "s.tar", "shop/secret:1", LAYERS[:1], config={"Env": ["TOKEN=do-not-remember-this"]}
    )
    assert call("scan", image, "--as-of", AS_OF, "--quiet").code == 0
    bodies = [path.read_bytes() for path in (cache / "images").glob("*/*")]
    assert any(b"shop/secret:1" in body for body in bodies)
    assert not any(b"do-not-remember" in body for body in bodies)


# ── the build context ───────────────────────────────────────────────────────────────────────────────────


def write(files: dict[str, bytes | str]) -> None:
    for name, body in files.items():
        path = Path("ctx", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body.encode() if isinstance(body, str) else body)


def private(call: Call, dockerfile: str = "FROM debian:12.7\nCOPY . /app\n") -> list[Any]:
    write({"Dockerfile": dockerfile})
    found = config_of(call, "ctx/Dockerfile", "--context", "ctx")
    return [each for each in found if each["rule"] == "private-file-in-context"]


@pytest.fixture(scope="module")
def key() -> bytes:
    command = ["openssl", "genrsa", "-traditional", "1024"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


@pytest.fixture
def context(call: Call, key: bytes) -> None:
    del call  # which has changed to the folder of the test
    write(
        {
            ".git/config": "[core]\n",
            ".git/HEAD": "ref: x\n",
            ".env": "PORT=80\n",
            "deploy/id_ed25519": key,
            "tls/private.pem": key,
            "tls/public.pem": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
            "tls/roots.pem": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "old/dump.sql": "insert",
            ".npmrc": "registry=https://registry.example.com/\n",
            "src/main.py": "print()\n",
        }
    )


@pytest.mark.usefixtures("context")
def test_private_files_that_are_copied_are_named(call: Call) -> None:
    high, medium = private(call)
    assert (high["severity"], high["line"], high["column"]) == ("high", 2, 1)
    assert high["message"] == "COPY . takes keys or credentials: deploy/id_ed25519, tls/private.pem"
    assert high["advice"] == "Add to .dockerignore: deploy/id_ed25519, tls/private.pem"
    assert medium["severity"] == "medium"
    assert medium["message"] == "COPY . takes what is private to this machine: .env, .git, old/dump.sql"
    assert medium["advice"] == "Add to .dockerignore: .env, .git, old/dump.sql"


@pytest.mark.usefixtures("context")
def test_the_lines_that_are_proposed_mend_it(call: Call) -> None:
    lines = [line for each in private(call) for line in each["advice"].partition(": ")[2].split(", ")]
    write({".dockerignore": "src\n!**\n" + "\n".join(lines)})
    assert private(call) == []


@pytest.mark.usefixtures("context")
@pytest.mark.parametrize(
    ("ignored", "left"),
    [
        ("*\n!src\n", []),
        ("**\n!tls/*.pem\n", ["tls/private.pem"]),
        ("deploy\n.git\n.env\nold/*\n**/*.pem\n!**/private.pem", ["tls/private.pem"]),
        ("# **\n*/*\n.*\n!deploy/id_*\n", ["deploy/id_ed25519"]),
        (" #x\n**/id_ed25519\n**/private.*\n**/.e?v\n.git/\nol[a-z]", []),
    ],
)
def test_what_dockerignore_leaves_out_is_not_copied(call: Call, ignored: str, left: list[str]) -> None:
    write({".dockerignore": ignored})
    assert [name for each in private(call) for name in each["message"].partition(": ")[2].split(", ")] == left


@pytest.mark.usefixtures("context")
def test_the_dockerfiles_own_dockerignore_goes_before(call: Call) -> None:
    write({".dockerignore": "**\n", "Dockerfile.dockerignore": "**\n!.env\n"})
    (one,) = private(call)
    assert one["message"].endswith(": .env")
    assert one["advice"] == "Add to Dockerfile.dockerignore: .env"


@pytest.mark.usefixtures("context")
@pytest.mark.parametrize(
    ("copy", "taken"),
    [
        ("COPY src /app/", []),
        ("COPY tls/*.pem /tls/", ["tls/private.pem"]),
        ("COPY src/ t?s /x/", ["tls/private.pem"]),
        ('COPY ["src", "deploy", "/x/"]', ["deploy/id_ed25519"]),
        ("ADD ./tls /tls", ["tls/private.pem"]),
        ("COPY --exclude=*.pem tls /tls/", []),
        ("COPY --exclude=private.pem tls/*.pem /tls/", []),
        ("COPY --parents ./**/private.pem /x/", ["tls/private.pem"]),
        ("COPY **/private.pem /x/", ["tls/private.pem"]),
        ("COPY **/**/private.pem /x/", []),
        ("ARG WHAT=tls\nCOPY ${WHAT} /x/", ["tls/private.pem"]),
        ("ARG WHAT\nCOPY $WHAT /x/", []),
        ("COPY ../tls /x/", ["tls/private.pem"]),
        ("COPY --from=debian:12.7 tls /x/", []),
        ("ADD https://example.com/id_rsa /x/", []),
    ],
)
def test_only_what_an_instruction_takes_counts(call: Call, copy: str, taken: list[str]) -> None:
    found = private(call, f"FROM debian:12.7\n{copy}\n")
    assert [name for each in found for name in each["message"].partition(": ")[2].split(", ")] == taken


@pytest.mark.usefixtures("context")
def test_a_file_that_is_copied_by_its_name_is_to_be_handed_over_as_a_secret(call: Call) -> None:
    (one,) = private(call, "FROM debian:12.7\nCOPY tls/private.pem /etc/ssl/\n")
    assert "--mount=type=secret" in one["advice"]
    assert "dockerignore" not in one["advice"]


@pytest.mark.usefixtures("context")
def test_what_is_reported_for_its_name_is_not_reported_twice(call: Call) -> None:
    assert private(call, "FROM debian:12.7\nCOPY ./deploy/id_ed25519 /root/.ssh/\n") == []
    found = config_of(call, "ctx/Dockerfile", "--context", "ctx")
    assert "private-file-copied" in {each["rule"] for each in found}


@pytest.mark.usefixtures("context")
def test_in_a_stage_that_is_not_in_the_image_it_weighs_less(call: Call) -> None:
    text = "FROM debian:12.7 AS build\nCOPY tls /x/\nFROM debian:12.7\nCOPY --from=build /bin/app /\n"
    (one,) = private(call, text)
    assert (one["severity"], one["line"]) == ("low", 2)
    text = "FROM debian:12.7 AS base\nCOPY tls /x/\nFROM base\n"
    assert [each["severity"] for each in private(call, text)] == ["high"]


def test_links_lead_nowhere(call: Call, tmp_path: Path, key: bytes) -> None:
    (tmp_path / "id_rsa").write_bytes(key)
    write({"src/main.py": ""})
    Path("ctx/id_rsa").symlink_to(tmp_path / "id_rsa")
    Path("ctx/up").symlink_to(tmp_path)
    assert private(call) == []


def test_a_name_in_several_folders_is_one_line(call: Call, key: bytes) -> None:
    write({f"{folder}/id_rsa": key for folder in "abcde"})
    (one,) = private(call)
    assert one["message"].endswith(": a/id_rsa, b/id_rsa, c/id_rsa and 2 more")
    assert one["advice"] == "Add to .dockerignore: **/id_rsa"


def test_a_context_is_for_one_dockerfile(call: Call) -> None:
    write({"Dockerfile": "FROM a:1\n", "other.Dockerfile": "FROM b:1\n"})
    done = call("lint", "ctx", "--context", "ctx")
    assert done.code == 2
    assert "several Dockerfiles have no one build context" in done.err
    assert call("lint", "ctx/Dockerfile", "--context", "nowhere").code == 2
