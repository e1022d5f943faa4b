"""Sequence memory and n-back: the published discrete trials, written out in numpy, and what their scores mean."""

import dataclasses

import numpy as np
import pytest
from pydantic import TypeAdapter
from scipy import stats

from eicon.tasks import NO_CHOICE, NBack, PictureNBack, SequenceMemory, Task, Trial
from eicon.tasks._table import describe

from . import drawn
from .drawn import balanced, compiled

BATCH = 500


def sample(task: Task, batch_size: int = BATCH) -> Trial:
    return drawn.sample(task, batch_size, 3)


@pytest.mark.parametrize(("dt", "steps"), [(20.0, 1), (5.0, 4)])
@pytest.mark.parametrize("p", [2, 3, 10])
def test_sequence_memory_is_the_published_one(p, dt, steps):
    trial = sample(SequenceMemory(pattern_length=p, dt=dt))
    values = trial.inputs[: p * steps : steps, :, 1]
    inputs = np.zeros((2 * p + 1, BATCH, 2), np.float32)
    targets = np.zeros((2 * p + 1, BATCH, 1), np.float32)
    mask = np.zeros((2 * p + 1, BATCH), np.float32)
    for b in range(BATCH):
        for i in range(p):
            inputs[i, b, 1] = targets[p + 1 + i, b, 0] = values[i, b]
            mask[p + 1 + i, b] = 1
        inputs[p, b, 0] = 1
    np.testing.assert_array_equal(trial.inputs, np.repeat(inputs, steps, axis=0))
    np.testing.assert_array_equal(trial.targets, np.repeat(targets, steps, axis=0))
    np.testing.assert_array_equal(trial.mask, np.repeat(mask, steps, axis=0))
    bounds = {"sequence": [0, p], "cue": [p, p + 1], "response": [p + 1, 2 * p + 1]}
    for name, (start, stop) in bounds.items():
        assert trial.epochs[name].tolist() == [[start * steps, stop * steps]] * BATCH


@pytest.mark.parametrize("dt", [20.0, 5.0])
def test_a_delay_is_silence_between_sequence_and_cue(dt):
    """All else are the trials without a delay, bit for bit."""
    at, steps = 3 * round(20 / dt), round(100 / dt)
    plain, delayed = (sample(SequenceMemory(dt=dt, delay=delay)) for delay in (0.0, 100.0))
    assert delayed.epochs["delay"].tolist() == [[at, at + steps]] * BATCH
    for name in ("inputs", "targets", "mask"):
        before, after = getattr(plain, name), getattr(delayed, name)
        assert not after[at : at + steps].any()
        assert np.delete(after, slice(at, at + steps), axis=0).tobytes() == before.tobytes()
    assert (delayed.epochs["sequence"] == plain.epochs["sequence"]).all()
    for name in ("cue", "response"):
        np.testing.assert_array_equal(delayed.epochs[name], plain.epochs[name] + steps)
    assert "delay" not in plain.epochs


@pytest.mark.parametrize(("dt", "steps"), [(20.0, 1), (5.0, 4)])
@pytest.mark.parametrize(("n_back", "length"), [(1, 2), (2, 5), (4, 5), (1, 8)])
def test_n_back_is_the_published_one(n_back, length, dt, steps):
    trial = sample(NBack(n_back=n_back, trial_length=length, dt=dt))
    values = trial.inputs[: length * steps : steps, :, 1]
    inputs = np.zeros((length + 1, BATCH, 2), np.float32)
    targets, mask = np.zeros((length + 1, BATCH), np.int32), np.zeros((length + 1, BATCH), np.float32)
    for b in range(BATCH):
        inputs[:length, b, 1] = values[:, b]
        inputs[length - 1, b, 0] = 1
        same = values[length - 1, b] == values[length - 1 - n_back, b]
        assert same == trial.conditions["match"][b]
        assert len(set(values[:, b].tolist())) == length - same, "all other values differ"
        targets[length, b] = 2 if same else 1
        mask[length, b] = 1
    np.testing.assert_array_equal(trial.inputs, np.repeat(inputs, steps, axis=0))
    np.testing.assert_array_equal(trial.targets, np.repeat(targets, steps, axis=0))
    np.testing.assert_array_equal(trial.mask, np.repeat(mask, steps, axis=0))
    bounds = {"sequence": [0, length - 1], "cue": [length - 1, length], "response": [length, length + 1]}
    for name, (start, stop) in bounds.items():
        assert trial.epochs[name].tolist() == [[start * steps, stop * steps]] * BATCH


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-2.0, 0.5)])
def test_values_of_a_sequence_are_uniform_and_independent(low, high):
    task = SequenceMemory(pattern_length=4, low=low, high=high)
    values = sample(task, 4000).inputs[:4, :, 1]
    for row in values:
        assert stats.kstest(row, stats.uniform(low, high - low).cdf).pvalue > 1e-3
    assert np.abs(np.corrcoef(values) - np.eye(4)).max() < 4 / np.sqrt(4000)
    assert task.null_loss == pytest.approx(values.var(), rel=0.05)


