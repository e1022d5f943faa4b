"""Objective of a training step: loss and penalties of a network in given trials."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from .._users import named, scalar, users_code
from ..models import Network
from ..models._cells import State
from ..models._network import Parameters
from ..models.results import Activity
from ..tasks import Task, Trial
from ._curvature import run_first
from ._losses import Loss, loss_of
from ._penalties import Penalty, needs
from ._recorded import seen
from ._vanishing import currents_cotangents


class Objective(NamedTuple):
    """Loss and penalties of a network in trials, with their noise, as functions of its P trained values, a vector.

    Attributes
    ----------
    unravel : from the vector to values by name, for `Network.replaced`
    task : Task
    loss : function of (outputs, trial) or (outputs, trial, activity)
    penalties : functions of (network, activity, trial)
    network : Network
    trial : Trial
    key : random key of the noise
    """

    unravel: Callable[[jax.Array], Parameters]
    task: Task
    loss: Loss
    penalties: tuple[Penalty, ...]
    network: Network
    trial: Trial
    key: jax.Array

    def replaced(self, vector: jax.Array) -> Network:
        """Return the network with these values."""
        return self.network.replaced(self.unravel(vector))

    def run(self, vector: jax.Array, current: jax.Array | None = None) -> tuple[Network, Activity]:
        """Return the network with these values, and its activity."""
        network = self.replaced(vector)
        inputs = self.trial.inputs.astype(network.dtype)
        return network, seen(self.task, network.run(inputs, self.key if network.noisy else None, current=current))

    def run_first(self, vector: jax.Array, n: int, *, forward_mode: bool) -> tuple[Network, Activity]:
        """Run only the first ``n`` trials, with the noise that they have among all."""
        network = self.replaced(vector)
        inputs, key = self.trial.inputs.astype(network.dtype), self.key if network.noisy else None
        return network, seen(self.task, run_first(network, inputs, key, n, forward_mode=forward_mode))

    def total(self, network: Network, activity: Activity, trial: Trial) -> jax.Array:
        """Compute the loss, and all penalties that need only these arguments."""
        value = loss_of(self.loss, activity, trial)
        for penalty in self.penalties:
            if not needs(penalty):
                value = value + penalised(penalty, network, activity, trial)
        return value

    def scored(self, vector: jax.Array, current: jax.Array | None = None) -> tuple[jax.Array, tuple[jax.Array, Any]]:
        """Compute the total, and the accuracy with the activity."""
        network, activity = self.run(vector, current)
        # Accuracy has no gradient, so none is traced.
        accuracy = self.task.accuracy(jax.lax.stop_gradient(activity.outputs), self.trial)
        return self.total(network, activity, self.trial), (accuracy, activity)

    def gradient(self, vector: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Compute the total with all penalties, the accuracy, and the gradient (P,)."""
        needing = [penalty for penalty in self.penalties if needs(penalty)]
        if not needing:
            (total, (accuracy, _)), gradient = jax.value_and_grad(self.scored, has_aux=True)(vector)
            return total, accuracy, gradient
        probe = jnp.zeros((*self.trial.mask.shape, self.network.n_rec), self.network.dtype)
        differentiate = jax.value_and_grad(self.scored, argnums=(0, 1), has_aux=True)
        (total, (accuracy, activity)), (gradient, of_received) = differentiate(vector, probe)
        needed = {
            "currents": activity.currents,
            "cotangents": currents_cotangents(self.replaced(vector), of_received),
        }

        def of_penalties(vector: jax.Array) -> jax.Array:
            network = self.replaced(vector)
            found = [
                penalised(penalty, network, activity, self.trial, {name: needed[name] for name in needs(penalty)})
                for penalty in needing
            ]
            return jnp.sum(jnp.stack(found))

        value, further = jax.value_and_grad(of_penalties)(vector)
        return total + value, accuracy, gradient + further


def penalised(
    penalty: Penalty, network: Network, activity: Activity, trial: Trial, needed: State | None = None
) -> jax.Array:
    """Compute a penalty, checked to be a scalar."""
    with users_code(name := named("penalty", penalty)):
        return scalar(penalty(network, activity, trial, **(needed or {})), name)
