import csv
import re

import numpy as np
import pytest

from eicon.models import verify
from eicon.pages import write_report
from eicon.runs import create_run, open_run, parse_recipe, train_run
from eicon.runs._run import read_curves


def test_run_directory_holds_what_the_readme_says(trained_run):
    run, _ = trained_run
    names = {str(p.relative_to(run.path)) for p in run.path.rglob("*") if p.is_file()}
    assert {
        "config.toml",
        "network.npz",
        "best.npz",
        "history.csv",
        "run.json",
        "analysis.json",
        "checkpoints/latest.npz",
        "figures/overview.png",
        "figures/psychometric.png",
        "figures/connectivity.png",
        "figures/selectivity.png",
        "figures/activity.png",
        "figures/pc_trajectories.png",
        "figures/spectrum.png",
        "figures/loss.png",
    } <= names
    assert not [name for name in names if name.endswith(".part")]
    record = run.read_record()
    assert record["status"] == "trained"
    assert record["steps"] == 60
    assert record["best_step"] in (20, 40, 60)
    assert 0 < record["compile_seconds"] + record["validation_seconds"] < record["training_seconds"]
    with (run.path / "history.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 60
    assert [row["step"] for row in rows if row["validation_accuracy"]] == ["20", "40", "60"]
    assert float(rows[-1]["seconds"]) == pytest.approx(record["training_seconds"], abs=1e-3)
    assert {"stage", "compile_seconds", "validation_seconds"} <= set(rows[0])


def test_saved_network_is_the_trained_one(trained_run):
    run, numbers = trained_run
    net = run.load_network()
    assert verify(net).ok
    assert numbers["certificate"]["spectral_radius"] == pytest.approx(
        np.abs(np.linalg.eigvals(np.asarray(net.W_rec, float))).max(), rel=1e-9
    )


def test_numbers_describe_the_behaviour(trained_run):
    _, numbers = trained_run
    assert numbers["choice"]["unit"] == "% of dots"
    by_level = numbers["choice"]["accuracy_by_evidence"]
    assert list(by_level) == ["3.2", "6.4", "12.8", "25.6", "51.2"]
    assert np.mean(list(by_level.values())) == pytest.approx(numbers["accuracy"], abs=1e-6)


def test_same_seed_gives_the_same_bits(trained_run, tiny_toml, tmp_path):
    run, _ = trained_run
    again = create_run(tmp_path / "again", parse_recipe(tiny_toml))
    train_run(again, progress=False)
    first, second = (r.load_network().parameters() for r in (run, again))
    assert all((first[name] == second[name]).all() for name in first)


def test_existing_directory_is_refused_and_kept(trained_run, tiny_toml, tmp_path):
    run, _ = trained_run
    before = {p: p.read_bytes() for p in run.path.rglob("*") if p.is_file()}
    with pytest.raises(FileExistsError, match="already exists and is not empty; choose another --out"):
        create_run(run.path, parse_recipe(tiny_toml))
    assert {p: p.read_bytes() for p in run.path.rglob("*") if p.is_file()} == before
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="choose another --out"):
        create_run(tmp_path, parse_recipe(tiny_toml))
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no run directory"):
        open_run(tmp_path / "absent")
    with pytest.raises(FileNotFoundError, match="not a run directory: it has no config.toml"):
        open_run(tmp_path)


def test_untrained_and_unanalysed_runs_say_what_to_do(tiny_toml, tmp_path):
    run = create_run(tmp_path / "new", parse_recipe(tiny_toml))
    with pytest.raises(FileNotFoundError, match="finish it with: eicon train --resume"):
        run.load_network()
    with pytest.raises(FileNotFoundError, match="analyse it with: eicon analyze"):
        write_report(run)


def test_report_is_one_self_contained_page(trained_run):
    run, _ = trained_run
    page = write_report(run).read_text(encoding="utf-8")
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    assert page.count("data:image/png;base64,") == 7
    for wanted in ("every constraint holds", "n_rec = 20", "eicon train config.toml", "brainpy", "wrong signs"):
        assert wanted in page


def test_report_escapes_what_it_quotes(tiny_toml, tmp_path, trained_run):
    run, _ = trained_run
    twin = tmp_path / "<script>"
    twin.mkdir()
    for name in ("config.toml", "analysis.json", "run.json"):
        (twin / name).write_bytes((run.path / name).read_bytes())
    page = write_report(open_run(twin)).read_text(encoding="utf-8")
    assert "<script>" not in page


def test_a_training_without_a_validation_has_no_curves(tmp_path):
    text = "format = 2\n[network]\nn_rec = 5\n[trials]\nbatch_size = 2\n[training]\nsteps = 3\nvalidation_repeats = 1\n"
    run = create_run(tmp_path / "short", parse_recipe(text))
    train_run(run, progress=False)
    arrays, header = read_curves(run.curves)
    assert {len(curve) for curve in arrays.values()} == {0}
    assert (header["steps"], header["axis"]) == (3, "validation")
