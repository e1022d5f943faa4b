"""Recipes: every key reaches what it names, defaults are those of the constructors, and slips are told."""

import inspect
import itertools
from importlib import resources

import jax
import numpy as np
import pytest

from eicon.models import Adapting, Connectivity, Leaky, LowRank, Plastic, Population, Projection, RateRNN, verify
from eicon.runs import ConfigError, Recipe, create_run, open_run, parse_recipe, read_recipe, train_run
from eicon.runs._read import demo_recipe
from eicon.runs._recipe import CONSTRUCTORS, EPOCHS, N_REC, N_TRIALS, STEPS, TRAIN_SIZE
from eicon.runs._recipe_tables import KINDS, keys_of_kind
from eicon.tasks import PerceptualDecision, SequenceMemory, TruncatedExponential
from eicon.tasks._table import TASKS
from eicon.training import (
    AccuracyReached,
    Curriculum,
    Fixed,
    Gradient,
    HessianFree,
    Patience,
    RatePenalty,
    Sampled,
    Trainer,
    VanishingGradient,
    WeightPenalty,
    split_trials,
)
from eicon.training.results import History
from studies import starts

POPULATIONS = [{"name": "E", "n": 8, "type": "E"}, {"name": "I", "n": 2, "type": "I"}]
NETWORKS = {
    "dale": {"n_rec": 10},
    "free": {"n_rec": 10},
    "populations": {"populations": POPULATIONS},
    "connectome": {},
}


def recipe_of(kind, **tables):
    network = {"kind": kind, **NETWORKS[kind], **tables.pop("network", {})}
    return Recipe(network=network, **tables)


@pytest.fixture(scope="module")
def small(small_connectome):
    """Tables of a network on a small connectome."""
    return {"network": {"kind": "connectome"}, "connectome": {"name": str(small_connectome)}}


