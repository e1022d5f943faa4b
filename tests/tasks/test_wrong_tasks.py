"""Each mistake in a task of one's own gets one line, which names the array, what it is and what is right."""

import re
from dataclasses import dataclass, field, replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eicon.tasks import Behaviour, DelayedMatchToSample, FlipFlop, NBack, PerceptualDecision, Task, Trial, Uniform
from eicon.tasks._check import check_behaviour, check_scores, check_task, check_trials

N_STEPS, N_TRIALS = 6, 8
"""Steps of the trials below, and how many there are with two of each condition."""


@dataclass(frozen=True)
class Right(Task):
    """A task in which nothing is wrong: the larger of two inputs, of four differences."""

    input_channels = ("first", "second")
    output_channels = ("choice 0", "choice 1")

    def condition_grid(self):
        difference = np.array([1.0, 0.5, -0.5, -1.0], np.float32)
        return {"difference": difference, "choice": (difference < 0).astype(np.int32)}

    def build(self, key, conditions):
        difference, n = conditions["difference"], len(conditions["catch"])
        right = conditions["choice"][:, None] == jnp.arange(2)[None]
        return Trial(
            inputs=jnp.broadcast_to(jnp.stack([difference, -difference], axis=1), (N_STEPS, n, 2)),
            targets=jnp.broadcast_to(right.astype(float), (N_STEPS, n, 2)),
            mask=jnp.ones((N_STEPS, n)).at[:3].set(0),
            conditions=conditions,
            epochs={"stimulus": jnp.tile(jnp.array([0, 3]), (n, 1)), "answer": jnp.tile(jnp.array([3, 6]), (n, 1))},
        )

    def correct(self, outputs, trial):
        return (jnp.argmax(outputs[-1], axis=1) == trial.conditions["choice"]).astype(float)


def returning(**wrong):
    """Class of a task whose trials are those of `Right` but for these fields, each given as a function of them."""

    class Wrong(Right):
        def build(self, key, conditions):
            trial = super().build(key, conditions)
            return trial._replace(**{name: change(getattr(trial, name)) for name, change in wrong.items()})

    return Wrong


def built(make_trial):
    """Class of a task whose `build` returns this, of a right trial."""

    class Wrong(Right):
        def build(self, key, conditions):
            return make_trial(super().build(key, conditions))

    return Wrong


def with_grid(grid):
    class Wrong(Right):
        def condition_grid(self):
            return grid

    return Wrong


def with_class(**members):
    return type("Wrong", (Right,), members)


@dataclass(frozen=True)
class Labels(Right):
    loss = "cross_entropy"

    def build(self, key, conditions):
        trial = super().build(key, conditions)
        return trial._replace(targets=jnp.argmax(trial.targets, axis=-1))


class LabelsFrom1(Labels):
    def build(self, key, conditions):
        trial = super().build(key, conditions)
        return trial._replace(targets=trial.targets + 1)


class FloatLabels(Labels):
    def build(self, key, conditions):
        trial = super().build(key, conditions)
        return trial._replace(targets=trial.targets.astype(float))


class OneHot(Labels):
    def build(self, key, conditions):
        return Right.build(self, key, conditions)


def epoch(change):
    return returning(epochs=lambda epochs: {**epochs, "answer": change(epochs["answer"])})


def condition(change):
    return returning(conditions=lambda conditions: {**conditions, "choice": change(conditions["choice"])})


