"""Files of format 1, as eicon 0.1.0 had them for runs and for sweeps: they mean what they meant."""

import numpy as np
import pytest
import tomli_w

from eicon.models import RateRNN, verify
from eicon.runs import ConfigError, parse_recipe, read_recipe
from eicon.tasks import TruncatedExponential
from eicon.training import (
    OPTIMIZERS,
    AccuracyReached,
    Curriculum,
    Gradient,
    LossReached,
    Patience,
    RatePenalty,
    Sampled,
    VanishingGradient,
)
from eicon.training.results import History


def test_defaults_are_a_whole_configuration():
    """Those of eicon 0.1.0, whatever constructors have by now."""
    recipe = parse_recipe("")
    assert type(recipe.make_task()).__name__ == "PerceptualDecision"
    assert recipe.seed == 0
    assert recipe.network.given() == {
        **{"kind": "dale", "n_rec": 100, "e_ratio": 0.8, "activation": "relu", "tau": 100.0, "sigma_rec": 0.15},
        **{"sigma_in": 0.01, "start": "balanced", "spectral_radius": 1.5, "positive": "abs", "bias": False},
        **{"x0": 0.1, "train_x0": True, "free_input": False, "free_readout": False, "autapses": False},
    }
    assert recipe.trials.given() == {"kind": "sampled", "batch_size": 32}
    assert recipe.learner.given() == {"optimizer": "adam", "learning_rate": 0.002, "clip_norm": 1.0}
    assert recipe.training.given() == {
        **{"steps": 2000, "checkpoint_every": 500, "snapshots": False, "restore": "last", "stop_window": 5}
    }


@pytest.mark.parametrize("text", ["", "[network]\nn_rec = 50\n"])
def test_a_file_that_names_no_start_was_written_for_0_1_0(text, caplog):
    recipe = parse_recipe(text, "old.toml")
    assert (recipe.network.start, recipe.network.spectral_radius) == ("balanced", 1.5)
    assert "old.toml: the network starts as in eicon 0.1.0" in caplog.text
    assert recipe.make_network(recipe.make_task()).b_out is None
    caplog.clear()
    assert parse_recipe(recipe.to_toml()) == recipe
    assert not caplog.text


def test_a_file_that_names_a_start_is_taken_at_its_word(caplog):
    recipe = parse_recipe("[network]\nstart = 'slow'")
    assert (recipe.network.start, recipe.network.spectral_radius) == ("slow", None)
    assert recipe.make_network(recipe.make_task()).b_out is not None
    assert parse_recipe("[network]\nspectral_radius = 1.2").network.start == "balanced"
    assert not caplog.text


def test_a_radius_beside_a_slow_start_is_refused():
    recipe = parse_recipe('[network]\nstart = "slow"\nspectral_radius = 1.2')
    with pytest.raises(ValueError, match="got spectral_radius 1.2, which belongs"):
        recipe.check_network()


def test_toml_round_trip_keeps_everything():
    config = parse_recipe(
        """
        seed = 7
        [task]
        name = "PerceptualDecision"
        dt = 10.0
        coherence = [4.0, 8.0]
        coherence_scale = "dots"
        stimulus = {mean = 330, min = 80, max = 1500}
        [network]
        activation = "softplus"
        [training]
        clip_norm = false
        stop_accuracy = 0.85
        [[training.regularizers]]
        kind = "rate"
        strength = 0.1
        """
    )
    assert config.learner.clip_norm is False
    assert config.make_learner().clip_norm is None
    assert parse_recipe(config.to_toml()) == config
    task = config.make_task()
    assert task.stimulus == TruncatedExponential(330.0, 80.0, 1500.0)
    assert task.coherence == (4.0, 8.0)


