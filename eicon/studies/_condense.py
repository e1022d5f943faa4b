"""Measured condensations of networks, compared with the predictions of `eicon.analysis.condense`."""

from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from .. import analysis
from .._key import key as key_of
from .._users import named, scalar
from ..models import Connectivity, RateRNN, verify
from ..models.results import Activity
from ..models.weights import Dense
from ..tasks import Task, Trial
from ..training._losses import Loss
from ._responses import behaviour_of, condition, timed_span

NOISE = 0.5
READOUTS = ("outputs", "rates")
CONDENSE_STREAM = 0xC0
"""Folded into a seed, so that trials for condensing and testing differ from the trained ones."""


class CondensedNetwork(NamedTuple):
    """A smaller network, and the condensation behind it.

    Attributes
    ----------
    net : RateRNN of the canonical units
    condensation : with its measured error
    """

    net: RateRNN
    condensation: analysis.results.Condensation


class Reference(NamedTuple):
    """Trials on which the condensed networks are measured against the original one."""

    task: Task
    trial: Trial
    key: jax.Array
    outputs: jax.Array
    rates: jax.Array


def condense_network(
    net: RateRNN,
    inputs: ArrayLike,
    size: int | float | None = None,
    *,
    mask: ArrayLike | None = None,
    test_inputs: ArrayLike | None = None,
    test_mask: ArrayLike | None = None,
    dale: bool = True,
    noise: float = NOISE,
    within: str | ArrayLike | None = None,
    readout: str = "outputs",
    key: jax.Array | int | None = None,
    **options: Any,
) -> CondensedNetwork:
    """Run a network, condense it, and compare the outputs of the two without noise.

    The rates before the first step, those of ``x0``, count as a step of every trial: units that are silent afterwards
    still act on the first step.

    Parameters
    ----------
    net : RateRNN
        Network to condense, which is not modified.
    inputs : (T, B, n_in) array
        Trials whose activity is used for the condensation.
    size : int, optional
        See `eicon.analysis.condense`.
    mask : (T, B) array of bool or 0/1, optional
        Steps that count.
    test_inputs, test_mask : arrays, optional
        Trials to measure the error on; by default those of ``inputs``.
    dale : bool
        Keep the signs of the units; False turns a network with Dale's law into one without.
    noise : float
        Fraction of the network's own noise (``sigma_rec``, ``sigma_in``) with which it is run, 0 to 1. Some noise is
        needed to reveal the dynamics around its usual trajectories.
    within : str or (N,) array, optional
        Label of the network's units, or labels: units represent only others with the same one, and no connections
        arise between labels that had none.
    readout : {"outputs", "rates"}
        Output of the condensed network: the outputs of ``net``, or the rates of all its units, rebuilt from its own,
        for networks that were fitted to recordings.
    key : jax.Array, optional
        Random key of the noise; default ``eicon.key(0)``.
    **options
        Options of `eicon.analysis.condense`: method, ridge, tolerance, similarity, incoming, n_components, seed, and
        free_readout, which is True by default only for rates.

    Returns
    -------
    CondensedNetwork

    Raises
    ------
    ValueError
        For the reasons given at `eicon.analysis.condense`, ``noise`` outside [0, 1], or a label that units lack.

    Examples
    --------
    >>> net = RateRNN.dale(n_in=2, n_rec=20, n_out=1, spectral_radius=1.2, seed=1)
    >>> inputs = np.random.default_rng(0).normal(size=(30, 20, 2)).astype(np.float32)
    >>> small = condense_network(net, inputs, 12)
    >>> small.net.n_rec, bool(small.condensation.measured_error < 0.1)
    (12, True)
    """
    if readout not in READOUTS:
        raise ValueError(f"unknown readout {readout!r}; allowed: {', '.join(READOUTS)}.")
    if readout == "rates":
        net = reading(net, np.eye(net.n_rec))
    if not 0 <= noise <= 1:
        raise ValueError(f"noise must be in [0, 1], a fraction of the network's own noise; got {noise}.")
    noisy = net.with_settings(sigma_rec=noise * net.sigma_rec, sigma_in=noise * net.sigma_in)
    activity, network = noisy.predict(inputs, key=0 if key is None else key), net.network
    start = network.initial(activity.rates.shape[1:2])
    states = {name: jnp.concatenate([start[name][None], after]) for name, after in activity.states.items()}
    rates, sent = np.asarray(network.rate(states)), np.asarray(network.send(states))
    seen = np.ones(activity.rates.shape[:2]) if mask is None else np.asarray(mask)
    sign = net.recurrent.sign
    if isinstance(within, str):
        if within not in net.units:
            raise ValueError(f"units have no label {within!r}; they have {', '.join(net.units)}.")
        within = net.units[within]
    result = analysis.condense(
        rates,
        net.W_rec,
        net.W_out,
        size,
        mask=np.concatenate([np.ones_like(seen[:1]), seen]),
        sign=sign if dale and sign.any() else None,
        sent=None if np.array_equal(sent, rates, equal_nan=True) else sent,
        within=within,
        **{"free_readout": readout == "rates", **options},
    )
    small = net.condensed(result)
    if test_inputs is None:
        test_inputs, test_mask = inputs, mask
    outputs = [np.asarray(n.predict(test_inputs, noise=False).outputs) for n in (net, small)]
    return CondensedNetwork(small, result._replace(measured_error=output_error(*outputs, mask=test_mask)))


