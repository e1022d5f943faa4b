"""Two networks side by side, and what they have to do with time."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from eicon.analysis._interval_timing import RampIndex, ScalarVariability

from ._activity import level_bar
from ._style import (
    E_COLOR,
    FONT_SIZE,
    I_COLOR,
    NEUTRAL_COLOR,
    REFERENCE_COLOR,
    axes_or_new,
    coherence_cmap,
    house_style,
    style,
)

# Apart from the blue and red that mean E and I, and from each other in print.
PAIR_COLORS = ("#222222", "#EE7733")
"""Colours of the two networks where they share an Axes."""


def plot_pair(draws: Sequence[Sequence[Callable[[Axes], Any]]], names: Sequence[str], *, share: bool = True) -> Figure:
    """Draw the same pictures of two networks side by side.

    Parameters
    ----------
    draws : sequence of (draw_a, draw_b)
        One pair per row; each draws into the Axes that it gets, for instance
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
            f"`draws` must hold pairs of functions and `names` two names; got {len(draws)} rows "
            f"of {sorted({len(row) for row in draws})} and {len(names)} names."
        )
    with style():
        figure, grid = plt.subplots(len(draws), 2, squeeze=False, figsize=(8.4, 0.5 + 3.1 * len(draws)))
        for axes, row in zip(grid, draws, strict=True):
            for ax, draw in zip(axes, row, strict=True):
                ax.tick_params(labelsize=FONT_SIZE)
                draw(ax)
            if share:
                _share_limits(list(axes))
        figure.draw_without_rendering()  # legends above the frames have no height before
        for ax, name in zip(grid[0], names, strict=True):
            ax.set_title(name, loc="left", fontweight="bold", pad=6 + _height_above(ax))
    return figure


def _share_limits(axes: Sequence[Axes]) -> None:
    """Give Axes the limits that hold the contents of all of them; axes that are turned round stay so."""
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
    """Height in points by which a legend rises above the frame, after a draw."""
    legend = ax.get_legend()
    if legend is None:
        return 0.0
    rise = legend.get_window_extent().y1 - ax.get_window_extent().y1
    return max(0.0, float(rise)) * 72.0 / ax.get_figure(root=True).dpi  # type: ignore[union-attr]


