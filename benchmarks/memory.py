"""Time an epoch of the published memory tasks next to an equivalent PyTorch loop and the limit of its products.

    python -m benchmarks.memory --connectome FILE --latents FILE

The first is bio2art's C_Marmoset_Normalized.npy; the second an npz with latents and labels.

Every figure comes from a process of its own; the variants take turns, so a drift of the machine affects all alike.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from studies.common import machine, stand_ins

TASKS: dict[str, dict[str, Any]] = {
    "seq p=3": {"task": "seq", "pattern_length": 3},
    "seq p=5": {"task": "seq", "pattern_length": 5},
    "seq p=10": {"task": "seq", "pattern_length": 10},
    "nback n=2": {"task": "nback", "n_back": 2},
    "pic_latent n=2": {"task": "pic_latent", "n_back": 2},
}
VARIANTS = ("torch", "eicon", "limit")
BATCH, N_TRAIN_OF = 128, 0.8
EPOCHS, QUICK_EPOCHS = 100, 2


def prepare(name: str, connectome: Path, latents: Path) -> tuple[Any, Any, np.ndarray]:
    """Trials for training and validation, and the neurons, the same for all variants."""
    from studies import published_memory as reference

    rng = np.random.default_rng(0)
    options = dict(TASKS[name])
    kind = options.pop("task")
    if kind == "pic_latent":
        options["latents"] = latents
    trials = reference.make_trials(kind, rng, **options)
    return *reference.split(trials, N_TRAIN_OF, rng), reference.expand(np.load(connectome), 4, rng)


def time_torch(name: str, connectome: Path, latents: Path, threads: int, epochs: int) -> float:
    """Milliseconds per epoch of the reference."""
    import torch

    from studies import published_memory as reference

    torch.set_num_threads(threads)
    train, validation, neurons = prepare(name, connectome, latents)
    n_out = 1 if TASKS[name]["task"] == "seq" else reference.N_CLASSES
    rng = np.random.default_rng(1)
    weights = reference.initial_weights(neurons, train.inputs.shape[-1], n_out, "relu", "default", True, rng)
    net = reference.Network(weights, "relu", torch.float32)
    mask = torch.from_numpy((neurons != 0).astype(np.float32))
    sets = [reference.batches(trials, torch.float32) for trials in (train, validation)]
    curves = reference.train(net, *sets, mask, "Adam", 1e-4, max(2, epochs // 2))
    return float(curves["epoch_ms_median"])


def time_eicon(name: str, connectome: Path, latents: Path, epochs: int) -> float:
    """Milliseconds per epoch of `Trainer` in compat mode, on the very same trials."""
    import jax
    import jax.numpy as jnp

    from eicon.runs._published import published_network
    from eicon.tasks import NBack, PictureNBack, SequenceMemory, Trial
    from eicon.training import Fixed, Gradient, Trainer

    train, validation, neurons = prepare(name, connectome, latents)
    options = dict(TASKS[name])
    makers = {"seq": SequenceMemory, "nback": NBack, "pic_latent": PictureNBack}
    kind = options.pop("task")
    task = makers[kind](**options, **({"pictures": str(latents)} if kind == "pic_latent" else {}))

    def as_trial(trials: Any) -> Trial:
        like = task.trials(1, key=jax.random.key(0))
        n = len(trials.inputs)
        inputs = jnp.asarray(trials.inputs.transpose(1, 0, 2), jnp.float32)
        mask = jnp.asarray(trials.targets.T != 0, jnp.float32)
        targets = jnp.asarray(trials.targets.T, like.targets.dtype).reshape(*mask.shape, *like.targets.shape[2:])
        conditions = {key: jnp.repeat(value[:1], n) for key, value in like.conditions.items()}
        if "match" in conditions:
            conditions["match"] = jnp.asarray(trials.targets[:, -1] == reference_match())
        epochs = {key: jnp.repeat(span[:1], n, axis=0) for key, span in like.epochs.items()}
        return Trial(inputs, targets, mask, conditions, epochs)

    net = published_network(
        neurons,
        task.n_in,
        task.n_out,
        activation="relu",
        init="default",
        remapped=True,
        freeze=False,
        dt=task.dt,
        rng=np.random.default_rng(1),
    )
    fixed = Fixed(as_trial(train), as_trial(validation), mean="batches")
    learner = Gradient("adam", 1e-4, clip_norm=None, factors={"b_rec": 2.0})
    trainer = Trainer(net, task, trials=fixed, learner=learner)
    steps = epochs * fixed.steps_per_epoch
    trainer.fit(steps, progress=False)
    start = time.perf_counter()
    trainer.fit(steps, progress=False)
    return 1e3 * (time.perf_counter() - start) / epochs


def reference_match() -> float:
    """Label of a match in the reference's trials."""
    from studies.published_memory import MATCH

    return MATCH


