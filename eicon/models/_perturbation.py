"""Silence or drive units, or cut projections, while a network works."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from ..tasks import Trial
from ._network import Activity, Network
from ._units import Units, select


@dataclass(frozen=True, eq=False)
class Silence:
    """Set the rates of some units to 0, for other units and for the readout.

    Parameters
    ----------
    units : str, mapping, bool mask (N,) or indices
        See `RateRNN.select`.
    epoch : str, optional
        Epoch of the trial; None: the whole trial.
    """

    units: Units
    epoch: str | None = None


@dataclass(frozen=True, eq=False)
class Drive:
    """Add a constant current to some units, excitatory if it is positive.

    Parameters
    ----------
    units : str, mapping, bool mask (N,) or indices
        See `RateRNN.select`.
    current : float
        Current in the unit of ``x``: the shift of an isolated unit's ``x``.
    epoch : str, optional
        Epoch of the trial; None: the whole trial.
    """

    units: Units
    current: float
    epoch: str | None = None


@dataclass(frozen=True, eq=False)
class Cut:
    """Block the connections from some units to others; the units themselves stay active.

    Parameters
    ----------
    source, target : str, mapping, bool mask (N,) or indices
        See `RateRNN.select`.
    epoch : str, optional
        Epoch of the trial; None: the whole trial.
    """

    source: Units
    target: Units
    epoch: str | None = None


Perturbation = Silence | Drive | Cut


def perturb(
    network: Network,
    units: Mapping[str, np.ndarray],
    trial: Trial,
    perturbations: Sequence[Perturbation],
    *,
    key: jax.Array | int | None,
) -> Activity:
    """Run trials under perturbations, without noise if there is no key; see `RateRNN.perturb`."""
    shape = (*trial.inputs.shape[:2], len(units["type"]))
    gate, current = np.ones(shape, network.dtype), np.zeros(shape, network.dtype)
    cuts: dict[str | None, list[tuple[np.ndarray, np.ndarray]]] = {}
    for perturbation in perturbations:
        during = _during(trial, perturbation.epoch)
        match perturbation:
            case Silence(units=silenced):
                gate[during[:, :, None] & select(units, silenced)] = 0.0
            case Drive(units=driven, current=size):
                if not np.isfinite(size):
                    raise ValueError(f"the current of a drive must be finite; got {size}.")
                current += np.where(during[:, :, None] & select(units, driven), size, 0.0).astype(current.dtype)
            case Cut(source=source, target=target, epoch=epoch):
                pair = select(units, source), select(units, target)
                others = [other for at, found in cuts.items() if at != epoch for other in found]
                if any((pair[0] & other[0]).any() and (pair[1] & other[1]).any() for other in others):
                    raise ValueError(
                        f"some connections are cut during {epoch!r} and during another epoch; cut them throughout "
                        "(epoch None), or run the two perturbations apart."
                    )
                cuts.setdefault(epoch, []).append(pair)
    return network.run(
        trial.inputs,
        key,
        gate=jnp.asarray(gate),
        current=jnp.asarray(current, network.dtype),
        cuts=[(jnp.asarray(_during(trial, at)), network.recurrent.between(pairs)) for at, pairs in cuts.items()],
    )


def _during(trial: Trial, epoch: str | None) -> np.ndarray:
    return np.ones(trial.mask.shape, bool) if epoch is None else np.asarray(trial.during(epoch))
