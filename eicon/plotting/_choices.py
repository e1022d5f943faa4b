"""Robustness of a conclusion to modelling choices: outcomes of a sweep over each choice, and over pairs."""

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from ._style import font_size, house_style, panel_letters, reference
from ._sweep import COLORS, REPEATS, label_of_best, run_milestones

if TYPE_CHECKING:
    import xarray as xr

OUTCOMES = {"accuracy": "", "loss": "smallest validation loss", "steps": "steps trained"}
"""Labels of outcomes; the name of the accuracy depends on the training."""
MOST_PAIRS = 12
LONGEST = 14


@house_style
def plot_choices(data: "xr.Dataset", *, outcome: str = "accuracy") -> Figure:
    """Draw an outcome over the values of each key of a sweep's grid, across all values of the other keys.

    Every run is a point; the line joins the means, with their 95 % interval by the normal approximation where there
    are at least three runs.

    Parameters
    ----------
    data : xarray.Dataset
        Results of `eicon.runs.sweep_results`.
    outcome : {"accuracy", "loss", "steps"}

    Returns
    -------
    Figure
        A panel per key; seeds get none, unless there is no other key.

    Raises
    ------
    ValueError
        For any other outcome.
    """
    import matplotlib.pyplot as plt  # here, so that importing eicon.plotting does not resolve a backend

    values, keys = outcome_of(data, outcome), _keys(data)
    figure, axes = plt.subplots(1, max(len(keys), 1), squeeze=False, sharey=True, figsize=(1.2 + 2.4 * len(keys), 3.0))
    for ax, key in zip(axes[0], keys, strict=False):
        levels = data[key].values.tolist()
        columns = np.moveaxis(values, data["finished"].dims.index(key), 0).reshape(len(levels), -1)
        runs = [column[np.isfinite(column)] for column in columns]
        for place, sample in enumerate(runs):
            spread = np.linspace(-0.15, 0.15, len(sample)) if len(sample) > 1 else np.zeros(len(sample))
            ax.plot(place + spread, sample, ".", color=reference(), markersize=4)
        mean = [float(sample.mean()) if len(sample) else np.nan for sample in runs]
        error = [1.96 * float(s.std(ddof=1)) / np.sqrt(len(s)) if len(s) > 2 else 0.0 for s in runs]
        ax.errorbar(range(len(levels)), mean, yerr=error, color=COLORS[0], marker="o", markersize=4, capsize=2)
        _label(ax, levels)
        ax.set_xlabel(key)
    axes[0, 0].set_ylabel(OUTCOMES[outcome] or label_of_best({"": data}))
    panel_letters(axes[0][: len(keys)])
    return figure


@house_style
def plot_interactions(data: "xr.Dataset", *, outcome: str = "accuracy") -> Figure | None:
    """Draw an outcome over two keys of a sweep's grid at a time: a line per value of the second one.

    Parallel lines mean that the two choices act independently.

    Parameters
    ----------
    data : xarray.Dataset
        Results of `eicon.runs.sweep_results`.
    outcome : {"accuracy", "loss", "steps"}

    Returns
    -------
    Figure or None
        A panel per pair, of the first 12; None if the grid has fewer than two keys besides seeds.
    """
    import matplotlib.pyplot as plt  # here, so that importing eicon.plotting does not resolve a backend

    values, dims = outcome_of(data, outcome), list(data["finished"].dims)
    pairs = list(itertools.combinations(_keys(data), 2))[:MOST_PAIRS]
    if not pairs:
        return None
    columns = min(3, len(pairs))
    rows = -(-len(pairs) // columns)
    size = (0.8 + 3.0 * columns, 0.6 + 2.6 * rows)
    figure, axes = plt.subplots(rows, columns, squeeze=False, sharey=True, figsize=size)
    for ax, (one, other) in zip(axes.flat, pairs, strict=False):
        moved = np.moveaxis(values, (dims.index(one), dims.index(other)), (0, 1))
        flat = moved.reshape(*moved.shape[:2], -1)
        known = np.isfinite(flat)
        mean = np.divide(
            np.where(known, flat, 0.0).sum(axis=2),
            known.sum(axis=2),
            out=np.full(flat.shape[:2], np.nan),
            where=known.any(axis=2),
        )
        for j, level in enumerate(data[other].values.tolist()):
            ax.plot(mean[:, j], marker="o", markersize=4, color=COLORS[j % len(COLORS)], label=_short(level))
        _label(ax, data[one].values.tolist())
        ax.set_xlabel(one)
        ax.legend(title=other, loc="best", fontsize=font_size(-3), title_fontsize=font_size(-2))
    for ax in axes.flat[len(pairs) :]:
        ax.set_visible(False)
    for ax in axes[:, 0]:
        ax.set_ylabel(OUTCOMES[outcome] or label_of_best({"": data}))
    panel_letters(list(axes.flat)[: len(pairs)])
    return figure


def outcome_of(data: "xr.Dataset", outcome: str) -> np.ndarray:
    """Outcome of every run, in the shape of the grid; NaN for unfinished or diverged runs."""
    if outcome not in OUTCOMES:
        raise ValueError(f"outcome must be one of {', '.join(OUTCOMES)}; got {outcome!r}.")
    shape = data["finished"].shape
    if outcome == "steps":
        steps = data["step"].values
        flat = np.where(np.isfinite(steps), steps, -np.inf).max(axis=-1, initial=-np.inf)
    else:
        name = "best_accuracy" if outcome == "accuracy" else "min_loss"
        flat = run_milestones(data)[name].reshape(shape)
    usable = data["finished"].values & ~data["diverged"].values & np.isfinite(flat)
    return np.where(usable, flat, np.nan)


def _keys(data: "xr.Dataset") -> list[Any]:
    dims = list(data["finished"].dims)
    return (
        [dim for dim in dims if dim not in REPEATS and data.sizes[dim] > 1]
        or [dim for dim in dims if data.sizes[dim] > 1]
        or dims[:1]
    )


def _label(ax: Any, levels: list[Any]) -> None:
    words = [_short(level) for level in levels]
    long = sum(map(len, words)) > LONGEST
    turned = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if long else {}
    ax.set_xticks(range(len(levels)), words, fontsize=font_size(-2), **turned)
    ax.set_xlim(-0.4, len(levels) - 0.6)


def _short(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 24 else f"{text[:23]}…"
