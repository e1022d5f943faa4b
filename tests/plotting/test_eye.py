import matplotlib.pyplot as plt
import numpy as np
import pytest

from eicon import plotting

RNG = np.random.default_rng(0)
PATHS = np.zeros((2, 5, 3))


def test_eye_paths_have_a_panel_per_sequence_and_a_line_per_trial():
    targets = np.repeat(RNG.choice([-0.5, 0.0, 0.5], (4, 6, 2)), 5, axis=0)
    outputs = targets + 0.02 * RNG.normal(size=targets.shape)
    mask = np.arange(20)[:, None] < np.array([20, 20, 20, 15, 20, 20])
    figure = plotting.behaviour.plot_eye_paths(
        outputs, [0, 0, 1, 1, 2, 2], targets=targets, mask=mask, titles={0: "5-1-0", 1: "3-1-2", 2: "3-7-8"}
    )
    panels = figure.axes
    assert [ax.get_title() for ax in panels] == ["5-1-0", "3-1-2", "3-7-8"]
    for ax, trials in zip(panels, ((0, 1), (2, 3), (4, 5)), strict=True):
        paths = [one for one in ax.lines if one.get_linestyle() == "-" and len(one.get_xdata()) > 1]
        for one, trial in zip(paths, trials, strict=True):
            np.testing.assert_array_equal(one.get_xydata(), outputs[mask[:, trial], trial])
        (goal,) = [one for one in ax.lines if one.get_linestyle() == "--"]
        np.testing.assert_array_equal(goal.get_xydata(), targets[mask[:, trials[0]], trials[0]])
        assert ax.get_aspect() == 1.0
    plain = plotting.behaviour.plot_eye_paths(outputs, [3, 3, 3, 4, 4, 4], dots=[[0.0, 0.0]])
    assert [ax.get_title() for ax in plain.axes] == ["sequence 3", "sequence 4"]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: plotting.behaviour.plot_eye_paths(PATHS, [0, 1, 2]),
            r"`outputs` must be \(T, B, 2\).*got \(2, 5, 3\) and \(3,\)",
        ),
        (
            lambda: plotting.behaviour.plot_eye_paths(PATHS[:, :, :2], np.zeros(5), targets=PATHS),
            r"`targets` must be \(2, 5, 2\), .*got \(2, 5, 3\)",
        ),
        (
            lambda: plotting.behaviour.plot_eye_paths(PATHS[:, :, :2], np.zeros(5), dots=[1.0, 2.0]),
            r"`dots` must be \(D, 2\)",
        ),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
    assert plt.get_fignums() == []
