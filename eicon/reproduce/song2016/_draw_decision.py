"""Figure 2: perceptual decisions, with a stimulus of variable duration (VS) and in the network's own time (RT)."""

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from ... import analysis, plotting
from ...analysis._psychometric import psychometric_or_none
from ...plotting._files import Drawing
from ...runs._run import Run
from ._draw_panels import (
    COHERENCE_LABEL,
    COHERENCE_UNIT,
    INK,
    REFERENCE,
    UNIT_LABEL,
    choices_panel,
    draw,
    handle,
    level_colours,
    panels,
    title,
)
from ._signatures import FOLLOWS, SIGNIFICANT, FigureResult, Signature, largest_p, networks, signature, span
from ._trials import FigureTrials, attempt, by_model, measure_all, run_trials

DURATION_EDGES = (80.0, 140.0, 220.0, 320.0, 460.0, 700.0, 1500.0)
"""Bins of the stimulus duration in ms, with similar numbers of trials."""
FEWEST = 5
"""Smallest number of trials of a mean in the figure."""
BEFORE, AFTER, RESPONSE = -100.0, 800.0, (-500.0, 0.0)


class Decision(NamedTuple):
    """Measures of a network in one of the two versions; None if not measurable."""

    curve: analysis.results.Psychometric | None
    durations: analysis.results.AccuracyByDuration | None
    times: analysis.results.Chronometric | None
    accuracy: float


def decision_figure(runs: dict[str, list[Run]], repeats: int) -> FigureResult:
    """Test the networks of both versions."""
    many = repeats * (len(DURATION_EDGES) - 1)
    vs, varied = measure_all(
        by_model(runs, "rdm_varstim"), lambda run, first: run_trials(run, many, keep_rates=first), _varied
    )
    rt, timed = measure_all(
        by_model(runs, "rdm_rt"), lambda run, first: run_trials(run, repeats, keep_rates=first), _timed
    )
    caption = (
        "Above, stimulus of variable duration (VS): choices against signed coherence, accuracy against the duration of "
        "the stimulus for each coherence, and the activity of a unit in correct trials from the onset of the stimulus. "
        "Below, reaction-time version (RT): choices, reaction times with 95 % intervals, and the activity of a unit up "
        "to the response. Solid lines are positive coherences (for choice 0), dashed ones negative; grey: the other "
        "networks. Coherences are on the scale of Song et al.: multiplied by 3.2, they are per cent of dots."
    )
    drawing = _draw(vs, rt, varied, timed)
    signatures = [*_varied_signatures(varied), *_timed_signatures(timed)]
    return FigureResult(signatures, {"decision": drawing}, {"decision": caption})


def _varied(trials: FigureTrials) -> Decision:
    coherence, correct = trials.condition("coherence"), trials.correct
    durations = attempt(
        analysis.behaviour.accuracy_by_duration,
        trials.condition("duration"),
        np.abs(coherence),
        correct,
        np.array(DURATION_EDGES),
    )
    return Decision(psychometric_or_none(coherence, trials.choice), durations, None, float(correct.mean()))


def _timed(trials: FigureTrials) -> Decision:
    coherence, correct = trials.condition("coherence"), trials.correct
    times = attempt(analysis.behaviour.chronometric, np.abs(coherence), _crossing(trials).time, correct)
    return Decision(psychometric_or_none(coherence, trials.choice), None, times, float(correct.mean()))


def _crossing(trials: FigureTrials) -> analysis.results.ThresholdCrossing:
    return analysis.behaviour.threshold_crossing(
        trials.outputs,
        trials.task.threshold,  # type: ignore[attr-defined]
        trials.onset("stimulus"),
        trials.task.dt,
        inside=trials.inside,
    )