WRONG = {
    # What build returns.
    "no return": (built(lambda trial: None), "Wrong.build returned None (is a return missing?); it must return Trial("),
    "a tuple": (built(tuple), "Wrong.build returned a tuple of 5; it must return Trial(inputs, targets, mask,"),
    "a list as an array": (
        returning(inputs=lambda x: np.asarray(x).tolist()),
        "Wrong.build: inputs is a list of 6, but must be an array; use jnp.asarray.",
    ),
    # Inputs.
    "inputs of one trial": (
        returning(inputs=lambda x: x[:, 0]),
        "inputs has shape (6, 2); it must be (T, 8, 2) = (T, B, n_in).",
    ),
    "inputs, trials first": (
        returning(inputs=lambda x: jnp.swapaxes(x, 0, 1)),
        "inputs has shape (8, 6, 2); it must be (T, 8, 2) = (T, B, n_in); time comes first: jnp.swapaxes(inputs, 0, 1)",
    ),
    "one input channel of two": (
        returning(inputs=lambda x: x[:, :, :1]),
        "inputs has shape (6, 8, 1); it must be (T, 8, 2) = (T, B, n_in), as input_channels has 2 names.",
    ),
    "NaN in inputs": (
        returning(inputs=lambda x: x.at[4, 1, 1].set(jnp.nan)),
        "inputs is nan at step 4 of trial 1, channel 1; inputs must be finite at all steps",
    ),
    "NaN in inputs after the end": (
        returning(inputs=lambda x: x.at[5].set(jnp.inf), epochs=lambda e: {"all": e["stimulus"]}),
        "inputs is inf at step 5 of trial 0, channel 0; inputs must be finite at all steps, even after the end of a t",
    ),
    "complex inputs": (
        returning(inputs=lambda x: x + 1j),
        "inputs is of type complex64; it must be real numbers.",
    ),
    "trials need at least one step": (built(lambda t: jax.tree.map(lambda x: x[:0], t)), "inputs has shape (0, 8, 2)"),
    # Targets.
    "one target channel of two": (
        returning(targets=lambda x: x[:, :, :1]),
        "targets has shape (6, 8, 1); it must be (6, 8, 2) = (T, B, n_out); as output_channels has 2 names.",
    ),
    "targets without channels": (
        returning(targets=lambda x: x[:, :, 0]),
        "targets has shape (6, 8); it must be (6, 8, 2) = (T, B, n_out); one value per output: targets[..., None].",
    ),
    "targets, trials first": (
        returning(targets=lambda x: jnp.swapaxes(x, 0, 1)),
        "targets has shape (8, 6, 2); it must be (6, 8, 2) = (T, B, n_out); time comes first",
    ),
    "targets with a step too few": (returning(targets=lambda x: x[1:]), "targets has shape (5, 8, 2)"),
    "NaN in targets that are scored": (
        returning(targets=lambda x: x.at[3, 7].set(jnp.nan)),
        "targets is NaN or infinite at step 3 of trial 7, where the mask is not 0",
    ),
    "labels from 1": (
        LabelsFrom1,
        "targets contains the label 2 where the mask is not 0; labels are in 0..1, one for each of the 2 outputs; "
        "subtract 1 from labels that count from 1.",
    ),
    "labels as floats": (FloatLabels, "must be integers of shape (6, 8) = (T, B), in 0..1; the loss is cross_entropy"),
    "one-hot labels": (OneHot, "the loss is cross_entropy, which takes labels: jnp.argmax(targets, axis=-1)."),
    # Mask.
    "a mask of trials": (
        returning(mask=lambda x: x[0]),
        "mask has shape (8,); it must be (6, 8) = (T, B), one weight per step and trial, 1 where outputs are scored",
    ),
    "a mask, trials first": (
        returning(mask=lambda x: x.T),
        "mask has shape (8, 6); it must be (6, 8) = (T, B), time comes first: mask.T.",
    ),
    "a mask with an axis too many": (
        returning(mask=lambda x: x[..., None]),
        "mask has shape (6, 8, 1); it must be (6, 8) = (T, B), without the last axis: mask[..., 0].",
    ),
    "an empty mask": (
        returning(mask=jnp.zeros_like),
        "mask is 0 everywhere; no output would be scored, and the loss would be 0; it must be 1 where outputs are",
    ),
    "NaN in a mask": (returning(mask=lambda x: x.at[0].set(jnp.nan)), "mask contains NaN or infinity; it is 1 where"),
    "a negative mask": (returning(mask=lambda x: x - 1), "mask contains -1; weights of steps must be >= 0."),
    # Conditions.
    "a condition per step": (
        condition(lambda x: jnp.tile(x, (6, 1))),
        "conditions['choice'] has shape (6, 8); it must be (8,) = (B,), one value per trial.",
    ),
    "one condition for all": (condition(lambda x: x[0]), "conditions['choice'] has shape (); it must be (8,) = (B,)"),
    "conditions that are dropped": (
        returning(conditions=lambda x: {"difference": x["difference"]}),
        "conditions lacks 'choice' of condition_grid; pass on the conditions given to build: conditions={**conditions,",
    ),
    "conditions that are an array": (
        returning(conditions=lambda x: x["choice"]),
        "Wrong.build: conditions is an object of type ArrayImpl, but must be a dict of arrays.",
    ),
    # Epochs.
    "epochs in ms": (
        epoch(lambda span: span * 20),
        "epochs['answer'] is [60, 120] in trial 0; 0 <= first <= last <= 6 is needed, the number of steps; in ms? "
        "Epochs are steps: divide by dt, 20 ms.",
    ),
    "epochs as floats": (
        epoch(lambda span: span * 20.0),
        "epochs['answer'] is of type float32; epochs are whole steps, not ms: jnp.round(ms / self.dt).astype(int).",
    ),
    "one epoch for all": (
        epoch(lambda span: span[0]),
        "epochs['answer'] has shape (2,); it must be (8, 2) = (B, 2): the first step and the step after the last one",
    ),
    "transposed epochs": (epoch(jnp.transpose), "epochs['answer'] has shape (2, 8); it must be (8, 2) = (B, 2): the"),
    "an epoch that ends before it begins": (
        epoch(lambda span: span[:, ::-1]),
        "epochs['answer'] is [6, 3] in trial 0; 0 <= first <= last <= 6 is needed, the number of steps.",
    ),
    "an epoch before the trial": (epoch(lambda span: span - 4), "epochs['answer'] is [-1, 2] in trial 0; 0 <= first"),
    "epochs that are a list": (returning(epochs=lambda x: list(x.values())), "epochs is a list of 2, but must be a"),
    # condition_grid.
    "unequal columns": (
        with_grid({"difference": np.ones(4), "choice": np.zeros(2, int)}),
        "Wrong.condition_grid has columns of unequal length: 'difference' 4, 'choice' 2; entry i of every column",
    ),
    "no conditions": (with_grid({}), "Wrong.condition_grid is empty; a task without conditions has one"),
    "columns without entries": (with_grid({"choice": np.zeros(0)}), "has columns of length 0; at least one condition"),
    "a grid that is a list": (with_grid([1, 2]), "returned a list of 2; it must be a dict: name -> array"),
    "a grid without return": (with_grid(None), "Wrong.condition_grid returned None (is a return missing?)"),
    "a grid of two axes": (
        with_grid({"choice": np.zeros((2, 2))}),
        "condition_grid['choice'] has shape (2, 2); it must be (n_conditions,), one value per condition.",
    ),
    "a grid of a number": (with_grid({"choice": 1.0}), "has shape (); it must be (n_conditions,), one value per"),
    "a grid of text": (
        with_grid({"choice": np.array(["left", "right"])}),
        "condition_grid['choice'] is of type <U5; conditions are numbers or booleans: number the levels",
    ),
    "a grid of ragged lists": (with_grid({"choice": [[1], [1, 2]]}), "contains lists of unequal length"),
    "NaN in the grid": (
        with_grid({"choice": np.array([0, np.nan])}),
        "contains NaN or infinity; conditions must be finite",
    ),
    "a name that is a number": (with_grid({0: np.zeros(2)}), "has the key 0; names of conditions are text."),
    # The class.
    "a channel that is text": (
        with_class(input_channels=("evidence")),
        "Wrong.input_channels is the text 'evidence'; it must be a tuple of names, one per input: ('evidence',), with",
    ),
    "no outputs": (
        with_class(output_channels=()),
        "Wrong.n_out must be at least 1; got 0: is output_channels empty?",
    ),
    "a criterion in per cent": (with_class(criterion=85), "Wrong.criterion must lie in [0, 1]; got 85; in per cent?"),
    "a criterion of nothing": (
        with_class(criterion_of="score"),
        "criterion_of must be 'accuracy', 'worst' or 'loss'; got",
    ),
    "chance in per cent": (with_class(chance=50), "Wrong.chance must lie in [0, 1]; got 50; in per cent?"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_task_is_refused_in_one_line(name):
    task, words = WRONG[name]
    with pytest.raises((ValueError, TypeError), match=re.escape(words)) as caught:
        task().trials(2, key=0)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("task", [Right(), Labels(), returning(epochs=lambda _: {})(), NBack()])
def test_a_right_task_passes(task):
    trial = task.trials(2, key=0)
    check_trials(task, trial, loss=task.loss)
    assert trial.inside.shape == trial.mask.shape


def test_a_trial_that_is_not_scored_and_what_the_mask_leaves_out_pass():
    def change(trial):
        nowhere = trial.mask.at[:, 0].set(0)
        return trial._replace(
            mask=nowhere.astype(bool), targets=jnp.where(nowhere[..., None] != 0, trial.targets, jnp.nan)
        )

    built(change)().trials(2, key=0)


def test_labels_pass_where_the_loss_is_left_to_the_trainer():
    task = returning(targets=lambda x: jnp.argmax(x, axis=-1))()
    trial = task.trials(2, key=0)
    check_trials(task, trial, loss="cross_entropy")
    with pytest.raises(ValueError, match=r'= \(T, B, n_out\); integer labels need loss = "cross_entropy"'):
        check_trials(task, trial, loss="mse")


def test_shapes_alone_are_checked_while_trials_are_traced():
    task = returning(mask=jnp.zeros_like)()
    assert jax.eval_shape(lambda key: task.trials(2, key=key), jax.random.key(0)).mask.shape == (6, 8)
    wrong = returning(mask=lambda x: x[0])()
    with pytest.raises(ValueError, match=r"mask has shape \(8,\); it must be \(6, 8\)"):
        jax.eval_shape(lambda key: wrong.trials(2, key=key), jax.random.key(0))


def with_if(self, key, conditions):
    return Right.build(self, key, conditions) if conditions["difference"].sum() > 0 else None


def with_numpy(self, key, conditions):
    trial = Right.build(self, key, conditions)
    return trial._replace(inputs=np.asarray(trial.inputs))


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (
            with_if,
            r"Wrong.build cannot be compiled \(test_wrong_tasks.py, line \d+: return Right.*: a decision in Python",
        ),
        (with_numpy, r"line \d+: return trial._replace\(inputs=np.asarray.*: NumPy \(or .*use jax.numpy instead\."),
    ],
)
def test_what_cannot_be_compiled_names_the_line(build, words):
    task = with_class(build=build)()
    with pytest.raises(TypeError, match=words) as caught:
        jax.eval_shape(lambda key: task.sample(key, 4), jax.random.key(0))
    assert "\n" not in str(caught.value)


