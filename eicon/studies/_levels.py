"""Condensation of a network to many sizes: kept units, the units that they represent, and the error."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int
from tqdm.auto import tqdm

from .._key import key as key_of
from .._numbers import whole as as_whole
from ..models import RateRNN
from ..tasks import Task
from ..tasks._check import check_task
from ._condense import CONDENSE_STREAM, condense_network, reference

FRACTIONS = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.15, 0.1, 0.05)
SMALLEST = 4
"""Fewest units for condensation."""
TRIALS = 100
MOST_REPEATS = 50


class Level(NamedTuple):
    """A network condensed to n of N units, without retraining; see `eicon.analysis.results.Condensation`.

    Attributes
    ----------
    kept : (n,) int
        Kept units.
    groups : (N,) int
        Unit, 0 ... N - 1, that mainly represents each unit; -1 for none.
    unit_error : (N,) float
        Error of each unit's rebuilt rate, relative to its standard deviation; NaN for units that do not vary.
    weights : (n, n) float
        Effective recurrent weights ``[pre, post]`` of the condensed network.
    error : float
        Error of the outputs on new trials without noise, against the whole network; infinite if it diverged.
    """

    kept: Int[np.ndarray, "n"]
    groups: Int[np.ndarray, "N"]
    unit_error: Float[np.ndarray, "N"]
    weights: Float[np.ndarray, "n n"]
    error: float


class Levels(NamedTuple):
    """Levels from all units to few, and the reason for stopping.

    Attributes
    ----------
    levels : list of Level
        The first is the whole network.
    reason : str
        Empty if the network was condensed to all sizes.
    """

    levels: list[Level]
    reason: str


def level_sizes(n: int) -> list[int]:
    """Return the sizes to which a network of ``n`` units is condensed, descending; none for very small networks."""
    return sorted({round(n * part) for part in FRACTIONS} - {0, 1, n}, reverse=True) if n >= SMALLEST else []


def condensation_levels(
    net: RateRNN, task: Task, *, seed: int | float, sizes: Sequence[int | float] | None = None, progress: bool = True
) -> Levels:
    """Condense a network to many sizes, each time from the whole network.

    Parameters
    ----------
    net : RateRNN
    task : Task
    seed : int
        Seed of the trials; condensing and testing use different trials.
    sizes : list of int, optional
        Sizes; by default `level_sizes`.
    progress : bool
        Show a progress bar.

    Raises
    ------
    ValueError
        If a size is not in 1 ... N - 1.
    """
    check_task(task)
    n = net.n_rec
    wanted = level_sizes(n) if sizes is None else sorted({as_whole(size, "a size") for size in sizes}, reverse=True)
    if any(not 1 <= size < n for size in wanted):
        raise ValueError(f"levels of condensation must lie in 1..{n - 1} for a network of {n} units; got {wanted}.")
    whole = Level(np.arange(n), np.arange(n), np.zeros(n), np.asarray(net.W_rec, float), 0.0)
    if not wanted:
        return Levels([whole], f"The network has only {n} units: nothing to condense.")
    options = _trials(net, task, seed)
    levels = [whole]
    for size in tqdm(wanted, unit="level", desc="condensing", disable=None if progress else True):
        try:
            condensed = condense_network(net, size=size, **options)
        except ValueError as error:  # a silent network, for instance; earlier levels remain
            return Levels(levels, f"It was not condensed to {size} units: {error}")
        found = condensed.condensation
        groups = np.where(found.groups >= 0, found.kept[found.groups], -1)
        weights = np.asarray(condensed.net.W_rec, float)
        levels.append(Level(found.kept, groups, found.unit_error, weights, float(found.measured_error)))
    return Levels(levels, "")


def _trials(net: RateRNN, task: Task, seed: int | float) -> dict[str, Any]:
    repeats = int(np.clip(TRIALS // task.n_conditions, 1, MOST_REPEATS))
    test = reference(net, task, seed, repeats)
    key = jax.random.fold_in(jax.random.fold_in(key_of(seed), CONDENSE_STREAM), 1)
    key_trial, key_noise = jax.random.split(key)
    trial = task.trials(repeats, key=key_trial)
    return {
        "inputs": trial.inputs,
        "mask": np.asarray(trial.inside),
        "test_inputs": test.trial.inputs,
        "test_mask": np.asarray(test.trial.inside),
        "key": key_noise,
    }
