"""Figure 7: parametric working memory, and tuning to the frequency during the delay."""

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from ... import analysis, plotting
from ...plotting._files import Drawing
from ...runs._run import Run
from ._draw_panels import (
    E_COLOR,
    I_COLOR,
    INK,
    REFERENCE,
    SHADE,
    UNIT_LABEL,
    draw,
    handle,
    level_colours,
    nothing,
    panels,
    title,
)
from ._signatures import SIGNIFICANT, FigureResult, Signature, networks, signature, span
from ._trials import FigureTrials, attempt, by_model, measure_all, run_trials

WORST = 0.85
"""Smallest accuracy in the worst condition, the criterion of the paper."""
MAJORITY = 0.5
"""Smallest fraction of tuned units with monotone tuning."""
MORE = 4
"""Factor on the number of trials for the accuracy."""
SINCE = "time since end of f1 (ms)"
BEFORE, EVERY, LATE = 600.0, 100.0, 500.0
"""Time shown before the delay, with the first frequency; step of the comparison of tuning; and final part of the
shortest delay in which units are judged; ms."""


class Behaviour(NamedTuple):
    """Choices of a network; C conditions.

    Attributes
    ----------
    pairs : (C, 2) frequencies
    accuracy : (C,) fraction correct
    """

    pairs: np.ndarray
    accuracy: np.ndarray


class Memory(NamedTuple):
    """Tuning of the units of a network; W steps from the first frequency to the end of the shortest delay.

    Attributes
    ----------
    tuned : units whose rate late in the delay depends on the first frequency at all (F test), bool (N,)
    tuning : of that rate
    time : (W,) from the beginning of the delay, ms
    rising, falling : (W,) fraction of units with a significant slope at each step
    stability : tuning at different times compared
    """

    tuned: np.ndarray
    tuning: analysis.results.Tuning | None
    time: np.ndarray
    rising: np.ndarray
    falling: np.ndarray
    stability: analysis.results.TuningCorrelation | None

    @property
    def monotone(self) -> float:
        """Fraction of tuned units with monotone tuning; NaN without tuned units."""
        if self.tuning is None or not self.tuned.any():
            return np.nan
        return float(self.tuning.monotone[self.tuned].mean())

    def units(self, sign: int) -> np.ndarray:
        """Return tuned, monotone units whose rate increases (1) or decreases (-1) with the frequency."""
        if self.tuning is None:
            return np.zeros(0, int)
        return np.flatnonzero(self.tuned & self.tuning.monotone & (sign * self.tuning.slope > 0))

    def similarity(self, first: float, second: float) -> float:
        """Return the correlation of tuning at two times from the start of the delay, ms; NaN without tuning."""
        if self.stability is None:
            return np.nan
        times = self.time[self.stability.steps]
        a, b = (int(np.argmin(np.abs(times - time))) for time in (first, second))
        return float(self.stability.correlation[a, b])


def memory_figure(runs: dict[str, list[Run]], repeats: int) -> FigureResult:
    """Test the networks on all pairs of frequencies."""
    models = by_model(runs, "romo")
    _, behaviour = measure_all(models, lambda run, _: run_trials(run, MORE * repeats, keep_rates=False), _accuracy)
    example, found = measure_all(models, lambda run, _: run_trials(run, repeats, stream=1), _measure)
    task = example.task
    caption = (
        "Per cent correct for each pair of frequencies (dotted: equal ones); mean activity of two units in correct "
        "trials, by the first frequency, from its end (grey: while it is on), one whose rate rises with it at the end "
        "of the shortest delay and one whose rate falls; fraction of the units whose rate rises or falls significantly "
        "with the first frequency (p < 0.05 at each step); correlation over units of the slope of the tuning between "
        "all times; and these slopes in the middle and at the end of the shortest delay."
    )
    drawing = _draw(example.rated, behaviour[0], found[0], _shortest(task))
    signatures = [_behaviour(behaviour), _monotone(found), _stable(found, _shortest(task))]
    return FigureResult(signatures, {"memory": drawing}, {"memory": caption})


def _shortest(task) -> float:
    """Return the shortest delay of a task in ms."""
    return float(getattr(task.delay, "min", task.delay))


def _accuracy(trials: FigureTrials) -> Behaviour:
    f1, f2, correct = trials.condition("f1"), trials.condition("f2"), trials.correct
    pairs = np.unique(np.stack([f1, f2], axis=1), axis=0)
    return Behaviour(pairs, np.array([correct[(f1 == a) & (f2 == b)].mean() for a, b in pairs]))