class Network:
    n_rec = 50


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (PerceptualDecision, "is a class, but a task is an instance; call it: PerceptualDecision()."),
        (
            Network(),
            "got an object of type Network: it is a network, which comes before the task: swap the two",
        ),
        ("NBack", "expected a task; got 'NBack': the task of a name is eicon.tasks.TASKS['NBack']()."),
        (None, "expected a task; got None: your own tasks are instances of subclasses of eicon.tasks.Task."),
        ({"name": "NBack"}, "expected a task; got a dict of 1: your own tasks are"),
    ],
)
def test_what_is_no_task_is_refused(given, words):
    with pytest.raises(TypeError, match=re.escape(words)):
        check_task(given)


def test_channels_that_are_missing():
    class Bare(Task):
        condition_grid, build, correct = Right.condition_grid, Right.build, Right.correct

    with pytest.raises(ValueError, match="Bare has no input_channels; it must be a tuple of names, one per input"):
        check_task(Bare())


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        (jnp.linspace(0, 100, 8), "Right.correct returned a score of 14.2857; scores lie in [0, 1]; in per cent?"),
        (-jnp.ones(8), "Right.correct returned a score of -1; scores lie in [0, 1]."),
        (jnp.full(8, jnp.inf), "returned a score of inf; scores lie in [0, 1]."),
        (
            jnp.full(8, jnp.nan),
            "returned NaN for all 8 trials; NaN is for trials without a choice (catch trials)",
        ),
        (jnp.ones((6, 8)), "returned scores of shape (6, 8); it must be (8,) = (B,), one per trial."),
        (
            jnp.float32(0.5),
            "returned scores of shape (); it must be (8,) = (B,), one per trial; `accuracy` takes their mean",
        ),
        (0.5, "returned 0.5; it must return an array (8,) = (B,)."),
        (None, "returned None (is a return missing?); it must return an array (8,) = (B,)."),
        (jnp.ones(8) * 1j, "returned scores of type complex64; they must be numbers in [0, 1]."),
    ],
)
def test_wrong_scores_are_refused(scores, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        check_scores(Right(), scores, 8)


@pytest.mark.parametrize(
    "scores", [jnp.ones(8), jnp.ones(8, bool), jnp.ones(8).at[0].set(jnp.nan), jnp.full(8, 1 + 2e-7), np.zeros(8, int)]
)
def test_right_scores_pass(scores):
    check_scores(Right(), scores, 8)


ONES, CHOICES = jnp.ones(8), jnp.arange(8) % 3 - 1


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (None, "Right.behaviour returned None (is a return missing?); it must return Behaviour(score, choice, time)."),
        ((ONES, CHOICES), "Right.behaviour returned a tuple of 2; it must return Behaviour(score, choice, time)."),
        (Behaviour(100 * ONES), "Right.behaviour returned a score of 100; scores lie in [0, 1]; in per cent?"),
        (Behaviour(ONES, CHOICES[:4]), "choice must be (8,) = (B,), one per trial, or None; got shape (4,)."),
        (Behaviour(ONES, ONES), "Right.behaviour: choice must be whole numbers from 0, -1 for none; got float32."),
        (Behaviour(ONES, CHOICES - 1), "Right.behaviour: choice must be whole numbers from 0, -1 for none; got -2."),
        (Behaviour(ONES, CHOICES, 200.0), "time must be (8,) = (B,), one per trial, or None; got 200.0."),
        (Behaviour(ONES, CHOICES, CHOICES), "Right.behaviour: time must be ms, NaN for none; got int32."),
    ],
)
def test_wrong_behaviour_is_refused(behaviour, words):
    with pytest.raises((TypeError, ValueError), match=re.escape(words)):
        check_behaviour(Right(), behaviour, 8)


