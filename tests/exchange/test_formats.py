"""Trials and activity through each format and back: nothing is lost, nothing is renamed in secret."""

import ast
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import h5py
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from scipy import io

from eicon import exchange
from eicon.exchange._mat import matlab_name
from eicon.exchange._recorded import recorded
from eicon.exchange._xarray import dataset
from eicon.models import RateRNN

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def through_netcdf(path, *what, **options):
    exchange.files.write_netcdf(path / "a.nc", *what, **options)
    return exchange.from_xarray(exchange.files.read_netcdf(path / "a.nc"))


def through_zarr(path, *what, **options):
    exchange.files.write_zarr(path / "a.zarr", *what, **options)
    return exchange.from_xarray(exchange.files.read_zarr(path / "a.zarr"))


def through_mat(path, *what, **options):
    exchange.to_mat(path / "a.mat", *what, **options)
    return exchange.read_mat(path / "a.mat")


def through_nwb(path, *what, **options):
    exchange.to_nwb(path / "a.nwb", *what, **options)
    return exchange.read_nwb(path / "a.nwb")


THROUGH = {"netcdf": through_netcdf, "zarr": through_zarr, "mat": through_mat, "nwb": through_nwb}
WRITERS = {
    "a.nc": exchange.files.write_netcdf,
    "a.zarr": exchange.files.write_zarr,
    "a.mat": exchange.to_mat,
    "a.nwb": exchange.to_nwb,
}


def assert_same(found, wanted):
    """Same numbers, of the same types, under the same names."""
    assert (found.dt, found.input_channels, found.output_channels) == (
        wanted.dt,
        wanted.input_channels,
        wanted.output_channels,
    )
    assert list(found.epochs) == list(wanted.epochs)
    for name in ("inputs", "targets", "mask", "outputs", "rates", "currents"):
        assert getattr(found, name).dtype == getattr(wanted, name).dtype, name
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name), err_msg=name)
    for group in ("conditions", "epochs", "units"):
        assert set(getattr(found, group)) == set(getattr(wanted, group))
        for name, values in getattr(wanted, group).items():
            back = getattr(found, group)[name]
            assert back.dtype.kind == values.dtype.kind, (group, name)
            assert back.dtype.itemsize == values.dtype.itemsize or values.dtype.kind == "U", (group, name)
            np.testing.assert_array_equal(back, values, err_msg=name)


def odd(trial):
    """The same trials with integer labels as targets, and conditions and epochs of difficult names."""
    conditions = {**trial.conditions, "rates": trial.conditions["choice"], "1st value[0]": trial.conditions["duration"]}
    return trial._replace(
        targets=jnp.argmax(trial.targets, axis=2).astype(jnp.int32),
        conditions=conditions,
        epochs={**trial.epochs, "on/off: all": trial.epochs["stimulus"]},
    )


@pytest.mark.parametrize("through", THROUGH.values(), ids=THROUGH)
@pytest.mark.parametrize("kind", ["plain", "odd", "single"])
def test_round_trip(through, kind, example, tmp_path):
    net, trial, activity, task = example
    if kind == "odd":
        trial = odd(trial)
    elif kind == "single":  # sizes of 1, which some formats would drop
        first = slice(0, 1)
        trial = trial._replace(
            inputs=trial.inputs[:, first],
            targets=trial.targets[:, first],
            mask=trial.mask[:, first],
            conditions={name: values[first] for name, values in trial.conditions.items()},
            epochs={name: span[first] for name, span in trial.epochs.items()},
        )
        activity = jax.tree.map(lambda values: values[:, first], activity)
    wanted = recorded(net, trial, activity, task)
    assert_same(through(tmp_path, net, trial, activity, task=task), wanted)


def test_recorded_gives_trials_and_activity_back(example):
    record = recorded(*example)
    for found, wanted in ((record.trial, example.trial), (record.activity, example.activity)):
        for name in found._fields:
            both = (getattr(found, name), getattr(wanted, name))
            if isinstance(both[0], dict):
                assert both[0].keys() == both[1].keys()
                both = tuple(np.concatenate([np.ravel(v) for v in group.values()]) for group in both)
            np.testing.assert_array_equal(*both)
    assert record.units["type"].tolist() == ["E"] * 8 + ["I"] * 2
    assert record.time[:3].tolist() == [0.0, 20.0, 40.0]
    assert recorded(*example[:3]).output_channels == ("output 0", "output 1")


