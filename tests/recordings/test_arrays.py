"""MATLAB of version 5 and 7.3, npz, npy and HDF5: the axes are those that are named."""

import itertools

import h5py
import numpy as np
import pytest
from scipy import io

from eicon.recordings import read

from .labs import write_mat73

RNG = np.random.default_rng(1)
T, B, M = 12, 5, 3
RATES = RNG.random((T, B, M))
SIDE = np.array([0.0, 1.0, 1.0, 0.0, 1.0])
ORDERS = list(itertools.permutations(("time", "trial", "unit")))
LENGTHS = (12, 7, 9, 12, 4)


def turned(order):
    return RATES.transpose([("time", "trial", "unit").index(axis) for axis in order])


def cell(values):
    made = np.empty((1, len(values)), object)
    made[0] = values
    return made


def write_npz(path, variables):
    np.savez(path, **variables)


def write_hdf5(path, variables):
    with h5py.File(path, "w") as file:
        for name, value in variables.items():
            file[name] = value


WRITE = {"a.mat": io.savemat, "b.mat": write_mat73, "a.npz": write_npz, "a.h5": write_hdf5}
FORMATS = pytest.mark.parametrize("file", WRITE)


@FORMATS
@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
def test_axes_are_read_in_the_order_that_is_named(file, order, tmp_path):
    WRITE[file](tmp_path / file, {"rates": turned(order), "side": SIDE.reshape(1, -1) if file != "a.npz" else SIDE})
    found = read(tmp_path / file, axes=" ".join(order), dt=20)
    np.testing.assert_array_equal(found.activity, RATES)
    assert found.dt == 20.0
    assert found.conditions["side"].tolist() == SIDE.tolist()


@FORMATS
def test_axes_are_never_guessed(file, tmp_path):
    WRITE[file](tmp_path / file, {"rates": RATES})
    with pytest.raises(ValueError, match=r"an array 12 x 5 x 3: the file does not name its axes.* axes='unit trial"):
        read(tmp_path / file, dt=20)


@pytest.mark.parametrize("file", ["a.mat", "b.mat"])
@pytest.mark.parametrize("axes", ["unit time", "time unit"])
def test_one_cell_per_trial_is_padded_and_masked(file, axes, tmp_path):
    cells = [RATES[:n, i] if axes == "time unit" else RATES[:n, i].T for i, n in enumerate(LENGTHS)]
    choice = cell(["left", "right", "left", "left", "right"])
    WRITE[file](tmp_path / file, {"trials": cell(cells), "choice": choice, "dt_ms": np.array([[5.0]])})
    found = read(tmp_path / file, axes=axes, series="trials")
    assert found.mask.sum(axis=0).tolist() == list(LENGTHS)
    for i, n in enumerate(LENGTHS):
        np.testing.assert_array_equal(found.activity[:n, i], RATES[:n, i])
    assert np.isnan(found.activity[~found.mask]).all()
    assert found.dt == 5.0
    assert found.conditions["choice"].tolist() == ["left", "right", "left", "left", "right"]
    other = " ".join(reversed(axes.split()))
    with pytest.raises(
        ValueError, match="all trials must have the same units; got 12 in trial 1 and 7 in trial 2. Are"
    ):
        read(tmp_path / file, axes=other, series="trials")


@pytest.mark.parametrize("file", ["a.mat", "b.mat"])
@pytest.mark.parametrize("axes", ["unit trial", "trial unit"])
def test_spike_times_per_unit_and_trial(file, axes, tmp_path):
    times = [[np.sort(RNG.uniform(0, 2, 10 + i)) for _ in range(4)] for i in range(2)]
    made = np.empty((2, 4), object)
    for u, k in np.ndindex(2, 4):
        made[u, k] = times[u][k][None]
    made = made if axes == "unit trial" else made.T
    WRITE[file](tmp_path / file, {"spikes": made, "contrast": np.arange(4.0)[None]})
    found = read(tmp_path / file, axes=axes, window=(0, 2000), bin=100, observed="counts", unit_of_time="s")
    for u, k in np.ndindex(2, 4):
        expected = np.histogram(times[u][k], np.arange(21) * 0.1)[0]
        np.testing.assert_array_equal(found.activity[:, k, u], expected)
    assert found.conditions["contrast"].tolist() == [0, 1, 2, 3]
    smooth = read(tmp_path / file, axes=axes, window=(0, 2000), bin=100, unit_of_time="s")
    assert "normalised at the ends of what is known" in smooth.source
    with pytest.raises(ValueError, match="the unit of the times is unknown; pass unit_of_time"):
        read(tmp_path / file, axes=axes, window=(0, 2000))


