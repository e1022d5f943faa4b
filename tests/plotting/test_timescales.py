import numpy as np
import pytest
from matplotlib.colors import to_hex

from eicon import analysis, plotting

from .reading import legend_texts, line

RNG = np.random.default_rng(0)
N = 6


def test_timescales_by_type_with_the_fit_of_the_population():
    lags = np.arange(1, 21) * 10.0
    units = np.exp(-lags[:, None] / np.array([50.0, 60.0, 200.0])) + 0.1
    units = np.concatenate([units, np.full((20, 1), np.nan)], axis=1)
    tau = np.array([50.0, 60.0, 200.0, np.nan])
    none = np.zeros(4, int)
    result = analysis.results.Timescales(tau, tau, tau, tau, 80.0, 0.9, 0.05, 0.99, units, lags, 1, none)
    ax = plotting.coding.plot_timescales(result, excitatory=[True, True, False, False])
    e, i = ax.collections
    assert to_hex(e.get_color()[0]).upper() == plotting.E_COLOR
    assert to_hex(i.get_color()[0]).upper() == plotting.I_COLOR
    np.testing.assert_allclose(e.get_segments()[1], np.column_stack([lags, units[:, 1]]))
    assert legend_texts(ax) == [
        "excitatory (median 55 ms)",
        "inhibitory (median 200 ms)",
        "population",
        "exponential, 80 ms",
    ]
    assert ax.get_legend().get_title().get_text() == "1 of 4 units without a fit"
    np.testing.assert_allclose(line(ax, "population").get_ydata(), units[:, :3].mean(axis=1))
    x, y = line(ax, "exponential, 80 ms").get_data()
    np.testing.assert_allclose(y, 0.9 * np.exp(-x / 80.0) + 0.05)
    nothing = result._replace(population_tau=np.nan, autocorrelation=np.full((20, 4), np.nan))
    assert legend_texts(plotting.coding.plot_timescales(nothing)) == ["population"]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: plotting.coding.plot_timescales(
                analysis.coding.timescales(RNG.normal(size=(9, 9, 2)), 1.0), excitatory=np.ones(3, bool)
            ),
            r"`excitatory` must be bools, shape \(N,\) = \(2,\)",
        ),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
