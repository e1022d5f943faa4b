"""Currents between populations."""

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.ticker import MaxNLocator

from eicon.analysis._currents import PopulationCurrents

from ._compare import _number
from ._parts import category_looks, missing_shade, time_label
from ._style import axes_or_new, background, foreground, house_style, line_width, reference, small_ticks

_MOST_WITH_NUMBERS = 8


@house_style
def plot_current_shares(result: PopulationCurrents, *, ax: Axes | None = None) -> Axes:
    """Draw the share of each population in the variance of the currents into each.

    Parameters
    ----------
    result : PopulationCurrents
        Result of `eicon.analysis.fits.population_currents`. Columns, the targets, sum to 1.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes
    """
    P = result.names.size
    side = max(2.2, (0.55 if P <= _MOST_WITH_NUMBERS else 0.25) * P)
    ax = axes_or_new(ax, figsize=(max(4.0, side + 1.8), side + 0.7))
    small_ticks(ax)
    missing_shade(ax)
    cmap = ListedColormap(mpl.colormaps["YlGnBu"](np.linspace(0.0, 0.95, 256)))
    mesh = ax.pcolormesh(result.share, vmin=0.0, vmax=1.0, cmap=cmap, edgecolors=background(), linewidth=1.0)
    if P <= _MOST_WITH_NUMBERS:
        for row, column in np.argwhere(np.isfinite(result.share)).tolist():
            value = float(result.share[row, column])
            _number(ax, row, column, value, cmap(value), False)
    names = [str(name) for name in result.names]
    turned: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    ax.set_xticks(np.arange(P) + 0.5, labels=names, **(turned if max(map(len, names)) > 4 else {}))
    ax.set_yticks(np.arange(P) + 0.5, labels=names)
    ax.set_xlim(0, P)
    ax.set_ylim(P, 0)
    ax.set_aspect("equal")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_xlabel("target")
    ax.set_ylabel("source")
    bar = ax.get_figure(root=True).colorbar(mesh, ax=ax, fraction=0.05, pad=0.04)  # type: ignore[union-attr]
    bar.set_label("share of variance")
    bar.ax.tick_params(labelsize=mpl.rcParams["ytick.labelsize"])
    bar.outline.set_visible(False)
    return ax


@house_style
def plot_currents(
    result: PopulationCurrents,
    target: Any,
    dt: float | int,
    *,
    trial: int | None = None,
    start: float | int = 0.0,
    since: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the mean currents into a population over time, from each population, and their sum.

    Parameters
    ----------
    result : PopulationCurrents
        Result of `eicon.analysis.fits.population_currents`.
    target : str or int
        One of its populations, over whose units currents are averaged.
    dt : float
        Step in ms.
    trial : int, optional
        Trial to draw; by default the mean over trials that have not ended.
    start : float
        Time of the first step in ms.
    since : str
        Event at time 0, for the label.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        For a population or trial that does not exist.
    """
    n_trials = result.current.shape[2]
    if trial is not None and not 0 <= trial < n_trials:
        raise ValueError(f"`trial` must be in 0..{n_trials - 1}; got {trial}.")
    curves = [result.between(source, target) for source in result.names.tolist()]
    chosen = slice(None) if trial is None else slice(trial, trial + 1)
    inside = np.isfinite(curves[0][:, chosen]).all(axis=2)
    n = inside.sum(axis=1)
    sums = [np.where(inside, curve[:, chosen].mean(axis=2), 0.0).sum(axis=1) for curve in curves]
    means = [np.divide(one, n, out=np.full(n.size, np.nan), where=n > 0) for one in sums]
    ax = axes_or_new(ax, figsize=(4.0, 3.2))
    time = start + np.arange(n.size) * dt
    ax.axhline(0.0, color=reference(), linewidth=line_width(0.8), zorder=0)
    ax.plot(time, np.sum(means, axis=0), color=foreground(), linewidth=line_width(2.0), alpha=0.8, label="sum")
    for name, mean, look in zip(result.names.tolist(), means, category_looks(len(means)), strict=True):
        ax.plot(time, mean, label=str(name), **look)
    ax.set_xlabel(time_label(since))
    ax.set_ylabel(f"current into {target} (a.u.)")
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.legend(title="from", loc="upper left", bbox_to_anchor=(1.0, 1.0), handlelength=1.5)
    return ax
