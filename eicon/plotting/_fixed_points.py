"""Fixed points in a plane or space, and their modes."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from eicon.analysis._fixed_points import FixedPoints

from ._style import (
    axes_or_new,
    background,
    coherence_cmap,
    font_size,
    foreground,
    house_style,
    ink,
    label_size,
    neutral,
    panel_letters,
    reference,
    small_ticks,
)

PATH_COLOR = "#BBBBBB"
MODE_COLOR = "#555555"
REACH = 0.09
"""Drawn length of a unit vector in the plane, each way, as a fraction of the width of the points."""


class Kind(NamedTuple):
    """Appearance of points of one stability, in matplotlib and in plotly."""

    name: str
    color: str
    marker: str
    symbol: str  # of plotly, in three dimensions
    size: float


# From Paul Tol's schemes, without the blue and red that mean E and I.
KINDS = (
    Kind("stable", "#117733", "o", "circle", 6.5),
    Kind("saddle-1", "#EE7733", "^", "diamond", 6.5),
    Kind("saddle-2", "#AA3377", "s", "square", 6.0),
    Kind("saddle-3 or more", "#332288", "P", "cross", 7.0),
    Kind("unstable", "#000000", "X", "x", 7.0),
    Kind("marginal", "#999933", "D", "diamond-open", 5.5),
    Kind("slow", "#33BBEE", "v", "circle-open", 6.0),
    Kind("not converged", "#888888", "x", "square-open", 4.5),
)


@house_style
def plot_fixed_points(
    points: FixedPoints,
    *,
    axes: ArrayLike,
    origin: ArrayLike | None = None,
    trajectories: ArrayLike | None = None,
    levels: ArrayLike | None = None,
    dimensions: int = 2,
    names: Sequence[str] | None = None,
    modes: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw fixed points by their stability, the unstable directions of saddles, and trajectories behind them.

    Parameters
    ----------
    points : FixedPoints
        Result of `eicon.analysis.fixed_points`.
    axes : (k, N) array
        Orthonormal directions that states are projected on, k >= `dimensions`; for instance `PCA.components`.
    origin : (N,) array, optional
        State that is drawn at 0, for instance `PCA.mean`; None takes 0.
    trajectories : (T, B, N) array, optional
        States over time; steps that are NaN are not drawn.
    levels : (B,) array, optional
        Condition of each trial, whose rank sets the colour of its trajectory; None draws all grey.
    dimensions : {2, 3}
        Number of dimensions of the figure.
    names : sequence of str, optional
        Labels of the axes; None takes ``axis 1``, ``axis 2``, ...
    modes : bool
        Draw the unstable modes of saddles as segments both ways, with lengths proportional to their part in the plane.
    ax : Axes, optional
        Axes to draw into, three-dimensional for ``dimensions=3``; None makes a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If `dimensions` is neither 2 nor 3, shapes do not match, or `ax` has a different number of dimensions.
    """
    frame = Frame.checked(points, axes, origin, dimensions, names)
    paths, colours = frame.paths(trajectories, levels)
    if new := ax is None:
        ax = axes_or_new(None, figsize=(4.0, 3.7)) if dimensions == 2 else _solid_axes()
    elif hasattr(ax, "get_zlim") != (dimensions == 3):
        raise ValueError(f"`ax` must have {dimensions} dimensions: for 3, create it with projection='3d'.")
    for path, colour in zip(paths, colours, strict=True):
        ax.plot(*path.T, color=colour, linewidth=0.7, zorder=1)
    where = frame.project(points.positions)
    handles = []
    for kind, members in by_kind(points):
        look: dict[str, Any] = {"linestyle": "none", "marker": kind.marker, "markersize": kind.size}
        color = foreground() if kind.name == "unstable" else kind.color
        look |= {"color": color, "markeredgecolor": color if kind.marker == "x" else background()}
        look |= {"markeredgewidth": 1.2 if kind.marker == "x" else 0.6}
        ax.plot(*where[members].T, zorder=4 if kind.marker != "x" else 3, **look)
        handles.append(Line2D([], [], label=f"{kind.name} ({len(members)})", **look))
    segments = frame.segments(points, where) if modes else np.empty((0, 2, dimensions))
    if len(segments):
        _draw_modes(ax, segments)
        handles.append(Line2D([], [], color=neutral(), linewidth=1.2, label="unstable modes"))
    _label(ax, frame.names)
    corner: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (-0.12, 1.0)}
    if new and dimensions == 3:
        corner = {"loc": "upper left", "bbox_to_anchor": (0.02, 0.99), "bbox_transform": ax.figure.transFigure}
    ax.legend(
        handles=handles,
        **corner,
        ncols=2,
        handlelength=1.2,
        handletextpad=0.4,
        columnspacing=1.0,
        borderpad=0.1,
    )
    return ax


