"""Every key of ``[connectome]`` reaches the neurons, which are those of the same calls in Python, bit for bit."""

import pickle

import jax
import numpy as np
import pytest

from eicon.connectomes import Connectome, load, neurons_per_region, read_units
from eicon.models import RateRNN
from eicon.runs import ConfigError, Recipe, create_run, parse_recipe, train_run
from eicon.tasks import SequenceMemory
from eicon.training import Fixed, Gradient, Trainer, split_trials

N = 12
SEED = 5
NAMES = "ABCDEFGHIJKL"
UNITS = "name,type,transmitter,x,y,z\n" + "".join(
    f"{name},{'ab'[i % 2]},{('ACH', 'GABA', 'OTHER')[i % 3]},{i},{i % 3},{i % 5}\n" for i, name in enumerate(NAMES)
)
JOIN = {"coordinates": ["x", "y", "z"], "unit": "um"}
BY = {"transmitter": {"ACH": 1, "GABA": -1}}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A matrix without signs and labels, a table of its units, and regions with densities."""
    folder = tmp_path_factory.mktemp("connectome")
    rng = np.random.default_rng(0)
    weights = np.round(rng.random((N, N)) * (rng.random((N, N)) < 0.7), 3)
    rows = [",".join([name, *map(str, row)]) for name, row in zip(NAMES, weights, strict=True)]
    (folder / "matrix.csv").write_text("\n".join([",".join(["", *NAMES]), *rows]))
    (folder / "units.csv").write_text(UNITS)
    regions = Connectome(
        weights[:4, :4] * (1 - np.eye(4)), "WXYZ", densities=[1.0, 3.0, np.nan, 2.0], sign=[1, -1, 0, 0]
    )
    regions.save(folder / "regions.npz")
    regions._with(labels={"class": tuple("ppqq")}).save(folder / "labelled.npz")
    return folder


def neurons_of(place, **table):
    """Neurons of a recipe, which reads the same when it was written with its defaults."""
    given = {"name": str(place / "matrix.csv"), "rows": "source", **table}
    recipe = Recipe(seed=SEED, network={"kind": "connectome"}, connectome=given)
    recipe.check_network()
    made = recipe.make_connectome()
    again = parse_recipe(recipe.completed().to_toml())
    assert_same(again.make_connectome(), made)
    return made


def assert_same(one, other):
    assert one.names == other.names
    assert one.labels == other.labels
    for name in ("weights", "sign"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    for name in ("edge_sign", "coordinates"):
        a, b = getattr(one, name), getattr(other, name)
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_array_equal(a, b)


def matrix(folder, rows="source", **options):
    return load(str(folder / "matrix.csv"), rows=rows, **options)


def as_neurons(connectome):
    """What a recipe takes of units that are neurons themselves."""
    labels = connectome.labels if "region" in connectome.labels else {**connectome.labels, "region": connectome.names}
    return connectome.without_autapses()._with(labels=labels)


def joined(folder):
    return matrix(folder).joined(read_units(folder / "units.csv", **JOIN))


def test_name_rows_and_options_of_the_reader(files):
    assert_same(neurons_of(files), as_neurons(matrix(files)))
    turned = neurons_of(files, rows="target")
    np.testing.assert_array_equal(turned.weights, as_neurons(matrix(files)).weights.T)
    text = (files / "matrix.csv").read_text().replace(",", ";").replace(".", ",")
    (files / "german.csv").write_text(text)
    german = neurons_of(files, name=str(files / "german.csv"), read={"delimiter": ";", "decimal": ","})
    assert_same(german, as_neurons(matrix(files)))
    with pytest.raises(ConfigError, match=r"connectome\.name: .*delimitr"):
        neurons_of(files, read={"delimitr": ";"})


def test_a_folder_is_searched_first(files):
    np.save(files / "C_Mine_Normalized.npy", load(str(files / "regions.npz")).weights)
    (files / "Names_Mine_Normalized.lst").write_bytes(pickle.dumps(list("WXYZ"), protocol=2))
    options = {"folder": str(files), "rows": "source"}
    made = neurons_of(files, name="Mine_Normalized", **options)
    assert_same(made, as_neurons(load("Mine_Normalized", **options)))
    assert made.names == tuple("WXYZ")


def test_tables_of_units_are_joined(files):
    table = {"file": str(files / "units.csv"), "read": JOIN}
    made = neurons_of(files, join=[table])
    assert_same(made, as_neurons(joined(files)))
    assert made.labels["type"] == tuple("ab" * 6)
    assert made.coordinates.shape == (N, 3)
    with pytest.raises(ConfigError, match=r"connectome\.join\.0: .*absent\.csv"):
        neurons_of(files, join=[{"file": str(files / "absent.csv")}])


def test_units_are_kept_by_their_labels(files):
    join = [{"file": str(files / "units.csv"), "read": JOIN}]
    made = neurons_of(files, join=join, where={"type": "a", "transmitter": ["ACH", "GABA"]})
    assert_same(made, as_neurons(joined(files).subset({"type": "a", "transmitter": ["ACH", "GABA"]})))
    assert 0 < made.n < N
    with pytest.raises(ConfigError, match=r"connectome\.where: .*colour"):
        neurons_of(files, where={"colour": "red"})


@pytest.mark.parametrize("option", [{"at_least": 0.5}, {"density": 0.3}])
def test_thresholds(files, option):
    made = neurons_of(files, **option)
    assert_same(made, as_neurons(matrix(files).thresholded(**option)))
    assert 0 < made.n_connections < neurons_of(files).n_connections
    with pytest.raises(ValueError, match="at_least and density are alternative thresholds; give only one of them"):
        neurons_of(files, at_least=0.5, density=0.5)


@pytest.mark.parametrize("combine", ["max", "mean", "sum"])
def test_both_directions_become_one(files, combine):
    made = neurons_of(files, symmetrise=combine)
    assert_same(made, as_neurons(matrix(files).symmetrised(combine)))
    np.testing.assert_array_equal(made.weights, made.weights.T)


def test_connections_of_units_onto_themselves(files):
    assert np.diag(matrix(files).weights).any()
    assert not np.diag(neurons_of(files).weights).any()
    np.testing.assert_array_equal(neurons_of(files, autapses=True).weights, matrix(files).weights)


EXPANSION = {
    "target_sparsity": 0.5,
    "intrinsic_share": 0.3,
    "intrinsic_sparsity": 0.5,
    "intrinsic_of": "incoming",
    "partition": "random",
    "intrinsic": False,
    "autapses": True,
}


@pytest.mark.parametrize("option", [None, *EXPANSION])
def test_regions_become_neurons(files, option):
    regions = load(str(files / "regions.npz"))
    options = {} if option is None else {option: EXPANSION[option]}
    made = neurons_of(files, name=str(files / "regions.npz"), rows=None, neurons=(3, 2, 4, 2), **options)
    assert_same(made, regions.expanded([3, 2, 4, 2], seed=SEED, **options))
    if option is not None:
        plain = regions.expanded([3, 2, 4, 2], seed=SEED)
        assert not np.array_equal(made.weights, plain.weights), f"{option} changes something"


@pytest.mark.parametrize("method", ["ratio", "rank"])
def test_neurons_follow_densities(files, method):
    regions = load(str(files / "regions.npz"))
    name = str(files / "regions.npz")
    for options in ({"missing": "median", "total": 20}, {"missing": "smallest", "smallest": 2}):
        made = neurons_of(files, name=name, rows=None, neurons=method, **options)
        counts = neurons_per_region(regions.densities, method=method, names=regions.names, **options)
        assert_same(made, regions.expanded(counts, seed=SEED))
    with pytest.raises(ConfigError, match=r"connectome\.neurons: .*densit"):
        neurons_of(files, name=name, rows=None, neurons=method)
    with pytest.raises(ConfigError, match=r"connectome\.neurons: 'ratio' needs densities, and .* has none"):
        neurons_of(files, neurons="ratio")


def test_null_models_and_their_options(files):
    base = as_neurons(matrix(files))
    for table, null, options in (
        ({"null": "rewire", "null_options": {"rounds": 3}}, "rewire", {"rounds": 3}),
        ({"null": "shuffle_weights"}, "shuffle_weights", {}),
    ):
        made = neurons_of(files, **table)
        assert_same(made, base.rewired(null, seed=SEED, **options))
        assert not np.array_equal(made.weights, base.weights)
    with pytest.raises(ConfigError, match=r"connectome\.null: .*rouns"):
        neurons_of(files, null="rewire", null_options={"rouns": 3})
    with pytest.raises(ConfigError, match=r"connectome\.null: 'distance' needs coordinates, and .* has none"):
        neurons_of(files, null="distance")


def test_orientation_comes_after_the_null_model(files):
    base = as_neurons(matrix(files))
    assert_same(neurons_of(files, orientation="reversed"), base.reversed())
    both = neurons_of(files, null="rewire", orientation="reversed")
    assert_same(both, base.rewired("rewire", seed=SEED).reversed())


def test_signs_by_a_label_known_drawn_and_dropped(files):
    join = [{"file": str(files / "units.csv"), "read": JOIN}]
    base = joined(files).without_autapses()
    known = neurons_of(files, join=join, sign_by=BY)
    assert_same(known, as_neurons(base.signed(by=BY)))
    assert set(known.sign.tolist()) == {-1, 0, 1}
    drawn = neurons_of(files, join=join, sign_by=BY, signs="dale", e_ratio=0.6)
    assert_same(drawn, as_neurons(base.signed(by=BY).signed(0.6, seed=SEED)))
    assert set(drawn.sign.tolist()) == {-1, 1}
    regions = {"name": str(files / "regions.npz"), "rows": None, "neurons": 5}
    whole = load(str(files / "regions.npz")).expanded(5, seed=SEED)
    assert_same(neurons_of(files, **regions, signs="dale", e_ratio=0.6), whole.signed(0.6, seed=SEED))
    assert not neurons_of(files, **regions, signs="free").sign.any()
    with pytest.raises(ConfigError, match=r"connectome\.sign_by: no unit has transmitter 'GLUT'"):
        neurons_of(files, join=join, sign_by={"transmitter": {"GLUT": -1}})
    with pytest.raises(ValueError, match="sign_by sets signs, but signs = 'free' drops them"):
        neurons_of(files, join=join, sign_by=BY, signs="free")


def test_the_number_of_regions_is_checked(files):
    assert neurons_of(files, regions=N).n == N
    with pytest.raises(ConfigError, match=r"connectome\.regions \(rnn_size\): .* has 12 regions; got 11"):
        neurons_of(files, regions=11)
    with pytest.raises(
        ConfigError, match=r"connectome\.neurons: must be one number, or one for each of the 12 regions"
    ):
        neurons_of(files, neurons=(1, 2))


def test_every_key_of_the_table_is_in_this_file():
    from pathlib import Path

    from eicon.runs._recipe_tables import ConnectomeTable

    text = Path(__file__).read_text(encoding="utf-8")
    keys = set(ConnectomeTable.model_fields)
    assert {key for key in keys if f'"{key}"' not in text and f"{key}=" not in text} == set()


def test_keys_of_the_network_reach_it_and_train_to_the_same_bits(files, tmp_path):
    """A whole recipe, and the same in Python: preparation, network, trials and training."""
    recipe = parse_recipe(
        f"""
        format = 2
        seed = {SEED}
        [task]
        name = "SequenceMemory"
        pattern_length = 2
        [network]
        kind = "connectome"
        init = "he"
        remap = "off"
        input_to = {{class = "p"}}
        readout_from = {{class = ["q"]}}
        spectral_radius = 0.9
        tau = 40
        storage = "dense"
        [connectome]
        name = "{files / "labelled.npz"}"
        neurons = 3
        null = "permute"
        signs = "dale"
        e_ratio = 0.7
        [trials]
        kind = "fixed"
        n = 8
        train_size = 0.5
        batch_size = 6
        [learner]
        learning_rate = 0.01
        [training]
        epochs = 2
        """
    )
    net, _, history = train_run(create_run(tmp_path / "run", recipe), progress=False)
    task = SequenceMemory(pattern_length=2)
    regions = load(str(files / "labelled.npz"))
    neurons = regions.expanded(3, seed=SEED).rewired("permute", seed=SEED).signed(0.7, seed=SEED)
    mine = RateRNN.from_connectome(
        *(neurons, task),
        **{"init": "he", "remap": "off", "input_to": {"class": "p"}, "readout_from": {"class": ["q"]}},
        **{"spectral_radius": 0.9, "tau": 40.0, "storage": "dense", "seed": SEED},
    )
    assert not np.asarray(mine.W_in)[:, 6:].any()
    key = jax.random.key(SEED)
    trials = Fixed(*split_trials(task.trials(8, key=key), 0.5, key=key), batch_size=6)
    trainer = Trainer(mine, task, learner=Gradient("adam", 0.01), trials=trials, seed=SEED)
    trainer.fit(2 * trials.steps_per_epoch, progress=False)
    assert net.constants == mine.constants
    np.testing.assert_array_equal(history.loss, trainer.history.loss)
    for name in ("W_in", "W_rec", "W_out"):
        np.testing.assert_array_equal(getattr(net, name), getattr(trainer.net, name))
