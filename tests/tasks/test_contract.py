"""What a task says of itself, and trials of given conditions."""

import math
import pickle
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import eicon
from eicon.tasks import (
    Behaviour,
    ContextIntegration,
    CueSetGo,
    DelayedMatchToCategory,
    DelayedMatchToSample,
    DelayedResponse,
    FlipFlop,
    HexMotion,
    MultisensoryIntegration,
    NBack,
    ParametricMemory,
    PerceptualDecision,
    PulseAccumulation,
    ReadySetGo,
    SequenceExecution,
    SequenceMemory,
    SineWave,
    Task,
    Trial,
)
from eicon.tasks._conditions import completed


@dataclass(frozen=True)
class Bare(Task):
    """The output is to be the level that is shown, in one step."""

    input_channels = ("shown",)
    output_channels = ("said",)

    def condition_grid(self):
        return {"level": np.array([-1.0, 1.0], np.float32)}

    def build(self, key, conditions):
        shown = conditions["level"][None, :, None]
        span = jnp.tile(jnp.array([[0, 1]]), (shown.shape[1], 1))
        return Trial(shown, shown, jnp.ones(shown.shape[:2]), dict(conditions), {"all": span})


@dataclass(frozen=True)
class ByScore(Bare):
    """Says whether answers are right."""

    def correct(self, outputs, trial):
        return (outputs[0, :, 0] == trial.targets[0, :, 0]).astype(float)


@dataclass(frozen=True)
class ByBehaviour(Bare):
    """Says what was done."""

    chance = 0.5

    def behaviour(self, outputs, trial):
        right = (outputs[0, :, 0] == trial.targets[0, :, 0]).astype(float)
        return Behaviour(right, (outputs[0, :, 0] < 0).astype(int), jnp.full(right.shape, 20.0))


@dataclass(frozen=True)
class Stricter(ByBehaviour):
    """Gives half the score, and asks for the same choices."""

    def correct(self, outputs, trial):
        return super().correct(outputs, trial) / 2


@dataclass(frozen=True)
class StricterYet(Stricter):
    """Changes what was done, and with it the score."""

    def behaviour(self, outputs, trial):
        return super().behaviour(outputs, trial)._replace(score=jnp.zeros(trial.batch_size))


class NeverRight:
    """No task; mixed into one."""

    def correct(self, outputs, trial):
        return 0 * super().correct(outputs, trial)


class Mixed(NeverRight, ByBehaviour):
    """A task with the scores of the class beside it."""


def done(task):
    trial = task.trials(1, key=0)
    outputs = jnp.ones(trial.targets.shape)
    found = task.behaviour(outputs, trial)
    np.testing.assert_array_equal(task.correct(outputs, trial), found.score)
    assert float(task.accuracy(outputs, trial)) == float(found.score.mean())
    return [None if part is None else part.tolist() for part in found]


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        (ByScore, [[0, 1], None, None]),
        (ByBehaviour, [[0, 1], [0, 0], [20, 20]]),
        (Stricter, [[0, 0.5], [0, 0], [20, 20]]),
        (StricterYet, [[0, 0], [0, 0], [20, 20]]),
        (Mixed, [[0, 0], [0, 0], [20, 20]]),
    ],
)
def test_whichever_is_defined_last_gives_the_other(kind, wanted):
    assert done(kind()) == wanted
    assert pickle.loads(pickle.dumps(kind())) == kind()  # noqa: S301


@pytest.mark.unchecked
@pytest.mark.parametrize("kind", [PerceptualDecision, ByScore, ByBehaviour])
def test_outputs_of_another_shape_are_refused(kind):
    trial = kind().sample(jax.random.key(0), 4)
    too_many = jnp.concatenate([trial.targets, trial.targets], axis=2)
    for score in (kind().accuracy, kind().correct, kind().behaviour):
        for wrong in (trial.targets[1:], trial.targets[:, :1], trial.targets[:, :, :0], too_many):
            with pytest.raises(ValueError, match=r"outputs must be \(T, B, n_out\) = .* in these trials"):
                score(wrong, trial)
        with pytest.raises(
            TypeError, match=r"outputs must be an array .*; got Trial\. Outputs come first, then the tri"
        ):
            score(trial, trial.targets)


def test_a_task_that_defines_neither_is_refused():
    text = r"Bare must define `behaviour\(outputs, trial\)`, which returns an eicon.tasks.Behaviour, or `correct"
    with pytest.raises(TypeError, match=text):
        Bare()


def test_nothing_is_declared_by_default():
    task = ByScore()
    assert math.isnan(task.chance)
    assert math.isnan(task.criterion)
    assert math.isnan(task.neutral)
    assert (task.criterion_of, task.evidence, task.sorts, task.aligned_to) == ("accuracy", None, (), None)
    assert task.held_out() is task


def test_an_unknown_measure_of_the_criterion_is_refused():
    class Odd(ByScore):
        criterion_of = "accuracies"

    with pytest.raises(ValueError, match="criterion_of must be 'accuracy', 'worst' or 'loss'; got 'accuracies'"):
        Odd()


def test_held_out_intervals_are_those_between():
    assert CueSetGo().held_out() == CueSetGo().interpolated()
    two = CueSetGo(intervals=(600.0, 900.0))
    assert two.held_out() is two


# trials of given conditions


