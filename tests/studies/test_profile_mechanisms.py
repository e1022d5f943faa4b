"""The same outputs by another mechanism: a memory that is sustained, and one that travels along a chain of units."""

import numpy as np
import pytest

from eicon.models import Connectivity, RateRNN
from eicon.studies import profiles
from eicon.tasks import DelayedResponse

pytestmark = pytest.mark.battery

DT = 20.0
CUE, DELAY, RESPONSE = 5, 20, 5
"""Steps; all memories know them, and the travelling one relies on them."""
TASK = DelayedResponse(
    dt=DT, n_directions=2, n_channels=4, fixation=4 * DT, cue=CUE * DT, delay=DELAY * DT, response=RESPONSE * DT
)
DRIVE, HELD, CONTRAST, NOISE = 0.3, 20.0, 8.0, 0.005


def with_gates(w_rec, enters, read):
    """Network of memory units and two gates, which are open while the fixation input is off.

    In a step of one time constant a unit's current is what it receives, so that a chain of weights 1 is a delay line.
    """
    n = len(w_rec)
    weights = np.zeros((n + 2, n + 2))
    weights[:n, :n] = w_rec
    weights[:n, n:] = CONTRAST * np.outer(read, [1.0, -1.0])
    inputs = np.zeros((TASK.n_in, n + 2))
    angles = 2 * np.pi * np.arange(TASK.n_channels) / TASK.n_channels
    inputs[1:, :n] = np.outer(np.cos(angles), enters)
    inputs[0, n:] = -HELD
    bias = np.zeros(n + 2)
    bias[n:] = HELD * TASK.baseline
    readout = np.zeros((n + 2, 2))
    readout[n:, 0] = 0.5, -0.5
    shapes = [Connectivity.dense(*w.shape) for w in (weights, inputs, readout)]
    made = {"recurrent": weights, "input": inputs, "readout": readout}
    options = {"activation": "tanh", "tau": DT, "dt": DT, "sigma_rec": NOISE}
    return RateRNN(*shapes, weights=made, parameters={"b_rec": bias}, **options)


def travelling():
    """The cue enters the first of a chain of units; the gates read those where it is in the response."""
    n = CUE + DELAY + RESPONSE + 2
    read = np.zeros(n)
    read[DELAY - 1 :] = 1.0
    enters = np.zeros(n)
    enters[0] = DRIVE
    return with_gates(np.diag(np.ones(n - 1), 1), enters, read)


def sustained(n):
    """Units that excite each other and stay on, at +-0.5 or so."""
    return with_gates(np.full((n, n), 1.1 / n), np.full(n, DRIVE), np.full(n, 2.0 / n))


@pytest.fixture(scope="module")
def found():
    nets = {"sustained": sustained(8), "larger": sustained(12), "travelling": travelling()}
    return profiles(nets, TASK, repeats=10, candidates=64, n_permutations=19)


def test_all_of_them_solve_the_task_with_the_same_outputs(found):
    for pair in found.pairs.values():
        np.testing.assert_array_equal(pair.scores["as trained"], 1.0)
        assert pair.outputs.value < 0.02


def test_the_same_mechanism_in_more_units_is_the_same(found):
    pair = found.pairs["sustained", "larger"]
    for respect in ("activity", "outputs", "fixed_points", "eigenvalues", "perturbations"):
        assert pair.likeness(respect) > 0.9, respect
    assert pair.fixed_points.value == 1.0


def test_another_mechanism_is_told_apart(found):
    """Where the memory travels, no state is kept: no fixed points but rest, no eigenvalue but 0, no longer delay."""
    pair = found.pairs["sustained", "travelling"]
    for respect in ("activity", "fixed_points", "eigenvalues"):
        assert pair.likeness(respect) < 0.5, respect
    assert pair.eigenvalues.value == pytest.approx(1.0)
    assert pair.perturbations.value < found.pairs["sustained", "larger"].perturbations.value - 0.2
    assert pair.generalisation.value < 0.5
    np.testing.assert_array_equal(pair.scores["delay x 1.5"] == 1.0, [True, False])
