"""Lyapunov exponents of any step function: the rates at which nearby states diverge, one per direction."""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from .._key import as_generator
from .._numbers import whole
from .._users import users_code
from ._arrays import as_dt, numbers, require_finite, require_function

_SEGMENTS = 10  # parts of a run, whose means give the standard error


class Lyapunov(NamedTuple):
    """The k leading Lyapunov exponents of a map, with their accuracy; K re-orthonormalisations.

    Attributes
    ----------
    exponents : (k,) float
        1/ms, descending: lengths grow as ``exp(exponent * t)``. Very negative, or -inf, for directions that a single
        step collapses.
    standard_error : (k,) float
        1/ms, from the means of ten equal segments of the run; NaN with fewer than 20 re-orthonormalisations.
    running : (K, k) float
        Estimates from the first 1, 2, ... K re-orthonormalisations, 1/ms; the last row is `exponents`.
    time : (K,) float
        Times of the re-orthonormalisations since the end of the transient, ms.
    mean_log_det : float
        Mean of ``log |det J| / dt`` over all steps, 1/ms, from the Jacobians J themselves: the sum that all N exponents
        must have (for a flow: the mean divergence). NaN if fewer than N were computed.
    kaplan_yorke : float
        Dimension of the attractor, ``j + (l_1 + ... + l_j) / |l_(j + 1)|`` with the largest j for which the sum is
        >= 0. 0 if all exponents are negative, N if all N add up to >= 0; NaN if more exponents are needed.
    state : (N,) float
        Final state, for continuing the orbit.
    map : {"autonomous", "driven"}
        Exponents of an orbit of the map itself, or those conditional on one sequence of inputs.
    """

    exponents: Float[np.ndarray, "k"]
    standard_error: Float[np.ndarray, "k"]
    running: Float[np.ndarray, "K k"]
    time: Float[np.ndarray, "K"]
    mean_log_det: float
    kaplan_yorke: float
    state: Float[np.ndarray, "N"]
    map: Literal["autonomous", "driven"]


