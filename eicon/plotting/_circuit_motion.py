"""Animations of small circuits."""

from collections.abc import Sequence

import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ._animation import animate, frame_steps, own_figure
from ._circuits import ANGLE_TICKS, STIMULUS_COLOR, draw_modes, in_plane, on_ring, plot_membrane, plot_respiration
from ._style import TEAL, house_style, neutral, reference, small_ticks


@house_style
def animate_membrane(
    time: ArrayLike,
    V: ArrayLike,
    spikes: ArrayLike,
    *,
    V_threshold: float | int = -48.6,
    V_rest: float | int = -72.3,
    window: float | int = 200.0,
    frames: int = 60,
    figure: Figure | None = None,
) -> FuncAnimation:
    """Animate the trace of `plot_membrane` as a scrolling window.

    Parameters
    ----------
    time, V, spikes, V_threshold, V_rest
        See `plot_membrane`.
    window : float
        Time in view, ms.
    frames : int
        Number of frames, from one window to the end, >= 2.
    figure : Figure, optional
        An empty one to draw into; None makes a new one.

    Returns
    -------
    FuncAnimation

    Raises
    ------
    ValueError
        If shapes do not match, or `frames` is below 2.
    """
    figure = own_figure(figure, (5.0, 2.8), right=0.96)
    times = np.asarray(time, dtype=np.float64)
    ax = plot_membrane(time, V, spikes, V_threshold=V_threshold, V_rest=V_rest, ax=figure.add_subplot())
    (place,) = ax.plot([], [], "o", color=TEAL, markersize=5)
    trace = np.asarray(ax.lines[0].get_xydata())
    ends = times[frame_steps(times, frames, since=min(times[0] + float(window), times[-1]))]

    def draw(frame: int) -> None:
        ax.set_xlim(ends[frame] - float(window), ends[frame] + 0.03 * float(window))
        ax.lines[0].set_data(*trace[times <= ends[frame]].T)
        place.set_data(*trace[times <= ends[frame]][-1:].T)

    return animate(figure, draw, frames)


@house_style
def animate_two_neurons(
    time: ArrayLike,
    v: ArrayLike,
    inputs: ArrayLike,
    *,
    eigenvectors: ArrayLike | None = None,
    names: Sequence[str] = (),
    trail: float | int = 60.0,
    frames: int = 80,
    figure: Figure | None = None,
) -> FuncAnimation:
    """Animate a point in the plane of two rates, next to an arrow for the input.

    Parameters
    ----------
    time : (T,) array
        Time, ms.
    v, inputs : (T, 2) array
        Rates and inputs of one trial.
    eigenvectors, names
        See `plot_two_neurons`.
    trail : float
        Duration of the visible path behind the point, ms.
    frames : int
        Number of frames, >= 2.
    figure : Figure, optional
        An empty one to draw into; None makes a new one.

    Returns
    -------
    FuncAnimation

    Raises
    ------
    ValueError
        If shapes do not match, or `frames` is below 2.
    """
    times, path, given = np.asarray(time, dtype=np.float64), in_plane("v", v), in_plane("inputs", inputs)
    if not times.shape == path.shape[:1] == given.shape[:1]:
        raise ValueError(
            f"`time`, `v` and `inputs` must have equally many steps; got {times.shape}, {len(path)}, {len(given)}."
        )
    figure = own_figure(figure, (5.6, 3.0))
    left, right = figure.subplots(1, 2)
    limit = draw_modes(left, path, eigenvectors, names)
    reach = 1.2 * max(float(np.abs(given).max()), 1e-9)
    for ax, size in ((left, limit), (right, reach)):
        ax.set_xlim(-size, size)
        ax.set_ylim(-size, size)
        small_ticks(ax)
    right.set_aspect("equal")
    for line in (right.axhline, right.axvline):
        line(0.0, color=reference(), linestyle=":", linewidth=0.8)
    right.set_xlabel("input to neuron 1")
    right.set_ylabel("input to neuron 2")
    (behind,) = left.plot([], [], color=neutral(), linewidth=1.2)
    (point,) = left.plot([], [], "o", color=TEAL, markersize=7)
    (arrow,) = right.plot([], [], color=STIMULUS_COLOR, linewidth=3.0, solid_capstyle="round")
    (tip,) = right.plot([], [], "o", color=STIMULUS_COLOR, markersize=6)
    clock = right.set_title("0 ms")
    steps = frame_steps(times, frames)

    def draw(frame: int) -> None:
        now = steps[frame]
        recent = path[(times <= times[now]) & (times >= times[now] - float(trail))]
        behind.set_data(*recent.T)
        point.set_data(*path[now : now + 1].T)
        arrow.set_data([0.0, given[now, 0]], [0.0, given[now, 1]])
        tip.set_data(*given[now : now + 1].T)
        clock.set_text(f"{times[now]:.0f} ms")

    return animate(figure, draw, frames)


