"""Stiff and sloppy directions of fits."""

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import ArrayLike

from ._fits import _curve, _seeds, recorded_axis
from ._parts import category_looks
from ._style import axes_or_new, house_style, line_width, neutral, reference


@house_style
def plot_stiffness(
    spectra: Mapping[int, ArrayLike],
    *,
    fraction: float | None = 1e-3,
    smallest: float = 1e-10,
    ax: Axes | None = None,
) -> Axes:
    """Draw the curvatures of fits, each over its largest, for several numbers of recorded units.

    Parameters
    ----------
    spectra : mapping of int to (K,) array
        Numbers of recorded units, and the ``values`` of `eicon.studies.fits.stiffness`, descending.
    fraction : float, optional
        Dotted line above which directions count as fixed.
    smallest : float
        Curvatures below this fraction of the largest are rounding errors and are not drawn.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there is no spectrum, or one has no curvature > 0.
    """
    if not spectra:
        raise ValueError("`spectra` must have at least one spectrum; got none.")
    ax = axes_or_new(ax, figsize=(4.0, 3.4))
    if fraction is not None:
        ax.axhline(fraction, color=reference(), linestyle=":", linewidth=line_width(1.0), zorder=0)
    for shade, (number, given) in zip(number_shades(len(spectra)), sorted(spectra.items()), strict=True):
        values = np.asarray(given, np.float64)
        if values.ndim != 1 or not values.size or not values[0] > 0:
            raise ValueError(f"`spectra` of {number} must be curvatures (K,), the first > 0; got {values!r:.60}.")
        shown = values / values[0]
        places = np.flatnonzero(shown >= smallest)
        ax.plot(places + 1, shown[places], color=shade, marker="o", markersize=2.5, label=str(number))
    direction_axes(ax, "curvature / largest")
    return ax


def number_shades(n: int) -> np.ndarray:
    """Return colours (n, 4) of ascending numbers of recorded units."""
    return mpl.colormaps["viridis"](np.linspace(0.0, 0.85, n))


def direction_axes(ax: Axes, label: str) -> None:
    """Label logarithmic axes over directions, and name the curves by numbers of recorded units."""
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.set_xlabel("direction, from stiff to sloppy")
    ax.set_ylabel(label)
    ax.legend(title="recorded\nunits", loc="upper left", bbox_to_anchor=(1.0, 1.0), handlelength=1.2)


@house_style
def plot_fixed_directions(
    n_recorded: ArrayLike,
    n_fixed: Mapping[str, ArrayLike],
    *,
    n_parameters: int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the number of fixed directions of a fit against the number of recorded units.

    Parameters
    ----------
    n_recorded : (K,) array
        Numbers of recorded units, > 0.
    n_fixed : mapping of str to (S, K) array
        Counts over S seeds, a curve for each name: `eicon.studies.results.Stiffness.n_fixed`.
    n_parameters : int, optional
        Total number of directions, as a dotted line.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes
        Means over seeds with 95 % intervals, and small points for single seeds.

    Raises
    ------
    ValueError
        If shapes do not match.
    """
    ax = axes_or_new(ax, figsize=(4.0, 3.4))
    x = recorded_axis(ax, n_recorded)
    if n_parameters is not None:
        ax.axhline(n_parameters, color=reference(), linestyle=":", linewidth=line_width(1.0), zorder=0)
    looks = [{"color": neutral()}] if len(n_fixed) == 1 else category_looks(len(n_fixed))
    for look, (name, given) in zip(looks, n_fixed.items(), strict=True):
        _curve(ax, x, _seeds("n_fixed", name, given, x.size, "linear"), "linear", name, {"color": look["color"]})
    ax.set_ylim(bottom=0.0)
    ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.set_ylabel("fixed directions")
    if len(n_fixed) > 1:
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return ax
