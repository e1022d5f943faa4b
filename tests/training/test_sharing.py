"""Programs are compiled once per structure, whatever the numbers are."""

from collections import OrderedDict

import jax.numpy as jnp
import numpy as np
import pytest

from eicon.models import Connectivity, RateRNN
from eicon.tasks import PerceptualDecision
from eicon.training import Gradient, HessianFree, _program, mean_squared_error
from eicon.training.schedules import Plateau, WarmUp

from .tiny import fit, fixed, make_kind, make_net, make_task, make_trainer, state


def programs() -> list:
    return list(_program._kept)


def new(*trainers) -> int:
    """How many programs were compiled for steps and validations of trainers, one after the other."""
    before = set(programs())
    for trainer in trainers:
        fit(trainer, 2, validate_every=2)
    return len(set(programs()) - before)


def masked(seed: int) -> RateRNN:
    rng = np.random.default_rng(seed)
    plain = Connectivity.dale(10)
    mask = plain.mask & (rng.random((10, 10)) < 0.7)
    parts = Connectivity(plain.sign, mask, plain.fixed), Connectivity.dense(2, 10), Connectivity.dense(10, 2)
    return RateRNN(*parts, sigma_rec=0.15, seed=seed)


def connectome(seed: int) -> RateRNN:
    rng = np.random.default_rng(seed)
    anatomy = rng.random((10, 10)) * (rng.random((10, 10)) < 0.6)
    return RateRNN.from_connectome(anatomy, 2, 2, sign=rng.permutation([1] * 7 + [-1] * 3), seed=seed)


SHARED = {
    "seed": lambda i: make_trainer(make_net(seed=i), seed=i),
    "learning rate": lambda i: make_trainer(learning_rate=0.01 * (1 + i)),
    "plateau": lambda i: make_trainer(learning_rate=Plateau(0.01 * (1 + i), validations=2 + i)),
    "noise": lambda i: make_trainer(make_net(sigma_rec=0.1 + 0.1 * i)),
    "time constants": lambda i: make_trainer(make_net(tau=np.linspace(40.0, 80.0 + 20 * i, 10))),
    "signs": lambda i: make_trainer(make_net(e_ratio=0.8 - 0.1 * i)),
    "masks": lambda i: make_trainer(masked(i)),
    "connectomes": lambda i: make_trainer(connectome(i)),
    "task of its own": lambda i: make_trainer(task=make_task()),
    "fixed trials": lambda i: make_trainer(make_net(seed=i), trials=fixed(seed=i)),
    "damping": lambda i: make_trainer(learner=HessianFree(max_cg_iterations=2, n_probes=0, damping=1.0 + i)),
}


@pytest.mark.parametrize("name", SHARED)
def test_other_numbers_share_programs(name):
    first, second, third = (SHARED[name](i) for i in range(3))
    fit(first, 2, validate_every=2)
    assert new(second, third) == 0
    same = name == "task of its own"
    assert (state(first)["raw_rec"] != state(second)["raw_rec"]).any() != same, "or nothing was different"


def test_eight_seeds_in_a_row_compile_once():
    nets = [make_net(seed=seed, activation="tanh") for seed in range(8)]
    n = new(*(make_trainer(net, seed=i) for i, net in enumerate(nets)))
    assert 1 <= n <= 4, "steps, the run of a validation, perhaps its scores and the drawing of trials"


APART = {
    "task": lambda: make_trainer(task=make_task(decision=80.0)),
    "batch size": lambda: make_trainer(batch_size=9),
    "clipping": lambda: make_trainer(clip_norm=2.0),
    "schedule": lambda: make_trainer(learning_rate=WarmUp(0.01, 3)),
    "optimizer": lambda: make_trainer(optimizer="sgd"),
    "options": lambda: make_trainer(learner=Gradient(options={"eps": 1e-7})),
    "loss": lambda: make_trainer(loss=lambda outputs, trial: 2.0 * mean_squared_error(outputs, trial)),
    "activation": lambda: make_trainer(make_net(activation="softplus")),
    "units": lambda: make_trainer(RateRNN.dale(2, 11, 2, seed=1)),
    "what is trained": lambda: make_trainer(make_net(train_x0=False)),
}  # fmt: skip


@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n == "task" else pytest.mark.battery) for n in APART])
def test_other_structures_have_programs_of_their_own(trainer, name):
    fit(trainer, 2, validate_every=2)
    assert new(APART[name]()) > 0
    assert new(APART[name]()) == 0 or name == "loss", "lambdas are told apart by which object they are"


class Holding(PerceptualDecision):
    """A task that holds an array, and so cannot be compared with others."""

    def __init__(self, scale: np.ndarray):
        super().__init__(coherence=(51.2,), fixation=40.0, stimulus=60.0, decision=60.0)
        object.__setattr__(self, "scale", scale)

    def __hash__(self):
        raise TypeError("unhashable")

    def build(self, key, conditions):
        trial = super().build(key, conditions)
        return trial._replace(inputs=trial.inputs * jnp.asarray(self.scale)[None, None])


def test_tasks_that_cannot_be_compared_are_told_apart():
    one, other = Holding(np.array([1.0, 0.5])), Holding(np.array([3.0, 0.5]))
    first = make_trainer(task=one)
    assert new(first) > 0
    assert new(make_trainer(task=one)) == 0
    second = make_trainer(task=other)
    assert new(second) > 0
    assert (first.history.loss != second.history.loss).all()


def test_lengths_of_trials_share_the_run_of_an_evaluation(trainer, monkeypatch):
    """Steps of 17 to 20 are padded to 20."""
    monkeypatch.setattr(_program, "_kept", OrderedDict())

    def runs():
        return [kept for kept in programs() if kept[0] == "Forward.run"]

    tasks = [make_task(fixation=40.0, stimulus=240.0, decision=60.0 + 20.0 * more) for more in range(4)]
    found = [trainer.validate(task) for task in tasks]
    assert len(runs()) == 1
    assert len(set(found)) == 4


@pytest.mark.battery
def test_as_many_programs_are_kept_as_is_said(monkeypatch):
    monkeypatch.setattr(_program, "KEPT", 3)
    monkeypatch.setattr(_program, "_kept", OrderedDict())
    # Two sizes of batches, and the two of a validation: not in whole epochs.
    fit(make_kind("fixed, gradient"), 4, validate_every=4)
    assert len(_program._kept) == 3
