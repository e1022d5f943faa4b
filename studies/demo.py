"""The demo network over five seeds: behaviour, constraints and choice clusters.

    python -m studies.demo

Budget: 10 minutes on two cores.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from eicon.runs import analyze_run, create_run, train_run
from eicon.runs._read import demo_recipe
from studies.common import Places, shrunk, write_study

SEEDS = range(5)


def demo_study(where: Places, quick: bool) -> str:
    """Page of the demo over seeds."""
    lines = [
        "# The demo network over seeds",
        "",
        "100 units, 80 % excitatory, recurrent noise 0.15 in training and testing; 50 noisy trials per condition.",
        "Clusters: mean weight between choice-selective units (|d'| >= 0.5) of the same preference, divided by that",
        "between units of opposite preference (E -> E; I -> E).",
        "",
        "| seed | accuracy | at 3.2 / 6.4 / 12.8 / 25.6 / 51.2 % of dots | monotone | width (%) | bias (%) "
        "| clusters E, I | constraints | training (s) |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for seed in SEEDS[:1] if quick else SEEDS:
        recipe = demo_recipe(seed)
        if quick:
            recipe = shrunk(recipe, 20, steps=20, validate_every=10)
        with tempfile.TemporaryDirectory() as folder:
            run = create_run(Path(folder) / f"seed{seed}", recipe)
            train_run(run, progress=not quick)
            numbers = analyze_run(run, repeats=2 if quick else 50)
        choice = numbers["choice"]
        curve, clusters = choice["psychometric"], numbers["selectivity"]["clustering"]
        levels = " / ".join(f"{value:.2f}" for value in choice["accuracy_by_evidence"].values())
        ratios = ", ".join(
            "-" if value is None else f"{value:.2f}"
            for value in (clusters[f"within_over_between_{kind}"] for kind in ("excitatory", "inhibitory"))
        )
        lines.append(
            f"| {seed} | {numbers['accuracy']:.3f} | {levels} | {'yes' if curve['monotone'] else 'no'} "
            f"| {curve['width']:.2f} | {curve['bias']:+.2f} | {ratios} "
            f"| {'all hold' if numbers['certificate']['ok'] else 'VIOLATED'} | {numbers['training']['seconds']:.0f} |"
        )
        print(lines[-1], flush=True)
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Write the page."""
    return write_study("demo", __doc__, demo_study, argv)


if __name__ == "__main__":
    sys.exit(main())
