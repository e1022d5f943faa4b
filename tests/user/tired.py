"""A transfer function and a cell of one's own: units that tire, trained to decide."""

from dataclasses import dataclass

import jax.numpy as jnp

import eicon
from eicon.models import Activation
from eicon.models.cells import POSITIVE, TIME, Parameter


@eicon.models.activation
def elu(x, alpha=1.0):
    return jnp.where(x > 0, x, alpha * jnp.expm1(jnp.minimum(x, 0.0)))


@dataclass(frozen=True)
class Tired:
    r"""Unit whose input is reduced by a trace of its own rate, of 150 ms.

    .. math:: \tau \dot x = -x + I - 0.3 a, \qquad 150 \dot a = -a + r, \qquad r = g f(x)
    """

    activation: Activation

    def parameters(self, n):
        return {"tau": Parameter(100.0, TIME), "gain": Parameter(1.0, POSITIVE)}

    def initial(self, p, shape):
        return {"x": jnp.full(shape, 0.1), "a": jnp.zeros(shape)}

    def rate(self, p, s):
        return p["gain"] * self.activation(s["x"])

    send = rate

    def step(self, p, s, received, dt):
        x = s["x"] + dt / p["tau"] * (received - 0.3 * s["a"] - s["x"])
        return {"x": x, "a": s["a"] + dt / 150 * (self.rate(p, s) - s["a"])}


def train(task, n=100, steps=500):
    """Network of such units under Dale's law, trained with its time constants and gains."""
    net = eicon.RateRNN.dale(
        task.n_in,
        n,
        task.n_out,
        cell=Tired(elu(alpha=0.5)),
        train=("recurrent", "input", "readout", "tau", "gain"),
        sigma_rec=0.15,
        spectral_radius=1.0,
        seed=1,
    )
    trainer = eicon.Trainer(net, task, learning_rate=0.01, seed=1)
    return net, trainer.fit(steps, progress=False)
