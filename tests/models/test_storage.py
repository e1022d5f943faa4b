"""Networks on disk: whole, exact, and nothing in a file is ever executed."""

import io
import json
import os
import pickle
import shutil
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest

from eicon import _files
from eicon.models import (
    Activation,
    Adapting,
    Connectivity,
    ConstraintError,
    Edges,
    Leaky,
    LowRank,
    Plastic,
    RateRNN,
    load,
    save,
)
from eicon.models._storage import _is_part_of_eicon
from eicon.models.weights import Dense


@pytest.fixture(scope="module")
def net():
    dale = Connectivity.dale(10, positive="softplus")
    entries = np.zeros((10, 10), bool)
    entries[0, 1:4] = True
    net = RateRNN(
        dale.frozen(np.full((10, 10), 0.1) * (dale.sign[:, None]), entries),
        Connectivity.dense(2, 10, sign=1),
        Connectivity.excitatory_only(dale.sign, 2),
        activation={"name": "power_law", "exponent": 1.5},
        tau=np.linspace(30.0, 100.0, 10),
        dt=10.0,
        sigma_rec=0.05,
        sigma_in=0.01,
        noise_covariance=np.eye(10) / 2 + np.full((10, 10), 0.5),
        bias=True,
        readout_bias=False,
        x0=np.linspace(-1, 1, 10),
        train_x0=True,
        units={"region": np.array(["V1"] * 5 + ["área 46"] * 5), "layer": np.arange(10)},
        seed=5,
    )
    net.b_rec.value = np.random.default_rng(0).normal(size=10).astype(np.float32)
    return net


@pytest.fixture(scope="module")
def content(net, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "net.npz"
    save(net, path)
    return path.read_bytes()


@pytest.fixture
def path(content, tmp_path):
    path = tmp_path / "net.npz"
    path.write_bytes(content)
    return path


def rewrite(path, listed=False, **replaced):
    """Same file with arrays replaced, or left out (None); keys have '/' written as '__'.

    Its header lists no arrays, as in version 0.1.0, so that only what they are can be found fault with.
    """
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    if not listed:
        arrays["header.json"] = as_header({k: v for k, v in header_of(path).items() if k not in ("arrays", "checksum")})
    for name, value in replaced.items():
        arrays.pop(name.replace("__", "/"), None)
        if value is not None:
            arrays[name.replace("__", "/")] = value
    np.savez(path, **arrays)


def header_of(path):
    with np.load(path) as archive:
        return json.loads(bytes(archive["header.json"]))


def as_header(values):
    return np.frombuffer(json.dumps(values).encode(), np.uint8)


def rewrite_header(path, **changes):
    changed = header_of(path) | {"arrays": None, "checksum": None} | changes
    rewrite(path, **{"header.json": as_header({k: v for k, v in changed.items() if v is not None})})


def test_everything_comes_back_bit_for_bit(net, path):
    back = load(path)
    assert back.parameters().keys() == net.parameters().keys()
    for name, value in net.parameters().items():
        assert np.asarray(back.parameters()[name]).tobytes() == np.asarray(value).tobytes(), name
        assert back.parameters()[name].dtype == value.dtype
    assert set(back.trainable_variables()) == set(net.trainable_variables())
    assert back.units.keys() == net.units.keys()
    for name, labels in net.units.items():
        assert back.units[name].tolist() == labels.tolist()
    for name in ("dt", "sigma_rec", "sigma_in", "activation", "n_in", "n_rec", "n_out"):
        assert getattr(back, name) == getattr(net, name)
    np.testing.assert_array_equal(back.tau, net.tau)
    assert back.activation == Activation("power_law", (("exponent", 1.5),))
    for role in ("recurrent", "input", "readout"):
        ours, theirs = getattr(net, role).connectivity, getattr(back, role).connectivity
        assert ours.positive == theirs.positive
        for part in ("sign", "mask", "fixed"):
            np.testing.assert_array_equal(getattr(ours, part), getattr(theirs, part))
    assert back.constants == net.constants
    inputs, key = np.ones((5, 2, 2), np.float32), jax.random.key(0)
    np.testing.assert_array_equal(net.predict(inputs, key=key).outputs, back.predict(inputs, key=key).outputs)


def test_method_and_path_types_and_new_folders(net, content, tmp_path):
    net.save(str(tmp_path / "new" / "folder" / "net.npz"))
    assert (tmp_path / "new" / "folder" / "net.npz").read_bytes() == content
    assert load(str(tmp_path / "new" / "folder" / "net.npz")).n_rec == 10


def test_the_file_opens_without_pickle_and_without_eicon(path, net):
    with np.load(path, allow_pickle=False) as archive:
        assert {"recurrent/raw", "recurrent/mask", "parameter/tau"} <= set(archive.files)
        assert all(archive[name].dtype != object for name in archive.files)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="no eicon network file at"):
        load(tmp_path / "nothing.npz")


