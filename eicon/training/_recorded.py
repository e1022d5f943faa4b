"""Fits of networks to recordings: compared quantities, and their distance.

Targets have a place for every unit of the network, NaN where nothing was recorded, so that fits that differ only in
which units were recorded share compiled code.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from .._numbers import whole
from ..models import Network, RateRNN
from ..models.results import Activity
from ..recordings import Recording
from ..tasks import Task, Trial
from ._penalties import checked_strength
from ._supply import Fixed

LOSSES_OF_RECORDINGS = ("mse", "variance", "poisson")
"""Weightings of errors in a fit; see `RecordedLoss`."""
TINY = 1e-6
"""Smallest expected count of a step, so that a silent unit that fired has a finite loss."""
CONSTANT = 1e-12
"""Variance, relative to the square of the values, below which values count as constant."""
VALIDATE_EVERY = 50
WORK = 6e7
"""Approximate steps times trials times units between checks for signals."""
NO_TRIALS = (
    "this needs the trials of a task, and the network was fitted to a recording without one. eicon analyze reports how "
    "well the recording is predicted; in Python, eicon.load(RUN/network.npz).predict(inputs) runs it with any inputs."
)


@dataclass(frozen=True, repr=False)
class RecordedLoss:
    r"""Distance of predicted from observed activity, averaged over all observed values.

    ``mse``: squared errors. ``variance``: squared errors, each divided by the variance of all observations of its unit.
    ``poisson``: half the deviance of counts :math:`k` with expectation :math:`\lambda`,
    :math:`\lambda - k + k \log(k / \lambda)`.

    Parameters
    ----------
    kind : {"mse", "variance", "poisson"}
    variances : tuple of float
        Variance of each unit, for ``variance``; 0 for constant or unrecorded units, which are left out.
    scaled : bool
        Whether predictions are scaled, by a factor >= 0, and shifted for each unit, by least squares.
    """

    kind: str = "mse"
    variances: tuple[float, ...] = ()
    scaled: bool = False

    def __repr__(self) -> str:
        return f"RecordedLoss({self.kind!r}, scaled={self.scaled})"

    def __call__(self, outputs: jax.Array, trial: Trial) -> jax.Array:
        """Compute the loss of predictions (T, B, N), a scalar."""
        seen = observed_values(trial)
        targets = jnp.where(seen, trial.targets, 0.0)
        if self.scaled:
            outputs = rescaled(outputs, trial.targets, seen)
        outputs = jnp.where(seen, outputs, 0.0)
        n = jnp.maximum(seen.sum(), 1)
        if self.kind == "poisson":
            expected = jnp.maximum(outputs, 0.0) + TINY
            ratio = jnp.where(targets > 0, targets, 1.0) / jnp.where(seen, expected, 1.0)
            return jnp.sum(jnp.where(seen, expected - targets + targets * jnp.log(ratio), 0.0)) / n
        missed = (outputs - targets) ** 2
        if self.kind == "variance":
            variances = jnp.asarray(self.variances, missed.dtype)
            inverse = jnp.where(variances > 0, 1.0 / jnp.where(variances > 0, variances, 1.0), 0.0)
            missed = missed * inverse[None, None]
            n = jnp.maximum(jnp.where(variances > 0, seen.sum(axis=(0, 1)), 0).sum(), 1)
        return jnp.sum(missed) / n


@dataclass(frozen=True, repr=False)
class Fit(Task):
    """Task of matching the activity in a recording.

    Parameters
    ----------
    dt : float
    channels : tuple of str
        Names of the inputs.
    n_units : int
        Units (or outputs) of the network that are compared, N.
    observed, hz, decay
        As in `Recording`.
    distance : RecordedLoss
    """

    channels: tuple[str, ...] = ()
    n_units: int = 0
    observed: str = "rate"
    hz: float = 1.0
    decay: float = 0.0
    distance: Any = None

    criterion_of: ClassVar[str] = "loss"
    score_name: ClassVar[str] = "explained variance"

    def __repr__(self) -> str:
        more = {"counts": f", hz={self.hz:g}", "calcium": f", decay={self.decay:g}"}.get(self.observed, "")
        inputs = f"{len(self.channels)} inputs, {self.n_units} units"
        return f"Fit({inputs}, dt={self.dt:g}, {self.observed!r}{more}, {self.distance!r})"

    @property
    def input_channels(self) -> tuple[str, ...]:  # type: ignore[override]
        """Names of the inputs."""
        return self.channels

    @property
    def output_channels(self) -> tuple[str, ...]:  # type: ignore[override]
        """Indices of the units, as text."""
        return tuple(map(str, range(self.n_units)))

    @property
    def loss(self) -> RecordedLoss:  # type: ignore[override]
        """Distance from the observed activity."""
        return self.distance

    def condition_grid(self) -> dict[str, np.ndarray]:
        """Raise ValueError: the trials of a recording are fixed.

        Raises
        ------
        ValueError
        """
        raise ValueError(NO_TRIALS)

    def build(self, key: jax.Array, conditions: dict[str, jax.Array]) -> Trial:
        """Raise ValueError, like `condition_grid`."""
        raise ValueError(NO_TRIALS)

    def scored(self, activity: Activity) -> jax.Array:
        """Return the quantity that is compared with the recording, (T, B, N)."""
        if self.observed == "current":
            return activity.currents
        if self.observed == "output":
            return activity.outputs
        if self.observed == "counts":
            return activity.rates * (self.hz * self.dt / 1000)
        return filtered(activity.rates, self.dt, self.decay) if self.observed == "calcium" else activity.rates

    def correct(self, outputs: jax.Array, trial: Trial) -> jax.Array:
        """Compute the predicted fraction of each trial's variance around the means of units, from 0 to 1, (B,).

        NaN for a trial without observations, or without deviations from these means.
        """
        seen = observed_values(trial)
        if self.distance.scaled:
            outputs = rescaled(outputs, trial.targets, seen)
        targets = jnp.where(seen, trial.targets, 0.0)
        mean = targets.sum(axis=(0, 1)) / jnp.maximum(seen.sum(axis=(0, 1)), 1)
        missed = jnp.where(seen, outputs - targets, 0.0)
        spread = jnp.where(seen, targets - mean[None, None], 0.0)
        total = (spread**2).sum(axis=(0, 2))
        varies = total > CONSTANT * (targets**2).sum(axis=(0, 2))
        score = 1 - (missed**2).sum(axis=(0, 2)) / jnp.where(varies, total, 1.0)
        return jnp.where(varies, jnp.clip(jnp.nan_to_num(score), 0.0, 1.0), jnp.nan)


def seen(task: Any, activity: Activity) -> Activity:
    """Return activity whose outputs are the scored quantity of the task."""
    return activity._replace(outputs=task.scored(activity)) if isinstance(task, Fit) else activity


def as_fit(task: Any) -> Fit | None:
    """Return a task if it is that of a recording, otherwise None."""
    return task if isinstance(task, Fit) else None


def observed_values(trial: Trial) -> jax.Array:
    """Return which targets (T, B, N) were observed."""
    return jnp.isfinite(trial.targets) & (trial.mask != 0)[..., None]


def filtered(rates: jax.Array, dt: float, decay: float) -> jax.Array:
    r"""Filter rates with an exponential kernel, :math:`c_t = e^{-dt/\tau} c_{t-1} + (1 - e^{-dt/\tau}) r_t`.

    Before a trial, rates are assumed equal to those at its first step.
    """
    kept = float(np.exp(-dt / decay))

    def step(c: jax.Array, r: jax.Array) -> tuple[jax.Array, jax.Array]:
        c = kept * c + (1 - kept) * r
        return c, c

    return jax.lax.scan(step, rates[0], rates)[1]


def scales(outputs: jax.Array, targets: jax.Array, seen: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Fit factor >= 0 and offset (N,) of each unit that bring outputs closest to targets, by least squares.

    The factor of outputs that are constant is 0.
    """
    n = jnp.maximum(seen.sum(axis=(0, 1)), 1)
    x, y = (jnp.where(seen, values, 0.0) for values in (outputs, targets))
    x_mean, y_mean = x.sum(axis=(0, 1)) / n, y.sum(axis=(0, 1)) / n
    dx, dy = (jnp.where(seen, v - m[None, None], 0.0) for v, m in ((x, x_mean), (y, y_mean)))
    spread = (dx**2).sum(axis=(0, 1))
    varies = spread > CONSTANT * (x**2).sum(axis=(0, 1))
    factor = jnp.where(varies, jnp.maximum((dx * dy).sum(axis=(0, 1)) / jnp.where(varies, spread, 1.0), 0.0), 0.0)
    return factor, y_mean - factor * x_mean