def _measure(trials: FigureTrials) -> Memory:
    rated = trials.rated
    f1 = rated.condition("f1").astype(np.float64)
    window = (-BEFORE, _shortest(rated.task) - rated.task.dt)
    aligned = analysis.coding.align(rated.rates, rated.onset("delay"), rated.task.dt, window=window)
    late = aligned.values[aligned.time > window[1] - LATE].mean(axis=0)
    tuning = attempt(analysis.coding.tuning, late, f1, alpha=SIGNIFICANT)
    shares = attempt(analysis.coding.tuned_fractions, aligned.values, f1)
    steps = np.arange(0, len(aligned.time), max(1, round(EVERY / rated.task.dt)))
    stability = attempt(analysis.coding.tuning_correlation, aligned.values, f1, steps=steps)
    tuned = np.zeros(late.shape[1], bool) if tuning is None else tuning.p_any < SIGNIFICANT
    rising, falling = np.zeros((2, len(aligned.time))) if shares is None else shares
    return Memory(tuned, tuning, aligned.time, rising, falling, stability)


def _behaviour(found: list[Behaviour]) -> Signature:
    worst = [float(behaviour.accuracy.min()) for behaviour in found]
    return signature(
        "The network compares the frequencies over the delay, in all conditions.",
        f"{span([100 * w for w in worst], '{:.0f}')} % correct in the worst of {len(found[0].pairs)} conditions, "
        f"{span([100 * behaviour.accuracy.mean() for behaviour in found], '{:.0f}')} % in all, {networks(len(found))} "
        f"(holds: {100 * WORST:g} % in the worst one).",
        [value >= WORST for value in worst],
        pairs_hz=found[0].pairs,
        accuracy=[behaviour.accuracy for behaviour in found],
        worst=worst,
    )


def _monotone(found: list[Memory]) -> Signature:
    shares = [memory.monotone for memory in found]
    rising, falling = ([memory.units(sign).size for memory in found] for sign in (1, -1))
    n_tuned = [int(memory.tuned.sum()) for memory in found]
    return signature(
        "Units hold the first frequency over the delay by rates that rise with it, or fall.",
        f"In the last {LATE:g} ms of the shortest delay, {span([100 * share for share in shares], '{:.0f}')} % of the "
        f"{span(n_tuned, '{:.0f}')} tuned units are monotone ({span(rising, '{:.0f}')} rise, "
        f"{span(falling, '{:.0f}')} fall; {networks(len(found))}; holds: {100 * MAJORITY:g} % or more, both kinds).",
        [share >= MAJORITY and min(up, down) > 0 for share, up, down in zip(shares, rising, falling, strict=True)],
        tuned=n_tuned,
        units=[memory.tuned.size for memory in found],
        monotone_share=shares,
        rising=rising,
        falling=falling,
    )


def _stable(found: list[Memory], shortest: float) -> Signature:
    late = [memory.similarity(shortest / 2, shortest) for memory in found]
    early = [memory.similarity(-BEFORE / 2, shortest) for memory in found]
    return signature(
        "Tuning changes from the stimulus to the delay, and less within the delay.",
        f"Slopes at the end of the shortest delay correlate over units with those in its middle by {span(late)}, with "
        f"those during the first frequency by {span(early)} (holds: the former is larger, and above 0.5).",
        [a > b and a > 0.5 for a, b in zip(late, early, strict=True)],
        middle_to_end=late,
        stimulus_to_end=early,
    )


def _draw(trials: FigureTrials, behaviour: Behaviour, memory: Memory, shortest: float) -> Drawing:
    with plotting.style():
        figure, axes = panels(2, 3, (9.8, 6.0))
        _grid(behaviour, axes[0, 0])
        for ax, sign, word in zip(axes[0, 1:], (1, -1), ("rises", "falls"), strict=True):
            name = draw(ax, _unit, trials, memory, sign)
            title(ax, f"no unit {word}" if name is None else f"{name}: {word} at the end")
        _shares(memory, trials.task.f1, axes[1, 0])  # type: ignore[attr-defined]
        draw(axes[1, 1], _matrix, memory)
        title(axes[1, 1], "similarity of tuning")
        draw(axes[1, 2], _scatter, trials, memory, shortest)
        title(axes[1, 2], "tuning within the delay")
        colours = level_colours(trials.condition("f1"))
        handles = [handle(f"{level:g} Hz", colour) for level, colour in reversed(colours.items())]
        figure.legend(handles=handles, loc="outside right upper", title="f1", fontsize=8, title_fontsize=8)
    return figure