def test_settings_reach_network_and_trainer():
    config = parse_recipe(
        """
        seed = 5
        [network]
        n_rec = 12
        e_ratio = 0.5
        tau = 50.0
        sigma_rec = 0.3
        [training]
        batch_size = 4
        optimizer = "sgd"
        learning_rate = 0.5
        [[training.regularizers]]
        kind = "weight"
        power = 1
        strength = 2.0
        """
    )
    task = config.make_task()
    net = config.make_network(task)
    trainer = config.make_trainer(net, task)
    assert (net.n_rec, int(net.is_excitatory.sum()), net.sigma_rec, set(net.tau)) == (12, 6, 0.3, {50.0})
    assert trainer.trials == Sampled(4)
    assert trainer.learner == Gradient("sgd", 0.5)
    assert (trainer.penalties[0].power, trainer.penalties[0].strength) == (1, 2.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[training]\nlearning_rte = 1", r"training\.learning_rte: unknown key; allowed: .*steps, batch_size"),
        ("[network]\nn_recs = 1", r"network\.n_recs: unknown key; allowed: dale, n_rec, e_ratio"),
        ("sed = 1", r"sed: unknown key; allowed: seed, task, network, training"),
        ("[network]\nn_rec = 'many'", r"network\.n_rec: .*whole number; got 'many'"),
        ("[network]\ne_ratio = 1.2", r"network\.e_ratio: .*less than 1; got 1\.2"),
        ("[network]\nsigma_rec = -0.1", r"network\.sigma_rec: .*greater than or equal to 0; got -0\.1"),
        ("[network]\nactivation = 'rellu'", r"network\.activation: .*'relu', 'tanh'.*got 'rellu'"),
        ("[training]\noptimizer = 'lion'", r"training\.optimizer: .*'adam'.*got 'lion'"),
        (
            "[[training.regularizers]]\nkind = 'size'\nstrength = 1",
            r"training\.regularizers.*'weight', 'rate', 'vanishing_gradient'",
        ),
        (
            "[[training.regularizers]]\nkind = 'vanishing_gradient'\nbuond = 1",
            r"buond: unknown key; allowed: kind, strength, bound",
        ),
        ("[[training.regularizers]]\nkind = 'vanishing_gradient'\nbound = -1", r"bound: .*or equal to 0; got -1"),
        ("[network]\ndistribution = 'beta'", r"network\.distribution: .*'gamma', 'lognormal', .*; got 'beta'"),
        ("[training]\nstop_worst_accuracy = 1.1", r"training\.stop_worst_accuracy: .*or equal to 1; got 1\.1"),
        ("[training]\nlearning_rate = -1", r"training\.learning_rate: .*greater than 0; got -1"),
        (
            "[training]\nlearning_rate = {schedule = 'linear'}",
            r"learning_rate: unknown schedule 'linear'; allowed: warm",
        ),
        (
            "[training]\nlearning_rate = {schedule = 'cosine', rate = 0.1, stesp = 5}",
            r"learning_rate: schedule 'cosine' has no 'stesp'; allowed: schedule, rate, steps, warm_up, end",
        ),
        ("[training]\nlearning_rate = {schedule = 'cosine', rate = 0.1}", r"learning_rate\.steps: is missing"),
        ("[training]\nrestore = 'first'", r"training\.restore: .*'last' or 'best'; got 'first'"),
        ("[training]\npatience = 0", r"training\.patience: .*or equal to 1; got 0"),
        ("[training]\nstop = 'soon'", r"training\.stop: .*'criterion'; got 'soon'"),
        ("[[stages]]\ntask = {fixation = 200.0}", r"stage 0 of a curriculum has no criterion"),
        ("[[stages]]\ntask = {fixatoin = 1.0}\nstop_accuracy = 0.9", r"task\.fixatoin: unknown key"),
        (
            "[[stages]]\nstop_acuracy = 0.9",
            r"stages\.0\.stop_acuracy: unknown key; allowed: stop, stop_accuracy, .*task",
        ),
        ("[training]\nstop_loss = 0.0", r"training\.stop_loss: .*greater than 0; got 0\.0"),
        (
            "[[network.populations]]\nnme = 'E'\nn = 100",
            r"network\.populations\.0\.name: is missing.*network\.populations\.0\.nme: unknown key; "
            r"allowed: name, n, type, area",
        ),
        ("[[network.populations]]\nname = 'E'\nn = 0", r"network\.populations\.0\.n: .*or equal to 1; got 0"),
        (
            "[[network.populations]]\nname = 'E'\nn = 100\ntype = 'e'",
            r"network\.populations\.0\.type: .*'E', 'I' or ''; got 'e'",
        ),
        (
            "[[network.populations]]\nname = 'E'\nn = 60",
            r"network: n_rec is 100, but the populations have 60 units together",
        ),
        (
            "[[network.input]]\nsource = 'E'",
            r"network: recurrent, input and readout list projections between populations; there are none",
        ),
        ("[[network.recurrent]]\ndensity = 0.0", r"network\.recurrent\.0\.density: .*greater than 0; got 0\.0"),
        ("[[network.readout]]\nfrom = 'E'", r"readout\.0\.from: unknown key; allowed: source, target, density, weight"),
        ("[[training.regularizers]]\nkind = 'rate'\nstrenth = 1", r"strenth: unknown key; allowed: kind, strength"),
        ("task = {name = 'Chess'}", r"task\.name: got 'Chess'; allowed: PerceptualDecision"),
        ("task = {name = 'PerceptualDecision', coherance = [1.0]}", r"task\.coherance: unknown key; allowed: name, dt"),
        ("task = {name = 'PerceptualDecision', coherence = []}", r"the task is empty: coherence contains no level"),
        ("task = {name = 'PerceptualDecision', dt = 'x'}", r"task\.dt: must be a number; got 'x'"),
        ("task = {name = 'PerceptualDecision', fixation = 5.0}", r"fixation of 5 ms is shorter than half a step"),
        ("seed = \n[network]", r"not valid TOML.*line 1"),
    ],
)
def test_bad_configurations_name_the_key(text, message):
    with pytest.raises(ConfigError, match=message):
        parse_recipe(text)


