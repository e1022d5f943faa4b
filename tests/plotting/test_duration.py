import numpy as np
from matplotlib.colors import to_hex

from eicon import analysis, plotting
from eicon.plotting._style import coherence_cmap

RNG = np.random.default_rng(0)
STRENGTH = np.tile([1.0, 2.0, 4.0, 8.0, 16.0], 40)
CORRECT = RNG.random(200) < 1 / (1 + np.exp(-0.4 * STRENGTH))


def test_accuracy_by_duration_has_a_line_per_strength_without_empty_bins():
    duration = RNG.uniform(100.0, 800.0, 200)
    duration[(STRENGTH == 16.0) & (duration > 400.0)] = 150.0
    result = analysis.behaviour.accuracy_by_duration(duration, STRENGTH, CORRECT, [100.0, 200.0, 400.0, 800.0])
    ax = plotting.behaviour.plot_accuracy_by_duration(result)
    lines = [one for one in ax.lines if one.get_linestyle() == "-" and len(one.get_xdata()) > 1]
    assert [len(one.get_xdata()) for one in lines] == [3, 3, 3, 3, 2]
    for row, one in enumerate(lines):
        known = result.n[row] > 0
        np.testing.assert_allclose(one.get_ydata(), result.p[row][known])
        np.testing.assert_allclose(one.get_xdata(), result.duration[known], rtol=0.08)
        assert to_hex(one.get_color()) == to_hex(coherence_cmap()(row / 4))
    assert ax.get_xlabel() == "stimulus duration (ms)"
    (bar,) = ax.child_axes
    assert bar.get_ylabel() == "strength"
