"""Role of one unit: the units that it represents, its tuning, effects of its silencing, and weights by label."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from .. import analysis
from ..models import RateRNN
from ..models._condensed import NAMES, names_of
from ..models._network import Changes, Network, run_drive
from ..studies._perturb import _answers
from ..studies._responses import Responses, analysis_key, outputs_and_targets, responses
from ._explore_behaviour import means_of
from ._explore_bits import quantise
from ._explore_conditions import conditions_of

MOST_UNITS = 200
"""Largest number of units of a network whose units are silenced one by one."""
MOST_RATES = 6_000_000
"""Largest steps x trials x units of a run with silenced units; above it, there are fewer trials per condition."""
OUTPUT_BYTES = 1_000_000
"""Largest size of mean outputs with a silenced unit; above it, only every k-th step is kept."""
MOST_VALUES = 12
"""Weights are not summed by a label with more values."""

Units = Mapping[str, np.ndarray]


class Silenced(NamedTuple):
    """Results of silencing each of G groups of units for the whole trial, with the same trials and noise.

    The last group is empty: the intact network.

    Attributes
    ----------
    accuracy : (G,) float
        Mean score; a trial without an answer has the score of a guess, as in `perturbation_effects`.
    score : (G, C) float
        Mean score of each condition.
    change : (G,) float
        Root mean square change of the outputs, relative to their standard deviation; NaN if they diverge.
    outputs : (G, C, S, n_out) float
        Means of each condition, at every k-th step of S k; NaN without a trial.
    """

    accuracy: Float[np.ndarray, "G"]
    score: Float[np.ndarray, "G C"]
    change: Float[np.ndarray, "G"]
    outputs: Float[np.ndarray, "G C S n_out"]


def represented(labels: Iterable[str]) -> list[list[str]]:
    """Return the names of the units that each condensed unit represents, from the label ``represents``.

    Examples
    --------
    >>> represented(["AVA L, AVA R", "RIM L", ""])
    [['AVA L', 'AVA R'], ['RIM L'], []]
    """
    return [[name for name in str(label).split(", ") if name] for label in labels]


def members_of(units: Units, original: Units) -> list[Int[np.ndarray, "_"]]:
    """Return the units of the original network that each unit of a condensed one represents.

    Parameters
    ----------
    units : name -> (n,) labels
        Labels of the condensed network, including ``represents``.
    original : name -> (N,) labels
        Labels of the original network, which may itself be condensed.

    Raises
    ------
    ValueError
        If the two do not belong together.
    """
    names, own = represented(units["represents"]), represented(names_of(original))
    holder = {name: unit for unit, held in enumerate(names) for name in held}
    holders = [{holder.get(name) for name in parts} for parts in own]
    strange = sorted(holder.keys() - {name for parts in own for name in parts})
    if strange or any(len(found) > 1 for found in holders):
        which = f"has no unit {strange[0]!r}" if strange else "was condensed in a different way"
        raise ValueError(
            f"the original network {which}: the condensed network was not made from it, or it has changed."
        )
    return [np.array([i for i, found in enumerate(holders) if found == {unit}], int) for unit in range(len(names))]


def unit_contents(
    given: Responses, *, seed: int | float, original: RateRNN | str
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return facts and arrays on each unit, for the page.

    Parameters
    ----------
    given : Responses
        Responses in balanced trials drawn with ``seed``.
    seed : int
    original : RateRNN or str
        Network from which a condensed one was made, or the reason why it is missing.

    Returns
    -------
    facts : JSON-compatible
    arrays : name -> array
        For N units, C conditions, G values of labels, and S steps, every ``stride``-th of the trial: ``sent`` and
        ``received`` (N, G, 2), sums of excitatory and of inhibitory weights; ``tuning`` (N, C), mean rates;
        ``silenced_accuracy`` (N + 1,), ``silenced_score`` (N + 1, C), ``silenced_change`` (N + 1,) and
        ``silenced_outputs`` (N + 1, C, S, n_out) in 8 bits, with ``silenced_scale`` (N + 1, 2), see `Silenced`. With an
        original network also: ``members`` (M,), its units, those of unit i from ``member_start[i]`` to
        ``member_start[i + 1]``; their ``member_tuning`` (M, C) and ``member_correlation`` (M,) with the unit that
        represents them; ``original_accuracy``, ``original_score`` and ``original_change``, with all units silenced
        that one unit represents.

    Raises
    ------
    ValueError
        As `members_of`.
    """
    net = given.net
    labels, arrays = _weights_by_label(net)
    arrays["tuning"] = _tuning(given)
    facts: dict[str, Any] = {"labels": labels, "represents": None, "original": None, "missing": "", "silencing": None}
    if net.n_rec <= MOST_UNITS:
        fewer = _fewer(given, net, seed)
        found, stride = silenced(fewer, [np.array([unit]) for unit in range(net.n_rec)], seed)
        facts["silencing"] = {"n_trials": fewer.trial.batch_size, "stride": stride}
        arrays |= _few_bits(found)
    if "represents" not in net.units:
        return facts, arrays
    facts["represents"] = represented(net.units["represents"])
    if isinstance(original, str):
        facts["missing"] = original
        return facts, arrays
    members = members_of(net.units, original.units)
    there = _fewer(given, original, seed)
    found, _ = silenced(there, members, seed)
    facts["original"] = {
        "n": original.n_rec,
        "n_trials": there.trial.batch_size,
        "names": _text(names_of(original.units)),
        "labels": {name: _text(original.units[name]) for name in _counted(original)},
    }
    arrays |= {f"original_{name}": values for name, values in found._asdict().items() if name != "outputs"}
    same = given
    if there.trial.batch_size < given.trial.batch_size:
        same = responses(net, given.task, there.trial.batch_size // given.task.n_conditions, seed=seed)
    own, theirs, all_members = _trajectories(same), _trajectories(there), np.concatenate(members)
    arrays |= {
        "members": all_members.astype(np.int32),
        "member_start": np.cumsum([0, *map(len, members)]).astype(np.int32),
        "member_tuning": _tuning(there)[all_members],
        "member_correlation": np.concatenate([_correlation(own[i], theirs[held]) for i, held in enumerate(members)]),
    }
    return facts, arrays


def silenced(given: Responses, groups: Sequence[Int[np.ndarray, "_"]], seed: int | float) -> tuple[Silenced, int]:
    """Silence groups of units, one group at a time, in one compiled program.

    Parameters
    ----------
    given : Responses
        Balanced trials.
    groups : sequence of (k,) int arrays
    seed : int
        Seed of `given`.
    """
    net, task, trial, activity = given
    conditions, inside = conditions_of(task, trial), np.asarray(trial.inside)
    n_steps, n_out = activity.outputs.shape[::2]
    stride = -(-(len(groups) + 1) * conditions.n * n_steps * n_out // OUTPUT_BYTES)
    drive = _drive(net.network, trial.inputs, jax.random.split(analysis_key(seed))[1])
    found, intact = [], np.empty(0)
    for group in [np.empty(0, int), *groups]:
        changed = activity._replace(outputs=_run_silenced(net.network, drive, np.isin(np.arange(net.n_rec), group)))
        outputs = outputs_and_targets(given._replace(activity=changed))[0].astype(float)
        intact = intact if intact.size else outputs[inside]
        score, counted = (
            np.array(values) for values in means_of(_answers(net, task, trial, changed).score, conditions)
        )
        with np.errstate(all="ignore"):  # constant or diverging outputs, and tasks that score nothing, give NaN
            change = np.sqrt(np.mean((outputs[inside] - intact) ** 2) / np.mean((intact - intact.mean(axis=0)) ** 2))
            accuracy = np.where(counted, score, 0.0) @ counted / np.float64(counted.sum())
            mean = analysis.condition_average(outputs, conditions.of_trial, inside).average[:, ::stride]
        found.append((accuracy, score, change, mean))
    return Silenced(*(np.array(values, np.float32) for values in zip(*found[1:], found[0], strict=True))), stride


_drive = jax.jit(Network.drive)


@jax.jit
def _run_silenced(network: Network, drive: jax.Array, units: Bool[jax.Array | np.ndarray, "N"]) -> jax.Array:
    """Return the outputs with some units silenced throughout."""
    gate = jnp.broadcast_to(jnp.where(units, 0.0, 1.0).astype(drive.dtype), drive.shape)
    return run_drive(network, drive, Changes(gate=gate), forward_mode=False).outputs


def _few_bits(found: Silenced) -> dict[str, np.ndarray]:
    """Return the arrays of a page, with outputs in 8 bits; diverging ones are 0, and their change is NaN."""
    there = np.isfinite(found.outputs[-1])
    coded = quantise(np.where(there & np.isfinite(found.outputs), found.outputs, 0.0).astype(float), 8, there)
    arrays = {**found._asdict(), "outputs": coded.codes, "scale": coded.scale}
    return {f"silenced_{name}": values for name, values in arrays.items()}


def _fewer(given: Responses, net: RateRNN, seed: int | float) -> Responses:
    """Return responses in the same trials, or in fewer per condition if a run for each unit would be too large."""
    task, trial = given.task, given.trial
    repeats = trial.batch_size // task.n_conditions
    room = MOST_RATES // (trial.n_steps * task.n_conditions * net.n_rec)
    if net is given.net and room >= repeats:
        return given
    return responses(net, task, max(1, min(repeats, room)), seed=seed)


def _trajectories(given: Responses) -> Float[np.ndarray, "N CT"]:
    """Return concatenated mean trajectories of all conditions, or all trials if there is only one condition.

    Steps without a trial are NaN.
    """
    conditions, inside = conditions_of(given.task, given.trial), np.asarray(given.trial.inside)
    of_trial = conditions.of_trial if conditions.n > 1 else np.arange(given.trial.batch_size)
    mean = analysis.condition_average(np.asarray(given.activity.rates), of_trial, inside).average
    return np.moveaxis(mean, 2, 0).reshape(mean.shape[2], -1)


def _tuning(given: Responses) -> Float[np.ndarray, "N C"]:
    """Return the mean rate over all steps of all trials of each condition."""
    conditions, inside = conditions_of(given.task, given.trial), np.asarray(given.trial.inside)
    sums = np.where(inside[..., None], np.asarray(given.activity.rates), 0.0).sum(axis=0)  # (B, N)
    of = np.arange(conditions.n)[:, None] == conditions.of_trial
    return ((of @ sums) / (of @ inside.sum(axis=0))[:, None]).T.astype(np.float32)


def _correlation(one: Float[np.ndarray, "CT"], several: Float[np.ndarray, "k CT"]) -> Float[np.ndarray, "k"]:
    """Return Pearson's r of a trajectory with others, over their common steps; NaN for a constant one."""
    r = np.full(len(several), np.nan)
    for i, other in enumerate(several):
        there = np.isfinite(one) & np.isfinite(other)
        a, b = (values[there] - values[there].mean() for values in (one, other))
        norm = np.sqrt((a @ a) * (b @ b))
        r[i] = a @ b / norm if norm else np.nan
    return r.astype(np.float32)


def _weights_by_label(net: RateRNN) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    """Return sums of the weights from and to the units of each value of each label."""
    labels, members = [], []
    for name in _counted(net):
        values = list(dict.fromkeys(_text(net.units[name])))
        labels.append({"name": name, "values": values})
        members += [np.array(_text(net.units[name])) == value for value in values]
    w, of = np.asarray(net.W_rec, float), np.array(members, float).T
    signs = (np.maximum(w, 0.0), np.minimum(w, 0.0))
    return labels, {
        "sent": np.stack([part @ of for part in signs], axis=2).astype(np.float32),
        "received": np.stack([part.T @ of for part in signs], axis=2).astype(np.float32),
    }


def _counted(net: RateRNN) -> list[str]:
    """Return labels with few values: the type, and those that distinguish some units from others."""
    few = [name for name, of in net.units.items() if 1 < len(set(_text(of))) <= min(MOST_VALUES, net.n_rec - 1)]
    return ["type", *(name for name in few if name not in ("type", "represents", *NAMES))]


def _text(labels: Iterable[Any]) -> list[str]:
    return [str(label) for label in labels]
