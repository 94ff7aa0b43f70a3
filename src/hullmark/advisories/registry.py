"""Which feeds and version schemes there are: the modules of `feeds/` and `versions/`."""

import functools
import importlib
import pkgutil
from types import ModuleType

from hullmark.advisories.feed import Feed
from hullmark.advisories.scheme import Scheme


def _modules(package_name: str) -> list[ModuleType]:
    package = importlib.import_module(package_name)
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    return [importlib.import_module(f"{package_name}.{name}") for name in names if not name.startswith("_")]


@functools.cache
def feeds() -> tuple[Feed, ...]:
    """Give every feed, by name."""
    modules = _modules("hullmark.advisories.feeds")
    return tuple(sorted((module.FEED for module in modules), key=lambda feed: feed.name))


@functools.cache
def schemes() -> dict[str, Scheme]:
    """Give the version scheme of each ecosystem."""
    modules = _modules("hullmark.advisories.versions")
    return {ecosystem: module.SCHEME for module in modules for ecosystem in module.SCHEME.ecosystems}


def scheme_modules() -> dict[str, str]:
    """Give the name of the module with the version scheme of each ecosystem."""
    modules = _modules("hullmark.advisories.versions")
    return {ecosystem: module.__name__ for module in modules for ecosystem in module.SCHEME.ecosystems}