def same_bits(one, other):
    assert one.constants == other.constants
    for a, b in zip(jax.tree.leaves(one.parts().network), jax.tree.leaves(other.parts().network), strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


# Text.


@pytest.mark.parametrize(
    ("kind", "trials", "learner"), list(itertools.product(KINDS, ("sampled", "fixed"), ("adam", "hessian_free")))
)
def test_round_trip_of_all_kinds(kind, trials, learner):
    recipe = recipe_of(kind, trials={"kind": trials}, learner={"optimizer": learner})
    completed = recipe.completed()
    assert parse_recipe(completed.to_toml()) == completed
    assert parse_recipe(recipe.to_toml()) == recipe
    assert completed.completed() == completed
    assert completed.to_toml().startswith("format = 2\nseed = 0\n")
    assert completed.trials.batch_size == {"sampled": {"adam": 32, "hessian_free": 64}[learner], "fixed": 128}[trials]
    length = ("epochs", "steps") if trials == "fixed" else ("steps", "epochs")
    assert [getattr(completed.training, name) for name in length] == [EPOCHS if trials == "fixed" else STEPS, None]


FULL = """
format = 2
seed = 7
[task]
name = "PerceptualDecision"
dt = 10.0
coherence = [4.0, 8.0]
coherence_scale = "dots"
stimulus = {mean = 330, min = 80, max = 1500}
[network]
n_rec = 12
e_ratio = 0.5
tau = 50
sigma_rec = 0.3
activation = "softplus"
[trials]
batch_size = 4
[learner]
optimizer = "sgd"
learning_rate = {schedule = "cosine", rate = 0.01, steps = 100, warm_up = 10}
clip_norm = false
factors = {raw_in = 0.5}
[training]
steps = 30
stop_accuracy = 0.85
patience = 7
validation_repeats = 2
[[training.penalties]]
kind = "rate"
strength = 0.1
[[training.penalties]]
kind = "weight"
power = 1
strength = 2.0
[[training.penalties]]
kind = "vanishing_gradient"
[[stages]]
task = {coherence = [8.0]}
stop_accuracy = 0.75
stop_window = 2
"""


def test_every_table_reaches_what_it_names():
    recipe = parse_recipe(FULL)
    assert parse_recipe(recipe.to_toml()) == recipe
    assert parse_recipe(recipe.completed().to_toml()) == recipe.completed()
    task, net, trainer = recipe.make()
    assert task.stimulus == TruncatedExponential(330.0, 80.0, 1500.0)
    assert task.coherence == (4.0, 8.0)
    assert (net.n_rec, int(net.is_excitatory.sum()), net.sigma_rec, set(net.tau)) == (12, 6, 0.3, {50.0})
    assert trainer.trials == Sampled(4)
    table = {"schedule": "cosine", "rate": 0.01, "steps": 100, "warm_up": 10}
    assert trainer.learner == Gradient("sgd", table, None, factors={"raw_in": 0.5})
    assert trainer.penalties == (RatePenalty(0.1), WeightPenalty(2.0, power=1), VanishingGradient(2.0, 1e-20))
    curriculum = recipe.make_curriculum()
    assert isinstance(curriculum, Curriculum)
    assert [stage.task.coherence for stage in curriculum.stages] == [(8.0,), (4.0, 8.0)]
    assert recipe.stop_when() == (Patience(7),)
    assert recipe.n_steps(trainer.trials) == 30


def test_fixed_trials_and_hessian_free_reach_the_trainer():
    recipe = parse_recipe(
        "format = 2\nseed = 5\n[task]\nname = 'SequenceMemory'\npattern_length = 2\n[network]\nn_rec = 6\n"
        "[trials]\nkind = 'fixed'\nn = 10\ntrain_size = 0.5\nbatch_size = 4\nmean = 'batches'\n"
        "[learner]\noptimizer = 'hessian_free'\ndamping = 2.0\nn_probes = 0\n[training]\nepochs = 3"
    )
    trainer = recipe.make().trainer
    assert trainer.learner == HessianFree(damping=2.0, n_probes=0)
    key = jax.random.key(5)
    wanted = Fixed(*split_trials(SequenceMemory(pattern_length=2).trials(10, key=key), 0.5, key=key), 4, "batches")
    assert (trainer.trials.batch_size, trainer.trials.mean) == (4, "batches")
    np.testing.assert_array_equal(trainer.trials.train.inputs, wanted.train.inputs)
    np.testing.assert_array_equal(trainer.trials.validation.inputs, wanted.validation.inputs)
    assert recipe.n_steps(trainer.trials) == 3 * wanted.steps_per_epoch


# Defaults.


def default_of(name, constructors):
    """What the first constructor says that has the parameter and a default for it."""
    for make in constructors:
        found = inspect.signature(make).parameters.get(name)
        if found is not None and isinstance(found.default, bool | int | float | str):
            return found.default
    return None


@pytest.mark.parametrize("kind", KINDS)
def test_defaults_of_networks_are_those_of_the_constructor(kind):
    network = recipe_of(kind).completed().network
    of_cell = {name: one.value for name, one in Leaky().parameters(1).items()} | {"activation": Leaky.activation}
    for name in keys_of_kind(kind) - set(NETWORKS[kind]) - {"kind"}:
        default = default_of(name, CONSTRUCTORS[kind])
        if default is None and not (kind == "connectome" and name == "x0"):
            default = of_cell.get(name)
        assert getattr(network, name) in (default, () if default is None else default), name


@pytest.mark.parametrize(
    ("table", "tables", "constructor", "ours"),
    [
        ("learner", {}, Gradient, {"learning_rate": 0.001}),
        ("learner", {"learner": {"optimizer": "hessian_free"}}, HessianFree, {"optimizer": "hessian_free"}),
        ("trials", {}, Sampled, {"kind": "sampled"}),
        ("trials", {"trials": {"kind": "fixed"}}, Fixed, {"kind": "fixed", "n": N_TRIALS, "train_size": TRAIN_SIZE}),
    ],
)
def test_defaults_of_learners_and_trials_are_those_of_the_constructor(table, tables, constructor, ours):
    said = getattr(Recipe(**tables).completed(), table).given()
    assert said.keys() >= ours.keys()
    for name, value in said.items():
        assert value == ours.get(name, default_of(name, [constructor])), name


def test_defaults_of_the_expansion_are_spelled_out_where_there_is_one(small):
    from eicon.connectomes import expand, neurons_per_region

    plain = Recipe(**small).completed().connectome
    assert (plain.target_sparsity, plain.partition) == (None, None)
    expanded = Recipe(**small).with_changes({"connectome.neurons": 2}).completed().connectome
    for name in ("target_sparsity", "intrinsic", "intrinsic_share", "intrinsic_sparsity", "intrinsic_of", "partition"):
        assert getattr(expanded, name) == inspect.signature(expand).parameters[name].default
    for name in ("smallest", "missing"):
        assert getattr(expanded, name) == inspect.signature(neurons_per_region).parameters[name].default


@pytest.mark.parametrize("kind", KINDS)
def test_networks_are_the_same_with_defaults_spelled_out(kind, small):
    recipe = recipe_of(kind, **({"connectome": {**small["connectome"], "neurons": 2}} if kind == "connectome" else {}))
    task = recipe.make_task()
    same_bits(recipe.make_network(task), recipe.completed().make_network(task))


# Networks: the same calls in Python.


def test_networks_are_those_of_the_constructors():
    task = PerceptualDecision()
    for kind, wanted in {
        "dale": RateRNN.dale(2, 10, 2, tau=50.0, start="balanced", spectral_radius=1.2, seed=3),
        "free": RateRNN(
            *(Connectivity.dense(10, 10), Connectivity.dense(2, 10), Connectivity.dense(10, 2)),
            **{"tau": 50.0, "start": "balanced", "spectral_radius": 1.2, "seed": 3},
        ),
        "populations": RateRNN.from_populations(
            [Population(**entry) for entry in POPULATIONS],
            *(task.input_channels, task.output_channels),
            recurrent=[Projection("E"), Projection("I", density=0.5)],
            **{"tau": 50.0, "start": "balanced", "spectral_radius": 1.2, "seed": 3},
        ),
    }.items():
        network = {"tau": 50.0, "start": "balanced", "spectral_radius": 1.2}
        if kind == "populations":
            network["recurrent"] = [{"source": "E"}, {"source": "I", "density": 0.5}]
        recipe = recipe_of(kind, seed=3, network=network)
        recipe.check_network()
        same_bits(recipe.make_network(task), wanted)


def test_recurrent_weights_of_low_rank():
    recipe = recipe_of("free", network={"rank": 2}, seed=4)
    recipe.check_network()
    net = recipe.make_network(recipe.make_task())
    assert isinstance(net.recurrent, LowRank)
    assert np.linalg.matrix_rank(np.asarray(net.W_rec)) == 2
    wanted = RateRNN(
        *(LowRank.drawn(10, 2, seed=4), Connectivity.dense(2, 10), Connectivity.dense(10, 2)), dt=20.0, seed=4
    )
    same_bits(net, wanted)
    assert parse_recipe(recipe.completed().to_toml()).network.rank == 2


def test_cells_from_the_outermost_on():
    recipe = recipe_of(
        "dale",
        network={"cell": ["plastic", "adapting"], "cell_options": {"hz": 2.0, "gain": True}, "activation": "tanh"},
    )
    recipe.check_network()
    wanted = Plastic(Adapting(Leaky("tanh", gain=True)), hz=2.0)
    net = recipe.make_network(recipe.make_task())
    assert net.cell == wanted
    same_bits(net, RateRNN.dale(2, 10, 2, cell=wanted))
    assert parse_recipe(recipe.completed().to_toml()).make_network(recipe.make_task()).cell == wanted
    same = recipe.with_changes({"network.cell": ["plastic", "adapting", "leaky"]})
    assert same.make_network(recipe.make_task()).cell == wanted
    assert recipe_of("dale", network={"cell_options": {"slope": True}})._untrained(recipe.make_task()).cell == Leaky(
        slope=True
    )


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (
            {"cell": "plasticine"},
            r"network\.cell: got 'plasticine'; allowed: leaky, adapting, plastic, or file.py:Class",
        ),
        ({"cell": "leaky", "cell_options": {"hz": 2.0}}, r"network\.cell_options: leaky has no 'hz'"),
        ({"cell": "plastic", "cell_options": {"hz": -2.0}}, r"network\.cell: plastic: hz, .* must be >= 0; got -2\.0"),
        ({"cell": ["leaky", "plastic"]}, r"network\.cell: leaky: .*inner"),
    ],
)
def test_cells_that_there_are_not(network, message):
    with pytest.raises(ConfigError, match=message):
        recipe_of("dale", network=network).check_network()


