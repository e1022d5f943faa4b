"""The suite itself: what is trained, resumed, refused, tabulated, and shown."""

import json
import re
import shutil

import numpy as np
import pytest
from click.testing import CliRunner

from eicon.cli import main
from eicon.models import verify
from eicon.reproduce.song2016 import FIGURES, MODELS, model_recipe, reproduce, rows, summary, train_models
from eicon.reproduce.song2016._reproduce import write_gallery
from eicon.reproduce.song2016.results import Row

pytestmark = pytest.mark.battery

AREAS = ("lee", "mante_areas", "multisensory", "rdm_fixed", "romo", "sinewave")
"""Models that are made of populations."""


def units(recipe):
    return recipe.network.n_rec or sum(population.n for population in recipe.network.populations)


def test_every_model_is_in_a_figure_and_every_figure_has_models():
    assert {name for models in FIGURES.values() for name in models} == set(MODELS)
    assert all(set(models) <= set(MODELS) for models in FIGURES.values())


@pytest.mark.parametrize("name", MODELS)
def test_settings_are_those_of_the_paper(name):
    """Table of REFERENCES: noise, units, time constant, spectral radius, gradient norm, criterion."""
    recipe = model_recipe(name, 4).completed()
    network, training = recipe.network, recipe.training
    n_rec = {"mante": 150, "mante_areas": 150, "multisensory": 150, "romo": 500, "lee": 200, "sinewave": 200}
    assert recipe.seed == 4
    assert units(recipe) == n_rec.get(name, 100)
    assert network.sigma_rec == 0.15
    assert network.tau == (50.0 if name == "lee" else 100.0)
    radius = {"lee": 1.1, "sinewave": 1.0}.get(name, 1.5)
    assert (network.spectral_radius, network.x0, network.train_x0) == (radius, 0.1, True)
    assert recipe.learner.clip_norm == 1.0
    assert network.kind == {"rdm_nodale": "free", **dict.fromkeys(AREAS, "populations")}.get(name, "dale")
    assert training.validate_every == (250 if name == "rdm_sgd" else 50), "the criterion is about five validations"
    assert training.validation_repeats == (100 if name == "rdm_sgd" else 20)
    asked = {
        "romo": (None, 0.85, None),
        "lee": (None, None, 0.0025),
        "sinewave": (None, None, 0.0025),
        **dict.fromkeys(("mante", "mante_areas", "multisensory"), (0.9, None, None)),
    }
    got = (training.stop_accuracy, training.stop_worst_accuracy, training.stop_loss)
    assert got == asked.get(name, (0.85, None, None))
    if name == "rdm_sgd":
        learner = recipe.learner
        assert (learner.optimizer, learner.learning_rate, recipe.trials.batch_size) == ("sgd", 0.01, 20)
        assert [(penalty.kind, penalty.strength) for penalty in training.penalties] == [("vanishing_gradient", 2.0)]


def test_two_areas_have_sparse_feedback_alone():
    recipe = model_recipe("mante_areas", 0)
    net = recipe.make_network(recipe.make_task())
    assert verify(net).ok
    exists = net.recurrent.connectivity.exists

    def density(source, target):
        block = exists[np.ix_(net.select(source), net.select(target))]
        return block.mean()

    sensory, motor = {"area": "sensory"}, {"area": "motor"}
    assert density({**sensory, "type": "E"}, motor) == 1.0
    assert density({**motor, "type": "E"}, sensory) == pytest.approx(0.2, abs=1e-3)
    assert density({**sensory, "type": "I"}, motor) == density({**motor, "type": "I"}, sensory) == 0.0
    assert not net.input.connectivity.exists[:, net.select(motor)].any()
    assert not net.readout.connectivity.exists[net.select(sensory)].any()


def test_memory_network_has_the_published_densities():
    recipe = model_recipe("romo", 0)
    exists = recipe.make_network(recipe.make_task()).recurrent.connectivity.exists
    assert exists[:400].sum() == pytest.approx(0.1 * (400 * 499), abs=2)
    assert exists[400:].sum() == pytest.approx(0.5 * (100 * 499), abs=2)


