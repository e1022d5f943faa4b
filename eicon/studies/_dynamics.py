"""Dynamics of a trained network with its input held as in an epoch: fixed points, slow manifolds, exponents."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial.distance import cdist

from .._hints import meant
from .._key import as_key
from .._numbers import whole
from ..analysis import fixed_points, lyapunov, manifold, pca
from ..analysis._fixed_points import FixedPoints
from ..analysis._lyapunov import Lyapunov
from ..analysis._manifold import Manifold
from ..analysis._pca import PCA
from ..models import RateRNN
from ..models._network import driven_step, stacked, unstacked
from ..tasks import Task, Trial
from ..tasks._check import check_task

TRIALS = 128
"""Minimum number of trials that states are drawn from."""
SLOW = 0.05
"""Speed (in 1/tau) below which directions are not followed in the search for continuous attractors."""
STILL = 0.01
"""Largest q of the points of a continuous attractor."""
DRIVEN_TRIALS = 10
"""Number of trials along which conditional exponents are computed."""
SETTLING = 5
"""The first fifth of a trial is discarded while the tangent vectors align."""


class HeldInputs(NamedTuple):
    """Input of an epoch, as one vector; K trials.

    Attributes
    ----------
    inputs : (n_in,) float
        Median over the epoch's steps in each trial, then mean over the trials.
    within : float
        Standard deviation of the input over the epoch's steps (root mean square over trials), for the channel where it
        is largest: 0 if inputs are constant in the epoch.
    between : float
        Standard deviation of the medians over trials, for the channel where it is largest: 0 if all trials are alike.
    epoch : str
    conditions : mapping of str to float
        Conditions that all of the trials match.
    trials : (K,) int
        Indices of the trials.
    """

    inputs: Float[np.ndarray, "n_in"]
    within: float
    between: float
    epoch: str
    conditions: dict[str, float]
    trials: Int[np.ndarray, "K"]


class Dynamics(NamedTuple):
    """Fixed points and slow points of a network with held input; P points, M candidates, K trials.

    States of units with several variables are concatenated in alphabetical order, and N is the total number.

    Attributes
    ----------
    held : HeldInputs
    points : FixedPoints
        Points at which all candidates ended, including those that did not converge.
    outputs : (P, n_out) float
        Outputs of the network at the points.
    distance : (P,) float
        Distance to the nearest state that the network visits in the epoch, as a fraction of the root mean squared
        distance of those states from their mean: large for points that the network does not approach.
    still : FixedPoints
        The same search with slow directions not followed (``slow = 0.05``), for `manifold`.
    manifold : Manifold, optional
        Shape of the points of `still` with ``q < 0.01``, at `flat`; None if there are none.
    flat : (F,) int
        Indices of these points.
    components : PCA
        Principal components (at most three) of the states (currents) in the epoch, with noise.
    paths : (T, K, N) float
        States (currents) of the trials that match the conditions, NaN outside the epoch.
    """

    held: HeldInputs
    points: FixedPoints
    outputs: Float[np.ndarray, "P n_out"]
    distance: Float[np.ndarray, "P"]
    still: FixedPoints
    manifold: Manifold | None
    flat: Int[np.ndarray, "F"]
    components: PCA
    paths: Float[np.ndarray, "T K N"]


class Exponents(NamedTuple):
    """Lyapunov exponents of a network, k of them, in 1/ms.

    Attributes
    ----------
    held : HeldInputs
    autonomous : Lyapunov
        Exponents with the input held, from a state visited in the epoch.
    driven : (k,) float
        Exponents along whole trials, with their inputs: means over trials.
    driven_error : (k,) float
        Standard error over trials; NaN for a single trial.
    n_trials, n_steps : int
        Trials, and steps of each that count (of the shortest; its first fifth is a transient).
    """

    held: HeldInputs
    autonomous: Lyapunov
    driven: Float[np.ndarray, "k"]
    driven_error: Float[np.ndarray, "k"]
    n_trials: int
    n_steps: int


def held_inputs(trial: Trial, epoch: str, *, conditions: Mapping[str, float] | None = None) -> HeldInputs:
    """Compute the input of an epoch: the median over its steps in each trial, then the mean over trials.

    Parameters
    ----------
    trial : Trial
    epoch : str
        One of the epochs of the trials.
    conditions : mapping of str to number, optional
        Conditions that trials must match, e.g. ``{"context": 1}``; None takes all.

    Returns
    -------
    HeldInputs

    Raises
    ------
    ValueError
        For an epoch or a condition that the trials do not have, a value that none of them has, or an epoch without any
        step.

    Examples
    --------
    >>> from eicon.tasks import ContextIntegration
    >>> trial = ContextIntegration(baseline=0.0).trials(1, key=jax.random.key(0))
    >>> held = held_inputs(trial, "stimulus", conditions={"context": 1})
    >>> held.inputs.round(3).tolist(), held.within, len(held.trials)
    ([0.0, 1.0, 0.5, 0.5, 0.5, 0.5], 0.0, 36)
    """
    inside = np.asarray(trial.during(epoch))
    agree = agreeing(trial, conditions)
    chosen = np.flatnonzero(agree & inside.any(axis=0))
    if not chosen.size:
        raise ValueError(f"the epoch {epoch!r} has no step in any of these {np.count_nonzero(agree)} trials.")
    inputs = np.asarray(trial.inputs, np.float64)[:, chosen]
    values = np.where(inside[:, chosen, None], inputs, np.nan)
    medians = np.nanmedian(values, axis=0)
    within = np.sqrt(np.nanvar(values, axis=0).mean(axis=0)).max()
    conditions = {name: float(value) for name, value in (conditions or {}).items()}
    return HeldInputs(medians.mean(axis=0), float(within), float(medians.std(axis=0).max()), epoch, conditions, chosen)


def agreeing(trial: Trial, conditions: Mapping[str, float] | None) -> Bool[np.ndarray, "B"]:
    """Return which trials match all conditions; see `held_inputs`."""
    agree = np.ones(trial.batch_size, bool)
    for name, value in (conditions or {}).items():
        if name not in trial.conditions:
            known = f"they have {', '.join(trial.conditions)}.{meant(name, trial.conditions)}"
            raise ValueError(f"these trials have no condition {name!r}; {known}")
        values = np.asarray(trial.conditions[name], np.float64)
        same = np.isclose(values, value, rtol=1e-5, atol=1e-8)
        if not same.any():
            levels = np.unique(values)
            listed = ", ".join(f"{level:g}" for level in levels[:12]) + (", ..." if levels.size > 12 else "")
            raise ValueError(f"no trial has {name} = {value:g}; it is one of {listed}.")
        agree &= same
    if not agree.any():
        asked = ", ".join(f"{name} = {value:g}" for name, value in (conditions or {}).items())
        raise ValueError(f"no trial has {asked} together.")
    return agree


def longest_epoch(trial: Trial) -> str:
    """Return the name of the epoch with the longest mean duration over trials, the first of equals."""
    lasting = {name: float((span[:, 1] - span[:, 0]).mean()) for name, span in trial.epochs.items()}
    return max(lasting, key=lambda name: lasting[name])


def dynamics_of(
    net: RateRNN,
    task: Task,
    *,
    key: jax.Array | int,
    epoch: str | None = None,
    conditions: Mapping[str, float] | None = None,
    candidates: int | float = 512,
    jitter: float | int = 1.0,
    slow: float | int = 0.0,
    max_steps: int | float = 100,
    progress: bool = False,
) -> Dynamics:
    """Find the fixed points of a network with its input held as in an epoch, and the shape of its slow points.

    Searches start from states that the network visits in the epoch of balanced trials, with its noise and a jitter
    that moves them off the trajectories. A second search (``slow = 0.05``) from the same states stays where slow
    directions cannot be distinguished from neutral ones, and reveals lines, rings and planes that are approximate
    attractors.

    Parameters
    ----------
    net : RateRNN
    task : Task
    key : jax.Array
        Random key of trials, noise, choice of candidates and jitter.
    epoch : str, optional
        Epoch; None takes the longest one.
    conditions : mapping of str to number, optional
        Conditions that trials must match, e.g. ``{"context": 1}``.
    candidates : int
        Number of states that searches start from.
    jitter : float
        Standard deviation of the jitter of each unit, relative to that of its currents in the epoch. A smaller one
        misses saddles, which trajectories avoid.
    slow, max_steps
        Options of the first search; see `eicon.analysis.fixed_points`.
    progress : bool
        Show progress bars (on stderr).

    Returns
    -------
    Dynamics

    Raises
    ------
    ValueError
        For an epoch or condition that trials do not have, or numbers out of range.

    Examples
    --------
    >>> from eicon.tasks import FlipFlop
    >>> task = FlipFlop(n_bits=1)
    >>> net = RateRNN.dale(task.n_in, 10, task.n_out, spectral_radius=0.5)
    >>> dynamics = dynamics_of(net, task, key=jax.random.key(0), candidates=20)
    >>> dynamics.held.epoch, dynamics.points.counts()
    ('bits', {'stable': 1})
    """
    check_task(task)
    candidates = whole(candidates, "`candidates`")
    if candidates < 1:
        raise ValueError(f"`candidates` must be at least 1; got {candidates}.")
    if not jitter >= 0:
        raise ValueError(f"`jitter` must be >= 0 (in standard deviations of each unit's current); got {jitter}.")
    key_visit, key_start = jax.random.split(as_key(key))
    trial, held, visited = _visit(net, task, epoch, conditions, key_visit)
    inside = np.asarray(trial.during(held.epoch))[:, held.trials]
    states = visited[inside]
    starts = _starts(states, candidates, float(jitter), key_start)
    network = net.network
    step, tau = net.held(held.inputs), time_unit(net)
    points = fixed_points(step, starts, dt=net.dt, tau=tau, slow=slow, max_steps=max_steps, progress=progress)
    still = fixed_points(step, starts, dt=net.dt, tau=tau, slow=SLOW, max_steps=max_steps, progress=progress)
    flat = np.flatnonzero(still.q < STILL)
    spread = math.sqrt(states.var(axis=0).sum())
    outputs = network.read_out(network.rate(unstacked(network, jnp.asarray(points.positions, network.dtype))))
    return Dynamics(
        held,
        points,
        np.asarray(outputs, np.float64),
        cdist(points.positions, states).min(axis=1) / spread,
        still,
        manifold(still.positions[flat]) if flat.size else None,
        flat,
        pca(visited, mask=inside, n_components=min(3, net.n_rec, len(states) - 1)),
        np.where(inside[:, :, None], visited, np.nan),
    )


def exponents_of(
    net: RateRNN,
    task: Task,
    *,
    key: jax.Array | int,
    epoch: str | None = None,
    conditions: Mapping[str, float] | None = None,
    n_exponents: int | float = 5,
    n_steps: int | float = 4000,
) -> Exponents:
    """Compute the leading Lyapunov exponents of a network without noise, with its input held and along trials.

    Parameters
    ----------
    net, task, key, epoch, conditions
        See `dynamics_of`.
    n_exponents : int
        Number of exponents, at most the number of state variables.
    n_steps : int
        Steps of the run with held input, after a transient of the same length.

    Returns
    -------
    Exponents

    Raises
    ------
    ValueError
        For an epoch or condition that trials do not have, or trials of fewer than five steps.
    """
    check_task(task)
    n_exponents, n_steps = whole(n_exponents, "`n_exponents`"), whole(n_steps, "`n_steps`")
    key_visit, key_start = jax.random.split(as_key(key))
    trial, held, visited = _visit(net, task, epoch, conditions, key_visit)
    inside = np.asarray(trial.during(held.epoch))[:, held.trials]
    start = _starts(visited[inside], 1, 0.0, key_start)[0]
    options: dict[str, Any] = {"dt": net.dt, "n_exponents": min(n_exponents, start.size)}
    free = lyapunov(net.held(held.inputs), start, n_steps=n_steps, transient=n_steps, **options)

    steps = int(np.asarray(trial.inside)[:, held.trials].sum(axis=0).min())
    if (before := steps // SETTLING) < 1:
        raise ValueError(f"exponents along trials need at least {SETTLING} steps in each; got {steps}.")
    step, x0 = driven_step(net.network), np.asarray(stacked(net.network.initial()), np.float64)
    inputs = np.asarray(trial.inputs, np.float64)[:steps]
    spread = np.unique(np.linspace(0, held.trials.size - 1, DRIVEN_TRIALS).astype(int))
    found = np.stack(
        [
            lyapunov(step, x0, inputs=inputs[:, one], n_steps=steps - before, transient=before, **options).exponents
            for one in held.trials[spread]
        ]
    )
    with np.errstate(invalid="ignore"):  # -inf: directions that a step collapses
        error = found.std(axis=0, ddof=1) / math.sqrt(len(found)) if len(found) > 1 else np.full(found.shape[1], np.nan)
    return Exponents(held, free, found.mean(axis=0), error, len(found), steps - before)


def _visit(
    net: RateRNN, task: Task, epoch: str | None, conditions: Mapping[str, float] | None, key: jax.Array
) -> tuple[Trial, HeldInputs, Float[np.ndarray, "T K S"]]:
    """Return balanced trials, the held input, and the states of the network with its noise in matching trials."""
    key_trial, key_noise = jax.random.split(key)
    trial = task.trials(-(-TRIALS // task.n_conditions), key=key_trial)
    held = held_inputs(trial, longest_epoch(trial) if epoch is None else epoch, conditions=conditions)
    activity = net.predict(trial.inputs[:, held.trials], key=key_noise)
    return trial, held, np.asarray(stacked(activity.states), np.float64)


def _starts(states: Float[np.ndarray, "S N"], number: int, jitter: float, key: jax.Array) -> Float[np.ndarray, "M N"]:
    """Draw `number` of the states, all distinct if there are enough, each moved off its trajectory by a jitter."""
    key_choice, key_jitter = jax.random.split(key)
    chosen = np.asarray(jax.random.choice(key_choice, len(states), (number,), replace=number > len(states)))
    noise = np.asarray(jax.random.normal(key_jitter, (number, states.shape[1])), np.float64)
    return states[chosen] + jitter * states.std(axis=0)[None] * noise


def time_unit(net: RateRNN) -> float:
    """Return the mean time constant (ms), the unit of speeds; the step, for a cell without one."""
    return float(net.tau.mean()) if "tau" in net.network.parameters else net.dt
