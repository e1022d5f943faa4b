"""Size limits of trained networks: cue-set-go networks of 200 units, condensed by every method.

    python -m studies.condensation train
    python -m studies.condensation condense
    python -m studies.condensation retrain
    python -m studies.condensation richness
    python -m studies.condensation others --connectomes FOLDER
    python -m studies.condensation large

Each stage keeps its results; `studies.condensation_report` makes the page.

Budget: 12 hours on two cores, of which ``retrain`` takes most.
"""

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from eicon._one_thread import ONE_THREAD

os.environ.update(ONE_THREAD)

import brainpy as bp
import jax
import numpy as np

from eicon import analysis, connectomes
from eicon._files import without_nan, write_text
from eicon.models import Connectivity, RateRNN, load, verify
from eicon.runs import Protocol, condense_run, create_run, open_run, parse_recipe, read_condensation
from eicon.runs._read import demo_recipe
from eicon.runs.results import Run
from eicon.studies import condense_network
from eicon.studies._condense import performance
from eicon.tasks import CueSetGo, SequenceMemory, Task, Trial
from eicon.training import AccuracyReached, Trainer
from eicon.training._losses import LOSSES
from studies.common import new_parser, places, shrunk, stand_ins

NETWORKS = tuple((kind, activation) for kind in ("free", "dale") for activation in ("tanh", "relu"))
MATCH, LEARNING_RATE = 0.1, 3e-4


class Sizes(NamedTuple):
    """Sizes and numbers of everything."""

    networks: tuple[tuple[str, str], ...] = NETWORKS
    n: int = 200
    seeds: int = 5
    steps: int = 3000
    retrain: int = 400
    """Steps after each removal of `every` units."""
    every: int = 60
    to: Mapping[str, int] = MappingProxyType({"free": 25, "dale": 40})
    merged: Mapping[str, int] = MappingProxyType({"to": 100, "every": 20, "retrain": 200})
    richness: tuple[int, ...] = (10, 20, 50, 100, 200)
    sizes: tuple[int, ...] = (190, 180, 160, 120, 100, 80, 60, 50, 40, 30, 25, 20)
    fewer: tuple[int, ...] = (190, 180, 160, 120, 100, 60, 40)
    """Sizes used only for comparison."""
    shown: tuple[int, ...] = (180, 160, 120, 100, 60, 50, 40, 25)
    """Sizes in the table of errors."""
    noisy: tuple[int, ...] = (100, 60, 50, 40, 25)
    """Sizes in the table of networks under their own noise."""
    merges: tuple[int, ...] = (0, 5, 10, 16, 17, 30)
    """Numbers of merged units in the figures of one network."""
    other_seeds: int = 3
    parts: tuple[float, ...] = (0.8, 0.6, 0.4, 0.2)
    """Fractions of units that the other networks keep."""
    methods: tuple[str, ...] = ("subset", "merge", "cluster", "magnitude", "random")
    """Methods of condensing them."""
    neurons: int = 4
    """Neurons per region of the marmoset."""
    large: tuple[int, int, int] = (2000, 10_000, 200)
    """Units, samples and remaining units."""


FULL = Sizes()
QUICK = Sizes(
    networks=(("free", "tanh"), ("dale", "relu")),
    n=12,
    seeds=1,
    steps=3,
    retrain=2,
    every=6,
    to={"free": 6, "dale": 6},
    merged={"to": 8, "every": 4, "retrain": 2},
    richness=(6, 8),
    sizes=(8,),
    fewer=(8,),
    shown=(8,),
    noisy=(8,),
    merges=(0, 2),
    other_seeds=1,
    parts=(0.5,),
    methods=("subset", "merge"),
    neurons=1,
    large=(40, 100, 10),
)


class Study(NamedTuple):
    """Folder of the records, and the sizes."""

    out: Path
    sizes: Sizes


def network(kind: str, activation: str, seed: int, n: int) -> RateRNN:
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


def train(net: RateRNN, seed: int, steps: int) -> Trainer:
    """Train with Adam and a learning rate that falls from 2e-3 by a factor of 0.4 every 1000 steps."""
    schedule = bp.optim.ExponentialDecayLR(2e-3, decay_steps=1000, decay_rate=0.4)
    trainer = Trainer(net, CueSetGo(), learning_rate=schedule, batch_size=32, validation_repeats=8, seed=seed)
    trainer.fit(steps, validate_every=250, progress=False)
    return trainer


def train_all(study: Study) -> None:
    """Train all networks, and save them in ``out/networks``."""
    for seed in range(study.sizes.seeds):
        for kind, activation in study.sizes.networks:
            path = network_file(study, kind, activation, seed)
            if path.is_file():
                continue
            start = time.perf_counter()
            trainer = train(network(kind, activation, seed, study.sizes.n), seed, study.sizes.steps)
            reached = trainer.validate()
            trainer.net.save(path)
            told = f"{time.perf_counter() - start:.0f} s, loss {reached.loss:.2e}, accuracy {reached.accuracy:.3f}"
            print(path.stem, told, flush=True)


