"""Which detectors there are: the modules of `packages/`, some others, and what third parties add by entry point."""

import functools
import importlib

from hullmark.detectors import packages
from hullmark.detectors.detector import Detector
from hullmark.modules import names_in

_OTHERS = ("hullmark.detectors.config.accounts",)
"""Those that find no packages."""
ENTRY_POINT = "hullmark.detectors"


@functools.cache
def detectors() -> tuple[Detector, ...]:
    """Give every detector, by name. A third party's is the object that its entry point names."""
    from importlib.metadata import entry_points

    found: list[Detector] = [
        importlib.import_module(f"{packages.__name__}.{name}").DETECTOR
        for name in names_in(packages.__path__)
    ]
    found += [importlib.import_module(name).DETECTOR for name in _OTHERS]
    found += [entry.load() for entry in entry_points(group=ENTRY_POINT)]
    return tuple(sorted(found, key=lambda detector: detector.name))


def load(name: str) -> Detector:
    """Give one detector by its name, importing no other where its module has that name."""
    try:
        detector = importlib.import_module(f"{packages.__name__}.{name}").DETECTOR
    except ModuleNotFoundError:
        detector = None
    if isinstance(detector, Detector) and detector.name == name:
        return detector
    return next(detector for detector in detectors() if detector.name == name)
