import numpy as np
import pytest

from eicon.analysis.fits import population_currents
from eicon.plotting import fits

from .reading import legend_texts, line

RNG = np.random.default_rng(0)
T, B, N = 10, 3, 6
LABELS = np.array(["S1", "M1", "M1", "S1", "PMC", "PMC"])
INSIDE = np.arange(T)[:, None] < np.array([10, 10, 6])
RATES, WEIGHTS = RNG.normal(size=(T, B, N)), RNG.normal(size=(N, N))
RESULT = population_currents(WEIGHTS, RATES, LABELS, mask=INSIDE)


def test_shares_are_a_matrix_of_sources_and_targets():
    ax = fits.plot_current_shares(RESULT)
    np.testing.assert_allclose(np.asarray(ax.collections[0].get_array()).reshape(3, 3), RESULT.share)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["M1", "PMC", "S1"]
    assert {text.get_text() for text in ax.texts} == {f"{value:.2f}" for value in RESULT.share.ravel()}
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("target", "source")


def test_currents_are_means_over_units_and_trials_that_are_not_over():
    ax = fits.plot_currents(RESULT, "M1", 10.0, start=-20.0)
    assert legend_texts(ax) == ["sum", "M1", "PMC", "S1"]
    into = RATES[..., LABELS == "PMC"] @ WEIGHTS[np.ix_(LABELS == "PMC", LABELS == "M1")]
    wanted = [into[step, INSIDE[step]].mean() for step in range(T)]
    np.testing.assert_allclose(line(ax, "PMC").get_ydata(), wanted)
    np.testing.assert_allclose(line(ax, "PMC").get_xdata(), np.arange(T) * 10.0 - 20.0)
    total = (RATES @ WEIGHTS)[..., LABELS == "M1"].mean(axis=2)
    np.testing.assert_allclose(line(ax, "sum").get_ydata(), [total[step, INSIDE[step]].mean() for step in range(T)])
    one = fits.plot_currents(RESULT, "M1", 10.0, trial=2)
    np.testing.assert_allclose(line(one, "PMC").get_ydata()[:6], into[:6, 2].mean(axis=1))
    assert np.isnan(line(one, "PMC").get_ydata()[6:]).all()


def test_errors():
    with pytest.raises(ValueError, match="no population 'V1'; there are M1, PMC, S1"):
        fits.plot_currents(RESULT, "V1", 10.0)
    with pytest.raises(ValueError, match=r"`trial` must be in 0\.\.2; got 3"):
        fits.plot_currents(RESULT, "M1", 10.0, trial=3)