AREAS = """
seed = 3
[network]
n_rec = 14
spectral_radius = 0.8
bias = true
distribution = "uniform"
positive = "softplus"
[[network.populations]]
name = "sensory E"
n = 6
type = "E"
area = "S"
[[network.populations]]
name = "motor E"
n = 5
type = "E"
area = "M"
[[network.populations]]
name = "I"
n = 2
type = "I"
[[network.populations]]
name = "free"
n = 1
[[network.recurrent]]
source = "sensory E"
[[network.recurrent]]
source = "motor E"
target = "sensory E"
density = 0.2
[[network.recurrent]]
source = "I"
target = "[ms]*"
weight = 0.25
[[network.input]]
source = "evidence for 0"
target = "sensory E"
[[network.input]]
source = "evidence for 1"
target = "I"
[[network.readout]]
source = "motor E"
target = "choice 1"
"""


def test_populations_and_projections_reach_the_network():
    config = parse_recipe(AREAS)
    assert parse_recipe(config.to_toml()) == config
    net = config.make_network(config.make_task())
    names = ["sensory E"] * 6 + ["motor E"] * 5 + ["I"] * 2 + ["free"]
    assert net.units["population"].tolist() == names
    assert net.units["area"].tolist() == ["S"] * 6 + ["M"] * 5 + [""] * 3
    assert net.units["type"].tolist() == ["E"] * 11 + ["I"] * 2 + [""]
    w_rec, w_in, w_out = (np.asarray(w) for w in (net.W_rec, net.W_in, net.W_out))
    assert (w_rec[:6] != 0).tolist() == (~np.eye(14, dtype=bool)[:6]).tolist()
    assert (w_rec[6:11, :6] != 0).sum() == 6
    assert not w_rec[6:11, 6:].any()
    assert (w_rec[11:13, :11] == -0.25).all()
    assert not w_rec[11:13, 11:].any()
    assert not w_rec[13].any()
    assert [np.flatnonzero(row).tolist() for row in w_in] == [list(range(6)), [11, 12]]
    assert [np.flatnonzero(column).tolist() for column in w_out.T] == [[], list(range(6, 11))]
    certificate = verify(net)
    assert certificate.ok
    assert certificate.spectral_radius == pytest.approx(0.8, rel=1e-5)
    assert net.recurrent.connectivity.positive == "softplus"
    assert net.b_rec is not None
    assert w_in[0, :6].max() < 2 / 1, "one source: uniform between 0 and 2"
    config.check_network()
    same = config.make_network(config.make_task())
    assert same.constants == net.constants
    assert same.raw_rec.value.tolist() == net.raw_rec.value.tolist()


