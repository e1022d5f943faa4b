"""Small files of every kind that eicon reads, and what reads them."""

import bz2
import gzip
import importlib.util
import io
import json
import lzma
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import networkx
import numpy as np
from scipy import io as scipy_io
from scipy import sparse

from eicon import _files, connectomes, exchange
from eicon.connectomes._names import read_names
from eicon.models import Adapting, Connectivity, Leaky, LowRank, Plastic, RateRNN, load
from eicon.recordings import Recording
from eicon.recordings import files as recording_files
from eicon.recordings import read as read_recording
from eicon.training._checkpoint import Checkpoint, read_checkpoint, read_history, write_checkpoint
from eicon.training._history import History

from .mutations import (
    BYTES,
    HEADERS,
    MEMBERS,
    TEXT,
    Mutation,
    bomb,
    changed_json,
    lying_npy,
    packed,
    unlisted,
)

ORACLE = Path(__file__).parents[1] / "oracle" / "data"
NAMES = ("V1", "LM", "AL", "PM", "RL")


@dataclass(frozen=True)
class Target:
    """A file, and how it is damaged.

    ``strict`` mutations change nothing that eicon may accept with another content: the format has checksums.
    """

    name: str
    file: str
    data: bytes
    read: Callable[[Path], Any]
    strict: tuple[Mutation, ...] = ()
    loose: tuple[Mutation, ...] = ()