@house_style
def plot_modes(points: FixedPoints, index: int, *, figure: Figure | None = None) -> Figure:
    """Draw the eigenvalues of one fixed point, of the flow and of one time step, each with its stability boundary.

    Parameters
    ----------
    points : FixedPoints
        Result of `eicon.analysis.fixed_points`.
    index : int
        Index of the point.
    figure : Figure, optional
        An empty one to draw into; None makes a new one.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If there is no such point.
    """
    import matplotlib.pyplot as plt  # here, so that importing eicon.plotting does not resolve a backend

    if not 0 <= index < len(points.q):
        raise ValueError(f"`index` must be among the points, 0 to {len(points.q) - 1}; got {index}.")
    figure = plt.figure(figsize=(6.4, 3.6)) if figure is None else figure
    flow, step = figure.subplots(1, 2)
    flow.axvline(0.0, color=foreground(), linestyle="--", linewidth=1.0)
    step.add_patch(Circle((0.0, 0.0), 1.0, fill=False, edgecolor=foreground(), linestyle="--", linewidth=1.0))
    step.autoscale_view()
    values, multipliers = points.flow_eigenvalues[index], points.step_eigenvalues[index]
    _draw_eigenvalues(flow, values, values.real > 0.0, "Re λ = 0")
    _draw_eigenvalues(step, multipliers, np.abs(multipliers) > 1.0, "|μ| = 1")
    for ax, symbol, unit, title in (
        (flow, "λ", " (1/ms)", "flow"),
        (step, "μ", " (no unit)", f"one step of {points.dt:g} ms"),
    ):
        ax.set_title(title)
        small_ticks(ax)
        ax.set_xlabel(f"Re {symbol}{unit}")
        ax.set_ylabel(f"Im {symbol}{unit}")
        ax.axhline(0.0, color=reference(), linestyle=":", linewidth=0.8, zorder=0)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(MaxNLocator(4))
    step.set_aspect("equal", adjustable="datalim")
    panel_letters((flow, step))
    figure.suptitle(f"point {index}: {points.stability[index]}, q = {points.q[index]:.1e}", fontsize=label_size())
    return figure


class Frame(NamedTuple):
    """Coordinate frame for states: k directions, the state at 0, and labels."""

    axes: np.ndarray
    origin: np.ndarray
    names: list[str]

    @classmethod
    def checked(
        cls,
        points: FixedPoints,
        axes: ArrayLike,
        origin: ArrayLike | None,
        dimensions: int,
        names: Sequence[str] | None,
    ) -> "Frame":
        """Make a frame of the first `dimensions` of the axes."""
        if dimensions not in (2, 3):
            raise ValueError(f"`dimensions` must be 2 or 3; got {dimensions}.")
        n = points.positions.shape[1]
        directions = np.asarray(axes, dtype=np.float64)
        zero = np.zeros(n) if origin is None else np.asarray(origin, dtype=np.float64)
        if directions.ndim != 2 or directions.shape[1] != n or len(directions) < dimensions or zero.shape != (n,):
            raise ValueError(
                f"`axes` must be (k, N) with k >= {dimensions} and N = {n}, and `origin` (N,); got "
                f"{directions.shape} and {zero.shape}. Principal components are rows."
            )
        labels = [f"axis {i + 1}" for i in range(dimensions)] if names is None else list(names)[:dimensions]
        if len(labels) < dimensions:
            raise ValueError(f"`names` must label {dimensions} axes; got {len(labels)}.")
        return cls(directions[:dimensions], zero, labels)

    def project(self, states: np.ndarray) -> np.ndarray:
        """Return the coordinates (..., k) of states (..., N)."""
        return (states - self.origin) @ self.axes.T

    def paths(self, trajectories: ArrayLike | None, levels: ArrayLike | None) -> tuple[list[np.ndarray], list[Any]]:
        """Return the coordinates over time of each trial, and its colour."""
        if trajectories is None:
            return [], []
        states = np.asarray(trajectories, dtype=np.float64)
        if states.ndim != 3 or states.shape[2] != self.origin.size:
            raise ValueError(f"`trajectories` must be (T, B, N), N = {self.origin.size}; got shape {states.shape}.")
        paths = [self.project(states[:, trial]) for trial in range(states.shape[1])]
        if levels is None:
            return paths, [ink(0.27)] * len(paths)
        values = np.asarray(levels)
        if values.shape != (len(paths),):
            raise ValueError(f"`levels` must contain one value per trial, ({len(paths)},); got shape {values.shape}.")
        distinct, rank = np.unique(values, return_inverse=True)
        return paths, list(coherence_cmap()(rank / max(distinct.size - 1, 1)))

    def segments(self, points: FixedPoints, where: np.ndarray) -> np.ndarray:
        """Return both ends of each unstable mode of each saddle, (S, 2, k).

        A pair of complex modes spans a plane: the two directions drawn are its real and its imaginary part.
        """
        reach = REACH * float(np.ptp(where, axis=0).max() or 1.0)
        ends = []
        for index, word in enumerate(points.stability):
            if not word.startswith("saddle"):
                continue
            for mode in range(min(int(points.n_unstable[index]), points.right.shape[2])):
                vector = points.right[index, :, mode]
                part = vector.imag if points.flow_eigenvalues[index, mode].imag < 0.0 else vector.real
                step = reach * (self.axes @ (part / (np.linalg.norm(part) or 1.0)))
                ends.append([where[index] - step, where[index] + step])
        return np.array(ends).reshape(-1, 2, len(self.axes))


