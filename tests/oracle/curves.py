"""Trains small networks of several kinds and writes their curves and weights; run in a process of its own.

``python curves.py PACKAGES OUT KIND ...``, where PACKAGES is the folder that eicon must come from. It uses names of
eicon's first two levels and commands alone, because it is to run unchanged with every later eicon. For each kind, a
file ``OUT/KIND.npz`` is written; times, which differ from run to run, are left out.
"""

import csv
import dataclasses
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

import eicon

COHERENCE = {"coherence": (4.0, 16.0)}
"""On the one scale that there was up to 0.1.0; later eicon has two, and is told which."""
if "coherence_scale" in eicon.PerceptualDecision.__dataclass_fields__:
    COHERENCE["coherence_scale"] = "song2016"
DALE = """
seed = 3
[task]
name = "PerceptualDecision"
[network]
n_rec = 100
e_ratio = 0.8
sigma_rec = 0.15
sigma_in = 0.01
spectral_radius = 1.5
[training]
steps = 30
batch_size = 32
learning_rate = 0.002
validate_every = 15
validation_repeats = 4
[[training.regularizers]]
kind = "weight"
matrix = "recurrent"
power = 1
strength = 0.3
"""  # the demo, shortened

SWEEP = """
# Without noise, which has other keys after 0.1.0.
seed = 4
[connectome]
name = "larva_right"
[network]
activation = "tanh"
signs = "dale"
[task]
name = "NBack"
[training]
epochs = 3
repeats = 1
n_trials = 40
batch_size = 32
learning_rate = 0.001
[grid]
"connectome.null" = ["permute"]
"""


def trainer(folder: Path) -> dict[str, np.ndarray]:
    """Dale's law with areas, three penalties, a clipped gradient, trials of random length."""
    units = [
        eicon.models.Population("sensory", 8, "E", "sensory"),
        eicon.models.Population("motor", 8, "E", "motor"),
        eicon.models.Population("inhibitory", 4, "I"),
    ]
    net = eicon.RateRNN.from_populations(
        *(units, 2, 2),
        sigma_rec=0.15,
        sigma_in=0.01,
        spectral_radius=1.0,
        bias=True,
        readout_bias=True,
        train_x0=True,
        seed=1,
    )
    task = eicon.PerceptualDecision.variable(**COHERENCE)
    learning = eicon.Trainer(
        net,
        task,
        learning_rate=0.005,
        regularizers=[
            eicon.training.WeightPenalty(0.1, power=1),
            eicon.training.RatePenalty(0.05),
            eicon.training.VanishingGradient(),
        ],
        clip_norm=0.1,
        batch_size=8,
        validation_repeats=2,
        seed=1,
    )
    history = learning.fit(40, validate_every=20, progress=False)
    learning.save_checkpoint(folder / "checkpoint.npz")
    return _result(net, history)


def epochs(folder: Path) -> dict[str, np.ndarray]:
    """Neurons of the worm with known signs, on fixed trials; without noise, which has other keys after 0.1.0."""
    worm = eicon.connectomes.load("celegans").subset(np.arange(60, 84))
    net = eicon.RateRNN.from_connectome(
        worm.weights,
        2,
        1,
        sign=worm.sign,
        activation="softplus",
        init="xavier",
        spectral_radius=0.6,
        tau=40.0,
        seed=2,
    )
    task = eicon.tasks.SequenceMemory(pattern_length=3, delay=40.0)
    train, validation = eicon.training.split_trials(task.trials(40, key=eicon.key(2)), 0.75, key=eicon.key(3))
    return _in_epochs(net, task, train, validation, 10, batch_size=8, learning_rate=0.003, seed=2)


def hessian_free(folder: Path) -> dict[str, np.ndarray]:
    """Gauss-Newton steps with structural damping and a penalty, on the same trials in every iteration."""
    net = eicon.RateRNN.dale(2, 20, 1, activation="softplus", bias=True, spectral_radius=1.2, seed=3)
    task = eicon.tasks.SequenceMemory(pattern_length=2)
    penalty = [eicon.training.WeightPenalty(0.01)]
    options = {"max_cg_iterations": 10, "structural_damping": 0.1}
    learning = _hessian_free(net, task, 16, same=True, regularizers=penalty, validation_repeats=20, seed=3, **options)
    return _result(net, learning.fit(4, progress=False))


