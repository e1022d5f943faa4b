"""Sections of an analysis on a network's behaviour and units, chosen by the properties of its task."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from .. import analysis, plotting
from ..plotting._activity import plot_examples
from ..plotting._files import Drawing
from ..plotting._overview import plot_overview, plot_row
from ..plotting._style import coherence_cmap, reference
from ..studies._held import held_in
from ..studies._responses import (
    Answers,
    Condition,
    Responses,
    align_trials,
    condition,
    condition_means,
    evidence_of,
    level_name,
    onset_of,
    outputs_and_targets,
    psychometric_of,
    sorted_by,
    strength_of,
    two_classes,
    unit_types,
    window_of,
)
from ..tasks import Task, Trial

MOST_PANELS = 3
"""Largest number of panels in one figure."""
MOST_AREAS = 12
"""Largest number of blocks into which a matrix of weights is sorted."""
PERMUTATIONS = 199
MOST_CURVES = 4
"""Largest number of levels of a condition with separate psychometric curves."""
ALPHA = 0.05
"""Significance level of the test for tuning, not corrected for the number of units, as captions state."""
EXAMPLES = 2


class Findings(NamedTuple):
    """Input of a section.

    Attributes
    ----------
    given : Responses
    behaviour : Answers
    components : PCA
        First two components of the rates.
    seed : int
    """

    given: Responses
    behaviour: Answers
    components: analysis.results.PCA
    seed: int


class Made(NamedTuple):
    """Numbers for analysis.json, before NaN is replaced, and figures by name."""

    numbers: dict[str, Any]
    figures: dict[str, Drawing]


class Section(NamedTuple):
    """Part of an analysis.

    Attributes
    ----------
    name : str
        Key in analysis.json.
    applies : function of (task, trial, behaviour)
        True if the section applies to the task.
    make : function of Findings
        Returns the section, with empty numbers if these trials do not suffice.
    """

    name: str
    applies: Callable[[Task, Trial, Answers], bool]
    make: Callable[[Findings], Made]


def sections_of(task: Task, trial: Trial, behaviour: Answers) -> list[Section]:
    """Return the sections that apply to a task.

    Parameters
    ----------
    task : Task
    trial : Trial
        Balanced.
    behaviour : Answers
        Answers of a network in these trials.
    """
    return [section for section in SECTIONS if section.applies(task, trial, behaviour)]


def _asks_for_choice(task: Task, trial: Trial, behaviour: Answers) -> bool:
    return task.evidence is not None and behaviour.choice is not None


def _has_conditions(task: Task, trial: Trial, behaviour: Answers) -> bool:
    return bool(_scored_by(task, trial))


def _has_times(task: Task, trial: Trial, behaviour: Answers) -> bool:
    return behaviour.time is not None


def _sorts(task: Task, trial: Trial, behaviour: Answers) -> bool:
    return bool(sorted_by(task, trial))


def _holds(task: Task, trial: Trial, behaviour: Answers) -> bool:
    return task.holds is not None


def _nothing_else(task: Task, trial: Trial, behaviour: Answers) -> bool:
    asked = (_asks_for_choice, _has_conditions, _has_times)
    return not any(one(task, trial, behaviour) for one in asked)


def _choice(found: Findings) -> Made:
    """Make psychometric curves, also for each level of conditions with few levels."""
    task, trial = found.given.task, found.given.trial
    evidence = evidence_of(task, trial)
    assert evidence is not None
    curve = psychometric_of(evidence, found.behaviour)
    strength = strength_of(task, evidence)
    accuracy = analysis.behaviour.accuracy_by_condition(
        found.behaviour.score, evidence.numbers if strength is None else strength
    )
    levels = zip(accuracy.levels, accuracy.mean, strict=True)
    numbers: dict[str, Any] = {
        "evidence": evidence.name,
        "unit": evidence.unit,
        "accuracy_by_evidence": {f"{level:g}": float(mean) for level, mean in levels},
    }
    if curve is None:
        return Made(numbers, {})
    numbers["psychometric"] = {
        "levels": curve.levels.tolist(),
        "p_choice_0": curve.p.tolist(),
        "bias": float(curve.bias),
        "width": float(curve.width),
        "monotone": bool(curve.is_monotone),
        "converged": bool(curve.converged),
    }
    look: dict[str, Any] = {"quantity": evidence.label, "unit": evidence.unit, "reference": _neutral(task)}
    few = [one for one in sorted_by(task, trial) if one.name != evidence.name and _n_levels(one) <= MOST_CURVES]
    draws: list[Callable[[Any], Any]] = [lambda ax: plotting.plot_psychometric(curve, ax=ax, **look)]
    draws += [_curves(one, evidence, found.behaviour, look) for one in few[: MOST_PANELS - 1]]
    figure = plotting.plot_psychometric(curve, **look) if len(draws) == 1 else plot_row(draws)
    return Made(numbers, {"psychometric": figure})


def _curves(one: Condition, evidence: Condition, behaviour: Answers, look: dict[str, Any]) -> Callable[[Any], Any]:
    levels = np.unique(one.values)
    colours = [tuple(map(float, colour)) for colour in coherence_cmap()(np.linspace(0.0, 1.0, levels.size))]

    def draw(ax: Any) -> None:
        assert behaviour.choice is not None
        for level, colour in zip(levels, colours, strict=True):
            here = one.values == level
            part = Answers(behaviour.score[here], behaviour.choice[here])
            curve = psychometric_of(evidence._replace(values=evidence.values[here]), part)
            if curve is not None:
                label = f"{one.name} {level_name(level)}"
                plotting.plot_psychometric(curve, label=label, color=colour, ax=ax, **look)
        if ax.lines:
            ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderaxespad=0.2)

    return draw


def _by_condition(found: Findings) -> Made:
    """Make mean scores by each condition that sorts the trials of the task."""
    task, trial = found.given.task, found.given.trial
    conditions = _scored_by(task, trial)
    results = [analysis.behaviour.accuracy_by_condition(found.behaviour.score, one.values) for one in conditions]
    numbers = {
        one.name: {"unit": one.unit, "levels": result.levels.tolist(), "accuracy": result.mean.tolist()}
        for one, result in zip(conditions, results, strict=True)
    }

    def draw(one: Condition, result: analysis.results.AccuracyByCondition) -> Callable[[Any], Any]:
        return lambda ax: plotting.behaviour.plot_accuracy_by_condition(
            result, chance=task.chance, quantity=one.name, unit=one.unit, ax=ax
        )

    draws = [draw(one, result) for one, result in zip(conditions, results, strict=True)]
    return Made(numbers, {"accuracy_by_condition": plot_row(draws[:MOST_PANELS])})


def _scored_by(task: Task, trial: Trial) -> list[Condition]:
    """Return the conditions that sort trials, except the evidence, which has a psychometric curve."""
    evidence = None if task.evidence is None else task.evidence[0]
    return [one for one in sorted_by(task, trial) if one.name != evidence]


def _times(found: Findings) -> Made:
    """Make produced times against requested times, or reaction times."""
    task, trial = found.given.task, found.given.trial
    times = found.behaviour.time
    assert times is not None
    there = times[np.isfinite(times)]
    numbers: dict[str, Any] = {
        "n": int(there.size),
        "n_missing": int(times.size - there.size),
        "mean_ms": _mean(there),
        "median_ms": float(np.median(there)) if there.size else math.nan,
        "sd_ms": float(there.std(ddof=1)) if there.size > 1 else math.nan,
    }
    if task.asked_time is not None:
        interval = condition(task, trial, task.asked_time, "asked_time").numbers
        timing = analysis.scalar_variability(times, interval)
        numbers["produced"] = {name: np.asarray(value).tolist() for name, value in timing._asdict().items()}
        return Made(numbers, {"produced_times": plotting.similarity.plot_produced_times(times, interval, timing)})
    if not there.size:
        return Made(numbers, {})
    evidence = evidence_of(task, trial)
    strength = None if evidence is None else strength_of(task, evidence)
    draws: list[Callable[[Any], Any]] = []
    if evidence is not None and strength is not None:
        fall = analysis.behaviour.chronometric(strength, times, found.behaviour.score > 0.5)
        numbers["chronometric"] = {
            "strength": fall.levels.tolist(),
            "mean_ms_correct": fall.mean[0].tolist(),
            "mean_ms_errors": fall.mean[1].tolist(),
        }

        def fallen(ax: Any) -> None:
            plotting.behaviour.plot_chronometric(fall, unit=evidence.unit, quantity=evidence.name, ax=ax)
            ax.set_ylim(bottom=0.0)  # intervals of two trials reach far below

        draws.append(fallen)
        groups = Condition(evidence.name, evidence.unit, strength)
    else:
        groups = next(iter(sorted_by(task, trial)), Condition("", "", np.zeros(times.size)))
    draws.append(
        lambda ax: plotting.behaviour.plot_times(times, groups.values, quantity=groups.name, unit=groups.unit, ax=ax)
    )
    return Made(numbers, {"reaction_times": plot_row(draws)})


def _selectivity(found: Findings) -> Made:
    """Make the selectivity of units for two classes of trials, and their tuning to conditions."""
    net, task, trial, activity = found.given
    maps = tuned_by(found.given)
    numbers: dict[str, Any] = {"tuned_units": {name: one.fractions for name, one in maps.items()}}
    figures: dict[str, Drawing] = {}
    order = next((_by_preference(one.best, unit_types(net)) for one in maps.values()), None)
    compared = classes_of(found.given, maps)
    if compared is not None:
        told = analysis.selectivity(
            activity.rates,
            compared.labels,
            window=compared.window,
            excitatory=unit_types(net),
            n_permutations=PERMUTATIONS,
            rng=found.seed,
        )
        selective = told.p_value < ALPHA
        clustering = analysis.choice_clustering(
            np.asarray(net.W_rec), told.d_prime, net.is_excitatory, selective=selective
        )
        order = told.order
        numbers |= {
            "prefers": compared.first,
            "epoch": compared.epoch,
            "selective_units": float(selective.mean()),
            "clustering": {
                "within_over_between_excitatory": float(clustering.excitatory),
                "within_over_between_inhibitory": float(clustering.inhibitory),
                "n_selective": clustering.n_selective,
            },
        }
        figures["selectivity"] = plotting.plot_selectivity(told, first=compared.first)
        figures |= _overview(found, told)
    shown = [maps[one.name] for one in _scored_by(task, trial) if one.name in maps]
    draws = [_map(one) for one in shown if _n_levels(one.of) > 2][:MOST_PANELS]  # two levels add nothing new
    if any(len(one.fractions) > 1 for one in shown):
        fractions = {one.of.name: one.fractions for one in shown}
        draws.append(lambda ax: plotting.coding.plot_tuned_by_epoch(fractions, alpha=ALPHA, ax=ax))
    if draws:
        figures["tuning"] = plot_row(draws, size=(4.3, 3.3))
    if order is not None:
        areas = net.units.get("area")
        figures["connectivity"] = plotting.plot_connectivity(
            np.asarray(net.W_rec),
            order,
            unit_types(net),
            order_by=areas if areas is not None and 1 < len(set(areas)) <= MOST_AREAS else None,
        )
    return Made(numbers, figures)


class Tuned(NamedTuple):
    """Fraction of units tuned to a condition in each epoch, and their tuning in the epoch with most of them."""

    of: Condition
    fractions: dict[str, float]
    epoch: str
    best: analysis.results.Tuning


class Classes(NamedTuple):
    """Two classes of trials, and the steps in which units are compared; `epoch` is empty for all steps."""

    labels: np.ndarray
    first: str
    window: np.ndarray
    epoch: str


def classes_of(given: Responses, tuned: Mapping[str, Tuned]) -> Classes | None:
    """Return the classes of `two_classes` and the steps in which to compare them; None if a class has no trials.

    Classes of the evidence are compared in the epoch to which the task aligns its trials. Others, such as match and
    non-match, may be defined only at the end of a trial; they are compared in the epoch in which most units are tuned.
    """
    task, trial = given.task, given.trial
    classes = two_classes(task, trial)
    if classes is None:
        return None
    known = tuned.get(classes.sort) if classes.sort is not None else None
    epoch = (task.aligned_to or "") if known is None else known.epoch
    window = window_of(task, trial) if known is None else np.asarray(trial.during(epoch))
    labels = np.where(window.any(axis=0), classes.labels, -1)
    return Classes(labels, classes.first, window, epoch) if {0, 1} <= set(labels.tolist()) else None


def tuned_by(given: Responses) -> dict[str, Tuned]:
    """Return tuning to each condition that sorts trials, by name, without conditions that have too few trials."""
    _, task, trial, activity = given
    means = {name: np.asarray(trial.mean_over(name, jnp.asarray(activity.rates))) for name in trial.epochs}
    tuned = {}
    for one in sorted_by(task, trial):
        by_epoch = {}
        for name, rates in means.items():
            used = np.asarray(trial.during(name)).any(axis=0)
            if used.sum() > max(_n_levels(one), 3) and np.unique(one.values[used]).size > 1:
                by_epoch[name] = analysis.coding.tuning(rates[used], one.numbers[used], alpha=ALPHA)
        fractions = {name: float(np.mean(result.p_any < ALPHA)) for name, result in by_epoch.items()}
        if fractions:
            best = max(fractions, key=lambda name: fractions[name])
            tuned[one.name] = Tuned(one, fractions, best, by_epoch[best])
    return tuned


def _map(tuned: Tuned) -> Callable[[Any], Any]:
    return lambda ax: plotting.coding.plot_tuning_map(
        tuned.best,
        levels=np.unique(tuned.of.values),
        quantity=tuned.of.name,
        unit=tuned.of.unit,
        alpha=ALPHA,
        title=tuned.epoch,
        ax=ax,
    )


def _by_preference(tuning: analysis.results.Tuning, types: np.ndarray | None) -> np.ndarray:
    """Return units by preferred level, E before I."""
    preferred = tuning.curve.argmax(axis=0)
    return np.lexsort((preferred, np.zeros_like(preferred) if types is None else ~types))


def _overview(found: Findings, told: analysis.results.Selectivity) -> dict[str, Drawing]:
    """Draw an overview figure of a task with evidence."""
    net, task, trial, _ = found.given
    evidence = evidence_of(task, trial)
    if evidence is None or found.behaviour.choice is None or not _draws_paths(found):
        return {}
    curve = psychometric_of(evidence, found.behaviour)
    if curve is None:
        return {}
    picture = plot_overview(
        curve,
        np.asarray(net.W_rec),
        told,
        found.components,
        _mean_paths(found, evidence),
        dt=task.dt,
        quantity=evidence.label,
        unit=evidence.unit,
        reference=_neutral(task),
    )
    return {"overview": picture}


def _trajectories(found: Findings) -> Made:
    """Make mean trajectories in the plane of two components, for each level of the sorting conditions."""
    task, conditions = found.given.task, sorted_by(found.given.task, found.given.trial)
    numbers = {
        "sorted_by": [one.name for one in conditions],
        "explained": found.components.explained_ratio[:2].tolist(),
    }
    if not _draws_paths(found):
        return Made(numbers, {})

    def draw(one: Condition) -> Callable[[Any], Any]:
        mean = _mean_paths(found, one)
        return lambda ax: plotting.plot_pc_trajectories(
            mean.average,
            mean.levels,
            explained_ratio=found.components.explained_ratio[:2],
            dt=task.dt,
            dot_every=max(100.0, task.dt),
            label=one.label,
            unit=one.unit,
            ax=ax,
        )

    return Made(
        numbers, {"pc_trajectories": plot_row([draw(one) for one in conditions[:MOST_PANELS]], size=(4.0, 3.2))}
    )


def _draws_paths(found: Findings) -> bool:
    return found.components.trajectories.shape[2] > 1


def _mean_paths(found: Findings, one: Condition) -> analysis.results.ConditionAverage:
    task, trial = found.given.task, found.given.trial
    paths = align_trials(
        np.asarray(found.components.trajectories), np.asarray(trial.inside), onset_of(task, trial), task.dt
    )
    return condition_means(paths.values, one.values, paths.inside)


def _memory(found: Findings) -> Made:
    """Make the decoding of the memory during the delay, and the score by duration of the delay."""
    task = found.given.task
    held = held_in(found.given, found.behaviour, seed=found.seed)
    if held is None:
        return Made({}, {})
    decoding, delay = held.decoding, held.by_delay
    time = held.start + decoding.steps * task.dt
    within = decoding.accuracy[time[:, 0] > -task.dt / 2]
    numbers: dict[str, Any] = {
        "held": held.condition.name,
        "decoded": held.words,
        "epoch": held.epoch,
        "classes": int(decoding.classes.size),
        "chance": float(1 / decoding.classes.size),
        "bins_ms": time.tolist(),
        "decoding": decoding.accuracy.tolist(),
        "decoding_in_epoch": _mean(within),
        "decoding_at_its_end": float(within[-1]),
    }

    def decoded(ax: Any) -> None:
        ax.axvline(0.0, color=reference(), linestyle=":", linewidth=1.0)
        plotting.coding.plot_decoding(decoding, task.dt, start=held.start, since=f"onset of {held.epoch}", ax=ax)
        ax.set_ylabel(f"balanced accuracy,\n{held.words}")

    draws: list[Callable[[Any], Any]] = [decoded]
    if delay is not None:
        numbers["accuracy_by_delay"] = {
            "ms": delay.levels.tolist(),
            "n": delay.n.tolist(),
            "accuracy": delay.mean.tolist(),
        }
        draws.append(
            lambda ax: plotting.behaviour.plot_accuracy_by_condition(
                delay, chance=task.chance, quantity=f"duration of {held.epoch}", unit="ms", ax=ax
            )
        )
    return Made(numbers, {"memory": plot_row(draws)})


def _outputs(found: Findings) -> Made:
    """Make outputs alongside targets in single trials."""
    given = found.given
    outputs, targets = (values[:, :EXAMPLES, :MOST_PANELS] for values in outputs_and_targets(given))
    inside = np.asarray(given.trial.inside)[:, :EXAMPLES, None]
    scored = inside & (np.asarray(given.trial.mask)[:, :EXAMPLES, None] > 0)
    score = found.behaviour.score[:EXAMPLES]
    figure = plot_examples(
        np.where(inside, outputs, np.nan),
        np.where(scored, targets, np.nan),
        given.task.dt,
        channels=given.task.output_channels[:MOST_PANELS],
        titles=[f"trial {i + 1}: score {value:.2f}" for i, value in enumerate(score)],
    )
    return Made({"score_of_examples": score.tolist()}, {"outputs": figure})


def behaviour_words(numbers: Mapping[str, Any]) -> list[str]:
    """Summarise behaviour and memory, one line per section.

    Parameters
    ----------
    numbers : mapping
        Contents of analysis.json.
    """
    lines = []
    if "choice" in numbers:
        found = numbers["choice"]
        lines.append(
            f"Accuracy by {found['evidence']} ({found['unit']}): {_listed(found['accuracy_by_evidence'].items())}"
        )
    for name, found in list(numbers.get("accuracy_by_condition", {}).items())[:MOST_PANELS]:
        unit = f" ({found['unit']})" if found["unit"] else ""
        levels = (level_name(level) for level in found["levels"])
        lines.append(f"Accuracy by {name}{unit}: {_listed(zip(levels, found['accuracy'], strict=True))}")
    if "times" in numbers:
        found = numbers["times"]
        missing = f", none in {found['n_missing']} of {found['n'] + found['n_missing']} trials"
        if "produced" in found:
            weber = found["produced"]["weber"]
            lines.append(f"Produced times: Weber fraction {_said(weber, '.3f')}{missing if found['n_missing'] else ''}")
        else:
            lines.append(
                f"Reaction times: median {_said(found['median_ms'], '.0f')} ms{missing if found['n_missing'] else ''}"
            )
    if "memory" in numbers:
        found = numbers["memory"]
        lines.append(
            f"Decoding of {found['decoded']} at the end of {found['epoch']}: {found['decoding_at_its_end']:.1%} "
            f"(chance {found['chance']:.1%})"
        )
    return lines


def _listed(pairs: Iterable[tuple[str, float | None]]) -> str:
    return ", ".join(f"{level}: {_said(value, '.1%')}" for level, value in pairs)


def _said(value: float | None, form: str) -> str:
    return "none" if value is None else format(value, form)


SECTIONS = (
    Section("choice", _asks_for_choice, _choice),
    Section("accuracy_by_condition", _has_conditions, _by_condition),
    Section("times", _has_times, _times),
    Section("memory", _holds, _memory),
    Section("selectivity", _sorts, _selectivity),
    Section("trajectories", _sorts, _trajectories),
    Section("outputs", _nothing_else, _outputs),
)
"""Sections, in the order of a report."""


def _neutral(task: Task) -> float:
    return 0.0 if math.isnan(task.neutral) else float(task.neutral)


def _n_levels(one: Condition) -> int:
    return int(np.unique(one.values).size)


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else math.nan
