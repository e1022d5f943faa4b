"""Convergence of Lyapunov exponents."""

import numpy as np
from matplotlib.axes import Axes

from eicon.analysis._lyapunov import Lyapunov

from ._style import axes_or_new, coherence_cmap, house_style, reference

_SETTLED = 0.1  # fraction of the run: earlier estimates may leave the frame


@house_style
def plot_lyapunov(result: Lyapunov, *, n_exponents: int = 4, ax: Axes | None = None) -> Axes:
    """Draw the estimates of the leading exponents against run length, with the final standard errors as bands.

    Parameters
    ----------
    result : Lyapunov
        Result of `eicon.analysis.lyapunov`.
    n_exponents : int
        Most exponents to draw.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If `n_exponents` < 1.
    """
    if n_exponents < 1:
        raise ValueError(f"`n_exponents` must be >= 1; got {n_exponents}.")
    ax = axes_or_new(ax)
    drawn = min(n_exponents, result.exponents.size)
    seconds = result.time / 1000.0 if (long := result.time[-1] >= 10_000.0) else result.time
    ax.axhline(0.0, color=reference(), linestyle=":", linewidth=1.0)
    for index, colour in enumerate(coherence_cmap()(np.linspace(0.0, 1.0, drawn))):
        final, error = result.exponents[index], result.standard_error[index]
        ax.plot(
            seconds,
            result.running[:, index],
            color=colour,
            label=f"λ{index + 1} = {final:.3g}".replace("-", "\N{MINUS SIGN}"),
        )
        if np.isfinite(error):
            ax.axhspan(final - error, final + error, color=colour, alpha=0.2, linewidth=0.0)
    settled = result.running[int(_SETTLED * len(result.time)) :, :drawn]
    low, high = (min(settled.min(), 0.0), max(settled.max(), 0.0)) if np.isfinite(settled).all() else ax.get_ylim()
    margin = 0.08 * (high - low) or 1.0
    ax.set_ylim(low - margin, high + margin)
    ax.set_xlim(0.0, seconds[-1])
    ax.set_xlabel(f"time ({'s' if long else 'ms'})")
    ax.set_ylabel("Lyapunov exponent (1/ms)")
    dimension = f"{result.kaplan_yorke:.3g}" if np.isfinite(result.kaplan_yorke) else "not known"
    ax.legend(
        title=f"{drawn} of {result.state.size} exponents, dimension {dimension}",
        alignment="left",
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=2,
        handlelength=1.2,
        borderpad=0.1,
    )
    return ax