@pytest.mark.parametrize("match", [False, True])
def test_values_of_n_back_are_uniform_and_independent_whether_they_match_or_not(match):
    trial = sample(NBack(n_back=2, trial_length=4), 8000)
    values = trial.inputs[:4, trial.conditions["match"] == match, 1]
    for row in values:
        assert stats.kstest(row, "uniform").pvalue > 1e-3
    free = np.delete(values, 1, axis=0) if match else values
    assert np.abs(np.corrcoef(free) - np.eye(len(free))).max() < 4 / np.sqrt(values.shape[1])


@pytest.mark.parametrize("dt", [20.0, 5.0])
def test_a_sequence_is_scored_by_the_nearest_value_of_its_trial(dt):
    p, steps = 3, round(20 / dt)
    task = SequenceMemory(pattern_length=p, dt=dt)
    trial = sample(task)
    outputs = trial.targets + np.random.default_rng(0).normal(scale=0.3, size=trial.targets.shape).astype(np.float32)
    wanted = []
    for b in range(BATCH):
        values = trial.inputs[: p * steps : steps, b, 1]
        right = 0
        for i in range(p):
            start = (p + 1 + i) * steps
            right += np.abs(values - outputs[start : start + steps, b, 0].mean()).argmin() == i
        wanted.append(right / p)
    assert 0.4 < np.mean(wanted) < 0.95
    np.testing.assert_allclose(compiled(task).correct(outputs, trial), wanted, rtol=1e-6)


def test_larger_errors_never_score_better():
    task = SequenceMemory(pattern_length=5)
    trial = sample(task)
    error = np.random.default_rng(1).normal(size=trial.targets.shape).astype(np.float32)
    scores = [
        np.asarray(compiled(task).correct(trial.targets + np.float32(scale) * error, trial))
        for scale in (0.0, 0.01, 0.1, 0.3, 1.0, 10.0)
    ]
    assert (np.diff(scores, axis=0) <= 0).all()
    assert (np.diff(np.mean(scores, axis=1)) < 0).all()


@pytest.mark.parametrize("level", [-5.0, 0.0, 0.37, 0.5, 2.0])
def test_constant_outputs_score_chance_in_every_single_trial(level):
    task = SequenceMemory(pattern_length=7)
    trial = sample(task)
    score = compiled(task).correct(np.full(trial.targets.shape, level, np.float32), trial)
    np.testing.assert_allclose(score, 1 / 7, rtol=1e-6)


@pytest.mark.parametrize("make", [NBack, PictureNBack])
def test_n_back_is_scored_by_the_largest_mean_output_in_the_response(make):
    task = make(dt=5.0)
    trial = sample(task, 200)
    outputs = np.random.default_rng(0).normal(size=(trial.n_steps, 200, 3)).astype(np.float32)
    choice = outputs[-4:].mean(axis=0).argmax(axis=1)
    assert set(choice.tolist()) == {0, 1, 2}
    np.testing.assert_array_equal(compiled(task).choice(outputs, trial), choice)
    right = choice == np.where(trial.conditions["match"], 2, 1)
    np.testing.assert_array_equal(compiled(task).correct(outputs, trial), right)


@pytest.mark.parametrize(
    ("output", "choice", "score"),
    [((0, 0, 0), NO_CHOICE, 0.5), ((-9, 1, 1), NO_CHOICE, 0.5), ((1, 0, 0), 0, 0.0), ((0, 1, 0), 1, 0.5)],
)
def test_the_class_of_unscored_steps_is_a_wrong_choice_and_a_tie_none(output, choice, score):
    task = NBack()
    trial = balanced(task, 10, 0)
    outputs = np.broadcast_to(np.array(output, np.float32), (trial.n_steps, 20, 3))
    assert compiled(task).choice(outputs, trial).tolist() == [choice] * 20
    assert float(compiled(task).accuracy(outputs, trial)) == score


