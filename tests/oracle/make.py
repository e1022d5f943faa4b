"""Made the networks and numbers under ``data``, once, with the eicon of commit 10cabf5; not to be run again.

The wheel beside the data is that commit's. With it unpacked into a folder, this gives the same files::

    python -m pip install --no-deps --no-index --target FOLDER tests/oracle/data/eicon-0.1.0-py3-none-any.whl
    PYTHONPATH=FOLDER python tests/oracle/make.py NEW_FOLDER

Networks are as training leaves them: each parameter is away from its initial value, and raw weights have crossed zero.
"""

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from quantities import quantities

import eicon
from eicon import Connectivity, RateRNN
from eicon.exchange import from_numpy
from eicon.models import Population, Projection

N_STEPS, N_TRIALS = 20, 3


def areas() -> RateRNN:
    """Dale's law, two areas with sparse and constant projections between them; every parameter is trained."""
    units = [
        Population("sensory E", 7, "E", "sensory"),
        Population("sensory I", 3, "I", "sensory"),
        Population("motor E", 7, "E", "motor"),
        Population("motor I", 3, "I", "motor"),
    ]
    return RateRNN.from_populations(
        units,
        n_in=["left", "right"],
        n_out=["left", "right"],
        recurrent=[
            Projection("sensory *", "sensory *"),
            Projection("motor *", "motor *"),
            Projection("sensory E", "motor *", density=0.4),
            Projection("motor E", "sensory E", density=0.2),
            Projection("motor E", "sensory I", density=0.5, weight=0.05),
        ],
        input=[Projection("*", "sensory E")],
        readout=[Projection("motor E")],
        activation="relu",
        sigma_rec=0.15,
        sigma_in=0.02,
        bias=True,
        readout_bias=True,
        train_x0=True,
        spectral_radius=1.3,
        seed=1,
    )


