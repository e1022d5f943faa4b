"""Tasks and cells of one's own, by file and by module: found, recorded, and imported only where that is meant."""

import hashlib
import shutil

import numpy as np
import pytest

from eicon.runs import (
    ConfigError,
    Recipe,
    create_run,
    create_sweep,
    open_run,
    open_sweep,
    parse_recipe,
    read_recipe,
    run_sweep,
    sweep_results,
    train_run,
)
from eicon.runs import _own_code as own_code
from eicon.tasks import PerceptualDecision

TASK = """
import dataclasses
from pathlib import Path
from eicon.tasks import PerceptualDecision

with Path(__file__).with_suffix(".ran").open("a") as stream:
    stream.write("x")


@dataclasses.dataclass(frozen=True)
class Harder(PerceptualDecision):
    factor: float = 2.0


def easier(stimulus=400.0):
    return PerceptualDecision(stimulus=stimulus)


def nothing():
    return 3
"""
CELL = """
import dataclasses
from eicon.models import Leaky


@dataclasses.dataclass(frozen=True)
class Mine(Leaky):
    pass
"""
REST = """
[network]
n_rec = 5
[trials]
batch_size = 2
[training]
steps = 2
validate_every = 2
validation_repeats = 1
"""


@pytest.fixture
def home(tmp_path):
    """A folder with a recipe, a task and a cell of one's own."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "mine.py").write_text(TASK)
    (folder / "cells.py").write_text(CELL)
    (folder / "recipe.toml").write_text("format = 2\n[task]\nname = 'mine.py:Harder'\nfactor = 3.0" + REST)
    return folder


@pytest.fixture
def nobody_is_trusted(monkeypatch):
    """What --trust does holds for one test."""
    monkeypatch.setattr(own_code, "_trusted", False)


def ran(folder):
    return (folder / "mine.ran").is_file()


def test_a_file_is_named_from_where_the_recipe_is(home, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    recipe = read_recipe(home / "recipe.toml")
    assert recipe.task["name"] == f"{home / 'mine.py'}:Harder"
    task = recipe.make_task()
    assert (type(task).__name__, task.factor) == ("Harder", 3.0)
    with pytest.raises(ConfigError, match=r"task\.name: got .*there is no file .*mine\.py"):
        parse_recipe((home / "recipe.toml").read_text())
    assert parse_recipe((home / "recipe.toml").read_text(), base=home) == recipe


def test_every_place_of_a_name(home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = """
    format = 2
    [network]
    n_rec = 5
    cell = ["cells.py:Mine"]
    [[stages]]
    task = {name = "mine.py:Harder"}
    stop_loss = 1.0
    [grid]
    task = [{name = "mine.py:Harder"}, {name = "mine.py:easier"}]
    network.cell = ["cells.py:Mine", ["plastic", "cells.py:Mine"]]
    """
    recipe = parse_recipe(text, base=home)
    mine, cells = f"{home / 'mine.py'}:", f"{home / 'cells.py'}:Mine"
    assert recipe.network.cell == (cells,)
    assert recipe.stages[0].task["name"] == mine + "Harder"
    assert [table["name"] for table in recipe.grid["task"]] == [mine + "Harder", mine + "easier"]
    assert recipe.grid["network.cell"] == (cells, ["plastic", cells])
    code = {entry.name: entry.sha256 for entry in recipe.completed().code}
    digests = {file: hashlib.sha256((home / file).read_bytes()).hexdigest() for file in ("mine.py", "cells.py")}
    assert code == {
        mine + "Harder": digests["mine.py"],
        mine + "easier": digests["mine.py"],
        cells: digests["cells.py"],
    }
    net = recipe.cell(3).make_network(recipe.cell(3).make_task())
    assert type(net.cell).__name__ == "Plastic"
    assert type(net.cell.inner).__name__ == "Mine"
    assert type(recipe.cell(0).make_network(PerceptualDecision()).cell).__name__ == "Mine"


def test_modules_and_functions(home, monkeypatch):
    monkeypatch.syspath_prepend(home)
    shutil.copy(home / "mine.py", home / "my_module_of_tasks.py")
    recipe = parse_recipe("format = 2\n[task]\nname = 'my_module_of_tasks:easier'\nstimulus = 200.0")
    assert recipe.make_task() == PerceptualDecision(stimulus=200.0)
    (entry,) = recipe.completed().code
    assert (entry.name, entry.path) == ("my_module_of_tasks:easier", str(home / "my_module_of_tasks.py"))
    assert parse_recipe(recipe.completed().to_toml()) == recipe.completed()
    ours = parse_recipe("format = 2\n[task]\nname = 'eicon.tasks:PerceptualDecision'")
    assert ours.make_task() == PerceptualDecision()
    assert ours.completed().code == (), "eicon's own code has a version"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mine.py:Absent", r"task\.name: .*mine\.py has no class 'Absent'"),
        ("absent.py:Task", r"task\.name: got '.*absent\.py:Task', but there is no file"),
        ("mine.py:nothing", r"task\.name: .*nothing made 3, which is not an eicon\.tasks\.Task"),
        ("mine.py:easier'\nspeed = '3", r"task\.speed: unknown key; allowed: name, stimulus"),
        ("mine.py:Harder'\nspeed = '3", r"task\.speed: unknown key; allowed: name, dt, .*factor"),
        ("no_such_module:Task", r"got 'no_such_module:Task', but no module 'no_such_module' is installed"),
        ("mine.py:not a name", r"a class of your own is given as file\.py:Class or module:Class"),
        ("numpy._core._multiarray_umath:add", r"umath is not a module written in Python"),
    ],
)
def test_names_that_lead_nowhere(home, name, message):
    with pytest.raises(ConfigError, match=message):
        parse_recipe(f"format = 2\n[task]\nname = '{name}'", base=home)


@pytest.mark.parametrize("kind", ["dale", "connectome"])
def test_a_cell_that_is_not_there_is_refused_before_a_run_is_made(kind, tmp_path):
    recipe = parse_recipe(f"format = 2\n[network]\nkind = '{kind}'\ncell = 'absent.py:Cell'", base=tmp_path)
    with pytest.raises(ConfigError, match=r"got '.*absent\.py:Cell', but there is no file .*absent\.py"):
        create_run(tmp_path / "run", recipe)
    assert not (tmp_path / "run").exists()


def test_what_a_run_was_made_with_is_recorded_and_a_changed_file_refused(home, tmp_path, nobody_is_trusted):
    run = create_run(tmp_path / "run", read_recipe(home / "recipe.toml"))
    train_run(run, progress=False)
    (entry,) = open_run(run.path).recipe.code
    assert entry.path == str(home / "mine.py")
    assert entry.sha256 == hashlib.sha256((home / "mine.py").read_bytes()).hexdigest()
    assert open_run(run.path).recipe.make_task().factor == 3.0
    (home / "mine.py").write_text(TASK.replace("2.0", "4.0"))
    (home / "mine.ran").unlink()
    with pytest.raises(ConfigError, match=r"task\.name: .*mine\.py changed after the run was made.*--trust"):
        open_run(run.path)
    assert not ran(home), "it was not imported"
    own_code.trust()
    assert open_run(run.path).recipe.make_task().factor == 3.0
    assert ran(home)


@pytest.mark.parametrize("named", ["mine.py", "../mine.py", "inside"])
def test_code_that_comes_with_a_run_is_refused(home, tmp_path, named, nobody_is_trusted):
    """A directory of somebody else's, whose recipe names a file in it or beside it."""
    theirs = tmp_path / "theirs" / "run"
    theirs.mkdir(parents=True)
    for place in (theirs, theirs.parent):
        (place / "mine.py").write_text(TASK)
    name = str(theirs / "mine.py") if named == "inside" else named
    (theirs / "config.toml").write_text(f"format = 2\n[task]\nname = '{name}:Harder'" + REST)
    with pytest.raises(ConfigError, match=r"would import .*mine\.py, code inside the run directory .*--trust"):
        open_run(theirs)
    (theirs / "sweep.toml").write_text(f"format = 2\n[grid]\ntask.name = ['{name}:Harder']" + REST)
    with pytest.raises(ConfigError, match=r"would import .*mine\.py, code inside the run directory"):
        open_sweep(theirs)
    assert not ran(theirs)
    assert not ran(theirs.parent)
    own_code.trust()
    assert open_run(theirs).recipe.make_task().factor == 2.0