@pytest.mark.parametrize("fraction", [0.0, 0.01, 0.3, 0.5, 0.9, 0.99, 0.9999])
def test_truncated(fraction, path, content):
    path.write_bytes(content[: int(fraction * len(content))])
    with pytest.raises(ValueError, match=r"not an eicon network file, or it is truncated|damaged"):
        load(path)


def test_a_flipped_byte_is_never_taken_for_a_network(path, content):
    """Anywhere in the file: either a ValueError, or (in unused bytes of the archive) the same network."""
    rng = np.random.default_rng(0)
    errors = 0
    for position in rng.integers(0, len(content), 150):
        damaged = bytearray(content)
        damaged[position] ^= 1 << rng.integers(8)
        path.write_bytes(bytes(damaged))
        try:
            arrays, _ = _files.load_arrays(path, kind="network", version=2)
        except ValueError:
            errors += 1
        else:
            with np.load(io.BytesIO(content)) as archive:
                for name, value in arrays.items():
                    np.testing.assert_array_equal(value, archive[name])
    assert errors > 100


@pytest.mark.parametrize("text", [b"", b"weights = 1\n", b"\x80\x04N.", b"\x93NUMPY"])
def test_foreign_files(text, tmp_path):
    path = tmp_path / "net.npz"
    path.write_bytes(text)
    with pytest.raises(ValueError, match="is not an eicon network file, or it is truncated: it is not an npz archive"):
        load(path)


