"""Time networks as large and sparse as connectomes, products compared with JAX's own, and edges with dense matrices.

    python -m benchmarks.edges --page docs/results/edges.md

The networks have as many units and about as many connections as a fly's right optic lobe and its whole brain, drawn at
random, with one sign for each source. Each training runs in a process of its own, which also reports its peak memory.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.alternating import interval
from benchmarks.runner import ROOT
from benchmarks.worker import peak_mb, seconds
from studies.common import machine

SIZES: dict[str, Any] = {
    "units": 45_669,
    "edges": 1_500_000,
    "brain": [139_255, 2_700_000],
    "trials": 4,
    "columns": [1, 4, 8, 16, 32],
    "compared": [220, 1000, 3000],
    "densities": [0.01, 0.02, 0.05, 0.1, 0.2, 0.5],
    "repeats": 12,
    "block": 0.2,
}
QUICK: dict[str, Any] = {
    "units": 40,
    "edges": 200,
    "brain": [60, 300],
    "trials": 2,
    "columns": [1, 4],
    "compared": [20],
    "densities": [0.1, 0.5],
    "repeats": 2,
    "block": 0.001,
}
TRAININGS = {
    "gradient": "`jax.value_and_grad` of a loss of `Network.run`, and a step of gradient descent",
    "trainer": "a step of `Trainer` with `sgd`, with new trials and noise",
}
BRAIN = {
    "long": "forward run of {steps} steps, one trial, dt 1 ms",
    "through": "training step through {steps} steps, one trial, dt 1 ms",
}
LONG, THROUGH = 1000, 20
"""Steps of the two parts."""
COMPARED_STEPS, COMPARED_TRIALS = 20, 32
EXCITATORY = 0.7
"""Fraction of excitatory units."""


def random_edges(n: int, m: int) -> dict[str, np.ndarray]:
    """Source, target, sign and weight of connections, no pair twice."""
    rng = np.random.default_rng(0)
    places = np.unique(rng.integers(0, n * n, m + m // 10 + 10))
    pre, post = np.divmod(rng.choice(places, min(m, len(places)), replace=False), n)
    sign = np.where(rng.random(n) < EXCITATORY, 1, -1)[pre]
    return {"pre": pre, "post": post, "sign": sign, "weights": sign * rng.gamma(2.0, 0.5, len(pre)) * n / m}


def network(options: argparse.Namespace, task: Any) -> Any:
    """Sparse relu network; inputs reach all units, and all are read out."""
    import eicon
    from eicon.models import Connectivity, Edges

    n, edges = options.units, random_edges(options.units, options.edges)
    recurrent = Edges.of(edges.pop("pre"), edges.pop("post"), (n, n), **edges)
    dense = Connectivity.dense(task.n_in, n), Connectivity.dense(n, task.n_out)
    return eicon.RateRNN(recurrent, *dense, sigma_rec=0.15, seed=1)


def training(kind: str, options: argparse.Namespace) -> dict[str, Any]:
    """Seconds of each step, after those that compile, and the largest memory of this process so far."""
    import jax

    import eicon

    task = eicon.PerceptualDecision(fixation=40.0, stimulus=240.0, decision=100.0)
    net = network(options, task)
    n_steps = task.sample(jax.random.key(0), 1).n_steps
    step = {"gradient": gradient_step, "trainer": trainer_step}[kind](net, task, options.trials)
    before = peak_mb()
    step(2)
    return {
        "seconds": [seconds(step, 1) for _ in range(options.repeats)],
        "before_mb": before,
        "peak_mb": peak_mb(),
        "edges": int(net.recurrent.sizes()[1]),
        "steps": n_steps,
    }


def gradient_step(net: Any, task: Any, trials: int) -> Callable[[int], None]:
    """Take the gradient with respect to all trained values, and a step against it, on the same trials."""
    import jax

    trial, made = task.sample(jax.random.key(1), trials), net.network
    values = {name: variable.value for name, variable in net.trainable_variables().items()}

    @jax.jit
    def step(values: Any, made: Any, trial: Any, key: jax.Array) -> Any:
        def error(values: Any) -> jax.Array:
            outputs = made.replaced(values).run(trial.inputs, key).outputs
            return ((outputs - trial.targets) ** 2 * trial.mask[:, :, None]).mean()

        loss, by = jax.value_and_grad(error)(values)
        return loss, {name: value - 1e-3 * by[name] for name, value in values.items()}

    def run(k: int) -> None:
        nonlocal values
        for _ in range(k):
            loss, values = step(values, made, trial, jax.random.key(2))
        if not np.isfinite(float(loss)):
            raise FloatingPointError(f"the loss is {float(loss)}")
        jax.block_until_ready(values)

    return run


def trainer_step(net: Any, task: Any, trials: int) -> Callable[[int], None]:
    """Train as a user does."""
    import eicon

    trainer = eicon.Trainer(net, task, optimizer="sgd", batch_size=trials, validation_repeats=1, seed=1)

    def run(k: int) -> None:
        for _ in range(k):
            trainer.fit(1, validate_every=10**9, progress=False)

    return run


def brain(kind: str, options: argparse.Namespace) -> dict[str, Any]:
    """Seconds of each run of a network of the size of a brain, and the largest memory of this process."""
    import jax
    import jax.numpy as jnp

    from eicon.models import Edges, RateRNN

    (n, m), before = options.brain, peak_mb()
    start = time.perf_counter()
    edges, ends = random_edges(n, m), np.arange(n)
    recurrent = Edges.of(edges.pop("pre"), edges.pop("post"), (n, n), **edges)
    inwards, outwards = Edges.of(ends % 2, ends, (2, n), weights=0.1), Edges.of(ends, ends % 2, (n, 2))
    made = RateRNN(recurrent, inwards, outwards, dt=1.0).network
    built = time.perf_counter() - start
    n_steps = {"long": LONG, "through": THROUGH}[kind] if n > 1000 else 5
    inputs = jnp.ones((n_steps, 1, 2))
    values = {"raw_rec": made.recurrent.raw}

    def last(values: Any, made: Any, inputs: Any) -> jax.Array:
        return (made.replaced(values).run(inputs).outputs ** 2).mean()

    def step(values: Any, made: Any, inputs: Any) -> Any:
        error, by = jax.value_and_grad(last)(values, made, inputs)
        return error, jax.tree.map(lambda value, g: value - 1e-3 * g, values, by)

    call = jax.jit({"long": last, "through": step}[kind])

    def run(k: int) -> None:
        for _ in range(k):
            jax.block_until_ready(call(values, made, inputs))

    run(1)
    return {
        "seconds": [seconds(run, 1) for _ in range(min(options.repeats, 5))],
        "before_mb": before,
        "peak_mb": peak_mb(),
        "built": built,
        "units": n,
        "edges": int(recurrent.sizes()[1]),
        "steps": n_steps,
    }


def storages(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Seconds of training steps of the same networks, with a dense matrix and with edges, in turn."""
    import jax
    import jax.numpy as jnp

    import eicon
    from eicon.models import Connectivity, Edges

    def error(values: Any, made: Any, inputs: Any) -> jax.Array:
        return (made.replaced(values).run(inputs).rates ** 2).mean()

    inputs, rng, rows = jnp.ones((COMPARED_STEPS, COMPARED_TRIALS, 2)), np.random.default_rng(1), []
    gradient = jax.jit(jax.value_and_grad(error))

    def repeated(values: Any, made: Any) -> Callable[[int], None]:
        return lambda k: repeat(lambda: gradient(values, made, inputs)[1]["raw_rec"], k)

    for n in options.compared:
        for density in options.densities:
            edges = random_edges(n, round(density * n * n))
            weights = np.zeros((n, n))
            weights[edges["pre"], edges["post"]] = edges["weights"]
            inwards, outwards = Connectivity.dense(2, n), Connectivity.dense(n, 2)
            dense = Connectivity(np.zeros(n), weights != 0, np.zeros((n, n)))
            networks = {
                "dense": eicon.RateRNN(dense, inwards, outwards, weights={"recurrent": weights}, seed=1),
                "edges": eicon.RateRNN(
                    Edges.of(edges["pre"], edges["post"], (n, n), weights=edges["weights"]), inwards, outwards, seed=1
                ),
            }
            runs, found = {}, {}
            for name, net in networks.items():
                made, values = net.network, {"raw_rec": net.network.recurrent.raw}
                runs[name], found[name] = repeated(values, made), float(gradient(values, made, inputs)[0])
            if not np.isclose(found["dense"], found["edges"], rtol=1e-3):
                raise ArithmeticError(f"losses differ: {found}")
            times = math.ceil(options.block / max(seconds(run, 1) for run in runs.values()))
            blocks: dict[str, list[float]] = {name: [] for name in runs}
            for _ in range(options.repeats):
                for name in rng.permutation(list(runs)).tolist():
                    blocks[name].append(seconds(runs[name], times) / times)
            rows.append({"n": n, "density": density, "connections": len(edges["pre"]), **blocks})
    return rows


