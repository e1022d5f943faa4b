"""``eicon recipe``: a recipe to start from, what one will compute, and files of older formats."""

import json

import pytest
from click.testing import CliRunner

from eicon.cli import main
from eicon.runs import parse_recipe, read_recipe
from eicon.runs._start import commented

SMALL = "format = 2\n[network]\nn_rec = 9\n[training]\nsteps = 4\n"


def call(*words, code=0):
    done = CliRunner().invoke(main, ["recipe", *map(str, words)])
    assert done.exit_code == code, done.output
    return done.output


def test_a_recipe_to_start_from(tmp_path):
    assert call("--task", "NBack", "--kind", "free") == commented("NBack", "free").rstrip() + "\n"
    assert call("--out", tmp_path / "a.toml") == f"Recipe: {tmp_path / 'a.toml'}\n"
    assert read_recipe(tmp_path / "a.toml").task["name"] == "PerceptualDecision"
    assert "already exists; choose another --out" in call("--out", tmp_path / "a.toml", code=1)
    assert "task.name: got 'Chess'; allowed: " in call("--task", "Chess", code=1)


def test_what_a_recipe_will_compute(tmp_path):
    (tmp_path / "a.toml").write_text(SMALL + "[grid]\nnetwork.tau = [50, 100]\nseed = [0, 1, 2]")
    said = call("--explain", tmp_path / "a.toml")
    assert said.startswith("6 runs of 4 steps of 32 trials, 9 units: about ")
    assert "grid: network.tau, 2 values: 50, 100" in said
    found = json.loads(call("--explain", "--json", tmp_path / "a.toml"))
    assert found["runs"] == 6
    assert found["seconds"] > 0
    large = call("--explain", tmp_path / "a.toml", "--set", "network.n_rec=3000")
    assert "3,000 units" in large
    assert "network.n_recs: unknown key" in call("--explain", tmp_path / "a.toml", "--set", "network.n_recs=3", code=1)


def test_older_formats_are_converted(tmp_path):
    (tmp_path / "old.toml").write_text("seed = 3\n[network]\ndale = false\nn_rec = 9\n[training]\nsteps = 4\n")
    text = call("--convert", tmp_path / "old.toml")
    recipe = parse_recipe(text[text.index("format = 2") :])
    assert recipe == read_recipe(tmp_path / "old.toml").completed()
    assert (recipe.seed, recipe.network.kind, recipe.learner.learning_rate) == (3, "free", 0.002)
    call("--convert", tmp_path / "old.toml", "--out", tmp_path / "new.toml")
    assert read_recipe(tmp_path / "new.toml") == recipe


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a.toml"], "RECIPE needs --explain or --convert; without RECIPE, a new recipe is written."),
        (["--explain"], "--explain needs RECIPE."),
        (["--set", "network.n_rec=3"], "--set changes an existing RECIPE; give it with --explain or --convert."),
        (["--explain", "a.toml", "--kind", "free"], "--kind is for new recipes; to change RECIPE, use --set."),
        (["--convert"], "--convert needs RECIPE."),
        (["--explain", "--convert", "a.toml"], "--explain and --convert cannot be combined."),
    ],
)
def test_recipe_belongs_to_what_reads_one(words, said):
    assert said in call(*words, code=2)
