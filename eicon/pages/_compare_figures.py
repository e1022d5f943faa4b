"""Figures of a comparison."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import analysis, plotting
from ..plotting._compare import PAIR_COLORS
from ..plotting._files import Drawing
from ..studies._compare import Side, Trials

MOST_CHANNELS = 3


def draw_comparison(sides: Sequence[Side], trials: Trials) -> dict[str, Drawing]:
    """Draw all figures that the task allows, by name."""
    names = [f"{side.name} (N = {side.net.n_rec})" for side in sides]
    figures: dict[str, Drawing] = {"outputs": _outputs(sides, trials, names)}
    if all(side.timing is not None for side in sides):
        figures["produced_times"] = _produced_times(sides, trials)
    if all(side.psychometric is not None for side in sides):
        figures["psychometric"] = _psychometric(sides, trials.unit)
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
    since = "" if trials.onset is None else "set"

    def draw(side: Side, channel: int) -> Callable[[Any], Any]:
        time, inside, outputs = _aligned(trials, side.outputs[:, :, channel])
        mean = analysis.condition_average(outputs, trials.groups, inside)
        wanted = None
        if trials.targets is not None:
            targets = _aligned(trials, np.where(trials.scored, trials.targets[:, :, channel], np.nan))[2]
            wanted = analysis.condition_average(targets, trials.groups, np.isfinite(targets)).average
        return lambda ax: plotting.similarity.plot_outputs(
            mean.average,
            mean.levels,
            time,
            targets=wanted,
            label=trials.label,
            unit=trials.unit,
            channel=trials.channels[channel],
            since=since,
            ax=ax,
        )

    shown = range(min(len(trials.channels), MOST_CHANNELS))
    return plotting.similarity.plot_pair([[draw(side, channel) for side in sides] for channel in shown], names)


def _trajectories(sides: Sequence[Side], trials: Trials, names: Sequence[str]) -> Drawing:
    first, second = (side.components.trajectories[:, :, :2] for side in sides)
    overlap = np.sum(np.where(trials.inside[:, :, None], first * second, 0.0), axis=(0, 1))

    def draw(side: Side, signs: np.ndarray) -> Callable[[Any], Any]:
        _, inside, paths = _aligned(trials, side.components.trajectories[:, :, :2] * signs)
        mean = analysis.condition_average(paths, trials.groups, inside)
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

    # Components have no sign of their own: B's are turned to go with A's.
    draws = [draw(sides[0], np.ones(2)), draw(sides[1], np.where(overlap < 0, -1.0, 1.0))]
    return plotting.similarity.plot_pair([draws], names, share=False)


def _produced_times(sides: Sequence[Side], trials: Trials) -> Drawing:
    assert trials.interval is not None
    ax = None
    gap = 0.05 * float(np.diff(np.unique(trials.interval)).min(initial=np.ptp(trials.interval)))
    for side, colour, shift in zip(sides, PAIR_COLORS, (-gap, gap), strict=True):
        assert side.produced is not None
        assert side.timing is not None
        with plotting.style():
            ax = plotting.similarity.plot_produced_times(
                side.produced, trials.interval, side.timing, label=side.name, color=colour, shift=shift, ax=ax
            )
    assert ax is not None
    return ax


def _psychometric(sides: Sequence[Side], unit: str) -> Drawing:
    ax = None
    for side, colour in zip(sides, PAIR_COLORS, strict=True):
        assert side.psychometric is not None
        with plotting.style():
            ax = plotting.plot_psychometric(side.psychometric, label=side.name, color=colour, unit=unit, ax=ax)
    assert ax is not None
    return ax


def _aligned(trials: Trials, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Time of each step (ms), which steps lie in their trial (T, B), and values, all aligned to the onset.

    Before the onset only what all trials have is kept. The state after step t is that of time ``(t + 1) dt``.
    """
    n_steps, n_trials = trials.inside.shape
    if trials.onset is None:
        return np.arange(n_steps) * trials.dt, trials.inside, values
    before = int(trials.onset.min())
    step = np.arange(n_steps)[:, None] + (trials.onset - before)
    column = np.arange(n_trials)
    inside = (step < n_steps) & trials.inside[np.minimum(step, n_steps - 1), column]
    kept = inside.any(axis=1)
    time = (np.arange(n_steps) - before + 1) * trials.dt
    return time[kept], inside[kept], values[np.minimum(step, n_steps - 1), column][kept]
