"""Files as laboratories write them."""

from datetime import UTC, datetime

import h5py
import numpy as np

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
START = np.array([1.0, 4.0, 6.5, 10.0])
"""Trials of a session, s."""
STOP = START + np.array([2.0, 1.5, 2.0, 1.0])
GO = START + np.array([0.5, 0.4, np.nan, 0.3])
SIDE = ["left", "right", "left", "right"]
COHERENCE = [0.1, 0.2, 0.4, 0.8]
IMAGES = np.arange(0.0, 15.0, 0.05)
"""Times of samples, s."""


def spike_trains(n=3, seconds=12.0, seed=0):
    rng = np.random.default_rng(seed)
    return [np.sort(rng.uniform(0, seconds, 60 + 20 * i)) for i in range(n)]


def fluorescence():
    """Samples (S, 2) that are linear in time, so that values between them are known."""
    return np.stack([IMAGES, 5 - 2 * IMAGES], axis=1)


def session():
    import pynwb

    return pynwb.NWBFile(session_description="test", identifier="test", session_start_time=NOON)


def add_trials(nwb, **left_out):
    for i in range(4):
        nwb.add_trial(start_time=START[i], stop_time=STOP[i])
    columns = {
        "go_time": ("when to go", GO),
        "side": ("which side", SIDE),
        "coherence": ("of the dots", COHERENCE),
        "tone": ("second half of the trial, in s", (START + STOP) / 2),
        "correct": ("whether", [True, True, False, True]),
    }
    for name, (about, values) in columns.items():
        if name not in left_out:
            nwb.add_trial_column(name=name, description=about, data=list(values))


def add_units(nwb, trains, **more):
    nwb.add_unit_column("region", "where it is")
    nwb.add_unit_column("cell", "its name")
    for i, train in enumerate(trains):
        nwb.add_unit(spike_times=train, region=["V1", "M1"][i % 2], cell=f"n{i}", **{k: v[i] for k, v in more.items()})


def add_fluorescence(nwb):
    from pynwb.ophys import DfOverF, ImageSegmentation, OpticalChannel

    device = nwb.create_device(name="microscope")
    plane = nwb.create_imaging_plane(
        name="plane",
        optical_channel=OpticalChannel(name="green", description="", emission_lambda=500.0),
        description="",
        device=device,
        excitation_lambda=600.0,
        indicator="GCaMP6f",
        location="V1",
    )
    module = nwb.create_processing_module("ophys", "imaging")
    segmentation = ImageSegmentation()
    module.add(segmentation)
    table = segmentation.create_plane_segmentation(name="cells", description="", imaging_plane=plane)
    table.add_column("label", "of a cell")
    for i in range(3):
        table.add_roi(pixel_mask=[(i, i, 1.0)], label=f"roi{i}")
    rois = table.create_roi_table_region(region=[2, 0], description="two of them")
    found = DfOverF()
    module.add(found)
    found.create_roi_response_series(name="dff", data=fluorescence(), rois=rois, unit="1", rate=20.0, starting_time=0.0)


def write_nwb(path, nwb):
    import pynwb

    with pynwb.NWBHDF5IO(str(path), "w") as file:
        file.write(nwb)
    return path


def write_mat73(path, variables):
    """A file of MATLAB 7.3: arrays with their axes reversed, cells as references."""
    with h5py.File(path, "w", userblock_size=512) as file:

        def put(place, name, value):
            if isinstance(value, list):
                cells = np.empty((1, len(value)), object)
                cells[0] = value
                value = cells
            if getattr(value, "dtype", None) is not None and value.dtype.names:  # several structs
                group = place.create_group(name)
                group.attrs["MATLAB_class"] = np.bytes_("struct")
                for key in value.dtype.names:
                    put(group, key, value[key])
                    del group[key].attrs["MATLAB_class"]
                return
            if isinstance(value, dict):
                group = place.create_group(name)
                group.attrs["MATLAB_class"] = np.bytes_("struct")
                for key, inner in value.items():
                    put(group, key, inner)
                return
            if isinstance(value, str):
                data, kind = np.array([[ord(letter)] for letter in value], np.uint16), "char"
            elif value.dtype == object:
                data, kind = np.empty(value.T.shape, h5py.ref_dtype), "cell"
                refs = file.require_group("#refs#")
                for at, inner in np.ndenumerate(value.T):
                    key = f"r{len(refs)}"
                    put(refs, key, inner)
                    data[at] = refs[key].ref
            else:
                data, kind = value.T, {"bool": "logical"}.get(value.dtype.name, value.dtype.name)
                data = data.astype(np.uint8) if kind == "logical" else data
                kind = "double" if kind == "float64" else kind
            made = place.create_dataset(name, data=data)
            made.attrs["MATLAB_class"] = np.bytes_(kind)

        for name, value in variables.items():
            put(file, name, value)
    with open(path, "r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Thu Jan  1 12:00:00 2026 HDF5 schema 1.00 .")
    return path
