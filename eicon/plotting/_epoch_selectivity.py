"""Selectivity in one epoch against that in another."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from eicon.analysis._epoch_selectivity import EpochSelectivity

from ._parts import unit_groups
from ._style import axes_or_new, house_style, neutral, reference


@house_style
def plot_dprime_by_epoch(
    selectivity: EpochSelectivity,
    *,
    x: str | None = None,
    y: str | None = None,
    excitatory: ArrayLike | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw d' of every unit in one epoch against that in another, excitatory blue and inhibitory red.

    Parameters
    ----------
    selectivity : EpochSelectivity
        Result of `eicon.analysis.coding.dprime_by_epoch`. Units with infinite d' are left out and counted in the
        legend.
    x, y : str, optional
        Epochs of the axes; None takes the first and the last.
    excitatory : (N,) bool array, optional
        True for E units; None draws all units grey.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there is no such epoch, or `excitatory` does not match.
    """
    names = selectivity.names
    chosen = [names[0] if x is None else x, names[-1] if y is None else y]
    for name in chosen:
        if name not in names:
            raise ValueError(f"`x` and `y` must be among the epochs {', '.join(names)}; got {name!r}.")
    rows = [names.index(name) for name in chosen]
    points = selectivity.d_prime[rows]
    groups = unit_groups(excitatory, points.shape[1])
    ax = axes_or_new(ax, figsize=(4.0, 4.0))
    finite = np.isfinite(points).all(axis=0)
    limit = 1.08 * max(float(np.abs(points[:, finite]).max(initial=0.0)), 1e-3)
    for line in (ax.axhline, ax.axvline):
        line(0.0, color=reference(), linestyle=":", linewidth=1.0)
    ax.plot([-limit, limit], [-limit, limit], color=reference(), linestyle="--", linewidth=1.0)
    for name, members, colour in groups:
        kept = members[finite[members]]
        marker = "^" if name == "inhibitory" else "o"
        ax.plot(*points[:, kept], marker, color=colour, markersize=4, alpha=0.7, markeredgewidth=0, label=name)
    left_out = int(np.count_nonzero(~finite))
    if left_out:
        ax.plot([], [], " ", label=f"{left_out} infinite, not shown")
    ax.set_xlim(-limit, limit)
    ax.set_ylim(-limit, limit)
    ax.set_aspect("equal", adjustable="box")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(6))
    ax.set_xlabel(f"d' in {chosen[0]}")
    ax.set_ylabel(f"d' in {chosen[1]}")
    r = selectivity.correlation[rows[0], rows[1]]
    if np.isfinite(r):
        ax.text(0.97, 0.03, f"r = {r:.2f}", transform=ax.transAxes, ha="right", color=neutral())
    ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, handletextpad=0.2, columnspacing=1.2)
    return ax
