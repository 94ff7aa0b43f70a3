"""Runs the command line in this process, in an environment with nothing in it."""

import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from e2e.program import AS_OF, DEMO
from hullmark.cli.app import run

IMAGE = str(DEMO / "image.tar")


class Done(NamedTuple):
    """What a command line did."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


Call = Callable[..., Done]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("cli") / "cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HULLMARK_CACHE_DIR", str(folder))
        assert run(["db", "build", "--quiet", "--from", str(DEMO / "feeds"), "--as-of", AS_OF]) == 0
        yield folder


@pytest.fixture
def call(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> Call:
    """Run a command line in an environment with nothing in it but a cache, a home, and no word to publishers."""
    for name in [
        name for name in os.environ if name.startswith(("HULLMARK_", "XDG_", "NO_COLOR", "SOURCE_"))
    ]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HULLMARK_CACHE_DIR", str(cache))
    monkeypatch.setenv("HULLMARK_SCAN_OFFLINE", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def once(*arguments: str, stdin: bytes = b"") -> Done:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsysbinary.readouterr()
        code = run(list(arguments))
        out, err = capsysbinary.readouterr()
        return Done(code, out.decode(), err.decode())

    return once
