"""Two networks side by side, and similarities of two or more."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, ListedColormap, Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from eicon.analysis._compare import SimilarityMatrix
from eicon.analysis._similarity import Similarity

from ._style import axes_or_new, background, font_size, house_style, ink, line_color, neutral, reference, small_ticks

# Distinct from the blue and red that mean E and I, and from each other in print.
PAIR_COLORS = ("#222222", "#EE7733")
"""Colours of the two networks where they share an Axes, on a white page."""
ALPHA = 0.05
MEASURES = {
    "cka": "linear CKA",
    "procrustes": "Procrustes angle (rad)",
    "rsa": "correlation of distances (RSA)",
}
_MOST_WITH_NUMBERS = 16
"""Largest number of networks in a matrix with numbers; with more, cells are too small."""


def pair_colors() -> tuple[str, str]:
    """Colours of the two networks where they share an Axes, in the style in force."""
    return line_color(), PAIR_COLORS[1]


@house_style
def plot_pair(draws: Sequence[Sequence[Callable[[Axes], Any]]], names: Sequence[str], *, share: bool = True) -> Figure:
    """Draw the same figures of two networks side by side.

    Parameters
    ----------
    draws : sequence of (draw_a, draw_b)
        One pair per row; each draws into the Axes that it is given, for instance
        ``lambda ax: plot_spectrum(spectrum, ax=ax)``.
    names : (name_a, name_b)
        Titles of the columns.
    share : bool
        Give both panels of a row the same limits.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If there is no row, or rows or names are not pairs.
    """
    import matplotlib.pyplot as plt  # here, so that importing eicon.plotting does not resolve a backend

    if not len(draws) or len(names) != 2 or any(len(row) != 2 for row in draws):
        raise ValueError(
            f"`draws` must contain pairs of functions and `names` two names; got {len(draws)} rows "
            f"of {sorted({len(row) for row in draws})} and {len(names)} names."
        )
    figure, grid = plt.subplots(len(draws), 2, squeeze=False, figsize=(8.4, 0.5 + 3.1 * len(draws)))
    for axes, row in zip(grid, draws, strict=True):
        for ax, draw in zip(axes, row, strict=True):
            small_ticks(ax)
            draw(ax)
        if share:
            _share_limits(list(axes))
    figure.draw_without_rendering()  # legends above the frames have no height before drawing
    for ax, name in zip(grid[0], names, strict=True):
        ax.set_title(name, loc="left", fontweight="bold", pad=6 + _height_above(ax))
    return figure


@house_style
def plot_similarities(
    results: Mapping[str, Similarity], *, label: str = "similarity", smaller: bool = False, ax: Axes | None = None
) -> Axes:
    """Draw similarities with their nulls and noise ceilings, a row for each.

    Parameters
    ----------
    results : mapping of str to Similarity
        Similarities by one measure, from the top.
    label : str
        Name of the measure, for the axis.
    smaller : bool
        Whether smaller means more similar (`procrustes_distance`, `aligned_nrmse`), without a line at 0.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there are no results.
    """
    if not results:
        raise ValueError("`results` must contain at least one similarity; got none.")
    ax = axes_or_new(ax, figsize=(4.0, 1.1 + 0.45 * len(results)))
    small_ticks(ax)
    rows = np.arange(len(results))
    nulls = [np.percentile(one.null, (5, 95)) if one.null.size else (np.nan, np.nan) for one in results.values()]
    low, high = np.array(nulls, dtype=float).T
    values = np.array([one.value for one in results.values()])
    limits = np.array([one.ceiling for one in results.values()])
    if (tested := np.isfinite(low)).any():
        ax.barh(
            rows[tested], (high - low)[tested], left=low[tested], height=0.5, color=ink(0.25), label="null, 5 to 95 %"
        )
    if (known := np.isfinite(limits)).any():
        ax.plot(
            limits[known], rows[known], "|", color=neutral(), markersize=14, markeredgewidth=1.6, label="noise ceiling"
        )
    ax.plot(values, rows, "o", color=line_color(), markersize=5, label="value")
    if not smaller:
        ax.axvline(0.0, color=reference(), linewidth=0.8, zorder=0)
    ax.set_yticks(rows, labels=list(results))
    ax.set_ylim(len(results) - 0.5, -0.5)
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.set(xlabel=label, ylabel="compared")
    ax.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, handletextpad=0.4, columnspacing=1.2)
    return ax


@house_style
def plot_similarity_matrix(result: SimilarityMatrix, *, ax: Axes | None = None) -> Axes:
    """Draw the similarities of many networks as a matrix: values below the diagonal, the null above it.

    Parameters
    ----------
    result : SimilarityMatrix
        Result of `eicon.analysis.similarity.compare_many`. Values are below the diagonal; those with p above .05 are
        hatched. Above it is, for the same two networks, the limit exceeded by 5 % of the permutations.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes
    """
    K = len(result.names)
    side = max(2.6, (0.55 if K <= _MOST_WITH_NUMBERS else 0.25) * K)
    ax = axes_or_new(ax, figsize=(side + 2.0, side + 1.3))
    small_ticks(ax)
    below = np.tri(K, k=-1, dtype=bool)
    shown = np.where(below, result.value, np.where(below.T, result.null_95, np.nan))
    norm, cmap = _scale(result)
    mesh = ax.pcolormesh(shown, norm=norm, cmap=cmap, edgecolors=background(), linewidth=1.0)
    chance = below & ~(result.p <= ALPHA) & np.isfinite(result.p)
    for row, column in np.argwhere(chance):
        ax.add_patch(Rectangle((column, row), 1, 1, fill=False, hatch="////", edgecolor=ink(0.55), linewidth=0.0))
    if K <= _MOST_WITH_NUMBERS:
        for row, column in np.argwhere(np.isfinite(shown)).tolist():
            _number(
                ax, row, column, float(shown[row, column]), cmap(norm(shown[row, column])), bool(chance[row, column])
            )
    places = np.arange(K) + 0.5
    ax.set_xticks(places, labels=list(result.names), rotation=45, ha="right", rotation_mode="anchor")
    ax.set_yticks(places, labels=list(result.names))
    ax.set_xlim(0, K)
    ax.set_ylim(K, 0)
    ax.set_aspect("equal")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    bar = ax.get_figure(root=True).colorbar(mesh, ax=ax, fraction=0.05, pad=0.04)  # type: ignore[union-attr]
    bar.set_label(MEASURES[result.measure])
    bar.ax.tick_params(labelsize=mpl.rcParams["ytick.labelsize"])
    bar.outline.set_visible(False)
    hatched = f"\nhatched: p > {ALPHA:g}" if chance.any() else ""
    ax.set_title(f"below: value, above: 95 % of the null{hatched}", loc="left", fontsize=font_size())
    return ax


def _scale(result: SimilarityMatrix) -> tuple[Normalize, Colormap]:
    """Return scale and colours: light is unrelated, dark is similar; correlations of distances have two signs."""
    if result.measure == "rsa":
        return Normalize(-1.0, 1.0), mpl.colormaps["PuOr_r"]
    greens = mpl.colormaps["YlGnBu"](np.linspace(0.0, 0.95, 256))
    if result.measure == "procrustes":
        return Normalize(0.0, np.pi / 2), ListedColormap(greens[::-1])
    return Normalize(0.0, 1.0), ListedColormap(greens)


def _number(ax: Axes, row: int, column: int, value: float, cell: Any, framed: bool) -> None:
    """Write a number in the middle of a cell, black or white, whichever is legible; on hatching, with a frame."""
    luminance = float(np.dot(to_rgb(cell), (0.299, 0.587, 0.114)))
    text = f"{round(value, 2) + 0.0:.2f}".replace("-", "\N{MINUS SIGN}")
    frame = {"facecolor": to_rgb(cell), "edgecolor": "none", "pad": 1.0} if framed else None
    colour = "black" if luminance > 0.55 else "white"
    ax.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=font_size(-1), color=colour, bbox=frame)


def _share_limits(axes: Sequence[Axes]) -> None:
    """Give all Axes limits that include the contents of each; inverted axes stay inverted."""
    limits = np.sort([[ax.get_xlim(), ax.get_ylim()] for ax in axes], axis=2)
    low, high = limits[:, :, 0].min(axis=0), limits[:, :, 1].max(axis=0)
    if axes[0].get_aspect() != "auto":
        # One scale on both axes: square limits in square frames.
        middle, half = (low + high) / 2, (high - low).max() / 2
        low, high = middle - half, middle + half
    for ax in axes:
        if ax.get_aspect() != "auto":
            ax.set_adjustable("box")
        x, y = zip(low, high, strict=True)
        ax.set_xlim(x[::-1] if ax.xaxis_inverted() else x)
        ax.set_ylim(y[::-1] if ax.yaxis_inverted() else y)


def _height_above(ax: Axes) -> float:
    """Return the height in points of a legend above the frame, after drawing."""
    legend = ax.get_legend()
    if legend is None:
        return 0.0
    rise = legend.get_window_extent().y1 - ax.get_window_extent().y1
    return max(0.0, float(rise)) * 72.0 / ax.get_figure(root=True).dpi  # type: ignore[union-attr]
