"""The numbers of Song, Yang & Wang (2016) and the decision rule, against trials written out in numpy loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eicon.tasks import NO_CHOICE, PerceptualDecision, Trial, TruncatedExponential
from eicon.tasks._base import forced_choice, score_choice
from eicon.tasks._table import make

BATCH = 60


@pytest.fixture(scope="module", params=[{}, {"stimulus": TruncatedExponential(330.0, 80.0, 1500.0)}])
def task(request):
    return PerceptualDecision(**request.param)


@pytest.fixture(scope="module")
def trial(task):
    return jax.tree.map(np.asarray, jax.jit(task.sample, static_argnums=1)(jax.random.key(3), BATCH))


def on_device(trial: Trial) -> Trial:
    return jax.tree.map(jnp.asarray, trial)


def approx_levels(*levels: float) -> object:
    """Signed levels in single precision, ascending."""
    return pytest.approx([-level for level in reversed(levels)] + list(levels), rel=1e-6)


def validation(task: PerceptualDecision) -> Trial:
    return jax.jit(lambda key: task.trials(1, key=key))(jax.random.key(0))


def test_published_settings():
    task = PerceptualDecision()
    trial = validation(task)
    assert task.dt == 20.0
    assert sorted(task.condition_grid()["coherence"].tolist()) == approx_levels(3.2, 6.4, 12.8, 25.6, 51.2)
    assert task.catch_probability == pytest.approx(1 / 11)
    steps = {name: {int(stop - start) for start, stop in span} for name, span in trial.epochs.items()}
    assert steps == {"fixation": {5}, "stimulus": {40}, "decision": {15}}  # 100, 800, 300 ms
    assert PerceptualDecision.variable().stimulus == TruncatedExponential(mean=330.0, min=80.0, max=1500.0)
    assert PerceptualDecision(catch=False).catch_probability == 0.0


def test_trials_are_those_written_out_by_hand(task, trial):
    lengths = (trial.epochs["stimulus"][:, 1] - trial.epochs["stimulus"][:, 0]).tolist()
    n_steps = 5 + (75 if isinstance(task.stimulus, TruncatedExponential) else 40) + 15
    inputs = np.full((n_steps, BATCH, 2), 0.2)
    targets = np.full((n_steps, BATCH, 2), 0.2)
    mask = np.zeros((n_steps, BATCH))
    for b in range(BATCH):
        coherence, catch = float(trial.conditions["coherence"][b]), bool(trial.conditions["catch"][b])
        choice = 0 if coherence > 0 else 1
        assert trial.conditions["choice"][b] == choice
        for t in range(5 + lengths[b] + 15):
            if t < 5:
                mask[t, b] = 1
            elif t < 5 + lengths[b]:
                mask[t, b] = catch
                if not catch:
                    inputs[t, b] += [(1 + coherence / 100) / 2, (1 - coherence / 100) / 2]
            else:
                mask[t, b] = 1
                if not catch:
                    targets[t, b, choice] = 1.0
    np.testing.assert_allclose(trial.inputs, inputs, rtol=1e-6)
    np.testing.assert_allclose(trial.targets, targets, rtol=1e-6)
    np.testing.assert_array_equal(trial.mask, mask)
    np.testing.assert_array_equal(trial.conditions["duration"], np.array(lengths) * 20.0)


def test_strongest_evidence_is_what_the_reference_says():
    trial = validation(PerceptualDecision(coherence=(51.2,), catch=False))
    assert trial.inputs[20, 0].tolist() == pytest.approx([0.2 + 0.756, 0.2 + 0.244])
    assert trial.inputs[20, 1].tolist() == pytest.approx([0.2 + 0.244, 0.2 + 0.756])


def test_levels_of_inputs_and_targets_follow_the_options():
    task = PerceptualDecision(coherence=(51.2,), catch=False, baseline=0.0, low=-1.0, high=2.0)
    trial = validation(task)
    assert trial.inputs[0, 0].tolist() == [0.0, 0.0]
    assert trial.targets[0, 0].tolist() == [-1.0, -1.0]
    assert trial.targets[-1, 0].tolist() == [2.0, -1.0]


def test_choice_is_the_higher_mean_in_the_decision_epoch(task, trial):
    outputs = np.random.default_rng(0).normal(size=trial.targets.shape).astype(np.float32)
    right = []
    for b in range(BATCH):
        start, stop = trial.epochs["decision"][b]
        mean = outputs[start:stop, b].mean(axis=0)
        right.append(np.nan if trial.conditions["catch"][b] else mean.argmax() == trial.conditions["choice"][b])
    np.testing.assert_array_equal(np.asarray(task.correct(jnp.asarray(outputs), on_device(trial))), right)
    assert float(task.accuracy(jnp.asarray(outputs), on_device(trial))) == pytest.approx(np.nanmean(right))


def test_what_happens_outside_of_the_decision_epoch_does_not_matter(task, trial):
    outputs = trial.targets.copy()
    for b in range(BATCH):
        start, stop = trial.epochs["decision"][b]
        outputs[:start, b] = outputs[stop:, b] = [1e3, -1e3]
    assert task.accuracy(jnp.asarray(outputs), on_device(trial)) == 1.0


def test_ties_are_no_choice():
    """Known mistake 31."""
    evidence = jnp.array([[0.5, 0.5], [0.1, 0.2], [0.2, 0.1], [0.0, 0.0]])
    assert forced_choice(evidence).tolist() == [NO_CHOICE, 1, 0, NO_CHOICE]
    assert forced_choice(jnp.array([[3.0, 1.0, 3.0], [1.0, 3.0, 1.0]])).tolist() == [NO_CHOICE, 1]


def test_no_choice_scores_chance():
    choice = jnp.array([0, 0, 1, NO_CHOICE, NO_CHOICE])
    right = jnp.array([0, 1, 1, 0, 1])
    assert score_choice(choice, right, 4).tolist() == [1.0, 0.0, 1.0, 0.25, 0.25]


def test_make_builds_by_name():
    assert make("PerceptualDecision", dt=10.0, coherence=(40.0,)) == PerceptualDecision(dt=10.0, coherence=(40.0,))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"coherence": ()}, "the task is empty: coherence contains no level"),
        ({"coherence": (4.0, float("nan"))}, r"coherence must lie in \(0, 100\]; got 4, nan"),
        ({"coherence": (0.0,)}, r"coherence must lie in \(0, 100\]; got 0"),
        ({"coherence": (-4.0,)}, "got -4"),
        ({"coherence": (101.0,)}, "got 101"),
        ({"coherence": (float("inf"),)}, "got inf"),
        ({"fixation": 9.0}, "fixation of 9 ms is shorter than half a step of dt 20 ms"),
        ({"decision": 0.0}, "decision must last longer than 0 ms and be finite; got 0"),
        ({"decision": float("inf")}, "decision must last longer than 0 ms and be finite; got inf"),
        ({"stimulus": -800.0}, "stimulus must last longer than 0 ms and be finite; got -800"),
        ({"stimulus": TruncatedExponential(1.0, 1.0, 8.0)}, "stimulus of 8 ms is shorter than half a step"),
    ],
)
def test_impossible_tasks_are_refused(options, text):
    with pytest.raises(ValueError, match=text):
        PerceptualDecision(**options)


def test_the_largest_coherence_there_can_be_is_allowed():
    trial = validation(PerceptualDecision(coherence=(100.0,), catch=False))
    assert trial.inputs[20, 0].tolist() == pytest.approx([1.2, 0.2])


def test_unknown_task():
    with pytest.raises(ValueError, match="unknown task 'Perceptual'; allowed: PerceptualDecision"):
        make("Perceptual")
