"""Intrinsic timescales."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from eicon.analysis._timescales import Timescales

from ._parts import MOST_LINES, number
from ._style import E_COLOR, I_COLOR, axes_or_new, foreground, house_style, reference


@house_style
def plot_timescales(result: Timescales, *, excitatory: ArrayLike | None = None, ax: Axes | None = None) -> Axes:
    """Draw the autocorrelation of each unit and of the population, with the exponential that fits the latter.

    With more than 100 units, the range of the middle 90 % is drawn.

    Parameters
    ----------
    result : Timescales
        Result of `eicon.analysis.coding.timescales`.
    excitatory : (N,) bool array, optional
        True for E units, drawn blue; I units are red. None draws all grey.
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
    n = result.tau.size
    types = None if excitatory is None else np.asarray(excitatory)
    if types is not None and (types.dtype != np.bool_ or types.shape != (n,)):
        raise ValueError(
            f"`excitatory` must be bools, shape (N,) = ({n},); got {types.dtype}, shape {types.shape}. "
            "From Dale signs, pass sign > 0."
        )
    ax = axes_or_new(ax)
    known = np.isfinite(result.autocorrelation).all(axis=0)
    groups = [("units", known, reference())]
    if types is not None:
        groups = [("excitatory", known & types, E_COLOR), ("inhibitory", known & ~types, I_COLOR)]
    handles = []
    for name, members, colour in groups:
        if members.any():
            shown = result.autocorrelation[:, members]
            if n > MOST_LINES:
                low, high = np.quantile(shown, (0.05, 0.95), axis=1)
                ax.fill_between(result.lags, low, high, facecolor=colour, edgecolor=colour, alpha=0.25)
                name = f"90 % of {name}"
            else:
                lines = [np.column_stack([result.lags, one]) for one in shown.T]
                ax.add_collection(LineCollection(lines, colors=[colour], linewidths=0.7, alpha=0.5))
            handles.append(
                Line2D([], [], color=colour, linewidth=0.7, label=f"{name} ({_median(result.tau[members])})")
            )
    mean = result.autocorrelation[:, known].mean(axis=1) if known.any() else np.full(result.lags.size, np.nan)
    (points,) = ax.plot(result.lags, mean, "o", color=foreground(), markersize=3, label="population")
    handles.append(points)
    if np.isfinite(result.population_tau):
        handles.append(_draw_fit(ax, result))
    ax.axhline(0.0, color=reference(), linestyle=":", linewidth=1.0)
    ax.set_xlim(0.0, 1.02 * result.lags[-1])
    ax.autoscale_view(scalex=False)
    ax.set_xlabel("lag (ms)")
    ax.set_ylabel("autocorrelation over trials")
    title = f"{result.n_failed} of {n} units without a fit" if result.n_failed else None
    ax.legend(
        handles=handles,
        title=title,
        alignment="left",
        loc="upper right",
        handlelength=1.2,
        borderpad=0.2,
        frameon=True,
        framealpha=0.8,
        edgecolor="none",
    )
    return ax


def _draw_fit(ax: Axes, result: Timescales) -> Line2D:
    fine = np.linspace(result.lags[0], result.lags[-1], 200)
    curve = result.population_amplitude * np.exp(-fine / result.population_tau) + result.population_offset
    (line,) = ax.plot(
        fine, curve, color=foreground(), linewidth=1.5, label=f"exponential, {number(result.population_tau)} ms"
    )
    return line


def _median(tau: np.ndarray) -> str:
    found = tau[np.isfinite(tau)]
    return f"median {number(float(np.median(found)))} ms" if found.size else "no fit"
