"""Tasks one after the other: what goes on, what is recorded, what is validated, and exact resume."""

import numpy as np
import pytest

from eicon.training import AccuracyReached, Curriculum, NonFiniteLoss
from eicon.training.schedules import Plateau

from .tiny import (
    KINDS,
    AfterSteps,
    assert_same_history,
    assert_same_state,
    evaluation,
    fit,
    make_curriculum,
    make_kind,
    make_net,
    make_task,
    make_trainer,
    state,
)

LONGER, LONGEST = make_task(fixation=60.0), make_task(fixation=80.0)


def assert_same(first, second):
    assert_same_state(state(first), state(second))
    assert_same_history(first.history, second.history)
    np.testing.assert_array_equal(first.history.stage, second.history.stage)


@pytest.fixture(scope="module")
def whole():
    """Three stages of 10, 10 and 10 steps."""
    trainer = make_curriculum(steps=10)
    fit(trainer, 30)
    return trainer


@pytest.mark.battery
def test_stages_follow_one_another(whole):
    history = whole.history
    assert history.stage.tolist() == [0] * 10 + [1] * 10 + [2] * 10
    assert history.stage.dtype == np.int64
    assert history.validation_step.tolist() == [5, 10, 15, 20, 25, 30]
    assert whole.task == LONGEST
    assert history.of_stage(1).n_steps == 10
    assert history.of_stage(1).validation_step.tolist() == [15, 20]
    assert history.of_stage(2).validation_loss.tolist() == history.validation_loss[4:].tolist()
    assert history.of_stage(3).n_steps == 0
    np.testing.assert_array_equal(np.concatenate([history.of_stage(i).loss for i in range(3)]), history.loss)


def test_a_stage_is_validated_on_its_task(whole):
    trial = evaluation(whole).trial
    assert trial.n_steps == evaluation(make_trainer(task=LONGEST)).trial.n_steps
    assert (np.asarray(trial.epochs["stimulus"])[:, 0] == 4).all()
    assert whole.validate() == whole.validate(LONGEST)
    assert whole.validate() != whole.validate(LONGER)
    assert whole.history.validation_loss[-1] == whole.validate().loss


def test_the_learner_goes_on(whole):
    """Ten steps of each task by hand, from `fit(task=)`, are the same."""
    trainer = make_trainer()
    fit(trainer, 10)
    fit(trainer, 10, task=LONGER)
    assert trainer.task == LONGER
    fit(trainer, 4, task=LONGEST)
    fit(trainer, 6, task=LONGEST)
    assert_same(trainer, whole)
    assert fit(trainer, 5).stage[-1] == 2, "the last task goes on"
    with pytest.raises(AttributeError, match="task of a trainer cannot be assigned"):
        trainer.task = LONGER


def test_another_task_is_trained_and_validated_at_once():
    """The obvious way to write a curriculum trained and validated the old task."""
    one, other = make_trainer(), make_trainer(task=LONGEST)
    fit(one, 5, task=LONGEST)
    fit(other, 5)
    for name in ("loss", "accuracy", "grad_norm", "validation_loss", "validation_accuracy"):
        np.testing.assert_array_equal(one.history[name], other.history[name])


def test_criteria_are_asked_about_their_own_stage_alone():
    asked = []

    def ask(name, n):
        def criterion(history):
            asked.append((name, history.n_steps, len(history.validation_loss), set(history.stage.tolist())))
            return history.n_steps >= n

        return criterion

    stages = [(make_task(), ask("first", 10)), (LONGER, ask("second", 5)), (LONGEST, ask("third", 10))]
    trainer = make_trainer(task=Curriculum(stages))
    seen = []
    history = fit(trainer, 100, stop_when=lambda history: seen.append(history.n_steps) and False)
    assert history.n_steps == 25, "the criterion of the last stage ends the training"
    assert asked == [
        *(("first", 5, 1, {0}), ("first", 10, 2, {0})),
        ("second", 5, 1, {1}),
        *(("third", 5, 1, {2}), ("third", 10, 2, {2})),
    ]
    assert seen == [5, 5], "rules of a fit are asked where no stage ended"


def test_the_best_network_is_that_of_its_stage():
    trainer = make_curriculum(steps=10)
    fit(trainer, 15)
    assert trainer.best_step == 15
    fit(trainer, 5)
    assert trainer.best is None, "no validation of the third stage was made yet"
    fit(trainer, 5)
    assert trainer.best_step == 25


