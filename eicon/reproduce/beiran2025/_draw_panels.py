"""Shared parts of the figures: values by seed, and one legend for all panels."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure


def by_seed(found: Mapping[tuple[int, Any], float], columns: Sequence[Any]) -> np.ndarray:
    """Return values (S, K) over seeds, from values by seed and column; NaN for unfinished parts."""
    seeds = sorted({seed for seed, _ in found})
    values = [[found.get((seed, column), np.nan) for column in columns] for seed in seeds]
    return np.array(values, float).reshape(-1, len(columns))


def shared_legend(figure: Figure, columns: int) -> None:
    """Replace the legends of all panels by one above them, with entries for types of neurons last."""
    entries: dict[str, Artist] = {}
    for ax in figure.axes:
        if (own := ax.get_legend()) is not None:
            own.remove()
        entries |= {label: one for one, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    names = sorted(entries, key=lambda label: label.endswith(" units"))
    texts = [name.replace(" units", " neurons") for name in names]
    figure.legend([entries[name] for name in names], texts, loc="outside upper center", ncols=columns)
