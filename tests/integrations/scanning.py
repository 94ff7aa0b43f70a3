"""What each CI system does with the template that scans: its script is taken out and run by the shell and with the variables of that system."""

import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e import program
from hullmark.detectors.secrets.samples import expanded
from integrations.pipelines import INTEGRATIONS, document
from toys.publisher import osv
from toys.saved import packed, save

SCRIPT = INTEGRATIONS / "shell/hullmark-ci.sh"
REPORTS = (
    "gl-container-scanning-report.json",
    "hullmark.json",
    "hullmark.md",
    "hullmark.sarif",
    "hullmark.xml",
)
_GROOVY = re.compile(r"script: '''\n(.*?)'''\.trim\(\)", re.DOTALL)
_KEYS = expanded("[default]\naws_access_key_id = AKIA<<base32:16>>\naws_secret_access_key = <<base64:40>>\n")
_GUESS = expanded('ABUSEIPDB_API_KEY="<<hex:80>>"\n')
_LEAST = expanded('token: "EZTK<<alnum:54>>"\n')
_CRITICAL = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
_HIGH = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"

Variables = dict[str, str]


@dataclass(frozen=True)
class System:
    """How a system runs the step: which shell, which text, which variables the template sets and the system has itself."""

    name: str
    path: str
    text: Callable[[Any], str]
    shell: tuple[str, ...]
    sets: Callable[[Any, Variables], Variables]
    secrets: Variables


def filled(values: dict[str, Any], names: Variables, *marks: str) -> Variables:
    """Put what a system knows into the expressions of a template."""
    opened, closed = marks
    pattern = re.compile(rf"{re.escape(opened)}\s*(.*?)\s*{re.escape(closed)}")

    def known(found: re.Match[str]) -> str:
        words = [names.get(word.strip(), "") for word in found[1].split("||")]
        return next((word for word in words if word), "")

    return {name: pattern.sub(known, str(value)) for name, value in values.items()}


