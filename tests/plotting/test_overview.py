import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

from eicon import analysis
from eicon.plotting._files import save_png
from eicon.plotting._overview import plot_overview

RNG = np.random.default_rng(0)
N, N_E = 12, 9
EXCITATORY = RNG.permutation(np.arange(N) < N_E)
CHOICE = np.arange(40) % 2
RATES = RNG.random((15, 40, N)) + 0.5 * (CHOICE == 0)[:, None] * RNG.normal(size=N)
COHERENCE = np.where(CHOICE == 0, 1, -1) * RNG.choice([-3.2, 3.2, 6.4, 25.6], 40)
WEIGHTS = np.abs(RNG.normal(size=(N, N))) * np.where(EXCITATORY, 0.1, -0.3)[:, None]
SELECTIVITY = analysis.selectivity(RATES, CHOICE, excitatory=EXCITATORY)
PSYCHOMETRIC = analysis.psychometric(COHERENCE, CHOICE)
AVERAGE = analysis.condition_average(analysis.pca(RATES).trajectories, COHERENCE)


def test_overview_holds_the_three_plots_and_is_saved_as_png(tmp_path):
    components = analysis.pca(RATES)
    before = dict(mpl.rcParams)
    figure = plot_overview(PSYCHOMETRIC, WEIGHTS, SELECTIVITY, components, AVERAGE, dt=20.0)
    assert dict(mpl.rcParams) == before
    labels = [ax.get_xlabel() for ax in figure.axes[:3]]
    assert labels[0] == "evidence"
    assert labels[1] == "to (postsynaptic)"
    assert labels[2].startswith("PC 1")
    image = figure.axes[1].images[0].get_array()
    np.testing.assert_array_equal(image, WEIGHTS[np.ix_(SELECTIVITY.order, SELECTIVITY.order)])
    with (tmp_path / "overview.png").open("wb") as stream:
        save_png(figure, stream)
    assert (tmp_path / "overview.png").read_bytes().startswith(b"\x89PNG")
    assert plt.get_fignums() == []