def rescaled(outputs: jax.Array, targets: jax.Array, seen: jax.Array) -> jax.Array:
    """Scale and shift outputs for each unit; the gradient is exact, since both are at their optimum."""
    factor, offset = jax.lax.stop_gradient(scales(outputs, targets, seen))
    return factor[None, None] * outputs + offset[None, None]


def unit_names(net: RateRNN, observed: str = "rate") -> list[str]:
    """Return names of a network's units: their label ``name``, or else their numbers; for outputs, numbers."""
    if observed == "output":
        return list(map(str, range(net.n_out)))
    if "name" in net.units:
        return [str(name) for name in net.units["name"]]
    return list(map(str, range(net.n_rec)))


def observed_of(net: RateRNN, recording: Recording) -> np.ndarray:
    """Return the observations of each unit of a network, (T, B, N), NaN elsewhere; see `Recording.placed`."""
    return recording.placed(unit_names(net, recording.observed))


def check_recording(net: Any, recording: Recording) -> None:
    """Reject a recording that cannot be compared with a network.

    Raises
    ------
    TypeError, ValueError
        For an object that is not a network, a different step or inputs, or units that the network lacks.
    """
    if not isinstance(net, RateRNN):
        raise TypeError(f"expected a network, then a recording; got {type(net).__name__} as the network.")
    if recording.dt != net.dt:
        raise ValueError(
            f"network and recording must have the same dt; got {net.dt:g} and {recording.dt:g} ms. "
            f"eicon.recordings.resampled(recording, {net.dt:g}) gives a recording in the network's steps."
        )
    if recording.n_in != net.n_in:
        if not recording.inputs.any():
            raise ValueError(
                f"the recording has no inputs, and the network needs {net.n_in}: give it the stimuli, `inputs` (in the "
                "shell: eicon recording show FILE --inputs NAME --save FILE.npz)."
            )
        raise ValueError(
            f"the recording has {recording.n_in} input channels ({', '.join(recording.input_channels)}), and the "
            f"network has {net.n_in}."
        )
    if recording.observed == "current" and "x" not in net.network.initial():
        raise ValueError("currents were recorded, but this network's cell has none.")