def test_labels_of_the_dataset_lie_where_they_belong(example):
    data = exchange.to_xarray(*example[:3], task=example.task)
    assert data.rates.dims == ("time", "trial", "unit")
    assert data.time.values[-1] == (example.trial.n_steps - 1) * 20.0
    assert (data.time.attrs["units"], data.attrs["dt"], data.attrs["dt_units"]) == ("ms", 20.0, "ms")
    inhibitory = data.rates.where(data.type == "I", drop=True)
    np.testing.assert_array_equal(inhibitory, example.activity.rates[:, :, 8:])
    chosen = data.outputs.sel(output="choice 1").where(~data.catch, drop=True)
    real = ~np.asarray(example.trial.conditions["catch"])
    np.testing.assert_array_equal(chosen, np.asarray(example.activity.outputs)[:, real, 1])
    for name, span in example.trial.epochs.items():
        np.testing.assert_array_equal(data.epoch_start.sel(epoch=name), span[:, 0] * 20.0)
        np.testing.assert_array_equal(data.epoch_stop.sel(epoch=name), span[:, 1] * 20.0)
    named = exchange.to_xarray(example.net, odd(example.trial), example.activity)
    np.testing.assert_array_equal(named.condition_rates, example.trial.conditions["choice"])
    np.testing.assert_array_equal(named.coords["1st_value[0]"], example.trial.conditions["duration"])
    assert "epoch_at" not in data.coords  # the epochs of these trials differ


def test_epochs_that_are_alike_in_all_trials_name_the_times(example):
    net, trial, activity, _ = example
    spans = {"stimulus": (2, 5), "decision": (6, 8)}
    epochs = {name: jnp.tile(jnp.array([span]), (5, 1)) for name, span in spans.items()}
    data = exchange.to_xarray(net, trial._replace(epochs=epochs), activity)
    expected = ["", "", "stimulus", "stimulus", "stimulus", "", "decision", "decision", ""]
    assert data.epoch_at.values[:9].tolist() == expected
    assert data.sel(time=data.epoch_at == "decision").time.values.tolist() == [120.0, 140.0]


@pytest.mark.parametrize("through", ["memory", "netcdf", "zarr"])
@pytest.mark.parametrize("order", [("trial", "time"), ("unit", "epoch", "input", "output", "trial", "time")])
def test_dimensions_are_read_by_name(through, order, example, tmp_path):
    wanted = exchange.to_xarray(*example[:3], task=example.task)
    data = wanted.transpose(*order, ...)
    if through == "netcdf":
        data.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
        data = exchange.files.read_netcdf(tmp_path / "a.nc")
    elif through == "zarr":
        data.to_zarr(tmp_path / "a.zarr", zarr_format=2)
        data = exchange.files.read_zarr(tmp_path / "a.zarr")
    assert dataset(exchange.from_xarray(data)).identical(wanted)


@pytest.mark.parametrize("dim", ["time", "trial", "unit", "input", "output", "epoch"])
def test_a_dimension_that_was_selected_away_is_named(dim, example):
    data = exchange.to_xarray(*example[:3], task=example.task)
    with pytest.raises(ValueError, match=rf"none named {dim}\. Keep one {dim} as a dimension with isel\({dim}=\[0\]\)"):
        exchange.from_xarray(data.isel({dim: 0}))
    if dim == "trial":
        assert exchange.from_xarray(data.isel(trial=[0])).n_trials == 1


@pytest.mark.parametrize("form", ["netcdf", "zarr"])
def test_a_dataset_is_identical_when_it_is_read(form, example, tmp_path):
    wanted = exchange.to_xarray(*example[:3], task=example.task)
    getattr(exchange.files, f"write_{form}")(tmp_path / "a", *example[:3], task=example.task)
    assert getattr(exchange.files, f"read_{form}")(tmp_path / "a").identical(wanted)
    if form == "netcdf":  # as anybody else opens it
        with xr.open_dataset(tmp_path / "a", engine="h5netcdf") as opened:
            assert opened.load().identical(wanted)