def _hessian_free(
    net: "eicon.RateRNN", task: "eicon.tasks.Task", batch_size: int, *, same: bool = False, **options: Any
) -> Any:
    """Trainer of the version; options of the learner, and of the trainer."""
    if not hasattr(eicon.training, "Sampled"):
        return eicon.HessianFree(net, task, batch_size=batch_size, fixed_trials=same, **options)
    of_trainer = {name: options.pop(name) for name in ("regularizers", "validation_repeats", "seed") if name in options}
    trials = eicon.training.Sampled(batch_size, same=same)
    return eicon.Trainer(net, task, learner=eicon.HessianFree(**options), trials=trials, **of_trainer)


def _in_epochs(
    net: "eicon.RateRNN",
    task: "eicon.tasks.Task",
    train: "eicon.tasks.Trial",
    validation: "eicon.tasks.Trial",
    n: int,
    *,
    batch_size: int,
    **options: Any,
) -> dict[str, np.ndarray]:
    """Epochs on fixed trials by the trainer of the version, with clipped gradients."""
    if not hasattr(eicon.training, "Fixed"):
        options |= {"batch_size": batch_size, "clip_norm": 1.0}
        learning = eicon.training.EpochTrainer(net, task, train, validation, **options)
        return _result(net, learning.fit(n, progress=False))
    fixed = eicon.training.Fixed(train, validation, batch_size=batch_size)
    learning = eicon.Trainer(net, task, trials=fixed, clip_norm=1.0, **options)
    return _result(net, fixed.by_epoch(learning.fit(n * fixed.steps_per_epoch, progress=False)))


def _dale(noise: float = 1.0) -> tuple["eicon.RateRNN", "eicon.tasks.Task"]:
    """Dale's law, noise, biases, on the decision of the demo."""
    task = eicon.PerceptualDecision(**COHERENCE, fixation=100.0, stimulus=400.0, decision=200.0)
    net = eicon.RateRNN.dale(
        *(2, 20, 2),
        # Without noise, rounding grows from 1e-8 to 1e-3 in fifty epochs of relu.
        activation="relu" if noise else "softplus",
        sigma_rec=0.05 * noise,
        sigma_in=0.01 * noise,
        spectral_radius=1.5,
        bias=True,
        readout_bias=True,
        seed=1,
    )
    return net, task


def _connectome(noise: float = 1.0) -> tuple["eicon.RateRNN", "eicon.tasks.Task"]:
    """Neurons of the worm with known signs, on remembered values."""
    worm = eicon.connectomes.load("celegans").subset(np.arange(60, 84))
    net = eicon.RateRNN.from_connectome(
        worm.weights,
        2,
        1,
        sign=worm.sign,
        activation="softplus",
        init="xavier",
        spectral_radius=0.6,
        tau=np.linspace(30.0, 60.0, 24),
        sigma_in=0.02 * noise,
        seed=2,
    )
    return net, eicon.tasks.SequenceMemory(pattern_length=3, delay=40.0)


def _areas(noise: float = 1.0) -> tuple["eicon.RateRNN", "eicon.tasks.Task"]:
    """Two areas of units with Dale's law, on evidence that depends on the context."""
    units = [
        eicon.models.Population("sensory", 8, "E", "sensory"),
        eicon.models.Population("motor", 8, "E", "motor"),
        eicon.models.Population("inhibitory", 4, "I"),
    ]
    task = eicon.tasks.ContextIntegration(fixation=100.0, stimulus=400.0, decision=200.0)
    options = {"activation": "softplus", "sigma_rec": 0.05 * noise, "train_x0": True, "seed": 3}
    net = eicon.RateRNN.from_populations(units, 6, 2, spectral_radius=1.0, **options)
    return net, task


FIFTY = 50


def _fifty(make: Callable[..., tuple["eicon.RateRNN", "eicon.tasks.Task"]]) -> dict[str, np.ndarray]:
    """Fifty steps of each trainer."""
    return {**_gradients(*make()), **_epochs(*make(noise=0.0)), **_newton_steps(make)}


def _gradients(net: "eicon.RateRNN", task: "eicon.tasks.Task") -> dict[str, np.ndarray]:
    learning = eicon.Trainer(net, task, learning_rate=0.002, batch_size=16, validation_repeats=2, seed=1)
    return _named("trainer", _result(net, learning.fit(FIFTY, validate_every=25, progress=False)))


def _epochs(net: "eicon.RateRNN", task: "eicon.tasks.Task") -> dict[str, np.ndarray]:
    trials = eicon.training.split_trials(task.sample(eicon.key(2), 48), 0.75, key=eicon.key(3))
    return _named("epochs", _in_epochs(net, task, *trials, FIFTY, batch_size=12, learning_rate=0.002, seed=2))


