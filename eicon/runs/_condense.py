"""Condense a trained run step by step, with retraining in between."""

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
from tqdm.auto import tqdm

from .._files import read_json, without_nan, write_json, write_text
from .._key import key as key_of
from .._lock import directory_lock
from ..analysis._condense import INCOMING, METHODS
from ..analysis._merging import SIMILARITIES
from ..models import RateRNN, load, save
from ..studies._condense import CONDENSE_STREAM, NOISE, Reference, condense_network, measure, reference
from ..studies._match_noise import match_noise
from ..training import ActivityMatch
from ._directory import is_litter
from ._open import open_run
from ._run import Run, write_record


@dataclass(frozen=True)
class Protocol:
    """How a network is condensed step by step.

    Parameters
    ----------
    to : int
        Units to end with.
    every : int
        Units that are taken away at a time; the last step may be shorter.
    retrain : int
        Steps of training after each of these, with the run's own settings; 0 for none.
    learning_rate : float, optional
        Of retraining; None takes the run's. A smaller one stays nearer to what condensing gave.
    match : float
        Strength of the penalty that keeps the activity that of the original network
        (`eicon.training.ActivityMatch`) while retraining; 0 retrains on the task alone.
    method : str
        See `eicon.analysis.condense`; ``"merge"`` with ``match`` 0 is the protocol of pairwise merging.
    similarity, incoming : str
        See there.
    dale : bool
        Keep the signs of the units.
    within : str
        Label of the units (a cell type, an area): units stand only for others with the same one. "" for any.
    noise : float
        See `condense_network`.
    match_noise : bool
        Give each stage, before and after it is retrained, the noise that acts on it as the original network's own
        noise acts there (`eicon.studies.match_noise`); False leaves the kept units the noise that they had.
    repeats : int
        Trials per condition, for condensing and for testing.

    Raises
    ------
    ValueError
        For counts below their range, a negative strength, or an unknown method.
    """

    to: int
    every: int = 10
    retrain: int = 100
    learning_rate: float | None = None
    match: float = 0.0
    method: str = "subset"
    similarity: str = "pca"
    incoming: str = "kept"
    dale: bool = True
    within: str = ""
    noise: float = NOISE
    match_noise: bool = True
    repeats: int = 10

    def __post_init__(self) -> None:
        if self.to < 1 or self.every < 1 or self.retrain < 0 or self.repeats < 1:
            raise ValueError(
                "condensing needs to >= 1, every >= 1, retrain >= 0 and repeats >= 1; "
                f"got {self.to}, {self.every}, {self.retrain} and {self.repeats}."
            )
        for name, allowed in (("method", METHODS), ("similarity", SIMILARITIES), ("incoming", INCOMING)):
            if getattr(self, name) not in allowed:
                raise ValueError(f"unknown {name} {getattr(self, name)!r}; allowed: {', '.join(allowed)}.")
        if self.learning_rate is not None and not self.learning_rate > 0:
            raise ValueError(f"learning_rate must be > 0, or None for that of the run; got {self.learning_rate}.")
        if not self.match >= 0:
            raise ValueError(f"match must be >= 0, the strength of activity matching; got {self.match}.")
        if self.match > 0 and self.retrain == 0:
            raise ValueError("activity is matched while retraining, and retrain is 0.")

    def sizes(self, n: int) -> list[int]:
        """Numbers of units after each step, from a network of ``n``."""
        if self.to >= n:
            raise ValueError(f"the network has {n} units; condensing it to {self.to} takes none away.")
        return [*range(n - self.every, self.to, -self.every), self.to]


def condense_run(
    run: Run, protocol: Protocol, out: str | os.PathLike[str] | None = None, *, progress: bool = True
) -> Run:
    """Condense a trained run; the result is a run directory of its own, with ``condense.json``.

    Each stage is saved when it is done; a call with the same protocol goes on after the last one.

    Parameters
    ----------
    run : Run
        Trained; it is not changed.
    protocol : Protocol
    out : path, optional
        Directory of the result; by default ``RUN/condensed/METHOD-TO``, with ``-matched`` or ``-retrained``.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Run
        Whose network is the last one. ``condense.json`` holds the ``protocol``, the kept ``units`` and what was
        measured at each of the ``stages``: size, errors of the outputs against the original network before and
        after retraining, loss and accuracy with noise, how well the response to noise was matched
        (``noise_misfit``, of `eicon.studies.match_noise`), linear CKA of the trajectories, and the ramp index of the
        units where the task has a production epoch. Tested are contexts between the trained ones where the task has
        them (cue-set-go), and balanced trials elsewhere.

    Raises
    ------
    FileNotFoundError
        If the run is not trained.
    FileExistsError
        If ``out`` holds something else.
    ValueError
        If the protocol does not fit the network.
    """
    original = run.load_network()
    sizes = protocol.sizes(original.n_rec)
    path = default_directory(run, protocol) if out is None else Path(out)
    with directory_lock(path, "condensation"):
        return _condensed(path, run, protocol, original, sizes, progress)


