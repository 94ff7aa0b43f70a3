"""A secret in the only line of a small file, among files of an image or of a folder."""

import gzip
from pathlib import Path

import pytest

from cli.conftest import Call
from e2e.program import write_layout
from e2e.test_large_archives import layer

FILES = {
    "srv/a.txt": b"no end of a line",
    "srv/b.env": b"DB_PASSWORD=" + b"qB7wRt5n" + b"Xe3Lk",
    "srv/c.txt": b"nor here",
}


@pytest.mark.parametrize("kind", ["oci", "dir"])
def test_is_found_whatever_file_stands_before_it(call: Call, tmp_path: Path, kind: str) -> None:
    if kind == "oci":
        write_layout(tmp_path / "image", [gzip.compress(layer(FILES, 0o644), 1)])
    for path, body in FILES.items() if kind == "dir" else ():
        (tmp_path / "image" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "image" / path).write_bytes(body)
    found = call("scan", f"{kind}:image", "--scanners", "secret", "--format", "json").document["secrets"]
    assert [(each["rule"], each["path"], each["line"]) for each in found] == [
        ("password-in-settings", "srv/b.env", 1)
    ]