def methods(kind: str) -> dict[str, dict[str, Any]]:
    """Methods to compare, with the options of `condense_network`."""
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


def condense_all(study: Study) -> None:
    """Condense every network with every method to every size, without retraining; one JSON file per network."""
    task = CueSetGo()
    fit = task.trials(10, key=jax.random.key(1000))
    test = task.interpolated().trials(10, key=jax.random.key(1001))
    for path in sorted((study.out / "networks").glob("*.npz"), key=lambda p: p.stem[::-1]):
        result = study.out / "condensed" / f"{path.stem}.json"
        net = load(path)
        found = json.loads(result.read_text(encoding="utf-8")) if result.is_file() else {}
        for name, options in methods(path.stem.split("_")[0]).items():
            if name in found:
                continue
            sizes = study.sizes.sizes if options["method"] == "subset" else study.sizes.fewer
            found[name] = {size: _condensed(net, task, fit, test, size, options) for size in sizes}
            print(path.stem, name, {n: _short(row["error"]) for n, row in found[name].items()}, flush=True)
            found["original"] = _with_noise(net, task, test)
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


def protocols(sizes: Sizes, kind: str, activation: str, seed: int = 0) -> dict[str, Protocol]:
    """Protocols of step-by-step condensation; the last two, on one kind, show the changes of the solution."""
    if activation == "relu" and seed > 2:
        return {}
    subset = {
        "to": sizes.to[kind],
        "every": sizes.every,
        "retrain": sizes.retrain,
        "learning_rate": LEARNING_RATE,
        "match_noise": False,  # the page has networks whose units kept their own noise
    }
    found = {"subset, matched": Protocol(match=MATCH, **subset)}
    if (kind, activation) == ("free", "tanh"):
        merged = Protocol(method="merge", match_noise=False, **sizes.merged)
        found |= {"subset": Protocol(**subset), "merge pairs": merged}
    return found


def retrain_all(study: Study) -> None:
    """Condense every network step by step with retraining, by each of its protocols; write run directories."""
    for seed in range(study.sizes.seeds):
        for kind, activation in study.sizes.networks:
            path = network_file(study, kind, activation, seed)
            for name, protocol in protocols(study.sizes, kind, activation, seed).items() if path.is_file() else ():
                start = time.perf_counter()
                result = condense_run(_as_run(study, path, seed), protocol, progress=False)
                last = read_condensation(result)["stages"][-1]
                shown = {key: last[key] for key in ("size", "output_error", "cka", "with_noise")}
                print(path.stem, name, shown, f"{time.perf_counter() - start:.0f} s", flush=True)


def _as_run(study: Study, network: Path, seed: int) -> Run:
    """Run directory with a network that was trained here; retraining uses its learning rate."""
    path = study.out / "runs" / network.stem
    if not (path / "config.toml").is_file():
        n = study.sizes.n
        table = f"n_rec = {n}\nspectral_radius = 1.5\n[training]\nlearning_rate = 0.001\n"
        text = f'seed = {seed}\n[task]\nname = "CueSetGo"\n[network]\n{table}'
        create_run(path, parse_recipe(text))
    run = open_run(path)
    if not run.network.is_file():
        load(network).save(run.network)
    return run