def lyapunov(
    step: Callable[..., Any],
    x0: ArrayLike,
    *,
    dt: float | int,
    n_steps: int | float,
    n_exponents: int | float | None = None,
    transient: int | float | None = None,
    qr_every: int | float = 1,
    inputs: ArrayLike | None = None,
    rng: np.random.Generator | int | float = 0,
) -> Lyapunov:
    """Find the leading Lyapunov exponents from one orbit, by pushing tangent vectors along it.

    Parameters
    ----------
    step : callable
        JAX function from a state (N,) to the state one step later, or with `inputs` from (state, input (n_in,)). It is
        called with float64. Its float32 constants keep their values, and the result is still float64; a function that
        rounds its result to float32 is accepted, with orbits rounded accordingly.
    x0 : (N,) array
        First state.
    dt : float
        Duration of one step, ms.
    n_steps : int
        Steps after the transient, a multiple of `qr_every`.
    n_exponents : int, optional
        Number k of exponents; None takes all N.
    transient : int, optional
        Preceding steps, in which orbit and tangent vectors settle; a multiple of `qr_every`. None takes about a fifth
        of `n_steps`, or with inputs, the steps that these have beyond `n_steps`.
    qr_every : int
        Steps between re-orthonormalisations: more is faster, until the vectors become indistinguishable.
    inputs : (T, n_in) array, optional
        Inputs of all steps, ``T = transient + n_steps``.
    rng : numpy Generator or int
        Source of the first tangent vectors, or its seed. Results do not depend on it once the transient is long enough.

    Returns
    -------
    Lyapunov

    Raises
    ------
    ValueError
        If shapes do not match, a number is out of range, or `step` does not return a real (N,) array.
    FloatingPointError
        If states or tangent vectors become NaN or infinite.

    Notes
    -----
    Benettin, Galgani, Giorgilli & Strelcyn (1980), Meccanica 15:9; Geist, Parlitz & Lauterborn (1990), Prog Theor Phys
    83:875 (QR); Frederickson, Kaplan, Yorke & Yorke (1983), J Differ Equ 49:185 (dimension). All steps are one compiled
    scan. It is compiled once for a function and its shapes, but values captured by the function are read at each call,
    so that a network may be trained further in between. A lambda created for each call is compiled again.

    Examples
    --------
    >>> import numpy as np
    >>> def halve_one_and_double_the_other(x):
    ...     return x * np.array([0.5, 2.0])
    >>> result = lyapunov(halve_one_and_double_the_other, [0.1, 0.0], dt=1.0, n_steps=200)
    >>> np.exp(result.exponents).round(6).tolist()
    [2.0, 0.5]
    """
    import jax  # here, since importing this package does not load it

    require_function("step", step, "For a network, pass net.held(inputs), which maps one state (N,) to the next one.")
    state = numbers("x0", x0)
    if state.ndim != 1 or not state.size:
        raise ValueError(f"`x0` must be one state (N,); got shape {state.shape}. Take one trial of one step.")
    require_finite("x0", state)
    n_steps, qr_every = whole(n_steps, "`n_steps`"), whole(qr_every, "`qr_every`")
    transient = None if transient is None else whole(transient, "`transient`")
    n, per_step = state.size, as_dt(dt)
    width = n if n_exponents is None else whole(n_exponents, "`n_exponents`")
    if not 1 <= width <= n:
        raise ValueError(f"`n_exponents` must be in 1..N = {n}; got {width}. A state of N numbers has N exponents.")
    driven, before = _sequence(inputs, n_steps, transient, qr_every)
    frame, _ = np.linalg.qr(as_generator(rng, "`rng`").normal(size=(n, width)))
    with jax.enable_x64(True):
        arguments = (state,) if inputs is None else (state, driven[0])
        with users_code("`step`"):
            program = _Program(step, arguments)
        run = _compiled(program, qr_every, width == n)
        final, logs, log_dets = jax.device_get(run(program.constants, state, frame, driven))
    _check_finite(final, logs, qr_every)
    logs, log_dets = logs[before // qr_every :], log_dets[before // qr_every :]
    time = np.arange(1, len(logs) + 1) * (qr_every * per_step)
    order = np.argsort(-logs.mean(axis=0), kind="stable")
    running = np.cumsum(logs[:, order], axis=0) / time[:, None]
    exponents = running[-1].copy()
    return Lyapunov(
        exponents,
        _standard_error(logs[:, order] / (qr_every * per_step)),
        running,
        time,
        float(log_dets.mean() / (qr_every * per_step)) if width == n else np.nan,
        _kaplan_yorke(exponents, n),
        np.array(final, dtype=np.float64),
        "autonomous" if inputs is None else "driven",
    )


class _Program:
    """A traced step and its constants; equal to another trace of the same function that does the same.

    Two functions are never equal, however alike: the text of a trace lacks the constants of jitted functions
    that are called within.
    """

    def __init__(self, step: Callable[..., Any], arguments: tuple[np.ndarray, ...]):
        import jax

        # A new function, since JAX returns the old trace and constants of a function that it has traced before.
        closed = jax.make_jaxpr(lambda *given: step(*given))(*arguments)
        self.step, self.jaxpr, self.constants = step, closed.jaxpr, closed.consts
        self.key = (step, str(closed), tuple(argument.shape for argument in arguments))
        (n,) = arguments[0].shape
        shapes = [(aval.shape, str(aval.dtype)) for aval in closed.out_avals]
        if len(shapes) != 1 or shapes[0][0] != (n,) or not shapes[0][1].startswith("float"):
            got = ", ".join(f"{kind} {shape}" for shape, kind in shapes) or "nothing"
            raise ValueError(
                f"`step` must return one float array (N,) = ({n},), the next state; got {got}. "
                "It works on one trial: no batch."
            )

    def __call__(self, constants: Any, state: Any, given: Any) -> Any:
        import jax

        arguments = (state,) if len(self.jaxpr.invars) == 1 else (state, given)
        return jax.core.eval_jaxpr(self.jaxpr, constants, *arguments)[0].astype(state.dtype)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Program) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


@lru_cache(maxsize=16)
def _compiled(program: _Program, qr_every: int, complete: bool) -> Callable[..., Any]:
    import jax

    return jax.jit(partial(_push, program, qr_every, complete))


