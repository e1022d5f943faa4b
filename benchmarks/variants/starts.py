"""The first fifty steps of trainings that differ only in their seeds, in a process with nothing compiled before.

`benchmarks.startup` starts this file by its path, with the folder that eicon must come from. It prints a line of JSON:
for each seed the seconds from the end of the imports (or of the previous seed) to the end of step 50 and its
validation, and the number of programs compiled in that time.
"""

import json
import sys
import time
from pathlib import Path

import jax

import eicon

STEPS = 50
COMPILED = "/jax/core/compile/backend_compile_duration"


def main(packages: Path, n: int, seeds: int) -> None:
    """Print the times."""
    if Path(eicon.__file__).resolve().parents[1] != packages.resolve():
        raise RuntimeError(f"eicon was to come from {packages}; it came from {eicon.__file__}.")
    dale, trainer, task = eicon.RateRNN.dale, eicon.Trainer, eicon.PerceptualDecision()  # imports all
    compiled = 0

    def count(event: str, duration: float, **_: object) -> None:
        nonlocal compiled
        compiled += event == COMPILED

    jax.monitoring.register_event_duration_secs_listener(count)
    found = []
    for seed in range(seeds):
        before, start = compiled, time.perf_counter()
        net = dale(task.n_in, n, task.n_out, sigma_rec=0.15, seed=seed)
        trainer(net, task, seed=seed).fit(STEPS, progress=False)
        found.append([time.perf_counter() - start, compiled - before])
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