def test_foreign_archives(tmp_path):
    path = tmp_path / "net.npz"
    np.savez(path, weights=np.ones(3))
    with pytest.raises(ValueError, match="was not written by eicon: it has no eicon header"):
        load(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(ValueError, match="was not written by eicon: it has no eicon header"):
        load(path)


@pytest.mark.parametrize("header", [b"not json", b"[1, 2]", b"null", b"3", b"{}", b"\xff\xfe"])
def test_strange_headers(header, tmp_path):
    path = tmp_path / "net.npz"
    np.savez(path, **{"header.json": np.frombuffer(header, np.uint8)})
    with pytest.raises(ValueError, match="was not written by eicon: it has no eicon header"):
        load(path)


def test_another_kind(path):
    rewrite_header(path, format="eicon.checkpoint")
    with pytest.raises(ValueError, match=r"contains 'eicon.checkpoint', not an eicon network"):
        load(path)


def test_a_newer_version(path):
    rewrite_header(path, version=3)
    with pytest.raises(ValueError, match=r"has version 3 of the eicon network format; .* up to 2. Update eicon"):
        load(path)


EVERY_ARRAY = (
    *(f"{role}__{part}" for role in ("recurrent", "input", "readout") for part in ("raw", "signs")),
    "recurrent__mask",
    "recurrent__fixed",
    "readout__mask",
    *(f"parameter__{name}" for name in ("tau", "x0", "b_rec")),
    "noise_covariance",
    "unit__region",
    "unit__layer",
)


def test_these_are_all_arrays_of_the_file(path):
    with np.load(path) as archive:
        assert set(archive.files) == {name.replace("__", "/") for name in EVERY_ARRAY} | {"header.json"}


@pytest.mark.parametrize("name", EVERY_ARRAY)
def test_a_missing_array(name, path):
    """Also one without which the rest would be a network, one without that constraint."""
    rewrite(path, listed=True, **{name: None})
    with pytest.raises(ValueError, match=f"is incomplete: it lacks '{name.replace('__', '/')}'"):
        load(path)


@pytest.mark.parametrize("field", ["shape", "cell", "weights", "dt", "sigma_rec", "sigma_in", "trained"])
def test_a_missing_setting(field, path):
    rewrite_header(path, **{field: None})
    with pytest.raises(ValueError, match=f"is incomplete: it lacks '{field}'"):
        load(path)


@pytest.mark.parametrize(
    ("role", "settings", "message"),
    [
        ("recurrent", {"kind": "Dense"}, "is incomplete: it lacks 'positive'"),
        ("input", {"positive": "abs"}, "is incomplete: it lacks 'kind'"),
        ("input", {"kind": "Dense", "positive": "exp"}, "input weights have an unknown map 'exp'; allowed: abs, relu"),
        (
            "input",
            {"kind": "Dense", "positive": "abs", "colour": 3},
            "is damaged, or not a valid network .*'colour'",
        ),
        (
            "readout",
            {"kind": "Cube", "positive": "abs"},
            "of an unknown kind, 'Cube'; supported: Dense, Edges, L",
        ),
    ],
)
def test_settings_of_weights_that_are_missing_or_unknown(role, settings, message, path):
    rewrite_header(path, weights=header_of(path)["weights"] | {role: settings})
    with pytest.raises(ValueError, match=message):
        load(path)


@pytest.mark.parametrize(
    ("module", "found"),
    [
        ("eicon.reproduce.beiran2025._units", True),
        ("eicon.reproduce.beiran2025", False),
        ("eicon.__main__", False),
        ("eicon", False),
        ("eicon.models.gone", False),
        ("eicon.models/cells", False),
        ("eicon.models...cells", False),
        ("eicons.models", False),
        ("json.tool", False),
    ],
)
def test_a_file_makes_only_modules_of_eicon_be_imported(module, found):
    assert _is_part_of_eicon(module) is found


def test_cells_of_eicon_itself_are_found_without_an_import(path, monkeypatch):
    module = "eicon.reproduce.beiran2025._units"
    cell = {"class": "Shifted", "module": module, "file": "_units.py", "fields": {"activation": "tanh"}}
    monkeypatch.delitem(sys.modules, module, raising=False)
    rewrite_header(path, cell=cell)
    with pytest.raises(ValueError, match="is incomplete: it lacks 'gain'"):  # of this cell, that of the file has none
        load(path)
    assert module in sys.modules
    for name in ("with_units", "Gone"):  # no cell, and none at all
        rewrite_header(path, cell=cell | {"class": name})
        with pytest.raises(ValueError, match=f"with the cell {name} of the module '{module}'; import the file"):
            load(path)
    monkeypatch.delitem(sys.modules, "antigravity", raising=False)
    rewrite_header(path, cell=cell | {"module": "antigravity", "file": "antigravity.py"})
    with pytest.raises(ValueError, match="with the cell Shifted of the module 'antigravity'; import the file"):
        load(path)
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cell": 3}, "has no cell; got 3"),
        ({"cell": "Leaky"}, "has no cell; got 'Leaky'"),
        ({"weights": []}, "is damaged, or not a valid network"),
        ({"shape": 10}, "is damaged, or not a valid network"),
        ({"shape": [2, 9, 2]}, r"recurrent/raw has shape \(10, 10\), but \(9, 9\) fits the rest of the file"),
        ({"shape": [3, 10, 2]}, r"input/raw has shape \(2, 10\), but \(3, 10\) fits the rest of the file"),
        ({"dt": -1.0}, r"dt must be > 0 \(ms\); got -1"),
        ({"dt": 31.0}, "tau: NaN, infinite, or out of range"),
        ({"sigma_in": -0.1}, "sigma_in must be >= 0 .*; got -0.1"),
        ({"trained": ["raw_rec", "gain"]}, "lists gain as trained, but has no such values"),
    ],
)
def test_a_strange_setting(changes, message, path):
    rewrite_header(path, **changes)
    with pytest.raises(ValueError, match=message):
        load(path)


