"""Ready-set-go: pulses and ramps against loops, and produced times that were made by hand."""

import math

import numpy as np
import pytest

from eicon.runs import parse_recipe
from eicon.tasks import NO_CHOICE, ReadySetGo, Trial, Uniform

from .drawn import balanced, compiled, sample

TASK = ReadySetGo(wait=200.0)


def numpy_trials(task: ReadySetGo) -> Trial:
    return balanced(task, 1, 4)


def numpy_sample(task: ReadySetGo, batch_size: int = 50) -> Trial:
    return sample(task, batch_size, 4)


def produce(task: ReadySetGo, trial: Trial, times: list[float]) -> np.ndarray:
    """Straight lines that reach 1 so many ms after set."""
    since = (np.arange(1, trial.n_steps + 1)[:, None] - np.asarray(trial.epochs["production"])[None, :, 0]) * task.dt
    return (since / np.array(times))[:, :, None].astype(np.float32)


@pytest.mark.parametrize(("dt", "pulse", "steps"), [(20.0, 60.0, 3), (5.0, 60.0, 12), (20.0, 11.0, 1)])
def test_trials_are_those_of_the_docstring(dt, pulse, steps):
    task = ReadySetGo(dt=dt, pulse=pulse)
    trial = numpy_sample(task)
    inputs, targets = np.zeros(trial.inputs.shape), np.zeros(trial.targets.shape)
    for b in range(50):
        interval, wait = float(trial.conditions["interval"][b]), trial.conditions["wait"][b]
        ready = round(float(wait) / dt)
        set_, go = ready + round(interval / dt), ready + 2 * round(interval / dt)
        end, last = go + round(100 / dt), set_ + round((800 + 200) / dt)
        assert {name: span[b].tolist() for name, span in trial.epochs.items()} == {
            "wait": [0, ready],
            "estimation": [ready, set_],
            "production": [set_, go],
            "after": [go, end],
            "late": [end, last],
        }
        inputs[:last, b, 0] = 1
        inputs[ready : ready + steps, b, 1] = 1
        inputs[set_ : set_ + steps, b, 2] = 1
        for t in range(set_, end):
            targets[t, b] = (t + 1 - set_) * dt / interval
        assert not trial.mask[end:, b].any()
        assert trial.mask[:end, b].all()
    np.testing.assert_array_equal(trial.inputs, inputs)
    np.testing.assert_allclose(trial.targets, targets, rtol=1e-6)


@pytest.mark.parametrize("dt", [1.0, 5.0, 20.0, 35.0])
@pytest.mark.parametrize("intervals", [TASK.intervals, (494.0, 670.6, 847.0)])
def test_targets_produce_what_was_shown_at_any_dt(dt, intervals):
    """Also where the interval is no multiple of the step."""
    task = ReadySetGo(dt=dt, intervals=intervals)
    trial = numpy_trials(task)
    np.testing.assert_allclose(compiled(task).produced_time(trial.targets, trial), intervals, rtol=1e-5)
    assert float(compiled(task).accuracy(trial.targets, trial)) == 1.0


def test_produced_time_begins_at_set_and_ends_with_the_trial():
    trial = numpy_trials(TASK)
    outputs = np.zeros((trial.n_steps, 5, 1), np.float32)
    for b, (_, set_) in enumerate(np.asarray(trial.epochs["estimation"])):
        outputs[: set_ - 1, b] = 2.0  # before set it does not count
    for b, end in enumerate(np.asarray(trial.epochs["late"])[:, 1]):
        outputs[end:, b] = 2.0
    assert np.isnan(compiled(TASK).produced_time(outputs, trial)).all()
    for b, end in enumerate(np.asarray(trial.epochs["late"])[:, 1]):
        outputs[end - 1, b] = 1.0
    np.testing.assert_allclose(compiled(TASK).produced_time(outputs, trial), 1000.0)


