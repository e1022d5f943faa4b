"""Runs on a connectome beside those on its null models: who is paired with whom, what is drawn, what is said."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

from eicon import plotting
from eicon.analysis.behaviour import paired_difference
from eicon.plotting._paired import paired_runs, rows_of_pairs, words
from eicon.plotting.behaviour import plot_paired_differences

GRID = {"null": ["rewire", "none", "permute"], "signs": ["known", "free"], "seed": [0, 1, 2, 3]}
EFFECT = {"none": 0.05, "rewire": 0.0, "permute": -0.1}


def of_grid(grid, loss):
    """Like `eicon.runs.sweep_results`."""
    dims, shape = (*grid, "epoch"), loss.shape
    curves = np.stack([loss + 0.1, loss], axis=-1)
    variables = {"validation_loss": curves, "train_loss": curves, "validation_accuracy": 1 - 8 * curves}
    variables |= {"train_accuracy": 1 - 8 * curves, "step": np.broadcast_to([5.0, 10.0], curves.shape)}
    flags = {"finished": np.ones(shape, bool), "diverged": np.zeros(shape, bool)}
    flags |= {"null_loss": np.full(shape, 1 / 12), "chance": np.full(shape, 1 / 3)}
    return xr.Dataset(
        {name: (dims, values) for name, values in variables.items()}
        | {name: (dims[:-1], values) for name, values in flags.items()},
        coords={**grid, "epoch": [1, 2]},
    )


@pytest.fixture
def data():
    """Losses of pairs have a large part in common; one run has diverged."""
    rng = np.random.default_rng(0)
    common = rng.uniform(0.02, 0.08, (2, 4))
    loss = np.stack([common - 0.1 * EFFECT[null] + rng.normal(0, 1e-3, (2, 4)) for null in GRID["null"]])
    found = of_grid(GRID, loss)
    found["diverged"][0, 1, 2] = True
    return found


def test_runs_are_paired_by_seed_and_all_other_choices(data):
    rewired, permuted = paired_runs({"sweep": data}, "loss")
    assert [(pair.original, pair.null) for pair in (rewired, permuted)] == [
        ("original", "rewire"),
        ("original", "permute"),
    ]
    best = data["validation_loss"].min("epoch")
    wanted = (best.sel(null="none") - best.sel(null="permute")).values.ravel()
    np.testing.assert_allclose(permuted.result.differences, wanted)
    assert (rewired.result.n, rewired.result.n_left_out) == (7, 1)
    assert (rewired.no_memory, permuted.no_memory) == pytest.approx((1 / 12, 1 / 12))
    assert np.isnan(rewired.chance)
    accurate = paired_runs({"sweep": data}, "accuracy")[0]
    assert accurate.chance == pytest.approx(1 / 3)
    assert np.isnan(accurate.no_memory)


def test_several_sweeps_are_paired_with_the_first(data):
    apart = {null: data.sel(null=null).drop_vars("null") for null in ("none", "rewire", "permute")}
    together = paired_runs({"sweep": data}, "loss")
    for one, other in zip(paired_runs(apart, "loss"), together, strict=True):
        assert (one.original, one.null) == ("none", other.null)
        np.testing.assert_array_equal(one.result.differences, other.result.differences)
    assert paired_runs({"one": data.sel(null="none").drop_vars("null")}, "loss") == []
    assert plot_paired_differences({"one": data.sel(null="none").drop_vars("null")}) is None


def test_a_figure_has_pairs_means_differences_and_levels(data):
    figure = plot_paired_differences({"sweep": data})
    panels = figure.axes
    assert [ax.get_ylabel() for ax in panels[:2]] == ["best validation accuracy", "smallest validation loss"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["mean", "chance", "no memory"]
    loss, differences = panels[1], panels[3]
    pairs = [line for line in loss.lines if line.get_marker() == "."]
    assert len(pairs) == 8
    assert [line.get_ydata()[0] for line in loss.lines if line.get_label() == "no memory"] == [pytest.approx(1 / 12)]
    for place, pair in enumerate(paired_runs({"sweep": data}, "loss"), start=1):
        ((line, _, (bars,)),) = [one.lines for one in differences.containers if one.lines[0].get_xdata()[0] == place]
        assert line.get_ydata()[0] == pytest.approx(pair.result.difference)
        np.testing.assert_allclose(bars.get_segments()[0][:, 1], pair.result.ci)
    shown = [text.get_text() for text in differences.get_xticklabels()]
    assert shown == ["original", *(f"{p.null}, p = {p.result.p:.2g}" for p in paired_runs({"sweep": data}, "loss"))]
    other = [text.get_text() for text in panels[2].get_xticklabels()]
    assert other[1].endswith(f"{paired_runs({'sweep': data}, 'accuracy')[0].result.p:.2g}"), "each outcome has its own"


def test_boxes_keep_the_original_and_its_null_models_apart(data):
    figure = plotting.plot_loss_boxes({"sweep": data})
    loss, *_, accuracy = figure.axes
    assert [text.get_text() for text in loss.get_xticklabels()] == ["original", "rewire", "permute"]
    assert [text.get_text() for text in loss.texts] == ["no\nmemory"]
    assert [text.get_text() for text in accuracy.texts] == ["chance"]
    dots = [line for line in loss.lines if line.get_marker() == "."]
    np.testing.assert_allclose(
        np.sort(dots[0].get_ydata()), np.sort(data["validation_loss"].min("epoch")[1].values.ravel())
    )
    plt.close("all")


def test_words_and_rows_say_the_same(data):
    columns = {"loss": paired_runs({"sweep": data}, "loss"), "accuracy": paired_runs({"sweep": data}, "accuracy")}
    pair = columns["loss"][0]
    low, high = pair.result.ci
    assert words("loss", pair) == (
        f"loss, original minus rewire: {pair.result.difference:+.3g} [{low:+.3g}, {high:+.3g}] (95 % interval), "
        f"p = {pair.result.p:.2g} (7 pairs, 1 left out)"
    )
    assert "percentage points [" in words("accuracy", columns["accuracy"][0])
    assert words("accuracy", columns["accuracy"][0], "explained variance").startswith("explained variance, original")
    assert {row[0] for row in rows_of_pairs(columns, "explained variance")[1:]} == {"loss", "explained variance"}
    header, *rows = rows_of_pairs(columns)
    assert [row[:3] for row in rows] == [
        [o, "original", null] for o in ("loss", "accuracy") for null in ("rewire", "permute")
    ]
    first = dict(zip(header, rows[0], strict=True))
    assert first["mean_original"] - first["mean_null"] == pytest.approx(first["difference"])
    assert first["p"] == paired_difference(pair.first, pair.second).p
    data["finished"][:] = False
    (nothing, _) = paired_runs({"sweep": data}, "loss")
    assert nothing.result is None
    assert words("loss", nothing) == "loss: no pair of original and rewire is finished."
    assert rows_of_pairs({"loss": [nothing]})[1][-4:-2] == [0, 8]
    plot_paired_differences({"sweep": data})
