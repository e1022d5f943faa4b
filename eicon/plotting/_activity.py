"""Activity in time, and in the space of its principal components."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from ._style import E_COLOR, I_COLOR, NEUTRAL_COLOR, axes_or_new, coherence_cmap, house_style

_EPOCH_SHADES = ("#E4E4E4", "#F3F3F3")


@house_style
def plot_activity(
    rates: ArrayLike,
    excitatory: ArrayLike | None,
    dt: float | int,
    *,
    epochs: Mapping[str, tuple[float | int, float | int]] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the rates of all units in one trial, excitatory blue and inhibitory red.

    Parameters
    ----------
    rates : (T, N) array
        One trial; step t is drawn at ``t * dt``.
    excitatory : (N,) bool array or None
        True for E units; None draws all units grey.
    dt : float
        Step, ms.
    epochs : mapping of str to (start, stop), optional
        Named periods in ms, shaded.
    ax : Axes, optional
        Drawn into; None makes a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If `rates` is not (T, N), `excitatory` does not match it, or `dt` is not positive.
    """
    values = np.asarray(rates, dtype=np.float64)
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(
            f"`rates` must be (T, N), one trial; got shape {values.shape}. From (T, B, N) take rates[:, b]."
        )
    if not dt > 0:
        raise ValueError(f"`dt` must be positive (ms); got {dt}.")
    groups = unit_groups(excitatory, values.shape[1])
    ax = axes_or_new(ax, figsize=(4.0, 3.0))
    time = np.arange(len(values)) * float(dt)
    handles = []
    for name, members, colour in groups:
        paths = [np.column_stack([time, trace]) for trace in values[:, members].T]
        ax.add_collection(LineCollection(paths, colors=colour, linewidths=0.8, alpha=0.6, label=name))
        handles.append(Line2D([], [], color=colour, label=f"{name} ({len(paths)})"))
    ax.autoscale_view()
    ax.set_xlim(0.0, len(values) * float(dt))
    if epochs is not None:
        _shade(ax, epochs)
    ax.set_xlabel("time (ms)")
    ax.set_ylabel("firing rate (a.u.)")
    ax.legend(handles=handles, loc="upper left", handlelength=1.2)
    return ax


def unit_groups(excitatory: ArrayLike | None, n_units: int) -> list[tuple[str, np.ndarray, str]]:
    """Return (name, members, colour) of the unit types that occur."""
    if excitatory is None:
        return [("unit", np.arange(n_units), NEUTRAL_COLOR)]
    types = np.asarray(excitatory)
    if types.dtype != np.bool_ or types.shape != (n_units,):
        raise ValueError(
            f"`excitatory` must be bools, shape (N,) = ({n_units},); got {types.dtype}, shape {types.shape}. "
            "From Dale signs, pass sign > 0."
        )
    both = [("excitatory", np.flatnonzero(types), E_COLOR), ("inhibitory", np.flatnonzero(~types), I_COLOR)]
    return [group for group in both if group[1].size]


