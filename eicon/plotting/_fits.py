"""Predictions of recorded and unrecorded units, and recovered numbers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import ArrayLike
from scipy import stats

from eicon.analysis._fits import recovery, unit_fit

from ._parts import MOST_LINES, category_looks
from ._ramps import _small_multiples
from ._style import (
    E_COLOR,
    I_COLOR,
    ORANGE,
    TEAL,
    axes_or_new,
    background,
    font_size,
    house_style,
    label_size,
    line_width,
    neutral,
    panel_letters,
    reference,
)

RECORDED_COLOR, UNRECORDED_COLOR = TEAL, ORANGE
_TYPES = {"E": E_COLOR, "I": I_COLOR}
SCALES: dict[str, tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]] = {
    "log": (np.log, np.exp),
    "correlation": (lambda r: np.arctanh(np.clip(r, -1 + 1e-9, 1 - 1e-9)), np.tanh),
    "linear": (np.asarray, np.asarray),
}
"""Transform on which means over seeds and their intervals are computed, and its inverse."""


@house_style
def plot_unit_traces(
    predicted: ArrayLike,
    observed: ArrayLike,
    dt: float | int,
    units: ArrayLike,
    *,
    recorded: ArrayLike,
    trial: int = 0,
    names: Sequence[str] | np.ndarray | None = None,
    start: float | int = 0.0,
    columns: int = 3,
    label: str = "firing rate (a.u.)",
    figure: Figure | None = None,
) -> Figure:
    """Draw observed and predicted activity of single units in one trial, a panel per unit.

    Parameters
    ----------
    predicted, observed : (T, B, N) arrays
        Activity; `observed` is NaN, and not drawn, where it is unknown.
    dt : float
        Step in ms.
    units : (M,) int array
        Units to show, in this order.
    recorded : (N,) bool array
        Units that the network was fitted to; predictions of the others have a different colour.
    trial : int
        The trial to show.
    names : sequence of str, optional
        Names of all N units; by default their numbers.
    start : float
        Time of the first step in ms.
    columns : int
        Most panels side by side.
    label : str
        Name of the activity.
    figure : Figure, optional
        Figure to draw into; None makes a new one.

    Returns
    -------
    Figure
        The titles have the correlation r over all trials.

    Raises
    ------
    ValueError
        If shapes do not match, or there is no such unit or trial.
    """
    model, data = np.asarray(predicted, np.float64), np.asarray(observed, np.float64)
    fit = unit_fit(model, data)
    n_trials, n_units = data.shape[1:]
    shown = np.asarray(units)
    if shown.ndim != 1 or not shown.size or shown.dtype.kind not in "iu" or not np.isin(shown, range(n_units)).all():
        raise ValueError(f"`units` must be indices in 0..{n_units - 1}; got {shown.tolist()}.")
    fitted = np.asarray(recorded)
    if fitted.dtype != np.bool_ or fitted.shape != (n_units,):
        raise ValueError(f"`recorded` must be bools, shape (N,) = ({n_units},); got {fitted.dtype} {fitted.shape}.")
    if not 0 <= trial < n_trials:
        raise ValueError(f"`trial` must be in 0..{n_trials - 1}; got {trial}.")
    if names is not None and len(names) != n_units:
        raise ValueError(f"`names` must name all {n_units} units, not only those shown; got {len(names)}.")
    time = start + np.arange(len(data)) * dt
    figure, axes = _small_multiples(shown.size, columns, figure, (1.9, 1.5))
    drawn: dict[str, Any] = {}
    for ax, unit in zip(axes, shown.tolist(), strict=True):
        name = str(unit) if names is None else names[unit]
        which, colour = ("recorded", RECORDED_COLOR) if fitted[unit] else ("unrecorded", UNRECORDED_COLOR)
        (truth,) = ax.plot(time, data[:, trial, unit], color=neutral(), linewidth=line_width(2.2), alpha=0.6)
        (line,) = ax.plot(time, model[:, trial, unit], color=colour, linewidth=line_width(1.2))
        drawn |= {"observed": truth, f"predicted, {which}": line}
        r = "" if np.isnan(fit.r[unit]) else f", r = {fit.r[unit]:.2f}".replace("-", "\N{MINUS SIGN}")
        ax.set_title(f"{name}{r}", pad=3, fontsize=font_size())
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(MaxNLocator(3))
    figure.supylabel(label, fontsize=label_size())
    figure.supxlabel("time (ms)", fontsize=label_size())
    order = sorted(drawn, key=lambda name: (name != "observed", name))
    figure.legend([drawn[name] for name in order], order, loc="outside upper center", ncols=3)
    panel_letters(axes)
    return figure


@house_style
def plot_unrecorded(
    n_recorded: ArrayLike,
    unrecorded: Mapping[str, ArrayLike],
    *,
    recorded: Mapping[str, ArrayLike] | None = None,
    label: str = "error",
    scale: str = "log",
    level: float | int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the error on unrecorded units against the number recorded, for several networks or orders of recording.

    Parameters
    ----------
    n_recorded : (K,) array
        Numbers M of recorded units, > 0.
    unrecorded : mapping of str to (S, K) array
        A curve for each name, over S seeds: the connectome and its nulls, or the chosen, a random and the worst order.
        NaN where unknown.
    recorded : mapping of str to (S, K) array, optional
        The same on the recorded units, dashed, in the colours of the same names.
    label : str
        Name of the error.
    scale : {"log", "correlation", "linear"}
        Means and intervals are computed on logarithms, for errors, with a logarithmic axis; on Fisher's z, for
        correlations; or on the numbers themselves.
    level : float, optional
        Dotted reference line, such as 1 for an error over the variance.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes
        Means over seeds with 95 % intervals (Student's t), and small points for single seeds.

    Raises
    ------
    ValueError
        If shapes do not match, or a number is not positive on a logarithmic axis, or a correlation is beyond 1.
    """
    if scale not in SCALES:
        raise ValueError(f"`scale` must be one of {', '.join(SCALES)}; got {scale!r}.")
    ax = axes_or_new(ax, figsize=(4.0, 3.4))
    x = recorded_axis(ax, n_recorded)
    if level is not None:
        ax.axhline(level, color=reference(), linestyle=":", linewidth=line_width(1.0), zorder=0)
    given = {"unrecorded": unrecorded, **({} if recorded is None else {"recorded": recorded})}
    names = list(dict.fromkeys(name for curves in given.values() for name in curves))
    looks = category_looks(len(names))
    drawn = [(which, name) for name in names for which, curves in given.items() if name in curves]
    for place, (which, name) in enumerate(drawn):
        aside = 1.03 ** (place - (len(drawn) - 1) / 2)  # so that intervals stand side by side
        look = {"color": looks[names.index(name)]["color"], **_dashes(which)}
        text = name if which == "unrecorded" or name not in unrecorded else f"_{name}, recorded"
        _curve(ax, x * aside, _seeds(which, name, given[which][name], x.size, scale), scale, text, look)
    for which in given if recorded is not None else ():
        ax.plot([], [], color=neutral(), marker="o", markersize=4, label=f"{which} units", **_dashes(which))
    ax.set_yscale("log" if scale == "log" else "linear")
    ax.set_ylabel(label)
    handles, texts = ax.get_legend_handles_labels()
    ordered = sorted(zip(texts, handles, strict=True), key=lambda one: one[0].endswith(" units"))  # names come first
    in_one_row = len(ordered) == 3 and sum(map(len, texts)) < 25
    ax.legend(
        [handle for _, handle in ordered],
        [text for text, _ in ordered],
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=3 if in_one_row else 2,
    )
    return ax


