"""Trials and a network's activity as plain, named numpy arrays, from which every format is written."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from ..models import RateRNN
from ..models.results import Activity
from ..tasks import Task, Trial

SIGNALS = ("inputs", "targets", "mask", "outputs", "rates", "currents")
"""Arrays of a `Recorded` that have a time axis."""


class Recorded(NamedTuple):
    """Trials and the activity in them; time-major, all numpy.

    Attributes
    ----------
    dt : float
        Step in ms.
    inputs : (T, B, n_in)
    targets : (T, B, n_out) desired outputs, or (T, B) integer labels
    mask : (T, B) 1 where outputs are scored
    outputs : (T, B, n_out)
    rates, currents : (T, B, N)
    conditions : name -> (B,)
    epochs : name -> (B, 2) first step and the step after the last one
    units : name -> (N,) labels of the units, including ``type`` (E, I or "")
    input_channels, output_channels : tuple of str
    """

    dt: float
    inputs: np.ndarray
    targets: np.ndarray
    mask: np.ndarray
    outputs: np.ndarray
    rates: np.ndarray
    currents: np.ndarray
    conditions: dict[str, np.ndarray]
    epochs: dict[str, np.ndarray]
    units: dict[str, np.ndarray]
    input_channels: tuple[str, ...]
    output_channels: tuple[str, ...]

    @property
    def trial(self) -> Trial:
        """Return the trials in the form in which a task samples them."""
        return Trial(
            jnp.asarray(self.inputs),
            jnp.asarray(self.targets),
            jnp.asarray(self.mask),
            {name: jnp.asarray(values) for name, values in self.conditions.items()},
            {name: jnp.asarray(span) for name, span in self.epochs.items()},
        )

    @property
    def activity(self) -> Activity:
        """Return the activity in the form in which `RateRNN.predict` returns it."""
        return Activity(jnp.asarray(self.outputs), jnp.asarray(self.rates), {"x": jnp.asarray(self.currents)})

    @property
    def time(self) -> np.ndarray:
        """Start of each step in ms, (T,)."""
        return np.arange(len(self.rates)) * self.dt

    @property
    def n_trials(self) -> int:
        """Number of trials."""
        return self.rates.shape[1]


def recorded(net: RateRNN, trial: Trial, activity: Activity, task: Task | None = None) -> Recorded:
    """Collect trials and activity from the device.

    Parameters
    ----------
    net : RateRNN
    trial : Trial
    activity : Activity
        Result of ``net.predict(trial.inputs)``.
    task : Task, optional
        Task that names the input and output channels, which are otherwise numbered.

    Raises
    ------
    ValueError
        If activity, trials, network and task do not belong together.

    Examples
    --------
    >>> import jax, eicon
    >>> task = eicon.PerceptualDecision()
    >>> net = eicon.RateRNN.dale(task.n_in, 10, task.n_out)
    >>> trial = task.sample(jax.random.key(0), 4)
    >>> both = recorded(net, trial, net.predict(trial.inputs), task)
    >>> both.rates.shape, both.output_channels
    ((60, 4, 10), ('choice 0', 'choice 1'))
    """
    _check_shapes(net, trial, activity)
    if task is not None and (task.dt, task.n_in, task.n_out) != (net.dt, net.n_in, net.n_out):
        raise ValueError(
            f"the task has dt {task.dt:g} ms, {task.n_in} inputs and {task.n_out} outputs, the network "
            f"dt {net.dt:g} ms, {net.n_in} and {net.n_out}; the task does not belong to this network."
        )
    return Recorded(
        dt=float(net.dt),
        inputs=np.asarray(trial.inputs),
        targets=np.asarray(trial.targets),
        mask=np.asarray(trial.mask),
        outputs=np.asarray(activity.outputs),
        rates=np.asarray(activity.rates),
        currents=np.asarray(activity.currents),
        conditions={name: np.asarray(values) for name, values in trial.conditions.items()},
        epochs={name: np.asarray(span) for name, span in trial.epochs.items()},
        units={name: np.asarray(labels) for name, labels in net.units.items()},
        input_channels=_names(None if task is None else task.input_channels, "input", net.n_in),
        output_channels=_names(None if task is None else task.output_channels, "output", net.n_out),
    )


def checked(record: Recorded) -> Recorded:
    """Check that the sizes of trials and activity from a file agree, and return them.

    Raises
    ------
    ValueError
        If an array does not fit, or does not contain numbers; the error names the array.
    """
    T, B, n = record.rates.shape
    shapes = {"currents": (T, B, n), "mask": (T, B), "inputs": (T, B, len(record.input_channels))}
    shapes |= {"outputs": (T, B, len(record.output_channels)), "targets": (T, B, *record.targets.shape[2:])}
    wanted = [(name, getattr(record, name), shape) for name, shape in shapes.items()]
    wanted += [(f"condition {name}", values, (B,)) for name, values in record.conditions.items()]
    wanted += [(f"epoch {name}", span, (B, 2)) for name, span in record.epochs.items()]
    wanted += [(f"label {name}", labels, (n,)) for name, labels in record.units.items()]
    for name, values, shape in wanted:
        if values.shape != shape:
            raise ValueError(f"{name} has shape {values.shape}; {shape} fits the rates")
    if odd := [name for name in SIGNALS if getattr(record, name).dtype.kind not in "biuf"]:
        raise ValueError(f"{odd[0]} does not contain numbers")
    if not (np.isfinite(record.dt) and record.dt > 0):
        raise ValueError(f"dt must be > 0 (ms); got {record.dt:g}")
    return record


def _check_shapes(net: RateRNN, trial: Trial, activity: Activity) -> None:
    T, B = trial.n_steps, trial.batch_size
    wanted = {
        "trial.inputs": (trial.inputs, (T, B, net.n_in)),
        "activity.outputs": (activity.outputs, (T, B, net.n_out)),
        "activity.rates": (activity.rates, (T, B, net.n_rec)),
        "activity.currents": (activity.currents, (T, B, net.n_rec)),
        "trial.mask": (trial.mask, (T, B)),
    }
    for name, (values, shape) in wanted.items():
        if np.shape(values) != shape:
            raise ValueError(
                f"{name} must have shape {shape} for these trials and a network of {net.n_in} inputs, {net.n_rec} "
                f"units and {net.n_out} outputs; got {np.shape(values)}. Is it the activity of other trials?"
            )


def _names(given: Sequence[str] | None, what: str, n: int) -> tuple[str, ...]:
    return tuple(given) if given and len(given) == n else tuple(f"{what} {i}" for i in range(n))


def free_name(name: str, taken: Mapping[str, Any] | set[str], kind: str) -> str:
    """Return the name of a condition or label, prefixed with its kind if the name is taken."""
    return name if name not in taken else f"{kind}_{name}"
