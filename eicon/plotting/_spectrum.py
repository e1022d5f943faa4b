"""Eigenvalues in the complex plane."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle
from matplotlib.ticker import MaxNLocator

from eicon.analysis._spectrum import Spectrum

from ._style import ORANGE, axes_or_new, foreground, house_style, neutral, reference

_OUTLIER_COLOR = ORANGE


@house_style
def plot_spectrum(spectrum: Spectrum, *, ax: Axes | None = None) -> Axes:
    """Draw eigenvalues in the complex plane with the random-matrix circle and the stability boundary.

    Parameters
    ----------
    spectrum : Spectrum
        Result of `eicon.analysis.spectrum` or `jacobian_spectrum`. A matrix and a discrete map get the unit
        circle (a discrete map only the arc near its eigenvalues), a continuous flow the imaginary axis.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax, figsize=(4.0, 4.0))
    values, outside = spectrum.eigenvalues, spectrum.outliers
    inside = np.delete(values, outside)
    if np.isfinite(spectrum.random_radius):
        circle = Circle((spectrum.center, 0.0), spectrum.random_radius)
        circle.set(facecolor=reference(), alpha=0.3, linewidth=0.0, label="random matrix")
        ax.add_patch(circle)
    ax.plot(inside.real, inside.imag, "o", color=neutral(), markersize=3, label="eigenvalues")
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
        ax.axvline(0.0, color=foreground(), linestyle="--", linewidth=1.0, label="stability boundary")
        return
    circle = Circle(
        (0.0, 0.0), 1.0, fill=False, edgecolor=foreground(), linestyle="--", linewidth=1.0, label="unit circle"
    )
    if kind == "discrete":
        # The eigenvalues of a step are close to 1: show them large, with the arc of the circle next to them.
        ax.update_datalim([(1.0, 0.0)])
        ax.add_artist(circle)
    else:
        ax.add_patch(circle)
    ax.autoscale_view()
