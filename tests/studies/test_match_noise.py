"""Noise of a small network against closed forms: of units that are copies of each other, and linear."""

import numpy as np
import pytest

from eicon.models import Connectivity, RateRNN, activation
from eicon.studies import _match_noise, condense_network, match_noise


@activation
def identity(x):
    return x


def copies(counts, **options):
    """A linear network of groups of equal units, of which each sends its part, and whose unit is which."""
    rng = np.random.default_rng(0)
    groups, owner = len(counts), np.repeat(np.arange(len(counts)), counts)
    weights = rng.normal(size=(groups, groups))
    weights *= 0.9 / np.abs(np.linalg.eigvals(weights)).max()
    share, n = 1 / np.array(counts)[:, None], len(owner)
    values = {
        "recurrent": (weights * share)[np.ix_(owner, owner)],
        "input": rng.normal(size=(2, groups))[:, owner],
        "readout": (rng.normal(size=(groups, 2)) * share)[owner],
    }
    shapes = [Connectivity.dense(*shape) for shape in ((n, n), (2, n), (n, 2))]
    return RateRNN(*shapes, activation=identity(), weights=values, **options), owner


INPUTS = 0.2 * np.cumsum(np.random.default_rng(1).normal(size=(60, 40, 2)), axis=0).astype(np.float32)


def condensed(counts, **options):
    net, owner = copies(counts, **options)
    small, condensation = condense_network(net, INPUTS, len(counts), noise=0.0)
    assert condensation.measured_error < 1e-5, "without noise they do the same"
    return net, small, condensation.kept, 1 / np.sqrt(np.array(counts))[owner[condensation.kept]]


@pytest.mark.parametrize("form", ["scaled", "correlated"])
@pytest.mark.parametrize("sigma_in", [0.0, 0.1])
def test_units_that_speak_for_four_have_half_the_noise(form, sigma_in):
    net, small, kept, wanted = condensed([4] * 5, sigma_rec=0.1, sigma_in=sigma_in)
    matched = match_noise(small, net, kept, INPUTS, form=form)
    np.testing.assert_allclose(matched.scale, wanted, atol=0.08)
    assert matched.misfit < 0.15
    assert (matched.net.sigma_rec, matched.net.sigma_in) == (net.sigma_rec, net.sigma_in)
    if not sigma_in:
        assert matched.misfit_before == pytest.approx(3.0, rel=0.05), "four times the variance in all directions"


def test_each_unit_has_the_noise_of_those_it_speaks_for(monkeypatch):
    monkeypatch.setattr(_match_noise, "PULL", 0.01)
    net, small, kept, wanted = condensed([1, 2, 4, 8], sigma_rec=0.1)
    matched = match_noise(small, net, kept, INPUTS)
    np.testing.assert_allclose(matched.scale, wanted, atol=0.1)
    assert matched.misfit < 0.15 < 1.0 < matched.misfit_before
    covariance = matched.net.noise_covariance
    np.testing.assert_allclose(covariance, np.diag(matched.scale**2), atol=1e-6)


def test_correlated_noise_is_correlated():
    net, small, kept, _ = condensed([1, 2, 4, 8], sigma_rec=0.1)
    matched = match_noise(small, net, kept, INPUTS, form="correlated")
    covariance = matched.net.noise_covariance
    assert np.abs(covariance - np.diag(np.diag(covariance))).max() > 0.02
    np.testing.assert_allclose(matched.scale, np.sqrt(np.diag(covariance)))
    assert matched.misfit < 0.5 < matched.misfit_before


def test_nothing_is_done_without_noise_and_nothing_is_random():
    net, small, kept, _ = condensed([2, 2], sigma_in=0.1)
    matched = match_noise(small, net, kept, INPUTS)
    assert matched.net is small
    assert (matched.misfit, matched.misfit_before) == (0.0, 0.0)
    noisy, small, kept, _ = condensed([2, 2], sigma_rec=0.1)
    first, again, other = (match_noise(small, noisy, kept, INPUTS, key=key) for key in (3, 3, 4))
    np.testing.assert_array_equal(first.scale, again.scale)
    assert not np.array_equal(first.scale, other.scale)
    assert small.noise_covariance is None, "the network that was given stays as it is"


def test_steps_that_do_not_count_change_nothing():
    net, small, kept, _ = condensed([2, 2], sigma_rec=0.1)
    mask = np.ones(INPUTS.shape[:2], bool)
    mask[40:] = False
    changed = INPUTS.copy()
    changed[40:] = 100.0
    scales = [match_noise(small, net, kept, inputs, mask=mask).scale for inputs in (INPUTS, changed)]
    np.testing.assert_allclose(*scales, rtol=1e-5)


def test_a_network_without_recurrent_weights_and_one_that_diverges():
    net, small, kept, _ = condensed([2, 2], sigma_rec=0.1)
    silent = [n.of_parts(n.parts()) for n in (net, small)]
    for n in silent:
        n.raw_rec.value = 0 * n.raw_rec.value
    assert np.isfinite(match_noise(silent[1], silent[0], kept, INPUTS).misfit)
    small.raw_rec.value = 1e3 * small.raw_rec.value
    matched = match_noise(small, net, kept, INPUTS)
    assert matched.net is small
    assert matched.misfit == np.inf
    with pytest.raises(ValueError, match="must be finite; got"):
        match_noise(net, small, [0, 0, 1, 1], INPUTS)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"form": "scale"}, "unknown form 'scale'; allowed: scaled, correlated"),
        ({"units": [0]}, "must be one of the 4 units of the original network for each of the 2 units"),
        ({"units": [0, 4]}, "must be one of the 4 units"),
    ],
)
def test_what_is_refused(options, text):
    net, small, kept, _ = condensed([2, 2], sigma_rec=0.1)
    with pytest.raises(ValueError, match=text):
        match_noise(small, net, **{"units": kept, "inputs": INPUTS, **options})
