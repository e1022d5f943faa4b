"""What a file does not say, or says as if it were something else, is refused or said, and not guessed."""

import h5py
import numpy as np
import pytest
import xarray as xr
from scipy import io, sparse

from eicon.recordings import Recording, read, resampled, simulated

from .labs import add_fluorescence, add_trials, session, write_mat73, write_nwb

RNG = np.random.default_rng(6)
T, B, M = 12, 5, 3
RATES = RNG.random((T, B, M))
CUT = {"axes": "time trial unit", "dt": 10}
MAT = pytest.mark.parametrize("write", [io.savemat, write_mat73], ids=["v5", "v7.3"])


def written(nwb, trials, trains, path, **more):
    for begin, end in trials:
        nwb.add_trial(start_time=begin, stop_time=end)
    for i, train in enumerate(trains):
        nwb.add_unit(spike_times=train, **{name: values[i] for name, values in more.items()})
    return write_nwb(path / "a.nwb", nwb)


def cells(values):
    made = np.empty((1, len(values)), object)
    made[0] = values
    return made


@pytest.fixture
def nwb():
    pytest.importorskip("pynwb")
    return session()


def test_ragged_columns_are_no_conditions(nwb, tmp_path):
    for i in range(4):
        nwb.add_trial(start_time=2.0 * i, stop_time=2.0 * i + 1)
    nwb.add_trial_column("licks", "of the trial", data=[[0.1, 0.2, 0.3], [0.4], [], [0.5, 0.6]], index=True)
    nwb.add_trial_column("side", "of it", data=list("lrlr"))
    found = read(written(nwb, (), [np.arange(0.05, 8, 0.1)] * 2, tmp_path))
    assert list(found.conditions) == ["side"]


def test_trials_without_an_end_are_left_out(nwb, tmp_path):
    trials = [(1.0, 3.0), (4.0, np.nan), (6.0, 7.0)]
    found = read(written(nwb, trials, [np.arange(0.05, 8, 0.1)], tmp_path), bin=100, observed="counts")
    assert found.mask.sum(axis=0).tolist() == [20, 10]
    assert "1 of 3 trials without start_time or stop_time left out" in found.source


def test_beyond_the_session_nothing_is_known_and_rates_are_not_lowered(nwb, tmp_path):
    """Spikes at 100/s from the beginning to the end: a mean of them that knows no others is 100/s up to there."""
    path = written(nwb, [(0.0, 1.0), (3.0, 4.0)], [np.arange(0.005, 4, 0.01)], tmp_path)
    counts = read(path, window=(-500, 1500), bin=100, observed="counts")
    seen = np.array([np.arange(20) >= 5, np.arange(20) < 15]).T
    np.testing.assert_array_equal(counts.is_observed[:, :, 0], seen)
    assert (counts.activity[seen] == 10).all()
    assert "nothing is known before 0 and after 4000 ms" in counts.source
    for kernel, causal in (("gaussian", False), ("exponential", True)):
        rates = read(path, window=(-500, 1500), kernel=kernel, causal=causal)
        np.testing.assert_allclose(rates.activity[rates.is_observed].mean(), 100, rtol=0.01)
        np.testing.assert_allclose(rates.activity[50:54, 0, 0], 100, rtol=0.15)
    assert "earlier one" not in rates.source


def test_rates_are_not_lowered_beside_what_was_not_observed(nwb, tmp_path):
    spans = [[[0.0, 2.5]], [[0.0, 1.2], [2.0, 4.0]]]
    trains = [np.arange(0.005, 4, 0.01)] * 2
    found = read(written(nwb, [(1.0, 3.0)], trains, tmp_path, obs_intervals=spans))
    assert found.is_observed[:, 0].sum(axis=0).tolist() == [150, 120]
    np.testing.assert_allclose(found.activity[found.is_observed], 100, rtol=0.02)


def test_intervals_that_touch_or_overlap_are_one(nwb, tmp_path):
    spans = [[[2.0, 4.0], [0.0, 2.0]], [[0.0, 2.2], [1.8, 4.0]]]
    trains = [np.arange(0.005, 4, 0.01)] * 2
    found = read(written(nwb, [(1.0, 3.0)], trains, tmp_path, obs_intervals=spans), bin=70)
    np.testing.assert_allclose(found.activity, 100, rtol=1e-6)


