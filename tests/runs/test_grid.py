"""Grids over any key of a recipe, and sweeps' directories that only go on with the same sweep."""

import pytest

from eicon.connectomes.nulls import NULLS
from eicon.runs import ConfigError, Recipe, create_sweep, open_sweep, parse_recipe
from eicon.runs import _recipe as recipes
from eicon.runs._explain import explanation
from eicon.runs._grid import folder, slug

WORM = {"network": {"kind": "connectome"}}
FIXED = {"trials": {"kind": "fixed"}}
POPULATIONS = ({"name": "E", "n": 8, "type": "E", "area": ""}, {"name": "I", "n": 2, "type": "I", "area": ""})


def value_of(cell, key):
    value = cell.model_dump()
    for part in key.split("."):
        value = value[part]
    return value


@pytest.mark.parametrize(
    ("key", "values", "base"),
    [
        ("connectome.name", ["celegans", "larva_left"], WORM),
        ("connectome.neurons", [1, 4, (1, 2)], WORM),
        ("connectome.null", ["none", *NULLS], WORM),
        ("connectome.null_options", [{}, {"swaps": 3}], WORM),
        ("connectome.orientation", ["forward", "reversed"], WORM),
        ("connectome.signs", ["free", "dale"], WORM),
        ("connectome", [{"neurons": 2}, {"name": "larva_left"}], WORM),
        ("network.init", ["default", "he", "balanced"], WORM),
        ("network.spectral_radius", ["drawn", 0.9], WORM),
        ("network.freeze", [False, True], WORM),
        ("network.kind", ["dale", "free"], {}),
        ("network", [{"n_rec": 9}, {"kind": "populations", "populations": POPULATIONS}, {"kind": "connectome"}], {}),
        ("network.cell", ["leaky", ("plastic", "adapting")], {}),
        ("network.parameters", [{"tau": 50.0}, {"tau": 60.0}], {}),
        ("network.parameters.tau", [50.0, 60.0], {}),
        ("trials.kind", ["sampled", "fixed"], {}),
        ("trials", [{"batch_size": 5}, {"kind": "fixed", "n": 7}], {}),
        ("training.epochs", [1, 2], FIXED),
        ("training.steps", [1, 2], {}),
        ("training.penalties", [(), ({"kind": "rate", "strength": 0.1},)], {}),
        ("learner.optimizer", ["adam", "sgd", "hessian_free"], {}),
        ("learner.options", [{}, {"beta1": 0.8}], {}),
        ("learner", [{"optimizer": "sgd"}, {"optimizer": "hessian_free", "damping": 2.0}], {}),
        ("task.pattern_length", [2, 3], {"task": {"name": "SequenceMemory"}}),
        ("task.dt", [10.0, 20.0], {}),
        ("task", [{"name": "SequenceMemory"}, {"name": "NBack", "n_back": 3}], {}),
        ("task.name", ["SequenceMemory", "NBack", "PerceptualDecision"], {}),
        ("pretrained.repeat", [0, 1], WORM),
        ("seed", [0, 1, 7], {}),
    ],
)
def test_a_grid_over_any_key(key, values, base):
    recipe = Recipe(**base).with_changes({f"grid.{key}": values})
    recipe.check()
    completed = recipe.completed()
    assert parse_recipe(completed.to_toml()) == completed
    assert completed.completed() == completed
    for found in (recipe, completed):
        cells = list(found.cells())
        assert len(cells) == len(values)
        for cell, value in zip(cells, values, strict=True):
            assert cell.grid == {}
            said = value_of(cell, key)
            if isinstance(value, dict):
                assert {name: said[name] for name in value} == value
            else:
                assert said == value
    names = {folder({key: value}) for value in recipe.values()[key]}
    assert len(names) == len(values)
    assert all(len(name) < 150 for name in names)


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("learner.optimizer", ["adam", "hessian_free"]),
        ("network.parameters.tau", [50.0, 60.0]),
        ("network.cell", ["leaky", ["plastic", "leaky"]]),
        ("network.kind", ["dale", "free"]),
        ("trials.kind", ["sampled", "fixed"]),
    ],
)
def test_cells_mean_the_same_with_defaults_spelled_out(key, values):
    recipe = Recipe(network={"n_rec": 5}).with_changes({f"grid.{key}": values})
    for one, other in zip(recipe.cells(), recipe.completed().cells(), strict=True):
        assert one.completed() == other.completed()
        task = one.make_task()
        assert one.make_network(task).constants == other.make_network(task).constants


