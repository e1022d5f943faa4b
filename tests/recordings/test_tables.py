"""Folders of csv, labelled arrays, and eicon's own files of recordings."""

import numpy as np
import pytest
import xarray as xr

from eicon.recordings import Recording, files, read

RNG = np.random.default_rng(2)
RATES = RNG.random((6, 3, 2)).round(3)
LENGTHS = (6, 4, 5)


def lines(*rows):
    return "\n".join(",".join(map(str, row)) for row in rows) + "\n"


def trial_rows(i, *before):
    return [(*before, t * 0.02, *RATES[t, i]) for t in range(LENGTHS[i])]


def test_a_table_per_trial_in_the_order_of_their_numbers(tmp_path):
    for i, number in enumerate((2, 10, 1)):
        (tmp_path / f"trial_{number}.csv").write_text(lines(("time_s", "a", "b"), *trial_rows(i)))
    rows = [(1, "go", 50), (2, "stop", 20), (10, "go", "")]
    (tmp_path / "trials.csv").write_text(lines(("trial", "cue", "tone_time"), *rows))
    found = read(tmp_path, unit_of_time="ms", inputs={"tone": ("tone_time", 20)})
    assert (found.units, found.dt) == (("a", "b"), 20.0)
    assert found.mask.sum(axis=0).tolist() == [5, 6, 4]
    np.testing.assert_array_equal(found.activity[:5, 0], RATES[:5, 2])
    assert found.conditions["cue"].tolist() == ["go", "stop", "go"]
    np.testing.assert_allclose(found.inputs[:5, :, 0].T, [[0, 0, 0.5, 0.5, 0], [0, 1, 0, 0, 0], [0] * 5])


def test_one_long_table(tmp_path):
    rows = [row for i in range(3) for row in trial_rows(i, f"t{i}")]
    (tmp_path / "all.csv").write_text(lines(("trial", "time", "x", "y"), *rows).replace(",0.02,", ",0.02,", 1))
    (tmp_path / "trials.csv").write_text(lines(("trial", "side"), ("t2", 5), ("t0", 3), ("t1", 4)))
    for place in (tmp_path, tmp_path / "all.csv"):
        found = read(place, unit_of_time="s")
        assert found.mask.sum(axis=0).tolist() == list(LENGTHS)
        np.testing.assert_array_equal(found.activity[:4, 1], RATES[:4, 1])
        assert found.conditions["side"].tolist() == [3, 4, 5]
    with pytest.raises(ValueError, match="column 'time': the unit of the times is unknown; pass unit_of_time"):
        read(tmp_path)


def test_cells_that_are_empty_were_not_observed(tmp_path):
    (tmp_path / "a.csv").write_text("u;v\n1;2\n;4\n5;6\n")
    found = read(tmp_path / "a.csv", dt=10, observed="rate")
    np.testing.assert_array_equal(found.activity[:, 0], [[1, 2], [np.nan, 4], [5, 6]])


def test_a_table_of_spikes(tmp_path):
    (tmp_path / "spikes.csv").write_text(
        lines(("unit", "time"), ("n2", 1.05), ("n10", 1.15), ("n2", 1.16), ("n2", 3.0))
    )
    rows = [(1.0, 1.5, "a"), (3.0, 3.2, "b")]
    (tmp_path / "trials.csv").write_text(lines(("start_time", "stop_time", "kind"), *rows))
    found = read(tmp_path, unit_of_time="s", bin=100, observed="counts")
    assert found.units == ("n2", "n10")
    np.testing.assert_array_equal(found.activity[:, :, 0], [[1, 1], [1, 0], [0, np.nan], [0, np.nan], [0, np.nan]])
    assert found.conditions["kind"].tolist() == ["a", "b"]


def dataset():
    return xr.Dataset(
        {
            "rate": (("trial", "unit", "time"), RATES.transpose(1, 2, 0)),
            "light": (("trial", "input", "time"), np.ones((3, 1, 6))),
        },
        {
            "time": ("time", np.arange(6) * 0.01 - 0.02, {"units": "s"}),
            "unit": ["AVAL", "AVAR"],
            "side": ("trial", ["l", "r", "l"]),
            "region": ("unit", ["head", "tail"]),
        },
    )


@pytest.mark.parametrize("form", ["memory", "netcdf", "zarr"])
def test_labelled_arrays_say_what_their_axes_are(form, tmp_path):
    data = dataset()
    if form == "netcdf":
        data.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    elif form == "zarr":
        data.to_zarr(tmp_path / "a.zarr", zarr_format=2)
    source = {"memory": data, "netcdf": tmp_path / "a.nc", "zarr": tmp_path / "a.zarr"}[form]
    found = read(source, inputs="light")
    np.testing.assert_array_equal(found.activity, RATES)
    assert (found.units, found.dt, found.start) == (("AVAL", "AVAR"), 10.0, -20.0)
    assert found.conditions["side"].tolist() == ["l", "r", "l"]
    assert found.labels["region"].tolist() == ["head", "tail"]
    assert found.inputs.shape == (6, 3, 1)
    assert read(source, names="region").units == ("head", "tail")


def test_several_arrays_of_a_dataset_are_listed():
    data = dataset()
    data["current"] = 2 * data.rate
    with pytest.raises(ValueError, match=r"2 arrays of activity; it has rate \(trial, unit, time\), light .* current"):
        read(data)
    assert read(data, series="current", observed="current").activity.max() == 2 * RATES.max()


def test_a_recording_is_written_and_read(tmp_path):
    given = Recording(
        np.where(RATES > 0.9, np.nan, RATES),
        dt=5,
        units=["a", "b"],
        inputs=RNG.random((6, 3, 2)),
        mask=np.arange(6)[:, None] < np.array(LENGTHS),
        conditions={"side": ["l", "r", "l"], "n": [1, 2, 3]},
        observed="calcium",
        decay=100,
        start=-10,
        labels={"region": ["x", "y"]},
        input_channels=["one", "two"],
        source="test",
    )
    files.write(tmp_path / "a.npz", given)
    found = read(tmp_path / "a.npz")
    for name in ("activity", "inputs", "mask"):
        np.testing.assert_array_equal(getattr(found, name), getattr(given, name))
    for name in ("dt", "units", "observed", "hz", "decay", "start", "input_channels", "source"):
        assert getattr(found, name) == getattr(given, name)
    for group in ("conditions", "labels"):
        for name, values in getattr(given, group).items():
            np.testing.assert_array_equal(getattr(found, group)[name], values)
    assert read(tmp_path / "a.npz", bin=10).dt == 10
    with pytest.raises(ValueError, match="contains a recording of eicon, to which names does not apply; omit it"):
        read(tmp_path / "a.npz", names=["c", "d"])
