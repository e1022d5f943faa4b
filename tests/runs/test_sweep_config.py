"""Sweeps as data: grids over any key, overrides, and directories that only go on with the same sweep."""

import pytest

from eicon.runs import ConfigError, create_sweep, open_sweep, parse_sweep, read_sweep
from eicon.runs._sweep_config import override, slug
from eicon.runs.results import SweepConfig


def test_defaults_are_a_whole_sweep(tmp_path):
    assert parse_sweep("") == SweepConfig()
    (run,) = create_sweep(tmp_path / "new", override(SweepConfig(), {"training.repeats": 1})).runs()
    assert run.combination == {}
    assert run.path == tmp_path / "new" / "runs" / "all" / "repeat=0"


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("connectome.name", ["celegans", "larva_left"]),
        ("connectome.neurons", [1, 4, [1, 2]]),
        ("connectome.null", ["none", "permute", "maslov_sneppen"]),
        ("connectome.orientation", ["forward", "reversed"]),
        ("network.init", ["default", "he", "balanced"]),
        ("network.signs", ["free", "dale"]),
        ("network.spectral_radius", [0.0, 0.9]),
        ("network.freeze", [False, True]),
        ("training.epochs", [1, 2]),
        ("training.optimizer", ["adam", "sgd"]),
        ("training.optimizer_options", [{}, {"rho": 0.9}]),
        ("task.pattern_length", [2, 3]),
        ("task", [{"name": "SequenceMemory"}, {"name": "NBack", "n_back": 3}]),
        ("task.name", ["SequenceMemory", "NBack", "PerceptualDecision"]),
        ("pretrained.repeat", [0, 1]),
    ],
)
def test_a_grid_over_any_key(key, values):
    from eicon.connectomes.nulls import NULLS

    if key == "connectome.null":
        values = ["none", *NULLS]
    config = override(SweepConfig(), {f"grid.{key}": values})
    assert parse_sweep(config.to_toml()) == config
    found = []
    for combination, settings in config.combinations():
        found.append(combination[key])
        value = settings.model_dump()
        for part in key.split("."):
            value = value[part]
        assert value == found[-1]
    assert [list(value) if isinstance(value, tuple) else value for value in found] == values
    names = {slug(combination) for combination, _ in config.combinations()}
    assert len(names) == len(values)
    assert all("/" not in name and len(name) < 150 for name in names)


