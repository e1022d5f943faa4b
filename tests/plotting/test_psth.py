import matplotlib.pyplot as plt
import numpy as np
import pytest

from eicon import analysis, plotting

from .reading import legend_texts

RNG = np.random.default_rng(0)
N, N_E = 10, 7
EXCITATORY = np.arange(N) < N_E
CHOICE = np.arange(40) % 2
RATES = RNG.random((20, 40, N)) + 0.3 * (CHOICE == 0)[:, None] * RNG.normal(size=N)
LEVELS = np.array([-10.0, -3.0, 3.0, 10.0])


def psth(levels=None):
    return analysis.coding.psth(
        RATES, np.tile(LEVELS, 10) if levels is None else levels, 4, 20.0, window=(-80.0, 320.0)
    )


def test_psth_has_a_line_with_its_error_per_condition():
    result = psth()
    ax = plotting.coding.plot_psth(result, 2)
    lines = [one for one in ax.lines if len(one.get_xdata()) == result.time.size]
    assert len(lines) == len(ax.collections) == 4
    for row, (one, band) in enumerate(zip(lines, ax.collections, strict=True)):
        np.testing.assert_array_equal(one.get_ydata(), result.average[row, :, 2])
        edge = band.get_paths()[0].vertices
        sem = np.nan_to_num(result.sem[row, :, 2])
        assert edge[:, 1].max() == pytest.approx(np.nanmax(result.average[row, :, 2] + sem))
    assert ax.get_xlabel() == "time from the event (ms)"
    assert ax.child_axes[0].get_ylabel() == "condition"
    named = plotting.coding.plot_psth(psth(np.where(CHOICE == 0, "left", "right")), 2, since="response")
    assert legend_texts(named) == ["left", "right"]
    assert named.child_axes == []


def test_heatmap_has_a_row_per_unit_in_order_scaled_to_its_range():
    result = psth()
    ax = plotting.coding.plot_psth_heatmap(result, excitatory=EXCITATORY)
    course = result.average.mean(axis=0)
    order = analysis.coding.sort_by_peak(course, excitatory=EXCITATORY)
    low, high = np.nanmin(course, axis=0), np.nanmax(course, axis=0)
    shown = np.ma.filled(ax.images[0].get_array(), np.nan)
    assert np.isnan(shown[:, -1]).all()  # after the end of all trials
    np.testing.assert_allclose(shown, ((course - low) / (high - low)).T[order])
    assert [text.get_text() for text in ax.get_yticklabels()] == ["E", "I"]
    left, right, bottom, top = ax.images[0].get_extent()
    assert (left, right, bottom, top) == (-90.0, 330.0, 9.5, -0.5)
    one = plotting.coding.plot_psth_heatmap(result, condition=1, order=np.arange(N)[::-1])
    chosen = result.average[1]
    scaled = (chosen - np.nanmin(chosen, axis=0)) / (np.nanmax(chosen, axis=0) - np.nanmin(chosen, axis=0))
    np.testing.assert_allclose(np.ma.filled(one.images[0].get_array(), np.nan), scaled.T[::-1])


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: plotting.coding.plot_psth(psth(), 10), r"`unit` must be one of 0..9; got 10"),
        (lambda: plotting.coding.plot_psth_heatmap(psth(), condition=4), r"`condition` must be one of 0..3; got 4"),
        (lambda: plotting.coding.plot_psth_heatmap(psth(), order=[0, 0, 1]), r"`order` must be a permutation of 0..9"),
        (
            lambda: plotting.coding.plot_psth_heatmap(psth(), order=np.arange(N), excitatory=~EXCITATORY),
            r"`order` must put all E units before all I units",
        ),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
    assert plt.get_fignums() == []
