import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from eicon import analysis, plotting
from eicon.plotting._multisensory import SENSE_COLORS

from .reading import legend_texts

RNG = np.random.default_rng(0)
SENSES = analysis.behaviour.multisensory_ratio(
    np.tile([1.0, 2.0], 30), np.repeat([0, 1, 2], 20), np.arange(60) % 3 % 2, rng=0, n_resamples=2
)


def test_multisensory_shows_three_curves_and_the_ratio():
    rate = np.tile(np.repeat([9.0, 12.0, 15.0], 40), 3)
    choice = (RNG.random(360) > 1 / (1 + np.exp(-(rate - 12.5) / np.repeat([2.0, 2.0, 1.0], 120)))).astype(int)
    result = analysis.behaviour.multisensory_ratio(rate, np.repeat([0, 1, 2], 120), choice, rng=0, n_resamples=20)
    ax = plotting.behaviour.plot_multisensory(result, boundary=12.5)
    assert [text.split(",")[0] for text in legend_texts(ax)] == ["visual", "auditory", "both"]
    assert f"{result.ratio:.2f} [{result.ratio_ci[0]:.2f}, {result.ratio_ci[1]:.2f}]" in ax.texts[-1].get_text()
    curves = [one for one in ax.lines if len(one.get_xdata()) == 401]
    for curve, found, colour in zip(curves, result.curves, SENSE_COLORS, strict=True):
        np.testing.assert_allclose(curve.get_ydata(), found.predict(curve.get_xdata()))
        assert to_hex(curve.get_color()) == colour.lower()
    assert ax.get_xlabel() == "rate (events/s)"
    unknown = plotting.behaviour.plot_multisensory(result._replace(converged=False), names=("a", "b", "c"))
    assert "not determined" in unknown.texts[-1].get_text()
    assert not {plotting.E_COLOR, plotting.I_COLOR} & set(SENSE_COLORS)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: plotting.behaviour.plot_multisensory(SENSES, names=("a", "b")),
            r"`names` must name the first sense, the second",
        ),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
    assert plt.get_fignums() == []
