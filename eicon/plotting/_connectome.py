"""A wiring diagram: its matrix, its degrees and its weights."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ._style import E_COLOR, I_COLOR, NEUTRAL_COLOR, house_style

MOST_NAMES = 60
NARROW: Any = {"fontsize": 7.5, "handlelength": 1.0, "columnspacing": 1.0, "handletextpad": 0.5}
SIGNS = (("excitatory", 1, E_COLOR), ("inhibitory", -1, I_COLOR), ("unknown sign", 0, NEUTRAL_COLOR))


@house_style
def plot_connectome(
    weights: ArrayLike, names: Sequence[str] = (), sign: ArrayLike | None = None, *, title: str = ""
) -> Figure:
    """Draw the matrix of a connectome with its degree and weight distributions.

    Parameters
    ----------
    weights : array, shape (n, n)
        ``weights[source, target]``, >= 0; shown in logarithmic colours.
    names : sequence of str
        Names of the units; written beside the matrix if there are at most 60.
    sign : array, shape (n,), optional
        +1, -1 or 0 (unknown); outgoing weights are coloured by it, excitatory blue and inhibitory red.
    title : str

    Raises
    ------
    ValueError
        If the matrix is not square, or has no connection.
    """
    import matplotlib.pyplot as plt  # here, so that importing eicon.plotting does not resolve a backend

    weights = np.asarray(weights, np.float64)
    if weights.ndim != 2 or weights.shape[0] != weights.shape[1]:
        raise ValueError(f"weights must be square, weights[source, target]; got shape {weights.shape}.")
    if not (weights > 0).any():
        raise ValueError("weights holds no connection.")
    signs = np.zeros(len(weights), int) if sign is None else np.asarray(sign)
    named = 0 < len(names) <= MOST_NAMES
    figure = plt.figure(figsize=(9.5, 6.4 if named else 5.2))
    layout = figure.add_gridspec(2, 2, width_ratios=(1.9, 1.0))
    matrix, degrees, sizes = (figure.add_subplot(layout[where]) for where in ((slice(None), 0), (0, 1), (1, 1)))
    _matrix(matrix, weights, names if named else ())
    _degrees(degrees, weights)
    _sizes(sizes, weights, signs)
    figure.suptitle(title, fontsize=10)
    return figure


def _matrix(ax: Axes, weights: np.ndarray, names: Sequence[str]) -> None:
    existing = weights[weights > 0]
    low, high = existing.min(), existing.max()
    norm = LogNorm(low, high) if high > low else None
    colours = mpl.colormaps["viridis_r"].with_extremes(bad="white")
    image = ax.imshow(np.where(weights > 0, weights, np.nan), cmap=colours, norm=norm, interpolation="nearest")
    ax.figure.colorbar(image, ax=ax, shrink=0.7, label="anatomical weight")
    ax.spines[:].set_visible(True)
    ax.set_ylabel("from (source)")
    ax.set_xlabel("to (target)")
    if names:
        size = 8 if len(names) <= 30 else 5
        ax.set_xticks(range(len(names)), names, rotation=90, fontsize=size)
        ax.set_yticks(range(len(names)), names, fontsize=size)


def _degrees(ax: Axes, weights: np.ndarray) -> None:
    n_targets, n_sources = (weights > 0).sum(axis=1), (weights > 0).sum(axis=0)
    edges = np.histogram_bin_edges(np.concatenate([n_targets, n_sources]), bins=15)
    ax.hist(n_targets, bins=edges.tolist(), histtype="step", color="#228833", linewidth=1.5, label="targets (out)")
    ax.hist(
        n_sources,
        bins=edges.tolist(),
        histtype="step",
        color="#AA3377",
        linewidth=1.5,
        linestyle="--",
        label="sources (in)",
    )
    ax.set_xlabel("connections of a unit")
    ax.set_ylabel("number of units")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, **NARROW)


def _sizes(ax: Axes, weights: np.ndarray, signs: np.ndarray) -> None:
    existing = weights[weights > 0]
    low, high = existing.min(), existing.max()
    edges = np.geomspace(low, high, 30) if high > low else np.linspace(0.5 * low, 1.5 * low, 3)
    groups = [(name, weights[signs == value], colour) for name, value, colour in SIGNS if (signs == value).any()]
    groups = [(name, rows[rows > 0], colour) for name, rows, colour in groups if (rows > 0).any()]
    ax.hist(
        [values for _, values, _ in groups],
        bins=edges.tolist(),
        stacked=True,
        color=[colour for _, _, colour in groups],
        label=[name for name, _, _ in groups],
    )
    if high > low:
        ax.set_xscale("log")
    ax.set_xlabel("anatomical weight")
    ax.set_ylabel("number of connections")
    if len(groups) > 1:
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(groups), **NARROW)
