"""Cue-set-go: the produced time against a loop over all steps, ramps in closed form, and what may depend on what."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pydantic import TypeAdapter

from eicon.runs import ConfigError, parse_recipe
from eicon.tasks import NO_CHOICE, CueSetGo, Trial, TruncatedExponential

from . import drawn
from .drawn import compiled

BATCH = 60
VARIABLE = CueSetGo()
FIXED = CueSetGo(wait=200.0)


def sample(task: CueSetGo) -> Trial:
    return drawn.sample(task, BATCH, 5)


def balanced(task: CueSetGo, repeats: int = 1) -> Trial:
    return drawn.balanced(task, repeats, 5)


def produced_by_loop(outputs: np.ndarray, trial: Trial, dt: float) -> np.ndarray:
    """Step by step: the first time after set and before the trial's end when the straight line reaches 1."""
    produced = np.full(trial.batch_size, np.nan)
    for b in range(trial.batch_size):
        onset, end = int(trial.epochs["production"][b, 0]), int(trial.epochs["after"][b, 1])
        z = outputs[:, b, 0].astype(np.float64)
        for t in range(onset, end):
            if z[t] >= 1.0:
                if z[t - 1] >= 1.0:  # only at set itself
                    produced[b] = (t - onset) * dt
                else:
                    part = (1.0 - z[t - 1]) / (z[t] - z[t - 1])
                    produced[b] = (t - onset + part) * dt
                break
    return produced


def random_walks(trial: Trial, step: float, seed: int) -> np.ndarray:
    """Outputs that wander, some of them above 1 before set, and some that never get there."""
    rng = np.random.default_rng(seed)
    start = rng.choice([-3.0, 0.8, 1.5], size=(1, trial.batch_size, 1))
    return (start + rng.normal(0.0, step, (trial.n_steps, trial.batch_size, 1)).cumsum(axis=0)).astype(np.float32)


@pytest.mark.parametrize("step", [0.03, 0.1])
@pytest.mark.parametrize("dt", [5.0, 20.0])
def test_produced_time_equals_a_loop_over_all_steps(dt, step):
    task = CueSetGo(dt=dt)
    trial = sample(task)
    outputs = random_walks(trial, step, seed=int(dt))
    wanted = produced_by_loop(outputs, trial, dt)
    assert np.isnan(wanted).any()
    assert (wanted == 0).any()
    assert ((wanted > 0) & (wanted < 1200)).any()
    np.testing.assert_allclose(compiled(task).produced_time(outputs, trial), wanted, atol=2e-3 * dt)


def test_produced_time_ignores_what_comes_before_set_and_after_the_end():
    trial = sample(VARIABLE)
    step = np.arange(trial.n_steps)[:, None]
    outside = (step < trial.epochs["production"][None, :, 0] - 1) | (step >= trial.epochs["after"][None, :, 1])
    silent = np.where(outside, 9.0, 0.0)[:, :, None].astype(np.float32)
    assert np.isnan(compiled(VARIABLE).produced_time(silent, trial)).all()
    disturbed = np.where(outside[:, :, None], 9.0, trial.targets).astype(np.float32)
    np.testing.assert_array_equal(
        compiled(VARIABLE).produced_time(disturbed, trial),
        compiled(VARIABLE).produced_time(trial.targets, trial),
    )


def test_reaching_exactly_the_threshold_counts_and_just_missing_it_does_not():
    trial = balanced(FIXED)
    onset = 10
    outputs = np.zeros((trial.n_steps, 6, 1), np.float32)
    outputs[onset + 4 :, :, 0] = 1.0
    assert compiled(FIXED).produced_time(outputs, trial).tolist() == [100.0] * 6
    outputs[onset + 4 :, :, 0] = np.nextafter(np.float32(1), np.float32(0))
    assert np.isnan(compiled(FIXED).produced_time(outputs, trial)).all()
    outputs[onset + 7, :, 0] = 1.0  # a touch is enough
    assert compiled(FIXED).produced_time(outputs, trial).tolist() == [160.0] * 6


def test_last_step_of_the_trial_still_counts():
    trial = balanced(FIXED)
    outputs = np.zeros((trial.n_steps, 6, 1), np.float32)
    for b, end in enumerate(trial.epochs["after"][:, 1]):
        outputs[end - 1, b] = 1.0
    np.testing.assert_allclose(compiled(FIXED).produced_time(outputs, trial), np.array(FIXED.intervals) + 100.0)


