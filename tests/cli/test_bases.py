"""`hullmark bases`: the table 'now → then' of bases that were scanned before, and whether the application finds there what it links against."""

import shutil
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from cli.conftest import Call
from e2e.program import AS_OF
from hullmark.detectors.detector import File, read_file
from hullmark.detectors.linkage import DETECTOR
from hullmark.model.facts import Needs
from hullmark.reports._schema import schema
from toys.saved import demo_layers, packed, save

VALIDATOR = jsonschema.Draft202012Validator(schema("bases"))
TOOL = Path(shutil.which("cat") or "/bin/cat").resolve()


def needs(path: Path) -> Needs:
    (fact,) = read_file(DETECTOR, File(path.name, path.read_bytes())).facts
    assert isinstance(fact, Needs)
    return fact


def system() -> dict[str, bytes]:
    """Give the loader and the libraries of this machine that the tool needs."""
    loader = Path(needs(TOOL).loader)
    folder = next(Path("/lib").glob("*-linux-gnu"), loader.parent)
    waiting, found = list(needs(TOOL).libraries), {f"lib/{loader.name}": loader.resolve().read_bytes()}
    while waiting:
        name = waiting.pop()
        path = folder / name
        if f"lib/{name}" not in found:
            found[f"lib/{name}"] = path.resolve().read_bytes()
            waiting += needs(path.resolve()).libraries
    return found


SYSTEM = packed(system(), 0o755)
APP = packed({"app/tool": TOOL.read_bytes()}, 0o755)
FULL = [*demo_layers(), SYSTEM]
"""Something with findings, and all that the tool needs."""
RELEASE = packed({"etc/os-release": b"ID=debian\nVERSION_ID=12\n"})


@pytest.fixture(autouse=True)
def nothing_known(cache: Path) -> None:
    for kind in ("images", "chains"):
        shutil.rmtree(cache / kind, ignore_errors=True)


@pytest.fixture
def scanned(call: Call, tmp_path: Path) -> Call:
    """Scan a base, and three that may do in its place."""
    for name, layers in (
        ("full:1", FULL),
        ("small:1", [SYSTEM]),
        ("tiny:1", [RELEASE]),
        ("worse:1", [*FULL, packed({"x": b"x"})]),
    ):
        image = save(tmp_path / f"{name.partition(':')[0]}.tar", name, layers)
        assert call("scan", image, "--scanners", "vuln", "--as-of", AS_OF, "--quiet").code == 0
    return call


def app(tmp_path: Path, command: str = "/app/tool") -> str:
    return save(tmp_path / "app.tar", "app:1", [*FULL, APP], config={"Entrypoint": [command]})


def asked(call: Call, image: str, *words: str) -> Any:
    done = call("bases", image, "--as-of", AS_OF, "--format", "json", *words)
    assert done.code == 0, done.err
    assert list(VALIDATOR.iter_errors(done.document)) == []
    return done.document


def test_bases_that_were_scanned_are_compared(scanned: Call, tmp_path: Path) -> None:
    found = asked(scanned, app(tmp_path))
    assert (found["base"], found["evidence"]) == ("full:1", "memory")
    small, tiny = found["swaps"]
    assert (small["then"]["name"], tiny["then"]["name"]) == ("small:1", "tiny:1")
    assert small["fit"] == {"runs": True, "missing": [], "reinstall": []}
    assert found["now"]["findings"]["high"] > 0
    assert small["then"]["findings"] == {}
    assert small["then"]["size_bytes"] == sum(map(len, system().values()))
    assert len(small["gone"]) > 0
    assert small["new"] == []


def test_a_base_without_what_the_application_links_against_comes_last_and_says_so(
    scanned: Call, tmp_path: Path
) -> None:
    tiny = asked(scanned, app(tmp_path))["swaps"][-1]
    assert tiny["fit"]["runs"] is False
    missing = {(each["kind"], each["name"]): each["by"] for each in tiny["fit"]["missing"]}
    assert missing["loader", Path(needs(TOOL).loader).name] == ["app/tool"]
    assert missing["library", "libc.so.6"] == ["app/tool"]


