import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

from eicon import plotting
from eicon.plotting._sweep import run_milestones

from .reading import line

GRID = {"learning_rate": [1e-4, 1e-6], "activation": ["relu", "tanh"], "pattern_length": [3, 5, 10]}


def sweep_data(grid, scale=1.0, repeats=3, epochs=20):
    """Like `eicon.runs.sweep_results`: losses that fall from 0.3 towards 0."""
    shape = (*(len(values) for values in grid.values()), repeats)
    rng, time = np.random.default_rng(1), np.arange(1, epochs + 1)
    loss = 0.3 * np.exp(-time * rng.uniform(0.1, 0.3, (*shape, 1)) * scale)
    curves = {"validation_loss": loss, "train_loss": 0.9 * loss, "validation_accuracy": 1 - loss}
    curves["train_accuracy"] = curves["validation_accuracy"]
    return xr.Dataset(
        {name: ((*grid, "repeat", "epoch"), values) for name, values in curves.items()}
        | {"null_loss": ((*grid, "repeat"), np.full(shape, 1 / 12))},
        coords={**grid, "repeat": np.arange(repeats), "epoch": time},
    )


SWEEPS = {"bio": sweep_data(GRID), "random": sweep_data(GRID, 0.5)}


def test_loss_curves_are_means_within_the_range_of_the_runs():
    (figure,) = plotting.plot_loss_curves(SWEEPS, ylabel="MSE")
    panels = [ax for ax in figure.axes if ax.get_visible()]
    assert len(panels) == 12
    assert panels[1].get_title() == "learning rate 0.0001, activation relu\npattern length 5"
    chosen = SWEEPS["random"].sel(learning_rate=1e-4, activation="relu", pattern_length=5)["validation_loss"]
    np.testing.assert_allclose(line(panels[1], "random, validation").get_ydata(), chosen.mean("repeat"))
    assert line(panels[1], "random, train").get_linestyle() == "--"
    for band, part in zip(panels[1].collections, ("validation", "train"), strict=False):
        runs = SWEEPS["bio"].sel(learning_rate=1e-4, activation="relu", pattern_length=5)[f"{part}_loss"].values
        edge = band.get_paths()[0].vertices[:, 1]
        assert runs.min() - 1e-12 <= edge.min() < edge.max() <= runs.max() + 1e-12
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "bio",
        "random",
        "validation",
        "training",
        "no memory",
    ]
    assert (figure.get_supxlabel(), figure.get_supylabel()) == ("epoch", "MSE")
    assert panels[0].get_yscale() == "log"
    (accuracy,) = plotting.plot_loss_curves(SWEEPS, quantity="accuracy")
    assert accuracy.axes[0].get_yscale() == "linear"
    assert "no memory" not in [text.get_text() for text in accuracy.legends[0].get_texts()]


def test_many_combinations_go_on_further_pages_and_one_needs_no_grid():
    pages = plotting.plot_loss_curves(
        {"all": sweep_data({"learning_rate": np.linspace(0.1, 1, 25).tolist()}, epochs=3)}
    )
    assert [sum(ax.get_visible() for ax in page.axes) for page in pages] == [24, 1]
    (alone,) = plotting.plot_loss_curves({"all": sweep_data({})})
    assert alone.axes[0].get_title() == "all runs"


def test_missing_runs_are_left_out_of_curves_and_boxes():
    gaps = sweep_data({"learning_rate": [0.1, 0.2]})
    gaps["validation_loss"][0] = np.nan
    gaps["validation_loss"][1, 2] = np.nan
    (figure,) = plotting.plot_loss_curves({"all": gaps})
    assert "all, validation" not in [one.get_label() for one in figure.axes[0].lines]
    boxes = plotting.plot_loss_boxes({"all": gaps})
    dots = [one for one in boxes.axes[0].lines if one.get_marker() == "."]
    assert [len(one.get_xdata()) for one in dots] == [2]
    plotting.plot_loss_boxes({"all": gaps * np.nan})


def test_loss_boxes_show_every_run_and_the_milestones():
    figure = plotting.plot_loss_boxes(SWEEPS, ylabel="MSE")
    labels = ["smallest validation MSE", "epoch of the smallest", "epoch of 99 % of the fall"]
    assert [ax.get_ylabel() for ax in figure.axes] == [*labels, "best validation accuracy"]
    found = run_milestones(SWEEPS["bio"])
    for ax, name in zip(figure.axes, ("min_loss", "min_epoch", "fall_epoch", "best_accuracy"), strict=True):
        first = next(one for one in ax.lines if one.get_marker() == ".")
        np.testing.assert_array_equal(first.get_ydata(), found[name])
        assert [text.get_text() for text in ax.get_xticklabels()] == ["bio", "random"]
    fits = sweep_data(GRID).rename(epoch="validation").assign_attrs(score="explained variance")
    labels = [ax.get_ylabel() for ax in plotting.plot_loss_boxes({"fits": fits}).axes]
    assert labels[1:] == [
        "validation no. of the smallest", "validation no. of 99 % of the fall", "best validation\nexplained variance",
    ]  # fmt: skip
    (curves,) = plotting.plot_loss_curves({"fits": fits}, quantity="accuracy")
    assert curves.get_supylabel() == "explained variance"
    long = plotting.plot_loss_boxes({f"a long label {i}": SWEEPS["bio"] for i in range(3)})
    assert {text.get_rotation() for text in long.axes[0].get_xticklabels()} == {30.0}


def test_sweeps_never_have_the_colours_of_e_and_i():
    from eicon.plotting._sweep import COLORS

    assert not {plotting.E_COLOR.lower(), plotting.I_COLOR.lower()} & {color.lower() for color in COLORS}


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: plotting.plot_loss_curves(SWEEPS, quantity="speed"), r"must be 'loss' or 'accuracy'; got 'speed'"),
        (lambda: plotting.plot_loss_curves({}), r"there are no results to draw"),
        (lambda: plotting.plot_loss_boxes({}), r"there are no results to draw"),
        (
            lambda: plotting.plot_loss_boxes({"a": SWEEPS["bio"], "b": sweep_data({"learning_rate": [1.0]})}),
            r"the sweeps 'a' and 'b' have different grids: .*; draw sweeps over the same combinations together",
        ),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
    assert plt.get_fignums() == []
