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
from eicon.training._checkpoint import read_history

from .quantities import DATA, deviation

WHEEL = DATA / "eicon-0.1.0-py3-none-any.whl"
SCRIPT = Path(__file__).with_name("curves.py")
TOLERANCE = 1e-5
LOOSER = {"grad_norm": 1e-4, "reduction_ratio": 1e-4}
"""Sums of numbers that nearly cancel."""
OF_CONJUGATE_GRADIENTS = {"loss": 1e-4, "validation_loss": 3e-4}
OF_CONJUGATE_GRADIENTS |= dict.fromkeys(("parameter/raw_rec", "parameter/raw_in", "W_rec", "W_in"), 1e-4)
"""What they make of rounding in single precision, in the kind "hessian_free"."""
FIFTY = ("dale", "connectome", "areas")
AT_FIRST = {"hessian_free": ("grad_norm", "reduction_ratio")}
"""What is compared in the first iteration alone: after it the gradient is the small rest that a step has left."""
EXEMPT = {"hessian_free": ("parameter/raw_out", "parameter/b_rec", "W_out")}
"""What rounding alone moves by more than 1e-4; see README.md."""


def run(*words, **environment):
    process = subprocess.run(
        [sys.executable, *map(str, words)],
        env={**os.environ, "XLA_FLAGS": "", **environment},
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
    for name, packages in (("then", folder / "wheel"), ("now", Path(eicon.__file__).parents[1])):
        run("-P", SCRIPT, packages, folder / name, *kinds, PYTHONPATH=str(packages))


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


def compared(kind, then, here):
    """By how much each quantity is off, and by how much it may be."""
    looser = LOOSER | (OF_CONJUGATE_GRADIENTS if kind == "hessian_free" else {})
    for name in then:
        if name in EXEMPT.get(kind, ()):
            continue
        plain = name.partition("/")[2] if kind in FIFTY else name
        first = slice(1) if name in AT_FIRST.get(kind, ()) else slice(None)
        yield name, off(plain, here[name][first], then[name][first]), looser.get(plain, TOLERANCE)


def check_checkpoint(path, curves):
    """The wheel's can be read, but not resumed."""
    history = read_history(path)
    for name in ("loss", "validation_loss", "validation_step"):
        np.testing.assert_array_equal(getattr(history, name), curves[name])
    task = eicon.PerceptualDecision()
    with pytest.raises(ValueError, match="checkpoint.npz was written by eicon 0.1.0, whose trainings"):
        eicon.Trainer(eicon.RateRNN.dale(2, 10, 2), task).resume(path)


@pytest.mark.battery
@pytest.mark.parametrize(
    "kinds",
    [
        ("trainer", "epochs", "hessian_free"),
        pytest.param(("train_command", "sweep_command"), marks=pytest.mark.slow),
        pytest.param(FIFTY, marks=pytest.mark.slow),
    ],
    ids="-".join,
)
def test_training_gives_the_same_curves_and_weights(kinds, tmp_path):
    train_both(tmp_path, kinds)
    for kind in kinds:
        then, here = read(tmp_path / "then" / f"{kind}.npz"), read(tmp_path / "now" / f"{kind}.npz")
        assert then.keys() <= here.keys(), f"{kind} lacks {sorted(then.keys() - here.keys())}"
        found = list(compared(kind, then, here))
        too_far = {name: f"{value:.2e} of {most:g}" for name, value, most in found if not value <= most}
        assert not too_far, f"{kind}: relative deviations from 10cabf5, and what is allowed: {too_far}"
        if kind == "trainer":
            check_checkpoint(tmp_path / "then" / kind / "checkpoint.npz", then)
        # Or equal curves would say nothing.
        for loss in (values for name, values in then.items() if name.rpartition("/")[2] in ("loss", "train_loss")):
            assert np.isfinite(loss).all()
            assert len(set(loss.tolist())) == len(loss) >= 3
            assert loss[-5:].mean() < loss[0]