def test_networks_on_and_without_a_connectome_beside_each_other():
    text = """
    format = 2
    [connectome]
    name = "celegans"
    null = "permute"
    [grid]
    network = [{kind = "connectome"}, {kind = "dale", n_rec = 30}]
    """
    recipe = parse_recipe(text)
    on_worm, dale = recipe.cells()
    assert on_worm.connectome.null == "permute"
    assert dale.connectome is None
    assert (on_worm.network.kind, dale.network.n_rec) == ("connectome", 30)
    completed = recipe.completed()
    assert parse_recipe(completed.to_toml()) == completed
    with pytest.raises(ConfigError, match=r"\[connectome\] needs network.kind = 'connectome'; got 'free'"):
        parse_recipe("format = 2\nnetwork.kind = 'free'\n[connectome]\nname = 'celegans'")


def test_the_grid_may_be_nested_or_dotted_and_the_last_key_varies_fastest():
    task = "format = 2\ntask = {name = 'SequenceMemory'}\n"
    nested = parse_recipe(f'{task}[grid.network]\nactivation = ["relu", "tanh"]\n[grid]\ntask.pattern_length = [2, 3]')
    dotted = parse_recipe(f'{task}[grid]\n"network.activation" = ["relu", "tanh"]\n"task.pattern_length" = [2, 3]')
    assert nested == dotted
    cells = [(cell.network.activation, cell.task["pattern_length"]) for cell in nested.cells()]
    assert cells == [("relu", 2), ("relu", 3), ("tanh", 2), ("tanh", 3)]
    assert [nested.cell(i).network.activation for i in range(4)] == ["relu", "relu", "tanh", "tanh"]


def test_seeds_come_last_wherever_they_stand():
    recipe = parse_recipe("format = 2\n[grid]\nseed = [4, 5]\nnetwork.tau = [50, 100]")
    assert list(recipe.grid) == ["network.tau", "seed"]
    assert [(cell.network.tau, cell.seed) for cell in recipe.cells()] == [(50, 4), (50, 5), (100, 4), (100, 5)]
    assert folder({"network.tau": 50.0, "seed": 4}) == "tau=50.0/seed=4"


def test_a_whole_number_is_the_number_that_a_key_means():
    recipe = parse_recipe("format = 2\n[grid]\nnetwork.tau = [20, 50]\ntask.dt = [20, 10]")
    values = recipe.values()
    assert [repr(value) for value in values["network.tau"]] == ["20.0", "50.0"]
    assert [repr(value) for value in values["task.dt"]] == ["20.0", "10.0"]
    for key in ("network.tau", "task.dt"):
        with pytest.raises(ConfigError, match=rf"\({key} = 20\) and \({key} = 20\.0\) are the same combination"):
            parse_recipe(f"format = 2\n[grid]\n{key} = [20, 20.0]")


