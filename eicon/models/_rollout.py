r"""Many steps of a network in one loop, with one hand-written gradient for all cells and weights.

.. math:: s_t = \mathrm{step}(p, s_{t-1}, q_{t-1} W + u_t), \qquad q_t = \mathrm{send}(p, s_t), \qquad
          r_t = \mathrm{rate}(p, s_t)

Everything that does not depend on the state (effective weights, input, bias, noise, readout) is computed outside
the loop. The backward loop passes through the cell by `jax.vjp` and through the weights by one `pull` per step, and
yields only the gradients of the loss with respect to the states. Those of parameters, weights and drive are then one
product each over all steps and trials, and are computed only where they are needed.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from ._cells import Cell, Numbers, State
from ._weights import Product

Trajectory = tuple[State, jax.Array]


def scan_trajectory(
    cell: Cell, dt: float, p: Numbers, weights: Product, initial: State, drive: jax.Array
) -> Trajectory:
    """Compute states and rates after each step by a plain scan (differentiable in forward and reverse mode).

    Parameters
    ----------
    cell : Cell
    dt : float
        Step in ms.
    p : dict of arrays (1, N)
        Parameters of the cell.
    weights : Product
    initial : dict of arrays (B, N)
        State before the first step.
    drive : array (T, B, N)
        Non-recurrent input of the units: input, bias and noise.

    Returns
    -------
    states : dict of arrays (T, B, N)
    rates : array (T, B, N)
    """
    return _scan(cell, dt, p, weights, initial, drive)[:2]


def sends_rate(cell: Cell) -> bool:
    """Return whether a cell sends its rate, by definition."""
    kind = type(cell)
    return getattr(kind, "send", None) is getattr(kind, "rate", None)


def _scan(cell, dt, p, weights, initial, drive):
    same = sends_rate(cell)

    def step(carry, driven):
        state, sent = carry
        received = weights.send(sent) + driven
        state = cell.step(p, state, received, dt)
        rate = cell.rate(p, state)
        sent = rate if same else cell.send(p, state)
        return (state, sent), (state, rate, None if same else sent, received)

    _, (states, rates, sent, received) = jax.lax.scan(step, (initial, cell.send(p, initial)), drive)
    return states, rates, rates if same else sent, received


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def trajectory(cell: Cell, dt: float, p: Numbers, weights: Product, initial: State, drive: jax.Array) -> Trajectory:
    """Compute the same as `scan_trajectory`, with the fast gradient (reverse mode only)."""
    return _scan(cell, dt, p, weights, initial, drive)[:2]


def _forward(cell, dt, p, weights, initial, drive):
    states, rates, *saved = _scan(cell, dt, p, weights, initial, drive)
    return (states, rates), (p, weights, initial, states, *saved)


def _backward(cell, dt, saved, cotangents):
    p, weights, initial, states, sent, received = saved
    of_states, of_rates = cotangents
    same = sends_rate(cell)

    def through_step(state, received, total):
        """Return gradients with respect to a state and to the input received."""
        return jax.vjp(lambda s, i: cell.step(p, s, i, dt), state, received)[1](total)

    def through_output(state, of_rate, of_sent):
        if same:
            return jax.vjp(lambda s: cell.rate(p, s), state)[1](of_rate + of_sent)[0]
        _, pull = jax.vjp(lambda s: (cell.rate(p, s), cell.send(p, s)), state)
        return pull((of_rate, of_sent))[0]

    def back(i, carry):
        """Propagate the gradient of the state after step t + 1 one step back."""
        total, totals, pulls = carry
        t = n_steps - 2 - i
        state = _at(states, t)
        by_step, of_received = through_step(state, _at(received, t + 1), total)
        pulled = weights.pull(of_received)
        by_output = through_output(state, _at(of_rates, t), pulled)
        total = _sum(_at(totals, t), by_step, by_output)
        return total, _put(totals, t, total), _put(pulls, t, pulled)

    # Gradients of all states replace those from outside, step by step.
    n_steps = received.shape[0]
    last = n_steps - 1
    ending = jax.vjp(lambda s: cell.rate(p, s), _at(states, last))[1](of_rates[last])[0]
    total = _sum(_at(of_states, last), ending)
    begun = total, _put(of_states, last, total), jnp.zeros_like(sent)
    first, totals, pulls = jax.lax.fori_loop(0, last, back, begun)
    sent0 = cell.send(p, initial)
    by_step, of_received0 = through_step(initial, received[0], first)
    pulled0 = weights.pull(of_received0)
    by_send, of_p0 = jax.vjp(lambda s, p: cell.send(p, s), initial, p)[1](pulled0)
    of_initial = _sum(by_step, by_send)

    # All steps at once: the compiler drops the following results where they are not used.
    states_before = jax.tree.map(_shifted, initial, states)
    spread = {name: jnp.broadcast_to(value, received.shape) for name, value in p.items()}
    of_step, of_drive = jax.vjp(lambda p, i: cell.step(p, states_before, i, dt), spread, received)[1](totals)
    if same:
        of_output = jax.vjp(lambda p: cell.rate(p, states), spread)[1](of_rates + pulls)[0]
    else:
        _, pull = jax.vjp(lambda p: (cell.rate(p, states), cell.send(p, states)), spread)
        of_output = pull((of_rates, pulls))[0]
    of_p = _sum(jax.tree.map(_over_all, _sum(of_step, of_output)), of_p0)
    return of_p, weights.outer(_shifted(sent0, sent), of_drive), of_initial, of_drive


def _over_all(values: jax.Array) -> jax.Array:
    """Sum over steps and trials, (1, N), as a product, which takes XLA a third of the time of a sum."""
    flat = values.reshape(-1, values.shape[-1])
    return jnp.matmul(jnp.ones((1, len(flat)), values.dtype), flat, precision="highest")


def _sum(*trees: Any) -> Any:
    return jax.tree.map(lambda *leaves: sum(leaves[1:], start=leaves[0]), *trees)


def _shifted(first: jax.Array, rest: jax.Array) -> jax.Array:
    """Return values before each step."""
    return jnp.concatenate([first[None], rest[:-1]])


def _at(tree: Any, t: Any) -> Any:
    return jax.tree.map(lambda a: jax.lax.dynamic_index_in_dim(a, t, keepdims=False), tree)


def _put(tree: Any, t: Any, values: Any) -> Any:
    return jax.tree.map(lambda a, value: jax.lax.dynamic_update_index_in_dim(a, value, t, 0), tree, values)


trajectory.defvjp(_forward, _backward)
