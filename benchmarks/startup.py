"""Time the start of a training compared with version 0.1.0: fresh processes in turn, with nothing compiled before.

    python -m benchmarks.startup --page docs/results/startup.md

Each process trains a perceptual decision for fifty steps from one seed after the other; `benchmarks.variants.starts`
describes the timed parts.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.alternating import install, interval
from benchmarks.runner import ROOT
from studies.common import machine

SCRIPT = ROOT / "benchmarks" / "variants" / "starts.py"
COLUMNS = {
    "seed": "{seed}",
    "0.1.0, s": "{then:.2f}",
    "now, s": "{now:.2f}",
    "ratio": "{ratio:.3f}",
    "95 % interval": "{low:.3f} - {high:.3f}",
    "programs compiled, 0.1.0": "{compiled_then}",
    "now": "{compiled_now}",
}


def start(packages: Path, n: int, seeds: int) -> list[tuple[float, int]]:
    """Measure seconds and compiled programs of each seed, in a process of its own."""
    env = {**os.environ, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(packages)}
    env.pop("JAX_COMPILATION_CACHE_DIR", None)
    command = [sys.executable, "-P", str(SCRIPT), str(packages), str(n), str(seeds)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"a process ended: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write the requested files."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.startup", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--n", type=int, default=50, help="recurrent units (default: 50)")
    parser.add_argument("--seeds", type=int, default=8, help="trainings in a process (default: 8)")
    parser.add_argument("--alternations", type=int, default=7, help="pairs of processes (default: 7)")
    parser.add_argument("--quick", action="store_true", help="one pair of processes, two seeds, ten units")
    parser.add_argument("--page", type=Path, help="Markdown page")
    options = parser.parse_args(argv)
    if options.quick:
        options.n, options.seeds, options.alternations = 10, 2, 1
    facts = machine()
    with tempfile.TemporaryDirectory() as folder:
        packages = {"then": install(Path(folder)), "now": ROOT}
        found: dict[str, list[list[tuple[float, int]]]] = {name: [] for name in packages}
        for _ in range(options.alternations):
            for name, place in packages.items():
                found[name].append(start(place, options.n, options.seeds))
                print(name, *(f"{seconds:.2f}" for seconds, _ in found[name][-1]), flush=True)
    rows: list[dict[str, Any]] = []
    for seed in range(options.seeds):
        times = {name: [process[seed][0] for process in processes] for name, processes in found.items()}
        middle = {name: statistics.median(values) for name, values in times.items()}
        counts = {f"compiled_{name}": processes[0][seed][1] for name, processes in found.items()}
        rows.append({"seed": seed, **middle, **interval(times["now"], times["then"]), **counts})
    text = "\n\n".join(
        [
            "# The start of training compared with version 0.1.0",
            report.paragraph(
                f"""Seconds from the end of all imports to the end of step 50 of a perceptual decision ({options.n}
                units, batches of 32, default settings), including construction of network and trainer, compilation, and
                the validation after step 50; then the same for further seeds in the same process.
                {options.alternations} processes of each version, alternating, with all cores and no compilation cache.
                Times are medians; ratios are now / 0.1.0, with a bootstrap interval over pairs of processes."""
            ),
            report.markdown(COLUMNS, rows),
            report.measured_on(facts),
        ]
    )
    print(text)
    if options.page is not None:
        words = " ".join(["python -m benchmarks.startup", *(sys.argv[1:] if argv is None else argv)])
        options.page.parent.mkdir(parents=True, exist_ok=True)
        options.page.write_text(f"{text}\n\n`{words}`\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