def _curve_signature(name: str, found: list[Decision]) -> Signature:
    curves = [decision.curve for decision in found]
    widths = [curve.width if curve is not None and curve.converged else None for curve in curves]
    return signature(
        f"{name}: choices follow the signed coherence, as a cumulative Gaussian.",
        f"Width {span(widths, '{:.2f} %')} in {networks(len(found))}, bias "
        f"{span([None if curve is None else curve.bias for curve in curves], '{:.2f} %')}; "
        f"{span([100 * decision.accuracy for decision in found], '{:.0f}')} % correct (holds: the fit is "
        f"determined, {FOLLOWS}).",
        [curve is not None and curve.converged and curve.follows_evidence for curve in curves],
        width_percent=widths,
        bias_percent=[None if curve is None else curve.bias for curve in curves],
        monotone_within_error=[curve is not None and curve.is_monotone_within_error for curve in curves],
        accuracy=[decision.accuracy for decision in found],
    )


def _varied_signatures(found: list[Decision]) -> list[Signature]:
    known = [decision.durations for decision in found if decision.durations is not None]
    middle = slice(1, -1)
    gains = [100 * gain for durations in known for gain in durations.gain[middle]]
    p_values = [p for durations in known for p in durations.p_value[middle]]
    levels = known[0].levels if known else np.zeros(0)
    return [
        _curve_signature("VS", found),
        signature(
            "VS: accuracy rises with the duration of the stimulus.",
            f"Accuracy rises by {span(gains, '{:.1f}')} percentage points per doubling of the duration in "
            f"{networks(len(found))}, {largest_p(p_values)} (score test; holds: p < {SIGNIFICANT:g} at each coherence "
            f"between the lowest, near chance, and the highest, near 100 %: "
            f"{', '.join(f'{level:g}' for level in levels[middle])} %).",
            [
                decision.durations is not None and bool((decision.durations.p_value[middle] < SIGNIFICANT).all())
                for decision in found
            ],
            coherence=levels,
            gain_per_doubling=[durations.gain for durations in known],
            p_value=[durations.p_value for durations in known],
            duration_ms=known[0].duration if known else None,
            accuracy=[durations.p for durations in known],
        ),
    ]


def _timed_signatures(found: list[Decision]) -> list[Signature]:
    known = [decision.times for decision in found if decision.times is not None]
    slopes = [np.nan if decision.times is None else decision.times.slope for decision in found]
    p_values = [np.nan if decision.times is None else decision.times.slope_p_value for decision in found]
    missing = [float(times.n_missing.sum() / (times.n.sum() + times.n_missing.sum())) for times in known]
    slower = [float(np.nanmax(t.mean[0]) - t.mean[0][-1]) if np.isfinite(t.mean[0][-1]) else None for t in known]
    return [
        _curve_signature("RT", found),
        signature(
            "RT: reaction times of correct choices fall as the coherence rises.",
            f"Reaction times change by {span(slopes, '{:.0f}')} ms per doubling of the coherence, "
            f"{largest_p(p_values)}; the slowest level is {span(slower, '{:.0f}')} ms slower than that of "
            f"the highest coherence; no choice in {span([100 * m for m in missing], '{:.0f}')} % of trials.",
            [slope < 0 and p < SIGNIFICANT for slope, p in zip(slopes, p_values, strict=True)],
            slope_ms_per_doubling=slopes,
            p_value=p_values,
            coherence=known[0].levels if known else None,
            correct_ms=[times.mean[0] for times in known],
            error_ms=[times.mean[1] for times in known],
            n_error=[times.n[1] for times in known],
            without_choice=missing,
        ),
    ]


def _draw(vs: FigureTrials, rt: FigureTrials, varied: list[Decision], timed: list[Decision]) -> Drawing:
    with plotting.style():
        figure, axes = panels(2, 3, (9.6, 5.8))
        for row, (name, found) in enumerate((("VS", varied), ("RT", timed))):
            choices_panel([decision.curve for decision in found], axes[row, 0], xlabel=COHERENCE_LABEL)
            title(axes[row, 0], f"{name}: choices")
        draw(axes[0, 1], _durations, varied[0].durations)
        title(axes[0, 1], "VS: accuracy and duration")
        draw(axes[1, 1], _times, timed)
        title(axes[1, 1], "RT: reaction times")
        unit = draw(axes[0, 2], _stimulus_aligned, vs.rated)
        title(axes[0, 2], "VS: a unit" if unit is None else unit)
        unit = draw(axes[1, 2], _response_aligned, rt.rated)
        title(axes[1, 2], "RT: a unit" if unit is None else unit)
        colours = level_colours(np.abs(vs.condition("coherence")))
        handles = [handle(f"{level:g} %", colour) for level, colour in reversed(colours.items())]
        handles += [handle("for choice 0", INK), handle("for choice 1", INK, linestyle="--")]
        figure.legend(handles=handles, loc="outside right center", title="coherence", fontsize=8, title_fontsize=8)
    return figure


