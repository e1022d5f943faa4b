"""How small can a trained network be made? Cue-set-go networks of 200 units, condensed by every method.

``python -m benchmarks.condensation train | condense | retrain | figures --out DIR``; each stage keeps what is done.
"""

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

from eicon._one_thread import ONE_THREAD

os.environ.update(ONE_THREAD)

import brainpy as bp
import jax
import numpy as np

from eicon import analysis
from eicon._files import without_nan, write_text
from eicon.experiments import condense_network
from eicon.experiments._condense import performance
from eicon.models import Connectivity, RateRNN, load, verify
from eicon.tasks import CueSetGo, Trial
from eicon.training import LOSSES, Trainer

N = 200
SEEDS = range(5)
NETWORKS = tuple((kind, activation) for kind in ("free", "dale") for activation in ("tanh", "relu"))
STEPS = 3000
SIZES = (190, 180, 160, 140, 120, 100, 80, 60, 50, 40, 30, 25, 20)


def network(kind: str, activation: str, seed: int, n: int = N) -> RateRNN:
    """Untrained network; the recurrent noise is 0.05."""
    options = {
        "activation": activation,
        "sigma_rec": 0.05,
        "bias": True,
        "readout_bias": True,
        "x0": 0.1 if activation == "relu" else 0.0,
        "train_x0": True,
        "spectral_radius": 1.2,
        "seed": seed,
    }
    if kind == "dale":
        return RateRNN.dale(2, n, 1, free_input=True, **options)
    return RateRNN(Connectivity.dense(n, n), Connectivity.dense(2, n), Connectivity.dense(n, 1), **options)


def train(net: RateRNN, seed: int, steps: int = STEPS) -> Trainer:
    """Adam, with a learning rate that falls from 2e-3 by 0.4 every 1000 steps."""
    schedule = bp.optim.ExponentialDecayLR(2e-3, decay_steps=1000, decay_rate=0.4)
    trainer = Trainer(net, CueSetGo(), learning_rate=schedule, batch_size=32, validation_repeats=8, seed=seed)
    trainer.fit(steps, validate_every=250, progress=False)
    return trainer


def train_all(out: Path) -> None:
    """All networks, to ``out/networks``."""
    for seed in SEEDS:
        for kind, activation in NETWORKS:
            path = network_file(out, kind, activation, seed)
            if path.is_file():
                continue
            start = time.perf_counter()
            trainer = train(network(kind, activation, seed), seed)
            loss, accuracy = trainer.validate()
            trainer.net.save(path)
            print(
                path.stem, f"{time.perf_counter() - start:.0f} s, loss {loss:.2e}, accuracy {accuracy:.3f}", flush=True
            )


def methods(kind: str) -> dict[str, dict[str, Any]]:
    """What is compared, with the options of `condense_network`."""
    found: dict[str, dict[str, Any]] = {
        "subset": {"method": "subset"},
        "merge pairs (PCA)": {"method": "merge"},
        "merge pairs (PCA), incoming averaged": {"method": "merge", "incoming": "averaged"},
        "merge pairs (correlation)": {"method": "merge", "similarity": "correlation"},
        "cluster averages": {"method": "cluster"},
        "weakest weights removed": {"method": "magnitude"},
        "random units removed": {"method": "random"},
    }
    return found if kind == "free" else found | {"subset, signs given up": {"method": "subset", "dale": False}}


def condense_all(out: Path) -> None:
    """Every trained network by every method to every size, without retraining; a JSON file per network."""
    task = CueSetGo()
    fit = task.trials(10, key=jax.random.key(1000))
    test = task.interpolated().trials(10, key=jax.random.key(1001))
    for path in sorted((out / "networks").glob("*.npz"), key=lambda p: p.stem[::-1]):
        result = out / "condensed" / f"{path.stem}.json"
        if result.is_file():
            continue
        net = load(path)
        original = np.asarray(net.predict(test.inputs, noise=False).outputs)
        found: dict[str, Any] = {"original": _with_noise(net, task, test)}
        for name, options in methods(path.stem.split("_")[0]).items():
            found[name] = {}
            for size in SIZES:
                found[name][size] = _condensed(net, task, fit, test, size, options)
            print(path.stem, name, {n: _short(row["error"]) for n, row in found[name].items()}, flush=True)
        found["target_error"] = analysis.nrmse(test.targets, original, mask=test.inside)
        write_text(result, json.dumps(without_nan(found), indent=1) + "\n")


def _condensed(
    net: RateRNN, task: CueSetGo, fit: Trial, test: Trial, size: int, options: dict[str, Any]
) -> dict[str, Any]:
    start = time.perf_counter()
    small, made = condense_network(
        net,
        fit.inputs,
        size,
        mask=np.asarray(fit.inside),
        test_inputs=test.inputs,
        test_mask=np.asarray(test.inside),
        **options,
    )
    assert verify(small).ok
    return {
        "error": made.measured_error,
        "reconstruction_error": made.reconstruction_error,
        "predicted_error": made.predicted_error,
        "seconds": time.perf_counter() - start,
        "with_noise": _with_noise(small, task, test) if options == {"method": "subset"} else None,
    }


def _with_noise(net: RateRNN, task: CueSetGo, test: Trial) -> dict[str, float]:
    outputs = net.predict(test.inputs, key=jax.random.key(1002)).outputs
    return performance(task.interpolated(), test, outputs, LOSSES["mse"])


def _short(value: float) -> str:
    return f"{value:.3f}"


def network_file(out: Path, kind: str, activation: str, seed: int) -> Path:
    """Where a trained network is kept."""
    return out / "networks" / f"{kind}_{activation}_{seed}.npz"


def main() -> None:
    """Run one stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=["train", "condense"])
    parser.add_argument("--out", type=Path, default=Path("results/condensation"))
    options = parser.parse_args()
    {"train": train_all, "condense": condense_all}[options.stage](options.out)


if __name__ == "__main__":
    main()