def richness_all(study: Study) -> None:
    """Train networks of many sizes from scratch; write a JSON file with their dimensionality and kind of solution."""
    task = CueSetGo()
    test = task.interpolated().trials(10, key=jax.random.key(1001))
    start, stop = (np.asarray(test.epochs["production"][:, i]) for i in (0, 1))
    inside = np.asarray(test.inside)
    for seed in range(study.sizes.seeds):
        for n in study.sizes.richness:
            path = study.out / "richness" / f"{n}_{seed}.json"
            if path.is_file():
                continue
            net = train(network("free", "tanh", seed, n), seed, study.sizes.steps // 3).net
            rates = net.predict(test.inputs, noise=False).rates
            components = analysis.pca(rates, mask=inside)
            ramps = analysis.ramp_index(rates, start, stop)
            scaling = analysis.temporal_scaling(rates, start, stop, np.asarray(test.conditions["interval"]))
            found = {
                "participation_ratio": components.participation_ratio,
                "components for 95 %": components.n_for(0.95),
                "components for 99 %": components.n_for(0.99),
                "ramp index": ramps.mean,
                "scaling index": scaling.scaled_mean,
                "absolute index": scaling.absolute_mean,
                "with_noise": _with_noise(net, task, test),
            }
            net.save(study.out / "richness" / f"{n}_{seed}.npz")
            write_text(path, json.dumps(without_nan(found), indent=1) + "\n")
            print(path.stem, found, flush=True)


def others_all(study: Study, folder: Path | None = None) -> None:
    """Condense the demo's decision network, and one on the marmoset's connectome (220 units), with the same call."""
    for seed in range(study.sizes.other_seeds):
        for name, make in (("decision", _decision), ("marmoset", _marmoset)):
            path = study.out / "others" / f"{name}_{seed}.json"
            if path.is_file():
                continue
            net, task = make(study.sizes, seed, folder)
            fit, test = (
                task.trials(repeats, key=jax.random.key(1000 + repeats)) for repeats in _repeats(task, study.sizes)
            )
            original = net.predict(test.inputs, key=jax.random.key(1)).outputs
            found: dict[str, Any] = {
                "n": net.n_rec,
                "dale": bool(net.recurrent.connectivity.sign.any()),
                "accuracy": float(task.accuracy(original, test)),
            }
            for method in study.sizes.methods:
                found[method] = {}
                for part in study.sizes.parts:
                    size = round(part * net.n_rec)
                    small, made = condense_network(
                        net,
                        fit.inputs,
                        size,
                        mask=np.asarray(fit.inside),
                        test_inputs=test.inputs,
                        test_mask=np.asarray(test.inside),
                        method=method,
                    )
                    outputs = small.predict(test.inputs, key=jax.random.key(1)).outputs
                    found[method][size] = {
                        "error": made.measured_error,
                        "accuracy": float(task.accuracy(outputs, test)),
                        "ok": verify(small).ok,
                    }
                print(path.stem, method, {n: _short(row["error"]) for n, row in found[method].items()}, flush=True)
            write_text(path, json.dumps(without_nan(found), indent=1) + "\n")


def _repeats(task: Task, sizes: Sizes) -> tuple[int, int]:
    if sizes is QUICK:
        return 2, 3
    return (10, 50) if task.n_conditions > 1 else (200, 500)


def _decision(sizes: Sizes, seed: int, folder: Path | None) -> tuple[RateRNN, Task]:
    recipe = shrunk(demo_recipe(seed), sizes.n, steps=sizes.steps) if sizes is QUICK else demo_recipe(seed)
    task = recipe.make_task()
    trainer = recipe.make_trainer(recipe.make_network(task), task)
    trainer.fit(recipe.training.steps, stop_when=AccuracyReached(0.9), progress=False)
    return trainer.net, task


def _marmoset(sizes: Sizes, seed: int, folder: Path | None) -> tuple[RateRNN, Task]:
    neurons = connectomes.load("marmoset", folder).expanded(sizes.neurons, seed=seed).signed(0.75, seed=seed)
    task = SequenceMemory()
    net = RateRNN.from_connectome(neurons, task, spectral_radius="drawn", tau=20.0, seed=seed)
    trainer = Trainer(net, task, batch_size=128, seed=seed)
    trainer.fit(sizes.steps, validate_every=500, progress=False)
    return net, task


def large(study: Study) -> None:
    """Measure time and peak memory of condensing 2000 units, with 10^4 samples, to 200; with and without Dale's law."""
    import resource

    rng = np.random.default_rng(0)
    n, n_samples, left = study.sizes.large
    rank = n * 3 // 20
    modes = rng.standard_normal((n_samples, rank)) / np.arange(1, rank + 1)
    rates = np.tanh(modes @ rng.standard_normal((rank, n)))[:, None] + 0.01 * rng.standard_normal((n_samples, 1, n))
    sign = np.where(np.arange(n) < 4 * n // 5, 1, -1)
    size = np.abs(rng.standard_normal((n, n))) / np.sqrt(n)
    readout = np.abs(rng.standard_normal((n, 1))) * (sign > 0)[:, None]
    found = {}
    for name, options in (("free", {}), ("dale", {"sign": sign})):
        start = time.perf_counter()
        result = analysis.condense(rates, sign[:, None] * size, readout, left, **options)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        found[name] = {"seconds": time.perf_counter() - start, "error": result.reconstruction_error, "peak_mb": peak}
        print(name, found[name], flush=True)
    found["input_mb"] = {"rates": rates.nbytes / 2**20, "weights": size.nbytes / 2**20}
    write_text(study.out / "large.json", json.dumps(found, indent=1) + "\n")


def network_file(study: Study, kind: str, activation: str, seed: int) -> Path:
    """Return the path of a trained network."""
    return study.out / "networks" / f"{kind}_{activation}_{seed}.npz"


STAGES = {
    "train": train_all,
    "condense": condense_all,
    "retrain": retrain_all,
    "richness": richness_all,
    "others": others_all,
    "large": large,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one stage."""
    parser = new_parser("condensation", __doc__)
    parser.add_argument("stage", choices=list(STAGES))
    parser.add_argument("--connectomes", type=Path, help="folder of bio2art files, for `others`")
    options = parser.parse_args(argv)
    study = Study(places("condensation", options).out, QUICK if options.quick else FULL)
    folder = options.connectomes
    if options.stage == "others" and options.quick and folder is None:
        folder, _ = stand_ins(study.out / "stand_ins")
    STAGES[options.stage](study, *([folder] if options.stage == "others" else []))
    return 0


if __name__ == "__main__":
    sys.exit(main())