def _condensed(path: Path, run: Run, protocol: Protocol, original: RateRNN, sizes: list[int], progress: bool) -> Run:
    record = _open(path, run, protocol)
    test = reference(original, run.recipe.make_task(), run.recipe.seed, protocol.repeats)
    if not record["stages"]:
        record["original"] = measure(original, test, run.recipe.make_loss())
    done = [stage["size"] for stage in record["stages"]]
    net = load(_stage_file(path, done[-1])) if done else original
    with tqdm(total=len(sizes), initial=len(done), unit="stage", disable=None if progress else True) as bar:
        for number, size in enumerate(sizes):
            if number < len(done):
                continue
            net, stage = _stage(run, protocol, net, original, np.array(record["units"]), size, number, test)
            save(net, _stage_file(path, size))
            record["units"] = stage.pop("units")
            record["stages"].append(stage)
            write_json(path / "condense.json", without_nan(record))
            bar.update()
            bar.set_postfix(units=size, error=f"{stage['output_error']:.3f}", refresh=False)
    save(net, path / "network.npz")
    result = Run(path, run.recipe)
    write_record(result, "condensed", protocol.retrain * len(record["stages"]), 0.0)
    return result


def default_directory(run: Run, protocol: Protocol) -> Path:
    """Where `condense_run` puts its result."""
    suffix = "-matched" if protocol.match else "-retrained" if protocol.retrain else ""
    return run.path / "condensed" / f"{protocol.method}-{protocol.to}{suffix}"


def read_condensation(run: Run) -> dict[str, Any]:
    """Contents of ``condense.json``.

    Raises
    ------
    FileNotFoundError
        If the run is not the result of a condensation.
    """
    path = run.path / "condense.json"
    if not path.is_file():
        raise FileNotFoundError(f"{run.path} is not a condensed run: it has no condense.json.")
    return read_json(path, "record of a condensation")


def stages(run: Run) -> Iterator[RateRNN]:
    """Network of each stage of a condensed run, from large to small."""
    for stage in read_condensation(run)["stages"]:
        yield load(_stage_file(run.path, stage["size"]))


def _stage(
    run: Run,
    protocol: Protocol,
    net: RateRNN,
    original: RateRNN,
    units: np.ndarray,
    size: int,
    number: int,
    test: Reference,
) -> tuple[RateRNN, dict[str, Any]]:
    task = run.recipe.make_task()
    key = jax.random.fold_in(jax.random.fold_in(key_of(run.recipe.seed), CONDENSE_STREAM), number + 1)
    key_trial, key_noise = jax.random.split(key)
    key_match = jax.random.fold_in(key_noise, 1)
    trial = task.trials(protocol.repeats, key=key_trial)
    merging = {} if protocol.method != "merge" else {"incoming": protocol.incoming}
    small, condensation = condense_network(
        net,
        trial.inputs,
        size,
        mask=np.asarray(trial.inside),
        dale=protocol.dale,
        noise=protocol.noise,
        key=key_noise,
        method=protocol.method,
        within=protocol.within or None,
        similarity=protocol.similarity,
        **merging,
    )
    units = units[condensation.kept]
    stage: dict[str, Any] = {"reconstruction_error": condensation.reconstruction_error}

    def measured(net: RateRNN) -> tuple[RateRNN, dict[str, Any]]:
        if protocol.match_noise and original.sigma_rec:
            net, _, stage["noise_misfit"], _ = match_noise(
                net, original, units, trial.inputs, mask=trial.inside, key=key_match
            )
        return net, measure(net, test, run.recipe.make_loss())

    small, after = measured(small)
    stage["before_retraining"] = after
    if protocol.retrain:
        penalties = [ActivityMatch(original, units, protocol.match)] if protocol.match else []
        trainer = run.recipe.make_trainer(small, task, penalties, protocol.learning_rate)
        trainer.fit(protocol.retrain, validate_every=protocol.retrain + 1, progress=False)
        stage["retraining_loss"] = float(trainer.history.loss[-20:].mean())
        small, after = measured(small)
    return small, {**after, **stage, "units": units.tolist()}


def _open(path: Path, run: Run, protocol: Protocol) -> dict[str, Any]:
    source = str(run.path.resolve())
    if (path / "condense.json").is_file():
        there = open_run(path)
        record = read_condensation(there)
        before = {"match_noise": False, "within": ""} | record["protocol"]
        if (before, record["source"], there.recipe) != (asdict(protocol), source, run.recipe):
            raise FileExistsError(f"{path} holds another condensation; choose another --out.")
        return record
    if path.exists() and any(not is_litter(inner) for inner in path.iterdir()):
        raise FileExistsError(f"{path} already exists and is not empty; choose another --out.")
    n = run.load_network().n_rec
    record = {"source": source, "protocol": asdict(protocol), "units": list(range(n)), "stages": []}
    write_text(path / "config.toml", run.recipe.to_toml())
    write_json(path / "condense.json", without_nan(record))
    return record


def _stage_file(path: Path, size: int) -> Path:
    return path / "stages" / f"{size}.npz"