def _newton_steps(make: Callable[..., tuple["eicon.RateRNN", "eicon.tasks.Task"]]) -> dict[str, np.ndarray]:
    """In float64, and of few conjugate gradients, which make much of rounding; see README.md."""
    with jax.enable_x64(True):
        net, task = make()
        rounded = type("Rounded", (_Rounded, type(task)), {})
        task = rounded(**{field.name: getattr(task, field.name) for field in dataclasses.fields(task)})
        options = {"max_cg_iterations": 3, "structural_damping": 1.0, "n_probes": 2}
        learning = _hessian_free(net, task, 16, validation_repeats=2, seed=3, **options)
        return _named("hessian_free", _result(net, learning.fit(FIFTY, validate_every=25, progress=False)))


class _Rounded:
    """A task whose trials are float64 numbers that single precision can hold, as 0.1.0 rounded them."""

    def build(self, key: jax.Array, conditions: dict[str, jax.Array]) -> "eicon.tasks.Trial":
        trial = super().build(key, conditions)
        single = {name: getattr(trial, name).astype("float32") for name in ("inputs", "targets", "mask")}
        return trial._replace(**{name: values.astype("float64") for name, values in single.items()})


def _named(prefix: str, found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {f"{prefix}/{name}": values for name, values in found.items()}


def dale(folder: Path) -> dict[str, np.ndarray]:
    """See `_dale`."""
    return _fifty(_dale)


def connectome(folder: Path) -> dict[str, np.ndarray]:
    """See `_connectome`."""
    return _fifty(_connectome)


def areas(folder: Path) -> dict[str, np.ndarray]:
    """See `_areas`."""
    return _fifty(_areas)


def train_command(folder: Path) -> dict[str, np.ndarray]:
    """The demo's configuration, from TOML to the saved network."""
    (folder / "config.toml").write_text(DALE, encoding="utf-8")
    _eicon("train", folder / "config.toml", "--out", folder / "run")
    with (folder / "run" / "history.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    curves = {name: np.array([float(row[name] or "nan") for row in rows]) for name in rows[0] if "seconds" not in name}
    return {**curves, **_network(eicon.load(folder / "run" / "network.npz"))}


def sweep_command(folder: Path) -> dict[str, np.ndarray]:
    """One cell of a sweep over null models of a connectome."""
    (folder / "sweep.toml").write_text(SWEEP, encoding="utf-8")
    _eicon("sweep", folder / "sweep.toml", "--workers", "0", "--out", folder / "sweep")
    (record,) = (folder / "sweep").rglob("run.npz")
    with np.load(record, allow_pickle=False) as archive:
        curves = {
            name: archive[name] for name in archive.files if archive[name].dtype.kind == "f" and name != "seconds"
        }
    return {**curves, **_network(eicon.load(record.with_name("network.npz")))}


KINDS = {f.__name__: f for f in (trainer, epochs, hessian_free, train_command, sweep_command, dale, connectome, areas)}


def _network(net: "eicon.RateRNN") -> dict[str, np.ndarray]:
    parameters = {f"parameter/{name}": np.asarray(value) for name, value in net.parameters().items()}
    return {**parameters, **{name: np.asarray(getattr(net, name)) for name in ("W_rec", "W_in", "W_out")}}


def _result(net: "eicon.RateRNN", history: object) -> dict[str, np.ndarray]:
    arrays = history.to_arrays() if hasattr(history, "to_arrays") else dict(history)
    curves = {name: values for name, values in arrays.items() if not name.endswith("seconds")}
    return {**curves, **_network(net)}


def _eicon(*words: object) -> None:
    """The command ``eicon``, as ``python -m eicon`` starts it."""
    before, sys.argv = sys.argv, ["eicon", *map(str, words)]
    try:
        runpy.run_module("eicon", run_name="__main__")
    except SystemExit as end:
        if end.code:
            raise
    finally:
        sys.argv = before


def main(packages: Path, out: Path, kinds: list[str]) -> None:
    if Path(eicon.__file__).resolve().parents[1] != packages.resolve():
        raise RuntimeError(f"eicon was to come from {packages}; it came from {eicon.__file__}.")
    for name in kinds:
        folder = out / name
        folder.mkdir(parents=True)
        np.savez(out / f"{name}.npz", allow_pickle=False, **KINDS[name](folder))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
