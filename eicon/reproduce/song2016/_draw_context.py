"""Figure 4: context-dependent integration, its psychometric curves and its state space."""

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from ... import analysis, plotting
from ...analysis._psychometric import psychometric_or_none
from ...plotting._files import Drawing
from ...runs._run import Run
from ._draw_panels import COHERENCE_UNIT, INK, TEAL, choices_panel, draw, handle, level_colours, panels, title
from ._signatures import SIGNIFICANT, FigureResult, Signature, networks, signature, span
from ._trials import FigureTrials, attempt, by_model, measure_all, run_trials

MODALITIES = ("motion", "colour")
"""Relevant modality in context 0 and in context 1."""
FLAT = 0.2
"""Largest slope with the irrelevant coherence, as a fraction of that with the relevant one."""
SEPARATED, OWN = 0.9, 0.75
"""Smallest area under the ROC curve along an axis, and smallest share of its variable along it."""


class Behaviour(NamedTuple):
    """Choices against the coherence of both modalities.

    Attributes
    ----------
    curves : [context][modality], None where there were no choices
    slopes : (context, modality) 1 / width of the fitted curves, per cent^-1; negative if choices are turned around
    accuracy : fraction correct
    """

    curves: list[list[analysis.results.Psychometric | None]]
    slopes: np.ndarray
    accuracy: float

    @property
    def ratio(self) -> list[float]:
        """Slope with the irrelevant over that with the relevant coherence, per context; NaN if the latter is <= 0."""
        relevant, irrelevant = ([float(self.slopes[c, abs(c - k)]) for c in (0, 1)] for k in (0, 1))
        return [abs(i) / r if r > 0 else np.nan for r, i in zip(relevant, irrelevant, strict=True)]

    @property
    def selects(self) -> bool:
        """True if choices follow only the relevant coherence, in both contexts."""
        return all(ratio <= FLAT for ratio in self.ratio)


class StateSpace(NamedTuple):
    """Regression axes and their separation of held-out trials.

    Attributes
    ----------
    axes : choice, motion, colour, context
    own : (4,) share of its own variable in what each axis shows
    auc_choice, auc_context : of the network's choice and of the context, each along its axis
    angle : between the choice and the context axis before they were made orthogonal, degrees
    represented : [context][modality] rank correlation of the activity on its axis with the coherence
    """

    axes: analysis.results.RegressionAxes
    own: np.ndarray
    auc_choice: float
    auc_context: float
    angle: float
    represented: list[list[analysis.results.Trend]]


def context_figure(runs: dict[str, list[Run]], repeats: int) -> FigureResult:
    """Test the networks in both contexts."""
    example, measured = measure_all(
        by_model(runs, "mante"),
        lambda run, _: run_trials(run, repeats),
        lambda trials: (measure_behaviour(trials), attempt(measure_space, trials.rated)),
    )
    behaviours, spaces = [behaviour for behaviour, _ in measured], [space for _, space in measured]
    caption = (
        "Choices against the coherence of motion and of colour in both contexts (points: fraction with 95 % interval, "
        "lines: fitted cumulative Gaussians; grey: the other networks), and mean activity during the stimulus in "
        "correct trials on the axes of choice and of either modality, for each coherence and choice (solid lines: "
        "choice 0; circle: onset of the stimulus, square: its end). All of one network, with its noise. Coherences are "
        "on the scale of Song et al.: multiplied by 5, they are per cent of dots."
    )
    drawing = _draw(example.rated, behaviours, spaces[0])
    signatures = [behaviour_signature(behaviours), *_space_signatures(spaces)]
    return FigureResult(signatures, {"context": drawing}, {"context": caption})


def measure_behaviour(trials: FigureTrials) -> Behaviour:
    """Return psychometric curves in both contexts and modalities."""
    context, chosen = trials.condition("context"), trials.choice
    curves: list[list[analysis.results.Psychometric | None]] = []
    slopes = np.full((2, 2), np.nan)
    for c in (0, 1):
        curves.append([])
        for m, modality in enumerate(MODALITIES):
            coherence, choice = trials.condition(modality)[context == c], chosen[context == c]
            curves[c].append(psychometric_or_none(coherence, choice))
            if curves[c][m] is not None:
                slopes[c, m] = _slope(coherence, choice)
    return Behaviour(curves, slopes, float(trials.correct.mean()))


