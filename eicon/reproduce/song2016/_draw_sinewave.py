"""Figure 1: a sustained sine wave."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from ... import analysis, plotting
from ...plotting._files import Drawing
from ...runs._run import Run
from ._draw_panels import INK, ORANGE, REFERENCE, SHADE, TEAL, mosaic, points, title
from ._signatures import FigureResult, Signature, networks, signature, span
from ._trials import FigureTrials, by_model, measure_all, run_trials

EXTRA_PERIODS = 10
FINE_DT = 0.5
"""Finer step in ms, as in the paper's tests; the networks are trained with a larger one."""
MOST_TRIALS = 8
WAVE = 0.2
"""Amplitude below which the period cannot be measured."""
RMSE, AMPLITUDE = 0.06, (0.8, 1.2)
"""Largest error at the training step, slightly above its 0.05, and range of stable amplitudes."""
PERIOD_ERROR, FINE_PERIOD_ERROR = 0.01, 0.05


class Wave(NamedTuple):
    """Output of a network, period by period; K periods.

    Attributes
    ----------
    rmse : (K,) against the target, over trials
    amplitude : (K,) of the wave of the asked period, mean over trials
    period : in ms, mean over trials; NaN without a wave
    asked : period of the target in ms
    trained : periods of the longest training trial
    """

    rmse: np.ndarray
    amplitude: np.ndarray
    period: float
    asked: float
    trained: float

    @property
    def within(self) -> float:
        """RMSE within the length of training trials."""
        return float(np.sqrt(np.mean(self.rmse[: int(self.trained)] ** 2)))

    @property
    def error(self) -> float:
        """Relative error of the period."""
        return self.period / self.asked - 1

    def goes_on(self, tolerance: float) -> bool:
        """True if amplitude and period are correct until the end."""
        return AMPLITUDE[0] <= float(self.amplitude[-1]) <= AMPLITUDE[1] and abs(self.error) <= tolerance


def sinewave_figure(runs: dict[str, list[Run]], repeats: int) -> FigureResult:
    """Test the networks for longer than they were trained, at the training step and at a finer one."""
    models, repeats = by_model(runs, "sinewave"), min(repeats, MOST_TRIALS)
    _, coarse = measure_all(models, lambda run, _: _run_longer(run, repeats, run.recipe.make_task().dt), measure)
    example, fine = measure_all(models, lambda run, _: _run_longer(run, repeats, FINE_DT), measure)
    dt = models[0].recipe.make_task().dt
    caption = (
        f"Output of a network in a single trial, with its noise, at a step of {FINE_DT:g} ms; networks were trained at "
        f"{dt:g} ms on trials of at most {fine[0].trained:g} periods (grey). Below: the same magnified, and the error "
        f"of each period and the period of the output at both steps, of all networks (thick line, filled points: the "
        "example)."
    )
    signatures = _signatures(coarse, fine, dt)
    return FigureResult(signatures, {"sinewave": _draw(example, coarse, fine, dt)}, {"sinewave": caption})


def measure(trials: FigureTrials) -> Wave:
    """Return error and amplitude of each period, and the length of a period."""
    task = trials.task
    period, trained = task.period, task.periods[1] - EXTRA_PERIODS  # type: ignore[attr-defined]
    steps = round(period / task.dt)
    n = len(trials.outputs) // steps
    cut = trials.outputs[: n * steps, :, 0].reshape(n, steps, -1).astype(np.float64)
    target = np.sin(2 * np.pi * np.arange(1, steps + 1) / steps)
    rmse = np.sqrt(np.mean((cut - target[:, None]) ** 2, axis=(1, 2)))
    found = analysis.coding.oscillation(trials.outputs[:, :, 0], period, task.dt, smallest=WAVE)
    return Wave(rmse, found.amplitude, found.period, period, trained)


def _run_longer(run: Run, repeats: int, dt: float) -> FigureTrials:
    task = run.recipe.make_task()
    length = task.periods[1] + EXTRA_PERIODS  # type: ignore[attr-defined]
    longer = replace(task, dt=dt, periods=(length, length))  # type: ignore[call-arg]
    return run_trials(run, repeats, task=longer, keep_rates=False)


