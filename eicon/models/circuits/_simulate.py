"""Simulation of any circuit."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Shaped
from numpy.typing import ArrayLike

from ..._brainpy import bm
from ..._numbers import whole
from ._circuit import Circuit


class Simulation(NamedTuple):
    """Time course of a circuit.

    Attributes
    ----------
    time : (T,) float
        End of each step, ms: ``time[k] = (k + 1) dt``. Inputs ``[k]`` act during the step that ends then.
    outputs : (T, B, n_out)
        Results of `update`.
    states : dict of str to (T, B, ...) array
        All state variables, by name.
    """

    time: Float[np.ndarray, "T"]
    outputs: Shaped[np.ndarray, "T B n_out"]
    states: dict[str, Shaped[np.ndarray, "T B *rest"]]


def simulate(
    system: Circuit,
    inputs: ArrayLike | None = None,
    *,
    duration: float | int | None = None,
    batch_size: int | float | None = None,
    key: jax.Array | int | None = None,
) -> Simulation:
    """Run a circuit from its initial state, in one compiled loop (`bm.for_loop`), and record its full state.

    The simulation is in float64 for any setting of JAX, because rounding in float32 acts as noise, which shortens the
    slowest rhythm of `RespiratoryRhythm` by a seventh. The system is left in its final state.

    Parameters
    ----------
    system : Circuit
        Any member of `eicon.models.circuits`.
    inputs : array, optional
        Inputs (T, B, n_in), time-major; or (n_in,) or (B, n_in), constant for `duration`. None for the system's
        `default_inputs`.
    duration : float, optional
        Duration of the simulation, ms, a whole number of steps; only for constant inputs.
    batch_size : int, optional
        Number of trials, for constant inputs of shape (n_in,) or None; by default 1.
    key : jax.Array, optional
        Random key of the noise; otherwise a system with ``sigma > 0`` continues the noise of its seed.

    Returns
    -------
    Simulation

    Raises
    ------
    ValueError
        If inputs have the wrong shape or contain NaN, a duration is missing, superfluous or not a whole number of
        steps, or a batch size does not fit.

    Examples
    --------
    >>> from eicon.models.circuits import TwoNeuron
    >>> run = simulate(TwoNeuron(dt=0.5), [1.0, 0.0], duration=40.0)
    >>> run.time[-1], run.states["v"].shape
    (np.float64(40.0), (80, 1, 2))
    """
    batch_size = None if batch_size is None else whole(batch_size, "`batch_size`")
    given = _as_series(system, inputs, None if duration is None else float(duration), batch_size)

    def step(u):
        outputs = system.update(u)
        return outputs, {name: getattr(system, name).value for name in system.states}

    with jax.enable_x64(True):
        system.reset_state(given.shape[1], key=key)
        outputs, states = bm.for_loop(step, jnp.asarray(given))
        kept = {name: np.asarray(states[name]) for name in system.states}
    for name, value in kept.items():
        system.set_state(name, jnp.asarray(value[-1]))
    return Simulation(system.dt * np.arange(1, len(given) + 1), np.asarray(outputs), kept)


def _as_series(
    system: Circuit, inputs: ArrayLike | None, duration: float | None, batch_size: int | None
) -> Float[np.ndarray, "T B n_in"]:
    array = np.asarray(system.default_inputs() if inputs is None else inputs, dtype=np.float64)
    allowed = f"(T, B, {system.n_in}), or ({system.n_in},) or (B, {system.n_in}) with a duration"
    if array.ndim not in (1, 2, 3) or array.shape[-1] != system.n_in or 0 in array.shape:
        raise ValueError(f"`inputs` must have shape {allowed}; got {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError("`inputs` must be finite; got NaN or infinity.")
    if (array.ndim == 3) != (duration is None):
        raise ValueError(
            f"`duration` belongs to constant inputs; got duration = {duration} and inputs of shape {array.shape}. "
            f"Inputs are {allowed}."
        )
    if batch_size is not None and (batch_size < 1 or array.ndim > 1):
        raise ValueError(
            f"`batch_size` must be positive, and omitted if inputs have a batch axis; got {batch_size} and inputs "
            f"of shape {array.shape}."
        )
    if duration is None:
        return array
    steps = round(duration / system.dt)
    if steps < 1 or abs(steps * system.dt - duration) > 1e-6 * system.dt * max(1, steps):
        raise ValueError(f"`duration` must be a whole number of steps of {system.dt:g} ms; got {duration:g} ms.")
    constant = np.broadcast_to(array, (batch_size or 1, system.n_in)) if array.ndim == 1 else array
    return np.broadcast_to(constant, (steps, *constant.shape))
