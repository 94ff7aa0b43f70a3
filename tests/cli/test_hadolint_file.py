"""`hullmark lint` with a `.hadolint.yaml`: each of its settings does what it does for Hadolint."""

from pathlib import Path
from typing import Any

import pytest

from cli.conftest import Call

TEXT = "FROM quay.io/x/y:1.2\nLABEL version=1\nRUN sudo make\nUSER app\n"


def lint(call: Call, config: str, text: str = TEXT, *words: str) -> tuple[int, dict[str, str]]:
    Path("Dockerfile").write_text(text)
    Path(".hadolint.yaml").write_text(config)
    done = call("lint", "Dockerfile", "--format", "json", *words)
    found: Any = done.document["config"] if done.code in {0, 1} else []
    return done.code, {each["rule"]: each["severity"] for each in found}


def test_a_registry_that_is_not_trusted_fails(call: Call) -> None:
    code, found = lint(call, "trustedRegistries: [docker.io]\n")
    assert (code, found["untrusted-registry"]) == (1, "high")
    assert "untrusted-registry" not in lint(call, "trustedRegistries: [quay.io]\n")[1]
    assert "untrusted-registry" not in lint(call, "trustedRegistries: [docker.io]\nignored: [DL3026]\n")[1]
    comment = "# hadolint ignore=DL3026\n"
    assert "untrusted-registry" not in lint(call, "trustedRegistries: [docker.io]\n", comment + TEXT)[1]


def test_a_schema_replaces_the_labels_that_are_asked_for_without_one(call: Call) -> None:
    assert "missing-labels" in lint(call, "ignored: []\n")[1]
    _, found = lint(call, "label-schema: {version: semver, author: text}\n")
    assert "missing-labels" not in found
    assert (found["schema-label-version"], found["schema-label-missing"]) == ("medium", "low")
    _, found = lint(call, "label-schema: {version: semver}\noverride: {style: [DL3056]}\n")
    assert found["schema-label-version"] == "negligible"
    _, found = lint(call, "label-schema: {version: semver, author: text}\nignored: [DL3049]\n")
    assert "schema-label-version" in found
    assert "schema-label-missing" not in found


@pytest.mark.parametrize(
    ("threshold", "level", "code"),
    [
        ("error", "error", 1),
        ("error", "warning", 0),
        ("warning", "warning", 1),
        ("warning", "info", 0),
        ("info", "info", 1),
        ("info", "style", 0),
        ("style", "style", 1),
        ("none", "error", 0),
        ("ignore", "error", 0),
    ],
)
def test_the_threshold_counts_levels_as_they_were_overridden(
    call: Call, threshold: str, level: str, code: int
) -> None:
    config = f"failure-threshold: {threshold}\noverride: {{{level}: [DL3004]}}\n"
    # everything else that there is in this file is left out
    config += "ignored: [missing-labels, moving-base, missing-healthcheck, DL3006, DL3066, label-key]\n"
    done, found = lint(call, config, "FROM debian:12.7\nRUN sudo make\nUSER 1000\n")
    assert list(found) == ["sudo-in-run"]
    assert done == code


def test_no_fail_fails_never(call: Call) -> None:
    assert lint(call, "trustedRegistries: [docker.io]\nno-fail: true\n")[0] == 0
    assert lint(call, "trustedRegistries: [docker.io]\nno-fail: true\n", TEXT, "--fail-on", "high")[0] == 1


def test_comments_do_not_count_where_the_file_says_so(call: Call) -> None:
    text = "FROM debian:12.7\n# hadolint ignore=DL3004\nRUN sudo make\nUSER app\n"
    assert "sudo-in-run" not in lint(call, "ignored: []\n", text)[1]
    assert "sudo-in-run" not in lint(call, "disable-ignore-pragma: false\n", text)[1]
    assert "sudo-in-run" in lint(call, "disable-ignore-pragma: true\n", text)[1]


def test_what_is_ignored_is_not_there(call: Call) -> None:
    assert "sudo-in-run" in lint(call, "ignored: []\n")[1]
    assert "sudo-in-run" not in lint(call, "ignored: [DL3004]\n")[1]