def test_populations_without_projections_are_all_to_all():
    units = "populations = [{name = 'E', n = 8, type = 'E'}, {name = 'I', n = 2, type = 'I'}]"
    config = parse_recipe(f"[network]\nn_rec = 10\ndale = false\ne_ratio = 0.1\n{units}")
    assert parse_recipe(config.to_toml()) == config
    task = config.make_task()
    dale = RateRNN.dale(2, 10, 2, sigma_rec=0.15, sigma_in=0.01, spectral_radius=1.5, train_x0=True)
    found = config.make_network(task)
    assert found.recurrent.connectivity.digest == dale.recurrent.connectivity.digest
    assert found.input.connectivity.digest == dale.input.connectivity.digest
    assert (found.readout.connectivity.mask == dale.readout.connectivity.mask).all()


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ("populations = [{name = '', n = 10}]", "a population needs a name"),
        ("populations = [{name = 'a', n = 5}, {name = 'a', n = 5}]", "duplicate population name 'a'"),
        ("populations = [{name = 'a', n = 10}]\ninput = [{target = 'b'}]", "no population matches 'b'"),
        ("populations = [{name = 'a', n = 10}]\nrecurrent = [{weight = 0.0}]", "must be finite and not 0; got 0.0"),
    ],
)
def test_what_only_the_network_can_refuse_is_refused_by_the_check(listed, message):
    config = parse_recipe(f"[network]\nn_rec = 10\n{listed}")
    config.check()
    with pytest.raises(ValueError, match=message):
        config.check_network()


@pytest.mark.parametrize("kind", ["dale = true", "dale = false", "populations = [{name = 'a', n = 30}]"])
def test_distribution_reaches_every_kind_of_network(kind):
    sizes = {}
    for line in ("", "distribution = 'uniform'", "distribution = 'lognormal'"):
        config = parse_recipe(f"seed = 1\n[network]\nn_rec = 30\n{line}\n{kind}")
        assert parse_recipe(config.to_toml()) == config
        net = config.make_network(config.make_task())
        sizes[line] = np.abs(np.asarray(net.W_in)).ravel()
    uniform, lognormal = sizes["distribution = 'uniform'"], sizes["distribution = 'lognormal'"]
    assert uniform.max() / uniform.mean() < 2.6
    assert lognormal.max() / lognormal.mean() > 2.6
    assert (sizes[""] != uniform).all()


def test_vanishing_gradient_reaches_the_trainer():
    text = "[network]\nn_rec = 10\n[training]\nbatch_size = 4\nvalidation_repeats = 1\n"
    kinds = "kind = 'vanishing_gradient'", "kind = 'vanishing_gradient'\nstrength = 0.5\nbound = 1e-3"
    config = parse_recipe(text + "".join(f"[[training.regularizers]]\n{kind}\n" for kind in kinds))
    assert parse_recipe(config.to_toml()) == config
    task = config.make_task()
    trainer = config.make_trainer(config.make_network(task), task, penalties=[RatePenalty(0.1)])
    assert trainer.penalties == (VanishingGradient(2.0, 1e-20), VanishingGradient(0.5, 1e-3), RatePenalty(0.1))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_and_schedules(name):
    config = parse_recipe(
        f"[network]\nn_rec = 5\n[training]\noptimizer = '{name}'\nvalidation_repeats = 1\n"
        "learning_rate = {schedule = 'cosine', rate = 0.01, steps = 100, warm_up = 10}"
    )
    assert parse_recipe(config.to_toml()) == config
    task = config.make_task()
    learner = config.make_trainer(config.make_network(task), task).learner
    table = {"schedule": "cosine", "rate": 0.01, "steps": 100, "warm_up": 10}
    assert learner == Gradient(name, table)


def test_how_often_to_validate_is_left_to_the_trainer():
    """But a file of version 0.1.0, which spells all out, keeps its meaning."""
    assert (parse_recipe("").training.validate_every, parse_recipe("").training.validation_repeats) == (None, None)
    stated = parse_recipe("[training]\nvalidate_every = 50\nvalidation_repeats = 20")
    assert (stated.training.validate_every, stated.training.validation_repeats) == (50, 20)
    task = stated.make_task()
    trainer = stated.make_trainer(stated.make_network(task), task)
    assert trainer._evaluations[0].trial.batch_size == 20 * task.n_conditions


