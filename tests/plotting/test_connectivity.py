import matplotlib.pyplot as plt
import numpy as np
import pytest

from eicon import analysis, plotting

RNG = np.random.default_rng(0)
N, N_E = 12, 9
EXCITATORY = RNG.permutation(np.arange(N) < N_E)
CHOICE = np.arange(40) % 2
RATES = RNG.random((15, 40, N)) + 0.5 * (CHOICE == 0)[:, None] * RNG.normal(size=N)
WEIGHTS = np.abs(RNG.normal(size=(N, N))) * np.where(EXCITATORY, 0.1, -0.3)[:, None]
SELECTIVITY = analysis.selectivity(RATES, CHOICE, excitatory=EXCITATORY)


def test_connectivity_shows_the_sorted_matrix_with_rows_as_sources():
    order = SELECTIVITY.order
    ax = plotting.plot_connectivity(WEIGHTS, order, EXCITATORY)
    (image,) = ax.images
    shown = np.asarray(image.get_array())
    for row in range(N):
        for column in range(N):
            assert shown[row, column] == WEIGHTS[order[row], order[column]]
    assert ax.get_ylabel() == "from (presynaptic)"
    assert ax.get_xlabel() == "to (postsynaptic)"
    assert ax.yaxis_inverted()
    assert [text.get_text() for text in ax.get_yticklabels()] == ["E", "I"]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["E", "I"]
    assert ax.get_yticks().tolist() == [4.0, 10.0]
    boundaries = sorted((tuple(one.get_xdata()), tuple(one.get_ydata())) for one in ax.lines)
    assert boundaries == [((0, 1), (8.5, 8.5)), ((8.5, 8.5), (0, 1))]
    # an E row is drawn blue, an I row red
    assert np.all(shown[:9] > 0)
    assert np.all(shown[9:] < 0)
    strong = image.cmap(image.norm(np.array([-0.5, 0.5]) * image.norm.vmax))
    assert strong[0, 0] > strong[0, 2]
    assert strong[1, 2] > strong[1, 0]


def test_connectivity_scale_is_symmetric_and_robust():
    weights = np.full((20, 20), 0.1)
    weights[0, 1], weights[:, 5] = 50.0, 0.0
    image = plotting.plot_connectivity(weights).images[0]
    assert image.get_clim() == pytest.approx((-0.1, 0.1))
    assert image.colorbar.extend == "both"
    assert image.colorbar.ax.get_ylabel() == "effective weight"
    full = plotting.plot_connectivity(weights, percentile=100).images[0]
    assert full.get_clim() == (-50.0, 50.0)
    assert full.colorbar.extend == "neither"
    assert plotting.plot_connectivity(np.zeros((3, 3))).images[0].get_clim() == (-1.0, 1.0)


def test_connectivity_without_order_puts_e_first_and_keeps_the_rest():
    ax = plotting.plot_connectivity(WEIGHTS, excitatory=EXCITATORY)
    order = [*np.flatnonzero(EXCITATORY), *np.flatnonzero(~EXCITATORY)]
    np.testing.assert_array_equal(ax.images[0].get_array(), WEIGHTS[order][:, order])


AREAS = np.array(["V1", "MT", "V1", "MT", "V1", "PFC", "PFC", "V1", "MT", "V1", "PFC", "MT"])


def test_units_are_sorted_by_label_with_borders_and_names():
    ax = plotting.plot_connectivity(WEIGHTS, excitatory=EXCITATORY, order_by=AREAS)
    types = (EXCITATORY, ~EXCITATORY)
    order = np.concatenate([np.flatnonzero(np.equal(AREAS, a) & e) for a in ("V1", "MT", "PFC") for e in types])
    np.testing.assert_array_equal(ax.images[0].get_array(), WEIGHTS[order][:, order])
    assert [text.get_text() for text in ax.get_yticklabels()] == ["V1", "MT", "PFC"]
    assert ax.get_xticks().tolist() == [2.0, 6.5, 10.0]
    borders = sorted(one.get_ydata()[0] for one in ax.lines if tuple(one.get_xdata()) == (0, 1))
    assert borders == [4.5, 8.5]
    nested = plotting.plot_connectivity(
        WEIGHTS, order_by=[AREAS, np.where(EXCITATORY, "E", "I")], excitatory=EXCITATORY
    )
    names = [text.get_text() for text in nested.get_yticklabels()]
    assert names[0].startswith("V1 ")
    assert len(names) == len({f"{area} {e}" for area, e in zip(AREAS, EXCITATORY, strict=True)})
    colours = {text.get_text()[-1]: text.get_color() for text in nested.get_yticklabels()}
    assert colours == {"E": plotting.E_COLOR, "I": plotting.I_COLOR}
    order = SELECTIVITY.order
    within = plotting.plot_connectivity(WEIGHTS, order, order_by=AREAS).images[0].get_array()
    wanted = np.concatenate([order[AREAS[order] == area] for area in ("V1", "MT", "PFC")])
    np.testing.assert_array_equal(within, WEIGHTS[wanted][:, wanted])


def test_small_blocks_among_many_have_borders_and_no_names():
    labels = np.array(["large"] * 180 + [f"area {i}" for i in range(20)])
    ax = plotting.plot_connectivity(np.eye(200), order_by=labels)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["large"]
    assert len(ax.lines) == 40


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: plotting.plot_connectivity(np.ones((2, 3))), r"`W` must be square.*got shape \(2, 3\)"),
        (
            lambda: plotting.plot_connectivity(WEIGHTS, percentile=0),
            r"`percentile` must be in \(0, 100\]; got 0",
        ),
        (
            lambda: plotting.plot_connectivity(WEIGHTS, np.zeros(N, int)),
            r"`order` must be a permutation of 0..11",
        ),
        (
            lambda: plotting.plot_connectivity(WEIGHTS, SELECTIVITY.order[::-1], EXCITATORY),
            r"`order` must put all E units before all I units; got them interleaved",
        ),
        (
            lambda: plotting.plot_connectivity(WEIGHTS, order_by=["a"] * 5),
            r"`order_by` must contain one label per unit",
        ),
        (lambda: plotting.plot_connectivity(WEIGHTS, None, [True]), r"`excitatory` must be bools.*\(12,\)"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
    assert plt.get_fignums() == []
