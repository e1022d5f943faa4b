"""Activity in time: rates of all units in a trial, and outputs by condition."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from ._parts import level_bar, unit_groups
from ._style import FONT_SIZE, NEUTRAL_COLOR, REFERENCE_COLOR, axes_or_new, coherence_cmap, house_style, style

FEW_STEPS = 40
"""Steps of trials that are drawn as points too."""
_TARGET_COLOR = "#EE7733"
_EPOCH_SHADES = ("#E4E4E4", "#F3F3F3")


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
        Drawn into; None makes a new figure.

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
            f"`rates` must be (T, N), one trial; got shape {values.shape}. From (T, B, N) take rates[:, b]."
        )
    if not dt > 0:
        raise ValueError(f"`dt` must be positive (ms); got {dt}.")
    groups = unit_groups(excitatory, values.shape[1])
    ax = axes_or_new(ax, figsize=(4.0, 3.0))
    time = np.arange(len(values)) * float(dt)
    handles = []
    for name, members, colour in groups:
        paths = [np.column_stack([time, trace]) for trace in values[:, members].T]
        ax.add_collection(LineCollection(paths, colors=colour, linewidths=0.8, alpha=0.6, label=name))
        handles.append(Line2D([], [], color=colour, label=f"{name} ({len(paths)})"))
    ax.autoscale_view()
    ax.set_xlim(0.0, len(values) * float(dt))
    if epochs is not None:
        _shade(ax, epochs)
    ax.set_xlabel("time (ms)")
    ax.set_ylabel("firing rate (a.u.)")
    ax.legend(handles=handles, loc="upper left", handlelength=1.2)
    return ax


def _shade(ax: Axes, epochs: Mapping[str, tuple[float | int, float | int]]) -> None:
    """Shade named periods in alternating greys, with the names above the frame."""
    for index, (name, (start, stop)) in enumerate(epochs.items()):
        ax.axvspan(start, stop, color=_EPOCH_SHADES[index % 2], linewidth=0, zorder=0)
        ax.annotate(
            name,
            ((start + stop) / 2, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
            va="bottom",
            color=NEUTRAL_COLOR,
        )


def plot_examples(
    outputs: ArrayLike, targets: ArrayLike | None, dt: float | int, *, channels: Sequence[str], titles: Sequence[str]
) -> Figure:
    """Draw outputs beside targets in single trials: a column per trial, a row per output.

    Parameters
    ----------
    outputs : (T, K, M) array
        K trials, M outputs; NaN is not drawn.
    targets : (T, K, M) array, optional
        What the outputs should be, dashed; NaN where nothing is asked for.
    dt : float
        Step, ms.
    channels : sequence of str
        Names of the M outputs.
    titles : sequence of str
        What the K trials are.

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
    with style():
        size = (1.2 + 2.6 * len(titles), 0.8 + 1.5 * len(channels))
        figure, grid = plt.subplots(len(channels), len(titles), squeeze=False, figsize=size, sharex=True, sharey="row")
        for row, (axes, channel) in enumerate(zip(grid, channels, strict=True)):
            for column, ax in enumerate(axes):
                ax.tick_params(labelsize=FONT_SIZE)
                ax.plot(time, values[:, column, row], color=NEUTRAL_COLOR, label="network", **look)
                if wanted is not None:
                    ax.plot(time, wanted[:, column, row], color=_TARGET_COLOR, linestyle="--", label="target", **look)
            axes[0].margins(y=0.1)
            axes[0].set_ylabel(f"{channel} (a.u.)")
        for ax, title in zip(grid[0], titles, strict=True):
            ax.set_title(title, loc="left", fontsize=FONT_SIZE)
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
        level_bar(ax, np.asarray(levels)[ranking], colours, f"{label} ({unit})" if unit else label)
    return ax