def test_the_grid_may_be_nested_or_dotted_and_the_last_key_varies_fastest():
    nested = parse_sweep('[grid.network]\nactivation = ["relu", "tanh"]\n[grid]\ntask.pattern_length = [2, 3]')
    dotted = parse_sweep('[grid]\n"network.activation" = ["relu", "tanh"]\n"task.pattern_length" = [2, 3]')
    assert nested == dotted
    pairs = [tuple(combination.values()) for combination, _ in nested.combinations()]
    assert pairs == [("relu", 2), ("relu", 3), ("tanh", 2), ("tanh", 3)]


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
        ("[grid]\nepochs = [1]", r"grid: epochs: unknown key; allowed: seed, compat, connectome"),
        ("[grid]\ntraining.epoch = [1]", r"grid: training\.epoch: unknown key; allowed: epochs, repeats"),
        ("[grid]\ntrainin.epochs = [1]", r"trainin\.epochs: there is no table 'trainin'; allowed: connectome, network"),
        ("[grid]\ntraining.epochs.more = [1]", r"training\.epochs\.more: there is no table 'epochs'"),
        ("[grid]\ntraining.epochs = []", r"grid\.training\.epochs: .*at least 1 item"),
        ("[grid]\ntraining.epochs = 3", r"grid\.training\.epochs: .*valid tuple; got 3"),
        ("[grid]\ntraining.epochs = [1, 0]", r"grid: training\.epochs: .*greater than or equal to 1; got 0"),
        ("[grid]\ntraining.epochs = [1, 1]", r"grid\.training\.epochs: a value occurs twice in \[1, 1\]"),
        ("[grid]\ntraining.epochs = [1, 1.0]", r"are the same combination"),
        ("[grid]\ntraining.epochs = [nan]", r"must hold finite numbers.*got nan"),
        ("[grid]\ntraining.epochs = [1979-05-27]", r"must hold finite numbers, text, lists and tables only"),
        ("[grid]\ntraining.repeats = [1, 2]", r"grid\.training\.repeats: is the same for a whole sweep"),
        ("[grid]\nseed = [1, 2]", r"grid\.seed: is the same for a whole sweep"),
        ("[grid]\ncompat = ['', 'bio_rnn_mem']", r"grid\.compat: is the same for a whole sweep"),
        ("[grid]\ngrid.seed = [1]", r"grid\.grid\.seed: is the same for a whole sweep"),
        ("[grid]\nnetwork.activation = ['relu', 'rellu']", r"network\.activation: .*got 'rellu'"),
        ("[grid]\ntask.pattern_length = [3, 1]", r"task: pattern_length must be at least 2; got 1"),
        ("[grid]\ntask.name = ['Chess']", r"task\.name: got 'Chess'; allowed: "),
        ("[grid]\ntask = [3]", r"task: .*valid dictionary; got 3"),
        ("grid = 3", r"grid: .*valid dictionary; got 3"),
        ("grid = {training = 3}", r"grid\.training: .*valid tuple; got 3"),
        ("training.learning_rate = nan", r"training\.learning_rate: .*finite number; got nan"),
        ("training.learning_rate = inf", r"training\.learning_rate: .*finite number; got inf"),
        ("training.train_size = 1.0", r"training\.train_size: .*less than 1; got 1\.0"),
        ("training.optimizer = 'lion'", r"training\.optimizer: .*'adam'.*got 'lion'"),
        ("training.optimiser = 'adam'", r"training\.optimiser: unknown key; allowed: epochs, repeats"),
        ("connectome.neurons = [0]", r"connectome\.neurons.*greater than or equal to 1; got 0"),
        ("connectome.null = 'shuffle'", r"connectome\.null: .*'none'.*got 'shuffle'"),
        ("task = {name = 'NBack', n_back = 5}", r"task: n_back must be at least 1 and less than trial_length"),
        ("seed = -1", r"seed: .*greater than or equal to 0; got -1"),
        ("compat = 'mine'", r"compat: .*'bio_rnn_mem'; got 'mine'"),
        (
            "compat = 'bio_rnn_mem'\nnetwork.signs = 'dale'",
            r"network\.signs: bio_rnn_mem has no such setting; .*'free'",
        ),
        (
            "compat = 'bio_rnn_mem'\nconnectome.autapses = true",
            r"connectome\.autapses: bio_rnn_mem has no such setting",
        ),
        ("compat = 'bio_rnn_mem'\ngrid.network.tau = [20.0, 30.0]", r"network\.tau: bio_rnn_mem has no such setting"),
        ("seed = ", r"mine is not valid TOML: "),
    ],
)
def test_bad_sweeps_are_refused_and_name_the_key(text, message):
    with pytest.raises(ConfigError, match=message) as caught:
        parse_sweep(text, "mine")
    assert str(caught.value).startswith("mine")
    assert "\n" not in str(caught.value)


def test_overrides_replace_values_and_leave_the_grid():
    config = parse_sweep("[grid]\ntraining.epochs = [1, 2]\nnetwork.activation = ['relu', 'tanh']")
    changed = override(config, {"training.epochs": 7, "seed": 5, "network.remap": "off", "grid.task.item": [20.0]})
    assert (changed.training.epochs, changed.seed, changed.network.remap) == (7, 5, "off")
    assert changed.grid == {"network.activation": ("relu", "tanh"), "task.item": (20.0,)}
    assert config.grid["training.epochs"] == (1, 2)
    for change in ({"training.epoch": 1}, {"nothing.epochs": 1}, {"grid.training.epochs": [0]}):
        with pytest.raises(ConfigError, match=r"allowed: |greater than"):
            override(config, change)


def test_compat_in_a_file_can_be_given_from_outside(tmp_path):
    (tmp_path / "a.toml").write_text("network.tau = 30.0")
    assert read_sweep(tmp_path / "a.toml", compat="").compat == ""
    with pytest.raises(ConfigError, match=r"a\.toml: network\.tau: bio_rnn_mem has no such setting"):
        read_sweep(tmp_path / "a.toml", compat="bio_rnn_mem")