def _grid(behaviour: Behaviour, ax: Axes) -> None:
    ends = np.array([behaviour.pairs.min() - 4, behaviour.pairs.max() + 4])
    ax.plot(ends, ends, color=REFERENCE, linestyle=":", linewidth=1.0)
    for (f1, f2), share in zip(behaviour.pairs, behaviour.accuracy, strict=True):
        ax.plot(f1, f2, "o", markersize=20, color=SHADE)
        ax.text(f1, f2, f"{100 * share:.0f}", ha="center", va="center", fontsize=8.5, color=INK)
    ax.set_xlim(*ends)
    ax.set_ylim(*ends)
    ticks = np.unique(behaviour.pairs)[::2]
    ax.set_xticks(ticks)
    ax.set_yticks(ticks)
    ax.set_aspect("equal")
    ax.set_xlabel("f1 (Hz)")
    ax.set_ylabel("f2 (Hz)")
    title(ax, "per cent correct")


def _unit(trials: FigureTrials, memory: Memory, sign: int, ax: Axes) -> str:
    """Draw the monotone unit whose tuning explains the most variance, and return its name."""
    tuning = memory.tuning
    if tuning is None:
        raise ValueError("no tuning")
    candidates = memory.units(sign)
    if not candidates.size:
        raise ValueError("no tuned unit")
    unit = int(candidates[np.argmax(tuning.r_squared[candidates])])
    event = np.where(trials.correct, trials.onset("delay"), -1)
    window = (memory.time[0], memory.time[-1])
    rates, f1 = trials.rates[:, :, unit : unit + 1], trials.condition("f1")
    found = analysis.coding.psth(rates, f1, event, trials.task.dt, window=window)
    colours = level_colours(f1)
    ax.axvspan(-trials.task.f1, 0, color=SHADE, linewidth=0, zorder=0)  # type: ignore[attr-defined]
    for level, mean in zip(found.levels.tolist(), found.average[:, :, 0], strict=True):
        ax.plot(found.time, mean, color=colours[level], linewidth=1.2)
    ax.set_xlim(*window)
    ax.set_ylim(bottom=0)
    ax.set_xlabel(SINCE)
    ax.set_ylabel(UNIT_LABEL)
    kind = "" if trials.types is None else " (E)" if trials.types[unit] else " (I)"
    return f"unit {unit}{kind}"


def _shares(memory: Memory, f1: float, ax: Axes) -> None:
    ax.axvspan(-f1, 0, color=SHADE, linewidth=0, zorder=0)
    ax.plot(memory.time, memory.rising + memory.falling, color=INK, label="tuned")
    ax.plot(memory.time, memory.rising, color=INK, linestyle="--", linewidth=1.0, label="rising")
    ax.plot(memory.time, memory.falling, color=INK, linestyle=":", linewidth=1.2, label="falling")
    ax.axhline(0.05, color=REFERENCE, linewidth=0.8)
    ax.set_xlim(memory.time[0], memory.time[-1])
    ax.set_ylim(0, 1)
    ax.set_xlabel(SINCE)
    ax.set_ylabel("fraction of units")
    ax.legend(loc="upper right", fontsize=8)
    title(ax, "tuned units")


def _matrix(memory: Memory, ax: Axes) -> None:
    if memory.stability is None or not np.isfinite(memory.stability.correlation).any():
        raise ValueError("no tuning")
    times = memory.time[memory.stability.steps]
    plotting.coding.plot_tuning_correlation(memory.stability, times, since="end of f1", ax=ax)
    ax.axhline(0.0, color=INK, linewidth=0.8, linestyle=":")
    ax.axvline(0.0, color=INK, linewidth=0.8, linestyle=":")


def _scatter(trials: FigureTrials, memory: Memory, shortest: float, ax: Axes) -> None:
    if memory.stability is None:
        nothing(ax, "no tuning")
        return
    times = memory.time[memory.stability.steps]
    middle, end = (int(np.argmin(np.abs(times - time))) for time in (shortest / 2, shortest))
    slopes = 1000 * memory.stability.slope[[middle, end]]
    types = np.ones(slopes.shape[1], bool) if trials.types is None else trials.types
    for chosen, colour, name in ((types, E_COLOR, "E"), (~types, I_COLOR, "I")):
        ax.plot(*slopes[:, chosen], "o", color=colour, markersize=2.5, alpha=0.7, label=name)
    limit = 1.08 * float(np.abs(slopes).max()) or 1.0
    ax.plot([-limit, limit], [-limit, limit], color=REFERENCE, linestyle=":", linewidth=1.0, zorder=0)
    ax.set_xlim(-limit, limit)
    ax.set_ylim(-limit, limit)
    ax.set_aspect("equal")
    ax.set_xlabel("slope in the middle (a.u./kHz)")
    ax.set_ylabel("slope at the end (a.u./kHz)")
    ax.legend(loc="upper left", fontsize=8, handletextpad=0.1)