@pytest.mark.parametrize(
    "behaviour",
    [
        Behaviour(ONES),
        Behaviour(ONES, CHOICES),
        Behaviour(ONES, None, ONES.at[0].set(jnp.nan)),
        Behaviour(ONES, CHOICES, ONES),
    ],
)
def test_right_behaviour_passes(behaviour):
    check_behaviour(Right(), behaviour, 8)
    check_task(with_class(criterion=3.5, criterion_of="loss")())


@dataclass(frozen=True)
class Holding(Right):
    """A task that holds an array, as a stimulus or a filter may be."""

    gains: np.ndarray = field(default_factory=lambda: np.array([1.0, 2.0]))

    def build(self, key, conditions):
        trial = super().build(key, conditions)
        return trial._replace(inputs=trial.inputs * self.gains[None, None])


@pytest.mark.parametrize("array", [np.asarray, jnp.asarray])
def test_a_task_that_holds_arrays_works(array):
    task = Holding(gains=array([2.0, 4.0]))
    assert task.sample(0, 3).inputs.shape == (6, 3, 2)
    np.testing.assert_array_equal(task.trials(1, key=0).inputs[0, 0], [2.0, -4.0])
    np.testing.assert_array_equal(jax.jit(lambda key: task.sample(key, 3).inputs)(jax.random.key(0)).shape, (6, 3, 2))
    assert "gains" in repr(task)
    check_task(task)


