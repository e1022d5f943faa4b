"""Curves of the published memory experiment: eicon's compat mode next to the independent PyTorch version.

    python -m studies.published_study --connectomes FOLDER --latents FILE

Needs PyTorch. Budget: 4 hours on two cores.
"""

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from eicon.runs import create_sweep, parse_recipe, run_sweep, sweep_results
from eicon.runs._format1 import TORCH_RMSPROP
from studies import published_memory
from studies.common import new_parser, places, stand_ins

BASE = """
compat = "bio_rnn_mem"
connectome = { name = "Marmoset_Normalized", neurons = 4 }
network = { remap = "signed" }
"""
QUICK = ("seq p=3", "nback n=2, 1e-3", "pic_latent n=2, 0.001")
"""Conditions for ``--quick``: one of each task."""
SHOWN = (1, 10, 50, 100, 200, 300)


class Condition(NamedTuple):
    """One row: the settings of eicon and of the reference."""

    name: str
    epochs: int
    ours: dict[str, Any]
    reference: dict[str, Any]


def _sequence(p: int) -> tuple[dict[str, Any], dict[str, Any]]:
    return {"task": {"name": "SequenceMemory", "pattern_length": p}}, {"task": "seq", "pattern_length": p}


def _n_back(n: int) -> tuple[dict[str, Any], dict[str, Any]]:
    ours = {"task": {"name": "NBack", "n_back": n}, "learner.learning_rate": 1e-3}
    return ours, {"task": "nback", "n_back": n, "lr": 1e-3}


def conditions(latents: Path) -> list[Condition]:
    """All rows; unless stated otherwise: relu, Adam 1e-4, remapped."""
    seq3, seq5, seq10 = _sequence(3), _sequence(5), _sequence(10)
    pictures = {"name": "PictureNBack", "n_back": 2, "pictures": str(latents)}
    rows = [
        Condition("seq p=3", 300, *seq3),
        Condition(
            "seq p=5, RMSprop", 300, seq5[0] | {"learner.optimizer": "rmsprop"}, seq5[1] | {"optimizer": "RMSprop"}
        ),
        Condition("seq p=10", 300, *seq10),
        Condition("seq p=3, not remapped", 300, seq3[0] | {"network.remap": "off"}, seq3[1] | {"remap": False}),
        Condition("seq p=3, tanh", 300, seq3[0] | {"network.activation": "tanh"}, seq3[1] | {"activation": "tanh"}),
        Condition("seq p=3, random_w", 300, seq3[0] | {"connectome.null": "permute"}, seq3[1] | {"random_w": True}),
        Condition("seq p=3, init he", 300, seq3[0] | {"network.init": "he"}, seq3[1] | {"init": "he"}),
        Condition("seq p=3, frozen", 300, seq3[0] | {"network.freeze": True}, seq3[1] | {"freeze": True}),
        Condition(
            "seq p=3, SGD 1e-2",
            300,
            seq3[0] | {"learner.optimizer": "sgd", "learner.learning_rate": 1e-2},
            seq3[1] | {"optimizer": "SGD", "lr": 1e-2},
        ),
        *(Condition(f"nback n={n}, 1e-3", 200, *_n_back(n)) for n in (2, 3, 4)),
    ]
    for rate in (1e-4, 1e-3):
        asked = {"task": "pic_latent", "n_back": 2, "latents": latents, "lr": rate}
        rows.append(
            Condition(f"pic_latent n=2, {rate:g}", 200, {"task": pictures, "learner.learning_rate": rate}, asked)
        )
    return rows


def with_eicon(condition: Condition, folder: Path, seeds: int) -> list[dict[str, Any]]:
    """Run a number of repeats, and return their curves."""
    changes = {
        "connectome.folder": str(folder),
        "training.epochs": condition.epochs,
        "learner.options": {"rmsprop": TORCH_RMSPROP},
        "grid.repeat": tuple(range(seeds)),
    }
    recipe = parse_recipe(BASE, kind="sweep").with_changes(changes | condition.ours)
    with tempfile.TemporaryDirectory() as directory:
        sweep = create_sweep(Path(directory) / "sweep", recipe)
        run_sweep(sweep, workers=0, progress=False)
        data = sweep_results(sweep)
        return [
            {
                "radius": float(data["initial_spectral_radius"][i]),
                "loss": data["validation_loss"][i].values,
                "accuracy": data["validation_accuracy"][i].values,
            }
            for i in range(seeds)
        ]


