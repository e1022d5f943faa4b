"""Networks trained with every optimizer, shared by the mistakes that concern training."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from eicon.models import Connectivity, RateRNN
from eicon.tasks import PerceptualDecision
from eicon.training import OPTIMIZERS, Trainer


@dataclass(frozen=True)
class Trained:
    """A Dale network before and after hard training, and which of its recurrent entries were frozen."""

    net: RateRNN
    before: np.ndarray
    frozen: np.ndarray


def short_task() -> PerceptualDecision:
    return PerceptualDecision(fixation=20.0, stimulus=60.0, decision=40.0)


@pytest.fixture(scope="session")
def task() -> PerceptualDecision:
    return short_task()


@pytest.fixture(scope="session")
def trained() -> Callable[[str], Trained]:
    """Train a network with the named optimizer, weight decay, and a rate at which many raw weights change sign."""
    done: dict[str, Trained] = {}

    def train(name: str) -> Trained:
        if name not in done:
            dale = Connectivity.dale(10)
            start = RateRNN.dale(2, 10, 2, seed=1)
            frozen = dale.mask & (np.random.default_rng(0).random((10, 10)) < 0.3)
            net = RateRNN(
                dale.frozen(start.W_rec, frozen),
                start.input.connectivity,
                start.readout.connectivity,
                weights={"recurrent": start.W_rec, "input": start.W_in, "readout": start.W_out},
            )
            before = np.asarray(net.W_rec)
            optimizer = OPTIMIZERS[name](lr=0.1, weight_decay=0.01)
            Trainer(net, short_task(), optimizer=optimizer, clip_norm=None, batch_size=8).fit(20, progress=False)
            done[name] = Trained(net, before, frozen)
        return done[name]

    return train