def test_stages_come_before_the_task():
    config = parse_recipe(
        """
        [task]
        name = "DelayedMatchToSample"
        delay = 1000.0
        [training]
        stop = "criterion"
        patience = 7
        [[stages]]
        task = {delay = 200.0}
        stop_accuracy = 0.75
        stop_window = 2
        [[stages]]
        task = {delay = 500.0}
        stop = "criterion"
        """
    )
    assert parse_recipe(config.to_toml()) == config
    curriculum = config.make_curriculum()
    assert isinstance(curriculum, Curriculum)
    assert [stage.task.delay for stage in curriculum.stages] == [200.0, 500.0, 1000.0]
    good, bad = validated([0.75, 0.75], [0.0, 0.0], [1.0, 1.0]), validated([0.7, 0.75], [0.0, 0.0], [1.0, 1.0])
    first = curriculum.stages[0].criterion
    assert first(good)
    assert not first(bad)
    assert curriculum.stages[2].criterion is not None, "that of the last stage ends the training"
    assert config.stop_when() == (Patience(7),), "and no other stage"
    assert type(parse_recipe("").make_curriculum()).__name__ == "PerceptualDecision"


def test_the_criterion_of_the_task_itself():
    config = parse_recipe("[training]\nstop = 'criterion'")
    task, stop = config.make_task(), config.criterion()
    n = 5
    for accuracy in (task.criterion - 0.01, task.criterion):
        assert stop(validated([accuracy] * n, [accuracy] * n, [0.0] * n)) == (accuracy >= task.criterion)


def validated(accuracy, worst, loss):
    n = len(accuracy)
    return History().extended(
        validation_step=np.arange(n), validation_accuracy=accuracy, validation_worst=worst, validation_loss=loss
    )


def test_criteria_must_all_be_met():
    good, bad = [0.0, 0.75, 0.75], [0.75, 0.75, 0.5]
    few, many = [9.0, 0.125, 0.125], [0.125, 0.125, 0.25]
    assert parse_recipe("").criterion() is None
    assert parse_recipe("[training]\nstop_window = 2").criterion() is None
    for lines, reached in {
        "stop_accuracy = 0.75": lambda a, w, x: a,
        "stop_worst_accuracy = 0.75": lambda a, w, x: w,
        "stop_loss = 0.125": lambda a, w, x: x,
        "stop_accuracy = 0.75\nstop_loss = 0.125": lambda a, w, x: a and x,
        "stop_accuracy = 0.75\nstop_worst_accuracy = 0.75\nstop_loss = 0.125": lambda a, w, x: a and w and x,
    }.items():
        config = parse_recipe(f"[training]\nstop_window = 2\n{lines}")
        assert parse_recipe(config.to_toml()) == config
        stop = config.criterion()
        for a, w, x in np.ndindex(2, 2, 2):
            history = validated(good if a else bad, good if w else bad, few if x else many)
            assert stop(history) == bool(reached(a, w, x)), (lines, a, w, x)
        assert not stop(History())
        assert not stop(validated([1.0], [1.0], [0.0])), "the window is 2"


def test_criteria_have_the_default_window():
    stop = parse_recipe("[training]\nstop_worst_accuracy = 0.5\nstop_loss = 1.0").criterion()
    for n in (4, 5):
        history = validated([0.0] * n, [0.6] * n, [0.9] * n)
        alone = AccuracyReached(0.5, worst=True)(history), LossReached(1.0)(history)
        assert stop(history) == all(alone) == (n == 5)


# Sweeps of format 1.


def parse_sweep(text, source="sweep"):
    return parse_recipe(text, source, kind="sweep")


def test_defaults_are_a_whole_sweep():
    """Those of eicon 0.1.0, whatever constructors have by now."""
    recipe = parse_sweep("")
    assert recipe.task == {"name": "SequenceMemory"}
    assert recipe.grid == {"repeat": (0, 1, 2, 3, 4)}
    assert recipe.connectome.given() == {
        **{"name": "celegans", "regions": 0, "neurons": 1, "missing": "error", "target_sparsity": 0.8},
        **{"intrinsic": True, "intrinsic_share": 0.8, "intrinsic_sparsity": 1.0, "autapses": False},
        **{"partition": "random", "orientation": "forward", "null": "none", "signs": "free", "e_ratio": 0.8},
    }
    assert recipe.network.given() == {
        **{"kind": "connectome", "activation": "relu", "init": "default", "remap": "magnitude", "freeze": False},
        **{"spectral_radius": "drawn", "tau": 20.0, "sigma_rec": 0.0, "sigma_in": 0.0, "storage": "dense"},
    }
    fixed = {"kind": "fixed", "n": 500, "train_size": 0.8, "batch_size": 128, "mean": "steps"}
    assert recipe.trials.given() == fixed
    assert recipe.learner.given() == {"optimizer": "adam", "learning_rate": 1e-4, "clip_norm": False}
    assert (recipe.training.epochs, recipe.training.store_every) == (500, None)
    assert parse_recipe(recipe.to_toml()) == recipe
    assert parse_recipe("[connectome]\nname = 'celegans'") == recipe, "only a sweep has this table"