def test_different_combinations_never_share_a_directory():
    values = ["a b", "a_b", "a/b", "a?b", "x" * 300, "x" * 301]
    names = [slug({"connectome.folder": value}) for value in values]
    assert len(set(names)) == len(values)
    assert max(map(len, names)) < 140
    assert slug({"task.pattern_length": 3, "network.activation": "relu"}) == "pattern_length=3,activation=relu"
    assert slug({"task.name": "NBack", "connectome.name": "larva"}) == "task.name=NBack,connectome.name=larva"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[grid]\nsteps = [1]", r"grid: steps: unknown key; allowed: format, seed, .*training"),
        ("[grid]\ntraining.step = [1]", r"grid: training\.step: unknown key; allowed: steps, epochs"),
        (
            "[grid]\ntrainin.steps = [1]",
            r"trainin\.steps: there is no table 'trainin'; allowed: task, network, connect",
        ),
        ("[grid]\ntraining.steps.more = [1]", r"training\.steps\.more: there is no table 'steps'"),
        ("[grid]\ntraining.steps = []", r"grid\.training\.steps: .*at least 1 item"),
        ("[grid]\ntraining.steps = 3", r"grid\.training\.steps: .*must be a list of values; got 3"),
        ("[grid]\ntraining.steps = [1, 0]", r"grid: training\.steps: .*greater than or equal to 1; got 0"),
        ("[grid]\ntraining.steps = [1, 1]", r"grid\.training\.steps: a value occurs twice in \[1, 1\]"),
        ("[grid]\nseed = [1, 1]", r"grid\.seed: a value occurs twice"),
        ("[grid]\nseed = [1, -1]", r"grid: seed: .*greater than or equal to 0; got -1"),
        ("[grid]\nnetwork.tau = [nan]", r"must contain only finite numbers.*got nan"),
        ("[grid]\nnetwork.tau = [1979-05-27]", r"must contain only finite numbers, text, lists and tables"),
        ("[grid]\ncompat = ['', 'bio_rnn_mem']", r"grid\.compat: must be the same for a whole sweep"),
        ("[grid]\nformat = [2]", r"grid\.format: must be the same for a whole sweep"),
        ("[grid]\ngrid.seed = [1]", r"grid\.grid\.seed: must be the same for a whole sweep"),
        ("[grid]\ncontinued_from = ['a']", r"grid\.continued_from: must be the same for a whole sweep"),
        ("[grid]\nnetwork.activation = ['relu', 'rellu']", r"grid: network\.activation: .*got 'rellu'"),
        ("[grid]\nnetwork.kind = ['dale', 'elad']", r"grid: network\.kind: .*got 'elad'"),
        ("[grid]\nnetwork.rank = [3]", r"grid: network: a network of kind 'dale' has no 'rank'; allowed: .*n_rec"),
        ("[grid]\ntraining.epochs = [3]", r"grid: training\.epochs: sampled trials have no epochs"),
        ("[grid]\nlearner.damping = [3.0]", r"grid: learner: damping is not a setting of the optimiser 'adam'"),
        ("[grid]\ntask.dtt = [3.0]", r"grid: task\.dtt: unknown key; allowed: name, dt"),
        ("[grid]\ntask.name = ['Chess']", r"task\.name: got 'Chess'; allowed: "),
        ("[grid]\ntask = [3]", r"task: .*must be a table; got 3"),
        ("grid = 3", r"grid: .*must be a table; got 3"),
        ("grid = {training = 3}", r"grid\.training: .*must be a list of values; got 3"),
    ],
)
def test_bad_grids_are_refused_and_name_the_key(text, message):
    with pytest.raises(ConfigError, match=message) as caught:
        parse_recipe(f"format = 2\n{text}", "mine")
    assert str(caught.value).startswith("mine")
    assert "\n" not in str(caught.value)


def test_changes_replace_values_and_leave_the_grid():
    recipe = parse_recipe("format = 2\n[grid]\ntraining.steps = [1, 2]\nnetwork.activation = ['relu', 'tanh']")
    changed = recipe.with_changes({"training.steps": 7, "seed": 5, "network.bias": True, "grid.task.dt": [20.0]})
    assert (changed.training.steps, changed.seed, changed.network.bias) == (7, 5, True)
    assert changed.task["name"] == "PerceptualDecision"
    assert changed.grid == {"network.activation": ("relu", "tanh"), "task.dt": (20.0,)}
    assert recipe.grid["training.steps"] == (1, 2)
    for change in ({"training.step": 1}, {"nothing.steps": 1}, {"grid.training.stesp": [0]}):
        with pytest.raises(ConfigError, match=r"allowed: "):
            recipe.with_changes(change)
    with pytest.raises(ConfigError, match=r"grid: training\.steps: .*greater than"):
        recipe.with_changes({"grid.training.steps": [0]}).check()


