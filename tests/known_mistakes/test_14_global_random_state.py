"""Mistake 14: random numbers come from a global state that is never seeded."""

import random

import numpy as np
import pytest

from eicon.connectomes._expand import expand
from eicon.connectomes._nulls import NULLS
from eicon.connectomes._signs import assign_signs

rng = np.random.default_rng(0)
REGIONS = rng.random((9, 9)) * (rng.random((9, 9)) < 0.5) * (1 - np.eye(9))
POINTS = rng.random((9, 2))

OURS = {
    "expand": lambda seed: expand(REGIONS, 5, partition="random", seed=seed).weights,
    "expand, sparse": lambda seed: expand(REGIONS, 5, partition="random", sparse=True, seed=seed).weights.toarray(),
    "expand, stick-breaking": lambda seed: expand(REGIONS, 5, partition="stick-breaking", seed=seed).weights,
    "assign_signs": lambda seed: assign_signs(np.repeat(np.arange(9), 5), seed=seed),
    **{
        name: lambda seed, name=name: NULLS[name](
            REGIONS,
            seed=seed,
            **({"coordinates": POINTS} if "distance" in name else {}),
            **({"types": np.arange(9) % 2} if "types" in name else {}),
        )
        for name in NULLS
    },
}


def states() -> tuple[bytes, str]:
    return np.random.get_state()[1].tobytes(), repr(random.getstate())  # noqa: NPY002


def check(make) -> None:
    """Check the effect of the seed bit for bit, and that the global states are neither used nor changed."""
    before = states()
    first = np.asarray(make(1)).tobytes()
    assert states() == before
    random.random()
    np.random.random()  # noqa: NPY002
    assert np.asarray(make(1)).tobytes() == first
    assert np.asarray(make(2)).tobytes() != first


def wrong(seed: int) -> np.ndarray:
    weights = REGIONS.copy()
    off = ~np.eye(9, dtype=bool)
    weights[off] = np.random.permutation(weights[off])  # noqa: NPY002
    return weights


@pytest.mark.parametrize("name", OURS)
def test_ours(name):
    check(OURS[name])


def test_the_wrong_version_fails():
    with pytest.raises(AssertionError):
        check(wrong)
