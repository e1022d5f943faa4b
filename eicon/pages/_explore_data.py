"""Contents of the explorer of a network, as numbers."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, UInt

from .. import analysis
from .._files import without_nan
from ..models import RateRNN, verify
from ..runs._sections import classes_of, tuned_by
from ..studies._levels import Levels
from ..studies._responses import Responses, outputs_and_targets
from ..tasks import Task, Trial
from ._explore_behaviour import behaviour
from ._explore_bits import quantise
from ._explore_conditions import Conditions, conditions_of, default_grouping, groupings
from ._explore_unit import unit_contents

TRIAL_BYTES = 6_000_000
"""Largest size of single trials; the others are only part of the means."""
MEAN_BYTES = 4_000_000
"""Condition means beyond this size are kept with 16 bits instead of as float32."""
LEVEL_BYTES = 4_000_000
"""Matrices of condensed networks beyond this size are not kept, the largest first."""
N_COMPONENTS = 3


class Contents(NamedTuple):
    """Contents of a page.

    Attributes
    ----------
    facts : JSON-compatible
    arrays : name -> array, listed in `contents`
    """

    facts: dict[str, Any]
    arrays: dict[str, np.ndarray]


def contents(
    given: Responses, levels: Levels, *, seed: int | float = 0, original: RateRNN | str = "it was not given"
) -> Contents:
    """Make the contents of a page from a network and its trials.

    Parameters
    ----------
    given : Responses
        B balanced trials of T steps.
    levels : Levels
        Levels of condensation.
    seed : int
        Seed of the trials.
    original : RateRNN or str
        Network from which a condensed one was made, or the reason why it is missing.

    Returns
    -------
    Contents
        Arrays, for C conditions, K kept trials and k principal components: ``weights`` (N, N), ``input`` (n_in, N),
        ``readout`` (N, n_out), ``means`` (N, C, T) of rates over the ``counts`` (C, T) of trials inside,
        ``outputs`` and ``targets`` (C, T, n_out), the latter over the ``target_counts`` (C, T) of trials scored,
        ``trials`` (N, K, T) of rates in 8 bits with ``trial_scale`` (N, 2), their ``trial_condition`` (K,),
        ``trial_stop`` (K,), ``trial_epochs`` (K, n_epochs, 2) in steps, ``trial_outputs``, ``trial_targets``
        (K, T, n_out), ``components`` (k, N), ``paths`` (C, T, k) and ``trial_paths`` (K, T, k), ``measure``,
        ``mean_rate`` (N,), for each level i ``kept_i``, ``groups_i``, ``unit_error_i`` and ``weights_i``, and those
        of `unit_contents`. NaN marks entries without a trial or target.

    Raises
    ------
    ValueError
        If the network diverged, or was not condensed from the original one.
    """
    net, task, trial, _ = given
    conditions = conditions_of(task, trial)
    facts, arrays = _activity(given, conditions)
    components, component_facts = _components(given, conditions, facts["trials"]["kept"])
    measure, about = _measure(given, arrays["means"], arrays["counts"])
    shrunk, bits = _means(arrays.pop("means"))
    level_facts, level_arrays = _levels(levels)
    unit_facts, unit_arrays = unit_contents(given, seed=seed, original=original)
    ways = groupings(conditions)
    facts |= {
        "task": _task_facts(task, trial),
        "units": {"labels": {name: [str(v) for v in values] for name, values in net.units.items()}, "measure": about},
        "conditions": {
            "labels": [conditions.label(i) for i in range(conditions.n)],
            "n_trials": np.bincount(conditions.of_trial).tolist(),
        },
        "groupings": [way._asdict() for way in ways],
        "grouping": default_grouping(ways),
        "means_bits": bits,
        "components": component_facts,
        "behaviour": behaviour(given, conditions),
        "certificate": without_nan(verify(net).to_dict()),
        "levels": level_facts,
        "each": unit_facts,
    }
    arrays |= {
        "weights": np.asarray(net.W_rec, np.float32),
        "input": np.asarray(net.W_in, np.float32),
        "readout": np.asarray(net.W_out, np.float32),
        "measure": measure.astype(np.float32),
        **shrunk,
        **components,
        **level_arrays,
        **unit_arrays,
    }
    return Contents(facts, arrays)


def _task_facts(task: Task, trial: Trial) -> dict[str, Any]:
    return {
        "name": type(task).__name__,
        "about": (type(task).__doc__ or "").strip().partition("\n")[0],
        "dt": float(task.dt),
        "inputs": list(task.input_channels),
        "outputs": list(task.output_channels),
        "epochs": list(trial.epochs),
    }


def _activity(given: Responses, conditions: Conditions) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return rates, outputs and targets: means of all trials, and as many single trials as fit."""
    trial, activity = given.trial, given.activity
    inside = np.asarray(trial.inside)
    rates = np.asarray(activity.rates)
    if not np.isfinite(rates[inside]).all():
        raise ValueError("the network diverged: some of its rates are not finite. Train it again with a smaller step.")
    outputs, targets = outputs_and_targets(given)
    scored = inside & (np.asarray(trial.mask) > 0)
    of_rates = analysis.condition_average(rates, conditions.of_trial, inside)
    kept = int(np.clip(TRIAL_BYTES // (rates.shape[0] * rates.shape[2]), 1, trial.batch_size))
    single = quantise(np.moveaxis(rates[:, :kept], 2, 0).swapaxes(1, 2).astype(float), 8, inside[:, :kept].T)
    spans = np.stack([np.asarray(span)[:kept] for span in trial.epochs.values()], axis=1)
    arrays = {
        "means": np.moveaxis(of_rates.average, 2, 0),
        "mean_rate": rates[inside].mean(axis=0, dtype=float).astype(np.float32),
        "trials": single.codes,
        "trial_scale": single.scale,
        "trial_condition": conditions.of_trial[:kept].astype(np.uint16),
        "trial_stop": inside[:, :kept].sum(axis=0).astype(np.uint16),
        "trial_epochs": spans.astype(np.uint16),
    }
    for name, values, mask in (("outputs", outputs, inside), ("targets", targets, scored)):
        mean = analysis.condition_average(values, conditions.of_trial, mask)
        arrays[name] = mean.average.astype(np.float32)
        arrays["counts" if name == "outputs" else "target_counts"] = mean.n.astype(np.uint16)
        one = np.where(mask[:, :kept, None], values[:, :kept], np.nan)
        arrays[f"trial_{name}"] = np.swapaxes(one, 0, 1).astype(np.float32)
    facts = {"trials": {"recorded": trial.batch_size, "kept": kept, "bits": 8, "steps": trial.n_steps}}
    return facts, arrays


def _means(means: Float[np.ndarray, "N C T"]) -> tuple[dict[str, np.ndarray], int]:
    """Return condition means as float32, or with 16 bits if there are many."""
    if 4 * means.size <= MEAN_BYTES:
        return {"means": means.astype(np.float32)}, 32
    there = np.isfinite(means[0])
    coded = quantise(np.where(there, means, 0.0), 16, there)
    return {"means": coded.codes, "mean_scale": coded.scale}, 16


def _components(given: Responses, conditions: Conditions, kept: int) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the first principal components and trajectories in them; empty if rates do not vary."""
    rates, inside = np.asarray(given.activity.rates, float), np.asarray(given.trial.inside)
    n = min(N_COMPONENTS, rates.shape[2], int(inside.sum()) - 1)
    try:
        found = analysis.pca(rates, mask=inside, n_components=n)
    except ValueError as error:
        return {}, {"reason": str(error)}
    single = np.where(inside[:, :kept, None], found.trajectories[:, :kept], np.nan)
    arrays = {
        "components": found.components,
        "paths": analysis.condition_average(found.trajectories, conditions.of_trial, inside).average,
        "trial_paths": np.swapaxes(single, 0, 1),
    }
    facts = {
        "reason": "",
        "ratio": found.explained_ratio[:n].tolist(),
        "participation_ratio": float(found.participation_ratio),
    }
    return {name: values.astype(np.float32) for name, values in arrays.items()}, facts


def _measure(
    given: Responses, means: Float[np.ndarray, "N C T"], counts: UInt[np.ndarray, "C T"]
) -> tuple[Float[np.ndarray, "N"], dict[str, str]]:
    """Return a measure of each unit's selectivity that suits the task, and its description."""
    trial, classes = given.trial, classes_of(given, tuned_by(given))
    if classes is not None:
        found = analysis.selectivity(given.activity.rates, classes.labels, window=classes.window)
        when = f"during {classes.epoch}" if classes.epoch else "over whole trials"
        about = f"d\N{PRIME} {when}; positive prefers {classes.first}"
        return np.nan_to_num(found.d_prime, posinf=99.0, neginf=-99.0), {"name": "d\N{PRIME}", "about": about}
    if means.shape[1] > 1:
        spread = np.ptp(np.nansum(means * counts, axis=2) / counts.sum(axis=1), axis=1)
        return spread, {"name": "range", "about": "largest minus smallest mean rate among the conditions"}
    deviation = np.asarray(given.activity.rates, float)[np.asarray(trial.inside)].std(axis=0)
    return deviation, {"name": "s.d.", "about": "standard deviation of the rate over steps and trials"}


def _levels(levels: Levels) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    facts = {
        "sizes": [len(level.kept) for level in levels.levels],
        "errors": without_nan([level.error for level in levels.levels]),
        "reason": levels.reason,
    }
    arrays, room = {}, LEVEL_BYTES
    for i, level in reversed(list(enumerate(levels.levels))):
        arrays[f"kept_{i}"] = level.kept.astype(np.int32)
        arrays[f"groups_{i}"] = level.groups.astype(np.int32)
        arrays[f"unit_error_{i}"] = level.unit_error.astype(np.float32)
        room -= 4 * level.weights.size
        if i and room >= 0:  # weights of the whole network are included already
            arrays[f"weights_{i}"] = level.weights.astype(np.float32)
    return facts, arrays
