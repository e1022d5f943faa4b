"""Run directories: recipe, trained network, history and records."""

import os
import platform
import shutil
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .._files import atomic_file, load_arrays, read_json, save_arrays, without_nan, write_json, write_text
from .._hints import hint
from .._lock import DirectoryLostError, directory_lock
from .._moved import warn_renamed
from .._version import __date__, __version__, utc_now
from ..models import RateRNN, load, save
from ..models._initial import spectral_radius
from ..models.weights import Dense
from ..tasks import Task
from ..training import Fixed, NonFiniteLoss, Trainer
from ..training._checkpoint import Checkpoint, read_checkpoint, read_history, write_checkpoint
from ..training._history import History
from ._directory import refuse_taken
from ._fit import write_fit
from ._recipe import Recipe, pruned

KIND, VERSION = "sweep-run", 2
"""Kind and version of the file with the curves; version 1 is that of sweeps of eicon 0.1.0, with curves per epoch."""
WITHOUT_CURVES = "0.1.0"
"""Version of eicon whose ``eicon train`` wrote no file with curves."""
MOST_EXACT = 2000
"""Largest number of units for which the spectral radius is computed."""
PACKAGES = ("brainpy", "jax", "jaxlib", "numpy", "scipy", "matplotlib")


@dataclass(frozen=True)
class Run:
    """Files of a run, by name.

    Attributes
    ----------
    path : directory
    recipe : recipe in `config.toml`, with every default
    """

    path: Path
    recipe: Recipe

    @property
    def config(self) -> Recipe:
        """Recipe, under its name in eicon 0.1.0."""
        warn_renamed("config", "recipe", "a run")
        return self.recipe

    @property
    def checkpoint(self) -> Path:
        """Latest training state."""
        return self.path / "checkpoints" / "latest.npz"

    @property
    def snapshots(self) -> Path:
        """Directory of networks during training, if the recipe requests them."""
        return self.path / "snapshots"

    @property
    def network(self) -> Path:
        """Trained network."""
        return self.path / "network.npz"

    @property
    def best(self) -> Path:
        """Best network by validation; absent before the first validation."""
        return self.path / "best.npz"

    @property
    def curves(self) -> Path:
        """Curves of the validations and facts about the network, once the run is finished."""
        return self.path / "run.npz"

    @property
    def done(self) -> bool:
        """True if the training is finished or has diverged."""
        return self.curves.is_file()

    def network_after(self, epoch: int) -> Path:
        """Return the file of the network after an epoch (counted from 0), which exists if it was stored."""
        return self.path / "networks" / f"epoch={epoch}.npz"

    def history(self) -> History:
        """Read the history of the training, from the checkpoint or, for runs of a sweep, from history.npz."""
        return read_history(self.checkpoint if self.checkpoint.is_file() else self.path / "history.npz")

    @property
    def start(self) -> Path:
        """Training state from which this run started, if it continues another run."""
        return self.path / "checkpoints" / "start.npz"

    @property
    def record(self) -> Path:
        """Record of the run: status, versions, machine, wall time."""
        return self.path / "run.json"

    @property
    def fit(self) -> Path:
        """Quality of the predictions of a run that was fitted to a recording."""
        return self.path / "fit.json"

    @property
    def condensation(self) -> Path:
        """Record of the condensation, in a condensed run."""
        return self.path / "condense.json"

    @property
    def figures(self) -> Path:
        """Directory of figures."""
        return self.path / "figures"

    def with_seed(self, seed: int | None) -> "Run":
        """Return the same run with a different seed for random trials; None keeps the seed.

        Raises
        ------
        ValueError
            For a fit, whose seed determines the units and trials of the recording.
        """
        if seed is None:
            return self
        if self.recipe.recording.file:
            raise ValueError(
                f"{self.path} was fitted to units and trials of a recording that its seed determines; leave out --seed."
            )
        return replace(self, recipe=self.recipe.model_copy(update={"seed": seed, "repeat": None}))

    def read_record(self) -> dict[str, Any]:
        """Return the contents of `record`; empty before the first training."""
        return read_json(self.record, "the record of a run") if self.record.is_file() else {}

    def load_network(self) -> RateRNN:
        """Load and check the trained network.

        Raises
        ------
        FileNotFoundError
            If training has not finished.
        """
        if not self.network.is_file():
            if self.done:
                raise FileNotFoundError(f"the training of {self.path} diverged, so there is no network.")
            again = hint("eicon", "train", "--resume", self.path)
            raise FileNotFoundError(f"{self.path} has no trained network yet; finish it with: {again}")
        return load(self.network)


