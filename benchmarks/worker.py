"""Time one variant at one size in this process: ``python -m benchmarks.worker VARIANT N_REC BLOCK_S``.

The last line on stdout is ``RESULT`` followed by JSON. The environment variable `SPAWN_TIME` holds the
`time.time` at which the parent started this process.
"""

import importlib
import json
import math
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.variants import VARIANTS

MARK = "RESULT "
SPAWN_TIME = "EICON_BENCH_SPAWN_TIME"
N_BLOCKS = 5


def seconds(run: Callable[[int], None], k: int) -> float:
    """Return the duration of k steps."""
    start = time.perf_counter()
    run(k)
    return time.perf_counter() - start


def steps_per_block(run: Callable[[int], None], unit: int, block_s: float) -> int:
    """Return the number of steps, a multiple of `unit`, that lasts at least `block_s`, warming up."""
    k = unit
    while (took := seconds(run, k)) < block_s:
        growth = min(10.0, 1.2 * block_s / took)
        k = unit * max(k // unit + 1, math.ceil(growth * k / unit))
    return k


def peak_mb() -> float:
    """Return the peak memory of this process."""
    # Linux counts in KiB, macOS in bytes.
    per_mb = 1e6 if sys.platform == "darwin" else 1e6 / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / per_mb


def measure(name: str, n_rec: int, block_s: float) -> dict[str, Any]:
    """Build variant `name`, warm it up and time `N_BLOCKS` blocks."""
    spawned = float(os.environ.get(SPAWN_TIME, time.time()))
    module = importlib.import_module(f"benchmarks.variants.{VARIANTS[name].module}")
    unit = getattr(module, "STEPS_PER_CALL", 1)
    run = module.build(n_rec)
    run(unit)
    first_step_s = time.time() - spawned

    k = steps_per_block(run, unit, block_s)
    blocks = [1e3 * seconds(run, k) / k for _ in range(N_BLOCKS)]
    return {
        "ms_per_step": statistics.median(blocks),
        "min_ms_per_step": min(blocks),
        "blocks_ms_per_step": blocks,
        "steps_per_block": k,
        "first_step_s": first_step_s,
        "first_call_steps": unit,
        "peak_mb": peak_mb(),
        "note": getattr(run, "note", ""),
    }


if __name__ == "__main__":
    result = measure(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
    print(MARK + json.dumps(result), flush=True)
