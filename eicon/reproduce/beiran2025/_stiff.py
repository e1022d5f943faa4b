"""Stiff and sloppy directions of gains and biases, and errors of students along them."""

from itertools import pairwise

import numpy as np

from ..._key import key as key_of
from ...models import RateRNN
from ...studies._stiffness import stiffness
from .._parts import Keep, Measures, Part
from ._students import of_kind, round_to
from ._teachers import FITTED, Cycling, read_numbers, shown, teacher_of
from ._units import with_units

EDGES = (0, 1, 3, 10, 30, 100, 300)
"""First ranks of the groups of directions whose errors are averaged, stiffest first."""


def measure_stiffness(part: Part, keep: Keep) -> Measures:
    """Compute the spectrum of the Gauss-Newton matrix at a teacher's gains and biases, for a student's recorded units.

    Squared errors of the student, in standard deviations over units, are averaged over directions of similar rank: an
    untrained student with permuted parameters has errors of about 2 in all of them.

    Raises
    ------
    FileNotFoundError
        If the student is not fitted yet.
    """
    teacher, task = teacher_of(part, keep), Cycling(n_steps=part["n_steps"])
    fitted = shown(teacher, task.sample(key_of(FITTED + part["seed"]), part["trials"]))
    student = read_numbers(with_units(teacher), keep.folder / f"{part['student']}_network.npz")
    order = np.random.default_rng([part["seed"], 1]).permutation(teacher.n_rec)
    units = np.sort(order[: part["m"]])
    recording = of_kind(fitted, "current").of_units(units).of_trials(slice(part["used"]))
    true = with_units(teacher)
    found = stiffness(true, recording, n=2 * teacher.n_rec)
    error = (numbers_of(student) - numbers_of(true)) / found.scale
    squared = (found.vectors @ error) ** 2
    edges = [*(edge for edge in EDGES if edge < squared.size), squared.size]
    return {
        "values": [round_to(value, 4) for value in found.values],
        "n_fixed": found.n_fixed,
        "edges": edges,
        "squared_errors": [round_to(squared[a:b].mean(), 5) for a, b in pairwise(edges)],
    }


def numbers_of(net: RateRNN) -> np.ndarray:
    """Return trained values as one vector, in the order of `eicon.studies.results.Stiffness`."""
    values = net.parameters()
    return np.concatenate([np.asarray(values[name], np.float64) for name in sorted(net.trainable_variables())])
