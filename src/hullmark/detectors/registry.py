"""Which detectors there are: the modules of `packages/` and what third parties add by entry point."""

import functools
import importlib
import pkgutil

from hullmark.detectors import packages
from hullmark.detectors.detector import Detector

ENTRY_POINT = "hullmark.detectors"


@functools.cache
def detectors() -> tuple[Detector, ...]:
    """Give every detector, by name. A third party's is the object that its entry point names."""
    found = [
        importlib.import_module(f"{packages.__name__}.{module.name}").DETECTOR
        for module in pkgutil.iter_modules(packages.__path__)
        if not module.name.startswith("_")
    ]
    return tuple(sorted(found, key=lambda detector: detector.name))
