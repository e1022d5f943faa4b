"""Shared parts of the figures: panels in the house style, colours of levels, and empty panels."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ... import analysis, plotting
from ...plotting._style import coherence_cmap, small_ticks
from ...plotting._style import panels as panels_of
from ...tasks._coherence import unit_of

INK, NEUTRAL, REFERENCE, SHADE = "#222222", "#555555", "#999999", "#ECECEC"
TEAL, ORANGE, MAGENTA = "#009988", "#EE7733", "#AA3377"
E_COLOR, I_COLOR = plotting.E_COLOR, plotting.I_COLOR
TICK_SIZE = 8.0
UNIT_LABEL = "firing rate (a.u.)"
COHERENCE_UNIT = unit_of("song2016")
COHERENCE_LABEL = f"signed coherence ({COHERENCE_UNIT})"


panels = partial(panels_of, tick_size=TICK_SIZE)
"""Function that makes a figure of Axes, to be filled inside ``with plotting.style()``."""


def mosaic(layout: list[Any], size: tuple[float, float], **options: Any) -> tuple[Figure, dict[str, Axes]]:
    """Make a figure of named Axes that may span several cells."""
    import matplotlib.pyplot as plt  # here, so that importing eicon does not resolve a backend

    figure, axes = plt.subplot_mosaic(layout, figsize=size, **options)
    for ax in axes.values():
        small_ticks(ax, TICK_SIZE)
    return figure, axes


def rows(
    columns: Sequence[int], size: tuple[float, float], *, height_ratios: Sequence[float]
) -> tuple[Figure, list[np.ndarray]]:
    """Make a figure of rows with different numbers of Axes."""
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=size)
    parts = figure.subfigures(len(columns), 1, squeeze=False, height_ratios=height_ratios)
    axes = [part.subplots(1, n, squeeze=False)[0] for part, n in zip(parts.flat, columns, strict=True)]
    for ax in np.concatenate(axes):
        small_ticks(ax, TICK_SIZE)
    return figure, axes


def title(ax: Axes, text: str) -> None:
    """Set a title at the left, in one size for all figures."""
    ax.set_title(text, loc="left", fontsize=9.5)


def draw(ax: Axes, what: Callable[..., str | None], *args: Any, **kwargs: Any) -> str | None:
    """Draw into a panel and return the function's result, or mark the panel as empty."""
    try:
        return what(*args, ax=ax, **kwargs)
    except ValueError as error:
        nothing(ax, str(error).split(";")[0])
        return None


def nothing(ax: Axes, why: str) -> None:
    """Mark a panel as empty."""
    import textwrap

    ax.clear()
    ax.set_axis_off()
    ax.text(
        0.5, 0.5, "nothing to draw:\n" + textwrap.fill(why, 32), ha="center", va="center", color=NEUTRAL, fontsize=8
    )


def level_colours(levels: Sequence[float] | np.ndarray) -> dict[float, Any]:
    """Return the colour of each level, by rank."""
    distinct = np.unique(np.asarray(levels, np.float64))
    shades = coherence_cmap()(np.linspace(0.0, 1.0, distinct.size))
    return dict(zip(distinct.tolist(), shades, strict=True))


def choices_panel(
    curves: Sequence[analysis.results.Psychometric | None], ax: Axes, *, xlabel: str, colour: str = INK
) -> None:
    """Draw the psychometric curve of the first network, and those of the others thin and grey."""
    example = curves[0]
    if example is None:
        nothing(ax, "no choices to fit a curve to")
        return
    for other in (curve for curve in curves[1:] if curve is not None):
        fine = np.linspace(other.levels[0], other.levels[-1], 201)
        ax.plot(fine, other.predict(fine), color=REFERENCE, linewidth=0.8, zorder=0)
    plotting.plot_psychometric(example, label="example", color=colour, ax=ax)
    legend = ax.get_legend()
    if legend is not None:
        legend.remove()
    ax.set_xlabel(xlabel)


def points(ax: Axes, place: float, values: Sequence[float | None], colour: str = INK) -> None:
    """Draw one point per network side by side, the first one (the example) filled."""
    known = [(i, value) for i, value in enumerate(values) if value is not None and np.isfinite(value)]
    spread = 0.08 * (np.arange(len(values)) - (len(values) - 1) / 2)
    for i, value in known:
        face = colour if i == 0 else "white"
        ax.plot(place + spread[i], value, "o", color=colour, markerfacecolor=face, markersize=5)


def handle(label: str, colour: Any = NEUTRAL, **options: Any) -> Line2D:
    """Make an entry of a legend."""
    return Line2D([], [], color=colour, label=label, **options)
