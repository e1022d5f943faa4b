"""Tasks of `brainpy_datasets`: whole trials, fixed by a key, on and off the device."""

import itertools

import brainpy_datasets as bd
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eicon.tasks import from_brainpy_datasets

KEY = jax.random.key(5)
DELAYS = (15, 149)  # whole steps of 20 ms in [300, 3000) ms


@pytest.fixture(scope="module")
def fixed():
    return from_brainpy_datasets(bd.cognitive.RatePerceptualDecisionMaking(dt=20.0))


@pytest.fixture(scope="module")
def variable():
    return from_brainpy_datasets(bd.cognitive.RateSingleContextDecisionMaking(dt=20.0))


def bits(trial):
    return [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(trial)]


def test_shapes(fixed):
    trial = fixed.sample(KEY, 6)
    assert (fixed.n_in, fixed.n_out, fixed.dt, fixed.loss) == (3, 3, 20.0, "cross_entropy")
    assert trial.inputs.shape == (110, 6, 3)  # 100 + 2000 + 0 + 100 ms
    assert trial.targets.shape == trial.mask.shape == (110, 6)
    assert trial.targets.dtype == jnp.int32
    assert bool((trial.mask == 1).all())
    assert trial.epochs["trial"].tolist() == [[0, 110]] * 6


def test_labels_follow_the_datasets_own_rule():
    """Choice k is right where input k+1 is stronger; only the last five steps ask for it."""
    task = from_brainpy_datasets(bd.cognitive.RatePerceptualDecisionMaking(dt=20.0, noise_sigma=0.0))
    trial = jax.tree.map(np.asarray, task.sample(KEY, 80))
    assert not trial.targets[:-5].any()
    evidence = trial.inputs[10, :, 1] - trial.inputs[10, :, 2]
    levels = np.unique(np.round(np.abs(evidence) * 100, 2)).tolist()
    assert levels == pytest.approx([0.0, 6.4, 12.8, 25.6, 51.2], abs=0.01)
    for b in range(80):
        label = trial.conditions["label"][b]
        assert trial.targets[-5:, b].tolist() == [label] * 5
        assert label in (1, 2)
        assert evidence[b] == 0 or label == (1 if evidence[b] > 0 else 2)
    assert len(set(trial.conditions["label"].tolist())) == 2


@pytest.mark.parametrize("name", ["fixed", "variable"])
def test_same_key_same_bits_compiled_or_not(name, request):
    task = request.getfixturevalue(name)
    compiled = jax.jit(task.sample, static_argnums=1)
    first = bits(task.sample(KEY, 8))
    task.dataset.sample_a_trial(0)  # draws from the dataset's generators in between
    assert bits(task.sample(KEY, 8)) == first
    assert bits(compiled(KEY, 8)) == first
    assert bits(compiled(jax.random.key(6), 8)) != first


def test_two_data_sets_with_other_seeds_give_the_same_trials():
    make = bd.cognitive.RatePerceptualDecisionMaking
    first, second = (from_brainpy_datasets(make(dt=20.0, seed=seed)) for seed in (1, 2))
    assert bits(first.sample(KEY, 4)) == bits(second.sample(KEY, 4))


def test_global_generator_is_left_alone(fixed):
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].tobytes()  # noqa: NPY002
    fixed.sample(KEY, 4).inputs.block_until_ready()
    assert np.random.get_state()[1].tobytes() == before  # noqa: NPY002


def test_trials_of_a_batch_differ(fixed):
    inputs = np.asarray(fixed.sample(KEY, 6).inputs)
    assert all((inputs[:, a] != inputs[:, b]).any() for a, b in itertools.combinations(range(6), 2))


def test_trials_are_whole_and_masked_where_they_end(variable):
    trial = jax.tree.map(np.asarray, variable.sample(KEY, 60))
    assert trial.n_steps == 15 + 37 + 150 + 5  # 300, 750, at most 3000, 100 ms
    ends = trial.epochs["trial"][:, 1]
    for b, end in enumerate(ends):
        assert trial.mask[:, b].tolist() == [1.0] * end + [0.0] * (trial.n_steps - end)
        assert not trial.inputs[end:, b].any()
        assert not trial.targets[end:, b].any()
        label = trial.conditions["label"][b]
        assert label > 0
        assert np.flatnonzero(trial.targets[:, b]).tolist() == list(range(end - 5, end))
        assert (trial.targets[end - 5 : end, b] == label).all()
        assert trial.inputs[: end - 5, b, 0].tolist() == [1.0] * (end - 5)  # fixation until the decision
        assert DELAYS[0] <= end - 15 - 37 - 5 <= DELAYS[1]
    assert len(set(ends.tolist())) > 10


def test_private_generators_of_durations_are_seeded_too(variable):
    ends = [np.asarray(variable.sample(jax.random.key(k), 20).epochs["trial"][:, 1]).tolist() for k in (1, 2, 1)]
    assert ends[0] == ends[2]
    assert ends[0] != ends[1]


