"""Time and memory of expanding the marmoset connectome.

    python -m benchmarks.expansion --connectome C_Marmoset_Normalized.npy

prints seconds and bytes.
"""

import argparse
import random
import statistics
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
from scipy import sparse as sp

from eicon.connectomes._expand import expand
from studies.common import random_regions

TARGET_SPARSITY, INTRINSIC_SHARE = 0.8, 0.8


def loops(weights: np.ndarray, k: int, seed: int) -> np.ndarray:
    """Expand by plain loops over pairs of regions, source neurons and connections, by stick-breaking."""
    chance = random.Random(seed)
    n = len(weights)
    out = np.zeros((n * k, n * k), np.float32)
    for i in range(n):
        for j in range(n):
            own = i == j
            total = INTRINSIC_SHARE / (1 - INTRINSIC_SHARE) * weights[i].sum() if own else weights[i, j]
            if total == 0:
                continue
            places = []
            for source in range(i * k, (i + 1) * k):
                pool = [target for target in range(j * k, (j + 1) * k) if target != source]
                contacts = k - 1 if own else max(1, round(TARGET_SPARSITY * k))
                places += [(source, target) for target in chance.sample(pool, contacts)]
            parts, remains = [], float(total)
            for _ in places[1:]:
                parts.append(chance.uniform(0.0, remains))
                remains -= parts[-1]
            parts.append(remains)
            chance.shuffle(parts)
            for (source, target), part in zip(places, parts, strict=True):
                out[source, target] = part
    return out


def result_size(weights) -> float:
    """Return the MB of a dense or CSR matrix."""
    parts = (weights.data, weights.indices, weights.indptr) if sp.issparse(weights) else (weights,)
    return sum(part.nbytes for part in parts) / 1e6


def measure(run, repeats: int) -> tuple[float, float]:
    """Return the median time in s of `repeats` runs, and the peak of traced memory in MB of one more."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return statistics.median(times), peak / 1e6


def main(argv: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.expansion", description=__doc__)
    parser.add_argument("--connectome", type=Path, help="npy of region weights (default: random, as large and dense)")
    parser.add_argument("--neurons", type=int, nargs="+", help="neurons per region (default: 4 16 64)")
    parser.add_argument("--repeats", type=int, help="(default: 7)")
    parser.add_argument("--loop-repeats", type=int, help="runs of the reference in plain Python (default: 3)")
    parser.add_argument("--quick", action="store_true", help="few neurons, one run")
    args = parser.parse_args(argv)
    args.neurons = args.neurons or ([2] if args.quick else [4, 16, 64])
    args.repeats, args.loop_repeats = (
        args.repeats or (1 if args.quick else 7),
        args.loop_repeats or (1 if args.quick else 3),
    )
    if args.connectome is None:
        weights = random_regions()
        name = f"random matrix, {len(weights)} regions"
    else:
        name, weights = args.connectome.stem, np.load(args.connectome, allow_pickle=False)
    print(f"{name}; partition random; medians of {args.repeats} runs (loops: {args.loop_repeats})")
    print(f"{'k':>4} {'N':>6} {'form':>7} {'time/s':>8} {'peak/MB':>8} {'result/MB':>9} {'loops/s':>8} {'ratio':>6}")
    for k in args.neurons:
        slow = statistics.median(_timed(lambda k=k: loops(weights, k, 0)) for _ in range(args.loop_repeats))
        for sparse in (False, True):
            size = result_size(expand(weights, k, partition="random", sparse=sparse).weights)
            quick, peak = measure(lambda k=k, s=sparse: expand(weights, k, partition="random", sparse=s), args.repeats)
            form = "sparse" if sparse else "dense"
            print(
                f"{k:4d} {k * len(weights):6d} {form:>7} {quick:8.4f} {peak:8.1f} {size:9.1f} {slow:8.3f} "
                f"{slow / quick:6.0f}"
            )
    return 0


def _timed(run) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
