"""`config.ini` of bio_rnn_mem: every key reaches its field or is refused, with file and line; nothing is run."""

import pytest

from eicon.runs import ConfigError, create_sweep, parse_recipe, read_recipe, run_sweep
from eicon.runs._ini import parse_ini
from eicon.runs._read import results_path

CONNECTOMES = "/data/100% mine/bio2art/connectomes/"
TEMPLATE = """[paths]
path_to_network = {connectomes}
path_to_results = {results}
pretrained =
[net]
net_name = Marmoset_Normalized
rnn_size = 55
nr_neurons = 4
rand_partition = True
random_w = False
[trainvalidate]
epochs = 500
iterations = 5
init = default
freeze_layer = False
remap_w = True
[trialparams]
trial_params = {trials}
[combosparams]
combos_params = {{"lr":[0.0001,0.000001], "nonlinearity":["relu","tanh"], "optimizer":["Adam","RMSprop"], {last}}}
[pretrainedparams]
pretrained_epoch = 0
pretrained_iteration = 0
"""
TASKS = {
    "seq": ('{"task_name":"seq_mem", "nr_of_trials":500, "train_size":0.8}', '"pattern_length": [3, 5, 10]'),
    "nback": (
        '{"task_name":"nback_mem", "nr_of_trials":500, "trial_length":5, "train_size":0.8}',
        '"n_back": [2, 3, 4]',
    ),
    "pic_latent": (
        '{"task_name":"pic_latent_mem", "nr_of_trials":500, "trial_length":5, "train_size":0.8, "rescale":True}',
        '"n_back": [2, 3, 4]',
    ),
}


def template(task="seq", connectomes=CONNECTOMES, results="/data/100%/results"):
    trials, last = TASKS[task]
    return TEMPLATE.format(connectomes=connectomes, results=results, trials=trials, last=last)


def changed(key, value, task="seq"):
    """Template with another value, and the line on which it stands."""
    lines = template(task).splitlines()
    (number,) = [i for i, line in enumerate(lines) if line.startswith(f"{key} =")]
    lines[number] = f"{key} = {value}"
    return "\n".join(lines), number + 1


@pytest.mark.parametrize("task", TASKS)
def test_the_three_published_templates(task):
    config = parse_ini(template(task))
    assert config.n_cells == 24 * 5
    connectome, network, trials = config.connectome, config.network, config.trials
    assert (connectome.name, connectome.folder) == ("Marmoset_Normalized", CONNECTOMES)
    assert (connectome.regions, connectome.neurons, connectome.partition) == (55, 4, "random")
    assert (connectome.null, connectome.target_sparsity, connectome.intrinsic_share) == ("none", 0.8, 0.8)
    assert (network.init, network.freeze, network.remap) == ("default", False, "magnitude")
    assert (config.training.epochs, trials.kind, trials.n, trials.train_size) == (500, "fixed", 500, 0.8)
    assert trials.batch_size == 128
    assert (config.pretrained.path, config.pretrained.epoch, config.pretrained.repeat) == ("", 0, 0)
    first = {"learner.learning_rate": (1e-4, 1e-6), "network.activation": ("relu", "tanh")}
    assert config.grid == first | {"learner.optimizer": ("adam", "rmsprop")} | {
        "seq": {"task.pattern_length": (3, 5, 10)},
        "nback": {"task.n_back": (2, 3, 4)},
        "pic_latent": {"task.n_back": (2, 3, 4)},
    }[task] | {"repeat": (0, 1, 2, 3, 4)}
    assert (
        config.task
        == {
            "seq": {"name": "SequenceMemory"},
            "nback": {"name": "NBack", "trial_length": 5},
            "pic_latent": {"name": "PictureNBack", "trial_length": 5, "rescale": True, "pictures": "digits-latents"},
        }[task]
    )


@pytest.mark.parametrize(
    ("key", "value", "field", "found"),
    [
        ("nr_neurons", "[1, 2, 3]", "connectome.neurons", (1, 2, 3)),
        ("nr_neurons", "(1, 2)", "connectome.neurons", (1, 2)),
        ("rand_partition", "False", "connectome.partition", "equal"),
        ("random_w", "True", "connectome.null", "permute"),
        ("rnn_size", "", "connectome.regions", 0),
        ("path_to_network", "", "connectome.folder", None),
        ("epochs", "7", "training.epochs", 7),
        ("iterations", "2", "grid.repeat", (0, 1)),
        ("init", "he", "network.init", "he"),
        ("freeze_layer", "True", "network.freeze", True),
        ("remap_w", "False", "network.remap", "off"),
        ("pretrained", "/old 50%/sweep", "pretrained.path", "/old 50%/sweep"),
        ("pretrained_epoch", "3", "pretrained.epoch", 3),
        ("pretrained_iteration", "4", "pretrained.repeat", 4),
        ("trial_params", '{"task_name": "seq_mem", "nr_of_trials": 9}', "trials.n", 9),
        ("trial_params", '{"task_name": "seq_mem", "train_size": 0.5}', "trials.train_size", 0.5),
        ("trial_params", '{"task_name": "seq_mem", "high": 2.0}', "task.high", 2.0),
        ("combos_params", '{"optimizer": ["SGD"]}', "grid.learner.optimizer", ("sgd",)),
        ("combos_params", "{}", "grid", {"repeat": (0, 1, 2, 3, 4)}),
    ],
)
def test_every_key_reaches_its_field(key, value, field, found):
    config = parse_ini(changed(key, value)[0])
    table, _, name = field.partition(".")
    owner = getattr(config, table)
    assert (owner if not name else owner[name] if isinstance(owner, dict) else getattr(owner, name)) == found
    assert parse_recipe(config.to_toml()) == config


