"""A memory in connections of low rank, between units whose synapses are slow: two variables for each unit."""

from dataclasses import dataclass

import jax.numpy as jnp

import eicon
from eicon.models import Connectivity, LowRank
from eicon.models.cells import TIME, Parameter


@dataclass(frozen=True)
class SlowSynapse:
    r"""Unit that is seen by its rate, and felt by others through a synapse that follows it.

    .. math:: \tau \dot x = -x + I, \qquad \tau_s \dot s = -s + \tanh x
    """

    rest: float = 0.0

    def parameters(self, n):
        return {"tau": Parameter(50.0, TIME), "tau_s": Parameter(80.0, TIME)}

    def initial(self, p, shape):
        return {"x": jnp.full(shape, self.rest), "s": jnp.full(shape, jnp.tanh(self.rest))}

    def rate(self, p, state):
        return jnp.tanh(state["x"])

    def send(self, p, state):
        return state["s"]

    def step(self, p, state, received, dt):
        x = state["x"] + dt / p["tau"] * (received - state["x"])
        s = state["s"] + dt / p["tau_s"] * (self.rate(p, state) - state["s"])
        return {"x": x, "s": s}


def train(task, n=60, rank=2, steps=300):
    """Network with a recurrent matrix of low rank, trained with its time constants."""
    net = eicon.RateRNN(
        LowRank.drawn(n, rank, size=5.0, seed=2),
        Connectivity.dense(task.n_in, n),
        Connectivity.dense(n, task.n_out),
        cell=SlowSynapse(),
        dt=task.dt,
        train=("recurrent", "input", "readout", "tau", "tau_s", "readout_bias"),
        seed=1,
    )
    trainer = eicon.Trainer(net, task, learning_rate=0.01, seed=1)
    return net, trainer.fit(steps, progress=False)