def time_limit(name: str, connectome: Path, latents: Path) -> float:
    """Milliseconds of an epoch's products alone, with the matrix sizes that all steps known at once would allow."""
    from benchmarks.variants.matmul_limit import with_jax, with_numpy

    train, validation, neurons = prepare(name, connectome, latents)
    n, (n_trials, steps, _) = len(neurons), train.inputs.shape
    rows = (steps - 1) * n_trials
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.standard_normal((rows, n)))[0].astype(np.float32)
    arrays = (rng.standard_normal((n, n)).astype(np.float32), basis, np.eye(n, dtype=np.float32), basis.T.copy())
    forward = validation.inputs.shape[0] * (steps - 1) / rows / 3
    best = np.inf
    for make in (with_jax, with_numpy):
        run = make(*arrays)
        run(5)
        times = []
        for _ in range(10):
            start = time.perf_counter()
            run(5)
            times.append((time.perf_counter() - start) / 5)
        best = min(best, statistics.median(times))
    return 1e3 * best * (1 + forward)


def worker(variant: str, name: str, threads: int, options: argparse.Namespace) -> float:
    """Measure one figure, in this process."""
    data, epochs = (options.connectome, options.latents), QUICK_EPOCHS if options.quick else EPOCHS
    if variant == "torch":
        return time_torch(name, *data, threads, epochs)
    return time_eicon(name, *data, epochs) if variant == "eicon" else time_limit(name, *data)


def spawn(variant: str, name: str, options: argparse.Namespace, threads: int) -> float:
    """Measure one figure, in a process with this many threads."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "JAX_PLATFORMS": "cpu"}
    if threads == 1:
        environment["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    command = [sys.executable, "-m", "benchmarks.memory", "--worker", variant, name, str(threads)]
    command += ["--connectome", str(options.connectome), "--latents", str(options.latents)]
    command += ["--quick"] if options.quick else []
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{variant}, {name}: {done.stderr.strip().splitlines()[-1]}")
    return float(done.stdout.split()[-1])


def main(argv: list[str] | None = None) -> int:
    """Run all variants in turn, print and write the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__.split("\n")[0])
    parser.add_argument("--connectome", type=Path, help="npy of region weights")
    parser.add_argument("--latents", type=Path, help="npz with latents and labels")
    parser.add_argument("--repeats", type=int, help="rounds over the variants (default: 5)")
    parser.add_argument("--threads", type=int, nargs="+", help="(default: 1 2)")
    parser.add_argument("--tasks", nargs="+", choices=list(TASKS), help="(default: all)")
    parser.add_argument("--quick", action="store_true", help="one task, one round, made-up data where none is named")
    parser.add_argument("--out", type=Path, default=Path("results/bench"), help="records (default: results/bench)")
    parser.add_argument("--page", type=Path)
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.quick and None in (options.connectome, options.latents):
        folder, latents = stand_ins(options.out / "stand_ins")
        options.connectome = options.connectome or folder / "C_Marmoset_Normalized.npy"
        options.latents = options.latents or latents
    elif None in (options.connectome, options.latents):
        parser.error("--connectome and --latents are required")
    options.repeats = options.repeats or (1 if options.quick else 5)
    options.threads = options.threads or ([1] if options.quick else [1, 2])
    options.tasks = options.tasks or list(TASKS)[: 1 if options.quick else None]
    if options.worker:
        variant, name, threads = options.worker
        print(worker(variant, name, int(threads), options))
        return 0
    facts = machine()
    columns = ["task", "threads", *(f"{v} ms" for v in VARIANTS), "torch / eicon", "eicon / limit"]
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    for threads in options.threads:
        for name in options.tasks:
            rounds = [{v: spawn(v, name, options, threads) for v in VARIANTS} for _ in range(options.repeats)]
            times = [f"{statistics.median(r[v] for r in rounds):.1f}" for v in VARIANTS]
            cells = []
            for top, bottom in (("torch", "eicon"), ("eicon", "limit")):
                ratios = [r[top] / r[bottom] for r in rounds]
                cells.append(f"{statistics.median(ratios):.2f} ({min(ratios):.2f} - {max(ratios):.2f})")
            lines.append(f"| {name} | {threads} | {' | '.join(times)} | {' | '.join(cells)} |")
            print(lines[-1], flush=True)
    if options.page is not None:
        versions = ", ".join(f"{k} {v}" for k, v in facts["versions"].items())
        text = [
            "# An epoch of the published memory tasks",
            "",
            "Marmoset, 220 units, relu, Adam; training and validation, batch 128, the same trials for both. torch: an",
            "equivalent `torch.nn.RNN` loop (batches cut beforehand, readout at scored steps only); eicon:",
            "`Trainer` in compat mode; limit: only the epoch's matrix products, in the largest possible blocks.",
            f"Medians over {options.repeats} alternating rounds, with the range of the rounds' ratios in parentheses.",
            "",
            *lines,
            "",
            f"{facts['cpu']}, {facts['cores']} cores; {versions}",
            "",
            f"`python -m benchmarks.memory --connectome FILE --latents FILE --repeats {options.repeats}`",
        ]
        options.page.parent.mkdir(parents=True, exist_ok=True)
        options.page.write_text("\n".join(text) + "\n", encoding="utf-8")
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "memory.json").write_text(json.dumps(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
