import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from eicon import plotting
from eicon.plotting._style import coherence_cmap

from .reading import legend_texts

RNG = np.random.default_rng(0)
N, N_E = 12, 9
EXCITATORY = RNG.permutation(np.arange(N) < N_E)
CHOICE = np.arange(40) % 2
RATES = RNG.random((15, 40, N)) + 0.5 * (CHOICE == 0)[:, None] * RNG.normal(size=N)
TIME = np.arange(6) * 20.0
CURVES = np.arange(18.0).reshape(3, 6)
LEVELS = np.array([800.0, 600.0, 1200.0])


def test_activity_is_blue_and_red_in_ms_with_named_epochs():
    ax = plotting.plot_activity(RATES[:, 0], EXCITATORY, 20.0, epochs={"stimulus": (100.0, 250.0)})
    e, i = ax.collections
    assert to_hex(e.get_color()[0]).upper() == plotting.E_COLOR
    assert to_hex(i.get_color()[0]).upper() == plotting.I_COLOR
    for collection, members in ((e, EXCITATORY), (i, ~EXCITATORY)):
        drawn = np.stack([segment[:, 1] for segment in collection.get_segments()], axis=1)
        np.testing.assert_array_equal(drawn, RATES[:, 0, members])
    np.testing.assert_array_equal(e.get_segments()[0][:, 0], np.arange(15) * 20.0)
    assert ax.get_xlabel() == "time (ms)"
    assert legend_texts(ax) == ["excitatory (9)", "inhibitory (3)"]
    (shade,) = ax.patches
    assert (shade.get_x(), shade.get_x() + shade.get_width()) == (100.0, 250.0)
    (name,) = ax.texts
    assert name.get_text() == "stimulus"
    assert name.xy[0] == 175.0


def test_outputs_go_by_level_with_dashed_targets():
    ax = plotting.similarity.plot_outputs(CURVES, LEVELS, TIME, targets=CURVES + 1, channel="ramp", since="set")
    solid = [one for one in ax.lines if one.get_linestyle() == "-"]
    dashed = [one for one in ax.lines if one.get_linestyle() == "--"]
    for rank, condition in enumerate([1, 0, 2]):  # from the lowest to the highest level
        np.testing.assert_array_equal(solid[rank].get_xydata(), np.column_stack([TIME, CURVES[condition]]))
        np.testing.assert_array_equal(dashed[rank].get_ydata(), CURVES[condition] + 1)
        colour = to_hex(coherence_cmap()(rank / 2))
        assert to_hex(solid[rank].get_color()) == to_hex(dashed[rank].get_color()) == colour
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time since set (ms)", "ramp (a.u.)")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["network", "target"]
    (bar,) = ax.child_axes
    assert bar.get_ylabel() == "condition"
    assert [text.get_text() for text in bar.get_yticklabels()] == ["600", "800", "1200"]


def test_a_single_condition_needs_no_bar():
    ax = plotting.similarity.plot_outputs(CURVES[:1], [0.0], TIME)
    assert ax.child_axes == []
    assert ax.get_legend() is None
    assert ax.get_xlabel() == "time (ms)"
    paths = np.zeros((1, 5, 2))
    assert plotting.plot_pc_trajectories(paths, [0.0]).child_axes == []
    named = plotting.plot_pc_trajectories(np.zeros((2, 5, 2)), [1.0, 2.0], label="interval", unit="ms")
    assert named.child_axes[0].get_ylabel() == "interval (ms)"


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: plotting.plot_activity(RATES, EXCITATORY, 20.0), r"`rates` must be \(T, N\), one trial"),
        (
            lambda: plotting.plot_activity(RATES[:, 0], EXCITATORY, 0.0),
            r"`dt` must be positive \(ms\); got 0",
        ),
        (
            lambda: plotting.plot_activity(RATES[:, 0], np.ones(N), 20.0),
            r"`excitatory` must be bools.*float64",
        ),
        (
            lambda: plotting.similarity.plot_outputs(CURVES[0], LEVELS, TIME),
            r"got \(6,\), \(3,\) and \(6,\). Pass one output",
        ),
        (lambda: plotting.similarity.plot_outputs(CURVES, LEVELS, TIME, targets=CURVES[:2]), r"\(3, 6\); got \(2, 6\)"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
    assert plt.get_fignums() == []
