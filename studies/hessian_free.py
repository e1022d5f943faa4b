"""Hessian-free training compared with Adam: loss against time, from the same initial weights, one thread each.

    python -m studies.hessian_free --seeds 5 --seconds 30 --clock cpu --tasks "cue-set-go" "memory 2 s"

Budget: seeds x tasks x 3 methods x seconds, here a quarter of an hour and compilation; with the defaults, over an hour.
Every training runs in a process of its own and writes one file; those with an existing file of the same settings are
not run again.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from studies.common import machine, new_parser, places

TASKS = ("cue-set-go", "memory 1 s", "memory 2 s")
ADAM = ("adam 0.001", "adam 0.003")
METHODS = ("hessian-free", *ADAM)
MEMORY = {
    "batch_size": 64,
    "max_cg_iterations": 200,
    "cg_tolerance": 1e-4,
    "n_probes": 0,
    "damping": 1e-3,
    "structural_damping": 1.0,
}
SETTINGS: dict[str, dict[str, Any]] = {
    "cue-set-go": {
        "batch_size": 32,
        "max_cg_iterations": 100,
        "n_probes": 0,
        "damping": 0.1,
        "structural_damping": 0.1,
    },
    "memory 1 s": MEMORY,
    "memory 2 s": MEMORY,
}


class Sizes(NamedTuple):
    """Sizes and numbers of everything."""

    n: int = 100
    evaluated: int = 256
    every: int = 50
    """Steps of Adam between two evaluations."""
    settings: Mapping[str, Mapping[str, Any]] = MappingProxyType(SETTINGS)


FULL = Sizes()
QUICK = Sizes(8, 4, 2, {name: {**s, "batch_size": 4, "max_cg_iterations": 2} for name, s in SETTINGS.items()})
TARGETS = {"cue-set-go": 1e-4, "memory 1 s": 0.04, "memory 2 s": 0.04}
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "NPROC": "1",
    "JAX_PLATFORMS": "cpu",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}


def make_task(name: str) -> Any:
    """Task of a row."""
    from eicon.tasks import CueSetGo, SequenceMemory

    if name == "cue-set-go":
        return CueSetGo()
    return SequenceMemory(pattern_length=3, delay=1000 * float(name.split()[1]))


def make_trainer(name: str, method: str, seed: int, sizes: Sizes = FULL, **changes: Any) -> Any:
    """Trainer of a new network: unconstrained, tanh, no noise."""
    from eicon.models import Connectivity, RateRNN
    from eicon.training import HessianFree, Sampled, Trainer

    task = make_task(name)
    n = sizes.n
    parts = (Connectivity.dense(n, n), Connectivity.dense(task.n_in, n), Connectivity.dense(n, task.n_out))
    net = RateRNN(
        *parts,
        activation="tanh",
        spectral_radius=1.0,
        bias=True,
        readout_bias=True,
        x0=0.0,
        dt=task.dt,
        seed=seed,
    )
    if method == "hessian-free":
        options = {**sizes.settings[name], **changes}
        trials = Sampled(options.pop("batch_size"))
        learner = HessianFree(**options)
        return Trainer(net, task, learner=learner, trials=trials, validation_repeats=1, seed=seed)
    return Trainer(net, task, learning_rate=float(method.split()[1]), validation_repeats=1, seed=seed, **changes)


def train(
    name: str, method: str, seed: int, seconds: float, clock: str, folder: Path, sizes: Sizes = FULL, **changes: Any
) -> dict[str, np.ndarray]:
    """Curve of one training: seconds of training (compilation and evaluation left out), loss, accuracy."""
    import jax

    trainer = make_trainer(name, method, seed, sizes, **changes)
    network, task = trainer.net.network, trainer.task
    trials = task.sample(jax.random.key(10_000), sizes.evaluated)

    @jax.jit
    def evaluate(parameters: Any) -> Any:
        outputs = network.replaced(parameters).run(trials.inputs).outputs
        return trainer.loss(outputs, trials), task.accuracy(outputs, trials)

    n, now = 1 if method == "hessian-free" else sizes.every, CLOCKS[clock]
    begin = folder / f"{name}_{method}_{seed}_begin.npz"
    trainer.save_checkpoint(begin)
    start = now()
    trainer.fit(n, validate_every=10**9, progress=False)
    compiling = now() - start
    trainer.resume(begin)
    begin.unlink()
    rows = [(0.0, *map(float, evaluate(trainer.net.parameters())))]
    while rows[-1][0] < seconds:
        start = now()
        trainer.fit(n, validate_every=10**9, progress=False)
        rows.append((rows[-1][0] + now() - start, *map(float, evaluate(trainer.net.parameters()))))
    times, loss, accuracy = np.array(rows).T
    curve = {"seconds": times, "loss": loss, "accuracy": accuracy, "compiling": np.array(compiling)}
    curve["steps"] = np.array(trainer.history.n_steps)
    if method == "hessian-free":
        curve |= {k: getattr(trainer.history, k) for k in ("damping", "cg_iterations", "reduction_ratio", "step_size")}
    return curve


def path_of(out: Path, name: str, method: str, seed: int) -> Path:
    """Return the path of the curve of one training."""
    return out / f"{name}_{method}_{seed}.npz".replace(" ", "_")


def _sizes(options: argparse.Namespace) -> Sizes:
    return QUICK if options.quick else FULL


def setup_of(name: str, method: str, options: argparse.Namespace) -> str:
    """Return the settings with which a file must have been made."""
    sizes = _sizes(options)
    return repr(
        (
            sizes.n,
            sizes.evaluated,
            repr(make_task(name)),
            sizes.settings[name] if method == "hessian-free" else method,
            options.seconds,
            options.clock,
        )
    )


def spawn(name: str, method: str, seed: int, options: argparse.Namespace) -> None:
    """Run one training in a process of its own, unless its file exists."""
    path = path_of(options.out, name, method, seed)
    if path.exists() and str(np.load(path)["setup"]) == setup_of(name, method, options):
        return
    command = [sys.executable, "-m", "studies.hessian_free", "--worker", name, method, str(seed)]
    command += ["--seconds", str(options.seconds), "--clock", options.clock, "--out", str(options.out)]
    command += ["--quick"] if options.quick else []
    done = subprocess.run(command, env={**os.environ, **ENVIRONMENT}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{name}, {method}, seed {seed}: {done.stderr.strip().splitlines()[-1]}")
    print(done.stdout.strip(), flush=True)


def work(name: str, method: str, seed: int, options: argparse.Namespace) -> None:
    """Run one training, and write it to its file."""
    path = path_of(options.out, name, method, seed)
    curve = train(name, method, seed, options.seconds, options.clock, options.out, _sizes(options))
    curve["setup"] = np.array(setup_of(name, method, options))
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        np.savez(file, **curve)
    unfinished.replace(path)
    print(f"{name}, {method}, seed {seed}: loss {curve['loss'][-1]:.3g} after {curve['steps']} steps")


def best_adam(curves: dict[str, list[Any]]) -> str:
    """Return the learning rate with the lowest median final loss."""
    return min(ADAM, key=lambda method: float(np.median([curve["loss"][-1] for curve in curves[method]])))


def reached(curve: Any, target: float) -> float:
    """Return the seconds until the loss reached the target for the first time, or infinity."""
    at = np.flatnonzero(curve["loss"] <= target)
    return float(curve["seconds"][at[0]]) if len(at) else np.inf


def spread(values: list[float], form: str = ".2g") -> str:
    """Median and range."""

    def shown(value: float) -> str:
        return format(value, form) if np.isfinite(value) else "not"

    return f"{shown(float(np.median(values)))} ({shown(min(values))} - {shown(max(values))})"


def draw(curves: dict[str, dict[str, list[Any]]], clock: str, seconds: float, path: Path) -> None:
    """Loss against time, median and range over seeds."""
    import matplotlib.pyplot as plt

    grid = np.linspace(0, seconds, 400)
    fig, axes = plt.subplots(1, len(curves), figsize=(3.6 * len(curves), 2.9), constrained_layout=True, squeeze=False)
    for ax, (name, methods) in zip(axes[0], curves.items(), strict=True):
        for method, color in (("hessian-free", "#009E73"), (best_adam(methods), "#E69F00")):
            losses = [c["loss"][np.searchsorted(c["seconds"], grid, side="right") - 1] for c in methods[method]]
            label = "Hessian-free" if method == "hessian-free" else f"Adam, {method.split()[1]}"
            ax.plot(grid, np.median(losses, axis=0), color=color, label=label, lw=1.5)
            ax.fill_between(grid, np.min(losses, axis=0), np.max(losses, axis=0), color=color, alpha=0.25, lw=0)
        title = "Cue-set-go" if name == "cue-set-go" else f"Memory of 3 values, delay {name.split()[1]} s"
        ax.set(yscale="log", xlim=(0, seconds), title=title, xlabel=f"{clock} time (s), without compilation")
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False, fontsize=8)
    axes[0, 0].set_ylabel("mean squared error")
    fig.savefig(path, dpi=200)
    plt.close(fig)


def write_page(curves: dict[str, dict[str, list[Any]]], options: argparse.Namespace, page: Path) -> None:
    """Return the table, and draw the figure next to it."""
    facts, sizes = machine(), _sizes(options)
    lines = [
        "# Hessian-free training compared with Adam",
        "",
        f"{sizes.n} units, tanh, no constraints, no noise; {options.seeds} seeds, the same initial weights for all",
        f"methods, one thread, {options.seconds:g} s of training ({options.clock} time without compilation and",
        "evaluation; with one thread, CPU time equals wall time on a dedicated core).",
        f"Loss on the same {sizes.evaluated} trials for all. Adam: batch 32, gradients clipped to norm 1, constant",
        "learning rate. Medians, with ranges over seeds in parentheses. An iteration of conjugate gradients (CG)",
        "takes as long as about 1.3 gradients of the same trials.",
        "",
        f"![loss against time]({page.stem}.png)",
        "",
        "| task | method | final loss | accuracy | seconds to target loss | steps | CG iterations per step "
        "| compilation (s) |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, methods in curves.items():
        for method, runs in methods.items():
            losses, scores = ([float(run[key][-1]) for run in runs] for key in ("loss", "accuracy"))
            times = [reached(run, TARGETS[name]) for run in runs]
            cg = f"{np.mean([run['cg_iterations'].mean() for run in runs]):.0f}" if method == "hessian-free" else ""
            lines.append(
                f"| {name} | {method} | {spread(losses)} | {spread(scores, '.2f')} "
                f"| {spread(times, '.0f')} to {TARGETS[name]:g} | {np.median([run['steps'] for run in runs]):.0f} "
                f"| {cg} | {np.median([run['compiling'] for run in runs]):.0f} |"
            )
    settings = "; ".join(
        f"{name}: " + ", ".join(f"{k} {v}" for k, v in sizes.settings[name].items()) for name in curves
    )
    versions = ", ".join(f"{k} {v}" for k, v in facts["versions"].items())
    tasks = " ".join(f'"{name}"' for name in curves)
    command = f"python -m studies.hessian_free --seeds {options.seeds} --seconds {options.seconds:g} "
    command += f"--clock {options.clock} --tasks {tasks}"
    lines += ["", f"Hessian-free: {settings}.", "", f"{facts['cpu']}, {facts['cores']} cores; {versions}", ""]
    page.write_text("\n".join([*lines, f"`{command}`"]) + "\n", encoding="utf-8")
    draw(curves, options.clock, options.seconds, page.with_suffix(".png"))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the missing trainings, and write the page."""
    parser = new_parser("hessian_free", __doc__)
    parser.add_argument("--seeds", type=int, help="(default: 5)")
    parser.add_argument("--seconds", type=float, help="seconds of each training (default: 90)")
    parser.add_argument("--clock", choices=list(CLOCKS), default="wall")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, help="(default: all)")
    parser.add_argument("--processes", type=int, default=1, help="number of trainings at the same time (default: 1)")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    where = places("hessian_free", options)
    options.out = where.out
    options.seeds = options.seeds or (1 if options.quick else 5)
    options.seconds = options.seconds or (0.05 if options.quick else 90.0)
    options.tasks = options.tasks or list(TASKS[:1] if options.quick else TASKS)
    if options.worker:
        name, method, seed = options.worker
        work(name, method, int(seed), options)
        return 0
    # Methods in turn, so that a drift of the machine affects all alike.
    jobs = [(name, method, seed) for seed in range(options.seeds) for name in options.tasks for method in METHODS]
    if options.quick:  # starting a process would take longer than its work
        for job in jobs:
            work(*job, options)
    else:
        with ThreadPoolExecutor(options.processes) as pool:
            list(pool.map(lambda job: spawn(*job, options), jobs))
    curves = {
        name: {
            method: [dict(np.load(path_of(options.out, name, method, seed))) for seed in range(options.seeds)]
            for method in METHODS
        }
        for name in options.tasks
    }
    write_page(curves, options, where.pages / "hessian_free.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
