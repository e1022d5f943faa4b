"""Simulated teachers as recordings."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import pytest

from eicon.recordings import simulated

RNG = np.random.default_rng(4)


class Activity(NamedTuple):
    outputs: np.ndarray
    rates: np.ndarray
    currents: np.ndarray


DONE = Activity(*(RNG.random((400, 10, n)) for n in (2, 5, 5)))


@pytest.mark.parametrize(("observed", "field"), [("rate", "rates"), ("current", "currents"), ("output", "outputs")])
def test_each_quantity_is_that_of_the_network(observed, field):
    found = simulated(DONE, 10, observed=observed)
    np.testing.assert_array_equal(found.activity, getattr(DONE, field))
    assert found.units == tuple(map(str, range(found.n_units)))


def test_some_units_keep_their_numbers_or_names():
    found = simulated(DONE, 10, units=[3, 0])
    assert found.units == ("3", "0")
    np.testing.assert_array_equal(found.activity, DONE.rates[:, :, [3, 0]])
    assert simulated(DONE, 10, units=list("abcde")).of_units(["d"]).units == ("d",)
    for wrong, text in (([5], "units must be in 0..4; got 5"), (["a"], "names must be those of all 5 units; got 1")):
        with pytest.raises(ValueError, match=text):
            simulated(DONE, 10, units=wrong)


def test_measurement_noise_is_relative_to_each_unit():
    scaled = DONE.rates * np.array([1, 10, 100, 1000, 0])
    added = simulated(scaled, 10, noise=0.2, seed=1).activity - scaled
    np.testing.assert_allclose(added[:, :, :4].std(axis=(0, 1)), 0.2 * scaled.std(axis=(0, 1))[:4], rtol=0.05)
    assert not added[:, :, 4].any()  # of a unit that does not vary
    assert abs(np.corrcoef(added[1:, :, 0].ravel(), added[:-1, :, 0].ravel())[0, 1]) < 0.05
    unknown = np.where(np.arange(5) == 2, np.nan, scaled)
    np.testing.assert_array_equal(simulated(unknown, 10, noise=0.2).is_observed, np.isfinite(unknown))
    again = simulated(scaled, 10, noise=0.2, seed=1).activity
    np.testing.assert_array_equal(again - scaled, added)


def test_counts_are_of_poisson():
    rates = np.full((2000, 5, 2), 0.5) * np.array([1, 4])
    counts = simulated(rates, 20, observed="counts", hz=100).activity
    np.testing.assert_allclose(counts.mean(axis=(0, 1)), [1.0, 4.0], rtol=0.05)
    np.testing.assert_allclose(counts.var(axis=(0, 1)), [1.0, 4.0], rtol=0.08)
    assert (simulated(-rates, 20, observed="counts").activity == 0).all()
    with pytest.raises(ValueError, match="noise of counts, which are already random, must be 0; got 0.1"):
        simulated(rates, 20, observed="counts", noise=0.1)


def test_calcium_is_the_rate_through_an_exponential():
    found = simulated(DONE, 10, observed="calcium", decay=50)
    kept, c = np.exp(-10 / 50), DONE.rates[0]
    for t in range(400):
        c = kept * c + (1 - kept) * DONE.rates[t]
        np.testing.assert_allclose(found.activity[t], c)
    assert found.decay == 50
    with pytest.raises(ValueError, match="calcium needs decay"):
        simulated(DONE, 10, observed="calcium")


def test_calcium_is_what_a_network_predicts():
    from eicon.training._recorded import filtered

    found = simulated(DONE, 10, observed="calcium", decay=50).activity
    np.testing.assert_allclose(filtered(jnp.asarray(DONE.rates, jnp.float32), 10.0, 50.0), found, atol=1e-5)