@pytest.mark.parametrize("dt", [5.0, 10.0, 20.0])
@pytest.mark.parametrize("interval", [13.0, 217.9, 403.3, 666.6, 700.0])
def test_time_of_a_straight_ramp_is_exact_between_steps(dt, interval):
    """At any slope, from any moment on, and with whatever came before."""
    task = CueSetGo(dt=dt)
    trial = sample(task)
    since_set = (np.arange(1, trial.n_steps + 1)[:, None] - trial.epochs["production"][None, :, 0]) * dt
    outputs = (since_set / interval)[:, :, None].astype(np.float32)
    np.testing.assert_allclose(compiled(task).produced_time(outputs, trial), interval, rtol=2e-5)


@pytest.mark.parametrize("dt", [1.0, 5.0, 10.0, 20.0, 35.0])
@pytest.mark.parametrize("intervals", [VARIABLE.intervals, (615.0, 700.5, 813.0)])
def test_targets_produce_their_intervals_at_any_dt(dt, intervals):
    """Also where the interval is no multiple of the step."""
    task = CueSetGo(dt=dt, intervals=intervals)
    trial = balanced(task, 2)
    np.testing.assert_allclose(compiled(task).produced_time(trial.targets, trial), intervals * 2, rtol=1e-5)
    assert float(compiled(task).accuracy(trial.targets, trial)) == 1.0


def test_target_is_the_ramp_of_the_docstring():
    trial = sample(VARIABLE)
    wanted = np.zeros((trial.n_steps, BATCH, 1))
    for b in range(BATCH):
        onset, end = trial.epochs["production"][b, 0], trial.epochs["after"][b, 1]
        for t in range(onset, end):
            wanted[t, b] = (t + 1 - onset) * 20.0 / trial.conditions["interval"][b]
        assert end - onset == round(float(trial.conditions["interval"][b]) / 20) + 5
        assert trial.conditions["wait"][b] == onset * 20.0
    np.testing.assert_allclose(trial.targets, wanted, rtol=1e-6)
    np.testing.assert_array_equal(trial.mask, trial.inside)


@pytest.mark.parametrize(("dt", "pulse", "steps"), [(20.0, 60.0, 3), (5.0, 60.0, 12), (20.0, 11.0, 1)])
def test_inputs_are_a_constant_context_and_a_pulse_at_set(dt, pulse, steps):
    trial = sample(CueSetGo(dt=dt, pulse=pulse))
    wanted = np.zeros((trial.n_steps, BATCH, 2), np.float32)
    for b in range(BATCH):
        onset, end = trial.epochs["production"][b, 0], trial.epochs["after"][b, 1]
        wanted[:end, b, 0] = trial.conditions["context"][b]
        wanted[onset : onset + steps, b, 1] = 1.0
    np.testing.assert_array_equal(trial.inputs, wanted)


def test_nothing_is_left_after_a_trial_has_ended():
    trial = sample(VARIABLE)
    over = ~np.asarray(trial.inside)
    assert over.any(axis=0).all(), "the longest wait is rarer than this"
    for values in (trial.inputs, trial.targets, trial.mask):
        assert not values[over].any()


