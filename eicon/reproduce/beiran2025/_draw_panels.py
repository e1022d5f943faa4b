"""What the figures share: panels in the style in force, and one legend for all of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from ...plotting._style import small_ticks


def panels(rows: int, columns: int, size: tuple[float, float], **options: Any) -> tuple[Figure, np.ndarray]:
    """Figure of Axes (rows, columns), for functions in `eicon.plotting._style.house_style`; inches of a notebook."""
    import matplotlib.pyplot as plt  # here, so that importing eicon does not resolve a backend

    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, **options)
    for ax in axes.flat:
        small_ticks(ax)
    return figure, axes


def by_seed(found: Mapping[tuple[int, Any], float], columns: Sequence[Any]) -> np.ndarray:
    """Values (S, K) over seeds, of what is found by seed and column; NaN for what is not done."""
    seeds = sorted({seed for seed, _ in found})
    values = [[found.get((seed, column), np.nan) for column in columns] for seed in seeds]
    return np.array(values, float).reshape(-1, len(columns))


def shared_legend(figure: Figure, columns: int) -> None:
    """Put one legend above all panels in place of theirs; what stands for kinds of neurons comes last."""
    entries: dict[str, Artist] = {}
    for ax in figure.axes:
        if (own := ax.get_legend()) is not None:
            own.remove()
        entries |= {label: one for one, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    names = sorted(entries, key=lambda label: label.endswith(" units"))
    texts = [name.replace(" units", " neurons") for name in names]
    figure.legend([entries[name] for name in names], texts, loc="outside upper center", ncols=columns)
