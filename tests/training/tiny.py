"""A tiny training, and how its results are compared."""

from typing import Any

import jax
import numpy as np
import pytest

from eicon.models import RateRNN
from eicon.tasks import PerceptualDecision, Trial, TruncatedExponential
from eicon.training import OPTIMIZERS, Trainer
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
    return kind(**({"coherence": (4.0, 16.0), "fixation": 40.0, "stimulus": stimulus, "decision": 60.0} | options))


def make_net(**options: Any) -> RateRNN:
    noise = {"sigma_rec": 0.15, "sigma_in": 0.01}
    learns = {"train_x0": True, "bias": True, "readout_bias": True}
    return RateRNN.dale(2, 10, 2, **(noise | learns | {"seed": 1} | options))


def make_trainer(net: RateRNN | None = None, task: PerceptualDecision | None = None, **options: Any) -> Trainer:
    settings = {"learning_rate": 0.01, "batch_size": 8, "validation_repeats": 2, "seed": 3} | options
    return Trainer(net or make_net(), task or make_task(), **settings)


def state(trainer: Trainer) -> dict[str, np.ndarray]:
    """Every variable of network and optimizer."""
    return {name: np.asarray(value) for name, value in trainer._snapshot().items()}


def assert_same_state(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> None:
    assert first.keys() == second.keys()
    different = [name for name in first if first[name].tobytes() != second[name].tobytes()]
    assert not different, f"not bit-identical: {different}"


def assert_same_history(first: History, second: History) -> None:
    for name in EXACT:
        a, b = getattr(first, name), getattr(second, name)
        assert a.tobytes() == b.tobytes(), f"{name}: {a} and {b}"


def rewind(trainer: Trainer, values: dict[str, jax.Array]) -> Trainer:
    trainer._restore(values)
    trainer.history = History()
    return trainer


def fit(trainer: Trainer, steps: int, **options: Any) -> History:
    return trainer.fit(steps, **({"validate_every": CHUNK, "progress": False} | options))
