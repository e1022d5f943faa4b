"""Figure 8: eye movements along eight sequences."""

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from ... import analysis, plotting
from ...plotting._files import Drawing
from ...runs._run import Run
from ._draw_panels import INK, NEUTRAL, ORANGE, REFERENCE, TEAL, draw, handle, panels, title
from ._signatures import FigureResult, Signature, networks, signature, span
from ._trials import FigureTrials, by_model, measure_all, run_trials

RMSE, RIGHT = 0.06, 0.95
"""Largest error, slightly above the 0.05 of training, and smallest fraction of correct trials per sequence."""
SINGLE_TRIALS = 5
DOTS = [(x, y) for y in (0.5, 0.0, -0.5) for x in (-0.5, 0.0, 0.5)]
SEQUENCE_COLOURS = ("#0077BB", "#33BBEE", "#009988", "#AACC55", "#EE7733", "#CC3311", "#EE3377", "#777777")


class Sequences(NamedTuple):
    """Measures of a network; S sequences.

    Attributes
    ----------
    rmse : (S,) root mean squared error over trials, scored steps and both coordinates
    right : (S,) fraction of trials whose three movements are right
    """

    rmse: np.ndarray
    right: np.ndarray

    @property
    def error(self) -> float:
        """Value over all sequences."""
        return float(np.sqrt(np.mean(self.rmse**2)))


def sequences_figure(runs: dict[str, list[Run]], repeats: int) -> FigureResult:
    """Test the networks on all sequences."""
    models = by_model(runs, "lee")
    example, found = measure_all(models, lambda run, first: run_trials(run, repeats, keep_rates=first), _measure)
    drawings = {"eye_paths": _paths(example), "sequences": _draw(example.rated, found)}
    captions = {
        "eye_paths": f"Gaze of a network, with its noise, in {SINGLE_TRIALS} trials of each sequence from fixation of "
        "the central dot on.",
        "sequences": "Gaze in one trial with its target (dotted: ends of epochs), mean activity in the plane of its "
        "first two principal components from fixation on (circle: before the first movement; square: end), and the "
        "error in each sequence, a point per network (filled: the example; dotted: what still holds).",
    }
    return FigureResult([_accurate(found), _right(found)], drawings, captions)


def _measure(trials: FigureTrials) -> Sequences:
    sequence = trials.condition("sequence")
    squares, score = trials.of_task("rmse").astype(np.float64) ** 2, trials.of_task("correct")
    levels = np.unique(sequence)
    rmse = np.array([np.sqrt(squares[sequence == level].mean()) for level in levels])
    return Sequences(rmse, np.array([score[sequence == level].mean() for level in levels]))


def _accurate(found: list[Sequences]) -> Signature:
    errors = [sequences.error for sequences in found]
    return signature(
        "The output follows the target gaze.",
        f"RMSE {span(errors, '{:.3f}')} in {networks(len(found))}, in the worst sequence "
        f"{span([float(s.rmse.max()) for s in found], '{:.3f}')} (holds: {RMSE:g} or less over all).",
        [error <= RMSE for error in errors],
        rmse=errors,
        rmse_by_sequence=[sequences.rmse for sequences in found],
    )


def _right(found: list[Sequences]) -> Signature:
    worst = [float(sequences.right.min()) for sequences in found]
    return signature(
        "All eight sequences are executed: each movement goes to the right one of two dots.",
        f"{span([100 * w for w in worst], '{:.0f}')} % of trials are right in the worst sequence of "
        f"{networks(len(found))} (holds: {100 * RIGHT:g} % or more).",
        [value >= RIGHT for value in worst],
        right_by_sequence=[sequences.right for sequences in found],
    )


def _paths(trials: FigureTrials) -> Drawing:
    """Draw the first trials of each sequence, starting at fixation."""
    shown = slice(0, SINGLE_TRIALS * trials.task.n_conditions)
    shown_steps = trials.during("fixation", "movement 1", "movement 2", "movement 3")
    sequence = trials.condition("sequence")
    return plotting.behaviour.plot_eye_paths(
        trials.outputs[:, shown],
        sequence[shown],
        targets=np.asarray(trials.trial.targets)[:, shown],
        dots=DOTS,
        mask=shown_steps[:, shown],
        titles={int(level): f"sequence {level + 1}" for level in np.unique(sequence)},
    )