def test_delays_have_the_distribution_of_the_dataset(variable):
    """Mean of an exponential of 600 ms above 300 ms is 900 ms; the cut at 3000 ms takes 30 ms off."""
    ends = np.asarray(variable.sample(KEY, 600).epochs["trial"][:, 1])
    delay = (ends - 57 + 0.5) * 20.0
    assert abs(delay.mean() - 870) < 4 * delay.std() / np.sqrt(600)


def test_fixed_durations_of_another_task():
    task = from_brainpy_datasets(bd.cognitive.RateDelayComparison(dt=20.0))
    trial = task.sample(KEY, 5)
    assert trial.n_steps == 25 + 25 + 50 + 25 + 5
    assert not trial.targets[:-5].any()
    assert bool((trial.targets[-5:] > 0).all())


def test_inside_a_scan(variable):
    keys = jax.random.split(KEY, 3)

    @jax.jit
    def scanned(keys):
        return jax.lax.scan(lambda carry, key: (carry, variable.sample(key, 4)), 0, keys)[1]

    together = scanned(keys)
    for i in range(3):
        assert bits(jax.tree.map(lambda leaf, i=i: leaf[i], together)) == bits(variable.sample(keys[i], 4))


def test_ideal_observer_and_its_opposite(variable):
    trial = variable.sample(KEY, 50)
    outputs = jax.nn.one_hot(trial.targets, variable.n_out)
    assert variable.accuracy(outputs, trial) == 1.0
    assert variable.accuracy(-outputs, trial) < 1.0


def test_choice_is_made_at_the_last_step_of_each_trial(variable):
    trial = variable.sample(KEY, 50)
    outputs = np.random.default_rng(0).normal(size=(trial.n_steps, 50, 3)).astype(np.float32)
    ends = np.asarray(trial.epochs["trial"][:, 1])
    wanted = [outputs[end - 1, b].argmax() for b, end in enumerate(ends)]
    assert variable.choice(jnp.asarray(outputs), trial).tolist() == wanted
    right = np.asarray(wanted) == np.asarray(trial.conditions["label"])
    np.testing.assert_array_equal(variable.correct(jnp.asarray(outputs), trial), right)


def test_silent_network_scores_chance():
    """Class 0 is an answer here, and silence must not be taken for it."""
    task = from_brainpy_datasets(bd.cognitive.RateGoNoGo(dt=20.0))
    trial = task.sample(KEY, 30)
    assert set(trial.conditions["label"].tolist()) == {0, 1}
    assert float(task.accuracy(jnp.zeros((trial.n_steps, 30, 2)), trial)) == 0.5


def test_validation_trials(fixed):
    assert fixed.trials(1, key=KEY).batch_size == 100
    assert fixed.trials(40, key=KEY).batch_size == 120
    assert bits(fixed.trials(1, key=KEY)) == bits(fixed.sample(KEY, 100))


def test_no_dataset():
    text = "expected a cognitive task of brainpy_datasets.*got dict, which has no sample_a_trial, num_inputs"
    with pytest.raises(TypeError, match=text):
        from_brainpy_datasets({"dt": 20.0})


def test_targets_that_are_no_labels():
    with pytest.raises(TypeError, match=r"only class labels per step are supported; the targets have shape \(125, 3\)"):
        from_brainpy_datasets(bd.cognitive.CircleFeatDMS(dt=20.0))


def test_dataset_that_contradicts_itself():
    with pytest.raises(ValueError, match="RateReaching1D declares 3 inputs, but the inputs of a trial of 50 steps"):
        from_brainpy_datasets(bd.cognitive.RateReaching1D(dt=20.0))


def test_unbounded_durations_need_a_longest_trial():
    dataset = bd.cognitive.RateIntervalDiscrimination(dt=20.0)
    with pytest.raises(ValueError, match=r"the longest trial is unknown \(t_stim1, t_delay1, t_stim2\); give max_dur"):
        from_brainpy_datasets(dataset)
    task = from_brainpy_datasets(dataset, max_duration=6000.0)
    trial = task.sample(KEY, 30)
    assert trial.n_steps == 300
    assert len(set(trial.epochs["trial"][:, 1].tolist())) > 5
    assert bits(trial) == bits(task.sample(KEY, 30))


def test_trials_that_are_longer_than_their_durations_say_are_not_cut():
    dataset = bd.cognitive.RatePulseDecisionMaking(dt=20.0)
    with pytest.raises(ValueError, match="a trial of RatePulseDecisionMaking has 122 steps.*give the longest trial"):
        from_brainpy_datasets(dataset)
    assert from_brainpy_datasets(dataset, max_duration=2440.0).sample(KEY, 2).mask.all()


def test_a_trial_that_is_too_long_for_max_duration_is_not_cut():
    """Found at the latest when it is drawn (JAX wraps the error of a host callback in its own)."""
    dataset = bd.cognitive.RateSingleContextDecisionMaking(dt=20.0, t_delay=lambda: next(delays))
    delays = itertools.chain([300.0], itertools.repeat(900.0))
    task = from_brainpy_datasets(dataset, max_duration=1500.0)
    with pytest.raises(Exception, match="a trial has 102 steps, more than n_steps 75; give max_duration"):
        task.sample(KEY, 2).inputs.block_until_ready()
