"""Fitted runs: predictions of units, and the fitted values."""

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from ._fits import _TYPES, RECORDED_COLOR, UNRECORDED_COLOR, plot_unrecorded, seed_intervals
from ._overview import plot_row
from ._parts import category_looks, with_unit
from ._style import axes_or_new, foreground, house_style, line_width, neutral, reference, small_ticks
from ._sweep import NONE, NULL, REPEATS

if TYPE_CHECKING:
    import xarray as xr

LOWEST = -1.0
"""Lower limit of R2 and r; lower values are drawn there, as triangles."""
MOST_POINTS = 400
N_UNITS = "n_units"
"""Key of a grid over the number of fitted units."""


class FitCurves(NamedTuple):
    """Predictions of units in a sweep of fits, against the number fitted; a curve for each other choice.

    Curves are called "connectome" and after its nulls, if these are the only other key of the grid.

    Attributes
    ----------
    n_units : (K,) int
        Numbers of fitted units, ascending.
    error, r : dict of str to (S, K) array
        For unrecorded units, over seeds: medians over units of the squared error over the variance, ``1 - R2``, and
        mean correlations.
    recorded_error, recorded_r : dict of str to (S, K) array
        The same for the fitted units.
    trials : str
        "held-out", or "fitted" if no trials were held out.
    """

    n_units: np.ndarray
    error: dict[str, np.ndarray]
    r: dict[str, np.ndarray]
    recorded_error: dict[str, np.ndarray]
    recorded_r: dict[str, np.ndarray]
    trials: str

    def words(self) -> list[str]:
        """Return errors and correlations of unrecorded units with 95 % intervals over seeds, a line for each curve."""
        lines = []
        for name in self.error:
            error = seed_intervals(self.error[name], "log")
            said = (_interval(*numbers) for numbers in zip(*error, strict=True))
            r = (_interval(*numbers) for numbers in zip(*seed_intervals(self.r[name], "correlation"), strict=True))
            each = (f"{n}: {e}, r {c}" for n, e, c in zip(self.n_units.tolist(), said, r, strict=True))
            lines.append(f"{name}, {'; '.join(each)}")
        return lines


def _interval(mean: float, low: float, high: float) -> str:
    return f"{mean:.3g}" + (f" [{low:.3g}, {high:.3g}]" if np.isfinite(low) else "")


def fit_curves(data: "xr.Dataset") -> FitCurves | None:
    """Collect predictions of a sweep of fits over numbers of fitted units; None for other sweeps.

    Parameters
    ----------
    data : xarray.Dataset
        Results of `eicon.runs.sweep_results`.
    """
    dims = [str(dim) for dim in data["finished"].dims]
    trials = next((part for part in ("held_out", "fitted") if f"unrecorded_{part}_r2" in data), None)
    if N_UNITS not in dims or trials is None:
        return None
    others = [dim for dim in dims if dim not in (N_UNITS, *REPEATS)]
    repeats = [dim for dim in dims if dim in REPEATS]
    order = np.argsort(data[N_UNITS].values)
    choices = itertools.product(*(data[dim].values.tolist() for dim in others))
    named = {_curve_name(chosen): chosen for chosen in (dict(zip(others, one, strict=True)) for one in choices)}

    def curves(measure: str) -> dict[str, np.ndarray]:
        parts = {name: data[measure].sel(chosen).transpose(*repeats, N_UNITS) for name, chosen in named.items()}
        return {name: part.values.reshape(-1, order.size)[:, order] for name, part in parts.items()}

    found = {f"{of}_{m}": curves(f"{of}_{trials}_{m}") for of in ("unrecorded", "recorded") for m in ("r2", "r")}
    known = {name: np.isfinite(r2).any(axis=0) for name, r2 in found["unrecorded_r2"].items()}
    names = [name for name, at in known.items() if at.any()]
    if not names:
        return None
    at = np.any(list(known.values()), axis=0)  # numbers for which some units are left
    kept = {what: {name: all_of[name][:, at] for name in names} for what, all_of in found.items()}
    error, recorded = (
        {name: 1.0 - r2 for name, r2 in kept[f"{which}_r2"].items()} for which in ("unrecorded", "recorded")
    )
    numbers = data[N_UNITS].values[order][at]
    return FitCurves(numbers, error, kept["unrecorded_r"], recorded, kept["recorded_r"], trials.replace("_", "-"))


def _curve_name(values: Mapping[str, object]) -> str:
    words = [
        ("connectome" if value == NONE else f"null: {value}")
        if dim.rpartition(".")[2] == NULL
        else f"{dim.rpartition('.')[2].replace('_', ' ')} {value}"
        for dim, value in values.items()
    ]
    return ", ".join(words) or "all runs"


def plot_fit_sweep(curves: FitCurves) -> Figure:
    """Draw predictions of unrecorded units against the number fitted, with intervals over seeds.

    Parameters
    ----------
    curves : FitCurves
        Result of `fit_curves`.

    Returns
    -------
    Figure
        Two panels: the error over the variance, with a dotted line at the error of predicting each unit's mean, and
        the correlation. Fitted units are dashed.
    """
    error = f"squared error / variance\n(median, {curves.trials} trials)"
    r = f"correlation r\n(mean, {curves.trials} trials)"
    given = curves.n_units
    return plot_row(
        [
            lambda ax: plot_unrecorded(
                given, curves.error, recorded=curves.recorded_error, label=error, level=1.0, ax=ax
            ),
            lambda ax: plot_unrecorded(
                given, curves.r, recorded=curves.recorded_r, label=r, scale="correlation", level=0.0, ax=ax
            ),
        ],
        size=(3.6, 3.4),
    )


