"""Two circuits of known wiring: the premotor circuit of a fly larva, and the oculomotor integrator of a zebrafish.

The files belong to other laboratories and are read from the user's folder.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..._files import named
from ..._hdf5 import check_heaps
from ..._matlab import mat_content
from ..._optional import optional
from ...connectomes import Connectome, read_npz
from ...models import Connectivity, Leaky, RateRNN, activation
from ...models._cells import Cell
from ._units import Shifted

LARVA, ZEBRAFISH = "larva", "zebrafish"
NO_DATA = (
    "{path} is missing: the wiring diagrams are other laboratories' data, which eicon does not contain. "
    "larva_premotor.h5 is of Zarin et al. (2019), eLife 8:e51781; zebrafish_ConnMatrix.mat, zebrafish_cellIDType.mat "
    "and zebrafish_totalInputs.mat are of Vishwanathan et al. (2024), Nature Neuroscience."
)


@activation
def linear(x):
    """Return the current as the rate."""
    return x


class Circuit(NamedTuple):
    """Settings of a circuit.

    Attributes
    ----------
    cell : cell of its units
    tau, dt : ms
    steps : steps of a trial
    trials : number of fitted trials, and of held-out trials
    train : parameters that students learn
    senders : types of units that send to others in the circuit, from which recorded units are drawn
    """

    cell: Cell
    tau: float
    dt: float
    steps: int
    trials: int
    train: tuple[str, ...]
    senders: tuple[str, ...]


CIRCUITS = {
    LARVA: Circuit(Shifted("softplus"), 50.0, 10.0, 120, 12, ("gain", "shift"), ("premotor E", "premotor I")),
    ZEBRAFISH: Circuit(Leaky(linear(), gain=True), 100.0, 20.0, 200, 10, ("gain",), ("_Axl_", "_DOs_", "_Int_")),
}


def larva(folder: Path) -> Connectome:
    """Read the premotor and motor neurons of a fly larva; weights are fractions of the target's input.

    Rows of the file are targets: those of ``Jpm`` are motor neurons, and entries of one row have a common denominator.
    Signs are those of transmitters, 0 if unknown; motor neurons are excitatory (they only target muscles). Labels
    ``forward`` and ``backward`` are the position of a motor neuron in the order of bursts, "" where the file has -1.
    """
    path = _there(folder / "larva_premotor.h5")
    h5py = optional("h5py", needed_by=path)
    check_heaps(path)
    with named(path, "file of the larva's premotor circuit"), h5py.File(path, "r") as file:
        inner, outer, order = (np.asarray(file[key], np.float64) for key in ("Jpp", "Jpm", "mnorder"))
        premotor, motor, transmitter = ([text.decode() for text in file[key][()]] for key in ("p", "m", "nt"))
        n, m = len(premotor), len(motor)
        weights = np.zeros((n + m, n + m))
        weights[:n, :n], weights[:n, n:] = inner.T, outer.T
    places = {
        name: ("",) * n + tuple(f"{place:.0f}" if place > 0 else "" for place in row)
        for name, row in zip(("forward", "backward"), order, strict=True)
    }
    return Connectome(
        weights,
        (*premotor, *motor),
        name="larva premotor",
        species="Drosophila melanogaster, larva",
        sign=[{"exc": 1, "inh": -1}.get(text, 0) for text in transmitter] + [1] * m,
        labels={
            "region": ("premotor",) * n + ("motor",) * m,
            "transmitter": (*("" if text == "unknown" else text for text in transmitter), *("",) * m),
            "segment": tuple(name.rpartition("_")[2] for name in (*premotor, *motor)),
            **places,
        },
        citation="Zarin, Mark, Cardona, Litwin-Kumar & Doe (2019), eLife 8:e51781",
        provenance=f"{path.name}, whose rows are targets",
    )


def zebrafish(folder: Path) -> Connectome:
    """Read the oculomotor integrator of a larval zebrafish; weights are fractions of all synapses onto the target.

    Rows of the file are targets: no row has more synapses than its neuron has in all, and those of columns without any
    are abducens and spinal projection neurons. Vestibular neurons (``_DOs_``) inhibit, and all others excite.
    """

    def column(name: str) -> np.ndarray:
        (value,) = mat_content(_there(folder / f"zebrafish_{name}.mat")).values()
        return np.asarray(value)

    counts, inputs = column("ConnMatrix").astype(np.float64), column("totalInputs").ravel().astype(np.float64)
    kind = tuple(str(text) for text in column("cellIDType"))
    return Connectome(
        (counts / np.where(inputs > 0, inputs, 1.0)[:, None]).T,
        tuple(f"neuron {i}" for i in range(len(kind))),
        name="zebrafish oculomotor integrator",
        species="Danio rerio, larva",
        sign=[-1 if text == "_DOs_" else 1 for text in kind],
        labels={"type": kind},
        citation="Vishwanathan et al. (2024), Nature Neuroscience, doi:10.1038/s41593-024-01784-3",
        provenance="zebrafish_ConnMatrix.mat / zebrafish_totalInputs.mat, whose rows are targets",
    )


def _there(path: Path) -> Path:
    if not path.exists():
        raise FileNotFoundError(NO_DATA.format(path=path))
    return path


def signed_circuit(name: str, folder: Path, seed: int) -> Connectome:
    """Read a wiring diagram saved by `read_circuits`, and add a sign and a ``type`` of each unit.

    Unknown transmitters of the larva are drawn, inhibitory as often as among those that are known. Its types are
    premotor E, premotor I and motor.
    """
    connectome = read_npz(folder / f"{name}.npz")
    if name == ZEBRAFISH:
        return connectome
    region = np.array(connectome.labels["region"])
    known = connectome.sign[(region == "premotor") & (connectome.sign != 0)]
    signed = connectome.signed([float((known > 0).mean()), 1.0], seed=seed)
    kind = np.where(region == "motor", "motor", np.where(signed.sign > 0, "premotor E", "premotor I"))
    return signed._with(labels={**signed.labels, "type": tuple(kind.tolist())})


def read_circuits(data: str | os.PathLike[str], folder: Path) -> None:
    """Read both wiring diagrams, and save them for the parts of the study."""
    for name, read in ((LARVA, larva), (ZEBRAFISH, zebrafish)):
        read(Path(data)).save(folder / f"{name}.npz")


def circuit_network(
    name: str,
    weights: np.ndarray,
    connectome: Connectome,
    w_in: np.ndarray,
    *,
    train: Sequence[str],
    input_to: np.ndarray | None = None,
    cell: Cell | None = None,
    **options: Any,
) -> RateRNN:
    """Make a network on a circuit's wiring with these effective weights, [source, target], without readout."""
    n, n_in = connectome.n, len(w_in)
    circuit = CIRCUITS[name]
    recurrent = Connectivity(connectome.sign, weights != 0, np.zeros((n, n)))
    exists = np.broadcast_to(w_in != 0 if input_to is None else input_to, (n_in, n))
    inwards = Connectivity(np.zeros(n_in), exists, np.zeros((n_in, n)))
    outwards = Connectivity(np.zeros(n), np.zeros((n, 1), bool), np.zeros((n, 1)))
    options = {"tau": circuit.tau, "dt": circuit.dt, "x0": 0.0} | options
    return RateRNN(
        recurrent,
        inwards,
        outwards,
        cell=circuit.cell if cell is None else cell,
        weights={"recurrent": weights, "input": w_in},
        units={"name": np.array(connectome.names), "cell_type": np.array(connectome.labels["type"])},
        train=train,
        **options,
    )


def with_leading(weights: np.ndarray, wanted: float, gain: np.ndarray | float = 1.0) -> np.ndarray:
    """Scale weights to a given largest real part of the eigenvalues of gains times weights."""
    found = float(np.linalg.eigvals(np.broadcast_to(gain, len(weights))[:, None] * weights).real.max())
    return weights * (wanted / found)
