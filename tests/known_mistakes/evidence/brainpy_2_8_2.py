"""Known mistakes 23 (brainpy-datasets 0.0.0.7) and 27 (BrainPy 2.8.2), with the packages themselves.

Commands:

    python3.11 -m venv env && env/bin/pip install brainpy==2.8.2 brainpy-datasets==0.0.0.7
    env/bin/python brainpy_2_8_2.py
"""

# ruff: noqa: T201

import itertools

import brainpy as bp
import brainpy.math as bm
import brainpy_datasets as bd
import jax.numpy as jnp
import numpy as np


def first_steps() -> dict[str, int]:
    """Return the first steps at which the ready signal, the set signal and the go target of a trial are on."""
    inputs, targets, _ = bd.cognitive.RateReadySetGo(dt=20.0, seed=0).sample_a_trial(0)
    return {
        "set": int(np.flatnonzero(inputs[:, 2])[0]),
        "go": int(np.flatnonzero(targets)[0]),
        "ready": int(np.flatnonzero(inputs[:, 1])[0]),
    }


def corners_that_are_left() -> tuple[int, int]:
    """Return how many of the 8 corners of an ideal flip-flop are found, and how many `exclude_outliers` leaves."""
    corners = np.array(list(itertools.product([-1.0, 1.0], repeat=3)))
    finder = bp.analysis.SlowPointFinder(lambda x: -x + jnp.tanh(2.0 * x), f_type="continuous", verbose=False)
    finder.find_fps_with_opt_solver(bm.asarray(corners))
    finder.keep_unique()
    found = finder.num_fps
    finder.exclude_outliers()
    return found, finder.num_fps


def main() -> None:
    """Print one line for each mistake."""
    print(f"23: first steps of a trial of RateReadySetGo: {first_steps()}")
    found, left = corners_that_are_left()
    print(f"27: corners found: {found}; after exclude_outliers with its default: {left}")


if __name__ == "__main__":
    main()
