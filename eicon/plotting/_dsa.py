"""Comparison of the dynamics of two systems."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle
from matplotlib.ticker import MaxNLocator

from eicon.analysis._dsa import DynamicalSimilarity

from ._compare import pair_colors
from ._style import axes_or_new, house_style, reference, small_ticks


@house_style
def plot_dynamical_similarity(
    result: DynamicalSimilarity, *, names: tuple[str, str] = ("a", "b"), ax: Axes | None = None
) -> Axes:
    """Draw the eigenvalues of the linear maps that describe two systems, and write the distance of the maps.

    Parameters
    ----------
    result : DynamicalSimilarity
        Result of `eicon.analysis.similarity.dsa_distance`.
    names : (str, str)
        Names of the two systems.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax, figsize=(4.0, 4.0))
    small_ticks(ax)
    circle = Circle((0.0, 0.0), 1.0, fill=False, linestyle="--", linewidth=1.0, color=reference(), label="unit circle")
    ax.add_patch(circle)
    # The second is an open ring around the first, where both agree.
    looks: tuple[dict[str, Any], ...] = (
        {"marker": "o", "markersize": 4},
        {"marker": "o", "markersize": 8, "markerfacecolor": "none"},
    )
    for values, name, colour, look in zip(
        (result.eigenvalues_a, result.eigenvalues_b), names, pair_colors(), looks, strict=False
    ):
        ax.plot(values.real, values.imag, linestyle="none", color=colour, label=name, **look)
    reach = 1.08 * max(1.0, float(np.abs([result.eigenvalues_a, result.eigenvalues_b]).max()))
    ax.set_xlim(-reach, reach)
    ax.set_ylim(-reach, reach)
    ax.set_aspect("equal")
    ax.set_xlabel("Re λ (per step)")
    ax.set_ylabel("Im λ (per step)")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(5))
    unit = " rad" if result.score == "angular" else ""
    title = f"{result.score} distance {result.distance:.2g}{unit}"
    if result.null.size:
        title += f"; null {result.chance:.2g}, p = {result.p:.2g}"
    ax.legend(title=title, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, handletextpad=0.4, columnspacing=1.2)
    return ax