def content(value: Any) -> Any:
    """What was read, in a form that can be compared."""
    if isinstance(value, RateRNN):
        leaves = [content(leaf) for leaf in jax.tree.leaves(value.network)]
        return [leaves, content(value.constants), sorted(value.trainable_variables()), content(dict(value.units))]
    if isinstance(value, connectomes.Connectome):
        fields = {key: field for key, field in vars(value).items() if key != "adjacency"}
        return [content(fields), *(content(a) for a in (value.source, value.target, value.weight))]
    if isinstance(value, Recording):
        return content(vars(value))
    if isinstance(value, jax.Array | np.ndarray | np.generic):
        array = np.asarray(value)
        return (array.dtype.str, array.shape, array.tobytes())
    if isinstance(value, Mapping):
        return {key: content(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [content(inner) for inner in value]
    return repr(value)


def targets(folder: Path) -> list[Target]:
    """All of them; ``folder`` is where originals are written."""
    return [*_of_eicon(folder), *_connectomes(folder), *_recordings(folder), *_texts(folder)]


def _of_eicon(folder: Path) -> list[Target]:
    sealed = (*BYTES, *MEMBERS, *HEADERS, *HEADERS, packed, bomb)
    net = RateRNN(
        Connectivity.dale(8, 0.5),
        LowRank.drawn(2, 1, n_post=8, seed=2),
        Connectivity.dense(8, 2),
        cell=Plastic(Adapting(Leaky("tanh", gain=True))),
        units={"cell": np.array(list("AABBCCCC"))},
        share={"tau_f": "cell"},
        train=("recurrent", "tau", "bias"),
        noise_covariance=np.eye(8),
    )
    net.save(folder / "net.npz")
    plain = RateRNN.dale(2, 10, 2)
    exchange.write_numpy(folder / "plain", plain)
    small = _connectome()
    small.save(folder / "small.npz")
    rng = np.random.default_rng(0)
    values = {name: rng.normal(size=shape).astype(np.float32) for name, shape in (("raw_rec", (5, 5)), ("b_rec", (5,)))}
    steps = {name: rng.random(6) for name in ("loss", "accuracy", "grad_norm", "seconds", "damping")}
    steps |= {name: np.full(6, np.nan) for name in ("compile_seconds", "validation_seconds")} | {"stage": np.zeros(6)}
    validations = {f"validation_{name}": rng.random(2) for name in ("loss", "accuracy", "worst")}
    history = History({**steps, **validations, "validation_step": [3, 6]})
    best = {**values, "step": np.asarray(3), "rank": np.array([0.5, -0.1])}
    setup = {"stages": ["A()"], "learner": {"kind": "adam"}, "network": {"n": 5}, "at": 0, "first": 0, "before": None}
    write_checkpoint(folder / "state.npz", Checkpoint(values, {"count": np.asarray(6)}, best, history, setup))
    curves = {name: rng.random(10) for name in ("loss", "accuracy")}
    _files.save_arrays(folder / "run.npz", curves, kind="record", version=1, header={"seed": 1, "grid": {"a": [1, 2]}})
    loose = (unlisted,) * 6

    def record(path: Path) -> Any:
        return _files.load_arrays(path, kind="record", version=1)

    def numpy_folder(path: Path) -> Any:
        return exchange.read_numpy(path.parent)

    made = [
        ("network", "net.npz", load),
        ("checkpoint", "state.npz", read_checkpoint),
        ("history", "state.npz", read_history),
        ("connectome", "small.npz", connectomes.load),
        ("record", "run.npz", record),
    ]
    found = [Target(name, file, (folder / file).read_bytes(), read, sealed, loose) for name, file, read in made]
    written = (folder / "plain" / "weights.npz").read_bytes()
    found.append(Target("weights", "weights.npz", written, numpy_folder, sealed, ()))
    for name in ("published", "areas"):
        old = (ORACLE / f"{name}.net.npz").read_bytes()
        found.append(Target(f"0.1.0 {name}", "old.npz", old, load, (*BYTES, packed, bomb), (*MEMBERS, *HEADERS)))
    return found


def _connectome() -> connectomes.Connectome:
    rng = np.random.default_rng(1)
    weights = np.round(rng.random((5, 5)), 3) * (rng.random((5, 5)) < 0.6)
    return connectomes.Connectome(
        weights,
        NAMES,
        name="small",
        species="mouse",
        sign=[1, 1, -1, 0, 1],
        labels={"type": ("E", "E", "I", "", "E")},
        coordinates=rng.random((5, 3)),
        densities=rng.random(5),
        provenance="drawn",
    )


def _connectomes(folder: Path) -> list[Target]:
    small = _connectome()
    weights = small.weights
    lines = [f"{NAMES[i]},{NAMES[j]},{weights[i, j]!s}" for i, j in zip(*np.nonzero(weights), strict=True)]
    matrix = [f",{','.join(NAMES)}"] + [f"{n},{','.join(map(str, row))}" for n, row in zip(NAMES, weights, strict=True)]
    csv, listed = "\n".join(matrix).encode(), ("source,target,weight\n" + "\n".join(lines) + "\n").encode()
    graph = networkx.DiGraph()
    graph.add_weighted_edges_from(
        (NAMES[i], NAMES[j], float(weights[i, j])) for i, j in zip(*np.nonzero(weights), strict=True)
    )

    def wrote(write: Callable[..., Any], *before: Any) -> bytes:
        stream = io.BytesIO()
        write(*before, stream)
        return stream.getvalue()

    def as_matrix(path: Path) -> Any:
        return connectomes.read_matrix(path, rows="source")

    def own(path: Path) -> Any:
        return connectomes.load(path, rows="source")

    def as_cect(path: Path) -> Any:
        return connectomes.read_cect(str(path))

    def bio2art(path: Path) -> Any:
        return connectomes.read_bio2art("own", path.parent, rows="source")

    def tvb(stream: Any) -> None:
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("weights.txt", "\n".join(" ".join(map(str, row)) for row in weights))
            archive.writestr("centres.txt", "\n".join(f"{name} {i} 2 3" for i, name in enumerate(NAMES)))

    cect = {"nodes": ["AVAL", "AVAR", "DD1"], "connections": {"Generic_CS": [[0, 1, 0], [2, 0, 0], [0, 0.5, 0]]}}
    pickled = b"\x80\x02](" + b"".join(b"X" + len(n).to_bytes(4, "little") + n.encode() for n in NAMES) + b"e."
    units = b"id,type,x,y,z\n" + b"".join(f"{n},T{i},{i},1,2\n".encode() for i, n in enumerate(NAMES))
    text, summed, sums = (*BYTES, *TEXT), (*BYTES, packed, bomb), MEMBERS
    sparse_arrays = {"csr": sparse.csr_array(weights), "coo": sparse.coo_array(weights)}
    variables = {"W": weights, "names": np.array(NAMES, object)}
    found = [
        Target("matrix.csv", "m.csv", csv, as_matrix, (), text),
        Target("matrix.tsv", "m.tsv", csv.replace(b",", b"\t"), own, (), text),
        Target("list.csv", "l.csv", listed, connectomes.read_edges, (), text),
        Target("list.csv.gz", "l.csv.gz", gzip.compress(listed, mtime=0), connectomes.read_edges, (), BYTES),
        Target("list.csv.bz2", "l.csv.bz2", bz2.compress(listed), connectomes.read_edges, (), BYTES),
        Target("list.csv.xz", "l.csv.xz", lzma.compress(listed), connectomes.read_edges, (), BYTES),
        Target("units.csv", "u.csv", units, connectomes.read_units, (), text),
        Target("names.lst", "Names_x.lst", pickled, read_names, (), BYTES),
        Target("cect.json", "Own.json", json.dumps(cect).encode(), as_cect, (), (*text, *(changed_json,) * 6)),
        Target("tvb.zip", "t.zip", wrote(tvb), as_matrix, summed, sums),
        Target("graph.graphml", "g.graphml", wrote(networkx.write_graphml, graph), connectomes.read_edges, (), text),
        Target("graph.gexf", "g.gexf", wrote(networkx.write_gexf, graph), connectomes.read_edges, (), text),
    ]
    npy = wrote(lambda stream: np.save(stream, weights))
    found += [
        Target("matrix.npy", "m.npy", npy, as_matrix, (), (*BYTES, *(lying_npy,) * 8)),
        Target("bio2art", "C_own.npy", npy, bio2art, (), (*BYTES, *(lying_npy,) * 8)),
    ]
    archive = wrote(lambda stream: np.savez(stream, W=weights, names=np.array(NAMES)))
    found.append(Target("matrix.npz", "m.npz", archive, as_matrix, summed, sums))
    for name, matrix in sparse_arrays.items():
        data = wrote(lambda stream, matrix=matrix: sparse.save_npz(stream, matrix))
        found.append(Target(f"{name}.npz", "s.npz", data, as_matrix, summed, sums))
    for name, matrix in {**sparse_arrays, "array": weights}.items():
        data = wrote(lambda stream, matrix=matrix: scipy_io.mmwrite(stream, matrix))
        found.append(Target(f"{name}.mtx", "m.mtx", data, as_matrix, (), text))
    for name, content_of, options in (
        ("plain", variables, {}),
        ("packed", variables, {"do_compression": True}),
        ("sparse", {"W": sparse.csc_array(weights)}, {}),
        ("old", {"W": weights}, {"format": "4"}),
    ):
        data = wrote(lambda s, v=content_of, o=options: scipy_io.savemat(s, v, **o))
        found.append(Target(f"{name}.mat", "m.mat", data, as_matrix, (), BYTES))
    columns = {"source": [line.split(",")[0] for line in lines], "target": [line.split(",")[1] for line in lines]}
    if importlib.util.find_spec("pyarrow"):
        import pyarrow
        from pyarrow import feather, parquet

        table = pyarrow.table({**columns, "weight": weights[weights != 0]})
        for name, write in (("feather", feather.write_feather), ("parquet", parquet.write_table)):
            data = wrote(write, table)
            found.append(Target(f"list.{name}", f"l.{name}", data, connectomes.read_edges, (), BYTES))
    if importlib.util.find_spec("h5py"):
        import h5py

        with h5py.File(folder / "m.h5", "w") as file:
            file["W"], file["names"] = weights, np.array(NAMES, "S")
        found.append(Target("matrix.h5", "m.h5", (folder / "m.h5").read_bytes(), as_matrix, (), BYTES))
    return found


def _recordings(folder: Path) -> list[Target]:
    from eicon.exchange._mat import read_mat, to_mat
    from eicon.tasks import PerceptualDecision

    task = PerceptualDecision()
    net = RateRNN.dale(task.n_in, 6, task.n_out)
    trial = task.sample(jax.random.key(0), 2)
    activity = net.predict(trial.inputs, noise=False)
    to_mat(folder / "rec.mat", net, trial, activity, task=task)
    found = [Target("activity.mat", "rec.mat", (folder / "rec.mat").read_bytes(), read_mat, BYTES)]
    return [*found, *_recordings_of_labs(folder)]


def _recordings_of_labs(folder: Path) -> list[Target]:
    rates = np.random.default_rng(2).random((6, 4, 3)).round(3)
    side = np.array([0.0, 1.0, 1.0, 0.0])
    cut = {"axes": "time trial unit", "dt": 10}
    spikes = np.empty((2, 4), object)
    for u, k in np.ndindex(2, 4):
        spikes[u, k] = np.arange(1.0, 50.0, 7.0 + u + k)[None]
    trials = np.empty((1, 4), object)
    trials[0] = [rates[: 6 - k, k].T for k in range(4)]
    of_spikes = {"axes": "unit trial", "unit_of_time": "ms", "window": (0, 60), "series": "spikes"}
    sealed, summed = (*BYTES, *MEMBERS, *HEADERS, packed, bomb), (*BYTES, packed, bomb)
    damaged, text = BYTES, (*BYTES, *TEXT)

    def own(path: Path) -> None:
        recording_files.write(path, Recording(rates, dt=10.0, conditions={"side": side}, labels={"area": list("aab")}))

    def npz(path: Path) -> None:
        np.savez(path, rates=rates, side=side)

    def npy(path: Path) -> None:
        np.save(path, rates)

    def mat(path: Path) -> None:
        scipy_io.savemat(path, {"spikes": spikes, "side": side[None], "session": {"animal": "M1"}})

    def cells(path: Path) -> None:
        scipy_io.savemat(path, {"rates": trials, "side": side[None]}, do_compression=True)

    def csv(path: Path) -> None:
        rows = [f"{k},{t * 10},{a},{b},{c}" for k in range(4) for t, (a, b, c) in enumerate(rates[:, k])]
        path.write_text("\n".join(["trial,time_ms,x,y,z", *rows]) + "\n")

    made: list[tuple[str, Callable[[Path], None], dict[str, Any], Any, Any]] = [
        ("own.npz", own, {}, sealed, ()),
        ("trials.npz", npz, cut, summed, MEMBERS),
        ("trials.npy", npy, cut, (), (*BYTES, *(lying_npy,) * 8)),
        ("spikes.mat", mat, of_spikes, (), damaged),
        ("cells.mat", cells, {"axes": "unit time", "dt": 10}, (), damaged),
        ("long.csv", csv, {}, (), text),
    ]
    if importlib.util.find_spec("h5py"):
        import h5py

        from ..recordings.labs import write_mat73

        def hdf5(path: Path) -> None:
            with h5py.File(path, "w") as file:
                file["rates"], file["side"] = rates, side

        def mat73(path: Path) -> None:
            write_mat73(path, {"spikes": spikes, "side": side[None], "session": {"animal": "M1"}})

        made += [("rates.h5", hdf5, cut, (), damaged), ("spikes73.mat", mat73, of_spikes, (), damaged)]
    if importlib.util.find_spec("h5netcdf") and importlib.util.find_spec("xarray"):
        import xarray

        def netcdf(path: Path) -> None:
            data = xarray.Dataset({"rates": (("time", "trial", "unit"), rates), "side": ("trial", side)})
            data.to_netcdf(path, engine="h5netcdf")

        made.append(("rates.nc", netcdf, {"dt": 10, "series": "rates"}, (), damaged))
    if importlib.util.find_spec("pynwb"):
        from ..recordings.labs import add_fluorescence, add_trials, add_units, session, spike_trains, write_nwb

        def nwb(path: Path) -> None:
            one = session()
            add_trials(one)
            add_units(one, spike_trains())
            add_fluorescence(one)
            write_nwb(path, one)

        made += [
            ("spikes.nwb", nwb, {"series": "units", "bin": 100}, (), damaged),
            ("imaging.nwb", nwb, {"series": "dff", "decay": 400, "bin": 200}, (), damaged),
        ]
    found = []
    for name, write, options, strict, loose in made:
        write(folder / name)

        def read(path: Path, options: dict[str, Any] = options) -> Any:
            return read_recording(path, **options)

        found.append(Target(f"recording {name}", name, (folder / name).read_bytes(), read, strict, loose))
    return found


def _texts(folder: Path) -> list[Target]:
    record = {"state": "trained", "steps": 60, "seconds": 1.5, "eicon": "0.2.0", "verify": {"ok": True, "problems": []}}
    analysis = {"choice": {"accuracy": 0.9}, "accuracy_by_coherence": {"3.2": 0.6, "51.2": 1.0}, "tau": [1.0, 2.0]}
    damage = (*BYTES, *TEXT, *(changed_json,) * 8)
    found = []
    for name, value in (("run.json", record), ("analysis.json", analysis)):

        def read(path: Path, name: str = name) -> Any:
            return _files.read_json(path, name)

        found.append(Target(name, name, json.dumps(value, indent=2).encode(), read, (), damage))
    for name, text in RECIPES.items():
        found.append(Target(name, "recipe.toml", text.encode(), _read_recipe, (), (*BYTES, *(*TEXT, *TEXT))))
    return found


def _read_recipe(path: Path) -> Any:
    from eicon.runs import read_recipe  # the one line that knows its name

    return read_recipe(path)


RECIPES = {
    "train.toml": """
seed = 3
[task]
name = "PerceptualDecision"
[network]
n_rec = 20
spectral_radius = 1.5
sigma_rec = 0.15
[training]
steps = 60
batch_size = 16
learning_rate = 0.01
validate_every = 20
stop_accuracy = 0.9
""",
    "sweep.toml": """
seed = 3
[connectome]
name = "celegans"
neurons = 2
[task]
name = "SequenceMemory"
pattern_length = 2
[training]
epochs = 4
repeats = 2
n_trials = 20
batch_size = 10
[grid]
training.learning_rate = [0.01, 0.001]
""",
}
