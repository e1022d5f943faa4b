from typing import NamedTuple

import jax
import numpy as np
import pytest

from eicon.models import RateRNN
from eicon.models.results import Activity
from eicon.tasks import PerceptualDecision, Task, Trial


class Example(NamedTuple):
    net: RateRNN
    trial: Trial
    activity: Activity
    task: Task


@pytest.fixture(scope="session")
def example() -> Example:
    """Trials of different lengths with catch trials among them, and a network with labels of three kinds."""
    task = PerceptualDecision.variable()
    units = {"area": ["V1"] * 4 + ["näh"] * 6, "depth": np.linspace(0.1, 1.0, 10), "layer": np.arange(10)}
    net = RateRNN.dale(task.n_in, 10, task.n_out, units=units, sigma_rec=0.1, seed=1)
    trial = task.sample(jax.random.key(0), 5)
    assert np.asarray(trial.conditions["catch"]).any()
    return Example(net, trial, net.predict(trial.inputs, key=jax.random.key(1)), task)
