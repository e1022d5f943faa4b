"""One run of a sweep: from settings and a repeat to a trained network and its record, in a directory."""

import contextlib
import os
import shutil
import socket
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np

from .._files import load_arrays, save_arrays
from .._memory import give_back
from .._version import __version__
from ..connectomes import Connectome, neurons_per_region
from ..connectomes import load as load_connectome
from ..models import RateRNN, load, save
from ..models._initial import spectral_radius
from ..models._parts import Parts
from ..models.weights import Dense
from ..tasks import Task
from ..training import Fixed, Gradient, NonFiniteLoss, Trainer, split_trials
from ._ini import TORCH_RMSPROP
from ._published import BIAS_FACTORS, published_network, published_neurons
from ._sweep_config import ConnectomeConfig, RunSettings, slug
from ._sweep_file import CONFIG, read_sweep
from ._text import ConfigError

KIND, VERSION = "sweep-run", 1
RUNS = "runs"
CHECKPOINTS, STORED = "checkpoints", "stored"
SECONDS_BETWEEN_CHECKPOINTS = 60.0
EPOCHS_PER_FIT = 64


@dataclass(frozen=True)
class SweepRun:
    """One run of a sweep: a combination of the grid and its repeat.

    Attributes
    ----------
    root : directory of the sweep
    combination : dotted key -> value
    settings : all settings of the combination
    repeat : counted from 0
    index : place of the combination in the grid
    """

    root: Path
    combination: dict[str, Any]
    settings: RunSettings
    repeat: int
    index: int

    @property
    def path(self) -> Path:
        """Directory of this run."""
        return self.root / RUNS / slug(self.combination) / f"repeat={self.repeat}"

    @property
    def record(self) -> Path:
        """Its curves and settings."""
        return self.path / "run.npz"

    @property
    def network(self) -> Path:
        """Its network after the last epoch."""
        return self.path / "network.npz"

    @property
    def done(self) -> bool:
        """Whether it was finished."""
        return self.record.is_file()

    def network_after(self, epoch: int) -> Path:
        """Its network after an epoch (counted from 0), where it was stored."""
        return self.path / "networks" / f"epoch={epoch}.npz"

    @property
    def program(self) -> str:
        """What most of all decides about compiled code; runs of different ones cannot share it."""
        network, training = self.settings.network, self.settings.training
        return repr((self.settings.make_task(), network.activation, network.signs, network.freeze, training.optimizer))

    def identity(self) -> dict[str, Any]:
        """What fixes the result of this run."""
        return {
            "settings": self.settings.model_dump(mode="json", exclude={"training": {"repeats"}}),
            "combination": self.combination,
            "repeat": self.repeat,
        }

    def generator(self, purpose: str) -> np.random.Generator:
        """Random numbers for one purpose; all combinations of a sweep share them, repeats do not."""
        words = [self.settings.seed, self.repeat, *purpose.encode()]
        return np.random.default_rng(np.random.SeedSequence(words))

    def key(self, purpose: str) -> jax.Array:
        """The same as a JAX key."""
        return jax.random.key(int(self.generator(purpose).integers(2**32)))


def train_sweep_run(run: SweepRun) -> dict[str, Any]:
    """Train one run of a sweep, unless it is finished already; return its `summary`.

    The directory appears as a whole, once everything in it is on disk.
    """
    if run.done:
        return summary(run)
    partial = run.path.with_name(f".{run.path.name}.{socket.gethostname()}.{os.getpid()}.{uuid.uuid4().hex[:8]}.part")
    try:
        if run.path.is_dir() and any(run.path.iterdir()):
            raise FileExistsError(f"{run.path} is not empty and holds no finished run; remove it")
        _train(run, partial)
        os.rename(partial, run.path)
    except OSError:
        if not run.done:  # else another sweep was faster, and has the same bits
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        give_back()
    _checkpoint(run).unlink(missing_ok=True)
    shutil.rmtree(_stored(run), ignore_errors=True)
    for folder in (run.root / STORED, run.root / CHECKPOINTS):
        with contextlib.suppress(OSError):
            folder.rmdir()  # only if it is empty
    return summary(run)