@pytest.mark.parametrize("compat", ["", "bio_rnn_mem"])
@pytest.mark.parametrize("task", TASKS)
def test_round_trip_through_toml(task, compat, tmp_path):
    (tmp_path / "config.ini").write_text(template(task))
    config = read_recipe(tmp_path / "config.ini", compat=compat)
    assert config.compat == compat
    (tmp_path / "sweep.toml").write_text(config.to_toml())
    assert read_recipe(tmp_path / "sweep.toml") == config


def test_byte_order_mark_windows_line_ends_spaces_and_comments(tmp_path):
    text = template(results="C:\\100%\\Ergebnisse für mich").replace("epochs = 500", "  # so many\nEpochs  :  500")
    (tmp_path / "config.ini").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert read_recipe(tmp_path / "config.ini") == parse_ini(template())
    assert str(results_path(tmp_path / "config.ini")) == "C:\\100%\\Ergebnisse für mich"
    (tmp_path / "latin.ini").write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"latin\.ini is not a text file in UTF-8"):
        read_recipe(tmp_path / "latin.ini")
    (tmp_path / "zeros.ini").write_bytes(b"[net]\n\0\0")
    with pytest.raises(ConfigError, match=r"zeros\.ini is not a text file: it contains zero bytes"):
        read_recipe(tmp_path / "zeros.ini")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("epochs", "5.0", r"\[trainvalidate\] epochs: must be a whole number; got 5\.0"),
        ("epochs", "True", r"must be a whole number; got True"),
        ("epochs", "many", r"must be a whole number; expressions are not evaluated; got many"),
        ("epochs", "0", r"training\.epochs: .*greater than or equal to 1; got 0"),
        ("epochs", "9" * 5000, r"epochs: must be a whole number; expressions are not evaluated"),
        ("iterations", "-1", r"training\.repeats: .*greater than or equal to 1; got -1"),
        ("remap_w", "true", r"must be True or False; expressions are not evaluated; got true"),
        ("remap_w", "1", r"must be True or False; got 1"),
        ("nr_neurons", "{}", r"must be a whole number or a list or a tuple; got \{\}"),
        ("nr_neurons", "0", r"connectome\.neurons"),
        ("nr_neurons", "[4, 'x']", r"connectome\.neurons.*got 'x'"),
        ("rnn_size", "-3", r"connectome\.regions: .*got -3"),
        ("init", "glorot", r"network\.init: .*'default'.*got 'glorot'"),
        ("pretrained_epoch", "-2", r"pretrained\.epoch: .*got -2"),
        ("trial_params", "[1]", r"must be a dictionary; got \[1\]"),
        ("trial_params", '{"nr_of_trials": 5}', r"task_name must be one of seq_mem, .*; got None"),
        ("trial_params", '{"task_name": ["seq_mem"]}', r"task_name must be one of .*; got \['seq_mem'\]"),
        ("trial_params", '{"task_name": "chess"}', r"task_name must be one of .*; got 'chess'"),
        ("trial_params", '{"task_name": "seq_mem", "trial_length": 5}', r"unknown key 'trial_length' for seq_mem"),
        ("trial_params", '{"task_name": "seq_mem", "nr_of_trials": "x"}', r"training\.n_trials: .*got 'x'"),
        ("trial_params", '{"task_name": "seq_mem", "high": -1}', r"task: values need finite low < high"),
        ("trial_params", '{"task_name": "seq_mem", "low": None}', r"task\.low: .*got None"),
        ("trial_params", '{"task_name": "seq_mem", "task_name": "nback_mem"}', r"the key 'task_name' occurs twice"),
        ("combos_params", '{"lr": [0.1], "lr": [0.2]}', r"the key 'lr' occurs twice in one dictionary"),
        ("combos_params", '{"lr": 0.1}', r"'lr' must be a list of at least one value; got 0\.1"),
        ("combos_params", '{"lr": []}', r"'lr' must be a list of at least one value; got \[\]"),
        ("combos_params", '{"lr": [{1}]}', r"'lr' must contain numbers or text; got \[\{1\}\]"),
        ("combos_params", '{"lr": ["fast"]}', r"training\.learning_rate: .*got 'fast'"),
        ("combos_params", '{"lr": [0.0]}', r"training\.learning_rate: .*greater than 0; got 0\.0"),
        ("combos_params", '{"lr": [1e999]}', r"training\.learning_rate: .*finite number; got inf"),
        ("combos_params", '{"lr": [0.1, 0.1]}', r"grid\.learner\.learning_rate: a value occurs twice"),
        ("combos_params", '{"lr": [0.1, "0.1"]}', r"are the same combination"),
        ("combos_params", '{"nonlinearity": ["gelu"]}', r"network\.activation: .*got 'gelu'"),
        ("combos_params", '{"optimizer": ["Lion"]}', r"unknown optimiser 'Lion'; allowed: Adam, RMSprop, SGD"),
        ("combos_params", '{"momentum": [0.1]}', r"unknown key 'momentum'; allowed: lr, nonlinearity"),
        ("combos_params", '{"n_back": [2]}', r"task\.n_back: unknown key; allowed: name, dt, pattern_length"),
        ("combos_params", f"{{'lr': [{'0.1, ' * 3000}]}}", r"is longer than 10000 characters"),
        ("combos_params", "[" * 4000 + "]" * 4000, r"must be a dictionary; expressions are not evaluated"),
        ("combos_params", "-" * 9000 + "1", r"must be a dictionary; expressions are not evaluated"),
        ("combos_params", '{"lr": [10**9]}', r"expressions are not evaluated"),
        ("combos_params", '{"lr": [1], ' + "\n  **{}}", r"expressions are not evaluated|must be"),
    ],
)
def test_bad_values_are_refused_with_file_and_line(key, value, message):
    text, line = changed(key, value)
    with pytest.raises(ConfigError, match=message) as caught:
        parse_ini(text, "my/config.ini")
    assert str(caught.value).startswith(f"my/config.ini, line {line}: [")
    assert f"] {key}: " in str(caught.value)
    assert len(str(caught.value)) < 2500


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (("[net]", "[nets]"), r"c\.ini: unknown section \[nets\]; allowed: paths, net"),
        (("[net]", "[DEFAULT]\nepochs = 3\n[net]"), r"c\.ini: unknown section \[DEFAULT\]"),
        (("init = default", "initial = he"), r"line 14: \[trainvalidate\] initial: unknown key; allowed: epochs, iter"),
        (("rnn_size = 55", "epochs = 55"), r"line 7: \[net\] epochs: unknown key; allowed: net_name"),
        (("net_name = Marmoset_Normalized\n", ""), r"c\.ini: \[net\] net_name is missing"),
        (("epochs = 500\n", ""), r"c\.ini: \[trainvalidate\] epochs is missing"),
        (("epochs = 500", "epochs = 500\nepochs = 3"), r"not a valid INI file: .*line 13.*'epochs'.*already exists"),
        (("[combosparams]", "[net]"), r"not a valid INI file: .*'net' already exists"),
        (("[paths]\n", ""), r"not a valid INI file: .*no section headers"),
        (("rnn_size = 55", "rnn_size"), r"not a valid INI file: .*\[line\s+7\]"),
    ],
)
def test_bad_files_are_refused(wrong, message):
    text = template().replace(*wrong)
    assert text != template()
    with pytest.raises(ConfigError, match=message):
        parse_ini(text, "c.ini")


