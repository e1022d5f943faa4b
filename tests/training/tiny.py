"""A tiny training, and how its results are compared."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np
import pytest

from eicon.models import RateRNN
from eicon.tasks import PerceptualDecision, Trial, TruncatedExponential
from eicon.training import OPTIMIZERS, Curriculum, Fixed, Gradient, HessianFree, Sampled, Trainer, split_trials
from eicon.training._evaluation import Evaluation, Validation
from eicon.training._trainer import flat
from eicon.training.results import History

CHUNK = 5
NEVER = 10**6
EXACT = ("loss", "accuracy", "grad_norm")
EXACT += ("validation_step", "validation_loss", "validation_accuracy", "validation_worst")
EVERY_OPTIMIZER = [
    name if name in ("adam", "sgd") else pytest.param(name, marks=pytest.mark.battery) for name in OPTIMIZERS
]


class SameTrials(PerceptualDecision):
    """Whose trials are the same at every step, padded and with catch trials; makes a step predictable."""

    def sample(self, key: jax.Array, batch_size: int) -> Trial:
        return super().sample(jax.random.key(7), batch_size)


def make_task(kind: type[PerceptualDecision] = PerceptualDecision, **options: Any) -> PerceptualDecision:
    stimulus = TruncatedExponential(60.0, 40.0, 120.0)
    return kind(**({"coherence": (12.8, 51.2), "fixation": 40.0, "stimulus": stimulus, "decision": 60.0} | options))


def make_net(**options: Any) -> RateRNN:
    noise = {"sigma_rec": 0.15, "sigma_in": 0.01}
    learns = {"train_x0": True, "bias": True, "readout_bias": True}
    return RateRNN.dale(2, 10, 2, **(noise | learns | {"seed": 1} | options))


def make_trainer(net: RateRNN | None = None, task: PerceptualDecision | None = None, **options: Any) -> Trainer:
    settings: dict[str, Any] = {"validation_repeats": 2, "seed": 3}
    if "learner" not in options and isinstance(options.get("optimizer", ""), str):
        settings["learning_rate"] = 0.01
    if "trials" not in options:
        settings["batch_size"] = 8
    return Trainer(net or make_net(), task or make_task(), **(settings | options))


class Start(NamedTuple):
    """Where a training was: its network and its learner."""

    values: dict[str, jax.Array]
    learner: Any


def start_of(trainer: Trainer) -> Start:
    return Start(trainer.net.parameters(), trainer._state)


def state(trainer: Trainer) -> dict[str, np.ndarray]:
    """Every number of network and learner."""
    learner = {f"learner.{name}": value for name, value in flat(trainer._state).items()}
    return {name: np.asarray(value) for name, value in (trainer.net.parameters() | learner).items()}


def evaluation(trainer: Trainer) -> Evaluation:
    """Validation trials of the present stage, and their noise."""
    return trainer._evaluations[trainer._at]


def assert_same_state(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> None:
    assert first.keys() == second.keys()
    different = [name for name in first if first[name].tobytes() != second[name].tobytes()]
    assert not different, f"not bit-identical: {different}"


def assert_same_history(first: History, second: History) -> None:
    for name in EXACT:
        a, b = getattr(first, name), getattr(second, name)
        assert a.tobytes() == b.tobytes(), f"{name}: {a} and {b}"


def put(trainer: Trainer, start: Start) -> None:
    """Network and learner where they were; the steps go on."""
    for name, value in start.values.items():
        trainer.net.variables()[name].value = value
    trainer._state = start.learner


def rewind(trainer: Trainer, start: Start) -> Trainer:
    """To step 0, of the first stage."""
    put(trainer, start)
    trainer._history, trainer._best, trainer._at = History(), None, 0
    return trainer


def script(monkeypatch: pytest.MonkeyPatch, validations: Iterable[Validation]) -> None:
    """What validations find from now on."""
    following = iter(validations)
    monkeypatch.setattr(Evaluation, "validation", lambda *_: (next(following), 0.0))


class Interruption:
    """Ctrl-C at the n-th call of a method: before or after the method did its work."""

    def __init__(self, trainer: Trainer, name: str, n: int, after: bool):
        self.wrapped, self.n, self.after = getattr(trainer, name), n, after

    def __call__(self, *arguments: Any) -> Any:
        self.n -= 1
        if self.n == 0 and not self.after:
            raise KeyboardInterrupt
        result = self.wrapped(*arguments)
        if self.n == 0:
            raise KeyboardInterrupt
        return result


def fit(trainer: Trainer, steps: int, **options: Any) -> History:
    return trainer.fit(steps, **({"validate_every": CHUNK, "progress": False} | options))


def fixed(**options: Any) -> Fixed:
    """14 trials to train on, in batches of 8 and 6, and 6 to validate with."""
    task, seed = make_task(), options.pop("seed", 0)
    trials = split_trials(task.sample(jax.random.key(seed), 20), 0.7, key=jax.random.key(1))
    return Fixed(*trials, **({"batch_size": 8} | options))


LEARNERS = {
    "gradient": lambda: Gradient("adam", 0.01),
    "Hessian-free": lambda: HessianFree(max_cg_iterations=3, n_probes=1, curvature_trials=7),
}
SUPPLIES = {"sampled": lambda: Sampled(8), "fixed": fixed}
KINDS = [f"{trials}, {learner}" for learner in LEARNERS for trials in SUPPLIES]
"""Of trials and learner."""


def make_kind(kind: str, net: RateRNN | None = None, **options: Any) -> Trainer:
    trials, learner = kind.split(", ")
    return make_trainer(net, trials=SUPPLIES[trials](), learner=LEARNERS[learner](), **options)


def make_curriculum(net: RateRNN | None = None, steps: int = 80, **options: Any) -> Trainer:
    """Three fixations, each for so many steps; the last one for ever."""
    stages = [(make_task(fixation=fixation), AfterSteps(steps)) for fixation in (40.0, 60.0, 80.0)]
    return make_trainer(net, Curriculum([*stages[:2], stages[2][:1]]), **options)


@dataclass(frozen=True)
class AfterSteps:
    """A criterion that so many steps of a stage meet."""

    steps: int

    def __call__(self, history: History) -> bool:
        return history.n_steps >= self.steps
