"""Time a training step of parametric working memory (N = 500) next to a plain PyTorch loop.

    python -m benchmarks.romo --page docs/results/romo_bench.md

Every figure comes from a process of its own; the variants take turns, so a drift of the machine affects all alike.
The PyTorch loop trains on trials that were made beforehand; eicon samples a new batch at every step.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import numpy as np

from benchmarks.worker import peak_mb
from studies.common import machine, without_absent

VARIANTS = {
    "torch": "a plain PyTorch loop: effective weight in each step, autograd through the trial",
    "torch-hoisted": "the same with all state-independent work taken out of the loop",
    "eicon": "`Trainer`, sparse E-I network, without the vanishing-gradient penalty",
    "eicon-omega": "the same with the penalty, as in the suite",
}
N_REC, N_BATCHES, STEPS = 500, 4, 5


def write_batches(path: Path, batch_size: int) -> None:
    """Batches of the task, for the variants that do not sample."""
    import jax

    from eicon.tasks import ParametricMemory

    keys = jax.random.split(jax.random.key(0), N_BATCHES)
    trials = [ParametricMemory().sample(key, batch_size) for key in keys]
    np.savez(path, **{part: np.stack([getattr(t, part) for t in trials]) for part in ("inputs", "targets", "mask")})


def torch_steps(path: Path, hoisted: bool, steps: int) -> Callable[[], None]:
    """Some training steps of the PyTorch loop."""
    import torch

    from benchmarks import problem
    from benchmarks.variants import torch_hoisted, torch_loop

    torch.manual_seed(0)
    with np.load(path) as data:
        batches = [[torch.from_numpy(part) for part in batch] for batch in zip(*data.values(), strict=True)]
    n_in, n_out = batches[0][0].shape[2], batches[0][1].shape[2]
    net = (torch_hoisted.HoistedNet if hoisted else torch_loop.Net)(N_REC, n_in, n_out)
    optimizer = torch.optim.Adam(net.parameters(), lr=problem.LEARNING_RATE)
    stream = cycle(batches)

    def run() -> None:
        for _ in range(steps):
            inputs, targets, mask = next(stream)
            optimizer.zero_grad()
            loss = (((net(inputs) - targets) ** 2).mean(dim=2) * mask).sum() / mask.sum()
            loss.backward()
            optimizer.step()

    return run


def eicon_steps(batch_size: int, omega: bool, steps: int) -> Callable[[], None]:
    """Some training steps of the suite's network."""
    from eicon.reproduce.song2016 import model_recipe

    recipe = model_recipe("romo", 0).with_changes({"trials.batch_size": batch_size})
    if not omega:
        recipe = recipe.with_changes({"training.penalties": []})
    task = recipe.make_task()
    trainer = recipe.make_trainer(recipe.make_network(task), task)
    return lambda: trainer.fit(steps, validate_every=10**6, progress=False)


def work(variant: str, path: Path, batch_size: int, quick: bool) -> tuple[float, float]:
    """Seconds per step, the median of three rounds after one to warm up, and the peak memory in MB."""
    steps = 1 if quick else STEPS
    if variant.startswith("torch"):
        run = torch_steps(path, variant == "torch-hoisted", steps)
    else:
        run = eicon_steps(batch_size, variant == "eicon-omega", steps)
    run()
    times = []
    for _ in range(3):
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) / steps)
    return statistics.median(times), peak_mb()


def spawn(variant: str, path: Path, batch_size: int, quick: bool) -> tuple[float, float]:
    """Run `work` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.romo", "--batch", str(batch_size), "--worker", variant, str(path)]
    command += ["--quick"] if quick else []
    done = subprocess.run(
        command, env={**os.environ, "JAX_PLATFORMS": "cpu"}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{variant}: {done.stderr.strip().splitlines()[-1]}")
    seconds, memory = done.stdout.split()[-2:]
    return float(seconds), float(memory)


def page(rounds: list[dict[str, tuple[float, float]]], batch_size: int, repeats: int) -> str:
    """Markdown page of all figures."""
    facts = machine()
    lines = [
        "# A training step of parametric working memory",
        "",
        f"N = {N_REC}, {batch_size} trials per step, 245 steps per trial (4.9 s at dt 20 ms), forward, backward and",
        "Adam, on all cores. Medians over alternating rounds, with the range of the rounds' ratios in parentheses.",
        "",
        *(f"- {name}: {text}" for name, text in VARIANTS.items() if name in rounds[0]),
        "",
        "| variant | steps per second | peak memory (MB) | time / eicon's |",
        "|---|---|---|---|",
    ]
    for name in rounds[0]:
        seconds = statistics.median(r[name][0] for r in rounds)
        ratios = [r[name][0] / r["eicon"][0] for r in rounds]
        ratio = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} - {max(ratios):.2f})"
        lines.append(f"| {name} | {1 / seconds:.2f} | {max(r[name][1] for r in rounds):.0f} | {ratio} |")
    versions = ", ".join(f"{k} {v}" for k, v in facts["versions"].items())
    command = f"python -m benchmarks.romo --batch {batch_size} --repeats {repeats} --page docs/results/romo_bench.md"
    return "\n".join([*lines, "", f"{facts['cpu']}, {facts['cores']} cores; {versions}", "", f"`{command}`", ""])


def main(argv: list[str] | None = None) -> int:
    """Run all variants in turn, print and write the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.romo", description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, help="rounds over the variants (default: 3)")
    parser.add_argument("--batch", type=int, help="trials a step (default: 32)")
    parser.add_argument("--variants", nargs="+", choices=list(VARIANTS), default=list(VARIANTS))
    parser.add_argument("--quick", action="store_true", help="two trials a step, one round")
    parser.add_argument("--page", type=Path)
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    options.repeats = options.repeats or (1 if options.quick else 3)
    options.batch = options.batch or (2 if options.quick else 32)
    if options.worker:
        print(*work(options.worker[0], Path(options.worker[1]), options.batch, options.quick))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "batches.npz"
        write_batches(path, options.batch)
        names = dict.fromkeys(["eicon", *without_absent(options.variants)])
        rounds = [
            {name: spawn(name, path, options.batch, options.quick) for name in names} for _ in range(options.repeats)
        ]
    text = page(rounds, options.batch, options.repeats)
    print(text)
    if options.page is not None:
        options.page.parent.mkdir(parents=True, exist_ok=True)
        options.page.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