# Large grids.

FIVE_THOUSAND = {
    "learner.learning_rate": [10**-k for k in range(1, 6)],
    "network.tau": [50.0, 60.0, 70.0, 80.0, 90.0],
    "network.activation": ["relu", "tanh"],
    "task.dt": [10.0, 20.0, 25.0, 40.0],
    "training.steps": [10, 20, 30, 40, 50],
    "seed": [0, 1, 2, 3, 4],
}


def test_thousands_of_cells_are_looked_at_table_by_table(monkeypatch):
    validated, made = [], []
    validate, make_task = Recipe.model_validate.__func__, recipes.make_task
    monkeypatch.setattr(
        Recipe, "model_validate", classmethod(lambda cls, data: validated.append(data) or validate(cls, data))
    )
    monkeypatch.setattr(recipes, "make_task", lambda *given: made.append(given) or make_task(*given))
    recipe = Recipe(grid=FIVE_THOUSAND)
    recipe.check()
    assert recipe.n_cells == 5000
    assert len(validated) <= 5 + 5 * 2 + 4 + 5 + 5, "a table of each kind that occurs, not one per cell"
    assert len(made) < 5 * 4 * 5 * 5, "a task of each kind, and one for each learner and training"


def test_a_grid_of_a_hundred_million_is_explained_at_once_and_no_sweep(tmp_path, monkeypatch):
    keys = ("tau", "sigma_rec", "sigma_in", "x0", "spectral_radius")
    grid = {f"network.{key}": [0.01 * (k + 1) for k in range(10)] for key in keys}
    grid |= {"seed": list(range(100)), "learner.learning_rate": [0.001 * (k + 1) for k in range(10)]}
    recipe = Recipe(grid=grid)
    looked_at = []
    of = recipes.Cells.of
    monkeypatch.setattr(recipes.Cells, "of", lambda *given: looked_at.append(given) or of(*given))
    found = explanation(recipe)
    assert found.n_runs == recipe.n_cells == 10**8
    assert found.headline.startswith("100,000,000 runs of 2,000 steps of 32 trials, 100 units: about ")
    assert "years" in found.headline
    assert len(looked_at) == 1 + 6 * 9 + 99
    with pytest.raises(ConfigError, match=r"grid: 100,000,000 combinations are more than 1,000,000"):
        create_sweep(tmp_path / "large", recipe)
    assert not (tmp_path / "large").exists()


def test_in_a_large_grid_every_value_of_every_key_is_looked_at():
    seeds = list(range(20_000))
    with pytest.raises(ConfigError, match=r"grid: network\.activation: .*got 'rellu'"):
        Recipe(grid={"network.activation": ["relu", "rellu"], "seed": seeds}).check()
    with pytest.raises(ConfigError, match=r"network\.tau = 20, seed = 0\) and .*20\.0, .* are the same combination"):
        Recipe(grid={"network.tau": [20, 20.0], "seed": seeds}).check()


# Directories of sweeps.

SMALL = parse_recipe(
    "format = 2\n[training]\nsteps = 2\n[grid]\nnetwork.activation = ['relu', 'tanh']\ntask.dt = [20]\nseed = [0, 1]"
)


def test_the_same_sweep_again_goes_on(tmp_path):
    first = create_sweep(tmp_path / "here", SMALL)
    written = (tmp_path / "here" / "sweep.toml").stat()
    assert create_sweep(tmp_path / "here", SMALL) == first
    assert (tmp_path / "here" / "sweep.toml").stat().st_ino == written.st_ino, "nothing had to be written"
    assert open_sweep(tmp_path / "here") == first
    assert [run.path.relative_to(tmp_path / "here").as_posix() for run in first.runs()] == [
        f"runs/activation={activation},dt=20.0/seed={seed}" for activation in ("relu", "tanh") for seed in (0, 1)
    ]


