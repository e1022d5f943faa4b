"""Small circuits: the membrane of a spiking neuron, two neurons in their plane, the respiratory rhythm, a ring."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import ArrayLike

from ._parts import missing_shade
from ._style import (
    E_COLOR,
    I_COLOR,
    ORANGE,
    PURPLE,
    TEAL,
    axes_or_new,
    background,
    foreground,
    house_style,
    neutral,
    reference,
    small_ticks,
    weight_cmap,
)

POPULATION_COLORS = (E_COLOR, I_COLOR, ORANGE, PURPLE)
"""Colours of pre-I (excitatory) and of early-I, post-I and aug-E (inhibitory)."""

PHASES = ("inspiration", "post-inspiration", "late expiration")
STIMULUS_COLOR = ORANGE
ANGLE_TICKS = [-np.pi, 0.0, np.pi], ["\N{MINUS SIGN}π", "0", "π"]
_TINT = 0.16


def spike_shape(
    time: ArrayLike,
    V: ArrayLike,
    spikes: ArrayLike,
    *,
    peak: float | int = 50.0,
    undershoot: float | int = 20.0,
    recovery: float | int = 10.0,
) -> Float[np.ndarray, "T"]:
    """Draw spikes onto a membrane potential: an overshoot, then an undershoot that recovers.

    For display only: in the model, a spike is an event, after which V is held at rest for the refractory period.

    Parameters
    ----------
    time : (T,) array
        Time, ms.
    V : (T,) array
        Membrane potential, mV, at rest during and after each spike.
    spikes : (T,) bool array
        Steps with a spike.
    peak : float
        Potential drawn in the step of a spike, mV.
    undershoot : float
        Depth of the potential below V just after the spike, mV.
    recovery : float
        Time until the potential has recovered, ms.

    Returns
    -------
    (T,) float array
        Potential with spikes, mV.

    Raises
    ------
    ValueError
        If shapes do not match.

    Examples
    --------
    >>> spike_shape([0.0, 1.0, 2.0, 3.0], [-70.0] * 4, [0, 1, 0, 0], recovery=2.0).tolist()
    [-70.0, 50.0, -80.0, -70.0]
    """
    times, potential, fired = _trace(time, V, spikes)
    last = np.maximum.accumulate(np.where(fired, np.arange(times.size), -1))
    since = np.where(last >= 0, times - times[last], np.inf)
    drawn = potential - undershoot * np.clip(1.0 - since / recovery, 0.0, 1.0)
    return np.where(fired, float(peak), drawn)


@house_style
def plot_membrane(
    time: ArrayLike,
    V: ArrayLike,
    spikes: ArrayLike,
    *,
    V_threshold: float | int = -48.6,
    V_rest: float | int = -72.3,
    ax: Axes | None = None,
) -> Axes:
    """Draw a membrane potential with its spikes (shaped by `spike_shape`), threshold and rest.

    Parameters
    ----------
    time : (T,) array
        Time, ms.
    V : (T,) array
        Membrane potential, mV.
    spikes : (T,) bool array
        Steps with a spike.
    V_threshold, V_rest : float
        Threshold and resting potential, mV.
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
    times, _, fired = _trace(time, V, spikes)
    ax = axes_or_new(ax)
    ax.plot(times, spike_shape(time, V, spikes), color=foreground(), linewidth=0.9)
    for level, name, dash in ((V_threshold, "threshold", "--"), (V_rest, "rest", ":")):
        ax.axhline(level, color=neutral(), linestyle=dash, linewidth=1.0, label=name)
    ax.set_xlim(times[0], times[-1])
    ax.set_xlabel("time (ms)")
    ax.set_ylabel("membrane potential (mV)")
    rate = 1000.0 * fired.sum() / (times.size * (times[1] - times[0]))
    ax.legend(
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=2,
        borderpad=0.1,
        title=f"{rate:.3g} spikes/s",
        alignment="left",
    )
    return ax