def test_parameters_train_and_share_reach_the_network():
    network = {"parameters": {"tau": {"E": 50.0, "I": 30.0}}, "share": {"tau": "type"}, "train": ["tau"]}
    recipe = recipe_of("dale", network=network)
    completed = recipe.completed()
    assert completed.network.tau is None, "which parameters give"
    task = recipe.make_task()
    for one in (recipe, completed, parse_recipe(completed.to_toml())):
        one.check_network()
        net = one.make_network(task)
        same_bits(net, RateRNN.dale(2, 10, 2, **network))
    assert "tau" in net.parts().trained


# Slips.


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[network]\nn_recs = 1", r"network\.n_recs: unknown key; allowed: kind, n_rec, rank.* mean n_rec\?$"),
        (
            "[connectome]\nfile = 'a.csv'",
            r"connectome\.file: unknown key; .* file belongs in connectome\.name",
        ),
        ("[network]\nn_hidden = 3", r"network\.n_hidden: unknown key; .* The number of units is network\.n_rec\.$"),
        ("[task]\nname = 'DelayedMatchToSample'\ndelay = '5ms'", r"task\.delay: must be a number; got '5ms'\.$"),
        ("n_rec = 1", r"n_rec: unknown key; .* Did you mean network\.n_rec\?$"),
        ("[training]\nbatch_size = 1", r"training\.batch_size: unknown key; .* Did you mean trials\.batch_size\?$"),
        ("[task]\nname = 'FlipFlop'\nbit = 2", r"task\.bit: unknown key; allowed: name, .* Did you mean n_bits\?$"),
        ("[task]\nname = 'flipflp'", r"task\.name: got 'flipflp'; allowed: .* Did you mean FlipFlop\?$"),
        ("sed = 1", r"sed: unknown key; allowed: format, seed, repeat, compat, task, network"),
        ("[training]\nregularizers = []", r"training\.regularizers: unknown key; allowed: steps, epochs, .*penalties"),
        ("[network]\nkind = 'connectom'", r"network\.kind: .*'connectome'; got 'connectom'"),
        ("[network]\nkind = 'free'\ne_ratio = 0.5", r"a network of kind 'free' has no 'e_ratio'; allowed: activation"),
        ("[network]\nkind = 'free'\npositive = 'abs'", r"a network of kind 'free' has no 'positive'"),
        ("[network]\nrank = 2", r"a network of kind 'dale' has no 'rank'"),
        ("[network]\ngain = 'in'", r"a network of kind 'dale' has no 'gain'"),
        ("[network]\nkind = 'connectome'\nn_rec = 2", r"a network of kind 'connectome' has no 'n_rec'"),
        ("[network]\nkind = 'connectome'\nstart = 'slow'", r"a network of kind 'connectome' has no 'start'"),
        ("[network]\nkind = 'populations'", r"a network of kind 'populations' needs the list `populations`"),
        ("[[network.populations]]\nname = 'E'\nn = 3", r"a network of kind 'dale' has no 'populations'"),
        ("[network]\nspectral_radius = 'drawn'", r"spectral_radius 'drawn' is only for networks on a connectome"),
        ("[network]\nspectral_radius = 0", r"network\.spectral_radius: .*greater than 0, or 'drawn'; got 0\."),
        (
            "[network]\nactivation = 'rellu'",
            r"network\.activation: must be 'relu', .*; got 'rellu'\. Did you mean relu\?$",
        ),
        ("[network]\ntau = 'long'", r"network\.tau: must be a number.*; got 'long'\.$"),
        ("[connectome]\nname = 'celegans'", r"\[connectome\] needs network.kind = 'connectome'; got 'dale'"),
        ("[trials]\nn = 3", r"trials: n applies to fixed trials; these are sampled"),
        ("[trials]\nkind = 'fixed'\nsame = true", r"trials: same applies to sampled trials; these are fixed"),
        ("[training]\nepochs = 3", r"training\.epochs: sampled trials have no epochs; give steps, or trials of kind"),
        ("[training]\nstore_every = 3", r"training\.store_every counts epochs of fixed trials"),
        ("[training]\nsteps = 3\nepochs = 3\n[trials]\nkind = 'fixed'", r"steps and epochs are alternative lengths"),
        ("[trials]\nkind = 'fixed'\n[[stages]]\nstop_loss = 1.0", r"stages: fixed trials belong to one task"),
        ("[learner]\ndamping = 3", r"learner: damping is not a setting of the optimiser 'adam'"),
        (
            "[learner]\noptimizer = 'hessian_free'\nlearning_rate = 3",
            r"learning_rate is not a setting of the optimiser 'h",
        ),
        ("[learner]\noptimizer = 'lion'", r"learner\.optimizer: .*'hessian_free', 'adam'.*got 'lion'"),
        ("[learner]\nclip_norm = true", r"learner\.clip_norm: .*False; got 'true'"),
        ("[learner]\noptions = {b1 = 0.5}", r"learner: optimiser 'adam' has no option b1; allowed: beta1"),
        ("[learner]\noptions = {rmspop = {rho = 0.5}}", r"learner\.options\.rmspop: unknown optimiser; allowed: .*rms"),
        (
            "[learner]\nlearning_rate = {schedule = 'linear'}",
            r"learning_rate: unknown schedule 'linear'; allowed: warm",
        ),
        ("[task]\ndt = 20.0", r"task\.name: got None; allowed: PerceptualDecision"),
        ("compat = 'bio_rnn_mem'", r"compat: bio_rnn_mem trains networks on a connectome, with fixed trials"),
        ("[network]\nx0 = nan", r"network\.x0: .*finite number; got nan"),
        ("[network]\nparameters = {tau = inf}", r"network\.parameters\.tau: .*finite number.*; got inf"),
        ("[learner]\nfactors = {b_rec = nan}", r"learner\.factors\.b_rec: .*finite number; got nan"),
        ("seed = -1", r"seed: .*greater than or equal to 0; got -1"),
        ("seed = 9223372036854775808", r"seed: "),
    ],
)
def test_bad_recipes_are_refused_and_name_the_key(text, message):
    with pytest.raises(ConfigError, match=message) as caught:
        parse_recipe(f"format = 2\n{text}", "mine")
    assert str(caught.value).startswith("mine: ")
    assert "\n" not in str(caught.value)


