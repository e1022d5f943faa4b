"""Seeds of a user, wherever they are taken: all of their bits count, and what is no seed is refused."""

import jax
import numpy as np
import pytest

from eicon.models import RateRNN, circuits
from eicon.studies import compare_networks, dt_report
from eicon.studies._condense import reference
from eicon.studies._responses import responses
from eicon.tasks import SequenceMemory
from eicon.training import Fixed, HessianFree, Trainer, split_trials

from .tiny import make_net, make_task, make_trainer

MEMORY = SequenceMemory(pattern_length=2)
NET = RateRNN.dale(2, 6, 2, sigma_rec=0.2, spectral_radius=1.0, seed=1)


def bits(key):
    return np.asarray(jax.random.key_data(key))


def fixed(seed):
    trials = split_trials(MEMORY.trials(8, key=jax.random.key(0)), 0.5, key=jax.random.key(1))
    return bits(Trainer(RateRNN.dale(2, 6, 1), MEMORY, trials=Fixed(*trials, batch_size=4), seed=seed)._key)


MADE = {
    "network": lambda seed: np.asarray(make_net(seed=seed).raw_rec.value),
    "noise of a network": lambda seed: np.asarray(make_net(seed=seed).noise_key.value),
    "circuit": lambda seed: np.asarray(circuits.BumpRing(seed=seed).noise_key.value),
    "Trainer": lambda seed: bits(make_trainer(seed=seed)._key),
    "Trainer, fixed trials": fixed,
    "Trainer, Hessian-free": lambda seed: bits(make_trainer(learner=HessianFree(), seed=seed)._key),
    "dt_report": lambda seed: dt_report(NET, make_task(), (20.0, 10.0), repeats=2, seed=seed)[0].mean_rate,
    "responses": lambda seed: np.asarray(responses(NET, make_task(), 2, seed=seed).activity.rates),
    "condensation": lambda seed: np.asarray(reference(NET, make_task(), seed, 2).rates),
    "comparison": lambda seed: compare_networks(NET, make_net(), make_task(), repeats=2, seed=seed).sides[0].outputs,
}


def same(a, b):
    return np.shape(a) == np.shape(b) and np.array_equal(a, b)


@pytest.mark.parametrize("name", MADE)
def test_all_bits_of_a_seed_count(name):
    make = MADE[name]
    first = make(3)
    assert same(first, make(3))
    assert not same(first, make(2**32 + 3))


@pytest.mark.parametrize("seed", [-1, 2**64])
@pytest.mark.parametrize("name", MADE)
def test_what_is_no_seed_is_refused(name, seed):
    with pytest.raises(ValueError, match=rf"a seed must be a whole number in 0..2\*\*64 - 1; got {seed}."):
        MADE[name](seed)