@pytest.mark.unchecked
@pytest.mark.parametrize(
    ("task", "words"),
    [
        (
            lambda: PerceptualDecision(stimulus=(80, 1500)),
            "stimulus must be one number; got (80, 1500): a random duration is",
        ),
        (lambda: DelayedMatchToSample(delay="1000"), "delay must be one number; got '1000': a random duration"),
        (lambda: DelayedMatchToSample(delay=None), "delay must be one number; got None: a random duration"),
        (lambda: DelayedMatchToSample(delay={"low": 1, "high": 2}), "or mean, min and max; got low, high."),
        (lambda: FlipFlop(rest=np.arange(3)), "rest must be one number; got an array of shape (3,)."),
        (lambda: FlipFlop(n_bits=2.5), "n_bits must be a whole number; got 2.5."),
        (lambda: FlipFlop(n_bits="3"), "n_bits must be a whole number; got '3'."),
        (lambda: FlipFlop(n_bits=True), "n_bits must be a whole number; got True."),
        (lambda: PerceptualDecision(dt="20"), "dt must be one number; got '20'."),
        (lambda: PerceptualDecision(coherence=4.0), "coherence must be a tuple; got 4.0: with one member it is (4.0"),
        (lambda: Uniform((1, 2), 3), "min must be one number; got (1, 2)."),
        (lambda: PerceptualDecision(fixation=Uniform(80, 120)).sample(0, 2), "got Uniform(min=80"),
    ],
)
def test_parameters_of_another_kind_are_refused(task, words):
    with pytest.raises((TypeError, ValueError), match=re.escape(words)):
        task()


