"""Loads the programs of the folder bench, which import their neighbours."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).parents[2] / "bench"


def bench(name: str) -> ModuleType:
    """Load one under a name of its own, where what it pickles or annotates is found again."""
    spec = importlib.util.spec_from_file_location(f"bench_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    ours = sys.modules.pop("images", None)  # the tests have a package of that name as well
    sys.path.insert(0, str(FOLDER))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.pop(0)
        sys.modules.pop("images", None)
        if ours is not None:
            sys.modules["images"] = ours
    return module
