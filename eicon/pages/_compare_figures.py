"""Figures of a comparison."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import analysis, plotting
from ..plotting._compare import pair_colors
from ..plotting._files import Drawing
from ..plotting._overview import plot_row
from ..studies._compare import Side, Trials
from ..studies._responses import Condition, align_trials, condition_means

MOST_CHANNELS = 3
MOST_SORTS = 3


def draw_comparison(sides: Sequence[Side], trials: Trials) -> dict[str, Drawing]:
    """Draw all figures that the task allows, by name."""
    names = [f"{side.name} (N = {side.net.n_rec})" for side in sides]
    figures: dict[str, Drawing] = {"outputs": _outputs(sides, trials, names)}
    if all(side.timing is not None for side in sides):
        figures["produced_times"] = _produced_times(sides, trials)
    elif all(side.behaviour.time is not None for side in sides):
        figures["reaction_times"] = _reaction_times(sides, trials)
    if trials.evidence is not None and all(side.psychometric is not None for side in sides):
        figures["psychometric"] = _psychometric(sides, trials)
    elif trials.evidence is None and trials.sorts:
        figures["accuracy_by_condition"] = _accuracy_by_condition(sides, trials)
    figures["trajectories"] = _trajectories(sides, trials, names)
    ratios = [side.components.explained_ratio for side in sides]
    figures["variance"] = plotting.similarity.plot_variance_explained(ratios, names)
    draws = [_spectrum(side) for side in sides]
    figures["spectra"] = plotting.similarity.plot_pair([draws], names)
    if all(side.ramp is not None for side in sides):
        figures["ramp_index"] = plotting.similarity.plot_pair([[_ramp(side) for side in sides]], names)
    return figures


def _spectrum(side: Side) -> Callable[[Any], Any]:
    return lambda ax: plotting.plot_spectrum(side.spectrum, ax=ax)


def _ramp(side: Side) -> Callable[[Any], Any]:
    assert side.ramp is not None
    ramp = side.ramp
    return lambda ax: plotting.similarity.plot_ramp_index(ramp, side.excitatory, ax=ax)


def _outputs(sides: Sequence[Side], trials: Trials, names: Sequence[str]) -> Drawing:
    def draw(side: Side, channel: int) -> Callable[[Any], Any]:
        time, inside, outputs = align_trials(side.outputs[:, :, channel], trials.inside, trials.onset, trials.dt)
        mean = condition_means(outputs, trials.groups, inside)
        wanted = None
        if trials.targets is not None:
            asked = np.where(trials.scored, trials.targets[:, :, channel], np.nan)
            targets = align_trials(asked, trials.inside, trials.onset, trials.dt).values
            wanted = analysis.condition_average(targets, trials.groups, np.isfinite(targets)).average
        return lambda ax: plotting.similarity.plot_outputs(
            mean.average,
            mean.levels,
            time,
            targets=wanted,
            label=trials.label,
            unit=trials.unit,
            channel=trials.channels[channel],
            since=trials.since,
            ax=ax,
        )

    shown = range(min(len(trials.channels), MOST_CHANNELS))
    return plotting.similarity.plot_pair([[draw(side, channel) for side in sides] for channel in shown], names)


def _trajectories(sides: Sequence[Side], trials: Trials, names: Sequence[str]) -> Drawing:
    first, second = (side.components.trajectories[:, :, :2] for side in sides)
    overlap = np.sum(np.where(trials.inside[:, :, None], first * second, 0.0), axis=(0, 1))

    def draw(side: Side, signs: np.ndarray) -> Callable[[Any], Any]:
        turned = side.components.trajectories[:, :, :2] * signs
        _, inside, paths = align_trials(turned, trials.inside, trials.onset, trials.dt)
        mean = condition_means(paths, trials.groups, inside)
        return lambda ax: plotting.plot_pc_trajectories(
            mean.average,
            mean.levels,
            explained_ratio=side.components.explained_ratio[:2],
            dt=trials.dt,
            dot_every=max(100.0, trials.dt),
            label=trials.label,
            unit=trials.unit,
            ax=ax,
        )

    # The sign of components is arbitrary: B's are flipped to match A's.
    draws = [draw(sides[0], np.ones(2)), draw(sides[1], np.where(overlap < 0, -1.0, 1.0))]
    return plotting.similarity.plot_pair([draws], names, share=False)


def _produced_times(sides: Sequence[Side], trials: Trials) -> Drawing:
    assert trials.interval is not None
    ax = None
    gap = 0.05 * float(np.diff(np.unique(trials.interval)).min(initial=np.ptp(trials.interval)))
    for side, colour, shift in zip(sides, pair_colors(), (-gap, gap), strict=True):
        assert side.behaviour.time is not None
        assert side.timing is not None
        with plotting.style():
            ax = plotting.similarity.plot_produced_times(
                side.behaviour.time, trials.interval, side.timing, label=side.name, color=colour, shift=shift, ax=ax
            )
    assert ax is not None
    return ax


def _reaction_times(sides: Sequence[Side], trials: Trials) -> Drawing:
    """Draw reaction times, against the strength of the evidence if the task has any."""
    ax = None
    strength = trials.strength
    for side, colour in zip(sides, pair_colors(), strict=True):
        times = side.behaviour.time
        assert times is not None
        with plotting.style():
            if strength is None or np.unique(strength).size < 2 or not np.isfinite(times).any():
                ax = plotting.behaviour.plot_times(times, label=side.name, color=colour, ax=ax)
                continue
            found = analysis.behaviour.chronometric(strength, times, side.behaviour.score > 0.5)
            assert trials.evidence is not None
            quantity, unit = trials.evidence.name, trials.evidence.unit
            ax = plotting.behaviour.plot_chronometric(
                found, errors=False, label=side.name, color=colour, unit=unit, quantity=quantity, ax=ax
            )
    assert ax is not None
    return ax


def _accuracy_by_condition(sides: Sequence[Side], trials: Trials) -> Drawing:
    def draw(one: Condition) -> Callable[[Any], Any]:
        def panel(ax: Any) -> None:
            for side, colour, shift in zip(sides, pair_colors(), (-0.08, 0.08), strict=True):
                plotting.behaviour.plot_accuracy_by_condition(
                    analysis.behaviour.accuracy_by_condition(side.behaviour.score, one.values),
                    chance=trials.chance,
                    quantity=one.name,
                    unit=one.unit,
                    label=side.name,
                    color=colour,
                    shift=shift,
                    ax=ax,
                )

        return panel

    return plot_row([draw(one) for one in trials.sorts[:MOST_SORTS]])


def _psychometric(sides: Sequence[Side], trials: Trials) -> Drawing:
    ax = None
    assert trials.evidence is not None
    quantity, unit = trials.evidence.label, trials.evidence.unit
    reference = 0.0 if np.isnan(trials.neutral) else trials.neutral
    for side, colour in zip(sides, pair_colors(), strict=True):
        assert side.psychometric is not None
        with plotting.style():
            ax = plotting.plot_psychometric(
                side.psychometric,
                label=side.name,
                color=colour,
                unit=unit,
                quantity=quantity,
                reference=reference,
                ax=ax,
            )
    assert ax is not None
    return ax
