"""Fixed and slow points of a network at rest or under constant input, with their stability and modes."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Complex, Float, Int, Shaped
from numpy.typing import ArrayLike
from scipy import linalg
from scipy.spatial.distance import cdist

from .._numbers import whole
from .._users import users_code
from ._arrays import as_dt, as_tau, numbers, require_function

KINDS = ("fixed", "slow", "unconverged")


class FixedPoints(NamedTuple):
    """Distinct points at which candidates ended: fixed ones first, then slow ones, then those not converged.

    Within each kind, points are sorted by the number of unstable directions, then by that of candidates ending there.

    Attributes
    ----------
    positions : (P, N) float
        States ``x``.
    q : (P,) float
        ``|tau dx/dt|^2 / 2``, that is the squared speed in units of ``1/tau``.
    kind : (P,) str
        ``"fixed"`` (q < tol, and Newton steps from there converge to a zero), ``"slow"`` (a local minimum of q, or with
        `slow` a point that moves only along neutral directions) or ``"unconverged"`` (neither, whatever the other
        fields).
    n_unstable, n_marginal : (P,) int
        Directions of the flow that grow, ``Re(lambda) tau > marginal``, and that neither grow nor decay,
        ``|Re(lambda)| tau <= marginal``.
    n_unstable_step : (P,) int
        Directions that grow under the Euler step, ``|mu| > 1 + marginal dt / tau``: a fast oscillation may decay in the
        flow and yet grow in too long a step.
    flow_eigenvalues : (P, N) complex
        lambda, of the Jacobian of the flow, ``(J_step - 1) / dt``, in 1/ms; by descending real part.
    step_eigenvalues : (P, N) complex
        mu, of the Jacobian of one time step, ``1 + dt lambda`` (no unit); in the same order.
    right, left : (P, N, k) complex
        Eigenvectors of the k leading eigenvalues, which flow and step share: ``J right = lambda right``,
        ``left^H J = lambda left^H``; columns of `right` have norm 1, and ``left^H right = 1`` for each pair.
    n_candidates : (P,) int
        Candidates that ended there.
    distance : (P,) float
        Distance to the nearest candidate: large for points far from visited states. No point is left out for that.
    point_of : (M,) int
        Point at which each candidate ended.
    dt, tau : float
        Step and time constant, ms.
    """

    positions: Float[np.ndarray, "P N"]
    q: Float[np.ndarray, "P"]
    kind: Shaped[np.ndarray, "P"]
    n_unstable: Int[np.ndarray, "P"]
    n_marginal: Int[np.ndarray, "P"]
    n_unstable_step: Int[np.ndarray, "P"]
    flow_eigenvalues: Complex[np.ndarray, "P N"]
    step_eigenvalues: Complex[np.ndarray, "P N"]
    right: Complex[np.ndarray, "P N k"]
    left: Complex[np.ndarray, "P N k"]
    n_candidates: Int[np.ndarray, "P"]
    distance: Float[np.ndarray, "P"]
    point_of: Int[np.ndarray, "M"]
    dt: float
    tau: float

    @property
    def stability(self) -> list[str]:
        """Stability of each point: ``"stable"``, ``"saddle-k"``, ``"unstable"`` (no decay) or ``"marginal"``.

        Slow points have the prefix ``"slow, "``; points that have not converged are just ``"not converged"``.
        """
        words = []
        for kind, grow, neutral in zip(self.kind, self.n_unstable, self.n_marginal, strict=True):
            if grow:
                word = "unstable" if grow + neutral == self.positions.shape[1] else f"saddle-{grow}"
            else:
                word = "marginal" if neutral else "stable"
            words.append({"fixed": word, "slow": f"slow, {word}"}.get(str(kind), "not converged"))
        return words

    def counts(self) -> dict[str, int]:
        """Number of points of each `stability`."""
        names, numbers = np.unique(self.stability, return_counts=True)
        return {str(name): int(number) for name, number in zip(names, numbers, strict=True)}


def fixed_points(
    step: Callable[[Any], Any],
    candidates: ArrayLike,
    *,
    dt: float | int,
    tau: ArrayLike,
    tol: float = 1e-12,
    slow: float | int = 0.0,
    marginal: float = 0.01,
    same_within: float = 1e-3,
    n_modes: int | float = 10,
    max_steps: int | float = 100,
    batch: int | float = 512,
    progress: bool = False,
) -> FixedPoints:
    r"""Find the fixed points of a network, or its slowest points, and the linear dynamics around them.

    All candidates descend together, in float64, the speed ``q = |F|^2 / 2``, ``F(x) = (step(x) - x) tau / dt``, by
    Gauss-Newton steps whose damping adapts to their success (Levenberg-Marquardt), so that saddles are found as
    well as attractors. Candidates that end within `same_within` of each other become one point, unless the network
    moves between them: points of different stability stay apart. A small q does not prove a zero, so Newton steps
    follow from each point that might be fixed; where these do not converge, it is a slow point at best.

    Parameters
    ----------
    step : callable
        One time step of states, rows independent: (M, N) to (M, N), in JAX; without noise, inputs held. For a network:
        ``net.held(inputs)``. Computations inside `step` that are forced to float32 limit q to about 1e-12.
    candidates : (M, N) array
        Starting points, for instance states that the network visits.
    dt : float
        Length of the step, ms.
    tau : float or array
        Time constant for the unit of speed, ms, at least dt; several if they are equal, such as ``net.tau``. For a map
        without time both are 1.
    tol : float
        Upper limit of q for a fixed point.
    slow : float
        Speed (in 1/tau) below which a direction counts as neutral and is not followed: with 0.05 or 0.1, candidates
        converge onto an approximate line or ring and stay there, rather than move along it to the isolated fixed
        points.
    marginal : float
        Largest ``|Re(lambda)| tau`` of a direction that neither grows nor decays.
    same_within : float
        Distance below which points are merged, as a fraction of the candidates' median distance from their median
        (which a few candidates far away do not change).
    n_modes : int
        Eigenvectors kept at each point (at most N).
    max_steps : int
        Maximum number of Gauss-Newton steps of a candidate.
    batch : int
        Candidates that advance at once; affects memory, and results only through rounding.
    progress : bool
        Show a progress bar.

    Returns
    -------
    FixedPoints

    Raises
    ------
    ValueError
        If shapes do not match, a value is out of range, or candidates or their steps are not finite.

    References
    ----------
    Sussillo & Barak (2013), Neural Comput 25:626-649. The damping is that of Fan & Yuan (2005), Computing 74:23-39.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> euler = lambda x: x + 0.1 * (-x + jnp.tanh(2.0 * x))  # two stable states, and 0 between them
    >>> points = fixed_points(euler, np.linspace(-2.0, 2.0, 9)[:, None], dt=1.0, tau=10.0)
    >>> points.stability, points.positions[:, 0].round(3).tolist()
    (['stable', 'stable', 'unstable'], [-0.958, 0.958, 0.0])
    """
    n_modes, max_steps = whole(n_modes, "`n_modes`"), whole(max_steps, "`max_steps`")
    batch = whole(batch, "`batch`")
    step_ms, tau_ms = as_dt(dt), as_tau(tau, dt)
    starts = _checked(candidates, tol, slow, marginal, same_within, n_modes, max_steps, batch)
    import jax  # here, since importing this package does not load it

    from ._zeros import SLOWEST, Search

    with jax.enable_x64(True), users_code("`step`"):
        _check_step(step, starts)
        search = Search(step, tau_ms / step_ms, starts, float(slow), marginal, same_within)
        find = partial(search.find, max_steps=max_steps, batch=min(batch, len(starts)))
        points = find(starts, tol=tol, progress=progress)
        small = 0.5 * search.speed(points) ** 2 < tol
        points, kind, point_of = search.merged(points, np.where(small, 0, np.where(search.slow(points), 1, 2)))
        fixed = kind == 0
        points[fixed], fixed[fixed] = search.converged(points[fixed])
        lost = np.flatnonzero((kind == 0) & ~fixed)
        lost = lost[~search.slow(points[lost])]
        points[lost], fixed[lost] = search.converged(find(points[lost], tol=0.0, slow=SLOWEST))
        points, kind, again = search.merged(points, np.where(fixed, 0, np.where(search.slow(points), 1, 2)))
        point_of = again[point_of]
        values, matrices = search.around(points)
        q = 0.5 * np.sum(values**2, axis=1)
    modes = [_modes(matrix, min(n_modes, len(matrix))) for matrix in matrices]
    eigenvalues, right, left = (np.stack(part) for part in zip(*modes, strict=True))
    return _collect(points, q, kind, eigenvalues, right, left, point_of, starts, step_ms, tau_ms, marginal)


def _checked(
    candidates: ArrayLike,
    tol: float,
    slow: float | int,
    marginal: float,
    same_within: float,
    n_modes: int,
    max_steps: int,
    batch: int,
) -> Float[np.ndarray, "M N"]:
    starts = numbers("candidates", candidates)
    if starts.ndim != 2 or 0 in starts.shape:
        raise ValueError(
            f"`candidates` must be a non-empty (M, N) array of states; got shape {starts.shape}. "
            "From currents (T, B, N), pass currents.reshape(-1, N), or some of its rows."
        )
    if not np.isfinite(starts).all():
        raise ValueError("`candidates` must be finite; got NaN or infinity. Padded steps of trials are not states.")
    if not (np.isfinite(tol) and tol > 0):
        raise ValueError(f"`tol` must be positive; got {tol}.")
    for name, value in (("slow", slow), ("marginal", marginal), ("same_within", same_within)):
        if not (np.isfinite(value) and value >= 0):
            raise ValueError(f"`{name}` must be >= 0; got {value}.")
    for name, number in (("n_modes", n_modes), ("max_steps", max_steps), ("batch", batch)):
        if number < 1:
            raise ValueError(f"`{name}` must be at least 1; got {number}.")
    return starts


def _check_step(step: Callable[[Any], Any], starts: Float[np.ndarray, "M N"]) -> None:
    require_function("step", step, "For a network, pass net.held(inputs), which maps states (M, N) to the next ones.")
    following = step(starts)
    if np.shape(following) != starts.shape:
        raise ValueError(
            f"`step` must map states (M, N) = {starts.shape} to the same shape; got {np.shape(following)}. "
            "A function of a single state needs jax.vmap."
        )
    if not np.isfinite(following).all():
        raise ValueError("`step` returned NaN or infinity at a candidate; weights or held inputs may not be finite.")


def _modes(matrix: Float[np.ndarray, "N N"], n_modes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    values, left, right = linalg.eig(matrix, left=True, right=True)
    order = np.lexsort((-values.imag, -values.real))
    leading = order[:n_modes]
    left, right = left[:, leading].astype(complex), right[:, leading].astype(complex)
    overlap = np.sum(left.conj() * right, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return values[order].astype(complex), right, left / overlap.conj()


def _collect(
    points: np.ndarray,
    q: np.ndarray,
    kind: np.ndarray,
    eigenvalues: np.ndarray,
    right: np.ndarray,
    left: np.ndarray,
    point_of: np.ndarray,
    starts: np.ndarray,
    dt: float,
    tau: float,
    marginal: float,
) -> FixedPoints:
    grow = np.sum(eigenvalues.real > marginal, axis=1)
    count = np.bincount(point_of, minlength=len(points))
    order = np.lexsort((-count, grow, kind))
    place = np.empty(len(order), int)
    place[order] = np.arange(len(order))
    flow = eigenvalues[order] / tau
    multipliers = 1.0 + dt * flow
    return FixedPoints(
        positions=points[order],
        q=q[order],
        kind=np.array(KINDS)[kind[order]],
        n_unstable=grow[order],
        n_marginal=np.sum(np.abs(eigenvalues[order].real) <= marginal, axis=1),
        n_unstable_step=np.sum(np.abs(multipliers) > 1.0 + marginal * dt / tau, axis=1),
        flow_eigenvalues=flow,
        step_eigenvalues=multipliers,
        right=right[order],
        left=left[order],
        n_candidates=count[order],
        distance=cdist(points[order], starts).min(axis=1),
        point_of=place[point_of],
        dt=dt,
        tau=tau,
    )
