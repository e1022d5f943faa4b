"""One battery for all tasks: a new task gets a row in `CASES` and passes everything below, or says why not."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from eicon.tasks import TASKS, PerceptualDecision, Task, Trial

KEY, OTHER_KEY = 11, 12
BATCH = 2200


@dataclass(frozen=True)
class Case:
    """What the battery cannot ask the task itself.

    ``order``: epochs in time; ``response``: the epoch at whose onset targets change; ``stimuli``: epochs that
    catch trials lack; ``chance``: score of a network that says nothing; ``pads``: whether trials end early.
    """

    make: Callable[..., Task]
    order: tuple[str, ...]
    response: str
    stimuli: tuple[str, ...]
    chance: float
    pads: bool


CASES = {
    "PerceptualDecision, fixed": Case(
        PerceptualDecision, ("fixation", "stimulus", "decision"), "decision", ("stimulus",), 0.5, pads=False
    ),
    "PerceptualDecision, variable": Case(
        PerceptualDecision.variable, ("fixation", "stimulus", "decision"), "decision", ("stimulus",), 0.5, pads=True
    ),
}


def sample(task: Task, key: int = KEY, batch_size: int = BATCH) -> Trial:
    drawn = jax.jit(task.sample, static_argnums=1)(jax.random.key(key), batch_size)
    return jax.tree.map(np.asarray, drawn)


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture(scope="module")
def task(case: Case) -> Task:
    return case.make()


@pytest.fixture(scope="module")
def trial(task: Task) -> Trial:
    return sample(task)


@pytest.fixture(scope="module")
def device_trial(trial: Trial) -> Trial:
    return jax.tree.map(jnp.asarray, trial)


@pytest.fixture(scope="module")
def row(task: Task, trial: Trial) -> np.ndarray:
    """Index in the condition grid of each trial, found by its values."""
    grid = task.condition_grid()
    same = np.stack([trial.conditions[name][:, None] == values[None] for name, values in grid.items()]).all(axis=0)
    assert (same.sum(axis=1) == 1).all()
    return same.argmax(axis=1)


def same_bits(first: Trial, second: Trial) -> bool:
    leaves = zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
    return all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in leaves)


def test_every_task_that_a_configuration_can_name_is_here():
    assert {type(case.make()) for case in CASES.values()} == set(TASKS.values())


def test_shapes(task, trial):
    assert trial.inputs.shape == (trial.n_steps, BATCH, task.n_in)
    assert trial.targets.shape == (trial.n_steps, BATCH, task.n_out)
    assert trial.mask.shape == (trial.n_steps, BATCH)
    assert trial.batch_size == BATCH
    assert {trial.inputs.dtype, trial.targets.dtype, trial.mask.dtype} == {np.dtype(np.float32)}
    assert all(values.shape == (BATCH,) for values in trial.conditions.values())
    assert all(span.shape == (BATCH, 2) for span in trial.epochs.values())
    assert (task.n_in, task.n_out) == (len(task.input_channels), len(task.output_channels))


def test_ideal_observer_is_always_right_and_its_opposite_never(task, trial, device_trial):
    asked = ~trial.conditions["catch"]
    score = np.asarray(task.correct(device_trial.targets, device_trial))
    np.testing.assert_array_equal(score[asked], 1.0)
    assert np.isnan(score[~asked]).all()
    assert task.accuracy(device_trial.targets, device_trial) == 1.0
    assert task.accuracy(-device_trial.targets, device_trial) == 0.0


@pytest.mark.parametrize("level", [0.0, 0.2])
def test_silent_network_scores_chance(case, task, device_trial, level):
    outputs = jnp.full(device_trial.targets.shape, level)
    assert float(task.accuracy(outputs, device_trial)) == pytest.approx(case.chance, abs=1e-7)


def test_random_outputs_score_chance_within_sampling_error(case, task, device_trial):
    outputs = jax.random.normal(jax.random.key(0), device_trial.targets.shape)
    asked = int((~device_trial.conditions["catch"]).sum())
    right = round(float(task.accuracy(outputs, device_trial)) * asked)
    assert stats.binomtest(right, asked, case.chance).pvalue > 1e-3


def test_accuracy_is_nan_where_no_choice_was_asked_for(task):
    conditions = {name: jnp.asarray(values[:1]) for name, values in task.condition_grid().items()}
    only_catch = jax.jit(task.build)(jax.random.key(0), {**conditions, "catch": jnp.ones(1, bool)})
    assert jnp.isnan(task.accuracy(only_catch.targets, only_catch))


def test_epochs_are_contiguous_ordered_and_inside_the_trial(case, trial):
    assert set(trial.epochs) == set(case.order)
    spans = np.stack([trial.epochs[name] for name in case.order])
    np.testing.assert_array_equal(spans[0, :, 0], 0)
    np.testing.assert_array_equal(spans[1:, :, 0], spans[:-1, :, 1])
    assert (spans[:, :, 1] > spans[:, :, 0]).all()
    assert spans.max() <= trial.n_steps
    assert spans[-1, :, 1].max() > 0.8 * trial.n_steps


def test_mask_is_zero_on_padding_and_nowhere_else_without_need(case, trial):
    assert set(np.unique(trial.mask)) <= {0.0, 1.0}
    end = trial.epochs[case.order[-1]][:, 1]
    padded = 0
    for b in range(BATCH):
        assert not trial.mask[end[b] :, b].any()
        start, stop = trial.epochs[case.response][b]
        assert trial.mask[start:stop, b].all()
        padded += trial.n_steps - end[b]
    assert (padded > 0) == case.pads


def test_targets_change_at_the_onset_of_the_response_in_every_trial(case, trial):
    onset, stop = trial.epochs[case.response].T
    for b in np.flatnonzero(~trial.conditions["catch"]):
        differs = (trial.targets[:, b] != trial.targets[0, b]).any(axis=1)
        assert np.flatnonzero(differs)[0] == onset[b]
        assert np.flatnonzero(differs)[-1] == stop[b] - 1


def test_inputs_change_at_the_onset_of_the_stimulus_in_every_trial(case, trial):
    onset = trial.epochs[case.stimuli[0]][:, 0]
    for b in np.flatnonzero(~trial.conditions["catch"]):
        differs = (trial.inputs[:, b] != trial.inputs[0, b]).any(axis=1)
        assert np.flatnonzero(differs)[0] == onset[b]


def test_catch_trials_have_no_stimulus_low_targets_and_are_scored_throughout(case, trial):
    catch = trial.conditions["catch"]
    end = trial.epochs[case.order[-1]][:, 1]
    assert catch.any()
    for b in np.flatnonzero(catch):
        assert (trial.inputs[:, b] == trial.inputs[0, b]).all()
        assert (trial.targets[:, b] == trial.targets.min()).all()
        assert trial.mask[: end[b], b].all()


def test_catch_trials_are_as_frequent_as_one_more_condition(task, trial):
    wanted = 1 / (task.n_conditions + 1)
    assert stats.binomtest(int(trial.conditions["catch"].sum()), BATCH, wanted).pvalue > 1e-3


def test_without_catch_there_are_none(case):
    assert not sample(case.make(catch=False)).conditions["catch"].any()


def test_conditions_are_uniform_and_independent_of_catch(task, trial, row):
    counts = np.bincount(row, minlength=task.n_conditions)
    assert stats.chisquare(counts).pvalue > 1e-3
    table = np.stack([np.bincount(row[trial.conditions["catch"] == c], minlength=task.n_conditions) for c in (0, 1)])
    assert stats.chi2_contingency(table).pvalue > 1e-3
    duration, catch = trial.conditions["duration"], trial.conditions["catch"]
    assert stats.ks_2samp(duration[catch], duration[~catch]).pvalue > 1e-3


def test_neighbours_in_a_batch_are_independent(task, trial, row):
    pairs = np.zeros((task.n_conditions, task.n_conditions))
    np.add.at(pairs, (row[:-1], row[1:]), 1)
    assert stats.chi2_contingency(pairs).pvalue > 1e-3
    duration = trial.conditions["duration"]
    if duration.std() > 0:
        assert abs(np.corrcoef(duration[:-1], duration[1:])[0, 1]) < 4 / np.sqrt(BATCH)
        assert abs(np.corrcoef(duration, row)[0, 1]) < 4 / np.sqrt(BATCH)


def test_a_trial_does_not_depend_on_the_conditions_of_the_others(task):
    def build(rows: list[int], catch: list[bool]) -> Trial:
        grid = task.condition_grid()
        conditions = {name: jnp.asarray(values[np.array(rows)]) for name, values in grid.items()}
        return compiled(jax.random.key(KEY), {**conditions, "catch": jnp.asarray(catch)})

    compiled = jax.jit(task.build)
    first, second = build([0, 1, 2], [False] * 3), build([3, 1, 4], [True, False, True])
    for name in ("inputs", "targets", "mask"):
        a, b = np.asarray(getattr(first, name)), np.asarray(getattr(second, name))
        np.testing.assert_array_equal(a[:, 1], b[:, 1])
        assert (a[:, 0] != b[:, 0]).any()


def test_same_key_same_bits_and_another_key_other_trials(task, trial):
    assert same_bits(trial, sample(task))
    other = sample(task, OTHER_KEY)
    for name in task.condition_grid():
        assert (other.conditions[name] != trial.conditions[name]).any()
    assert (other.conditions["catch"] != trial.conditions["catch"]).any()


def test_compiled_equals_eager(task):
    eager = task.sample(jax.random.key(KEY), 50)
    compiled = sample(task, batch_size=50)
    for first, second in zip(jax.tree.leaves(eager), jax.tree.leaves(compiled), strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-6)


def test_validation_trials_are_balanced_and_without_catch(task):
    trial = jax.jit(lambda key: task.trials(3, key=key))(jax.random.key(KEY))
    grid = task.condition_grid()
    wanted = sorted(zip(*(values.tolist() for values in grid.values()), strict=True)) * 3
    got = list(zip(*(np.asarray(trial.conditions[name]).tolist() for name in grid), strict=True))
    assert sorted(got) == sorted(wanted)
    assert trial.batch_size == 3 * task.n_conditions
    assert not trial.conditions["catch"].any()


def test_trials_do_not_depend_on_dt(case):
    """Same key at dt 20 and 5 ms: the same trials, to within the rounding of durations to steps."""
    coarse, fine = (sample(case.make(dt=dt), batch_size=100) for dt in (20.0, 5.0))
    for name in (*case.make().condition_grid(), "catch"):
        np.testing.assert_array_equal(coarse.conditions[name], fine.conditions[name])
    assert np.abs(coarse.conditions["duration"] - fine.conditions["duration"]).max() <= (20 + 5) / 2
    for name in case.order:
        spans = [trial.epochs[name] * dt for trial, dt in ((coarse, 20.0), (fine, 5.0))]
        assert np.abs((spans[0] - spans[1]) @ [-1, 1]).max() <= (20 + 5) / 2
        for b in range(100):
            ours = [getattr(t, part)[slice(*t.epochs[name][b]), b] for t in (coarse, fine) for part in ("inputs",)]
            values = np.unique(np.concatenate(ours), axis=0)
            assert len(values) == 1, "inputs within an epoch are constant, and the same at either dt"


@pytest.mark.parametrize("repeats", [0, -3])
def test_too_few_repeats_are_refused(task, repeats):
    with pytest.raises(ValueError, match=f"repeats must be at least 1; got {repeats}"):
        task.trials(repeats, key=jax.random.key(0))


@pytest.mark.parametrize("dt", [0.0, -5.0, float("nan")])
def test_dt_must_be_positive(case, dt):
    with pytest.raises(ValueError, match=r"dt must be > 0 \(ms\); got"):
        case.make(dt=dt)
