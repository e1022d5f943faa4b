"""Selectivity, the weight matrix sorted by it, and eigenvalues."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from eicon.analysis._selectivity import Selectivity
from eicon.analysis._spectrum import Spectrum

from ._style import (
    E_COLOR,
    I_COLOR,
    NEUTRAL_COLOR,
    REFERENCE_COLOR,
    axes_or_new,
    house_style,
    weight_cmap,
)

_OUTLIER_COLOR = "#EE7733"


@house_style
def plot_selectivity(selectivity: Selectivity, *, bins: int = 20, ax: Axes | None = None) -> Axes:
    """Draw the histogram of d', excitatory blue and inhibitory red.

    Parameters
    ----------
    selectivity : Selectivity
        Result of `eicon.analysis.selectivity`. Infinite d' are left out of the bars and counted in a note.
    bins : int
        Number of bins, shared by both types and symmetric about 0.
    ax : Axes, optional
        Drawn into; None makes a new figure.

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    d_prime, types = selectivity.d_prime, selectivity.excitatory
    finite = np.isfinite(d_prime)
    limit = max(float(np.abs(d_prime[finite]).max(initial=0.0)), 1e-3)
    edges = np.linspace(-limit, limit, bins + 1)
    groups = [("all", np.ones(d_prime.size, dtype=bool), NEUTRAL_COLOR)]
    if types is not None:
        groups = [("excitatory", types, E_COLOR), ("inhibitory", ~types, I_COLOR)]
        groups = [group for group in groups if group[1].any()]
    ax.hist(
        [d_prime[finite & members] for _, members, _ in groups],
        bins=edges.tolist(),
        stacked=True,
        color=[colour for _, _, colour in groups],
        label=[f"{name} ({np.count_nonzero(members)})" for name, members, _ in groups],
        edgecolor="white",
        linewidth=0.5,
    )
    ax.axvline(0.0, color=REFERENCE_COLOR, linestyle=":", linewidth=1.0)
    ax.set_xlabel("selectivity d'  (> 0: prefers choice 0)")
    ax.set_ylabel("number of units")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    infinite = int(np.count_nonzero(~finite))
    ax.legend(loc="best", title=f"{infinite} with infinite d' not shown" if infinite else None)
    return ax


