"""A run is a directory: configuration in, trained network and its history out."""

import json
import os
import platform
import time
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from .._files import write_json, write_text
from .._version import __version__
from ..models import RateRNN, load, save
from ..tasks import Task
from ..training import Trainer
from ..training._history import History
from ._config import RunConfig, read_config

PACKAGES = ("brainpy", "jax", "jaxlib", "numpy", "scipy", "matplotlib")


@dataclass(frozen=True)
class Run:
    """Files of a run, by name.

    Attributes
    ----------
    path : directory
    config : what `config.toml` says
    """

    path: Path
    config: RunConfig

    @property
    def checkpoint(self) -> Path:
        """Latest training state."""
        return self.path / "checkpoints" / "latest.npz"

    @property
    def snapshots(self) -> Path:
        """Directory of the networks at steps of the training, if the configuration asks for them."""
        return self.path / "snapshots"

    @property
    def network(self) -> Path:
        """Trained network."""
        return self.path / "network.npz"

    @property
    def record(self) -> Path:
        """How the run went: status, versions, machine, wall time."""
        return self.path / "run.json"

    @property
    def condensation(self) -> Path:
        """How the network was condensed, in the result of a condensation."""
        return self.path / "condense.json"

    @property
    def figures(self) -> Path:
        """Directory of figures."""
        return self.path / "figures"

    def with_seed(self, seed: int | None) -> "Run":
        """The same files, for other random trials than those of the run's own seed; None keeps that."""
        return self if seed is None else replace(self, config=self.config.model_copy(update={"seed": seed}))

    def read_record(self) -> dict[str, Any]:
        """Contents of `record`, empty before the first training."""
        return json.loads(self.record.read_text(encoding="utf-8")) if self.record.is_file() else {}

    def load_network(self) -> RateRNN:
        """Trained network, checked.

        Raises
        ------
        FileNotFoundError
            If training has not finished.
        """
        if not self.network.is_file():
            raise FileNotFoundError(
                f"{self.path} has no trained network yet; finish it with: eicon train --resume {self.path}"
            )
        return load(self.network)


def create_run(path: str | os.PathLike[str], config: RunConfig) -> Run:
    """Make a new run directory.

    Raises
    ------
    FileExistsError
        If the path exists and is not an empty directory; nothing in it is touched.
    ValueError
        If the configuration describes a network that cannot be; nothing is written.
    """
    path = Path(path)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        hint = (
            f"go on with: eicon train --resume {path}" if (path / "config.toml").is_file() else "choose another --out"
        )
        raise FileExistsError(f"{path} already exists and is not empty; {hint}.")
    config.check()
    write_text(path / "config.toml", config.to_toml())
    return Run(path, config)


def open_run(path: str | os.PathLike[str]) -> Run:
    """Open an existing run directory.

    Raises
    ------
    FileNotFoundError
        If it is not one.
    ConfigError
        If its configuration cannot be read.
    """
    path = Path(path)
    if not path.is_dir():
        raise FileNotFoundError(f"there is no run directory {path}.")
    if not (path / "config.toml").is_file():
        raise FileNotFoundError(f"{path} is not a run directory: it has no config.toml.")
    return Run(path, read_config(path / "config.toml"))


def train_run(run: Run, *, progress: bool = True) -> tuple[RateRNN, Task, History]:
    """Train a run to its end, from its checkpoint if there is one.

    The configured number of steps is that of the whole run, so that resuming a finished run changes nothing.

    Raises
    ------
    FileExistsError
        If the run is the result of a condensation, whose network this would replace.
    """
    if run.condensation.is_file():
        raise FileExistsError(f"{run.path} holds a condensed network; go on with the same eicon condense command.")
    task = run.config.make_task()
    net = run.config.make_network(task)
    trainer = run.config.make_trainer(net, task)
    if run.checkpoint.is_file():
        trainer.resume(run.checkpoint)
    settings, stop = run.config.training, run.config.criterion()
    if not (stop is not None and stop(trainer.history)):
        _write_record(run, trainer, "training")
        try:
            trainer.fit(
                max(settings.steps - trainer.step, 0),
                stop_when=stop,
                validate_every=settings.validate_every,
                checkpoint=run.checkpoint,
                checkpoint_every=settings.checkpoint_every,
                snapshots=run.snapshots if settings.snapshots else None,
                progress=progress,
            )
        except BaseException as error:
            _write_record(run, trainer, f"stopped: {type(error).__name__}")
            raise
    save(net, run.network)
    write_text(run.path / "history.csv", trainer.history.to_csv())
    _write_record(run, trainer, "trained")
    return net, task, trainer.history


def _write_record(run: Run, trainer: Trainer, status: str) -> None:
    history = trainer.history
    write_record(run, status, history.n_steps, float(history.seconds[-1]) if history.n_steps else 0.0)


def write_record(run: Run, status: str, steps: int, seconds: float) -> None:
    """Write how a run stands, and with which versions on which machine."""
    record = {
        "status": status,
        "steps": steps,
        "training_seconds": seconds,
        "written": time.strftime("%Y-%m-%d %H:%M:%S"),
        "eicon": __version__,
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in PACKAGES},
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }
    write_json(run.record, record)