def _signatures(coarse: list[Wave], fine: list[Wave], dt: float) -> list[Signature]:
    within = [wave.within for wave in coarse]
    n = networks(len(coarse))
    return [
        signature(
            "Out of a constant input, the network makes a sine wave.",
            f"RMSE {span(within, '{:.3f}')} in {n}, in new trials as long as those of the training (holds: at most "
            f"{RMSE:g}).",
            [value <= RMSE for value in within],
            rmse=within,
        ),
        signature(
            "The wave goes on after the end of the longest training trial.",
            f"At the step of the training: {_lasting(coarse)} (holds: amplitude {AMPLITUDE[0]:g} to "
            f"{AMPLITUDE[1]:g}, period within {100 * PERIOD_ERROR:g} %).",
            [wave.goes_on(PERIOD_ERROR) for wave in coarse],
            **_numbers(coarse),
        ),
        signature(
            "The wave is there at a finer step than that of the training, too.",
            f"At {FINE_DT:g} ms instead of {dt:g} ms: {_lasting(fine)}; RMSE within the length of training "
            f"trials {span([wave.within for wave in fine])} (holds: amplitude as before, period within "
            f"{100 * FINE_PERIOD_ERROR:g} %).",
            [wave.goes_on(FINE_PERIOD_ERROR) for wave in fine],
            rmse=[wave.within for wave in fine],
            **_numbers(fine),
        ),
    ]


def _lasting(waves: list[Wave]) -> str:
    return (
        f"amplitude {span([float(wave.amplitude[-1]) for wave in waves])} after {EXTRA_PERIODS} more periods, period "
        f"off by {span([100 * wave.error for wave in waves], '{:.2f} %')}, so that the RMSE of the last period, whose "
        f"phase has drifted, is {span([float(wave.rmse[-1]) for wave in waves])}"
    )


def _numbers(waves: list[Wave]) -> dict[str, list]:
    return {
        "amplitude": [float(wave.amplitude[-1]) for wave in waves],
        "period_ms": [wave.period for wave in waves],
        "period_error": [wave.error for wave in waves],
        "rmse_by_period": [wave.rmse for wave in waves],
    }


def _draw(trials: FigureTrials, coarse: list[Wave], fine: list[Wave], dt: float) -> Drawing:
    time = np.arange(1, len(trials.outputs) + 1) * trials.task.dt / 1000
    wave, target = trials.outputs[:, 0, 0], np.asarray(trials.trial.targets)[:, 0, 0]
    period = fine[0].asked / 1000
    trained = fine[0].trained * period
    with plotting.style():
        figure, axes = mosaic([["all"] * 3, ["near", "error", "period"]], (9.0, 4.8), width_ratios=[1.3, 1, 0.7])
        for name in ("all", "near"):
            ax = axes[name]
            ax.axvspan(0, trained, color=SHADE, linewidth=0, zorder=0)
            ax.plot(time, wave, color=INK, linewidth=1.0, label="network")
            ax.plot(time, target, color=ORANGE, linestyle="--", linewidth=1.0, label="target")
            ax.set_xlabel("time (s)")
            ax.set_ylabel("output")
            ax.set_xlim(0, time[-1])
        axes["near"].set_xlim(trained - period, trained + period)
        title(axes["all"], f"output (grey: longest training trial, {fine[0].trained:g} periods)")
        axes["all"].legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, borderpad=0.1)
        title(axes["near"], "end of the training length")
        _errors(axes["error"], {f"step {FINE_DT:g} ms": (fine, INK), f"{dt:g} ms (training)": (coarse, TEAL)})
        _periods(axes["period"], {f"{FINE_DT:g}": (fine, INK), f"{dt:g}": (coarse, TEAL)})
    return figure


def _errors(ax: Axes, steps: dict[str, tuple[list[Wave], str]]) -> None:
    for name, (waves, colour) in steps.items():
        number = np.arange(1, len(waves[0].rmse) + 1)
        for i, wave in enumerate(waves):
            width, label = (1.6, name) if i == 0 else (0.7, None)
            ax.plot(number, wave.rmse, color=colour, linewidth=width, label=label)
        ax.set_xlim(0.5, number[-1] + 0.5)
        ax.set_xticks(number[1::2])
        ax.axvspan(0.5, waves[0].trained + 0.5, color=SHADE, linewidth=0, zorder=0)
    ax.set_ylim(bottom=0)
    ax.set_xlabel("period number")
    ax.set_ylabel("RMSE")
    ax.legend(loc="upper left", fontsize=8)
    title(ax, "error of each period")


def _periods(ax: Axes, steps: dict[str, tuple[list[Wave], str]]) -> None:
    for place, (waves, colour) in enumerate(steps.values()):
        points(ax, place, [wave.period for wave in waves], colour)
        ax.axhline(waves[0].asked, color=REFERENCE, linestyle=":", linewidth=1.0)
    ax.set_xlim(-0.5, len(steps) - 0.5)
    ax.set_xticks(range(len(steps)), list(steps))
    ax.margins(y=0.15)
    ax.set_xlabel("step (ms)")
    ax.set_ylabel("period (ms)")
    title(ax, "period of the output")
