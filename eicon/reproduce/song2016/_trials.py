"""Test trials of the trained networks, different from training trials, with the network's noise."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import ParamSpec, TypeVar

import jax
import numpy as np

from ...models import RateRNN
from ...runs._run import Run
from ...studies._responses import analysis_key, unit_types
from ...tasks import Task, Trial

logger = logging.getLogger(__name__)

FIGURE_STREAM = 2
"""Stream folded in after that of analyses: ``eicon analyze`` uses none, ``eicon compare`` 1."""
CHUNK_BYTES = 32e6
"""Largest size in bytes of rates and currents computed at once."""
RATES_BYTES = 48e6
"""Largest size of kept rates of a network, in single precision; analyses need several times as much."""

_P = ParamSpec("_P")
_R = TypeVar("_R")


@dataclass(frozen=True, eq=False)
class FigureTrials:
    """Balanced trials and responses of a trained network.

    Attributes
    ----------
    seed : of the run
    net, task : with the same step
    trial : every condition equally often, in the order of the task's grid, again and again
    outputs : (T, B, n_out)
    rates : (T, R, N) of the first R trials, every condition equally often
    """

    seed: int
    net: RateRNN
    task: Task
    trial: Trial
    outputs: np.ndarray
    rates: np.ndarray

    def condition(self, name: str) -> np.ndarray:
        """Return one number per trial."""
        return np.asarray(self.trial.conditions[name])

    def during(self, *epochs: str) -> np.ndarray:
        """Return the steps in any of the epochs, bool (T, B)."""
        return np.any([np.asarray(self.trial.during(epoch)) for epoch in epochs], axis=0)

    def onset(self, epoch: str) -> np.ndarray:
        """Return the first step of an epoch in each trial."""
        return np.asarray(self.trial.epochs[epoch])[:, 0]

    @cached_property
    def rated(self) -> "FigureTrials":
        """Trials whose rates were kept."""
        n = self.rates.shape[1]
        trial = self.trial
        cut = Trial(
            trial.inputs[:, :n],
            trial.targets[:, :n],
            trial.mask[:, :n],
            {name: values[:n] for name, values in trial.conditions.items()},
            {name: values[:n] for name, values in trial.epochs.items()},
        )
        return replace(self, trial=cut, outputs=self.outputs[:, :n])

    def of_task(self, method: str) -> np.ndarray:
        """Apply a method of the task to the outputs, such as ``"choice"`` or ``"rmse"``."""
        return np.asarray(_judge(self.task, method, self.outputs, self.trial))

    @property
    def inside(self) -> np.ndarray:
        """Steps before the end of the trial, bool (T, B)."""
        return np.asarray(self.trial.inside)

    @cached_property
    def choice(self) -> np.ndarray:
        """Choice of the network in each trial; -1 without a choice."""
        return self.of_task("choice")

    @cached_property
    def correct(self) -> np.ndarray:
        """True for correct choices; no choice counts as wrong."""
        return self.choice == self.condition("choice")

    @property
    def types(self) -> np.ndarray | None:
        """Mask of excitatory units; None without Dale's law."""
        return unit_types(self.net)


def run_trials(
    run: Run, repeats: int, *, task: Task | None = None, stream: int = 0, keep_rates: bool = True
) -> FigureTrials:
    """Run a trained network on every condition ``repeats`` times, in batches of trials.

    Parameters
    ----------
    run : Run
    repeats : int
        Rates are kept of as many of them as `RATES_BYTES` allows, at least one.
    task : Task, optional
        Another version of the run's task, maybe with another step.
    stream : int
        Trials of different streams share no noise.
    keep_rates : bool
        False keeps the outputs alone.
    """
    net, task = run.load_network(), task or run.recipe.make_task()
    if task.dt != net.dt:
        net = net.with_settings(dt=task.dt)
    key_trial, key_noise = jax.random.split(analysis_key(run.recipe.seed, FIGURE_STREAM, stream))
    trial = _trials(task, repeats, key_trial)
    steps, n_trials = trial.n_steps, trial.batch_size
    fitting = max(1, int(RATES_BYTES / (4 * steps * net.n_rec * task.n_conditions)))
    kept = task.n_conditions * min(repeats, fitting) if keep_rates else 0
    outputs = np.empty((steps, n_trials, net.n_out), np.float32)
    rates = np.empty((steps, kept, net.n_rec), np.float32)
    n_parts = int(np.ceil(8 * steps * net.n_rec * n_trials / CHUNK_BYTES))
    for part, chosen in enumerate(np.array_split(np.arange(n_trials), n_parts)):
        activity = net.predict(trial.inputs[:, chosen], key=jax.random.fold_in(key_noise, part))
        outputs[:, chosen] = activity.outputs
        wanted = chosen[chosen < kept]
        rates[:, wanted] = np.asarray(activity.rates)[:, : wanted.size]
    return FigureTrials(run.recipe.seed, net, task, trial, outputs, rates)


# Compiled as a whole and once per task: operation by operation, compilation takes longer than the trials.
@partial(jax.jit, static_argnums=(0, 1))
def _trials(task: Task, repeats: int, key: jax.Array) -> Trial:
    return task.trials(repeats, key=key)


@partial(jax.jit, static_argnums=(0, 1))
def _judge(task: Task, method: str, outputs: jax.Array, trial: Trial) -> jax.Array:
    return getattr(task, method)(outputs, trial)


def measure_all(
    runs: Iterable[Run], trials_of: Callable[[Run, bool], FigureTrials], measure: Callable[[FigureTrials], _R]
) -> tuple[FigureTrials, list[_R]]:
    """Run and measure the networks one at a time; the trials of the first one, the example, are kept.

    Parameters
    ----------
    runs : at least one
    trials_of : called with each run, and whether it is the first one
    measure : called with the trials of each run
    """
    example, measured = None, []
    for run in runs:
        trials = trials_of(run, example is None)
        measured.append(measure(trials))
        example = example or trials
    assert example is not None
    return example, measured


def attempt(function: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R | None:
    """Return the result of the function, or None if it could not measure the network."""
    try:
        return function(*args, **kwargs)
    except ValueError as error:
        logger.warning("%s", error)
        return None


def by_model(runs: dict[str, list[Run]], model: str) -> list[Run]:
    """Return the runs of a model.

    Raises
    ------
    ValueError
        If there are none.
    """
    if not runs.get(model):
        raise ValueError(f"this figure needs trained networks of {model!r}; got {', '.join(runs) or 'none'}.")
    return runs[model]