def test_a_command_that_only_todays_base_has_is_missed(scanned: Call, tmp_path: Path) -> None:
    base = [*FULL, packed({"bin/start": TOOL.read_bytes()}, 0o755, {"bin/sh": "/bin/start"})]
    image = save(tmp_path / "shell.tar", "shell:1", base)
    assert scanned("scan", image, "--scanners", "vuln", "--as-of", AS_OF, "--quiet").code == 0
    with_shell = save(tmp_path / "b.tar", "b:1", [*base, APP], config={"Cmd": ["/bin/sh", "-c", "x"]})
    found = {each["then"]["name"]: each["fit"] for each in asked(scanned, with_shell)["swaps"]}
    assert found["small:1"]["missing"] == [{"kind": "program", "name": "sh", "by": [], "of": 1}]
    script = save(tmp_path / "c.tar", "c:1", [*base, APP], config={"Entrypoint": ["/entrypoint.sh"]})
    found = {each["then"]["name"]: each["fit"] for each in asked(scanned, script)["swaps"]}
    assert found["small:1"]["runs"] is True


def test_what_was_read_is_remembered_and_what_is_gone_is_not_checked(scanned: Call, tmp_path: Path) -> None:
    image = app(tmp_path)
    before = asked(scanned, image)
    (tmp_path / "small.tar").unlink()
    (tmp_path / "tiny.tar").unlink()
    assert asked(scanned, image) == before
    other = save(tmp_path / "other.tar", "other:1", [packed({"etc/x": b"1"})])
    assert scanned("scan", other, "--scanners", "vuln", "--as-of", AS_OF, "--quiet").code == 0
    Path(other).unlink()
    found = {each["then"]["name"]: each["fit"]["runs"] for each in asked(scanned, image)["swaps"]}
    assert found == {"small:1": True, "other:1": None, "tiny:1": False}
    table = scanned("bases", image, "--as-of", AS_OF).out
    assert "whether the application finds what it links against: not checked" in table


def test_the_table_for_people(scanned: Call, tmp_path: Path) -> None:
    done = scanned("bases", app(tmp_path), "--as-of", AS_OF)
    lines = done.out.splitlines()
    assert done.code == 0
    assert "base full:1 (memory)" in lines[0]
    (now,) = [line for line in lines if line.startswith("  now   ")]
    then = [line for line in lines if line.startswith("  then  ")]
    assert "full:1" in now
    assert "small:1" in then[0]
    assert "no findings, " in then[0]
    assert "        what the application links against is there" in lines
    assert any(line.startswith("          the loader ") for line in lines)


def test_without_a_known_base_it_says_what_to_do(call: Call, tmp_path: Path) -> None:
    image = save(tmp_path / "alone.tar", "alone:1", [RELEASE])
    done = call("bases", image)
    assert done.code == 2
    assert "its base image is not known" in done.err
    assert "--base" in done.err


def test_where_nothing_is_better_it_says_so(call: Call, tmp_path: Path) -> None:
    base = save(tmp_path / "base.tar", "base:1", [RELEASE])
    assert call("scan", base, "--scanners", "vuln", "--as-of", AS_OF, "--quiet").code == 0
    image = save(tmp_path / "best.tar", "best:1", [RELEASE, packed({"app": b"x"})])
    done = call("bases", image, "--as-of", AS_OF)
    assert done.code == 0
    assert "No better base is known: 1 other image of its platform was scanned on this machine." in done.out
    assert asked(call, image)["swaps"] == []


def test_one_image_is_looked_at(call: Call) -> None:
    assert call("bases").code == 2
    assert call("bases", "a", "b").code == 2
    assert call("bases", "a", "--platform", "all").code == 2
    assert call("bases", "a", "--format", "html").code == 2


def test_the_schema_refuses_what_is_no_answer(scanned: Call, tmp_path: Path) -> None:
    found = asked(scanned, app(tmp_path))
    assert found["swaps"]
    del found["swaps"][0]["fit"]["runs"]
    assert list(VALIDATOR.iter_errors(found))
