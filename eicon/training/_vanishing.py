"""Penalty against gradients that vanish on their way back through time."""

from dataclasses import dataclass, replace
from typing import ClassVar

import jax
import jax.numpy as jnp

from .._numbers import real
from ..models import Leaky, Network
from ..models._cells import Cell
from ..models.results import Activity
from ..tasks import Trial


@dataclass(frozen=True)
class VanishingGradient:
    r"""Penalty on the change in size of the gradient by one step back in time (Pascanu et al. 2013; Song et al. 2016).

    .. math::

        \Omega = \Big\langle \Big( \frac{\| \delta_{t+1} \, \partial x_{t+1} / \partial x_t \|^2}
                                        {\| \delta_{t+1} \|^2} - 1 \Big)^2 \Big\rangle, \qquad
        \delta_{t+1} \, \frac{\partial x_{t+1}}{\partial x_t} =
            (1 - \alpha) \delta_{t+1} + \alpha\, (\delta_{t+1} W_{rec}^T) \odot f'(x_t)

    with :math:`\delta_t = dL/dx_t`, averaged over those steps and trials where :math:`\| \delta_{t+1} \|^2` is at
    least ``bound``. As published, only the recurrent weights have a gradient, and only through this formula:
    :math:`\delta` and :math:`x` are treated as constants. :math:`L` is the whole objective, penalties included.

    Parameters
    ----------
    strength : float
        Strength of the penalty (published: 2).
    bound : float
        Lower bound (published: 1e-20).

    Raises
    ------
    ValueError
        If strength or bound is negative.

    References
    ----------
    Pascanu, Mikolov & Bengio (2013), ICML; Song, Yang & Wang (2016), PLoS Comput Biol 12(2): e1004792, eq. 19.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"currents", "cotangents"})

    strength: float = 2.0
    bound: float = 1e-20

    def __post_init__(self) -> None:
        for name in ("strength", "bound"):
            object.__setattr__(self, name, real(getattr(self, name), name))
        if not (self.strength >= 0 and self.bound >= 0):
            raise ValueError(
                "strength and bound of a vanishing-gradient penalty must be >= 0; "
                f"got {self.strength} and {self.bound}."
            )

    def __call__(
        self,
        network: Network,
        activity: Activity | None,
        trial: Trial | None,
        *,
        currents: jax.Array,
        cotangents: jax.Array,
    ) -> jax.Array:
        """Compute the penalty, a scalar, from currents and dL/dx, both (T, B, N)."""
        network = replace(jax.lax.stop_gradient(network), recurrent=network.recurrent)
        later, x = cotangents[1:], currents[:-1]
        cell, p, dt = network.cell, network.numbers(3), network.dt
        # Through `pull`, because JAX lacks second derivatives of sparse products.
        by_step = jax.vjp(lambda x, i: cell.step(p, {"x": x}, i, dt)["x"], x, jnp.zeros_like(x))[1]
        leaked, of_received = by_step(later)
        of_sent = network.recurrent.product().pull(of_received)
        earlier = leaked + jax.vjp(lambda x: cell.send(p, {"x": x}), x)[1](of_sent)[0]
        size = jnp.sum(later**2, axis=-1)
        counts = (size >= self.bound) & (size > 0)
        ratio = jnp.sum(earlier**2, axis=-1) / jnp.where(counts, size, 1.0)
        off = jnp.where(counts, (ratio - 1) ** 2, 0.0)
        return self.strength * jnp.sum(off) / jnp.maximum(jnp.sum(counts), 1)


def check_leaky(cell: Cell) -> None:
    """Reject a cell whose currents have no gradients for a penalty."""
    if not isinstance(cell, Leaky):
        raise ValueError(f"a penalty needs gradients of currents that leak, of the cell Leaky; got {cell!r}.")


def currents_cotangents(network: Network, of_received: jax.Array) -> jax.Array:
    """Return gradients with respect to the currents of a leaky cell, from those with respect to its input."""
    at = jnp.zeros(of_received.shape, of_received.dtype)
    by_received = jax.vjp(lambda d: network.cell.step(network.numbers(3), {"x": at}, d, network.dt)["x"], at)[1]
    return of_received / by_received(jnp.ones_like(at))[0]
