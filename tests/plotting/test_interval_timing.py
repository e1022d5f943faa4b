import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgba

from eicon import analysis, plotting

RATES = np.random.default_rng(0).random((9, 4, 8))
RAMP = analysis.ramp_index(np.where(np.arange(8) == 3, 1.0, RATES), 0, 9)
EXCITATORY = np.arange(8) < 6
INTERVAL = np.repeat([600.0, 1200.0], 4)
PRODUCED = np.array([590.0, 610.0, 650.0, np.nan, 1100.0, 1250.0, 1300.0, 1150.0])
TIMING = analysis.scalar_variability(PRODUCED, INTERVAL)


def test_ramp_index_counts_every_active_unit_once_e_blue_i_red():
    ax = plotting.similarity.plot_ramp_index(RAMP, EXCITATORY, bins=10)
    e, i = ax.containers
    assert sum(bar.get_height() for bar in e) == 5
    assert sum(bar.get_height() for bar in i) == 2
    assert e[0].get_facecolor() == to_rgba(plotting.E_COLOR)
    assert i[0].get_facecolor() == to_rgba(plotting.I_COLOR)
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert sorted(texts) == sorted(
        ["excitatory (6)", "inhibitory (2)", f"median {RAMP.median:.2f}", "1 silent, not shown"]
    )
    silent = analysis.ramp_index(np.zeros((5, 2, 8)), 0, 5)
    assert sum(bar.get_height() for bar in plotting.similarity.plot_ramp_index(silent).patches) == 0


def test_produced_times_show_trials_means_and_what_was_asked_for():
    ax = plotting.similarity.plot_produced_times(PRODUCED, INTERVAL, TIMING, label="teacher", shift=-10.0)
    line, dots = ax.lines[:2]
    np.testing.assert_array_equal(line.get_xdata(), line.get_ydata())
    np.testing.assert_array_equal(dots.get_xydata(), np.column_stack([INTERVAL - 10, PRODUCED]))
    points, _, (bars,) = ax.containers[0]
    np.testing.assert_allclose(points.get_xydata(), np.column_stack([[590.0, 1190.0], TIMING.mean]))
    halves = [np.ptp(bar[:, 1]) / 2 for bar in bars.get_segments()]
    np.testing.assert_allclose(halves, TIMING.sd)
    plotting.similarity.plot_produced_times(PRODUCED + 50, INTERVAL, TIMING, label="b", color="#EE7733", ax=ax)
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == [
        "requested",
        *(f"{name}, Weber {TIMING.weber:.3f}, 1 without response" for name in ("teacher", "b")),
    ]
    assert ax.get_ylabel() == "produced interval (ms)"


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: plotting.similarity.plot_ramp_index(RAMP, np.ones(8)), r"`excitatory` must be bools.*got float64"),
        (lambda: plotting.similarity.plot_produced_times([1.0], [1.0, 2.0], TIMING), r"got \(1,\) and \(2,\)"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
    assert plt.get_fignums() == []
