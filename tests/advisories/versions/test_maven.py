"""Maven's order against its own `ComparableVersion`."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from hullmark.advisories.versions.maven import key
from versions.pairs import Pair, keys, mutated, pairs, real, refused, table, wrong

BITS = [
    "-",
    ".",
    "-alpha",
    "-beta2",
    "-M1",
    ".RC1",
    "-SNAPSHOT",
    ".Final",
    ".GA",
    "-sp",
    "-jre",
    "-1",
    "a1",
    "b2",
    "x",
    ".v20",
]
CIRCULAR = re.compile(r"^[^0-9]|\.[^0-9.-]+[.-]|[^0-9]0+\.[^0-9]")
"""A qualifier between dots, at the start or after a lone zero: there Maven's comparison goes round in circles, see the module."""
PROGRAM = """
import java.io.*;
import org.apache.maven.artifact.versioning.ComparableVersion;
class Ask {
  public static void main(String[] args) throws IOException {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] pair = line.split("\\t");
      System.out.println(Integer.signum(new ComparableVersion(pair[0]).compareTo(new ComparableVersion(pair[1]))));
    }
  }
}
"""


def jar() -> Path | None:
    """Give the newest Maven library here: before 3.9 a qualifier after a dot was no list."""
    if shutil.which("javac") is None:
        return None
    cached = (Path.home() / ".m2/repository/org/apache/maven/maven-artifact").glob(
        "3.9.*/maven-artifact-*.jar"
    )
    found = [path for path in cached if not path.stem.endswith("sources")]
    found += [path for path in (Path("/usr/share/maven/lib/maven-artifact-3.x.jar"),) if path.exists()]
    return found[0] if found else None


def ask(folder: Path, library: Path, asked: list[Pair]) -> list[int]:
    (folder / "Ask.java").write_text(PROGRAM)
    path = f"{folder}:{library}:{library.parent}/commons-lang3.jar"
    subprocess.run(["javac", "-cp", path, "-d", str(folder), str(folder / "Ask.java")], check=True)
    done = subprocess.run(
        ["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", path, "Ask"],
        input="".join(f"{a}\t{b}\n" for a, b in asked),
        capture_output=True,
        text=True,
        check=True,
    )
    return [int(line) for line in done.stdout.split()]


def test_every_real_version_has_a_key() -> None:
    assert refused(key, real("maven")) == []


@pytest.mark.skipif(jar() is None, reason="no Maven library and Java compiler are here")
def test_like_maven(tmp_path: Path) -> None:
    library = jar()
    assert library
    texts = [
        text
        for text in [*table("maven"), *mutated(real("maven"), BITS, 4000)]
        if not CIRCULAR.search(text.lower())
    ]
    ordered = keys(key, [*real("maven"), *texts])
    asked = pairs(ordered)
    assert wrong(ordered, asked, ask(tmp_path, library, asked)) == []


@pytest.mark.skipif(jar() is None, reason="no Maven library and Java compiler are here")
def test_where_maven_goes_round_in_circles_the_release_decides(tmp_path: Path) -> None:
    library = jar()
    assert library
    circle = [("1.redhat-1", "1-rc"), ("1-rc", "1"), ("1", "1.redhat-1")]
    assert ask(tmp_path, library, circle) == [-1, -1, -1]
    assert key("1-rc") < key("1") < key("1.redhat-1")
