"""The flow in a plane of the state space."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import Collection, LineCollection
from matplotlib.colors import LogNorm
from numpy.typing import ArrayLike

from eicon.analysis._phase_plane import PhasePlane

from ._style import ORANGE, PURPLE, axes_or_new, background, coherence_cmap, foreground, house_style, neutral

# Not the colours of E and I: a nullcline belongs to a unit of either type.
NULLCLINE_COLORS = (ORANGE, PURPLE)


@house_style
def plot_phase_plane(
    plane: PhasePlane,
    *,
    streamlines: bool = True,
    trajectories: ArrayLike | None = None,
    fixed_points: ArrayLike | None = None,
    stable: ArrayLike | None = None,
    names: tuple[str, str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a flow coloured by its speed, with nullclines, trajectories and fixed points.

    Parameters
    ----------
    plane : PhasePlane
        Result of `eicon.analysis.phase_plane`.
    streamlines : bool
        Draw lines that follow the flow; False draws an arrow at each point of the grid, all of the same length.
    trajectories : (T, N) or (T, B, N) array, optional
        States over time; projected onto the plane, each with a dot at its end.
    fixed_points : (M, N) array, optional
        Fixed points, projected onto the plane.
    stable : (M,) bool array, optional
        Whether each fixed point is stable: filled if so, otherwise open. None draws all filled.
    names : (str, str), optional
        Names of the axes; None uses the two units, or directions.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If shapes do not match.
    """
    ax = axes_or_new(ax, figsize=(4.0, 3.4))
    artist = _draw_flow(ax, plane, streamlines)
    ax.figure.colorbar(artist, cax=ax.inset_axes((1.04, 0.0, 0.05, 1.0))).set_label("speed |dx/dt| (1/ms)")
    labels = names or (("unit 1", "unit 2") if plane.origin.size == 2 else ("direction 1", "direction 2"))
    if plane.nullclines is not None:
        for lines, colour, unit in zip(plane.nullclines, NULLCLINE_COLORS, (1, 2), strict=True):
            ax.add_collection(LineCollection(list(lines), colors=[colour], linewidths=1.6))
            ax.plot([], [], color=colour, linewidth=1.6, label=f"nullcline of unit {unit}")
    if trajectories is not None:
        _draw_trajectories(ax, plane.project(trajectories))
    if fixed_points is not None:
        _draw_fixed_points(ax, plane.project(fixed_points), stable)
    ax.set_xlim(plane.x[0], plane.x[-1])
    ax.set_ylim(plane.y[0], plane.y[-1])
    ax.set_xlabel(labels[0])
    ax.set_ylabel(labels[1])
    ax.spines[:].set_visible(True)
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="lower left", bbox_to_anchor=(-0.15, 1.0), ncols=2, handlelength=1.4, borderpad=0.1)
    return ax


def _draw_flow(ax: Axes, plane: PhasePlane, streamlines: bool) -> Collection:
    """Draw streamlines or arrows; points at rest have the colour of the slowest moving one, as log 0 is undefined."""
    speed = np.sqrt(2.0 * plane.speed)
    moving = speed[speed > 0.0]
    slowest, fastest = (float(moving.min()), float(moving.max())) if moving.size else (0.1, 1.0)
    look: dict[str, Any] = {"cmap": coherence_cmap(), "norm": LogNorm(slowest, fastest, clip=True)}
    shown, across, up = np.maximum(speed, slowest), plane.velocity[..., 0], plane.velocity[..., 1]
    if streamlines and moving.size:
        return ax.streamplot(plane.x, plane.y, across, up, color=shown, linewidth=0.9, arrowsize=0.8, **look).lines
    length = np.hypot(across, up)
    length[length == 0.0] = 1.0
    look |= {"pivot": "mid", "scale": 1.4 * plane.x.size, "scale_units": "width"}  # within their part of the grid
    return ax.quiver(plane.x, plane.y, across / length, up / length, shown, **look)


def _draw_trajectories(ax: Axes, paths: np.ndarray) -> None:
    if paths.ndim not in (2, 3):
        raise ValueError(f"`trajectories` must be (T, N) or (T, B, N); got {paths.ndim} axes.")
    for index, path in enumerate(np.moveaxis(paths.reshape(len(paths), -1, 2), 1, 0)):
        ax.plot(path[:, 0], path[:, 1], color=neutral(), linewidth=1.2, label=None if index else "trajectory")
        ax.plot(*path[-1], marker="o", markersize=3, color=neutral())


def _draw_fixed_points(ax: Axes, points: np.ndarray, stable: ArrayLike | None) -> None:
    filled = np.ones(len(points), dtype=bool) if stable is None else np.asarray(stable)
    if points.ndim != 2 or filled.dtype != np.bool_ or filled.shape != points.shape[:1]:
        raise ValueError(
            f"`fixed_points` must be (M, N) and `stable` (M,) bools; got {points.ndim} axes and {filled.dtype}, shape "
            f"{filled.shape}."
        )
    for members, face, name in ((filled, foreground(), "stable"), (~filled, background(), "unstable")):
        if members.any():
            label = "fixed point" if stable is None else f"{name} fixed point"
            ax.plot(
                *points[members].T,
                linestyle="none",
                marker="o",
                markersize=6,
                markerfacecolor=face,
                markeredgecolor=foreground(),
                zorder=5,
                label=label,
            )