def test_quick_networks_are_small_and_hardly_train():
    for name in MODELS:
        recipe = model_recipe(name, 0, quick=True)
        assert units(recipe) <= 100
        assert recipe.training.steps <= 50
        recipe.check()
        recipe.check_network()


def test_what_is_written(quick):
    results = json.loads((quick / "results.json").read_text())
    assert [(row["model"], row["seed"], row["steps"], row["trials"]) for row in results["rows"]] == [
        ("rdm_dense", 0, 40, 320),
        ("rdm_sgd", 0, 40, 320),
    ]
    assert all(row["constraints"] and not row["done"] for row in results["rows"])
    page = (quick / "index.html").read_text()
    assert "does not hold" in page
    assert page.count("data:image/png;base64,") == len(results["figures"][0]["images"])
    assert not re.search(r'(src|href)="(?!data:|https://doi.org)', page)


def test_again_trains_nothing_and_a_removed_network_goes_on(quick, tmp_path, monkeypatch):
    out = shutil.copytree(quick, tmp_path / "copy")
    before = (out / "runs/rdm_dense/seed0/network.npz").read_bytes()
    (out / "runs/rdm_sgd/seed0/network.npz").unlink()
    trained = []
    from eicon.reproduce.song2016 import _suite

    real = _suite.train_run
    monkeypatch.setattr(
        _suite, "train_run", lambda run, **options: trained.append(run.path.parent.name) or real(run, **options)
    )
    train_models(out, FIGURES[9], seeds=1, quick=True, progress=False)
    assert trained == ["rdm_sgd"]
    assert (out / "runs/rdm_dense/seed0/network.npz").read_bytes() == before
    assert (out / "runs/rdm_sgd/seed0/network.npz").is_file()


def test_networks_with_other_settings_are_refused_and_kept(quick):
    before = {path: path.read_bytes() for path in quick.rglob("*") if path.is_file()}
    with pytest.raises(FileExistsError, match="contains a run with different settings"):
        train_models(quick, ["rdm_dense"], seeds=1, progress=False)
    assert {path: path.read_bytes() for path in quick.rglob("*") if path.is_file()} == before


def test_unknown_figures_are_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match=r"there is no figure 10; allowed: 1, 2"):
        reproduce(tmp_path / "new", [10])
    assert not (tmp_path / "new").exists()


def test_what_was_reached_is_what_the_history_says(quick):
    from eicon.training._checkpoint import read_history

    runs = train_models(quick, ["rdm_dense"], seeds=1, quick=True, progress=False)
    (row,) = rows(runs)
    history = read_history(runs["rdm_dense"][0].checkpoint)
    assert row.reached == pytest.approx(float(history.validation_accuracy[-5:].mean()))
    assert row.seconds == float(history.seconds[-1])


def test_summary_gives_median_and_range():
    made = [
        Row("romo", seed, MODELS["romo"].asked, reached, done, 10, trials, seconds, True)
        for seed, (reached, done, trials, seconds) in enumerate(
            [(0.9, True, 100, 9.6), (0.8, False, 900, 30.0), (0.95, True, 300, 12.0)]
        )
    ]
    (line,) = summary(made)
    assert (line["reached"], line["seeds"]) == ("80.0% to 95.0%", "2 of 3")
    assert (line["trials"], line["seconds"]) == ("300 (100 to 900)", "12 (10 to 30)")
    assert line["constraints"] == "all hold"


def test_the_gallery_of_an_empty_directory_is_empty(tmp_path):
    page = write_gallery(tmp_path)
    assert "<img" not in page.read_text()


def test_the_command(quick, tmp_path):
    out = shutil.copytree(quick, tmp_path / "copy")
    words = ["--quiet", "reproduce", "song2016", "--figure", "9", "--quick", "--seeds", "1", "--out", str(out)]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    assert "rdm_sgd seed 0" in result.stdout
    assert "not reached" in result.stdout
    assert str(out / "index.html") in result.stdout
    refused = CliRunner().invoke(main, ["reproduce", "song2016", "--figure", "12"])
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
