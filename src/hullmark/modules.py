"""Finds the modules of a package: adding an ecosystem, a feed or a format is adding a file."""

import os
from collections.abc import Iterable
from pathlib import Path


def names_in(folders: Iterable[str]) -> list[str]:
    """Give the names of the modules and packages in a package's `__path__`, sorted, those that begin with `_` left out.

    What `pkgutil.iter_modules` gives, without what it imports: that takes longer than a fifth of a warm scan.
    """
    found = set()
    for folder in folders:
        with os.scandir(folder) as entries:
            for entry in entries:
                name, _, extension = entry.name.partition(".")
                if extension == "py" or (not extension and Path(entry.path, "__init__.py").is_file()):
                    found.add(name)
    return sorted(name for name in found if not name.startswith("_"))
