"""Learning curves, of one training or of several with a band."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from ._style import house_style, line_color, line_width, new_figure, panel_letters, reference
from ._sweep import COLORS

_VALIDATION_COLOR = "#EE7733"


@house_style
def plot_loss(
    loss: Any,
    *,
    accuracy: ArrayLike | None = None,
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    smooth: int | None = None,
    log: bool = True,
    chance: float | int | None = None,
    score: str = "accuracy",
) -> Figure:
    """Draw the loss per training step, and accuracy on a second panel if there is any.

    Parameters
    ----------
    loss : (S,) array, History, sequence of History, or mapping of str to sequence of History
        Training loss of every step; drawn faintly, with its running mean on top. A history includes its accuracies.
        For several, e.g. several seeds, the mean is drawn as long as half of them last, with a band of one standard
        deviation within the range of the runs; several that have labels get a band for each label. The accuracy is then
        that of the validations, or that of training if there were none.
    accuracy : (S,) array, optional
        Training accuracy of every step, fraction correct in 0..1.
    validation : (steps (V,), accuracy (V,)), optional
        Accuracy on the validation set and the (1-based) training steps after which it was measured.
    smooth : int, optional
        Steps in the running mean; None takes a fortieth of S.
    log : bool
        Logarithmic loss axis.
    chance : float, optional
        Accuracy of guessing, drawn as a dashed line.
    score : str
        Name of the accuracy; for a fit to a recording, it is the explained variance.

    Returns
    -------
    Figure
        Figure with one Axes, or two (loss above accuracy).

    Raises
    ------
    ValueError
        If `loss` is not a non-empty vector or histories, `accuracy` has a different length, the parts of `validation`
        differ in length, `smooth` < 1, or histories are combined with `accuracy` or `validation`.
    """
    if smooth is not None and smooth < 1:
        raise ValueError(f"`smooth` must be >= 1 step; got {smooth}. Use 1 for no smoothing.")
    groups = _histories(loss)
    if groups is not None:
        if accuracy is not None or validation is not None:
            raise ValueError("histories include their accuracies; leave out `accuracy` and `validation`.")
        if sum(map(len, groups.values())) > 1:
            return _bands(groups, smooth, log, chance, score)
        ((one,),) = groups.values()
        trained = np.asarray(one["accuracy"], np.float64)
        accuracy = trained if np.isfinite(trained).any() else None
        measured_at = np.asarray(one["validation_step"])
        validation = (measured_at, one["validation_accuracy"]) if measured_at.size else None
        loss = one["loss"]
    losses = _vector("loss", loss)
    width = max(1, losses.size // 40) if smooth is None else smooth
    training = None if accuracy is None else _accuracy(accuracy, losses.size)
    measured = None if validation is None else _validation(*validation)
    two = training is not None or measured is not None
    figure, axes = new_figure(1 + two, figsize=(4.0, 4.0 if two else 3.0))
    _curve_with_mean(axes[0], losses, width, "training")
    axes[0].set_ylabel("loss")
    if log:
        axes[0].set_yscale("log")
    if two:
        _accuracy_panel(axes[1], training, measured, width, chance, score)
    axes[-1].set_xlabel("training step")
    axes[-1].set_xlim(0, losses.size)
    axes[-1].xaxis.set_major_locator(MaxNLocator(5, integer=True))
    figure.align_ylabels(axes)
    panel_letters(axes)
    return figure


def _histories(given: Any) -> dict[str, list[Any]] | None:
    """Return histories by label; None for an array."""
    if _is_history(given):
        return {"": [given]}
    if isinstance(given, Mapping):
        groups = {str(label): [one] if _is_history(one) else list(one) for label, one in given.items()}
    elif isinstance(given, Sequence) and any(map(_is_history, given)):
        groups = {"": list(given)}
    else:
        return None
    if not groups or not all(group and all(map(_is_history, group)) for group in groups.values()):
        raise ValueError("`loss` must contain histories of trainings, at least one for each label.")
    if not all(len(one["loss"]) for group in groups.values() for one in group):
        raise ValueError("a history has no step yet; train first, or leave it out.")
    return groups


def _is_history(given: Any) -> bool:
    return isinstance(given, Mapping) and {"loss", "accuracy", "validation_step"} <= set(given)


def _bands(
    groups: dict[str, list[Any]], smooth: int | None, log: bool, chance: float | int | None, score: str
) -> Figure:
    """Draw mean and band of the histories of each label."""
    longest = max(len(one["loss"]) for group in groups.values() for one in group)
    width = max(1, longest // 40) if smooth is None else smooth
    accurate = {label: _accuracies(group, width) for label, group in groups.items()}
    two = any(np.isfinite(values).any() for _, values in accurate.values())
    figure, axes = new_figure(1 + two, figsize=(4.0, 4.0 if two else 3.0))
    colours = [line_color()] if len(groups) == 1 else list(COLORS)
    for (label, group), colour in zip(groups.items(), cycle(colours)):
        losses = _beside([_running_mean(np.asarray(one["loss"], np.float64), width) for one in group])
        name = f"{label or 'mean'} (n = {len(group)})"
        _band(axes[0], np.arange(1, losses.shape[1] + 1), losses, colour, name)
        if two:
            _band(axes[1], *accurate[label], colour, name)
    axes[0].set_ylabel("loss")
    axes[0].set_yscale("log" if log else "linear")
    if two:
        if chance is not None:
            axes[1].axhline(chance, color=reference(), linestyle="--", linewidth=1.0, label="chance")
        axes[1].set_ylabel(score)
        axes[1].set_ylim(top=1.02)
    handles = {text: one for ax in axes for one, text in zip(*ax.get_legend_handles_labels(), strict=True)}
    figure.legend(list(handles.values()), list(handles), loc="outside upper center", ncols=min(3, len(handles)))
    axes[-1].set_xlabel("training step")
    axes[-1].set_xlim(0, longest)
    axes[-1].xaxis.set_major_locator(MaxNLocator(5, integer=True))
    figure.align_ylabels(axes)
    panel_letters(axes)
    return figure


def _accuracies(group: list[Any], width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return steps (S,) and accuracies (n, S) of the validations, or of training if there were none."""
    steps = [np.asarray(one["validation_step"], int) for one in group]
    if not all(one.size for one in steps):
        values = _beside([_running_mean(np.asarray(one["accuracy"], np.float64), width) for one in group])
        return np.arange(1, values.shape[1] + 1), values
    every = np.unique(np.concatenate(steps))
    values = np.full((len(group), every.size), np.nan)
    for row, one, at in zip(values, group, steps, strict=True):
        row[np.searchsorted(every, at)] = one["validation_accuracy"]
    return every, values


