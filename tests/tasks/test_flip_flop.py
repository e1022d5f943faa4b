"""Flip-flop: bits against a loop over the pulses, and pulses against what they should be by chance."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from eicon.runs import parse_recipe
from eicon.tasks import FlipFlop, Trial

from .drawn import compiled, sample


def numpy_sample(task: FlipFlop, batch_size: int = 40) -> Trial:
    return sample(task, batch_size, 6)


def pulses(task: FlipFlop, trial: Trial) -> np.ndarray:
    """Inputs in the first step of each window, (n_windows, B, n_bits)."""
    return trial.inputs[round(task.rest / task.dt) :: round(task.window / task.dt)]


TASKS = [
    FlipFlop(),
    FlipFlop(dt=5.0),
    FlipFlop(n_bits=1, n_windows=4, probability=0.5, rest=40.0, window=100.0, pulse=40.0, settling=80.0),
    FlipFlop(n_bits=5, probability=1.0, pulse=60.0, settling=0.0),
]


@pytest.mark.parametrize("task", TASKS)
def test_targets_are_the_signs_of_the_last_pulses(task):
    trial = numpy_sample(task)
    rest = round(task.rest / task.dt)
    assert not trial.inputs[:rest].any()
    assert (trial.inputs[rest] != 0).all()
    for b in range(40):
        for i in range(task.n_bits):
            bit = 0.0
            for t in range(trial.n_steps):
                if trial.inputs[t, b, i]:
                    bit = trial.inputs[t, b, i]
                assert trial.targets[t, b, i] == bit


@pytest.mark.parametrize("task", TASKS)
def test_pulses_begin_with_windows_and_last_their_time(task):
    trial = numpy_sample(task)
    rest, window, pulse, settling = (
        round(getattr(task, name) / task.dt) for name in ("rest", "window", "pulse", "settling")
    )
    assert trial.n_steps == rest + task.n_windows * window
    inputs, mask = np.zeros_like(trial.inputs), np.ones_like(trial.mask)
    for i, values in enumerate(pulses(task, trial)):
        start = rest + i * window
        assert set(np.unique(values)) <= {-1.0, 0.0, 1.0}
        inputs[start : start + pulse] = values
        for b in np.flatnonzero(values.any(axis=1)):
            mask[start : start + settling, b] = 0
    np.testing.assert_array_equal(trial.inputs, inputs)
    np.testing.assert_array_equal(trial.mask, mask)
    assert trial.mask.any(axis=0).all()


@pytest.mark.parametrize("probability", [0.3, 0.05, 1.0])
def test_pulses_are_as_frequent_as_asked_for_and_independent(probability):
    task = FlipFlop(probability=probability)
    values = pulses(task, numpy_sample(task, 2000))
    comes, sign = values[1:] != 0, values[values != 0] > 0
    assert stats.binomtest(int(comes.sum()), comes.size, probability).pvalue > 1e-3
    assert stats.binomtest(int(sign.sum()), sign.size, 0.5).pvalue > 1e-3
    assert (values[0] != 0).all()
    # Counts in a window over the bits, and in a bit over the windows, are those of independent pulses.
    for axis in (0, 2) if probability < 1 else ():
        counts = np.bincount(comes.sum(axis=axis).ravel(), minlength=comes.shape[axis] + 1)
        wanted = stats.binom.pmf(np.arange(len(counts)), comes.shape[axis], probability) * counts.sum()
        rare = wanted < 5
        counts, wanted = (np.append(n[~rare], n[rare].sum()) for n in (counts, wanted))
        assert stats.chisquare(counts[wanted > 1e-9], wanted[wanted > 1e-9]).pvalue > 1e-3
    # So are the signs, of one bit and the next, and of one window and the next.
    for one, other in ((values[0, :, 0], values[0, :, 1]), (values[0, :, 0], values[1, :, 0])):
        both = other != 0
        assert abs(np.corrcoef(one[both], other[both])[0, 1]) < 4 / np.sqrt(both.sum())


def test_an_output_says_what_it_is_nearest_to():
    outputs = jnp.array([-3.0, -1.0, -0.51, -0.49, 0.0, 0.49, 0.51, 1.0, 1e9]).reshape(1, -1, 1)
    assert FlipFlop().bits(outputs).ravel().tolist() == [-1, -1, -1, 0, 0, 0, 1, 1, 1]


def correct(task: FlipFlop, outputs: np.ndarray, trial: Trial) -> np.ndarray:
    return np.asarray(compiled(task).correct(np.asarray(outputs, np.float32), trial))


def score_by_loop(outputs: np.ndarray, trial: Trial, rest: int) -> list[float]:
    scores = []
    for b in range(trial.batch_size):
        points = []
        for t in range(rest, trial.n_steps):
            for z, target in zip(outputs[t, b], trial.targets[t, b], strict=True):
                if trial.mask[t, b]:
                    points.append(0.5 if abs(z) < 0.5 else float(z * target > 0))
        scores.append(float(np.mean(points)))
    return scores


@pytest.mark.parametrize("task", TASKS[:3])
def test_score_is_the_fraction_of_right_bits(task):
    trial = numpy_sample(task)
    noise = np.random.default_rng(0).normal(size=trial.targets.shape)
    outputs = (trial.targets + noise).astype(np.float32)
    wanted = score_by_loop(outputs, trial, round(task.rest / task.dt))
    assert len(set(wanted)) > 5
    np.testing.assert_allclose(correct(task, outputs, trial), wanted, rtol=1e-5)


def test_what_happens_at_rest_and_while_a_bit_settles_is_not_scored():
    task = FlipFlop()
    trial = numpy_sample(task)
    ignored = (np.arange(trial.n_steps)[:, None] < 5) | (trial.mask == 0)
    outputs = np.where(ignored[:, :, None], -5.0 * trial.targets - 5.0, trial.targets)
    np.testing.assert_array_equal(correct(task, outputs, trial), 1.0)


def test_a_bit_that_is_always_wrong_costs_its_part():
    trial = numpy_sample(FlipFlop())
    outputs = trial.targets * np.array([1.0, 1.0, -1.0], np.float32)
    np.testing.assert_allclose(correct(FlipFlop(), outputs, trial), 2 / 3, rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"n_bits": 0}, "n_bits must be at least 1; got 0"),
        ({"n_windows": 1}, "n_windows must be at least 2, or no bit could change; got 1"),
        ({"probability": 0.0}, r"probability must lie in \(0, 1\]; got 0.0"),
        ({"probability": 1.1}, r"probability must lie in \(0, 1\]; got 1.1"),
        ({"probability": float("nan")}, r"probability must lie in \(0, 1\]; got nan"),
        ({"rest": 0.0}, "rest must last longer than 0 ms and be finite; got 0.0"),
        ({"window": float("inf")}, "window must last longer than 0 ms and be finite; got inf"),
        ({"pulse": 9.0}, "pulse of 9 ms is shorter than half a step of dt 20 ms"),
        ({"pulse": 200.0}, "pulse must be shorter than a window of 200 ms, by at least a step of dt 20 ms; got 200"),
        ({"pulse": 195.0}, "pulse must be shorter than a window of 200 ms, by at least a step of dt 20 ms; got 195"),
        ({"settling": 200.0}, "settling must be shorter than a window of 200 ms, .* dt 20 ms; got 200"),
        ({"settling": float("inf")}, "settling must be shorter than a window of 200 ms, .* got inf"),
        ({"settling": -20.0}, r"settling must be >= 0 \(ms\); got -20.0"),
        ({"settling": float("nan")}, r"settling must be >= 0 \(ms\); got nan"),
    ],
)
def test_impossible_tasks_are_refused(options, text):
    with pytest.raises(ValueError, match=text):
        FlipFlop(**options)


def test_a_configuration_can_hold_the_task_and_keeps_it():
    config = parse_recipe("[task]\nname = 'FlipFlop'\nn_bits = 2\nprobability = 0.5\nsettling = 0")
    assert config.make_task() == FlipFlop(n_bits=2, probability=0.5, settling=0.0)
    assert parse_recipe(config.to_toml()) == config
