"""Eigenvalues along a trajectory and through training."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from eicon.analysis._trajectory_spectra import TrainingSpectra, TrajectorySpectra

from ._style import ORANGE, coherence_cmap, foreground, house_style, neutral, panel_letters, reference, small_ticks

_COUNT_COLOR = ORANGE


@house_style
def plot_trajectory_spectra(
    result: TrajectorySpectra, time: ArrayLike, *, since: str = "", figure: Figure | None = None
) -> Figure:
    """Draw the eigenvalues of the Jacobian at all steps, and the leading one and the growing directions over time.

    Parameters
    ----------
    result : TrajectorySpectra
        Result of `eicon.analysis.spectra.trajectory_spectra`.
    time : (T,) array
        Time of its steps, ms, ascending.
    since : str
        Event at time 0, for the axis label.
    figure : Figure, optional
        An empty one to draw into; None makes a new one.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If `time` does not match.
    """
    times = _positions("time", time, result.abscissa.size)
    flow = result.map == "continuous"
    figure, plane, top, bottom = _three_axes(figure)
    label = f"time since {since} (ms)" if since else "time (ms)"
    _draw_plane(figure, plane, result.eigenvalues, times, label, " (1/ms)" if flow else "")
    edge = result.center + result.random_radius if flow else np.abs(result.center) + result.random_radius
    top.plot(times, result.abscissa if flow else result.radius, color=neutral(), label="leading eigenvalue")
    if np.isfinite(edge).all():
        top.plot(times, edge, color=reference(), linestyle="--", label="random matrix")
    if flow:
        plane.axvline(0.0, color=foreground(), linestyle="--", linewidth=1.0)
        top.axhline(0.0, color=reference(), linestyle=":", linewidth=1.0)
    else:
        plane.add_artist(Circle((0.0, 0.0), 1.0, fill=False, edgecolor=foreground(), linestyle="--", linewidth=1.0))
        top.axhline(1.0, color=reference(), linestyle=":", linewidth=1.0)
    top.set_ylabel("max Re λ (1/ms)" if flow else "max |λ|")
    _legend(top)
    bottom.step(times, result.n_unstable, where="mid", color=_COUNT_COLOR)
    bottom.set_ylabel("growing\ndirections")
    bottom.set_xlabel(label)
    _whole_numbers(bottom, result.n_unstable)
    return figure


@house_style
def plot_training_spectra(result: TrainingSpectra, *, figure: Figure | None = None) -> Figure:
    """Draw the eigenvalues of the weights at all snapshots, and over training their radius and the outliers.

    Parameters
    ----------
    result : TrainingSpectra
        Result of `eicon.analysis.spectra.training_spectra`. The circle in the plane is that of the last snapshot.
    figure : Figure, optional
        An empty one to draw into; None makes a new one.

    Returns
    -------
    Figure
    """
    figure, plane, top, bottom = _three_axes(figure)
    _draw_plane(figure, plane, result.eigenvalues, result.steps.astype(float), "training step", "")
    circle = Circle((0.0, 0.0), float(result.random_radius[-1]), facecolor=reference(), alpha=0.3, linewidth=0.0)
    plane.add_patch(circle)
    plane.autoscale_view()
    top.plot(result.steps, result.radius, color=foreground(), marker="o", markersize=3, label="max |λ|")
    top.plot(result.steps, result.abscissa, color=neutral(), linestyle=":", label="max Re λ")
    top.plot(result.steps, result.random_radius, color=reference(), linestyle="--", label="random matrix")
    top.set_ylabel("eigenvalues")
    _legend(top)
    bottom.step(result.steps, result.n_outliers, where="post", color=_COUNT_COLOR, marker="o", markersize=3)
    bottom.set_ylabel("outliers")
    bottom.set_xlabel("training step")
    _whole_numbers(bottom, result.n_outliers)
    return figure


def _three_axes(figure: Figure | None) -> tuple[Figure, Axes, Axes, Axes]:
    import matplotlib.pyplot as plt  # here, so that importing eicon.plotting does not resolve a backend

    figure = plt.figure(figsize=(7.0, 3.4)) if figure is None else figure
    grid: Any = figure.subplot_mosaic("ab;ac", width_ratios=(1.0, 1.0))
    for ax in grid.values():
        small_ticks(ax)
    grid["b"].sharex(grid["c"])
    grid["b"].tick_params(labelbottom=False)
    panel_letters(grid.values())
    return figure, grid["a"], grid["b"], grid["c"]


def _draw_plane(
    figure: Figure, ax: Axes, eigenvalues: np.ndarray, positions: np.ndarray, label: str, unit: str
) -> None:
    """Draw eigenvalues (S, N) in the complex plane, coloured by position, later ones on top."""
    norm = Normalize(float(positions[0]), float(positions[-1]) if positions.size > 1 else float(positions[0]) + 1.0)
    colours = np.repeat(positions, eigenvalues.shape[1])
    flat = eigenvalues.reshape(-1)
    ax.scatter(flat.real, flat.imag, c=colours, cmap=coherence_cmap(), norm=norm, s=5, linewidths=0.0)
    bar = figure.colorbar(
        ScalarMappable(norm, coherence_cmap()), ax=ax, location="top", aspect=30, shrink=0.9, pad=0.02
    )
    bar.set_label(label)
    ax.set_xlabel(f"Re λ{unit}")
    ax.set_ylabel(f"Im λ{unit}")
    ax.set_aspect("equal", adjustable="datalim")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(4))


def _legend(ax: Axes) -> None:
    ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, handlelength=1.4, columnspacing=1.0, borderpad=0.1)


def _whole_numbers(ax: Axes, counts: np.ndarray) -> None:
    ax.set_ylim(-0.3, max(float(counts.max()), 1.0) + 0.3)
    ax.yaxis.set_major_locator(MaxNLocator(4, integer=True))


def _positions(name: str, values: ArrayLike, size: int) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (size,) or not (np.diff(array) > 0).all():
        raise ValueError(f"`{name}` must be ({size},) ascending numbers, one per step; got shape {array.shape}.")
    return array
