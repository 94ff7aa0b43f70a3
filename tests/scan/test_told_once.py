"""What a variable holds is told once: as a secret where it is surely one, else as a misconfiguration."""

import json
from pathlib import Path
from typing import Any

import pytest

from e2e.program import run
from hullmark.detectors.secrets.samples import expanded
from toys.saved import packed, save

STRONG = expanded("Rv7<<alnum:14>>")
GUESSABLE = "hunter2"


def told(report: Any) -> list[tuple[str, str]]:
    secrets = [("secret", each["path"].removeprefix("config.Env.")) for each in report["secrets"]]
    return sorted(secrets + [("config", each["resource"]) for each in report["config"]])


def scanned(tmp_path: Path, scanners: str, *more: str, env: list[str]) -> Any:
    layers = [packed({"etc/passwd": b"root:x:0:0::/:/bin/sh\n"})]
    image = save(tmp_path / "image.tar", "shop/app:1.0", layers, config={"User": "1000", "Env": env})
    words = ("scan", str(image), "--scanners", scanners, "--format", "json", "--quiet", *more)
    done = run(tmp_path / "cache", *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("scanners", "strong", "guessable"),
    [
        ("secret,config", ("secret", "DB_PASSWORD"), ("config", "ADMIN_PASSWORD")),
        ("secret", ("secret", "DB_PASSWORD"), ("secret", "ADMIN_PASSWORD")),
        ("config", ("config", "DB_PASSWORD"), ("config", "ADMIN_PASSWORD")),
    ],
)
def test_a_variable_of_an_image_is_told_once(
    tmp_path: Path, scanners: str, strong: tuple[str, str], guessable: tuple[str, str]
) -> None:
    report = scanned(
        tmp_path, scanners, env=[f"DB_PASSWORD={STRONG}", f"ADMIN_PASSWORD={GUESSABLE}", "PATH=/bin"]
    )
    assert told(report) == sorted([strong, guessable])


@pytest.mark.parametrize("name", ["CIS-DI-0010", "image-secret-in-env", "password-in-settings"])
def test_the_secret_goes_by_the_names_of_both(tmp_path: Path, name: str) -> None:
    (tmp_path / "ignore.yaml").write_text(f"ignore:\n- id: {name}\n")
    ignoring = ("--ignore-file", str(tmp_path / "ignore.yaml"))
    report = scanned(tmp_path, "secret,config", *ignoring, env=[f"DB_PASSWORD={STRONG}"])
    assert told(report) == []
    assert len(report["silenced"]) == 1


def linted(tmp_path: Path, *lines: str) -> Any:
    body = "\n".join(("FROM debian:12.7", *lines, "USER app", "")).encode()
    return json.loads(run(tmp_path / "cache", "lint", "-", "--format", "json", stdin=body).stdout)


def rules(report: Any) -> list[tuple[str, int, int]]:
    found = [(each["rule"], each["line"], each["column"]) for each in report["secrets"] + report["config"]]
    return sorted(each for each in found if each[0] != "unpinned-image")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"ENV DB_PASSWORD={STRONG}", [("password-in-settings", 2, 17)]),
        (f"ENV DB_PASSWORD {STRONG}", [("environment-instruction-secret", 2, 17)]),
        (f"ARG DB_PASSWORD={STRONG}", [("password-in-settings", 2, 17)]),
        (f"ENV DB_PASSWORD={GUESSABLE}", [("secret-in-environment", 2, 5)]),
        (
            f'ENV APP="ü" DB_PASSWORD="{STRONG}" ADMIN_PASSWORD={GUESSABLE}',
            [("password-in-settings", 2, 26), ("secret-in-environment", 2, 45)],
        ),
        (
            f"ENV DB_PASSWORD={GUESSABLE} \\\n    ADMIN_PASSWORD={STRONG}",
            [("password-in-settings", 3, 20), ("secret-in-environment", 2, 5)],
        ),
    ],
)
def test_a_variable_of_a_dockerfile_is_told_once(
    tmp_path: Path, line: str, expected: list[tuple[str, int, int]]
) -> None:
    assert rules(linted(tmp_path, line)) == expected


def test_a_comment_on_either_is_one_on_both(tmp_path: Path) -> None:
    report = linted(tmp_path, "# hadolint ignore=DL3064", f"ENV DB_PASSWORD={STRONG}")
    assert rules(report) == []
    assert {each["rule"] for each in report["silenced"]} == {"password-in-settings", "secret-in-environment"}


@pytest.mark.parametrize("after", ["", "\n"])
def test_a_dockerfile_with_returns_for_line_ends_is_no_fault(tmp_path: Path, after: str) -> None:
    body = f"FROM debian:12.7\rENV A=1\rENV DB_PASSWORD={STRONG}\r{'# ' + 'x' * 600}{after}".encode()
    done = run(tmp_path / "cache", "lint", "-", "--format", "json", stdin=body)
    assert done.returncode == 1, done.stderr
    assert [each["line"] for each in json.loads(done.stdout)["secrets"]] == [3]