F = np.float32


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("recurrent__raw", np.zeros((3, 3), F), r"recurrent/raw has shape \(3, 3\), but \(10, 10\) fits the rest"),
        ("recurrent__raw", np.zeros(100, F), r"recurrent/raw has shape \(100,\), but \(10, 10\) fits the rest"),
        ("recurrent__signs", np.ones(9, F), r"recurrent/signs has shape \(9,\), but \(10,\) fits the rest"),
        ("recurrent__mask", np.ones((10, 9), bool), r"recurrent/mask has shape \(10, 9\), but \(10, 10\) fits"),
        ("input__raw", np.zeros((2, 9), F), r"input/raw has shape \(2, 9\), but \(2, 10\) fits the rest"),
        ("readout__raw", np.zeros((10, 3), F), r"readout/raw has shape \(10, 3\), but \(10, 2\) fits the rest"),
        ("parameter__tau", np.full(9, 50.0), r"tau has shape \(9,\), but \(10,\) fits the rest of the file"),
        ("parameter__b_rec", np.zeros((1, 10), F), r"b_rec has shape \(1, 10\), but \(10,\) fits the rest"),
        ("parameter__x0", np.zeros((), F), r"x0 has shape \(\), but \(10,\) fits the rest of the file"),
        ("noise_covariance", np.eye(9), r"noise_covariance must have shape \(N, N\) = \(10, 10\); got \(9, 9\)"),
        ("unit__region", np.array(["V1"] * 9), r"units\['region'\] must have one label per unit, shape \(10,\)"),
        ("recurrent__mask", np.ones((10, 10), F), "recurrent/mask is damaged: its numbers are of the type float32"),
        ("recurrent__raw", np.full((10, 10), "a"), "recurrent/raw is damaged: its numbers are of the type <U1"),
        ("parameter__x0", np.zeros(10, int), "x0 is damaged: its numbers are of the type int64"),
        ("recurrent__signs", np.full(10, 2, F), r"signs must be -1, 0 or 1; got \[2.0\]"),
        (
            "recurrent__mask",
            np.ones((10, 10), bool),
            "an entry is either trainable .* or fixed; got entries that are both",
        ),
        ("recurrent__fixed", np.full((10, 10), np.nan, F), "fixed weights must be finite"),
    ],
)
def test_an_array_that_does_not_fit(name, value, message, path):
    rewrite(path, **{name: value})
    with pytest.raises(ValueError, match=message):
        load(path)


ORACLE = Path(__file__).parents[1] / "oracle" / "data"
ROLES = {"recurrent": "raw_rec", "input": "raw_in", "readout": "raw_out"}


@pytest.mark.parametrize("name", ["areas", "connectome", "frozen", "plain", "published", "reservoir"])
def test_files_of_version_0_1_0_hold_the_same_network_as_then(name):
    """Bit for bit what is in the file, read without eicon; what it computes is in tests/oracle."""
    file = ORACLE / f"{name}.net.npz"
    net, header = load(file), header_of(file)
    with np.load(file) as archive:
        arrays = {key: archive[key] for key in archive.files if key != "header.json"}
    values = {key.removeprefix("parameter/"): a for key, a in arrays.items() if key.startswith("parameter/")}
    assert net.parameters().keys() == values.keys()
    for key, value in values.items():
        assert np.asarray(net.parameters()[key]).tobytes() == value.tobytes(), key
    assert sorted(net.trainable_variables()) == header["trainable"]
    for role in ROLES:
        connectivity = getattr(net, role).connectivity
        assert connectivity.positive == header["positive"][role]
        for part in ("sign", "mask", "fixed"):
            assert getattr(connectivity, part).tobytes() == arrays[f"{role}/{part}"].tobytes(), (role, part)
    assert net.tau.tolist() == header["tau"]
    assert {key: getattr(net, key) for key in ("dt", "sigma_rec", "sigma_in")}.items() <= header.items()
    assert net.activation.to_dict() == header["activation"]
    assert net.cell == Leaky(header["activation"])
    assert (net.noise_covariance is None) == ("noise_covariance" not in arrays)
    if net.noise_covariance is not None:
        assert net.noise_covariance.tobytes() == arrays["noise_covariance"].tobytes()
    labels = {key.removeprefix("unit/"): a.tolist() for key, a in arrays.items() if key.startswith("unit/")}
    assert {key: label.tolist() for key, label in net.units.items() if key != "type"} == labels


@pytest.fixture
def old(tmp_path):
    """A file of version 0.1.0: unequal time constants, absent connections, a covariance."""
    return shutil.copy(ORACLE / "published.net.npz", tmp_path / "old.npz")


