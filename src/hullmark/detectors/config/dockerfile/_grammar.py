"""Loads tree-sitter's bash grammar, and nothing else of its package."""

import importlib.machinery
import importlib.util
from typing import Any

from tree_sitter import Language, Parser


def parser() -> Parser:
    """Make a parser of shell scripts."""
    return Parser(Language(_binding().language()))


def _binding() -> Any:
    # The package itself imports importlib.resources for its highlighting queries: 13 ms that nobody needs here.
    package = importlib.util.find_spec("tree_sitter_bash")
    found = importlib.machinery.PathFinder.find_spec(
        "_binding", list(package.submodule_search_locations or ()) if package else []
    )
    if found is None or found.loader is None:
        import tree_sitter_bash

        return tree_sitter_bash
    binding = importlib.util.module_from_spec(found)
    found.loader.exec_module(binding)
    return binding