@pytest.mark.parametrize("steps", [4, 10, 13, 20])
def test_a_resumed_curriculum_is_the_whole_one(whole, tmp_path, steps):
    """Within a stage, and where one has just ended."""
    first, resumed = make_curriculum(steps=10), make_curriculum(make_net(seed=5), steps=10)
    fit(first, steps, checkpoint=tmp_path / "c.npz")
    resumed.resume(tmp_path / "c.npz")
    assert resumed.task == first.task
    fit(resumed, 30 - steps)
    assert_same(resumed, whole)


def test_a_training_with_another_task_is_resumed_with_that_task(whole, tmp_path):
    first, resumed = make_trainer(), make_trainer(make_net(seed=5))
    fit(first, 10)
    fit(first, 10, task=LONGER)
    fit(first, 3, task=LONGEST, checkpoint=tmp_path / "c.npz")
    resumed.resume(tmp_path / "c.npz")
    with pytest.raises(ValueError, match=r"resumed after fit\(\.\.\., task=\.\.\.\), in .*: pass this task to fit"):
        fit(resumed, 7)
    for task in (LONGER, make_task()):
        with pytest.raises(ValueError, match="pass this task to fit"):
            fit(resumed, 7, task=task)
    fit(resumed, 4, task=LONGEST, checkpoint=tmp_path / "d.npz")
    again = make_trainer(make_net(seed=6))
    again.resume(tmp_path / "d.npz")
    for trainer in (again, resumed):
        fit(trainer, 3, task=LONGEST)
        assert_same(trainer, whole)


@pytest.mark.battery
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.startswith("sampled")])
def test_every_learner_takes_another_task(kind):
    trainer = make_kind(kind)
    fit(trainer, 2, validate_every=2)
    history = fit(trainer, 2, validate_every=2, task=LONGER)
    assert history.stage.tolist() == [0, 0, 1, 1]
    assert np.isfinite(history.loss).all()


def test_a_plateau_begins_anew_with_a_stage():
    trainer = make_curriculum(steps=10, learning_rate=Plateau(0.1, 0.5, validations=1))
    fit(trainer, 30)
    history = trainer.history
    factor = 1.0
    for stage in range(3):
        losses = history.of_stage(stage).validation_loss
        factor *= 0.5 ** int(losses[1] >= losses[0])
    assert float(trainer._state["rate"]) == pytest.approx(0.1 * factor)


def test_other_settings_go_on_from_a_network(trainer, tmp_path):
    """In a stage of its own, with what was before in the checkpoint."""
    fit(trainer, 5, checkpoint=tmp_path / "c.npz")
    other = make_trainer(make_net(seed=5), LONGER, learning_rate=0.001, seed=9)
    with pytest.raises(ValueError, match="belongs to a different training"):
        other.resume(tmp_path / "c.npz")
    other.resume(tmp_path / "c.npz", other_settings=True)
    assert_same_state(
        {name: np.asarray(v) for name, v in other.net.parameters().items()},
        {name: np.asarray(v) for name, v in trainer.net.parameters().items()},
    )
    history = fit(other, 5, checkpoint=tmp_path / "d.npz")
    assert history.stage.tolist() == [0] * 5 + [1] * 5
    again = make_trainer(make_net(seed=6), LONGER, learning_rate=0.001, seed=9)
    again.resume(tmp_path / "d.npz")
    for one in (other, again):
        fit(one, 5)
    assert_same(again, other)
    with pytest.raises(ValueError, match="belongs to a different training: network differ"):
        make_trainer(make_net(activation="tanh")).resume(tmp_path / "c.npz", other_settings=True)


def test_a_loss_that_is_not_finite_leaves_the_stage():
    trainer = make_curriculum(steps=10)
    fit(trainer, 15)
    raw = trainer.net.raw_in.value
    trainer.net.raw_in.value = raw * np.nan
    with pytest.raises(NonFiniteLoss, match="at step 16; the network was restored to step 15"):
        fit(trainer, 10)
    assert trainer.task == LONGER
    trainer.net.raw_in.value = raw
    other = make_curriculum(steps=10)
    fit(other, 15)
    for one in (trainer, other):
        fit(one, 10)
    assert_same(trainer, other)


@pytest.mark.parametrize(
    ("stages", "error", "text"),
    [
        ([], ValueError, "a curriculum needs at least one stage"),
        (
            [(make_task(), None), (LONGER, None)],
            ValueError,
            "stage 0 of a curriculum has no criterion, and would never",
        ),
        (
            [(make_task(), AfterSteps(1)), ("longer", None)],
            TypeError,
            r"stage 1 .* must be \(task, criterion\); got 'lon",
        ),
        (
            [(make_task(), AccuracyReached(0.9)), make_task(dt=10.0)],
            ValueError,
            "the same channels and dt; stage 1 has",
        ),
    ],
)
def test_impossible_curricula_are_refused(stages, error, text):
    with pytest.raises(error, match=text):
        Curriculum(stages)
