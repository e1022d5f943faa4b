"""Run the variants in turn, one subprocess per variant, size and repetition.

The variants take turns, so a drift of the machine (heat, neighbours) affects all of them alike. This module
imports neither jax nor torch: the parent's memory would count towards its children's peak.
"""

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.variants import VARIANTS
from benchmarks.worker import MARK, SPAWN_TIME

ROOT = Path(__file__).resolve().parents[1]


class Failure(NamedTuple):
    """A variant that did not run at one size, and the last line of its error."""

    variant: str
    n_rec: int
    message: str


def missing(variants: Sequence[str]) -> dict[str, str]:
    """Return the variants whose optional package is absent, and that package."""
    absent = {}
    for name in variants:
        package = VARIANTS[name].requires
        if package is not None and importlib.util.find_spec(package) is None:
            absent[name] = package
    return absent


def run_one(name: str, n_rec: int, block_s: float, timeout_s: float) -> dict[str, Any]:
    """Time one variant once in a fresh process; raise `RuntimeError` with its last error line if it fails."""
    command = [sys.executable, "-m", "benchmarks.worker", name, str(n_rec), str(block_s)]
    env = {"JAX_PLATFORMS": "cpu", **os.environ, SPAWN_TIME: repr(time.time())}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=pipe, stderr=pipe, text=True) as child:
        try:
            stdout, stderr = child.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"no result within {timeout_s:g} s") from None
        finally:
            # Still alive after a timeout or Ctrl-C only.
            if child.poll() is None:
                child.kill()
                child.wait()
    results = [line for line in stdout.splitlines() if line.startswith(MARK)]
    if child.returncode != 0 or not results:
        lines = [line.strip() for line in stderr.splitlines() if line.strip()]
        raise RuntimeError(lines[-1] if lines else f"exit status {child.returncode} without a message")
    return json.loads(results[-1].removeprefix(MARK))


def run_all(
    variants: Sequence[str], sizes: Sequence[int], repeats: int, block_s: float, timeout_s: float
) -> tuple[list[dict[str, Any]], list[Failure]]:
    """Time all variants at all sizes; a variant that fails at one size is left out of its later rounds.

    Returns
    -------
    records
        One dictionary per subprocess: the worker's result with `variant`, `n_rec` and `repeat`.
    failures
        The variants that failed.
    """
    records: list[dict[str, Any]] = []
    failures: list[Failure] = []
    for n_rec in sizes:
        alive = list(variants)
        for repeat in range(repeats):
            for name in tuple(alive):
                label = f"N={n_rec:<5d} round {repeat + 1}/{repeats}  {name:<6s}"
                try:
                    result = run_one(name, n_rec, block_s, timeout_s)
                except RuntimeError as err:
                    alive.remove(name)
                    failures.append(Failure(name, n_rec, str(err)))
                    print(f"{label} FAILED: {err}", file=sys.stderr, flush=True)
                    continue
                records.append({"variant": name, "n_rec": n_rec, "repeat": repeat, **result})
                print(f"{label} {result['ms_per_step']:9.3f} ms per step", file=sys.stderr, flush=True)
    return records, failures