@pytest.mark.parametrize(
    ("key", "values", "new", "wanted"),
    [
        ("connectome.name", ["celegans", "larva_left"], None, None),
        ("connectome.neurons", [1, 4, [1, 2]], None, None),
        ("connectome.null", ["none", "permute"], None, None),
        ("connectome.orientation", ["forward", "reversed"], None, None),
        ("network.init", ["default", "he", "balanced"], None, None),
        ("network.freeze", [False, True], None, None),
        ("network.signs", ["free", "dale"], "connectome.signs", None),
        ("network.e_ratio", [0.5, 0.6], "connectome.e_ratio", None),
        ("network.spectral_radius", [0.0, 0.9], None, ["drawn", 0.9]),
        ("training.epochs", [1, 2], None, None),
        ("training.n_trials", [1, 2], "trials.n", None),
        ("training.train_size", [0.5, 0.6], "trials.train_size", None),
        ("training.batch_size", [1, 2], "trials.batch_size", None),
        ("training.optimizer", ["adam", "sgd"], "learner.optimizer", None),
        ("training.optimizer_options", [{}, {"beta1": 0.8}], "learner.options", None),
        ("training.learning_rate", [0.1, 0.2], "learner.learning_rate", None),
        ("training.clip_norm", [0, 1.0], "learner.clip_norm", [False, 1.0]),
        ("task.pattern_length", [2, 3], None, None),
        ("task", [{"name": "SequenceMemory"}, {"name": "NBack", "n_back": 3}], None, None),
        ("task.name", ["SequenceMemory", "NBack", "PerceptualDecision"], None, None),
        ("pretrained.repeat", [0, 1], None, None),
    ],
)
def test_keys_of_a_sweep_become_those_of_a_recipe(key, values, new, wanted):
    text = tomli_w.dumps({"grid": {key: values}, "training": {"repeats": 2}})
    recipe = parse_sweep(text)
    assert list(recipe.grid) == [new or key, "repeat"]
    assert list(recipe.grid[new or key]) == (wanted or values)
    assert recipe.grid["repeat"] == (0, 1)
    assert parse_recipe(recipe.to_toml()) == recipe
    cells = list(recipe.cells())
    assert [cell.repeat for cell in cells] == [0, 1] * len(values)
    for cell, value in zip(cells[::2], wanted or values, strict=True):
        said = cell.model_dump()
        for part in (new or key).split("."):
            said = said[part]
        assert said == (tuple(value) if isinstance(value, list) else value)