@house_style
def animate_respiration(
    time: ArrayLike,
    outputs: ArrayLike,
    *,
    phases: ArrayLike | None = None,
    names: Sequence[str] = ("pre-I", "early-I", "post-I", "aug-E"),
    window: float | int = 4000.0,
    frames: int = 60,
    figure: Figure | None = None,
) -> FuncAnimation:
    """Animate the panels of `plot_respiration` as a scrolling window.

    Parameters
    ----------
    time, outputs, phases, names
        See `plot_respiration`.
    window : float
        Time in view, ms.
    frames : int
        Number of frames, from one window to the end, >= 2.
    figure : Figure, optional
        An empty one to draw into; None makes a new one.

    Returns
    -------
    FuncAnimation

    Raises
    ------
    ValueError
        If shapes do not match, or `frames` is below 2.
    """
    figure = own_figure(figure, (5.0, 3.6), right=0.96)
    times = np.asarray(time, dtype=np.float64)
    axes = plot_respiration(time, outputs, phases=phases, names=names, figure=figure).axes
    values = np.asarray(outputs, dtype=np.float64)
    dots = [ax.plot([], [], "o", color=ax.lines[0].get_color(), markersize=5, clip_on=False)[0] for ax in axes]
    steps = frame_steps(times, frames, since=min(times[0] + float(window), times[-1]))

    def draw(frame: int) -> None:
        now = steps[frame]
        axes[0].set_xlim(times[now] - float(window), times[now])
        for dot, signal in zip(dots, values.T, strict=True):
            dot.set_data([times[now]], [signal[now]])

    return animate(figure, draw, frames)


@house_style
def animate_ring(
    time: ArrayLike,
    activity: ArrayLike,
    *,
    angle: ArrayLike | None = None,
    label: str = "rate (a.u.)",
    frames: int = 80,
    figure: Figure | None = None,
) -> FuncAnimation:
    """Animate a bump on its ring, and on the unrolled ring next to it.

    Parameters
    ----------
    time : (T,) array
        Time, ms.
    activity : (T, N) array
        Activity of one trial, >= 0; unit j has the angle ``-pi + 2 pi j / N``.
    angle : (T,) array, optional
        Angle of the input, rad; NaN where there is none.
    label : str
        Name of the activity, for the axis label.
    frames : int
        Number of frames, >= 2.
    figure : Figure, optional
        An empty one to draw into; None makes a new one.

    Returns
    -------
    FuncAnimation

    Raises
    ------
    ValueError
        If shapes do not match, or `frames` is below 2.
    """
    times, values = np.asarray(time, dtype=np.float64), on_ring(activity)
    if times.shape != values.shape[:1]:
        raise ValueError(f"`time` must be one time per step, ({len(values)},); got shape {times.shape}.")
    place = np.full(times.size, np.nan) if angle is None else np.asarray(angle, dtype=np.float64)
    if place.shape != times.shape:
        raise ValueError(f"`angle` must have shape (T,) = {times.shape}; got {place.shape}. Pass one trial.")
    figure = own_figure(figure, (5.6, 2.8))
    top = max(float(values.max()), 1e-9)
    circle, flat, closed = _ring_axes(figure, values.shape[1], top, label)
    (outline,) = circle.plot([], [], color=TEAL, linewidth=1.8)
    (curve,) = flat.plot([], [], color=TEAL)
    (outside,) = circle.plot([], [], "o", color=STIMULUS_COLOR, markersize=8)
    (above,) = flat.plot([], [], "v", color=STIMULUS_COLOR, markersize=8)
    clock = circle.text(0.0, 0.0, "", ha="center", va="center")
    steps = frame_steps(times, frames)

    def draw(frame: int) -> None:
        now = steps[frame]
        height = np.append(values[now], values[now, 0])
        radius = 1.0 + 0.6 * height / top
        outline.set_data(radius * np.cos(closed), radius * np.sin(closed))
        curve.set_data(closed, height)
        outside.set_data([1.75 * np.cos(place[now])], [1.75 * np.sin(place[now])])
        above.set_data([(place[now] + np.pi) % (2.0 * np.pi) - np.pi], [1.09 * top])
        clock.set_text(f"{times[now]:.0f} ms")

    return animate(figure, draw, frames)


def _ring_axes(figure: Figure, n: int, top: float, label: str) -> tuple[Axes, Axes, np.ndarray]:
    """Make the panels of `animate_ring`, ring and unrolled; return also the angles of units, the first one twice."""
    grid = figure.add_gridspec(1, 2, width_ratios=(1.0, 1.3))
    circle, flat = figure.add_subplot(grid[0]), figure.add_subplot(grid[1])
    closed = -np.pi + 2.0 * np.pi * np.arange(n + 1) / n
    circle.plot(np.cos(closed), np.sin(closed), color=reference(), linewidth=1.0)
    circle.set_xlim(-1.9, 1.9)
    circle.set_ylim(-1.9, 1.9)
    circle.set_aspect("equal")
    circle.set_axis_off()
    small_ticks(flat)
    flat.set_xlim(-np.pi, np.pi)
    flat.set_xticks(*ANGLE_TICKS)
    flat.set_ylim(0.0, 1.15 * top)
    flat.set_xlabel("angle (rad)")
    flat.set_ylabel(label)
    return circle, flat, closed