def test_formats():
    with pytest.raises(ConfigError, match=r"mine: format: got 3; must be 2"):
        parse_recipe("format = 3", "mine")
    with pytest.raises(ConfigError, match=r"mine: put format = 2 on the first line; .* no table \[learner\]"):
        parse_recipe("[learner]\nlearning_rate = 0.1", "mine")
    text = '[network]\nkind = "dale"\nn_rec = 8\n'
    with pytest.raises(ConfigError, match=r"network\.kind: unknown key; .* valid in a recipe; .* put format = 2"):
        parse_recipe(text, "mine", kind="sweep")
    with pytest.raises(ConfigError, match="unknown key") as caught:
        parse_recipe(text + "colour = 3", "mine", kind="sweep")
    assert "put format" not in str(caught.value)
    assert parse_recipe(f"format = 2\n{text}", "mine", kind="sweep").network.n_rec == 8
    with pytest.raises(ConfigError, match=r"mine is not a recipe \(not valid TOML\): "):
        parse_recipe("format = ", "mine")


def test_missing_and_binary_files(tmp_path):
    with pytest.raises(ConfigError, match="there is no recipe"):
        read_recipe(tmp_path / "absent.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not a text file"):
        read_recipe(tmp_path / "binary.toml")


def test_nothing_in_a_recipe_is_evaluated(tmp_path):
    marker = tmp_path / "ran"
    with pytest.raises(ConfigError):
        parse_recipe(f"format = 2\nseed = \"__import__('pathlib').Path('{marker}').touch()\"")
    assert not marker.exists()