def test_values_of_a_sweep_become_those_of_a_recipe():
    recipe = parse_sweep(
        "[network]\nsigns = 'dale'\ne_ratio = 0.7\nspectral_radius = 0.9\n[training]\nclip_norm = 2.0\n"
        "store_every = 3\noptimizer = 'rmsprop'\noptimizer_options = {rho = 0.5}\n"
        "[connectome]\ntotal = 40\nfolder = 'here'"
    )
    assert (recipe.connectome.signs, recipe.connectome.e_ratio) == ("dale", 0.7)
    assert (recipe.network.spectral_radius, recipe.learner.clip_norm, recipe.training.store_every) == (0.9, 2.0, 3)
    assert (recipe.connectome.total, recipe.connectome.folder) == (40, "here")
    assert recipe.make_learner().options == {"rho": 0.5, "epsilon": 1e-16}, "of PyTorch, as in 0.1.0"
    assert parse_sweep("[training]\noptimizer = 'rmsprop'").make_learner().options == {"rho": 0.99, "epsilon": 1e-16}
    both = parse_sweep("[grid]\ntraining.optimizer = ['adam', 'rmsprop']\n[training]\nrepeats = 1")
    assert [dict(cell.make_learner().options) for cell in both.cells()] == [{}, {"rho": 0.99, "epsilon": 1e-16}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[grid]\nepochs = [1]", r"grid: epochs: unknown key; allowed: seed, compat, connectome"),
        ("[grid]\ntraining.epoch = [1]", r"grid: training\.epoch: unknown key; allowed: epochs, repeats"),
        ("[grid]\ntrainin.epochs = [1]", r"trainin\.epochs: there is no table 'trainin'; allowed: connectome, network"),
        ("[grid]\ntraining.epochs.more = [1]", r"training\.epochs\.more: there is no table 'epochs'"),
        ("[grid]\ntraining.epochs = []", r"grid\.training\.epochs: .*at least 1 item"),
        ("[grid]\ntraining.epochs = 3", r"grid\.training\.epochs: .*must be a list of values; got 3"),
        ("[grid]\ntraining.epochs = [1, 0]", r"grid: training\.epochs: .*greater than or equal to 1; got 0"),
        ("[grid]\ntraining.epochs = [1, 1]", r"grid\.training\.epochs: a value occurs twice in \[1, 1\]"),
        ("[grid]\ntraining.epochs = [1, 1.0]", r"are the same combination"),
        ("[grid]\ntraining.learning_rate = [nan]", r"training\.learning_rate: .*finite number; got nan"),
        ("[grid]\ntask.item = [nan]", r"must contain only finite numbers.*got nan"),
        ("[grid]\ntask.item = [1979-05-27]", r"must contain only finite numbers, text, lists and tables"),
        ("[grid]\ntraining.repeats = [1, 2]", r"grid\.training\.repeats: must be the same for a whole sweep"),
        ("[grid]\nseed = [1, 2]", r"grid\.seed: must be the same for a whole sweep"),
        ("[grid]\ncompat = ['', 'bio_rnn_mem']", r"grid\.compat: must be the same for a whole sweep"),
        ("[grid]\ngrid.seed = [1]", r"grid\.grid\.seed: must be the same for a whole sweep"),
        (
            "[grid]\nnetwork = [{init = 'he'}]",
            r"grid\.network: a grid over a whole table needs a recipe \(format = 2\)",
        ),
        ("[grid]\nnetwork.activation = ['relu', 'rellu']", r"network\.activation: .*got 'rellu'"),
        ("[grid]\ntask.pattern_length = [3, 1]", r"task: pattern_length must be at least 2; got 1"),
        ("[grid]\ntask.name = ['Chess']", r"task\.name: got 'Chess'; allowed: "),
        ("[grid]\ntask = [3]", r"task: .*must be a table; got 3"),
        ("grid = 3", r"grid: .*must be a table; got 3"),
        ("grid = {training = 3}", r"grid\.training: .*must be a list of values; got 3"),
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
        ("compat = 'bio_rnn_mem'\nnetwork.signs = 'dale'", r"signs: bio_rnn_mem has no such setting; leave it out"),
        ("compat = 'bio_rnn_mem'\nnetwork.spectral_radius = 0.9", r"network\.spectral_radius: bio_rnn_mem has no such"),
        (
            "compat = 'bio_rnn_mem'\nconnectome.autapses = true",
            r"connectome\.autapses: bio_rnn_mem has no such setting",
        ),
        ("compat = 'bio_rnn_mem'\ngrid.network.tau = [20.0, 30.0]", r"network\.tau: bio_rnn_mem has no such setting"),
        ("seed = ", r"mine is not a recipe \(not valid TOML\): "),
    ],
)
def test_bad_sweeps_are_refused_and_name_the_key(text, message):
    with pytest.raises(ConfigError, match=message) as caught:
        parse_sweep(text, "mine")
    assert str(caught.value).startswith("mine")
    assert "\n" not in str(caught.value)


def test_compat_in_a_file_can_be_given_from_outside(tmp_path):
    (tmp_path / "a.toml").write_text("network.tau = 30.0")
    assert read_recipe(tmp_path / "a.toml", kind="sweep", compat="").compat == ""
    with pytest.raises(ConfigError, match=r"a\.toml: network\.tau: bio_rnn_mem has no such setting"):
        read_recipe(tmp_path / "a.toml", kind="sweep", compat="bio_rnn_mem")