@pytest.mark.parametrize("file", ["a.mat", "b.mat"])
def test_spike_times_of_a_session_with_the_times_of_its_trials(file, tmp_path):
    trains = [np.sort(RNG.uniform(0, 10, 50)) for _ in range(3)]
    trials = {"start_time": np.array([[0.5, 3.0, 6.0]]), "stop_time": np.array([[2.5, 5.5, 8.0]])}
    trials["tone"] = np.array([[2.0, 8.0, 4.0]])
    names = cell(["x", "y", "z"])
    written = {"spikes": cell([train[:, None] for train in trains]), "trials": trials, "id": names}
    WRITE[file](tmp_path / file, written)
    options = {"axes": "unit", "series": "spikes", "trials": "trials", "unit_of_time": "s", "names": "id"}
    found = read(tmp_path / file, bin=100, observed="counts", **options)
    assert found.mask.sum(axis=0).tolist() == [20, 25, 20]
    np.testing.assert_array_equal(found.activity[:, 1, 2], np.histogram(trains[2] - 3.0, np.arange(26) * 0.1)[0])
    assert found.units == ("x", "y", "z")
    assert found.conditions["tone"].tolist() == [2, 8, 4]


@FORMATS
def test_names_inputs_and_conditions_are_variables(file, tmp_path):
    order = ("unit", "trial", "time")
    shown = RNG.random((2, B, T))
    names = np.array([10.0, 11.0, 12.0])
    written = {"rates": turned(order), "stimulus": shown, "id": names, "side": SIDE, "other": np.arange(5.0)}
    WRITE[file](tmp_path / file, written)
    options = {"axes": " ".join(order), "dt": 1, "series": "rates"}
    found = read(tmp_path / file, names="id", inputs="stimulus", conditions=["side"], **options)
    assert found.units == ("10", "11", "12")
    np.testing.assert_array_equal(found.inputs, shown.transpose(2, 1, 0))
    assert found.input_channels == ("stimulus 0", "stimulus 1")
    assert list(found.conditions) == ["side"]
    assert set(read(tmp_path / file, **options).conditions) == {"side", "other"}
    with pytest.raises(ValueError, match="'other' names 5 units, but the axes imply 3. Are the axes"):
        read(tmp_path / file, names="other", **options)


def test_matlab_drops_a_last_axis_of_one(tmp_path):
    for file in ("a.mat", "b.mat"):
        WRITE[file](tmp_path / file, {"rates": RATES[:, :, 0]})
        found = read(tmp_path / file, axes="time trial unit", dt=1)
        np.testing.assert_array_equal(found.activity, RATES[:, :, :1])
        one = read(tmp_path / file, axes="time unit", dt=1)
        np.testing.assert_array_equal(one.activity, RATES[:, None, :, 0])
    np.savez(tmp_path / "a.npz", rates=RATES[:, :, 0])
    with pytest.raises(ValueError, match="it has 2 axes, but axes='time trial unit' names 3"):
        read(tmp_path / "a.npz", axes="time trial unit", dt=1)


def test_text_and_truth_in_matlab_7_3(tmp_path):
    right = np.array([[True, False, True, True, False]])
    write_mat73(tmp_path / "a.mat", {"rates": RATES, "right": right, "animal": "M1", "dt_ms": np.array([[2.0]])})
    found = read(tmp_path / "a.mat", axes="time trial unit")
    assert found.conditions["right"].dtype == bool
    assert found.conditions["right"].tolist() == right[0].tolist()
    assert found.dt == 2.0


def test_npy_is_an_array(tmp_path):
    np.save(tmp_path / "a.npy", RATES)
    found = read(tmp_path / "a.npy", axes="time, trial, neuron", dt=10, bin=20)
    np.testing.assert_allclose(found.activity, RATES.reshape(6, 2, B, M).mean(axis=1))
    assert "resampled from 10 to 20 ms" in found.source


def test_pulses_of_trials_that_are_cut_are_relative_to_their_first_step(tmp_path):
    on, off = np.array([0.0, 10, 20, 25, np.nan]), np.array([10.0, 30, 40, 35, 20])
    np.savez(tmp_path / "a.npz", rates=RATES, on_time=on, off_time=off)
    options = {"axes": "time trial unit", "dt": 10, "unit_of_time": "ms"}
    found = read(tmp_path / "a.npz", inputs={"light": ("on_time", "off_time", 2)}, **options)
    assert found.inputs[:5, :, 0].T.tolist() == [
        [2, 0, 0, 0, 0],
        [0, 2, 2, 0, 0],
        [0, 0, 2, 2, 0],
        [0, 0, 1, 1, 0],
        [0, 0, 0, 0, 0],
    ]
    assert found.conditions == {}
