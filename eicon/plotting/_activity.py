"""Activity in time: rates of all units in a trial, and outputs by condition."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from ._parts import (
    MOST_LINES,
    level_bar,
    level_colours,
    missing_shade,
    name_period,
    time_label,
    unit_groups,
    with_unit,
)
from ._style import (
    ORANGE,
    axes_or_new,
    coherence_cmap,
    font_size,
    house_style,
    ink,
    neutral,
    reference,
    small_ticks,
    weight_cmap,
)

FEW_STEPS = 40
"""Most steps of trials that are also drawn as points."""
_TARGET_COLOR = ORANGE
_EPOCH_SHADES = (0.106, 0.047)


@house_style
def plot_activity(
    rates: ArrayLike,
    excitatory: ArrayLike | None,
    dt: float | int,
    *,
    epochs: Mapping[str, tuple[float | int, float | int]] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the rates of all units in one trial, excitatory blue and inhibitory red.

    More than 100 units are drawn as a matrix with a row for each: E above I, sorted by the time of the peak.

    Parameters
    ----------
    rates : (T, N) array
        One trial; step t is drawn at ``t * dt``.
    excitatory : (N,) bool array or None
        True for E units; None draws all units grey.
    dt : float
        Step, ms.
    epochs : mapping of str to (start, stop), optional
        Named periods in ms, shaded.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If `rates` is not (T, N), `excitatory` does not match it, or `dt` is not positive.
    """
    values = np.asarray(rates, dtype=np.float64)
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(
            f"`rates` must be (T, N), one trial; got shape {values.shape}. From (T, B, N), pass rates[:, b]."
        )
    if not dt > 0:
        raise ValueError(f"`dt` must be positive (ms); got {dt}.")
    groups = unit_groups(excitatory, values.shape[1])
    ax = axes_or_new(ax, figsize=(4.0, 3.0))
    ax.set_xlim(0.0, len(values) * float(dt))
    ax.set_xlabel("time (ms)")
    if values.shape[1] > MOST_LINES:
        _draw_matrix(ax, values, groups, float(dt))
    else:
        _draw_curves(ax, values, groups, float(dt))
    if epochs is not None:
        _shade(ax, epochs)
    return ax


def _draw_curves(ax: Axes, values: np.ndarray, groups: list[tuple[str, np.ndarray, str]], dt: float) -> None:
    time = np.arange(len(values)) * dt
    handles = []
    # The smaller group is on top, so that it is visible.
    for name, members, colour in sorted(groups, key=lambda group: -group[1].size):
        dash: Any = (0, (3.0, 1.0)) if name == "inhibitory" else "-"  # distinguishable in grey
        paths = [np.column_stack([time, trace]) for trace in values[:, members].T]
        ax.add_collection(LineCollection(paths, colors=colour, linewidths=0.8, linestyles=dash, alpha=0.6, label=name))
        handles.append(Line2D([], [], color=colour, linestyle=dash, label=f"{name} ({len(paths)})"))
    ax.autoscale_view(scalex=False)
    ax.margins(y=0.08)
    ax.set_ylabel("firing rate (a.u.)")
    ax.legend(
        handles=sorted(handles, key=lambda handle: str(handle.get_label())),
        loc="upper left",
        handlelength=1.8,
        frameon=True,
        framealpha=0.8,
        edgecolor="none",
    )


def _draw_matrix(ax: Axes, values: np.ndarray, groups: list[tuple[str, np.ndarray, str]], dt: float) -> None:
    """Draw rates as colours; if they may be negative, on a map centred on 0."""
    known = np.where(np.isfinite(values), values, -np.inf)
    order = np.concatenate([members[np.argsort(known[:, members].argmax(axis=0))] for _, members, _ in groups])
    top = float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 1.0
    signed = bool(np.nanmin(np.where(np.isfinite(values), values, 0.0)) < 0.0)
    missing_shade(ax)
    image = ax.imshow(
        values.T[order],
        cmap=weight_cmap() if signed else coherence_cmap(),
        vmin=-top if signed else 0.0,
        vmax=top or 1.0,
        aspect="auto",
        interpolation="nearest",
        extent=(0.0, len(values) * dt, values.shape[1] - 0.5, -0.5),
        zorder=1,
    )
    ax.figure.colorbar(image, cax=ax.inset_axes((1.04, 0.0, 0.05, 1.0))).set_label("firing rate (a.u.)")
    if len(groups) == 1:
        ax.set_ylabel("unit, by the time of its peak")
        return
    first = groups[0][1].size
    ax.axhline(first - 0.5, color="white", linewidth=1.2)
    ax.set_yticks(
        [first / 2, (first + order.size) / 2], [f"{name[0].upper()} ({members.size})" for name, members, _ in groups]
    )
    for text, (_, _, colour) in zip(ax.get_yticklabels(), groups, strict=True):
        text.set_color(colour)
    ax.tick_params(axis="y", length=0)
    ax.set_ylabel("unit, by the time of its peak")