def recorded_axis(ax: Axes, n_recorded: ArrayLike) -> Float[np.ndarray, "K"]:
    """Make a logarithmic axis with a tick at each number of recorded units; returns the numbers."""
    x = np.asarray(n_recorded, np.float64)
    if x.ndim != 1 or not x.size or not (x > 0).all():
        raise ValueError(f"`n_recorded` must be numbers > 0, shape (K,); got {x.tolist()}.")
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(FixedLocator(x.tolist()))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.set_xlabel("recorded units")
    return x


def _dashes(which: str) -> dict[str, Any]:
    """Solid lines and markers for unrecorded units, dashed and hollow ones for recorded units."""
    return {"linestyle": "-"} if which == "unrecorded" else {"linestyle": "--", "markerfacecolor": background()}


def _seeds(which: str, name: str, values: ArrayLike, n: int, scale: str) -> Float[np.ndarray, "S K"]:
    array = np.asarray(values, np.float64)
    if array.ndim != 2 or array.shape[1] != n:
        raise ValueError(f"`{which}` of {name!r} must be (S, K) = (S, {n}): seeds, then numbers; got {array.shape}.")
    if scale == "log" and (array <= 0).any():
        raise ValueError(f"`{which}` of {name!r} must be > 0 on a logarithmic axis; got {np.nanmin(array):g}.")
    if scale == "correlation" and (np.abs(array) > 1).any():
        raise ValueError(f"`{which}` of {name!r} must be correlations, -1 to 1; got {np.nanmax(np.abs(array)):g}.")
    return array