def test_code_inside_of_a_run_is_refused_by_recipes_elsewhere(home, tmp_path, nobody_is_trusted):
    run = create_run(tmp_path / "run", Recipe(network={"n_rec": 5}))
    (run.path / "run.json").write_text("{}")
    shutil.copy(home / "mine.py", run.path / "mine.py")
    with pytest.raises(ConfigError, match=r"task\.name: .* would import .*, code inside the run directory"):
        parse_recipe("format = 2\n[task]\nname = 'mine.py:Harder'", base=run.path)
    assert not ran(run.path)


def test_a_recipe_may_be_called_sweep_or_config(home):
    for name in ("sweep.toml", "config.toml"):
        (home / "recipe.toml").rename(home / name)
        assert read_recipe(home / name).make_task().factor == 3.0
        (home / name).rename(home / "recipe.toml")


def test_a_name_in_python_is_found_again_from_elsewhere(home, tmp_path, monkeypatch):
    monkeypatch.chdir(home)
    network, trials = {"n_rec": 5, "cell": "cells.py:Mine"}, {"batch_size": 2}
    training = {"steps": 2, "validate_every": 2, "validation_repeats": 1}
    recipe = Recipe(task={"name": "mine.py:easier"}, network=network, trials=trials, training=training)
    run = create_run(tmp_path / "run", recipe)
    monkeypatch.chdir(tmp_path)
    again = open_run(run.path)
    assert again.recipe.make_task() == PerceptualDecision(stimulus=400.0)
    train_run(again, progress=False)
    assert type(again.load_network().cell).__name__ == "Mine"


@pytest.mark.battery
def test_workers_import_it_too(home, tmp_path):
    recipe = read_recipe(home / "recipe.toml").with_changes({"grid.task.factor": [1.0, 3.0], "grid.seed": [0, 1]})
    sweep = create_sweep(tmp_path / "sweep", recipe)
    run_sweep(sweep, workers=2, progress=False)
    assert bool(sweep_results(sweep)["finished"].values.all())
    alone = create_sweep(tmp_path / "alone", recipe)
    run_sweep(alone, workers=0, progress=False)
    for one, other in zip(sweep.runs(), alone.runs(), strict=True):
        np.testing.assert_array_equal(one.load_network().W_rec, other.load_network().W_rec)
        assert one.recipe.completed().code[0].sha256 == open_run(one.path).recipe.code[0].sha256