def test_choice_is_the_interval_nearest_to_the_produced_time():
    task = CueSetGo(intervals=(600.0, 800.0, 1200.0), wait=200.0, after=400.0)
    trial = balanced(task)
    onset = 10
    for time, choice in ((20, 0), (680, 0), (720, 1), (980, 1), (1000, 1)):
        outputs = np.zeros((trial.n_steps, 3, 1), np.float32)
        outputs[onset + time // 20 - 1 :] = 1.0
        assert compiled(task).produced_time(outputs, trial).tolist() == [time] * 3
        assert compiled(task).choice(outputs, trial).tolist() == [choice] * 3
        assert compiled(task).correct(outputs, trial).tolist() == [float(choice == right) for right in range(3)]
    silent = np.zeros((trial.n_steps, 3, 1), np.float32)
    assert compiled(task).choice(silent, trial).tolist() == [NO_CHOICE] * 3
    np.testing.assert_allclose(compiled(task).correct(silent, trial), 1 / 3)


def test_produced_times_of_another_trial_score_chance_if_they_are_heard_to_the_end():
    """With the default ``after``, a time that is longer than the trial counts as none, and scores chance, not 0."""
    task = CueSetGo(wait=200.0, after=700.0)
    trial = task.trials(30, key=jax.random.key(0))
    other = np.random.default_rng(0).permutation(trial.batch_size)
    score = np.asarray(compiled(task).correct(trial.targets[:, other], trial))
    assert set(np.unique(score)) == {0.0, 1.0}
    assert abs(score.mean() - task.chance) < 4 * np.sqrt(task.chance / trial.batch_size)


def test_an_interval_changes_its_own_trial_only_and_its_target_only_after_set():
    """The first trial stays as it was; the second differs by its context from the begin, by its target from set on."""
    task = CueSetGo()
    conditions = {name: jnp.asarray(values)[jnp.array([0, 5])] for name, values in task.condition_grid().items()}
    conditions["catch"] = jnp.zeros(2, bool)
    build = jax.jit(task.build)
    first = build(jax.random.key(5), conditions)
    other = {**conditions, "interval": conditions["interval"].at[1].set(720.0)}
    other["context"] = conditions["context"].at[1].set(0.4)
    second = build(jax.random.key(5), other)
    for a, b in ((first.inputs, second.inputs), (first.targets, second.targets), (first.mask, second.mask)):
        np.testing.assert_array_equal(a[:, 0], b[:, 0])
    set_, end = first.epochs["production"][1, 0], second.epochs["after"][1, 1]
    assert set_ == second.epochs["production"][1, 0]
    assert (first.inputs[:end, 1, 0] != second.inputs[:end, 1, 0]).all()
    np.testing.assert_array_equal(first.inputs[:end, 1, 1], second.inputs[:end, 1, 1])
    assert not first.targets[:set_, 1].any()
    assert (first.targets[set_:end, 1] < second.targets[set_:end, 1]).all()


def test_an_output_changes_the_produced_time_only_of_its_own_trial():
    trial = sample(VARIABLE)
    outputs = random_walks(trial, 0.1, seed=0)
    before = np.asarray(compiled(VARIABLE).produced_time(outputs, trial))
    outputs[trial.epochs["production"][7, 0] - 1 :, 7] = 0.0
    outputs[trial.epochs["production"][7, 0] + 1, 7] = 4.0
    after = np.asarray(compiled(VARIABLE).produced_time(outputs, trial))
    np.testing.assert_array_equal(np.delete(after, 7), np.delete(before, 7))
    assert after[7] == pytest.approx(20.0 * 1.25)


def test_contexts_are_spread_by_duration_unless_given():
    np.testing.assert_allclose(VARIABLE.contexts, [0.25, 0.4, 0.55, 0.7, 0.85, 1.0])
    uneven = CueSetGo(intervals=(500.0, 600.0, 900.0))
    np.testing.assert_allclose(uneven.contexts, [0.25, 0.4375, 1.0])
    assert CueSetGo(intervals=(500.0, 600.0), contexts=(-1, 2)).contexts == (-1.0, 2.0)
    faster = CueSetGo(intervals=(500.0, 600.0, 900.0), contexts=(1.0, 0.5, 0.1))
    grid = faster.condition_grid()
    np.testing.assert_array_equal(grid["context"], np.array([1.0, 0.5, 0.1], np.float32))
    np.testing.assert_array_equal(grid["interval"], [500.0, 600.0, 900.0])
    np.testing.assert_array_equal(grid["choice"], [0, 1, 2])


@pytest.mark.parametrize("contexts", [None, (1.0, 0.9, 0.7, 0.4, 0.3, 0.1)])
def test_interpolated_contexts_lie_half_way_and_were_not_trained(contexts):
    task = CueSetGo(contexts=contexts, wait=300.0)
    held_out = task.interpolated()
    for name in ("intervals", "contexts"):
        trained, between = np.array(getattr(task, name)), np.array(getattr(held_out, name))
        np.testing.assert_allclose(between, (trained[1:] + trained[:-1]) / 2)
        assert np.abs(np.subtract.outer(trained, between)).min() > 0.04
    assert dataclasses.replace(held_out, intervals=task.intervals, contexts=task.contexts) == task
    trial = balanced(held_out)
    np.testing.assert_allclose(compiled(held_out).produced_time(trial.targets, trial), held_out.intervals, rtol=1e-5)
    assert held_out.interpolated().intervals == (720.0, 840.0, 960.0, 1080.0)


def test_interpolation_needs_three_intervals():
    text = r"interpolated contexts need a task of at least three intervals; got \(600\.0, 800\.0\)"
    with pytest.raises(ValueError, match=text):
        CueSetGo(intervals=(600.0, 800.0)).interpolated()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"intervals": (600.0,)}, r"intervals must contain at least two durations > 0 ms; got \(600\.0,\)"),
        ({"intervals": (0.0, 600.0)}, r"at least two durations > 0 ms; got \(0\.0, 600\.0\)"),
        ({"intervals": (600.0, float("inf"))}, r"at least two durations > 0 ms; got \(600\.0, inf\)"),
        ({"intervals": (600.0, float("nan"))}, r"at least two durations > 0 ms; got \(600\.0, nan\)"),
        ({"intervals": (5.0, 600.0)}, "an interval of 5 ms is shorter than half a step of dt 20 ms"),
        ({"intervals": (800.0, 600.0)}, r"intervals must increase by at least one step of dt 20 ms; got \(800\.0, 600"),
        ({"intervals": (600.0, 605.0)}, r"must increase by at least one step of dt 20 ms; got \(600\.0, 605\.0\)"),
        ({"contexts": (1.0, 2.0)}, r"contexts must have one finite level per interval, all .*; got \(1\.0, 2\.0\)"),
        ({"contexts": (1.0, 2.0, 3.0, 3.0, 4.0, 5.0)}, "all ascending or all descending; got"),
        ({"contexts": (1.0, 2.0, 3.0, 2.0, 4.0, 5.0)}, "all ascending or all descending; got"),
        ({"contexts": (1.0, 2.0, 3.0, 4.0, 5.0, float("inf"))}, "contexts must have one finite level .*got .*inf"),
        ({"contexts": (1.0, 2.0, 3.0, 4.0, 5.0, float("nan"))}, "contexts must have one finite level .*got .*nan"),
        ({"pulse": 601.0}, "pulse must not outlast the shortest interval 600 ms; got 601"),
        ({"pulse": 9.0}, "pulse of 9 ms is shorter than half a step of dt 20 ms"),
        ({"pulse": 0.0}, "pulse must last longer than 0 ms and be finite; got 0.0"),
        ({"pulse": float("nan")}, "pulse must last longer than 0 ms and be finite; got nan"),
        ({"after": 9.0}, "after of 9 ms is shorter than half a step of dt 20 ms"),
        ({"after": -20.0}, "after must last longer than 0 ms and be finite; got -20.0"),
        ({"after": float("inf")}, "after must last longer than 0 ms and be finite; got inf"),
        ({"wait": 0.0}, "wait must last longer than 0 ms and be finite; got 0.0"),
        ({"wait": 9.0}, "wait of 9 ms is shorter than half a step of dt 20 ms"),
    ],
)
def test_impossible_tasks_are_refused(options, text):
    with pytest.raises(ValueError, match=text):
        CueSetGo(**options)