def test_a_file_of_version_0_1_0_is_saved_in_the_new_format(old, tmp_path):
    net = load(old)
    net.save(tmp_path / "new.npz")
    assert header_of(old)["version"] == 1
    assert header_of(tmp_path / "new.npz")["version"] == 2
    assert load(tmp_path / "new.npz").constants == net.constants


@pytest.mark.parametrize(
    "name",
    [
        *(f"parameter__{name}" for name in (*ROLES.values(), "x0")),
        *(f"{role}__{part}" for role in ROLES for part in ("sign", "mask", "fixed")),
    ],
)
def test_a_missing_array_in_a_file_of_version_0_1_0(name, old):
    rewrite(old, **{name: None})
    with pytest.raises(ValueError, match=f"is incomplete: it lacks .*{name.split('__')[1]}"):
        load(old)


@pytest.mark.parametrize("field", ["tau", "dt", "sigma_rec", "sigma_in", "positive", "activation", "trainable"])
def test_a_missing_setting_in_a_file_of_version_0_1_0(field, old):
    rewrite_header(old, **{field: None})
    with pytest.raises(ValueError, match=f"is incomplete: it lacks '{field}'"):
        load(old)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("parameter__raw_rec", np.zeros((3, 3), F), r"raw_rec has shape \(3, 3\), but \(12, 12\) fits the rest"),
        ("parameter__x0", np.zeros(11, F), r"x0 has shape \(11,\), but \(12,\) fits the rest of the file"),
        ("parameter__b_out", np.zeros(12, F), r"b_out has shape \(12,\), but \(2,\) fits the rest of the file"),
        ("recurrent__sign", np.zeros(11, np.int8), r"a Connectivity needs sign \(n_pre,\)"),
        ("parameter__x0", np.full(12, np.nan, F), "x0: NaN, infinite, or out of range"),
    ],
)
def test_an_array_of_a_file_of_version_0_1_0_that_does_not_fit(name, value, message, old):
    rewrite(old, **{name: value})
    with pytest.raises(ValueError, match=message):
        load(old)


def test_matrices_of_a_file_of_version_0_1_0_that_do_not_fit_each_other(old):
    rewrite(
        old,
        parameter__raw_in=np.zeros((3, 11), F),
        input__mask=np.ones((3, 11), bool),
        input__fixed=np.zeros((3, 11), F),
    )
    with pytest.raises(ValueError, match=r"has 12 units, but input weights of shape \(3, 11\)"):
        load(old)


@pytest.mark.parametrize("tau", [[40.0] * 11, [40.0] * 11 + [5.0], [40.0] * 11 + [-1.0]])
def test_time_constants_of_a_file_of_version_0_1_0_that_are_not_legal(tau, old):
    rewrite_header(old, tau=tau)
    with pytest.raises(ValueError, match=r"tau must be one number or one per unit|got dt 10 and tau 5|got -1"):
        load(old)


def edges(**options):
    pre, post = np.nonzero(np.random.default_rng(1).random((8, 8)) < 0.4)
    return Edges.of(pre, post, (8, 8), **options)


def rich(recurrent):
    """A network with other weights and a cell of three variables, parameters that units share among them."""
    cell = Plastic(Adapting(Leaky("tanh", gain=True)), hz=20.0)
    types = np.array(list("AABBCCCC"))
    net = RateRNN(
        recurrent,
        LowRank.drawn(2, 1, n_post=8, seed=2),
        Connectivity.dense(8, 2),
        cell=cell,
        parameters={"tau_f": {"A": 500.0, "B": 700.0, "C": 900.0}, "beta": np.linspace(-0.5, 0.5, 8)},
        share={"tau_f": "cell", "U": "all"},
        train=("recurrent", "input", "tau", "tau_f", "gain", "U", "bias"),
        units={"cell": types},
    )
    for variable in net.trainable_variables().values():
        variable.value = variable.value + 0.1
    return net


