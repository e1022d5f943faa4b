"""Analysis of the dynamics of a run: numbers for analysis.json, and figures."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .. import analysis, plotting
from .._files import without_nan
from .._key import key as key_of
from ..models import Leaky, RateRNN, load
from ..plotting._files import Drawing
from ..plotting._fixed_points_page import fixed_points_page
from ..studies import dynamics_of, exponents_of
from ..studies._dynamics import STILL, Dynamics, Exponents, HeldInputs, agreeing
from ..studies._responses import unit_types
from ..tasks import Task, Trial
from ._dynamics_figures import fixed_point_figures, view_of
from ._run import Run

DYNAMICS_STREAM = 0xD11
"""Folded into the run's seed."""
SHOWN_MODES = 5
LISTED = 200
"""Largest number of points that are listed individually."""


class DynamicsRequest(NamedTuple):
    """Request for an analysis of the dynamics, for `analyze_run`.

    Attributes
    ----------
    fixed_points, lyapunov, spectra : bool
    epoch : str, optional
        Epoch whose input is held constant; None takes the longest.
    conditions : mapping of str to float, optional
        Conditions that trials must match.
    candidates : int
        Number of states from which searches for fixed points start.
    progress : bool
        Show progress bars on stderr.
    """

    fixed_points: bool = False
    lyapunov: bool = False
    spectra: bool = False
    epoch: str | None = None
    conditions: Mapping[str, float] | None = None
    candidates: int = 512
    progress: bool = False


class DynamicsResult(NamedTuple):
    """Numbers by section of analysis.json, figures by name, and the interactive page, if there is one."""

    numbers: dict[str, Any]
    figures: dict[str, Drawing]
    page: str | None


def run_dynamics(run: Run, net: RateRNN, task: Task, request: DynamicsRequest) -> DynamicsResult:
    """Run the requested analyses, without writing files."""
    key = jax.random.fold_in(key_of(run.recipe.seed), DYNAMICS_STREAM)
    asked: dict[str, Any] = {"key": key, "epoch": request.epoch, "conditions": request.conditions}
    numbers: dict[str, Any] = {}
    figures: dict[str, Drawing] = {}
    page = None
    if request.fixed_points:
        dynamics = dynamics_of(net, task, candidates=request.candidates, progress=request.progress, **asked)
        numbers["fixed_points"] = fixed_point_numbers(dynamics, task)
        figures |= fixed_point_figures(dynamics)
        page = _page(run, dynamics)
        numbers["fixed_points"]["interactive"] = page is not None
    if request.lyapunov:
        exponents = exponents_of(net, task, **asked)
        numbers["lyapunov"] = exponent_numbers(exponents, task)
        figures["lyapunov"] = plotting.plot_lyapunov(exponents.autonomous)
    if request.spectra:
        numbers["spectra"] = _spectra(run, net, task, request, key, figures)
    return DynamicsResult(without_nan(numbers), figures, page)


def fixed_point_numbers(dynamics: Dynamics, task: Task) -> dict[str, Any]:
    """Return fixed points as JSON-compatible numbers.

    Parameters
    ----------
    dynamics : Dynamics
    task : Task

    Returns
    -------
    dict
        The constant input; the number of points of each stability; each converged point, with its outputs and leading
        eigenvalues of the flow (1/ms) and of one time step; the number of points that did not converge, of their
        candidates, and their range of q; and the shape of the slow points.
    """
    points = dynamics.points
    lost = points.kind == "unconverged"
    found = np.flatnonzero(~lost)
    return {
        **_held_numbers(dynamics.held, task),
        "dt_ms": points.dt,
        "tau_ms": points.tau,
        "candidates": int(points.n_candidates.sum()),
        "counts": {name: points.counts()[name] for name in dict.fromkeys(points.stability)},
        "not_converged": {
            "points": int(lost.sum()),
            "candidates": int(points.n_candidates[lost].sum()),
            "q": [float(edge(points.q[lost])) for edge in (np.min, np.max)] if lost.any() else [],
        },
        "points": [_point(dynamics, int(index), task) for index in found[:LISTED]],
        "points_not_listed": max(found.size - LISTED, 0),
        "slow_points": _shape(dynamics),
    }


def _held_numbers(held: HeldInputs, task: Task) -> dict[str, Any]:
    return {
        "epoch": held.epoch,
        "conditions": held.conditions,
        "held_input": dict(zip(task.input_channels, held.inputs.tolist(), strict=True)),
        "input_sd_within_epoch": held.within,
        "input_sd_between_trials": held.between,
        "trials": len(held.trials),
    }


def _point(dynamics: Dynamics, index: int, task: Task) -> dict[str, Any]:
    points = dynamics.points
    pairs = zip(points.flow_eigenvalues[index], points.step_eigenvalues[index], strict=True)
    return {
        "stability": points.stability[index],
        "q": float(points.q[index]),
        "candidates": int(points.n_candidates[index]),
        "distance": float(dynamics.distance[index]),
        "unstable_directions": int(points.n_unstable[index]),
        "unstable_directions_of_step": int(points.n_unstable_step[index]),
        "outputs": dict(zip(task.output_channels, dynamics.outputs[index].tolist(), strict=True)),
        "eigenvalues": [_eigenvalue(flow, step) for flow, step in list(pairs)[:SHOWN_MODES]],
    }


