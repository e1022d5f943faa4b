"""Time training compared with version 0.1.0, and cells with more variables compared with the leaky one, in turn.

    python -m benchmarks.alternating --page docs/results/alternating.md

Both versions stay alive in processes of their own, with the same number of threads, and run one block of the same
training at a time, in random order within a pair. Compilation ends before the first block. Each comparison uses
several pairs of processes, because the location of a process's memory affects its speed.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.runner import ROOT
from eicon._one_thread import ONE_THREAD
from studies.common import machine

WHEEL = ROOT / "tests" / "oracle" / "data" / "eicon-0.1.0-py3-none-any.whl"
SCRIPT = ROOT / "benchmarks" / "variants" / "fits.py"
SIZES = {"n": [50, 200, 1000], "activations": ["relu", "tanh"], "alternations": 20, "starts": 4, "block": 1.0}
QUICK = {"n": [10], "activations": ["relu"], "alternations": 2, "starts": 1, "block": 0.01}
PARTS = ("steps", "epochs", "cells")
CELLS = {"Leaky": 1.0, "Adapting": 1.4, "Plastic": 2.1}
"""Cells, and the longest step allowed for each, as a multiple of the step of the first."""
BATCH, TRIALS = 32, 500
DRAWS = 10_000
"""Number of draws of the bootstrap."""

Times = dict[str, list[float]]


class Worker:
    """A process with one eicon that runs `benchmarks.variants.fits`; a context that ends it."""

    def __init__(self, packages: Path, threads: int) -> None:
        settings = {name: str(threads) for name, value in ONE_THREAD.items() if value == "1"}
        env = {**os.environ, **settings, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(packages)}
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed in __exit__)
        pipe = subprocess.PIPE
        command = [sys.executable, "-P", str(SCRIPT), str(packages)]
        self.process = subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, stderr=self.errors, text=True)

    def tell(self, **request: Any) -> None:
        """Send a request."""
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()

    def hear(self) -> float:
        """Wait for the answer; raise `RuntimeError` with the process's last line if it ended instead."""
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        self.process.wait()
        self.errors.seek(0)
        lines = self.errors.read().strip().splitlines()
        raise RuntimeError(f"a worker ended: {lines[-1] if lines else self.process.returncode}")

    def ask(self, **request: Any) -> float:
        """Send a request and wait for its answer."""
        self.tell(**request)
        return self.hear()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()
        self.errors.close()


def install(folder: Path) -> Path:
    """Unpack version 0.1.0 into a folder, and return it."""
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", str(folder), str(WHEEL)], check=True)
    return folder


def alternate(
    workers: Mapping[str, Worker], cases: Mapping[str, Mapping[str, Any]], options: argparse.Namespace, seed: int
) -> Times:
    """Seconds of one unit (a step, an epoch) in each block of each case; one worker per case, or one for all."""
    for name, case in cases.items():
        workers[name].tell(build=name, case=case)
    longest = max(workers[name].hear() for name in cases)
    times = max(1, math.ceil(options.block / longest))
    rng, blocks = np.random.default_rng(seed), {name: [] for name in cases}
    for _ in range(math.ceil(options.alternations / options.starts)):
        for name in rng.permutation(list(cases)).tolist():
            blocks[name].append(workers[name].ask(run=name, times=times) / times / cases[name]["unit"])
    return blocks


def compare(cases: Mapping[str, Mapping[str, Any]], packages: Sequence[Path], options: argparse.Namespace) -> Times:
    """Alternate in as many fresh processes as there are folders of packages, several times."""
    found: Times = {name: [] for name in cases}
    for seed in range(options.starts):
        with ExitStack() as stack:
            made = [stack.enter_context(Worker(folder, options.threads)) for folder in packages]
            workers = {name: made[i % len(made)] for i, name in enumerate(cases)}
            for name, several in alternate(workers, cases, options, seed).items():
                found[name] += several
    return found


def interval(over: Sequence[float], under: Sequence[float]) -> dict[str, float]:
    """Ratio of the medians of paired blocks, its 95 % bootstrap interval over pairs, and the median ratio of a pair."""
    pairs = np.array([over, under])
    drawn = pairs[:, np.random.default_rng(0).integers(0, pairs.shape[1], (DRAWS, pairs.shape[1]))]
    top, bottom = np.median(drawn, axis=2)
    low, high = np.quantile(top / bottom, [0.025, 0.975])
    return {
        "ratio": statistics.median(over) / statistics.median(under),
        "low": float(low),
        "high": float(high),
        "of_pairs": float(np.median(pairs[0] / pairs[1])),
    }