def _curve(ax: Axes, x: np.ndarray, values: np.ndarray, scale: str, label: str, look: dict[str, Any]) -> None:
    """Draw the mean over seeds with its interval; a single seed has none."""
    mean, low, high = seed_intervals(values, scale)
    known = np.isfinite(mean)
    bars = np.nan_to_num(np.stack([mean - low, high - mean]))[:, known]
    width = line_width(1.0)
    ax.errorbar(x[known], mean[known], bars, marker="o", markersize=4, capsize=2, elinewidth=width, label=label, **look)
    seed_points(ax, x, values, look["color"])


def seed_points(ax: Axes, x: np.ndarray, values: Float[np.ndarray, "S K"], colour: object) -> None:
    """Draw a small point for each seed, if there are several."""
    if len(values) > 1:
        spread = np.broadcast_to(x, values.shape)
        ax.plot(spread.ravel(), values.ravel(), ".", markersize=2.5, color=colour, alpha=0.5)


def seed_intervals(
    values: Float[np.ndarray, "S K"], scale: str = "linear"
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return means over the known seeds, and both ends of their 95 % intervals; NaN for fewer than two."""
    there, back = SCALES[scale]
    values = there(values)
    known = np.isfinite(values)
    n = known.sum(axis=0)
    mean = np.where(n > 0, np.where(known, values, 0.0).sum(axis=0) / np.maximum(n, 1), np.nan)
    square = np.where(known, (values - mean) ** 2, 0.0).sum(axis=0)
    several = np.maximum(n, 2)
    half = stats.t.ppf(0.975, several - 1) * np.sqrt(square / (several - 1)) / np.sqrt(several)
    half = np.where(n > 1, half, np.nan)
    return back(mean), back(mean - half), back(mean + half)


@house_style
def plot_recovery(
    fitted: ArrayLike,
    true: ArrayLike,
    *,
    where: ArrayLike | None = None,
    by: ArrayLike | None = None,
    quantity: str = "gain",
    unit: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw fitted numbers against the true ones, with the line on which they are equal.

    Parameters
    ----------
    fitted, true, where, by
        See `eicon.analysis.fits.recovery`; each label has a colour, with the usual ones for E and I.
    quantity, unit : str
        Name and unit of the numbers.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes
        The title has R2, about the true mean without a fitted line, and r.
    """
    result = recovery(fitted, true, where=where, by=by)
    y, x = np.asarray(fitted, np.float64), np.asarray(true, np.float64)
    chosen = np.ones(x.shape, bool) if where is None else np.asarray(where)
    labels = np.full(x.shape, "") if by is None else np.asarray(by)
    ax = axes_or_new(ax, figsize=(4.0, 4.0))
    names = np.unique(labels[chosen])
    many = int(chosen.sum()) > MOST_LINES * 5
    for name, look in zip(names.tolist(), category_looks(names.size), strict=True):
        here = chosen & (labels == name)
        size, alpha = (1.5, 0.4) if many else (3.5, 0.8)
        ax.plot(
            x[here],
            y[here],
            linestyle="none",
            marker="o",
            markersize=size,
            markeredgewidth=0.0,
            alpha=alpha,
            color=_TYPES.get(str(name), look["color"]),
            label=str(name),
            rasterized=many,
        )
    ends = np.array([min(x[chosen].min(), y[chosen].min()), max(x[chosen].max(), y[chosen].max())])
    ax.plot(ends, ends, color=reference(), linestyle="--", linewidth=line_width(1.0), zorder=0)
    ax.set_aspect("equal", adjustable="datalim")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(4))
    of = f" ({unit})" if unit else ""
    ax.set_xlabel(f"true {quantity}{of}")
    ax.set_ylabel(f"fitted {quantity}{of}")
    text = f"R² = {result.r2:.2f}, r = {result.r:.2f}, n = {result.n}".replace("-", "\N{MINUS SIGN}")
    ax.set_title(text, loc="left", fontsize=font_size())
    if by is not None:
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), handletextpad=0.2)
    return ax