def test_what_only_the_network_can_refuse_is_refused_before_a_run_is_made(tmp_path):
    recipe = recipe_of("dale", network={"start": "slow", "spectral_radius": 1.2})
    recipe.check()
    with pytest.raises(ValueError, match=r"got spectral_radius 1\.2, which belongs"):
        create_run(tmp_path / "new", recipe)
    assert not (tmp_path / "new").exists()


# Changes.


def test_changes_keep_the_task_and_make_tables_that_are_not_there():
    recipe = Recipe().with_changes({"task.dt": 10.0, "network.tau": 50, "network.parameters.gain": 2.0, "seed": 3})
    assert recipe.task == {"name": "PerceptualDecision", "dt": 10.0}
    assert (recipe.network.tau, recipe.network.parameters, recipe.seed) == (50.0, {"gain": 2.0}, 3)
    worm = recipe.with_changes({"network": {"kind": "connectome"}, "connectome.null": "permute"})
    assert worm.connectome.null == "permute"
    with pytest.raises(ConfigError, match=r"network\.tau\.more: there is no table 'tau'; allowed: input_to, "):
        recipe.with_changes({"network.tau.more": 3})
    with pytest.raises(ConfigError, match=r"command line: network\.n_recs: unknown key"):
        recipe.with_changes({"network.n_recs": 3})


