"""Time the search for fixed points next to BrainPy's `SlowPointFinder` and a plain PyTorch gradient search.

    python -m benchmarks.fixed_points --page docs/results/fixed_points_bench.md

All start from the same candidates of the same network, in float64. In every round eicon runs first; the others
then get a multiple of its time, in which their learning rate falls to zero (the best of four schedules tried).
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from studies.common import machine, without_absent

TOL, RATE = 1e-12, 0.2
SIZES = {"size": 200, "candidates": 4096, "times": 25.0, "rounds": 2}
VARIANTS = {
    "eicon": "`eicon.analysis.fixed_points`, compilation and eigenvectors of all points included",
    "eicon-again": "the same, already compiled",
    "brainpy": "`bp.analysis.SlowPointFinder.find_fps_with_gd_method`, Adam, its default rate 0.2, falling as a cosine",
    "torch": "the same Adam on the speed of all candidates at once, in a plain loop",
}


def problem(n: int, n_candidates: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights of a network that stores three bits in tanh units, and candidates around its states."""
    rng = np.random.default_rng(0)
    patterns = rng.choice([-1.0, 1.0], (3, n))
    weights = 2.0 / n * patterns.T @ patterns + 0.5 / np.sqrt(n) * rng.normal(size=(n, n))
    return weights, rng.normal(size=(n_candidates, 3)) @ patterns + 0.5 * rng.normal(size=(n_candidates, n))


def speeds(weights: np.ndarray, states: np.ndarray) -> np.ndarray:
    """Return ``|dx/dt|^2 / 2`` in units of 1/tau, the measure for all variants."""
    return 0.5 * np.sum((-states + np.tanh(states) @ weights) ** 2, axis=1)


def run_eicon(weights: np.ndarray, start: np.ndarray, again: bool) -> tuple[float, np.ndarray]:
    """Return the seconds, and q at the end of every candidate."""
    import jax
    import jax.numpy as jnp

    from eicon.analysis import fixed_points

    step = jax.tree_util.Partial(lambda w, x: x + 0.1 * (-x + jnp.tanh(x) @ w), weights)
    for _ in range(2 if again else 1):
        begin = time.perf_counter()
        points = fixed_points(step, start, dt=10.0, tau=100.0, tol=TOL)
        seconds = time.perf_counter() - begin
    return seconds, points.q[points.point_of]


def run_brainpy(weights: np.ndarray, start: np.ndarray, budget: float) -> tuple[float, np.ndarray]:
    """Run as many iterations as the budget allows, estimated from a trial of 200."""
    import brainpy as bp
    import brainpy.math as bm
    import jax.numpy as jnp

    bm.enable_x64()
    matrix = jnp.asarray(weights)

    def search(n: int) -> tuple[float, np.ndarray]:
        finder = bp.analysis.SlowPointFinder(
            lambda x: -x + jnp.tanh(x) @ matrix, f_type=bp.analysis.CONTINUOUS, verbose=False
        )
        rate = bp.optim.CosineAnnealingLR(RATE, n)
        begin = time.perf_counter()
        finder.find_fps_with_gd_method(
            jnp.asarray(start), tolerance=2 * TOL / start.shape[1], num_batch=100, num_opt=n,
            optimizer=bp.optim.Adam(lr=rate),
        )  # fmt: skip
        return time.perf_counter() - begin, np.asarray(finder.fixed_points)

    short, long = search(100)[0], search(300)[0]
    seconds, ends = search(max(100, int(budget / max((long - short) / 200, 1e-4))))
    return seconds, speeds(weights, ends)


def run_torch(weights: np.ndarray, start: np.ndarray, budget: float) -> tuple[float, np.ndarray]:
    """Run Adam until the budget is used up; the rate falls with time."""
    import torch

    matrix, x = torch.from_numpy(weights), torch.from_numpy(start.copy()).requires_grad_()
    optimizer = torch.optim.Adam([x], lr=RATE)
    begin = time.perf_counter()
    while (spent := time.perf_counter() - begin) < budget:
        optimizer.param_groups[0]["lr"] = 0.5 * RATE * (1.0 + math.cos(math.pi * spent / budget))
        optimizer.zero_grad()
        q = 0.5 * ((-x + torch.tanh(x) @ matrix) ** 2).sum(dim=1)
        if float(q.detach().max()) < TOL:
            break
        q.sum().backward()
        optimizer.step()
    return time.perf_counter() - begin, speeds(weights, x.detach().numpy())


