import matplotlib.pyplot as plt
import numpy as np
import pytest

from eicon import plotting

from .reading import legend_texts, line


def test_loss_alone_is_one_panel_with_its_running_mean():
    loss = np.array([4.0, 2.0, 3.0, 1.0, 2.0])
    figure = plotting.plot_loss(loss, smooth=3)
    (ax,) = figure.axes
    raw, mean = ax.lines
    np.testing.assert_array_equal(raw.get_ydata(), loss)
    np.testing.assert_allclose(mean.get_ydata(), [3.0, 3.0, 2.0, 2.0, 1.5])
    assert raw.get_xdata().tolist() == [1, 2, 3, 4, 5]
    assert ax.get_yscale() == "log"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("training step", "loss")
    assert plotting.plot_loss(loss, log=False).axes[0].get_yscale() == "linear"


def test_loss_with_gaps_keeps_the_mean_of_what_is_there():
    mean = plotting.plot_loss([1.0, np.nan, 3.0, np.nan, np.nan, np.nan], smooth=3).axes[0].lines[1]
    np.testing.assert_allclose(mean.get_ydata(), [1.0, 2.0, 3.0, 3.0, np.nan, np.nan])


def test_accuracy_and_validation_share_the_second_panel():
    figure = plotting.plot_loss(
        np.ones(10), accuracy=np.linspace(0.5, 1, 10), validation=([5, 10], [0.7, 0.9]), chance=0.5
    )
    loss, accuracy = figure.axes
    assert accuracy.get_ylabel() == "accuracy"
    assert loss.get_xlabel() == ""
    assert line(accuracy, "validation").get_xydata().tolist() == [[5, 0.7], [10, 0.9]]
    assert line(accuracy, "chance").get_ydata() == [0.5, 0.5]
    assert legend_texts(accuracy) == ["chance", "training", "validation"]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: plotting.plot_loss(np.ones((2, 2))),
            r"`loss` must be a non-empty vector.*got shape \(2, 2\)",
        ),
        (lambda: plotting.plot_loss(np.ones(3), smooth=0), r"`smooth` must be >= 1 step; got 0"),
        (lambda: plotting.plot_loss(np.ones(3), accuracy=np.ones(2)), r"`accuracy`.*3 as `loss`; got 2"),
        (lambda: plotting.plot_loss(np.ones(3), validation=([1], [1, 2])), r"`validation`.*got 1 and 2"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
    assert plt.get_fignums() == []