@pytest.mark.parametrize(
    ("task", "given", "filled"),
    [
        (PerceptualDecision(), {"coherence": [12.8, -12.8]}, {"choice": [0, 1]}),
        (PerceptualDecision(), {"coherence": [1, -100.0, 40]}, {"choice": [0, 1, 0]}),  # between, and beyond the levels
        (PerceptualDecision(), {"coherence": 0, "choice": 1}, {"choice": [1], "catch": [False]}),
        (PerceptualDecision(), {"coherence": 3.2, "catch": [False, True]}, {"choice": [0, 0], "coherence": [3.2, 3.2]}),
        (MultisensoryIntegration(rates=(16.0,)), {"modality": 0, "rate": [10, 17]}, {"choice": [1, 0]}),
        (ContextIntegration(), {"context": [0, 1], "motion": 15, "colour": -5}, {"choice": [0, 1]}),
        (ParametricMemory(), {"f1": [18, 20], "f2": [10, 13]}, {"choice": [0, 0]}),
        (DelayedMatchToSample(), {"sample": 0, "test": 90}, {"foil": [90], "choice": [1]}),
        (DelayedMatchToCategory(), {"sample": [60, 70], "test": [90, 80]}, {"category": [0, 0], "choice": [0, 0]}),
        (DelayedResponse(), {"direction": 90}, {"choice": [2]}),
        (CueSetGo(), {"interval": 720}, {"context": [0.4], "choice": [1]}),
        (ReadySetGo(), {"choice": 2}, {"interval": [640]}),
        (SequenceExecution(), {"sequence": 7.0}, {}),
        (PulseAccumulation(), {"difference": [6, -40]}, {}),
        (HexMotion(), {"direction": [90, 225], "kind": 2, "speed": 10}, {"choice": [2, 5]}),
        (NBack(), {"match": 1}, {"match": [True]}),
        (FlipFlop(), {}, {"n_bits": [3]}),
        (SineWave(), {}, {"period": [800]}),
        (SequenceMemory(), {"pattern_length": 3}, {}),
    ],
)
def test_what_follows_is_filled_in(task, given, filled):
    found = completed(task, given)
    sizes = {values.shape for values in found.values()}
    assert len(sizes) == 1
    assert list(found) == [*task.condition_grid(), "catch"]
    for name, values in filled.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-6)
    for name, levels in task.condition_grid().items():
        assert found[name].dtype == levels.dtype


@pytest.mark.parametrize(
    ("task", "given", "text"),
    [
        (
            PerceptualDecision(),
            {"coh": 3},
            "PerceptualDecision has no condition coh; its conditions are coherence, cho",
        ),
        (
            PerceptualDecision(),
            {},
            "coherence is not given in PerceptualDecision: specify it as well, e.g. coherence=3.2",
        ),
        (
            PerceptualDecision(),
            {"coherence": 0},
            "choice does not follow from coherence 0 in PerceptualDecision: specify it",
        ),
        (PerceptualDecision(), {"coherence": [4, 0]}, "choice does not follow from coherence 0"),
        (PerceptualDecision(), {"coherence": 4, "choice": 1}, "choice is 0 for coherence 4; got 1"),
        (PerceptualDecision(), {"coherence": 200}, r"coherence must lie in \[-100, 100\] in this Perc.*; got 200"),
        (
            PerceptualDecision(),
            {"coherence": 4, "choice": 2},
            "choice must be one of 0, 1 in this PerceptualDecision; got",
        ),
        (PerceptualDecision(), {"coherence": "a"}, "coherence must be finite numbers, one for all trials or one for"),
        (PerceptualDecision(), {"coherence": math.nan}, "coherence must be finite numbers"),
        (PerceptualDecision(), {"coherence": [[1.0]]}, "coherence must be finite numbers"),
        (
            PerceptualDecision(),
            {"coherence": [1, 2], "choice": [0, 0, 0]},
            "one for each trial; got coherence 2, choice 3",
        ),
        (PerceptualDecision(catch=False), {"coherence": 4, "catch": True}, "has no catch trials; got catch=True"),
        (MultisensoryIntegration(), {"rate": 10}, "modality does not follow from rate 10 in MultisensoryIntegration"),
        (MultisensoryIntegration(), {"modality": 2, "rate": 27}, r"rate must lie in \[6, 19\]"),
        (ContextIntegration(), {"context": 0, "motion": 15}, "colour does not follow from context 0, motion 15"),
        (
            DelayedMatchToSample(),
            {"sample": 0, "test": 90, "foil": 90, "choice": 0},
            "choice is 1 for sample 0, test 90",
        ),
        (DelayedResponse(), {"direction": 100}, "choice does not follow from direction 100"),
        (DelayedResponse(), {"direction": 350}, r"direction must lie in \[0, 315\]"),
        (CueSetGo(), {"interval": 760}, "context does not follow from interval 760"),
        (CueSetGo(), {"interval": 2000}, r"interval must lie in \[600, 1200\]"),
        (
            SequenceExecution(),
            {"sequence": 8},
            "sequence must be one of 0, 1, 2, 3, 4, 5, 6, 7 in this SequenceExecution",
        ),
        (SineWave(), {"period": 400}, "period must be one of 800 in this SineWave; got 400"),
        (NBack(), {}, "match is not given in NBack: specify it as well, e.g. match=0"),
    ],
)
def test_unknown_missing_wrong_and_contradictory_conditions_are_named(task, given, text):
    with pytest.raises(ValueError, match=text):
        task.trials_of(key=0, **given)


def test_trials_of_conditions_are_those_of_build():
    task = PerceptualDecision()
    trial = task.trials_of(2, coherence=[51.2, -51.2], key=3)
    conditions = {"coherence": [51.2, -51.2] * 2, "choice": [0, 1] * 2, "catch": [False] * 4}
    conditions = {name: jnp.asarray(values) for name, values in conditions.items()}
    wanted = task.build(eicon.key(3), conditions)
    for first, second in zip(jax.tree.leaves(trial), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_array_equal(first, second)