def test_more_seeds_and_more_values_keep_the_old_runs(tmp_path):
    small = create_sweep(tmp_path / "here", SMALL)
    more = {"seed": [0, 1, 2], "network.activation": ["tanh", "softplus", "relu"], "task.dt": [20, 40]}
    large = create_sweep(tmp_path / "here", SMALL.with_changes({f"grid.{key}": value for key, value in more.items()}))
    there = {run.path: run.recipe for run in large.runs()}
    assert len(there) == 18
    for run in small.runs():
        assert there[run.path] == run.recipe
    fewer = large.recipe.with_changes({"grid.network.activation": ["relu", "tanh"]})
    with pytest.raises(FileExistsError, match=r"more values of grid\.network\.activation: \['softplus'\] is missing"):
        create_sweep(tmp_path / "here", fewer)
    with pytest.raises(FileExistsError, match=r"more values of grid\.seed: \[2\] is missing"):
        create_sweep(tmp_path / "here", large.recipe.with_changes({"grid.seed": [0, 1]}))
    assert open_sweep(tmp_path / "here") == large


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"repeat": 1}, r"different settings: repeat differ \(repeat is None there and 1 here\)"),
        (
            {"training.steps": 3, "network.n_rec": 9},
            r"network\.n_rec, training\.steps differ \(network\.n_rec is 100 there and 9 here\)",
        ),
        ({"task.high": 2.0}, r"task\.high differ \(task\.high is 1\.0 there and 2\.0 here\)"),
        (
            {"network.activation": "relu"},
            r"contains a sweep over network\.activation, task\.dt, seed, but this one is over task\.dt, seed",
        ),
        (
            {"grid.training.steps": [2]},
            r"over network\.activation, task\.dt, seed, but .* task\.dt, training\.steps, s",
        ),
    ],
)
def test_other_settings_are_refused(change, message, tmp_path):
    create_sweep(tmp_path, SMALL)
    before = (tmp_path / "sweep.toml").read_bytes()
    with pytest.raises(FileExistsError, match=message):
        create_sweep(tmp_path, SMALL.with_changes(change))
    assert (tmp_path / "sweep.toml").read_bytes() == before


def test_directories_with_other_files_are_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"already exists and is not a sweep; choose another --out"):
        create_sweep(tmp_path, Recipe())
    with pytest.raises(FileExistsError, match=r"notes\.txt already exists and is not a sweep"):
        create_sweep(tmp_path / "notes.txt", Recipe())
    with pytest.raises(FileNotFoundError, match=r"is not the directory of a sweep: it has no sweep\.toml"):
        open_sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / ".sweep.toml.x1y2.part").write_text("killed while it was written")
    create_sweep(tmp_path / "empty", Recipe())
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "sweep.toml").write_text("seed = ")
    with pytest.raises(ConfigError, match=r"broken/sweep\.toml is not a recipe \(not valid TOML\)"):
        create_sweep(tmp_path / "broken", Recipe())


def test_paths_are_absolute_because_workers_may_be_elsewhere(tmp_path, monkeypatch, small_connectome):
    monkeypatch.chdir(small_connectome.parent)
    worm = Recipe(**WORM)
    recipe = worm.with_changes({"connectome.name": "small.npz", "connectome.folder": "."})
    made = create_sweep(tmp_path / "new", recipe).recipe
    assert (made.connectome.name, made.connectome.folder) == (str(small_connectome), str(small_connectome.parent))
    monkeypatch.chdir(tmp_path)
    assert open_sweep("new").recipe == made
    (tmp_path / "celegans").mkdir()
    assert create_sweep(tmp_path / "other", worm).recipe.connectome.name == "celegans"


def test_a_sweep_without_a_grid_is_one_run(tmp_path):
    (run,) = create_sweep(tmp_path / "new", Recipe()).runs()
    assert run.path == tmp_path / "new" / "runs" / "all"
