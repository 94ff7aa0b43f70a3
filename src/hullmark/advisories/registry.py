"""Which feeds and version schemes there are: the modules of `feeds/` and `versions/`."""

import functools
import importlib
from types import ModuleType

from hullmark.advisories.feed import Feed
from hullmark.advisories.scheme import Scheme
from hullmark.modules import names_in


def _modules(package_name: str) -> list[ModuleType]:
    package = importlib.import_module(package_name)
    return [importlib.import_module(f"{package_name}.{name}") for name in names_in(package.__path__)]


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