def _shade(ax: Axes, epochs: Mapping[str, tuple[float | int, float | int]]) -> None:
    """Shade named periods in alternating greys, with the names above the frame."""
    for index, (name, (start, stop)) in enumerate(epochs.items()):
        ax.axvspan(start, stop, color=_EPOCH_SHADES[index % 2], linewidth=0, zorder=0)
        ax.annotate(
            name,
            ((start + stop) / 2, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
            va="bottom",
            color=NEUTRAL_COLOR,
        )


@house_style
def plot_pc_trajectories(
    trajectories: ArrayLike,
    levels: ArrayLike,
    *,
    explained_ratio: ArrayLike | None = None,
    dt: float | int | None = None,
    dot_every: float | int = 100.0,
    label: str = "signed coherence",
    unit: str = "%",
    ax: Axes | None = None,
) -> Axes:
    """Draw mean trajectories in the plane of the first two principal components, one per signed coherence.

    Parameters
    ----------
    trajectories : (C, T, k) array, k >= 2
        Averages per condition, as `condition_average(pca(rates).trajectories, coherence).average`; steps that
        are NaN are not drawn.
    levels : (C,) array
        Signed coherence (or other quantity) of each trajectory, all different; colours go by rank, since
        coherences are usually spaced geometrically.
    explained_ratio : (>= 2,) array, optional
        Fractions of variance of the components, for the axis labels.
    dt : float, optional
        Step, ms. If given, dots mark every `dot_every` ms along the trajectories.
    dot_every : float
        Interval between dots, ms.
    label, unit : str
        What the levels are and in which unit, for the colour bar. A single level has no bar.
    ax : Axes, optional
        Drawn into; None makes a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If `trajectories` is not (C, T, k >= 2), `levels` does not match it, or `dot_every` is less than `dt`.
    """
    paths = np.asarray(trajectories, dtype=np.float64)
    values = np.asarray(levels, dtype=np.float64)
    if paths.ndim != 3 or paths.shape[2] < 2 or values.shape != paths.shape[:1]:
        raise ValueError(
            f"`trajectories` must be (C, T, k >= 2) and `levels` (C,); got {paths.shape} and {values.shape}. "
            "Average trials with condition_average first."
        )
    if dt is not None and not 0 < dt <= dot_every:
        raise ValueError(f"`dot_every` must be at least one step, 0 < dt <= dot_every; got {dot_every}, dt = {dt} ms.")
    ax = axes_or_new(ax, figsize=(4.0, 3.2))
    ranking = np.argsort(values)
    colours = coherence_cmap()(np.linspace(0.0, 1.0, values.size))
    for path, colour in zip(paths[ranking, :, :2], colours, strict=True):
        draw_path(ax, path[np.isfinite(path).all(axis=1)], colour, dt, float(dot_every))
    ratio = None if explained_ratio is None else np.asarray(explained_ratio, dtype=np.float64)
    names = [f"PC {i + 1}" if ratio is None else f"PC {i + 1} ({100 * ratio[i]:.0f} % of variance)" for i in (0, 1)]
    ax.set_xlabel(names[0])
    ax.set_ylabel(names[1])
    ax.set_aspect("equal", adjustable="datalim")
    if values.size > 1:
        level_bar(ax, values[ranking], colours, f"{label} ({unit})" if unit else label)
    ax.legend(
        handles=path_legend(dt, dot_every),
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=3,
        handletextpad=0.2,
        columnspacing=1.2,
    )
    return ax


def level_bar(ax: Axes | list[Axes], levels: np.ndarray, colours: np.ndarray, label: str) -> None:
    """Add a colour bar with one block per level, labelling at most about a dozen; a list of Axes shares one."""
    norm = BoundaryNorm(np.arange(levels.size + 1) - 0.5, levels.size)
    mappable = ScalarMappable(norm, ListedColormap(colours))
    if isinstance(ax, Axes):
        bar = ax.figure.colorbar(mappable, cax=ax.inset_axes((1.04, 0.0, 0.05, 1.0)), drawedges=False)
    else:
        bar = ax[0].figure.colorbar(mappable, ax=ax, aspect=30, pad=0.03, drawedges=False)
    ticks = np.arange(0, levels.size, -(-levels.size // 13))
    bar.set_ticks(ticks.tolist(), labels=[f"{levels[tick]:g}".replace("-", "\N{MINUS SIGN}") for tick in ticks])
    bar.ax.tick_params(length=0)
    bar.ax.minorticks_off()
    bar.set_label(label)


def draw_path(ax: Axes, path: np.ndarray, colour: object, dt: float | None, dot_every: float) -> None:
    if not len(path):
        return
    ax.plot(path[:, 0], path[:, 1], color=colour, linewidth=1.4)
    ax.plot(*path[0], marker="o", markersize=5, color="white", markeredgecolor=colour, zorder=3)
    ax.plot(
        *path[-1],
        marker="s",
        markersize=5,
        color=colour,
        markeredgecolor="black",
        markeredgewidth=0.6,
        zorder=3,
    )
    if dt is not None:
        every = max(1, round(dot_every / dt))
        ax.plot(*path[every:-1:every].T, linestyle="none", marker="o", markersize=2.2, color=colour)


def path_legend(dt: float | None, dot_every: float) -> list[Line2D]:
    handles = [_marker("o", 5, "start", face="white"), _marker("s", 5, "end")]
    return handles if dt is None else [*handles, _marker("o", 2.2, f"every {dot_every:g} ms")]


def _marker(marker: str, size: float | int, label: str, face: str = NEUTRAL_COLOR) -> Line2D:
    return Line2D(
        [],
        [],
        linestyle="none",
        marker=marker,
        markersize=size,
        color=NEUTRAL_COLOR,
        markerfacecolor=face,
        label=label,
    )