@house_style
def plot_outputs(
    outputs: ArrayLike,
    levels: ArrayLike,
    time: ArrayLike,
    *,
    targets: ArrayLike | None = None,
    label: str = "interval",
    unit: str = "ms",
    channel: str = "output",
    since: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw one output against time, a curve per condition.

    Parameters
    ----------
    outputs : (C, T) array
        Averages per condition, as `condition_average(outputs[:, :, channel], conditions).average`; NaN is not drawn.
    levels : (C,) array
        Condition of each curve; colours go by rank.
    time : (T,) array
        Time of each step, ms.
    targets : (C, T) array, optional
        What the outputs should be, dashed.
    label, unit : str
        What the levels are and in which unit, for the colour bar. A single condition has no bar.
    channel : str
        Name of the output, for the axis label.
    since : str
        Event at time 0, for the axis label and a line at 0.
    ax : Axes, optional
        Drawn into; None makes a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If shapes do not match.
    """
    curves, values, times = (np.asarray(x, dtype=np.float64) for x in (outputs, levels, time))
    if curves.ndim != 2 or values.shape != curves.shape[:1] or times.shape != curves.shape[1:]:
        raise ValueError(
            "`outputs` must be (C, T), `levels` (C,) and `time` (T,); "
            f"got {curves.shape}, {values.shape} and {times.shape}. Take one output and average trials."
        )
    wanted = None if targets is None else np.asarray(targets, dtype=np.float64)
    if wanted is not None and wanted.shape != curves.shape:
        raise ValueError(f"`targets` must have the shape of `outputs`, {curves.shape}; got {wanted.shape}.")
    ax = axes_or_new(ax)
    ranking = np.argsort(values)
    colours = coherence_cmap()(np.linspace(0.0, 1.0, values.size))
    if since:
        ax.axvline(0.0, color=REFERENCE_COLOR, linestyle=":", linewidth=1.0)
    for row, colour in zip(ranking, colours, strict=True):
        if wanted is not None:
            ax.plot(times, wanted[row], color=colour, linestyle="--", linewidth=0.9, alpha=0.8)
        ax.plot(times, curves[row], color=colour)
    if wanted is not None:
        handles = [
            Line2D([], [], color=NEUTRAL_COLOR, label="network"),
            Line2D([], [], color=NEUTRAL_COLOR, linestyle="--", linewidth=0.9, label="target"),
        ]
        ax.legend(handles=handles, loc="upper left", handlelength=1.6)
    ax.set_xlabel(f"time since {since} (ms)" if since else "time (ms)")
    ax.set_ylabel(f"{channel} (a.u.)")
    if values.size > 1:
        level_bar(ax, values[ranking], colours, f"{label} ({unit})" if unit else label)
    return ax


@house_style
def plot_variance_explained(
    ratios: Sequence[ArrayLike], names: Sequence[str], *, most: int = 20, ax: Axes | None = None
) -> Axes:
    """Draw the cumulative variance explained by the first principal components, a curve per network.

    Parameters
    ----------
    ratios : sequence of (M,) arrays
        Fractions of variance, as `PCA.explained_ratio`.
    names : sequence of str
        Names of the networks; two at most have colours.
    most : int
        Components shown.
    ax : Axes, optional
        Drawn into; None makes a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there are not one or two networks with a name each.
    """
    if not 1 <= len(ratios) <= len(PAIR_COLORS) or len(names) != len(ratios):
        raise ValueError(
            f"`ratios` must hold one or two networks, with a name each; got {len(ratios)} and {len(names)} names."
        )
    ax = axes_or_new(ax)
    for fraction in (0.9, 0.95, 0.99):
        ax.axhline(100 * fraction, color=REFERENCE_COLOR, linestyle=":", linewidth=0.8)
    styles = zip(ratios, names, PAIR_COLORS, ("o", "s"), strict=False)
    for index, (ratio, name, colour, marker) in enumerate(styles):
        shown = 100 * np.cumsum(np.asarray(ratio, dtype=np.float64))[:most]
        # The first network is drawn larger, so that it shows around an equal second one.
        size, width = (5.0, 2.2) if index == 0 else (2.8, 1.2)
        ax.plot(np.arange(1, shown.size + 1), shown, color=colour, marker=marker, markersize=size, lw=width, label=name)
    ax.set_xlabel("principal components")
    ax.set_ylabel("variance explained (%)")
    ax.set_ylim(top=101.5)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(loc="lower right")
    return ax


@house_style
def plot_ramp_index(
    ramp: RampIndex, excitatory: ArrayLike | None = None, *, bins: int = 20, ax: Axes | None = None
) -> Axes:
    """Draw the histogram of the ramp index, excitatory blue and inhibitory red.

    Parameters
    ----------
    ramp : RampIndex
        Result of `eicon.analysis.ramp_index`. Silent units are left out and counted in the legend.
    excitatory : (N,) bool array, optional
        True for E units.
    bins : int
        Number of bins between 0 and 1.
    ax : Axes, optional
        Drawn into; None makes a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If `excitatory` does not match.
    """
    values = ramp.r_squared
    types = None if excitatory is None else np.asarray(excitatory)
    if types is not None and (types.dtype != np.bool_ or types.shape != values.shape):
        raise ValueError(
            f"`excitatory` must be bools, shape (N,) = {values.shape}; got {types.dtype}, shape {types.shape}. "
            "From Dale signs, pass sign > 0."
        )
    ax = axes_or_new(ax)
    groups = [("all", np.ones(values.size, dtype=bool), NEUTRAL_COLOR)]
    if types is not None:
        groups = [("excitatory", types, E_COLOR), ("inhibitory", ~types, I_COLOR)]
        groups = [group for group in groups if group[1].any()]
    active = np.isfinite(values)
    ax.hist(
        [values[active & members] for _, members, _ in groups],
        bins=np.linspace(0.0, 1.0, bins + 1).tolist(),
        stacked=True,
        color=[colour for _, _, colour in groups],
        label=[f"{name} ({np.count_nonzero(members)})" for name, members, _ in groups],
        edgecolor="white",
        linewidth=0.5,
    )
    if np.isfinite(ramp.median):
        ax.axvline(ramp.median, color="black", linestyle="--", linewidth=1.0, label=f"median {ramp.median:.2f}")
    if ramp.n_silent:
        ax.plot([], [], " ", label=f"{ramp.n_silent} silent, not shown")
    ax.set_xlim(0.0, 1.0)
    ax.set_xlabel("ramp index (R² of a line in time)")
    ax.set_ylabel("number of units")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, columnspacing=1.2)
    return ax


@house_style
def plot_produced_times(
    produced: ArrayLike,
    interval: ArrayLike,
    timing: ScalarVariability,
    *,
    label: str | None = None,
    color: str = PAIR_COLORS[0],
    shift: float | int = 0.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw produced against asked intervals: every trial, mean and standard deviation.

    Parameters
    ----------
    produced, interval : (B,) arrays
        Produced interval (NaN: none) and the one asked for, ms.
    timing : ScalarVariability
        Their summary, from `eicon.analysis.scalar_variability`.
    label : str, optional
        Name of the network, for a legend of several in one Axes.
    color : str
        Colour of points and bars.
    shift : float
        Moves the points sideways, ms, so that several networks in one Axes stay apart.
    ax : Axes, optional
        Drawn into; None makes a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If `produced` and `interval` are not of one length.
    """
    times, asked = np.asarray(produced, dtype=np.float64), np.asarray(interval, dtype=np.float64)
    if times.ndim != 1 or times.shape != asked.shape:
        raise ValueError(f"`produced` and `interval` must be vectors (B,); got {times.shape} and {asked.shape}.")
    ax = axes_or_new(ax)
    ends = np.array([timing.intervals[0], timing.intervals[-1]])
    margin = 0.08 * max(float(np.ptp(ends)), 0.1 * float(ends[0]))
    ends += np.array([-margin, margin])
    if not ax.lines:
        ax.plot(ends, ends, color=REFERENCE_COLOR, linestyle="--", linewidth=1.0, label="asked for")
    ax.plot(asked + shift, times, ".", color=color, markersize=3, alpha=0.35, markeredgewidth=0)
    missing = int(timing.n_missing.sum())
    notes = [f"Weber {timing.weber:.3f}"] if np.isfinite(timing.weber) else []
    notes += [f"{missing} without"] if missing else []
    text = ", ".join(([label] if label else []) + notes)
    spread = np.nan_to_num(timing.sd)
    ax.errorbar(
        timing.intervals + shift,
        timing.mean,
        yerr=spread,
        fmt="o",
        color=color,
        markersize=4.5,
        capsize=2.5,
        elinewidth=1.2,
        label=text or "mean and s.d.",
    )
    ax.set_xlabel("interval asked for (ms)")
    ax.set_ylabel("interval produced (ms)")
    ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0))
    return ax
