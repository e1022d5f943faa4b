"""Functions of eicon 0.1.0 under their old names, to be removed in 0.3.0."""

import os
from typing import Any

from ._read import parse_recipe, read_recipe
from ._recipe import Recipe


def parse_sweep(text: str, source: str = "sweep") -> Recipe:
    """Read the recipe of a sweep."""
    return parse_recipe(text, source, kind="sweep")


def read_sweep(path: str | os.PathLike[str], *, compat: str | None = None) -> Recipe:
    """Read the recipe of a sweep from a file."""
    return read_recipe(path, kind="sweep", compat=compat)


def override(config: Recipe, changes: dict[str, Any]) -> Recipe:
    """Return a recipe with some dotted keys replaced."""
    return config.with_changes(changes)
