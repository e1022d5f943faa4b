"""Networks in a timing task: inputs, ramps and units, a curve per condition."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from eicon.analysis._similarity import nrmse

from ._parts import level_bar, with_unit
from ._style import (
    E_COLOR,
    I_COLOR,
    background,
    coherence_cmap,
    font_size,
    house_style,
    label_size,
    neutral,
    panel_letters,
    reference,
    small_ticks,
)

_DASHES: tuple[Any, ...] = ("-", "--", ":", "-.")
_TARGET_DASH = (0, (4.0, 2.0))


class _Curves:
    """Conditions in the order of their labels, with colours, times of the steps, and ends."""

    def __init__(
        self,
        shape: tuple[int, ...],
        labels: ArrayLike,
        dt: float | int,
        set_step: ArrayLike | None,
        mask: ArrayLike | None,
    ) -> None:
        n_steps, n_conditions = shape[:2]
        self.levels = np.asarray(labels, dtype=np.float64)
        if self.levels.shape != (n_conditions,):
            raise ValueError(
                f"`labels` must contain one level per trial, ({n_conditions},); got {self.levels.shape}. "
                "Pass one trial of each condition, such as task.trials(1, key=key)."
            )
        if not dt > 0:
            raise ValueError(f"`dt` must be positive (ms); got {dt}.")
        onset = np.zeros(n_conditions) if set_step is None else np.asarray(set_step)
        if onset.shape != (n_conditions,):
            raise ValueError(f"`set_step` must contain one step per trial, ({n_conditions},); got {onset.shape}.")
        self.inside = np.ones(shape[:2], dtype=bool) if mask is None else np.asarray(mask).astype(bool)
        if self.inside.shape != shape[:2]:
            raise ValueError(f"`mask` must be (T, C) = {shape[:2]}; got {self.inside.shape}.")
        self.aligned = set_step is not None
        self.dt = float(dt)
        # The state after step t is that of the end of the step.
        self.time = (np.arange(1, n_steps + 1)[:, None] - onset[None, :]) * self.dt
        self.ranking = np.argsort(self.levels)
        self.colours = coherence_cmap()(np.linspace(0.0, 1.0, n_conditions))  # in order

    def draw(self, ax: Axes, values: np.ndarray, **options) -> None:
        """Draw values (T, C), a curve per condition, to the end of each trial."""
        for c, colour in zip(self.ranking, self.colours, strict=True):
            inside = self.inside[:, c]
            ax.plot(self.time[inside, c], values[inside, c], **{"color": colour, **options})

    def alike(self, values: np.ndarray) -> bool:
        """Return True if all curves of values (T, C) coincide, as far as they go."""
        courses = [dict(zip(self.time[i, c], values[i, c], strict=True)) for c, i in enumerate(self.inside.T)]
        return all(course[t] == courses[0][t] for course in courses for t in course.keys() & courses[0].keys())

    def finish(self, figure: Figure, axes: Sequence[Axes], label: str, unit: str) -> None:
        """Set limits, the line at set, the label of the time axis and the colours of the conditions."""
        times = self.time[self.inside]
        for ax in axes:
            ax.set_xlim(times.min() - self.dt, times.max())
            if self.aligned:
                ax.axvline(0.0, color=reference(), linestyle=":", linewidth=1.0, zorder=0)
        figure.supxlabel("time since set (ms)" if self.aligned else "time (ms)", fontsize=label_size())
        if self.levels.size > 1:
            level_bar(list(axes), self.levels[self.ranking], self.colours, with_unit(label, unit))


@house_style
def plot_ramps(
    inputs: ArrayLike,
    targets: ArrayLike,
    outputs: ArrayLike,
    labels: ArrayLike,
    dt: float | int,
    *,
    set_step: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    channels: Sequence[str] = ("context", "set"),
    threshold: float | int | None = 1.0,
    label: str = "interval",
    unit: str = "ms",
    figure: Figure | None = None,
) -> Figure:
    """Draw inputs, target and output of a timing task below each other, a curve per condition.

    Parameters
    ----------
    inputs : (T, C, n_in) array
        One trial per condition, as from ``task.trials(1, key=key)``. A channel that is the same in all
        conditions is drawn once, in grey.
    targets, outputs : (T, C, 1) or (T, C) arrays
        Targets and outputs, drawn on one scale.
    labels : (C,) array
        Level of each condition, for instance intervals in ms; colours go by rank.
    dt : float
        Step, ms. The state after step t is drawn at ``(t + 1) dt``, an input from ``t dt`` to ``(t + 1) dt``.
    set_step : (C,) int array, optional
        Step of the set pulse in each trial: time 0. None draws from the start of the trials.
    mask : (T, C) array of bool or 0/1, optional
        Steps to draw, such as `Trial.mask`.
    channels : sequence of str
        Names of the inputs.
    threshold : float, optional
        Output that means "go", a dotted line; None for none.
    label, unit : str
        Name and unit of the labels, for the colour bar.
    figure : Figure, optional
        An empty one to draw into; None makes a new one.

    Returns
    -------
    Figure
        Figure with the Axes of inputs, targets and outputs.

    Raises
    ------
    ValueError
        If shapes do not match, or `dt` is not positive.
    """
    given = np.asarray(inputs, dtype=np.float64)
    if given.ndim != 3 or given.shape[2] != len(channels) or 0 in given.shape:
        raise ValueError(
            f"`inputs` must be (T, C, n_in) with a name in `channels` for each of n_in; "
            f"got shape {given.shape} and {len(channels)} names."
        )
    wanted = _one_channel("targets", targets, given.shape[:2])
    produced = _one_channel("outputs", outputs, given.shape[:2])
    curves = _Curves(given.shape, labels, dt, set_step, mask)
    figure, axes = _grid(3, 1, figure, (4.4, 5.2))
    handles = []
    for k, (name, dash) in enumerate(zip(channels, _DASHES * len(channels), strict=False)):
        options = {"color": neutral()} if len(curves.levels) > 1 and curves.alike(given[:, :, k]) else {}
        curves.draw(axes[0], given[:, :, k], drawstyle="steps-pre", linestyle=dash, linewidth=1.2, **options)
        handles.append(Line2D([], [], color=neutral(), linestyle=dash, linewidth=1.2, label=name))
    axes[0].legend(handles=handles, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=len(handles), borderpad=0.1)
    for ax, values, title in zip(axes[1:], (wanted, produced), ("target", "network"), strict=True):
        _threshold(ax, threshold)
        curves.draw(ax, values)
        ax.set_ylabel(f"{title} output" if title == "network" else title)
    axes[0].set_ylabel("input")
    _same_limits(axes[1:])
    panel_letters(axes)
    curves.finish(figure, axes, label, unit)
    figure.align_ylabels(axes)
    return figure


@house_style
def plot_outputs_grid(
    outputs: Mapping[str, ArrayLike],
    targets: ArrayLike,
    labels: ArrayLike,
    dt: float | int,
    *,
    set_step: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    errors: Mapping[str, float | int] | None = None,
    error_name: str = "NRMSE",
    threshold: float | int | None = 1.0,
    columns: int = 3,
    label: str = "condition",
    unit: str = "",
    figure: Figure | None = None,
) -> Figure:
    """Draw the outputs of several networks in panels on one scale, for instance the stages of a condensation.

    Parameters
    ----------
    outputs : mapping of title to (T, C, 1) or (T, C) array
        One trial per condition. The scale is that of the targets; an output that leaves it is cut off.
    targets : (T, C, 1) or (T, C) array
        Targets, dashed.
    labels, dt, set_step, mask, threshold, label, unit, figure
        See `plot_ramps`.
    errors : mapping of title to float, optional
        Error of each panel, in its corner. None takes `eicon.analysis.similarity.nrmse` of the outputs against the
        targets where `mask` is not 0.
    error_name : str
        Name of the errors.
    columns : int
        Most panels side by side.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If there is no output, shapes do not match, `errors` lacks one, or `dt` or `columns` is not positive.
    """
    if not outputs:
        raise ValueError("`outputs` must contain at least one network; got none.")
    wanted = _one_channel("targets", targets, None)
    curves = _Curves(wanted.shape, labels, dt, set_step, mask)
    produced = {title: _one_channel(f"outputs[{title!r}]", values, wanted.shape) for title, values in outputs.items()}
    missing = [] if errors is None else [title for title in produced if title not in errors]
    if errors is not None and missing:
        raise ValueError(f"`errors` must have one for each of `outputs`; got none for {', '.join(missing)}.")
    if errors is None:
        errors = {title: _error(wanted, values, curves.inside) for title, values in produced.items()}
    figure, axes = _small_multiples(len(produced), columns, figure, (1.75, 1.5), sharey=True)
    for ax, (title, values) in zip(axes, produced.items(), strict=True):
        _threshold(ax, threshold)
        curves.draw(ax, values, linewidth=1.3)
        curves.draw(ax, wanted, linestyle=_TARGET_DASH, linewidth=0.8, alpha=0.9)
        ax.set_title(title)
        ax.text(
            0.04,
            0.95,
            f"{error_name} {errors[title]:.2g}",
            transform=ax.transAxes,
            va="top",
            color=neutral(),
            fontsize=font_size(-1),
            bbox={"boxstyle": "square,pad=0.1", "facecolor": background(), "edgecolor": "none", "alpha": 0.75},
        )
    low, high = (float(bound(wanted[curves.inside])) for bound in (np.nanmin, np.nanmax))
    margin = 0.25 * ((high - low) or 1.0)
    axes[0].set_ylim(low - margin, high + 1.6 * margin)  # more above, for the errors
    handles = [
        Line2D([], [], color=neutral(), linewidth=1.3, label="network"),
        Line2D([], [], color=neutral(), linestyle=_TARGET_DASH, linewidth=0.8, label="target"),
    ]
    figure.legend(handles=handles, loc="outside upper right", ncols=2, handlelength=2.4)
    figure.supylabel("output", fontsize=label_size())
    curves.finish(figure, axes, label, unit)
    return figure


@house_style
def plot_units(
    rates: ArrayLike,
    labels: ArrayLike,
    dt: float | int,
    units: ArrayLike,
    *,
    excitatory: ArrayLike | None = None,
    set_step: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    columns: int = 4,
    label: str = "condition",
    unit: str = "",
    figure: Figure | None = None,
) -> Figure:
    """Draw the activity of single units, a panel per unit and a curve per condition.

    Parameters
    ----------
    rates : (T, C, N) array
        One trial per condition.
    labels, dt, set_step, mask, label, unit, figure
        See `plot_ramps`.
    units : (M,) int array
        Units to show, in this order. Each has its own scale.
    excitatory : (N,) bool array, optional
        Types: titles of E units are blue and those of I units red.
    columns : int
        Most panels side by side.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If shapes do not match, there is no such unit, or `dt` or `columns` is not positive.
    """
    values = np.asarray(rates, dtype=np.float64)
    if values.ndim != 3 or 0 in values.shape:
        raise ValueError(f"`rates` must be (T, C, N), one trial per condition; got shape {values.shape}.")
    curves = _Curves(values.shape, labels, dt, set_step, mask)
    shown = np.asarray(units)
    n_units = values.shape[2]
    if shown.ndim != 1 or shown.size == 0 or shown.dtype.kind not in "iu" or not np.isin(shown, range(n_units)).all():
        raise ValueError(f"`units` must be indices in 0..{n_units - 1}; got {shown.tolist()}.")
    types = None if excitatory is None else np.asarray(excitatory)
    if types is not None and (types.dtype != np.bool_ or types.shape != (n_units,)):
        raise ValueError(
            f"`excitatory` must be bools, shape (N,) = ({n_units},); got {types.dtype}, shape {types.shape}. "
            "From Dale signs, pass sign > 0."
        )
    figure, axes = _small_multiples(shown.size, columns, figure, (1.55, 1.25))
    for ax, k in zip(axes, shown.tolist(), strict=True):
        curves.draw(ax, values[:, :, k], linewidth=1.1)
        if types is None:
            ax.set_title(f"unit {k}", pad=3)
        else:
            ax.set_title(f"unit {k} ({'E' if types[k] else 'I'})", pad=3, color=E_COLOR if types[k] else I_COLOR)
        ax.yaxis.set_major_locator(MaxNLocator(3))
        ax.xaxis.set_major_locator(MaxNLocator(3))
    figure.supylabel("firing rate (a.u.)", fontsize=label_size())
    curves.finish(figure, axes, label, unit)
    return figure


def _one_channel(name: str, values: ArrayLike, shape: tuple[int, ...] | None) -> np.ndarray:
    """Check (T, C) or (T, C, 1) and return (T, C)."""
    array = np.asarray(values, dtype=np.float64)
    flat = array[:, :, 0] if array.ndim == 3 and array.shape[2] == 1 else array
    if flat.ndim != 2 or 0 in flat.shape or (shape is not None and flat.shape != shape):
        allowed = "(T, C)" if shape is None else f"(T, C) = {shape}"
        raise ValueError(
            f"`{name}` must be {allowed} or (T, C, 1); got shape {array.shape}. From several outputs, pass one."
        )
    return flat


def _error(targets: np.ndarray, outputs: np.ndarray, inside: np.ndarray) -> float:
    """Return the error of one network; NaN if its output is not finite, as after divergence."""
    if not np.isfinite(outputs[inside]).all():
        return np.nan
    return nrmse(targets[:, :, None], outputs[:, :, None], mask=inside)


def _threshold(ax: Axes, threshold: float | int | None) -> None:
    if threshold is not None:
        ax.axhline(threshold, color=reference(), linestyle=":", linewidth=1.0, zorder=0)


def _same_limits(axes: Sequence[Axes]) -> None:
    limits = np.array([ax.get_ylim() for ax in axes])
    for ax in axes:
        ax.set_ylim(limits[:, 0].min(), limits[:, 1].max())


def _small_multiples(
    n: int, columns: int, figure: Figure | None, size: tuple[float, float], *, sharey: bool = False
) -> tuple[Figure, list[Axes]]:
    """Make n Axes in rows of `columns`, with tick labels below the last one of each column."""
    if columns < 1:
        raise ValueError(f"`columns` must be at least 1; got {columns}.")
    columns = min(columns, n)
    rows = math.ceil(n / columns)
    figsize = (max(4.0, 1.2 + size[0] * columns), 0.9 + size[1] * rows)
    figure, axes = _grid(rows, columns, figure, figsize, sharey=sharey)
    for empty in axes[n:]:
        empty.remove()
    for ax in axes[max(0, n - columns) : n]:
        ax.tick_params(labelbottom=True)
    return figure, axes[:n]


def _grid(
    rows: int, columns: int, figure: Figure | None, figsize: tuple[float, float], *, sharey: bool = False
) -> tuple[Figure, list[Axes]]:
    import matplotlib.pyplot as plt  # here, so that importing eicon.plotting does not resolve a backend

    if figure is None:
        figure = plt.figure(figsize=figsize)
    axes = list(figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=sharey).flat)
    for ax in axes:
        # Ticks are created at draw time, after the style is gone, unless their size is stored now.
        small_ticks(ax)
    return figure, axes