def work(variant: str, n: int, n_candidates: int, budget: float) -> dict[str, Any]:
    """One search: its seconds, the fraction of candidates that converged and the median q."""
    weights, start = problem(n, n_candidates)
    if variant.startswith("eicon"):
        seconds, q = run_eicon(weights, start, variant == "eicon-again")
    else:
        seconds, q = (run_brainpy if variant == "brainpy" else run_torch)(weights, start, budget)
    return {"seconds": seconds, "converged": float(np.mean(q < TOL)), "median_q": float(np.median(q))}


def spawn(variant: str, n: int, n_candidates: int, budget: float) -> dict[str, Any]:
    """Run `work` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.fixed_points", "--worker", variant, "--budget", str(budget)]
    command += ["--size", str(n), "--candidates", str(n_candidates)]
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{variant}: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def page(rounds: list[dict[str, dict[str, Any]]], options: argparse.Namespace) -> str:
    """Markdown page of all figures."""
    facts = machine()
    lines = [
        "# Search for fixed points",
        "",
        f"{options.candidates} candidates, N = {options.size}, tanh units that hold three bits; converged means",
        f"q < {TOL:g} in float64, q the squared speed / 2 in units of 1/tau. The gradient searches get",
        f"{options.times:g} times the time that eicon took in the same round, compilation included, or stop when all",
        "candidates have converged. Medians over alternating rounds, with the range in parentheses.",
        "",
        *(f"- {name}: {text}" for name, text in VARIANTS.items() if name in rounds[0]),
        "",
        "| variant | s | s / s of eicon | converged | median q |",
        "|---|---|---|---|---|",
    ]  # fmt: skip
    for name in rounds[0]:
        several = [one[name] for one in rounds]
        ratios = [one[name]["seconds"] / one["eicon"]["seconds"] for one in rounds]
        middle = {key: statistics.median(one[key] for one in several) for key in several[0]}
        lines.append(
            f"| {name} | {middle['seconds']:.1f} | {statistics.median(ratios):.1f} "
            f"({min(ratios):.1f} - {max(ratios):.1f}) | {middle['converged']:.1%} | {middle['median_q']:.1e} |"
        )
    versions = ", ".join(f"{k} {v}" for k, v in facts["versions"].items())
    lines += ["", f"{facts['cpu']}, {facts['cores']} cores, load {facts['load_average_1min']:.1f}; {versions}."]
    return "\n".join(lines) + "\n"


def main(argv: list[str] | None = None) -> int:
    """Run all variants in turn and print the page, or run one of them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fixed_points", description=__doc__)
    parser.add_argument("--size", type=int, help="units (default: 200)")
    parser.add_argument("--candidates", type=int, help="(default: 4096)")
    parser.add_argument("--times", type=float, help="multiple of eicon's time for the others (default: 25)")
    parser.add_argument("--rounds", type=int, help="(default: 2)")
    parser.add_argument("--quick", action="store_true", help="a small network, few candidates, one round")
    parser.add_argument("--variants", nargs="+", choices=[name for name in VARIANTS if name != "eicon"])
    parser.add_argument("--page", type=Path)
    parser.add_argument("--worker", choices=list(VARIANTS), help=argparse.SUPPRESS)
    parser.add_argument("--budget", type=float, default=math.inf, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    sizes = {"size": 10, "candidates": 8, "times": 0.1, "rounds": 1} if options.quick else SIZES
    for name, value in sizes.items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    if options.worker:
        print(json.dumps(work(options.worker, options.size, options.candidates, options.budget)))
        return 0
    others = without_absent(options.variants or [name for name in VARIANTS if name != "eicon"])
    rounds = []
    for _ in range(options.rounds):
        results = {"eicon": spawn("eicon", options.size, options.candidates, math.inf)}
        budget = options.times * results["eicon"]["seconds"]
        for name in others:
            results[name] = spawn(name, options.size, options.candidates, budget)
            print(name, results[name], "eicon", results["eicon"], file=sys.stderr, flush=True)
        rounds.append(results)
    text = page(rounds, options)
    print(text)
    if options.page is not None:
        words = " ".join(sys.argv[1:] if argv is None else argv)
        options.page.parent.mkdir(parents=True, exist_ok=True)
        options.page.write_text(f"{text}\n`python -m benchmarks.fixed_points {words}`\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
