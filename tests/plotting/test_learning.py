import matplotlib.pyplot as plt
import numpy as np
import pytest

from eicon import plotting
from eicon.training.results import History

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
        (lambda: plotting.plot_loss(np.ones(3), accuracy=np.ones(2)), r"`accuracy`.*3 like `loss`; got 2"),
        (lambda: plotting.plot_loss(np.ones(3), validation=([1], [1, 2])), r"`validation`.*got 1 and 2"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
    assert plt.get_fignums() == []


def history(n, scale=1.0, *, validated=True):
    """Of so many steps, with a validation at every fifth."""
    loss = scale * np.linspace(1.0, 0.5, n)
    arrays = {"loss": loss, "accuracy": 1 - loss / 2, "grad_norm": loss, "stage": np.zeros(n), "seconds": np.arange(n)}
    arrays |= {"compile_seconds": np.zeros(n), "validation_seconds": np.zeros(n)}
    steps = np.arange(5, n + 1, 5) if validated else np.zeros(0, int)
    at = {"validation_step": steps, "validation_loss": loss[steps - 1], "validation_worst": loss[steps - 1]}
    return History(arrays | at | {"validation_accuracy": 1 - loss[steps - 1] / 2})


def test_several_histories_are_a_mean_with_a_band_that_ends_where_the_runs_do():
    runs = [history(20), history(20, 2.0), history(20, 1.5), history(10, 1.2)]
    figure = plotting.plot_loss(runs, smooth=1, chance=0.25)
    loss, accuracy = figure.axes
    (mean,), (band,) = loss.lines, loss.collections
    losses = np.stack([one["loss"] for one in runs[:3]])
    np.testing.assert_allclose(mean.get_ydata()[10:], losses.mean(axis=0)[10:])
    np.testing.assert_allclose(mean.get_ydata()[:10], np.mean([one["loss"][:10] for one in runs], axis=0))
    edges = band.get_paths()[0].vertices
    at_end = edges[edges[:, 0] == 20, 1]
    spread = losses[:, -1].std()
    np.testing.assert_allclose(
        sorted({*at_end.round(9)}), np.round(losses[:, -1].mean() + np.array([-spread, spread]), 9)
    )
    assert edges[:, 1].min() >= losses.min() - 1e-12
    validated = line(accuracy, "mean (n = 4)")
    assert validated.get_xdata().tolist() == [5, 10, 15, 20]
    assert line(accuracy, "chance").get_ydata() == [0.25, 0.25]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["mean (n = 4)", "chance"]


def test_labels_have_bands_of_their_own_and_one_history_is_as_its_arrays():
    figure = plotting.plot_loss(
        {"intact": [history(20), history(20, 1.1)], "lesioned": history(20, 2.0, validated=False)}
    )
    loss, accuracy = figure.axes
    assert [one.get_label() for one in loss.lines] == ["intact (n = 2)", "lesioned (n = 1)"]
    assert len({one.get_color() for one in loss.lines}) == 2
    assert len(line(accuracy, "lesioned (n = 1)").get_xdata()) == 20
    alone, arrays = history(20), plotting.plot_loss(history(20)).axes
    wanted = plotting.plot_loss(
        alone.loss, accuracy=alone.accuracy, validation=(alone.validation_step, alone.validation_accuracy)
    ).axes
    for one, other in zip(arrays, wanted, strict=True):
        for ours, expected in zip(one.lines, other.lines, strict=True):
            np.testing.assert_array_equal(ours.get_xydata(), expected.get_xydata())


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: plotting.plot_loss([history(5)], accuracy=np.ones(5)), "histories include their accuracies"),
        (lambda: plotting.plot_loss({"a": []}), "must contain histories of trainings, at least one for each label"),
        (lambda: plotting.plot_loss([history(5), [1.0]]), "must contain histories of trainings"),
        (lambda: plotting.plot_loss([History(), History()]), "a history has no step yet"),
    ],
)
def test_what_are_no_histories_is_refused(call, text):
    with pytest.raises(ValueError, match=text):
        call()
    assert plt.get_fignums() == []