def _eigenvalue(flow: complex, step: complex) -> dict[str, Any]:
    """Describe a mode: its time constant (e-fold change) and its period."""
    return {
        "flow_per_ms": [float(flow.real), float(flow.imag)],
        "step": [float(step.real), float(step.imag)],
        "grows": bool(flow.real > 0),
        "time_constant_ms": 1.0 / abs(float(flow.real)) if flow.real else math.inf,
        "period_ms": 2.0 * math.pi / abs(float(flow.imag)) if flow.imag else math.inf,
    }


def _shape(dynamics: Dynamics) -> dict[str, Any]:
    found = dynamics.manifold
    numbers: dict[str, Any] = {"q_below": STILL, "points": len(dynamics.flat)}
    if found is not None:
        numbers |= {"shape": found.shape, "dimension": found.dimension}
        numbers |= {"hang_together": len(found.members), "pieces": found.n_pieces}
    return numbers


def exponent_numbers(exponents: Exponents, task: Task) -> dict[str, Any]:
    """Return Lyapunov exponents as JSON-compatible numbers, in 1/ms."""
    free = exponents.autonomous
    return {
        **_held_numbers(exponents.held, task),
        "autonomous": {
            "exponents_per_ms": free.exponents.tolist(),
            "standard_error_per_ms": free.standard_error.tolist(),
            "kaplan_yorke_dimension": free.kaplan_yorke,
            "ms": float(free.time[-1]),
        },
        "driven": {
            "exponents_per_ms": exponents.driven.tolist(),
            "standard_error_per_ms": exponents.driven_error.tolist(),
            "trials": exponents.n_trials,
            "steps": exponents.n_steps,
        },
    }


def _page(run: Run, dynamics: Dynamics) -> str | None:
    if len(dynamics.components.components) < 3:
        return None
    try:
        return fixed_points_page(dynamics.points, title=f"Fixed points: {run.path.name}", **view_of(dynamics))
    except ImportError:
        return None


def _spectra(
    run: Run,
    net: RateRNN,
    task: Task,
    request: DynamicsRequest,
    key: jax.Array,
    figures: dict[str, Drawing],
) -> dict[str, Any]:
    """Return eigenvalues along the mean trajectory and, if the run kept its networks, across training."""
    if not isinstance(net.cell, Leaky):
        raise ValueError(f"spectra along trials need leaky cells (eicon.models.Leaky); this network has {net.cell!r}.")
    types = unit_types(net)
    key_trial, key_noise = jax.random.split(key)
    trial = task.trials(max(1, 100 // task.n_conditions), key=key_trial)
    chosen = np.flatnonzero(agreeing(trial, request.conditions))
    currents = net.predict(trial.inputs[:, chosen], key=key_noise).currents
    steps = int(np.asarray(trial.inside)[:, chosen].sum(axis=0).min())
    network, mean = net.network, currents.mean(axis=1)[:steps]
    gains = np.asarray(jax.jvp(lambda x: network.rate({"x": x}), (mean,), (jnp.ones_like(mean),))[1])
    received = net.parameter("input_gain") if net.cell.input_gain else np.ones(net.n_rec)
    weights_now = np.asarray(net.W_rec) * received[None]
    along = analysis.spectra.trajectory_spectra(weights_now, gains, net.tau, excitatory=types)
    figures["trajectory_spectra"] = plotting.spectra.plot_trajectory_spectra(along, np.arange(steps) * net.dt)
    numbers: dict[str, Any] = {
        "conditions": dict(request.conditions or {}),
        "trials": len(chosen),
        "largest_real_part_per_ms": {"mean": float(along.abscissa.mean()), "max": float(along.abscissa.max())},
        "growing_directions": {"mean": float(along.n_unstable.mean()), "max": int(along.n_unstable.max())},
        "by_epoch": _by_epoch(along, trial, chosen),
    }
    files = sorted(run.snapshots.glob("step_*.npz"), key=_step_of)
    if len(files) > 1:
        weights = np.stack([np.asarray(load(path).W_rec) for path in files])
        training = analysis.spectra.training_spectra(weights, [_step_of(path) for path in files], excitatory=types)
        figures["training_spectra"] = plotting.spectra.plot_training_spectra(training)
        numbers["training"] = {
            "steps": training.steps.tolist(),
            "spectral_radius": training.radius.tolist(),
            "outliers": training.n_outliers.tolist(),
        }
    return numbers


def _step_of(path: Any) -> int:
    return int(path.stem.removeprefix("step_"))


def _by_epoch(along: analysis.results.TrajectorySpectra, trial: Trial, chosen: np.ndarray) -> dict[str, Any]:
    """Return means over the steps that most trials spend in each epoch."""
    numbers = {}
    for name in trial.epochs:
        most = (np.asarray(trial.during(name))[:, chosen].mean(axis=1) > 0.5)[: along.abscissa.size]
        if most.any():
            numbers[name] = {
                "largest_real_part_per_ms": float(along.abscissa[most].mean()),
                "growing_directions": float(along.n_unstable[most].mean()),
            }
    return numbers
