r"""Gauss-Newton curvature of a rate network's loss, as products with vectors.

A network maps its trained values :math:`w` (raw weights before their signs and masks, biases, initial state) to
its activity :math:`a(w)`; loss and penalties are functions :math:`\ell(a, w)`. With the Jacobian :math:`J` of
:math:`w \mapsto (a, w)` and the Hessian :math:`H` of :math:`\ell`,

.. math:: G v = J^T (H (J v)),

is positive semidefinite where :math:`\ell` is convex, whatever the network (Schraudolph 2002). Nothing of the
size of a matrix is ever built: :math:`J v` is the linearised network, run forward along the trajectory,
:math:`J^T` is one backward pass; together they take about as long as one and a half gradients.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from ..models import Network
from ..models._network import Parameters, run_drive
from ..models.results import Activity
from ..tasks import Trial
from ._losses import masked_mean, selected

Product = Callable[[jax.Array], jax.Array]
Run = Callable[[jax.Array, bool], tuple[Parameters, Activity]]
Convex = Callable[[Parameters, Activity], jax.Array]


def run_first(
    network: Network, inputs: jax.Array, key: jax.Array | None, n_trials: int, *, forward_mode: bool
) -> Activity:
    """Run only the first ``n_trials`` as in `Network.run`, with the noise that they have among all."""
    return run_drive(network, network.drive(inputs, key)[:, :n_trials], forward_mode=forward_mode)


def gauss_newton(run: Run, convex: Convex, values: jax.Array) -> Product:
    """Make the product of the Gauss-Newton matrix at ``values`` with a vector.

    Parameters
    ----------
    run : callable
        Function from a vector (P,) of trained values, and whether forward-mode differentiation is needed, to all
        values of the network and its activity.
    convex : callable
        Loss and penalties, as a function of values and activity; nonconvex ones may give a matrix that is not
        positive semidefinite.
    values : jax.Array, shape (P,)

    Returns
    -------
    callable
        Function from v (P,) to G v (P,).
    """
    answer, push = jax.linearize(lambda v: run(v, True), values)
    _, pull = jax.vjp(lambda v: run(v, False), values)
    _, bend = jax.linearize(jax.grad(lambda both: convex(*both)), answer)
    return lambda v: pull(bend(push(v)))[0]


def probed_diagonal(
    outputs: Callable[[jax.Array], jax.Array],
    convex: Callable[[jax.Array], jax.Array],
    values: jax.Array,
    key: jax.Array,
    n_probes: int,
) -> jax.Array:
    r"""Estimate the diagonal of a loss's Gauss-Newton matrix from random signs, for a preconditioner.

    .. math:: D = \frac{s^T H s}{|H s|^2} \, (J^T H s)^2, \qquad s = \pm 1,

    averaged over ``n_probes``, has the mean :math:`\mathrm{diag}(J^T H J)` if H is a multiple of the identity on
    the outputs that are scored, as it is for the mean squared error (Chapelle & Erhan 2011 have
    :math:`(J^T H^{1/2} s)^2`); for other losses, large curvatures have more weight.

    Parameters
    ----------
    outputs : callable
        Function from values (P,) to the network's outputs.
    convex : callable
        Loss as a function of the outputs.
    values : jax.Array, shape (P,)
    key : jax.Array
    n_probes : int

    Returns
    -------
    jax.Array, shape (P,)
        Diagonal, with all entries >= 0.
    """
    answer, pull = jax.vjp(outputs, values)
    _, bend = jax.linearize(jax.grad(convex), answer)

    def probe(probe_key: jax.Array) -> jax.Array:
        signs = jax.random.rademacher(probe_key, answer.shape, answer.dtype)
        bent = bend(signs)
        square = jnp.sum(bent**2)
        scale = jnp.sum(signs * bent) / jnp.where(square > 0, square, 1.0)
        return jnp.maximum(scale, 0.0) * pull(bent)[0] ** 2

    return jax.lax.map(probe, jax.random.split(key, n_probes)).mean(axis=0)


def rate_change(activity: Activity, trial: Trial) -> jax.Array:
    r"""Compute half of :math:`\sum_i r_i^2`, averaged over trials and steps before their end, for structural damping.

    The Gauss-Newton matrix of this function measures the change of the hidden rates by a step (Martens & Sutskever
    2011).
    """
    rates = selected(activity.rates, trial.inside)
    return 0.5 * masked_mean(jnp.sum(rates**2, axis=-1), trial.inside)