class Training(NamedTuple):
    """Result of `run_training`.

    Attributes
    ----------
    net, task, history : as `train_run` returns them
    trained : True if there was anything left to train
    summary : the trainer's summary, or the reason why there was nothing to do
    fit : contents of ``fit.json``, for a run that was fitted to a recording
    """

    net: RateRNN
    task: Task
    history: History
    trained: bool
    summary: str
    fit: dict[str, Any] | None = None


def create_run(path: str | os.PathLike[str], recipe: Recipe) -> Run:
    """Make a new run directory.

    Raises
    ------
    FileExistsError
        If the path exists and is not an empty directory; nothing in it is touched.
    FileNotFoundError
        If the recipe continues a run that has no training state.
    ValueError
        If the recipe has a grid, describes an impossible network, or a network that differs from that of the run that
        it continues; nothing is written.
    """
    path = Path(path)
    refuse_taken(path)
    if recipe.grid:
        raise ValueError(f"the recipe has a grid of {recipe.n_cells:,} runs; `eicon sweep` trains all of them.")
    recipe.check()
    recipe = recipe.absolute().completed()
    recipe.check_network()
    run = Run(path, recipe)
    if recipe.continued_from:
        state = Run(Path(recipe.continued_from), recipe).checkpoint
        _refuse_other_network(state, recipe)
        with atomic_file(run.start) as stream:
            stream.write(state.read_bytes())
    write_text(path / "config.toml", recipe.to_toml())
    return run


def _refuse_other_network(state: Path, recipe: Recipe) -> None:
    if not state.is_file():
        raise FileNotFoundError(f"{recipe.continued_from} has no training state to continue from: no {state}.")
    there = read_checkpoint(state).setup.get("network", {})
    here = recipe.make_network(recipe.make_task()).constants
    if different := [name for name in here if here[name] != there.get(name)]:
        words = [f"{name} ({there.get(name)} there, {here[name]} here)" for name in different if name != "numbers"]
        said = ", ".join(words) or "its connections, constraints or constants"
        raise ValueError(f"the network of {recipe.continued_from} differs from that of the recipe: {said}.")


def with_steps(run: Run, steps: int) -> Run:
    """Change the number of training steps in the recipe of a run.

    Raises
    ------
    ValueError
        If the run has more steps already, or its training state was not kept.
    """
    if run.done and not run.checkpoint.is_file():
        raise ValueError(f"{run.path} is a run of a sweep, which keeps no training state; train a new run for longer.")
    done = read_history(run.checkpoint).n_steps - _origin(run).n_steps if run.checkpoint.is_file() else 0
    if steps < done:
        raise ValueError(f"{run.path} has {done} steps already; --steps must be at least as many, got {steps}.")
    training = run.recipe.training.model_copy(update={"steps": steps, "epochs": None})
    recipe = run.recipe.model_copy(update={"training": training})
    write_text(run.path / "config.toml", recipe.to_toml())
    return Run(run.path, recipe)


def train_run(run: Run, *, progress: bool = True) -> tuple[RateRNN, Task, History]:
    """Train a run to its end, from its checkpoint if there is one.

    The steps of the recipe are those of the whole run (without those of a run that it continues), so that
    resuming a finished run changes nothing.

    Raises
    ------
    FileExistsError
        If the run is the result of a condensation, because its network would be replaced.
    DirectoryInUseError
        If another process trains this run.
    """
    return run_training(run, progress=progress)[:3]


