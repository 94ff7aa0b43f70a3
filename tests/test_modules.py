"""What counts as a module of a package, against what the standard library says."""

import pkgutil
from pathlib import Path

import pytest

from hullmark.advisories import feeds, versions
from hullmark.detectors import packages
from hullmark.images import sources
from hullmark.modules import names_in


@pytest.mark.parametrize(
    "package", [feeds, versions, packages, sources], ids=lambda package: package.__name__
)
def test_the_same_as_pkgutil(package: object) -> None:
    path = package.__path__  # type: ignore[attr-defined]
    found = [module.name for module in pkgutil.iter_modules(path) if not module.name.startswith("_")]
    assert names_in(path) == sorted(found) != []


def test_what_is_no_module_is_left_out(tmp_path: Path) -> None:
    for name in ("a.py", "_b.py", "c.pyc", "d.py.orig", "__init__.py", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "package").mkdir()
    (tmp_path / "package/__init__.py").touch()
    assert names_in([str(tmp_path)]) == ["a", "package"]