@house_style
def plot_connectivity(
    W: ArrayLike,
    order: ArrayLike | None = None,
    excitatory: ArrayLike | None = None,
    *,
    percentile: float | int = 98.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw the effective weight matrix, rows = presynaptic, sorted by selectivity.

    Parameters
    ----------
    W : (N, N) array
        Effective weights ``W[pre, post]``.
    order : (N,) array of int, optional
        Order of the units on both axes, as `Selectivity.order`; None keeps the order, E before I.
    excitatory : (N,) bool array, optional
        True for E units, in the order of `W`. Adds boundary lines and E/I labels; `order` must then put all E
        units before all I units.
    percentile : float
        The colour scale ends, symmetrically, at this percentile of the non-zero ``|W|``, so that a few large
        weights do not wash out the others; 100 for the maximum.
    ax : Axes, optional
        Drawn into; None makes a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If `W` is not square, `order` is not a permutation, `excitatory` does not match or is interleaved by
        `order`, or `percentile` is outside (0, 100].
    """
    weights = np.asarray(W, dtype=np.float64)
    if weights.ndim != 2 or weights.shape[0] != weights.shape[1] or weights.size == 0:
        raise ValueError(f"`W` must be square (N, N), W[pre, post]; got shape {weights.shape}.")
    if not 0 < percentile <= 100:
        raise ValueError(f"`percentile` must be in (0, 100]; got {percentile}.")
    sorting, n_excitatory = sorted_units(order, excitatory, len(weights))
    ax = axes_or_new(ax, figsize=(4.0, 3.5))
    size = np.abs(weights[weights != 0.0])
    limit = float(np.percentile(size, percentile)) if size.size else 1.0
    image = ax.imshow(
        weights[np.ix_(sorting, sorting)],
        cmap=weight_cmap(),
        vmin=-limit,
        vmax=limit,
        interpolation="nearest",
    )
    clipped = bool(size.size) and bool(size.max() > limit)
    cax = ax.inset_axes((1.04, 0.0, 0.05, 1.0))
    bar = ax.figure.colorbar(image, cax=cax, extend="both" if clipped else "neither")
    bar.set_label("effective weight")
    ax.spines[:].set_visible(True)
    ax.set_ylabel("from (presynaptic)")
    ax.set_xlabel("to (postsynaptic)")
    if n_excitatory is not None:
        _mark_types(ax, n_excitatory, len(weights))
    return ax


def sorted_units(order: ArrayLike | None, excitatory: ArrayLike | None, n: int) -> tuple[np.ndarray, int | None]:
    """Return the order of units and, if types are known, the number of E units."""
    types = None if excitatory is None else np.asarray(excitatory)
    if types is not None and (types.dtype != np.bool_ or types.shape != (n,)):
        raise ValueError(
            f"`excitatory` must be bools, shape (N,) = ({n},); got {types.dtype}, shape {types.shape}. "
            "From Dale signs, pass sign > 0."
        )
    if order is None:
        sorting = np.arange(n) if types is None else np.argsort(~types, kind="stable")
    else:
        sorting = np.asarray(order)
    if sorting.shape != (n,) or not np.array_equal(np.sort(sorting), np.arange(n)):
        raise ValueError(
            f"`order` must be a permutation of 0..{n - 1}; got shape {sorting.shape}. Pass Selectivity.order."
        )
    if types is None:
        return sorting, None
    n_excitatory = int(np.count_nonzero(types))
    if not types[sorting][:n_excitatory].all():
        raise ValueError(
            "`order` must put all E units before all I units; got them interleaved. "
            "Pass `excitatory` to selectivity() too."
        )
    return sorting, n_excitatory


def type_blocks(n_excitatory: int, n: int) -> list[tuple[str, int, int, str]]:
    """Return (name, first, last + 1, colour) of the blocks of sorted units that occur."""
    blocks = [("E", 0, n_excitatory, E_COLOR), ("I", n_excitatory, n, I_COLOR)]
    return [block for block in blocks if block[2] > block[1]]


def _mark_types(ax: Axes, n_excitatory: int, n: int) -> None:
    """Replace unit numbers by E and I at the middle of each block, with lines between the blocks."""
    blocks = type_blocks(n_excitatory, n)
    if len(blocks) == 2:
        for line in (ax.axhline, ax.axvline):
            line(n_excitatory - 0.5, color="black", linewidth=0.8)
    middles = [(start + stop - 1) / 2 for _, start, stop, _ in blocks]
    names = [name for name, _, _, _ in blocks]
    ax.set_xticks(middles, names)
    ax.set_yticks(middles, names)
    ax.tick_params(length=0)
    for texts in (ax.get_xticklabels(), ax.get_yticklabels()):
        for text, (_, _, _, colour) in zip(texts, blocks, strict=True):
            text.set(color=colour, fontweight="bold")


@house_style
def plot_spectrum(spectrum: Spectrum, *, ax: Axes | None = None) -> Axes:
    """Draw eigenvalues in the complex plane with the random-matrix circle and the stability boundary.

    Parameters
    ----------
    spectrum : Spectrum
        Result of `eicon.analysis.spectrum` or `jacobian_spectrum`. A matrix and a discrete map get the unit
        circle (a discrete map only the arc near its eigenvalues), a continuous flow the imaginary axis.
    ax : Axes, optional
        Drawn into; None makes a new figure.

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax, figsize=(4.0, 4.0))
    values, outside = spectrum.eigenvalues, spectrum.outliers
    inside = np.delete(values, outside)
    if np.isfinite(spectrum.random_radius):
        circle = Circle((spectrum.center, 0.0), spectrum.random_radius)
        circle.set(facecolor=E_COLOR, alpha=0.15, linewidth=0.0, label="random matrix")
        ax.add_patch(circle)
    ax.plot(inside.real, inside.imag, "o", color=NEUTRAL_COLOR, markersize=3, label="eigenvalues")
    if outside.size:
        far = values[outside]
        ax.plot(far.real, far.imag, "D", color=_OUTLIER_COLOR, markersize=5, label="outliers")
    _stability_boundary(ax, spectrum.map)
    unit = " (1/ms)" if spectrum.map == "continuous" else ""
    ax.set_xlabel(f"Re λ{unit}")
    ax.set_ylabel(f"Im λ{unit}")
    ax.set_aspect("equal", adjustable="datalim")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(5))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return ax


def _stability_boundary(ax: Axes, kind: str) -> None:
    """Add the imaginary axis for a flow, else the unit circle; both are drawn dashed."""
    if kind == "continuous":
        ax.axvline(0.0, color="black", linestyle="--", linewidth=1.0, label="stability boundary")
        return
    circle = Circle((0.0, 0.0), 1.0, fill=False, linestyle="--", linewidth=1.0, label="unit circle")
    if kind == "discrete":
        # The eigenvalues of a step sit close to 1: show them large, with the arc of the circle next to them.
        ax.update_datalim([(1.0, 0.0)])
        ax.add_artist(circle)
    else:
        ax.add_patch(circle)
    ax.autoscale_view()
