import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from eicon import plotting
from eicon.plotting._style import coherence_cmap

RNG = np.random.default_rng(0)
LEVELS = np.array([-10.0, -3.0, 3.0, 10.0])
PATHS = np.zeros((2, 5, 3))


def test_state_space_has_panels_of_one_scale_and_colours_by_level():
    paths = RNG.normal(size=(4, 9, 3)).cumsum(axis=1)
    paths[0, 7:] = np.nan
    panels = {"motion context": (paths, LEVELS), "colour context": (paths[1:3] / 2, LEVELS[1:3])}
    figure = plotting.coding.plot_state_space(panels, names=("choice", "motion", "colour"), axes=(2, 0), dt=20.0)
    first, second = figure.axes[:2]
    assert [ax.get_title() for ax in (first, second)] == list(panels)
    assert first.get_xlim() == second.get_xlim()
    curves = [one for one in first.lines if one.get_linestyle() == "-" and len(one.get_xdata()) in (7, 9)]
    for row, curve in enumerate(curves):
        end = 7 if row == 0 else 9
        np.testing.assert_array_equal(curve.get_xydata(), paths[row, :end][:, [2, 0]])
        assert to_hex(curve.get_color()) == to_hex(coherence_cmap()(row / 3))
    halves = [one for one in second.lines if one.get_linestyle() == "-" and len(one.get_xdata()) == 9]
    assert [to_hex(one.get_color()) for one in halves] == [to_hex(one.get_color()) for one in curves[1:3]]
    assert (figure.get_supxlabel(), figure.get_supylabel()) == ("colour axis (s.d.)", "choice axis (s.d.)")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["start", "end", "every 100 ms"]
    three = plotting.coding.plot_state_space({str(k): (paths, LEVELS) for k in range(3)}, names=("a", "b", "c"))
    assert [ax.get_visible() for ax in three.axes[:4]] == [True, True, True, False]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: plotting.coding.plot_state_space({"a": (PATHS, [1.0])}, names=("x", "y", "z")),
            r"`panels\['a'\]` must be trajectories \(C, T, P\) with P = 3 names.*got \(2, 5, 3\) and \(1,\)",
        ),
        (
            lambda: plotting.coding.plot_state_space({}, names=("x",)),
            r"`panels` must contain at least one.*got 0 panels",
        ),
        (
            lambda: plotting.coding.plot_state_space({"a": (PATHS, [1.0, 2.0])}, names=("x", "y", "z"), axes=(0, 3)),
            r"`axes` among the 3 names; got 1 panels, 2 columns and axes \(0, 3\)",
        ),
        (
            lambda: plotting.coding.plot_state_space(
                {"a": (PATHS, [1.0, 2.0])}, names=("x", "y", "z"), dt=20.0, dot_every=5
            ),
            r"`dot_every` must be at least one step.*got 5, dt = 20.0 ms",
        ),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
    assert plt.get_fignums() == []
