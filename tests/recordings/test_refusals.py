"""What cannot be read, each in one line that says what is the matter."""

import pickle
from contextlib import suppress

import h5py
import numpy as np
import pytest
from scipy import io

from eicon import exchange
from eicon.recordings import Recording, read

from .labs import add_fluorescence, add_trials, add_units, session, spike_trains, write_mat73, write_nwb

RATES = np.random.default_rng(5).random((12, 4, 3))
CUT = {"axes": "time trial unit", "dt": 10}
LINES = ("trial,time_ms,a\n", "0,0,1\n0,10,2\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("bad")
    full = session()
    add_trials(full)
    add_units(full, spike_trains())
    write_nwb(path / "spikes.nwb", full)
    for name, trains in {"decreasing": [[1.0, 3.0, 2.0]], "silent": [[], []]}.items():
        one = session()
        add_trials(one)
        add_units(one, trains)
        write_nwb(path / f"{name}.nwb", one)
    empty = session()
    add_trials(empty)
    write_nwb(path / "nothing.nwb", empty)
    imaging = session()
    add_trials(imaging)
    add_fluorescence(imaging)
    write_nwb(path / "imaging.nwb", imaging)
    with h5py.File(path / "other.h5", "w") as file:
        file["a"] = np.arange(3.0)
    (path / "cut.nwb").write_bytes((path / "spikes.nwb").read_bytes()[:20000])
    np.savez(path / "rates.npz", rates=RATES, side=np.arange(4))
    np.savez(path / "two.npz", a=RATES, b=RATES)
    np.savez(path / "nan.npz", rates=RATES * np.nan)
    np.savez(path / "minus.npz", rates=-np.ones((12, 4, 3)))
    np.savez(path / "complex.npz", rates=RATES + 1j)
    np.savez(path / "text.npz", rates=np.full((2, 2, 2), "a"))
    with suppress(OSError):
        (path / "cut.npz").write_bytes((path / "rates.npz").read_bytes()[:900])
    np.savez(path / "objects.npz", rates=np.array([{}, 1], object))
    cells = np.empty((1, 2), object)
    cells[0] = [np.array([[0.1, 0.2]]), np.array([[0.5, 1.5, 0.7]])]
    io.savemat(path / "spikes.mat", {"spikes": cells, "start_time": np.array([[0.0, 1.0]])})
    (path / "cut.mat").write_bytes((path / "spikes.mat").read_bytes()[:300])
    write_mat73(path / "cut73.mat", {"rates": RATES})
    (path / "cut73.mat").write_bytes((path / "cut73.mat").read_bytes()[:3000])
    (path / "a.pkl").write_bytes(pickle.dumps([1, 2]))
    (path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    (path / "empty.csv").write_text("")
    (path / "numbers.csv").write_text("1,2\n3,4\n")
    (path / "plain.csv").write_text("a,b\n1,2\n3,4\n")
    (path / "word.csv").write_text("a,b\n1,2\n3,x\n")
    (path / "ragged.csv").write_text("a,b\n1,2\n3\n")
    (path / "steps.csv").write_text("time_ms,a\n0,1\n10,2\n30,3\n")
    (path / "no_tables").mkdir()
    (path / "lost").mkdir()
    (path / "lost" / "all.csv").write_text("".join(LINES))
    (path / "lost" / "trials.csv").write_text("trial,side\n7,1\n")
    return path


SPIKES = {"series": "spikes", "unit_of_time": "ms"}
BAD = {
    "no such file": ("none.nwb", {}, "no recording at .*none.nwb: there is no such file"),
    "a pickle": (
        "a.pkl",
        {},
        "a.pkl is a pickle, which runs any code its author put into it; recordings are read from",
    ),
    "a picture": ("a.png", {}, "a.png is a file of unknown kind; recordings are read from NWB, MATLAB, npz"),
    "an empty file": ("empty.csv", {}, "empty.csv is empty"),
    "a folder without tables": ("no_tables", {}, "no_tables has no tables of trials: no .csv file next to trials.csv"),
    "cut NWB": ("cut.nwb", {}, "cut.nwb"),
    "cut npz": ("cut.npz", CUT, "cut.npz is damaged, or not a valid npz archive"),
    "cut MATLAB": ("cut.mat", {}, "cut.mat is damaged, or not a valid MATLAB file"),
    "cut MATLAB 7.3": ("cut73.mat", {}, "cut73.mat"),
    "objects": ("objects.npz", CUT, "objects.npz contains no arrays of activity; it has rates .Python objects, which"),
    "nothing in NWB": ("nothing.nwb", {}, "nothing.nwb contains no recordings; it has nothing readable"),
    "nothing in HDF5": ("other.h5", CUT, r"other.h5 contains no arrays of activity; it has a \(3\)"),
    "no units": ("silent.nwb", {}, "contains no spikes: all 2 units are empty"),
    "decreasing": ("decreasing.nwb", {}, "unit 0 must not decrease; got 3000 and then 2000 ms, at position 2"),
    "no decay": ("imaging.nwb", {}, "contains fluorescence: pass decay, the time constant .* or observed='rate'"),
    "unknown event": ("spikes.nwb", {"align_to": "reward"}, "align_to: the trials have no column 'reward'; their col"),
    "text as event": ("spikes.nwb", {"align_to": "side"}, "the column 'side' of the trials contains text; numbers are"),
    "unknown condition": ("spikes.nwb", {"conditions": ["x"]}, "conditions: the trials have no column 'x'; their co"),
    "unknown trials": (
        "spikes.nwb",
        {"trials": "x"},
        "has no trials table 'x'.* It has trials; select one with trials='trials'",
    ),
    "unknown names": ("spikes.nwb", {"names": "x"}, "the units have no column 'x'; their columns are region, cell"),
    "names of others": ("spikes.nwb", {"names": ["a"]}, r"units must name the 3 units of activity, shape \(3,\)"),
    "unknown stimulus": ("spikes.nwb", {"inputs": "x"}, "no stimulus 'x' in the file; its stimuli are none"),
    "unknown pulse": ("spikes.nwb", {"inputs": {"a": ("x", 1)}}, r"inputs\['a'\]: the trials have no column 'x'"),
    "a pulse of one": (
        "spikes.nwb",
        {"inputs": {"a": "x"}},
        r"inputs\['a'\] must be \(start column, stop column or ms",
    ),
    "inputs of others": ("spikes.nwb", {"inputs": np.zeros((2, 4, 1))}, "inputs must have shape .* got .2, 4, 1"),
    "bin in s": ("spikes.nwb", {"bin": 0.01}, r"bin is in ms and must be at least 0.1; got 0.01. 0.01 s are 10 ms"),
    "window in s": (
        "spikes.nwb",
        {"window": (-0.2, 1.0)},
        "has 1.2 ms, less than one step of 10 ms; .* Did you mean seconds",
    ),
    "empty window": (
        "spikes.nwb",
        {"window": (100, 100)},
        r"window must start before it ends; got \(100, 100\) ms, wh",
    ),
    "endless window": ("spikes.nwb", {"window": (0, np.inf)}, "an edge of window must be finite, or None .*; got inf"),
    "no hz": ("spikes.nwb", {"hz": 0}, r"hz must be > 0 \(spikes per second\); got 0"),
    "beyond": ("spikes.nwb", {"window": (-1e6, -9e5)}, "none of the 240 spikes lies in a window: spikes are between"),
    "no memory": ("spikes.nwb", {"bin": 0.1, "window": (0, 1e9)}, "would take .* GiB; use longer steps"),
    "currents of spikes": (
        "spikes.nwb",
        {"observed": "current"},
        "has spike times; observed must be 'rate' or 'counts'",
    ),
    "dt of spikes": ("spikes.nwb", {"dt": 10}, "contains spike times, to which dt does not apply; omit it"),
    "axes of NWB": (
        "imaging.nwb",
        {"axes": "unit time", "decay": 9},
        "a series of samples, to which axes does not apply",
    ),
    "seconds as ms": (
        "spikes.nwb",
        {"unit_of_time": "ms", "window": (0, 2000)},
        "Are spike times in seconds.* Pass unit",
    ),
    "decreasing cell": (
        "spikes.mat",
        {"axes": "unit", **SPIKES, "window": (0, 90)},
        "spike times of unit 1 must not decr",
    ),
    "no times of trials": (
        "spikes.mat",
        {"axes": "unit", **SPIKES, "align_to": "x"},
        "spike times of a session need the",
    ),
    "kernel of rates": (
        "rates.npz",
        {**CUT, "kernel": "boxcar"},
        "trials that are already cut, to which kernel does",
    ),
    "window of rates": ("rates.npz", {**CUT, "window": (0, 9)}, "trials that are already cut, to which window does"),
    "no step": ("rates.npz", {"axes": "time trial unit"}, "the length of a step is unknown; pass dt, in ms"),
    "axes of others": ("rates.npz", {"axes": "time trial", "dt": 1}, "it has 3 axes, but axes='time trial' names 2"),
    "axes unknown": (
        "rates.npz",
        {"axes": "time trial roi", "dt": 1},
        "axes must name time, trial and unit, each once; g",
    ),
    "axes in another order": (
        "rates.npz",
        {"axes": "unit trial time", "dt": 1, "names": list("abc")},
        r"units must name the 12 units of activity, shape \(12,\)",
    ),
    "two arrays": ("two.npz", CUT, r"contains 2 arrays of activity; it has a \(12 x 4 x 3\), b .* series='a'"),
    "no such array": ("two.npz", {**CUT, "series": "c"}, "contains no variable 'c'; it has a"),
    "NaN": ("nan.npz", CUT, "nan.npz: activity contains only NaN: nothing was observed"),
    "negative counts": ("minus.npz", {**CUT, "observed": "counts"}, "counts must be whole numbers >= 0; got -1"),
    "fractions of counts": ("rates.npz", {**CUT, "observed": "counts"}, "counts must be whole numbers >= 0; got 0"),
    "complex": ("complex.npz", CUT, "must contain real numbers; got complex128"),
    "text": ("text.npz", CUT, "must contain real numbers; got <U1"),
    "no head": ("numbers.csv", {"dt": 1}, "the first line must name the columns; got numbers, 1, 2"),
    "a word": ("word.csv", {"dt": 1}, "word.csv, row 3, column 'b': 'x' is not a number"),
    "a short line": ("ragged.csv", {"dt": 1}, "ragged.csv, line 3: 1 cells; the first line names 2 columns"),
    "no step in csv": ("plain.csv", {}, "the length of a step is unknown, as there is no column 'time'; pass `dt`"),
    "unequal steps": ("steps.csv", {}, "steps must be equal; got 10 to 20 in column 'time_ms'"),
    "a trial without a row": ("lost", {}, "trials.csv has no row for trial '0'; it has 7"),
}

UNCHECKED = {
    "window of one": ({"window": 100}, r"window must be \(from, to\) in ms, relative to the event; got 100"),
    "no such kernel": ({"kernel": "box"}, "kernel must be one of gaussian, boxcar, exponential, none; got 'box'"),
    "no such quantity": ({"observed": "dff"}, "observed must be one of rate, .* output; got 'dff'"),
    "no such unit": ({"unit_of_time": "us"}, "unit_of_time must be 's' or 'ms'; got 'us'"),
}


@pytest.mark.unchecked
@pytest.mark.parametrize("case", UNCHECKED)
def test_what_annotations_forbid_is_refused(case, folder):
    options, text = UNCHECKED[case]
    with pytest.raises(ValueError, match=text):
        read(folder / "spikes.nwb", **options)


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_in_one_line(case, folder):
    name, options, text = BAD[case]
    with pytest.raises((ValueError, OSError), match=text) as caught:
        read(folder / name, **options)
    assert "\n" not in str(caught.value)


def test_a_path_is_asked_for():
    with pytest.raises(TypeError, match=r"path must be that of a file or a folder; got ndarray. For arrays use Rec"):
        read(np.zeros((3, 3, 3)))


def test_exchange_says_who_reads_files_of_others(folder, tmp_path):
    with pytest.raises(ValueError, match="spikes.nwb was not written by eicon; read it with eicon.recordings.read"):
        exchange.read_nwb(folder / "spikes.nwb")
    with pytest.raises(ValueError, match="spikes.mat was not written by eicon: .*; read it with eicon.recordings.read"):
        exchange.read_mat(folder / "spikes.mat")
    path = write_mat73(tmp_path / "a.mat", {"rates": RATES})
    with pytest.raises(ValueError, match="a.mat was not written by eicon; read it with eicon.recordings.read"):
        exchange.read_mat(path)


def test_names_that_match_no_unit_of_a_network():
    recording = Recording(RATES, 10.0, units=["AVAL", "AVAR", "x"])
    with pytest.raises(ValueError, match="1 of the 3 recorded units are not among the network's: x; the network has"):
        recording.placed(["AVAL", "AVAR", "RIML"])


def test_one_neuron_is_a_recording(tmp_path):
    np.save(tmp_path / "a.npy", RATES[:, 0, 0])
    assert read(tmp_path / "a.npy", axes="time", dt=10).activity.shape == (12, 1, 1)