def reading(net: RateRNN, weights: np.ndarray) -> RateRNN:
    """Return the network with different readout weights (N, n_out), and without output bias."""
    parts = net.parts()
    readout = Dense.make(Connectivity.dense(*weights.shape), weights)
    parameters = {name: values for name, values in parts.network.parameters.items() if name != "b_out"}
    network = replace(parts.network, readout=readout, parameters=parameters)
    return net.of_parts(parts._replace(network=network, trained=parts.trained & network.values().keys()))


def output_error(reference: ArrayLike, outputs: ArrayLike, *, mask: ArrayLike | None = None) -> float:
    """Compute `eicon.analysis.similarity.nrmse`; infinite for a network that diverged within the mask."""
    made = np.asarray(outputs)
    counted = made if mask is None else made[np.asarray(mask) != 0]
    return analysis.similarity.nrmse(reference, made, mask=mask) if np.isfinite(counted).all() else float("inf")


def performance(task: Task, trial: Trial, outputs: jax.Array, loss: Loss) -> dict[str, float]:
    """Compute loss and accuracy of outputs, and the root mean squared error of requested times in ms, if any."""
    numbers = {
        "loss": float(scalar(loss(outputs, trial), named("loss", loss))),
        "accuracy": float(task.accuracy(outputs, trial)),
    }
    produced = behaviour_of(task, outputs, trial).time
    if task.asked_time is not None and produced is not None:
        late = np.asarray(produced) - condition(task, trial, task.asked_time, "asked_time").numbers
        numbers["timing_error"] = float(np.sqrt(np.nanmean(late**2))) if np.isfinite(late).any() else float("nan")
    return numbers


def reference(original: RateRNN, task: Task, seed: int | float, repeats: int) -> Reference:
    """Make held-out trials, and run the original network in them without noise."""
    held_out = task.held_out()
    key_trial, key_noise = jax.random.split(jax.random.fold_in(key_of(seed), CONDENSE_STREAM))
    trial = held_out.trials(repeats, key=key_trial)
    activity = original.predict(trial.inputs, noise=False)
    return Reference(held_out, trial, key_noise, activity.outputs, activity.rates)


def measure(net: RateRNN, test: Reference, loss: Loss) -> dict[str, Any]:
    """Measure a network on test trials, compared with the original one; only its errors, if it diverged."""
    task, trial = test.task, test.trial
    inside = np.asarray(trial.inside)
    activity = net.predict(trial.inputs, noise=False)
    numbers = likeness(net, activity, test.outputs, test.rates, inside)
    numbers["without_noise"] = performance(task, trial, activity.outputs, loss)
    numbers["with_noise"] = performance(task, trial, net.predict(trial.inputs, key=test.key).outputs, loss)
    timed = timed_span(task, trial)
    if timed is not None and "n_components" in numbers:
        ramps = analysis.ramp_index(activity.rates, timed[:, 0], timed[:, 1])
        numbers["ramp_index"] = {"mean": ramps.mean, "median": ramps.median}
    return numbers


def likeness(
    net: RateRNN, activity: Activity, outputs: ArrayLike, rates: ArrayLike, inside: np.ndarray
) -> dict[str, Any]:
    """Compare a network with the original one, given the latter's outputs and rates; only errors, if it diverged."""
    numbers: dict[str, Any] = {
        "size": net.n_rec,
        "output_error": output_error(outputs, activity.outputs, mask=inside),
        "spectral_radius": verify(net).spectral_radius,
        "cka": float("nan"),
    }
    if np.isfinite(np.asarray(activity.rates)[inside]).all():
        components = analysis.pca(activity.rates, mask=inside)
        cka = analysis.similarity.linear_cka(rates, activity.rates, mask=inside, debiased=False, n_permutations=0)
        numbers["cka"] = cka.value
        numbers["n_components"] = {f"{f:.0%}": components.n_for(f) for f in (0.9, 0.95, 0.99)}
    return numbers
