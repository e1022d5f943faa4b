"""A run whose configuration asks for snapshots keeps them in its directory."""

import pytest

from eicon.models import load
from eicon.runs import ConfigError, create_run, open_run, parse_recipe, train_run


def test_snapshots_of_a_run(tiny_toml, trained_run, tmp_path):
    run = create_run(tmp_path / "kept", parse_recipe(tiny_toml + "snapshots = true\n"))
    net, _, _ = train_run(run, progress=False)
    again = open_run(run.path)
    assert again.recipe.training.snapshots is True
    assert sorted(path.name for path in again.snapshots.iterdir()) == [
        f"step_{step:05d}.npz" for step in (0, 20, 40, 60)
    ]
    assert (load(run.snapshots / "step_00060.npz").W_rec == net.W_rec).all()
    before = {path: path.read_bytes() for path in run.snapshots.iterdir()}
    train_run(again, progress=False)
    assert {path: path.read_bytes() for path in run.snapshots.iterdir()} == before
    without, _ = trained_run
    assert without.recipe.training.snapshots is False
    assert not without.snapshots.exists()
    assert (without.load_network().W_rec == net.W_rec).all()


def test_only_true_or_false(tiny_toml):
    with pytest.raises(ConfigError, match=r"training\.snapshots"):
        parse_recipe(tiny_toml + 'snapshots = "often"\n')
