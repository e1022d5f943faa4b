"""Outcomes of a sweep over each choice, and over pairs of them."""

import numpy as np
import pytest
import xarray as xr

from eicon import plotting
from eicon.plotting._choices import outcome_of

KEYS = {"null": ["none", "rewire"], "density": [0.1, 0.2, 0.4]}


@pytest.fixture
def data():
    """Accuracies that are known: .5 + .1 for each place along the keys; one run diverged, one is not finished."""
    shape = (2, 3, 4, 5)
    place = np.arange(2)[:, None, None] + np.arange(3)[None, :, None] + 0.01 * np.arange(4)
    accuracy = np.broadcast_to((0.5 + 0.1 * place)[..., None], shape).copy()
    accuracy[..., :4] -= 0.05
    dims = ("null", "density", "seed")
    finished, diverged = np.ones(shape[:3], bool), np.zeros(shape[:3], bool)
    diverged[0, 0, 3], finished[1, 2, 0] = True, False
    curves = {"validation_accuracy": accuracy, "validation_loss": 1 - accuracy}
    curves["step"] = np.broadcast_to(10.0 * np.arange(1, 6), shape)
    flags = {"finished": finished, "diverged": diverged}
    variables = {name: ((*dims, "epoch"), values) for name, values in curves.items()}
    return xr.Dataset(
        variables | {name: (dims, values) for name, values in flags.items()},
        coords={**KEYS, "seed": [0, 1, 2, 3], "epoch": np.arange(1, 6)},
    )


def test_outcomes_are_those_of_runs_that_are_finished_and_did_not_diverge(data):
    best = outcome_of(data, "accuracy")
    assert best.shape == (2, 3, 4)
    assert np.argwhere(np.isnan(best)).tolist() == [[0, 0, 3], [1, 2, 0]]
    assert best[1, 1, 2] == pytest.approx(0.702)
    assert outcome_of(data, "loss")[1, 1, 2] == pytest.approx(0.298)
    assert outcome_of(data, "steps")[0, 1, 0] == 50
    with pytest.raises(ValueError, match="outcome must be one of accuracy, loss, steps; got 'speed'"):
        outcome_of(data, "speed")


def test_every_run_is_a_point_and_lines_join_means(data):
    figure = plotting.behaviour.plot_choices(data)
    shown = [ax for ax in figure.axes if ax.get_visible()]
    assert [ax.get_xlabel() for ax in shown] == ["null", "density"]
    assert shown[0].get_ylabel() == "best validation accuracy"
    fits = data.assign_attrs(score="explained variance")
    for other in (plotting.behaviour.plot_choices(fits), plotting.behaviour.plot_interactions(fits)):
        assert other.axes[0].get_ylabel() == "best validation\nexplained variance"
    points = [line for line in shown[0].lines if line.get_marker() == "."]
    assert [len(line.get_xdata()) for line in points] == [11, 11]
    mean = next(line for line in shown[0].lines if line.get_marker() == "o").get_ydata(orig=False)
    np.testing.assert_allclose(mean, np.nanmean(outcome_of(data, "accuracy"), axis=(1, 2)))


def test_a_line_per_value_of_the_second_key(data):
    (ax,) = [ax for ax in plotting.behaviour.plot_interactions(data).axes if ax.get_visible()]
    lines = {line.get_label(): line.get_ydata() for line in ax.lines}
    best = outcome_of(data, "accuracy")
    assert ax.get_xlabel() == "null"
    np.testing.assert_allclose(lines["0.2"], np.nanmean(best[:, 1], axis=1))
    assert ax.get_legend().get_title().get_text() == "density"


def test_one_key_has_no_interactions_and_seeds_are_a_key_where_there_is_no_other(data):
    assert plotting.behaviour.plot_interactions(data.isel(density=0)) is None
    figure = plotting.behaviour.plot_choices(data.isel(density=0, null=0))
    assert [ax.get_xlabel() for ax in figure.axes] == ["seed"]