def run_training(run: Run, *, progress: bool = True, keep_state: bool = True) -> Training:
    """Train a run as `train_run` does; without ``keep_state``, keep only history and networks."""
    if run.condensation.is_file():
        raise FileExistsError(f"{run.path} contains a condensed network; resume with the same eicon condense command.")
    task = run.recipe.make_task()
    whole = keep_state or run.done  # without it, the run was killed just before its last file was written
    if whole and (history := _finished(run)) is not None:
        fit = read_json(run.fit, "measures of a fit") if run.fit.is_file() else None
        return Training(run.load_network(), task, history, False, _why_nothing(run, history), fit)
    net = run.recipe.make_network(task)
    try:
        with directory_lock(run.path, "run"):
            return _train(run, task, net, progress, keep_state)
    except DirectoryLostError as error:
        rescued = Path(f"{run.path}-rescued.npz")
        save(net, rescued)
        raise DirectoryLostError(f"{error} The network in its current state was saved in {rescued}.") from error


def _train(run: Run, task: Task, net: RateRNN, progress: bool, keep_state: bool) -> Training:
    recipe, settings = run.recipe, run.recipe.training
    facts = _facts(net, task)
    trainer = recipe.make_trainer(net, recipe.make_curriculum())
    if run.checkpoint.is_file():
        trainer.resume(run.checkpoint)
    elif run.start.is_file():
        trainer.resume(run.start, other_settings=True)
    last = _origin(run).n_steps + recipe.n_steps(trainer.trials)
    if not _is_over(run, trainer.history):
        _write_record(run, trainer, "training")
        try:
            for stop in _stops(run, trainer, last):
                trainer.fit(
                    max(stop - trainer.step, 0),
                    stop_when=recipe.stop_when(),
                    validate_every=settings.validate_every,
                    checkpoint=run.checkpoint,
                    checkpoint_every=settings.checkpoint_every,
                    snapshots=run.snapshots if settings.snapshots else None,
                    progress=progress,
                )
                if settings.store_every is not None and isinstance(trainer.trials, Fixed):
                    epoch = trainer.step // trainer.trials.steps_per_epoch - 1
                    save(trainer.net, run.network_after(epoch))
        except BaseException as error:
            _write_record(run, trainer, f"stopped: {type(error).__name__}")
            if isinstance(error, NonFiniteLoss) and not keep_state:
                _write_curves(run, trainer, facts, last, diverged=True)
            raise
    best = trainer.best
    if best is not None:
        save(best, run.best)
        net = best if settings.restore == "best" else net
    save(net, run.network)
    fit = write_fit(run.path, recipe, net) if recipe.recording.file else None
    if keep_state:
        write_text(run.path / "history.csv", trainer.history.to_csv())
    else:
        write_checkpoint(run.path / "history.npz", Checkpoint({}, {}, {}, trainer.history, {}))
    _write_record(run, trainer, "trained")
    _write_curves(run, trainer, facts if fit is None else {**facts, "fit": fit["measures"]}, last)
    if not keep_state:
        shutil.rmtree(run.checkpoint.parent, ignore_errors=True)
    return Training(net, task, trainer.history, True, trainer.summary(), fit)


def _stops(run: Run, trainer: Trainer, last: int) -> list[int]:
    """Return the steps at which training pauses: where networks are stored, and at the end."""
    every = run.recipe.training.store_every
    if every is None or not isinstance(trainer.trials, Fixed):
        return [last]
    k = trainer.trials.steps_per_epoch
    stored = range(k, last + 1, every * k)
    return [stop for stop in sorted({*stored, last}) if stop >= trainer.step]


def _facts(net: RateRNN, task: Task) -> dict[str, Any]:
    """Return facts about the network and task before the first step."""
    exact = isinstance(net.recurrent, Dense) and net.n_rec <= MOST_EXACT
    return {
        "null_loss": task.null_loss,
        "chance": task.chance,
        "score": task.score_name,
        "initial_spectral_radius": spectral_radius(np.asarray(net.W_rec)) if exact else float("nan"),
        "n_rec": net.n_rec,
        "n_connections": net.recurrent.sizes()[1],
    }


