import numpy as np

from eicon import analysis, plotting

from .reading import containers, legend_texts

RNG = np.random.default_rng(0)
STRENGTH = np.tile([1.0, 2.0, 4.0, 8.0, 16.0], 40)
CORRECT = RNG.random(200) < 1 / (1 + np.exp(-0.4 * STRENGTH))
TIME = 250.0 + 18.0 / (0.012 * STRENGTH) * np.tanh(18.0 * 0.012 * STRENGTH) + 20.0 * RNG.normal(size=200)
TIME[3] = np.nan


def test_chronometric_shows_correct_trials_errors_and_those_without_a_choice():
    result = analysis.behaviour.chronometric(STRENGTH, TIME, CORRECT)
    ax = plotting.behaviour.plot_chronometric(result)
    curve = max(ax.lines, key=lambda one: len(one.get_xdata()))
    np.testing.assert_allclose(curve.get_ydata(), result.predict(curve.get_xdata()))
    drawn = containers(ax)
    np.testing.assert_allclose(drawn["correct"][0], np.stack([result.levels, result.mean[0]], axis=1))
    np.testing.assert_allclose(drawn["correct"][1], result.ci[0], atol=1e-9)
    known = result.n[1] > 0
    np.testing.assert_allclose(drawn["errors"][0][:, 1], result.mean[1][known])
    assert legend_texts(ax) == ["correct", "errors", "1 without a choice"]
    assert ax.get_ylabel() == "reaction time (ms)"
    alone = plotting.behaviour.plot_chronometric(result, errors=False, label="teacher", color="#009988")
    assert legend_texts(alone) == ["teacher", "1 without a choice"]
    flat = analysis.behaviour.chronometric(STRENGTH, np.where(np.isnan(TIME), np.nan, 400.0), CORRECT)
    assert max(len(one.get_xdata()) for one in plotting.behaviour.plot_chronometric(flat).lines) <= 5