def _draw(trials: FigureTrials, found: list[Sequences]) -> Drawing:
    with plotting.style():
        figure, axes = panels(1, 3, (10.0, 3.2))
        _time(trials, 0, axes[0, 0])
        draw(axes[0, 1], _plane, trials)
        title(axes[0, 1], "state space")
        ax = axes[0, 2]
        for i, sequences in reversed(list(enumerate(found))):
            place = np.arange(sequences.rmse.size)
            ax.plot(place, sequences.rmse, "o", color=INK, markerfacecolor="white" if i else INK, markersize=4.5)
        ax.axhline(RMSE, color=REFERENCE, linestyle=":", linewidth=1.0)
        ax.set_xticks(range(len(SEQUENCE_COLOURS)), [str(i + 1) for i in range(len(SEQUENCE_COLOURS))])
        ax.set_ylim(bottom=0)
        ax.set_xlabel("sequence")
        ax.set_ylabel("RMSE")
        title(ax, "error by sequence")
        handles = [handle(str(i + 1), colour) for i, colour in enumerate(SEQUENCE_COLOURS)]
        axes[0, 1].legend(handles=handles, loc="best", fontsize=7.5, ncols=2, handlelength=1.0, columnspacing=0.8)
    return figure


def _time(trials: FigureTrials, sequence: int, ax: Axes) -> None:
    trial = int(np.flatnonzero(trials.condition("sequence") == sequence)[0])
    targets, scored = (np.asarray(values)[:, trial] for values in (trials.trial.targets, trials.trial.mask))
    time = np.arange(1, len(targets) + 1) * trials.task.dt / 1000
    for k, (name, colour) in enumerate((("x", TEAL), ("y", ORANGE))):
        ax.plot(time, trials.outputs[:, trial, k], color=colour, linewidth=1.2, label=name)
        wanted = np.where(scored > 0, targets[:, k], np.nan)
        ax.plot(time, wanted, color=colour, linestyle="--", linewidth=0.9)
    for name, bounds in trials.trial.epochs.items():
        start = float(bounds[trial, 0]) * trials.task.dt / 1000
        if name != "intertrial":
            ax.axvline(start, color=REFERENCE, linestyle=":", linewidth=0.8)
    ax.set_ylim(-0.85, 0.85)
    ax.set_xlim(0, time[-1])
    ax.set_xlabel("time (s)")
    ax.set_ylabel("gaze")
    handles = [handle("x", TEAL), handle("y", ORANGE), handle("target", NEUTRAL, linestyle="--", linewidth=0.9)]
    ax.legend(handles=handles, loc="lower left", fontsize=8, ncols=3, columnspacing=0.9, handlelength=1.4)
    title(ax, f"a trial of sequence {sequence + 1}")


def _plane(trials: FigureTrials, ax: Axes) -> None:
    first = int(trials.onset("fixation")[0])
    mean = analysis.condition_average(trials.rates[first:], trials.condition("sequence"))
    found = analysis.pca(np.moveaxis(mean.average, 0, 1), n_components=2)
    start = int(trials.onset("movement 1")[0]) - first
    for sequence in range(len(mean.levels)):
        path = found.trajectories[:, sequence]
        ax.plot(*path.T, color=SEQUENCE_COLOURS[sequence], linewidth=1.2)
        ax.plot(*path[start - 1], "o", color=SEQUENCE_COLOURS[sequence], markerfacecolor="white", markersize=4)
        ax.plot(*path[-1], "s", color=SEQUENCE_COLOURS[sequence], markersize=4)
    ratio = 100 * found.explained_ratio[:2]
    ax.set_xlabel(f"PC 1 ({ratio[0]:.0f} % of variance)")
    ax.set_ylabel(f"PC 2 ({ratio[1]:.0f} %)")