WEIGHTS = {
    "edges": lambda: edges(seed=1),
    "edges, all": lambda: edges(
        sign=np.sign(np.random.default_rng(1).normal(size=edges().raw.size)),
        scale=np.random.default_rng(2).integers(1, 9, edges().raw.size),
        group=np.arange(edges().raw.size) % 5,
        positive="softplus",
        trainable=False,
    ),
    "low rank": lambda: LowRank.drawn(8, 2, seed=3),
    "dense": lambda: Connectivity.dale(8, 0.5, positive="relu"),
}


@pytest.mark.parametrize("weights", WEIGHTS)
def test_every_kind_of_weights_and_cells_come_back_bit_for_bit(weights, tmp_path):
    net = rich(WEIGHTS[weights]())
    net.save(tmp_path / "net.npz")
    back = load(tmp_path / "net.npz")
    assert jax.tree.structure(back.network) == jax.tree.structure(net.network)
    for ours, theirs in zip(*map(jax.tree.leaves, (back.network, net.network)), strict=True):
        assert np.asarray(ours).tobytes() == np.asarray(theirs).tobytes()
    assert back.constants == net.constants
    assert back.cell == net.cell
    assert back.trainable_variables().keys() == net.trainable_variables().keys()
    assert back.parameter("tau_f").tolist() == net.parameter("tau_f").tolist()
    inputs = np.ones((4, 2, 2), np.float32)
    ours, theirs = back.predict(inputs), net.predict(inputs)
    np.testing.assert_array_equal(ours.outputs, theirs.outputs)
    assert ours.states.keys() == {"x", "a", "u", "w"}
    for name, values in ours.states.items():
        np.testing.assert_array_equal(values, theirs.states[name])


@pytest.mark.parametrize("weights", WEIGHTS)
def test_a_missing_array_of_every_kind(weights, tmp_path):
    """None of them can be left out without a word."""
    path = tmp_path / "net.npz"
    net = rich(WEIGHTS[weights]())
    net.save(path)
    content = path.read_bytes()
    with np.load(path) as archive:
        names = sorted(set(archive.files) - {"header.json"})
    assert {"group/tau_f", "group/U", "parameter/b_rec", "parameter/gain", "input/left"} <= set(names)
    for name in names:
        path.write_bytes(content)
        rewrite(path, listed=True, **{name.replace("/", "__"): None})
        with pytest.raises(ValueError, match=f"is incomplete: it lacks '{name}'"):
            load(path)


I = np.int32  # noqa: E741


@pytest.mark.parametrize(
    ("weights", "name", "change", "message"),
    [
        ("edges, all", "recurrent/pre", lambda a: a + I(1), r"recurrent/pre must be in 0..7; got 1 to 8"),
        ("edges, all", "recurrent/post", lambda a: a - I(1), r"recurrent/post must be in 0..7; got -1 to 6"),
        ("edges, all", "recurrent/pre", lambda a: a[::-1], "connections are not in order, or one is repeated"),
        ("edges, all", "recurrent/post", lambda a: a[:-1], r"recurrent/post has shape \(\d+,\), but \(\d+,\) fits"),
        ("edges, all", "recurrent/scale", lambda a: a[1:], r"recurrent/scale has shape \(\d+,\), but \(\d+,\) fits"),
        ("edges, all", "recurrent/group", lambda a: a + I(1), r"recurrent/group must be in 0..4; got 1 to 5"),
        ("edges, all", "recurrent/raw", lambda a: np.append(a, a), r"recurrent/raw has shape \(10,\), but \(5,\) fits"),
        ("edges", "recurrent/raw", lambda a: a[1:], r"recurrent/raw has shape \(\d+,\), but \(\d+,\) fits"),
        (
            "edges",
            "recurrent/pre",
            lambda a: a.astype(F),
            "recurrent/pre is damaged: its numbers are of the type float",
        ),
        ("low rank", "recurrent/left", lambda a: a[:, :1], r"recurrent/right has shape \(2, 8\), but \(1, 8\) fits"),
        ("low rank", "recurrent/right", lambda a: a[:, 1:], r"recurrent/right has shape \(2, 7\), but \(2, 8\) fits"),
        ("dense", "group/tau_f", lambda a: a + I(6), r"group/tau_f must be in 0..7; got 6 to 8"),
        ("dense", "group/tau_f", lambda a: a + I(1), r"tau_f has shape \(3,\), but \(4,\) fits the rest of the file"),
        ("dense", "parameter/gain", lambda a: a[1:], r"gain has shape \(7,\), but \(8,\) fits the rest of the file"),
        ("dense", "parameter/U", lambda a: a[0], r"U has shape \(\), but \(1,\) fits the rest of the file"),
    ],
)
def test_an_array_of_every_kind_that_does_not_fit(weights, name, change, message, tmp_path):
    path = tmp_path / "net.npz"
    rich(WEIGHTS[weights]()).save(path)
    with np.load(path) as archive:
        value = archive[name]
    rewrite(path, **{name.replace("/", "__"): change(value)})
    with pytest.raises(ValueError, match=message):
        load(path)


