"""Units that ramp, and produced intervals."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from eicon.analysis._interval_timing import RampIndex, ScalarVariability

from ._compare import PAIR_COLORS
from ._style import E_COLOR, I_COLOR, axes_or_new, background, foreground, house_style, neutral, reference


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
        Axes to draw into; None makes a new figure.

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
    groups = [("all", np.ones(values.size, dtype=bool), neutral())]
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
        edgecolor=background(),
        hatch=["////" if name == "inhibitory" else "" for name, _, _ in groups],  # distinguishable in grey
        linewidth=0.5,
    )
    if np.isfinite(ramp.median):
        ax.axvline(ramp.median, color=foreground(), linestyle="--", linewidth=1.0, label=f"median {ramp.median:.2f}")
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
    """Draw produced against requested intervals: every trial, mean and standard deviation.

    Parameters
    ----------
    produced, interval : (B,) arrays
        Produced interval (NaN: none) and requested interval, ms.
    timing : ScalarVariability
        Summary of the intervals, from `eicon.analysis.scalar_variability`.
    label : str, optional
        Name of the network, for a legend of several in one Axes.
    color : str
        Colour of points and bars.
    shift : float
        Horizontal shift of the points, ms, to separate several networks in one Axes.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

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
        ax.plot(ends, ends, color=reference(), linestyle="--", linewidth=1.0, label="requested")
    ax.plot(asked + shift, times, ".", color=color, markersize=3, alpha=0.35, markeredgewidth=0)
    missing = int(timing.n_missing.sum())
    notes = [f"Weber {timing.weber:.3f}"] if np.isfinite(timing.weber) else []
    notes += [f"{missing} without response"] if missing else []
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
    ax.set_xlabel("requested interval (ms)")
    ax.set_ylabel("produced interval (ms)")
    ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0))
    return ax
