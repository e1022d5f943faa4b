"""Labels of units, and selections by label."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._hints import listed

Units = str | Mapping[str, Any] | ArrayLike
"""A type ("E" or "I"), labels (``{"area": "motor", "type": "I"}``: all must match), a bool mask (N,), or indices."""


def unit_labels(units: Mapping[str, ArrayLike] | None, sign: np.ndarray) -> dict[str, np.ndarray]:
    """Return labels of units (N,) by name, including their type; see `RateRNN`."""
    labels = {"type": np.array(["I", "", "E"])[sign + 1]}
    for name, values in dict(units or {}).items():
        array = np.asarray(values)
        if name == "type":
            if np.array_equal(array, labels["type"]):
                continue  # from an existing network
            raise ValueError("the units' type follows from the signs of the recurrent connectivity; omit it.")
        if array.shape != sign.shape:
            raise ValueError(f"units[{name!r}] must have one label per unit, shape {sign.shape}; got {array.shape}.")
        labels[name] = array
    return labels


def select(labels: Mapping[str, np.ndarray], units: Units) -> np.ndarray:
    """Return a bool mask (N,) of units; see `RateRNN.select`."""
    n = len(labels["type"])
    only_text = isinstance(units, str)
    if isinstance(units, str):
        units = {"type": units}
    if isinstance(units, Mapping):
        chosen = np.ones(n, bool)
        for name, wanted in units.items():
            if name not in labels:
                raise ValueError(f"units have no label {name!r}; they have {', '.join(labels)}.")
            chosen &= np.isin(labels[name], wanted)
        what = ", ".join(f"{name} {wanted!r}" for name, wanted in units.items())
        if not chosen.any():
            there = {name: [value for value in np.unique(labels[name]).tolist() if value != ""] for name in units}
            said = "; ".join(f"{name} is one of {listed(values)}" for name, values in there.items())
            others = [name for name in labels if name != "type"] if only_text else []
            more = f" To select by {' or '.join(others)}, pass e.g. {{{others[0]!r}: ...}}." if others else ""
            raise ValueError(f"no unit has {what}: {said}.{more}")
        return chosen
    given = np.asarray(units)
    if given.dtype == bool and given.shape == (n,):
        return given.copy()
    if given.dtype.kind in "iu" and (wrong := given[(given < 0) | (given >= n)]).size:
        raise ValueError(f"there is no unit {wrong[0]}; indices run from 0 to {n - 1}.")
    if given.dtype.kind not in "iu":
        raise ValueError(
            f"units are a type, labels, a bool mask of shape ({n},) or indices in 0..{n - 1}; got {units!r:.80}."
        )
    return np.isin(np.arange(n), given)


def share_by(name: str, value: Any, label: str, labels: Mapping[str, np.ndarray]) -> tuple[np.ndarray, Any]:
    """Return groups (N,) of units that share a parameter by label, and its values, one per group."""
    if label == "all":
        names, group = np.array(["all"]), np.zeros(len(labels["type"]), int)
    elif label in labels:
        names, group = np.unique(labels[label], return_inverse=True)
    else:
        raise ValueError(f"{name} cannot be shared by {label!r}; units have the labels {', '.join(labels)}, or 'all'.")
    if isinstance(value, Mapping):
        if set(value) != set(names.tolist()):
            raise ValueError(f"{name} needs one value for each {label}: {names.tolist()}; got {sorted(value)}.")
        return group, np.array([float(value[key]) for key in names.tolist()])
    return group, of_groups(name, value, group)


def of_groups(name: str, value: Any, group: np.ndarray | None) -> Any:
    """Reduce values of all units (N,) to one per group; other shapes are returned unchanged."""
    if group is None or np.shape(value) != group.shape:
        return value
    given = np.asarray(value)
    first = given[np.unique(group, return_index=True)[1]]
    if (given != first[group]).any():
        raise ValueError(f"{name} is shared within groups of units, but differs within one.")
    return first