def by_kind(points: FixedPoints) -> Iterator[tuple[Kind, np.ndarray]]:
    """Yield each kind of points that occurs, with their indices."""
    names = np.array([_kind_of(word) for word in points.stability])
    for kind in KINDS:
        members = np.flatnonzero(names == kind.name)
        if members.size:
            third = kind.name == "saddle-3 or more" and all(points.stability[i] == "saddle-3" for i in members)
            yield (kind._replace(name="saddle-3") if third else kind), members


def _kind_of(word: str) -> str:
    if word.startswith("slow"):
        return "slow"
    if word.startswith("saddle") and int(word.removeprefix("saddle-")) > 2:
        return "saddle-3 or more"
    return word


def _solid_axes() -> Any:
    import matplotlib.pyplot as plt

    # By hand: the layout engine does not know how far labels of three axes extend
    figure = plt.figure(figsize=(4.0, 4.0), layout="none")
    ax: Any = figure.add_axes((0.07, 0.08, 0.74, 0.74), projection="3d")
    ax.set_box_aspect(None, zoom=1.0)
    ax.tick_params(labelsize=font_size(), pad=0)
    return ax


def _draw_modes(ax: Any, segments: np.ndarray) -> None:
    if segments.shape[2] == 2:
        ax.add_collection(LineCollection(list(segments), colors=[neutral()], linewidths=1.2, zorder=2))
        return
    for segment in segments:
        ax.plot(*segment.T, color=neutral(), linewidth=1.2, zorder=2)


def _label(ax: Any, names: Sequence[str]) -> None:
    for letter, name in zip("xyz", names, strict=False):
        getattr(ax, f"set_{letter}label")(name)
        getattr(ax, f"{letter}axis").set_major_locator(MaxNLocator(5 if len(names) == 2 else 4))
    if len(names) == 2:
        ax.set_aspect("equal", adjustable="datalim")


def _draw_eigenvalues(ax: Axes, values: np.ndarray, grows: np.ndarray, border: str) -> None:
    handles = [Line2D([], [], color=foreground(), linestyle="--", linewidth=1.0, label=border)]
    for members, kind, name in ((~grows, KINDS[0], "decays"), (grows, KINDS[1], "grows")):
        look: dict[str, Any] = {"marker": kind.marker, "color": kind.color, "markersize": 3.5, "linestyle": "none"}
        ax.plot(values[members].real, values[members].imag, **look)
        handles.append(Line2D([], [], label=f"{name} ({members.sum()})", **look))
    ax.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.2),
        ncols=3,
        handlelength=1.2,
        handletextpad=0.3,
        columnspacing=0.8,
        borderpad=0.1,
    )
