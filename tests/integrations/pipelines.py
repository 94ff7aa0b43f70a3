"""What a CI system does with a workflow, as far as ours need it: their scripts are run for real, by the shell that it uses."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
INTEGRATIONS = ROOT / "integrations"
GITHUB = INTEGRATIONS / "github/publish-database.yml"
GITLAB = INTEGRATIONS / "gitlab/publish-database.yml"


def document(path: Path) -> dict[str, Any]:
    """Read a workflow; YAML's `on` is a word, not a truth."""
    found = yaml.safe_load(path.read_text("utf-8"))
    assert isinstance(found, dict)
    return {"on" if key is True else key: value for key, value in found.items()}


@dataclass
class Done:
    """A step or a job that was run."""

    name: str
    code: int
    output: str


@dataclass
class Runner:
    """A machine that is new for each run, but for what the cache has kept."""

    folder: Path
    beside: Path
    """What the repository has in its folder `hullmark`."""
    program: Path
    """Where the programs are that the steps call."""
    variables: dict[str, str]
    runs: int = 0
    kept: Path | None = None
    done: list[Done] = field(default_factory=list)

    def github(self, path: Path, contexts: dict[str, str]) -> list[Done]:
        """Run the only job of a workflow; what is installed is this checkout."""
        work = self._machine()
        temp = self.folder / f"temp-{self.runs}"
        temp.mkdir()
        asked = document(path)
        (job,) = asked["jobs"].values()
        outputs: dict[str, str] = {}
        environment = {**self._environment(work), "RUNNER_TEMP": str(temp), **asked["env"], **self.variables}
        failed = False
        self.done = []
        for number, step in enumerate(job["steps"]):
            if "uses" in step:
                self._cached(step["uses"], work / ".hullmark")
                continue
            if failed or not _holds(step.get("if", ""), outputs):
                continue
            files = {name: temp / f"{name}-{number}" for name in ("GITHUB_ENV", "GITHUB_OUTPUT")}
            for each in files.values():
                each.touch()
            own = {name: _filled(value, contexts) for name, value in step.get("env", {}).items()}
            told = {name: str(each) for name, each in files.items()}
            self._run(step["name"], _uninstalling(step["run"]), work, {**environment, **own, **told})
            failed = self.done[-1].code != 0
            environment |= _pairs(files["GITHUB_ENV"])
            outputs |= {
                f"steps.{step.get('id')}.outputs.{name}": value
                for name, value in _pairs(files["GITHUB_OUTPUT"]).items()
            }
        return self.done

    def gitlab(self, path: Path, scoped: dict[str, dict[str, str]]) -> list[Done]:
        """Run the jobs of a pipeline stage by stage; `scoped` has the variables that only an environment's jobs have."""
        asked = document(path)
        self.done = []
        for stage in asked["stages"]:
            for name, job in asked.items():
                if not isinstance(job, dict) or job.get("stage") != stage:
                    continue
                base = asked[job["extends"]]
                work = self._machine()
                self._cached("restore", work / ".hullmark")
                environment = {**self._environment(work), **asked["variables"], **self.variables}
                environment["CI_PROJECT_DIR"] = str(work)
                for key, value in base["variables"].items():
                    environment[key] = _expanded(value, environment)
                environment |= scoped.get(job.get("environment", {}).get("name", ""), {})
                script = "\n".join([*base["before_script"], *job["script"]])
                self._run(name, _uninstalling(script), work, environment)
                code = self.done[-1].code
                cache = {**base["cache"], **job.get("cache", {})}
                if cache.get("policy") != "pull" and (code == 0 or cache.get("when") == "always"):
                    self._cached("save", work / ".hullmark")
                if code not in {0, job.get("allow_failure", {}).get("exit_codes")}:
                    return self.done
        return self.done

    def _machine(self) -> Path:
        self.runs += 1
        work = self.folder / f"work-{self.runs}"
        shutil.copytree(self.beside, work / "hullmark")
        return work

    def _environment(self, work: Path) -> dict[str, str]:
        path = f"{self.program}:{os.environ['PATH']}"
        return {"PATH": path, "HOME": str(work), "LC_ALL": "C.UTF-8"}

    def _cached(self, deed: str, folder: Path) -> None:
        if "restore" in deed and self.kept is not None:
            shutil.copytree(self.kept, folder)
        if "save" in deed:
            self.kept = self.folder / f"kept-{self.runs}"
            shutil.copytree(folder, self.kept)

    def _run(self, name: str, script: str, work: Path, environment: dict[str, str]) -> None:
        words = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
        done = subprocess.run(
            words,
            cwd=work,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=120,
        )
        self.done.append(Done(name, done.returncode, done.stdout.decode()))


def programs(folder: Path) -> Path:
    """Make a folder with the programs `hullmark` and `python` of this checkout."""
    folder.mkdir()
    for name, words in (("hullmark", "-m hullmark"), ("python", "")):
        (folder / name).write_text(f'#!/bin/sh\nexec {sys.executable} {words} "$@"\n')
        (folder / name).chmod(0o755)
    return folder


def _uninstalling(script: str) -> str:
    """Leave out the line that installs Hullmark."""
    return "\n".join(line for line in script.splitlines() if not line.startswith("python -m pip install"))


def _holds(condition: str, outputs: dict[str, str]) -> bool:
    """Evaluate the only kind of condition that ours have."""
    if not condition:
        return True
    name, _, value = condition.partition(" != ")
    return outputs[name] != value.strip("'")


def _filled(text: str, contexts: dict[str, str]) -> str:
    for name, value in contexts.items():
        text = text.replace(f"${{{{ {name} }}}}", value)
    assert "${{" not in text
    return text


def _expanded(text: str, environment: dict[str, str]) -> str:
    for name in sorted(environment, key=len, reverse=True):
        text = text.replace(f"${name}", environment[name])
    return text


def _pairs(path: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in path.read_text().splitlines())