def _write_curves(run: Run, trainer: Trainer, facts: dict[str, Any], last: int, *, diverged: bool = False) -> None:
    history = trainer.history
    epochs = trainer.trials if isinstance(trainer.trials, Fixed) and not run.recipe.is_fit else None
    if epochs is not None:
        k = epochs.steps_per_epoch
        curves = epochs.by_epoch(history)
        n = -(-last // k) if diverged else len(curves["seconds"])
        curves = {name: np.pad(c, (0, n - len(c)), constant_values=np.nan) for name, c in curves.items()}
        curves["step"] = np.arange(1, n + 1) * k
    else:
        curves = by_validation(history)
    header = {
        **without_nan(facts),
        "recipe": pruned(run.recipe.model_dump(mode="json")),
        "axis": "validation" if epochs is None else "epoch",
        "steps": history.n_steps,
        "diverged": diverged,
    }
    save_arrays(run.curves, curves, kind=KIND, version=VERSION, header=header)


def by_validation(history: History) -> dict[str, np.ndarray]:
    """Return curves over validations, each (V,): validation values, and training means since the previous one."""
    steps = history.validation_step
    spans = list(zip(np.concatenate([[0], steps])[:-1], steps, strict=True))
    curves: dict[str, np.ndarray] = {"step": steps, "seconds": history.seconds[steps - 1]}
    for name in ("loss", "accuracy"):
        curves[f"train_{name}"] = np.array([np.nanmean(history[name][start:stop]) for start, stop in spans])
        curves[f"validation_{name}"] = history[f"validation_{name}"]
    return curves


def read_curves(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read the curves of a finished run, by epoch or by validation, and its header."""
    return load_arrays(path, kind=KIND, version=VERSION)


def _origin(run: Run) -> History:
    """Return the history that this run continues; empty for a new training."""
    return read_history(run.start) if run.start.is_file() else History()


def _is_over(run: Run, history: History) -> bool:
    origin = _origin(run)
    first = int(origin.stage[-1]) + 1 if origin.n_steps else 0
    return history.n_steps > origin.n_steps and run.recipe.is_over(history, first)


def _finished(run: Run) -> History | None:
    """Return the history of a finished run; None for other runs."""
    record = run.read_record()
    whole = run.done or record.get("eicon") == WITHOUT_CURVES  # or it was killed before its last file was written
    if not (record.get("status") == "trained" and run.network.is_file() and whole):
        return None
    history = run.history()
    if run.done and not run.checkpoint.is_file():
        return history
    wanted = _steps_wanted(run)
    enough = wanted is None or history.n_steps >= _origin(run).n_steps + wanted
    return history if enough or _is_over(run, history) else None


def _steps_wanted(run: Run) -> int | None:
    """Return the steps of the whole training; None for a training that counts epochs."""
    return None if run.recipe.training.steps is None else run.recipe.training.steps


def _why_nothing(run: Run, history: History) -> str:
    steps, done = _steps_wanted(run), history.n_steps - _origin(run).n_steps
    if steps is None or done >= steps:
        again = hint("eicon", "train", "--resume", run.path, "--steps")
        more = f"; to train longer: {again} M" if run.checkpoint.is_file() else ""
        return f"Nothing to do: {run.path} has its {done if steps is None else steps} steps{more}."
    again = hint("eicon", "train", "--from", run.path, "--out")
    return (
        f"Nothing to do: the training of {run.path} ended after {done} of {steps} steps, as its recipe specifies "
        f"(stop or patience); to continue with different settings: {again} NEW"
    )


def _write_record(run: Run, trainer: Trainer, status: str) -> None:
    history, origin = trainer.history, _origin(run)
    seconds = {"compile_seconds": history.compile_seconds, "validation_seconds": history.validation_seconds}
    more: dict[str, Any] = {name: float(values[-1]) if history.n_steps else 0.0 for name, values in seconds.items()}
    if trainer.best_step is not None:
        more["best_step"] = trainer.best_step
    if run.start.is_file():
        more["continued_from"] = {"run": run.recipe.continued_from, "steps": origin.n_steps}
    write_record(run, status, history.n_steps, float(history.seconds[-1]) if history.n_steps else 0.0, **more)


def write_record(run: Run, status: str, steps: int, seconds: float, **more: Any) -> None:
    """Write the state of a run, the versions of its software and its machine."""
    record = {
        "status": status,
        "steps": steps,
        "training_seconds": seconds,
        **more,
        "written": utc_now(),
        "eicon": __version__,
        "eicon_date": __date__,
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in PACKAGES},
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }
    write_json(run.record, without_nan(record))
