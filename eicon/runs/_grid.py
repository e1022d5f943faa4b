"""Grid over a recipe: combinations are counted and looked up, and generated one at a time."""

import hashlib
import json
import math
import re
from collections.abc import Iterator
from typing import Any

from ._text import ConfigError

LONGEST_SLUG = 120
MOST_REPEATS = 100_000
REPEATS = ("seed", "repeat")
"""Keys whose values are repeats of the same settings."""
SAME_FOR_ALL = ("grid", "format", "code", "compat", "continued_from")


def size(grid: dict[str, tuple[Any, ...]]) -> int:
    """Return the number of combinations."""
    return math.prod(len(values) for values in grid.values())


def combination(grid: dict[str, tuple[Any, ...]], index: int) -> dict[str, Any]:
    """Return a combination by its index, from 0; the last key varies fastest."""
    found = {}
    for key in reversed(grid):
        index, place = divmod(index, len(grid[key]))
        found[key] = grid[key][place]
    return {key: found[key] for key in grid}


def combinations(grid: dict[str, tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    """Iterate over all combinations."""
    return (combination(grid, index) for index in range(size(grid)))


def words(combination: dict[str, Any]) -> str:
    """Describe a combination, e.g. ``seed = 0, network.tau = 50.0``."""
    return ", ".join(f"{key} = {value}" for key, value in combination.items())


def one_at_a_time(grid: dict[str, tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    """Yield the first combination and those that differ from it in one key."""
    first = combination(grid, 0)
    yield first
    for key, values in grid.items():
        for value in values[1:]:
            yield {**first, key: value}


def set_key(data: dict[str, Any], key: str, value: Any, tables: list[str]) -> None:
    """Put a value into nested tables; ``key`` is dotted. Tables on the way are copied, not changed.

    ``tables`` are the dotted names of the allowed tables; tables at the second level may contain any others.
    """
    *path, name = key.split(".")
    place = ""
    for table in path:
        beside, place = place, f"{place}.{table}".lstrip(".")
        inner = data.get(table)
        if inner is None and {place, ".".join(place.split(".")[:2])} & set(tables):
            inner = {}
        if not isinstance(inner, dict):
            allowed = [known.rpartition(".")[2] for known in tables if known.rpartition(".")[0] == beside]
            raise ConfigError(f"{key}: there is no table {table!r}; allowed: {', '.join(allowed) or 'none here'}.")
        data[table] = data = dict(inner)
    data[name] = value


def check_values(grid: dict[str, tuple[Any, ...]]) -> None:
    """Reject keys that must be the same for a whole sweep, values that are not data, and duplicate values."""
    for key, values in grid.items():
        if key.partition(".")[0] in SAME_FOR_ALL:
            raise ConfigError(f"grid.{key}: must be the same for a whole sweep; it cannot be part of the grid.")
        if len({as_json(f"grid.{key}", value) for value in values}) < len(values):
            raise ConfigError(f"grid.{key}: a value occurs twice in {list(values)}.")


def as_json(key: str, value: Any) -> str:
    """Return a value as JSON, the same text for equal values; reject what is not data."""
    try:
        return json.dumps(_plain(value), sort_keys=True, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise ConfigError(f"{key}: must contain only finite numbers, text, lists and tables; got {value!r}.") from None


def _plain(value: Any) -> Any:
    if value is None:
        raise TypeError("TOML has no null")
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def short_names(keys: list[str]) -> dict[str, str]:
    """Return the name of each dotted key in results: its last part, if unique and not used otherwise."""
    last = [key.rpartition(".")[2] for key in keys]
    plain = [name not in ("epoch", "repeat", "label") and last.count(name) == 1 for name in last]
    return {key: name if short or "." not in key else key for key, name, short in zip(keys, last, plain, strict=True)}


def folder(combination: dict[str, Any]) -> str:
    """Return the unique directory of a combination, e.g. ``learning_rate=0.001,activation=relu/seed=0``."""
    repeats = {key: value for key, value in combination.items() if key in REPEATS}
    others = {key: value for key, value in combination.items() if key not in REPEATS}
    return "/".join([slug(others), *([slug(repeats)] if repeats else [])])


def slug(combination: dict[str, Any]) -> str:
    """Return the name of a combination as one path component."""
    names = short_names(list(combination))
    text = ",".join(f"{names[key]}={value}" for key, value in combination.items())
    plain = re.sub(r"[^\w=,.+-]+", "_", text)
    if plain == text and len(plain) <= LONGEST_SLUG:
        return plain or "all"
    return f"{plain[:LONGEST_SLUG]},{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def flat(tables: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the values of nested tables by dotted keys."""
    found: dict[str, Any] = {}
    for key, value in tables.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return found