def test_what_matlab_sees(example, tmp_path):
    net, trial, activity, task = example
    exchange.to_mat(tmp_path / "a.mat", net, odd(trial), activity, task=task)
    found = io.loadmat(tmp_path / "a.mat", simplify_cells=True)
    assert found["rates"].shape == activity.rates.shape
    assert found["time_ms"].tolist() == (np.arange(trial.n_steps) * 20.0).tolist()
    assert found["units"]["type"].tolist() == ["E"] * 8 + ["I"] * 2
    np.testing.assert_array_equal(found["epochs_ms"]["stimulus"], np.asarray(trial.epochs["stimulus"]) * 20.0)
    assert "x1st_value_0_" in found["conditions"]
    assert "1st value[0]" in found["condition_names"].tolist()
    np.testing.assert_array_equal(found["network"]["W_rec"], net.W_rec)
    assert found["network"]["orientation"] == "pre, post"
    np.testing.assert_array_equal(found["network"]["tau"], net.tau)


@pytest.mark.parametrize(
    ("name", "valid"),
    [
        ("a", "a"),
        ("_a", "xa"),
        ("2nd", "x2nd"),
        ("é", "x"),
        ("", "x"),
        ("n" * 80, "n" * 63),
        ("end", "xend"),
        ("if", "xif"),
        ("End", "End"),
        ("ends", "ends"),
        ("parfor", "xparfor"),
    ],
)
def test_names_for_matlab(name, valid):
    assert matlab_name(name, {}) == valid
    second = matlab_name(name, {valid: 0})
    assert second != valid
    assert len(second) <= 63


def test_matlab_can_name_every_condition_epoch_and_label(example, tmp_path):
    """A keyword, or a name with a space, after the dot is a syntax error in MATLAB."""
    _, trial, activity, task = example
    names = ("end", "for", "cell type", "1st", "_", "naïve")
    units = {name: np.arange(10) for name in names}
    net = RateRNN.dale(task.n_in, 10, task.n_out, units=units, seed=1)
    trial = trial._replace(
        conditions=trial.conditions | {name: np.arange(5) for name in names},
        epochs=trial.epochs | {"end": trial.epochs["stimulus"]},
    )
    exchange.to_mat(tmp_path / "a.mat", net, trial, activity)
    found = io.loadmat(tmp_path / "a.mat", simplify_cells=True)
    structs = [found, *(found[group] for group in ("conditions", "epochs_ms", "units", "network"))]
    written = [name for struct in structs for name in struct if not name.startswith("__")]
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,62}", name) and not keyword(name) for name in written)
    back = exchange.read_mat(tmp_path / "a.mat")
    assert set(names) <= back.conditions.keys()
    assert set(names) <= back.units.keys()
    assert "end" in back.epochs


def keyword(name):
    return name in {"end", "for", "if", "while", "function", "return", "global", "case", "try", "break", "parfor"}


def test_nwb_is_valid_and_lays_trials_one_after_the_other(example, tmp_path):
    pynwb = pytest.importorskip("pynwb")
    net, trial, activity, task = example
    path = tmp_path / "a.nwb"
    exchange.to_nwb(path, net, trial, activity, task=task, start=NOON)
    assert pynwb.validate(path=str(path)) == []
    with pynwb.NWBHDF5IO(str(path), "r") as file:
        session = file.read()
        assert session.session_start_time == NOON
        rates = session.processing["network"]["rates"]
        assert rates.rate == 50.0
        T = trial.n_steps
        np.testing.assert_array_equal(rates.data[2 * T : 3 * T], activity.rates[:, 2])
        table = session.trials
        np.testing.assert_allclose(table["start_time"].data[:], np.arange(5) * T * 0.02)
        ends = np.max([np.asarray(span)[:, 1] for span in trial.epochs.values()], axis=0)
        np.testing.assert_allclose(table["stop_time"].data[:], (np.arange(5) * T + ends) * 0.02)
        onset = (np.arange(5) * T + np.asarray(trial.epochs["decision"])[:, 0]) * 0.02
        np.testing.assert_allclose(table["decision_start"].data[:], onset)
        assert session.processing["network"]["model_units"]["area"].data[:].tolist() == net.units["area"].tolist()


def test_nwb_asks_for_a_time_zone_and_its_own_ending(example, tmp_path):
    with pytest.raises(ValueError, match=r"start needs a time zone, e.g. .*got datetime.datetime\(2026, 1, 1"):
        exchange.to_nwb(tmp_path / "a.nwb", *example[:3], start=datetime(2026, 1, 1))
    with pytest.raises(ValueError, match=r"the name of an NWB file must end in .nwb; got .*a.h5"):
        exchange.to_nwb(tmp_path / "a.h5", *example[:3])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", WRITERS)