SMALL = "[training]\nepochs = 2\nrepeats = 2\n[grid]\nnetwork.activation = ['relu', 'tanh']\ntask.item = [20.0]"


def test_the_same_sweep_again_goes_on(tmp_path):
    config = parse_sweep(SMALL)
    first = create_sweep(tmp_path / "here", config)
    written = (tmp_path / "here" / "sweep.toml").stat()
    assert create_sweep(tmp_path / "here", config) == first
    assert (tmp_path / "here" / "sweep.toml").stat().st_ino == written.st_ino, "nothing had to be written"
    assert open_sweep(tmp_path / "here") == first
    assert [(run.index, run.repeat) for run in first.runs()] == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_more_repeats_and_more_values_keep_the_old_runs(tmp_path):
    small = create_sweep(tmp_path / "here", parse_sweep(SMALL))
    more = {"training.repeats": 3, "grid.network.activation": ["tanh", "softplus", "relu"], "grid.task.item": [20, 40]}
    large = create_sweep(tmp_path / "here", override(small.config, more))
    there = {run.path: run.identity() for run in large.runs()}
    assert len(there) == 18
    for run in small.runs():
        assert there[run.path] == run.identity()
    with pytest.raises(
        FileExistsError, match=r"more in grid\.network\.activation: \['softplus'\] is there, and not here"
    ):
        create_sweep(tmp_path / "here", override(large.config, {"grid.network.activation": ["relu", "tanh"]}))
    with pytest.raises(FileExistsError, match=r"more in training\.repeats: \[2\] is there"):
        create_sweep(tmp_path / "here", override(large.config, {"training.repeats": 2}))
    assert open_sweep(tmp_path / "here") == large


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 1}, r"other settings: seed differ \(seed is 0 there and 1 here\)"),
        ({"training.epochs": 3, "network.init": "he"}, r"network\.init, training\.epochs differ \(network\.init is 'd"),
        ({"task.high": 2.0}, r"task\.high differ \(task\.high is None there and 2\.0 here\)"),
        ({"compat": "bio_rnn_mem"}, r"compat differ \(compat is '' there"),
        (
            {"network.activation": "relu"},
            r"holds a sweep over network\.activation, task\.item, and this one is over task",
        ),
        ({"grid.training.epochs": [2]}, r"over network\.activation, task\.item, and .* task\.item, training\.epochs"),
    ],
)
def test_other_settings_are_refused(change, message, tmp_path):
    create_sweep(tmp_path, parse_sweep(SMALL))
    before = (tmp_path / "sweep.toml").read_bytes()
    with pytest.raises(FileExistsError, match=message):
        create_sweep(tmp_path, override(parse_sweep(SMALL), change))
    assert (tmp_path / "sweep.toml").read_bytes() == before


def test_directories_with_other_files_are_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"already exists and is no sweep; choose another --out"):
        create_sweep(tmp_path, SweepConfig())
    with pytest.raises(FileExistsError, match=r"notes\.txt already exists and is no sweep"):
        create_sweep(tmp_path / "notes.txt", SweepConfig())
    with pytest.raises(FileNotFoundError, match=r"is not the directory of a sweep: it has no sweep\.toml"):
        open_sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / ".sweep.toml.x1y2.part").write_text("killed while it was written")
    create_sweep(tmp_path / "empty", SweepConfig())
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "sweep.toml").write_text("seed = ")
    with pytest.raises(ConfigError, match=r"broken/sweep\.toml is not valid TOML"):
        create_sweep(tmp_path / "broken", SweepConfig())


def test_paths_are_absolute_because_workers_may_be_elsewhere(tmp_path, monkeypatch, small_connectome):
    monkeypatch.chdir(small_connectome.parent)
    config = override(SweepConfig(), {"connectome.name": "small.npz", "connectome.folder": "."})
    made = create_sweep(tmp_path / "new", config).config
    assert (made.connectome.name, made.connectome.folder) == (str(small_connectome), str(small_connectome.parent))
    monkeypatch.chdir(tmp_path)
    assert open_sweep("new").config == made
    (tmp_path / "celegans").mkdir()
    assert create_sweep(tmp_path / "other", SweepConfig()).config.connectome.name == "celegans"
