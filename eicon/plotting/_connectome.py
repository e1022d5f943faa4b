"""A wiring diagram: its matrix, its degrees and its weights."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from ._style import (
    E_COLOR,
    I_COLOR,
    PURPLE,
    background,
    font_size,
    house_style,
    ink,
    label_size,
    line_width,
    neutral,
    panel_letters,
    small_ticks,
)

MOST_NAMES = 60
PIXELS = 600
ORDERS = ("region", "type", "cell_type", "class")
"""Labels by which units are ordered; the first one found is used."""
NARROW: Any = {"handlelength": 1.0, "columnspacing": 1.0, "handletextpad": 0.5}
SHORT = {"excitatory": "E", "inhibitory": "I", "unknown sign": "?"}
HATCHES = {"excitatory": "", "inhibitory": "////", "unknown sign": "...."}
"""Hatches that distinguish signs in grey."""


class _Drawn(NamedTuple):
    """Connections in the order in which they are drawn."""

    n: int
    source: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    signs: np.ndarray
    names: Sequence[str]
    groups: list[tuple[str, int]]
    """Label and number of units of each group, where units are ordered by a label."""


def _signs() -> tuple[tuple[str, int, str], ...]:
    """Names of signs, their values and their colours."""
    return ("excitatory", 1, E_COLOR), ("inhibitory", -1, I_COLOR), ("unknown sign", 0, neutral())


@house_style
def plot_connectome(
    connectome: Any,
    names: Sequence[str] = (),
    sign: ArrayLike | None = None,
    *,
    order: str | None = None,
    title: str | None = None,
) -> Figure:
    """Draw the matrix of a connectome with its degree and weight distributions.

    Parameters
    ----------
    connectome : Connectome, or array of shape (n, n)
        Connectome, or ``weights[source, target]``, >= 0. Excitatory connections are blue, inhibitory ones red, those
        of unknown sign grey, in logarithmic shades; for large connectomes, each pixel shows its strongest connection.
    names : sequence of str
        For an array: names of the units; written next to the matrix if there are at most 60.
    sign : array, shape (n,), optional
        For an array: +1, -1 or 0 (unknown).
    order : str, optional
        Label of the connectome by which units are ordered; by default the first of ``region``, ``type``, ``cell_type``
        and ``class`` that exists. ``""`` keeps the original order.
    title : str, optional
        Title; by default the name and species of the connectome.

    Raises
    ------
    ValueError
        If the matrix is not square, has no connection, or lacks the label.
    """
    import matplotlib.pyplot as plt  # here, so that importing eicon.plotting does not resolve a backend

    drawn = _drawn(connectome, names, sign, order)
    if title is None:
        species = getattr(connectome, "species", "")
        title = getattr(connectome, "name", "") + (f" ({species})" if species else "")
    named = 0 < len(drawn.names) <= MOST_NAMES or bool(drawn.groups)
    figure = plt.figure(figsize=(9.5, 6.4 if named else 5.2))
    layout = figure.add_gridspec(2, 2, width_ratios=(1.9, 1.0))
    matrix, degrees, sizes = (figure.add_subplot(layout[where]) for where in ((slice(None), 0), (0, 1), (1, 1)))
    _matrix(matrix, drawn)
    _degrees(degrees, drawn)
    _sizes(sizes, drawn)
    for ax in (degrees, sizes):
        small_ticks(ax)
    panel_letters((matrix, degrees, sizes))
    figure.suptitle(title, fontsize=label_size())
    return figure


def _drawn(connectome: Any, names: Sequence[str], sign: ArrayLike | None, order: str | None) -> _Drawn:
    if hasattr(connectome, "adjacency"):
        parts = connectome.source, connectome.target, connectome.weight, connectome.signs
        n, names, labels = connectome.n, connectome.names, connectome.labels
    else:
        weights = np.asarray(connectome, np.float64)
        if weights.ndim != 2 or weights.shape[0] != weights.shape[1]:
            raise ValueError(f"weights must be square, weights[source, target]; got shape {weights.shape}.")
        n, labels = len(weights), {}
        source, target = np.nonzero(weights > 0)
        parts = (
            source,
            target,
            weights[source, target],
            (np.zeros(n, int) if sign is None else np.asarray(sign))[source],
        )
    if not len(parts[0]):
        raise ValueError("weights contains no connection.")
    if order is None:
        order = next((label for label in ORDERS if label in labels), "")
    if not order:
        return _Drawn(n, *parts, names, [])
    if order not in labels:
        raise ValueError(f"there is no label {order!r} to order units by; there are {', '.join(labels) or 'none'}.")
    values = list(dict.fromkeys(labels[order]))
    code = np.array([values.index(value) for value in labels[order]]) if len(values) <= MOST_NAMES else None
    if code is None:  # too many to read
        known, first, code = np.unique(labels[order], return_index=True, return_inverse=True)
        code = np.argsort(np.argsort(first))[code]
        values = known[np.argsort(first)].tolist()
    units = np.argsort(code, kind="stable")
    place = np.argsort(units)
    counts = np.bincount(code)
    groups = list(zip((value or "(unknown)" for value in values), counts.tolist(), strict=True))
    source, target, weight, signs = parts
    return _Drawn(n, place[source], place[target], weight, signs, [names[i] for i in units], groups)


def _matrix(ax: Axes, drawn: _Drawn) -> None:
    low, high = float(drawn.weight.min()), float(drawn.weight.max())
    norm = LogNorm(low, high) if high > low else Normalize(0, high)
    side = min(drawn.n, PIXELS)
    pixel = (drawn.source.astype(np.int64) * side // drawn.n) * side + drawn.target.astype(np.int64) * side // drawn.n
    picture, strongest = np.zeros((side * side, 4)), np.zeros(side * side)
    bars = []
    for name, value, colour in _signs():
        of = drawn.signs == value
        if not of.any():
            continue
        colours = LinearSegmentedColormap.from_list(name, [_pale(colour), to_rgb(colour)])
        weights = np.zeros(side * side)
        np.maximum.at(weights, pixel[of], drawn.weight[of])
        wins = weights > strongest
        picture[wins] = colours(norm(weights[wins]))
        strongest = np.maximum(strongest, weights)
        bars.append((name, ScalarMappable(norm, colours)))
    box = (-0.5, drawn.n - 0.5, drawn.n - 0.5, -0.5)
    ax.imshow(picture.reshape(side, side, 4), interpolation="nearest", extent=box)
    for i, (name, bar) in enumerate(reversed(bars)):  # the first is drawn outermost, and has the numbers for all
        shown = ax.figure.colorbar(bar, ax=ax, shrink=0.7, pad=0.01, aspect=35)
        shown.ax.tick_params(which="both", right=i == 0, labelright=i == 0)
        if len(bars) > 1:
            shown.ax.set_title(SHORT[name], fontsize=font_size(-1))
        if i == 0:
            shown.set_label("anatomical weight")
    ax.spines[:].set_visible(True)
    ax.set_ylabel("from (source)")
    ax.set_xlabel("to (target)")
    _ticks(ax, drawn)


def _pale(colour: str) -> tuple[float, float, float]:
    red, green, blue = (
        0.75 * back + 0.25 * part for back, part in zip(to_rgb(background()), to_rgb(colour), strict=True)
    )
    return red, green, blue


def _ticks(ax: Axes, drawn: _Drawn) -> None:
    if drawn.groups and len(drawn.groups) < drawn.n:
        ends = np.cumsum([count for _, count in drawn.groups])
        if len(drawn.groups) <= MOST_NAMES:
            for end in ends[:-1]:
                ax.axhline(end - 0.5, color=ink(0.2), linewidth=0.4)
                ax.axvline(end - 0.5, color=ink(0.2), linewidth=0.4)
        texts = [name for name, _ in drawn.groups]
        places = (ends - np.array([count for _, count in drawn.groups]) / 2 - 0.5).tolist()
    else:
        texts, places = list(drawn.names), list(range(drawn.n))
    if 0 < len(texts) <= MOST_NAMES + 10:
        size = font_size(-1 if len(texts) <= 30 else -4)
        ax.set_xticks(places, texts, rotation=90, fontsize=size)
        ax.set_yticks(places, texts, fontsize=size)


def _degrees(ax: Axes, drawn: _Drawn) -> None:
    counts = [np.bincount(ends, minlength=drawn.n) for ends in (drawn.source, drawn.target)]
    low, high = min(c.min() for c in counts), max(c.max() for c in counts)
    width = max(1, -(-(high - low + 1) // 15))
    edges = np.arange(low, high + width + 1, width) - 0.5  # bins of whole numbers, all of the same width
    styles = (("targets (out)", "#228833", "-"), ("sources (in)", PURPLE, "--"))
    for values, (name, colour, line) in zip(counts, styles, strict=True):
        shape: Any = {"histtype": "step", "color": colour, "linewidth": line_width(1.5), "linestyle": line}
        ax.hist(values, bins=edges.tolist(), label=name, **shape)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    ax.set_xlabel("connections of a unit")
    ax.set_ylabel("number of units")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=font_size(-1.5), **NARROW)


def _sizes(ax: Axes, drawn: _Drawn) -> None:
    low, high = drawn.weight.min(), drawn.weight.max()
    edges = np.geomspace(low, high, 30) if high > low else np.linspace(0.5 * low, 1.5 * low, 3)
    if (drawn.weight == np.round(drawn.weight)).all():  # counts: no bin without a whole number in it
        edges = np.unique(np.concatenate([np.floor(edges), [high + 1]])) - 0.5
    groups = [(name, drawn.weight[drawn.signs == value], colour) for name, value, colour in _signs()]
    groups = [group for group in groups if group[1].size]
    ax.hist(
        [values for _, values, _ in groups],
        bins=edges.tolist(),
        stacked=True,
        color=[colour for _, _, colour in groups],
        label=[name for name, _, _ in groups],
        hatch=[HATCHES[name] for name, _, _ in groups],
        edgecolor=background(),
        linewidth=0.0,
    )
    if high > low:
        ax.set_xscale("log")
    ax.set_xlabel("anatomical weight")
    ax.set_ylabel("number of connections")
    if len(groups) > 1:
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(groups), fontsize=font_size(-1.5), **NARROW)