@house_style
def plot_unit_scores(
    scores: Mapping[str, ArrayLike], *, recorded: ArrayLike, label: str = "R²", ax: Axes | None = None
) -> Axes:
    """Draw R2 or r of all units: those that the network was fitted to, and those that it only predicts.

    Parameters
    ----------
    scores : mapping of str to (N,) array
        Scores for fitted and for held-out trials; NaN for unknown units.
    recorded : (N,) bool array
        Units that the network was fitted to.
    label : str
        Name of the score.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes
        A point per unit, and a bar at the median; triangles at the lower edge mark units below -1.

    Raises
    ------
    ValueError
        If shapes do not match.
    """
    fitted = np.asarray(recorded)
    rows = {name: np.asarray(values, np.float64) for name, values in scores.items()}
    if fitted.dtype != np.bool_ or any(values.shape != fitted.shape for values in rows.values()):
        raise ValueError(
            f"`scores` must be (N,) arrays of the units of `recorded`, bools of shape {fitted.shape}; got "
            f"{[values.shape for values in rows.values()]}."
        )
    ax = axes_or_new(ax, figsize=(1.6 + 1.2 * len(rows), 3.2))
    kinds = {"recorded": (fitted, RECORDED_COLOR), "unrecorded": (~fitted, UNRECORDED_COLOR)}
    shown = {name for name, (members, _) in kinds.items() if any(np.isfinite(v[members]).any() for v in rows.values())}
    for place, values in enumerate(rows.values()):
        for side, (members, colour) in zip((-0.2, 0.2), kinds.values(), strict=True):
            known, at = values[members & np.isfinite(values)], place + side * (len(shown) > 1)
            if known.size:
                _strip(ax, at, known, colour, 0.13, lowest=LOWEST)
                below = np.count_nonzero(known < LOWEST)
                ax.plot(np.full(below, at), np.full(below, LOWEST), "v", color=colour)
    ax.axhline(0.0, color=reference(), linestyle=":", linewidth=line_width(1.0), zorder=0)
    ax.set_ylim(LOWEST - 0.05, 1.05)
    ax.set_xlim(-0.5, len(rows) - 0.5)
    ax.set_xticks(range(len(rows)), labels=list(rows))
    ax.tick_params(axis="x", length=0)
    ax.set_ylabel(label)
    ax.yaxis.set_major_locator(MaxNLocator(5))
    handles = [
        Line2D([], [], linestyle="none", marker="o", markersize=4, color=colour, label=name)
        for name, (_, colour) in kinds.items()
        if name in shown
    ]
    ax.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, handletextpad=0.1)
    return ax


@house_style
def plot_fitted_values(
    values: ArrayLike, *, by: ArrayLike | None = None, quantity: str = "gain", unit: str = "", ax: Axes | None = None
) -> Axes:
    """Draw fitted gains, biases, time constants or weights, for each type of unit.

    Parameters
    ----------
    values : (n,) array
        One value per unit, or per connection.
    by : (n,) array, optional
        Labels, such as the types of units; E and I have their colours.
    quantity, unit : str
        Name and unit of the values.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes
        A point per value (at most 400 of each label), and a bar at the median.

    Raises
    ------
    ValueError
        If shapes do not match, or values are not finite.
    """
    numbers = np.asarray(values, np.float64)
    labels = np.full(numbers.shape, "all") if by is None else np.asarray(by)
    if numbers.ndim != 1 or labels.shape != numbers.shape or not numbers.size or not np.isfinite(numbers).all():
        raise ValueError(f"`values` and `by` must be finite, of one shape (n,); got {numbers.shape}, {labels.shape}.")
    names = np.unique(labels).tolist()
    ax = axes_or_new(ax, figsize=(1.4 + 0.6 * len(names), 3.0))
    looks = category_looks(len(names)) if len(names) > 1 else [{"color": neutral()}]
    for place, (name, look) in enumerate(zip(names, looks, strict=True)):
        _strip(ax, float(place), numbers[labels == name], _TYPES.get(str(name), look["color"]), 0.25)
    words = [str(name) or "free" for name in names]
    small_ticks(ax)
    turned = sum(map(len, words)) > 16
    ax.set_xticks(range(len(names)), labels=words, rotation=45 if turned else 0, ha="right" if turned else "center")
    ax.set_xlim(-0.6, len(names) - 0.4)
    ax.tick_params(axis="x", length=0)
    ax.set_ylabel(with_unit(quantity, unit))
    ax.yaxis.set_major_locator(MaxNLocator(5))
    return ax


def _strip(ax: Axes, place: float, values: np.ndarray, colour: object, half: float, lowest: float = -np.inf) -> None:
    """Draw points in ascending order with a bar at the median; points below `lowest` are drawn there."""
    order = np.maximum(np.sort(values), lowest)
    if order.size > MOST_POINTS:
        order = order[np.linspace(0, order.size - 1, MOST_POINTS).round().astype(int)]
    turns = np.arange(order.size) * 0.618034 % 1.0  # golden ratio: neighbours are separated
    spread = (turns - 0.5) * 2 * half if order.size > 1 else np.zeros(order.size)
    size = 4.0 if order.size < 100 else 3.0
    ax.plot(place + spread, order, "o", color=colour, markersize=size, alpha=0.6, markeredgewidth=0.0)
    median = max(float(np.median(values)), lowest)
    ax.plot([place - half, place + half], [median, median], color=foreground(), linewidth=line_width(1.6))