def _shade(ax: Axes, epochs: Mapping[str, tuple[float | int, float | int]]) -> None:
    """Shade named periods in alternating greys, with the names above the frame."""
    for index, (name, (start, stop)) in enumerate(epochs.items()):
        ax.axvspan(start, stop, color=ink(_EPOCH_SHADES[index % 2]), linewidth=0, zorder=0)
        name_period(ax, name, start, stop)


@house_style
def plot_examples(
    outputs: ArrayLike, targets: ArrayLike | None, dt: float | int, *, channels: Sequence[str], titles: Sequence[str]
) -> Figure:
    """Draw outputs and targets in single trials: a column per trial, a row per output.

    Parameters
    ----------
    outputs : (T, K, M) array
        K trials, M outputs; NaN is not drawn.
    targets : (T, K, M) array, optional
        Target outputs, dashed; NaN where there is no target.
    dt : float
        Step, ms.
    channels : sequence of str
        Names of the M outputs.
    titles : sequence of str
        Titles of the K trials.

    Raises
    ------
    ValueError
        If shapes or names do not match.
    """
    import matplotlib.pyplot as plt  # here, so that importing eicon.plotting does not resolve a backend

    values = np.asarray(outputs, dtype=np.float64)
    wanted = None if targets is None else np.asarray(targets, dtype=np.float64)
    if values.ndim != 3 or values.shape[1:] != (len(titles), len(channels)):
        raise ValueError(
            f"`outputs` must be (T, K, M) with K `titles` and M `channels`; got {values.shape}, {len(titles)} and "
            f"{len(channels)}."
        )
    if wanted is not None and wanted.shape != values.shape:
        raise ValueError(f"`targets` must have the shape of `outputs`, {values.shape}; got {wanted.shape}.")
    time = np.arange(len(values)) * float(dt)
    look = {"marker": "o", "markersize": 3} if len(values) <= FEW_STEPS else {}
    size = (1.2 + 2.6 * len(titles), 0.8 + 1.5 * len(channels))
    figure, grid = plt.subplots(len(channels), len(titles), squeeze=False, figsize=size, sharex=True, sharey="row")
    for row, (axes, channel) in enumerate(zip(grid, channels, strict=True)):
        for column, ax in enumerate(axes):
            small_ticks(ax)
            ax.plot(time, values[:, column, row], color=neutral(), label="network", **look)
            if wanted is not None:
                ax.plot(time, wanted[:, column, row], color=_TARGET_COLOR, linestyle="--", label="target", **look)
        axes[0].margins(y=0.1)
        axes[0].set_ylabel(f"{channel} (a.u.)")
    for ax, title in zip(grid[0], titles, strict=True):
        ax.set_title(title, loc="left", fontsize=font_size())
    for ax in grid[-1]:
        ax.set_xlabel("time (ms)")
    handles, names = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper right", ncols=2)
    return figure


@house_style
def plot_outputs(
    outputs: ArrayLike,
    levels: ArrayLike,
    time: ArrayLike,
    *,
    targets: ArrayLike | None = None,
    label: str = "condition",
    unit: str = "",
    channel: str = "output",
    since: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw one output against time, a curve per condition.

    Parameters
    ----------
    outputs : (C, T) array
        Averages per condition, such as `condition_average(outputs[:, :, channel], conditions).average`; NaN is not
        drawn.
    levels : (C,) array
        Condition of each curve; colours go by rank, or for angles (`unit` "deg" or "rad") around a circle.
    time : (T,) array
        Time of each step, ms.
    targets : (C, T) array, optional
        Target outputs, dashed.
    label, unit : str
        Name and unit of the levels, for the colour bar. A single condition has no bar.
    channel : str
        Name of the output, for the axis label.
    since : str
        Event at time 0, for the axis label and a line at 0.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

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
            f"got {curves.shape}, {values.shape} and {times.shape}. Pass one output, averaged over trials."
        )
    wanted = None if targets is None else np.asarray(targets, dtype=np.float64)
    if wanted is not None and wanted.shape != curves.shape:
        raise ValueError(f"`targets` must have the shape of `outputs`, {curves.shape}; got {wanted.shape}.")
    ax = axes_or_new(ax)
    ranking = np.argsort(values)
    bar = with_unit(label, unit)
    colours = level_colours(np.sort(values), bar)
    if since:
        ax.axvline(0.0, color=reference(), linestyle=":", linewidth=1.0)
    for row, colour in zip(ranking, colours, strict=True):
        if wanted is not None:
            ax.plot(times, wanted[row], color=colour, linestyle="--", linewidth=0.9, alpha=0.8)
        ax.plot(times, curves[row], color=colour)
    if wanted is not None:
        handles = [
            Line2D([], [], color=neutral(), label="network"),
            Line2D([], [], color=neutral(), linestyle="--", linewidth=0.9, label="target"),
        ]
        ax.legend(handles=handles, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, handlelength=1.6)
    ax.set_xlabel(time_label(since))
    ax.set_ylabel(f"{channel} (a.u.)")
    if values.size > 1:
        level_bar(ax, np.asarray(levels)[ranking], colours, bar)
    return ax