def unit_of(n: int) -> int:
    """Steps in one call: fewer in large networks."""
    return max(1, min(50, 5000 // n))


def by_version(case: Mapping[str, Any], then: Path, options: argparse.Namespace) -> tuple[Times, dict[str, Any]]:
    """One training in both versions: blocks, and a row of the table."""
    times = compare({"then": case, "now": case}, [then, ROOT], options)
    middle = {name: 1e3 * statistics.median(blocks) for name, blocks in times.items()}
    return times, {"n": case["n"], "activation": case["activation"], **middle, **interval(times["now"], times["then"])}


def by_cell(work: str, n: int, options: argparse.Namespace) -> tuple[Times, list[dict[str, Any]]]:
    """One kind of work with every cell, in one process: blocks, and rows of the table."""
    cases = {
        name: {"work": work, "n": n, "activation": "relu", "cell": name, "batch": BATCH, "unit": unit_of(n)}
        for name in CELLS
    }
    times = compare(cases, [ROOT], options)
    words = {"gradient": "gradient", "steps": "training step"}[work]
    return times, [
        {
            "what": words,
            "n": n,
            "cell": name,
            "ms": 1e3 * statistics.median(blocks),
            **interval(blocks, times["Leaky"]),
            "goal": f"{CELLS[name]:.1f}" if name != "Leaky" else "",
        }
        for name, blocks in times.items()
    ]


RATIO = {"ratio": "{ratio:.3f}", "95 % interval": "{low:.3f} - {high:.3f}", "ratio of pairs": "{of_pairs:.3f}"}
VERSIONS = {"N": "{n}", "activation": "{activation}", "0.1.0, ms": "{then:.3f}", "now, ms": "{now:.3f}", **RATIO}
CELL = {"what": "{what}", "cell": "{cell}", "ms": "{ms:.3f}", **RATIO, "at most": "{goal}"}


def page(tables: Mapping[str, list[dict[str, Any]]], options: argparse.Namespace, facts: Mapping[str, Any]) -> str:
    """Markdown page of all tables."""
    pairs = options.starts * math.ceil(options.alternations / options.starts)
    threads = "one thread" if options.threads == 1 else f"{options.threads} threads"
    parts = [
        "# Training time compared with version 0.1.0",
        report.paragraph(
            f"""Both versions train the same dense Dale networks with the same settings, each in a separate process
            with {threads}. They take turns, a block of about {options.block:g} s each, in random order within each of
            {pairs} pairs of blocks; for each row, new processes are started {options.starts} times, and compilation is
            not timed. Times are medians; a ratio is that of the medians, now / 0.1.0, with a bootstrap interval over
            pairs; the last column is the median of the ratios of pairs."""
        ),
    ]
    if "steps" in tables:
        text = f"A step of `Trainer`: perceptual decision, 60 time steps, {BATCH} trials, noise, Adam."
        parts += [text, report.markdown(VERSIONS, tables["steps"])]
    if "epochs" in tables:
        text = f"""An epoch on fixed trials: sequence memory, {TRIALS} trials, a fifth of them for validation,
            batches of {BATCH}, noise, Adam."""
        parts += [report.paragraph(text), report.markdown(VERSIONS, tables["epochs"])]
    if "cells" in tables:
        text = f"""Current version, relu networks of {tables["cells"][0]["n"]} units, all cells in one process,
            alternating as above. A gradient is that of the loss with respect to all weights, without noise; a training
            step is one of `Trainer`, with the task above. Ratios are relative to the leaky cell."""
        parts += ["## Cells", report.paragraph(text), report.markdown(CELL, tables["cells"])]
    return "\n\n".join([*parts, report.measured_on(facts)]) + "\n"


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; ``--quick`` only replaces defaults."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alternating", description=__doc__.split("\n")[0])
    parser.add_argument("--n", type=int, nargs="+", help="recurrent units (default: 50 200 1000)")
    parser.add_argument("--alternations", type=int, help="pairs of blocks (default: 20)")
    parser.add_argument("--starts", type=int, help="pairs of processes that share them (default: 4)")
    parser.add_argument("--block", type=float, help="seconds of a block (default: 1)")
    parser.add_argument("--activations", nargs="+", help="(default: relu tanh)")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="(default: all)")
    parser.add_argument("--threads", type=int, default=1, help="threads of each process (default: 1)")
    parser.add_argument("--quick", action="store_true", help="all parts, with tiny networks and short blocks")
    parser.add_argument("--out", type=Path, default=Path("results/bench/alternating.json"), help="times of all blocks")
    parser.add_argument("--page", type=Path, help="Markdown page")
    options = parser.parse_args(argv)
    for name, value in (QUICK if options.quick else SIZES).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    if min(*options.n, options.alternations, options.starts, options.threads) < 1:
        parser.error("--n, --alternations, --starts and --threads must be at least 1")
    options.starts = min(options.starts, options.alternations)
    return options


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write the requested files."""
    options, facts = parse(argv), machine()
    tables: dict[str, list[dict[str, Any]]] = {}
    records: dict[str, Times] = {}

    def keep(part: str, name: str, times: Times, rows: list[dict[str, Any]]) -> None:
        records[name] = times
        tables.setdefault(part, []).extend(rows)
        for row in rows:
            print(name, *(f"{k} {v:.4g}" if isinstance(v, float) else v for k, v in row.items()), flush=True)

    with tempfile.TemporaryDirectory() as folder:
        then = install(Path(folder)) if {"steps", "epochs"} & set(options.parts) else Path(folder)
        sizes = {"steps": options.n, "epochs": [min(100, max(options.n))]}
        for part in [part for part in PARTS if part in options.parts and part != "cells"]:
            for n in sizes[part]:
                for activation in options.activations:
                    unit = unit_of(n) if part == "steps" else 10
                    case = {"work": part, "n": n, "activation": activation, "batch": BATCH, "unit": unit}
                    case |= {"trials": TRIALS} if part == "epochs" else {}
                    times, row = by_version(case, then, options)
                    keep(part, f"{part}, {n}, {activation}", times, [row])
        for work in ("gradient", "steps") if "cells" in options.parts else ():
            n = min(200, max(options.n))
            times, rows = by_cell(work, n, options)
            keep("cells", f"cells, {work}", times, rows)
    text = page(tables, options, facts)
    print(text)
    if options.page is not None:
        words = " ".join(["python -m benchmarks.alternating", *(sys.argv[1:] if argv is None else argv)])
        options.page.parent.mkdir(parents=True, exist_ok=True)
        options.page.write_text(f"{text}\n`{words}`\n", encoding="utf-8")
    report.write_json(options.out, {"machine": facts, "tables": tables, "seconds": records})
    return 0


if __name__ == "__main__":
    sys.exit(main())
