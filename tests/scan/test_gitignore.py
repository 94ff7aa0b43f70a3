"""Which paths a .gitignore leaves out, compared with git itself where it is there."""

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from hullmark.scan.gitignore import is_ignored, parse

PATTERNS = """\
# comment
out/
*.gen.yaml
!kept.gen.yaml
/top
a/b
a/**/z
**/deep
x?z
[ab].txt
\\#hash
\\!bang
star\\*
space\\ here
trail\\ \n\
end/**
"""
PATHS = [
    "out/",
    "sub/out/",
    "out.txt",
    "x.gen.yaml",
    "s/x.gen.yaml",
    "kept.gen.yaml",
    "top",
    "sub/top",
    "a/b",
    "s/a/b",
    "a/z",
    "a/m/n/z",
    "s/a/z",
    "deep",
    "s/t/deep",
    "xyz",
    "xyyz",
    "a.txt",
    "c.txt",
    "#hash",
    "!bang",
    "star*",
    "starx",
    "end/x",
    "end/x/y",
    "end/",
    "s/end/x",
    "hash",
    "bang",
]


def ours(path: str) -> bool:
    """As git says it: a path is left out with the folders above it, too."""
    patterns = parse(PATTERNS)
    parts = path.rstrip("/").split("/")
    return any(
        is_ignored(patterns, "/".join(parts[:count]), is_folder=count < len(parts) or path.endswith("/"))
        for count in range(1, len(parts) + 1)
    )


@pytest.mark.skipif(shutil.which("git") is None, reason="git is needed")
def test_as_git_does(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text(PATTERNS)
    done = subprocess.run(
        [
            "git",
            "-C",
            str(tmp_path),
            "-c",
            "core.excludesFile=",
            "check-ignore",
            "--no-index",
            "-z",
            "--stdin",
        ],
        input="\0".join(PATHS).encode(),
        capture_output=True,
        check=False,
    )
    theirs = set(done.stdout.decode().split("\0"))
    assert {path for path in PATHS if ours(path)} == theirs - {""}
    assert len(theirs) > 10


def test_no_pattern_takes_long() -> None:
    patterns = parse("**/" * 200 + "x\n" + "*a" * 400 + "\n" + "a/**/" * 100 + "b\n")
    started = time.process_time()
    assert not is_ignored(patterns, "/".join(["a" * 200] * 60), is_folder=False)
    assert time.process_time() - started < 5
