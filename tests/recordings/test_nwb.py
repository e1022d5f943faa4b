"""Sessions in NWB files that pynwb wrote."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eicon import exchange
from eicon.models import RateRNN
from eicon.models.results import Activity
from eicon.recordings import read
from eicon.tasks import PerceptualDecision, Trial

from .labs import (
    COHERENCE,
    GO,
    SIDE,
    START,
    add_fluorescence,
    add_trials,
    add_units,
    session,
    spike_trains,
    write_nwb,
)

pytest.importorskip("pynwb")
TRAINS = spike_trains()


@pytest.fixture(scope="module")
def spikes(tmp_path_factory):
    nwb = session()
    add_trials(nwb)
    add_units(nwb, TRAINS)
    return write_nwb(tmp_path_factory.mktemp("nwb") / "spikes.nwb", nwb)


@pytest.fixture(scope="module")
def imaging(tmp_path_factory):
    import pynwb

    nwb = session()
    add_trials(nwb)
    add_fluorescence(nwb)
    light = np.repeat([0.0, 1.0, 0.0], [80, 40, 180])
    nwb.add_stimulus(pynwb.TimeSeries(name="light", data=light, unit="1", rate=20.0))
    nwb.add_acquisition(pynwb.TimeSeries(name="speed", data=light, unit="cm/s", timestamps=np.arange(300) / 20.0))
    return write_nwb(tmp_path_factory.mktemp("nwb") / "imaging.nwb", nwb)


def test_counts_of_whole_trials_are_padded_and_masked(spikes):
    found = read(spikes, bin=100, observed="counts")
    assert found.activity.shape == (20, 4, 3)
    assert found.mask.sum(axis=0).tolist() == [20, 15, 20, 10]
    for b in range(4):
        for m, train in enumerate(TRAINS):
            n = found.mask[:, b].sum()
            expected = np.histogram(train - START[b], np.arange(n + 1) * 0.1)[0]
            np.testing.assert_array_equal(found.activity[:n, b, m], expected)
    assert np.isnan(found.activity[~found.mask]).all()
    assert (found.units, found.dt, found.observed) == (("0", "1", "2"), 100.0, "counts")


def test_conditions_are_columns_that_are_no_times(spikes):
    found = read(spikes)
    assert list(found.conditions) == ["side", "coherence", "correct"]  # the name, or the description, says time
    assert found.conditions["side"].tolist() == SIDE
    assert found.conditions["coherence"].tolist() == COHERENCE
    assert list(read(spikes, conditions=["side"]).conditions) == ["side"]
    assert found.labels["region"].tolist() == ["V1", "M1", "V1"]
    assert read(spikes, names="cell").units == ("n0", "n1", "n2")
    assert read(spikes, names=["a", "b", "c"]).units == ("a", "b", "c")


def test_rates_around_an_event_are_kernels_of_spikes_near_and_far(spikes):
    """Beside a sum over all spikes of the session, also those outside of the window."""
    found = read(spikes, bin=20, align_to="go_time", window=(-200, 300), kernel="exponential", width=40)
    kept = [0, 1, 3]
    assert found.activity.shape == (25, 3, 3)
    assert found.conditions["side"].tolist() == [SIDE[i] for i in kept]
    assert found.start == -200.0
    for b, trial in enumerate(kept):
        edges = -0.2 + np.arange(26) * 0.02
        for m, train in enumerate(TRAINS):
            passed = np.maximum(edges[:, None] - (train - GO[trial]), 0)
            expected = np.diff((1 - np.exp(-passed / 0.04)).sum(axis=1)) / 0.02
            np.testing.assert_allclose(found.activity[:, b, m], expected, atol=1e-6)
    assert "1 of 4 trials without go_time left out" in found.source
    assert "causal exponential kernel of time constant 40 ms" in found.source


def test_rates_are_divided_by_what_a_rate_of_1_stands_for(spikes):
    one, many = read(spikes, bin=50, kernel="none"), read(spikes, bin=50, kernel="none", hz=20)
    np.testing.assert_allclose(many.activity * 20, one.activity)
    counts = read(spikes, bin=50, observed="counts")
    np.testing.assert_allclose(one.activity, counts.activity / 0.05)


def test_windows_reach_from_the_trial_to_an_event(spikes):
    found = read(spikes, bin=100, align_to="go_time", window=(None, 200), observed="counts")
    assert found.start == -500.0
    assert found.mask.sum(axis=0).tolist() == [7, 6, 5]
    first = np.flatnonzero(found.mask[:, 1])[0]
    span = GO[1] + found.time[first] / 1000
    assert found.activity[first, 1, 0] == ((TRAINS[0] >= span) & (TRAINS[0] < span + 0.1)).sum()


def test_pulses_between_events_cover_parts_of_steps(spikes):
    pulse = {"cue": ("start_time", "go_time"), "dots": ("start_time", 250, "coherence")}
    found = read(spikes, bin=200, inputs=pulse)
    assert found.input_channels == ("cue", "dots")
    np.testing.assert_allclose(found.inputs[:4, 0, 0], [1, 1, 0.5, 0])
    assert not found.inputs[:, 2, 0].any()  # no go_time
    np.testing.assert_allclose(found.inputs[:3, 3, 1], [0.8, 0.2, 0])


def test_what_was_not_observed_of_a_unit_is_nan(tmp_path):
    nwb = session()
    add_trials(nwb)
    spans = [[[0.0, 12.0]], [[4.5, 12.0]], [[0.0, 4.2], [6.5, 8.0]]]
    add_units(nwb, TRAINS, obs_intervals=spans)
    found = read(write_nwb(tmp_path / "a.nwb", nwb), bin=500, observed="counts")
    seen = found.is_observed[:, :, 1]
    assert seen.sum(axis=0).tolist() == [0, 2, 4, 2]
    assert found.is_observed[:, :, 2].sum(axis=0).tolist() == [4, 0, 3, 0]


def test_fluorescence_is_read_between_samples_and_averaged_over_them(imaging):
    found = read(imaging, decay=400)
    assert (found.observed, found.dt, found.units) == ("calcium", 50.0, ("2", "0"))
    assert found.labels["label"].tolist() == ["roi2", "roi0"]
    time = START[0] + found.time / 1000
    np.testing.assert_allclose(found.activity[:, 0, 0], time)
    np.testing.assert_allclose(found.activity[:, 0, 1], 5 - 2 * time)
    between = read(imaging, observed="rate", bin=20, align_to="go_time", window=(-90, 110))
    np.testing.assert_allclose(between.activity[:, 1, 0], GO[1] + (-90 + 20 * np.arange(10)) / 1000)
    means = read(imaging, observed="rate", bin=100, names="label")
    assert means.units == ("roi2", "roi0")
    np.testing.assert_allclose(means.activity[:, 0, 0], START[0] + means.time / 1000 + 0.025)


def test_beyond_the_samples_nothing_is_observed(imaging):
    found = read(imaging, observed="rate", bin=50, window=(0, 6000))
    last = found.time[found.is_observed[:, 3, 0]][-1]
    assert START[3] * 1000 + last == pytest.approx(14950)


def test_a_stimulus_of_the_file_is_an_input(imaging):
    found = read(imaging, decay=400, inputs="light")
    np.testing.assert_array_equal(found.inputs[:, 1, 0], (np.arange(40) < 30) | (np.arange(40) < 40))
    assert found.input_channels == ("light",)
    slow = read(imaging, series="speed", bin=100, observed="rate")  # 1-d, and only taken when asked for
    assert np.nanmax(slow.activity[:, 1]) == 1.0


def test_part_of_a_session_is_one_trial(tmp_path):
    nwb = session()
    add_units(nwb, TRAINS)
    path = write_nwb(tmp_path / "a.nwb", nwb)
    found = read(path, window=(1000, 3000), bin=100, observed="counts")
    assert found.activity.shape == (20, 1, 3)
    assert found.activity[:, 0, 0].sum() == ((TRAINS[0] >= 1) & (TRAINS[0] < 3)).sum()
    with pytest.raises(ValueError, match=r"a.nwb has no trials table. To read a part .* window=\(from, to\) in ms"):
        read(path)


def test_several_recordings_in_a_file_are_listed(tmp_path):
    nwb = session()
    add_trials(nwb)
    add_units(nwb, TRAINS)
    add_fluorescence(nwb)
    path = write_nwb(tmp_path / "both.nwb", nwb)
    text = r"2 recordings; it has units \(spike times of 3 units\), ophys/DfOverF/dff \(RoiResponseSeries, 300 x 2\)"
    with pytest.raises(ValueError, match=text):
        read(path)
    assert read(path, series="units").n_units == 3
    assert read(path, series="dff", decay=400).n_units == 2
    with pytest.raises(ValueError, match="no series 'none'"):
        read(path, series="none")


@pytest.fixture(scope="module")
def own():
    task = PerceptualDecision.variable()
    net = RateRNN.dale(task.n_in, 6, task.n_out, units={"name": list("abcdef")}, seed=1)
    rng, stops = np.random.default_rng(0), np.array([30, 18, 24, 30], np.int32)
    epochs = {
        "stimulus": np.stack([0 * stops, stops - 6], axis=1),
        "decision": np.stack([stops - 6, stops], axis=1),
    }
    inside = (np.arange(30)[:, None] < stops).astype(np.float32)
    conditions = {"choice": np.array([0, 1, 1, 0]), "coherence": np.array([0.1, 0.2, 0.1, 0.4], np.float32)}
    outputs, rates, currents = (rng.random((30, 4, n), np.float32) for n in (2, 6, 6))
    trial = Trial(rng.random((30, 4, 2), np.float32), outputs, inside, conditions, epochs)
    done = Activity(outputs, rates, {"x": currents})
    return net, *(jax.tree.map(jnp.asarray, one) for one in (trial, done)), task


WRITERS = {
    "a.nwb": exchange.to_nwb,
    "a.mat": exchange.to_mat,
    "a.nc": exchange.files.write_netcdf,
    "a.zarr": exchange.files.write_zarr,
}


@pytest.mark.parametrize("name", WRITERS)
def test_files_that_eicon_wrote_are_recordings(name, own, tmp_path):
    net, trial, activity, task = own
    WRITERS[name](tmp_path / name, net, trial, activity, task=task)
    found = read(tmp_path / name)
    inside = np.asarray(trial.mask) > 0
    assert (found.units, found.dt, found.observed) == (tuple("abcdef"), 20.0, "rate")
    np.testing.assert_array_equal(found.mask[: len(inside)], inside[: found.n_steps])
    np.testing.assert_allclose(found.activity[found.mask], np.asarray(activity.rates)[: found.n_steps][found.mask])
    np.testing.assert_allclose(found.inputs, np.asarray(trial.inputs)[: found.n_steps])
    assert found.input_channels == tuple(task.input_channels)
    np.testing.assert_array_equal(found.conditions["choice"], np.asarray(trial.conditions["choice"]))
    currents = read(tmp_path / name, observed="current")
    inside = found.mask
    np.testing.assert_allclose(currents.activity[inside], np.asarray(activity.currents)[: found.n_steps][inside])
    assert currents.observed == "current"
    outputs = read(tmp_path / name, observed="output")
    assert (outputs.n_units, outputs.units) == (2, ("0", "1"))
    other = [f"u{i}" for i in range(6)]
    assert read(tmp_path / name, names=other, observed="calcium", decay=100).observed == "calcium"
    assert read(tmp_path / name, names=other).units == tuple(other)
    shown = np.ones((*found.activity.shape[:2], 1))
    np.testing.assert_array_equal(read(tmp_path / name, inputs=shown).inputs, shown)
    with pytest.raises(ValueError, match="dt=5 ms, but steps of .* have 20 ms|to which dt does not apply"):
        read(tmp_path / name, dt=5)


def test_seconds_and_stops_are_told_apart(spikes):
    with pytest.raises(
        ValueError, match=r"all 240 spikes lie between .* Are spike times in seconds\? Pass unit_of_time"
    ):
        read(spikes, unit_of_time="ms", window=(0, 6000))
    with pytest.raises(ValueError, match="none of the 240 spikes lies in a window: spikes are between .* same unit of"):
        read(spikes, window=(50000, 60000))
