"""Parts shared by several figures: bars of levels, types of units, paths, axes of strength, points."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter, NullLocator
from numpy.typing import ArrayLike

from ._style import (
    E_COLOR,
    I_COLOR,
    ORANGE,
    PURPLE,
    TEAL,
    angle_cmap,
    background,
    coherence_cmap,
    foreground,
    ink,
    neutral,
)

MOST_LINES = 100
"""Most curves that one panel shows as curves."""
_ANGLES = ("deg", "degrees", "\N{DEGREE SIGN}", "rad")
_TURNS = {"rad": 2.0 * np.pi}
_CATEGORIES = (TEAL, ORANGE, PURPLE, "#33BBEE")
_DASHES = ("-", "--", ":", "-.")


def unit_groups(excitatory: ArrayLike | None, n_units: int) -> list[tuple[str, np.ndarray, str]]:
    """Return (name, members, colour) of the unit types that occur."""
    if excitatory is None:
        return [("unit", np.arange(n_units), neutral())]
    types = np.asarray(excitatory)
    if types.dtype != np.bool_ or types.shape != (n_units,):
        raise ValueError(
            f"`excitatory` must be bools, shape (N,) = ({n_units},); got {types.dtype}, shape {types.shape}. "
            "From Dale signs, pass sign > 0."
        )
    both = [("excitatory", np.flatnonzero(types), E_COLOR), ("inhibitory", np.flatnonzero(~types), I_COLOR)]
    return [group for group in both if group[1].size]


def number(value: float) -> str:
    """Format a number with three digits, without a power of ten if it can be written out."""
    return f"{value:.0f}" if 1000.0 <= abs(value) < 1e6 else f"{value:.3g}"


def with_unit(label: str, unit: str) -> str:
    """Return the label of an axis or a bar."""
    return f"{label} ({unit})" if unit else label


def name_period(ax: Axes, name: str, start: float, stop: float) -> None:
    """Write the name of a period on the x axis, above the frame."""
    ax.annotate(
        name,
        ((start + stop) / 2, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(0, 2),
        textcoords="offset points",
        ha="center",
        va="bottom",
        color=neutral(),
    )


def time_label(since: str = "") -> str:
    """Return the label of a time axis, since an event if there is one."""
    return f"time since {since} (ms)" if since else "time (ms)"


def level_colours(levels: np.ndarray, label: str) -> np.ndarray:
    """Return colours (L, 4) of ascending levels, by rank, or for angles (by their label) by place on the circle."""
    unit = label.rpartition("(")[2].removesuffix(")")
    values = np.asarray(levels)
    if unit in _ANGLES and label.endswith(")") and values.dtype.kind in "iuf":
        colours: np.ndarray = angle_cmap()(values / _TURNS.get(unit, 360.0) % 1.0)
        return colours
    by_rank: np.ndarray = coherence_cmap()(np.linspace(0.0, 1.0, values.size))
    return by_rank


def category_looks(n: int) -> list[dict[str, Any]]:
    """Return distinct colours, dashes and, from 17 on, widths for n unordered categories."""
    return [
        {
            "color": _CATEGORIES[i % 4],
            "linestyle": _DASHES[(i // 4) % 4],
            "linewidth": 1.2 + 0.9 * (i // 16),
        }
        for i in range(n)
    ]


def missing_shade(ax: Axes) -> None:
    """Draw the background of a matrix: unknown values have no colour of the map."""
    ax.set_facecolor(ink(0.2))


def level_bar(ax: Axes | list[Axes], levels: np.ndarray, colours: np.ndarray, label: str) -> None:
    """Add a colour bar with one block per level, labelling at most about a dozen; a list of Axes shares one."""
    norm = BoundaryNorm(np.arange(levels.size + 1) - 0.5, levels.size)
    mappable = ScalarMappable(norm, ListedColormap(colours))
    mappable.set_array(np.asarray(levels, np.float64))  # colours of levels, for the table of a figure
    if isinstance(ax, Axes):
        bar = ax.figure.colorbar(mappable, cax=ax.inset_axes((1.04, 0.0, 0.05, 1.0)), drawedges=False)
    else:
        bar = ax[0].figure.colorbar(mappable, ax=ax, aspect=30, pad=0.03, drawedges=False)
    ticks = np.arange(0, levels.size, -(-levels.size // 13))
    bar.set_ticks(ticks.tolist(), labels=[_level_name(levels[tick]) for tick in ticks])
    bar.ax.tick_params(length=0)
    bar.ax.minorticks_off()
    bar.set_label(label)


def level_ticks(ax: Axes, levels: np.ndarray) -> None:
    """Name levels side by side on the x axis, at most eight of them."""
    ticks = np.arange(0, levels.size, -(-levels.size // 8))
    ax.set_xticks(ticks.tolist(), labels=[_level_name(levels[tick]) for tick in ticks])


def _level_name(level: Any) -> str:
    """Format a number with a proper minus sign, as on axes, and truth values as yes and no."""
    if isinstance(level, bool | np.bool_):
        return "yes" if level else "no"
    return f"{level:.4g}".replace("-", "\N{MINUS SIGN}") if abs(level) < 1e4 else f"{level:g}"


def draw_path(ax: Axes, path: np.ndarray, colour: object, dt: float | None, dot_every: float) -> None:
    if not len(path):
        return
    ax.plot(path[:, 0], path[:, 1], color=colour, linewidth=1.4)
    ax.plot(*path[0], marker="o", markersize=5, color=background(), markeredgecolor=colour, zorder=3)
    ax.plot(
        *path[-1],
        marker="s",
        markersize=5,
        color=colour,
        markeredgecolor=foreground(),
        markeredgewidth=0.6,
        zorder=3,
    )
    if dt is not None:
        every = max(1, round(dot_every / dt))
        ax.plot(*path[every:-1:every].T, linestyle="none", marker="o", markersize=2.2, color=colour)


def path_legend(dt: float | None, dot_every: float) -> list[Line2D]:
    handles = [_marker("o", 5, "start", face=background()), _marker("s", 5, "end")]
    return handles if dt is None else [*handles, _marker("o", 2.2, f"every {dot_every:g} ms")]


def _marker(marker: str, size: float | int, label: str, face: str | None = None) -> Line2D:
    return Line2D(
        [],
        [],
        linestyle="none",
        marker=marker,
        markersize=size,
        color=neutral(),
        markerfacecolor=face or neutral(),
        label=label,
    )


def strength_axis(ax: Axes, levels: np.ndarray, label: str) -> np.ndarray:
    """Label the axis of strength, with a tick at each level that has room, and return points for a curve."""
    ax.set_xlabel(label)
    if levels[0] <= 0.0:
        margin = 0.05 * float(np.ptp(levels))
        ax.xaxis.set_major_locator(MaxNLocator(6))
        return np.linspace(0.0, levels[-1] + margin, 401)
    ax.set_xscale("log")
    span = float(np.log(levels[-1] / levels[0]))
    ticks: list[float] = []
    for level in levels:
        if not ticks or np.log(level / ticks[-1]) > 0.09 * span:
            ticks.append(float(level))
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_minor_formatter(NullFormatter())
    factor = np.exp(0.06 * max(span, 0.1))
    return np.geomspace(levels[0] / factor, levels[-1] * factor, 401)


def interval_points(
    ax: Axes,
    x: np.ndarray,
    y: np.ndarray,
    ci: np.ndarray,
    color: object,
    *,
    label: str | None = None,
    face: str | None = None,
) -> None:
    """Draw points with intervals; unknown intervals are not drawn."""
    bars = np.nan_to_num(np.clip([y - ci[:, 0], ci[:, 1] - y], 0.0, None))
    look: dict[str, Any] = {"color": color, "markerfacecolor": color if face is None else face, "markersize": 4}
    ax.errorbar(x, y, yerr=bars, fmt="o", capsize=2, elinewidth=1.0, label=label, **look)
