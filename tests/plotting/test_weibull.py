import numpy as np

from eicon import analysis, plotting

from .reading import containers, legend_texts

RNG = np.random.default_rng(0)
STRENGTH = np.tile([1.0, 2.0, 4.0, 8.0, 16.0], 40)
CORRECT = RNG.random(200) < 1 / (1 + np.exp(-0.4 * STRENGTH))


def test_weibull_curve_goes_through_the_predicted_values_on_a_logarithmic_axis():
    result = analysis.behaviour.weibull(STRENGTH, CORRECT)
    ax = plotting.behaviour.plot_weibull(result)
    x, y = max(ax.lines, key=lambda one: len(one.get_xdata())).get_data()
    np.testing.assert_allclose(y, result.predict(x))
    ((points, intervals),) = containers(ax).values()
    np.testing.assert_allclose(points, np.stack([result.levels, result.p], axis=1))
    np.testing.assert_allclose(intervals, result.ci, atol=1e-12)
    assert ax.get_xscale() == "log"
    assert ax.get_xticks().tolist() == [1.0, 2.0, 4.0, 8.0, 16.0]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("strength", "fraction correct")
    assert f"threshold {result.threshold:.3g}, slope" in ax.texts[0].get_text()
    with_zero = plotting.behaviour.plot_weibull(
        analysis.behaviour.weibull(np.where(STRENGTH == 1, 0.0, STRENGTH), CORRECT), label="net"
    )
    assert with_zero.get_xscale() == "linear"
    assert legend_texts(with_zero) == ["net"]
    step = analysis.behaviour.weibull([1.0, 1.0, 2.0, 2.0], [0, 1, 1, 1])
    assert "not determined" in plotting.behaviour.plot_weibull(step).texts[0].get_text()


def test_close_levels_do_not_all_get_a_tick():
    levels = np.repeat([1.0, 1.01, 1.02, 50.0, 51.0], 10)
    ax = plotting.behaviour.plot_weibull(analysis.behaviour.weibull(levels, np.arange(50) % 3 > 0))
    assert ax.get_xticks().tolist() == [1.0, 50.0]
