"""What a task says of itself, as commands read it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eicon.models import RateRNN
from eicon.models.results import Activity
from eicon.studies._held import held_in
from eicon.studies._responses import (
    Answers,
    Responses,
    align_trials,
    behaviour_of,
    condition_means,
    evidence_of,
    psychometric_of,
    rows_of,
    sorted_by,
    strength_of,
    timed_span,
    two_classes,
    window_of,
)
from eicon.tasks import TASKS, CueSetGo, DelayedResponse, MultisensoryIntegration, NBack, PerceptualDecision

pytestmark = pytest.mark.battery

DELAYED = DelayedResponse(n_directions=4)


def trials(task, repeats=3):
    return task.trials(repeats, key=jax.random.key(0))


@pytest.mark.parametrize("name", TASKS)
def test_what_every_task_names_is_in_its_trials(name):
    task = TASKS[name]()
    trial = trials(task, 1)
    assert all(np.isfinite(one.numbers).all() for one in sorted_by(task, trial))
    assert window_of(task, trial).any(axis=0).all()
    if task.holds is not None:
        held, epoch = task.holds
        assert held in trial.conditions
        assert (np.diff(trial.epochs[epoch], axis=1) > 0).all()
    if task.asked_time is not None:
        span = timed_span(task, trial)
        lasting = (span[:, 1] - span[:, 0]) * task.dt
        np.testing.assert_allclose(lasting, trial.conditions[task.asked_time], atol=task.dt / 2)
        assert behaviour_of(task, trial.targets, trial).time is not None
    assert set(task.condition_units) <= set(trial.conditions)


@pytest.mark.parametrize("name", ["PerceptualDecision", "ParametricMemory"])
def test_targets_follow_the_evidence(name):
    task = TASKS[name]()
    trial = trials(task, 2)
    evidence, right = evidence_of(task, trial), behaviour_of(task, trial.targets, trial)
    classes = two_classes(task, trial)
    assert (classes.first, classes.labels.tolist()) == ("choice 0", right.choice.tolist())
    curve = psychometric_of(evidence, right)
    assert curve.p.tolist() == (curve.levels > task.neutral).astype(float).tolist()


def test_strength_is_the_distance_from_what_is_neutral():
    task = MultisensoryIntegration(rates=(9.0, 11.0, 14.0, 16.0))
    trial = trials(task)
    evidence = evidence_of(task, trial)
    assert set(strength_of(task, evidence)) == {3.5, 1.5}
    assert (evidence.label, evidence.unit) == ("rate", "events/s")
    signed = evidence_of(PerceptualDecision(), trials(PerceptualDecision()))
    assert (signed.label, signed.unit) == ("signed coherence", "% of dots")


def test_truth_is_told_in_words_and_unknown_names_are_refused():
    task = NBack()
    trial = trials(task)
    assert two_classes(task, trial).first == "match no"
    assert two_classes(task, trial).labels.tolist() == np.asarray(trial.conditions["match"]).astype(int).tolist()

    class Wrong(NBack):
        sorts = ("mach",)

    with pytest.raises(ValueError, match="Wrong.sorts names the condition 'mach', which its trials do not have"):
        sorted_by(Wrong(), trial)


def test_a_condition_with_one_level_does_not_sort():
    task = CueSetGo(intervals=(300.0, 400.0))
    trial = trials(task)
    assert [one.name for one in sorted_by(task, trial)] == ["interval"]
    one_interval = trial._replace(conditions={**trial.conditions, "interval": jnp.full((trial.batch_size,), 300.0)})
    assert sorted_by(task, one_interval) == []


@pytest.mark.parametrize("name", ["ContextIntegration", "FlipFlop"])
def test_rows_are_those_of_the_grid(name):
    task = TASKS[name]()
    trial = trials(task, 2)
    assert rows_of(task, trial).tolist() == 2 * list(range(task.n_conditions))


def test_aligned_values_meet_at_their_onset():
    onset = np.array([1, 3])
    values = np.arange(8)[:, None] - onset[None]
    inside = np.array([[t < stop for stop in (6, 8)] for t in range(8)])
    time, there, aligned = align_trials(values, inside, onset, 10.0)
    assert time.tolist() == [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]
    assert aligned[there[:, 0], 0].tolist() == aligned[there[:, 1], 1].tolist() == [-1, 0, 1, 2, 3, 4]


def test_means_of_few_trials_are_left_out():
    values = np.ones((3, 4))
    inside = np.array([[1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 0, 0]], bool)
    mean = condition_means(values, np.zeros(4), inside)
    np.testing.assert_array_equal(mean.average[0], [1.0, 1.0, np.nan])


def holding(decays: bool) -> tuple[Responses, Answers]:
    """Responses of made-up units that hold the direction of the cue, or hold it for the first half of the delay."""
    net = RateRNN.dale(DELAYED.n_in, 8, DELAYED.n_out)
    trial = trials(DELAYED, 30)
    rng = np.random.default_rng(0)
    onset, stop = np.asarray(trial.epochs["cue"])[:, 0], np.asarray(trial.epochs["delay"])[:, 1]
    if decays:
        stop = stop - 30
    step = np.arange(trial.n_steps)[:, None]
    held = ((step >= onset) & (step < stop))[:, :, None]
    code = np.eye(8)[np.asarray(trial.conditions["choice"])][None]
    rates = rng.normal(scale=0.1, size=(trial.n_steps, trial.batch_size, 8)) + held * code
    activity = Activity(trial.targets, jnp.asarray(rates), jnp.asarray(rates))
    given = Responses(net, DELAYED, trial, activity)
    return given, behaviour_of(DELAYED, activity.outputs, trial)


@pytest.mark.parametrize("decays", [False, True])
def test_what_is_held_is_decoded_as_long_as_it_is_held(decays):
    given, behaviour = holding(decays)
    held = held_in(given, behaviour, seed=0)
    assert (held.condition.name, held.epoch, held.decoding.classes.size) == ("direction", "delay", 4)
    start, stop = (held.start + held.decoding.steps * 20.0).T
    assert 0.0 in start
    np.testing.assert_array_less(0.95, held.decoding.accuracy[(start >= 0) & (stop <= 200)])
    before = held.decoding.accuracy[stop <= -250.0]
    assert (np.abs(before - 0.25) < 0.2).all()  # there is nothing to be read before the cue
    late = held.decoding.accuracy[start > 620.0]
    assert (late < 0.6).all() if decays else (late > 0.95).all()
    assert held.by_delay.n.sum() == given.trial.batch_size
    assert (held.by_delay.mean == 1).all()


def test_what_is_held_needs_units_that_vary_and_enough_trials():
    given, behaviour = holding(False)
    silent = given._replace(activity=given.activity._replace(rates=jnp.zeros_like(given.activity.rates)))
    assert held_in(silent, behaviour, seed=0) is None
    few = trials(DELAYED, 2)
    rates = given.activity.rates[:, : few.batch_size]
    short = Responses(given.net, DELAYED, few, given.activity._replace(rates=rates))
    assert held_in(short, behaviour_of(DELAYED, few.targets, few), seed=0) is None


def test_a_task_that_holds_nothing_has_nothing_decoded():
    task = CueSetGo(intervals=(300.0, 400.0))
    trial = trials(task)
    rates = jnp.ones((trial.n_steps, trial.batch_size, 4))
    given = Responses(RateRNN.dale(2, 4, 1), task, trial, Activity(trial.targets, rates, rates))
    assert held_in(given, behaviour_of(task, trial.targets, trial), seed=0) is None
