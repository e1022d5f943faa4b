"""Dimensions of activity."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from eicon.analysis._dimensionality import Dimensionality

from ._style import TEAL, axes_or_new, background, house_style, neutral, reference

_SIGNAL_COLOR = TEAL


@house_style
def plot_dimensionality(result: Dimensionality, *, n_components: int = 20, ax: Axes | None = None) -> Axes:
    """Draw the variance explained by the leading components, for all samples and for what is reproduced over trials.

    Parameters
    ----------
    result : Dimensionality
        Result of `eicon.analysis.coding.dimensionality`. With conditions, the second curve is the fraction of one half
        of the trials that components of the other half predict; its marked maximum is `n_signal`.
    n_components : int
        Most components to draw.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If `n_components` < 1.
    """
    if n_components < 1:
        raise ValueError(f"`n_components` must be >= 1; got {n_components}.")
    ax = axes_or_new(ax)
    held = np.concatenate([[0.0], np.cumsum(result.explained_ratio)])[: n_components + 1]
    for level in (0.9, 0.95, 0.99):
        ax.axhline(level, color=reference(), linestyle=":", linewidth=0.8)
    ax.plot(np.arange(held.size), held, color=neutral(), marker="o", markersize=3, label="all samples")
    if result.n_signal is not None:
        repeated = 1.0 - result.split_error[: n_components + 1]
        ax.plot(np.arange(repeated.size), repeated, color=_SIGNAL_COLOR, marker="s", markersize=3, label="split halves")
        if result.n_signal < repeated.size:
            ax.plot(
                [result.n_signal],
                [repeated[result.n_signal]],
                linestyle="none",
                marker="o",
                markersize=9,
                color=_SIGNAL_COLOR,
                markerfacecolor="none",
            )
    ax.set_xlabel("components")
    ax.set_ylabel("fraction of variance")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_ylim(-0.05, 1.05)
    signal = "" if result.n_signal is None else f"signal components {result.n_signal}\n"
    ax.text(
        0.97,
        0.06,
        f"{signal}participation ratio {result.participation_ratio:.3g}\n"
        f"90, 95, 99 %: {result.n_90}, {result.n_95}, {result.n_99}\n"
        f"intrinsic (TwoNN) {result.two_nn:.2g}",
        transform=ax.transAxes,
        ha="right",
        va="bottom",
        color=neutral(),
        bbox={"facecolor": background(), "alpha": 0.8, "edgecolor": "none", "pad": 1.0},
    )
    ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, handlelength=1.4, borderpad=0.1)
    return ax
