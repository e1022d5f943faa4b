"""`eicon export` on a run whose network was never trained, which is all that writing it asks for."""

import json

import click
import numpy as np
import pytest
from click.testing import CliRunner

from eicon import exchange
from eicon.cli import main
from eicon.cli._export import FORMATS, export
from eicon.runs import create_run, parse_recipe

CONFIG = """
seed = 3
[network]
n_rec = 10
[task]
name = "PerceptualDecision"
stimulus = 60.0
"""
READERS = {
    "xarray": lambda path: exchange.from_xarray(exchange.files.read_netcdf(path)),
    "zarr": lambda path: exchange.from_xarray(exchange.files.read_zarr(path)),
    "mat": exchange.read_mat,
    "nwb": exchange.read_nwb,
}


@pytest.fixture
def run(tmp_path):
    made = create_run(tmp_path / "run", parse_recipe(CONFIG))
    made.recipe.make_network(made.recipe.make_task()).save(made.network)
    return made


@pytest.fixture
def invoke(run):
    group = click.Group("eicon", commands={"export": export}, params=main.params)
    return lambda *words: CliRunner().invoke(group, ["export", str(run.path), *map(str, words)])


@pytest.mark.parametrize("form", READERS)
def test_trials_and_activity_are_written(form, invoke, run):
    result = invoke("--to", form, "--repeats", 2, "--no-noise")
    assert result.exit_code == 0, result.output
    path = run.path / "export" / FORMATS[form]
    assert str(path) in result.stdout
    assert "10 units" in result.stdout
    record = READERS[form](path)
    net, task = run.load_network(), run.recipe.make_task()
    assert record.input_channels == task.input_channels
    assert record.n_trials == 2 * task.n_conditions
    np.testing.assert_allclose(record.rates, net.predict(record.inputs, noise=False).rates, atol=1e-6)


@pytest.mark.parametrize("form", ["numpy", "torch"])
def test_weights_are_written(form, invoke, run, tmp_path):
    result = invoke("--to", form, "--out", tmp_path / "w", "--json")
    assert json.loads(result.stdout) == {"path": str(tmp_path / "w"), "format": form, "units": 10}
    np.testing.assert_array_equal(exchange.read_numpy(tmp_path / "w").W_rec, run.load_network().W_rec)


def test_seed_and_noise(invoke, tmp_path):
    asked = {"a": [], "b": ["--seed", 1], "c": ["--seed", 1], "d": ["--seed", 1, "--no-noise"]}
    rates = {}
    for name, words in asked.items():
        assert invoke("--to", "mat", "--repeats", 1, "--out", tmp_path / f"{name}.mat", *words).exit_code == 0
        rates[name] = exchange.read_mat(tmp_path / f"{name}.mat").rates
    assert np.array_equal(rates["b"], rates["c"])
    assert not np.array_equal(rates["a"], rates["b"])
    assert not np.array_equal(rates["c"], rates["d"])


def test_nothing_is_replaced_unless_asked(invoke, tmp_path):
    words = ("--to", "mat", "--repeats", 1, "--out", tmp_path / "a.mat")
    assert invoke(*words).exit_code == 0
    again = invoke(*words)
    assert again.exit_code == 1
    assert again.stderr == f"error: {tmp_path / 'a.mat'} already exists; choose another --out, or --overwrite it.\n"
    assert invoke(*words, "--overwrite").exit_code == 0


def test_wrong_usage(invoke, tmp_path):
    assert "is not one of 'xarray', 'zarr', 'mat', 'nwb', 'numpy', 'torch'" in invoke("--to", "csv").stderr
    assert invoke("--to", "csv").exit_code == 2
    wrong = invoke("--to", "nwb", "--repeats", 1, "--out", tmp_path / "a.h5")
    assert (wrong.exit_code, wrong.stderr.count("\n")) == (1, 1)
    assert "must end in .nwb" in wrong.stderr


def test_a_run_that_was_not_trained(invoke, run):
    run.network.unlink()
    result = invoke("--to", "mat")
    assert result.exit_code == 1
    assert "has no trained network yet" in result.stderr
