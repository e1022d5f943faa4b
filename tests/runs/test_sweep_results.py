"""All curves of a sweep as one labelled dataset."""

import shutil

import numpy as np
import pytest
import xarray as xr

from eicon.runs import Recipe, create_run, create_sweep, open_sweep, parse_recipe, run_sweep, sweep_results, train_run
from eicon.runs._run import read_curves

CURVES = ["train_accuracy", "train_loss", "validation_accuracy", "validation_loss"]
FACTS = ["chance", "diverged", "finished", "initial_spectral_radius", "n_connections", "null_loss", "seconds"]
WORM = Recipe(network={"kind": "connectome"}, task={"name": "SequenceMemory"}, trials={"kind": "fixed"})


@pytest.fixture
def partial(finished_sweep, tmp_path):
    """With another axis, one more repeat, and one run lost."""
    shutil.copytree(finished_sweep.path, tmp_path / "sweep")
    sweep = create_sweep(tmp_path / "sweep", finished_sweep.recipe.with_changes({"grid.repeat": [0, 1, 2]}))
    shutil.rmtree(sweep.folder(4))
    return sweep


def test_dimensions_coordinates_and_values(finished_sweep):
    data = sweep_results(finished_sweep)
    assert dict(data.sizes) == {"learning_rate": 2, "repeat": 2, "epoch": 4}
    assert sorted(map(str, data.data_vars)) == sorted([*CURVES, *FACTS, "step"])
    assert data["learning_rate"].values.tolist() == [0.01, 0.001]
    assert data["epoch"].values.tolist() == [1, 2, 3, 4]
    assert data["repeat"].values.tolist() == [0, 1]
    for run in finished_sweep.runs():
        arrays, header = read_curves(run.curves)
        here = data.sel(learning_rate=run.recipe.learner.learning_rate, repeat=run.recipe.repeat)
        for name in [*CURVES, "step"]:
            np.testing.assert_array_equal(here[name].values, arrays[name])
        assert float(here["initial_spectral_radius"]) == header["initial_spectral_radius"]
        assert float(here["null_loss"]) == pytest.approx(1 / 12)
        assert bool(here["finished"])
        assert float(here["seconds"]) == arrays["seconds"][-1] > 0
    assert data.attrs["task"] == "SequenceMemory"
    assert parse_recipe(data.attrs["config"]) == finished_sweep.recipe


def test_missing_runs_are_nan(partial):
    data = sweep_results(partial.path)
    assert data["finished"].values.tolist() == [[True, True, False], [True, False, False]]
    assert not data["diverged"].values.any()
    for name in (*CURVES, "null_loss", "initial_spectral_radius", "n_connections", "seconds"):
        missing = np.isnan(data[name].values)
        assert (missing.all(axis=-1) if missing.ndim == 3 else missing).tolist() == (~data["finished"].values).tolist()


@pytest.mark.battery
def test_runs_of_different_lengths_end_with_nan(small_connectome, tmp_path):
    text = f"""
    [connectome]
    name = "{small_connectome}"
    [training]
    repeats = 1
    n_trials = 10
    [grid]
    training.epochs = [1, 3]
    task = [{{name = "SequenceMemory", pattern_length = 2}}]
    connectome.neurons = [1]
    """
    sweep = create_sweep(tmp_path / "new", parse_recipe(text))
    run_sweep(sweep, workers=0, progress=False)
    data = sweep_results(sweep)
    assert np.isfinite(data["train_loss"].values).reshape(2, 3).tolist() == [[True, False, False], [True] * 3]
    assert list(data["train_loss"].dims) == ["epochs", "task", "neurons", "repeat", "epoch"]
    assert data["task"].values.tolist() == ["{'name': 'SequenceMemory', 'pattern_length': 2}"]


@pytest.mark.parametrize("engine", ["scipy", "h5netcdf"])
def test_netcdf_round_trip(engine, partial, tmp_path):
    pytest.importorskip({"scipy": "scipy", "h5netcdf": "h5py"}[engine])
    data = sweep_results(partial)
    data.to_netcdf(tmp_path / "results.nc", engine=engine)
    with xr.open_dataset(tmp_path / "results.nc", engine=engine) as again:
        xr.testing.assert_identical(again.load(), data)


def test_not_a_sweep(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"is not the directory of a sweep: it has no sweep\.toml"):
        sweep_results(tmp_path)


def test_axes_of_the_grid_never_collide_with_repeat_and_epoch(tmp_path):
    keys = {"grid.pretrained.epoch": [0, 1], "grid.pretrained.repeat": [0, 1, 2], "grid.repeat": [0, 1, 2, 3, 4]}
    create_sweep(tmp_path / "new", WORM.with_changes(keys))
    found = sweep_results(tmp_path / "new")
    assert dict(found.sizes) == {"pretrained.epoch": 2, "pretrained.repeat": 3, "repeat": 5, "epoch": 500}


def test_an_unfinished_sweep_of_text_and_truth_values_can_be_stored(tmp_path):
    changes = {
        "training.epochs": 3,
        "grid.network.freeze": [False, True],
        "grid.network.init": ["default", "he"],
        "grid.connectome.neurons": [1, 2],
    }
    create_sweep(tmp_path / "new", WORM.with_changes(changes))
    data = sweep_results(open_sweep(tmp_path / "new"))
    assert not data["finished"].values.any()
    data.to_netcdf(tmp_path / "results.nc", engine="scipy")
    with xr.open_dataset(tmp_path / "results.nc", engine="scipy") as again:
        assert again["init"].values.tolist() == ["default", "he"]
        assert again["freeze"].values.tolist() == [False, True]


def test_curves_of_sampled_trials_are_those_of_validations(tmp_path):
    """And those of a run of the same recipe by itself."""
    recipe = parse_recipe(
        "format = 2\n[network]\nn_rec = 8\n[trials]\nbatch_size = 4\n[training]\nsteps = 6\nvalidate_every = 3\n"
        "validation_repeats = 1\n[grid]\nseed = [0, 1]"
    )
    sweep = create_sweep(tmp_path / "new", recipe)
    run_sweep(sweep, workers=0, progress=False)
    data = sweep_results(sweep)
    assert dict(data.sizes) == {"seed": 2, "validation": 2}
    assert data["step"].values.tolist() == [[3, 6], [3, 6]]
    _, _, history = train_run(create_run(tmp_path / "alone", recipe.cell(1)), progress=False)
    here = data.sel(seed=1)
    np.testing.assert_array_equal(here["validation_loss"].values, history["validation_loss"])
    means = [np.mean(history.loss[:3]), np.mean(history.loss[3:])]
    np.testing.assert_allclose(here["train_loss"].values, means, rtol=1e-6)