def connectome() -> RateRNN:
    """Neurons of the worm: those whose transmitter is known keep its sign, the others are free."""
    worm = eicon.connectomes.load("celegans")
    degree = (worm.weights > 0).sum(axis=0) + (worm.weights > 0).sum(axis=1)
    chosen = np.concatenate([_largest(np.where(worm.sign == sign, degree, -1), n) for sign, n in _OF_SIGN])
    part = worm.subset(chosen)
    return RateRNN.from_connectome(
        part.weights,
        n_in=2,
        n_out=2,
        sign=part.sign,
        input_to={"half": "first"},
        readout_from=part.sign >= 0,
        units={"half": np.repeat(["first", "second"], part.n // 2)},
        activation="softplus",
        positive="softplus",
        spectral_radius=0.8,
        sigma_rec=0.1,
        seed=2,
    )


def published() -> RateRNN:
    """Foreign weights: a time constant per unit, absent connections, signs by rows, noise that units share."""
    rng = np.random.default_rng(3)
    n = 12
    sign = np.where(np.arange(n) < 9, 1, -1)
    sizes = rng.gamma(2.0, 0.1, (n, n)) * (rng.random((n, n)) < 0.6)
    shared = rng.normal(size=(n, 2))
    return from_numpy(
        (sign[:, None] * sizes).T,
        rng.normal(size=(n, 3)) * (rng.random((n, 3)) < 0.7),
        rng.normal(size=(2, n)) / n,
        orientation="post, pre",
        b_rec=rng.normal(size=n) / 10,
        b_out=rng.normal(size=2) / 10,
        sign="rows",
        keep_zeros=True,
        activation="tanh",
        tau=np.linspace(40.0, 160.0, n),
        dt=10.0,
        x0=rng.normal(size=n) / 5,
        sigma_rec=0.1,
        sigma_in=0.05,
        noise_covariance=np.eye(n) / 2 + shared @ shared.T / 4,
        seed=3,
    )


def frozen() -> RateRNN:
    """Part of the recurrent and all of the input weights are held; class labels as targets."""
    recurrent = Connectivity.dale(14, 0.75, autapses=True, positive="relu")
    whole = RateRNN(
        recurrent,
        Connectivity.dense(2, 14, sign=1, positive="softplus"),
        Connectivity.excitatory_only(recurrent.sign, 3),
        distribution="uniform",
        spectral_radius=0.7,
        seed=4,
    )
    held = np.random.default_rng(4).random((14, 14)) < 0.4
    weights = {"recurrent": whole.W_rec, "input": whole.W_in, "readout": whole.W_out}
    return RateRNN(
        recurrent.frozen(whole.W_rec, held),
        whole.input.connectivity.frozen(whole.W_in),
        whole.readout.connectivity,
        weights={name: np.asarray(value) for name, value in weights.items()},
        activation={"name": "power_law", "exponent": 1.5, "gain": 0.5},
        sigma_rec=0.2,
        readout_bias=True,
        train_x0=True,
        x0=0.2,
        seed=4,
    )


def reservoir() -> RateRNN:
    """Fixed recurrent weights of a larva's neurons, in whole steps (``dt`` is ``tau``); noise in the input alone."""
    larva = eicon.connectomes.load("larva_right")
    degree = (larva.weights > 0).sum(axis=0) + (larva.weights > 0).sum(axis=1)
    part = larva.subset(_largest(degree, 16))
    return RateRNN.from_connectome(
        part.weights,
        n_in=2,
        n_out=2,
        init="he",
        freeze=True,
        activation="sigmoid",
        tau=20.0,
        sigma_in=0.1,
        seed=5,
    )


def plain() -> RateRNN:
    """Dale's law, without biases and noise."""
    return RateRNN.dale(
        2, 10, 2, free_input=True, free_readout=True, autapses=True, positive="softplus",
        activation="rectified_tanh", tau=50.0, spectral_radius=1.5, seed=6,
    )  # fmt: skip


_OF_SIGN = ((1, 9), (-1, 4), (0, 5))
NETWORKS = {f.__name__: f for f in (areas, connectome, published, frozen, reservoir, plain)}


def _largest(values: np.ndarray, n: int) -> np.ndarray:
    return np.sort(np.argsort(-values, kind="stable")[:n])


def stir(net: RateRNN, rng: np.random.Generator) -> None:
    """Move every trainable parameter by about a third of its size, and by no less than 0.05."""
    for variable in net.trainable_variables().values():
        value = np.asarray(variable.value)
        size = max(float(np.abs(value).mean()) / 3, 0.05)
        variable.value = jnp.asarray(value + size * rng.normal(size=value.shape), value.dtype)


def problem(net: RateRNN, seed: int) -> dict[str, np.ndarray]:
    """Smooth inputs, targets, and a mask that ends at another step in each trial."""
    rng = np.random.default_rng(seed)
    rough = rng.normal(size=(N_STEPS + 4, N_TRIALS, net.n_in))
    inputs = sum(rough[i : i + N_STEPS] for i in range(5)) / 2
    steps = np.arange(N_STEPS)[:, None]
    mask = (steps >= N_STEPS // 3) & (steps < N_STEPS - 2 * np.arange(N_TRIALS))
    classes = net.n_out == 3
    targets = rng.integers(0, 3, (N_STEPS, N_TRIALS)) if classes else rng.uniform(size=(N_STEPS, N_TRIALS, net.n_out))
    return {
        "inputs": inputs.astype(np.float32),
        "targets": targets.astype(np.int32 if classes else np.float32),
        "mask": mask.astype(np.float32),
        "noise_seed": np.array(100 + seed),
        "gradients_with_noise": np.array(net.sigma_rec > 0 and net.sigma_in > 0),
    }


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    made_with = f"eicon {eicon.__version__} of commit 10cabf5, JAX {jax.__version__}, NumPy {np.__version__}"
    for seed, (name, make) in enumerate(NETWORKS.items()):
        net = make()
        stir(net, np.random.default_rng(50 + seed))
        net.save(folder / f"{name}.net.npz")
        stored = problem(net, seed)
        found = quantities(folder / f"{name}.net.npz", stored)
        for quantity, value in found.items():
            if not (np.isfinite(value).all() and np.abs(value).max() > 1e-4):
                raise ValueError(f"{name}, {quantity}: says nothing ({np.abs(value).max()}).")
        np.savez_compressed(
            folder / f"{name}.expected.npz", allow_pickle=False, made_with=np.array(made_with), **stored, **found
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
