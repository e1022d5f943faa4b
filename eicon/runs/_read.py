"""Recipes as text and files. Mistakes are reported before anything slow is imported."""

import os
import tomllib
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from ._text import ConfigError, read_text

if TYPE_CHECKING:
    import eicon.runs._recipe

SWEEP = "sweep.toml"
"""File with the recipe in the directory of a sweep."""

CONFIG = "config.toml"
"""File with the recipe in the directory of a run."""

Kind = Literal["run", "sweep"]


class Parsed(NamedTuple):
    """Tables of a recipe, and the keys that name the directories of a sweep of format 1."""

    tables: dict[str, Any]
    named_by: dict[str, Any] | None = None


def parse_recipe(
    text: str, source: str = "recipe", *, kind: Kind = "run", base: Path | None = None
) -> "eicon.runs._recipe.Recipe":
    """Read a recipe from TOML text.

    Parameters
    ----------
    text, source : str
        Contents of the recipe, and its name in error messages.
    kind : {"run", "sweep"}
        Meaning of a text of format 1 that could be either: a run has the defaults of ``eicon train`` in 0.1.0, a sweep
        those of ``eicon sweep``.
    base : path, optional
        Directory to which paths of user code are relative; by default the current one.

    Raises
    ------
    ConfigError
        For invalid TOML, unknown keys, and values of the wrong type or range; the text names the key, the given value
        and the allowed ones. Unknown keys are reported first.
    """
    return _made(_parse(text, source, kind, base or Path()), source)


def read_recipe(
    path: str | os.PathLike[str], *, kind: Kind = "run", compat: str | None = None
) -> "eicon.runs._recipe.Recipe":
    """Read a recipe from a file.

    Parameters
    ----------
    path : path
        A TOML file, an unchanged ``config.ini`` of bio_rnn_mem, or the name of a recipe that comes with eicon:
        ``bio_vs_random``, ``demo``.
    kind : {"run", "sweep"}
        See `parse_recipe`.
    compat : {"", "bio_rnn_mem"}, optional
        Replaces the setting of the file (an INI file has none and gets eicon's defaults).
    """
    path = Path(path)
    shipped = resources.files(__package__).joinpath("configs", f"{path}.toml")
    text = shipped.read_text(encoding="utf-8") if not path.exists() and shipped.is_file() else read_text(path)
    if is_ini(path):
        from ._ini import parse_ini

        return parse_ini(text, str(path), compat=compat or "")
    return _made(_parse(text, str(path), kind, path.parent, compat), str(path))


def _made(parsed: Parsed, source: str) -> "eicon.runs._recipe.Recipe":
    from ._recipe import checked, validated  # brings JAX and BrainPy

    return checked(validated(parsed.tables, source), source)


def _parse(text: str, source: str, kind: Kind, base: Path | None, compat: str | None = None) -> Parsed:
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{source} is not a recipe (not valid TOML): {error}.") from error
    except RecursionError:
        raise ConfigError(f"{source} is not a recipe: its tables are nested too deeply.") from None
    if compat is not None:
        tables["compat"] = compat
    from ._recipe_tables import FORMAT, RecipeTables, located  # brings pydantic
    from ._schema import refuse_unknown_keys

    if "format" not in tables:
        from ._format1 import is_sweep, of_run, of_sweep

        new = [name for name in ("trials", "learner") if name in tables]
        if new:
            raise ConfigError(
                f"{source}: put format = {FORMAT} on the first line; without it, the file is read as one of eicon "
                f"0.1.0, which has no table [{new[0]}]."
            )
        try:
            if kind == "sweep" or is_sweep(tables):
                return Parsed(*of_sweep(tables, source))
            return Parsed(of_run(tables, source))
        except ConfigError as error:
            try:
                refuse_unknown_keys(RecipeTables, {**tables, "grid": {}}, source)
            except ConfigError:
                raise error from None
            hint = f"All of its keys are valid in a recipe; if it is one, put format = {FORMAT} on its first line."
            raise ConfigError(f"{error} {hint}") from None
    if tables["format"] != FORMAT:
        raise ConfigError(
            f"{source}: format: got {tables['format']!r}; must be {FORMAT} (or missing, in files of eicon 0.1.0)."
        )
    grid = tables.get("grid")
    refuse_unknown_keys(RecipeTables, {**tables, "grid": {}} if isinstance(grid, dict) else tables, source)
    return Parsed(tables if base is None else located(tables, base))


def recipe_inside(directory: Path, file: str, kind: Kind) -> "tuple[eicon.runs._recipe.Recipe, dict[str, Any] | None]":
    """Read the recipe of a run or sweep; code in its directory, which may come from someone else, is not imported."""
    source = str(directory / file)
    parsed = _parse(read_text(directory / file), source, kind, None)
    from ._own_code import refuse_inside
    from ._recipe import checked, validated
    from ._recipe_tables import located, own_names

    recipe = validated(parsed.tables, source)
    refuse_inside(directory, own_names(recipe.model_dump()), source)
    located_there = validated(located(recipe.model_dump(exclude_unset=True), directory), source)
    return checked(located_there, source), parsed.named_by


def demo_recipe(seed: int = 0) -> "eicon.runs._recipe.Recipe":
    """Return the recipe of ``eicon demo`` (``configs/demo.toml``)."""
    return read_recipe("demo").model_copy(update={"seed": seed})


def is_ini(path: Path) -> bool:
    """Return whether a file is a configuration of bio_rnn_mem."""
    return path.suffix.lower() in (".ini", ".cfg", ".txt")


def results_path(path: str | os.PathLike[str]) -> Path | None:
    """Return the results directory named in a ``config.ini``; None if there is none, and for other files."""
    path = Path(path)
    if not is_ini(path):
        return None
    from ._ini import named_results

    return named_results(read_text(path))
