"""Decoding from a population over time."""

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from eicon.analysis._decoding import Decoding

from ._parts import missing_shade
from ._style import TEAL, axes_or_new, house_style, neutral, reference

_ALPHA = 0.05


@house_style
def plot_decoding(
    result: Decoding, dt: float | int, *, start: float | int = 0.0, since: str = "", ax: Axes | None = None
) -> Axes:
    """Draw decoding accuracy over time, with the chance level and its 95th percentile.

    Parameters
    ----------
    result : Decoding
        Result of `eicon.analysis.decode`. Bins above chance (p < 0.05, uncorrected) have filled dots.
    dt : float
        Step, ms.
    start : float
        Time of the first step, ms.
    since : str
        Event at time 0, for the axis label.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If `dt` is not positive.
    """
    ax = axes_or_new(ax)
    time = _times(result, dt, start)
    tested = np.isfinite(result.chance_95).any()
    ax.plot(time, result.chance, color=reference(), linestyle="--", linewidth=1.0, label="chance")
    if tested:
        ax.fill_between(
            time,
            result.chance,
            result.chance_95,
            color=reference(),
            alpha=0.3,
            linewidth=0.0,
            label="up to 95th percentile",
        )
    ax.plot(time, result.accuracy, color=TEAL, label=f"{result.classes.size} classes")
    if tested and (better := result.p < _ALPHA).any():
        ax.plot(time[better], result.accuracy[better], "o", color=TEAL, markersize=4, label="p < 0.05")
    ax.set_ylim(min(0.0, float(np.nanmin(result.accuracy, initial=0.0))) - 0.02, 1.04)
    ax.set_xlabel(f"time since {since} (ms)" if since else "time (ms)")
    ax.set_ylabel("balanced accuracy")
    ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, handlelength=1.4, borderpad=0.1)
    return ax


@house_style
def plot_generalisation(
    result: Decoding,
    dt: float | int,
    *,
    start: float | int = 0.0,
    since: str = "",
    events: ArrayLike = (),
    ax: Axes | None = None,
) -> Axes:
    """Draw the accuracy of decoders trained at one time and tested at another.

    Parameters
    ----------
    result : Decoding
        Result of `eicon.analysis.decode`. Bins without an accuracy are grey.
    dt : float
        Step, ms.
    start : float
        Time of the first step, ms.
    since : str
        Event at time 0, for the axis labels.
    events : array of float
        Times marked by lines, ms.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If `dt` is not positive.
    """
    time = _times(result, dt, start)
    ax = axes_or_new(ax, figsize=(4.0, 3.1))
    width = float(dt) * float(result.steps[0, 1] - result.steps[0, 0])
    low, high = time[0] - width / 2, time[-1] + width / 2
    chance = 1.0 / result.classes.size
    reach = max(1.0 - chance, chance)
    image = ax.imshow(
        result.generalisation,
        cmap="PRGn",
        vmin=chance - reach,
        vmax=chance + reach,
        origin="lower",
        extent=(low, high, low, high),
        interpolation="nearest",
    )
    missing_shade(ax)
    bar = ax.figure.colorbar(image, cax=ax.inset_axes((1.04, 0.0, 0.05, 1.0)))
    bar.set_label("balanced accuracy")
    bar.ax.set_ylim(0.0, 1.0)
    bar.ax.axhline(chance, color="black", linewidth=0.8)
    for event in np.asarray(events, dtype=np.float64).reshape(-1):
        for line in (ax.axhline, ax.axvline):
            line(event, color=neutral(), linestyle="--", linewidth=0.9)
    ax.set_xlim(low, high)
    ax.set_ylim(low, high)
    ax.spines[:].set_visible(True)
    text = f"since {since} (ms)" if since else "(ms)"
    ax.set_xlabel(f"test time {text}")
    ax.set_ylabel(f"train time {text}")
    return ax


def _times(result: Decoding, dt: float | int, start: float | int) -> np.ndarray:
    """Return the middle of each bin, ms."""
    if not dt > 0:
        raise ValueError(f"`dt` must be positive (ms); got {dt}.")
    return start + (result.steps.mean(axis=1) - 0.5) * float(dt)