def fit_of(net: RateRNN, recording: Recording, loss: str | None = None) -> tuple[Fit, Trial]:
    """Make the task of a fit, and its trials.

    Raises
    ------
    ValueError
        For the reasons given at `check_recording`, an unknown or unsuitable loss, or if nothing varies.
    """
    check_recording(net, recording)
    counts = recording.observed == "counts"
    kind = ("poisson" if counts else "mse") if loss is None else loss
    if kind not in LOSSES_OF_RECORDINGS:
        raise ValueError(f"the loss of a fit is one of {', '.join(LOSSES_OF_RECORDINGS)}; got {kind!r}.")
    if kind == "poisson" and not counts:
        raise ValueError(f"loss 'poisson' is only for counts; {recording.observed} was observed.")
    targets = observed_of(net, recording)
    spread = _variances(targets, "the recording")
    distance = RecordedLoss(kind, spread if kind == "variance" else (), recording.observed == "calcium")
    return fit_to(recording, targets.shape[2], distance), trial_of(recording, targets)


def fit_to(recording: Recording, n_units: int, distance: RecordedLoss | None = None) -> Fit:
    """Make the task of matching a recording, for a network of `n_units` units."""
    observed = {"observed": recording.observed, "hz": recording.hz, "decay": recording.decay or 0.0}
    return Fit(recording.dt, recording.input_channels, n_units, **observed, distance=distance)