@pytest.mark.parametrize("make", [SequenceMemory, NBack, PictureNBack])
def test_padding_behind_a_trial_does_not_matter(make):
    task = make()
    trial = sample(task, 50)
    outputs = np.random.default_rng(0).normal(size=(trial.n_steps, 50, task.n_out)).astype(np.float32)

    def padded(values: np.ndarray) -> np.ndarray:
        return np.concatenate([values, np.full((3, *values.shape[1:]), 9, values.dtype)])

    longer = trial._replace(inputs=padded(trial.inputs), targets=padded(trial.targets), mask=padded(trial.mask))
    first = compiled(task).correct(outputs, trial)
    np.testing.assert_allclose(first, compiled(task).correct(padded(outputs), longer), rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "options", "text"),
    [
        (SequenceMemory, {"pattern_length": 1}, "pattern_length must be at least 2; got 1"),
        (SequenceMemory, {"delay": -20.0}, "delay must be >= 0 .ms. and finite; got -20"),
        (SequenceMemory, {"delay": float("inf")}, "delay must be >= 0 .ms. and finite; got inf"),
        (SequenceMemory, {"delay": 5.0}, "delay of 5 ms is shorter than half a step of dt 20 ms"),
        (SequenceMemory, {"low": 1.0}, "values need finite low < high; got low 1.0, high 1.0"),
        (SequenceMemory, {"high": float("inf")}, "values need finite low < high; got low 0.0, high inf"),
        (SequenceMemory, {"low": float("nan")}, "values need finite low < high; got low nan"),
        (NBack, {"n_back": 5}, "n_back must be at least 1 and less than trial_length; got n_back 5, trial_length 5"),
        (NBack, {"n_back": 0}, "got n_back 0, trial_length 5"),
        (NBack, {"trial_length": 1}, "got n_back 2, trial_length 1"),
        (PictureNBack, {"n_back": 7, "trial_length": 6}, "got n_back 7, trial_length 6"),
    ],
)
def test_impossible_tasks_are_refused(make, options, text):
    with pytest.raises(ValueError, match=text):
        make(**options)


@pytest.mark.parametrize("make", [SequenceMemory, NBack, PictureNBack])
@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"item": 9.0}, "item of 9 ms is shorter than half a step of dt 20 ms"),
        ({"dt": 100.0}, "item of 20 ms is shorter than half a step of dt 100 ms"),
        ({"item": 0.0}, "item must last longer than 0 ms and be finite; got 0.0"),
        ({"item": float("inf")}, "item must last longer than 0 ms and be finite; got inf"),
        ({"item": float("nan")}, "item must last longer than 0 ms and be finite; got nan"),
    ],
)
def test_impossible_items_are_refused(make, options, text):
    with pytest.raises(ValueError, match=text):
        make(**options)


@pytest.mark.parametrize("make", [SequenceMemory, NBack, PictureNBack])
def test_a_configuration_can_hold_every_parameter(make):
    task = make(item=40.0, dt=10.0)
    assert TypeAdapter(make).validate_python(dataclasses.asdict(task)) == task


def test_descriptions_say_what_the_tasks_are():
    described = describe()
    assert {name: (d["n_in"], d["n_out"], d["n_conditions"]) for name, d in described.items()} == {
        "PerceptualDecision": (2, 2, 10),
        "SequenceMemory": (2, 1, 1),
        "NBack": (2, 3, 2),
        "PictureNBack": (65, 3, 2),
        "CueSetGo": (2, 1, 6),
        "ReactionTimeDecision": (3, 2, 10),
        "ParametricMemory": (2, 2, 10),
        "ContextIntegration": (6, 2, 72),
        "MultisensoryIntegration": (4, 2, 24),
        "SequenceExecution": (17, 2, 8),
        "SineWave": (1, 1, 1),
        "DelayedMatchToSample": (17, 2, 112),
        "DelayedMatchToCategory": (17, 2, 144),
        "DelayedResponse": (17, 2, 8),
        "ReadySetGo": (3, 1, 5),
        "FlipFlop": (3, 3, 1),
        "PulseAccumulation": (3, 2, 8),
        "HexMotion": (61, 122, 48),
    }
    assert described["PictureNBack"]["parameters"]["pictures"] == "digits"
