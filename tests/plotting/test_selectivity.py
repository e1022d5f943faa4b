import numpy as np
from matplotlib.colors import to_rgba

from eicon import analysis, plotting

RNG = np.random.default_rng(0)
N, N_E = 12, 9
EXCITATORY = RNG.permutation(np.arange(N) < N_E)
CHOICE = np.arange(40) % 2
RATES = RNG.random((15, 40, N)) + 0.5 * (CHOICE == 0)[:, None] * RNG.normal(size=N)
SELECTIVITY = analysis.selectivity(RATES, CHOICE, excitatory=EXCITATORY)


def test_selectivity_histogram_counts_every_finite_unit_once():
    ax = plotting.plot_selectivity(SELECTIVITY, bins=8)
    e, i = ax.containers
    assert sum(bar.get_height() for bar in e) == 9
    assert sum(bar.get_height() for bar in i) == 3
    assert e[0].get_facecolor() == to_rgba(plotting.E_COLOR)
    assert i[0].get_facecolor() == to_rgba(plotting.I_COLOR)
    assert "d'" in ax.get_xlabel()
    assert ax.get_legend().get_title().get_text() == ""


def test_selectivity_histogram_reports_infinite_units_and_takes_untyped_ones():
    odd = SELECTIVITY._replace(d_prime=np.array([np.inf, -np.inf, *np.linspace(-1, 1, N - 2)]), excitatory=None)
    ax = plotting.plot_selectivity(odd)
    assert sum(bar.get_height() for bar in ax.patches) == N - 2
    assert ax.get_legend().get_title().get_text() == "2 with infinite d' not shown"


def test_units_that_pass_the_test_are_counted():
    tested = analysis.selectivity(RATES, CHOICE, excitatory=EXCITATORY, n_permutations=99, rng=0)
    ax = plotting.plot_selectivity(tested)
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    for name, members in (("excitatory", EXCITATORY), ("inhibitory", ~EXCITATORY)):
        count = np.count_nonzero(tested.p_value[members] < 0.05)
        assert f"{name} ({count} of {members.sum()} with p < 0.05)" in texts