@house_style
def plot_two_neurons(
    v: ArrayLike, *, eigenvectors: ArrayLike | None = None, names: Sequence[str] = (), ax: Axes | None = None
) -> Axes:
    """Draw the path of two rates in their plane, with the directions of the modes.

    Parameters
    ----------
    v : (T, 2) array
        Rates.
    eigenvectors : (2, 2) array, optional
        Columns are directions, drawn as lines through the origin.
    names : sequence of 2 str, optional
        Names of the modes.
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
    path = in_plane("v", v)
    ax = axes_or_new(ax, figsize=(4.0, 3.6))
    limit = draw_modes(ax, path, eigenvectors, names)
    ax.plot(path[:, 0], path[:, 1], color=neutral(), linewidth=1.0)
    ax.set_xlim(-limit, limit)
    ax.set_ylim(-limit, limit)
    return ax


def draw_modes(ax: Axes, path: Float[np.ndarray, "T 2"], eigenvectors: ArrayLike | None, names: Sequence[str]) -> float:
    """Prepare a square plane of two rates with lines along the modes; return the limit of its axes."""
    limit = 1.1 * max(float(np.abs(path).max()), 1e-9)
    for line in (ax.axhline, ax.axvline):
        line(0.0, color=reference(), linestyle=":", linewidth=0.8)
    if eigenvectors is not None:
        directions = np.asarray(eigenvectors, dtype=np.float64)
        if directions.shape != (2, 2) or len(names) not in (0, 2):
            raise ValueError(
                f"`eigenvectors` must have shape (2, 2), columns, and `names` two entries or none; got "
                f"{directions.shape} and {len(names)}."
            )
        for index, colour in enumerate((TEAL, PURPLE)):
            ends = 2.0 * limit * np.outer((-1.0, 1.0), directions[:, index])
            label = names[index] if names else f"mode {index + 1}"
            ax.plot(ends[:, 0], ends[:, 1], color=colour, linewidth=3.0, alpha=0.5, label=label)
        ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderpad=0.1, handlelength=1.2)
    ax.set_aspect("equal")
    ax.set_xlabel("rate of neuron 1")
    ax.set_ylabel("rate of neuron 2")
    return limit


@house_style
def plot_respiration(
    time: ArrayLike,
    outputs: ArrayLike,
    *,
    phases: ArrayLike | None = None,
    names: Sequence[str] = ("pre-I", "early-I", "post-I", "aug-E"),
    title: str = "",
    figure: Figure | None = None,
) -> Figure:
    """Draw the outputs of the four respiratory populations below each other, with the phases of breathing shaded.

    Parameters
    ----------
    time : (T,) array
        Time, ms.
    outputs : (T, 4) array
        Outputs of one trial.
    phases : (T,) int array, optional
        0 inspiration, 1 post-inspiration, 2 late expiration, from `eicon.models.circuits.phases`.
    names : sequence of 4 str
        Names of the populations.
    title : str
        Title above the panels.
    figure : Figure, optional
        An empty one to draw into; None makes a new one.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If shapes do not match.
    """
    import matplotlib.pyplot as plt  # here, so that importing eicon.plotting does not resolve a backend

    times, values = np.asarray(time, dtype=np.float64), np.asarray(outputs, dtype=np.float64)
    given = None if phases is None else np.asarray(phases)
    if values.shape != (times.size, 4) or (given is not None and given.shape != times.shape) or len(names) != 4:
        raise ValueError(
            f"`outputs` must have shape (T, 4) and `phases` (T,) with T = {times.size}, and there must be four names; "
            f"got {values.shape}, {None if given is None else given.shape} and {len(names)} names. Pass one trial."
        )
    figure = plt.figure(figsize=(4.0, 4.2)) if figure is None else figure
    axes = figure.subplots(4, 1, sharex=True)
    for ax, signal, name, colour in zip(axes, values.T, names, POPULATION_COLORS, strict=True):
        small_ticks(ax)
        ax.plot(times, signal, color=colour, linewidth=1.3)
        ax.set_ylabel(name, color=colour)
        ax.set_ylim(0.0, 1.0)
        ax.set_yticks([0.0, 1.0])
        if given is not None:
            for start, stop, phase in _runs(times, given):
                ax.axvspan(start, stop, color=POPULATION_COLORS[1 + phase], alpha=_TINT, linewidth=0)
    axes[-1].set_xlim(times[0], times[-1])
    axes[-1].set_xlabel("time (ms)")
    present = [] if given is None else np.unique(given).tolist()
    patches = [Patch(color=POPULATION_COLORS[1 + one], alpha=2 * _TINT, label=PHASES[one]) for one in present]
    if patches or title:
        figure.legend(
            handles=patches,
            loc="outside upper left",
            ncols=3,
            title=title,
            alignment="left",
            handlelength=1.0,
            handletextpad=0.4,
            columnspacing=0.9,
        )
    return figure


@house_style
def plot_ring(
    time: ArrayLike,
    activity: ArrayLike,
    *,
    angle: ArrayLike | None = None,
    center: ArrayLike | None = None,
    label: str = "rate (a.u.)",
    ax: Axes | None = None,
) -> Axes:
    """Draw the activity of a ring of units over time, with the angle of its input and the centre of the bump.

    Parameters
    ----------
    time : (T,) array
        Time, ms, in equal steps.
    activity : (T, N) array
        Activity of one trial; unit j has the angle ``-pi + 2 pi j / N``.
    angle : (T,) array, optional
        Angle of the input, rad; NaN where there is none.
    center : (T,) array, optional
        Angle of the bump, rad.
    label : str
        Name of the activity, for the colour bar.
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
    times, values = np.asarray(time, dtype=np.float64), on_ring(activity)
    if times.shape != values.shape[:1] or times.size < 2:
        raise ValueError(f"`time` must be one time per step, ({len(values)},), at least two; got shape {times.shape}.")
    ax = axes_or_new(ax)
    edge = np.pi * (1.0 - 1.0 / values.shape[1])
    half = (times[1] - times[0]) / 2.0
    known = values[np.isfinite(values)]
    low, top = (float(known.min()), float(np.abs(known).max()) or 1.0) if known.size else (0.0, 1.0)
    missing_shade(ax)
    image = ax.imshow(
        values.T,
        aspect="auto",
        origin="lower",
        cmap=weight_cmap() if low < 0.0 else _greys(),
        extent=(times[0] - half, times[-1] + half, -np.pi - (np.pi - edge), edge),
        vmin=-top if low < 0.0 else 0.0,
        vmax=top,
    )
    bar = ax.figure.colorbar(image, ax=ax)
    bar.set_label(label)
    for path, colour, name, style in ((angle, STIMULUS_COLOR, "input", "-"), (center, TEAL, "bump", "--")):
        if path is not None:
            ax.plot(times, _unbroken(path, times.size), color=colour, linestyle=style, linewidth=1.3, label=name)
    if angle is not None or center is not None:
        ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderpad=0.1)
    ax.set_ylim(-np.pi, np.pi)
    ax.set_yticks(*ANGLE_TICKS)
    ax.set_xlabel("time (ms)")
    ax.set_ylabel("angle (rad)")
    return ax


