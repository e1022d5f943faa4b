"""Directories that eicon 0.1.0 left are opened, analysed and gone on with; its networks are drawn again bit for bit."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from eicon.cli import main
from eicon.models import load
from eicon.pages import write_report
from eicon.runs import (
    analyze_run,
    create_sweep,
    open_run,
    open_sweep,
    read_recipe,
    run_sweep,
    sweep_results,
    train_run,
)
from eicon.runs._run import read_curves

from .test_loss_curves import WHEEL, off, run

pytestmark = pytest.mark.battery

SCRIPT = Path(__file__).with_name("old_directories.py")
TOLERANCE = 1e-4
CURVES = ("train_loss", "validation_loss", "train_accuracy", "validation_accuracy")
TEMPLATES = ("seq", "nback", "pic_latent")


@pytest.fixture(scope="module")
def old(once, tmp_path_factory):
    """What the wheel left; tests may change it."""
    connectome = once("old-connectome", lambda folder: None) / "small.npz"  # whose path the sweeps hold

    def fill(folder):
        pip = ("-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "--no-index")
        run(*pip, "--target", folder / "wheel", WHEEL)
        (folder / "old").mkdir()
        run("-P", SCRIPT, folder / "old", connectome, PYTHONPATH=str(folder / "wheel"))

    return shutil.copytree(once("old", fill) / "old", tmp_path_factory.mktemp("old") / "old")


def curves_agree(cell, then, here):
    for name in CURVES:
        worst = off(name, here[name], then[name])
        assert worst <= TOLERANCE, f"{cell}: {name} is off by {worst:.1e}"
    assert len(set(then["train_loss"].tolist())) == len(then["train_loss"]), "or equal curves would say nothing"


def test_a_run_is_opened_analysed_and_reported(old):
    run = open_run(old / "run")
    recipe = run.recipe
    assert (recipe.format, recipe.network.kind, recipe.network.start) == (2, "dale", "balanced")
    assert (recipe.network.spectral_radius, recipe.learner.learning_rate) == (1.5, 0.002)
    assert (recipe.training.steps, recipe.trials.batch_size, recipe.task["stimulus"]) == (30, 8, 400.0)
    assert [penalty.kind for penalty in recipe.training.penalties] == ["rate"]
    history = run.history()
    assert history.n_steps == 30
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    net, _, again = train_run(run, progress=False)
    assert {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()} == before, (
        "there was nothing to do"
    )
    assert again.loss.tolist() == history.loss.tolist()
    assert net.n_rec == 12
    numbers = analyze_run(run, repeats=3)
    assert numbers["certificate"]["ok"]
    assert numbers["training"]["steps"] == 30
    assert write_report(run).is_file()


def test_a_run_that_was_trained_again_has_its_network(old, tmp_path):
    """From the configuration that lies there: the weights at first bit for bit, and those at last to 1e-4."""
    recipe = open_run(old / "run").recipe
    (tmp_path / "config.toml").write_text((old / "run" / "config.toml").read_text())
    said = CliRunner().invoke(
        main, ["--quiet", "train", str(tmp_path / "config.toml"), "--out", str(tmp_path / "again")]
    )
    assert said.exit_code == 0, said.output
    then, here = load(old / "run" / "network.npz"), open_run(tmp_path / "again").load_network()
    for name in ("W_rec", "W_in", "W_out"):
        one, two = np.asarray(getattr(then, name)), np.asarray(getattr(here, name))
        assert np.abs(one - two).max() <= TOLERANCE * np.abs(one).max()
    assert off("loss", open_run(tmp_path / "again").history().loss, open_run(old / "run").history().loss) <= TOLERANCE
    assert recipe.completed() == open_run(tmp_path / "again").recipe


def test_a_sweep_is_opened_and_every_cell_is_a_run(old):
    sweep = open_sweep(old / "sweep")
    assert sweep.done() == [True] * 4
    assert sweep.recipe.grid == {
        "learner.clip_norm": (False, 1.0),
        "network.spectral_radius": ("drawn", 0.5),
        "repeat": (0,),
    }
    names = [str(sweep.folder(i).relative_to(old / "sweep" / "runs")) for i in (0, 3)]
    assert names == [f"clip_norm={c},spectral_radius={r}/repeat=0" for c, r in (("0.0", "0.0"), ("1.0", "0.5"))]
    found = sweep_results(sweep)
    assert dict(found.sizes) == {"clip_norm": 2, "spectral_radius": 2, "repeat": 1, "epoch": 6}
    assert found["finished"].all()
    cell = open_run(sweep.folder(3))
    then, header = read_curves(sweep.folder(3) / "run.npz")
    assert header["settings"]["network"]["spectral_radius"] == cell.recipe.network.spectral_radius == 0.5
    np.testing.assert_array_equal(cell.history().validation_loss, then["validation_loss"])
    assert cell.load_network().n_rec == 12
    assert analyze_run(cell, repeats=3)["certificate"]["ok"]
    plotted = CliRunner().invoke(main, ["--quiet", "plot", str(old / "sweep")])
    assert plotted.exit_code == 0, plotted.output
    assert [summary["combination"]["repeat"] for summary in run_sweep(sweep, workers=0, progress=False)] == [0] * 4


def test_an_unfinished_sweep_goes_on_where_it_was(old, tmp_path):
    """With the same command on the same configuration; the cells that were not there are as the wheel trained them."""
    shutil.copytree(old / "sweep", tmp_path / "sweep")
    sweep = open_sweep(tmp_path / "sweep")
    gone = sweep.folder(3)
    kept = {path: path.read_bytes() for path in sweep.folder(0).rglob("*") if path.is_file()}
    shutil.rmtree(gone.parent)
    said = CliRunner().invoke(
        main,
        ["--quiet", "sweep", str(old / "sweep" / "sweep.toml"), "--out", str(sweep.path), "--workers", "0", "--json"],
    )
    assert said.exit_code == 0, said.output
    assert len(json.loads(said.stdout)) == 4
    assert {path: path.read_bytes() for path in sweep.folder(0).rglob("*") if path.is_file()} == kept
    then, here = (
        read_curves(path / gone.relative_to(sweep.path) / "run.npz")[0] for path in (old / "sweep", sweep.path)
    )
    curves_agree(gone, then, here)
    assert sorted(path.name for path in (gone / "networks").iterdir()) == [f"epoch={e}.npz" for e in (0, 2, 4, 5)]
    assert open_run(gone).recipe.repeat == 0
    more = create_sweep(sweep.path, sweep.recipe)
    assert more.named_by == sweep.named_by
    assert (sweep.path / "sweep.toml").read_text() == (old / "sweep" / "sweep.toml").read_text()


@pytest.mark.parametrize("compat", ["", "bio_rnn_mem"])
@pytest.mark.parametrize("name", TEMPLATES)
def test_the_published_templates_draw_the_networks_that_they_drew(name, compat, old):
    recipe = read_recipe(old / f"{name}.ini", compat=compat)
    kind = ".published" if compat else ""
    with np.load(old / f"{name}{kind}.npz", allow_pickle=False) as then:
        assert len(then.files) == 6
        for index, cell in enumerate(recipe.cells()):
            net = cell.make_network(cell.make_task())
            for weights in ("W_rec", "W_in", "W_out"):
                np.testing.assert_array_equal(np.asarray(getattr(net, weights)), then[f"{index}/{weights}"])


@pytest.mark.parametrize(("name", "compat"), [*((name, "") for name in TEMPLATES), ("seq", "bio_rnn_mem")])
def test_the_published_templates_train_as_they_did(name, compat, old, tmp_path):
    sweep = create_sweep(tmp_path / "new", read_recipe(old / f"{name}.ini", compat=compat))
    run_sweep(sweep, workers=0, progress=False)
    there = open_sweep(old / f"{name}{'.published' if compat else ''}")
    for index in range(2):
        then, here = (read_curves(s.folder(index) / "run.npz")[0] for s in (there, sweep))
        curves_agree(sweep.folder(index), then, here)


@pytest.mark.slow
@pytest.mark.parametrize("name", TEMPLATES)
def test_the_published_templates_end_where_they_ended(name, once, bio2art, tmp_path, monkeypatch):
    """Five networks each of relu and tanh: best results differ by less than they spread over seeds."""
    monkeypatch.setenv("EICON_CONNECTOMES", str(bio2art))

    def fill(folder):
        pip = ("-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "--no-index")
        run(*pip, "--target", folder / "wheel", WHEEL)
        (folder / "long").mkdir()
        run("-P", SCRIPT, folder / "long", "Marmoset_Normalized", "--long", PYTHONPATH=str(folder / "wheel"))

    there = once("long", fill) / "long"
    sweep = create_sweep(tmp_path / "new", read_recipe(there / f"{name}.ini"))
    run_sweep(sweep, workers=0, progress=False)
    best = {}
    for who, which in (("then", open_sweep(there / name)), ("now", sweep)):
        curves = [read_curves(which.folder(i) / "run.npz")[0] for i in range(10)]
        ends = [c["validation_loss"].min() if name == "seq" else c["validation_accuracy"].max() for c in curves]
        of = [which.recipe.cell(i).network.activation for i in range(10)]
        best[who] = {unit: np.array([e for e, o in zip(ends, of, strict=True) if o == unit]) for unit in set(of)}
    for unit, then in best["then"].items():
        here = best["now"][unit]
        spread = np.hypot(then.std(ddof=1), here.std(ddof=1))
        assert abs(then.mean() - here.mean()) <= spread, (name, unit, then, here)
