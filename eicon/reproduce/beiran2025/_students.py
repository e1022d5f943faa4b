"""Students: networks with a teacher's wiring that learn unknown parameters from recordings of some of its units.

A student has all weights of its teacher, and its gains and biases permuted among units of the same type; it learns
gains and biases from the currents of M units, drawn at random, in 60 trials. Controls learn from the readout alone,
from rates, or have the true gains and biases and learn all weights, starting from the teacher's shuffled ones.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..._key import key as key_of
from ...analysis.fits import next_units, recovery, unit_fit
from ...models import Connectivity, RateRNN
from ...models._cells import activation_of
from ...recordings import Recording
from ...training import Gradient, Trainer
from ...training._recorded import predicted
from ...training.schedules import Cosine
from .._parts import Keep, Measures, Part
from ._teachers import FITTED, FRESH, Cycling, Shown, shown, task_error, teacher_of, write_network
from ._units import permuted, with_units

ORDERS = ("random", "chosen", "worst")
N_TRACES = 4
EXPLODING = 10.0
"""Largest variance of an untrained student's currents, relative to its teacher's."""
DRAWS = 1000


def fit_student(part: Part, keep: Keep) -> Measures:
    """Fit a student of a trained teacher, and measure it at the steps of the part.

    Keys of a part: ``kind`` (``"recorded"``, ``"readout"`` or ``"unconstrained"``), ``observed``, ``m``, ``order`` (of
    `ORDERS`), initial ``rate`` of Adam, ``batch`` trials of a step.
    """
    teacher, task = teacher_of(part, keep), Cycling(n_steps=part["n_steps"])
    fitted, fresh = (shown(teacher, task.sample(key_of(k + part["seed"]), part["trials"])) for k in (FITTED, FRESH))
    return follow(part, keep, teacher, fitted, fresh)


def follow(part: Part, keep: Keep, teacher: RateRNN, fitted: Shown, fresh: Shown) -> Measures:
    """Fit a student to trials of its teacher, and measure it in these and in new ones."""
    rng = np.random.default_rng([part["seed"], 1])
    order = rng.permutation(teacher.n_rec)
    net = steady(lambda: new_student(teacher, part["kind"], rng), fitted.currents)
    units = recorded_units(net, fitted, part, order)
    recording = fitted.outputs if part["kind"] == "readout" else of_kind(fitted, part["observed"]).of_units(units)
    learner = Gradient("adam", learning_rate=Cosine(part["rate"], part["steps"], warm_up=10, end=part["rate"] / 50))
    trainer = Trainer(net, recording, learner=learner, batch_size=part["batch"], seed=part["seed"])

    def measure(trainer: Trainer) -> Measures:
        return measured(net, teacher, fitted, fresh, units, part["observed"])

    by_step = keep.fit(trainer, part["steps"], measure=measure, at=part["at"])
    write_network(net, keep.folder / f"{part['name']}_network.npz")
    found = {"by_step": {str(step): values for step, values in by_step.items()}, "units": units.tolist()}
    if part["seed"] == 0:
        found |= kept_traces(net, teacher, fresh, order, part["observed"])
    return found | {"train_seconds": float(trainer.history.seconds[-1]), "loss": float(trainer.history.loss[-1])}


def steady(draw: Callable[[], RateRNN], recorded: Recording) -> RateRNN:
    """Make an untrained student whose currents do not explode, by repeated permutation of parameters.

    A fit that starts from an exploding student ends far from the teacher even if it matches the recording.

    Raises
    ------
    ValueError
        If all of 1000 permutations explode.
    """
    net, spread = steadiest(draw, recorded, DRAWS)
    if spread > EXPLODING:
        raise ValueError(f"the currents of {DRAWS} permutations all exceed {EXPLODING:g} times the teacher's variance.")
    return net


def steadiest(draw: Callable[[], RateRNN], recorded: Recording, draws: int) -> tuple[RateRNN, float]:
    """Return the first student that does not explode, or the least exploding one, and its relative variance.

    Parameters
    ----------
    draw : callable
        Returns a student with new permutations at each call.
    recorded : Recording
        Currents of all units of the teacher.
    draws : int
        Largest number of calls.
    """
    found: list[tuple[float, RateRNN]] = []
    for _ in range(draws):
        net = draw()
        currents = predicted(net, recorded)
        spread = float(currents.var(axis=(0, 1)).sum() / recorded.activity.var(axis=(0, 1)).sum())
        found.append((spread if np.isfinite(currents).all() else np.inf, net))
        if found[-1][0] <= EXPLODING:
            return net, spread
        found = [min(found, key=lambda one: one[0])]
    return found[0][1], found[0][0]


def new_student(teacher: RateRNN, kind: str, rng: np.random.Generator) -> RateRNN:
    """Make an untrained student."""
    if kind != "unconstrained":
        gain, shift = permuted(teacher, rng)
        return with_units(teacher, gain=gain, shift=shift)
    weights, types = np.array(teacher.W_rec, np.float64), teacher.units["type"]
    for pre in np.unique(types):
        for post in np.unique(types):
            block = np.ix_(types == pre, types == post)
            weights[block] = rng.permuted(weights[block])
    free = Connectivity.dense(teacher.n_rec, teacher.n_rec), weights
    return with_units(teacher, train=("recurrent",), recurrent=free)


def recorded_units(net: RateRNN, fitted: Shown, part: Part, order: np.ndarray) -> np.ndarray:
    """Return the recorded units: the first of a random order, or of `next_units` for the untrained student."""
    if part["order"] == "random":
        return np.sort(order[: part["m"]])
    currents = predicted(net, fitted.currents)
    slopes = np.asarray(activation_of(net.cell).derivative(jnp.asarray(currents + net.parameter("shift")))).mean(
        axis=(0, 1)
    )
    gains = np.asarray(net.parameter("gain"), np.float64) * slopes
    return np.sort(next_units(net.W_rec, part["m"], gains=gains, worst=part["order"] == "worst"))


def of_kind(trials: Shown, observed: str) -> Recording:
    """Return currents or rates."""
    return {"current": trials.currents, "rate": trials.rates}[observed]


def measured(net: RateRNN, teacher: RateRNN, fitted: Shown, fresh: Shown, units: np.ndarray, observed: str) -> Measures:
    """Return errors of recorded and unrecorded units, in fitted and new trials, and of all parameters.

    For a group of units, ``error`` is their squared error over their variance, ``mse`` the mean, and ``r2`` the median
    over units.
    """
    found: Measures = {}
    others = np.setdiff1d(np.arange(teacher.n_rec), units)
    for name, trials in (("fitted", fitted), ("fresh", fresh)):
        recording = of_kind(trials, observed)
        fit = unit_fit(predicted(net, recording), recording.activity)
        variance = recording.activity.var(axis=(0, 1))
        for which, chosen in (("recorded", units), ("unrecorded", others)):
            if chosen.size:
                found[f"{which}_{name}_mse"] = fit.mean(chosen).mse
                found[f"{which}_{name}_error"] = fit.mse[chosen].sum() / variance[chosen].sum()
                found[f"{which}_{name}_r2"] = fit.median(chosen).r2
    outputs = predicted(net, fresh.outputs)
    found["task_error"] = task_error(outputs, fresh.trial)
    found["readout_error"] = np.mean((outputs - fresh.outputs.activity) ** 2) / fresh.outputs.activity.var()
    for name in ("gain", "shift"):
        numbers = recovery(net.parameter(name), teacher.parameter(name))
        found |= {f"{name}_r2": numbers.r2, f"{name}_r": numbers.r, f"{name}_error": numbers.error}
    return {name: round_to(value, 6) for name, value in found.items()}


def kept_traces(net: RateRNN, teacher: RateRNN, fresh: Shown, order: np.ndarray, observed: str) -> Measures:
    """Return some traces and all gains, for figures.

    The units, of different variance, are from the end of the order and are never recorded; the trials are the first
    two with a pulse.
    """
    recording = of_kind(fresh, observed)
    never = order[-teacher.n_rec // 3 :]
    by_size = never[np.argsort(recording.activity.var(axis=(0, 1))[never])]
    shown_units = by_size[np.linspace(len(by_size) // 2, len(by_size) - 1, N_TRACES).astype(int)]
    trials = [int(trial) for trial in np.argsort(np.asarray(fresh.trial.conditions["catch"]), stable=True)[:2]]
    of = np.ix_(range(recording.n_steps), trials, shown_units)
    seen = predicted(net, recording), recording.activity
    outputs = predicted(net, fresh.outputs), fresh.outputs.activity
    return {
        "traces": {
            "units": shown_units.tolist(),
            "predicted": rounded(seen[0][of]),
            "true": rounded(seen[1][of]),
            "outputs": rounded(outputs[0][:, trials, 0]),
            "true_outputs": rounded(outputs[1][:, trials, 0]),
            "targets": rounded(np.asarray(fresh.trial.targets)[:, trials, 0]),
        },
        "gain": rounded(net.parameter("gain")),
        "true_gain": rounded(teacher.parameter("gain")),
    }


def rounded(values: Any) -> Any:
    """Return values with four decimals, as lists."""
    return np.round(np.asarray(values, np.float64), 4).tolist()


def round_to(value: Any, digits: int) -> float:
    """Round a number to significant digits."""
    return float(f"{float(value):.{digits}g}")