# Whole trainings, here and in Python.


def test_a_recipe_trains_the_network_that_the_same_calls_train(tmp_path):
    recipe = parse_recipe(
        "format = 2\nseed = 3\n[network]\nn_rec = 10\nsigma_rec = 0.1\n[trials]\nbatch_size = 4\n"
        "[learner]\noptimizer = 'adam'\nlearning_rate = 0.01\n[training]\nsteps = 6\nvalidate_every = 3\n"
        "validation_repeats = 1\npenalties = [{kind = 'rate', strength = 0.1}]"
    )
    net, _, history = train_run(create_run(tmp_path / "run", recipe), progress=False)
    task = PerceptualDecision()
    mine = RateRNN.dale(2, 10, 2, sigma_rec=0.1, seed=3)
    trainer = Trainer(
        *(mine, task),
        **{"learner": Gradient("adam", 0.01), "trials": Sampled(4), "penalties": [RatePenalty(0.1)]},
        **{"validation_repeats": 1, "seed": 3},
    )
    trainer.fit(6, validate_every=3, progress=False)
    same_bits(net, trainer.net)
    np.testing.assert_array_equal(history.loss, trainer.history.loss)
    same_bits(open_run(tmp_path / "run").load_network(), trainer.net)


def test_demo_is_the_network_of_song():
    recipe = demo_recipe(seed=4)
    assert (recipe.seed, recipe.network.sigma_rec, recipe.completed().network.e_ratio) == (4, 0.15, 0.8)
    assert 50 <= recipe.completed().network.n_rec <= N_REC
    assert recipe == read_recipe("demo").model_copy(update={"seed": 4})


