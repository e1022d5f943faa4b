"""The slow studies whose results stand under docs/results: ``python -m benchmarks.studies [NAME ...]``.

``demo``: the demo network over five seeds. ``notebook``: BrainPy's published notebook, its task and settings, on
eicon. ``lyapunov``: exponents where the answer is known. ``dynamics``: fixed points of
trained flip-flops and slow points of integrators. ``circuits``: the small circuits beside theory. Each writes
one Markdown page, with the command that made it.
"""

import argparse
import platform
import sys
import tempfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from eicon.models import RateRNN, verify
from eicon.runs import analyze_run, create_run, train_run
from eicon.runs._config import demo_config
from eicon.tasks import from_brainpy_datasets
from eicon.training import Trainer

from .circuits import circuits_study
from .dynamics import dynamics_study
from .lyapunov import lyapunov_study

SEEDS = range(5)
NOTEBOOK_LOSS = 0.1843
NOTEBOOK_EPOCHS, NOTEBOOK_BATCHES = 20, 64


def demo_study() -> str:
    """The demo over seeds: behaviour, constraints and choice clusters."""
    lines = [
        "# The demo network over seeds",
        "",
        "100 units, 80 % excitatory, recurrent noise 0.15 in training and testing; 50 noisy trials per condition.",
        "Clusters: mean weight between choice-selective units (|d'| >= 0.5) of the same preference, divided by that",
        "between units of opposite preference (E -> E; I -> E).",
        "",
        "| seed | accuracy | at 1 / 2 / 4 / 8 / 16 % coherence | monotone | width (%) | bias (%) | clusters E, I "
        "| constraints | training (s) |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            run = create_run(Path(folder) / f"seed{seed}", demo_config(seed))
            train_run(run)
            numbers = analyze_run(run)
        choice = numbers["choice"]
        curve, clusters = choice["psychometric"], choice["clustering"]
        levels = " / ".join(f"{value:.2f}" for value in choice["accuracy_by_coherence"].values())
        ratios = f"{clusters['within_over_between_excitatory']:.2f}, {clusters['within_over_between_inhibitory']:.2f}"
        lines.append(
            f"| {seed} | {numbers['accuracy']:.3f} | {levels} | {'yes' if curve['monotone'] else 'no'} "
            f"| {curve['width']:.2f} | {curve['bias']:+.2f} | {ratios} "
            f"| {'all hold' if numbers['certificate']['ok'] else 'VIOLATED'} | {numbers['training']['seconds']:.0f} |"
        )
        print(lines[-1], flush=True)
    return "\n".join(lines) + "\n"


def notebook_study() -> str:
    """BrainPy's notebook: RatePerceptualDecisionMaking(dt=20.), N = 50, batch 16, Adam 1e-3, 20 x 64 batches."""
    from brainpy_datasets import cognitive

    lines = [
        "# BrainPy's published E-I notebook, its task and settings",
        "",
        "`RatePerceptualDecisionMaking(dt=20.)`, N = 50, 80 % excitatory, recurrent noise 0.15, batch 16, Adam with",
        "learning rate 1e-3, 20 epochs of 64 batches. Mean loss per epoch; the notebook prints",
        f"{NOTEBOOK_LOSS} for its last one. Here Dale's law holds, noise differs between trials and the leak acts",
        "on the current. Initial spectral radius 1, biases, input and readout weights of either sign, no gradient",
        "clipping.",
        "",
        "| seed | epoch 1 | 2 | 5 | 10 | 15 | last | constraints |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for seed in SEEDS:
        task = from_brainpy_datasets(cognitive.RatePerceptualDecisionMaking(dt=20.0))
        net = RateRNN.dale(
            task.n_in,
            50,
            task.n_out,
            sigma_rec=0.15,
            bias=True,
            readout_bias=True,
            free_input=True,
            free_readout=True,
            x0=0.0,
            seed=seed,
        )
        trainer = Trainer(net, task, learning_rate=1e-3, batch_size=16, clip_norm=None, seed=seed)
        history = trainer.fit(NOTEBOOK_EPOCHS * NOTEBOOK_BATCHES, validate_every=NOTEBOOK_BATCHES)
        epochs = history.loss.reshape(NOTEBOOK_EPOCHS, NOTEBOOK_BATCHES).mean(axis=1)
        shown = " | ".join(f"{epochs[i]:.4f}" for i in (0, 1, 4, 9, 14, 19))
        lines.append(f"| {seed} | {shown} | {'all hold' if verify(net).ok else 'VIOLATED'} |")
        print(lines[-1], flush=True)
    return "\n".join(lines) + "\n"


STUDIES: dict[str, Callable[[], str]] = {
    "demo": demo_study,
    "notebook": notebook_study,
    "lyapunov": lyapunov_study,
    "dynamics": dynamics_study,
    "circuits": circuits_study,
}


def main() -> int:
    """Run the studies that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.studies", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"any of {', '.join(STUDIES)} (default: all)")
    parser.add_argument("--out", type=Path, default=Path("docs/results"))
    options = parser.parse_args()
    for unknown in set(options.names) - STUDIES.keys():
        parser.error(f"unknown study {unknown!r}")
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("eicon", "brainpy", "jax", "numpy"))
    for name in options.names or STUDIES:
        page = STUDIES[name]()
        footer = f"\n`python -m benchmarks.studies {name}`; Python {platform.python_version()}, {versions}.\n"
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / f"{name}.md").write_text(page + footer, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