def products(options: argparse.Namespace) -> dict[str, Any]:
    """Seconds of products of both kinds in alternation, by the number of columns."""
    import jax
    import jax.numpy as jnp
    from jax.experimental.sparse import BCSR
    from scipy.sparse import coo_array

    from eicon.models import Edges

    n, edges = options.units, random_edges(options.units, options.edges)
    pre, post, values = edges["pre"], edges["post"], edges["weights"].astype(np.float32)
    ours = jax.jit(lambda weights: weights.product())(Edges.of(pre, post, (n, n), weights=values))
    theirs = BCSR.from_scipy_sparse(coo_array((values, (post, pre)), (n, n)).tocsr())
    send, multiply = jax.jit(lambda product, r: product.send(r)), jax.jit(lambda matrix, r: matrix @ r)
    rng, found = np.random.default_rng(1), {}
    for columns in options.columns:
        rates = jax.random.normal(jax.random.key(columns), (columns, n))
        turned = jnp.asarray(rates.T)
        if not np.allclose(send(ours, rates), multiply(theirs, turned).T, rtol=1e-3, atol=1e-4):
            raise ArithmeticError(f"products of {columns} columns differ")
        runs = {
            "eicon": lambda k, r=rates: repeat(lambda: send(ours, r), k),
            "BCSR": lambda k, r=turned: repeat(lambda: multiply(theirs, r), k),
        }
        times = math.ceil(options.block / max(seconds(run, 3) / 3 for run in runs.values()))
        blocks: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(options.repeats):
            for name in rng.permutation(list(runs)).tolist():
                blocks[name].append(seconds(runs[name], times) / times)
        found[str(columns)] = blocks
    return found


