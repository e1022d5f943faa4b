"""Silence or drive units, or cut projections, while a network works."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..tasks import Trial
from ._equation import Activity, Parameters, RateEquation
from ._units import Units, select


@dataclass(frozen=True, eq=False)
class Silence:
    """Rates of some units are 0, for the others and for the readout.

    Parameters
    ----------
    units : str, mapping, bool mask (N,) or indices
        See `RateRNN.select`.
    epoch : str, optional
        Of the trial; None is all of it.
    """

    units: Units
    epoch: str | None = None


@dataclass(frozen=True, eq=False)
class Drive:
    """Some units receive a constant current, excitatory if it is positive.

    Parameters
    ----------
    units : str, mapping, bool mask (N,) or indices
        See `RateRNN.select`.
    current : float
        In the unit of ``x``: alone it would shift a unit's current by so much.
    epoch : str, optional
        Of the trial; None is all of it.
    """

    units: Units
    current: float
    epoch: str | None = None


@dataclass(frozen=True, eq=False)
class Cut:
    """Connections from some units to others transmit nothing; the units themselves stay active.

    Parameters
    ----------
    source, target : str, mapping, bool mask (N,) or indices
        See `RateRNN.select`.
    epoch : str, optional
        Of the trial; None is all of it.
    """

    source: Units
    target: Units
    epoch: str | None = None


Perturbation = Silence | Drive | Cut


class _Changes(NamedTuple):
    """What perturbations do.

    Attributes
    ----------
    gate : (T, B, N) factor of the rates
    current : (T, B, N) added to the input
    cuts : pairs of (T, B) bool and (N, N) bool entries
    """

    gate: jax.Array
    current: jax.Array
    cuts: list[tuple[jax.Array, jax.Array]]


def perturb(
    equation: RateEquation,
    parameters: Parameters,
    units: Mapping[str, np.ndarray],
    trial: Trial,
    perturbations: Sequence[Perturbation],
    *,
    key: jax.Array | None,
) -> Activity:
    """Run trials under perturbations, without noise if there is no key; see `RateRNN.perturb`."""
    return _simulate(equation, parameters, trial.inputs, key, _changes(units, trial, perturbations))


def _changes(labels: Mapping[str, np.ndarray], trial: Trial, perturbations: Sequence[Perturbation]) -> _Changes:
    shape = (*trial.inputs.shape[:2], len(labels["type"]))
    gate, current = np.ones(shape, np.float32), np.zeros(shape, np.float32)
    cuts: dict[str | None, np.ndarray] = {}
    for perturbation in perturbations:
        during = _during(trial, perturbation.epoch)
        match perturbation:
            case Silence(units=units):
                gate[during[:, :, None] & select(labels, units)] = 0.0
            case Drive(units=units, current=size):
                if not np.isfinite(size):
                    raise ValueError(f"the current of a drive must be finite; got {size}.")
                current += during[:, :, None] * np.where(select(labels, units), np.float32(size), np.float32(0.0))
            case Cut(source=source, target=target, epoch=epoch):
                entries = np.outer(select(labels, source), select(labels, target))
                if any((entries & others).any() for other, others in cuts.items() if other != epoch):
                    raise ValueError(
                        f"some connections are cut during {epoch!r} and during another epoch; cut them throughout "
                        "(epoch None), or run the two perturbations apart."
                    )
                cuts[epoch] = cuts.get(epoch, np.zeros_like(entries)) | entries
    return _Changes(
        jnp.asarray(gate),
        jnp.asarray(current),
        [(jnp.asarray(_during(trial, epoch)), jnp.asarray(entries)) for epoch, entries in cuts.items()],
    )


def _during(trial: Trial, epoch: str | None) -> np.ndarray:
    return np.ones(trial.mask.shape, bool) if epoch is None else np.asarray(trial.during(epoch))


@functools.partial(jax.jit, static_argnums=(0,))
def _simulate(
    equation: RateEquation, parameters: Parameters, inputs: jax.Array, key: jax.Array | None, changes: _Changes
) -> Activity:
    weights = equation.scaled_weights(parameters)
    current = changes.current * jnp.broadcast_to(jnp.asarray(equation.alpha, inputs.dtype), changes.current.shape)
    drive = equation.drive(parameters, inputs, key) + current
    cut_weights = [jnp.where(entries, weights, 0.0) for _, entries in changes.cuts]
    batch = drive.shape[1:]
    decay = jnp.broadcast_to(jnp.asarray(1 - equation.alpha, inputs.dtype), batch)
    x0 = jnp.broadcast_to(parameters["x0"], batch)

    def step(state, given):
        x, r = state
        u, gate, cut_now = given
        received = r @ weights
        for now, lost in zip(cut_now, cut_weights, strict=True):
            received = received - jnp.where(now[:, None], r @ lost, 0.0)
        x = decay * x + received + u
        r = equation.activation(x) * gate
        return (x, r), (x, r)

    first = (x0, equation.activation(x0) * changes.gate[0])
    cut_now = [now for now, _ in changes.cuts]
    currents, rates = jax.lax.scan(step, first, (drive, changes.gate, cut_now))[1]
    return Activity(equation.read_out(parameters, rates), rates, currents)
