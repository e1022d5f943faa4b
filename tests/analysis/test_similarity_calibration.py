"""How often each null rejects what has nothing in common, at p <= 0.05.

`python -m pytest -s -m slow` on this file prints the table of docs/howto/compare_recordings.md (20 minutes); the
batteries do a fifth of three cases.
"""

from functools import cache

import jax
import numpy as np
import pytest

from eicon.analysis import compare
from eicon.models import RateRNN

SIMULATIONS = {"slow": 200, "battery": 40}
MEASURES = {
    "CKA": lambda found: found.cka,
    "RSA": lambda found: found.rsa,
    "Procrustes": lambda found: found.procrustes,
    "CCA": lambda found: found.cca,
    "aligned NRMSE": lambda found: found.aligned_nrmse[0],
}


def smooth(rng, shape, memory=0.9):
    """Noise with a memory, stationary from its first step."""
    values = rng.normal(size=shape)
    values[1:] *= np.sqrt(1 - memory**2)
    for step in range(1, len(values)):
        values[step] += memory * values[step - 1]
    return values


def white(rng, _):
    return rng.normal(size=(4, 20, 12)), rng.normal(size=(4, 20, 20)), {}


def walks(rng, _):
    return smooth(rng, (20, 20, 12)), smooth(rng, (20, 20, 20)), {}


def course(rng, _):
    """Networks that share the time course of all trials, and nothing else."""
    time = np.linspace(0, 3, 15)[:, None, None]
    sides = [np.sin(time * rng.uniform(1, 2, n)) + 0.5 * smooth(rng, (15, 20, n)) for n in (12, 20)]
    return *sides, {}


def long_trial(rng, _):
    """One recording of 400 steps each, turned in time."""
    return smooth(rng, (400, 1, 6), 0.8), smooth(rng, (400, 1, 8), 0.8), {}


def tuned(rng, _):
    """Two networks that tell conditions apart, each in its own way; trials of their own, with noise."""
    labels = np.repeat(np.arange(10), 4)
    sides = [rng.normal(size=(4, 10, n))[:, labels] + rng.normal(size=(4, 40, n)) for n in (12, 20)]
    return *sides, {"conditions": labels}


@cache
def networks():
    return [RateRNN.dale(2, n_rec=n, n_out=1, dt=20.0, seed=n, sigma_rec=0.1) for n in (15, 20)]


def untrained(rng, seed):
    """Two networks that were never trained, each in trials of its own."""
    rates = []
    for place, net in enumerate(networks()):
        key = jax.random.fold_in(jax.random.key(place), seed)
        inputs = smooth(rng, (20, 20, 2)).astype(np.float32)
        rates.append(np.asarray(net.predict(inputs, key=key).rates))
    return *rates, {}


CASES = {
    "white noise": (white, "trials"),
    "smooth noise": (walks, "trials"),
    "shared time course": (course, "trials"),
    "untrained networks": (untrained, "trials"),
    "conditions": (tuned, "conditions"),
    "one long trial": (long_trial, "time"),
}


def false_alarms(make, permuted, n):
    """Part of p <= 0.05 for each measure; with 39 permutations exactly 0.05 of those of exchangeable samples."""
    rng = np.random.default_rng(0)
    p = {name: [] for name in MEASURES}
    for simulation in range(n):
        a, b, options = make(rng, simulation)
        found = compare(a, b, n_components=3, n_permutations=39, rng=rng, **options)
        assert found.cka.permuted == permuted
        for name, of in MEASURES.items():
            p[name].append(of(found).p)
    return {name: float(np.mean(np.array(values) <= 0.05)) for name, values in p.items()}


SHORT = [pytest.param("battery", case, marks=pytest.mark.battery) for case in list(CASES)[1::2]]
LONG = [pytest.param("slow", case, marks=pytest.mark.slow) for case in CASES]


@pytest.mark.parametrize(("how", "case"), SHORT + LONG)
def test_false_alarms(how, case):
    n = SIMULATIONS[how]
    found = false_alarms(*CASES[case], n)
    # With -s, a row of the table.
    print(f"| {case} | {CASES[case][1]} | {' | '.join(f'{rate:.3f}' for rate in found.values())} |")  # noqa: T201
    # Three standard errors of so many simulations at 5 %.
    assert max(found.values()) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / n), found