def _durations(found: analysis.results.AccuracyByDuration | None, ax: Axes) -> None:
    if found is None:
        raise ValueError("no choices")
    for row, (level, colour) in enumerate(level_colours(found.levels).items()):
        known = np.isfinite(found.p[row])
        low, high = found.ci[row][known].T
        ax.plot(found.duration[known], found.p[row][known], "o-", color=colour, markersize=4, label=f"{level:g} %")
        ax.fill_between(found.duration[known], low, high, color=colour, alpha=0.12, linewidth=0)
    ax.axhline(0.5, color=REFERENCE, linestyle=":", linewidth=1.0)
    ax.set_xscale("log")
    ticks = [100, 200, 400, 800]
    ax.set_xticks(ticks, [str(tick) for tick in ticks])
    ax.minorticks_off()
    ax.set_ylim(0.4, 1.02)
    ax.set_xlabel("stimulus duration (ms)")
    ax.set_ylabel("fraction correct")


def _times(found: list[Decision], ax: Axes) -> None:
    for decision in found[1:]:
        if decision.times is not None:
            ax.plot(decision.times.levels, decision.times.mean[0], color=REFERENCE, linewidth=0.8, zorder=0)
    times = found[0].times
    if times is None:
        raise ValueError("the output never reached the threshold")
    enough = times._replace(n=np.where(times.n >= FEWEST, times.n, 0))
    plotting.behaviour.plot_chronometric(enough, unit=COHERENCE_UNIT, quantity="coherence", ax=ax)
    ax.set_ylim(bottom=0)
    ax.legend(loc="best", fontsize=8)


def _stimulus_aligned(trials: FigureTrials, ax: Axes) -> str:
    chosen = np.where(trials.correct, trials.onset("stimulus"), -1)
    inside = trials.during("fixation", "stimulus")
    return _unit(trials, chosen, (BEFORE, AFTER), inside, "from stimulus onset", "VS", ax)


def _response_aligned(trials: FigureTrials, ax: Axes) -> str:
    chosen = np.where(trials.correct, _crossing(trials).step, -1)
    return _unit(trials, chosen, RESPONSE, trials.during("stimulus", "decision"), "from response", "RT", ax)


def _unit(
    trials: FigureTrials,
    event: np.ndarray,
    window: tuple[float, float],
    inside: np.ndarray,
    since: str,
    name: str,
    ax: Axes,
) -> str:
    """Draw the excitatory unit with the largest choice selectivity, and return its name."""
    tuned = analysis.selectivity(trials.rates, trials.choice, window=trials.during("stimulus"))
    size = np.where(np.isfinite(tuned.d_prime), tuned.d_prime, 0.0)
    best = int(np.argmax(size if trials.types is None else np.where(trials.types, size, -np.inf)))
    rates = trials.rates[:, :, best : best + 1]
    coherence = trials.condition("coherence")
    found = analysis.coding.psth(rates, coherence, event, trials.task.dt, window=window, inside=inside)
    colours = level_colours(np.abs(coherence))
    for level, mean, n in zip(found.levels, found.average[:, :, 0], found.n, strict=True):
        known = n >= min(FEWEST, found.n.max())
        dash = "-" if level > 0 else (0, (3.0, 1.5))
        ax.plot(found.time[known], mean[known], color=colours[abs(float(level))], linestyle=dash, linewidth=1.2)
    ax.axvline(0.0, color=REFERENCE, linestyle=":", linewidth=1.0)
    ax.set_xlim(*window)
    ax.set_ylim(bottom=0)
    ax.set_xlabel(f"time {since} (ms)")
    ax.set_ylabel(UNIT_LABEL)
    return f"{name}: unit {best} (d' {tuned.d_prime[best]:.1f})"