def test_windows_that_overlap_are_counted(nwb, tmp_path):
    path = written(nwb, [(1.0, 3.0), (2.0, 4.0), (5.0, 6.0)], [np.arange(0.05, 8, 0.1)], tmp_path)
    assert "1 of 3 windows overlap an earlier one, with which they share data" in read(path).source
    assert "earlier one" not in read(path, window=(0, 900)).source
    assert "time 0 within a step" in read(path, window=(-200, 300), bin=15).source


def test_ms_where_nwb_has_seconds(nwb, tmp_path):
    trials = [(1000.0 * i, 1000.0 * i + 500) for i in range(20)]
    path = written(nwb, trials, [np.sort(RNG.uniform(0, 20_000, 100))], tmp_path)
    with pytest.raises(
        ValueError, match="once in 10 s, in the .* in ms. Pass unit_of_time='ms', or 's' if the rates are right"
    ):
        read(path, window=(0, 500))
    assert read(path, unit_of_time="ms").n_steps == 50


def test_columns_that_are_used_as_times_are_times(nwb, tmp_path):
    """Their names do not say it, nor do they lie in their trials."""
    for i in range(3):
        nwb.add_trial(start_time=3.0 * i, stop_time=3.0 * i + 1)
    for name in ("cue", "reward"):
        nwb.add_trial_column(name, "when", data=[3.0 * i + (1.5 if name == "reward" else 0.4) for i in range(3)])
    train = np.sort(RNG.uniform(0, 10, 200))
    path = written(nwb, (), [train], tmp_path)
    found = read(path, align_to="reward", window=(-1500, 500), bin=100, observed="counts", inputs={"x": ("cue", 200)})
    for k in range(3):
        expected = np.histogram(train - (3.0 * k + 1.5), np.arange(-15, 6) / 10)[0]
        np.testing.assert_array_equal(found.activity[:, k, 0], expected)
    np.testing.assert_allclose(found.inputs[:, :, 0].T, [(np.arange(20) // 2 == 2) * 1.0] * 3, atol=1e-9)
    assert found.conditions == {}


def test_conversion_is_applied(nwb, tmp_path):
    import pynwb

    add_trials(nwb)
    raw = RNG.integers(-99, 99, (600, 2)).astype(np.int16)
    nwb.add_acquisition(pynwb.TimeSeries(name="x", data=raw, unit="1", rate=50.0, conversion=0.01, offset=2.0))
    found = read(write_nwb(tmp_path / "a.nwb", nwb))
    np.testing.assert_allclose(found.activity[:, 0], raw[50:150] * 0.01 + 2)


def test_samples_whose_axes_are_turned_and_stimuli_given_at_their_changes(nwb, tmp_path):
    import pynwb

    add_trials(nwb)
    add_fluorescence(nwb)
    nwb.add_stimulus(pynwb.TimeSeries(name="light", data=[0.0, 1.0, 0.0], unit="1", timestamps=[0.0, 1.2, 4.0]))
    path = write_nwb(tmp_path / "a.nwb", nwb)
    with pytest.raises(ValueError, match="stimulus 'light' has samples 1200 to 2800 ms apart, and is unknown"):
        read(path, decay=400, inputs="light")
    with h5py.File(path, "r+") as file:
        group = file["processing/ophys/DfOverF/dff"]
        turned, said = group["data"][()].T, dict(group["data"].attrs)
        del group["data"]
        group.create_dataset("data", data=turned).attrs.update(said)
    with pytest.raises(ValueError, match="data must be samples x units; got 2 x 300 and 2 ROIs. Were the axes turned"):
        read(path, decay=400)


@MAT
def test_fields_of_structs(write, tmp_path):
    lengths = (12, 7, 9, 12, 4)
    rows = [(RATES[:n, i].T, "lr"[i % 2], np.array([[float(i)]])) for i, n in enumerate(lengths)]
    several = np.array(rows, dtype=[("rates", object), ("choice", object), ("rt", object)])[None]
    write(tmp_path / "a.mat", {"trials": several})
    found = read(tmp_path / "a.mat", axes="unit time", dt=10)
    assert found.mask.sum(axis=0).tolist() == list(lengths)
    np.testing.assert_array_equal(found.activity[:7, 1], RATES[:7, 1])
    assert found.conditions["choice"].tolist() == list("lrlrl")
    assert found.conditions["rt"].tolist() == [0, 1, 2, 3, 4]
    nested = {"session": {"data": {"rates": RATES, "dt_ms": np.array([[20.0]])}, "other": {"rates": RATES}}}
    write(tmp_path / "b.mat", nested)
    with pytest.raises(ValueError, match=r"contains 2 arrays of activity; it has session \(a struct\), session.data"):
        read(tmp_path / "b.mat", axes="time trial unit")
    found = read(tmp_path / "b.mat", series="session.data.rates", axes="time trial unit")
    np.testing.assert_array_equal(found.activity, RATES)
    assert found.dt == 20


@MAT
def test_spikes_of_trials_are_cut_and_aligned(write, tmp_path):
    times = [[np.arange(-995.0, 2000, 10) for _ in range(4)]]
    go = np.array([201.0, 402, 603, 807.5])
    made = np.empty((1, 4), object)
    for k in range(4):
        made[0, k] = times[0][k][None]
    conditions = {"contrast": np.array([[0.1, 0.2, 0.4, 0.8]]), "begin": np.zeros((1, 4))}
    write(
        tmp_path / "a.mat",
        {"S": made, "go_time": go[None], "start_time": np.zeros((1, 4)), "stop_time": np.full((1, 4), 2000.0)}
        | conditions,
    )
    options = {"axes": "unit trial", "unit_of_time": "ms", "series": "S"}
    rates = read(tmp_path / "a.mat", window=(0, 1000), **options).activity
    np.testing.assert_allclose(rates, 100, rtol=0.02)  # spikes beyond the window do not add to its ends
    counts = read(tmp_path / "a.mat", window=(-50, 50), align_to="go_time", observed="counts", bin=1, **options)
    for k in range(4):
        assert list(counts.conditions) == ["contrast"]  # which lies in its trial, as times do
        expected = np.histogram(times[0][k] - go[k], np.arange(-50, 51))[0]
        np.testing.assert_array_equal(counts.activity[:, k, 0], expected)


@MAT
def test_whole_numbers_are_counts_or_rates(write, tmp_path):
    write(tmp_path / "a.mat", {"X": RATES > 0.5})
    with pytest.raises(
        ValueError, match="contains only whole numbers, 0 to 1: pass observed='counts' if they are spikes"
    ):
        read(tmp_path / "a.mat", **CUT)
    assert read(tmp_path / "a.mat", observed="counts", **CUT).activity.sum() == (RATES > 0.5).sum()
    with pytest.raises(ValueError, match="hz is only for spikes and counts; divide rates by it yourself"):
        read(tmp_path / "a.mat", observed="rate", hz=20, **CUT)


@MAT
def test_what_matlab_leaves_open(write, tmp_path):
    write(tmp_path / "a.mat", {"X": RATES[:, 0]})
    with pytest.raises(ValueError, match="it has 2 axes, but axes='unit trial time' names 3"):
        read(tmp_path / "a.mat", axes="unit trial time", dt=10)
    write(tmp_path / "b.mat", {"X": cells([RATES[:, 0], RATES[:5, 1], np.zeros((0, 0))])})
    with pytest.raises(ValueError, match="cells without data: 3; omit trials without data"):
        read(tmp_path / "b.mat", axes="time unit", dt=10)


@MAT
def test_one_trial_of_spikes_and_inputs_in_cells(write, tmp_path):
    times = np.arange(5.0, 400, 10)[None]
    write(tmp_path / "a.mat", {"S": cells([times]), "start_time": np.array([[0.0]]), "stop_time": np.array([[400.0]])})
    found = read(tmp_path / "a.mat", series="S", axes="unit", unit_of_time="ms", observed="counts", bin=100)
    assert found.activity[:, 0, 0].tolist() == [10, 10, 10, 10]
    shown = RNG.random((T, 2, 1))
    write(tmp_path / "b.mat", {"X": cells([RATES[:, 0], RATES[:7, 1]]), "I": cells([shown[:, 0], shown[:7, 1]])})
    found = read(tmp_path / "b.mat", series="X", inputs="I", axes="time unit", dt=10)
    np.testing.assert_array_equal(found.inputs, np.where(found.mask[:, :, None], shown, 0))
    write(tmp_path / "b.mat", {"X": cells([RATES[:, 0], RATES[:7, 1]]), "I": cells([shown[:, 0], shown[:8, 1]])})
    with pytest.raises(ValueError, match="trials of inputs 'I' must have the same lengths as those of X"):
        read(tmp_path / "b.mat", series="X", inputs="I", axes="time unit", dt=10)
    with pytest.raises(ValueError, match="no stimulus 'J' in the file; its stimuli are .*I"):
        read(tmp_path / "b.mat", series="X", inputs="J", axes="time unit", dt=10)
    write(tmp_path / "c.mat", {"X": cells(["ab", "cd"]), "E": np.empty((0, 0), object)})
    for series, text in (("X", "whose first cell is text"), ("E", "must be an array of numbers or cells; got 0 x 0")):
        with pytest.raises(ValueError, match=text):
            read(tmp_path / "c.mat", series=series, dt=10)


def test_letters_and_sparse_arrays_of_matlab(tmp_path):
    raster = sparse.csc_array((RNG.random((6, 100)) > 0.8).astype(float))
    io.savemat(tmp_path / "a.mat", {"X": raster, "id": np.array(["a  ", "bb ", "ccc", "d  ", "e  ", "f f"])})
    found = read(tmp_path / "a.mat", axes="unit time", dt=1, names="id", observed="counts")
    np.testing.assert_array_equal(found.activity[:, 0].T, raster.toarray())
    assert found.units == ("a", "bb", "ccc", "d", "e", "f f")
    with h5py.File(tmp_path / "b.mat", "w", userblock_size=512) as file:
        letters = np.frombuffer("é😀".encode("utf-16-le"), np.uint16)[:, None]
        file.create_dataset("animal", data=letters).attrs["MATLAB_class"] = np.bytes_("char")
        file.create_dataset("X", data=RATES).attrs["MATLAB_class"] = np.bytes_("double")
        file.create_group("S").attrs["MATLAB_sparse"] = np.uint64(6)
    with open(tmp_path / "b.mat", "r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file")
    assert read(tmp_path / "b.mat", axes="unit trial time", dt=1, series="X").n_units == M
    with pytest.raises(ValueError, match=r"S is sparse; save it as full"):
        read(tmp_path / "b.mat", axes="unit time", dt=1, series="S")


def test_trains_of_different_length_in_hdf5(tmp_path):
    trains = [np.sort(RNG.uniform(0, 8, n)) for n in (40, 60)]
    with h5py.File(tmp_path / "a.h5", "w") as file:
        held = file.create_dataset("spikes", (2,), h5py.vlen_dtype("f8"))
        held[0], held[1] = trains
        file["start_time"], file["stop_time"] = [1.0, 4.0, 6.0], [2.0, 5.0, 7.0]
    found = read(tmp_path / "a.h5", axes="unit", unit_of_time="s", observed="counts", bin=1000)
    expected = [[((one >= s) & (one < s + 1)).sum() for one in trains] for s in (1, 4, 6)]
    assert found.activity[0].tolist() == expected


def test_a_heap_in_which_hdf5_would_stay(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["X"] = RATES
        file["names"] = np.array(["a", "b", "c"], object)
    whole = (tmp_path / "a.h5").read_bytes()
    at = whole.index(b"GCOL") + 16
    while int.from_bytes(whole[at : at + 2], "little"):
        at += 16 + (int.from_bytes(whole[at + 8 : at + 16], "little") + 7) // 8 * 8
    (tmp_path / "a.h5").write_bytes(whole[: at + 8] + bytes(8) + whole[at + 16 :])
    with pytest.raises(ValueError, match=f"a.h5 is damaged: the object at byte {at} of a heap of HDF5 has no size"):
        read(tmp_path / "a.h5", **CUT)


@pytest.mark.parametrize("dtype", ["f2", ">f8", ">i2", "?"])
@pytest.mark.parametrize("order", "CF")
def test_any_numbers_are_read_as_they_are(dtype, order, tmp_path):
    values = np.asarray(RATES * 9, dtype, order=order)
    np.savez(tmp_path / "a.npz", X=values, names=np.array(["a", "b", "c"], object))
    found = read(tmp_path / "a.npz", observed="rate", **CUT)
    np.testing.assert_array_equal(found.activity, values.astype(float))
    with pytest.raises(ValueError, match="no variable 'names' to read; .* names .Python objects, which are never loa"):
        read(tmp_path / "a.npz", observed="rate", names="names", **CUT)


TABLES = {
    "no times of spikes": ("unit,trial\na,1\n", "has a column unit: except for spikes"),
    "a cell without an end": (f'a,b\n1,"{"2" * 140_000}\n', "a.csv is damaged, or not a valid table .field la"),
    "an index": (",a,b\n0,1.5,2\n1,2.5,3\n", "the column '' looks like times or an index"),
    "t": ("t,a\n0,1.5\n1,2.5\n", "the column 't' looks like times or an index, but every column except time is a unit"),
    "frames": ("Frame,a\n0,1.5\n1,2.5\n", "the column 'Frame' looks like times"),
    "decimal commas": ("time_ms;a\n0;1,5\n10;2,5\n", "row 2, column 'a': '1,5' is not a number. Write 1.5 for 1,5"),
    "a row per value": (
        "trial,time_ms,unit,rate\n1,0,a,.5\n1,0,b,.5\n",
        "has a column unit: .* in pandas, table.pivot",
    ),
    "underscores": ("a,b\n1_0,2\n3,4\n", "column 'a': '1_0' is not a number"),
}


@pytest.mark.parametrize("case", TABLES)
def test_tables_that_look_like_others(case, tmp_path):
    text, error = TABLES[case]
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(ValueError, match=error):
        read(tmp_path / "a.csv", observed="rate", **({} if "time_ms" in text else {"dt": 10}))


def test_tables_of_spreadsheets(tmp_path):
    (tmp_path / "a.csv").write_text("Time [s];a b;é\n0;1.5;NA\n0.02;;3.5\n", encoding="utf-8-sig")
    found = read(tmp_path / "a.csv")
    np.testing.assert_array_equal(found.activity[:, 0], [[1.5, np.nan], [np.nan, 3.5]])
    assert (found.dt, found.units) == (20.0, ("a b", "é"))
    (tmp_path / "a.csv").write_text("a,b\n1,2\n", encoding="utf-16")
    with pytest.raises(ValueError, match="a.csv is text in UTF-16, not in UTF-8"):
        read(tmp_path / "a.csv", dt=10)


def test_units_of_spikes_in_tables(tmp_path):
    """The column says in which unit times are, and units of equal number stand in the order of their names."""
    place = tmp_path / "s"  # a name that is a part of most errors
    place.mkdir()
    rows = ["unit,time_ms", *(f"{name},{t}" for name in ("b/1", "\u00b2", "A/2", "a/1") for t in (50, 150))]
    (place / "spikes.csv").write_text("\n".join(rows), encoding="utf-8")
    (place / "trials.csv").write_text('start_time,stop_time,note\n0,200,"two\nlines"\n')
    found = read(place, bin=100, observed="counts")
    assert found.units == ("a/1", "A/2", "b/1", "\u00b2")
    assert (found.activity == 1).all()
    assert found.conditions["note"].tolist() == ["two\nlines"]
    with pytest.raises(ValueError, match=r"/s: align_to: the trials have no column 'go'"):
        read(place, align_to="go")
    rows = [f"0:0{i},{i + 1},{i + 0.5}" for i in range(3)]
    (place / "trials.csv").write_text("\n".join(["start_time,stop_time,cue", *rows]))
    with pytest.raises(ValueError, match="the column 'start_time' of the trials contains text; numbers are needed"):
        read(place)


def test_trials_are_matched_by_their_names_before_their_numbers(tmp_path):
    for i, name in enumerate(("a1", "b1")):
        (tmp_path / f"{name}.csv").write_text("x,y\n" + "".join(f"{a},{b}\n" for a, b in RATES[:, i, :2]))
    rows = ["trial,code,side", "b1,3_4,r", "a1,2024_01,l", "c1,x,l"]
    (tmp_path / "trials.csv").write_text("\n".join(rows))
    found = read(tmp_path, dt=10)
    assert found.conditions["side"].tolist() == ["l", "r"]
    assert found.conditions["code"].tolist() == ["2024_01", "3_4"]
    assert "trials.csv has 1 more" in found.source
    (tmp_path / "trials.csv").write_text("trial,side\n1,l\n2,r\n")
    with pytest.raises(ValueError, match=r"trials.csv has several candidates for trial 'a1'; it has 1.0, 2.0"):
        read(tmp_path, dt=10)


@pytest.mark.parametrize("since", [-0.04, 5.0])
def test_pulses_are_at_their_times(since, tmp_path):
    """In trials whose times are relative to an event, and in those that have the times of the session."""
    of_session = since > 0
    starts = [since + (10 * k if of_session else 0) for k in range(3)]
    for k in range(3):
        rows = [f"{starts[k] + 0.01 * t:g},{a},{b}" for t, (a, b) in enumerate(RATES[:, k, :2])]
        (tmp_path / f"{k}.csv").write_text("\n".join(["time_s,x,y", *rows]))
    on = [start + 0.02 * (k + 1) for k, start in enumerate(starts)]
    rows = [f"{k},{on[k]:g}" for k in range(3)]
    (tmp_path / "trials.csv").write_text("\n".join(["trial,tone_time", *rows]))
    found = read(tmp_path, inputs={"tone": ("tone_time", 20)})
    expected = [[float(2 * (k + 1) <= t < 2 * (k + 2)) for k in range(3)] for t in range(T)]
    np.testing.assert_allclose(found.inputs[:, :, 0], expected, atol=1e-9)
    assert found.start == (0 if of_session else -40)
    if of_session:
        with pytest.raises(ValueError, match=r"no pulse lies in a trial: .* Are both in the same unit of time"):
            read(tmp_path, unit_of_time="ms", inputs={"tone": ("tone_time", 0.001)})


def test_the_unit_of_times_of_trials_is_asked_for(tmp_path):
    np.savez(tmp_path / "a.npz", X=RATES, on_time=np.full(B, 0.05))
    with pytest.raises(ValueError, match=r"inputs\['a'\]: the unit of the times of trials is unknown; pass unit_of"):
        read(tmp_path / "a.npz", inputs={"a": ("on_time", 20)}, **CUT)
    found = read(tmp_path / "a.npz", inputs={"a": ("on_time", 20)}, unit_of_time="s", **CUT)
    assert np.flatnonzero(found.inputs[:, 0, 0]).tolist() == [5, 6]


def test_a_table_of_spikes_with_their_trials(tmp_path):
    times = [[np.sort(RNG.uniform(-1, 2, 20)).round(4) for _ in range(3)] for _ in range(2)]
    rows = [f"n{u},{k},{t}" for u in range(2) for k in range(3) if k != 1 for t in times[u][k]]
    (tmp_path / "s.csv").write_text("\n".join(["unit,trial,time", *rows]))
    (tmp_path / "trials.csv").write_text("trial,side\n0,l\n1,r\n2,l\n")
    found = read(tmp_path, unit_of_time="s", window=(-500, 1500), bin=250, observed="counts")
    assert found.units == ("n0", "n1")
    assert list(found.conditions) == ["side"]
    assert not found.activity[:, 1].any()  # a trial without spikes
    for k in (0, 2):
        np.testing.assert_array_equal(found.activity[:, k, 1], np.histogram(times[1][k], np.arange(-0.5, 1.6, 0.25))[0])


def test_steps_of_labelled_arrays(tmp_path):
    data = xr.Dataset({"rates": (("time", "trial", "unit"), RATES)})
    assert read(data, dt=7).dt == 7  # xarray would number the steps
    data = data.assign_coords(time=("time", np.arange(T) * 0.01, {"units": "s"}))
    assert read(data).dt == 10
    with pytest.raises(ValueError, match="dt=7 ms, but steps of the coordinate time have 10 ms"):
        read(data, dt=7)
    with pytest.raises(ValueError, match="the dataset: times must increase in each trial"):
        read(data.assign_coords(time=("time", np.where(np.arange(T) == 2, np.nan, np.arange(T)), {"units": "s"})))


@pytest.mark.parametrize(
    ("units", "step"),
    [("seconds", 0.5), ("milliseconds", 500.0), ("seconds since 2020-01-01", 0.5), (None, np.timedelta64(500, "ms"))],
)
def test_units_of_times_of_labelled_arrays(units, step, tmp_path):
    data = xr.Dataset({"rates": (("time", "unit"), RATES[:, 0]), "light": (("time", "input"), RATES[:, 1, :1])})
    data = data.assign_coords(time=("time", np.arange(T) * step, {"units": units} if units else {}), input=["blue"])
    data.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    for source in (data, tmp_path / "a.nc"):
        found = read(source, inputs="light", series="rates")
        assert (found.dt, found.n_trials, found.start, found.input_channels) == (500, 1, 0, ("blue",))
        np.testing.assert_array_equal(found.inputs[:, 0], RATES[:, 1, :1])


def test_spikes_on_edges_that_binary_numbers_miss(tmp_path):
    times = np.round(np.arange(40) * 0.1, 1)  # 3 * 0.1 is more than 0.3
    io.savemat(tmp_path / "a.mat", {"S": cells([times[None]]), "start_time": np.array([[0.0, 1.0]])})
    options = {"axes": "unit", "unit_of_time": "ms", "bin": 0.1, "observed": "counts", "series": "S"}
    found = read(tmp_path / "a.mat", window=(0, 2.9), **options)
    assert (found.activity == 1).all()


@pytest.mark.parametrize(
    ("factor", "text"),
    [
        (1.0, "units fire 4.* spikes/s on average, which is impossible. Are spike ti"),
        (1e6, "no unit fires more often than once in 10 s, .* those of trials,"),
    ],
)
def test_spikes_in_another_unit_than_trials(factor, text, tmp_path):
    trains = [np.append(0.0, np.sort(RNG.uniform(0, 900, 4000)))[None] * factor for _ in range(2)]
    begin = np.arange(0.0, 30_000, 3000)[None]
    io.savemat(tmp_path / "a.mat", {"S": cells(trains), "start_time": begin})
    with pytest.raises(ValueError, match=text):
        read(tmp_path / "a.mat", axes="unit", unit_of_time="ms", series="S", window=(0, 1000))


def test_long_steps_are_means_whatever_they_divide():
    given = np.where(RNG.random((200, 2, 2)) < 0.05, np.nan, RNG.random((200, 2, 2)))
    found = resampled(Recording(given, dt=1.0), 16.7)
    fine = np.repeat(given, 10, axis=0)[: 167 * (2000 // 167)].reshape(-1, 167, 2, 2)
    np.testing.assert_allclose(found.activity, np.nanmean(fine, axis=1), rtol=1e-9)
    assert "(averaged)" in found.source


WRONG = {
    "one trial": (
        lambda r: r.of_trials(2),
        TypeError,
        r"trials must be a list of indices, a slice or a bool mask \(5,\)",
    ),
    "short mask": (lambda r: r.of_trials([True, False]), TypeError, r"got bool \(2,\)"),
    "no such trial": (lambda r: r.of_trials([9]), ValueError, "trials must be in 0..4; got 9"),
    "no trial": (lambda r: r.of_trials(slice(9, 12)), ValueError, "trials must be some of the recording's 5"),
    "no unit": (lambda r: r.of_units([]), ValueError, "units must be some of the recording's 3; none was chosen"),
    "no such unit": (lambda r: r.of_units([3]), ValueError, "units must be in 0..2; got 3"),
    "share": (lambda r: r.split(float("nan")), ValueError, "share must lie between 0 and 1; got nan"),
    "start": (lambda r: Recording(RATES, 1.0, start=np.nan), ValueError, "start must be finite"),
    "decay": (lambda r: simulated(RATES, 1, observed="calcium", decay=0), ValueError, "decay must be > 0"),
    "hz": (lambda r: simulated(RATES, 1, observed="counts", hz=-1), ValueError, "hz must be > 0"),
    "mask": (lambda r: simulated(RATES, 1, mask=np.full((T, B), 0.5)), ValueError, "mask must be bool"),
}


@pytest.mark.parametrize("case", WRONG)
def test_parts_that_are_none(case):
    call, kind, text = WRONG[case]
    with pytest.raises(kind, match=text):
        call(Recording(RATES, 10.0))


def test_names_in_bytes_and_rates_that_are_unknown():
    assert Recording(RATES, 1.0, units=np.array(["a", "b", "c"], "S")).units == ("a", "b", "c")
    assert Recording(RATES, 1.0).of_units(np.array(["2", "0"], object)).units == ("2", "0")
    unknown = np.where(np.arange(T)[:, None, None] == 3, np.nan, RATES)
    np.testing.assert_array_equal(simulated(unknown, 10, observed="counts", hz=99).is_observed, np.isfinite(unknown))
