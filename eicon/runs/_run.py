"""A run is a directory: configuration in, trained network and its history out."""

import json
import os
import platform
import time
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from .._files import atomic_file, without_nan, write_json, write_text
from .._version import __version__
from ..models import RateRNN, load, save
from ..tasks import Task
from ..training import Trainer
from ..training._checkpoint import read_checkpoint, read_history
from ..training._history import History
from ._config import RunConfig
from ._directory import refuse_taken

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
    def best(self) -> Path:
        """Best network by validation; there is none before the first validation."""
        return self.path / "best.npz"

    @property
    def start(self) -> Path:
        """Training state that this run began with, if it went on from another one."""
        return self.path / "checkpoints" / "start.npz"

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


class Training(NamedTuple):
    """What `run_training` did.

    Attributes
    ----------
    net, task, history : as `train_run` returns them
    trained : whether there was anything to do
    summary : what the trainer says of it, or why there was nothing to do
    """

    net: RateRNN
    task: Task
    history: History
    trained: bool
    summary: str


def create_run(path: str | os.PathLike[str], config: RunConfig) -> Run:
    """Make a new run directory.

    Raises
    ------
    FileExistsError
        If the path exists and is not an empty directory; nothing in it is touched.
    FileNotFoundError
        If the configuration goes on from a run that has no training state.
    ValueError
        If the configuration describes a network that cannot be, or not that of the run that it goes on from; nothing
        is written.
    """
    path = Path(path)
    refuse_taken(path)
    config.check()
    run = Run(path, config)
    if config.continued_from:
        state = Run(Path(config.continued_from), config).checkpoint
        _refuse_other_network(state, config)
        with atomic_file(run.start) as stream:
            stream.write(state.read_bytes())
    write_text(path / "config.toml", config.to_toml())
    return run


def _refuse_other_network(state: Path, config: RunConfig) -> None:
    if not state.is_file():
        raise FileNotFoundError(f"{config.continued_from} has no state of a training to go on from: no {state}.")
    there = read_checkpoint(state).setup.get("network", {})
    here = config.make_network(config.make_task()).constants
    if different := [name for name in here if here[name] != there.get(name)]:
        words = [f"{name} ({there.get(name)} there, {here[name]} here)" for name in different if name != "numbers"]
        said = ", ".join(words) or "its connections, constraints or constants"
        raise ValueError(f"the network of {config.continued_from} is another than that of the configuration: {said}.")


def with_steps(run: Run, steps: int) -> Run:
    """Change for how many steps the configuration of a run asks.

    Raises
    ------
    ValueError
        If more are done already.
    """
    done = read_history(run.checkpoint).n_steps - _origin(run).n_steps if run.checkpoint.is_file() else 0
    if steps < done:
        raise ValueError(f"{run.path} has {done} steps already; --steps must be at least as many, got {steps}.")
    training = run.config.training.model_copy(update={"steps": steps})
    config = run.config.model_copy(update={"training": training})
    write_text(run.path / "config.toml", config.to_toml())
    return Run(run.path, config)


def train_run(run: Run, *, progress: bool = True) -> tuple[RateRNN, Task, History]:
    """Train a run to its end, from its checkpoint if there is one.

    The configured number of steps is that of the whole run (without those of the run that it went on from), so that
    resuming a finished run changes nothing.

    Raises
    ------
    FileExistsError
        If the run is the result of a condensation, whose network this would replace.
    """
    return run_training(run, progress=progress)[:3]


def run_training(run: Run, *, progress: bool = True) -> Training:
    """Do what `train_run` does, and say what that was."""
    if run.condensation.is_file():
        raise FileExistsError(f"{run.path} holds a condensed network; go on with the same eicon condense command.")
    task = run.config.make_task()
    if (history := _finished(run)) is not None:
        return Training(run.load_network(), task, history, False, _why_nothing(run, history))
    net = run.config.make_network(task)
    trainer = run.config.make_trainer(net, run.config.make_curriculum())
    if run.checkpoint.is_file():
        trainer.resume(run.checkpoint)
    elif run.start.is_file():
        trainer.resume(run.start, other_settings=True)
    settings, last = run.config.training, _origin(run).n_steps + run.config.training.steps
    if not _is_over(run, trainer.history):
        _write_record(run, trainer, "training")
        try:
            trainer.fit(
                max(last - trainer.step, 0),
                stop_when=run.config.stop_when(),
                validate_every=settings.validate_every,
                checkpoint=run.checkpoint,
                checkpoint_every=settings.checkpoint_every,
                snapshots=run.snapshots if settings.snapshots else None,
                progress=progress,
            )
        except BaseException as error:
            _write_record(run, trainer, f"stopped: {type(error).__name__}")
            raise
    best = trainer.best
    if best is not None:
        save(best, run.best)
        net = best if settings.restore == "best" else net
    save(net, run.network)
    write_text(run.path / "history.csv", trainer.history.to_csv())
    _write_record(run, trainer, "trained")
    return Training(net, task, trainer.history, True, trainer.summary())


def _origin(run: Run) -> History:
    """History that this run went on from; empty if it began anew."""
    return read_history(run.start) if run.start.is_file() else History()


def _is_over(run: Run, history: History) -> bool:
    origin = _origin(run)
    first = int(origin.stage[-1]) + 1 if origin.n_steps else 0
    return history.n_steps > origin.n_steps and run.config.is_over(history, first)


def _finished(run: Run) -> History | None:
    """History of a run for which there is nothing to do; None of others."""
    trained = run.read_record().get("status") == "trained"
    if not (trained and run.network.is_file() and run.checkpoint.is_file()):
        return None
    history = read_history(run.checkpoint)
    enough = history.n_steps >= _origin(run).n_steps + run.config.training.steps
    return history if enough or _is_over(run, history) else None


def _why_nothing(run: Run, history: History) -> str:
    steps, done = run.config.training.steps, history.n_steps - _origin(run).n_steps
    if done >= steps:
        return f"Nothing to do: {run.path} has its {steps} steps; eicon train --resume {run.path} --steps M trains on."
    return (
        f"Nothing to do: the training of {run.path} ended after {done} of {steps} steps, as its configuration asks "
        f"(stop or patience); eicon train --from {run.path} --out NEW goes on with other settings."
    )


def _write_record(run: Run, trainer: Trainer, status: str) -> None:
    history, origin = trainer.history, _origin(run)
    seconds = {"compile_seconds": history.compile_seconds, "validation_seconds": history.validation_seconds}
    more: dict[str, Any] = {name: float(values[-1]) if history.n_steps else 0.0 for name, values in seconds.items()}
    if trainer.best_step is not None:
        more["best_step"] = trainer.best_step
    if run.start.is_file():
        more["continued_from"] = {"run": run.config.continued_from, "steps": origin.n_steps}
    write_record(run, status, history.n_steps, float(history.seconds[-1]) if history.n_steps else 0.0, **more)


def write_record(run: Run, status: str, steps: int, seconds: float, **more: Any) -> None:
    """Write how a run stands, and with which versions on which machine."""
    record = {
        "status": status,
        "steps": steps,
        "training_seconds": seconds,
        **more,
        "written": time.strftime("%Y-%m-%d %H:%M:%S"),
        "eicon": __version__,
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in PACKAGES},
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }
    write_json(run.record, without_nan(record))
