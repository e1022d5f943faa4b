"""Learning curves."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from ._style import REFERENCE_COLOR, house_style, new_figure

_LINE_COLOR = "#222222"
_VALIDATION_COLOR = "#EE7733"


@house_style
def plot_loss(
    loss: ArrayLike,
    *,
    accuracy: ArrayLike | None = None,
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    smooth: int | None = None,
    log: bool = True,
    chance: float | int | None = None,
) -> Figure:
    """Draw the loss per training step, and accuracy on a second panel if there is any.

    Parameters
    ----------
    loss : (S,) array
        Training loss of every step; drawn faintly, with its running mean on top.
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

    Returns
    -------
    Figure
        With one Axes, or two (loss above accuracy).

    Raises
    ------
    ValueError
        If `loss` is not a non-empty vector, `accuracy` has another length, the two parts of `validation`
        differ in length, or `smooth` < 1.
    """
    losses = _vector("loss", loss)
    if smooth is not None and smooth < 1:
        raise ValueError(f"`smooth` must be >= 1 step; got {smooth}. Use 1 for no smoothing.")
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
        _accuracy_panel(axes[1], training, measured, width, chance)
    axes[-1].set_xlabel("training step")
    axes[-1].set_xlim(0, losses.size)
    axes[-1].xaxis.set_major_locator(MaxNLocator(5, integer=True))
    figure.align_ylabels(axes)
    return figure


def _accuracy(accuracy: ArrayLike, n_steps: int) -> np.ndarray:
    values = _vector("accuracy", accuracy)
    if values.size != n_steps:
        raise ValueError(
            f"`accuracy` must have one value per step, {n_steps} as `loss`; got {values.size}. "
            "Values measured now and then go into `validation` with their steps."
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
) -> None:
    if chance is not None:
        ax.axhline(chance, color=REFERENCE_COLOR, linestyle="--", linewidth=1.0, label="chance")
    if training is not None:
        _curve_with_mean(ax, training, width, "training")
    if measured is not None:
        ax.plot(*measured, "o-", color=_VALIDATION_COLOR, markersize=3.5, linewidth=1.0, label="validation")
    ax.set_ylabel("accuracy")
    ax.set_ylim(top=1.02)
    ax.legend(loc="lower right", ncols=3, columnspacing=1.0, frameon=True, framealpha=0.85, edgecolor="none")


def _curve_with_mean(ax: Axes, values: np.ndarray, width: int, label: str) -> None:
    steps = np.arange(1, values.size + 1)
    ax.plot(steps, values, color=_LINE_COLOR, alpha=0.25, linewidth=0.6)
    ax.plot(steps, _running_mean(values, width), color=_LINE_COLOR, linewidth=1.6, label=label)


def _running_mean(values: np.ndarray, width: int) -> np.ndarray:
    """Centred mean of the finite values among `width` steps, fewer at the ends; NaN where there is none."""
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