def _slope(coherence: np.ndarray, choice: np.ndarray) -> float:
    """Return the slope of the fitted curve, of either sign; 0 if it is flat, infinite if it is a step."""
    for sign in (1, -1):
        curve = analysis.psychometric(sign * coherence, choice)
        if curve.converged:
            return sign / curve.width
        if curve.width < np.ptp(curve.levels):
            return sign * np.inf
    return 0.0


def measure_space(trials: FigureTrials) -> StateSpace:
    """Fit axes on half of the trials, and test them on the others."""
    during, rates, regressors = _stimulus(trials)
    half = np.arange(len(during)) % (2 * trials.task.n_conditions) < trials.task.n_conditions
    if half.all():
        half = np.arange(len(during)) % 2 == 0
    first, second = during & half, during & ~half
    axes = analysis.coding.regression_axes(rates[:, first], {name: v[first] for name, v in regressors.items()})
    other = {name: values[second] for name, values in regressors.items()}
    separation = analysis.coding.axis_separation(axes, rates[:, second], other)
    shown = axes.project(rates[:, second])
    auc = {}
    for name in ("choice", "context"):
        p = axes.names.index(name)
        labels = np.where(other[name] > 0, 0, 1)
        auc[name] = float(analysis.selectivity(shown[axes.best_step[p]][None, :, p, None], labels).auc[0])
    cosine = abs(float(axes.raw[axes.names.index("choice")] @ axes.raw[axes.names.index("context")]))
    represented = [
        [_trend(shown, axes, other, modality, other["context"] == sign) for modality in MODALITIES] for sign in (-1, 1)
    ]
    angle = float(np.degrees(np.arccos(min(1.0, cosine))))
    return StateSpace(axes, separation.own_share, auc["choice"], auc["context"], angle, represented)


