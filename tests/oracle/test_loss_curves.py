"""Training gives the curves that it gave with commit 10cabf5, whose wheel is trained beside the eicon at hand.

Curves differ between machines and versions of JAX, so that they are not stored: both eicons run the same script here,
each in a process of its own, and share JAX's cache of compiled code (what compiles to the same is compiled once).
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import eicon

from .quantities import DATA, deviation

WHEEL = DATA / "eicon-0.1.0-py3-none-any.whl"
SCRIPT = Path(__file__).with_name("curves.py")
TOLERANCE = 1e-6


def run(*words, **environment):
    process = subprocess.run(
        [sys.executable, *map(str, words)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=900.0,
    )
    assert process.returncode == 0, f"{' '.join(map(str, words))}\n{process.stdout[-2000:]}\n{process.stderr[-4000:]}"


def train_both(folder, kinds):
    """Write ``then/KIND.npz`` with the wheel's eicon and ``now/KIND.npz`` with the one at hand."""
    pip = ("-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "--no-index")
    run(*pip, "--target", folder / "wheel", WHEEL)
    cache = {
        "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    for name, packages in (("then", folder / "wheel"), ("now", Path(eicon.__file__).parents[1])):
        run("-P", SCRIPT, packages, folder / name, *kinds, PYTHONPATH=str(packages), **cache)


def read(path):
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def off(name, here, then):
    """Largest difference: of weights as a fraction of the largest, of curves as a fraction of each of their values."""
    if here.shape != then.shape or (np.isnan(here) != np.isnan(then)).any():
        return float("inf")
    here, then = np.nan_to_num(here), np.nan_to_num(then)
    if name.startswith(("parameter/", "W_")):
        return deviation(here, then)
    scale = np.abs(then)
    return float(np.max(np.abs(here - then) / np.where(scale > 0, scale, 1.0)))


@pytest.mark.parametrize(
    "kinds",
    [
        ("trainer", "epochs", "hessian_free"),
        pytest.param(("train_command", "sweep_command"), marks=pytest.mark.battery),
    ],
    ids="-".join,
)
def test_training_gives_the_same_curves_and_weights(kinds, tmp_path):
    train_both(tmp_path, kinds)
    for kind in kinds:
        then, here = read(tmp_path / "then" / f"{kind}.npz"), read(tmp_path / "now" / f"{kind}.npz")
        assert then.keys() <= here.keys(), f"{kind} lacks {sorted(then.keys() - here.keys())}"
        distances = {name: off(name, here[name], then[name]) for name in then}
        too_far = {name: f"{value:.2e}" for name, value in distances.items() if not value <= TOLERANCE}
        assert not too_far, f"{kind}: relative deviations from 10cabf5 are {too_far}; at most {TOLERANCE:g} is allowed"
        # Or equal curves would say nothing.
        loss = then["loss" if "loss" in then else "train_loss"]
        assert np.isfinite(loss).all()
        assert len(set(loss.tolist())) == len(loss) >= 3
        assert loss[-1] < loss[0]
