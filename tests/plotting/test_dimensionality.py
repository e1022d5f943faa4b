import numpy as np
import pytest

from eicon import analysis, plotting

from .reading import legend_texts, line


def test_dimensionality_marks_the_signal_components():
    ratio = np.array([0.6, 0.3, 0.08, 0.02])
    result = analysis.results.Dimensionality(2.2, 2, 3, 4, ratio, 2, np.array([1.0, 0.5, 0.2, 0.25, 0.3]), 1.8, 400)
    ax = plotting.coding.plot_dimensionality(result)
    np.testing.assert_allclose(line(ax, "all samples").get_ydata(), [0.0, 0.6, 0.9, 0.98, 1.0])
    np.testing.assert_allclose(line(ax, "split halves").get_ydata(), [0.0, 0.5, 0.8, 0.75, 0.7])
    (ring,) = [one for one in ax.lines if one.get_markersize() == 9]
    np.testing.assert_allclose(ring.get_xydata(), [[2, 0.8]])
    text = ax.texts[0].get_text()
    for part in ("signal components 2", "participation ratio 2.2", "90, 95, 99 %: 2, 3, 4", "(TwoNN) 1.8"):
        assert part in text
    short = plotting.coding.plot_dimensionality(result._replace(n_signal=None, split_error=np.zeros(0)), n_components=2)
    assert legend_texts(short) == ["all samples"]
    assert line(short, "all samples").get_xdata().tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: plotting.coding.plot_dimensionality(
                analysis.results.Dimensionality(1.0, 1, 1, 1, np.ones(1), None, np.zeros(0), 1.0, 30), n_components=0
            ),
            "`n_components` must be >= 1; got 0",
        ),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
