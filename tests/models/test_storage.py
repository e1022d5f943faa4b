"""Networks on disk: whole, exact, and nothing in a file is ever executed."""

import io
import json
import os
import pickle
import zipfile
from pathlib import Path

import jax
import numpy as np
import pytest

from eicon import _files
from eicon.models import Activation, Connectivity, ConstraintError, RateRNN, load, save


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
        bias=True,
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


def rewrite(path, **replaced):
    """Same file with arrays replaced, or left out (None); keys have '/' written as '__'."""
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    for name, value in replaced.items():
        arrays.pop(name.replace("__", "/"), None)
        if value is not None:
            arrays[name.replace("__", "/")] = value
    np.savez(path, **arrays)


def rewrite_header(path, **changes):
    with np.load(path) as archive:
        header = json.loads(bytes(archive["header.json"]))
    text = json.dumps({k: v for k, v in (header | changes).items() if v is not None})
    rewrite(path, **{"header.json": np.frombuffer(text.encode(), np.uint8)})


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
        ours, theirs = getattr(net.equation, role), getattr(back.equation, role)
        assert ours.positive == theirs.positive
        for part in ("sign", "mask", "fixed"):
            np.testing.assert_array_equal(getattr(ours, part), getattr(theirs, part))
    inputs, key = np.ones((5, 2, 2), np.float32), jax.random.key(0)
    np.testing.assert_array_equal(net.predict(inputs, key=key).outputs, back.predict(inputs, key=key).outputs)


def test_method_and_path_types_and_new_folders(net, content, tmp_path):
    net.save(str(tmp_path / "new" / "folder" / "net.npz"))
    assert (tmp_path / "new" / "folder" / "net.npz").read_bytes() == content
    assert load(str(tmp_path / "new" / "folder" / "net.npz")).n_rec == 10


def test_the_file_opens_without_pickle_and_without_eicon(path, net):
    with np.load(path, allow_pickle=False) as archive:
        assert "parameter/raw_rec" in archive.files
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
            arrays, _ = _files.load_arrays(path, kind="network", version=1)
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
    with pytest.raises(ValueError, match="is not an eicon network file, or it is truncated: it is no npz archive"):
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
    with pytest.raises(ValueError, match=r"holds 'eicon.checkpoint', not an eicon network"):
        load(path)


def test_a_newer_version(path):
    rewrite_header(path, version=2)
    with pytest.raises(ValueError, match=r"is version 2 of the eicon network format; .* up to 1. Upgrade eicon"):
        load(path)


@pytest.mark.parametrize(
    "name", ["parameter__raw_rec", "parameter__x0", "recurrent__sign", "input__mask", "readout__fixed"]
)
def test_a_missing_array(name, path):
    rewrite(path, **{name: None})
    with pytest.raises(ValueError, match=f"is incomplete: it has no .*{name.split('__')[1]}"):
        load(path)


@pytest.mark.parametrize("field", ["tau", "dt", "positive", "activation", "trainable"])
def test_a_missing_setting(field, path):
    rewrite_header(path, **{field: None})
    with pytest.raises(ValueError, match=f"is incomplete: it has no '{field}'"):
        load(path)


def test_a_parameter_of_another_shape(path):
    rewrite(path, parameter__raw_rec=np.zeros((3, 3), np.float32))
    with pytest.raises(ValueError, match="raw_rec"):
        load(path)


def test_nan_in_a_file(path):
    rewrite(path, parameter__x0=np.full(10, np.nan, np.float32))
    with pytest.raises(ConstraintError, match="biases or x0 are NaN"):
        load(path)


def test_a_pickle_in_a_file_is_refused_and_not_executed(path, tmp_path):
    victim = tmp_path / "executed"

    class Attack:
        def __reduce__(self):
            return os.mkdir, (str(victim),)

    rewrite(path, unit__region=np.array([Attack()] * 10, dtype=object))
    with pytest.raises(ValueError, match="damaged and cannot be read"):
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


@pytest.mark.parametrize("failing", ["savez", "fsync", "replace"])
def test_a_failing_write_leaves_the_old_file_and_no_litter(failing, net, path, content, monkeypatch):
    def fail(*args, **kwargs):
        if failing == "savez":
            args[0].write(b"half a file")
        raise OSError("No space left on device")

    owner = {"savez": np, "fsync": os, "replace": os}[failing]
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