def test_nothing_is_overwritten_unless_asked(name, example, tmp_path):
    write, path = WRITERS[name], tmp_path / name
    write(path, *example[:3])
    before = contents(tmp_path)
    with pytest.raises(FileExistsError, match=f"{name} already exists; nothing was written"):
        write(path, *example[:3], task=example.task)
    assert contents(tmp_path) == before
    write(path, *example[:3], task=example.task, overwrite=True)
    assert contents(tmp_path) != before
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_a_zarr_folder_with_other_variables_is_replaced(example, tmp_path):
    net, trial, activity, _ = example
    exchange.files.write_zarr(tmp_path / "a.zarr", net, odd(trial), activity)
    exchange.files.write_zarr(tmp_path / "a.zarr", net, trial, activity, overwrite=True)
    assert exchange.files.read_zarr(tmp_path / "a.zarr").identical(exchange.to_xarray(net, trial, activity))


@pytest.mark.parametrize("name", WRITERS)
def test_input_that_does_not_fit_destroys_nothing(name, example, tmp_path):
    net, trial, activity, task = example
    write, path = WRITERS[name], tmp_path / name
    write(path, net, trial, activity)
    before = contents(tmp_path)
    short = activity._replace(rates=activity.rates[1:])
    text = (
        r"activity.rates must have shape \(95, 5, 10\) for these trials .*got \(94, 5, 10\). Is it the activity of oth"
    )
    with pytest.raises(ValueError, match=text):
        write(path, net, trial, short, overwrite=True)
    with pytest.raises(ValueError, match="the task has dt 10 ms, 2 inputs and 2 outputs, the network dt 20 ms"):
        write(path, net, trial, activity, task=type(task)(dt=10.0), overwrite=True)
    assert contents(tmp_path) == before


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_files_of_others_are_refused(tmp_path):
    io.savemat(tmp_path / "other.mat", {"x": 1.0})
    with pytest.raises(ValueError, match="other.mat was not written by eicon: it has no inputs, targets"):
        exchange.read_mat(tmp_path / "other.mat")
    (tmp_path / "broken.mat").write_bytes(b"MATLAB 5.0 MAT-file" + bytes(300))
    with pytest.raises(ValueError, match="broken.mat is damaged, or not a valid MATLAB file"):
        exchange.read_mat(tmp_path / "broken.mat")
    with pytest.raises(ValueError, match="not a dataset of eicon.exchange.to_xarray: it has no inputs, targets"):
        exchange.from_xarray(xr.Dataset({"rates": ("time", [1.0])}))
    with h5py.File(tmp_path / "other.nwb", "w") as file:
        file["x"] = 1.0
    with pytest.raises(ValueError, match="other.nwb is damaged, or not a valid NWB file of eicon.exchange.to_nwb"):
        exchange.read_nwb(tmp_path / "other.nwb")
    for read, name in ((exchange.read_mat, "no.mat"), (exchange.read_nwb, "no.nwb")):
        with pytest.raises(FileNotFoundError, match=name):
            read(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "package"), [("a.nc", "h5netcdf"), ("a.nc", "xarray"), ("a.zarr", "zarr"), ("a.nwb", "pynwb")]
)
def test_a_package_that_is_missing_is_named_with_its_extra(name, package, example, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf'this needs {package}, .*pip install -e ".\[exchange\]"'):
        WRITERS[name](tmp_path / name, *example[:3])
    assert not list(tmp_path.iterdir())


def test_importing_the_room_imports_none_of_them():
    """But for the file that is written beside weights for PyTorch, and is not imported before it is asked for."""
    for path in Path(exchange.__file__).parent.glob("*.py"):
        wanted = {"xarray", "zarr", "pynwb", "hdmf", "h5py", "h5netcdf", "torch"}
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
        found |= {node.module for node in tree.body if isinstance(node, ast.ImportFrom) and not node.level}
        allowed = {"torch"} if path.name == "simulate_torch.py" else set()
        assert {name.split(".")[0] for name in found} & wanted == allowed, path


def test_dataset_is_to_xarray_of_a_record(example):
    record = recorded(*example)
    assert dataset(record).identical(exchange.to_xarray(*example[:3], task=example.task))
