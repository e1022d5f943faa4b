"""Two trainers of the same tiny training, compiled once; each test gets them at step 0."""

import numpy as np
import pytest

from eicon.training import Trainer
from eicon.training.results import History

from .tiny import Start, fit, make_net, make_trainer, rewind, start_of, state


@pytest.fixture(scope="session")
def _trainer_at_0() -> tuple[Trainer, Start]:
    trainer = make_trainer()
    return trainer, start_of(trainer)


@pytest.fixture(scope="session")
def _twin_at_0() -> tuple[Trainer, Start]:
    twin = make_trainer(make_net(seed=2))
    return twin, start_of(twin)


@pytest.fixture
def trainer(_trainer_at_0) -> Trainer:
    return rewind(*_trainer_at_0)


@pytest.fixture
def twin(_twin_at_0) -> Trainer:
    """Same training from other initial weights: what `resume` must make equal."""
    return rewind(*_twin_at_0)


@pytest.fixture(scope="session")
def reference(_trainer_at_0) -> tuple[dict[str, np.ndarray], History]:
    """State and history after 20 steps without any interruption."""
    trainer = rewind(*_trainer_at_0)
    fit(trainer, 20)
    return state(trainer), trainer.history


@pytest.fixture(scope="session")
def at_10(_trainer_at_0) -> tuple[dict[str, np.ndarray], History]:
    trainer = rewind(*_trainer_at_0)
    fit(trainer, 10)
    return state(trainer), trainer.history
