"""Figures of fitted runs, and of sweeps of fits: points, medians, and which runs belong together."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from scipy import stats

from eicon.plotting._fitted import fit_curves, plot_fit_sweep, plot_fitted_values, plot_unit_scores

RECORDED = np.array([True, True, False, False, False])


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def bars(ax):
    """Heights of the bars at medians."""
    return [line.get_ydata()[0] for line in ax.lines if len(line.get_ydata()) == 2 and line.get_linestyle() == "-"]


def points(ax, marker):
    return [line for line in ax.lines if line.get_marker() == marker and len(line.get_ydata())]


def test_scores_of_recorded_and_unrecorded_units():
    scores = {"fitted trials": [0.9, 0.7, 0.5, -3.0, np.nan], "held-out trials": [0.8, 0.6, 0.4, 0.2, np.nan]}
    ax = plot_unit_scores(scores, recorded=RECORDED, label="R²")
    assert bars(ax) == pytest.approx([0.8, -1.0, 0.7, 0.3])  # the median of .5 and -3 lies below the axis
    shown = [sorted(line.get_ydata()) for line in points(ax, "o")]
    assert shown == [[0.7, 0.9], [-1.0, 0.5], [0.6, 0.8], [0.2, 0.4]]
    assert [len(line.get_ydata()) for line in points(ax, "v")] == [1]
    assert [text.get_text() for text in ax.get_xticklabels()] == list(scores)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["recorded", "unrecorded"]


def test_scores_of_recorded_units_alone_stand_in_the_middle():
    ax = plot_unit_scores({"fitted trials": [0.9, 0.7, np.nan, np.nan, np.nan]}, recorded=RECORDED)
    (line,) = points(ax, "o")
    assert np.abs(line.get_xdata()).max() < 0.2
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["recorded"]


def test_values_by_type():
    ax = plot_fitted_values([1.0, 2.0, 3.0, 5.0], by=["E", "E", "I", "I"], quantity="tau", unit="ms")
    assert bars(ax) == [1.5, 4.0]
    assert ax.get_ylabel() == "tau (ms)"
    assert len({line.get_color() for line in points(ax, "o")}) == 2
    many = plot_fitted_values(np.arange(10_000.0))
    (line,) = points(many, "o")
    assert (len(line.get_ydata()), line.get_ydata().min(), line.get_ydata().max()) == (400, 0.0, 9999.0)


@pytest.mark.parametrize(
    ("draw", "says"),
    [
        (lambda: plot_unit_scores({"a": [1.0]}, recorded=RECORDED), "must be \\(N,\\) arrays of the units"),
        (lambda: plot_unit_scores({"a": np.ones(5)}, recorded=RECORDED.astype(int)), "bools of shape"),
        (lambda: plot_fitted_values([1.0, np.nan]), "must be finite"),
        (lambda: plot_fitted_values([1.0], by=["E", "I"]), "of one shape"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(draw, says):
    with pytest.raises(ValueError, match=says):
        draw()


def sweep(nulls=("rewire", "none"), seeds=3):
    """Results of fits of 20, 2 and all units, of which none are left."""
    rng = np.random.default_rng(0)
    dims = ("n_units", "null", "seed")
    shape = (3, len(nulls), seeds)
    values = {
        f"{which}_held_out_{m}": rng.uniform(-1, 0.9, shape)
        for which in ("unrecorded", "recorded")
        for m in ("r2", "r")
    }
    for name in ("unrecorded_held_out_r2", "unrecorded_held_out_r"):
        values[name][2] = np.nan
    return xr.Dataset(
        {**{name: (dims, value) for name, value in values.items()}, "finished": (dims, np.ones(shape, bool))},
        coords={"n_units": [20, 2, 30], "null": list(nulls), "seed": range(seeds)},
    )


def test_curves_of_a_sweep_are_those_of_its_choices_over_seeds():
    data = sweep()
    curves = fit_curves(data)
    assert curves.n_units.tolist() == [2, 20]
    assert list(curves.error) == ["null: rewire", "connectome"]
    own = data["unrecorded_held_out_r2"].sel(null="none").transpose("seed", "n_units")
    np.testing.assert_allclose(curves.error["connectome"], 1 - own.sel(n_units=[2, 20]))
    np.testing.assert_array_equal(
        curves.recorded_r["null: rewire"][:, 0], data["recorded_held_out_r"].sel(null="rewire", n_units=2)
    )
    z = np.arctanh(curves.r["connectome"][:, 1])
    half = stats.t.ppf(0.975, 2) * z.std(ddof=1) / np.sqrt(3)
    mean, low, high = np.tanh([z.mean(), z.mean() - half, z.mean() + half])
    line = curves.words()[1]
    assert line.startswith("connectome, 2: ")
    assert line.endswith(f"r {mean:.3g} [{low:.3g}, {high:.3g}]")
    figure = plot_fit_sweep(curves)
    assert [ax.get_ylabel().split("\n")[0] for ax in figure.axes] == ["squared error / variance", "correlation r"]


def test_curves_without_a_null_or_held_out_trials_have_other_names():
    data = sweep(("none",), seeds=1).squeeze("null", drop=True)
    data = data.rename({name: name.replace("held_out", "fitted") for name in data if "held_out" in name})
    curves = fit_curves(data)
    assert (list(curves.error), curves.trials) == (["all runs"], "fitted")
    assert "[" not in curves.words()[0]  # of a single seed


def test_other_sweeps_have_no_curves():
    data = sweep()
    assert fit_curves(data.drop_vars([name for name in data if "unrecorded" in name])) is None
    assert fit_curves(data.isel(n_units=0, drop=True)) is None
    assert fit_curves(data.isel(n_units=[2])) is None  # all units were fitted