def summary(run: SweepRun) -> dict[str, Any]:
    """A finished run's last and best validation."""
    arrays, header = read_record(run.record)
    loss = arrays["validation_loss"]
    return {
        "combination": run.combination,
        "repeat": run.repeat,
        "validation_loss": float(loss[-1]),
        "best_validation_loss": float(np.nanmin(loss)) if np.isfinite(loss).any() else float("nan"),
        "best_validation_accuracy": float(np.nanmax(arrays["validation_accuracy"], initial=0.0)),
        "diverged": header["diverged"],
        "seconds": float(np.nanmax(arrays["seconds"], initial=0.0)),
    }


def read_record(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Curves (E,) of a finished run, and its settings."""
    return load_arrays(path, kind=KIND, version=VERSION)


def make_neurons(run: SweepRun) -> Connectome:
    """Connectome of a run, expanded to neurons with the label ``region``, randomised and turned as its settings ask."""
    config = run.settings.connectome
    regions = _checked_connectome(config)
    if run.settings.compat:
        expansion_seed = int(np.random.default_rng([run.settings.seed, 0]).integers(2**32))
        stored = regions.weights.T if regions.turned else regions.weights
        counts = _counts(config, regions)
        weights = published_neurons(stored, counts, config.partition, expansion_seed)
        names = np.repeat(regions.names, counts).tolist()
        neurons = Connectome(
            weights,
            [f"{name}/{i}" for name, count in zip(regions.names, counts, strict=True) for i in range(1, count + 1)],
            sign=np.repeat(regions.sign, counts),
            labels={"region": names},
            coordinates=None if regions.coordinates is None else np.repeat(regions.coordinates, counts, axis=0),
        )
    elif config.neurons == 1:
        own = regions.labels if "region" in regions.labels else {**regions.labels, "region": regions.names}
        neurons = (regions if config.autapses else regions.without_autapses())._with(labels=own)
    else:
        measured = config.intrinsic and bool((regions.source == regions.target).any())
        neurons = (regions if config.intrinsic else regions.without_autapses()).expanded(
            _counts(config, regions),
            target_sparsity=config.target_sparsity,
            intrinsic="measured" if measured else config.intrinsic,
            intrinsic_share=config.intrinsic_share,
            intrinsic_sparsity=config.intrinsic_sparsity,
            autapses=config.autapses,
            partition=config.partition,
            seed=run.generator("expansion"),
        )
    if config.null != "none":
        neurons = neurons.rewired(config.null, seed=run.generator("null"))
    return neurons.reversed() if config.orientation == "reversed" else neurons


def make_network(run: SweepRun, task: Task) -> RateRNN:
    """Untrained network of a run."""
    settings = run.settings
    neurons, network = make_neurons(run), settings.network
    if settings.compat:
        net = published_network(
            neurons.weights,
            task.n_in,
            task.n_out,
            activation=network.activation,
            init=network.init,
            remapped=network.remap != "off",
            freeze=network.freeze,
            dt=task.dt,
            rng=run.generator("weights"),
        )
        return _pretrained(run, net) if settings.pretrained.path else net
    if network.signs == "free":
        neurons = neurons._with(sign=None, edge_sign=None)
    if network.signs == "dale":
        neurons = neurons.signed(network.e_ratio, seed=run.generator("signs"))
    net = RateRNN.from_connectome(
        neurons,
        task,
        storage="dense",
        init=network.init,
        remap=network.remap,
        spectral_radius=network.spectral_radius or "drawn",
        freeze=network.freeze,
        activation=network.activation,
        tau=network.tau,
        sigma_rec=network.sigma_rec,
        sigma_in=network.sigma_in,
        seed=int(run.generator("weights").integers(2**31)),
    )
    return _pretrained(run, net) if settings.pretrained.path else net


def _train(run: SweepRun, directory: Path) -> None:
    settings, training = run.settings, run.settings.training
    task = settings.make_task()
    trials = task.trials(training.n_trials, key=run.key("trials"))
    train, validation = split_trials(trials, training.train_size, key=run.key("split"))
    net = make_network(run, task)
    initial_radius = spectral_radius(np.asarray(net.W_rec))
    options = dict(training.optimizer_options)
    if training.optimizer == "rmsprop":
        options = {**TORCH_RMSPROP, **options}
    fixed = Fixed(train, validation, training.batch_size, "batches" if settings.compat else "steps")
    learner = Gradient(
        training.optimizer,
        training.learning_rate,
        training.clip_norm or None,
        options=options,
        factors=BIAS_FACTORS if settings.compat else {},
    )
    trainer = Trainer(net, task, learner=learner, trials=fixed, seed=int(run.generator("noise").integers(2**31)))
    with contextlib.suppress(FileNotFoundError):
        trainer.resume(_checkpoint(run))
    directory.mkdir(parents=True)
    diverged = not _fit(run, trainer, fixed.steps_per_epoch)
    if not diverged:
        save(net, directory / "network.npz")
    if _stored(run).is_dir():
        shutil.copytree(_stored(run), directory / "networks", ignore=shutil.ignore_patterns(".*"))
    header = {
        **run.identity(),
        "null_loss": task.null_loss,
        "initial_spectral_radius": initial_radius,
        "n_rec": net.n_rec,
        "n_connections": net.recurrent.sizes()[1],
        "diverged": diverged,
        "eicon": __version__,
    }
    curves = fixed.by_epoch(trainer.history)
    curves = {name: np.pad(c, (0, training.epochs - len(c)), constant_values=np.nan) for name, c in curves.items()}
    save_arrays(directory / "run.npz", curves, kind=KIND, version=VERSION, header=header)


def _fit(run: SweepRun, trainer: Trainer, steps_per_epoch: int) -> bool:
    """Train to the last epoch, and store networks on the way; false if the loss became NaN or infinite."""
    training, checkpoint, saved_at = run.settings.training, _checkpoint(run), time.monotonic()

    for stop in _stops(training.epochs, training.store_every):
        if stop * steps_per_epoch < trainer.step:
            continue
        try:
            while steps := min(EPOCHS_PER_FIT, stop - trainer.step // steps_per_epoch) * steps_per_epoch:
                trainer.fit(steps, progress=False)
                if time.monotonic() - saved_at > SECONDS_BETWEEN_CHECKPOINTS:
                    trainer.save_checkpoint(checkpoint)
                    saved_at = time.monotonic()
        except NonFiniteLoss:
            return False
        except KeyboardInterrupt:
            trainer.save_checkpoint(checkpoint)
            raise
        if training.store_every:
            save(trainer.net, _stored(run) / f"epoch={stop - 1}.npz")
    return True


def _stops(epochs: int, store_every: int) -> list[int]:
    stored = [epoch + 1 for epoch in range(0, epochs, store_every)] if store_every else []
    return sorted({*stored, epochs})


def _checkpoint(run: SweepRun) -> Path:
    return run.root / CHECKPOINTS / f"{slug(run.combination)},repeat={run.repeat}.npz"


def _stored(run: SweepRun) -> Path:
    """Where networks of earlier epochs wait for the end of their run, which may be killed and resumed before."""
    return run.root / STORED / f"{slug(run.combination)},repeat={run.repeat}"


@lru_cache(maxsize=8)
def _connectome(name: str, folder: str, rows: Literal["", "source", "target", "symmetric"]) -> Connectome:
    return load_connectome(name, folder or None, rows=rows or None)


def _checked_connectome(config: ConnectomeConfig) -> Connectome:
    try:
        connectome = _connectome(config.name, config.folder, config.rows)
    except (OSError, ValueError, ImportError) as error:
        raise ConfigError(f"connectome.name: {error}") from error
    if config.regions and config.regions != connectome.n:
        raise ConfigError(
            f"connectome.regions (rnn_size): {config.name} has {connectome.n} regions; got {config.regions}."
        )
    if isinstance(config.neurons, str):
        try:
            _counts(config, connectome)
        except ValueError as error:
            raise ConfigError(f"connectome.neurons: {error}") from error
    if isinstance(config.neurons, tuple) and len(config.neurons) != connectome.n:
        raise ConfigError(
            f"connectome.neurons: must be one number, or one for each of the {connectome.n} regions of {config.name}; "
            f"got {len(config.neurons)}."
        )
    if "distance" in config.null and connectome.coordinates is None:
        raise ConfigError(f"connectome.null: {config.null!r} needs coordinates, and {config.name} has none.")
    return connectome


def _counts(config: ConnectomeConfig, connectome: Connectome) -> np.ndarray:
    if not isinstance(config.neurons, str):
        return np.broadcast_to(config.neurons, (connectome.n,))
    if connectome.densities is None:
        raise ValueError(f"{config.neurons!r} needs densities, and {config.name} has none.")
    return neurons_per_region(
        connectome.densities,
        total=config.total or None,
        method=config.neurons,
        missing=config.missing,
        names=connectome.names,
    )


def check_inputs(runs: Sequence[SweepRun]) -> None:
    """Refuse what runs would refuse about files that they read, before the first one starts.

    Raises
    ------
    ConfigError
        For connectomes that are not there or do not fit, and pretrained networks that are not there.
    """
    for config in {run.settings.connectome for run in runs}:
        _checked_connectome(config)
    for run in runs:
        if run.settings.pretrained.path and run.repeat == 0:
            _pretrained_path(run)


def _pretrained(run: SweepRun, untrained: RateRNN) -> RateRNN:
    """Weights, biases and initial state of a pretrained network, with readout and constants of an untrained one."""
    path = _pretrained_path(run)
    given = load(path)
    if (given.n_rec, given.n_in) != (untrained.n_rec, untrained.n_in):
        raise ConfigError(
            f"pretrained: {path} has {given.n_in} inputs and {given.n_rec} units; this sweep's networks have "
            f"{untrained.n_in} and {untrained.n_rec}."
        )
    recurrent = given.recurrent
    if not isinstance(recurrent, Dense):
        raise ConfigError(f"pretrained: {path} has {type(recurrent).__name__} weights; those of a sweep are Dense.")
    if run.settings.network.freeze:
        recurrent = Dense.make(recurrent.connectivity.frozen(given.W_rec), given.W_rec)
    old, new = given.parts(), untrained.parts()
    learned: dict[str, Any] = {
        name: old.network.parameters[name] for name in ("x0", "b_rec") if name in old.network.parameters
    }
    network = replace(
        new.network,
        recurrent=recurrent,
        input=old.network.input,
        parameters={**new.network.parameters, **learned},
    )
    return RateRNN.of_parts(Parts(network, new.trained, old.units))


def _pretrained_path(run: SweepRun) -> Path:
    wanted, path = run.settings.pretrained, Path(run.settings.pretrained.path)
    if path.is_file():
        return path
    if not (path / CONFIG).is_file():
        raise ConfigError(f"pretrained.path: {path} is neither a network file nor a sweep's directory.")
    combinations = list(read_sweep(path / CONFIG).combinations())
    if len(combinations) > 1 and run.index >= len(combinations):
        raise ConfigError(f"pretrained.path: {path} has {len(combinations)} combinations, fewer than this sweep.")
    combination, settings = combinations[run.index if len(combinations) > 1 else 0]
    different = [k for k in combination.keys() & run.combination.keys() if combination[k] != run.combination[k]]
    if different:
        key = different[0]
        raise ConfigError(
            f"pretrained.path: the combination in the same place of {path} has {key} {combination[key]!r}, "
            f"and here it is {run.combination[key]!r}; make both grids in the same order."
        )
    other = SweepRun(path, combination, settings, wanted.repeat, 0)
    found = other.network if wanted.epoch in (-1, settings.training.epochs - 1) else other.network_after(wanted.epoch)
    if not found.is_file():
        stored = sorted(int(p.stem.partition("=")[2]) for p in found.parent.glob("epoch=*.npz"))
        listed = ", ".join(str(epoch) for epoch in {*stored, settings.training.epochs - 1})
        raise ConfigError(
            f"pretrained: {path} has no network of repeat {wanted.repeat} after epoch {wanted.epoch}; stored: epochs "
            f"{listed} (-1 is the last; training.store_every keeps more)."
        )
    return found