@pytest.mark.unchecked
def test_whole_floats_and_numbers_of_numpy_are_the_numbers_they_are():
    task = FlipFlop(dt=np.float32(20), n_bits=np.int64(2), n_windows=4.0, rest=jnp.float32(100))
    assert (task, repr(task)) == (same := FlipFlop(n_bits=2, n_windows=4), repr(same))
    assert replace(task, rest=200).rest == 200


@pytest.mark.unchecked
@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda task: task.sample("a", 4), "key must be a seed (a whole number) or one JAX key, such as eic"),
        (lambda task: task.sample(jax.random.split(jax.random.key(0)), 4), "got an array of type key<fry>, shape (2"),
        (lambda task: task.sample(None, 4), "one JAX key, such as eicon.key(0); got None."),
        (lambda task: task.sample(True, 4), "one JAX key, such as eicon.key(0); got True."),
        (lambda task: task.sample(0.5, 4), "a seed must be a whole number; got 0.5."),
        (lambda task: task.trials(key=-1), "a seed must be a whole number in 0..2**64 - 1; got -1."),
        (lambda task: task.sample(0, 2.5), "batch_size must be a whole number; got 2.5."),
        (lambda task: task.trials("3", key=0), "repeats must be a whole number; got '3'."),
        (lambda task: task.trials(np.arange(3), key=0), "repeats must be a whole number; got an array of shape (3,)."),
        (lambda task: task.trials(0.0, key=0), "repeats must be at least 1; got 0."),
    ],
)
def test_counts_and_keys_of_another_kind_are_refused(call, words):
    with pytest.raises((TypeError, ValueError), match=re.escape(words)):
        call(Right())


@pytest.mark.unchecked
@pytest.mark.parametrize("seed", [3, 3.0, np.int64(3), np.float32(3)])
def test_an_int_is_a_seed_for_a_key(seed):
    task, key = FlipFlop(n_windows=3), jax.random.key(3)
    np.testing.assert_array_equal(task.trials(2.0, key=seed).inputs, task.trials(2, key=key).inputs)
    np.testing.assert_array_equal(task.sample(seed, np.int64(4)).inputs, task.sample(key, 4).inputs)
    assert task.sample(jax.random.PRNGKey(3), 4.0).batch_size == 4
