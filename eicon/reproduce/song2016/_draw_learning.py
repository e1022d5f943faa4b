"""Figure 9: duration of training, with Adam and with the published gradient descent."""

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from ... import plotting
from ...plotting._files import Drawing
from ...runs._run import Run
from ...training._history import History
from ._draw_panels import INK, ORANGE, REFERENCE, TEAL, handle, panels, points, title
from ._signatures import FigureResult, Signature, networks, signature, span
from ._trials import by_model

WAYS = {"rdm_dense": ("Adam", TEAL), "rdm_sgd": ("published gradient descent", ORANGE)}


class Learning(NamedTuple):
    """Training of a network.

    Attributes
    ----------
    trials : (V,) trials seen at each validation
    accuracy : (V,) on validation trials
    criterion : required accuracy, and the number of validations
    reached : trials until the criterion was reached; NaN if it was not
    """

    trials: np.ndarray
    accuracy: np.ndarray
    criterion: tuple[float, int]
    reached: float


def learning_figure(runs: dict[str, list[Run]], repeats: int) -> FigureResult:
    """Read the histories; ``repeats`` is ignored, because nothing is simulated."""
    found = {model: [_read(run) for run in by_model(runs, model)] for model in WAYS}
    threshold, window = found["rdm_dense"][0].criterion
    caption = (
        "Accuracy on validation trials of the perceptual decision against the trials of the training, a line per "
        f"network (thick: seed 0), and trials until the criterion (dotted: {100 * threshold:g} % on average over "
        f"{window} validations), a point per network. Gradient descent is as published: batches of "
        f"{runs['rdm_sgd'][0].recipe.trials.batch_size} trials, learning rate "
        f"{runs['rdm_sgd'][0].recipe.learner.learning_rate:g}, rectified weights; Adam: batches of "
        f"{runs['rdm_dense'][0].recipe.trials.batch_size}, "
        f"{runs['rdm_dense'][0].recipe.learner.learning_rate:g}, moduli."
    )
    return FigureResult(_signatures(found), {"learning": _draw(found)}, {"learning": caption})


def _read(run: Run) -> Learning:
    history, settings, batch_size = run.history(), run.recipe.training, run.recipe.trials.batch_size or 0
    criterion = run.recipe.criterion()
    done = criterion is not None and criterion(history)
    return Learning(
        trials=history.validation_step * batch_size,
        accuracy=history.validation_accuracy.astype(np.float64),
        criterion=(settings.stop_accuracy or np.nan, settings.stop_window),
        reached=float(_last(history) * batch_size) if done else np.nan,
    )


def _last(history: History) -> int:
    """Return the step of the last validation: training ends as soon as the criterion is reached."""
    return int(history.validation_step[-1])


def _signatures(found: dict[str, list[Learning]]) -> list[Signature]:
    reached = {model: [learning.reached for learning in of_model] for model, of_model in found.items()}
    texts = [
        f"{int(np.isfinite(values).sum())} of {networks(len(values))} with {WAYS[model][0]} "
        f"({span([value / 1000 for value in values], '{:.1f}')} thousand trials)"
        for model, values in reached.items()
    ]
    adam, sgd = (np.array(values) for values in reached.values())
    known = bool(np.isfinite(adam).all() and np.isfinite(sgd).all())
    ratio = float(np.median(sgd) / np.median(adam)) if known else np.nan
    return [
        signature(
            "Gradient descent as published learns the task, and so does Adam.",
            f"The criterion was reached by {' and '.join(texts)}.",
            np.isfinite(np.concatenate([adam, sgd])).tolist(),
            trials=reached,
        ),
        signature(
            "Adam needs fewer trials than the published gradient descent (not a finding of the paper).",
            f"Median of trials with gradient descent over that with Adam: {span([ratio], '{:.1f}')} (holds: every "
            "network with Adam needs fewer than any with gradient descent).",
            [known and bool(adam.max() < sgd.min())],
            ratio=ratio,
        ),
    ]


def _draw(found: dict[str, list[Learning]]) -> Drawing:
    with plotting.style():
        figure, axes = panels(1, 2, (8.0, 3.2), width_ratios=[2.2, 1.0])
        ax = axes[0, 0]
        for model, (_, colour) in WAYS.items():
            for i, learning in enumerate(found[model]):
                width = 1.6 if i == 0 else 0.7
                ax.plot(learning.trials, learning.accuracy, color=colour, linewidth=width, alpha=1.0 if i == 0 else 0.7)
        ax.axhline(found["rdm_dense"][0].criterion[0], color=REFERENCE, linestyle=":", linewidth=1.2)
        ax.axhline(0.5, color=REFERENCE, linewidth=0.8)
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / 1000:g}"))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set_xlabel("thousand trials of the training")
        ax.set_ylabel("validation accuracy")
        handles = [handle(name, colour) for name, colour in WAYS.values()]
        handles += [handle("criterion", REFERENCE, linestyle=":"), handle("chance", REFERENCE, linewidth=0.8)]
        ax.legend(handles=handles, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=4, fontsize=8, columnspacing=1.0)
        _reached(found, axes[0, 1])
    return figure


def _reached(found: dict[str, list[Learning]], ax: Axes) -> None:
    for place, (model, (_, colour)) in enumerate(WAYS.items()):
        points(ax, place, [learning.reached / 1000 for learning in found[model]], colour)
    if not ax.lines:
        ax.text(0.5, 0.5, "not reached", ha="center", transform=ax.transAxes, color=INK, fontsize=8)
    ax.set_xticks(range(len(WAYS)), ["Adam", "gradient\ndescent"])
    ax.set_xlim(-0.6, len(WAYS) - 0.4)
    ax.set_ylim(bottom=0)
    ax.set_ylabel("trials to criterion (thousands)")
    title(ax, "trials needed")
