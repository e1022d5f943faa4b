"""Stepwise condensation of a trained run, with retraining between steps."""

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
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
from ..studies._condense import CONDENSE_STREAM, NOISE, condense_network
from ..studies._match_noise import match_noise
from ..training import ActivityMatch
from ._condense_purpose import Purpose, purpose_of
from ._directory import is_litter
from ._open import open_run
from ._recipe_tables import RecordingTable
from ._run import Run, write_record


@dataclass(frozen=True)
class Protocol:
    """Settings of a stepwise condensation.

    Parameters
    ----------
    to : int
        Number of units of the last network.
    every : int
        Units removed per step; the last step may be smaller.
    retrain : int
        Training steps after each removal, with the run's own settings; 0 for none.
    learning_rate : float, optional
        Learning rate of retraining; None takes the run's. A smaller one changes the condensed network less.
    match : float
        Strength of the penalty on deviations from the original network's activity
        (`eicon.training.ActivityMatch`) while retraining; 0 retrains on the task alone.
    method : str
        See `eicon.analysis.condense`; ``"merge"`` with ``match`` 0 is the protocol of pairwise merging.
    similarity, incoming : str
        See `eicon.analysis.condense`.
    dale : bool
        Keep the signs of the units.
    within : str
        Label of the units (a cell type, an area): units represent only others with the same one. "" for any.
    noise : float
        See `condense_network`.
    match_noise : bool
        Give each stage, before and after retraining, noise with the same effect as the noise of the original network
        (`eicon.studies.match_noise`); with False, the kept units keep their noise.
    repeats : int
        Trials per condition, for condensing and for testing. For a fit with noise: repetitions of each trial of the
        recording, for condensing; reduced to keep the total below 200 trials.

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
            raise ValueError("match needs retraining, during which activity is matched; got retrain = 0.")

    def sizes(self, n: int) -> list[int]:
        """Return the number of units after each step, for a network of ``n`` units."""
        if self.to >= n:
            raise ValueError(f"the network has {n} units; condensing it to {self.to} would remove none.")
        return [*range(n - self.every, self.to, -self.every), self.to]


def condense_run(
    run: Run, protocol: Protocol, out: str | os.PathLike[str] | None = None, *, progress: bool = True
) -> Run:
    """Condense a trained run into a new run directory, with ``condense.json``.

    Each stage is saved when it is finished; a call with the same protocol resumes after the last finished stage.

    A network that was fitted to a recording is condensed in the trials of the recording. The outputs of the condensed
    networks are the rates of all units of the fitted network (or its outputs, if these were recorded). They are
    retrained on the fitted units, with the same trained parameters, and measured on all units. A network that was
    trained on a task and a recording is condensed and retrained for the task alone.

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
        Run with the last network. ``condense.json`` contains the ``protocol``, the kept ``units`` and the measures of
        each of the ``stages``: size, errors of the outputs against the original network before and after retraining,
        loss and accuracy with noise, the mismatch of the response to noise (``noise_misfit``, of
        `eicon.studies.match_noise`), linear CKA of the trajectories, and the ramp index of the units if the task has a
        production epoch. Test trials are contexts between the trained ones if the task has them (cue-set-go), else
        balanced trials. For a fit, the ``measures`` of ``fit.json`` replace loss and accuracy, and test trials are
        those held out, or else the fitted ones.

    Raises
    ------
    FileNotFoundError
        If the run is not trained, or was condensed from one that no longer exists.
    FileExistsError
        If ``out`` contains something else.
    ValueError
        If the protocol does not fit the network, or the network was fitted to currents.
    """
    if run.recipe.recording.file and not run.recipe.is_fit:
        run = replace(run, recipe=run.recipe.model_copy(update={"recording": RecordingTable()}))
    original = run.load_network()
    sizes = protocol.sizes(original.n_rec)
    purpose = purpose_of(run, original, protocol.repeats)
    path = default_directory(run, protocol) if out is None else Path(out)
    with directory_lock(path, "condensation"):
        return _condensed(path, run, protocol, purpose, sizes, progress)


def _condensed(path: Path, run: Run, protocol: Protocol, purpose: Purpose, sizes: list[int], progress: bool) -> Run:
    record = _open(path, run, protocol)
    if not record["stages"]:
        record["original"] = purpose.measure(purpose.original)
    done = [stage["size"] for stage in record["stages"]]
    net = load(_stage_file(path, done[-1])) if done else purpose.original
    stream = jax.random.fold_in(key_of(run.recipe.seed), CONDENSE_STREAM)
    with tqdm(total=len(sizes), initial=len(done), unit="stage", disable=None if progress else True) as bar:
        for number, size in enumerate(sizes):
            if number < len(done):
                continue
            key = jax.random.fold_in(stream, number + 1)
            net, stage = _stage(purpose, protocol, net, np.array(record["units"]), size, key)
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
    """Return the default directory of the result of `condense_run`."""
    suffix = "-matched" if protocol.match else "-retrained" if protocol.retrain else ""
    return run.path / "condensed" / f"{protocol.method}-{protocol.to}{suffix}"


def read_condensation(run: Run) -> dict[str, Any]:
    """Return the contents of ``condense.json``.

    Raises
    ------
    FileNotFoundError
        If the run is not the result of a condensation.
    """
    path = run.path / "condense.json"
    if not path.is_file():
        raise FileNotFoundError(f"{run.path} is not a condensed run: it has no condense.json.")
    return read_json(path, "record of a condensation")


def trials_of(record: dict[str, Any]) -> str:
    """Return the trials that test a fit: ``held_out`` if there are any, else ``fitted``."""
    return "held_out" if "recorded_held_out_r2" in record["original"]["measures"] else "fitted"


def stages(run: Run) -> Iterator[RateRNN]:
    """Yield the network of each stage of a condensed run, from large to small."""
    for stage in read_condensation(run)["stages"]:
        yield load(_stage_file(run.path, stage["size"]))


def _stage(
    purpose: Purpose, protocol: Protocol, net: RateRNN, units: np.ndarray, size: int, key: jax.Array
) -> tuple[RateRNN, dict[str, Any]]:
    key_trial, key_noise = jax.random.split(key)
    key_match = jax.random.fold_in(key_noise, 1)
    original, (inputs, counted) = purpose.original, purpose.trials(key_trial)
    merging = {} if protocol.method != "merge" else {"incoming": protocol.incoming}
    small, condensation = condense_network(
        net,
        inputs,
        size,
        mask=counted,
        dale=protocol.dale,
        noise=protocol.noise,
        key=key_noise,
        method=protocol.method,
        within=protocol.within or None,
        similarity=protocol.similarity,
        free_readout=purpose.free_readout,
        **merging,
    )
    units = units[condensation.kept]
    stage: dict[str, Any] = {"reconstruction_error": condensation.reconstruction_error}

    def measured(net: RateRNN) -> tuple[RateRNN, dict[str, Any]]:
        if protocol.match_noise and original.sigma_rec:
            one, other = purpose.heard(net), purpose.heard(original)
            found = match_noise(one, other, units, inputs, mask=counted, key=key_match)
            stage["noise_misfit"], parts = found.misfit, net.parts()
            noise = found.net.network.noise
            net = net.of_parts(parts._replace(network=replace(parts.network, noise=noise)))
        return net, purpose.measure(net)

    small, after = measured(small)
    stage["before_retraining"] = after
    if protocol.retrain:
        penalties = [ActivityMatch(original, units, protocol.match)] if protocol.match else []
        trainer = purpose.trainer(small, penalties, protocol.learning_rate)
        trainer.fit(protocol.retrain, validate_every=protocol.retrain + 1, progress=False)
        stage["retraining_loss"] = float(trainer.history.loss[-20:].mean())
        small, after = measured(trainer.net)
    return small, {**after, **stage, "units": units.tolist()}


def _open(path: Path, run: Run, protocol: Protocol) -> dict[str, Any]:
    source = str(run.path.resolve())
    if (path / "condense.json").is_file():
        there = open_run(path)
        record = read_condensation(there)
        before = {"match_noise": False, "within": ""} | record["protocol"]
        if (before, record["source"], there.recipe) != (asdict(protocol), source, run.recipe):
            raise FileExistsError(f"{path} contains a different condensation; choose another --out.")
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
