"""Intrinsic timescales."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from eicon.analysis._timescales import Timescales

from ._style import E_COLOR, I_COLOR, REFERENCE_COLOR, axes_or_new, house_style


@house_style
def plot_timescales(result: Timescales, *, excitatory: ArrayLike | None = None, ax: Axes | None = None) -> Axes:
    """Draw the autocorrelation of each unit and of the population, with the exponential that fits the latter.

    Parameters
    ----------
    result : Timescales
        Result of `eicon.analysis.coding.timescales`.
    excitatory : (N,) bool array, optional
        True for E units, drawn blue; I units are red. None draws all grey.
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
    n = result.tau.size
    types = None if excitatory is None else np.asarray(excitatory)
    if types is not None and (types.dtype != np.bool_ or types.shape != (n,)):
        raise ValueError(
            f"`excitatory` must be bools, shape (N,) = ({n},); got {types.dtype}, shape {types.shape}. "
            "From Dale signs, pass sign > 0."
        )
    ax = axes_or_new(ax)
    known = np.isfinite(result.autocorrelation).all(axis=0)
    groups = [("units", known, REFERENCE_COLOR)]
    if types is not None:
        groups = [("excitatory", known & types, E_COLOR), ("inhibitory", known & ~types, I_COLOR)]
    handles = []
    for name, members, colour in groups:
        if members.any():
            lines = [np.column_stack([result.lags, one]) for one in result.autocorrelation[:, members].T]
            ax.add_collection(LineCollection(lines, colors=[colour], linewidths=0.7, alpha=0.5))
            handles.append(
                Line2D([], [], color=colour, linewidth=0.7, label=f"{name} ({_median(result.tau[members])})")
            )
    mean = result.autocorrelation[:, known].mean(axis=1) if known.any() else np.full(result.lags.size, np.nan)
    (points,) = ax.plot(result.lags, mean, "o", color="black", markersize=3, label="population")
    handles.append(points)
    if np.isfinite(result.population_tau):
        handles.append(_draw_fit(ax, result))
    ax.axhline(0.0, color=REFERENCE_COLOR, linestyle=":", linewidth=1.0)
    ax.set_xlim(0.0, 1.02 * result.lags[-1])
    ax.autoscale_view(scalex=False)
    ax.set_xlabel("lag (ms)")
    ax.set_ylabel("autocorrelation over trials")
    title = f"{result.n_failed} of {n} units without a fit" if result.n_failed else None
    ax.legend(handles=handles, title=title, loc="upper right", handlelength=1.2, borderpad=0.1)
    return ax


def _draw_fit(ax: Axes, result: Timescales) -> Line2D:
    fine = np.linspace(result.lags[0], result.lags[-1], 200)
    curve = result.population_amplitude * np.exp(-fine / result.population_tau) + result.population_offset
    (line,) = ax.plot(fine, curve, color="black", linewidth=1.5, label=f"exponential, {result.population_tau:.3g} ms")
    return line


def _median(tau: np.ndarray) -> str:
    found = tau[np.isfinite(tau)]
    return f"median {np.median(found):.3g} ms" if found.size else "no fit"
