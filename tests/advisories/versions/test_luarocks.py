"""LuaRocks' order against its own `luarocks.core.vers`."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from hullmark.advisories.versions.luarocks import key
from versions.pairs import keys, mutated, pairs, table, wrong

VERSIONS = ["1.0.2-1", "2.0-1", "scm-1", "2.1.scm-3", "1.0rc1-1", "0.8.0-beta-2", "2024.01.15-1", "1.0a-1"]
BITS = [".", "-", "_", "rc", "pre2", "beta", "alpha.1", "dev", "scm", "cvs", "a", "b", "Z", "-1", "-2", ".0"]
PROGRAM = """
local vers = require("luarocks.core.vers")
for line in io.lines() do
  local left, right = line:match("([^\\t]*)\\t(.*)")
  local a, b = vers.parse_version(left), vers.parse_version(right)
  print(a < b and -1 or b < a and 1 or 0)
end
"""


def lua() -> str | None:
    """Give a Lua that has LuaRocks' modules."""
    for version in ("5.4", "5.3", "5.2", "5.1"):
        module = Path(f"/usr/share/lua/{version}/luarocks/core/vers.lua")
        found = shutil.which(f"lua{version}")
        if found and module.exists():
            return found
    return None


@pytest.mark.skipif(lua() is None, reason="Lua with LuaRocks' modules is not here")
def test_like_luarocks(tmp_path: Path) -> None:
    program = tmp_path / "ask.lua"
    program.write_text(PROGRAM)
    texts = [*VERSIONS, *table("luarocks"), *mutated(VERSIONS, BITS, 5000)]
    ordered = keys(key, [text for text in texts if re.search("-[0-9]+$", text)])
    assert len(ordered) > 1500
    asked = pairs(ordered, 6000)
    done = subprocess.run(
        [str(lua()), str(program)],
        input="".join(f"{a}\t{b}\n" for a, b in asked),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert wrong(ordered, asked, map(int, done.stdout.split())) == []


def test_a_missing_revision_sorts_first() -> None:
    assert key("1.0") < key("1.0-0") < key("1.0-1") < key("1.1")