@pytest.mark.parametrize("name", starts.SETTINGS)
def test_shipped_recipes_have_the_settings_that_tasks_need(name, caplog):
    folder = resources.files("eicon.runs").joinpath("configs")
    files = [parse_recipe(file.read_text(), file.name) for file in folder.iterdir() if "bio_vs" not in file.name]
    (recipe,) = [recipe for recipe in files if recipe.task["name"] == name]
    assert not caplog.text
    settings = {key: getattr(recipe.network, key) for key in starts.SETTINGS[name]}
    assert settings == starts.SETTINGS[name]
    net, spelled = (recipe.network.model_copy(update={"start": start}) for start in (None, "slow"))
    task = recipe.make_task()
    same_bits(
        *(recipe.model_copy(update={"network": one}).make_network(task) for one in (net, spelled)),
    )
    for setting in settings:
        assert f"{setting}=" in TASKS[name].__doc__


FOLDER = resources.files("eicon.reproduce.song2016") / "configs"
SUITE = sorted((file for file in FOLDER.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)


def test_there_is_a_recipe_for_each_published_network():
    assert len(SUITE) >= 12
    assert {file.name for file in SUITE} >= {"rdm_dense.toml", "mante_areas.toml", "romo.toml", "lee.toml"}


@pytest.mark.parametrize("file", SUITE, ids=lambda file: file.name)
def test_published_recipes_make_networks_that_keep_their_constraints(file):
    recipe = parse_recipe(file.read_text(encoding="utf-8"), file.name)
    completed = recipe.completed()
    for one in (recipe, completed):
        text = one.to_toml()
        assert parse_recipe(text) == one
        assert parse_recipe(text).to_toml() == text
    recipe.check_network()
    task = recipe.make_task()
    net = recipe.make_network(task)
    certificate = verify(net)
    assert certificate.ok, certificate.problems()
    assert certificate.spectral_radius == pytest.approx(recipe.network.spectral_radius, rel=1e-4)
    n_rec = completed.network.n_rec or sum(population.n for population in recipe.network.populations)
    assert (net.n_in, net.n_rec, net.n_out, net.dt) == (task.n_in, n_rec, task.n_out, task.dt)
    assert (certificate.n_free == 0) == (recipe.network.kind != "free")
    assert (certificate.matrices["recurrent"].autapses > 0) == (recipe.network.kind == "free")
    assert recipe.criterion() is not None


def test_areas_of_the_context_network_are_connected_as_in_the_paper():
    """Feedback is a fifth of the pairs, and inhibition does not leave its area (Song et al. 2016, fig. 6)."""
    file = next(file for file in SUITE if file.name == "mante_areas.toml")
    recipe = parse_recipe(file.read_text(encoding="utf-8"))
    net = recipe.make_network(recipe.make_task())
    there, name = np.asarray(net.W_rec) != 0, net.units["population"]
    count = {(a, b): int(there[np.ix_(name == a, name == b)].sum()) for a in set(name) for b in set(name)}
    for a, b in count:
        n_a, n_b = (name == a).sum(), (name == b).sum()
        if a.split()[0] == b.split()[0]:
            wanted = n_a * n_b - (n_a if a == b else 0)
        else:
            wanted = {"sensory E": n_a * n_b, "motor E": round(0.2 * n_a * n_b)}.get(a, 0)
        assert count[a, b] == wanted, (a, b)
    assert not np.asarray(net.W_in)[:, net.units["area"] == "motor"].any()
    assert set(np.flatnonzero(np.asarray(net.W_out).any(axis=1))) == set(np.flatnonzero(name == "motor E"))


def test_criterion_of_the_task_and_thresholds():
    recipe = parse_recipe(
        "format = 2\n[training]\nstop_accuracy = 0.9\nstop_window = 3\n[[stages]]\nstop = 'criterion'"
    )
    assert recipe.stop_when() == (), "the curriculum holds the criterion of the last stage"
    assert len(recipe.make_curriculum().stages) == 2
    stop = recipe.make_curriculum().stages[1].criterion
    for accuracy, reached in ((0.89, False), (0.9, True)):
        found = {"validation_accuracy": [accuracy] * 3, "validation_worst": [0.0] * 3, "validation_loss": [0.0] * 3}
        history = History().extended(validation_step=np.arange(3), **found)
        assert stop(history) == reached == AccuracyReached(0.9, 3)(history)