def step(steps: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """Give the only step that has the script."""
    found = [each[kind] if kind == "script" and isinstance(each.get(kind), dict) else each for each in steps]
    (one,) = [each for each in found if SCRIPT.read_text() in json_text(each)]
    return one


def json_text(value: Any) -> str:
    """Give all texts in a value, as they are."""
    if isinstance(value, dict):
        return "\n".join(json_text(each) for each in value.values())
    if isinstance(value, list):
        return "\n".join(json_text(each) for each in value)
    return str(value)


def _github(action: Any) -> dict[str, Any]:
    return step(action["runs"]["steps"], "run")


def _github_sets(action: Any, asked: Variables) -> Variables:
    inputs = {f"inputs.{name}": str(value.get("default", "")) for name, value in action["inputs"].items()}
    inputs |= {"inputs.image": asked["HULLMARK_IMAGE"]}
    inputs |= {f"env.{name}": value for name, value in asked.items()}
    return filled(_github(action)["env"], inputs, "${{", "}}")


def _gitlab_sets(pipeline: Any, asked: Variables) -> Variables:
    sets = {
        name: value.replace("$CI_PROJECT_DIR", asked["PWD"])
        for name, value in pipeline["hullmark"]["variables"].items()
    }
    return {**sets, **asked}  # a variable of the project outranks one of the template


def _azure_step(template: Any) -> dict[str, Any]:
    return step(template["steps"], "bash")


def _azure_sets(template: Any, asked: Variables) -> Variables:
    names = {"parameters.image": asked["HULLMARK_IMAGE"]}
    whole = filled(_azure_step(template)["env"], names, "${{", "}}")
    return {**asked, **filled(whole, {"Pipeline.Workspace": asked["PWD"]}, "$(", ")")}


def _circle_step(orb: Any) -> dict[str, Any]:
    return step([each.get("run", {}) for each in orb["commands"]["scan"]["steps"]], "command")


def _circle_sets(orb: Any, asked: Variables) -> Variables:
    names = {"parameters.image": asked["HULLMARK_IMAGE"]}
    return {**asked, **filled(_circle_step(orb)["environment"], names, "<<", ">>")}


def _bamboo_step(plan: Any) -> dict[str, Any]:
    return step(plan["Hullmark"]["tasks"], "script")


def _bamboo_sets(plan: Any, asked: Variables) -> Variables:
    names = {f"bamboo.{name}": value for name, value in plan["variables"].items()}
    names |= {f"bamboo.{name.lower()}": value for name, value in asked.items()}
    pairs = re.findall(r'(\w+)=(?:"([^"]*)"|(\S+))', _bamboo_step(plan)["environment"])
    return filled({name: quoted or plain for name, quoted, plain in pairs}, names, "${", "}")


def _tekton_step(task: Any) -> dict[str, Any]:
    return step(task["spec"]["steps"], "script")


def _tekton_sets(task: Any, asked: Variables) -> Variables:
    names = {f"params.{each['name']}": each["default"] for each in task["spec"]["params"]}
    for name in ("image", "fail-on", "policy"):
        given = asked.get(f"HULLMARK_{name.upper().replace('-', '_')}")
        names |= {f"params.{name}": given} if given is not None else {}
    names["workspaces.cache.path"] = f"{asked['PWD']}/cache-workspace"
    return filled({each["name"]: each["value"] for each in _tekton_step(task)["env"]}, names, "$(", ")")


_BASH = ("bash", "--noprofile", "--norc")
SYSTEMS = (
    System("shell", "shell/hullmark-ci.sh", str, ("sh",), lambda _, asked: asked, {"API_TOKEN": "tok-sh"}),
    System(
        "github",
        "github/action.yml",
        lambda action: str(_github(action)["run"]),
        ("sh", "-e"),
        _github_sets,
        {"GITHUB_TOKEN": "ghs-1", "ACTIONS_RUNTIME_TOKEN": "rt-1", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "id-1"},
    ),
    System(
        "gitlab",
        "gitlab/scan.yml",
        lambda pipeline: "\n".join(pipeline["hullmark"]["script"]),
        (*_BASH, "-eo", "pipefail"),
        _gitlab_sets,
        {"CI_JOB_TOKEN": "glcbt-1", "CI_REGISTRY_PASSWORD": "glpw-1", "CI_DEPLOY_PASSWORD": "gldp-1"},
    ),
    System(
        "aws",
        "aws/buildspec.yml",
        lambda spec: "\n".join(spec["phases"]["build"]["commands"]),
        ("sh",),
        lambda spec, asked: {**spec["env"]["variables"], **asked},
        {"AWS_SESSION_TOKEN": "aws-1", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/1"},
    ),
    System(
        "azure",
        "azure/hullmark.yml",
        lambda template: str(_azure_step(template)["bash"]),
        _BASH,
        _azure_sets,
        {"SYSTEM_ACCESSTOKEN": "azp-1", "AZURE_DEVOPS_EXT_PAT": "pat-1"},
    ),
    System(
        "circleci",
        "circleci/orb.yml",
        lambda orb: str(_circle_step(orb)["command"]),
        ("/bin/sh",),
        _circle_sets,
        {"CIRCLE_OIDC_TOKEN_V2": "cci-1", "DOCKERHUB_PASSWORD": "hub-1"},
    ),
    System(
        "jenkins",
        "jenkins/hullmark.groovy",
        lambda text: _GROOVY.findall(text)[0].strip(),
        ("/bin/sh",),
        lambda _, asked: {**asked, "HULLMARK_REPORTS": "hullmark-reports"},
        {"REGISTRY_PSW": "jen-1", "GIT_ASKPASS_TOKEN": "jen-2"},
    ),
    System(
        "bamboo",
        "bamboo/bamboo.yml",
        lambda plan: "\n".join(_bamboo_step(plan)["scripts"]),
        ("/bin/sh",),
        _bamboo_sets,
        {"bamboo_registry_password": "bam-1"},
    ),
    System(
        "tekton",
        "tekton/task.yaml",
        lambda task: str(_tekton_step(task)["script"]),
        ("/bin/sh",),
        _tekton_sets,
        {"KUBERNETES_TOKEN": "k8s-1"},
    ),
)


@dataclass
class Job:
    """A machine on which a job runs: its folder, the advisories, and a Hullmark that writes down what it is given."""

    folder: Path
    database: Path

    @property
    def work(self) -> Path:
        """Where the job runs."""
        return self.folder / "work"

    @property
    def seen(self) -> str:
        """Give all that the scanner was started with: arguments and variables."""
        return (self.folder / "seen").read_text()

    def run(self, system: System, **asked: str) -> "subprocess.CompletedProcess[str]":
        """Run the template's script as the system would."""
        self.work.mkdir(exist_ok=True)
        path = INTEGRATIONS / system.path
        shaped = document(path) if path.suffix in {".yml", ".yaml"} else path.read_text("utf-8")
        script = self.folder / f"{system.name}.step"
        script.write_text(system.text(shaped))
        variables = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "PWD": str(self.work),
            "HULLMARK_PROGRAM": str(self.program()),
            "HULLMARK_DB_DIR": str(self.database),
            "HULLMARK_SCAN_OFFLINE": "true",
            **{name: os.environ[name] for name in ("HULLMARK_PATTERNS_DIR",) if name in os.environ},
        }
        given = {"HULLMARK_IMAGE": "image.tar", **asked}
        sets = system.sets(shaped, {**given, "PWD": str(self.work)})
        return subprocess.run(
            [*system.shell, str(script)],
            cwd=self.work,
            env={**variables, **system.secrets, **sets},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def program(self) -> Path:
        """Make a program that writes down what it was started with, and is this checkout's Hullmark then."""
        path = self.folder / "hullmark"
        seen = self.folder / "seen"
        path.write_text(
            f'#!/bin/sh\n{{ printf "%s\\n" "$@"; env; }} > {seen}\nexec {sys.executable} -m hullmark "$@"\n'
        )
        path.chmod(0o755)
        return path


def database(folder: Path) -> Path:
    """Build a database that knows of a critical, a high and a malicious release."""
    place = folder / "feeds/osv/PyPI"
    place.mkdir(parents=True)
    records = (
        osv("PYSEC-2026-1", "worst", "2.0", severity=[{"type": "CVSS_V3", "score": _CRITICAL}]),
        osv("PYSEC-2026-2", "bad", "2.0", severity=[{"type": "CVSS_V3", "score": _HIGH}]),
        osv("MAL-2026-3", "evil", "2.0"),
    )
    with zipfile.ZipFile(place / "all.zip", "w") as archive:
        for record in records:
            archive.writestr(f"{record['id']}.json", json.dumps(record))
    done = program.run(folder / "built", "db", "build", "--from", str(folder / "feeds"))
    assert done.returncode == 0, done.stderr.decode()
    return folder / "built/db"


def image(path: Path, kind: str) -> Path:
    """Write an image. Each has what must not fail it: a high flaw, the user root, SSH's port, a SUID file, and a guess at a secret."""
    files = {**_python("bad"), "app/guess.env": _GUESS.encode()}
    more = {
        "clean": {},
        "critical": _python("worst"),
        "malicious": _python("evil"),
        "secret": {"root/.aws/credentials": _KEYS.encode()},
        "least": {"app/least.yaml": _LEAST.encode()},
        "unchecked": {
            "app/node_modules/left/package.json": json.dumps({"name": "left", "version": "1.0.0"}).encode()
        },
    }[kind]
    layers = [packed({**files, **more}), packed({"usr/bin/helper": b"\x7fELF" + b"\0" * 60}, mode=0o4755)]
    save(path, "team/app:1", layers, config={"User": "root", "ExposedPorts": {"22/tcp": {}}})
    return path


def _python(name: str) -> dict[str, bytes]:
    folder = f"usr/lib/python3/dist-packages/{name}-1.0.dist-info"
    return {f"{folder}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode()}