def _greys() -> Colormap:
    """Colour map from the background to the foreground."""
    return LinearSegmentedColormap.from_list("eicon_greys", [background(), foreground()])


def _trace(time: ArrayLike, V: ArrayLike, spikes: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    times, potential, fired = np.asarray(time, np.float64), np.asarray(V, np.float64), np.asarray(spikes, bool)
    if times.ndim != 1 or times.size < 2 or not times.shape == potential.shape == fired.shape:
        raise ValueError(
            f"`time`, `V` and `spikes` must have one shape (T,), T >= 2; got {times.shape}, {potential.shape} and "
            f"{fired.shape}. Pass one trial."
        )
    return times, potential, fired


def in_plane(name: str, values: ArrayLike) -> Float[np.ndarray, "T 2"]:
    """Return values of two neurons as a checked float64 array."""
    path = np.asarray(values, dtype=np.float64)
    if path.ndim != 2 or path.shape[1] != 2 or not len(path):
        raise ValueError(f"`{name}` must have shape (T, 2); got {path.shape}. Pass one trial.")
    return path


def on_ring(activity: ArrayLike) -> Float[np.ndarray, "T N"]:
    """Return the activity of a ring as a checked float64 array."""
    values = np.asarray(activity, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] < 3:
        raise ValueError(f"`activity` must have shape (T, N) with N >= 3 units; got {values.shape}. Pass one trial.")
    return values


def _unbroken(angle: ArrayLike, n: int) -> Float[np.ndarray, "T"]:
    """Return angles with NaN where they jump around the ring, so that no line is drawn across."""
    given = np.asarray(angle, dtype=np.float64)
    if given.shape != (n,):
        raise ValueError(f"`angle` and `center` must have shape (T,) = ({n},); got {given.shape}. Pass one trial.")
    path = (given + np.pi) % (2.0 * np.pi) - np.pi
    path[1:][np.abs(np.diff(path)) > np.pi] = np.nan
    return path


def _runs(times: np.ndarray, phases: np.ndarray) -> list[tuple[float, float, int]]:
    """Return start, end and value of each stretch of equal phases."""
    starts = np.flatnonzero(np.diff(phases, prepend=phases[0] - 1))
    stops = np.append(starts[1:], times.size - 1)
    return [(times[a], times[b], int(phases[a])) for a, b in zip(starts, stops, strict=True)]
