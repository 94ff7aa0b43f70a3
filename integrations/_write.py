# ruff: noqa: INP001  a script beside what it writes, no package
"""Put the one script into every template that has it, and the wheel's version and hash into the script.

python integrations/_write.py                 # the templates as the script is
python integrations/_write.py --wheel FILE    # a release: its wheel is what they install from now on
"""

import argparse
import hashlib
import re
from pathlib import Path

HERE = Path(__file__).parent
SCRIPT = HERE / "shell/hullmark-ci.sh"
TEMPLATES = tuple(
    HERE / name
    for name in (
        "aws/buildspec.yml",
        "azure/hullmark.yml",
        "bamboo/bamboo.yml",
        "circleci/orb.yml",
        "github/action.yml",
        "gitlab/scan.yml",
        "jenkins/hullmark.groovy",
        "tekton/task.yaml",
    )
)
END = "# hullmark-ci.sh ends here\n"
_BLOCK = re.compile(rf"^( *)#!/bin/sh\n(?:.*\n)*? *{re.escape(END)}", re.MULTILINE)
_WHEEL = re.compile(r"^HULLMARK_WHEEL='.*'$", re.MULTILINE)


def with_script(template: str, script: str) -> str:
    """Give a template with the script in its place, indented as its first line is."""
    (block,) = _BLOCK.finditer(template)
    lines = [(block[1] + line).rstrip() + "\n" for line in script.splitlines()]
    return template[: block.start()] + "".join(lines) + template[block.end() :]


def with_wheel(script: str, wheel: Path) -> str:
    """Give the script with the name, the version and the hash of a wheel."""
    name, version, _ = wheel.name.split("-", 2)
    line = (
        f"HULLMARK_WHEEL='{name}=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}'"
    )
    changed, count = _WHEEL.subn(line, script)
    if count != 1:
        raise SystemExit(f"{SCRIPT}: no line HULLMARK_WHEEL")
    return changed


def main() -> None:
    """Rewrite what is not as it should be."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--wheel", type=Path, help="the wheel that was built for the release")
    wheel = parser.parse_args().wheel
    script = SCRIPT.read_text("utf-8")
    if wheel is not None:
        script = with_wheel(script, wheel)
        SCRIPT.write_text(script, "utf-8")
    for path in TEMPLATES:
        path.write_text(with_script(path.read_text("utf-8"), script), "utf-8")


if __name__ == "__main__":
    main()
