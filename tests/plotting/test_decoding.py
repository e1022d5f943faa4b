import numpy as np
import pytest

from eicon import analysis, plotting

from .reading import legend_texts, line

DECODING = analysis.results.Decoding(
    np.array([0.5, 0.9, 0.8]),
    np.array([[0.5, 0.6, 0.4], [0.55, 0.9, 0.7], [0.2, 0.6, 0.8]]),
    np.full(3, 0.5),
    np.full(3, 0.6),
    np.array([0.5, 0.01, 0.2]),
    np.array([[0, 2], [2, 4], [4, 6]]),
    np.array([0, 1]),
    np.full((3, 2), 10),
)


def test_decoding_over_time():
    ax = plotting.coding.plot_decoding(DECODING, 10.0, start=-20.0, since="cue")
    # bins of two steps, at -20 and -10, 0 and 10, 20 and 30 ms
    np.testing.assert_allclose(line(ax, "2 classes").get_xydata(), [[-15, 0.5], [5, 0.9], [25, 0.8]])
    np.testing.assert_allclose(line(ax, "p < 0.05").get_xydata(), [[5, 0.9]])
    assert ax.get_xlabel() == "time since cue (ms)"
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == (0.5, 0.6)
    plain = plotting.coding.plot_decoding(DECODING._replace(chance_95=np.full(3, np.nan), p=np.full(3, np.nan)), 10.0)
    assert legend_texts(plain) == ["chance", "2 classes"]


def test_generalisation_has_training_up_and_test_across():
    ax = plotting.coding.plot_generalisation(DECODING, 10.0, start=-20.0, events=[0.0])
    (image,) = ax.images
    np.testing.assert_array_equal(image.get_array(), DECODING.generalisation)
    assert image.origin == "lower"
    assert image.get_extent() == [-25.0, 35.0, -25.0, 35.0]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("test time (ms)", "train time (ms)")
    low, high = image.get_clim()
    assert (low + high) / 2 == pytest.approx(0.5)  # chance is white
    assert [one.get_xdata()[0] for one in ax.lines if one.get_xdata()[0] == one.get_xdata()[1]] == [0.0]
    ten = DECODING._replace(classes=np.arange(10))
    low, high = plotting.coding.plot_generalisation(ten, 10.0).images[0].get_clim()
    assert (low + high) / 2 == pytest.approx(0.1)
    assert high == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: plotting.coding.plot_decoding(DECODING, 0.0), "`dt` must be positive"),
        (lambda: plotting.coding.plot_generalisation(DECODING, -1.0), "`dt` must be positive"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()


def test_bins_without_an_accuracy_are_gaps_and_set_no_scale():
    gap = DECODING._replace(
        accuracy=np.array([0.5, 0.9, np.nan]),
        generalisation=np.where(np.arange(3) == 2, np.nan, DECODING.generalisation),
        chance_95=np.array([0.6, 0.6, np.nan]),
        p=np.array([0.5, 0.01, np.nan]),
    )
    ax = plotting.coding.plot_decoding(gap, 10.0)
    np.testing.assert_array_equal(np.isnan(line(ax, "2 classes").get_ydata()), [False, False, True])
    assert "p < 0.05" in legend_texts(ax)
    assert np.isfinite(ax.get_ylim()).all()
    ax = plotting.coding.plot_generalisation(gap, 10.0)
    assert ax.images[0].get_array().mask[:, 2].all()
    assert np.isfinite(ax.images[0].get_clim()).all()