def test_missing_trial_params():
    lines = template().splitlines()
    start = lines.index("[trialparams]")
    with pytest.raises(ConfigError, match=r"^c\.ini, \[trialparams\] trial_params: task_name must be one of"):
        parse_ini("\n".join(lines[:start] + lines[start + 2 :]), "c.ini")


def test_rnn_size_must_be_that_of_the_connectome(tmp_path, small_connectome):
    text = changed("rnn_size", "55", "nback")[0].replace("Marmoset_Normalized", str(small_connectome))
    with pytest.raises(ConfigError, match=r"connectome\.regions \(rnn_size\): .* has 6 regions; got 55"):
        create_sweep(tmp_path / "new", parse_ini(text))
    with pytest.raises(ConfigError, match=r"connectome\.neurons: .* each of the 6 regions .*; got 2"):
        create_sweep(tmp_path / "new", parse_ini(text.replace("= 55", "= 6").replace("rons = 4", "rons = [4, 1]")))
    assert not (tmp_path / "new").exists()


def test_an_unknown_connectome_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ConfigError, match=r"connectome\.name: .*[Mm]armoset"):
        create_sweep(tmp_path / "new", parse_ini(template(connectomes=str(tmp_path))))
    assert not (tmp_path / "new").exists()


def test_no_latents_means_those_of_the_digits_and_a_named_file_is_used():
    text = template("pic_latent").replace("pretrained =", "path_to_latents = /my/latents.npz\npretrained =")
    with pytest.raises(ConfigError, match=r"/my/latents\.npz"):
        parse_ini(text)


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_the_templates_run_unchanged_but_for_their_paths(task, tmp_path, bio2art):
    (tmp_path / "config.ini").write_text(template(task, bio2art, tmp_path / "results"))
    config = read_recipe(tmp_path / "config.ini").with_changes(
        {"training.epochs": 2, "grid.repeat": [0], "trials.n": 20}
    )
    found = run_sweep(create_sweep(results_path(tmp_path / "config.ini"), config), workers=2, progress=False)
    assert len(found) == 24
    assert not any(summary["diverged"] for summary in found)