def with_torch(condition: Condition, folder: Path, seeds: int) -> list[dict[str, Any]]:
    """Run the reference with a number of seeds, and return the curves."""
    regions = np.load(folder / "C_Marmoset_Normalized.npy")
    expanded = published_memory.expand(regions, 4, np.random.default_rng(0))
    options = {"remap": True, **condition.reference}
    curves = [published_memory.run(W=expanded, seed=seed, epochs=condition.epochs, **options) for seed in range(seeds)]
    return [
        {
            "radius": run["initial_spectral_radius"],
            "loss": np.array(run["val_loss"]),
            "accuracy": np.array(run["val_accuracy"], float),
        }
        for run in curves
    ]


def row(name: str, who: str, runs: list[dict[str, Any]], with_accuracy: bool) -> str:
    """One line of the table: means over seeds, and the ranges that matter."""
    losses = np.stack([run["loss"] for run in runs])
    shown = " | ".join(f"{losses[:, e - 1].mean():.3g}" if e <= losses.shape[1] else "" for e in SHOWN)
    low = losses.min(axis=1)
    best = f"{low.mean():.3g} ({low.min():.3g} - {low.max():.3g})"
    accuracy = ""
    if with_accuracy:
        highest = np.stack([run["accuracy"] for run in runs]).max(axis=1)
        accuracy = f"{highest.mean():.1%} ({highest.min():.1%} - {highest.max():.1%})"
    radius = np.mean([run["radius"] for run in runs])
    return f"| {name} | {who} | {radius:.2f} | {shown} | {best} | {accuracy} |"


def main(argv: Sequence[str] | None = None) -> int:
    """Run all conditions and write the page."""
    parser = new_parser("published_study", __doc__)
    parser.add_argument("--connectomes", type=Path, help="folder with C_Marmoset_Normalized.npy")
    parser.add_argument("--latents", type=Path, help="npz with latents and labels")
    parser.add_argument("--seeds", type=int, help="(default: 5)")
    parser.add_argument("--only", nargs="*", help="names of conditions")
    options = parser.parse_args(argv)
    where = places("published_study", options)
    if options.quick:
        folder, latents = stand_ins(where.out / "stand_ins")
        options.connectomes, options.latents = options.connectomes or folder, options.latents or latents
    elif options.connectomes is None or options.latents is None:
        parser.error("--connectomes and --latents are required")
    options.seeds = options.seeds or (1 if options.quick else 5)
    only = options.only or (QUICK if options.quick else ())
    epochs = " | ".join(f"epoch {e}" for e in SHOWN)
    lines = [
        "# The published memory experiment, in eicon's compat mode and in PyTorch",
        "",
        "Marmoset, 4 neurons per region (220 units), relu, Adam with learning rate 1e-4 and remapped weights unless",
        f"stated otherwise; {options.seeds} seeds each, different between the two. Validation losses are means over",
        "seeds; smallest loss and best accuracy have their range. `studies/published_memory.py` is the PyTorch",
        "version, written only from the description of the published code.",
        "",
        f"| condition | by | initial radius | {epochs} | smallest loss | best accuracy |",
        "|---|---|---|" + "---|" * (len(SHOWN) + 2),
    ]
    curves: dict[str, Any] = {}
    for condition in conditions(options.latents):
        if only and condition.name not in only:
            continue
        if options.quick:
            condition = condition._replace(epochs=2)
        with_accuracy = condition.reference["task"] != "seq"
        for who, make in (("eicon", with_eicon), ("PyTorch", with_torch)):
            runs = make(condition, options.connectomes, options.seeds)
            curves[f"{condition.name}, {who}"] = [run["loss"].tolist() for run in runs]
            lines.append(row(condition.name, who, runs, with_accuracy))
            print(lines[-1], flush=True)
    lines += ["", f"`python -m studies.published_study --connectomes FOLDER --latents FILE --seeds {options.seeds}`"]
    (where.pages / "published_memory.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (where.out / "curves.json").write_text(json.dumps(curves))
    return 0


if __name__ == "__main__":
    sys.exit(main())