def repeat(call: Callable[[], Any], k: int) -> None:
    """Call `k` times, and wait for each result."""
    for _ in range(k):
        call().block_until_ready()


PARTS: dict[str, Callable[[argparse.Namespace], Any]] = {
    "products": products,
    "long": partial(brain, "long"),
    "through": partial(brain, "through"),
    "storages": storages,
}


def spawn(what: str, options: argparse.Namespace) -> dict[str, Any]:
    """Run one part in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.edges", "--worker", what]
    for name in SIZES:
        value = getattr(options, name)
        command += [f"--{name}", *map(str, value if isinstance(value, list) else [value])]
    env = {**os.environ, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{what}: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


TRAINING = {
    "step": "{what}",
    "s": "{middle:.3f}",
    "fastest, slowest": "{low:.3f} - {high:.3f}",
    "memory before, MB": "{before_mb:.0f}",
    "at most, MB": "{peak_mb:.0f}",
}
PRODUCT = {
    "columns": "{columns}",
    "`send`, ms": "{ours:.2f}",
    "BCSR, ms": "{theirs:.2f}",
    "ratio": "{ratio:.2f}",
    "95 % interval": "{low:.2f} - {high:.2f}",
}


LARGE = {
    "run": "{what}",
    "s": "{middle:.2f}",
    "fastest, slowest": "{low:.2f} - {high:.2f}",
    "built in, s": "{built:.1f}",
    "memory before, MB": "{before_mb:.0f}",
    "at most, MB": "{peak_mb:.0f}",
}
STORAGE = {
    "N": "{n}",
    "density": "{density:.0%}",
    "connections": "{connections}",
    "dense, ms": "{first:.1f}",
    "edges, ms": "{second:.1f}",
    "edges / dense": "{ratio:.2f}",
    "95 % interval": "{low:.2f} - {high:.2f}",
}


def timed(found: Mapping[str, Any], what: str) -> dict[str, Any]:
    """Row of a table."""
    times = found["seconds"]
    return {**found, "what": what, "middle": statistics.median(times), "low": min(times), "high": max(times)}


def page(found: Mapping[str, Any], options: argparse.Namespace, facts: Mapping[str, Any]) -> str:
    """Markdown page of both tables."""
    rows = [timed(found[kind], what) for kind, what in TRAININGS.items()]
    large = [timed(found[kind], what.format(**found[kind])) for kind, what in BRAIN.items()]
    compared = [
        {
            **row,
            "first": 1e3 * statistics.median(row["dense"]),
            "second": 1e3 * statistics.median(row["edges"]),
            **interval(row["edges"], row["dense"]),
        }
        for row in found["storages"]
    ]
    multiplied = [
        {
            "columns": columns,
            "ours": 1e3 * statistics.median(blocks["eicon"]),
            "theirs": 1e3 * statistics.median(blocks["BCSR"]),
            **interval(blocks["eicon"], blocks["BCSR"]),
        }
        for columns, blocks in found["products"].items()
    ]
    first = found["gradient"]
    parts = [
        "# Sparse weights of a large network",
        report.paragraph(
            f"""{options.units} units, {first["edges"]} random connections (`Edges`), each source with one sign; trials
            of {first["steps"]} time steps, {options.trials} at a time. Medians of {options.repeats} steps after
            compilation; memory is the largest resident set of a process that does nothing else, before the first step
            and in total."""
        ),
        report.markdown(TRAINING, rows),
        report.paragraph(
            f"""A product with the rates of several trials (columns), `weights.product().send(r)`, compared with
            `jax.experimental.sparse.BCSR` times the same rates, already transposed; in {options.repeats} alternations
            in random order. The ratio is that of the medians, with a bootstrap interval over alternations."""
        ),
        report.markdown(PRODUCT, multiplied),
        report.paragraph(
            f"""The size of the whole brain of a fly: {large[0]["units"]} units and {large[0]["edges"]} random
            connections, each with its own trained value."""
        ),
        report.markdown(LARGE, large),
        "## Edges or a dense matrix",
        report.paragraph(
            f"""The same random networks with both kinds of weights, without groups: loss and gradient with respect to
            recurrent weights, {COMPARED_STEPS} time steps, {COMPARED_TRIALS} trials, in {options.repeats} alternations
            in random order."""
        ),
        report.markdown(STORAGE, compared),
        report.paragraph(
            """Consequence for `RateRNN.from_connectome`: edges for more than 5,000 units, and from 500 units on if
            fewer than 5 % of all pairs are connected; otherwise a dense matrix."""
        ),
        report.measured_on(facts),
    ]
    return "\n\n".join(parts) + "\n"


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; ``--quick`` only replaces defaults."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.edges", description=__doc__.split("\n")[0])
    parser.add_argument("--units", type=int, help="(default: 45669)")
    parser.add_argument("--edges", type=int, help="connections (default: 1500000)")
    parser.add_argument("--trials", type=int, help="trials in a training step (default: 4)")
    parser.add_argument("--columns", type=int, nargs="+", help="columns of products (default: 1 4 8 16 32)")
    parser.add_argument("--brain", type=int, nargs=2, help="units and connections (default: 139255 2700000)")
    parser.add_argument("--compared", type=int, nargs="+", help="units, with both storages (default: 220 1000 3000)")
    parser.add_argument("--densities", type=float, nargs="+", help="(default: 0.01 0.02 0.05 0.1 0.2 0.5)")
    parser.add_argument("--repeats", type=int, help="training steps, and alternations (default: 12)")
    parser.add_argument("--block", type=float, help="seconds of a block of short runs (default: 0.2)")
    parser.add_argument("--quick", action="store_true", help="all parts, with a tiny network")
    parser.add_argument("--out", type=Path, default=Path("results/bench/edges.json"), help="all times")
    parser.add_argument("--page", type=Path, help="Markdown page")
    parser.add_argument("--worker", choices=[*TRAININGS, *PARTS], help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    for name, value in (QUICK if options.quick else SIZES).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    if min(options.units, options.edges, options.trials, options.repeats, *options.columns) < 1:
        parser.error("--units, --edges, --trials, --repeats and --columns must be at least 1")
    return options


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write the requested files; or run one part in this process."""
    options = parse(argv)
    if options.worker:
        part = PARTS.get(options.worker, partial(training, options.worker))
        print(json.dumps(part(options)))
        return 0
    facts, found = machine(), {}
    for what in (*TRAININGS, *PARTS):
        start = time.perf_counter()
        found[what] = spawn(what, options)
        print(f"{what}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    text = page(found, options, facts)
    print(text)
    if options.page is not None:
        words = " ".join(["python -m benchmarks.edges", *(sys.argv[1:] if argv is None else argv)])
        options.page.parent.mkdir(parents=True, exist_ok=True)
        options.page.write_text(f"{text}\n`{words}`\n", encoding="utf-8")
    report.write_json(options.out, {"machine": facts, **found})
    return 0


if __name__ == "__main__":
    sys.exit(main())
