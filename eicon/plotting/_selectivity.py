"""Selectivity of units."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from eicon.analysis._selectivity import Selectivity

from ._style import E_COLOR, I_COLOR, axes_or_new, background, house_style, neutral, reference

_ALPHA = 0.05


@house_style
def plot_selectivity(
    selectivity: Selectivity, *, bins: int = 20, first: str = "choice 0", ax: Axes | None = None
) -> Axes:
    """Draw the histogram of d', excitatory blue and inhibitory red.

    Parameters
    ----------
    selectivity : Selectivity
        Result of `eicon.analysis.selectivity`. Infinite d' are left out of the bars and counted in a note; units with
        ``p_value < 0.05`` are counted in the legend where there were permutations.
    bins : int
        Number of bins, shared by both types and symmetric about 0.
    first : str
        Name of label 0, if it is not a choice, for the axis label.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    d_prime, types = selectivity.d_prime, selectivity.excitatory
    finite = np.isfinite(d_prime)
    limit = max(float(np.abs(d_prime[finite]).max(initial=0.0)), 1e-3)
    edges = np.linspace(-limit, limit, bins + 1)
    groups = [("all", np.ones(d_prime.size, dtype=bool), neutral())]
    if types is not None:
        groups = [("excitatory", types, E_COLOR), ("inhibitory", ~types, I_COLOR)]
        groups = [group for group in groups if group[1].any()]
    ax.hist(
        [d_prime[finite & members] for _, members, _ in groups],
        bins=edges.tolist(),
        stacked=True,
        color=[colour for _, _, colour in groups],
        label=[f"{name} ({_counted(selectivity.p_value[members])})" for name, members, _ in groups],
        edgecolor=background(),
        hatch=["////" if name == "inhibitory" else "" for name, _, _ in groups],  # distinguishable in grey
        linewidth=0.5,
    )
    ax.axvline(0.0, color=reference(), linestyle=":", linewidth=1.0)
    ax.set_xlabel(f"selectivity d'  (> 0: prefers {first})")
    ax.set_ylabel("number of units")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    columns = 2 if np.isnan(selectivity.p_value).all() else 1
    infinite = int(np.count_nonzero(~finite))
    title = f"{infinite} with infinite d' not shown" if infinite else None
    ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=columns, borderaxespad=0.2, title=title)
    return ax


def _counted(p_values: np.ndarray) -> str:
    """Return the number of units, and of selective ones if that was tested."""
    if np.isnan(p_values).all():
        return str(p_values.size)
    return f"{np.count_nonzero(p_values < _ALPHA)} of {p_values.size} with p < {_ALPHA:g}"
