"""Pulse accumulation: pulses against what they should be by chance, and choices against counting."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from eicon.runs import parse_recipe
from eicon.tasks import NO_CHOICE, PulseAccumulation, Trial, Uniform

KEY = jax.random.key(7)
BATCH = 6000


def numpy_sample(task: PulseAccumulation, batch_size: int = BATCH) -> Trial:
    return jax.tree.map(np.asarray, jax.jit(task.sample, static_argnums=1)(KEY, batch_size))


def heard(task: PulseAccumulation, trial: Trial) -> np.ndarray:
    """Whether each bin of the longest stimulus holds a pulse for each choice, (bins, B, 2)."""
    fixation, decision = round(task.fixation / task.dt), round(task.decision / task.dt)
    inputs = trial.inputs[fixation : trial.n_steps - decision, :, 1:] - np.float32(task.baseline)
    bins = inputs.reshape(-1, round(task.pulse / task.dt), *inputs.shape[1:])
    assert (bins == bins[:, :1]).all(), "a pulse does not fill its bin"
    return bins[:, 0] > 0.5


def test_pulses_of_a_trial_and_its_choice_are_those_that_are_heard():
    task = PulseAccumulation()
    trial = numpy_sample(task)
    left, right = heard(task, trial).sum(axis=0).T
    np.testing.assert_array_equal(left, trial.conditions["pulses_0"])
    np.testing.assert_array_equal(right, trial.conditions["pulses_1"])
    assert (left != right).all()
    np.testing.assert_array_equal(trial.conditions["choice"], np.where(left > right, 0, 1))
    assert stats.binomtest(int(trial.conditions["choice"].sum()), BATCH, 0.5).pvalue > 1e-3


@pytest.mark.parametrize("dt", [20.0, 5.0])
def test_trials_are_those_of_the_docstring(dt):
    task = PulseAccumulation(dt=dt, baseline=0.1, low=0.3, high=0.9)
    trial = numpy_sample(task, 40)
    bins = heard(task, trial)
    inputs, targets = np.full(trial.inputs.shape, 0.1), np.full(trial.targets.shape, 0.3)
    mask = np.zeros(trial.mask.shape)
    for b in range(40):
        begin, end = ({name: int(span[b, i]) for name, span in trial.epochs.items()} for i in (0, 1))
        assert (end["fixation"], end["decision"] - begin["decision"]) == (100 / dt, 300 / dt)
        duration = (end["stimulus"] - begin["stimulus"]) * dt
        assert 500 <= duration == trial.conditions["duration"][b] <= 1000
        assert duration % task.pulse == 0
        assert not bins[round(duration / task.pulse) :, b].any()
        inputs[: end["stimulus"], b, 0] += 1
        for i, pulses in enumerate(bins[:, b]):
            at = begin["stimulus"] + i * round(task.pulse / dt)
            inputs[at : at + round(task.pulse / dt), b, 1:] += pulses
        targets[begin["decision"] : end["decision"], b, trial.conditions["choice"][b]] = 0.9
        mask[: end["fixation"], b] = mask[begin["decision"] : end["decision"], b] = 1
    np.testing.assert_allclose(trial.inputs, inputs, rtol=1e-6)
    np.testing.assert_allclose(trial.targets, targets, rtol=1e-6)
    np.testing.assert_array_equal(trial.mask, mask)


@pytest.mark.parametrize("dt", [10.0, 4.0])
def test_pulses_are_the_same_at_every_step_that_divides_them(dt):
    coarse, fine = numpy_sample(PulseAccumulation(), 50), numpy_sample(PulseAccumulation(dt=dt), 50)
    for name in ("inputs", "targets", "mask"):
        np.testing.assert_array_equal(np.repeat(getattr(coarse, name), round(20 / dt), axis=0), getattr(fine, name))
    for name, values in coarse.conditions.items():
        np.testing.assert_array_equal(values, fine.conditions[name])


def difference_pmf(p_high: float, p_low: float, n: int) -> np.ndarray:
    """Probabilities of each difference of two binomial counts, from -n to n; equal ones have been parted.

    Parting takes one from the side with the lower rate, if it has any, and gives one to the other, if it has room.
    """
    high, low = (stats.binom.pmf(np.arange(n + 1), n, p) for p in (p_high, p_low))
    pmf = np.zeros(2 * n + 1)
    for i in range(n + 1):
        for j in range(n + 1):
            difference = i - j if i != j else (i < n) + (i > 0)
            pmf[n + difference] += high[i] * low[j]
    return pmf


@pytest.mark.parametrize(("rate", "n"), [(26.0, 25), (31.0, 12), (39.0, 5), (22.0, 1), (40.0, 3), (26.0, 2)])
def test_differences_are_those_of_binomial_counts(rate, n):
    task = PulseAccumulation(rates=(rate,), stimulus=20.0 * n)
    trial = numpy_sample(task)
    ahead = np.sign(trial.conditions["difference"])
    difference = ahead * (trial.conditions["pulses_0"] - trial.conditions["pulses_1"])
    wanted = difference_pmf(rate * 0.02, (40 - rate) * 0.02, n) * BATCH
    got = np.bincount(difference.astype(int) + n, minlength=2 * n + 1)
    assert got[n] == 0
    rare = wanted < 5
    got, wanted = (np.append(values[~rare], values[rare].sum()) for values in (got, wanted))
    assert stats.chisquare(got[wanted > 1e-9], wanted[wanted > 1e-9]).pvalue > 1e-3


def test_rates_are_exact_and_the_same_in_all_bins():
    """By the bins, and on both sides; parting equal counts changes less than can be seen in this many trials."""
    task = PulseAccumulation(rates=(37.0,), stimulus=600.0)
    trial = numpy_sample(task)
    bins, ahead = heard(task, trial), trial.conditions["difference"] > 0
    for high, rate in ((True, 37.0), (False, 3.0)):
        pulses = np.where((ahead == high)[None], bins[:, :, 0], bins[:, :, 1])
        assert stats.binomtest(int(pulses.sum()), pulses.size, rate * 0.02).pvalue > 1e-3
        per_bin = pulses.sum(axis=1)
        assert stats.chisquare(per_bin).pvalue > 1e-3
        neighbours = np.corrcoef(pulses[:-1].ravel(), pulses[1:].ravel())[0, 1]
        assert abs(neighbours) < 4 / np.sqrt(pulses[1:].size)


def test_parting_equal_counts_prefers_no_bin():
    task = PulseAccumulation(rates=(21.0,), stimulus=100.0)  # equal in a fifth of the trials
    trial = numpy_sample(task)
    bins, ahead = heard(task, trial), trial.conditions["difference"] > 0
    for side in (ahead, ~ahead):
        pulses = np.where(side[None], bins[:, :, 0], bins[:, :, 1]).sum(axis=1)
        assert stats.chisquare(pulses).pvalue > 1e-3


def test_an_equal_count_moves_one_pulse_to_the_side_with_the_higher_rate():
    """If it has room, and if the other side has one."""
    task = PulseAccumulation(rates=(21.0,), stimulus=40.0)
    trial = numpy_sample(task)
    counts = np.stack([trial.conditions["pulses_0"], trial.conditions["pulses_1"]])
    high, low = np.where(trial.conditions["difference"] > 0, counts, counts[::-1])
    equal = stats.binom.pmf(np.arange(3), 2, 0.42) * stats.binom.pmf(np.arange(3), 2, 0.38)
    for got, mean in ((high, 2 * 0.42 + equal[:2].sum()), (low, 2 * 0.38 - equal[1:].sum())):
        assert abs(got.mean() - mean) < 4 * got.std() / np.sqrt(BATCH)


def test_grid_holds_each_pair_of_rates_with_either_side_ahead():
    grid = PulseAccumulation().condition_grid()
    assert grid["difference"].tolist() == [12.0, 22.0, 34.0, 38.0, -12.0, -22.0, -34.0, -38.0]
    trial = numpy_sample(PulseAccumulation())
    by_rate = [
        trial.conditions["choice"][trial.conditions["difference"] == difference].mean()
        for difference in (38.0, 12.0, -12.0, -38.0)
    ]
    assert by_rate == sorted(by_rate)
    assert by_rate[0] < 0.002 < by_rate[1] < 0.05 < 0.95 < by_rate[2] < 0.998 < by_rate[3]


def test_choice_is_read_from_the_decision_only():
    task = PulseAccumulation()
    trial = task.sample(KEY, 40)
    decision = np.asarray(trial.during("decision"))
    outputs = np.where(decision[:, :, None], [0.4, 0.5], [9.0, -9.0]).astype(np.float32)
    assert set(task.choice(jnp.asarray(outputs), trial).tolist()) == {1}
    outputs[:, :, 1] = outputs[:, :, 0]
    assert set(task.choice(jnp.asarray(outputs), trial).tolist()) == {NO_CHOICE}


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"rates": ()}, "the task is empty: rates contains no level"),
        ({"rates": (20.0,)}, r"rates must lie in \(20, 40\]; got 20"),
        ({"rates": (26.0, 41.0)}, r"rates must lie in \(20, 40\]; got 26, 41"),
        ({"rates": (float("nan"),)}, r"rates must lie in \(20, 40\]; got nan"),
        ({"total": float("inf")}, "rates must lie in"),
        ({"total": 60.0, "rates": (55.0,)}, "rates must leave at most one pulse per bin of 20 ms, 50 Hz; got 55"),
        ({"pulse": 0.0}, "pulse must last longer than 0 ms and be finite; got 0.0"),
        ({"pulse": 10.0}, "pulse must be a whole number of steps of dt 20 ms; got 10"),
        ({"pulse": 30.0}, "pulse must be a whole number of steps of dt 20 ms; got 30"),
        ({"dt": 15.0}, "pulse must be a whole number of steps of dt 15 ms; got 20"),
        ({"stimulus": 15.0}, "stimulus must last at least one pulse of 20 ms; got 15"),
        ({"stimulus": 0.0}, "stimulus must last longer than 0 ms and be finite; got 0.0"),
        ({"fixation": 9.0}, "fixation of 9 ms is shorter than half a step"),
        ({"decision": float("inf")}, "decision must last longer than 0 ms and be finite; got inf"),
    ],
)
def test_impossible_tasks_are_refused(options, text):
    with pytest.raises(ValueError, match=text):
        PulseAccumulation(**options)


def test_a_configuration_can_hold_the_task_and_keeps_it():
    config = parse_recipe("[task]\nname = 'PulseAccumulation'\nrates = [30, 35]\nstimulus = {min = 200, max = 400}")
    assert config.make_task() == PulseAccumulation(rates=(30.0, 35.0), stimulus=Uniform(min=200.0, max=400.0))
    assert parse_recipe(config.to_toml()) == config