def _variances(targets: np.ndarray, what: str) -> tuple[float, ...]:
    """Compute the variance of each unit of (T, B, N), 0 for constant or unobserved units, which must not be all."""
    n = np.maximum(np.isfinite(targets).sum(axis=(0, 1)), 1)
    mean = np.nansum(targets, axis=(0, 1)) / n
    found = np.nansum((targets - mean) ** 2, axis=(0, 1)) / n
    found = np.where(found > CONSTANT * np.nansum(targets**2, axis=(0, 1)) / n, found, 0.0)
    if not found.any():
        units = np.isfinite(targets).any(axis=(0, 1)).sum()
        raise ValueError(
            f"there is nothing to explain: each of the {units} units of {what} has one value at all steps of all "
            "trials. Is the window of the trials right, and are there spikes in it?"
        )
    return tuple(found.tolist())


def trial_of(recording: Recording, targets: np.ndarray) -> Trial:
    """Trials of a recording, with these targets; an epoch ``trial`` marks the end of each."""
    dtype = jnp.result_type(float)
    inputs, wanted, mask = (jnp.asarray(a, dtype) for a in (recording.inputs, targets, recording.mask))
    first, after = recording.mask.argmax(axis=0), recording.n_steps - recording.mask[::-1].argmax(axis=0)
    return Trial(inputs, wanted, mask, {}, {"trial": jnp.asarray(np.stack([first, after], axis=1), jnp.int32)})


def fixed_of(
    net: RateRNN, recording: Recording, held_out: Recording | None, loss: str | None, batch_size: Any
) -> tuple[Fit, Fixed]:
    """Make the task of a fit and its trials: those to fit, and those held out, or the same ones again."""
    fit, train = fit_of(net, recording, loss)
    validation = train
    if held_out is not None:
        if (held_out.observed, held_out.hz, held_out.decay) != (recording.observed, recording.hz, recording.decay):
            raise ValueError(f"recording and held_out differ in what was observed; got {recording!r} and {held_out!r}.")
        check_recording(net, held_out)
        targets = observed_of(net, held_out)
        _variances(targets, "held_out")
        validation = trial_of(held_out, targets)
    size = recording.n_trials if batch_size is None else whole(batch_size, "batch_size")
    return fit, Fixed(train, validation, size)


def predicted(net: RateRNN, recording: Recording, key: Any = None) -> np.ndarray:
    """Predict the activity of all units of a network in the trials of a recording.

    Parameters
    ----------
    net : RateRNN
    recording : Recording
    key : jax.Array or int, optional
        Random key of the network's noise; without it, there is no noise.

    Returns
    -------
    ndarray, shape (T, B, N)
        Prediction of the observed quantity; for calcium without scale and offset, since most units are unobserved.
    """
    check_recording(net, recording)
    fit = fit_to(recording, net.n_rec)
    return np.asarray(fit.scored(net.predict(recording.inputs, key=key, noise=key is not None)), np.float64)


@dataclass(frozen=True, eq=False, repr=False)
class FollowRecording:
    """Distance of a network's activity from a recording, in addition to the loss of a task.

    The network is run in the trials of the recording, without noise.

    Parameters
    ----------
    net : RateRNN
        The trained network, for the names of its units.
    recording : Recording
    strength : float
        Strength of the penalty, >= 0.
    loss : {"mse", "variance", "poisson"}, optional
        See `Trainer` with a recording.
    """

    net: RateRNN
    recording: Recording
    strength: float = 1.0
    loss: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "strength", checked_strength(self.strength))
        _ = self._made

    @cached_property
    def _made(self) -> tuple[Fit, Trial]:
        return fit_of(self.net, self.recording, self.loss)

    def __repr__(self) -> str:
        return f"FollowRecording({self.recording!r}, strength={self.strength}, {self._made[0].distance!r})"

    def __call__(self, network: Network, activity: Activity, trial: Trial) -> jax.Array:
        """Compute the penalty, a scalar."""
        fit, recorded = self._made
        found = network.run(recorded.inputs.astype(network.dtype))
        return self.strength * fit.distance(fit.scored(found), recorded)