def _push(program: _Program, qr_every: int, complete: bool, constants: Any, state: Any, frame: Any, driven: Any) -> Any:
    """Final state, log |R_ii| (K, k) and log |det J| (K,) of blocks of `qr_every` steps."""
    import jax
    import jax.numpy as jnp

    def advance(carry: Any, given: Any) -> Any:
        state, vectors = carry
        after, tangent = jax.linearize(lambda x: program(constants, x, given), state)
        push = jax.vmap(tangent, in_axes=1, out_axes=1)
        log_det = jnp.linalg.slogdet(push(jnp.eye(state.size)))[1] if complete else jnp.zeros(())
        return (after, push(vectors)), log_det

    def block(carry: Any, given: Any) -> Any:
        (state, vectors), log_dets = jax.lax.scan(advance, carry, given)
        orthonormal, triangle = jnp.linalg.qr(vectors)
        return (state, orthonormal), (jnp.log(jnp.abs(jnp.diagonal(triangle))), log_dets.sum())

    blocks = driven.reshape(len(driven) // qr_every, qr_every, driven.shape[1])
    (state, _), (logs, log_dets) = jax.lax.scan(block, (state, frame), blocks)
    return state, logs, log_dets


def _sequence(
    inputs: ArrayLike | None, n_steps: int, transient: int | None, qr_every: int
) -> tuple[Float[np.ndarray, "T n_in"], int]:
    """Inputs of all steps, (T, 0) if there are none, and the length of the transient."""
    given = None if inputs is None else numbers("inputs", inputs)
    if given is not None and (given.ndim != 2 or not given.shape[1]):
        raise ValueError(f"`inputs` must be (T, n_in), those of one trial; got shape {given.shape}.")
    if transient is None:
        fifth = n_steps // 5 // max(qr_every, 1) * qr_every
        transient = fifth if given is None else len(given) - n_steps
    if qr_every < 1 or n_steps < qr_every or n_steps % qr_every or transient < 0 or transient % qr_every:
        raise ValueError(
            "`n_steps` (> 0) and `transient` (>= 0) must be multiples of `qr_every` (>= 1); got "
            f"{n_steps}, {transient} and {qr_every}."
        )
    total = transient + n_steps
    if given is None:
        return np.zeros((total, 0)), transient
    if len(given) != total:
        raise ValueError(
            f"`inputs` must have transient + n_steps = {total} steps; got {len(given)}. One row drives one step."
        )
    require_finite("inputs", given)
    return given, transient


def _check_finite(state: Float[np.ndarray, "N"], logs: Float[np.ndarray, "M k"], qr_every: int) -> None:
    # log 0 = -inf is a direction that collapses, which is legitimate
    bad = (np.isnan(logs) | (logs == np.inf)).any(axis=1)
    if bad.any() or not np.isfinite(state).all():
        last = (int(np.argmax(bad)) + 1 if bad.any() else len(logs)) * qr_every
        raise FloatingPointError(
            f"states or tangent vectors became NaN or infinite within the first {last} steps. The map may diverge from "
            f"`x0`, dt may be too long, or `qr_every` = {qr_every} too large for its growth."
        )


def _standard_error(rates: Float[np.ndarray, "K k"]) -> Float[np.ndarray, "k"]:
    if len(rates) < 2 * _SEGMENTS:
        return np.full(rates.shape[1], np.nan)
    size = len(rates) // _SEGMENTS
    with np.errstate(invalid="ignore"):  # -inf minus -inf
        means = rates[len(rates) - _SEGMENTS * size :].reshape(_SEGMENTS, size, -1).mean(axis=1)
        return means.std(axis=0, ddof=1) / np.sqrt(_SEGMENTS)


def _kaplan_yorke(exponents: Float[np.ndarray, "k"], n: int) -> float:
    sums = np.concatenate([[0.0], np.cumsum(exponents)])
    j = int(np.flatnonzero(sums >= 0.0).max())
    if j == len(exponents):
        return float(n) if j == n else np.nan
    return float(j + sums[j] / abs(exponents[j]))
