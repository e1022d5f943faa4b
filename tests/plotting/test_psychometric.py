import numpy as np

from eicon import analysis, plotting

from .reading import legend_texts

RNG = np.random.default_rng(0)
CHOICE = np.arange(40) % 2
COHERENCE = np.where(CHOICE == 0, 1, -1) * RNG.choice([-3.2, 3.2, 6.4, 25.6], 40)
PSYCHOMETRIC = analysis.psychometric(COHERENCE, CHOICE)


def test_psychometric_line_passes_through_the_predicted_values():
    ax = plotting.plot_psychometric(PSYCHOMETRIC)
    fit = max(ax.lines, key=lambda one: len(one.get_xdata()))
    x, y = fit.get_data()
    np.testing.assert_allclose(y, PSYCHOMETRIC.predict(x))
    assert x[0] < PSYCHOMETRIC.levels[0]
    assert x[-1] > PSYCHOMETRIC.levels[-1]
    points, _, (bars,) = ax.containers[0]
    np.testing.assert_allclose(points.get_xydata(), np.stack([PSYCHOMETRIC.levels, PSYCHOMETRIC.p], axis=1))
    np.testing.assert_allclose([bar[:, 1] for bar in bars.get_segments()], PSYCHOMETRIC.ci, atol=1e-12)
    assert ax.get_xlabel() == "signed evidence"
    assert ax.get_ylabel() == "fraction of choice 0"
    assert f"width {PSYCHOMETRIC.width:.3g}" in ax.texts[0].get_text()


def test_psychometric_says_when_the_width_is_not_determined():
    step = analysis.psychometric([-1.0, -1.0, 1.0, 1.0], [1, 1, 0, 0])
    assert "not determined" in plotting.plot_psychometric(step).texts[0].get_text()
    labelled = plotting.plot_psychometric(step, label="teacher", unit="fraction")
    assert legend_texts(labelled) == ["teacher"]
    assert labelled.get_xlabel() == "signed evidence (fraction)"
