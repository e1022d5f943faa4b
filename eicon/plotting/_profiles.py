"""Similarity of many networks in many respects, with a tree of the networks."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from ._style import font_size, house_style, ink, line_color, small_ticks

COLUMNS = 4


@house_style
def plot_profiles(matrices: Mapping[str, ArrayLike], names: Sequence[str]) -> Figure:
    """Draw the similarity of all pairs of n networks in several respects, ordered by a tree of their mean similarity.

    Parameters
    ----------
    matrices : mapping of str to (n, n) array
        Similarity of each pair by respect, symmetric: 1 like a network with itself, 0 like networks that share nothing;
        NaN (grey) where there is nothing to compare.
    names : sequence of n str

    Returns
    -------
    Figure
        First the tree (average linkage of 1 minus the mean similarity), then a matrix for each respect.

    Raises
    ------
    ValueError
        For fewer than three networks, or matrices that are not (n, n).
    """
    import matplotlib.pyplot as plt  # here, so that importing eicon.plotting does not resolve a backend

    n = len(names)
    values = {name: np.asarray(matrix, np.float64) for name, matrix in matrices.items()}
    if n < 3 or not values or any(matrix.shape != (n, n) for matrix in values.values()):
        shapes = {name: matrix.shape for name, matrix in values.items()}
        raise ValueError(f"`matrices` must be (n, n) for n >= 3 names; got {n} names and {shapes}.")
    tree = likeness_tree(list(values.values()))
    order = hierarchy.leaves_list(tree)
    rows = -(-len(values) // COLUMNS)
    figure = plt.figure(figsize=(7.1, 0.4 + 1.6 * rows))
    grid = figure.add_gridspec(rows, COLUMNS + 1, width_ratios=[1.3] + [1.0] * COLUMNS)
    _tree(figure.add_subplot(grid[:, 0]), tree, [names[i] for i in order])
    axes = [figure.add_subplot(grid[i // COLUMNS, 1 + i % COLUMNS]) for i in range(len(values))]
    norm, cmap = Normalize(0.0, 1.0), ListedColormap(mpl.colormaps["YlGnBu"](np.linspace(0.0, 0.95, 256)))
    for ax, (name, matrix) in zip(axes, values.items(), strict=True):
        shown = np.ma.masked_invalid(matrix[np.ix_(order, order)])
        ax.set_facecolor(ink(0.06))
        mesh = ax.pcolormesh(shown, norm=norm, cmap=cmap)
        ax.set(xlim=(0, n), ylim=(n, 0), aspect="equal", xticks=[], yticks=[])
        ax.set_title(name, fontsize=font_size())
    bar = figure.colorbar(mesh, ax=axes, fraction=0.03, pad=0.02, extend="both")
    bar.set_label("similarity: 0 null, 1 ceiling")
    bar.outline.set_visible(False)
    return figure


def likeness_tree(matrices: Sequence[np.ndarray]) -> np.ndarray:
    """Return a tree of networks (scipy linkage matrix) by 1 minus their mean similarity, not below 0."""
    every = np.stack(matrices)
    known = np.isfinite(every)
    mean = np.where(known, every, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    apart = np.clip(1.0 - (mean + mean.T) / 2, 0.0, None)
    np.fill_diagonal(apart, 0.0)
    return hierarchy.linkage(squareform(apart, checks=False), "average", optimal_ordering=True)


def _tree(ax: Axes, tree: np.ndarray, names: Sequence[str]) -> None:
    small_ticks(ax)
    found = hierarchy.dendrogram(tree, no_plot=True)
    for x, y in zip(found["icoord"], found["dcoord"], strict=True):
        ax.plot(1.0 - np.array(y), x, color=line_color(), linewidth=1.0)
    ax.set_yticks(5 + 10 * np.arange(len(names)), labels=list(names), fontsize=font_size(-2))
    ax.set_ylim(10 * len(names), 0)
    ax.yaxis.tick_right()
    ax.spines[:].set_visible(False)
    ax.spines["bottom"].set_visible(True)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("mean similarity")