CONFIG = """
[task]
name = "CueSetGo"
dt = 10.0
intervals = [600, 800, 1000]
contexts = [1.0, 0.6, 0.2]
wait = {mean = 300, min = 50, max = 900}
after = 50.0
"""


def test_a_configuration_can_hold_every_parameter_and_keeps_it():
    config = parse_recipe(CONFIG)
    assert config.make_task() == CueSetGo(
        dt=10.0,
        intervals=(600.0, 800.0, 1000.0),
        contexts=(1.0, 0.6, 0.2),
        wait=TruncatedExponential(mean=300.0, min=50.0, max=900.0),
        after=50.0,
    )
    assert parse_recipe(config.to_toml()) == config
    assert parse_recipe("[task]\nname = 'CueSetGo'").make_task() == CueSetGo()
    for task in (CueSetGo(), CueSetGo(wait=300.0), config.make_task().interpolated()):
        assert TypeAdapter(CueSetGo).validate_python(dataclasses.asdict(task)) == task


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("pulse = 700.0", "task.*pulse must not outlast the shortest interval 600 ms; got 700"),
        ("pulses = 60.0", "task.pulses: unknown key; allowed: name, dt, intervals, contexts, wait, pulse, after"),
        ("wait = 'long'", "task.wait.*'long'"),
        ("wait = {mean = 1, min = 5, max = 5}", r"a truncated exponential needs .*got mean 1\.0, min 5\.0, max 5\.0"),
    ],
)
def test_mistakes_in_a_configuration_are_named(line, text):
    table = "[task]\nname = 'CueSetGo'\n" + line
    with pytest.raises(ConfigError, match=text):
        parse_recipe(table)
