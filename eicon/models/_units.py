"""Labels of units, and which units are meant by them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

Units = str | Mapping[str, Any] | ArrayLike
"""A type ("E" or "I"), labels (``{"area": "motor", "type": "I"}``: all must agree), a bool mask (N,), or indices."""


def unit_labels(units: Mapping[str, ArrayLike] | None, sign: np.ndarray) -> dict[str, np.ndarray]:
    """Labels of units (N,) by name, with their type; see `RateRNN`."""
    labels = {"type": np.array(["I", "", "E"])[sign + 1]}
    for name, values in dict(units or {}).items():
        array = np.asarray(values)
        if name == "type":
            raise ValueError("the units' type follows from the signs of the recurrent connectivity; leave it out.")
        if array.shape != sign.shape:
            raise ValueError(f"units[{name!r}] must hold one label per unit, shape {sign.shape}; got {array.shape}.")
        labels[name] = array
    return labels


def select(labels: Mapping[str, np.ndarray], units: Units) -> np.ndarray:
    """Bool mask (N,) of units; see `RateRNN.select`."""
    n = len(labels["type"])
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
            there = {name: sorted(set(labels[name].tolist())) for name in units}
            raise ValueError(f"no unit has {what}; there are {there}.")
        return chosen
    given = np.asarray(units)
    if given.dtype == bool and given.shape == (n,):
        return given.copy()
    if given.dtype.kind not in "iu" or (given.size and not 0 <= given.min() <= given.max() < n):
        raise ValueError(
            f"units are a type, labels, a bool mask of shape ({n},) or indices in 0..{n - 1}; got {units!r:.80}."
        )
    return np.isin(np.arange(n), given)
