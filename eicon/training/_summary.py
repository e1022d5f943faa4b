"""Summary of a training in a few lines; if it failed, the evidence for each likely cause."""

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..models import RateRNN
from ..tasks import Task, Trial
from ._curriculum import criterion_of
from ._losses import selected
from ._recorded import Fit

STANDARD_ERRORS = 3.0
"""Standard errors by which a loss counts as still falling, and an accuracy as different from chance."""
FELL = 0.01
FEW = 200
"""Steps."""
EXPLODED = 10.0
"""Factor of the loss without inputs above which a start counts as bad."""
LARGEST = 500
"""Most units of a network whose memory is measured."""


def summary(trainer: Any) -> str:
    """Summarise a `Trainer`: steps, time, loss, score and criterion, and likely causes if that was not reached."""
    if not trainer.history.n_steps:
        return f"Not trained yet: {_name(trainer.task)}, {trainer.net.n_rec} units."
    lines = [_time(trainer), *_reached(trainer)]
    if _criterion_met(trainer) or _too_few_validations(trainer):
        return "\n".join(lines)
    learned, task = _learned(trainer), trainer.task
    if learned is False:
        lines.append(f"Validation {task.score_name} has not left chance ({task.chance:.0%}).")
    found = causes(trainer, learned is not False)
    if found:
        lines += [f"Why {task.score_name} may be low:", *(f"- {cause}" for cause in found)]
    elif learned is False:
        lines.append("No cause was found: compare with a smaller or easier version of the task.")
    return "\n".join(lines)


def still_falls(loss: np.ndarray) -> tuple[float, float] | None:
    """Return the means of a loss over the last two fifths of its steps, if it fell between them."""
    n = len(loss) // 5
    if n < 5:
        return None
    before, after = loss[-2 * n : -n], loss[-n:]
    error = np.sqrt((before.var(ddof=1) + after.var(ddof=1)) / n)
    fell = before.mean() - after.mean()
    return (before.mean(), after.mean()) if fell > max(STANDARD_ERRORS * error, FELL * before.mean()) else None


def causes(trainer: Any, learned: bool) -> list[str]:
    """Collect facts on trials, steps and network that explain why a criterion was not reached, strongest first."""
    found = [] if isinstance(trainer.task, Fit) else _of_mask(trainer.task, trainer.validation_trials)
    if found:
        return found  # nothing else matters then
    found = [*_of_readout(trainer.net, trainer.validation_trials), *_of_steps(trainer)]
    if learned:
        return found
    return [*found, *_of_activity(trainer.net, trainer.validation_trials), *_of_start(trainer)]


def _time(trainer: Any) -> str:
    history, at = trainer.history, int(trainer.history.stage[-1])
    parts = [f"compiling {history.compile_seconds[-1]:.1f} s", f"validation {history.validation_seconds[-1]:.1f} s"]
    stage = f", stage {at + 1}" if at else ""
    return (
        f"{history.n_steps:,} steps of {_name(trainer.task)}{stage} in {history.seconds[-1]:.1f} s "
        f"({', '.join(parts)}); {trainer.net.n_rec} units, {trainer.trials.batch_size} trials per step."
    )