@pytest.mark.parametrize(
    ("times", "choices", "right"),
    [
        ([480.0, 560.0, 640.0, 720.0, 800.0], [0, 1, 2, 3, 4], [1, 1, 1, 1, 1]),
        ([515.0, 525.0, 605.0, 690.0, 765.0], [0, 1, 2, 3, 4], [1, 1, 1, 1, 1]),
        ([530.0, 510.0, 690.0, 770.0, 750.0], [1, 0, 3, 4, 3], [0, 0, 0, 0, 0]),
        ([390.0, 700.0, 650.0, 100.0, 950.0], [0, 3, 2, 0, 4], [1, 0, 1, 0, 1]),
        ([380.0, 560.0, 640.0, 720.0, 30.0], [0, 1, 2, 3, 0], [0, 1, 1, 1, 0]),  # more than 20 % too early,
        ([480.0, 560.0, 640.0, 720.0, 970.0], [0, 1, 2, 3, 4], [1, 1, 1, 1, 0]),  # and too late
    ],
)
def test_right_is_the_nearest_interval_within_the_tolerance(times, choices, right):
    trial = numpy_trials(TASK)
    outputs = produce(TASK, trial, times)
    np.testing.assert_allclose(compiled(TASK).produced_time(outputs, trial), times, rtol=1e-4)
    assert compiled(TASK).choice(outputs, trial).tolist() == choices
    assert compiled(TASK).correct(outputs, trial).tolist() == right


def test_tolerance_is_a_part_of_the_interval():
    trial = numpy_trials(TASK)
    outputs = produce(TASK, trial, [290.0, 560.0, 640.0, 720.0, 800.0])
    for tolerance, right in ((0.3, 0.0), (0.4, 1.0), (math.inf, 1.0)):
        assert float(compiled(ReadySetGo(wait=200.0, tolerance=tolerance)).correct(outputs, trial)[0]) == right
    late = produce(TASK, trial, [480.0, 560.0, 640.0, 720.0, 880.0])
    for tolerance, right in ((0.09, 0.0), (0.11, 1.0)):
        assert float(compiled(ReadySetGo(wait=200.0, tolerance=tolerance)).correct(late, trial)[4]) == right


@pytest.mark.parametrize("time", [480.0, 640.0, 775.0, 950.0, 1100.0, 100.0, 980.0])
def test_one_time_for_all_intervals_is_at_best_as_good_as_none(time):
    trial = numpy_trials(TASK)
    always, never = produce(TASK, trial, [time] * 5), np.zeros((trial.n_steps, 5, 1), np.float32)
    assert float(compiled(TASK).accuracy(always, trial)) == pytest.approx(0.0 if time in (100.0, 980.0) else 0.2)
    assert compiled(TASK).choice(never, trial).tolist() == [NO_CHOICE] * 5
    np.testing.assert_allclose(compiled(TASK).correct(never, trial), 0.2)


def test_long_range():
    assert ReadySetGo.long(dt=10.0) == ReadySetGo(dt=10.0, intervals=(800.0, 900.0, 1000.0, 1100.0, 1200.0))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"intervals": (600.0,)}, r"intervals must contain at least two durations > 0 ms; got \(600\.0,\)"),
        ({"intervals": (600.0, float("nan"))}, r"at least two durations > 0 ms; got \(600\.0, nan\)"),
        ({"intervals": (800.0, 600.0)}, r"intervals must increase by at least one step of dt 20 ms; got \(800\.0, 600"),
        ({"intervals": (600.0, 605.0)}, r"must increase by at least one step of dt 20 ms; got \(600\.0, 605\.0\)"),
        ({"pulse": 480.0}, "pulse must be shorter than the shortest interval 480 ms; got 480"),
        ({"pulse": 475.0}, "pulse must be shorter than the shortest interval 480 ms; got 475"),  # the same steps
        ({"pulse": 0.0}, "pulse must last longer than 0 ms and be finite; got 0.0"),
        ({"pulse": 9.0}, "pulse of 9 ms is shorter than half a step of dt 20 ms"),
        ({"after": 9.0}, "after of 9 ms is shorter than half a step"),
        ({"wait": 0.0}, "wait must last longer than 0 ms and be finite; got 0.0"),
        ({"wait": 9.0}, "wait of 9 ms is shorter than half a step"),
        ({"tolerance": 0.0}, "tolerance must be > 0; got 0.0"),
        ({"tolerance": float("nan")}, "tolerance must be > 0; got nan"),
    ],
)
def test_impossible_tasks_are_refused(options, text):
    with pytest.raises(ValueError, match=text):
        ReadySetGo(**options)


def test_a_configuration_can_hold_the_task_and_keeps_it():
    config = parse_recipe(
        "[task]\nname = 'ReadySetGo'\nintervals = [500, 700]\nwait = {min = 50, max = 90}\ntolerance = 0.1"
    )
    assert config.make_task() == ReadySetGo(intervals=(500.0, 700.0), wait=Uniform(min=50.0, max=90.0), tolerance=0.1)
    assert parse_recipe(config.to_toml()) == config