def _stimulus(trials: FigureTrials) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Return trials with a choice (bool), rates of all trials during the stimulus, and task variables."""
    start, stop = np.asarray(trials.trial.epochs["stimulus"])[0]
    regressors = {
        "choice": np.where(trials.choice == 0, 1.0, -1.0),
        "motion": trials.condition("motion").astype(np.float64),
        "colour": trials.condition("colour").astype(np.float64),
        "context": np.where(trials.condition("context") == 1, 1.0, -1.0),
    }
    return trials.choice >= 0, trials.rates[start:stop], regressors


def _trend(
    shown: np.ndarray,
    axes: analysis.results.RegressionAxes,
    other: dict[str, np.ndarray],
    modality: str,
    chosen: np.ndarray,
) -> analysis.results.Trend:
    p = axes.names.index(modality)
    return analysis.behaviour.trend(other[modality][chosen], shown[axes.best_step[p], chosen, p])


def behaviour_signature(behaviours: list[Behaviour]) -> Signature:
    """Test if the context selects the modality."""
    ratios = [ratio for behaviour in behaviours for ratio in behaviour.ratio]
    return signature(
        "Choices follow the modality that the context selects and hardly depend on the other one.",
        f"Slope with the irrelevant coherence {span(ratios, '{:.2f}')} of that with the relevant one in "
        f"{networks(len(behaviours))} and both contexts (holds: at most {FLAT:g}); "
        f"{span([100 * b.accuracy for b in behaviours], '{:.0f}')} % correct.",
        [behaviour.selects for behaviour in behaviours],
        slope_ratio={name: [b.ratio[c] for b in behaviours] for c, name in enumerate(MODALITIES)},
        slopes_per_percent=[behaviour.slopes for behaviour in behaviours],
        accuracy=[behaviour.accuracy for behaviour in behaviours],
    )


def _space_signatures(spaces: list[StateSpace | None]) -> list[Signature]:
    known = [space for space in spaces if space is not None]
    choice, context = [s.auc_choice for s in known], [s.auc_context for s in known]
    angles = [space.angle for space in known]
    own = {name: [float(s.own[s.axes.names.index(name)]) for s in known] for name in ("choice", "context")}
    other_way = [s.represented[c][1 - c] for s in known for c in (0, 1)]
    missing = [None] * (len(spaces) - len(known))
    return [
        signature(
            "Activity separates choice from context, along different directions of state space.",
            f"In new trials, the choice axis tells the choice with an area under the ROC curve of {span(choice)} and "
            f"the context axis the context with {span(context)} (holds: {SEPARATED:g} or more); {span(own['choice'])} "
            f"and {span(own['context'])} of what they show is their own variable (holds: {OWN:g} or more); the "
            f"directions are {span(angles, '{:.0f}')} degrees apart before they are made orthogonal.",
            [
                *(a >= SEPARATED and b >= SEPARATED for a, b in zip(choice, context, strict=True)),
                *(value >= OWN for values in own.values() for value in values),
                *missing,
            ],
            auc_choice=choice,
            auc_context=context,
            own_share=own,
            angle_degrees=angles,
        ),
        signature(
            "The irrelevant modality is not kept out: it moves the state along its axis in both contexts.",
            f"Rank correlation of the activity on the axis with the irrelevant coherence "
            f"{span([t.rho for t in other_way])}, with the relevant one "
            f"{span([s.represented[c][c].rho for s in known for c in (0, 1)])} (holds: above 0 with p < 0.01).",
            [*(found.rises(SIGNIFICANT) for found in other_way), *missing],
            irrelevant=[[s.represented[c][1 - c].rho for c in (0, 1)] for s in known],
            relevant=[[s.represented[c][c].rho for c in (0, 1)] for s in known],
        ),
    ]


def _draw(trials: FigureTrials, behaviours: list[Behaviour], space: StateSpace | None) -> Drawing:
    with plotting.style():
        figure, axes = panels(2, 4, (10.4, 5.4))
        behaviour_panels(axes[:, :2], behaviours)
        for c in (0, 1):
            for m, modality in enumerate(MODALITIES):
                draw(axes[m, 2 + c], _paths, trials, space, c, modality)
                title(axes[m, 2 + c], f"{MODALITIES[c]} context")
        levels = np.unique(trials.condition("motion"))
        handles = [handle(f"{v:+g} %".replace("-", "\N{MINUS SIGN}"), c) for v, c in level_colours(levels).items()]
        figure.legend(handles=handles, loc="outside right upper", title="coherence", fontsize=8, title_fontsize=8)
    return figure


def behaviour_panels(axes: np.ndarray, behaviours: list[Behaviour]) -> None:
    """Draw psychometric curves: a column per context, a row per modality."""
    for c in (0, 1):
        for m, modality in enumerate(MODALITIES):
            curves = [behaviour.curves[c][m] for behaviour in behaviours]
            label = f"{modality} coherence\n({COHERENCE_UNIT})"
            choices_panel(curves, axes[m, c], xlabel=label, colour=INK if c == m else TEAL)
            title(axes[m, c], f"{MODALITIES[c]} context")


def _paths(trials: FigureTrials, space: StateSpace | None, context: int, modality: str, ax: Axes) -> None:
    """Draw mean activity on the axes of choice and of a modality, for each coherence and choice."""
    if space is None:
        raise ValueError("the activity has no axes")
    _, rates, regressors = _stimulus(trials)
    chosen = trials.correct & (trials.condition("context") == context)
    x, y = (space.axes.names.index(name) for name in ("choice", modality))
    colours = level_colours(trials.condition(modality))
    for level, colour in colours.items():
        for side, dash in ((1.0, "-"), (-1.0, (0, (3.0, 1.5)))):
            alike = chosen & (regressors["choice"] == side) & (regressors[modality] == level)
            if not alike.any():
                continue
            path = space.axes.project(rates[:, alike].mean(axis=1, dtype=np.float64))[:, [x, y]]
            ax.plot(*path.T, color=colour, linestyle=dash, linewidth=1.2)
            ax.plot(*path[0], "o", color=colour, markerfacecolor="white", markersize=3.5)
            ax.plot(*path[-1], "s", color=colour, markersize=3.5)
    ax.set_xlabel("choice axis (s.d.)")
    ax.set_ylabel(f"{modality} axis (s.d.)")