def test_weights_that_no_file_knows_are_refused_when_saving(tmp_path):
    class Mine(Dense):
        """Of a user."""

    jax.tree_util.register_dataclass(Mine, ["raw", "signs", "mask", "fixed"], ["positive"])
    parts = rich(Connectivity.dense(8, 8)).parts()
    mine = Mine(parts.network.recurrent.raw)
    other = RateRNN.of_parts(parts._replace(network=replace(parts.network, recurrent=mine)))
    with pytest.raises(
        ValueError, match="recurrent weights of the type Mine cannot be saved; Dense, Edges, LowRank can"
    ):
        other.save(tmp_path / "net.npz")
    assert not list(tmp_path.iterdir())


def test_nan_in_a_file(path):
    rewrite(path, parameter__x0=np.full(10, np.nan, np.float32))
    with pytest.raises(ConstraintError, match="x0: NaN, infinite, or out of range"):
        load(path)


def test_a_pickle_in_a_file_is_refused_and_not_executed(path, tmp_path):
    victim = tmp_path / "executed"

    class Attack:
        def __reduce__(self):
            return os.mkdir, (str(victim),)

    rewrite(path, unit__region=np.array([Attack()] * 10, dtype=object))
    with pytest.raises(ValueError, match="net.npz is damaged, .* contains Python objects, which are never loaded"):
        load(path)
    assert not victim.exists()
    with np.load(path, allow_pickle=True) as archive:
        _ = archive["unit/region"]
    assert victim.exists()  # it would have been


def test_object_labels_are_refused_when_saving(net, tmp_path):
    labelled = RateRNN.dale(2, 10, 2, units={"note": np.array([None] * 10, dtype=object)})
    with pytest.raises(ValueError, match="pickle|object|Object"):
        labelled.save(tmp_path / "net.npz")
    assert not list(tmp_path.iterdir())


def test_a_bare_pickle_is_not_executed(tmp_path):
    path, victim = tmp_path / "net.npz", tmp_path / "executed"

    class Attack:
        def __reduce__(self):
            return os.mkdir, (str(victim),)

    path.write_bytes(pickle.dumps(Attack()))
    with pytest.raises(ValueError, match="is not an eicon network file"):
        load(path)
    assert not victim.exists()


@pytest.mark.parametrize("failing", ["write_array", "fsync", "replace"])
def test_a_failing_write_leaves_the_old_file_and_no_litter(failing, net, path, content, monkeypatch):
    def fail(*args, **kwargs):
        if failing == "write_array":
            args[0].write(b"half a file")
        raise OSError("No space left on device")

    owner = {"write_array": np.lib.format, "fsync": os, "replace": os}[failing]
    monkeypatch.setattr(owner, failing, fail)
    with pytest.raises(OSError, match="No space left"):
        net.with_settings(dt=5.0).save(path)
    monkeypatch.undo()
    assert path.read_bytes() == content
    assert [p.name for p in path.parent.iterdir()] == ["net.npz"]


def test_text_files_are_atomic_too(tmp_path, monkeypatch):
    path = tmp_path / "text"
    _files.write_text(path, "größer")
    assert path.read_text(encoding="utf-8") == "größer"
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        _files.write_text(path, "other")
    assert path.read_text(encoding="utf-8") == "größer"
    assert os.listdir(tmp_path) == ["text"]


def test_mode_bits_follow_the_umask(net, tmp_path):
    old = os.umask(0o027)
    try:
        net.save(tmp_path / "net.npz")
    finally:
        os.umask(old)
    assert Path(tmp_path / "net.npz").stat().st_mode & 0o777 == 0o640