def _reached(trainer: Any) -> list[str]:
    history, task = trainer.stage_history, trainer.task
    n = max(1, min(50, len(history.loss) // 5))
    lines = [
        f"Mean training loss: {history.loss[:n].mean():.4g} at the start, {history.loss[-n:].mean():.4g} at the end."
    ]
    if not len(history.validation_step):
        return [*lines, "No validation has been run yet."]
    known = [f"chance {task.chance:.0%}"] if np.isfinite(task.chance) else []
    what = f"Validation {task.score_name} {history.validation_accuracy[-1]:.1%}, loss {history.validation_loss[-1]:.4g}"
    best = f"best at step {trainer.best_step:,}"
    lines.append(f"{what} ({', '.join([*known, best])}).")
    if np.isfinite(task.criterion):
        score = f"{task.score_name} of {task.criterion:.0%}"
        of = {"accuracy": score, "worst": f"{score} in the worst condition"}
        said = of.get(task.criterion_of, f"loss of {task.criterion:.4g}")
        if _too_few_validations(trainer):
            n, window = len(trainer.stage_history.validation_step), criterion_of(task).window
            reached = f"is judged by the mean of {window} validations; there {'was' if n == 1 else 'were'} only {n}"
        else:
            reached = "was reached" if _criterion_met(trainer) else "was not reached"
        lines.append(f"The task's criterion ({said}) {reached}.")
    return lines


def _too_few_validations(trainer: Any) -> bool:
    """Return True if all validations together meet the criterion, which requires more of them."""
    task, n = trainer.task, len(trainer.stage_history.validation_step)
    if not np.isfinite(task.criterion) or not 0 < n < criterion_of(task).window:
        return False
    return replace(criterion_of(task), window=n)(trainer.stage_history)


def _criterion_met(trainer: Any) -> bool:
    task = trainer.task
    return bool(np.isfinite(task.criterion)) and criterion_of(task)(trainer.stage_history)


def _learned(trainer: Any) -> bool | None:
    """Return whether the last validations are better than chance; None if unknown."""
    accuracy, chance = trainer.stage_history.validation_accuracy[-3:], trainer.task.chance
    if not len(accuracy) or not np.isfinite(chance) or not np.isfinite(accuracy).all():
        return None
    n = trainer.validation_trials.batch_size * len(accuracy)
    error = np.sqrt(max(chance * (1 - chance), 0.01) / n)
    return bool(accuracy.mean() > chance + max(STANDARD_ERRORS * error, 0.05 * (1 - chance)))


def _of_mask(task: Task, trial: Trial) -> list[str]:
    """Check that outputs that are right wherever they are scored would be rewarded, and that they differ."""
    mask = np.asarray(trial.mask) != 0
    targets = np.asarray(trial.targets)
    scored = f"the mask scores {mask.sum() / np.asarray(trial.inside).sum():.0%} of the time steps of a trial"
    if targets.ndim == 3:
        wide, shape = mask[:, :, None], targets.shape
        everywhere = np.where(np.isfinite(targets), targets, 0.0)
    else:
        wide, shape = mask[:, :, None], (*targets.shape, task.n_out)
        everywhere = 10.0 * np.eye(task.n_out)[np.clip(targets.astype(int), 0, task.n_out - 1)]
    low, high = (np.where(wide, everywhere, edge) for edge in (np.inf, -np.inf))
    differ = np.where(mask.any(axis=1)[:, None], high.max(axis=1) - low.min(axis=1), 0.0)
    if differ.max() < 1e-6:
        return [f"{scored}, and at those the targets are the same in all trials: there is nothing to discriminate"]
    noise = np.random.default_rng(0).normal(size=shape)
    scores = {
        name: float(np.nanmean(np.asarray(task.correct(jnp.asarray(outputs, jnp.float32), trial))))
        for name, outputs in (("where", np.where(wide, everywhere, noise)), ("all", everywhere))
    }
    half = (1 + np.nan_to_num(task.chance)) / 2
    if scores["all"] < half:
        return [f"outputs that equal the targets would score {scores['all']:.0%}: targets and scoring disagree"]
    if scores["where"] < half:
        return [
            f"{scored}, and outputs that are right there, but not elsewhere, score {scores['where']:.0%}: it leaves "
            f"out the steps on which the {task.score_name} depends"
        ]
    return []


def _of_readout(net: RateRNN, trial: Trial) -> list[str]:
    """Check for negative targets if weights and rates cannot be negative and there is no bias."""
    targets, mask = np.asarray(trial.targets), np.asarray(trial.mask) != 0
    read = (np.asarray(net.W_out) != 0).any(axis=1)
    biased = "b_out" in net.trainable_variables() or np.asarray(net.b_out).any()
    if targets.ndim != 3 or biased or (net.readout.sign[read] <= 0).any():
        return []
    rates, low = np.asarray(net.predict(trial.inputs, noise=False).rates), np.nanmin(targets[mask])
    if not (rates >= 0).all() or low >= 0:
        return []
    return [
        f"targets go down to {low:.3g}, and outputs cannot be negative: rates and readout weights are not, and there "
        "is no bias; set readout_bias = true"
    ]


def _of_activity(net: RateRNN, trial: Trial) -> list[str]:
    """Check whether the network is silent, explodes, or forgets faster than a trial lasts."""
    activity = net.predict(trial.inputs, noise=False)
    rates = np.asarray(activity.rates)
    if not np.isfinite(rates).all() or np.abs(rates).max() > 1e4:
        return [f"activity explodes: rates of up to {np.nanmax(np.abs(rates)):.2g}"]
    found = []
    moving = (rates.std(axis=(0, 1)) > 1e-4 * max(np.abs(rates).max(), 1e-12)).sum()
    if moving < 0.1 * net.n_rec:
        found.append(f"{moving} of {net.n_rec} units change their rate in the validation trials: the others are silent")
    if net.n_rec <= LARGEST:
        lasts = trial.n_steps * net.dt
        memory = memory_ms(net, trial, activity.states)
        if memory < lasts / 2:
            found.append(
                "the network forgets: linearised at its mean activity, its slowest mode has a time constant of "
                f"{memory:.0f} ms, and a trial lasts {lasts:.0f} ms; other initial weights (a larger spectral_radius, "
                "or start='slow') or a Curriculum of growing delays may help"
            )
    return found


def memory_ms(net: RateRNN, trial: Trial, states: dict[str, jax.Array]) -> float:
    """Compute the time constant in ms of the slowest mode of the network, linearised at its mean state and inputs."""
    inputs = np.asarray(trial.inputs, float).mean(axis=(0, 1))
    step = net.held(inputs)
    point = jnp.concatenate([jnp.asarray(states[name]).mean(axis=(0, 1)) for name in sorted(states)])
    size = np.abs(np.linalg.eigvals(np.asarray(jax.jacrev(step)(point), float))).max()
    return float("inf") if size >= 1 else float(-net.dt / np.log(size))


def _of_steps(trainer: Any) -> list[str]:
    """Check whether there were too few steps, and whether they were too large or too small."""
    history, found = trainer.stage_history, []
    n = len(history.loss)
    if falls := still_falls(history.loss):
        found.append(
            f"too few steps: the loss was still falling at the end, from {falls[0]:.4g} to {falls[1]:.4g} over the "
            "last two fifths"
        )
    elif n < FEW:
        found.append(f"too few steps: {n}, where most tasks need a few hundred to a few thousand")
    norm = np.median(history.grad_norm[-max(1, n // 5) :])
    if norm < 1e-5:
        found.append(f"gradients have vanished (median norm {norm:.1e})")
    fifth = max(1, n // 5)
    best = min(history.loss[i : i + fifth].mean() for i in range(0, n - fifth + 1, fifth))
    if history.loss[-fifth:].mean() > 1.2 * best:
        found.append("the loss has risen again since it was lowest: the learning rate may be too high")
    return found


def _of_start(trainer: Any) -> list[str]:
    """Check whether the loss started far above that of a network without inputs, or never fell below it."""
    history, null = trainer.stage_history, _loss_without_inputs(trainer)
    if null is None:
        return []
    found, first = [], history.loss[0]
    if first > EXPLODED * null:
        found.append(
            f"a bad start: the loss of the first step, {first:.3g}, was {first / null:.0f} times that of outputs that "
            f"are the same in all trials, {null:.4g}: initial weights under which activity explodes"
        )
    if len(history.validation_loss) and history.validation_loss[-1] > 0.97 * null:
        found.append(
            f"the network does not use its inputs: its validation loss, {history.validation_loss[-1]:.4g}, is no "
            f"smaller than {null:.4g}, the loss of outputs that are the same in all trials"
        )
    return found


def _loss_without_inputs(trainer: Any) -> float | None:
    """Compute the mean squared error of the mean targets of each step; None for other losses."""
    trial: Any = trainer.validation_trials
    if getattr(trainer.loss, "__name__", "") != "mean_squared_error":
        return None
    mask = (np.asarray(trial.mask) != 0)[:, :, None]
    targets = np.asarray(selected(trial.targets, trial.mask), float)
    mean = targets.sum(axis=1, keepdims=True) / np.maximum(mask.sum(axis=1, keepdims=True), 1)
    weights = np.asarray(trial.mask, float)
    return float((np.where(mask, (targets - mean) ** 2, 0.0).mean(axis=2) * weights).sum() / weights.sum())


def _name(task: Task) -> str:
    return "a fit" if isinstance(task, Fit) else type(task).__name__