def _beside(curves: list[np.ndarray]) -> np.ndarray:
    """Stack curves of different lengths in one array, with NaN after their ends."""
    longest = max(map(len, curves))
    return np.array([np.pad(one, (0, longest - len(one)), constant_values=np.nan) for one in curves])


def _band(ax: Axes, steps: np.ndarray, values: np.ndarray, colour: str, label: str) -> None:
    known = np.isfinite(values)
    shown = known.sum(axis=0) >= max(1, len(values) / 2)
    if not shown.any():
        return
    steps, runs = steps[shown], values[:, shown]
    mean, spread = np.nanmean(runs, axis=0), np.nanstd(runs, axis=0)
    low, high = np.nanmin(runs, axis=0), np.nanmax(runs, axis=0)
    ax.fill_between(
        steps, np.maximum(mean - spread, low), np.minimum(mean + spread, high), color=colour, alpha=0.25, linewidth=0
    )
    ax.plot(steps, mean, color=colour, linewidth=line_width(1.6), label=label)


def _accuracy(accuracy: ArrayLike, n_steps: int) -> np.ndarray:
    values = _vector("accuracy", accuracy)
    if values.size != n_steps:
        raise ValueError(
            f"`accuracy` must have one value per step, {n_steps} like `loss`; got {values.size}. "
            "Pass occasional measurements as `validation`, with their steps."
        )
    return values


def _validation(steps: ArrayLike, accuracy: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    times, values = _vector("validation steps", steps), _vector("validation", accuracy)
    if times.size != values.size:
        raise ValueError(
            f"`validation` must be (steps, accuracy) of one length; got {times.size} and {values.size}. "
            "Pass the steps at which it was measured."
        )
    return times, values


def _accuracy_panel(
    ax: Axes,
    training: np.ndarray | None,
    measured: tuple[np.ndarray, np.ndarray] | None,
    width: int,
    chance: float | int | None,
    score: str,
) -> None:
    if chance is not None:
        ax.axhline(chance, color=reference(), linestyle="--", linewidth=1.0, label="chance")
    if training is not None:
        _curve_with_mean(ax, training, width, "training")
    if measured is not None:
        ax.plot(*measured, "o-", color=_VALIDATION_COLOR, markersize=3.5, linewidth=1.0, label="validation")
    ax.set_ylabel(score)
    ax.set_ylim(top=1.02)
    ax.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2, ncols=3, columnspacing=1.0)


def _curve_with_mean(ax: Axes, values: np.ndarray, width: int, label: str) -> None:
    steps = np.arange(1, values.size + 1)
    ax.plot(steps, values, color=line_color(), alpha=0.25, linewidth=line_width(0.6))
    ax.plot(steps, _running_mean(values, width), color=line_color(), linewidth=line_width(1.6), label=label)


def _running_mean(values: np.ndarray, width: int) -> np.ndarray:
    """Return the centred mean of the finite values among `width` steps, fewer at the ends; NaN without any."""
    finite = np.isfinite(values)
    window = np.ones(width)
    start = (width - 1) // 2
    total = np.convolve(np.where(finite, values, 0.0), window)[start : start + values.size]
    count = np.round(np.convolve(finite, window)[start : start + values.size])
    return np.divide(total, count, out=np.full(values.size, np.nan), where=count > 0)


def _vector(name: str, values: ArrayLike) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"`{name}` must be a non-empty vector, one value per step; got shape {array.shape}.")
    return array
