"""The small circuits: their behaviour compared with theory or another solver.

    python -m studies.circuits

writes the page and the animations of the gallery. Budget: 15 minutes on one core.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import brainpy.math as bm
import jax.numpy as jnp
import numpy as np
from scipy.integrate import solve_ivp

from eicon import plotting
from eicon.models import circuits
from eicon.models.circuits import CONDITIONS, RespiratoryRhythm, simulate
from eicon.models.circuits.results import Condition
from studies.common import Places, write_study

PUBLISHED = dict(zip(CONDITIONS, (2518.5, 3331.3, 1250.8, 1919.5, 5718.8), strict=True))
DURATION, TRANSIENT = 36000.0, 8000.0
QUICK = ("one-phase",)
"""Conditions of the rhythm for ``--quick``."""

# Rubin et al. (2009) for the stiff solver, independent of eicon's code: [from, to], nS, mV, ms.
INHIBITION = np.array([[0, 0, 0, 0], [0, 0, 0.25, 0.35], [0.3, 0.05, 0, 0.35], [0.2, 0.35, 0.1, 0]])
DRIVE = np.array([[0.115, 0.3, 0.63, 0.33], [0.07, 0.3, 0, 0.4], [0.025, 0, 0, 0]])
SLOPE, K_AD, TAU_AD = np.array([8.0, 4, 4, 4]), np.array([0.9, 1.3, 0.9]), np.array([2e3, 1e3, 2e3])


def _outputs(v: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-(v + 30) / SLOPE))


def _flow(t: float, y: np.ndarray, drives: np.ndarray, g_nap: float) -> np.ndarray:
    v, h, m = y[:4], y[4], y[5:]
    f = _outputs(v)
    excitation = drives @ DRIVE + np.array([0, 0.4 * f[0], 0, 0])
    current = 2.8 * (v + 60) + 10 * excitation * v + 60 * (f @ INHIBITION) * (v + 75)
    current[0] += g_nap * h * (v[0] - 50) / (1 + np.exp(-(v[0] + 40) / 6))
    current[0] += 5 * (v[0] + 85) / (1 + np.exp(-(v[0] + 29) / 4)) ** 4
    current[1:] += 10 * m * (v[1:] + 85)
    dh = (1 / (1 + np.exp((v[0] + 48) / 6)) - h) * np.cosh((v[0] + 48) / 12) / 6000
    return np.concatenate([-current / 20, [dh], (K_AD * f[1:] - m) / TAU_AD])


def _stiff(condition: Condition, duration: float, transient: float) -> float:
    start = RespiratoryRhythm().initial()
    solution = solve_ivp(
        _flow,
        (0, duration),
        np.concatenate([start["V"], [start["h"]], start["m"]]),
        method="LSODA",
        rtol=1e-8,
        atol=1e-10,
        max_step=20.0,
        args=(np.array(condition.drives), condition.g_NaP),
    )
    late = solution.t > transient
    return circuits.period(solution.t[late], _outputs(solution.y[:4].T)[late, 0])


def _single(condition: Condition, duration: float, transient: float) -> float:
    """Return the period in float32, run as BrainPy runs it by default."""
    system = RespiratoryRhythm(g_NaP=condition.g_NaP)
    steps = round(duration / system.dt)
    outputs = bm.for_loop(system.update, jnp.broadcast_to(jnp.array(condition.drives), (steps, 1, 3)))
    time = system.dt * np.arange(1, steps + 1)
    late = time > transient
    return circuits.period(time[late], np.asarray(outputs)[late, 0, 0])


def respiration_rows(span: tuple[float, float], quick: bool) -> list[str]:
    """Periods of all conditions, from runs of a duration without their transient, both in ms."""
    lines = []
    duration, transient = span
    for name, condition in CONDITIONS.items():
        if quick and name not in QUICK:
            continue
        run = simulate(RespiratoryRhythm(g_NaP=condition.g_NaP), list(condition.drives), duration=duration)
        late = run.time > transient
        outputs = run.outputs[late, 0]
        found = circuits.period(run.time[late], outputs[:, 0])
        peaks = " / ".join(f"{peak:.2g}" for peak in outputs.max(axis=0))
        drives = ", ".join(f"{drive:g}" for drive in condition.drives)
        error = 100 * (found / PUBLISHED[name] - 1)
        lines.append(
            f"| {name} | {condition.g_NaP:g} | {drives} | {PUBLISHED[name]} | {_stiff(condition, *span):.2f} "
            f"| {found:.2f} | {error:+.4f} % | {_single(condition, *span):.1f} | {peaks} |"
        )
        print(lines[-1], flush=True)
    return lines


def onset_line(duration: float, transient: float) -> str:
    """State when the populations become active in the three-phase rhythm."""
    run = simulate(RespiratoryRhythm(), duration=duration)
    late = run.time > transient
    onsets = [circuits.onsets(run.time[late], signal) for signal in run.outputs[late, 0].T]
    since = [[x - onsets[0][1] for x in one if x > onsets[0][1] - 100] for one in onsets[1:]]
    told = ", ".join(f"{name} {first[0]:+.0f} ms" for name, first in zip(circuits.POPULATIONS[1:], since, strict=True))
    return f"Onsets in the three-phase rhythm, after that of pre-I: {told}."


def neuron_rows() -> list[str]:
    """Rates under constant currents."""
    currents = np.array([0.05, 0.07, 0.1, 0.2, 0.4, 0.7])
    lines = []
    for neuron in (circuits.SpikingNeuron(dt=0.025), circuits.ExponentialDriveNeuron(dt=0.025)):
        inputs = circuits.spiking_inputs(80000, currents.size, current=currents)
        spikes = simulate(neuron, inputs).outputs[:, :, 0]
        for current, expected, train in zip(currents, neuron.firing_rate(currents), spikes.T, strict=True):
            steps = np.flatnonzero(train)
            rate = 1000 / (np.diff(steps).mean() * neuron.dt) if steps.size > 1 else 0.0
            lines.append(f"| {type(neuron).__name__} | {current:g} | {rate:.2f} | {expected:.2f} |")
    return lines


def mode_rows() -> list[str]:
    """Decay of the modes of two neurons."""
    lines = []
    for name, direction, index in (("sum", [1.0, 1.0], 0), ("difference", [1.0, -1.0], 1)):
        system = circuits.TwoNeuron()
        expected = system.modes().time_constants[index]
        run = simulate(system, circuits.pulse_protocol(system.dt, seed=0, directions=[direction]))
        along = run.outputs[:, 0] @ np.array(direction)
        after = (run.time > 42) & (run.time < 42 + 2 * expected)
        fitted = -1 / np.polyfit(run.time[after], np.log(along[after]), 1)[0]
        lines.append(f"| {name} | {fitted:.4f} | {expected:.4f} | {100 * (fitted / expected - 1):+.4f} % |")
    return lines


def ring_rows() -> list[str]:
    """Compare the two rings with closed forms."""
    ring, steps = circuits.BumpRing(), 1200
    strength = np.where(np.arange(steps) < 200, 10.0, 0.0)[:, None]
    run = simulate(ring, ring.stimulus(np.full((steps, 1), 0.3333), strength))
    late = circuits.bump(np.maximum(run.outputs[200:, 0], 0.0))
    drift = np.abs(circuits.ring_distance(late.center, late.center[0])).max()
    rows = [
        ("BumpRing: width of u 100 tau after the stimulus (rad)", late.width[-1], f"sqrt(2) a = {ring.width:.5f}"),
        ("BumpRing: height of u then", late.height[-1], f"{ring.amplitude:.5f}"),
        ("BumpRing: drift in 100 tau (rad)", drift, "0"),
    ]
    for speed in (0.002, 0.004):
        time = ring.dt * np.arange(1, 3001)
        size = np.where(np.arange(3000) < 200, 20.0, 1.0)[:, None]
        run = simulate(ring, ring.stimulus((speed * (time - ring.dt / 2))[:, None], size))
        behind = circuits.ring_distance(speed * time[-1], circuits.bump(np.maximum(run.outputs[-1, 0], 0)).center)
        rows.append(
            (f"BumpRing: lag at {speed} rad/ms, strength 1 (rad)", behind, f"{ring.lag(speed, 1.0):.5f} (weak)")
        )
    rate = circuits.RateRing()
    still = simulate(rate, rate.stimulus(np.full((4000, 1), 0.5))).outputs[-1, 0]
    rows.append(("RateRing: height at rest", still.max(), f"{rate.bump().height:.5f}"))
    for speed in (0.5, 2 * np.pi):
        time = rate.dt * np.arange(1, 4001)
        run = simulate(rate, rate.stimulus((speed * (time - rate.dt / 2))[:, None]))
        behind = circuits.ring_distance(speed * time[-1], circuits.bump(run.outputs[-1, 0]).center)
        rows.append((f"RateRing: lag at {speed:.3g} rad/ms (rad)", behind, f"{rate.bump(speed).lag:.5f}"))
    return [f"| {name} | {value:.5g} | {theory} |" for name, value, theory in rows]


def circuits_study(where: Places, quick: bool) -> str:
    """Return the page; write the animations next to the other images."""
    animations(where.images, 4 if quick else None)
    span = (10000.0, 3000.0) if quick else (DURATION, TRANSIENT)
    lines = [
        "# The small circuits, measured",
        "",
        "## Respiratory rhythm (Rubin et al. 2009)",
        "",
        "Period of the output of pre-I in ms: mean of three cycles after a transient of 8 s, between upward",
        "crossings of the middle of its range, interpolated. RK4 of BrainPy with a step of 0.1 ms in float64 (as in",
        "`simulate`), compared with LSODA at rtol 1e-8 with an independent right-hand side, and the same RK4 in",
        "float32, BrainPy's default. The slowest rhythm spends a long time near an unstable point; rounding in",
        "float32 makes it leave too early.",
        "",
        "| condition | g_NaP (nS) | drives | reference | LSODA | eicon | to the reference | float32 "
        "| peaks of pre-I / early-I / post-I / aug-E |",
        "|---|---|---|---|---|---|---|---|---|",
        *respiration_rows(span, quick),
        "",
        onset_line(*span),
        "",
        "## Spiking neuron",
        "",
        "Spikes/s under a constant current, 2 s, step 0.025 ms, and 1 / (refractory + tau ln(D / (D - distance to",
        "threshold))).",
        "",
        "| neuron | current (nA) | simulated | closed form |",
        "|---|---|---|---|",
        *neuron_rows(),
        "",
        "## Two neurons",
        "",
        "Decay of activity after a pulse along each mode, fitted, and tau / (1 - eigenvalue), in ms.",
        "",
        "| mode | fitted | expected | difference |",
        "|---|---|---|---|",
        *mode_rows(),
        "",
        "## Rings",
        "",
        "Centre: angle of the population vector of u (BumpRing) or of the rates (RateRing). Width: standard deviation",
        "of u about it. A lag is relative to the current position of the input.",
        "",
        "| what | simulated | closed form |",
        "|---|---|---|",
        *ring_rows(),
    ]
    return "\n".join(lines) + "\n"


def animations(folder: Path, frames: int | None = None) -> None:
    """Write one animation of each circuit, with a number of frames."""
    neuron = circuits.SpikingNeuron()
    run = simulate(neuron, circuits.random_drive(1000.0, neuron.dt, seed=1))
    trace = plotting.circuits.animate_membrane(
        run.time, run.states["V"][:, 0], run.outputs[:, 0, 0], frames=frames or 80
    )
    plotting.circuits.save_animation(trace, folder / "circuit_neuron.gif")

    pair = circuits.TwoNeuron()
    inputs = circuits.pulse_protocol(pair.dt, seed=1)
    run, vectors = simulate(pair, inputs), pair.modes().eigenvectors
    plane = plotting.circuits.animate_two_neurons(
        run.time,
        run.outputs[:, 0],
        inputs[:, 0],
        eigenvectors=vectors,
        names=("sum", "difference"),
        frames=frames or 160,
    )
    plotting.circuits.save_animation(plane, folder / "circuit_two_neurons.gif", fps=20)

    run = simulate(RespiratoryRhythm(dt=0.5), duration=10000.0)
    phases = circuits.phases(run.outputs)[:, 0]
    breath = plotting.circuits.animate_respiration(
        run.time[::8], run.outputs[::8, 0], phases=phases[::8], frames=frames or 80
    )
    plotting.circuits.save_animation(breath, folder / "circuit_respiration.gif")

    ring = circuits.BumpRing(256, dt=0.2)
    time = ring.dt * np.arange(1, 1751)
    angle = np.select([time <= 10, time <= 110, time <= 260], [0.8, np.nan, 0.8 + 0.025 * (time - 110)], np.nan)
    strength = np.where(np.isnan(angle), 0.0, 10.0)
    run = simulate(ring, ring.stimulus(np.nan_to_num(angle)[:, None], strength[:, None]))
    bump = plotting.circuits.animate_ring(
        run.time, np.maximum(run.outputs[:, 0], 0), angle=angle, label="synaptic input u", frames=frames or 100
    )
    plotting.circuits.save_animation(bump, folder / "circuit_ring.gif")


def main(argv: Sequence[str] | None = None) -> int:
    """Write the page and the animations."""
    return write_study("circuits", __doc__, circuits_study, argv)


if __name__ == "__main__":
    sys.exit(main())
