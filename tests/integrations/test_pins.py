"""Nothing that our templates and the README tell people to run can change behind their backs."""

import importlib.metadata
import json
import re
from pathlib import Path
from typing import Any

import check_jsonschema  # type: ignore[import-untyped]
import jsonschema  # type: ignore[import-untyped]
import pytest

from integrations.pipelines import GITHUB, GITLAB, INTEGRATIONS, ROOT, document

SCHEMAS = Path(check_jsonschema.__file__).parent / "builtin_schemas/vendor"
LOCKED = INTEGRATIONS / "requirements.txt"
TOLD = [
    ROOT / "README.md",
    ROOT / ".pre-commit-hooks.yaml",
    *INTEGRATIONS.rglob("*"),
    *(ROOT / "docs/ci").glob("*"),
]
PAGES = sorted(path for path in TOLD if path.is_file() and "__pycache__" not in path.parts)

_USES = re.compile(r"^\s*-?\s*uses:\s*(\S+)", re.MULTILINE)
_IMAGE = re.compile(r"^\s*-?\s*(?:image|name):\s*[\"']?([\w./:@-]+/?[\w./-]*[:@][\w.:@-]+)", re.MULTILINE)
_FROM = re.compile(r"^\s*FROM\s+(\S+)", re.MULTILINE)
_RUN = re.compile(r"\b(?:docker|podman) run\s+(?:-\S+\s+)*([\w./:@-]+)")
_PIP = re.compile(r"\bpip3?\s+install\s+([^\n&|;`]*)")
_TOOLS = re.compile(r"\b(?:curl|wget)\b[^\n]*\|\s*(?:sudo\s+)?(?:ba|z)?sh\b|\b(?:npx|pipx|uvx)\s+(\S+)")


def mutable(text: str) -> list[str]:
    """Give what a text refers to that may be something else tomorrow."""
    found = [
        name
        for name in _USES.findall(text)
        if not name.startswith("./") and not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", name)
    ]
    images = [*_IMAGE.findall(text), *_FROM.findall(text), *_RUN.findall(text)]
    found += [name for name in images if not re.search(r"@sha256:[0-9a-f]{64}$", name)]
    # a folder of the source that one has (`pip install .`) is what it is
    found += [
        words.strip()
        for words in _PIP.findall(text)
        if "--require-hashes" not in words and not re.fullmatch(r"(?:-\S+\s+)*\.\S*\s*", words)
    ]
    return found + [match[0] for match in _TOOLS.finditer(text)]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_mutable_is_referred_to(path: Path) -> None:
    assert mutable(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        "      - uses: actions/checkout@v6",
        "        uses: actions/checkout@de0fac2",
        "        uses: docker://alpine:3",
        "  image: python:3.13-slim",
        "    - image: registry.example/app:1",
        "  image: python@latest",
        "FROM alpine:3.20",
        "docker run --rm hullmark/hullmark:1 scan x",
        "  - pip install hullmark",
        "python -m pip install hullmark==0.1.0",
        "pip install 'hullmark[verify]'",
        "curl -sSf https://get.example/x | sh",
        "npx tool@1",
    ],
)
def test_what_is_mutable_is_seen(text: str) -> None:
    assert mutable(text) != []


@pytest.mark.parametrize(("path", "schema"), [(GITHUB, "github-workflows"), (GITLAB, "gitlab-ci")])
def test_their_schemas(path: Path, schema: str) -> None:
    rules = json.loads((SCHEMAS / f"{schema}.json").read_bytes())
    jsonschema.validators.validator_for(rules)(rules).validate(document(path))


def test_github_grants_little() -> None:
    workflow = document(GITHUB)
    assert workflow["permissions"] == {}
    (job,) = workflow["jobs"].values()
    assert job["permissions"] == {"contents": "read", "packages": "write"}
    assert not any(step.get("with", {}).get("persist-credentials", False) for step in job["steps"])
    secret = {step.get("name") for step in job["steps"] if "secrets." in json.dumps(step)}
    assert secret == {"Sign and publish"}
    assert "secrets." not in json.dumps({**workflow, "jobs": {}})
    assert "${{" not in "".join(step.get("run", "") for step in job["steps"]), "values are no program text"
    (schedule,) = workflow["on"]["schedule"]
    assert schedule["cron"].split()[1] == "*/6"


def test_gitlab_is_given_words() -> None:
    """A colon and a space make a mapping of a line that is not quoted; the schema lets that pass."""
    for name, job in document(GITLAB).items():
        if isinstance(job, dict):
            lines = [*job.get("before_script", ()), *job.get("script", ())]
            assert all(isinstance(line, str) for line in lines), name


def test_gitlab_has_the_key_in_one_job() -> None:
    pipeline = document(GITLAB)
    users = {name for name, job in pipeline.items() if "HULLMARK_SIGN_KEY" in json.dumps(job)}
    assert users == {"publish"}
    assert pipeline["publish"]["environment"] == {"name": "advisories", "action": "access"}


def test_the_locked_requirements_are_those_of_hullmark() -> None:
    locked, development = pins(LOCKED), pins(ROOT / "requirements-dev.txt")
    assert locked.items() <= development.items(), "make lock writes both"
    assert needed("hullmark", {"verify"}) <= locked.keys()
    hashes = re.findall(
        r"^[a-z][^\n]*\n((?:    --hash=sha256:[0-9a-f]{64}[ \\]*\n)+)", LOCKED.read_text(), re.MULTILINE
    )
    assert len(hashes) == len(locked)


def pins(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z][\w.-]*)==([^\s;]+)", path.read_text(), re.MULTILINE))


def needed(name: str, extras: set[str], seen: set[str] | None = None) -> set[str]:
    """Give what a distribution needs here, and what that needs."""
    from packaging.requirements import Requirement

    found = set() if seen is None else seen
    for text in importlib.metadata.requires(name) or []:
        asked: Any = Requirement(text)
        own = asked.name.lower().replace("_", "-").replace(".", "-")
        if own in found or not (
            asked.marker is None or any(asked.marker.evaluate({"extra": each}) for each in extras | {""})
        ):
            continue
        found.add(own)
        needed(asked.name, set(asked.extras), found)
    return found
